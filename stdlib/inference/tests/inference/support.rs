//! Models and their expected results in the layout of the ONNX standard's own tests.

use prost::Message;
use sensai_inference::{
    Element, Engine, LoadError, Plan,
    onnx::{ModelProto, TensorProto},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A model, and inputs with the outputs they should give.
pub struct Case {
    pub name: String,
    pub model: ModelProto,
    pub inputs: Vec<TensorProto>,
    pub outputs: Vec<TensorProto>,
}

/// Values of a tensor as the engine takes them: `None` for a type or a value that it does not take.
pub fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    fn words<const N: usize>(bytes: &[u8], make: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks::<N>().0.iter().map(|word| make(*word)).collect()
    }
    let element = Element::from_onnx(tensor.data_type?)?;
    let integers = |values: &[i32]| values.iter().map(|value| f64::from(*value)).collect();
    let wide: Vec<f64> = match (&tensor.raw_data, element) {
        (Some(raw), Element::F32) => words(raw, |word| f64::from(f32::from_le_bytes(word))),
        (Some(raw), Element::I64) => words(raw, |word| i64::from_le_bytes(word) as f64),
        (Some(raw), Element::I32) => words(raw, |word| f64::from(i32::from_le_bytes(word))),
        (Some(raw), Element::I8) => words(raw, |[byte]| f64::from(byte as i8)),
        (Some(raw), Element::U8 | Element::Bool) => words(raw, |[byte]| f64::from(byte)),
        (None, Element::F32) => tensor.float_data.iter().map(|value| f64::from(*value)).collect(),
        (None, Element::I64) => tensor.int64_data.iter().map(|value| *value as f64).collect(),
        (None, Element::I32 | Element::I8 | Element::U8 | Element::Bool) => integers(&tensor.int32_data),
        _ => return None,
    };
    let narrow: Vec<f32> = wide.iter().map(|value| *value as f32).collect();
    let exact = element == Element::F32 || wide.iter().zip(&narrow).all(|(a, b)| *a == f64::from(*b));
    exact.then_some(narrow)
}

/// Folders below `root` that hold a `model.onnx`, in order.
pub fn folders(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut folders: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.retain(|folder| folder.join("model.onnx").is_file());
    folders.sort();
    folders
}

/// Every data set of a folder; none for one whose data is something else than tensors.
pub fn cases(folder: &Path) -> Vec<Case> {
    let bytes = fs::read(folder.join("model.onnx")).expect("the model can be read");
    let Ok(model) = ModelProto::decode(bytes.as_slice()) else { return Vec::new() };
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sets = (0..).map(|index| folder.join(format!("test_data_set_{index}")));
    let sets = sets.take_while(|set| set.is_dir());
    let read = |set: &Path, kind: &str| {
        let files =
            (0..).map(|index| set.join(format!("{kind}_{index}.pb"))).take_while(|file| file.is_file());
        let tensors =
            files.map(|file| TensorProto::decode(fs::read(file).expect("it can be read").as_slice()));
        tensors.collect::<Result<Vec<_>, _>>().ok()
    };
    let case = |set: PathBuf| {
        let (inputs, outputs) = (read(&set, "input")?, read(&set, "output")?);
        Some(Case { name: name.clone(), model: model.clone(), inputs, outputs })
    };
    sets.filter_map(case).collect()
}

impl Case {
    /// The model with all inputs behind the first `open` ones made constant.
    pub fn frozen(&self, open: usize) -> ModelProto {
        let mut model = self.model.clone();
        if let Some(graph) = &mut model.graph {
            let constants = graph.initializer.iter().map(|tensor| tensor.name.clone()).collect::<Vec<_>>();
            let names: Vec<_> = graph.input.iter().map(|input| input.name.clone()).collect();
            let names = names.into_iter().filter(|name| !constants.contains(name));
            for (name, tensor) in names.zip(&self.inputs).skip(open) {
                graph.initializer.push(TensorProto { name, ..tensor.clone() });
            }
        }
        model
    }

    /// The inputs that the first `open` ones are.
    pub fn values(&self, open: usize) -> Option<Vec<Vec<f32>>> {
        self.inputs.iter().take(open).map(floats).collect()
    }
}

/// What differs.
pub fn differences(case: &Case, plan: &Plan, got: &[Vec<f32>]) -> Vec<String> {
    let mut texts = Vec::new();
    if got.len() != case.outputs.len() {
        texts.push(format!("{} outputs, expected {}", got.len(), case.outputs.len()));
    }
    for (index, ((info, got), expected)) in plan.outputs().iter().zip(got).zip(&case.outputs).enumerate() {
        let shape: Vec<i64> = info.shape.iter().map(|extent| *extent as i64).collect();
        let element = expected.data_type.and_then(Element::from_onnx);
        if shape != expected.dims || Some(info.element) != element {
            let dims = &expected.dims;
            texts.push(format!("output {index}: {} {shape:?}, expected {element:?} {dims:?}", info.element));
            continue;
        }
        let Some(values) = floats(expected) else {
            texts.push(format!("output {index}: its expected values are no floats"));
            continue;
        };
        // Some expectations are written out by hand, to four digits behind the point.
        let is_rounded =
            |value: &f32| (f64::from(*value) * 1e4 - (f64::from(*value) * 1e4).round()).abs() < 1e-3;
        let is_integer = |value: &f32| value.fract() == 0.0;
        let by_hand = values.iter().all(is_rounded) && !values.iter().all(is_integer);
        let absolute = if by_hand { 1e-4 } else { 1e-6 };
        let same = |got: f32, expected: f32| match info.element {
            Element::F32 => {
                let difference = (f64::from(got) - f64::from(expected)).abs();
                got == expected
                    || (got.is_nan() && expected.is_nan())
                    || difference <= absolute + 1e-5 * f64::from(expected.abs())
            }
            _ => got == expected,
        };
        let wrong = got.iter().zip(&values).position(|(got, expected)| !same(*got, *expected));
        if let Some(place) = wrong {
            texts.push(format!("output {index}, value {place}: {}, expected {}", got[place], values[place]));
        }
    }
    texts
}

/// Load and run.
pub fn run(model: &ModelProto, inputs: &[Vec<f32>]) -> Result<(Plan, Vec<Vec<f32>>), Vec<LoadError>> {
    let mut plan = Plan::load(&model.encode_to_vec())?;
    let outputs = run_plan(&mut plan, inputs);
    Ok((plan, outputs))
}

/// One run as an engine.
pub fn run_plan(plan: &mut Plan, inputs: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut outputs: Vec<Vec<f32>> = plan.outputs().iter().map(|info| vec![f32::NAN; info.len()]).collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let mut slices: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    plan.run(&inputs, &mut slices).expect("it runs");
    outputs
}
