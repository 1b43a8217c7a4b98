//! Choices that come from a seed or from the bytes of a fuzzer.

/// A stream of choices: the same for the same seed or bytes.
pub struct Random {
    state: u64,
    /// Taken first.
    script: Vec<u8>,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d, script: Vec::new() }
    }

    /// Choices from these bytes, one after the other.
    #[allow(dead_code)]
    pub fn scripted(bytes: &[u8]) -> Self {
        Self { script: bytes.iter().rev().copied().collect(), ..Self::new(0) }
    }

    fn next(&mut self) -> u64 {
        if let Some(byte) = self.script.pop() {
            return u64::from(byte) | u64::from(self.script.pop().unwrap_or(0)) << 8;
        }
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Less than `count`.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// True once in `count` times.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.below(items.len())]
    }
}
