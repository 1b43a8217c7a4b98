//! Physical access: registers with their side effects, and process-data memory behind its SyncManagers.
//!
//! Nothing is cached: every access looks the SyncManagers up in the registers as they are at that moment.
//! Read first: ESC data sheet section I, chapters 8 (SyncManager) and 9 (registers).

use super::{
    device::SimulatedDevice,
    eeprom,
    process_data::SYNC_MANAGERS_MAX,
    registers::{self, *},
};
use std::ops::Range;

/// A SyncManager's registers at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncManager {
    /// Physical start address.
    pub start: usize,
    /// Length in bytes.
    pub length: usize,
    /// Control byte.
    pub control: u8,
    /// Activate byte: bit 0 enable, bit 1 repeat request.
    pub activate: u8,
    /// PDI control byte: bit 0 locked by the device.
    pub pdi_control: u8,
}

impl SyncManager {
    /// The MainDevice has enabled it.
    pub const fn is_enabled(self) -> bool {
        self.activate & 1 != 0 && self.length > 0
    }
    /// One buffer with handshake, instead of three without.
    pub const fn is_mailbox(self) -> bool {
        self.control & 0b11 == 0b10
    }
    /// The MainDevice writes, the device reads.
    pub const fn is_write(self) -> bool {
        self.control & 0b1100 == 0b0100
    }
    /// A complete write is a sign of life to the watchdog.
    pub const fn triggers_watchdog(self) -> bool {
        self.control & 0x40 != 0
    }
    const fn is_locked(self) -> bool {
        self.pdi_control & 1 != 0
    }
    const fn end(self) -> usize {
        self.start + self.length
    }
}

/// Bits of a SyncManager's status byte.
pub const FULL: u8 = 1 << 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// A run of bytes that are accessed alike.
struct Span {
    end: usize,
    allowed: bool,
    sync_manager: Option<usize>,
}

/// How read bytes meet what stands in the datagram.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Combine {
    /// Replace.
    Copy,
    /// OR, for broadcasts.
    Or,
}

impl SimulatedDevice {
    /// The registers of SyncManager `number`.
    pub(super) fn sync_manager(&self, number: usize) -> SyncManager {
        let at = SYNC_MANAGER + 8 * number;
        match self.memory.get(at..at + 8) {
            Some(&[s0, s1, l0, l1, control, _, activate, pdi_control])
                if number < self.sync_manager_count =>
            {
                SyncManager {
                    start: usize::from(u16::from_le_bytes([s0, s1])),
                    length: usize::from(u16::from_le_bytes([l0, l1])),
                    control,
                    activate,
                    pdi_control,
                }
            }
            _ => SyncManager::default(),
        }
    }

    /// Set or clear the mailbox-full bit.
    pub(super) fn set_full(&mut self, number: usize, full: bool) {
        if let Some(status) = self.memory.get_mut(SYNC_MANAGER + 8 * number + 5) {
            *status = if full { *status | FULL } else { *status & !FULL };
        }
    }

    /// Whether the mailbox-full bit is set.
    pub(super) fn is_full(&self, number: usize) -> bool {
        self.memory.get(SYNC_MANAGER + 8 * number + 5).is_some_and(|status| status & FULL != 0)
    }

    /// The device locks or frees its process-data SyncManagers.
    pub(super) fn lock_process_data(&mut self, lock: bool) {
        if lock {
            self.watchdog.rest();
        }
        for n in 0..SYNC_MANAGERS_MAX {
            if self.process.region(n).is_some() {
                self.opened[n] = false;
                self.memory[SYNC_MANAGER + 8 * n + 7] = u8::from(lock);
            }
        }
    }

    /// EtherCAT reads; true if at least one byte could be read.
    pub(super) fn read(&mut self, address: u16, data: &mut [u8], combine: Combine, now_ns: u64) -> bool {
        let start = usize::from(address);
        let end = start + data.len();
        self.refresh(&(start..end), now_ns);
        let (mut at, mut any) = (start, false);
        while at < end {
            let span = self.span(at, end, Access::Read);
            if span.allowed {
                if let Some(number) = span.sync_manager {
                    self.open_for_reading(number, at);
                }
                let target = data[at - start..span.end - start].iter_mut();
                for (byte, value) in target.zip(&self.memory[at..span.end]) {
                    *byte = if combine == Combine::Or { *byte | value } else { *value };
                }
                any = true;
                match span.sync_manager {
                    Some(number) => self.read_to(number, span.end),
                    None => self.after_register_read(&(at..span.end)),
                }
            }
            at = span.end;
        }
        any
    }

    /// EtherCAT writes; true if at least one byte could be written.
    pub(super) fn write(&mut self, address: u16, data: &[u8], now_ns: u64) -> bool {
        let start = usize::from(address);
        let end = start + data.len();
        let (mut at, mut any) = (start, false);
        while at < end {
            let span = self.span(at, end, Access::Write);
            if span.allowed {
                let source = &data[at - start..span.end - start];
                match span.sync_manager {
                    Some(number) => {
                        self.opened[number] = true;
                        self.memory[at..span.end].copy_from_slice(source);
                        self.written_to(number, span.end, now_ns);
                    }
                    None if at < PROCESS_DATA => {
                        any |= self.write_registers(at, source, now_ns);
                        at = span.end;
                        continue;
                    }
                    None => self.memory[at..span.end].copy_from_slice(source),
                }
                any = true;
            }
            at = span.end;
        }
        any
    }

    /// The bytes from `at` on that are accessed alike, at most up to `end`.
    fn span(&self, at: usize, end: usize, access: Access) -> Span {
        if at >= self.memory.len() {
            return Span { end, allowed: false, sync_manager: None };
        }
        if at < DIGITAL_IO {
            return self.register_span(at, end.min(DIGITAL_IO));
        }
        let mut next = end.min(if at < PROCESS_DATA { PROCESS_DATA } else { self.memory.len() });
        for number in 0..self.sync_manager_count {
            let channel = self.sync_manager(number);
            if !channel.is_enabled() {
                continue;
            }
            if (channel.start..channel.end()).contains(&at) {
                let allowed = self.may_access(number, channel, at, access);
                return Span { end: next.min(channel.end()), allowed, sync_manager: Some(number) };
            }
            if channel.start > at {
                next = next.min(channel.start);
            }
        }
        Span { end: next, allowed: true, sync_manager: None }
    }

    /// Registers this device does not have answer nothing.
    fn register_span(&self, at: usize, end: usize) -> Span {
        let fmmus = FMMU + 16 * self.fmmu_count..FMMU_END;
        let sync_managers = SYNC_MANAGER + 8 * self.sync_manager_count..SYNC_MANAGER_END;
        let clock = if self.has_clock { 0..0 } else { DC };
        let mut next = end;
        for absent in [fmmus, sync_managers, clock] {
            if absent.contains(&at) {
                return Span { end: next.min(absent.end), allowed: false, sync_manager: None };
            }
            if absent.start > at && !absent.is_empty() {
                next = next.min(absent.start);
            }
        }
        Span { end: next, allowed: true, sync_manager: None }
    }

    /// A buffer is opened at its first byte, in its own direction, and a mailbox only when it is its turn.
    fn may_access(&self, number: usize, channel: SyncManager, at: usize, access: Access) -> bool {
        if channel.is_locked() || channel.is_write() != (access == Access::Write) {
            return false;
        }
        if at != channel.start {
            return self.opened[number];
        }
        let handshake = channel.is_mailbox() && self.process.region(number).is_none();
        !handshake || self.is_full(number) == (access == Access::Read)
    }

    fn open_for_reading(&mut self, number: usize, at: usize) {
        let channel = self.sync_manager(number);
        self.opened[number] = true;
        if at == channel.start
            && let Some(region) = self.process.region(number)
            && let Some(memory) = self.memory.get_mut(channel.start..channel.end())
        {
            self.process.show(region, memory);
        }
    }

    fn read_to(&mut self, number: usize, end: usize) {
        let channel = self.sync_manager(number);
        if end == channel.end() {
            self.opened[number] = false;
            if channel.is_mailbox() && self.process.region(number).is_none() {
                self.set_full(number, false);
                self.mailbox_was_read(number);
            }
        }
    }

    fn written_to(&mut self, number: usize, end: usize, now_ns: u64) {
        let channel = self.sync_manager(number);
        if end != channel.end() {
            return;
        }
        self.opened[number] = false;
        if let Some(region) = self.process.region(number) {
            if channel.triggers_watchdog() {
                self.watchdog.trigger(now_ns);
            }
            if region.is_output {
                self.process
                    .receive(region, &self.memory[channel.start..channel.end().min(self.memory.len())]);
                self.outputs_arrived();
                self.drive_outputs();
            }
        } else if channel.is_mailbox() {
            self.set_full(number, true);
            self.mailbox_was_written(number);
        }
    }

    /// Bring registers that show something live up to date before they are read.
    fn refresh(&mut self, range: &Range<usize>, now_ns: u64) {
        if range.start >= PROCESS_DATA {
            return;
        }
        if overlaps(range, SII_CONTROL, 2) {
            let status = self.eeprom.status().to_le_bytes();
            self.memory[SII_CONTROL..SII_CONTROL + 2].copy_from_slice(&status);
        }
        if overlaps(range, WATCHDOG_STATUS, 4) {
            self.memory[WATCHDOG_STATUS] = u8::from(!self.watchdog.expired);
            self.memory[WATCHDOG_COUNTER] = self.watchdog.expirations;
        }
        if self.has_clock && range.start < DC.end && range.end > DC.start {
            self.clock.show(&mut self.memory, now_ns);
        }
    }

    fn after_register_read(&mut self, range: &Range<usize>) {
        if overlaps(range, SII_CONTROL, 2) {
            self.eeprom.status_was_read();
        }
        if overlaps(range, AL_STATUS, 2) {
            self.memory[EVENT_REQUEST] &= !0x08;
        }
        if overlaps(range, DL_STATUS, 2) {
            self.memory[EVENT_REQUEST] &= !0x04;
        }
    }

    /// Store what may be written, then do what the write sets off: a write may span several registers. False if
    /// all of them can only be read.
    fn write_registers(&mut self, at: usize, data: &[u8], now_ns: u64) -> bool {
        let range = at..at + data.len();
        let sync_managers = range.start < SYNC_MANAGER_END && range.end > SYNC_MANAGER;
        let repeats = if sync_managers { self.mailbox_repeat_request() } else { false };
        let mut taken = false;
        for (address, byte) in range.clone().zip(data) {
            taken |= registers::is_trigger(address);
            let kept_by_device =
                (SYNC_MANAGER..SYNC_MANAGER_END).contains(&address) && matches!(address & 7, 5 | 7);
            if registers::is_writable(address) && !kept_by_device {
                self.memory[address] = *byte;
                taken = true;
            }
        }
        if overlaps(&range, RX_ERRORS, COUNTERS_END - RX_ERRORS) {
            self.clear_counters(&range);
        }
        if overlaps(&range, WATCHDOG_COUNTER, 2) {
            self.watchdog.expirations = 0;
        }
        if eeprom::is_command(&range) {
            let control = u16::from_le_bytes([self.memory[SII_CONTROL], self.memory[SII_CONTROL + 1]]);
            if let Some(presets) = self.eeprom.command(&mut self.memory, control) {
                self.preset(presets);
            }
        }
        if self.has_clock && range.start < DC.end && range.end > DC.start {
            self.write_clock(&range, at, data, now_ns);
        }
        if sync_managers {
            self.sync_managers_written(&range, repeats);
        }
        if range.contains(&AL_CONTROL) {
            self.request_state(self.memory[AL_CONTROL], now_ns);
        }
        taken
    }

    fn write_clock(&mut self, range: &Range<usize>, at: usize, data: &[u8], now_ns: u64) {
        if range.contains(&RECEIVE_TIMES) {
            self.clock.latch(&mut self.memory, self.passage);
        }
        if range.contains(&(SYSTEM_TIME + 3)) && range.contains(&SYSTEM_TIME) {
            let low = data.get(SYSTEM_TIME - at..).and_then(|rest| rest.first_chunk::<4>());
            let received = low.map_or(0, |bytes| u32::from_le_bytes(*bytes));
            self.clock.receive_system_time(&mut self.memory, received, now_ns);
        }
        if overlaps(range, SYSTEM_TIME_OFFSET, 8) {
            self.clock.reset_steering();
        }
        if overlaps(range, SPEED_COUNTER_START, 2) {
            self.clock.reset_filter(&mut self.memory);
        }
    }

    /// The SyncManager registers in `range` were written. A disabled one forgets its buffer state.
    fn sync_managers_written(&mut self, range: &Range<usize>, repeat_before: bool) {
        for number in 0..self.sync_manager_count {
            let at = SYNC_MANAGER + 8 * number;
            if overlaps(range, at, 8) && !self.sync_manager(number).is_enabled() {
                self.opened[number] = false;
                self.set_full(number, false);
            }
        }
        if self.mailbox_repeat_request() != repeat_before {
            self.repeat_mailbox();
        }
        self.recheck_sync_managers();
        self.fill_mailbox();
    }

    /// A write to any of the counters of one group clears that group, whatever is written.
    fn clear_counters(&mut self, range: &Range<usize>) {
        for (start, len) in [(RX_ERRORS, 12), (PROCESSING_ERRORS, 2), (LOST_LINKS, 4)] {
            if overlaps(range, start, len) {
                self.memory[start..start + len].fill(0);
            }
        }
    }
}

/// Whether `range` touches the `len` bytes at `at`.
fn overlaps(range: &Range<usize>, at: usize, len: usize) -> bool {
    range.start < at + len && range.end > at
}
