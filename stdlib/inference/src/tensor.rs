//! Shapes, and tensors whose values are known at load.

use crate::{
    Element,
    error::{Refusal, broken, unsupported},
    onnx::TensorProto,
};
use std::rc::Rc;

/// Values in all tensors of a plan together.
pub(crate) const MAX_ELEMENTS: usize = 16 << 20;
/// More dimensions than any operator here has a use for.
pub(crate) const MAX_RANK: usize = 8;
/// Integers up to here are the same as `f32`.
pub(crate) const MAX_EXACT_INTEGER: i64 = 1 << 24;

/// Number of values of a shape.
pub(crate) fn count(shape: &[usize]) -> Result<usize, Refusal> {
    if shape.len() > MAX_RANK {
        return Err(unsupported(format!("{} dimensions, supported are {MAX_RANK}", shape.len())));
    }
    let product = shape.iter().try_fold(1_usize, |product, extent| product.checked_mul(*extent));
    product
        .filter(|count| *count <= MAX_ELEMENTS)
        .ok_or_else(|| unsupported(format!("shape {shape:?} has more than {MAX_ELEMENTS} values")))
}

/// An axis as the standard counts: from the end if negative.
pub(crate) fn axis(value: i64, rank: usize) -> Result<usize, Refusal> {
    let signed_rank = rank as i64;
    let counted = if value < 0 { value.saturating_add(signed_rank) } else { value };
    if (0..signed_rank).contains(&counted) {
        Ok(counted as usize)
    } else {
        Err(broken(format!("axis {value} of {rank} dimensions")))
    }
}

/// The shape both broadcast to, by the rule of the standard (that of `NumPy`).
pub(crate) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Refusal> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], position: usize| {
        (position + shape.len()).checked_sub(rank).and_then(|index| shape.get(index).copied()).unwrap_or(1)
    };
    (0..rank)
        .map(|position| match (extent(a, position), extent(b, position)) {
            (a, b) if a == b => Ok(a),
            (1, other) | (other, 1) => Ok(other),
            _ => Err(broken(format!("shapes {a:?} and {b:?} do not broadcast"))),
        })
        .collect()
}

/// For each value of `to`, the index of the value of `from` that broadcasts there.
pub(crate) fn broadcast_map(from: &[usize], to: &[usize]) -> Vec<u32> {
    let missing = to.len().saturating_sub(from.len());
    let strides = strides(from);
    let steps: Vec<usize> = (0..to.len())
        .map(|position| match position.checked_sub(missing) {
            Some(index) if from[index] != 1 => strides[index],
            _ => 0,
        })
        .collect();
    strided_map(to, &steps, 0)
}

/// Distance between neighbours along each axis, row-major.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut result = vec![1; shape.len()];
    for index in (1..shape.len()).rev() {
        result[index - 1] = result[index] * shape[index];
    }
    result
}

/// For each value of a tensor of `shape`, row by row: `start` + Σ position · step.
pub(crate) fn strided_map(shape: &[usize], steps: &[usize], start: usize) -> Vec<u32> {
    let signed: Vec<isize> = steps.iter().map(|step| *step as isize).collect();
    signed_map(shape, &signed, start)
}

/// The same with steps that may go backwards.
pub(crate) fn signed_map(shape: &[usize], steps: &[isize], start: usize) -> Vec<u32> {
    let mut map = vec![start as isize];
    for (extent, step) in shape.iter().zip(steps) {
        let mut wider = Vec::with_capacity(map.len() * extent);
        for base in &map {
            wider.extend((0..*extent).map(|position| base + position as isize * step));
        }
        map = wider;
    }
    map.into_iter().map(|index| index as u32).collect()
}

/// Values known at load. Integers stay integers: shapes and bounds use all of their range.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    Float(Vec<f32>),
    Integer(Vec<i64>),
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Integer(values) => values.len(),
        }
    }

    /// The values at these indices, which the caller has made for this length.
    pub(crate) fn pick(&self, indices: &[u32]) -> Self {
        match self {
            Self::Float(values) => Self::Float(indices.iter().map(|index| values[*index as usize]).collect()),
            Self::Integer(values) => {
                Self::Integer(indices.iter().map(|index| values[*index as usize]).collect())
            }
        }
    }

    /// As the engine computes.
    pub(crate) fn to_floats(&self) -> Result<Vec<f32>, Refusal> {
        match self {
            Self::Float(values) => Ok(values.clone()),
            Self::Integer(values) => {
                let exact = |value: &i64| {
                    let fits = (-MAX_EXACT_INTEGER..=MAX_EXACT_INTEGER).contains(value);
                    fits.then_some(*value as f32).ok_or_else(|| {
                        unsupported(format!(
                            "the constant {value} is used in a computation; integers there go to 2^24"
                        ))
                    })
                };
                values.iter().map(exact).collect()
            }
        }
    }
}

/// A tensor whose values are known at load.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    pub element: Element,
    pub shape: Vec<usize>,
    pub values: Rc<Values>,
}

impl Constant {
    /// From the file, every length checked.
    pub(crate) fn read(tensor: &TensorProto) -> Result<Self, Refusal> {
        if tensor.data_location == Some(1) {
            return Err(unsupported(
                "its values are in another file; save the model with its data inside, as one file",
            ));
        }
        let number = tensor.data_type.unwrap_or(0);
        let element = Element::from_onnx(number).ok_or_else(|| {
            unsupported(format!(
                "element type {number}; supported are float, double, int8, uint8, int32, int64, bool"
            ))
        })?;
        let extent = |extent: &i64| {
            usize::try_from(*extent).map_err(|_| broken(format!("an extent of {extent} in its shape")))
        };
        let shape: Vec<usize> = tensor.dims.iter().map(extent).collect::<Result<_, _>>()?;
        let expected = count(&shape)?;
        let values = match &tensor.raw_data {
            Some(bytes) => from_bytes(element, bytes, expected)?,
            None => from_fields(element, tensor),
        };
        if values.len() != expected {
            return Err(broken(format!("{} values for shape {shape:?}", values.len())));
        }
        Ok(Self { element, shape, values: Rc::new(values) })
    }
}

fn from_fields(element: Element, tensor: &TensorProto) -> Values {
    match element {
        Element::F32 => Values::Float(tensor.float_data.clone()),
        Element::F64 => Values::Float(tensor.double_data.iter().map(|value| *value as f32).collect()),
        Element::I64 => Values::Integer(tensor.int64_data.clone()),
        _ => Values::Integer(tensor.int32_data.iter().map(|value| i64::from(*value)).collect()),
    }
}

fn from_bytes(element: Element, bytes: &[u8], expected: usize) -> Result<Values, Refusal> {
    fn words<const N: usize, T>(bytes: &[u8], make: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|word| make(*word)).collect()
    }
    let size = match element {
        Element::U8 | Element::I8 | Element::Bool => 1,
        Element::F32 | Element::I32 => 4,
        Element::I64 | Element::F64 => 8,
    };
    if bytes.len() != expected * size {
        return Err(broken(format!("{} bytes of data, expected {}", bytes.len(), expected * size)));
    }
    Ok(match element {
        Element::F32 => Values::Float(words(bytes, f32::from_le_bytes)),
        Element::F64 => Values::Float(words(bytes, |word| f64::from_le_bytes(word) as f32)),
        Element::U8 => Values::Integer(words(bytes, |[byte]| i64::from(byte))),
        Element::Bool => Values::Integer(words(bytes, |[byte]| i64::from(byte != 0))),
        Element::I8 => Values::Integer(words(bytes, |[byte]| i64::from(byte as i8))),
        Element::I32 => Values::Integer(words(bytes, |word| i64::from(i32::from_le_bytes(word)))),
        Element::I64 => Values::Integer(words(bytes, i64::from_le_bytes)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_the_standard() {
        assert_eq!(broadcast(&[2, 3, 4], &[3, 1]), Ok(vec![2, 3, 4]));
        assert_eq!(broadcast(&[1], &[]), Ok(vec![1]));
        assert!(broadcast(&[2], &[3]).is_err());
        assert_eq!(broadcast_map(&[2, 1], &[2, 3]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(broadcast_map(&[3], &[2, 3]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(broadcast_map(&[], &[2]), [0, 0]);
        assert_eq!(signed_map(&[2, 2], &[1, -2], 2), [2, 0, 3, 1]);
    }

    #[test]
    fn a_tensor_of_another_length_is_refused() {
        let text = |tensor: TensorProto| Constant::read(&tensor).expect_err("refused").finding;
        let tensor = TensorProto { dims: vec![2], data_type: Some(1), ..Default::default() };
        assert_eq!(text(tensor.clone()), "0 values for shape [2]");
        assert_eq!(
            text(TensorProto { raw_data: Some(vec![0; 7]), ..tensor.clone() }),
            "7 bytes of data, expected 8"
        );
        assert_eq!(text(TensorProto { dims: vec![-1], ..tensor.clone() }), "an extent of -1 in its shape");
        let huge = vec![i64::MAX, i64::MAX];
        assert!(text(TensorProto { dims: huge, ..tensor.clone() }).ends_with("more than 16777216 values"));
        assert!(
            text(TensorProto { data_location: Some(1), ..tensor })
                .starts_with("its values are in another file")
        );
    }

    #[test]
    fn integers_keep_their_range() {
        let tensor = TensorProto {
            data_type: Some(7),
            raw_data: Some(i64::MAX.to_le_bytes().to_vec()),
            ..Default::default()
        };
        let constant = Constant::read(&tensor).expect("it fits");
        assert_eq!((constant.shape.len(), &*constant.values), (0, &Values::Integer(vec![i64::MAX])));
        assert!(constant.values.to_floats().is_err());
        assert_eq!(axis(-1, 3), Ok(2));
        assert!(axis(i64::MIN, 3).is_err() && axis(3, 3).is_err());
    }
}
