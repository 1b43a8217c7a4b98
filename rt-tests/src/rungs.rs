//! Two hundred rungs of a ladder diagram, drawn from a seed and written in the three languages of `benches/script`.
//!
//! Contacts in series and in parallel, seal-ins, exclusive and majority decisions, over inputs and markers; a marker may be
//! read before its rung, and is then that of the cycle before.

use crate::seeded::Random;
use std::fmt::Write;

/// Inputs `x0` and so on.
const INPUTS: usize = 64;
/// Markers `m0` and so on, one rung each.
const MARKERS: usize = 152;
/// Outputs `y0` and so on, one rung each.
const OUTPUTS: usize = 48;

/// A contact.
#[derive(Clone, Copy, PartialEq)]
enum Contact {
    Input(usize),
    Marker(usize),
}

/// What a rung writes.
#[derive(Clone, Copy)]
enum Coil {
    Marker(usize),
    Output(usize),
}

/// A rung: coil := the contacts, as a shape joins them.
struct Rung {
    coil: Coil,
    shape: &'static str,
    /// Four different ones.
    contacts: Vec<Contact>,
}

/// Letters stand for contacts, `=` for the coil's own marker.
const SHAPES: [&str; 6] = [
    "a && !b && c",
    "(a && b) || (c && !d)",
    "(a || =) && !b && c",
    "(a && !b) || (!a && b)",
    "(a && b) || (b && c) || (a && c)",
    "(a || b) && (c || !d)",
];

fn rungs() -> Vec<Rung> {
    let mut random = Random::new(200);
    let mut rungs = Vec::new();
    // After every third marker or so an output shows what has come of them.
    let (mut marker, mut output) = (0, 0);
    while marker < MARKERS || output < OUTPUTS {
        let shows = output * MARKERS < marker * OUTPUTS || marker == MARKERS;
        let coil = if shows { Coil::Output(output) } else { Coil::Marker(marker) };
        let mut below = |bound: usize| (random.next() % bound as u64) as usize;
        let mut contacts: Vec<Contact> = Vec::new();
        while contacts.len() < 4 {
            let contact = match below(10) {
                0..6 => Contact::Input(below(INPUTS)),
                6..9 if marker > 0 => Contact::Marker(below(marker)),
                _ => Contact::Marker(below(MARKERS)),
            };
            if !contacts.contains(&contact) {
                contacts.push(contact);
            }
        }
        let choice = below(SHAPES.len());
        let seals = SHAPES[choice].contains('=');
        let shape = SHAPES[if shows && seals { 0 } else { choice }];
        rungs.push(Rung { coil, shape, contacts });
        if shows { output += 1 } else { marker += 1 }
    }
    rungs
}

impl Rung {
    /// The right side, with `name` for contacts.
    fn expression(&self, name: impl Fn(Contact) -> String) -> String {
        let mut text = String::new();
        for letter in self.shape.chars() {
            match (letter, self.coil) {
                ('a'..='d', _) => text.push_str(&name(self.contacts[letter as usize - 'a' as usize])),
                ('=', Coil::Marker(own)) => text.push_str(&name(Contact::Marker(own))),
                _ => text.push(letter),
            }
        }
        text
    }
}

/// The files of `benches/script`: name and text.
pub fn files() -> [(&'static str, String); 3] {
    let rungs = rungs();
    [("logic.rhai", rhai(&rungs)), ("logic.rs", rust(&rungs)), ("logic.c", c(&rungs))]
}

const ORIGIN: &str = "Written by rt-tests/src/rungs.rs; a test keeps it up to date.";

fn rhai(rungs: &[Rung]) -> String {
    let mut text = format!("// Two hundred rungs. {ORIGIN}\n\nfn init() {{\n    #{{\n");
    for first in (0..MARKERS).step_by(8) {
        let fields: Vec<String> =
            (first..(first + 8).min(MARKERS)).map(|at| format!("m{at}: false")).collect();
        let _ = writeln!(text, "        {},", fields.join(", "));
    }
    text.push_str("    }\n}\n\nfn cycle() {\n");
    for rung in rungs {
        let right = rung.expression(|contact| match contact {
            Contact::Input(at) => format!("io.x{at}"),
            Contact::Marker(at) => format!("this.m{at}"),
        });
        let _ = match rung.coil {
            Coil::Marker(at) => writeln!(text, "    this.m{at} = {right};"),
            Coil::Output(at) => writeln!(text, "    io.y{at} = {right};"),
        };
    }
    text.push_str("}\n");
    text
}

fn rust(rungs: &[Rung]) -> String {
    let mut text = format!(
        "//! Two hundred rungs. {ORIGIN}\n\n#![allow(clippy::nonminimal_bool)]\n\nuse super::pins;\n"
    );
    let fields = |letter: char, count: usize| {
        let lines = (0..count).collect::<Vec<_>>();
        lines.chunks(8).fold(String::new(), |mut text, line| {
            let fields: Vec<String> = line.iter().map(|at| format!("{letter}{at}: bool")).collect();
            let _ = writeln!(text, "        {},", fields.join(", "));
            text
        })
    };
    let _ = write!(
        text,
        "\npins! {{\n    /// Contacts.\n    pub struct Inputs {{\n{}    }}\n}}\n",
        fields('x', INPUTS)
    );
    let _ = write!(
        text,
        "\npins! {{\n    /// Coils.\n    pub struct Outputs {{\n{}    }}\n}}\n",
        fields('y', OUTPUTS)
    );
    let markers = fields('m', MARKERS).replace("        ", "    ");
    let _ = write!(text, "\n/// Markers.\n#[derive(Default)]\npub struct Program {{\n{markers}}}\n");
    text.push_str("\nimpl Program {\n    /// One cycle.\n    pub fn cycle(&mut self, io: &Inputs, out: &mut Outputs) {\n");
    for rung in rungs {
        let right = rung.expression(|contact| match contact {
            Contact::Input(at) => format!("io.x{at}"),
            Contact::Marker(at) => format!("self.m{at}"),
        });
        let _ = match rung.coil {
            Coil::Marker(at) => writeln!(text, "        self.m{at} = {right};"),
            Coil::Output(at) => writeln!(text, "        out.y{at} = {right};"),
        };
    }
    text.push_str("    }\n}\n");
    text
}

fn c(rungs: &[Rung]) -> String {
    let mut text = format!("/* PROGRAM LOGIC: two hundred rungs. {ORIGIN} */\n#include \"iec.h\"\n\n");
    let each = |letter: char, count: usize, of: fn(&str) -> String| {
        (0..count).map(|at| of(&format!("{letter}{at}"))).collect::<String>()
    };
    let located = |name: &str| format!("    DECLARE_LOCATED(BOOL, {name})\n");
    let variable = |name: &str| format!("    DECLARE_VAR(BOOL, {name})\n");
    let _ = write!(
        text,
        "typedef struct {{\n{}{}{}}} PROGRAM_DATA;\n\nstatic PROGRAM_DATA instance;\n\n",
        each('X', INPUTS, located),
        each('Y', OUTPUTS, located),
        each('M', MARKERS, variable)
    );
    let at_start = |name: &str| format!("    INIT_LOCATED(BOOL, {name});\n");
    let cleared = |name: &str| format!("    INIT_VAR(me->{name}, FALSE);\n");
    let _ = write!(
        text,
        "void program_init(void) {{\n    PROGRAM_DATA *me = &instance;\n    memset(me, 0, sizeof *me);\n{}{}{}}}\n\n",
        each('X', INPUTS, at_start),
        each('Y', OUTPUTS, at_start),
        each('M', MARKERS, cleared)
    );
    text.push_str("void program_run(void) {\n    PROGRAM_DATA *me = &instance;\n");
    for rung in rungs {
        let right = rung.expression(|contact| match contact {
            Contact::Input(at) => format!("GET_LOCATED(me->X{at})"),
            Contact::Marker(at) => format!("GET_VAR(me->M{at}, )"),
        });
        let _ = match rung.coil {
            Coil::Marker(at) => writeln!(text, "    SET_VAR(me->M{at}, , {right});"),
            Coil::Output(at) => writeln!(text, "    SET_LOCATED(me->Y{at}, {right});"),
        };
    }
    text.push_str("}\n");
    text
}
