//! Another epoch in the middle of a run: other programs, the same records.
//!
//! What the epoch says is put into the log beforehand, as a content, and durable before anything changes. The cyclic thread then
//! only puts a mark into the ring, in front of the first record: a process that is killed in between leaves mark and
//! description, and the next start makes an epoch of them as the writer would have.

use crate::{
    Epoch, LogError,
    append::{Appender, Facts},
    block::{BlockKind, NONE, PAYLOAD_LEN_MAX, u64_at},
    epoch::{Content, EpochProgram, Hash, KeyframePart, Replaced},
    reader::read_content,
    storage::Storage,
};
use std::sync::Arc;

/// What is other than in the run's first epoch. Everything else stays: cell, tags, records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EpochChange {
    /// See [`Epoch::edition`].
    pub edition: u32,
    /// Files that are other ones than in the run's first epoch: path and bytes.
    pub contents: Vec<(String, Vec<u8>)>,
    /// See [`crate::EpochSpec::programs`].
    pub programs: Vec<EpochProgram>,
    /// See [`Epoch::probation`].
    pub probation: u64,
    /// Programs that may come back: index, and text.
    pub replaced: Vec<(u32, Vec<u8>)>,
    /// See [`crate::EpochSpec::keyframe`].
    pub keyframe: Vec<KeyframePart>,
}

/// Bytes of a mark in the ring.
pub const MARK_LEN: usize = 64;

/// Names an epoch that is described in the log, for the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochMark {
    offset: u64,
    len: u64,
    sha256: [u8; 32],
}

impl EpochMark {
    /// As it stands in the ring: the first cycle of the epoch, then where its description is, its length, its hash, zeros.
    pub fn encode(&self, first_cycle: u64) -> [u8; MARK_LEN] {
        let mut out = [0; MARK_LEN];
        for (number, place) in [first_cycle, self.offset, self.len].iter().zip(out.chunks_exact_mut(8)) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        out[24..56].copy_from_slice(&self.sha256);
        out
    }

    /// The first cycle and the mark; nothing if the bytes are none.
    pub fn decode(bytes: &[u8]) -> Option<(u64, Self)> {
        let bytes: &[u8; MARK_LEN] = bytes.try_into().ok()?;
        let (sha256, zeros) = bytes.get(24..)?.split_first_chunk::<32>()?;
        let mark = Self { offset: u64_at(bytes, 8), len: u64_at(bytes, 16), sha256: *sha256 };
        (zeros.iter().all(|byte| *byte == 0)).then(|| (u64_at(bytes, 0), mark))
    }
}

/// Descriptions that are remembered; an older one is read from the log.
const REMEMBERED: usize = 4;
/// Contents that are not stored again if they come once more, beside those of the run's first epoch.
const KNOWN: usize = 64;

/// The epochs of a run: its first one, and what was prepared since.
#[derive(Default)]
pub(crate) struct Changes {
    first: Option<Arc<Epoch>>,
    known: Vec<Content>,
    prepared: Vec<(EpochMark, Epoch)>,
}

impl Changes {
    /// Of a run that began with this epoch.
    pub fn of(first: Option<Arc<Epoch>>) -> Self {
        Self { first, ..Self::default() }
    }

    /// Store what a change says; durable when this returns.
    ///
    /// # Errors
    /// If it does not fit together, or the storage fails.
    pub fn prepare(
        &mut self,
        appender: &mut Appender<impl Storage>,
        change: &EpochChange,
    ) -> Result<EpochMark, LogError> {
        let refuse = |what: String| LogError::Request(format!("cannot describe the epoch: {what}"));
        let first = self.first.clone().ok_or_else(|| refuse("the run has none".into()))?;
        let mut epoch = Epoch::clone(&first);
        for (path, bytes) in &change.contents {
            let Some(place) = epoch.contents.iter_mut().find(|content| content.path == *path) else {
                return Err(refuse(format!("{path} is no file of the run")));
            };
            *place = self.store(appender, path, bytes)?;
        }
        for (program, text) in &change.replaced {
            let content = self.store(appender, &format!("replaced/{program}"), text)?;
            epoch.replaced.push(Replaced { program: *program, content });
        }
        (epoch.edition, epoch.probation) = (change.edition, change.probation);
        epoch.run_first_cycle = first.first_cycle;
        epoch.programs.clone_from(&change.programs);
        epoch.keyframe.clone_from(&change.keyframe);
        let json = serde_json::to_vec(&epoch).map_err(|error| refuse(error.to_string()))?;
        Epoch::parse(&json).map_err(refuse)?;
        let description = appender.store_content("epoch", &json)?;
        appender.write()?;
        appender.sync()?;
        let Content { offset, len, sha256, .. } = description;
        let mark = EpochMark { offset, len, sha256: sha256.0 };
        if self.prepared.len() == REMEMBERED {
            self.prepared.remove(0);
        }
        self.prepared.push((mark, epoch));
        Ok(mark)
    }

    fn store(
        &mut self,
        appender: &mut Appender<impl Storage>,
        path: &str,
        bytes: &[u8],
    ) -> Result<Content, LogError> {
        let sha256 = Hash::of(bytes);
        let of_first = self.first.iter().flat_map(|first| &first.contents);
        let known = of_first.chain(&self.known).find(|content| content.sha256 == sha256);
        if let Some(known) = known {
            return Ok(Content { path: path.to_owned(), ..known.clone() });
        }
        let content = appender.store_content(path, bytes)?;
        if self.known.len() == KNOWN {
            self.known.remove(0);
        }
        self.known.push(content.clone());
        Ok(content)
    }

    /// Begin the epoch of a mark that stands in the ring's slot before `ring_next`; written when this returns.
    ///
    /// # Errors
    /// If its description is not there, or the storage fails: nothing is changed then.
    pub fn begin(
        &self,
        appender: &mut Appender<impl Storage>,
        slot: &[u8],
        ring_next: u64,
    ) -> Result<(), LogError> {
        let broken = |what: &str| LogError::Request(format!("a mark of an epoch in the ring: {what}"));
        let (first_cycle, mark) = EpochMark::decode(slot).ok_or_else(|| broken("it is none"))?;
        let remembered = self.prepared.iter().find(|(other, _)| *other == mark);
        let mut epoch = match remembered {
            Some((_, epoch)) => epoch.clone(),
            None => {
                let EpochMark { offset, len, sha256 } = mark;
                let content = Content { path: "epoch".into(), sha256: Hash(sha256), len, offset };
                let json =
                    read_content(appender.storage(), appender.log_id(), &content, appender.written_len())?;
                Epoch::parse(&json).map_err(|what| broken(&what))?
            }
        };
        if first_cycle <= appender.last_cycle() {
            return Err(broken("its first cycle is recorded already"));
        }
        let passed = first_cycle.saturating_sub(epoch.first_cycle).saturating_mul(epoch.interval_ns);
        epoch.start_utc_ns = epoch.start_utc_ns.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX));
        epoch.first_cycle = first_cycle;
        appender.append_epoch_at(epoch, ring_next)
    }
}

impl<S: Storage> Appender<S> {
    /// Go on with another epoch of the same run.
    fn append_epoch_at(&mut self, mut epoch: Epoch, ring_next: u64) -> Result<(), LogError> {
        epoch.previous_epoch = Some(self.epoch_offset()).filter(|offset| *offset != NONE);
        let json = serde_json::to_vec(&epoch)
            .map_err(|error| LogError::Request(format!("cannot describe the epoch: {error}")))?;
        self.leave_epoch();
        let parts: Vec<&[u8]> = json.chunks(PAYLOAD_LEN_MAX).collect();
        let count = crate::append::part_count(parts.len())?;
        for (part, payload) in (0..count).zip(&parts) {
            // The mark is dealt with when all of it is there.
            let ring_next = (part + 1 == count).then_some(ring_next);
            self.stage(BlockKind::Epoch, payload, (part, count), Facts { items: 1, ring_next, cycles: None });
        }
        self.write()?;
        self.set_epoch(Arc::new(epoch));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_read_back() {
        let mark = EpochMark { offset: 4096, len: 77, sha256: [9; 32] };
        assert_eq!(EpochMark::decode(&mark.encode(5)), Some((5, mark)));
        let mut bad = mark.encode(5);
        bad[63] = 1;
        assert_eq!((EpochMark::decode(&bad), EpochMark::decode(&bad[1..])), (None, None));
    }
}
