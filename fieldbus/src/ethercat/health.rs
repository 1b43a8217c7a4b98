//! What each device says about itself, so that "which device" and "which cable" can be answered.

use super::registers::AlState;
use serde::Serialize;

/// Error counters of one port, registers 0x0300 to 0x0313. They stop at 255 and count since they were last cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PortHealth {
    /// Frames with a wrong check sequence or length: the cable at this port, or the device at its other end.
    pub invalid_frames: u8,
    /// Receive errors of the physical layer: the cable at this port.
    pub rx_errors: u8,
    /// Frames that another device had already marked as damaged: the fault is further up.
    pub forwarded_errors: u8,
    /// How often the link was lost.
    pub lost_links: u8,
}

/// One device, as last seen. Plain data; renewed in turn, one device a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceHealth {
    /// Its state; [`AlState::NoAnswer`] if nothing answers at its station address.
    pub state: AlState,
    /// The AL status code (see [`super::al_status_text`]) if it reports an error, else 0.
    pub status_code: u16,
    /// Bit *n*: port *n* has a link (register 0x0110).
    pub links: u8,
    /// Ports 0 to 3.
    pub ports: [PortHealth; 4],
    /// Errors of the processing unit (register 0x030C).
    pub processing_unit_errors: u8,
    /// Errors of the interface to the device's own controller (register 0x030D).
    pub pdi_errors: u8,
}

impl DeviceHealth {
    pub(crate) const UNKNOWN: Self = Self {
        state: AlState::NoAnswer,
        status_code: 0,
        links: 0,
        ports: [PortHealth { invalid_frames: 0, rx_errors: 0, forwarded_errors: 0, lost_links: 0 }; 4],
        processing_unit_errors: 0,
        pdi_errors: 0,
    };

    /// From registers 0x0130 to 0x0135.
    pub(crate) fn update_state(&mut self, answered: bool, registers: &[u8]) {
        let (state, code) = match *registers {
            [status, _, _, _, low, high] if answered => {
                let code = if status & 0x10 != 0 { u16::from_le_bytes([low, high]) } else { 0 };
                (AlState::from_status(status), code)
            }
            _ => (AlState::NoAnswer, 0),
        };
        (self.state, self.status_code) = (state, code);
    }

    /// From registers 0x0300 to 0x0313.
    pub(crate) fn update_counters(&mut self, registers: &[u8]) {
        let Ok(registers) = <&[u8; 20]>::try_from(registers) else { return };
        for (n, port) in self.ports.iter_mut().enumerate() {
            port.invalid_frames = registers[2 * n];
            port.rx_errors = registers[2 * n + 1];
            port.forwarded_errors = registers[8 + n];
            port.lost_links = registers[16 + n];
        }
        self.processing_unit_errors = registers[12];
        self.pdi_errors = registers[13];
    }

    /// From register 0x0110.
    pub(crate) fn update_links(&mut self, dl_status: u16) {
        self.links = (dl_status >> 4 & 0x0f) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_code_counts_only_with_the_error_indication() {
        let mut health = DeviceHealth::UNKNOWN;
        health.update_state(true, &[0x14, 0, 0, 0, 0x1b, 0]);
        assert_eq!((health.state, health.status_code), (AlState::SafeOp, 0x1b));
        health.update_state(true, &[0x08, 0, 0, 0, 0x1b, 0]);
        assert_eq!((health.state, health.status_code), (AlState::Op, 0));
        health.update_state(false, &[0x08, 0, 0, 0, 0, 0]);
        assert_eq!(health.state, AlState::NoAnswer);
    }

    #[test]
    fn every_counter_comes_from_its_register() {
        let registers: [u8; 20] = std::array::from_fn(|n| n as u8);
        let mut health = DeviceHealth::UNKNOWN;
        health.update_counters(&registers);
        let port = PortHealth { invalid_frames: 4, rx_errors: 5, forwarded_errors: 10, lost_links: 18 };
        assert_eq!(health.ports[2], port);
        assert_eq!((health.processing_unit_errors, health.pdi_errors), (12, 13));
        health.update_links(0x00f0);
        assert_eq!(health.links, 0x0f);
    }
}
