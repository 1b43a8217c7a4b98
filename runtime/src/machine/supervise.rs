//! What of itself takes a machine out of Run: the bus, devices, axes, alarms.

use super::{Machine, Mode};
use sensai_fieldbus::Exchange;
use sensai_model::{Fault, FaultCode, TagKind};

impl Machine {
    pub(super) fn supervise(&mut self, exchange: &Exchange) {
        let limit = self.cell.bus.lost_frames_max;
        self.lost_in_row = if exchange.lost { self.lost_in_row.saturating_add(1) } else { 0 };
        if self.lost_in_row >= limit {
            self.raise(Fault::new(FaultCode::LostFrames));
        }
        for unit in 0..self.cell.sync_units.len() {
            let valid = exchange.valid >> unit & 1 == 1;
            let count = if valid { 0 } else { self.invalid_in_row[unit].saturating_add(1) };
            self.invalid_in_row[unit] = count;
            // Without outputs a unit's loss shows in its tags' quality, and the programs decide.
            if count >= limit && !exchange.lost && self.drives_outputs(unit) {
                self.raise(Fault { source: unit as u16, ..Fault::new(FaultCode::DeviceState) });
            }
        }
    }

    fn drives_outputs(&self, unit: usize) -> bool {
        let devices = &self.cell.sync_units[unit].devices;
        devices.iter().any(|device| !self.cell.devices[usize::from(*device)].outputs.is_empty())
    }

    /// The index of the first tag that is invalid although it must not be.
    pub(super) fn load_inputs(&mut self, valid: u32) -> Option<u16> {
        let mut invalid = None;
        for (index, tag) in self.cell.tags.iter().enumerate().filter(|(_, tag)| tag.kind == TagKind::Input) {
            if !self.store.load_input(tag, &self.inputs, valid) && invalid.is_none() {
                invalid = Some(index as u16);
            }
        }
        invalid
    }

    /// Behind the axes' step: one that is in error faults the machine, in Stop as in Run. While a reset is tried, which
    /// takes a drive some cycles, it does not; if the reset fails, it does again. A shutdown goes on in any case.
    pub(super) fn supervise_axes(&mut self) {
        if self.mode == Mode::Fault || self.shutdown.has_begun() {
            return;
        }
        let in_error = self.axes.facts().position(|facts| facts.error.is_some() && facts.resetting == 0);
        if let Some(axis) = in_error {
            self.raise(Fault { source: axis as u16, ..Fault::new(FaultCode::Axis) });
        }
    }

    pub(super) fn raise(&mut self, fault: Fault) {
        if self.mode != Mode::Fault {
            self.mode = Mode::Fault;
            self.fault = Some(fault);
            self.units.runtime_left_run(true);
            self.tasks.give_up();
        }
    }
}
