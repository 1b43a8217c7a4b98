//! The example of the design, as far as its parts exist: axes, models, recipes and jidoka come later and stand in here
//! as tags, parameters and functions of the program.

use crate::support::{Bench, LIMITS, parameter, source, tag};
use sensai_model::{FaultCode, ScalarType, TagKind, Value};
use sensai_scripts::{Program, layout::Reading};

const TEXT: &str = r#"
const SETTLE = 0.050;   // s
const JUDGE_TIMEOUT = 2.0;   // s

fn init() {
    #{ step: "idle", settle: TON(), timeout: TON(), ram: axis(), retain: #{ good: 0, bad: 0 } }
}

fn axis() { #{ moving: TON(), busy: false } }

fn move_to(position, speed) { this.busy = true; }

fn advance() {
    this.moving.run(this.busy, 0.010);
    if this.moving.Q { this.busy = false; }
}

fn cycle() {
    this.settle.run(io.nest.present, SETTLE);
    this.timeout.run(this.step == "judge", JUDGE_TIMEOUT);
    this.ram.advance();
    switch this.step {
        "idle" => if this.settle.Q && io.start { this.ram.move_to(param.depth, param.speed); this.step = "press"; }
        "press" => if io.ram_error { fault("ram"); } else if !this.ram.busy { this.step = "judge"; }
        "judge" => this.judge()
    }
    io.clamp = this.step != "idle";
}

fn judge() {
    if this.timeout.Q { io.jidoka = true; this.step = "idle"; }
    else if io.stroke.fresh && io.stroke.score.valid {
        if io.stroke.score > param.limit { this.retain.bad += 1; io.jidoka = true; } else { this.retain.good += 1; }
        this.step = "idle";
    }
}
"#;

fn bench() -> Bench {
    let mut tags = Vec::new();
    for name in ["nest.present", "start", "ram_error", "stroke.fresh"] {
        tag(&mut tags, name, TagKind::Input, ScalarType::Bool);
    }
    tag(&mut tags, "stroke.score", TagKind::Input, ScalarType::F64);
    tag(&mut tags, "clamp", TagKind::Output, ScalarType::Bool);
    tag(&mut tags, "jidoka", TagKind::Memory, ScalarType::Bool);
    let parameters = ["depth", "speed", "limit"].map(|name| parameter(name, Value::F64(0.5))).to_vec();
    Bench::with(source(TEXT), tags, parameters, LIMITS)
}

fn read(bench: &Bench, path: &str) -> Reading {
    bench.program.layout().read(bench.program.state(), path).unwrap()
}

#[test]
fn parts_are_judged() {
    for (score, path, jidoka) in [(0.2, "retain.good", false), (0.9, "retain.bad", true)] {
        let mut bench = bench();
        bench.set("nest.present", Value::Bool(true));
        bench.set("start", Value::Bool(true));
        for _ in 0..64 {
            bench.run_ok();
        }
        assert_eq!(read(&bench, "step"), Reading::Symbol("judge".to_owned()));
        assert_eq!(bench.get("clamp"), Value::Bool(true));
        bench.set("start", Value::Bool(false));
        bench.set("stroke.fresh", Value::Bool(true));
        bench.set("stroke.score", Value::F64(score));
        bench.run_ok();
        assert_eq!(read(&bench, path), Reading::Scalar(Value::I64(1)));
        assert_eq!(read(&bench, "step"), Reading::Symbol("idle".to_owned()));
        assert_eq!(bench.get("jidoka"), Value::Bool(jidoka));
    }
}

#[test]
fn the_judge_times_out_and_the_ram_may_fail() {
    let mut bench = bench();
    bench.set("nest.present", Value::Bool(true));
    bench.set("start", Value::Bool(true));
    for _ in 0..64 {
        bench.run_ok();
    }
    bench.set("start", Value::Bool(false));
    for _ in 0..2001 {
        bench.run_ok();
    }
    assert_eq!(read(&bench, "step"), Reading::Symbol("idle".to_owned()));
    assert_eq!(bench.get("jidoka"), Value::Bool(true));
    bench.set("start", Value::Bool(true));
    bench.run_ok();
    bench.set("ram_error", Value::Bool(true));
    let error = bench.run_fault();
    assert_eq!((error.fault.code, error.fault.line), (FaultCode::Raised, 24));
    assert_eq!(error.text, "the program raised the fault `ram`");
}
