//! Calls: what a function can be given, and what it leaves behind.

use super::{Flow, places::Found};
use crate::{
    hir::{ExprId, FunctionId, LocalId, Place},
    ranges::{
        Where,
        effects::general,
        paths::{Base, Part, Path},
        state::State,
        value::{Known, Shape},
    },
};

impl Flow<'_, '_> {
    pub(super) fn call(
        &mut self,
        callee: FunctionId,
        receiver: Option<&Place>,
        arguments: &[ExprId],
    ) -> Shape {
        let (found, given) = match receiver {
            Some(receiver) => {
                let (found, given) = self.place_for(receiver, arguments);
                (Some(found), given)
            }
            None => (None, arguments.iter().map(|argument| self.expr(*argument)).collect()),
        };
        let place = if let Some(Found::Path(path)) = found { Some(path) } else { None };
        if !self.alive {
            return Shape::Any;
        }
        let entry = self.entry(place.as_ref(), &given);
        let this = place.as_ref().map_or(Where::Outside, |path| self.receiver_in_state(path));
        let exit = self.analysis.call(callee, this, entry, self.recording);
        let Some(after) = exit.state else {
            self.die();
            return Shape::Any;
        };
        self.forget_changed_by(callee, receiver);
        self.take_over(&after, place.as_ref());
        exit.result
    }

    /// Where the callee's `this` is.
    fn receiver_in_state(&mut self, path: &Path) -> Where {
        if path.base != Base::This {
            return Where::Outside;
        }
        match self.in_state(path) {
            Some(whole) => Where::State(self.analysis.paths.number(&whole)),
            None => self.this,
        }
    }

    /// What the callee knows at its start.
    fn entry(&mut self, receiver: Option<&Path>, given: &[Shape]) -> State {
        let mut entry = State::default();
        let mut kept: Vec<(Path, Known)> = Vec::new();
        let general = receiver.map(Path::general);
        for (id, known) in self.state.entries() {
            let path = self.analysis.paths.path(id);
            match path.base {
                Base::Tag(_) | Base::Parameter(_) => {
                    if !self.analysis.paths.is_by_variable(id) {
                        entry.set(id, known.clone());
                    }
                }
                Base::This | Base::Local(_) => {
                    let starts = [receiver, general.as_ref()];
                    let behind = starts.into_iter().flatten().find_map(|start| path.behind(start));
                    if let Some(behind) = behind.filter(|behind| !is_by_variable(behind)) {
                        kept.push((Path { base: Base::This, parts: behind.into() }, known.clone()));
                    }
                }
            }
        }
        let paths = &mut self.analysis.paths;
        for (path, known) in kept {
            let id = paths.number(&path);
            // The element itself and all of them: both hold.
            let known = match entry.get(id) {
                Some(before) => before.meet(&known).unwrap_or(known),
                None => known,
            };
            entry.set(id, known);
        }
        for (index, shape) in (0..).zip(given) {
            entry.write(&Path::base(Base::Local(LocalId(index))), shape, paths);
        }
        entry
    }

    fn forget_changed_by(&mut self, callee: FunctionId, receiver: Option<&Place>) {
        let Some(effects) = self.analysis.effects.get(callee.index()) else { return };
        let paths = &self.analysis.paths;
        for tag in &effects.tags {
            self.state.forget(&Path::base(Base::Tag(*tag)), paths);
        }
        if let Some(receiver) = receiver.and_then(general) {
            for (_, parts) in &effects.places {
                self.state.forget(&receiver.join(parts), paths);
            }
            if let (Base::Local(local), false) = (receiver.base, effects.places.is_empty()) {
                self.state.forget_elements_by(local, paths);
            }
        }
    }

    /// What holds where the callee comes back.
    fn take_over(&mut self, after: &State, receiver: Option<&Path>) {
        let paths = &mut self.analysis.paths;
        for (id, known) in after.entries() {
            let path = paths.path(id);
            match path.base {
                _ if paths.is_by_variable(id) => {}
                Base::Tag(_) | Base::Parameter(_) => self.state.set(id, known.clone()),
                Base::This => {
                    // Of some element, nothing more is known of each.
                    let Some(receiver) = receiver.filter(|receiver| receiver.is_exact()) else { continue };
                    let path = receiver.join(&path.parts);
                    let id = paths.number(&path);
                    self.state.set(id, known.clone());
                }
                Base::Local(_) => {}
            }
        }
    }
}

fn is_by_variable(parts: &[Part]) -> bool {
    parts.iter().any(|part| matches!(part, Part::By(_)))
}
