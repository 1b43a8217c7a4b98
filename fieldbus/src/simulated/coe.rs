//! CANopen over EtherCAT: SDO and SDO information server, emergencies. ETG.1000.6 section 5.6.

use super::{
    dictionary::{Dictionary, Surroundings, abort},
    sdo_info::InfoServer,
};
use sensai_devices::DeviceDescription;

/// CoE services, ETG.1000.6 table 32.
pub(super) mod service {
    pub const EMERGENCY: u8 = 1;
    pub const SDO_REQUEST: u8 = 2;
    pub const SDO_RESPONSE: u8 = 3;
    pub const SDO_INFORMATION: u8 = 8;
}

/// CoE header.
pub(super) const COE_HEADER: usize = 2;
/// Command, index, subindex.
const SDO_HEADER: usize = 4;
/// Emergencies that can wait.
const EMERGENCIES_MAX: usize = 8;

/// Bits of the SDO command byte.
mod command {
    pub const SPECIFIER: u8 = 0xe0;
    pub const DOWNLOAD_SEGMENT: u8 = 0x00;
    pub const DOWNLOAD: u8 = 0x20;
    pub const UPLOAD: u8 = 0x40;
    pub const UPLOAD_SEGMENT: u8 = 0x60;
    pub const ABORT: u8 = 0x80;
    pub const TOGGLE: u8 = 0x10;
    pub const COMPLETE: u8 = 0x10;
    pub const EXPEDITED: u8 = 0x02;
    pub const SIZE: u8 = 0x01;
    pub const LAST: u8 = 0x01;
    /// Response to a download.
    pub const DOWNLOADED: u8 = 0x60;
    /// Response to a download segment.
    pub const SEGMENT_DOWNLOADED: u8 = 0x20;
}

/// An emergency message, ETG.1000.6 table 51.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emergency {
    /// Error code.
    pub code: u16,
    /// Error register.
    pub register: u8,
    /// Five bytes that mean what the vendor says.
    pub data: [u8; 5],
}

/// Why a request gets a mailbox error instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not even a CoE header with its service's parameters.
    TooShort,
    /// A CoE service this server does not have.
    Service,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    None,
    /// Data in the buffer; this much of it is sent.
    Upload {
        sent: usize,
        toggle: bool,
    },
    /// Data comes into the buffer until it has `size` bytes.
    Download {
        index: u16,
        subindex: u8,
        complete: bool,
        size: usize,
        toggle: bool,
    },
}

/// The CoE part of a mailbox.
#[derive(Debug)]
pub struct CoeServer {
    dictionary: Dictionary,
    info: InfoServer,
    transfer: Transfer,
    buffer: Vec<u8>,
    emergencies: [Emergency; EMERGENCIES_MAX],
    emergency_count: usize,
}

impl CoeServer {
    /// With the description's dictionary.
    pub fn new(description: &DeviceDescription) -> Self {
        let dictionary = Dictionary::new(description);
        Self {
            info: InfoServer::new(&dictionary),
            buffer: Vec::with_capacity(dictionary.transfer_max()),
            dictionary,
            transfer: Transfer::None,
            emergencies: [Emergency::default(); EMERGENCIES_MAX],
            emergency_count: 0,
        }
    }

    /// Forget transfers and emergencies; values stay.
    pub fn reset(&mut self) {
        self.transfer = Transfer::None;
        self.info.reset();
        self.emergency_count = 0;
    }

    /// The object dictionary.
    pub fn dictionary_mut(&mut self) -> &mut Dictionary {
        &mut self.dictionary
    }

    /// Queue an emergency; false if too many wait.
    pub fn emergency(&mut self, emergency: Emergency) -> bool {
        let place = self.emergencies.get_mut(self.emergency_count);
        let Some(place) = place else { return false };
        *place = emergency;
        self.emergency_count += 1;
        true
    }

    /// Append a message nobody asked for just now: an emergency, or the next piece of a list.
    pub fn unasked(&mut self, room: usize, answer: &mut Vec<u8>) -> bool {
        if self.emergency_count > 0 {
            let Emergency { code, register, data } = self.emergencies[0];
            self.emergencies.copy_within(1.., 0);
            self.emergency_count -= 1;
            push_header(answer, service::EMERGENCY);
            answer.extend_from_slice(&code.to_le_bytes());
            answer.push(register);
            answer.extend_from_slice(&data);
            return true;
        }
        self.info.next_fragment(room, answer)
    }

    /// Answer the request in `data` by appending at most `room` bytes; `Ok(false)` if there is nothing to say.
    pub fn request(
        &mut self,
        data: &[u8],
        room: usize,
        around: &mut Surroundings<'_>,
        answer: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        let (header, rest) = data.split_first_chunk::<COE_HEADER>().ok_or(Refusal::TooShort)?;
        match header[1] >> 4 {
            service::SDO_REQUEST => self.sdo(rest, room, around, answer),
            service::SDO_INFORMATION => self.info.request(rest, room, &self.dictionary, answer),
            _ => Err(Refusal::Service),
        }
    }

    fn sdo(
        &mut self,
        request: &[u8],
        room: usize,
        around: &mut Surroundings<'_>,
        answer: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        let header = request.first_chunk::<SDO_HEADER>().ok_or(Refusal::TooShort)?;
        let &[command, low, high, subindex] = header;
        let index = u16::from_le_bytes([low, high]);
        let start = answer.len();
        let done = match command & command::SPECIFIER {
            command::UPLOAD => self.upload(command, index, subindex, room, around, answer),
            command::UPLOAD_SEGMENT => self.upload_segment(command, room, answer),
            command::DOWNLOAD => self.download(command, index, subindex, request, around, answer),
            command::DOWNLOAD_SEGMENT => self.download_segment(command, request, around, answer),
            command::ABORT => {
                self.transfer = Transfer::None;
                return Ok(false);
            }
            _ => Err((index, subindex, abort::COMMAND)),
        };
        if let Err((index, subindex, code)) = done {
            self.transfer = Transfer::None;
            answer.truncate(start);
            push_header(answer, service::SDO_REQUEST);
            push_sdo(answer, command::ABORT, index, subindex);
            answer.extend_from_slice(&code.to_le_bytes());
        }
        Ok(true)
    }

    fn upload(
        &mut self,
        command: u8,
        index: u16,
        subindex: u8,
        room: usize,
        around: &Surroundings<'_>,
        answer: &mut Vec<u8>,
    ) -> Result<(), (u16, u8, u32)> {
        self.transfer = Transfer::None;
        self.buffer.clear();
        let complete = command & command::COMPLETE;
        let fetched = if complete != 0 {
            self.dictionary.upload_all(index, subindex, around, &mut self.buffer)
        } else {
            self.dictionary.upload(index, subindex, around, &mut self.buffer)
        };
        fetched.map_err(|code| (index, subindex, code))?;
        push_header(answer, service::SDO_RESPONSE);
        let len = self.buffer.len();
        if (1..=4).contains(&len) {
            let unused = (4 - len as u8) << 2;
            push_sdo(
                answer,
                command::UPLOAD | complete | command::EXPEDITED | command::SIZE | unused,
                index,
                subindex,
            );
            answer.extend_from_slice(&self.buffer);
            answer.resize(answer.len() + 4 - len, 0);
            return Ok(());
        }
        push_sdo(answer, command::UPLOAD | complete | command::SIZE, index, subindex);
        answer.extend_from_slice(&(len as u32).to_le_bytes());
        let first = len.min(room.saturating_sub(COE_HEADER + SDO_HEADER + 4));
        answer.extend_from_slice(&self.buffer[..first]);
        if first < len {
            self.transfer = Transfer::Upload { sent: first, toggle: false };
        }
        Ok(())
    }

    fn upload_segment(
        &mut self,
        command: u8,
        room: usize,
        answer: &mut Vec<u8>,
    ) -> Result<(), (u16, u8, u32)> {
        let Transfer::Upload { sent, toggle } = self.transfer else { return Err((0, 0, abort::COMMAND)) };
        if (command & command::TOGGLE != 0) != toggle {
            return Err((0, 0, abort::TOGGLE));
        }
        let rest = self.buffer.get(sent..).unwrap_or(&[]);
        let len = rest.len().min(room.saturating_sub(COE_HEADER + 1));
        let unused = 7_usize.saturating_sub(len) as u8;
        let last = len == rest.len();
        push_header(answer, service::SDO_RESPONSE);
        answer.push(
            if toggle { command::TOGGLE } else { 0 } | unused << 1 | if last { command::LAST } else { 0 },
        );
        answer.extend_from_slice(&rest[..len]);
        answer.resize(answer.len() + usize::from(unused), 0);
        self.transfer =
            if last { Transfer::None } else { Transfer::Upload { sent: sent + len, toggle: !toggle } };
        Ok(())
    }

    fn download(
        &mut self,
        command: u8,
        index: u16,
        subindex: u8,
        request: &[u8],
        around: &mut Surroundings<'_>,
        answer: &mut Vec<u8>,
    ) -> Result<(), (u16, u8, u32)> {
        self.transfer = Transfer::None;
        let complete = command & command::COMPLETE != 0;
        let at = |code| (index, subindex, code);
        let data = request.get(SDO_HEADER..).unwrap_or(&[]);
        let (head, rest) = data.split_first_chunk::<4>().ok_or(at(abort::LENGTH_LOW))?;
        self.buffer.clear();
        let size = if command & command::EXPEDITED != 0 {
            let unused = if command & command::SIZE != 0 { command >> 2 & 0b11 } else { 0 };
            let size = 4 - usize::from(unused);
            self.buffer.extend_from_slice(&head[..size]);
            size
        } else {
            let size = u32::from_le_bytes(*head) as usize;
            if size > self.buffer.capacity() {
                return Err(at(abort::LENGTH_HIGH));
            }
            self.buffer.extend_from_slice(&rest[..rest.len().min(size)]);
            size
        };
        if self.buffer.len() < size {
            self.transfer = Transfer::Download { index, subindex, complete, size, toggle: false };
        } else {
            self.store(index, subindex, complete, around).map_err(at)?;
        }
        push_header(answer, service::SDO_RESPONSE);
        push_sdo(answer, command::DOWNLOADED | command & command::COMPLETE, index, subindex);
        answer.extend_from_slice(&[0; 4]);
        Ok(())
    }

    fn download_segment(
        &mut self,
        command: u8,
        request: &[u8],
        around: &mut Surroundings<'_>,
        answer: &mut Vec<u8>,
    ) -> Result<(), (u16, u8, u32)> {
        let Transfer::Download { index, subindex, complete, size, toggle } = self.transfer else {
            return Err((0, 0, abort::COMMAND));
        };
        let at = |code| (index, subindex, code);
        if (command & command::TOGGLE != 0) != toggle {
            return Err(at(abort::TOGGLE));
        }
        let data = request.get(1..).unwrap_or(&[]);
        let unused = if data.len() == 7 { usize::from(command >> 1 & 0b111) } else { 0 };
        let data = &data[..data.len().saturating_sub(unused)];
        if self.buffer.len() + data.len() > size {
            return Err(at(abort::LENGTH_HIGH));
        }
        self.buffer.extend_from_slice(data);
        if command & command::LAST != 0 {
            if self.buffer.len() < size {
                return Err(at(abort::LENGTH_LOW));
            }
            self.transfer = Transfer::None;
            self.store(index, subindex, complete, around).map_err(at)?;
        } else {
            self.transfer = Transfer::Download { index, subindex, complete, size, toggle: !toggle };
        }
        push_header(answer, service::SDO_RESPONSE);
        answer.push(command::SEGMENT_DOWNLOADED | if toggle { command::TOGGLE } else { 0 });
        answer.extend_from_slice(&[0; 7]);
        Ok(())
    }

    fn store(
        &mut self,
        index: u16,
        subindex: u8,
        complete: bool,
        around: &mut Surroundings<'_>,
    ) -> Result<(), u32> {
        if complete {
            self.dictionary.download_all(index, subindex, &self.buffer, around)
        } else {
            self.dictionary.download(index, subindex, &self.buffer, around)
        }
    }
}

/// CoE header: number 0, service.
pub(super) fn push_header(answer: &mut Vec<u8>, service: u8) {
    answer.extend_from_slice(&[0, service << 4]);
}

fn push_sdo(answer: &mut Vec<u8>, command: u8, index: u16, subindex: u8) {
    answer.push(command);
    answer.extend_from_slice(&index.to_le_bytes());
    answer.push(subindex);
}
