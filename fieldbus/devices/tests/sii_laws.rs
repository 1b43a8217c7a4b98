//! What holds for every description and for every sequence of bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use sensai_devices::{
    DataType, DeviceDescription, Identity, Mailbox, Pdo, PdoEntry, SyncManager, SyncManagerKind, catalogue,
    sii,
};

/// Up to 255 characters of latin-1, most of them short.
fn held_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~]{0,12}",
        1 => vec(1..=0xff_u8, 0..=255).prop_map(|bytes| bytes.into_iter().map(char::from).collect::<String>()),
    ]
}

/// A type with a size it can have in an SII.
fn held_type() -> impl Strategy<Value = (DataType, u16)> {
    prop_oneof![
        Just((DataType::Bool, 1)),
        Just((DataType::I8, 8)),
        Just((DataType::I16, 16)),
        Just((DataType::I32, 32)),
        Just((DataType::I64, 64)),
        Just((DataType::U8, 8)),
        Just((DataType::U16, 16)),
        Just((DataType::U32, 32)),
        Just((DataType::U64, 64)),
        Just((DataType::F32, 32)),
        Just((DataType::F64, 64)),
        (2..=64_u8).prop_map(|bits| (DataType::Bits(bits), u16::from(bits))),
        (0..=255_u16).prop_map(|bits| (DataType::Text, bits)),
        (0..=255_u16).prop_map(|bits| (DataType::Octets, bits)),
    ]
}

fn held_entry() -> impl Strategy<Value = PdoEntry> {
    let data = (1..=u16::MAX, any::<u8>(), held_type(), held_name()).prop_map(
        |(index, subindex, (data_type, bit_len), name)| PdoEntry {
            index,
            subindex,
            bit_len,
            data_type,
            name,
        },
    );
    let padding = (any::<u8>(), any::<u8>(), held_name()).prop_map(|(bits, subindex, name)| PdoEntry {
        index: 0,
        subindex,
        bit_len: u16::from(bits),
        data_type: DataType::Bits(bits),
        name,
    });
    prop_oneof![4 => data, 1 => padding]
}

fn held_pdo() -> impl Strategy<Value = Pdo> {
    (any::<u16>(), prop::option::of(0..0xff_u8), held_name(), vec(held_entry(), 0..10))
        .prop_map(|(index, sync_manager, name, entries)| Pdo { index, sync_manager, name, entries })
}

fn any_kind() -> impl Strategy<Value = SyncManagerKind> {
    prop_oneof![
        Just(SyncManagerKind::Unused),
        Just(SyncManagerKind::MailboxOut),
        Just(SyncManagerKind::MailboxIn),
        Just(SyncManagerKind::Outputs),
        Just(SyncManagerKind::Inputs),
    ]
}

fn held_sync_manager() -> impl Strategy<Value = SyncManager> {
    (any::<[u16; 2]>(), any::<u8>(), any::<bool>(), any_kind()).prop_map(
        |([start, length], control, enable, kind)| {
            let enable = enable && kind != SyncManagerKind::Unused;
            SyncManager { start, length, control, enable, kind }
        },
    )
}

fn held_mailbox() -> impl Strategy<Value = Mailbox> {
    (any::<[u16; 4]>(), 1..=u16::MAX, any::<u8>()).prop_map(|(words, protocols, coe_details)| Mailbox {
        receive: (words[0], words[1]),
        send: (words[2], words[3]),
        protocols,
        coe_details,
    })
}

prop_compose! {
    fn held_description()(
        name in held_name(),
        title in held_name(),
        identity in any::<[u32; 4]>(),
        fmmus in vec(0..=0xfe_u8, 0..20),
        sync_managers in vec(held_sync_manager(), 0..17),
        rx_pdos in vec(held_pdo(), 0..10),
        tx_pdos in vec(held_pdo(), 0..10),
        mailbox in prop::option::of(held_mailbox()),
        dc in any::<bool>(),
        no_lrw in any::<bool>(),
    ) -> DeviceDescription {
        let [vendor, product, revision, serial] = identity;
        let identity = Identity { vendor, product, revision, serial };
        DeviceDescription {
            name, title, identity, fmmus, sync_managers, rx_pdos, tx_pdos, mailbox, objects: Vec::new(), dc, no_lrw,
        }
    }
}

/// One thing that an SII cannot hold, done to a description, with what the report has to mention.
fn spoil(description: &mut DeviceDescription, which: usize) -> &'static str {
    let entry =
        PdoEntry { index: 0x6000, subindex: 1, bit_len: 1, data_type: DataType::Bool, name: String::new() };
    let pdo = Pdo { index: 0x1a00, sync_manager: Some(3), name: String::new(), entries: vec![entry.clone()] };
    let mut add = |pdo: Pdo| description.tx_pdos.insert(0, pdo);
    match which {
        0 => description.name = "x".repeat(256),
        1 => description.title = "繊細".to_owned(),
        2 => description.name = "EL1008\0".to_owned(),
        3 => description.fmmus.push(0xff),
        4 => description.sync_managers.push(SyncManager {
            start: 0x1000,
            length: 1,
            control: 0,
            enable: true,
            kind: SyncManagerKind::Unused,
        }),
        5 => description.mailbox = Some(Mailbox::default()),
        6 => add(Pdo { sync_manager: Some(0xff), ..pdo }),
        7 => add(Pdo { entries: vec![entry; 256], ..pdo }),
        8 => {
            add(Pdo { entries: vec![PdoEntry { bit_len: 256, data_type: DataType::Octets, ..entry }], ..pdo })
        }
        9 => add(Pdo { entries: vec![PdoEntry { bit_len: 12, data_type: DataType::I16, ..entry }], ..pdo }),
        10 => add(Pdo { entries: vec![PdoEntry { index: 0, ..entry }], ..pdo }),
        11 => (0..300).for_each(|n| add(Pdo { name: format!("pdo {n}"), ..pdo.clone() })),
        _ => (0..9000).for_each(|_| add(pdo.clone())),
    }
    [
        "name: 256 characters",
        "title: '繊' is not latin-1",
        "name: ends with a zero",
        "fmmus: the last one is 0xff",
        "unused but enabled",
        "mailbox: all zero",
        "tx pdo 0x1a00: sync manager 255",
        "tx pdo 0x1a00: 256 entries",
        "entry 0x6000:01: 256 bits",
        "entry 0x6000:01: I16 of 12 bits reads back as Bits(12)",
        "entry 0x0000:01: Bool of 1 bits reads back as Bits(1)",
        "255 different strings",
        "an sii holds 131070 bytes of tx pdos",
    ][which.min(12)]
}

/// Whatever can be read can be written again, without a loss.
fn check_bytes(bytes: &[u8]) -> Result<(), TestCaseError> {
    let image = sii::SiiImage::new(bytes);
    prop_assert!(image.categories().all(|category| category.offset + category.contents.len() <= bytes.len()));
    match sii::parse(bytes) {
        Ok(description) => {
            prop_assert_eq!(sii::losses(&description), Vec::<String>::new());
            prop_assert_eq!(sii::parse(&sii::encode(&description)), Ok(description));
        }
        Err(errors) => {
            prop_assert!(!errors.is_empty());
            prop_assert!(errors.iter().all(|error| error.offset <= bytes.len()), "{errors:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn an_image_holds_its_description(description in held_description()) {
        prop_assert_eq!(sii::losses(&description), Vec::<String>::new());
        let image = sii::encode(&description);
        let view = sii::SiiImage::new(&image);
        prop_assert_eq!(view.declared_len(), Some(image.len()));
        prop_assert!(image.len().is_power_of_two() && image.len() >= 2048);
        prop_assert_eq!(u16::from(sii::checksum(&image[..14])), view.word(7).expect("has a header"));
        prop_assert_eq!(sii::parse(&image), Ok(description));
    }

    #[test]
    fn what_an_image_cannot_hold_is_reported(mut description in held_description(), which in 0..13_usize) {
        let expected = spoil(&mut description, which);
        let losses = sii::losses(&description);
        prop_assert!(losses.iter().any(|loss| loss.contains(expected)), "{expected}: {losses:?}");
        let read_back = sii::parse(&sii::encode(&description));
        prop_assert!(read_back.is_ok(), "{read_back:?}");
        prop_assert_ne!(read_back, Ok(description));
    }

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..1000)) {
        check_bytes(&bytes)?;
    }

    /// Random bytes behind a valid header: the categories get their share.
    #[test]
    fn any_categories(categories in vec(
        (prop_oneof![Just(10_u16), Just(30), Just(40), Just(41), Just(50), Just(51), Just(60), any::<u16>()],
         vec(prop_oneof![Just(0_u8), Just(1), Just(2), any::<u8>()], 0..64)), 0..8))
    {
        let mut bytes = vec![0; sii::HEADER_LEN];
        bytes[0x0e] = sii::checksum(&bytes[..0x0e]);
        for (number, contents) in categories {
            let words = u16::try_from(contents.len() / 2).expect("short");
            bytes.extend(number.to_le_bytes());
            bytes.extend(words.to_le_bytes());
            bytes.extend(&contents[..usize::from(words) * 2]);
        }
        bytes.extend([0xff, 0xff]);
        check_bytes(&bytes)?;
    }

    /// A device's own image with a few bytes changed, the checksum switched off so that the change gets through.
    #[test]
    fn mutated_images(
        device in 0..6_usize,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        len in any::<prop::sample::Index>(),
        truncate in prop::bool::weighted(0.2),
    ) {
        let description = catalogue::find(catalogue::names()[device]).expect("is in the catalogue");
        let mut bytes = sii::encode(&description);
        bytes[0x0e..0x10].copy_from_slice(&sii::CHECKSUM_IGNORED.to_le_bytes());
        let end = sii::SiiImage::new(&bytes).end().expect("has an end");
        for (place, value) in changes {
            bytes[0x10 + place.index(end - 0x10)] = value;
        }
        if truncate {
            bytes.truncate(len.index(end));
        }
        check_bytes(&bytes)?;
    }
}
