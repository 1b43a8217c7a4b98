//! Reductions along axes.

use super::{Builder, Inputs, Lowered, Value, shape::axes};
use crate::{
    Element,
    error::{Refusal, unsupported},
    graph::Node,
    kernels::{
        elementwise::Map,
        reduction::{Places, Reduce, Reduction},
        unary::Unary,
    },
    tensor::{axis, count, strided_map, strides},
};

/// Where the groups of values along `axes` are: one group for each position along the others.
pub(super) fn groups(shape: &[usize], axes: &[usize]) -> Result<Places, Refusal> {
    let len = count(shape)?;
    let steps = strides(shape);
    let part = |inside: bool| -> Vec<u32> {
        let chosen = (0..shape.len()).filter(|at| axes.contains(at) == inside);
        let (extents, steps): (Vec<usize>, Vec<usize>) = chosen.map(|at| (shape[at], steps[at])).unzip();
        strided_map(&extents, &steps, 0)
    };
    Ok(Places::new(part(false), part(true), len))
}

fn reduced_shape(shape: &[usize], axes: &[usize], keep: bool) -> Vec<usize> {
    let extents = shape.iter().enumerate();
    if keep {
        extents.map(|(at, extent)| if axes.contains(&at) { 1 } else { *extent }).collect()
    } else {
        extents.filter(|(at, _)| !axes.contains(at)).map(|(_, extent)| *extent).collect()
    }
}

pub(super) fn reduce(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?.float()?;
    let reduction = match node.operator.as_str() {
        "ReduceL1" => Reduction::L1,
        "ReduceL2" => Reduction::L2,
        "ReduceLogSum" => Reduction::LogSum,
        "ReduceLogSumExp" => Reduction::LogSumExp,
        "ReduceMax" => Reduction::Max,
        "ReduceMean" => Reduction::Mean,
        "ReduceMin" => Reduction::Min,
        "ReduceProd" => Reduction::Product,
        "ReduceSum" => Reduction::Sum,
        "ReduceSumSquare" => Reduction::SumSquare,
        other => return Err(unsupported(format!("operator {other}"))),
    };
    let keep = node.int("keepdims", 1) != 0;
    let nothing_for_no_axes = node.int("noop_with_empty_axes", 0) != 0;
    let axes = axes(node, inputs, 1)?.unwrap_or_default();
    if axes.is_empty() && nothing_for_no_axes {
        let elementwise = match reduction {
            Reduction::L1 | Reduction::L2 => Unary::Abs,
            Reduction::SumSquare => Unary::Square,
            Reduction::LogSum => Unary::Log,
            _ => return Ok(vec![value.clone()]),
        };
        let operand = builder.operand(value)?;
        return Ok(vec![builder.emit_one(Map::new(operand, elementwise), &value.shape)?]);
    }
    let axes = if axes.is_empty() {
        (0..value.rank()).collect()
    } else {
        axes.iter().map(|at| axis(*at, value.rank())).collect::<Result<Vec<_>, _>>()?
    };
    builder.charge(value.len())?;
    let operand = builder.operand(value)?;
    let kernel = Reduce::new(operand, reduction, groups(&value.shape, &axes)?);
    Ok(vec![builder.emit_one(kernel, &reduced_shape(&value.shape, &axes, keep))?])
}

pub(super) fn position(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let value = inputs.need(0)?.float()?;
    let at = axis(node.int("axis", 0), value.rank())?;
    let keep = node.int("keepdims", 1) != 0;
    if node.int("select_last_index", 0) != 0 {
        return Err(unsupported("select_last_index = 1; supported is 0"));
    }
    let reduction = if node.operator == "ArgMax" { Reduction::ArgMax } else { Reduction::ArgMin };
    builder.charge(value.len())?;
    let operand = builder.operand(value)?;
    let kernel = Reduce::new(operand, reduction, groups(&value.shape, &[at])?);
    builder.emit(kernel, &[(Element::I64, reduced_shape(&value.shape, &[at], keep))], 0)
}
