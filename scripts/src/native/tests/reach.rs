//! What a program reaches beside tags: parameters, facts of the cycle, axes, requests, faults.

use super::{Bench, Cell, build::Builder};
use crate::{
    Program, Role,
    hir::{AxisCall, AxisDirection, ExprKind, FaultName, NamedRequest, SysFact, Type},
    ports::{REQUESTS_MAX, Request, UnitFacts},
};
use sensai_model::{
    FaultCode, Value,
    cell::Parameter,
    packml::{Mode, State},
};
use sensai_motion::{AxisCommand, Direction};
use sensai_stdlib::registry::AXIS;

#[test]
fn parameters_and_facts_are_those_of_the_run() {
    let parameter = |name: &str, default: Value| Parameter {
        name: name.to_owned(),
        scalar: default.scalar_type(),
        default,
        range: None,
        unit: None,
        description: String::new(),
    };
    let cell = Cell {
        parameters: vec![
            parameter("on", Value::Bool(true)),
            parameter("n", Value::I64(-4)),
            parameter("x", Value::F64(2.5)),
        ],
        ..Cell::default()
    };
    let fields = [
        ("on", Type::Bool),
        ("n", Type::I64),
        ("x", Type::F64),
        ("cycle", Type::I64),
        ("time", Type::I64),
        ("dt", Type::F64),
        ("first", Type::Bool),
        ("mode", Type::Symbol),
        ("state", Type::Symbol),
    ];
    let builder = Builder::new(&fields).cycle(|_, body| {
        for (index, (path, ty)) in (0..).zip([("on", Type::Bool), ("n", Type::I64), ("x", Type::F64)]) {
            let value = body.expr(ExprKind::Parameter(index), ty);
            body.set_this(path, value);
        }
        for (path, fact, ty) in [
            ("cycle", SysFact::Cycle, Type::I64),
            ("time", SysFact::Time, Type::I64),
            ("dt", SysFact::Dt, Type::F64),
            ("first", SysFact::FirstCycle, Type::Bool),
            ("mode", SysFact::Mode, Type::Symbol),
            ("state", SysFact::State, Type::Symbol),
        ] {
            let value = body.expr(ExprKind::Sys(fact), ty);
            body.set_this(path, value);
        }
    });
    let mut bench = Bench::of(builder, &cell);
    bench.ports.units[0] = UnitFacts { mode: Mode::Maintenance, state: State::Suspended };
    bench.run().unwrap();
    assert!(bench.bool("on") && bench.bool("first"));
    assert_eq!((bench.i64("n"), bench.f64("x"), bench.f64("dt")), (-4, 2.5, 0.010));
    assert_eq!((bench.text("mode"), bench.text("state")), ("maintenance".to_owned(), "suspended".to_owned()));
    bench.parameters = vec![Value::Bool(false), Value::I64(9), Value::F64(-1.0)];
    bench.run().unwrap();
    assert!(!bench.bool("on") && !bench.bool("first"));
    assert_eq!((bench.i64("n"), bench.f64("x")), (9, -1.0));
    assert_eq!((bench.i64("cycle"), bench.i64("time")), (1, 10_000_000));
    bench.parameters = vec![Value::Bool(false), Value::F64(9.0), Value::F64(-1.0)];
    assert_eq!(bench.fault(), (FaultCode::Script, 0));
}

#[test]
fn the_seed_of_a_twin_is_a_number() {
    let cell = Cell { role: Role::Twin { seed: -77, shafts: &[] }, ..Cell::default() };
    let builder = Builder::new(&[("seed", Type::I64)]).cycle(|_, body| {
        let seed = body.expr(ExprKind::Sys(SysFact::Seed), Type::I64);
        body.set_this("seed", seed);
    });
    let mut bench = Bench::of(builder, &cell);
    bench.run().unwrap();
    assert_eq!(bench.i64("seed"), -77);
}

#[test]
fn requests_are_staged_until_there_is_no_room() {
    let all = [Request::StateComplete, Request::Jidoka(3), Request::Alarm(2), Request::Model(1)];
    let mut bench = Bench::new(Builder::new(&[("n", Type::I64)]).cycle(|_, body| {
        for request in all {
            let request = body.expr(ExprKind::Request(request), Type::Unit);
            body.run(request);
        }
    }));
    bench.run().unwrap();
    let staged: Vec<Request> = bench.ports.requests().iter().map(|requested| requested.request).collect();
    assert_eq!(staged, all);
    let mut bench = Bench::new(Builder::new(&[("n", Type::I64)]).cycle(|_, body| {
        let (start, end) = (body.int(0), body.int(REQUESTS_MAX as i64 + 1));
        let i = body.local("i", Type::I64, false);
        let items = crate::hir::Items::Range { start, end, inclusive: false };
        body.for_(i, items, |body| {
            let request = body.expr(ExprKind::Request(Request::StateComplete), Type::Unit);
            body.run(request);
        });
    }));
    assert_eq!(bench.fault(), (FaultCode::TooLarge, 2));
}

#[test]
fn faults_carry_their_name() {
    for computed in [false, true] {
        let name = "ram_did_not_come_back_in_time";
        let mut bench = Bench::new(Builder::new(&[("t", Type::Symbol)]).cycle(|program, body| {
            let symbol = program.symbol(name);
            let text = body.text(symbol);
            body.set_this("t", text);
            let fault = match computed {
                true => FaultName::Value(body.get("t")),
                false => FaultName::Text(symbol),
            };
            let raised = body.expr(ExprKind::Fault(fault), Type::Never);
            body.run(raised);
        }));
        let error = bench.run().unwrap_err();
        assert_eq!((error.fault.code, error.fault.line), (FaultCode::Raised, 2));
        assert_eq!(error.text, format!("the program raised the fault `{name}`").as_str());
        assert_eq!(bench.program.failed_state()[0], name.len() as u8);
    }
}

#[test]
fn a_name_that_the_cell_does_not_have_is_told() {
    let mut bench = Bench::new(Builder::new(&[("t", Type::Symbol)]).cycle(|program, body| {
        let symbol = program.symbol("hot");
        let name = body.text(symbol);
        let request = body.expr(ExprKind::RequestNamed(NamedRequest::Alarm, name), Type::Unit);
        body.run(request);
    }));
    let error = bench.run().unwrap_err();
    assert_eq!((error.fault.code, error.fault.line), (FaultCode::UnknownName, 1));
    assert_eq!(error.text, "there is no alarm `hot`; there are no alarms");
}

fn axis_program(command: impl FnOnce(&mut Builder, &mut super::build::Body) -> AxisCall) -> Bench {
    let fields = [("ram", Type::Axis), ("v", Type::F64), ("busy", Type::Bool), ("where", Type::Symbol)];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
        let command = command(program, body);
        body.on_line(4);
        let handle = body.this("ram");
        let called = body.expr(ExprKind::AxisCommand { handle: handle.clone(), command }, Type::Unit);
        body.run(called);
        for (path, name, ty) in
            [("busy", "busy", Type::Bool), ("where", "state", Type::Symbol), ("v", "velocity", Type::F64)]
        {
            let property = AXIS.property(name).unwrap();
            let value = body.expr(ExprKind::AxisProperty { handle: handle.clone(), property }, ty);
            body.set_this(path, value);
        }
    }));
    bench.ports = crate::Ports::new(1, 1, 0);
    bench.ports.axes[0].velocity = 0.25;
    bench
}

#[test]
fn commands_go_to_their_axis_and_it_answers() {
    let mut bench = axis_program(|_, body| AxisCall::MoveAbsolute {
        position: body.float(10.0),
        velocity: body.float(2.0),
        direction: AxisDirection::Known(Direction::Negative),
    });
    bench.run().unwrap();
    let given: Vec<AxisCommand> = bench.ports.commands().iter().map(|one| one.commanded.command).collect();
    let expected =
        AxisCommand::MoveAbsolute { position: 10.0, velocity: 2.0, direction: Direction::Negative };
    assert_eq!(given, [expected]);
    assert_eq!(
        (bench.bool("busy"), bench.f64("v"), bench.text("where")),
        (true, 0.25, "disabled".to_owned())
    );
    // Called in every cycle, it is one command.
    bench.run().unwrap();
    assert!(bench.ports.commands().is_empty());
    let mut bench = axis_program(|_, body| AxisCall::Power(body.bool(true)));
    bench.run().unwrap();
    assert_eq!(bench.ports.commands()[0].commanded.command, AxisCommand::Power(true));
}

#[test]
fn arguments_of_commands_must_be_numbers_and_directions() {
    let mut bench =
        axis_program(|_, body| AxisCall::Torque { torque: body.float(1.0), ramp: body.float(f64::NAN) });
    let error = bench.run().unwrap_err();
    assert_eq!((error.fault.code, error.fault.line), (FaultCode::NotFinite, 4));
    let text = "Axis.torque: argument ramp cannot be NaN; check the calculation with is_finite()";
    assert_eq!(error.text, text);
    for (word, good) in [("positive", true), ("shortest", true), ("up", false)] {
        let mut bench = axis_program(|program, body| {
            let symbol = program.symbol(word);
            AxisCall::MoveAbsolute {
                position: body.float(1.0),
                velocity: body.float(1.0),
                direction: AxisDirection::Text(body.text(symbol)),
            }
        });
        match bench.run() {
            Ok(()) => assert!(good, "{word}"),
            Err(error) => {
                assert!(!good, "{word}");
                assert_eq!((error.fault.code, error.fault.line), (FaultCode::UnknownName, 4));
                assert!(error.text.to_string().starts_with("Axis.move_absolute: `up` is no direction"));
            }
        }
    }
}

#[test]
fn handles_settle_when_the_run_is_over() {
    let mut bench = axis_program(|_, _| AxisCall::Halt);
    bench.run().unwrap();
    let state = bench.program.state().to_vec();
    bench.program.restore(&state).unwrap();
    let handle = crate::axis::AxisHandle::from_bytes(
        &state[bench.program.layout().lookup("ram").unwrap().offset..][..88],
    );
    assert_eq!(handle.and_then(|handle| handle.stored("busy")), Some(Value::Bool(true)));
    let mut other = state;
    let axis = bench.program.layout().lookup("ram").unwrap().offset + 76;
    other[axis] = 1;
    let error = bench.program.restore(&other).unwrap_err();
    assert!(error.text.to_string().contains("another axis"), "{}", error.text.to_string());
}
