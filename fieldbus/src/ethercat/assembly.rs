//! Before the first exchange and behind the last one: what a bus is made of, and how it is taken down. Allocates and
//! waits, for a bounded time.

use super::error::{Finding, ShutdownError};
use super::exchange::EtherCatBus;
use super::frame::{Address, OwnFrame};
use super::health::DeviceHealth;
use super::link::Link;
use super::mapping::{DeviceIo, Mapping};
use super::registers::{AL_CONTROL, AL_STATUS, AlState, DL_STATUS, ERROR_COUNTERS, station_address};
use super::sdo::MailboxPlace;
use super::topology::Topology;
use crate::{clock, wire::Wire};

/// While shutting down, states are looked at this often.
const SHUTDOWN_POLL_NS: u64 = 1_000_000;

/// What a bus is made of, when start-up has found out.
pub(super) struct Parts<W: Wire> {
    pub link: Link<W>,
    pub names: Vec<String>,
    pub devices: Vec<DeviceIo>,
    pub units: usize,
    pub topology: Topology,
    pub mailboxes: Vec<Option<MailboxPlace>>,
    pub acyclic_bytes_max: usize,
}

impl<W: Wire> EtherCatBus<W> {
    pub(super) fn new(parts: Parts<W>) -> Self {
        let Parts { mut link, names, devices, units, topology, mailboxes, acyclic_bytes_max } = parts;
        let mut status = OwnFrame::new(0);
        let all_states = status.push(Address::brd(AL_STATUS), 2);
        let one_state = status.push(Address::fprd(station_address(0), AL_STATUS), 6);
        let mut frames = vec![status];
        let mapping = Mapping::new(&devices, units, &mut frames);

        let cyclic = frames.len();
        let mut supervisor = OwnFrame::new(cyclic as u8);
        let error_counters = supervisor.push(Address::fprd(station_address(0), ERROR_COUNTERS), 20);
        let dl_status = supervisor.push(Address::fprd(station_address(0), DL_STATUS), 2);
        frames.push(supervisor);
        link.own = frames;

        let is_member = |unit: usize, device: &DeviceIo| {
            device.unit == unit && !(device.inputs.is_empty() && device.outputs.is_empty())
        };
        let members = (0..units)
            .map(|unit| (0_u16..).zip(&devices).filter(|(_, d)| is_member(unit, d)).map(|(n, _)| n).collect())
            .collect();
        let end = |range: fn(&DeviceIo) -> usize| devices.iter().map(range).max().unwrap_or(0);
        Self {
            health: vec![DeviceHealth::UNKNOWN; devices.len()],
            output_len: end(|device| device.output_image.end),
            input_len: end(|device| device.input_image.end),
            mailboxes: Some(mailboxes),
            asked: 0,
            supervised: 0,
            acyclic_calls: 0,
            link,
            mapping,
            cyclic,
            all_states,
            one_state,
            error_counters,
            dl_status,
            acyclic_bytes_max,
            names,
            members,
            topology,
        }
    }

    /// Bring all devices to SAFE-OP, then to INIT, until `deadline_ns` at most. The caller has sent the fault values
    /// before; they go on travelling until the devices have left OP.
    ///
    /// # Errors
    /// The devices that did not follow, with their states.
    pub fn shutdown(&mut self, deadline_ns: u64) -> Result<(), ShutdownError> {
        let now = clock::now_ns();
        let half = now + deadline_ns.saturating_sub(now) / 2;
        self.descend(AlState::SafeOp, half);
        let findings = self.descend(AlState::Init, deadline_ns);
        if findings.is_empty() { Ok(()) } else { Err(ShutdownError { findings }) }
    }

    /// Request a lower state of all devices and wait for it. Returns those that are not there at the deadline.
    fn descend(&mut self, target: AlState, deadline_ns: u64) -> Vec<Finding> {
        // Acknowledge an error, if there is one, in the same request.
        self.link.datagram(Address::bwr(AL_CONTROL), &mut [target.request() | 0x10, 0]).ok();
        loop {
            let now = clock::now_ns();
            if target == AlState::SafeOp {
                self.cycle(deadline_ns.min(now + SHUTDOWN_POLL_NS));
            }
            let states = self.link.states(self.health.len(), deadline_ns);
            let findings = self.above(target, &states);
            if findings.is_empty() || clock::now_ns() >= deadline_ns {
                return findings;
            }
            self.link.idle_until(deadline_ns.min(now + SHUTDOWN_POLL_NS));
        }
    }

    fn above(&self, target: AlState, states: &[(AlState, u16)]) -> Vec<Finding> {
        let too_high = |state: AlState| state == AlState::NoAnswer || state.request() > target.request();
        let finding = |((position, (found, code)), name): ((u16, &(AlState, u16)), &String)| Finding::State {
            device: name.clone(),
            position,
            expected: target,
            found: *found,
            code: *code,
        };
        (0..)
            .zip(states)
            .zip(&self.names)
            .filter(|((_, (state, _)), _)| too_high(*state))
            .map(finding)
            .collect()
    }
}
