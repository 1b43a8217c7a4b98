//! Walking a drive through its states: one step a cycle, with the time passed in.
//!
//! A drive that faulted, or that left a state by itself (its STO input opened, its mains went), is not enabled again
//! just because somebody still asks for it: the goal has to change first. Motion must not start from a reset.

use super::words::{Cia402, Command, Controlword, Statusword};

/// Where the drive shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Goal {
    /// [`Cia402::SwitchOnDisabled`].
    SwitchOnDisabled,
    /// [`Cia402::ReadyToSwitchOn`].
    ReadyToSwitchOn,
    /// [`Cia402::SwitchedOn`].
    SwitchedOn,
    /// [`Cia402::OperationEnabled`].
    OperationEnabled,
    /// Stop on the quick-stop ramp. Reached in [`Cia402::QuickStopActive`], or in [`Cia402::SwitchOnDisabled`] where the
    /// quick-stop option code (0x605A:00) leads there.
    QuickStop,
}

/// How long the drive may take, in nanoseconds, from a command to the next state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Out of `NotReadyToSwitchOn`: the drive's self-test.
    pub self_test_ns: u64,
    /// Transitions 2, 6 and 8. The last one may include a ramp (0x605B:00).
    pub shutdown_ns: u64,
    /// Transition 3: the intermediate circuit charges.
    pub switch_on_ns: u64,
    /// Transition 4: commutation is found, the brake opens.
    pub enable_operation_ns: u64,
    /// Transition 5: the brake closes; may include a ramp (0x605C:00).
    pub disable_operation_ns: u64,
    /// Transitions 7, 9, 10 and 12.
    pub disable_voltage_ns: u64,
    /// Transitions 7, 10 and 11: until the drive shows that the ramp has begun.
    pub quick_stop_ns: u64,
    /// Transition 14: the fault reaction's ramp.
    pub fault_reaction_ns: u64,
    /// Transition 15.
    pub fault_reset_ns: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::STANDARD
    }
}

impl Timeouts {
    /// Long enough for common servo drives: 10 s for the self-test and for ramps, 2 s for everything else.
    pub const STANDARD: Self = {
        const SECOND_NS: u64 = 1_000_000_000;
        Self {
            self_test_ns: 10 * SECOND_NS,
            shutdown_ns: 10 * SECOND_NS,
            switch_on_ns: 2 * SECOND_NS,
            enable_operation_ns: 2 * SECOND_NS,
            disable_operation_ns: 10 * SECOND_NS,
            disable_voltage_ns: 2 * SECOND_NS,
            quick_stop_ns: 2 * SECOND_NS,
            fault_reaction_ns: 10 * SECOND_NS,
            fault_reset_ns: 2 * SECOND_NS,
        }
    };

    const fn of(&self, state: Cia402, command: Command) -> u64 {
        match (state, command) {
            (Cia402::NotReadyToSwitchOn, _) => self.self_test_ns,
            (Cia402::FaultReactionActive, _) => self.fault_reaction_ns,
            (_, Command::Shutdown) => self.shutdown_ns,
            (_, Command::SwitchOn) => self.switch_on_ns,
            (_, Command::EnableOperation) => self.enable_operation_ns,
            (_, Command::DisableOperation) => self.disable_operation_ns,
            (_, Command::DisableVoltage) => self.disable_voltage_ns,
            (_, Command::QuickStop) => self.quick_stop_ns,
            (_, Command::FaultReset) => self.fault_reset_ns,
        }
    }
}

/// How far the drive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// In the goal's state.
    Reached,
    /// On its way, within the time allowed.
    Moving,
    /// The drive did not leave this state in time. The command stands; the state is left when the drive follows after
    /// all, or when the goal changes.
    TimedOut {
        /// Where it stays.
        state: Cia402,
        /// What it was told.
        command: Command,
    },
    /// In `FaultReactionActive` or `Fault`; a fault reset is needed.
    Fault,
    /// A fault, or the drive itself, took it out of its state. It stays in `SwitchOnDisabled` until the goal changes.
    Disarmed,
    /// The statusword shows no state of the standard; the controlword stays as it was.
    UnknownState(Statusword),
}

/// What to do in this cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Command bits; the bits of the mode of operation are 0 and may be added, see [`Controlword::COMMAND_MASK`].
    pub controlword: Controlword,
    /// How far the drive is.
    pub progress: Progress,
}

/// One drive's way through its states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerDrive {
    pub(crate) timeouts: Timeouts,
    /// What was told in the last cycle.
    pub(crate) command: Command,
    /// State of the last cycle in which there was a known one.
    pub(crate) state: Option<Cia402>,
    pub(crate) goal: Option<Goal>,
    /// Since when state and command are what they are.
    pub(crate) since_ns: u64,
    /// The last cycle's request, to see its edge.
    pub(crate) reset_requested: bool,
    pub(crate) resetting: bool,
    pub(crate) disarmed: bool,
}

impl PowerDrive {
    /// Before the first cycle: nothing is known of the drive.
    pub const fn new(timeouts: Timeouts) -> Self {
        Self {
            timeouts,
            command: Command::DisableVoltage,
            state: None,
            goal: None,
            since_ns: 0,
            reset_requested: false,
            resetting: false,
            disarmed: false,
        }
    }

    /// One cycle. `fault_reset` acts on its rising edge, and only in `Fault`. `now_ns` is the cycle's time; it must not
    /// go back.
    pub fn step(&mut self, statusword: Statusword, goal: Goal, fault_reset: bool, now_ns: u64) -> Step {
        let reset_edge = fault_reset && !self.reset_requested;
        self.reset_requested = fault_reset;
        if self.goal != Some(goal) {
            self.goal = Some(goal);
            self.disarmed = false;
            // A new goal gets its full time, also where it asks for the same command.
            self.since_ns = now_ns;
        }
        let Some(state) = statusword.state() else {
            let controlword = Controlword(self.command.bits());
            return Step { controlword, progress: Progress::UnknownState(statusword) };
        };
        if matches!(state, Cia402::Fault | Cia402::FaultReactionActive) || self.dropped_to(state) {
            // A goal without power needs no arming.
            self.disarmed |= !matches!(goal, Goal::SwitchOnDisabled | Goal::QuickStop);
        }
        let command = self.command_for(state, goal, reset_edge, now_ns);
        if self.state != Some(state) || self.command != command {
            self.since_ns = now_ns;
        }
        self.state = Some(state);
        self.command = command;
        Step { controlword: Controlword(command.bits()), progress: self.progress(state, goal, now_ns) }
    }

    /// The drive went down the ladder although the last command was to go up or to stay.
    fn dropped_to(&self, state: Cia402) -> bool {
        let raising = matches!(self.command, Command::SwitchOn | Command::EnableOperation)
            || self.command == Command::Shutdown && self.state == Some(Cia402::ReadyToSwitchOn);
        raising && self.state.is_some_and(|before| rung(state) < rung(before))
    }

    fn command_for(&mut self, state: Cia402, goal: Goal, reset_edge: bool, now_ns: u64) -> Command {
        if state != Cia402::Fault {
            self.resetting = false;
            return command_towards(state, if self.disarmed { Goal::SwitchOnDisabled } else { goal });
        }
        if reset_edge && self.command != Command::FaultReset {
            self.resetting = true;
        } else if self.resetting && self.elapsed(now_ns) >= self.timeouts.fault_reset_ns {
            // The cause is still there. The bit goes low, so that the next request is an edge again.
            self.resetting = false;
        }
        if self.resetting { Command::FaultReset } else { Command::DisableVoltage }
    }

    fn progress(&self, state: Cia402, goal: Goal, now_ns: u64) -> Progress {
        let waiting = |limit_ns| self.elapsed(now_ns) < limit_ns;
        let limit_ns = self.timeouts.of(state, self.command);
        match state {
            Cia402::Fault => Progress::Fault,
            Cia402::FaultReactionActive if waiting(limit_ns) => Progress::Fault,
            _ if self.disarmed && state == Cia402::SwitchOnDisabled => Progress::Disarmed,
            _ if !self.disarmed && reached(state, goal) => Progress::Reached,
            _ if waiting(limit_ns) && self.disarmed => Progress::Disarmed,
            _ if waiting(limit_ns) => Progress::Moving,
            _ => Progress::TimedOut { state, command: self.command },
        }
    }

    const fn elapsed(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.since_ns)
    }
}

/// Height on the ladder from no power to power on the motor.
const fn rung(state: Cia402) -> u8 {
    match state {
        Cia402::OperationEnabled => 3,
        Cia402::SwitchedOn => 2,
        Cia402::ReadyToSwitchOn => 1,
        _ => 0,
    }
}

const fn reached(state: Cia402, goal: Goal) -> bool {
    matches!(
        (goal, state),
        (Goal::SwitchOnDisabled | Goal::QuickStop, Cia402::SwitchOnDisabled)
            | (Goal::ReadyToSwitchOn, Cia402::ReadyToSwitchOn)
            | (Goal::SwitchedOn, Cia402::SwitchedOn)
            | (Goal::OperationEnabled, Cia402::OperationEnabled)
            | (Goal::QuickStop, Cia402::QuickStopActive)
    )
}

/// The command that leads one state closer, or that keeps the drive where it is. Out of `QuickStopActive` the way leads
/// through `SwitchOnDisabled`: the standard advises against transition 16.
const fn command_towards(state: Cia402, goal: Goal) -> Command {
    use Cia402::{
        Fault, FaultReactionActive, NotReadyToSwitchOn, OperationEnabled, QuickStopActive, ReadyToSwitchOn,
        SwitchOnDisabled, SwitchedOn,
    };
    match (goal, state) {
        (_, NotReadyToSwitchOn | FaultReactionActive | Fault) | (Goal::SwitchOnDisabled, _) => {
            Command::DisableVoltage
        }
        (Goal::QuickStop, _) => Command::QuickStop,
        (_, QuickStopActive) => Command::DisableVoltage,
        (_, SwitchOnDisabled) | (Goal::ReadyToSwitchOn, _) => Command::Shutdown,
        (Goal::SwitchedOn | Goal::OperationEnabled, ReadyToSwitchOn) | (Goal::SwitchedOn, SwitchedOn) => {
            Command::SwitchOn
        }
        (Goal::SwitchedOn, OperationEnabled) => Command::DisableOperation,
        (Goal::OperationEnabled, SwitchedOn | OperationEnabled) => Command::EnableOperation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOALS: [Goal; 5] = [
        Goal::SwitchOnDisabled,
        Goal::ReadyToSwitchOn,
        Goal::SwitchedOn,
        Goal::OperationEnabled,
        Goal::QuickStop,
    ];
    const INTERVAL_NS: u64 = 1_000_000;

    /// A drive that answers each command after one cycle, on the standard's arrows.
    struct Model {
        state: Cia402,
        last: Controlword,
    }

    impl Model {
        fn in_state(state: Cia402) -> Self {
            Self { state, last: Controlword(0) }
        }

        fn statusword(&self) -> Statusword {
            Statusword(self.state.pattern().1 | 0x0210)
        }

        fn receive(&mut self, controlword: Controlword) {
            let command = controlword.command_in(self.state);
            let edge = controlword.0 & 0x80 != 0 && self.last.0 & 0x80 == 0;
            self.last = controlword;
            if command != Command::FaultReset || edge {
                self.state = self.state.after(command).map_or(self.state, |transition| transition.to);
            }
        }
    }

    struct Bench {
        drive: PowerDrive,
        model: Model,
        now_ns: u64,
    }

    impl Bench {
        fn new(state: Cia402) -> Self {
            Self { drive: PowerDrive::new(Timeouts::default()), model: Model::in_state(state), now_ns: 0 }
        }

        fn cycle(&mut self, goal: Goal, fault_reset: bool) -> Progress {
            let step = self.drive.step(self.model.statusword(), goal, fault_reset, self.now_ns);
            self.model.receive(step.controlword);
            self.now_ns += INTERVAL_NS;
            step.progress
        }

        fn run(&mut self, goal: Goal, cycles: usize) -> Progress {
            (0..cycles).map(|_| self.cycle(goal, false)).last().expect("at least one cycle")
        }
    }

    /// From every state that commands can lead out of, the goal's, with the states on the way.
    #[test]
    fn every_goal_is_reached_on_the_standards_path() {
        use Cia402::{OperationEnabled, QuickStopActive, ReadyToSwitchOn, SwitchOnDisabled, SwitchedOn};
        let states = [SwitchOnDisabled, ReadyToSwitchOn, SwitchedOn, OperationEnabled, QuickStopActive];
        #[rustfmt::skip]
        let paths: [(Goal, [&[Cia402]; 5]); 5] = [
            (Goal::SwitchOnDisabled, [&[], &[SwitchOnDisabled], &[SwitchOnDisabled], &[SwitchOnDisabled], &[SwitchOnDisabled]]),
            (Goal::ReadyToSwitchOn, [&[ReadyToSwitchOn], &[], &[ReadyToSwitchOn], &[ReadyToSwitchOn],
                &[SwitchOnDisabled, ReadyToSwitchOn]]),
            (Goal::SwitchedOn, [&[ReadyToSwitchOn, SwitchedOn], &[SwitchedOn], &[], &[SwitchedOn],
                &[SwitchOnDisabled, ReadyToSwitchOn, SwitchedOn]]),
            (Goal::OperationEnabled, [&[ReadyToSwitchOn, SwitchedOn, OperationEnabled], &[SwitchedOn, OperationEnabled],
                &[OperationEnabled], &[], &[SwitchOnDisabled, ReadyToSwitchOn, SwitchedOn, OperationEnabled]]),
            (Goal::QuickStop, [&[], &[SwitchOnDisabled], &[SwitchOnDisabled], &[QuickStopActive], &[]]),
        ];
        assert_eq!(paths.map(|(goal, _)| goal), GOALS);
        for (goal, row) in paths {
            for (from, expected) in states.into_iter().zip(row) {
                let mut bench = Bench::new(from);
                let mut walked = Vec::new();
                for _ in 0..expected.len() {
                    assert_eq!(bench.cycle(goal, false), Progress::Moving, "{from:?} to {goal:?}");
                    walked.push(bench.model.state);
                }
                assert_eq!(walked, expected, "{from:?} to {goal:?}");
                for _ in 0..3 {
                    assert_eq!(bench.cycle(goal, false), Progress::Reached, "{from:?} to {goal:?}");
                }
            }
        }
    }

    #[test]
    fn each_transition_has_its_own_time() {
        let timeouts = Timeouts {
            self_test_ns: 1_000,
            shutdown_ns: 2_000,
            switch_on_ns: 3_000,
            enable_operation_ns: 4_000,
            disable_operation_ns: 5_000,
            disable_voltage_ns: 6_000,
            quick_stop_ns: 7_000,
            fault_reaction_ns: 8_000,
            fault_reset_ns: 9_000,
        };
        let table = [
            (Cia402::NotReadyToSwitchOn, Goal::OperationEnabled, Command::DisableVoltage, 1_000),
            (Cia402::SwitchOnDisabled, Goal::OperationEnabled, Command::Shutdown, 2_000),
            (Cia402::ReadyToSwitchOn, Goal::OperationEnabled, Command::SwitchOn, 3_000),
            (Cia402::SwitchedOn, Goal::OperationEnabled, Command::EnableOperation, 4_000),
            (Cia402::OperationEnabled, Goal::SwitchedOn, Command::DisableOperation, 5_000),
            (Cia402::OperationEnabled, Goal::SwitchOnDisabled, Command::DisableVoltage, 6_000),
            (Cia402::OperationEnabled, Goal::QuickStop, Command::QuickStop, 7_000),
            (Cia402::FaultReactionActive, Goal::OperationEnabled, Command::DisableVoltage, 8_000),
        ];
        for (state, goal, command, limit_ns) in table {
            let word = Model::in_state(state).statusword();
            let mut drive = PowerDrive::new(timeouts);
            let at = |drive: &mut PowerDrive, now_ns| drive.step(word, goal, false, 50_000 + now_ns);
            let first = at(&mut drive, 0);
            assert_eq!(first.controlword, Controlword(command.bits()), "{state:?}");
            assert_eq!(at(&mut drive, limit_ns - 1), first, "{state:?}");
            let late = at(&mut drive, limit_ns);
            assert_eq!(late.progress, Progress::TimedOut { state, command });
            assert_eq!(late.controlword, first.controlword, "the command stands");
            // Another goal gets its own time.
            let other = if goal == Goal::SwitchOnDisabled { Goal::QuickStop } else { Goal::SwitchOnDisabled };
            let progress = drive.step(word, other, false, 50_000 + limit_ns).progress;
            assert!(!matches!(progress, Progress::TimedOut { .. }), "{state:?} {progress:?}");
        }
    }

    #[test]
    fn a_late_drive_is_followed() {
        let mut drive = PowerDrive::new(Timeouts::default());
        let word = |state| Model::in_state(state).statusword();
        drive.step(word(Cia402::SwitchOnDisabled), Goal::OperationEnabled, false, 0);
        let late = drive.step(word(Cia402::SwitchOnDisabled), Goal::OperationEnabled, false, u64::MAX);
        assert!(matches!(late.progress, Progress::TimedOut { .. }));
        let after = drive.step(word(Cia402::ReadyToSwitchOn), Goal::OperationEnabled, false, u64::MAX);
        assert_eq!((after.progress, after.controlword), (Progress::Moving, Controlword(0x07)));
    }

    #[test]
    fn a_fault_is_reset_on_an_edge_and_power_returns_only_for_a_new_goal() {
        let mut bench = Bench::new(Cia402::SwitchOnDisabled);
        assert_eq!(bench.run(Goal::OperationEnabled, 4), Progress::Reached);
        bench.model.state = Cia402::FaultReactionActive;
        assert_eq!(bench.run(Goal::OperationEnabled, 5), Progress::Fault);
        // A request that was made before the drive is in Fault does not count, however long it is held.
        assert_eq!(bench.cycle(Goal::OperationEnabled, true), Progress::Fault);
        bench.model.state = Cia402::Fault;
        for _ in 0..5 {
            assert_eq!(bench.cycle(Goal::OperationEnabled, true), Progress::Fault);
        }
        assert_eq!(bench.model.state, Cia402::Fault);
        bench.cycle(Goal::OperationEnabled, false);
        bench.cycle(Goal::OperationEnabled, true);
        assert_eq!(bench.model.state, Cia402::SwitchOnDisabled);
        // The reset alone does not bring the power back.
        for _ in 0..5 {
            assert_eq!(bench.cycle(Goal::OperationEnabled, true), Progress::Disarmed);
            assert_eq!(bench.model.state, Cia402::SwitchOnDisabled);
            assert_eq!(bench.model.last, Controlword(0));
        }
        assert_eq!(bench.cycle(Goal::SwitchOnDisabled, false), Progress::Reached);
        assert_eq!(bench.run(Goal::OperationEnabled, 4), Progress::Reached);
    }

    #[test]
    fn a_fault_that_stays_can_be_reset_again() {
        let mut drive = PowerDrive::new(Timeouts::default());
        let word = Model::in_state(Cia402::Fault).statusword();
        let limit_ns = Timeouts::default().fault_reset_ns;
        let mut step = |reset, now_ns| drive.step(word, Goal::SwitchOnDisabled, reset, now_ns).controlword.0;
        assert_eq!(step(false, 0), 0x00);
        assert_eq!(step(true, 1), 0x80);
        assert_eq!(step(false, 2), 0x80, "a short request is held until the drive answers");
        assert_eq!(step(true, 3), 0x80);
        assert_eq!(step(true, limit_ns), 0x80);
        assert_eq!(step(true, limit_ns + 1), 0x00, "given up");
        assert_eq!(step(true, limit_ns + 2), 0x00, "no edge, no reset");
        assert_eq!(step(false, limit_ns + 3), 0x00);
        assert_eq!(step(true, limit_ns + 4), 0x80);
    }

    #[test]
    fn a_drive_that_drops_out_by_itself_stays_out() {
        for (goal, reached) in [
            (Goal::OperationEnabled, Cia402::OperationEnabled),
            (Goal::SwitchedOn, Cia402::SwitchedOn),
            (Goal::ReadyToSwitchOn, Cia402::ReadyToSwitchOn),
        ] {
            for dropped in [Cia402::SwitchOnDisabled, Cia402::NotReadyToSwitchOn] {
                let mut bench = Bench::new(Cia402::SwitchOnDisabled);
                assert_eq!(bench.run(goal, 4), Progress::Reached);
                assert_eq!(bench.model.state, reached);
                bench.model.state = dropped;
                assert_eq!(bench.cycle(goal, false), Progress::Disarmed, "{goal:?} {dropped:?}");
                bench.model.state = Cia402::SwitchOnDisabled;
                assert_eq!(bench.run(goal, 100), Progress::Disarmed);
                assert_eq!(bench.model.state, Cia402::SwitchOnDisabled);
                bench.run(Goal::SwitchOnDisabled, 1);
                assert_eq!(bench.run(goal, 4), Progress::Reached);
            }
        }
    }

    #[test]
    fn going_down_on_request_is_no_drop() {
        let mut bench = Bench::new(Cia402::SwitchOnDisabled);
        assert_eq!(bench.run(Goal::OperationEnabled, 4), Progress::Reached);
        assert_eq!(bench.run(Goal::ReadyToSwitchOn, 2), Progress::Reached);
        assert_eq!(bench.run(Goal::OperationEnabled, 3), Progress::Reached);
        assert_eq!(bench.run(Goal::QuickStop, 2), Progress::Reached);
        assert_eq!(bench.model.state, Cia402::QuickStopActive);
        // Option codes 0 to 4: at the end of the ramp the drive disables itself.
        bench.model.state = Cia402::SwitchOnDisabled;
        assert_eq!(bench.run(Goal::QuickStop, 3), Progress::Reached);
        assert_eq!(bench.run(Goal::OperationEnabled, 4), Progress::Reached);
    }

    #[test]
    fn an_unknown_statusword_changes_nothing() {
        let mut bench = Bench::new(Cia402::SwitchOnDisabled);
        bench.run(Goal::OperationEnabled, 4);
        let odd = Statusword(0x0061);
        let step = bench.drive.step(odd, Goal::OperationEnabled, false, bench.now_ns);
        assert_eq!(step, Step { controlword: Controlword(0x0F), progress: Progress::UnknownState(odd) });
        assert_eq!(bench.cycle(Goal::OperationEnabled, false), Progress::Reached);
    }

    proptest! {
        /// Whatever a drive shows and whatever is asked: bit 7 only in Fault, power on the motor only when asked for,
        /// in a state that is ready for it, and never twice from one request.
        #[test]
        fn power_only_when_it_is_asked_for(
            cycles in prop::collection::vec((any::<u16>(), 0..GOALS.len(), any::<bool>(), 0..4_000_000_000_u64), 1..60),
        ) {
            let mut drive = PowerDrive::new(Timeouts::default());
            let mut now_ns = 0;
            let mut faulted_with = None;
            for (word, goal, reset, wait_ns) in cycles {
                now_ns += wait_ns;
                let (status, goal) = (Statusword(word), GOALS[goal]);
                let state = status.state();
                let step = drive.step(status, goal, reset, now_ns);
                if matches!(state, Some(Cia402::Fault | Cia402::FaultReactionActive)) {
                    faulted_with = Some(goal);
                } else if faulted_with != Some(goal) {
                    faulted_with = None;
                }
                let command = step.controlword.command();
                prop_assert_eq!(step.controlword.0 & !Controlword::COMMAND_MASK, 0);
                if let Some(state) = state {
                    prop_assert!(command != Command::FaultReset || state == Cia402::Fault);
                    if command == Command::EnableOperation {
                        prop_assert_eq!(goal, Goal::OperationEnabled);
                        prop_assert!(matches!(state, Cia402::SwitchedOn | Cia402::OperationEnabled));
                        prop_assert_eq!(faulted_with, None);
                    }
                }
            }
        }
    }
}
