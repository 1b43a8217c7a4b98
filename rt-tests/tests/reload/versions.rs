//! Programs that are made up, version by version.

use rt_tests::seeded::Random;
use std::{collections::BTreeMap, fmt::Write};

pub const NAMES: [&str; 2] = ["main", "slow"];

/// Part of a state: its type, as the program writes it, and what `init` gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Type, first value, and what the program does with it in every cycle (`X` is its path).
    Leaf(&'static str, &'static str, Option<&'static str>),
    Array(usize, Box<Field>),
    Record(BTreeMap<&'static str, Field>),
}

use Field::{Array, Leaf, Record};

/// Type, first values, use.
const LEAVES: &[(&str, [&str; 2], &str)] = &[
    ("bool", ["true", "false"], "X = !X;"),
    ("i64", ["1", "7"], "X = (X * 3 + 1) % 1000;"),
    ("f64", ["0.5", "2.25"], "X = X * 0.5 + 1.0;"),
    ("text", ["\"idle\"", "\"up\""], "X = if this.n % 2 == 0 { \"even\" } else { \"odd\" };"),
    ("TON()", ["TON()", "TON()"], "X.run(this.n % 7 < 5, 0.003);"),
    ("CTU()", ["CTU()", "CTU()"], "X.run(this.n % 3 == 0, false, 10);"),
    ("LAG1(0.1)", ["LAG1(0.1)", "LAG1(0.1)"], "X.run(1.0);"),
    ("LAG1(0.5)", ["LAG1(0.5)", "LAG1(0.5)"], "X.run(1.0);"),
    ("MOVING(4)", ["MOVING(4)", "MOVING(4)"], "X.run(to_float(this.n % 5));"),
];

impl Field {
    fn leaf(random: &mut Random) -> Self {
        let (kind, first, used) = *random.pick(LEAVES);
        let used = random.one_in(2).then_some(used);
        Leaf(kind, random.pick::<&str>(&first), used)
    }

    fn any(random: &mut Random, depth: u64) -> Self {
        match random.within(0..if depth == 0 { 4 } else { 7 }) {
            4 => Array(1 + random.within(0..3) as usize, Box::new(Self::any(random, depth - 1).unused())),
            5 | 6 => Record(fields(random, depth - 1)),
            _ => Self::leaf(random),
        }
    }

    /// Elements of arrays are only kept.
    fn unused(self) -> Self {
        match self {
            Leaf(kind, first, _) => Leaf(kind, first, None),
            Array(len, element) => Array(len, Box::new(element.unused())),
            Record(fields) => {
                Record(fields.into_iter().map(|(name, field)| (name, field.unused())).collect())
            }
        }
    }

    fn init(&self) -> String {
        match self {
            Leaf(_, first, _) => (*first).into(),
            Array(len, element) => format!("array({len}, {})", element.init()),
            Record(fields) => init(fields),
        }
    }

    /// Mostly the same.
    fn edited(&self, random: &mut Random) -> Self {
        match self {
            _ if random.one_in(15) => Self::any(random, 1),
            Leaf(kind, ..) if kind.ends_with(')') && random.one_in(8) => {
                // Another block, or the same one made in another way.
                let other = *random.pick(&["LAG1(0.1)", "LAG1(0.5)", "TON()", "CTU()"]);
                Leaf(other, other, None)
            }
            Leaf(kind, _, used) => {
                let (_, first, of) = LEAVES.iter().find(|(of, ..)| of == kind).unwrap();
                let used = if random.one_in(4) { Some(*of).filter(|_| used.is_none()) } else { *used };
                Leaf(kind, random.pick::<&str>(first), used)
            }
            Array(len, element) => {
                let len = if random.one_in(12) { 1 + random.within(0..3) as usize } else { *len };
                Array(len, Box::new(element.edited(random).unused()))
            }
            Record(fields) => Record(edited(fields, random)),
        }
    }

    /// Every leaf with its path, type, first value, and whether the program changes it.
    fn leaves(&self, path: String, out: &mut Vec<(String, [&'static str; 2], bool)>) {
        match self {
            Leaf(kind, first, used) => out.push((path, [kind, first], used.is_some())),
            Array(len, element) => (0..*len).for_each(|i| element.leaves(format!("{path}[{i}]"), out)),
            Record(fields) => {
                fields.iter().for_each(|(name, field)| field.leaves(format!("{path}.{name}"), out))
            }
        }
    }

    fn uses(&self, path: &str, out: &mut String) {
        match self {
            Leaf(.., Some(used)) => {
                let _ = writeln!(out, "    {}", used.replace('X', path));
            }
            Record(fields) => {
                fields.iter().for_each(|(name, field)| field.uses(&format!("{path}.{name}"), out));
            }
            Leaf(..) | Array(..) => {}
        }
    }
}

pub const FIELDS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "z"];

fn fields(random: &mut Random, depth: u64) -> BTreeMap<&'static str, Field> {
    let count = 1 + random.within(0..4);
    (0..count).map(|_| (*random.pick(&FIELDS), Field::any(random, depth))).collect()
}

fn edited(of: &BTreeMap<&'static str, Field>, random: &mut Random) -> BTreeMap<&'static str, Field> {
    let mut next = BTreeMap::new();
    for (name, field) in of {
        match random.within(0..14) {
            0 => {}
            1 => drop(next.insert(*random.pick(&FIELDS), field.clone())),
            _ => drop(next.insert(*name, field.edited(random))),
        }
    }
    if random.one_in(3) || next.is_empty() {
        let name = *random.pick(&FIELDS);
        next.entry(name).or_insert_with(|| Field::any(random, 1));
    }
    next
}

fn init(fields: &BTreeMap<&'static str, Field>) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, field)| format!("{name}: {}", field.init())).collect();
    format!("#{{ {} }}", fields.join(", "))
}

/// A version of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub fields: BTreeMap<&'static str, Field>,
    pub retained: BTreeMap<&'static str, Field>,
    pub step: u64,
    /// What it does when it is told to be bad.
    pub fault: Option<&'static str>,
    /// Statements of its `migrate(old)`.
    pub migrate: Option<String>,
}

pub const FAULTS: [&str; 3] =
    ["fault(\"bad\");", "io.NAME.count = 9223372036854775807 + this.n;", "io.NAME.count = 7 / (this.n * 0);"];

impl Version {
    pub fn first() -> Self {
        let field = Leaf("i64", "1", None);
        let (fields, retained) = ([("a", field.clone())].into(), [("a", field)].into());
        Self { fields, retained, step: 1, fault: None, migrate: None }
    }

    pub fn next(&self, random: &mut Random) -> Self {
        Self {
            fields: edited(&self.fields, random),
            retained: edited(&self.retained, random),
            step: 1 + random.within(0..5),
            fault: None,
            migrate: None,
        }
    }

    /// All of it: `n` and `retain` are there in every version.
    pub fn state(&self) -> Field {
        let mut fields = self.fields.clone();
        let mut retained = self.retained.clone();
        retained.insert("m", Leaf("i64", "0", Some("")));
        fields.insert("n", Leaf("i64", "0", Some("")));
        fields.insert("retain", Record(retained));
        Record(fields)
    }

    pub fn text(&self, name: &str) -> String {
        let Record(fields) = self.state() else { unreachable!("a state is a record") };
        let mut uses = String::new();
        Record(self.fields.clone()).uses("this", &mut uses);
        Record(self.retained.clone()).uses("this.retain", &mut uses);
        let fault = self.fault.map_or(String::new(), |fault| format!("    if io.{name}.bad {{ {fault} }}\n"));
        let migrate = self.migrate.as_ref();
        let migrate = migrate.map_or(String::new(), |of| format!("fn migrate(old) {{\n{of}}}\n"));
        let text = format!(
            "fn init() {{\n    {}\n}}\nfn cycle() {{\n    this.n += {};\n    this.retain.m += 1;\n{uses}{fault}    io.NAME.count = this.n % \
             1000;\n}}\n{migrate}",
            init(&fields),
            self.step
        );
        text.replace("NAME", name)
    }

    /// Paths of all leaves with their types and first values, below `this`.
    pub fn leaves(&self) -> Vec<(String, [&'static str; 2], bool)> {
        let mut leaves = Vec::new();
        self.state().leaves("this".into(), &mut leaves);
        leaves
    }
}
