//! The frame around the pages: header, tabs, footer, help.

use super::{pages, state::State};
use crate::cli::Page;
use clap::ValueEnum;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Clear, Paragraph},
};

/// What is as it should be.
pub const GOOD: Style = Style::new().fg(Color::Green);
/// What somebody should look at.
pub const WARN: Style = Style::new().fg(Color::Yellow);
/// What is wrong.
pub const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
/// What is not the matter.
pub const DIM: Style = Style::new().fg(Color::DarkGray);
/// Headings.
pub const HEAD: Style = Style::new().add_modifier(Modifier::BOLD);

/// Draw everything.
pub fn screen(frame: &mut Frame<'_>, state: &State) {
    let rows = [Constraint::Length(2), Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)];
    let [header, tabs, page, footer] = Layout::vertical(rows).areas(frame.area());
    frame.render_widget(Paragraph::new(head(state)), header);
    frame.render_widget(Paragraph::new(tab_line(state)), tabs);
    pages::draw(frame, page, state);
    frame.render_widget(Paragraph::new(foot(state)), footer);
    if state.help {
        help(frame);
    }
}

fn head(state: &State) -> Vec<Line<'static>> {
    let runtime = state.view.runtime.clone().unwrap_or_default();
    let style = match runtime.state.as_str() {
        "run" => GOOD,
        "fault" => BAD,
        _ => WARN,
    };
    let mut first = vec![
        Span::styled(format!("{} ", state.cell.cell), HEAD),
        Span::styled(format!(" {} ", runtime.state.to_uppercase()), style.add_modifier(Modifier::REVERSED)),
        Span::raw(format!("  cycle {}  up {}", state.view.cycle, clock(runtime.uptime_s))),
    ];
    if let Some(bus) = &state.view.bus {
        let good = bus.states == "OP" && bus.answering == bus.expected;
        first.push(Span::raw(format!("  bus {} ", bus.interface)));
        let text = format!("{} {}/{}", bus.states, bus.answering, bus.expected);
        first.push(Span::styled(text, if good { GOOD } else { BAD }));
    }
    if !state.view.forced.is_empty() {
        let text = format!("  FORCED {}", state.view.forced.len());
        first.push(Span::styled(text, WARN.add_modifier(Modifier::BOLD)));
    }
    if state.lost.is_some() {
        first.push(Span::styled("  NOT LIVE", BAD));
    } else if runtime.stalled {
        first.push(Span::styled("  NO NEW CYCLE", BAD));
    }
    let second = match &runtime.fault {
        Some(fault) => {
            let place = if fault.place.is_empty() { String::new() } else { format!(" ({})", fault.place) };
            Line::styled(format!("{}: {}{place}", fault.id, fault.text), BAD)
        }
        None => Line::from(state.view.units.iter().flat_map(unit).collect::<Vec<_>>()),
    };
    vec![Line::from(first), second]
}

fn unit((name, of): (&String, &crate::control::view::UnitView)) -> [Span<'static>; 3] {
    let verdict = if of.awaits_verdict { " verdict!" } else { "" };
    [
        Span::raw(format!("{name} ")),
        Span::styled(format!("{}{verdict}", of.state), pages::unit_style(of)),
        Span::styled(format!(" {}   ", of.mode), DIM),
    ]
}

/// Seconds as people read long times.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..86_400 => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
        _ => format!("{} d {}:{:02}", whole / 86_400, whole / 3600 % 24, whole / 60 % 60),
    }
}

fn tab_line(state: &State) -> Line<'static> {
    let mut spans = Vec::new();
    for (index, page) in Page::value_variants().iter().enumerate() {
        let name = page.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned());
        let alarm =
            *page == Page::Alarms && state.view.alarms.values().any(|of| of.state == "unacknowledged");
        let style = match (*page == state.page, alarm) {
            (true, _) => HEAD.add_modifier(Modifier::REVERSED),
            (_, true) => BAD,
            _ => DIM,
        };
        spans.push(Span::styled(format!(" {} {name} ", index + 1), style));
    }
    Line::from(spans)
}

fn foot(state: &State) -> Line<'static> {
    if let Some(reason) = &state.lost {
        return Line::styled(format!("{reason}; trying again every second"), BAD);
    }
    if state.searching {
        return Line::from(vec![
            Span::styled("/", HEAD),
            Span::raw(state.search.clone()),
            Span::styled("▏", HEAD),
            Span::styled("  Enter keeps it, Esc clears it", DIM),
        ]);
    }
    if !state.note.is_empty() {
        return Line::raw(state.note.clone());
    }
    Line::styled("? help  1-7 pages  ↑↓ select  / search  s sort  L 日本語/English  q quit", DIM)
}

fn help(frame: &mut Frame<'_>) {
    let lines = [
        "1 … 7, Tab, ←, →   pages",
        "↑, ↓, j, k         select a row",
        "PgUp, PgDn         ten rows, Home and End: all the way",
        "/                  search tags by name or description",
        "Esc                no search any more",
        "s                  order of the tags: file, name, invalid first",
        "L                  alarm texts in Japanese or English",
        "r                  begin the tasks' statistics anew",
        "q, Ctrl-C          quit; the machine goes on",
        "",
        "Commands: sensai ctl --help",
    ];
    let area = frame.area();
    let (width, height) = (66.min(area.width), (lines.len() as u16 + 2).min(area.height));
    let place = Rect { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height };
    frame.render_widget(Clear, place);
    let text: Vec<Line<'_>> = lines.into_iter().map(Line::raw).collect();
    frame.render_widget(Paragraph::new(text).block(Block::bordered().title(" help ")), place);
}
