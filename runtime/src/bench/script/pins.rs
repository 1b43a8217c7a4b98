//! What goes into a program and comes out of it, in a form that every column can take: words, as tags have them.

use sensai_model::{ScalarType, Value};

/// A record of scalars.
pub trait Pins: Copy + Default + Send {
    /// Names, as tags have them behind `io.`.
    const NAMES: &'static [&'static str];
    /// Their types.
    const TYPES: &'static [ScalarType];
    /// From a word for each.
    fn from_words(words: &[u64]) -> Self;
    /// To a word for each.
    fn to_words(&self, words: &mut [u64]);
}

/// A scalar that is a word.
pub trait Word: Copy + Default {
    /// Its type.
    const TYPE: ScalarType;
    /// From [`Value::to_bits`].
    fn from_word(word: u64) -> Self;
    /// To the same.
    fn to_word(self) -> u64;
}

impl Word for bool {
    const TYPE: ScalarType = ScalarType::Bool;

    fn from_word(word: u64) -> Self {
        word != 0
    }

    fn to_word(self) -> u64 {
        self.into()
    }
}

impl Word for i64 {
    const TYPE: ScalarType = ScalarType::I64;

    fn from_word(word: u64) -> Self {
        word.cast_signed()
    }

    fn to_word(self) -> u64 {
        self.cast_unsigned()
    }
}

impl Word for f64 {
    const TYPE: ScalarType = ScalarType::F64;

    fn from_word(word: u64) -> Self {
        Self::from_bits(word)
    }

    fn to_word(self) -> u64 {
        Value::F64(self).to_bits()
    }
}

/// A record of scalars that is [`Pins`].
macro_rules! pins {
    ($(#[$doc:meta])* pub struct $name:ident { $($pin:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        #[allow(missing_docs, reason = "the names say it")]
        #[repr(C)]
        pub struct $name { $(pub $pin: $type,)* }

        impl $crate::bench::script::pins::Pins for $name {
            const NAMES: &'static [&'static str] = &[$(stringify!($pin)),*];
            const TYPES: &'static [sensai_model::ScalarType] =
                &[$(<$type as $crate::bench::script::pins::Word>::TYPE),*];

            fn from_words(words: &[u64]) -> Self {
                let mut words = words.iter().copied();
                Self { $($pin: $crate::bench::script::pins::Word::from_word(words.next().unwrap_or(0)),)* }
            }

            fn to_words(&self, words: &mut [u64]) {
                let mut places = words.iter_mut();
                $(if let Some(place) = places.next() {
                    *place = $crate::bench::script::pins::Word::to_word(self.$pin);
                })*
            }
        }
    };
}

pub(crate) use pins;

/// FNV-1a over words: the same in every column.
pub fn checksum(words: impl Iterator<Item = u64>) -> u64 {
    words.fold(0xcbf2_9ce4_8422_2325, |hash: u64, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
}
