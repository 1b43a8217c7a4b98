//! ethercrab brings segments to OP.

use super::{
    bench::segment_of,
    main_device::{TestBus, connect},
};
use crate::{
    NoPlant, clock,
    simulated::{AlState, InProcess, PlantTiming, Segment, SimulatedDevice},
};
use ethercrab::{MainDevice, SubDeviceGroup, error::Error, subdevice_group::Op};
use sensai_devices::{DeviceDescription, Direction, catalogue};
use std::sync::Arc;

type Group = SubDeviceGroup<32, 1024, ethercrab::DefaultLock, Op>;

fn descriptions(names: &[&str]) -> Vec<Arc<DeviceDescription>> {
    names.iter().map(|name| catalogue::find(name).expect(name)).collect()
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
        // A drive shows what it thinks itself, whatever stands in the image.
        let is_drive = description.name == "SN4020";
        let shown = subdevice.inputs_raw().iter().all(|byte| *byte == 0xa5);
        assert_eq!(shown, !is_drive, "{}", subdevice.name());
    }
}

/// EEPROM images of real devices, where the shared data is at hand.
#[test]
fn devices_made_from_real_images_reach_op() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/ethercat/sii");
    let Ok(files) = std::fs::read_dir(folder) else {
        println!("skipped: SII images of real devices (no {folder})");
        return;
    };
    let mut files: Vec<_> = files.map(|file| file.expect("directory entry").path()).collect();
    files.sort();
    let devices: Vec<_> = files
        .iter()
        .map(|file| {
            let file = std::fs::read(file).expect("readable");
            let image = sensai_devices::sii::read_image(&file).expect("an SII image");
            SimulatedDevice::from_sii(image).expect("parses")
        })
        .collect();
    let names: Vec<_> = devices.iter().map(|device| device.description().name.clone()).collect();
    assert!(!names.is_empty());
    let segment = Segment::new(devices, Box::new(NoPlant), Vec::new(), PlantTiming::default());
    let (main_device, mut bus) = connect(InProcess::new(segment));
    let group = bring_up(&mut bus, &main_device);
    let states: Vec<_> = bus.wire.segment().devices().iter().map(|d| (d.state(), d.error())).collect();
    assert!(states.iter().all(|state| *state == (AlState::Op, None)), "{states:x?} {:?}", group.err());
    let group = group.expect("reaches OP");
    assert_eq!(group.iter(&main_device).map(|device| device.name().to_owned()).collect::<Vec<_>>(), names);
}
