//! Alarms after ISA-18.2: which condition is there, who has seen it, which one came first.

use super::KeyframeError;
use crate::keyframe::{Reader, Writer};
use sensai_model::{
    TagStore, Value,
    cell::{Alarm, AlarmCondition, AlarmReaction},
};

/// State of an alarm (ISA-18.2, figure 5; without the administrative states).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AlarmState {
    /// A: nothing.
    Normal = 0,
    /// B: there, nobody has seen it.
    Unacknowledged = 1,
    /// C: there, seen.
    Acknowledged = 2,
    /// D: gone, and nobody has seen it.
    ReturnedUnacknowledged = 3,
    /// G: out of sight for a while, by an operator.
    Shelved = 4,
}

impl AlarmState {
    /// As people read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Unacknowledged => "active, unacknowledged",
            Self::Acknowledged => "active, acknowledged",
            Self::ReturnedUnacknowledged => "gone, unacknowledged",
            Self::Shelved => "shelved",
        }
    }
}

/// One alarm now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlarmFacts {
    /// The delayed condition is there.
    pub active: bool,
    /// Somebody has seen it since it came.
    pub acknowledged: bool,
    /// It came first in its group, while the group had no other.
    pub first_out: bool,
    /// Cycle in which it came last; 0 for never.
    pub since: u64,
    /// Cycles it stays shelved.
    pub shelved: u64,
    /// How often it came.
    pub count: u64,
    /// The condition as it is, before delays.
    condition: bool,
    /// Cycles the condition has differed from `active`.
    pending: u64,
}

impl AlarmFacts {
    /// Where it stands.
    pub const fn state(&self) -> AlarmState {
        match (self.shelved > 0, self.active, self.acknowledged) {
            (true, ..) => AlarmState::Shelved,
            (_, true, false) => AlarmState::Unacknowledged,
            (_, true, true) => AlarmState::Acknowledged,
            (_, false, false) => AlarmState::ReturnedUnacknowledged,
            (_, false, true) => AlarmState::Normal,
        }
    }
}

/// All alarms of the cell.
#[derive(Clone, Debug)]
pub struct Alarms {
    alarms: Box<[Alarm]>,
    facts: Box<[AlarmFacts]>,
    interval_ns: u64,
}

impl Alarms {
    /// All normal.
    pub fn new(alarms: &[Alarm], interval_ns: u64) -> Self {
        let normal = AlarmFacts {
            active: false,
            acknowledged: true,
            first_out: false,
            since: 0,
            shelved: 0,
            count: 0,
            condition: false,
            pending: 0,
        };
        Self { facts: vec![normal; alarms.len()].into(), alarms: alarms.into(), interval_ns }
    }

    /// By the cell's order.
    pub fn facts(&self) -> &[AlarmFacts] {
        &self.facts
    }

    /// One step: `raised` says whether a program raised the alarm of an index in this cycle, `cycles` how many intervals
    /// have passed, `react` is called for every alarm that is there and not shelved, in every cycle: a unit that an alarm
    /// holds is not to be unheld while the cause is there.
    pub fn step(
        &mut self,
        store: &TagStore,
        raised: impl Fn(usize) -> bool,
        cycle: u64,
        cycles: u64,
        mut react: impl FnMut(usize, AlarmReaction),
    ) {
        for index in 0..self.alarms.len() {
            let (alarm, facts) = (&self.alarms[index], &mut self.facts[index]);
            facts.shelved = facts.shelved.saturating_sub(cycles);
            facts.condition = condition(alarm, facts.condition, store, raised(index));
            self.follow(index, cycle, cycles);
            let facts = &self.facts[index];
            if facts.active && facts.shelved == 0 {
                react(index, self.alarms[index].reaction);
            }
        }
    }

    /// The alarm comes or goes with its condition, after its delay.
    fn follow(&mut self, index: usize, cycle: u64, cycles: u64) {
        let (alarm, facts) = (&self.alarms[index], &mut self.facts[index]);
        if facts.condition == facts.active {
            facts.pending = 0;
            return;
        }
        let delay_ns = if facts.active { alarm.off_delay_ns } else { alarm.on_delay_ns };
        if facts.pending < delay_ns.div_ceil(self.interval_ns.max(1)) {
            facts.pending = facts.pending.saturating_add(cycles);
            return;
        }
        facts.pending = 0;
        facts.active = facts.condition;
        if !facts.active {
            facts.acknowledged |= !alarm.latched;
            facts.first_out &= !facts.acknowledged;
            return;
        }
        (facts.acknowledged, facts.since) = (false, cycle);
        facts.count = facts.count.saturating_add(1);
        let first = self.group_is_quiet(index);
        self.facts[index].first_out = first;
    }

    /// The first alarm that faults the machine for as long as it is there.
    pub fn faulting(&self) -> Option<u16> {
        let mut all = self.alarms.iter().zip(&self.facts);
        let faults = |(alarm, facts): (&Alarm, &AlarmFacts)| {
            alarm.reaction == AlarmReaction::Fault && facts.active && facts.shelved == 0
        };
        all.position(faults).map(|index| index as u16)
    }

    /// No other alarm of the group is there or waits to be seen.
    fn group_is_quiet(&self, index: usize) -> bool {
        let group = self.alarms[index].group;
        let others = self.alarms.iter().zip(&self.facts).enumerate();
        let loud = |facts: &AlarmFacts| facts.active || !facts.acknowledged;
        !others
            .into_iter()
            .any(|(other, (alarm, facts))| other != index && alarm.group == group && loud(facts))
    }

    /// Somebody has seen the alarm of this index; a negative one means all of them. True if one of them was unseen.
    pub fn acknowledge(&mut self, index: i64) -> bool {
        let mut unseen = false;
        let chosen = usize::try_from(index);
        for (at, facts) in self.facts.iter_mut().enumerate() {
            if chosen.is_err() || chosen == Ok(at) {
                unseen |= !facts.acknowledged;
                facts.acknowledged = true;
                facts.first_out &= facts.active;
            }
        }
        unseen
    }

    /// Out of sight for this many cycles; 0 brings it back. False if there is no such alarm.
    pub fn shelve(&mut self, index: i64, cycles: i64) -> bool {
        let facts = usize::try_from(index).ok().and_then(|index| self.facts.get_mut(index));
        let known = facts.is_some();
        if let Some(facts) = facts {
            facts.shelved = u64::try_from(cycles).unwrap_or(0);
        }
        known
    }

    /// Into a keyframe.
    pub fn save(&self, out: &mut Writer<'_>) {
        for facts in &self.facts {
            out.bytes(&[
                u8::from(facts.active),
                u8::from(facts.acknowledged),
                u8::from(facts.first_out),
                u8::from(facts.condition),
            ]);
            for number in [facts.since, facts.shelved, facts.count, facts.pending] {
                out.u64(number);
            }
        }
    }

    /// Out of a keyframe.
    ///
    /// # Errors
    /// If it is too short.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), KeyframeError> {
        for facts in &mut self.facts {
            let [active, acknowledged, first_out, condition] = from.array::<4>()?.map(|byte| byte != 0);
            let [since, shelved, count, pending] = [from.u64()?, from.u64()?, from.u64()?, from.u64()?];
            *facts =
                AlarmFacts { active, acknowledged, first_out, since, shelved, count, condition, pending };
        }
        Ok(())
    }
}

/// The condition with its hysteresis. An invalid input neither raises nor ends an alarm.
fn condition(alarm: &Alarm, before: bool, store: &TagStore, raised: bool) -> bool {
    let number = |slot: u32| match store.committed(slot) {
        Value::F64(number) => number,
        Value::I64(number) => number as f64,
        Value::Bool(bit) => f64::from(u8::from(bit)),
    };
    match alarm.condition {
        AlarmCondition::Program => raised,
        AlarmCondition::Level { slot, .. }
        | AlarmCondition::Above { slot, .. }
        | AlarmCondition::Below { slot, .. }
            if !store.valid(slot) =>
        {
            before
        }
        AlarmCondition::Level { slot, level } => (store.committed(slot) == Value::Bool(true)) == level,
        AlarmCondition::Above { slot, limit, hysteresis } => {
            number(slot) > if before { limit - hysteresis } else { limit }
        }
        AlarmCondition::Below { slot, limit, hysteresis } => {
            number(slot) < if before { limit + hysteresis } else { limit }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sensai_model::cell::AlarmPriority;

    const INTERVAL: u64 = 1_000_000;

    fn alarm(condition: AlarmCondition, on_delay_ns: u64, latched: bool, group: u16) -> Alarm {
        Alarm {
            name: "a".into(),
            id: 1000,
            condition,
            on_delay_ns,
            off_delay_ns: 0,
            priority: AlarmPriority::High,
            reaction: AlarmReaction::Fault,
            latched,
            text_en: String::new(),
            text_ja: String::new(),
            help: (String::new(), String::new()),
            group,
        }
    }

    fn program_alarms(of: &[(u64, bool, u16)]) -> Alarms {
        let make = |(delay, latched, group): &(u64, bool, u16)| {
            alarm(AlarmCondition::Program, *delay, *latched, *group)
        };
        Alarms::new(&of.iter().map(make).collect::<Vec<_>>(), INTERVAL)
    }

    fn step(alarms: &mut Alarms, raised: &[bool], cycle: u64) -> Vec<usize> {
        let mut came = Vec::new();
        let store = TagStore::new(&[]);
        alarms.step(&store, |index| raised[index], cycle, 1, |index, _| came.push(index));
        came
    }

    #[test]
    fn it_comes_after_its_delay_and_not_for_a_shorter_condition() {
        let mut alarms = program_alarms(&[(3 * INTERVAL, false, 0)]);
        for cycle in 1..=3 {
            assert!(step(&mut alarms, &[true], cycle).is_empty());
        }
        assert!(step(&mut alarms, &[false], 4).is_empty());
        for cycle in 5..=7 {
            assert!(step(&mut alarms, &[true], cycle).is_empty(), "cycle {cycle}: the delay starts anew");
        }
        assert_eq!(step(&mut alarms, &[true], 8), [0]);
        assert_eq!(alarms.facts()[0].since, 8);
    }

    #[test]
    fn the_states_of_isa_18_2() {
        let mut alarms = program_alarms(&[(0, true, 0), (0, false, 1)]);
        let state = |alarms: &Alarms| alarms.facts()[0].state();
        assert_eq!(state(&alarms), AlarmState::Normal);
        step(&mut alarms, &[true, false], 1);
        assert_eq!(state(&alarms), AlarmState::Unacknowledged);
        alarms.acknowledge(0);
        assert_eq!(state(&alarms), AlarmState::Acknowledged);
        step(&mut alarms, &[false, false], 2);
        assert_eq!(state(&alarms), AlarmState::Normal);
        step(&mut alarms, &[true, true], 3);
        step(&mut alarms, &[false, false], 4);
        assert_eq!(state(&alarms), AlarmState::ReturnedUnacknowledged);
        assert_eq!(alarms.facts()[1].state(), AlarmState::Normal, "not latched: gone is gone");
        alarms.acknowledge(-1);
        assert_eq!(state(&alarms), AlarmState::Normal);
    }

    #[test]
    fn the_first_of_a_group_is_marked_until_it_is_seen_and_gone() {
        let mut alarms = program_alarms(&[(0, true, 7), (0, true, 7), (0, true, 8)]);
        step(&mut alarms, &[false, true, false], 1);
        step(&mut alarms, &[true, true, true], 2);
        let marks = |alarms: &Alarms| alarms.facts().iter().map(|facts| facts.first_out).collect::<Vec<_>>();
        assert_eq!(marks(&alarms), [false, true, true]);
        step(&mut alarms, &[true, false, true], 3);
        assert_eq!(marks(&alarms), [false, true, true]);
        alarms.acknowledge(1);
        assert_eq!(marks(&alarms), [false, false, true]);
    }

    #[test]
    fn a_shelved_alarm_does_nothing_until_its_time_is_over() {
        let mut alarms = program_alarms(&[(0, false, 0)]);
        alarms.shelve(0, 2);
        assert!(step(&mut alarms, &[true], 1).is_empty());
        assert_eq!(alarms.facts()[0].state(), AlarmState::Shelved);
        assert_eq!(alarms.faulting(), None);
        assert_eq!(step(&mut alarms, &[true], 2), [0], "it is still there: now it acts");
        assert_eq!(alarms.facts()[0].state(), AlarmState::Unacknowledged);
        assert_eq!(alarms.faulting(), Some(0));
        assert_eq!(step(&mut alarms, &[true], 3), [0], "and goes on");
        assert!(step(&mut alarms, &[false], 4).is_empty());
        alarms.shelve(99, 5);
        alarms.shelve(0, -1);
    }

    proptest! {
        #[test]
        fn saved_alarms_go_on_alike(raised in proptest::collection::vec(any::<[bool; 2]>(), 1..60), cut in 0..60_usize) {
            let mut alarms = program_alarms(&[(2 * INTERVAL, true, 0), (0, false, 0)]);
            let mut copy = alarms.clone();
            for (cycle, raised) in raised.iter().enumerate() {
                if cycle == cut {
                    let mut bytes = [0; 72];
                    alarms.save(&mut Writer::into(&mut bytes));
                    copy.load(&mut Reader::new(&bytes)).unwrap();
                }
                let came = step(&mut alarms, raised, cycle as u64);
                let again = step(&mut copy, raised, cycle as u64);
                if cycle >= cut {
                    prop_assert_eq!(came, again);
                    prop_assert_eq!(alarms.facts(), copy.facts());
                }
            }
        }
    }
}
