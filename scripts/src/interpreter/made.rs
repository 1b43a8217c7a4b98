//! How large arrays and records that are made in `cycle` can be.

use rhai::Expr;

/// How large arrays and records that are made in `cycle` can be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Made {
    /// Values of the largest whose size the text gives.
    pub largest: u64,
    /// Some are made by `array(n, value)` with an `n` that is computed.
    pub computed: bool,
}

impl Made {
    pub fn join(self, other: Self) -> Self {
        Self { largest: self.largest.max(other.largest), computed: self.computed || other.computed }
    }

    /// What the text of an expression makes.
    pub fn by(expression: &Expr) -> Self {
        let parts: Vec<&Expr> = match expression {
            Expr::Array(parts, _) => parts.iter().collect(),
            Expr::Map(parts, _) => parts.0.iter().map(|(_, part)| part).collect(),
            Expr::FnCall(call, _) if call.name == "array" => {
                let value = call.args.get(1).map(Self::by).unwrap_or_default();
                let (count, computed) = match call.args.first() {
                    Some(Expr::IntegerConstant(count, _)) => (u64::try_from(*count).unwrap_or(0), false),
                    _ => (0, true),
                };
                let largest = count.saturating_mul(value.largest.saturating_add(1));
                return Self { largest, computed: computed || value.computed };
            }
            _ => return Self::default(),
        };
        let mut made = Self::default();
        for part in parts {
            let part = Self::by(part);
            made = Self {
                largest: made.largest.saturating_add(1).saturating_add(part.largest),
                ..made.join(part)
            };
        }
        made
    }
}
