//! `[[route]]`: process data copied from device to device, in every mode.

use sensai_model::cell::Route;

/// Copy all routes. A source whose sync unit is invalid gives zeros: what a certified device takes for a lost
/// connection.
pub fn copy(routes: &[Route], valid: u32, inputs: &[u8], outputs: &mut [u8]) {
    for route in routes {
        let good = valid >> route.sync_unit & 1 == 1;
        for bit in 0..route.bits {
            let (from, to) = (route.from_bit + bit, (route.to_bit + bit) as usize);
            let set = good && inputs.get((from / 8) as usize).is_some_and(|byte| byte >> (from % 8) & 1 == 1);
            if let Some(byte) = outputs.get_mut(to / 8) {
                let mask = 1 << (to % 8);
                *byte = if set { *byte | mask } else { *byte & !mask };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bit(bytes: &[u8], at: u32) -> bool {
        bytes[at as usize / 8] >> (at % 8) & 1 == 1
    }

    proptest! {
        #[test]
        fn exactly_the_routed_bits_are_the_source_s(
            inputs: [u8; 12], before: [u8; 12], from_bit in 0..48_u32, to_bit in 0..48_u32, bits in 1..=48_u32, good: bool,
        ) {
            let route = Route { from_bit, to_bit, bits, sync_unit: 3, text: String::new() };
            let mut outputs = before;
            copy(&[route], u32::from(good) << 3, &inputs, &mut outputs);
            for at in 0..96_u32 {
                let expected = match at.checked_sub(to_bit).filter(|n| *n < bits) {
                    Some(n) => good && bit(&inputs, from_bit + n),
                    None => bit(&before, at),
                };
                prop_assert_eq!(bit(&outputs, at), expected, "bit {}", at);
            }
        }
    }

    #[test]
    fn a_route_beyond_the_images_touches_nothing() {
        let route = Route { from_bit: 800, to_bit: 12, bits: 9, sync_unit: 0, text: String::new() };
        let mut outputs = [0xff; 2];
        copy(&[route], 1, &[0xff; 2], &mut outputs);
        assert_eq!(outputs, [0xff, 0x0f]);
    }
}
