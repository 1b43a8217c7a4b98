//! The drive without a bus: commands in, feedback out, a machine at the shaft.

mod faults;
mod homing;
mod laws;
mod motion;
mod power;

use super::{demand::CSP, *};
use sensai_devices::{Direction, catalogue};

const CYCLE_NS: u64 = 1_000_000;
const STEP_NS: u64 = 100_000;
/// Increments a revolution: user units of the drive as it comes.
const REV: f64 = 1_048_576.0;

const SHUTDOWN: u16 = 0x06;
const SWITCH_ON: u16 = 0x07;
const ENABLE: u16 = 0x0f;
const QUICK_STOP: u16 = 0x02;
const DISABLE_VOLTAGE: u16 = 0x00;
const FAULT_RESET: u16 = 0x80;

/// A drive on a table, with the machine as a closure that is called every 100 µs.
struct Rig {
    drive: Drive,
    dictionary: Dictionary,
    shaft: Shaft,
    commands: Commands,
    link: Link,
    now_ns: u64,
    outputs: Vec<u8>,
    machine: Box<dyn FnMut(&mut Shaft)>,
}

impl Rig {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(machine: impl FnMut(&mut Shaft) + 'static) -> Self {
        let description = catalogue::find("SN4020").expect("in the catalogue");
        let drive = Drive::all_of(&description).pop().expect("is a drive");
        let mut rig = Self {
            drive,
            dictionary: Dictionary::new(&description),
            shaft: Shaft::default(),
            commands: Commands { mode: Some(CSP), ..Commands::default() },
            link: Link { is_operational: true, ..Link::default() },
            now_ns: CYCLE_NS,
            outputs: vec![0; description.byte_len(Direction::Output)],
            machine: Box::new(machine),
        };
        (rig.machine)(&mut rig.shaft);
        rig
    }

    /// A rig whose drive is enabled in this mode.
    fn enabled(mode: i8, machine: impl FnMut(&mut Shaft) + 'static) -> Self {
        let mut rig = Self::with(machine);
        rig.enable(mode);
        rig
    }

    fn enable(&mut self, mode: i8) {
        self.commands.mode = Some(mode);
        for controlword in [0, SHUTDOWN, SWITCH_ON, ENABLE] {
            self.commands.controlword = controlword;
            self.cycles(15);
            self.commands.target_position = self.drive.position();
        }
        assert_eq!(self.drive.state(), PowerState::OperationEnabled);
    }

    fn set(&mut self, index: u16, subindex: u8, value: &[u8]) {
        assert_eq!(
            self.dictionary.value(index, subindex).map(|(_, old)| old.len()),
            Some(value.len()),
            "{index:#06x}:{subindex}"
        );
        self.dictionary.set_value(index, subindex, value);
        self.drive.reload(&self.dictionary);
    }

    /// One bus cycle: the outputs arrive, time passes.
    fn cycle(&mut self) -> Feedback {
        self.send();
        self.pass(CYCLE_NS);
        self.drive.feedback
    }

    fn cycles(&mut self, count: usize) -> Feedback {
        for _ in 0..count {
            self.cycle();
        }
        self.drive.feedback
    }

    fn command(&mut self, controlword: u16) -> PowerState {
        self.commands.controlword = controlword;
        self.cycle();
        self.drive.state()
    }

    fn send(&mut self) {
        let Commands { controlword, mode, target_torque, torque_offset, digital_outputs, .. } = self.commands;
        let outputs = &mut self.outputs;
        outputs[0..2].copy_from_slice(&controlword.to_le_bytes());
        outputs[2] = mode.unwrap_or(0).cast_unsigned();
        outputs[4..8].copy_from_slice(&self.commands.target_position.to_le_bytes());
        outputs[8..12].copy_from_slice(&self.commands.target_velocity.to_le_bytes());
        outputs[12..16].copy_from_slice(&self.commands.velocity_offset.to_le_bytes());
        outputs[16..18].copy_from_slice(&target_torque.to_le_bytes());
        outputs[18..20].copy_from_slice(&torque_offset.to_le_bytes());
        outputs[20..24].copy_from_slice(&digital_outputs.to_le_bytes());
        self.link.arrivals += 1;
        self.link.arrival_ns = self.now_ns;
    }

    /// Time without a frame.
    fn pass(&mut self, ns: u64) {
        let end_ns = self.now_ns + ns;
        while self.now_ns < end_ns {
            let from_ns = self.now_ns;
            self.now_ns = (from_ns + STEP_NS).min(end_ns);
            self.drive.step(from_ns, self.now_ns, &self.link, &self.outputs, &mut self.shaft);
            (self.machine)(&mut self.shaft);
        }
    }

    /// A move of `distance` revolutions in CSP on a jerk-limited (seventh order) profile; `see` looks at every cycle.
    fn travel(&mut self, distance: f64, seconds: f64, mut see: impl FnMut(&Feedback, &Shaft)) {
        let start = f64::from(self.commands.target_position);
        let cycles = (seconds * 1_000.0) as u32;
        for k in 1..=cycles {
            let s = f64::from(k) / f64::from(cycles);
            let part = s * s * s * s * (35.0 - 84.0 * s + 70.0 * s * s - 20.0 * s * s * s);
            self.commands.target_position = (start + distance * REV * part).round() as i32;
            let feedback = self.cycle();
            see(&feedback, &self.shaft);
        }
    }
}
