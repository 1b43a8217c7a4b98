//! Small plant models for a twin: what a pneumatic press is made of.

mod cylinder;
mod noise;
mod part;

pub use cylinder::{CYLINDER, Cylinder, CylinderSettings};
pub use noise::{NOISE, Noise};
pub use part::{SPRING_PART, SpringPart};
