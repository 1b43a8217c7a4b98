//! One simulated SubDevice: controller memory, state machine, watchdog, clock, EEPROM, mailbox, process data.

use super::{
    dc::{DeviceClock, Passage},
    drive::{Drive, Link},
    eeprom::{Eeprom, Presets},
    frame::{Command, Datagram, FRAME_MAX},
    mailbox::MailboxServer,
    memory::Combine,
    process_data::{ProcessData, SYNC_MANAGERS_MAX},
    registers::*,
    state::{AlState, StateMachine, code},
    watchdog::Watchdog,
};
use crate::Shaft;
use sensai_devices::{
    DeviceDescription, Identity, SyncManagerKind,
    sii::{self, SiiError},
};

/// FMMUs every simulated device has at least, and SyncManagers; more if its description needs more.
const CHANNELS: usize = 8;

/// What happened to a device since somebody last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// AL status or its code was set.
    pub state: bool,
    /// The effective outputs changed.
    pub outputs: bool,
    /// Power went or came.
    pub power: bool,
    /// The SyncManager watchdog expired, at this time.
    pub watchdog_ns: Option<u64>,
}

/// A SubDevice that behaves as its description says. Its application is a plain one: process data is memory that
/// somebody else fills and looks at.
pub struct SimulatedDevice {
    pub(super) description: DeviceDescription,
    pub(super) eeprom: Eeprom,
    pub(super) memory: Box<[u8]>,
    pub(super) al: StateMachine,
    pub(super) watchdog: Watchdog,
    pub(super) clock: DeviceClock,
    pub(super) process: ProcessData,
    pub(super) mailbox: Option<Box<MailboxServer>>,
    /// SyncManagers carrying the receive and the send mailbox.
    pub(super) mailbox_numbers: [usize; 2],
    /// Buffers opened at their first byte and not yet closed at their last.
    pub(super) opened: [bool; SYNC_MANAGERS_MAX],
    pub(super) fmmu_count: usize,
    pub(super) sync_manager_count: usize,
    pub(super) has_clock: bool,
    /// The drives behind it, one for each axis.
    pub(super) drives: Vec<Drive>,
    /// Its first drive's shaft in the segment's list.
    pub(super) first_shaft: usize,
    /// Outputs that arrived, and when the last ones did.
    pub(super) arrivals: u64,
    pub(super) arrival_ns: u64,
    /// When the frame being processed passes.
    pub(super) passage: Passage,
    /// Time the device has reached.
    pub(super) now_ns: u64,
    pub(super) changes: Changes,
    pub(super) powered: bool,
}

impl SimulatedDevice {
    /// A device of this type, its EEPROM written from the description.
    pub fn new(description: &DeviceDescription) -> Self {
        Self::from_parts(description.clone(), sii::encode(description))
    }

    /// A device with this EEPROM content, whatever wrote it; what the device is, is what the content says.
    ///
    /// # Errors
    ///
    /// The image cannot be parsed: everything that is wrong with it.
    pub fn from_sii(image: Vec<u8>) -> Result<Self, Vec<SiiError>> {
        let description = sii::parse(&image)?;
        Ok(Self::from_parts(description, image))
    }

    fn from_parts(description: DeviceDescription, image: Vec<u8>) -> Self {
        let number = |kind: SyncManagerKind, default: usize| {
            description.sync_managers.iter().position(|channel| channel.kind == kind).unwrap_or(default)
        };
        let mailbox_numbers = [number(SyncManagerKind::MailboxOut, 0), number(SyncManagerKind::MailboxIn, 1)]
            .map(|n| n.min(SYNC_MANAGERS_MAX - 1));
        let ends = description.sync_managers.iter().map(|sm| usize::from(sm.start) + usize::from(sm.length));
        let ram = ends.max().unwrap_or(0).saturating_sub(PROCESS_DATA).clamp(0x2000, 0xf000);
        let process = ProcessData::new(&description);
        let mut device = Self {
            eeprom: Eeprom::new(image),
            memory: vec![0; PROCESS_DATA + ram.next_multiple_of(1024)].into_boxed_slice(),
            al: StateMachine::default(),
            watchdog: Watchdog::default(),
            clock: DeviceClock::new(0),
            mailbox: mailbox_server(&description),
            process,
            mailbox_numbers,
            opened: [false; SYNC_MANAGERS_MAX],
            fmmu_count: description.fmmus.len().clamp(CHANNELS, SYNC_MANAGERS_MAX),
            sync_manager_count: description.sync_managers.len().clamp(CHANNELS, SYNC_MANAGERS_MAX),
            has_clock: description.dc,
            drives: Drive::all_of(&description),
            first_shaft: 0,
            arrivals: 0,
            arrival_ns: 0,
            passage: Passage::default(),
            now_ns: 0,
            changes: Changes::default(),
            powered: true,
            description,
        };
        device.reset_registers();
        device
    }

    /// What this device is.
    pub fn description(&self) -> &DeviceDescription {
        &self.description
    }

    /// Current AL state.
    pub fn state(&self) -> AlState {
        self.al.state
    }

    /// AL status code if the error indication is set.
    pub fn error(&self) -> Option<u16> {
        self.al.error.then_some(self.al.code)
    }

    /// False while a fault keeps it without power.
    pub fn is_powered(&self) -> bool {
        self.powered
    }

    /// What the outputs drive: the last complete data in OP, else the device's own defaults.
    pub fn outputs(&self) -> &[u8] {
        self.process.outputs()
    }

    /// What the inputs show; EtherCAT gets it with its next read.
    pub fn inputs_mut(&mut self) -> &mut [u8] {
        self.process.inputs_mut()
    }

    /// What the outputs drive without valid data, for instance after the watchdog. All zero unless set.
    pub fn output_defaults_mut(&mut self) -> &mut [u8] {
        self.process.defaults_mut()
    }

    /// The EEPROM: its content, and how its interface behaves.
    pub fn eeprom_mut(&mut self) -> &mut Eeprom {
        &mut self.eeprom
    }

    /// Controller memory as it stands, for tests and tools. Registers that show time are as last read.
    pub fn memory(&self) -> &[u8] {
        &self.memory
    }

    /// Be another device from now on, by its identity: in the EEPROM and in object 0x1018.
    pub fn set_identity(&mut self, identity: Identity) {
        let numbers = [identity.vendor, identity.product, identity.revision, identity.serial];
        for (i, number) in numbers.into_iter().enumerate() {
            let at = 0x10 + 4 * i;
            if let Some(place) = self.eeprom.image_mut().get_mut(at..at + 4) {
                place.copy_from_slice(&number.to_le_bytes());
            }
            let objects = self.description.objects.iter_mut().filter(|object| object.index == 0x1018);
            if let Some(entry) = objects.flat_map(|object| &mut object.entries).nth(i + 1) {
                entry.value = number.to_le_bytes().to_vec();
            }
        }
        self.description.identity = identity;
        self.mailbox = mailbox_server(&self.description);
    }

    /// How long transitions to a higher state take.
    pub fn set_transition_time(&mut self, ns: u64) {
        self.al.transition_ns = ns;
    }

    /// Its drives, one for each axis; none for a device that is no drive.
    pub fn drives(&self) -> &[Drive] {
        &self.drives
    }

    /// Its drives, to let something happen to them.
    pub fn drives_mut(&mut self) -> &mut [Drive] {
        &mut self.drives
    }

    /// Let its drives move on from `from_ns` to `now_ns`. `shafts` are those of the segment.
    pub(super) fn step_drives(&mut self, from_ns: u64, now_ns: u64, shafts: &mut [Shaft]) {
        let link = Link {
            is_operational: self.al.state == AlState::Op,
            is_watchdog: self.al.error && self.al.code == code::WATCHDOG,
            arrivals: self.arrivals,
            arrival_ns: self.arrival_ns,
        };
        let mut emergency = None;
        for (drive, shaft) in self.drives.iter_mut().zip(shafts.iter_mut().skip(self.first_shaft)) {
            drive.step(from_ns, now_ns, &link, self.process.outputs(), shaft);
            emergency = emergency.or_else(|| drive.take_emergency());
            if self.powered {
                drive.show(self.process.inputs_mut());
            }
        }
        if let Some(emergency) = emergency {
            self.raise_emergency(emergency);
        }
    }

    /// What happened since the last call.
    pub(super) fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Let time pass.
    pub(super) fn tick(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
        if !self.powered {
            return;
        }
        if let Some(at_ns) = self.watchdog.expires(&self.memory, now_ns) {
            self.changes.watchdog_ns = Some(at_ns);
            if self.al.state == AlState::Op {
                self.fall_to(AlState::SafeOp, code::WATCHDOG);
            }
        }
        self.tick_state(now_ns);
        self.tick_mailbox();
    }

    /// Answer one datagram.
    pub(super) fn answer(&mut self, datagram: &mut Datagram<'_>) {
        let Some(command) = Command::from_byte(datagram.header[0]) else { return };
        let hit_by_position = datagram.address() == 0;
        let station = datagram.address();
        let counted = match command {
            Command::Nop => 0,
            Command::Aprd | Command::Apwr | Command::Aprw | Command::Armw => {
                datagram.increment_address();
                self.physical(command, hit_by_position, datagram)
            }
            Command::Brd | Command::Bwr | Command::Brw => {
                datagram.increment_address();
                self.physical(command, true, datagram)
            }
            Command::Fprd | Command::Fpwr | Command::Fprw | Command::Frmw => {
                self.physical(command, self.is_addressed(station), datagram)
            }
            Command::Lrd | Command::Lwr | Command::Lrw => self.logical(command, datagram),
        };
        datagram.count(counted);
        datagram.raise(self.word(EVENT_REQUEST) & self.word(EVENT_MASK));
    }

    fn physical(&mut self, command: Command, hit: bool, datagram: &mut Datagram<'_>) -> u16 {
        let (address, now_ns) = (datagram.offset(), self.passage.forward_ns);
        match command {
            Command::Aprd | Command::Fprd if hit => {
                self.read(address, datagram.data, Combine::Copy, now_ns).into()
            }
            Command::Brd => self.read(address, datagram.data, Combine::Or, now_ns).into(),
            Command::Apwr | Command::Fpwr | Command::Bwr if hit => {
                self.write(address, datagram.data, now_ns).into()
            }
            Command::Aprw | Command::Fprw if hit => self.exchange(address, datagram.data, Combine::Copy),
            Command::Brw => self.exchange(address, datagram.data, Combine::Or),
            Command::Armw | Command::Frmw if hit => {
                self.read(address, datagram.data, Combine::Copy, now_ns).into()
            }
            Command::Armw | Command::Frmw => self.write(address, datagram.data, now_ns).into(),
            _ => 0,
        }
    }

    /// Read, then write what the datagram brought: 1 for the read, 2 for the write.
    fn exchange(&mut self, address: u16, data: &mut [u8], combine: Combine) -> u16 {
        let mut brought = [0; FRAME_MAX];
        let Some(brought) = brought.get_mut(..data.len()) else { return 0 };
        brought.copy_from_slice(data);
        let now_ns = self.passage.forward_ns;
        let read = self.read(address, data, combine, now_ns);
        let written = self.write(address, brought, now_ns);
        u16::from(read) + 2 * u16::from(written)
    }

    fn logical(&mut self, command: Command, datagram: &mut Datagram<'_>) -> u16 {
        let (address, now_ns) = (datagram.logical_address(), self.passage.forward_ns);
        match command {
            Command::Lrd => self.logical_read(address, datagram.data, now_ns).into(),
            Command::Lwr => self.logical_write(address, datagram.data, now_ns).into(),
            Command::Lrw if !self.description.no_lrw => {
                let written = self.logical_write(address, datagram.data, now_ns);
                let read = self.logical_read(address, datagram.data, now_ns);
                u16::from(read) + 2 * u16::from(written)
            }
            _ => 0,
        }
    }

    /// By its configured address, or by its alias where DL control allows that.
    fn is_addressed(&self, station: u16) -> bool {
        let alias_enabled = self.memory[DL_CONTROL + 3] & 1 != 0;
        station == self.word(STATION_ADDRESS) || (alias_enabled && station == self.word(STATION_ALIAS))
    }

    /// Let the outputs follow what was received, if the state allows it.
    pub(super) fn drive_outputs(&mut self) {
        let valid = self.powered && self.al.state == AlState::Op;
        if self.process.drive(valid) {
            self.changes.outputs = true;
        }
    }

    /// Take the power away: outputs fall, nothing is remembered but the EEPROM.
    pub(super) fn power_off(&mut self) {
        self.powered = false;
        self.drives.iter_mut().for_each(Drive::power_off);
        self.changes.outputs |= self.process.go_dark();
        self.changes.power = true;
    }

    /// Give the power back: registers as after a reset, INIT, no station address.
    pub(super) fn power_on(&mut self, now_ns: u64) {
        self.powered = true;
        self.drives.iter_mut().for_each(Drive::power_on);
        self.clock.restart(now_ns);
        self.reset_registers();
        self.drive_outputs();
        self.changes.power = true;
        self.changes.state = true;
    }

    fn reset_registers(&mut self) {
        self.memory.fill(0);
        self.opened = [false; SYNC_MANAGERS_MAX];
        self.watchdog = Watchdog::default();
        self.al.restart();
        self.process.forget();
        let ram_kib = ((self.memory.len() - PROCESS_DATA) / 1024) as u8;
        let information =
            [0x11, 0x00, 0x02, 0x00, self.fmmu_count as u8, self.sync_manager_count as u8, ram_kib];
        self.memory[INFORMATION..INFORMATION + 7].copy_from_slice(&information);
        self.memory[INFORMATION + 7] = self.port_descriptor();
        let features = self.features();
        self.memory[INFORMATION + 8..INFORMATION + 10].copy_from_slice(&features.to_le_bytes());
        self.memory[DL_CONTROL] = 1; // Frames that are not EtherCAT are destroyed.
        self.memory[AL_STATUS] = AlState::Init as u8;
        for (at, value) in [(WATCHDOG_DIVIDER, 0x09c2), (PDI_WATCHDOG_TIME, 1000), (WATCHDOG_TIME, 1000_u16)]
        {
            self.memory[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
        self.lock_process_data(true);
        if self.has_clock {
            self.memory[SPEED_COUNTER_START..SPEED_COUNTER_START + 2].copy_from_slice(&[0x00, 0x10]);
            self.memory[FILTER_DEPTH..FILTER_DEPTH + 2].copy_from_slice(&[0x04, 0x0c]);
        }
        if let Some(presets) = self.eeprom.power_on() {
            self.preset(presets);
        }
    }

    /// Bits 2 to 7: 64 bit clock and what comes with it; bit 8: SYNC signals, which a device without process data
    /// has no use for; bit 9: no LRW.
    fn features(&self) -> u16 {
        let clock = if self.has_clock { 0x00fc } else { 0x00f0 };
        let sync = self.has_clock && !self.process.regions().is_empty();
        clock | u16::from(sync) << 8 | u16::from(self.description.no_lrw) << 9
    }

    pub(super) fn preset(&mut self, presets: Presets) {
        let words = [
            (PDI_CONTROL, presets.pdi_control),
            (PDI_CONFIGURATION, presets.pdi_configuration),
            (SYNC_PULSE_LENGTH, presets.pulse_length),
            (STATION_ALIAS, presets.alias),
        ];
        for (at, value) in words {
            self.memory[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
    }

    /// Ports 0 and 1 exist, which is all a line needs: MII, whatever the real device has inside.
    fn port_descriptor(&self) -> u8 {
        0b0000_1111
    }

    pub(super) fn word(&self, at: usize) -> u16 {
        let bytes = self.memory.get(at..).and_then(|rest| rest.first_chunk::<2>());
        bytes.map_or(0, |bytes| u16::from_le_bytes(*bytes))
    }

    /// Port 1 is closed by DL control.
    pub(super) fn is_port_closed(&self) -> bool {
        self.memory[DL_CONTROL + 1] >> 2 & 0b11 == 0b11
    }

    /// Show the links of ports 0 and 1 in DL status, and count those that were lost.
    pub(super) fn set_links(&mut self, links: [bool; 2]) {
        let mut status: u16 = 0b0000_0011; // PDI operational, PDI watchdog running.
        for (port, link) in [links[0], links[1], false, false].into_iter().enumerate() {
            let before = self.memory[DL_STATUS] >> (4 + port) & 1 != 0;
            if before && !link {
                let lost = &mut self.memory[LOST_LINKS + port];
                *lost = lost.saturating_add(1);
            }
            status |= if link { 1 << (4 + port) | 0b10 << (8 + 2 * port) } else { 0b01 << (8 + 2 * port) };
        }
        if status != self.word(DL_STATUS) {
            self.memory[DL_STATUS..DL_STATUS + 2].copy_from_slice(&status.to_le_bytes());
            self.memory[EVENT_REQUEST] |= 0x04;
        }
    }

    /// Count an error in one of the byte counters from 0x0300 on.
    pub(super) fn count_error(&mut self, at: usize) {
        if let Some(counter) = self.memory.get_mut(at) {
            *counter = counter.saturating_add(1);
        }
    }

    /// True if this process-data SyncManager has one buffer by its description, not three.
    pub(super) fn is_single_buffer(&self, number: usize) -> bool {
        self.description.sync_managers.get(number).is_some_and(|channel| channel.control & 0b11 == 0b10)
    }
}

fn mailbox_server(description: &DeviceDescription) -> Option<Box<MailboxServer>> {
    description.mailbox.map(|mailbox| Box::new(MailboxServer::new(mailbox, description)))
}
