//! The handle of an axis: commands, PLCopen's rules for calls in every cycle, properties, faults, findings.

use crate::{
    station::{Cell, Station},
    support::PROGRAM,
};
use sensai_model::{FaultCode, Value};
use sensai_motion::{AxisCommand, AxisError, AxisState, Direction, Outcome};
use sensai_scripts::{Program, layout::Reading};

const RAM: &str = "ram: Axis(\"ram\")";

fn absolute(position: f64) -> AxisCommand {
    AxisCommand::MoveAbsolute { position, velocity: 5.0, direction: Direction::Shortest }
}

#[test]
fn every_command_reaches_its_axis() {
    for (call, command) in [
        ("power(true)", AxisCommand::Power(true)),
        ("power(false)", AxisCommand::Power(false)),
        ("reset()", AxisCommand::Reset),
        ("home()", AxisCommand::Home),
        ("move_absolute(12.5, 5.0)", absolute(12.5)),
        (
            "move_absolute(12.5, 5.0, \"positive\")",
            AxisCommand::MoveAbsolute { position: 12.5, velocity: 5.0, direction: Direction::Positive },
        ),
        (
            "move_absolute(-1.0, io.inp.x, \"negative\")",
            AxisCommand::MoveAbsolute { position: -1.0, velocity: 0.0, direction: Direction::Negative },
        ),
        ("move_absolute(12.5, 5.0, \"shortest\")", absolute(12.5)),
        ("move_relative(-3.0, 2.0)", AxisCommand::MoveRelative { distance: -3.0, velocity: 2.0 }),
        ("move_velocity(-7.5)", AxisCommand::MoveVelocity { velocity: -7.5 }),
        ("torque(30.0, 200.0)", AxisCommand::Torque { torque: 30.0, ramp: 200.0 }),
        ("halt()", AxisCommand::Halt),
        ("stop()", AxisCommand::Stop),
        ("release_stop()", AxisCommand::ReleaseStop),
    ] {
        let mut station = Station::new("a: [Axis(\"ram\"), Axis(\"table\")]", &format!("this.a[-1].{call};"));
        assert_eq!(station.run(), [(1, command)], "{call}");
        assert_eq!(station.shows("a[1]"), "busy", "{call}: not even seen by the axis");
        assert_eq!(station.run(), [], "{call}: in the second cycle the same call is no new command");
        assert_eq!(station.shows("a[1]"), "busy active", "{call}");
        station.end(1, Outcome::Done);
        assert_eq!(station.run(), [], "{call}");
        assert_eq!(station.shows("a[1]"), "done", "{call}");
        assert_eq!(station.shows("a[0]"), "", "{call}: the other handle knows nothing of it");
    }
}

/// Calls by cycle, what is begun, and what the handle shows after each cycle.
#[test]
fn calls_begin_commands_as_plcopen_says() {
    // `io.inp.n` is the cycle's number; the command in execution is done before cycle 3.
    for (rule, body, begun) in [
        ("called once", "if io.inp.n == 0 { this.ram.move_absolute(1.0, 5.0); }", vec![Some(1.0)]),
        ("called in every cycle", "this.ram.move_absolute(1.0, 5.0);", vec![Some(1.0)]),
        (
            "called again after a cycle without",
            "if io.inp.n != 1 { this.ram.move_absolute(1.0, 5.0); }",
            vec![Some(1.0), None, Some(1.0)],
        ),
        (
            "called again after it was done",
            "if io.inp.n != 4 { this.ram.move_absolute(1.0, 5.0); }",
            vec![Some(1.0), None, None, None, None, Some(1.0)],
        ),
        (
            "another target in flight",
            "this.ram.move_absolute(if io.inp.n < 2 { 1.0 } else { 2.0 }, 5.0);",
            vec![Some(1.0), None, Some(2.0)],
        ),
        (
            "another target every cycle",
            "this.ram.move_absolute(1.0 + min(io.inp.n, 2), 5.0);",
            vec![Some(1.0), Some(2.0), Some(3.0)],
        ),
        (
            "a zero of another sign is the same",
            "this.ram.move_absolute(if io.inp.n < 2 { 0.0 } else { -0.0 }, 5.0);",
            vec![Some(0.0)],
        ),
        (
            "twice in one cycle",
            "this.ram.move_absolute(1.0, 5.0); this.ram.move_absolute(1.0, 5.0);",
            vec![Some(1.0)],
        ),
        (
            "in another place of the program",
            "if io.inp.n % 2 == 0 { this.ram.move_absolute(1.0, 5.0); } else { this.ram.move_absolute(1.0, 5.0); }",
            vec![Some(1.0)],
        ),
    ] {
        let mut station = Station::new(RAM, body);
        for cycle in 0..6 {
            station.bench.set("inp.n", Value::I64(cycle));
            if cycle == 3 {
                station.end(0, Outcome::Done);
            }
            let expected: Vec<_> = begun
                .get(cycle as usize)
                .copied()
                .flatten()
                .map(|position| (0, absolute(position)))
                .into_iter()
                .collect();
            assert_eq!(station.run(), expected, "{rule}, cycle {cycle}");
        }
    }
}

#[test]
fn different_commands_do_not_restart_each_other() {
    let mut station = Station::new(RAM, "this.ram.move_absolute(1.0, 5.0); if io.inp.b { this.ram.halt(); }");
    assert_eq!(station.run(), [(0, absolute(1.0))]);
    station.bench.set("inp.b", Value::Bool(true));
    assert_eq!(station.run(), [(0, AxisCommand::Halt)]);
    for _ in 0..3 {
        assert_eq!(station.run(), [], "the move is called all the time and does not come back");
    }
    assert_eq!(station.shows("ram"), "busy active", "of the halt, which was begun last");
}

#[test]
fn two_handles_on_one_axis_abort_each_other() {
    let mut station = Station::new(
        "a: Axis(\"ram\"), b: Axis(\"ram\")",
        "this.a.move_absolute(1.0, 5.0); if io.inp.n > 0 { this.b.move_velocity(2.0); }",
    );
    assert_eq!(station.run(), [(0, absolute(1.0))]);
    station.bench.set("inp.n", Value::I64(1));
    assert_eq!(station.run(), [(0, AxisCommand::MoveVelocity { velocity: 2.0 })]);
    assert_eq!((station.shows("a"), station.shows("b")), ("busy active".into(), "busy".into()));
    assert_eq!(station.run(), [], "the first one is called on, and does not begin again");
    assert_eq!((station.shows("a"), station.shows("b")), ("aborted".into(), "busy active".into()));
    station.reach(0);
    station.run();
    assert_eq!(station.shows("b"), "done busy active", "the velocity is reached, and kept up");
}

#[test]
fn an_outcome_stays_until_the_next_command() {
    let mut station = Station::new(
        "a: Axis(\"ram\"), b: Axis(\"ram\")",
        "if io.inp.n == 0 { this.a.move_absolute(1.0, 5.0); } else { this.b.move_relative(io.inp.x, 5.0); }",
    );
    station.run();
    station.end(0, Outcome::Error(AxisError::SoftwareLimit));
    // The axis remembers only the last few; the handle saw it end.
    for n in 1..40 {
        station.bench.set("inp.n", Value::I64(n));
        station.bench.set("inp.x", Value::F64(n as f64));
        assert_eq!(station.run().len(), 1);
        station.end(0, Outcome::Done);
        assert_eq!(station.shows("a"), "error", "cycle {n}");
    }
    station.bench.set("inp.n", Value::I64(0));
    station.run();
    assert_eq!(station.shows("a"), "busy");
}

#[test]
fn an_error_does_not_begin_again_by_itself() {
    let mut station = Station::new(RAM, "if io.inp.n != 3 { this.ram.home(); }");
    for n in 0..6 {
        station.bench.set("inp.n", Value::I64(n));
        let begun = station.run();
        assert_eq!(begun.len(), usize::from(n == 0 || n == 4), "cycle {n}");
        station.end(0, Outcome::Error(AxisError::NotPowered));
    }
    assert_eq!(station.shows("ram"), "error");
}

#[test]
fn power_is_a_level() {
    let mut station = Station::new(RAM, "this.ram.power(io.inp.b);");
    let power = |on| vec![(0, AxisCommand::Power(on))];
    assert_eq!(station.run(), power(false), "the axis may have had power from before");
    assert_eq!(station.run(), []);
    station.bench.set("inp.b", Value::Bool(true));
    assert_eq!(station.run(), power(true));
    station.end(0, Outcome::Done);
    station.bench.ports.axes[0].powered = true;
    station.state(0, AxisState::Standstill);
    assert_eq!(station.run(), []);
    // Power that somebody else took, such as an operator's jog that ended, is not taken back.
    station.bench.ports.axes[0].powered = false;
    station.state(0, AxisState::Disabled);
    assert_eq!(station.run(), []);
    // An error, and a reset by another handle or the operator.
    station.state(0, AxisState::ErrorStop);
    assert_eq!(station.run(), []);
    station.state(0, AxisState::Disabled);
    assert_eq!(station.run(), power(true));
    assert_eq!(station.run(), [], "once, not until it has power");
    station.end(0, Outcome::Error(AxisError::DriveTimeout));
    station.state(0, AxisState::ErrorStop);
    assert_eq!(station.run(), []);
    station.bench.set("inp.b", Value::Bool(false));
    assert_eq!(station.run(), power(false));
}

/// After a quick restart the axis is still on its way to rest and refuses power; it gets it when it has come to rest.
#[test]
fn power_that_was_refused_is_asked_for_again() {
    let mut station = Station::new(RAM, "this.ram.power(true); if io.inp.n == 0 { this.ram.home(); }");
    let power = (0, AxisCommand::Power(true));
    assert_eq!(station.run(), [power, (0, AxisCommand::Home)]);
    station.bench.set("inp.n", Value::I64(1));
    station.end(0, Outcome::Error(AxisError::Stopping));
    station.state(0, AxisState::Stopping);
    station.bench.ports.axes[0].powered = true;
    for _ in 0..5 {
        assert_eq!(station.run(), [], "it is stopping");
    }
    station.bench.ports.axes[0].powered = false;
    station.state(0, AxisState::Disabled);
    assert_eq!(station.run(), [power]);
    for _ in 0..5 {
        assert_eq!(station.run(), [], "it is on its way");
    }
    station.end(0, Outcome::Done);
    station.bench.ports.axes[0].powered = true;
    station.state(0, AxisState::Standstill);
    assert_eq!(station.run(), []);
    station.bench.ports.axes[0].powered = false;
    station.state(0, AxisState::Disabled);
    assert_eq!(station.run(), [], "somebody else switched it off");
}

/// After a start by the operator everything that a program wants, it wants anew.
#[test]
fn a_start_makes_every_call_a_new_one() {
    let mut station = Station::new(RAM, "this.ram.power(true); this.ram.move_absolute(1.0, 5.0);");
    let both = [(0, AxisCommand::Power(true)), (0, absolute(1.0))];
    assert_eq!(station.run(), both);
    assert_eq!(station.run(), []);
    station.bench.started = station.bench.cycle;
    assert_eq!(station.run(), both);
    assert_eq!(station.run(), []);
    // A command that never arrived, because the runtime stopped in that cycle, does not stay busy for ever.
    let mut other = Station::new(RAM, "if io.inp.n == 0 { this.ram.halt(); }");
    other.run();
    other.bench.ports.axes[0].seen = 0;
    other.bench.ports.axes[0].active = 0;
    other.bench.set("inp.n", Value::I64(1));
    other.run();
    assert_eq!(other.shows("ram"), "busy");
    other.bench.started = other.bench.cycle;
    other.run();
    assert_eq!(other.shows("ram"), "aborted");
}

#[test]
fn properties_are_those_of_the_last_step() {
    let mut station = Station::new(
        RAM,
        "io.x = this.ram.position + this.ram.velocity * 10.0 + this.ram.torque * 100.0 + this.ram.set_position * 1000.0
             + this.ram.set_velocity * 10000.0 + this.ram.following_error * 100000.0;
         io.n = (if this.ram.powered { 1 } else { 0 }) + (if this.ram.homed { 2 } else { 0 })
             + (if this.ram.in_position { 4 } else { 0 }) + (if this.ram.standstill { 8 } else { 0 });
         this.n = this.ram.error_id;
         io.b = this.ram.state == \"standstill\";",
    );
    station.run();
    assert_eq!((station.bench.get("x"), station.bench.get("n")), (Value::F64(0.0), Value::I64(0)));
    assert_eq!(station.bench.get("b"), Value::Bool(false));
    let facts = &mut station.bench.ports.axes[0];
    (facts.position, facts.velocity, facts.torque) = (1.0, 2.0, 3.0);
    (facts.set_position, facts.set_velocity, facts.following_error) = (4.0, 5.0, 6.0);
    (facts.powered, facts.homed, facts.in_position, facts.state) = (true, true, true, AxisState::Standstill);
    facts.error = Some(AxisError::DriveFault { code: 0x7500 });
    station.run();
    assert_eq!((station.bench.get("x"), station.bench.get("n")), (Value::F64(654_321.0), Value::I64(15)));
    assert_eq!(station.bench.get("b"), Value::Bool(true));
    let program = &station.bench.program;
    assert_eq!(program.layout().read(program.state(), "n"), Some(Reading::Scalar(Value::I64(2))));
}

#[test]
fn every_state_has_its_name() {
    use AxisState as S;
    let names = [
        (S::Disabled, "disabled"),
        (S::Standstill, "standstill"),
        (S::DiscreteMotion, "discrete_motion"),
        (S::ContinuousMotion, "continuous_motion"),
        (S::Homing, "homing"),
        (S::Stopping, "stopping"),
        (S::ErrorStop, "error_stop"),
        (S::SynchronizedMotion, "synchronized_motion"),
    ];
    for (state, name) in names {
        let mut station = Station::new(RAM, &format!("io.b = this.ram.state == \"{name}\";"));
        station.state(0, state);
        station.run();
        assert_eq!(station.bench.get("b"), Value::Bool(true), "{name}");
    }
}

#[test]
fn the_number_of_an_error_is_the_commands_before_it_is_the_axiss() {
    let mut station = Station::new(RAM, "if io.inp.n == 0 { this.ram.home(); } io.n = this.ram.error_id;");
    station.run();
    station.end(0, Outcome::Error(AxisError::HomingFailed));
    station.bench.ports.axes[0].error = Some(AxisError::DriveLost);
    station.bench.set("inp.n", Value::I64(1));
    station.run();
    assert_eq!(station.bench.get("n"), Value::I64(7));
}

/// What the caller sees within the cycle in which it calls.
#[test]
fn a_command_is_busy_from_its_call_on() {
    let mut station = Station::new(
        RAM,
        "if io.inp.n == 0 { this.ram.halt(); }
         if io.inp.n == 1 && this.ram.done { this.ram.home(); this.flag = this.ram.busy && !this.ram.done; }",
    );
    station.run();
    station.end(0, Outcome::Done);
    station.bench.set("inp.n", Value::I64(1));
    station.run();
    let program = &station.bench.program;
    assert_eq!(program.layout().read(program.state(), "flag"), Some(Reading::Scalar(Value::Bool(true))));
}

#[test]
fn a_fault_takes_commands_back_and_handles_with_them() {
    let mut station = Station::new(
        "ram: Axis(\"ram\"), a: [Axis(\"table\")]",
        "this.ram.move_absolute(io.inp.x, 5.0); this.a[0].home();
         if io.inp.b { fault(\"test\"); }",
    );
    station.run();
    station.end(0, Outcome::Done);
    station.run();
    assert_eq!(station.shows("ram"), "done");
    station.bench.set("inp.x", Value::F64(3.0));
    station.bench.set("inp.b", Value::Bool(true));
    for _ in 0..2 {
        assert_eq!(station.bench.run_fault().fault.code, FaultCode::Raised);
        assert_eq!(station.shows("ram"), "done", "of the command before");
        let failed = station.bench.program.failed_state().unwrap();
        assert!(failed.contains("Axis { done: false, busy: true"), "{failed}");
    }
    station.bench.set("inp.b", Value::Bool(false));
    assert_eq!(station.run(), [(0, absolute(3.0))], "as if the failed cycles had not been");
}

#[test]
fn a_state_goes_on_where_it_was_saved() {
    let body = "this.ram.move_absolute(io.inp.x, 5.0); this.ram.power(io.inp.b);";
    let mut station = Station::new(RAM, body);
    station.run();
    station.run();
    let mut other = Station::new(RAM, body);
    other.bench.program.restore(station.bench.program.state()).unwrap();
    (other.bench.cycle, other.bench.ports.axes[0]) = (station.bench.cycle, station.bench.ports.axes[0]);
    assert_eq!(other.run(), []);
    station.run();
    assert_eq!(other.bench.program.state(), station.bench.program.state());
}

#[test]
fn a_foreign_state_is_refused() {
    let mut station = Station::new("a: [Axis(\"ram\"), Axis(\"table\")]", "");
    let good = station.bench.program.state().to_vec();
    station.bench.program.restore(&good).unwrap();
    let swapped: Vec<u8> = good[88..176].iter().chain(&good[..88]).chain(&good[176..]).copied().collect();
    let error = station.bench.program.restore(&swapped).unwrap_err();
    assert_eq!(error.fault.source, PROGRAM);
    assert!(error.text.to_string().contains("a handle is of another axis"), "{}", error.text);
    let mut damaged = good.clone();
    damaged[87] = 1;
    let error = station.bench.program.restore(&damaged).unwrap_err();
    assert!(error.text.to_string().contains("`this.a[0]`: the stored bytes are no Axis"), "{}", error.text);
    assert_eq!(station.bench.program.state(), good);
}

#[test]
fn a_program_says_which_axes_it_has_and_where() {
    let text =
        "\nfn init() {\n #{ a: [Axis(\"ram\"), Axis(\"ram\")], b: Axis(\"table\") }\n}\nfn cycle() { }\n";
    let used = Cell::new().bench(text).program.axes().to_vec();
    let places: Vec<_> = used.iter().map(|used| (used.axis, used.line, used.column)).collect();
    assert_eq!(places, [(0, 3, 9), (1, 3, 39)]);
    let text = "fn make(name) { Axis(name) }\nfn init() { #{ a: make(\"table\") } }\nfn cycle() { }\n";
    let used = Cell::new().bench(text).program.axes().to_vec();
    assert_eq!((used[0].axis, used[0].line, used[0].column), (1, 1, 17), "where it is made");
}

#[test]
fn what_no_axis_can_be_given_is_a_fault_with_its_line() {
    for (body, code, text) in [
        (
            "let x = 0.0;\nthis.ram.move_absolute(1.0 / x, 5.0);",
            FaultCode::NotFinite,
            "Axis.move_absolute: argument position cannot be inf; check the calculation with is_finite()",
        ),
        (
            "let x = 0.0;\nthis.ram.torque(1.0, x / x);",
            FaultCode::NotFinite,
            "Axis.torque: argument ramp cannot be NaN; check the calculation with is_finite()",
        ),
        (
            "let x = \"up\";\nthis.ram.move_absolute(1.0, 5.0, x);",
            FaultCode::UnknownName,
            "Axis.move_absolute: `up` is no direction; directions: `negative`, `positive`, `shortest`",
        ),
        (
            "for i in 0..99 {\nthis.ram.move_relative(to_float(i), 5.0); }",
            FaultCode::TooLarge,
            "more than 64 axis commands in one run; begin fewer in one cycle, or command what moves alike by one axis",
        ),
    ] {
        let error = Station::new(RAM, body).bench.run_fault();
        assert_eq!((error.fault.code, error.fault.line), (code, 4), "{body}: {}", error.text);
        assert_eq!(error.text, text);
    }
}

#[test]
fn no_detour_leads_to_a_copy_of_a_handle() {
    let text = "fn init() { #{ h: #{ r: #{ a: Axis(\"ram\") } } } }\n\
                fn work() { let k = \"r\"; let r = this[k];\n r.a.halt(); }\nfn cycle() { this.h.work(); }\n";
    let found = Cell::new().findings(text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("error[S203]: 2:39: cell programs have no fields by text"), "{found:?}");
}

#[test]
fn handles_in_arrays_and_records_are_apart() {
    let text = "fn station(name) { #{ axis: Axis(name), n: 0 } }\n\
                fn init() { #{ s: [station(\"ram\"), station(\"table\")], many: array(2, Axis(\"ram\")) } }\n\
                fn lift(to) { this.axis.move_absolute(to, 5.0); this.n += 1; }\n\
                fn cycle() { for i in 0..this.s.len { this.s[i].lift(1.0 + i); } this.many[1].halt(); }\n";
    let mut bench = Cell::new().bench(text);
    bench.run_ok();
    let given: Vec<_> =
        bench.ports.commands().iter().map(|given| (given.axis, given.commanded.command)).collect();
    assert_eq!(given, [(0, absolute(1.0)), (1, absolute(2.0)), (0, AxisCommand::Halt)]);
    let layout = bench.program.layout().signature();
    assert!(layout.contains("many@0:[2*Axis/88/8]"), "{layout}");
}

#[test]
fn findings_word_for_word() {
    let (cell, mut wrong) = (Cell::new(), Vec::new());
    for (init, body, finding) in [
        ("a: Axis(\"ran\")", "", "error[S220]: 1:24: there is no axis `ran`; did you mean `ram`?"),
        (
            "a: Axis(7)",
            "",
            "error[S216]: 1:24: `Axis` takes the name of the axis as a text, not i64; write `Axis(\"name\")`",
        ),
        ("a: Axis()", "", "error[S204]: 1:19: `Axis` with 0 arguments; write `Axis(\"name\")`"),
        (
            RAM,
            "let a = Axis(\"ram\");",
            "error[S213]: 3:9: `Axis()` makes a new handle, which only `init` may; put it into the record that `init` returns, and use it as `this.name`",
        ),
        (
            RAM,
            "this.ram.mve_absolute(1.0, 2.0);",
            "error[S204]: 3:10: there is no method or function `mve_absolute`; did you mean `move_absolute`?",
        ),
        (
            RAM,
            "this.ram.run(true, 1.0);",
            "error[S218]: 3:10: `this.ram` is an Axis without command `run`; commands: `halt`, `home`, `move_absolute`, `move_relative`, `move_velocity`, `power`, `release_stop`, `reset` and 2 more",
        ),
        (
            RAM,
            "this.ram.move_absolute(1.0);",
            "error[S218]: 3:10: `Axis.move_absolute` takes 2 or 3 arguments, not 1; write `this.ram.move_absolute(position, velocity, [direction])`",
        ),
        (
            RAM,
            "this.ram.reset(true, true);",
            "error[S218]: 3:10: `Axis.reset` takes 0 arguments, not 2; write `this.ram.reset()`",
        ),
        (
            RAM,
            "this.ram.move_absolute(10, 2.0);",
            "error[S216]: 3:24: argument position of `Axis.move_absolute` is f64, the value is i64; write `10.0`",
        ),
        (
            RAM,
            "this.ram.power(1);",
            "error[S216]: 3:16: argument on of `Axis.power` is bool, the value is i64; write `true` or `false`",
        ),
        (
            RAM,
            "let x = 5; this.ram.move_relative(1.0, x);",
            "error[S216]: 3:40: argument velocity of `Axis.move_relative` is f64, the value is i64; types are never converted, write `to_float(x)`",
        ),
        (
            RAM,
            "let x = 1; this.ram.power(x);",
            "error[S216]: 3:27: argument on of `Axis.power` is bool, the value is i64; compare it with something",
        ),
        (
            RAM,
            "this.ram.move_absolute(1.0, 2.0, \"postive\");",
            "error[S221]: 3:34: argument direction of `Axis.move_absolute` is never \"postive\"; did you mean `positive`?",
        ),
        (
            RAM,
            "this.flag = this.ram.don;",
            "error[S218]: 3:22: `this.ram` is an Axis without property `don`; did you mean `done`?",
        ),
        (
            RAM,
            "this.flag = this.ram.reset;",
            "error[S218]: 3:22: `this.ram` is an Axis without property `reset`; it is a command, write `reset(...)`",
        ),
        (
            RAM,
            "this.ram.done = true;",
            "error[S207]: 3:1: a property of an Axis cannot be written; the axis says it; give the axis a command",
        ),
        (
            RAM,
            "let a = this.ram;",
            "error[S213]: 3:9: Axis cannot be copied, passed or iterated: it would not know the commands of the original; use it where it stands, as in `for i in 0..this.axes.len { this.axes[i].halt(); }`",
        ),
        (
            "a: Axis(\"ram\"), b: Axis(\"ram\")",
            "this.a = this.b;",
            "error[S213]: 3:1: Axis cannot be assigned: handles stay where `init` made them; make an array of handles, and keep the index of the one that is meant",
        ),
    ] {
        let text = format!("fn init() {{ #{{ {init}, flag: false }} }}\nfn cycle() {{\n{body}\n}}\n");
        let found = cell.findings(&text);
        if !found.iter().any(|found| found.starts_with(finding)) {
            wrong.push(format!("{init}: {body}\nexpected {finding}\nfound    {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let found = cell.findings("fn init() { #{} } fn cycle() { } fn home() { }");
    assert_eq!(
        found,
        [
            "error[S209]: 1:37: `home` with 0 parameters would hide a command of axes of that name; choose another name"
        ]
    );
}

/// An axis whose name only `init` computes is found there.
#[test]
fn an_unknown_axis_in_a_constructor_is_found_by_running_init() {
    let found = Cell::new()
        .findings("fn make(name) { Axis(name) }\nfn init() { #{ a: make(\"tabel\") } }\nfn cycle() { }\n");
    assert_eq!(
        found,
        [
            "error[S302]: 1:17: `init` failed: there is no axis `tabel`; did you mean `table`? (in `make`, called in line 2)"
        ]
    );
}
