//! Normalisations and softmax.

use super::{Builder, Inputs, Lowered, Value, reduction::groups};
use crate::{
    Element,
    error::{Refusal, broken, unsupported},
    graph::Node,
    kernels::{
        Operand,
        normalise::{Channels, Normalisation, Normalise},
    },
    tensor::{axis, broadcast, broadcast_map},
};

pub(super) fn softmax(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?.float()?;
    let normalisation =
        if node.operator == "Softmax" { Normalisation::Softmax } else { Normalisation::LogSoftmax };
    // Up to version 12, everything from the axis on is one group.
    let axes: Vec<usize> = if builder.opset < 13 {
        (axis(node.int("axis", 1), value.rank())?..value.rank()).collect()
    } else {
        vec![axis(node.int("axis", -1), value.rank())?]
    };
    group(value, normalisation, &axes, builder)
}

fn group(value: &Value, normalisation: Normalisation, axes: &[usize], builder: &mut Builder) -> Lowered {
    builder.charge(value.len())?;
    let operand = builder.operand(value)?;
    let kernel = Normalise::new(operand, normalisation, groups(&value.shape, axes)?);
    Ok(vec![builder.emit_one(kernel, &value.shape)?])
}

pub(super) fn lp(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?.float()?;
    let normalisation = match node.int("p", 2) {
        1 => Normalisation::L1,
        2 => Normalisation::L2,
        other => return Err(broken(format!("p = {other}, expected 1 or 2"))),
    };
    let at = axis(node.int("axis", -1), value.rank())?;
    group(value, normalisation, &[at], builder)
}

/// One constant for each value of a group.
fn spread(value: &Value, shape: &[usize], what: &str, builder: &mut Builder) -> Result<Operand, Refusal> {
    if broadcast(&value.shape, shape)? != shape {
        return Err(broken(format!("{what} of shape {:?} for {shape:?}", value.shape)));
    }
    let map = broadcast_map(&value.shape, shape);
    let values = value.float()?.known(what)?.to_floats()?;
    builder.constant(map.iter().map(|index| values[*index as usize]).collect())
}

pub(super) fn layer(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?.float()?;
    let first = axis(node.int("axis", -1), value.rank())?;
    let epsilon = node.float("epsilon", 1e-5);
    if node.int("stash_type", 1) != 1 {
        return Err(unsupported("stash_type other than 1 (float)"));
    }
    let shape = value.shape[first..].to_vec();
    builder.charge(value.len())?;
    let scale = inputs.may(1).map(|scale| spread(scale, &shape, "the scale", builder)).transpose()?;
    let bias = inputs.may(2).map(|bias| spread(bias, &shape, "the bias", builder)).transpose()?;
    let axes: Vec<usize> = (first..value.rank()).collect();
    let operand = builder.operand(value)?;
    let places = groups(&value.shape, &axes)?;
    let moments: Vec<usize> =
        value.shape.iter().enumerate().map(|(at, extent)| if at < first { *extent } else { 1 }).collect();
    let kernel = Normalise::new(operand, Normalisation::Layer { epsilon, scale, bias }, places);
    let outputs = [value.shape.clone(), moments.clone(), moments].map(|shape| (Element::F32, shape));
    builder.emit(kernel, &outputs, 0)
}

pub(super) fn root_mean_square(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?.float()?;
    let first = axis(node.int("axis", -1), value.rank())?;
    let epsilon = node.float("epsilon", 1e-5);
    if node.int("stash_type", 1) != 1 {
        return Err(unsupported("stash_type other than 1 (float)"));
    }
    builder.charge(value.len())?;
    let scale = spread(inputs.need(1)?, &value.shape[first..], "the scale", builder)?;
    let axes: Vec<usize> = (first..value.rank()).collect();
    group(value, Normalisation::RootMeanSquare { epsilon, scale }, &axes, builder)
}

/// Batch and channels of an input.
fn channels(value: &Value) -> Result<usize, Refusal> {
    value.shape.get(1).copied().filter(|channels| *channels > 0).ok_or_else(|| {
        broken(format!("an input of shape {:?}, expected batch, channels, positions", value.shape))
    })
}

fn per_channel(
    inputs: &[Option<Value>],
    index: usize,
    what: &str,
    channels: usize,
) -> Result<Vec<f32>, Refusal> {
    let values = inputs.need(index)?.float()?.known(what)?.to_floats()?;
    if values.len() == channels {
        Ok(values)
    } else {
        Err(broken(format!("{what}: {} values for {channels} channels", values.len())))
    }
}

pub(super) fn instance(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?.float()?;
    let channels = channels(value)?;
    let epsilon = node.float("epsilon", 1e-5);
    let scale = per_channel(inputs, 1, "the scale", channels)?;
    let bias = per_channel(inputs, 2, "the bias", channels)?;
    let (scale, bias) = (builder.constant(scale)?, builder.constant(bias)?);
    let axes: Vec<usize> = (2..value.rank()).collect();
    group(value, Normalisation::Instance { epsilon, scale, bias }, &axes, builder)
}

pub(super) fn batch(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?.float()?;
    let channels = channels(value)?;
    let epsilon = node.float("epsilon", 1e-5);
    // Only for training.
    let _ = node.float("momentum", 0.9);
    if node.int("training_mode", 0) != 0 {
        return Err(unsupported("training_mode = 1: the model was exported for training"));
    }
    if builder.opset < 7 && node.int("is_test", 0) == 0 {
        return Err(unsupported("is_test = 0: the model was exported for training"));
    }
    if node.int("spatial", 1) != 1 {
        return Err(unsupported("spatial = 0; supported is 1"));
    }
    let scale = per_channel(inputs, 1, "the scale", channels)?;
    let bias = per_channel(inputs, 2, "the bias", channels)?;
    let mean = per_channel(inputs, 3, "the mean", channels)?;
    let variance = per_channel(inputs, 4, "the variance", channels)?;
    let factors = scale.iter().zip(&variance).map(|(scale, variance)| scale / (variance + epsilon).sqrt());
    let constants = mean.iter().copied().chain(factors).chain(bias).collect();
    let constants = builder.constant(constants)?;
    let operand = builder.operand(value)?;
    let plane = value.shape[2..].iter().product();
    let kernel = Channels::new(operand, constants, channels, plane);
    builder.emit(kernel, &[(Element::F32, value.shape.clone())], 0)
}
