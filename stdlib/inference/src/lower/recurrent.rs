//! `RNN`, `GRU` and `LSTM`.

use super::{Builder, Inputs, Lowered, Value};
use crate::{
    Element,
    error::{Refusal, broken, unsupported},
    graph::Node,
    kernels::{
        dense::pack,
        recurrent::{Direction, Extents, Gates, Recurrent},
        unary::Unary,
    },
};

/// The three operators.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Rnn,
    Gru,
    Lstm,
}

impl Cell {
    const fn gates(self) -> usize {
        match self {
            Self::Rnn => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    const fn default_functions(self) -> &'static [&'static str] {
        match self {
            Self::Rnn => &["Tanh"],
            Self::Gru => &["Sigmoid", "Tanh"],
            Self::Lstm => &["Sigmoid", "Tanh", "Tanh"],
        }
    }
}

/// Weights of all directions, as the standard lays them out: gate by gate, row by row.
struct Weights {
    input: Vec<f32>,
    state: Vec<f32>,
    /// Both biases of every gate.
    bias: Option<Vec<f32>>,
    peepholes: Option<Vec<f32>>,
    inputs: usize,
    hidden: usize,
    gates: usize,
}

impl Weights {
    /// Of this input or state (behind the inputs) to this row of gates.
    fn both(&self, direction: usize, column: usize, row: usize) -> f32 {
        match column.checked_sub(self.inputs) {
            None => self.of_input(direction, column, row),
            Some(column) => self.of_state(direction, column, row),
        }
    }

    fn of_input(&self, direction: usize, column: usize, row: usize) -> f32 {
        self.input[(direction * self.gates * self.hidden + row) * self.inputs + column]
    }

    fn of_state(&self, direction: usize, column: usize, row: usize) -> f32 {
        self.state[(direction * self.gates * self.hidden + row) * self.hidden + column]
    }

    /// Bias of a row: of the input, and of the state.
    fn biases(&self, direction: usize, row: usize) -> [f32; 2] {
        let size = self.gates * self.hidden;
        let at =
            |part: usize| self.bias.as_ref().map_or(0.0, |bias| bias[(2 * direction + part) * size + row]);
        [at(0), at(1)]
    }
}

pub(super) fn recurrent(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let cell = match node.operator.as_str() {
        "RNN" => Cell::Rnn,
        "GRU" => Cell::Gru,
        _ => Cell::Lstm,
    };
    let value = inputs.need(0)?.float()?;
    let reverse: &[bool] = match node.text("direction", "forward") {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        other => {
            return Err(broken(format!("direction = {other}, expected forward, reverse or bidirectional")));
        }
    };
    let batch_first = node.int("layout", 0) != 0;
    let [outer, inner, width] = value.shape[..] else {
        return Err(broken(format!("an input of shape {:?}, expected time, batch, inputs", value.shape)));
    };
    let (steps, batch) = if batch_first { (inner, outer) } else { (outer, inner) };
    if let Some(lengths) = inputs.integers(4, "sequence_lens")?
        && lengths.iter().any(|length| usize::try_from(*length) != Ok(steps))
    {
        return Err(unsupported(format!("sequence_lens other than the {steps} steps of the input")));
    }
    if node.has("clip") {
        return Err(unsupported("clip"));
    }
    if node.int("input_forget", 0) != 0 {
        return Err(unsupported("input_forget = 1"));
    }
    let weights = weights(node, inputs, cell, reverse.len(), width)?;
    let hidden = weights.hidden;
    let functions = functions(node, cell, reverse.len())?;
    let is_before_reset = node.int("linear_before_reset", 0) != 0;
    builder.charge(2 * (weights.input.len() + weights.state.len()))?;
    let mut directions = Vec::new();
    for (index, reverse) in reverse.iter().enumerate() {
        let gates = gates(&weights, cell, index, is_before_reset, builder)?;
        directions.push(Direction { reverse: *reverse, gates, functions: functions[index] });
    }
    let extents = Extents { steps, batch, inputs: width, hidden, batch_first };
    let count = reverse.len();
    let state_shape = if batch_first { vec![batch, count, hidden] } else { vec![count, batch, hidden] };
    let mut initial = |index: usize, what: &str| match inputs.may(index) {
        None => Ok(None),
        Some(state) if state.shape == state_shape => builder.operand(state.float()?).map(Some),
        Some(state) => Err(broken(format!("{what} of shape {:?}, expected {state_shape:?}", state.shape))),
    };
    let initial_state = initial(5, "initial_h")?;
    let initial_cell = if cell == Cell::Lstm { initial(6, "initial_c")? } else { None };
    let operand = builder.operand(value)?;
    let kernel = Recurrent::new(operand, directions, extents, initial_state, initial_cell);
    let scratch = kernel.scratch();
    let all = if batch_first { vec![batch, steps, count, hidden] } else { vec![steps, count, batch, hidden] };
    let mut outputs = vec![(Element::F32, all), (Element::F32, state_shape.clone())];
    if cell == Cell::Lstm {
        outputs.push((Element::F32, state_shape));
    }
    builder.emit(kernel, &outputs, scratch)
}

fn weights(
    node: &Node,
    inputs: &[Option<Value>],
    cell: Cell,
    directions: usize,
    width: usize,
) -> Result<Weights, Refusal> {
    let recurrence = inputs.need(2)?.float()?;
    let hidden = recurrence.shape.last().copied().unwrap_or(0);
    let gates = cell.gates();
    if hidden == 0
        || hidden > crate::tensor::MAX_ELEMENTS
        || (node.has("hidden_size") && node.int("hidden_size", 0) != hidden as i64)
    {
        return Err(broken(format!("hidden_size and recurrence weights of shape {:?}", recurrence.shape)));
    }
    let read = |index: usize, what: &str, shape: &[usize]| match inputs.may(index) {
        None => Ok(None),
        Some(value) if value.shape == shape => value.float()?.known(what)?.to_floats().map(Some),
        Some(value) => Err(broken(format!("{what} of shape {:?}, expected {shape:?}", value.shape))),
    };
    let missing = || broken("the weights are missing");
    Ok(Weights {
        input: read(1, "W", &[directions, gates * hidden, width])?.ok_or_else(missing)?,
        state: read(2, "R", &[directions, gates * hidden, hidden])?.ok_or_else(missing)?,
        bias: read(3, "B", &[directions, 2 * gates * hidden])?,
        peepholes: if cell == Cell::Lstm { read(7, "P", &[directions, 3 * hidden])? } else { None },
        inputs: width,
        hidden,
        gates,
    })
}

fn functions(node: &Node, cell: Cell, directions: usize) -> Result<Vec<[Unary; 3]>, Refusal> {
    let defaults = cell.default_functions();
    let given = node.texts("activations");
    let named = if given.is_empty() { defaults.repeat(directions) } else { given };
    if named.len() != defaults.len() * directions {
        return Err(broken(format!("{} activations, expected {}", named.len(), defaults.len() * directions)));
    }
    if node.floats("activation_alpha").is_some_and(|values| !values.is_empty())
        || node.floats("activation_beta").is_some_and(|values| !values.is_empty())
    {
        return Err(unsupported("activation_alpha and activation_beta"));
    }
    let function = |name: &str| {
        Ok(match name.to_ascii_lowercase().as_str() {
            "sigmoid" => Unary::Sigmoid,
            "tanh" => Unary::Tanh,
            "relu" => Unary::Relu,
            "hardsigmoid" => Unary::HardSigmoid { alpha: 0.2, beta: 0.5 },
            "softsign" => Unary::Softsign,
            "softplus" => Unary::Softplus,
            _ => {
                return Err(unsupported(format!(
                    "activation {name}; supported are Sigmoid, Tanh, Relu, HardSigmoid, Softsign and Softplus"
                )));
            }
        })
    };
    let mut all = Vec::new();
    for names in named.chunks(defaults.len()) {
        let mut functions = [Unary::Tanh; 3];
        for (to, name) in functions.iter_mut().zip(names) {
            *to = function(name)?;
        }
        all.push(functions);
    }
    Ok(all)
}

/// The packed weights of one direction.
fn gates(
    weights: &Weights,
    cell: Cell,
    direction: usize,
    is_before_reset: bool,
    builder: &mut Builder,
) -> Result<Gates, Refusal> {
    let (inputs, hidden) = (weights.inputs, weights.hidden);
    let together = |rows: usize, builder: &mut Builder| -> Result<_, Refusal> {
        let both = pack(inputs + hidden, rows, |column, row| weights.both(direction, column, row));
        let bias = (0..rows).map(|row| weights.biases(direction, row)).map(|[input, state]| input + state);
        Ok((builder.constant(both)?, builder.constant(bias.collect())?))
    };
    Ok(match cell {
        Cell::Rnn => {
            let (both, bias) = together(hidden, builder)?;
            Gates::Rnn { both, bias }
        }
        Cell::Lstm => {
            let (both, bias) = together(4 * hidden, builder)?;
            let peepholes = weights.peepholes.as_ref();
            let peepholes = peepholes.map(|all| all[direction * 3 * hidden..][..3 * hidden].to_vec());
            Gates::Lstm {
                both,
                bias,
                peepholes: peepholes.map(|values| builder.constant(values)).transpose()?,
            }
        }
        Cell::Gru => {
            let (both, bias) = together(2 * hidden, builder)?;
            let first = 2 * hidden;
            let input = pack(inputs, hidden, |column, row| weights.of_input(direction, column, first + row));
            let state = pack(hidden, hidden, |column, row| weights.of_state(direction, column, first + row));
            let biases: Vec<[f32; 2]> =
                (0..hidden).map(|row| weights.biases(direction, first + row)).collect();
            let input_bias =
                biases.iter().map(|[input, state]| if is_before_reset { *input } else { input + state });
            let input_bias = builder.constant(input_bias.collect())?;
            let state_bias = biases.iter().map(|[_, state]| *state).collect();
            let state_bias = if is_before_reset { Some(builder.constant(state_bias)?) } else { None };
            Gates::Gru {
                both,
                bias,
                input: builder.constant(input)?,
                input_bias,
                state: builder.constant(state)?,
                state_bias,
            }
        }
    })
}
