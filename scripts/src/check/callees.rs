//! Calls: of the program's own functions, of the library, of methods.

use super::{
    calls::Call,
    rules::Rules,
    walk::{Chain, Link},
};
use crate::{finding::code, lower::callables as names};
use rhai::{Expr, FnCallExpr, Position};
use sensai_stdlib::registry::{self, AXIS};

impl Rules<'_, '_> {
    pub(super) fn call(&mut self, call: &FnCallExpr, position: Position, depth: usize) {
        let (name, count) = (call.name.as_str(), call.args.len());
        let len = name.chars().count();
        if call.is_operator_call() {
            return;
        }
        if name == "contains" {
            // So Rhai calls `in`.
            self.refuse(position, 2, "`in`", "compare with `==`, or write a loop");
            return;
        }
        if call.capture_parent_scope || call.is_qualified() {
            self.refuse(
                position,
                len,
                &format!("`{name}!()` or `a::{name}()`"),
                "call the function by its name alone",
            );
            return;
        }
        if let Some(index) = self.function(name, count) {
            if self.uses_this.get(index) == Some(&true) {
                let message = format!("`{name}` uses `this`, which it does not get when called like that");
                self.sink.error(
                    code::UNBOUND_THIS,
                    position,
                    len,
                    message,
                    format!("write `this.{name}(...)`"),
                );
            }
            self.calls_function(index, position, depth);
            return;
        }
        if let Some(help) = names::refused(name) {
            self.refuse(position, len, &format!("`{name}`"), help);
            return;
        }
        let signatures = names::signatures(name);
        if signatures.iter().any(|(known, _)| *known == count) {
            let constructor = name == AXIS.name || registry::find(name).is_some();
            if let Some(function) = self.current.filter(|_| constructor) {
                self.constructed.push((function, position, name.to_owned()));
            }
            self.named(call, position);
            return;
        }
        self.unknown_function(name, count, position, &signatures);
    }

    fn unknown_function(
        &mut self,
        name: &str,
        count: usize,
        position: Position,
        signatures: &[(usize, String)],
    ) {
        let mut known: Vec<String> =
            signatures.iter().take(3).map(|(_, usage)| format!("`{usage}`")).collect();
        let own = self.functions.iter().filter(|function| function.name == name);
        known.extend(own.map(|function| format!("`{name}({})`", function.parameters.join(", "))));
        let len = name.chars().count();
        if known.is_empty() {
            let mut candidates = names::callables();
            candidates.extend(self.functions.iter().map(|function| function.name.as_str()));
            let help = crate::names::nearest(name, candidates)
                .map_or("declare it with `fn`".to_owned(), |near| format!("did you mean `{near}`?"));
            let message = format!("there is no function `{name}`");
            self.sink.error(code::UNKNOWN_FUNCTION, position, len, message, help);
        } else {
            let message = format!("`{name}` with {count} argument{}", if count == 1 { "" } else { "s" });
            self.sink.error(
                code::UNKNOWN_FUNCTION,
                position,
                len,
                message,
                format!("write {}", known.join(" or ")),
            );
        }
    }

    pub(super) fn method(&mut self, call: &FnCallExpr, position: Position, depth: usize) {
        let (name, count) = (call.name.as_str(), call.args.len());
        let len = name.chars().count();
        if let Some(index) = self.function(name, count) {
            self.calls_function(index, position, depth);
            return;
        }
        if let Some(help) = names::refused(name) {
            self.refuse(position, len, &format!("`{name}`"), help);
            return;
        }
        let library = names::signatures(name);
        if names::is_method(name, count) || library.iter().any(|(known, _)| *known == count + 1) {
            return;
        }
        let mut usages = names::method_usages(name);
        usages.truncate(4);
        if usages.is_empty() {
            let mut candidates: Vec<&str> = names::method_names().collect();
            candidates.extend(self.functions.iter().map(|function| function.name.as_str()));
            let help = crate::names::nearest(name, candidates)
                .map_or("declare it with `fn`".to_owned(), |near| format!("did you mean `{near}`?"));
            let message = format!("there is no method or function `{name}`");
            self.sink.error(code::UNKNOWN_FUNCTION, position, len, message, help);
        } else {
            let message = format!(
                "no block has a method `{name}` with {count} argument{}",
                if count == 1 { "" } else { "s" }
            );
            self.sink.error(
                code::UNKNOWN_FUNCTION,
                position,
                len,
                message,
                format!("there is {}", usages.join(", ")),
            );
        }
    }

    /// Notes functions that are called on what is not in the state: its parts are copied out of reach of the layout.
    pub(super) fn called_on(&mut self, chain: &Chain<'_>, call: &FnCallExpr, position: Position) {
        if self.function(&call.name, call.args.len()).is_none() {
            return;
        }
        let first = chain.links.iter().find(|link| matches!(link, Link::Method(..)));
        let directly = first.is_some_and(|link| link.position() == position);
        match chain.root {
            Expr::ThisPtr(_) if directly => {}
            Expr::Variable(..) if directly => self.facts.calls_on_values = true,
            _ => self.facts.calls_on_results = self.facts.calls_on_results.or(Some(position)),
        }
    }

    fn function(&self, name: &str, count: usize) -> Option<usize> {
        self.functions.iter().position(|function| function.name == name && function.parameters.len() == count)
    }

    fn calls_function(&mut self, to: usize, position: Position, depth: usize) {
        match self.current {
            Some(from) => self.calls.push(Call { from, to, position, depth }),
            None => self.refuse(
                position,
                1,
                "calls of functions in constants",
                "write a number, or compute it in `init`",
            ),
        }
    }
}
