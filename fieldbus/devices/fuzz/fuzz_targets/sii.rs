//! Any bytes: the SII parser returns, and what it accepts survives being written and read again.
//!
//! `cargo xtask fuzz sii`, or `cargo +nightly fuzz run sii` in `fieldbus/devices`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sensai_devices::sii;

fuzz_target!(|bytes: &[u8]| {
    let _ = sii::read_image(bytes);
    check(bytes);
    // A fuzzer does not guess a checksum: the same bytes with the check switched off.
    let mut unchecked = bytes.to_vec();
    if let Some(checksum) = unchecked.get_mut(0x0e..0x10) {
        checksum.copy_from_slice(&sii::CHECKSUM_IGNORED.to_le_bytes());
        check(&unchecked);
    }
});

fn check(bytes: &[u8]) {
    let image = sii::SiiImage::new(bytes);
    assert!(image.categories().all(|category| category.offset + category.contents.len() <= bytes.len()));
    assert!(image.end().is_none_or(|end| end + 2 <= bytes.len()));
    match sii::parse(bytes) {
        Ok(description) => {
            assert_eq!(sii::losses(&description), Vec::<String>::new());
            assert_eq!(sii::parse(&sii::encode(&description)), Ok(description));
        }
        Err(errors) => assert!(!errors.is_empty()),
    }
}
