//! The one place of this crate that reads a clock.

use std::time::{Duration, Instant};

/// Time since [`Stopwatch::start`].
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// From now on.
    #[expect(clippy::disallowed_methods, reason = "this is the module that reads the clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since then.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Ask `ready` every few milliseconds until it gives something, or `limit` is over.
pub fn wait_for<T>(limit: Duration, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
    let watch = Stopwatch::start();
    loop {
        if let Some(value) = ready() {
            return Some(value);
        }
        if watch.elapsed() >= limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn waiting_ends_with_the_value_or_with_the_limit() {
    let mut asked = 0;
    let third = wait_for(Duration::from_secs(20), || {
        asked += 1;
        (asked == 3).then_some(asked)
    });
    assert_eq!(third, Some(3));
    assert_eq!(wait_for(Duration::from_millis(20), || None::<u8>), None);
}
