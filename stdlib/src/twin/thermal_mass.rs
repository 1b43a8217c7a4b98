//! Something that is heated and cools down.

use crate::{Flag, number::all_finite, registry::block, time::step_seconds};
use bytemuck::{Pod, Zeroable};

/// One heat capacity that loses heat to its surroundings: first order, solved exactly.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct ThermalMass {
    capacity: f64,
    loss: f64,
    temperature: f64,
    err: Flag,
    _pad: [u8; 7],
}

impl ThermalMass {
    /// Capacity in J/K, loss to the surroundings in W/K, first temperature in °C.
    pub fn new(capacity: f64, loss: f64, start: f64) -> Self {
        Self { capacity, loss, temperature: start, ..Self::zeroed() }
    }

    /// Once a cycle. Returns the temperature in °C. The step is exact for constant arguments, however long it is.
    pub fn run(&mut self, power_w: f64, ambient: f64, dt_ns: i64) -> f64 {
        let dt = step_seconds(dt_ns);
        let next = if self.loss > 0.0 {
            let settled = ambient + power_w / self.loss;
            let share = -libm::expm1(-dt * self.loss / self.capacity);
            self.temperature + share * (settled - self.temperature)
        } else {
            self.temperature + power_w * dt / self.capacity
        };
        let fine = all_finite(&[power_w, ambient, next]);
        self.err.set(!fine);
        if fine {
            self.temperature = next;
        }
        self.temperature
    }

    /// Temperature in °C.
    pub const fn temperature(&self) -> f64 {
        self.temperature
    }
}

block! {
    /// Twin of something that is heated and cools down: one heat capacity, with a loss in proportion to its temperature above `AMBIENT`.
    ///
    /// With constant arguments it approaches `AMBIENT` + `POWER` / LOSS with the time constant CAPACITY / LOSS; the steps are exact,
    /// however long they are. If an argument is not finite, the temperature stands and `ERR` is true.
    THERMAL_MASS: ThermalMass;
    pins {
        /// Temperature.
        output TEMP: f64 ["Cel"] = |block| block.temperature();
        /// An argument is not finite.
        output ERR: bool = |block| block.err.get();
    }
    new(
        /// Heat capacity.
        CAPACITY: f64 ["J/K"] in 1e-6..=1e12,
        /// Loss to the surroundings.
        LOSS: f64 ["W/K"] in 0.0..=1e9,
        /// Temperature at the beginning.
        START: f64 ["Cel"] in -273.15..=1e5 = 20.0,
    ) = |_| Ok(ThermalMass::new(CAPACITY, LOSS, START));
    methods {
        /// One step; returns `TEMP`.
        every_cycle run(
            /// Heater power; negative when it is cooled.
            POWER: f64 ["W"],
            /// Temperature of the surroundings.
            AMBIENT: f64 ["Cel"],
        ) -> f64 = |block, dt_ns| block.run(POWER, AMBIENT, dt_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_follows_the_exponential() {
        // 100 J/K and 2 W/K: 50 s. 60 W settle at 20 + 30 °C.
        let mut block = ThermalMass::new(100.0, 2.0, 20.0);
        for _ in 0..5_000 {
            block.run(60.0, 20.0, 10_000_000);
        }
        let expected = 20.0 + 30.0 * (1.0 - libm::exp(-1.0));
        assert!((block.temperature() - expected).abs() < 1e-9, "{}", block.temperature());
        let mut insulated = ThermalMass::new(100.0, 0.0, 20.0);
        assert!((insulated.run(50.0, -100.0, 2_000_000_000) - 21.0).abs() < 1e-12);
        assert_eq!((insulated.run(f64::NAN, 0.0, 1), insulated.err.get()), (21.0, true));
    }

    proptest! {
        /// It converges, from the side it comes from, and a long step gives what many short ones do.
        #[test]
        fn it_converges_without_overshoot(
            start in -50.0..500.0, power in -100.0..1000.0, ambient in -20.0..60.0,
            capacity in 1.0..1e4, loss in 0.1..50.0,
        ) {
            let (mut fine, mut coarse) = (ThermalMass::new(capacity, loss, start), ThermalMass::new(capacity, loss, start));
            let settled = ambient + power / loss;
            let step_ns = (capacity / loss * 1e7) as i64;
            let mut far = start - settled;
            for _ in 0..2_000 {
                let now = fine.run(power, ambient, step_ns) - settled;
                prop_assert!(now.abs() <= far.abs() + 1e-9 && now * far >= -1e-9);
                far = now;
            }
            coarse.run(power, ambient, step_ns * 2_000);
            // Twenty time constants: e^-20 of the way is left.
            prop_assert!(far.abs() < 3e-9 * (start - settled).abs() + 1e-9, "{}", far);
            prop_assert!((fine.temperature() - coarse.temperature()).abs() < 1e-5);
        }
    }
}
