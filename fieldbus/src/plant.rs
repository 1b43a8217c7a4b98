//! What the simulated devices are connected to.
//!
//! The plant's time is cut into steps ([`PlantTiming`](crate::simulated::PlantTiming), 100 µs by default). Within each,
//! in this order: faults that are due, the devices' controllers and watchdogs, the drives in bus order (each with the
//! load and the switches that the plant wrote in the step before), then the plant. So a drive sees the machine of one
//! step ago, and the plant sees the shafts of now.

/// What the shaft of a simulated drive's motor and the machine have in common. Everything is seen at the motor.
///
/// `position`, `velocity`, `torque` and `brake_released` are the drive's to write, all else is the plant's. What the plant
/// writes stays until it writes something else.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shaft {
    /// Revolutions since the simulation began, true: not as the encoder shows them.
    pub position: f64,
    /// Revolutions per second.
    pub velocity: f64,
    /// N·m that the motor makes; positive accelerates in positive direction.
    pub torque: f64,
    /// N·m that the machine puts against positive motion: gravity, process forces, a spring that is pressed.
    /// Friction that must be able to hold the shaft belongs into `friction`, or the shaft creeps.
    pub load: f64,
    /// N·m per revolution by which `load` grows with the position. A part that is pressed is stiff, and the drive moves
    /// several times between two steps of the plant: it takes `load + stiffness · (x − x₀)` as the load at `x`, `x₀` being the
    /// position that the plant saw last. Solved implicitly, so that no stiffness makes it unstable. Not below 0.
    pub stiffness: f64,
    /// N·m of dry friction that the machine adds, as large at rest as in motion. Not below 0.
    pub friction: f64,
    /// kg·m² that the machine adds to the rotor. Not below 0.
    pub inertia: f64,
    /// Safe torque off is requested: the motor makes no torque (IEC 61800-5-2).
    pub sto: bool,
    /// The switch at the positive end of travel is hit.
    pub limit_positive: bool,
    /// The switch at the negative end of travel is hit.
    pub limit_negative: bool,
    /// The homing switch is active.
    pub home_switch: bool,
    /// The drive gives current to the holding brake, which opens it.
    pub brake_released: bool,
}

/// The machine behind the simulated segment. It sees the cell's images, as the devices hold them: what the
/// outputs drive, and what the sensors show; and the shafts of the drives.
///
/// Not `Send`: a twin's programs are compiled on the thread that runs them.
pub trait Plant {
    /// Move on to `time_ns` (on the segment's clock, never backwards): read `outputs` (the output image as the
    /// devices have it: fault values once a SyncManager watchdog has expired), write `inputs`. `shafts` has one entry
    /// for each drive of the segment, in bus order. The inputs of a drive are its own: what the plant writes there
    /// does not last. No allocation, but for what a twin's interpreter takes, which counts it as its own.
    fn step(&mut self, time_ns: u64, outputs: &[u8], inputs: &mut [u8], shafts: &mut [Shaft]);
}

/// Nothing connected: inputs stay as they are, shafts turn freely.
pub struct NoPlant;

impl Plant for NoPlant {
    fn step(&mut self, _time_ns: u64, _outputs: &[u8], _inputs: &mut [u8], _shafts: &mut [Shaft]) {}
}
