//! One small cell for each mistake, with the text that a person gets to see.
//!
//! `mistakes/NAME.toml` begins with `# expect: CODE ...`, `mistakes/NAME.txt` is what is shown. Run with
//! `UPDATE_EXPECT=1` to write the texts anew, then read the difference.

mod common;

use common::files;
use sensai_model::config::{self, Rule, Severity, Style};
use std::{collections::BTreeSet, fs, path::PathBuf};

fn cases() -> Vec<PathBuf> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mistakes");
    let entries = fs::read_dir(dir).expect("the directory is part of the crate");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths
}

fn expected_codes(text: &str) -> Vec<&str> {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("# expect: ").expect("the first line names the codes").split(' ').collect()
}

#[test]
fn each_mistake_is_shown_as_expected() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for path in cases() {
        let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("readable");
        let report = config::load(files(text.as_bytes()));
        let codes: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
        let shown = report.render(Style::Plain);
        let golden = path.with_extension("txt");
        if update {
            fs::write(&golden, &shown).expect("writable");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if codes != expected_codes(&text) || shown != expected {
            wrong.push(format!("{name}: {codes:?}\n--- expected\n{expected}\n--- shown\n{shown}"));
        }
        let errors = report.findings.iter().any(|finding| finding.severity == Severity::Error);
        assert_eq!(report.cell.is_none(), errors, "{name}");
        for finding in &report.findings {
            // A message that states what was expected says what to do; so does the name of a file that is not there.
            let stated = ["expected", "outside the range", "cannot be"]
                .iter()
                .any(|part| finding.message.contains(part));
            assert!(finding.help.is_some() || stated, "{name}: says what to do");
            assert!(!finding.message.ends_with('.'), "{name}: no full stop");
            let text = report.sources.text(&finding.path).expect("it was read");
            let line = text.lines().nth(finding.line as usize - 1).expect("the line exists");
            assert!((finding.column as usize) <= line.chars().count() + 1, "{name}: the column exists");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every rule can be broken, and is, by a case here or by the tests named.
#[test]
fn every_rule_has_its_mistake() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let cases = cases();
    assert!(cases.len() >= 30);
    for path in cases {
        let text = fs::read_to_string(&path).expect("readable");
        seen.extend(expected_codes(&text).into_iter().map(str::to_owned));
    }
    // `too_large_files_are_refused` and `velocity_is_not_held` below need files that are no snippets.
    seen.extend([Rule::TooLarge.code().to_owned(), Rule::HoldRefused.code().to_owned()]);
    let missing: Vec<&str> =
        Rule::ALL.iter().map(|rule| rule.code()).filter(|code| !seen.contains(*code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn codes_are_unique_and_ascending() {
    let codes: Vec<&str> = Rule::ALL.iter().map(|rule| rule.code()).collect();
    assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
}

#[test]
fn too_large_files_are_refused() {
    let huge = vec![b'#'; (1 << 20) + 1];
    let report = config::load(files(&huge));
    assert_eq!(report.findings[0].code, Rule::TooLarge.code());
    assert!(report.cell.is_none());
}

#[test]
fn a_file_that_is_no_text_is_refused() {
    let report = config::load(files(b"[cell]\nname = \"\xff\"\n"));
    assert_eq!(report.findings[0].code, Rule::NotUtf8.code());
    assert!(report.findings[0].message.contains("offset 15"), "{}", report.findings[0].message);
}

#[test]
fn a_missing_cell_says_what_a_cell_is() {
    let report = config::load(|_: &str| Err("no such file or directory".to_owned()));
    let shown = report.render(Style::Plain);
    assert!(shown.contains("`cell.toml` cannot be read: no such file or directory"), "{shown}");
    assert!(shown.contains("sensai new"), "{shown}");
    assert!(report.cell.is_none());
}

/// A CiA 402 drive, given by its EEPROM image: its velocity setpoint is never held on a fault.
#[test]
fn velocity_is_not_held() {
    use sensai_devices::{
        DataType, DeviceDescription, Pdo, PdoEntry, SyncManager, SyncManagerKind, catalogue, sii,
    };
    let entry = |index, name: &str, data_type, bit_len| PdoEntry {
        index,
        subindex: 0,
        bit_len,
        data_type,
        name: name.to_owned(),
    };
    let drive = DeviceDescription {
        name: "DRV1".to_owned(),
        rx_pdos: vec![Pdo {
            index: 0x1600,
            sync_manager: Some(0),
            name: "Axis".to_owned(),
            entries: vec![
                entry(0x6040, "Controlword", DataType::U16, 16),
                entry(0x60ff, "Target velocity", DataType::I32, 32),
            ],
        }],
        sync_managers: vec![SyncManager {
            start: 0x1000,
            length: 6,
            control: 0x24,
            enable: true,
            kind: SyncManagerKind::Outputs,
        }],
        ..DeviceDescription::clone(&catalogue::find("EL2008").expect("it is built in"))
    };
    let image = sii::encode(&drive);
    let cell = |on_fault: &str| {
        format!(
            "[cell]\nname = \"c\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/main.rhai\"]\n\
             [devices]\ndrive = {{ sii = \"esi/drive.bin\" }}\n\
             [tags]\nspeed = {{ output = \"drive.axis.target_velocity\", on_fault = \"{on_fault}\" }}\n\
             word = {{ output = \"drive.axis.controlword\", on_fault = \"hold\" }}\n"
        )
    };
    let load =
        |on_fault: &str| {
            let text = cell(on_fault);
            config::load(|path: &str| {
                if path == "esi/drive.bin" { Ok(image.clone()) } else { files(text.as_bytes())(path) }
            })
        };
    let held = load("hold");
    assert_eq!(
        held.findings.iter().map(|f| f.code).collect::<Vec<_>>(),
        [Rule::HoldRefused.code()],
        "{:?}",
        held.findings
    );
    let stopped = load("stop");
    assert_eq!(stopped.render(Style::Plain), "");
    assert_eq!(stopped.cell.expect("clean").tags[0].fields[0].bit_offset, 16);
}

/// Ten mistakes in one file are ten findings, each of them where it is.
#[test]
fn ten_mistakes_are_ten_findings() {
    let text = r#"[cell]
nmae = "c"

[bus]
watchdog = "1ms"
deadline = "30 %"

[tasks.main]
interval = "1ms"
priority = 120
programs = ["programs/main.rhai", "programs/gone.rhai"]

[devices]
coupler = { type = "EK1100" }
inputs = { type = "EL1009" }
valves = { type = "EL2008" }
force = { type = "EL3104" }

[tags]
start = { input = "inputs.channel_1" }
clamp = { output = "valves.chanel_1" }
lamp = { output = "valves.channel_2" }
horn = { output = "valves.channel_2", unitt = "s" }
ram = { input = "force.channel_1.value", scale = 0.1, unit = "N", range = [0.0, 9999.0] }

[operator]
start = "start"
stop = "stopp"
"#;
    let report = config::load(files(text.as_bytes()));
    assert!(report.cell.is_none());
    let found: Vec<(u32, &str)> = report.findings.iter().map(|f| (f.line, f.code)).collect();
    let expected = [
        (2, "C101"),
        (5, "C206"),
        (10, "C104"),
        (11, "C001"),
        (15, "C201"),
        (21, "C302"),
        (23, "C306"),
        (23, "C101"),
        (24, "C307"),
        (28, "C401"),
    ];
    assert_eq!(found, expected, "{}", report.render(Style::Plain));
}

#[test]
fn findings_are_json_for_other_tools() {
    let text = "[cell]\nname = \"c\"\n[tasks.main]\ninterval = \"1ms\"\nprogams = [\"programs/main.rhai\"]\n";
    let report = config::load(files(text.as_bytes()));
    let json = serde_json::to_value(&report.findings).expect("findings are plain data");
    assert_eq!(json[0]["code"], "C101");
    assert_eq!(json[0]["severity"], "error");
    assert_eq!(json[0]["line"], 5);
    assert_eq!(json[0]["column"], 1);
    assert_eq!(json[0]["key"], "tasks.main.progams");
    assert_eq!(json[0]["got"], "progams");
    assert_eq!(json[0]["help"], "did you mean `programs`?");
    assert_eq!(json[0]["span"]["start"].as_u64(), text.find("progams").map(|at| at as u64));
    assert_eq!(json.as_array().map(Vec::len), Some(1));
}
