//! A segment and single datagrams into it.

use crate::{
    NoPlant,
    simulated::{DevicePlace, PlantTiming, Segment, SimulatedDevice, frame::Command, registers::*},
};
use sensai_devices::{DeviceDescription, Direction, SyncManagerKind, catalogue};
use std::sync::Arc;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub working_counter: u16,
    pub address: u16,
    pub data: Vec<u8>,
}

/// A frame with these datagrams: command, address word, offset word, data.
pub fn frame(datagrams: &[(Command, u16, u16, &[u8])]) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x88, 0xa4, 0, 0]);
    for (i, (command, address, offset, data)) in datagrams.iter().enumerate() {
        let more = if i + 1 < datagrams.len() { 0x8000 } else { 0 };
        frame.extend([*command as u8, 0x40 + i as u8]);
        frame.extend(address.to_le_bytes());
        frame.extend(offset.to_le_bytes());
        frame.extend((data.len() as u16 | more).to_le_bytes());
        frame.extend([0, 0]);
        frame.extend(*data);
        frame.extend([0, 0]);
    }
    let length = (frame.len() - 16) as u16 | 0x1000;
    frame[14..16].copy_from_slice(&length.to_le_bytes());
    frame
}

pub struct Bench {
    pub segment: Segment,
    pub now_ns: u64,
}

/// The catalogue's description of this name.
pub fn described(name: &str) -> Arc<DeviceDescription> {
    catalogue::find(name).expect(name)
}

/// A segment whose image holds the devices' data one behind the other.
pub fn segment_of(descriptions: &[Arc<DeviceDescription>]) -> Segment {
    let (mut inputs, mut outputs) = (0, 0);
    let places = descriptions.iter().map(|description| {
        let (i, o) = (inputs, outputs);
        inputs += description.byte_len(Direction::Input);
        outputs += description.byte_len(Direction::Output);
        DevicePlace { inputs: i..inputs, outputs: o..outputs }
    });
    let places = places.collect();
    let devices = descriptions.iter().map(|description| SimulatedDevice::new(description)).collect();
    Segment::new(devices, Box::new(NoPlant), places, PlantTiming::default())
}

impl Bench {
    /// Catalogue devices in this order.
    pub fn new(names: &[&str]) -> Self {
        Self::of(&names.iter().map(|name| described(name)).collect::<Vec<_>>())
    }

    pub fn of(descriptions: &[Arc<DeviceDescription>]) -> Self {
        Self { segment: segment_of(descriptions), now_ns: 1_000_000 }
    }

    /// One datagram in a frame of its own.
    pub fn send(&mut self, command: Command, address: u16, offset: u16, data: &[u8]) -> Answer {
        self.now_ns += 1_000;
        let mut bytes = frame(&[(command, address, offset, data)]);
        assert!(self.segment.process(&mut bytes, self.now_ns), "the frame comes back");
        let end = 26 + data.len();
        Answer {
            working_counter: u16::from_le_bytes([bytes[end], bytes[end + 1]]),
            address: u16::from_le_bytes([bytes[18], bytes[19]]),
            data: bytes[26..end].to_vec(),
        }
    }

    /// Write by position.
    pub fn write(&mut self, position: u16, at: usize, data: &[u8]) -> u16 {
        let address = 0_u16.wrapping_sub(position);
        self.send(Command::Apwr, address, at as u16, data).working_counter
    }

    /// Read by position.
    pub fn read(&mut self, position: u16, at: usize, len: usize) -> (Vec<u8>, u16) {
        let address = 0_u16.wrapping_sub(position);
        let answer = self.send(Command::Aprd, address, at as u16, &vec![0; len]);
        (answer.data, answer.working_counter)
    }

    /// Set SyncManagers as described, with the lengths of the assigned PDOs, and one FMMU for each that carries
    /// process data: logical address 0x10000 × (position + 1) + 0x100 × SyncManager.
    pub fn configure(&mut self, position: u16) {
        let device = &self.segment.devices()[usize::from(position)];
        let description = device.description().clone();
        let regions = device.process.regions().to_vec();
        for (n, channel) in description.sync_managers.iter().enumerate() {
            let length = regions
                .iter()
                .find(|region| region.sync_manager == n)
                .map_or(channel.length, |region| region.length.unwrap_or(channel.length));
            let mut bytes = channel.start.to_le_bytes().to_vec();
            bytes.extend(length.to_le_bytes());
            bytes.extend([channel.control, 0, u8::from(length > 0), 0]);
            self.write(position, SYNC_MANAGER + 8 * n, &bytes);
            let kind = match channel.kind {
                SyncManagerKind::Inputs => 1,
                SyncManagerKind::Outputs => 2,
                _ => continue,
            };
            let mut fmmu = logical(position, n).to_le_bytes().to_vec();
            fmmu.extend(length.to_le_bytes());
            fmmu.extend([0, 7]);
            fmmu.extend(channel.start.to_le_bytes());
            fmmu.extend([0, kind, u8::from(length > 0), 0, 0, 0]);
            self.write(position, FMMU + 16 * n, &fmmu);
        }
    }

    /// Ask for a state; AL status and its code then.
    pub fn request(&mut self, position: u16, control: u8) -> (u8, u16) {
        self.write(position, AL_CONTROL, &[control, 0]);
        let (status, _) = self.read(position, AL_STATUS, 6);
        (status[0], u16::from_le_bytes([status[4], status[5]]))
    }

    /// Logical access.
    pub fn logical(&mut self, command: Command, address: u32, data: &[u8]) -> Answer {
        let [a, b, c, d] = address.to_le_bytes();
        self.send(command, u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]), data)
    }

    /// Configure all devices and bring them to OP.
    pub fn bring_up(&mut self) {
        for position in 0..self.segment.devices().len() as u16 {
            self.configure(position);
            assert_eq!(self.request(position, 2), (2, 0), "PRE-OP of {position}");
            assert_eq!(self.request(position, 4), (4, 0), "SAFE-OP of {position}");
            self.request(position, 8);
            let regions = self.segment.devices()[usize::from(position)].process.regions().to_vec();
            for region in regions.iter().filter(|region| region.is_output) {
                let data = vec![0; usize::from(region.length.unwrap_or(0))];
                if !data.is_empty() {
                    let address = logical(position, region.sync_manager);
                    assert_eq!(self.logical(Command::Lwr, address, &data).working_counter, 1);
                }
            }
            let (status, _) = self.read(position, AL_STATUS, 6);
            assert_eq!(status[0], 8, "OP of {position}: {status:x?}");
        }
    }
}

/// Where [`Bench::configure`] maps a SyncManager.
pub fn logical(position: u16, sync_manager: usize) -> u32 {
    0x10000 * (u32::from(position) + 1) + 0x100 * sync_manager as u32
}
