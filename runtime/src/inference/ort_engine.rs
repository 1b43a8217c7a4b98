//! ONNX Runtime as an [`Engine`].
//!
//! Everything that can be is made at load: the session, a tensor for every input and output, the names. What a run still
//! allocates is the library's own (9 to 115 times, whatever the API): it must not run in the cycle.
#![allow(unsafe_code)]

use super::library::{self, LibraryError};
use ort::{
    AsPointer,
    memory::Allocator,
    session::{
        RunOptions, Session, SessionInputValue,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
    value::{DynTensor, Outlet, PrimitiveTensorElementType, TensorElementType, ValueType},
};
use sensai_inference::{
    Element, Engine, RunError, TensorInfo,
    engine::{check_run, holds},
};
use std::{
    ffi::{CString, c_char},
    ptr,
    sync::Arc,
};

/// Inputs, and outputs, that a model may have: as many as a description can name.
const PORTS_MAX: usize = 16;

/// Values of one tensor.
const TENSOR_LEN_MAX: usize = 1 << 24;

/// Runs before the first one that counts: the library allocates its memory patterns in them.
pub const WARM_UP_RUNS: u32 = 10;

/// A model that ONNX Runtime does not run, or not as a block of a cycle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrtError {
    /// There is no library.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The library's own words about the model.
    #[error("ONNX Runtime refuses it: {0}")]
    Refused(String),
    /// Its inputs or outputs are none that a cell has.
    #[error("{0}")]
    Port(String),
}

impl<R> From<ort::Error<R>> for OrtError {
    fn from(error: ort::Error<R>) -> Self {
        Self::Refused(error.message().trim().to_owned())
    }
}

/// A session on one thread, with its tensors.
pub struct OrtEngine {
    session: Session,
    options: Arc<RunOptions>,
    inputs: Ports,
    outputs: Ports,
}

/// The inputs, or the outputs.
struct Ports {
    infos: Vec<TensorInfo>,
    names: Vec<CString>,
    tensors: Vec<DynTensor>,
}

/// Ends a run that another thread is in, as soon as the node that it is in has come to its end.
#[derive(Clone)]
pub struct Terminator(Arc<RunOptions>);

impl Terminator {
    /// Ask for it.
    pub fn terminate(&self) {
        // It only sets a flag.
        let _ = self.0.terminate();
    }
}

impl OrtEngine {
    /// From the bytes of a model file, with a run on zeros where shapes are open. Not on a real-time thread, and on the
    /// thread that is to run it.
    ///
    /// # Errors
    /// No library, a model that it refuses, or inputs and outputs that are no tensors of a known size.
    pub fn load(bytes: &[u8]) -> Result<Self, OrtError> {
        let mut session = session(bytes)?;
        let inputs = input_ports(session.inputs())?;
        let outputs = output_ports(&mut session, &inputs)?;
        Ok(Self { session, options: Arc::new(RunOptions::new()?), inputs, outputs })
    }

    /// [`WARM_UP_RUNS`] runs on zeros.
    ///
    /// # Errors
    /// The first that fails.
    pub fn warm_up(&mut self) -> Result<(), RunError> {
        (0..WARM_UP_RUNS).try_for_each(|_| self.run_raw())
    }

    /// For the thread that looks after this one's runs.
    pub fn terminator(&self) -> Terminator {
        Terminator(Arc::clone(&self.options))
    }

    /// Let runs through again after one was ended by [`Terminator::terminate`].
    pub fn rearm(&self) {
        // It only clears a flag.
        let _ = self.options.unterminate();
    }

    /// The input tensors' values in the library's own memory, where all of them are `f32`: for measurements that leave
    /// copying and converting aside.
    pub fn raw_input(&mut self, index: usize) -> Option<&mut [f32]> {
        Some(self.inputs.tensors.get_mut(index)?.try_extract_tensor_mut().ok()?.1)
    }

    /// An output of the last run, as [`OrtEngine::raw_input`].
    pub fn raw_output(&self, index: usize) -> Option<&[f32]> {
        Some(self.outputs.tensors.get(index)?.try_extract_tensor().ok()?.1)
    }

    /// One run on the tensors as they are, through the library's C interface.
    ///
    /// # Errors
    /// The library's words.
    pub fn run_raw(&mut self) -> Result<(), RunError> {
        let (mut input_names, mut output_names) =
            ([ptr::null::<c_char>(); PORTS_MAX], [ptr::null(); PORTS_MAX]);
        let (mut inputs, mut outputs) = ([ptr::null(); PORTS_MAX], [ptr::null_mut(); PORTS_MAX]);
        for (place, name) in input_names.iter_mut().zip(&self.inputs.names) {
            *place = name.as_ptr();
        }
        for (place, name) in output_names.iter_mut().zip(&self.outputs.names) {
            *place = name.as_ptr();
        }
        for (place, tensor) in inputs.iter_mut().zip(&self.inputs.tensors) {
            *place = tensor.ptr();
        }
        for (place, tensor) in outputs.iter_mut().zip(&mut self.outputs.tensors) {
            *place = tensor.ptr_mut();
        }
        // SAFETY: session, options, names and tensors live in `self`, which is borrowed exclusively; the first `len`
        // places of each array were filled just now, and `load` admits no more than there are places. Output tensors
        // that are given are written in place; the library checks their types and shapes.
        let status = unsafe {
            (ort::api().Run)(
                self.session.ptr_mut(),
                self.options.ptr(),
                input_names.as_ptr(),
                inputs.as_ptr(),
                self.inputs.tensors.len(),
                output_names.as_ptr(),
                self.outputs.tensors.len(),
                outputs.as_mut_ptr(),
            )
        };
        // SAFETY: the status is the one that the library just returned, and nobody else has it.
        let result = unsafe { ort::Error::<()>::result_from_status(status) };
        result.map_err(|error| RunError::Foreign(error.message().trim().into()))
    }
}

impl Engine for OrtEngine {
    fn name(&self) -> &'static str {
        "ort"
    }

    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs.infos
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs.infos
    }

    fn run(&mut self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> Result<(), RunError> {
        check_run((&self.inputs.infos, &self.outputs.infos), inputs, outputs)?;
        for (index, (info, values)) in self.inputs.infos.iter().zip(inputs).enumerate() {
            if let Some(position) = values.iter().position(|value| !holds(info.element, *value)) {
                let value = values[position];
                return Err(RunError::Value { index, position, value, element: info.element });
            }
        }
        for ((info, tensor), values) in self.inputs.infos.iter().zip(&mut self.inputs.tensors).zip(inputs) {
            write(info.element, tensor, values).map_err(foreign)?;
        }
        self.run_raw()?;
        for ((info, tensor), values) in self.outputs.infos.iter().zip(&self.outputs.tensors).zip(outputs) {
            read(info.element, tensor, values).map_err(foreign)?;
        }
        Ok(())
    }
}

fn foreign(error: ort::Error) -> RunError {
    RunError::Foreign(error.message().into())
}

/// One thread, no spinning, all optimizations: its own defaults are for servers.
fn session(bytes: &[u8]) -> Result<Session, OrtError> {
    let builder: SessionBuilder = Session::builder(library::environment()?)?;
    let mut builder = builder
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_optimization_level(GraphOptimizationLevel::Level3)?;
    Ok(builder.commit_from_memory(bytes)?)
}

/// A port's element type and extents, -1 where they are open.
fn tensor_of(what: &str, outlet: &Outlet) -> Result<(Element, Vec<i64>), OrtError> {
    let name = outlet.name();
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else {
        let help = "a classifier has to be exported without ZipMap (`zipmap=False`)";
        return Err(OrtError::Port(format!(
            "{what} `{name}` is {}, expected a tensor; {help}",
            outlet.dtype()
        )));
    };
    let element = element(*ty).ok_or_else(|| {
        OrtError::Port(format!(
            "{what} `{name}` holds {ty}, expected float, double, bool or an integer up to int64"
        ))
    })?;
    Ok((element, shape.to_vec()))
}

const fn element(of: TensorElementType) -> Option<Element> {
    Some(match of {
        TensorElementType::Float32 => Element::F32,
        TensorElementType::Uint8 => Element::U8,
        TensorElementType::Int8 => Element::I8,
        TensorElementType::Int32 => Element::I32,
        TensorElementType::Int64 => Element::I64,
        TensorElementType::Bool => Element::Bool,
        TensorElementType::Float64 => Element::F64,
        _ => return None,
    })
}

const fn element_type(of: Element) -> TensorElementType {
    match of {
        Element::U8 => TensorElementType::Uint8,
        Element::I8 => TensorElementType::Int8,
        Element::I32 => TensorElementType::Int32,
        Element::I64 => TensorElementType::Int64,
        Element::Bool => TensorElementType::Bool,
        Element::F64 => TensorElementType::Float64,
        _ => TensorElementType::Float32,
    }
}

impl Ports {
    fn none() -> Self {
        Self { infos: Vec::new(), names: Vec::new(), tensors: Vec::new() }
    }

    fn push(&mut self, what: &str, name: &str, element: Element, shape: Vec<usize>) -> Result<(), OrtError> {
        if self.infos.len() == PORTS_MAX {
            return Err(OrtError::Port(format!("it has more than {PORTS_MAX} {what}s")));
        }
        let info = TensorInfo { name: name.to_owned(), shape, element };
        if info.is_empty() || info.len() > TENSOR_LEN_MAX {
            let (shape, len) = (&info.shape, info.len());
            return Err(OrtError::Port(format!(
                "{what} `{name}` has {len} values, shape {shape:?}; expected 1 to {TENSOR_LEN_MAX}"
            )));
        }
        let tensor = DynTensor::new(&Allocator::default(), element_type(element), info.shape.as_slice())?;
        let name = CString::new(name)
            .map_err(|_| OrtError::Port(format!("{what} `{name}` has a NUL character in its name")))?;
        self.tensors.push(tensor);
        self.names.push(name);
        self.infos.push(info);
        Ok(())
    }
}

/// The first extent may be open: it is the batch, which is 1 here.
fn input_ports(outlets: &[Outlet]) -> Result<Ports, OrtError> {
    let mut ports = Ports::none();
    for outlet in outlets {
        let (element, shape) = tensor_of("input", outlet)?;
        let extent = |(axis, extent): (usize, &i64)| match (axis, usize::try_from(*extent)) {
            (_, Ok(extent)) => Ok(extent),
            (0, Err(_)) => Ok(1),
            (axis, Err(_)) => Err(OrtError::Port(format!(
                "input `{}`, dimension {axis}: its size is open; export the model with fixed sizes (only the batch may be open)",
                outlet.name()
            ))),
        };
        let shape = shape.iter().enumerate().map(extent).collect::<Result<Vec<_>, _>>()?;
        ports.push("input", outlet.name(), element, shape)?;
    }
    Ok(ports)
}

/// Extents that the model leaves open are those of a run on zeros.
fn output_ports(session: &mut Session, inputs: &Ports) -> Result<Ports, OrtError> {
    let declared: Vec<(String, Element, Vec<i64>)> = session
        .outputs()
        .iter()
        .map(|outlet| {
            tensor_of("output", outlet).map(|(element, shape)| (outlet.name().to_owned(), element, shape))
        })
        .collect::<Result<_, _>>()?;
    let mut found: Vec<Vec<i64>> = declared.iter().map(|(.., shape)| shape.clone()).collect();
    // A scalar and an unknown rank look alike.
    let open = |shape: &Vec<i64>| shape.is_empty() || shape.iter().any(|extent| *extent < 0);
    if found.iter().any(open) {
        let values: Vec<SessionInputValue<'_>> = inputs.tensors.iter().map(SessionInputValue::from).collect();
        let results = session.run(values.as_slice())?;
        for ((name, ..), shape) in declared.iter().zip(&mut found) {
            if let Some(ValueType::Tensor { shape: got, .. }) = results.get(name).map(|value| value.dtype()) {
                *shape = got.to_vec();
            }
        }
    }
    let mut ports = Ports::none();
    for ((name, element, _), shape) in declared.into_iter().zip(found) {
        let shape = shape.iter().map(|extent| usize::try_from(*extent).unwrap_or(0)).collect();
        ports.push("output", &name, element, shape)?;
    }
    Ok(ports)
}

fn write(element: Element, tensor: &mut DynTensor, values: &[f32]) -> ort::Result<()> {
    // Every value is one of the type, as the caller has asked `holds`: nothing is lost.
    match element {
        Element::U8 => put(tensor, values, |value| value as u8),
        Element::I8 => put(tensor, values, |value| value as i8),
        Element::I32 => put(tensor, values, |value| value as i32),
        Element::I64 => put(tensor, values, |value| value as i64),
        Element::Bool => put(tensor, values, |value| value != 0.0),
        Element::F64 => put(tensor, values, f64::from),
        _ => put(tensor, values, |value| value),
    }
}

fn put<T: PrimitiveTensorElementType>(
    tensor: &mut DynTensor,
    values: &[f32],
    convert: impl Fn(f32) -> T,
) -> ort::Result<()> {
    let (_, places) = tensor.try_extract_tensor_mut::<T>()?;
    places.iter_mut().zip(values).for_each(|(place, value)| *place = convert(*value));
    Ok(())
}

fn read(element: Element, tensor: &DynTensor, values: &mut [f32]) -> ort::Result<()> {
    match element {
        Element::U8 => get(tensor, values, |value: u8| f32::from(value)),
        Element::I8 => get(tensor, values, |value: i8| f32::from(value)),
        Element::I32 => get(tensor, values, |value: i32| value as f32),
        Element::I64 => get(tensor, values, |value: i64| value as f32),
        Element::Bool => get(tensor, values, |value: bool| f32::from(u8::from(value))),
        Element::F64 => get(tensor, values, |value: f64| value as f32),
        _ => get(tensor, values, |value: f32| value),
    }
}

fn get<T: PrimitiveTensorElementType + Copy>(
    tensor: &DynTensor,
    values: &mut [f32],
    convert: impl Fn(T) -> f32,
) -> ort::Result<()> {
    let (_, found) = tensor.try_extract_tensor::<T>()?;
    for (value, found) in values.iter_mut().zip(found) {
        let converted = convert(*found);
        *value = if converted.is_nan() { f32::NAN } else { converted };
    }
    Ok(())
}
