//! An axis: set-points, supervision and the drive's power state machine, stepped once an interval in every mode.
//!
//! Pure: inputs, commands and time go in, outputs and facts come out. Nothing allocates after [`Axis::new`].

mod command;
mod error;
mod facts;
mod io;
mod settings;

pub use command::{AxisCommand, Commanded, Direction};
pub use error::AxisError;
pub use facts::{AxisFacts, AxisState, Ended, Outcome};
pub use io::{AxisRequest, DriveInputs, DriveOutputs, StopRequest};
pub use settings::{
    AxisSettings, BrakeSettings, DriveMode, Homing, MotionLimits, SettingsError, StopCategory,
};

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    settings: AxisSettings,
    facts: AxisFacts,
}

/// Words that a saved axis does not have.
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
    pub const WORDS: usize = 160;

    /// An axis without power.
    ///
    /// # Errors
    ///
    /// Every rule that the settings break.
    pub fn new(settings: AxisSettings) -> Result<Self, Vec<SettingsError>> {
        settings.check()?;
        Ok(Self { settings, facts: AxisFacts::new() })
    }

    /// What it was made with.
    pub const fn settings(&self) -> &AxisSettings {
        &self.settings
    }

    /// What is known after the last step.
    pub const fn facts(&self) -> &AxisFacts {
        &self.facts
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
        // No power until the axis logic stands: the drive is told to stay where it is.
        let _ = (commands, request, now_ns);
        DriveOutputs {
            target_position: inputs.position as i32,
            mode: self.settings.drive_mode.mode_of_operation(),
            ..DriveOutputs::default()
        }
    }

    /// The whole state, as words of fixed meaning: equal words, equal axis (of the same settings).
    pub fn save(&self, words: &mut [u64; Self::WORDS]) {
        words.fill(0);
    }

    /// The state that [`Axis::save`] wrote.
    ///
    /// # Errors
    ///
    /// A word that no axis saves; the axis is unchanged then.
    pub fn load(&mut self, words: &[u64; Self::WORDS]) -> Result<(), StateError> {
        let _ = words;
        Ok(())
    }
}
