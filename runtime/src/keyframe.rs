//! Plain bytes in a fixed order: how a machine's state is written and read back. Little endian, no gaps.

use crate::machine::KeyframeError;

/// Writes into a buffer, or only counts.
pub struct Writer<'a> {
    buffer: Option<&'a mut [u8]>,
    at: usize,
}

impl<'a> Writer<'a> {
    /// Counts only.
    pub fn measure() -> Self {
        Self { buffer: None, at: 0 }
    }

    /// Writes into `buffer`, which must be long enough.
    pub fn into(buffer: &'a mut [u8]) -> Self {
        Self { buffer: Some(buffer), at: 0 }
    }

    /// Append bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if let Some(buffer) = &mut self.buffer {
            buffer[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        }
        self.at += bytes.len();
    }

    /// Append `len` bytes that `fill` writes.
    pub fn fill(&mut self, len: usize, fill: impl FnOnce(&mut [u8])) {
        if let Some(buffer) = &mut self.buffer {
            fill(&mut buffer[self.at..self.at + len]);
        }
        self.at += len;
    }

    /// Append a number.
    pub fn u64(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    /// Bytes written so far.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.at
    }
}

/// Reads what [`Writer`] wrote.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// From the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], KeyframeError> {
        let end = self.at.saturating_add(len);
        let taken = self
            .bytes
            .get(self.at..end)
            .ok_or(KeyframeError::Short { expected: end, actual: self.bytes.len() })?;
        self.at = end;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], KeyframeError> {
        let mut out = [0; N];
        self.fill(&mut out)?;
        Ok(out)
    }

    /// Fill `out` with the next bytes.
    pub fn fill(&mut self, out: &mut [u8]) -> Result<(), KeyframeError> {
        out.copy_from_slice(self.take(out.len())?);
        Ok(())
    }

    /// The next number.
    pub fn u64(&mut self) -> Result<u64, KeyframeError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), KeyframeError> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            left => Err(KeyframeError::Long(left)),
        }
    }
}
