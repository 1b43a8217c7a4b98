//! What is on the wire, without a cell.

use super::error::{StartupError, Step};
use super::frame::Address;
use super::health::DeviceHealth;
use super::identify;
use super::link::Link;
use super::main_device::DEVICES_MAX;
use super::registers::{AL_STATUS, AlState, DL_STATUS};
use super::startup::{Plan, bring_up};
use super::topology::Topology;
use crate::{clock, wire::Wire};
use sensai_devices::{DeviceDescription, Direction, Pdo, sii};
use sensai_model::cell::{Device, SyncUnit};
use serde::Serialize;
use std::sync::Arc;

/// Interval, bus deadline and watchdog while devices are held in OP for a scan.
const INTERVAL_NS: u64 = 2_000_000;
const DEADLINE_NS: u64 = 1_500_000;
const WATCHDOG_NS: u64 = 100_000_000;
const ACYCLIC_BYTES_MAX: usize = 1514;
const SHUTDOWN_NS: u64 = 5_000_000_000;

/// How far a scan goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanOptions {
    /// Bring all devices to OP, with all outputs 0, and back to INIT. Without it nothing is written but the EEPROM
    /// interface's registers, and devices stay in the states they are in.
    pub bring_to_op: bool,
}

/// What a scan has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScanReport {
    /// In bus order.
    pub devices: Vec<ScannedDevice>,
    /// Who is connected to whose port.
    pub topology: Topology,
    /// Why the devices did not reach OP, if that was asked for.
    pub op_error: Option<String>,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScannedDevice {
    /// Position on the bus, from 0.
    pub position: u16,
    /// Order name, from the EEPROM.
    pub name: String,
    /// What it is, from the EEPROM.
    pub title: String,
    /// ETG vendor id.
    pub vendor: u32,
    /// Product code.
    pub product: u32,
    /// Revision number.
    pub revision: u32,
    /// Serial number; 0 where it has none.
    pub serial: u32,
    /// Its state: as found, or the highest it reached if it was to be brought to OP.
    pub state: AlState,
    /// AL status code, 0 if it reports no error.
    pub al_status_code: u16,
    /// Its mailbox, if it has one.
    pub mailbox: Option<ScannedMailbox>,
    /// It has distributed clocks.
    pub dc: bool,
    /// It cannot LRW.
    pub no_lrw: bool,
    /// Bytes of input process data: by the EEPROM, or as configured if it was brought to OP.
    pub input_bytes: usize,
    /// The same for outputs.
    pub output_bytes: usize,
    /// All process-data objects of the EEPROM.
    pub pdos: Vec<ScannedPdo>,
    /// What is wrong with its EEPROM.
    pub eeprom_errors: Vec<String>,
    /// The EEPROM's contents up to and with the end mark.
    #[serde(skip)]
    pub sii: Vec<u8>,
}

/// A mailbox as the EEPROM describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ScannedMailbox {
    /// Physical start and size, MainDevice to device.
    pub receive: (u16, u16),
    /// Physical start and size, device to MainDevice.
    pub send: (u16, u16),
    /// Supported protocols, ETG.1000.6 table 18: bit 2 CoE, bit 3 FoE, ...
    pub protocols: u16,
}

/// A process-data object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScannedPdo {
    /// `tx` (we read) or `rx` (we write).
    pub direction: &'static str,
    /// Its index.
    pub index: u16,
    /// Its name.
    pub name: String,
    /// The SyncManager it is assigned to by default.
    pub sync_manager: Option<u8>,
    /// Its entries, padding included.
    pub entries: Vec<ScannedEntry>,
}

/// An entry of a process-data object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScannedEntry {
    /// Object index; 0 for padding.
    pub index: u16,
    /// Subindex.
    pub subindex: u8,
    /// Size in bits.
    pub bits: u16,
    /// Its name.
    pub name: String,
}

/// Find out what is on the wire.
///
/// # Errors
/// [`StartupError::NoDevices`] or [`StartupError::TooManyDevices`]. What is wrong with a single device stands in the
/// report.
pub fn scan<W: Wire>(wire: W, options: ScanOptions) -> Result<ScanReport, StartupError> {
    let mut link = Link::new(wire);
    let found = identify::count(&mut link);
    if found == 0 {
        return Err(StartupError::NoDevices);
    }
    if usize::from(found) > DEVICES_MAX {
        return Err(StartupError::TooManyDevices { found: found.into(), max: DEVICES_MAX });
    }
    let (mut devices, descriptions): (Vec<_>, Vec<_>) = (0..found).map(|n| device(&mut link, n)).unzip();
    let mut status = |position| link.read::<2>(Address::aprd(position, DL_STATUS)).unwrap_or_default();
    let statuses: Vec<u16> = (0..found).map(|position| u16::from_le_bytes(status(position))).collect();
    let op_error = if options.bring_to_op { to_op_and_back(link, &mut devices, descriptions) } else { None };
    Ok(ScanReport { devices, topology: Topology::from_dl_status(&statuses), op_error })
}

fn device<W: Wire>(link: &mut Link<W>, position: u16) -> (ScannedDevice, Option<DeviceDescription>) {
    let mut health = DeviceHealth::UNKNOWN;
    if let Some(registers) = link.read::<6>(Address::aprd(position, AL_STATUS)) {
        health.update_state(true, &registers);
    }
    let mut eeprom_errors = Vec::new();
    let sii = identify::whole_sii(link, position).unwrap_or_else(|reason| {
        eeprom_errors.push(reason.to_owned());
        Vec::new()
    });
    let description = match sii::parse(&sii) {
        Ok(description) => Some(description),
        Err(_) if sii.is_empty() => None,
        Err(errors) => {
            eeprom_errors.extend(errors.iter().map(ToString::to_string));
            None
        }
    };
    let identity = identify::identity(link, position).unwrap_or_default();
    let scanned = ScannedDevice {
        position,
        name: description.as_ref().map_or_else(String::new, |d| d.name.clone()),
        title: description.as_ref().map_or_else(String::new, |d| d.title.clone()),
        vendor: identity.vendor,
        product: identity.product,
        revision: identity.revision,
        serial: identity.serial,
        state: health.state,
        al_status_code: health.status_code,
        mailbox: description.as_ref().and_then(|d| d.mailbox).map(|mailbox| ScannedMailbox {
            receive: mailbox.receive,
            send: mailbox.send,
            protocols: mailbox.protocols,
        }),
        dc: description.as_ref().is_some_and(|d| d.dc),
        no_lrw: description.as_ref().is_some_and(|d| d.no_lrw),
        input_bytes: description.as_ref().map_or(0, |d| d.byte_len(Direction::Input)),
        output_bytes: description.as_ref().map_or(0, |d| d.byte_len(Direction::Output)),
        pdos: description.as_ref().map_or_else(Vec::new, pdos),
        eeprom_errors,
        sii,
    };
    (scanned, description)
}

fn pdos(description: &DeviceDescription) -> Vec<ScannedPdo> {
    let scanned = |direction, pdo: &Pdo| ScannedPdo {
        direction,
        index: pdo.index,
        name: pdo.name.clone(),
        sync_manager: pdo.sync_manager,
        entries: pdo
            .entries
            .iter()
            .map(|entry| ScannedEntry {
                index: entry.index,
                subindex: entry.subindex,
                bits: entry.bit_len,
                name: entry.name.clone(),
            })
            .collect(),
    };
    let tx = description.tx_pdos.iter().map(|pdo| scanned("tx", pdo));
    tx.chain(description.rx_pdos.iter().map(|pdo| scanned("rx", pdo))).collect()
}

/// Returns why they did not get there; the report's devices show how far they came.
fn to_op_and_back<W: Wire>(
    link: Link<W>,
    devices: &mut [ScannedDevice],
    descriptions: Vec<Option<DeviceDescription>>,
) -> Option<String> {
    let Some(descriptions) = descriptions.into_iter().collect::<Option<Vec<_>>>() else {
        return Some("a device's EEPROM cannot be read; see there".to_owned());
    };
    let units = [SyncUnit { name: "scan".to_owned(), devices: (0..devices.len() as u16).collect() }];
    let plan = Plan {
        devices: (0..)
            .zip(descriptions)
            .map(|(position, description)| planned(position, description))
            .collect(),
        units: &units,
        sizes_as_found: true,
        interval_ns: INTERVAL_NS,
        deadline_ns: DEADLINE_NS,
        watchdog_ns: WATCHDOG_NS,
        acyclic_bytes_max: ACYCLIC_BYTES_MAX,
    };
    match bring_up(plan, link, &[], &mut |_: Step| ()) {
        Ok(mut bus) => {
            let states = bus.link.states(devices.len(), u64::MAX);
            for ((n, device), (state, code)) in devices.iter_mut().enumerate().zip(states) {
                (device.state, device.al_status_code) = (state, code);
                device.input_bytes = bus.mapping.byte_len(n, Direction::Input);
                device.output_bytes = bus.mapping.byte_len(n, Direction::Output);
            }
            bus.shutdown(clock::now_ns() + SHUTDOWN_NS).err().map(|error| error.to_string())
        }
        Err(error) => Some(error.to_string()),
    }
}

fn planned(position: u16, description: DeviceDescription) -> Device {
    let (inputs, outputs) = (description.byte_len(Direction::Input), description.byte_len(Direction::Output));
    Device {
        name: description.name.clone(),
        position,
        description: Arc::new(description),
        sync_unit: 0,
        inputs: 0..inputs,
        outputs: 0..outputs,
        serial: None,
        startup: Vec::new(),
    }
}
