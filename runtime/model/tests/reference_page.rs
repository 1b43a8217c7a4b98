//! `docs/cell-toml.md` and the parser know the same keys, and what the page shows is true.

mod common;

use common::{files, workspace};
use sensai_model::config::{self, Rule, Severity, Style, schema::SECTIONS};
use std::{collections::BTreeMap, fs};

fn page() -> String {
    fs::read_to_string(workspace("docs/cell-toml.md")).expect("the page is part of the workspace")
}

/// Section → its rows: key, type, default, range, example.
fn sections(page: &str) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut sections: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    let mut section = None;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## `").and_then(|rest| rest.strip_suffix('`')) {
            section = Some(heading.to_owned());
            sections.insert(heading.to_owned(), Vec::new());
        }
        let Some(section) = &section else { continue };
        if let Some(row) = line.strip_prefix("| `").and_then(|row| row.strip_suffix('|')) {
            let cells = format!("`{row}").split('|').map(|cell| cell.trim().to_owned()).collect();
            sections.get_mut(section).expect("inserted above").push(cells);
        }
    }
    sections
}

#[test]
fn page_and_parser_know_the_same_keys() {
    let page = sections(&page());
    let documented: Vec<(&str, Vec<&str>)> = page
        .iter()
        .map(|(name, rows)| (name.as_str(), rows.iter().map(|row| row[0].trim_matches('`')).collect()))
        .collect();
    let mut known: Vec<(&str, Vec<&str>)> =
        SECTIONS.iter().map(|section| (section.name, section.keys.to_vec())).collect();
    known.sort();
    assert_eq!(documented, known, "same sections, same keys, same order");
}

#[test]
fn every_row_is_filled() {
    for (section, rows) in sections(&page()) {
        for row in rows {
            assert_eq!(row.len(), 5, "{section}: {row:?}");
            let (kind, example) = (&row[1], &row[4]);
            assert!(!kind.is_empty() && !example.is_empty(), "{section}: {row:?}");
            // An example shows the key it is an example of.
            let key = row[0].trim_matches('`');
            assert!(example.contains(key) || example == "see below", "{section}: {row:?}");
        }
    }
}

#[test]
fn the_whole_cell_on_the_page_is_one() {
    let page = page();
    let cell =
        page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("there is one");
    let report = config::load(files(cell.as_bytes()));
    assert_eq!(report.render(Style::Plain), "");
    assert_eq!(report.cell.map(|cell| cell.tags.len()), Some(2));
}

/// The examples of one table, put together, are a table that is accepted: no example is wrong.
#[test]
fn the_examples_are_accepted() {
    let page = sections(&page());
    let examples = |section: &str, skip: &[&str]| {
        let lines: Vec<&str> = page[section]
            .iter()
            .filter(|row| !skip.contains(&row[0].trim_matches('`')))
            .map(|row| row[4].trim_matches('`'))
            .collect();
        lines.join("\n")
    };
    let startup = examples("[devices.<name>] startup", &[]).replace('\n', ", ");
    let device = examples("[devices.<name>]", &["type", "sii", "position", "startup"]);
    let memory = [
        "input",
        "output",
        "bit",
        "scale",
        "offset",
        "on_invalid",
        "invalid_value",
        "on_fault",
        "fault_value",
        "type",
    ];
    let memory = format!("type = \"f64\"\n{}", examples("[tags.<name>]", &memory));
    let input = [
        "output",
        "bit",
        "type",
        "array",
        "on_fault",
        "fault_value",
        "overflow",
        "aliases",
        "input",
        "invalid_value",
    ];
    let input = format!("input = \"force.channel_1.value\"\n{}", examples("[tags.<name>]", &input));
    let text = format!(
        "{cell}\n{bus}\n[tasks.main]\n{task}\n[devices]\ninputs = {{ type = \"EL1008\" }}\nvalves = {{ type = \"EL2008\" }}\n\
         [devices.force]\ntype = \"EL3104\"\nposition = 2\n{device}\nstartup = [{{ {startup} }}]\n\
         [tags]\nstart = {{ input = \"inputs.channel_1\" }}\npanel.stop = {{ input = \"inputs.channel_2\" }}\n\
         reset = {{ input = \"inputs.channel_3\" }}\nvalve.down = {{ output = \"valves.channel_1\", fault_value = true }}\n\
         [tags.memory]\n{memory}\n[tags.ram]\n{input}\n\
         [parameters.force_min]\n{parameter}\n{limits}\n{operator}\n{log}\n[simulation]\nseed = 42\n[simulation.plant]\n{plant}\n",
        cell = format_args!("[cell]\n{}", examples("[cell]", &[])),
        bus = format_args!("[bus]\n{}", examples("[bus]", &[])),
        task = examples("[tasks.<name>]", &[]),
        parameter = examples("[parameters.<name>]", &[]),
        limits = format_args!("[limits]\n{}", examples("[limits]", &[])),
        operator = format_args!("[operator]\n{}", examples("[operator]", &[])),
        log = format_args!("[log]\n{}", examples("[log]", &[])),
        plant = examples("[simulation.plant]", &[]),
    );
    let report = config::load(files(text.as_bytes()));
    assert_eq!(report.render(Style::Plain), "", "{text}");

    let simulated = format!(
        "[cell]\nname = \"c\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/main.rhai\"]\n\
         [devices]\ninputs = {{ type = \"EL1008\" }}\n[tags]\nstart = {{ input = \"inputs.channel_1\" }}\n\
         [simulation]\n{}\n",
        examples("[simulation]", &["plant"])
    );
    let report = config::load(files(simulated.as_bytes()));
    assert_eq!(report.render(Style::Plain), "", "{simulated}");
    let simulation = report.cell.expect("there is no finding").simulation;
    assert_eq!(simulation.twin.len(), 1);
    assert_eq!((simulation.twin_interval_ns, simulation.seed), (2_000_000, 42));
    assert_eq!(simulation.parameters, [("crack_rate".to_owned(), 0.02)]);
}

/// What cells on the page name: devices that the catalogue has, drives and models from `common`.
const AROUND: &str = "[devices]\ninputs = { type = \"EL1008\" }\nvalves = { type = \"EL2008\" }\nforce = { type = \"EL3104\" }\n\
                      servo = { sii = \"esi/drive.bin\" }\ncurtain = { sii = \"esi/fsoe.bin\" }\nlogic = { sii = \"esi/fsoe.bin\" }\n\
                      [tags]\nforce.ram = { input = \"force.channel_1.value\", scale = 0.1, unit = \"N\" }\n\
                      ram.depth = { type = \"f64\", unit = \"mm\" }\npressing = { type = \"bool\" }\n";

/// The same with a model `models/stroke.onnx`, its description and a golden vector of 64 values each way.
fn with_model(cell: String, description: String) -> impl Fn(&str) -> Result<Vec<u8>, String> {
    move |path| match path {
        "cell.toml" => Ok(cell.clone().into_bytes()),
        "programs/statistics.rhai" => Ok(b"fn cycle() {}\n".to_vec()),
        "models/stroke.onnx" => Ok(common::models::BYTES.to_vec()),
        "models/stroke.toml" => Ok(description.clone().into_bytes()),
        "models/stroke.golden.json" => {
            let zeros = vec!["0"; 64].join(", ");
            Ok(format!("{{\"inputs\": [{zeros}], \"outputs\": [{zeros}]}}").into_bytes())
        }
        _ => files(b"")(path),
    }
}

/// The pieces that the page shows of axes, units, routes, alarms, models and jidoka are one cell.
#[test]
fn the_pieces_on_the_page_make_a_cell() {
    let page = page();
    let mut blocks: Vec<&str> =
        page.split("```toml\n").skip(2).filter_map(|rest| rest.split("```").next()).collect();
    let at = blocks.iter().position(|block| block.contains("sha256")).expect("a description is shown");
    let description = blocks.remove(at).to_owned();
    let text = format!("[cell]\nname = \"press\"\n{AROUND}{}", blocks.concat());
    let report = config::load(with_model(text.clone(), description));
    assert_eq!(report.render(Style::Plain), "", "{text}");
    let cell = report.cell.expect("clean");
    let counts = (cell.slow_tasks.len(), cell.axes.len(), cell.units.len(), cell.routes.len());
    assert_eq!((counts, cell.alarms.len(), cell.models.len(), cell.jidoka.len()), ((1, 1, 1, 1), 1, 1, 1));
}

/// As for the older tables: no example of a key is wrong.
#[test]
fn the_examples_of_the_parts_are_accepted() {
    let page = sections(&page());
    let examples = |section: &str, skip: &[&str], between: &str| {
        let rows = page[section].iter().filter(|row| !skip.contains(&row[0].trim_matches('`')));
        rows.map(|row| row[4].trim_matches('`')).collect::<Vec<_>>().join(between)
    };
    let inline = |section: &str| format!("{{ {} }}", examples(section, &[], ", "));
    let head =
        "[cell]\nname = \"press\"\n[tasks.main]\ninterval = \"1ms\"\nprograms = [\"programs/press.rhai\"]\n";
    let axis = examples(
        "[axes.<name>]",
        &["channel", "counts_per_unit", "modulo", "homing", "limits", "brake"],
        "\n",
    );
    let model = examples("[models.<name>]", &["engine", "inputs"], "\n");
    let text = format!(
        "{head}{AROUND}[axes.ram]\n{axis}\nlimits = {limits}\nhoming = {homing}\nbrake = {brake}\n[units.press]\n{unit}\n\
         [[route]]\n{route}\n[alarms.overload]\n{alarm}\ntext = {text}\nhelp = {text}\n\
         [models.stroke]\n{model}\ninputs = [{window}]\n[models.by_way]\n{model}\ninputs = [{curve}]\n[jidoka.stroke]\n{jidoka}\n",
        limits = inline("[axes.<name>] limits"),
        homing = inline("[axes.<name>] homing"),
        brake = inline("[axes.<name>] brake"),
        unit = examples("[units.<name>]", &[], "\n"),
        route = examples("[[route]]", &[], "\n"),
        alarm = examples("[alarms.<name>]", &["text", "help"], "\n"),
        text = inline("[alarms.<name>] text, help"),
        window = inline("[models.<name>] inputs, window"),
        curve = inline("[models.<name>] inputs, curve"),
        jidoka = examples("[jidoka.<name>]", &[], "\n"),
    );
    let description = format!(
        "sha256 = \"{}\"\n{}\n[[inputs]]\n{}\n[[outputs]]\n{}\n",
        common::models::SHA256,
        examples("models/<name>.toml", &["sha256", "inputs", "outputs", "provenance"], "\n"),
        examples("models/<name>.toml [[inputs]]", &[], "\n"),
        examples("models/<name>.toml [[outputs]]", &[], "\n"),
    );
    let report = config::load(with_model(text.clone(), description));
    assert_eq!(report.render(Style::Plain), "", "{text}");
}

#[test]
fn the_page_lists_every_rule() {
    let row = |rule: &Rule| {
        let severity = match rule.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        format!("| {} | {severity} | {} |", rule.code(), rule.text())
    };
    let expected: Vec<String> = Rule::ALL.iter().map(row).collect();
    let page = page();
    let listed: Vec<&str> = page.lines().filter(|line| line.starts_with("| C")).collect();
    assert_eq!(listed, expected);
}
