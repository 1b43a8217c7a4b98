//! Models of our own with what ONNX Runtime computes for them: for the operators that the standard has no tests of,
//! and for combinations. `../data/make.py` made them.

use crate::support::{cases, differences, folders, run};
use std::path::Path;

#[test]
fn as_onnx_runtime_computes() {
    let folders = folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data"));
    assert!(folders.len() >= 44, "{} models", folders.len());
    let mut failures = Vec::new();
    for case in folders.iter().flat_map(|folder| cases(folder)) {
        // Once as it is, once with all inputs known at load.
        for open in [case.inputs.len(), 0] {
            let inputs = case.values(open).expect("floats");
            match run(&case.frozen(open), &inputs) {
                Ok((plan, got)) => {
                    let texts = differences(&case, &plan, &got);
                    failures.extend(texts.iter().map(|text| format!("{} ({open} open): {text}", case.name)));
                }
                Err(findings) if case.name == "refused_two_scores" => {
                    let text = findings[0].to_string();
                    assert!(text.contains("leaves that set both scores") && findings.len() == 1, "{text}");
                }
                Err(findings) => {
                    failures.extend(findings.iter().map(|finding| format!("{}: {finding}", case.name)));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
