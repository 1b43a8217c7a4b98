//! What hangs on `ai`: models, their facts, requests.

use super::{
    rules::Rules,
    walk::{Chain, Link},
};
use crate::{
    finding::code,
    interpreter::{AI, MODEL_FACTS},
    names::suggest,
};
use rhai::{Expr, FnCallExpr, Position};
use sensai_model::{
    TagKind,
    cell::{Model, ModelTrigger},
};

impl Rules<'_, '_> {
    pub(super) fn ai(&mut self, chain: &Chain<'_>, assigned: bool) {
        let start = chain.root.position();
        if self.environment.role.is_twin() {
            let help = "models judge what the controller measures";
            return self.sink.error(code::REFUSED, start, AI.len(), "a twin has no `ai`", help);
        }
        self.uses_root(AI, start);
        let models = self.environment.reach.models;
        let Some(Link::Property(name, at)) = chain.links.first() else {
            let help = "write a model and one of its facts, as in `ai.stroke.score`";
            return self.sink.error(code::UNKNOWN_NAMED, start, AI.len(), "`ai` is a group of models", help);
        };
        let Some(model) = models.iter().find(|model| model.name == *name) else {
            let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
            let message = format!("there is no model `{name}`");
            let help = suggest(name, &names, "models");
            return self.sink.error(code::UNKNOWN_NAMED, *at, name.chars().count(), message, help);
        };
        match chain.links.get(1) {
            Some(Link::Property(fact, at)) => self.fact(model, fact, *at, chain, assigned),
            Some(Link::Method(call, at)) => self.request(model, call, *at),
            _ => {
                let message = format!("`ai.{name}` is a model");
                let help = format!("write one of its facts, as in `ai.{name}.score`");
                self.sink.error(code::UNKNOWN_FACT, start, name.chars().count() + 3, message, help);
            }
        }
    }

    fn fact(&mut self, model: &Model, fact: &str, at: Position, chain: &Chain<'_>, assigned: bool) {
        let (start, name) = (chain.root.position(), format!("ai.{}.{fact}", model.name));
        let len = name.chars().count();
        if !MODEL_FACTS.contains(&fact) {
            let message = format!("`{name}` does not exist");
            let help = match fact {
                "request" => format!("it is called, as in `ai.{}.request()`", model.name),
                _ => suggest(fact, &MODEL_FACTS, "facts"),
            };
            return self.sink.error(code::UNKNOWN_FACT, at, fact.chars().count(), message, help);
        }
        if assigned {
            let message = format!("`{name}` cannot be written; models write their results themselves");
            let help = "keep a value of your own in the state";
            return self.sink.error(code::READ_ONLY, start, len, message, help);
        }
        let tag = self.environment.tags.iter().find(|tag| tag.kind == TagKind::Model && tag.name == name);
        let array_len = tag.and_then(|tag| tag.array_len);
        match (array_len, chain.links.get(2)) {
            (Some(count), Some(Link::Index(Expr::IntegerConstant(index, at), _)))
                if *index >= i64::from(count) || *index < -i64::from(count) =>
            {
                let message = format!("`{name}` has elements 0 to {}, not {index}", count - 1);
                self.sink.error(code::UNKNOWN_FACT, *at, 1, message, "use an index that exists");
            }
            (Some(_), _) | (None, None | Some(Link::Method(..))) => {}
            (None, Some(Link::Property("valid", at))) => {
                let help = format!("whether a result counts says `ai.{}.valid`", model.name);
                let message = format!("`{name}` has no quality of its own");
                self.sink.error(code::QUALITY, *at, 5, message, help);
            }
            (None, Some(link)) => {
                let message = format!("there is nothing behind `{name}`");
                self.sink.error(code::UNKNOWN_FACT, link.position(), 1, message, "leave it away");
            }
        }
    }

    fn request(&mut self, model: &Model, call: &FnCallExpr, at: Position) {
        let (name, len) = (call.name.as_str(), call.name.chars().count());
        if name != "request" || !call.args.is_empty() {
            let message = format!("`ai.{}` is a model, which has no `{name}` like that", model.name);
            let help = format!("write `ai.{}.request()`", model.name);
            return self.sink.error(code::UNKNOWN_FUNCTION, at, len, message, help);
        }
        if let ModelTrigger::Periodic { every } = model.trigger {
            let message =
                format!("`{}` runs by itself, in every cycle that is a multiple of {every}", model.name);
            let help = "leave the request away, or give the model trigger = \"request\"";
            self.sink.error(code::UNKNOWN_NAMED, at, len, message, help);
        }
    }
}
