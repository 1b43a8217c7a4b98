//! ethercrab brings segments to OP.

use super::main_device::{TestBus, connect};
use crate::{
    NoPlant, clock,
    simulated::{AlState, DevicePlace, InProcess, PlantTiming, Segment, SimulatedDevice},
};
use ethercrab::{MainDevice, SubDeviceGroup, error::Error, subdevice_group::Op};
use sensai_devices::{DeviceDescription, Direction, catalogue};
use std::sync::Arc;

type Group = SubDeviceGroup<32, 1024, ethercrab::DefaultLock, Op>;

fn descriptions(names: &[&str]) -> Vec<Arc<DeviceDescription>> {
    names.iter().map(|name| catalogue::find(name).expect(name)).collect()
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

pub fn bring_up(bus: &mut TestBus<'_, InProcess>, main_device: &MainDevice<'_>) -> Result<Group, Error> {
    let group = bus.block_on(main_device.init_single_group::<32, 1024>(clock::now_ns))?;
    let group = bus.block_on(group.into_safe_op(main_device))?;
    let group = bus.block_on(group.request_into_op(main_device))?;
    for _ in 0..1000 {
        if bus.block_on(group.tx_rx(main_device))?.all_op() {
            return Ok(group);
        }
        clock::advance_to(clock::now_ns() + 1_000_000);
    }
    Err(Error::Timeout(ethercrab::error::TimeoutError::StateTransition))
}

#[test]
fn every_catalogue_device_reaches_op_and_exchanges() {
    let descriptions = descriptions(catalogue::names());
    let segment = segment_of(&descriptions);
    let (main_device, mut bus) = connect(InProcess::new(segment));
    let group = bring_up(&mut bus, &main_device);
    let states: Vec<_> = bus.wire.segment().devices().iter().map(|d| (d.state(), d.error())).collect();
    assert!(states.iter().all(|s| *s == (AlState::Op, None)), "{states:x?} {:?}", group.err());
    let group = group.expect("reaches OP");
    assert!(bus.wire.segment().devices().iter().all(|device| device.state() == AlState::Op));

    for byte in bus.wire.segment_mut().inputs_mut() {
        *byte = 0xa5;
    }
    for subdevice in group.iter(&main_device) {
        subdevice.outputs_raw_mut().fill(0x5a);
    }
    let reply = bus.block_on(group.tx_rx(&main_device)).expect("exchange");
    let expected: u16 = descriptions
        .iter()
        .map(|description| {
            u16::from(description.byte_len(Direction::Input) > 0)
                + 2 * u16::from(description.byte_len(Direction::Output) > 0)
        })
        .sum();
    assert_eq!(reply.working_counter, expected);
    assert!(!bus.wire.segment().outputs().is_empty());
    assert!(bus.wire.segment().outputs().iter().all(|byte| *byte == 0x5a));
    for (subdevice, description) in group.iter(&main_device).zip(&descriptions) {
        assert_eq!(subdevice.name(), description.name);
        assert_eq!(
            subdevice.inputs_raw().len(),
            description.byte_len(Direction::Input),
            "{}",
            subdevice.name()
        );
        assert!(subdevice.inputs_raw().iter().all(|byte| *byte == 0xa5), "{}", subdevice.name());
    }
}
