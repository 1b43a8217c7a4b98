//! Breakpoints, and values whose changes are looked for.

use crate::machine::Machine;
use sensai_model::{Cell, Fault, TagKind};
use sensai_scripts::{
    Layout,
    debug::{Here, Subject},
};

/// Why a place was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A breakpoint with this number.
    Breakpoint(i64),
    /// This value has changed.
    Changed(String),
    /// A program failed.
    Fault(Fault),
}

/// Where a program is to be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakpoint {
    /// Number, for whoever set it.
    pub id: i64,
    /// Path of the text, relative to the cell's directory.
    pub path: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: Option<u32>,
    /// Only if this holds.
    pub condition: Option<String>,
    /// Only in programs of this task.
    pub task: Option<String>,
    /// Only at some of the hits.
    pub count: Option<Count>,
    /// Say this, and go on: a logpoint.
    pub message: Option<Vec<Part>>,
    /// Hits so far.
    pub hits: u64,
    /// It was said that its condition cannot be asked.
    pub complained: bool,
}

/// Which hits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// From this one on.
    From(u64),
    /// This one.
    Only(u64),
    /// Every one that this number divides.
    Every(u64),
}

impl Count {
    /// `5`, `== 5`, `>= 5`, `> 5`, `% 5`.
    ///
    /// # Errors
    /// What else it is.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.trim_start_matches(|sign: char| !sign.is_ascii_digit());
        let operator = text.get(..text.len() - digits.len()).unwrap_or_default().trim();
        let number = digits.parse::<u64>().ok().filter(|number| *number > 0);
        match (operator, number) {
            ("" | ">=", Some(number)) => Ok(Self::From(number)),
            (">", Some(number)) => Ok(Self::From(number.saturating_add(1))),
            ("=" | "==", Some(number)) => Ok(Self::Only(number)),
            ("%", Some(number)) => Ok(Self::Every(number)),
            _ => Err(format!("hit condition: expected a number, `>= n`, `== n` or `% n`, got `{text}`")),
        }
    }

    pub(super) fn admits(self, hits: u64) -> bool {
        match self {
            Self::From(number) => hits >= number,
            Self::Only(number) => hits == number,
            Self::Every(number) => hits.is_multiple_of(number.max(1)),
        }
    }
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// In braces.
    Expression(String),
}

/// `text {expression} text`; braces may be nested, doubled ones stand for themselves.
pub fn message(text: &str) -> Vec<Part> {
    let (mut parts, mut plain, mut inner) = (Vec::new(), String::new(), String::new());
    let mut depth = 0_u32;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match (sign, depth) {
            ('{' | '}', 0) if signs.peek() == Some(&sign) => {
                signs.next();
                plain.push(sign);
            }
            ('{', 0) => {
                depth = 1;
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            ('}', 1) => {
                depth = 0;
                parts.push(Part::Expression(std::mem::take(&mut inner)));
            }
            (_, 0) => plain.push(sign),
            _ => {
                match sign {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                inner.push(sign);
            }
        }
    }
    if depth > 0 {
        plain = format!("{{{inner}");
    }
    parts.push(Part::Text(plain));
    parts
}

/// A value whose changes are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it was named.
    pub name: String,
    /// What it is.
    pub of: What,
    /// As it was last.
    pub(super) last: Option<Vec<u8>>,
}

/// What may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A tag, all of its elements.
    Tag {
        /// Index among the cell's tags.
        tag: u32,
        /// First slot.
        slot: u32,
        /// Elements.
        len: u32,
        /// It is an output: what goes out counts, also where no program has written it.
        output: bool,
    },
    /// Part of a program's state.
    State {
        /// Index of the program.
        program: usize,
        /// Bytes from the start.
        offset: usize,
        /// Bytes.
        len: usize,
    },
}

impl Target {
    /// `io.name`, or `program.this.path`.
    ///
    /// # Errors
    /// If there is nothing of this name.
    pub fn find<'m>(
        name: &str,
        cell: &Cell,
        layouts: impl Iterator<Item = (&'m str, &'m Layout)>,
    ) -> Result<Self, String> {
        let new = |of| Self { name: name.to_owned(), of, last: None };
        if let Some(tag) = name.strip_prefix("io.") {
            let found = (0_u32..).zip(&cell.tags).find(|(_, known)| known.name == tag);
            let (index, tag) = found.ok_or_else(|| format!("there is no tag `{tag}`"))?;
            let output = tag.kind == TagKind::Output;
            return Ok(new(What::Tag { tag: index, slot: tag.slot, len: tag.len(), output }));
        }
        let wrong = || format!("`{name}`: expected `io.<tag>` or `<program>.this.<field>`");
        let (program, path) = name.split_once(".this.").ok_or_else(wrong)?;
        let mut layouts = layouts.enumerate();
        let (index, layout) = layouts
            .find_map(|(index, (known, layout))| (known == program).then_some((index, layout)))
            .ok_or_else(wrong)?;
        let place = layout.lookup(path).ok_or_else(|| format!("`{program}` has no `this.{path}`"))?;
        let (offset, len) = (place.offset, place.shape.size() as usize);
        Ok(new(What::State { program: index, offset, len }))
    }

    /// What it is at a place of a program; `None`: it cannot have changed there.
    pub(super) fn here(&self, program: usize, subject: &Subject, here: &Here<'_>) -> Option<Vec<u8>> {
        match self.of {
            What::Tag { tag, slot, len, .. } => {
                subject.assigns(tag).then(|| words(here.tag(slot, len).map(|(word, _)| word)))
            }
            What::State { program: of, offset, len } if of == program => here.part(offset, len),
            What::State { .. } => None,
        }
    }

    /// What it is behind a cycle.
    pub(super) fn behind(&self, machine: &Machine) -> Option<Vec<u8>> {
        match self.of {
            What::Tag { tag, slot, len, output } => {
                let of = machine.cell().tags.get(tag as usize)?;
                let running = machine.mode() == crate::machine::Mode::Run;
                // What is on the wire where no program rules.
                if output && !running {
                    let values = of.fields.iter().map(|field| of.decode(field, machine.outputs()));
                    return Some(words(values.map(|value| value.map_or(0, |value| value.to_bits()))));
                }
                Some(words((slot..slot + len).map(|slot| machine.store().committed(slot).to_bits())))
            }
            What::State { program, offset, len } => {
                let state = machine.programs().get(program)?.state();
                Some(state.get(offset..)?.get(..len)?.to_vec())
            }
        }
    }

    /// The same in another edition of the programs; `None`: there is none.
    pub fn again(&self, machine: &Machine) -> Option<Self> {
        let programs = machine.programs().iter().map(|program| (program.name(), program.layout()));
        Self::find(&self.name, machine.cell(), programs).ok()
    }
}

fn words(words: impl Iterator<Item = u64>) -> Vec<u8> {
    words.flat_map(u64::to_le_bytes).collect()
}
