//! From an interface to OP, on the calling thread.
//!
//! ethercrab brings the devices from INIT to PRE-OP, talks to their mailboxes and configures their SyncManagers. Then
//! we take over: the FMMUs are written anew so that each sync unit is one logical range, and the way from PRE-OP to OP
//! is ours, because there our cyclic frames already travel. Every wait is bounded; every step reports all it finds.
//!
//! Read first: ETG.1000.6 section 6.4 (state machine), ETG.1020 section 8 (time limits).

use super::assembly::Parts;
use super::climb::climb;
use super::configuration::{Configured, configure_devices, configure_mailboxes};
use super::error::{Finding, StartupError, Step};
use super::exchange::EtherCatBus;
use super::frame::Address;
use super::identify;
use super::link::{Link, Stopped};
use super::main_device::{DEVICES_MAX, PROCESS_DATA_MAX};
use super::registers::{AL_CONTROL, AlState};
use crate::{clock, wire::Wire};
use ethercrab::error::{Error, MailboxError, TimeoutError};
use ethercrab::{DefaultLock, SubDeviceGroup, subdevice_group::PreOp};
use sensai_model::cell::{Cell, Device, SyncUnit};

/// ETG.1020 allows a few seconds for each device; many devices, EEPROMs and mailboxes add up.
const PRE_OP_LIMIT_NS: u64 = 60_000_000_000;
/// How often the way to PRE-OP and the configuration behind it are tried when frames get lost on it.
const ATTEMPTS: usize = 5;

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
    climb(&plan, &mut bus, outputs, progress).inspect_err(|_| back_to_init(&mut bus.link))?;
    Ok(bus)
}

/// As far as it goes: the error that led here is what is reported.
fn back_to_init<W: Wire>(link: &mut Link<W>) {
    let _ = link.datagram(Address::bwr(AL_CONTROL), &mut [AlState::Init.request() | 0x10, 0]);
}

/// The step is done if there is nothing to say about it.
pub(super) fn fail_on(step: Step, findings: Vec<Finding>) -> Result<(), StartupError> {
    if findings.is_empty() { Ok(()) } else { Err(StartupError::Findings { step, findings }) }
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
            Ok(()) => return configure_devices(plan, link),
            Err((_, true)) if attempt < ATTEMPTS => attempt += 1,
            Err((error, _)) => return Err(error),
        }
    }
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
    configure_mailboxes(plan, link).map_err(|error| (error, false))?;
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
        Ok(Some(Error::Timeout(TimeoutError::StateTransition))) if !findings.is_empty() => {
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

/// A finding for each device in another state, or with an error.
pub(super) fn not_in(plan: &Plan<'_>, expected: AlState, states: &[(AlState, u16)]) -> Vec<Finding> {
    let devices = plan.devices.iter().zip(states);
    devices
        .filter(|(_, (found, code))| *found != expected || *code != 0)
        .map(|(device, (found, code))| state_finding(device, expected, *found, *code))
        .collect()
}

fn state_finding(device: &Device, expected: AlState, found: AlState, code: u16) -> Finding {
    Finding::State { device: device.name.clone(), position: device.position, expected, found, code }
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
