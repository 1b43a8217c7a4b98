//! Laws of the set-points, over random motions.

use super::plan::Segment;
use super::{Generator, Goal, Limits, Plan, Setpoint};
use crate::laws::Watch;
use proptest::{prelude::*, test_runner::TestRunner};

/// Cases of a property: many, or very many when a soak is asked for.
fn cases(usual: u32, soak: u32) -> ProptestConfig {
    let cases = if crate::soak::is_asked_for() { soak } else { usual };
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 100_000,
        ..ProptestConfig::default()
    }
}

/// What rounding may leave in a position: the sum of origin and way, and the way itself, each of a few operations.
fn rounding(position: f64, way: f64) -> f64 {
    16.0 * f64::EPSILON * (position.abs() + way.abs())
}

/// Log-uniform.
fn magnitude(least: f64, greatest: f64) -> impl Strategy<Value = f64> {
    (0.0..1.0f64).prop_map(move |share| least * libm::pow(greatest / least, share))
}

fn limits() -> impl Strategy<Value = Limits> {
    let jerk = prop_oneof![4 => magnitude(1e2, 1e6), 1 => Just(f64::INFINITY)];
    (magnitude(1.0, 2e3), magnitude(1e1, 2e4), magnitude(1e1, 2e4), jerk, any::<bool>()).prop_map(
        |(velocity, acceleration, deceleration, jerk, same)| Limits {
            velocity,
            acceleration,
            deceleration: if same { acceleration } else { deceleration },
            jerk,
        },
    )
}

fn goal() -> impl Strategy<Value = Goal> {
    prop_oneof![
        4 => (-1e3..1e3f64, magnitude(1.0, 4e3))
            .prop_map(|(position, velocity)| Goal::Position { position, velocity }),
        // Near where it is likely to be.
        1 => (-1.0..1.0f64, magnitude(1.0, 4e3))
            .prop_map(|(position, velocity)| Goal::Position { position, velocity }),
        2 => (-2e3..2e3f64).prop_map(Goal::Velocity),
        1 => Just(Goal::Rest),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Goal(Goal),
    Override(f64),
    Limits(Limits),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => goal().prop_map(Event::Goal),
        3 => (0.0..2.0f64).prop_map(Event::Override),
        1 => prop_oneof![Just(0.0), Just(1.0), Just(f64::NAN)].prop_map(Event::Override),
        1 => limits().prop_map(Event::Limits),
    ]
}

/// Runs a motion and judges every set-point.
struct Bench {
    generator: Generator,
    watch: Watch,
    limits: Limits,
    interval_ns: u64,
    factor: f64,
}

impl Bench {
    fn new(limits: Limits, interval_ns: u64) -> Self {
        let watch = Watch::new(0.0, limits, interval_ns as f64 * 1e-9);
        Self { generator: Generator::new(0.0, limits), watch, limits, interval_ns, factor: 1.0 }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Goal(goal) => self.generator.retarget(goal, self.limits),
            Event::Override(factor) => {
                self.factor = if factor.is_nan() { 0.0 } else { factor };
                self.generator.set_override(factor);
            }
            Event::Limits(limits) => {
                self.limits = limits;
                self.generator.retarget(self.generator.goal(), limits);
            }
        }
        let speed = match self.generator.goal() {
            Goal::Rest => 0.0,
            Goal::Position { velocity, .. } | Goal::Velocity(velocity) => velocity.abs() * self.factor,
        };
        let now = self.generator.current();
        let velocity = self.limits.velocity.min(speed);
        let acceleration = if self.generator.free { 0.0 } else { now.acceleration };
        self.watch.change_limits(Limits { velocity, ..self.limits }, now.velocity, acceleration);
    }

    fn run(&mut self, intervals: usize) -> Result<(), TestCaseError> {
        for _ in 0..intervals {
            let before = self.generator.current().position;
            let now = self.generator.advance(self.interval_ns);
            self.watch.allow(rounding(before, self.generator.plan.end.position - self.generator.plan.origin));
            self.watch.next(now.position).map_err(TestCaseError::fail)?;
            // The velocity that is told is the position's: it differs from the mean of the interval by half of what
            // the acceleration makes of it, at most.
            let dt = self.interval_ns as f64 * 1e-9;
            let mean = (now.position - before) / dt;
            let steepest = self.limits.acceleration.max(self.limits.deceleration).max(now.acceleration.abs());
            let jerked = if self.limits.jerk.is_finite() { self.limits.jerk * dt } else { 0.0 };
            let noise = 1e-9 * (1.0 + now.velocity.abs());
            prop_assert!((mean - now.velocity).abs() <= (steepest + jerked) * dt + noise);
        }
        Ok(())
    }
}

/// The plan's last stretch ends where the plan says.
fn ends_where_it_says(plan: &Plan) -> Result<(), TestCaseError> {
    let last = plan.at(plan.duration() * (1.0 - f64::EPSILON));
    let end = plan.end();
    // The time itself is rounded, by this much.
    let late = 4.0 * f64::EPSILON * plan.duration();
    let reach = |s: &Segment| s.position.abs() + s.velocity.abs() * (plan.duration() - s.start);
    let way = plan.segments.iter().take(plan.len).map(reach).fold(0.0, f64::max);
    let noise = rounding(end.position, way) + late * (last.velocity.abs() + last.acceleration.abs() * late);
    prop_assert!((last.position - end.position).abs() <= noise, "{last:?} {end:?} {noise:e}");
    let noise = 1e-9 * (1.0 + end.velocity.abs()) + late * last.acceleration.abs();
    prop_assert!((last.velocity - end.velocity).abs() <= noise, "{last:?} {end:?}");
    Ok(())
}

#[test]
fn limits_hold_over_retargets_overrides_and_changes_of_limits() {
    let events = prop::collection::vec((event(), 0usize..200), 1..14);
    let interval = prop_oneof![Just(1_000_000u64), Just(250_000), Just(4_000_000)];
    let last = (-1e3..1e3f64, magnitude(10.0, 4e3));
    let property = |(first, interval_ns, events, (position, velocity)): (Limits, u64, Vec<_>, _)| {
        let mut bench = Bench::new(first, interval_ns);
        for (event, intervals) in events {
            bench.apply(event);
            bench.run(intervals)?;
            ends_where_it_says(&bench.generator.plan)?;
        }
        bench.apply(Event::Override(1.0));
        bench.apply(Event::Goal(Goal::Position { position, velocity }));
        bench.run(1)?;
        ends_where_it_says(&bench.generator.plan)?;
        bench.run(500)?;
        // The rest of the way unwatched, but for its end.
        let left_s = bench.generator.plan.duration() - bench.generator.elapsed_ns as f64 * 1e-9;
        prop_assert!(left_s.is_finite());
        bench.generator.advance((left_s.max(0.0) * 1e9) as u64 + 1_000);
        prop_assert_eq!(bench.generator.current(), Setpoint::at(position));
        prop_assert!(bench.generator.is_at_goal());
        Ok(())
    };
    TestRunner::new(cases(20_000, 1_000_000))
        .run(&(limits(), interval, events, last), property)
        .unwrap_or_else(|failure| panic!("{failure}"));
}

/// Duration of a motion from rest to rest with one bound for acceleration and deceleration: the seven cases of the
/// textbooks.
fn textbook_duration(distance: f64, limits: &Limits) -> f64 {
    let Limits { velocity: v, acceleration: a, jerk: j, .. } = *limits;
    let ramp = |v: f64| if v * j >= a * a { v / a + a / j } else { 2.0 * (v / j).sqrt() };
    if distance >= v * ramp(v) {
        return ramp(v) + distance / v;
    }
    if distance >= 2.0 * a * a * a / (j * j) {
        // The acceleration is reached, the velocity not: v²/a + v·a/j = distance.
        let half = a * a / (2.0 * j);
        return 2.0 * ramp((half * half + a * distance).sqrt() - half);
    }
    4.0 * libm::cbrt(distance / (2.0 * j))
}

proptest! {
    #![proptest_config(cases(5_000, 200_000))]

    #[test]
    fn from_rest_to_rest_in_the_least_time_without_overshoot(
        limits in limits(), from in -1e3..1e3f64, distance in magnitude(1e-3, 2e3), back in any::<bool>(),
    ) {
        let limits = Limits { deceleration: limits.acceleration, ..limits };
        let to = if back { from - distance } else { from + distance };
        let plan = Plan::to_position(Setpoint::at(from), to, &limits);
        let distance = (to - from).abs();
        let expected = if limits.jerk.is_finite() {
            textbook_duration(distance, &limits)
        } else {
            let top = limits.velocity.min((distance * limits.acceleration).sqrt());
            top / limits.acceleration + distance / top
        };
        // The ways differ by rounding of the positions; the time is at most as wrong as its cube root allows.
        prop_assert!((plan.duration() - expected).abs() <= 1e-7 * expected, "{} {expected}", plan.duration());
        let noise = rounding(from, distance);
        let mut before = from;
        for step in 0..=1_000u32 {
            let now = plan.at(plan.duration() * (f64::from(step) / 1_000.0)).position;
            let (least, greatest) = if back { (to - noise, before + noise) } else { (before - noise, to + noise) };
            prop_assert!((least..=greatest).contains(&now), "step {step}: {now}, before {before}");
            before = now;
        }
        prop_assert_eq!(before, to);
    }

    #[test]
    fn different_bounds_up_and_down_are_both_used(
        limits in limits(), distance in magnitude(1.0, 2e3),
    ) {
        let limits = Limits { jerk: f64::INFINITY, ..limits };
        let plan = Plan::to_position(Setpoint::default(), distance, &limits);
        // Up over v²/2a, down over v²/2d.
        let (up, down) = (limits.acceleration, limits.deceleration);
        let top = limits.velocity.min((2.0 * distance * up * down / (up + down)).sqrt());
        let ramps = top * top / 2.0 * (1.0 / up + 1.0 / down);
        let expected = top / up + top / down + (distance - ramps).max(0.0) / top;
        prop_assert!((plan.duration() - expected).abs() <= 1e-9 * expected, "{} {expected}", plan.duration());
    }

    /// Targets within the bounds, velocities that lead out of them, stops, overrides: all stay inside.
    #[test]
    fn motions_stay_within_the_bounds(
        limits in limits(),
        stop in 1.0..10.0f64,
        events in prop::collection::vec((event(), any::<bool>(), 0usize..300), 1..20),
        bounds in (-1e3..-1.0f64, 1.0..1e3f64),
    ) {
        let interval_ns = 1_000_000;
        let stop = Limits {
            deceleration: limits.deceleration * stop, jerk: limits.jerk * stop, ..limits
        };
        let mut generator = Generator::new(0.0, limits);
        generator.set_bounds(Some(bounds));
        let noise = rounding(2e3, 0.0);
        for (event, stopped, intervals) in events {
            match event {
                Event::Goal(Goal::Position { position, velocity }) => {
                    let position = position.clamp(bounds.0, bounds.1);
                    generator.retarget(Goal::Position { position, velocity }, limits);
                }
                Event::Goal(goal) => generator.retarget(goal, limits),
                Event::Override(factor) => generator.set_override(factor),
                Event::Limits(_) => {}
            }
            let inside = |generator: &mut Generator| {
                let now = generator.advance(interval_ns).position;
                prop_assert!(now >= bounds.0 - noise && now <= bounds.1 + noise, "{now} {bounds:?}");
                Ok(())
            };
            for _ in 0..intervals {
                inside(&mut generator)?;
            }
            if stopped {
                // A stop is held until the axis rests.
                generator.retarget(Goal::Rest, stop);
                inside(&mut generator)?;
                for _ in 0..100_000 {
                    if generator.is_at_goal() {
                        break;
                    }
                    inside(&mut generator)?;
                }
                prop_assert!(generator.is_at_goal());
            }
        }
    }

    /// A motion at a velocity towards a bound ends at rest exactly there.
    #[test]
    fn a_velocity_ends_at_the_bound(limits in limits(), velocity in 1.0..2e3f64, up in any::<bool>()) {
        let mut generator = Generator::new(0.0, limits);
        generator.set_bounds(Some((-700.0, 300.0)));
        generator.retarget(Goal::Velocity(if up { velocity } else { -velocity }), limits);
        generator.advance(1_000_000);
        prop_assert!(!generator.is_at_bound());
        generator.advance(1_000_000_000_000);
        prop_assert!(generator.is_at_bound());
        prop_assert_eq!(generator.current(), Setpoint::at(if up { 300.0 } else { -700.0 }));
    }

    /// Planning again on the way, towards the same target, changes nothing that matters.
    #[test]
    fn planning_again_keeps_the_way(limits in limits(), to in -1e3..1e3f64, every in 1usize..50) {
        let first = Plan::to_position(Setpoint::default(), to, &limits);
        let mut now = Setpoint::default();
        let mut plan = first;
        let (mut time, mut began) = (0.0, 0.0);
        let step = first.duration() / 200.0;
        for index in 0..200 {
            if index % every == 0 {
                plan = Plan::to_position(now, to, &limits);
                began = time;
            }
            time += step;
            now = plan.at(time - began);
            let expected = first.at(time).position;
            prop_assert!((now.position - expected).abs() <= 1e-6 * (1.0 + to.abs()), "{now:?} {expected}");
        }
    }
}

#[test]
fn an_overshoot_that_cannot_be_avoided_comes_back() {
    let limits = Limits { velocity: 100.0, acceleration: 500.0, deceleration: 1_000.0, jerk: 1e4 };
    let mut bench = Bench::new(limits, 1_000_000);
    bench.apply(Event::Goal(Goal::Velocity(100.0)));
    bench.run(1_000).expect("within the limits");
    let from = bench.generator.current().position;
    let stop = bench.generator.stopping_position();
    bench.apply(Event::Goal(Goal::Position { position: from + 1.0, velocity: 100.0 }));
    let mut furthest = from;
    for _ in 0..2_000 {
        bench.run(1).expect("within the limits");
        furthest = furthest.max(bench.generator.current().position);
    }
    assert_eq!(bench.generator.current(), Setpoint::at(from + 1.0));
    assert!(furthest <= stop + 1e-9 && furthest > stop - 0.01, "brakes as hard as it may: {furthest} {stop}");
}

#[test]
fn a_feed_hold_rests_and_goes_on() {
    let limits = Limits { velocity: 100.0, acceleration: 500.0, deceleration: 500.0, jerk: 1e4 };
    let mut bench = Bench::new(limits, 1_000_000);
    bench.apply(Event::Goal(Goal::Position { position: 200.0, velocity: 80.0 }));
    bench.run(800).expect("within the limits");
    assert_eq!(bench.generator.current().velocity, 80.0);
    bench.apply(Event::Override(0.5));
    bench.run(300).expect("within the limits");
    assert_eq!(bench.generator.current().velocity, 40.0);
    bench.apply(Event::Override(0.0));
    bench.run(500).expect("within the limits");
    assert!(bench.generator.current().is_at_rest() && !bench.generator.is_at_goal());
    bench.apply(Event::Override(2.0));
    bench.run(500).expect("within the limits");
    assert_eq!(bench.generator.current().velocity, 100.0, "the axis's own limit stands");
    bench.run(2_000).expect("within the limits");
    assert_eq!(bench.generator.current(), Setpoint::at(200.0));
    assert!(bench.generator.is_at_goal());
}
