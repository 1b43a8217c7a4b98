//! A disk that forgets: until a sync, any 512-byte sector of any write may be lost at a crash, in any order.

use super::{ReadAt, Storage};
use std::io;

const SECTOR: usize = 512;

/// In-memory storage with a page cache, a crash, and a seed that decides what survives it.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDisk {
    /// What reads see: all writes.
    cache: Vec<u8>,
    /// What surely survives.
    durable: Vec<u8>,
    /// What was done since the last sync.
    unsynced: Vec<Change>,
    /// Calls of `write_at`, `sync` and `set_len` so far.
    calls: u64,
    /// The power fails in this call.
    crash_at: Option<u64>,
    /// Calls that fail once, without a crash.
    failing: Vec<u64>,
    dead: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// What the power failure does to unsynced sectors.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// None arrives.
    Dropped,
    /// The first ones arrive, then nothing more.
    Torn { arrive: usize },
    /// Each arrives or not.
    Reordered,
}

impl SimulatedDisk {
    /// A disk that already holds `bytes`, durably.
    pub fn with(bytes: Vec<u8>) -> Self {
        Self { cache: bytes.clone(), durable: bytes, ..Self::default() }
    }

    /// The power fails in the `call`-th changing call, counted from 0.
    pub fn crash_at(&mut self, call: u64) {
        self.crash_at = Some(call);
    }

    /// The `call`-th changing call fails with "no space left", half of a write done, and the disk goes on.
    pub fn fail_at(&mut self, call: u64) {
        self.failing.push(call);
    }

    /// Changing calls so far.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// True once the power has failed.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// What a reader finds while the machine is up, or after only the process died.
    pub fn cached(&self) -> &[u8] {
        &self.cache
    }

    /// What the next start finds after a power failure. Different seeds lose different things.
    pub fn after_power_loss(&self, seed: u64) -> Vec<u8> {
        let mut random = Random(seed);
        let sectors: usize = self.unsynced.iter().map(Change::sectors).sum();
        let fate = match random.next() % 3 {
            0 => Fate::Dropped,
            1 => Fate::Torn { arrive: random.next() as usize % (sectors + 1) },
            _ => Fate::Reordered,
        };
        let mut out = self.durable.clone();
        let mut count = 0;
        for change in &self.unsynced {
            match change {
                Change::SetLen(len) => {
                    if fate.arrives(count, &mut random) {
                        out.resize(*len, 0);
                    }
                    count += 1;
                }
                Change::Write { offset, bytes } => {
                    for (i, sector) in bytes.chunks(SECTOR).enumerate() {
                        if fate.arrives(count, &mut random) {
                            put(&mut out, offset + i * SECTOR, sector);
                        }
                        count += 1;
                    }
                }
            }
        }
        out
    }

    /// Count a call; an error if it fails or the power is gone.
    fn call(&mut self) -> io::Result<()> {
        let call = self.calls;
        self.calls += 1;
        if self.crash_at.is_some_and(|at| call >= at) {
            self.dead = true;
        }
        if self.dead {
            return Err(io::Error::other("the power is gone"));
        }
        if self.failing.contains(&call) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl Change {
    fn sectors(&self) -> usize {
        match self {
            Self::Write { bytes, .. } => bytes.len().div_ceil(SECTOR),
            Self::SetLen(_) => 1,
        }
    }
}

impl Fate {
    fn arrives(self, count: usize, random: &mut Random) -> bool {
        match self {
            Self::Dropped => false,
            Self::Torn { arrive } => count < arrive,
            Self::Reordered => random.next().is_multiple_of(2),
        }
    }
}

fn put(into: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if into.len() < offset + bytes.len() {
        into.resize(offset + bytes.len(), 0);
    }
    into[offset..offset + bytes.len()].copy_from_slice(bytes);
}

impl ReadAt for SimulatedDisk {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if self.dead {
            return Err(io::Error::other("the power is gone"));
        }
        self.cache.read_at(buf, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.cache.len() as u64)
    }
}

impl Storage for SimulatedDisk {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let result = self.call();
        // A write that fails, for lack of space or of power, has got half way.
        let done = if result.is_ok() { bytes } else { &bytes[..bytes.len() / 2 / SECTOR * SECTOR] };
        if result.is_ok() || self.crash_at.is_none_or(|at| self.calls == at + 1) {
            put(&mut self.cache, offset as usize, done);
            self.unsynced.push(Change::Write { offset: offset as usize, bytes: done.to_vec() });
        }
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Err(error) = self.call() {
            if !self.dead {
                // As Linux does it: the pages count as clean from now on, and a later sync does not bring them back.
                self.unsynced.clear();
            }
            return Err(error);
        }
        for change in std::mem::take(&mut self.unsynced) {
            match change {
                Change::SetLen(len) => self.durable.resize(len, 0),
                Change::Write { offset, bytes } => put(&mut self.durable, offset, &bytes),
            }
        }
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.call()?;
        self.cache.resize(len as usize, 0);
        self.unsynced.push(Change::SetLen(len as usize));
        Ok(())
    }
}

/// SplitMix64: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synced_bytes_survive_and_unsynced_ones_may_not() {
        let mut disk = SimulatedDisk::default();
        disk.write_at(&[1; 2048], 0).unwrap();
        disk.sync().unwrap();
        disk.write_at(&[2; 4096], 1024).unwrap();
        let outcomes: std::collections::BTreeSet<Vec<u8>> =
            (0..60).map(|seed| disk.after_power_loss(seed)).collect();
        assert!(outcomes.iter().all(|bytes| bytes[..1024] == [1; 1024]));
        assert!(outcomes.contains(&vec![1; 2048]), "nothing of it arrived");
        assert!(
            outcomes.iter().any(|bytes| bytes.len() > 1024 && bytes[1024] == 2 && bytes.len() < 5120),
            "torn"
        );
        assert!(
            outcomes.iter().any(|bytes| bytes.len() == 5120 && bytes[1024..].chunks(512).any(|s| s[0] != 2)),
            "a later sector arrived without an earlier one"
        );
    }

    #[test]
    fn after_the_crash_everything_fails() {
        let mut disk = SimulatedDisk::default();
        disk.crash_at(1);
        disk.write_at(&[1; 512], 0).unwrap();
        assert!(disk.sync().is_err());
        assert!(disk.is_dead());
        assert!(disk.write_at(&[1], 0).is_err());
    }

    #[test]
    fn a_failed_sync_loses_what_it_should_have_kept() {
        let mut disk = SimulatedDisk::default();
        disk.fail_at(1);
        disk.write_at(&[1; 512], 0).unwrap();
        assert!(disk.sync().is_err());
        disk.sync().unwrap();
        assert_eq!(disk.cached(), [1; 512]);
        assert!((0..20).all(|seed| disk.after_power_loss(seed).is_empty()));
    }

    #[test]
    fn a_failing_write_gets_half_way() {
        let mut disk = SimulatedDisk::default();
        disk.fail_at(0);
        assert!(disk.write_at(&[1; 2048], 0).is_err());
        assert_eq!(disk.cached(), [1; 1024]);
        disk.write_at(&[1; 2048], 0).unwrap();
    }
}
