//! CRC-32 (IEEE 802.3), bit by bit from its definition, so that what the tests check is not what they check with.

/// Of all bytes.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut table = [0_u32; 256];
    for (index, entry) in table.iter_mut().enumerate() {
        *entry =
            (0..8).fold(index as u32, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 });
    }
    !bytes.iter().fold(u32::MAX, |crc, byte| crc >> 8 ^ table[usize::from(crc as u8 ^ byte)])
}

#[test]
fn the_check_value_of_the_catalogue() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
