//! The rules of the cell language that need no types.

use super::{
    Sink,
    calls::{self, Call},
    made::Made,
    walk::{Chain, Function, Link, Use, Visitor, chain, is_local, outer_name, walk},
};
use crate::{
    AssignedTag, ScriptEnvironment,
    finding::code,
    interpreter::{AI, AXIS, ROOTS, VALUES_MAX},
    layout::SYMBOL_CAPACITY,
    lower::callables as names,
    tree::Tree,
};
use rhai::{ASTFlags, Expr, FnCallExpr, Position, Stmt};
use sensai_stdlib::registry::AXIS as AXIS_HANDLE;

/// Roots that the language has and this tier does not have yet.
pub(super) const LATER_ROOTS: [&str; 1] = ["recipe"];

/// What the rules learned on the way and the interpreter needs.
#[derive(Default)]
pub(crate) struct Facts {
    /// Loops in which nothing is computed, so that only a text tells where they stand.
    pub silent_loops: Vec<Position>,
    /// Paths below `this` that are assigned to, without indices, and where.
    pub assignments: Vec<(String, Position)>,
    /// Arrays and records made in `cycle`.
    pub made: Made,
    /// Functions of the program are called on variables and constants, as in `copy.f()`.
    pub calls_on_values: bool,
    /// Where one is called on what an expression gives, as in `f().g()`.
    pub calls_on_results: Option<Position>,
    /// Tags that are assigned to, ascending.
    pub assigned_tags: Vec<AssignedTag>,
    /// Axes that are named in `Axis("name")`, and where.
    pub handles: Vec<(String, Position)>,
    /// Names of the functions, each with the place of its opening brace, ascending by it.
    pub functions: Vec<(String, Position)>,
}

impl Facts {
    /// Where a function without parameters starts; where the program does, if there is none of that name.
    pub fn start(&self, name: &str) -> Position {
        let found = self.functions.iter().find(|(known, _)| known == name);
        found.map_or(Position::new(1, 1), |(_, position)| *position)
    }
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
        tags: Tree::of_tags(environment.tags),
        shafts: Tree::new(environment.role.shafts().iter().map(|tag| tag.name.as_str())),
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
        facts: Facts {
            functions: functions.iter().map(|function| (function.name.clone(), function.position)).collect(),
            ..Facts::default()
        },
    };
    rules.top_level(top);
    rules.entries();
    for (index, function) in functions.iter().enumerate() {
        rules.declaration(function);
        rules.current = Some(index);
        walk(&function.body, &mut rules, 1);
    }
    rules.across_functions();
    rules.facts.assigned_tags.sort_by_key(|assigned| (assigned.tag, assigned.line, assigned.column));
    rules.facts.assigned_tags.dedup_by_key(|assigned| assigned.tag);
    rules.facts
}

pub(super) struct Rules<'a, 'b> {
    pub(super) functions: &'a [Function],
    pub(super) lines: Vec<&'a str>,
    pub(super) environment: &'a ScriptEnvironment<'a>,
    pub(super) tags: Tree,
    pub(super) shafts: Tree,
    pub(super) parameters: Tree,
    pub(super) constants: Vec<String>,
    pub(super) sink: &'a mut Sink<'b>,
    /// Index of the function at hand; `None` in the value of a constant.
    pub(super) current: Option<usize>,
    pub(super) calls: Vec<Call>,
    pub(super) depths: Vec<usize>,
    pub(super) uses_this: Vec<bool>,
    /// Constructors called: function, place, name.
    pub(super) constructed: Vec<(usize, Position, String)>,
    /// `io` and `sys` used: function, place, name.
    pub(super) roots_used: Vec<(usize, Position, String)>,
    /// Arrays and records made: function, place, size.
    pub(super) made: Vec<(usize, Position, Made)>,
    pub(super) facts: Facts,
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
                    if self.is_root(name) {
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
            let what = match names::methods().any(|method| method.name == name) {
                _ if library => "a library function",
                true => "a method of blocks",
                false if name == "request" => "a method of models",
                false => "a command of axes",
            };
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
        if self.is_root(name) || self.constants.iter().any(|constant| constant == name) {
            self.shadows(name, position);
        }
    }

    /// Names that no variable may have, because they lead out of the program.
    fn is_root(&self, name: &str) -> bool {
        let twin = self.environment.role.is_twin() && name == AXIS;
        twin || ROOTS.contains(&name) || LATER_ROOTS.contains(&name)
    }

    fn shadows(&mut self, name: &str, position: Position) {
        let what =
            if self.constants.iter().any(|constant| constant == name) { "the constant" } else { "the root" };
        let message = format!("a variable `{name}` would hide {what} `{name}`");
        self.sink.error(code::SHADOWS, position, name.chars().count(), message, "choose another name");
    }

    pub(super) fn refuse(&mut self, position: Position, len: usize, what: &str, help: &str) {
        self.sink.error(code::REFUSED, position, len, format!("cell programs have no {what}"), help);
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
        for link in &chain.links {
            match link {
                Link::Method(call, position) => {
                    self.method(call, *position, depth);
                    self.called_on(chain, call, *position);
                }
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
            Some("io") => self.tag("io", chain, target),
            Some(AXIS) if self.environment.role.is_twin() => self.tag(AXIS, chain, target),
            Some("param") => self.parameter(chain, target.is_some()),
            Some("sys") => self.sys(chain, target.is_some()),
            Some(AI) => self.ai(chain, target.is_some()),
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

    /// Findings that need all functions to have been seen.
    fn across_functions(&mut self) {
        if calls::check(self.functions, &self.calls, &self.depths, self.sink) {
            calls::check_depth(self.functions, &self.calls, self.environment.limits.call_depth, self.sink);
        }
        let in_init = calls::reachable(self.functions, &self.calls, "init");
        let in_cycle = calls::reachable(self.functions, &self.calls, "cycle");
        for (function, position, name) in &self.constructed {
            if in_cycle[*function] {
                let what = if *name == AXIS_HANDLE.name { "handle" } else { "block" };
                let message = format!("`{name}()` makes a new {what}, which only `init` may");
                let help = "put it into the record that `init` returns, and use it as `this.name`";
                self.sink.error(code::BLOCK, *position, name.len(), message, help);
            }
        }
        for (function, position, name) in &self.roots_used {
            if in_init[*function] {
                let message = format!("`init` runs before the first cycle and cannot use `{name}`");
                let (len, help) = match name.strip_suffix("()") {
                    Some(function) => (function.len(), "call it in `cycle`"),
                    None => (name.len(), "read it in `cycle`"),
                };
                self.sink.error(code::INIT, *position, len, message, help);
            }
        }
        let most = VALUES_MAX.min(self.environment.limits.operations);
        for (_, position, made) in self.made.iter().filter(|(function, ..)| in_cycle[*function]) {
            self.facts.made = self.facts.made.join(*made);
            if made.largest > most {
                let message =
                    format!("{} values made at once, expected at most {most} in a cycle", made.largest);
                let help = if most < VALUES_MAX {
                    "each costs an operation; make fewer, keep them in the state, or raise [limits] operations"
                } else {
                    "make fewer"
                };
                self.sink.error(code::TOO_LARGE, *position, 1, message, help);
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
            Stmt::Switch(switch, position) => self.switch(&switch.0, *position),
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
            Expr::Array(..) | Expr::Map(..) => self.makes(expression),
            Expr::FnCall(call, position) => {
                self.comparison(call);
                if call.name == "array" && self.array(call) {
                    self.makes(expression);
                }
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
    /// False, and a finding, if the text says that it has too many elements.
    fn array(&mut self, call: &FnCallExpr) -> bool {
        let limit = self.environment.limits.array_len;
        if let Some(Expr::IntegerConstant(count, position)) = call.args.first()
            && !usize::try_from(*count).is_ok_and(|count| (1..=limit).contains(&count))
        {
            let message = format!("an array of {count} elements, expected 1 to {limit}");
            self.sink.error(code::TOO_LARGE, *position, 1, message, "[limits] array_len sets the most");
            return false;
        }
        true
    }

    fn makes(&mut self, expression: &Expr) {
        if let Some(function) = self.current {
            self.made.push((function, expression.start_position(), Made::by(expression)));
        }
    }

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
