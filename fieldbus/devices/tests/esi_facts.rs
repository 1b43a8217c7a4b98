//! The catalogue's coupler and digital terminals against their vendor's ESI files.

use std::fmt::Write as _;

use sensai_devices::{DeviceDescription, Direction, catalogue};

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/ethercat/esi");

/// The `<Device>` element of this type in its latest revision, without its `<Type>`.
fn device_element(file: &str, type_name: &str) -> Option<(String, String)> {
    let path = format!("{FILES}/{file}");
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            println!("skipped: {path} ({error})");
            return None;
        }
    };
    let text: String = bytes.into_iter().map(char::from).collect();
    let end = format!(">{type_name}</Type>");
    let (before, after) = text.rsplit_once(&end).expect("the file describes the device");
    let (_, attributes) = before.rsplit_once("<Type").expect("a Type element begins");
    let (device, _) = after.split_once("</Device>").expect("the device element ends");
    Some((attributes.to_owned(), device.to_owned()))
}

/// The texts of all elements of a name, in order.
fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let element = |part: &'a str| part.rsplit_once(&*open)?.1.split_once('>');
    xml.split(&*close).filter_map(element).map(|(_attributes, text)| text).collect()
}

/// `index name: entry index:subindex bits name type` for each process-data object of the ESI.
fn pdo_lines(device: &str, element: &str) -> String {
    let mut lines = String::new();
    for pdo in elements(device, element) {
        let first = |xml, name| elements(xml, name)[0];
        write!(lines, "{} {}:", first(pdo, "Index"), first(pdo, "Name")).expect("into a string");
        for entry in elements(pdo, "Entry") {
            let fields = ["Index", "SubIndex", "BitLen", "Name", "DataType"].map(|name| first(entry, name));
            writeln!(lines, " {}", fields.join(" ")).expect("into a string");
        }
    }
    lines
}

fn described_pdo_lines(device: &DeviceDescription, direction: Direction) -> String {
    let pdos = match direction {
        Direction::Input => &device.tx_pdos,
        Direction::Output => &device.rx_pdos,
    };
    let mut lines = String::new();
    for pdo in pdos {
        write!(lines, "#x{:04x} {}:", pdo.index, pdo.name).expect("into a string");
        for entry in &pdo.entries {
            writeln!(
                lines,
                " #x{:04x} {} {} {} BOOL",
                entry.index, entry.subindex, entry.bit_len, entry.name
            )
            .expect("into a string");
        }
    }
    lines
}

#[track_caller]
fn check(file: &str, type_name: &str, pdo_count: usize) {
    let Some((attributes, element)) = device_element(file, type_name) else { return };
    let device = catalogue::find(type_name).expect("is in the catalogue");
    let identity = device.identity;
    assert_eq!(identity.vendor, catalogue::BECKHOFF_VENDOR);
    let expected =
        format!(r##" ProductCode="#x{:08x}" RevisionNo="#x{:08x}""##, identity.product, identity.revision);
    assert_eq!(attributes, expected);
    assert_eq!(pdo_lines(&element, "TxPdo"), described_pdo_lines(&device, Direction::Input));
    assert_eq!(pdo_lines(&element, "RxPdo"), described_pdo_lines(&device, Direction::Output));
    assert_eq!(elements(&element, "TxPdo").len() + elements(&element, "RxPdo").len(), pdo_count);
    assert_eq!(elements(&element, "Sm").len(), device.sync_managers.len());
    for sync_manager in &device.sync_managers {
        assert!(element.contains(&format!(r##"StartAddress="#x{:04x}""##, sync_manager.start)));
        let control = match sync_manager.control {
            0 => r#"ControlByte="0""#.to_owned(),
            control => format!(r##"ControlByte="#x{control:02x}""##),
        };
        assert!(element.contains(&control), "{control}");
    }
    let usage = |usage: &str| if usage == "Outputs" { 1 } else { 2 };
    let fmmus: Vec<u8> = elements(&element, "Fmmu").into_iter().map(usage).collect();
    assert_eq!(fmmus, device.fmmus);
    assert_eq!(element.contains("<Mailbox"), device.mailbox.is_some());
}

#[test]
fn ek1100() {
    check("Beckhoff EK11xx.xml", "EK1100", 0);
}

#[test]
fn el1008() {
    check("Beckhoff EL1xxx.xml", "EL1008", 8);
}

#[test]
fn el2008() {
    check("Beckhoff EL2xxx.xml", "EL2008", 8);
}
