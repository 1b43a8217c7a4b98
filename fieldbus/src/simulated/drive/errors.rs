//! What went wrong: error code, error register, history, and the emergencies about it.

use crate::simulated::Emergency;

/// Error codes, object 0x603F, IEC 61800-7-201 table "Error codes". The last ones are those of the communication profile.
pub mod code {
    /// Mains under-voltage.
    pub const UNDERVOLTAGE: u16 = 0x3120;
    /// Safe torque off was requested while the motor had torque. The profile has none; contact 1, as drives in the field use it.
    pub const STO: u16 = 0x5441;
    /// Velocity speed controller: the motor turns faster than it may.
    pub const OVERSPEED: u16 = 0x8400;
    /// Following error.
    pub const FOLLOWING: u16 = 0x8611;
    /// Reference limit: a limit switch was run into.
    pub const LIMIT_SWITCH: u16 = 0x8612;
    /// Set-points failed to come.
    pub const SYNC: u16 = 0x8700;
    /// The MainDevice took the drive out of OP while the motor had torque.
    pub const CONNECTION: u16 = 0x8100;
    /// The SyncManager watchdog expired: no outputs came.
    pub const WATCHDOG: u16 = 0x8130;
}

/// Kept in object 0x1003.
pub const HISTORY: usize = 8;
/// Emergencies that wait for the device to take them.
const EMERGENCIES: usize = 4;

/// The errors of one drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// Object 0x603F: the newest error; 0 after a fault reset.
    pub code: u16,
    /// Object 0x1001.
    pub register: u8,
    /// Object 0x1003, newest first.
    pub history: [u32; HISTORY],
    /// How many of them there are.
    pub count: u8,
    emergencies: [Option<Emergency>; EMERGENCIES],
}

impl Errors {
    /// An error has happened.
    pub fn raise(&mut self, code: u16) {
        self.code = code;
        self.register = register(code);
        self.history.copy_within(..HISTORY - 1, 1);
        self.history[0] = u32::from(code);
        self.count = (self.count + 1).min(HISTORY as u8);
        self.tell();
    }

    /// The fault was reset: ETG.1020 has an emergency with code 0 for that.
    pub fn reset(&mut self) {
        (self.code, self.register) = (0, 0);
        self.tell();
    }

    fn tell(&mut self) {
        let emergency = Emergency { code: self.code, register: self.register, data: [0; 5] };
        if let Some(place) = self.emergencies.iter_mut().find(|place| place.is_none()) {
            *place = Some(emergency);
        }
    }

    /// The oldest emergency that nobody took yet.
    pub fn take_emergency(&mut self) -> Option<Emergency> {
        let first = self.emergencies[0].take();
        self.emergencies.rotate_left(1);
        first
    }
}

/// Object 0x1001: bit 0 generic, 1 current, 2 voltage, 3 temperature, 4 communication, 5 device profile, 7 manufacturer.
fn register(code: u16) -> u8 {
    let kind = match code >> 12 {
        0x2 => 1 << 1,
        0x3 => 1 << 2,
        0x4 => 1 << 3,
        0x8 if code < 0x8200 => 1 << 4,
        0xf => 1 << 7,
        _ => 1 << 5,
    };
    1 | kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_newest_first_and_bounded() {
        let mut errors = Errors::default();
        for code in 1..=10 {
            errors.raise(0x7000 + code);
        }
        assert_eq!((errors.count, errors.history[0], errors.history[7]), (8, 0x700a, 0x7003));
        errors.reset();
        assert_eq!((errors.code, errors.register, errors.history[0]), (0, 0, 0x700a));
        let taken: Vec<u16> = std::iter::from_fn(|| errors.take_emergency()).map(|e| e.code).collect();
        assert_eq!(taken, [0x7001, 0x7002, 0x7003, 0x7004]);
        errors.raise(code::WATCHDOG);
        let emergency = errors.take_emergency().expect("is told");
        assert_eq!((emergency.code, emergency.register), (0x8130, 0x11));
        assert_eq!(errors.take_emergency(), None);
    }
}
