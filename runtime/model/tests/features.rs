//! What can be written in `cell.toml`, and what becomes of it.

mod common;

use common::files;
use sensai_devices::{catalogue, sii};
use sensai_model::{
    BitField, Cell, RawType, ScalarType, TagKind, Value,
    cell::{OnOverrun, StartupSdo},
    config::{self, Style},
    tag::{OnFault, OnInvalid, Overflow},
};

const HEAD: &str =
    "[cell]\nname = \"c\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/main.rhai\"]\n";
const DEVICES: &str = "[devices]\ncoupler = { type = \"EK1100\" }\ninputs = { type = \"EL1008\" }\n\
                       valves = { type = \"EL2008\" }\nforce = { type = \"EL3104\" }\nencoder = { type = \"EL5101\" }\n";

fn load(text: &str) -> Cell {
    let report = config::load(files(text.as_bytes()));
    assert_eq!(report.render(Style::Plain), "", "{text}");
    report.cell.expect("no findings, so there is a cell")
}

fn with_tags(tags: &str) -> Cell {
    load(&format!("{HEAD}{DEVICES}[tags]\n{tags}"))
}

#[test]
fn defaults_are_as_documented() {
    let cell = load(HEAD);
    assert_eq!((cell.bus.interface, cell.bus.deadline_ns, cell.bus.lost_frames_max), (None, 250_000, 3));
    assert_eq!((cell.bus.watchdog_ns, cell.bus.acyclic_bytes_max), (10_000_000, 1514));
    assert_eq!((cell.task.priority, cell.task.core, cell.task.spin_ns), (80, None, None));
    assert_eq!(cell.task.on_overrun, OnOverrun::Skip);
    let limits = cell.task.limits;
    assert_eq!((limits.operations, limits.call_depth, limits.text_len), (100_000, 16, 4096));
    assert_eq!((limits.array_len, limits.record_len), (1024, 256));
    assert_eq!((cell.log.sync_interval_ns, cell.log.keyframe_interval), (100_000_000, 1000));
    assert_eq!(cell.log.ring_ns, 2_000_000_000);
    assert_eq!((cell.simulation.auto_start, cell.simulation.seed), (false, 1));
    assert_eq!(cell.simulation.plant, None);
    assert!(cell.devices.is_empty() && cell.sync_units.is_empty() && cell.tags.is_empty());
}

#[test]
fn times_follow_the_interval() {
    let cell = load(&format!("{}[bus]\ndeadline = \"30%\"\n", HEAD.replace("1ms", "125us")));
    assert_eq!(cell.bus.deadline_ns, 37_500);
    assert_eq!(cell.bus.watchdog_ns, 1_300_000, "ten intervals, rounded up to a step of the register");
    assert_eq!(cell.log.keyframe_interval, 8_000);
    assert_eq!(cell.bus.acyclic_bytes_max, (125_000 - 37_500) / 2 / 80);
    let slow = load(&HEAD.replace("1ms", "1s"));
    assert_eq!(slow.bus.watchdog_ns, 6_553_500_000, "the register's largest value");
}

#[test]
fn bindings_by_name_and_by_address_are_the_same() {
    let cell = with_tags(
        "short = { input = \"inputs.channel_2\" }\nfull = { input = \"inputs.channel_2.input\" }\n\
         address = { input = \"inputs.0x6010:01\" }\nupper = { input = \"force.0x6000:11\" }\n",
    );
    let field = BitField { bit_offset: 1, bit_len: 1, raw: RawType::Bool };
    for tag in &cell.tags[..3] {
        assert_eq!(tag.fields, [field], "{}", tag.name);
        assert_eq!(tag.scalar, ScalarType::Bool);
    }
    // One byte of digital inputs, then status word and value of the first analogue channel.
    assert_eq!(cell.tags[3].fields, [BitField { bit_offset: 8 + 16, bit_len: 16, raw: RawType::Signed }]);
}

#[test]
fn arrays_have_an_element_per_binding() {
    let cell = with_tags(
        "force = { input = [\"force.channel_1.value\", \"force.channel_3.value\"], unit = \"N\", scale = 0.5 }\n\
         after = { input = \"inputs.channel_1\" }\nbuffer = { type = \"f64\", array = 3, initial = 1.5 }\n",
    );
    let force = &cell.tags[0];
    assert_eq!((force.array_len, force.len(), force.slot), (Some(2), 2, 0));
    assert_eq!(force.fields.iter().map(|field| field.bit_offset).collect::<Vec<_>>(), [24, 24 + 64]);
    assert_eq!((force.sync_units.len(), force.bindings.len()), (2, 2));
    assert_eq!(cell.tags[1].slot, 2);
    let buffer = &cell.tags[2];
    assert_eq!((buffer.array_len, buffer.slot, buffer.initial), (Some(3), 3, Value::F64(1.5)));
}

#[test]
fn slots_are_inputs_then_outputs_then_memory() {
    let cell = with_tags(
        "m = { type = \"i64\" }\no = { output = \"valves.channel_1\" }\ni = { input = \"inputs.channel_1\" }\n",
    );
    let slots: Vec<(&str, u32)> = cell.tags.iter().map(|tag| (tag.name.as_str(), tag.slot)).collect();
    assert_eq!(slots, [("m", 2), ("o", 1), ("i", 0)], "tags in the order of the file, slots by kind");
}

#[test]
fn a_bit_of_a_word_is_a_bool() {
    let cell = with_tags("negative = { input = \"force.channel_1.value\", bit = 15 }\n");
    assert_eq!(cell.tags[0].fields, [BitField { bit_offset: 24 + 15, bit_len: 1, raw: RawType::Bool }]);
    assert_eq!(cell.tags[0].scalar, ScalarType::Bool);
}

#[test]
fn types_follow_the_entry_unless_told() {
    let cell = with_tags(
        "raw = { input = \"force.channel_1.value\" }\nfloat = { input = \"force.channel_1.value\", type = \"f64\" }\n\
         checked = { input = \"force.channel_1.value\", type = \"i16\" }\nlimit = { input = \"force.channel_1.limit_1\" }\n",
    );
    let types: Vec<ScalarType> = cell.tags.iter().map(|tag| tag.scalar).collect();
    assert_eq!(types, [ScalarType::I64, ScalarType::F64, ScalarType::I64, ScalarType::I64]);
    assert_eq!(cell.tags[1].scale, None);
    assert_eq!(cell.tags[1].decode(&cell.tags[1].fields[0], &[0xff; 16]), Some(Value::F64(-1.0)));
}

#[test]
fn groups_may_be_written_in_every_way_toml_has() {
    let one =
        with_tags("ram.up = { input = \"inputs.channel_1\" }\nram.down = { input = \"inputs.channel_2\" }\n");
    let two = with_tags(
        "[tags.ram.up]\ninput = \"inputs.channel_1\"\n[tags.ram.down]\ninput = \"inputs.channel_2\"\n",
    );
    let three = with_tags(
        "ram = { up = { input = \"inputs.channel_1\" }, down = { input = \"inputs.channel_2\" } }\n",
    );
    let four = with_tags("[tags.ram]\nup.input = \"inputs.channel_1\"\ndown.input = \"inputs.channel_2\"\n");
    assert_eq!(one.tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["ram.up", "ram.down"]);
    assert_eq!(one.tags, two.tags);
    assert_eq!(one.tags, three.tags);
    assert_eq!(one.tags, four.tags);
}

#[test]
fn aliases_find_their_tag() {
    let text = format!(
        "{HEAD}{DEVICES}[tags]\nstart = {{ input = \"inputs.channel_1\", aliases = [\"panel.begun\", \"run\"] }}\n\
         [operator]\nstart = \"run\"\n"
    );
    let cell = load(&text);
    assert_eq!(cell.tag("panel.begun").map(|tag| tag.name.as_str()), Some("start"));
    assert_eq!(cell.tag("start").map(|tag| tag.aliases.len()), Some(2));
    assert_eq!(cell.tag("stop"), None);
    assert_eq!(cell.operator.start, Some(0));
}

#[test]
fn outputs_are_limited_by_what_they_can_hold() {
    let cell = with_tags(
        "set = { output = \"encoder.control.set_counter_value\" }\n\
         latch = { output = \"encoder.control.enable_latch_c\" }\n",
    );
    assert_eq!(cell.tags[0].range, Some((Value::I64(i64::from(i32::MIN)), Value::I64(i64::from(i32::MAX)))));
    assert_eq!(cell.tags[0].on_fault, OnFault::Value(Value::I64(0)));
    assert_eq!(cell.tags[1].range, None);
}

#[test]
fn a_negative_scale_turns_the_range_round() {
    let cell = with_tags(
        "set = { output = \"encoder.0x7010:11\", scale = -0.5, offset = 1.0, overflow = \"saturate\" }\n",
    );
    let tag = &cell.tags[0];
    assert_eq!(tag.overflow, Overflow::Saturate);
    let (low, high) = (1.0 - 0.5 * f64::from(i32::MAX), 1.0 - 0.5 * f64::from(i32::MIN));
    assert_eq!(tag.range, Some((Value::F64(low), Value::F64(high))));
    // Both ends reach the device without saturating: the range is what the entry can hold, no more and no less.
    for (value, raw) in [(low, i64::from(i32::MAX)), (high, i64::from(i32::MIN))] {
        let mut image = vec![0; cell.image.outputs];
        assert!(!tag.encode(&tag.fields[0], Value::F64(value), &mut image));
        assert_eq!(tag.fields[0].read_integer(&image), raw);
    }
}

#[test]
fn reactions_to_invalid_inputs_and_to_faults() {
    let cell = with_tags(
        "a = { input = \"force.channel_1.value\", range = [10, 20] }\n\
         b = { input = \"force.channel_2.value\", invalid_value = -1 }\n\
         c = { input = \"force.channel_3.value\", on_invalid = \"fault\" }\n\
         d = { output = \"valves.channel_1\", on_fault = \"stop\" }\n\
         e = { output = \"valves.channel_2\", fault_value = true, initial = true }\n",
    );
    let tag = |name: &str| cell.tag(name).expect("it is there");
    assert_eq!((tag("a").on_invalid, tag("a").initial), (OnInvalid::Hold, Value::I64(10)));
    assert_eq!(tag("b").on_invalid, OnInvalid::Value(Value::I64(-1)));
    assert_eq!(tag("c").on_invalid, OnInvalid::Fault);
    assert_eq!(tag("d").on_fault, OnFault::Value(Value::Bool(false)));
    assert_eq!((tag("e").on_fault, tag("e").initial), (OnFault::Value(Value::Bool(true)), Value::Bool(true)));
    assert!(cell.tags.iter().all(|tag| tag.kind != TagKind::Memory));
}

#[test]
fn startup_sdos_take_their_size_from_the_dictionary() {
    let devices = "[devices.force]\ntype = \"EL3104\"\nserial = 4711\nrevision = \"0x00170000\"\n\
                   startup = [{ object = \"0x8000:06\", value = false }, { object = \"0x8010:13\", value = -2 }]\n";
    let cell = load(&format!("{HEAD}{devices}"));
    let force = &cell.devices[0];
    assert_eq!(
        force.startup,
        [
            StartupSdo { index: 0x8000, subindex: 6, data: vec![0] },
            StartupSdo { index: 0x8010, subindex: 0x13, data: vec![0xfe, 0xff] },
        ]
    );
    assert_eq!((force.serial, force.description.identity.revision), (Some(4711), 0x0017_0000));
    // The catalogue's own description is shared and stays as it is.
    let original = catalogue::find("EL3104").expect("it is built in");
    assert_ne!(original.identity.revision, 0x0017_0000);
}

#[test]
fn a_device_may_come_from_its_eeprom_image() {
    let original = catalogue::find("EL5101").expect("it is built in");
    let image = sii::encode(&original);
    let text = format!(
        "{HEAD}[devices]\ncounter = {{ sii = \"esi/el5101.bin\" }}\n[tags]\nn = {{ input = \"counter.counter\" }}\n"
    );
    let report =
        config::load(
            |path: &str| {
                if path == "esi/el5101.bin" { Ok(image.clone()) } else { files(text.as_bytes())(path) }
            },
        );
    assert_eq!(report.render(Style::Plain), "");
    let cell = report.cell.expect("clean");
    assert_eq!(cell.devices[0].description.identity, original.identity);
    assert_eq!(cell.tags[0].fields[0].bit_len, 32);
}

#[test]
fn paths_that_leave_the_directory_are_never_read() {
    for path in
        ["/etc/passwd.rhai", "../x.rhai", "a/../../x.rhai", "a//x.rhai", "./x.rhai", "a\\\\x.rhai", ""]
    {
        let text =
            format!("[cell]\nname = \"c\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"{path}\"]\n");
        let report = config::load(|asked: &str| {
            assert_eq!(asked, "cell.toml");
            Ok(text.clone().into_bytes())
        });
        assert_eq!(report.findings.len(), 1, "{path}: {}", report.render(Style::Plain));
    }
}

/// A slip of the pen on one line is one finding: what the parser could not read is not reported as missing besides.
#[test]
fn a_syntax_error_has_no_echoes() {
    let good = format!(
        "{HEAD}{DEVICES}[tags]\nstart = {{ input = \"inputs.channel_1\" }}\nclamp = {{ output = \"valves.channel_1\" }}\n\
         [operator]\nstart = \"start\"\n"
    );
    for (from, to) in [
        ("start = { input", "start = = { input"),
        ("inputs = { type = \"EL1008\" }", "inputs = { type = EL1008 }"),
        ("interval = \"1ms\"", "interval = \"1ms"),
        ("[devices]", "[devices"),
        ("name = \"c\"", "name \"c\""),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let report = config::load(files(text.as_bytes()));
        let line = good.lines().position(|line| line.contains(from)).expect("it is in the text") as u32 + 1;
        let found: Vec<(u32, &str)> = report.findings.iter().map(|f| (f.line, f.code)).collect();
        assert_eq!(found, [(line, "C003")], "{to}: {}", report.render(Style::Plain));
    }
}

#[test]
fn colours_add_nothing_but_colour() {
    let report = config::load(files(HEAD.replace("1ms", "1m").as_bytes()));
    let (plain, colour) = (report.render(Style::Plain), report.render(Style::Colour));
    assert!(colour.contains("\u{1b}[") && !plain.contains('\u{1b}'));
    let mut stripped = String::new();
    let mut rest = colour.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        stripped.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}
