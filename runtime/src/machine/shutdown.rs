//! The end of a run is a bounded sequence, not one image: the axes come to rest, their brakes close and their power goes,
//! then the outputs take their fault values. Only then may the bus be taken down.

use super::KeyframeError;
use crate::keyframe::{Reader, Writer};
use sensai_model::{Cell, cell::Axis};

/// How far it is. The numbers stand in keyframes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// Nobody has asked for it.
    None = 0,
    /// No axis has power any more, outputs are at their fault values.
    Done = 1,
    /// Axes come to rest as each is configured.
    Stopping = 2,
    /// Brakes close, power goes.
    PowerOff = 3,
}

/// Time for what no figure of the cell covers: the drive's own lag, its answers.
const MARGIN_NS: u64 = 500_000_000;
/// Whatever the axes' figures say.
const LONGEST_NS: u64 = 30_000_000_000;
/// In a keyframe: programs were running when the sequence began.
const WAS_RUNNING: u8 = 4;

/// The sequence.
#[derive(Clone, Debug)]
pub(super) struct Shutdown {
    phase: Phase,
    /// Programs were running when it began: outputs stay as they were until the axes have no power.
    was_running: bool,
    /// Cycles until the phase ends whatever the axes show.
    left: u64,
    stop_cycles: u64,
    power_cycles: u64,
    has_axes: bool,
}

impl Shutdown {
    /// Not begun.
    pub(super) fn new(cell: &Cell) -> Self {
        let longest = |time: fn(&Axis) -> u64| cell.axes.iter().map(time).max().unwrap_or(0);
        let cycles = |ns: u64| {
            ns.saturating_add(MARGIN_NS).min(LONGEST_NS).div_ceil(cell.task.interval_ns.max(1)).max(1)
        };
        Self {
            phase: Phase::None,
            was_running: false,
            left: 0,
            stop_cycles: cycles(longest(stop_ns)),
            power_cycles: cycles(longest(|axis| axis.brake.map_or(0, |brake| brake.apply_ns))),
            has_axes: !cell.axes.is_empty(),
        }
    }

    /// Begin, unless it has begun.
    pub(super) fn begin(&mut self, running: bool) {
        if self.phase == Phase::None {
            self.phase = if self.has_axes { Phase::Stopping } else { Phase::Done };
            (self.was_running, self.left) = (running, self.stop_cycles);
        }
    }

    /// `cycles` intervals have passed.
    pub(super) fn step(&mut self, cycles: u64, at_rest: bool, unpowered: bool) {
        let over = self.left == 0;
        match self.phase {
            Phase::Stopping if at_rest || over => {
                (self.phase, self.left) = (Phase::PowerOff, self.power_cycles)
            }
            Phase::PowerOff if unpowered || over => self.phase = Phase::Done,
            _ => {}
        }
        self.left = self.left.saturating_sub(cycles);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.phase != Phase::None
    }

    pub(super) fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Axes may have power.
    pub(super) fn allows_power(&self) -> bool {
        matches!(self.phase, Phase::None | Phase::Stopping)
    }

    /// Outputs stay as they were committed last.
    pub(super) fn holds_outputs(&self) -> bool {
        self.was_running && matches!(self.phase, Phase::Stopping | Phase::PowerOff)
    }

    /// As one byte; without axes it says all there is.
    pub(super) fn byte(&self) -> u8 {
        self.phase as u8 | if self.holds_outputs() { WAS_RUNNING } else { 0 }
    }

    /// What [`Shutdown::byte`] gave.
    pub(super) fn set_byte(&mut self, byte: u8) {
        self.phase = match byte & 3 {
            0 => Phase::None,
            2 if self.has_axes => Phase::Stopping,
            3 if self.has_axes => Phase::PowerOff,
            _ => Phase::Done,
        };
        self.was_running = byte & WAS_RUNNING != 0;
    }

    /// Into a keyframe, beside the byte.
    pub(super) fn save(&self, out: &mut Writer<'_>) {
        if self.has_axes {
            out.u64(self.left);
        }
    }

    /// Out of a keyframe, behind the byte.
    pub(super) fn load(&mut self, from: &mut Reader<'_>) -> Result<(), KeyframeError> {
        if self.has_axes {
            self.left = from.u64()?;
        }
        Ok(())
    }
}

/// Longest time an axis needs to come to rest: out of its full acceleration, from its highest velocity.
fn stop_ns(axis: &Axis) -> u64 {
    let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
    let (acceleration, velocity) = (axis.acceleration.max(axis.deceleration), axis.velocity_max);
    let deceleration = axis.stop_deceleration;
    let seconds = match axis.stop_jerk.or(axis.jerk) {
        None => ratio(velocity, deceleration),
        Some(jerk) => {
            // While the acceleration goes back to zero, the velocity grows on.
            let grown = ratio(acceleration * acceleration, 2.0 * jerk);
            ratio(acceleration, jerk) + ratio(velocity + grown, deceleration) + ratio(deceleration, jerk)
        }
    };
    // Saturates, also for what is not finite.
    (seconds * 1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shutdown(stop_cycles: u64, power_cycles: u64, has_axes: bool) -> Shutdown {
        let (phase, was_running, left) = (Phase::None, false, 0);
        Shutdown { phase, was_running, left, stop_cycles, power_cycles, has_axes }
    }

    #[test]
    fn without_axes_it_is_done_at_once() {
        let mut it = shutdown(10, 10, false);
        assert!(!it.has_begun() && it.allows_power());
        it.begin(true);
        assert!(it.is_done() && it.byte() == 1 && !it.holds_outputs());
    }

    #[test]
    fn outputs_are_held_until_the_axes_have_no_power() {
        let mut it = shutdown(100, 100, true);
        it.begin(true);
        it.begin(false);
        for _ in 0..5 {
            it.step(1, false, false);
            assert!(it.holds_outputs() && it.allows_power() && !it.is_done());
        }
        it.step(1, true, false);
        assert!(it.holds_outputs() && !it.allows_power());
        it.step(1, true, true);
        assert!(it.is_done() && !it.holds_outputs());
    }

    #[test]
    fn it_ends_whatever_the_axes_show_and_after_a_keyframe_at_the_same_cycle() {
        let mut it = shutdown(7, 5, true);
        it.begin(false);
        let mut cycles = 0;
        while !it.is_done() {
            let mut bytes = [0; 8];
            it.save(&mut Writer::into(&mut bytes));
            let byte = it.byte();
            it = shutdown(7, 5, true);
            it.set_byte(byte);
            it.load(&mut Reader::new(&bytes)).unwrap();
            it.step(1, false, false);
            cycles += 1;
            assert!(cycles < 100 && !it.holds_outputs());
        }
        assert_eq!(cycles, 13);
    }

    #[test]
    fn any_byte_is_a_state_that_is_kept() {
        for byte in 0..=u8::MAX {
            for has_axes in [false, true] {
                let mut it = shutdown(7, 5, has_axes);
                it.set_byte(byte);
                let kept = it.byte();
                it.set_byte(kept);
                assert_eq!(it.byte(), kept);
            }
        }
    }
}
