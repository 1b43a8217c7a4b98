//! All of an axis that changes from interval to interval.

use super::error::AxisError;
use super::facts::{AxisFacts, AxisState, Ended, Outcome};
use super::scale::Scale;
use super::settings::StopCategory;
use super::words::{Reader, Words, Writer, enum_words, struct_words};
use crate::cia402::{Cia402, Command, Goal as PowerGoal, PowerDrive, Timeouts};
use crate::profile::{Generator, Goal, Limits, Plan, Segment, Setpoint};

/// What the axis does while it is powered and nothing stops it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Motion {
    /// Held at rest.
    #[default]
    Idle,
    /// To a position or to rest.
    Discrete,
    /// At a velocity or with a torque.
    Continuous,
    /// The drive is told to change to its homing mode.
    HomingEnter,
    /// The drive homes.
    HomingRun,
    /// The drive has homed, and changes back.
    HomingLeave,
    /// The drive is halted while it homes.
    HomingAbort,
}

impl Motion {
    pub const fn is_homing(self) -> bool {
        matches!(self, Self::HomingEnter | Self::HomingRun | Self::HomingLeave | Self::HomingAbort)
    }
}

/// The stop that a command asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum StopCommand {
    /// None.
    #[default]
    None,
    /// It holds.
    Held,
    /// Released while the axis was still moving; it ends when the axis is at rest.
    Released,
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct State {
    pub facts: AxisFacts,
    pub generator: Generator,
    pub power: PowerDrive,
    pub scale: Scale,
    pub motion: Motion,
    /// Since when `motion` is what it is; for homing.
    pub motion_since_ns: u64,
    /// Actual position, in units, all turns included.
    pub position: f64,
    /// Set position of the interval before the last; see `AxisFacts::following_error`.
    pub previous: f64,
    /// Negative and positive limit switch.
    pub limit_switches: (bool, bool),
    /// The drive's inputs were valid at least once.
    pub known: bool,
    /// Last valid statusword.
    pub statusword: u16,
    /// When the inputs were valid last.
    pub valid_ns: u64,
    /// Time of the last step.
    pub now_ns: u64,
    /// The drive was in `OperationEnabled`, by its last valid inputs.
    pub operating: bool,
    /// The drive has shown since then that it follows set-points.
    pub following: bool,
    /// Power is wanted.
    pub power_requested: bool,
    /// The power command in execution is one to switch on.
    pub powering_on: bool,
    /// Power is allowed.
    pub enabled: bool,
    /// Power goes at once, without a ramp.
    pub coast: bool,
    /// Since when the drive is given a mode of operation that it does not show.
    pub mode_since_ns: u64,
    /// A stop by command.
    pub stop_command: StopCommand,
    /// A stop by the runtime; it lasts until the axis is at rest, also when it is not asked for any more.
    pub stop_runtime: Option<StopCategory>,
    /// The runtime asks for a stop in this interval.
    pub stop_requested: bool,
    /// Power was commanded off, or is not allowed any more.
    pub power_off: Option<StopCategory>,
    /// How the error stops the axis.
    pub error_category: Option<StopCategory>,
    /// Since when the set-point rests in a stop.
    pub rest_since_ns: Option<u64>,
    /// The brake is commanded open.
    pub brake_open: bool,
    /// Since when it is commanded so.
    pub brake_since_ns: u64,
    /// Since when the following error exceeds its window.
    pub following_since_ns: Option<u64>,
    /// Since when a reset is tried.
    pub reset_since_ns: u64,
    /// Torque set-point, in percent.
    pub torque: f64,
    /// Where it goes.
    pub torque_target: f64,
    /// Percent per second.
    pub torque_ramp: f64,
}

impl State {
    pub const fn new(limits: Limits) -> Self {
        const TIMEOUTS: Timeouts = Timeouts::STANDARD;
        Self {
            facts: AxisFacts::new(),
            generator: Generator::new(0.0, limits),
            power: PowerDrive::new(TIMEOUTS),
            scale: Scale { counts: 0, reference_counts: 0, reference_position: 0.0 },
            motion: Motion::Idle,
            motion_since_ns: 0,
            position: 0.0,
            previous: 0.0,
            limit_switches: (false, false),
            known: false,
            statusword: 0,
            valid_ns: 0,
            now_ns: 0,
            operating: false,
            following: false,
            power_requested: false,
            powering_on: false,
            enabled: false,
            coast: false,
            mode_since_ns: 0,
            stop_command: StopCommand::None,
            stop_runtime: None,
            stop_requested: false,
            power_off: None,
            error_category: None,
            rest_since_ns: None,
            brake_open: false,
            brake_since_ns: 0,
            following_since_ns: None,
            reset_since_ns: 0,
            torque: 0.0,
            torque_target: 0.0,
            torque_ramp: 0.0,
        }
    }

    /// How many words it takes.
    pub const WORDS: usize = <Self as Words>::COUNT;

    pub fn write_to(&self, words: &mut [u64]) {
        self.write(&mut Writer::new(words));
    }

    /// The state, or the index of the word that makes no sense.
    pub fn read_from(words: &[u64]) -> Result<Self, usize> {
        let mut reader = Reader::new(words);
        Self::read(&mut reader).ok_or_else(|| reader.position().saturating_sub(1))
    }
}

struct_words!(State {
    facts: AxisFacts,
    generator: Generator,
    power: PowerDrive,
    scale: Scale,
    motion: Motion,
    motion_since_ns: u64,
    position: f64,
    previous: f64,
    limit_switches: (bool, bool),
    known: bool,
    statusword: u16,
    valid_ns: u64,
    now_ns: u64,
    operating: bool,
    following: bool,
    power_requested: bool,
    powering_on: bool,
    enabled: bool,
    coast: bool,
    mode_since_ns: u64,
    stop_command: StopCommand,
    stop_runtime: Option<StopCategory>,
    stop_requested: bool,
    power_off: Option<StopCategory>,
    error_category: Option<StopCategory>,
    rest_since_ns: Option<u64>,
    brake_open: bool,
    brake_since_ns: u64,
    following_since_ns: Option<u64>,
    reset_since_ns: u64,
    torque: f64,
    torque_target: f64,
    torque_ramp: f64,
});

struct_words!(Scale { counts: i64, reference_counts: i64, reference_position: f64 });
struct_words!(Setpoint { position: f64, velocity: f64, acceleration: f64 });
struct_words!(Limits { velocity: f64, acceleration: f64, deceleration: f64, jerk: f64 });
struct_words!(Segment { start: f64, position: f64, velocity: f64, acceleration: f64, jerk: f64 });
struct_words!(Generator {
    current: Setpoint,
    goal: Goal,
    limits: Limits,
    factor: f64,
    bounds: Option<(f64, f64)>,
    plan: Plan,
    elapsed_ns: u64,
    free: bool,
    stale: bool,
});
struct_words!(Plan {
    segments: [Segment; Plan::MAX_SEGMENTS],
    len: usize,
    origin: f64,
    duration: f64,
    correction: f64,
    end: Setpoint,
});
struct_words!(AxisFacts {
    state: AxisState,
    set_position: f64,
    set_velocity: f64,
    set_acceleration: f64,
    position: f64,
    velocity: f64,
    torque: f64,
    following_error: f64,
    powered: bool,
    homed: bool,
    in_position: bool,
    error: Option<AxisError>,
    active: u64,
    powering: u64,
    resetting: u64,
    done: u64,
    aborted: u64,
    failed: u64,
    failed_error: Option<AxisError>,
    seen: u64,
    recent: [Ended; AxisFacts::RECENT],
});
struct_words!(Ended { id: u64, outcome: Outcome });

enum_words!(Motion {
    Idle = 0,
    Discrete = 1,
    Continuous = 2,
    HomingEnter = 3,
    HomingRun = 4,
    HomingLeave = 5,
    HomingAbort = 6,
});
enum_words!(StopCommand { None = 0, Held = 1, Released = 2 });
enum_words!(StopCategory { Category0 = 0, Category1 = 1, Category2 = 2 });
enum_words!(AxisState {
    Disabled = 0,
    Standstill = 1,
    DiscreteMotion = 2,
    ContinuousMotion = 3,
    Homing = 4,
    Stopping = 5,
    ErrorStop = 6,
    SynchronizedMotion = 7,
});
enum_words!(Cia402 {
    NotReadyToSwitchOn = 0,
    SwitchOnDisabled = 1,
    ReadyToSwitchOn = 2,
    SwitchedOn = 3,
    OperationEnabled = 4,
    QuickStopActive = 5,
    FaultReactionActive = 6,
    Fault = 7,
});
enum_words!(Command {
    Shutdown = 0,
    SwitchOn = 1,
    DisableVoltage = 2,
    QuickStop = 3,
    DisableOperation = 4,
    EnableOperation = 5,
    FaultReset = 6,
});
enum_words!(PowerGoal {
    SwitchOnDisabled = 0,
    ReadyToSwitchOn = 1,
    SwitchedOn = 2,
    OperationEnabled = 3,
    QuickStop = 4,
});

impl Words for AxisError {
    const COUNT: usize = 2;
    fn write(&self, to: &mut Writer<'_>) {
        self.id().write(to);
        self.detail().write(to);
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Self::from_id(u16::read(from)?, u16::read(from)?)
    }
}

impl Words for Outcome {
    const COUNT: usize = 3;
    fn write(&self, to: &mut Writer<'_>) {
        let (number, error) = match *self {
            Self::Pending => (0, None),
            Self::Busy => (1, None),
            Self::Done => (2, None),
            Self::CommandAborted => (3, None),
            Self::Error(error) => (4, Some(error)),
        };
        u64::write(&number, to);
        let (id, detail) = error.map_or((0, 0), |error: AxisError| (error.id(), error.detail()));
        id.write(to);
        detail.write(to);
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let number = u64::read(from)?;
        let (id, detail) = (u16::read(from)?, u16::read(from)?);
        match (number, AxisError::from_id(id, detail)) {
            (0, None) => Some(Self::Pending),
            (1, None) => Some(Self::Busy),
            (2, None) => Some(Self::Done),
            (3, None) => Some(Self::CommandAborted),
            (4, Some(error)) => Some(Self::Error(error)),
            _ => None,
        }
    }
}

impl Words for Goal {
    const COUNT: usize = 3;
    fn write(&self, to: &mut Writer<'_>) {
        let (number, position, velocity) = match *self {
            Self::Rest => (0u64, 0.0, 0.0),
            Self::Position { position, velocity } => (1, position, velocity),
            Self::Velocity(velocity) => (2, 0.0, velocity),
        };
        number.write(to);
        position.write(to);
        velocity.write(to);
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (number, position, velocity) = (u64::read(from)?, f64::read(from)?, f64::read(from)?);
        match number {
            0 => Some(Self::Rest),
            1 => Some(Self::Position { position, velocity }),
            2 => Some(Self::Velocity(velocity)),
            _ => None,
        }
    }
}

impl Words for PowerDrive {
    // The times allowed are no state.
    const COUNT: usize = 7 + 2;
    fn write(&self, to: &mut Writer<'_>) {
        self.command.write(to);
        self.state.write(to);
        self.goal.write(to);
        self.since_ns.write(to);
        self.reset_requested.write(to);
        self.resetting.write(to);
        self.disarmed.write(to);
    }
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            timeouts: Timeouts::STANDARD,
            command: Words::read(from)?,
            state: Words::read(from)?,
            goal: Words::read(from)?,
            since_ns: Words::read(from)?,
            reset_requested: Words::read(from)?,
            resetting: Words::read(from)?,
            disarmed: Words::read(from)?,
        })
    }
}
