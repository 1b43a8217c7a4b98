//! SDO transfers: expedited, normal and segmented, in both directions.
//!
//! Ours, because ethercrab 0.7 cannot write more than four bytes, refuses the segments of a long upload, and panics when
//! an emergency comes before an answer. Only datagrams go through ethercrab here.
//!
//! Read first: ETG.1000.6 section 5.6.2 (SDO), ETG.1000.4 section 5.6 (mailbox header) and 6.6.4 (lost answers).

use super::mailbox::SdoError;
use super::registers::sync_manager;
use crate::clock;
use ethercrab::error::{CoeAbortCode, Error};
use ethercrab::{Command, EtherCrabWireRead, MainDevice};
use std::future::poll_fn;
use std::task::Poll;

/// Longest object that can be transferred, in bytes.
pub(crate) const OBJECT_MAX: usize = 1 << 16;
/// Mailbox header, CoE header.
const HEADERS: usize = 6 + 2;
/// SDO command, index, subindex, then four bytes of size or data.
const SDO: usize = 8;
/// A segment's data is at least this long; the command says how much of it counts.
const SEGMENT_MIN: usize = 7;
/// SyncManager registers: status, activate, PDI control. Status: mailbox full. The others: repeat request and its
/// acknowledgement.
const STATUS: u16 = 5;
const ACTIVATE: u16 = 6;
const PDI_CONTROL: u16 = 7;
const FULL: u8 = 0x08;
const REPEAT: u8 = 0x02;
const TYPE_ERROR: u8 = 0;
const TYPE_COE: u8 = 3;
/// CoE services, ETG.1000.6 table 32.
const EMERGENCY: u8 = 1;
const SDO_REQUEST: u8 = 2;
const SDO_RESPONSE: u8 = 3;
/// SDO command specifiers (bits 5 to 7) and flags.
mod specifier {
    pub const DOWNLOAD: u8 = 0x20;
    pub const DOWNLOADED: u8 = 0x60;
    pub const DOWNLOAD_SEGMENT: u8 = 0x00;
    pub const SEGMENT_DOWNLOADED: u8 = 0x20;
    pub const UPLOAD: u8 = 0x40;
    pub const UPLOADED: u8 = 0x40;
    pub const UPLOAD_SEGMENT: u8 = 0x60;
    pub const SEGMENT_UPLOADED: u8 = 0x00;
    pub const ABORT: u8 = 0x80;
}
const SPECIFIER: u8 = 0xe0;
const TOGGLE: u8 = 0x10;
const EXPEDITED: u8 = 0x02;
const SIZE_INDICATED: u8 = 0x01;
const LAST: u8 = 0x01;
/// Messages nobody asked for that are read away before a request, and while waiting for its answer.
const UNASKED_MAX: usize = 16;
/// How often a mailbox is looked at.
const POLL_NS: u64 = 200_000;

/// A device's mailboxes, as its SyncManagers have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MailboxPlace {
    pub station: u16,
    /// SyncManager number, physical start and length; MainDevice to device.
    pub receive: (u8, u16, u16),
    /// The same, device to MainDevice.
    pub send: (u8, u16, u16),
}

/// What a device reports unasked, ETG.1000.6 table 51.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmergencyMessage {
    /// Position of the device.
    pub position: u16,
    /// Error code, CiA 301.
    pub code: u16,
    /// Error register, object 0x1001.
    pub register: u8,
    /// What the vendor says it is.
    pub data: [u8; 5],
}

/// Why a transfer failed, and whether it is worth another try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TransferError {
    pub error: SdoError,
    pub retry: bool,
}

impl From<Error> for TransferError {
    fn from(error: Error) -> Self {
        let error = match error {
            Error::Timeout(_) => SdoError::Timeout,
            other => SdoError::Protocol(other.to_string()),
        };
        Self { error, retry: true }
    }
}

fn refused(error: SdoError) -> TransferError {
    TransferError { error, retry: false }
}

fn unexpected() -> TransferError {
    TransferError { error: SdoError::Protocol("the device answered something else".to_owned()), retry: true }
}

/// One device's mailboxes, and where its emergencies go.
pub(crate) struct Channel<E> {
    pub main: &'static MainDevice<'static>,
    pub place: MailboxPlace,
    pub emergency: E,
}

/// Transfers wait for ever if the device does not answer: the caller has a deadline.
impl<E: FnMut(EmergencyMessage)> Channel<E> {
    /// Read an object entry.
    pub async fn upload(&mut self, index: u16, subindex: u8) -> Result<Vec<u8>, TransferError> {
        let [low, high] = index.to_le_bytes();
        let request = [specifier::UPLOAD, low, high, subindex, 0, 0, 0, 0];
        let answer = self.exchange(&request, specifier::UPLOADED).await?;
        let (Some(&command), Some(content)) = (answer.first(), answer.get(4..)) else {
            return Err(unexpected());
        };
        if answer.get(1..4) != Some(&request[1..4]) {
            return Err(unexpected());
        }
        if command & EXPEDITED != 0 {
            let unused = if command & SIZE_INDICATED != 0 { usize::from(command >> 2 & 3) } else { 0 };
            return content.get(..4 - unused).map(<[u8]>::to_vec).ok_or_else(unexpected);
        }
        let size = content.first_chunk::<4>().map(|size| u32::from_le_bytes(*size) as usize);
        let size = size.ok_or_else(unexpected)?;
        if size > OBJECT_MAX {
            return Err(refused(SdoError::TooLong { len: size, max: OBJECT_MAX }));
        }
        let mut data = content.get(4..).unwrap_or_default().to_vec();
        let mut toggle = 0;
        while data.len() < size {
            let answer = self.exchange(&segment_request(toggle), specifier::SEGMENT_UPLOADED).await?;
            let Some((&command, content)) = answer.split_first() else { return Err(unexpected()) };
            if command & TOGGLE != toggle {
                return Err(unexpected());
            }
            let unused = if content.len() == SEGMENT_MIN { usize::from(command >> 1 & 7) } else { 0 };
            let content = content.get(..content.len() - unused).unwrap_or_default();
            data.extend(content);
            if command & LAST != 0 || content.is_empty() {
                break;
            }
            toggle ^= TOGGLE;
        }
        if data.len() < size {
            return Err(unexpected());
        }
        data.truncate(size);
        Ok(data)
    }

    /// Write an object entry.
    pub async fn download(&mut self, index: u16, subindex: u8, data: &[u8]) -> Result<(), TransferError> {
        if data.len() > OBJECT_MAX {
            return Err(refused(SdoError::TooLong { len: data.len(), max: OBJECT_MAX }));
        }
        let [low, high] = index.to_le_bytes();
        if (1..=4).contains(&data.len()) {
            let unused = (4 - data.len()) as u8;
            let command = specifier::DOWNLOAD | unused << 2 | EXPEDITED | SIZE_INDICATED;
            let mut request = vec![command, low, high, subindex];
            request.extend(data);
            request.resize(SDO, 0);
            return self.exchange(&request, specifier::DOWNLOADED).await.map(drop);
        }
        let room = usize::from(self.place.receive.2).checked_sub(HEADERS + SDO).ok_or_else(unexpected)?;
        let (first, mut rest) = data.split_at(data.len().min(room));
        let mut request = vec![specifier::DOWNLOAD | SIZE_INDICATED, low, high, subindex];
        request.extend((data.len() as u32).to_le_bytes());
        request.extend(first);
        self.exchange(&request, specifier::DOWNLOADED).await?;

        let mut toggle = 0;
        while !rest.is_empty() {
            let (segment, more) = rest.split_at(rest.len().min(room + SDO - 1));
            rest = more;
            let unused = SEGMENT_MIN.saturating_sub(segment.len()) as u8;
            let last = if rest.is_empty() { LAST } else { 0 };
            let mut request = vec![specifier::DOWNLOAD_SEGMENT | toggle | unused << 1 | last];
            request.extend(segment);
            request.resize(request.len().max(1 + SEGMENT_MIN), 0);
            let answer = self.exchange(&request, specifier::SEGMENT_DOWNLOADED).await?;
            if answer.first().is_none_or(|command| command & TOGGLE != toggle) {
                return Err(unexpected());
            }
            toggle ^= TOGGLE;
        }
        Ok(())
    }

    /// Read away what the device has to say unasked.
    pub async fn listen(&mut self) -> Result<(), TransferError> {
        for _ in 0..UNASKED_MAX {
            if !self.is_full(self.place.send.0).await? {
                break;
            }
            let message = self.read().await?;
            self.note(&message);
        }
        Ok(())
    }

    /// One SDO request and its answer, both from the SDO command on.
    async fn exchange(&mut self, sdo: &[u8], expected: u8) -> Result<Vec<u8>, TransferError> {
        self.listen().await?;
        while self.is_full(self.place.receive.0).await? {
            pause().await;
        }
        let mut message = ((sdo.len() + 2) as u16).to_le_bytes().to_vec();
        // Address and priority 0. Counter 0: not counted, so that it need not follow ethercrab's.
        message.extend([0, 0, 0, TYPE_COE, 0, SDO_REQUEST << 4]);
        message.extend(sdo);
        message.resize(self.place.receive.2.into(), 0);
        Command::fpwr(self.place.station, self.place.receive.1).send(self.main, message.as_slice()).await?;

        for _ in 0..UNASKED_MAX {
            while !self.is_full(self.place.send.0).await? {
                pause().await;
            }
            let answer = self.read().await?;
            let length =
                answer.first_chunk::<2>().map_or(0, |length| usize::from(u16::from_le_bytes(*length)));
            match (answer.get(5).map(|kind| kind & 0x0f), answer.get(7).map(|service| service >> 4)) {
                (Some(TYPE_COE), Some(SDO_RESPONSE | SDO_REQUEST)) => {
                    let answer = answer.get(HEADERS..(6 + length).max(HEADERS)).ok_or_else(unexpected)?;
                    return checked(answer, expected);
                }
                (Some(TYPE_COE), Some(EMERGENCY)) => self.note(&answer),
                (Some(TYPE_ERROR), _) => {
                    let code = answer.get(8..10).map_or(0, |code| u16::from_le_bytes([code[0], code[1]]));
                    return Err(refused(SdoError::Mailbox { code }));
                }
                _ => break,
            }
        }
        Err(unexpected())
    }

    fn note(&mut self, message: &[u8]) {
        let (Some(0x03), Some(EMERGENCY)) =
            (message.get(5).map(|kind| kind & 0x0f), message.get(7).map(|service| service >> 4))
        else {
            return;
        };
        let Some([low, high, register, data @ ..]) =
            message.get(HEADERS..).and_then(<[u8]>::first_chunk::<8>)
        else {
            return;
        };
        (self.emergency)(EmergencyMessage {
            position: self.place.station.wrapping_sub(super::registers::station_address(0)),
            code: u16::from_le_bytes([*low, *high]),
            register: *register,
            data: *data,
        });
    }

    async fn is_full(&self, number: u8) -> Result<bool, Error> {
        Ok(self.register(sync_manager(number) + STATUS).await? & FULL != 0)
    }

    async fn register(&self, register: u16) -> Result<u8, Error> {
        Command::fprd(self.place.station, register).receive::<u8>(self.main).await
    }

    /// Take a message that is there. If it was lost on its way, the device is asked to show it again.
    async fn read(&self) -> Result<Vec<u8>, Error> {
        match self.read_once().await {
            Err(Error::WorkingCounter { .. }) => {
                self.repeat().await?;
                self.read_once().await
            }
            result => result,
        }
    }

    async fn read_once(&self) -> Result<Vec<u8>, Error> {
        let message = Command::fprd(self.place.station, self.place.send.1);
        Ok(message.receive_slice(self.main, self.place.send.2).await?.to_vec())
    }

    async fn repeat(&self) -> Result<(), Error> {
        let base = sync_manager(self.place.send.0);
        let activate = self.register(base + ACTIVATE).await? ^ REPEAT;
        Command::fpwr(self.place.station, base + ACTIVATE).send(self.main, activate).await?;
        while self.register(base + PDI_CONTROL).await? & REPEAT != activate & REPEAT {
            pause().await;
        }
        Ok(())
    }
}

fn segment_request(toggle: u8) -> [u8; SDO] {
    [specifier::UPLOAD_SEGMENT | toggle, 0, 0, 0, 0, 0, 0, 0]
}

fn checked(answer: &[u8], expected: u8) -> Result<Vec<u8>, TransferError> {
    match answer.first() {
        Some(got) if got & SPECIFIER == specifier::ABORT => {
            let code = answer.get(4..8).unwrap_or_default();
            let text =
                CoeAbortCode::unpack_from_slice(code).map_or_else(|_| String::new(), |code| code.to_string());
            let code = code.first_chunk::<4>().map_or(0, |code| u32::from_le_bytes(*code));
            Err(refused(SdoError::Aborted { code, text }))
        }
        Some(got) if got & SPECIFIER == expected => Ok(answer.to_vec()),
        _ => Err(unexpected()),
    }
}

/// Nothing to do for a moment. Whoever polls the future sees to it that time goes on.
async fn pause() {
    let until = clock::now_ns() + POLL_NS;
    poll_fn(|_| if clock::now_ns() < until { Poll::Pending } else { Poll::Ready(()) }).await;
}
