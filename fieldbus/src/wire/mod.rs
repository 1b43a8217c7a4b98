//! What frames travel on: a raw socket, or devices simulated in this process. One MainDevice code for both.

mod raw_socket;

pub use raw_socket::{RawSocket, WireError};

/// A wire with EtherCAT frames on it.
pub trait Wire {
    /// Send one frame, header included. False if it cannot be sent now.
    fn send(&mut self, frame: &[u8]) -> bool;
    /// Length of a frame that has already arrived; never blocks. 0-length frames do not exist.
    fn recv(&mut self, buf: &mut [u8]) -> Option<usize>;
    /// Sleep until a frame arrives, at most until `until_ns` on [`crate::clock`]. May return early. On virtual time
    /// it moves the clock to `until_ns` when nothing is there to receive: whoever waits relies on time going on.
    fn wait(&mut self, until_ns: u64);
}

/// A borrowed wire: its owner has it back afterwards, to see what became of it.
impl<W: Wire + ?Sized> Wire for &mut W {
    fn send(&mut self, frame: &[u8]) -> bool {
        (**self).send(frame)
    }
    fn recv(&mut self, buf: &mut [u8]) -> Option<usize> {
        (**self).recv(buf)
    }
    fn wait(&mut self, until_ns: u64) {
        (**self).wait(until_ns);
    }
}

/// A wire chosen while running.
impl<W: Wire + ?Sized> Wire for Box<W> {
    fn send(&mut self, frame: &[u8]) -> bool {
        (**self).send(frame)
    }
    fn recv(&mut self, buf: &mut [u8]) -> Option<usize> {
        (**self).recv(buf)
    }
    fn wait(&mut self, until_ns: u64) {
        (**self).wait(until_ns);
    }
}
