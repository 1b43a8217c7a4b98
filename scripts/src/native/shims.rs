//! Between compiled code and Rust: how a program is entered, and the functions of the runtime that it calls.

use super::{
    context::{Context, Host, OPERANDS, TRACE},
    pages::Pages,
};
use crate::{
    SysFacts,
    axis::{AxisHandle, Property},
    hir::NamedRequest,
    layout::{self, SYMBOL_SIZE},
    ports::{Request, UnitFacts},
    program::Failure,
};
use sensai_model::{TagStore, packml::Command};
use sensai_motion::{AxisCommand, Direction};
use sensai_stdlib::{
    registry::{AXIS, handle::DIRECTIONS},
    time::seconds_from_ns,
};

/// Functions that compiled code calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shim {
    /// `(context, handle, kind, a, b, direction) -> u32`; 0: done.
    AxisCommand,
    /// `(context, handle, property) -> u64`: bits of a value, or the address of a symbol.
    AxisProperty,
    /// `(symbol) -> u32`: number of a direction, or one more than there are.
    AxisDirection,
    /// `(context, kind, index) -> u32`; 0: done.
    Request,
    /// `(context, kind, symbol) -> u32`; 0: done, 1: too many, 2: no such name.
    RequestNamed,
    /// `(context, model, sequence) -> u32`: 1 if it is another result than the one seen.
    Fresh,
    /// `(to, from, bytes)`: they do not overlap, or are the same.
    Copy,
    /// `(qualities, count) -> u32`: 1 if all are good.
    AllValid,
    /// `(base, exponent, result) -> u32`; 0: done, else it does not fit. The exponent is not negative.
    PowerInt,
    /// `(f64, f64) -> f64`.
    Power,
    /// `(f64, f64) -> f64`.
    Remainder,
    /// `(f64) -> f64`.
    Floor,
    /// `(f64) -> f64`.
    Ceil,
    /// `(f64) -> f64`.
    Trunc,
    /// `(f64) -> f64`: halves to the even number.
    Nearest,
}

impl Shim {
    pub fn address(self) -> usize {
        let pointer = match self {
            Self::AxisCommand => axis_command as *const (),
            Self::AxisProperty => axis_property as *const (),
            Self::AxisDirection => axis_direction as *const (),
            Self::Request => request as *const (),
            Self::RequestNamed => request_named as *const (),
            Self::Fresh => fresh as *const (),
            Self::Copy => copy as *const (),
            Self::AllValid => all_valid as *const (),
            Self::PowerInt => power_int as *const (),
            Self::Power => power as *const (),
            Self::Remainder => remainder as *const (),
            Self::Floor => floor as *const (),
            Self::Ceil => ceil as *const (),
            Self::Trunc => trunc as *const (),
            Self::Nearest => nearest as *const (),
        };
        pointer as usize
    }
}

/// Everything that a run of a compiled program works on.
pub(super) struct Run<'a> {
    pub pages: &'a Pages,
    /// Where in the code the program is entered.
    pub entry: usize,
    /// At least as many slots as the program was compiled for.
    pub tags: &'a mut TagStore,
    /// As many as the program was compiled for.
    pub parameters: &'a [u64],
    /// Scratch memory, texts and tables, addresses of functions, as the compiler says.
    pub scratch: &'a mut [u128],
    pub constants: &'a [u128],
    pub callees: &'a [usize],
    pub host: Host<'a>,
    pub unit: UnitFacts,
    pub sys: SysFacts,
    /// Work that the run may do.
    pub fuel: i64,
    /// The state, of the program's layout.
    pub arena: &'a mut [u128],
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// Work that was not done.
    pub fuel: i64,
    /// It failed.
    pub failed: bool,
}

/// Run a program. If it fails, `failure` says how. Compiled into the one place that calls it: what is passed is much, and most
/// of it is stored only once then.
#[inline(always)]
#[allow(unsafe_code, reason = "compiled code is called by its address")]
pub(super) fn run(run: Run<'_>, failure: &mut Failure) -> Ended {
    let Run { pages, entry, tags, parameters, scratch, constants, callees, mut host, unit, sys, fuel, arena } =
        run;
    let tags = tags.raw();
    let (step_ns, dt_s) = (sys.dt_ns.max(0), seconds_from_ns(sys.dt_ns));
    let mut context = Context {
        values: tags.values,
        valid: tags.valid,
        written: tags.written,
        parameters: parameters.as_ptr(),
        scratch: scratch.as_mut_ptr().cast(),
        constants: constants.as_ptr().cast(),
        callees: callees.as_ptr(),
        mode: host.names.mode(unit.mode).as_ptr(),
        state: host.names.state(unit.state).as_ptr(),
        host: (&raw mut host).cast(),
        cycle: i64::try_from(sys.cycle).unwrap_or(i64::MAX),
        time_ns: sys.time_ns,
        dt_ns: sys.dt_ns,
        dt_s,
        step_ns,
        step_s: if step_ns > 0 { dt_s } else { 0.0 },
        first_cycle: sys.first_cycle.into(),
        fuel,
        site: 0,
        calls: 0,
        operands: [0; OPERANDS],
        trace: [0; TRACE],
    };
    let Some(code) = pages.code().get(entry..) else {
        *failure = Failure::default();
        return Ended { fuel: 0, failed: true };
    };
    // SAFETY: `entry` is where the compiler put a function of exactly this signature.
    let enter = unsafe {
        std::mem::transmute::<*const u8, unsafe extern "C" fn(*mut Context, *mut u128) -> i64>(code.as_ptr())
    };
    // SAFETY: everything behind the context is as large as the compiler was told, and is borrowed for the call; the
    // code checks every index that is not known when it is compiled.
    let left = unsafe { enter(&raw mut context, arena.as_mut_ptr()) };
    if left < 0 {
        take_failure(&context, failure);
    }
    Ended { fuel: context.fuel, failed: left < 0 }
}

#[cold]
fn take_failure(context: &Context, failure: &mut Failure) {
    *failure = Failure {
        site: context.site,
        values: context.operands,
        refused: None,
        trace: context.trace,
        traced: context.calls,
    };
}

/// The host behind a context.
///
/// # Safety
/// `context` is the one that compiled code was entered with.
#[allow(unsafe_code, reason = "pointers come from compiled code")]
unsafe fn host<'a>(context: *mut Context) -> &'a mut Host<'static> {
    // SAFETY: `run` puts a live host there, and nothing else uses it until the code is left.
    unsafe { &mut *(*context).host }
}

#[allow(unsafe_code, reason = "pointers come from compiled code")]
extern "C" fn axis_command(
    context: *mut Context,
    handle: *mut AxisHandle,
    kind: u64,
    a: f64,
    b: f64,
    direction: u64,
) -> u32 {
    // SAFETY: compiled code passes its own context, and the address of a handle in the state it works on.
    let (host, handle) = unsafe { (host(context), &mut *handle) };
    let mut next = *handle;
    next.refresh(host.ports, host.first);
    if next.call(command(kind, a, b, direction), host.ports, host.first).is_err() {
        return 1;
    }
    *handle = next;
    0
}

/// Kinds of [`AxisCommand`], as compiled code numbers them.
fn command(kind: u64, a: f64, b: f64, direction: u64) -> AxisCommand {
    match kind {
        0 => AxisCommand::Power(a != 0.0),
        1 => AxisCommand::Reset,
        2 => AxisCommand::Home,
        3 => AxisCommand::MoveAbsolute {
            position: a,
            velocity: b,
            direction: match direction {
                1 => Direction::Positive,
                2 => Direction::Negative,
                _ => Direction::Shortest,
            },
        },
        4 => AxisCommand::MoveRelative { distance: a, velocity: b },
        5 => AxisCommand::MoveVelocity { velocity: a },
        6 => AxisCommand::Torque { torque: a, ramp: b },
        7 => AxisCommand::Halt,
        8 => AxisCommand::Stop,
        _ => AxisCommand::ReleaseStop,
    }
}

/// The number of a direction.
pub(super) fn direction_number(direction: Direction) -> i64 {
    match direction {
        Direction::Shortest => 0,
        Direction::Positive => 1,
        Direction::Negative => 2,
    }
}

#[allow(unsafe_code, reason = "pointers come from compiled code")]
extern "C" fn axis_property(context: *mut Context, handle: *mut AxisHandle, property: u64) -> u64 {
    // SAFETY: compiled code passes its own context, and the address of a handle in the state it works on.
    let (host, handle) = unsafe { (host(context), &mut *handle) };
    handle.refresh(host.ports, host.first);
    let name = AXIS.properties.get(property as usize).map_or("", |property| property.name);
    match handle.property(name, host.ports) {
        Some(Property::Scalar(value)) => value.to_bits(),
        Some(Property::Symbol(text)) => host.names.axis_state(text).as_ptr() as u64,
        None => 0,
    }
}

#[allow(unsafe_code, reason = "pointers come from compiled code")]
extern "C" fn axis_direction(symbol: *const [u8; SYMBOL_SIZE as usize]) -> u32 {
    // SAFETY: compiled code passes the address of a symbol.
    let word = layout::symbol(unsafe { &*symbol });
    let place = DIRECTIONS.iter().position(|direction| Some(*direction) == word);
    place.unwrap_or(DIRECTIONS.len()) as u32
}

/// Kind and index of a request, as compiled code passes them.
pub(super) fn request_numbers(request: Request) -> (i64, i64) {
    match request {
        Request::StateComplete => (0, 0),
        Request::Command(command) => (1, command as i64),
        Request::Jidoka(index) => (2, index.into()),
        Request::Alarm(index) => (3, index.into()),
        Request::Model(index) => (4, index.into()),
    }
}

#[allow(unsafe_code, reason = "pointers come from compiled code")]
extern "C" fn request(context: *mut Context, kind: u64, index: u64) -> u32 {
    // SAFETY: compiled code passes its own context.
    let host = unsafe { host(context) };
    let request = match kind {
        0 => Some(Request::StateComplete),
        1 => Command::from_number(index as u8).map(Request::Command),
        2 => Some(Request::Jidoka(index as u16)),
        3 => Some(Request::Alarm(index as u16)),
        _ => Some(Request::Model(index as u16)),
    };
    request.map_or(0, |request| host.ports.request(host.program, request).is_err().into())
}

#[allow(unsafe_code, reason = "pointers come from compiled code")]
extern "C" fn request_named(
    context: *mut Context,
    kind: u64,
    symbol: *const [u8; SYMBOL_SIZE as usize],
) -> u32 {
    // SAFETY: compiled code passes its own context, and the address of a symbol.
    let (host, symbol) = unsafe { (host(context), &*symbol) };
    let named = if kind == 0 { NamedRequest::Jidoka } else { NamedRequest::Alarm };
    let index = layout::symbol(symbol).and_then(|name| host.names.find(named, name));
    let Some(index) = index else { return 2 };
    let request = if kind == 0 { Request::Jidoka(index) } else { Request::Alarm(index) };
    host.ports.request(host.program, request).is_err().into()
}

#[allow(unsafe_code, reason = "pointers come from compiled code")]
extern "C" fn fresh(context: *mut Context, model: u64, sequence: i64) -> u32 {
    // SAFETY: compiled code passes its own context.
    let host = unsafe { host(context) };
    host.ports.fresh(host.program, model as u16, sequence).into()
}

#[allow(unsafe_code, reason = "pointers come from compiled code")]
extern "C" fn copy(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: compiled code passes two places that are as large as the type of which it copies a value. `copy` allows
    // that they are the same.
    unsafe { std::ptr::copy(from, to, bytes) }
}

#[allow(unsafe_code, reason = "pointers come from compiled code")]
extern "C" fn all_valid(qualities: *const bool, count: usize) -> u32 {
    // SAFETY: compiled code passes the first of a tag's qualities and how many elements the tag has.
    let qualities = unsafe { std::slice::from_raw_parts(qualities, count) };
    qualities.iter().all(|good| *good).into()
}

#[allow(unsafe_code, reason = "pointers come from compiled code")]
extern "C" fn power_int(base: i64, exponent: i64, result: *mut i64) -> u32 {
    let Some(power) = u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent)) else {
        return 1;
    };
    // SAFETY: compiled code passes the address of a word of its own.
    unsafe { *result = power };
    0
}

extern "C" fn power(a: f64, b: f64) -> f64 {
    libm::pow(a, b)
}

extern "C" fn remainder(a: f64, b: f64) -> f64 {
    libm::fmod(a, b)
}

extern "C" fn floor(x: f64) -> f64 {
    libm::floor(x)
}

extern "C" fn ceil(x: f64) -> f64 {
    libm::ceil(x)
}

extern "C" fn trunc(x: f64) -> f64 {
    libm::trunc(x)
}

extern "C" fn nearest(x: f64) -> f64 {
    libm::rint(x)
}
