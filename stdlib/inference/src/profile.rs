//! The numeric profile: results of a small network, bit for bit, on whatever machine this runs.

use crate::{Activation, Dense, Scaler, reduce};
use sensai_alloc_count::{CountingAllocator, thread_counts};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Numbers in -1 to 1 from a linear congruential generator (Knuth, MMIX), exact in `f32`.
struct Numbers(u64);

impl Numbers {
    fn fill<const N: usize>(&mut self) -> [f32; N] {
        std::array::from_fn(|_| {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 41) as i32 - (1 << 22)) as f32 / (1 << 22) as f32
        })
    }
}

/// 21 inputs, 13 hidden, 5 outputs: neither is a multiple of the lane count.
fn network(activation: Activation) -> [u32; 5] {
    let mut numbers = Numbers(42);
    let (mean, sigma) = (numbers.fill::<21>(), numbers.fill::<21>().map(|value| value.abs() + 0.25));
    let (weights, bias) = (numbers.fill::<{ 21 * 13 }>(), numbers.fill::<13>());
    let (weights_out, bias_out) = (numbers.fill::<{ 13 * 5 }>(), numbers.fill::<5>());
    let mut input = numbers.fill::<21>();
    let scaler = Scaler::new(&mean, &sigma).expect("it fits");
    let first = Dense::new(21, &weights, &bias, activation).expect("it fits");
    let second = Dense::new(13, &weights_out, &bias_out, Activation::Identity).expect("it fits");
    let (mut hidden, mut output) = ([0.0; 13], [0.0; 5]);

    let before = thread_counts();
    scaler.run(&mut input).expect("it fits");
    first.run(&input, &mut hidden).expect("it fits");
    second.run(&hidden, &mut output).expect("it fits");
    let total = reduce::sum(&output);
    let counts = thread_counts() - before;
    assert!(counts.is_quiet(), "{counts:?}");
    assert!(total.is_finite());
    output.map(f32::to_bits)
}

/// The expected bits come from an independent model in another language, which rounds to single after each operation.
#[test]
fn the_bits_are_the_profiles() {
    for (activation, expected) in [
        (Activation::Identity, [0x41BD_249E, 0xC06E_9F73, 0x3F23_5958, 0x41A6_AC06, 0x40B1_A829]),
        (Activation::Relu, [0x41AA_98B0, 0xC00C_B07D, 0x407F_8F4C, 0x4195_1D61, 0x40F0_5540]),
        (Activation::Tanh, [0x403F_F4EC, 0x3E55_DAE6, 0xBEBF_B29A, 0x401C_D4E1, 0x3CEF_E000]),
        (Activation::Sigmoid, [0x4012_5AF6, 0xBEF1_68FA, 0x3EA9_C9EE, 0x401F_EAFC, 0x3D8B_98C8]),
    ] {
        let bits = network(activation);
        assert_eq!(bits, expected, "{activation:?}: {bits:#010x?}");
    }
}
