//! The MainDevice side: start-up through ethercrab, then our own cyclic frames.
//!
//! What callers use:
//!
//! ```text
//! start(cell: &Cell, wire: W, outputs: &[u8], progress: &mut dyn FnMut(Step)) -> Result<EtherCatBus<W>, StartupError>
//! impl Bus for EtherCatBus<W>                    exchange(..), acyclic(..)
//! EtherCatBus::shutdown(&mut self, deadline_ns: u64) -> Result<(), ShutdownError>   SAFE-OP, then INIT; bounded
//! EtherCatBus::health(&self) -> &[DeviceHealth]  one per device, in bus order
//! EtherCatBus::topology(&self) -> &Topology      who is connected to whose port
//! EtherCatBus::take_mailbox(&mut self) -> Option<MailboxWorker>     once; poll it outside the cycle
//! EtherCatBus::wire_mut(&mut self) -> &mut W
//! MailboxWorker::poll(&mut self) -> usize; next_emergency(&self) -> Option<EmergencyMessage>
//! MailboxWorker::client(&self) -> MailboxClient  cloneable; upload(..)/download(..) -> Ticket, polled by the requester
//! scan(wire: W, options: ScanOptions) -> Result<ScanReport, StartupError>
//! ```
//!
//! `outputs` is the output image (the fault values) that travels from SAFE-OP on until the first exchange.
//! From the moment `start` returns, the devices' watchdogs run: whatever takes long (calibration, prefaulting) comes
//! before it.
//! Everything but the two methods of [`crate::Bus`] may allocate and block, for a bounded time.
//!
//! Read first: ETG.1000.4 (data link layer), ETG.1000.6 (application layer), ETG.1020 (protocol enhancements).

mod assembly;
mod climb;
mod configuration;
mod error;
mod frame;
mod health;
mod identify;
mod link;
mod mailbox;
mod main_device;
mod mapping;
mod registers;
mod scan;
mod sdo;

mod exchange;
mod startup;
mod topology;

pub use error::{Finding, ShutdownError, StartupError, Step};
pub use exchange::EtherCatBus;
pub use health::{DeviceHealth, PortHealth};
pub use mailbox::{MailboxClient, MailboxWorker, SdoError, SdoResult, Ticket};
pub use registers::{AlState, al_status_text};

pub use scan::{ScanOptions, ScanReport, ScannedDevice, ScannedEntry, ScannedMailbox, ScannedPdo, scan};
pub use sdo::EmergencyMessage;
pub use startup::start;
pub use topology::{Node, Topology};
