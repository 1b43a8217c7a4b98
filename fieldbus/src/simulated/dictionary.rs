//! The object dictionary of one device as SDO services see it, ETG.1000.6 section 5.6.2.

use super::{process_data::ProcessData, state::AlState};
use sensai_devices::{
    DataType, DeviceDescription, Direction, EntryPlace, Object, ObjectAccess, ObjectEntry, SyncManagerKind,
    dictionary,
};

/// SDO abort codes, ETG.1000.6 table 41.
pub mod abort {
    /// Toggle bit not changed.
    pub const TOGGLE: u32 = 0x0503_0000;
    /// Client command specifier not valid or unknown.
    pub const COMMAND: u32 = 0x0504_0001;
    /// Unsupported access to an object.
    pub const UNSUPPORTED_ACCESS: u32 = 0x0601_0000;
    /// Attempt to read a write-only object.
    pub const WRITE_ONLY: u32 = 0x0601_0001;
    /// Attempt to write a read-only object.
    pub const READ_ONLY: u32 = 0x0601_0002;
    /// Subindex cannot be written, subindex 0 must be 0 for write access.
    pub const NOT_EMPTY: u32 = 0x0601_0003;
    /// The object does not exist.
    pub const NO_OBJECT: u32 = 0x0602_0000;
    /// The object cannot be mapped into the PDO.
    pub const NOT_MAPPABLE: u32 = 0x0604_0041;
    /// Data type does not match, length of service parameter does not match.
    pub const LENGTH: u32 = 0x0607_0010;
    /// Length of service parameter too high.
    pub const LENGTH_HIGH: u32 = 0x0607_0012;
    /// Length of service parameter too low.
    pub const LENGTH_LOW: u32 = 0x0607_0013;
    /// The subindex does not exist.
    pub const NO_SUBINDEX: u32 = 0x0609_0011;
    /// Value exceeds the range.
    pub const RANGE: u32 = 0x0609_0030;
    /// Not possible in the present device state.
    pub const STATE: u32 = 0x0800_0022;
}

/// CoE details, ETG.1000.6 table 21.
const DETAIL_PDO_ASSIGN: u8 = 1 << 2;
const DETAIL_PDO_CONFIGURATION: u8 = 1 << 3;
/// Entries a writable PDO mapping or assignment has room for.
const WRITABLE_ENTRIES: u8 = 32;

/// What an SDO is about besides its value.
pub struct Surroundings<'a> {
    /// Current AL state: PDOs can be changed in PRE-OP only.
    pub state: AlState,
    /// Mapped objects show live process data; a new PDO assignment changes its length.
    pub process: &'a mut ProcessData,
}

/// Objects by ascending index, with their present values.
#[derive(Debug)]
pub struct Dictionary {
    objects: Vec<Object>,
    live: Vec<EntryPlace>,
    /// PDOs are assigned and mapped as described, so that `live` is right.
    is_default: bool,
    assignable: bool,
    configurable: bool,
    /// Something was downloaded since somebody last asked.
    written: bool,
    /// SyncManagers that carry process data: number, and whether the MainDevice writes it.
    channels: Vec<(usize, Direction)>,
}

impl Dictionary {
    /// The description's objects, or those that follow from it if it has none.
    pub fn new(description: &DeviceDescription) -> Self {
        let details = description.mailbox.map_or(0, |mailbox| mailbox.coe_details);
        let mut objects = if description.objects.is_empty() {
            dictionary::Dictionary::of(description).build()
        } else {
            description.objects.clone()
        };
        objects.sort_by_key(|object| object.index);
        let (assignable, configurable) =
            (details & DETAIL_PDO_ASSIGN != 0, details & DETAIL_PDO_CONFIGURATION != 0);
        for object in &mut objects {
            match kind(object.index) {
                Kind::Assignment(_) if assignable => make_room(object, DataType::U16),
                Kind::Mapping if configurable => make_room(object, DataType::U32),
                _ => {}
            }
        }
        let live = [Direction::Input, Direction::Output]
            .into_iter()
            .flat_map(|direction| description.entries(direction))
            .map(|entry| entry.place)
            .collect();
        let channels = { description.sync_managers.iter().enumerate() }
            .filter_map(|(number, channel)| match channel.kind {
                SyncManagerKind::Outputs => Some((number, Direction::Output)),
                SyncManagerKind::Inputs => Some((number, Direction::Input)),
                _ => None,
            })
            .collect();
        Self { objects, live, is_default: true, assignable, configurable, written: false, channels }
    }

    /// PDOs are assigned and mapped as the description has them.
    pub fn is_default(&self) -> bool {
        self.is_default
    }

    /// Whether anything was downloaded since the last call.
    pub fn take_written(&mut self) -> bool {
        std::mem::take(&mut self.written)
    }

    /// Type and present value of an entry.
    pub fn value(&self, index: u16, subindex: u8) -> Option<(DataType, &[u8])> {
        let entries = &self.object(index).ok()?.entries;
        let entry = entries.iter().find(|entry| entry.subindex == subindex)?;
        Some((entry.data_type, &entry.value))
    }

    /// Let an entry show this, as the device's application. Nothing happens where there is no such entry, or one
    /// of another size.
    pub fn set_value(&mut self, index: u16, subindex: u8, value: &[u8]) {
        if let Ok(entry) = self.entry_mut(index, subindex)
            && entry.value.len() == value.len()
        {
            entry.value.copy_from_slice(value);
        }
    }

    /// Where the entries lie in the process data, by the PDO assignment and mapping as they are now; each
    /// SyncManager starts on a byte.
    pub fn for_each_mapped(&self, mut visit: impl FnMut(EntryPlace)) {
        let mut bits = [0_u32; 2];
        for &(number, direction) in &self.channels {
            let Ok(assignment) = u16::try_from(0x1c10 + number) else { continue };
            let offset = &mut bits[usize::from(direction == Direction::Output)];
            let assigned = self.object(assignment).into_iter().flat_map(elements);
            for mapping in assigned.filter_map(|pdo| self.object(pdo as u16).ok()).flat_map(elements) {
                let bit_len = (mapping & 0xff) as u16;
                let (index, subindex) = ((mapping >> 16) as u16, (mapping >> 8) as u8);
                let data_type = DataType::Bits(bit_len as u8);
                if index != 0 {
                    visit(EntryPlace { direction, index, subindex, bit_offset: *offset, bit_len, data_type });
                }
                *offset += u32::from(bit_len);
            }
            *offset = offset.next_multiple_of(8);
        }
    }

    /// All objects.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The object of this index.
    pub fn object(&self, index: u16) -> Result<&Object, u32> {
        let found = self.objects.binary_search_by_key(&index, |object| object.index);
        found.ok().and_then(|at| self.objects.get(at)).ok_or(abort::NO_OBJECT)
    }

    /// Where PDOs carry this entry by default.
    pub fn mapped(&self, index: u16, subindex: u8) -> Option<EntryPlace> {
        self.live.iter().find(|place| place.index == index && place.subindex == subindex).copied()
    }

    /// Bytes of the longest transfer of any object.
    pub fn transfer_max(&self) -> usize {
        let whole = |object: &Object| object.entries.iter().map(|entry| entry.value.len() + 2).sum::<usize>();
        self.objects.iter().map(whole).max().unwrap_or(0).max(8)
    }

    /// Upload one entry to the end of `to`.
    pub fn upload(
        &self,
        index: u16,
        subindex: u8,
        around: &Surroundings<'_>,
        to: &mut Vec<u8>,
    ) -> Result<(), u32> {
        let object = self.object(index)?;
        let entry = visible(object, subindex)?;
        if entry.access == ObjectAccess::Write {
            return Err(abort::WRITE_ONLY);
        }
        self.append(object, entry, around, to);
        Ok(())
    }

    /// Upload all entries from `subindex` (0 or 1) on. Subindex 0 takes 16 bits; neighbouring bit fields share
    /// bytes; everything else starts on a byte.
    pub fn upload_all(
        &self,
        index: u16,
        subindex: u8,
        around: &Surroundings<'_>,
        to: &mut Vec<u8>,
    ) -> Result<(), u32> {
        let object = self.object(index)?;
        let count = counted(object)?;
        if subindex > 1 {
            return Err(abort::NO_SUBINDEX);
        }
        let mut free_bits = 0;
        for entry in object.entries.iter().filter(|entry| (subindex..=count).contains(&entry.subindex)) {
            let start = to.len();
            self.append(object, entry, around, to);
            if entry.subindex == 0 {
                to.push(0);
            }
            free_bits = join_bits(to, start, bit_len(entry), free_bits);
        }
        Ok(())
    }

    fn append(&self, object: &Object, entry: &ObjectEntry, around: &Surroundings<'_>, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend_from_slice(&entry.value);
        if entry.access == ObjectAccess::Write {
            to[start..].fill(0);
        } else if let Some(place) = self.mapped(object.index, entry.subindex).filter(|_| self.is_default) {
            let image = match place.direction {
                Direction::Input => around.process.inputs(),
                Direction::Output => around.process.outputs(),
            };
            copy_bits(image, place.bit_offset as usize, &mut to[start..], usize::from(place.bit_len));
        }
    }

    /// Download one entry.
    pub fn download(
        &mut self,
        index: u16,
        subindex: u8,
        data: &[u8],
        around: &mut Surroundings<'_>,
    ) -> Result<(), u32> {
        self.check_write(index, subindex, data, around.state)?;
        let entry = self.entry_mut(index, subindex)?;
        entry.value.clear();
        entry.value.extend_from_slice(data);
        self.written = true;
        if subindex == 0 {
            self.pdos_changed(index, around.process);
        }
        Ok(())
    }

    /// Download all entries from `subindex` (0 or 1) on, laid out as [`Dictionary::upload_all`] does.
    /// Either all of them are taken or none.
    pub fn download_all(
        &mut self,
        index: u16,
        subindex: u8,
        data: &[u8],
        around: &mut Surroundings<'_>,
    ) -> Result<(), u32> {
        if subindex > 1 {
            return Err(abort::NO_SUBINDEX);
        }
        let object = self.object(index)?;
        counted(object)?;
        let is_list = kind(index) != Kind::Plain;
        let mut rest = data;
        let mut count = None;
        if subindex == 0 {
            let (&[low, _], after) = rest.split_first_chunk::<2>().ok_or(abort::LENGTH_LOW)?;
            (count, rest) = (Some(low), after);
            let present = visible(object, 0)?.value.first().copied();
            if !is_list && present != Some(low) {
                return Err(abort::READ_ONLY);
            }
        }
        self.check_all(index, rest, is_list, around.state)?;
        if is_list {
            self.check_access(index, visible(self.object(index)?, 0)?, around.state)?;
            let elements = rest.len() / self.element_len(index);
            let count = count.unwrap_or(elements as u8);
            if usize::from(count) != elements {
                return Err(abort::LENGTH);
            }
            self.entry_mut(index, 0)?.value[0] = count;
        }
        self.store_all(index, rest);
        self.written = true;
        self.pdos_changed(index, around.process);
        Ok(())
    }

    fn element_len(&self, index: u16) -> usize {
        if matches!(kind(index), Kind::Assignment(_)) { 2 } else { 4 }
    }

    fn check_all(&self, index: u16, data: &[u8], is_list: bool, state: AlState) -> Result<(), u32> {
        let mut at = Cursor::default();
        for entry in self.object(index)?.entries.iter().filter(|entry| entry.subindex > 0) {
            if is_list && at.bytes() == data.len() {
                break;
            }
            let value =
                at.take(data, entry).ok_or(if is_list { abort::LENGTH } else { abort::LENGTH_LOW })?;
            self.check_access(index, entry, state)?;
            self.check_value(index, entry.subindex, value.as_slice())?;
        }
        if at.bytes() < data.len() { Err(abort::LENGTH_HIGH) } else { Ok(()) }
    }

    fn store_all(&mut self, index: u16, data: &[u8]) {
        let Ok(at) = self.objects.binary_search_by_key(&index, |object| object.index) else { return };
        let mut cursor = Cursor::default();
        for entry in self.objects[at].entries.iter_mut().filter(|entry| entry.subindex > 0) {
            let Some(value) = cursor.take(data, entry) else { return };
            entry.value.clear();
            entry.value.extend_from_slice(value.as_slice());
        }
    }

    fn check_write(&self, index: u16, subindex: u8, data: &[u8], state: AlState) -> Result<(), u32> {
        let object = self.object(index)?;
        let entry =
            object.entries.iter().find(|entry| entry.subindex == subindex).ok_or(abort::NO_SUBINDEX)?;
        self.check_access(index, entry, state)?;
        let is_text = matches!(entry.data_type, DataType::Text | DataType::Octets);
        if is_text && data.len() > entry.value.capacity() {
            return Err(abort::LENGTH_HIGH);
        }
        if !is_text && data.len() != entry.value.len() {
            return Err(abort::LENGTH);
        }
        if kind(index) != Kind::Plain {
            let count = object.entries.first().and_then(|first| first.value.first()).copied().unwrap_or(0);
            if subindex > 0 && count != 0 {
                return Err(abort::NOT_EMPTY);
            }
            if subindex == 0 && data.first().is_some_and(|count| usize::from(*count) >= object.entries.len())
            {
                return Err(abort::RANGE);
            }
        }
        self.check_value(index, subindex, data)
    }

    fn check_access(&self, index: u16, entry: &ObjectEntry, state: AlState) -> Result<(), u32> {
        let writable = match kind(index) {
            Kind::Assignment(_) => self.assignable,
            Kind::Mapping => self.configurable,
            Kind::Plain => entry.access != ObjectAccess::Read,
        };
        match (writable, kind(index)) {
            (false, _) => Err(abort::READ_ONLY),
            (true, Kind::Plain) => Ok(()),
            (true, _) if state != AlState::PreOp => Err(abort::STATE),
            _ => Ok(()),
        }
    }

    /// Only PDOs that exist can be assigned, only objects that exist can be mapped.
    fn check_value(&self, index: u16, subindex: u8, data: &[u8]) -> Result<(), u32> {
        match (kind(index), subindex, data) {
            (Kind::Plain, ..) | (_, 0, _) => Ok(()),
            (Kind::Assignment(_), _, &[low, high]) => {
                let pdo = u16::from_le_bytes([low, high]);
                let exists = kind(pdo) == Kind::Mapping && self.object(pdo).is_ok();
                if exists { Ok(()) } else { Err(abort::NOT_MAPPABLE) }
            }
            (Kind::Mapping, _, &[_, sub, low, high]) => {
                let target = u16::from_le_bytes([low, high]);
                let exists = target == 0
                    || self.object(target).is_ok_and(|o| o.entries.iter().any(|e| e.subindex == sub));
                if exists { Ok(()) } else { Err(abort::NOT_MAPPABLE) }
            }
            _ => Err(abort::LENGTH),
        }
    }

    fn entry_mut(&mut self, index: u16, subindex: u8) -> Result<&mut ObjectEntry, u32> {
        let at =
            self.objects.binary_search_by_key(&index, |object| object.index).map_err(|_| abort::NO_OBJECT)?;
        let entries = self.objects[at].entries.iter_mut();
        { entries }.find(|entry| entry.subindex == subindex).ok_or(abort::NO_SUBINDEX)
    }

    /// A PDO assignment or mapping was written: process data has another length now.
    fn pdos_changed(&mut self, index: u16, process: &mut ProcessData) {
        if kind(index) == Kind::Plain {
            return;
        }
        self.is_default = false;
        for object in &self.objects {
            if let Kind::Assignment(sync_manager) = kind(object.index) {
                let bits: u32 = elements(object).map(|pdo| self.pdo_bits(pdo as u16)).sum();
                process.set_length(sync_manager, u16::try_from(bits.div_ceil(8)).unwrap_or(u16::MAX));
            }
        }
    }

    fn pdo_bits(&self, pdo: u16) -> u32 {
        self.object(pdo).map_or(0, |object| elements(object).map(|mapping| mapping & 0xff).sum())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// 0x1C10 + SyncManager.
    Assignment(usize),
    /// 0x1600 to 0x17FF, 0x1A00 to 0x1BFF.
    Mapping,
}

fn kind(index: u16) -> Kind {
    match index {
        0x1c10..=0x1c2f => Kind::Assignment(usize::from(index - 0x1c10)),
        0x1600..=0x17ff | 0x1a00..=0x1bff => Kind::Mapping,
        _ => Kind::Plain,
    }
}

/// The first `count` elements of a list, as subindex 0 says.
fn elements(object: &Object) -> impl Iterator<Item = u32> {
    let count = object.entries.first().and_then(|entry| entry.value.first()).copied().unwrap_or(0);
    object.entries.iter().skip(1).take(usize::from(count)).map(|entry| {
        let byte = |i: usize| entry.value.get(i).copied().unwrap_or(0);
        u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)])
    })
}

/// Give a list room for as many entries as can be written to it.
fn make_room(object: &mut Object, data_type: DataType) {
    let size = if data_type == DataType::U16 { 2 } else { 4 };
    let last = object.entries.last().map_or(0, |entry| entry.subindex);
    for subindex in last + 1..=WRITABLE_ENTRIES {
        object.entries.push(ObjectEntry {
            subindex,
            name: format!("SubIndex {subindex:03}"),
            data_type,
            access: ObjectAccess::ReadWrite,
            value: vec![0; size],
        });
    }
}

/// A list without elements has just its count.
pub fn is_variable(object: &Object) -> bool {
    object.entries.len() <= 1 && kind(object.index) == Kind::Plain
}

/// The highest subindex that can be read. A VAR has no others, and no complete access.
fn counted(object: &Object) -> Result<u8, u32> {
    match object.entries.as_slice() {
        _ if is_variable(object) => Err(abort::UNSUPPORTED_ACCESS),
        [first, ..] if first.subindex == 0 => first.value.first().copied().ok_or(abort::UNSUPPORTED_ACCESS),
        _ => Err(abort::UNSUPPORTED_ACCESS),
    }
}

fn visible(object: &Object, subindex: u8) -> Result<&ObjectEntry, u32> {
    let hidden = subindex > 0 && counted(object).is_ok_and(|count| subindex > count);
    let found = object.entries.iter().find(|entry| entry.subindex == subindex);
    found.filter(|_| !hidden).ok_or(abort::NO_SUBINDEX)
}

/// Size in bits; whole bytes for everything but bit fields.
pub fn bit_len(entry: &ObjectEntry) -> usize {
    match entry.data_type {
        DataType::Bool => 1,
        DataType::Bits(bits) => usize::from(bits),
        _ => entry.value.len() * 8,
    }
}

/// Move a bit field that was appended at `start` into the bits left free in the byte before it. Returns how
/// many bits are free in the last byte.
fn join_bits(data: &mut Vec<u8>, start: usize, bits: usize, free: usize) -> usize {
    if bits.is_multiple_of(8) {
        return 0;
    }
    if bits <= free && start > 0 {
        let value = data.get(start).copied().unwrap_or(0);
        data.truncate(start);
        if let Some(last) = data.last_mut() {
            *last |= value << (8 - free);
        }
        return free - bits;
    }
    (8 - bits % 8) % 8
}

/// Takes values one after the other, as [`join_bits`] lays them out.
#[derive(Default)]
struct Cursor {
    byte: usize,
    free: usize,
}

/// A value taken out: bytes, or a bit field in a byte of its own.
enum Taken<'a> {
    Bytes(&'a [u8]),
    Bits([u8; 1]),
}

impl Taken<'_> {
    fn as_slice(&self) -> &[u8] {
        match self {
            Taken::Bytes(bytes) => bytes,
            Taken::Bits(byte) => byte,
        }
    }
}

impl Cursor {
    fn bytes(&self) -> usize {
        self.byte
    }

    fn take<'a>(&mut self, data: &'a [u8], entry: &ObjectEntry) -> Option<Taken<'a>> {
        let bits = bit_len(entry);
        if bits >= 8 || bits == 0 {
            let bytes = data.get(self.byte..self.byte + entry.value.len())?;
            self.byte += bytes.len();
            self.free = (8 - bits % 8) % 8;
            return Some(Taken::Bytes(bytes));
        }
        if bits > self.free {
            data.get(self.byte)?;
            self.byte += 1;
            self.free = 8;
        }
        let byte = data.get(self.byte.checked_sub(1)?)?;
        let value = byte >> (8 - self.free) & ((1_u16 << bits) - 1) as u8;
        self.free -= bits;
        Some(Taken::Bits([value]))
    }
}

fn copy_bits(from: &[u8], from_bit: usize, to: &mut [u8], count: usize) {
    to.fill(0);
    for i in 0..count {
        let source = from_bit + i;
        if let (Some(byte), Some(place)) = (from.get(source / 8), to.get_mut(i / 8)) {
            *place |= (byte >> (source % 8) & 1) << (i % 8);
        }
    }
}
