//! The laws of the set-points, judged on the wire, over random commands, stops, faults and losses.
//!
//! The wire has whole counts: each position is wrong by half a count at most, and the differences by what
//! [`crate::laws`] says of that.

use super::*;
use crate::cia402::Cia402;
use crate::laws::Watch;
use crate::profile::Limits;
use proptest::{prelude::*, test_runner::TestRunner};

#[derive(Clone, Copy, Debug)]
enum Event {
    Command(AxisCommand),
    Override(f64),
    Stop(Option<StopRequest>),
    Enable(bool),
    Connected(bool),
    Fault,
    Sto,
    LimitSwitches(u32),
}

fn event() -> impl Strategy<Value = Event> {
    let velocity = || 1.0..300.0f64;
    let command = prop_oneof![
        4 => (-600.0..600.0f64, velocity()).prop_map(|(position, velocity)| AxisCommand::MoveAbsolute {
            position, velocity, direction: Direction::Shortest,
        }),
        2 => (-50.0..50.0f64, velocity())
            .prop_map(|(distance, velocity)| AxisCommand::MoveRelative { distance, velocity }),
        3 => (-300.0..300.0f64).prop_map(jog),
        1 => Just(AxisCommand::Halt),
        1 => Just(AxisCommand::Stop),
        3 => Just(AxisCommand::ReleaseStop),
        1 => any::<bool>().prop_map(AxisCommand::Power),
        2 => Just(AxisCommand::Power(true)),
        3 => Just(AxisCommand::Reset),
        1 => Just(AxisCommand::Home),
    ];
    let category = prop_oneof![
        Just(StopRequest::Configured),
        Just(StopRequest::Category(StopCategory::Category0)),
        Just(StopRequest::Category(StopCategory::Category1)),
        Just(StopRequest::Category(StopCategory::Category2)),
    ];
    prop_oneof![
        20 => command.prop_map(Event::Command),
        3 => (0.0..2.0f64).prop_map(Event::Override),
        1 => category.prop_map(|stop| Event::Stop(Some(stop))),
        2 => Just(Event::Stop(None)),
        1 => any::<bool>().prop_map(Event::Enable),
        1 => Just(Event::Connected(false)),
        3 => Just(Event::Connected(true)),
        1 => prop_oneof![Just(Event::Fault), Just(Event::Sto)],
        1 => (0u32..4).prop_map(Event::LimitSwitches),
    ]
}

fn random_settings() -> impl Strategy<Value = AxisSettings> {
    let limits = (20.0..300.0f64, 100.0..3e3f64, 100.0..3e3f64, prop::option::weighted(0.8, 2e3..1e5f64));
    let stop = (1.0..5.0f64, 1.0..5.0f64);
    let category = prop_oneof![
        Just(StopCategory::Category0),
        Just(StopCategory::Category1),
        Just(StopCategory::Category2)
    ];
    (limits, stop, category, any::<bool>(), any::<bool>()).prop_map(
        |((velocity, acceleration, deceleration, jerk), stop, stop_category, same, limited)| AxisSettings {
            counts_per_unit: if same { 1e6 } else { -1e6 },
            limits: MotionLimits {
                velocity,
                acceleration,
                deceleration: if same { acceleration } else { deceleration },
                jerk,
            },
            software_limits: limited.then_some((-150.0, 200.0)),
            stop_category,
            stop_deceleration: acceleration.max(deceleration) * stop.0,
            stop_jerk: jerk.map(|jerk| jerk * stop.1),
            following_window: 0.01,
            // A drive that missed a set-point or two is behind until it has the next.
            following_time_ns: 5_000_000,
            ..settings()
        },
    )
}

struct Judge {
    settings: AxisSettings,
    watch: Watch,
    /// Without overflow.
    counts: i64,
    before: AxisFacts,
}

impl Judge {
    fn limits(settings: &AxisSettings, stopping: bool) -> Limits {
        let MotionLimits { velocity, acceleration, deceleration, jerk } = settings.limits;
        let (deceleration, jerk) =
            if stopping { (settings.stop_deceleration, settings.stop_jerk) } else { (deceleration, jerk) };
        Limits { velocity, acceleration, deceleration, jerk: jerk.unwrap_or(f64::INFINITY) }
    }

    fn new(cell: &Cell) -> Self {
        let settings = *cell.axis.settings();
        let counts = i64::from(cell.outputs.target_position);
        let position = counts as f64 / settings.counts_per_unit;
        let dt = settings.interval_s();
        let mut watch = Watch::new(position, Self::limits(&settings, false), dt);
        watch.allow(0.5 / settings.counts_per_unit.abs());
        Self { settings, watch, counts, before: *cell.facts() }
    }

    fn step(&mut self, cell: &Cell) -> Result<(), TestCaseError> {
        let facts = *cell.facts();
        let moved = cell.outputs.target_position.wrapping_sub(self.counts as i32);
        self.counts += i64::from(moved);
        let position = self.counts as f64 / self.settings.counts_per_unit;
        let stopping = matches!(facts.state, AxisState::Stopping | AxisState::ErrorStop)
            || !facts.powered && self.before.state == AxisState::Stopping;
        let limits = Self::limits(&self.settings, stopping);
        self.watch.change_limits(limits, self.before.set_velocity, self.before.set_acceleration);
        if cell.drive.state == Cia402::OperationEnabled {
            self.watch.next(position).map_err(|wrong| TestCaseError::fail(format!("{wrong}; {facts:?}")))?;
        } else {
            // The set-point follows the drive, which stands wherever it lost its power.
            self.watch.restart(position);
        }
        if let (Some((least, greatest)), true) = (self.settings.software_limits, facts.homed && facts.powered)
        {
            prop_assert!((least - 1e-9..=greatest + 1e-9).contains(&facts.set_position), "{facts:?}");
        }
        prop_assert!(facts.error != Some(AxisError::FollowingError), "an ideal drive follows: {facts:?}");
        self.before = facts;
        Ok(())
    }
}

#[test]
fn set_points_on_the_wire_keep_the_limits() {
    let cases = if crate::soak::is_asked_for() { 50_000 } else { 1_000 };
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let events = prop::collection::vec((event(), 0usize..150), 1..40);
    let property = |(settings, events): (AxisSettings, Vec<(Event, usize)>)| {
        let mut cell = Cell::ready(settings);
        let mut judge = Judge::new(&cell);
        for (event, intervals) in events {
            match event {
                Event::Command(command) => {
                    cell.give(command);
                    judge.step(&cell)?;
                }
                Event::Override(factor) => cell.request.override_factor = factor,
                Event::Stop(stop) => cell.request.stop = stop,
                Event::Enable(enable) => cell.request.enable = enable,
                Event::Connected(connected) => cell.drive.connected = connected,
                Event::Fault => cell.drive.fault(0x2310),
                Event::Sto => cell.drive.state = Cia402::SwitchOnDisabled,
                Event::LimitSwitches(inputs) => cell.drive.digital_inputs = inputs,
            }
            for _ in 0..intervals {
                cell.run(1);
                judge.step(&cell)?;
            }
        }
        // Whatever happened, it comes to rest, and can be used again.
        cell.drive.connected = true;
        cell.drive.digital_inputs = 0;
        cell.request = AxisRequest { stop: Some(StopRequest::Configured), ..AxisRequest::default() };
        for _ in 0..4_000 {
            cell.run(1);
            judge.step(&cell)?;
        }
        cell.request.stop = None;
        cell.run(5);
        for command in [AxisCommand::ReleaseStop, AxisCommand::Reset, AxisCommand::Power(true), by(0.0)] {
            let id = cell.give(command);
            prop_assert_eq!(cell.end(id), Outcome::Done, "{:?} {:?}", command, cell.facts());
        }
        Ok(())
    };
    TestRunner::new(config)
        .run(&(random_settings(), events), property)
        .unwrap_or_else(|failure| panic!("{failure}"));
}
