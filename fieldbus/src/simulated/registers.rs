//! Addresses in the EtherCAT SubDevice controller, ETG.1000.4 section 6 and the ESC data sheet, section II.

/// Type, revision, build (u16), FMMU count, SyncManager count, RAM size in KiB, port descriptors, features (u16).
pub const INFORMATION: usize = 0x0000;
/// Configured station address, u16.
pub const STATION_ADDRESS: usize = 0x0010;
/// Configured station alias, u16; from the SII.
pub const STATION_ALIAS: usize = 0x0012;
/// DL control, u32: loop control of the ports in the second byte, alias enable in bit 24.
pub const DL_CONTROL: usize = 0x0100;
/// DL status, u16: links, loops and signal of the ports.
pub const DL_STATUS: usize = 0x0110;
/// AL control, u16.
pub const AL_CONTROL: usize = 0x0120;
/// AL status, u16.
pub const AL_STATUS: usize = 0x0130;
/// AL status code, u16.
pub const AL_STATUS_CODE: usize = 0x0134;
/// PDI control, u8; from the SII.
pub const PDI_CONTROL: usize = 0x0140;
/// PDI configuration, u16; from the SII.
pub const PDI_CONFIGURATION: usize = 0x0150;
/// ECAT event mask, u16.
pub const EVENT_MASK: usize = 0x0200;
/// ECAT event request, u16.
pub const EVENT_REQUEST: usize = 0x0210;
/// Invalid frame (low) and RX error (high) counter of each port, four times u16.
pub const RX_ERRORS: usize = 0x0300;
/// Forwarded RX error counters, one byte a port.
pub const FORWARDED_ERRORS: usize = 0x0308;
/// ECAT processing unit error counter, u8.
pub const PROCESSING_ERRORS: usize = 0x030C;
/// Lost link counters, one byte a port.
pub const LOST_LINKS: usize = 0x0310;
/// End of the error counters.
pub const COUNTERS_END: usize = 0x0314;
/// Watchdog divider, u16: units of 40 ns, less two.
pub const WATCHDOG_DIVIDER: usize = 0x0400;
/// PDI watchdog time, u16.
pub const PDI_WATCHDOG_TIME: usize = 0x0410;
/// SyncManager watchdog time, u16, in units of the divider; 0 switches it off.
pub const WATCHDOG_TIME: usize = 0x0420;
/// SyncManager watchdog status, u16: bit 0 set while it has not expired.
pub const WATCHDOG_STATUS: usize = 0x0440;
/// SyncManager watchdog counter, u8: expirations; the PDI watchdog's follows.
pub const WATCHDOG_COUNTER: usize = 0x0442;
/// SII configuration, u8: bit 0 gives the EEPROM to the PDI.
pub const SII_CONFIGURATION: usize = 0x0500;
/// SII control and status, u16.
pub const SII_CONTROL: usize = 0x0502;
/// SII word address, u32.
pub const SII_ADDRESS: usize = 0x0504;
/// SII data, 8 bytes.
pub const SII_DATA: usize = 0x0508;
/// End of the SII registers.
pub const SII_END: usize = 0x0510;
/// FMMU 0; 16 bytes each.
pub const FMMU: usize = 0x0600;
/// End of the largest FMMU area, 16 of them.
pub const FMMU_END: usize = 0x0700;
/// SyncManager 0; 8 bytes each.
pub const SYNC_MANAGER: usize = 0x0800;
/// End of the largest SyncManager area, 16 of them.
pub const SYNC_MANAGER_END: usize = 0x0880;
/// Receive time of port 0, u32; those of ports 1 to 3 follow. A write latches them.
pub const RECEIVE_TIMES: usize = 0x0900;
/// System time, u64. A write is compared with it and steers the clock.
pub const SYSTEM_TIME: usize = 0x0910;
/// Receive time of the processing unit, u64.
pub const RECEIVE_TIME_UNIT: usize = 0x0918;
/// System time offset, i64.
pub const SYSTEM_TIME_OFFSET: usize = 0x0920;
/// System time delay, u32.
pub const SYSTEM_TIME_DELAY: usize = 0x0928;
/// System time difference, u32: bit 31 set while the local copy is behind.
pub const SYSTEM_TIME_DIFFERENCE: usize = 0x092C;
/// Speed counter start, u16. A write resets the difference filter.
pub const SPEED_COUNTER_START: usize = 0x0930;
/// Speed counter difference, u16.
pub const SPEED_COUNTER_DIFFERENCE: usize = 0x0932;
/// Filter depth of the system time difference, u8; that of the speed counter follows.
pub const FILTER_DEPTH: usize = 0x0934;
/// Cyclic unit control, u8.
pub const CYCLIC_UNIT_CONTROL: usize = 0x0980;
/// Activation, u8: bit 0 cyclic operation, bit 1 SYNC0, bit 2 SYNC1.
pub const SYNC_ACTIVATION: usize = 0x0981;
/// Pulse length of the SYNC signals, u16, in 10 ns; from the SII.
pub const SYNC_PULSE_LENGTH: usize = 0x0982;
/// Start time of cyclic operation, u64; reads as the next SYNC0 pulse once active.
pub const SYNC_START_TIME: usize = 0x0990;
/// SYNC0 cycle time in ns, u32.
pub const SYNC0_CYCLE: usize = 0x09A0;
/// SYNC1 cycle time in ns, u32.
pub const SYNC1_CYCLE: usize = 0x09A4;
/// The distributed-clock registers.
pub const DC: std::ops::Range<usize> = 0x0900..0x0A00;
/// Digital outputs and whatever else a SyncManager may own below the process-data memory.
pub const DIGITAL_IO: usize = 0x0F00;
/// Process-data memory starts here.
pub const PROCESS_DATA: usize = 0x1000;

/// May EtherCAT write this register byte? (SyncManager status and PDI control bytes are answered apart.)
pub const fn is_writable(at: usize) -> bool {
    matches!(
        at,
        0x0010..=0x0011
            | 0x0020..=0x0021
            | 0x0030..=0x0031
            | 0x0100..=0x0103
            | 0x0108..=0x0109
            | 0x0120..=0x0121
            | 0x0200..=0x0201
            | 0x0400..=0x0401
            | 0x0410..=0x0411
            | 0x0420..=0x0421
            | 0x0500
            | 0x0502..=0x050F
            | 0x0600..=0x06FF
            | 0x0800..=0x087F
            | 0x0920..=0x092B
            | 0x0930..=0x0931
            | 0x0934..=0x0935
            | 0x0980..=0x0981
            | 0x0990..=0x0997
            | 0x09A0..=0x09A9
            | 0x0F00..=0x0F03
            | 0x0F80..=0x0FFF
    )
}

/// Is a write to this register byte taken as an order, without being stored? Counters are cleared, times latched
/// or compared.
pub const fn is_trigger(at: usize) -> bool {
    matches!(at, 0x0300..=0x0313 | 0x0442..=0x0443 | 0x0900..=0x0903 | 0x0910..=0x0917)
}
