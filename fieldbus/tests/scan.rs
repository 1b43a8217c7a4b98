//! Scanning a wire without knowing what is on it.

mod common;

use common::{PRESS, cell, wire};
use sensai_devices::{Direction, catalogue, sii};
use sensai_fieldbus::ethercat::{AlState, ScanOptions, StartupError, scan};
use sensai_fieldbus::simulated::{DevicePlace, InProcess, PlantTiming, Segment, SimulatedDevice};
use sensai_fieldbus::{NoPlant, clock};
use std::path::PathBuf;

#[test]
fn every_catalogue_device_is_read_back_as_it_is() {
    let cell = cell(&PRESS);
    let report = scan(wire(&cell), ScanOptions::default()).unwrap();
    assert_eq!(report.devices.len(), PRESS.len());
    for (scanned, (kind, _)) in report.devices.iter().zip(PRESS) {
        let expected = catalogue::find(kind).unwrap();
        assert_eq!(scanned.name, kind);
        assert_eq!(
            (scanned.vendor, scanned.product, scanned.revision),
            (expected.identity.vendor, expected.identity.product, expected.identity.revision)
        );
        assert_eq!(scanned.state, AlState::Init);
        assert_eq!(
            (scanned.input_bytes, scanned.output_bytes),
            (expected.byte_len(Direction::Input), expected.byte_len(Direction::Output))
        );
        assert_eq!(scanned.pdos.len(), expected.tx_pdos.len() + expected.rx_pdos.len());
        assert_eq!(scanned.eeprom_errors, [""; 0]);
    }
}

#[test]
fn a_scan_brings_all_to_op_and_back() {
    let cell = cell(&PRESS);
    let mut on_bus = wire(&cell);
    let report = scan(&mut on_bus, ScanOptions { bring_to_op: true }).unwrap();
    assert_eq!(report.op_error, None);
    assert!(report.devices.iter().all(|device| device.state == AlState::Op), "{report:?}");
    let states: Vec<_> =
        on_bus.segment().devices().iter().map(|device| format!("{:?}", device.state())).collect();
    assert!(states.iter().all(|state| state == "Init"), "{states:?}");
}

#[test]
fn nothing_on_the_wire_is_an_error() {
    assert_eq!(scan(wire(&cell(&[])), ScanOptions::default()), Err(StartupError::NoDevices));
}

#[test]
fn a_device_with_a_broken_eeprom_is_in_the_report() {
    let cell = cell(&PRESS);
    let mut on_bus = wire(&cell);
    let eeprom = on_bus.segment().device_mut(2).unwrap().eeprom_mut();
    // The first category's length points beyond everything.
    eeprom.image_mut()[0x82..0x84].fill(0xff);
    let report = scan(&mut on_bus, ScanOptions { bring_to_op: true }).unwrap();
    assert!(!report.devices[2].eeprom_errors.is_empty());
    assert_eq!(report.devices[1].eeprom_errors, [""; 0]);
    assert!(report.op_error.is_some());
}

/// Images of real devices: scanned, compared with the image's own bytes, and brought to OP.
#[test]
fn real_eeprom_images_are_scanned_and_brought_to_op() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/ethercat/sii"));
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: real EEPROM images ({} is not there)", folder.display());
        return;
    };
    let mut images: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter_map(|path| Some((path.clone(), sii::read_image(&std::fs::read(&path).ok()?).ok()?)))
        .filter(|(_, image)| sii::parse(image).is_ok())
        .collect();
    images.sort();
    assert!(images.len() >= 6, "{images:?}");
    for (path, image) in images {
        clock::start_virtual(0);
        let device = SimulatedDevice::from_sii(image.clone()).expect("a valid image");
        let place = vec![DevicePlace::default()];
        let segment = Segment::new(vec![device], Box::new(NoPlant), place, PlantTiming::default());
        let report = scan(InProcess::new(segment), ScanOptions { bring_to_op: true }).unwrap();
        let scanned = &report.devices[0];
        let field = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
        let identity = [scanned.vendor, scanned.product, scanned.revision, scanned.serial];
        assert_eq!(identity, [field(0x10), field(0x14), field(0x18), field(0x1c)], "{}", path.display());
        assert_eq!(scanned.sii[..], image[..scanned.sii.len()], "{}", path.display());
        assert_eq!(report.op_error, None, "{}", path.display());
        assert_eq!(scanned.state, AlState::Op, "{}", path.display());
        println!("{}: {} {:?}", path.display(), scanned.name, (scanned.input_bytes, scanned.output_bytes));
    }
}
