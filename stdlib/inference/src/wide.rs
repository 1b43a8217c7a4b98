//! The same code, compiled a second time for wider registers.
//!
//! x86-64 as such has registers of four floats; AVX2 has them of eight. A kernel adds every sum in its own order, with
//! several sums side by side; how many of them share a register changes nothing about any of them. A fused
//! multiply-add would: the feature is not asked for, and Rust fuses nothing by itself. So both versions give the same bits,
//! which the tests of this module and a run under emulation of a processor without AVX2 hold it to.
#![allow(unsafe_code)]

/// Something that a kernel computes. What it calls has to be inlined into `run` to be compiled twice.
pub(crate) trait Work {
    /// All of it. Implementations are `#[inline(always)]`.
    fn run(self);
}

/// Run it in the wider of the two versions that this processor has.
#[inline]
pub(crate) fn run(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    if is_wide() && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, as was asked just now.
        unsafe { run_avx2(work) };
        return;
    }
    work.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2(work: impl Work) {
    work.run();
}

#[cfg(not(test))]
#[inline(always)]
const fn is_wide() -> bool {
    true
}

#[cfg(test)]
fn is_wide() -> bool {
    tests::WIDE.get()
}

#[cfg(test)]
mod tests {
    use crate::{Element, Engine, Plan, kernels::unary::Unary};
    use std::{cell::Cell, fs, path::Path};

    thread_local! {
        pub(super) static WIDE: Cell<bool> = const { Cell::new(true) };
    }

    /// The same in both versions. On a processor with one of them this shows nothing.
    fn both<T>(mut work: impl FnMut() -> T) -> [T; 2] {
        [true, false].map(|wide| {
            WIDE.set(wide);
            let result = work();
            WIDE.set(true);
            result
        })
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        // Which NaN it is differs between processors, and is made canonical where a plan is read.
        values.iter().map(|value| if value.is_nan() { f32::NAN } else { *value }.to_bits()).collect()
    }

    #[test]
    fn functions_of_one_value_have_the_same_bits() {
        let all: Vec<f32> = (0..=u32::MAX).step_by(100_003).map(f32::from_bits).collect();
        let functions = [
            Unary::Relu,
            Unary::LeakyRelu(0.1),
            Unary::ThresholdedRelu(0.5),
            Unary::Elu(1.5),
            Unary::Celu(1.5),
            Unary::Selu { alpha: 1.67, gamma: 1.05 },
            Unary::Sigmoid,
            Unary::Tanh,
            Unary::HardSigmoid { alpha: 0.2, beta: 0.5 },
            Unary::HardSwish,
            Unary::Swish(1.1),
            Unary::Mish,
            Unary::Softplus,
            Unary::Softsign,
            Unary::Gelu,
            Unary::GeluTanh,
            Unary::Erf,
            Unary::Clip { low: -1.0, high: 2.0 },
            Unary::Square,
            Unary::Sqrt,
            Unary::Reciprocal,
            Unary::Exp,
            Unary::Log,
            Unary::Round,
            Unary::Sign,
            Unary::Integer { low: -128.0, high: 127.0 },
            Unary::Wrap { low: -128.0, span: 256.0 },
            Unary::Quantize { scale: 0.03, zero: 3.0, low: -128.0, high: 127.0 },
            Unary::Dequantize { scale: 0.03, zero: 3.0 },
        ];
        for function in functions {
            let [wide, narrow] = both(|| {
                let mut values = all.clone();
                function.apply(&mut values);
                bits(&values)
            });
            assert!(wide == narrow, "{function:?}");
        }
    }

    #[test]
    fn whole_models_have_the_same_bits() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data"));
        let mut models = 0;
        for entry in fs::read_dir(folder).expect("the models are there") {
            let path = entry.expect("it can be read").path().join("model.onnx");
            let Ok(mut plan) = Plan::load(&fs::read(&path).unwrap_or_default()) else { continue };
            models += 1;
            let mut state = 1_u32;
            let mut next = |element: Element| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                match element {
                    Element::F32 | Element::F64 => (state >> 8) as f32 / (1 << 22) as f32 - 2.0,
                    _ => (state >> 31) as f32,
                }
            };
            let inputs: Vec<Vec<f32>> =
                plan.inputs().iter().map(|of| (0..of.len()).map(|_| next(of.element)).collect()).collect();
            let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
            let [wide, narrow] = both(|| {
                let mut outputs: Vec<Vec<f32>> =
                    plan.outputs().iter().map(|of| vec![0.0; of.len()]).collect();
                let mut places: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
                plan.run(&inputs, &mut places).expect("it runs");
                bits(&outputs.concat())
            });
            assert!(wide == narrow, "{}", path.display());
        }
        assert!(models > 30, "{models} models");
    }
}
