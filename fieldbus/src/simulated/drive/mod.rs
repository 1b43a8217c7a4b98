//! A servo drive: the application behind a device that maps a controlword and a statusword.
//!
//! Read first: IEC 61800-7-201 (CiA 402 part 2) for what the objects mean, ETG.6010 for how EtherCAT carries them.
//!
//! A control loop ticks every 125 µs on a grid of its own, whatever the bus cycle: it takes the newest set-points, runs
//! the [power state machine](power), makes a demand out of them (`interpolate`, `homing`, or a ramp of its own), and a
//! torque out of that (`control`). The rotor (`mechanics`) turns in finer steps.
//!
//! Idealised: the current loop has no lag, and the velocity comes from the motor itself, not from the encoder's counts;
//! the position does come from them. Modes are CSP, CSV, CST and HM.
//!
//! What the manufacturer decides, this one decides so. Feed-forward: the derivative of the interpolated set-points, or
//! 0x60B1 where that is not 0. Leaving OP with torque on: option 0x6007. A limit switch that is run into outside homing: fault
//! 0x8612, unless 0x2003:01 is 0. Safe torque off with torque on: fault 0x5441 at once without torque; without: switch on
//! disabled. The home position reads 0x607C after homing.

mod control;
mod demand;
pub mod errors;
mod homing;
mod interpolate;
mod io;
mod mechanics;
mod parameters;
pub mod power;
mod sequence;
mod show;
mod supervise;

#[cfg(test)]
mod tests;

use super::{Emergency, dictionary::Dictionary};
use crate::Shaft;
use control::{Cascade, Effort, Ramp, Seen};
use errors::Errors;
use homing::{Homing, Switches};
use interpolate::{DEFAULT_PERIOD_NS, Interpolator};
use io::{Commands, Feedback, Layout};
use mechanics::{Acting, Friction, Rotor};
use parameters::Parameters;
use power::PowerState;
use sensai_devices::{DeviceDescription, Pdo};
use sequence::Motion;
use supervise::Watch;

/// Tick of the control loop.
pub(crate) const TICK_NS: u64 = 125_000;
pub(crate) const TICK_S: f64 = TICK_NS as f64 * 1.0e-9;
/// From the objects of one axis of a device to those of the next, ETG.6010.
const AXIS_STEP: u16 = 0x800;
/// Axes a device can have.
const AXES_MAX: u16 = 8;
/// How long a drive tests itself after power-on.
const SELF_TEST_NS: u64 = 10_000_000;

/// What can be done to a drive from outside the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveFault {
    /// It trips with this error code, and reacts as 0x605E says.
    Trip(u16),
    /// Safe torque off is requested, or no longer; besides the plant's own request.
    Sto(bool),
    /// The mains is there, or gone.
    Mains(bool),
    /// The encoder counts so many increments that never were.
    EncoderJump(i32),
    /// A wire of a switch is broken or shorted: it reads as active, besides what the plant says. Negative limit,
    /// positive limit, homing switch.
    Switches([bool; 3]),
}

/// What the device tells its drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    /// The device is in OP: outputs are valid.
    pub is_operational: bool,
    /// It left OP because no outputs came.
    pub is_watchdog: bool,
    /// Outputs that arrived so far.
    pub arrivals: u64,
    /// When the last ones arrived.
    pub arrival_ns: u64,
}

/// The application of one axis: electronics, motor and encoder.
#[derive(Debug)]
pub struct Drive {
    base: u16,
    layout: Layout,
    parameters: Parameters,
    rotor: Rotor,
    /// Time the rotor has reached, and the next tick.
    now_ns: u64,
    tick_ns: u64,
    is_powered: bool,
    /// End of the self-test; `None` before the first tick.
    ready_ns: Option<u64>,
    state: PowerState,
    motion: Motion,
    mode: i8,
    commands: Commands,
    /// Controlword that edges are judged against.
    last_controlword: u16,
    fault_reset: bool,
    link: Link,
    /// OP was left in this tick.
    has_lost_link: bool,
    period_ns: u64,
    /// Between the last two arrivals.
    interval_ns: u64,
    interpolator: Interpolator,
    ramp: Ramp,
    cascade: Cascade,
    effort: Effort,
    homing: Homing,
    watch: Watch,
    errors: Errors,
    /// Encoder increments that are not the rotor's.
    count_offset: i64,
    /// User position of encoder position 0.
    zero: i64,
    is_referenced: bool,
    /// Whole index periods passed, at the last tick.
    index_count: f64,
    brake: BrakeState,
    /// As the machine and the faults have them.
    switches: Switches,
    sto: bool,
    forced_switches: [bool; 3],
    forced_sto: bool,
    has_mains: bool,
    /// kg·m² in all.
    inertia: f64,
    feedback: Feedback,
    /// Demand in revolutions while a position is controlled.
    demand: Option<f64>,
}

/// The holding brake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct BrakeState {
    /// Current is on.
    is_released: bool,
    /// Since when.
    since_ns: u64,
    /// It has opened.
    is_open: bool,
}

impl Drive {
    /// The drives of a device: one for each of [`Drive::axes_of`].
    pub(crate) fn all_of(description: &DeviceDescription) -> Vec<Self> {
        let dictionary = Dictionary::new(description);
        let axes = Self::axes_of(description).into_iter();
        axes.map(|base| Self::new(base, description, &dictionary)).collect()
    }

    /// The axes of a device, by how much higher their objects are than those of a first one: those whose controlword it
    /// receives and whose statusword it sends. Both, because the outputs of plain terminals are at 0x7040, too.
    pub fn axes_of(description: &DeviceDescription) -> Vec<u16> {
        let maps =
            |pdos: &[Pdo], index| pdos.iter().flat_map(|pdo| &pdo.entries).any(|entry| entry.index == index);
        let bases = (0..AXES_MAX).map(|axis| axis * AXIS_STEP);
        bases
            .filter(|base| maps(&description.rx_pdos, 0x6040 + base))
            .filter(|base| maps(&description.tx_pdos, 0x6041 + base))
            .collect()
    }

    fn new(base: u16, description: &DeviceDescription, dictionary: &Dictionary) -> Self {
        let mut drive = Self {
            base,
            layout: Layout::of(description, base),
            parameters: Parameters::load(dictionary, base),
            rotor: Rotor::default(),
            now_ns: 0,
            tick_ns: 0,
            is_powered: true,
            ready_ns: None,
            state: PowerState::NotReadyToSwitchOn,
            motion: Motion::Off,
            mode: 0,
            commands: Commands::default(),
            last_controlword: 0,
            fault_reset: false,
            link: Link::default(),
            has_lost_link: false,
            period_ns: DEFAULT_PERIOD_NS,
            interval_ns: 0,
            interpolator: Interpolator::at(0.0, 0.0, 0.0, DEFAULT_PERIOD_NS),
            ramp: Ramp::default(),
            cascade: Cascade::default(),
            effort: Effort::default(),
            homing: Homing::default(),
            watch: Watch::default(),
            errors: Errors::default(),
            count_offset: 0,
            zero: 0,
            is_referenced: false,
            index_count: 0.0,
            brake: BrakeState::default(),
            switches: Switches::default(),
            sto: false,
            forced_switches: [false; 3],
            forced_sto: false,
            has_mains: true,
            inertia: 0.0,
            feedback: Feedback::default(),
            demand: None,
        };
        drive.inertia = drive.parameters.motor.inertia;
        drive.power_on();
        drive
    }

    /// State of the power state machine.
    pub fn state(&self) -> PowerState {
        self.state
    }

    /// Active mode of operation, object 0x6061; 0 before the first.
    pub fn mode(&self) -> i8 {
        self.mode
    }

    /// Object 0x6041 as of the last tick.
    pub fn statusword(&self) -> u16 {
        self.feedback.statusword
    }

    /// Object 0x6064 as of the last tick, in user units.
    pub fn position(&self) -> i32 {
        self.feedback.position
    }

    /// The errors: newest code and history.
    pub fn errors(&self) -> &Errors {
        &self.errors
    }

    /// Let something happen to it now.
    pub fn inject(&mut self, fault: DriveFault) {
        match fault {
            DriveFault::Trip(code) => self.trip(code),
            DriveFault::Sto(requested) => self.forced_sto = requested,
            DriveFault::Mains(there) => self.has_mains = there,
            DriveFault::EncoderJump(increments) => self.count_offset += i64::from(increments),
            DriveFault::Switches(forced) => self.forced_switches = forced,
        }
    }

    /// The mains is gone and the electronics with it; the rotor turns on.
    pub(crate) fn power_off(&mut self) {
        self.is_powered = false;
        self.torque_off();
        self.brake = BrakeState { is_released: false, since_ns: self.now_ns, ..self.brake };
        self.feedback = Feedback::default();
    }

    /// The electronics begin anew. What has no memory without power has forgotten its position.
    pub(crate) fn power_on(&mut self) {
        self.is_powered = true;
        self.ready_ns = None;
        self.state = PowerState::NotReadyToSwitchOn;
        self.motion = Motion::Off;
        self.mode = 0;
        self.link = Link::default();
        (self.commands, self.last_controlword) = (Commands::default(), 0);
        self.homing = Homing::default();
        self.watch = Watch::default();
        self.errors = Errors::default();
        if !self.parameters.motor.is_absolute {
            self.count_offset = -self.increments(self.rotor.position);
            (self.zero, self.is_referenced) = (0, false);
        }
    }

    /// Settings were written, or PDOs mapped anew.
    pub(crate) fn reload(&mut self, dictionary: &Dictionary) {
        self.parameters = Parameters::load(dictionary, self.base);
        if !dictionary.is_default() {
            self.layout.remap(dictionary, self.base);
        }
    }

    /// Move on from `from_ns` to `now_ns`. What lies between the last call and `from_ns` is left out.
    pub(crate) fn step(&mut self, from_ns: u64, now_ns: u64, link: &Link, outputs: &[u8], shaft: &mut Shaft) {
        if self.now_ns < from_ns {
            self.now_ns = from_ns;
            self.tick_ns = (from_ns - from_ns % TICK_NS).saturating_add(TICK_NS);
        }
        let origin = self.rotor.position;
        self.feel(shaft);
        while self.now_ns < now_ns {
            let end_ns = self.tick_ns.min(now_ns);
            let motor = self.effort.torque;
            let acting = Acting::on(shaft, motor, self.parameters.motor.inertia, self.own_friction(), origin);
            self.rotor.advance((end_ns - self.now_ns) as f64 * 1.0e-9, &acting);
            self.now_ns = end_ns;
            if end_ns == self.tick_ns {
                self.tick_ns = self.tick_ns.saturating_add(TICK_NS);
                self.tick(link, outputs);
            }
        }
        shaft.position = self.rotor.position;
        shaft.velocity = self.rotor.velocity;
        shaft.torque = self.effort.torque;
        shaft.brake_released = self.brake.is_released;
    }

    /// Write the TxPDO objects into the device's inputs.
    pub(crate) fn show(&self, inputs: &mut [u8]) {
        self.layout.write(&self.feedback, inputs);
    }

    /// An emergency that the device has to send.
    pub(crate) fn take_emergency(&mut self) -> Option<Emergency> {
        self.errors.take_emergency()
    }

    /// One tick of the electronics.
    fn tick(&mut self, link: &Link, outputs: &[u8]) {
        self.work_brake();
        if !self.is_powered {
            return;
        }
        self.receive(link, outputs);
        self.supervise();
        self.run_power_states();
        self.run_motion();
        self.update_feedback();
    }

    /// What the machine puts in.
    fn feel(&mut self, shaft: &Shaft) {
        let [negative, positive, home] = self.forced_switches;
        self.switches = Switches {
            negative: shaft.limit_negative || negative,
            positive: shaft.limit_positive || positive,
            home: shaft.home_switch || home,
        };
        self.sto = shaft.sto || self.forced_sto;
        self.inertia = self.parameters.motor.inertia + mechanics::machine_inertia(shaft);
        if self.sto {
            // Safe torque off needs no software: the torque is gone in the same instant.
            self.effort.torque = 0.0;
        }
    }

    fn own_friction(&self) -> Friction {
        let motor = &self.parameters.motor;
        let brake = if self.brake.is_open { 0.0 } else { self.parameters.brake.torque };
        Friction {
            viscous: motor.viscous,
            kinetic: motor.coulomb + brake,
            breakaway: motor.breakaway + brake,
        }
    }

    fn increments(&self, revolutions: f64) -> i64 {
        (revolutions * self.parameters.resolution).floor() as i64
    }

    fn seen(&self) -> Seen {
        let count = self.increments(self.rotor.position).saturating_add(self.count_offset);
        Seen {
            position: count as f64 / self.parameters.resolution,
            velocity: self.rotor.velocity,
            inertia: self.inertia,
        }
    }

    /// User units of an encoder position in revolutions.
    fn user_position(&self, revolutions: f64) -> f64 {
        revolutions * self.parameters.units + self.zero as f64
    }

    /// Encoder revolutions of a user position.
    fn revolutions(&self, user: f64) -> f64 {
        (user - self.zero as f64) / self.parameters.units
    }

    fn has_brake(&self) -> bool {
        self.parameters.brake.torque > 0.0
    }

    /// The brake opens some time after its current came, and closes some time after it went.
    fn work_brake(&mut self) {
        let forced_shut = self.parameters.brake_masked && self.commands.digital_outputs & 1 != 0;
        let release = self.motion.wants_brake_open() && !forced_shut && self.is_powered;
        if release != self.brake.is_released {
            self.brake = BrakeState { is_released: release, since_ns: self.now_ns, ..self.brake };
        }
        let brake = &self.parameters.brake;
        let delay_ns = if release { brake.opening_ns } else { brake.closing_ns };
        if !self.has_brake() || self.now_ns.saturating_sub(self.brake.since_ns) >= delay_ns {
            self.brake.is_open = release;
        }
    }
}
