//! A client's connection, whichever way it came: none of its calls waits.

use crate::control::remote::tls::Secured;
use rustix::event::PollFlags;
use std::{
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

/// A connection.
pub enum Stream {
    /// Over the socket of this computer.
    Local(UnixStream),
    /// Over a network.
    Remote(Secured),
}

impl Stream {
    /// What has come; nothing at its end.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if there is nothing now; anything else, and the connection is over. So it is in
    /// [`Stream::write`] and [`Stream::flush`], with room in the place of bytes.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Local(stream) => stream.read(buffer),
            Self::Remote(secured) => secured.read(buffer),
        }
    }

    /// Take bytes to be sent, as many as there is room for.
    ///
    /// # Errors
    /// See [`Stream::read`].
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Local(stream) => stream.write(bytes),
            Self::Remote(secured) => secured.write(bytes),
        }
    }

    /// Send what was taken.
    ///
    /// # Errors
    /// See [`Stream::read`].
    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Local(_) => Ok(()),
            Self::Remote(secured) => secured.flush(),
        }
    }

    /// Something was taken and not sent yet.
    pub fn is_sending(&self) -> bool {
        match self {
            Self::Local(_) => false,
            Self::Remote(secured) => secured.wants_write(),
        }
    }

    /// Bytes that went to the network, where that is not what was taken.
    pub const fn sent(&self) -> usize {
        match self {
            Self::Local(_) => 0,
            Self::Remote(secured) => secured.sent(),
        }
    }

    /// Something can be read although the socket has nothing.
    pub const fn has_more(&self) -> bool {
        match self {
            Self::Local(_) => false,
            Self::Remote(secured) => secured.has_plain(),
        }
    }

    /// Say that nothing more comes.
    pub fn say_goodbye(&mut self) {
        if let Self::Remote(secured) = self {
            secured.say_goodbye();
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Local(stream) => stream.as_fd(),
            Self::Remote(secured) => secured.socket().as_fd(),
        }
    }
}

/// What to wait for on a socket.
pub fn wanted(reads: bool, writes: bool) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, reads);
    flags.set(PollFlags::OUT, writes);
    flags
}
