//! What a test stand does to a machine between two cycles, and a run never does: it puts values where the bus, another
//! program or an engine beside would have put them. See [`crate::testing`].

use super::Machine;
use sensai_model::{
    Fault, TagStore,
    packml::{Mode, State},
};

impl Machine {
    /// The values of the tags, to be changed.
    pub fn store_mut(&mut self) -> &mut TagStore {
        &mut self.store
    }

    /// A fault that the runtime would have found in this cycle.
    pub fn raise_fault(&mut self, fault: Fault) {
        self.raise(fault);
    }

    /// Put a unit into a mode and a state, whatever leads there.
    pub fn place_unit(&mut self, unit: usize, mode: Option<Mode>, state: Option<State>) {
        self.units.place(unit, mode, state);
    }

    /// Give a model a result that no engine has made: its score, and the first values of its outputs.
    pub fn answer_model(&mut self, model: usize, score: f64, outputs: &[f32], cycle: u64) {
        self.models.answer(model, score, outputs, cycle);
    }

    /// End the run that a model was asked for, without a result. False if there is none.
    pub fn miss_model(&mut self, model: usize) -> bool {
        self.models.miss_run(model)
    }

    /// A run of this model is under way.
    pub fn awaits_model(&self, model: usize) -> bool {
        self.models.is_asked(model)
    }
}
