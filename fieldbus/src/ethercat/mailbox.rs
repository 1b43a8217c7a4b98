//! Acyclic access to object dictionaries (CoE SDO), outside the cycle.
//!
//! Requests are queued per device and answered by a [`MailboxWorker`], whose owner polls it: on a thread of its own, or
//! between two cycles on the same one (virtual time belongs to a thread). The frames themselves travel in the acyclic
//! slot of the cyclic thread. A future of ethercrab's that panics (a CoE emergency while an answer is pending trips an
//! assertion there) is dropped and built again.
//!
//! Read first: ETG.1000.6 section 5.6 (CoE).

use super::link::contained;
use super::main_device::{FRAMES, Lease};
use crate::clock;
use crossbeam::channel::{Receiver, Sender, bounded};
use ethercrab::error::{Error, MailboxError, TimeoutError};
use ethercrab::{DefaultLock, subdevice_group::PreOpPdi};
use ethercrab::{EtherCrabWireRead, EtherCrabWireSized, SubDevice, SubDeviceGroup, SubDeviceRef};
use ethercrab_wire::WireError;
use std::task::{Context, Poll, Waker};
use std::{future::Future, ops::Deref, pin::Pin, sync::Arc};

/// Most devices on a segment.
pub(crate) const DEVICES_MAX: usize = 64;
/// Most bytes of process data on a segment.
pub(crate) const PROCESS_DATA_MAX: usize = 4096;
/// Requests that may wait for one device.
const QUEUE: usize = 8;
/// Longest object that can be read, in bytes.
const UPLOAD_MAX: usize = 4096;
/// Longest object that can be written: what an expedited transfer carries.
pub(crate) const DOWNLOAD_MAX: usize = 4;
/// A transfer is tried this often within its time.
const TRIES: u32 = 3;

/// ethercrab's devices. The state in the type is ethercrab's view; from SAFE-OP on we do the transitions ourselves,
/// because an error would consume the group.
pub(crate) type Group = SubDeviceGroup<DEVICES_MAX, PROCESS_DATA_MAX, DefaultLock, PreOpPdi>;

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
    /// Anything else, in ethercrab's words.
    #[error("{0}")]
    Protocol(String),
}

/// What an upload brings; nothing for a download.
pub type SdoResult = Result<Vec<u8>, SdoError>;

/// A transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Transfer {
    Upload { index: u16, subindex: u8 },
    Download { index: u16, subindex: u8, data: Vec<u8> },
}

#[derive(Debug)]
struct Job {
    transfer: Transfer,
    timeout_ns: u64,
    answer: Sender<SdoResult>,
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
    queues: Arc<[Sender<Job>]>,
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

    /// Write an object entry of the device at `position`: 1 to 4 bytes, little endian.
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
        if data.len() > DOWNLOAD_MAX {
            return Err(SdoError::TooLong { len: data.len(), max: DOWNLOAD_MAX });
        }
        self.request(position, Transfer::Download { index, subindex, data: data.to_vec() }, timeout_ns)
    }

    fn request(&self, position: u16, transfer: Transfer, timeout_ns: u64) -> Result<Ticket, SdoError> {
        let queue = self.queues.get(usize::from(position)).ok_or(SdoError::NoMailbox)?;
        let (answer, ticket) = bounded(1);
        queue
            .try_send(Job { transfer, timeout_ns, answer })
            .map_err(|error| if error.is_full() { SdoError::Busy } else { SdoError::Closed })?;
        Ok(Ticket(ticket))
    }
}

type TransferFuture = Pin<Box<dyn Future<Output = Result<Vec<u8>, Error>> + Send>>;

struct Active {
    job: Job,
    future: TransferFuture,
    deadline_ns: u64,
    tries: u32,
}

struct Lane {
    jobs: Receiver<Job>,
    active: Option<Active>,
}

/// Drives the transfers of all devices, one at a time for each device.
pub struct MailboxWorker {
    // Before `lease`: futures in flight are dropped, and their frames released, before the MainDevice is given back.
    lanes: Vec<Lane>,
    client: MailboxClient,
    group: Arc<Group>,
    lease: Arc<Lease>,
    rebuilt: u64,
}

impl MailboxWorker {
    pub(super) fn new(lease: Arc<Lease>, group: Arc<Group>, devices: usize) -> Self {
        let (queues, lanes) = (0..devices)
            .map(|_| bounded(QUEUE))
            .map(|(queue, jobs)| (queue, Lane { jobs, active: None }))
            .unzip::<_, _, Vec<_>, _>();
        Self { lanes, client: MailboxClient { queues: queues.into() }, group, lease, rebuilt: 0 }
    }

    /// A handle to ask for transfers.
    pub fn client(&self) -> MailboxClient {
        self.client.clone()
    }

    /// How often a transfer panicked and was built again; a device that sends emergencies shows here.
    pub fn rebuilt(&self) -> u64 {
        self.rebuilt
    }

    /// Go on with all transfers as far as frames have come back. Returns how many are under way: call again after the
    /// next cycle while there are any. Never blocks.
    pub fn poll(&mut self) -> usize {
        let mut under_way = 0;
        for (position, lane) in self.lanes.iter_mut().enumerate() {
            if lane.active.is_none() && under_way < FRAMES / 2 {
                lane.active = lane.jobs.try_recv().ok().map(|job| {
                    let future = transfer(&self.lease, &self.group, position, &job.transfer);
                    Active {
                        deadline_ns: clock::now_ns().saturating_add(job.timeout_ns),
                        job,
                        future,
                        tries: 1,
                    }
                });
            }
            let Some(active) = &mut lane.active else { continue };
            let restart = |again: &Transfer| transfer(&self.lease, &self.group, position, again);
            if let Some(result) = active.poll(restart, &mut self.rebuilt) {
                // Nobody listens any more: that is the requester's business.
                let _ = active.job.answer.send(result);
                lane.active = None;
            } else {
                under_way += 1;
            }
        }
        under_way
    }
}

impl Active {
    fn poll(
        &mut self,
        restart: impl FnOnce(&Transfer) -> TransferFuture,
        rebuilt: &mut u64,
    ) -> Option<SdoResult> {
        let future = self.future.as_mut();
        let result = match contained(|| future.poll(&mut Context::from_waker(Waker::noop()))) {
            Ok(Poll::Ready(result)) => result.map_err(|error| (sdo_error(error), is_worth_a_retry(error))),
            Ok(Poll::Pending) if clock::now_ns() < self.deadline_ns => return None,
            Ok(Poll::Pending) => Err((SdoError::Timeout, false)),
            Err(panic) => {
                *rebuilt += 1;
                Err((SdoError::Protocol(panic), true))
            }
        };
        match result {
            Err((_, true)) if self.tries < TRIES && clock::now_ns() < self.deadline_ns => {
                self.tries += 1;
                self.future = restart(&self.job.transfer);
                None
            }
            other => Some(other.map_err(|(error, _)| error)),
        }
    }
}

fn transfer(lease: &Lease, group: &Arc<Group>, position: usize, transfer: &Transfer) -> TransferFuture {
    let (main, group, transfer) = (lease.main(), Arc::clone(group), transfer.clone());
    Box::pin(async move {
        let device = group.subdevice(main, position)?;
        match transfer {
            Transfer::Upload { index, subindex } => upload(&device, index, subindex).await,
            Transfer::Download { index, subindex, data } => {
                download(&device, index, subindex, &data).await.map(|()| Vec::new())
            }
        }
    })
}

/// Read an object entry of any size up to [`UPLOAD_MAX`].
pub(super) async fn upload<S: Deref<Target = SubDevice>>(
    device: &SubDeviceRef<'_, S>,
    index: u16,
    subindex: u8,
) -> Result<Vec<u8>, Error> {
    Ok(device.sdo_read::<Bytes>(index, subindex).await?.0)
}

/// Write an object entry of at most [`DOWNLOAD_MAX`] bytes.
pub(super) async fn download<S: Deref<Target = SubDevice>>(
    device: &SubDeviceRef<'_, S>,
    index: u16,
    subindex: u8,
    data: &[u8],
) -> Result<(), Error> {
    device.sdo_write(index, subindex, data).await
}

/// As many bytes as the object has.
struct Bytes(Vec<u8>);

impl EtherCrabWireSized for Bytes {
    const PACKED_LEN: usize = UPLOAD_MAX;
    type Buffer = [u8; UPLOAD_MAX];

    fn buffer() -> Self::Buffer {
        [0; UPLOAD_MAX]
    }
}

impl EtherCrabWireRead for Bytes {
    fn unpack_from_slice(bytes: &[u8]) -> Result<Self, WireError> {
        Ok(Self(bytes.to_vec()))
    }
}

pub(super) fn is_worth_a_retry(error: Error) -> bool {
    match error {
        Error::Mailbox(MailboxError::Aborted { .. } | MailboxError::TooLong { .. }) => false,
        Error::Mailbox(MailboxError::NoReadMailbox | MailboxError::NoWriteMailbox) => false,
        Error::NotFound { .. } | Error::Capacity(_) => false,
        _ => true,
    }
}

pub(super) fn sdo_error(error: Error) -> SdoError {
    match error {
        Error::Mailbox(MailboxError::Aborted { code, .. }) => {
            SdoError::Aborted { code: code.into(), text: code.to_string() }
        }
        Error::Mailbox(MailboxError::NoReadMailbox | MailboxError::NoWriteMailbox) => SdoError::NoMailbox,
        Error::Mailbox(MailboxError::TooLong { .. }) => {
            SdoError::TooLong { len: UPLOAD_MAX + 1, max: UPLOAD_MAX }
        }
        Error::Timeout(
            TimeoutError::MailboxEcho
            | TimeoutError::MailboxResponse
            | TimeoutError::Pdu
            | TimeoutError::StateTransition,
        ) => SdoError::Timeout,
        other => SdoError::Protocol(other.to_string()),
    }
}
