//! A twin at work: once an interval, outputs in, programs, inputs out.

use super::{Failure, shaft::ShaftPort, side::Side};
use crate::machine::job;
use sensai_fieldbus::{Plant, Shaft};
use sensai_model::{Cell, Tag, TagKind, TagStore, Value};
use sensai_scripts::{Ports, Program, RunContext, SysFacts, tier::Loaded};
use std::sync::Arc;

/// The longest step of time that a run is told, ns: as much as the segment lets pass at once. What it skips has not
/// happened to the machine.
const STEP_NS_MAX: u64 = 100_000_000;

/// The twin's programs, and what they see.
pub struct Twin {
    programs: Vec<Box<dyn Program>>,
    store: TagStore,
    parameters: Box<[Value]>,
    ports: Ports,
    /// What the controller drives.
    read: Box<[Tag]>,
    /// What the programs assign to. All other inputs are left to the devices.
    written: Box<[Tag]>,
    shafts: Box<[ShaftPort]>,
    /// Bytes that the images have at least.
    image: (usize, usize),
    interval_ns: u64,
    /// On the segment's clock.
    last_ns: Option<u64>,
    /// On the machine's own.
    time_ns: u64,
    runs: u64,
    failure: Arc<Failure>,
}

impl Twin {
    /// With programs that were compiled for this cell.
    pub(super) fn new(cell: &Cell, programs: Vec<Loaded>, failure: Arc<Failure>) -> Self {
        let side = Side::new(cell);
        let assigned = |index: usize| {
            let tags = programs.iter().flat_map(|loaded| &loaded.assigned);
            tags.into_iter().any(|assigned| assigned.tag as usize == index)
        };
        let tags = || side.tags.iter().enumerate();
        let read: Box<[Tag]> =
            tags().filter(|(_, tag)| tag.kind == TagKind::Input).map(|(_, tag)| tag.clone()).collect();
        let written: Box<[Tag]> =
            tags().filter(|(index, _)| assigned(*index)).map(|(_, tag)| tag.clone()).collect();
        let end = |tags: &[Tag]| {
            tags.iter().flat_map(|tag| &tag.fields).map(|field| field.end_byte()).max().unwrap_or(0)
        };
        Self {
            store: side.store(),
            parameters: side.parameters.iter().map(|parameter| parameter.default).collect(),
            ports: Ports::none(),
            image: (end(&read), end(&written)),
            read,
            written,
            shafts: side.ports.into(),
            interval_ns: cell.simulation.twin_interval_ns.max(1),
            last_ns: None,
            time_ns: 0,
            runs: 0,
            failure,
            programs: programs.into_iter().map(|loaded| loaded.program.boxed()).collect(),
        }
    }

    /// Time since the last run in whole intervals, if there is at least one: the machine's step, ns.
    fn due(&mut self, now_ns: u64) -> Option<u64> {
        let Some(last) = self.last_ns else {
            self.last_ns = Some(now_ns);
            return Some(self.interval_ns);
        };
        let passed = now_ns.saturating_sub(last) / self.interval_ns * self.interval_ns;
        if passed == 0 {
            return None;
        }
        self.last_ns = Some(last + passed);
        Some(passed.min(STEP_NS_MAX.max(self.interval_ns)))
    }

    fn look(&mut self, outputs: &[u8], shafts: &[Shaft]) {
        for tag in &self.read {
            for (slot, field) in (tag.slot..).zip(&tag.fields) {
                let driven = tag.decode(field, outputs);
                let value = driven.unwrap_or(self.store.value(slot));
                self.store.set_input(slot, value, driven.is_some());
            }
        }
        for port in &self.shafts {
            port.show(shafts, &mut self.store);
        }
    }

    /// All programs, or up to the first that fails.
    fn run(&mut self, dt_ns: u64) -> bool {
        let sys = SysFacts {
            cycle: self.runs,
            time_ns: self.time_ns.cast_signed(),
            dt_ns: dt_ns.cast_signed(),
            first_cycle: self.runs == 0,
        };
        let Self { programs, store, parameters, ports, runs, .. } = self;
        let failed = programs.iter_mut().find_map(|program| {
            ports.begin(*runs);
            job::cycle(&mut **program, &mut RunContext { sys, tags: store, parameters, ports }).err()
        });
        self.runs += 1;
        self.time_ns += dt_ns;
        match failed {
            None => true,
            Some(error) => {
                self.failure.set(error);
                false
            }
        }
    }

    fn show(&mut self, inputs: &mut [u8], shafts: &mut [Shaft]) {
        for tag in &self.written {
            for (slot, field) in (tag.slot..).zip(&tag.fields) {
                tag.encode(field, self.store.value(slot), inputs);
            }
        }
        for port in &mut self.shafts {
            port.act(&self.store, shafts);
        }
    }
}

impl Plant for Twin {
    fn step(&mut self, time_ns: u64, outputs: &[u8], inputs: &mut [u8], shafts: &mut [Shaft]) {
        let whole = outputs.len() >= self.image.0 && inputs.len() >= self.image.1;
        if self.failure.happened() || !whole {
            return;
        }
        let Some(dt_ns) = self.due(time_ns) else {
            for port in &self.shafts {
                port.follow(shafts);
            }
            return;
        };
        self.look(outputs, shafts);
        if self.run(dt_ns) {
            self.show(inputs, shafts);
        }
    }
}
