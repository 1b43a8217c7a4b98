//! How often blocks are called on the ways through a piece of program.

use crate::hir::{FileId, LocalId, Span};
use std::collections::{BTreeMap, BTreeSet};

/// A step down to a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Element {
    /// A field of a record, by index.
    Field(u32),
    /// An element of an array.
    At(u32),
    /// The element that the variable of a `for` names.
    Each(LocalId),
}

pub(super) type Path = Vec<Element>;

/// Where a block is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub file: FileId,
    pub span: Span,
    pub method: &'static str,
}

/// Why something is not always done: where, and in words.
pub(super) type Because = (FileId, Span, &'static str);

/// How often a block is called.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    /// On the way with the fewest calls; 2 stands for more, too.
    pub min: u8,
    /// On the way with the most.
    pub max: u8,
    /// The first places, in the order of the way.
    pub sites: Vec<Site>,
    /// Why `min` is 0.
    pub because: Option<Because>,
}

/// Places that are remembered of a block.
const SITES_MAX: usize = 4;

/// Blocks of one program that are counted one by one.
const PATHS_MAX: usize = 10_000;

/// Calls of blocks, by block.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects {
    counts: BTreeMap<Path, Count>,
    /// Nothing is known of blocks below these, because an index is computed.
    unclear: BTreeSet<Path>,
}

/// How a piece of program is left, and what was called until then. `None`: it is not left like that.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// At its end.
    pub through: Option<Effects>,
    /// By `return`.
    pub returns: Option<Effects>,
    /// By `break`.
    pub breaks: Option<Effects>,
    /// By `continue`.
    pub continues: Option<Effects>,
    /// Where the first `return` is.
    pub returned: Option<(FileId, Span)>,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.min = (self.min + other.min).min(2);
        self.max = (self.max + other.max).min(2);
        self.because = if self.min > 0 { None } else { self.because.or(other.because) };
        for site in other.sites {
            if self.sites.len() < SITES_MAX && !self.sites.contains(&site) {
                self.sites.push(site);
            }
        }
    }

    fn sometimes(mut self, because: Because) -> Self {
        self.min = 0;
        self.because = self.because.or(Some(because));
        self
    }

    /// Either of them.
    fn or(&mut self, other: Self, because: Because) {
        let (min, max) = (self.min.min(other.min), self.max.max(other.max));
        self.add(other);
        (self.min, self.max) = (min, max);
        self.because = if min > 0 { None } else { self.because.or(Some(because)) };
    }
}

impl Effects {
    /// One call.
    pub fn call(path: Path, site: Site) -> Self {
        let count = Count { min: 1, max: 1, sites: vec![site], because: None };
        Self { counts: BTreeMap::from([(path, count)]), unclear: BTreeSet::new() }
    }

    /// Something below this path is called.
    pub fn unclear(path: Path) -> Self {
        Self { counts: BTreeMap::new(), unclear: BTreeSet::from([path]) }
    }

    /// What is known, by block.
    pub fn counts(&self) -> impl Iterator<Item = (&Path, &Count)> {
        self.counts.iter().filter(|(path, _)| !self.is_unclear(path))
    }

    fn is_unclear(&self, path: &[Element]) -> bool {
        !self.unclear.is_empty()
            && (0..=path.len()).any(|len| path.get(..len).is_some_and(|path| self.unclear.contains(path)))
    }

    /// One after the other.
    pub fn add(&mut self, other: Self) {
        self.unclear.extend(other.unclear);
        for (path, count) in other.counts {
            self.counts.entry(path).or_default().add(count);
        }
    }

    /// One or the other; `because` says why not always the same.
    pub fn or(mut self, other: Self, because: Because) -> Self {
        self.unclear.extend(other.unclear);
        let mut others = other.counts;
        for (path, count) in &mut self.counts {
            match others.remove(path) {
                Some(other) => count.or(other, because),
                None => *count = std::mem::take(count).sometimes(because),
            }
        }
        self.counts.extend(others.into_iter().map(|(path, count)| (path, count.sometimes(because))));
        self
    }

    /// Perhaps not at all.
    pub fn sometimes(self, because: Because) -> Self {
        self.or(Self::default(), because)
    }

    /// Several times, or never.
    pub fn times(mut self, count: u32) -> Self {
        match count {
            0 => return Self::default(),
            1 => {}
            _ => self.counts.values_mut().for_each(|count| {
                (count.min, count.max) =
                    (count.min.saturating_mul(2).min(2), count.max.saturating_mul(2).min(2));
            }),
        }
        self
    }

    /// The body of a `for` whose variable goes through `range`: elements that the variable names are each visited once.
    pub fn each(self, variables: &[LocalId], range: std::ops::Range<u32>) -> Self {
        let named = |path: &Path| {
            path.iter()
                .position(|element| matches!(element, Element::Each(local) if variables.contains(local)))
        };
        let times = range.end.saturating_sub(range.start);
        let (each, all): (Vec<_>, Vec<_>) =
            self.counts.into_iter().partition(|(path, _)| named(path).is_some());
        let mut repeated = Self { counts: all.into_iter().collect(), unclear: BTreeSet::new() }.times(times);
        let mut unclear = Vec::new();
        for path in self.unclear {
            let end = named(&path).unwrap_or(path.len());
            unclear.extend(path.get(..end).map(<[Element]>::to_vec));
        }
        for (path, count) in each {
            let Some(at) = named(&path) else { continue };
            if repeated.counts.len() + times as usize > PATHS_MAX {
                unclear.extend(path.get(..at).map(<[Element]>::to_vec));
                continue;
            }
            for index in range.clone() {
                let element = |element: &Element| match element {
                    Element::Each(local) if variables.contains(local) => Element::At(index),
                    other => *other,
                };
                let path = path.iter().map(element).collect();
                repeated.counts.entry(path).or_default().add(count.clone());
            }
        }
        repeated.unclear.extend(unclear);
        repeated
    }

    /// The same below a path.
    pub fn below(self, prefix: &[Element]) -> Self {
        let below = |path: Path| [prefix, &path[..]].concat();
        Self {
            counts: self.counts.into_iter().map(|(path, count)| (below(path), count)).collect(),
            unclear: self.unclear.into_iter().map(below).collect(),
        }
    }

    fn len(&self) -> usize {
        self.counts.len() + self.unclear.len()
    }

    /// True if nothing is called.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.unclear.is_empty()
    }
}

/// Either of two ways that may not be there.
pub(super) fn either(one: Option<Effects>, other: Option<Effects>, because: Because) -> Option<Effects> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.or(other, because)),
        (one, other) => one.or(other),
    }
}

impl Flow {
    /// Nothing is called.
    pub fn empty() -> Self {
        Self::of(Effects::default())
    }

    /// It is left at its end.
    pub fn of(effects: Effects) -> Self {
        Self { through: Some(effects), ..Self::default() }
    }

    /// One after the other. Where the second cannot be come to, it does not count. Gives a measure of the work.
    pub fn then(&mut self, next: Self, because: Because) -> usize {
        let Some(through) = &mut self.through else { return 0 };
        let exits = [&next.returns, &next.breaks, &next.continues].into_iter().flatten().count();
        let work = exits * through.len() + next.through.as_ref().map_or(0, Effects::len);
        let before = |exit: Option<Effects>, through: &Effects| {
            exit.map(|exit| {
                let mut all = through.clone();
                all.add(exit);
                all
            })
        };
        if next.returns.is_some() {
            self.returns = either(self.returns.take(), before(next.returns, through), because);
        }
        if next.breaks.is_some() {
            self.breaks = either(self.breaks.take(), before(next.breaks, through), because);
        }
        if next.continues.is_some() {
            self.continues = either(self.continues.take(), before(next.continues, through), because);
        }
        self.returned = self.returned.or(next.returned);
        match next.through {
            Some(next) => through.add(next),
            None => self.through = None,
        }
        work
    }

    /// One or the other.
    pub fn or(self, other: Self, because: Because) -> Self {
        Self {
            through: either(self.through, other.through, because),
            returns: either(self.returns, other.returns, because),
            breaks: either(self.breaks, other.breaks, because),
            continues: either(self.continues, other.continues, because),
            returned: self.returned.or(other.returned),
        }
    }
}
