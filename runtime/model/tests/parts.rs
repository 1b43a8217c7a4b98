//! Tasks, axes, units, routes and alarms: what can be written in `cell.toml`, and what becomes of it.

mod common;

use common::files;
use sensai_model::{
    BitField, Cell, RawType,
    cell::{AlarmCondition, AlarmPriority, AlarmReaction, Brake, DriveMode, Homing, Route, StopCategory},
    config::{self, Style},
    packml::{Mode, State},
};

const HEAD: &str =
    "[cell]\nname = \"c\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/main.rhai\"]\n";
const DEVICES: &str = "[devices]\ncoupler = { type = \"EK1100\" }\nservo = { sii = \"esi/drive.bin\" }\n\
                       pair = { sii = \"esi/two_axes.bin\" }\nvalves = { type = \"EL2008\" }\n";
const RAM: &str = "ram = { drive = \"servo\", feed = \"10 mm\", encoder = 1_000_000, homing = \"absolute\", \
                   limits = { velocity = 200.0 } }\n";

fn load(text: &str) -> Cell {
    let report = config::load(files(text.as_bytes()));
    assert_eq!(report.render(Style::Plain), "", "{text}");
    report.cell.expect("no findings, so there is a cell")
}

fn with_axes(axes: &str) -> Cell {
    load(&format!("{HEAD}{DEVICES}[axes]\n{axes}"))
}

/// The codes of the findings, in the order of the file.
fn codes(text: &str) -> Vec<&'static str> {
    config::load(files(text.as_bytes())).findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn the_fastest_task_is_the_base_wherever_it_stands() {
    let cell = load(
        "[cell]\nname = \"c\"\n[tasks.slow]\ninterval = \"20ms\"\nprograms = [\"programs/slow.rhai\"]\n\
         [tasks.other]\ninterval = \"4ms\"\ncore = 1\npriority = 40\nprograms = [\"programs/other.rhai\"]\n\
         [tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/main.rhai\"]\n",
    );
    assert_eq!((cell.task.name.as_str(), cell.task.multiple, cell.task.priority), ("main", 1, 80));
    let slow: Vec<(&str, u64, u8, Option<usize>)> = cell
        .slow_tasks
        .iter()
        .map(|task| (task.name.as_str(), task.multiple, task.priority, task.core))
        .collect();
    assert_eq!(slow, [("other", 4, 40, Some(1)), ("slow", 20, 39, None)]);
    let programs: Vec<(usize, &str)> =
        cell.programs().map(|(task, program)| (task, program.name.as_str())).collect();
    assert_eq!(programs, [(0, "main"), (1, "other"), (2, "slow")]);
    assert_eq!(cell.bus.deadline_ns, 250_000, "a share of the base interval");
}

#[test]
fn slow_tasks_of_one_interval_share_a_priority() {
    let cell = load(&format!(
        "{HEAD}[tasks.a]\ninterval = \"2ms\"\nprograms = [\"programs/slow.rhai\"]\n\
         [tasks.b]\ninterval = \"2ms\"\nprograms = [\"programs/other.rhai\"]\n"
    ));
    let slow: Vec<(&str, u8)> =
        cell.slow_tasks.iter().map(|task| (task.name.as_str(), task.priority)).collect();
    assert_eq!(slow, [("a", 79), ("b", 79)]);
}

#[test]
fn priorities_are_free_on_different_cores() {
    let text = |core: &str| {
        format!(
            "{}priority = 20\ncore = 0\n[tasks.slow]\ninterval = \"2ms\"\npriority = 30\n{core}programs = [\"programs/slow.rhai\"]\n",
            HEAD
        )
    };
    load(&text("core = 1\n"));
    assert_eq!(codes(&text("core = 0\n")), ["C406"]);
    assert_eq!(codes(&text("")), ["C406"], "the last core may be core 0");
}

#[test]
fn nine_tasks_are_one_too_many() {
    let slow: String = (2..10)
        .map(|n| format!("[tasks.t{n}]\ninterval = \"{n}ms\"\nprograms = [\"programs/gone.rhai\"]\n"))
        .collect();
    let report = config::load(files(format!("{HEAD}{slow}").as_bytes()));
    let many: Vec<&str> =
        report.findings.iter().filter(|f| f.code == "C111").map(|f| f.key.as_str()).collect();
    assert_eq!(many, ["tasks.t9"]);
}

#[test]
fn an_axis_needs_little() {
    let cell = with_axes(RAM);
    let ram = &cell.axes[0];
    assert_eq!((ram.name.as_str(), ram.device, ram.unit.as_str()), ("ram", 1, "mm"));
    assert_eq!((ram.counts_per_unit, ram.feed), (100_000.0, 10.0));
    assert_eq!((ram.mode, ram.stop_category, ram.vertical), (DriveMode::Csp, StopCategory::One, false));
    assert_eq!((ram.velocity_max, ram.acceleration, ram.deceleration), (200.0, 2000.0, 2000.0));
    assert_eq!((ram.stop_deceleration, ram.jerk, ram.stop_jerk), (2000.0, None, None));
    assert_eq!((ram.following_window, ram.following_time_ns), (2.0, 20_000_000));
    assert_eq!((ram.in_position_window, ram.position_gain), (0.1, 20.0));
    assert_eq!((ram.homing, ram.brake), (Homing::Absolute { offset: 0.0 }, None));
    assert_eq!((ram.software_limits, ram.modulo), (None, None));
}

#[test]
fn the_objects_of_a_drive_are_found_in_the_images() {
    let cell = with_axes(RAM);
    let entries = cell.axes[0].entries;
    let field = |bit_offset, bit_len, raw| BitField { bit_offset, bit_len, raw };
    let (signed, unsigned) = (RawType::Signed, RawType::Unsigned);
    assert_eq!(entries.controlword, field(0, 16, unsigned));
    assert_eq!(entries.target_position, Some(field(16, 32, signed)));
    assert_eq!(entries.target_velocity, Some(field(48, 32, signed)));
    assert_eq!(entries.target_torque, Some(field(80, 16, signed)));
    assert_eq!(entries.mode, Some(field(96, 8, signed)));
    assert_eq!(entries.digital_outputs, None, "the axis has no brake, so it leaves the outputs alone");
    assert_eq!(entries.statusword, field(0, 16, unsigned));
    assert_eq!(entries.position_actual, field(16, 32, signed));
    assert_eq!(entries.velocity_actual, Some(field(48, 32, signed)));
    assert_eq!(entries.torque_actual, Some(field(80, 16, signed)));
    assert_eq!(entries.mode_display, Some(field(96, 8, signed)));
    assert_eq!(entries.error_code, Some(field(104, 16, unsigned)));
    assert_eq!(entries.digital_inputs, Some(field(120, 32, unsigned)));
}

#[test]
fn axes_of_one_device_are_told_apart_by_their_channel() {
    let cell = with_axes(
        "x = { drive = \"pair\", counts_per_unit = 1000, unit = \"mm\", homing = \"absolute\", limits = { velocity = 1.0 } }\n\
         y = { drive = \"pair\", channel = 2, counts_per_unit = 1000, unit = \"mm\", homing = \"absolute\", limits = { velocity = 1.0 } }\n",
    );
    let [x, y] = [&cell.axes[0].entries, &cell.axes[1].entries];
    let pair = &cell.devices[2];
    assert_eq!(x.controlword.bit_offset as usize, pair.outputs.start * 8);
    assert_eq!(y.controlword.bit_offset - x.controlword.bit_offset, 136, "17 bytes of outputs an axis");
    assert_eq!(y.statusword.bit_offset - x.statusword.bit_offset, 152, "19 bytes of inputs an axis");
    assert_eq!((cell.axes[1].device, cell.axes[0].feed), (2, 1048.576));
}

#[test]
fn every_key_of_an_axis_has_its_effect() {
    let cell = with_axes(
        "[axes.ram]\ndrive = \"servo\"\nunit = \"mm\"\nfeed = 10\nencoder = 1_048_576\ngear = [5, 2]\ninvert = true\n\
         mode = \"csv\"\nposition_gain = 35.0\nfollowing_window = 1.5\nfollowing_time = \"50ms\"\nin_position_window = 0.02\n\
         stop_category = 2\nstop_deceleration = 8000.0\nstop_jerk = 4e5\nvertical = true\nbrake = { release = \"60ms\", apply = \"40ms\" }\n\
         homing = { method = \"drive\", number = -3, position = 2.5, timeout = \"30s\" }\n\
         limits = { position = [0.0, 50.0], velocity = 200.0, acceleration = 2000.0, deceleration = 3000.0, jerk = 1e5 }\n",
    );
    let ram = &cell.axes[0];
    assert_eq!(ram.counts_per_unit, -(1_048_576.0 * 5.0 / 2.0 / 10.0));
    assert_eq!(
        ram.feed, 4.0,
        "ten millimetres a turn of the screw, two and a half turns of the motor for one of it"
    );
    assert_eq!((ram.mode, ram.position_gain), (DriveMode::Csv, 35.0));
    assert_eq!(
        (ram.following_window, ram.following_time_ns, ram.in_position_window),
        (1.5, 50_000_000, 0.02)
    );
    assert_eq!(
        (ram.stop_category, ram.stop_deceleration, ram.stop_jerk),
        (StopCategory::Two, 8000.0, Some(4e5))
    );
    assert_eq!(
        (ram.vertical, ram.brake),
        (true, Some(Brake { release_ns: 60_000_000, apply_ns: 40_000_000 }))
    );
    assert_eq!(ram.homing, Homing::Drive { method: -3, position: 2.5, timeout_ns: 30_000_000_000 });
    assert_eq!(ram.software_limits, Some((0.0, 50.0)));
    assert_eq!((ram.acceleration, ram.deceleration, ram.jerk), (2000.0, 3000.0, Some(1e5)));
    let brake = ram.entries.digital_outputs.expect("it has a brake");
    assert_eq!(brake, BitField { bit_offset: 104, bit_len: 1, raw: RawType::Bool }, "bit 0 of 0x60fe:01");
}

#[test]
fn a_brake_that_the_drive_works_is_not_the_runtimes() {
    let cell = with_axes(&RAM.replace("homing", "vertical = true, brake = \"drive\", homing"));
    let ram = &cell.axes[0];
    assert_eq!((ram.vertical, ram.brake, ram.entries.digital_outputs), (true, None, None));
}

#[test]
fn homing_by_table_and_by_word() {
    let homing = |text: &str| with_axes(&RAM.replace("\"absolute\"", text)).axes[0].homing;
    assert_eq!(homing("\"current_position\""), Homing::CurrentPosition { position: 0.0 });
    assert_eq!(
        homing("{ method = \"current_position\", position = -4 }"),
        Homing::CurrentPosition { position: -4.0 }
    );
    assert_eq!(homing("{ method = \"absolute\", position = 12.5 }"), Homing::Absolute { offset: 12.5 });
    assert_eq!(
        homing("{ method = \"drive\", number = 37 }"),
        Homing::Drive { method: 37, position: 0.0, timeout_ns: 60_000_000_000 }
    );
}

#[test]
fn rotary_axes_turn_for_ever() {
    let cell = with_axes(
        "table = { drive = \"servo\", feed = \"360 deg\", encoder = 1_000_000, gear = [50, 1], modulo = 360, homing = \"absolute\", limits = { velocity = 90 } }\n",
    );
    let table = &cell.axes[0];
    assert_eq!((table.unit.as_str(), table.modulo), ("deg", Some(360.0)));
    assert_eq!(table.counts_per_unit, 1e6 * 50.0 / 360.0);
}

/// A converter without 0x6060 in its process data is told its mode at start-up, or not at all.
#[test]
fn a_drive_is_told_its_mode() {
    let text = "[devices]\nfan = { sii = \"esi/converter.bin\" }\n[axes]\nfan = { drive = \"fan\", mode = \"csv\", feed = \"360 deg\", encoder = 4096, homing = \"current_position\", limits = { velocity = 9000 } }\n";
    let text = format!("{HEAD}{text}");
    assert_eq!(codes(&text), ["C502"]);
    let told = |number: u8| {
        let startup = format!(
            "converter.bin\", startup = [{{ object = \"0x6060:00\", type = \"i8\", value = {number} }}]"
        );
        text.replace("converter.bin\"", &startup)
    };
    assert_eq!(load(&told(9)).axes[0].entries.mode, None);
    assert_eq!(codes(&told(8)), ["C502"]);
    assert_eq!(codes(&told(9).replace("csv", "csp")), ["C502"], "it has no target position");
}

#[test]
fn a_drive_that_homes_itself_is_told_how() {
    let text = |startup: &str, homing: &str| {
        format!(
            "{HEAD}[devices]\nservo = {{ type = \"SN4020\"{startup} }}\n[axes]\nram = {{ drive = \"servo\", feed = \"10 mm\", \
             encoder = 1048576, homing = {homing}, limits = {{ velocity = 100.0 }}, brake = {{ release = \"60ms\" }} }}\n"
        )
    };
    let written = |startup: &str, homing: &str| -> Vec<(u16, u8, Vec<u8>)> {
        let cell = load(&text(startup, homing));
        cell.devices[0].startup.iter().map(|sdo| (sdo.index, sdo.subindex, sdo.data.clone())).collect()
    };
    let brake = (0x60fe, 2, vec![1, 0, 0, 0]);
    let drive = "{ method = \"drive\", number = -3 }";
    assert_eq!(written("", drive), [(0x6098, 0, vec![0xfd]), brake.clone()]);
    assert_eq!(written("", "\"absolute\""), std::slice::from_ref(&brake));
    let own = ", startup = [{ object = \"0x6098:00\", value = 17 }]";
    assert_eq!(written(own, drive), [(0x6098, 0, vec![17]), brake], "the cell's own startup goes first");
}

#[test]
fn the_gain_of_the_position_loop_suits_the_interval() {
    let gain = |interval: &str, more: &str| {
        let axis = RAM.replace("homing", &format!("mode = \"csv\", {more}homing"));
        format!("{}{DEVICES}[axes]\n{axis}", HEAD.replace("1ms", interval))
    };
    assert_eq!(load(&gain("1ms", "position_gain = 500, ")).axes[0].position_gain, 500.0);
    assert_eq!(codes(&gain("1ms", "position_gain = 501, ")), ["C104"]);
    assert_eq!(load(&gain("100ms", "")).axes[0].position_gain, 5.0, "the default stays below what swings");
}

#[test]
fn an_axis_leaves_the_free_outputs_of_its_drive_to_tags() {
    let tags = |bit: u8| {
        format!(
            "{HEAD}{DEVICES}[tags]\nlamp = {{ output = \"servo.0x60fe:01\", bit = {bit} }}\n[axes]\n{}",
            RAM.replace("homing", "brake = {}, homing")
        )
    };
    load(&tags(16));
    assert_eq!(codes(&tags(0)), ["C306"], "bit 0 is the brake");
}

#[test]
fn one_unit_has_everything() {
    let text = format!(
        "[cell]\nname = \"c\"\n[tasks.slow]\ninterval = \"20ms\"\nprograms = [\"programs/slow.rhai\"]\n\
         [tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/main.rhai\"]\n{DEVICES}[axes]\n{RAM}[units.press]\n"
    );
    let cell = load(&text);
    let press = &cell.units[0];
    assert_eq!(press.modes, [Mode::Production, Mode::Maintenance, Mode::Manual]);
    assert_eq!((press.programs.as_slice(), press.jog.as_slice()), (&[0_u16, 1][..], &[0_u16][..]));
    let bits = [
        State::Clearing,
        State::Starting,
        State::Stopping,
        State::Aborting,
        State::Holding,
        State::Unholding,
        State::Suspending,
        State::Unsuspending,
        State::Resetting,
        State::Completing,
    ];
    assert_eq!(press.immediate, bits.iter().map(|state| 1_u32 << *state as u8).sum::<u32>());
}

#[test]
fn several_units_divide_programs_and_axes() {
    let text = format!(
        "{}{DEVICES}[axes]\n{RAM}[units.press]\nmodes = [\"manual\", \"production\"]\nprograms = [\"slow\"]\njog = [\"ram\"]\n\
         acting = [\"holding\", \"aborting\", \"execute\"]\n[units.feeder]\nprograms = [\"main\"]\nmodes = [\"production\"]\n",
        HEAD.replace("main.rhai\"", "main.rhai\", \"programs/slow.rhai\"")
    );
    let cell = load(&text);
    let [press, feeder] = [&cell.units[0], &cell.units[1]];
    assert_eq!((press.programs.as_slice(), press.jog.as_slice()), (&[1_u16][..], &[0_u16][..]));
    assert_eq!(press.modes, [Mode::Manual, Mode::Production]);
    let is_immediate = |state: State| press.immediate >> state as u8 & 1 == 1;
    assert!(!is_immediate(State::Holding) && !is_immediate(State::Aborting) && is_immediate(State::Clearing));
    assert_eq!((feeder.programs.as_slice(), feeder.jog.len()), (&[0_u16][..], 0));
}

const FSOE: &str = "[devices]\ninputs = { type = \"EL1008\" }\ncurtain = { sii = \"esi/fsoe.bin\", sync_unit = \"guard\" }\n\
                    logic = { sii = \"esi/fsoe.bin\" }\nvalves = { type = \"EL2008\" }\n";

#[test]
fn routes_copy_whole_objects_and_single_entries() {
    let cell = load(&format!(
        "{HEAD}{FSOE}[[route]]\nfrom = \"curtain.fsoe_frame\"\nto = \"logic.fsoe_frame\"\n\
         [[route]]\nfrom = \"logic.0x1a00\"\nto = \"curtain.0x1600\"\n\
         [[route]]\nfrom = \"inputs.channel_3\"\nto = \"valves.channel_8\"\n"
    ));
    let frame = 7 * 8;
    let expected = [
        Route {
            from_bit: 8,
            to_bit: frame,
            bits: frame,
            sync_unit: 1,
            text: "curtain.fsoe_frame -> logic.fsoe_frame".to_owned(),
        },
        Route {
            from_bit: 8 + frame,
            to_bit: 0,
            bits: frame,
            sync_unit: 0,
            text: "logic.0x1a00 -> curtain.0x1600".to_owned(),
        },
        Route {
            from_bit: 2,
            to_bit: 2 * frame + 7,
            bits: 1,
            sync_unit: 0,
            text: "inputs.channel_3 -> valves.channel_8".to_owned(),
        },
    ];
    assert_eq!(cell.routes, expected);
}

#[test]
fn a_route_is_the_one_writer_of_all_it_covers() {
    let text = format!(
        "{HEAD}{FSOE}[tags]\ncrc = {{ output = \"logic.fsoe_frame.crc\" }}\n\
         [[route]]\nfrom = \"curtain.fsoe_frame\"\nto = \"logic.fsoe_frame\"\n"
    );
    assert_eq!(codes(&text), ["C306"]);
    let twice = "[[route]]\nfrom = \"curtain.fsoe_frame\"\nto = \"logic.fsoe_frame\"\n".repeat(2);
    assert_eq!(codes(&format!("{HEAD}{FSOE}{twice}")), ["C306"]);
}

const ALARMS: &str = "[devices]\ninputs = { type = \"EL1008\" }\nforce = { type = \"EL3104\" }\n[tags]\n\
                      door = { input = \"inputs.channel_1\" }\n\
                      force.ram = { input = \"force.channel_1.value\", scale = 0.1, unit = \"N\" }\n\
                      temps = { input = [\"force.channel_2.value\", \"force.channel_3.value\"] }\n";
const TEXT: &str = "text = { en = \"door open\", ja = \"扉が開いています\" }\n";

fn with_alarm(when: &str) -> Cell {
    load(&format!("{HEAD}{ALARMS}[alarms.a]\nid = 1000\n{TEXT}{when}"))
}

#[test]
fn conditions_of_alarms() {
    let condition = |when: &str| with_alarm(when).alarms[0].condition;
    assert_eq!(condition(""), AlarmCondition::Program);
    assert_eq!(condition("when = \"door\""), AlarmCondition::Level { slot: 0, level: true });
    assert_eq!(condition("when = \"!door\""), AlarmCondition::Level { slot: 0, level: false });
    assert_eq!(
        condition("when = \"force.ram > 1500\"\nhysteresis = 20"),
        AlarmCondition::Above { slot: 1, limit: 1500.0, hysteresis: 20.0 }
    );
    assert_eq!(
        condition("when = \"temps[1] < -2.5\""),
        AlarmCondition::Below { slot: 3, limit: -2.5, hysteresis: 0.0 }
    );
}

#[test]
fn an_alarm_has_defaults() {
    let cell = with_alarm("");
    let alarm = &cell.alarms[0];
    assert_eq!((alarm.name.as_str(), alarm.id), ("a", 1000));
    assert_eq!((alarm.text_en.as_str(), alarm.text_ja.as_str()), ("door open", "扉が開いています"));
    assert_eq!((alarm.on_delay_ns, alarm.off_delay_ns, alarm.latched), (0, 0, false));
    assert_eq!(
        (alarm.priority, alarm.reaction, alarm.group),
        (AlarmPriority::Medium, AlarmReaction::None, 0)
    );
    assert_eq!(alarm.help, (String::new(), String::new()));
}

#[test]
fn every_key_of_an_alarm_has_its_effect() {
    let cell = load(&format!(
        "{HEAD}{ALARMS}[units.feeder]\nprograms = []\n[units.press]\nprograms = [\"main\"]\n\
         [alarms.a]\nid = 9999\nwhen = \"door\"\ndelay = \"200ms\"\noff_delay = \"1s\"\npriority = \"critical\"\n\
         reaction = \"stop\"\nunit = \"press\"\nlatched = true\ngroup = \"doors\"\n{TEXT}help = {{ en = \"close\", ja = \"閉める\" }}\n\
         [alarms.b]\nid = 1001\nreaction = \"abort\"\ngroup = \"drives\"\n{TEXT}\
         [alarms.c]\nid = 1002\nreaction = \"fault\"\ngroup = \"doors\"\n{TEXT}"
    ));
    let [a, b, c] = [&cell.alarms[0], &cell.alarms[1], &cell.alarms[2]];
    assert_eq!((a.id, a.on_delay_ns, a.off_delay_ns), (9999, 200_000_000, 1_000_000_000));
    assert_eq!((a.priority, a.reaction, a.latched), (AlarmPriority::Critical, AlarmReaction::Stop(1), true));
    assert_eq!(a.help, ("close".to_owned(), "閉める".to_owned()));
    assert_eq!((b.reaction, c.reaction), (AlarmReaction::Abort(u16::MAX), AlarmReaction::Fault));
    assert_eq!((a.group, b.group, c.group), (1, 2, 1));
}

/// The servo drive of the catalogue is one that an axis can use, in every mode and with a brake.
#[test]
fn the_catalogue_has_a_drive() {
    let text = |mode: &str| {
        format!(
            "{HEAD}[devices]\nservo = {{ type = \"SN4020\" }}\n[axes.ram]\ndrive = \"servo\"\nfeed = \"10 mm\"\n\
             encoder = 1_048_576\nmode = \"{mode}\"\nvertical = true\nbrake = {{}}\nhoming = {{ method = \"drive\", number = 19 }}\n\
             limits = {{ velocity = 200.0 }}\n"
        )
    };
    for mode in ["csp", "csv", "cst"] {
        let cell = load(&text(mode));
        let entries = cell.axes[0].entries;
        assert!(entries.mode_display.is_some() && entries.velocity_actual.is_some(), "{mode}");
        assert!(entries.error_code.is_some() && entries.digital_inputs.is_some(), "{mode}");
    }
}
