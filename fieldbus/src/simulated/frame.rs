//! EtherCAT frames as bytes: Ethernet header, EtherCAT header, datagrams. ETG.1000.4 section 5.

/// Destination, source, EtherType.
pub const ETHERNET_HEADER: usize = 14;
/// Where the first datagram starts.
pub const DATAGRAMS: usize = ETHERNET_HEADER + 2;
/// Command, index, address, length, IRQ.
pub const DATAGRAM_HEADER: usize = 10;
/// Largest Ethernet frame, without the check sequence.
pub const FRAME_MAX: usize = 1514;

/// A datagram's command, ETG.1000.4 table 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Command {
    /// No operation.
    Nop = 0,
    /// Auto-increment physical read.
    Aprd = 1,
    /// Auto-increment physical write.
    Apwr = 2,
    /// Auto-increment physical read and write.
    Aprw = 3,
    /// Configured-address physical read.
    Fprd = 4,
    /// Configured-address physical write.
    Fpwr = 5,
    /// Configured-address physical read and write.
    Fprw = 6,
    /// Broadcast read: results are ORed.
    Brd = 7,
    /// Broadcast write.
    Bwr = 8,
    /// Broadcast read and write.
    Brw = 9,
    /// Logical read.
    Lrd = 10,
    /// Logical write.
    Lwr = 11,
    /// Logical read and write.
    Lrw = 12,
    /// Auto-increment: the one addressed reads, all others write.
    Armw = 13,
    /// Configured address: the one addressed reads, all others write.
    Frmw = 14,
}

impl Command {
    /// The command of this number; `None` is reserved and passed on untouched.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Nop,
            1 => Self::Aprd,
            2 => Self::Apwr,
            3 => Self::Aprw,
            4 => Self::Fprd,
            5 => Self::Fpwr,
            6 => Self::Fprw,
            7 => Self::Brd,
            8 => Self::Bwr,
            9 => Self::Brw,
            10 => Self::Lrd,
            11 => Self::Lwr,
            12 => Self::Lrw,
            13 => Self::Armw,
            14 => Self::Frmw,
            _ => return None,
        })
    }
}

/// One datagram inside a frame.
pub struct Datagram<'a> {
    /// The ten header bytes.
    pub header: &'a mut [u8; DATAGRAM_HEADER],
    /// The data.
    pub data: &'a mut [u8],
    /// The working counter.
    pub working_counter: &'a mut [u8; 2],
}

impl<'a> Datagram<'a> {
    /// The datagram at `*at`, which then points behind it. `None` if it does not fit into the frame.
    pub fn take(frame: &'a mut [u8], at: &mut usize) -> Option<Self> {
        let (header, rest) = frame.get_mut(*at..)?.split_first_chunk_mut::<DATAGRAM_HEADER>()?;
        let len = data_len(header);
        let (data, rest) = rest.split_at_mut_checked(len)?;
        let working_counter = rest.first_chunk_mut::<2>()?;
        *at += DATAGRAM_HEADER + len + 2;
        Some(Self { header, data, working_counter })
    }

    /// Whether another datagram follows.
    pub fn more(&self) -> bool {
        self.header[7] & 0x80 != 0
    }

    /// The first address word: position, station address, or the low half of a logical address.
    pub fn address(&self) -> u16 {
        u16::from_le_bytes([self.header[2], self.header[3]])
    }

    /// Count the auto-increment address up, as every SubDevice does.
    pub fn increment_address(&mut self) {
        let next = self.address().wrapping_add(1).to_le_bytes();
        self.header[2..4].copy_from_slice(&next);
    }

    /// The second address word: the physical address inside the SubDevice.
    pub fn offset(&self) -> u16 {
        u16::from_le_bytes([self.header[4], self.header[5]])
    }

    /// Both address words as a logical address.
    pub fn logical_address(&self) -> u32 {
        u32::from_le_bytes([self.header[2], self.header[3], self.header[4], self.header[5]])
    }

    /// Add to the working counter.
    pub fn count(&mut self, more: u16) {
        *self.working_counter = u16::from_le_bytes(*self.working_counter).wrapping_add(more).to_le_bytes();
    }

    /// OR event bits into the IRQ field.
    pub fn raise(&mut self, events: u16) {
        self.header[8] |= events.to_le_bytes()[0];
        self.header[9] |= events.to_le_bytes()[1];
    }
}

fn data_len(header: &[u8; DATAGRAM_HEADER]) -> usize {
    usize::from(u16::from_le_bytes([header[6], header[7]]) & 0x07ff)
}

/// Whether `frame` is an EtherCAT frame whose datagrams all lie inside it.
pub fn is_well_formed(frame: &[u8]) -> bool {
    let Some(&[a, b, c, d]) = frame.get(12..DATAGRAMS) else { return false };
    let header = u16::from_le_bytes([c, d]);
    let end = DATAGRAMS + usize::from(header & 0x07ff);
    if [a, b] != [0x88, 0xa4] || header >> 12 != 1 || end > frame.len() {
        return false;
    }
    let mut at = DATAGRAMS;
    loop {
        let Some(header) = frame.get(at..end).and_then(<[u8]>::first_chunk::<DATAGRAM_HEADER>) else {
            return false;
        };
        at += DATAGRAM_HEADER + data_len(header) + 2;
        if at > end {
            return false;
        }
        if header[7] & 0x80 == 0 {
            return true;
        }
    }
}
