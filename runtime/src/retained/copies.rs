//! Two copies of a payload, written in turn: whatever is cut off, one of them is whole.
//!
//! A copy is a header of [`HEADER`] bytes (magic, sequence number, length of the payload, CRC-32 of all that and of the
//! payload) and the payload. The valid copy with the higher sequence number is the newest one; a new one always
//! goes over the other, and counts only once it is synced. A write that fails is tried again in the same place.

use sensai_log::storage::Storage;
use std::io;

/// Bytes before the payload.
pub const HEADER: usize = 32;
/// Largest payload.
pub const PAYLOAD_MAX: usize = 16 << 20;

const MAGIC: [u8; 8] = *b"SNRETAIN";
const VERSION: u32 = 1;

/// Why nothing could be written.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// Too long.
    #[error("retained data of {0} bytes, at most {PAYLOAD_MAX} are possible")]
    TooLong(usize),
    /// The system's text.
    #[error("cannot write the retained data: {0}")]
    Io(#[from] io::Error),
}

/// What a start found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The newest whole payload.
    pub payload: Option<Vec<u8>>,
    /// Its number; 0 if there is none.
    pub sequence: u64,
    /// Copies that hold something, but nothing whole: torn, damaged, or of another version.
    pub damaged: usize,
}

/// The two copies.
#[derive(Debug)]
pub struct Copies<S> {
    storages: [S; 2],
    /// Where the next payload goes.
    next: usize,
    sequence: u64,
}

impl<S: Storage> Copies<S> {
    /// Look into both copies.
    ///
    /// # Errors
    /// If one cannot be read at all.
    pub fn open(storages: [S; 2]) -> io::Result<(Self, Found)> {
        let mut found = Found::default();
        let mut newest = 1;
        for (index, storage) in storages.iter().enumerate() {
            match read(storage)? {
                Copy::Whole(sequence, payload) if sequence > found.sequence => {
                    (found.sequence, found.payload, newest) = (sequence, Some(payload), index);
                }
                Copy::Whole(..) | Copy::Empty => {}
                Copy::Damaged => found.damaged += 1,
            }
        }
        Ok((Self { storages, next: 1 - newest, sequence: found.sequence }, found))
    }

    /// Write a payload; durable when this returns.
    ///
    /// # Errors
    /// If it is too long, or the system refuses. The copy that was newest is untouched then.
    pub fn write(&mut self, payload: &[u8]) -> Result<(), CopyError> {
        if payload.len() > PAYLOAD_MAX {
            return Err(CopyError::TooLong(payload.len()));
        }
        let sequence = self.sequence + 1;
        let mut bytes = header(sequence, payload);
        bytes.extend_from_slice(payload);
        let storage = &mut self.storages[self.next];
        storage.write_at(&bytes, 0)?;
        storage.set_len(bytes.len() as u64)?;
        storage.sync()?;
        (self.sequence, self.next) = (sequence, 1 - self.next);
        Ok(())
    }

    /// The storages, to look at.
    pub const fn storages(&self) -> &[S; 2] {
        &self.storages
    }

    /// The storages, back.
    pub fn into_storages(self) -> [S; 2] {
        self.storages
    }
}

enum Copy {
    Empty,
    Damaged,
    Whole(u64, Vec<u8>),
}

fn read(storage: &impl Storage) -> io::Result<Copy> {
    let len = usize::try_from(storage.len()?).unwrap_or(usize::MAX);
    if len == 0 {
        return Ok(Copy::Empty);
    }
    let mut start = [0; HEADER];
    if len < HEADER {
        return Ok(Copy::Damaged);
    }
    storage.read_at(&mut start, 0)?;
    let word = |at: usize| u32::from_le_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]]);
    let sequence = u64::from(word(16)) | u64::from(word(20)) << 32;
    let payload_len = word(24) as usize;
    if start[..8] != MAGIC || word(8) != VERSION || payload_len > PAYLOAD_MAX || len < HEADER + payload_len {
        return Ok(Copy::Damaged);
    }
    let mut payload = vec![0; payload_len];
    storage.read_at(&mut payload, HEADER as u64)?;
    let whole = header(sequence, &payload)[..] == start && sequence > 0;
    Ok(if whole { Copy::Whole(sequence, payload) } else { Copy::Damaged })
}

fn header(sequence: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&bytes);
    crc.update(payload);
    bytes.extend_from_slice(&crc.finalize().to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sensai_log::storage::SimulatedDisk;

    fn payload(number: u64) -> Vec<u8> {
        let len = 700 + (number as usize * 977) % 3000;
        (0..len).map(|at| (number as usize * 131 + at * 7) as u8).collect()
    }

    fn open(storages: [Vec<u8>; 2]) -> (Copies<Vec<u8>>, Found) {
        Copies::open(storages).unwrap()
    }

    /// Write payloads until the power fails in call `at` of one of the two disks (they share the power). Returns what the
    /// next start finds on both, and how many payloads were surely durable.
    fn until_power_fails(at: u64, seed: u64) -> ([Vec<u8>; 2], u64) {
        let mut first = SimulatedDisk::default();
        let mut second = SimulatedDisk::default();
        let disk = if seed.is_multiple_of(2) { &mut first } else { &mut second };
        disk.crash_at(at);
        let (mut copies, _) = Copies::open([first, second]).unwrap();
        let mut durable = 0;
        for number in 1..=12 {
            if copies.write(&payload(number)).is_err() {
                break;
            }
            durable = number;
        }
        let [first, second] = copies.into_storages();
        ([first.after_power_loss(seed), second.after_power_loss(seed ^ 0x5555)], durable)
    }

    #[test]
    fn a_power_failure_leaves_the_old_or_the_new_never_a_mixture() {
        let seeds = if std::env::var_os("SENSAI_SOAK").is_some() { 2_000 } else { 60 };
        let (mut old, mut new) = (0, 0);
        for at in 0..18 {
            for seed in 0..seeds {
                let (disks, durable) = until_power_fails(at, seed);
                let (_, found) = open(disks);
                assert!(
                    (durable..=durable + 1).contains(&found.sequence),
                    "call {at}, seed {seed}: found {}, durable {durable}",
                    found.sequence
                );
                if found.sequence > 0 {
                    assert_eq!(found.payload, Some(payload(found.sequence)), "call {at}, seed {seed}");
                }
                if found.sequence == durable { old += 1 } else { new += 1 }
            }
        }
        assert!(old > 0 && new > 0, "{old} old, {new} new: both have to be seen");
    }

    #[test]
    fn a_failed_write_is_tried_again_in_its_place() {
        let mut disk = SimulatedDisk::default();
        disk.fail_at(3);
        let (mut copies, found) = Copies::open([disk, SimulatedDisk::default()]).unwrap();
        assert_eq!(found, Found::default());
        copies.write(&payload(1)).unwrap();
        copies.write(&payload(2)).unwrap();
        assert!(matches!(copies.write(&payload(3)), Err(CopyError::Io(_))));
        let held = copies.storages().clone().map(|disk| disk.after_power_loss(1));
        assert_eq!(open(held).1.payload, Some(payload(2)), "the newest whole one is untouched");
        copies.write(&payload(4)).unwrap();
        let held = copies.into_storages().map(|disk| disk.cached().to_vec());
        assert_eq!(open(held).1.payload, Some(payload(4)));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let (mut copies, _) = open([Vec::new(), Vec::new()]);
        assert!(matches!(copies.write(&vec![0; PAYLOAD_MAX + 1]), Err(CopyError::TooLong(_))));
        assert!(copies.storages().iter().all(Vec::is_empty));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_copy_or_damaged(a: Vec<u8>, b: Vec<u8>) {
            let (_, found) = open([a.clone(), b.clone()]);
            prop_assert_eq!(found.payload, None);
            prop_assert_eq!(found.damaged, usize::from(!a.is_empty()) + usize::from(!b.is_empty()));
        }

        #[test]
        fn any_flipped_bit_is_found(number in 1..9_u64, at: prop::sample::Index, bit in 0..8_u8) {
            let (mut copies, _) = open([Vec::new(), Vec::new()]);
            for number in 1..=number {
                copies.write(&payload(number)).unwrap();
            }
            let newest = 1 - copies.next;
            let mut storages = copies.into_storages();
            let place = at.index(storages[newest].as_slice().len());
            storages[newest][place] ^= 1 << bit;
            let (_, found) = open(storages);
            prop_assert_eq!(found.damaged, 1);
            prop_assert_eq!(found.sequence, number - 1);
        }
    }
}
