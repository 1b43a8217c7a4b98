//! From the devices' SyncManagers to logical addresses, datagrams, expected working counters and copy lists.
//!
//! Each sync unit gets one contiguous logical range: the outputs of its devices, then their inputs, in bus order. So
//! one LRW serves a unit, and its working counter speaks for this unit alone. Units with a device that cannot LRW get
//! one LWR and one LRD. What does not fit into one frame is split, between devices where that is possible.
//!
//! Read first: ETG.1000.4 section 5.6 (FMMU) and table 14 (working counter).

use super::frame::{Address, DATA_MAX, OwnFrame, Slot, command};
use sensai_devices::Direction;
use std::ops::Range;

/// First logical address in use; units start at multiples of this, so that captures are easy to read.
const ALIGNMENT: u32 = 0x1_0000;

/// Process data of a device in one stretch of its memory: one FMMU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub physical: u16,
    pub length: u16,
}

/// What the mapping has to know of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceIo {
    pub unit: usize,
    pub no_lrw: bool,
    pub outputs: Vec<Area>,
    pub inputs: Vec<Area>,
    /// Its bytes in the two images, as long as its areas together.
    pub output_image: Range<usize>,
    pub input_image: Range<usize>,
}

/// An FMMU to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fmmu {
    pub device: usize,
    pub direction: Direction,
    pub logical: u32,
    pub area: Area,
    /// Offset in the image of its direction.
    image: usize,
}

/// One process data datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub frame: usize,
    pub slot: Slot,
    pub expected: u16,
}

/// Bytes between an image and a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    pub frame: usize,
    pub at: usize,
    pub image: usize,
    pub len: usize,
}

/// A sync unit's part of the lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnitMap {
    /// In [`Mapping::datagrams`].
    pub datagrams: Range<usize>,
    /// In [`Mapping::inputs`].
    pub inputs: Range<usize>,
}

/// All of it, in the order of the sync units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub fmmus: Vec<Fmmu>,
    pub units: Vec<UnitMap>,
    pub datagrams: Vec<Datagram>,
    pub outputs: Vec<Copy>,
    pub inputs: Vec<Copy>,
}

impl Mapping {
    /// Lay out the process data of `devices` and append its datagrams to `frames`, as many as are needed.
    pub fn new(devices: &[DeviceIo], units: usize, frames: &mut Vec<OwnFrame>) -> Self {
        let mut mapping = Self::default();
        let mut logical = ALIGNMENT;
        for unit in 0..units {
            let (datagrams, inputs) = (mapping.datagrams.len(), mapping.inputs.len());
            let members = || devices.iter().enumerate().filter(move |(_, device)| device.unit == unit);
            let outputs = members().flat_map(|(n, device)| fmmus(n, Direction::Output, device));
            let all: Vec<Fmmu> = outputs
                .chain(members().flat_map(|(n, device)| fmmus(n, Direction::Input, device)))
                .map(|fmmu| {
                    let at = Fmmu { logical, ..fmmu };
                    logical += u32::from(fmmu.area.length);
                    at
                })
                .collect();
            if members().any(|(_, device)| device.no_lrw) {
                let (outputs, inputs): (Vec<_>, Vec<_>) =
                    all.iter().partition(|fmmu| fmmu.direction == Direction::Output);
                mapping.place(command::LWR, &outputs, frames);
                mapping.place(command::LRD, &inputs, frames);
            } else {
                mapping.place(command::LRW, &all, frames);
            }
            mapping.fmmus.extend(all);
            mapping.units.push(UnitMap {
                datagrams: datagrams..mapping.datagrams.len(),
                inputs: inputs..mapping.inputs.len(),
            });
            logical = logical.next_multiple_of(ALIGNMENT);
        }
        mapping
    }

    /// Bytes of a device's process data.
    pub fn byte_len(&self, device: usize, direction: Direction) -> usize {
        let own = self.fmmus.iter().filter(|fmmu| (fmmu.device, fmmu.direction) == (device, direction));
        own.map(|fmmu| usize::from(fmmu.area.length)).sum()
    }

    /// One datagram over contiguous FMMUs, or as many as their length needs.
    fn place(&mut self, command: u8, fmmus: &[Fmmu], frames: &mut Vec<OwnFrame>) {
        let mut parts: Vec<Fmmu> = Vec::new();
        for fmmu in fmmus.iter().flat_map(pieces) {
            if length(&parts) + usize::from(fmmu.area.length) > DATA_MAX {
                self.datagram(command, &parts, frames);
                parts.clear();
            }
            parts.push(fmmu);
        }
        self.datagram(command, &parts, frames);
    }

    fn datagram(&mut self, command: u8, parts: &[Fmmu], frames: &mut Vec<OwnFrame>) {
        let Some(first) = parts.first() else { return };
        let len = length(parts);
        let frame = match frames.len().checked_sub(1) {
            Some(last) if frames[last].room() >= len => last,
            _ => {
                frames.push(OwnFrame::new(frames.len() as u8));
                frames.len() - 1
            }
        };
        let slot = frames[frame].push(Address::logical(command, first.logical), len);
        for part in parts {
            let copy = Copy {
                frame,
                at: slot.at + (part.logical - first.logical) as usize,
                image: part.image,
                len: part.area.length.into(),
            };
            match part.direction {
                Direction::Output => push_or_extend(&mut self.outputs, 0, copy),
                Direction::Input => {
                    // Never across units: their validity differs.
                    let from = self.units.last().map_or(0, |unit| unit.inputs.end);
                    push_or_extend(&mut self.inputs, from, copy);
                }
            }
        }
        self.datagrams.push(Datagram { frame, slot, expected: expected(command, parts) });
    }
}

/// The device's FMMUs of one direction; logical addresses are still to come.
fn fmmus(device: usize, direction: Direction, io: &DeviceIo) -> Vec<Fmmu> {
    let (areas, image) = match direction {
        Direction::Output => (&io.outputs, &io.output_image),
        Direction::Input => (&io.inputs, &io.input_image),
    };
    let mut at = image.start;
    let fmmu = |area: &Area| {
        let image = at;
        at += usize::from(area.length);
        Fmmu { device, direction, logical: 0, area: *area, image }
    };
    let fmmus = areas.iter().map(fmmu).collect();
    debug_assert!(at == image.end);
    fmmus
}

/// An FMMU in pieces that fit into a datagram; almost always one.
fn pieces(fmmu: &Fmmu) -> impl Iterator<Item = Fmmu> + use<> {
    let fmmu = *fmmu;
    (0..usize::from(fmmu.area.length)).step_by(DATA_MAX).map(move |from| {
        let length = (usize::from(fmmu.area.length) - from).min(DATA_MAX) as u16;
        Fmmu {
            logical: fmmu.logical + from as u32,
            area: Area { physical: fmmu.area.physical + from as u16, length },
            image: fmmu.image + from,
            ..fmmu
        }
    })
}

fn length(parts: &[Fmmu]) -> usize {
    parts.iter().map(|part| usize::from(part.area.length)).sum()
}

/// Each device adds 1 if it was read; if it was written, 2 in an LRW and 1 in an LWR, however many FMMUs it has.
fn expected(command: u8, parts: &[Fmmu]) -> u16 {
    let devices = |direction| {
        let mut devices: Vec<usize> =
            parts.iter().filter(|part| part.direction == direction).map(|part| part.device).collect();
        devices.dedup();
        devices.len() as u16
    };
    let written = if command == command::LRW { 2 } else { 1 };
    devices(Direction::Input) + written * devices(Direction::Output)
}

/// Append, or lengthen the last copy (from index `from` on) if both sides go on where it ends.
fn push_or_extend(copies: &mut Vec<Copy>, from: usize, copy: Copy) {
    let index = copies.len();
    match copies.last_mut() {
        Some(last)
            if index > from
                && last.frame == copy.frame
                && last.at + last.len == copy.at
                && last.image + last.len == copy.image =>
        {
            last.len += copy.len;
        }
        _ => copies.push(copy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn device(unit: usize, outputs: &[u16], inputs: &[u16], at: &mut (usize, usize)) -> DeviceIo {
        let area = |length: &u16| Area { physical: 0x1000, length: *length };
        let (o, i) = (at.0, at.1);
        at.0 += outputs.iter().map(|n| usize::from(*n)).sum::<usize>();
        at.1 += inputs.iter().map(|n| usize::from(*n)).sum::<usize>();
        DeviceIo {
            unit,
            no_lrw: false,
            outputs: outputs.iter().map(area).collect(),
            inputs: inputs.iter().map(area).collect(),
            output_image: o..at.0,
            input_image: i..at.1,
        }
    }

    #[test]
    fn two_units_two_datagrams() {
        let at = &mut (0, 0);
        let devices = [
            device(0, &[], &[], at),
            device(0, &[], &[1], at),
            device(0, &[1], &[], at),
            device(1, &[], &[4], at),
            device(0, &[2], &[6], at),
        ];
        let mut frames = Vec::new();
        let mapping = Mapping::new(&devices, 2, &mut frames);
        assert_eq!(frames.len(), 1);
        let logical: Vec<_> = mapping.fmmus.iter().map(|fmmu| (fmmu.device, fmmu.logical)).collect();
        assert_eq!(logical, [(2, 0x1_0000), (4, 0x1_0001), (1, 0x1_0003), (4, 0x1_0004), (3, 0x2_0000)]);
        let expected: Vec<_> = mapping.datagrams.iter().map(|d| (d.slot.len, d.expected)).collect();
        assert_eq!(expected, [(10, 2 + 2 + 1 + 1), (4, 1)]);
        // Adjacent in image and frame: one copy. The input images of the units interleave: three.
        assert_eq!(mapping.outputs, [Copy { frame: 0, at: 26, image: 0, len: 3 }]);
        assert_eq!(mapping.inputs.len(), 3);
        assert_eq!((mapping.units[0].inputs.clone(), mapping.units[1].inputs.clone()), (0..2, 2..3));
    }

    #[test]
    fn a_unit_with_a_device_without_lrw_reads_and_writes_apart() {
        let at = &mut (0, 0);
        let mut devices = [device(0, &[1], &[1], at), device(0, &[1], &[2], at)];
        devices[1].no_lrw = true;
        let mapping = Mapping::new(&devices, 1, &mut Vec::new());
        let expected: Vec<_> = mapping.datagrams.iter().map(|d| (d.slot.len, d.expected)).collect();
        assert_eq!(expected, [(2, 2), (3, 2)]);
    }

    #[test]
    fn a_device_with_two_areas_counts_once() {
        let mapping = Mapping::new(&[device(0, &[1, 1], &[2, 2], &mut (0, 0))], 1, &mut Vec::new());
        assert_eq!(mapping.datagrams[0].expected, 3);
        assert_eq!(mapping.fmmus.len(), 4);
    }

    #[test]
    fn a_unit_without_process_data_has_no_datagram() {
        let mapping = Mapping::new(&[device(0, &[], &[], &mut (0, 0))], 1, &mut Vec::new());
        assert_eq!((mapping.datagrams.len(), mapping.units.len()), (0, 1));
    }

    proptest! {
        /// Whatever the sizes: every image byte lies in exactly one frame byte, no frame is too long, and each
        /// datagram's copies stay inside it.
        #[test]
        fn every_byte_has_one_place(
            sizes in proptest::collection::vec((0_usize..4, 0_u16..1800, 0_u16..1800, any::<bool>()), 1..12)
        ) {
            let at = &mut (0, 0);
            let areas = |n: u16| if n == 0 { vec![] } else { vec![n] };
            let devices: Vec<_> = sizes
                .iter()
                .map(|(unit, outputs, inputs, no_lrw)| {
                    let device = device(*unit, &areas(*outputs), &areas(*inputs), at);
                    DeviceIo { no_lrw: *no_lrw, ..device }
                })
                .collect();
            let mut frames = vec![OwnFrame::new(0)];
            let status = frames[0].push(Address::brd(0x0130), 2);
            let mapping = Mapping::new(&devices, 4, &mut frames);
            for (copies, len) in [(&mapping.outputs, at.0), (&mapping.inputs, at.1)] {
                let mut image = vec![0; len];
                for copy in copies {
                    image[copy.image..copy.image + copy.len].iter_mut().for_each(|byte| *byte += 1);
                    let inside = |d: &Datagram| {
                        d.frame == copy.frame
                            && d.slot.at <= copy.at
                            && copy.at + copy.len <= d.slot.at + d.slot.len
                    };
                    prop_assert!(mapping.datagrams.iter().filter(|d| inside(d)).count() == 1);
                }
                prop_assert!(image.iter().all(|count| *count == 1));
            }
            prop_assert_eq!(status.at, 26);
            for frame in &mut frames {
                prop_assert!(frame.arm().len() <= 1514);
            }
        }
    }
}
