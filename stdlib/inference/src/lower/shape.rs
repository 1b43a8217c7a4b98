//! Operators that move values or only see them differently.

use super::{Builder, Inputs, Lowered, Value};
use crate::{
    Element,
    error::{Refusal, broken, unsupported},
    graph::Node,
    kernels::{
        Operand,
        movement::{Copy, Gather, Run},
    },
    tensor::{Values, axis, broadcast, broadcast_map, count, signed_map, strided_map, strides},
};

/// The values at these indices, in a new shape: at load where they are known, a view where they are neighbours.
fn pick(
    value: &Value,
    indices: Vec<u32>,
    shape: Vec<usize>,
    builder: &mut Builder,
) -> Result<Value, Refusal> {
    builder.charge(indices.len())?;
    if let Some(values) = value.if_known() {
        return builder.known(value.element, shape, values.pick(&indices));
    }
    let is_view = indices.iter().enumerate().all(|(index, place)| index == *place as usize);
    if is_view && indices.len() == value.len() {
        return Ok(value.reshaped(shape));
    }
    let operand = builder.operand(value)?;
    let values = builder.emit(Gather::new(operand, indices), &[(value.element, shape)], 0)?;
    values.into_iter().next().ok_or_else(|| unsupported("no output"))
}

pub(super) fn identity(_node: &Node, inputs: &[Option<Value>], _builder: &mut Builder) -> Lowered {
    Ok(vec![inputs.need(0)?.clone()])
}

pub(super) fn constant(node: &Node, _inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    if let Some(tensor) = node.tensor("value") {
        return Ok(vec![Value::constant(tensor?)]);
    }
    let float = |values: Vec<f32>, shape: Vec<usize>, builder: &mut Builder| {
        builder.known(Element::F32, shape, Values::Float(values))
    };
    let value = if node.has("value_float") {
        float(vec![node.float("value_float", 0.0)], Vec::new(), builder)?
    } else if let Some(values) = node.floats("value_floats") {
        float(values.to_vec(), vec![values.len()], builder)?
    } else if node.has("value_int") {
        Value::integers(vec![node.int("value_int", 0)]).reshaped(Vec::new())
    } else if let Some(values) = node.ints("value_ints") {
        Value::integers(values.to_vec())
    } else {
        return Err(unsupported("a constant that is neither a tensor, nor floats, nor integers"));
    };
    Ok(vec![value])
}

pub(super) fn constant_of_shape(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let shape = inputs.integers(0, "the shape")?.unwrap_or_default();
    let shape = extents(&shape)?;
    let len = count(&shape)?;
    builder.charge(len)?;
    let value = match node.tensor("value") {
        None => return Ok(vec![builder.known(Element::F32, shape, Values::Float(vec![0.0; len]))?]),
        Some(value) => value?,
    };
    if value.values.len() != 1 {
        return Err(broken(format!("value has {} values, expected 1", value.values.len())));
    }
    let values = value.values.pick(&vec![0; len]);
    Ok(vec![builder.known(value.element, shape, values)?])
}

fn extents(shape: &[i64]) -> Result<Vec<usize>, Refusal> {
    let extent =
        |extent: &i64| usize::try_from(*extent).map_err(|_| broken(format!("an extent of {extent}")));
    shape.iter().map(extent).collect()
}

pub(super) fn shape(node: &Node, inputs: &[Option<Value>], _builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    if node.operator == "Size" {
        return Ok(vec![Value::integers(vec![value.len() as i64]).reshaped(Vec::new())]);
    }
    let rank = value.rank() as i64;
    let bound =
        |bound: i64| if bound < 0 { bound.saturating_add(rank) } else { bound }.clamp(0, rank) as usize;
    let (start, end) = (bound(node.int("start", 0)), bound(node.int("end", rank)));
    let extents = value.shape.get(start..end.max(start)).unwrap_or_default();
    Ok(vec![Value::integers(extents.iter().map(|extent| *extent as i64).collect())])
}

pub(super) fn reshape(node: &Node, inputs: &[Option<Value>], _builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let wanted = inputs.integers(1, "the shape")?.ok_or_else(|| broken("the shape is missing"))?;
    let zero_is_zero = node.int("allowzero", 0) != 0;
    let mut shape = Vec::new();
    for (index, extent) in wanted.iter().enumerate() {
        shape.push(match *extent {
            -1 => 1,
            0 if !zero_is_zero => {
                *value.shape.get(index).ok_or_else(|| broken(format!("shape {wanted:?}")))?
            }
            other => usize::try_from(other).map_err(|_| broken(format!("shape {wanted:?}")))?,
        });
    }
    let known = count(&shape)?;
    if let Some(open) = wanted.iter().position(|extent| *extent == -1) {
        shape[open] = value.len().checked_div(known).unwrap_or(0);
    }
    if count(&shape)? != value.len() || wanted.iter().filter(|extent| **extent == -1).count() > 1 {
        return Err(broken(format!("{:?} cannot become {wanted:?}", value.shape)));
    }
    Ok(vec![value.reshaped(shape)])
}

pub(super) fn flatten(node: &Node, inputs: &[Option<Value>], _builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let at = node.int("axis", 1);
    let at = if at == value.rank() as i64 { value.rank() } else { axis(at, value.rank())? };
    let (outer, inner) = value.shape.split_at(at);
    Ok(vec![value.reshaped(vec![outer.iter().product(), inner.iter().product()])])
}

/// Axes as an input, or, in older versions, as an attribute.
pub(super) fn axes(node: &Node, inputs: &[Option<Value>], index: usize) -> Result<Option<Vec<i64>>, Refusal> {
    match node.ints("axes") {
        Some(axes) => Ok(Some(axes.to_vec())),
        None => inputs.integers(index, "the axes"),
    }
}

pub(super) fn squeeze(node: &Node, inputs: &[Option<Value>], _builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let axes = match axes(node, inputs, 1)? {
        Some(axes) => axes.iter().map(|at| axis(*at, value.rank())).collect::<Result<Vec<_>, _>>()?,
        None => (0..value.rank()).filter(|at| value.shape[*at] == 1).collect(),
    };
    if let Some(at) = axes.iter().find(|at| value.shape[**at] != 1) {
        return Err(broken(format!("axis {at} of {:?} is not 1", value.shape)));
    }
    let shape =
        value.shape.iter().enumerate().filter(|(at, _)| !axes.contains(at)).map(|(_, extent)| *extent);
    Ok(vec![value.reshaped(shape.collect())])
}

pub(super) fn unsqueeze(node: &Node, inputs: &[Option<Value>], _builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let axes = axes(node, inputs, 1)?.ok_or_else(|| broken("the axes are missing"))?;
    let rank = value.rank() + axes.len();
    let mut axes = axes.iter().map(|at| axis(*at, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    if axes.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(broken("an axis twice"));
    }
    let mut extents = value.shape.iter();
    let shape = (0..rank).map(|at| if axes.contains(&at) { 1 } else { extents.next().copied().unwrap_or(1) });
    let shape: Vec<usize> = shape.collect();
    count(&shape)?;
    Ok(vec![value.reshaped(shape)])
}

pub(super) fn transpose(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let rank = value.rank();
    let order = match node.ints("perm") {
        Some(order) => order.iter().map(|at| axis(*at, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..rank) {
        return Err(broken(format!("perm {order:?} for {rank} dimensions")));
    }
    let from = strides(&value.shape);
    let shape: Vec<usize> = order.iter().map(|at| value.shape[*at]).collect();
    let steps: Vec<usize> = order.iter().map(|at| from[*at]).collect();
    builder.charge(count(&shape)?)?;
    Ok(vec![pick(value, strided_map(&shape, &steps, 0), shape, builder)?])
}

pub(super) fn expand(_node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let wanted = inputs.integers(1, "the shape")?.ok_or_else(|| broken("the shape is missing"))?;
    let shape = broadcast(&value.shape, &extents(&wanted)?)?;
    builder.charge(count(&shape)?)?;
    Ok(vec![pick(value, broadcast_map(&value.shape, &shape), shape, builder)?])
}

pub(super) fn tile(_node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let repeats = inputs.integers(1, "the repeats")?.ok_or_else(|| broken("the repeats are missing"))?;
    let repeats = extents(&repeats)?;
    if repeats.len() != value.rank() {
        return Err(broken(format!("{} repeats for {} dimensions", repeats.len(), value.rank())));
    }
    // Each axis becomes two: how often, and where.
    let (mut doubled, mut steps, mut shape) = (Vec::new(), Vec::new(), Vec::new());
    for ((extent, repeat), stride) in value.shape.iter().zip(&repeats).zip(strides(&value.shape)) {
        doubled.extend([*repeat, *extent]);
        steps.extend([0, stride]);
        shape.push(extent.saturating_mul(*repeat));
    }
    builder.charge(count(&shape)?)?;
    Ok(vec![pick(value, strided_map(&doubled, &steps, 0), shape, builder)?])
}

pub(super) fn concat(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let first = inputs.need(0)?;
    let at = axis(node.int("axis", 0), first.rank())?;
    let mut shape = first.shape.clone();
    shape[at] = 0;
    let mut parts = Vec::new();
    for index in 0..inputs.len() {
        let part = inputs.need(index)?;
        let fits = part.rank() == first.rank()
            && part.element == first.element
            && (0..part.rank()).all(|axis| axis == at || part.shape[axis] == first.shape[axis]);
        if !fits {
            return Err(broken(format!("{:?} and {:?} along axis {at}", first.shape, part.shape)));
        }
        shape[at] = shape[at].saturating_add(part.shape[at]);
        if part.len() > 0 {
            parts.push(part);
        }
    }
    let len = count(&shape)?;
    let outer: usize = shape[..at].iter().product();
    builder.charge(len + outer.saturating_mul(parts.len()))?;
    if parts.iter().all(|part| part.if_known().is_some()) {
        return Ok(vec![join(first.element, &parts, shape, outer, builder)?]);
    }
    let inner: usize = shape[at..].iter().product();
    let mut runs = Vec::new();
    let mut offset = 0;
    for part in parts {
        let source = builder.operand(part)?;
        let length = part.len() / outer;
        let run = |row: usize| Run { source: source.part(row * length, length), to: row * inner + offset };
        runs.extend((0..outer).map(run));
        offset += length;
    }
    builder.emit(Copy::new(runs, len, None), &[(first.element, shape)], 0)
}

fn join(
    element: Element,
    parts: &[&Value],
    shape: Vec<usize>,
    outer: usize,
    builder: &mut Builder,
) -> Result<Value, Refusal> {
    let (mut floats, mut integers) = (Vec::new(), Vec::new());
    for row in 0..outer {
        for part in parts {
            let length = part.len() / outer;
            let range = row * length..(row + 1) * length;
            match part.if_known() {
                Some(Values::Float(values)) => floats.extend_from_slice(&values[range]),
                Some(Values::Integer(values)) => integers.extend_from_slice(&values[range]),
                None => {}
            }
        }
    }
    let is_float = matches!(element, Element::F32 | Element::F64);
    let values = if is_float { Values::Float(floats) } else { Values::Integer(integers) };
    builder.known(element, shape, values)
}

pub(super) fn split(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let at = axis(node.int("axis", 0), value.rank())?;
    let extent = value.shape[at];
    let outputs = node.outputs.len();
    let given = match node.ints("split") {
        Some(split) => Some(split.to_vec()),
        None => inputs.integers(1, "the lengths")?,
    };
    let lengths = match given {
        Some(lengths) => extents(&lengths)?,
        None => {
            if node.has("num_outputs") && usize::try_from(node.int("num_outputs", 0)) != Ok(outputs) {
                return Err(broken(format!("num_outputs and {outputs} outputs")));
            }
            let length = extent.div_ceil(outputs.max(1));
            (0..outputs).map(|index| length.min(extent.saturating_sub(index * length))).collect()
        }
    };
    let total = lengths.iter().fold(0_usize, |total, length| total.saturating_add(*length));
    if total != extent || lengths.len() != outputs {
        return Err(broken(format!("lengths {lengths:?} for {extent} values and {outputs} outputs")));
    }
    let steps = strides(&value.shape);
    let mut start = 0;
    let mut parts = Vec::new();
    for length in lengths {
        let mut shape = value.shape.clone();
        shape[at] = length;
        parts.push(pick(value, strided_map(&shape, &steps, start * steps[at]), shape, builder)?);
        start += length;
    }
    Ok(parts)
}

pub(super) fn slice(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let list = |name: &str, index: usize| match node.ints(name) {
        Some(values) => Ok(Some(values.to_vec())),
        None => inputs.integers(index, name),
    };
    let missing = || broken("starts or ends are missing");
    let (starts, ends) = (list("starts", 1)?.ok_or_else(missing)?, list("ends", 2)?.ok_or_else(missing)?);
    let axes = list("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(broken("starts, ends, axes and steps of different lengths"));
    }
    let from = strides(&value.shape);
    let mut shape = value.shape.clone();
    let mut jumps: Vec<isize> = from.iter().map(|stride| *stride as isize).collect();
    let mut first = 0;
    for (((start, end), at), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let at = axis(*at, value.rank())?;
        let extent = value.shape[at] as i64;
        let wrap = |bound: i64| if bound < 0 { bound.saturating_add(extent) } else { bound };
        let (begin, length) = if *step > 0 {
            let (begin, stop) = (wrap(*start).clamp(0, extent), wrap(*end).clamp(0, extent));
            (begin, (stop - begin).max(0).unsigned_abs().div_ceil(step.unsigned_abs()))
        } else if *step < 0 {
            let (begin, stop) = (wrap(*start).clamp(-1, extent - 1), wrap(*end).clamp(-1, extent - 1));
            (begin.max(0), (begin - stop).max(0).unsigned_abs().div_ceil(step.unsigned_abs()))
        } else {
            return Err(broken("a step of 0"));
        };
        shape[at] = length as usize;
        if length > 0 {
            first += begin as usize * from[at];
        }
        // Beyond the extent there is one value at most, and its step is never taken.
        jumps[at] *= (*step).clamp(-extent, extent) as isize;
    }
    let len = count(&shape)?;
    builder.charge(len)?;
    let indices = if len == 0 { Vec::new() } else { signed_map(&shape, &jumps, first) };
    Ok(vec![pick(value, indices, shape, builder)?])
}

pub(super) fn gather(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let at = axis(node.int("axis", 0), value.rank())?;
    let places = inputs.integers(1, "the indices")?.ok_or_else(|| broken("the indices are missing"))?;
    let index_shape = &inputs.need(1)?.shape;
    let extent = value.shape[at];
    let places = places
        .iter()
        .map(|place| axis(*place, extent).map_err(|_| broken(format!("index {place} of {extent} values"))));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    let (outer, inner) = (&value.shape[..at], &value.shape[at + 1..]);
    let shape = [outer, index_shape, inner].concat();
    builder.charge(count(&shape)?)?;
    let (outer, inner): (usize, usize) = (outer.iter().product(), inner.iter().product());
    let mut indices = Vec::with_capacity(count(&shape)?);
    for row in 0..outer {
        for place in &places {
            let first = (row * extent + place) * inner;
            indices.extend((first..first + inner).map(|index| index as u32));
        }
    }
    Ok(vec![pick(value, indices, shape, builder)?])
}

pub(super) fn pad(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let mode = node.text("mode", "constant");
    if mode != "constant" {
        return Err(unsupported(format!("mode = {mode}; supported is constant")));
    }
    let pads = match node.ints("pads") {
        Some(pads) => pads.to_vec(),
        None => inputs.integers(1, "the pads")?.ok_or_else(|| broken("the pads are missing"))?,
    };
    let fill = match inputs.floats(2, "the fill value")?.as_deref() {
        None => node.float("value", 0.0),
        Some([fill]) => *fill,
        Some(many) => return Err(broken(format!("{} fill values, expected 1", many.len()))),
    };
    let rank = value.rank();
    let axes = match inputs.integers(3, "the axes")? {
        None => (0..rank).collect(),
        Some(axes) => axes.iter().map(|at| axis(*at, rank)).collect::<Result<Vec<_>, _>>()?,
    };
    if pads.len() != 2 * axes.len() {
        return Err(broken(format!("{} pads for {} axes", pads.len(), axes.len())));
    }
    let mut before = vec![0; rank];
    let mut shape = value.shape.clone();
    for (index, at) in axes.iter().enumerate() {
        let margin = |pad: i64| {
            let fits = (0..=1 << 24).contains(&pad);
            fits.then_some(pad as usize)
                .ok_or_else(|| unsupported(format!("a pad of {pad}; supported is 0 to 2^24")))
        };
        before[*at] = margin(pads[index])?;
        shape[*at] += before[*at] + margin(pads[index + axes.len()])?;
    }
    let len = count(&shape)?;
    let (row_shape, row) = match value.shape.split_last() {
        Some((row, rest)) => (rest, *row),
        None => (&[][..], 1),
    };
    let rows = count(row_shape)?;
    builder.charge(len + rows)?;
    let source: Operand = builder.operand(value)?;
    let to = strides(&shape);
    let first = before.iter().zip(&to).map(|(before, stride)| before * stride).sum();
    let starts = strided_map(row_shape, &to[..row_shape.len()], first);
    let runs = starts
        .iter()
        .enumerate()
        .map(|(index, start)| Run { source: source.part(index * row, row), to: *start as usize });
    builder.emit(Copy::new(runs.collect(), len, Some(fill)), &[(value.element, shape)], 0)
}
