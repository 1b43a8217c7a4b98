//! The example cell is read without a finding, into the cell it describes.

mod common;

use common::{load_press_cell, press_cell_text, press_files};
use sensai_model::{
    RawType, ScalarType, TagKind, Value,
    config::{self, Style},
    tag::{OnFault, OnInvalid, Overflow},
};

#[test]
fn the_example_is_clean() {
    let report = load_press_cell();
    assert_eq!(report.render(Style::Plain), "");
    let cell = report.cell.expect("no findings, so there is a cell");
    assert_eq!(cell.name, "pneumatic-press");
    assert_eq!(cell.bus.interface, None);
    assert_eq!(cell.bus.deadline_ns, 250_000);
    assert_eq!(cell.bus.lost_frames_max, 3);
    assert_eq!(cell.bus.watchdog_ns, 10_000_000);
    assert_eq!(cell.task.interval_ns, 1_000_000);
    assert_eq!(cell.task.priority, 80);
    assert_eq!(cell.task.limits.operations, 20_000);
    assert_eq!(cell.task.programs.len(), 1);
    assert_eq!(cell.task.programs[0].name, "press");
    assert_eq!(cell.task.programs[0].path, "programs/press.rhai");
    assert_eq!(cell.log.sync_interval_ns, 100_000_000);
    assert_eq!(cell.log.keyframe_interval, 1_000);
    assert!(cell.simulation.auto_start);
    let plant = cell.simulation.plant.as_ref().expect("the example has a plant");
    assert_eq!(plant.kind, "pneumatic_press");
    assert_eq!(plant.tags["down"], "ram.down");
    assert_eq!(plant.constants["bad_share"], 0.05);
}

#[test]
fn devices_stand_in_bus_order_and_share_the_images() {
    let cell = load_press_cell().cell.expect("clean");
    let names: Vec<&str> = cell.devices.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["coupler", "inputs", "valves", "force", "scale", "gauge"]);
    let mut inputs = 0;
    let mut outputs = 0;
    for (index, device) in cell.devices.iter().enumerate() {
        assert_eq!(usize::from(device.position), index);
        assert_eq!(device.inputs.start, inputs, "{}", device.name);
        assert_eq!(device.outputs.start, outputs, "{}", device.name);
        inputs = device.inputs.end;
        outputs = device.outputs.end;
    }
    assert_eq!((inputs, outputs), (cell.image.inputs, cell.image.outputs));
    assert_eq!(cell.devices[1].inputs, 0..1);
    assert_eq!(cell.devices[2].outputs, 0..1);
    let units: Vec<(&str, &[u16])> =
        cell.sync_units.iter().map(|unit| (unit.name.as_str(), unit.devices.as_slice())).collect();
    assert_eq!(units, [("main", &[1, 2, 3, 4][..]), ("measuring", &[5])]);
    assert_eq!(cell.devices[5].sync_unit, 1);
}

#[test]
fn tags_keep_the_order_of_the_file_and_bind_their_entries() {
    let cell = load_press_cell().cell.expect("clean");
    let names: Vec<&str> = cell.tags.iter().map(|tag| tag.name.as_str()).collect();
    let first = ["start", "stop", "ram.up", "ram.down", "nest.present", "reset", "valve.down", "valve.up"];
    assert_eq!(names[..8], first);
    assert_eq!(names.last(), Some(&"peak_force"));
    let mut slots: Vec<u32> = cell.tags.iter().map(|tag| tag.slot).collect();
    slots.sort_unstable();
    assert_eq!(slots, (0..16).collect::<Vec<u32>>());

    let present = cell.tag("nest.present").expect("it is there");
    assert_eq!((present.kind, present.scalar), (TagKind::Input, ScalarType::Bool));
    assert_eq!((present.fields[0].bit_offset, present.fields[0].raw), (4, RawType::Bool));

    let up = cell.tag("valve.up").expect("it is there");
    assert_eq!((up.fields[0].bit_offset, up.on_fault), (1, OnFault::Value(Value::Bool(true))));
    assert_eq!(cell.tag("clamp").expect("it is there").on_fault, OnFault::Hold);
    assert_eq!(cell.tag("lamp").expect("it is there").on_fault, OnFault::Value(Value::Bool(false)));

    let force = cell.tag("force.ram").expect("it is there");
    assert_eq!((force.scalar, force.unit.as_deref()), (ScalarType::F64, Some("N")));
    assert_eq!(force.scale.map(|scale| (scale.factor, scale.offset)), Some((0.1, 0.0)));
    assert_eq!(force.range, Some((Value::F64(-100.0), Value::F64(3276.7))));
    assert_eq!((force.on_invalid, force.overflow), (OnInvalid::Hold, Overflow::Fault));
    let device = &cell.devices[3];
    assert!(device.inputs.contains(&(force.fields[0].bit_offset as usize / 8)));
    assert_eq!((force.fields[0].bit_len, force.fields[0].raw), (16, RawType::Signed));

    let height = cell.tag("nest.height").expect("it is there");
    assert_eq!((height.on_invalid, height.sync_units.as_slice()), (OnInvalid::Hold, &[1_u8][..]));
    assert_eq!(height.fields[0].bit_len, 32);

    let good = cell.tag("parts.good").expect("it is there");
    assert_eq!((good.kind, good.scalar, good.fields.len()), (TagKind::Memory, ScalarType::I64, 0));
    assert_eq!(cell.operator.start, Some(cell.tag("start").expect("it is there").slot));
    assert_eq!(cell.operator.reset, Some(cell.tag("reset").expect("it is there").slot));
}

/// Whatever line is lost, the answer is findings or a cell, and never a panic.
#[test]
fn any_line_can_be_missing() {
    let text = press_cell_text();
    let lines: Vec<&str> = text.lines().collect();
    let mut with_findings = 0;
    for skip in 0..lines.len() {
        let rest: Vec<&str> =
            lines.iter().enumerate().filter(|(i, _)| *i != skip).map(|(_, line)| *line).collect();
        let rest = rest.join("\n");
        let report = config::load(press_files(&rest));
        let errors = report.findings.iter().any(|finding| finding.severity == config::Severity::Error);
        assert_eq!(report.cell.is_none(), errors, "without line {}: {}", skip + 1, lines[skip]);
        with_findings += usize::from(errors);
        assert_eq!(report.render(Style::Plain).is_empty(), report.findings.is_empty());
    }
    // Section headers, required keys, and all that others refer to: losing one of these must not go unnoticed.
    assert!(with_findings >= 20, "{with_findings}");
}
