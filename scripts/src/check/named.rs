//! Calls that name something of the cell.

use super::rules::Rules;
use crate::{finding::code, names::suggest};
use rhai::{Expr, FnCallExpr, Position};
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
            }
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
