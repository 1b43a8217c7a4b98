//! What the drive says of itself: the TxPDO objects, and those that can only be read by SDO.

use super::{
    Drive, Feedback,
    demand::{CSP, CST, CSV, HM},
    homing::Switches,
    power::{PowerState, statusword},
    sequence::{Motion, REST},
};
use crate::simulated::dictionary::Dictionary;

/// Rectified mains of 230 V.
const DC_LINK_MV: u32 = 325_000;
/// Manufacturer's bit of 0x60FD: safe torque off is requested.
const INPUT_STO: u32 = 1 << 16;

impl Drive {
    pub(super) fn update_feedback(&mut self) {
        let parameters = &self.parameters;
        let position = self.user_position(self.seen().position);
        let thousandths =
            if parameters.torque_unit > 0.0 { self.effort.torque / parameters.torque_unit } else { 0.0 };
        self.feedback = Feedback {
            statusword: self.make_statusword(),
            mode_display: self.mode,
            // The display has 32 bits and goes round, as the target does.
            position: position.round() as i64 as i32,
            velocity: (self.rotor.velocity * parameters.units).round() as i32,
            following_error: self.following_error().round() as i32,
            torque: thousandths.round() as i16,
            error_code: self.errors.code,
            digital_inputs: self.digital_inputs(),
        };
    }

    fn make_statusword(&self) -> u16 {
        let flag = |set: bool, bit: u16| if set { bit } else { 0 };
        self.state.statusword()
            | flag(self.has_mains, statusword::VOLTAGE_ENABLED)
            | flag(self.has_warning(), statusword::WARNING)
            | flag(self.sto, statusword::STO_ACTIVE)
            | flag(self.link.is_operational, statusword::REMOTE)
            | flag(self.effort.is_limited, statusword::INTERNAL_LIMIT)
            | flag(self.is_referenced, statusword::REFERENCED)
            | self.mode_bits()
    }

    /// Bits 10, 12 and 13, whose meaning depends on the mode.
    fn mode_bits(&self) -> u16 {
        let flag = |set: bool, bit: u16| if set { bit } else { 0 };
        let follows = self.motion == Motion::Follow;
        let stopped = matches!(self.motion, Motion::Hold | Motion::Stopping { .. })
            && self.ramp.velocity == 0.0
            && self.rotor.velocity.abs() < REST;
        match self.mode {
            HM if self.state == PowerState::OperationEnabled => {
                let rests = self.rotor.velocity.abs() < REST;
                let reached = self.homing.is_done()
                    || (!self.homing.is_running() && !self.homing.is_attained() && rests);
                flag(reached, statusword::TARGET_REACHED)
                    | flag(self.homing.is_attained(), statusword::HOMING_ATTAINED)
                    | flag(self.homing.has_failed(), statusword::HOMING_ERROR)
            }
            CSP => {
                flag(stopped || self.watch.is_in_position, statusword::TARGET_REACHED)
                    | flag(follows, statusword::FOLLOWS_COMMAND)
                    | flag(self.watch.is_following_error, statusword::FOLLOWING_ERROR)
            }
            CSV | CST => {
                flag(stopped, statusword::TARGET_REACHED) | flag(follows, statusword::FOLLOWS_COMMAND)
            }
            _ => flag(stopped, statusword::TARGET_REACHED),
        }
    }

    fn digital_inputs(&self) -> u32 {
        let Switches { negative, positive, home } = self.switches;
        u32::from(negative)
            | u32::from(positive) << 1
            | u32::from(home) << 2
            | if self.sto { INPUT_STO } else { 0 }
    }

    /// Objects that are in no PDO, before somebody reads them.
    pub(crate) fn publish(&self, dictionary: &mut Dictionary) {
        let demand = self.demand.unwrap_or(self.seen().position);
        let demand_user = self.user_position(demand).round() as i64 as i32;
        let increments = |revolutions: f64| (revolutions * self.parameters.resolution).round() as i64 as i32;
        let velocity = (self.effort.velocity * self.parameters.units).round() as i32;
        let link_mv = if self.has_mains { DC_LINK_MV } else { 0 };
        let torque = self.feedback.torque.to_le_bytes();
        let mut set = |index: u16, value: &[u8]| dictionary.set_value(index + self.base, 0, value);
        set(0x6062, &demand_user.to_le_bytes());
        set(0x6063, &increments(self.seen().position).to_le_bytes());
        set(0x606b, &velocity.to_le_bytes());
        set(0x6074, &torque);
        // The motor's torque constant is the rated torque by the rated current.
        set(0x6078, &torque);
        set(0x6079, &link_mv.to_le_bytes());
        set(0x60fc, &increments(demand).to_le_bytes());
        if self.base > 0 {
            return; // Errors are kept once for the device: those of its first axis.
        }
        dictionary.set_value(0x1001, 0, &[self.errors.register]);
        dictionary.set_value(0x1003, 0, &[self.errors.count]);
        for (subindex, error) in (1..).zip(self.errors.history) {
            dictionary.set_value(0x1003, subindex, &error.to_le_bytes());
        }
    }
}
