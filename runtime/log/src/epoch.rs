//! What a stretch of records means: the cell, its tags, programs and layouts at the time they were recorded.

use crate::block::{hex, unhex};
use sensai_model::{RawType, ScalarType, Tag, Value, record::RecordLayout};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What the caller knows when a run starts. The log adds identity, places and hashes.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochSpec {
    /// The cell's name.
    pub cell: String,
    /// Which rules of arithmetic hold; replays are only comparable within one profile.
    pub numeric_profile: String,
    /// SHA-256 of the running program; information only.
    pub binary_sha256: String,
    /// Base tick in nanoseconds.
    pub interval_ns: u64,
    /// The first cycle that will be recorded; at least [`crate::CycleLog::next_cycle`].
    pub first_cycle: u64,
    /// Wall clock at the start, nanoseconds since 1970-01-01 UTC; information only.
    pub start_utc_ns: i64,
    /// Every file the cell was made of: path relative to the cell's directory with `/`, and its bytes.
    pub contents: Vec<(String, Vec<u8>)>,
    /// Layout of the records.
    pub record: RecordLayout,
    /// The tag table.
    pub tags: Vec<Tag>,
    /// Parameters in the order of the cell, with their values at the start.
    pub parameters: Vec<EpochParameter>,
    /// Names of the sync units.
    pub sync_units: Vec<String>,
    /// Programs in calling order.
    pub programs: Vec<EpochProgram>,
    /// What the bytes of a keyframe are, without gaps.
    pub keyframe: Vec<KeyframePart>,
    /// See [`Epoch::edition`]; 0 for a run that begins.
    pub edition: u32,
    /// See [`Epoch::run_first_cycle`].
    pub run_first_cycle: u64,
    /// See [`Epoch::probation`].
    pub probation: u64,
    /// See [`Epoch::replaced`]: index, and text.
    pub replaced: Vec<(u32, Vec<u8>)>,
}

/// A parameter at the start of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochParameter {
    /// Name.
    pub name: String,
    /// Type.
    pub scalar: ScalarType,
    /// Value when the epoch began; later ones stand in the inbox.
    pub value: Value,
    /// UCUM unit.
    pub unit: Option<String>,
}

/// A program of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochProgram {
    /// File stem.
    pub name: String,
    /// Names, types and offsets of its state, as the script crate writes them.
    pub layout: serde_json::Value,
    /// Hash of that layout.
    pub layout_hash: u64,
    /// Bytes of its state.
    pub state_len: u64,
}

/// A named range of a keyframe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyframePart {
    /// `tags`, `program:press`, ...
    pub name: String,
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
}

/// Where a file of the cell stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Path relative to the cell's directory, with `/`.
    pub path: String,
    /// Its hash.
    pub sha256: Hash,
    /// Its bytes.
    pub len: u64,
    /// The block that holds it, or its first part.
    pub offset: u64,
}

/// The payload of an epoch block, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Version of the format; the same as in the block headers.
    pub format: u16,
    /// This run.
    pub session: Id,
    /// The first block of the epoch before; nothing in the first.
    pub previous_epoch: Option<u64>,
    /// See [`EpochSpec::cell`].
    pub cell: String,
    /// See [`EpochSpec::numeric_profile`].
    pub numeric_profile: String,
    /// See [`EpochSpec::binary_sha256`].
    pub binary_sha256: String,
    /// See [`EpochSpec::interval_ns`].
    pub interval_ns: u64,
    /// See [`EpochSpec::first_cycle`].
    pub first_cycle: u64,
    /// See [`EpochSpec::start_utc_ns`].
    pub start_utc_ns: i64,
    /// Files, in the order given.
    pub contents: Vec<Content>,
    /// See [`EpochSpec::record`].
    pub record: RecordLayout,
    /// Bytes of one record, for readers that do not want to compute it.
    pub record_len: u64,
    /// See [`EpochSpec::tags`].
    pub tags: Vec<Tag>,
    /// See [`EpochSpec::parameters`].
    pub parameters: Vec<EpochParameter>,
    /// See [`EpochSpec::sync_units`].
    pub sync_units: Vec<String>,
    /// See [`EpochSpec::programs`].
    pub programs: Vec<EpochProgram>,
    /// See [`EpochSpec::keyframe`].
    pub keyframe: Vec<KeyframePart>,
    /// Counts the epochs of a run by its programs: 0 is the first one, odd ones begin with a reload, even ones with its undo.
    #[serde(default)]
    pub edition: u32,
    /// First cycle of the run, where this is not its first epoch; else 0.
    #[serde(default)]
    pub run_first_cycle: u64,
    /// Runs of a task for which the reload that this epoch begins with may be undone; else 0.
    #[serde(default)]
    pub probation: u64,
    /// Programs that a reload replaced, and that its undo would bring back.
    #[serde(default)]
    pub replaced: Vec<Replaced>,
}

/// A program that may come back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Its index among the programs.
    pub program: u32,
    /// Its text.
    pub content: Content,
}

impl EpochSpec {
    /// Everything that does not fit together, or nothing.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.first_cycle == 0 {
            found.push("first cycle is 0, cycles are counted from 1".into());
        }
        if self.interval_ns == 0 {
            found.push("interval is 0 ns".into());
        }
        if self.sync_units.len() != self.record.sync_units() {
            let (names, units) = (self.sync_units.len(), self.record.sync_units());
            found.push(format!("{names} names for {units} sync units of the record layout"));
        }
        for tag in &self.tags {
            let image = match tag.kind {
                sensai_model::TagKind::Input => self.record.inputs().len(),
                sensai_model::TagKind::Output => self.record.outputs().len(),
                sensai_model::TagKind::Memory | sensai_model::TagKind::Model => continue,
            };
            if let Some(field) = tag.fields.iter().find(|field| field.end_byte() > image) {
                let end = field.end_byte();
                found.push(format!("tag {} ends at byte {end} of an image of {image} bytes", tag.name));
            }
        }
        found.extend(keyframe_problem(&self.keyframe));
        found
    }
}

fn keyframe_problem(parts: &[KeyframePart]) -> Option<String> {
    let mut end = 0_u64;
    for part in parts {
        if part.offset != end {
            return Some(format!("keyframe part {} begins at {}, expected {end}", part.name, part.offset));
        }
        end = end.saturating_add(part.len);
    }
    (end > u64::from(u32::MAX)).then(|| format!("a keyframe of {end} bytes is too long"))
}

impl Epoch {
    /// First cycle of its run.
    pub const fn first_of_run(&self) -> u64 {
        if self.edition == 0 { self.first_cycle } else { self.run_first_cycle }
    }

    /// Bytes of a keyframe.
    pub fn keyframe_len(&self) -> u64 {
        self.keyframe.last().map_or(0, |part| part.offset.saturating_add(part.len))
    }

    /// Check what arrived from a file.
    ///
    /// # Errors
    /// Text that says what is wrong.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        let epoch: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if epoch.record_len != epoch.record.len() as u64 {
            return Err(format!("record_len is {}, expected {}", epoch.record_len, epoch.record.len()));
        }
        let spec = EpochSpec {
            cell: String::new(),
            numeric_profile: String::new(),
            binary_sha256: String::new(),
            interval_ns: epoch.interval_ns,
            first_cycle: epoch.first_cycle,
            start_utc_ns: 0,
            contents: Vec::new(),
            record: epoch.record,
            tags: epoch.tags,
            parameters: Vec::new(),
            sync_units: epoch.sync_units,
            programs: Vec::new(),
            keyframe: epoch.keyframe,
            edition: 0,
            run_first_cycle: 0,
            probation: 0,
            replaced: Vec::new(),
        };
        // Tables that would make a reader index outside an image are refused here, once.
        let problems: Vec<String> = spec.problems().into_iter().chain(tag_problem(&spec.tags)).collect();
        if problems.is_empty() {
            Ok(Self { tags: spec.tags, sync_units: spec.sync_units, keyframe: spec.keyframe, ..epoch })
        } else {
            Err(problems.join("; "))
        }
    }
}

/// What a validated cell cannot hold but a file can.
fn tag_problem(tags: &[Tag]) -> Option<String> {
    const ELEMENTS_MAX: u64 = 1 << 20;
    let elements: u64 = tags.iter().map(|tag| u64::from(tag.len())).sum();
    if elements > ELEMENTS_MAX {
        return Some(format!("{elements} tag elements, at most {ELEMENTS_MAX} are possible"));
    }
    let mut slots: Vec<(u64, u64, &str)> = tags
        .iter()
        .map(|tag| (tag.slot.into(), u64::from(tag.slot) + u64::from(tag.len()), &*tag.name))
        .collect();
    slots.sort_unstable();
    if let Some(pair) = slots.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        return Some(format!("tags {} and {} share a slot", pair[0].2, pair[1].2));
    }
    tags.iter().find_map(|tag| {
        let bound = matches!(tag.kind, sensai_model::TagKind::Input | sensai_model::TagKind::Output);
        let elements = if bound { tag.len() as usize } else { 0 };
        let name = &tag.name;
        if tag.fields.len() != elements || tag.sync_units.len() != elements {
            Some(format!("tag {name} has {} fields, expected {elements}", tag.fields.len()))
        } else if u64::from(tag.slot) + u64::from(tag.len()) > ELEMENTS_MAX {
            Some(format!("tag {name} has slot {}", tag.slot))
        } else if tag.sync_units.iter().any(|unit| usize::from(*unit) >= sensai_model::cell::SYNC_UNITS_MAX) {
            Some(format!("tag {name} names a sync unit that does not exist"))
        } else if let Some(field) = tag.fields.iter().find(|field| !(1..=64).contains(&field.bit_len)) {
            Some(format!("tag {name} has a field of {} bits", field.bit_len))
        } else {
            (!is_of_one_type(tag)).then(|| format!("tag {name} has values of another type than its own"))
        }
    })
}

/// What a tag begins with, and what is decoded from its image, are of its type.
fn is_of_one_type(tag: &Tag) -> bool {
    let floats = tag.fields.iter().any(|field| matches!(field.raw, RawType::F32 | RawType::F64));
    tag.initial.scalar_type() == tag.scalar && (!floats || tag.scalar == ScalarType::F64)
}

macro_rules! hex_bytes {
    ($(#[doc = $doc:literal])* $name:ident $len:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; $len]);

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                unhex(&text).map(Self).ok_or_else(|| format!("`{text}` is not {} hexadecimal digits", 2 * $len))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                hex(&id.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }
    };
}

hex_bytes! {
    /// Random identity of a log or of a run; JSON has it in hexadecimal.
    Id 16
}
hex_bytes! {
    /// SHA-256; JSON has it in hexadecimal.
    Hash 32
}

impl Hash {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}
