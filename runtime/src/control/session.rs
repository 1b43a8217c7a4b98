//! The control socket as a run sees it: opened before the first cycle, looked after now and then, closed at the end.

use crate::{
    control::{
        audit::Audit,
        place,
        server::{ControlServer, LogFacts, Wiring, files_hash},
    },
    inbox::Inbox,
    publish::Publisher,
    recorder::LogSession,
    rt,
    run::Options,
    snapshot,
    status::Status,
};
use anyhow::Context;
use sensai_fieldbus::clock;
use sensai_model::Cell;
use std::{
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

impl ControlSession {
    /// Listen, before there is a cycle: a second runtime of the same cell is refused in time. `interface` is `None` for
    /// the embedded segment; `core` is the cyclic thread's, which the control thread keeps off.
    ///
    /// # Errors
    /// If it cannot listen, or cannot go on with the audit file. A simulation goes on without a control socket if it was
    /// not given a place for it: it may run beside another one, and wherever nothing may be written; a machine may not.
    pub fn open(
        cell: &Arc<Cell>,
        options: &Options,
        interface: Option<&str>,
        status: &Arc<Status>,
        core: Option<usize>,
        inbox: &mut Inbox,
    ) -> anyhow::Result<Self> {
        let path = match &options.control {
            Control::Off => return Ok(Self::default()),
            Control::Default => place::default_path(&cell.name),
            Control::Path(path) => path.clone(),
        };
        let (place, listener) = match place::claim(&path, options.control_group.as_deref()) {
            Ok(claimed) => claimed,
            Err(error) if options.control == Control::Default && interface.is_none() => {
                return Ok(Self { told: format!("no control socket: {error}"), ..Self::default() });
            }
            Err(error) => return Err(error.into()),
        };
        let audit = options.log.as_ref().map(|log| {
            let mut name = log.clone().into_os_string();
            name.push(".audit");
            Audit::open(Path::new(&name)).context("cannot go on with the audit file")
        });
        let (publisher, snapshots) = snapshot::channel(cell);
        let (sender, texts) = mpsc::channel();
        let log = LogFacts::default();
        let wiring = Wiring {
            cell: Arc::clone(cell),
            hash: files_hash(&options.files),
            interface: interface.map(str::to_owned),
            status: Arc::clone(status),
            snapshots,
            commands: inbox.open_control(),
            audit: audit.transpose()?,
            texts: sender,
            log: Arc::clone(&log),
            started_ns: clock::monotonic_ns(),
        };
        let other = rt::cores().into_iter().find(|other| Some(*other) != core);
        let server = ControlServer::start(place, listener, wiring, other).context("cannot make a thread")?;
        let told = format!("control socket {}", server.path().display());
        Ok(Self { server: Some(server), publisher: Some(publisher), texts: Some(texts), log, told })
    }

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
