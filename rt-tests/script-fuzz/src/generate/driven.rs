//! Blocks that are brought where chance seldom brings them: counts and times at the ends of their range, limits met.

use super::{Generator, Phase, Scope, places::Want};
use crate::ast::{Expr, StatementKind, Ty};
use sensai_model::ScalarType;
use sensai_stdlib::registry;

const DRIVEN: [&str; 7] = ["TON", "TOF", "TP", "CTU", "CTD", "CTUD", "HYSTERESIS"];

impl Generator<'_> {
    /// A call whose inputs follow the cycle, with limits that are the farthest there are.
    pub(super) fn driven_block(&mut self, scope: &mut Scope) -> Option<StatementKind> {
        if scope.phase != Phase::Cycle {
            return None;
        }
        let driven = |ty: &Ty| matches!(ty, Ty::Block(name, _) if DRIVEN.contains(name));
        let place = self.place(scope, Want::Call, &driven)?;
        let Ty::Block(name, given) = &place.ty else { return None };
        let method = registry::find(name)?.methods.iter().find(|method| method.name == "run")?;
        let limits: Vec<f64> = given.split(", ").filter_map(|text| text.parse().ok()).collect();
        (scope.changes, scope.reads_cycle) = (true, true);
        scope.pay(12);
        let edge = *self.chance.pick(&[i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1]);
        let arguments = method.arguments.iter().map(|argument| match argument.scalar {
            ScalarType::Bool => self.rhythm(),
            ScalarType::I64 => Expr::int(edge),
            ScalarType::F64 if *name == "HYSTERESIS" && !limits.is_empty() => {
                Expr::float(*self.chance.pick(&limits))
            }
            // Some elapse within a few cycles; of some the compiler does not know that.
            ScalarType::F64 => {
                let seconds = Expr::float(*self.chance.pick(&[9.0e9, 0.0, 0.001, 0.002, 0.003]));
                match self.chance.percent(50) {
                    true => seconds,
                    false => Expr::call(Ty::FLOAT, "max", vec![seconds, Expr::float(0.0)]),
                }
            }
        });
        let arguments = arguments.collect();
        let ty = method.result.map_or(Ty::Unit, super::places::wild);
        Some(StatementKind::Expr(Expr::method(ty, place, method.name, arguments)))
    }

    /// Any pin of any block: each as likely as the others.
    pub(super) fn pin(&mut self, scope: &mut Scope) -> Option<StatementKind> {
        let block = self.place(scope, Want::Call, &|ty| matches!(ty, Ty::Block(..)))?;
        let Ty::Block(name, _) = &block.ty else { return None };
        let pins = registry::find(name)?.pins;
        if pins.is_empty() {
            return None;
        }
        let pin = self.chance.pick(pins);
        let value = Expr::field(super::places::wild(pin.scalar), block, pin.name);
        Some(StatementKind::Let(self.fresh("pin"), value))
    }

    /// True in some cycles of a few.
    fn rhythm(&mut self) -> Expr {
        let every = self.chance.within(2, 7);
        let cycle = Expr::atom(Ty::INT, "sys.cycle");
        let turn = Expr::binary(Ty::INT, "%", cycle, Expr::int(every));
        let operator = *self.chance.pick(&["<", ">", "=="]);
        Expr::binary(Ty::Bool, operator, turn, Expr::int(self.chance.within(0, every - 1)))
    }
}
