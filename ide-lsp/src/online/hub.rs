//! Which running cells are followed, and what is known of them.
//!
//! A follower connects, takes one state after the other with a pause between two, and connects again when the connection
//! is gone. It leaves what it has in one place and rings; what was there before is gone, so that nothing piles up. A command
//! goes over a connection of its own, on a thread of its own, and its answer to the editor comes when it comes.

use super::{Command, Live, Online, Place};
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use lsp_server::{ErrorCode, RequestId, Response};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// States that are asked for, each second.
const HZ: f64 = 5.0;

/// Pause behind a state, whatever the runtime sends: with the time between two, five states a second.
const PAUSE: Duration = Duration::from_millis(150);

/// How long a follower waits for a state before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// Pause before it connects again.
const RETRY: Duration = Duration::from_secs(1);

/// Cells that are followed at a time.
const CELLS_MAX: usize = 8;

/// Commands under way at a time.
const COMMANDS_MAX: usize = 4;

/// How it stands with a running cell.
#[derive(Clone, Debug, Default)]
pub enum Standing {
    /// Nobody has answered yet.
    #[default]
    Connecting,
    /// This is how it is.
    Online(Arc<Live>),
    /// Nothing comes, and why; it is tried again.
    Lost(String),
}

/// A cell that is followed. Dropping it ends that.
struct Followed {
    place: Option<Place>,
    standing: Arc<Mutex<Standing>>,
    /// The other end ends when this one is gone.
    _stop: Sender<()>,
}

/// All cells that are followed.
pub struct Hub {
    online: Option<Arc<dyn Online>>,
    followed: BTreeMap<PathBuf, Followed>,
    ring: Sender<()>,
    bell: Receiver<()>,
    answer: Sender<Response>,
    answers: Receiver<Response>,
    under_way: usize,
}

impl Hub {
    /// Nothing is followed.
    pub fn new(online: Option<Arc<dyn Online>>) -> Self {
        let (ring, bell) = bounded(1);
        let (answer, answers) = bounded(COMMANDS_MAX);
        Self { online, followed: BTreeMap::new(), ring, bell, answer, answers, under_way: 0 }
    }

    /// Something is new.
    pub fn bell(&self) -> &Receiver<()> {
        &self.bell
    }

    /// Answers to commands; each has to be told to [`Hub::answered`].
    pub fn answers(&self) -> &Receiver<Response> {
        &self.answers
    }

    /// An answer was taken.
    pub fn answered(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Follow the cell in a directory from now on.
    ///
    /// # Errors
    /// Why not, in a sentence.
    pub fn attach(&mut self, cell: &Path, place: Option<Place>) -> Result<(), String> {
        let online = self.online.clone().ok_or("this server does not reach running cells")?;
        if self.followed.len() >= CELLS_MAX && !self.followed.contains_key(cell) {
            return Err(format!("{CELLS_MAX} cells are followed already; detach one of them"));
        }
        let standing = Arc::default();
        let (stop, stopped) = bounded(0);
        let mut follower = Follower {
            online,
            cell: cell.to_owned(),
            place: place.clone(),
            standing: Arc::clone(&standing),
            ring: self.ring.clone(),
            stopped,
        };
        let spawned = thread::Builder::new().name("online".into()).spawn(move || follower.run());
        spawned.map_err(|error| format!("no thread can be made: {error}"))?;
        self.followed.insert(cell.to_owned(), Followed { place, standing, _stop: stop });
        Ok(())
    }

    /// Follow a cell, or all, no longer; the ones that were.
    pub fn detach(&mut self, cell: Option<&Path>) -> Vec<PathBuf> {
        let meant: Vec<PathBuf> =
            self.followed.keys().filter(|of| cell.is_none_or(|cell| cell == of.as_path())).cloned().collect();
        for cell in &meant {
            self.followed.remove(cell);
        }
        meant
    }

    /// Cells that are followed, and how they stand.
    pub fn standings(&self) -> impl Iterator<Item = (&Path, Standing)> {
        self.followed.iter().map(|(cell, followed)| {
            let standing = followed.standing.lock().unwrap_or_else(PoisonError::into_inner).clone();
            (cell.as_path(), standing)
        })
    }

    /// What is known of a cell that is online.
    pub fn live(&self, cell: &Path) -> Option<Arc<Live>> {
        let followed = self.followed.get(cell)?;
        match &*followed.standing.lock().unwrap_or_else(PoisonError::into_inner) {
            Standing::Online(live) => Some(Arc::clone(live)),
            Standing::Connecting | Standing::Lost(_) => None,
        }
    }

    /// The only cell that is followed.
    pub fn only(&self) -> Option<&Path> {
        let mut all = self.followed.keys();
        all.next().filter(|_| all.next().is_none()).map(PathBuf::as_path)
    }

    /// Give a command to a cell that is followed; the answer comes through [`Hub::answers`].
    ///
    /// # Errors
    /// Why not, in a sentence.
    pub fn command(&mut self, cell: &Path, id: RequestId, command: Command) -> Result<(), String> {
        let online = self.online.clone().ok_or("this server does not reach running cells")?;
        let followed = self.followed.get(cell);
        let followed = followed.ok_or_else(|| format!("not attached to {}", cell.display()))?;
        if self.under_way >= COMMANDS_MAX {
            return Err(format!("{COMMANDS_MAX} commands are under way already"));
        }
        let (cell, place, answer) = (cell.to_owned(), followed.place.clone(), self.answer.clone());
        let work = move || {
            let link = online.connect(&cell, place.as_ref());
            let done = link.and_then(|mut link| link.command(&command));
            let response = match done {
                Ok(text) => Response::new_ok(id, serde_json::json!({ "text": text })),
                Err(text) => Response::new_err(id, ErrorCode::RequestFailed as i32, text),
            };
            // Nobody wants to know any more if this fails.
            let _ = answer.send(response);
        };
        let spawned = thread::Builder::new().name("command".into()).spawn(work);
        spawned.map_err(|error| format!("no thread can be made: {error}"))?;
        self.under_way += 1;
        Ok(())
    }
}

struct Follower {
    online: Arc<dyn Online>,
    cell: PathBuf,
    place: Option<Place>,
    standing: Arc<Mutex<Standing>>,
    ring: Sender<()>,
    stopped: Receiver<()>,
}

impl Follower {
    fn run(&mut self) {
        loop {
            let why = match self.follow() {
                Ok(()) => return,
                Err(why) => why,
            };
            self.put(Standing::Lost(why));
            if self.waits(RETRY) {
                return;
            }
        }
    }

    /// One connection. `Ok`: it is not wanted any more.
    fn follow(&mut self) -> Result<(), String> {
        let mut link = self.online.connect(&self.cell, self.place.as_ref())?;
        link.follow(HZ)?;
        while !matches!(self.stopped.try_recv(), Err(TryRecvError::Disconnected)) {
            if let Some(live) = link.next(LOOK)? {
                self.put(Standing::Online(Arc::new(live)));
                if self.waits(PAUSE) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// True if it is not wanted any more.
    fn waits(&self, time: Duration) -> bool {
        self.stopped.recv_timeout(time) == Err(RecvTimeoutError::Disconnected)
    }

    fn put(&self, standing: Standing) {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
        // It rings already, or nobody listens.
        let _ = self.ring.try_send(());
    }
}
