//! What uses the state, held against its layout.

use super::{
    Sink,
    roots::literal_mismatch,
    symbols::{self, Set},
    walk::{Chain, Function, Link, Use, Visitor, chain, walk},
};
use crate::{
    finding::code,
    interpreter::property_help,
    layout::{Field, Layout, Shape},
    names::suggest,
};
use rhai::{Expr, FnCallExpr, Position, Stmt};
use sensai_model::ScalarType;
use sensai_stdlib::registry::{
    self, AXIS,
    handle::{HandleArgument, Kind},
};

/// What the state is used for.
pub(crate) struct Uses {
    /// The largest array or record that is copied out of the state.
    pub copied: Copied,
}

/// An array or record that one operation can copy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copied {
    /// Values in it; 0 if nothing is copied.
    pub values: u64,
    /// Where it is copied.
    pub position: Position,
}

/// Check every function for each shape that its `this` can have: `cycle` has the whole state, and what is called on a
/// part of the state has that part.
pub(crate) fn state(functions: &[Function], layout: &Layout, sink: &mut Sink<'_>) -> Uses {
    let root = Shape::Record { fields: layout.fields().to_vec() };
    let copied = Copied { values: 0, position: Position::NONE };
    let mut rules = StateRules { functions, this: root.clone(), called: Vec::new(), copied, sink };
    let cycle =
        functions.iter().position(|function| function.name == "cycle" && function.parameters.is_empty());
    let mut open: Vec<(usize, Shape)> = cycle.map(|cycle| (cycle, root)).into_iter().collect();
    let mut seen: Vec<(usize, Shape)> = Vec::new();
    while let Some(next) = open.pop() {
        if seen.contains(&next) {
            continue;
        }
        rules.this = next.1.clone();
        if let Some(function) = functions.get(next.0) {
            walk(&function.body, &mut rules, 0);
        }
        seen.push(next);
        open.append(&mut rules.called);
    }
    Uses { copied: rules.copied }
}

struct StateRules<'a, 'b> {
    functions: &'a [Function],
    this: Shape,
    /// Functions called on parts of the state.
    called: Vec<(usize, Shape)>,
    copied: Copied,
    sink: &'a mut Sink<'b>,
}

impl Visitor for StateRules<'_, '_> {
    fn statement(&mut self, statement: &Stmt, _: usize) {
        if let Stmt::Switch(switch, position) = statement
            && self.is_axis_state(&switch.0)
        {
            for (text, position) in symbols::cases(self.sink.text(), *position) {
                Set::AxisState.check(&text, position, self.sink);
            }
        }
    }

    fn expression(&mut self, expression: &Expr, used: Use<'_>, _: usize) {
        if let Expr::FnCall(call, _) = expression
            && let Some([left, right]) = symbols::compared(call)
        {
            for (value, other) in [(left, right), (right, left)] {
                if let Expr::StringConstant(text, position) = other
                    && self.is_axis_state(value)
                {
                    Set::AxisState.check(text, *position, self.sink);
                }
            }
        }
        if let Some(chain) = chain(expression).filter(|chain| matches!(chain.root, Expr::ThisPtr(_))) {
            let this = self.this.clone();
            if let Some(found) = self.follow(&chain, &this) {
                self.ends(&chain, found, used);
            }
        }
    }
}

/// Where a chain leads; `None` if that is not known, or was reported.
enum Found<'a> {
    Shape(&'a Shape),
    Pin,
    /// Of an axis.
    Property,
}

impl StateRules<'_, '_> {
    /// True for `this.….state` of an axis.
    fn is_axis_state(&self, value: &Expr) -> bool {
        let Some(chain) = chain(value).filter(|chain| matches!(chain.root, Expr::ThisPtr(_))) else {
            return false;
        };
        let Some((Link::Property("state", _), path)) = chain.links.split_last() else { return false };
        let step = |shape: &'_ Shape, link: &Link<'_>| match (link, shape) {
            (Link::Property(name, _), Shape::Record { fields }) => {
                fields.iter().find(|field| field.name == **name).map(|field| field.shape.clone())
            }
            (Link::Index(..), Shape::Array { element, .. }) => Some((**element).clone()),
            _ => None,
        };
        let found = path.iter().try_fold(self.this.clone(), |shape, link| step(&shape, link));
        found == Some(Shape::Axis)
    }

    fn follow<'s>(&mut self, chain: &Chain<'_>, root: &'s Shape) -> Option<Found<'s>> {
        let mut shape = root;
        let mut path = "this".to_owned();
        for (i, link) in chain.links.iter().enumerate() {
            let last = i + 1 == chain.links.len();
            match (link, shape) {
                (Link::Property(name, position), Shape::Record { fields }) => {
                    let field = self.field(fields, name, *position, &path)?;
                    shape = &field.shape;
                    path = format!("{path}.{name}");
                }
                (Link::Property(name, position), Shape::Block(block)) => {
                    let kind = registry::find(&block.block)?;
                    match kind.pin(name) {
                        Some(_) => return last.then_some(Found::Pin),
                        None => {
                            let pins: Vec<&str> = kind.pins.iter().map(|pin| pin.name).collect();
                            self.unknown(
                                *position,
                                name,
                                &format!("`{path}` is a {} without pin `{name}`", kind.name),
                                &pins,
                                "pins",
                            );
                            return None;
                        }
                    }
                }
                (Link::Property(name, position), Shape::Axis) => {
                    if AXIS.property(name).is_some() {
                        return last.then_some(Found::Property);
                    }
                    let message = format!("`{path}` is an Axis without property `{name}`");
                    let len = name.chars().count();
                    self.sink.error(code::UNKNOWN_FIELD, *position, len, message, property_help(name));
                    return None;
                }
                (Link::Method(call, _), shape) if self.function(&call.name, call.args.len()).is_some() => {
                    self.called.extend(
                        self.function(&call.name, call.args.len()).map(|index| (index, shape.clone())),
                    );
                    return None;
                }
                (Link::Method(call, position), Shape::Block(block)) => {
                    self.method(&block.block, &call.name, call.args.len(), *position, &path);
                    return None;
                }
                (Link::Method(call, position), Shape::Axis) => {
                    self.command(call, *position, &path);
                    return None;
                }
                (Link::Index(index, position), Shape::Array { element, len }) => {
                    if let Expr::IntegerConstant(index, at) = index
                        && (*index >= i64::from(*len) || *index < -i64::from(*len))
                    {
                        let message = format!("`{path}` has elements 0 to {}, not {index}", len - 1);
                        self.sink.error(code::UNKNOWN_FIELD, *at, 1, message, "use an index that exists");
                    }
                    let _ = position;
                    shape = element;
                    path = format!("{path}[]");
                }
                _ => return None,
            }
        }
        Some(Found::Shape(shape))
    }

    fn field<'s>(
        &mut self,
        fields: &'s [Field],
        name: &str,
        position: Position,
        path: &str,
    ) -> Option<&'s Field> {
        let found = fields.iter().find(|field| field.name == name);
        if found.is_none() {
            let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
            self.unknown(
                position,
                name,
                &format!("`{path}` has no field `{name}`; `init` gives the fields"),
                &names,
                "fields",
            );
        }
        found
    }

    fn method(&mut self, block: &str, name: &str, count: usize, position: Position, path: &str) {
        let own =
            self.functions.iter().any(|function| function.name == name && function.parameters.len() == count);
        let Some(kind) = registry::find(block).filter(|_| !own) else { return };
        match kind.method(name) {
            Some(method) if method.arguments.len() == count => {}
            Some(method) => {
                let names: Vec<&str> = method.arguments.iter().map(|argument| argument.name).collect();
                let message = format!("`{}` takes {} arguments, not {count}", method.path, names.len());
                let help = format!("write `{path}.{name}({})`", names.join(", "));
                self.sink.error(code::UNKNOWN_FIELD, position, name.chars().count(), message, help);
            }
            None => {
                let names: Vec<&str> = kind.methods.iter().map(|method| method.name).collect();
                self.unknown(
                    position,
                    name,
                    &format!("`{path}` is a {} without method `{name}`", kind.name),
                    &names,
                    "methods",
                );
            }
        }
    }

    /// A command of an axis: that it is there, how many arguments, the types of literals.
    fn command(&mut self, call: &FnCallExpr, position: Position, path: &str) {
        let (name, count) = (call.name.as_str(), call.args.len());
        let len = name.chars().count();
        let Some(method) = AXIS.method(name) else {
            let message = format!("`{path}` is an Axis without command `{name}`");
            if AXIS.property(name).is_some() {
                let help = format!("it is a property, write `{path}.{name}`");
                return self.sink.error(code::UNKNOWN_FIELD, position, len, message, help);
            }
            let names: Vec<&str> = AXIS.methods.iter().map(|method| method.name).collect();
            return self.unknown(position, name, &message, &names, "commands");
        };
        if !method.counts().contains(&count) {
            let (least, most) = method.counts().into_inner();
            let range = if least == most { least.to_string() } else { format!("{least} or {most}") };
            let plural = if most == 1 { "" } else { "s" };
            let message = format!("`Axis.{name}` takes {range} argument{plural}, not {count}");
            let help = format!("write `{path}.{}`", method.usage());
            return self.sink.error(code::UNKNOWN_FIELD, position, len, message, help);
        }
        for (argument, given) in method.arguments.iter().zip(&call.args) {
            self.argument(name, argument, given);
        }
    }

    fn argument(&mut self, command: &str, argument: &HandleArgument, given: &Expr) {
        let scalar = match argument.kind {
            Kind::Bool => ScalarType::Bool,
            Kind::I64 => ScalarType::I64,
            Kind::F64 => ScalarType::F64,
            Kind::Text => return self.word(command, argument, given),
        };
        if let Some(mismatch) = literal_mismatch(scalar, given) {
            let message = format!(
                "argument {} of `Axis.{command}` is {}, the value is {}",
                argument.name,
                scalar.name(),
                mismatch.actual
            );
            self.sink.error(code::TYPE, given.start_position(), mismatch.len, message, mismatch.help);
        }
    }

    fn word(&mut self, command: &str, argument: &HandleArgument, given: &Expr) {
        if let Some(value) = crate::interpreter::literal_value(given) {
            let message = format!(
                "argument {} of `Axis.{command}` is a text, the value is {}",
                argument.name,
                value.scalar_type().name()
            );
            let help = suggest("", argument.words, "texts");
            self.sink.error(code::TYPE, given.start_position(), value.to_string().len(), message, help);
        }
        if let Expr::StringConstant(text, position) = given
            && !argument.words.contains(&text.as_str())
        {
            let message = format!("argument {} of `Axis.{command}` is never \"{text}\"", argument.name);
            let help = suggest(text, argument.words, "texts");
            self.sink.error(code::UNKNOWN_SYMBOL, *position, text.chars().count() + 2, message, help);
        }
    }

    fn function(&self, name: &str, count: usize) -> Option<usize> {
        self.functions.iter().position(|function| function.name == name && function.parameters.len() == count)
    }

    fn unknown(&mut self, position: Position, name: &str, message: &str, known: &[&str], what: &str) {
        self.sink.error(
            code::UNKNOWN_FIELD,
            position,
            name.chars().count(),
            message,
            suggest(name, known, what),
        );
    }

    fn ends(&mut self, chain: &Chain<'_>, found: Found<'_>, used: Use<'_>) {
        let start = chain.root.position();
        match (found, used) {
            (Found::Pin, Use::Target { .. }) => {
                let help = "give it as an argument of the block's method";
                self.sink.error(code::READ_ONLY, start, 4, "a pin cannot be written", help);
            }
            (Found::Property, Use::Target { .. }) => {
                let message = "a property of an Axis cannot be written";
                self.sink.error(
                    code::READ_ONLY,
                    start,
                    4,
                    message,
                    "the axis says it; give the axis a command",
                );
            }
            (Found::Shape(Shape::Axis), Use::Target { .. }) => {
                let message = "Axis cannot be assigned: handles stay where `init` made them";
                let help = "make an array of handles, and keep the index of the one that is meant";
                self.sink.error(code::BLOCK, start, 4, message, help);
            }
            (Found::Shape(Shape::Axis), Use::Value | Use::Iterable) => {
                let message = "Axis cannot be copied, passed or iterated: it would not know the commands of the original";
                let help =
                    "use it where it stands, as in `for i in 0..this.axes.len { this.axes[i].halt(); }`";
                self.sink.error(code::BLOCK, start, 4, message, help);
            }
            (Found::Shape(shape), Use::Target { .. }) if shape.holds_block() => {
                let message =
                    format!("{} cannot be assigned: blocks stay where `init` made them", shape.describe());
                self.sink.error(code::BLOCK, start, 4, message, "assign fields that are no blocks");
            }
            (Found::Shape(shape), Use::Target { value, operator: "" }) => self.assignment(shape, value),
            (Found::Shape(shape), Use::Value | Use::Iterable) if shape.holds_block() => {
                let message = format!(
                    "{} cannot be copied, passed or iterated: it would have a second memory",
                    shape.describe()
                );
                let help = "use it where it stands, as in `for i in 0..this.timers.len { this.timers[i].run(...); }`";
                self.sink.error(code::BLOCK, start, 4, message, help);
            }
            (Found::Shape(shape), Use::Value | Use::Iterable) => {
                let values = shape.values();
                if values > 1 && values > self.copied.values {
                    self.copied = Copied { values, position: start };
                }
            }
            _ => {}
        }
    }

    fn assignment(&mut self, shape: &Shape, value: &Expr) {
        let scalar = match shape {
            Shape::Bool => ScalarType::Bool,
            Shape::I64 => ScalarType::I64,
            Shape::F64 => ScalarType::F64,
            Shape::Symbol => {
                if let Some(literal) = crate::interpreter::literal_value(value) {
                    let message = format!("the field is text, the value is {}", literal.scalar_type().name());
                    let len = literal.to_string().len();
                    self.sink.error(
                        code::TYPE,
                        value.start_position(),
                        len,
                        message,
                        "a field keeps the type that `init` gave it",
                    );
                }
                return;
            }
            _ => return,
        };
        if let Some(mismatch) = literal_mismatch(scalar, value) {
            let message = format!("the field is {}, the value is {}", scalar.name(), mismatch.actual);
            self.sink.error(code::TYPE, value.start_position(), mismatch.len, message, mismatch.help);
        }
    }
}
