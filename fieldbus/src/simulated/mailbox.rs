//! The mailbox of one device: its two SyncManagers, message counters, errors and the repeat handshake.
//!
//! Read first: ETG.1000.4 section 6.7 (handshake, repeat), ETG.1000.6 section 5.6 (services).

use super::{
    coe::{CoeServer, Emergency},
    device::SimulatedDevice,
    dictionary::{Dictionary, Surroundings},
    memory::FULL,
    registers::SYNC_MANAGER,
    state::AlState,
};
use sensai_devices::{DeviceDescription, Mailbox};

/// Mailbox header: length, address, channel and priority, type and counter.
pub const HEADER: usize = 6;
const TYPE_ERROR: u8 = 0;
const TYPE_COE: u8 = 3;
/// Protocols of the SII's mailbox word, ETG.1000.6 table 18.
const PROTOCOL_COE: u16 = 1 << 2;
/// Bit 1 of the activate byte: repeat request; bit 1 of the PDI control byte: repeat acknowledge.
const REPEAT: u8 = 1 << 1;

/// Mailbox error codes, ETG.1000.6 table 29.
mod error {
    pub const UNSUPPORTED_PROTOCOL: u16 = 0x0002;
    pub const SERVICE_NOT_SUPPORTED: u16 = 0x0004;
    pub const INVALID_HEADER: u16 = 0x0005;
    pub const SIZE_TOO_SHORT: u16 = 0x0006;
    pub const INVALID_SIZE: u16 = 0x0008;
}

/// Messages of one mailbox, in memory allocated once.
pub struct MailboxServer {
    protocols: u16,
    coe: CoeServer,
    /// Counter of our last message, 1 to 7.
    counter: u8,
    /// Counter of the last request; the same again is a repetition and dropped.
    last_request: u8,
    /// An answer waiting for the mailbox to become free; empty if there is none.
    answer: Vec<u8>,
    /// What stands in the mailbox.
    shown: Vec<u8>,
    /// What was read last, for the repeat handshake.
    read: Vec<u8>,
    /// What stood in the mailbox unread when a repetition was asked for.
    set_aside: Vec<u8>,
    /// How long the device takes for an answer.
    pub(super) delay_ns: u64,
    ready_ns: u64,
}

impl MailboxServer {
    /// A mailbox as the description has it.
    pub fn new(mailbox: Mailbox, description: &DeviceDescription) -> Self {
        let buffer = || Vec::with_capacity(usize::from(mailbox.send.1).max(64));
        Self {
            protocols: mailbox.protocols,
            coe: CoeServer::new(description),
            counter: 0,
            last_request: 0,
            answer: buffer(),
            shown: buffer(),
            read: buffer(),
            set_aside: buffer(),
            delay_ns: 0,
            ready_ns: 0,
        }
    }

    fn reset(&mut self) {
        self.coe.reset();
        self.counter = 0;
        self.last_request = 0;
        for message in [&mut self.answer, &mut self.shown, &mut self.read, &mut self.set_aside] {
            message.clear();
        }
    }

    /// Report an emergency with the next free mailbox; false if too many wait already.
    pub fn emergency(&mut self, emergency: Emergency) -> bool {
        self.protocols & PROTOCOL_COE != 0 && self.coe.emergency(emergency)
    }

    /// The object dictionary.
    pub(super) fn dictionary_mut(&mut self) -> &mut Dictionary {
        self.coe.dictionary_mut()
    }

    /// Take a request; the answer, if any, is in `self.answer` then.
    fn request(&mut self, message: &[u8], room: usize, around: &mut Surroundings<'_>) {
        let Some(header) = message.first_chunk::<HEADER>() else { return };
        let length = usize::from(u16::from_le_bytes([header[0], header[1]]));
        let (protocol, counter) = (header[5] & 0x0f, header[5] >> 4 & 0x07);
        if counter != 0 && counter == self.last_request {
            return;
        }
        self.last_request = counter;
        let Some(data) = message.get(HEADER..HEADER + length) else {
            return self.refuse(error::INVALID_SIZE);
        };
        match protocol {
            TYPE_COE if self.protocols & PROTOCOL_COE != 0 => {
                self.answer.clear();
                self.answer.extend_from_slice(&[0; HEADER]);
                match self.coe.request(data, room - HEADER, around, &mut self.answer) {
                    Ok(true) => self.finish(TYPE_COE),
                    Ok(false) => self.answer.clear(),
                    Err(super::coe::Refusal::TooShort) => self.refuse(error::SIZE_TOO_SHORT),
                    Err(super::coe::Refusal::Service) => self.refuse(error::SERVICE_NOT_SUPPORTED),
                }
            }
            0 | 6..=14 => self.refuse(error::INVALID_HEADER),
            _ => self.refuse(error::UNSUPPORTED_PROTOCOL),
        }
    }

    /// Complete the header of the answer.
    fn finish(&mut self, protocol: u8) {
        self.counter = self.counter % 7 + 1;
        let length = (self.answer.len() - HEADER) as u16;
        self.answer[..2].copy_from_slice(&length.to_le_bytes());
        self.answer[5] = protocol | self.counter << 4;
    }

    /// Mailbox error reply, ETG.1000.6 table 28.
    fn refuse(&mut self, error: u16) {
        self.answer.clear();
        self.answer.extend_from_slice(&[0; HEADER]);
        self.answer.extend_from_slice(&[0x01, 0x00]);
        self.answer.extend_from_slice(&error.to_le_bytes());
        self.finish(TYPE_ERROR);
    }

    /// Put the next message into `shown`: what a repetition displaced, an answer, an emergency, the rest of a
    /// list. False if there is none.
    fn next(&mut self, room: usize) -> bool {
        if !self.set_aside.is_empty() {
            std::mem::swap(&mut self.shown, &mut self.set_aside);
            self.set_aside.clear();
            return true;
        }
        if self.answer.is_empty() {
            self.answer.extend_from_slice(&[0; HEADER]);
            if self.coe.unasked(room - HEADER, &mut self.answer) {
                self.finish(TYPE_COE);
            } else {
                self.answer.clear();
                return false;
            }
        }
        std::mem::swap(&mut self.shown, &mut self.answer);
        self.answer.clear();
        true
    }
}

impl SimulatedDevice {
    /// Report an emergency, ETG.1000.6 section 5.6.4. False if the device has no CoE or too many are waiting.
    pub fn raise_emergency(&mut self, emergency: Emergency) -> bool {
        let raised = self.mailbox.as_mut().is_some_and(|mailbox| mailbox.emergency(emergency));
        self.fill_mailbox();
        raised
    }

    /// How long the device takes to answer a mailbox request; 0 answers within the same frame.
    pub fn set_mailbox_delay(&mut self, ns: u64) {
        if let Some(mailbox) = &mut self.mailbox {
            mailbox.delay_ns = ns;
        }
    }

    pub(super) fn reset_mailbox(&mut self) {
        for number in self.mailbox_numbers {
            self.opened[number] = false;
            self.set_full(number, false);
            self.memory[SYNC_MANAGER + 8 * number + 7] &= !REPEAT;
        }
        if let Some(mailbox) = &mut self.mailbox {
            mailbox.reset();
        }
    }

    /// EtherCAT read the last byte of a mailbox.
    pub(super) fn mailbox_was_read(&mut self, number: usize) {
        if number != self.mailbox_numbers[1] {
            return;
        }
        if let Some(mailbox) = &mut self.mailbox {
            std::mem::swap(&mut mailbox.read, &mut mailbox.shown);
            mailbox.shown.clear();
        }
        self.fill_mailbox();
        self.work_mailbox();
    }

    /// EtherCAT wrote the last byte of a mailbox.
    pub(super) fn mailbox_was_written(&mut self, number: usize) {
        if number == self.mailbox_numbers[0] {
            let now_ns = self.passage.forward_ns;
            if let Some(mailbox) = &mut self.mailbox {
                mailbox.ready_ns = now_ns.saturating_add(mailbox.delay_ns);
            }
            self.work_mailbox();
        }
    }

    /// Mailbox work that waits for time or room.
    pub(super) fn tick_mailbox(&mut self) {
        if self.mailbox.is_some() && self.is_full(self.mailbox_numbers[0]) {
            self.work_mailbox();
        }
        self.fill_mailbox();
    }

    /// Take a request out of the receive mailbox, if there is room for its answer.
    fn work_mailbox(&mut self) {
        let [receive, send] = self.mailbox_numbers;
        let (from, room) = (self.sync_manager(receive), self.sync_manager(send).length);
        if self.al.state < AlState::PreOp || !self.is_full(receive) || room <= HEADER {
            return;
        }
        let Some(mut mailbox) = self.mailbox.take() else { return };
        if mailbox.answer.is_empty() && mailbox.ready_ns <= self.now_ns {
            for drive in &self.drives {
                drive.publish(mailbox.dictionary_mut());
            }
            if let Some(message) = self.memory.get(from.start..from.start + from.length) {
                let mut around = Surroundings { state: self.al.state, process: &mut self.process };
                mailbox.request(message, room.min(mailbox.answer.capacity()), &mut around);
            }
            self.set_full(receive, false);
            if mailbox.dictionary_mut().take_written() {
                self.drives.iter_mut().for_each(|drive| drive.reload(mailbox.dictionary_mut()));
            }
        }
        self.mailbox = Some(mailbox);
        self.fill_mailbox();
    }

    /// Put the next message into the send mailbox, if it is empty.
    pub(super) fn fill_mailbox(&mut self) {
        let send = self.mailbox_numbers[1];
        let channel = self.sync_manager(send);
        if self.al.state < AlState::PreOp || !channel.is_enabled() || self.is_full(send) {
            return;
        }
        let Some(mailbox) = &mut self.mailbox else { return };
        let room = channel.length.min(mailbox.answer.capacity());
        if room > HEADER && mailbox.next(room) {
            self.show_message();
        }
    }

    /// Write `shown` into the mailbox memory.
    fn show_message(&mut self) {
        let send = self.mailbox_numbers[1];
        let channel = self.sync_manager(send);
        let Some(mailbox) = &self.mailbox else { return };
        let Some(memory) = self.memory.get_mut(channel.start..channel.start + channel.length) else { return };
        memory.fill(0);
        let len = mailbox.shown.len().min(memory.len());
        memory[..len].copy_from_slice(&mailbox.shown[..len]);
        self.set_full(send, true);
    }

    /// The repeat request bit of the send mailbox.
    pub(super) fn mailbox_repeat_request(&self) -> bool {
        self.sync_manager(self.mailbox_numbers[1]).activate & REPEAT != 0
    }

    /// The MainDevice lost an answer on the wire and has toggled the repeat request: show what was read last
    /// again, then whatever stands in the mailbox now.
    pub(super) fn repeat_mailbox(&mut self) {
        let send = self.mailbox_numbers[1];
        let request = self.sync_manager(send).activate & REPEAT;
        let full = self.memory[SYNC_MANAGER + 8 * send + 5] & FULL != 0;
        let mut show = false;
        if let Some(mailbox) = &mut self.mailbox
            && !mailbox.read.is_empty()
        {
            if full {
                std::mem::swap(&mut mailbox.set_aside, &mut mailbox.shown);
            }
            mailbox.shown.clear();
            std::mem::swap(&mut mailbox.shown, &mut mailbox.read);
            show = true;
        }
        if show {
            self.show_message();
        }
        let acknowledge = &mut self.memory[SYNC_MANAGER + 8 * send + 7];
        *acknowledge = *acknowledge & !REPEAT | request;
    }
}
