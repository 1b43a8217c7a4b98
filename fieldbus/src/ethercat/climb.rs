//! The way from PRE-OP to OP, with cyclic frames.
//!
//! Read first: ETG.1000.6 section 6.4 (state machine), ETG.1020 section 8 (time limits).

use super::error::{Finding, StartupError, Step};
use super::exchange::EtherCatBus;
use super::frame::Address;
use super::frame::{DATA_MAX, command};
use super::link::Link;
use super::mapping::Fmmu;
use super::registers::{self, AL_CONTROL, AlState, FMMU_COUNT, STATION_ADDRESS, fmmu_bytes, station_address};
use super::startup::{Plan, fail_on, not_in};
use crate::{Exchange, clock, wire::Wire};
use sensai_devices::Direction;
use sensai_model::cell::Device;

/// ETG.1020 allows 10 s for each step.
const STEP_LIMIT_NS: u64 = 10_000_000_000;
const STATE_POLL_NS: u64 = 1_000_000;
/// Exchanges in SAFE-OP before OP is requested, so that every device has seen valid outputs.
const SAFE_OP_CYCLES: u32 = 10;
/// A device whose watchdog expired because this host was slow is asked again, so many times.
const OP_REQUESTS: u32 = 5;
/// Equal exchanges in a row from which working counters are learned, and the most that are looked at.
const LEARN_CYCLES: u32 = 10;
const LEARN_CYCLES_MAX: u32 = 1_000;
/// AL status code: SyncManager watchdog.
const WATCHDOG_EXPIRED: u16 = 0x001b;

/// Write the FMMUs, go to SAFE-OP and OP with `outputs` on the wire, and check the working counters there.
pub(super) fn climb<W: Wire>(
    plan: &Plan<'_>,
    bus: &mut EtherCatBus<W>,
    outputs: &[u8],
    progress: &mut dyn FnMut(Step),
) -> Result<(), StartupError> {
    Climb { plan, bus }.run(outputs, progress)
}

struct Climb<'a, W: Wire> {
    plan: &'a Plan<'a>,
    bus: &'a mut EtherCatBus<W>,
}

impl<W: Wire> Climb<'_, W> {
    fn run(&mut self, outputs: &[u8], progress: &mut dyn FnMut(Step)) -> Result<(), StartupError> {
        self.write_fmmus()?;
        progress(Step::SafeOp);
        self.safe_op()?;
        let mut image = outputs.to_vec();
        image.resize(image.len().max(self.bus.output_len), 0);
        self.bus.load(&image);
        for _ in 0..OP_REQUESTS {
            progress(Step::Op);
            self.op()?;
            progress(Step::WorkingCounters);
            if self.check_working_counters()? {
                return Ok(());
            }
        }
        let states = self.bus.link.states(self.plan.devices.len(), u64::MAX);
        fail_on(Step::Op, not_in(self.plan, AlState::Op, &states))
    }

    /// Each device's FMMUs anew: those that ethercrab has set describe its own layout.
    fn write_fmmus(&mut self) -> Result<(), StartupError> {
        let (plan, mut findings) = (self.plan, Vec::new());
        for (n, device) in plan.devices.iter().enumerate() {
            let wanted: Vec<Fmmu> =
                self.bus.mapping.fmmus.iter().filter(|fmmu| fmmu.device == n).copied().collect();
            self.write_fmmus_of(device, &wanted, &mut findings);
        }
        fail_on(Step::ProcessData, findings)
    }

    fn write_fmmus_of(&mut self, device: &Device, wanted: &[Fmmu], findings: &mut Vec<Finding>) {
        let link = &mut self.bus.link;
        let station = station_address(device.position);
        let [available] = link.read::<1>(Address::fprd(station, FMMU_COUNT)).unwrap_or_default();
        if wanted.len() > usize::from(available) {
            findings.push(Finding::Fmmus {
                device: device.name.clone(),
                position: device.position,
                expected: wanted.len(),
                found: available.into(),
            });
            return;
        }
        let mut contents = vec![[0_u8; 16]; available.into()];
        for (number, fmmu) in
            choose_fmmus(&device.description.fmmus, available, wanted).into_iter().zip(wanted)
        {
            let write = fmmu.direction == Direction::Output;
            contents[usize::from(number)] =
                fmmu_bytes(fmmu.logical, fmmu.area.physical, fmmu.area.length, write);
        }
        for (number, bytes) in (0..).zip(&contents) {
            link.write(Address::fpwr(station, registers::fmmu(number)), bytes);
        }
        for (number, bytes) in (0..).zip(&contents) {
            let found = link.read::<16>(Address::fprd(station, registers::fmmu(number)));
            if found.is_none_or(|found| found[..13] != bytes[..13]) {
                let start = |bytes: &[u8; 16]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                findings.push(Finding::Register {
                    device: device.name.clone(),
                    position: device.position,
                    purpose: "FMMU",
                    register: registers::fmmu(number),
                    expected: start(bytes),
                    found: found.as_ref().map(start),
                });
            }
        }
    }

    fn safe_op(&mut self) -> Result<(), StartupError> {
        let plan = self.plan;
        for device in &plan.devices {
            self.request(device.position, AlState::SafeOp, false);
        }
        let deadline = clock::now_ns() + STEP_LIMIT_NS;
        loop {
            let states = self.bus.link.states(plan.devices.len(), deadline);
            let findings = not_in(plan, AlState::SafeOp, &states);
            let decided = findings.iter().all(|finding| matches!(finding, Finding::State { code: 1.., .. }));
            if decided || clock::now_ns() >= deadline {
                return fail_on(Step::SafeOp, findings);
            }
            self.bus.link.idle_until(clock::now_ns() + STATE_POLL_NS);
        }
    }

    fn request(&mut self, position: u16, state: AlState, acknowledge: bool) {
        let value = state.request() | if acknowledge { 0x10 } else { 0 };
        self.bus.link.write(Address::fpwr(station_address(position), AL_CONTROL), &[value, 0]);
    }

    /// Cyclic frames first, then one request an exchange: devices want valid process data before they enter OP.
    fn op(&mut self) -> Result<(), StartupError> {
        let plan = self.plan;
        let mut pace = Pace::new(plan.interval_ns);
        for _ in 0..SAFE_OP_CYCLES {
            self.cycle(&mut pace);
        }
        let deadline = clock::now_ns() + STEP_LIMIT_NS;
        let mut requests = vec![0_u32; plan.devices.len()];
        loop {
            let exchange = self.cycle(&mut pace);
            if exchange.al_states == AlState::Op.request()
                && usize::from(exchange.devices) == plan.devices.len()
            {
                return Ok(());
            }
            if let Some(n) = requests.iter().position(|requests| *requests == 0) {
                requests[n] = 1;
                self.request(plan.devices[n].position, AlState::Op, false);
                continue;
            }
            let states = self.bus.link.states(plan.devices.len(), deadline);
            let findings = not_in(plan, AlState::Op, &states);
            let mut decided = !findings.is_empty();
            for (n, (state, code)) in states.iter().enumerate() {
                let expired = *code == WATCHDOG_EXPIRED && *state == AlState::SafeOp;
                if expired && requests[n] < OP_REQUESTS {
                    requests[n] += 1;
                    self.request(plan.devices[n].position, AlState::Op, true);
                }
                decided &= *state == AlState::Op
                    || *code != 0 && requests[n] >= if expired { OP_REQUESTS } else { 1 };
            }
            if decided || clock::now_ns() >= deadline {
                return fail_on(Step::Op, findings);
            }
        }
    }

    fn all_op(&self, exchange: &Exchange) -> bool {
        exchange.al_states == AlState::Op.request()
            && usize::from(exchange.devices) == self.plan.devices.len()
    }

    fn cycle(&mut self, pace: &mut Pace) -> Exchange {
        let exchange = self.bus.cycle(clock::now_ns().saturating_add(self.plan.deadline_ns));
        self.bus.link.idle_until(pace.next());
        exchange
    }

    /// In OP the counters must be what the mapping promises; anything else is a device that does not do what it was
    /// told, and would be a unit that is never valid. False if a device has left OP again meanwhile.
    fn check_working_counters(&mut self) -> Result<bool, StartupError> {
        let mut pace = Pace::new(self.plan.interval_ns);
        let mut last = self.cycle(&mut pace);
        let mut equal = 0;
        for _ in 0..LEARN_CYCLES_MAX {
            let exchange = self.cycle(&mut pace);
            if !exchange.lost && !self.all_op(&exchange) {
                return Ok(false);
            }
            let same = !exchange.lost && exchange.working_counters == last.working_counters;
            equal = if same { equal + 1 } else { 0 };
            last = exchange;
            if equal >= LEARN_CYCLES {
                return fail_on(Step::WorkingCounters, self.unexpected(&last)).map(|()| true);
            }
        }
        Err(StartupError::Protocol {
            step: Step::WorkingCounters,
            reason: "the working counters do not become stable; are frames being lost?".to_owned(),
            findings: self.unexpected(&last),
        })
    }

    fn unexpected(&mut self, exchange: &Exchange) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (n, unit) in self.plan.units.iter().enumerate() {
            let map = &self.bus.mapping.units[n];
            let expected = self.bus.mapping.datagrams[map.datagrams.clone()].iter().map(|d| d.expected).sum();
            let found = exchange.working_counters[n];
            if found != expected {
                let silent = self.silent(n);
                findings.push(Finding::WorkingCounter { unit: unit.name.clone(), expected, found, silent });
            }
        }
        findings
    }

    /// Devices of a unit that do not answer a read of their inputs, or of the outputs' FMMU state.
    fn silent(&mut self, unit: usize) -> Vec<String> {
        let plan = self.plan;
        let inputs: Vec<Fmmu> = self
            .bus
            .mapping
            .fmmus
            .iter()
            .filter(|fmmu| fmmu.direction == Direction::Input)
            .copied()
            .collect();
        let is_silent = |link: &mut Link<W>, fmmu: &Fmmu| {
            let mut data = vec![0; usize::from(fmmu.area.length).min(DATA_MAX)];
            link.datagram(Address::logical(command::LRD, fmmu.logical), &mut data) != Ok(1)
        };
        let mut names = Vec::new();
        for (n, device) in plan.devices.iter().enumerate() {
            let absent = || Address::fprd(station_address(device.position), STATION_ADDRESS);
            let mut own = inputs.iter().filter(|fmmu| fmmu.device == n);
            let member = usize::from(device.sync_unit) == unit;
            if member
                && (self.bus.link.read::<2>(absent()).is_none()
                    || own.any(|fmmu| is_silent(&mut self.bus.link, fmmu)))
            {
                names.push(device.name.clone());
            }
        }
        names
    }
}

/// FMMU numbers for `wanted`: those the device means for the direction first, then any that is not meant for the
/// mailbox state, then any.
fn choose_fmmus(usage: &[u8], available: u8, wanted: &[Fmmu]) -> Vec<u8> {
    const MAILBOX_STATE: u8 = 3;
    let mut free: Vec<u8> = (0..available).collect();
    let usage = |number: &u8| usage.get(usize::from(*number)).copied().unwrap_or(0);
    let mut choose = |fmmu: &Fmmu| {
        let meant = if fmmu.direction == Direction::Output { 1 } else { 2 };
        let at = free.iter().position(|number| usage(number) == meant);
        let at = at.or_else(|| free.iter().position(|number| usage(number) != MAILBOX_STATE));
        let at = at.unwrap_or(0);
        (at < free.len()).then(|| free.remove(at))
    };
    wanted.iter().filter_map(&mut choose).collect()
}

/// Start-up's own interval: keeps to a raster, and forgets what it missed.
struct Pace {
    interval_ns: u64,
    next_ns: u64,
}

impl Pace {
    fn new(interval_ns: u64) -> Self {
        Self { interval_ns, next_ns: clock::now_ns() }
    }

    fn next(&mut self) -> u64 {
        self.next_ns = (self.next_ns + self.interval_ns).max(clock::now_ns());
        self.next_ns
    }
}

#[cfg(test)]
mod tests {
    use super::super::mapping::{Area, DeviceIo, Mapping};
    use super::*;

    #[test]
    fn fmmus_are_used_as_the_device_means_them() {
        let area = Area { physical: 0, length: 1 };
        let (o, i) = (Direction::Output, Direction::Input);
        let fmmus = |directions: &[Direction]| -> Vec<Fmmu> {
            let mut frames = Vec::new();
            let outputs = vec![area; directions.iter().filter(|d| **d == o).count()];
            let inputs = vec![area; directions.iter().filter(|d| **d == i).count()];
            let io = DeviceIo {
                unit: 0,
                no_lrw: false,
                output_image: 0..outputs.len(),
                input_image: 0..inputs.len(),
                outputs,
                inputs,
            };
            Mapping::new(&[io], 1, &mut frames).fmmus
        };
        assert_eq!(choose_fmmus(&[1, 2, 3], 3, &fmmus(&[o, i])), [0, 1]);
        assert_eq!(choose_fmmus(&[2, 1], 2, &fmmus(&[o, i])), [1, 0]);
        assert_eq!(choose_fmmus(&[], 2, &fmmus(&[o, i])), [0, 1]);
        assert_eq!(choose_fmmus(&[3, 2], 2, &fmmus(&[i, i])), [1, 0]);
    }
}
