use super::*;
use crate::source::Source;
use std::sync::Arc;

const CELL: &str = r#"
[cell]
name = "counter"
[tasks.main]
interval = "1ms"
programs = ["programs/count.rhai"]
[tags]
ready = { type = "bool" }
[parameters]
limit = { default = 10.0, range = [0.0, 20.0] }
batch = { default = 5 }
"#;

const PROGRAM: &str = r#"
fn init() { #{ step: "idle", retain: #{ good: 0, share: 0.25, last: "none", hours: TON(), seen: array(2, 0) } } }
fn cycle() { this.retain.good += 1; this.retain.share = this.retain.share * 1.5; this.retain.last = "part"; }
"#;

fn machine(cell: &str, program: &str) -> Machine {
    let files = [("cell.toml", cell), ("programs/count.rhai", program)];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into();
    let source = Source::from_files(&files);
    let cell = source.cell.clone().unwrap_or_else(|| panic!("{}", source.render(false)));
    let programs = crate::programs::compile(&cell).unwrap();
    Machine::new(Arc::clone(&cell), programs)
}

/// A machine that has run three cycles with a parameter set.
fn used() -> Machine {
    use crate::{inbox::entry, machine::CycleTime};
    use sensai_fieldbus::Exchange;
    use sensai_model::record::{InboxKind, InboxSource};
    let mut machine = machine(CELL, PROGRAM);
    let bits = 12.5_f64.to_bits().cast_signed();
    machine.apply(&entry(InboxKind::Parameter, InboxSource::CONTROL, [0, bits, 0]));
    machine.apply(&entry(InboxKind::Start, InboxSource::CONTROL, [0; 3]));
    let exchange = Exchange { valid: u32::MAX, lost: false, ..Exchange::NONE };
    for index in 1..=3 {
        machine.run_task(&exchange, CycleTime { index, skipped: 0, first: index == 1 });
    }
    machine
}

fn kept(machine: &Machine) -> Retained {
    let places = Places::new(machine);
    let mut bytes = vec![0xa5; places.len()];
    assert_eq!(save(machine, &mut bytes), Some(places.len()));
    assert_eq!(save(machine, &mut vec![0; places.len() - 1]), None, "there is not room enough");
    let kept = Retained::from_saved(&places, &bytes);
    let again = Retained::parse(&kept.to_bytes()).unwrap();
    assert_eq!(kept, again);
    kept
}

fn value(kept: &Retained, path: &str) -> String {
    kept.programs["count"].get(path).map_or_else(|| "nothing".into(), |kept| kept.value.clone())
}

#[test]
fn a_warm_restart_goes_on_with_the_same_bits() {
    let used = used();
    let kept = kept(&used);
    assert_eq!((value(&kept, "retain.good"), value(&kept, "retain.share")), ("3".into(), "0.84375".into()));
    assert_eq!(value(&kept, "retain.last"), "part");
    assert_eq!(kept.parameters["limit"].value, "12.5");
    let mut fresh = machine(CELL, PROGRAM);
    assert_eq!(kept.clone().limited_to(Restart::Warm).apply(&mut fresh), Vec::<String>::new());
    let retain = fresh.programs()[0].layout().retained().unwrap();
    assert_eq!(fresh.programs()[0].state()[retain.clone()], used.programs()[0].state()[retain]);
    assert_eq!(fresh.parameters(), used.parameters());
    assert_eq!(self::kept(&fresh), kept);
}

#[test]
fn a_cold_restart_keeps_parameters_and_an_origin_restart_nothing() {
    let kept = kept(&used());
    let mut cold = machine(CELL, PROGRAM);
    let told = kept.clone().limited_to(Restart::Cold).apply(&mut cold);
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(value(&self::kept(&cold), "retain.good"), "0");
    assert_eq!(self::kept(&cold).parameters["limit"].value, "12.5");
    let mut origin = machine(CELL, PROGRAM);
    assert!(kept.limited_to(Restart::Origin).apply(&mut origin).is_empty());
    assert_eq!(self::kept(&origin), self::kept(&machine(CELL, PROGRAM)));
}

#[test]
fn what_no_longer_fits_is_told_and_starts_anew() {
    let kept = kept(&used());
    let cell = CELL.replace("range = [0.0, 20.0]", "range = [0.0, 12.0]").replace("batch", "batches");
    let program = PROGRAM.replace("good: 0", "good: 0.0").replace("good += 1", "good += 1.0").replace(
        "last: \"none\", hours: TON(), seen: array(2, 0)",
        "hours: TOF(), seen: array(1, 0), extra: false",
    );
    let program = program.replace("this.retain.last = \"part\";", "");
    let mut changed = machine(&cell, &program);
    let told = kept.apply(&mut changed);
    assert_eq!(
        told,
        [
            "parameter `batch` no longer exists; its value 5 is dropped",
            "parameter `limit`: f64 12.5 is outside its type or range now; it starts at 10",
            "count: `retain.good` was i64 and is f64 now; it starts anew",
            "count: `retain.hours` was TON() and is TOF() now; it starts anew",
            "count: `retain.last` no longer exists; its value part is dropped",
            "count: `retain.seen[1]` no longer exists; its value 0 is dropped",
            "count: `retain.extra` is new; it starts as `init` gives it",
        ]
    );
    let now = self::kept(&changed);
    assert_eq!((value(&now, "retain.good"), value(&now, "retain.share")), ("0.0".into(), "0.84375".into()));
}

#[test]
fn another_cell_s_data_is_not_used() {
    let kept = kept(&used());
    let mut other = machine(&CELL.replace("\"counter\"", "\"other\""), PROGRAM);
    let told = kept.apply(&mut other);
    assert_eq!(told, ["it is of the cell `counter`, this is `other`: not used"]);
    assert_eq!(value(&self::kept(&other), "retain.good"), "0");
}

#[test]
fn bad_payloads_are_refused_with_a_reason() {
    assert!(Retained::parse(b"").is_err());
    assert!(
        Retained::parse(b"{\"form\":9,\"cell\":\"c\",\"parameters\":{},\"programs\":{}}")
            .is_err_and(|text| { text.contains("form is 9") })
    );
}

#[test]
fn a_reset_to_the_origin_lets_go_of_everything() {
    use crate::inbox::entry;
    use sensai_model::record::{InboxKind, InboxSource};
    let mut machine = used();
    let reset = |restart: Restart| entry(InboxKind::Reset, InboxSource::CONTROL, [restart.number(), 0, 0]);
    machine.apply(&reset(Restart::Origin));
    assert_eq!(value(&kept(&machine), "retain.good"), "3", "not while it runs");
    machine.apply(&entry(InboxKind::Stop, InboxSource::CONTROL, [0; 3]));
    machine.apply(&reset(Restart::Warm));
    assert_eq!(value(&kept(&machine), "retain.good"), "3");
    machine.apply(&reset(Restart::Cold));
    assert_eq!(value(&kept(&machine), "retain.good"), "0");
    assert_eq!(kept(&machine).parameters["limit"].value, "12.5");
    machine.apply(&reset(Restart::Origin));
    assert_eq!(kept(&machine).parameters["limit"].value, "10.0");
}
