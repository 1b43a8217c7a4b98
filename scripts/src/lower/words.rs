//! Texts that are compared with what has a known set of texts: `sys.state`, `sys.mode`, the state of an axis.

use super::body::Body;
use crate::{
    finding::code,
    hir::{ExprId, ExprKind, Span, SymbolId, SysFact},
    names::{nearest, suggest},
    sink::Found,
};
use sensai_model::packml::{Mode, State};
use sensai_stdlib::registry::handle::AXIS_STATES;

/// A set of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    /// `sys.state`.
    UnitState,
    /// `sys.mode`.
    UnitMode,
    /// `state` of an axis.
    AxisState,
}

impl Set {
    fn words(self) -> Vec<&'static str> {
        match self {
            Self::UnitState => State::ALL.iter().map(|state| state.name()).collect(),
            Self::UnitMode => Mode::ALL.iter().map(|mode| mode.name()).collect(),
            Self::AxisState => AXIS_STATES.to_vec(),
        }
    }

    fn what(self) -> (&'static str, &'static str) {
        match self {
            Self::UnitState => ("`sys.state`", "states"),
            Self::UnitMode => ("`sys.mode`", "modes"),
            Self::AxisState => ("the state of an axis", "states"),
        }
    }
}

impl Body<'_, '_, '_> {
    /// The texts that an expression can be, if it is one of those.
    pub fn set_of(&self, id: ExprId) -> Option<Set> {
        match self.kind(id)? {
            ExprKind::Sys(SysFact::State) => Some(Set::UnitState),
            ExprKind::Sys(SysFact::Mode) => Some(Set::UnitMode),
            ExprKind::AxisProperty { property, .. } if property.name == "state" => Some(Set::AxisState),
            _ => None,
        }
    }

    /// Both sides of `==` or `!=`.
    pub fn compared(&mut self, left: ExprId, right: ExprId) {
        for (value, other) in [(left, right), (right, left)] {
            if let (Some(set), Some(ExprKind::Symbol(symbol))) = (self.set_of(value), self.kind(other)) {
                let (symbol, span) = (*symbol, self.span_of(other));
                self.word(set, symbol, span);
            }
        }
    }

    /// A finding if a text is none of the set.
    pub fn word(&mut self, set: Set, symbol: SymbolId, span: Span) {
        let text = self.lowering.symbol_text(symbol).to_owned();
        let (what, several) = set.what();
        let words = set.words();
        if !words.contains(&text.as_str()) {
            let found = self.found(code::UNKNOWN_SYMBOL, span, format!("{what} is never \"{text}\""));
            let found = found.help(suggest(&text, &words, several));
            let found = match nearest(&text, words.iter().copied()) {
                Some(near) => found.replace(span, format!("\"{near}\"")),
                None => found,
            };
            return self.report(found);
        }
        let Some(unit) = self.lowering.environment.reach.unit.filter(|_| set == Set::UnitMode) else {
            return;
        };
        let modes: Vec<&str> = unit.modes.iter().copied().map(Mode::name).collect();
        if !modes.contains(&text.as_str()) {
            let message = format!("unit `{}` is never in mode \"{text}\"", unit.name);
            let help = format!("its modes: `{}`", modes.join("`, `"));
            let found = Found::warning(code::UNKNOWN_SYMBOL, self.file, span, message).help(help);
            self.report(found);
        }
    }
}
