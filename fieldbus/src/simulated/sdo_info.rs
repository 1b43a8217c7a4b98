//! SDO information: which objects there are, and what they are. ETG.1000.6 section 5.6.3.

use super::{
    coe::{COE_HEADER, Refusal, push_header, service},
    dictionary::{Dictionary, abort, bit_len, is_variable},
};
use sensai_devices::{DataType, Direction, Object, ObjectAccess, ObjectEntry};

/// Opcode, reserved, fragments left.
const INFO_HEADER: usize = 4;
/// Bit 7 of the opcode byte: more fragments follow.
const INCOMPLETE: u8 = 0x80;

mod opcode {
    pub const LIST: u8 = 1;
    pub const LIST_RESPONSE: u8 = 2;
    pub const OBJECT: u8 = 3;
    pub const OBJECT_RESPONSE: u8 = 4;
    pub const ENTRY: u8 = 5;
    pub const ENTRY_RESPONSE: u8 = 6;
    pub const ERROR: u8 = 7;
}

/// One answer at a time, sent in as many fragments as it takes.
#[derive(Debug)]
pub struct InfoServer {
    opcode: u8,
    data: Vec<u8>,
    sent: usize,
}

impl InfoServer {
    /// With room for the longest answer the dictionary can need.
    pub fn new(dictionary: &Dictionary) -> Self {
        let names = dictionary.objects().iter().flat_map(|object| {
            [object.name.len()].into_iter().chain(object.entries.iter().map(|entry| entry.name.len()))
        });
        let room = (2 + 2 * dictionary.objects().len()).max(16 + names.max().unwrap_or(0));
        Self { opcode: 0, data: Vec::with_capacity(room), sent: 0 }
    }

    /// Drop what has not been sent.
    pub fn reset(&mut self) {
        self.data.clear();
        self.sent = 0;
    }

    /// Answer a request with the first fragment.
    pub fn request(
        &mut self,
        request: &[u8],
        room: usize,
        dictionary: &Dictionary,
        answer: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        let (header, rest) = request.split_first_chunk::<INFO_HEADER>().ok_or(Refusal::TooShort)?;
        self.reset();
        let word = |at: usize| {
            let bytes = rest.get(at..).and_then(|rest| rest.first_chunk::<2>());
            bytes.map(|bytes| u16::from_le_bytes(*bytes)).ok_or(Refusal::TooShort)
        };
        let found = match header[0] & 0x7f {
            opcode::LIST => self.list(word(0)?, dictionary),
            opcode::OBJECT => dictionary.object(word(0)?).map(|object| self.object(object)),
            opcode::ENTRY => {
                let (index, subindex) = (word(0)?, *rest.get(2).ok_or(Refusal::TooShort)?);
                self.entry(index, subindex, dictionary)
            }
            _ => Err(abort::COMMAND),
        };
        if let Err(code) = found {
            self.reset();
            self.opcode = opcode::ERROR;
            self.data.extend_from_slice(&code.to_le_bytes());
        }
        Ok(self.next_fragment(room, answer))
    }

    /// Append the next fragment, of at most `room` bytes; false if everything is sent.
    pub fn next_fragment(&mut self, room: usize, answer: &mut Vec<u8>) -> bool {
        let capacity = room.saturating_sub(COE_HEADER + INFO_HEADER) & !1;
        let rest = self.data.get(self.sent..).unwrap_or(&[]);
        if rest.is_empty() || capacity == 0 {
            return false;
        }
        let len = rest.len().min(capacity);
        let left = (rest.len() - len).div_ceil(capacity) as u16;
        push_header(answer, service::SDO_INFORMATION);
        answer.extend_from_slice(&[self.opcode | if left > 0 { INCOMPLETE } else { 0 }, 0]);
        answer.extend_from_slice(&left.to_le_bytes());
        answer.extend_from_slice(&rest[..len]);
        self.sent += len;
        true
    }

    /// List types: 0 how many of each, 1 all, 2 and 3 mappable in RxPDOs and TxPDOs, 4 stored, 5 settings.
    fn list(&mut self, list: u16, dictionary: &Dictionary) -> Result<(), u32> {
        if list > 5 {
            return Err(abort::RANGE);
        }
        self.opcode = opcode::LIST_RESPONSE;
        self.data.extend_from_slice(&list.to_le_bytes());
        if list == 0 {
            for list in 1..=5 {
                let count = dictionary.objects().iter().filter(|o| is_in_list(o, list, dictionary)).count();
                self.data.extend_from_slice(&(count as u16).to_le_bytes());
            }
        } else {
            for object in dictionary.objects().iter().filter(|object| is_in_list(object, list, dictionary)) {
                self.data.extend_from_slice(&object.index.to_le_bytes());
            }
        }
        Ok(())
    }

    fn object(&mut self, object: &Object) {
        self.opcode = opcode::OBJECT_RESPONSE;
        let highest = object.entries.last().map_or(0, |entry| entry.subindex);
        let data_type = match object.entries.as_slice() {
            [only] if is_variable(object) => data_type_code(only.data_type),
            [_, rest @ ..] if is_array(rest) => {
                rest.first().map_or(0, |first| data_type_code(first.data_type))
            }
            _ => 0, // A record has a type of its own, which nobody has defined.
        };
        self.data.extend_from_slice(&object.index.to_le_bytes());
        self.data.extend_from_slice(&data_type.to_le_bytes());
        self.data.extend_from_slice(&[highest, object_code(object)]);
        self.data.extend_from_slice(object.name.as_bytes());
    }

    fn entry(&mut self, index: u16, subindex: u8, dictionary: &Dictionary) -> Result<(), u32> {
        let object = dictionary.object(index)?;
        let entry = object.entries.iter().find(|entry| entry.subindex == subindex);
        let entry = entry.ok_or(abort::NO_SUBINDEX)?;
        self.opcode = opcode::ENTRY_RESPONSE;
        self.data.extend_from_slice(&index.to_le_bytes());
        self.data.extend_from_slice(&[subindex, 0]); // No unit, default, minimum or maximum follows.
        self.data.extend_from_slice(&data_type_code(entry.data_type).to_le_bytes());
        self.data.extend_from_slice(&(bit_len(entry) as u16).to_le_bytes());
        self.data.extend_from_slice(&access(index, entry, dictionary).to_le_bytes());
        self.data.extend_from_slice(entry.name.as_bytes());
        Ok(())
    }
}

fn is_in_list(object: &Object, list: u16, dictionary: &Dictionary) -> bool {
    let mapped = |direction| {
        object.entries.iter().any(|entry| {
            dictionary.mapped(object.index, entry.subindex).is_some_and(|place| place.direction == direction)
        })
    };
    match list {
        1 => true,
        2 => mapped(Direction::Output),
        3 => mapped(Direction::Input),
        5 => (0x8000..=0x8fff).contains(&object.index),
        _ => false,
    }
}

/// ETG.1000.6 table 48: 7 VAR, 8 ARRAY, 9 RECORD.
fn object_code(object: &Object) -> u8 {
    match object.entries.as_slice() {
        _ if is_variable(object) => 7,
        [_, rest @ ..] if is_array(rest) => 8,
        _ => 9,
    }
}

fn is_array(elements: &[ObjectEntry]) -> bool {
    elements.len() != 1 && elements.windows(2).all(|pair| pair[0].data_type == pair[1].data_type)
}

/// Object access, ETG.1000.6 table 46: read and write in PRE-OP, SAFE-OP, OP; mappable; setting.
fn access(index: u16, entry: &ObjectEntry, dictionary: &Dictionary) -> u16 {
    let rights = match entry.access {
        ObjectAccess::Read => 0x0007,
        ObjectAccess::ReadWrite => 0x003f,
        ObjectAccess::Write => 0x0038,
    };
    let mappable = match dictionary.mapped(index, entry.subindex).map(|place| place.direction) {
        Some(Direction::Output) => 1 << 6,
        Some(Direction::Input) => 1 << 7,
        None => 0,
    };
    let setting = if (0x8000..=0x8fff).contains(&index) { 1 << 9 } else { 0 };
    rights | mappable | setting
}

/// Index of the data type's object, ETG.1020 table 98.
fn data_type_code(data_type: DataType) -> u16 {
    match data_type {
        DataType::Bool => 0x0001,
        DataType::I8 => 0x0002,
        DataType::I16 => 0x0003,
        DataType::I32 => 0x0004,
        DataType::U8 => 0x0005,
        DataType::U16 => 0x0006,
        DataType::U32 => 0x0007,
        DataType::F32 => 0x0008,
        DataType::Text => 0x0009,
        DataType::Octets => 0x000a,
        DataType::F64 => 0x0011,
        DataType::I64 => 0x0015,
        DataType::U64 => 0x001b,
        DataType::Bits(bits @ 1..=8) => 0x0030 + u16::from(bits) - 1,
        DataType::Bits(9..=16) => 0x002e,
        DataType::Bits(_) => 0x002f,
    }
}
