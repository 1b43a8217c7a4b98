//! Jidoka: detect, stop, a human judges. Events are numbered, and wait for a verdict.

use super::KeyframeError;
use crate::keyframe::{Reader, Writer};
use sensai_model::{TagStore, Value, cell};

/// Events that are remembered.
pub const EVENTS_MAX: usize = 16;

/// What a person said of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// Nothing yet.
    Open = 0,
    /// The part was good: a false stop.
    Good = 1,
    /// The part was bad.
    Bad = 2,
}

/// One stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Counts from 1; 0 is an empty place.
    pub number: u64,
    /// Index into the cell's rules.
    pub rule: u16,
    /// Cycle of the event.
    pub cycle: u64,
    /// The model's score; 0 if a program raised it.
    pub score: f64,
    /// What a person said.
    pub verdict: Verdict,
    /// Low 64 bits of the hash of their reason.
    pub why: u64,
}

impl Event {
    /// An empty place.
    pub const NONE: Self = Self { number: 0, rule: 0, cycle: 0, score: 0.0, verdict: Verdict::Open, why: 0 };
}

#[derive(Clone, Debug)]
struct Rule {
    of: cell::Jidoka,
    /// Slots of the model's score, validity and sequence number.
    model: Option<[u32; 3]>,
    sequence: i64,
    in_row: u32,
}

/// All rules of the cell, and the last events.
#[derive(Clone, Debug)]
pub struct Jidoka {
    rules: Box<[Rule]>,
    events: [Event; EVENTS_MAX],
    count: u64,
}

impl Jidoka {
    /// No events.
    pub fn new(cell: &sensai_model::Cell) -> Self {
        let rule = |of: &cell::Jidoka| {
            let model = of.model.and_then(|model| cell.models.get(usize::from(model)));
            // Score, age, valid, misses, sequence: see `cell::Model::slot`.
            Rule {
                model: model.map(|model| [model.slot, model.slot + 2, model.slot + 4]),
                of: of.clone(),
                sequence: 0,
                in_row: 0,
            }
        };
        Self { rules: cell.jidoka.iter().map(rule).collect(), events: [Event::NONE; EVENTS_MAX], count: 0 }
    }

    /// The last events, newest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        let newest = self.count;
        let place = move |back: u64| (newest.wrapping_sub(1 + back) % EVENTS_MAX as u64) as usize;
        (0..newest.min(EVENTS_MAX as u64)).map(move |back| &self.events[place(back)])
    }

    /// Events so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Somebody has to judge.
    pub fn is_open(&self) -> bool {
        self.events().any(|event| event.verdict == Verdict::Open)
    }

    /// An event of this unit waits for its verdict.
    pub fn holds(&self, unit: u16) -> bool {
        let is_of = |event: &Event| {
            let rule = self.rules.get(usize::from(event.rule));
            rule.is_some_and(|rule| rule.of.unit == unit || rule.of.unit == u16::MAX)
        };
        self.events().any(|event| event.verdict == Verdict::Open && is_of(event))
    }

    /// The rule has stopped its unit, and nobody has judged yet.
    fn stands(&self, rule: usize) -> bool {
        self.events().any(|event| event.verdict == Verdict::Open && usize::from(event.rule) == rule)
    }

    /// One step; `raised` says whether a program raised a rule. `hold` is called with the unit of every event.
    ///
    /// A program that raises a rule again and again while its event is open has one event, not one a cycle: sixteen are
    /// remembered, and each wants a person.
    pub fn step(
        &mut self,
        store: &TagStore,
        raised: impl Fn(usize) -> bool,
        cycle: u64,
        mut hold: impl FnMut(u16),
    ) {
        for index in 0..self.rules.len() {
            let score = self.rules[index].suspicious(store);
            let raised = raised(index) && !self.stands(index);
            if let Some(score) = score.or(raised.then_some(0.0)) {
                let rule = &self.rules[index];
                hold(rule.of.unit);
                let number = self.count + 1;
                let event = Event { number, rule: index as u16, cycle, score, ..Event::NONE };
                self.events[(self.count % EVENTS_MAX as u64) as usize] = event;
                self.count = number;
            }
        }
    }

    /// A person's verdict on the event of this number; 0 means the oldest that is still open. False if there is none.
    pub fn judge(&mut self, number: u64, good: bool, why: u64) -> bool {
        let open = |event: &&mut Event| {
            event.number > 0 && event.verdict == Verdict::Open && (number == 0 || event.number == number)
        };
        let Some(event) = self.events.iter_mut().filter(open).min_by_key(|event| event.number) else {
            return false;
        };
        event.verdict = if good { Verdict::Good } else { Verdict::Bad };
        event.why = why;
        true
    }

    /// Into a keyframe.
    pub fn save(&self, out: &mut Writer<'_>) {
        out.u64(self.count);
        for rule in &self.rules {
            out.u64(rule.sequence.cast_unsigned());
            out.u64(rule.in_row.into());
        }
        for event in &self.events {
            for number in [
                event.number,
                event.rule.into(),
                event.cycle,
                event.score.to_bits(),
                event.verdict as u64,
                event.why,
            ] {
                out.u64(number);
            }
        }
    }

    /// Out of a keyframe.
    ///
    /// # Errors
    /// If it is too short, or a verdict is none.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), KeyframeError> {
        self.count = from.u64()?;
        for rule in &mut self.rules {
            rule.sequence = from.u64()?.cast_signed();
            rule.in_row = from.u64()? as u32;
        }
        for event in &mut self.events {
            let [number, rule, cycle, score, verdict, why] =
                [from.u64()?, from.u64()?, from.u64()?, from.u64()?, from.u64()?, from.u64()?];
            let verdict = match verdict {
                0 => Verdict::Open,
                1 => Verdict::Good,
                2 => Verdict::Bad,
                other => return Err(KeyframeError::Number("verdict", other)),
            };
            *event = Event { number, rule: rule as u16, cycle, score: f64::from_bits(score), verdict, why };
        }
        Ok(())
    }
}

impl Rule {
    /// The score that makes the row full, in the cycle in which its result came.
    fn suspicious(&mut self, store: &TagStore) -> Option<f64> {
        let [score, valid, sequence] = self.model?;
        let Value::I64(sequence) = store.committed(sequence) else { return None };
        if sequence == self.sequence {
            return None;
        }
        self.sequence = sequence;
        let Value::F64(score) = store.committed(score) else { return None };
        if store.committed(valid) != Value::Bool(true) {
            // Too old when it came: it says nothing, also not that the row has ended.
            return None;
        }
        self.in_row = if score > self.of.limit { self.in_row.saturating_add(1) } else { 0 };
        if self.in_row < self.of.count.max(1) {
            return None;
        }
        self.in_row = 0;
        Some(score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(count: usize) -> Jidoka {
        let rule = Rule {
            of: cell::Jidoka {
                name: "j".into(),
                model: None,
                limit: 0.0,
                count: 1,
                unit: 3,
                before_ns: 0,
                after_ns: 0,
            },
            model: None,
            sequence: 0,
            in_row: 0,
        };
        Jidoka { rules: vec![rule; count].into(), events: [Event::NONE; EVENTS_MAX], count: 0 }
    }

    #[test]
    fn events_are_numbered_held_and_judged_oldest_first() {
        let (mut jidoka, store) = (rules(2), TagStore::new(&[]));
        let mut held = Vec::new();
        for cycle in 1..=20 {
            jidoka.step(&store, |index| index == 1 || cycle > 2, cycle, |unit| held.push(unit));
        }
        assert_eq!(held, [3, 3], "one event for each rule, however long it is raised");
        assert!(jidoka.holds(3) && !jidoka.holds(2));
        assert_eq!(
            jidoka.events().map(|event| (event.number, event.cycle)).collect::<Vec<_>>(),
            [(2, 3), (1, 1)],
        );
        assert!(jidoka.is_open());
        assert!(jidoka.judge(0, true, 7) && jidoka.is_open());
        assert!(!jidoka.judge(1, true, 7), "judged once");
        assert!(jidoka.judge(2, false, 8) && !jidoka.is_open());
        let verdicts: Vec<Verdict> = jidoka.events().map(|event| event.verdict).collect();
        assert_eq!(verdicts, [Verdict::Bad, Verdict::Good]);
        assert!(!jidoka.judge(0, true, 0));
    }

    #[test]
    fn old_events_make_room_and_the_rest_survives_a_keyframe() {
        let (mut jidoka, store) = (rules(1), TagStore::new(&[]));
        for cycle in 1..=40 {
            jidoka.step(&store, |_| true, cycle, |_| ());
            assert!(cycle == 40 || jidoka.judge(0, cycle % 3 == 0, cycle));
        }
        assert_eq!(jidoka.events().count(), EVENTS_MAX);
        assert_eq!(jidoka.events().next().map(|event| event.number), Some(40));
        let mut bytes = vec![0; 8 + 16 + EVENTS_MAX * 48];
        jidoka.save(&mut Writer::into(&mut bytes));
        let mut copy = rules(1);
        copy.load(&mut Reader::new(&bytes)).unwrap();
        assert!(copy.events().eq(jidoka.events()));
    }
}
