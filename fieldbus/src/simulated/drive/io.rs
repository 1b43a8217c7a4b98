//! Where the drive's objects lie in the process data, and what is in them.

use crate::simulated::dictionary::Dictionary;
use sensai_devices::{DeviceDescription, Direction, EntryPlace};

/// What the MainDevice sends, as far as it is mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    /// 0x6040.
    pub controlword: u16,
    /// 0x6060; `None` where it is not mapped.
    pub mode: Option<i8>,
    /// 0x607A, in user units.
    pub target_position: i32,
    /// 0x60FF, user units a second.
    pub target_velocity: i32,
    /// 0x60B1.
    pub velocity_offset: i32,
    /// 0x6071, thousandths of the rated torque.
    pub target_torque: i16,
    /// 0x60B2.
    pub torque_offset: i16,
    /// 0x60FE:01.
    pub digital_outputs: u32,
}

/// What the drive shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feedback {
    /// 0x6041.
    pub statusword: u16,
    /// 0x6061.
    pub mode_display: i8,
    /// 0x6064, in user units.
    pub position: i32,
    /// 0x606C, user units a second.
    pub velocity: i32,
    /// 0x60F4, in user units: demand minus actual.
    pub following_error: i32,
    /// 0x6077, thousandths of the rated torque.
    pub torque: i16,
    /// 0x603F.
    pub error_code: u16,
    /// 0x60FD.
    pub digital_inputs: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Field {
    bit: usize,
    bits: usize,
}

/// Objects of the profile that may be mapped, without the axis' offset.
const COMMANDS: [(u16, u8); 8] =
    [(0x6040, 0), (0x6060, 0), (0x607a, 0), (0x60ff, 0), (0x60b1, 0), (0x6071, 0), (0x60b2, 0), (0x60fe, 1)];
const FEEDBACK: [(u16, u8); 8] =
    [(0x6041, 0), (0x6061, 0), (0x6064, 0), (0x606c, 0), (0x60f4, 0), (0x6077, 0), (0x603f, 0), (0x60fd, 0)];

/// Where the objects lie in the device's outputs and inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    commands: [Option<Field>; 8],
    feedback: [Option<Field>; 8],
}

impl Layout {
    /// As the description maps them; `base` is 0x800 times the number of the axis in its device.
    pub fn of(description: &DeviceDescription, base: u16) -> Self {
        let mut layout = Self::default();
        for direction in [Direction::Output, Direction::Input] {
            for entry in description.entries(direction) {
                layout.place(entry.place, base);
            }
        }
        layout
    }

    /// As the dictionary's PDO assignment and mapping have them now.
    pub fn remap(&mut self, dictionary: &Dictionary, base: u16) {
        *self = Self::default();
        dictionary.for_each_mapped(|place| self.place(place, base));
    }

    fn place(&mut self, place: EntryPlace, base: u16) {
        let (objects, fields) = match place.direction {
            Direction::Output => (&COMMANDS, &mut self.commands),
            Direction::Input => (&FEEDBACK, &mut self.feedback),
        };
        let wanted =
            |&(index, subindex): &(u16, u8)| (index + base, subindex) == (place.index, place.subindex);
        let Some(at) = objects.iter().position(wanted) else { return };
        if let Some(field @ None) = fields.get_mut(at) {
            *field = Some(Field { bit: place.bit_offset as usize, bits: usize::from(place.bit_len).min(32) });
        }
    }

    /// Take the commands out of the device's outputs.
    pub fn read(&self, outputs: &[u8]) -> Commands {
        let [control, mode, position, velocity, velocity_offset, torque, torque_offset, digital] =
            self.commands.map(|field| field.map(|field| get(outputs, field)));
        let word = |value: Option<u32>| value.unwrap_or(0);
        Commands {
            controlword: word(control) as u16,
            mode: mode.map(|mode| mode as u8 as i8),
            target_position: word(position).cast_signed(),
            target_velocity: word(velocity).cast_signed(),
            velocity_offset: word(velocity_offset).cast_signed(),
            target_torque: (word(torque) as u16).cast_signed(),
            torque_offset: (word(torque_offset) as u16).cast_signed(),
            digital_outputs: word(digital),
        }
    }

    /// Put the feedback into the device's inputs.
    pub fn write(&self, feedback: &Feedback, inputs: &mut [u8]) {
        let values = [
            u32::from(feedback.statusword),
            u32::from(feedback.mode_display.cast_unsigned()),
            feedback.position.cast_unsigned(),
            feedback.velocity.cast_unsigned(),
            feedback.following_error.cast_unsigned(),
            u32::from(feedback.torque.cast_unsigned()),
            u32::from(feedback.error_code),
            feedback.digital_inputs,
        ];
        for (field, value) in self.feedback.iter().zip(values) {
            if let Some(field) = field {
                put(inputs, *field, value);
            }
        }
    }
}

impl Field {
    /// Its bytes, if it has whole ones and lies inside; that is how most drives map.
    fn bytes(self, len: usize) -> Option<std::ops::Range<usize>> {
        let bytes = self.bit / 8..(self.bit + self.bits) / 8;
        (self.bit.is_multiple_of(8) && self.bits.is_multiple_of(8) && bytes.end <= len).then_some(bytes)
    }
}

/// Bits beyond the end of `from` read 0.
fn get(from: &[u8], field: Field) -> u32 {
    if let Some(bytes) = field.bytes(from.len()).and_then(|bytes| from.get(bytes)) {
        return bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
    }
    (0..field.bits).fold(0, |value, n| {
        let bit = field.bit + n;
        let set = from.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 != 0);
        value | u32::from(set) << n
    })
}

fn put(to: &mut [u8], field: Field, value: u32) {
    if let Some(bytes) = field.bytes(to.len()).and_then(|bytes| to.get_mut(bytes)) {
        let len = bytes.len();
        bytes.copy_from_slice(&value.to_le_bytes()[..len]);
        return;
    }
    for n in 0..field.bits {
        let bit = field.bit + n;
        if let Some(byte) = to.get_mut(bit / 8) {
            let mask = 1 << (bit % 8);
            *byte = if value >> n & 1 != 0 { *byte | mask } else { *byte & !mask };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sensai_devices::catalogue;

    #[test]
    fn a_round_trip_through_the_catalogue_s_process_data() {
        let description = catalogue::find("SN4020").expect("in the catalogue");
        let layout = Layout::of(&description, 0);
        let mut outputs = vec![0; description.byte_len(Direction::Output)];
        outputs[..2].copy_from_slice(&0x010f_u16.to_le_bytes());
        outputs[2] = 8;
        outputs[4..8].copy_from_slice(&(-123_456_789_i32).to_le_bytes());
        outputs[16..18].copy_from_slice(&(-321_i16).to_le_bytes());
        outputs[20..24].copy_from_slice(&1_u32.to_le_bytes());
        let expected = Commands {
            controlword: 0x010f,
            mode: Some(8),
            target_position: -123_456_789,
            target_torque: -321,
            digital_outputs: 1,
            ..Commands::default()
        };
        assert_eq!(layout.read(&outputs), expected);

        let mut inputs = vec![0xff; description.byte_len(Direction::Input)];
        let feedback = Feedback { statusword: 0x1237, position: -2, torque: -3, ..Feedback::default() };
        layout.write(&feedback, &mut inputs);
        assert_eq!(inputs[..2], 0x1237_u16.to_le_bytes());
        assert_eq!(inputs[4..8], (-2_i32).to_le_bytes());
        assert_eq!(inputs[16..18], (-3_i16).to_le_bytes());
        layout.write(&feedback, &mut inputs[..3]); // Too short: what fits.
        assert_eq!(layout.read(&[]), Commands { mode: Some(0), ..Commands::default() });
    }

    /// ETG.6010: the second axis of a device has its objects 0x800 higher.
    #[test]
    fn the_second_axis_has_its_own_objects() {
        let mut description = (*catalogue::find("SN4020").expect("in the catalogue")).clone();
        let mut second = description.rx_pdos[0].clone();
        for entry in second.entries.iter_mut().filter(|entry| entry.index != 0) {
            entry.index += 0x800;
        }
        description.rx_pdos.push(second);
        let outputs: Vec<u8> = (0..48).collect();
        let layout = Layout::of(&description, 0x800);
        assert_eq!(layout.read(&outputs).controlword, u16::from_le_bytes([24, 25]));
        assert_eq!(Layout::of(&description, 0).read(&outputs).controlword, u16::from_le_bytes([0, 1]));
        assert_eq!(layout.feedback, [None; 8]);
    }

    /// Anywhere in the image, whole bytes or not: what is put is got, and nothing beside it changes.
    #[test]
    fn fields_lie_anywhere() {
        for bit in 0..24 {
            for bits in 1..=32 {
                let field = Field { bit, bits };
                let mask = u32::MAX >> (32 - bits);
                for filled in [0x00, 0xff] {
                    let mut image = [filled; 7];
                    put(&mut image, field, 0xa5c3_9671);
                    assert_eq!(get(&image, field), 0xa5c3_9671 & mask, "{field:?}");
                    let beside = (0..56).filter(|n| !(bit..bit + bits).contains(n));
                    let same = { beside }.all(|n| image[n / 8] >> (n % 8) & 1 == filled & 1);
                    assert!(same, "{field:?}: {image:x?}");
                    // Cut off: what is there.
                    let mut short = [filled; 2];
                    put(&mut short, field, u32::MAX);
                    assert_eq!(get(&[], field), 0);
                }
            }
        }
    }
}
