//! Answers as text for people.

use super::words;
use crate::{
    cli::Language,
    control::{
        describe::Description,
        view::{RuntimeView, UnitView, View},
    },
    reload::ReloadFacts,
};
use serde_json::Value as Json;
use std::{collections::BTreeMap, fmt::Write};

fn reload(of: &ReloadFacts) -> String {
    let programs = of.programs.join(", ");
    let how = match of.state.as_str() {
        "probation" => format!("may be undone for {} of {} runs", of.left, of.probation),
        "undone" => format!("undone in cycle {}: {}", of.undone, of.why_undone),
        other => other.to_owned(),
    };
    format!("reload {} of {programs} in cycle {}: {how}", of.number, of.cycle)
}

/// A number, bool, list or text, short. Floats have as many digits as matter to a reader.
pub fn value(value: &Json) -> String {
    match value {
        Json::Number(number) if !(number.is_i64() || number.is_u64()) => {
            let number = number.as_f64().unwrap_or_default();
            float(number)
        }
        Json::String(text) => text.clone(),
        Json::Array(list) => {
            let shown: Vec<String> = list.iter().take(8).map(self::value).collect();
            let more =
                if list.len() > shown.len() { format!(" … {} in all", list.len()) } else { String::new() };
            format!("[{}{more}]", shown.join(" "))
        }
        other => other.to_string(),
    }
}

const POWERS: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];

/// Six significant digits, no exponent where none is needed.
pub fn float(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 {
        "0.0".into()
    } else if (1e-3..1e7).contains(&size) {
        let before = (1..7).filter(|power| size >= POWERS[*power]).count();
        let zeros =
            if size >= 1.0 { 0 } else { [1.0, 0.1, 0.01].iter().filter(|below| size < **below).count() };
        let digits = (5 + zeros).saturating_sub(before).max(1);
        let text = format!("{number:.digits$}");
        let trimmed = text.trim_end_matches('0');
        if trimmed.ends_with('.') { format!("{trimmed}0") } else { trimmed.into() }
    } else {
        format!("{number:.5e}")
    }
}

/// A length, angle or speed: three digits behind the point, so that a value at rest stands still.
pub fn motion(number: f64) -> String {
    // Adding zero makes a minus zero a plain one.
    format!("{:.3}", (number * 1e3).round() / 1e3 + 0.0)
}

/// Nanoseconds as microseconds.
pub fn us(ns: u32) -> String {
    format!("{:.1} µs", f64::from(ns) / 1e3)
}

/// Rows with the columns under each other, two blanks between them, indented by two.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, " {cell:width$} ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn runtime(of: &RuntimeView) -> String {
    let mut text = format!("the runtime is in {}", of.state);
    if let Some(fault) = &of.fault {
        let place = if fault.place.is_empty() { String::new() } else { format!(" ({})", fault.place) };
        let _ = write!(text, ": {}: {}{place}", fault.id, fault.text);
    }
    if of.shutting_down {
        text.push_str(", shutting down");
    }
    if of.stalled {
        text.push_str(", AND NO NEW CYCLE FOR A SECOND");
    }
    text
}

fn units(of: &BTreeMap<String, UnitView>) -> String {
    let say = |(name, unit): (&String, &UnitView)| {
        let verdict = if unit.awaits_verdict { ", waits for a verdict" } else { "" };
        format!("unit {name} is {} in mode {}{verdict}", unit.state, unit.mode)
    };
    of.iter().map(say).collect::<Vec<_>>().join("; ")
}

/// A command that was applied.
pub fn applied(method: &str, answer: &Json) -> String {
    let view: View = serde_json::from_value(answer["state"].clone()).unwrap_or_default();
    let mut text = format!("{method}: applied in cycle {}", answer["cycle"]);
    if let Some(of) = &view.runtime {
        let _ = write!(text, "; {}", runtime(of));
    }
    if !view.units.is_empty() {
        let _ = write!(text, "; {}", units(&view.units));
    }
    if !view.forced.is_empty() {
        let names: Vec<&str> = view.forced.keys().map(String::as_str).collect();
        let _ = write!(text, "; forced now: {}", names.join(", "));
    }
    text.push('\n');
    text
}

/// The machine on one screen.
pub fn status(cell: &Description, view: &View) -> String {
    let mut text = String::new();
    let of = view.runtime.clone().unwrap_or_default();
    let _ = writeln!(text, "{}: {}; cycle {}, up {} s", cell.cell, runtime(&of), view.cycle, of.uptime_s);
    if let Some(bus) = &view.bus {
        let _ = writeln!(
            text,
            "bus {}: {}, {} of {} devices; lost {}, invalid {}, late {}, stray {}",
            bus.interface,
            bus.states,
            bus.answering,
            bus.expected,
            bus.lost,
            bus.invalid,
            bus.late,
            bus.stray
        );
    }
    if let Some(of) = &view.reload {
        let _ = writeln!(text, "{}", reload(of));
    }
    let mut section = |title: &str, rows: Vec<Vec<String>>| {
        if !rows.is_empty() {
            let _ = write!(text, "{title}\n{}", table(&rows));
        }
    };
    section(
        "FORCED",
        view.forced
            .iter()
            .map(|(name, of)| {
                let free = of.unforced.as_ref().map_or(String::new(), |free| format!("else {}", value(free)));
                vec![name.clone(), value(&of.value), free]
            })
            .collect(),
    );
    section("units", view.units.iter().map(|(name, unit)| unit_row(name, unit)).collect());
    let tasks = cell.tasks.iter().filter_map(|task| Some((task, view.tasks.get(&task.name)?)));
    section(
        "tasks",
        tasks
            .map(|(task, of)| {
                vec![
                    task.name.clone(),
                    format!("every {}", words::time(task.interval_ns / 1_000_000)),
                    format!("p50 {}", us(of.execution.p50)),
                    format!("p99 {}", us(of.execution.p99)),
                    format!("max {}", us(of.execution.max)),
                    format!("overruns {}", of.overruns),
                ]
            })
            .collect(),
    );
    let axes = cell.axes.iter().filter_map(|axis| Some((axis, view.axes.get(&axis.name)?)));
    section(
        "axes",
        axes.map(|(axis, of)| {
            vec![
                axis.name.clone(),
                of.state.clone(),
                format!("{} {}", motion(of.position), axis.unit),
                format!("{} {}/s", motion(of.velocity), axis.unit),
                of.error.clone(),
            ]
        })
        .collect(),
    );
    section("alarms", alarm_rows(cell, view, false, Language::En));
    let models = view.models.iter();
    section(
        "models",
        models
            .map(|(name, of)| {
                let valid = if of.valid { "valid" } else { "not valid" };
                vec![
                    name.clone(),
                    format!("score {}", value(&of.score)),
                    valid.into(),
                    format!("misses {}", of.misses),
                ]
            })
            .collect(),
    );
    let open = view.jidoka.iter().filter(|(_, event)| event.verdict == "open");
    section(
        "events that wait for a verdict",
        open.map(|(number, event)| {
            vec![
                number.to_string(),
                event.rule.clone(),
                format!("cycle {}", event.cycle),
                format!("score {}", value(&event.score)),
            ]
        })
        .collect(),
    );
    if let Some(log) = &view.log {
        let error = log.error.as_ref().map_or(String::new(), |error| format!("; {error}"));
        let _ = writeln!(
            text,
            "log {}: {} records, {} dropped, durable up to cycle {}{error}",
            log.path, log.records, log.dropped, log.durable_cycle
        );
    }
    text
}

fn unit_row(name: &str, unit: &UnitView) -> Vec<String> {
    let legal = if unit.legal.is_empty() { "nothing, wait".into() } else { unit.legal.join(", ") };
    let verdict = if unit.awaits_verdict { "waits for a verdict; " } else { "" };
    vec![name.into(), unit.mode.clone(), unit.state.clone(), format!("{verdict}legal: {legal}")]
}

fn alarm_rows(cell: &Description, view: &View, all: bool, language: Language) -> Vec<Vec<String>> {
    let known = cell.alarms.iter().filter_map(|alarm| Some((alarm, view.alarms.get(&alarm.name)?)));
    let mut shown: Vec<_> = known.filter(|(_, of)| all || of.state != "normal").collect();
    // The newest first.
    shown.sort_by_key(|(_, of)| std::cmp::Reverse(of.since));
    shown
        .into_iter()
        .map(|(alarm, of)| {
            let first = if of.first_out { "first " } else { "" };
            let since = if of.since == 0 { "never".into() } else { format!("cycle {}", of.since) };
            let text = match language {
                Language::En => alarm.text_en.clone(),
                Language::Ja => alarm.text_ja.clone(),
            };
            vec![
                format!("A{}", alarm.id),
                alarm.name.clone(),
                format!("{first}{}", of.state),
                alarm.priority.clone(),
                since,
                text,
            ]
        })
        .collect()
}

/// Alarms.
pub fn alarms(cell: &Description, view: &View, all: bool, language: Language) -> String {
    match alarm_rows(cell, view, all, language).as_slice() {
        [] if cell.alarms.is_empty() => "this cell has no alarms\n".into(),
        [] => "no alarms\n".into(),
        rows => table(rows),
    }
}

/// Tags.
pub fn tags(cell: &Description, view: &View) -> String {
    let names: Vec<String> = cell.tags.iter().map(|tag| tag.name.clone()).collect();
    match changes(cell, view, &names) {
        text if text.is_empty() => "no tag's name begins so\n".into(),
        text => text,
    }
}

/// Some tags, as they are now.
pub fn changes(cell: &Description, view: &View, names: &[String]) -> String {
    let rows = names.iter().filter_map(|name| {
        let (tag, of) = (cell.tags.iter().find(|tag| tag.name == *name)?, view.tags.get(name)?);
        let unit = tag.unit.clone().unwrap_or_default();
        let quality = match (of.forced, of.valid) {
            (true, _) => "FORCED",
            (_, true) => "",
            _ => "invalid",
        };
        Some(vec![name.clone(), value(&of.value), unit, quality.into()])
    });
    table(&rows.collect::<Vec<_>>())
}

/// Parameters.
pub fn parameters(answer: &Json) -> String {
    let all = answer["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    match all {
        [] => "this cell has no parameters\n".into(),
        all => table(&all.iter().map(parameter_row).collect::<Vec<_>>()),
    }
}

fn parameter_row(of: &Json) -> Vec<String> {
    let text = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let range = match (&of["range"][0], &of["range"][1]) {
        (Json::Null, _) | (_, Json::Null) => String::new(),
        (low, high) => format!("{} to {}", value(low), value(high)),
    };
    vec![text("name"), value(&of["value"]), text("unit"), range, text("description")]
}

/// A tag or a parameter.
pub fn one(of: &Json) -> String {
    let unit = of["unit"].as_str().map_or(String::new(), |unit| format!(" {unit}"));
    let quality = match (&of["forced"], &of["valid"]) {
        (Json::Bool(true), _) => " (FORCED)",
        (_, Json::Bool(false)) => " (invalid)",
        _ => "",
    };
    format!("{}{unit}{quality}\n", value(&of["value"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (900.5, "900.5"),
            (0.1 + 0.2, "0.3"),
            (123_456.789, "123456.8"),
            (-0.001_234_567, "-0.00123457"),
            (1e-9, "1.00000e-9"),
            (2.5e10, "2.50000e10"),
        ] {
            assert_eq!(float(number), text, "{number}");
        }
        assert_eq!((motion(-0.0001), motion(12.34567)), ("0.000".into(), "12.346".into()));
        assert_eq!(value(&json!([1, 2.5, true])), "[1 2.5 true]");
        assert_eq!(value(&json!((0..20).collect::<Vec<_>>())), "[0 1 2 3 4 5 6 7 … 20 in all]");
    }

    #[test]
    fn columns_stand_under_each_other() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = table(&[row(["a", "bb", "c"]), row(["aaa", "b", ""])]);
        assert_eq!(text, "  a    bb  c\n  aaa  b\n");
    }

    #[test]
    fn an_applied_command_says_when_and_what_is_now() {
        let answer = json!({"applied": true, "cycle": 77, "state": {
            "runtime": {"state": "fault", "fault": {"id": "F302", "text": "division by zero", "place": "a.rhai:3:1"}},
            "units": {"press": {"mode": "production", "state": "aborted"}}
        }});
        assert_eq!(
            applied("start", &answer),
            "start: applied in cycle 77; the runtime is in fault: F302: division by zero (a.rhai:3:1); unit press is \
             aborted in mode production\n"
        );
    }
}
