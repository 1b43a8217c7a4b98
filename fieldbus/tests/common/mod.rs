//! Cells without a file, and a wire that does what wires do at the worst moment.

#![allow(dead_code)] // Each test file uses its part.

use sensai_devices::{DeviceDescription, Direction, catalogue};
use sensai_fieldbus::ethercat::{EtherCatBus, StartupError, Step, start};
use sensai_fieldbus::simulated::{InProcess, Segment};
use sensai_fieldbus::{Bus as _, Exchange, NoPlant, Wire, clock};
use sensai_model::Cell;
use sensai_model::cell::{
    Bus, Device, ImageSize, Limits, Log, OnOverrun, Operator, Simulation, SyncUnit, Task,
};
use std::{collections::VecDeque, sync::Arc};

pub const INTERVAL_NS: u64 = 1_000_000;
pub const DEADLINE_NS: u64 = 250_000;

/// The press cell's bus: all catalogue devices, the gauge in a sync unit of its own.
pub const PRESS: [(&str, &str); 6] = [
    ("EK1100", "main"),
    ("EL1008", "main"),
    ("EL2008", "main"),
    ("EL3104", "main"),
    ("EL5101", "main"),
    ("SN7001", "measuring"),
];

/// Devices by type and sync unit, named `d0`, `d1`, ...
pub fn cell(devices: &[(&str, &str)]) -> Cell {
    let described: Vec<_> = devices
        .iter()
        .map(|(kind, unit)| (catalogue::find(kind).expect("a catalogue type"), *unit))
        .collect();
    cell_of(&described)
}

pub fn cell_of(described: &[(Arc<DeviceDescription>, &str)]) -> Cell {
    let mut image = ImageSize::default();
    let mut sync_units: Vec<SyncUnit> = Vec::new();
    let mut devices = Vec::new();
    for (position, (description, unit)) in (0..).zip(described) {
        let unit = match sync_units.iter().position(|known| known.name == *unit) {
            Some(unit) => unit,
            None => {
                sync_units.push(SyncUnit { name: (*unit).to_owned(), devices: vec![] });
                sync_units.len() - 1
            }
        };
        let inputs = image.inputs..image.inputs + description.byte_len(Direction::Input);
        let outputs = image.outputs..image.outputs + description.byte_len(Direction::Output);
        (image.inputs, image.outputs) = (inputs.end, outputs.end);
        if !inputs.is_empty() || !outputs.is_empty() {
            sync_units[unit].devices.push(position);
        }
        devices.push(Device {
            name: format!("d{position}"),
            position,
            description: Arc::clone(description),
            sync_unit: unit as u8,
            inputs,
            outputs,
            serial: None,
            startup: vec![],
        });
    }
    let limits = Limits { operations: 1, call_depth: 1, text_len: 1, array_len: 1, record_len: 1 };
    Cell {
        name: "test".into(),
        bus: Bus {
            interface: None,
            deadline_ns: DEADLINE_NS,
            lost_frames_max: 3,
            watchdog_ns: 10 * INTERVAL_NS,
            acyclic_bytes_max: 1_000,
        },
        devices,
        sync_units,
        tags: vec![],
        slow_tasks: Vec::new(),
        axes: Vec::new(),
        units: Vec::new(),
        routes: Vec::new(),
        alarms: Vec::new(),
        models: Vec::new(),
        jidoka: Vec::new(),
        task: Task {
            name: "main".into(),
            interval_ns: INTERVAL_NS,
            priority: 80,
            core: None,
            spin_ns: None,
            multiple: 1,
            on_overrun: OnOverrun::Skip,
            tier: Default::default(),
            programs: vec![],
            limits,
        },
        parameters: vec![],
        image,
        retain_interval_ns: 1_000_000_000,
        log: Log { sync_interval_ns: 1, keyframe_interval: 1, ring_ns: 1 },
        operator: Operator::default(),
        simulation: Simulation { seed: 1, auto_start: true, ..Simulation::default() },
    }
}

/// What happens to one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It never comes back.
    Lose,
    /// It comes back after this many frames sent later.
    Delay(u32),
    /// It comes back twice.
    Duplicate,
    /// A byte of it is another (offset, XOR).
    Corrupt(usize, u8),
    /// Only so many bytes of it come back.
    Truncate(usize),
    /// It cannot be sent.
    Refuse,
}

/// A wire to a simulated segment with faults on our cyclic frames (frame number 0).
pub struct FaultyWire {
    pub inner: InProcess,
    /// Faults of the coming cyclic frames, `None` for a good one.
    pub faults: VecDeque<Option<Fault>>,
    held: VecDeque<(u32, usize, [u8; 1514])>,
    ready: VecDeque<(usize, [u8; 1514])>,
    pub cyclic_frames: u64,
    /// What happens to every cyclic frame that has no fault of its own.
    pub always: Option<Fault>,
    /// Every so many frames of any kind are lost; 0: none.
    pub lose_every: u64,
    frames: u64,
}

impl FaultyWire {
    pub fn new(segment: Segment) -> Self {
        Self {
            inner: InProcess::new(segment),
            faults: VecDeque::with_capacity(64),
            held: VecDeque::with_capacity(64),
            ready: VecDeque::with_capacity(64),
            cyclic_frames: 0,
            always: None,
            lose_every: 0,
            frames: 0,
        }
    }

    pub fn segment(&mut self) -> &mut Segment {
        self.inner.segment_mut()
    }

    fn reply(&mut self) -> Option<(usize, [u8; 1514])> {
        let mut bytes = [0; 1514];
        self.inner.recv(&mut bytes).map(|len| (len, bytes))
    }
}

impl Wire for FaultyWire {
    fn send(&mut self, frame: &[u8]) -> bool {
        let is_cyclic = frame.len() > 12 && frame[10..12] == [0x20, 0];
        let fault = if is_cyclic { self.faults.pop_front().flatten().or(self.always) } else { None };
        self.frames += 1;
        let fault = if self.lose_every > 0 && self.frames.is_multiple_of(self.lose_every) {
            Some(Fault::Lose)
        } else {
            fault
        };
        self.cyclic_frames += u64::from(is_cyclic);
        if fault == Some(Fault::Refuse) {
            return false;
        }
        while let Some(reply) = self.reply() {
            self.ready.push_back(reply);
        }
        if is_cyclic {
            self.held.iter_mut().for_each(|(frames, ..)| *frames = frames.saturating_sub(1));
            while self.held.front().is_some_and(|(frames, ..)| *frames == 0) {
                let (_, len, bytes) = self.held.pop_front().expect("just seen");
                self.ready.push_back((len, bytes));
            }
        }
        if !self.inner.send(frame) {
            return false;
        }
        let Some(fault) = fault else { return true };
        let Some((len, mut bytes)) = self.reply() else { return true };
        match fault {
            Fault::Lose | Fault::Refuse => {}
            Fault::Delay(frames) => self.held.push_back((frames, len, bytes)),
            Fault::Duplicate => self.ready.extend([(len, bytes), (len, bytes)]),
            Fault::Corrupt(at, with) => {
                bytes[at] ^= with;
                self.ready.push_back((len, bytes));
            }
            Fault::Truncate(len) => self.ready.push_back((len, bytes)),
        }
        true
    }

    fn recv(&mut self, buf: &mut [u8]) -> Option<usize> {
        match self.ready.pop_front() {
            Some((len, bytes)) => {
                buf[..len].copy_from_slice(&bytes[..len]);
                Some(len)
            }
            None => self.inner.recv(buf),
        }
    }

    fn wait(&mut self, until_ns: u64) {
        if self.ready.is_empty() {
            self.inner.wait(until_ns);
        }
    }
}

/// A cell's bus in virtual time, one exchange an interval.
pub struct Running {
    pub bus: EtherCatBus<FaultyWire>,
    pub inputs: Vec<u8>,
    pub outputs: Vec<u8>,
    next_ns: u64,
}

pub fn wire(cell: &Cell) -> FaultyWire {
    clock::start_virtual(1_000_000_000);
    FaultyWire::new(Segment::for_cell(cell, Box::new(NoPlant)))
}

pub fn run_up(cell: &Cell) -> Running {
    match try_run_up(cell, wire(cell)) {
        Ok(running) => running,
        Err(error) => panic!("{error}"),
    }
}

pub fn try_run_up(cell: &Cell, wire: FaultyWire) -> Result<Running, StartupError> {
    let outputs = vec![0; cell.image.outputs];
    let mut steps: Vec<Step> = Vec::new();
    let bus = start(cell, wire, &outputs, &mut |step| steps.push(step))?;
    assert!(steps.is_sorted(), "{steps:?}");
    Ok(Running { bus, inputs: vec![0; cell.image.inputs], outputs, next_ns: clock::now_ns() })
}

impl Running {
    pub fn exchange(&mut self) -> Exchange {
        self.next_ns += INTERVAL_NS;
        let exchange = self.bus.exchange(&self.outputs, &mut self.inputs, clock::now_ns() + DEADLINE_NS);
        self.bus.acyclic(self.next_ns - 100_000);
        clock::advance_to(self.next_ns);
        exchange
    }
}
