//! One function, followed along its text: what every expression can be, given what its caller knows.

mod calls;
mod counting;
mod exprs;
mod learnt;
mod loops;
mod places;
mod refine;
mod statements;

pub(super) use exprs::compare;

use super::{
    Analysis, Where,
    facts::{Facts, Site},
    int::Checked,
    paths::Path,
    state::State,
    value::{Known, Shape},
};
use crate::hir::{ExprId, Function, FunctionId};
use learnt::Learnt;

/// What a call leads to.
#[derive(Clone, Debug)]
pub(crate) struct Exit {
    /// Where it comes back; none: never.
    pub state: Option<State>,
    /// With what.
    pub result: Shape,
}

/// A function on its way.
pub(super) struct Flow<'r, 'a> {
    analysis: &'r mut Analysis<'a>,
    id: FunctionId,
    function: &'a Function,
    this: Where,
    state: State,
    /// The point at hand can be reached.
    alive: bool,
    /// What each expression was when it was evaluated last.
    values: Vec<Option<Known>>,
    /// What was learnt lately, to be taken back.
    learnt: Learnt,
    /// Loops around, the innermost last.
    loops: Vec<Around>,
    /// Where the function was left before its end, with what.
    returned: Option<(State, Shape)>,
    /// What is found holds: no loop around is still being settled.
    recording: bool,
}

/// A loop around what is followed.
#[derive(Default)]
struct Around {
    breaks: Option<State>,
    continues: Option<State>,
}

impl<'r, 'a> Flow<'r, 'a> {
    /// Follow a function from its start.
    pub fn run(
        analysis: &'r mut Analysis<'a>,
        id: FunctionId,
        this: Where,
        entry: State,
        recording: bool,
    ) -> Exit {
        let function = analysis.hir.function(id);
        let values = vec![None; function.exprs.len()];
        let mut flow = Self {
            analysis,
            id,
            function,
            this,
            state: entry,
            alive: true,
            values,
            learnt: Learnt::default(),
            loops: Vec::new(),
            returned: None,
            recording,
        };
        let result = flow.block(&function.body);
        if flow.alive {
            flow.leave(result);
        }
        match flow.returned {
            Some((state, result)) => Exit { state: Some(state), result },
            None => Exit { state: None, result: Shape::Any },
        }
    }

    /// The function ends here.
    fn leave(&mut self, result: Shape) {
        let state = std::mem::take(&mut self.state);
        self.returned = Some(match self.returned.take() {
            Some((mut before, value)) => {
                before.join(&state);
                (before, value.join(result))
            }
            None => (state, result),
        });
        self.alive = false;
    }

    /// Nothing comes after this.
    fn die(&mut self) {
        self.alive = false;
    }

    /// A point and whether it can be reached, to come back to.
    fn point(&self) -> Option<State> {
        self.alive.then(|| self.state.clone())
    }

    /// Go on where it was, or nowhere.
    fn resume(&mut self, point: Option<State>) {
        self.alive = point.is_some();
        self.state = point.unwrap_or_default();
    }

    /// Go on from here and from there.
    fn join(&mut self, other: Option<State>) {
        match other {
            Some(other) if self.alive => self.state.join(&other),
            Some(other) => self.resume(Some(other)),
            None => {}
        }
    }

    /// What an expression was when it was evaluated last.
    fn value(&self, expr: ExprId) -> Option<&Known> {
        self.values.get(expr.index())?.as_ref()
    }

    fn facts(&mut self) -> Option<&mut Facts> {
        if !self.recording {
            return None;
        }
        self.analysis.facts.get_mut(self.id.index())
    }

    /// Note how a check goes. If it always fails, nothing comes after it.
    fn check<T>(&mut self, expr: ExprId, site: Site, checked: Checked<T>) -> Option<T> {
        if let Some(facts) = self.facts() {
            facts.check(expr, site, !checked.holds, checked.value.is_some());
        }
        if checked.value.is_none() {
            self.die();
        }
        checked.value
    }

    /// Something is stored.
    fn write(&mut self, path: &Path, shape: &Shape) {
        self.state.write(path, shape, &mut self.analysis.paths);
    }
}

/// Join a point with those that went the same way before.
fn gather(points: &mut Option<State>, state: State) {
    match points {
        Some(points) => points.join(&state),
        None => *points = Some(state),
    }
}
