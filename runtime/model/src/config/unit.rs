//! `[units]`: the parts of the machine with a mode and a state of their own.

use super::{
    fields::{Fields, Item},
    finding::Rule,
    names, schema,
    sink::Sink,
    table::Table,
    task::{NamedProgram, Tasks},
};
use crate::{
    cell::{Axis, Unit},
    packml::{Mode, State},
};
use std::ops::Range;

/// Stands for all units.
const ALL_UNITS: u16 = u16::MAX;
/// Units of a cell.
const UNITS_MAX: usize = 16;

/// Acting states that end by themselves unless the file says that a program ends them. Execute is acting too, but lasts
/// until a program or a command ends it.
const ACTING: &[State] = &[
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

/// What belongs to which unit: its index and where that is said.
type Taken = Vec<(u16, String, Range<usize>)>;

/// Read `[units]`.
pub(crate) fn read(sink: &mut Sink<'_>, root: &Fields<'_>, tasks: &Tasks, axes: &Table<Axis>) -> Table<Unit> {
    let mut units = Table::new("unit", Rule::UnknownUnit);
    let Some(table) = root.get("units") else { return units };
    let items = table.items(sink);
    if items.len() > UNITS_MAX {
        let message = format!("the cell has {} units, at most {UNITS_MAX} are possible", items.len());
        sink.push(Rule::TooMany, &table.key_span, "units", message).help("divide the machine into two cells");
    }
    let alone = items.len() == 1;
    let (mut programs, mut jogged) = (Taken::new(), Taken::new());
    for (name, item) in items {
        let good_name = names::check(sink, name, &item.key_span, &item.key);
        let mut reader = Reader { sink, tasks, axes, alone, programs: &mut programs, jogged: &mut jogged };
        let unit = reader.read(name, &item);
        units.push(name, unit.filter(|_| good_name));
    }
    units
}

/// The unit that `named` names, all of them if it names none. `because` is what makes a unit react.
pub(crate) fn that_reacts(
    sink: &mut Sink<'_>,
    units: &Table<Unit>,
    named: Option<&Item<'_>>,
    because: &Item<'_>,
) -> Option<u16> {
    if let Some(named) = named {
        return units.refer(sink, named);
    }
    if units.named_len() == 0 {
        sink.push(
            Rule::UnknownUnit,
            &because.key_span,
            &because.key,
            "the cell has no unit that could react",
        )
        .help("write [units.main]: a part of the machine with a mode and a state");
        return None;
    }
    Some(ALL_UNITS)
}

struct Reader<'a, 's, 't> {
    sink: &'a mut Sink<'s>,
    tasks: &'a Tasks,
    axes: &'a Table<Axis>,
    /// It is the only unit, and has everything that it does not leave out.
    alone: bool,
    programs: &'t mut Taken,
    jogged: &'t mut Taken,
}

impl Reader<'_, '_, '_> {
    fn read(&mut self, name: &str, item: &Item<'_>) -> Option<Unit> {
        let fields = Fields::open(self.sink, item, schema::UNIT)?;
        let modes = self.read_modes(&fields);
        let programs = self.read_programs(&fields, name);
        let immediate = self.read_acting(&fields);
        let jog = self.read_jog(&fields, name, &modes);
        Some(Unit { name: name.to_owned(), modes, programs, immediate, jog })
    }

    fn read_modes(&mut self, fields: &Fields<'_>) -> Vec<Mode> {
        let all = vec![Mode::Production, Mode::Maintenance, Mode::Manual];
        let Some(item) = fields.get("modes") else { return all };
        let choices: Vec<(&str, Mode)> = Mode::ALL.iter().map(|mode| (mode.name(), *mode)).collect();
        let Some(items) = item.elements(self.sink, "modes") else { return all };
        if items.is_empty() {
            item.find(self.sink, Rule::OutOfRange, "a unit has at least one mode")
                .help("write the mode after a start first: [\"production\", \"manual\"]");
        }
        let mut modes = Vec::new();
        for item in items {
            let Some(mode) = item.choice(self.sink, &choices) else { continue };
            if modes.contains(&mode) {
                item.find(self.sink, Rule::NameTaken, format!("`{}` is given twice", mode.name()))
                    .help("remove one of the two");
                continue;
            }
            modes.push(mode);
        }
        modes
    }

    fn read_programs(&mut self, fields: &Fields<'_>, unit: &str) -> Vec<u16> {
        let help = "with several units each names its own: programs = [\"press\"], or [] if it has none";
        let item = match fields.get("programs") {
            Some(item) => item,
            None if self.alone => {
                return (0..self.tasks.programs_len())
                    .filter_map(|index| u16::try_from(index).ok())
                    .collect();
            }
            None => {
                fields.required(self.sink, "programs", help);
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for item in item.elements(self.sink, "texts").unwrap_or_default() {
            let Some(name) = item.text(self.sink) else { continue };
            match self.tasks.program(name) {
                NamedProgram::Broken => {}
                NamedProgram::Unknown => {
                    let stem = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".rhai");
                    let help = match self.tasks.program(stem) {
                        NamedProgram::Index(_) => {
                            Some(format!("a program's name is its file's: write \"{stem}\""))
                        }
                        _ => names::hint(name, &self.tasks.program_names()),
                    };
                    item.find(self.sink, Rule::UnknownProgram, format!("no task runs a program `{name}`"))
                        .help("name a program that one of the tasks runs")
                        .maybe_help(help);
                }
                NamedProgram::Index(index) => {
                    if take(self.sink, self.programs, &item, index, unit, "program") {
                        found.push(index);
                    }
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// The states that a program ends; all other acting ones end by themselves.
    fn read_acting(&mut self, fields: &Fields<'_>) -> u32 {
        let choices: Vec<(&str, State)> =
            ACTING.iter().chain(&[State::Execute]).map(|state| (state.name(), *state)).collect();
        let mut immediate = ACTING.iter().fold(0_u32, |bits, state| bits | 1 << *state as u8);
        let items = fields.get("acting").and_then(|item| item.elements(self.sink, "states"));
        for item in items.unwrap_or_default() {
            if let Some(state) = item.choice(self.sink, &choices) {
                immediate &= !(1 << state as u8);
            }
        }
        immediate
    }

    fn read_jog(&mut self, fields: &Fields<'_>, unit: &str, modes: &[Mode]) -> Vec<u16> {
        let manual = modes.contains(&Mode::Manual);
        let Some(list) = fields.get("jog") else {
            let all = if self.alone && manual { self.axes.list.len() } else { 0 };
            return (0..all).filter_map(|index| u16::try_from(index).ok()).collect();
        };
        if !manual && !modes.is_empty() {
            let message = "axes are jogged in manual mode, which this unit does not have";
            self.sink
                .push(Rule::Conflict, &list.key_span, &list.key, message)
                .help("add \"manual\" to `modes`, or remove `jog`");
        }
        let mut found = Vec::new();
        for item in list.elements(self.sink, "texts").unwrap_or_default() {
            let Some(index) = self.axes.refer(self.sink, &item) else { continue };
            if take(self.sink, self.jogged, &item, index, unit, "axis") {
                found.push(index);
            }
        }
        found
    }
}

/// Note that `item` is of `unit`; false and a finding if it is of one already.
fn take(sink: &mut Sink<'_>, taken: &mut Taken, item: &Item<'_>, index: u16, unit: &str, kind: &str) -> bool {
    if let Some((_, other, span)) = taken.iter().find(|(known, ..)| *known == index) {
        let place = sink.place(span, "the other one");
        let name = item.text(sink).unwrap_or_default();
        let message = match other == unit {
            true => format!("{kind} `{name}` is named twice"),
            false => format!("{kind} `{name}` belongs to unit `{other}` already"),
        };
        item.find(sink, Rule::OneUnit, message).help("remove one of the two").related(place);
        return false;
    }
    taken.push((index, unit.to_owned(), item.node.span.clone()));
    true
}
