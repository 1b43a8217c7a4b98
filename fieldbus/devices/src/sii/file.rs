//! The files in which EEPROM images are passed around.

/// Why a file is no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageFileError {
    /// Nothing in it.
    #[error("the file is empty, expected an sii image")]
    Empty,
    /// An Intel HEX record does not begin with a colon.
    #[error("line {line}: expected an intel hex record, which begins with ':'")]
    NoColon {
        /// Counted from 1.
        line: usize,
    },
    /// Something other than pairs of hexadecimal digits.
    #[error("line {line}: expected pairs of hexadecimal digits after the ':'")]
    NotHex {
        /// Counted from 1.
        line: usize,
    },
    /// A record is not as long as its first byte says.
    #[error("line {line}: record of {actual} bytes, expected {expected}")]
    RecordLength {
        /// Counted from 1.
        line: usize,
        /// Including length, address, type and checksum.
        expected: usize,
        /// What is there.
        actual: usize,
    },
    /// A record's bytes do not add up to zero.
    #[error("line {line}: checksum {actual:#04x}, expected {expected:#04x}")]
    Checksum {
        /// Counted from 1.
        line: usize,
        /// What would make the sum zero.
        expected: u8,
        /// In the file.
        actual: u8,
    },
    /// A record type that Intel HEX does not have.
    #[error("line {line}: record type {actual:#04x}, expected 0x00 to 0x05")]
    RecordType {
        /// Counted from 1.
        line: usize,
        /// In the file.
        actual: u8,
    },
    /// Data beyond the largest EEPROM that an SII can declare.
    #[error("line {line}: data up to address {address:#x}, expected an eeprom of at most {max:#x} bytes", max = IMAGE_LEN_MAX)]
    Address {
        /// Counted from 1.
        line: usize,
        /// First address after the record's data.
        address: usize,
    },
    /// No end-of-file record.
    #[error("line {line}: the file ends without the end record ':00000001FF', it may be cut off")]
    NoEnd {
        /// The line after the last one.
        line: usize,
    },
}

/// The header's size word reaches to 65536 kilobits.
const IMAGE_LEN_MAX: usize = 0x1_0000 * 128;

/// The image in a file: Intel HEX if it is text that begins with a colon, else the bytes as they are.
///
/// The name's ending does not matter: files called `.hex` are binary more often than not. Addresses which an Intel HEX
/// file leaves out read 0xff, as erased memory does.
///
/// # Errors
/// An empty file, or the first line of Intel HEX that is not right.
pub fn read_image(file: &[u8]) -> Result<Vec<u8>, ImageFileError> {
    if file.is_empty() {
        return Err(ImageFileError::Empty);
    }
    match text(file) {
        Some(text) if text.trim_start().starts_with(':') => intel_hex(text),
        _ => Ok(file.to_vec()),
    }
}

/// The file as text, if it is one. An image never is: its header has zeros in it.
fn text(file: &[u8]) -> Option<&str> {
    let is_text = file.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    if is_text { std::str::from_utf8(file).ok() } else { None }
}

fn intel_hex(text: &str) -> Result<Vec<u8>, ImageFileError> {
    const DATA: u8 = 0;
    const END: u8 = 1;
    const SEGMENT: u8 = 2;
    const START_SEGMENT: u8 = 3;
    const LINEAR: u8 = 4;
    const START_LINEAR: u8 = 5;
    let mut image = Vec::new();
    let mut base = 0_usize;
    let mut line_count = 0;
    for (line, record) in (1..).zip(text.lines()) {
        line_count = line;
        if record.trim().is_empty() {
            continue;
        }
        let record = record_bytes(line, record.trim())?;
        let (address, kind, data) = split_record(line, &record)?;
        match kind {
            DATA => place(line, &mut image, base + address, data)?,
            END => return Ok(image),
            SEGMENT => base = usize::from(big_endian(data)) << 4,
            LINEAR => base = usize::from(big_endian(data)) << 16,
            START_SEGMENT | START_LINEAR => {}
            actual => return Err(ImageFileError::RecordType { line, actual }),
        }
    }
    Err(ImageFileError::NoEnd { line: line_count + 1 })
}

fn record_bytes(line: usize, record: &str) -> Result<Vec<u8>, ImageFileError> {
    let digits = record.strip_prefix(':').ok_or(ImageFileError::NoColon { line })?;
    let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| {
            let value = char::from(*high).to_digit(16)? << 4 | char::from(*low).to_digit(16)?;
            u8::try_from(value).ok()
        })
        .collect();
    match bytes {
        Some(bytes) if odd.is_empty() => Ok(bytes),
        _ => Err(ImageFileError::NotHex { line }),
    }
}

/// Address, type and data of a record whose length and checksum are right.
fn split_record(line: usize, record: &[u8]) -> Result<(usize, u8, &[u8]), ImageFileError> {
    const OVERHEAD: usize = 5;
    let expected = OVERHEAD + record.first().map_or(0, |len| usize::from(*len));
    let wrong_length = ImageFileError::RecordLength { line, expected, actual: record.len() };
    let [_len, address_high, address_low, kind, data @ .., checksum] = record else {
        return Err(wrong_length);
    };
    if record.len() != expected {
        return Err(wrong_length);
    }
    let sum = record.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if sum != 0 {
        return Err(ImageFileError::Checksum {
            line,
            expected: checksum.wrapping_sub(sum),
            actual: *checksum,
        });
    }
    Ok((usize::from(u16::from_be_bytes([*address_high, *address_low])), *kind, data))
}

fn place(line: usize, image: &mut Vec<u8>, address: usize, data: &[u8]) -> Result<(), ImageFileError> {
    let end = address + data.len();
    if end > IMAGE_LEN_MAX {
        return Err(ImageFileError::Address { line, address: end });
    }
    if image.len() < end {
        image.resize(end, 0xff);
    }
    image[address..end].copy_from_slice(data);
    Ok(())
}

/// The two bytes of an extended address; a record without them has none to add.
fn big_endian(data: &[u8]) -> u16 {
    data.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn to_intel_hex(image: &[u8]) -> String {
        let mut text = String::new();
        let mut push = |kind: u8, address: u16, data: &[u8]| {
            let mut record = vec![u8::try_from(data.len()).expect("short")];
            record.extend(address.to_be_bytes());
            record.push(kind);
            record.extend(data);
            let sum = record.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
            record.push(0_u8.wrapping_sub(sum));
            let digits: String = record.iter().map(|byte| format!("{byte:02X}")).collect();
            text.push_str(&format!(":{digits}\r\n"));
        };
        for (n, data) in image.chunks(16).enumerate() {
            let address = 16 * n;
            if address % 0x1_0000 == 0 {
                push(4, 0, &u16::try_from(address >> 16).expect("small").to_be_bytes());
            }
            push(0, u16::try_from(address & 0xffff).expect("masked"), data);
        }
        push(1, 0, &[]);
        text
    }

    #[track_caller]
    fn check_error(file: &str, expected: &str) {
        assert_eq!(read_image(file.as_bytes()).expect_err("is wrong").to_string(), expected);
    }

    #[test]
    fn gaps_read_as_erased() {
        let file = b":02000000AABB99\n:01000400CC2F\n:00000001FF\n";
        assert_eq!(read_image(file), Ok(vec![0xaa, 0xbb, 0xff, 0xff, 0xcc]));
    }

    #[test]
    fn what_is_wrong_and_where() {
        check_error("", "the file is empty, expected an sii image");
        check_error(":00000001FE\n", "line 1: checksum 0xfe, expected 0xff");
        check_error(":02000000AABB99\n\nxyz", "line 3: expected an intel hex record, which begins with ':'");
        check_error(":0200", "line 1: record of 2 bytes, expected 7");
        check_error(":", "line 1: record of 0 bytes, expected 5");
        check_error(":0200000", "line 1: expected pairs of hexadecimal digits after the ':'");
        check_error(":02000000AABB9g", "line 1: expected pairs of hexadecimal digits after the ':'");
        check_error(":00000009F7", "line 1: record type 0x09, expected 0x00 to 0x05");
        check_error(
            ":02000000AABB99\n",
            "line 2: the file ends without the end record ':00000001FF', it may be cut off",
        );
        check_error(
            ":02000004FFFFFC\n:0100000000FF\n",
            "line 2: data up to address 0xffff0001, expected an eeprom of at most 0x800000 bytes",
        );
    }

    proptest! {
        #[test]
        fn both_forms_give_the_same_image(image in prop::collection::vec(any::<u8>(), 1..5000)) {
            prop_assert_eq!(read_image(to_intel_hex(&image).as_bytes()), Ok(image.clone()));
            let mut binary = image;
            // What makes it binary: an image has zeros in its header.
            binary[0] = 0;
            prop_assert_eq!(read_image(&binary), Ok(binary.clone()));
        }

        #[test]
        fn anything_may_come_in(file in prop::collection::vec(any::<u8>(), 0..300), text in ":[0-9A-Fg:\n]{0,200}") {
            let _ = read_image(&file);
            let _ = read_image(text.as_bytes());
        }
    }

    #[test]
    fn images_beyond_64_kilobytes_take_extended_addresses() {
        let image: Vec<u8> = (0..0x1_8000_u32).map(|n| (n >> 4) as u8).collect();
        assert_eq!(read_image(to_intel_hex(&image).as_bytes()), Ok(image));
    }
}
