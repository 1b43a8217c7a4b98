//! The cyclic path: send, poll until all frames of this cycle are back or the deadline passes, go on.
//!
//! Nothing in [`Bus::exchange`] and [`Bus::acyclic`] allocates, locks, formats or panics; everything they touch was
//! sized in [`super::assembly`], which also takes the bus down again.

use super::frame::{Address, OwnFrame, Slot};
use super::health::DeviceHealth;
use super::link::Link;
use super::mailbox::MailboxWorker;
use super::mapping::Mapping;
use super::registers::{AL_STATUS, AlState, DL_STATUS, ERROR_COUNTERS, station_address};
use super::sdo::MailboxPlace;
use super::topology::Topology;
use crate::{Bus, Exchange, clock, wire::Wire};
use sensai_model::cell::SYNC_UNITS_MAX;

/// All devices in OP, none with an error.
const ALL_OP: u8 = 0x08;
/// Calls of `acyclic` between two supervisor frames: health is for people, not for the cycle.
const SUPERVISOR_INTERVAL: u32 = 8;

/// A segment in OP. One thread owns it and is the only sender.
pub struct EtherCatBus<W: Wire> {
    pub(super) link: Link<W>,
    pub(super) mapping: Mapping,
    /// Number of cyclic frames; the supervisor's frame follows them.
    pub(super) cyclic: usize,
    /// AL states of all devices, ORed, in frame 0.
    pub(super) all_states: Slot,
    /// AL state and status code of one device after the other, in frame 0.
    pub(super) one_state: Slot,
    /// The device that `one_state` asks in this cycle.
    pub(super) asked: usize,
    pub(super) error_counters: Slot,
    pub(super) dl_status: Slot,
    /// The device the supervisor asks.
    pub(super) supervised: usize,
    pub(super) acyclic_calls: u32,
    pub(super) acyclic_bytes_max: usize,
    pub(super) names: Vec<String>,
    /// Positions of the devices of each sync unit.
    pub(super) members: Vec<Vec<u16>>,
    pub(super) health: Vec<DeviceHealth>,
    pub(super) topology: Topology,
    /// Bytes the two images must have at least.
    pub(super) output_len: usize,
    pub(super) input_len: usize,
    /// Until they are taken.
    pub(super) mailboxes: Option<Vec<Option<MailboxPlace>>>,
}

impl<W: Wire> EtherCatBus<W> {
    /// What each device says about itself, in bus order.
    pub fn health(&self) -> &[DeviceHealth] {
        &self.health
    }

    /// Who is connected to whose port, as found at start-up.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Names of the devices, in bus order.
    pub fn device_names(&self) -> &[String] {
        &self.names
    }

    /// The wire, for what only its owner can do (open a socket again, change a simulation).
    pub fn wire_mut(&mut self) -> &mut W {
        &mut self.link.wire
    }

    /// The mailboxes of all devices, once. Its owner polls it outside the cycle; its frames travel in
    /// [`Bus::acyclic`].
    pub fn take_mailbox(&mut self) -> Option<MailboxWorker> {
        self.mailboxes.take().map(|places| MailboxWorker::new(self.link.lease(), places))
    }

    /// The image every exchange from now on starts from; for start-up.
    pub(super) fn load(&mut self, outputs: &[u8]) {
        for copy in &self.mapping.outputs {
            let to = self.link.own[copy.frame].outputs(Slot { at: copy.at, len: copy.len });
            to.copy_from_slice(&outputs[copy.image..copy.image + copy.len]);
        }
    }

    fn store(&self, valid: u32, inputs: &mut [u8]) {
        for (unit, map) in self.mapping.units.iter().enumerate() {
            if valid >> unit & 1 == 0 {
                continue;
            }
            for copy in &self.mapping.inputs[map.inputs.clone()] {
                let from = self.link.own[copy.frame].inputs(Slot { at: copy.at, len: copy.len });
                inputs[copy.image..copy.image + copy.len].copy_from_slice(from);
            }
        }
    }

    /// One cycle with the outputs that were loaded last.
    pub(super) fn cycle(&mut self, deadline_ns: u64) -> Exchange {
        self.ask_next();
        let sent = (0..self.cyclic).take_while(|frame| self.link.send_own(*frame)).count();
        while self.waits_for(sent) && self.link.wait_until(deadline_ns) {}
        let exchange = self.judge(sent);
        self.link.own[..self.cyclic].iter_mut().for_each(OwnFrame::expire);
        (self.link.late, self.link.stray) = (0, 0);
        exchange
    }

    fn ask_next(&mut self) {
        self.asked = if self.asked + 1 < self.health.len() { self.asked + 1 } else { 0 };
        let address = Address::fprd(station_address(self.asked as u16), AL_STATUS);
        self.link.own[0].readdress(self.one_state, address);
    }

    fn waits_for(&self, sent: usize) -> bool {
        !self.link.own[..sent].iter().all(OwnFrame::is_fresh)
    }

    fn judge(&mut self, sent: usize) -> Exchange {
        let status = &self.link.own[0];
        let (mut al_states, mut devices) = (0, 0);
        if status.is_fresh() {
            al_states = status.inputs(self.all_states)[0];
            devices = status.working_counter(self.all_states);
            let answered = status.working_counter(self.one_state) == 1;
            if let Some(health) = self.health.get_mut(self.asked) {
                health.update_state(answered, status.inputs(self.one_state));
            }
        }
        let all_op = al_states == ALL_OP && usize::from(devices) == self.health.len();
        let (mut valid, mut working_counters) = (0, [0; SYNC_UNITS_MAX]);
        for (unit, map) in self.mapping.units.iter().enumerate().take(SYNC_UNITS_MAX) {
            let (mut good, mut sum) = (true, 0_u16);
            for datagram in &self.mapping.datagrams[map.datagrams.clone()] {
                let frame = &self.link.own[datagram.frame];
                let counter = if frame.is_fresh() { frame.working_counter(datagram.slot) } else { 0 };
                good &= counter == datagram.expected;
                sum = sum.saturating_add(counter);
            }
            working_counters[unit] = sum;
            good &= all_op || self.unit_in_op(unit);
            valid |= u32::from(good) << unit;
        }
        Exchange {
            valid,
            working_counters,
            lost: self.waits_for(self.cyclic),
            send_failed: sent < self.cyclic,
            late: self.link.late,
            stray: self.link.stray,
            al_states,
            devices,
        }
    }

    /// As far as is known: a device that leaves OP without a change of its working counter is found when its turn has
    /// come, within as many cycles as there are devices.
    fn unit_in_op(&self, unit: usize) -> bool {
        self.members.get(unit).is_some_and(|members| {
            members.iter().all(|device| self.health[usize::from(*device)].state == AlState::Op)
        })
    }

    /// Send the supervisor's frame, in every [`SUPERVISOR_INTERVAL`]th call. Returns its length if it was sent.
    fn supervise(&mut self) -> usize {
        self.acyclic_calls = self.acyclic_calls.wrapping_add(1);
        if !self.acyclic_calls.is_multiple_of(SUPERVISOR_INTERVAL) {
            return 0;
        }
        self.supervised = if self.supervised + 1 < self.health.len() { self.supervised + 1 } else { 0 };
        let station = station_address(self.supervised as u16);
        let frame = &mut self.link.own[self.cyclic];
        frame.readdress(self.error_counters, Address::fprd(station, ERROR_COUNTERS));
        frame.readdress(self.dl_status, Address::fprd(station, DL_STATUS));
        if self.link.send_own(self.cyclic) { frame_len(self.dl_status) } else { 0 }
    }

    fn supervised(&mut self) {
        let frame = &self.link.own[self.cyclic];
        let Some(health) = self.health.get_mut(self.supervised) else { return };
        if frame.working_counter(self.error_counters) == 1 {
            health.update_counters(frame.inputs(self.error_counters));
        }
        if frame.working_counter(self.dl_status) == 1 {
            let status = frame.inputs(self.dl_status);
            health.update_links(u16::from_le_bytes([status[0], status[1]]));
        }
    }
}

/// End of a frame whose last datagram is this one.
fn frame_len(last: Slot) -> usize {
    last.at + last.len + 2
}

impl<W: Wire> Bus for EtherCatBus<W> {
    fn exchange(&mut self, outputs: &[u8], inputs: &mut [u8], deadline_ns: u64) -> Exchange {
        debug_assert!(outputs.len() >= self.output_len && inputs.len() >= self.input_len);
        if outputs.len() < self.output_len || inputs.len() < self.input_len {
            return Exchange::NONE;
        }
        self.load(outputs);
        let exchange = self.cycle(deadline_ns);
        self.store(exchange.valid, inputs);
        exchange
    }

    fn acyclic(&mut self, until_ns: u64) {
        if clock::now_ns() >= until_ns {
            return;
        }
        let supervisor_len = self.supervise();
        let supervisor_sent = supervisor_len > 0;
        let mut left = self.acyclic_bytes_max.saturating_sub(supervisor_len);
        let (mut sent, before) = (0, self.link.acyclic_replies);
        loop {
            let (frames, rest) = self.link.send_acyclic(left, sent == 0);
            (sent, left) = (sent + frames, rest);
            let waits = supervisor_sent && !self.link.own[self.cyclic].is_fresh()
                || self.link.acyclic_replies.wrapping_sub(before) < sent;
            if !waits || !self.link.wait_until(until_ns) {
                break;
            }
        }
        if supervisor_sent && self.link.own[self.cyclic].is_fresh() {
            self.supervised();
        }
        self.link.own[self.cyclic].expire();
    }
}
