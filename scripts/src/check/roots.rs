//! What hangs on `io`, `param` and `sys`, and variables that a function does not declare.

use super::{
    Sink,
    rules::{LATER_ROOTS, Rules},
    walk::{Chain, Link, Use},
};
use crate::{
    AssignedTag,
    finding::code,
    interpreter::{AI, AXIS, ROOTS, SEED, literal_value, read_only_in_twin, sys_facts},
    names::suggest,
    tree::{Found, Tree},
};
use rhai::{Expr, Position};
use sensai_model::{ScalarType, Tag, TagKind, Value};

impl Rules<'_, '_> {
    pub(super) fn uses_root(&mut self, name: &str, position: Position) {
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

    /// `root` is `io`, or `axis` in a twin.
    pub(super) fn tag(&mut self, root: &'static str, chain: &Chain<'_>, target: Option<(&Expr, &str)>) {
        let start = chain.root.position();
        self.uses_root(root, start);
        let environment = self.environment;
        let (tags, tree, first) = match root {
            AXIS => (environment.role.shafts(), &self.shafts, environment.tags.len() as u32),
            _ => (environment.tags, &self.tags, 0),
        };
        let behind = tags.iter().filter(|tag| tag.kind != TagKind::Model);
        let names: Vec<&str> = behind.map(|tag| tag.name.as_str()).collect();
        let (index, used) = match leaf(tree, chain, root, &names) {
            Ok(found) => found,
            Err(missing) => return missing.report(code::UNKNOWN_TAG, self.sink),
        };
        let Some(tag) = tags.get(index as usize) else { return };
        let rest = chain.links.get(used..).unwrap_or_default();
        let named = Named { name: format!("{root}.{}", tag.name), tag };
        let len = named.name.chars().count();
        if environment.role.is_twin() && tag.kind == TagKind::Memory {
            let message =
                format!("`{}` is a tag in the controller's memory, which no machine can see", named.name);
            let help = "keep a value of your own in the state";
            return self.sink.error(code::UNKNOWN_TAG, start, len, message, help);
        }
        match target {
            Some((value, operator)) => {
                self.facts.assigned_tags.push(AssignedTag {
                    tag: first + index,
                    line: start.line().unwrap_or(0) as u32,
                    column: start.position().unwrap_or(0) as u32,
                });
                self.tag_target(&named, rest, value, operator, start, len);
            }
            None => self.tag_rest(&named, rest),
        }
    }

    fn tag_target(
        &mut self,
        named: &Named<'_>,
        rest: &[Link<'_>],
        value: &Expr,
        operator: &str,
        start: Position,
        len: usize,
    ) {
        let Named { name, tag } = named;
        if tag.kind == TagKind::Input {
            let twin = self.environment.role.is_twin();
            let (message, help) = if twin {
                (
                    read_only_in_twin(name),
                    "a twin writes the cell's inputs, and what the machine does to a shaft",
                )
            } else {
                (format!("`{name}` is an input and cannot be written"), "use an output or a memory tag")
            };
            return self.sink.error(code::READ_ONLY, start, len, message, help);
        }
        match (tag.array_len, rest) {
            (None, []) | (Some(_), [Link::Index(..)]) => {}
            (Some(_), []) => {
                let message = format!("`{name}` is an array of tags");
                return self.sink.error(
                    code::TYPE,
                    start,
                    len,
                    message,
                    format!("write its elements, as in `{name}[0]`"),
                );
            }
            _ => {
                let message = format!("only `{name}` itself can be written");
                return self.sink.error(code::READ_ONLY, start, len, message, "write to the tag");
            }
        }
        self.index_in_bounds(named, rest);
        if operator.is_empty()
            && let Some(mismatch) = literal_mismatch(tag.scalar, value)
        {
            let message = format!("`{name}` is {}, the value is {}", tag.scalar.name(), mismatch.actual);
            self.sink.error(code::TYPE, value.start_position(), mismatch.len, message, mismatch.help);
        }
    }

    /// What may stand behind a tag that is read: an index, `.valid`, a method of its value.
    fn tag_rest(&mut self, named: &Named<'_>, rest: &[Link<'_>]) {
        let Named { name, tag } = named;
        self.index_in_bounds(named, rest);
        let rest = match (tag.array_len, rest) {
            (Some(_), [Link::Index(..), rest @ ..]) | (None, rest) => rest,
            (Some(_), [Link::Property("len" | "valid", _) | Link::Method(..)] | []) => return,
            (Some(_), [link, ..]) => {
                let message = format!("`{name}` is an array of tags");
                let help = format!("write an index, as in `{name}[0]`");
                return self.sink.error(code::UNKNOWN_TAG, link.position(), 1, message, help);
            }
        };
        match rest {
            [] | [Link::Property("valid", _)] | [Link::Method(..), ..] => {}
            [link @ Link::Property(property, _), ..] => {
                let message = format!("`{name}` has no `{property}`");
                let help = "behind a tag there can be `.valid`, its quality";
                self.sink.error(code::QUALITY, link.position(), property.chars().count(), message, help);
            }
            [link, ..] => {
                let message = format!("`{name}` is no array");
                self.sink.error(code::UNKNOWN_TAG, link.position(), 1, message, "leave the index away");
            }
        }
    }

    fn index_in_bounds(&mut self, Named { name, tag }: &Named<'_>, rest: &[Link<'_>]) {
        let (Some(len), Some(Link::Index(Expr::IntegerConstant(index, position), _))) =
            (tag.array_len, rest.first())
        else {
            return;
        };
        if *index >= i64::from(len) || *index < -i64::from(len) {
            let message = format!("`{name}` has elements 0 to {}, not {index}", len - 1);
            self.sink.error(code::UNKNOWN_TAG, *position, 1, message, "use an index that exists");
        }
    }

    pub(super) fn parameter(&mut self, chain: &Chain<'_>, assigned: bool) {
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
                let who = if self.environment.role.is_twin() { "`--sim-param`" } else { "an operator" };
                let message = format!("`param.{name}` cannot be written; only {who} sets it");
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

    pub(super) fn sys(&mut self, chain: &Chain<'_>, assigned: bool) {
        let start = chain.root.position();
        let twin = self.environment.role.is_twin();
        let facts = sys_facts(twin);
        let seed = twin && matches!(chain.links.first(), Some(Link::Property(SEED, _)));
        if self.current.is_none() || !seed {
            self.uses_root("sys", start);
        }
        match chain.links.first() {
            Some(Link::Property(name, position)) if !facts.contains(name) => {
                let message = format!("`sys.{name}` does not exist");
                self.sink.error(
                    code::UNKNOWN_FACT,
                    *position,
                    name.len(),
                    message,
                    suggest(name, &facts, "facts"),
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

    pub(super) fn variable(&mut self, expression: &Expr, name: &str, used: Use<'_>) {
        let (position, len) = (expression.position(), name.chars().count());
        if matches!(expression, Expr::Variable(variable, ..) if !variable.2.is_empty()) {
            return self.refuse(position, len, "`::`", "use the name alone");
        }
        if ROOTS.contains(&name) || (name == AXIS && self.environment.role.is_twin()) {
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
}

/// A tag, and how scripts write it.
struct Named<'a> {
    name: String,
    tag: &'a Tag,
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
                let what = match root {
                    "io" => "tags",
                    AXIS => "axes",
                    _ => "parameters",
                };
                return Err(Missing {
                    position: *at,
                    len: segment.chars().count(),
                    message: format!("`{root}.{name}` does not exist"),
                    help: match name.as_str() {
                        AI if root == "io" => "results of models stand behind `ai`, without `io`".to_owned(),
                        name => suggest(name, names, what),
                    },
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
