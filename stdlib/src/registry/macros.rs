//! `block!`: pins, constructor and methods of a block in one place, beside its struct.
//!
//! ```text
//! block! {
//!     /// What it is.
//!     TON: Ton;
//!     pins {
//!         /// What it says.
//!         output ET: f64 ["s"] = |block| block.et();
//!     }
//!     new(PT: f64 ["s"] in 0.0..=10.0 = 1.0) = |_| Ok(Ton::new(PT));
//!     methods {
//!         /// What it does.
//!         every_cycle run(IN: bool) -> f64 = |block, dt_ns| block.run(IN, dt_ns);
//!     }
//! }
//! ```
//!
//! It makes a `const TON: BlockType`. Arguments are variables of their own name in the expressions.

macro_rules! block {
    (
        $(#[doc = $doc:literal])*
        $name:ident: $state:ty;
        pins {
            $(
                $(#[doc = $pin_doc:literal])*
                $direction:ident $pin:ident: $pin_type:ident $([$pin_unit:literal])? = |$pin_block:ident| $pin_body:expr;
            )*
        }
        new($($new:tt)*) $(repeated($min:literal..=$max:literal; $($group:tt)*))? = |$rest:pat_param| $build:expr;
        methods {
            $(
                $(#[doc = $method_doc:literal])*
                $kind:ident $method:ident($($given:tt)*) $(-> $result:ident)?
                    = |$block:ident, $dt:pat_param| $body:expr;
            )*
        }
    ) => {
        #[doc = concat!("Description of [`", stringify!($state), "`].")]
        pub const $name: $crate::registry::BlockType = $crate::registry::BlockType {
            name: stringify!($name),
            doc: concat!($($doc, "\n"),*),
            size: size_of::<$state>(),
            align: align_of::<$state>(),
            constructor: $crate::registry::Constructor {
                arguments: $crate::registry::arguments!($($new)*),
                repeated: $crate::registry::block!(@repeated $($min $max $($group)*)?),
                build: |bytes, values| {
                    #[allow(unused_mut)]
                    let mut values = values;
                    $crate::registry::bind!(values; $($new)*);
                    let $rest = &values;
                    let built: $state = $build?;
                    $crate::registry::operate(stringify!($name), bytes, |state| {
                        *state = built;
                        Ok(())
                    })
                },
            },
            methods: &[$($crate::registry::Method {
                name: stringify!($method),
                path: concat!(stringify!($name), ".", stringify!($method)),
                kind: $crate::registry::block!(@kind $kind),
                arguments: $crate::registry::arguments!($($given)*),
                result: $crate::registry::block!(@result $($result)?),
                doc: concat!($($method_doc, "\n"),*),
                invoke: |bytes, values, $dt| {
                    #[allow(unused_mut, unused_variables)]
                    let mut values = values;
                    $crate::registry::bind!(values; $($given)*);
                    $crate::registry::operate(stringify!($name), bytes, |$block: &mut $state| {
                        $crate::registry::Outcome::outcome($body)
                    })
                },
                native: || $crate::registry::native!($state; $block, $dt, $body; $($given)*),
            }),*],
            pins: &[$($crate::registry::Pin {
                name: stringify!($pin),
                scalar: $crate::registry::scalar_type!($pin_type),
                unit: concat!("", $($pin_unit)?),
                direction: $crate::registry::block!(@direction $direction),
                doc: concat!($($pin_doc, "\n"),*),
                read: |bytes| $crate::registry::inspect(bytes, |$pin_block: &$state| -> $pin_type { $pin_body }),
                native: || {
                    extern "C" fn pin($pin_block: &$state) -> u64 {
                        let value: $pin_type = $pin_body;
                        $crate::registry::Scalar::value(value).to_bits()
                    }
                    pin as *const () as usize
                },
            }),*],
        };
    };
    (@kind every_cycle) => { $crate::registry::MethodKind::EveryCycle };
    (@kind command) => { $crate::registry::MethodKind::Command };
    (@direction input) => { $crate::registry::Direction::Input };
    (@direction output) => { $crate::registry::Direction::Output };
    (@result) => { None };
    (@result $result:ident) => { Some($crate::registry::scalar_type!($result)) };
    (@repeated) => { None };
    (@repeated $min:literal $max:literal $($group:tt)*) => {
        Some($crate::registry::Repeated {
            arguments: $crate::registry::arguments!($($group)*),
            min: $min,
            max: $max,
        })
    };
}

/// The descriptions of arguments.
macro_rules! arguments {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident: $type:ident $([$unit:literal])? $(in $low:literal..=$high:literal)? $(= $default:expr)?
    ),* $(,)?) => {
        &[$($crate::registry::Argument {
            name: stringify!($name),
            scalar: $crate::registry::scalar_type!($type),
            unit: concat!("", $($unit)?),
            range: $crate::registry::value!(@range $type $($low $high)?),
            default: $crate::registry::value!(@default $type $($default)?),
            doc: concat!($($doc, "\n"),*),
        }),*]
    };
}

/// Address of a method that compiled programs call, see `Method::native`.
macro_rules! native {
    ($state:ty; $block:ident, $dt:pat_param, $body:expr; $(
        $(#[doc = $doc:literal])*
        $name:ident: $type:ident $([$unit:literal])? $(in $low:literal..=$high:literal)? $(= $default:expr)?
    ),* $(,)?) => {{
        #[allow(non_snake_case)]
        extern "C" fn method($block: &mut $state, $($name: $type,)* dt_ns: i64, result: &mut u64) -> u32 {
            let $dt = dt_ns;
            $($(if !($low..=$high).contains(&$name) { return 1; })?)*
            $crate::registry::finish($crate::registry::Outcome::outcome($body), result)
        }
        method as *const () as usize
    }};
}

/// A variable for each argument.
macro_rules! bind {
    ($values:ident; $(
        $(#[doc = $doc:literal])*
        $name:ident: $type:ident $([$unit:literal])? $(in $low:literal..=$high:literal)? $(= $default:expr)?
    ),* $(,)?) => {
        $(#[allow(non_snake_case)] let $name: $type = $values.next()?;)*
    };
}

macro_rules! scalar_type {
    (bool) => {
        ::sensai_model::ScalarType::Bool
    };
    (i64) => {
        ::sensai_model::ScalarType::I64
    };
    (f64) => {
        ::sensai_model::ScalarType::F64
    };
}

macro_rules! value {
    (bool $literal:expr) => { ::sensai_model::Value::Bool($literal) };
    (i64 $literal:expr) => { ::sensai_model::Value::I64($literal) };
    (f64 $literal:expr) => { ::sensai_model::Value::F64($literal) };
    (@range $type:ident) => { None };
    (@range $type:ident $low:literal $high:literal) => {
        Some(($crate::registry::value!($type $low), $crate::registry::value!($type $high)))
    };
    (@default $type:ident) => { None };
    (@default $type:ident $default:expr) => { Some($crate::registry::value!($type $default)) };
}

pub(crate) use {arguments, bind, block, native, scalar_type, value};
