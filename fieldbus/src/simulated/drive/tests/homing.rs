//! Homing: every method against switches on a line, from every kind of start.

use super::*;
use crate::simulated::drive::{
    demand::HM,
    power::{controlword, statusword},
};

const MINUS: f64 = -3.0;
const PLUS: f64 = 3.0;
/// A switch in the middle, for the methods that look for both its sides.
const MIDDLE: (f64, f64) = (0.503, 0.907);
/// Switches that reach to the end of travel.
const TO_PLUS: (f64, f64) = (0.503, 99.0);
const TO_MINUS: (f64, f64) = (-99.0, 0.907);
/// Where the index pulse is, in every revolution.
const INDEX: f64 = 0.25;

/// A slide from one limit switch to the other with a homing switch, which stands at `start`.
fn slide(start: f64, home: (f64, f64)) -> Rig {
    let mut rig = Rig::with(move |shaft| {
        let position = shaft.position + start;
        shaft.limit_negative = position < MINUS;
        shaft.limit_positive = position > PLUS;
        shaft.home_switch = (home.0..home.1).contains(&position);
    });
    rig.set(0x2000, 5, &((INDEX - start).rem_euclid(1.0) as f32).to_le_bytes());
    rig.set(0x6099, 1, &((3.0 * REV) as u32).to_le_bytes());
    rig.set(0x6099, 2, &((0.2 * REV) as u32).to_le_bytes());
    rig.set(0x607c, 0, &7_000_i32.to_le_bytes());
    rig
}

/// Run the method; where the home was found, on the slide.
fn home(rig: &mut Rig, method: i8, start: f64) -> f64 {
    rig.set(0x6098, 0, &method.to_le_bytes());
    rig.enable(HM);
    let attained = statusword::HOMING_ATTAINED | statusword::TARGET_REACHED;
    assert_eq!(rig.drive.statusword() & attained, statusword::TARGET_REACHED, "not started");
    rig.commands.controlword = ENABLE | controlword::HOMING_START;
    for _ in 0..30_000 {
        let word = rig.cycle().statusword;
        assert_eq!(word & statusword::HOMING_ERROR, 0, "method {method} from {start} fails");
        assert_eq!(rig.drive.state(), PowerState::OperationEnabled);
        assert!((MINUS - 0.5..PLUS + 0.5).contains(&(rig.shaft.position + start)), "leaves the slide");
        if word & attained == attained {
            assert_ne!(word & statusword::REFERENCED, 0);
            assert!(rig.shaft.velocity.abs() < 0.05);
            // Position 7000 is the home now.
            let from_home = f64::from(rig.drive.position() - 7_000) / REV;
            return rig.shaft.position + start - from_home;
        }
    }
    panic!("method {method} from {start} never ends: {:?}", rig.drive.homing);
}

/// At the slow speed of 0.2 rev/s, within a tick and a step of the plant.
const EDGE: f64 = 0.2 * 400.0e-6;
/// The index pulse is latched by the encoder: an increment or two.
const PULSE: f64 = 3.0 / REV;

/// ETG.6010 figures of the methods: which edge, and on which side of it the index pulse.
#[test]
fn every_method_finds_its_home_from_everywhere() {
    let middle = |edge: f64| (MIDDLE, edge);
    let methods: [(i8, (f64, f64), f64, f64); 14] = {
        let with = |number, (home, edge): ((f64, f64), f64), side| (number, home, edge, side);
        [
            with(1, (MIDDLE, MINUS), 1.0),
            with(2, (MIDDLE, PLUS), -1.0),
            with(3, (TO_PLUS, TO_PLUS.0), -1.0),
            with(4, (TO_PLUS, TO_PLUS.0), 1.0),
            with(5, (TO_MINUS, TO_MINUS.1), 1.0),
            with(6, (TO_MINUS, TO_MINUS.1), -1.0),
            with(7, middle(MIDDLE.0), -1.0),
            with(8, middle(MIDDLE.0), 1.0),
            with(9, middle(MIDDLE.1), -1.0),
            with(10, middle(MIDDLE.1), 1.0),
            with(11, middle(MIDDLE.1), 1.0),
            with(12, middle(MIDDLE.1), -1.0),
            with(13, middle(MIDDLE.0), 1.0),
            with(14, middle(MIDDLE.0), -1.0),
        ]
    };
    for (number, home_switch, edge, side) in methods {
        for start in [-2.0, -3.1, 0.0, 0.7, 1.5, 3.1] {
            let found = home(&mut slide(start, home_switch), number + 16, start);
            assert!((found - edge).abs() < EDGE, "method {}, from {start}: {found}", number + 16);
            let found = home(&mut slide(start, home_switch), number, start);
            let pulse =
                if side > 0.0 { (edge - INDEX).ceil() + INDEX } else { (edge - INDEX).floor() + INDEX };
            assert!((found - pulse).abs() < PULSE, "method {number} from {start}: {found}, not {pulse}");
        }
    }
}

/// A switch so narrow that the search overruns it.
#[test]
fn a_narrow_switch_is_found_again() {
    let narrow = (0.503, 0.513);
    for (method, edge) in (23..).zip([0, 0, 1, 1, 1, 1, 0, 0].map(|side| [narrow.0, narrow.1][side])) {
        for start in [-2.0, 1.5] {
            let found = home(&mut slide(start, narrow), method, start);
            assert!((found - edge).abs() < EDGE, "method {method} from {start}: {found}, not {edge}");
        }
    }
}

#[test]
fn index_pulse_alone_and_current_position() {
    for start in [-1.9, 0.0, 0.7] {
        let below = (start - INDEX).floor() + INDEX;
        let found = home(&mut slide(start, MIDDLE), 33, start);
        assert!((found - below).abs() < PULSE, "33 from {start}: {found}");
        let found = home(&mut slide(start, MIDDLE), 34, start);
        assert!((found - below - 1.0).abs() < PULSE, "34 from {start}: {found}");
        for method in [35, 37] {
            let found = home(&mut slide(start, MIDDLE), method, start);
            assert!((found - start).abs() < PULSE, "{method} from {start}: {found}");
        }
    }
}

#[test]
fn a_method_that_does_not_exist_or_meets_the_wrong_switch_fails() {
    for (method, home_switch) in [(0, MIDDLE), (15, MIDDLE), (-1, MIDDLE), (36, MIDDLE), (19, TO_MINUS)] {
        let mut rig = slide(1.5, home_switch);
        rig.set(0x6098, 0, &(method as i8).to_le_bytes());
        rig.enable(HM);
        rig.commands.controlword = ENABLE | controlword::HOMING_START;
        rig.cycles(3_000);
        let word = rig.drive.statusword();
        assert_ne!(word & statusword::HOMING_ERROR, 0, "method {method}");
        assert_eq!(word & (statusword::HOMING_ATTAINED | statusword::REFERENCED), 0, "method {method}");
        assert!(rig.shaft.velocity.abs() < 0.02);
        assert_eq!(rig.drive.state(), PowerState::OperationEnabled);
    }
}

#[test]
fn taking_the_start_bit_away_interrupts() {
    let mut rig = slide(-2.0, MIDDLE);
    rig.set(0x6098, 0, &[24]);
    rig.enable(HM);
    rig.command(ENABLE | controlword::HOMING_START);
    rig.cycles(200);
    assert!(rig.shaft.velocity > 2.5, "{}", rig.shaft.velocity);
    rig.command(ENABLE);
    rig.cycles(200);
    assert!(rig.shaft.velocity.abs() < 0.02);
    let bits = statusword::HOMING_ATTAINED | statusword::HOMING_ERROR | statusword::TARGET_REACHED;
    assert_eq!(rig.drive.statusword() & bits, statusword::TARGET_REACHED, "interrupted");
    rig.command(ENABLE | controlword::HOMING_START);
    rig.cycles(6_000);
    assert_ne!(rig.drive.statusword() & statusword::HOMING_ATTAINED, 0);
}

/// An absolute encoder keeps its home without power, an incremental one does not.
#[test]
fn what_power_off_leaves_of_a_home() {
    for is_absolute in [false, true] {
        let mut rig = slide(0.0, MIDDLE);
        rig.set(0x2000, 6, &[u8::from(is_absolute)]);
        home(&mut rig, 17, 0.0);
        rig.command(0);
        rig.cycles(100);
        let before = rig.drive.position();
        rig.drive.power_off();
        rig.cycles(10);
        assert_eq!(rig.drive.statusword(), 0);
        rig.drive.power_on();
        rig.cycles(20);
        let kept = rig.drive.statusword() & statusword::REFERENCED != 0;
        assert_eq!(kept, is_absolute);
        assert_eq!(rig.drive.position(), if is_absolute { before } else { 0 });
    }
}
