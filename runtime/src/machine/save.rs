//! A machine's state as bytes: what is hashed into every record, and what a replay can begin with.

use super::{Machine, Mode};
use crate::keyframe::{Reader, Writer};
use sensai_model::{Fault, FaultCode, TagKind, Value};

/// Why a keyframe does not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KeyframeError {
    /// Length differs.
    #[error("the state is {actual} bytes long, at least {expected} were expected")]
    Short {
        /// Bytes needed so far.
        expected: usize,
        /// Bytes there.
        actual: usize,
    },
    /// Something is left over.
    #[error("{0} bytes are left over behind the state")]
    Long(usize),
    /// A fault id of another version.
    #[error("fault id {0} is unknown to this version")]
    UnknownFault(u16),
    /// A program refused its part.
    #[error("{0}")]
    Program(String),
    /// A number that stands for nothing.
    #[error("{1} is no {0}")]
    Number(&'static str, u64),
    /// An axis refused its part.
    #[error("axis {axis}: word {word} of its state holds a value that no axis has")]
    Axis {
        /// Index of the axis.
        axis: usize,
        /// Index of the word.
        word: usize,
    },
}

impl Machine {
    /// Bytes of [`Machine::save`]: all of them, and how many of them, from the front, are hashed.
    pub fn state_len(&self) -> (usize, usize) {
        let mut writer = Writer::measure();
        self.write_effects(&mut writer);
        let hashed = writer.len();
        self.write_held(&mut writer);
        (writer.len(), hashed)
    }

    /// Write the whole state that later cycles depend on into `buffer`, which must be as long as
    /// [`Machine::state_len`] says. These bytes are the keyframes.
    ///
    /// The first part is hashed into every record: what the machine has made of its inputs. The rest is the inputs
    /// themselves, as they would be held: an input bit that nothing reads must not make two runs look different.
    pub fn save(&self, buffer: &mut [u8]) {
        let mut writer = Writer::into(buffer);
        self.write_effects(&mut writer);
        self.write_held(&mut writer);
    }

    /// The first part of [`Machine::save`] alone: what is hashed into every record. `buffer` is as long as that.
    pub fn save_effects(&self, buffer: &mut [u8]) {
        self.write_effects(&mut Writer::into(buffer));
    }

    /// Names and lengths of the parts of a saved state, in order.
    pub fn state_parts(&self) -> Vec<(String, usize)> {
        let (len, hashed) = self.state_len();
        let programs: usize = self.programs.iter().map(|program| program.state().len()).sum();
        let outputs = self.outputs.len();
        let mut parts = vec![("machine".into(), hashed - programs - outputs), ("outputs".into(), outputs)];
        parts.extend(
            self.programs
                .iter()
                .map(|program| (format!("program:{}", program.name()), program.state().len())),
        );
        let releases = self.cell.slow_tasks.iter().zip(self.tasks.snapshot_lens());
        let reloads: usize = self.reloads.parts().iter().map(|(_, len)| len).sum();
        let forces = self.forces.saved_len();
        let held = len - hashed - self.tasks.snapshot_lens().sum::<usize>() - reloads - forces;
        parts.push(("held inputs".into(), held));
        parts.push(("forces".into(), forces));
        parts.extend(releases.map(|(task, len)| (format!("release:{}", task.name), len)));
        parts.extend(self.reloads.parts());
        parts
    }

    fn write_effects(&self, out: &mut Writer<'_>) {
        out.bytes(&[self.mode as u8, self.shutdown.byte(), u8::from(self.first_run)]);
        out.bytes(&self.operator_levels.map(u8::from));
        let fault = self.fault.map_or([0; 5], |fault| {
            [1, u64::from(fault.code.id()), fault.source.into(), fault.line.into(), fault.column.into()]
        });
        for number in fault {
            out.u64(number);
        }
        out.u64(self.lost_in_row.into());
        for count in &self.invalid_in_row[..self.cell.sync_units.len()] {
            out.u64((*count).into());
        }
        for value in &self.parameters {
            out.u64(value.to_bits());
        }
        for slot in self.slots(false) {
            out.u64(self.store.committed(slot).to_bits());
        }
        out.bytes(&[u8::from(self.reset_axes)]);
        for seen in &self.ports.seen {
            out.u64(seen.cast_unsigned());
        }
        self.axes.save(out);
        self.units.save(out);
        self.alarms.save(out);
        self.jidoka.save(out);
        self.models.save(out);
        self.shutdown.save(out);
        self.tasks.save(out);
        out.bytes(&self.outputs);
        for program in &self.programs {
            out.bytes(program.state());
        }
    }

    fn write_held(&self, out: &mut Writer<'_>) {
        out.bytes(&self.inputs);
        for slot in self.slots(true) {
            out.u64(self.store.committed(slot).to_bits());
            out.bytes(&[u8::from(self.store.valid(slot))]);
        }
        self.forces.save(out);
        self.tasks.save_snapshots(out);
        self.reloads.save(out);
    }

    /// Slots of all input tags, or of all others.
    fn slots(&self, inputs: bool) -> impl Iterator<Item = u32> {
        let tags = self.cell.tags.iter().filter(move |tag| (tag.kind == TagKind::Input) == inputs);
        tags.flat_map(|tag| tag.slot..tag.slot + tag.len())
    }

    /// Take over a state that [`Machine::save`] wrote for the same cell.
    ///
    /// # Errors
    /// If the bytes are too few, too many, or hold a value that cannot be.
    pub fn load(&mut self, state: &[u8]) -> Result<(), KeyframeError> {
        let mut from = Reader::new(state);
        let [mode, shutdown, first_run] = from.array::<3>()?;
        self.mode = Mode::from_number(mode);
        self.shutdown.set_byte(shutdown);
        self.first_run = first_run != 0;
        self.operator_levels = from.array::<3>()?.map(|level| level != 0);
        let [present, code, source, line, column] =
            [from.u64()?, from.u64()?, from.u64()?, from.u64()?, from.u64()?];
        self.fault = match present {
            0 => None,
            _ => Some(Fault {
                code: FaultCode::from_id(code as u16).ok_or(KeyframeError::UnknownFault(code as u16))?,
                source: source as u16,
                line: line as u32,
                column: column as u16,
            }),
        };
        self.lost_in_row = from.u64()? as u32;
        for unit in 0..self.cell.sync_units.len() {
            self.invalid_in_row[unit] = from.u64()? as u32;
        }
        for (value, parameter) in self.parameters.iter_mut().zip(&self.cell.parameters) {
            *value = Value::from_bits(parameter.scalar, from.u64()?);
        }
        let (others, held): (Vec<u32>, Vec<u32>) = (self.slots(false).collect(), self.slots(true).collect());
        for slot in others {
            let value = Value::from_bits(self.store.value(slot).scalar_type(), from.u64()?);
            self.store.restore(slot, value, true);
        }
        let [reset_axes] = from.array::<1>()?;
        self.reset_axes = reset_axes != 0;
        for seen in &mut self.ports.seen {
            *seen = from.u64()?.cast_signed();
        }
        self.axes.load(&mut from)?;
        self.units.load(&mut from)?;
        self.alarms.load(&mut from)?;
        self.jidoka.load(&mut from)?;
        self.models.load(&mut from)?;
        self.shutdown.load(&mut from)?;
        self.tasks.load(&mut from, self.cell.task.interval_ns)?;
        from.fill(&mut self.outputs)?;
        for program in &mut self.programs {
            let state = from.take(program.state().len())?;
            program.restore(state).map_err(|error| KeyframeError::Program(error.text.to_string()))?;
        }
        from.fill(&mut self.inputs)?;
        for slot in held {
            let value = Value::from_bits(self.store.value(slot).scalar_type(), from.u64()?);
            let [valid] = from.array::<1>()?;
            self.store.restore(slot, value, valid != 0);
        }
        self.forces.load(&mut from, &self.cell.tags)?;
        let (tasks, around, reloads) = self.slow();
        tasks.load_snapshots(&mut from, &around, reloads)?;
        reloads.load(&mut from)?;
        from.end()
    }
}
