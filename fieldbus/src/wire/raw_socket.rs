//! EtherCAT frames of one network interface, through an `AF_PACKET` socket.
//!
//! Read first: packet(7). The only unsafe code of the EtherCAT side; every call is one system call.

#![allow(unsafe_code)]

use super::Wire;
use crate::clock;
use std::{ffi::CString, io, os::fd::FromRawFd, os::fd::OwnedFd};
use std::{mem::zeroed, os::fd::AsRawFd};

/// EtherType of EtherCAT, in the byte order the kernel wants it in.
const PROTOCOL: u16 = 0x88a4_u16.to_be();

/// How long to wait for a link.
const LINK_WAIT_NS: u64 = 3_000_000_000;

/// Why an interface cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// There is no interface of this name.
    #[error("network interface `{interface}` does not exist; this host has: {}", .available.join(", "))]
    NoSuchInterface {
        /// The name asked for.
        interface: String,
        /// The names there are.
        available: Vec<String>,
    },
    /// The process may not open raw sockets.
    #[error(
        "no privilege to send raw frames on `{interface}`: CAP_NET_RAW is needed (run as root, or once \
         `sudo setcap cap_net_raw,cap_sys_nice,cap_ipc_lock+ep <path of the sensai binary>`)"
    )]
    NoPrivilege {
        /// The interface.
        interface: String,
    },
    /// The interface is administratively down.
    #[error("network interface `{interface}` is down: `ip link set {interface} up`")]
    InterfaceDown {
        /// The interface.
        interface: String,
    },
    /// The interface is up, but nothing is connected.
    #[error(
        "network interface `{interface}` has no link: check the cable and the power of the first device, and wait a \
         few seconds after switching on"
    )]
    NoLink {
        /// The interface.
        interface: String,
    },
    /// The system refused, for another reason.
    #[error("network interface `{interface}`: {call} failed: {reason}")]
    System {
        /// The interface.
        interface: String,
        /// The system call.
        call: &'static str,
        /// The system's text.
        reason: String,
    },
}

/// A non-blocking `AF_PACKET` socket bound to one interface. Needs `CAP_NET_RAW`.
#[derive(Debug)]
pub struct RawSocket {
    socket: OwnedFd,
    interface: String,
}

impl RawSocket {
    /// Open the interface, which must exist, be up and have a link.
    ///
    /// # Errors
    /// One [`WireError`] for each thing that can be in the way, with what to do about it.
    pub fn open(interface: &str) -> Result<Self, WireError> {
        Ok(Self { socket: open(interface)?, interface: interface.to_owned() })
    }

    /// Open the same interface again, after it has vanished and come back. Not for the cyclic path.
    ///
    /// # Errors
    /// As [`RawSocket::open`]; the old socket is kept then.
    pub fn reopen(&mut self) -> Result<(), WireError> {
        self.socket = open(&self.interface)?;
        Ok(())
    }

    /// The socket's number, for a watchdog that closes it when this thread hangs.
    pub fn descriptor(&self) -> i32 {
        self.socket.as_raw_fd()
    }

    /// The interface's name.
    pub fn interface(&self) -> &str {
        &self.interface
    }
}

impl Wire for RawSocket {
    fn send(&mut self, frame: &[u8]) -> bool {
        // SAFETY: `frame` is valid for reads of its own length for the duration of the call.
        let sent = unsafe { libc::send(self.socket.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        usize::try_from(sent).is_ok_and(|sent| sent == frame.len())
    }

    fn recv(&mut self, buf: &mut [u8]) -> Option<usize> {
        // SAFETY: `buf` is valid for writes of its own length for the duration of the call.
        let len = unsafe { libc::recv(self.socket.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len(), 0) };
        usize::try_from(len).ok().filter(|len| *len > 0)
    }

    fn wait(&mut self, until_ns: u64) {
        let left = until_ns.saturating_sub(clock::now_ns());
        let mut poll = libc::pollfd { fd: self.socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let timeout = libc::timespec {
            tv_sec: (left / 1_000_000_000).cast_signed(),
            tv_nsec: (left % 1_000_000_000).cast_signed(),
        };
        // SAFETY: one pollfd and one timespec, both alive for the duration of the call; no signal mask.
        let ready = unsafe { libc::ppoll(&raw mut poll, 1, &raw const timeout, std::ptr::null()) };
        if ready == 0 {
            clock::advance_to(until_ns);
        }
    }
}

fn open(interface: &str) -> Result<OwnedFd, WireError> {
    let system = |call| move || system_error(interface, call);
    let index = index_of(interface)?;
    let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let fd = unsafe { libc::socket(libc::AF_PACKET, kind, PROTOCOL.into()) };
    if fd < 0 {
        return Err(system_error(interface, "socket"));
    }
    // SAFETY: `fd` was just opened and nobody else owns it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    await_link(&socket, interface)?;

    let on: libc::c_int = 1;
    // SAFETY: the option's value is a c_int, alive for the duration of the call.
    let set = unsafe {
        libc::setsockopt(
            fd,
            libc::SOL_PACKET,
            libc::PACKET_IGNORE_OUTGOING,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    (set == 0).then_some(()).ok_or_else(system("setsockopt PACKET_IGNORE_OUTGOING (Linux 4.20)"))?;

    // SAFETY: all-zero bytes are a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = libc::AF_PACKET as libc::sa_family_t;
    address.sll_protocol = PROTOCOL;
    address.sll_ifindex = index;
    // SAFETY: `address` is a sockaddr_ll of the length given, alive for the duration of the call.
    let bound =
        unsafe { libc::bind(fd, (&raw const address).cast(), size_of_val(&address) as libc::socklen_t) };
    (bound == 0).then_some(socket).ok_or_else(system("bind"))
}

fn index_of(interface: &str) -> Result<libc::c_int, WireError> {
    let missing = || WireError::NoSuchInterface { interface: interface.to_owned(), available: interfaces() };
    let name = CString::new(interface).map_err(|_| missing())?;
    // SAFETY: `name` is a NUL-terminated string, alive for the duration of the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    libc::c_int::try_from(index).ok().filter(|index| *index > 0).ok_or_else(missing)
}

/// The names of all interfaces of this network namespace.
fn interfaces() -> Vec<String> {
    let mut names = Vec::new();
    // SAFETY: the list is walked up to its end mark (index 0) and freed once; names are NUL-terminated.
    unsafe {
        let list = libc::if_nameindex();
        let mut at = list;
        while !at.is_null() && (*at).if_index != 0 {
            names.push(std::ffi::CStr::from_ptr((*at).if_name).to_string_lossy().into_owned());
            at = at.add(1);
        }
        if !list.is_null() {
            libc::if_freenameindex(list);
        }
    }
    names
}

/// A link takes a moment after somebody has switched the interface on.
fn await_link(socket: &OwnedFd, interface: &str) -> Result<(), WireError> {
    let deadline = clock::monotonic_ns() + LINK_WAIT_NS;
    loop {
        match require_link(socket, interface) {
            Err(WireError::NoLink { .. }) if clock::monotonic_ns() < deadline => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

/// Up, and with a carrier.
fn require_link(socket: &OwnedFd, interface: &str) -> Result<(), WireError> {
    // SAFETY: all-zero bytes are a valid ifreq.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes().take(libc::IFNAMSIZ - 1)) {
        *to = from as libc::c_char;
    }
    // SAFETY: SIOCGIFFLAGS reads the name and writes the flags of the ifreq it is given.
    let got = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) };
    if got < 0 {
        return Err(system_error(interface, "ioctl SIOCGIFFLAGS"));
    }
    // SAFETY: the kernel has just written this member of the union.
    let flags = libc::c_int::from(unsafe { request.ifr_ifru.ifru_flags });
    if flags & libc::IFF_UP == 0 {
        Err(WireError::InterfaceDown { interface: interface.to_owned() })
    } else if flags & libc::IFF_RUNNING == 0 {
        Err(WireError::NoLink { interface: interface.to_owned() })
    } else {
        Ok(())
    }
}

fn system_error(interface: &str, call: &'static str) -> WireError {
    let error = io::Error::last_os_error();
    let interface = interface.to_owned();
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => WireError::NoPrivilege { interface },
        Some(libc::ENETDOWN) => WireError::InterfaceDown { interface },
        Some(libc::ENODEV | libc::ENXIO) => WireError::NoSuchInterface { interface, available: interfaces() },
        _ => WireError::System { interface, call, reason: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_interface_is_named_with_those_there_are() {
        let error = RawSocket::open("no-such-if0").unwrap_err();
        let WireError::NoSuchInterface { interface, available } = &error else { panic!("{error:?}") };
        assert_eq!(interface, "no-such-if0");
        assert!(available.iter().any(|name| name == "lo"), "{available:?}");
        assert!(error.to_string().starts_with("network interface `no-such-if0` does not exist"), "{error}");
    }

    #[test]
    fn a_name_with_a_zero_byte_is_just_missing() {
        assert!(matches!(RawSocket::open("a\0b"), Err(WireError::NoSuchInterface { .. })));
    }
}
