//! The rules of the cell language that need no types.

use super::{
    Sink,
    calls::{self, Call},
    names,
    walk::{Chain, Function, Link, Use, Visitor, chain, is_local, outer_name, walk},
};
use crate::{
    ScriptEnvironment,
    finding::code,
    interpreter::{ROOTS, SYS, literal_value},
    layout::SYMBOL_CAPACITY,
    names::suggest,
    tree::{Found, Tree},
};
use rhai::{ASTFlags, Expr, FnCallExpr, Position, Stmt};
use sensai_model::{ScalarType, Tag, TagKind, Value};

/// Roots that the language has and this tier does not have yet.
const LATER_ROOTS: [&str; 2] = ["recipe", "ai"];

/// What the rules learned on the way and the interpreter needs.
#[derive(Default)]
pub(crate) struct Facts {
    /// Loops in which nothing is computed, so that only a text tells where they stand.
    pub silent_loops: Vec<Position>,
    /// Paths below `this` that are assigned to, without indices, and where.
    pub assignments: Vec<(String, Position)>,
    /// Arrays or records are made in `cycle`.
    pub makes_temporaries: bool,
    /// Functions whose `this` is the state whenever they run.
    pub on_state: Vec<bool>,
}

/// Check all rules.
pub(crate) fn rules(
    functions: &[Function],
    top: &[Stmt],
    text: &str,
    environment: &ScriptEnvironment<'_>,
    sink: &mut Sink<'_>,
) -> Facts {
    let mut rules = Rules {
        functions,
        lines: text.lines().collect(),
        environment,
        tags: Tree::new(environment.tags.iter().map(|tag| tag.name.as_str())),
        parameters: Tree::new(environment.parameters.iter().map(|parameter| parameter.name.as_str())),
        constants: constants(top),
        sink,
        current: None,
        calls: Vec::new(),
        depths: vec![0; functions.len()],
        uses_this: functions.iter().map(|function| uses_this(&function.body)).collect(),
        constructed: Vec::new(),
        roots_used: Vec::new(),
        made: Vec::new(),
        facts: Facts::default(),
    };
    rules.top_level(top);
    rules.entries();
    for (index, function) in functions.iter().enumerate() {
        rules.declaration(function);
        rules.current = Some(index);
        walk(&function.body, &mut rules, 1);
    }
    rules.across_functions();
    rules.facts
}

struct Rules<'a, 'b> {
    functions: &'a [Function],
    lines: Vec<&'a str>,
    environment: &'a ScriptEnvironment<'a>,
    tags: Tree,
    parameters: Tree,
    constants: Vec<String>,
    sink: &'a mut Sink<'b>,
    /// Index of the function at hand; `None` in the value of a constant.
    current: Option<usize>,
    calls: Vec<Call>,
    depths: Vec<usize>,
    uses_this: Vec<bool>,
    /// Constructors called: function, place, name.
    constructed: Vec<(usize, Position, String)>,
    /// `io` and `sys` used: function, place, name.
    roots_used: Vec<(usize, Position, String)>,
    /// Functions that make arrays or records.
    made: Vec<usize>,
    facts: Facts,
}

fn constants(top: &[Stmt]) -> Vec<String> {
    let name = |statement: &Stmt| match statement {
        Stmt::Var(parts, ..) => Some(parts.0.name.to_string()),
        _ => None,
    };
    top.iter().filter_map(name).collect()
}

fn uses_this(body: &[Stmt]) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn expression(&mut self, expression: &Expr, _: Use<'_>, _: usize) {
            self.0 |= matches!(expression, Expr::ThisPtr(_));
        }
    }
    let mut finder = Finder(false);
    walk(body, &mut finder, 0);
    finder.0
}

impl Rules<'_, '_> {
    fn top_level(&mut self, top: &[Stmt]) {
        for statement in top {
            match statement {
                Stmt::Var(parts, flags, position) if flags.contains(ASTFlags::CONSTANT) => {
                    let name = &parts.0.name;
                    if ROOTS.contains(&name.as_str()) || LATER_ROOTS.contains(&name.as_str()) {
                        self.shadows(name, *position);
                    }
                    self.current = None;
                    super::walk::walk_expression(&parts.1, Use::Value, self, 1);
                }
                Stmt::Var(parts, _, position) => self.sink.error(
                    code::TOP_LEVEL,
                    *position,
                    3,
                    format!("`let {}` at the top level", parts.0.name),
                    "write `const`, or put the variable into the record that `init` returns",
                ),
                Stmt::Import(_, position) => self.sink.error(
                    code::REFUSED,
                    *position,
                    6,
                    "libraries cannot be imported yet",
                    "copy the functions into the program",
                ),
                Stmt::Noop(_) => {}
                other => self.sink.error(
                    code::TOP_LEVEL,
                    other.position(),
                    1,
                    "a statement at the top level",
                    "only `const`, `import` and `fn` stand there; move it into `init` or `cycle`",
                ),
            }
        }
    }

    fn entries(&mut self) {
        for (name, use_of) in [("init", "returns the state"), ("cycle", "runs in every cycle")] {
            let named: Vec<&Function> =
                self.functions.iter().filter(|function| function.name == name).collect();
            if named.iter().any(|function| function.parameters.is_empty()) {
                continue;
            }
            let position = named.first().map_or(Position::NONE, |function| function.position);
            let message = if named.is_empty() {
                format!("there is no function `{name}()`")
            } else {
                format!("`{name}` has parameters")
            };
            self.sink.error(
                code::ENTRY,
                position,
                0,
                message,
                format!("write `fn {name}() {{ ... }}`, which {use_of}"),
            );
        }
    }

    fn declaration(&mut self, function: &Function) {
        let (name, count) = (function.name.as_str(), function.parameters.len());
        if function.typed {
            self.sink.error(
                code::REFUSED,
                function.position,
                1,
                format!("`{name}` is declared for one type only"),
                "write it without the type",
            );
        }
        let library = names::signatures(name).iter().any(|(known, _)| *known == count);
        if library || names::is_method(name, count) || names::refused(name).is_some() {
            let what = if library { "a library function" } else { "a method of blocks" };
            self.sink.error(
                code::HIDES_LIBRARY,
                function.position,
                1,
                format!("`{name}` with {count} parameters would hide {what} of that name"),
                "choose another name",
            );
        }
        for parameter in &function.parameters {
            self.declares(parameter, function.position);
        }
    }

    fn declares(&mut self, name: &str, position: Position) {
        let taken = ROOTS.contains(&name) || LATER_ROOTS.contains(&name);
        if taken || self.constants.iter().any(|constant| constant == name) {
            self.shadows(name, position);
        }
    }

    fn shadows(&mut self, name: &str, position: Position) {
        let what =
            if self.constants.iter().any(|constant| constant == name) { "the constant" } else { "the root" };
        let message = format!("a variable `{name}` would hide {what} `{name}`");
        self.sink.error(code::SHADOWS, position, name.chars().count(), message, "choose another name");
    }

    fn refuse(&mut self, position: Position, len: usize, what: &str, help: &str) {
        self.sink.error(code::REFUSED, position, len, format!("cell programs have no {what}"), help);
    }

    fn call(&mut self, call: &FnCallExpr, position: Position, depth: usize) {
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
            self.calls_function(index, position, depth, false);
            return;
        }
        if let Some(help) = names::refused(name) {
            self.refuse(position, len, &format!("`{name}`"), help);
            return;
        }
        let signatures = names::signatures(name);
        if signatures.iter().any(|(known, _)| *known == count) {
            if let Some(function) = self.current {
                if sensai_stdlib::registry::find(name).is_some() {
                    self.constructed.push((function, position, name.to_owned()));
                }
                if name == "array" {
                    self.made.push(function);
                }
            }
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

    fn method(&mut self, call: &FnCallExpr, position: Position, depth: usize, on_this: bool) {
        let (name, count) = (call.name.as_str(), call.args.len());
        let len = name.chars().count();
        if let Some(index) = self.function(name, count) {
            self.calls_function(index, position, depth, on_this);
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
        let mut usages: Vec<String> = names::methods()
            .filter(|method| method.name == name)
            .map(|method| {
                let names: Vec<&str> = method.arguments.iter().map(|argument| argument.name).collect();
                format!("`{}({})`", method.path, names.join(", "))
            })
            .collect();
        usages.truncate(4);
        if usages.is_empty() {
            let mut candidates: Vec<&str> = names::methods().map(|method| method.name).collect();
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

    fn function(&self, name: &str, count: usize) -> Option<usize> {
        self.functions.iter().position(|function| function.name == name && function.parameters.len() == count)
    }

    fn calls_function(&mut self, to: usize, position: Position, depth: usize, on_this: bool) {
        match self.current {
            Some(from) => self.calls.push(Call { from, to, position, depth, on_this }),
            None => self.refuse(
                position,
                1,
                "calls of functions in constants",
                "write a number, or compute it in `init`",
            ),
        }
    }

    fn chain(&mut self, chain: &Chain<'_>, used: Use<'_>, depth: usize) {
        if chain.optional {
            let position = chain.links.first().map_or(Position::NONE, Link::position);
            self.refuse(position, 1, "`?.`", "every value is there; a tag's quality is `.valid`");
        }
        // A record may have a field of that name, so only what is surely none is found here; the rest when it runs.
        if let Some(Link::Property("valid", position)) = chain.links.last()
            && !matches!(chain.root, Expr::Variable(..) | Expr::ThisPtr(_))
        {
            let help = "write it directly behind the tag, as in `io.force.valid`";
            self.sink.error(
                code::QUALITY,
                *position,
                5,
                "`.valid` is the quality of a tag, not of a value",
                help,
            );
        }
        let on_this = matches!(chain.root, Expr::ThisPtr(_)) && chain.links.len() == 1;
        for link in &chain.links {
            match link {
                Link::Method(call, position) => self.method(call, *position, depth, on_this),
                Link::Index(Expr::StringConstant(name, position), _) => {
                    let help = format!("write `.{name}`");
                    self.refuse(*position, name.chars().count() + 2, "fields by text", &help);
                }
                _ => {}
            }
        }
        let target = match used {
            Use::Target { value, operator } => Some((value, operator)),
            _ => None,
        };
        match outer_name(chain.root) {
            Some("io") => self.tag(chain, target),
            Some("param") => self.parameter(chain, target.is_some()),
            Some("sys") => self.sys(chain, target.is_some()),
            Some(name) if target.is_some() && self.constants.iter().any(|constant| constant == name) => {
                let message = format!("`{name}` is a constant");
                self.sink.error(
                    code::READ_ONLY,
                    chain.root.position(),
                    name.len(),
                    message,
                    "keep what changes in the state",
                );
            }
            _ => {}
        }
        if target.is_some() {
            self.assigned(chain);
        }
    }

    /// Notes assignments to the state; refuses those to parameters of the function.
    fn assigned(&mut self, chain: &Chain<'_>) {
        let path: Vec<&str> = chain
            .links
            .iter()
            .filter_map(|link| if let Link::Property(name, _) = link { Some(*name) } else { None })
            .collect();
        match chain.root {
            Expr::ThisPtr(position) => self.facts.assignments.push((path.join("."), *position)),
            Expr::Variable(variable, _, position) if is_local(chain.root) => {
                let name = variable.1.as_str();
                let function = self.current.and_then(|index| self.functions.get(index));
                let is_parameter = function.is_some_and(|function| {
                    function.parameters.iter().any(|parameter| parameter == name)
                        && !declares(&function.body, name)
                });
                if is_parameter {
                    let message =
                        format!("`{name}` is a parameter; its elements and fields cannot be written");
                    let help = "the caller would not see it; return the value, or make the function a method of the record";
                    self.sink.error(code::READ_ONLY, *position, name.chars().count(), message, help);
                }
            }
            _ => {}
        }
    }

    fn uses_root(&mut self, name: &str, position: Position) {
        match self.current {
            Some(function) => self.roots_used.push((function, position, name.to_owned())),
            None => self.sink.error(
                code::INIT,
                position,
                name.len(),
                format!("a constant cannot depend on `{name}`"),
                "read it in `init` or `cycle`",
            ),
        }
    }

    fn tag(&mut self, chain: &Chain<'_>, target: Option<(&Expr, &str)>) {
        let start = chain.root.position();
        self.uses_root("io", start);
        let environment = self.environment;
        let names: Vec<&str> = environment.tags.iter().map(|tag| tag.name.as_str()).collect();
        let (index, used) = match leaf(&self.tags, chain, "io", &names) {
            Ok(found) => found,
            Err(missing) => return missing.report(code::UNKNOWN_TAG, self.sink),
        };
        let Some(tag) = environment.tags.get(index as usize) else { return };
        let rest = chain.links.get(used..).unwrap_or_default();
        let len = tag.name.chars().count() + 3;
        match target {
            Some((value, operator)) => self.tag_target(tag, rest, value, operator, start, len),
            None => self.tag_rest(tag, rest),
        }
    }

    fn tag_target(
        &mut self,
        tag: &Tag,
        rest: &[Link<'_>],
        value: &Expr,
        operator: &str,
        start: Position,
        len: usize,
    ) {
        let name = &tag.name;
        if tag.kind == TagKind::Input {
            let help = "use an output or a memory tag";
            return self.sink.error(
                code::READ_ONLY,
                start,
                len,
                format!("`io.{name}` is an input and cannot be written"),
                help,
            );
        }
        match (tag.array_len, rest) {
            (None, []) | (Some(_), [Link::Index(..)]) => {}
            (Some(_), []) => {
                let message = format!("`io.{name}` is an array of tags");
                return self.sink.error(
                    code::TYPE,
                    start,
                    len,
                    message,
                    format!("write its elements, as in `io.{name}[0]`"),
                );
            }
            _ => {
                let message = format!("only `io.{name}` itself can be written");
                return self.sink.error(code::READ_ONLY, start, len, message, "write to the tag");
            }
        }
        self.index_in_bounds(tag, rest);
        if operator.is_empty()
            && let Some(mismatch) = literal_mismatch(tag.scalar, value)
        {
            let message = format!("`io.{name}` is {}, the value is {}", tag.scalar.name(), mismatch.actual);
            self.sink.error(code::TYPE, value.start_position(), mismatch.len, message, mismatch.help);
        }
    }

    /// What may stand behind a tag that is read: an index, `.valid`, a method of its value.
    fn tag_rest(&mut self, tag: &Tag, rest: &[Link<'_>]) {
        let name = &tag.name;
        self.index_in_bounds(tag, rest);
        let rest = match (tag.array_len, rest) {
            (Some(_), [Link::Index(..), rest @ ..]) | (None, rest) => rest,
            (Some(_), [Link::Property("len" | "valid", _) | Link::Method(..)] | []) => return,
            (Some(_), [link, ..]) => {
                let message = format!("`io.{name}` is an array of tags");
                let help = format!("write an index, as in `io.{name}[0]`");
                return self.sink.error(code::UNKNOWN_TAG, link.position(), 1, message, help);
            }
        };
        match rest {
            [] | [Link::Property("valid", _)] | [Link::Method(..), ..] => {}
            [link @ Link::Property(property, _), ..] => {
                let message = format!("`io.{name}` has no `{property}`");
                let help = "behind a tag there can be `.valid`, its quality";
                self.sink.error(code::QUALITY, link.position(), property.chars().count(), message, help);
            }
            [link, ..] => {
                let message = format!("`io.{name}` is no array");
                self.sink.error(code::UNKNOWN_TAG, link.position(), 1, message, "leave the index away");
            }
        }
    }

    fn index_in_bounds(&mut self, tag: &Tag, rest: &[Link<'_>]) {
        let (Some(len), Some(Link::Index(Expr::IntegerConstant(index, position), _))) =
            (tag.array_len, rest.first())
        else {
            return;
        };
        if *index >= i64::from(len) || *index < -i64::from(len) {
            let message = format!("`io.{}` has elements 0 to {}, not {index}", tag.name, len - 1);
            self.sink.error(code::UNKNOWN_TAG, *position, 1, message, "use an index that exists");
        }
    }

    fn parameter(&mut self, chain: &Chain<'_>, assigned: bool) {
        let start = chain.root.position();
        if self.current.is_none() {
            self.uses_root("param", start);
        }
        let names: Vec<&str> =
            self.environment.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        match leaf(&self.parameters, chain, "param", &names) {
            Err(missing) => missing.report(code::UNKNOWN_FACT, self.sink),
            Ok((index, _)) if assigned => {
                let name = names.get(index as usize).copied().unwrap_or_default();
                let message = format!("`param.{name}` cannot be written; only an operator sets it");
                self.sink.error(
                    code::READ_ONLY,
                    start,
                    name.len() + 6,
                    message,
                    "keep a value of your own in the state",
                );
            }
            Ok(_) => {}
        }
    }

    fn sys(&mut self, chain: &Chain<'_>, assigned: bool) {
        let start = chain.root.position();
        self.uses_root("sys", start);
        match chain.links.first() {
            Some(Link::Property(name, position)) if !SYS.contains(name) => {
                let message = format!("`sys.{name}` does not exist");
                self.sink.error(
                    code::UNKNOWN_FACT,
                    *position,
                    name.len(),
                    message,
                    suggest(name, &SYS, "facts"),
                );
            }
            Some(Link::Property(name, _)) if assigned => {
                let message = format!("`sys.{name}` cannot be written");
                self.sink.error(
                    code::READ_ONLY,
                    start,
                    name.len() + 4,
                    message,
                    "keep a value of your own in the state",
                );
            }
            Some(Link::Property(..)) => {}
            _ => self.sink.error(
                code::UNKNOWN_FACT,
                start,
                3,
                "`sys` is a group of names",
                "write one of the names in it",
            ),
        }
    }

    fn variable(&mut self, expression: &Expr, name: &str, used: Use<'_>) {
        let (position, len) = (expression.position(), name.chars().count());
        if matches!(expression, Expr::Variable(variable, ..) if !variable.2.is_empty()) {
            return self.refuse(position, len, "`::`", "use the name alone");
        }
        if ROOTS.contains(&name) {
            if !matches!(used, Use::Receiver) {
                self.sink.error(
                    code::UNKNOWN_VARIABLE,
                    position,
                    len,
                    format!("`{name}` alone is no value"),
                    "write one of the names in it",
                );
            }
            return;
        }
        if LATER_ROOTS.contains(&name) {
            let message = format!("`{name}` is not there yet");
            return self.sink.error(
                code::UNKNOWN_VARIABLE,
                position,
                len,
                message,
                "use parameters and tags",
            );
        }
        let is_constant = self.constants.iter().any(|constant| constant == name);
        if is_constant {
            if matches!(used, Use::Target { .. }) {
                self.sink.error(
                    code::READ_ONLY,
                    position,
                    len,
                    format!("`{name}` is a constant"),
                    "keep what changes in the state",
                );
            }
            return;
        }
        if self.functions.iter().any(|function| function.name == name) {
            return self.refuse(position, len, &format!("functions as values, such as `{name}`"), "call it");
        }
        let mut known: Vec<&str> = self.constants.iter().map(String::as_str).collect();
        known.extend(ROOTS);
        known.push("this");
        let help = crate::names::nearest(name, known)
            .map_or("declare it with `let` or `const`".to_owned(), |near| format!("did you mean `{near}`?"));
        self.sink.error(code::UNKNOWN_VARIABLE, position, len, format!("`{name}` is not known here"), help);
    }

    /// Findings that need all functions to have been seen.
    fn across_functions(&mut self) {
        calls::check(self.functions, &self.calls, &self.depths, self.sink);
        let in_init = calls::reachable(self.functions, &self.calls, "init");
        let in_cycle = calls::reachable(self.functions, &self.calls, "cycle");
        for (function, position, name) in &self.constructed {
            if in_cycle[*function] {
                let message = format!("`{name}()` makes a new block, which only `init` may");
                let help = "put it into the record that `init` returns, and use it as `this.name`";
                self.sink.error(code::BLOCK, *position, name.len(), message, help);
            }
        }
        for (function, position, name) in &self.roots_used {
            if in_init[*function] {
                let message = format!("`init` runs before the first cycle and cannot use `{name}`");
                self.sink.error(code::INIT, *position, name.len(), message, "read it in `cycle`");
            }
        }
        self.facts.makes_temporaries = self.made.iter().any(|function| in_cycle[*function]);
        self.facts.on_state = self.on_state(&in_cycle);
    }

    /// `cycle`, and functions that are only called as `this.f()` from such functions.
    fn on_state(&self, in_cycle: &[bool]) -> Vec<bool> {
        let mut on_state = in_cycle.to_vec();
        loop {
            let misfit =
                self.calls.iter().find(|call| on_state[call.to] && !(call.on_this && on_state[call.from]));
            match misfit {
                Some(call) => on_state[call.to] = false,
                None => return on_state,
            }
        }
    }
}

impl Visitor for Rules<'_, '_> {
    fn statement(&mut self, statement: &Stmt, depth: usize) {
        self.deepen(depth);
        match statement {
            Stmt::Var(parts, _, position) => {
                self.declares(&parts.0.name, *position);
                if matches!(parts.1, Expr::Unit(_)) {
                    let message = format!("`let {}` has no value", parts.0.name);
                    self.sink.error(
                        code::REFUSED,
                        *position,
                        3,
                        message,
                        "give it one; its type follows from it",
                    );
                }
            }
            Stmt::For(parts, _) => {
                self.declares(&parts.0.name, parts.0.pos);
                if let Some(counter) = &parts.1 {
                    self.declares(&counter.name, counter.pos);
                }
                if is_silent(parts.2.body.statements()) {
                    self.facts.silent_loops.push(statement.position());
                }
            }
            Stmt::While(flow, position) => {
                if is_silent(flow.body.statements()) {
                    self.facts.silent_loops.push(*position);
                }
                let endless = matches!(flow.expr, Expr::Unit(_) | Expr::BoolConstant(true, _));
                if endless && !leaves(flow.body.statements()) {
                    let message = "this loop never ends";
                    let help = "the operations of a cycle are limited, and the program would fault; use `for`, or one step in each cycle";
                    self.sink.warning(code::UNBOUNDED_LOOP, *position, 4, message, help);
                }
            }
            Stmt::Do(flow, _, position) if is_silent(flow.body.statements()) => {
                self.facts.silent_loops.push(*position);
            }
            Stmt::TryCatch(_, position) => {
                self.refuse(
                    *position,
                    3,
                    "`try`",
                    "a fault stops the program and undoes its cycle; test before you calculate",
                );
            }
            Stmt::Return(_, flags, position) if flags.contains(ASTFlags::BREAK) => {
                self.refuse(*position, 5, "`throw`", "raise a fault with `fault(\"name\")`");
            }
            Stmt::Import(_, position) | Stmt::Export(_, position) => {
                self.sink.error(
                    code::REFUSED,
                    *position,
                    6,
                    "`import` and `export` do not stand in functions",
                    "move it to the top level",
                );
            }
            Stmt::Share(_) => {}
            Stmt::FnCall(call, position) => self.call(call, *position, depth),
            Stmt::Assignment(parts) => {
                if let Expr::ThisPtr(position) = parts.1.lhs {
                    self.sink.error(
                        code::BLOCK,
                        position,
                        4,
                        "the state cannot be replaced as a whole",
                        "assign its fields",
                    );
                }
            }
            _ => {}
        }
    }

    fn expression(&mut self, expression: &Expr, used: Use<'_>, depth: usize) {
        self.deepen(depth);
        match expression {
            Expr::CharConstant(character, position) => {
                self.refuse(*position, 3, "single characters", &format!("write \"{character}\""));
            }
            Expr::InterpolatedString(_, position) => {
                self.refuse(*position, 1, "texts made of parts", "texts are names; show numbers in tags");
            }
            Expr::StringConstant(text, position) => {
                let limit = self.environment.limits.text_len.min(SYMBOL_CAPACITY);
                if text.len() > limit {
                    let message = format!("a text of {} bytes, at most {limit} are kept", text.len());
                    self.sink.error(
                        code::TOO_LARGE,
                        *position,
                        text.chars().count() + 2,
                        message,
                        "use a shorter name",
                    );
                }
            }
            Expr::Unit(position) => {
                self.refuse(
                    *position,
                    2,
                    "`()`",
                    "every value is there; use a bool to say whether it counts",
                );
            }
            Expr::FloatConstant(_, position) => self.float(*position),
            Expr::Coalesce(_, position) => {
                self.refuse(*position, 2, "`??`", "every value is there; use `if`")
            }
            Expr::Array(..) | Expr::Map(..) => self.made.extend(self.current),
            Expr::FnCall(call, position) => {
                if call.op_token.is_some() && matches!(call.name.as_str(), ".." | "..=") {
                    if !matches!(used, Use::Iterable) {
                        self.refuse(*position, 2, "ranges as values", "a range stands behind `for ... in`");
                    }
                    return;
                }
                self.call(call, *position, depth);
                if call.name.starts_with("anon$") {
                    self.refuse(*position, 1, "closures", "declare a function with `fn`");
                }
            }
            Expr::DynamicConstant(_, position) => {
                self.refuse(*position, 1, "closures", "declare a function with `fn`");
            }
            Expr::ThisPtr(position) if !matches!(used, Use::Receiver | Use::Target { .. }) => {
                self.sink.error(
                    code::BLOCK,
                    *position,
                    4,
                    "`this` cannot be copied or passed",
                    "call the function as a method, as in `this.f()`",
                );
            }
            Expr::Dot(..) | Expr::Index(..) => {
                if let Some(chain) = chain(expression) {
                    self.chain(&chain, used, depth);
                }
            }
            _ => {
                if let Some(name) = outer_name(expression) {
                    self.variable(expression, name, used);
                }
            }
        }
    }
}

impl Rules<'_, '_> {
    fn deepen(&mut self, depth: usize) {
        if let Some(deepest) = self.current.and_then(|index| self.depths.get_mut(index)) {
            *deepest = (*deepest).max(depth);
        }
    }
}

impl Rules<'_, '_> {
    /// An integer that is too large becomes a float in Rhai, without a word.
    fn float(&mut self, position: Position) {
        let line = position.line().and_then(|line| self.lines.get(line - 1)).copied().unwrap_or_default();
        let start = position.position().unwrap_or(1).saturating_sub(1);
        let digits: String = line
            .chars()
            .skip(start)
            .take_while(|character| character.is_alphanumeric() || "._".contains(*character))
            .collect();
        if !digits.is_empty()
            && digits.chars().all(|character| character.is_ascii_digit() || character == '_')
        {
            let help = "write `.0` behind it for an f64; an i64 goes up to 9223372036854775807";
            self.sink.error(
                code::SYNTAX,
                position,
                digits.len(),
                format!("`{digits}` is too large for an i64"),
                help,
            );
        }
    }
}

struct Missing {
    position: Position,
    len: usize,
    message: String,
    help: String,
}

impl Missing {
    fn report(self, code: &'static str, sink: &mut Sink<'_>) {
        sink.error(code, self.position, self.len, self.message, self.help);
    }
}

/// Follow properties through a tree to a leaf: its index, and how many links it took.
fn leaf(tree: &Tree, chain: &Chain<'_>, root: &str, names: &[&str]) -> Result<(u32, usize), Missing> {
    let mut node = Tree::ROOT;
    for (taken, link) in (1..).zip(&chain.links) {
        let Link::Property(segment, at) = link else { break };
        match tree.child(node, segment) {
            Some(Found::Leaf(index)) => return Ok((index, taken)),
            Some(Found::Group(child)) => node = child,
            None => {
                let path = tree.path(node);
                let name = if path.is_empty() { (*segment).to_owned() } else { format!("{path}.{segment}") };
                let what = if root == "io" { "tags" } else { "parameters" };
                return Err(Missing {
                    position: *at,
                    len: segment.chars().count(),
                    message: format!("`{root}.{name}` does not exist"),
                    help: suggest(&name, names, what),
                });
            }
        }
    }
    let dot = if node == Tree::ROOT { "" } else { "." };
    Err(Missing {
        position: chain.root.position(),
        len: root.len(),
        message: format!("`{root}{dot}{}` is a group of names", tree.path(node)),
        help: "write one of the names in it".to_owned(),
    })
}

fn declares(body: &[Stmt], name: &str) -> bool {
    struct Finder<'a>(&'a str, bool);
    impl Visitor for Finder<'_> {
        fn statement(&mut self, statement: &Stmt, _: usize) {
            let declared = match statement {
                Stmt::Var(parts, ..) => parts.0.name == self.0,
                Stmt::For(parts, _) => {
                    parts.0.name == self.0 || parts.1.as_ref().is_some_and(|name| name.name == self.0)
                }
                _ => false,
            };
            self.1 |= declared;
        }
        fn expression(&mut self, _: &Expr, _: Use<'_>, _: usize) {}
    }
    let mut finder = Finder(name, false);
    walk(body, &mut finder, 0);
    finder.1
}

/// Nothing in the body notes its place when it runs.
fn is_silent(body: &[Stmt]) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn statement(&mut self, statement: &Stmt, _: usize) {
            self.0 |= matches!(statement, Stmt::FnCall(..));
        }
        fn expression(&mut self, expression: &Expr, _: Use<'_>, _: usize) {
            self.0 |= match expression {
                Expr::FnCall(..) => true,
                // Fields of the state are Rhai's own business; tags, parameters, facts and methods are ours.
                Expr::Dot(..) | Expr::Index(..) => chain(expression).is_some_and(|chain| {
                    let method = chain.links.iter().any(|link| matches!(link, Link::Method(..)));
                    method || outer_name(chain.root).is_some_and(|name| ROOTS.contains(&name))
                }),
                _ => false,
            };
        }
    }
    let mut finder = Finder(false);
    walk(body, &mut finder, 0);
    !finder.0
}

/// True if a `break` or `return` is somewhere in the body.
fn leaves(body: &[Stmt]) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        fn statement(&mut self, statement: &Stmt, _: usize) {
            self.0 |= match statement {
                Stmt::BreakLoop(_, flags, _) => flags.contains(ASTFlags::BREAK),
                Stmt::Return(..) => true,
                _ => false,
            };
        }
        fn expression(&mut self, _: &Expr, _: Use<'_>, _: usize) {}
    }
    let mut finder = Finder(false);
    walk(body, &mut finder, 0);
    finder.0
}

/// A literal of another type than what it is stored in.
pub(crate) struct LiteralMismatch {
    pub actual: &'static str,
    pub len: usize,
    pub help: String,
}

/// `None` if the value is of the type, or is no literal.
pub(crate) fn literal_mismatch(expected: ScalarType, value: &Expr) -> Option<LiteralMismatch> {
    let (actual, len) = match value {
        Expr::StringConstant(text, _) => ("text", text.chars().count() + 2),
        value => {
            let literal = literal_value(value)?;
            if literal.scalar_type() == expected {
                return None;
            }
            (literal.scalar_type().name(), literal.to_string().len())
        }
    };
    let help = match (expected, literal_value(value)) {
        (ScalarType::F64, Some(Value::I64(number))) => format!("write `{number}.0`"),
        (ScalarType::I64, Some(Value::F64(number))) => format!("write `{}`", libm::trunc(number)),
        (ScalarType::Bool, _) => "write `true` or `false`".to_owned(),
        _ => "types are never converted".to_owned(),
    };
    Some(LiteralMismatch { actual, len, help })
}
