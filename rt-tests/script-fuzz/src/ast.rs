//! Programs as trees that know how they were meant: types with the range that their numbers are kept in.
//!
//! The tree is the generator's own, not the product's: what it means is for the tiers to say.

use std::rc::Rc;

/// How far a number may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// An `i64` of [`TAME_BITS`] bits and a sign; an `f64` of at most 2^[`TAME_MAGNITUDE`], finite.
    Tame,
    /// Anything of its type.
    Wild,
}

/// Tame integers are at least −2^this and below 2^this.
pub const TAME_BITS: u8 = 20;

/// Tame floats are at most 2^this away from zero.
pub const TAME_MAGNITUDE: u8 = 40;

/// Which texts a text can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// The program's own.
    Own,
    /// `sys.mode`.
    Mode,
    /// `sys.state`.
    State,
    /// `state` of an axis.
    AxisState,
}

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub enum Ty {
    /// No value.
    Unit,
    /// `bool`.
    Bool,
    /// `i64`.
    I64(Reach),
    /// `f64`.
    F64(Reach),
    /// A text.
    Text(Words),
    /// Elements of one type.
    Array(Rc<Ty>, u32),
    /// Fields, ascending by name.
    Record(Rc<Vec<(String, Ty)>>),
    /// A block: its name, and the arguments of its constructor as text.
    Block(&'static str, Rc<str>),
    /// A handle of an axis.
    Axis,
}

impl Ty {
    /// Tame `i64`.
    pub const INT: Self = Self::I64(Reach::Tame);
    /// Tame `f64`.
    pub const FLOAT: Self = Self::F64(Reach::Tame);
    /// A text of the program.
    pub const TEXT: Self = Self::Text(Words::Own);

    /// A record of fields in any order.
    pub fn record(mut fields: Vec<(String, Self)>) -> Self {
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        Self::Record(Rc::new(fields))
    }

    /// A value of this type may stand where `wanted` is asked for.
    pub fn fits(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::I64(_), Self::I64(Reach::Wild))
            | (Self::F64(_), Self::F64(Reach::Wild))
            | (Self::Text(_), Self::Text(Words::Own)) => true,
            _ => self == wanted,
        }
    }

    /// A block or handle is in there.
    pub fn holds_block(&self) -> bool {
        match self {
            Self::Block(..) | Self::Axis => true,
            Self::Array(element, _) => element.holds_block(),
            Self::Record(fields) => fields.iter().any(|(_, ty)| ty.holds_block()),
            _ => false,
        }
    }

    /// `bool`, a number or a text.
    pub const fn is_scalar(&self) -> bool {
        matches!(self, Self::Bool | Self::I64(_) | Self::F64(_) | Self::Text(_))
    }

    /// Scalars, texts, blocks in it.
    pub fn leaves(&self) -> u64 {
        match self {
            Self::Unit => 0,
            Self::Array(element, len) => element.leaves() * u64::from(*len),
            Self::Record(fields) => fields.iter().map(|(_, ty)| ty.leaves()).sum(),
            _ => 1,
        }
    }
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Its type.
    pub ty: Ty,
    /// What it is.
    pub kind: Kind,
    /// Parentheses where none are needed.
    pub parentheses: bool,
    /// A new line behind an operator, or before an argument.
    pub broken: bool,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// As printed: a literal, a variable, a constant, `this`, `io.x`, `param.y`, `sys.time`, `ai.m.score`.
    Atom(String),
    /// `base.name`: a field, a pin, a property, `len`, `valid`.
    Field(Box<Expr>, String),
    /// `base[index]`.
    Index(Box<Expr>, Box<Expr>),
    /// `-x`, `+x`, `!x`.
    Unary(&'static str, Box<Expr>),
    /// `a + b`, `a && b` and the like.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `name(arguments)`.
    Call(String, Vec<Expr>),
    /// `base.name(arguments)`.
    Method(Box<Expr>, String, Vec<Expr>),
    /// `[a, b]`.
    Array(Vec<Expr>),
    /// `#{ a: x }`, in the order of the text.
    Record(Vec<(String, Expr)>),
    /// `if`.
    If(Box<Expr>, Block, Option<Block>),
    /// `switch`.
    Switch(Box<Switch>),
    /// `{ … }`.
    Block(Block),
}

/// `switch`.
#[derive(Clone, Debug)]
pub struct Switch {
    /// What is looked at.
    pub value: Expr,
    /// In order.
    pub arms: Vec<Arm>,
    /// `_ =>`.
    pub default: Option<Expr>,
}

/// An arm of a `switch`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Literals and ranges, as printed.
    pub patterns: Vec<String>,
    /// `if …`.
    pub guard: Option<Expr>,
    /// What runs.
    pub body: Expr,
}

/// Statements, and perhaps a value.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// In order.
    pub statements: Vec<Statement>,
    /// The value.
    pub value: Option<Box<Expr>>,
}

/// A statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// On one line with the statement before.
    pub joined: bool,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum StatementKind {
    /// `let x = value;`.
    Let(String, Expr),
    /// `place = value;`, or with an operator.
    Assign(Expr, Option<&'static str>, Expr),
    /// An expression for its effect.
    Expr(Expr),
    /// `while condition { }`.
    While(Expr, Block),
    /// `do { } while condition`, or `until`.
    Do(Block, &'static str, Expr),
    /// `loop { }`.
    Loop(Block),
    /// `for x in items { }`.
    For(For),
    /// `break;`.
    Break,
    /// `continue;`.
    Continue,
    /// `return;`, `return x;`.
    Return(Option<Expr>),
}

/// `for`.
#[derive(Clone, Debug)]
pub struct For {
    /// The element.
    pub variable: String,
    /// The number of the run.
    pub counter: Option<String>,
    /// What is run through.
    pub items: Items,
    /// What is repeated.
    pub body: Block,
}

/// What `for` runs through.
#[derive(Clone, Debug)]
pub enum Items {
    /// `a..b`, `a..=b`.
    Range(Expr, &'static str, Expr),
    /// An array.
    Array(Expr),
    /// A tag, as printed.
    Tag(String),
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Names of its parameters.
    pub parameters: Vec<String>,
    /// What it does.
    pub body: Block,
}

/// A program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// `const`, in order.
    pub constants: Vec<(String, Expr)>,
    /// In the order of the text.
    pub functions: Vec<Function>,
}

impl Expr {
    /// Plain, on one line.
    pub const fn new(ty: Ty, kind: Kind) -> Self {
        Self { ty, kind, parentheses: false, broken: false }
    }

    /// As printed.
    pub fn atom(ty: Ty, text: impl Into<String>) -> Self {
        Self::new(ty, Kind::Atom(text.into()))
    }

    /// A whole number.
    pub fn int(value: i64) -> Self {
        let ty =
            if (-(1 << TAME_BITS)..1 << TAME_BITS).contains(&value) { Ty::INT } else { Ty::I64(Reach::Wild) };
        if value == i64::MIN {
            let most = Self::atom(Ty::I64(Reach::Wild), "-9223372036854775807");
            return Self::binary(ty, "-", most, Self::int(1));
        }
        Self::atom(ty, value.to_string())
    }

    /// A finite number; what has no literal is computed.
    pub fn float(value: f64) -> Self {
        let wild = Ty::F64(Reach::Wild);
        let limit = (1_u64 << TAME_MAGNITUDE) as f64;
        if value.is_finite() {
            let ty = if value.abs() <= limit { Ty::FLOAT } else { wild };
            return Self::atom(ty, format!("{value:?}"));
        }
        let over = if value.is_nan() { 0.0 } else { value.signum() };
        Self::binary(wild, "/", Self::float(over), Self::float(0.0))
    }

    /// A text.
    pub fn text(text: &str) -> Self {
        Self::atom(Ty::TEXT, format!("\"{text}\""))
    }

    /// `true` or `false`.
    pub fn bool(value: bool) -> Self {
        Self::atom(Ty::Bool, value.to_string())
    }

    /// Of two operands.
    pub fn binary(ty: Ty, operator: &'static str, left: Self, right: Self) -> Self {
        Self::new(ty, Kind::Binary(operator, Box::new(left), Box::new(right)))
    }

    /// Of one operand.
    pub fn unary(ty: Ty, operator: &'static str, operand: Self) -> Self {
        Self::new(ty, Kind::Unary(operator, Box::new(operand)))
    }

    /// A call.
    pub fn call(ty: Ty, name: impl Into<String>, arguments: Vec<Self>) -> Self {
        Self::new(ty, Kind::Call(name.into(), arguments))
    }

    /// A method's call.
    pub fn method(ty: Ty, base: Self, name: impl Into<String>, arguments: Vec<Self>) -> Self {
        Self::new(ty, Kind::Method(Box::new(base), name.into(), arguments))
    }

    /// A field, pin or property.
    pub fn field(ty: Ty, base: Self, name: impl Into<String>) -> Self {
        Self::new(ty, Kind::Field(Box::new(base), name.into()))
    }

    /// An element.
    pub fn index(ty: Ty, base: Self, index: Self) -> Self {
        Self::new(ty, Kind::Index(Box::new(base), Box::new(index)))
    }
}

impl Expr {
    /// Every way through it leaves the loop around, though it has a type.
    pub fn never_comes(&self) -> bool {
        match &self.kind {
            Kind::If(_, then, Some(otherwise)) => then.never_comes() && otherwise.never_comes(),
            Kind::Switch(switch) => {
                let default = switch.default.as_ref().is_some_and(Self::never_comes);
                default && switch.arms.iter().all(|arm| arm.body.never_comes())
            }
            Kind::Block(block) => block.never_comes(),
            _ => false,
        }
    }
}

impl Block {
    /// Where a value is asked for: it has none, or one that never comes.
    fn never_comes(&self) -> bool {
        self.value.as_ref().is_none_or(|value| value.never_comes())
    }

    /// Statements without a value.
    pub const fn of(statements: Vec<Statement>) -> Self {
        Self { statements, value: None }
    }

    /// A value alone.
    pub fn value(value: Expr) -> Self {
        Self { statements: Vec::new(), value: Some(Box::new(value)) }
    }
}

impl From<StatementKind> for Statement {
    fn from(kind: StatementKind) -> Self {
        Self { kind, joined: false }
    }
}
