//! CiA 402 drives for tests, as EEPROM images.

use sensai_devices::{
    DataType, DeviceDescription, Direction, Pdo, PdoEntry, SyncManager, SyncManagerKind, catalogue, sii,
};

/// Index, bits, type and name of an object that a drive maps.
pub type Mapped = (u16, u8, DataType, &'static str);

pub const CONTROLWORD: Mapped = (0x6040, 0, DataType::U16, "Controlword");
pub const TARGET_POSITION: Mapped = (0x607a, 0, DataType::I32, "Target position");
pub const TARGET_VELOCITY: Mapped = (0x60ff, 0, DataType::I32, "Target velocity");
pub const TARGET_TORQUE: Mapped = (0x6071, 0, DataType::I16, "Target torque");
pub const MODE: Mapped = (0x6060, 0, DataType::I8, "Modes of operation");
pub const DIGITAL_OUTPUTS: Mapped = (0x60fe, 1, DataType::U32, "Physical outputs");
pub const STATUSWORD: Mapped = (0x6041, 0, DataType::U16, "Statusword");
pub const POSITION: Mapped = (0x6064, 0, DataType::I32, "Position actual value");
pub const VELOCITY: Mapped = (0x606c, 0, DataType::I32, "Velocity actual value");
pub const TORQUE: Mapped = (0x6077, 0, DataType::I16, "Torque actual value");
pub const MODE_DISPLAY: Mapped = (0x6061, 0, DataType::I8, "Modes of operation display");
pub const ERROR_CODE: Mapped = (0x603f, 0, DataType::U16, "Error code");
pub const DIGITAL_INPUTS: Mapped = (0x60fd, 0, DataType::U32, "Digital inputs");

const COMMAND: Mapped = (0x7000, 1, DataType::U8, "Command");
const DATA: Mapped = (0x7000, 2, DataType::U32, "Data");
const CHECK: Mapped = (0x7000, 3, DataType::U16, "CRC");

/// Everything that an axis can use.
pub const OUTPUTS: &[Mapped] =
    &[CONTROLWORD, TARGET_POSITION, TARGET_VELOCITY, TARGET_TORQUE, MODE, DIGITAL_OUTPUTS];
pub const INPUTS: &[Mapped] =
    &[STATUSWORD, POSITION, VELOCITY, TORQUE, MODE_DISPLAY, ERROR_CODE, DIGITAL_INPUTS];

fn bits(data_type: DataType) -> u16 {
    match data_type {
        DataType::I8 | DataType::U8 => 8,
        DataType::I16 | DataType::U16 => 16,
        _ => 32,
    }
}

fn pdo(index: u16, axis: u16, objects: &[Mapped]) -> Pdo {
    let entries = objects.iter().map(|(object, subindex, data_type, name)| PdoEntry {
        index: object + 0x800 * axis,
        subindex: *subindex,
        bit_len: bits(*data_type),
        data_type: *data_type,
        name: (*name).to_owned(),
    });
    let sync_manager = Some(if index >= 0x1a00 { 3 } else { 2 });
    Pdo {
        index: index + 0x10 * axis,
        sync_manager,
        name: format!("Axis {}", axis + 1),
        entries: entries.collect(),
    }
}

/// A device with `axes` axes that map these objects.
pub fn drive(axes: u16, outputs: &[Mapped], inputs: &[Mapped]) -> DeviceDescription {
    let mut drive = DeviceDescription {
        name: "DRV".to_owned(),
        rx_pdos: (0..axes).map(|axis| pdo(0x1600, axis, outputs)).collect(),
        tx_pdos: (0..axes).map(|axis| pdo(0x1a00, axis, inputs)).collect(),
        ..DeviceDescription::clone(&catalogue::find("EL3104").expect("it is built in"))
    };
    let len = |direction| u16::try_from(drive.byte_len(direction)).expect("a drive is small");
    let manager = |start, length, control, kind| SyncManager { start, length, control, enable: true, kind };
    let data = [
        manager(0x1100, len(Direction::Output), 0x24, SyncManagerKind::Outputs),
        manager(0x1400, len(Direction::Input), 0x20, SyncManagerKind::Inputs),
    ];
    // The first two are the mailbox.
    drive.sync_managers.truncate(2);
    drive.sync_managers.extend(data);
    drive
}

/// The EEPROM images that tests name.
pub fn image(path: &str) -> Option<Vec<u8>> {
    let wide = (0x6064, 0, DataType::I16, "Position actual value");
    let made = match path {
        "esi/drive.bin" => drive(1, OUTPUTS, INPUTS),
        "esi/two_axes.bin" => drive(2, OUTPUTS, INPUTS),
        // A frequency converter: velocity only, its mode is set at start-up.
        "esi/converter.bin" => drive(1, &[CONTROLWORD, TARGET_VELOCITY], &[STATUSWORD, POSITION, VELOCITY]),
        "esi/no_position.bin" => drive(1, OUTPUTS, &[STATUSWORD, VELOCITY]),
        "esi/short_position.bin" => drive(1, OUTPUTS, &[STATUSWORD, wide]),
        // Two devices that exchange FSoE frames: seven bytes each way.
        "esi/fsoe.bin" => {
            let mut device = drive(1, &[COMMAND, DATA, CHECK], &[COMMAND, DATA, CHECK]);
            device.name = "FSOE".to_owned();
            for pdo in device.rx_pdos.iter_mut().chain(&mut device.tx_pdos) {
                "FSoE frame".clone_into(&mut pdo.name);
            }
            device
        }
        _ => return None,
    };
    Some(sii::encode(&made))
}
