//! The programs of `sensai bench script`, and what `sensai bench lsp` types.

use rt_tests::{
    harness::{run_sensai, workspace},
    rungs,
};
use serde_json::Value;
use std::{env, fs};

/// `SENSAI_KEEP=1` writes them.
#[test]
fn bench_programs_are_what_their_generator_writes() {
    for (name, text) in rungs::files() {
        let file = workspace().join("rt-tests/benches/script").join(name);
        if env::var_os("SENSAI_KEEP").is_some() {
            fs::write(&file, &text).expect("it can be written");
        }
        let kept = fs::read_to_string(&file).expect("it is there");
        assert!(kept == text, "{name} is not what rungs.rs writes; SENSAI_KEEP=1 writes it anew");
    }
    let [(_, rhai), ..] = rungs::files();
    let rungs = rhai.lines().filter(|line| line.contains(" = ")).count();
    assert_eq!(rungs, 200);
}

/// Not how fast they are, which needs a quiet machine: that all forms do the same, that the compiled one takes nothing from
/// the heap, and that every figure is there.
#[test]
fn bench_programs_do_the_same_in_every_column() {
    let out = run_sensai(["bench", "script", "--rounds", "2", "--json"]).expect_code(0);
    let report: Value = serde_json::from_str(&out.stdout).expect("JSON");
    let programs = report["programs"].as_array().expect("a list of programs");
    let names: Vec<&str> = programs.iter().filter_map(|program| program["name"].as_str()).collect();
    assert_eq!(names, ["press", "logic", "numeric"]);
    for program in programs {
        assert_eq!(program["native_allocations"].as_f64(), Some(0.0), "{program:#}");
        let counts = ["code_bytes", "lines", "compile_ms", "native_over_rust", "interpreted_allocations"];
        let times = ["native_ns", "native_unchecked_ns", "interpreted_ns", "rust_ns"];
        for key in counts.into_iter().chain(times) {
            assert!(program[key].as_f64().is_some_and(|value| value > 0.0), "{key}: {program:#}");
        }
        for key in ["c_ns", "c_o2_ns", "c_o3_ns", "native_over_c"] {
            let is_there = program[key].is_number();
            assert_eq!(is_there, report["compiler"].is_string(), "{key}: {program:#}");
        }
    }
}

/// Every version that is typed gets its findings, every question its answer, and every figure is there.
#[test]
fn bench_lsp_gets_an_answer_to_everything() {
    let out = run_sensai(["bench", "lsp", "--strokes", "12", "--json"]).expect_code(0);
    let report: Value = serde_json::from_str(&out.stdout).expect("JSON");
    let sizes = report["sizes"].as_array().expect("a list of sizes");
    assert_eq!(sizes.len(), 9);
    for size in sizes {
        for times in ["diagnostics_ms", "completion_ms", "hover_ms"] {
            let of = |what: &str| size[times][what].as_f64().expect("a time");
            assert!(0.0 < of("p50") && of("p50") <= of("p99") && of("p99") <= of("longest"), "{size:#}");
        }
        assert!(size["memory"]["peak"].as_u64() >= size["memory"]["resident"].as_u64(), "{size:#}");
    }
    assert_eq!(report["worst"].as_array().map(Vec::len), Some(3), "{report:#}");
}
