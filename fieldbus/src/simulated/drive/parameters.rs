//! What the drive is set to, out of its object dictionary.

use super::power::Stop;
use crate::simulated::dictionary::Dictionary;
use sensai_devices::DataType;

/// Increments a revolution where nothing says otherwise.
const RESOLUTION: f64 = 1_048_576.0;

/// Settings in the units the control loop works in: revolutions of the motor, seconds, N·m, kg·m².
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// Encoder increments a revolution.
    pub resolution: f64,
    /// User units of position in a revolution: encoder, gear and feed together.
    pub units: f64,
    /// 0x6060, for a drive that has it in no PDO.
    pub mode: i8,
    /// Reaction to leaving OP, 0x6007.
    pub abort_connection: i64,
    /// Quick stop, 0x605A.
    pub quick_stop: Stop,
    /// The quick stop option is one of 5 to 8.
    pub quick_stop_stays: bool,
    /// Shutdown, 0x605B.
    pub shutdown: Stop,
    /// Disable operation, 0x605C.
    pub disable_operation: Stop,
    /// Halt, 0x605D.
    pub halt: Stop,
    /// Fault reaction, 0x605E.
    pub fault_reaction: Stop,
    /// rev/s² of the slow-down ramp; 0: at the torque limit.
    pub slow_down: f64,
    /// rev/s² of the quick-stop ramp; 0: at the torque limit.
    pub quick_stop_ramp: f64,
    /// Following error window in user units, if it is watched.
    pub following_window: Option<f64>,
    /// For how long it may be left, in ns.
    pub following_time_ns: u64,
    /// Position window in user units, if it is used.
    pub position_window: Option<f64>,
    /// How long the position must be inside, in ns.
    pub position_time_ns: u64,
    /// Software limits in user units, lower first, if they are set.
    pub software_limits: Option<(f64, f64)>,
    /// N·m of a thousandth of the rated torque.
    pub torque_unit: f64,
    /// Limits of the torque, downwards and upwards, both 0 or more.
    pub torque_limits: [f64; 2],
    /// rev/s.
    pub velocity_max: f64,
    /// Homing method, 0x6098.
    pub homing_method: i8,
    /// rev/s of the search for the switch and for the zero.
    pub homing_speeds: [f64; 2],
    /// rev/s².
    pub homing_acceleration: f64,
    /// Position at home, in user units.
    pub home_offset: i32,
    /// Interpolation period; `None`: as the set-points come.
    pub period_ns: Option<u64>,
    /// Sync error counter limit; 0: never.
    pub sync_limit: u32,
    /// The brake output may be set by 0x60FE:01.
    pub brake_masked: bool,
    /// Motor and its friction.
    pub motor: Motor,
    /// Holding brake.
    pub brake: Brake,
    /// Control loops.
    pub loops: Loops,
    /// A limit switch that is run into is a fault.
    pub limit_switch_faults: bool,
}

/// Object 0x2000.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Motor {
    /// kg·m² of the rotor.
    pub inertia: f64,
    /// N·m per rev/s.
    pub viscous: f64,
    /// N·m.
    pub coulomb: f64,
    /// N·m.
    pub breakaway: f64,
    /// Part of a revolution at which the index pulse is.
    pub index: f64,
    /// The encoder keeps its position without power.
    pub is_absolute: bool,
}

/// Object 0x2001.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brake {
    /// N·m; 0: no brake.
    pub torque: f64,
    /// From current on to open.
    pub opening_ns: u64,
    /// From current off to closed.
    pub closing_ns: u64,
}

/// Object 0x2002.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loops {
    /// rad/s of the velocity loop.
    pub bandwidth: f64,
    /// s.
    pub integral_time: f64,
    /// 1/s of the position loop.
    pub position_gain: f64,
    /// 0 to 1.
    pub velocity_feed_forward: f64,
    /// 0 to 1.
    pub acceleration_feed_forward: f64,
    /// kg·m² that the loops are tuned for; `None`: what is really there.
    pub inertia: Option<f64>,
}

/// Reads objects of one axis, with a value to take for what is not there.
struct Reader<'a> {
    dictionary: &'a Dictionary,
    base: u16,
}

impl Reader<'_> {
    fn integer(&self, index: u16, subindex: u8, missing: i64) -> i64 {
        self.entry(index, subindex).and_then(|(kind, bytes)| integer(kind, bytes)).unwrap_or(missing)
    }

    fn real(&self, index: u16, subindex: u8, missing: f64) -> f64 {
        let found = self.entry(index, subindex).and_then(|(_, bytes)| bytes.try_into().ok());
        let value = found.map_or(missing, |bytes: [u8; 4]| f64::from(f32::from_le_bytes(bytes)));
        if value.is_finite() { value.clamp(0.0, 1.0e9) } else { missing }
    }

    fn entry(&self, index: u16, subindex: u8) -> Option<(DataType, &[u8])> {
        // The manufacturer's own objects are the same for all axes of a device.
        let index = if index >= 0x6000 { index.saturating_add(self.base) } else { index };
        self.dictionary.value(index, subindex)
    }

    fn ratio(&self, index: u16, missing: f64) -> f64 {
        let [above, below] = [1, 2].map(|subindex| self.integer(index, subindex, 0) as f64);
        if above > 0.0 && below > 0.0 { above / below } else { missing }
    }
}

fn integer(kind: DataType, bytes: &[u8]) -> Option<i64> {
    let signed = matches!(kind, DataType::I8 | DataType::I16 | DataType::I32 | DataType::I64);
    let mut wide = [0; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let value = i64::from_le_bytes(wide);
    let unused = 64 - 8 * u32::try_from(bytes.len()).ok()?;
    Some(if signed && unused < 64 { value << unused >> unused } else { value })
}

impl Parameters {
    /// From the dictionary of the device; `base` is 0x800 times the number of the axis. What a dictionary lacks gets the
    /// value that the catalogue's drive has.
    pub fn load(dictionary: &Dictionary, base: u16) -> Self {
        let of = Reader { dictionary, base };
        let resolution = of.ratio(0x608f, RESOLUTION);
        let units = of.ratio(0x6092, resolution) / of.ratio(0x6091, 1.0);
        let revolutions = |index, subindex, missing: f64| match of.integer(index, subindex, -1) {
            -1 => missing,
            value => value as f64 / units,
        };
        let stop = |index, missing| Stop::of(of.integer(index, 0, missing));
        let window = |index, missing| match of.integer(index, 0, missing) {
            0xffff_ffff => None,
            value => Some(value as f64),
        };
        let milliseconds = |index, missing| of.integer(index, 0, missing).unsigned_abs() * 1_000_000;
        let quick_stop_option = of.integer(0x605a, 0, 2);
        let torque_unit = of.integer(0x6076, 0, 2_390) as f64 * 1.0e-6;
        Self {
            resolution,
            units,
            mode: of.integer(0x6060, 0, 0) as i8,
            abort_connection: of.integer(0x6007, 0, 1),
            quick_stop: Stop::of(quick_stop_option),
            quick_stop_stays: (5..=8).contains(&quick_stop_option),
            shutdown: stop(0x605b, 0),
            disable_operation: stop(0x605c, 1),
            halt: stop(0x605d, 1),
            fault_reaction: stop(0x605e, 2),
            slow_down: revolutions(0x6084, 0, 500.0),
            quick_stop_ramp: revolutions(0x6085, 0, 1_000.0),
            following_window: window(0x6065, (0.1 * units) as i64),
            following_time_ns: milliseconds(0x6066, 10),
            position_window: window(0x6067, (0.001 * units) as i64),
            position_time_ns: milliseconds(0x6068, 10),
            software_limits: software_limits(&of),
            torque_unit,
            torque_limits: [0x60e1, 0x60e0].map(|own| torque_limit(&of, own) * torque_unit),
            velocity_max: of.integer(0x6080, 0, 6_000) as f64 / 60.0,
            homing_method: of.integer(0x6098, 0, 37) as i8,
            homing_speeds: [revolutions(0x6099, 1, 5.0), revolutions(0x6099, 2, 0.5)],
            homing_acceleration: revolutions(0x609a, 0, 100.0),
            home_offset: of.integer(0x607c, 0, 0) as i32,
            period_ns: period_ns(&of),
            sync_limit: of.integer(0x10f1, 2, 15) as u32,
            brake_masked: of.integer(0x60fe, 2, 1) & 1 != 0,
            motor: Motor {
                inertia: of.real(0x2000, 1, 1.0e-4).max(1.0e-9),
                viscous: of.real(0x2000, 2, 1.0e-3),
                coulomb: of.real(0x2000, 3, 0.03),
                breakaway: of.real(0x2000, 4, 0.04),
                index: of.real(0x2000, 5, 0.0),
                is_absolute: of.integer(0x2000, 6, 0) != 0,
            },
            brake: Brake {
                torque: of.real(0x2001, 1, 0.0),
                opening_ns: seconds_ns(of.real(0x2001, 2, 0.03)),
                closing_ns: seconds_ns(of.real(0x2001, 3, 0.02)),
            },
            loops: loops(&of),
            limit_switch_faults: of.integer(0x2003, 1, 1) != 0,
        }
    }

    /// Deceleration of a stop in rev/s², `None` for one at the torque limit.
    pub fn deceleration(&self, stop: Stop) -> Option<f64> {
        let ramp = match stop {
            Stop::SlowDown => self.slow_down,
            Stop::QuickStop => self.quick_stop_ramp,
            Stop::Coast | Stop::TorqueLimit => 0.0,
        };
        (ramp > 0.0).then_some(ramp)
    }
}

fn loops(of: &Reader<'_>) -> Loops {
    let inertia = of.real(0x2002, 6, 0.0);
    Loops {
        bandwidth: of.real(0x2002, 1, 500.0),
        integral_time: of.real(0x2002, 2, 0.01),
        position_gain: of.real(0x2002, 3, 100.0),
        velocity_feed_forward: of.real(0x2002, 4, 1.0),
        acceleration_feed_forward: of.real(0x2002, 5, 1.0),
        inertia: (inertia > 0.0).then_some(inertia),
    }
}

/// The smallest of what limits the torque in one direction, in thousandths of the rated torque.
fn torque_limit(of: &Reader<'_>, own: u16) -> f64 {
    let limits = [0x6072, 0x6073, own].map(|index| of.integer(index, 0, 3_000));
    limits.into_iter().min().unwrap_or(0).max(0) as f64
}

/// Both at the ends of their range, or in the wrong order: there are none.
fn software_limits(of: &Reader<'_>) -> Option<(f64, f64)> {
    let (low, high) =
        (of.integer(0x607d, 1, i64::from(i32::MIN)), of.integer(0x607d, 2, i64::from(i32::MAX)));
    let is_set = low < high && (low > i64::from(i32::MIN) || high < i64::from(i32::MAX));
    is_set.then_some((low as f64, high as f64))
}

/// 0x60C2: a value times a power of ten of a second; between a tick of the control loop and one second.
fn period_ns(of: &Reader<'_>) -> Option<u64> {
    let value = u64::try_from(of.integer(0x60c2, 1, 0)).ok().filter(|value| *value > 0)?;
    let exponent = of.integer(0x60c2, 2, -3).clamp(-9, 0) + 9;
    let unit_ns = 10_u64.pow(u32::try_from(exponent).ok()?);
    Some(value.saturating_mul(unit_ns).clamp(super::TICK_NS, 1_000_000_000))
}

fn seconds_ns(seconds: f64) -> u64 {
    (seconds * 1.0e9).round() as u64
}
