//! Values of a running cell, beside the names of its programs.

use super::{
    Location, Place, Snapshot, Unit,
    hints::Hint,
    hover,
    snapshot::{CELL_FILE, range},
    symbol::{self, Symbol},
};
use crate::online::Live;
use sensai_scripts::{
    hir::FileId,
    syntax::ast::AstNode,
    uses::{Entity, Use},
};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    ops::Range,
};

/// Elements of a list, and letters of a text, that are shown.
const SHOWN_MAX: usize = 8;

/// What a name has now.
#[derive(Clone, Debug, PartialEq)]
pub struct Now {
    /// Its value, short.
    pub value: String,
    /// Its unit.
    pub unit: Option<String>,
    /// What is special about it.
    pub mark: &'static str,
}

impl Now {
    /// In a few letters.
    pub fn text(&self) -> String {
        let unit = self.unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"));
        format!("{}{unit}{}", self.value, self.mark)
    }
}

/// What there is to say of the value of a name at a place, as Markdown.
pub fn hover(snapshot: &Snapshot, place: &Place, live: &Live) -> Option<String> {
    let now = if place.path == CELL_FILE {
        of_symbol(snapshot, &symbol::at(snapshot, place)?.0, live)?
    } else {
        let (unit, file) = snapshot.unit(&place.path)?;
        let names = Names::of(unit, file);
        let mut uses = unit.analysed.uses.at(file, place.at as u32);
        uses.find_map(|found| names.now(found, live))?
    };
    Some(format!("\nnow: **{}** (cycle {})\n", now.text(), live.cycle))
}

/// The hints of a part of a file with the values of what stands there: of each name once a line, and in the place of its unit.
pub fn merged(
    mut hints: Vec<Hint>,
    snapshot: &Snapshot,
    path: &str,
    within: Range<usize>,
    live: &Live,
) -> Vec<Hint> {
    let Some((unit, file)) = snapshot.unit(path) else { return hints };
    let (text, names) = (unit.text(file), Names::of(unit, file));
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let (mut values, mut seen, mut valued) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for found in &unit.analysed.uses.uses {
        let end = found.span.end as usize;
        if found.file != file || !within.contains(&end) {
            continue;
        }
        let Some(now) = names.now(found, live) else { continue };
        valued.insert(end);
        let line = ends.partition_point(|of| *of < end);
        let name = chain(text, range(found.span)).unwrap_or_else(|| unit.slice(file, found.span));
        if seen.insert((line, name)) {
            values.push(Hint { at: end, label: format!(" = {}", now.text()), is_type: false });
        }
    }
    hints.retain(|hint| hint.is_type || !valued.contains(&hint.at));
    hints.extend(values);
    hints
}

/// A file of which another text runs than the one that is shown; `None`: it is what runs, or nobody runs it.
pub fn stale(snapshot: &Snapshot, path: &str, live: &Live) -> Option<Location> {
    let of_library = || live.programs.values().find_map(|program| program.libraries.get(path));
    let runs = live.programs.get(path).map(|program| &program.sha256).or_else(of_library)?;
    let text = snapshot.text(path)?;
    (hash(text) != *runs).then(|| Location::new(path, 0..0))
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn of_symbol(snapshot: &Snapshot, symbol: &Symbol, live: &Live) -> Option<Now> {
    let cell = snapshot.cell()?;
    match symbol {
        Symbol::Tag(name) => of_tag(live, name, cell.tag(name)?.unit.clone()),
        Symbol::Parameter(name) => {
            let parameter = cell.parameters.iter().find(|of| of.name == *name)?;
            of_parameter(live, name, parameter.unit.clone())
        }
        _ => None,
    }
}

/// The names of a file of a program.
struct Names<'u> {
    unit: &'u Unit,
    file: FileId,
    /// Bytes of the functions, ascending, and whether `this` is the state in all that is known of one.
    functions: Vec<(Range<u32>, bool)>,
}

impl<'u> Names<'u> {
    fn of(unit: &'u Unit, file: FileId) -> Self {
        let mut given: BTreeMap<u32, bool> = BTreeMap::new();
        for function in hover::functions(unit).filter(|function| function.file == file) {
            let is_state = function.this.as_ref() == Some(&unit.analysed.state);
            given.entry(function.span.start).and_modify(|all| *all &= is_state).or_insert(is_state);
        }
        let tree = unit.analysed.trees.get(file.index());
        let written = tree.into_iter().flat_map(|tree| tree.root().functions());
        let functions = written.filter_map(|function| {
            let (name, span) = (function.name()?.text_range(), function.syntax().text_range());
            let is_state = given.get(&u32::from(name.start())).copied().unwrap_or(false);
            Some((u32::from(span.start())..u32::from(span.end()), is_state))
        });
        Self { unit, file, functions: functions.collect() }
    }

    fn now(&self, found: &Use, live: &Live) -> Option<Now> {
        let environment = self.unit.environment();
        match &found.entity {
            Entity::Tag(index) => {
                let tag = environment.tags.get(*index as usize)?;
                of_tag(live, &tag.name, tag.unit.clone())
            }
            Entity::Parameter(index) if !self.unit.subject.is_twin() => {
                let parameter = environment.parameters.get(*index as usize)?;
                of_parameter(live, &parameter.name, parameter.unit.clone())
            }
            Entity::Field { .. } | Entity::Pin(..) => {
                let program = live.programs.get(&self.unit.source.path)?;
                let value = self.in_state(found, &program.state)?;
                (!value.is_object()).then(|| Now { value: short(value), unit: None, mark: "" })
            }
            _ => None,
        }
    }

    /// The part of the state that a name below `this` means: by what stands before it where `this` is the state, and where
    /// the state is declared.
    fn in_state<'j>(&self, found: &Use, state: &'j Json) -> Option<&'j Json> {
        if found.is_definition {
            // In `init`, of the fields that no other record has.
            let Entity::Field { record, name } = &found.entity else { return None };
            return (*record == self.unit.analysed.state).then(|| state.get(name)).flatten();
        }
        let behind = self.functions.partition_point(|(span, _)| span.start <= found.span.start);
        let (span, is_state) = self.functions.get(behind.checked_sub(1)?)?;
        if !is_state || !span.contains(&found.span.start) {
            return None;
        }
        let path = chain(self.unit.text(self.file), range(found.span))?.strip_prefix("this.")?;
        let mut at = state;
        for part in path.split('.') {
            let (name, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            at = at.get(name)?;
            for index in indices.split_terminator(']') {
                let index: i64 = index.strip_prefix('[')?.trim().parse().ok()?;
                let list = at.as_array()?;
                let index = if index < 0 { index.checked_add_unsigned(list.len() as u64)? } else { index };
                at = list.get(usize::try_from(index).ok()?)?;
            }
        }
        Some(at)
    }
}

fn of_tag(live: &Live, name: &str, unit: Option<String>) -> Option<Now> {
    let tag = live.tags.get(name)?;
    let mark = match (tag.forced, tag.valid) {
        (true, _) => " (forced)",
        (_, true) => "",
        _ => " (invalid)",
    };
    Some(Now { value: short(&tag.value), unit, mark })
}

fn of_parameter(live: &Live, name: &str, unit: Option<String>) -> Option<Now> {
    Some(Now { value: short(live.parameters.get(name)?), unit, mark: "" })
}

/// What stands before a name with points and indices, up to and with it: `this.stations[2].settle.Q`.
fn chain(text: &str, name: Range<usize>) -> Option<&str> {
    let before = text.get(..name.start)?.as_bytes();
    let mut start = before.len();
    let mut depth = 0_u32;
    while let Some(byte) = start.checked_sub(1).and_then(|at| before.get(at)) {
        match byte {
            b']' => depth += 1,
            b'[' if depth > 0 => depth -= 1,
            b'.' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {}
            b'-' | b' ' if depth > 0 => {}
            _ => break,
        }
        start -= 1;
    }
    if depth > 0 { None } else { text.get(start..name.end) }
}

/// A value in a few letters.
pub fn short(value: &Json) -> String {
    match value {
        Json::Number(number) => match number.as_f64() {
            Some(of) if !(number.is_i64() || number.is_u64()) => float(of),
            _ => number.to_string(),
        },
        Json::String(text) => format!("\"{text}\""),
        Json::Array(list) => {
            let shown: Vec<String> = list.iter().take(SHOWN_MAX).map(short).collect();
            let more =
                if list.len() > shown.len() { format!(", … {} in all", list.len()) } else { String::new() };
            format!("[{}{more}]", shown.join(", "))
        }
        Json::Object(_) => "…".to_owned(),
        other => other.to_string(),
    }
}

fn float(number: f64) -> String {
    let exact = format!("{number:?}");
    if exact.len() <= 9 {
        return exact;
    }
    match number.abs() {
        size if (1e-2..1e7).contains(&size) => {
            let text = format!("{number:.4}");
            let short = text.trim_end_matches('0');
            if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
        }
        _ => format!("{number:.4e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::testing::Fixture,
        online::{LiveProgram, LiveTag},
    };
    use serde_json::json;

    const TEXT: &str = "fn init() { #{ n: 0, t: TON(), list: [1, 2], at: #{ x: 0.5 } } }\n\
                        fn cycle() {\n    io.force = param.depth + this.at.x; this.n += this.n;\n    \
                        this.t.run(this.t.Q, 1.0); this.n = this.list[1] + this.list[-1]; this.step();\n    this.at.far();\n}\n\
                        fn step() { this.n += 1; }\nfn far() { this.x += 1.0; }\n";

    fn live(text: &str) -> Live {
        let tag = |value: Json, forced| LiveTag { value, valid: true, forced };
        Live {
            cycle: 77,
            tags: [("force".to_owned(), tag(json!(12.5), true))].into(),
            parameters: [("depth".to_owned(), json!(4.25))].into(),
            programs: [(
                "programs/main.rhai".to_owned(),
                LiveProgram {
                    sha256: hash(text),
                    libraries: [("lib/tools.rhai".to_owned(), "0".repeat(64))].into(),
                    state: json!({ "n": 3, "t": { "Q": true }, "list": [7, 8], "at": { "x": 0.1 + 0.2 } }),
                },
            )]
            .into(),
            ..Live::default()
        }
    }

    #[test]
    fn values_stand_beside_their_names() {
        let fixture = Fixture::new(TEXT);
        let snapshot = &fixture.snapshot;
        let path = "programs/main.rhai";
        let base = super::super::hints::hints(snapshot, path, 0..TEXT.len());
        let mut all = merged(base, snapshot, path, 0..TEXT.len(), &live(TEXT));
        all.sort_by_key(|hint| hint.at);
        let mut shown = TEXT.to_owned();
        for hint in all.iter().rev() {
            shown.insert_str(hint.at, &format!("‹{}›", hint.label));
        }
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines[2],
            "    io.force‹ = 12.5 N (forced)› = param.depth‹ = 4.25 mm› + this.at.x‹ = 0.3›; this.n‹ = 3› += this.n;"
        );
        assert!(lines[0].contains("n‹: i64›‹ = 3›: 0"), "{}", lines[0]);
        assert!(lines[3].contains("this.t.run(this.t.Q‹ = true›, 1.0)"), "{}", lines[3]);
        // A name by itself means the list, and an index one of its values.
        assert!(lines[3].contains("this.list‹ = [7, 8]›[1]"), "{}", lines[3]);
        assert!(lines[6].contains("this.n‹ = 3› += 1"), "a function that is given the state: {}", lines[6]);
        assert!(!lines[7].contains('‹'), "`this` is a part of the state there: {}", lines[7]);
    }

    #[test]
    fn hovers_say_what_is_now() {
        let text = TEXT.replace("io.force", "io.for$0ce");
        let (fixture, place) = Fixture::with_cursor(&text);
        let said = hover(&fixture.snapshot, &place, &live(TEXT)).unwrap();
        assert_eq!(said, "\nnow: **12.5 N (forced)** (cycle 77)\n");
        assert_eq!(hover(&fixture.snapshot, &place, &Live::default()), None);
        let toml = crate::analysis::testing::CELL.replace("force =", "for$0ce =");
        let (fixture, place) = Fixture::with_cursor(&format!("{TEXT}//- cell.toml\n{toml}"));
        assert!(hover(&fixture.snapshot, &place, &live(TEXT)).unwrap().contains("12.5 N"));
    }

    #[test]
    fn a_text_that_does_not_run_is_known_by_its_hash() {
        let fixture = Fixture::new(&format!("import \"tools\" as tools;\n{TEXT}"));
        let path = "programs/main.rhai";
        let text = fixture.snapshot.text(path).unwrap().to_owned();
        assert_eq!(stale(&fixture.snapshot, path, &live(&text)), None);
        assert!(stale(&fixture.snapshot, path, &live(TEXT)).is_some());
        assert!(stale(&fixture.snapshot, "lib/tools.rhai", &live(&text)).is_some(), "a library, too");
        assert_eq!(stale(&fixture.snapshot, path, &Live::default()), None, "nobody runs it");
    }

    #[test]
    fn values_are_short() {
        for (value, text) in [
            (json!(1), "1"),
            (json!(1.0), "1.0"),
            (json!(0.1 + 0.2), "0.3"),
            (json!(2.000_000_001), "2.0"),
            (json!(1e-9), "1e-9"),
            (json!(1.234_567_891e-7), "1.2346e-7"),
            (json!("idle"), "\"idle\""),
            (json!([1, 2, 3, 4, 5, 6, 7, 8, 9]), "[1, 2, 3, 4, 5, 6, 7, 8, … 9 in all]"),
            (json!({ "a": 1 }), "…"),
        ] {
            assert_eq!(short(&value), text);
        }
    }
}
