//! A test tool: change records of a log, and make CRCs and chain right again, so that only a replay can tell.

use crate::{
    LogError,
    block::BlockKind,
    reader::LogReader,
    storage::{ReadAt, Storage},
};
use sensai_model::record::{InboxEntry, RecordLayout, RecordMut, RecordView};

/// One change of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Flip a bit of the input image.
    FlipInput {
        /// Counted from the start of the image, bit 0 of a byte first.
        bit: usize,
    },
    /// Set a byte of the input image.
    SetInput {
        /// Which byte.
        offset: usize,
        /// To what.
        value: u8,
    },
    /// Flip a bit of the output image.
    FlipOutput {
        /// Counted from the start of the image, bit 0 of a byte first.
        bit: usize,
    },
    /// Set a byte of the output image.
    SetOutput {
        /// Which byte.
        offset: usize,
        /// To what.
        value: u8,
    },
    /// Set the validity of the sync units.
    SetValid(u32),
    /// Set the state hash.
    SetStateHash(u64),
    /// Remove all inbox entries.
    ClearInbox,
    /// Add an inbox entry.
    AddInbox(InboxEntry),
}

/// Write a copy of the log to `to` in which the record of each cycle given has its changes. Returns the number of
/// bytes written. Offsets stay as they are; a torn end is not copied.
///
/// # Errors
/// If the log is damaged, a cycle was not recorded, an edit does not fit the record, or `to` fails.
pub fn patch<R: ReadAt>(
    reader: &LogReader<R>,
    edits: &[(u64, Edit)],
    to: &mut impl Storage,
) -> Result<u64, LogError> {
    for (cycle, _) in edits {
        reader.record(*cycle)?;
    }
    let mut chain = [0; 32];
    let mut end = 0;
    let mut block = Vec::new();
    for item in reader.blocks_from(0) {
        let (mut header, mut payload) = item?;
        if header.kind == BlockKind::Records {
            let layout = reader.epoch(header.epoch_offset)?.record;
            for bytes in payload.chunks_exact_mut(layout.len()) {
                apply_all(&layout, bytes, edits, header.offset)?;
            }
        }
        header.previous_chain = chain;
        block.clear();
        header.seal(&payload, &mut block);
        chain = header.chain;
        to.write_at(&block, header.offset).map_err(LogError::storage("writing", header.offset))?;
        end = header.end();
    }
    to.set_len(end).map_err(LogError::storage("cutting", end))?;
    to.sync().map_err(LogError::storage("syncing", 0))?;
    Ok(end)
}

fn apply_all(
    layout: &RecordLayout,
    bytes: &mut [u8],
    edits: &[(u64, Edit)],
    offset: u64,
) -> Result<(), LogError> {
    let bad = |source| LogError::Record { offset, index: 0, source };
    let cycle = RecordView::new(layout, bytes).map_err(bad)?.cycle();
    for (_, edit) in edits.iter().filter(|(of, _)| *of == cycle) {
        let mut record = RecordMut::edit(layout, bytes).map_err(bad)?;
        apply(&mut record, edit).map_err(|what| LogError::Request(format!("cycle {cycle}: {what}")))?;
    }
    Ok(())
}

fn apply(record: &mut RecordMut<'_>, edit: &Edit) -> Result<(), String> {
    let byte = |image: &mut [u8], offset: usize, change: &dyn Fn(u8) -> u8| {
        let len = image.len();
        let byte =
            image.get_mut(offset).ok_or_else(|| format!("byte {offset} of an image of {len} bytes"))?;
        *byte = change(*byte);
        Ok(())
    };
    match *edit {
        Edit::FlipInput { bit } => byte(record.inputs_mut(), bit / 8, &|old| old ^ (1 << (bit % 8))),
        Edit::SetInput { offset, value } => byte(record.inputs_mut(), offset, &|_| value),
        Edit::FlipOutput { bit } => byte(record.outputs_mut(), bit / 8, &|old| old ^ (1 << (bit % 8))),
        Edit::SetOutput { offset, value } => byte(record.outputs_mut(), offset, &|_| value),
        Edit::SetValid(valid) => {
            record.set_valid(valid);
            Ok(())
        }
        Edit::SetStateHash(hash) => {
            record.set_state_hash(hash);
            Ok(())
        }
        Edit::ClearInbox => {
            record.clear_inbox();
            Ok(())
        }
        Edit::AddInbox(entry) => {
            if record.push_inbox(&entry) {
                Ok(())
            } else {
                Err("its inbox is full".into())
            }
        }
    }
}
