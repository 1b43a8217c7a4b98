//! Calls: of the program's own functions, of the library, of what only a tier provides.

use super::{Lowering, body::Body, callables, chain::Target, conversion, counted, span, token_span};
use crate::{
    environment::UNIT_CALLS,
    finding::code,
    hir::{AxisName, Block, ExprId, ExprKind, FaultName, NamedRequest, Place, Span, Type},
    names::{nearest, suggest},
    ports::Request,
    syntax::{SyntaxToken, ast},
    uses::{Entity, Missing},
};
use sensai_model::{Value, cell::AlarmCondition};
use sensai_stdlib::registry::{self, AXIS, BlockType, Function};

impl Body<'_, '_, '_> {
    /// `name(arguments)`.
    pub fn call(&mut self, node: &ast::CallExpr, at: Span) -> ExprId {
        let nodes: Vec<ast::Expr> = node.args().collect();
        let Some(path) = node.path() else {
            self.values(&nodes);
            return self.wrong(at);
        };
        let segments: Vec<SyntaxToken> = path.segments().collect();
        if let ([alias, name], false) = (&segments[..], node.captures()) {
            return self.call_of_library(alias, name, &nodes, at);
        }
        let Some(name) = path.name().filter(|_| !node.captures()) else {
            let here = path.segments().last().map_or(at, |last| token_span(&last));
            self.refuse(here, "`name!()` or `a::name()`", "call the function by its name alone");
            self.values(&nodes);
            return self.wrong(at);
        };
        let (text, here) = (name.text().to_owned(), token_span(&name));
        if let Some(item) = self.lowering.find(self.file, &text, nodes.len()) {
            self.means_item(here, item);
            return self.call_by_name(item, &text, &nodes, here, at);
        }
        if let Some(help) = callables::refused(&text) {
            self.refuse(here, &format!("`{text}`"), help);
            self.values(&nodes);
            return self.wrong(at);
        }
        if self.is_in_library(&text, nodes.len(), here) {
            self.values(&nodes);
            return self.wrong(at);
        }
        let signatures = callables::signatures(&text);
        self.means_callable(&text, here);
        if !signatures.iter().any(|(known, _)| *known == nodes.len()) {
            self.unknown_function(&text, nodes.len(), here, &signatures);
            self.values(&nodes);
            return self.wrong(at);
        }
        let nodes: Vec<&ast::Expr> = nodes.iter().collect();
        self.call_known(&name, None, &nodes, at)
    }

    /// Call a function of the program or a library without a receiver.
    pub fn call_by_name(
        &mut self,
        item: usize,
        name: &str,
        nodes: &[ast::Expr],
        here: Span,
        at: Span,
    ) -> ExprId {
        if self.item.is_none() {
            let help = "write a number, or compute it in `init`";
            self.refuse(here, "calls of functions in constants", help);
            self.values(nodes);
            return self.wrong(at);
        }
        let uses_this = self.lowering.items.get(item).is_some_and(|item| item.uses_this);
        if uses_this {
            let message = format!("`{name}` uses `this`, which it does not get when called like that");
            let found =
                self.found(code::UNBOUND_THIS, here, message).help(format!("write `this.{name}(...)`"));
            let edits = vec![conversion::insert(here.start, "this.")];
            let found = if self.this.is_some() {
                found.fix(format!("call it as `this.{name}`"), edits)
            } else {
                found
            };
            self.report(found);
            self.values(nodes);
            return self.wrong(at);
        }
        let arguments = self.values(nodes);
        self.call_item(item, None, arguments, here, at)
    }

    /// Call a function of the program, perhaps on something.
    pub fn call_item(
        &mut self,
        item: usize,
        receiver: Option<Place>,
        arguments: Vec<ExprId>,
        here: Span,
        at: Span,
    ) -> ExprId {
        let types: Vec<Type> = arguments.iter().map(|id| self.ty(*id)).collect();
        if types.iter().any(|ty| matches!(ty, Type::Never)) {
            // Whatever is called, that is never reached.
            let statements = arguments.iter().map(|id| super::body::expression(*id, &self.exprs)).collect();
            let block = Block { statements, value: None };
            return self.expr(ExprKind::Block(block), Type::Never, at, here.start);
        }
        let this = receiver.as_ref().map(|place| place.ty.clone());
        let Some((function, result)) = self.lowering.instance(item, this, types, Some((self.file, here)))
        else {
            return self.wrong(at);
        };
        self.calls(function);
        let writes = self.lowering.instances.get(function.index()).is_some_and(|of| of.facts.writes_this);
        if let Some(place) = receiver.as_ref().filter(|_| writes) {
            if !self.may_change(place, "cannot be changed") {
                return self.wrong(at);
            }
            self.changes(place);
        }
        self.ordered_call(receiver, arguments, result, at, here.start, |receiver, arguments| ExprKind::Call {
            function,
            receiver,
            arguments,
        })
    }

    /// Look at arguments whatever they are for.
    pub fn values(&mut self, nodes: &[ast::Expr]) -> Vec<ExprId> {
        let first = nodes.first().map(|node| self.value(node));
        let mark = self.changed.len();
        let rest = nodes.iter().skip(1).map(|node| self.value(node));
        let all = first.into_iter().chain(rest.collect::<Vec<_>>()).collect();
        self.unchanged_behind(first, mark);
        all
    }

    /// A function of the language. `receiver`: its first argument stands before the point.
    pub fn call_known(
        &mut self,
        name: &SyntaxToken,
        receiver: Option<(&ast::Expr, Target)>,
        nodes: &[&ast::Expr],
        at: Span,
    ) -> ExprId {
        let (text, here) = (name.text(), token_span(name));
        if receiver.is_some() {
            self.means_callable(text, here);
        }
        if text == "len" {
            return self.call_len(receiver, nodes, at);
        }
        let method = receiver.is_some();
        let mut all: Vec<&ast::Expr> = Vec::with_capacity(nodes.len() + 1);
        let mut ids = Vec::with_capacity(nodes.len() + 1);
        if let Some((node, target)) = receiver {
            all.push(node);
            let id = self.finish_read(target);
            ids.push(self.checked_value(id, node));
        }
        let mut mark = self.changed.len();
        for node in nodes {
            all.push(node);
            ids.push(self.value(node));
            if ids.len() == 1 {
                mark = self.changed.len();
            }
        }
        if !method {
            self.unchanged_behind(ids.first().copied(), mark);
        }
        match text {
            "array" => self.call_array(&all, &ids, at, here),
            "fault" => self.call_fault(&all, &ids, at, here),
            "jidoka" | "alarm" => self.call_named(text, &all, &ids, at, here),
            _ if text == AXIS.name => self.call_axis(&all, &ids, at, here),
            _ => {
                if let Some((_, request)) = UNIT_CALLS.iter().find(|(known, _)| *known == text) {
                    return self.call_unit(text, *request, at, here);
                }
                if let Some(block) = registry::find(text) {
                    return self.make_block(block, &all, &ids, at, here);
                }
                self.call_library(text, &all, ids, method, at, here)
            }
        }
    }

    /// Note that a name means what can be called without being declared.
    fn means_callable(&mut self, name: &str, here: Span) {
        let function = registry::functions().iter().find(|function| function.name == name);
        let built_in = callables::BUILT_IN.iter().find(|(word, ..)| *word == name);
        if let Some(block) = registry::find(name) {
            self.means(here, Entity::Block(block.name));
        } else if name == AXIS.name {
            self.means(here, Entity::AxisHandle);
        } else if let Some(function) = function {
            self.means(here, Entity::LibraryFunction(function.name));
        } else if let Some((word, ..)) = built_in {
            self.means(here, Entity::BuiltIn(word));
        }
    }

    /// What is nothing gives a finding, as in [`Body::value`].
    fn checked_value(&mut self, id: ExprId, node: &ast::Expr) -> ExprId {
        if !matches!(self.ty(id), Type::Unit) {
            return id;
        }
        let what = self.shown(span(node), "this");
        self.error(code::NO_VALUE, span(node), format!("{what} gives no value"), "call it alone");
        self.wrong(span(node))
    }

    fn call_len(&mut self, receiver: Option<(&ast::Expr, Target)>, nodes: &[&ast::Expr], at: Span) -> ExprId {
        let target = match (receiver, nodes.first()) {
            (Some((_, target)), _) => target,
            (None, Some(node)) => self.target(node),
            (None, None) => return self.wrong(at),
        };
        let here = target.span(self);
        let place = match target {
            Target::Place(place) => place,
            Target::Tag { tag, index: None, .. } => {
                if let Some(len) = self.tag(tag).and_then(|tag| tag.array_len) {
                    let kind = ExprKind::Literal(Value::I64(len.into()));
                    return self.expr(kind, Type::I64, at, at.start);
                }
                let id = self.finish_read(target);
                self.value_place(id)
            }
            other => {
                let id = self.finish_read(other);
                self.value_place(id)
            }
        };
        match place.ty.clone() {
            Type::Array(array) => self.len(place, array.len, at),
            Type::Unknown | Type::Never => self.unknown(Type::I64, at),
            ty => {
                let ty = super::statements::called(&ty);
                self.error(code::TYPE, here, format!("`len` takes an array, not {ty}"), "leave it away");
                self.unknown(Type::I64, at)
            }
        }
    }

    fn call_array(&mut self, nodes: &[&ast::Expr], ids: &[ExprId], at: Span, here: Span) -> ExprId {
        let ([count_node, _], [count, value]) = (nodes, ids) else { return self.wrong(at) };
        let element = self.ty(*value);
        let count_span = span(count_node);
        if !self.fits(*count, count_node, &Type::I64, "the length of an array") {
            return self.wrong(at);
        }
        let len = match self.known_value(*count) {
            Some(Value::I64(len)) => len,
            _ if matches!(self.ty(*count), Type::Unknown) => return self.wrong(at),
            _ => {
                let message = "the length of an array has to be known before the program runs";
                let help = "write a number, a `const`, or what is computed of them";
                self.error(code::LENGTH, count_span, message, help);
                return self.wrong(at);
            }
        };
        if !self.len_fits(len, count_span) {
            return self.wrong(at);
        }
        if matches!(element, Type::Never) {
            return *value;
        }
        let ty = Type::array(element, len as u32);
        if !self.values_fit(&ty, at) {
            return self.wrong(at);
        }
        self.expr(ExprKind::Fill { len: len as u32, value: *value }, ty, at, here.start)
    }

    fn call_fault(&mut self, nodes: &[&ast::Expr], ids: &[ExprId], at: Span, here: Span) -> ExprId {
        let ([node], [name]) = (nodes, ids) else { return self.wrong(at) };
        let ty = self.ty(*name);
        if !conversion::fits(&ty, &Type::Symbol) {
            let message = format!("`fault` takes the fault's name as a text, not {ty}");
            self.error(code::TYPE, span(node), message, "write `fault(\"name\")`");
            return self.wrong(at);
        }
        let name = match self.kind(*name) {
            Some(ExprKind::Symbol(symbol)) => FaultName::Text(*symbol),
            _ => FaultName::Value(*name),
        };
        self.expr(ExprKind::Fault(name), Type::Never, at, here.start)
    }

    /// False, and a finding, in a twin.
    fn not_in_a_twin(&mut self, name: &str, here: Span) -> bool {
        if !self.lowering.environment.role.is_twin() {
            return true;
        }
        let message = format!("a twin has no `{name}()`: it is the machine, not its controller");
        let help = if name == AXIS.name {
            "the shafts of the drives are behind `axis.`"
        } else {
            "let the machine show it by an input of the cell"
        };
        self.error(code::REFUSED, here, message, help);
        false
    }

    fn call_axis(&mut self, nodes: &[&ast::Expr], ids: &[ExprId], at: Span, here: Span) -> ExprId {
        if !self.not_in_a_twin(AXIS.name, here) {
            return self.unknown(Type::Axis, at);
        }
        self.makes(AXIS.name, here);
        let axes = self.lowering.environment.reach.axes;
        let names: Vec<&str> = axes.iter().map(|axis| axis.name.as_str()).collect();
        let name = match self.named(AXIS.name, nodes, ids, &names, ("axis", "axes")) {
            Some(Named::Index(index)) => AxisName::Known(index),
            Some(Named::Computed(id)) => AxisName::Text(id),
            None => return self.unknown(Type::Axis, at),
        };
        self.expr(ExprKind::MakeAxis(name), Type::Axis, at, here.start)
    }

    /// Note that a block or handle is made.
    fn makes(&mut self, name: &'static str, here: Span) {
        if self.item.is_some() {
            self.facts.made.push((here, name));
            return;
        }
        let message = format!("`{name}()` makes something new, which only `init` may");
        self.error(code::BLOCK, here, message, "put it into the record that `init` returns");
    }

    fn call_named(
        &mut self,
        name: &str,
        nodes: &[&ast::Expr],
        ids: &[ExprId],
        at: Span,
        here: Span,
    ) -> ExprId {
        if !self.not_in_a_twin(name, here) {
            return self.unknown(Type::Unit, at);
        }
        self.uses_root(&format!("{name}()"), here);
        if self.item.is_none() {
            return self.wrong(at);
        }
        let reach = self.lowering.environment.reach;
        let (names, what, computed): (Vec<&str>, _, _) = match name {
            "jidoka" => {
                let names = reach.jidoka.iter().map(|rule| rule.name.as_str()).collect();
                (names, ("jidoka rule", "jidoka rules"), NamedRequest::Jidoka)
            }
            _ => {
                let names = reach.alarms.iter().map(|alarm| alarm.name.as_str()).collect();
                (names, ("alarm", "alarms"), NamedRequest::Alarm)
            }
        };
        let kind = match self.named(name, nodes, ids, &names, what) {
            Some(Named::Index(index)) if name == "jidoka" => ExprKind::Request(Request::Jidoka(index)),
            Some(Named::Index(index)) => {
                let alarm = reach.alarms.get(usize::from(index));
                if let Some(alarm) = alarm.filter(|alarm| alarm.condition != AlarmCondition::Program) {
                    let place = nodes.first().map_or(here, |node| span(node));
                    let message = format!("`{}` watches a tag by itself; no program raises it", alarm.name);
                    let help = "leave the call away, or give the alarm no condition in the cell";
                    self.error(code::UNKNOWN_NAMED, place, message, help);
                }
                ExprKind::Request(Request::Alarm(index))
            }
            Some(Named::Computed(id)) => ExprKind::RequestNamed(computed, id),
            None => return self.unknown(Type::Unit, at),
        };
        self.expr(kind, Type::Unit, at, here.start)
    }

    /// The first argument is a text that names one of these, or something that only a run can tell.
    fn named(
        &mut self,
        function: &str,
        nodes: &[&ast::Expr],
        ids: &[ExprId],
        names: &[&str],
        (one, several): (&str, &str),
    ) -> Option<Named> {
        let (node, id) = (*nodes.first()?, *ids.first()?);
        let at = span(node);
        let ty = self.ty(id);
        if let Some(text) = self.symbol_of(id) {
            if let Some(index) = names.iter().position(|name| **name == *text) {
                let index = index as u16;
                self.means(
                    at,
                    match function {
                        "jidoka" => Entity::Jidoka(index),
                        "alarm" => Entity::Alarm(index),
                        _ => Entity::Axis(index),
                    },
                );
                return Some(Named::Index(index));
            }
            let found = self.found(code::UNKNOWN_NAMED, at, format!("there is no {one} `{text}`"));
            let found = found.help(suggest(&text, names, several));
            let literal = matches!(node, ast::Expr::Literal(_));
            let found = match nearest(&text, names.iter().copied()).filter(|_| literal) {
                Some(near) => found.replace(at, format!("\"{near}\"")),
                None => found,
            };
            self.report(found);
            return None;
        }
        match ty {
            Type::Symbol => Some(Named::Computed(id)),
            Type::Unknown | Type::Never => None,
            ty => {
                let message = format!("`{function}` takes the name of the {one} as a text, not {ty}");
                self.error(code::TYPE, at, message, format!("write `{function}(\"name\")`"));
                None
            }
        }
    }

    fn call_unit(&mut self, name: &str, request: Request, at: Span, here: Span) -> ExprId {
        if !self.not_in_a_twin(name, here) {
            return self.unknown(Type::Unit, at);
        }
        self.uses_root(&format!("{name}()"), here);
        if self.item.is_none() {
            return self.wrong(at);
        }
        if self.lowering.environment.reach.unit.is_none() {
            let message = format!("`{name}()` is for the program's unit, and it belongs to none");
            let help = "name the program in `programs` of a unit of the cell";
            self.error(code::NO_UNIT, here, message, help);
        }
        self.expr(ExprKind::Request(request), Type::Unit, at, here.start)
    }

    fn make_block(
        &mut self,
        block: &'static BlockType,
        nodes: &[&ast::Expr],
        ids: &[ExprId],
        at: Span,
        here: Span,
    ) -> ExprId {
        self.makes(block.name, here);
        for (index, (node, id)) in nodes.iter().zip(ids).enumerate() {
            if let Some(argument) = block.constructor.argument(index) {
                let subject = format!("argument {} of `{}`", argument.name, block.name);
                self.fits(*id, node, &Type::scalar(argument.scalar), &subject);
            }
        }
        let kind = ExprKind::MakeBlock { of: block, arguments: ids.to_vec() };
        self.expr(kind, Type::Block(block), at, here.start)
    }

    fn call_library(
        &mut self,
        name: &str,
        nodes: &[&ast::Expr],
        ids: Vec<ExprId>,
        method: bool,
        at: Span,
        here: Span,
    ) -> ExprId {
        let types: Vec<Type> = ids.iter().map(|id| self.ty(*id)).collect();
        let all: Vec<&'static Function> = registry::functions()
            .iter()
            .filter(|function| function.name == name && function.arguments.len() == ids.len())
            .collect();
        let fits = |function: &&&Function| {
            let expected = function.arguments.iter().map(|scalar| Type::scalar(*scalar));
            types.iter().zip(expected).all(|(ty, expected)| conversion::fits(ty, &expected))
        };
        let fitting: Vec<&&'static Function> = all.iter().filter(fits).collect();
        match (fitting.as_slice(), all.as_slice()) {
            ([function], _) => {
                let function: &'static Function = function;
                if types.iter().any(Type::is_unknown) {
                    return self.unknown(Type::scalar(function.result), at);
                }
                self.library(function, ids, method, at, here)
            }
            ([], [function]) => {
                for ((node, id), (scalar, argument)) in
                    nodes.iter().zip(&ids).zip(function.arguments.iter().zip(function.argument_names))
                {
                    let subject = format!("argument {argument} of `{name}`");
                    self.fits(*id, node, &Type::scalar(*scalar), &subject);
                }
                self.unknown(Type::scalar(function.result), at)
            }
            ([], _) => {
                self.no_overload(name, &all, nodes, &types, here);
                let floats = types.iter().any(|ty| matches!(ty, Type::F64));
                let same = |function: &&&Function| function.result == all[0].result;
                let result = if all.iter().filter(same).count() == all.len() {
                    all.first().map_or(Type::Unknown, |function| Type::scalar(function.result))
                } else if floats && types.iter().all(Type::is_number) {
                    Type::F64
                } else {
                    Type::Unknown
                };
                self.unknown(result, at)
            }
            (several, _) => {
                let result = several.first().map(|function| function.result);
                let same = several.iter().all(|function| Some(function.result) == result);
                let ty = result.filter(|_| same).map_or(Type::Unknown, Type::scalar);
                self.unknown(ty, at)
            }
        }
    }

    fn no_overload(
        &mut self,
        name: &str,
        all: &[&'static Function],
        nodes: &[&ast::Expr],
        types: &[Type],
        here: Span,
    ) {
        let given: Vec<String> = types.iter().map(ToString::to_string).collect();
        let takes: Vec<String> = all
            .iter()
            .map(|function| {
                let types: Vec<&str> = function.arguments.iter().map(|scalar| scalar.name()).collect();
                format!("({})", types.join(", "))
            })
            .collect();
        let message = format!("`{name}` takes {}, not ({})", takes.join(" or "), given.join(", "));
        let mut found = self.found(code::TYPE, here, message);
        let whole: Vec<&ast::Expr> = nodes
            .iter()
            .zip(types)
            .filter(|(_, ty)| matches!(ty, Type::I64))
            .map(|(node, _)| *node)
            .collect();
        if !whole.is_empty() && types.iter().all(Type::is_number) {
            found = found.help("there is no conversion, write `7.0` instead of `7`, or to_float()");
            if let Some(edits) = self.to_floats(&whole) {
                found = found.fix("make all of them f64", edits);
            }
        } else {
            found = found.help("types are never converted");
        }
        self.report(found);
    }

    fn unknown_function(&mut self, name: &str, count: usize, here: Span, signatures: &[(usize, String)]) {
        let mut known: Vec<String> =
            signatures.iter().take(3).map(|(_, usage)| format!("`{usage}`")).collect();
        let lowering: &Lowering<'_, '_> = self.lowering;
        let own = lowering.items.iter().filter(|item| item.name == name && item.file == self.file);
        known.extend(own.map(|item| {
            let names: Vec<&str> = item.parameters.iter().map(|(name, _)| name.as_str()).collect();
            format!("`{name}({})`", names.join(", "))
        }));
        if known.is_empty() {
            self.means(here, Entity::Unknown(Missing::Function));
            self.is_asked(name, here);
            let lowering = &*self.lowering;
            let mut candidates = callables::callables();
            let own = lowering.items.iter().filter(|item| item.file == self.file);
            candidates.extend(own.map(|item| item.name.as_str()));
            let near = nearest(name, candidates).map(str::to_owned);
            let found = self.found(code::UNKNOWN_FUNCTION, here, format!("there is no function `{name}`"));
            let found = match near {
                Some(near) => found.help(format!("did you mean `{near}`?")).replace(here, near),
                None => found.help("declare it with `fn`"),
            };
            return self.report(found);
        }
        let message = format!("`{name}` with {}", counted(count, "argument"));
        self.error(code::UNKNOWN_FUNCTION, here, message, format!("write {}", known.join(" or ")));
    }
}

/// What an argument names.
enum Named {
    /// Something of the cell.
    Index(u16),
    /// Only a run can tell.
    Computed(ExprId),
}
