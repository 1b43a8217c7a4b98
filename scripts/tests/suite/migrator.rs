//! A program's own `migrate(old)`: what it sees of the old state, what it may do, and how it fails.

use crate::{
    station::Cell,
    support::{LIMITS, PROGRAM, parameters, source},
};
use sensai_model::{FaultCode, Tag, TagStore, Value, cell::Limits};
use sensai_scripts::{
    Layout, Ports, Program, Role, RunContext, ScriptEnvironment, SysFacts,
    analyse::{analyse, analyse_replacing},
    axis::AxisHandle,
    layout::Reading,
    load_native, load_replacing,
    migrate::{Migrate, Migration, Side, plan},
    migrator::Migrator,
    native::NativeProgram,
};

fn environment<'a>(
    cell: &'a Cell,
    parameters: &'a [sensai_model::cell::Parameter],
    limits: Limits,
) -> ScriptEnvironment<'a> {
    let reach = cell.reach();
    ScriptEnvironment {
        tags: &cell.tags,
        parameters,
        limits,
        program_index: PROGRAM,
        role: Role::Controller,
        reach,
    }
}

/// A program that runs, and the one that is to take its place.
pub struct Change {
    old: NativeProgram,
    new: NativeProgram,
    migrator: Option<Migrator>,
    migration: Migration,
    cell: Cell,
}

/// A state behind the change.
pub struct After {
    layout: Layout,
    state: Vec<u8>,
}

impl After {
    #[track_caller]
    pub fn value(&self, path: &str) -> Value {
        match self.layout.read(&self.state, path) {
            Some(Reading::Scalar(value)) => value,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[track_caller]
    fn text(&self, path: &str) -> String {
        match self.layout.read(&self.state, path) {
            Some(Reading::Symbol(text)) => text,
            other => panic!("{path}: {other:?}"),
        }
    }
}

impl Change {
    /// Programs without errors, on a cell with these tags.
    #[track_caller]
    pub fn on(tags: Vec<Tag>, old: &str, new: &str) -> Self {
        let cell = Cell { tags, ..Cell::new() };
        Self::of(cell, old, new, LIMITS).unwrap_or_else(|error| panic!("{error}\n{new}"))
    }

    fn within(old: &str, new: &str, limits: Limits) -> Result<Self, String> {
        Self::of(Cell::new(), old, new, limits)
    }

    fn of(cell: Cell, old: &str, new: &str, limits: Limits) -> Result<Self, String> {
        let parameters = parameters();
        let (old, new, migrator) = {
            let environment = environment(&cell, &parameters, limits);
            let old =
                load_native(&source(old), &environment).unwrap_or_else(|error| panic!("{error}\n{old}"));
            let (new, migrator) = load_replacing(&source(new), &environment, old.layout())
                .map_err(|error| error.to_string())?;
            (old, new, migrator)
        };
        let migration = plan(
            Side { layout: old.layout(), initial: old.state() },
            Side { layout: new.layout(), initial: new.state() },
            &["ram", "table"],
        );
        Ok(Self { old, new, migrator, migration, cell })
    }

    #[track_caller]
    fn new(old: &str, new: &str) -> Self {
        Self::within(old, new, LIMITS).unwrap_or_else(|error| panic!("{error}\n{new}"))
    }

    /// Runs of the old program before the change, of 10 ms each.
    #[track_caller]
    pub fn run(&mut self, runs: u64) {
        let mut store = TagStore::new(&self.cell.tags);
        let reach = self.cell.reach();
        let mut ports = Ports::new(reach.axes.len(), usize::from(PROGRAM) + 1, reach.models.len());
        let values: Vec<Value> = parameters().iter().map(|parameter| parameter.default).collect();
        for cycle in 0..runs {
            ports.begin(cycle + 1);
            let sys = SysFacts {
                cycle,
                time_ns: cycle as i64 * 10_000_000,
                dt_ns: 10_000_000,
                first_cycle: cycle == 0,
            };
            let mut context = RunContext { sys, tags: &mut store, parameters: &values, ports: &mut ports };
            if let Err(error) = self.old.cycle(&mut context) {
                panic!("line {}: {}", error.fault.line, error.text);
            }
            store.commit();
        }
    }

    /// What the edge of a cycle does: keep what can be kept, then `migrate`.
    fn take(&mut self) -> Result<After, sensai_scripts::ProgramError> {
        let mut state = self.new.state().to_vec();
        assert!(self.migration.apply(self.old.state(), &mut state));
        if let Some(migrator) = &mut self.migrator {
            migrator.run(self.old.state(), &mut state)?;
        }
        self.new.restore(&state)?;
        Ok(After { layout: self.new.layout().clone(), state: self.new.state().to_vec() })
    }

    #[track_caller]
    pub fn taken(&mut self) -> After {
        self.take().unwrap_or_else(|error| panic!("line {}: {}", error.fault.line, error.text))
    }
}

/// Both programs, from what their `init` give and what is in `migrate`; the old one runs `runs` times.
#[track_caller]
fn after(old: (&str, &str), runs: u64, new: &str, migrate: &str) -> After {
    let old = format!("fn init() {{ #{{ {} }} }}\nfn cycle() {{ {} }}\n", old.0, old.1);
    let mut change = Change::new(&old, &program(new, migrate));
    change.run(runs);
    change.taken()
}

/// `migrate` is in line 3 and those behind it.
fn program(init: &str, migrate: &str) -> String {
    format!("fn init() {{ #{{ {init} }} }}\nfn cycle() {{ }}\nfn migrate(old) {{\n{migrate}\n}}\n")
}

/// What the check says of a `migrate`, where the old state is `n: 0, x: 0.5, b: false, s: "idle"`.
fn refused(init: &str, migrate: &str) -> String {
    let old = "fn init() { #{ n: 0, x: 0.5, b: false, s: \"idle\", ram: Axis(\"ram\") } }\nfn cycle() { }\n";
    match Change::within(old, &program(init, migrate), LIMITS) {
        Ok(_) => panic!("it is taken\n{migrate}"),
        Err(text) => text,
    }
}

#[test]
fn without_migrate_there_is_no_migrator() {
    let text = "fn init() { #{ n: 0 } }\nfn cycle() { this.n += 1; }\n";
    assert!(Change::new(text, text).migrator.is_none());
    // A function of this name with other parameters is one like any other.
    let other = "fn init() { #{ n: 0 } }\nfn cycle() { this.migrate(); }\nfn migrate() { this.n += 1; }\n";
    assert!(Change::new(text, other).migrator.is_none());
}

#[test]
fn the_check_before_any_reload_finds_nothing_wrong_with_it() {
    let text = "fn init() { #{ n: 0.0 } }\nfn cycle() { this.n += 1.0; }\nfn migrate(old) { this.take(old.n); }\nfn \
                take(n) { this.n = half(n); }\nfn half(n) { to_float(n) * 0.5 }\n";
    let (cell, parameters) = (Cell::new(), parameters());
    let environment = environment(&cell, &parameters, LIMITS);
    assert_eq!(analyse(&source(text), &environment).findings, []);
    let of = load_native(&source("fn init() { #{ n: 3 } }\nfn cycle() { }\n"), &environment).unwrap();
    assert_eq!(analyse_replacing(&source(text), &environment, of.layout()).findings, []);
    let other = text.replace("migrate(old)", "migrate(old, more)");
    let told: Vec<String> =
        analyse(&source(&other), &environment).findings.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|line| line.contains("nothing calls `migrate`")), "{told:?}");
}

#[test]
fn scalars_and_texts_are_seen_as_they_are() {
    let old = (
        "n: 0, x: 0.0, b: false, s: \"idle\"",
        "this.n += 7; this.x += 0.25; this.b = !this.b; this.s = \"clamping\";",
    );
    let migrate = "this.count = old.n; this.level = old.x; this.on = old.b; this.step = old.s; \
                   if old.s == \"clamping\" { this.clamps = 1; }";
    let new = "count: 0, level: 0.0, on: false, step: \"none\", clamps: 0";
    let after = after(old, 3, new, migrate);
    assert_eq!(after.value("count"), Value::I64(21));
    assert_eq!(after.value("level"), Value::F64(0.75));
    assert_eq!(after.value("on"), Value::Bool(true));
    assert_eq!(after.text("step"), "clamping");
    assert_eq!(after.value("clamps"), Value::I64(1));
}

#[test]
fn it_begins_with_what_was_kept_and_with_what_init_gives() {
    let old = ("n: 0, gone: 3", "this.n += 1;");
    let after = after(old, 4, "n: 100, added: 5", "this.added += this.n * 10 + old.gone;");
    assert_eq!((after.value("n"), after.value("added")), (Value::I64(4), Value::I64(48)));
}

/// What an operator has set meanwhile is for cycles.
#[test]
fn parameters_have_the_values_that_init_sees() {
    let after = after(("n: 0", ""), 0, "n: 0, m: 0", "this.m = param.count + 1;");
    assert_eq!(after.value("m"), Value::I64(4));
}

#[test]
fn a_block_is_a_record_of_its_pins() {
    let old =
        ("settle: TON(), parts: CTU()", "this.settle.run(true, 0.025); this.parts.run(true, false, 1);");
    let after = after(
        old,
        5,
        "elapsed: 0.0, over: false, counted: 0, full: false",
        "this.elapsed = old.settle.ET; this.over = old.settle.Q; this.counted = old.parts.CV; this.full = old.parts.Q;",
    );
    assert_eq!(after.value("over"), Value::Bool(true));
    assert_eq!(after.value("elapsed"), Value::F64(0.025));
    assert_eq!((after.value("counted"), after.value("full")), (Value::I64(1), Value::Bool(true)));
}

#[test]
fn arrays_of_records_in_arrays_are_seen_whole() {
    let old = (
        "rows: array(2, #{ cells: array(3, #{ on: false, n: 0, t: TON() }), sum: 0.5 })",
        "for row in 0..2 { for cell in 0..3 { this.rows[row].cells[cell].n += row * 10 + cell; \
         this.rows[row].cells[cell].on = cell == 1; this.rows[row].cells[cell].t.run(row == 1, 0.01); } \
         this.rows[row].sum += to_float(row); }",
    );
    let migrate = "for row in 0..2 { for cell in 0..3 { let at = row * 3 + cell; this.flat[at] = old.rows[row].cells[cell].n; \
                   this.done[at] = old.rows[row].cells[cell].t.Q && old.rows[row].cells[cell].on; } \
                   this.sum += old.rows[row].sum; }";
    let after = after(old, 2, "flat: array(6, 0), done: array(6, false), sum: 0.0", migrate);
    let flat: Vec<Value> = (0..6).map(|at| after.value(&format!("flat[{at}]"))).collect();
    assert_eq!(flat, [0, 2, 4, 20, 22, 24].map(Value::I64));
    let done: Vec<Value> = (0..6).map(|at| after.value(&format!("done[{at}]"))).collect();
    assert_eq!(done, [false, false, false, false, true, false].map(Value::Bool));
    assert_eq!(after.value("sum"), Value::F64(3.0));
}

#[test]
fn another_type_and_another_length_can_be_taken_over() {
    let old = ("n: 0, list: [1.5, 2.5, 3.5]", "this.n += 1;");
    let new = "n: 0.0, list: array(5, 9.0)";
    let text = format!("fn init() {{ #{{ {} }} }}\nfn cycle() {{ {} }}\n", old.0, old.1);
    let migrate = "this.n = to_float(old.n); for i in 0..3 { this.list[i] = old.list[i]; }";
    let change = Change::new(&text, &program(new, migrate));
    let told: Vec<String> = change.migration.refused.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["`list` had 3 elements and has 5 now", "`n` was i64 and is f64 now"]);
    let after = after(old, 6, new, migrate);
    assert_eq!(after.value("n"), Value::F64(6.0));
    let list: Vec<Value> = (0..5).map(|at| after.value(&format!("list[{at}]"))).collect();
    assert_eq!(list, [1.5, 2.5, 3.5, 9.0, 9.0].map(Value::F64));
}

#[test]
fn a_block_made_with_other_arguments_can_be_set_up_again() {
    let old = ("filter: LAG1(0.1)", "this.filter.run(4.0);");
    let migrate = "this.last = old.filter.OUT;";
    let after = after(old, 300, "filter: LAG1(0.5), last: 0.0", migrate);
    let Value::F64(last) = after.value("last") else { panic!("a number") };
    assert!((last - 4.0).abs() < 1e-3, "{last}");
    assert_eq!(after.value("filter.OUT"), Value::F64(0.0), "the block itself starts anew");
}

#[test]
fn handles_keep_their_commands_and_are_not_seen() {
    let old =
        "fn init() { #{ ram: Axis(\"ram\"), n: 0 } }\nfn cycle() { this.ram.move_absolute(12.5, 5.0); }\n";
    let mut change =
        Change::new(old, &program("ram: Axis(\"ram\"), n: 0, more: 0", "this.more = old.n + 1;"));
    change.run(1);
    let at = |layout: &Layout| layout.lookup("ram").expect("it is there").offset;
    let handle = |layout: &Layout, state: &[u8]| {
        let from = at(layout);
        state[from..from + AxisHandle::SIZE as usize].to_vec()
    };
    let before = handle(change.old.layout(), change.old.state());
    assert_ne!(before, AxisHandle::new(0).bytes(), "it has begun a command");
    let after = change.taken();
    assert_eq!(handle(&after.layout, &after.state), before);
    assert_eq!(after.value("more"), Value::I64(1));
    let unseen = refused("busy: false", "this.busy = old.ram.busy;");
    assert!(unseen.contains("programs/test.rhai:4:") && unseen.contains("ram"), "{unseen}");
}

#[test]
fn what_belongs_to_cycles_is_refused_with_its_place() {
    for (migrate, name) in [
        ("this.n = io.n;", "io"),
        ("io.x = 1.0;", "io"),
        ("this.n = sys.cycle;", "sys"),
        ("this.ram.halt();", "this.ram.halt()"),
        ("helper();", "io"),
    ] {
        let text = program("n: 0, ram: Axis(\"ram\")", migrate) + "fn helper() { io.n = 3; }\n";
        let old = "fn init() { #{ n: 0, ram: Axis(\"ram\") } }\nfn cycle() { }\n";
        let Err(told) = Change::within(old, &text, LIMITS) else { panic!("taken: {migrate}") };
        let line = if migrate == "helper();" { 6 } else { 4 };
        assert!(told.starts_with(&format!("error[S214]: programs/test.rhai:{line}:")), "{told}");
        assert!(
            told.contains("`migrate` runs between two cycles and cannot use") && told.contains(name),
            "{told}"
        );
    }
    let made = refused("t: TON()", "this.t = TON();");
    assert!(made.contains(": programs/test.rhai:4:") && made.contains("TON"), "{made}");
}

#[test]
fn what_the_old_state_does_not_have_is_found_before() {
    let told = refused("n: 0", "this.n = old.m;");
    assert!(told.contains(": programs/test.rhai:4:") && told.contains("`m`"), "{told}");
    let told = refused("n: 0", "this.n = old.s;");
    assert!(told.contains(": programs/test.rhai:4:"), "{told}");
    let told = refused("n: 0", "old.n = 3;");
    assert!(told.contains(": programs/test.rhai:4:"), "{told}");
}

/// Code and line of the fault that `migrate` ends in; the old program's `n` is 5 and `zero` is 0.
fn fault(limits: Limits, migrate: &str) -> (FaultCode, u32) {
    let old = "fn init() { #{ n: 0, zero: 0 } }\nfn cycle() { this.n += 1; }\n";
    let new = program("n: 0, m: 0, list: [1, 2, 3]", migrate);
    let mut change = Change::within(old, &new, limits).unwrap_or_else(|error| panic!("{error}"));
    change.run(5);
    let before = change.old.state().to_vec();
    let Err(error) = change.take() else { panic!("no fault: {migrate}") };
    assert_eq!(change.old.state(), before, "the old program runs on");
    assert_eq!(error.fault.source, PROGRAM);
    assert!(!error.text.to_string().is_empty());
    // Nothing of it is left in the next attempt.
    let Err(again) = change.take() else { panic!("no fault: {migrate}") };
    assert_eq!(again.fault, error.fault);
    (error.fault.code, error.fault.line)
}

#[test]
fn a_fault_is_told_with_its_line() {
    for (migrate, code) in [
        ("this.m = 9223372036854775807 + old.n;", FaultCode::Overflow),
        ("this.m = 10 / old.zero;", FaultCode::DivisionByZero),
        ("this.m = this.list[old.n];", FaultCode::IndexOutOfBounds),
        ("fault(\"not while it presses\");", FaultCode::Raised),
        ("let i = 0; while i >= old.zero { i += 1; this.m = i; }", FaultCode::FuelExhausted),
    ] {
        assert_eq!(fault(LIMITS, migrate), (code, 4), "{migrate}");
    }
}

#[test]
fn more_than_a_run_may_do_is_not_taken() {
    let old = "fn init() { #{ n: 0 } }\nfn cycle() { }\n";
    let new = program("n: 0", "for i in 0..1000 { this.n += old.n + i; }");
    let within = |operations| Change::within(old, &new, Limits { operations, ..LIMITS });
    let change = within(20_000).unwrap_or_else(|error| panic!("{error}"));
    let units = change.migrator.as_ref().map(Migrate::units).expect("there is one");
    assert!((3_000..10_000).contains(&units), "{units}");
    assert!(within(units).is_ok());
    let Err(told) = within(units - 1) else { panic!("it is taken") };
    assert_eq!(
        told,
        format!(
            "`migrate` may take {units} units, a run may take {} (`[limits] operations`); do less in it, or raise the limit",
            units - 1
        )
    );
    // Where nobody knows, the limit is what it may take.
    let open = program("n: 0", "while this.n < old.n { this.n += 1; if this.n == 7 { this.n = 0; } }");
    let change = Change::new(old, &open);
    assert_eq!(change.migrator.as_ref().map(Migrate::units), Some(LIMITS.operations));
}

/// A replay that begins behind a reload makes the program without knowing what it replaced: its runs must count as many units.
#[test]
fn a_program_is_the_same_whatever_it_replaces() {
    let old = "fn init() { #{ n: 0, big: 1000 } }\nfn cycle() { this.n += 1; }\n";
    let new = "fn init() { #{ n: 0, big: 0 } }\nfn cycle() { this.add(3); }\nfn add(turns) { for i in 0..turns { this.n += 1; } }\nfn \
               migrate(old) { this.add(500); this.big = old.big; }\n";
    let mut change = Change::new(old, new);
    change.run(2);
    let state = change.taken().state;
    assert_eq!(change.new.layout().read(&state, "n"), Some(Reading::Scalar(Value::I64(502))));
    let (cell, parameters) = (Cell::new(), parameters());
    let environment = environment(&cell, &parameters, LIMITS);
    let mut alone = load_native(&source(new), &environment).unwrap();
    alone.restore(&state).unwrap();
    let mut units = Vec::new();
    for program in [&mut change.new, &mut alone] {
        let mut store = TagStore::new(&cell.tags);
        let reach = cell.reach();
        let mut ports = Ports::new(reach.axes.len(), usize::from(PROGRAM) + 1, reach.models.len());
        let values: Vec<Value> = parameters.iter().map(|parameter| parameter.default).collect();
        ports.begin(1);
        let sys = SysFacts { cycle: 0, time_ns: 0, dt_ns: 10_000_000, first_cycle: false };
        let mut context = RunContext { sys, tags: &mut store, parameters: &values, ports: &mut ports };
        program.cycle(&mut context).unwrap();
        units.push((program.operations(), program.state().to_vec()));
    }
    assert_eq!(units[0], units[1]);
}
