//! EtherCAT: start-up, cyclic exchange, and a simulated segment that answers like a real one.
//!
//! Deliberately absent: tags, scripts, threads of its own. Time comes from [`clock`], and only from there.

pub mod bus;
pub mod clock;
pub mod ethercat;
pub mod plant;
pub mod simulated;
pub mod wire;

pub use bus::{Bus, Exchange};
pub use plant::{NoPlant, Plant, Shaft};
pub use wire::Wire;
