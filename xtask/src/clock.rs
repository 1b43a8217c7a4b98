//! The one place of this crate that reads a clock.

use std::{fmt, time::Instant};

/// Time since [`Stopwatch::start`].
#[derive(Clone, Copy)]
pub struct Stopwatch(Instant);

/// A duration as people say it: `0.8 s`, `3 min 04 s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds(pub f64);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "this is the module that reads the clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn read(self) -> Seconds {
        Seconds(self.0.elapsed().as_secs_f64())
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 100.0 {
            return f.pad(&format!("{:.1} s", self.0));
        }
        let whole = self.0.round() as u64;
        f.pad(&format!("{} min {:02} s", whole / 60, whole % 60))
    }
}

#[test]
fn durations_read_well() {
    assert_eq!(Seconds(0.04).to_string(), "0.0 s");
    assert_eq!(Seconds(99.94).to_string(), "99.9 s");
    assert_eq!(Seconds(184.4).to_string(), "3 min 04 s");
    assert_eq!(format!("{:>12}|", Seconds(1.0)), "       1.0 s|");
}
