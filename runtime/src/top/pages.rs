//! The pages: each a table, and what belongs to its selected row.

use super::{
    draw::{BAD, DIM, GOOD, HEAD, WARN, clock},
    state::{Sort, State},
};
use crate::{
    cli::{Language, Page},
    commands::ctl::show::{float, motion, value},
    control::{
        describe::AlarmInfo,
        view::{AlarmView, AxisView, TaskView, UnitView},
    },
};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Row, Sparkline, Table, TableState, Wrap},
};

/// Draw the page that is shown.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    match state.page {
        Page::Overview => overview(frame, area, state),
        Page::Tasks => tasks(frame, area, state),
        Page::Axes => axes(frame, area, state),
        Page::Devices => devices(frame, area, state),
        Page::Tags => tags(frame, area, state),
        Page::Alarms => alarms(frame, area, state),
        Page::Models => models(frame, area, state),
    }
}

/// How a unit's state looks.
pub fn unit_style(of: &UnitView) -> Style {
    match of.state.as_str() {
        "execute" => GOOD,
        "aborted" | "aborting" => BAD,
        "held" | "holding" | "suspended" | "suspending" => WARN,
        _ => Style::new(),
    }
}

fn us(ns: u32) -> String {
    format!("{:.1}", f64::from(ns) / 1e3)
}

/// A share as a bar and as a number.
fn bar(share: f64) -> String {
    const WIDTH: usize = 8;
    let full = ((share * WIDTH as f64).round() as usize).min(WIDTH);
    format!("{}{} {:.1}%", "█".repeat(full), "·".repeat(WIDTH - full), share * 100.0)
}

fn table(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    heads: &[&'static str],
    widths: &[Constraint],
    rows: Vec<Row<'_>>,
) {
    if rows.is_empty() {
        frame.render_widget(Paragraph::new(Line::styled("none", DIM)), area);
        return;
    }
    let head = Row::new(heads.iter().copied()).style(HEAD);
    let selected = state.selected.min(rows.len() - 1);
    let table = Table::new(rows, widths).header(head).row_highlight_style(Modifier::REVERSED);
    frame.render_stateful_widget(table, area, &mut TableState::new().with_selected(Some(selected)));
}

fn overview(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let (cell, view) = (&state.cell, &state.view);
    let mut lines: Vec<Line<'_>> = Vec::new();
    let title = |lines: &mut Vec<Line<'_>>, text: &'static str| lines.push(Line::styled(text, HEAD));
    if !view.units.is_empty() {
        title(&mut lines, "units");
    }
    for (name, of) in &view.units {
        let legal = if of.legal.is_empty() { "wait".into() } else { of.legal.join(", ") };
        lines.push(Line::from(vec![
            Span::raw(format!("  {name:16} ")),
            Span::styled(format!("{:12} ", of.state), unit_style(of)),
            Span::raw(format!("{:12} ", of.mode)),
            Span::styled(legal, DIM),
        ]));
    }
    title(&mut lines, "tasks");
    for task in &cell.tasks {
        let Some(of) = view.tasks.get(&task.name) else { continue };
        lines.push(Line::from(vec![
            Span::raw(format!(
                "  {:16} {:>8} ms  {}",
                task.name,
                task.interval_ns as f64 / 1e6,
                load(task.interval_ns, of)
            )),
            Span::styled(format!("  overruns {}", of.overruns), if of.overruns > 0 { WARN } else { DIM }),
        ]));
    }
    if !cell.axes.is_empty() {
        title(&mut lines, "axes");
    }
    for axis in &cell.axes {
        let Some(of) = view.axes.get(&axis.name) else { continue };
        lines.push(Line::from(vec![
            Span::raw(format!("  {:16} ", axis.name)),
            Span::styled(format!("{:18} ", of.state), axis_style(of)),
            Span::raw(format!(
                "{:>12} {}  {:>10} {}/s",
                motion(of.position),
                axis.unit,
                motion(of.velocity),
                axis.unit
            )),
        ]));
    }
    for (name, of) in &view.models {
        let style = if of.valid { Style::new() } else { WARN };
        let age =
            if of.age == i64::MAX { "no result yet".to_owned() } else { format!("age {} cycles", of.age) };
        let text = format!("model {name}: score {}, {age}, misses {}", value(&of.score), of.misses);
        lines.push(Line::styled(text, style));
    }
    if let Some(bus) = &view.bus {
        let lost = bus.lost + bus.invalid;
        let text = format!(
            "bus: lost {}, invalid {}, late {}, stray {}",
            bus.lost, bus.invalid, bus.late, bus.stray
        );
        lines.push(Line::styled(text, if lost > 0 { WARN } else { Style::new() }));
    }
    lines.push(match &view.log {
        None => Line::styled("log: this run is not recorded", DIM),
        Some(log) => {
            let text = format!(
                "log: {} records, {} dropped, durable up to cycle {}",
                log.records, log.dropped, log.durable_cycle
            );
            let error = log.error.as_ref().map_or(String::new(), |error| format!("; {error}"));
            Line::styled(
                format!("{text}{error}"),
                if log.dropped > 0 || log.error.is_some() { BAD } else { Style::new() },
            )
        }
    });
    let open = view.jidoka.values().filter(|event| event.verdict == "open").count();
    if open > 0 {
        lines.push(Line::styled(
            format!("{open} event(s) wait for a verdict: sensai ctl verdict good|bad --why …"),
            BAD,
        ));
    }
    for (alarm, of) in sorted_alarms(state).into_iter().filter(|(_, of)| of.state != "normal").take(6) {
        lines.push(Line::styled(
            format!("A{} {}: {}", alarm.id, of.state, text(alarm, state.language)),
            alarm_style(&of),
        ));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn load(interval_ns: u64, of: &TaskView) -> String {
    bar(f64::from(of.execution.p99) / interval_ns.max(1) as f64)
}

fn tasks(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let heads = ["task", "every ms", "p50 µs", "p99 µs", "max µs", "jitter µs", "overruns", "load (p99)"];
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(8),
        Constraint::Length(16),
    ];
    let none = TaskView::default();
    let rows = state.cell.tasks.iter().map(|task| {
        let of = state.view.tasks.get(&task.name).unwrap_or(&none);
        Row::new([
            task.name.clone(),
            format!("{}", task.interval_ns as f64 / 1e6),
            us(of.execution.p50),
            us(of.execution.p99),
            us(of.execution.max),
            us(of.start_error.p99),
            of.overruns.to_string(),
            load(task.interval_ns, of),
        ])
        .style(if of.overruns > 0 { WARN } else { Style::new() })
    });
    let rows = rows.collect();
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(5)]).areas(area);
    table(frame, upper, state, &heads, &widths, rows);
    if let Some(task) = state.cell.tasks.get(state.selected) {
        let of = state.view.tasks.get(&task.name).unwrap_or(&none);
        let age = of.age_cycles.map_or(String::new(), |age| format!(", results {age} cycles old"));
        let lines = vec![
            Line::styled(format!("{}, priority {}", task.name, task.priority), HEAD),
            Line::raw(format!("programs   {}", task.programs.join(", "))),
            Line::raw(format!(
                "runs       {}, targets passed over {}, operations {}{age}",
                of.runs, of.skipped, of.operations
            )),
            Line::raw(format!(
                "start      p50 {} µs, p99 {} µs, max {} µs behind the target",
                us(of.start_error.p50),
                us(of.start_error.p99),
                us(of.start_error.max)
            )),
            Line::styled("since the statistics were last cleared (r)", DIM),
        ];
        frame.render_widget(Paragraph::new(lines), lower);
    }
}

fn axis_style(of: &AxisView) -> Style {
    match of.state.as_str() {
        "error stop" => BAD,
        "disabled" => DIM,
        "stopping" => WARN,
        _ => GOOD,
    }
}

fn axes(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let heads = ["axis", "state", "position", "velocity/s", "following", "torque", ""];
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(17),
        Constraint::Length(15),
        Constraint::Length(12),
        Constraint::Length(10),
        Constraint::Length(7),
        Constraint::Length(3),
    ];
    let none = AxisView::default();
    let rows = state.cell.axes.iter().map(|axis| {
        let of = state.view.axes.get(&axis.name).unwrap_or(&none);
        let flag = |on: bool, letter: &'static str| if on { letter } else { "·" };
        Row::new([
            axis.name.clone(),
            of.state.clone(),
            format!("{} {}", motion(of.position), axis.unit),
            motion(of.velocity),
            motion(of.following_error),
            format!("{:.1} %", of.torque),
            [flag(of.powered, "P"), flag(of.homed, "H"), flag(of.in_position, "I")].concat(),
        ])
        .style(axis_style(of))
    });
    let rows = rows.collect();
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(5)]).areas(area);
    table(frame, upper, state, &heads, &widths, rows);
    if let Some(axis) = state.cell.axes.get(state.selected) {
        let of = state.view.axes.get(&axis.name).unwrap_or(&none);
        let jog = if axis.jog.is_empty() { "no unit".into() } else { axis.jog.join(", ") };
        let lines = vec![
            Line::styled(format!("{}, drive {}", axis.name, axis.device), HEAD),
            Line::raw(format!(
                "set position {} {u}, at most {} {u}/s, following window {} {u}, jogged by {jog}",
                motion(of.set_position),
                float(axis.velocity_max),
                float(axis.following_window),
                u = axis.unit
            )),
            Line::styled(of.error.clone(), BAD),
            Line::styled("P powered, H homed, I in position", DIM),
        ];
        frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), lower);
    }
}

fn devices(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let heads = ["device", "type", "state", "sync unit", "counter", "errors", "links lost", ""];
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(10),
        Constraint::Length(9),
        Constraint::Length(12),
        Constraint::Length(8),
        Constraint::Length(6),
        Constraint::Length(10),
        Constraint::Length(10),
    ];
    let units = state.view.bus.as_ref().map(|bus| &bus.sync_units);
    let rows = state.cell.devices.iter().map(|device| {
        let of = state.view.devices.get(&device.name).cloned().unwrap_or_default();
        let unit = units.and_then(|units| units.get(&device.sync_unit));
        let valid = unit.is_none_or(|unit| unit.valid);
        let style = match (of.state.as_str(), valid) {
            ("OP", true) if of.port_errors + of.lost_links == 0 => GOOD,
            ("OP", true) => WARN,
            _ => BAD,
        };
        Row::new([
            device.name.clone(),
            device.kind.clone(),
            of.state,
            device.sync_unit.clone(),
            unit.map_or(String::new(), |unit| unit.working_counter.to_string()),
            of.port_errors.to_string(),
            of.lost_links.to_string(),
            if valid { String::new() } else { "invalid".into() },
        ])
        .style(style)
    });
    let rows = rows.collect();
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    table(frame, upper, state, &heads, &widths, rows);
    let selected =
        state.cell.devices.get(state.selected).and_then(|device| state.view.devices.get(&device.name));
    let error = selected.map_or(String::new(), |of| of.error.clone());
    frame.render_widget(Paragraph::new(Line::styled(error, BAD)), lower);
}

fn tags(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let heads = ["tag", "value", "unit", "quality", "kind"];
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(26),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(7),
    ];
    let shown = state.tags();
    let rows = shown.iter().map(|tag| {
        let of = state.view.tags.get(&tag.name).cloned().unwrap_or_default();
        Row::new([
            tag.name.clone(),
            value(&of.value),
            tag.unit.clone().unwrap_or_default(),
            match (of.forced, of.valid) {
                (true, _) => "FORCED".into(),
                (_, true) => "good".into(),
                _ => "invalid".into(),
            },
            tag.kind.clone(),
        ])
        .style(if of.valid && !of.forced { Style::new() } else { WARN })
    });
    let rows = rows.collect();
    let curve = if state.history.is_empty() { 0 } else { 3 };
    let parts = [Constraint::Length(1), Constraint::Fill(1), Constraint::Length(curve + 1)];
    let [line, middle, lower] = Layout::vertical(parts).areas(area);
    let order = match state.sort {
        Sort::File => "as in the file",
        Sort::Name => "by name",
        Sort::Quality => "invalid first",
    };
    let search = if state.search.is_empty() { String::new() } else { format!(", with `{}`", state.search) };
    let text = format!("{} of {} tags{search}, {order}", shown.len(), state.cell.tags.len());
    frame.render_widget(Paragraph::new(Line::styled(text, DIM)), line);
    table(frame, middle, state, &heads, &widths, rows);
    follow(frame, lower, state);
}

/// What is known of the selected tag, and its curve.
fn follow(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let Some(tag) = state.selected_tag() else { return };
    let [text, curve] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let (low, high) = state
        .history
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    let span =
        if state.history.is_empty() { String::new() } else { format!("  {} to {}", float(low), float(high)) };
    let about = if tag.description.is_empty() {
        tag.name.clone()
    } else {
        format!("{}: {}", tag.name, tag.description)
    };
    let line = Line::from(vec![Span::styled(about, HEAD), Span::styled(span, DIM)]);
    frame.render_widget(Paragraph::new(line), text);
    let newest = state.history.iter().rev().take(usize::from(curve.width)).rev();
    let height = |value: f64| if high > low { 1 + ((value - low) / (high - low) * 255.0) as u64 } else { 1 };
    let heights: Vec<u64> = newest.map(|value| height(*value)).collect();
    frame.render_widget(Sparkline::default().data(heights).max(256), curve);
}

fn text(alarm: &AlarmInfo, language: Language) -> &str {
    match language {
        Language::En => &alarm.text_en,
        Language::Ja => &alarm.text_ja,
    }
}

fn alarm_style(of: &AlarmView) -> Style {
    match of.state.as_str() {
        "unacknowledged" => BAD,
        "acknowledged" | "returned" => WARN,
        _ => DIM,
    }
}

/// What is there comes first, the newest of each kind on top.
fn sorted_alarms(state: &State) -> Vec<(&AlarmInfo, AlarmView)> {
    let known = state.cell.alarms.iter();
    let mut all: Vec<_> =
        known.filter_map(|alarm| Some((alarm, state.view.alarms.get(&alarm.name)?.clone()))).collect();
    let rank = |of: &AlarmView| match of.state.as_str() {
        "unacknowledged" => 0,
        "returned" => 1,
        "acknowledged" => 2,
        "shelved" => 3,
        _ => 4,
    };
    all.sort_by_key(|(_, of)| (rank(of), std::cmp::Reverse(of.since)));
    all
}

fn alarms(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let heads = ["", "came", "id", "state", "priority", "text"];
    let widths = [
        Constraint::Length(1),
        Constraint::Length(9),
        Constraint::Length(5),
        Constraint::Length(14),
        Constraint::Length(8),
        Constraint::Fill(1),
    ];
    let all = sorted_alarms(state);
    let rows = all.iter().map(|(alarm, of)| {
        let cycles = state.view.cycle.saturating_sub(of.since);
        let ago = cycles as f64 * state.cell.interval_ns as f64 / 1e9;
        Row::new([
            if of.first_out { "1".to_owned() } else { String::new() },
            if of.since == 0 { "never".into() } else { format!("-{}", clock(ago)) },
            format!("A{}", alarm.id),
            of.state.clone(),
            alarm.priority.clone(),
            text(alarm, state.language).to_owned(),
        ])
        .style(alarm_style(of))
    });
    let rows = rows.collect();
    let [upper, lower] = Layout::vertical([Constraint::Fill(1), Constraint::Length(4)]).areas(area);
    table(frame, upper, state, &heads, &widths, rows);
    if let Some((alarm, of)) = all.get(state.selected) {
        let help = match state.language {
            Language::En => &alarm.help_en,
            Language::Ja => &alarm.help_ja,
        };
        let shelved = of.shelved_cycles as f64 * state.cell.interval_ns as f64 / 1e9;
        let shelf =
            if of.shelved_cycles > 0 { format!(", shelved for {}", clock(shelved)) } else { String::new() };
        let lines = vec![
            Line::styled(
                format!("{}: came {}×, reaction {}{shelf}", alarm.name, of.count, alarm.reaction),
                HEAD,
            ),
            Line::raw(help.clone()),
            Line::styled("1: the first of its group.  sensai ctl ack|shelve", DIM),
        ];
        frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), lower);
    }
}

fn models(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let heads = ["model", "engine", "score", "threshold", "age", "misses", "results", ""];
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(7),
        Constraint::Length(11),
        Constraint::Length(11),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(9),
    ];
    let rows = state.cell.models.iter().map(|model| {
        let of = state.view.models.get(&model.name).cloned().unwrap_or_default();
        let over = model.threshold.zip(of.score.as_f64()).is_some_and(|(limit, score)| score > limit);
        Row::new([
            model.name.clone(),
            model.engine.clone(),
            value(&of.score),
            model.threshold.map_or(String::new(), float),
            of.age.to_string(),
            of.misses.to_string(),
            of.sequence.to_string(),
            if of.valid { "valid".into() } else { "not valid".into() },
        ])
        .style(match (of.valid, over) {
            (true, true) => BAD,
            (true, false) => GOOD,
            _ => WARN,
        })
    });
    let rows: Vec<Row<'_>> = rows.collect();
    let height = (rows.len() as u16 + 2).clamp(3, area.height.saturating_sub(4).max(3));
    let [upper, lower] = Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area);
    table(frame, upper, state, &heads, &widths, rows);
    let mut lines = vec![Line::styled("jidoka events", HEAD)];
    for (number, event) in state.view.jidoka.iter().rev() {
        let style = if event.verdict == "open" { BAD } else { Style::new() };
        let text = format!(
            "  {number:>4}  {:20} cycle {:>10}  score {:>9}  {}",
            event.rule,
            event.cycle,
            value(&event.score),
            event.verdict
        );
        lines.push(Line::styled(text, style));
    }
    if state.view.jidoka.is_empty() {
        lines.push(Line::styled("  none", DIM));
    }
    frame.render_widget(Paragraph::new(lines), lower);
}
