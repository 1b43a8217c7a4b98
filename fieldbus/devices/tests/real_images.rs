//! EEPROM images of real devices, decoded and compared with what was read off their bytes by hand.

use sensai_devices::sii::{self, CategoryKind, SiiImage};
use sensai_devices::{DeviceDescription, Direction, Identity, Mailbox, SyncManager, SyncManagerKind};

const IMAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/ethercat/sii");

/// The image, or `None` and a line that says so where the data is not there.
fn image(file: &str) -> Option<Vec<u8>> {
    let path = format!("{IMAGES}/{file}");
    match std::fs::read(&path) {
        Ok(bytes) => Some(sii::read_image(&bytes).expect("is an image")),
        Err(error) => {
            println!("skipped: {path} ({error})");
            None
        }
    }
}

/// Number, byte offset of the contents and length of all categories, and the offset of the end marker.
#[track_caller]
fn check_categories(bytes: &[u8], expected: &[(u16, usize, usize)], end: usize) {
    let image = SiiImage::new(bytes);
    assert_eq!(bytes.len(), 2048);
    assert_eq!(image.declared_len(), Some(2048));
    let found: Vec<_> = image.categories().map(|c| (c.kind.number(), c.offset, c.contents.len())).collect();
    assert_eq!(found, expected);
    assert_eq!(image.end(), Some(end));
    for &(number, offset, len) in expected {
        let words = u16::try_from(len / 2).expect("short").to_le_bytes();
        assert_eq!(
            bytes[offset - 4..offset],
            [number.to_le_bytes(), words].concat(),
            "category {number} at {offset:#x}"
        );
    }
}

#[track_caller]
fn parse(bytes: &[u8]) -> DeviceDescription {
    let description = sii::parse(bytes).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(sii::losses(&description), Vec::<String>::new());
    assert_eq!(sii::parse(&sii::encode(&description)), Ok(description.clone()));
    description
}

fn sync_manager(start: u16, length: u16, control: u8, enable: bool, kind: SyncManagerKind) -> SyncManager {
    SyncManager { start, length, control, enable, kind }
}

fn paths(description: &DeviceDescription, direction: Direction) -> Vec<String> {
    description.entries(direction).into_iter().map(|entry| entry.path).collect()
}

/// Name, title, vendor, product, revision; bytes of outputs and inputs; number of RxPDOs and TxPDOs.
#[track_caller]
fn check_summary(
    found: &DeviceDescription,
    (name, title): (&str, &str),
    identity: (u32, u32, u32),
    sizes: (usize, usize),
    pdos: (usize, usize),
) {
    assert_eq!((&*found.name, &*found.title), (name, title));
    assert_eq!((found.identity.vendor, found.identity.product, found.identity.revision), identity);
    assert_eq!((found.byte_len(Direction::Output), found.byte_len(Direction::Input)), sizes);
    assert_eq!((found.rx_pdos.len(), found.tx_pdos.len()), pdos);
}

#[test]
fn akd() {
    let Some(bytes) = image("akd.hex") else { return };
    let categories = [
        (0x0800, 0x084, 0x14),
        (0x0801, 0x09c, 0x0c),
        (10, 0x0ac, 0x1de),
        (30, 0x28e, 0x20),
        (40, 0x2b2, 0x04),
        (41, 0x2ba, 0x20),
        (43, 0x2de, 0x02),
        (50, 0x2e4, 0x208),
        (51, 0x4f0, 0x170),
        (60, 0x664, 0x30),
    ];
    check_categories(&bytes, &categories, 0x694);
    // The first of 33 strings, and the group "Drive" beside it.
    assert_eq!(bytes[0xac..0xb6], *b"\x21\x03AKD\x05Driv");

    let akd = parse(&bytes);
    check_summary(&akd, ("AKD", "AKD EtherCAT Drive (CoE)"), (0x6a, 0x0041_4b44, 2), (6, 6), (12, 12));
    assert_eq!(akd.identity.serial, 0x9983_0093);
    assert_eq!(akd.fmmus, [1, 2, 3]);
    assert_eq!(
        akd.sync_managers,
        [
            sync_manager(0x1800, 0x400, 0x26, true, SyncManagerKind::MailboxOut),
            sync_manager(0x1c00, 0x400, 0x22, true, SyncManagerKind::MailboxIn),
            sync_manager(0x1100, 0, 0x24, true, SyncManagerKind::Outputs),
            sync_manager(0x1140, 0, 0x20, true, SyncManagerKind::Inputs),
        ]
    );
    // Ethernet, CoE and files; SDO, PDO assignment and configuration.
    let mailbox =
        Mailbox { receive: (0x1800, 0x400), send: (0x1c00, 0x400), protocols: 0x0e, coe_details: 0x0d };
    assert_eq!(akd.mailbox, Some(mailbox));
    assert!(akd.dc && !akd.no_lrw);
    assert_eq!(paths(&akd, Direction::Output), ["outputs.1st_set_point", "outputs.controlword"]);
    assert_eq!(paths(&akd, Direction::Input), ["inputs.position_actual_internal_value", "inputs.statusword"]);
    let entry_counts =
        |pdos: &[sensai_devices::Pdo]| pdos.iter().map(|pdo| pdo.entries.len()).collect::<Vec<_>>();
    assert_eq!(entry_counts(&akd.rx_pdos), [1, 0, 0, 0, 2, 2, 5, 3, 6, 6, 3, 6]);
    assert_eq!(entry_counts(&akd.tx_pdos), [1, 0, 0, 0, 2, 10, 2, 10, 10, 2, 10, 6]);
}

#[test]
fn ek1100() {
    let Some(bytes) = image("ek1100.hex") else { return };
    check_categories(&bytes, &[(10, 0x84, 0x44), (30, 0xcc, 0x20)], 0xec);
    assert_eq!(bytes[0x84..0x8c], *b"\x04\x06EK1100");

    let ek1100 = parse(&bytes);
    let identity = (2, 0x044c_2c52, 0x0012_0000);
    check_summary(&ek1100, ("EK1100", "EK1100 EtherCAT-Koppler (2A E-Bus)"), identity, (0, 0), (0, 0));
    assert_eq!(ek1100.mailbox, None);
    assert_eq!(ek1100.sync_managers, []);
    assert!(ek1100.dc);
    let built_in = sensai_devices::catalogue::find("EK1100").expect("is in the catalogue");
    assert_eq!(DeviceDescription { title: built_in.title.clone(), ..ek1100 }, *built_in);
    // Word 0: what the coupler in the catalogue loads into its ESC is what the real one loads.
    assert_eq!(sii::encode(&built_in)[..0x20], bytes[..0x20]);
}

#[test]
fn el2004() {
    let Some(bytes) = image("el2004.bin") else { return };
    let categories = [
        (10, 0x084, 0x82),
        (30, 0x10a, 0x20),
        (40, 0x12e, 0x02),
        (41, 0x134, 0x08),
        (43, 0x140, 0x02),
        (51, 0x146, 0x40),
    ];
    check_categories(&bytes, &categories, 0x186);

    let el2004 = parse(&bytes);
    let names = ("EL2004", "EL2004 4K. Dig. Ausgang 24V, 0.5A");
    check_summary(&el2004, names, (2, 0x07d4_3052, 0x0010_0000), (1, 0), (4, 0));
    assert_eq!(el2004.fmmus, [1]);
    assert_eq!(el2004.sync_managers, [sync_manager(0x0f00, 0, 0x44, true, SyncManagerKind::Outputs)]);
    assert_eq!(el2004.mailbox, None);
    assert!(!el2004.dc);
    assert_eq!(
        paths(&el2004, Direction::Output),
        ["channel_1.output", "channel_2.output", "channel_3.output", "channel_4.output"]
    );
    let third = &el2004.entries(Direction::Output)[2];
    assert_eq!(third.short.as_deref(), Some("channel_3"));
    assert_eq!((third.place.index, third.place.subindex, third.place.bit_offset), (0x7020, 1, 2));
}

#[test]
fn el2262() {
    let Some(bytes) = image("el2262.bin") else { return };
    let categories = [
        (1, 0x084, 0x06),
        (10, 0x08e, 0xec),
        (30, 0x17e, 0x20),
        (40, 0x1a2, 0x04),
        (41, 0x1aa, 0x18),
        (42, 0x1c6, 0x0c),
        (43, 0x1d6, 0x04),
        (50, 0x1de, 0x10),
        (51, 0x1f2, 0x140),
        (60, 0x336, 0x60),
    ];
    check_categories(&bytes, &categories, 0x396);

    let el2262 = parse(&bytes);
    let names = ("EL2262", "EL2262 2K. Dig. Ausgang 24V, 1µs, DC Oversample");
    // Each channel: counter 16 bits, output 1, sample 8, gaps 1 + 2 + .. + 7: 53 bits, 7 bytes of an own SyncManager.
    check_summary(&el2262, names, (2, 0x08d6_3052, 0x0003_0000), (14, 4), (20, 1));
    assert_eq!(el2262.fmmus, [1, 1, 2]);
    assert_eq!(
        el2262.sync_managers,
        [
            sync_manager(0x1000, 0, 0x64, true, SyncManagerKind::Outputs),
            sync_manager(0x1200, 0, 0x64, true, SyncManagerKind::Outputs),
            // Virtual: the ESC's own register 0x0998, start time of the next SYNC1 pulse.
            sync_manager(0x0998, 0, 0x00, false, SyncManagerKind::Inputs),
        ]
    );
    assert!(el2262.dc);
    assert_eq!(paths(&el2262, Direction::Input), ["starttimenextoutput.starttimenextoutput"]);
    let second_channel = el2262.entries(Direction::Output)[3].clone();
    assert_eq!(second_channel.path, "cyccount1.cycle_counter1");
    assert_eq!(second_channel.place.bit_offset, 56);
}

#[test]
fn el2828() {
    let Some(bytes) = image("el2828.hex") else { return };
    let categories = [
        (3, 0x084, 0x48),
        (10, 0x0d0, 0xa8),
        (30, 0x17c, 0x20),
        (40, 0x1a0, 0x02),
        (41, 0x1a6, 0x08),
        (43, 0x1b2, 0x02),
        (51, 0x1b8, 0x80),
    ];
    check_categories(&bytes, &categories, 0x238);

    let el2828 = parse(&bytes);
    let names = ("EL2828", "EL2828 8K. Dig. Ausgang 24V, 2A");
    check_summary(&el2828, names, (2, 0x0b0c_3052, 0x0011_0000), (1, 0), (8, 0));
    assert_eq!(el2828.sync_managers, [sync_manager(0x0f00, 1, 0x44, true, SyncManagerKind::Outputs)]);

    // The EL2008 of the catalogue is of the same build, but for its identity.
    let el2008 = sensai_devices::catalogue::find("EL2008").expect("is in the catalogue");
    let Identity { product, .. } = el2008.identity;
    assert_eq!(product, 0x07d8_3052);
    assert_eq!(el2008.rx_pdos, el2828.rx_pdos);
    assert_eq!(el2008.sync_managers, el2828.sync_managers);
    assert_eq!(el2008.fmmus, el2828.fmmus);
}

#[test]
fn el2889() {
    let Some(bytes) = image("el2889.hex") else { return };
    let categories = [
        (10, 0x084, 0x10a),
        (30, 0x192, 0x20),
        (40, 0x1b6, 0x02),
        (41, 0x1bc, 0x10),
        (43, 0x1d0, 0x02),
        (51, 0x1d6, 0x100),
    ];
    check_categories(&bytes, &categories, 0x2d6);

    let el2889 = parse(&bytes);
    let names = ("EL2889", "EL2889 16K. Dig. Ausgang 24V, 0.5A, negativ");
    check_summary(&el2889, names, (2, 0x0b49_3052, 0x0011_0000), (2, 0), (16, 0));
    assert_eq!(
        el2889.sync_managers,
        [
            sync_manager(0x0f00, 1, 0x44, true, SyncManagerKind::Outputs),
            sync_manager(0x0f01, 1, 0x44, true, SyncManagerKind::Outputs),
        ]
    );
    let last = el2889.entries(Direction::Output).pop().expect("has 16");
    assert_eq!((&*last.path, last.place.bit_offset, last.place.index), ("channel_16.output", 15, 0x70f0));
    let strings = SiiImage::new(&bytes).categories().find(|category| category.kind == CategoryKind::Strings);
    assert_eq!(strings.map(|category| category.contents[0]), Some(0x15));
}
