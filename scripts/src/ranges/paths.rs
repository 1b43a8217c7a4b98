//! Names of the places that values are in, numbered.
//!
//! Two names can be of one place: elements of an array are named by a number, by the variable that the index is in, or all at
//! once. There are no other aliases in the language: `this` of a function is a place of its caller, and nothing else is
//! passed by reference.

use crate::hir::LocalId;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Number of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PathId(u32);

/// Where a name begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Base {
    /// `this` of the function at hand.
    This,
    /// A variable of it.
    Local(LocalId),
    /// A tag, by its index in the environment.
    Tag(u32),
    /// A parameter, by its index.
    Parameter(u32),
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    /// A field, by its index.
    Field(u32),
    /// The element of this number, from 0.
    At(u32),
    /// The element that a variable names.
    By(LocalId),
    /// Some element: what is known is known of each.
    Each,
    /// A pin of a block, by its index.
    Pin(u32),
}

/// The parts of a name: seldom more than these, and they are made all the time.
pub(crate) type Parts = SmallVec<[Part; 4]>;

/// A name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Path {
    pub base: Base,
    pub parts: Parts,
}

/// All names that came up.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    all: Vec<Entry>,
    numbers: FxHashMap<Path, PathId>,
}

#[derive(Debug)]
struct Entry {
    path: Path,
    first: Option<Part>,
    /// A variable is part of it.
    by: bool,
}

impl Part {
    fn is_element(self) -> bool {
        matches!(self, Self::At(_) | Self::By(_) | Self::Each)
    }

    fn general(self) -> Self {
        if self.is_element() { Self::Each } else { self }
    }

    /// It can be the same place.
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::At(a), Self::At(b)) => a == b,
            (a, b) if a.is_element() && b.is_element() => true,
            (a, b) => a == b,
        }
    }
}

impl Path {
    /// A name without parts.
    pub fn base(base: Base) -> Self {
        Self { base, parts: Parts::new() }
    }

    /// Longer by one part.
    pub fn with(&self, part: Part) -> Self {
        let mut parts = self.parts.clone();
        parts.push(part);
        Self { base: self.base, parts }
    }

    /// It names one place.
    pub fn is_exact(&self) -> bool {
        !self.parts.contains(&Part::Each)
    }

    /// One can be in the other, or be the other.
    pub fn meets(&self, other: &Self) -> bool {
        self.base == other.base && self.parts.iter().zip(&other.parts).all(|(a, b)| a.meets(*b))
    }

    /// What is behind `start`, if it begins with that very name.
    pub fn behind(&self, start: &Self) -> Option<&[Part]> {
        if self.base == start.base { self.parts.strip_prefix(start.parts.as_slice()) } else { None }
    }

    /// Of all elements.
    pub fn general(&self) -> Self {
        Self { base: self.base, parts: self.parts.iter().map(|part| part.general()).collect() }
    }

    /// It is of all elements.
    pub fn is_general(&self) -> bool {
        self.parts.iter().all(|part| *part == part.general())
    }

    /// Another name in front of these parts.
    pub fn join(&self, parts: &[Part]) -> Self {
        let mut joined = self.parts.clone();
        joined.extend_from_slice(parts);
        Self { base: self.base, parts: joined }
    }

    /// This name, of all elements, in front of these parts, of all elements.
    pub fn join_general(&self, parts: &[Part]) -> Self {
        Self { base: self.base, parts: self.parts.iter().chain(parts).map(|part| part.general()).collect() }
    }

    /// The variable `local` names an element of it.
    pub fn is_by(&self, local: LocalId) -> bool {
        self.parts.contains(&Part::By(local))
    }
}

impl Paths {
    /// The number of a name.
    pub fn number(&mut self, path: &Path) -> PathId {
        if let Some(number) = self.numbers.get(path) {
            return *number;
        }
        let number = PathId(self.all.len() as u32);
        let by = path.parts.iter().any(|part| matches!(part, Part::By(_)));
        self.all.push(Entry { path: path.clone(), first: path.parts.first().copied(), by });
        self.numbers.insert(path.clone(), number);
        number
    }

    /// The number of a name that came up before.
    pub fn find(&self, path: &Path) -> Option<PathId> {
        self.numbers.get(path).copied()
    }

    fn entry(&self, id: PathId) -> &Entry {
        // Numbers are given by this list only.
        &self.all[id.0 as usize]
    }

    /// One can be in the other, or be the other.
    pub fn meet(&self, id: PathId, path: &Path) -> bool {
        let entry = self.entry(id);
        // Most of what is known at one point is of other fields.
        let apart = match (entry.first, path.parts.first()) {
            (Some(mine), Some(other)) => !mine.meets(*other),
            _ => false,
        };
        !apart && entry.path.meets(path)
    }

    /// The name.
    pub fn path(&self, id: PathId) -> &Path {
        &self.entry(id).path
    }

    /// A variable is part of it: the name is good in its function only, as long as the variable stays.
    pub fn is_by_variable(&self, id: PathId) -> bool {
        self.entry(id).by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(parts: &[Part]) -> Path {
        Path { base: Base::This, parts: parts.into() }
    }

    #[test]
    fn elements_can_be_each_other_unless_their_numbers_differ() {
        use Part::{At, By, Each, Field};
        let i = LocalId(0);
        for (a, b, meets) in [
            (&[Field(0)][..], &[Field(1)][..], false),
            (&[Field(0)], &[Field(0), Field(3)], true),
            (&[Field(0), At(1)], &[Field(0), At(2)], false),
            (&[Field(0), At(1)], &[Field(0), By(i)], true),
            (&[Field(0), Each], &[Field(0), By(i)], true),
            (&[Field(0), At(1), Field(2)], &[Field(0), Each, Field(3)], false),
        ] {
            assert_eq!(path(a).meets(&path(b)), meets, "{a:?} {b:?}");
            assert_eq!(path(b).meets(&path(a)), meets, "{b:?} {a:?}");
        }
        assert!(!Path::base(Base::Tag(0)).meets(&Path::base(Base::Tag(1))));
    }

    #[test]
    fn a_name_has_one_number() {
        let mut paths = Paths::default();
        let named = path(&[Part::Field(1), Part::By(LocalId(2))]);
        let number = paths.number(&named);
        assert_eq!(paths.number(&named), number);
        assert_eq!(paths.find(&named), Some(number));
        let general = named.general();
        assert_eq!(general, path(&[Part::Field(1), Part::Each]));
        assert!(named.is_exact() && !general.is_exact());
        let general = paths.number(&general);
        assert!(paths.is_by_variable(number) && !paths.is_by_variable(general));
    }
}
