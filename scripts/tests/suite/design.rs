//! The example of the design: an axis, a model, a unit that is held. Recipes come later and stand in as parameters.

use crate::{
    station::{Cell, Station},
    support::{Bench, LIMITS, parameter, source, tag},
};
use sensai_model::{FaultCode, ScalarType, TagKind, Value};
use sensai_motion::{AxisCommand, AxisError, Direction, Outcome};
use sensai_scripts::{Program, layout::Reading, ports::Request};

const TEXT: &str = r#"
const SETTLE = 0.050;   // s
const JUDGE_TIMEOUT = 2.0;   // s

fn init() {
    #{ step: "idle", settle: TON(), timeout: TON(), ram: Axis("ram"), retain: #{ good: 0, bad: 0 } }
}

fn cycle() {
    this.settle.run(io.nest.present, SETTLE);
    this.timeout.run(this.step == "judge", JUDGE_TIMEOUT);
    switch this.step {
        "idle" => if this.settle.Q && io.start { this.ram.move_absolute(param.depth, param.speed); this.step = "press"; }
        "press" => if this.ram.error { fault("ram"); } else if this.ram.done { ai.stroke.request(); this.step = "judge"; }
        "judge" => this.judge()
    }
    io.clamp = this.step != "idle";
}

fn judge() {
    if this.timeout.Q { jidoka("timeout"); this.step = "idle"; }
    else if ai.stroke.fresh && ai.stroke.valid {
        if ai.stroke.score > param.limit { this.retain.bad += 1; jidoka("stroke"); } else { this.retain.good += 1; }
        this.step = "idle";
    }
}
"#;

fn station() -> Station {
    let cell = Cell::new();
    let mut tags = cell.tags.clone();
    for name in ["nest.present", "start"] {
        tag(&mut tags, name, TagKind::Input, ScalarType::Bool);
    }
    tag(&mut tags, "clamp", TagKind::Output, ScalarType::Bool);
    let parameters = ["depth", "speed", "limit"].map(|name| parameter(name, Value::F64(0.5))).to_vec();
    let mut bench = Bench::reaching(source(TEXT), tags, parameters, LIMITS, cell.reach());
    bench.set("nest.present", Value::Bool(true));
    bench.set("start", Value::Bool(true));
    Station { bench }
}

fn read(station: &Station, path: &str) -> Reading {
    let program = &station.bench.program;
    program.layout().read(program.state(), path).unwrap()
}

fn requests(station: &Station) -> Vec<Request> {
    station.bench.ports.requests().iter().map(|requested| requested.request).collect()
}

/// Until the ram is commanded, and once more, so that the axis has it.
#[track_caller]
fn press(station: &mut Station) {
    let depth = AxisCommand::MoveAbsolute { position: 0.5, velocity: 0.5, direction: Direction::Shortest };
    for cycle in 0..50 {
        assert_eq!(station.run(), [], "cycle {cycle}: the part has not settled");
    }
    assert_eq!(station.run(), [(0, depth)]);
    assert_eq!(station.run(), []);
    assert_eq!(station.shows("ram"), "busy active");
}

#[test]
fn parts_are_judged() {
    for (score, path, asked) in [(0.2, "retain.good", vec![]), (0.9, "retain.bad", vec![Request::Jidoka(0)])]
    {
        let mut station = station();
        press(&mut station);
        station.end(0, Outcome::Done);
        station.run();
        assert_eq!(requests(&station), [Request::Model(0)]);
        assert_eq!(read(&station, "step"), Reading::Symbol("judge".to_owned()));
        assert_eq!(station.bench.get("clamp"), Value::Bool(true));
        station.bench.set("start", Value::Bool(false));
        station.run();
        assert_eq!(read(&station, "step"), Reading::Symbol("judge".to_owned()), "there is no result yet");
        for (fact, value) in
            [("score", Value::F64(score)), ("valid", Value::Bool(true)), ("sequence", Value::I64(1))]
        {
            station.bench.set(&format!("ai.stroke.{fact}"), value);
        }
        station.run();
        assert_eq!(requests(&station), asked);
        assert_eq!(read(&station, path), Reading::Scalar(Value::I64(1)));
        assert_eq!(read(&station, "step"), Reading::Symbol("idle".to_owned()));
    }
}

#[test]
fn the_judge_times_out_and_the_ram_may_fail() {
    let mut station = station();
    press(&mut station);
    station.end(0, Outcome::Done);
    station.run();
    station.bench.set("start", Value::Bool(false));
    for _ in 0..2000 {
        assert_eq!(read(&station, "step"), Reading::Symbol("judge".to_owned()));
        station.run();
    }
    station.run();
    assert_eq!(requests(&station), [Request::Jidoka(1)]);
    assert_eq!(read(&station, "step"), Reading::Symbol("idle".to_owned()));
    station.bench.set("start", Value::Bool(true));
    assert_eq!(station.run().len(), 1);
    station.run();
    station.end(0, Outcome::Error(AxisError::FollowingError));
    let error = station.bench.run_fault();
    assert_eq!((error.fault.code, error.fault.line), (FaultCode::Raised, 14));
    assert_eq!(error.text, "the program raised the fault `ram`");
}
