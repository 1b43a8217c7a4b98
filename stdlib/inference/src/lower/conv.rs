//! Convolution and pooling.

use super::{Builder, Inputs, Lowered, Value};
use crate::{
    Element,
    error::{Refusal, broken, unsupported},
    graph::Node,
    kernels::{
        conv::{Conv, Extents, Window},
        dense::pack,
        movement::{Copy, Run},
        pool::{Pool, Pooling},
    },
    tensor::count,
};

/// The window of a node over one or two axes, with padding; one axis is handled as two, the first of which is 1.
struct Geometry {
    window: Window,
    /// Before padding.
    input: [usize; 2],
    before: [usize; 2],
    /// As the attributes say, without what `ceil_mode` adds.
    after: [usize; 2],
    /// Shape of the output behind batch and channels.
    output: Vec<usize>,
}

/// Pads, strides and the like beyond this are no window any more.
const MAX_EXTENT: i64 = 1 << 24;

impl Geometry {
    fn read(node: &Node, spatial: &[usize], kernel: &[usize]) -> Result<Self, Refusal> {
        let axes = spatial.len();
        if !(1..=2).contains(&axes) {
            return Err(unsupported(format!("{axes} spatial dimensions, supported are 1 and 2")));
        }
        let list = |name: &str, count: usize, default: i64| -> Result<Vec<usize>, Refusal> {
            let values = node.ints(name).map_or_else(|| vec![default; count], <[i64]>::to_vec);
            if values.len() != count {
                return Err(broken(format!("{name} has {} values, expected {count}", values.len())));
            }
            let fits = |value: &i64| (0..=MAX_EXTENT).contains(value);
            match values.iter().find(|value| !fits(value)) {
                Some(value) => Err(unsupported(format!("{name} = {value}; supported is 0 to {MAX_EXTENT}"))),
                None => Ok(values.into_iter().map(|value| value as usize).collect()),
            }
        };
        let strides = list("strides", axes, 1)?;
        let dilations = list("dilations", axes, 1)?;
        let pads = list("pads", 2 * axes, 0)?;
        if strides.contains(&0) || dilations.contains(&0) || kernel.contains(&0) {
            return Err(broken("a stride, dilation or kernel of 0"));
        }
        let auto = node.text("auto_pad", "NOTSET");
        let ceil = node.int("ceil_mode", 0) != 0;
        let mut geometry = Self {
            window: Window {
                input: [1; 2],
                output: [1; 2],
                kernel: [1; 2],
                stride: [1; 2],
                dilation: [1; 2],
            },
            input: [1; 2],
            before: [0; 2],
            after: [0; 2],
            output: Vec::new(),
        };
        for axis in 0..axes {
            let to = axis + 2 - axes;
            let one = Axis {
                extent: spatial[axis],
                reach: (kernel[axis] - 1).saturating_mul(dilations[axis]).saturating_add(1),
                stride: strides[axis],
            };
            let (before, after, output) = one.place(auto, [pads[axis], pads[axes + axis]], ceil)?;
            let needed = (output - 1).saturating_mul(one.stride).saturating_add(one.reach);
            geometry.window.kernel[to] = kernel[axis];
            geometry.window.stride[to] = strides[axis];
            geometry.window.dilation[to] = dilations[axis];
            geometry.window.output[to] = output;
            geometry.window.input[to] = needed.max(one.extent.saturating_add(before));
            geometry.input[to] = one.extent;
            geometry.before[to] = before;
            geometry.after[to] = after;
            geometry.output.push(output);
        }
        count(&geometry.window.input)?;
        count(&geometry.window.output)?;
        if geometry.window.fits() {
            Ok(geometry)
        } else {
            Err(broken(format!("a window {kernel:?} that does not fit into {spatial:?}")))
        }
    }

    fn is_padded(&self) -> bool {
        self.window.input != self.input
    }

    /// The planes with a margin all around.
    fn pad(&self, value: &Value, planes: usize, fill: f32, builder: &mut Builder) -> Result<Value, Refusal> {
        if !self.is_padded() {
            return Ok(value.clone());
        }
        let source = builder.operand(value)?;
        let ([rows, columns], [height, width]) = (self.input, self.window.input);
        let len = count(&[planes, height, width])?;
        builder.charge(planes.saturating_mul(rows))?;
        let run = |plane: usize, row: usize| Run {
            source: source.part((plane * rows + row) * columns, columns),
            to: (plane * height + row + self.before[0]) * width + self.before[1],
        };
        let runs = (0..planes).flat_map(|plane| (0..rows).map(move |row| run(plane, row)));
        builder.emit_one(Copy::new(runs.collect(), len, Some(fill)), &[planes, height, width])
    }
}

/// One axis of a window.
struct Axis {
    extent: usize,
    /// From the first tap to the last, both counted.
    reach: usize,
    stride: usize,
}

impl Axis {
    /// Padding before and behind, and the number of positions.
    fn place(&self, auto: &str, pads: [usize; 2], ceil: bool) -> Result<(usize, usize, usize), Refusal> {
        let Self { extent, reach, stride } = *self;
        let too_large = || broken(format!("a window of {reach} over {extent} values"));
        match auto {
            "NOTSET" | "VALID" => {
                let [before, after] = if auto == "VALID" { [0, 0] } else { pads };
                let room = (extent + before + after).checked_sub(reach).ok_or_else(too_large)?;
                let mut output = if ceil { room.div_ceil(stride) } else { room / stride } + 1;
                // A window that would begin in the padding behind is left out.
                if ceil && (output - 1) * stride >= extent + before {
                    output -= 1;
                }
                if output == 0 { Err(too_large()) } else { Ok((before, after, output)) }
            }
            "SAME_UPPER" | "SAME_LOWER" => {
                let output = extent.div_ceil(stride);
                let needed = output.saturating_sub(1).saturating_mul(stride).saturating_add(reach);
                let total = needed.saturating_sub(extent);
                let before = if auto == "SAME_UPPER" { total / 2 } else { total.div_ceil(2) };
                if output == 0 { Err(too_large()) } else { Ok((before, total - before, output)) }
            }
            other => {
                Err(broken(format!("auto_pad = {other}, expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")))
            }
        }
    }
}

fn images(value: &Value) -> Result<(usize, usize, &[usize]), Refusal> {
    match value.shape.as_slice() {
        [batch, channels, spatial @ ..] if !spatial.is_empty() && value.len() > 0 => {
            Ok((*batch, *channels, spatial))
        }
        other => Err(broken(format!("an input of shape {other:?}, expected batch, channels, positions"))),
    }
}

pub(super) fn conv(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let (input, weights) = (inputs.need(0)?.float()?, inputs.need(1)?.float()?);
    let (batch, channels, spatial) = images(input)?;
    let Some(([outputs, group_channels], kernel)) = weights.shape.split_first_chunk::<2>() else {
        return Err(broken(format!("weights of shape {:?}", weights.shape)));
    };
    let groups = usize::try_from(node.int("group", 1)).unwrap_or(0);
    let fits =
        groups > 0 && group_channels.checked_mul(groups) == Some(channels) && outputs.is_multiple_of(groups);
    if !fits || kernel.len() != spatial.len() || *outputs == 0 {
        let shape = &weights.shape;
        return Err(broken(format!("weights of shape {shape:?} in {groups} groups for {:?}", input.shape)));
    }
    if node
        .ints("kernel_shape")
        .is_some_and(|shape| shape.iter().ne(kernel.iter().map(|k| *k as i64).collect::<Vec<_>>().iter()))
    {
        return Err(broken(format!("kernel_shape and weights of shape {:?}", weights.shape)));
    }
    let geometry = Geometry::read(node, spatial, kernel)?;
    let values = weights.known("the weights")?.to_floats()?;
    let taps = group_channels * kernel.iter().product::<usize>();
    let extents = Extents { batch, groups, channels: *group_channels, outputs: outputs / groups };
    builder.charge(values.len())?;
    let mut packed = Vec::new();
    for group in 0..groups {
        let first = group * extents.outputs;
        packed.extend(pack(taps, extents.outputs, |tap, output| values[(first + output) * taps + tap]));
    }
    let packed = builder.constant(packed)?;
    let bias = match inputs.floats(2, "the bias")? {
        None => None,
        Some(bias) if bias.len() == *outputs => Some(builder.constant(bias)?),
        Some(bias) => return Err(broken(format!("{} biases for {outputs} channels", bias.len()))),
    };
    let padded = geometry.pad(input, batch * channels, 0.0, builder)?;
    let operand = builder.operand(&padded)?;
    let mut shape = vec![batch, *outputs];
    shape.extend(&geometry.output);
    count(&shape)?;
    Ok(vec![builder.emit_one(Conv::new(operand, packed, bias, extents, geometry.window), &shape)?])
}

pub(super) fn pool(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    let input = inputs.need(0)?.float()?;
    let (batch, channels, spatial) = images(input)?;
    let kernel = node.ints("kernel_shape").ok_or_else(|| broken("kernel_shape is missing"))?;
    let kernel: Option<Vec<usize>> = kernel.iter().map(|extent| usize::try_from(*extent).ok()).collect();
    let kernel = kernel.filter(|kernel| kernel.len() == spatial.len());
    let kernel = kernel.ok_or_else(|| broken(format!("kernel_shape for positions {spatial:?}")))?;
    // Only the order of the second output, which is not made.
    let _ = node.int("storage_order", 0);
    let geometry = Geometry::read(node, spatial, &kernel)?;
    let is_max = node.operator == "MaxPool";
    let planes = batch * channels;
    let (fill, pooling) = if is_max {
        (f32::NEG_INFINITY, Pooling::Max)
    } else {
        let all = node.int("count_include_pad", 0) != 0;
        (0.0, Pooling::Average { rows: geometry.divisors(0, all), columns: geometry.divisors(1, all) })
    };
    if let Pooling::Average { rows, columns } = &pooling
        && (rows.contains(&0.0) || columns.contains(&0.0))
    {
        return Err(unsupported("a window that lies in the padding only"));
    }
    let padded = geometry.pad(input, planes, fill, builder)?;
    let operand = builder.operand(&padded)?;
    let mut shape = vec![batch, channels];
    shape.extend(&geometry.output);
    let kernel = Pool::new(operand, planes, geometry.window, pooling);
    builder.emit(kernel, &[(Element::F32, shape)], 0)
}

impl Geometry {
    /// For each position along an axis, how many taps count.
    fn divisors(&self, axis: usize, padding_counts: bool) -> Vec<f32> {
        let Window { output, kernel, stride, dilation, .. } = self.window;
        let begin = self.before[axis];
        let end = begin + self.input[axis];
        let range = if padding_counts { 0..end + self.after[axis] } else { begin..end };
        let count = |position: usize| {
            (0..kernel[axis])
                .filter(|tap| range.contains(&(position * stride[axis] + tap * dilation[axis])))
                .count()
        };
        (0..output[axis]).map(|position| count(position) as f32).collect()
    }
}

pub(super) fn global_pool(node: &Node, inputs: &[Option<Value>], builder: &mut Builder) -> Lowered {
    use crate::kernels::reduction::{Places, Reduce, Reduction};
    let input = inputs.need(0)?.float()?;
    let (batch, channels, spatial) = images(input)?;
    let plane = count(spatial)?;
    let operand = builder.operand(input)?;
    let reduction = if node.operator == "GlobalMaxPool" { Reduction::Max } else { Reduction::Mean };
    let bases = (0..batch * channels).map(|index| (index * plane) as u32).collect();
    let places = Places::new(bases, (0..plane as u32).collect(), operand.len());
    let mut shape = vec![batch, channels];
    shape.extend(spatial.iter().map(|_| 1));
    Ok(vec![builder.emit_one(Reduce::new(operand, reduction, places), &shape)?])
}
