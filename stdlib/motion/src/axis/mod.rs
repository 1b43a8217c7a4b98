//! An axis: set-points, supervision and the drive's power state machine, stepped once an interval in every mode.
//!
//! Pure: inputs, commands and time go in, outputs and facts come out. Nothing allocates after [`Axis::new`].
//!
//! Read first: PLCopen Motion Control part 1 for states and commands, IEC 61800-7-201 (CiA 402) for the drive. A step is
//! a list: what the drive says (`sense`), what is asked (`execute`), the next set-point (`moving`), power and brake
//! (`powering`), what the drive is told (`outputs`).

mod command;
mod error;
mod execute;
mod facts;
mod io;
mod moving;
mod outputs;
mod powering;
mod scale;
mod sense;
mod settings;
mod state;
mod words;

pub use command::{AxisCommand, Commanded, Direction};
pub use error::AxisError;
pub use facts::{AxisFacts, AxisState, Ended, Outcome};
pub use io::{AxisRequest, DriveInputs, DriveOutputs, StopRequest};
pub use settings::{
    AxisSettings, BrakeSettings, DriveMode, Homing, MotionLimits, SettingsError, StopCategory,
};

use crate::profile::{Generator, Limits};
use state::State;

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    settings: AxisSettings,
    /// Limits of motions, and of stops.
    limits: Limits,
    stop_limits: Limits,
    state: State,
}

/// Words that no axis saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateError {
    /// Index of the first word that makes no sense.
    pub word: usize,
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "saved axis: word {} has a value that no axis has", self.word)
    }
}

impl std::error::Error for StateError {}

impl Axis {
    /// How many words [`Axis::save`] fills.
    pub const WORDS: usize = State::WORDS;

    /// An axis without power.
    ///
    /// # Errors
    ///
    /// Every rule that the settings break.
    pub fn new(settings: AxisSettings) -> Result<Self, Vec<SettingsError>> {
        settings.check()?;
        let MotionLimits { velocity, acceleration, deceleration, jerk } = settings.limits;
        let jerk = jerk.unwrap_or(f64::INFINITY);
        let limits = Limits { velocity, acceleration, deceleration, jerk };
        let stop_limits = Limits {
            deceleration: settings.stop_deceleration,
            jerk: settings.stop_jerk.unwrap_or(f64::INFINITY),
            ..limits
        };
        let mut state = State::new(limits);
        if let Homing::Absolute { offset } = settings.homing {
            state.scale.refer(0, offset);
        }
        Ok(Self { settings, limits, stop_limits, state })
    }

    /// What it was made with.
    pub const fn settings(&self) -> &AxisSettings {
        &self.settings
    }

    /// What is known after the last step.
    pub const fn facts(&self) -> &AxisFacts {
        &self.state.facts
    }

    /// One interval. The set-point moves on by exactly one interval, whatever `now_ns` says: a set-point that leapt over
    /// skipped cycles would exceed the limits on the wire. `now_ns` is the cycle's nominal time and serves the times
    /// allowed to the drive, the brake and the following error; it must not go back.
    pub fn step(
        &mut self,
        inputs: &DriveInputs,
        commands: &[Commanded],
        request: AxisRequest,
        now_ns: u64,
    ) -> DriveOutputs {
        self.sense(inputs, now_ns);
        self.obey(request);
        for commanded in commands {
            self.execute(*commanded);
        }
        self.advance(inputs);
        let controlword = self.supply(inputs);
        self.conclude();
        self.tell(controlword)
    }

    /// The whole state, as words of fixed meaning: equal words, equal axis (of the same settings).
    pub fn save(&self, words: &mut [u64; Self::WORDS]) {
        self.state.write_to(words);
    }

    /// The state that [`Axis::save`] wrote, by an axis of the same settings.
    ///
    /// # Errors
    ///
    /// A word that no axis saves; the axis is unchanged then.
    pub fn load(&mut self, words: &[u64; Self::WORDS]) -> Result<(), StateError> {
        self.state = State::read_from(words).map_err(|word| StateError { word })?;
        Ok(())
    }

    const fn generator(&mut self) -> &mut Generator {
        &mut self.state.generator
    }
}

#[cfg(test)]
mod tests;
