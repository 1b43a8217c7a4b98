//! Calls that name something of the cell.

use super::{
    rules::Rules,
    symbols::{self, Set},
    walk::{Link, chain, outer_name},
};
use crate::{
    finding::code,
    interpreter::{UNIT_CALLS, UNIT_FACTS},
    names::suggest,
};
use rhai::{Expr, FnCallExpr, Position};
use sensai_model::{cell::AlarmCondition, packml::Mode};
use sensai_stdlib::registry::AXIS;

impl Rules<'_, '_> {
    /// A call of a function that the language has.
    pub(super) fn named(&mut self, call: &FnCallExpr, position: Position) {
        let name = call.name.as_str();
        let reach = self.environment.reach;
        if name == AXIS.name {
            let names: Vec<&str> = reach.axes.iter().map(|axis| axis.name.as_str()).collect();
            if self.not_in_a_twin(name, position) {
                self.literal_name(call, &names, "axis", "axes");
                if let Some(Expr::StringConstant(axis, _)) = call.args.first() {
                    self.facts.handles.push((axis.to_string(), position));
                }
            }
            return;
        }
        let of_unit = UNIT_CALLS.iter().any(|(known, _)| *known == name);
        if !(of_unit || matches!(name, "jidoka" | "alarm")) || !self.not_in_a_twin(name, position) {
            return;
        }
        self.uses_root(&format!("{name}()"), position);
        match name {
            "jidoka" => {
                let names: Vec<&str> = reach.jidoka.iter().map(|rule| rule.name.as_str()).collect();
                self.literal_name(call, &names, "jidoka rule", "jidoka rules");
            }
            "alarm" => self.alarm(call),
            _ if reach.unit.is_none() => {
                let message = format!("`{name}()` is for the program's unit, and it belongs to none");
                let help = "name the program in `programs` of a unit of the cell";
                self.sink.error(code::NO_UNIT, position, name.chars().count(), message, help);
            }
            _ => {}
        }
    }

    fn alarm(&mut self, call: &FnCallExpr) {
        let alarms = self.environment.reach.alarms;
        let names: Vec<&str> = alarms.iter().map(|alarm| alarm.name.as_str()).collect();
        let found = self.literal_name(call, &names, "alarm", "alarms").and_then(|index| alarms.get(index));
        let Some(alarm) = found.filter(|alarm| alarm.condition != AlarmCondition::Program) else { return };
        let (position, len) = call.args.first().map_or((Position::NONE, 0), |argument| {
            (argument.start_position(), alarm.name.chars().count() + 2)
        });
        let message = format!("`{}` watches a tag by itself; no program raises it", alarm.name);
        let help = "leave the call away, or give the alarm no condition in the cell";
        self.sink.error(code::UNKNOWN_NAMED, position, len, message, help);
    }

    /// `sys.state == "execute"`.
    pub(super) fn comparison(&mut self, call: &FnCallExpr) {
        let Some([left, right]) = symbols::compared(call) else { return };
        for (value, other) in [(left, right), (right, left)] {
            if let (Some(set), Expr::StringConstant(text, position)) = (of_unit(value), other) {
                self.word(set, text, *position);
            }
        }
    }

    /// `switch sys.state { "execute" => ... }`.
    pub(super) fn switch(&mut self, value: &Expr, position: Position) {
        let Some(set) = of_unit(value) else { return };
        for (text, position) in symbols::cases(self.sink.text(), position) {
            self.word(set, &text, position);
        }
    }

    fn word(&mut self, set: Set, text: &str, position: Position) {
        if self.environment.role.is_twin() || !set.check(text, position, self.sink) || set != Set::UnitMode {
            return;
        }
        let Some(unit) = self.environment.reach.unit else { return };
        let modes: Vec<&str> = unit.modes.iter().copied().map(Mode::name).collect();
        if !modes.contains(&text) {
            let message = format!("unit `{}` is never in mode \"{text}\"", unit.name);
            let help = format!("its modes: `{}`", modes.join("`, `"));
            self.sink.warning(code::UNKNOWN_SYMBOL, position, text.chars().count() + 2, message, help);
        }
    }

    /// False, and a finding, in a twin.
    fn not_in_a_twin(&mut self, name: &str, position: Position) -> bool {
        if !self.environment.role.is_twin() {
            return true;
        }
        let message = format!("a twin has no `{name}()`: it is the machine, not its controller");
        let help = if name == AXIS.name {
            "the shafts of the drives are behind `axis.`"
        } else {
            "let the machine show it by an input of the cell"
        };
        self.sink.error(code::REFUSED, position, name.chars().count(), message, help);
        false
    }

    /// The first argument is a text that names one of these, or something that only a run can tell; its index.
    fn literal_name(&mut self, call: &FnCallExpr, names: &[&str], one: &str, several: &str) -> Option<usize> {
        match call.args.first() {
            Some(Expr::StringConstant(text, position)) => {
                let found = names.iter().position(|name| *name == text.as_str());
                if found.is_none() {
                    let message = format!("there is no {one} `{text}`");
                    let len = text.chars().count() + 2;
                    let help = suggest(text, names, several);
                    self.sink.error(code::UNKNOWN_NAMED, *position, len, message, help);
                }
                found
            }
            Some(other) => {
                if let Some(value) = crate::interpreter::literal_value(other) {
                    let message = format!(
                        "`{}` takes the name of the {one} as a text, not {}",
                        call.name,
                        value.scalar_type().name()
                    );
                    let len = value.to_string().len();
                    let help = format!("write `{}(\"name\")`", call.name);
                    self.sink.error(code::TYPE, other.start_position(), len, message, help);
                }
                None
            }
            None => None,
        }
    }
}

/// `sys.mode` or `sys.state`, alone.
fn of_unit(expression: &Expr) -> Option<Set> {
    let chain = chain(expression).filter(|chain| outer_name(chain.root) == Some("sys"))?;
    match chain.links[..] {
        [Link::Property(name, _)] if UNIT_FACTS.contains(&name) => {
            Some(if name == "mode" { Set::UnitMode } else { Set::UnitState })
        }
        _ => None,
    }
}
