//! PackML units: mode and state of each part of the machine (ISA-TR88.00.02), apart from the runtime's own mode.

use super::KeyframeError;
use crate::keyframe::{Reader, Writer};
use sensai_model::{
    cell::Unit,
    packml::{Command, Mode, State},
};
use sensai_scripts::ports::{Request, Requested, UnitFacts};

/// Where one unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitState {
    /// Its mode.
    pub mode: Mode,
    /// Its state.
    pub state: State,
    /// Programs have run in this state, so that an acting state that nobody works in may end.
    ran: bool,
    /// On the way to Execute without further commands: what `start` asks for with its whole chain.
    chain: bool,
    /// A jidoka event waits for a verdict: no Execute before it.
    pub awaits_verdict: bool,
}

/// Commands that lead to Execute from waiting states, in a chain.
const WAY: [Command; 3] = [Command::Clear, Command::Reset, Command::Start];

/// All units of the cell.
#[derive(Clone, Debug)]
pub struct Units {
    units: Box<[Unit]>,
    states: Box<[UnitState]>,
    /// State of each when this cycle's programs were told: what they say of it is not taken for another one.
    told: Box<[State]>,
    /// Unit of each program, by global index.
    of_program: Box<[Option<u16>]>,
}

impl Units {
    /// All units Stopped, in their first mode.
    pub fn new(units: &[Unit], programs: usize) -> Self {
        let mut of_program = vec![None; programs].into_boxed_slice();
        for (index, unit) in units.iter().enumerate() {
            for program in &unit.programs {
                if let Some(place) = of_program.get_mut(usize::from(*program)) {
                    *place = Some(index as u16);
                }
            }
        }
        let first = |unit: &Unit| UnitState {
            mode: unit.modes.first().copied().unwrap_or(Mode::Production),
            state: State::Stopped,
            ran: false,
            chain: false,
            awaits_verdict: false,
        };
        let told = units.iter().map(|_| State::Stopped).collect();
        Self { states: units.iter().map(first).collect(), told, units: units.into(), of_program }
    }

    /// The programs of this cycle are told the states as they are now.
    pub fn begin(&mut self) {
        for (told, of) in self.told.iter_mut().zip(&self.states) {
            *told = of.state;
        }
    }

    /// By the cell's order.
    pub fn states(&self) -> &[UnitState] {
        &self.states
    }

    /// What a program (global index) sees.
    pub fn facts(&self, program: usize) -> UnitFacts {
        let unit = self.of_program.get(program).copied().flatten();
        match unit.and_then(|unit| self.states.get(usize::from(unit))) {
            Some(of) => UnitFacts { mode: of.mode, state: of.state },
            None => UnitFacts::NONE,
        }
    }

    /// A command for one unit (its index), or for all of them (-1). `chain`: also the commands that lead to it. One that
    /// does not fit the state is ignored: the record shows both. True if it fitted one of them.
    pub fn command(&mut self, unit: i64, command: Command, chain: bool) -> bool {
        let mut fitted = false;
        for state in self.chosen(unit) {
            fitted |= state.command(command, chain);
        }
        fitted
    }

    /// For a test stand: mode and state as they are told, whatever leads there.
    pub(super) fn place(&mut self, unit: usize, mode: Option<Mode>, state: Option<State>) {
        if let Some(of) = self.states.get_mut(unit) {
            of.mode = mode.unwrap_or(of.mode);
            if let Some(state) = state {
                of.chain = false;
                of.enter(state);
            }
        }
    }

    /// Another mode, where the unit has it and its state allows a change. True if it did in one of them.
    pub fn set_mode(&mut self, unit: i64, mode: Mode) -> bool {
        let mut fitted = false;
        for index in self.range(unit) {
            let known = self.units.get(index).is_some_and(|unit| unit.modes.contains(&mode));
            if let Some(state) =
                self.states.get_mut(index).filter(|of| known && of.state.allows_mode_change())
            {
                state.mode = mode;
                fitted = true;
            }
        }
        fitted
    }

    /// The runtime left Run: everything is stopped, or aborted after a fault.
    pub fn runtime_left_run(&mut self, faulted: bool) {
        for state in &mut self.states {
            state.enter(if faulted { State::Aborted } else { State::Stopped });
            state.chain = false;
        }
    }

    /// The reaction to an alarm that is there; nothing where the state has no such command.
    pub fn react(&mut self, unit: u16, command: Command) {
        for state in self.chosen(unit_argument(unit)) {
            state.react(command);
        }
    }

    /// A jidoka event: hold the unit (`u16::MAX`: all), and keep it held until there is a verdict. One that cannot be held
    /// as it stands, such as in Suspended, is held when it comes to Execute.
    pub fn hold_for_verdict(&mut self, unit: u16) {
        for state in self.chosen(unit_argument(unit)) {
            state.awaits_verdict = true;
            state.react(Command::Hold);
        }
    }

    /// A verdict was given: `waits` says for which units there still is an event without one.
    pub fn wait_for_verdicts(&mut self, waits: impl Fn(u16) -> bool) {
        for (index, state) in self.states.iter_mut().enumerate() {
            state.awaits_verdict &= waits(index as u16);
        }
    }

    /// Behind the programs: what they asked for, then acting states that end by themselves.
    pub fn step(&mut self, requested: &[Requested], programs_ran: bool) {
        for Requested { program, request } in requested {
            let unit = self.of_program.get(usize::from(*program)).copied().flatten();
            let unit = usize::from(unit.unwrap_or(u16::MAX));
            let (Some(state), Some(told)) = (self.states.get_mut(unit), self.told.get(unit)) else {
                continue;
            };
            match request {
                Request::StateComplete if programs_ran && state.state == *told => state.complete(),
                Request::Command(command) => {
                    state.command(*command, false);
                }
                _ => {}
            }
        }
        for (unit, state) in self.units.iter().zip(&mut self.states) {
            let immediate = unit.immediate >> (state.state as u32) & 1 == 1;
            if programs_ran && state.ran && immediate {
                state.complete();
            } else {
                state.ran |= programs_ran;
            }
            state.follow_chain();
            if state.awaits_verdict {
                state.react(Command::Hold);
            }
        }
    }

    fn range(&self, unit: i64) -> std::ops::Range<usize> {
        match usize::try_from(unit) {
            Ok(index) if index < self.states.len() => index..index + 1,
            Ok(_) => 0..0,
            Err(_) => 0..self.states.len(),
        }
    }

    fn chosen(&mut self, unit: i64) -> &mut [UnitState] {
        let range = self.range(unit);
        &mut self.states[range]
    }

    /// Into a keyframe.
    pub fn save(&self, out: &mut Writer<'_>) {
        for of in &self.states {
            out.bytes(&[
                of.mode as u8,
                of.state as u8,
                u8::from(of.ran),
                u8::from(of.chain),
                u8::from(of.awaits_verdict),
            ]);
        }
    }

    /// Out of a keyframe.
    ///
    /// # Errors
    /// If it is too short, or a number is no mode or state.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), KeyframeError> {
        for of in &mut self.states {
            let [mode, state, ran, chain, awaits] = from.array::<5>()?;
            *of = UnitState {
                mode: Mode::from_number(mode).ok_or(KeyframeError::Number("unit mode", mode.into()))?,
                state: State::from_number(state).ok_or(KeyframeError::Number("unit state", state.into()))?,
                ran: ran != 0,
                chain: chain != 0,
                awaits_verdict: awaits != 0,
            };
        }
        Ok(())
    }
}

/// A unit as commands name it: `u16::MAX` stands for all, which is -1 there.
fn unit_argument(unit: u16) -> i64 {
    if unit == u16::MAX { -1 } else { i64::from(unit) }
}

impl UnitState {
    fn enter(&mut self, state: State) {
        if state != self.state {
            self.state = state;
            self.ran = false;
        }
    }

    fn command(&mut self, command: Command, chain: bool) -> bool {
        if command == Command::Unhold && self.awaits_verdict {
            return false;
        }
        let next = self.state.commanded(command);
        let begins = chain && command == Command::Start && (next.is_some() || self.is_on_the_way());
        // Whatever else is commanded ends a chain, also where it does nothing more: a Stop in Clearing.
        let ended = std::mem::replace(&mut self.chain, begins) && !begins;
        if let Some(next) = next {
            self.enter(next);
        }
        next.is_some() || begins || ended
    }

    /// As a command, but where it does not fit the state nothing happens.
    fn react(&mut self, command: Command) {
        if let Some(next) = self.state.commanded(command) {
            self.chain = false;
            self.enter(next);
        }
    }

    /// A chain leads from here to Execute; from Held and Suspended another command does.
    const fn is_on_the_way(&self) -> bool {
        !matches!(self.state, State::Holding | State::Held | State::Suspending | State::Suspended)
    }

    fn complete(&mut self) {
        if let Some(next) = self.state.completed() {
            self.enter(next);
        }
    }

    fn follow_chain(&mut self) {
        if !self.chain {
            return;
        }
        if self.state == State::Execute {
            self.chain = false;
        } else if let Some(next) = WAY.into_iter().find_map(|command| self.state.commanded(command)) {
            self.enter(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(name: &str, programs: &[u16], immediate: &[State]) -> Unit {
        Unit {
            name: name.into(),
            modes: vec![Mode::Production, Mode::Manual],
            programs: programs.to_vec(),
            immediate: immediate.iter().fold(0, |bits, state| bits | 1 << (*state as u32)),
            jog: Vec::new(),
        }
    }

    fn all_but(acting: &[State]) -> Vec<State> {
        let execute = [State::Execute];
        let waits = |state: &&State| state.is_acting() && !acting.contains(state) && !execute.contains(state);
        State::ALL.iter().filter(waits).copied().collect()
    }

    fn asked(program: u16, request: Request) -> [Requested; 1] {
        [Requested { program, request }]
    }

    fn settle(units: &mut Units) {
        for _ in 0..10 {
            units.begin();
            units.step(&[], true);
        }
    }

    /// One unit in Execute, whose programs end these acting states themselves.
    fn executing(acting: &[State]) -> Units {
        let mut units = Units::new(&[unit("press", &[0], &all_but(acting))], 1);
        units.command(0, Command::Start, true);
        settle(&mut units);
        assert_eq!(units.facts(0).state, State::Execute);
        units
    }

    #[test]
    fn start_with_its_chain_reaches_execute_and_waits_where_a_program_acts() {
        let mut units = Units::new(&[unit("press", &[0], &all_but(&[State::Resetting]))], 1);
        units.command(0, Command::Start, true);
        for _ in 0..10 {
            units.step(&[], true);
        }
        assert_eq!(units.facts(0).state, State::Resetting, "a program homes the axes here");
        units.begin();
        units.step(&asked(0, Request::StateComplete), true);
        for _ in 0..3 {
            units.step(&[], true);
        }
        assert_eq!(units.facts(0).state, State::Execute);
        units.command(0, Command::Stop, false);
        units.step(&[], true);
        units.step(&[], true);
        assert_eq!(units.facts(0).state, State::Stopped, "the chain does not start it again");
    }

    #[test]
    fn an_acting_state_is_seen_by_the_programs_before_it_ends() {
        let mut units = Units::new(&[unit("press", &[0], &all_but(&[]))], 1);
        units.command(0, Command::Reset, false);
        units.step(&[], true);
        assert_eq!(units.facts(0).state, State::Resetting);
        units.step(&[], false);
        assert_eq!(units.facts(0).state, State::Resetting, "no program has run");
        units.step(&[], true);
        assert_eq!(units.facts(0).state, State::Idle);
    }

    #[test]
    fn a_program_commands_its_own_unit_only() {
        let mut units = Units::new(&[unit("a", &[0], &all_but(&[])), unit("b", &[1], &all_but(&[]))], 3);
        units.command(-1, Command::Start, true);
        for _ in 0..8 {
            units.step(&[], true);
        }
        units.step(&asked(1, Request::Command(Command::Hold)), true);
        assert_eq!((units.facts(0).state, units.facts(1).state), (State::Execute, State::Holding));
        units.step(&asked(2, Request::Command(Command::Abort)), true);
        assert_eq!(units.facts(0).state, State::Execute, "a program without a unit commands none");
        assert_eq!(units.facts(2), UnitFacts::NONE);
    }

    #[test]
    fn a_held_part_waits_for_its_verdict() {
        let mut units = Units::new(&[unit("press", &[0], &all_but(&[]))], 1);
        units.command(0, Command::Start, true);
        for _ in 0..8 {
            units.step(&[], true);
        }
        units.hold_for_verdict(u16::MAX);
        for _ in 0..3 {
            units.step(&[], true);
        }
        units.command(0, Command::Unhold, false);
        assert_eq!(units.facts(0).state, State::Held);
        units.wait_for_verdicts(|_| false);
        units.command(0, Command::Unhold, false);
        assert_eq!(units.facts(0).state, State::Unholding);
    }

    /// A result that comes when the unit cannot be held must not be lost.
    #[test]
    fn what_cannot_be_held_at_once_is_held_before_it_makes_another_part() {
        let ways: [(&[Command], &[Command]); 4] = [
            (&[Command::Suspend], &[Command::Unsuspend]),
            (&[Command::Stop], &[Command::Reset, Command::Start]),
            (&[Command::Complete], &[Command::Reset, Command::Start]),
            (&[Command::Abort], &[Command::Clear, Command::Reset, Command::Start]),
        ];
        for (away, back) in ways {
            let mut units = executing(&[]);
            for command in away {
                units.command(0, *command, false);
            }
            units.hold_for_verdict(0);
            settle(&mut units);
            for command in back {
                assert!(units.command(0, *command, false), "{command:?}");
                settle(&mut units);
            }
            assert_eq!(units.facts(0).state, State::Held, "{away:?}");
            assert!(!units.command(0, Command::Unhold, false));
            units.wait_for_verdicts(|_| false);
            assert!(units.command(0, Command::Unhold, false));
            settle(&mut units);
            assert_eq!(units.facts(0).state, State::Execute);
        }
    }

    #[test]
    fn a_unit_waits_for_its_own_events_only() {
        let mut units = Units::new(&[unit("a", &[0], &all_but(&[])), unit("b", &[1], &all_but(&[]))], 2);
        units.command(-1, Command::Start, true);
        settle(&mut units);
        units.hold_for_verdict(u16::MAX);
        settle(&mut units);
        units.wait_for_verdicts(|unit| unit == 1);
        assert!(units.command(0, Command::Unhold, false) && !units.command(1, Command::Unhold, false));
    }

    /// The alarm took the unit to Holding after the program had said that Execute was complete.
    #[test]
    fn what_is_said_of_a_state_is_not_taken_for_another_one() {
        let mut units = executing(&[State::Holding]);
        units.begin();
        units.react(0, Command::Hold);
        units.step(&asked(0, Request::StateComplete), true);
        assert_eq!(units.facts(0).state, State::Holding);
        units.begin();
        let twice = [asked(0, Request::StateComplete)[0]; 2];
        units.step(&twice, true);
        assert_eq!(units.facts(0).state, State::Held);
        let mut units = executing(&[State::Completing]);
        units.begin();
        units.step(&twice, true);
        assert_eq!(units.facts(0).state, State::Completing, "said twice, done once");
    }

    #[test]
    fn a_chain_ends_with_any_other_command_and_begins_only_where_it_leads_somewhere() {
        let mut units = Units::new(&[unit("press", &[0], &all_but(&[State::Clearing]))], 1);
        units.command(0, Command::Abort, false);
        settle(&mut units);
        assert!(units.command(0, Command::Start, true));
        settle(&mut units);
        assert_eq!(units.facts(0).state, State::Clearing, "a program clears");
        assert!(units.command(0, Command::Stop, false), "it ends the chain, though Clearing has no Stop");
        assert!(!units.command(0, Command::Stop, false));
        units.begin();
        units.step(&asked(0, Request::StateComplete), true);
        settle(&mut units);
        assert_eq!(units.facts(0).state, State::Stopped);

        let mut units = executing(&[]);
        units.command(0, Command::Hold, false);
        settle(&mut units);
        assert!(!units.command(0, Command::Start, true), "Held is left by Unhold");
        units.command(0, Command::Unhold, false);
        settle(&mut units);
        units.command(0, Command::Stop, false);
        settle(&mut units);
        assert_eq!(units.facts(0).state, State::Stopped);
    }

    #[test]
    fn an_alarm_s_reaction_leaves_a_chain_that_it_cannot_stop() {
        let mut units = Units::new(&[unit("press", &[0], &all_but(&[]))], 1);
        units.command(0, Command::Start, true);
        for _ in 0..20 {
            units.react(0, Command::Hold);
            units.step(&[], true);
        }
        assert_eq!(units.facts(0).state, State::Held, "held where it can be, not stuck before");
    }

    #[test]
    fn the_mode_changes_at_rest_only_and_to_one_that_is_there() {
        let mut units = Units::new(&[unit("press", &[0], &all_but(&[]))], 1);
        units.set_mode(0, Mode::Maintenance);
        assert_eq!(units.facts(0).mode, Mode::Production);
        units.set_mode(0, Mode::Manual);
        assert_eq!(units.facts(0).mode, Mode::Manual);
        units.command(0, Command::Reset, false);
        units.set_mode(0, Mode::Production);
        assert_eq!(units.facts(0).mode, Mode::Manual);
    }

    proptest! {
        #[test]
        fn saved_units_go_on_alike(
            commands in proptest::collection::vec((-1..3_i64, 1..=10_u8, any::<bool>()), 0..40), cut in 0..40_usize,
        ) {
            let cell = [unit("a", &[0], &all_but(&[])), unit("b", &[1], &all_but(&[State::Starting]))];
            let mut units = Units::new(&cell, 2);
            let mut copy = Units::new(&cell, 2);
            for (index, (unit, command, chain)) in commands.into_iter().enumerate() {
                if index == cut {
                    let mut bytes = [0; 10];
                    units.save(&mut Writer::into(&mut bytes));
                    copy.load(&mut Reader::new(&bytes)).unwrap();
                }
                let command = Command::from_number(command).unwrap();
                for units in [&mut units, &mut copy] {
                    units.command(unit, command, chain);
                    units.step(&[], true);
                }
                if index >= cut {
                    prop_assert_eq!(units.states(), copy.states());
                }
            }
        }
    }
}
