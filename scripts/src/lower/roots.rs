//! What hangs on `io`, `param`, `sys` and `ai`.

use super::{body::Body, chain::Target, span, token_span};
use crate::{
    environment::{AI, AXIS, MODEL_FACTS, SEED, sys_facts},
    finding::code,
    hir::{ExprId, ExprKind, Span, SysFact, TagPlace, Type},
    names::{nearest, suggest},
    syntax::{SyntaxToken, ast},
    tree::Found as Leaf,
    uses::{Entity, Missing},
};
use sensai_model::{Tag, TagKind, Value, cell::Model};

impl Body<'_, '_, '_> {
    /// A tag by its index; behind the tags are the shafts of a twin.
    pub fn tag(&self, index: u32) -> Option<&Tag> {
        let environment = self.lowering.environment;
        let index = index as usize;
        let shafts = environment.role.shafts();
        environment.tags.get(index).or_else(|| shafts.get(index.checked_sub(environment.tags.len())?))
    }

    /// As scripts write it.
    pub fn tag_name(&self, index: u32) -> String {
        let root = if index as usize >= self.lowering.environment.tags.len() { AXIS } else { "io" };
        match self.tag(index) {
            Some(tag) if tag.kind == TagKind::Model => tag.name.clone(),
            Some(tag) => format!("{root}.{}", tag.name),
            None => root.to_owned(),
        }
    }

    pub fn group_field(
        &mut self,
        root: &'static str,
        node: u32,
        base: Span,
        token: &SyntaxToken,
        at: Span,
    ) -> Target {
        let (segment, here) = (token.text(), token_span(token));
        let lowering = &*self.lowering;
        let (tree, tags, first, what) = match root {
            AXIS => {
                let environment = lowering.environment;
                (&lowering.shafts, environment.role.shafts(), environment.tags.len() as u32, "axes")
            }
            _ => (&lowering.tags, lowering.environment.tags, 0, "tags"),
        };
        let index = match tree.child(node, segment) {
            Some(Leaf::Group(node)) => {
                let path = tree.path(node).to_owned();
                self.means(here, Entity::TagGroup { path, shafts: root == AXIS });
                return Target::Group { root, node, span: at };
            }
            Some(Leaf::Leaf(index)) => first + index,
            None => {
                let path = tree.path(node);
                let name = if path.is_empty() { segment.to_owned() } else { format!("{path}.{segment}") };
                let behind = tags.iter().filter(|tag| tag.kind != TagKind::Model);
                let names: Vec<&str> = behind.map(|tag| tag.name.as_str()).collect();
                let message = format!("`{root}.{name}` does not exist");
                let found = self.found(code::UNKNOWN_TAG, here, message);
                let start = base.start + root.len() as u32 + 1;
                let found = match (name == AI && root == "io", nearest(&name, names.iter().copied())) {
                    (true, _) => {
                        let whole = Span::new(base.start, here.end);
                        found.help("results of models stand behind `ai`, without `io`").replace(whole, AI)
                    }
                    (false, near) => {
                        let found = found.help(suggest(&name, &names, what));
                        match near {
                            Some(near) => found.replace(Span::new(start, here.end), near),
                            None => found,
                        }
                    }
                };
                self.report(found);
                self.means(here, Entity::Unknown(Missing::Tag));
                return Target::Wrong(at);
            }
        };
        self.means(here, Entity::Tag(index));
        self.uses_root(root, Span::new(base.start, base.start + root.len() as u32));
        let memory = self.tag(index).is_some_and(|tag| tag.kind == TagKind::Memory);
        if memory && self.lowering.environment.role.is_twin() {
            let name = self.tag_name(index);
            let message = format!("`{name}` is a tag in the controller's memory, which no machine can see");
            self.error(code::UNKNOWN_TAG, at, message, "keep a value of your own in the state");
            return Target::Wrong(at);
        }
        Target::Tag { tag: index, index: None, span: at, at: here.start }
    }

    /// What may stand behind a tag: its quality, how many elements it has.
    pub fn tag_field(
        &mut self,
        (tag, index, span, index_at): (u32, Option<(ExprId, u32)>, Span, u32),
        name: &str,
        here: Span,
        at: Span,
    ) -> Target {
        let (array_len, model) =
            self.tag(tag).map_or((None, false), |tag| (tag.array_len, tag.kind == TagKind::Model));
        let is_array = array_len.is_some() && index.is_none();
        let path = self.tag_name(tag);
        match name {
            "len" if is_array => self.means(here, Entity::Len),
            "valid" => self.means(here, Entity::Quality),
            _ => {}
        }
        match name {
            "len" if is_array => {
                let len = array_len.unwrap_or_default();
                let kind = ExprKind::Literal(Value::I64(len.into()));
                Target::Value(self.expr(kind, Type::I64, at, at.start))
            }
            "valid" if model => {
                let of = path.rsplit_once('.').map_or(path.as_str(), |(of, _)| of).to_owned();
                let message = format!("`{path}` has no quality of its own");
                let help = format!("whether a result counts says `{of}.valid`");
                let found = self.found(code::QUALITY, here, message).help(help);
                self.report(found.replace(at, format!("{of}.valid")));
                Target::Value(self.unknown(Type::Bool, at))
            }
            "valid" => Target::Value(self.read_tag(tag, index, at, index_at, true)),
            name if is_array => {
                let message = format!("`{path}` is an array of tags");
                let help = format!("write an index, as in `{path}[0]`");
                let _ = name;
                self.error(code::UNKNOWN_TAG, here, message, help);
                Target::Wrong(at)
            }
            _ if model => {
                let message = format!("there is nothing behind `{path}`");
                let found = self.found(code::UNKNOWN_FACT, here, message).help("leave it away");
                self.report(found.replace(Span::new(span.end, here.end), ""));
                Target::Wrong(at)
            }
            name => {
                let message = format!("`{path}` has no `{name}`");
                let found = self.found(code::QUALITY, here, message);
                let found = found.help("behind a tag there can be `.valid`, its quality");
                let found = match nearest(name, ["valid"]) {
                    Some(near) => found.replace(here, near),
                    None => found,
                };
                self.report(found);
                Target::Wrong(at)
            }
        }
    }

    /// A tag's value, or its quality.
    pub fn read_tag(
        &mut self,
        tag: u32,
        index: Option<(ExprId, u32)>,
        span: Span,
        at: u32,
        quality: bool,
    ) -> ExprId {
        let Some((scalar, array_len)) = self.tag(tag).map(|tag| (tag.scalar, tag.array_len)) else {
            return self.wrong(span);
        };
        if array_len.is_some() && index.is_none() && !quality {
            let path = self.tag_name(tag);
            let message = format!("`{path}` is an array of tags");
            let help = format!("read its elements, as in `{path}[0]`, or `for x in {path}`");
            self.error(code::TYPE, span, message, help);
            return self.wrong(span);
        }
        let ty = if quality { Type::Bool } else { Type::scalar(scalar) };
        let place =
            TagPlace { tag, index: index.map(|(id, _)| id), span, at: index.map_or(at, |(_, at)| at) };
        self.expr(ExprKind::Tag { tag: place, quality }, ty, span, at)
    }

    pub fn tag_index(&mut self, tag: u32, base: Span, node: &ast::Expr, at: Span) -> Target {
        let index = self.value(node);
        let here = span(node);
        let path = self.tag_name(tag);
        let Some(of) = self.tag(tag) else { return Target::Wrong(at) };
        let model = of.kind == TagKind::Model;
        let Some(len) = of.array_len else {
            let (code, message, help) = if model {
                (code::UNKNOWN_FACT, format!("there is nothing behind `{path}`"), "leave it away")
            } else {
                (code::UNKNOWN_TAG, format!("`{path}` is no array"), "leave the index away")
            };
            let found = self.found(code, here, message).help(help);
            self.report(found.replace(Span::new(base.end, at.end), ""));
            return Target::Wrong(at);
        };
        if !self.fits(index, node, &Type::I64, "an index") {
            return Target::Wrong(at);
        }
        if let Some(ExprKind::Literal(Value::I64(index))) = self.kind(index)
            && !(-i64::from(len)..i64::from(len)).contains(index)
        {
            let message = format!("`{path}` has elements 0 to {}, not {index}", len.saturating_sub(1));
            let code = if model { code::UNKNOWN_FACT } else { code::UNKNOWN_TAG };
            self.error(code, here, message, "use an index that exists");
            return Target::Wrong(at);
        }
        // The bracket is the place that Rhai gives such a fault.
        Target::Tag { tag, index: Some((index, base.end)), span: at, at: base.end }
    }

    pub fn parameter_field(&mut self, node: u32, segment: &str, here: Span, at: Span) -> Target {
        let tree = &self.lowering.parameters;
        let index = match tree.child(node, segment) {
            Some(Leaf::Group(node)) => {
                let path = tree.path(node).to_owned();
                self.means(here, Entity::ParameterGroup(path));
                return Target::Parameters { node, span: at };
            }
            Some(Leaf::Leaf(index)) => index,
            None => {
                let path = tree.path(node);
                let name = if path.is_empty() { segment.to_owned() } else { format!("{path}.{segment}") };
                let parameters = self.lowering.environment.parameters;
                let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
                let found = self.found(code::UNKNOWN_FACT, here, format!("`param.{name}` does not exist"));
                let found = found.help(suggest(&name, &names, "parameters"));
                let found = match nearest(&name, names.iter().copied()) {
                    Some(near) => found.replace(Span::new(at.start + 6, here.end), near),
                    None => found,
                };
                self.report(found);
                self.means(here, Entity::Unknown(Missing::Parameter));
                return Target::Wrong(at);
            }
        };
        self.means(here, Entity::Parameter(index));
        if self.item.is_none() {
            self.uses_root("param", Span::new(at.start, at.start + 5));
        }
        Target::Parameter { index, span: at }
    }

    pub fn sys_field(&mut self, name: &str, here: Span, at: Span) -> Target {
        let twin = self.lowering.environment.role.is_twin();
        let facts = sys_facts(twin);
        if let Some(known) = facts.iter().find(|fact| **fact == name) {
            self.means(here, Entity::Fact(known));
        }
        let fact = match name {
            "cycle" => SysFact::Cycle,
            "time" => SysFact::Time,
            "dt" => SysFact::Dt,
            "first_cycle" => SysFact::FirstCycle,
            "mode" if !twin => SysFact::Mode,
            "state" if !twin => SysFact::State,
            SEED if twin => SysFact::Seed,
            _ => {
                let found = self.found(code::UNKNOWN_FACT, here, format!("`sys.{name}` does not exist"));
                let found = found.help(suggest(name, &facts, "facts"));
                let found = match nearest(name, facts.iter().copied()) {
                    Some(near) => found.replace(here, near),
                    None => found,
                };
                self.report(found);
                return Target::Wrong(at);
            }
        };
        if self.item.is_none() || fact != SysFact::Seed {
            self.uses_root("sys", Span::new(at.start, at.start + 3));
        }
        Target::Fact { fact, span: at }
    }

    pub fn model(&mut self, name: &str, here: Span, at: Span) -> Target {
        if self.no_models(Span::new(at.start, at.start + AI.len() as u32)) {
            return Target::Wrong(at);
        }
        let models = self.lowering.environment.reach.models;
        let found = models.iter().position(|model| model.name == name);
        if found.is_some() {
            self.uses_root(AI, Span::new(at.start, at.start + AI.len() as u32));
        }
        match found {
            Some(index) => {
                self.means(here, Entity::Model(index as u16));
                Target::Model { index: index as u16, span: at }
            }
            None => {
                let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
                let found = self.found(code::UNKNOWN_NAMED, here, format!("there is no model `{name}`"));
                let found = found.help(suggest(name, &names, "models"));
                let found = match nearest(name, names.iter().copied()) {
                    Some(near) => found.replace(here, near),
                    None => found,
                };
                self.report(found);
                Target::Wrong(at)
            }
        }
    }

    fn no_models(&mut self, at: Span) -> bool {
        let twin = self.lowering.environment.role.is_twin();
        if twin {
            self.error(code::REFUSED, at, "a twin has no `ai`", "models judge what the controller measures");
        }
        twin
    }

    pub fn model_of(&self, index: u16) -> Option<&Model> {
        self.lowering.environment.reach.models.get(usize::from(index))
    }

    pub fn model_fact(&mut self, index: u16, fact: &str, here: Span, at: Span) -> Target {
        let Some(model) = self.model_of(index).map(|model| model.name.clone()) else {
            return Target::Wrong(at);
        };
        let name = format!("{AI}.{model}.{fact}");
        if MODEL_FACTS.contains(&fact) {
            self.means(here, Entity::ModelFact(index, fact.to_owned()));
        }
        if fact == "fresh" {
            return Target::Fresh { index, span: at };
        }
        let is_it = |tag: &Tag| tag.kind == TagKind::Model && tag.name == name;
        let tag = self.lowering.environment.tags.iter().position(is_it);
        if let Some(tag) = tag.filter(|_| MODEL_FACTS.contains(&fact)) {
            return Target::Tag { tag: tag as u32, index: None, span: at, at: here.start };
        }
        let found = self.found(code::UNKNOWN_FACT, here, format!("`{name}` does not exist"));
        let found = match fact {
            "request" => {
                let found = found.help(format!("it is called, as in `{name}()`"));
                found.fix("call it", vec![super::conversion::insert(here.end, "()")])
            }
            _ => {
                let found = found.help(suggest(fact, &MODEL_FACTS, "facts"));
                match nearest(fact, MODEL_FACTS) {
                    Some(near) => found.replace(here, near),
                    None => found,
                }
            }
        };
        self.report(found);
        Target::Wrong(at)
    }

    /// Groups of names are no values.
    pub fn group_is_no_value(&mut self, target: &Target) -> ExprId {
        let at = target.span(self);
        let alone = |body: &mut Self, name: &str| {
            let message = format!("`{name}` alone is no value");
            body.error(code::UNKNOWN_VARIABLE, at, message, "write one of the names in it");
        };
        match target {
            Target::Group { root, node, .. } => {
                let tree = if *root == AXIS { &self.lowering.shafts } else { &self.lowering.tags };
                let path = tree.path(*node).to_owned();
                if path.is_empty() {
                    alone(self, root);
                } else {
                    let message = format!("`{root}.{path}` is a group of names");
                    self.error(code::UNKNOWN_TAG, at, message, "write one of the names in it");
                }
            }
            Target::Parameters { node, .. } => {
                let path = self.lowering.parameters.path(*node).to_owned();
                if path.is_empty() {
                    alone(self, "param");
                } else {
                    let message = format!("`param.{path}` is a group of names");
                    self.error(code::UNKNOWN_FACT, at, message, "write one of the names in it");
                }
            }
            Target::Sys(_) => alone(self, "sys"),
            Target::Ai(_) if !self.no_models(at) => alone(self, AI),
            Target::Model { index, .. } => {
                let name = self.model_of(*index).map_or(String::new(), |model| model.name.clone());
                let message = format!("`{AI}.{name}` is a model");
                let help = format!("write one of its facts, as in `{AI}.{name}.score`");
                self.error(code::UNKNOWN_FACT, at, message, help);
            }
            _ => {}
        }
        self.wrong(at)
    }
}
