//! Quantities as people write them: `250us`, `25%`, `4KiB`, `0x8000:01`.

/// Nanoseconds of each unit of time, longest name first so that `min` is not read as `m`.
const TIME_UNITS: &[(&str, u64)] = &[
    ("min", 60_000_000_000),
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Bytes of each unit of size.
const SIZE_UNITS: &[(&str, u64)] =
    &[("KiB", 1 << 10), ("MiB", 1 << 20), ("kB", 1_000), ("MB", 1_000_000), ("B", 1)];

/// `250us`, `1.5 ms`, `2s`, `3min` in nanoseconds. `None` if it is none, or no whole number of nanoseconds.
pub fn duration_ns(text: &str) -> Option<u64> {
    with_unit(text, TIME_UNITS)
}

/// `512B`, `4KiB`, `1MB` in bytes.
pub(crate) fn size_bytes(text: &str) -> Option<u64> {
    with_unit(text, SIZE_UNITS)
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')?);
    let factor = units.iter().find(|(name, _)| *name == unit.trim_start()).map(|(_, factor)| *factor)?;
    scaled(number, factor)
}

/// Decimal `number` × `factor`, exactly; `None` if that is no whole number or too large.
fn scaled(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| -> Option<String> {
        let clean: String = part.chars().filter(|c| *c != '_').collect();
        clean.bytes().all(|byte| byte.is_ascii_digit()).then_some(clean)
    };
    let (whole, fraction) = (digits(whole)?, digits(fraction)?);
    if whole.is_empty() || (number.contains('.') && fraction.is_empty()) || fraction.len() > 18 {
        return None;
    }
    let mut total = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    if !fraction.is_empty() {
        let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
        let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(factor);
        if part % scale != 0 {
            return None;
        }
        total = total.checked_add(u64::try_from(part / scale).ok()?)?;
    }
    Some(total)
}

/// `25%`, `12.5 %` in millionths.
pub fn share_ppm(text: &str) -> Option<u64> {
    scaled(text.trim().strip_suffix('%')?.trim_end(), 10_000)
}

/// Nanoseconds in the largest unit that shows them whole, or in microseconds with decimals.
pub(crate) fn show_ns(ns: u64) -> String {
    let units = [(3_600_000_000_000, "h"), (60_000_000_000, "min"), (1_000_000_000, "s"), (1_000_000, "ms")];
    for (factor, unit) in units.into_iter().chain([(1_000, "us")]) {
        if ns >= factor && ns.is_multiple_of(factor) {
            return format!("{}{unit}", ns / factor);
        }
    }
    if ns < 1_000 {
        return format!("{ns}ns");
    }
    let decimals = format!("{:03}", ns % 1_000);
    format!("{}.{}us", ns / 1_000, decimals.trim_end_matches('0'))
}

/// `0x8000:01` or `0x6000` (subindex 0): index and subindex, both in hex as ETG documents write them.
pub(crate) fn object_address(text: &str) -> Option<(u16, u8)> {
    let rest = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let (index, subindex) = rest.split_once(':').unwrap_or((rest, "0"));
    let hex = |part: &str, len: usize| {
        (!part.is_empty() && part.len() <= len && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .then(|| u32::from_str_radix(part, 16).ok())
            .flatten()
    };
    Some((u16::try_from(hex(index, 4)?).ok()?, u8::try_from(hex(subindex, 2)?).ok()?))
}

/// `0x1f` or `31`, up to 32 bits.
pub(crate) fn number_u32(text: &str) -> Option<u32> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        None => None,
    }
}

/// `"01 02 ff"` or `"0102ff"` as bytes.
pub(crate) fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    if digits.is_empty() || digits.len() % 2 == 1 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations() {
        for (text, ns) in [
            ("250us", 250_000),
            ("250 µs", 250_000),
            ("1ms", 1_000_000),
            ("1.5ms", 1_500_000),
            ("2s", 2_000_000_000),
            ("3min", 180_000_000_000),
            ("1h", 3_600_000_000_000),
            ("1_000ns", 1_000),
        ] {
            assert_eq!(duration_ns(text), Some(ns), "{text}");
        }
        for text in ["", "1", "ms", "1 m", "-1ms", "1.ms", ".5ms", "1.5ns", "99999999999h", "1e3ms", "1ms2"] {
            assert_eq!(duration_ns(text), None, "{text}");
        }
    }

    #[test]
    fn shares_sizes_addresses_and_bytes() {
        assert_eq!(share_ppm("25%"), Some(250_000));
        assert_eq!(share_ppm("12.5 %"), Some(125_000));
        assert_eq!(share_ppm("25"), None);
        assert_eq!(size_bytes("4KiB"), Some(4096));
        assert_eq!(size_bytes("1.5 kB"), Some(1500));
        assert_eq!(object_address("0x8000:1A"), Some((0x8000, 0x1a)));
        assert_eq!(object_address("0x6000"), Some((0x6000, 0)));
        assert_eq!(object_address("0x16000:00"), None);
        assert_eq!(object_address("0x6000:+1"), None);
        assert_eq!(number_u32("0x00120000"), Some(0x0012_0000));
        assert_eq!(number_u32("4294967296"), None);
        assert_eq!(hex_bytes("01 02 fF"), Some(vec![1, 2, 255]));
        assert_eq!(hex_bytes("012"), None);
        assert_eq!(hex_bytes("é"), None);
    }

    proptest! {
        #[test]
        fn shown_durations_read_back(digits in 0..1_000_000_u64, factor in 0..13_u32) {
            let ns = digits * 10_u64.pow(factor);
            let shown = show_ns(ns);
            prop_assert_eq!(duration_ns(&shown), Some(ns), "{}", shown);
        }

        #[test]
        fn any_text_is_judged(text in "\\PC*") {
            let _ = (duration_ns(&text), share_ppm(&text), size_bytes(&text), object_address(&text));
            let _ = (number_u32(&text), hex_bytes(&text));
        }
    }
}
