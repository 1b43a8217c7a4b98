//! PID controller.

use crate::{
    BlockError, Flag,
    number::{all_finite, limit},
    registry::block,
    time::step_seconds,
};
use bytemuck::{Pod, Zeroable};

/// What a controller is set to.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct PidSettings {
    /// Proportional gain, output per input.
    pub kp: f64,
    /// Integral time in seconds; 0 switches the integral part off.
    pub ti_s: f64,
    /// Derivative time in seconds; 0 switches the derivative part off.
    pub td_s: f64,
    /// Smallest output.
    pub low: f64,
    /// Largest output.
    pub high: f64,
    /// Derivative filter: its time constant is `td_s / n`.
    pub n: f64,
    /// Weight of the setpoint in the proportional part, 0 to 1.
    pub b: f64,
    /// The output rises with the measurement (cooling), instead of falling (heating).
    pub direct: Flag,
    /// Zero.
    pub _pad: [u8; 7],
}

/// ISA-form PID with filtered derivative on the measurement, back-calculation and bumpless transfer.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Pid {
    settings: PidSettings,
    feed_forward: f64,
    proportional: f64,
    integral: f64,
    derivative: f64,
    sp: f64,
    pv: f64,
    out: f64,
    /// `sp` and `pv` are those of the call before.
    primed: Flag,
    /// The output stands at something that the parts do not add up to (manual, or held): the integral starts from there.
    take_over: Flag,
    saturated: Flag,
    err: Flag,
    _pad: [u8; 4],
}

/// The parts of one step, before it is known whether they are finite.
#[derive(Clone, Copy)]
struct Parts {
    proportional: f64,
    integral: f64,
    derivative: f64,
}

impl Pid {
    /// A controller at rest.
    ///
    /// # Errors
    /// If `low` is above `high`.
    pub fn new(settings: PidSettings) -> Result<Self, BlockError> {
        if settings.low > settings.high {
            return Err(BlockError::Crossed { callee: "PID", low: "LO", high: "HI" });
        }
        Ok(Self { settings, out: limit(0.0, settings.low, settings.high), ..Self::zeroed() })
    }

    /// Once a cycle. Returns the output.
    pub fn run(&mut self, sp: f64, pv: f64, auto: bool, man: f64, dt_ns: i64) -> f64 {
        if auto {
            self.automatic(sp, pv, step_seconds(dt_ns));
        } else {
            self.manual(man);
        }
        self.out
    }

    /// Manual works without a measurement: that is when it is needed most.
    fn manual(&mut self, man: f64) {
        self.err.set(!man.is_finite());
        if man.is_finite() {
            self.out = limit(man, self.settings.low, self.settings.high);
            self.saturated.set(self.out != man);
        }
        self.interrupt();
        self.take_over.set(true);
    }

    fn automatic(&mut self, sp: f64, pv: f64, dt: f64) {
        let parts = self.parts(sp, pv, dt);
        let wanted = parts.proportional + parts.integral + parts.derivative + self.feed_forward;
        let fine = all_finite(&[sp, pv, parts.proportional, parts.integral, parts.derivative, wanted]);
        self.err.set(!fine);
        if !fine {
            // A controller that never ran has no output to go on from.
            self.take_over.set(self.take_over.get() || self.primed.get());
            return self.interrupt();
        }
        self.out = limit(wanted, self.settings.low, self.settings.high);
        self.saturated.set(self.out != wanted);
        self.proportional = parts.proportional;
        self.derivative = parts.derivative;
        self.integral = parts.integral + (self.out - wanted) * self.tracking(dt);
        (self.sp, self.pv) = (sp, pv);
        self.primed.set(true);
        self.take_over.set(false);
    }

    fn parts(&self, sp: f64, pv: f64, dt: f64) -> Parts {
        let settings = &self.settings;
        let proportional = self.proportional(sp, pv);
        if self.take_over.get() && settings.ti_s > 0.0 {
            let integral = self.out - proportional - self.feed_forward;
            return Parts { proportional, integral, derivative: 0.0 };
        }
        let rate = if settings.ti_s > 0.0 { settings.kp / settings.ti_s } else { 0.0 };
        let filter = settings.td_s / settings.n;
        let derivative = if self.primed.get() && filter + dt > 0.0 {
            let change = self.sign() * (pv - self.pv);
            (filter * self.derivative - settings.kp * settings.td_s * change) / (filter + dt)
        } else {
            self.derivative
        };
        let integral = self.integral + rate * self.sign() * (sp - pv) * dt;
        Parts { proportional, integral, derivative }
    }

    fn proportional(&self, sp: f64, pv: f64) -> f64 {
        self.settings.kp * self.sign() * (self.settings.b * sp - pv)
    }

    /// +1 if the output falls with the measurement.
    fn sign(&self) -> f64 {
        if self.settings.direct.get() { -1.0 } else { 1.0 }
    }

    /// Share of the saturation that the integral gives back in this step: time over tracking time √(Ti·Td), or Ti
    /// where there is no Td (Åström & Hägglund, Advanced PID Control, §3.5).
    fn tracking(&self, dt: f64) -> f64 {
        let PidSettings { ti_s, td_s, .. } = self.settings;
        let tracking = if td_s > 0.0 { libm::sqrt(ti_s * td_s) } else { ti_s };
        if tracking > dt {
            dt / tracking
        } else if ti_s > 0.0 {
            1.0
        } else {
            0.0
        }
    }

    fn interrupt(&mut self) {
        self.primed.set(false);
        self.derivative = 0.0;
    }

    /// Other gains, without a step in the output. `ti_s` = 0 leaves the integral part where it is.
    pub fn tune(&mut self, kp: f64, ti_s: f64, td_s: f64) {
        self.settings = PidSettings { kp, ti_s, td_s, ..self.settings };
        if self.primed.get() && ti_s > 0.0 {
            let before = self.proportional;
            let after = self.proportional(self.sp, self.pv);
            let integral = self.integral + before - after;
            if all_finite(&[after, integral]) {
                (self.proportional, self.integral) = (after, integral);
            }
        }
    }

    /// Other limits, from the next call on.
    ///
    /// # Errors
    /// If `low` is above `high`.
    pub fn limits(&mut self, low: f64, high: f64) -> Result<(), BlockError> {
        if low > high {
            return Err(BlockError::Crossed { callee: "PID.limits", low: "LO", high: "HI" });
        }
        self.settings = PidSettings { low, high, ..self.settings };
        Ok(())
    }

    /// Added to the output from the next call on, within the limits and the anti-windup.
    pub fn feed_forward(&mut self, value: f64) {
        self.feed_forward = value;
    }

    /// As constructed; gains, limits and feed-forward stay.
    pub fn reset(&mut self) {
        let out = limit(0.0, self.settings.low, self.settings.high);
        *self = Self { settings: self.settings, feed_forward: self.feed_forward, out, ..Self::zeroed() };
    }
}

block! {
    /// PID controller in ISA form, for a fixed cycle or a varying one:
    ///
    /// ```text
    /// OUT = KP·(B·SP − PV) + KP/TI·∫(SP − PV)dt − KP·TD·d(PV)/dt + FF      within LO to HI
    /// ```
    ///
    /// - *Derivative* on the measurement, so that a step of `SP` gives no kick; filtered with TD/N. Integral and derivative
    ///   are discretised by backward differences: stable for every cycle time.
    /// - *Anti-windup* by back-calculation: while the output is limited, the integral moves to what the limit allows,
    ///   with the time constant √(TI·TD), or TI where TD = 0.
    /// - *Manual* (`AUTO` false): the output is `MAN`, within the limits. The first automatic call gives the same output and
    ///   goes on from there (bumpless). That is the integral's work: with TI = 0 the output jumps.
    /// - *Direction*: by default the output falls when `PV` rises (reverse acting, as for heating); `DIRECT` turns it round.
    ///
    /// If `SP` or `PV` is not finite in automatic, or `MAN` in manual, `OUT` is held and `ERR` true; the controller goes on
    /// from the held output.
    PID: Pid;
    pins {
        /// Output.
        output OUT: f64 = |block| block.out;
        /// Proportional part.
        output P: f64 = |block| block.proportional;
        /// Integral part.
        output I: f64 = |block| block.integral;
        /// Derivative part.
        output D: f64 = |block| block.derivative;
        /// The output is at a limit.
        output SATURATED: bool = |block| block.saturated.get();
        /// An input in use is not finite; the output is held.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Gain, output per input.
        KP: f64 in 0.0..=1e9,
        /// Integral time; 0: no integral part.
        TI: f64 ["s"] in 0.0..=1e9,
        /// Derivative time; 0: no derivative part.
        TD: f64 ["s"] in 0.0..=1e9,
        /// Smallest output.
        LO: f64,
        /// Largest output.
        HI: f64,
        /// Derivative filter: time constant TD/N.
        N: f64 in 1.0..=1e6 = 8.0,
        /// Weight of the setpoint in the proportional part.
        B: f64 in 0.0..=1.0 = 1.0,
        /// The output rises with the measurement.
        DIRECT: bool = false,
    ) = |_| Pid::new(PidSettings {
        kp: KP, ti_s: TI, td_s: TD, low: LO, high: HI, n: N, b: B, direct: DIRECT.into(), _pad: [0; 7],
    });
    methods {
        /// One step; returns `OUT`.
        every_cycle run(
            /// Setpoint.
            SP: f64,
            /// Measurement.
            PV: f64,
            /// Automatic; manual if false.
            AUTO: bool,
            /// Output in manual.
            MAN: f64,
        ) -> f64 = |block, dt_ns| block.run(SP, PV, AUTO, MAN, dt_ns);
        /// Other gains, without a step in the output (if TI > 0; TI = 0 leaves the integral part where it is).
        command tune(
            /// Gain.
            KP: f64 in 0.0..=1e9,
            /// Integral time; 0: no integral part.
            TI: f64 ["s"] in 0.0..=1e9,
            /// Derivative time; 0: no derivative part.
            TD: f64 ["s"] in 0.0..=1e9,
        ) = |block, _| block.tune(KP, TI, TD);
        /// Other limits, from the next `run` on. An error if `LO` is above `HI`.
        command limits(
            /// Smallest output.
            LO: f64 in -1e300..=1e300,
            /// Largest output.
            HI: f64 in -1e300..=1e300,
        ) = |block, _| block.limits(LO, HI);
        /// Feed-forward: added to the output from the next `run` on.
        command feed_forward(
            /// Feed-forward.
            FF: f64 in -1e300..=1e300,
        ) = |block, _| block.feed_forward(FF);
        /// Forget the past; gains, limits and feed-forward stay.
        command reset() = |block, _| block.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEP_NS: i64 = 10_000_000;
    const STEP_S: f64 = 0.01;

    fn settings(kp: f64, ti_s: f64, td_s: f64) -> PidSettings {
        PidSettings {
            kp,
            ti_s,
            td_s,
            low: -100.0,
            high: 100.0,
            n: 8.0,
            b: 1.0,
            direct: false.into(),
            _pad: [0; 7],
        }
    }

    #[test]
    fn each_part_is_what_the_formula_says() {
        let mut p = Pid::new(settings(2.0, 0.0, 0.0)).unwrap();
        assert_eq!(p.run(5.0, 3.0, true, 0.0, STEP_NS), 4.0);
        assert_eq!(p.run(3.0, 5.0, true, 0.0, STEP_NS), -4.0);

        let mut pi = Pid::new(settings(2.0, 0.5, 0.0)).unwrap();
        // Error 1 for 0.1 s: P = 2, I = 2 / 0.5 · 0.1.
        let mut out = 0.0;
        for _ in 0..10 {
            out = pi.run(4.0, 3.0, true, 0.0, STEP_NS);
        }
        assert!((out - 2.4).abs() < 1e-12 && (pi.integral - 0.4).abs() < 1e-12);

        let mut pd = Pid::new(PidSettings { n: 1e6, ..settings(2.0, 0.0, 0.5) }).unwrap();
        // PV rises by 3 a second: D = −2 · 0.5 · 3, once the filter (0.5 µs) has settled.
        for step in 0..5 {
            pd.run(0.0, 3.0 * STEP_S * f64::from(step), true, 0.0, STEP_NS);
        }
        assert!((pd.derivative + 3.0).abs() < 1e-3);
    }

    #[test]
    fn a_setpoint_step_gives_no_derivative_kick_and_its_weight_of_a_proportional_one() {
        let mut pid = Pid::new(PidSettings { b: 0.25, ..settings(2.0, 1.0, 0.5) }).unwrap();
        pid.run(0.0, 0.0, true, 0.0, 0);
        assert_eq!(pid.run(10.0, 0.0, true, 0.0, 0), 5.0);
        assert_eq!(pid.derivative, 0.0);
    }

    #[test]
    fn direct_action_is_the_mirror_image() {
        let mut reverse = Pid::new(settings(2.0, 0.7, 0.3)).unwrap();
        let mut direct = Pid::new(PidSettings { direct: true.into(), ..settings(2.0, 0.7, 0.3) }).unwrap();
        for step in 0..500 {
            let pv = libm::sin(f64::from(step) * 0.1) * 20.0;
            let out = reverse.run(1.0, pv, true, 0.0, STEP_NS);
            assert_eq!(direct.run(1.0, pv, true, 0.0, STEP_NS), -out, "step {step}");
        }
    }

    #[test]
    fn after_a_long_saturation_the_output_leaves_the_limit_at_once() {
        let mut pid = Pid::new(settings(2.0, 0.5, 0.0)).unwrap();
        for _ in 0..100_000 {
            assert_eq!(pid.run(1000.0, 0.0, true, 0.0, STEP_NS), 100.0);
        }
        assert!(pid.saturated.get());
        // 1000 s of error 1000 would have wound the integral up to four million. It has given back all but what holds
        // the output at its limit, so that the first change of sign is felt at once.
        let out = pid.run(0.0, 0.5, true, 0.0, STEP_NS);
        assert!(out < 100.0 && !pid.saturated.get(), "{out}");
        for _ in 0..100 {
            pid.run(0.0, 0.5, true, 0.0, STEP_NS);
        }
        // A second later the integral is down by KP/TI · 0.5.
        assert!((out - pid.out - 2.0).abs() < 1e-9, "{out} {}", pid.out);
    }

    #[test]
    fn manual_to_automatic_is_bumpless_and_manual_needs_no_measurement() {
        let mut pid = Pid::new(settings(3.0, 2.0, 0.4)).unwrap();
        for _ in 0..50 {
            pid.run(10.0, 4.0, true, 0.0, STEP_NS);
        }
        assert_eq!(pid.run(f64::NAN, f64::INFINITY, false, 42.0, STEP_NS), 42.0);
        assert!(!pid.err.get());
        assert_eq!(pid.run(10.0, 4.0, false, 400.0, STEP_NS), 100.0);
        assert_eq!(pid.run(10.0, 4.0, false, f64::NAN, STEP_NS), 100.0);
        assert!(pid.err.get());
        pid.run(10.0, 4.0, false, 33.0, STEP_NS);
        // The first automatic call gives the manual output, whatever the error is; the second integrates on from it.
        assert!((pid.run(-7.0, 4.0, true, 0.0, STEP_NS) - 33.0).abs() < 1e-12);
        let next = pid.run(-7.0, 4.0, true, 0.0, STEP_NS);
        assert!((next - (33.0 - 11.0 * 3.0 / 2.0 * STEP_S)).abs() < 1e-12, "{next}");
    }

    #[test]
    fn a_lost_measurement_holds_the_output_and_the_control_goes_on_from_it() {
        let mut pid = Pid::new(settings(3.0, 2.0, 0.4)).unwrap();
        let held = pid.run(10.0, 4.0, true, 0.0, STEP_NS);
        for bad in [f64::NAN, f64::INFINITY, -f64::MAX] {
            assert_eq!(pid.run(10.0, bad, true, 0.0, STEP_NS), held);
            assert!(pid.err.get());
        }
        assert!((pid.run(10.0, 5.0, true, 0.0, STEP_NS) - held).abs() < 1e-12);
        assert!(!pid.err.get());
        // One that never had a measurement starts like a new one.
        let mut late = Pid::new(settings(3.0, 2.0, 0.4)).unwrap();
        late.run(10.0, f64::NAN, true, 0.0, STEP_NS);
        assert_eq!(late.run(10.0, 4.0, true, 0.0, STEP_NS), held);
    }

    #[test]
    fn tuning_makes_no_step_and_feed_forward_does() {
        let mut pid = Pid::new(settings(3.0, 2.0, 0.0)).unwrap();
        let before = pid.run(10.0, 4.0, true, 0.0, 0);
        pid.tune(9.0, 1.0, 0.1);
        assert!((pid.run(10.0, 4.0, true, 0.0, 0) - before).abs() < 1e-12);
        pid.feed_forward(5.0);
        assert!((pid.run(10.0, 4.0, true, 0.0, 0) - before - 5.0).abs() < 1e-12);
        pid.limits(-1.0, 1.0).unwrap();
        assert_eq!(pid.run(10.0, 4.0, true, 0.0, 0), 1.0);
        assert!(pid.limits(1.0, -1.0).is_err());
        pid.reset();
        assert_eq!((pid.integral, pid.out, pid.feed_forward, pid.settings.kp), (0.0, 0.0, 5.0, 9.0));
    }

    #[test]
    fn a_first_order_plant_is_brought_to_its_setpoint() {
        let mut pid = Pid::new(settings(4.0, 1.0, 0.05)).unwrap();
        let mut pv = 20.0;
        for _ in 0..2000 {
            let out = pid.run(60.0, pv, true, 0.0, STEP_NS);
            pv += (20.0 + out - pv) * STEP_S / 1.5;
        }
        assert!((pv - 60.0).abs() < 1e-6, "{pv}");
    }

    /// The same controller from the textbook: it keeps ∫e and the filtered velocity instead of their products with
    /// the gains, and forms the output in one expression.
    struct Textbook {
        kp: f64,
        ti: f64,
        td: f64,
        integral: f64,
        velocity: f64,
        before: Option<f64>,
        out: f64,
        take_over: bool,
    }

    impl Textbook {
        fn run(&mut self, sp: f64, pv: f64, auto: bool, man: f64, dt: f64) -> f64 {
            if !auto {
                self.out = man.clamp(-100.0, 100.0);
                (self.before, self.velocity, self.take_over) = (None, 0.0, true);
                return self.out;
            }
            if !pv.is_finite() {
                self.take_over |= self.before.is_some();
                (self.before, self.velocity) = (None, 0.0);
                return self.out;
            }
            let error = sp - pv;
            if self.take_over {
                self.integral = (self.out / self.kp - error) * self.ti;
            } else {
                self.integral += error * dt;
                if let Some(before) = self.before {
                    let keep = (self.td / 8.0) / (self.td / 8.0 + dt);
                    self.velocity = keep * self.velocity + (1.0 - keep) * ((pv - before) / dt);
                }
            }
            let wanted = self.kp * (error + self.integral / self.ti - self.td * self.velocity);
            self.out = wanted.clamp(-100.0, 100.0);
            let give_back = (dt / (self.ti * self.td).sqrt()).min(1.0);
            self.integral += (self.out - wanted) * give_back * self.ti / self.kp;
            (self.before, self.take_over) = (Some(pv), false);
            self.out
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// 32 × 500 calls with steps, manual, lost measurements and skipped cycles.
        #[test]
        fn the_textbook_agrees(
            kp in 0.1..10.0, ti in 0.05..5.0, td in 0.01..1.0,
            calls in prop::collection::vec((-50.0..50.0, -1.0..1.0, 0_u8..30, 1_i64..4), 500),
        ) {
            let mut pid = Pid::new(settings(kp, ti, td)).unwrap();
            let mut textbook = Textbook {
                kp, ti, td, integral: 0.0, velocity: 0.0, before: None, out: 0.0, take_over: false,
            };
            let (mut sp, mut pv) = (0.0, 0.0);
            for (step, (level, wobble, event, cycles)) in calls.into_iter().enumerate() {
                if event == 0 { sp = level }
                pv += wobble;
                let measured = if event == 1 { f64::NAN } else { pv };
                let auto = event > 4;
                let out = pid.run(sp, measured, auto, level * 3.0, cycles * STEP_NS);
                let expected = textbook.run(sp, measured, auto, level * 3.0, cycles as f64 * STEP_S);
                prop_assert!((out - expected).abs() < 1e-6, "step {}: {} instead of {}", step, out, expected);
                prop_assert!((-100.0..=100.0).contains(&out));
            }
        }
    }
}
