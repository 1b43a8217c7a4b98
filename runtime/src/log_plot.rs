//! `sensai log plot`: tags of a log over time, one panel for each unit, and beside them what happened.
//!
//! The rows are those of `sensai log export`, so that a picture and a table of one log agree. They pass by one at a
//! time; only the columns asked for are kept, thinned out to what a picture can show.

use crate::{cli::LogPlot, plot::COLOURS};
use anyhow::Context;
use plotters::{coord::Shift, prelude::*};
use sensai_log::{
    LogReader,
    csv::{CsvOptions, export},
};
use std::{fs::File, io, path::Path, process::ExitCode};

/// Cycles a picture may be of; at 1 ms somewhat more than a quarter of an hour.
const CYCLES_MAX: usize = 1_000_000;
/// Points of a curve, at most; in each of half as many stretches of time the smallest and the greatest.
const POINTS_MAX: usize = 1_200;
/// Events that get a line of their own.
const EVENTS_MAX: usize = 24;
const WIDTH: u32 = 960;
const TITLE_HEIGHT: u32 = 36;
const PANEL_HEIGHT: u32 = 170;
/// A panel of signals that are on or off: for each, and around them.
const SIGNAL_HEIGHT: u32 = 24;
const AXIS_HEIGHT: u32 = 60;

/// Draw what the command line says.
///
/// # Errors
/// The log cannot be read, has no such tags or cycles, or the file cannot be written.
pub fn run(arguments: &LogPlot) -> anyhow::Result<ExitCode> {
    let LogPlot { log, tags, derivative, from, to, title, out } = arguments;
    let reader = LogReader::open_file(log).with_context(|| format!("cannot read {}", log.display()))?;
    let info = reader.info()?;
    let (first, last) = info.cycles.with_context(|| format!("{}: holds no cycles", log.display()))?;
    let (begin, end) = (from.unwrap_or(first).max(first), to.unwrap_or(last).min(last));
    anyhow::ensure!(
        begin < end,
        "{}: nothing to draw from cycle {} to {}: the log holds cycles {first} to {last}, and a picture needs two",
        log.display(),
        from.unwrap_or(first),
        to.unwrap_or(last)
    );
    let mut rows = Rows::of(tags, derivative);
    let exported = export(&reader, &CsvOptions { cycles: begin..=end, record_fields: false }, &mut rows);
    if let Some(mistake) = rows.mistake {
        anyhow::bail!("{}: {mistake}", log.display());
    }
    exported.with_context(|| format!("cannot read {}", log.display()))?;
    let cell = info.epochs.last().map_or("", |(_, epoch)| epoch.cell.as_str());
    let title = title.clone().unwrap_or_else(|| format!("{cell}, cycles {begin} to {end}"));
    let cycles = rows.times.len();
    let picture = rows.into_picture(title);
    draw(out, &picture).with_context(|| format!("cannot write {}", out.display()))?;
    println!("{cycles} cycles drawn into {}", out.display());
    Ok(ExitCode::SUCCESS)
}

/// A column of the table that is wanted.
#[derive(Debug)]
struct Column {
    tag: String,
    /// As the header has it, with its unit.
    name: String,
    /// Places of the value and, for inputs, of its validity.
    place: usize,
    valid: Option<usize>,
    /// NaN where it is invalid.
    values: Vec<f64>,
    is_signal: bool,
}

/// Takes in what [`export`] writes.
#[derive(Debug)]
struct Rows<'a> {
    tags: &'a [String],
    derivative: &'a [String],
    line: Vec<u8>,
    columns: Option<Vec<Column>>,
    times: Vec<f64>,
    events: Vec<(f64, String)>,
    mistake: Option<String>,
}

impl io::Write for Rows<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                let text = String::from_utf8_lossy(&line);
                if let Err(mistake) = self.take(text.trim_end()) {
                    self.mistake = Some(mistake);
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> Rows<'a> {
    fn of(tags: &'a [String], derivative: &'a [String]) -> Self {
        Self {
            tags,
            derivative,
            line: Vec::new(),
            columns: None,
            times: Vec::new(),
            events: Vec::new(),
            mistake: None,
        }
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        let cells = split(line);
        let cell = |place: usize| cells.get(place).map_or("", String::as_str);
        let Some(columns) = &mut self.columns else {
            self.columns = Some(find_columns(&cells, self.tags, self.derivative)?);
            return Ok(());
        };
        if self.times.len() >= CYCLES_MAX {
            return Err(format!(
                "too many cycles for a picture: give --from and --to, at most {CYCLES_MAX} apart"
            ));
        }
        let time = cell(1).parse::<f64>().unwrap_or(f64::NAN) / 1e9;
        self.times.push(time);
        for column in columns {
            let text = cell(column.place);
            let invalid = column.valid.is_some_and(|place| cell(place) == "0");
            let value = match text {
                _ if invalid => f64::NAN,
                "true" => 1.0,
                "false" => 0.0,
                number => {
                    column.is_signal &= number.is_empty();
                    number.parse().unwrap_or(f64::NAN)
                }
            };
            column.values.push(value);
        }
        let fault = cell(3);
        let mut told: Vec<&str> = Vec::new();
        // A record names the fault in the cycle in which it rises.
        told.extend(fault.split(" source").next().filter(|name| !name.is_empty()));
        told.extend(cell(4).split("; ").filter_map(told_event));
        if !told.is_empty() {
            self.events.push((time, told.join(", ")));
        }
        Ok(())
    }

    fn into_picture(self, title: String) -> Picture {
        let start = self.times.first().copied().unwrap_or(0.0);
        let times: Vec<f64> = self.times.iter().map(|time| time - start).collect();
        let end = times.last().copied().unwrap_or(0.0).max(1e-9);
        let (mut panels, mut signals) = (Vec::<Panel>::new(), Vec::new());
        for column in self.columns.iter().flatten() {
            let unit = unit_of(&column.name);
            if self.tags.contains(&column.tag) {
                match column.is_signal {
                    true => signals.push((column.tag.clone(), thin(&times, &column.values))),
                    false => add(&mut panels, unit, &column.tag, thin(&times, &column.values)),
                }
            }
            if self.derivative.contains(&column.tag) {
                let unit = if unit.is_empty() { "1/s".to_owned() } else { format!("{unit}/s") };
                let change = derivative(&times, &column.values);
                add(&mut panels, &unit, &format!("change of {}", column.tag), thin(&times, &change));
            }
        }
        let mut events: Vec<(f64, String)> =
            self.events.into_iter().map(|(time, text)| (time - start, text)).collect();
        events.truncate(EVENTS_MAX);
        Picture { title, start, end, panels, signals, events }
    }
}

/// Inbox entries that explain a picture; results of models are no events.
fn told_event(entry: &str) -> Option<&str> {
    let name = entry.split(' ').next()?;
    let quiet = name.is_empty() || name.starts_with("Model") || name == "Startup";
    (!quiet).then_some(name)
}

/// `ram.position [mm]` is of `mm`.
fn unit_of(name: &str) -> &str {
    name.rsplit_once(" [")
        .and_then(|(_, unit)| unit.strip_suffix(']'))
        .filter(|_| name.contains(' '))
        .unwrap_or("")
}

/// The cells of a line of RFC 4180.
fn split(line: &str) -> Vec<String> {
    let push = |cells: &mut Vec<String>, letter: char| {
        if let Some(cell) = cells.last_mut() {
            cell.push(letter);
        }
    };
    let mut cells = vec![String::new()];
    let (mut quoted, mut letters) = (false, line.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                push(&mut cells, '"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            letter => push(&mut cells, letter),
        }
    }
    cells
}

fn find_columns(header: &[String], tags: &[String], derivative: &[String]) -> Result<Vec<Column>, String> {
    let mut columns: Vec<Column> = Vec::new();
    let mut missing: Vec<&str> = Vec::new();
    let is = |column: &str, tag: &str| {
        column.strip_prefix(tag).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ["))
    };
    let behind_fields = || header.iter().enumerate().skip(5);
    for tag in tags.iter().chain(derivative) {
        if columns.iter().any(|column| column.tag == *tag) {
            continue;
        }
        let Some((place, name)) = behind_fields().find(|(_, column)| is(column, tag)) else {
            missing.push(tag);
            continue;
        };
        let valid = header.get(place + 1).filter(|next| **next == format!("{tag}.valid")).map(|_| place + 1);
        columns.push(Column {
            tag: tag.clone(),
            name: name.clone(),
            place,
            valid,
            values: Vec::new(),
            is_signal: true,
        });
    }
    if missing.is_empty() {
        return Ok(columns);
    }
    let known: Vec<&str> = behind_fields()
        .map(|(_, column)| column.split(" [").next().unwrap_or(column))
        .filter(|column| !column.ends_with(".valid"))
        .collect();
    Err(format!(
        "no input or output tag {}: expected of {} (memory tags are in no record)",
        missing.join(", "),
        known.join(", ")
    ))
}

/// Change per second, from each value to the next; NaN where one of them is.
fn derivative(times: &[f64], values: &[f64]) -> Vec<f64> {
    let change = |index: usize| {
        let (t, v) = (
            times.get(index)? - times.get(index.checked_sub(1)?)?,
            values.get(index)? - values.get(index - 1)?,
        );
        (t > 0.0).then_some(v / t)
    };
    (0..values.len()).map(|index| change(index).unwrap_or(f64::NAN)).collect()
}

type Points = Vec<(f64, f64)>;

/// At most [`POINTS_MAX`] points with the same picture; NaN parts one from the next.
fn thin(times: &[f64], values: &[f64]) -> Vec<Points> {
    let size = values.len().div_ceil(POINTS_MAX / 2).max(1);
    let mut pieces: Vec<Points> = vec![Vec::new()];
    let times_of = times.chunks(size);
    for (times, values) in times_of.zip(values.chunks(size)) {
        let points = times.iter().copied().zip(values.iter().copied()).filter(|(_, value)| value.is_finite());
        let low = points.clone().min_by(|a, b| a.1.total_cmp(&b.1));
        let high = points.max_by(|a, b| a.1.total_cmp(&b.1));
        match (low, high) {
            (Some(low), Some(high)) => {
                let (one, two) = if low.0 <= high.0 { (low, high) } else { (high, low) };
                if let Some(piece) = pieces.last_mut() {
                    piece.extend([Some(one), (two != one).then_some(two)].into_iter().flatten());
                }
            }
            _ if pieces.last().is_some_and(|piece| !piece.is_empty()) => pieces.push(Vec::new()),
            _ => {}
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces.iter_mut().for_each(|piece| *piece = without_middles(piece));
    pieces
}

/// Of points at the same height in a row, the first and the last.
fn without_middles(points: &[(f64, f64)]) -> Points {
    let middle = |index: usize| {
        let at = |index: usize| points.get(index).map(|point| point.1.to_bits());
        index > 0 && at(index - 1) == at(index) && at(index + 1) == at(index)
    };
    points.iter().enumerate().filter(|(index, _)| !middle(*index)).map(|(_, point)| *point).collect()
}

/// Curves of one unit.
#[derive(Debug)]
struct Panel {
    unit: String,
    curves: Vec<(String, Vec<Points>)>,
}

fn add(panels: &mut Vec<Panel>, unit: &str, name: &str, points: Vec<Points>) {
    match panels.iter_mut().find(|panel| panel.unit == unit) {
        Some(panel) => panel.curves.push((name.to_owned(), points)),
        None => panels.push(Panel { unit: unit.to_owned(), curves: vec![(name.to_owned(), points)] }),
    }
}

/// What is drawn.
#[derive(Debug)]
struct Picture {
    title: String,
    /// Seconds of nominal time where it begins.
    start: f64,
    /// Seconds from there.
    end: f64,
    panels: Vec<Panel>,
    signals: Vec<(String, Vec<Points>)>,
    events: Vec<(f64, String)>,
}

fn draw(path: &Path, picture: &Picture) -> anyhow::Result<()> {
    // The backend itself would tell of a file that cannot be made only in the end, and without its reason.
    File::create(path)?;
    let signals =
        if picture.signals.is_empty() { 0 } else { SIGNAL_HEIGHT * picture.signals.len() as u32 + 12 };
    let panels = PANEL_HEIGHT * picture.panels.len() as u32;
    let root =
        SVGBackend::new(path, (WIDTH, TITLE_HEIGHT + panels + signals + AXIS_HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let root = root.titled(&picture.title, ("sans-serif", 18))?;
    let (top, bottom) = root.split_vertically(panels);
    let areas = top.split_evenly((picture.panels.len().max(1), 1));
    for (index, (panel, area)) in picture.panels.iter().zip(&areas).enumerate() {
        draw_panel(area, picture, panel, index == 0)?;
    }
    draw_signals(&bottom, picture)?;
    root.present()?;
    Ok(())
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw_panel(area: &Area<'_>, picture: &Picture, panel: &Panel, first: bool) -> anyhow::Result<()> {
    let values = || panel.curves.iter().flat_map(|(_, pieces)| pieces.iter().flatten()).map(|point| point.1);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let room = ((high - low) * 0.08).max(high.abs().max(low.abs()) * 1e-3).max(1e-6);
    let mut chart = ChartBuilder::on(area)
        .margin_left(8)
        .margin_right(16)
        .margin_top(6)
        .x_label_area_size(2)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..picture.end, low - room..high + room)?;
    chart
        .configure_mesh()
        .x_labels(11)
        .y_labels(5)
        .y_desc(if panel.unit.is_empty() { "1" } else { &panel.unit })
        .x_label_formatter(&|_| String::new())
        .max_light_lines(0)
        .bold_line_style(RGBColor(0xe8, 0xe8, 0xe8))
        .draw()?;
    for (number, (time, text)) in picture.events.iter().enumerate() {
        let line = [(*time, low - room), (*time, high + room)];
        chart.draw_series(LineSeries::new(line, BLACK.mix(0.4).stroke_width(1)))?;
        if first {
            // Staggered: events of a stop come within a few milliseconds.
            let height = high + room - (high - low + 2.0 * room) * 0.09 * (number % 5 + 1) as f64;
            let style = ("sans-serif", 12).into_font().color(&BLACK.mix(0.8));
            chart.draw_series([Text::new(format!(" {text}"), (*time, height + room * 0.8), style)])?;
        }
    }
    for ((name, pieces), colour) in panel.curves.iter().zip(COLOURS.iter().cycle()) {
        let mut named = false;
        for piece in pieces {
            let series = chart.draw_series(LineSeries::new(piece.iter().copied(), colour.stroke_width(2)))?;
            if !std::mem::replace(&mut named, true) {
                series
                    .label(name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            }
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .border_style(BLACK.mix(0.2))
        .background_style(WHITE.mix(0.85))
        .draw()?;
    Ok(())
}

/// Signals that are on or off, one line above the other, and below them the time.
fn draw_signals(area: &Area<'_>, picture: &Picture) -> anyhow::Result<()> {
    let rows = picture.signals.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_left(8)
        .margin_right(16)
        .margin_top(6)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..picture.end, 0.0..rows.max(0.01))?;
    let start = picture.start;
    chart
        .configure_mesh()
        .x_labels(11)
        .y_labels(0)
        .disable_y_mesh()
        .x_desc("s of nominal time")
        .x_label_formatter(&|time| format!("{:.3}", time + start))
        .max_light_lines(0)
        .bold_line_style(RGBColor(0xe8, 0xe8, 0xe8))
        .draw()?;
    for (time, _) in &picture.events {
        let line = [(*time, 0.0), (*time, rows)];
        chart.draw_series(LineSeries::new(line, BLACK.mix(0.4).stroke_width(1)))?;
    }
    for (row, ((name, pieces), colour)) in picture.signals.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let base = rows - 1.0 - row as f64 + 0.15;
        for piece in pieces {
            let points =
                steps(piece, picture.end).into_iter().map(|(time, level)| (time, base + 0.65 * level));
            chart.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
        }
        let style = ("sans-serif", 13).into_font().color(colour);
        chart.draw_series([Text::new(name.clone(), (picture.end * 0.005, base + 0.62), style)])?;
    }
    Ok(())
}

/// Edges upright.
fn steps(points: &[(f64, f64)], end: f64) -> Points {
    let mut out = Points::new();
    for point in points {
        if let Some(last) = out.last().copied().filter(|last| last.1 != point.1) {
            out.push((point.0, last.1));
        }
        out.push(*point);
    }
    if let Some(last) = out.last().copied() {
        out.push((last.0.max(end), last.1));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TABLE: &str = "cycle,time [ns],flags,fault,inbox,ram [mm],ram.valid,lamp,load [N],load.valid\r\n\
        1,1000000,,,Startup 0 0 0,10,1,true,0.5,1\r\n\
        2,2000000,,,,10.1,1,true,0.5,1\r\n\
        3,3000000,,F302 source 0 line 12:3,ModelResult 1 0 0; Shutdown 0 0 0,10.1,0,false,0.5,1\r\n\
        4,4000000,,,,10.2,1,false,0.5,1\r\n";

    fn picture(tags: &[&str], derivative: &[&str], split_at: usize) -> Result<Picture, String> {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (tags, derivative) = (own(tags), own(derivative));
        let mut rows = Rows::of(&tags, &derivative);
        for piece in TABLE.as_bytes().chunks(split_at) {
            if rows.write_all(piece).is_err() {
                return Err(rows.mistake.unwrap_or_default());
            }
        }
        Ok(rows.into_picture("t".into()))
    }

    #[test]
    fn columns_become_curves_by_unit_whatever_the_pieces() {
        for size in [1, 7, 4096] {
            let picture = picture(&["ram", "lamp", "load"], &["ram"], size).unwrap();
            let units: Vec<&str> = picture.panels.iter().map(|panel| panel.unit.as_str()).collect();
            assert_eq!(units, ["mm", "mm/s", "N"]);
            // An invalid value parts the curve, and its changes with it.
            let ram = &picture.panels[0].curves[0].1;
            assert_eq!(ram.len(), 2);
            assert!((ram[1][0].0 - 0.003).abs() < 1e-12 && ram[1][0].1 == 10.2);
            let speed = &picture.panels[1].curves[0].1;
            assert!(speed.len() == 1 && (speed[0][0].1 - 100.0).abs() < 1e-6, "{speed:?}");
            assert_eq!(picture.panels[2].curves[0].1[0].len(), 2);
            assert_eq!(picture.signals.len(), 1);
            assert_eq!(picture.events.len(), 1);
            assert_eq!(picture.events[0].1, "F302, Shutdown");
        }
    }

    #[test]
    fn an_unknown_tag_is_named_with_those_there_are() {
        let error = picture(&["ram", "rum"], &["lump"], 100).unwrap_err();
        assert!(error.contains("rum, lump: expected of ram, lamp, load"), "{error}");
    }

    #[test]
    fn thinning_keeps_the_extremes() {
        let times: Vec<f64> = (0..100_000).map(f64::from).collect();
        let mut values = vec![0.0; 100_000];
        (values[31_415], values[92_653]) = (7.0, -3.0);
        let pieces = thin(&times, &values);
        assert!(pieces.len() == 1 && pieces[0].len() <= POINTS_MAX);
        assert!(pieces[0].contains(&(31_415.0, 7.0)) && pieces[0].contains(&(92_653.0, -3.0)));
    }

    #[test]
    fn quoted_cells_are_one() {
        assert_eq!(split("a,\"b,c\",\"d\"\"e\","), ["a", "b,c", "d\"e", ""]);
    }

    #[test]
    fn a_picture_is_drawn_and_a_bad_path_is_told() {
        let picture = picture(&["ram", "lamp"], &["ram"], 100).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.svg");
        draw(&path, &picture).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for part in ["<svg", "F302, Shutdown", "mm/s", "lamp"] {
            assert!(text.contains(part), "{part}");
        }
        assert!(draw(&directory.path().join("no/a.svg"), &picture).is_err());
        let none = picture_of_nothing();
        draw(&path, &none).unwrap();
    }

    fn picture_of_nothing() -> Picture {
        Picture {
            title: String::new(),
            start: 0.0,
            end: 1.0,
            panels: vec![],
            signals: vec![],
            events: vec![],
        }
    }
}
