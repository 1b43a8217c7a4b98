//! What is called on something, and what blocks, axes and models are.

use super::{body::Body, callables, chain::Target, conversion, counted, span, token_span};
use crate::{
    environment::property_help,
    finding::code,
    hir::{AxisCall, AxisDirection, ExprId, ExprKind, Place, Span, Type},
    names::{nearest, suggest},
    ports::Request,
    syntax::{SyntaxToken, ast},
    uses::{Entity, Missing},
};
use sensai_model::cell::ModelTrigger;
use sensai_motion::Direction;
use sensai_stdlib::registry::{
    AXIS, BlockType,
    handle::{HandleMethod, Kind},
};

impl Body<'_, '_, '_> {
    /// `base.name(arguments)`.
    pub fn method_call(&mut self, node: &ast::MethodCallExpr, at: Span) -> ExprId {
        let nodes: Vec<ast::Expr> = node.args().collect();
        let Some(base_node) = node.base() else { return self.wrong(at) };
        let target = self.target(&base_node);
        let Some(name) = node.name() else {
            self.values(&nodes);
            return self.wrong(at);
        };
        let (text, here, count) = (name.text().to_owned(), token_span(&name), nodes.len());
        self.stands_behind(&target, here);
        self.is_asked(&text, here);
        let of_block = match &target {
            Target::Place(Place { ty: Type::Block(block), .. }) => block.method(&text).is_some(),
            Target::Place(Place { ty: Type::Axis, .. }) => AXIS.method(&text).is_some(),
            _ => false,
        };
        if let Some(item) = self.lowering.find_method(self.file, &text, count).filter(|_| !of_block) {
            self.means_item(here, item);
            return self.call_on(item, target, &nodes, here, at);
        }
        if let Some(help) = callables::refused(&text) {
            self.refuse(here, &format!("`{text}`"), help);
            self.values(&nodes);
            return self.wrong(at);
        }
        let library = callables::signatures(&text).iter().any(|(known, _)| *known == count + 1);
        if !of_block && !library && !callables::is_method(&text, count) {
            self.unknown_method(&target, &text, count, here);
            self.values(&nodes);
            return self.wrong(at);
        }
        match target {
            Target::Wrong(_) => {
                self.values(&nodes);
                self.wrong(at)
            }
            Target::Model { index, .. } => self.model_method(index, &text, &nodes, here, at),
            Target::Place(place) if matches!(place.ty, Type::Block(_) | Type::Axis) => {
                self.on_object(place, &name, &nodes, at)
            }
            Target::Value(id) if matches!(self.ty(id), Type::Block(_) | Type::Axis) => {
                let place = self.value_place(id);
                self.on_object(place, &name, &nodes, at)
            }
            target if library => {
                let nodes: Vec<&ast::Expr> = nodes.iter().collect();
                self.call_known(&name, Some((&base_node, target)), &nodes, at)
            }
            target => {
                let id = self.finish_read(target);
                let ty = self.ty(id);
                self.values(&nodes);
                if !matches!(ty, Type::Unknown | Type::Never) {
                    let path = self.shown(span(&base_node), "this");
                    let usages = callables::method_usages(&text);
                    let message = format!("{path} is {ty} and has no `{text}`");
                    let help = format!("there is {}", usages.join(", "));
                    self.error(code::UNKNOWN_FIELD, here, message, help);
                }
                self.wrong(at)
            }
        }
    }

    fn unknown_method(&mut self, target: &Target, name: &str, count: usize, here: Span) {
        self.means(here, Entity::Unknown(Missing::Function));
        let mut usages = callables::method_usages(name);
        usages.truncate(4);
        if usages.is_empty() {
            let mut candidates: Vec<&str> = callables::method_names().collect();
            candidates.extend(self.lowering.items.iter().map(|item| item.name.as_str()));
            let property = match target {
                Target::Place(Place { ty: Type::Block(block), .. }) => block.pin(name).is_some(),
                Target::Place(Place { ty: Type::Axis, .. }) => AXIS.property(name).is_some(),
                _ => false,
            };
            if property {
                let path = self.shown(target.span(self), "it");
                let path = path.trim_matches('`').to_owned();
                let message = format!("`{path}.{name}` is read, not called");
                let found = self.found(code::UNKNOWN_FIELD, here, message);
                return self.report(found.help(format!("write `{path}.{name}`")));
            }
            if let Target::Place(Place { ty: Type::Record(record), .. }) = target
                && let Some((_, field)) = record.field(name)
                && let Type::Block(block) = &field.ty
            {
                let methods = block.methods.iter().map(|method| format!("`{name}.{}(...)`", method.name));
                let message = format!("`{name}` is a {}, and is called by a method of it", block.name);
                let help = format!("write {}", methods.collect::<Vec<_>>().join(" or "));
                return self.error(code::UNKNOWN_FUNCTION, here, message, help);
            }
            let near = nearest(name, candidates).map(str::to_owned);
            let message = format!("there is no method or function `{name}`");
            let found = self.found(code::UNKNOWN_FUNCTION, here, message);
            let found = match near {
                Some(near) => found.help(format!("did you mean `{near}`?")).replace(here, near),
                None => found.help("declare it with `fn`"),
            };
            return self.report(found);
        }
        let message = format!("no block has a method `{name}` with {}", counted(count, "argument"));
        self.error(code::UNKNOWN_FUNCTION, here, message, format!("there is {}", usages.join(", ")));
    }

    /// Call a function of the program on something.
    fn call_on(&mut self, item: usize, target: Target, nodes: &[ast::Expr], here: Span, at: Span) -> ExprId {
        if self.item.is_none() {
            self.refuse(here, "calls of functions in constants", "write a number, or compute it in `init`");
            self.values(nodes);
            return self.wrong(at);
        }
        let place = match target {
            Target::Place(place) => place,
            other => {
                let id = self.finish_read(other);
                if matches!(self.ty(id), Type::Unit) {
                    let message = format!("{} gives no value", self.shown(self.span_of(id), "this"));
                    self.error(code::NO_VALUE, self.span_of(id), message, "call it alone");
                    self.values(nodes);
                    return self.wrong(at);
                }
                self.value_place(id)
            }
        };
        let arguments = self.values(nodes);
        if matches!(place.ty, Type::Never) {
            return self.wrong(at);
        }
        self.call_item(item, Some(place), arguments, here, at)
    }

    /// A method of a block or a command of an axis.
    fn on_object(&mut self, place: Place, name: &SyntaxToken, nodes: &[ast::Expr], at: Span) -> ExprId {
        match place.ty {
            Type::Block(block) => self.block_method(place, block, name, nodes, at),
            _ => self.axis_command(place, name, nodes, at),
        }
    }

    fn block_method(
        &mut self,
        place: Place,
        of: &'static BlockType,
        name: &SyntaxToken,
        nodes: &[ast::Expr],
        at: Span,
    ) -> ExprId {
        let (text, here) = (name.text(), token_span(name));
        let path = self.shown(place.span, "this");
        let ids = self.values(nodes);
        let Some(method) = of.method(text) else {
            let names: Vec<&str> = of.methods.iter().map(|method| method.name).collect();
            let message = format!("{path} is a {} without method `{text}`", of.name);
            self.unknown_part(here, text, message, &names, "methods");
            return self.wrong(at);
        };
        self.means(here, Entity::Method(of.name, method.name));
        if method.arguments.len() != ids.len() {
            let names: Vec<&str> = method.arguments.iter().map(|argument| argument.name).collect();
            let message =
                format!("`{}` takes {}, not {}", method.path, counted(names.len(), "argument"), ids.len());
            let help = format!("write `{}.{text}({})`", path.trim_matches('`'), names.join(", "));
            self.error(code::UNKNOWN_FIELD, here, message, help);
            return self.unknown(method.result.map_or(Type::Unit, Type::scalar), at);
        }
        let mut fit = true;
        for (argument, (node, id)) in method.arguments.iter().zip(nodes.iter().zip(&ids)) {
            let subject = format!("argument {} of `{}`", argument.name, method.path);
            fit &= self.fits(*id, node, &Type::scalar(argument.scalar), &subject);
        }
        let ty = method.result.map_or(Type::Unit, Type::scalar);
        if !fit {
            return self.unknown(ty, at);
        }
        self.changes(&place);
        self.expr(ExprKind::Method { block: place, of, method, arguments: ids }, ty, at, here.start)
    }

    /// A pin of a block.
    pub fn pin(&mut self, place: Place, of: &'static BlockType, name: &str, here: Span, at: Span) -> ExprId {
        let Some(pin) = of.pin(name) else {
            let path = self.shown(place.span, "this");
            let pins: Vec<&str> = of.pins.iter().map(|pin| pin.name).collect();
            let message = format!("{path} is a {} without pin `{name}`", of.name);
            self.unknown_part(here, name, message, &pins, "pins");
            return self.wrong(at);
        };
        self.means(here, Entity::Pin(of.name, pin.name));
        self.expr(ExprKind::Pin { block: place, of, pin }, Type::scalar(pin.scalar), at, here.start)
    }

    /// A property of an axis.
    pub fn property(&mut self, place: Place, name: &str, here: Span, at: Span) -> ExprId {
        let Some(property) = AXIS.property(name) else {
            let path = self.shown(place.span, "this");
            let found =
                self.found(code::UNKNOWN_FIELD, here, format!("{path} is an Axis without property `{name}`"));
            let found = found.help(property_help(name));
            let names = AXIS.properties.iter().map(|property| property.name);
            let found = match (AXIS.method(name), nearest(name, names)) {
                (Some(method), _) if *method.counts().start() == 0 => {
                    found.fix("call it", vec![conversion::insert(here.end, "()")])
                }
                (None, Some(near)) => found.replace(here, near),
                _ => found,
            };
            self.report(found);
            return self.wrong(at);
        };
        self.means(here, Entity::Property(property.name));
        let ty = match property.kind {
            Kind::Bool => Type::Bool,
            Kind::I64 => Type::I64,
            Kind::F64 => Type::F64,
            Kind::Text => Type::Symbol,
        };
        self.expr(ExprKind::AxisProperty { handle: place, property }, ty, at, here.start)
    }

    fn axis_command(&mut self, place: Place, name: &SyntaxToken, nodes: &[ast::Expr], at: Span) -> ExprId {
        let (text, here) = (name.text(), token_span(name));
        let path = self.shown(place.span, "this");
        let plain = path.trim_matches('`').to_owned();
        let ids = self.values(nodes);
        let Some(method) = AXIS.method(text) else {
            let message = format!("{path} is an Axis without command `{text}`");
            if AXIS.property(text).is_some() {
                let help = format!("it is a property, write `{plain}.{text}`");
                let found = self.found(code::UNKNOWN_FIELD, here, message).help(help);
                let brackets = Span::new(here.end, at.end);
                self.report(found.replace(brackets, ""));
                return self.wrong(at);
            }
            let names: Vec<&str> = AXIS.methods.iter().map(|method| method.name).collect();
            self.unknown_part(here, text, message, &names, "commands");
            return self.wrong(at);
        };
        self.means(here, Entity::Command(method.name));
        if !method.counts().contains(&ids.len()) {
            let (least, most) = method.counts().into_inner();
            let range = if least == most { least.to_string() } else { format!("{least} or {most}") };
            let plural = if most == 1 { "" } else { "s" };
            let message = format!("`Axis.{text}` takes {range} argument{plural}, not {}", ids.len());
            let help = format!("write `{plain}.{}`", method.usage());
            self.error(code::UNKNOWN_FIELD, here, message, help);
            return self.unknown(Type::Unit, at);
        }
        let before = self.lowering.sink.errors();
        self.command_arguments(method, nodes, &ids);
        // What takes part in `roots` of `init`: commands are for cycles.
        self.uses_root(&format!("{plain}.{text}()"), here);
        let command = self.command(method, &ids).filter(|_| self.lowering.sink.errors() == before);
        let Some(command) = command else { return self.unknown(Type::Unit, at) };
        self.changes(&place);
        self.expr(ExprKind::AxisCommand { handle: place, command }, Type::Unit, at, here.start)
    }

    fn command_arguments(&mut self, method: &HandleMethod, nodes: &[ast::Expr], ids: &[ExprId]) {
        for (argument, (node, id)) in method.arguments.iter().zip(nodes.iter().zip(ids)) {
            let subject = format!("argument {} of `Axis.{}`", argument.name, method.name);
            let expected = match argument.kind {
                Kind::Bool => Type::Bool,
                Kind::I64 => Type::I64,
                Kind::F64 => Type::F64,
                Kind::Text => {
                    self.word_argument(&subject, argument.words, node, *id);
                    continue;
                }
            };
            self.fits(*id, node, &expected, &subject);
        }
    }

    fn word_argument(&mut self, subject: &str, words: &[&str], node: &ast::Expr, id: ExprId) {
        let ty = self.ty(id);
        let at = span(node);
        if !conversion::fits(&ty, &Type::Symbol) {
            let message = format!("{subject} is a text, the value is {ty}");
            self.error(code::TYPE, at, message, suggest("", words, "texts"));
            return;
        }
        let Some(text) = self.symbol_of(id) else { return };
        if !words.contains(&&*text) {
            let found = self.found(code::UNKNOWN_SYMBOL, at, format!("{subject} is never \"{text}\""));
            let found = found.help(suggest(&text, words, "texts"));
            let literal = matches!(node, ast::Expr::Literal(_));
            let found = match nearest(&text, words.iter().copied()).filter(|_| literal) {
                Some(near) => found.replace(at, format!("\"{near}\"")),
                None => found,
            };
            self.report(found);
        }
    }

    fn command(&self, method: &HandleMethod, ids: &[ExprId]) -> Option<AxisCall> {
        let argument = |index: usize| ids.get(index).copied();
        Some(match method.name {
            "power" => AxisCall::Power(argument(0)?),
            "reset" => AxisCall::Reset,
            "home" => AxisCall::Home,
            "move_absolute" => AxisCall::MoveAbsolute {
                position: argument(0)?,
                velocity: argument(1)?,
                direction: match argument(2) {
                    None => AxisDirection::Known(Direction::Shortest),
                    Some(id) => match self.symbol_of(id).as_deref() {
                        Some("positive") => AxisDirection::Known(Direction::Positive),
                        Some("negative") => AxisDirection::Known(Direction::Negative),
                        Some(_) => AxisDirection::Known(Direction::Shortest),
                        None => AxisDirection::Text(id),
                    },
                },
            },
            "move_relative" => AxisCall::MoveRelative { distance: argument(0)?, velocity: argument(1)? },
            "move_velocity" => AxisCall::MoveVelocity(argument(0)?),
            "torque" => AxisCall::Torque { torque: argument(0)?, ramp: argument(1)? },
            "halt" => AxisCall::Halt,
            "stop" => AxisCall::Stop,
            "release_stop" => AxisCall::ReleaseStop,
            _ => return None,
        })
    }

    fn model_method(&mut self, index: u16, name: &str, nodes: &[ast::Expr], here: Span, at: Span) -> ExprId {
        self.values(nodes);
        let Some(model) = self.model_of(index) else { return self.wrong(at) };
        let (model_name, trigger) = (model.name.clone(), model.trigger);
        if name != callables::REQUEST || !nodes.is_empty() {
            let message = format!("`ai.{model_name}` is a model, which has no `{name}` like that");
            let help = format!("write `ai.{model_name}.request()`");
            self.error(code::UNKNOWN_FUNCTION, here, message, help);
            return self.wrong(at);
        }
        if let ModelTrigger::Periodic { every } = trigger {
            let message =
                format!("`{model_name}` runs by itself, in every cycle that is a multiple of {every}");
            let help = "leave the request away, or give the model trigger = \"request\"";
            self.error(code::UNKNOWN_NAMED, here, message, help);
        }
        self.means(here, Entity::ModelRequest(index));
        self.expr(ExprKind::Request(Request::Model(index)), Type::Unit, at, here.start)
    }

    /// What `for` runs through that is no range: an array, or a tag that is one.
    pub fn elements(&mut self, node: &ast::Expr) -> (crate::hir::Items, Type) {
        use crate::hir::Items;
        let target = match node {
            ast::Expr::Path(_) | ast::Expr::Field(_) | ast::Expr::Index(_) | ast::Expr::This(_) => {
                self.target(node)
            }
            other => Target::Value(self.value(other)),
        };
        if let Target::Tag { tag, index: None, .. } = target
            && let Some(scalar) = self.tag(tag).filter(|tag| tag.array_len.is_some()).map(|tag| tag.scalar)
        {
            return (Items::Tag(tag), Type::scalar(scalar));
        }
        let at = target.span(self);
        let id = self.finish_read(target);
        match self.ty(id) {
            Type::Array(array) => (Items::Array(id), array.element.clone()),
            Type::Unknown | Type::Never => (Items::Array(id), Type::Unknown),
            ty => {
                let message = format!("`for` runs over a range or an array, not {ty}");
                let help = "write `for i in 0..n` or `for x in this.array`";
                self.error(code::TYPE, at, message, help);
                (Items::Array(self.wrong(at)), Type::Unknown)
            }
        }
    }
}
