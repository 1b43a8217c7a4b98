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
    /// A jidoka event waits for a verdict: no Unhold before it.
    pub awaits_verdict: bool,
}

/// All units of the cell.
#[derive(Clone, Debug)]
pub struct Units {
    units: Box<[Unit]>,
    states: Box<[UnitState]>,
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
        Self { states: units.iter().map(first).collect(), units: units.into(), of_program }
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

    /// A jidoka event: hold the unit (`u16::MAX`: all), and keep it held until there is a verdict.
    pub fn hold_for_verdict(&mut self, unit: u16) {
        let unit = if unit == u16::MAX { -1 } else { i64::from(unit) };
        for state in self.chosen(unit) {
            state.awaits_verdict = true;
            state.command(Command::Hold, false);
        }
    }

    /// All events have their verdict.
    pub fn judged(&mut self) {
        for state in &mut self.states {
            state.awaits_verdict = false;
        }
    }

    /// Behind the programs: what they asked for, then acting states that end by themselves.
    pub fn step(&mut self, requested: &[Requested], programs_ran: bool) {
        for Requested { program, request } in requested {
            let unit = self.of_program.get(usize::from(*program)).copied().flatten();
            let Some(state) = unit.and_then(|unit| self.states.get_mut(usize::from(unit))) else { continue };
            match request {
                Request::StateComplete if programs_ran => state.complete(),
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
        self.chain = chain && command == Command::Start;
        let next = self.state.commanded(command);
        if let Some(next) = next {
            self.enter(next);
        }
        next.is_some() || self.chain
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
        let way = [Command::Clear, Command::Reset, Command::Start];
        if self.state == State::Execute {
            self.chain = false;
        } else if let Some(next) = way.into_iter().find_map(|command| self.state.commanded(command)) {
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

    #[test]
    fn start_with_its_chain_reaches_execute_and_waits_where_a_program_acts() {
        let mut units = Units::new(&[unit("press", &[0], &all_but(&[State::Resetting]))], 1);
        units.command(0, Command::Start, true);
        for _ in 0..10 {
            units.step(&[], true);
        }
        assert_eq!(units.facts(0).state, State::Resetting, "a program homes the axes here");
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
        units.judged();
        units.command(0, Command::Unhold, false);
        assert_eq!(units.facts(0).state, State::Unholding);
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
