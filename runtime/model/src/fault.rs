//! Faults are data: a code, a place, a number. Texts are made outside the cycle.

use serde::{Deserialize, Serialize};

macro_rules! fault_codes {
    ($($(#[doc = $doc:literal])* $name:ident = $id:literal,)*) => {
        /// Stable ids, shared by faults, alarms and the log. 1xx bus, 2xx task, 3xx script, 4xx runtime, 5xx axes; alarms of a cell have 1000 to 9999.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[repr(u16)]
        pub enum FaultCode { $($(#[doc = $doc])* $name = $id,)* }

        impl FaultCode {
            /// All codes, ascending.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code with this id.
            pub const fn from_id(id: u16) -> Option<Self> {
                match id { $($id => Some(Self::$name),)* _ => None }
            }

            /// What happened, in a few words.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii(),)* }
            }
        }
    };
}

fault_codes! {
    /// too many process-data frames lost in a row
    LostFrames = 101,
    /// an input that must be valid is invalid
    InvalidInput = 102,
    /// a device left OP
    DeviceState = 103,
    /// the bus could not be brought up
    BusStartup = 104,
    /// the cycle overran and the task's rule is stop
    Overrun = 201,
    /// the cyclic thread did not answer its watchdog
    ProcessWatchdog = 202,
    /// integer overflow
    Overflow = 301,
    /// division by zero
    DivisionByZero = 302,
    /// index out of bounds
    IndexOutOfBounds = 303,
    /// a value of another type was expected
    TypeMismatch = 304,
    /// no such tag, parameter or property
    UnknownName = 305,
    /// write to something read-only
    ReadOnly = 306,
    /// value outside the tag's range
    OutOfRange = 307,
    /// NaN or infinity stored where only finite numbers may be
    NotFinite = 308,
    /// the program used up its operations for this cycle
    FuelExhausted = 309,
    /// calls nested too deeply
    CallDepth = 310,
    /// a text, array or map grew beyond its limit
    TooLarge = 311,
    /// the state no longer has the shape and types that `init` gave it
    StateShape = 312,
    /// the program raised a fault itself
    Raised = 313,
    /// any other script error
    Script = 399,
    /// an alarm whose reaction is a fault
    Alarm = 400,
    /// the last run did not end in an orderly way
    UncleanRestart = 401,
    /// an axis is in an error stop
    Axis = 501,
}

impl FaultCode {
    /// The stable id.
    pub const fn id(self) -> u16 {
        self as u16
    }
}

/// What went wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which fault.
    pub code: FaultCode,
    /// Program index, device position or sync unit, as the code says; `u16::MAX` where none applies.
    pub source: u16,
    /// Line in the program, from 1; 0 where none applies.
    pub line: u32,
    /// Column in the line, from 1; 0 where none applies.
    pub column: u16,
}

impl Fault {
    /// A fault without a source.
    pub const fn new(code: FaultCode) -> Self {
        Self { code, source: u16::MAX, line: 0, column: 0 }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "F{}: {}", self.code.id(), self.code.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_texts_are_there() {
        for code in FaultCode::ALL {
            assert_eq!(FaultCode::from_id(code.id()), Some(*code));
            assert!(!code.text().is_empty() && !code.text().ends_with('.'), "{code:?}");
        }
        assert!(FaultCode::ALL.windows(2).all(|pair| pair[0].id() < pair[1].id()));
        assert_eq!(FaultCode::from_id(0), None);
        assert_eq!(FaultCode::from_id(u16::MAX), None);
    }

    #[test]
    fn a_fault_says_its_id_and_text() {
        let fault = Fault::new(FaultCode::LostFrames);
        assert_eq!(fault.to_string(), "F101: too many process-data frames lost in a row");
    }
}
