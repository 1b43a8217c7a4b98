//! The servo drive: fictitious, one axis, CiA 402 over EtherCAT.
//!
//! Read first: ETG.6010 (which objects, which PDOs), IEC 61800-7-201 (what they mean). One digit of position is one
//! increment of a 20 bit encoder, until 0x608F, 0x6091 and 0x6092 say otherwise.

use super::{SENSAI_VENDOR, blank, entry, padding, with_coe};
use crate::description::{DataType, DeviceDescription, Object, ObjectAccess, ObjectEntry, Pdo};
use crate::dictionary::{Dictionary, record, setting};

/// IEC 61800-7-201 device type: profile 402, one servo drive (type 2).
const SERVO_DRIVE: u32 = 0x0002_0192;
/// Increments a revolution.
const RESOLUTION: u32 = 1 << 20;
/// Entries of the error history.
const HISTORY: u8 = 8;

pub(super) fn sn4020() -> DeviceDescription {
    let title = "servo drive, CiA 402, CSP CSV CST HM, 750 W";
    let mut device = blank("SN4020", title, SENSAI_VENDOR, 0x0000_4020, 0x0001_0000);
    device.dc = true;
    device.rx_pdos = vec![command()];
    device.tx_pdos = vec![feedback()];
    let mut device = with_coe(device);
    let dictionary = Dictionary::of(&device).device_type(SERVO_DRIVE);
    let objects = [communication(), power(), motion(), homing(), scaling(), own()];
    device.objects = objects.into_iter().flatten().fold(dictionary, Dictionary::object).build();
    device
}

fn command() -> Pdo {
    Pdo {
        index: 0x1600,
        sync_manager: Some(2),
        name: "Drive".to_owned(),
        entries: vec![
            entry(0x6040, 0, "Controlword", DataType::U16),
            entry(0x6060, 0, "Mode", DataType::I8),
            padding(8),
            entry(0x607a, 0, "Target position", DataType::I32),
            entry(0x60ff, 0, "Target velocity", DataType::I32),
            entry(0x60b1, 0, "Velocity offset", DataType::I32),
            entry(0x6071, 0, "Target torque", DataType::I16),
            entry(0x60b2, 0, "Torque offset", DataType::I16),
            entry(0x60fe, 1, "Digital outputs", DataType::U32),
        ],
    }
}

fn feedback() -> Pdo {
    Pdo {
        index: 0x1a00,
        sync_manager: Some(3),
        name: "Drive".to_owned(),
        entries: vec![
            entry(0x6041, 0, "Statusword", DataType::U16),
            entry(0x6061, 0, "Mode display", DataType::I8),
            padding(8),
            entry(0x6064, 0, "Position", DataType::I32),
            entry(0x606c, 0, "Velocity", DataType::I32),
            entry(0x60f4, 0, "Following error", DataType::I32),
            entry(0x6077, 0, "Torque", DataType::I16),
            entry(0x603f, 0, "Error code", DataType::U16),
            entry(0x60fd, 0, "Digital inputs", DataType::U32),
        ],
    }
}

/// ETG.1000.6 and ETG.1020: errors and synchronisation.
fn communication() -> Vec<Object> {
    let history = (1..=HISTORY).map(|n| shown_entry(n, &format!("Error {n}"), DataType::U32, &[0; 4]));
    vec![
        shown(0x1001, "Error register", DataType::U8, &[0]),
        record(0x1003, "Pre-defined error field", history.collect()),
        record(
            0x10f1,
            "Sync error setting",
            vec![
                setting(1, "Local error reaction", DataType::U32, &1_u32.to_le_bytes()),
                // 3 up for a set-point that did not come, 1 down for one that did; 0 never trips.
                setting(2, "Sync error counter limit", DataType::U16, &15_u16.to_le_bytes()),
            ],
        ),
    ]
}

/// Power drive system: reactions, limits, ratings.
fn power() -> Vec<Object> {
    vec![
        // 0 none, 1 fault, 2 disable voltage, 3 quick stop.
        number(0x6007, "Abort connection option code", DataType::I16, 1),
        // 0 coast, 1 slow-down ramp, 2 quick-stop ramp, 3 and 4 at the torque limit; 5 to 8 the same, then stay.
        number(0x605a, "Quick stop option code", DataType::I16, 2),
        number(0x605b, "Shutdown option code", DataType::I16, 0),
        number(0x605c, "Disable operation option code", DataType::I16, 1),
        number(0x605d, "Halt option code", DataType::I16, 1),
        number(0x605e, "Fault reaction option code", DataType::I16, 2),
        // Thousandths of the rated torque, as all torques; of the rated current.
        number(0x6072, "Max torque", DataType::U16, 3_000),
        number(0x6073, "Max current", DataType::U16, 3_000),
        shown(0x6074, "Torque demand", DataType::I16, &[0; 2]),
        number(0x6075, "Motor rated current", DataType::U32, 4_500),
        number(0x6076, "Motor rated torque", DataType::U32, 2_390),
        shown(0x6078, "Current actual value", DataType::I16, &[0; 2]),
        shown(0x6079, "DC link circuit voltage", DataType::U32, &[0; 4]),
        number(0x6080, "Max motor speed", DataType::U32, 6_000),
        number(0x60e0, "Positive torque limit value", DataType::U16, 3_000),
        number(0x60e1, "Negative torque limit value", DataType::U16, 3_000),
        // 3: synchronous motor with permanent magnets.
        shown(0x6402, "Motor type", DataType::U16, &3_u16.to_le_bytes()),
        // Bit 5 homing, 7 cyclic synchronous position, 8 velocity, 9 torque.
        shown(0x6502, "Supported drive modes", DataType::U32, &0x0000_03a0_u32.to_le_bytes()),
        record(
            0x60fe,
            "Digital outputs",
            vec![
                setting(1, "Physical outputs", DataType::U32, &[0; 4]),
                // Bit 0: the MainDevice may close the brake; the drive alone never opens it out of turn.
                setting(2, "Bit mask", DataType::U32, &1_u32.to_le_bytes()),
            ],
        ),
    ]
}

fn motion() -> Vec<Object> {
    let revolutions = |n: u32| i64::from(n * RESOLUTION);
    vec![
        shown(0x6062, "Position demand value", DataType::I32, &[0; 4]),
        shown(0x6063, "Position actual internal value", DataType::I32, &[0; 4]),
        // 0xFFFFFFFF switches the supervision off. Times in ms.
        number(0x6065, "Following error window", DataType::U32, i64::from(RESOLUTION / 10)),
        number(0x6066, "Following error time out", DataType::U16, 10),
        number(0x6067, "Position window", DataType::U32, i64::from(RESOLUTION / 1_000)),
        number(0x6068, "Position window time", DataType::U16, 10),
        shown(0x606b, "Velocity demand value", DataType::I32, &[0; 4]),
        record(
            0x607d,
            "Software position limit",
            vec![
                setting(1, "Min position limit", DataType::I32, &i32::MIN.to_le_bytes()),
                setting(2, "Max position limit", DataType::I32, &i32::MAX.to_le_bytes()),
            ],
        ),
        // Used where an option code says slow-down ramp.
        number(0x6084, "Profile deceleration", DataType::U32, revolutions(500)),
        number(0x6085, "Quick stop deceleration", DataType::U32, revolutions(1_000)),
        record(
            0x60c2,
            "Interpolation time period",
            vec![
                // 0: as the set-points come.
                setting(1, "Interpolation time period value", DataType::U8, &[0]),
                setting(2, "Interpolation time index", DataType::I8, &(-3_i8).to_le_bytes()),
            ],
        ),
        shown(0x60fc, "Position demand internal value", DataType::I32, &[0; 4]),
    ]
}

fn homing() -> Vec<Object> {
    let methods = [1_i8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 18, 19, 20, 21, 22]
        .into_iter()
        .chain([23, 24, 25, 26, 27, 28, 29, 30, 33, 34, 35, 37]);
    let methods = (1..)
        .zip(methods)
        .map(|(n, m)| shown_entry(n, &format!("Method {m}"), DataType::I8, &m.to_le_bytes()));
    vec![
        number(0x607c, "Home offset", DataType::I32, 0),
        number(0x6098, "Homing method", DataType::I8, 37),
        record(
            0x6099,
            "Homing speeds",
            vec![
                setting(1, "Speed during search for switch", DataType::U32, &(5 * RESOLUTION).to_le_bytes()),
                setting(2, "Speed during search for zero", DataType::U32, &(RESOLUTION / 2).to_le_bytes()),
            ],
        ),
        number(0x609a, "Homing acceleration", DataType::U32, i64::from(100 * RESOLUTION)),
        record(0x60e3, "Supported homing methods", methods.collect()),
    ]
}

fn scaling() -> Vec<Object> {
    let ratio = |index, name, above, below, (numerator, denominator): (u32, u32)| {
        let part = |n, name, value: u32| setting(n, name, DataType::U32, &value.to_le_bytes());
        record(index, name, vec![part(1, above, numerator), part(2, below, denominator)])
    };
    vec![
        ratio(
            0x608f,
            "Position encoder resolution",
            "Encoder increments",
            "Motor revolutions",
            (RESOLUTION, 1),
        ),
        ratio(0x6091, "Gear ratio", "Motor revolutions", "Shaft revolutions", (1, 1)),
        ratio(0x6092, "Feed constant", "Feed", "Shaft revolutions", (RESOLUTION, 1)),
    ]
}

/// What a real drive has in its motor's data sheet and its tuning tool.
fn own() -> Vec<Object> {
    let real = |n, name, value: f32| setting(n, name, DataType::F32, &value.to_le_bytes());
    let small = |n, name, value: u8| setting(n, name, DataType::U8, &[value]);
    vec![
        record(
            0x2000,
            "Motor",
            vec![
                real(1, "Rotor inertia in kg m2", 1.0e-4),
                real(2, "Viscous friction in N m s per revolution", 1.0e-3),
                real(3, "Coulomb friction in N m", 0.03),
                real(4, "Static friction in N m", 0.04),
                real(5, "Index pulse at this part of a revolution", 0.0),
                // 0: counts from 0 after power-on; 1: keeps its position and its home.
                small(6, "Encoder is absolute", 0),
            ],
        ),
        record(
            0x2001,
            "Holding brake",
            vec![
                // 0: there is none.
                real(1, "Torque in N m", 0.0),
                real(2, "Opening time in s", 0.03),
                real(3, "Closing time in s", 0.02),
            ],
        ),
        record(
            0x2002,
            "Control loops",
            vec![
                real(1, "Velocity loop bandwidth in rad per s", 500.0),
                real(2, "Velocity loop integral time in s", 0.01),
                real(3, "Position loop gain in 1 per s", 100.0),
                // 0 where the MainDevice sends 0x60B1 and 0x60B2.
                real(4, "Velocity feed-forward", 1.0),
                real(5, "Acceleration feed-forward", 1.0),
                // 0: what the motor really turns, as after an automatic tuning.
                real(6, "Total inertia in kg m2", 0.0),
            ],
        ),
        // 0: shown in 0x60FD only; 1: fault 0x8612 on motion into a limit switch.
        record(0x2003, "Supervision", vec![small(1, "Limit switch reaction", 1)]),
    ]
}

/// A variable that can be written, with its default.
fn number(index: u16, name: &str, data_type: DataType, default: i64) -> Object {
    let len = usize::from(super::bit_len(data_type) / 8);
    Object {
        index,
        name: name.to_owned(),
        entries: vec![setting(0, name, data_type, default.to_le_bytes().get(..len).unwrap_or_default())],
    }
}

/// A variable that can be read only.
fn shown(index: u16, name: &str, data_type: DataType, value: &[u8]) -> Object {
    Object { index, name: name.to_owned(), entries: vec![shown_entry(0, name, data_type, value)] }
}

fn shown_entry(subindex: u8, name: &str, data_type: DataType, value: &[u8]) -> ObjectEntry {
    ObjectEntry {
        subindex,
        name: name.to_owned(),
        data_type,
        access: ObjectAccess::Read,
        value: value.to_vec(),
    }
}
