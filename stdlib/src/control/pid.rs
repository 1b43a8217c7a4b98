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
