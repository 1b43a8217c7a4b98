//! What can go wrong with devices and cables, at once or at a time set beforehand.

use super::{coe::Emergency, drive::DriveFault, segment::Segment, state::AlState};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use sensai_devices::Identity;

/// A fault of the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device loses its power: it forgets everything, and nothing behind it is reached.
    PowerOff(usize),
    /// It gets its power back, and starts in INIT without a station address.
    PowerOn(usize),
    /// The device refuses this state with this AL status code; `None` accepts again.
    Refuse(usize, Option<(AlState, u16)>),
    /// The device ignores requests for another state, or takes notice again.
    Stuck(usize, bool),
    /// The device sends an emergency.
    Emergency(usize, Emergency),
    /// Somebody has put another device there.
    Identity(usize, Identity),
    /// Somebody has plugged two devices in each other's place.
    Swap(usize, usize),
    /// Something happens to the drives of the device.
    Drive(usize, DriveFault),
    /// The device's clock runs fast by so many parts in 10⁹.
    Drift(usize, i32),
    /// The wire that leads to the device is cut.
    Break(usize),
    /// It is whole again.
    Heal(usize),
}

/// Faults waiting for their time, the next one last.
#[derive(Debug, Default)]
pub(super) struct Schedule(Vec<(u64, Fault)>);

impl Schedule {
    fn due(&mut self, now_ns: u64) -> Option<Fault> {
        let (at_ns, fault) = *self.0.last()?;
        if at_ns > now_ns {
            return None;
        }
        self.0.pop();
        Some(fault)
    }
}

impl Segment {
    /// Let `fault` happen now. False if it names a device that does not exist, or cannot happen to it.
    pub fn inject(&mut self, fault: Fault) -> bool {
        let now_ns = self.now_ns;
        let done = self.apply(fault, now_ns);
        self.update_links();
        for position in 0..self.devices.len() {
            self.note(position, now_ns);
        }
        done
    }

    /// Let `fault` happen when segment time reaches `at_ns`. Faults of the same time happen in this order.
    pub fn schedule(&mut self, at_ns: u64, fault: Fault) {
        let place = self.schedule.0.partition_point(|(time_ns, _)| *time_ns > at_ns);
        self.schedule.0.insert(place, (at_ns, fault));
    }

    /// Power off at `at_ns`, on again `off_ns` later.
    pub fn schedule_power_cycle(&mut self, at_ns: u64, position: usize, off_ns: u64) {
        self.schedule(at_ns, Fault::PowerOff(position));
        self.schedule(at_ns.saturating_add(off_ns), Fault::PowerOn(position));
    }

    /// Give every device's clock a drift of up to ±50 ppm and a start of its own, from a seed.
    pub fn scatter_clocks(&mut self, seed: u64) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let now_ns = self.now_ns;
        for device in &mut self.devices {
            let start_ns = u64::from(random.next_u32() % 2_000_000_000);
            let drift_ppb = (random.next_u32() % 100_001).cast_signed() - 50_000;
            device.clock.start(now_ns, start_ns, drift_ppb);
        }
    }

    pub(super) fn apply_due_faults(&mut self, now_ns: u64) {
        while let Some(fault) = self.schedule.due(now_ns) {
            self.apply(fault, now_ns);
            self.update_links();
        }
    }

    fn apply(&mut self, fault: Fault, now_ns: u64) -> bool {
        match fault {
            Fault::Break(wire) | Fault::Heal(wire) => {
                let place = self.broken.get_mut(wire);
                place.map(|broken| *broken = matches!(fault, Fault::Break(_))).is_some()
            }
            Fault::Swap(a, b) => {
                let exist = a.max(b) < self.devices.len();
                if exist {
                    self.devices.swap(a, b);
                    self.places.swap(a, b);
                }
                exist
            }
            Fault::PowerOff(position)
            | Fault::PowerOn(position)
            | Fault::Refuse(position, _)
            | Fault::Stuck(position, _)
            | Fault::Emergency(position, _)
            | Fault::Identity(position, _)
            | Fault::Drive(position, _)
            | Fault::Drift(position, _) => self.apply_to_device(position, fault, now_ns),
        }
    }

    fn apply_to_device(&mut self, position: usize, fault: Fault, now_ns: u64) -> bool {
        let Some(device) = self.devices.get_mut(position) else { return false };
        match fault {
            Fault::PowerOff(_) if device.powered => device.power_off(),
            Fault::PowerOn(_) if !device.powered => device.power_on(now_ns),
            Fault::PowerOff(_) | Fault::PowerOn(_) => {}
            Fault::Refuse(_, refused) => device.al.refused = refused,
            Fault::Stuck(_, stuck) => device.al.stuck = stuck,
            Fault::Emergency(_, emergency) => return device.raise_emergency(emergency),
            Fault::Identity(_, identity) => device.set_identity(identity),
            Fault::Drive(_, fault) => {
                device.drives.iter_mut().for_each(|drive| drive.inject(fault));
                return !device.drives.is_empty();
            }
            Fault::Drift(_, drift_ppb) => device.clock.set_drift(now_ns, drift_ppb),
            Fault::Break(_) | Fault::Heal(_) | Fault::Swap(..) => return false,
        }
        true
    }
}

/// `count` faults that a cell has to live with, each with its recovery, between two times: power cycles, cut and
/// healed wires, emergencies. The same seed gives the same list.
pub fn random_faults(
    seed: u64,
    devices: usize,
    span_ns: std::ops::Range<u64>,
    count: usize,
) -> Vec<(u64, Fault)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |limit: u64| random.next_u64() % limit.max(1);
    let mut faults = Vec::with_capacity(2 * count);
    if devices == 0 {
        return faults;
    }
    for _ in 0..count {
        let at_ns = span_ns.start + below(span_ns.end.saturating_sub(span_ns.start));
        let back_ns = at_ns + 1_000_000 + below(200_000_000);
        let position = below(devices as u64) as usize;
        match below(3) {
            0 => faults.extend([(at_ns, Fault::PowerOff(position)), (back_ns, Fault::PowerOn(position))]),
            1 => faults.extend([(at_ns, Fault::Break(position)), (back_ns, Fault::Heal(position))]),
            _ => {
                let emergency = Emergency {
                    code: 0xff00 | below(0x100) as u16,
                    register: 0x81,
                    data: [below(256) as u8; 5],
                };
                faults.push((at_ns, Fault::Emergency(position, emergency)));
            }
        }
    }
    faults.sort_by_key(|(at_ns, _)| *at_ns);
    faults
}
