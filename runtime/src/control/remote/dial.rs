//! The other end: connecting to a machine over a network, and knowing it by its certificate.

use crate::control::remote::{
    fingerprint::Fingerprint,
    hosts::{Host, Trust},
    tls::provider,
};
use anyhow::Context;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    version::TLS13,
};
use std::{
    io::{self, ErrorKind},
    net::{TcpStream, ToSocketAddrs},
    sync::{Arc, OnceLock},
    time::Duration,
};

/// How long a machine may take to answer at all, and for each step of the handshake.
const CONNECT: Duration = Duration::from_secs(5);

/// A secured connection.
pub type Dialled = StreamOwned<ClientConnection, TcpStream>;

/// Connect, and make sure that it is the right machine. The token has not been shown yet.
///
/// # Errors
/// In words that say what to do.
pub fn dial(host: &Host) -> anyhow::Result<Dialled> {
    let seen = Arc::new(OnceLock::new());
    let config = config(&host.trust, Arc::clone(&seen))?;
    let name = match ServerName::try_from(host.host.clone()) {
        Ok(name) => name,
        // Who is known by his certificate may be called anything.
        Err(_) if matches!(host.trust, Trust::Fingerprint(_)) => ServerName::try_from("sensai")?,
        Err(_) => anyhow::bail!("`{}` is no name that a certificate can be for", host.host),
    };
    let mut socket = connect(host)?;
    let mut tls = ClientConnection::new(config, name).context("cannot begin a TLS connection")?;
    while tls.is_handshaking() {
        if let Err(error) = tls.complete_io(&mut socket) {
            return Err(explain(host, seen.get(), &error));
        }
    }
    Ok(StreamOwned::new(tls, socket))
}

fn connect(host: &Host) -> anyhow::Result<TcpStream> {
    let addresses = (host.host.as_str(), host.port).to_socket_addrs();
    let addresses = addresses.with_context(|| format!("there is no host `{}`", host.host))?;
    let mut last = io::Error::from(ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                socket.set_read_timeout(Some(CONNECT))?;
                socket.set_write_timeout(Some(CONNECT))?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(match last.kind() {
        ErrorKind::ConnectionRefused => anyhow::anyhow!(
            "nothing listens at {host}: start the runtime there with `sensai run CELL --listen ADDRESS:PORT --log LOG`"
        ),
        ErrorKind::TimedOut => {
            anyhow::anyhow!(
                "{host} does not answer: is it switched on, and does a firewall let the port through?"
            )
        }
        _ => anyhow::anyhow!("cannot connect to {host}: {last}"),
    })
}

fn explain(host: &Host, seen: Option<&Fingerprint>, error: &io::Error) -> anyhow::Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match (&host.trust, seen, tls) {
        (Trust::Fingerprint(expected), Some(got), _) if got != expected => anyhow::anyhow!(
            "the certificate of {host} is not the one that is expected\n  expected {expected}\n  got      {got}\nif its key was \
             made anew, compare this with `sensai access show` at the machine, and note it again with `sensai host add` or \
             --fingerprint; if not, somebody else answers in its place"
        ),
        (Trust::Authority(ca), _, Some(Error::InvalidCertificate(why))) => anyhow::anyhow!(
            "nobody in {} vouches for the certificate of {host}: {why}; is it made out for `{}`?",
            ca.display(),
            host.host
        ),
        (.., Some(Error::InvalidMessage(_))) => anyhow::anyhow!("what listens at {host} speaks no TLS"),
        (.., Some(error)) => anyhow::anyhow!("{host} speaks another TLS: {error}"),
        (.., None) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                anyhow::anyhow!("what listens at {host} does not answer")
            }
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => {
                anyhow::anyhow!(
                    "{host} closed the connection at once: no runtime of sensai, or one that is flooded"
                )
            }
            _ => anyhow::anyhow!("the connection to {host} broke: {error}"),
        },
    }
}

fn config(trust: &Trust, seen: Arc<OnceLock<Fingerprint>>) -> anyhow::Result<Arc<ClientConfig>> {
    let provider = provider();
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&[&TLS13])?;
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Fingerprint(expected) => Arc::new(Pinned { expected: *expected, seen, provider }),
        Trust::Authority(ca) => {
            let text = std::fs::read(ca).with_context(|| format!("cannot read {}", ca.display()))?;
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let added = certificate
                    .map_err(|error| error.to_string())
                    .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
                added.map_err(|error| anyhow::anyhow!("{}: {error}", ca.display()))?;
            }
            anyhow::ensure!(!roots.is_empty(), "{} has no certificate", ca.display());
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?
        }
    };
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// One certificate is right, whoever signed it and whatever it says of itself.
#[derive(Debug)]
struct Pinned {
    expected: Fingerprint,
    /// What the machine has shown, for who explains.
    seen: Arc<OnceLock<Fingerprint>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let got = Fingerprint::of(certificate);
        // The first one counts; there is one handshake.
        let _ = self.seen.set(got);
        if got == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken here".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // That it has the key of the certificate, too.
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
