//! Exponential functions of the numeric profile: multiplications, additions and one division in a fixed order, so that
//! they have the same bits on every machine and can be computed for several values at once.
//!
//! The polynomial and the splitting of ln 2 for [`exp`] are those of Cephes (S. Moshier, `expf`); [`tanh`] is the
//! rational function of degrees 13 and 6 that Eigen and XLA use. No branch: a compiler turns each function into straight
//! vector code. Largest errors, against `libm` in `f64` over all magnitudes: [`exp`] 1 ulp, [`sigmoid`] 3 ulp, [`tanh`]
//! 7 ulp (8e-7). Below 2⁻¹²⁵ (2.4e-38) [`exp`] is 0: subnormal numbers take many times as long on some processors, and
//! the time of a run is to depend on nothing but the model.

/// 1.5 · 2²³: adding it rounds to an integer, which then stands in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts; the first has so few digits that products with exponents are exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Above, the result is infinite anyway.
const EXP_MAX: f32 = 89.0;
/// From here on, the rational function for tanh is 1.
const TANH_ONE: f32 = 7.905_311;
/// Up to here, tanh x is x to the last digit: x³/3 is below half of it.
const TANH_SELF: f32 = 4e-4;
/// ln 2⁻¹²⁵.
const EXP_MIN: f32 = -86.643_394;

/// eˣ.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let bounded = if x > EXP_MAX { EXP_MAX } else { x };
    let bounded = if bounded < EXP_MIN { EXP_MIN } else { bounded };
    let shifted = bounded * std::f32::consts::LOG2_E + ROUND;
    let exponent = shifted - ROUND;
    let rest = (bounded - exponent * LN_2_HIGH) - exponent * LN_2_LOW;
    let mut polynomial = 1.987_569_1e-4_f32;
    polynomial = polynomial * rest + 1.398_199_9e-3;
    polynomial = polynomial * rest + 8.333_452e-3;
    polynomial = polynomial * rest + 4.166_579_6e-2;
    polynomial = polynomial * rest + 1.666_666_5e-1;
    polynomial = polynomial * rest + 5e-1;
    let mantissa = (polynomial * (rest * rest) + rest) + 1.0;
    // Half the power of two, then twice: the largest exponent, 128, has no power of two of its own.
    let exponent = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    let half = f32::from_bits(exponent.wrapping_add(126) << 23);
    let result = mantissa * half * 2.0;
    if x < EXP_MIN { 0.0 } else { result }
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let bounded = if x > TANH_ONE { TANH_ONE } else { x };
    let bounded = if bounded < -TANH_ONE { -TANH_ONE } else { bounded };
    let square = bounded * bounded;
    let mut numerator = -2.760_768_5e-16_f32;
    numerator = numerator * square + 2.000_188e-13;
    numerator = numerator * square - 8.604_672e-11;
    numerator = numerator * square + 5.122_297_1e-8;
    numerator = numerator * square + 1.485_722_4e-5;
    numerator = numerator * square + 6.372_619_3e-4;
    numerator = numerator * square + 4.893_524_6e-3;
    let mut denominator = 1.198_258_4e-6_f32;
    denominator = denominator * square + 1.185_347_1e-4;
    denominator = denominator * square + 2.268_434_6e-3;
    denominator = denominator * square + 4.893_525e-3;
    let result = bounded * numerator / denominator;
    // Below, the function is its argument, and the products would lose digits of the smallest ones.
    if x.abs() < TANH_SELF { x } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in units of the last place of the exact value.
    fn ulps(got: f32, exact: f64) -> f64 {
        let nearest = exact as f32;
        if got == nearest {
            return 0.0;
        }
        let step = f64::from(nearest.abs().next_up()) - f64::from(nearest.abs());
        (f64::from(got) - exact).abs() / step
    }

    /// Every 509th of all floats, both signs.
    fn floats() -> impl Iterator<Item = f32> {
        (0..=u32::MAX).step_by(509).map(f32::from_bits).filter(|value| !value.is_nan())
    }

    #[test]
    fn errors_are_those_documented() {
        let mut worst = [0.0_f64; 3];
        for x in floats() {
            let wide = f64::from(x);
            let sigmoid_exact = 1.0 / (1.0 + libm::exp(-wide));
            let exp_exact = libm::exp(wide);
            if exp_exact < 2.4e-38 {
                assert!(exp(x) <= 2.4e-38, "exp({x})");
            } else if exp_exact <= f64::from(f32::MAX) {
                worst[0] = worst[0].max(ulps(exp(x), exp_exact));
            } else {
                assert!(exp(x) >= 3.402_82e38, "exp({x}) is {}", exp(x));
            }
            if sigmoid_exact > 2.4e-38 {
                worst[1] = worst[1].max(ulps(sigmoid(x), sigmoid_exact));
            }
            assert!(tanh(x).abs() <= 1.0, "tanh({x})");
            worst[2] = worst[2].max(ulps(tanh(x), libm::tanh(wide)));
        }
        println!("largest errors, ulp: exp {:.2}, sigmoid {:.2}, tanh {:.2}", worst[0], worst[1], worst[2]);
        assert!(worst[0] <= 1.0 && worst[1] <= 3.0 && worst[2] <= 7.0, "{worst:?}");
    }

    #[test]
    fn at_the_edges() {
        let infinity = f32::INFINITY;
        assert_eq!([exp(-infinity), exp(0.0), exp(infinity), exp(88.8)], [0.0, 1.0, infinity, infinity]);
        assert_eq!([sigmoid(-infinity), sigmoid(0.0), sigmoid(infinity)], [0.0, 0.5, 1.0]);
        assert_eq!([tanh(-infinity), tanh(infinity), tanh(20.0)], [-1.0, 1.0, 1.0]);
        assert_eq!(tanh(-0.0).to_bits(), (-0.0_f32).to_bits());
        assert!(exp(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
    }

    /// The bits, as an independent model in another language gives them, which rounds to single after each operation.
    #[test]
    fn the_bits_are_the_profiles() {
        let inputs = [-87.0_f32, -20.5, -1.0, -0.625, -0.1, 1e-6, 0.3, 0.7, 2.0, 10.0, 88.5];
        assert_eq!(inputs.map(|x| exp(x).to_bits()), EXP_BITS, "{:#010x?}", inputs.map(|x| exp(x).to_bits()));
        assert_eq!(
            inputs.map(|x| tanh(x).to_bits()),
            TANH_BITS,
            "{:#010x?}",
            inputs.map(|x| tanh(x).to_bits())
        );
    }

    const EXP_BITS: [u32; 11] = [
        0x0000_0000,
        0x30AB_D1D8,
        0x3EBC_5AB2,
        0x3F09_06E5,
        0x3F67_A36D,
        0x3F80_0008,
        0x3FAC_C82C,
        0x4000_E153,
        0x40EC_7326,
        0x46AC_14EE,
        0x7F4C_DCC4,
    ];
    const TANH_BITS: [u32; 11] = [
        0xBF80_0000,
        0xBF80_0000,
        0xBF42_F7D6,
        0xBF0D_FA3F,
        0xBDCC_1EBB,
        0x3586_37BD,
        0x3E95_26ED,
        0x3F1A_B7D9,
        0x3F76_CA84,
        0x3F80_0000,
        0x3F80_0000,
    ];
}
