//! From the state of a program to the state of its successor, by name and type.
//!
//! What fits is planned beforehand, from the two layouts and what both programs' `init` gives: a list of copies, which is
//! all that is left to do at the edge of a cycle. The rules:
//!
//! - A field that both have, with the same type, keeps its value. What only the new program has starts as its `init` says;
//!   what only the old one had is gone. Records are compared field by field, wherever they are.
//! - A type that changed, a length of an array that changed, and a block whose constructor is given something else now are
//!   refused: nobody can know what the old value means there. All of them are told at once.
//! - A handle keeps its commands if it is of the same axis.

use crate::{
    Layout, ProgramError,
    axis::AxisHandle,
    layout::{BlockShape, Field, Shape},
};
use std::fmt;

/// One side of a change of programs.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What the state looks like.
    pub layout: &'a Layout,
    /// What `init` gives.
    pub initial: &'a [u8],
}

/// How the new state comes from the old one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migration {
    copies: Box<[Copy]>,
    old_len: usize,
    new_len: usize,
    /// Paths of what only the new program has.
    pub added: Vec<String>,
    /// Paths of what only the old program had.
    pub removed: Vec<String>,
    /// What does not fit. Left at what the new `init` gives, if the state is migrated all the same.
    pub refused: Vec<Refusal>,
}

/// Bytes that keep their value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Copy {
    from: usize,
    to: usize,
    len: usize,
}

/// A field that cannot keep its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Path below `this`; `[]` stands for every element.
    pub path: String,
    /// What it was.
    pub old: String,
    /// What it is.
    pub new: String,
    /// Why that matters.
    pub why: Mismatch,
}

/// Why a field cannot keep its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Another type.
    Type,
    /// An array of another length.
    Length,
    /// The same block, made with other arguments.
    Arguments,
    /// A handle of another axis.
    Axis,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, old, new, why } = self;
        match why {
            Mismatch::Type => write!(f, "`{path}` was {old} and is {new} now"),
            Mismatch::Length => write!(f, "`{path}` had {old} elements and has {new} now"),
            Mismatch::Arguments => write!(
                f,
                "`{path}` was {old} and is {new} now: a block keeps its state only if its constructor is given the same"
            ),
            Mismatch::Axis => {
                write!(f, "`{path}` was a handle of axis `{old}` and is one of axis `{new}` now")
            }
        }
    }
}

/// What a program's own `migrate(old)` does: the last word on the new state, at the edge of a cycle and on live state.
pub trait Migrate: Send {
    /// Work units that it takes at most.
    fn units(&self) -> u64;

    /// Change `new`, which holds what was kept by name and type and what `init` gives elsewhere, by looking at `old`. Never
    /// allocates; ends by itself within the work it was admitted with.
    ///
    /// # Errors
    /// Any fault of the function, with its line; `new` is of no use then.
    fn run(&mut self, old: &[u8], new: &mut [u8]) -> Result<(), ProgramError>;
}

/// Plan the change from `old` to `new`. `axes` are the names of the cell's axes, for texts.
pub fn plan(old: Side<'_>, new: Side<'_>, axes: &[&str]) -> Migration {
    let mut planner = Planner {
        old,
        new,
        axes,
        copies: Vec::new(),
        added: Vec::new(),
        removed: Vec::new(),
        refused: Vec::new(),
    };
    planner.fields(old.layout.fields(), new.layout.fields(), At { old: 0, new: 0 }, "");
    let Planner { copies, added, removed, refused, .. } = planner;
    Migration {
        copies: copies.into(),
        old_len: old.layout.size(),
        new_len: new.layout.size(),
        added,
        removed,
        refused,
    }
}

impl Migration {
    /// Everything that both programs have fits.
    pub fn fits(&self) -> bool {
        self.refused.is_empty()
    }

    /// Put what is kept of `old` into `new`, which holds what the new program's `init` gives. False, and nothing done, if the
    /// lengths are not those of the two layouts. Copies, and nothing else: for the edge of a cycle.
    #[must_use]
    pub fn apply(&self, old: &[u8], new: &mut [u8]) -> bool {
        if old.len() != self.old_len || new.len() != self.new_len {
            return false;
        }
        for Copy { from, to, len } in &self.copies {
            // Both are inside: offsets are those of the layouts.
            if let (Some(from), Some(to)) = (old.get(*from..from + len), new.get_mut(*to..to + len)) {
                to.copy_from_slice(from);
            }
        }
        true
    }

    /// Bytes and copies that [`Migration::apply`] takes.
    pub fn cost(&self) -> (usize, usize) {
        (self.copies.iter().map(|copy| copy.len).sum(), self.copies.len())
    }
}

/// Where something lies in both states.
#[derive(Clone, Copy)]
struct At {
    old: usize,
    new: usize,
}

impl At {
    fn field(self, old: &Field, new: &Field) -> Self {
        Self { old: self.old + old.offset as usize, new: self.new + new.offset as usize }
    }
}

struct Planner<'a> {
    old: Side<'a>,
    new: Side<'a>,
    axes: &'a [&'a str],
    copies: Vec<Copy>,
    added: Vec<String>,
    removed: Vec<String>,
    refused: Vec<Refusal>,
}

impl Planner<'_> {
    /// Both are in ascending order of names.
    fn fields(&mut self, old: &[Field], new: &[Field], at: At, path: &str) {
        let mut left = old.iter().peekable();
        for field in new {
            while let Some(gone) = left.next_if(|other| other.name < field.name) {
                self.removed.push(below(path, &gone.name));
            }
            let path = below(path, &field.name);
            match left.next_if(|other| other.name == field.name) {
                Some(was) => self.shapes(&was.shape, &field.shape, at.field(was, field), &path),
                None => self.added.push(path),
            }
        }
        self.removed.extend(left.map(|gone| below(path, &gone.name)));
    }

    fn shapes(&mut self, old: &Shape, new: &Shape, at: At, path: &str) {
        match (old, new) {
            (Shape::Bool, Shape::Bool)
            | (Shape::I64, Shape::I64)
            | (Shape::F64, Shape::F64)
            | (Shape::Symbol, Shape::Symbol) => self.copy(at, new),
            (Shape::Array { element: old, len: was }, Shape::Array { element: new, len }) => {
                self.arrays((old, *was), (new, *len), at, path);
            }
            (Shape::Record { fields: old }, Shape::Record { fields: new }) => self.fields(old, new, at, path),
            (Shape::Block(was), Shape::Block(is)) if was.block == is.block => {
                if is_same_block(was, is) {
                    self.copy(at, new);
                } else {
                    self.refuse(path, (was.describe(), is.describe()), Mismatch::Arguments);
                }
            }
            (Shape::Axis, Shape::Axis) => self.handles(at, path),
            _ => self.refuse(path, (old.describe(), new.describe()), Mismatch::Type),
        }
    }

    fn arrays(&mut self, (old, was): (&Shape, u32), (new, len): (&Shape, u32), at: At, path: &str) {
        if was != len {
            return self.refuse(path, (was.to_string(), len.to_string()), Mismatch::Length);
        }
        let (old_step, new_step) = (old.size() as usize, new.size() as usize);
        // Handles are told one by one, each of its own axis; otherwise every element says what the first one said.
        let one_by_one = holds_axis(new);
        let mut told = None;
        for index in 0..len as usize {
            let at = At { old: at.old + index * old_step, new: at.new + index * new_step };
            let path = if one_by_one { format!("{path}[{index}]") } else { format!("{path}[]") };
            self.shapes(old, new, at, &path);
            if !one_by_one {
                let so_far = (self.added.len(), self.removed.len(), self.refused.len());
                let (added, removed, refused) = *told.get_or_insert(so_far);
                self.added.truncate(added);
                self.removed.truncate(removed);
                self.refused.truncate(refused);
            }
        }
    }

    fn handles(&mut self, at: At, path: &str) {
        let axis = |side: Side<'_>, at: usize| {
            let bytes = side.initial.get(at..at + AxisHandle::SIZE as usize)?;
            AxisHandle::from_bytes(bytes).map(|handle| handle.axis())
        };
        let (was, is) = (axis(self.old, at.old), axis(self.new, at.new));
        if was.is_some() && was == is {
            return self.copy(at, &Shape::Axis);
        }
        let name = |axis: Option<u16>| {
            let name = axis.and_then(|axis| self.axes.get(usize::from(axis)));
            name.map_or_else(|| "?".to_owned(), |name| (*name).to_owned())
        };
        self.refuse(path, (name(was), name(is)), Mismatch::Axis);
    }

    fn refuse(&mut self, path: &str, (old, new): (String, String), why: Mismatch) {
        self.refused.push(Refusal { path: path.to_owned(), old, new, why });
    }

    /// What follows the last copy on both sides becomes part of it.
    fn copy(&mut self, at: At, shape: &Shape) {
        let len = shape.size() as usize;
        match self.copies.last_mut() {
            Some(last) if last.from + last.len == at.old && last.to + last.len == at.new => last.len += len,
            _ => self.copies.push(Copy { from: at.old, to: at.new, len }),
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The same bytes mean the same: block, arguments bit by bit, and room.
fn is_same_block(old: &BlockShape, new: &BlockShape) -> bool {
    let key = |of: &BlockShape| {
        of.arguments.iter().map(|value| (value.scalar_type(), value.to_bits())).collect::<Vec<_>>()
    };
    (old.size, old.align) == (new.size, new.align) && key(old) == key(new)
}

fn holds_axis(shape: &Shape) -> bool {
    match shape {
        Shape::Axis => true,
        Shape::Array { element, .. } => holds_axis(element),
        Shape::Record { fields } => fields.iter().any(|field| holds_axis(&field.shape)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::SYMBOL_SIZE;
    use sensai_model::Value;

    fn layout(fields: &[(&str, Shape)]) -> Layout {
        Layout::new(fields.iter().map(|(name, shape)| ((*name).to_owned(), shape.clone())).collect())
    }

    fn array(element: Shape, len: u32) -> Shape {
        Shape::Array { element: Box::new(element), len }
    }

    fn record(fields: &[(&str, Shape)]) -> Shape {
        Shape::record(fields.iter().map(|(name, shape)| ((*name).to_owned(), shape.clone())).collect())
    }

    fn block(name: &str, arguments: &[f64]) -> Shape {
        Shape::Block(BlockShape {
            block: name.into(),
            arguments: arguments.iter().map(|value| Value::F64(*value)).collect(),
            size: 24,
            align: 8,
        })
    }

    /// The plan between two layouts whose `init` gives zeros; states filled with 0x11 and 0x22.
    fn between(old: &Layout, new: &Layout) -> (Migration, Vec<u8>) {
        let (from, mut to) = (vec![0x11; old.size()], vec![0x22; new.size()]);
        let (old_initial, new_initial) = (vec![0; old.size()], vec![0; new.size()]);
        let old = Side { layout: old, initial: &old_initial };
        let new = Side { layout: new, initial: &new_initial };
        let plan = plan(old, new, &["ram", "slide"]);
        assert!(plan.apply(&from, &mut to));
        (plan, to)
    }

    #[test]
    fn fields_keep_their_value_wherever_they_lie_now() {
        let old = layout(&[("b", Shape::F64), ("c", Shape::Bool), ("gone", Shape::I64)]);
        let new = layout(&[("a", Shape::I64), ("b", Shape::F64), ("c", Shape::Bool)]);
        let (plan, to) = between(&old, &new);
        assert!(plan.fits());
        assert_eq!((plan.added, plan.removed), (vec!["a".to_owned()], vec!["gone".to_owned()]));
        assert_eq!(to, [[0x22; 8], [0x11; 8], [0x11, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22]].concat());
    }

    #[test]
    fn what_lies_side_by_side_is_one_copy() {
        let same = layout(&[("a", array(Shape::F64, 1000)), ("b", block("TON", &[])), ("c", Shape::Symbol)]);
        let (plan, to) = between(&same, &same);
        assert_eq!(plan.cost(), (8000 + 24 + SYMBOL_SIZE as usize, 1));
        assert!(to.iter().all(|byte| *byte == 0x11));
    }

    #[test]
    fn all_that_does_not_fit_is_told_at_once() {
        let old = layout(&[
            ("a", Shape::I64),
            ("b", array(Shape::F64, 3)),
            ("c", block("PID", &[1.2, 0.4])),
            ("d", block("TON", &[])),
            ("e", array(record(&[("x", Shape::Bool), ("y", Shape::I64)]), 2)),
            ("f", record(&[("x", Shape::Bool)])),
            ("g", Shape::Bool),
        ]);
        let new = layout(&[
            ("a", Shape::F64),
            ("b", array(Shape::F64, 4)),
            ("c", block("PID", &[1.5, 0.4])),
            ("d", block("TOF", &[])),
            (
                "e",
                array(
                    record(&[("w", Shape::I64), ("x", Shape::Bool), ("y", Shape::F64), ("z", Shape::I64)]),
                    2,
                ),
            ),
            ("f", Shape::Bool),
            ("g", Shape::Bool),
        ]);
        let (plan, _) = between(&old, &new);
        let told: Vec<String> = plan.refused.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "`a` was i64 and is f64 now",
                "`b` had 3 elements and has 4 now",
                "`c` was PID(1.2, 0.4) and is PID(1.5, 0.4) now: a block keeps its state only if its constructor is given the same",
                "`d` was TON() and is TOF() now",
                "`e[].y` was i64 and is f64 now",
                "`f` was record {x} and is bool now",
            ]
        );
        assert_eq!(plan.added, ["e[].w", "e[].z"]);
        // The two `x` of the array and `g` fit all the same.
        assert_eq!(plan.cost(), (3, 3));
    }

    #[test]
    fn an_argument_that_is_no_number_is_equal_to_itself() {
        let of = layout(&[("m", block("LIMIT", &[f64::NAN]))]);
        assert!(between(&of, &of).0.fits());
        let (zero, minus) = (layout(&[("m", block("L", &[0.0]))]), layout(&[("m", block("L", &[-0.0]))]));
        assert!(!between(&zero, &minus).0.fits());
    }

    #[test]
    fn a_handle_stays_with_its_axis() {
        let of = layout(&[("axes", array(Shape::Axis, 3))]);
        let handles = |axes: [u16; 3]| axes.map(|axis| AxisHandle::new(axis).bytes().to_vec()).concat();
        let (old, new) = (handles([0, 1, 0]), handles([0, 0, 0]));
        let side = |initial| Side { layout: &of, initial };
        let plan = plan(side(&old), side(&new), &["ram", "slide"]);
        let told: Vec<String> = plan.refused.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["`axes[1]` was a handle of axis `slide` and is one of axis `ram` now"]);
        assert_eq!(plan.cost(), (2 * AxisHandle::SIZE as usize, 2));
    }

    #[test]
    fn states_of_other_lengths_are_left_alone() {
        let (old, new) = (layout(&[("a", Shape::I64)]), layout(&[("a", Shape::I64), ("b", Shape::I64)]));
        let (plan, _) = between(&old, &new);
        let mut to = [7; 16];
        assert!(!plan.apply(&[1; 16], &mut to) && !plan.apply(&[1; 8], &mut to[..8]));
        assert_eq!(to, [7; 16]);
    }
}
