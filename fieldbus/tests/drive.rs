//! A servo drive on the bus: start-up, SDOs, a move through frames, and what becomes of it when things go wrong.

mod common;

use common::{FaultyWire, INTERVAL_NS, Running, cell, try_run_up};
use sensai_alloc_count::{CountingAllocator, thread_counts};
use sensai_fieldbus::{
    Plant, Shaft, clock,
    ethercat::{MailboxClient, MailboxWorker, SdoError, SdoResult, Ticket},
    simulated::{AlState, DriveFault, Fault, PowerState, Segment},
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const DRIVE: u16 = 1;
const REV: f64 = 1_048_576.0;

/// A slide with end switches: inertia, a spring at one end, gravity on the second drive.
struct Machine;

impl Plant for Machine {
    fn step(&mut self, _time_ns: u64, _outputs: &[u8], inputs: &mut [u8], shafts: &mut [Shaft]) {
        let [ram, lift] = shafts else { panic!("two drives") };
        ram.inertia = 2.0e-4;
        ram.limit_positive = ram.position > 30.0;
        let depth = ram.position - 9.0;
        (ram.load, ram.stiffness) = if depth > 0.0 { (3.0 * depth, 3.0) } else { (0.0, 0.0) };
        lift.load = -0.5;
        inputs.fill(0xee); // What it writes into the drives' inputs does not last.
    }
}

struct Axis {
    running: Running,
    worker: MailboxWorker,
    client: MailboxClient,
}

/// Coupler and two drives, in OP.
fn axis() -> Axis {
    let cell = cell(&[("EK1100", "main"), ("SN4020", "main"), ("SN4020", "main")]);
    clock::start_virtual(1_000_000_000);
    let wire = FaultyWire::new(Segment::for_cell(&cell, Box::new(Machine)));
    let mut running = try_run_up(&cell, wire).unwrap_or_else(|error| panic!("{error}"));
    let worker = running.bus.take_mailbox().expect("not taken yet");
    let client = worker.client();
    Axis { running, worker, client }
}

impl Axis {
    fn segment(&mut self) -> &mut Segment {
        self.running.bus.wire_mut().segment()
    }

    fn command(&mut self, controlword: u16, mode: i8, target: i32) {
        let outputs = &mut self.running.outputs[..24];
        outputs[..2].copy_from_slice(&controlword.to_le_bytes());
        outputs[2] = mode.cast_unsigned();
        outputs[4..8].copy_from_slice(&target.to_le_bytes());
    }

    fn cycle(&mut self) {
        assert_eq!(self.running.exchange().valid, 1);
    }

    fn statusword(&self) -> u16 {
        u16::from_le_bytes([self.running.inputs[0], self.running.inputs[1]])
    }

    fn position(&self) -> i32 {
        i32::from_le_bytes(self.running.inputs[4..8].try_into().expect("four bytes"))
    }

    fn following_error(&self) -> i32 {
        i32::from_le_bytes(self.running.inputs[12..16].try_into().expect("four bytes"))
    }

    fn error_code(&self) -> u16 {
        u16::from_le_bytes([self.running.inputs[18], self.running.inputs[19]])
    }

    /// Up to operation enabled as a master does it: statusword in, controlword out.
    fn enable(&mut self, mode: i8) {
        for _ in 0..200 {
            let controlword = match self.statusword() & 0x6f {
                0x21 => 0x07,
                0x23 => 0x0f,
                0x27 => return,
                _ if self.statusword() & 0x4f == 0x08 => 0x80,
                _ if self.statusword() & 0x4f == 0x40 => 0x06,
                _ => 0x00,
            };
            self.command(controlword, mode, self.position());
            self.cycle();
        }
        panic!("not enabled: {:#06x}", self.statusword());
    }

    fn answer(&mut self, ticket: &Ticket) -> SdoResult {
        for _ in 0..2_000 {
            self.worker.poll();
            if let Some(result) = ticket.poll() {
                return result;
            }
            self.cycle();
        }
        panic!("no answer");
    }

    fn upload(&mut self, index: u16, subindex: u8) -> SdoResult {
        let ticket = self.client.upload(DRIVE, index, subindex, 1_000_000_000).expect("queued");
        self.answer(&ticket)
    }

    fn download(&mut self, index: u16, subindex: u8, data: &[u8]) -> SdoResult {
        let ticket = self.client.download(DRIVE, index, subindex, data, 1_000_000_000).expect("queued");
        self.answer(&ticket)
    }

    /// A move on a seventh-order profile. The greatest following error on the way.
    fn travel(&mut self, revolutions: f64, cycles: u32) -> f64 {
        let start = f64::from(self.position());
        let mut worst = 0.0_f64;
        for k in 1..=cycles {
            let s = f64::from(k) / f64::from(cycles);
            let part = s * s * s * s * (35.0 - 84.0 * s + 70.0 * s * s - 20.0 * s * s * s);
            self.command(0x0f, 8, (start + revolutions * REV * part).round() as i32);
            self.cycle();
            worst = worst.max(f64::from(self.following_error()).abs());
        }
        worst
    }
}

#[test]
fn a_csp_move_through_frames() {
    let mut axis = axis();
    axis.enable(8);
    assert_eq!(axis.segment().drive("d1").map(|drive| drive.mode()), Some(8));
    let before = thread_counts();
    let worst = axis.travel(8.0, 300);
    let counts = thread_counts() - before;
    assert!(worst < 0.02 * REV, "following error {worst}");
    for _ in 0..30 {
        axis.cycle();
    }
    assert!((f64::from(axis.position()) - 8.0 * REV).abs() < 200.0, "{}", axis.position());
    assert_eq!(axis.statusword() & 0x366f, 0x0027 | 0x0400 | 0x1000 | 0x0200, "{:#06x}", axis.statusword());
    let shafts = axis.segment().shafts().to_vec();
    assert!((shafts[0].position - 8.0).abs() < 0.001);
    assert!(
        shafts[1].position > 1.0,
        "the lift's motor has no torque, and its load turns it: {:?}",
        shafts[1]
    );
    assert!(counts.is_quiet(), "the cycle with drives allocates: {counts:?}");
    // Into the spring: the torque on the wire is what the spring needs.
    axis.travel(2.0, 300);
    for _ in 0..100 {
        axis.cycle();
    }
    let torque = f64::from(i16::from_le_bytes([axis.running.inputs[16], axis.running.inputs[17]])) * 2.39e-3;
    assert!((torque - 3.0).abs() < 0.1, "{torque} N·m against 3 N·m");
}

#[test]
fn objects_are_read_and_written_while_the_motor_turns() {
    let mut axis = axis();
    axis.enable(8);
    assert_eq!(axis.upload(0x6502, 0), Ok(0x3a0_u32.to_le_bytes().to_vec()));
    assert_eq!(axis.upload(0x1000, 0), Ok(0x0002_0192_u32.to_le_bytes().to_vec()));
    assert_eq!(axis.upload(0x60c2, 2), Ok(vec![0xfd]));
    let word = axis.statusword().to_le_bytes().to_vec();
    assert_eq!(axis.upload(0x6041, 0), Ok(word), "a mapped object shows what the PDO shows");
    axis.travel(1.0, 100);
    for _ in 0..20 {
        axis.cycle();
    }
    let demand = axis.upload(0x6062, 0).expect("position demand");
    let demand = i32::from_le_bytes(demand.try_into().expect("four bytes"));
    assert!((demand - REV as i32).abs() < 10, "{demand}");
    assert_eq!(axis.upload(0x6079, 0), Ok(325_000_u32.to_le_bytes().to_vec()));
    // A narrower window acts at once.
    assert_eq!(axis.download(0x6065, 0, &1_u32.to_le_bytes()).map(|_| ()), Ok(()));
    assert_eq!(axis.download(0x6066, 0, &0_u16.to_le_bytes()).map(|_| ()), Ok(()));
    axis.travel(4.0, 50);
    assert_eq!(axis.error_code(), 0x8611);
    let refused = axis.download(0x6502, 0, &[0; 4]);
    assert!(matches!(refused, Err(SdoError::Aborted { code: 0x0601_0002, .. })), "{refused:?}");
    assert_eq!(axis.upload(0x1001, 0), Ok(vec![0x21]));
    assert_eq!(axis.upload(0x1003, 0), Ok(vec![1]));
    assert_eq!(axis.upload(0x1003, 1), Ok(0x8611_u32.to_le_bytes().to_vec()));
    let heard = axis.worker.next_emergency().expect("the fault is told");
    assert_eq!((heard.position, heard.code, heard.register), (DRIVE, 0x8611, 0x21));
}

/// The drive misses its set-points first; where it does not count them, the SyncManager watchdog expires.
#[test]
fn a_silent_master_stops_the_motor_on_its_ramp() {
    for (sync_limit, expected) in [(15_u16, 0x8700), (0, 0x8130)] {
        let mut axis = axis();
        assert!(axis.download(0x10f1, 2, &sync_limit.to_le_bytes()).is_ok());
        axis.enable(8);
        fall_silent(&mut axis, expected);
    }
}

fn fall_silent(axis: &mut Axis, expected: u16) {
    // 24 rev/s.
    let mut target = axis.position();
    for k in 0..200 {
        target += 250 * k.min(100);
        axis.command(0x0f, 8, target);
        axis.cycle();
    }
    let moving = axis.segment().shafts()[0];
    assert!(moving.velocity > 20.0, "{moving:?}");
    let device = |axis: &mut Axis| {
        let device = &axis.segment().devices()[usize::from(DRIVE)];
        (device.state(), device.drives()[0].state(), device.drives()[0].errors().code)
    };
    let start_ns = clock::now_ns();
    // The master is gone: time passes, no frame does. The watchdog is set to ten intervals.
    for k in 1..=100_u64 {
        clock::advance_to(start_ns + k * INTERVAL_NS);
        axis.segment().tick(start_ns + k * INTERVAL_NS);
        if k == 15 {
            let (al, state, _) = device(axis);
            assert_eq!((al, state), (AlState::SafeOp, PowerState::FaultReactionActive));
        }
    }
    let (al, state, code) = device(axis);
    assert_eq!((al, state), (AlState::SafeOp, PowerState::Fault));
    assert_eq!(code, expected, "{code:#06x}");
    let rest = axis.segment().shafts()[0];
    let way = rest.position - moving.position;
    assert_eq!((rest.torque, rest.velocity.abs() < 0.05), (0.0, true), "{rest:?}");
    assert!((0.3..0.8).contains(&way), "{way} rev: up to 10 ms at 24 rev/s, then 1000 rev/s²");
}

#[test]
fn faults_from_outside_reach_the_drive() {
    let mut axis = axis();
    axis.enable(8);
    assert!(axis.segment().inject(Fault::Drive(1, DriveFault::Trip(0x7305))));
    assert!(!axis.segment().inject(Fault::Drive(0, DriveFault::Trip(0x7305))), "a coupler is no drive");
    for _ in 0..20 {
        axis.cycle();
    }
    assert_eq!((axis.statusword() & 0x4f, axis.error_code()), (0x08, 0x7305));
    axis.command(0, 8, 0);
    axis.cycle();
    axis.enable(8);
    let soon_ns = clock::now_ns() + 5 * INTERVAL_NS;
    axis.segment().schedule(soon_ns, Fault::Drive(1, DriveFault::Sto(true)));
    for _ in 0..10 {
        axis.cycle();
    }
    assert_eq!((axis.statusword() & 0x14f, axis.error_code()), (0x108, 0x5441));
    axis.segment().drive_mut("d1").expect("is a drive").inject(DriveFault::Sto(false));
    axis.command(0, 8, 0);
    axis.cycle();
    axis.enable(8);
    assert_eq!(axis.segment().position("d2"), Some(2));
    assert_eq!(axis.segment().position("2"), Some(2));
    assert!(axis.segment().drive("EK1100").is_none() && axis.segment().drive("0").is_none());
}

/// A drive that loses its power in motion: the motor coasts, and nothing of the old state comes back with the power.
#[test]
fn a_power_cycle_begins_anew() {
    let mut axis = axis();
    axis.enable(8);
    let mut target = axis.position();
    for _ in 0..100 {
        target += 10_000;
        axis.command(0x0f, 8, target);
        axis.cycle();
    }
    assert!(axis.segment().inject(Fault::PowerOff(1)));
    let before = axis.segment().shafts()[0];
    for _ in 0..20 {
        axis.running.exchange();
    }
    let after = axis.segment().shafts()[0];
    assert_eq!(after.torque, 0.0);
    assert!(after.position > before.position + 0.1, "coasts");
    assert!(axis.segment().inject(Fault::PowerOn(1)));
    for _ in 0..20 {
        axis.running.exchange();
    }
    let coasted = axis.segment().shafts()[0].position - after.position;
    let drive = axis.segment().drive("d1").expect("is a drive");
    assert_eq!((drive.state(), drive.mode(), drive.errors().code), (PowerState::SwitchOnDisabled, 0, 0));
    let counted = f64::from(drive.position()) / REV;
    assert!((counted - coasted).abs() < 0.02, "counts from 0 after power-on: {counted}, {coasted}");
}
