//! What the documents show, works.

use crate::{
    station::{Cell, Station},
    support::{Bench, LIMITS, PROGRAM, parameter, source, tag},
};
use sensai_model::{
    ScalarType, Tag, TagKind, Value,
    cell::Parameter,
    packml::{Mode, State},
};
use sensai_motion::{AxisCommand, Outcome};
use sensai_scripts::{
    Role, ScriptEnvironment, analyse,
    ports::{Request, UnitFacts},
};

/// The programs of `docs/programs.md`.
fn examples() -> impl Iterator<Item = &'static str> {
    let page = include_str!("../../../docs/programs.md");
    page.split("```rhai\n").skip(1).filter_map(|rest| rest.split("```").next())
}

/// The first one.
fn example() -> &'static str {
    examples().next().expect("the page shows a program")
}

fn tags(cell: &Cell) -> Vec<Tag> {
    let mut tags = cell.tags.clone();
    tag(&mut tags, "nest.present", TagKind::Input, ScalarType::Bool);
    tag(&mut tags, "oil.level", TagKind::Input, ScalarType::F64);
    tag(&mut tags, "clamp", TagKind::Output, ScalarType::Bool);
    tags
}

fn parameters() -> Vec<Parameter> {
    ["depth", "speed", "limit"].map(|name| parameter(name, Value::F64(0.5))).to_vec()
}

fn station() -> Station {
    let cell = Cell::new();
    Station { bench: Bench::reaching(source(example()), tags(&cell), parameters(), LIMITS, cell.reach()) }
}

#[test]
fn nothing_is_found_in_the_example_of_the_programs_page() {
    let cell = Cell::new();
    let (tags, parameters) = (tags(&cell), parameters());
    let environment = ScriptEnvironment {
        tags: &tags,
        parameters: &parameters,
        limits: LIMITS,
        program_index: PROGRAM,
        role: Role::Controller,
        reach: cell.reach(),
    };
    assert_eq!(analyse(&source(example()), &environment).findings, []);
}

fn requests(station: &Station) -> Vec<Request> {
    station.bench.ports.requests().iter().map(|requested| requested.request).collect()
}

#[test]
fn the_example_of_the_programs_page_presses_a_part() {
    let mut station = station();
    let unit = |station: &mut Station, state| {
        station.bench.ports.units[usize::from(PROGRAM)] = UnitFacts { mode: Mode::Production, state };
    };
    unit(&mut station, State::Resetting);
    assert_eq!(station.run(), [(0, AxisCommand::Power(true))]);
    assert_eq!(requests(&station), [Request::Alarm(0)], "the oil's level is zero");
    station.bench.set("oil.level", Value::F64(0.8));
    station.end(0, Outcome::Done);
    station.bench.ports.axes[0].powered = true;
    assert_eq!(station.run().len(), 1, "up");
    assert!(requests(&station).is_empty());
    station.end(0, Outcome::Done);
    assert_eq!(station.run(), []);
    assert_eq!(requests(&station), [Request::StateComplete]);

    unit(&mut station, State::Execute);
    station.bench.set("nest.present", Value::Bool(true));
    assert_eq!(station.run(), []);
    assert_eq!(station.run().len(), 1, "down");
    station.end(0, Outcome::Done);
    station.run();
    assert_eq!(requests(&station), [Request::Model(0)]);
    station.bench.set("ai.stroke.sequence", Value::I64(1));
    station.bench.set("ai.stroke.score", Value::F64(0.9));
    station.bench.set("ai.stroke.valid", Value::Bool(true));
    station.run();
    assert_eq!(requests(&station), [Request::Jidoka(0)]);
    assert_eq!(station.run().len(), 1, "up again");
    station.end(0, Outcome::Done);
    station.bench.set("nest.present", Value::Bool(false));
    station.run();
    assert_eq!(station.bench.get("clamp"), Value::Bool(false));
}

#[test]
fn the_example_of_migrate_takes_over_the_state_that_the_page_tells_of() {
    let new = examples().find(|text| text.contains("fn migrate(old)")).expect("the page shows one");
    let page = include_str!("../../../docs/programs.md");
    let (_, told) = page.split_once("whose `init` gave `").expect("the page says what was before");
    let (state, _) = told.split_once('`').expect("it ends");
    let old = format!(
        "fn init() {{ {state} }}\nfn cycle() {{ this.parts += 1; this.press.run(true, 0.5); this.temps[1] += 5.0; }}\n"
    );
    let mut tags = Vec::new();
    tag(&mut tags, "pressed", TagKind::Input, ScalarType::Bool);
    tag(&mut tags, "part", TagKind::Output, ScalarType::F64);
    let mut change = crate::migrator::Change::on(tags, &old, new);
    change.run(3);
    let after = change.taken();
    assert_eq!(after.value("parts"), Value::F64(3.0));
    assert_eq!(after.value("dwelt"), Value::F64(0.02), "the first run begins it");
    assert_eq!(after.value("dwell.ET"), Value::F64(0.0));
    let temps = [0, 1, 2, 3].map(|i| after.value(&format!("temps[{i}]")));
    assert_eq!(temps, [20.0, 35.0, 20.0, 20.0].map(Value::F64));
}
