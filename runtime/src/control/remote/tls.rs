//! A connection's server side in TLS 1.3, over a socket that never blocks.

use rustls::{
    ServerConfig, ServerConnection,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer},
    version::TLS13,
};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    sync::Arc,
};

/// Bytes of plain text that wait to be sent as records; what is more waits with its client.
const WAITING_MAX: usize = 64 * 1024;
/// Reads from the network in one go: whoever sends records without anything in them gets no more of the thread's time.
const READS_MAX: usize = 16;
/// The first byte of a TLS handshake: the content type of its first record (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;

/// The one implementation of TLS's algorithms that is used.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// For connections to this certificate: TLS 1.3 and nothing before it, nothing kept from one connection for the next.
///
/// # Errors
/// If key and certificate do not go together.
pub fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13])?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

/// A connection.
pub struct Secured {
    socket: TcpStream,
    tls: Box<ServerConnection>,
    /// Bytes that came from the network.
    received: usize,
    /// Bytes that went there.
    sent: usize,
    /// Bytes that were decrypted and not taken yet.
    plain: usize,
}

impl Secured {
    /// Over a socket that has just been accepted.
    ///
    /// # Errors
    /// If the socket cannot be set up.
    pub fn new(socket: TcpStream, config: &Arc<ServerConfig>) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let mut tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        tls.set_buffer_limit(Some(WAITING_MAX));
        Ok(Self { socket, tls: Box::new(tls), received: 0, sent: 0, plain: 0 })
    }

    /// The socket, to be waited for.
    pub const fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Bytes that came from the network so far.
    pub const fn received(&self) -> usize {
        self.received
    }

    /// Bytes that went to the network so far.
    pub const fn sent(&self) -> usize {
        self.sent
    }

    /// There is plain text that was not taken yet: the socket has no word of it.
    pub const fn has_plain(&self) -> bool {
        self.plain > 0
    }

    /// The handshake is still under way.
    pub fn is_handshaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    /// Records wait to be sent.
    pub fn wants_write(&self) -> bool {
        self.tls.wants_write()
    }

    /// What has come, decrypted; nothing at its end.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] if there is nothing now; anything else, and the connection is over.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for _ in 0..READS_MAX {
            match self.tls.reader().read(buffer) {
                Ok(len) => {
                    self.plain = self.plain.saturating_sub(len);
                    return Ok(len);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Its end without the words for it: no line is taken for whole that is not.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) => return Err(error),
            }
            if self.received == 0 && !self.begins_as_tls()? {
                return Err(io::Error::new(ErrorKind::InvalidData, "it speaks no TLS"));
            }
            self.received = self.received.saturating_add(self.tls.read_tls(&mut self.socket)?);
            let state = self.tls.process_new_packets();
            // The answer of the handshake, or what is wrong with it.
            let sent = self.flush();
            self.plain = state
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?
                .plaintext_bytes_to_read();
            sent.or_else(|error| if error.kind() == ErrorKind::WouldBlock { Ok(()) } else { Err(error) })?;
        }
        Err(ErrorKind::WouldBlock.into())
    }

    /// Whoever speaks something else gets no answer, not even an alert.
    fn begins_as_tls(&self) -> io::Result<bool> {
        let mut first = [0];
        Ok(self.socket.peek(&mut first)? == 0 || first == [HANDSHAKE])
    }

    /// Take bytes to be sent: as many as there is room for.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] if there is no room; anything else, and the connection is over.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let taken = self.tls.writer().write(bytes)?;
            match self.flush() {
                Err(error) if error.kind() != ErrorKind::WouldBlock || taken == 0 => return Err(error),
                Ok(()) if taken == 0 && !bytes.is_empty() => {}
                _ => return Ok(taken),
            }
        }
    }

    /// Send what waits.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] if not all of it could be sent; anything else, and the connection is over.
    pub fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket)? {
                0 => return Err(ErrorKind::WriteZero.into()),
                len => self.sent = self.sent.saturating_add(len),
            }
        }
        Ok(())
    }

    /// Say that nothing more comes, as far as that can be said at once.
    pub fn say_goodbye(&mut self) {
        self.tls.send_close_notify();
        let _ = self.flush();
    }
}
