//! Logical access through the FMMUs, ETG.1000.4 section 6.5. Looked up in the registers on every access.

use super::{
    device::SimulatedDevice,
    frame::FRAME_MAX,
    memory::Combine,
    registers::{DIGITAL_IO, FMMU},
};

/// An FMMU's registers at one moment.
#[derive(Clone, Copy, Debug)]
struct Fmmu {
    logical: u64,
    length: u64,
    start_bit: u64,
    stop_bit: u64,
    physical: u64,
    physical_bit: u64,
    reads: bool,
    writes: bool,
}

/// The part of a mapping that a datagram covers, in bits from the start of each side.
#[derive(Clone, Copy, Debug)]
struct Overlap {
    /// First bit in the datagram.
    datagram_bit: usize,
    /// First bit in physical memory.
    physical_bit: u64,
    bits: usize,
}

impl Fmmu {
    fn overlap(self, address: u32, len: usize) -> Option<Overlap> {
        let first = self.logical * 8 + self.start_bit;
        let end = (self.logical * 8 + self.length * 8).checked_sub(7 - self.stop_bit)?;
        let from = first.max(u64::from(address) * 8);
        let to = end.min((u64::from(address) + len as u64) * 8);
        (self.length > 0 && from < to).then(|| Overlap {
            datagram_bit: (from - u64::from(address) * 8) as usize,
            physical_bit: self.physical * 8 + self.physical_bit + (from - first),
            bits: (to - from) as usize,
        })
    }
}

impl Overlap {
    /// Byte ranges if everything starts and ends on bytes.
    fn bytes(self) -> Option<(usize, u16, usize)> {
        let aligned =
            (self.datagram_bit | self.bits).is_multiple_of(8) && self.physical_bit.is_multiple_of(8);
        let physical = u16::try_from(self.physical_bit / 8).ok()?;
        aligned.then_some((self.datagram_bit / 8, physical, self.bits / 8))
    }

    /// First physical byte, and how many hold the bits.
    fn physical(self) -> Option<(u16, usize)> {
        let first = u16::try_from(self.physical_bit / 8).ok()?;
        let bits = (self.physical_bit % 8) as usize + self.bits;
        Some((first, bits.div_ceil(8)))
    }
}

impl SimulatedDevice {
    fn fmmu(&self, number: usize) -> Option<Fmmu> {
        let at = FMMU + 16 * number;
        let &[a0, a1, a2, a3, l0, l1, start_bit, stop_bit, p0, p1, physical_bit, kind, activate, ..] =
            self.memory.get(at..at + 16)?
        else {
            return None;
        };
        (activate & 1 != 0).then(|| Fmmu {
            logical: u64::from(u32::from_le_bytes([a0, a1, a2, a3])),
            length: u64::from(u16::from_le_bytes([l0, l1])),
            start_bit: u64::from(start_bit & 7),
            stop_bit: u64::from(stop_bit & 7),
            physical: u64::from(u16::from_le_bytes([p0, p1])),
            physical_bit: u64::from(physical_bit & 7),
            reads: kind & 1 != 0,
            writes: kind & 2 != 0,
        })
    }

    /// Fill the mapped bits of `data` with inputs; true if there were any.
    pub(super) fn logical_read(&mut self, address: u32, data: &mut [u8], now_ns: u64) -> bool {
        let mut any = false;
        for number in 0..self.fmmu_count {
            let Some(fmmu) = self.fmmu(number).filter(|fmmu| fmmu.reads) else { continue };
            let Some(part) = fmmu.overlap(address, data.len()) else { continue };
            any |= match part.bytes() {
                Some((at, physical, len)) => {
                    self.read(physical, &mut data[at..at + len], Combine::Copy, now_ns)
                }
                None => self.read_bits(part, data, now_ns),
            };
        }
        any
    }

    fn read_bits(&mut self, part: Overlap, data: &mut [u8], now_ns: u64) -> bool {
        let mut buffer = [0; FRAME_MAX + 1];
        let Some((first, len)) = part.physical() else { return false };
        let Some(bytes) = buffer.get_mut(..len) else { return false };
        if !self.read(first, bytes, Combine::Copy, now_ns) {
            return false;
        }
        copy_bits(bytes, (part.physical_bit % 8) as usize, data, part.datagram_bit, part.bits);
        true
    }

    /// Take the mapped bits of `data` as outputs; true if there were any.
    pub(super) fn logical_write(&mut self, address: u32, data: &[u8], now_ns: u64) -> bool {
        let mut any = false;
        for number in 0..self.fmmu_count {
            let Some(fmmu) = self.fmmu(number).filter(|fmmu| fmmu.writes) else { continue };
            let Some(part) = fmmu.overlap(address, data.len()) else { continue };
            any |= match part.bytes() {
                Some((at, physical, len)) => self.write(physical, &data[at..at + len], now_ns),
                None => self.write_bits(part, data, now_ns),
            };
        }
        any
    }

    /// The bits around the mapped ones keep what was written to them last.
    fn write_bits(&mut self, part: Overlap, data: &[u8], now_ns: u64) -> bool {
        let mut buffer = [0; FRAME_MAX + 1];
        let Some((first, len)) = part.physical() else { return false };
        let at = usize::from(first);
        let (Some(bytes), Some(memory)) = (buffer.get_mut(..len), self.memory.get(at..at + len)) else {
            return false;
        };
        if at < DIGITAL_IO {
            return false; // Registers are no process data.
        }
        bytes.copy_from_slice(memory);
        copy_bits(data, part.datagram_bit, bytes, (part.physical_bit % 8) as usize, part.bits);
        self.write(first, bytes, now_ns)
    }
}

/// Copy `count` bits, least significant bit of the first byte first.
fn copy_bits(from: &[u8], from_bit: usize, to: &mut [u8], to_bit: usize, count: usize) {
    for i in 0..count {
        let (source, target) = (from_bit + i, to_bit + i);
        let Some(byte) = from.get(source / 8) else { return };
        let Some(place) = to.get_mut(target / 8) else { return };
        let mask = 1 << (target % 8);
        *place = if byte >> (source % 8) & 1 != 0 { *place | mask } else { *place & !mask };
    }
}
