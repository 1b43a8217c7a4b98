//! A program, understood: names resolved, types known, one instance of a function for each set of types it is called
//! with. Lints, cost, proofs, the evaluator of constants and the native tier read this and nothing else.
//!
//! Trees of small nodes in one arena for each function; a node's number ([`ExprId`]) is the key of side tables. Every node
//! knows its text range, and where a fault that it raises is reported.
//!
//! In a program with errors, what is wrong is a literal of unknown type; only programs without errors are run.
//!
//! What is deliberately absent: conversions. A node has the type it has; only the arithmetic and comparison of two
//! numbers of different types promotes, inside of [`ExprKind::Binary`].

mod types;
pub(crate) mod walk;

pub use types::{ArrayType, RecordField, RecordType, Type};

use crate::ports::Request;
use sensai_model::Value;
use sensai_motion::Direction;
use sensai_stdlib::registry::{self, BlockType, handle};
use std::sync::Arc;

/// A program. Nothing is of unknown type if there are no errors in it.
#[derive(Clone, Debug)]
pub struct Hir {
    /// Texts that positions are in: the program, then the libraries it imports.
    pub files: Vec<SourceFile>,
    /// Instances, callees before their callers: the language has no recursion.
    pub functions: Vec<Function>,
    /// `init()`.
    pub init: FunctionId,
    /// `cycle()`, whose `this` is the state.
    pub cycle: FunctionId,
    /// `migrate(old)`, if the program has one and the type of the old state is known.
    pub migrate: Option<FunctionId>,
    /// Type of the state: the record that `init` returns.
    pub state: Type,
    /// Values of the constants that are used, computed.
    pub constants: Vec<Constant>,
    /// Every text of the program, each once.
    pub symbols: Vec<Arc<str>>,
}

/// A text that positions are in.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Name of the program or library.
    pub name: String,
    /// Path relative to the cell's directory.
    pub path: String,
    /// The text.
    pub text: Arc<str>,
    /// Where lines start, in bytes.
    line_starts: Vec<u32>,
    /// Characters before each stretch of [`STRETCH`] bytes: a line may be as long as the text.
    characters: Vec<u32>,
}

/// Bytes of a text after which its characters are counted anew.
const STRETCH: usize = 1024;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

macro_rules! ids {
    ($($(#[doc = $doc:literal])* $name:ident)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// As an index.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// Of an instance in [`Hir::functions`].
    FunctionId
    /// Of an expression in [`Function::exprs`].
    ExprId
    /// Of a variable in [`Function::locals`].
    LocalId
    /// Of a value in [`Hir::constants`].
    ConstantId
    /// Of a text in [`Hir::symbols`].
    SymbolId
    /// Of a file in [`Hir::files`].
    FileId
}

/// Part of a text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Start.
    pub start: u32,
    /// End, behind the last byte.
    pub end: u32,
}

/// A computed constant that does not fit into a literal: an array or a record. Neither holds blocks.
#[derive(Clone, Debug)]
pub struct Constant {
    /// Name in the program.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its bytes, laid out as in a state.
    pub bytes: Arc<[u8]>,
}

/// One instance of a function: for one type of `this`, and one type of each argument.
#[derive(Clone, Debug)]
pub struct Function {
    /// Name.
    pub name: String,
    /// Where it is written.
    pub file: FileId,
    /// Of its name.
    pub span: Span,
    /// Type of `this`; none: it is called without one.
    pub this: Option<Type>,
    /// Parameters, a prefix of the locals.
    pub parameters: u32,
    /// Every variable that it declares; shadowing makes a new one.
    pub locals: Vec<Local>,
    /// Type of its result: [`Type::Unit`] if it has none, [`Type::Never`] if it never comes back.
    pub result: Type,
    /// Its expressions.
    pub exprs: Vec<Expr>,
    /// What it does; the value of the block is the result, unless it is left by `return` before.
    pub body: Block,
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Local {
    /// Name.
    pub name: String,
    /// Type; never [`Type::Never`]. Blocks and handles cannot be in variables.
    pub ty: Type,
    /// Where it is declared.
    pub span: Span,
    /// It is assigned to after its declaration, in whole or in part.
    pub mutable: bool,
}

/// Statements, and perhaps a value.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// In order.
    pub statements: Vec<Statement>,
    /// Value of the block; none: it has no value.
    pub value: Option<ExprId>,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// All of it.
    pub span: Span,
    /// Where a fault of the statement itself is reported.
    pub at: u32,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum StatementKind {
    /// `let x = value;`: a copy of the value.
    Let {
        /// The variable.
        local: LocalId,
        /// Its first value.
        value: ExprId,
    },
    /// `place = value;` or `place op= value;`. The value is computed first, then the place is found, then with `op` the old
    /// value is read. Never a conversion: with `op`, the result has the place's type.
    Assign {
        /// Below `this` or in a variable.
        place: Place,
        /// Of `+=` and the like.
        operator: Option<BinaryOperator>,
        /// Right side.
        value: ExprId,
    },
    /// The same for a tag; range, finiteness and saturation as the tag says.
    AssignTag {
        /// Which.
        tag: TagPlace,
        /// Of `+=` and the like.
        operator: Option<BinaryOperator>,
        /// Right side.
        value: ExprId,
    },
    /// Its value, if any, is dropped.
    Expr(ExprId),
    /// `while condition { }`, `loop { }` (no condition), `do { } while condition`.
    While {
        /// Goes on while true; none: until it is left.
        condition: Option<ExprId>,
        /// The body runs before the condition is asked for the first time, and after a `continue` in it.
        body_first: bool,
        /// The condition ends the loop when it is true: `do { } until condition`.
        until: bool,
        /// What is repeated.
        body: Block,
    },
    /// `for variable in items { }`.
    For {
        /// The element or number at hand; a copy, the body may assign to it.
        variable: LocalId,
        /// `for (variable, counter) in`: i64 from 0.
        counter: Option<LocalId>,
        /// What is run through; evaluated once, before.
        items: Items,
        /// What is repeated.
        body: Block,
    },
    /// Leave the innermost loop.
    Break,
    /// On with the innermost loop.
    Continue,
    /// Leave the function.
    Return(Option<ExprId>),
}

/// What `for` runs through.
#[derive(Clone, Debug)]
pub enum Items {
    /// `start..end`, `start..=end`, both i64; none if `end` is below.
    Range {
        /// First.
        start: ExprId,
        /// Last, or one behind it.
        end: ExprId,
        /// `..=`.
        inclusive: bool,
    },
    /// Elements of an array: of a copy of it, made before the first run.
    Array(ExprId),
    /// Elements of a tag that is an array, as they were before the first run. Index into the environment's tags.
    Tag(u32),
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Type,
    /// All of it.
    pub span: Span,
    /// Where a fault of the expression itself is reported: the operator, the name called, the index.
    pub at: u32,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A scalar; constants of the program and of the language are here, too.
    Literal(Value),
    /// A text.
    Symbol(SymbolId),
    /// A copy of what is there. Its type is no block and no handle.
    Read(Place),
    /// A tag's value, or its quality. [`TagPlace::tag`] may be a model's result.
    Tag {
        /// Which.
        tag: TagPlace,
        /// `.valid` behind it: of an array without index, of all its elements.
        quality: bool,
    },
    /// `param.…`: index into the environment's parameters.
    Parameter(u32),
    /// `sys.…`.
    Sys(SysFact),
    /// Of one operand.
    Unary(UnaryOperator, ExprId),
    /// Of two, the left one evaluated first. Numbers of different types are both taken as `f64`.
    Binary(BinaryOperator, ExprId, ExprId),
    /// `&&` (`and`), `||`: the right side only if the left one does not decide.
    Logic {
        /// `&&`.
        and: bool,
        /// Left side.
        left: ExprId,
        /// Right side.
        right: ExprId,
    },
    /// `if`, with blocks; without `else` it has no value.
    If {
        /// Asked first.
        condition: ExprId,
        /// If it is true.
        then: Block,
        /// If not.
        otherwise: Option<Block>,
    },
    /// `switch`. The first arm that fits runs; the rules of Rhai for which one that is are in [`Switch`].
    Switch(Switch),
    /// `{ … }`.
    Block(Block),
    /// A function of the library, an overload of which all arguments are evaluated from left to right.
    Library(&'static registry::Function, Vec<ExprId>),
    /// A function of the program. Indices of `receiver` are evaluated first, then the arguments; then the indices are
    /// checked. [`Root::Value`] of the receiver comes last. So it is with methods and commands, too.
    Call {
        /// The instance.
        function: FunctionId,
        /// What its `this` is: this very place, not a copy. Of any type that can be kept.
        receiver: Option<Place>,
        /// Arguments by value; arrays and records are only read by the callee.
        arguments: Vec<ExprId>,
    },
    /// `block.method(…)`.
    Method {
        /// The block.
        block: Place,
        /// Its type.
        of: &'static BlockType,
        /// The method.
        method: &'static registry::Method,
        /// Of exactly the described types.
        arguments: Vec<ExprId>,
    },
    /// `block.pin`.
    Pin {
        /// The block.
        block: Place,
        /// Its type.
        of: &'static BlockType,
        /// The pin.
        pin: &'static registry::Pin,
    },
    /// A command of an axis.
    AxisCommand {
        /// The handle.
        handle: Place,
        /// The command.
        command: AxisCall,
    },
    /// What an axis says.
    AxisProperty {
        /// The handle.
        handle: Place,
        /// Which.
        property: &'static handle::Property,
    },
    /// `ai.model.fresh`: index of the model.
    Fresh(u16),
    /// `ai.model.request()`, `hold()`, `jidoka("…")` and the like: with the commit.
    Request(Request),
    /// The same with a name that is computed, a text; one that the cell does not have faults.
    RequestNamed(NamedRequest, ExprId),
    /// `fault("…")`.
    Fault(FaultName),
    /// `[a, b]`; never empty.
    Array(Vec<ExprId>),
    /// `array(n, value)`; the value is evaluated once, blocks in it are made `n` times.
    Fill {
        /// Number of elements.
        len: u32,
        /// Every element.
        value: ExprId,
    },
    /// `#{ … }`: in the order of the text, each with the index of its field in the type.
    Record(Vec<(u32, ExprId)>),
    /// A new block; in `init` and constructors only.
    MakeBlock {
        /// Its type.
        of: &'static BlockType,
        /// What its constructor is given.
        arguments: Vec<ExprId>,
    },
    /// A new handle of an axis; in `init` and constructors only.
    MakeAxis(AxisName),
    /// Number of elements of an array, where finding the array may fail: a path with indices, or of a value. Everywhere
    /// else it is a literal.
    Len(Place),
}

/// What a program asks for by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedRequest {
    /// `jidoka(name)`.
    Jidoka,
    /// `alarm(name)`.
    Alarm,
}

/// The axis of a handle.
#[derive(Clone, Debug)]
pub enum AxisName {
    /// Its index.
    Known(u16),
    /// Its name is computed when `init` runs.
    Text(ExprId),
}

/// The name of a fault that a program raises.
#[derive(Clone, Debug)]
pub enum FaultName {
    /// As written.
    Text(SymbolId),
    /// A text that is computed.
    Value(ExprId),
}

/// Where something is kept.
///
/// All indices are evaluated from left to right, then they are checked from left to right. The expression in
/// [`Root::Value`] is evaluated between the two.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where the path begins.
    pub root: Root,
    /// Down to it.
    pub path: Vec<Step>,
    /// Type of what is there.
    pub ty: Type,
    /// All of it.
    pub span: Span,
}

/// Where a path begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Root {
    /// `this`.
    This,
    /// A variable.
    Local(LocalId),
    /// An array or record among the constants.
    Constant(ConstantId),
    /// The value of an expression, as in `f().x`.
    Value(ExprId),
}

/// One step of a path.
#[derive(Clone, Debug)]
pub enum Step {
    /// A field of a record.
    Field {
        /// Its index in the type.
        index: u32,
        /// Bytes from the start of the record.
        offset: u32,
    },
    /// An element of an array.
    Index {
        /// Of type `i64`; counts from the end if negative.
        index: ExprId,
        /// Number of elements.
        len: u32,
        /// Bytes from one element to the next.
        stride: u32,
        /// Where an index that is out of bounds is reported.
        at: u32,
    },
}

/// A tag, or an element of one.
#[derive(Clone, Debug)]
pub struct TagPlace {
    /// Index into the environment's tags; behind those, into the shafts of a twin.
    pub tag: u32,
    /// Of an array; counts from the end if negative.
    pub index: Option<ExprId>,
    /// All of it.
    pub span: Span,
    /// Where an index that is out of bounds is reported.
    pub at: u32,
}

/// `switch value { … }`.
///
/// As in Rhai 1.27: of the arms that name the value, the first one whose guard holds runs; if there is none, of those with
/// a range that contains it; else the default. Patterns of an arm with a guard do not overlap: Rhai would ask it twice.
#[derive(Clone, Debug)]
pub struct Switch {
    /// `bool`, `i64` or a text.
    pub value: ExprId,
    /// In the order of the text, without the default.
    pub arms: Vec<Arm>,
    /// `_ =>`.
    pub default: Option<ExprId>,
}

/// `a | b if guard => body`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// What it fits; all of one kind of the value's type.
    pub patterns: Vec<Pattern>,
    /// Asked when a pattern fits.
    pub guard: Option<ExprId>,
    /// What runs.
    pub body: ExprId,
}

/// What an arm fits.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// This number or bool.
    Scalar(Value),
    /// This text.
    Symbol(SymbolId),
    /// These numbers, both ends included; empty if the second is below the first.
    Range(i64, i64),
}

/// Facts behind `sys.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SysFact {
    /// i64.
    Cycle,
    /// i64, ns.
    Time,
    /// f64, s.
    Dt,
    /// bool.
    FirstCycle,
    /// Text: the unit's mode.
    Mode,
    /// Text: the unit's state.
    State,
    /// i64, of a twin; a number for one compilation.
    Seed,
}

/// A command of an axis with its arguments, all `f64` unless they say otherwise; NaN and ±inf fault.
#[derive(Clone, Debug)]
pub enum AxisCall {
    /// `power(on)`; `on` is a bool.
    Power(ExprId),
    /// `reset()`.
    Reset,
    /// `home()`.
    Home,
    /// `move_absolute(position, velocity, direction)`.
    MoveAbsolute {
        /// Target.
        position: ExprId,
        /// Speed.
        velocity: ExprId,
        /// As written; "shortest" if left out.
        direction: AxisDirection,
    },
    /// `move_relative(distance, velocity)`.
    MoveRelative {
        /// Distance.
        distance: ExprId,
        /// Speed.
        velocity: ExprId,
    },
    /// `move_velocity(velocity)`.
    MoveVelocity(ExprId),
    /// `torque(torque, ramp)`.
    Torque {
        /// Percent.
        torque: ExprId,
        /// Percent per second.
        ramp: ExprId,
    },
    /// `halt()`.
    Halt,
    /// `stop()`.
    Stop,
    /// `release_stop()`.
    ReleaseStop,
}

/// How an absolute position is reached on a modulo axis.
#[derive(Clone, Debug)]
pub enum AxisDirection {
    /// As written, or left out.
    Known(Direction),
    /// A text that is computed; one that is no direction faults.
    Text(ExprId),
}

/// Of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnaryOperator {
    /// `-`; of the smallest `i64` an overflow.
    Negate,
    /// `+`.
    Plus,
    /// `!`, of a bool.
    Not,
}

/// Of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BinaryOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    ShiftLeft,
    ShiftRight,
    And,
    Or,
    Xor,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl BinaryOperator {
    /// Every one, in the order of their declaration.
    pub const ALL: [Self; 17] = [
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Remainder,
        Self::Power,
        Self::ShiftLeft,
        Self::ShiftRight,
        Self::And,
        Self::Or,
        Self::Xor,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
    ];

    /// As programs write it.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Power => "**",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// True if it gives a bool whatever its operands are.
    pub const fn compares(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessOrEqual
                | Self::Greater
                | Self::GreaterOrEqual
        )
    }
}

impl Span {
    /// From `start` to before `end`.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }
}

impl Function {
    /// An expression of it.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
    }

    /// A variable of it.
    pub fn local(&self, id: LocalId) -> &Local {
        &self.locals[id.index()]
    }
}

impl Hir {
    /// An instance.
    pub fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.index()]
    }

    /// A text.
    pub fn symbol(&self, id: SymbolId) -> &str {
        &self.symbols[id.index()]
    }
}

impl SourceFile {
    /// A text with its lines counted.
    pub fn new(name: impl Into<String>, path: impl Into<String>, text: Arc<str>) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1);
        let line_starts = std::iter::once(0).chain(breaks).collect();
        let counted = text.as_bytes().chunks(STRETCH).scan(0, |count, stretch| {
            *count += characters(stretch);
            Some(*count)
        });
        let characters = std::iter::once(0).chain(counted).collect();
        Self { name: name.into(), path: path.into(), text, line_starts, characters }
    }

    /// Line and column of a byte of the text.
    pub fn position(&self, at: u32) -> Position {
        let line = self.line_starts.partition_point(|start| *start <= at).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0) as usize;
        let column = self.characters_before(at as usize).saturating_sub(self.characters_before(start));
        Position { line: line as u32, column: column + 1 }
    }

    fn characters_before(&self, at: usize) -> u32 {
        let at = at.min(self.text.len());
        let rest = self.text.as_bytes().get(at - at % STRETCH..at).unwrap_or_default();
        self.characters.get(at / STRETCH).copied().unwrap_or(0) + characters(rest)
    }

    /// The byte at a line and a column; the end of the line if that is shorter. `None`: there is no such line.
    pub fn offset(&self, position: Position) -> Option<u32> {
        let start = *self.line_starts.get(position.line.checked_sub(1)? as usize)?;
        let line = self.text.get(start as usize..)?.split('\n').next()?;
        let column = position.column.saturating_sub(1) as usize;
        let bytes = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        Some(start + bytes as u32)
    }

    /// Number of lines.
    pub fn lines(&self) -> usize {
        self.line_starts.len()
    }
}

/// Characters that begin in a part of a text.
fn characters(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_operators_are_there_in_their_order() {
        for (place, operator) in BinaryOperator::ALL.into_iter().enumerate() {
            assert_eq!(operator as usize, place, "{operator:?}");
        }
        assert_eq!(
            BinaryOperator::ALL.last(),
            Some(&BinaryOperator::GreaterOrEqual),
            "the last one declared"
        );
    }

    #[test]
    fn positions_are_counted_in_characters_however_long_the_line() {
        for text in ["aö\n".repeat(2000), "aö".repeat(3000), "x".repeat(2 * STRETCH), String::new()] {
            let file = SourceFile::new("a", "a.rhai", text.as_str().into());
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let before = &text[..at];
                let line = before.rsplit('\n').next().unwrap_or_default();
                let expected = Position {
                    line: before.matches('\n').count() as u32 + 1,
                    column: line.chars().count() as u32 + 1,
                };
                assert_eq!(file.position(at as u32), expected, "{at} of {}", text.len());
            }
        }
    }
}
