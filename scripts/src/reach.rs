//! What of a cell a program can name beside tags and parameters.

use sensai_model::{
    Cell,
    cell::{Alarm, Axis, Jidoka, Model, Unit},
};

/// An axis that a program has a handle of, and where it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedAxis {
    /// Index of the axis in the cell.
    pub axis: u16,
    /// Line from 1.
    pub line: u32,
    /// Column from 1, counted in characters.
    pub column: u32,
}

/// Everything that programs name in calls and behind `ai.`. Indices are positions in these lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach<'a> {
    /// `Axis("name")`.
    pub axes: &'a [Axis],
    /// `ai.name`; the facts of each are tags of [`sensai_model::TagKind::Model`].
    pub models: &'a [Model],
    /// `alarm("name")`.
    pub alarms: &'a [Alarm],
    /// `jidoka("name")`.
    pub jidoka: &'a [Jidoka],
    /// The unit that the program belongs to.
    pub unit: Option<&'a Unit>,
}

impl<'a> Reach<'a> {
    /// Of the program with this global index, see [`Cell::programs`].
    pub fn of(cell: &'a Cell, program: u16) -> Self {
        Self {
            axes: &cell.axes,
            models: &cell.models,
            alarms: &cell.alarms,
            jidoka: &cell.jidoka,
            unit: cell.units.iter().find(|unit| unit.programs.contains(&program)),
        }
    }
}
