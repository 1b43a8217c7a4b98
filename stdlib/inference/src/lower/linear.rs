//! Matrix products.

use super::{Builder, Inputs, Lowered, Value, elementwise::combine};
use crate::{
    Element,
    error::{Refusal, broken},
    graph::Node,
    kernels::{
        dense::{Dense, Product, pack},
        elementwise::Binary,
        movement::Gather,
    },
    tensor::{Values, broadcast, broadcast_map, count},
};

pub(super) fn matmul(_node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let (a, b) = (inputs.need(0)?.float()?, inputs.need(1)?.float()?);
    Ok(vec![product(a, b, builder)?])
}

/// `NumPy`'s `matmul`: vectors become matrices and go again, stacks of matrices broadcast.
fn product(a: &Value, b: &Value, builder: &mut Builder) -> Result<Value, Refusal> {
    if a.rank() == 0 || b.rank() == 0 {
        return Err(broken("a product with a scalar"));
    }
    let left = if a.rank() == 1 { a.reshaped(vec![1, a.len()]) } else { a.clone() };
    let right = if b.rank() == 1 { b.reshaped(vec![b.len(), 1]) } else { b.clone() };
    let (left_stack, [rows, depth]) = split(&left.shape)?;
    let (right_stack, [right_depth, width]) = split(&right.shape)?;
    if depth != right_depth {
        return Err(broken(format!("a product of shapes {:?} and {:?}", a.shape, b.shape)));
    }
    let stack = broadcast(left_stack, right_stack)?;
    let mut shape = stack.clone();
    shape.extend((a.rank() > 1).then_some(rows));
    shape.extend((b.rank() > 1).then_some(width));
    let total_rows = count(&stack)?.saturating_mul(rows);
    builder.charge(total_rows)?;
    let input = builder.operand(&left)?;
    if right_stack.iter().product::<usize>() == 1
        && let Some(values) = right.if_known()
    {
        let values = values.to_floats()?;
        builder.charge(values.len())?;
        if values.is_empty() {
            return Err(broken(format!("a product with a matrix of shape {:?}", b.shape)));
        }
        let packed = builder.constant(pack(depth, width, |row, column| values[row * width + column]))?;
        let kernel = Dense::new(input, packed, (total_rows, depth, width), 1.0, None);
        return builder.emit_one(kernel, &shape);
    }
    let matrix = builder.operand(&right)?;
    let left_maps = broadcast_map(left_stack, &stack);
    let right_maps = broadcast_map(right_stack, &stack);
    let pairs = left_maps.iter().zip(&right_maps);
    let places = pairs.flat_map(|(left, right)| {
        let first = *left as usize * rows * depth;
        let matrix = *right as usize * depth * width;
        (0..rows).map(move |row| ((first + row * depth) as u32, matrix as u32))
    });
    builder.emit_one(Product::new(input, matrix, depth, width, places.collect()), &shape)
}

fn split(shape: &[usize]) -> Result<(&[usize], [usize; 2]), Refusal> {
    match shape {
        [stack @ .., rows, columns] => Ok((stack, [*rows, *columns])),
        _ => Err(broken(format!("a matrix of shape {shape:?}"))),
    }
}

fn transposed(value: &Value, builder: &mut Builder) -> Result<Value, Refusal> {
    let [rows, columns] = matrix(value)?;
    builder.charge(rows * columns)?;
    let map: Vec<u32> =
        (0..columns).flat_map(|column| (0..rows).map(move |row| (row * columns + column) as u32)).collect();
    match value.if_known() {
        Some(values) => builder.known(value.element, vec![columns, rows], values.pick(&map)),
        None => {
            let operand = builder.operand(value)?;
            builder.emit_one(Gather::new(operand, map), &[columns, rows])
        }
    }
}

fn matrix(value: &Value) -> Result<[usize; 2], Refusal> {
    match value.shape.as_slice() {
        [rows, columns] => Ok([*rows, *columns]),
        other => Err(broken(format!("a matrix of shape {other:?}, expected two dimensions"))),
    }
}

/// alpha · A · B + beta · C.
pub(super) fn gemm(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
    let mut a = inputs.need(0)?.float()?.clone();
    let mut b = inputs.need(1)?.float()?.clone();
    if node.int("transA", 0) != 0 {
        a = transposed(&a, builder)?;
    }
    if node.int("transB", 0) != 0 {
        b = transposed(&b, builder)?;
    }
    let ([rows, depth], [right_depth, width]) = (matrix(&a)?, matrix(&b)?);
    if depth != right_depth {
        return Err(broken(format!("a product of {rows} × {depth} and {right_depth} × {width}")));
    }
    let c = inputs.may(2).map(Value::float).transpose()?;
    if let Some(c) = c
        && broadcast(&c.shape, &[rows, width])? != [rows, width]
    {
        return Err(broken(format!("C of shape {:?} for a result of {rows} × {width}", c.shape)));
    }
    // A bias of one row goes with the product.
    let row = match c.map(|c| (c, c.if_known())) {
        Some((c, Some(values))) if c.len() == width || c.len() == 1 => {
            if c.len() == width && c.shape.last() != Some(&width) { None } else { Some((c, values)) }
        }
        _ => None,
    };
    if let Some(weights) = b.if_known().map(Values::to_floats).transpose()?
        && (row.is_some() || c.is_none())
    {
        builder.charge(weights.len())?;
        let input = builder.operand(&a)?;
        let packed = builder.constant(pack(depth, width, |row, column| weights[row * width + column]))?;
        let bias = match row {
            None => None,
            Some((_, values)) => {
                let values = values.to_floats()?;
                let spread =
                    (0..width).map(|column| beta * values[if values.len() == 1 { 0 } else { column }]);
                Some(builder.constant(spread.collect())?)
            }
        };
        let kernel = Dense::new(input, packed, (rows, depth, width), alpha, bias);
        return Ok(vec![builder.emit_one(kernel, &[rows, width])?]);
    }
    let mut result = product(&a, &b, builder)?;
    let scaled = |value: &Value, factor: f32, builder: &mut Builder| {
        if factor == 1.0 {
            return Ok(value.clone());
        }
        let factor = builder.known(Element::F32, Vec::new(), Values::Float(vec![factor]))?;
        combine(Binary::Mul, Element::F32, value, &factor, builder)
    };
    result = scaled(&result, alpha, builder)?;
    if let Some(c) = c {
        let c = scaled(c, beta, builder)?;
        result = combine(Binary::Add, Element::F32, &result, &c, builder)?;
    }
    Ok(vec![result])
}
