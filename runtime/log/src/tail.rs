//! Where a log ends: after a clean end, a killed process, or a power failure that kept some sectors and lost others.

use crate::{
    LogError,
    block::{self, HEADER_LEN, Header, HeaderError, PAGE, header_before, read_header, read_payload},
    storage::ReadAt,
};

/// The trustworthy part of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    /// The last good block.
    pub last: Header,
    /// One past it.
    pub end: u64,
    /// Bytes behind it that are torn.
    pub torn_bytes: u64,
    /// Highest cycle that a block behind it claims to hold; `last.last_cycle` if there is none.
    pub torn_cycle: u64,
}

/// The identity of a log, from its first block.
pub(crate) fn identify(source: &impl ReadAt) -> Result<[u8; 16], LogError> {
    let len = source.len().map_err(LogError::storage("asking for the size", 0))?;
    let mut bytes = [0; HEADER_LEN];
    if len < PAGE {
        return Err(LogError::Foreign { what: format!("{len} bytes, a log has at least {PAGE}") });
    }
    source.read_at(&mut bytes, 0).map_err(LogError::storage("reading the first block", 0))?;
    let first = Header::decode(&bytes, 0).map_err(|error| match error {
        HeaderError::Magic => LogError::Foreign { what: "it does not begin like one".into() },
        HeaderError::Version { actual } => LogError::Version { expected: block::VERSION, actual },
        other => LogError::altered(0, other.to_string()),
    })?;
    if first.sequence != 0 {
        return Err(LogError::altered(0, format!("block {} stands first", first.sequence)));
    }
    Ok(first.log_id)
}

/// Find the end of the good part, verifying at least the last `verify_len` bytes; with 0, for readers, what is
/// damaged before that is left for them to meet.
///
/// The last block that is whole says how far the file was durable when it was written. What lies before that must be
/// good, or the file was altered. Behind it the power may have failed: blocks count up to the first one that does
/// not follow its predecessor, whatever else survived further on.
pub(crate) fn find(source: &impl ReadAt, log_id: &[u8; 16], verify_len: u64) -> Result<Tail, LogError> {
    let len = source.len().map_err(LogError::storage("asking for the size", 0))?;
    let plausible = last_whole_block(source, len, log_id)?
        .ok_or_else(|| LogError::altered(0, "not one whole block is left"))?;
    let durable = plausible.durable_offset;
    if durable > plausible.offset || !durable.is_multiple_of(PAGE) {
        let what = format!("durable offset {durable} of a block at {}", plausible.offset);
        return Err(LogError::altered(plausible.offset, what));
    }
    let from = plausible.end().saturating_sub(verify_len);
    let start = if from < durable {
        header_before(source, from + PAGE, 0, log_id)?.map_or(0, |header| header.offset)
    } else {
        durable
    };
    let mut walk = Walk::new(start);
    let mut payload = Vec::new();
    while walk.offset <= plausible.offset {
        match walk.step(source, len, log_id, &mut payload) {
            Ok(_) => {}
            Err(LogError::Altered { offset, .. }) if offset >= durable && offset > 0 => break,
            Err(error) => return Err(error),
        }
    }
    let last = match walk.last {
        Some(last) => last,
        None => before(source, walk.offset, log_id, verify_len > 0)?,
    };
    Ok(Tail {
        last,
        end: walk.offset,
        torn_bytes: len - walk.offset,
        torn_cycle: if walk.offset <= plausible.offset { plausible.last_cycle } else { last.last_cycle },
    })
}

/// The block that ends at `end`, which was durable. Whoever only reads is given the last good one before it, if it is
/// damaged all the same, and meets the damage where it is.
fn before(source: &impl ReadAt, end: u64, log_id: &[u8; 16], strict: bool) -> Result<Header, LogError> {
    let damaged = || LogError::altered(end.saturating_sub(PAGE), "no block ends where the next one begins");
    let header = last_whole_block(source, end, log_id)?.ok_or_else(damaged)?;
    if strict && header.end() != end {
        return Err(LogError::altered(header.end(), "no block ends where the next one begins"));
    }
    Ok(header)
}

/// Going down from the end of the file.
fn last_whole_block(source: &impl ReadAt, len: u64, log_id: &[u8; 16]) -> Result<Option<Header>, LogError> {
    let mut at = len;
    let mut payload = Vec::new();
    // A page that is cut off cannot begin a block.
    at -= at % PAGE;
    while let Some(header) = header_before(source, at, 0, log_id)? {
        if header.end() <= len && read_payload(source, &header, &mut payload).is_ok() {
            return Ok(Some(header));
        }
        at = header.offset;
    }
    Ok(None)
}

/// Goes from block to block and checks all that can be checked from one to the next.
pub(crate) struct Walk {
    /// Where the next block begins.
    pub offset: u64,
    /// The block before it.
    pub last: Option<Header>,
}

impl Walk {
    /// From the block at `offset`, whose predecessor is not known.
    pub const fn new(offset: u64) -> Self {
        Self { offset, last: None }
    }

    /// Check one block, leave its payload in `payload`, and go on behind it.
    pub fn step(
        &mut self,
        source: &impl ReadAt,
        len: u64,
        log_id: &[u8; 16],
        payload: &mut Vec<u8>,
    ) -> Result<Header, LogError> {
        let at = self.offset;
        let altered = |what: String| LogError::altered(at, what);
        if at.saturating_add(PAGE) > len {
            return Err(altered("the file ends inside a block".into()));
        }
        let header = read_header(source, at, log_id)?;
        if header.end() > len {
            return Err(altered("the file ends inside a block".into()));
        }
        let (sequence, chain, cycle, durable) = match &self.last {
            Some(last) => (last.sequence + 1, last.chain, last.last_cycle, last.durable_offset),
            None if at == 0 => (0, [0; 32], 0, 0),
            None => (header.sequence, header.previous_chain, 0, 0),
        };
        if header.sequence != sequence {
            return Err(altered(format!("block {}, expected block {sequence}", header.sequence)));
        }
        if header.previous_chain != chain {
            return Err(altered("it does not follow the block before it (hash chain)".into()));
        }
        if header.last_cycle < cycle {
            return Err(altered(format!("cycle {} after cycle {cycle}", header.last_cycle)));
        }
        if header.durable_offset < durable || header.durable_offset > at {
            return Err(altered(format!("durable offset {}", header.durable_offset)));
        }
        read_payload(source, &header, payload)?;
        if header.compute_chain(payload) != header.chain {
            return Err(altered("content and hash chain do not match".into()));
        }
        check_padding(source, &header)?;
        self.offset = header.end();
        self.last = Some(header);
        Ok(header)
    }
}

/// Padding is covered by no CRC: it is zero.
fn check_padding(source: &impl ReadAt, header: &Header) -> Result<(), LogError> {
    let used = header.offset + HEADER_LEN as u64 + u64::from(header.payload_len);
    let mut padding = [0; PAGE as usize];
    let padding = &mut padding[..(header.end() - used) as usize];
    source.read_at(padding, used).map_err(LogError::storage("reading padding", used))?;
    match padding.iter().position(|byte| *byte != 0) {
        None => Ok(()),
        Some(at) => {
            let what = format!("byte {} behind the payload is not zero", used + at as u64);
            Err(LogError::altered(header.offset, what))
        }
    }
}
