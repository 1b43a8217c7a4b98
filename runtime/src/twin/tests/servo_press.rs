//! A servo press from the twin blocks: each defect leaves its trace, and the same seed the same bits.

use super::{Rig, cell};
use crate::twin::set_parameters;

const TEXT: &str = include_str!("servo_press.rhai");

/// What was measured in a stroke.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stroke {
    present: bool,
    /// Ram position at which the force first exceeded 100 N, mm; 0: never.
    contact_mm: f64,
    peak_n: f64,
    /// Force at the deepest point, N.
    end_n: f64,
    /// How much lower the part is afterwards, mm.
    set_mm: f64,
}

/// Bring a part, press it to 43 mm with a ram that follows its path exactly, take it out.
fn stroke(rig: &mut Rig) -> Stroke {
    rig.drive("feeder.run", true);
    for _ in 0..4_000 {
        rig.run(1);
        if rig.flag("feeder.ready") {
            break;
        }
    }
    assert!(rig.flag("feeder.ready"), "no part came");
    rig.drive("feeder.push", true);
    rig.run(5);
    rig.drive("feeder.push", false);
    rig.run(20);
    let before = rig.number("nest.height");
    let mut stroke = Stroke { present: rig.flag("nest.present"), ..Stroke::default() };
    // 200 mm/s down and up: 0.2 mm a millisecond.
    for ms in 0..430_u32 {
        let away = f64::from(if ms < 215 { ms } else { 430 - ms });
        rig.shafts[0].position = away * 0.02;
        rig.run(1);
        let force = rig.number("force.ram");
        if force > 100.0 && stroke.contact_mm == 0.0 {
            stroke.contact_mm = away * 0.2;
        }
        stroke.peak_n = stroke.peak_n.max(force);
        if ms == 215 {
            stroke.end_n = force;
        }
    }
    rig.run(5);
    stroke.set_mm = before - rig.number("nest.height");
    rig.drive("nest.eject", true);
    rig.run(5);
    rig.drive("nest.eject", false);
    assert!(!rig.flag("nest.present") && !rig.failure.happened(), "{:?}", rig.failure.text(&rig.cell));
    stroke
}

fn rig(seed: u64, parameters: &[(&str, f64)]) -> Rig {
    let mut cell = cell(TEXT);
    cell.simulation.seed = seed;
    let given: Vec<(String, f64)> = parameters.iter().map(|(name, value)| ((*name).into(), *value)).collect();
    set_parameters(&mut cell, &given).unwrap();
    Rig::new(cell)
}

fn first(parameters: &[(&str, f64)]) -> Stroke {
    stroke(&mut rig(7, parameters))
}

#[test]
fn every_defect_leaves_its_own_trace() {
    let good = first(&[]);
    // Elastic to 0.75 mm, then 150 N/mm: 1500 + 150 × 2.25 N at 3 mm.
    assert!(good.present && (good.end_n - 1837.0).abs() < 60.0, "{good:?}");
    assert!((good.contact_mm - 40.2).abs() < 0.21 && (good.set_mm - 2.08).abs() < 0.06, "{good:?}");

    let missing = first(&[("missing", 1.0)]);
    assert!(!missing.present && missing.peak_n < 20.0, "{missing:?}");

    let double = first(&[("double", 1.0)]);
    assert!((good.contact_mm - double.contact_mm - 12.5).abs() < 0.5, "{double:?}");
    assert!(double.end_n > good.end_n + 500.0, "{double:?}");

    let crack = first(&[("crack", 1.0)]);
    assert!((crack.contact_mm - good.contact_mm).abs() < 0.21, "{crack:?}");
    assert!(crack.end_n < 0.45 * good.end_n && crack.peak_n > 1.2 * crack.end_n, "{crack:?}");

    let material = first(&[("material", 1.0)]);
    let ratio = material.end_n / good.end_n;
    assert!((0.6..0.8).contains(&ratio) && (material.peak_n - material.end_n).abs() < 20.0, "{material:?}");

    let mut worn = rig(7, &[("wear", 0.1)]);
    let strokes: Vec<Stroke> = (0..6).map(|_| stroke(&mut worn)).collect();
    // Each stroke a tenth of a millimetre less deep: 15 N less, and later contact.
    let lost = strokes[0].end_n - strokes[5].end_n;
    assert!((lost - 75.0).abs() < 60.0, "{strokes:?}");
    assert!(strokes[5].contact_mm > strokes[0].contact_mm, "{strokes:?}");
}

#[test]
fn defects_come_at_their_rate_and_a_rate_changes_its_own_defect_only() {
    let rates = [("missing", 0.2), ("double", 0.1)];
    let kinds = |parameters: &[(&str, f64)]| -> Vec<u8> {
        let mut rig = rig(3, parameters);
        let kind = |stroke: Stroke| match stroke {
            stroke if !stroke.present => 1,
            stroke if stroke.contact_mm < 35.0 => 2,
            stroke if stroke.end_n < 1000.0 => 3,
            _ => 0,
        };
        (0..60).map(|_| kind(stroke(&mut rig))).collect()
    };
    let plain = kinds(&rates);
    let share = |kinds: &[u8], kind| kinds.iter().filter(|found| **found == kind).count();
    assert!((6..=20).contains(&share(&plain, 1)) && (1..=14).contains(&share(&plain, 2)), "{plain:?}");
    let cracked = kinds(&[rates[0], rates[1], ("crack", 0.3)]);
    assert!(share(&cracked, 3) >= 6, "{cracked:?}");
    for (before, after) in plain.iter().zip(&cracked).filter(|(_, after)| **after != 3) {
        assert_eq!(before, after);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let history = |seed| {
        let mut rig = rig(seed, &[("crack", 0.3)]);
        let strokes: Vec<Stroke> = (0..3).map(|_| stroke(&mut rig)).collect();
        (strokes, rig.inputs.clone(), rig.shafts.clone())
    };
    assert_eq!(history(5), history(5));
    assert_ne!(history(5).0, history(6).0);
}
