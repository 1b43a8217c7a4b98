//! The third way into a cycle, beside clock and bus: commands of people and verdicts about time.
//!
//! Whatever comes in is numbered and recorded; a replay is fed the same entries and decides nothing anew.
//!
//! Places in a record are few. Verdicts come first, then commands, then the results of models that run beside: a person
//! who stops a machine does not wait behind an autoencoder.
//!
//! What the bus supervisor sees of single devices is no entry: the machine decides by the validity of sync units alone,
//! and that stands in every record, as do the AL states of all devices together. [`InboxKind::DeviceState`] is for the day
//! on which a program may ask for one device.

use crate::{inference::Beside, pace::Wake};
use sensai_model::record::{INBOX_MAX, InboxEntry, InboxKind, InboxSource};

/// Commands waiting from outside the cycle.
pub const COMMANDS_MAX: usize = 64;

const _: () = assert!(
    INBOX_MAX > 3,
    "there is a place for an undo, an overrun, one of slow tasks and a shutdown, which comes once"
);

/// An entry that is not numbered yet.
pub const fn entry(kind: InboxKind, source: u16, argument: [i64; 3]) -> InboxEntry {
    InboxEntry { kind, source, sequence: 0, argument }
}

/// Collects at most [`INBOX_MAX`] entries a cycle; the rest waits for the next one.
pub struct Inbox {
    entries: [InboxEntry; INBOX_MAX],
    count: usize,
    sequence: u32,
    commands: Option<rtrb::Consumer<InboxEntry>>,
    /// The control socket's own way in: another thread feeds it.
    control: Option<rtrb::Consumer<InboxEntry>>,
    /// Results of models that run beside.
    results: Option<Beside>,
    shutdown: bool,
    /// Slow tasks that are not done at their release, as [`InboxKind::TaskOverrun`] has them.
    unfinished: u64,
    /// A reload is to be undone, as [`InboxKind::Undo`] has it.
    undo: Option<[i64; 3]>,
    /// A reload is to be taken, as [`InboxKind::Reload`] has it.
    reload: Option<[i64; 3]>,
}

impl Inbox {
    /// Fed by the returned producer, from any one thread.
    pub fn new() -> (rtrb::Producer<InboxEntry>, Self) {
        let (producer, consumer) = rtrb::RingBuffer::new(COMMANDS_MAX);
        (producer, Self { commands: Some(consumer), ..Self::replayed() })
    }

    /// Fed by [`Inbox::put_recorded`] only.
    pub fn replayed() -> Self {
        Self {
            entries: [entry(InboxKind::Startup, InboxSource::RUNTIME, [0; 3]); INBOX_MAX],
            count: 0,
            sequence: 0,
            commands: None,
            control: None,
            results: None,
            shutdown: false,
            unfinished: 0,
            undo: None,
            reload: None,
        }
    }

    /// A second way in, from any one thread: the control socket's. Its entries come behind all others.
    pub fn open_control(&mut self) -> rtrb::Producer<InboxEntry> {
        let (producer, consumer) = rtrb::RingBuffer::new(COMMANDS_MAX);
        self.control = Some(consumer);
        producer
    }

    /// The models that run beside; their results take the places that are left.
    pub fn open_results(&mut self, beside: Beside) {
        self.results = Some(beside);
    }

    /// The models that run beside, if there are any.
    pub fn beside(&mut self) -> Option<&mut Beside> {
        self.results.as_mut()
    }

    /// The entries of the next cycle, as they were recorded.
    pub fn put_recorded(&mut self, entries: impl Iterator<Item = InboxEntry>) {
        self.count = 0;
        for entry in entries.take(INBOX_MAX) {
            self.entries[self.count] = entry;
            self.count += 1;
        }
    }

    /// Put a shutdown into the next cycle: the run has come to its agreed end.
    pub fn request_shutdown(&mut self) {
        self.shutdown = true;
    }

    /// Slow tasks that are not done at their release in this cycle: a bit for each, by the index of the task.
    pub fn put_unfinished(&mut self, tasks: u64) {
        self.unfinished = tasks;
    }

    /// What the machine says of reloads in this cycle, see [`Machine::reload_verdicts`]. What finds no place is asked for again.
    ///
    /// [`Machine::reload_verdicts`]: crate::machine::Machine::reload_verdicts
    pub fn put_reload_verdicts(&mut self, [undo, reload]: [Option<[i64; 3]>; 2]) {
        (self.undo, self.reload) = (undo, reload);
    }

    /// The entries of this cycle. Verdicts go first: there are at most three a cycle, or four in the one in which a shutdown
    /// begins, so commands always get through.
    pub fn take(&mut self, wake: &Wake) -> &[InboxEntry] {
        if self.commands.is_none() {
            return &self.entries[..self.count];
        }
        self.count = 0;
        // Before the overrun that it may be about.
        if let Some(argument) = self.undo.take() {
            self.push(entry(InboxKind::Undo, InboxSource::RUNTIME, argument));
        }
        if wake.overrun || wake.skipped > 0 {
            let late = wake.start_error_ns.cast_signed();
            let argument = [wake.skipped.cast_signed(), late, 0];
            self.push(entry(InboxKind::Overrun, InboxSource::RUNTIME, argument));
        }
        if self.unfinished != 0 {
            let argument = [self.unfinished.cast_signed(), 0, 0];
            self.push(entry(InboxKind::TaskOverrun, InboxSource::RUNTIME, argument));
        }
        if std::mem::take(&mut self.shutdown) {
            self.push(entry(InboxKind::Shutdown, InboxSource::RUNTIME, [0; 3]));
        }
        while self.count < INBOX_MAX {
            let next = |ring: &mut Option<rtrb::Consumer<InboxEntry>>| ring.as_mut()?.pop().ok();
            let Some(entry) = next(&mut self.commands).or_else(|| next(&mut self.control)) else { break };
            self.push(entry);
        }
        if let Some(argument) = self.reload.take()
            && self.count < INBOX_MAX
        {
            self.push(entry(InboxKind::Reload, InboxSource::RUNTIME, argument));
        }
        while self.count < INBOX_MAX
            && let Some(entry) = self.results.as_mut().and_then(Beside::next_entry)
        {
            self.push(entry);
        }
        &self.entries[..self.count]
    }

    fn push(&mut self, entry: InboxEntry) {
        self.entries[self.count] = InboxEntry { sequence: self.sequence, ..entry };
        self.sequence = self.sequence.wrapping_add(1);
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_wait_their_turn_and_are_numbered() {
        let (mut commands, mut inbox) = Inbox::new();
        for i in 0..6 {
            commands.push(entry(InboxKind::Parameter, InboxSource::TERMINAL, [i, 0, 0])).unwrap();
        }
        let wake = Wake { overrun: true, skipped: 2, start_error_ns: 7, ..Wake::default() };
        let first: Vec<_> = inbox.take(&wake).to_vec();
        assert_eq!(first.len(), INBOX_MAX);
        assert_eq!(first[0].kind, InboxKind::Overrun);
        assert_eq!(first[0].argument, [2, 7, 0]);
        let mut seen: Vec<_> = first[1..].to_vec();
        seen.extend_from_slice(inbox.take(&Wake::default()));
        assert_eq!(seen.iter().map(|entry| entry.argument[0]).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(seen.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert!(inbox.take(&Wake::default()).is_empty());
    }

    #[test]
    fn the_control_socket_waits_behind_the_others() {
        let (mut commands, mut inbox) = Inbox::new();
        let mut control = inbox.open_control();
        control.push(entry(InboxKind::Start, InboxSource::CONTROL, [0; 3])).unwrap();
        commands.push(entry(InboxKind::Shutdown, InboxSource::SIGNAL, [0; 3])).unwrap();
        let taken: Vec<_> = inbox.take(&Wake::default()).iter().map(|of| (of.kind, of.sequence)).collect();
        assert_eq!(taken, [(InboxKind::Shutdown, 0), (InboxKind::Start, 1)]);
    }

    #[test]
    fn verdicts_leave_a_place_for_a_command() {
        let (mut commands, mut inbox) = Inbox::new();
        commands.push(entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3])).unwrap();
        inbox.put_unfinished(0b110);
        inbox.request_shutdown();
        let wake = Wake { overrun: true, ..Wake::default() };
        let kinds: Vec<_> = inbox.take(&wake).iter().map(|entry| (entry.kind, entry.argument[0])).collect();
        let expected = [
            (InboxKind::Overrun, 0),
            (InboxKind::TaskOverrun, 6),
            (InboxKind::Shutdown, 0),
            (InboxKind::Start, 0),
        ];
        assert_eq!(kinds, expected);
        inbox.put_unfinished(0);
        assert!(inbox.take(&Wake::default()).is_empty());
    }

    #[test]
    fn a_reload_waits_behind_commands_and_its_undo_for_nobody() {
        let (mut commands, mut inbox) = Inbox::new();
        for _ in 0..3 {
            commands.push(entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3])).unwrap();
        }
        inbox.put_unfinished(0b10);
        inbox.put_reload_verdicts([Some([7, 0, 0]), Some([8, 0, 0])]);
        let wake = Wake { overrun: true, ..Wake::default() };
        let kinds = |entries: &[InboxEntry]| entries.iter().map(|entry| entry.kind).collect::<Vec<_>>();
        use InboxKind::{Overrun, Reload, Start, TaskOverrun, Undo};
        assert_eq!(kinds(inbox.take(&wake)), [Undo, Overrun, TaskOverrun, Start]);
        inbox.put_unfinished(0);
        inbox.put_reload_verdicts([None, Some([8, 0, 0])]);
        assert_eq!(kinds(inbox.take(&Wake::default())), [Start, Start, Reload]);
        inbox.put_reload_verdicts([None, None]);
        assert!(inbox.take(&Wake::default()).is_empty());
    }

    #[test]
    fn a_replayed_inbox_decides_nothing() {
        let mut inbox = Inbox::replayed();
        inbox.put_unfinished(0b10);
        inbox.put_reload_verdicts([Some([1, 0, 0]), Some([2, 0, 0])]);
        let wake = Wake { overrun: true, skipped: 1, ..Wake::default() };
        assert!(inbox.take(&wake).is_empty());
        inbox.put_recorded([entry(InboxKind::Start, InboxSource::TERMINAL, [0; 3])].into_iter());
        assert_eq!(inbox.take(&wake).len(), 1);
    }
}
