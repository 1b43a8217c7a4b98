//! What a program reaches beside tags: axes it commands, requests it makes, the PackML unit it belongs to.
//!
//! Like writes to tags, commands and requests are staged: they leave with the task's commit, and a fault takes them
//! back. All is sized once; nothing here allocates in a cycle.

use sensai_model::packml::{Mode, State};
use sensai_motion::{AxisCommand, AxisFacts, Commanded};

/// Axis commands a task may give in one run.
pub const COMMANDS_MAX: usize = 64;
/// Requests a task may make in one run.
pub const REQUESTS_MAX: usize = 64;

/// Something a program asks of the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The acting state of the program's unit is done: `state_complete()`.
    StateComplete,
    /// PackML commands of a program to its own unit: `hold()`, `suspend()`, `unsuspend()`, `stop()`, `abort()`, `complete()`.
    Command(sensai_model::packml::Command),
    /// `jidoka("name")`: index into the cell's jidoka rules.
    Jidoka(u16),
    /// `alarm("name")` in every cycle in which the condition is there: index into the cell's alarms.
    Alarm(u16),
    /// `ai.<model>.request()`: index into the cell's models.
    Model(u16),
}

/// A request and the program that made it (global index).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requested {
    /// Who.
    pub program: u16,
    /// What.
    pub request: Request,
}

/// An axis command and the axis it is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Directed {
    /// Index of the axis.
    pub axis: u16,
    /// What it is to do.
    pub commanded: Commanded,
}

/// Mode and state of the unit a program belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitFacts {
    /// `sys.mode`.
    pub mode: Mode,
    /// `sys.state`.
    pub state: State,
}

impl UnitFacts {
    /// What a program without a unit sees.
    pub const NONE: Self = Self { mode: Mode::Production, state: State::Execute };
}

/// More commands or requests in one run than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The ports of one task.
#[derive(Clone, Debug)]
pub struct Ports {
    /// What the axes showed after their last step; by the cell's order.
    pub axes: Box<[AxisFacts]>,
    /// The unit of each program, by global index.
    pub units: Box<[UnitFacts]>,
    /// Sequence number of each model's last result that each program has seen: `program × models + model`.
    pub seen: Box<[i64]>,
    models: usize,
    commands: Vec<Directed>,
    requests: Vec<Requested>,
    first_id: u64,
}

/// Ids of axis commands that one cycle has for itself; the upper ones are the runtime's own.
pub const IDS_PER_CYCLE: u64 = 256;

impl Ports {
    /// For a task of a cell with this many axes, programs and models.
    pub fn new(axes: usize, programs: usize, models: usize) -> Self {
        Self {
            axes: vec![AxisFacts::default(); axes].into_boxed_slice(),
            units: vec![UnitFacts::NONE; programs].into_boxed_slice(),
            seen: vec![0; programs * models].into_boxed_slice(),
            models,
            commands: Vec::with_capacity(COMMANDS_MAX),
            requests: Vec::with_capacity(REQUESTS_MAX),
            first_id: 1,
        }
    }

    /// For programs that reach nothing but tags.
    pub fn none() -> Self {
        Self::new(0, 0, 0)
    }

    /// Begin a run whose commands reach the axes in cycle `delivery`: nothing staged. Ids grow with that cycle, as an axis
    /// wants them; all programs that command one axis are of one task.
    pub fn begin(&mut self, delivery: u64) {
        self.roll_back();
        self.first_id = delivery.saturating_mul(IDS_PER_CYCLE).saturating_add(1);
    }

    /// True for a number that a command of this run has or could have.
    pub fn is_of_this_run(&self, id: u64) -> bool {
        id >= self.first_id
    }

    /// Stage a command; its id is how its fate is asked for.
    ///
    /// # Errors
    /// [`Full`] after [`COMMANDS_MAX`] in one run.
    pub fn command(&mut self, axis: u16, command: AxisCommand) -> Result<u64, Full> {
        if self.commands.len() >= COMMANDS_MAX {
            return Err(Full);
        }
        let id = self.first_id.saturating_add(self.commands.len() as u64);
        self.commands.push(Directed { axis, commanded: Commanded { id, command } });
        Ok(id)
    }

    /// Stage a request.
    ///
    /// # Errors
    /// [`Full`] after [`REQUESTS_MAX`] in one run.
    pub fn request(&mut self, program: u16, request: Request) -> Result<(), Full> {
        if self.requests.len() >= REQUESTS_MAX {
            return Err(Full);
        }
        self.requests.push(Requested { program, request });
        Ok(())
    }

    /// Models that [`Ports::fresh`] knows.
    pub fn models(&self) -> usize {
        self.models
    }

    /// Mode and state of a program's unit.
    pub fn unit(&self, program: u16) -> UnitFacts {
        self.units.get(usize::from(program)).copied().unwrap_or(UnitFacts::NONE)
    }

    /// True if `sequence` is another result of a model than the program saw in its last successful run.
    pub fn fresh(&self, program: u16, model: u16, sequence: i64) -> bool {
        let place = usize::from(program) * self.models + usize::from(model);
        self.seen.get(place).is_some_and(|seen| *seen != sequence)
    }

    /// Note what each program has now seen; `sequence` gives a model's present number. For a run that succeeded.
    pub fn see(&mut self, sequence: impl Fn(usize) -> i64) {
        for (place, seen) in self.seen.iter_mut().enumerate() {
            *seen = sequence(place % self.models.max(1));
        }
    }

    /// The run failed: nothing was commanded or asked for.
    pub fn roll_back(&mut self) {
        self.commands.clear();
        self.requests.clear();
    }

    /// Commands staged in this run.
    pub fn commands(&self) -> &[Directed] {
        &self.commands
    }

    /// Requests staged in this run.
    pub fn requests(&self) -> &[Requested] {
        &self.requests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_takes_commands_and_their_ids_back() {
        let mut ports = Ports::new(1, 1, 0);
        ports.begin(7);
        let first = ports.command(0, AxisCommand::Halt).unwrap();
        ports.roll_back();
        assert!(ports.commands().is_empty());
        assert_eq!(ports.command(0, AxisCommand::Halt), Ok(first));
        let second = ports.command(0, AxisCommand::Halt).unwrap();
        ports.begin(8);
        assert!(first < second && second < ports.command(0, AxisCommand::Halt).unwrap());
    }

    #[test]
    fn more_than_there_is_room_for_is_refused() {
        let mut ports = Ports::none();
        ports.begin(1);
        for _ in 0..REQUESTS_MAX {
            ports.request(0, Request::StateComplete).unwrap();
        }
        assert_eq!(ports.request(0, Request::StateComplete), Err(Full));
        for _ in 0..COMMANDS_MAX {
            ports.command(0, AxisCommand::Halt).unwrap();
        }
        assert_eq!(ports.command(0, AxisCommand::Halt), Err(Full));
    }

    #[test]
    fn a_result_is_fresh_once_for_each_program() {
        let mut ports = Ports::new(0, 2, 2);
        assert!(ports.fresh(0, 1, 7) && ports.fresh(1, 1, 7) && !ports.fresh(1, 0, 0));
        ports.see(|model| if model == 1 { 7 } else { 0 });
        assert!(!ports.fresh(0, 1, 7) && !ports.fresh(1, 1, 7) && ports.fresh(1, 1, 8));
        assert!(!ports.fresh(9, 9, 1), "an unknown program or model has nothing fresh");
    }
}
