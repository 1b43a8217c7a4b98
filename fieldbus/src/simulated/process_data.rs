//! The process data of one device as its application sees it, apart from the memory EtherCAT accesses.

use sensai_devices::{DeviceDescription, Pdo, SyncManagerKind};
use std::ops::Range;

/// SyncManagers a device may have.
pub const SYNC_MANAGERS_MAX: usize = 16;
/// Process data of one SyncManager never exceeds what a frame can carry.
pub const LENGTH_MAX: u16 = 1486;

/// One process-data SyncManager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// SyncManager number.
    pub sync_manager: usize,
    /// The MainDevice writes it.
    pub is_output: bool,
    /// First byte in the device's data of this direction.
    pub start: usize,
    /// Bytes that the assigned PDOs take; `None` if the description has no PDOs of this direction, so that any
    /// length the MainDevice configures is right.
    pub length: Option<u16>,
}

/// Inputs and outputs, and which SyncManager carries which part of them.
#[derive(Clone, Debug)]
pub struct ProcessData {
    /// Ordered by SyncManager number.
    regions: Vec<Region>,
    /// Bytes in use of inputs and outputs; allocated is what the largest PDO assignment takes.
    lengths: [usize; 2],
    inputs: Vec<u8>,
    received: Vec<u8>,
    defaults: Vec<u8>,
    effective: Vec<u8>,
}

impl ProcessData {
    /// By the description's default assignment.
    pub fn new(description: &DeviceDescription) -> Self {
        let mut regions = Vec::new();
        for (sync_manager, channel) in description.sync_managers.iter().enumerate().take(SYNC_MANAGERS_MAX) {
            let is_output = match channel.kind {
                SyncManagerKind::Outputs => true,
                SyncManagerKind::Inputs => false,
                _ => continue,
            };
            let pdos = if is_output { &description.rx_pdos } else { &description.tx_pdos };
            let length = (!pdos.is_empty()).then(|| assigned_length(pdos, sync_manager));
            regions.push(Region { sync_manager, is_output, start: 0, length });
        }
        let mut data = Self {
            regions,
            lengths: [0; 2],
            inputs: Vec::new(),
            received: Vec::new(),
            defaults: Vec::new(),
            effective: Vec::new(),
        };
        data.place();
        let inputs = data.lengths[0].max(total_length(&description.tx_pdos));
        let outputs = data.lengths[1].max(total_length(&description.rx_pdos));
        data.inputs.resize(inputs, 0);
        data.received.resize(outputs, 0);
        data.defaults.resize(outputs, 0);
        data.effective.resize(outputs, 0);
        data
    }

    /// What the application shows.
    pub fn inputs(&self) -> &[u8] {
        &self.inputs[..self.lengths[0].min(self.inputs.len())]
    }

    /// What the application shows, to be written by it.
    pub fn inputs_mut(&mut self) -> &mut [u8] {
        let len = self.lengths[0].min(self.inputs.len());
        &mut self.inputs[..len]
    }

    /// What the outputs drive now.
    pub fn outputs(&self) -> &[u8] {
        &self.effective[..self.lengths[1].min(self.effective.len())]
    }

    /// What the outputs drive when they are not driven by received data: the device's own default.
    pub fn defaults_mut(&mut self) -> &mut [u8] {
        let len = self.lengths[1].min(self.defaults.len());
        &mut self.defaults[..len]
    }

    /// Forget what was received.
    pub fn forget(&mut self) {
        self.received.fill(0);
    }

    /// Lay the regions out one behind the other. A region of unknown length gets all a frame can carry.
    fn place(&mut self) {
        let mut ends = [0; 2];
        for region in &mut self.regions {
            let end = &mut ends[usize::from(region.is_output)];
            region.start = *end;
            *end += usize::from(region.length.unwrap_or(LENGTH_MAX));
        }
        self.lengths = ends;
    }

    /// The PDO assignment of a SyncManager has changed: its data takes `length` bytes from now on. Data beyond
    /// what all described PDOs together take is not exchanged.
    pub fn set_length(&mut self, sync_manager: usize, length: u16) {
        if let Some(region) = self.regions.iter_mut().find(|region| region.sync_manager == sync_manager) {
            region.length = Some(length);
        }
        self.place();
    }

    /// All process-data SyncManagers.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The region this SyncManager carries.
    pub fn region(&self, sync_manager: usize) -> Option<Region> {
        self.regions.iter().find(|region| region.sync_manager == sync_manager).copied()
    }

    /// True if the device expects outputs in SAFE-OP before it goes to OP.
    pub fn has_outputs(&self) -> bool {
        self.regions.iter().any(|region| region.is_output && region.length.is_some_and(|length| length > 0))
    }

    /// Outputs arrived complete in SyncManager memory.
    pub fn receive(&mut self, region: Region, memory: &[u8]) {
        let place = region.start..(region.start + memory.len()).min(self.received.len());
        if let Some(place) = self.received.get_mut(place) {
            let len = place.len();
            place.copy_from_slice(&memory[..len]);
        }
    }

    /// EtherCAT opens the buffer for reading: put the newest inputs into SyncManager memory.
    pub fn show(&self, region: Region, memory: &mut [u8]) {
        let place: Range<usize> = region.start..(region.start + memory.len()).min(self.inputs.len());
        if let Some(inputs) = self.inputs.get(place) {
            memory[..inputs.len()].copy_from_slice(inputs);
        }
    }

    /// No power: nothing is driven. True if anything was.
    pub fn go_dark(&mut self) -> bool {
        let driven = self.effective.iter().any(|byte| *byte != 0);
        self.effective.fill(0);
        driven
    }

    /// Let the outputs drive what was received, or the defaults. True if that changes any.
    pub fn drive(&mut self, received: bool) -> bool {
        let source = if received { &self.received } else { &self.defaults };
        let changed = self.effective != *source;
        if changed {
            self.effective.copy_from_slice(source);
        }
        changed
    }
}

/// Bytes that the PDOs assigned to a SyncManager take.
pub fn assigned_length(pdos: &[Pdo], sync_manager: usize) -> u16 {
    let assigned = pdos.iter().filter(|pdo| pdo.sync_manager.map(usize::from) == Some(sync_manager));
    let bits: u32 = assigned.flat_map(|pdo| &pdo.entries).map(|entry| u32::from(entry.bit_len)).sum();
    u16::try_from(bits.div_ceil(8)).unwrap_or(u16::MAX)
}

/// Bytes that all PDOs take, assigned or not, wherever a SyncManager's data starts on a byte.
fn total_length(pdos: &[Pdo]) -> usize {
    let bits: usize = pdos.iter().flat_map(|pdo| &pdo.entries).map(|entry| usize::from(entry.bit_len)).sum();
    bits.div_ceil(8) + SYNC_MANAGERS_MAX
}
