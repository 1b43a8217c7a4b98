//! The three scalar types a script sees.

use serde::{Deserialize, Serialize};

/// Type of a script value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalarType {
    /// Boolean.
    Bool,
    /// 64 bit signed integer.
    I64,
    /// IEEE 754 double.
    F64,
}

/// A script value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Boolean.
    Bool(bool),
    /// 64 bit signed integer.
    I64(i64),
    /// IEEE 754 double.
    F64(f64),
}

/// The one NaN that is ever stored or hashed.
pub const CANONICAL_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0000);

/// `value`, with every NaN replaced by [`CANONICAL_NAN`].
pub fn canonical(value: f64) -> f64 {
    if value.is_nan() { CANONICAL_NAN } else { value }
}

impl ScalarType {
    /// The zero of the type: `false`, `0`, `0.0`.
    pub const fn zero(self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::I64 => Value::I64(0),
            Self::F64 => Value::F64(0.0),
        }
    }

    /// As scripts write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I64 => "i64",
            Self::F64 => "f64",
        }
    }
}

impl Value {
    /// Its type.
    pub const fn scalar_type(self) -> ScalarType {
        match self {
            Self::Bool(_) => ScalarType::Bool,
            Self::I64(_) => ScalarType::I64,
            Self::F64(_) => ScalarType::F64,
        }
    }

    /// Eight bytes that are equal exactly when the values are the same bits; NaN canonical.
    pub fn to_bits(self) -> u64 {
        match self {
            Self::Bool(value) => u64::from(value),
            Self::I64(value) => value.cast_unsigned(),
            Self::F64(value) => canonical(value).to_bits(),
        }
    }

    /// Of this type, finite, and in this range, if there is one.
    pub fn is_within(self, scalar: ScalarType, range: Option<(Self, Self)>) -> bool {
        let number = |value: Self| match value {
            Self::F64(number) => number,
            Self::I64(number) => number as f64,
            Self::Bool(bit) => f64::from(u8::from(bit)),
        };
        let inside = |(low, high): (Self, Self)| match (low, self, high) {
            (Self::I64(low), Self::I64(value), Self::I64(high)) => (low..=high).contains(&value),
            _ => (number(low)..=number(high)).contains(&number(self)),
        };
        self.scalar_type() == scalar && number(self).is_finite() && range.is_none_or(inside)
    }

    /// The inverse of [`Value::to_bits`] for a known type.
    pub fn from_bits(scalar: ScalarType, bits: u64) -> Self {
        match scalar {
            ScalarType::Bool => Self::Bool(bits != 0),
            ScalarType::I64 => Self::I64(bits.cast_signed()),
            ScalarType::F64 => Self::F64(f64::from_bits(bits)),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::I64(value) => write!(f, "{value}"),
            Self::F64(value) => write!(f, "{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: Value) {
        let back = Value::from_bits(value.scalar_type(), value.to_bits());
        assert_eq!(back.to_bits(), value.to_bits(), "{value}");
        assert_eq!(back.scalar_type(), value.scalar_type());
    }

    proptest! {
        #[test]
        fn bits_round_trip(bit: bool, integer: i64, number in any::<f64>()) {
            check(Value::Bool(bit));
            check(Value::I64(integer));
            check(Value::F64(number));
        }

        #[test]
        fn all_nans_are_one(payload: u64) {
            let nan = f64::from_bits(payload | 0x7ff8_0000_0000_0000);
            prop_assert_eq!(canonical(nan).to_bits(), CANONICAL_NAN.to_bits());
            prop_assert_eq!(Value::F64(nan).to_bits(), CANONICAL_NAN.to_bits());
        }
    }

    #[test]
    fn zeros_have_their_type() {
        for scalar in [ScalarType::Bool, ScalarType::I64, ScalarType::F64] {
            assert_eq!(scalar.zero().scalar_type(), scalar);
            assert_eq!(scalar.zero().to_bits(), 0);
        }
    }
}
