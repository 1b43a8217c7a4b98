//! Expressions of type `f64`: finite and within a power of two, or anything.

use super::{Generator, Scope, places::Want};
use crate::ast::{Expr, Kind, Reach, TAME_MAGNITUDE, Ty};

const EDGES: [f64; 18] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.1,
    0.5,
    -2.5,
    1.0 + f64::EPSILON,
    1e-9,
    1e16,
    9_007_199_254_740_993.0,
    9_223_372_036_854_775_807.0,
    -9_223_372_036_854_775_808.0,
    f64::MAX,
    -f64::MAX,
    f64::MIN_POSITIVE,
    5e-324,
    -1e-310,
];

impl Generator<'_> {
    /// With a magnitude m: finite, and at most 2^m away from zero. Without: anything.
    pub(super) fn float(&mut self, scope: &mut Scope, magnitude: Option<u8>, depth: u8) -> Expr {
        scope.pay(1);
        if depth == 0 || !scope.affords(6) || self.chance.percent(22) {
            return self.plain_float(scope, magnitude);
        }
        if self.chance.percent(14)
            && magnitude.is_none_or(|magnitude| magnitude >= TAME_MAGNITUDE)
            && let Some(compound) = self.compound(scope, &whole_type(magnitude), depth)
        {
            return compound;
        }
        let magnitude = if self.risky() { None } else { magnitude };
        let mut made = match magnitude {
            None => self.wild_float(scope, depth - 1),
            Some(magnitude) => self.bounded_float(scope, magnitude, depth - 1),
        };
        self.style(&mut made);
        made
    }

    fn plain_float(&mut self, scope: &mut Scope, magnitude: Option<u8>) -> Expr {
        if self.chance.percent(30) {
            return self.literal_float(magnitude);
        }
        let Some(magnitude) = magnitude else {
            let place = self.place(scope, Want::Read, &|ty| matches!(ty, Ty::F64(_)));
            return place.unwrap_or_else(|| self.literal_float(None));
        };
        let place = self.place(scope, Want::Read, &|ty| *ty == Ty::FLOAT);
        match place {
            Some(place) if magnitude >= TAME_MAGNITUDE => place,
            Some(place) if scope.affords(3) => self.limited(place, magnitude),
            _ => self.literal_float(Some(magnitude)),
        }
    }

    /// A finite number, brought nearer to zero.
    fn limited(&mut self, number: Expr, magnitude: u8) -> Expr {
        let most = (1_u64 << magnitude.min(62)) as f64;
        let ty = float_type(Some(magnitude));
        match self.chance.below(3) {
            0 => Expr::binary(ty, "%", number, Expr::float(most)),
            _ => {
                let low = if self.chance.percent(30) { Expr::float(-0.0) } else { Expr::float(-most) };
                self.called(ty, "clamp", vec![number, low, Expr::float(most)])
            }
        }
    }

    pub(super) fn literal_float(&mut self, magnitude: Option<u8>) -> Expr {
        let value = match self.chance.below(4) {
            0 => *self.chance.pick(&EDGES),
            1 if magnitude.is_none() => {
                let bits = f64::from_bits(self.chance.number());
                if bits.is_finite() { bits } else { 1e300 }
            }
            1 => self.chance.within(-2000, 2000) as f64 / 7.0,
            _ => self.chance.within(-20, 200) as f64 / 4.0,
        };
        match magnitude {
            None if self.chance.percent(4) => {
                Expr::float(*self.chance.pick(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY]))
            }
            Some(magnitude) if value.abs() > (1_u64 << magnitude.min(62)) as f64 => {
                Expr::float(self.chance.within(-8, 8) as f64 / 8.0)
            }
            _ => Expr::float(value),
        }
    }

    /// Of two operands, one of which may be an `i64`.
    fn mixed(
        &mut self,
        scope: &mut Scope,
        ty: Ty,
        operator: &'static str,
        magnitudes: [Option<u8>; 2],
        depth: u8,
    ) -> Expr {
        let integer = if self.chance.percent(30) { self.chance.below(2) as usize } else { 2 };
        let mut operand = |place: usize| match magnitudes[place] {
            Some(magnitude) if integer == place => self.integer(scope, magnitude.clamp(1, 62), depth),
            None if integer == place => self.integer(scope, 63, depth),
            magnitude => self.float(scope, magnitude, depth),
        };
        let left = operand(0);
        let right = operand(1);
        Expr::binary(ty, operator, left, right)
    }

    fn bounded_float(&mut self, scope: &mut Scope, magnitude: u8, depth: u8) -> Expr {
        let ty = float_type(Some(magnitude));
        let lower = Some(magnitude.saturating_sub(1));
        let mut one = |this: &mut Self, magnitude| this.float(scope, magnitude, depth);
        match self.chance.below(24) {
            0..5 if magnitude > 1 => {
                let operator = *self.chance.pick(&["+", "-"]);
                self.mixed(scope, ty, operator, [lower, lower], depth)
            }
            5..8 if magnitude > 1 => {
                let left = self.chance.within(0, magnitude.into()) as u8;
                self.mixed(scope, ty, "*", [Some(left), Some(magnitude - left)], depth)
            }
            8 => {
                let left = one(self, Some(magnitude));
                let divisor = self.large_divisor(scope, depth);
                Expr::binary(ty, "/", left, divisor)
            }
            9 => {
                let left = one(self, Some(magnitude));
                let value = self.chance.within(1, 100) as f64 / 8.0;
                Expr::binary(ty, "%", left, Expr::float(value))
            }
            10 => {
                let operand = one(self, Some(magnitude));
                let operator = *self.chance.pick(&["-", "+"]);
                Expr::unary(ty, operator, operand)
            }
            11 => {
                let name = *self.chance.pick(&["min", "max"]);
                let arguments = vec![one(self, Some(magnitude)), one(self, Some(magnitude))];
                self.called(ty, name, arguments)
            }
            12 => {
                let name = *self.chance.pick(&["abs", "trunc", "round_even", "deadband", "hypot"]);
                match name {
                    "deadband" => {
                        let arguments = vec![one(self, Some(magnitude)), one(self, Some(4))];
                        self.called(ty, name, arguments)
                    }
                    "hypot" => {
                        let arguments = vec![one(self, lower), one(self, lower)];
                        self.called(ty, name, arguments)
                    }
                    _ => {
                        let operand = one(self, lower);
                        self.called(ty, name, vec![operand])
                    }
                }
            }
            13 => {
                let operand = one(self, Some(magnitude));
                let size = self.called(Ty::FLOAT, "abs", vec![operand]);
                self.called(ty, "sqrt", vec![size])
            }
            14 | 15 if magnitude > 1 => {
                let name = *self.chance.pick(&["sin", "cos", "atan"]);
                let operand = one(self, Some(20));
                self.called(ty, name, vec![operand])
            }
            16 | 17 => {
                let number = self.integer(scope, magnitude.clamp(1, 62), depth);
                self.converted(ty, "to_float", number)
            }
            18 if magnitude > 4 => {
                let operand = one(self, Some(2));
                let name = *self.chance.pick(&["exp", "floor", "ceil", "round", "to_radians"]);
                // e^4 is below 2^6.
                if name == "exp" && magnitude < 6 {
                    return operand;
                }
                self.called(ty, name, vec![operand])
            }
            19 if magnitude > 12 => {
                let arguments = (0..3).map(|_| one(self, Some(5))).collect();
                self.called(ty, "lerp", arguments)
            }
            20 => self.guarded_float(scope, magnitude, depth),
            21 => {
                let number = one(self, Some(magnitude.max(20)));
                self.limited(number, magnitude)
            }
            22 if magnitude > 14 => {
                let number = one(self, Some(5));
                let (low, high) = (self.chance.within(-9, 0) as f64, self.chance.within(1, 9) as f64);
                let arguments =
                    vec![number, Expr::float(low), Expr::float(high), one(self, Some(4)), one(self, Some(4))];
                self.called(ty, "scale", arguments)
            }
            _ => self.plain_float(scope, Some(magnitude)),
        }
    }

    /// At least 1.
    fn large_divisor(&mut self, scope: &mut Scope, depth: u8) -> Expr {
        match self.chance.below(3) {
            0 if depth > 0 => {
                let number = self.float(scope, Some(20), depth - 1);
                let size = Expr::call(Ty::FLOAT, "abs", vec![number]);
                Expr::binary(Ty::FLOAT, "+", size, Expr::float(1.0))
            }
            1 => Expr::int(*self.chance.pick(&[2, -3, 10, 1000])),
            _ => Expr::float(*self.chance.pick(&[1.5, -2.0, 3.0, 1e6, 7.25])),
        }
    }

    /// A wild number where it is small enough, else something else.
    fn guarded_float(&mut self, scope: &mut Scope, magnitude: u8, depth: u8) -> Expr {
        let ty = float_type(Some(magnitude));
        let Some(place) = self.place(scope, Want::Read, &|ty| *ty == Ty::F64(Reach::Wild)) else {
            return self.literal_float(Some(magnitude));
        };
        // The index would be computed twice, and could be another one.
        if !is_simple(&place) {
            return self.literal_float(Some(magnitude));
        }
        let condition = match self.chance.below(2) {
            0 => Expr::call(Ty::Bool, "is_finite", vec![place.clone()]),
            _ => {
                let is_nan = Expr::call(Ty::Bool, "is_nan", vec![place.clone()]);
                Expr::unary(Ty::Bool, "!", is_nan)
            }
        };
        let then = self.limited(place, magnitude);
        // What is infinite is no remainder.
        let then = match then.kind {
            Kind::Binary(..) => self.literal_float(Some(magnitude)),
            _ => then,
        };
        let otherwise = self.float(scope, Some(magnitude), depth.min(1));
        let blocks = (crate::ast::Block::value(then), crate::ast::Block::value(otherwise));
        Expr::new(ty, Kind::If(Box::new(condition), blocks.0, Some(blocks.1)))
    }

    fn wild_float(&mut self, scope: &mut Scope, depth: u8) -> Expr {
        let ty = Ty::F64(Reach::Wild);
        let one = |this: &mut Self, scope: &mut Scope| this.float(scope, None, depth);
        match self.chance.below(14) {
            0..6 => {
                let operator = *self.chance.pick(&["+", "-", "*", "/", "/", "%", "**"]);
                self.mixed(scope, ty, operator, [None, None], depth)
            }
            6 => {
                let operand = one(self, scope);
                Expr::unary(ty, "-", operand)
            }
            7 | 8 => {
                let names = [
                    "sqrt",
                    "sin",
                    "cos",
                    "tan",
                    "asin",
                    "acos",
                    "atan",
                    "exp",
                    "ln",
                    "log10",
                    "floor",
                    "ceil",
                    "round",
                    "round_even",
                    "trunc",
                    "abs",
                    "to_radians",
                    "to_degrees",
                ];
                let name = *self.chance.pick(&names);
                let operand = one(self, scope);
                self.called(ty, name, vec![operand])
            }
            9 => {
                let name = *self.chance.pick(&["min", "max", "atan2", "hypot", "pow", "deadband"]);
                let arguments = vec![one(self, scope), one(self, scope)];
                self.called(ty, name, arguments)
            }
            10 => {
                let number = self.integer(scope, 63, depth);
                self.converted(ty, "to_float", number)
            }
            11 => {
                let (low, high) =
                    *self.chance.pick(&[(-1.0, 1.0), (-0.0, 0.0), (0.0, 1e300), (-5e-324, 5e-324)]);
                let number = one(self, scope);
                self.called(ty, "clamp", vec![number, Expr::float(low), Expr::float(high)])
            }
            12 => {
                let arguments = (0..3).map(|_| one(self, scope)).collect();
                self.called(ty, "lerp", arguments)
            }
            _ => self.plain_float(scope, None),
        }
    }
}

/// It reads the same twice.
pub(super) fn is_simple(place: &Expr) -> bool {
    match &place.kind {
        Kind::Atom(_) => true,
        Kind::Field(base, _) => is_simple(base),
        Kind::Index(base, index) => is_simple(base) && matches!(index.kind, Kind::Atom(_)),
        _ => false,
    }
}

/// The type whose values are of a magnitude from the tame one on.
const fn whole_type(magnitude: Option<u8>) -> Ty {
    Ty::F64(if magnitude.is_none() { Reach::Wild } else { Reach::Tame })
}

/// The narrowest type for a magnitude.
fn float_type(magnitude: Option<u8>) -> Ty {
    Ty::F64(match magnitude {
        Some(magnitude) if magnitude <= TAME_MAGNITUDE => Reach::Tame,
        _ => Reach::Wild,
    })
}
