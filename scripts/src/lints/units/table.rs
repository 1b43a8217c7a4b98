//! Units of everything that is stored.

use super::measure::{Measure, Units};
use crate::lints::paths::Key;
use std::collections::{BTreeMap, BTreeSet};

/// Places that one is a copy of, and that are followed.
const COPIES_MAX: usize = 64;

/// What was stored where.
#[derive(Default)]
pub(super) struct Table {
    numbers: BTreeMap<Key, Measure>,
    copies: BTreeMap<Key, BTreeSet<Key>>,
    /// Something became known since this was asked.
    pub changed: bool,
}

impl Table {
    /// The unit of a number at a place.
    pub fn get(&self, key: &Key) -> Measure {
        let mut open = vec![key.clone()];
        let mut seen = BTreeSet::new();
        let mut measure = Measure::Any;
        while let Some(key) = open.pop() {
            if let Some(known) = self.numbers.get(&key) {
                measure = measure.join(known.clone());
            }
            if self.copies.is_empty() || seen.len() >= COPIES_MAX || !seen.insert(key.clone()) {
                continue;
            }
            for len in 0..=key.path.len() {
                let (Some(above), Some(below)) = (key.path.get(..len), key.path.get(len..)) else { continue };
                let above = Key { space: key.space, path: above.into() };
                open.extend(self.copies.get(&above).into_iter().flatten().map(|of| of.below(below)));
            }
        }
        measure
    }

    /// Of a number; what is no number is unclear.
    pub fn number(&self, units: &Units) -> Measure {
        match units {
            Units::Number(measure) => measure.clone(),
            Units::Copy(keys) => {
                let all = keys.iter().map(|key| self.get(key)).reduce(Measure::join);
                all.unwrap_or(Measure::Unclear)
            }
            Units::OneOf(all) => {
                let all = all.iter().map(|units| self.number(units)).reduce(Measure::join);
                all.unwrap_or(Measure::Unclear)
            }
            Units::Record(_) => Measure::Unclear,
        }
    }

    /// Something more is stored there.
    pub fn store(&mut self, key: &Key, units: &Units) {
        match units {
            Units::Number(measure) => {
                let known = self.numbers.get(key).cloned().unwrap_or(Measure::Any);
                let now = known.clone().join(measure.clone());
                if !now.is(&known) {
                    self.changed = true;
                    self.numbers.insert(key.clone(), now);
                }
            }
            Units::Copy(of) => {
                let copies = self.copies.entry(key.clone()).or_default();
                for of in of.iter().filter(|of| *of != key) {
                    self.changed |= copies.insert(of.clone());
                }
            }
            Units::Record(fields) => {
                for (index, units) in fields {
                    self.store(&key.below(&[*index]), units);
                }
            }
            Units::OneOf(all) => {
                for units in all {
                    self.store(key, units);
                }
            }
        }
    }
}
