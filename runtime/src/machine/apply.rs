//! What enters a machine through the inbox and the operator's tags: commands, and verdicts about time.

use super::{Machine, Mode, UNCLEAN, job, units::UnitState};
use sensai_model::{
    Fault, FaultCode, Value,
    cell::{OnOverrun, Unit},
    packml,
    record::{InboxEntry, InboxKind},
};

impl Machine {
    /// Apply one inbox entry; false if it was ignored. Commands that do not fit the mode are: the record shows both.
    pub fn apply(&mut self, entry: &InboxEntry) -> bool {
        match entry.kind {
            InboxKind::Startup if entry.argument[0] == UNCLEAN => {
                self.raise(Fault::new(FaultCode::UncleanRestart));
                true
            }
            InboxKind::Start => self.start(),
            InboxKind::Stop => self.stop(),
            InboxKind::Reset => self.reset(entry.argument[0]),
            InboxKind::Parameter => self.set_parameter(entry),
            InboxKind::Overrun
                if self.cell.task.on_overrun == OnOverrun::Stop
                    && self.mode == Mode::Run
                    && self.reloads.undone() & 1 == 0 =>
            {
                self.raise(Fault::new(FaultCode::Overrun));
                true
            }
            InboxKind::TaskOverrun => {
                let undone = self.reloads.undone();
                let stopping = self.tasks.overrun(entry.argument[0].cast_unsigned(), undone);
                if let Some(source) = stopping.filter(|_| self.mode == Mode::Run) {
                    self.raise(Fault { source, ..Fault::new(FaultCode::Overrun) });
                }
                true
            }
            InboxKind::UnitCommand => {
                let number = u8::try_from(entry.argument[1]).unwrap_or(0);
                let command = packml::Command::from_number(number).filter(|_| self.mode == Mode::Run);
                command.is_some_and(|command| {
                    self.units.command(entry.argument[0], command, entry.argument[2] == 1)
                })
            }
            InboxKind::UnitMode => {
                let number = u8::try_from(entry.argument[1]).unwrap_or(0);
                let mode = packml::Mode::from_number(number);
                mode.is_some_and(|mode| self.units.set_mode(entry.argument[0], mode))
            }
            InboxKind::Jog => self.jog(entry),
            InboxKind::Override => {
                self.axes.set_override(entry.argument[0], f64::from_bits(entry.argument[1].cast_unsigned()))
            }
            InboxKind::Acknowledge => self.alarms.acknowledge(entry.argument[0]),
            InboxKind::Shelve => self.alarms.shelve(entry.argument[0], entry.argument[1]),
            InboxKind::Verdict => self.judge(entry.argument),
            InboxKind::ModelOutput => {
                self.models.output(entry.argument);
                true
            }
            InboxKind::ModelResult => {
                let [model, number, good] = entry.argument;
                self.models.result(model, number, good == 1);
                true
            }
            InboxKind::Force => self.forces.force(&self.cell.tags, &self.store, entry.argument),
            InboxKind::Unforce => self.forces.unforce(&mut self.store, entry.argument),
            InboxKind::Reload => self.accept_reload(entry),
            InboxKind::Undo => self.undo_reload(entry),
            InboxKind::Shutdown => {
                self.shutdown.begin(self.mode == Mode::Run);
                self.stop();
                true
            }
            _ => false,
        }
    }

    /// A person's verdict. A negative number is no event's.
    fn judge(&mut self, [number, good, why]: [i64; 3]) -> bool {
        let judged = u64::try_from(number)
            .is_ok_and(|number| self.jidoka.judge(number, good == 1, why.cast_unsigned()));
        let jidoka = &self.jidoka;
        self.units.wait_for_verdicts(|unit| jidoka.holds(unit));
        judged
    }

    /// In manual mode of a unit that names the axis. Nothing, or less, ends it.
    fn jog(&mut self, entry: &InboxEntry) -> bool {
        let [axis, velocity, cycles] = entry.argument;
        let Ok(axis) = usize::try_from(axis) else { return false };
        let cycles = u64::try_from(cycles).unwrap_or(0);
        self.mode == Mode::Run
            && may_jog(&self.cell.units, self.units.states(), axis)
            && self.axes.jog(axis, f64::from_bits(velocity.cast_unsigned()), cycles)
    }

    pub(super) fn operator_edges(&mut self) {
        let operator = self.cell.operator;
        let [reset, stop, start] = self.operator_levels;
        // A button that is held while frames are lost has not been pressed again when they come back.
        let level = |slot: Option<u32>, last: bool| {
            slot.is_some_and(|slot| match self.store.valid(slot) {
                true => self.store.value(slot) == Value::Bool(true),
                false => last,
            })
        };
        let levels = [level(operator.reset, reset), level(operator.stop, stop), level(operator.start, start)];
        let rising = |i: usize| levels[i] && !self.operator_levels[i];
        let (reset, stop, start) = (rising(0), rising(1), rising(2));
        self.operator_levels = levels;
        if reset {
            self.reset(0);
        }
        if stop {
            self.stop();
        }
        if start {
            self.start();
        }
    }

    fn start(&mut self) -> bool {
        let fits = self.mode == Mode::Stop && !self.shutdown.has_begun();
        if fits {
            self.mode = Mode::Run;
            self.first_run = true;
            self.tasks.start();
        }
        fits
    }

    fn stop(&mut self) -> bool {
        let fits = self.mode == Mode::Run;
        if fits {
            self.mode = Mode::Stop;
            self.units.runtime_left_run(false);
        }
        fits
    }

    /// Acknowledge the fault. The counters of the supervision stay: if its cause is still there, it rises again at once.
    ///
    /// `restart`: 0 is warm; 1 (cold) also lets go of what programs retain, 2 (origin) of the parameters too. These two
    /// are possible in Stop as well.
    fn reset(&mut self, restart: i64) -> bool {
        let deep = matches!(restart, 1 | 2);
        let fits = self.mode == Mode::Fault || deep && self.mode == Mode::Stop;
        if fits {
            self.mode = Mode::Stop;
            self.fault = None;
            self.reset_axes = true;
            // What is still under way began in the states that now go.
            self.tasks.give_up();
            if restart == 2 {
                for (value, parameter) in self.parameters.iter_mut().zip(&self.cell.parameters) {
                    *value = parameter.default;
                }
            }
            self.reloads.reset(deep);
            if deep { self.restart_cold() } else { self.restart_warm() }
        }
        fits
    }

    /// Every program back to what `init` gave.
    fn restart_cold(&mut self) {
        for program in &mut self.programs {
            job::reset(&mut **program);
        }
    }

    /// Every program back to what `init` gave, except what its record `retain` holds.
    fn restart_warm(&mut self) {
        for (program, warm) in self.programs.iter_mut().zip(&mut self.states_before) {
            let retained = program.layout().retained();
            warm.put(program.state());
            job::reset(&mut **program);
            if let Some(range) = retained {
                let initial = program.state();
                for range in [0..range.start, range.end..initial.len()] {
                    if let (Some(place), Some(bytes)) =
                        (warm.bytes_mut().get_mut(range.clone()), initial.get(range))
                    {
                        place.copy_from_slice(bytes);
                    }
                }
                // Both parts are of states that this program had.
                let restored = job::restore(&mut **program, warm);
                debug_assert!(restored.is_ok(), "{restored:?}");
            }
        }
    }

    fn set_parameter(&mut self, entry: &InboxEntry) -> bool {
        let Ok(index) = usize::try_from(entry.argument[0]) else { return false };
        let Some(parameter) = self.cell.parameters.get(index) else { return false };
        let value = Value::from_bits(parameter.scalar, entry.argument[1].cast_unsigned());
        let fits = parameter.admits(value);
        if fits {
            self.parameters[index] = value;
        }
        fits
    }
}

/// A unit in manual mode names the axis.
pub(super) fn may_jog(units: &[Unit], states: &[UnitState], axis: usize) -> bool {
    let names = |unit: &Unit| unit.jog.iter().any(|jog| usize::from(*jog) == axis);
    units.iter().zip(states).any(|(unit, state)| state.mode == packml::Mode::Manual && names(unit))
}
