//! Expressions of type `i64` within a number of bits.

use super::{Generator, Scope, places::Want};
use crate::ast::{Expr, Kind, Reach, TAME_BITS, Ty};

/// All of an `i64`.
const ALL: u8 = 63;

const EDGES: [i64; 14] = [
    i64::MIN,
    i64::MIN + 1,
    i64::MAX,
    i64::MAX - 1,
    -1,
    0,
    1,
    1 << 31,
    -(1 << 31) - 1,
    u32::MAX as i64,
    1 << 53,
    (1 << 53) + 1,
    63,
    64,
];

impl Generator<'_> {
    /// A value of at least −2^`bits` and below 2^`bits`. At a risk one that is not.
    pub(super) fn integer(&mut self, scope: &mut Scope, bits: u8, depth: u8) -> Expr {
        scope.pay(1);
        if depth == 0 || !scope.affords(6) || self.chance.percent(22) {
            return self.plain_integer(scope, bits);
        }
        if self.chance.percent(14)
            && let Some(ty) = whole_type(bits)
            && let Some(compound) = self.compound(scope, &ty, depth)
        {
            return compound;
        }
        let bits = if self.risky() { ALL } else { bits };
        let depth = depth - 1;
        let ty = integer_type(bits);
        let mut made = match self.chance.below(22) {
            0..4 if bits > 1 => self.sum(scope, bits, depth),
            4 | 5 if bits > 2 => self.product(scope, bits, depth),
            6 if bits > 1 => self.quotient(scope, bits, depth),
            7 | 8 if bits > 2 => self.remainder(scope, bits, depth),
            9 => self.power(scope, bits, depth),
            10..13 => self.bitwise(scope, bits, depth),
            13 if bits > 0 => self.shift(scope, bits, depth),
            14 if bits > 1 => {
                let operand = self.integer(scope, bits - 1, depth);
                Expr::unary(ty, "-", operand)
            }
            15 => {
                let operand = self.integer(scope, bits, depth);
                Expr::unary(ty, "+", operand)
            }
            16 | 17 => self.integer_function(scope, bits, depth),
            18 if bits > 1 => {
                let number = self.float(scope, Some((bits - 1).min(60)), depth);
                self.converted(ty, "to_int", number)
            }
            19 if bits > 1 => {
                let number = self.float(scope, Some(20), depth);
                Expr::call(Ty::INT, "sign", vec![number])
            }
            20 if bits >= TAME_BITS => match self.tag_len(scope) {
                Some(len) => len,
                None => self.plain_integer(scope, bits),
            },
            _ => self.plain_integer(scope, bits),
        };
        self.style(&mut made);
        made
    }

    /// A number that nothing can be proven of.
    pub(super) fn hidden(&mut self, scope: &mut Scope, number: i64) -> Expr {
        let wild = Ty::I64(Reach::Wild);
        let Some(any) = self.simple_place(scope, Want::Read, &|ty| *ty == Ty::I64(Reach::Wild)) else {
            return Expr::int(number);
        };
        scope.pay(3);
        let zero = Expr::binary(wild.clone(), "^", any.clone(), any);
        Expr::binary(wild, "^", zero, Expr::int(number))
    }

    /// A literal or what is somewhere.
    fn plain_integer(&mut self, scope: &mut Scope, bits: u8) -> Expr {
        if self.chance.percent(30) {
            return self.literal_integer(bits);
        }
        if bits == ALL {
            let place = self.place(scope, Want::Read, &|ty| matches!(ty, Ty::I64(_)));
            return place.unwrap_or_else(|| self.literal_integer(bits));
        }
        if bits >= TAME_BITS
            && let Some(place) = self.place(scope, Want::Read, &|ty| *ty == Ty::INT)
        {
            return place;
        }
        if !scope.affords(3) {
            return self.literal_integer(bits);
        }
        match self.place(scope, Want::Read, &|ty| matches!(ty, Ty::I64(_))) {
            Some(place) => self.reduced(place, bits),
            None => self.literal_integer(bits),
        }
    }

    /// Any number, brought into bounds.
    fn reduced(&mut self, number: Expr, bits: u8) -> Expr {
        let ty = integer_type(bits);
        let most = (1_i64 << bits) - 1;
        match self.chance.below(5) {
            0 | 1 => Expr::binary(ty, "%", number, Expr::int(most + 1)),
            2 => Expr::binary(ty, "&", number, Expr::int(most)),
            3 => Expr::binary(ty, ">>", number, Expr::int(i64::from(ALL - bits))),
            _ => Expr::call(ty, "clamp", vec![number, Expr::int(-most - 1), Expr::int(most)]),
        }
    }

    pub(super) fn literal_integer(&mut self, bits: u8) -> Expr {
        if bits == ALL {
            return match self.chance.below(3) {
                0 => Expr::int(*self.chance.pick(&EDGES)),
                1 => Expr::int(self.chance.number().cast_signed()),
                _ => Expr::int(self.chance.within(-9, 99)),
            };
        }
        let most = (1_i64 << bits) - 1;
        let small = most.min(9);
        let value = match self.chance.below(4) {
            0 => self.chance.within(-most - 1, most),
            _ => self.chance.within(-small.min(3), small),
        };
        let mut literal = Expr::int(value);
        if value >= 0 && self.chance.percent(6) {
            let text = match self.chance.below(4) {
                0 => format!("0x{value:x}"),
                1 => format!("0b{value:b}"),
                2 => format!("0o{value:o}"),
                _ => format!("{value}_0").trim_end_matches("_0").to_owned(),
            };
            literal = Expr::atom(literal.ty, text);
        }
        literal
    }

    fn sum(&mut self, scope: &mut Scope, bits: u8, depth: u8) -> Expr {
        let operator = *self.chance.pick(&["+", "-"]);
        let left = self.integer(scope, bits - 1, depth);
        let right = self.integer(scope, bits - 1, depth);
        Expr::binary(integer_type(bits), operator, left, right)
    }

    fn product(&mut self, scope: &mut Scope, bits: u8, depth: u8) -> Expr {
        let left_bits = self.chance.within(1, i64::from(bits) - 2) as u8;
        let left = self.integer(scope, left_bits, depth);
        let right = self.integer(scope, bits - 1 - left_bits, depth);
        Expr::binary(integer_type(bits), "*", left, right)
    }

    /// Never zero.
    fn divisor(&mut self, scope: &mut Scope, depth: u8) -> Expr {
        if self.risky() {
            return self.integer(scope, 3, depth);
        }
        match self.chance.below(4) {
            0 if depth > 0 => {
                let number = self.integer(scope, 10, depth - 1);
                Expr::binary(Ty::INT, "|", number, Expr::int(1))
            }
            1 if depth > 0 => {
                let number = self.integer(scope, 10, depth - 1);
                let size = Expr::call(Ty::INT, "abs", vec![number]);
                Expr::binary(Ty::INT, "+", size, Expr::int(1))
            }
            2 => Expr::int(-self.chance.within(1, 9)),
            _ => Expr::int(self.chance.within(1, 50)),
        }
    }

    fn quotient(&mut self, scope: &mut Scope, bits: u8, depth: u8) -> Expr {
        let left = self.integer(scope, bits - 1, depth);
        let right = self.divisor(scope, depth);
        Expr::binary(integer_type(bits), "/", left, right)
    }

    fn remainder(&mut self, scope: &mut Scope, bits: u8, depth: u8) -> Expr {
        if self.chance.percent(50) {
            let left = self.integer(scope, ALL, depth);
            let right = if bits == ALL {
                Expr::int(self.chance.within(1, i64::MAX))
            } else {
                Expr::int(self.chance.within(1, 1 << bits))
            };
            return Expr::binary(integer_type(bits), "%", left, right);
        }
        let left = self.integer(scope, bits.min(ALL - 1), depth);
        let right = self.divisor(scope, depth);
        Expr::binary(integer_type(bits), "%", left, right)
    }

    fn power(&mut self, scope: &mut Scope, bits: u8, depth: u8) -> Expr {
        if depth > 0 && bits > 8 && self.chance.percent(30) {
            // At most 7, and often 0.
            let left = self.integer(scope, (bits - 1) / 7, depth);
            let number = self.integer(scope, 10, 1);
            let exponent = match self.chance.percent(50) {
                true => Expr::binary(Ty::INT, "&", number, Expr::int(7)),
                false => {
                    let size = Expr::call(Ty::INT, "abs", vec![number]);
                    Expr::binary(Ty::INT, "%", size, Expr::int(5))
                }
            };
            return Expr::binary(integer_type(bits), "**", left, exponent);
        }
        let exponent = self.chance.within(0, 4) as u8;
        // (−2^b)^k is 2^(b·k), one more than fits into so many bits.
        let base = (bits - 1).checked_div(exponent).unwrap_or(ALL).min(ALL);
        let left = self.integer(scope, base, depth);
        let ty = integer_type(bits);
        match self.chance.below(3) {
            0 => Expr::call(ty, "pow", vec![left, Expr::int(exponent.into())]),
            _ => Expr::binary(ty, "**", left, Expr::int(exponent.into())),
        }
    }

    fn bitwise(&mut self, scope: &mut Scope, bits: u8, depth: u8) -> Expr {
        let operator = *self.chance.pick(&["&", "|", "^"]);
        let left = self.integer(scope, bits, depth);
        let right = self.integer(scope, bits, depth);
        Expr::binary(integer_type(bits), operator, left, right)
    }

    /// Shifts take any count, and what is shifted out of a wild number is no overflow.
    fn shift(&mut self, scope: &mut Scope, bits: u8, depth: u8) -> Expr {
        let ty = integer_type(bits);
        if bits == ALL {
            let left = self.integer(scope, ALL, depth);
            let count = match self.chance.below(3) {
                0 => self.integer(scope, ALL, 0),
                1 if self.chance.percent(50) => {
                    let number = self.integer(scope, ALL, 0);
                    Expr::binary(Ty::INT, "&", number, Expr::int(64))
                }
                1 => Expr::int(self.chance.within(-66, 66)),
                _ => self.integer(scope, 7, depth),
            };
            let operator = *self.chance.pick(&["<<", ">>"]);
            return Expr::binary(ty, operator, left, count);
        }
        if self.chance.percent(50) {
            let count = self.chance.within(0, i64::from(bits) - 1).max(0) as u8;
            let left = self.integer(scope, bits - count, depth);
            return Expr::binary(ty, "<<", left, Expr::int(count.into()));
        }
        let left = self.integer(scope, bits, depth);
        let count = self.integer(scope, 5, 0);
        let count = Expr::binary(Ty::INT, "&", count, Expr::int(31));
        Expr::binary(ty, ">>", left, count)
    }

    fn integer_function(&mut self, scope: &mut Scope, bits: u8, depth: u8) -> Expr {
        let ty = integer_type(bits);
        let mut given = |this: &mut Self, bits| this.integer(scope, bits, depth);
        match self.chance.below(6) {
            0 => {
                let arguments = vec![given(self, bits), given(self, bits)];
                self.called(ty, "min", arguments)
            }
            1 => {
                let arguments = vec![given(self, bits), given(self, bits)];
                self.called(ty, "max", arguments)
            }
            2 if bits < ALL => {
                let most = (1_i64 << bits) - 1;
                let low = self.chance.within(-most - 1, most);
                let high = self.chance.within(low, most);
                let number = given(self, ALL);
                self.called(ty, "clamp", vec![number, Expr::int(low), Expr::int(high)])
            }
            3 if bits > 1 => {
                let number = given(self, bits - 1);
                self.called(ty, "abs", vec![number])
            }
            4 if bits > 1 => {
                let number = given(self, ALL);
                self.called(Ty::INT, "sign", vec![number])
            }
            _ => {
                let arguments = vec![given(self, bits), given(self, bits)];
                self.called(ty, "min", arguments)
            }
        }
    }

    /// A function of the library, as a call or as a method of its first argument.
    pub(super) fn called(&mut self, ty: Ty, name: &str, mut arguments: Vec<Expr>) -> Expr {
        if self.chance.percent(12) && arguments.first().is_some_and(is_own) {
            let first = arguments.remove(0);
            return Expr::method(ty, first, name, arguments);
        }
        Expr::call(ty, name, arguments)
    }

    pub(super) fn converted(&mut self, ty: Ty, name: &str, operand: Expr) -> Expr {
        self.called(ty, name, vec![operand])
    }
}

/// No tag, parameter or pin: Rhai stores what a method was called on back to where it was, and those cannot be written.
fn is_own(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Atom(text) => {
            !["io.", "param.", "sys.", "ai.", "axis."].iter().any(|root| text.starts_with(root))
        }
        Kind::Field(base, _) => !matches!(base.ty, Ty::Block(..) | Ty::Axis) && is_own(base),
        Kind::Index(base, _) => is_own(base),
        Kind::Method(..) => false,
        _ => true,
    }
}

/// The widest type whose values all fit into so many bits.
const fn whole_type(bits: u8) -> Option<Ty> {
    match bits {
        ALL => Some(Ty::I64(Reach::Wild)),
        TAME_BITS..ALL => Some(Ty::INT),
        _ => None,
    }
}

/// The narrowest type for so many bits.
fn integer_type(bits: u8) -> Ty {
    Ty::I64(if bits <= TAME_BITS { Reach::Tame } else { Reach::Wild })
}
