//! What a model sees: present values, windows over time, curves over another value. Captured once a cycle.

use super::super::KeyframeError;
use crate::keyframe::{Reader, Writer};
use sensai_model::{TagStore, Value, cell::ModelInput};

/// One group of a model's input, with what was captured of it so far.
#[derive(Clone, Debug)]
pub struct Capture {
    of: ModelInput,
    /// Window: a ring. Curve: one value for each place of its grid.
    values: Box<[f64]>,
    /// Window: samples taken. Curve: places of the grid filled.
    count: u64,
    /// Window: cycles until the next sample.
    wait: u32,
    /// Curve: the sample before, (over, value).
    before: Option<(f64, f64)>,
    gate: bool,
}

impl Capture {
    /// Nothing captured.
    pub fn new(of: &ModelInput) -> Self {
        let len = match of {
            ModelInput::Slots { .. } => 0,
            ModelInput::Window { len, .. } | ModelInput::Curve { len, .. } => *len as usize,
        };
        Self {
            of: of.clone(),
            values: vec![0.0; len].into_boxed_slice(),
            count: 0,
            wait: 0,
            before: None,
            gate: false,
        }
    }

    /// Values it gives to the model.
    pub fn len(&self) -> usize {
        match &self.of {
            ModelInput::Slots { len, .. } => *len as usize,
            _ => self.values.len(),
        }
    }

    /// Take this cycle's sample.
    pub fn sample(&mut self, store: &TagStore) {
        let gate = match &self.of {
            ModelInput::Slots { .. } => return,
            ModelInput::Window { gate, .. } | ModelInput::Curve { gate, .. } => *gate,
        };
        let open = gate.is_none_or(|slot| store.committed(slot) == Value::Bool(true));
        if open && !self.gate && gate.is_some() {
            (self.count, self.wait, self.before) = (0, 0, None);
        }
        self.gate = open;
        if !open {
            return;
        }
        match self.of {
            ModelInput::Window { slot, every, .. } => self.sample_window(number(store, slot), every),
            ModelInput::Curve { slot, over, from, to, .. } => {
                self.sample_curve((number(store, over), number(store, slot)), from, to);
            }
            ModelInput::Slots { .. } => {}
        }
    }

    fn sample_window(&mut self, value: f64, every: u32) {
        if self.wait > 0 {
            self.wait -= 1;
            return;
        }
        self.wait = every.saturating_sub(1);
        let len = self.values.len() as u64;
        if let Some(place) = self.values.get_mut((self.count % len.max(1)) as usize) {
            *place = value;
            self.count += 1;
        }
    }

    /// Fill all places of the grid that lie between the sample before and this one.
    fn sample_curve(&mut self, now: (f64, f64), from: f64, to: f64) {
        let before = self.before.replace(now).unwrap_or(now);
        let last = (self.values.len() as f64 - 1.0).max(1.0);
        let sign = if to >= from { 1.0 } else { -1.0 };
        while let Some(place) = self.values.get_mut(self.count as usize) {
            let at = from + (to - from) * self.count as f64 / last;
            if (now.0 - at) * sign < 0.0 {
                break;
            }
            let span = now.0 - before.0;
            let share = if span == 0.0 { 1.0 } else { ((at - before.0) / span).clamp(0.0, 1.0) };
            *place = before.1 + (now.1 - before.1) * share;
            self.count += 1;
        }
    }

    /// The values now, oldest or first first.
    pub fn read(&self, store: &TagStore, mut put: impl FnMut(f64)) {
        match self.of {
            ModelInput::Slots { slot, len, .. } => {
                (slot..slot + len).for_each(|slot| put(number(store, slot)))
            }
            ModelInput::Window { .. } => {
                let (len, count) = (self.values.len() as u64, self.count);
                for place in 0..len {
                    // Not full yet: the first value stands for those before it.
                    let sample = (count + place).saturating_sub(len).min(count.saturating_sub(1));
                    put(self.values.get((sample % len) as usize).copied().unwrap_or(0.0));
                }
            }
            ModelInput::Curve { .. } => {
                let filled = &self.values[..(self.count as usize).min(self.values.len())];
                let rest = filled.last().copied().unwrap_or(0.0);
                (0..self.values.len()).for_each(|place| put(filled.get(place).copied().unwrap_or(rest)));
            }
        }
    }

    /// Into a keyframe.
    pub fn save(&self, out: &mut Writer<'_>) {
        let (over, value) = self.before.unwrap_or((0.0, 0.0));
        out.u64(self.count);
        out.u64(self.wait.into());
        out.u64(u64::from(self.before.is_some()) | u64::from(self.gate) << 1);
        out.u64(over.to_bits());
        out.u64(value.to_bits());
        self.values.iter().for_each(|value| out.u64(value.to_bits()));
    }

    /// Out of a keyframe.
    ///
    /// # Errors
    /// If it is too short.
    pub fn load(&mut self, from: &mut Reader<'_>) -> Result<(), KeyframeError> {
        self.count = from.u64()?;
        self.wait = from.u64()? as u32;
        let marks = from.u64()?;
        let before = (f64::from_bits(from.u64()?), f64::from_bits(from.u64()?));
        self.before = (marks & 1 != 0).then_some(before);
        self.gate = marks & 2 != 0;
        for value in &mut self.values {
            *value = f64::from_bits(from.u64()?);
        }
        Ok(())
    }
}

fn number(store: &TagStore, slot: u32) -> f64 {
    match store.committed(slot) {
        Value::F64(value) => value,
        Value::I64(value) => value as f64,
        Value::Bool(value) => f64::from(u8::from(value)),
    }
}
