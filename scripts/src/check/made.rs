//! How large arrays and records that are made in `cycle` can be.

use super::{
    names,
    walk::{chain, is_local, outer_name},
};
use rhai::Expr;

/// How large arrays and records that are made in `cycle` can be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Made {
    /// Values of the largest whose size the text gives.
    pub largest: u64,
    /// Some contain values that may be arrays or records themselves.
    pub nested: bool,
    /// Some are made by `array(n, value)` with an `n` that is computed.
    pub computed: bool,
}

impl Made {
    pub fn join(self, other: Self) -> Self {
        Self {
            largest: self.largest.max(other.largest),
            nested: self.nested || other.nested,
            computed: self.computed || other.computed,
        }
    }

    /// What an expression makes; nothing if it surely is a scalar.
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
                return Self { largest: count.saturating_mul(value.largest + 1), computed, ..value };
            }
            Expr::FnCall(call, _) if !call.is_operator_call() && names::signatures(&call.name).is_empty() => {
                return Self { nested: true, ..Self::default() };
            }
            Expr::Variable(..) if is_local(expression) => return Self { nested: true, ..Self::default() },
            Expr::Dot(..) | Expr::Index(..) => {
                let tag = chain(expression).is_some_and(|chain| outer_name(chain.root).is_some());
                return Self { nested: !tag, ..Self::default() };
            }
            Expr::Stmt(_) => return Self { nested: true, ..Self::default() },
            _ => return Self::default(),
        };
        let mut made = Self::default();
        for part in parts {
            let part = Self::by(part);
            made = Self { largest: made.largest + 1 + part.largest, ..made.join(part) };
        }
        made
    }
}
