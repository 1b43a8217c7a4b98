//! The control socket as a run sees it: opened before the first cycle, looked after now and then, closed at the end.

use crate::{
    control::{
        audit::Audit,
        place::{self, Place},
        remote::{
            directory::{Directory, Opened},
            gate::{self, Gate},
        },
        server::{ControlServer, LogFacts, Wiring, files_hash},
    },
    evidence::Reason,
    inbox::Inbox,
    publish::Publisher,
    recorder::LogSession,
    reload::{self, SharedFacts},
    rt,
    run::Options,
    snapshot,
    states::Editions,
    status::Status,
};
use anyhow::Context;
use sensai_fieldbus::clock;
use sensai_model::Cell;
use std::{
    net::{SocketAddr, TcpListener},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, mpsc},
};

/// Where the control socket is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Control {
    /// Nowhere.
    #[default]
    Off,
    /// Where the cell's name says.
    Default,
    /// There.
    Path(PathBuf),
}

/// A way in from a network.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Where.
    pub address: SocketAddr,
    /// The key, the certificate, and the tokens.
    pub directory: Directory,
}

/// The control socket of a run; nothing at all without one.
#[derive(Default)]
pub struct ControlSession {
    server: Option<ControlServer>,
    publisher: Option<Publisher>,
    /// What commands leave for the log.
    texts: Option<mpsc::Receiver<String>>,
    log: LogFacts,
    told: String,
}

/// Where the control socket leads, beside the cycle.
#[derive(Default)]
pub struct Ways {
    /// Texts of verdicts.
    pub reasons: Option<mpsc::Sender<Reason>>,
    /// Reloads of programs.
    pub reloads: Option<mpsc::Sender<reload::Request>>,
    /// What became of the last one.
    pub reload: SharedFacts,
}

/// The audit file beside the log.
fn audit(options: &Options) -> anyhow::Result<Option<Arc<Audit>>> {
    let open = |log: &PathBuf| {
        let mut name = log.clone().into_os_string();
        name.push(".audit");
        Audit::open(Path::new(&name))
            .map(Arc::new)
            .context("cannot go on with the audit file; keep it, move it elsewhere, and start again")
    };
    options.log.as_ref().map(open).transpose()
}

/// Take the address, once there is a key and nobody else may read it.
fn network(listen: &Listen) -> anyhow::Result<(TcpListener, Opened, Directory)> {
    let opened = listen.directory.open().context("--listen")?;
    let listener = gate::listen(listen.address)?;
    Ok((listener, opened, listen.directory.clone()))
}

/// What a run needs for its control socket and may not get: taken before the run leaves a trace anywhere.
#[derive(Default)]
pub struct Claim {
    place: Option<(Place, UnixListener)>,
    network: Option<(TcpListener, Opened, Directory)>,
    audit: Option<Arc<Audit>>,
    interface: Option<String>,
    told: String,
    editions: Editions,
}

impl Claim {
    /// Take the place, and open the audit file. `interface` is `None` for the embedded segment.
    ///
    /// # Errors
    /// If another runtime is there, or the audit file cannot be gone on with. A simulation that was not given a place goes
    /// on without one: it may run beside another one, and wherever nothing may be written; a machine may not, nor may who is
    /// to be reached over a network.
    pub fn new(cell: &Cell, options: &Options, interface: Option<&str>) -> anyhow::Result<Self> {
        let path = match &options.control {
            Control::Off if options.watch => return Ok(Self { audit: audit(options)?, ..Self::default() }),
            Control::Off => return Ok(Self::default()),
            Control::Default => place::default_path(&cell.name),
            Control::Path(path) => path.clone(),
        };
        let place = match place::claim(&path, options.control_group.as_deref()) {
            Ok(place) => place,
            Err(error)
                if options.control == Control::Default && interface.is_none() && options.listen.is_none() =>
            {
                let told = format!("no control socket: {error}");
                let audit = if options.watch { audit(options)? } else { None };
                return Ok(Self { told, audit, ..Self::default() });
            }
            Err(error) => return Err(error.into()),
        };
        let mut told = format!("control socket {}", place.0.path().display());
        let network = options.listen.as_ref().map(network).transpose()?;
        if let Some((listener, opened, _)) = &network {
            let (address, fingerprint) = (listener.local_addr()?, opened.fingerprint);
            told.push_str(&format!("\ncontrol socket {address}, certificate {fingerprint}"));
        }
        Ok(Self {
            place: Some(place),
            network,
            audit: audit(options)?,
            interface: interface.map(str::to_owned),
            told,
            editions: Editions::default(),
        })
    }

    /// The audit file, for who changes something beside the socket.
    pub fn audit(&self) -> Option<Arc<Audit>> {
        self.audit.clone()
    }

    /// What runs in each edition of the programs, for who changes it.
    pub fn editions(&self) -> Editions {
        self.editions.clone()
    }

    /// Serve it. `core` is the cyclic thread's, which the control thread keeps off; the texts of verdicts go to `reasons`.
    ///
    /// # Errors
    /// If the thread cannot be made.
    pub fn serve(
        self,
        cell: &Arc<Cell>,
        options: &Options,
        status: &Arc<Status>,
        core: Option<usize>,
        inbox: &mut Inbox,
        Ways { reasons, reloads, reload }: Ways,
    ) -> anyhow::Result<ControlSession> {
        let Some((place, listener)) = self.place else {
            return Ok(ControlSession { told: self.told, ..ControlSession::default() });
        };
        let (publisher, snapshots) = snapshot::channel(cell, self.editions.clone());
        let (sender, texts) = mpsc::channel();
        let log = LogFacts::default();
        let wiring = Wiring {
            cell: Arc::clone(cell),
            hash: files_hash(&options.files),
            interface: self.interface,
            status: Arc::clone(status),
            snapshots,
            commands: inbox.open_control(),
            audit: self.audit,
            texts: sender,
            reasons,
            reloads,
            reload,
            log: Arc::clone(&log),
            editions: self.editions,
            started_ns: clock::monotonic_ns(),
        };
        let other = rt::cores().into_iter().find(|other| Some(*other) != core);
        let gate =
            self.network.map(|(listener, opened, directory)| Gate::new(listener, opened.config, directory));
        let gate = gate.transpose().context("cannot make a thread")?;
        let server =
            ControlServer::start(place, listener, gate, wiring, other).context("cannot make a thread")?;
        let (server, publisher, texts) = (Some(server), Some(publisher), Some(texts));
        Ok(ControlSession { server, publisher, texts, log, told: self.told })
    }
}

impl ControlSession {
    /// What there is to tell, in a line; empty if there is nothing.
    pub fn told(&self) -> &str {
        &self.told
    }

    /// The cyclic thread's end; once.
    pub fn publisher(&mut self) -> Option<Publisher> {
        self.publisher.take()
    }

    /// Carry to and fro between the socket and the log.
    pub fn look_after(&self, session: &LogSession) {
        for text in self.texts.iter().flat_map(mpsc::Receiver::try_iter) {
            session.event(&text);
        }
        if self.server.is_some() {
            *self.log.lock().unwrap_or_else(PoisonError::into_inner) = session.statistics();
        }
    }

    /// Tell the clients that it is over, and keep what the last commands left.
    pub fn close(&mut self, session: &LogSession) {
        drop(self.server.take());
        self.look_after(session);
    }
}
