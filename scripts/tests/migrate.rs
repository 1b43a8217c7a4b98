//! The plan of a migration against an independent one: over trees of names, types and values, with a layout of its own.

use proptest::prelude::*;
use sensai_model::Value;
use sensai_scripts::{
    Layout,
    axis::AxisHandle,
    layout::{BlockShape, SYMBOL_SIZE, Shape},
    migrate::{Side, plan},
};
use std::collections::BTreeMap;

/// A part of a state: its type and its value at once.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Bool(bool),
    I64(i64),
    F64(u64),
    Symbol(String),
    Array(Vec<Node>),
    Record(BTreeMap<String, Node>),
    Block { name: &'static str, arguments: Vec<i64>, bytes: Vec<u8> },
    Axis { axis: u16, command: u64 },
}

use Node::{Array, Axis, Block, Bool, F64, I64, Record, Symbol};

const BLOCKS: &[(&str, usize)] = &[("TON", 32), ("CTU", 16), ("PID", 104)];

impl Node {
    fn shape(&self) -> Shape {
        match self {
            Bool(_) => Shape::Bool,
            I64(_) => Shape::I64,
            F64(_) => Shape::F64,
            Symbol(_) => Shape::Symbol,
            Array(elements) => {
                Shape::Array { element: Box::new(elements[0].shape()), len: elements.len() as u32 }
            }
            Record(fields) => {
                Shape::record(fields.iter().map(|(name, node)| (name.clone(), node.shape())).collect())
            }
            Block { name, arguments, bytes } => Shape::Block(BlockShape {
                block: (*name).into(),
                arguments: arguments.iter().map(|value| Value::I64(*value)).collect(),
                size: bytes.len() as u32,
                align: 8,
            }),
            Axis { .. } => Shape::Axis,
        }
    }

    fn align(&self) -> usize {
        match self {
            Bool(_) | Symbol(_) => 1,
            Array(elements) => elements[0].align(),
            Record(fields) => fields.values().map(Self::align).max().unwrap_or(1),
            _ => 8,
        }
    }

    /// Append the value as it lies in a state.
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Bool(value) => out.push((*value).into()),
            I64(value) => out.extend(value.to_le_bytes()),
            F64(bits) => out.extend(bits.to_le_bytes()),
            Symbol(text) => {
                let end = out.len() + SYMBOL_SIZE as usize;
                out.push(text.len() as u8);
                out.extend(text.as_bytes());
                out.resize(end, 0);
            }
            Array(elements) => elements.iter().for_each(|element| element.write(out)),
            Record(fields) => {
                for node in fields.values() {
                    pad(out, node.align());
                    node.write(out);
                }
                pad(out, self.align());
            }
            Block { bytes, .. } => out.extend(bytes),
            Axis { axis, command } => {
                let mut bytes = AxisHandle::new(*axis).bytes().to_vec();
                bytes[..8].copy_from_slice(&command.to_le_bytes());
                out.extend(bytes);
            }
        }
    }
}

/// Fields are aligned from the start of their record, and records start aligned: from the start of the state, then.
fn pad(out: &mut Vec<u8>, align: usize) {
    out.resize(out.len().next_multiple_of(align), 0);
}

/// What the reference has to say.
#[derive(Debug, Default, PartialEq)]
struct Told {
    added: Vec<String>,
    removed: Vec<String>,
    refused: Vec<String>,
}

/// The new value: that of `old` where name and type are the same, that of `new` elsewhere.
fn reference(old: &Node, new: &Node, path: &str, told: &mut Told) -> Node {
    match (old, new) {
        (Bool(_), Bool(_)) | (I64(_), I64(_)) | (F64(_), F64(_)) | (Symbol(_), Symbol(_)) => old.clone(),
        (Axis { axis: was, .. }, Axis { axis, .. }) if was == axis => old.clone(),
        (Block { name: was, arguments: given, .. }, Block { name, arguments, .. })
            if (was, given) == (name, arguments) =>
        {
            old.clone()
        }
        (Array(was), Array(is)) if was.len() == is.len() => {
            let element = |(index, (old, new))| reference(old, new, &format!("{path}[{index}]"), told);
            Array(was.iter().zip(is).enumerate().map(element).collect())
        }
        (Record(was), Record(is)) => {
            let below = |name: &String| if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            told.removed.extend(was.keys().filter(|name| !is.contains_key(*name)).map(below));
            let field = |(name, new): (&String, &Node)| {
                let value = match was.get(name) {
                    Some(old) => reference(old, new, &below(name), told),
                    None => {
                        told.added.push(below(name));
                        new.clone()
                    }
                };
                (name.clone(), value)
            };
            Record(is.iter().map(field).collect())
        }
        _ => {
            told.refused.push(path.to_owned());
            new.clone()
        }
    }
}

/// `a[3].b` and `a[].b` are `a[].b`; each path once, in one order.
fn general(paths: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = paths
        .into_iter()
        .map(|path| path.chars().filter(|letter| !letter.is_ascii_digit()).collect())
        .collect();
    all.sort();
    all.dedup();
    all
}

/// `None` picks nothing more.
struct Choices(Vec<u8>);

impl Choices {
    fn next(&mut self, of: usize) -> usize {
        usize::from(self.0.pop().unwrap_or(0)) % of.max(1)
    }
}

const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "retain"];

fn leaf(choices: &mut Choices) -> Node {
    let number = choices.next(200) as i64;
    match choices.next(6) {
        0 => Bool(number % 2 == 1),
        1 => I64(number - 100),
        2 => F64((number as f64 / 8.0).to_bits()),
        3 => Symbol("press".repeat(number as usize % 12)),
        4 => {
            let (name, len) = BLOCKS[choices.next(BLOCKS.len())];
            let arguments = vec![choices.next(3) as i64; choices.next(3)];
            Block { name, arguments, bytes: vec![number as u8; len] }
        }
        _ => Axis { axis: choices.next(2) as u16, command: number as u64 },
    }
}

fn node(choices: &mut Choices, depth: usize) -> Node {
    match choices.next(if depth == 0 { 4 } else { 8 }) {
        5 => {
            let first = node(choices, depth - 1);
            let len = 1 + choices.next(4);
            Array((0..len).map(|_| refresh(&first, choices)).collect())
        }
        6 | 7 => record(choices, depth - 1),
        _ => leaf(choices),
    }
}

fn record(choices: &mut Choices, depth: usize) -> Node {
    let count = 1 + choices.next(5);
    Record((0..count).map(|_| (NAMES[choices.next(NAMES.len())].to_owned(), node(choices, depth))).collect())
}

/// The same type with other values.
fn refresh(of: &Node, choices: &mut Choices) -> Node {
    let number = choices.next(250);
    match of {
        Bool(_) => Bool(number.is_multiple_of(2)),
        I64(_) => I64(number as i64 * 7),
        F64(_) => F64(((number * 3) as f64).to_bits()),
        Symbol(_) => Symbol("lift".repeat(number % 15)),
        Array(elements) => Array(elements.iter().map(|element| refresh(element, choices)).collect()),
        Record(fields) => {
            Record(fields.iter().map(|(name, node)| (name.clone(), refresh(node, choices))).collect())
        }
        Block { name, arguments, bytes } => {
            Block { name, arguments: arguments.clone(), bytes: vec![number as u8; bytes.len()] }
        }
        Axis { axis, .. } => Axis { axis: *axis, command: number as u64 },
    }
}

/// The next version of a program's state: mostly the same, with edits.
fn edited(of: &Node, choices: &mut Choices, depth: usize) -> Node {
    match (choices.next(12), of) {
        (0, _) => node(choices, depth),
        (1, Array(elements)) => {
            let len = 1 + choices.next(5);
            Array((0..len).map(|_| refresh(&elements[0], choices)).collect())
        }
        (2, Block { name, arguments, bytes }) => {
            let mut arguments = arguments.clone();
            arguments.push(choices.next(3) as i64);
            Block { name, arguments, bytes: bytes.clone() }
        }
        (3, Axis { command, .. }) => Axis { axis: choices.next(2) as u16, command: *command },
        (_, Array(elements)) => {
            // All elements stay of one type.
            let first = edited(&elements[0], choices, depth.saturating_sub(1));
            Array(elements.iter().map(|_| refresh(&first, choices)).collect())
        }
        (_, Record(fields)) => {
            let mut next: BTreeMap<String, Node> = BTreeMap::new();
            for (name, field) in fields {
                match choices.next(10) {
                    0 => {}
                    1 => drop(next.insert(NAMES[choices.next(NAMES.len())].into(), field.clone())),
                    _ => drop(next.insert(name.clone(), edited(field, choices, depth.saturating_sub(1)))),
                }
            }
            if choices.next(3) == 0 {
                next.entry(NAMES[choices.next(NAMES.len())].into()).or_insert_with(|| leaf(choices));
            }
            if next.is_empty() {
                next.insert("a".into(), Bool(false));
            }
            Record(next)
        }
        (_, same) => refresh(same, choices),
    }
}

fn bytes(of: &Node) -> Vec<u8> {
    let mut out = Vec::new();
    of.write(&mut out);
    out
}

fn layout(of: &Node) -> Layout {
    let Record(fields) = of else { unreachable!("a state is a record") };
    Layout::new(fields.iter().map(|(name, node)| (name.clone(), node.shape())).collect())
}

/// Pairs of programs; how many of them fit is counted, so that neither side is tested on nothing.
#[derive(Debug, Default)]
struct Seen {
    fits: u32,
    refused: u32,
}

fn check(entropy: Vec<u8>, seen: &mut Seen) -> Result<(), TestCaseError> {
    let mut choices = Choices(entropy);
    let old_initial = record(&mut choices, 3);
    let old_now = refresh(&old_initial, &mut choices);
    let new_initial = edited(&old_initial, &mut choices, 3);
    let Record(_) = &new_initial else { return Ok(()) };

    let (old_layout, new_layout) = (layout(&old_initial), layout(&new_initial));
    let (old_bytes, new_bytes) = (bytes(&old_initial), bytes(&new_initial));
    prop_assert_eq!((old_layout.size(), new_layout.size()), (old_bytes.len(), new_bytes.len()));
    let found = plan(
        Side { layout: &old_layout, initial: &old_bytes },
        Side { layout: &new_layout, initial: &new_bytes },
        &["ram", "slide"],
    );
    let mut told = Told::default();
    let expected = reference(&old_now, &new_initial, "", &mut told);
    prop_assert_eq!(general(found.added.clone()), general(told.added));
    prop_assert_eq!(general(found.removed.clone()), general(told.removed));
    let refused = found.refused.iter().map(|refusal| refusal.path.clone());
    prop_assert_eq!(general(refused), general(told.refused));

    let mut migrated = new_bytes;
    prop_assert!(found.apply(&bytes(&old_now), &mut migrated));
    prop_assert_eq!(migrated, bytes(&expected));
    prop_assert!(found.cost().0 <= new_layout.size());
    if found.fits() {
        seen.fits += 1
    } else {
        seen.refused += 1
    }
    Ok(())
}

#[test]
fn the_plan_is_the_reference() {
    let cases = if std::env::var_os("SENSAI_SOAK").is_some() { 200_000 } else { 4_000 };
    let mut seen = Seen::default();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    });
    let counted = std::cell::RefCell::new(&mut seen);
    let result = runner.run(&prop::collection::vec(any::<u8>(), 20..300), |entropy| {
        check(entropy, &mut counted.borrow_mut())
    });
    result.unwrap();
    assert!(seen.fits > cases / 10 && seen.refused > cases / 10, "{seen:?} of {cases}");
}
