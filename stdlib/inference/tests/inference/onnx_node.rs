//! The ONNX standard's own tests of its operators, which the Python package `onnx` brings.
//!
//! Every test is tried whose operators the engine has. Most give weights, axes and shapes as inputs, which a model in
//! use has as constants: so each test is tried with all of its inputs open, with the first one open, and with none, so
//! that everything is computed at load. It counts as run if one of these loads, and all that load must agree.
//!
//! A test is out of scope if the engine says so: its finding must be one that sends the file to another engine, never
//! one that calls the file broken, and must be one of [`OUT_OF_SCOPE`].

use crate::support::{Case, cases, differences, folders, run};
use sensai_inference::{LoadError, Remedy, operators};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
};

/// Rules, each with a reason, in the words of the engine.
const OUT_OF_SCOPE: &[(&str, &str)] = &[
    ("element type", "half, quarter and double floats, unsigned and 16-bit integers, texts"),
    ("a cast to type", "the same types as the target of a cast"),
    ("a cast from", "the same types"),
    ("not a tensor", "sequences and optional values"),
    ("it computes with", "integer arithmetic at run time"),
    ("arithmetic on constants of type", "arithmetic on 8-bit integers"),
    ("must be constant", "shapes, axes, weights and bounds that a run would compute"),
    ("integers there go to 2^24", "integers that an f32 cannot hold"),
    ("a tensor without values", "empty tensors"),
    ("export it with fixed extents", "shapes that are open"),
    ("spatial dimensions", "windows over three axes"),
    ("its output", "outputs for training, masks and positions of a maximum"),
    ("exported for training", "training"),
    ("mode = ", "padding other than with a constant"),
    ("select_last_index", "the last of equal maxima"),
    ("sequence_lens other than", "sequences of different lengths in one batch"),
    ("quantisation to", "quantised types other than int8 and uint8"),
    ("dequantisation of", "quantised types other than int8, uint8 and int32"),
    ("block_size", "blocks of quantised values"),
    ("a precision other than float", "quantisation computed in half floats"),
    ("the inline engine does not know attribute", "attributes of other versions"),
    ("is not supported by the inline engine", "operators the engine does not have"),
    ("a window that lies in the padding only", "divisions of nothing by nothing"),
    ("operators of version", "versions of the operators that are too old or too new"),
    ("a constant that is neither", "constants of texts"),
];

/// Those that have no test there, or only some of version 1 or with double floats; `own_cases.rs` tests them.
const WITHOUT_TESTS: &[&str] =
    &["Normalizer", "Not", "ReduceLogSumExp", "Scaler", "TreeEnsembleClassifier", "TreeEnsembleRegressor"];

/// Where `cargo xtask test` says the tests are, or where it has put them.
fn root() -> Option<PathBuf> {
    let given = env::var_os("SENSAI_ONNX_TESTS").map(PathBuf::from);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let usual = target.map(|target| target.join("xtask/onnx/onnx/backend/test/data"));
    given.or(usual).filter(|root| root.join("node").is_dir())
}

/// The operators of a test, and whether each is one of `ai.onnx.ml`.
fn operators_of(case: &Case) -> Vec<(String, bool)> {
    let nodes = case.model.graph.iter().flat_map(|graph| &graph.node);
    let name = |text: &Option<String>| text.clone().unwrap_or_default();
    nodes.map(|node| (name(&node.op_type), name(&node.domain) == "ai.onnx.ml")).collect()
}

#[derive(Default)]
struct Tally {
    /// For each operator, tests that ran.
    ran: BTreeMap<String, usize>,
    /// For each rule, tests that it keeps out.
    out: BTreeMap<&'static str, BTreeSet<String>>,
    failures: Vec<String>,
    variants: usize,
}

impl Tally {
    fn refused(&mut self, case: &Case, findings: &[LoadError]) {
        for finding in findings {
            let text = finding.to_string();
            let rule = OUT_OF_SCOPE.iter().find(|(words, _)| text.contains(words));
            match rule {
                Some((_, reason)) if finding.remedy == Remedy::UseOrt => {
                    self.out.entry(reason).or_default().insert(case.name.clone());
                }
                _ => self.failures.push(format!("{}: refused: {text}", case.name)),
            }
        }
    }

    fn try_case(&mut self, case: &Case) {
        let mut refusals = Vec::new();
        let mut has_run = false;
        let mut variants = vec![case.inputs.len()];
        variants.extend((case.inputs.len() > 1).then_some(1));
        variants.extend((!case.inputs.is_empty()).then_some(0));
        for open in variants {
            let Some(inputs) = case.values(open) else {
                self.out.entry(OUT_OF_SCOPE[0].1).or_default().insert(case.name.clone());
                return;
            };
            match run(&case.frozen(open), &inputs) {
                Err(findings) => refusals.push(findings),
                Ok((plan, got)) => {
                    has_run = true;
                    self.variants += 1;
                    let texts = differences(case, &plan, &got);
                    self.failures
                        .extend(texts.iter().map(|text| format!("{} ({open} open): {text}", case.name)));
                }
            }
        }
        if has_run {
            let operators: BTreeSet<_> = operators_of(case).into_iter().collect();
            for (operator, _) in operators {
                *self.ran.entry(operator).or_default() += 1;
            }
        } else if let Some(last) = refusals.iter().min_by_key(|findings| findings.len()) {
            self.refused(case, last);
        }
    }
}

#[test]
fn the_standards_own_tests() {
    let Some(root) = root() else {
        println!(
            "skipped: the ONNX standard's own tests (they are not in target/xtask/onnx, nor where SENSAI_ONNX_TESTS \
             says; `cargo xtask test --only needs` gets them)"
        );
        return;
    };
    let claimed: BTreeSet<(String, bool)> = operators().map(|(name, ml)| (name.to_owned(), ml)).collect();
    let mut tally = Tally::default();
    let mut not_ours = 0;
    for part in ["node", "pytorch-converted", "pytorch-operator", "simple"] {
        for folder in folders(&root.join(part)) {
            for case in cases(&folder) {
                let known = operators_of(&case).iter().all(|operator| claimed.contains(operator));
                let has_nodes = !operators_of(&case).is_empty();
                if known && has_nodes { tally.try_case(&case) } else { not_ours += 1 }
            }
        }
    }
    for (operator, count) in &tally.ran {
        println!("{operator:<24} {count}");
    }
    println!("{} runs; {not_ours} data sets with operators that the engine does not have", tally.variants);
    for (reason, tests) in &tally.out {
        println!("out of scope, {reason}: {}", tests.len());
    }
    for (operator, _) in &claimed {
        if tally.ran.contains_key(operator) == WITHOUT_TESTS.contains(&operator.as_str()) {
            tally.failures.push(format!("{operator}: {:?} tests ran", tally.ran.get(operator)));
        }
    }
    let failures = tally.failures.join("\n");
    assert!(tally.failures.is_empty(), "{} failures:\n{failures}", tally.failures.len());
}
