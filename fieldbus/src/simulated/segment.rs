//! The segment: devices on a line, the plant they are connected to, and frames that pass through.

use super::{
    dc::Passage,
    device::SimulatedDevice,
    drive::Drive,
    faults::Schedule,
    frame::{self, DATAGRAMS, Datagram},
    registers::{FORWARDED_ERRORS, PROCESSING_ERRORS, RX_ERRORS},
    trace::{Trace, TraceEvent, TraceKind, output_hash},
};
use crate::{Plant, Shaft};
use sensai_model::Cell;
use std::ops::Range;

/// From port 0 of one device to port 0 of the next: processing, cable, and the PHYs at both ends.
const HOP_NS: u64 = 600;
/// From port to port of one device on the way back.
const RETURN_HOP_NS: u64 = 400;

/// Where a device's process data lies in the plant's images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DevicePlace {
    /// Bytes in the input image.
    pub inputs: Range<usize>,
    /// Bytes in the output image.
    pub outputs: Range<usize>,
}

/// How the plant's time is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlantTiming {
    /// Length of one step in ns, at least 1.
    pub step_ns: u64,
    /// Steps that one call may run; when more time than that has passed, the plant skips the first part.
    pub steps_max: u32,
}

impl Default for PlantTiming {
    /// 100 µs a step, up to 100 ms at once.
    fn default() -> Self {
        Self { step_ns: 100_000, steps_max: 1_000 }
    }
}

/// A line of simulated SubDevices with a plant behind them.
pub struct Segment {
    pub(super) devices: Vec<SimulatedDevice>,
    pub(super) places: Vec<DevicePlace>,
    plant: Box<dyn Plant>,
    timing: PlantTiming,
    /// Time the plant has reached; `None` before the first frame.
    plant_ns: Option<u64>,
    inputs: Vec<u8>,
    outputs: Vec<u8>,
    /// Of the drives, in bus order.
    shafts: Vec<Shaft>,
    /// Names of the devices in their cell; empty without one.
    names: Vec<String>,
    pub(super) now_ns: u64,
    last_frame_ns: u64,
    frames: u64,
    skipped_steps: u64,
    /// Wire *n* leads to device *n*.
    pub(super) broken: Vec<bool>,
    pub(super) schedule: Schedule,
    trace: Trace,
}

impl Segment {
    /// Devices in bus order. `places` are theirs in the plant's images, in the same order; a device without one
    /// is not connected to the plant.
    pub fn new(
        mut devices: Vec<SimulatedDevice>,
        plant: Box<dyn Plant>,
        mut places: Vec<DevicePlace>,
        timing: PlantTiming,
    ) -> Self {
        let mut shafts = 0;
        for device in &mut devices {
            device.first_shaft = shafts;
            shafts += device.drives.len();
        }
        places.resize(devices.len(), DevicePlace::default());
        let end = |of: fn(&DevicePlace) -> &Range<usize>| places.iter().map(|p| of(p).end).max().unwrap_or(0);
        let (inputs, outputs) = (end(|place| &place.inputs), end(|place| &place.outputs));
        let mut segment = Self {
            inputs: vec![0; inputs],
            outputs: vec![0; outputs],
            shafts: vec![Shaft::default(); shafts],
            names: Vec::new(),
            broken: vec![false; devices.len()],
            timing: PlantTiming { step_ns: timing.step_ns.max(1), ..timing },
            devices,
            places,
            plant,
            plant_ns: None,
            now_ns: 0,
            last_frame_ns: 0,
            frames: 0,
            skipped_steps: 0,
            schedule: Schedule::default(),
            trace: Trace::default(),
        };
        segment.update_links();
        segment.show_drives();
        segment
    }

    /// The cell's devices and images, as `cell.toml` has them; their clocks differ by the simulation's seed.
    pub fn for_cell(cell: &Cell, plant: Box<dyn Plant>) -> Self {
        let devices = cell.devices.iter().map(|device| SimulatedDevice::new(&device.description)).collect();
        let place = |device: &sensai_model::cell::Device| DevicePlace {
            inputs: device.inputs.clone(),
            outputs: device.outputs.clone(),
        };
        let places = cell.devices.iter().map(place).collect();
        let mut segment = Self::new(devices, plant, places, PlantTiming::default());
        segment.scatter_clocks(cell.simulation.seed);
        segment.names = cell.devices.iter().map(|device| device.name.clone()).collect();
        segment
    }

    /// Keep the newest `capacity` events from now on.
    pub fn record(&mut self, capacity: usize) {
        self.trace = Trace::with_capacity(capacity);
    }

    /// What happened since [`Segment::record`].
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The devices, in bus order.
    pub fn devices(&self) -> &[SimulatedDevice] {
        &self.devices
    }

    /// One of them, to be changed.
    pub fn device_mut(&mut self, position: usize) -> Option<&mut SimulatedDevice> {
        self.devices.get_mut(position)
    }

    /// The drive (the first, if it has several axes) of the device of this name in the cell, or of this position
    /// in figures where there is no cell.
    pub fn drive(&self, device: &str) -> Option<&Drive> {
        self.devices.get(self.position(device)?)?.drives().first()
    }

    /// The same drive, to let something happen to it.
    pub fn drive_mut(&mut self, device: &str) -> Option<&mut Drive> {
        let position = self.position(device)?;
        self.devices.get_mut(position)?.drives_mut().first_mut()
    }

    /// Bus position of the device of this name in the cell, or of this position in figures where there is no cell.
    pub fn position(&self, device: &str) -> Option<usize> {
        let named = self.names.iter().position(|name| name == device);
        named.or_else(|| device.parse().ok().filter(|position| *position < self.devices.len()))
    }

    /// The output image as the outputs drive it: device defaults where there is no valid data.
    pub fn outputs(&self) -> &[u8] {
        &self.outputs
    }

    /// The input image as the sensors show it. With a plant, the plant writes it.
    pub fn inputs_mut(&mut self) -> &mut [u8] {
        &mut self.inputs
    }

    /// The shafts of the drives, in bus order.
    pub fn shafts(&self) -> &[Shaft] {
        &self.shafts
    }

    /// The shafts of the drives, for a test that is the machine. With a plant, the plant writes them.
    pub fn shafts_mut(&mut self) -> &mut [Shaft] {
        &mut self.shafts
    }

    /// Segment time of the last frame that was processed, in ns.
    pub fn last_frame_ns(&self) -> u64 {
        self.last_frame_ns
    }

    /// Frames processed.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Plant steps that were left out because too much time passed at once.
    pub fn skipped_steps(&self) -> u64 {
        self.skipped_steps
    }

    /// Let time pass without a frame: watchdogs expire, the plant moves on.
    pub fn tick(&mut self, now_ns: u64) {
        self.advance(now_ns);
        self.scatter();
    }

    /// A frame goes through all devices and comes back, changed in place. False if it does not come back: the
    /// first wire is broken. Anything that is no EtherCAT frame comes back as it is.
    pub fn process(&mut self, frame: &mut [u8], now_ns: u64) -> bool {
        self.tick(now_ns);
        let reach = self.reach();
        if reach == 0 {
            return false;
        }
        if !frame::is_well_formed(frame) {
            self.devices[0].count_error(PROCESSING_ERRORS);
            return true;
        }
        self.frames += 1;
        self.last_frame_ns = self.now_ns;
        frame[6] |= 0x02;
        for position in 0..reach {
            self.pass(position, reach, frame);
        }
        self.gather();
        true
    }

    /// A frame that is damaged on wire `wire`: devices before it see it whole, those behind it drop what it
    /// writes, and everybody counts. It does not come back.
    pub fn process_damaged(&mut self, frame: &mut [u8], wire: usize, now_ns: u64) {
        self.tick(now_ns);
        let reach = self.reach();
        if frame::is_well_formed(frame) {
            for position in 0..reach.min(wire) {
                self.pass(position, reach, frame);
            }
            self.gather();
        }
        for (position, device) in self.devices.iter_mut().enumerate().take(reach) {
            match position.cmp(&wire) {
                std::cmp::Ordering::Less => device.count_error(FORWARDED_ERRORS + 1),
                std::cmp::Ordering::Equal => {
                    device.count_error(RX_ERRORS);
                    device.count_error(RX_ERRORS + 1);
                }
                std::cmp::Ordering::Greater => device.count_error(FORWARDED_ERRORS),
            }
        }
    }

    /// Devices a frame gets to, from the first on.
    pub fn reach(&self) -> usize {
        let mut reach = 0;
        for (device, broken) in self.devices.iter().zip(&self.broken) {
            if *broken || !device.powered {
                break;
            }
            reach += 1;
            if device.is_port_closed() {
                break;
            }
        }
        reach
    }

    fn pass(&mut self, position: usize, reach: usize, frame: &mut [u8]) {
        let (place, last) = (position as u64, reach as u64 - 1);
        let after = |ns: u64| self.now_ns.saturating_add(ns);
        let forward_ns = after(place * HOP_NS);
        let back_ns = (place < last).then(|| after(last * HOP_NS + (last - place) * RETURN_HOP_NS));
        let device = &mut self.devices[position];
        device.passage = Passage { forward_ns, back_ns };
        let mut at = DATAGRAMS;
        while let Some(mut datagram) = Datagram::take(frame, &mut at) {
            device.answer(&mut datagram);
            if !datagram.more() {
                break;
            }
        }
        self.note(position, self.now_ns);
    }

    /// Move devices and plant on to `now_ns`, step by step.
    fn advance(&mut self, now_ns: u64) {
        let now_ns = now_ns.max(self.now_ns);
        let step = self.timing.step_ns;
        let mut plant_ns = self.plant_ns.unwrap_or(now_ns);
        let due = (now_ns - plant_ns) / step;
        let skip = due.saturating_sub(u64::from(self.timing.steps_max));
        self.skipped_steps += skip;
        plant_ns += skip * step;
        for _ in skip..due {
            let from_ns = plant_ns;
            plant_ns += step;
            self.apply_due_faults(plant_ns);
            self.tick_devices(plant_ns);
            self.step_drives(from_ns, plant_ns);
            self.plant.step(plant_ns, &self.outputs, &mut self.inputs, &mut self.shafts);
            self.show_drives();
        }
        self.plant_ns = Some(plant_ns);
        self.now_ns = now_ns;
        self.apply_due_faults(now_ns);
        self.tick_devices(now_ns);
    }

    /// Each drive with its shaft, in bus order.
    fn step_drives(&mut self, from_ns: u64, now_ns: u64) {
        for device in &mut self.devices {
            device.step_drives(from_ns, now_ns, &mut self.shafts);
        }
    }

    /// What the drives show goes into the input image, whatever the plant has written there.
    fn show_drives(&mut self) {
        for (device, place) in self.devices.iter().zip(&self.places) {
            if device.drives.is_empty() {
                continue;
            }
            if let Some(image) = self.inputs.get_mut(place.inputs.clone()) {
                let len = image.len().min(device.process.inputs().len());
                image[..len].copy_from_slice(&device.process.inputs()[..len]);
            }
        }
    }

    fn tick_devices(&mut self, now_ns: u64) {
        for position in 0..self.devices.len() {
            self.devices[position].tick(now_ns);
            self.note(position, now_ns);
        }
    }

    /// Trace what happened to a device, and take its outputs over.
    pub(super) fn note(&mut self, position: usize, now_ns: u64) {
        let Some(device) = self.devices.get_mut(position) else { return };
        let changes = device.take_changes();
        let time_ns = changes.watchdog_ns.unwrap_or(now_ns);
        let mut push = |kind| {
            let event =
                TraceEvent { time_ns, device: position as u16, last_frame_ns: self.last_frame_ns, kind };
            self.trace.push(event);
        };
        if changes.watchdog_ns.is_some() {
            push(TraceKind::Watchdog);
        }
        if changes.power {
            push(if device.powered { TraceKind::PowerOn } else { TraceKind::PowerOff });
        }
        if changes.state {
            push(TraceKind::State(device.state(), device.error()));
        }
        if changes.outputs {
            push(TraceKind::Outputs(output_hash(device.outputs())));
            self.gather();
        }
    }

    fn gather(&mut self) {
        for (device, place) in self.devices.iter().zip(&self.places) {
            if let Some(image) = self.outputs.get_mut(place.outputs.clone()) {
                let len = image.len().min(device.outputs().len());
                image[..len].copy_from_slice(&device.outputs()[..len]);
            }
        }
    }

    fn scatter(&mut self) {
        self.show_drives();
        for (device, place) in self.devices.iter_mut().zip(&self.places) {
            if let Some(image) = self.inputs.get(place.inputs.clone()) {
                let inputs = device.inputs_mut();
                let len = image.len().min(inputs.len());
                inputs[..len].copy_from_slice(&image[..len]);
            }
        }
    }

    /// Show every device which of its neighbours it can talk to.
    pub(super) fn update_links(&mut self) {
        let linked = |devices: &[SimulatedDevice], broken: &[bool], to: usize| {
            let upstream = to == 0 || devices.get(to - 1).is_some_and(|device| device.powered);
            upstream && devices.get(to).is_some_and(|device| device.powered) && broken.get(to) == Some(&false)
        };
        for position in 0..self.devices.len() {
            let links = [position, position + 1].map(|wire| linked(&self.devices, &self.broken, wire));
            if self.devices[position].powered {
                self.devices[position].set_links(links);
            }
        }
    }
}
