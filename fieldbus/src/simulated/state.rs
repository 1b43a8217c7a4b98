//! The AL state machine of one device, ETG.1000.6 section 6.4 and ETG.1020 section 4.

use super::{
    device::SimulatedDevice,
    process_data::Region,
    registers::{AL_STATUS, AL_STATUS_CODE, DIGITAL_IO, EVENT_REQUEST},
};

/// An EtherCAT state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum AlState {
    /// No mailbox, no process data.
    Init = 1,
    /// Mailbox.
    PreOp = 2,
    /// Firmware update; no simulated device has it.
    Bootstrap = 3,
    /// Mailbox and inputs; outputs stay at their defaults.
    SafeOp = 4,
    /// Everything.
    Op = 8,
}

impl AlState {
    /// The state of this number.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            1 => Self::Init,
            2 => Self::PreOp,
            3 => Self::Bootstrap,
            4 => Self::SafeOp,
            8 => Self::Op,
            _ => return None,
        })
    }
}

/// AL status codes, ETG.1000.6 table 11.
pub mod code {
    /// No error.
    pub const NONE: u16 = 0;
    /// The state machine has no such transition.
    pub const INVALID_CHANGE: u16 = 0x0011;
    /// No such state.
    pub const UNKNOWN_STATE: u16 = 0x0012;
    /// This device has no BOOTSTRAP.
    pub const BOOTSTRAP_NOT_SUPPORTED: u16 = 0x0013;
    /// Mailbox SyncManagers are not as the device needs them for PRE-OP.
    pub const INVALID_MAILBOX: u16 = 0x0016;
    /// SyncManagers overlap or leave the memory.
    pub const INVALID_SYNC_MANAGER: u16 = 0x0017;
    /// No outputs came after the request for OP.
    pub const NO_VALID_OUTPUTS: u16 = 0x0019;
    /// The SyncManager watchdog has expired.
    pub const WATCHDOG: u16 = 0x001B;
    /// Output SyncManager: length, direction, mode or address is wrong.
    pub const INVALID_OUTPUTS: u16 = 0x001D;
    /// Input SyncManager: length, direction, mode or address is wrong.
    pub const INVALID_INPUTS: u16 = 0x001E;
}

/// How long a device waits for outputs after a request for OP.
pub const OUTPUTS_WITHIN_NS: u64 = 200_000_000;

/// A transition under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    None,
    /// The device takes its time; it looks at the request when that is over.
    Busy {
        until_ns: u64,
        target: AlState,
    },
    /// SAFE-OP to OP: outputs must arrive first.
    AwaitOutputs {
        until_ns: u64,
    },
}

/// State, error indication, and what faults make of them.
#[derive(Clone, Debug)]
pub struct StateMachine {
    /// Current state.
    pub state: AlState,
    /// Error indication: the device left a state by itself or refused one.
    pub error: bool,
    /// Why.
    pub code: u16,
    pending: Pending,
    /// Outputs have arrived since SAFE-OP was entered.
    pub outputs_seen: bool,
    /// How long each transition upwards takes.
    pub transition_ns: u64,
    /// Requests are ignored.
    pub stuck: bool,
    /// Refuse this state with this AL status code.
    pub refused: Option<(AlState, u16)>,
}

impl Default for StateMachine {
    fn default() -> Self {
        Self {
            state: AlState::Init,
            error: false,
            code: code::NONE,
            pending: Pending::None,
            outputs_seen: false,
            transition_ns: 0,
            stuck: false,
            refused: None,
        }
    }
}

impl StateMachine {
    /// Power-on: INIT. Faults stay.
    pub fn restart(&mut self) {
        *self = Self {
            transition_ns: self.transition_ns,
            stuck: self.stuck,
            refused: self.refused,
            ..Self::default()
        };
    }
}

const ACKNOWLEDGE: u8 = 0x10;

impl SimulatedDevice {
    /// EtherCAT wrote the AL control register.
    pub(super) fn request_state(&mut self, control: u8, now_ns: u64) {
        if self.al.stuck {
            return;
        }
        if control & ACKNOWLEDGE != 0 && self.al.error {
            self.al.error = false;
            self.al.code = code::NONE;
            self.publish_state();
        }
        let Some(target) = AlState::from_bits(control & 0x0f) else {
            return self.refuse(code::UNKNOWN_STATE);
        };
        if self.al.error && target > self.al.state {
            return; // An error must be acknowledged before the device goes up again.
        }
        let upwards = target > self.al.state;
        if upwards && self.al.transition_ns > 0 {
            let until_ns = now_ns.saturating_add(self.al.transition_ns);
            self.al.pending = Pending::Busy { until_ns, target };
        } else {
            self.go_to(target, now_ns);
        }
    }

    /// What time alone brings about in the state machine.
    pub(super) fn tick_state(&mut self, now_ns: u64) {
        match self.al.pending {
            Pending::Busy { until_ns, target } if now_ns >= until_ns => {
                self.al.pending = Pending::None;
                self.go_to(target, now_ns);
            }
            Pending::AwaitOutputs { until_ns } if now_ns >= until_ns => self.refuse(code::NO_VALID_OUTPUTS),
            _ => {}
        }
    }

    /// Outputs have arrived complete.
    pub(super) fn outputs_arrived(&mut self) {
        self.al.outputs_seen = true;
        self.arrivals += 1;
        self.arrival_ns = self.passage.forward_ns;
        if matches!(self.al.pending, Pending::AwaitOutputs { .. }) {
            self.enter(AlState::Op);
        }
    }

    /// The SyncManager configuration was written while the state depends on it.
    pub(super) fn recheck_sync_managers(&mut self) {
        if self.al.state >= AlState::SafeOp
            && let Err(code) = self.check_process_data()
        {
            self.fall_to(AlState::PreOp, code);
        }
        if self.al.state >= AlState::PreOp
            && let Err(code) = self.check_mailbox()
        {
            self.fall_to(AlState::Init, code);
        }
    }

    /// The device goes down by itself.
    pub(super) fn fall_to(&mut self, state: AlState, code: u16) {
        self.enter(state);
        self.al.error = true;
        self.al.code = code;
        self.publish_state();
    }

    fn go_to(&mut self, target: AlState, now_ns: u64) {
        if let Some((state, code)) = self.al.refused
            && state == target
        {
            return self.refuse(code);
        }
        if let Err(code) = self.transition(target) {
            return self.refuse(code);
        }
        let entering_op = target == AlState::Op && self.al.state == AlState::SafeOp;
        if entering_op && self.process.has_outputs() && !self.al.outputs_seen {
            let until_ns = now_ns.saturating_add(OUTPUTS_WITHIN_NS);
            self.al.pending = Pending::AwaitOutputs { until_ns };
        } else {
            self.enter(target);
        }
    }

    /// Whether the state machine has this transition, and the configuration allows it.
    fn transition(&self, target: AlState) -> Result<(), u16> {
        use AlState::{Bootstrap, Init, Op, PreOp, SafeOp};
        match (self.al.state, target) {
            (_, Bootstrap) => Err(code::BOOTSTRAP_NOT_SUPPORTED),
            (Init, SafeOp | Op) | (PreOp, Op) => Err(code::INVALID_CHANGE),
            (_, Init) => Ok(()),
            (Init, PreOp) => self.check_mailbox(),
            (_, PreOp) => Ok(()),
            (PreOp, SafeOp) => self.check_process_data(),
            (_, SafeOp | Op) => Ok(()),
        }
    }

    fn refuse(&mut self, code: u16) {
        self.al.pending = Pending::None;
        self.al.error = true;
        self.al.code = code;
        self.publish_state();
    }

    fn enter(&mut self, state: AlState) {
        let before = self.al.state;
        self.al.pending = Pending::None;
        self.al.state = state;
        if state != AlState::Op {
            self.al.outputs_seen = false; // Outputs of an earlier OP are no reason to enter the next one.
        }
        if state == AlState::Init || before == AlState::Init {
            self.reset_mailbox();
        }
        self.lock_process_data(state < AlState::SafeOp);
        self.publish_state();
        self.drive_outputs();
    }

    fn publish_state(&mut self) {
        let status = self.al.state as u8 | if self.al.error { ACKNOWLEDGE } else { 0 };
        if status == self.memory[AL_STATUS] && self.al.code == self.word(AL_STATUS_CODE) {
            return;
        }
        self.memory[AL_STATUS] = status;
        self.memory[AL_STATUS_CODE..AL_STATUS_CODE + 2].copy_from_slice(&self.al.code.to_le_bytes());
        self.memory[EVENT_REQUEST] |= 0x08;
        self.changes.state = true;
    }

    /// The mailbox SyncManagers are as the SII wants them.
    fn check_mailbox(&self) -> Result<(), u16> {
        let Some(mailbox) = self.description.mailbox else { return Ok(()) };
        let [receive, send] = self.mailbox_numbers.map(|n| self.sync_manager(n));
        let fits = |is: super::memory::SyncManager, (start, length): (u16, u16), writes: bool| {
            is.is_enabled()
                && is.is_mailbox()
                && is.is_write() == writes
                && is.start == usize::from(start)
                && (24..=usize::from(length)).contains(&is.length)
        };
        if fits(receive, mailbox.receive, true) && fits(send, mailbox.send, false) {
            Ok(())
        } else {
            Err(code::INVALID_MAILBOX)
        }
    }

    /// The process-data SyncManagers fit the assigned PDOs.
    fn check_process_data(&self) -> Result<(), u16> {
        for &region in self.process.regions() {
            self.check_region(region)?;
        }
        let mut used = [(0_usize, 0_usize); super::process_data::SYNC_MANAGERS_MAX];
        for (n, place) in used.iter_mut().enumerate() {
            let channel = self.sync_manager(n);
            if channel.is_enabled() {
                *place = (channel.start, channel.start + channel.length);
            }
        }
        let overlap = used.iter().enumerate().any(|(i, a)| used[..i].iter().any(|b| a.0 < b.1 && b.0 < a.1));
        if overlap { Err(code::INVALID_SYNC_MANAGER) } else { Ok(()) }
    }

    fn check_region(&self, region: Region) -> Result<(), u16> {
        let described = self.description.sync_managers.get(region.sync_manager);
        if described.is_some_and(|described| usize::from(described.start) < DIGITAL_IO) {
            return Ok(()); // Process data that lies in registers, such as the time of the last pulse.
        }
        let channel = self.sync_manager(region.sync_manager);
        let wrong = if region.is_output { code::INVALID_OUTPUTS } else { code::INVALID_INPUTS };
        let length_fits = region.length.is_none_or(|length| channel.length == usize::from(length));
        if region.length == Some(0) && (!channel.is_enabled() || channel.length == 0) {
            return Ok(());
        }
        if region.length.is_none() && !channel.is_enabled() {
            return Ok(());
        }
        if !channel.is_enabled() || !length_fits || channel.is_write() != region.is_output {
            return Err(wrong);
        }
        if channel.is_mailbox() != self.is_single_buffer(region.sync_manager) {
            return Err(wrong);
        }
        if channel.start < DIGITAL_IO || channel.start + channel.length > self.memory.len() {
            return Err(code::INVALID_SYNC_MANAGER);
        }
        Ok(())
    }
}
