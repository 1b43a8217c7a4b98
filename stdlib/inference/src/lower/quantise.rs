//! Quantised values. The layers between `DequantizeLinear` and `QuantizeLinear` run in `f32` on exactly the dequantised
//! values, which is what the standard defines for such a graph.

use super::{Builder, Inputs, Lowered, Value, elementwise::bounds};
use crate::{
    Element,
    error::{Refusal, broken, unsupported},
    graph::Node,
    kernels::{
        Operand,
        elementwise::{Map, Requantise},
        unary::Unary,
    },
    tensor::{axis, strides},
};

/// Scale and zero point: one for all, or one for each position along an axis.
struct Steps {
    scales: Vec<f32>,
    zeros: Vec<f32>,
    /// Values along the axis that share a scale are this far apart.
    stride: usize,
}

impl Steps {
    fn read(node: &Node, inputs: &[Option<Value>], value: &Value) -> Result<Self, Refusal> {
        let axis_value = node.int("axis", 1);
        if node.int("block_size", 0) != 0 {
            return Err(unsupported("block_size; supported are one scale for all and one for each position"));
        }
        let _ = node.int("saturate", 1);
        if !matches!(node.int("precision", 0), 0 | 1) {
            return Err(unsupported("a precision other than float"));
        }
        inputs.need(1)?.float()?;
        let scales = inputs.floats(1, "the scale")?.unwrap_or_default();
        let zeros = match inputs.floats(2, "the zero point")? {
            Some(zeros) => zeros,
            None => vec![0.0; scales.len()],
        };
        if zeros.len() != scales.len() || scales.is_empty() {
            return Err(broken(format!("{} scales and {} zero points", scales.len(), zeros.len())));
        }
        if let Some(scale) = scales.iter().find(|scale| !scale.is_finite() || **scale <= 0.0) {
            return Err(broken(format!("a scale of {scale}, expected a finite number above 0")));
        }
        if scales.len() == 1 {
            return Ok(Self { scales, zeros, stride: 1 });
        }
        let at = axis(axis_value, value.rank())?;
        if value.shape[at] != scales.len() {
            return Err(broken(format!("{} scales along axis {at} of {:?}", scales.len(), value.shape)));
        }
        Ok(Self { scales, zeros, stride: strides(&value.shape)[at] })
    }

    /// One scale and zero point for each value.
    fn spread(&self, len: usize, builder: &mut Builder) -> Result<[Operand; 2], Refusal> {
        builder.charge(2 * len)?;
        let of = |values: &[f32]| -> Vec<f32> {
            (0..len).map(|index| values[index / self.stride % values.len()]).collect()
        };
        Ok([builder.constant(of(&self.scales))?, builder.constant(of(&self.zeros))?])
    }
}

pub(super) fn quantise(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?.float()?;
    let number = node.int("output_dtype", 0);
    let to = match (inputs.may(2), number) {
        (Some(zero), _) => zero.element,
        (None, 0) => Element::U8,
        (None, number) => i32::try_from(number).ok().and_then(Element::from_onnx).unwrap_or(Element::F32),
    };
    let Some([low, high]) = bounds(to).filter(|_| matches!(to, Element::U8 | Element::I8)) else {
        return Err(unsupported(format!("quantisation to {to}; supported are int8 and uint8")));
    };
    let steps = Steps::read(node, inputs, value)?;
    let operand = builder.operand(value)?;
    let outputs = [(to, value.shape.clone())];
    if let ([scale], [zero]) = (steps.scales.as_slice(), steps.zeros.as_slice()) {
        let unary = Unary::Quantize { scale: *scale, zero: *zero, low, high };
        return builder.emit(Map::new(operand, unary), &outputs, 0);
    }
    let [scales, zeros] = steps.spread(operand.len(), builder)?;
    let kernel = Requantise { input: operand, scales, zeros, bounds: Some([low, high]) };
    builder.emit(kernel, &outputs, 0)
}

pub(super) fn dequantise(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    if !matches!(value.element, Element::U8 | Element::I8 | Element::I32) {
        let element = value.element;
        return Err(unsupported(format!("dequantisation of {element}; supported are int8, uint8 and int32")));
    }
    if !matches!(node.int("output_dtype", 1), 0 | 1) {
        return Err(unsupported("an output other than float"));
    }
    let steps = Steps::read(node, inputs, value)?;
    let operand = builder.operand(value)?;
    if let ([scale], [zero]) = (steps.scales.as_slice(), steps.zeros.as_slice()) {
        let unary = Unary::Dequantize { scale: *scale, zero: *zero };
        return Ok(vec![builder.emit_one(Map::new(operand, unary), &value.shape)?]);
    }
    let [scales, zeros] = steps.spread(operand.len(), builder)?;
    let kernel = Requantise { input: operand, scales, zeros, bounds: None };
    Ok(vec![builder.emit_one(kernel, &value.shape)?])
}
