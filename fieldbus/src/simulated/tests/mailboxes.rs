//! Mailbox handshake, SDO, SDO information, emergencies.

use super::bench::{Bench, described};
use crate::simulated::{Emergency, Fault, frame::Command, registers::*};
use sensai_devices::{DataType, DeviceDescription, Object, ObjectAccess, ObjectEntry};

/// A device with one of each kind of object, and a mailbox small enough to need segments.
fn device() -> DeviceDescription {
    let mut description = (*described("EL5101")).clone();
    let mailbox = description.mailbox.as_mut().expect("has a mailbox");
    mailbox.coe_details |= 1 << 2 | 1 << 3; // PDOs can be assigned and mapped.
    let entry = |subindex, data_type, access, value: &[u8]| ObjectEntry {
        subindex,
        name: format!("Entry {subindex}"),
        data_type,
        access,
        value: value.to_vec(),
    };
    let read_write = ObjectAccess::ReadWrite;
    let long: Vec<u8> = (0..700_u32).map(|i| (i * 7) as u8).collect();
    let object = |index, entries| Object { index, name: format!("A name for object {index:#06x}"), entries };
    description.objects.extend([
        object(0x2000, vec![entry(0, DataType::Octets, read_write, &long)]),
        object(0x2001, vec![entry(0, DataType::U64, read_write, &[1, 2, 3, 4, 5, 6, 7, 8])]),
        object(
            0x2002,
            vec![
                entry(0, DataType::U8, ObjectAccess::Read, &[5]),
                entry(1, DataType::U16, read_write, &[0x11, 0x22]),
                entry(2, DataType::Bool, read_write, &[1]),
                entry(3, DataType::Bits(3), read_write, &[0b101]),
                entry(4, DataType::U32, ObjectAccess::Write, &[9, 9, 9, 9]),
                entry(5, DataType::U8, read_write, &[0x33]),
            ],
        ),
        object(0x2003, vec![entry(0, DataType::U16, ObjectAccess::Read, &[1, 0])]),
        object(0x2004, vec![entry(0, DataType::U16, ObjectAccess::Write, &[1, 0])]),
    ]);
    for index in 0x3000..0x3080 {
        description.objects.push(object(index, vec![entry(0, DataType::U8, read_write, &[0])]));
    }
    description
}

struct Client {
    bench: Bench,
    counter: u8,
    receive: (usize, usize),
    send: (usize, usize),
}

impl Client {
    fn new() -> Self {
        Self::of(device())
    }

    fn of(description: DeviceDescription) -> Self {
        let mailbox = description.mailbox.expect("has a mailbox");
        let place = |(start, len): (u16, u16)| (usize::from(start), usize::from(len));
        let mut bench = Bench::of(&[description.into()]);
        bench.configure(0);
        assert_eq!(bench.request(0, 2), (2, 0));
        Self { bench, counter: 0, receive: place(mailbox.receive), send: place(mailbox.send) }
    }

    /// Write a whole mailbox; the working counter.
    fn post(&mut self, protocol: u8, data: &[u8]) -> u16 {
        self.counter = self.counter % 7 + 1;
        self.post_as(protocol | self.counter << 4, data)
    }

    fn post_as(&mut self, kind: u8, data: &[u8]) -> u16 {
        let mut message = (data.len() as u16).to_le_bytes().to_vec();
        message.extend([0, 0, 0, kind]);
        message.extend(data);
        message.resize(self.receive.1, 0);
        self.bench.write(0, self.receive.0, &message)
    }

    /// Read a whole mailbox: type and counter, data. `None` if it is empty.
    fn fetch(&mut self) -> Option<(u8, Vec<u8>)> {
        let (message, counter) = self.bench.read(0, self.send.0, self.send.1);
        let length = usize::from(u16::from_le_bytes([message[0], message[1]]));
        (counter == 1).then(|| (message[5], message[6..6 + length].to_vec()))
    }

    /// A CoE request and its answer's data behind the CoE header.
    fn coe(&mut self, service: u8, data: &[u8]) -> Vec<u8> {
        assert_eq!(self.post(3, &[&[0, service << 4], data].concat()), 1);
        let (kind, answer) = self.fetch().expect("an answer");
        assert_eq!(kind & 0x0f, 3);
        answer[2..].to_vec()
    }

    fn sdo(&mut self, command: u8, index: u16, subindex: u8, data: &[u8]) -> Vec<u8> {
        let [low, high] = index.to_le_bytes();
        self.coe(2, &[&[command, low, high, subindex], data].concat())
    }

    /// Upload in as many segments as it takes; the abort code if refused.
    fn upload(&mut self, index: u16, subindex: u8, complete: bool) -> Result<Vec<u8>, u32> {
        let command = 0x40 | if complete { 0x10 } else { 0 };
        let answer = self.sdo(command, index, subindex, &[0; 4]);
        if answer[0] == 0x80 {
            return Err(u32::from_le_bytes(answer[4..8].try_into().unwrap()));
        }
        assert_eq!(answer[1..4], [index as u8, (index >> 8) as u8, subindex]);
        assert_eq!(answer[0] & 0xe1, 0x41);
        if answer[0] & 2 != 0 {
            return Ok(answer[4..8 - usize::from(answer[0] >> 2 & 3)].to_vec());
        }
        let size = u32::from_le_bytes(answer[4..8].try_into().unwrap()) as usize;
        let mut data = answer[8..].to_vec();
        let mut toggle = 0;
        while data.len() < size {
            let answer = self.coe(2, &[0x60 | toggle, 0, 0, 0, 0, 0, 0, 0]);
            assert_eq!(answer[0] & 0xf0, toggle);
            let unused = if answer.len() == 8 { usize::from(answer[0] >> 1 & 7) } else { 0 };
            data.extend(&answer[1..answer.len() - unused]);
            assert_eq!(answer[0] & 1 != 0, data.len() == size);
            toggle ^= 0x10;
        }
        Ok(data)
    }

    /// Download, in segments of the mailbox's size; the abort code if refused.
    fn download(&mut self, index: u16, subindex: u8, complete: bool, data: &[u8]) -> Result<(), u32> {
        let command = 0x21 | if complete { 0x10 } else { 0 };
        let room = self.receive.1 - 16;
        let (first, mut rest) = data.split_at(data.len().min(room));
        let size = (data.len() as u32).to_le_bytes();
        let mut answer = self.sdo(command, index, subindex, &[&size, first].concat());
        let mut toggle = 0;
        while answer[0] != 0x80 && !rest.is_empty() {
            assert_eq!(
                answer[0] & 0xe0,
                if toggle == 0 && rest.len() + room == data.len() { 0x60 } else { 0x20 }
            );
            let (piece, left) = rest.split_at(rest.len().min(self.receive.1 - 9));
            rest = left;
            let mut segment = vec![toggle | u8::from(rest.is_empty())];
            segment.extend(piece);
            if piece.len() < 7 {
                segment[0] |= (7 - piece.len() as u8) << 1;
                segment.resize(8, 0);
            }
            answer = self.coe(2, &segment);
            assert!(answer[0] == 0x80 || answer[0] == 0x20 | toggle);
            toggle ^= 0x10;
        }
        if answer[0] == 0x80 { Err(u32::from_le_bytes(answer[4..8].try_into().unwrap())) } else { Ok(()) }
    }
}

#[test]
fn a_mailbox_is_written_when_empty_and_read_when_full() {
    let mut client = Client::new();
    let status = |client: &mut Client, n: usize| client.bench.read(0, SYNC_MANAGER + 8 * n + 5, 1).0[0] & 8;
    assert_eq!(client.fetch(), None);
    assert_eq!((status(&mut client, 0), status(&mut client, 1)), (0, 0));
    client.bench.segment.device_mut(0).unwrap().set_mailbox_delay(1_000_000);
    let request = [0, 0x20, 0x40, 0x00, 0x10, 0, 0, 0, 0, 0];
    assert_eq!(client.post(3, &request), 1);
    assert_eq!(status(&mut client, 0), 8);
    assert_eq!(client.post(3, &request), 0); // Still full.
    assert_eq!(client.fetch(), None);
    client.bench.segment.tick(client.bench.now_ns + 1_000_000);
    assert_eq!((status(&mut client, 0), status(&mut client, 1)), (0, 8));
    // In pieces: only the last byte empties it.
    let (start, len) = client.send;
    assert_eq!(client.bench.read(0, start + 1, 1).1, 0);
    assert_eq!(client.bench.read(0, start, 6).1, 1);
    assert_eq!(status(&mut client, 1), 8);
    assert_eq!(client.bench.read(0, start + 6, len - 6).1, 1);
    assert_eq!(status(&mut client, 1), 0);
    assert_eq!(client.bench.read(0, start, len).1, 0);
    // In the wrong direction.
    assert_eq!(client.bench.read(0, client.receive.0, 6).1, 0);
    assert_eq!(client.bench.write(0, client.send.0, &[0; 6]), 0);
}

#[test]
fn answers_wait_for_room_and_count_one_to_seven() {
    let mut client = Client::new();
    let mut counters = Vec::new();
    let request = [0, 0x20, 0x40, 0x18, 0x10, 1, 0, 0, 0, 0];
    assert_eq!(client.post(3, &request), 1); // Its answer is in the mailbox,
    assert_eq!(client.post(3, &request), 1); // the next one waits behind it,
    assert_eq!(client.post(3, &request), 1); // and this request itself.
    assert_eq!(client.post(3, &request), 0);
    for _ in 0..3 {
        counters.push(client.fetch().expect("an answer").0 >> 4);
    }
    assert_eq!(client.fetch(), None);
    for _ in 0..6 {
        client.post(3, &request);
        counters.push(client.fetch().expect("an answer").0 >> 4);
    }
    assert_eq!(counters, [1, 2, 3, 4, 5, 6, 7, 1, 2]);
    // The same counter again is a repetition; 0 never is.
    assert_eq!(client.post_as(3 | client.counter << 4, &request), 1);
    assert_eq!(client.fetch(), None);
    for _ in 0..2 {
        client.post_as(3, &request);
        assert!(client.fetch().is_some());
    }
}

#[test]
fn a_lost_answer_is_repeated_on_request() {
    let mut client = Client::new();
    let activate = SYNC_MANAGER + 8 + 6;
    client.post(3, &[0, 0x20, 0x40, 0x18, 0x10, 1, 0, 0, 0, 0]);
    let first = client.fetch().expect("an answer");
    client.bench.write(0, activate, &[0x03]);
    assert_eq!(client.bench.read(0, activate + 1, 1).0, [0x02]);
    assert_eq!(client.fetch(), Some(first.clone()));
    assert_eq!(client.fetch(), None);
    // With the next answer already in the mailbox: the old one first, then that.
    client.post(3, &[0, 0x20, 0x40, 0x18, 0x10, 2, 0, 0, 0, 0]);
    client.bench.write(0, activate, &[0x01]);
    assert_eq!(client.bench.read(0, activate + 1, 1).0, [0x00]);
    assert_eq!(client.fetch(), Some(first.clone()));
    let second = client.fetch().expect("an answer");
    assert_ne!(second, first);
    assert_eq!(client.fetch(), None);
}

#[test]
fn what_a_mailbox_does_not_understand_is_an_error_reply() {
    let mut client = Client::new();
    for (protocol, data, expected) in [
        (2, vec![0; 8], 0x0002_u16),            // EoE
        (4, vec![1, 0, 0, 0, 0, 0], 0x0002),    // FoE
        (9, vec![0; 4], 0x0005),                // reserved
        (3, vec![0, 0x40, 0, 0], 0x0004),       // TxPDO over the mailbox
        (3, vec![0], 0x0006),                   // no CoE header
        (3, vec![0, 0x20, 0x40, 0], 0x0006),    // no SDO header
        (3, vec![0, 0x80, 3, 0, 0, 0], 0x0006), // no index
    ] {
        client.post(protocol, &data);
        let (kind, answer) = client.fetch().expect("an answer");
        assert_eq!((kind & 0x0f, answer), (0, vec![1, 0, expected as u8, 0]), "{protocol} {data:x?}");
    }
    // Longer than the mailbox.
    client.counter = client.counter % 7 + 1;
    let mut message = vec![0xff, 0x03, 0, 0, 0, 3 | client.counter << 4];
    message.resize(client.receive.1, 0);
    client.bench.write(0, client.receive.0, &message);
    assert_eq!(client.fetch().expect("an answer").1, [1, 0, 8, 0]);
}

#[test]
fn uploads_of_every_length() {
    let mut client = Client::new();
    let long: Vec<u8> = (0..700_u32).map(|i| (i * 7) as u8).collect();
    assert_eq!(client.upload(0x1018, 1, false), Ok(vec![2, 0, 0, 0])); // expedited
    assert_eq!(client.upload(0x1018, 0, false), Ok(vec![4]));
    assert_eq!(client.upload(0x2001, 0, false), Ok(vec![1, 2, 3, 4, 5, 6, 7, 8])); // normal
    assert_eq!(client.upload(0x2000, 0, false), Ok(long)); // segmented
    assert_eq!(client.upload(0x1008, 0, false), Ok(b"EL5101".to_vec()));
    for (index, subindex, code) in [
        (0x2fff, 0, 0x0602_0000),
        (0x1018, 5, 0x0609_0011),
        (0x2004, 0, 0x0601_0001),
        (0x1c12, 9, 0x0609_0011), // Room, but nothing assigned there.
    ] {
        assert_eq!(client.upload(index, subindex, false), Err(code), "{index:#06x}:{subindex:02x}");
    }
}

#[test]
fn downloads_of_every_length() {
    let mut client = Client::new();
    assert_eq!(client.sdo(0x2b, 0x2002, 1, &[0xcd, 0xab, 0, 0])[0], 0x60); // expedited, two bytes
    assert_eq!(client.upload(0x2002, 1, false), Ok(vec![0xcd, 0xab]));
    assert_eq!(client.download(0x2001, 0, false, &[9; 8]), Ok(())); // normal
    assert_eq!(client.upload(0x2001, 0, false), Ok(vec![9; 8]));
    let long: Vec<u8> = (0..700_u32).map(|i| (i * 11) as u8).collect();
    assert_eq!(client.download(0x2000, 0, false, &long), Ok(())); // segmented
    assert_eq!(client.upload(0x2000, 0, false), Ok(long));
    for len in [241, 242, 243, 245, 246, 247, 248, 249] {
        // Last segments of every length below seven.
        let data = vec![len as u8; len];
        assert_eq!(client.download(0x2000, 0, false, &data), Ok(()), "{len}");
        assert_eq!(client.upload(0x2000, 0, false), Ok(data), "{len}");
    }
    for (index, subindex, data, code) in [
        (0x2fff, 0, &[0; 2][..], 0x0602_0000),
        (0x2003, 0, &[0; 2], 0x0601_0002),
        (0x2002, 6, &[0; 2], 0x0609_0011),
        (0x2002, 1, &[0; 3], 0x0607_0010),
        (0x2000, 0, &[0; 701], 0x0607_0012),
    ] {
        assert_eq!(client.download(index, subindex, false, data), Err(code), "{index:#06x}:{subindex:02x}");
    }
    let endless = client.sdo(0x21, 0x2000, 0, &u32::MAX.to_le_bytes());
    assert_eq!(endless[0], 0x80);
}

#[test]
fn segments_out_of_turn_are_aborted() {
    let mut client = Client::new();
    let abort = |answer: Vec<u8>| (answer[0], u32::from_le_bytes(answer[4..8].try_into().unwrap()));
    assert_eq!(abort(client.coe(2, &[0x60, 0, 0, 0, 0, 0, 0, 0])), (0x80, 0x0504_0001));
    assert_eq!(abort(client.coe(2, &[0x00, 0, 0, 0, 0, 0, 0, 0])), (0x80, 0x0504_0001));
    assert_eq!(abort(client.coe(2, &[0xe0, 0, 0, 0, 0, 0, 0, 0])), (0x80, 0x0504_0001));
    client.sdo(0x40, 0x2000, 0, &[0; 4]);
    assert_eq!(abort(client.coe(2, &[0x70, 0, 0, 0, 0, 0, 0, 0])), (0x80, 0x0503_0000));
    client.sdo(0x40, 0x2000, 0, &[0; 4]);
    client.post(3, &[0, 0x20, 0x80, 0, 0x20, 0, 0, 0, 0, 0]); // The client aborts: no answer.
    assert_eq!(client.fetch(), None);
    assert_eq!(abort(client.coe(2, &[0x60, 0, 0, 0, 0, 0, 0, 0])), (0x80, 0x0504_0001));
}

#[test]
fn complete_access_pads_subindex_0_to_16_bits() {
    let mut client = Client::new();
    let mut identity = vec![4, 0, 2, 0, 0, 0];
    let description = device();
    identity.extend(description.identity.product.to_le_bytes());
    identity.extend(description.identity.revision.to_le_bytes());
    identity.extend([0; 4]);
    assert_eq!(client.upload(0x1018, 0, true), Ok(identity.clone()));
    assert_eq!(client.upload(0x1018, 1, true), Ok(identity[2..].to_vec()));
    assert_eq!(client.upload(0x1018, 2, true), Err(0x0609_0011));
    assert_eq!(client.upload(0x1008, 0, true), Err(0x0601_0000));
    // Bits share a byte; what cannot be read is zero.
    let whole = vec![5, 0, 0x11, 0x22, 0b1011, 0, 0, 0, 0, 0x33];
    assert_eq!(client.upload(0x2002, 0, true), Ok(whole));
    let new = [5, 0, 0x44, 0x55, 0b0110, 1, 2, 3, 4, 0x66];
    assert_eq!(client.download(0x2002, 0, true, &new), Ok(()));
    assert_eq!(client.upload(0x2002, 1, true), Ok(vec![0x44, 0x55, 0b0110, 0, 0, 0, 0, 0x66]));
    assert_eq!(client.upload(0x2002, 3, false), Ok(vec![0b011]));
    // All or nothing.
    for (data, code) in [
        (&[4, 0, 1, 1, 0, 1, 1, 1, 1, 1][..], 0x0601_0002),
        (&[5, 0, 1, 1, 0, 1, 1, 1, 1], 0x0607_0013),
        (&[5, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1], 0x0607_0012),
        (&[5], 0x0607_0013),
    ] {
        assert_eq!(client.download(0x2002, 0, true, data), Err(code), "{data:x?}");
    }
    assert_eq!(client.upload(0x2002, 1, false), Ok(vec![0x44, 0x55]));
}

#[test]
fn a_pdo_assignment_is_changed_in_pre_op_and_counts() {
    let mut client = Client::new();
    let description = device();
    let assigned: Vec<u16> =
        description.tx_pdos.iter().filter(|pdo| pdo.sync_manager == Some(3)).map(|pdo| pdo.index).collect();
    assert_eq!(client.download(0x1c13, 1, false, &assigned[0].to_le_bytes()), Err(0x0601_0003));
    assert_eq!(client.download(0x1c13, 0, false, &[0]), Ok(()));
    assert_eq!(client.download(0x1c13, 1, false, &0x1abc_u16.to_le_bytes()), Err(0x0604_0041));
    assert_eq!(client.download(0x1c13, 0, false, &[200]), Err(0x0609_0030));
    assert_eq!(client.upload(0x1c13, 1, false), Err(0x0609_0011)); // No longer assigned.
    assert_eq!(client.upload(0x1c13, 0, true), Ok(vec![0, 0]));
    // Without inputs the device wants that SyncManager empty; the old length is wrong now.
    assert_eq!(client.bench.request(0, 4), (0x12, 0x1e));
    assert_eq!(client.bench.request(0, 0x12), (2, 0));
    let mut list = vec![assigned.len() as u8, 0];
    list.extend(assigned.iter().flat_map(|index| index.to_le_bytes()));
    assert_eq!(client.download(0x1c13, 0, true, &list), Ok(()));
    assert_eq!(client.upload(0x1c13, 0, true), Ok(list));
    assert_eq!(client.bench.request(0, 4), (4, 0));
    assert_eq!(client.download(0x1c13, 0, false, &[0]), Err(0x0800_0022));
}

#[test]
fn another_mapping_makes_inputs_of_another_length() {
    let mut client = Client::new();
    let pdo = device().tx_pdos.iter().find(|pdo| pdo.sync_manager == Some(3)).expect("assigned").clone();
    let first = client.upload(pdo.index, 1, false).expect("a mapping entry");
    assert_eq!(client.download(pdo.index, 1, false, &first), Err(0x0601_0003));
    assert_eq!(client.download(pdo.index, 0, false, &[0]), Ok(()));
    assert_eq!(client.download(pdo.index, 1, false, &[16, 1, 0xff, 0x2f]), Err(0x0604_0041));
    assert_eq!(client.download(pdo.index, 1, false, &[16, 1, 0x02, 0x20]), Ok(())); // 0x2002:01
    assert_eq!(client.download(pdo.index, 2, false, &[16, 1, 0x02, 0x20]), Ok(()));
    assert_eq!(client.download(pdo.index, 0, false, &[2]), Ok(()));
    let length = |bits: u16| device().byte_len(sensai_devices::Direction::Input) as u16 + bits / 8;
    let before: u16 = pdo.entries.iter().map(|entry| entry.bit_len).sum();
    assert_ne!(before, 32);
    assert_eq!(client.bench.request(0, 4), (0x12, 0x1e));
    client.bench.write(0, SYNC_MANAGER + 8 * 3 + 2, &(length(32) - before / 8).to_le_bytes());
    assert_eq!(client.bench.request(0, 0x14), (4, 0));
}

#[test]
fn a_device_that_does_not_allow_it_keeps_its_pdos() {
    let mut description = device();
    description.mailbox.as_mut().expect("has a mailbox").coe_details &= !(1 << 2 | 1 << 3);
    let mut client = Client::of(description);
    assert_eq!(client.download(0x1c13, 0, false, &[0]), Err(0x0601_0002));
    assert_eq!(client.download(0x1c12, 0, true, &[0, 0]), Err(0x0601_0002));
}

#[test]
fn mapped_objects_show_live_inputs() {
    let mut client = Client::new();
    let place = device()
        .entries(sensai_devices::Direction::Input)
        .into_iter()
        .map(|entry| entry.place)
        .find(|place| place.bit_len == 32)
        .expect("a counter value");
    let at = place.bit_offset as usize / 8;
    client.bench.segment.inputs_mut()[at..at + 4].copy_from_slice(&[1, 2, 3, 4]);
    assert_eq!(client.upload(place.index, place.subindex, false), Ok(vec![1, 2, 3, 4]));
}

#[test]
fn the_object_list_comes_in_fragments() {
    let mut client = Client::new();
    let mut expected: Vec<u16> = device().objects.iter().map(|object| object.index).collect();
    expected.sort_unstable();
    client.post(3, &[0, 0x80, 1, 0, 0, 0, 1, 0]);
    let (mut data, mut fragments_left) = (Vec::new(), Vec::new());
    while let Some((_, answer)) = client.fetch() {
        assert_eq!((answer[1], answer[2] & 0x7f), (0x80, 2));
        let left = u16::from_le_bytes([answer[4], answer[5]]);
        assert_eq!(answer[2] & 0x80 != 0, left > 0);
        fragments_left.push(left);
        data.extend(&answer[6..]);
    }
    assert_eq!(fragments_left, (0..fragments_left.len() as u16).rev().collect::<Vec<_>>());
    assert!(fragments_left.len() > 1);
    let words: Vec<u16> = data.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    assert_eq!((words[0], &words[1..]), (1, &expected[..]));
    let counts = client.coe(8, &[1, 0, 0, 0, 0, 0]);
    assert_eq!(u16::from_le_bytes([counts[6], counts[7]]) as usize, expected.len());
}

#[test]
fn objects_and_entries_are_described() {
    let mut client = Client::new();
    let object = client.coe(8, &[3, 0, 0, 0, 0x18, 0x10]);
    assert_eq!(object[..4], [4, 0, 0, 0]);
    assert_eq!(object[4..10], [0x18, 0x10, 7, 0, 4, 8]); // UNSIGNED32, four of them.
    let object = client.coe(8, &[3, 0, 0, 0, 0x02, 0x20]);
    assert_eq!(object[4..10], [0x02, 0x20, 0, 0, 5, 9]);
    assert_eq!(&object[10..], b"A name for object 0x2002");
    let entry = client.coe(8, &[5, 0, 0, 0, 0x02, 0x20, 3, 0]);
    assert_eq!(entry[4..14], [0x02, 0x20, 3, 0, 0x32, 0, 3, 0, 0x3f, 0]); // BIT3
    assert_eq!(&entry[14..], b"Entry 3");
    let missing = client.coe(8, &[3, 0, 0, 0, 0xff, 0x2f]);
    assert_eq!((missing[0], &missing[4..]), (7, &[0, 0, 2, 6][..]));
    let missing = client.coe(8, &[5, 0, 0, 0, 0x02, 0x20, 9, 0]);
    assert_eq!((missing[0], &missing[4..]), (7, &[0x11, 0, 9, 6][..]));
}

#[test]
fn emergencies_come_unasked() {
    let mut client = Client::new();
    let emergency = |code| Emergency { code, register: 0x81, data: [1, 2, 3, 4, 5] };
    for code in 0xff01..0xff0a {
        assert!(client.bench.segment.inject(Fault::Emergency(0, emergency(code))), "{code:#06x}");
    }
    assert!(!client.bench.segment.inject(Fault::Emergency(0, emergency(0xff0a)))); // No more room.
    for code in 1..10 {
        let (kind, message) = client.fetch().expect("an emergency");
        assert_eq!(kind & 0x0f, 3);
        assert_eq!(message, [0, 0x10, code, 0xff, 0x81, 1, 2, 3, 4, 5]);
    }
    assert_eq!(client.fetch(), None);
    // A mailbox may be mapped: an FMMU on the status bit, as MainDevices do.
    client.bench.write(0, FMMU, &[0, 7, 0, 0, 1, 0, 0, 0, 0x0d, 0x08, 3, 1, 1, 0, 0, 0]);
    assert_eq!(client.bench.logical(Command::Lrd, 0x700, &[0]).data, [0]);
    client.bench.segment.inject(Fault::Emergency(0, emergency(1)));
    let answer = client.bench.logical(Command::Lrd, 0x700, &[0]);
    assert_eq!((answer.working_counter, answer.data), (1, vec![1]));
}
