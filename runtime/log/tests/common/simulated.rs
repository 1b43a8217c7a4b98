//! A run on simulated storage and simulated time: a cycle every millisecond, a look into the ring every five.
#![allow(dead_code)]

use crate::common::{self, KEYFRAME_LEN};
use sensai_log::{
    KeyframeSlicer, Producer,
    append::Appender,
    change::MARK_LEN,
    ring::{self, Geometry, RingIdentity, SlotKind},
    storage::Storage,
    writer::WriterCore,
};
use std::path::Path;

pub const MILLISECOND: u64 = 1_000_000;
pub const SYNC_INTERVAL: u64 = 40 * MILLISECOND;

pub struct Run<S> {
    pub core: WriterCore<S>,
    pub producer: Producer,
    pub slicer: KeyframeSlicer,
    pub cycle: u64,
    pub now: u64,
    /// Every committed cycle and when.
    pub committed: Vec<(u64, u64)>,
    /// Another edition every so many cycles; 0 for never.
    pub change_every: u64,
    pub edition: u32,
}

impl<S: Storage> Run<S> {
    /// Begin an epoch on `appender`, with a ring at `ring_path`.
    pub fn start(
        mut appender: Appender<S>,
        ring_path: &Path,
        session: u8,
    ) -> Result<Self, sensai_log::LogError> {
        let first = appender.last_cycle() + 1;
        let epoch = appender.begin_epoch(&common::spec(first), [session; 16])?;
        let geometry = Geometry::new(&epoch.record, 1024);
        let layout_hash = ring::layout_hash(&epoch.record);
        let identity = RingIdentity { session: [session; 16], layout_hash, pid: 1 };
        let (producer, consumer) = ring::create(ring_path, geometry, identity)?;
        Ok(Self {
            core: WriterCore::new(appender, consumer, SYNC_INTERVAL, 0),
            producer,
            slicer: KeyframeSlicer::new(KEYFRAME_LEN, 60),
            cycle: first,
            now: 0,
            committed: Vec::new(),
            change_every: 0,
            edition: 0,
        })
    }

    pub fn cycle(&mut self) {
        let layout = common::layout();
        self.now += MILLISECOND;
        if self.change_every > 0 && self.cycle.is_multiple_of(self.change_every) {
            self.change();
        }
        if let Some(mut slot) = self.producer.claim() {
            common::fill(&mut slot.record(&layout).unwrap(), self.cycle);
            slot.commit(SlotKind::Record, layout.len());
            self.committed.push((self.cycle, self.now));
        }
        if self.slicer.due(self.cycle, &self.producer) {
            let bytes = common::keyframe_of(self.cycle, common::keyframe_len(self.edition));
            self.slicer.capture(self.cycle, &self.producer, |buffer| buffer.copy_from_slice(&bytes));
        }
        self.slicer.step(&mut self.producer);
        self.cycle += 1;
        if self.now.is_multiple_of(5 * MILLISECOND) {
            let now = self.now;
            self.core.poll(|| now);
        }
    }

    /// Describe another edition, and mark it; a disk that fails keeps the old one.
    fn change(&mut self) {
        let Ok(mark) = self.core.prepare(&common::change(self.edition + 1)) else { return };
        let Some(mut slot) = self.producer.claim() else { return };
        slot.payload()[..MARK_LEN].copy_from_slice(&mark.encode(self.cycle));
        slot.commit(SlotKind::Epoch, MARK_LEN);
        self.edition += 1;
        let len = common::keyframe_len(self.edition);
        self.slicer.restart(len, &mut vec![0; len].into());
    }

    /// The last cycle that was committed no later than `ns`; 0 if there is none.
    pub fn committed_until(&self, ns: u64) -> u64 {
        self.committed.iter().take_while(|(_, at)| *at <= ns).last().map_or(0, |(cycle, _)| *cycle)
    }
}

/// A whole orderly run of `cycles` cycles in memory.
pub fn run(storage: Vec<u8>, cycles: u64, session: u8) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let appender = if storage.is_empty() {
        Appender::create(storage, [9; 16])
    } else {
        Appender::open(storage).unwrap().0
    };
    let mut run = Run::start(appender, &directory.path().join("r.ring"), session).unwrap();
    for _ in 0..cycles {
        run.cycle();
        if run.cycle.is_multiple_of(64) {
            run.core.event(3, &format!("cycle {}", run.cycle));
        }
    }
    run.core.finish(true).unwrap();
    run.core.into_parts().0.into_storage()
}
