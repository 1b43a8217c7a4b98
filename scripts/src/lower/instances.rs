//! Functions, once for each type of their `this` and arguments.

use super::{Body, Lowering, graph::DEPTH_MAX};
use crate::{
    finding::code,
    hir::{FileId, FunctionId, Span, Type, walk},
    sink::Found,
};

/// Instances of all functions together.
const INSTANCES_MAX: usize = 4096;

/// What is known of an instance beside its tree.
pub(crate) struct Instance {
    pub item: usize,
    pub this: Option<Type>,
    pub arguments: Vec<Type>,
    pub facts: Facts,
    /// Where the value of its body stands.
    pub tail: Option<Span>,
    /// Its body gives different things, and nobody was told: to be told when one of them is used.
    pub conflict: Option<Conflict>,
}

/// Two types that the result of a function has, and where.
#[derive(Clone, Debug)]
pub(crate) struct Conflict {
    pub first: (Type, Span),
    pub second: (Type, Span),
}

/// What a function does that matters where it is called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Functions that it calls.
    pub calls: Vec<FunctionId>,
    /// What it uses that is there in a cycle only: place and name.
    pub roots: Vec<(Span, String)>,
    /// Blocks and handles that it makes: place and name.
    pub made: Vec<(Span, &'static str)>,
    /// Blocks and handles that it puts into variables: place and type. In `cycle` it is wrong to make them at all.
    pub in_variables: Vec<(Span, String)>,
    /// It changes its `this`, itself or by what it calls.
    pub writes_this: bool,
}

impl Lowering<'_, '_> {
    /// The instance for these types, and the type of its result. None: it is being looked at, or there are too many.
    pub fn instance(
        &mut self,
        item: usize,
        this: Option<Type>,
        arguments: Vec<Type>,
        call: Option<(FileId, Span)>,
    ) -> Option<(FunctionId, Type)> {
        let known = self.instances.iter().position(|instance| {
            instance.item == item && instance.this == this && instance.arguments == arguments
        });
        if let Some(index) = known {
            let result = self.functions.get(index)?.result.clone();
            return Some((FunctionId(index as u32), result));
        }
        let depths = self.active.iter().filter_map(|active| self.items.get(*active)).map(|item| item.depth);
        if self.active.contains(&item) || depths.sum::<usize>() > DEPTH_MAX {
            return None;
        }
        if self.instances.len() >= INSTANCES_MAX {
            let (file, at) = call?;
            let message =
                format!("functions are called with more than {INSTANCES_MAX} combinations of types");
            let found = Found::error(code::TOO_LARGE, file, at, message);
            self.sink.add(found.help("call them with fewer types"));
            return None;
        }
        self.active.push(item);
        let mut body = Body::new(self, item, this.clone(), &arguments)?;
        body.run();
        let (function, facts, tail, conflict) = body.finish();
        self.active.pop();
        let (id, result) = (FunctionId(self.functions.len() as u32), function.result.clone());
        self.functions.push(function);
        self.instances.push(Instance { item, this, arguments, facts, tail, conflict });
        Some((id, result))
    }

    /// Instances that run when this one does.
    pub fn reached_from(&self, entry: Option<FunctionId>) -> Vec<usize> {
        let mut reached = vec![false; self.instances.len()];
        let mut open: Vec<usize> = entry.into_iter().map(FunctionId::index).collect();
        while let Some(index) = open.pop() {
            match reached.get_mut(index) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            if let Some(instance) = self.instances.get(index) {
                open.extend(instance.facts.calls.iter().map(|id| id.index()));
            }
        }
        reached.iter().enumerate().filter(|(_, reached)| **reached).map(|(index, _)| index).collect()
    }

    /// `init` runs before the first cycle.
    pub fn check_init(&mut self, reached: &[usize]) {
        for index in reached {
            let Some(file) = self.functions.get(*index).map(|function| function.file) else { continue };
            let roots = self.instances.get(*index).map(|instance| instance.facts.roots.clone());
            for (span, name) in roots.unwrap_or_default() {
                let message = format!("`init` runs before the first cycle and cannot use `{name}`");
                let help = if name.ends_with("()") { "call it in `cycle`" } else { "read it in `cycle`" };
                self.sink.add(Found::error(code::INIT, file, span, message).help(help));
            }
            self.check_variables(*index);
        }
    }

    /// Variables hold no blocks.
    pub fn check_variables(&mut self, index: usize) {
        let Some(file) = self.functions.get(index).map(|function| function.file) else { return };
        let held = self.instances.get(index).map(|instance| instance.facts.in_variables.clone());
        for (span, ty) in held.unwrap_or_default() {
            let message = format!("{ty} cannot be in a variable: it would be copied from there");
            let help = "build it where it stands, in the record that `init` returns, or in a function that returns it directly";
            self.sink.add(Found::error(code::BLOCK, file, span, message).help(help));
        }
    }

    /// A program without an error has a type for everything in it. What is left is computed from what never comes: nobody misses it, and
    /// machine code cannot be made of it.
    pub fn check_types(&mut self, reached: usize) {
        if self.sink.errors() > 0 {
            return;
        }
        let mut untyped = Vec::new();
        for function in self.functions.iter().take(reached) {
            let mut first: Option<Span> = None;
            walk::block(function, &function.body, &mut |node| {
                if let walk::Node::Expr(expr) = node
                    && matches!(expr.ty, Type::Unknown)
                {
                    first.get_or_insert(expr.span);
                }
            });
            untyped.extend(first.map(|span| (function.file, span)));
        }
        for (file, span) in untyped {
            let message = "this is made of what never comes, and has no type".to_owned();
            let help = "leave away what can never be come to";
            self.sink.add(Found::error(code::REFUSED, file, span, message).help(help));
        }
    }

    /// `cycle` makes no blocks.
    pub fn check_cycle(&mut self, reached: &[usize]) {
        for index in reached {
            let Some(file) = self.functions.get(*index).map(|function| function.file) else { continue };
            let made = self.instances.get(*index).map(|instance| instance.facts.made.clone());
            for (span, name) in made.unwrap_or_default() {
                let what = if name == sensai_stdlib::registry::AXIS.name { "handle" } else { "block" };
                let message = format!("`{name}()` makes a new {what}, which only `init` may");
                let help = "put it into the record that `init` returns, and use it as `this.name`";
                self.sink.add(Found::error(code::BLOCK, file, span, message).help(help));
            }
        }
    }

    /// `migrate` runs between two cycles, and makes no blocks.
    pub fn check_migrate(&mut self, reached: &[usize]) {
        for index in reached {
            let Some(file) = self.functions.get(*index).map(|function| function.file) else { continue };
            let roots = self.instances.get(*index).map(|instance| instance.facts.roots.clone());
            for (span, name) in roots.unwrap_or_default() {
                let message = format!("`migrate` runs between two cycles and cannot use `{name}`");
                let help = "let it look at `old`, and leave the rest to `cycle`";
                self.sink.add(Found::error(code::INIT, file, span, message).help(help));
            }
            self.check_variables(*index);
        }
        self.check_cycle(reached);
    }

    /// Look at functions that nobody called so far: first those that no text calls, for they give the others types.
    pub fn uncalled(&mut self) {
        let by_others = self.called_by_others();
        for root in [true, false] {
            for item in 0..self.items.len() {
                let is_root = !by_others.get(item).copied().unwrap_or(false);
                if is_root != root || self.instances.iter().any(|instance| instance.item == item) {
                    continue;
                }
                let Some(of) = self.items.get(item) else { continue };
                let this = of.uses_this.then_some(Type::Unknown);
                let types = of.documented.iter().map(|ty| ty.clone().unwrap_or(Type::Unknown));
                let types = types.collect();
                let _ = self.instance(item, this, types, None);
            }
        }
    }

    /// For each function, whether the text of another one calls it.
    fn called_by_others(&self) -> Vec<bool> {
        let mut called = vec![false; self.items.len()];
        for (from, to) in self.calls.iter() {
            if from != to
                && let Some(called) = called.get_mut(*to)
            {
                *called = true;
            }
        }
        called
    }
}
