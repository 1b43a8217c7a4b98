//! Acyclic access to object dictionaries (CoE SDO), outside the cycle.
//!
//! Requests are queued per device and answered by a [`MailboxWorker`], whose owner polls it: on a thread of its own, or
//! between two cycles on the same one (virtual time belongs to a thread). The frames themselves travel in the acyclic
//! slot of the cyclic thread. A transfer that panics is dropped and built again. Devices that have nothing to do are
//! listened to for emergencies.

use super::link::contained;
use super::main_device::{FRAMES, Lease};
use super::sdo::{Channel, EmergencyMessage, MailboxPlace, OBJECT_MAX, TransferError};
use crate::clock;
use crossbeam::channel::{Receiver, Sender, bounded};
use std::task::{Context, Poll, Waker};
use std::{future::Future, pin::Pin, sync::Arc};

/// Requests that may wait for one device.
const QUEUE: usize = 8;
/// Emergencies that may wait to be fetched; more are dropped.
const EMERGENCIES: usize = 64;
/// A transfer is tried this often within its time.
const TRIES: u32 = 3;
/// How often an idle device is listened to, and how long.
const LISTEN_INTERVAL_NS: u64 = 100_000_000;

/// Why a transfer failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdoError {
    /// The device refused.
    #[error("aborted with {code:#010x}: {text}")]
    Aborted {
        /// SDO abort code, ETG.1000.6 table 41.
        code: u32,
        /// What it means.
        text: String,
    },
    /// The device answered with a mailbox error, ETG.1000.4 table 30.
    #[error("mailbox error {code:#06x}")]
    Mailbox {
        /// Its code.
        code: u16,
    },
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// There is no such device, or it has no mailbox.
    #[error("the device has no mailbox")]
    NoMailbox,
    /// More data than can be transferred.
    #[error("{len} bytes, at most {max} can be transferred")]
    TooLong {
        /// Length of the object.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// Too many requests wait for this device already.
    #[error("too many requests wait for this device")]
    Busy,
    /// The worker is gone.
    #[error("the bus is no longer running")]
    Closed,
    /// Anything else.
    #[error("{0}")]
    Protocol(String),
}

/// What an upload brings; nothing for a download.
pub type SdoResult = Result<Vec<u8>, SdoError>;

/// A transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Transfer {
    Upload {
        index: u16,
        subindex: u8,
    },
    Download {
        index: u16,
        subindex: u8,
        data: Vec<u8>,
    },
    /// Nothing but to hear what the device has to say.
    Listen,
}

#[derive(Debug)]
struct Job {
    transfer: Transfer,
    timeout_ns: u64,
    /// `None`: nobody has asked.
    answer: Option<Sender<SdoResult>>,
}

/// A request under way; its owner polls it.
#[derive(Debug)]
pub struct Ticket(Receiver<SdoResult>);

impl Ticket {
    /// The answer, once; `None` while there is none. Never blocks.
    pub fn poll(&self) -> Option<SdoResult> {
        match self.0.try_recv() {
            Ok(result) => Some(result),
            Err(crossbeam::channel::TryRecvError::Empty) => None,
            Err(crossbeam::channel::TryRecvError::Disconnected) => Some(Err(SdoError::Closed)),
        }
    }
}

/// Asks for transfers. Cheap to clone; usable from any thread but the cyclic one (it allocates).
#[derive(Clone, Debug)]
pub struct MailboxClient {
    /// One for each device; `None` without a mailbox.
    queues: Arc<[Option<Sender<Job>>]>,
}

impl MailboxClient {
    /// Read an object entry of the device at `position`.
    ///
    /// # Errors
    /// [`SdoError::NoMailbox`], [`SdoError::Busy`] or [`SdoError::Closed`]; everything else comes through the ticket.
    pub fn upload(
        &self,
        position: u16,
        index: u16,
        subindex: u8,
        timeout_ns: u64,
    ) -> Result<Ticket, SdoError> {
        self.request(position, Transfer::Upload { index, subindex }, timeout_ns)
    }

    /// Write an object entry of the device at `position`: at most 65,536 bytes, little endian.
    ///
    /// # Errors
    /// [`SdoError::TooLong`], [`SdoError::NoMailbox`], [`SdoError::Busy`] or [`SdoError::Closed`]; everything else comes
    /// through the ticket.
    pub fn download(
        &self,
        position: u16,
        index: u16,
        subindex: u8,
        data: &[u8],
        timeout_ns: u64,
    ) -> Result<Ticket, SdoError> {
        if data.len() > OBJECT_MAX {
            return Err(SdoError::TooLong { len: data.len(), max: OBJECT_MAX });
        }
        self.request(position, Transfer::Download { index, subindex, data: data.to_vec() }, timeout_ns)
    }

    fn request(&self, position: u16, transfer: Transfer, timeout_ns: u64) -> Result<Ticket, SdoError> {
        let queue =
            self.queues.get(usize::from(position)).and_then(Option::as_ref).ok_or(SdoError::NoMailbox)?;
        let (answer, ticket) = bounded(1);
        queue
            .try_send(Job { transfer, timeout_ns, answer: Some(answer) })
            .map_err(|error| if error.is_full() { SdoError::Busy } else { SdoError::Closed })?;
        Ok(Ticket(ticket))
    }
}

type TransferFuture = Pin<Box<dyn Future<Output = Result<Vec<u8>, TransferError>> + Send>>;

struct Active {
    job: Job,
    future: TransferFuture,
    deadline_ns: u64,
    tries: u32,
}

struct Lane {
    place: MailboxPlace,
    jobs: Receiver<Job>,
    active: Option<Active>,
    listen_ns: u64,
}

/// Drives the transfers of all devices, one at a time for each device.
pub struct MailboxWorker {
    // Before `lease`: futures in flight are dropped, and their frames released, before the MainDevice is given back.
    lanes: Vec<Lane>,
    client: MailboxClient,
    emergencies: (Sender<EmergencyMessage>, Receiver<EmergencyMessage>),
    lease: Arc<Lease>,
    rebuilt: u64,
}

impl MailboxWorker {
    pub(super) fn new(lease: Arc<Lease>, places: Vec<Option<MailboxPlace>>) -> Self {
        let (mut queues, mut lanes) = (Vec::new(), Vec::new());
        for place in places {
            queues.push(place.map(|place| {
                let (queue, jobs) = bounded(QUEUE);
                lanes.push(Lane { place, jobs, active: None, listen_ns: 0 });
                queue
            }));
        }
        let client = MailboxClient { queues: queues.into() };
        Self { lanes, client, emergencies: bounded(EMERGENCIES), lease, rebuilt: 0 }
    }

    /// A handle to ask for transfers.
    pub fn client(&self) -> MailboxClient {
        self.client.clone()
    }

    /// The oldest emergency that nobody has fetched yet.
    pub fn next_emergency(&self) -> Option<EmergencyMessage> {
        self.emergencies.1.try_recv().ok()
    }

    /// How often a transfer panicked and was built again.
    pub fn rebuilt(&self) -> u64 {
        self.rebuilt
    }

    /// Go on with all transfers as far as frames have come back. Returns how many are under way: call again after the
    /// next cycle while there are any, and every few 10 ms otherwise. Never blocks.
    pub fn poll(&mut self) -> usize {
        let (mut open, mut asked) = (0, 0);
        for lane in &mut self.lanes {
            let start = |job: &Transfer| transfer(&self.lease, lane.place, job, &self.emergencies.0);
            if lane.active.is_none() && open < FRAMES / 2 {
                lane.active = lane.jobs.try_recv().ok().or_else(|| listen(&mut lane.listen_ns)).map(|job| {
                    let deadline_ns = clock::now_ns().saturating_add(job.timeout_ns);
                    Active { future: start(&job.transfer), job, deadline_ns, tries: 1 }
                });
            }
            let Some(active) = &mut lane.active else { continue };
            if let Some(result) = active.poll(start, &mut self.rebuilt) {
                if let Some(answer) = &active.job.answer {
                    // Nobody listens any more: that is the requester's business.
                    let _ = answer.send(result);
                }
                lane.active = None;
            } else {
                open += 1;
                asked += usize::from(active.job.answer.is_some());
            }
        }
        asked
    }
}

/// Time to listen again?
fn listen(next_ns: &mut u64) -> Option<Job> {
    let now = clock::now_ns();
    if now < *next_ns {
        return None;
    }
    *next_ns = now + LISTEN_INTERVAL_NS;
    Some(Job { transfer: Transfer::Listen, timeout_ns: LISTEN_INTERVAL_NS, answer: None })
}

impl Active {
    fn poll(
        &mut self,
        restart: impl FnOnce(&Transfer) -> TransferFuture,
        rebuilt: &mut u64,
    ) -> Option<SdoResult> {
        let future = self.future.as_mut();
        let result = match contained(|| future.poll(&mut Context::from_waker(Waker::noop()))) {
            Ok(Poll::Ready(result)) => result,
            Ok(Poll::Pending) if clock::now_ns() < self.deadline_ns => return None,
            Ok(Poll::Pending) => Err(TransferError { error: SdoError::Timeout, retry: false }),
            Err(panic) => {
                *rebuilt += 1;
                Err(TransferError { error: SdoError::Protocol(panic), retry: true })
            }
        };
        match result {
            Err(TransferError { retry: true, .. })
                if self.tries < TRIES && clock::now_ns() < self.deadline_ns =>
            {
                self.tries += 1;
                self.future = restart(&self.job.transfer);
                None
            }
            other => Some(other.map_err(|failed| failed.error)),
        }
    }
}

fn transfer(
    lease: &Lease,
    place: MailboxPlace,
    transfer: &Transfer,
    emergencies: &Sender<EmergencyMessage>,
) -> TransferFuture {
    let (transfer, emergencies) = (transfer.clone(), emergencies.clone());
    let emergency = move |message| {
        // Full: nobody fetches them; the newest are dropped.
        let _ = emergencies.try_send(message);
    };
    let mut channel = Channel { main: lease.main(), place, emergency };
    Box::pin(async move {
        match transfer {
            Transfer::Upload { index, subindex } => channel.upload(index, subindex).await,
            Transfer::Download { index, subindex, data } => {
                channel.download(index, subindex, &data).await.map(|()| Vec::new())
            }
            Transfer::Listen => channel.listen().await.map(|()| Vec::new()),
        }
    })
}
