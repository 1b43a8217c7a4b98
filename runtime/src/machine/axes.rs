//! The cell's axes: process data to [`sensai_motion::Axis`] and back, once an interval, in every mode.

use super::KeyframeError;
use crate::keyframe::{Reader, Writer};
use sensai_model::{BitField, cell};
use sensai_motion::{
    Axis, AxisCommand, AxisFacts, AxisRequest, AxisSettings, BrakeSettings, Cia402, Commanded, DriveInputs,
    DriveMode, DriveOutputs, Homing, MotionLimits, SettingsError, Statusword, StopCategory, StopRequest,
};
use sensai_scripts::ports::{COMMANDS_MAX, Directed, IDS_PER_CYCLE};

/// Commands one axis can be given in one cycle: all of a task's, and the runtime's own.
const COMMANDS_PER_CYCLE: usize = COMMANDS_MAX + 4;

/// Longest jog that one entry may ask for: whoever holds the key sends it again and again.
pub const JOG_NS_MAX: u64 = 10_000_000_000;

/// Homing by the drive: its speed is written into the drive's objects at start-up, not commanded here.
const HOMING_SPEED: f64 = 1.0;

/// Settings of an axis, as the motion crate wants them.
pub fn settings(axis: &cell::Axis, interval_ns: u64, lost_frames_max: u32) -> AxisSettings {
    AxisSettings {
        counts_per_unit: axis.counts_per_unit,
        modulo: axis.modulo,
        limits: MotionLimits {
            velocity: axis.velocity_max,
            acceleration: axis.acceleration,
            deceleration: axis.deceleration,
            jerk: axis.jerk,
        },
        software_limits: axis.software_limits,
        following_window: axis.following_window,
        following_time_ns: axis.following_time_ns,
        in_position_window: axis.in_position_window,
        drive_mode: match axis.mode {
            cell::DriveMode::Csp => DriveMode::Csp,
            cell::DriveMode::Csv => DriveMode::Csv,
            cell::DriveMode::Cst => DriveMode::Cst,
        },
        homing: match axis.homing {
            cell::Homing::Absolute { offset } => Homing::Absolute { offset },
            cell::Homing::CurrentPosition { position } => Homing::CurrentPosition { position },
            cell::Homing::Drive { method, position, timeout_ns } => {
                Homing::Drive { method, offset: position, velocity: HOMING_SPEED, timeout_ns }
            }
        },
        stop_category: match axis.stop_category {
            cell::StopCategory::Zero => StopCategory::Category0,
            cell::StopCategory::One => StopCategory::Category1,
            cell::StopCategory::Two => StopCategory::Category2,
        },
        stop_deceleration: axis.stop_deceleration,
        stop_jerk: axis.stop_jerk,
        brake: axis
            .brake
            .map(|brake| BrakeSettings { release_ns: brake.release_ns, apply_ns: brake.apply_ns }),
        velocity_gain: axis.position_gain,
        torque_limit: 100.0,
        lost_after_ns: interval_ns.saturating_mul(lost_frames_max.into()),
        interval_ns,
    }
}

/// An operator's jog: it ends by itself unless it is asked for again.
///
/// It commands the axis as a program does, and the last command counts: a program that moves the axis ends the jog, a jog
/// that is asked for anew takes over. The axis stays powered behind it, as after any motion.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Jog {
    velocity: f64,
    /// Cycles left; the axis halts when they are over.
    left: u64,
    /// The velocity has to be given to the axis.
    fresh: bool,
    /// Number of the command given last; 0 before there is one.
    id: u64,
}

#[derive(Clone, Debug)]
struct One {
    entries: cell::DriveEntries,
    sync_unit: u8,
    axis: Axis,
    inputs: DriveInputs,
    outputs: DriveOutputs,
    override_factor: f64,
    jog: Jog,
}

/// What the runtime wants of all axes in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Commands are obeyed.
    Run,
    /// Stop as each is configured; power stays allowed.
    Stop,
    /// Stop, then no power.
    PowerOff,
}

/// All axes.
#[derive(Clone, Debug)]
pub struct Axes {
    all: Box<[One]>,
    /// Commands of one axis in one cycle; sized once.
    commands: Vec<Commanded>,
}

impl Axes {
    /// Without power.
    ///
    /// # Errors
    /// The first axis whose settings cannot be, with all rules they break. A checked cell has none.
    pub fn new(cell: &sensai_model::Cell) -> Result<Self, (String, Vec<SettingsError>)> {
        let one = |of: &cell::Axis| {
            let settings = settings(of, cell.task.interval_ns, cell.bus.lost_frames_max);
            let axis = Axis::new(settings).map_err(|errors| (of.name.clone(), errors))?;
            Ok(One {
                entries: of.entries,
                sync_unit: cell.devices.get(usize::from(of.device)).map_or(0, |device| device.sync_unit),
                axis,
                inputs: DriveInputs::default(),
                outputs: DriveOutputs::default(),
                override_factor: 1.0,
                jog: Jog::default(),
            })
        };
        let all = cell.axes.iter().map(one).collect::<Result<_, _>>()?;
        Ok(Self { all, commands: Vec::with_capacity(COMMANDS_PER_CYCLE) })
    }

    /// What the axes showed after their last step, in the cell's order.
    pub fn facts(&self) -> impl Iterator<Item = &AxisFacts> {
        self.all.iter().map(|one| one.axis.facts())
    }

    /// Number of axes.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// A cell without axes.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Nothing moves by a set-point of ours any more.
    pub fn at_rest(&self) -> bool {
        self.facts().all(|facts| facts.set_velocity == 0.0 && facts.set_acceleration == 0.0)
    }

    /// Factor on commanded velocities; a negative index means all axes. False if it is out of range, or there is no such
    /// axis.
    pub fn set_override(&mut self, axis: i64, factor: f64) -> bool {
        if !(0.0..=2.0).contains(&factor) {
            return false;
        }
        let mut known = false;
        let chosen = usize::try_from(axis);
        for (index, one) in self.all.iter_mut().enumerate() {
            if chosen.is_err() || chosen == Ok(index) {
                one.override_factor = factor;
                known = true;
            }
        }
        known
    }

    /// Jog an axis for at most `cycles`, and no longer than [`JOG_NS_MAX`]; 0 ends a jog. The caller has asked whether its
    /// unit is in manual mode. False if there is no such axis, or nothing to end.
    pub fn jog(&mut self, axis: usize, velocity: f64, cycles: u64) -> bool {
        let Some(one) = self.all.get_mut(axis) else { return false };
        let settings = one.axis.settings();
        let (limit, longest) = (settings.limits.velocity, JOG_NS_MAX / settings.interval_ns.max(1));
        let jogs = one.jog.left > 0;
        if cycles == 0 {
            one.jog.left = one.jog.left.min(1);
            return jogs;
        }
        if !velocity.is_finite() {
            return false;
        }
        let velocity = velocity.clamp(-limit, limit);
        let fresh = !jogs || one.jog.fresh || one.jog.velocity != velocity;
        // The cycle in which it ends is one more.
        one.jog = Jog { velocity, left: cycles.min(longest).saturating_add(1), fresh, id: one.jog.id };
        true
    }

    /// A jog that may not be any more, because its unit has left manual mode, ends now.
    pub fn limit_jogs(&mut self, may: impl Fn(usize) -> bool) {
        for (index, one) in self.all.iter_mut().enumerate() {
            if one.jog.left > 1 && !may(index) {
                one.jog.left = 1;
            }
        }
    }

    /// Take over what the drives say. `valid`: bit *n* for sync unit *n*.
    pub fn read(&mut self, image: &[u8], valid: u32) {
        for one in &mut self.all {
            let at = &one.entries;
            let integer = |field: BitField| field.read_integer(image);
            one.inputs = DriveInputs {
                valid: valid >> one.sync_unit & 1 == 1,
                statusword: at.statusword.read_bits(image) as u16,
                position: integer(at.position_actual),
                velocity: at.velocity_actual.map(integer),
                torque: at.torque_actual.map(integer),
                mode_display: at.mode_display.map(|field| integer(field) as i8),
                error_code: at.error_code.map(|field| field.read_bits(image) as u16),
                digital_inputs: at.digital_inputs.map(|field| field.read_bits(image) as u32),
            };
        }
    }

    /// One interval: `given` is what the programs commanded, in order. `reset`: the operator acknowledged a fault.
    pub fn step(&mut self, given: &[Directed], reset: bool, wanted: Wanted, cycle: u64, now_ns: u64) {
        for index in 0..self.all.len() {
            self.commands.clear();
            let directed = given.iter().filter(|directed| usize::from(directed.axis) == index);
            self.commands.extend(directed.map(|directed| directed.commanded).take(COMMANDS_MAX));
            let own = cycle.saturating_mul(IDS_PER_CYCLE).saturating_add(IDS_PER_CYCLE - 4);
            let one = &mut self.all[index];
            if reset {
                self.commands.push(Commanded { id: own, command: AxisCommand::Reset });
            }
            if wanted == Wanted::Run {
                one.jog_commands(own + 1, &mut self.commands);
            } else {
                one.jog = Jog::default();
            }
            let request = AxisRequest {
                override_factor: one.override_factor,
                stop: (wanted != Wanted::Run).then_some(StopRequest::Configured),
                enable: wanted != Wanted::PowerOff,
            };
            one.outputs = one.axis.step(&one.inputs, &self.commands, request, now_ns);
        }
    }

    /// Into the output image.
    pub fn stage(&self, image: &mut [u8]) {
        for one in &self.all {
            let (at, out) = (&one.entries, &one.outputs);
            at.controlword.write_bits(image, out.controlword.into());
            let mut write = |field: Option<BitField>, value: i64| {
                if let Some(field) = field {
                    field.write_bits(image, value.cast_unsigned());
                }
            };
            write(at.target_position, out.target_position.into());
            write(at.target_velocity, out.target_velocity.into());
            write(at.target_torque, out.target_torque.into());
            write(at.mode, out.mode.into());
            // CiA 402, object 60FE, bit 0 "set brake": 1 applies it.
            write(at.digital_outputs, (!out.brake).into());
        }
    }

    /// No drive puts power on its motor any more, by its own statusword: the time a brake takes to close has passed.
    pub fn unpowered(&self) -> bool {
        self.all.iter().all(|one| {
            let state = Statusword(one.inputs.statusword).state();
            let powered = [Cia402::OperationEnabled, Cia402::QuickStopActive, Cia402::FaultReactionActive];
            !powered.iter().any(|powered| state == Some(*powered))
        })
    }

    /// What the axes show, as it is given to a slow task.
    pub fn save_facts(&self, out: &mut Writer<'_>) {
        let mut words = [0; Axis::WORDS];
        for one in &self.all {
            one.axis.save(&mut words);
            words.iter().for_each(|word| out.u64(*word));
        }
    }

    /// What [`Axes::save_facts`] wrote.
    ///
    /// # Errors
    /// If it is too short, or holds what no axis saves.
    pub fn load_facts(&self, from: &mut Reader<'_>, facts: &mut [AxisFacts]) -> Result<(), KeyframeError> {
        for (index, (one, place)) in self.all.iter().zip(facts).enumerate() {
            let mut words = [0; Axis::WORDS];
            for word in &mut words {
                *word = from.u64()?;
            }
            let mut axis = one.axis.clone();
            axis.load(&words).map_err(|error| KeyframeError::Axis { axis: index, word: error.word })?;
            *place = *axis.facts();
        }
        Ok(())
    }

    /// Into a keyframe: what later steps depend on.
    pub fn save(&self, out: &mut Writer<'_>) {
        let mut words = [0; Axis::WORDS];
        for one in &self.all {
            one.axis.save(&mut words);
            for word in words {
                out.u64(word);
            }
            out.u64(one.override_factor.to_bits());
            out.u64(one.jog.velocity.to_bits());
            out.u64(one.jog.left);
            out.u64(one.jog.fresh.into());
            out.u64(one.jog.id);
        }
    }

    /// Out of a keyframe. The drives' data comes with the next exchange.
    ///
    /// # Errors
    /// If it is too short, or holds what no axis saves.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), KeyframeError> {
        for (index, one) in self.all.iter_mut().enumerate() {
            let mut words = [0; Axis::WORDS];
            for word in &mut words {
                *word = from.u64()?;
            }
            one.axis.load(&words).map_err(|error| KeyframeError::Axis { axis: index, word: error.word })?;
            one.override_factor = f64::from_bits(from.u64()?);
            one.jog = Jog {
                velocity: f64::from_bits(from.u64()?),
                left: from.u64()?,
                fresh: from.u64()? != 0,
                id: from.u64()?,
            };
        }
        Ok(())
    }
}

impl One {
    fn jog_commands(&mut self, id: u64, commands: &mut Vec<Commanded>) {
        if self.jog.left == 0 {
            return;
        }
        self.jog.left -= 1;
        let facts = self.axis.facts();
        let given = self.jog.id != 0 && !self.jog.fresh;
        if self.jog.left == 0 {
            // What somebody else has commanded meanwhile is not the jog's to end.
            if self.jog.id != 0 && facts.active == self.jog.id {
                commands.push(Commanded { id, command: AxisCommand::Halt });
            }
            self.jog = Jog::default();
        } else if given && facts.active != self.jog.id || self.jog.id != 0 && facts.failed == self.jog.id {
            // Taken over, refused, or at its end.
            self.jog = Jog::default();
        } else if !facts.powered {
            if facts.powering == 0 {
                self.jog.id = id;
                commands.push(Commanded { id, command: AxisCommand::Power(true) });
            }
        } else if self.jog.fresh {
            (self.jog.fresh, self.jog.id) = (false, id);
            let velocity = self.jog.velocity;
            commands.push(Commanded { id, command: AxisCommand::MoveVelocity { velocity } });
        }
    }
}
