//! The simulated segment.
