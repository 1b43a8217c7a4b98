//! The list of tokens, as it is now: read again by a thread of its own once a second, and whenever somebody shows a token. A
//! disk that hangs keeps nobody waiting but those who come over the network.

use crate::control::remote::{directory::Directory, token::Tokens};
use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Between two looks that nobody asks for.
const LOOK: Duration = Duration::from_secs(1);

/// What the file says; why it says nothing, if it does not.
pub type Listed = Arc<Result<Tokens, String>>;

struct Shared {
    /// Number of the last look that was asked for.
    asked: AtomicU64,
    /// The number of the last look, and what it saw.
    seen: Mutex<(u64, Listed)>,
}

/// The list and the thread that reads it. Dropping it ends the thread.
pub struct Keeper {
    shared: Arc<Shared>,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Read the list in `directory` now, and from now on.
    ///
    /// # Errors
    /// If the thread cannot be made.
    pub fn start(directory: Directory) -> io::Result<Self> {
        let first = Arc::new(read(&directory));
        let shared = Arc::new(Shared { asked: AtomicU64::new(0), seen: Mutex::new((0, first)) });
        let (wake, woken) = sync_channel(1);
        let of = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("tokens".into()).spawn(move || {
            crate::rt::block_signals();
            look(&directory, &of, &woken);
        })?;
        Ok(Self { shared, wake: Some(wake), thread: Some(thread) })
    }

    /// Ask for a look; it has been taken when [`Keeper::seen`] says so of the returned number.
    pub fn ask(&self) -> u64 {
        let number = self.shared.asked.fetch_add(1, SeqCst) + 1;
        // A full channel wakes it, too.
        let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
        number
    }

    /// The list, if it was read after look `number` was asked for.
    pub fn seen(&self, number: u64) -> Option<Listed> {
        let (last, listed) = &*self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (*last >= number).then(|| Arc::clone(listed))
    }

    /// The list as it was read last.
    pub fn last(&self) -> Listed {
        Arc::clone(&self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).1)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.wake.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn read(directory: &Directory) -> Result<Tokens, String> {
    directory.tokens().map_err(|error| format!("{error:#}"))
}

fn look(directory: &Directory, shared: &Shared, woken: &Receiver<()>) {
    while woken.recv_timeout(LOOK) != Err(RecvTimeoutError::Disconnected) {
        let number = shared.asked.load(SeqCst);
        let listed = read(directory);
        let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.0 = number;
        // Who holds on to it sees by the pointer whether it is another one.
        if *seen.1 != listed {
            seen.1 = Arc::new(listed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{audit::utc_now, remote::token::Right};

    fn seen(keeper: &Keeper) -> Listed {
        let number = keeper.ask();
        loop {
            if let Some(listed) = keeper.seen(number) {
                return listed;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn whoever_asks_sees_the_file_as_it_was_then_or_later() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::at(Some(&folder.path().join("access"))).unwrap();
        directory.init(&["a".into()], false).unwrap();
        let keeper = Keeper::start(directory.clone()).unwrap();
        let before = seen(&keeper);
        assert!(Arc::ptr_eq(&before, &seen(&keeper)), "what does not change is not another one");
        for turn in 0..20 {
            let name = format!("t{turn}");
            let secret = directory.grant(&name, Right::Read, None).unwrap();
            assert!(seen(&keeper).as_ref().as_ref().unwrap().judge(&secret, &utc_now()).is_ok());
            directory.revoke(&name).unwrap();
            assert!(seen(&keeper).as_ref().as_ref().unwrap().judge(&secret, &utc_now()).is_err());
        }
        std::fs::write(directory.tokens_path(), "broken").unwrap();
        assert!(seen(&keeper).as_ref().as_ref().unwrap_err().contains("tokens.toml"));
        assert_eq!(keeper.last(), seen(&keeper));
    }
}
