//! Recurrent layers: a state that one time step after another changes.
//!
//! The names and the order of the gates are those of the ONNX operators `RNN`, `GRU` and `LSTM`.

use super::{Kernel, Memory, Operand, Work, dense::row_times, unary::Unary, weights};
use std::ops::Range;

/// What a time step computes, with its packed weights: of inputs and states side by side where one product gives both.
#[derive(Debug)]
pub(crate) enum Gates {
    /// One gate.
    Rnn { both: Operand, bias: Operand },
    /// z and r, then h.
    Gru {
        both: Operand,
        bias: Operand,
        input: Operand,
        input_bias: Operand,
        state: Operand,
        /// Inside of the reset gate: ONNX `linear_before_reset` = 1.
        state_bias: Option<Operand>,
    },
    /// i, o, f, c. Peepholes are in the order i, o, f.
    Lstm { both: Operand, bias: Operand, peepholes: Option<Operand> },
}

impl Gates {
    /// Values of all gates, in units of the hidden size.
    const fn count(&self) -> usize {
        match self {
            Self::Rnn { .. } => 1,
            Self::Gru { .. } => 4,
            Self::Lstm { .. } => 4,
        }
    }
}

/// A direction of a layer.
#[derive(Debug)]
pub(crate) struct Direction {
    /// From the last time step to the first.
    pub reverse: bool,
    pub gates: Gates,
    /// f, g and h of the standard, as far as the operator has them.
    pub functions: [Unary; 3],
}

/// The numbers of a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extents {
    pub steps: usize,
    pub batch: usize,
    pub inputs: usize,
    pub hidden: usize,
    /// ONNX `layout` = 1: the batch comes before the time.
    pub batch_first: bool,
}

#[derive(Debug)]
pub(crate) struct Recurrent {
    input: Operand,
    directions: Vec<Direction>,
    extents: Extents,
    initial_state: Option<Operand>,
    initial_cell: Option<Operand>,
}

impl Recurrent {
    pub(crate) fn new(
        input: Operand,
        directions: Vec<Direction>,
        extents: Extents,
        initial_state: Option<Operand>,
        initial_cell: Option<Operand>,
    ) -> Self {
        let layer = Self { input, directions, extents, initial_state, initial_cell };
        assert_eq!(input.len(), extents.steps * extents.batch * extents.inputs, "input");
        let states = layer.states();
        let fits = |operand: Option<Operand>| operand.is_none_or(|operand| operand.len() == states);
        assert!(fits(initial_state) && fits(initial_cell), "initial states");
        layer
    }

    /// Values that the kernel keeps behind its outputs: an input with a state, and the gates.
    pub(crate) fn scratch(&self) -> usize {
        let gates = self.directions.iter().map(|direction| direction.gates.count()).max().unwrap_or(0);
        self.extents.inputs + (1 + gates) * self.extents.hidden
    }

    const fn states(&self) -> usize {
        self.directions.len() * self.extents.batch * self.extents.hidden
    }

    const fn has_cell(&self) -> bool {
        matches!(self.directions.as_slice(), [Direction { gates: Gates::Lstm { .. }, .. }, ..])
    }

    fn run_unit(&self, memory: Memory<'_>, write: &mut [f32], unit: usize) {
        let Extents { steps, batch, inputs, hidden, batch_first } = self.extents;
        let (line, step) = (unit / steps, unit % steps);
        let (direction_index, image) = (line / batch, line % batch);
        let direction = &self.directions[direction_index];
        let time = if direction.reverse { steps - 1 - step } else { step };
        let directions = self.directions.len();
        let (row, state_place, output_place) = if batch_first {
            let state = image * directions + direction_index;
            (image * steps + time, state, (image * steps + time) * directions + direction_index)
        } else {
            let state = direction_index * batch + image;
            (time * batch + image, state, (time * directions + direction_index) * batch + image)
        };
        let (all, rest) = write.split_at_mut(steps * self.states());
        let (states, rest) = rest.split_at_mut(self.states());
        let (cells, scratch) = rest.split_at_mut(if self.has_cell() { self.states() } else { 0 });
        let place = state_place * hidden..(state_place + 1) * hidden;
        let state = &mut states[place.clone()];
        let cell = if self.has_cell() { &mut cells[place.clone()] } else { &mut [][..] };
        if step == 0 {
            let begin = |values: &mut [f32], initial: Option<Operand>| match initial {
                Some(initial) => values.copy_from_slice(&memory.get(initial)[place.clone()]),
                None => values.fill(0.0),
            };
            begin(state, self.initial_state);
            if self.has_cell() {
                begin(cell, self.initial_cell);
            }
        }
        let (both, gates) = scratch.split_at_mut(inputs + hidden);
        both[..inputs].copy_from_slice(&memory.get(self.input)[row * inputs..][..inputs]);
        both[inputs..].copy_from_slice(state);
        direction.step(memory, both, inputs, gates, Parts { state, cell });
        all[output_place * hidden..][..hidden].copy_from_slice(state);
    }
}

/// What a time step changes.
struct Parts<'a> {
    state: &'a mut [f32],
    cell: &'a mut [f32],
}

impl Direction {
    fn step(&self, memory: Memory<'_>, both: &mut [f32], inputs: usize, gates: &mut [f32], parts: Parts<'_>) {
        let Parts { state, cell } = parts;
        let hidden = state.len();
        let [f, g, h] = self.functions;
        match &self.gates {
            Gates::Rnn { both: weights, bias } => {
                row_times(both, memory.get(*weights), Some(memory.get(*bias)), state);
                f.apply(state);
            }
            Gates::Gru { both: weights, bias, input, input_bias, state: recurrent, state_bias } => {
                let (update_reset, rest) = gates.split_at_mut(2 * hidden);
                let (candidate, product) = rest.split_at_mut(hidden);
                let product = &mut product[..hidden];
                row_times(both, memory.get(*weights), Some(memory.get(*bias)), update_reset);
                f.apply(update_reset);
                let (update, reset) = update_reset.split_at(hidden);
                let (x, state_copy) = both.split_at_mut(inputs);
                row_times(x, memory.get(*input), Some(memory.get(*input_bias)), candidate);
                if let Some(bias) = state_bias {
                    row_times(state_copy, memory.get(*recurrent), Some(memory.get(*bias)), product);
                    product.iter_mut().zip(reset).for_each(|(value, reset)| *value *= reset);
                } else {
                    state_copy.iter_mut().zip(reset).for_each(|(value, reset)| *value *= reset);
                    row_times(state_copy, memory.get(*recurrent), None, product);
                }
                candidate.iter_mut().zip(&*product).for_each(|(value, product)| *value += product);
                g.apply(candidate);
                for ((state, candidate), update) in state.iter_mut().zip(&*candidate).zip(update) {
                    *state = (1.0 - update) * candidate + update * *state;
                }
            }
            Gates::Lstm { both: weights, bias, peepholes } => {
                row_times(both, memory.get(*weights), Some(memory.get(*bias)), gates);
                let (sigmoid, candidate) = gates.split_at_mut(3 * hidden);
                let candidate = &mut candidate[..hidden];
                let peepholes = peepholes.map(|peepholes| memory.get(peepholes));
                let look = |gate: &mut [f32], index: usize, cell: &[f32]| {
                    if let Some(peepholes) = peepholes {
                        let weights = &peepholes[index * hidden..];
                        gate.iter_mut()
                            .zip(weights)
                            .zip(cell)
                            .for_each(|((gate, weight), cell)| *gate += weight * cell);
                    }
                };
                let (input_gate, rest) = sigmoid.split_at_mut(hidden);
                let (output_gate, forget_gate) = rest.split_at_mut(hidden);
                look(input_gate, 0, cell);
                look(forget_gate, 2, cell);
                f.apply(input_gate);
                f.apply(forget_gate);
                g.apply(candidate);
                let inputs = input_gate.iter().zip(&*candidate).zip(&*forget_gate);
                for (cell, ((input, candidate), forget)) in cell.iter_mut().zip(inputs) {
                    *cell = forget * *cell + input * candidate;
                }
                look(output_gate, 1, cell);
                f.apply(output_gate);
                state.copy_from_slice(cell);
                h.apply(state);
                state.iter_mut().zip(&*output_gate).for_each(|(state, gate)| *state *= gate);
            }
        }
    }

    fn operations(&self, inputs: u64, hidden: u64) -> u64 {
        let wide = hidden.next_multiple_of(8);
        let [f, g, h] = self.functions.map(Unary::operations);
        let both = inputs + hidden;
        match self.gates {
            Gates::Rnn { .. } => wide * both + hidden * f,
            Gates::Gru { .. } => 3 * wide * both + hidden * (2 * f + g + 8 * weights::SIMPLE),
            Gates::Lstm { .. } => 4 * wide * both + hidden * (3 * f + g + h + 8 * weights::SIMPLE),
        }
    }
}

impl Kernel for Recurrent {
    /// A unit is a time step of one direction.
    fn work(&self) -> Work {
        let Extents { steps, batch, inputs, hidden, .. } = self.extents;
        let (inputs, hidden) = (inputs as u64, hidden as u64);
        let step = self.directions.iter().map(|direction| direction.operations(inputs, hidden)).max();
        Work {
            units: self.directions.len() * batch * steps,
            unit_operations: 10 * weights::UNIT + step.unwrap_or(0) + inputs + 2 * hidden,
        }
    }

    fn run(&self, memory: Memory<'_>, write: &mut [f32], units: Range<usize>) {
        for unit in units {
            self.run_unit(memory, write, unit);
        }
    }
}
