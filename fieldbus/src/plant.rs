//! What the simulated devices are connected to.

/// The machine behind the simulated segment. It sees the cell's images, as the devices hold them: what the
/// outputs drive, and what the sensors show.
pub trait Plant: Send {
    /// Move on to `time_ns` (on the segment's clock, never backwards): read `outputs` (the output image as the
    /// devices have it: fault values once a SyncManager watchdog has expired), write `inputs`. No allocation.
    fn step(&mut self, time_ns: u64, outputs: &[u8], inputs: &mut [u8]);
}

/// Nothing connected: inputs stay as they are.
pub struct NoPlant;

impl Plant for NoPlant {
    fn step(&mut self, _time_ns: u64, _outputs: &[u8], _inputs: &mut [u8]) {}
}
