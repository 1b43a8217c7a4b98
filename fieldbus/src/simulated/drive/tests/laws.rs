//! Laws: whatever comes over the wire or from the machine, the drive stays a drive.

use super::*;
use crate::simulated::drive::power::{PowerState, controlword};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Step {
    commands: Commands,
    cycles: usize,
    machine: [f64; 4],
    flags: u8,
}

fn commands() -> impl Strategy<Value = Commands> {
    let controlword = prop_oneof![
        4 => Just(ENABLE),
        1 => Just(ENABLE | controlword::HOMING_START),
        1 => Just(SHUTDOWN),
        1 => Just(SWITCH_ON),
        1 => Just(QUICK_STOP),
        1 => Just(FAULT_RESET),
        2 => any::<u16>(),
    ];
    let mode = prop_oneof![Just(8), Just(9), Just(10), Just(6), any::<i8>()];
    let targets = (any::<i32>(), any::<i32>(), any::<i32>(), any::<i16>(), any::<i16>(), any::<u32>());
    (controlword, mode, targets).prop_map(|(controlword, mode, targets)| {
        let (
            target_position,
            target_velocity,
            velocity_offset,
            target_torque,
            torque_offset,
            digital_outputs,
        ) = targets;
        Commands {
            controlword,
            mode: Some(mode),
            target_position,
            target_velocity,
            velocity_offset,
            target_torque,
            torque_offset,
            digital_outputs,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let number = || {
        prop_oneof![
            4 => -10.0..10.0_f64,
            1 => prop::num::f64::ANY,
        ]
    };
    (commands(), 1..30_usize, [number(), number(), number(), number()], any::<u8>())
        .prop_map(|(commands, cycles, machine, flags)| Step { commands, cycles, machine, flags })
}

fn setting() -> impl Strategy<Value = (u16, u8, u64)> {
    let objects = prop::sample::select(vec![
        (0x6007, 0),
        (0x605a, 0),
        (0x605b, 0),
        (0x605c, 0),
        (0x605d, 0),
        (0x605e, 0),
        (0x6065, 0),
        (0x6072, 0),
        (0x6076, 0),
        (0x6080, 0),
        (0x6084, 0),
        (0x6085, 0),
        (0x607d, 1),
        (0x6091, 2),
        (0x6092, 1),
        (0x608f, 1),
        (0x6098, 0),
        (0x6099, 1),
        (0x609a, 0),
        (0x60c2, 1),
        (0x60c2, 2),
        (0x2000, 1),
        (0x2000, 2),
        (0x2001, 1),
        (0x2002, 1),
        (0x2002, 2),
        (0x2002, 3),
        (0x2002, 6),
    ]);
    (objects, prop_oneof![0..20_u64, any::<u64>()])
        .prop_map(|((index, subindex), value)| (index, subindex, value))
}

/// Every feedback and every bit of the shaft in the course of these steps.
fn run(steps: &[Step], settings: &[(u16, u8, u64)]) -> Vec<(Feedback, [u64; 3])> {
    let mut rig = Rig::new();
    for (index, subindex, value) in settings {
        let len = rig.dictionary.value(*index, *subindex).map_or(0, |(_, bytes)| bytes.len());
        rig.set(*index, *subindex, &value.to_le_bytes()[..len]);
    }
    rig.enable_or_not();
    let mut seen = Vec::new();
    for step in steps {
        rig.commands = step.commands;
        let [load, stiffness, friction, inertia] = step.machine;
        let flag = |n: u8| step.flags >> n & 0b11 == 0b11;
        rig.shaft = Shaft {
            load,
            stiffness,
            friction,
            inertia,
            sto: flag(0),
            limit_positive: flag(2),
            limit_negative: flag(4),
            home_switch: flag(5),
            ..rig.shaft
        };
        rig.link.is_operational = !flag(6);
        for _ in 0..step.cycles {
            let feedback = rig.cycle();
            let Shaft { position, velocity, torque, .. } = rig.shaft;
            assert!(position.is_finite() && velocity.is_finite() && torque.is_finite(), "{:?}", rig.shaft);
            let [down, up] = rig.drive.parameters.torque_limits;
            assert!((-down..=up).contains(&torque), "{torque} N·m, limits {down} {up}");
            let has_torque = rig.drive.state().has_torque();
            assert!(has_torque || torque == 0.0, "{torque} N·m in {:?}", rig.drive.state());
            assert!(rig.drive.state() != PowerState::Fault || rig.drive.errors().code != 0);
            seen.push((feedback, [position, velocity, torque].map(f64::to_bits)));
        }
    }
    seen
}

impl Rig {
    /// The usual way up, wherever these settings let it end.
    fn enable_or_not(&mut self) {
        for controlword in [0, SHUTDOWN, SWITCH_ON, ENABLE] {
            self.commands.controlword = controlword;
            self.cycles(15);
            self.commands.target_position = self.drive.position();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_stream_gives_finite_numbers_within_limits_and_the_same_ones_again(
        steps in prop::collection::vec(step(), 1..20),
        settings in prop::collection::vec(setting(), 0..4),
    ) {
        let first = run(&steps, &settings);
        prop_assert_eq!(first, run(&steps, &settings));
    }

    /// The plant's step is not the drive's: cutting time otherwise changes nothing while the machine does not change.
    #[test]
    fn time_may_be_cut_anywhere(cuts in prop::collection::vec(1..400_000_u64, 1..40)) {
        let mut rigs = [Rig::enabled(CSP, |_| {}), Rig::enabled(CSP, |_| {})];
        for rig in &mut rigs {
            rig.commands.target_position = 100_000;
            rig.send();
        }
        let [whole, cut] = &mut rigs;
        let total: u64 = cuts.iter().sum();
        let start_ns = whole.now_ns;
        whole.drive.step(start_ns, start_ns + total, &whole.link, &whole.outputs, &mut whole.shaft);
        for ns in cuts {
            let from_ns = cut.now_ns;
            cut.now_ns += ns;
            cut.drive.step(from_ns, cut.now_ns, &cut.link, &cut.outputs, &mut cut.shaft);
        }
        // Ticks lie on a grid of their own; only the rotor's steps are cut otherwise.
        prop_assert!((whole.shaft.position - cut.shaft.position).abs() < 1.0e-3);
        prop_assert_eq!(whole.drive.statusword(), cut.drive.statusword());
    }
}

/// A drive that lets its PDOs be mapped finds its objects where the MainDevice has put them.
#[test]
fn pdos_may_be_mapped_anew() {
    use crate::simulated::{AlState, dictionary::Surroundings, process_data::ProcessData};
    let mut description = (*catalogue::find("SN4020").expect("in the catalogue")).clone();
    if let Some(mailbox) = &mut description.mailbox {
        mailbox.coe_details |= 1 << 3;
    }
    let mut dictionary = Dictionary::new(&description);
    let mut process = ProcessData::new(&description);
    let mut around = Surroundings { state: AlState::PreOp, process: &mut process };
    let mut write = |subindex: u8, data: &[u8]| {
        assert_eq!(dictionary.download(0x1600, subindex, data, &mut around), Ok(()));
    };
    write(0, &[0]);
    write(1, &0x607a_0020_u32.to_le_bytes());
    write(2, &0x6040_0010_u32.to_le_bytes());
    write(0, &[2]);
    assert!(dictionary.take_written());
    let mut drive = Drive::all_of(&description).pop().expect("is a drive");
    drive.reload(&dictionary);
    let commands = drive.layout.read(&[1, 2, 3, 4, 0x0f, 0x01]);
    assert_eq!((commands.target_position, commands.controlword), (0x0403_0201, 0x010f));
    assert_eq!((commands.mode, commands.target_velocity), (None, 0), "no longer mapped");
    // The TxPDO is as it was.
    let mut inputs = [0; 24];
    drive.layout.write(&Feedback { digital_inputs: 0x0403_0201, ..Feedback::default() }, &mut inputs);
    assert_eq!(inputs[20..], [1, 2, 3, 4]);
}

/// A device with two axes has two drives, each with a shaft of its own.
#[test]
fn a_device_may_have_two_axes() {
    use crate::{
        NoPlant,
        simulated::{PlantTiming, Segment, SimulatedDevice},
    };
    let single = catalogue::find("SN4020").expect("in the catalogue");
    let mut double = (*single).clone();
    for pdos in [&mut double.rx_pdos, &mut double.tx_pdos] {
        let mut second = pdos[0].clone();
        second.index += 0x10;
        for entry in second.entries.iter_mut().filter(|entry| entry.index != 0) {
            entry.index += 0x800;
        }
        pdos.push(second);
    }
    let devices = vec![
        SimulatedDevice::new(&catalogue::find("EK1100").expect("in the catalogue")),
        SimulatedDevice::new(&double),
        SimulatedDevice::new(&single),
    ];
    let mut segment = Segment::new(devices, Box::new(NoPlant), Vec::new(), PlantTiming::default());
    assert_eq!(segment.shafts().len(), 3);
    assert_eq!(segment.devices()[1].drives().len(), 2);
    segment.tick(1_000_000);
    segment.shafts_mut()[1].load = -1.0;
    segment.tick(51_000_000);
    let turned = |segment: &Segment| -> Vec<bool> {
        segment.shafts().iter().map(|shaft| shaft.position.abs() > 0.1).collect()
    };
    assert_eq!(turned(&segment), [false, true, false]);
    // The motor stays with its device when devices change places.
    assert!(segment.inject(crate::simulated::Fault::Swap(1, 2)));
    segment.shafts_mut()[2].load = -1.0;
    segment.tick(101_000_000);
    assert_eq!(turned(&segment), [false, true, true]);
    let positions: Vec<i32> = segment.devices()[2].drives().iter().map(Drive::position).collect();
    assert!(positions[0] == 0 && positions[1] > 100_000, "{positions:?}");
}

/// Terminals have objects at 0x7040 as well, which are no controlwords.
#[test]
fn only_drives_have_shafts() {
    for name in catalogue::names() {
        let description = catalogue::find(name).expect("in the catalogue");
        let expected = usize::from(name.starts_with("SN40"));
        let device = crate::simulated::SimulatedDevice::new(&description);
        assert_eq!(device.drives().len(), expected, "{name}");
    }
}
