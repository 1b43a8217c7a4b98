//! The handle of an axis as a program's state has it, and PLCopen's rules for commands called in every cycle.
//!
//! The same for every tier: a plain struct of the arena. What is known of the axis comes in as [`Ports`], commands go
//! out through them.

use crate::ports::{Full, Ports};
use bytemuck::{Pod, Zeroable};
use sensai_model::{Value, value::canonical};
use sensai_motion::{AxisCommand, AxisFacts, AxisState, Direction, Outcome};
use sensai_stdlib::registry::{AXIS, handle::AXIS_STATES};

/// A handle of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct AxisHandle {
    /// Number of the command that this handle began last; 0: none.
    command: u64,
    /// Number of its last `power` while that is not over; else 0.
    powering: u64,
    /// Arguments of the last call of each command.
    given: [f64; 7],
    /// Commands called in this run: bit *n* for the one with number *n*.
    called: u16,
    /// Commands called in the run before.
    before: u16,
    /// Index of the axis.
    axis: u16,
    /// Number of the error, if the outcome is one.
    error: u16,
    /// Of the last `move_absolute`.
    direction: u8,
    /// How the command stands.
    outcome: u8,
    /// [`EXECUTING`], [`POWER_ON`], [`POWER_LOST`].
    flags: u8,
    padding: [u8; 5],
}

const _: () = assert!(size_of::<AxisHandle>() == AXIS.size, "the description says how large a handle is");

/// The axis executes the command.
const EXECUTING: u8 = 1;
/// The last `power` was `power(true)`.
const POWER_ON: u8 = 2;
/// The axis refused it, or had an error stop since.
const POWER_LOST: u8 = 4;

/// How the last command stands; 0: there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Stand {
    /// Not over.
    Busy = 1,
    Done = 2,
    Aborted = 3,
    Error = 4,
}

/// What can be read from a handle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Property {
    /// A number or a `bool`.
    Scalar(Value),
    /// `state`.
    Symbol(&'static str),
}

impl AxisHandle {
    /// Bytes in the arena.
    pub const SIZE: u32 = size_of::<Self>() as u32;
    /// Alignment in the arena.
    pub const ALIGN: u32 = align_of::<Self>() as u32;

    /// A handle that was never used.
    pub fn new(axis: u16) -> Self {
        Self { axis, ..Self::zeroed() }
    }

    /// From the arena. `None`: the bytes are no handle.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let handle: Self = bytemuck::try_pod_read_unaligned(bytes).ok()?;
        let good = handle.direction < 3
            && handle.outcome <= Stand::Error as u8
            && handle.flags <= (EXECUTING | POWER_ON | POWER_LOST)
            && handle.called | handle.before < 1 << KINDS
            && handle.padding == [0; 5];
        good.then_some(handle)
    }

    /// Into the arena.
    pub fn bytes(&self) -> &[u8] {
        bytemuck::bytes_of(self)
    }

    /// Index of its axis.
    pub fn axis(&self) -> u16 {
        self.axis
    }

    /// A program calls a command. It is staged if that begins it. `first`: the program's first run since a start, for
    /// which calls of the run before do not count.
    ///
    /// # Errors
    /// [`Full`] if there were too many commands in this run; the handle is then as before.
    pub fn call(&mut self, command: AxisCommand, ports: &mut Ports, first: bool) -> Result<(), Full> {
        let bit = 1 << number(&command);
        let mut next = *self;
        next.called |= bit;
        let before = if first { 0 } else { self.before };
        let same = !next.give(&command);
        let going_on = (before | self.called) & bit != 0 && same && !self.wants_power_back(&command, ports);
        if !going_on {
            next.command = ports.command(self.axis, command)?;
            next.outcome = Stand::Busy as u8;
            next.error = 0;
            next.flags &= !EXECUTING;
            if let AxisCommand::Power(on) = command {
                next.flags = if on { POWER_ON } else { 0 };
                next.powering = next.command;
            }
        }
        *self = next;
        Ok(())
    }

    /// Remember the arguments of a call; true if one differs from those of the last such call.
    fn give(&mut self, command: &AxisCommand) -> bool {
        let mut changed = false;
        let mut keep = |place: usize, value: f64| {
            if let Some(given) = self.given.get_mut(place) {
                changed |= *given != value;
                *given = value;
            }
        };
        match *command {
            AxisCommand::Power(on) => changed = on != (self.flags & POWER_ON != 0),
            AxisCommand::MoveAbsolute { position, velocity, direction } => {
                keep(0, position);
                keep(1, velocity);
                let direction = match direction {
                    Direction::Shortest => 0,
                    Direction::Positive => 1,
                    Direction::Negative => 2,
                };
                changed |= self.direction != direction;
                self.direction = direction;
            }
            AxisCommand::MoveRelative { distance, velocity } => {
                keep(2, distance);
                keep(3, velocity);
            }
            AxisCommand::MoveVelocity { velocity } => keep(4, velocity),
            AxisCommand::Torque { torque, ramp } => {
                keep(5, torque);
                keep(6, ramp);
            }
            AxisCommand::Reset
            | AxisCommand::Home
            | AxisCommand::Halt
            | AxisCommand::Stop
            | AxisCommand::ReleaseStop => {}
        }
        changed
    }

    /// The level is "on", the axis could not follow it because of an error or a stop, and that is over (PLCopen: the state
    /// after `MC_Reset` follows the level of `MC_Power`). Power that another handle took is not taken back.
    fn wants_power_back(&self, command: &AxisCommand, ports: &Ports) -> bool {
        let lost = POWER_ON | POWER_LOST;
        *command == AxisCommand::Power(true)
            && self.flags & lost == lost
            && self
                .facts(ports)
                .is_some_and(|facts| facts.state == AxisState::Disabled && facts.powering == 0)
    }

    /// Take over how the command stands. The axis forgets commands that ended long ago; the handle does not.
    pub fn refresh(&mut self, ports: &Ports, first: bool) {
        let Some(facts) = self.facts(ports) else { return };
        self.refresh_power(facts);
        let over = self.outcome > Stand::Busy as u8 && self.flags & EXECUTING == 0;
        if self.command == 0 || over {
            return;
        }
        let executing = [facts.active, facts.powering, facts.resetting].contains(&self.command);
        self.flags = if executing { self.flags | EXECUTING } else { self.flags & !EXECUTING };
        self.error = 0;
        let stand = match facts.outcome(self.command) {
            // What was under way when the runtime stopped will not arrive any more.
            Outcome::Pending if first && !ports.is_of_this_run(self.command) => Stand::Aborted,
            Outcome::Pending | Outcome::Busy => Stand::Busy,
            Outcome::Done => Stand::Done,
            Outcome::CommandAborted => Stand::Aborted,
            Outcome::Error(error) => {
                self.error = error.id();
                Stand::Error
            }
        };
        self.outcome = stand as u8;
    }

    fn refresh_power(&mut self, facts: &AxisFacts) {
        let stands = facts.outcome(self.powering);
        if !matches!(stands, Outcome::Pending | Outcome::Busy) {
            self.powering = 0;
        }
        let stopping = matches!(facts.state, AxisState::ErrorStop | AxisState::Stopping);
        let refused = matches!(stands, Outcome::Error(_));
        if self.flags & POWER_ON != 0 && (refused || facts.state == AxisState::ErrorStop) {
            self.flags |= POWER_LOST;
        } else if facts.powered && !stopping {
            self.flags &= !POWER_LOST;
        }
    }

    /// End a run: what was called in it was called before from now on.
    pub fn settle(&mut self, ports: &Ports, first: bool) {
        self.refresh(ports, first);
        self.before = std::mem::take(&mut self.called);
    }

    /// A property by name, of a handle that was refreshed. `None`: there is none of this name.
    pub fn property(&self, name: &str, ports: &Ports) -> Option<Property> {
        let forgotten = AxisFacts::default();
        let facts = self.facts(ports).unwrap_or(&forgotten);
        let number = |number: f64| Value::F64(canonical(number));
        Some(Property::Scalar(match name {
            "error_id" => {
                let axis = facts.error.map_or(0, sensai_motion::AxisError::id);
                let own = (self.outcome == Stand::Error as u8).then_some(self.error);
                Value::I64(own.unwrap_or(axis).into())
            }
            "position" => number(facts.position),
            "velocity" => number(facts.velocity),
            "torque" => number(facts.torque),
            "set_position" => number(facts.set_position),
            "set_velocity" => number(facts.set_velocity),
            "following_error" => number(facts.following_error),
            "powered" => Value::Bool(facts.powered),
            "homed" => Value::Bool(facts.homed),
            "in_position" => Value::Bool(facts.in_position),
            "standstill" => Value::Bool(facts.state == AxisState::Standstill),
            "state" => return Some(Property::Symbol(state_name(facts.state))),
            name => self.stored(name)?,
        }))
    }

    /// A property that is in the state itself, as it was at the end of the last run.
    pub fn stored(&self, name: &str) -> Option<Value> {
        let is = |stand: Stand| self.outcome == stand as u8;
        let executing = self.flags & EXECUTING != 0;
        Some(match name {
            "done" => Value::Bool(is(Stand::Done)),
            // A velocity that is reached is still kept up.
            "busy" => Value::Bool(is(Stand::Busy) || executing),
            "active" => Value::Bool(executing),
            "aborted" => Value::Bool(is(Stand::Aborted)),
            "error" => Value::Bool(is(Stand::Error)),
            "error_id" => Value::I64(self.error.into()),
            _ => return None,
        })
    }

    fn facts<'p>(&self, ports: &'p Ports) -> Option<&'p AxisFacts> {
        ports.axes.get(usize::from(self.axis))
    }
}

/// Commands there are.
const KINDS: u32 = 10;

/// A number for each command.
fn number(command: &AxisCommand) -> u32 {
    match command {
        AxisCommand::Power(_) => 0,
        AxisCommand::Reset => 1,
        AxisCommand::Home => 2,
        AxisCommand::MoveAbsolute { .. } => 3,
        AxisCommand::MoveRelative { .. } => 4,
        AxisCommand::MoveVelocity { .. } => 5,
        AxisCommand::Torque { .. } => 6,
        AxisCommand::Halt => 7,
        AxisCommand::Stop => 8,
        AxisCommand::ReleaseStop => 9,
    }
}

/// A state as programs write it.
pub fn state_name(state: AxisState) -> &'static str {
    let index = match state {
        AxisState::Disabled => 0,
        AxisState::Standstill => 1,
        AxisState::DiscreteMotion => 2,
        AxisState::ContinuousMotion => 3,
        AxisState::Homing => 4,
        AxisState::Stopping => 5,
        AxisState::ErrorStop => 6,
        AxisState::SynchronizedMotion => 7,
    };
    AXIS_STATES[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_described_property_is_there() {
        let (handle, ports) = (AxisHandle::new(0), Ports::new(1, 1, 0));
        for described in AXIS.properties {
            let property = handle.property(described.name, &ports).unwrap();
            let kind = match property {
                Property::Symbol(_) => "text",
                Property::Scalar(value) => value.scalar_type().name(),
            };
            assert_eq!(kind, described.kind.name(), "{}", described.name);
        }
        assert_eq!(handle.property("nothing", &ports), None);
    }

    #[test]
    fn bytes_that_are_no_handle_are_refused() {
        let good = AxisHandle::new(3);
        assert_eq!(AxisHandle::from_bytes(good.bytes()), Some(good));
        assert_eq!(AxisHandle::from_bytes(&good.bytes()[1..]), None);
        for place in 72..88 {
            let mut bytes = good.bytes().to_vec();
            bytes[place] = 0xff;
            // Any axis and error number may be; whether the cell has that axis, the program knows.
            let free = (76..80).contains(&place) || [72, 74].contains(&place);
            assert_eq!(AxisHandle::from_bytes(&bytes).is_some(), free, "byte {place}");
        }
    }
}
