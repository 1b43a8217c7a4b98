//! From an interface to OP, on the calling thread.
//!
//! ethercrab brings the devices from INIT to PRE-OP, talks to their mailboxes and configures their SyncManagers. Then
//! we take over: the FMMUs are written anew so that each sync unit is one logical range, and the way from PRE-OP to OP
//! is ours, because there our cyclic frames already travel. Every wait is bounded; every step reports all it finds.
//!
//! Read first: ETG.1000.6 section 6.4 (state machine), ETG.1020 section 8 (time limits).

use super::error::{Finding, StartupError, Step};
use super::exchange::{EtherCatBus, Parts};
use super::frame::Address;
use super::identify;
use super::link::{Link, Stopped};
use super::mailbox::SdoError;
use super::main_device::{DEVICES_MAX, PROCESS_DATA_MAX};
use super::mapping::{Area, DeviceIo, Fmmu};
use super::registers::{self, AL_CONTROL, AlState, DL_STATUS, FMMU_COUNT, SyncManagerRegisters};
use super::registers::{STATION_ADDRESS, WATCHDOG_DIVIDER, WATCHDOG_TIME, fmmu_bytes, station_address};
use super::sdo::{Channel, EmergencyMessage, MailboxPlace, TransferError};
use super::topology::Topology;
use crate::{clock, wire::Wire};
use ethercrab::{DefaultLock, SubDeviceGroup, error::Error, error::MailboxError, subdevice_group::PreOp};
use sensai_devices::{DeviceDescription, Direction, Mailbox, SyncManagerKind};
use sensai_model::cell::{Cell, Device, StartupSdo, SyncUnit};

/// ETG.1020 allows 10 s for each of these steps; many devices, EEPROMs and mailboxes add up in the first two.
const STEP_LIMIT_NS: u64 = 10_000_000_000;
const PRE_OP_LIMIT_NS: u64 = 60_000_000_000;
const SDO_LIMIT_NS: u64 = 5_000_000_000;
/// How often the way to PRE-OP and the configuration behind it are tried when frames get lost on it.
const ATTEMPTS: usize = 5;
const SDO_TRIES: usize = 3;
const STATE_POLL_NS: u64 = 1_000_000;
/// Exchanges in SAFE-OP before OP is requested, so that every device has seen valid outputs.
const SAFE_OP_CYCLES: u32 = 10;
/// A device whose watchdog expired because this host was slow is asked again, so many times.
const OP_REQUESTS: u32 = 5;
/// Equal exchanges in a row from which working counters are learned, and the most that are looked at.
const LEARN_CYCLES: u32 = 10;
const LEARN_CYCLES_MAX: u32 = 1_000;
/// AL status code: SyncManager watchdog.
const WATCHDOG_EXPIRED: u16 = 0x001b;
/// CoE details: the PDO assignment (0x1C1n) can be written.
const PDO_ASSIGN: u8 = 0x04;
/// Mailbox protocols: CoE.
const COE: u16 = 0x04;
/// 100 µs, the divider's value after power-on.
const WATCHDOG_DIVIDER_DEFAULT: u16 = 2498;

/// ethercrab's devices. Not needed once it has configured them: the way up from there is ours, because an error in one
/// of its transitions would consume the group.
type PreOpGroup = SubDeviceGroup<DEVICES_MAX, PROCESS_DATA_MAX, DefaultLock, PreOp>;

/// What is to be brought up: a cell's bus, or whatever a scan has found.
pub(super) struct Plan<'a> {
    pub devices: Vec<Device>,
    pub units: &'a [SyncUnit],
    /// Take the process data sizes that the devices have, instead of insisting on their descriptions.
    pub sizes_as_found: bool,
    pub interval_ns: u64,
    pub deadline_ns: u64,
    pub watchdog_ns: u64,
    pub acyclic_bytes_max: usize,
}

/// Bring the cell's segment to OP.
///
/// `outputs` is the output image that travels from SAFE-OP on. When this returns, the devices are in OP and their
/// watchdogs run: exchange at the cell's interval from now on, or they fall back.
///
/// # Errors
/// See [`StartupError`]: all findings of the step at which it stopped. Nothing has been configured before all
/// identities are right; after a later error the devices are sent back to INIT.
pub fn start<W: Wire>(
    cell: &Cell,
    wire: W,
    outputs: &[u8],
    progress: &mut dyn FnMut(Step),
) -> Result<EtherCatBus<W>, StartupError> {
    let plan = Plan {
        devices: cell.devices.clone(),
        units: &cell.sync_units,
        sizes_as_found: false,
        interval_ns: cell.task.interval_ns.max(1),
        deadline_ns: cell.bus.deadline_ns,
        watchdog_ns: cell.bus.watchdog_ns,
        acyclic_bytes_max: cell.bus.acyclic_bytes_max as usize,
    };
    check_limits(&plan)?;
    let mut link = Link::new(wire);
    progress(Step::Count);
    let found = identify::count(&mut link);
    if found == 0 {
        return Err(StartupError::NoDevices);
    }
    progress(Step::Identify);
    let identities: Vec<_> = (0..found).map(|position| identify::identity(&mut link, position)).collect();
    fail_on(Step::Identify, identify::compare(&plan.devices, &identities))?;
    bring_up(plan, link, outputs, progress)
}

fn check_limits(plan: &Plan<'_>) -> Result<(), StartupError> {
    if plan.devices.len() > DEVICES_MAX {
        return Err(StartupError::TooManyDevices { found: plan.devices.len(), max: DEVICES_MAX });
    }
    let bytes = plan.devices.iter().map(|device| device.inputs.len() + device.outputs.len()).sum();
    if bytes > PROCESS_DATA_MAX {
        return Err(StartupError::TooMuchProcessData { bytes, max: PROCESS_DATA_MAX });
    }
    Ok(())
}

/// From INIT to OP, when the devices on the bus are known to be those of the plan.
pub(super) fn bring_up<W: Wire>(
    plan: Plan<'_>,
    mut link: Link<W>,
    outputs: &[u8],
    progress: &mut dyn FnMut(Step),
) -> Result<EtherCatBus<W>, StartupError> {
    let Configured { devices, topology, mailboxes } =
        configure(&plan, &mut link, progress).inspect_err(|_| back_to_init(&mut link))?;
    let mut bus = EtherCatBus::new(Parts {
        link,
        names: plan.devices.iter().map(|device| device.name.clone()).collect(),
        devices,
        units: plan.units.len(),
        topology,
        mailboxes,
        acyclic_bytes_max: plan.acyclic_bytes_max,
    });
    let mut climb = Climb { plan: &plan, bus: &mut bus };
    climb.run(outputs, progress).inspect_err(|_| back_to_init(&mut bus.link))?;
    Ok(bus)
}

/// As far as it goes: the error that led here is what is reported.
fn back_to_init<W: Wire>(link: &mut Link<W>) {
    let _ = link.datagram(Address::bwr(AL_CONTROL), &mut [AlState::Init.request() | 0x10, 0]);
}

fn fail_on(step: Step, findings: Vec<Finding>) -> Result<(), StartupError> {
    if findings.is_empty() { Ok(()) } else { Err(StartupError::Findings { step, findings }) }
}

struct Configured {
    devices: Vec<DeviceIo>,
    topology: Topology,
    mailboxes: Vec<Option<MailboxPlace>>,
}

/// INIT to PRE-OP with everything configured that PRE-OP is for.
fn configure<W: Wire>(
    plan: &Plan<'_>,
    link: &mut Link<W>,
    progress: &mut dyn FnMut(Step),
) -> Result<Configured, StartupError> {
    let mut attempt = 1;
    loop {
        match pre_op_and_pdos(plan, link, progress) {
            Ok(()) => break,
            Err((_, true)) if attempt < ATTEMPTS => attempt += 1,
            Err((error, _)) => return Err(error),
        }
    }
    let mut configuration = Configuration { plan, link, findings: Vec::new() };
    let devices = configuration.process_data();
    let topology = configuration.topology();
    configuration.watchdogs();
    fail_on(Step::ProcessData, configuration.findings)?;
    let mailboxes = plan.devices.iter().map(|device| mailbox_place(link, device)).collect();
    Ok(Configured { devices, topology, mailboxes })
}

/// The part that is ethercrab's. The error comes with whether it is worth another attempt.
fn pre_op_and_pdos<W: Wire>(
    plan: &Plan<'_>,
    link: &mut Link<W>,
    progress: &mut dyn FnMut(Step),
) -> Result<(), (StartupError, bool)> {
    let main = link.main();
    let deadline = |limit| clock::now_ns().saturating_add(limit);
    progress(Step::PreOp);
    let init = main.init_single_group::<DEVICES_MAX, PROCESS_DATA_MAX>(clock::now_ns);
    let group: PreOpGroup = match link.run(deadline(PRE_OP_LIMIT_NS), init) {
        Ok(Ok(group)) => group,
        other => return Err(explain(plan, link, Step::PreOp, PRE_OP_LIMIT_NS, other.map(Result::err))),
    };
    progress(Step::Configure);
    let mut findings = Vec::new();
    for device in &plan.devices {
        startup_sdos(link, device, &mut findings);
        assign_pdos(link, device, &mut findings);
    }
    fail_on(Step::Configure, findings).map_err(|error| (error, false))?;
    progress(Step::ProcessData);
    match link.run(deadline(PRE_OP_LIMIT_NS), group.into_pre_op_pdi(main)) {
        Ok(Ok(_)) => Ok(()),
        other => Err(explain(plan, link, Step::ProcessData, PRE_OP_LIMIT_NS, other.map(Result::err))),
    }
}

/// What ethercrab says, completed by what the devices say.
fn explain<W: Wire>(
    plan: &Plan<'_>,
    link: &mut Link<W>,
    step: Step,
    limit_ns: u64,
    result: Result<Option<Error>, Stopped>,
) -> (StartupError, bool) {
    let states = link.states(plan.devices.len(), u64::MAX);
    let findings = culprits(not_in(plan, AlState::PreOp, &states));
    // A refusal has a reason that another attempt would meet again; a lost frame has none.
    let refused = findings.iter().any(|finding| matches!(finding, Finding::State { code: 1.., .. }));
    match result {
        Ok(Some(Error::StateTransition | Error::SubDevice(_))) if !findings.is_empty() => {
            (StartupError::Findings { step, findings }, false)
        }
        Ok(Some(Error::Timeout(ethercrab::error::TimeoutError::StateTransition))) if !findings.is_empty() => {
            (StartupError::Findings { step, findings }, false)
        }
        Ok(error) => {
            let reason = error.map_or_else(String::new, |error| error.to_string());
            let retry = !refused && error.is_some_and(is_worth_a_retry);
            (StartupError::Protocol { step, reason, findings }, retry)
        }
        Err(Stopped::Timeout) if findings.is_empty() => (StartupError::Timeout { step, limit_ns }, false),
        Err(Stopped::Timeout) => (StartupError::Findings { step, findings }, false),
        Err(Stopped::Panicked(reason)) => (StartupError::Protocol { step, reason, findings }, !refused),
    }
}

/// ethercrab brings up one device after the other: those that say why come first, else the first that is not there.
/// The ones behind it were not even asked.
fn culprits(mut findings: Vec<Finding>) -> Vec<Finding> {
    let says_why = |finding: &Finding| matches!(finding, Finding::State { code: 1.., .. });
    if findings.iter().any(says_why) {
        findings.retain(says_why);
    } else {
        findings.truncate(1);
    }
    findings
}

fn not_in(plan: &Plan<'_>, expected: AlState, states: &[(AlState, u16)]) -> Vec<Finding> {
    let devices = plan.devices.iter().zip(states);
    devices
        .filter(|(_, (found, code))| *found != expected || *code != 0)
        .map(|(device, (found, code))| state_finding(device, expected, *found, *code))
        .collect()
}

fn state_finding(device: &Device, expected: AlState, found: AlState, code: u16) -> Finding {
    Finding::State { device: device.name.clone(), position: device.position, expected, found, code }
}

fn has_coe(description: &DeviceDescription) -> bool {
    description.mailbox.is_some_and(|mailbox: Mailbox| mailbox.protocols & COE != 0)
}

/// ethercrab's errors that a lost frame or a leftover in a mailbox can cause.
fn is_worth_a_retry(error: Error) -> bool {
    !matches!(
        error,
        Error::Mailbox(MailboxError::Aborted { .. })
            | Error::NotFound { .. }
            | Error::Capacity(_)
            | Error::PdiTooLong { .. }
    )
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

    /// Memory of the enabled SyncManagers of a direction, in their order; adjacent ones are one area.
    fn areas(&mut self, device: &Device, direction: Direction) -> Vec<Area> {
        let mut areas: Vec<Area> = Vec::new();
        for number in sync_managers(&device.description, direction) {
            let address = Address::fprd(station_address(device.position), registers::sync_manager(number));
            let Some(bytes) = self.link.read::<8>(address) else {
                self.unanswered(device, "SyncManager", registers::sync_manager(number));
                continue;
            };
            let found = SyncManagerRegisters::from_bytes(bytes);
            if !found.enabled || found.length == 0 {
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

/// The way from PRE-OP to OP, with cyclic frames.
struct Climb<'a, W: Wire> {
    plan: &'a Plan<'a>,
    bus: &'a mut EtherCatBus<W>,
}

impl<W: Wire> Climb<'_, W> {
    fn run(&mut self, outputs: &[u8], progress: &mut dyn FnMut(Step)) -> Result<(), StartupError> {
        self.write_fmmus()?;
        progress(Step::SafeOp);
        self.safe_op()?;
        let mut image = outputs.to_vec();
        image.resize(image.len().max(self.bus.output_len), 0);
        self.bus.load(&image);
        for _ in 0..OP_REQUESTS {
            progress(Step::Op);
            self.op()?;
            progress(Step::WorkingCounters);
            if self.check_working_counters()? {
                return Ok(());
            }
        }
        let states = self.bus.link.states(self.plan.devices.len(), u64::MAX);
        fail_on(Step::Op, not_in(self.plan, AlState::Op, &states))
    }

    /// Each device's FMMUs anew: those that ethercrab has set describe its own layout.
    fn write_fmmus(&mut self) -> Result<(), StartupError> {
        let (plan, mut findings) = (self.plan, Vec::new());
        for (n, device) in plan.devices.iter().enumerate() {
            let wanted: Vec<Fmmu> =
                self.bus.mapping.fmmus.iter().filter(|fmmu| fmmu.device == n).copied().collect();
            self.write_fmmus_of(device, &wanted, &mut findings);
        }
        fail_on(Step::ProcessData, findings)
    }

    fn write_fmmus_of(&mut self, device: &Device, wanted: &[Fmmu], findings: &mut Vec<Finding>) {
        let link = &mut self.bus.link;
        let station = station_address(device.position);
        let [available] = link.read::<1>(Address::fprd(station, FMMU_COUNT)).unwrap_or_default();
        if wanted.len() > usize::from(available) {
            findings.push(Finding::Fmmus {
                device: device.name.clone(),
                position: device.position,
                expected: wanted.len(),
                found: available.into(),
            });
            return;
        }
        let mut contents = vec![[0_u8; 16]; available.into()];
        for (number, fmmu) in
            choose_fmmus(&device.description.fmmus, available, wanted).into_iter().zip(wanted)
        {
            let write = fmmu.direction == Direction::Output;
            contents[usize::from(number)] =
                fmmu_bytes(fmmu.logical, fmmu.area.physical, fmmu.area.length, write);
        }
        for (number, bytes) in (0..).zip(&contents) {
            link.write(Address::fpwr(station, registers::fmmu(number)), bytes);
        }
        for (number, bytes) in (0..).zip(&contents) {
            let found = link.read::<16>(Address::fprd(station, registers::fmmu(number)));
            if found.is_none_or(|found| found[..13] != bytes[..13]) {
                let start = |bytes: &[u8; 16]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                findings.push(Finding::Register {
                    device: device.name.clone(),
                    position: device.position,
                    purpose: "FMMU",
                    register: registers::fmmu(number),
                    expected: start(bytes),
                    found: found.as_ref().map(start),
                });
            }
        }
    }

    fn safe_op(&mut self) -> Result<(), StartupError> {
        let plan = self.plan;
        for device in &plan.devices {
            self.request(device.position, AlState::SafeOp, false);
        }
        let deadline = clock::now_ns() + STEP_LIMIT_NS;
        loop {
            let states = self.bus.link.states(plan.devices.len(), deadline);
            let findings = not_in(plan, AlState::SafeOp, &states);
            let decided = findings.iter().all(|finding| matches!(finding, Finding::State { code: 1.., .. }));
            if decided || clock::now_ns() >= deadline {
                return fail_on(Step::SafeOp, findings);
            }
            self.bus.link.idle_until(clock::now_ns() + STATE_POLL_NS);
        }
    }

    fn request(&mut self, position: u16, state: AlState, acknowledge: bool) {
        let value = state.request() | if acknowledge { 0x10 } else { 0 };
        self.bus.link.write(Address::fpwr(station_address(position), AL_CONTROL), &[value, 0]);
    }

    /// Cyclic frames first, then one request an exchange: devices want valid process data before they enter OP.
    fn op(&mut self) -> Result<(), StartupError> {
        let plan = self.plan;
        let mut pace = Pace::new(plan.interval_ns);
        for _ in 0..SAFE_OP_CYCLES {
            self.cycle(&mut pace);
        }
        let deadline = clock::now_ns() + STEP_LIMIT_NS;
        let mut requests = vec![0_u32; plan.devices.len()];
        loop {
            let exchange = self.cycle(&mut pace);
            if exchange.al_states == AlState::Op.request()
                && usize::from(exchange.devices) == plan.devices.len()
            {
                return Ok(());
            }
            if let Some(n) = requests.iter().position(|requests| *requests == 0) {
                requests[n] = 1;
                self.request(plan.devices[n].position, AlState::Op, false);
                continue;
            }
            let states = self.bus.link.states(plan.devices.len(), deadline);
            let findings = not_in(plan, AlState::Op, &states);
            let mut decided = !findings.is_empty();
            for (n, (state, code)) in states.iter().enumerate() {
                let expired = *code == WATCHDOG_EXPIRED && *state == AlState::SafeOp;
                if expired && requests[n] < OP_REQUESTS {
                    requests[n] += 1;
                    self.request(plan.devices[n].position, AlState::Op, true);
                }
                decided &= *state == AlState::Op
                    || *code != 0 && requests[n] >= if expired { OP_REQUESTS } else { 1 };
            }
            if decided || clock::now_ns() >= deadline {
                return fail_on(Step::Op, findings);
            }
        }
    }

    fn all_op(&self, exchange: &crate::Exchange) -> bool {
        exchange.al_states == AlState::Op.request()
            && usize::from(exchange.devices) == self.plan.devices.len()
    }

    fn cycle(&mut self, pace: &mut Pace) -> crate::Exchange {
        let exchange = self.bus.cycle(clock::now_ns().saturating_add(self.plan.deadline_ns));
        self.bus.link.idle_until(pace.next());
        exchange
    }

    /// In OP the counters must be what the mapping promises; anything else is a device that does not do what it was
    /// told, and would be a unit that is never valid. False if a device has left OP again meanwhile.
    fn check_working_counters(&mut self) -> Result<bool, StartupError> {
        let mut pace = Pace::new(self.plan.interval_ns);
        let mut last = self.cycle(&mut pace);
        let mut equal = 0;
        for _ in 0..LEARN_CYCLES_MAX {
            let exchange = self.cycle(&mut pace);
            if !exchange.lost && !self.all_op(&exchange) {
                return Ok(false);
            }
            let same = !exchange.lost && exchange.working_counters == last.working_counters;
            equal = if same { equal + 1 } else { 0 };
            last = exchange;
            if equal >= LEARN_CYCLES {
                return fail_on(Step::WorkingCounters, self.unexpected(&last)).map(|()| true);
            }
        }
        Err(StartupError::Protocol {
            step: Step::WorkingCounters,
            reason: "the working counters do not become stable; are frames being lost?".to_owned(),
            findings: self.unexpected(&last),
        })
    }

    fn unexpected(&mut self, exchange: &crate::Exchange) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (n, unit) in self.plan.units.iter().enumerate() {
            let map = &self.bus.mapping.units[n];
            let expected = self.bus.mapping.datagrams[map.datagrams.clone()].iter().map(|d| d.expected).sum();
            let found = exchange.working_counters[n];
            if found != expected {
                let silent = self.silent(n);
                findings.push(Finding::WorkingCounter { unit: unit.name.clone(), expected, found, silent });
            }
        }
        findings
    }

    /// Devices of a unit that do not answer a read of their inputs, or of the outputs' FMMU state.
    fn silent(&mut self, unit: usize) -> Vec<String> {
        let plan = self.plan;
        let inputs: Vec<Fmmu> = self
            .bus
            .mapping
            .fmmus
            .iter()
            .filter(|fmmu| fmmu.direction == Direction::Input)
            .copied()
            .collect();
        let is_silent = |link: &mut Link<W>, fmmu: &Fmmu| {
            let mut data = vec![0; usize::from(fmmu.area.length).min(super::frame::DATA_MAX)];
            link.datagram(Address::logical(super::frame::command::LRD, fmmu.logical), &mut data) != Ok(1)
        };
        let mut names = Vec::new();
        for (n, device) in plan.devices.iter().enumerate() {
            let absent = || Address::fprd(station_address(device.position), STATION_ADDRESS);
            let mut own = inputs.iter().filter(|fmmu| fmmu.device == n);
            let member = usize::from(device.sync_unit) == unit;
            if member
                && (self.bus.link.read::<2>(absent()).is_none()
                    || own.any(|fmmu| is_silent(&mut self.bus.link, fmmu)))
            {
                names.push(device.name.clone());
            }
        }
        names
    }
}

/// FMMU numbers for `wanted`: those the device means for the direction first, then any that is not meant for the
/// mailbox state, then any.
fn choose_fmmus(usage: &[u8], available: u8, wanted: &[Fmmu]) -> Vec<u8> {
    const MAILBOX_STATE: u8 = 3;
    let mut free: Vec<u8> = (0..available).collect();
    let usage = |number: &u8| usage.get(usize::from(*number)).copied().unwrap_or(0);
    let mut choose = |fmmu: &Fmmu| {
        let meant = if fmmu.direction == Direction::Output { 1 } else { 2 };
        let at = free.iter().position(|number| usage(number) == meant);
        let at = at.or_else(|| free.iter().position(|number| usage(number) != MAILBOX_STATE));
        let at = at.unwrap_or(0);
        (at < free.len()).then(|| free.remove(at))
    };
    wanted.iter().filter_map(&mut choose).collect()
}

/// Start-up's own interval: keeps to a raster, and forgets what it missed.
struct Pace {
    interval_ns: u64,
    next_ns: u64,
}

impl Pace {
    fn new(interval_ns: u64) -> Self {
        Self { interval_ns, next_ns: clock::now_ns() }
    }

    fn next(&mut self) -> u64 {
        self.next_ns = (self.next_ns + self.interval_ns).max(clock::now_ns());
        self.next_ns
    }
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

    #[test]
    fn fmmus_are_used_as_the_device_means_them() {
        let area = Area { physical: 0, length: 1 };
        let (o, i) = (Direction::Output, Direction::Input);
        let fmmus = |directions: &[Direction]| -> Vec<Fmmu> {
            let mut frames = Vec::new();
            let outputs = vec![area; directions.iter().filter(|d| **d == o).count()];
            let inputs = vec![area; directions.iter().filter(|d| **d == i).count()];
            let io = DeviceIo {
                unit: 0,
                no_lrw: false,
                output_image: 0..outputs.len(),
                input_image: 0..inputs.len(),
                outputs,
                inputs,
            };
            crate::ethercat::mapping::Mapping::new(&[io], 1, &mut frames).fmmus
        };
        assert_eq!(choose_fmmus(&[1, 2, 3], 3, &fmmus(&[o, i])), [0, 1]);
        assert_eq!(choose_fmmus(&[2, 1], 2, &fmmus(&[o, i])), [1, 0]);
        assert_eq!(choose_fmmus(&[], 2, &fmmus(&[o, i])), [0, 1]);
        assert_eq!(choose_fmmus(&[3, 2], 2, &fmmus(&[i, i])), [1, 0]);
    }
}
