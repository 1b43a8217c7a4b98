//! Room for a state that may become longer or shorter when its program is replaced, without being made anew.

use std::ops::Deref;

/// Bytes in a buffer that may be longer than they are.
#[derive(Debug)]
pub(super) struct Room {
    buffer: Box<[u8]>,
    len: usize,
}

impl Room {
    /// With these bytes, and no more room than they take.
    pub fn of(bytes: &[u8]) -> Self {
        Self { buffer: bytes.into(), len: bytes.len() }
    }

    /// Hold these bytes from now on. There is room for them: whoever replaced the program has seen to that.
    pub fn put(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.buffer.len(), "{} bytes for {}", bytes.len(), self.buffer.len());
        self.len = bytes.len().min(self.buffer.len());
        if let (Some(place), Some(bytes)) = (self.buffer.get_mut(..self.len), bytes.get(..self.len)) {
            place.copy_from_slice(bytes);
        }
    }

    /// The bytes, to change them.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.len).unwrap_or_default()
    }

    /// Take another buffer if it has more room; the smaller one is left in its place. What is held stays.
    pub fn exchange(&mut self, other: &mut Box<[u8]>) {
        let held = self.buffer.get(..self.len).unwrap_or_default();
        let is_larger = other.len() > self.buffer.len();
        if let Some(place) = other.get_mut(..self.len).filter(|_| is_larger) {
            place.copy_from_slice(held);
            std::mem::swap(&mut self.buffer, other);
        }
    }
}

impl Deref for Room {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Room;

    #[test]
    fn a_larger_buffer_takes_over_what_is_held() {
        let mut room = Room::of(&[1, 2]);
        let mut small: Box<[u8]> = Box::new([9]);
        room.exchange(&mut small);
        assert_eq!((&*room, &*small), (&[1, 2][..], &[9][..]));
        let mut large: Box<[u8]> = Box::new([9; 4]);
        room.exchange(&mut large);
        assert_eq!((&*room, &*large), (&[1, 2][..], &[1, 2][..]));
        room.put(&[5, 6, 7, 8]);
        assert_eq!(&*room, [5, 6, 7, 8]);
        room.put(&[3]);
        room.bytes_mut().fill(4);
        assert_eq!(&*room, [4]);
    }
}
