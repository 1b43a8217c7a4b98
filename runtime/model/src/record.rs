//! The fixed layout of one cycle record: what the cycle writes, what the log keeps, what a replay compares.
//!
//! Little endian. A fixed part of [`FIXED_LEN`] bytes, then one working counter per sync unit (padded to eight
//! bytes), the input image, the output image, and zeros up to a multiple of eight. A record has exactly one
//! encoding: unused inbox places and padding are zero, so equal records are equal bytes.

use crate::{Fault, FaultCode, cell::SYNC_UNITS_MAX};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Inbox entries that fit into one record; the runtime carries any more over to the next cycle.
pub const INBOX_MAX: usize = 4;
/// Bytes of one [`InboxEntry`].
pub const INBOX_ENTRY_LEN: usize = 32;
/// Where the inbox entries start.
pub const INBOX_OFFSET: usize = 88;
/// Bytes before the working counters.
pub const FIXED_LEN: usize = INBOX_OFFSET + INBOX_MAX * INBOX_ENTRY_LEN;
/// Longest record: it has to fit into one block of the cycle log.
pub const RECORD_LEN_MAX: usize = 60 * 1024;

const INBOX_COUNT: usize = 71;
const FAULT_CODE: usize = 72;
const RESERVED: Range<usize> = 82..84;

const _: () = assert!(FIXED_LEN == 216 && FIXED_LEN.is_multiple_of(8));

/// Why bytes are not a record, or a layout is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The images are too large.
    #[error("a record of {actual} bytes is longer than the {RECORD_LEN_MAX} a log block can hold")]
    TooLong {
        /// What the images would need.
        actual: usize,
    },
    /// More sync units than a validity map has bits.
    #[error("{actual} sync units, at most {SYNC_UNITS_MAX} fit into a record")]
    SyncUnits {
        /// What was asked for.
        actual: usize,
    },
    /// Another size than the layout's.
    #[error("a record of {actual} bytes, expected {expected}")]
    Length {
        /// The layout's size.
        expected: usize,
        /// What was given.
        actual: usize,
    },
    /// More inbox entries than there is room for.
    #[error("{actual} inbox entries in a record, at most {INBOX_MAX} are possible")]
    InboxCount {
        /// What stands there.
        actual: u8,
    },
    /// An inbox entry of a kind this version does not know.
    #[error("unknown inbox entry kind {actual}")]
    InboxKind {
        /// What stands there.
        actual: u16,
    },
    /// A fault code this version does not know.
    #[error("unknown fault code {actual}")]
    FaultCode {
        /// What stands there.
        actual: u16,
    },
    /// Flag bits this version does not know.
    #[error("unknown flags {actual:#010x}")]
    Flags {
        /// What stands there.
        actual: u32,
    },
    /// Something in a byte that has to be zero.
    #[error("byte {offset} of a record is {actual:#04x}, expected zero")]
    NotZero {
        /// Where, counted from the start of the record.
        offset: usize,
        /// What stands there.
        actual: u8,
    },
}

macro_rules! record_flags {
    ($($(#[doc = $doc:literal])* $name:ident = $bit:literal,)*) => {
        /// What was special about a cycle.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct RecordFlags(pub u32);

        impl RecordFlags {
            $($(#[doc = $doc])* pub const $name: Self = Self(1 << $bit);)*
            /// Every known flag with its name and meaning, by bit number.
            pub const ALL: &[(u32, &'static str, &'static str)] =
                &[$(($bit, stringify!($name), concat!($($doc),*).trim_ascii()),)*];
            /// All known bits.
            pub const MASK: u32 = 0 $(| 1 << $bit)*;
        }
    };
}

record_flags! {
    /// The first cycle after a start.
    FIRST_CYCLE = 0,
    /// No complete reply came before the bus deadline.
    EXCHANGE_LOST = 1,
    /// The frame could not be sent at all.
    SEND_FAILED = 2,
    /// The task is faulted after this cycle; `fault_code` names the fault that raised it, in the cycle in which it rose.
    FAULTED = 3,
    /// The cycle before this one was not done in time; an `Overrun` inbox entry says what was skipped.
    OVERRUN = 4,
    /// Records before this one are missing: the ring was full.
    GAP_BEFORE = 5,
    /// The programs ran in this cycle, and their writes were committed.
    COMMITTED = 6,
    /// The runtime is in Run after this cycle.
    RUNNING = 7,
    /// The shutdown sequence is in progress.
    SHUTDOWN = 8,
}

impl RecordFlags {
    /// True if all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags, and `other` if `on`.
    #[must_use]
    pub const fn with(self, other: Self, on: bool) -> Self {
        if on { Self(self.0 | other.0) } else { self }
    }
}

impl std::ops::BitOr for RecordFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

macro_rules! inbox_kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $id:literal,)*) => {
        /// What entered the cycle through the inbox. Stable ids; the arguments are given with each kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum InboxKind { $($(#[doc = $doc])* $name = $id,)* }

        impl InboxKind {
            /// Every kind with its name and meaning, by ascending id.
            pub const ALL: &[(Self, &'static str, &'static str)] =
                &[$((Self::$name, stringify!($name), concat!($($doc),*).trim_ascii()),)*];

            /// The kind with this id.
            pub const fn from_id(id: u16) -> Option<Self> {
                match id { $($id => Some(Self::$name),)* _ => None }
            }

            /// Its name as in the source.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

inbox_kinds! {
    /// The runtime came up. `[0]`: 0 cold, 1 warm after an orderly end, 2 after an unclean end (comes up faulted).
    Startup = 1,
    /// Leave Stop for Run.
    Start = 2,
    /// Leave Run for Stop.
    Stop = 3,
    /// Acknowledge a latched fault. `[0]`: restart 0 warm, 1 cold, 2 origin.
    Reset = 4,
    /// A parameter was set. `[0]`: its index, `[1]`: the bits of its value.
    Parameter = 5,
    /// The cycle before overran. `[0]`: cycles skipped, `[1]`: nanoseconds late, for information.
    Overrun = 6,
    /// Begin the shutdown sequence. `[0]`: the signal's number, 0 if there was none.
    Shutdown = 7,
    /// Offset of UTC from the nominal time. `[0]`: nanoseconds.
    UtcOffset = 8,
    /// The supervisor saw a device change. `[0]`: position, `[1]`: AL state, `[2]`: AL status code.
    DeviceState = 9,
    /// A PackML command. `[0]`: index of the unit, -1 for all, `[1]`: the command's number.
    UnitCommand = 10,
    /// Another mode for a PackML unit. `[0]`: index of the unit, -1 for all, `[1]`: the mode's number.
    UnitMode = 11,
    /// Jog an axis in manual mode. `[0]`: index of the axis, `[1]`: bits of the velocity in units/s, `[2]`: cycles after which it ends by itself.
    Jog = 12,
    /// A person's verdict on a jidoka event. `[0]`: number of the event, `[1]`: 1 good, 0 bad, `[2]`: low 64 bits of the hash of the reason.
    Verdict = 13,
    /// An alarm was acknowledged. `[0]`: its index, -1 for all.
    Acknowledge = 14,
    /// An alarm was shelved. `[0]`: its index, `[1]`: cycles, 0 to unshelve.
    Shelve = 15,
    /// Slow tasks were not done at their release. `[0]`: a bit for each, by the task's index; the base task has bit 0.
    TaskOverrun = 16,
    /// Values of a model that runs beside, before its result. `[0]`: model << 32 | index of the first value, `[1]`, `[2]`: two f32 each.
    ModelOutput = 17,
    /// Result of a model that runs beside. `[0]`: index of the model, `[1]`: number of the request, `[2]`: 1 good, 0 failed.
    ModelResult = 18,
    /// Velocity override. `[0]`: index of the axis, -1 for all, `[1]`: bits of the factor, 0 to 2.
    Override = 19,
    /// Programs are replaced. `[0]`: number of the reload, `[1]`: edition of the programs that it was made for, `[2]`: hash of the new layouts.
    Reload = 20,
    /// A reload is undone: the old programs come back, with their states of the swap. `[0]`: its number, `[1]`: id of the fault, source << 16, line << 32, `[2]`: tasks that failed, a bit for each.
    Undo = 21,
    /// An element of a tag is forced. `[0]`: index of the tag, `[1]`: the bits of its value, `[2]`: the element, 0 for a scalar.
    Force = 22,
    /// Forces are taken away. `[0]`: index of the tag, -1 for all forces, `[1]`: the element, -1 for all of the tag's.
    Unforce = 23,
}

impl InboxKind {
    /// The stable id.
    pub const fn id(self) -> u16 {
        self as u16
    }
}

/// Where an inbox entry came from; a hint for people, nothing is decided by it.
pub struct InboxSource;

impl InboxSource {
    /// The runtime itself.
    pub const RUNTIME: u16 = 0;
    /// An edge of an operator tag.
    pub const OPERATOR: u16 = 1;
    /// A signal to the process.
    pub const SIGNAL: u16 = 2;
    /// The terminal or the command line.
    pub const TERMINAL: u16 = 3;
    /// `auto_start` of a simulation.
    pub const AUTO_START: u16 = 4;
    /// The bus supervisor.
    pub const SUPERVISOR: u16 = 5;
    /// The local control socket.
    pub const CONTROL: u16 = 6;
    /// An inference engine beside the cycle.
    pub const MODEL: u16 = 7;
}

/// Something that entered the cycle, with all that a replay needs to do it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    /// What it is.
    pub kind: InboxKind,
    /// Who sent it, see [`InboxSource`].
    pub source: u16,
    /// Counts the entries of one run, from 0.
    pub sequence: u32,
    /// As [`InboxKind`] says; unused ones are 0.
    pub argument: [i64; 3],
}

impl InboxEntry {
    fn write(&self, bytes: &mut [u8]) {
        bytes[0..2].copy_from_slice(&self.kind.id().to_le_bytes());
        bytes[2..4].copy_from_slice(&self.source.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.sequence.to_le_bytes());
        for (argument, place) in self.argument.iter().zip(bytes[8..].chunks_exact_mut(8)) {
            place.copy_from_slice(&argument.to_le_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            kind: InboxKind::from_id(u16::from_le_bytes(take(bytes, 0)))?,
            source: u16::from_le_bytes(take(bytes, 2)),
            sequence: u32::from_le_bytes(take(bytes, 4)),
            argument: [8, 16, 24].map(|at| i64::from_le_bytes(take(bytes, at))),
        })
    }
}

/// Sizes and places of a cell's records. Made once, then only added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RecordParameters", into = "RecordParameters")]
pub struct RecordLayout {
    inputs_len: usize,
    outputs_len: usize,
    sync_units: usize,
    inputs_offset: usize,
    len: usize,
}

/// What a [`RecordLayout`] is computed from; this is what an epoch of the log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordParameters {
    /// Bytes of the input image.
    pub inputs_len: usize,
    /// Bytes of the output image.
    pub outputs_len: usize,
    /// Number of sync units.
    pub sync_units: usize,
}

impl TryFrom<RecordParameters> for RecordLayout {
    type Error = RecordError;
    fn try_from(of: RecordParameters) -> Result<Self, RecordError> {
        Self::new(of.inputs_len, of.outputs_len, of.sync_units)
    }
}

impl From<RecordLayout> for RecordParameters {
    fn from(of: RecordLayout) -> Self {
        Self { inputs_len: of.inputs_len, outputs_len: of.outputs_len, sync_units: of.sync_units }
    }
}

impl RecordLayout {
    /// The layout for images of these sizes (bytes) and this many sync units.
    ///
    /// # Errors
    /// If there are more than [`SYNC_UNITS_MAX`] sync units, or the record is longer than [`RECORD_LEN_MAX`].
    pub fn new(inputs_len: usize, outputs_len: usize, sync_units: usize) -> Result<Self, RecordError> {
        if sync_units > SYNC_UNITS_MAX {
            return Err(RecordError::SyncUnits { actual: sync_units });
        }
        let inputs_offset = FIXED_LEN + (2 * sync_units).next_multiple_of(8);
        let end = inputs_offset.saturating_add(inputs_len).saturating_add(outputs_len);
        if end > RECORD_LEN_MAX {
            return Err(RecordError::TooLong { actual: end });
        }
        Ok(Self { inputs_len, outputs_len, sync_units, inputs_offset, len: end.next_multiple_of(8) })
    }

    /// Bytes of one record; a multiple of eight.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Number of sync units.
    pub const fn sync_units(&self) -> usize {
        self.sync_units
    }

    /// Where the working counters lie.
    pub const fn working_counters(&self) -> Range<usize> {
        FIXED_LEN..FIXED_LEN + 2 * self.sync_units
    }

    /// Where the input image lies.
    pub const fn inputs(&self) -> Range<usize> {
        self.inputs_offset..self.inputs_offset + self.inputs_len
    }

    /// Where the output image lies.
    pub const fn outputs(&self) -> Range<usize> {
        let start = self.inputs_offset + self.inputs_len;
        start..start + self.outputs_len
    }

    const fn check_len(&self, actual: usize) -> Result<(), RecordError> {
        if actual == self.len { Ok(()) } else { Err(RecordError::Length { expected: self.len, actual }) }
    }
}

/// A field of the fixed part, for documents and for readers in other languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordField {
    /// Name, as the accessor's.
    pub name: &'static str,
    /// First byte.
    pub offset: usize,
    /// `u8`, `u16`, `u32`, `u64` or `i64`.
    pub kind: &'static str,
    /// Size in bytes.
    pub len: usize,
    /// What it means, with its unit.
    pub text: &'static str,
}

macro_rules! record_fields {
    ($($(#[doc = $doc:literal])* $get:ident $set:ident: $kind:ident @ $offset:literal,)*) => {
        /// The plain fields of the fixed part, by offset.
        pub const FIELDS: &[RecordField] = &[$(RecordField {
            name: stringify!($get),
            offset: $offset,
            kind: stringify!($kind),
            len: size_of::<$kind>(),
            text: concat!($($doc),*).trim_ascii(),
        },)*];

        impl RecordView<'_> {
            $($(#[doc = $doc])* pub fn $get(&self) -> $kind { <$kind>::from_le_bytes(take(self.bytes, $offset)) })*
        }

        impl RecordMut<'_> {
            $($(#[doc = $doc])* pub fn $set(&mut self, value: $kind) { put(self.bytes, $offset, value.to_le_bytes()); })*
        }

        $(const _: () = assert!($offset % size_of::<$kind>() == 0 && $offset + size_of::<$kind>() <= INBOX_OFFSET);)*
    };
}

record_fields! {
    /// Cycle index, from 1; strictly increasing through a whole log.
    cycle set_cycle: u64 @ 0,
    /// Nominal time in nanoseconds, as `sys.time` shows it.
    time_ns set_time_ns: i64 @ 8,
    /// What was special, see the flags.
    raw_flags set_raw_flags: u32 @ 16,
    /// Bit n: the inputs of sync unit n are valid in this cycle.
    valid set_valid: u32 @ 20,
    /// Hash of outputs, memory tags and program state after the cycle, computed by the runtime.
    state_hash set_state_hash: u64 @ 24,
    /// Nanoseconds from the wake target to the return of the sleep; 0 while replaying.
    wake_latency_ns set_wake_latency_ns: u32 @ 32,
    /// Nanoseconds from the cycle's target to its start, after spinning.
    start_error_ns set_start_error_ns: u32 @ 36,
    /// Nanoseconds the exchange took.
    exchange_ns set_exchange_ns: u32 @ 40,
    /// Nanoseconds for the inbox.
    inbox_ns set_inbox_ns: u32 @ 44,
    /// Nanoseconds for all programs.
    scripts_ns set_scripts_ns: u32 @ 48,
    /// Nanoseconds for staging the outputs.
    stage_ns set_stage_ns: u32 @ 52,
    /// Nanoseconds the record step of the cycle before took.
    record_ns set_record_ns: u32 @ 56,
    /// Nanoseconds from the cycle's start to the end of staging.
    execution_ns set_execution_ns: u32 @ 60,
    /// Replies to earlier cycles that came in this one, and were dropped.
    late set_late: u16 @ 64,
    /// Frames nobody waited for.
    stray set_stray: u16 @ 66,
    /// Devices that answered the AL state broadcast.
    devices set_devices: u16 @ 68,
    /// AL states of all devices, ORed; 0 when lost.
    al_states set_al_states: u8 @ 70,
    /// Line in the program, from 1; 0 where none applies.
    fault_line set_fault_line: u32 @ 76,
    /// Work units used by all programs in this cycle.
    operations set_operations: u32 @ 84,
}

/// A record that was checked once; reading from it cannot fail.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    layout: RecordLayout,
    bytes: &'a [u8],
}

impl<'a> RecordView<'a> {
    /// Check `bytes` against `layout`.
    ///
    /// # Errors
    /// If the size differs, a kind, code or flag is unknown, or a byte that has to be zero is not.
    pub fn new(layout: &RecordLayout, bytes: &'a [u8]) -> Result<Self, RecordError> {
        layout.check_len(bytes.len())?;
        let view = Self { layout: *layout, bytes };
        let count = bytes[INBOX_COUNT];
        if usize::from(count) > INBOX_MAX {
            return Err(RecordError::InboxCount { actual: count });
        }
        for place in 0..usize::from(count) {
            let at = INBOX_OFFSET + place * INBOX_ENTRY_LEN;
            let kind = u16::from_le_bytes(take(bytes, at));
            InboxKind::from_id(kind).ok_or(RecordError::InboxKind { actual: kind })?;
        }
        let code = u16::from_le_bytes(take(bytes, FAULT_CODE));
        if code != 0 && FaultCode::from_id(code).is_none() {
            return Err(RecordError::FaultCode { actual: code });
        }
        if view.raw_flags() & !RecordFlags::MASK != 0 {
            return Err(RecordError::Flags { actual: view.raw_flags() });
        }
        let unused = INBOX_OFFSET + usize::from(count) * INBOX_ENTRY_LEN..FIXED_LEN;
        let fault = if code == 0 { FAULT_CODE..RESERVED.start } else { 0..0 };
        let counters_end = layout.working_counters().end..layout.inputs_offset;
        let tail = layout.outputs().end..layout.len;
        for offset in [fault, RESERVED, unused, counters_end, tail].into_iter().flatten() {
            if bytes[offset] != 0 {
                return Err(RecordError::NotZero { offset, actual: bytes[offset] });
            }
        }
        Ok(view)
    }

    /// The record as it is.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its layout.
    pub const fn layout(&self) -> &RecordLayout {
        &self.layout
    }

    /// What was special.
    pub fn flags(&self) -> RecordFlags {
        RecordFlags(self.raw_flags())
    }

    /// The fault that rose in this cycle.
    pub fn fault(&self) -> Option<Fault> {
        let code = FaultCode::from_id(u16::from_le_bytes(take(self.bytes, FAULT_CODE)))?;
        Some(Fault {
            code,
            source: u16::from_le_bytes(take(self.bytes, FAULT_CODE + 2)),
            line: self.fault_line(),
            column: u16::from_le_bytes(take(self.bytes, FAULT_CODE + 8)),
        })
    }

    /// Entries in the inbox of this cycle.
    pub fn inbox(&self) -> impl Iterator<Item = InboxEntry> + use<'a> {
        let count = usize::from(self.bytes[INBOX_COUNT]);
        self.bytes[INBOX_OFFSET..FIXED_LEN]
            .chunks_exact(INBOX_ENTRY_LEN)
            .take(count)
            .filter_map(InboxEntry::read)
    }

    /// Working counter of each sync unit.
    pub fn working_counters(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.bytes[self.layout.working_counters()]
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes(take(pair, 0)))
    }

    /// The input image.
    pub fn inputs(&self) -> &'a [u8] {
        &self.bytes[self.layout.inputs()]
    }

    /// The output image as committed in this cycle; it travels in the next exchange.
    pub fn outputs(&self) -> &'a [u8] {
        &self.bytes[self.layout.outputs()]
    }

    /// The value of a plain field by its table entry, for tables and exports. Unsigned fields beyond `i64::MAX` and
    /// signed ones both fit.
    pub fn field(&self, field: &RecordField) -> i128 {
        let mut wide = [0; 8];
        let bytes = self.bytes.get(field.offset..field.offset + field.len.min(8)).unwrap_or_default();
        wide[..bytes.len()].copy_from_slice(bytes);
        let value = u64::from_le_bytes(wide);
        if field.kind == "i64" { i128::from(value.cast_signed()) } else { i128::from(value) }
    }
}

/// A record being filled in place. No method allocates or panics.
#[derive(Debug)]
pub struct RecordMut<'a> {
    layout: RecordLayout,
    bytes: &'a mut [u8],
}

impl<'a> RecordMut<'a> {
    /// Take `bytes` for a new record; they are set to zero.
    ///
    /// # Errors
    /// If the size differs.
    pub fn new(layout: &RecordLayout, bytes: &'a mut [u8]) -> Result<Self, RecordError> {
        bytes.fill(0);
        Self::edit(layout, bytes)
    }

    /// Take `bytes` that already hold a record, and change some of it.
    ///
    /// # Errors
    /// If the size differs.
    pub fn edit(layout: &RecordLayout, bytes: &'a mut [u8]) -> Result<Self, RecordError> {
        layout.check_len(bytes.len())?;
        Ok(Self { layout: *layout, bytes })
    }

    /// Set all flags.
    pub fn set_flags(&mut self, flags: RecordFlags) {
        self.set_raw_flags(flags.0);
    }

    /// Set some flags and keep the others.
    pub fn add_flags(&mut self, flags: RecordFlags) {
        let now = u32::from_le_bytes(take(self.bytes, 16));
        self.set_raw_flags(now | flags.0);
    }

    /// Set or clear the fault.
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        let (code, source, line, column) =
            fault.map_or((0, 0, 0, 0), |fault| (fault.code.id(), fault.source, fault.line, fault.column));
        put(self.bytes, FAULT_CODE, code.to_le_bytes());
        put(self.bytes, FAULT_CODE + 2, source.to_le_bytes());
        self.set_fault_line(line);
        put(self.bytes, FAULT_CODE + 8, column.to_le_bytes());
    }

    /// Add an inbox entry. False if the record has no room left.
    #[must_use]
    pub fn push_inbox(&mut self, entry: &InboxEntry) -> bool {
        let place = usize::from(self.bytes[INBOX_COUNT]);
        if place >= INBOX_MAX {
            return false;
        }
        let at = INBOX_OFFSET + place * INBOX_ENTRY_LEN;
        entry.write(&mut self.bytes[at..at + INBOX_ENTRY_LEN]);
        self.bytes[INBOX_COUNT] += 1;
        true
    }

    /// Remove all inbox entries.
    pub fn clear_inbox(&mut self) {
        self.bytes[INBOX_COUNT] = 0;
        self.bytes[INBOX_OFFSET..FIXED_LEN].fill(0);
    }

    /// Set a sync unit's working counter; a unit the layout does not have is ignored.
    pub fn set_working_counter(&mut self, sync_unit: usize, counter: u16) {
        if sync_unit < self.layout.sync_units {
            put(self.bytes, FIXED_LEN + 2 * sync_unit, counter.to_le_bytes());
        }
    }

    /// The input image.
    pub fn inputs_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.layout.inputs()]
    }

    /// The output image.
    pub fn outputs_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.layout.outputs()]
    }
}

/// `N` bytes at `offset`. Callers have checked that they are there.
fn take<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[offset..offset + N]);
    out
}

fn put<const N: usize>(bytes: &mut [u8], offset: usize, value: [u8; N]) {
    bytes[offset..offset + N].copy_from_slice(&value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry() -> impl Strategy<Value = InboxEntry> {
        (0..InboxKind::ALL.len(), any::<u16>(), any::<u32>(), any::<[i64; 3]>()).prop_map(
            |(kind, source, sequence, argument)| InboxEntry {
                kind: InboxKind::ALL[kind].0,
                source,
                sequence,
                argument,
            },
        )
    }

    fn fault() -> impl Strategy<Value = Option<Fault>> {
        let some = (0..FaultCode::ALL.len(), any::<u16>(), any::<u32>(), any::<u16>());
        proptest::option::of(some).prop_map(|some| {
            some.map(|(code, source, line, column)| Fault {
                code: FaultCode::ALL[code],
                source,
                line,
                column,
            })
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            sizes in (0_usize..200, 0_usize..100, 0_usize..=SYNC_UNITS_MAX),
            numbers in any::<(u64, i64, u32, u64, u32, u16, u8)>(),
            fault in fault(),
            inbox in prop::collection::vec(entry(), 0..=INBOX_MAX),
            fill in any::<(u8, u8)>(),
        ) {
            let layout = RecordLayout::new(sizes.0, sizes.1, sizes.2).unwrap();
            let mut bytes = vec![0xA5; layout.len()];
            let flags = RecordFlags(numbers.2 & RecordFlags::MASK);
            {
                let mut record = RecordMut::new(&layout, &mut bytes).unwrap();
                record.set_cycle(numbers.0);
                record.set_time_ns(numbers.1);
                record.set_flags(flags);
                record.set_state_hash(numbers.3);
                record.set_operations(numbers.4);
                record.set_late(numbers.5);
                record.set_al_states(numbers.6);
                record.set_fault(fault);
                for entry in &inbox {
                    prop_assert!(record.push_inbox(entry));
                }
                for unit in 0..sizes.2 {
                    record.set_working_counter(unit, 100 + unit as u16);
                }
                record.inputs_mut().fill(fill.0);
                record.outputs_mut().fill(fill.1);
            }
            let view = RecordView::new(&layout, &bytes).unwrap();
            prop_assert_eq!(view.cycle(), numbers.0);
            prop_assert_eq!(view.time_ns(), numbers.1);
            prop_assert_eq!(view.flags(), flags);
            prop_assert_eq!(view.state_hash(), numbers.3);
            prop_assert_eq!(view.operations(), numbers.4);
            prop_assert_eq!(view.late(), numbers.5);
            prop_assert_eq!(view.al_states(), numbers.6);
            prop_assert_eq!(view.fault(), fault);
            prop_assert_eq!(view.inbox().collect::<Vec<_>>(), inbox);
            let counters: Vec<u16> = (0..sizes.2).map(|unit| 100 + unit as u16).collect();
            prop_assert_eq!(view.working_counters().collect::<Vec<_>>(), counters);
            prop_assert_eq!(view.inputs(), vec![fill.0; sizes.0]);
            prop_assert_eq!(view.outputs(), vec![fill.1; sizes.1]);
        }

        /// Reading arbitrary bytes either fails or gives a record that encodes to the same bytes again.
        #[test]
        fn one_record_one_encoding(mut bytes in prop::collection::vec(any::<u8>(), 240), tame in any::<bool>()) {
            let layout = RecordLayout::new(9, 7, 3).unwrap();
            prop_assert_eq!(layout.len(), 240);
            if tame {
                bytes[16..20].fill(0);
                bytes[INBOX_COUNT..FIXED_LEN].fill(0);
                bytes[222..224].fill(0);
            }
            if let Ok(view) = RecordView::new(&layout, &bytes) {
                let mut again = vec![0; layout.len()];
                let mut record = RecordMut::new(&layout, &mut again).unwrap();
                record.set_cycle(view.cycle());
                record.set_time_ns(view.time_ns());
                record.set_flags(view.flags());
                record.set_valid(view.valid());
                record.set_state_hash(view.state_hash());
                record.set_wake_latency_ns(view.wake_latency_ns());
                record.set_start_error_ns(view.start_error_ns());
                record.set_exchange_ns(view.exchange_ns());
                record.set_inbox_ns(view.inbox_ns());
                record.set_scripts_ns(view.scripts_ns());
                record.set_stage_ns(view.stage_ns());
                record.set_record_ns(view.record_ns());
                record.set_execution_ns(view.execution_ns());
                record.set_late(view.late());
                record.set_stray(view.stray());
                record.set_devices(view.devices());
                record.set_al_states(view.al_states());
                record.set_operations(view.operations());
                record.set_fault(view.fault());
                for entry in view.inbox() {
                    prop_assert!(record.push_inbox(&entry));
                }
                for (unit, counter) in view.working_counters().enumerate() {
                    record.set_working_counter(unit, counter);
                }
                record.inputs_mut().copy_from_slice(view.inputs());
                record.outputs_mut().copy_from_slice(view.outputs());
                prop_assert_eq!(again, bytes);
            } else {
                prop_assert!(!tame);
            }
        }
    }

    #[test]
    fn fields_do_not_overlap_and_leave_nothing_unnamed() {
        let mut owner = [""; INBOX_OFFSET];
        let special =
            [("inbox_count", INBOX_COUNT, 1), ("fault_code", FAULT_CODE, 2), ("fault_source", 74, 2)];
        let rest = [("fault_column", 80, 2), ("reserved", RESERVED.start, RESERVED.len())];
        let plain = FIELDS.iter().map(|field| (field.name, field.offset, field.len));
        for (name, offset, len) in plain.chain(special).chain(rest) {
            for place in &mut owner[offset..offset + len] {
                assert_eq!(*place, "", "{name} overlaps");
                *place = name;
            }
        }
        assert!(owner.iter().all(|name| !name.is_empty()), "{owner:?}");
    }

    #[test]
    fn a_full_inbox_says_so() {
        let layout = RecordLayout::new(0, 0, 0).unwrap();
        let mut bytes = vec![0; layout.len()];
        let mut record = RecordMut::new(&layout, &mut bytes).unwrap();
        let entry = InboxEntry { kind: InboxKind::Start, source: 1, sequence: 2, argument: [0; 3] };
        for _ in 0..INBOX_MAX {
            assert!(record.push_inbox(&entry));
        }
        assert!(!record.push_inbox(&entry));
        record.clear_inbox();
        assert_eq!(RecordView::new(&layout, &bytes).unwrap().inbox().count(), 0);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let layout = RecordLayout::new(3, 2, 1).unwrap();
        let good = vec![0; layout.len()];
        let with = |offset: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[offset] = value;
            RecordView::new(&layout, &bytes).map(|_| ()).unwrap_err()
        };
        assert!(RecordView::new(&layout, &good).is_ok());
        assert_eq!(
            RecordView::new(&layout, &good[1..]).map(|_| ()),
            Err(RecordError::Length { expected: 232, actual: 231 })
        );
        assert_eq!(with(INBOX_COUNT, 5), RecordError::InboxCount { actual: 5 });
        assert_eq!(with(INBOX_COUNT, 1), RecordError::InboxKind { actual: 0 });
        assert_eq!(with(FAULT_CODE, 9), RecordError::FaultCode { actual: 9 });
        assert_eq!(with(76, 1), RecordError::NotZero { offset: 76, actual: 1 });
        assert_eq!(with(83, 1), RecordError::NotZero { offset: 83, actual: 1 });
        assert_eq!(with(19, 0x80), RecordError::Flags { actual: 0x8000_0000 });
        assert_eq!(with(INBOX_OFFSET + 40, 7), RecordError::NotZero { offset: INBOX_OFFSET + 40, actual: 7 });
        assert_eq!(with(FIXED_LEN + 2, 7), RecordError::NotZero { offset: FIXED_LEN + 2, actual: 7 });
        assert_eq!(with(231, 7), RecordError::NotZero { offset: 231, actual: 7 });
        assert_eq!(RecordLayout::new(0, 0, 33), Err(RecordError::SyncUnits { actual: 33 }));
        assert_eq!(RecordLayout::new(RECORD_LEN_MAX, 0, 0), Err(RecordError::TooLong { actual: 61656 }));
        assert!(RecordLayout::new(usize::MAX, usize::MAX, 1).is_err());
    }
}
