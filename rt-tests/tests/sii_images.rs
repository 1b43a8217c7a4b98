//! EEPROM images of real devices as a segment: what `sensai` says about them is what the bytes say, what a decoder of
//! its own reads, and what SOEM sees; all of them reach OP.

use rt_tests::{
    Namespace,
    cells::{PressCell, Run, Simulator},
    eeprom::{Eeprom, Pdo},
    harness::{Output, Profile, RUN_LIMIT, output_of, python_with, sensai_command, shared, workspace},
    skip,
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// File, vendor id, product code, revision, serial number: as they stand in the vendors' ESI files and on the type plates.
const IMAGES: [(&str, [u32; 4]); 6] = [
    ("ek1100.hex", [0x2, 0x044c_2c52, 0x0012_0000, 0]),
    ("el2004.bin", [0x2, 0x07d4_3052, 0x0010_0000, 0]),
    ("el2828.hex", [0x2, 0x0b0c_3052, 0x0011_0000, 0]),
    ("el2889.hex", [0x2, 0x0b49_3052, 0x0011_0000, 0]),
    ("el2262.bin", [0x2, 0x08d6_3052, 0x0003_0000, 0]),
    ("akd.hex", [0x6a, 0x0041_4b44, 0x2, 0x9983_0093]),
];

fn images() -> Option<Vec<PathBuf>> {
    let folder = shared()?.join("data/ethercat/sii");
    folder.is_dir().then(|| IMAGES.iter().map(|(name, _)| folder.join(name)).collect())
}

/// As `scan --json` shows a process-data object.
fn pdo(direction: &str, pdo: &Pdo) -> Value {
    let entry = |entry: &rt_tests::eeprom::Entry| json!({ "index": entry.index, "subindex": entry.subindex, "bits": entry.bits, "name": entry.name });
    json!({
        "direction": direction,
        "index": pdo.index,
        "name": pdo.name,
        "sync_manager": (pdo.sync_manager != 0xff).then_some(pdo.sync_manager),
        "entries": pdo.entries.iter().map(entry).collect::<Vec<_>>(),
    })
}

/// What the bytes say about a device, in the words of `scan --json`.
fn expected(image: &[u8]) -> Value {
    let decoded = Eeprom::decode(image);
    let [receive_start, receive_len, send_start, send_len] = decoded.mailbox;
    let protocols = u16::from_le_bytes([image[0x38], image[0x39]]);
    let mailbox = (receive_len > 0).then(|| json!({ "receive": [receive_start, receive_len], "send": [send_start, send_len], "protocols": protocols }));
    let [vendor, product, revision, serial] = decoded.identity;
    let pdos = decoded.tx.iter().map(|tx| pdo("tx", tx)).chain(decoded.rx.iter().map(|rx| pdo("rx", rx)));
    json!({
        "name": decoded.order,
        "title": decoded.name,
        "vendor": vendor,
        "product": product,
        "revision": revision,
        "serial": serial,
        "state": "Op",
        "al_status_code": 0,
        "mailbox": mailbox,
        "input_bytes": decoded.bytes(4),
        "output_bytes": decoded.bytes(3),
        "pdos": pdos.collect::<Vec<_>>(),
        "eeprom_errors": [],
    })
}

/// One of both orders is fine: what counts is which objects there are.
fn sorted(mut device: Value) -> Value {
    if let Some(pdos) = device["pdos"].as_array_mut() {
        pdos.sort_by_key(|pdo| pdo["index"].as_u64());
    }
    device
}

#[track_caller]
fn assert_as_decoded(report: &Output, images: &[PathBuf]) {
    let report: Value = serde_json::from_str(&report.clone().expect_code(0).stdout).expect("JSON");
    assert_eq!(report["op_error"], Value::Null);
    let devices = report["devices"].as_array().expect("a list");
    assert_eq!(devices.len(), images.len());
    for (device, path) in devices.iter().zip(images) {
        let image = fs::read(path).expect("it is there");
        let expected = sorted(expected(&image));
        let device = sorted(device.clone());
        for (key, value) in expected.as_object().expect("a table") {
            assert_eq!(&device[key], value, "{key} of {}", path.display());
        }
    }
}

/// The second decoder is no oracle by itself: what everybody can look up has to come out of it.
#[test]
fn sii_images_have_their_identities_at_their_offsets() {
    let Some(images) = images() else { skip!("../shared/data/ethercat/sii is not there") };
    for (path, (name, identity)) in images.iter().zip(IMAGES) {
        let image = fs::read(path).expect("it is there");
        for (offset, expected) in (0x10..).step_by(4).zip(identity) {
            let bytes = image[offset..offset + 4].try_into().expect("four bytes");
            assert_eq!(u32::from_le_bytes(bytes), expected, "{name} at {offset:#x}");
        }
        let decoded = Eeprom::decode(&image);
        assert_eq!(decoded.identity, identity, "{name}");
        let order = name.split('.').next().unwrap_or_default().to_uppercase();
        assert_eq!(decoded.order, order);
        assert!(decoded.name.contains(&order), "{}", decoded.name);
    }
    let outputs = |name: &str| {
        let at = IMAGES.iter().position(|(file, _)| file.starts_with(name)).expect("it is in the table");
        let decoded = Eeprom::decode(&fs::read(&images[at]).expect("it is there"));
        decoded.rx.iter().map(Pdo::bits).sum::<u32>()
    };
    assert_eq!((outputs("el2004"), outputs("el2828"), outputs("el2889")), (4, 8, 16));
}

#[test]
fn sii_images_embedded() {
    let Some(images) = images() else { skip!("../shared/data/ethercat/sii is not there") };
    let mut command = sensai_command(Profile::Release);
    let report = output_of(command.args(["scan", "sim", "--op", "--json", "--sii"]).args(&images), RUN_LIMIT);
    assert_as_decoded(&report, &images);
}

#[test]
fn sii_images_over_veth() {
    let Some(images) = images() else { skip!("../shared/data/ethercat/sii is not there") };
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let _simulator = Simulator::of_images(&namespace, &images);
    let report = output_of(&mut namespace.sensai(&["scan", Namespace::MAIN, "--op", "--json"]), RUN_LIMIT);
    assert_as_decoded(&report, &images);
}

#[test]
fn sii_images_as_soem_sees_them() {
    let Some(images) = images() else { skip!("../shared/data/ethercat/sii is not there") };
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(why) => skip!("{why}"),
    };
    let python = match python_with("pysoem") {
        Ok(python) => python,
        Err(why) => skip!("{why}"),
    };
    let _simulator = Simulator::of_images(&namespace, &images);
    let script = workspace().join("rt-tests/interop/soem_scan.py");
    let seen =
        output_of(namespace.command(python).arg(script).arg(Namespace::MAIN), RUN_LIMIT).expect_code(0);
    let seen: Value = serde_json::from_str(&seen.stdout).expect("JSON");
    let devices = seen["devices"].as_array().expect("a list");
    assert_eq!(devices.len(), images.len(), "{seen:#}");
    for (device, path) in devices.iter().zip(&images) {
        let image = fs::read(path).expect("it is there");
        let expected = expected(&image);
        for key in ["vendor", "product", "revision"] {
            assert_eq!(device[key], expected[key], "{key} of {}", path.display());
        }
        // SOEM takes the first text for the name, which is the order name in all of them.
        assert_eq!(device["name"], expected["name"], "{}", path.display());
        assert_eq!(device["inputs"], expected["input_bytes"], "{}", path.display());
        assert_eq!(device["outputs"], expected["output_bytes"], "{}", path.display());
        assert_eq!((&device["state"], &device["al_status"]), (&json!(8), &json!(0)), "{}", path.display());
    }
    // LRW: 1 for each device that is read, 2 for each that is written.
    let counter: u64 = devices
        .iter()
        .map(|device| u64::from(device["inputs"] != 0) + 2 * u64::from(device["outputs"] != 0))
        .sum();
    assert_eq!(seen["working_counters"], json!([counter]), "{seen:#}");
}

/// The same images as the devices of a cell.
#[test]
fn sii_images_in_a_cell() {
    let Some(images) = images() else { skip!("../shared/data/ethercat/sii is not there") };
    let cell = PressCell::new();
    let mut devices = String::new();
    for (path, (name, _)) in images.iter().zip(IMAGES) {
        fs::create_dir_all(cell.directory().join("esi")).expect("a folder can be made");
        fs::copy(path, cell.directory().join("esi").join(name)).expect("it can be copied");
        devices += &format!("{} = {{ sii = \"esi/{name}\" }}\n", name.replace('.', "_"));
    }
    let text = format!(
        "[cell]\nname = \"images\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/press.rhai\"]\n\
         [devices]\n{devices}[tags]\nfirst = {{ output = \"el2004_bin.0x7000:01\" }}\nlast = {{ output = \"el2889_hex.0x70f0:01\" }}\n\
         position = {{ input = \"akd_hex.0x6063:00\" }}\nclock = {{ input = \"el2262_bin.0x1d09:98\" }}\n\
         [simulation]\nauto_start = true\n"
    );
    fs::write(cell.directory().join("cell.toml"), text).expect("it can be written");
    let cell = cell.with_program("fn init() { #{ n: 0 } }\nfn cycle() { this.n += 1; io.first = this.n % 2 == 0; io.last = !io.first; }\n");
    let run = Run::embedded(&cell.directory(), &["--virtual", "--cycles", "500"]);
    assert_eq!(run.output.code, Some(0), "{}", run.output.stderr);
    assert_eq!(run.text("/mode"), "run");
    run.assert_lossless();
}
