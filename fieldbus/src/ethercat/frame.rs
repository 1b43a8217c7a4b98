//! Our own frames: laid out once, then sent again and again without allocating.
//!
//! Read first: ETG.1000.4 section 5.4 (EtherCAT frame, datagram, working counter). ethercrab sends from
//! `10:10:10:10:10:10`, we send from `10:10:10:10:20:<frame number>`; of the source address a SubDevice changes only
//! bit 1 of the first byte, so the last two bytes tell whose frame came back. Indices cannot tell that: ethercrab uses
//! all 256 of them.

/// Longest Ethernet frame without its check sequence.
pub const FRAME_MAX: usize = 1514;
/// Shortest one; shorter frames are padded.
const FRAME_MIN: usize = 60;
/// Ethernet and EtherCAT headers.
const HEADERS: usize = 16;
/// Header and working counter of one datagram.
pub const DATAGRAM_OVERHEAD: usize = 12;
/// Most data one datagram can carry in a frame of its own.
pub const DATA_MAX: usize = FRAME_MAX - HEADERS - DATAGRAM_OVERHEAD;

/// Last bytes of our source address but for the frame number; the first is compared apart (see [`PROCESSED`]).
const SOURCE: [u8; 4] = [0x10, 0x10, 0x10, 0x20];
/// First byte of the source address as sent.
const SOURCE_FIRST: u8 = 0x10;
/// The bit of the first source byte that the first SubDevice sets: a frame without it has met none.
const PROCESSED: u8 = 0x02;
const ETHER_TYPE: [u8; 2] = [0x88, 0xa4];

/// Command codes, ETG.1000.4 table 13.
pub mod command {
    #![allow(missing_docs)] // The standard's own names.
    pub const APRD: u8 = 1;
    pub const APWR: u8 = 2;
    pub const FPRD: u8 = 4;
    pub const FPWR: u8 = 5;
    pub const BRD: u8 = 7;
    pub const BWR: u8 = 8;
    pub const LRD: u8 = 10;
    pub const LWR: u8 = 11;
    pub const LRW: u8 = 12;
}

/// Command and address of a datagram, as its header carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    command: u8,
    /// Logical, or register << 16 | station.
    address: u32,
}

impl Address {
    fn device(command: u8, station: u16, register: u16) -> Self {
        Self { command, address: u32::from(register) << 16 | u32::from(station) }
    }

    /// Read a register of the device at a position, whatever its station address.
    pub fn aprd(position: u16, register: u16) -> Self {
        Self::device(command::APRD, position.wrapping_neg(), register)
    }

    /// Write a register of the device at a position.
    pub fn apwr(position: u16, register: u16) -> Self {
        Self::device(command::APWR, position.wrapping_neg(), register)
    }

    /// Read a register of the device with a station address.
    pub fn fprd(station: u16, register: u16) -> Self {
        Self::device(command::FPRD, station, register)
    }

    /// Write a register of the device with a station address.
    pub fn fpwr(station: u16, register: u16) -> Self {
        Self::device(command::FPWR, station, register)
    }

    /// Read a register of all devices, ORed.
    pub fn brd(register: u16) -> Self {
        Self::device(command::BRD, 0, register)
    }

    /// Write a register of all devices.
    pub fn bwr(register: u16) -> Self {
        Self::device(command::BWR, 0, register)
    }

    /// Process data: `command` is LRD, LWR or LRW.
    pub fn logical(command: u8, address: u32) -> Self {
        debug_assert!(matches!(command, command::LRD | command::LWR | command::LRW));
        Self { command, address }
    }

    /// Devices count up the address field of auto-increment and broadcast commands (those below LRD but FPxx).
    fn is_counted_up(self) -> bool {
        matches!(self.command, 1..=3 | 7..=9 | 13)
    }
}

/// A datagram's place in its frame; its working counter follows its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Offset of the data in the frame.
    pub at: usize,
    /// Length of the data.
    pub len: usize,
}

/// What became of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The one awaited; its data is in the frame now.
    Fresh,
    /// An answer to an earlier sending, which nobody waits for any more. Dropped.
    Late,
    /// Damaged, duplicated or foreign. Dropped.
    Stray,
}

/// A frame of ours, and the last good reply to it.
#[derive(Clone, Debug)]
pub struct OwnFrame {
    sent: Vec<u8>,
    reply: Vec<u8>,
    /// Where the datagram headers start.
    headers: Vec<usize>,
    /// End of the last datagram; padding follows.
    end: usize,
    /// Counts the sendings. Datagram *n* carries byte *n* mod 4 of it as its index.
    sequence: u32,
    /// Bit *n*: the sending *n + 1* before the last was not answered (yet).
    unanswered: u64,
    state: State,
}

/// Where the last sending is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its reply is awaited.
    Open,
    /// Its reply is in.
    Fresh,
    /// Given up; its reply would be late.
    Expired,
    /// Nothing was sent, or a late reply has come.
    Done,
}

impl OwnFrame {
    /// An empty frame with this number.
    pub fn new(number: u8) -> Self {
        let mut sent = vec![0xff; 6];
        sent.push(SOURCE_FIRST);
        sent.extend(SOURCE);
        sent.push(number);
        sent.extend(ETHER_TYPE);
        sent.extend([0, 0]);
        sent.resize(FRAME_MIN, 0);
        let reply = sent.clone();
        Self {
            sent,
            reply,
            headers: Vec::new(),
            end: HEADERS,
            sequence: 0,
            unanswered: 0,
            state: State::Done,
        }
    }

    /// Bytes of data one more datagram can carry.
    pub fn room(&self) -> usize {
        (FRAME_MAX - self.end).saturating_sub(DATAGRAM_OVERHEAD)
    }

    /// Append a datagram. At most [`OwnFrame::room`] bytes.
    pub fn push(&mut self, address: Address, len: usize) -> Slot {
        assert!(len <= self.room(), "{len} bytes do not fit into the frame");
        if let Some(&last) = self.headers.last() {
            self.sent[last + 7] |= 0x80; // "another datagram follows"
        }
        let header = self.end;
        self.headers.push(header);
        self.sent.truncate(header);
        self.sent.extend([address.command, 0]);
        self.sent.extend(address.address.to_le_bytes());
        self.sent.extend((len as u16).to_le_bytes());
        self.sent.extend([0, 0]);
        let slot = Slot { at: self.sent.len(), len };
        self.end = slot.at + len + 2;
        self.sent.resize(self.end.max(FRAME_MIN), 0);
        let payload = (self.end - HEADERS) as u16 | 0x1000;
        self.sent[14..16].copy_from_slice(&payload.to_le_bytes());
        self.reply.clone_from(&self.sent);
        slot
    }

    /// Drop all datagrams; sendings go on being counted, so that late replies are still told apart.
    pub fn clear(&mut self) {
        self.headers.clear();
        self.end = HEADERS;
    }

    /// Point a datagram at another address with the same command.
    pub fn readdress(&mut self, slot: Slot, address: Address) {
        let header = slot.at - 10;
        debug_assert!(self.sent[header] == address.command);
        self.sent[header + 2..header + 6].copy_from_slice(&address.address.to_le_bytes());
    }

    /// The data to send.
    pub fn outputs(&mut self, slot: Slot) -> &mut [u8] {
        &mut self.sent[slot.at..slot.at + slot.len]
    }

    /// The data of the last good reply.
    pub fn inputs(&self, slot: Slot) -> &[u8] {
        &self.reply[slot.at..slot.at + slot.len]
    }

    /// The working counter of the last good reply.
    pub fn working_counter(&self, slot: Slot) -> u16 {
        u16::from_le_bytes([self.reply[slot.at + slot.len], self.reply[slot.at + slot.len + 1]])
    }

    /// The reply to the last sending is in.
    pub fn is_fresh(&self) -> bool {
        self.state == State::Fresh
    }

    /// Stop waiting: a reply that comes from now on is late.
    pub fn expire(&mut self) {
        if self.state == State::Open {
            self.state = State::Expired;
        }
    }

    /// The bytes to send, under the next indices.
    pub fn arm(&mut self) -> &[u8] {
        let missing = matches!(self.state, State::Open | State::Expired);
        self.unanswered = self.unanswered << 1 | u64::from(missing);
        self.state = State::Open;
        self.sequence = self.sequence.wrapping_add(1);
        for (n, &at) in self.headers.iter().enumerate() {
            self.sent[at + 1] = index(self.sequence, n);
        }
        &self.sent
    }

    /// Take `frame` if it is the reply awaited: commands, indices, addresses and lengths of all datagrams are as sent.
    pub fn accept(&mut self, frame: &[u8]) -> Reply {
        let Some(frame) = frame.get(..self.end) else { return Reply::Stray };
        let Some(&first) = self.headers.first() else { return Reply::Stray };
        let age = (self.sequence as u8).wrapping_sub(frame[first + 1]);
        if !self.is_answer(frame, self.sequence.wrapping_sub(u32::from(age))) {
            return Reply::Stray;
        }
        match age {
            0 if self.state == State::Open && self.has_addresses(frame) => {
                self.reply[..self.end].copy_from_slice(frame);
                self.state = State::Fresh;
                Reply::Fresh
            }
            0 if self.state == State::Expired => {
                self.state = State::Done;
                Reply::Late
            }
            1..=64 if self.unanswered >> (age - 1) & 1 == 1 => {
                self.unanswered &= !(1 << (age - 1));
                Reply::Late
            }
            _ => Reply::Stray,
        }
    }

    /// Met by a SubDevice, undamaged in all fields that devices leave alone, and sent as number `sequence`.
    fn is_answer(&self, frame: &[u8], sequence: u32) -> bool {
        frame[6] == SOURCE_FIRST | PROCESSED
            && frame[12..HEADERS] == self.sent[12..HEADERS]
            && self.headers.iter().enumerate().all(|(n, &at)| {
                frame[at] == self.sent[at]
                    && frame[at + 1] == index(sequence, n)
                    && frame[at + 6..at + 8] == self.sent[at + 6..at + 8]
            })
    }

    fn has_addresses(&self, frame: &[u8]) -> bool {
        self.headers.iter().all(|&at| {
            let counted_up = Address { command: self.sent[at], address: 0 }.is_counted_up();
            let from = at + if counted_up { 4 } else { 2 };
            frame[from..at + 6] == self.sent[from..at + 6]
        })
    }
}

fn index(sequence: u32, datagram: usize) -> u8 {
    sequence.to_le_bytes()[datagram % 4]
}

/// The number of the frame of ours that `frame` claims to be; `None` if it is not ours at all.
pub fn own_number(frame: &[u8]) -> Option<u8> {
    (frame.get(7..11)? == SOURCE && frame.get(12..14)? == ETHER_TYPE).then_some(*frame.get(11)?)
}

/// An EtherCAT frame whose lengths agree with each other, as far as they can be checked without knowing what was sent.
/// ethercrab copies what it is given, so it is given nothing else.
pub fn is_well_formed(frame: &[u8]) -> bool {
    let word = |at: usize| Some(usize::from(u16::from_le_bytes([*frame.get(at)?, *frame.get(at + 1)?])));
    if frame.len() > FRAME_MAX || frame.get(12..14) != Some(&ETHER_TYPE) {
        return false;
    }
    let Some(header) = word(14) else { return false };
    let end = HEADERS + (header & 0x07ff);
    let mut at = HEADERS;
    while let Some(length) = word(at + 6) {
        at += DATAGRAM_OVERHEAD + (length & 0x07ff);
        if length & 0x8000 == 0 {
            return header >> 12 == 1 && at == end && end <= frame.len();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sent bytes as the first device gives them back.
    fn answered(frame: &mut OwnFrame) -> Vec<u8> {
        let mut bytes = frame.arm().to_vec();
        bytes[6] |= PROCESSED;
        bytes
    }

    fn two_datagrams() -> (OwnFrame, Slot, Slot) {
        let mut frame = OwnFrame::new(3);
        let data = frame.push(Address::logical(command::LRW, 0x1_0000), 5);
        let state = frame.push(Address::brd(0x0130), 2);
        (frame, data, state)
    }

    #[test]
    fn the_layout_is_the_standards() {
        let (mut frame, data, state) = two_datagrams();
        frame.outputs(data).copy_from_slice(&[1, 2, 3, 4, 5]);
        let bytes = frame.arm().to_vec();
        assert_eq!(bytes.len(), 60);
        assert_eq!(bytes[6..16], [0x10, 0x10, 0x10, 0x10, 0x20, 3, 0x88, 0xa4, 31, 0x10]);
        assert_eq!(bytes[16..26], [12, 1, 0, 0, 1, 0, 5, 0x80, 0, 0]);
        assert_eq!(bytes[26..33], [1, 2, 3, 4, 5, 0, 0]);
        assert_eq!(bytes[33..43], [7, 0, 0, 0, 0x30, 1, 2, 0, 0, 0]);
        assert_eq!((data.at, state.at), (26, 43));
        assert!(is_well_formed(&bytes));
        assert_eq!(own_number(&bytes), Some(3));
    }

    #[test]
    fn a_reply_is_taken_once() {
        let (mut frame, data, state) = two_datagrams();
        let mut reply = answered(&mut frame);
        reply[35] = 7; // A broadcast's address field counts the devices.
        reply[state.at..state.at + 4].copy_from_slice(&[8, 0, 7, 0]);
        reply[data.at] = 9;
        assert_eq!(frame.accept(&reply), Reply::Fresh);
        assert!(frame.is_fresh());
        assert_eq!((frame.inputs(data)[0], frame.working_counter(state)), (9, 7));
        assert_eq!(frame.accept(&reply), Reply::Stray);
    }

    #[test]
    fn a_late_reply_is_told_from_a_duplicate() {
        let (mut frame, ..) = two_datagrams();
        let first = answered(&mut frame);
        let second = answered(&mut frame);
        assert_eq!(frame.accept(&first), Reply::Late);
        assert_eq!(frame.accept(&first), Reply::Stray);
        assert_eq!(frame.accept(&second), Reply::Fresh);
        let third = answered(&mut frame);
        assert_eq!(frame.accept(&second), Reply::Stray);
        assert_eq!(frame.accept(&third), Reply::Fresh);
    }

    #[test]
    fn a_reply_to_an_expired_frame_is_late() {
        let (mut frame, ..) = two_datagrams();
        let reply = answered(&mut frame);
        frame.expire();
        assert_eq!(frame.accept(&reply), Reply::Late);
        assert!(!frame.is_fresh());
        assert_eq!(frame.accept(&reply), Reply::Stray);
        answered(&mut frame);
        assert_eq!(frame.accept(&reply), Reply::Stray);
    }

    #[test]
    fn a_reply_of_256_sendings_ago_is_not_taken_for_this_one() {
        let (mut frame, ..) = two_datagrams();
        let old = answered(&mut frame);
        (0..255).for_each(|_| drop(answered(&mut frame)));
        let now = answered(&mut frame);
        assert_eq!(old[17], now[17]);
        assert_eq!(frame.accept(&old), Reply::Stray);
        assert_eq!(frame.accept(&now), Reply::Fresh);
    }

    #[test]
    fn a_frame_that_met_no_device_is_stray() {
        let (mut frame, ..) = two_datagrams();
        let echo = frame.arm().to_vec();
        assert_eq!(frame.accept(&echo), Reply::Stray);
    }

    #[test]
    fn a_late_reply_may_carry_another_address() {
        let mut frame = OwnFrame::new(0);
        let slot = frame.push(Address::fprd(0x1000, 0x0130), 6);
        let first = answered(&mut frame);
        frame.readdress(slot, Address::fprd(0x1001, 0x0130));
        let second = answered(&mut frame);
        assert_eq!(frame.accept(&first), Reply::Late);
        let mut wrong = second.clone();
        wrong[18] = 0x07;
        assert_eq!(frame.accept(&wrong), Reply::Stray);
        assert_eq!(frame.accept(&second), Reply::Fresh);
    }

    proptest! {
        /// Whatever arrives: no panic, and nothing is taken that differs in a field devices do not touch.
        #[test]
        fn damage_in_a_header_is_never_accepted(at in 12_usize..55, with in 1_u8..=255) {
            let (mut frame, data, state) = two_datagrams();
            let mut reply = answered(&mut frame);
            reply[at] ^= with;
            let harmless = (data.at..data.at + data.len + 2).contains(&at) // data and working counter
                || (state.at..state.at + state.len + 2).contains(&at)
                || [24, 25, 41, 42].contains(&at) // IRQ
                || [35, 36].contains(&at) // counted up by devices
                || at >= frame.end;
            prop_assert_eq!(frame.accept(&reply) == Reply::Fresh, harmless);
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let (mut frame, ..) = two_datagrams();
            frame.arm();
            prop_assert_ne!(frame.accept(&bytes), Reply::Fresh);
            let _ = (own_number(&bytes), is_well_formed(&bytes));
        }

        #[test]
        fn truncated_frames_are_not_well_formed(len in 0_usize..47) {
            let (mut frame, ..) = two_datagrams();
            let bytes = answered(&mut frame);
            prop_assert!(!is_well_formed(&bytes[..len]));
            prop_assert_eq!(frame.accept(&bytes[..len]), Reply::Stray);
        }
    }
}
