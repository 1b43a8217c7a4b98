//! From one set-point a bus cycle to one a tick of the control loop.
//!
//! Each set-point is where the motor has to be one interpolation period after the set-point arrived. The way there is a
//! cubic with the velocity of the last one at its beginning; its end velocity follows from three set-points, so that a
//! steady acceleration is followed exactly. After a jump of the set-point the way overshoots by up to a third of it. A
//! set-point that fails to come is extrapolated.

/// Period until two set-points have shown another.
pub const DEFAULT_PERIOD_NS: u64 = 1_000_000;

/// The demand of one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Demand {
    /// Position.
    pub position: f64,
    /// Its derivative, per second.
    pub velocity: f64,
    /// Mean acceleration over the period, per second².
    pub acceleration: f64,
    /// The second channel, interpolated linearly.
    pub second: f64,
    /// Slope of the second channel, per second.
    pub second_slope: f64,
}

/// Interpolates a position and a second channel: a velocity, or its offset.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpolator {
    from: f64,
    to: f64,
    /// Velocities at both ends.
    from_velocity: f64,
    to_velocity: f64,
    /// The set-point before `to`.
    before: f64,
    second: [f64; 2],
    period_s: f64,
    /// 0 at `from`, 1 at `to`.
    phase: f64,
    /// A set-point has come; before that none is overdue.
    has_begun: bool,
}

impl Interpolator {
    /// Passing `position` with `velocity`, with `second` on the second channel.
    pub fn at(position: f64, velocity: f64, second: f64, period_ns: u64) -> Self {
        let period_s = period_ns as f64 * 1.0e-9;
        Self {
            from: position,
            to: position,
            from_velocity: velocity,
            to_velocity: velocity,
            before: position - velocity * period_s,
            second: [second; 2],
            period_s,
            phase: 1.0,
            has_begun: false,
        }
    }

    /// The last set-point.
    pub fn target(&self) -> f64 {
        self.to
    }

    /// A set-point has come, to be reached one period from now.
    pub fn take(&mut self, position: f64, second: f64, period_ns: u64) {
        self.has_begun = true;
        let now = self.demand();
        let period_s = period_ns as f64 * 1.0e-9;
        let in_time = (0.5..1.5).contains(&self.phase);
        let last = if in_time { self.to - self.before } else { now.velocity * period_s };
        if in_time {
            (self.from, self.from_velocity) = (self.to, self.to_velocity);
            self.second = [self.second[1], second];
            self.phase -= 1.0;
        } else {
            (self.from, self.from_velocity) = (now.position, now.velocity);
            self.second = [now.second, second];
            self.phase = 0.0;
        }
        (self.before, self.to, self.period_s) = (self.from, position, period_s);
        self.to_velocity = end_velocity(last, position - self.from) / period_s;
    }

    /// Let time pass. True if a set-point is overdue and was made up: go on as before.
    pub fn advance(&mut self, seconds: f64) -> bool {
        if !self.has_begun {
            return false;
        }
        self.phase += seconds / self.period_s;
        let overdue = self.phase >= 1.5;
        if overdue {
            let velocity = self.to_velocity;
            (self.from, self.from_velocity) = (self.to, velocity);
            self.before = self.to;
            self.to += velocity * self.period_s;
            self.second[0] = self.second[1];
            self.phase -= 1.0;
        }
        overdue
    }

    /// The demand of now.
    pub fn demand(&self) -> Demand {
        let (s, period) = (self.phase, self.period_s);
        let slope = (self.second[1] - self.second[0]) / period;
        let second = self.second[0] + (self.second[1] - self.second[0]) * s.clamp(0.0, 1.0);
        if s >= 1.0 {
            return Demand {
                position: self.to + self.to_velocity * (s - 1.0) * period,
                velocity: self.to_velocity,
                acceleration: 0.0,
                second,
                second_slope: 0.0,
            };
        }
        // Hermite's cubic in the form p = from + d·(3s² − 2s³) + v₀·(s − 2s² + s³) + v₁·(s³ − s²).
        let (step, v0, v1) = (self.to - self.from, self.from_velocity * period, self.to_velocity * period);
        let (s2, s3) = (s * s, s * s * s);
        let position = self.from + step * (3.0 * s2 - 2.0 * s3) + v0 * (s - 2.0 * s2 + s3) + v1 * (s3 - s2);
        let velocity = step * 6.0 * (s - s2) + v0 * (1.0 - 4.0 * s + 3.0 * s2) + v1 * (3.0 * s2 - 2.0 * s);
        Demand {
            position,
            velocity: velocity / period,
            acceleration: (self.to_velocity - self.from_velocity) / period,
            second,
            second_slope: slope,
        }
    }
}

/// Velocity at the end of `step`, in units a period, when `last` was the step before: that of the parabola through the
/// three points, but between 0 and twice the mean, so that a reversal begins with rest.
fn end_velocity(last: f64, step: f64) -> f64 {
    let parabola = 1.5 * step - 0.5 * last;
    let (low, high) = if step < 0.0 { (2.0 * step, 0.0) } else { (0.0, 2.0 * step) };
    parabola.clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK_S: f64 = 125.0e-6;

    /// The demands of every tick while `targets` come once a period of eight ticks.
    fn demands(targets: impl IntoIterator<Item = f64>) -> Vec<Demand> {
        let mut interpolator = Interpolator::at(0.0, 0.0, 0.0, DEFAULT_PERIOD_NS);
        let mut all = Vec::new();
        for target in targets {
            interpolator.take(target, 0.0, DEFAULT_PERIOD_NS);
            for _ in 0..8 {
                assert!(!interpolator.advance(TICK_S));
                all.push(interpolator.demand());
            }
        }
        all
    }

    #[test]
    fn every_set_point_is_met_one_period_later() {
        let targets: Vec<f64> = (1..200).map(|k| 1.0e6 * libm::sin(f64::from(k) * 0.01)).collect();
        let all = demands(targets.iter().copied());
        for (k, target) in targets.iter().enumerate() {
            assert!((all[8 * k + 7].position - target).abs() < 1.0e-3, "set-point {k}");
        }
    }

    #[test]
    fn velocity_is_the_derivative_of_position_and_has_no_jumps() {
        let all = demands((1..200).map(|k| 1.0e5 * (1.0 - libm::cos(f64::from(k) * 0.01))));
        let acceleration_max = 1.0e5 * 0.01 * 0.01 / (1.0e-3 * 1.0e-3);
        for pair in all.windows(2) {
            let mean = 0.5 * (pair[0].velocity + pair[1].velocity);
            let difference = (pair[1].position - pair[0].position) / TICK_S;
            assert!((mean - difference).abs() < 1.5 * acceleration_max * TICK_S, "{mean} {difference}");
            let jump = pair[1].velocity - pair[0].velocity;
            assert!(jump.abs() < 2.5 * acceleration_max * TICK_S, "{jump}");
        }
    }

    #[test]
    fn overshoot_is_bounded_after_a_jump_and_none_at_the_end_of_a_move() {
        let all = demands([0.0, 100.0, 100.0, 100.0]);
        let highest = all.iter().map(|demand| demand.position).fold(0.0, f64::max);
        assert!((100.0..133.4).contains(&highest), "{highest}");
        assert_eq!(all.last().map(|demand| (demand.position, demand.velocity)), Some((100.0, 0.0)));
        // Braking with a steady deceleration, 1 a period per period.
        let move_ = (0..=100).map(|k| 5_050.0 - 0.5 * f64::from((100 - k) * (101 - k)));
        let all = demands(move_.chain([5_050.0; 3]));
        assert!(all.iter().skip(80).all(|demand| demand.position < 5_050.3), "no overshoot");
        assert!(all.windows(2).skip(80).all(|pair| pair[1].position > pair[0].position - 0.2));
    }

    #[test]
    fn a_set_point_that_fails_to_come_is_made_up() {
        let mut interpolator = Interpolator::at(0.0, 0.0, 0.0, DEFAULT_PERIOD_NS);
        for k in 1..=10 {
            interpolator.take(f64::from(k) * 10.0, 0.0, DEFAULT_PERIOD_NS);
            for _ in 0..8 {
                interpolator.advance(TICK_S);
            }
        }
        let overdue = (0..16).filter(|_| interpolator.advance(TICK_S)).count();
        assert_eq!(overdue, 2, "at half a period and one and a half");
        assert!((interpolator.demand().position - 120.0).abs() < 1.0e-6);
        interpolator.take(130.0, 0.0, DEFAULT_PERIOD_NS);
        interpolator.advance(TICK_S);
        assert!((interpolator.demand().position - 121.25).abs() < 1.0e-6, "as if nothing had been lost");
    }

    /// Frames that come a little early or late leave the path smooth.
    #[test]
    fn jitter_of_a_third_of_the_period_is_ridden_out() {
        let mut interpolator = Interpolator::at(0.0, 0.0, 0.0, DEFAULT_PERIOD_NS);
        let mut last = 0.0;
        let mut ticks = [8, 6, 10, 8, 5, 11, 8, 8].into_iter().cycle();
        for k in 1..=400 {
            interpolator.take(f64::from(k) * 8.0, 0.0, DEFAULT_PERIOD_NS);
            for _ in 0..ticks.next().expect("goes round") {
                interpolator.advance(TICK_S);
                let position = interpolator.demand().position;
                let step = position - last;
                assert!(k < 10 || (0.5..1.5).contains(&step), "cycle {k}: {step} in a tick, not 1");
                last = position;
            }
        }
    }
}
