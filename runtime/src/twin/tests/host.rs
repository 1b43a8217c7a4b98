//! What the host of a twin promises: time, images, shafts, the end.

use super::{CELL, Rig, cell, source};
use crate::twin::{provenance, set_parameters};

const STATE: &str = "fn init() { #{ runs: 0, time: 0.0 } }\n";
const NO_STATE: &str = "fn init() { #{ } }\n";

#[test]
fn a_twin_runs_once_an_interval_and_is_told_the_time() {
    let text = format!(
        "{STATE}fn cycle() {{
    this.runs += 1;
    this.time += sys.dt;
    io.force.ram = to_float(this.runs);
    io.nest.height = this.time;
    io.nest.present = sys.first_cycle && sys.cycle == 0 && sys.time == 0;
}}
"
    );
    let mut rig = Rig::new(cell(&text));
    rig.step(1);
    assert_eq!((rig.number("force.ram"), rig.flag("nest.present")), (1.0, true), "at once");
    rig.step(9);
    assert_eq!(rig.number("force.ram"), 1.0);
    rig.step(1);
    assert_eq!((rig.number("force.ram"), rig.flag("nest.present")), (2.0, false));
    rig.run(100);
    assert_eq!(rig.number("force.ram"), 102.0);
    assert!((rig.number("nest.height") - 0.102).abs() < 1e-9);
    // Time that the segment left out did not pass for the machine: one run, one bounded step.
    rig.now_ns += 60_000_000_000;
    rig.step(1);
    assert_eq!(rig.number("force.ram"), 103.0);
    assert!((rig.number("nest.height") - 0.202).abs() < 1e-9, "{}", rig.number("nest.height"));

    let slower = CELL.replace("seed = 7", "seed = 7\ntwin_interval = \"5ms\"");
    let source = source(&slower, &[("twin/press.rhai", text.as_str())]);
    let mut rig = Rig::new((*source.cell.expect("it is checked")).clone());
    rig.run(50);
    assert_eq!(rig.number("force.ram"), 10.0);
    assert!((rig.number("nest.height") - 0.050).abs() < 1e-9);
}

#[test]
fn values_are_rounded_and_saturate_as_the_device_does() {
    let text = format!(
        "{STATE}fn cycle() {{
    io.force.ram = if io.feeder.run {{ 1e9 }} else {{ 12.34 }};
    io.nest.present = io.feeder.push;
}}
"
    );
    let mut rig = Rig::new(cell(&text));
    rig.run(1);
    // A digit is 0.1 N, and 16 bits end at 3276.7 N.
    assert!((rig.number("force.ram") - 12.3).abs() < 1e-9 && !rig.flag("nest.present"));
    rig.drive("feeder.run", true);
    rig.drive("feeder.push", true);
    rig.run(1);
    assert!((rig.number("force.ram") - 3276.7).abs() < 1e-9 && rig.flag("nest.present"));
}

#[test]
fn inputs_that_no_program_writes_are_left_to_their_devices() {
    let mut rig = Rig::new(cell(&format!("{STATE}fn cycle() {{ io.nest.present = true; }}\n")));
    rig.inputs.fill(0x5a);
    let before = rig.inputs.clone();
    rig.run(3);
    let differing: Vec<usize> = (0..before.len()).filter(|at| rig.inputs[*at] != before[*at]).collect();
    // Channel 2 of the first terminal was 1 in 0x5a already; 0x5a has bit 1 set.
    assert_eq!(differing, Vec::<usize>::new());
    rig.inputs.fill(0);
    rig.run(1);
    assert_eq!(rig.inputs.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
}

#[test]
fn shafts_are_seen_and_loaded_in_the_units_of_their_axis() {
    let text = format!(
        "{STATE}fn cycle() {{
    axis.press.load = axis.press.position * 100.0;
    axis.press.stiffness = 100.0;
    axis.press.sto = axis.press.velocity > 150.0;
    axis.table.load = axis.table.position;
    axis.table.home_switch = axis.table.brake_released;
}}
"
    );
    let mut rig = Rig::new(cell(&text));
    rig.shafts[0].position = 2.0;
    rig.shafts[0].velocity = 20.0;
    rig.shafts[1].position = -3.0;
    rig.shafts[1].brake_released = true;
    rig.step(1);
    // 20 mm: 2000 N on a screw of 10 mm a revolution; 100 N/mm are 1000 N a revolution.
    let lever = 0.01 / std::f64::consts::TAU;
    assert!((rig.shafts[0].load - 2000.0 * lever).abs() < 1e-9);
    assert!((rig.shafts[0].stiffness - 1000.0 * lever).abs() < 1e-9);
    assert!(rig.shafts[0].sto && !rig.shafts[1].sto);
    // The drive without an axis counts revolutions and N·m.
    assert_eq!((rig.shafts[1].load, rig.shafts[1].home_switch), (-3.0, true));
    rig.shafts[0].position = 2.1;
    rig.step(1);
    assert!((rig.shafts[0].load - 2100.0 * lever).abs() < 1e-9, "between two runs, too");
}

#[test]
fn a_script_error_ends_the_twin_and_says_where() {
    let text = format!(
        "{STATE}fn cycle() {{
    this.runs += 1;
    let list = [1, 2, 3];
    io.force.ram = 5.0;
    if this.runs > 2 {{ this.runs = list[this.runs]; }}
    io.force.ram = to_float(this.runs);
}}
"
    );
    let mut rig = Rig::new(cell(&text));
    rig.run(2);
    assert!(!rig.failure.happened() && rig.failure.text(&rig.cell).is_none());
    rig.step(1);
    assert!(rig.failure.happened());
    assert!(rig.failure.stop_flag().load(std::sync::atomic::Ordering::Relaxed));
    let expected = "twin/press.rhai:6:41: F303: index 3 is out of bounds: the array has 3 elements, 0 to 2";
    let told = rig.failure.text(&rig.cell).unwrap();
    assert_eq!(told, expected);
    // The sensors show what they showed last, not half of a run; and it stays like that.
    assert_eq!(rig.number("force.ram"), 2.0);
    rig.run(10);
    assert_eq!(rig.number("force.ram"), 2.0);
    assert_eq!(rig.failure.text(&rig.cell).unwrap(), expected);
}

#[test]
fn what_is_wrong_with_a_twin_is_found_before_it_runs() {
    let twin = "fn init() { #{ x: 0.0 } }
fn cycle() {
    io.feeder.run = true;
    this.x = to_float(io.strokes);
    io.feeder.reddy = true;
    axis.ram.load = 1.0;
    io.raw = 5;
    io.nest.present = param.misssing > 0.5;
}
";
    let found = source(CELL, &[("twin/press.rhai", twin)]);
    assert!(found.cell.is_none());
    let shown: Vec<String> = found
        .findings
        .iter()
        .map(|found| {
            format!("{} {}:{}:{} {}", found.code, found.path, found.line, found.column, found.message)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "S207 twin/press.rhai:3:5 `io.feeder.run` is an output of the cell and cannot be written: the controller \
             drives it",
            "S205 twin/press.rhai:4:23 `io.strokes` is a tag in the controller's memory, which no machine can see",
            "S205 twin/press.rhai:5:15 `io.feeder.reddy` does not exist",
            "S205 twin/press.rhai:6:10 `axis.ram` does not exist",
            "S206 twin/press.rhai:8:29 `param.misssing` does not exist",
        ]
    );
    let rendered = found.render(false);
    assert!(rendered.contains("did you mean `feeder.ready`?"), "{rendered}");

    // What only the whole twin shows: a drive's own inputs, and two writers.
    let two = CELL.replace("\"twin/press.rhai\"]", "\"twin/press.rhai\", \"twin/more.rhai\"]");
    let one =
        format!("{NO_STATE}fn cycle() {{ io.raw = 5; io.nest.present = true; axis.press.load = 1.0; }}\n");
    let more = format!("{NO_STATE}fn cycle() {{ axis.press.load = 2.0; }}\n");
    let found = source(&two, &[("twin/press.rhai", one.as_str()), ("twin/more.rhai", more.as_str())]);
    let shown: Vec<String> = found.findings.iter().map(|found| format!("{} {found}", found.code)).collect();
    assert_eq!(
        shown,
        [
            "R102 twin/press.rhai:2:14: R102 `io.raw` comes from the drive `table`, which shows its own values",
            "R103 twin/more.rhai:2:14: R103 `axis.press.load` is written by twin/press.rhai too",
        ]
    );
}

#[test]
fn parameters_are_set_by_name() {
    let mut cell = cell(&format!("{STATE}fn cycle() {{ io.force.ram = param.crack * 1000.0; }}\n"));
    set_parameters(&mut cell, &[("crack".into(), 0.5)]).unwrap();
    let text = provenance(&cell).unwrap();
    assert_eq!(
        text,
        "simulated by a twin, seed 7, missing = 0, double = 0, crack = 0.5, material = 0, wear = 0"
    );
    let error = set_parameters(&mut cell, &[("crock".into(), 0.5), ("wear".into(), f64::NAN)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "[simulation] has no parameter `crock`; it has missing, double, crack, material, wear: add crock = 0.5 to its \
         `parameters`\n`wear` = NaN: expected a finite number"
    );
    let mut rig = Rig::new(cell);
    rig.run(1);
    assert_eq!(rig.number("force.ram"), 500.0);
}
