//! Operators on each value by itself.

use super::{Builder, Inputs, Lowered, Value};
use crate::{
    Element,
    error::{Refusal, broken, unsupported},
    graph::Node,
    kernels::{
        elementwise::{Binary, Combine, Map, Select, Spread},
        unary::Unary,
    },
    tensor::{Values, broadcast, broadcast_map},
};

pub(super) fn unary(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let unary = match node.operator.as_str() {
        "Abs" => Unary::Abs,
        "Ceil" => Unary::Ceil,
        "Celu" => Unary::Celu(node.float("alpha", 1.0)),
        "Elu" => Unary::Elu(node.float("alpha", 1.0)),
        "Erf" => Unary::Erf,
        "Exp" => Unary::Exp,
        "Floor" => Unary::Floor,
        "Gelu" => match node.text("approximate", "none") {
            "none" => Unary::Gelu,
            "tanh" => Unary::GeluTanh,
            other => return Err(broken(format!("approximate = {other}, expected none or tanh"))),
        },
        "HardSigmoid" => {
            Unary::HardSigmoid { alpha: node.float("alpha", 0.2), beta: node.float("beta", 0.5) }
        }
        "HardSwish" => Unary::HardSwish,
        "LeakyRelu" => Unary::LeakyRelu(node.float("alpha", 0.01)),
        "Log" => Unary::Log,
        "Mish" => Unary::Mish,
        "Neg" => Unary::Neg,
        "Not" => {
            let value = inputs.need(0)?;
            let operand = builder.operand(value)?;
            let outputs = [(Element::Bool, value.shape.clone())];
            return builder.emit(Map::new(operand, Unary::Not), &outputs, 0);
        }
        "Reciprocal" => Unary::Reciprocal,
        "Relu" => Unary::Relu,
        "Round" => Unary::Round,
        "Selu" => {
            Unary::Selu { alpha: node.float("alpha", 1.673_263_2), gamma: node.float("gamma", 1.050_701) }
        }
        "Sigmoid" => Unary::Sigmoid,
        "Sign" => Unary::Sign,
        "Softplus" => Unary::Softplus,
        "Softsign" => Unary::Softsign,
        "Sqrt" => Unary::Sqrt,
        "Swish" => Unary::Swish(node.float("alpha", 1.0)),
        "Tanh" => Unary::Tanh,
        "ThresholdedRelu" => Unary::ThresholdedRelu(node.float("alpha", 1.0)),
        other => return Err(unsupported(format!("operator {other}"))),
    };
    apply(inputs.need(0)?.float()?, unary, builder)
}

/// A function of every value, in the step that makes them if that can be.
fn apply(value: &Value, unary: Unary, builder: &mut Builder) -> Lowered {
    if builder.fuse_unary(value, unary) {
        return Ok(vec![value.clone()]);
    }
    let operand = builder.operand(value)?;
    Ok(vec![builder.emit_one(Map::new(operand, unary), &value.shape)?])
}

pub(super) fn clip(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let bound = |index: usize, name: &str, default: f32| -> Result<f32, Refusal> {
        if node.has(name) {
            return Ok(node.float(name, default));
        }
        match inputs.floats(index, name)?.as_deref() {
            None => Ok(default),
            Some([bound]) => Ok(*bound),
            Some(many) => Err(broken(format!("{} values for {name}, expected 1", many.len()))),
        }
    };
    let (low, high) = (bound(1, "min", f32::NEG_INFINITY)?, bound(2, "max", f32::INFINITY)?);
    apply(inputs.need(0)?.float()?, Unary::Clip { low, high }, builder)
}

pub(super) fn binary(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let (a, b) = (inputs.need(0)?, inputs.need(1)?);
    if let Some(folded) = fold_integers(node, a, b, builder)? {
        return Ok(vec![folded]);
    }
    let (binary, element) = match node.operator.as_str() {
        "Add" => (Binary::Add, Element::F32),
        "Sub" => (Binary::Sub, Element::F32),
        "Mul" => (Binary::Mul, Element::F32),
        "Div" => (Binary::Div, Element::F32),
        "Pow" => (Binary::Pow, Element::F32),
        "PRelu" => (Binary::PRelu, Element::F32),
        "Equal" => (Binary::Equal, Element::Bool),
        "Less" => (Binary::Less, Element::Bool),
        "LessOrEqual" => (Binary::LessOrEqual, Element::Bool),
        "Greater" => (Binary::Greater, Element::Bool),
        "GreaterOrEqual" => (Binary::GreaterOrEqual, Element::Bool),
        "And" => (Binary::And, Element::Bool),
        "Or" => (Binary::Or, Element::Bool),
        "Xor" => (Binary::Xor, Element::Bool),
        other => return Err(unsupported(format!("operator {other}"))),
    };
    if element == Element::F32 {
        a.float()?;
        // The exponent may be an integer.
        if binary != Binary::Pow {
            b.float()?;
        }
    }
    if binary == Binary::Add {
        for (sum, bias) in [(a, b), (b, a)] {
            if let Some(value) = add_bias(sum, bias, builder)? {
                return Ok(vec![value]);
            }
        }
    }
    // Up to version 6 the slopes belong to the channels, whatever stands behind them.
    let per_channel = binary == Binary::PRelu && builder.opset < 7 && b.rank() == 1 && a.rank() > 2;
    let b =
        &if per_channel { b.reshaped([b.shape.clone(), vec![1; a.rank() - 2]].concat()) } else { b.clone() };
    if binary == Binary::PRelu && broadcast(&a.shape, &b.shape)? != a.shape {
        return Err(broken(format!("slope of shape {:?} for values of shape {:?}", b.shape, a.shape)));
    }
    Ok(vec![combine(binary, element, a, b, builder)?])
}

/// `MatMul` and then `Add` of a constant vector: the dense layer of most exporters.
fn add_bias(sum: &Value, bias: &Value, builder: &mut Builder) -> Result<Option<Value>, Refusal> {
    let width = sum.shape.last().copied().unwrap_or(0);
    let is_row = bias.shape.last() == Some(&width) && bias.len() == width && bias.rank() <= sum.rank();
    match bias.if_known() {
        Some(values) if is_row && sum.if_known().is_none() => {
            Ok(builder.fuse_bias(sum, values.to_floats()?)?.then(|| sum.clone()))
        }
        _ => Ok(None),
    }
}

/// A function of two values with broadcasting.
pub(super) fn combine(
    binary: Binary,
    element: Element,
    a: &Value,
    b: &Value,
    builder: &mut Builder,
) -> Result<Value, Refusal> {
    let shape = broadcast(&a.shape, &b.shape)?;
    let len = crate::tensor::count(&shape)?;
    builder.charge(2 * len)?;
    let left = spread(a, &shape, builder)?;
    let right = spread(b, &shape, builder)?;
    let values = builder.emit(Combine::new(binary, left, right, len), &[(element, shape)], 0)?;
    values.into_iter().next().ok_or_else(|| unsupported("no output"))
}

fn spread(
    value: &Value,
    shape: &[usize],
    builder: &mut Builder,
) -> Result<(crate::kernels::Operand, Spread), Refusal> {
    let operand = builder.operand(value)?;
    let len: usize = shape.iter().product();
    Ok(if value.len() == len {
        (operand, Spread::Same)
    } else if value.len() == 1 {
        (operand, Spread::Scalar)
    } else {
        let map = broadcast_map(&value.shape, shape);
        match value.if_known() {
            // Spread at load, so that the loop stays straight.
            Some(values) => (builder.constant(values.pick(&map).to_floats()?)?, Spread::Same),
            None => (operand, Spread::Table(map)),
        }
    })
}

/// Arithmetic on shapes and bounds, exact.
fn fold_integers(node: &Node, a: &Value, b: &Value, builder: &mut Builder) -> Result<Option<Value>, Refusal> {
    let (Some(Values::Integer(left)), Some(Values::Integer(right))) = (a.if_known(), b.if_known()) else {
        return Ok(None);
    };
    let operation: fn(i64, i64) -> Option<i64> = match node.operator.as_str() {
        "Add" => i64::checked_add,
        "Sub" => i64::checked_sub,
        "Mul" => i64::checked_mul,
        // Towards zero, as C does and the standard's tests ask for.
        "Div" => i64::checked_div,
        "Equal" => |a, b| Some(i64::from(a == b)),
        "Less" => |a, b| Some(i64::from(a < b)),
        "Greater" => |a, b| Some(i64::from(a > b)),
        _ => return Ok(None),
    };
    let element = if matches!(node.operator.as_str(), "Equal" | "Less" | "Greater") {
        Element::Bool
    } else if a.element == Element::I64 || a.element == Element::I32 {
        a.element
    } else {
        return Err(unsupported(format!("arithmetic on constants of type {}", a.element)));
    };
    let shape = broadcast(&a.shape, &b.shape)?;
    builder.charge(crate::tensor::count(&shape)?)?;
    let maps = (broadcast_map(&a.shape, &shape), broadcast_map(&b.shape, &shape));
    let pairs = maps.0.iter().zip(&maps.1);
    let values: Option<Vec<i64>> =
        pairs.map(|(l, r)| operation(left[*l as usize], right[*r as usize])).collect();
    let values = values.ok_or_else(|| broken("an overflow or a division by zero among constants"))?;
    builder.known(element, shape, Values::Integer(values)).map(Some)
}

pub(super) fn variadic(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let (binary, is_mean) = match node.operator.as_str() {
        "Min" => (Binary::Min, false),
        "Max" => (Binary::Max, false),
        "Sum" => (Binary::Add, false),
        _ => (Binary::Add, true),
    };
    let mut result = inputs.need(0)?.float()?.clone();
    for index in 1..inputs.len() {
        result = combine(binary, Element::F32, &result, inputs.need(index)?.float()?, builder)?;
    }
    if is_mean && inputs.len() > 1 {
        let count = builder.known(Element::F32, Vec::new(), Values::Float(vec![inputs.len() as f32]))?;
        result = combine(Binary::Div, Element::F32, &result, &count, builder)?;
    }
    Ok(vec![result])
}

pub(super) fn select(_node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let [condition, a, b] = [inputs.need(0)?, inputs.need(1)?, inputs.need(2)?];
    if a.element != b.element {
        return Err(broken(format!("it chooses between {} and {}", a.element, b.element)));
    }
    let shape = broadcast(&broadcast(&condition.shape, &a.shape)?, &b.shape)?;
    let len = crate::tensor::count(&shape)?;
    builder.charge(3 * len)?;
    if let (Some(Values::Integer(condition_values)), Some(av), Some(bv)) =
        (condition.if_known(), a.if_known(), b.if_known())
    {
        let [c, x, y] = [condition, a, b].map(|value| broadcast_map(&value.shape, &shape));
        let chosen = |index: usize| condition_values[c[index] as usize] != 0;
        let values = match (av, bv) {
            (Values::Integer(av), Values::Integer(bv)) => Values::Integer(
                (0..len).map(|i| if chosen(i) { av[x[i] as usize] } else { bv[y[i] as usize] }).collect(),
            ),
            (Values::Float(av), Values::Float(bv)) => Values::Float(
                (0..len).map(|i| if chosen(i) { av[x[i] as usize] } else { bv[y[i] as usize] }).collect(),
            ),
            _ => return Err(broken("it chooses between integers and floats")),
        };
        return Ok(vec![builder.known(a.element, shape, values)?]);
    }
    let operands =
        [spread(condition, &shape, builder)?, spread(a, &shape, builder)?, spread(b, &shape, builder)?];
    builder.emit(Select::new(operands, len), &[(a.element, shape)], 0)
}

/// Bounds of an integer type as floats: 2³¹ and 2⁶³ are floats, the integers below them are not.
pub(super) fn bounds(element: Element) -> Option<[f32; 2]> {
    Some(match element {
        Element::U8 => [0.0, 255.0],
        Element::I8 => [-128.0, 127.0],
        Element::I32 => [-2_147_483_648.0, 2_147_483_520.0],
        Element::I64 => [-9.223_372e18, 9.223_371_5e18],
        Element::Bool | Element::F32 | Element::F64 => return None,
    })
}

pub(super) fn cast(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?;
    let number = node.int("to", 0);
    let to = i32::try_from(number).ok().and_then(Element::from_onnx);
    let to = to.filter(|to| *to != Element::F64).ok_or_else(|| {
        unsupported(format!("a cast to type {number}; supported are float, int8, uint8, int32, int64, bool"))
    })?;
    // What only matters for the 8-bit floats of later versions.
    let _ = node.int("saturate", 1);
    let _ = node.has("round_mode");
    let from = value.element;
    let is_float = |element: Element| matches!(element, Element::F32 | Element::F64);
    let widens = from == to
        || is_float(to)
        || from == Element::Bool
        || to == Element::I64 && !is_float(from)
        || to == Element::I32 && matches!(from, Element::U8 | Element::I8);
    if widens {
        return Ok(vec![value.as_element(to)]);
    }
    if let (Some(Values::Integer(integers)), Element::I32) = (value.if_known(), to) {
        let values = integers.iter().map(|value| i64::from(*value as i32)).collect();
        return Ok(vec![builder.known(to, value.shape.clone(), Values::Integer(values))?]);
    }
    let unary = match (to, bounds(to)) {
        (Element::Bool, _) => Unary::Bool,
        (_, Some([low, high])) if is_float(from) => Unary::Integer { low, high },
        // Integers of a run are below 2²⁴ or come from a float: nothing is lost in 32 bits.
        (Element::I32, _) => return Ok(vec![value.as_element(to)]),
        (_, Some([low, _])) => Unary::Wrap { low, span: 256.0 },
        (_, None) => return Err(unsupported(format!("a cast from {from} to {to}"))),
    };
    let operand = builder.operand(value)?;
    builder.emit(Map::new(operand, unary), &[(to, value.shape.clone())], 0)
}

/// Nothing is dropped when a model runs.
pub(super) fn dropout(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let _ = (node.float("ratio", 0.5), node.int("seed", 0));
    if node.int("is_test", i64::from(builder.opset >= 7)) == 0 {
        return Err(unsupported("is_test = 0: the model was exported for training"));
    }
    if inputs.integers(2, "training_mode")?.is_some_and(|mode| mode.iter().any(|mode| *mode != 0)) {
        return Err(unsupported("training_mode is set: the model was exported for training"));
    }
    let value = inputs.need(0)?.clone();
    if !node.wants(1) {
        return Ok(vec![value]);
    }
    let mask = builder.known(Element::Bool, value.shape.clone(), Values::Integer(vec![1; value.len()]))?;
    Ok(vec![value, mask])
}
