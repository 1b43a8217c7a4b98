//! Golden vectors: inputs of a model with the outputs they must give, in the description or in a JSON file beside it.

use super::{
    fetch,
    fields::{Fields, Item},
    finding::Rule,
    schema,
    sink::Sink,
    tree::NodeValue,
};
use crate::cell::Golden;

/// Bytes of a golden vector's file.
const BYTES_MAX: usize = 4 << 20;
/// Largest difference where the description says none. Operators sum in another order than training did.
const TOLERANCE: f64 = 1e-4;

/// Read `golden` of the description in `folder`. The vectors are flat, in the order of the model's inputs and outputs.
pub(crate) fn read(
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    sink: &mut Sink<'_>,
    item: &Item<'_>,
    folder: &str,
) -> Option<Golden> {
    if let NodeValue::Text(path) = &item.node.value {
        let path = if folder.is_empty() { path.clone() } else { format!("{folder}/{path}") };
        let bytes = fetch(read, sink, item, &path, BYTES_MAX)?;
        return match from_json(&bytes) {
            Ok(golden) => Some(golden),
            Err(problem) => {
                item.find(sink, Rule::ModelFile, format!("`{path}` is no golden vector: {problem}"))
                    .help("write {\"inputs\": [...], \"outputs\": [...], \"tolerance\": 1e-4}, all numbers in the model's order");
                None
            }
        };
    }
    if !item.node.is_table() {
        let message = format!("expected a table or the path of a JSON file, got {}", item.node.kind());
        item.find(sink, Rule::WrongType, message)
            .help("write golden = \"stroke.golden.json\", or golden = { inputs = [...], outputs = [...] }");
        return None;
    }
    let fields = Fields::open(sink, item, schema::GOLDEN)?;
    let mut vector = |name: &str| {
        let item = fields.required(sink, name, "write all its numbers, in the model's order")?;
        let mut numbers = Vec::new();
        flatten(sink, &item, &mut numbers).then_some(numbers)
    };
    let (inputs, outputs) = (vector("inputs"), vector("outputs"));
    let tolerance = match fields.get("tolerance") {
        Some(item) => item.positive(sink)?,
        None => TOLERANCE,
    };
    Some(Golden { inputs: inputs?, outputs: outputs?, tolerance: tolerance as f32 })
}

/// The numbers of nested arrays, one after the other; false and a finding if there is anything else.
fn flatten(sink: &mut Sink<'_>, item: &Item<'_>, numbers: &mut Vec<f32>) -> bool {
    if let NodeValue::Array(_) = &item.node.value {
        let items = item.elements(sink, "numbers").unwrap_or_default();
        return items.iter().all(|item| flatten(sink, item, numbers));
    }
    let Some(number) = item.number(sink) else { return false };
    numbers.push(number as f32);
    let fits = (number as f32).is_finite();
    if !fits {
        item.find(sink, Rule::OutOfRange, "expected a number that a 32 bit float can hold");
    }
    fits
}

/// `{"inputs": [...], "outputs": [...], "tolerance": 1e-4}`.
fn from_json(bytes: &[u8]) -> Result<Golden, String> {
    use serde_json::Value;
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Value::Object(object) = &value else { return Err("it holds no object".to_owned()) };
    if let Some(key) = object.keys().find(|key| !schema::GOLDEN.keys.contains(&key.as_str())) {
        return Err(format!("unknown key `{key}`"));
    }
    let vector = |name: &str| {
        let value = object.get(name).ok_or_else(|| format!("`{name}` is missing"))?;
        let mut numbers = Vec::new();
        flatten_json(value, &mut numbers).map_err(|problem| format!("{problem} in `{name}`"))?;
        Ok::<_, String>(numbers)
    };
    let tolerance = match object.get("tolerance") {
        None => TOLERANCE,
        Some(value) => value
            .as_f64()
            .filter(|number| *number > 0.0 && number.is_finite())
            .ok_or("`tolerance` is no number above 0")?,
    };
    Ok(Golden { inputs: vector("inputs")?, outputs: vector("outputs")?, tolerance: tolerance as f32 })
}

fn flatten_json(value: &serde_json::Value, numbers: &mut Vec<f32>) -> Result<(), String> {
    if let serde_json::Value::Array(values) = value {
        return values.iter().try_for_each(|value| flatten_json(value, numbers));
    }
    let number = value.as_f64().map(|number| number as f32).filter(|number| number.is_finite());
    numbers.push(number.ok_or("there is something else than 32 bit numbers")?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nested_vectors_are_flat() {
        let golden = from_json(br#"{"inputs": [[1, 2.5], [[-3]]], "outputs": 4, "tolerance": 0.5}"#);
        let expected = Golden { inputs: vec![1.0, 2.5, -3.0], outputs: vec![4.0], tolerance: 0.5 };
        assert_eq!(golden, Ok(expected));
    }

    #[test]
    fn what_is_no_vector_is_refused() {
        for bad in [
            "",
            "[]",
            r#"{"inputs": [1]}"#,
            r#"{"inputs": ["1"], "outputs": []}"#,
            r#"{"inputs": [1e300], "outputs": []}"#,
            r#"{"inputs": [1], "outputs": [], "tolerance": 0}"#,
            r#"{"inputs": [1], "outputs": [], "other": 0}"#,
        ] {
            assert!(from_json(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = from_json(&bytes);
        }
    }
}
