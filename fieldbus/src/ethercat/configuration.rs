//! What is done in PRE-OP: start-up SDOs, PDO assignment, SyncManagers read back, watchdogs.
//!
//! Read first: ETG.1000.6 section 5.6.7.4 (SyncManager assignment), ETG.1000.4 tables 58 (SyncManager) and 55 (watchdog).

use super::error::{Finding, StartupError, Step};
use super::frame::Address;
use super::link::{Link, Stopped};
use super::mailbox::SdoError;
use super::mapping::{Area, DeviceIo};
use super::registers::{self, DL_STATUS, SyncManagerRegisters};
use super::registers::{WATCHDOG_DIVIDER, WATCHDOG_TIME, station_address};
use super::sdo::{Channel, EmergencyMessage, MailboxPlace, TransferError};
use super::startup::{Plan, fail_on};
use super::topology::Topology;
use crate::{clock, wire::Wire};
use sensai_devices::{DeviceDescription, Direction, Mailbox, SyncManagerKind};
use sensai_model::cell::{Device, StartupSdo};

const SDO_LIMIT_NS: u64 = 5_000_000_000;
const SDO_TRIES: usize = 3;
/// CoE details: the PDO assignment (0x1C1n) can be written.
const PDO_ASSIGN: u8 = 0x04;
/// Mailbox protocols: CoE.
const COE: u16 = 0x04;
/// 100 µs, the divider's value after power-on.
const WATCHDOG_DIVIDER_DEFAULT: u16 = 2498;

/// What PRE-OP has brought.
pub(super) struct Configured {
    pub devices: Vec<DeviceIo>,
    pub topology: Topology,
    pub mailboxes: Vec<Option<MailboxPlace>>,
}

/// Start-up SDOs and PDO assignment of all devices, before their process data is configured.
pub(super) fn configure_mailboxes<W: Wire>(plan: &Plan<'_>, link: &mut Link<W>) -> Result<(), StartupError> {
    let mut findings = Vec::new();
    for device in &plan.devices {
        startup_sdos(link, device, &mut findings);
        assign_pdos(link, device, &mut findings);
    }
    fail_on(Step::Configure, findings)
}

/// Read back what the SyncManagers hold, and set the watchdogs.
pub(super) fn configure_devices<W: Wire>(
    plan: &Plan<'_>,
    link: &mut Link<W>,
) -> Result<Configured, StartupError> {
    let mut configuration = Configuration { plan, link, findings: Vec::new() };
    let devices = configuration.process_data();
    let topology = configuration.topology();
    configuration.watchdogs();
    fail_on(Step::ProcessData, configuration.findings)?;
    let mailboxes = plan.devices.iter().map(|device| mailbox_place(link, device)).collect();
    Ok(Configured { devices, topology, mailboxes })
}

fn has_coe(description: &DeviceDescription) -> bool {
    description.mailbox.is_some_and(|mailbox: Mailbox| mailbox.protocols & COE != 0)
}

fn startup_sdos<W: Wire>(link: &mut Link<W>, device: &Device, findings: &mut Vec<Finding>) {
    for StartupSdo { index, subindex, data } in &device.startup {
        if let Err(error) = write_sdo(link, device, *index, *subindex, data) {
            findings.push(sdo_finding(device, *index, *subindex, &error));
        }
    }
}

fn sdo_finding(device: &Device, index: u16, subindex: u8, error: &SdoError) -> Finding {
    let (device, position) = (device.name.clone(), device.position);
    Finding::Sdo { device, position, index, subindex, reason: error.to_string() }
}

/// The mailboxes of a device, as its SyncManagers have them now.
fn mailbox_place<W: Wire>(link: &mut Link<W>, device: &Device) -> Option<MailboxPlace> {
    let station = station_address(device.position);
    let mut place = |kind| {
        let number = device.description.sync_managers.iter().position(|sm| sm.kind == kind)? as u8;
        let bytes = link.read::<8>(Address::fprd(station, registers::sync_manager(number)))?;
        let found = SyncManagerRegisters::from_bytes(bytes);
        found.enabled.then_some((number, found.start, found.length))
    };
    let (receive, send) = (place(SyncManagerKind::MailboxOut)?, place(SyncManagerKind::MailboxIn)?);
    Some(MailboxPlace { station, receive, send })
}

/// Assign the PDOs that the description has, where the device has others and lets itself be told. A SyncManager whose
/// assignment is among the start-up SDOs is left alone.
fn assign_pdos<W: Wire>(link: &mut Link<W>, device: &Device, findings: &mut Vec<Finding>) {
    let description = &device.description;
    let can_assign = description.mailbox.is_some_and(|mailbox| mailbox.coe_details & PDO_ASSIGN != 0);
    if !has_coe(description) || !can_assign {
        return;
    }
    for (number, sync_manager) in (0_u8..).zip(&description.sync_managers) {
        let pdos = match sync_manager.kind {
            SyncManagerKind::Outputs => &description.rx_pdos,
            SyncManagerKind::Inputs => &description.tx_pdos,
            _ => continue,
        };
        let object = 0x1c10 + u16::from(number);
        let wanted: Vec<u16> =
            pdos.iter().filter(|pdo| pdo.sync_manager == Some(number)).map(|pdo| pdo.index).collect();
        let told = device.startup.iter().any(|sdo| sdo.index == object);
        if told || read_assignment(link, device, object).is_none_or(|found| found == wanted) {
            continue;
        }
        if let Err((subindex, error)) = write_assignment(link, device, object, &wanted) {
            findings.push(sdo_finding(device, object, subindex, &error));
        }
    }
}

/// `None` if the device has no such object: its assignment is fixed.
fn read_assignment<W: Wire>(link: &mut Link<W>, device: &Device, object: u16) -> Option<Vec<u16>> {
    let count = *read_sdo(link, device, object, 0).ok()?.first()?;
    let entry = |subindex| {
        let bytes = read_sdo(link, device, object, subindex).ok()?;
        Some(u16::from_le_bytes(*bytes.first_chunk()?))
    };
    (1..=count).map(entry).collect()
}

fn write_assignment<W: Wire>(
    link: &mut Link<W>,
    device: &Device,
    object: u16,
    pdos: &[u16],
) -> Result<(), (u8, SdoError)> {
    let mut write = |subindex, data: &[u8]| {
        write_sdo(link, device, object, subindex, data).map_err(|error| (subindex, error))
    };
    write(0, &[0])?;
    for (subindex, pdo) in (1..).zip(pdos) {
        write(subindex, &pdo.to_le_bytes())?;
    }
    write(0, &[pdos.len() as u8])
}

fn read_sdo<W: Wire>(
    link: &mut Link<W>,
    device: &Device,
    index: u16,
    subindex: u8,
) -> Result<Vec<u8>, SdoError> {
    let mut channel = channel(link, device)?;
    retried(|| link.run(clock::now_ns() + SDO_LIMIT_NS, channel.upload(index, subindex)))
}

fn write_sdo<W: Wire>(
    link: &mut Link<W>,
    device: &Device,
    index: u16,
    subindex: u8,
    data: &[u8],
) -> Result<(), SdoError> {
    let mut channel = channel(link, device)?;
    retried(|| link.run(clock::now_ns() + SDO_LIMIT_NS, channel.download(index, subindex, data)))
}

/// Emergencies before OP are dropped: whatever they say, start-up finds out by itself.
fn channel<W: Wire>(link: &mut Link<W>, device: &Device) -> Result<Channel<fn(EmergencyMessage)>, SdoError> {
    let place = mailbox_place(link, device).ok_or(SdoError::NoMailbox)?;
    Ok(Channel { main: link.main(), place, emergency: |_| () })
}

/// An SDO transfer, tried again when it was lost, answered by a leftover, or panicked.
fn retried<T>(
    mut transfer: impl FnMut() -> Result<Result<T, TransferError>, Stopped>,
) -> Result<T, SdoError> {
    let mut last = SdoError::Timeout;
    for _ in 0..SDO_TRIES {
        last = match transfer() {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(TransferError { error, retry: false })) => return Err(error),
            Ok(Err(TransferError { error, retry: true })) => error,
            Err(Stopped::Timeout) => SdoError::Timeout,
            Err(Stopped::Panicked(text)) => SdoError::Protocol(text),
        };
    }
    Err(last)
}

/// Reads back and writes registers in PRE-OP, and collects what is not as it should be.
struct Configuration<'a, W: Wire> {
    plan: &'a Plan<'a>,
    link: &'a mut Link<W>,
    findings: Vec<Finding>,
}

impl<W: Wire> Configuration<'_, W> {
    /// What the SyncManagers hold now, compared with the descriptions.
    fn process_data(&mut self) -> Vec<DeviceIo> {
        let mut images = (0, 0);
        let plan = self.plan;
        plan.devices.iter().map(|device| self.device_io(device, &mut images)).collect()
    }

    fn device_io(&mut self, device: &Device, images: &mut (usize, usize)) -> DeviceIo {
        let outputs = self.areas(device, Direction::Output);
        let inputs = self.areas(device, Direction::Input);
        let length = |areas: &[Area]| areas.iter().map(|area| usize::from(area.length)).sum::<usize>();
        let (mut output_image, mut input_image) = (device.outputs.clone(), device.inputs.clone());
        if self.plan.sizes_as_found {
            output_image = images.0..images.0 + length(&outputs);
            input_image = images.1..images.1 + length(&inputs);
            *images = (output_image.end, input_image.end);
        }
        for (direction, image, found) in [
            (Direction::Output, &output_image, length(&outputs)),
            (Direction::Input, &input_image, length(&inputs)),
        ] {
            if image.len() != found {
                self.findings.push(Finding::Size {
                    device: device.name.clone(),
                    position: device.position,
                    direction,
                    expected: image.len(),
                    found,
                });
            }
        }
        let unit = usize::from(device.sync_unit);
        let no_lrw = device.description.no_lrw;
        DeviceIo { unit, no_lrw, outputs, inputs, output_image, input_image }
    }

    /// Memory of the SyncManagers of a direction that are in use, in their order; adjacent ones are one area.
    fn areas(&mut self, device: &Device, direction: Direction) -> Vec<Area> {
        let mut areas: Vec<Area> = Vec::new();
        for number in sync_managers(&device.description, direction) {
            let address = Address::fprd(station_address(device.position), registers::sync_manager(number));
            let Some(bytes) = self.link.read::<8>(address) else {
                self.unanswered(device, "SyncManager", registers::sync_manager(number));
                continue;
            };
            let found = SyncManagerRegisters::from_bytes(bytes);
            // A virtual SyncManager (ETG.2010, category SyncM) is never enabled: it only names memory that an FMMU maps.
            let described = device.description.sync_managers.get(usize::from(number));
            let is_virtual = described.is_some_and(|manager| !manager.enable);
            if !(found.enabled || is_virtual) || found.length == 0 {
                continue;
            }
            match areas.last_mut() {
                Some(last) if last.physical.wrapping_add(last.length) == found.start => {
                    last.length += found.length;
                }
                _ => areas.push(Area { physical: found.start, length: found.length }),
            }
        }
        areas
    }

    fn unanswered(&mut self, device: &Device, purpose: &'static str, register: u16) {
        self.register(device, purpose, register, 0, None);
    }

    fn register(
        &mut self,
        device: &Device,
        purpose: &'static str,
        register: u16,
        expected: u32,
        found: Option<u32>,
    ) {
        let (name, position) = (device.name.clone(), device.position);
        self.findings.push(Finding::Register { device: name, position, purpose, register, expected, found });
    }

    fn topology(&mut self) -> Topology {
        let plan = self.plan;
        let mut statuses = Vec::with_capacity(plan.devices.len());
        for device in &plan.devices {
            let status = self.link.read::<2>(Address::fprd(station_address(device.position), DL_STATUS));
            if status.is_none() {
                self.unanswered(device, "DL status", DL_STATUS);
            }
            statuses.push(u16::from_le_bytes(status.unwrap_or_default()));
        }
        Topology::from_dl_status(&statuses)
    }

    /// ethercrab leaves the watchdogs as they are; so does SOEM. Ours are as the cell says, and read back.
    fn watchdogs(&mut self) {
        let plan = self.plan;
        let (divider, time) = watchdog_registers(plan.watchdog_ns);
        for device in plan.devices.iter().filter(|device| !device.outputs.is_empty()) {
            self.write_back(device, "watchdog divider", WATCHDOG_DIVIDER, divider);
            self.write_back(device, "SyncManager watchdog", WATCHDOG_TIME, time);
            for number in sync_managers(&device.description, Direction::Output) {
                self.watchdog_trigger(device, number, time != 0);
            }
        }
    }

    fn write_back(&mut self, device: &Device, purpose: &'static str, register: u16, value: u16) {
        let station = station_address(device.position);
        self.link.write(Address::fpwr(station, register), &value.to_le_bytes());
        let found = self.link.read::<2>(Address::fprd(station, register)).map(u16::from_le_bytes);
        if found != Some(value) {
            self.register(device, purpose, register, value.into(), found.map(u32::from));
        }
    }

    /// Writes to this SyncManager keep the watchdog quiet, or do not. Its control byte can be written only while it
    /// is disabled (ESC data sheets).
    fn watchdog_trigger(&mut self, device: &Device, number: u8, trigger: bool) {
        const CONTROL: u16 = 4;
        const ACTIVATE: u16 = 6;
        let (station, base) = (station_address(device.position), registers::sync_manager(number));
        let read = |link: &mut Link<W>| link.read::<8>(Address::fprd(station, base));
        let Some(before) = read(self.link).map(SyncManagerRegisters::from_bytes) else { return };
        let bit = if trigger { SyncManagerRegisters::WATCHDOG_TRIGGER } else { 0 };
        let wanted = before.control & !SyncManagerRegisters::WATCHDOG_TRIGGER | bit;
        if !before.enabled || before.control == wanted {
            return;
        }
        for (register, value) in [(ACTIVATE, 0), (CONTROL, wanted), (ACTIVATE, 1)] {
            self.link.write(Address::fpwr(station, base + register), &[value]);
        }
        let found = read(self.link).map(SyncManagerRegisters::from_bytes);
        if found.is_none_or(|found| found.control != wanted || !found.enabled) {
            let found = found.map(|found| found.control.into());
            self.register(
                device,
                "SyncManager control with watchdog trigger",
                base + CONTROL,
                wanted.into(),
                found,
            );
        }
    }
}

fn sync_managers(description: &DeviceDescription, direction: Direction) -> impl Iterator<Item = u8> + use<> {
    let kind = match direction {
        Direction::Output => SyncManagerKind::Outputs,
        Direction::Input => SyncManagerKind::Inputs,
    };
    let numbers: Vec<u8> =
        (0..).zip(&description.sync_managers).filter(|(_, sm)| sm.kind == kind).map(|(n, _)| n).collect();
    numbers.into_iter()
}

/// Divider and count for a watchdog of at least `ns`; 0 switches it off. 100 µs steps, coarser beyond 6.5 s.
fn watchdog_registers(ns: u64) -> (u16, u16) {
    let unit_ns = |divider: u16| (u64::from(divider) + 2) * 40;
    let needed = ns.div_ceil(u64::from(u16::MAX)).div_ceil(40).saturating_sub(2);
    let divider = u16::try_from(needed).unwrap_or(u16::MAX).max(WATCHDOG_DIVIDER_DEFAULT);
    (divider, u16::try_from(ns.div_ceil(unit_ns(divider))).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_never_shorter_than_asked_for() {
        assert_eq!(watchdog_registers(0), (2498, 0));
        assert_eq!(watchdog_registers(10_000_000), (2498, 100));
        assert_eq!(watchdog_registers(10_000_001), (2498, 101));
        assert_eq!(watchdog_registers(1), (2498, 1));
        for ns in [6_553_500_000, 6_553_500_001, 60_000_000_000, 171_000_000_000] {
            let (divider, count) = watchdog_registers(ns);
            let watchdog = (u64::from(divider) + 2) * 40 * u64::from(count);
            assert!((ns..ns + ns / 1000 + 100_000).contains(&watchdog), "{ns}: {watchdog}");
        }
    }
}
