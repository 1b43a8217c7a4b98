//! Which values a program can come to, without running it: an abstract interpretation of the typed tree.
//!
//! Whatever runs, every value is in the set found for its expression, and a check that is found to hold never fails.
//! Sets are intervals of numbers, NaN apart, sets of bools and of texts.

mod counted;
mod effects;
mod facts;
mod fields;
mod findings;
pub(crate) mod float;
mod flow;
pub(crate) mod int;
mod library;
mod outside;
mod paths;
mod proof;
mod state;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use crate::{
    ScriptEnvironment,
    hir::{Expr, ExprKind, FunctionId, Hir},
};
pub use counted::{CheckCounts, Checks};
use effects::Effects;
use facts::Facts;
pub use facts::Turns;
use fields::Fields;
pub use findings::{Examined, RangeFinding, RangeFindingKind, examine};
use flow::{Exit, Flow};
use outside::{Outside, Trust};
use paths::{PathId, Paths};
pub use proof::{Proven, prove};
use sensai_model::Value;
use state::State;
use value::{Shape, Thresholds};

/// Expressions in one another, those of callers included, below which calls are followed; deeper ones are taken as if nothing
/// was known of their arguments. The stack is bounded by it.
const NESTING_MAX: u32 = 96;

/// Different starts of one function on one part of the state that are followed apart; more are followed together.
const CONTEXTS_MAX: usize = 3;

/// How often what several starts have in common may simply grow; then it is widened.
const JOINS_MAX: u32 = 16;

/// Expressions that are evaluated at most: so many in any program, and so often each of a large one.
const STEPS_MIN: u64 = 200_000;
const STEPS_PER_EXPRESSION: u64 = 100;

/// Where `this` of a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// At this place of the state, in the names of `cycle`.
    State(PathId),
    /// In a variable, or a value that nobody else sees.
    Outside,
    /// In one or the other; whoever calls was not followed.
    Unknown,
}

/// What is shared by all functions of a program.
struct Analysis<'a> {
    hir: &'a Hir,
    outside: Outside,
    paths: Paths,
    /// Numbers that stand in the program.
    thresholds: Thresholds,
    /// The ends of the types.
    ends: Thresholds,
    effects: Vec<Effects>,
    /// Expressions without effects, as far as it was asked, by function.
    pure: Vec<Vec<Option<bool>>>,
    contexts: Vec<Vec<Context>>,
    facts: Vec<Facts>,
    /// What fields of the state can be at any time; none: everything.
    fields: Option<Fields>,
    /// What was stored in them.
    stored: Fields,
    /// Something was stored, nobody knows where.
    stored_anywhere: bool,
    steps: u64,
    steps_max: u64,
    /// Steps of rounds that are over.
    #[cfg(test)]
    steps_before: u64,
    /// Expressions in one another at the point at hand.
    nesting: u32,
    /// Contexts that matter and of which nothing was noted yet.
    waiting: Vec<(FunctionId, usize)>,
}

/// A start of a function, and where it leads.
struct Context {
    this: Where,
    entry: State,
    exit: Exit,
    /// It stands for several, and has grown so often.
    general: Option<u32>,
    /// What it leads to is noted.
    recorded: bool,
}

impl<'a> Analysis<'a> {
    fn new(hir: &'a Hir, environment: &ScriptEnvironment<'_>, trust: Trust) -> Self {
        let exprs: usize = hir.functions.iter().map(|function| function.exprs.len()).sum();
        let facts = hir.functions.iter().map(|function| Facts::new(function.exprs.len()));
        let pure = hir.functions.iter().map(|function| vec![None; function.exprs.len()]);
        Self {
            hir,
            outside: Outside::new(hir, environment, trust),
            paths: Paths::default(),
            thresholds: Thresholds::new(hir.functions.iter().flat_map(|function| literals(&function.exprs))),
            ends: Thresholds::new(std::iter::empty()),
            effects: Effects::of_functions(hir),
            pure: pure.collect(),
            contexts: hir.functions.iter().map(|_| Vec::new()).collect(),
            facts: facts.collect(),
            fields: None,
            stored: Fields::new(),
            stored_anywhere: false,
            steps: 0,
            #[cfg(test)]
            steps_before: 0,
            steps_max: STEPS_MIN + STEPS_PER_EXPRESSION * exprs as u64,
            nesting: 0,
            waiting: Vec::new(),
        }
    }

    /// So much was done that the rest is settled coarsely.
    fn is_exhausted(&self) -> bool {
        self.steps > self.steps_max
    }

    /// Something changed on which everything depends.
    fn forget_contexts(&mut self) {
        self.contexts.iter_mut().for_each(Vec::clear);
        self.facts = self.hir.functions.iter().map(|function| Facts::new(function.exprs.len())).collect();
        self.waiting.clear();
        #[cfg(test)]
        {
            self.steps_before += self.steps;
        }
        self.steps = 0;
    }

    /// Note what every function comes to that runs when these do, from nothing that is known.
    fn record(&mut self, entries: impl IntoIterator<Item = (FunctionId, Where)>) {
        for (entry, this) in entries {
            Flow::run(self, entry, this, State::default(), true);
        }
        while let Some((function, number)) = self.waiting.pop() {
            let context = self.contexts.get_mut(function.index()).and_then(|all| all.get_mut(number));
            let Some(context) = context.filter(|context| !context.recorded) else { continue };
            context.recorded = true;
            let (this, entry) = (context.this, context.entry.clone());
            Flow::run(self, function, this, entry, true);
        }
    }

    /// What a call leads to. If it matters, what happens in it is noted: at once if it is followed for the first time, else later.
    fn call(&mut self, function: FunctionId, this: Where, entry: State, matters: bool) -> Exit {
        let number = if self.nesting >= NESTING_MAX || self.is_exhausted() {
            self.unknown(function)
        } else {
            self.context(function, this, entry, matters)
        };
        let context = self.contexts.get(function.index()).and_then(|all| all.get(number));
        let Some(context) = context else {
            return Exit { state: Some(State::default()), result: Shape::Any };
        };
        if matters && !context.recorded {
            self.waiting.push((function, number));
        }
        context.exit.clone()
    }

    /// The context of a start of which nothing is known.
    fn unknown(&mut self, function: FunctionId) -> usize {
        // Callees come before their callers, so that none of these runs leads to another one.
        let nesting = std::mem::replace(&mut self.nesting, NESTING_MAX);
        for index in 0..=function.0 {
            let callee = FunctionId(index);
            if self.find(callee, Where::Unknown, &State::default()).is_none() {
                self.add(callee, Where::Unknown, State::default(), None, false);
            }
        }
        self.nesting = nesting;
        self.find(function, Where::Unknown, &State::default()).unwrap_or(usize::MAX)
    }

    fn find(&self, function: FunctionId, this: Where, entry: &State) -> Option<usize> {
        let all = self.contexts.get(function.index())?;
        all.iter().position(|context| context.this == this && context.entry == *entry)
    }

    fn add(
        &mut self,
        function: FunctionId,
        this: Where,
        entry: State,
        general: Option<u32>,
        recorded: bool,
    ) -> usize {
        let exit = Flow::run(self, function, this, entry.clone(), recorded);
        let Some(all) = self.contexts.get_mut(function.index()) else { return usize::MAX };
        all.push(Context { this, entry, exit, general, recorded });
        all.len() - 1
    }

    fn context(&mut self, function: FunctionId, this: Where, entry: State, recorded: bool) -> usize {
        if let Some(number) = self.find(function, this, &entry) {
            return number;
        }
        let Some(all) = self.contexts.get(function.index()) else { return usize::MAX };
        let of_this = || all.iter().enumerate().filter(|(_, context)| context.this == this);
        let general = of_this().find_map(|(number, context)| Some((number, context, context.general?)));
        if let Some((number, context, grown)) = general {
            if context.entry.includes(&entry) {
                return number;
            }
            let mut wider = context.entry.clone();
            if grown < JOINS_MAX {
                wider.join(&entry);
            } else {
                wider.widen(&entry, &self.ends);
            }
            let exit = Flow::run(self, function, this, wider.clone(), recorded);
            if let Some(context) = self.contexts.get_mut(function.index()).and_then(|all| all.get_mut(number))
            {
                let general = Some(grown.saturating_add(1));
                *context = Context { this, entry: wider, exit, general, recorded };
            }
            return number;
        }
        if of_this().count() < CONTEXTS_MAX {
            return self.add(function, this, entry, None, recorded);
        }
        let mut joined = entry;
        for (_, context) in of_this() {
            joined.join(&context.entry);
        }
        self.add(function, this, joined, Some(0), recorded)
    }
}

fn literals(exprs: &[Expr]) -> impl Iterator<Item = Value> {
    exprs.iter().filter_map(|expr| if let ExprKind::Literal(value) = expr.kind { Some(value) } else { None })
}
