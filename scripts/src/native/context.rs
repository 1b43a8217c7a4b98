//! What compiled code finds behind its first argument.
//!
//! Code holds no addresses: everything outside of it is reached from here. So the same program gives the same bytes,
//! wherever it is loaded.

use super::names::Names;
use crate::Ports;

/// Words that a place at which a program can fail leaves for the text.
pub(crate) const OPERANDS: usize = 8;
/// Calls that are noted on the way out of a failed program.
pub(crate) const TRACE: usize = 8;

/// Of one run.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Context {
    /// Values of tags, by slot.
    pub values: *mut u64,
    /// Quality of tags, by slot.
    pub valid: *const bool,
    /// Marks of written tags, by slot.
    pub written: *mut bool,
    /// Values of parameters, as bits.
    pub parameters: *const u64,
    /// Room for large arrays and records that are not in the state.
    pub scratch: *mut u8,
    /// Texts and tables of the program.
    pub constants: *const u8,
    /// Addresses of functions outside of the program.
    pub callees: *const usize,
    /// `sys.mode` as a symbol.
    pub mode: *const u8,
    /// `sys.state` as a symbol.
    pub state: *const u8,
    /// For functions outside of the program.
    pub host: *mut Host<'static>,
    /// `sys.cycle`.
    pub cycle: i64,
    /// `sys.time`.
    pub time_ns: i64,
    /// Interval.
    pub dt_ns: i64,
    /// `sys.dt`.
    pub dt_s: f64,
    /// Interval as blocks take it: not negative.
    pub step_ns: i64,
    /// The same in seconds.
    pub step_s: f64,
    /// `sys.first_cycle`.
    pub first_cycle: u64,
    /// Units of work that are left; below zero: used up.
    pub fuel: i64,
    /// Where the program failed.
    pub site: u32,
    /// Calls in `trace`.
    pub calls: u32,
    /// What was found there.
    pub operands: [u64; OPERANDS],
    /// Places of the calls that led there, the innermost first.
    pub trace: [u32; TRACE],
}

/// What functions outside of a program work on.
#[derive(Debug)]
pub(super) struct Host<'a> {
    pub ports: &'a mut Ports,
    /// In the first run since a start.
    pub first: bool,
    /// Global index of the program.
    pub program: u16,
    pub names: &'a Names,
}

macro_rules! offsets {
    ($($name:ident = $field:ident;)*) => {$(
        pub(in crate::native) const $name: i32 = offset_of!(Context, $field) as i32;
    )*};
}

/// Where compiled code finds each field.
pub(super) mod at {
    use super::Context;
    use std::mem::offset_of;

    offsets! {
        VALUES = values;
        VALID = valid;
        WRITTEN = written;
        PARAMETERS = parameters;
        SCRATCH = scratch;
        CONSTANTS = constants;
        CALLEES = callees;
        MODE = mode;
        STATE = state;
        CYCLE = cycle;
        TIME_NS = time_ns;
        DT_NS = dt_ns;
        DT_S = dt_s;
        STEP_NS = step_ns;
        STEP_S = step_s;
        FIRST_CYCLE = first_cycle;
        FUEL = fuel;
        SITE = site;
        CALLS = calls;
        OPERANDS = operands;
        TRACE = trace;
    }
}
