//! What holds for every block, whatever it does: checked on random histories through the registry.

mod common;

use common::Random;
use proptest::prelude::*;
use sensai_model::{ScalarType, Value};
use sensai_stdlib::registry::{BlockType, blocks};

/// A slice at an odd address.
struct Odd(Vec<u8>);

impl Odd {
    fn new(size: usize, fill: u8) -> Self {
        Self(vec![fill; size + 9])
    }

    fn bytes(&mut self) -> &mut [u8] {
        let size = self.0.len() - 9;
        let skip = if self.0.as_ptr().addr().is_multiple_of(2) { 1 } else { 2 };
        &mut self.0[skip..skip + size]
    }
}

/// Finite pins after every call: what is not finite does not enter a state.
fn check_pins(block: &BlockType, state: &[u8]) -> Result<(), TestCaseError> {
    for pin in block.pins {
        let value = pin.get(state);
        prop_assert_eq!(value.scalar_type(), pin.scalar, "{}.{}", block.name, pin.name);
        if let Value::F64(number) = value {
            prop_assert!(number.is_finite(), "{}.{} is {}", block.name, pin.name, number);
        }
    }
    Ok(())
}

/// Capacity, counts and marks.
const CONVEYOR_INTEGERS: [usize; 37] = {
    let mut words = [2; 37];
    let mut place = 1;
    while place < 37 {
        words[place] = if place < 5 { place + 2 } else { place + 3 };
        place += 1;
    }
    words
};

/// Blocks whose words are floats and flags, but for these integer words: no float may be a NaN, canonical or not.
const INTEGER_WORDS: [(&str, &[usize]); 18] = [
    ("PID", &[]),
    ("RAMP", &[]),
    ("HYSTERESIS", &[]),
    ("LAG1", &[]),
    ("LOWPASS", &[2]),
    ("HIGHPASS", &[2]),
    ("NOTCH", &[2]),
    ("KALMAN", &[]),
    ("TABLE", &[]),
    ("CYLINDER", &[]),
    ("SPRING_PART", &[]),
    ("ELASTIC_PLASTIC", &[]),
    ("MASS", &[]),
    ("SPRING_DAMPER", &[]),
    ("CONVEYOR", &CONVEYOR_INTEGERS),
    ("VALVE", &[2, 4]),
    ("THERMAL_MASS", &[]),
    ("SENSOR", &[3, 4, 6, 8]),
];

fn check_no_nan(block: &BlockType, state: &[u8]) -> Result<(), TestCaseError> {
    if let Some((_, integers)) = INTEGER_WORDS.iter().find(|(name, _)| *name == block.name) {
        for (place, word) in state.chunks_exact(8).enumerate().filter(|(place, _)| !integers.contains(place))
        {
            let number = f64::from_le_bytes(word.try_into().unwrap());
            prop_assert!(!number.is_nan(), "{}: NaN in word {} of the state", block.name, place);
        }
    }
    Ok(())
}

/// One history on three states: one that starts from zeros, one that starts from rubbish at an odd address, and one
/// that is a copy of the first, taken in the middle. All say the same, all have the same bytes.
fn check_block(block: &'static BlockType, seed: u64) -> Result<(), TestCaseError> {
    let mut random = Random(seed);
    let mut state = vec![0; block.size];
    let arguments = random.construct(block, &mut state);
    let mut odd = Odd::new(block.size, 0xa5);
    block.construct(odd.bytes(), &arguments).unwrap();
    let mut copy: Option<Vec<u8>> = None;
    for step in 0..400 {
        if step == 150 {
            copy = Some(state.clone());
        }
        let call = random.call(block);
        let before = state.clone();
        let result = call.make(block, &mut state);
        if result.is_err() {
            prop_assert_eq!(&state, &before, "{}: a refused call changed the state", block.name);
        }
        prop_assert_eq!(&call.make(block, odd.bytes()), &result, "{}, step {}", block.name, step);
        prop_assert!(odd.bytes() == state, "{}, step {}: bytes differ at an odd address", block.name, step);
        if let Some(copy) = &mut copy {
            prop_assert_eq!(&call.make(block, copy), &result, "{}, step {}", block.name, step);
            prop_assert!(*copy == state, "{}, step {}: a copied state went another way", block.name, step);
        }
        check_pins(block, &state)?;
        check_no_nan(block, &state)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// 48 histories of 400 calls for every block.
    #[test]
    fn equal_histories_give_equal_bytes(seed in any::<u64>()) {
        for block in blocks() {
            check_block(block, seed)?;
        }
    }

    /// A keyframe may be damaged: whatever the bytes, nothing panics.
    #[test]
    fn no_bytes_of_a_state_make_a_block_panic(seed in any::<u64>()) {
        for block in blocks() {
            let mut random = Random(seed);
            let mut state: Vec<u8> = (0..block.size).map(|_| random.next() as u8).collect();
            for _ in 0..300 {
                let _ = random.call(block).make(block, &mut state);
                for pin in block.pins {
                    prop_assert_eq!(pin.get(&state).scalar_type(), pin.scalar);
                }
                if random.below(10) == 0 {
                    let place = random.below(block.size as u64) as usize;
                    state[place] = random.next() as u8;
                }
            }
        }
    }

    /// Arguments of other types, counts and ranges are refused, never converted.
    #[test]
    fn wrong_types_are_refused(seed in any::<u64>()) {
        for block in blocks() {
            let mut random = Random(seed);
            let mut state = vec![0; block.size];
            random.construct(block, &mut state);
            let before = state.clone();
            for (index, method) in block.methods.iter().enumerate() {
                for wrong in 0..method.arguments.len() {
                    let mut call = random.call(block);
                    call.method = index;
                    call.arguments = method.arguments.iter().map(|argument| random.argument(argument, false)).collect();
                    call.arguments[wrong] = match method.arguments[wrong].scalar {
                        ScalarType::F64 => Value::I64(1),
                        ScalarType::I64 => Value::F64(1.0),
                        ScalarType::Bool => Value::I64(0),
                    };
                    prop_assert!(call.make(block, &mut state).is_err(), "{}, argument {}", method.path, wrong);
                }
                let mut call = random.call(block);
                (call.method, call.arguments) = (index, vec![Value::Bool(true); method.arguments.len() + 1]);
                prop_assert!(call.make(block, &mut state).is_err(), "{}: one argument too many", method.path);
            }
            prop_assert_eq!(&state, &before, "{}", block.name);
        }
    }
}
