//! Small plant models for a twin: mechanics, parts, belts, valves, heat, sensors, and chance.
//!
//! A drive's motor and its load are no block: they are the simulated drive's, and a twin sees them as `axis.<name>`.

mod conveyor;
mod cylinder;
mod elastic_plastic;
mod mass;
mod noise;
mod part;
mod sensor;
mod spring_damper;
mod thermal_mass;
mod valve;

pub use conveyor::{CONVEYOR, Conveyor, ConveyorSettings};
pub use cylinder::{CYLINDER, Cylinder, CylinderSettings};
pub use elastic_plastic::{Curve, ELASTIC_PLASTIC, ElasticPlastic};
pub use mass::{MASS, Mass, MassSettings};
pub use noise::{NOISE, Noise};
pub use part::{SPRING_PART, SpringPart};
pub use sensor::{SENSOR, Sensor, SensorSettings};
pub use spring_damper::{SPRING_DAMPER, SpringDamper};
pub use thermal_mass::{THERMAL_MASS, ThermalMass};
pub use valve::{VALVE, Valve};
