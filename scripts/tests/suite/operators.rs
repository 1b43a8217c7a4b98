//! Every operator on every pair of types, against a table made without Rhai.

use crate::support::{Bench, findings};
use proptest::prelude::*;
use sensai_model::{FaultCode, Value};

const OPERATORS: [&str; 17] =
    ["+", "-", "*", "/", "%", "**", "<<", ">>", "&", "|", "^", "==", "!=", "<", "<=", ">", ">="];

const BOOLS: [bool; 2] = [false, true];
const INTEGERS: [i64; 11] = [0, 1, -1, 2, 3, -7, 63, 64, 1 << 40, i64::MAX, i64::MIN];
const FLOATS: [f64; 13] = [
    0.0,
    -0.0,
    1.0,
    1.0 + f64::EPSILON,
    -2.5,
    1e16,
    1e300,
    -1e300,
    f64::MIN_POSITIVE,
    5e-324,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// What an operator gives; written down once more, independently of the implementation.
fn expected(operator: &str, left: Value, right: Value) -> Result<Value, FaultCode> {
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Ok(Value::Bool(match operator {
            "==" => a == b,
            "!=" | "^" => a != b,
            "&" => a && b,
            "|" => a || b,
            _ => return Err(FaultCode::TypeMismatch),
        })),
        (Value::I64(a), Value::I64(b)) => integer(operator, i128::from(a), i128::from(b)),
        (Value::F64(a), Value::F64(b)) => float(operator, a, b),
        (Value::I64(a), Value::F64(b)) => float(operator, a as f64, b),
        (Value::F64(a), Value::I64(b)) => float(operator, a, b as f64),
        _ => Err(FaultCode::TypeMismatch),
    }
}

fn integer(operator: &str, a: i128, b: i128) -> Result<Value, FaultCode> {
    let wide = match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" | "%" if b == 0 => return Err(FaultCode::DivisionByZero),
        "/" => a / b,
        // The quotient overflows, and Rhai calls the remainder undefined with it.
        "%" if a == i128::from(i64::MIN) && b == -1 => return Err(FaultCode::Overflow),
        "%" => a % b,
        "**" if b < 0 => return Err(FaultCode::OutOfRange),
        "**" => return power(a, b),
        "<<" if b < 0 => return integer(">>", a, -b),
        "<<" if b > 63 => 0,
        "<<" => i128::from((a << b) as i64),
        ">>" if b < 0 => return integer("<<", a, -b),
        ">>" if b > 63 => a >> 63,
        ">>" => a >> b,
        "&" => a & b,
        "|" => a | b,
        "^" => a ^ b,
        "==" => return Ok(Value::Bool(a == b)),
        "!=" => return Ok(Value::Bool(a != b)),
        "<" => return Ok(Value::Bool(a < b)),
        "<=" => return Ok(Value::Bool(a <= b)),
        ">" => return Ok(Value::Bool(a > b)),
        _ => return Ok(Value::Bool(a >= b)),
    };
    i64::try_from(wide).map(Value::I64).map_err(|_| FaultCode::Overflow)
}

fn power(base: i128, exponent: i128) -> Result<Value, FaultCode> {
    let mut result = 1_i128;
    // Beyond 64 steps only -1, 0 and 1 stay in range, and they repeat after two.
    let steps = if exponent > 64 { 64 + exponent % 2 } else { exponent };
    for _ in 0..steps {
        result *= base;
        i64::try_from(result).map_err(|_| FaultCode::Overflow)?;
    }
    // `u32` is the largest exponent, whatever the base.
    if exponent > i128::from(u32::MAX) { Err(FaultCode::Overflow) } else { Ok(Value::I64(result as i64)) }
}

fn float(operator: &str, a: f64, b: f64) -> Result<Value, FaultCode> {
    Ok(match operator {
        "+" => Value::F64(a + b),
        "-" => Value::F64(a - b),
        "*" => Value::F64(a * b),
        "/" => Value::F64(a / b),
        "%" => Value::F64(a % b),
        "**" => Value::F64(libm::pow(a, b)),
        "==" => Value::Bool(a == b),
        "!=" => Value::Bool(a != b),
        "<" => Value::Bool(a < b),
        "<=" => Value::Bool(a <= b),
        ">" => Value::Bool(a > b),
        ">=" => Value::Bool(a >= b),
        _ => return Err(FaultCode::TypeMismatch),
    })
}

/// An expression that is exactly this value.
fn literal(value: Value) -> String {
    match value {
        Value::I64(i64::MIN) => "(-9223372036854775807 - 1)".to_owned(),
        Value::F64(number) if number.is_nan() => "(0.0 / 0.0)".to_owned(),
        Value::F64(number) if number.is_infinite() => format!("({:.1} / 0.0)", number.signum()),
        Value::F64(number) => format!("({number:?})"),
        other => format!("({other})"),
    }
}

/// All types in one state, so that the result can be kept in whichever field it fits. What is found before it runs is a
/// type that does not fit.
fn evaluate(expression: &str, kind: Option<Value>) -> Result<Value, FaultCode> {
    let field = match kind {
        Some(Value::Bool(_)) | None => "b",
        Some(Value::I64(_)) => "i",
        Some(Value::F64(_)) => "f",
    };
    let body = format!("this.{field} = {expression};");
    let text = format!("fn init() {{ #{{ f: 0.0, i: 0, b: false, s: \"\" }} }}\nfn cycle() {{\n{body}\n}}\n");
    let found = findings(&text);
    if !found.is_empty() {
        let codes: Vec<&str> = found.iter().map(|finding| finding.code).collect();
        assert!(matches!(codes[..], ["S224"] | ["S216"]), "{expression}: {found:?}");
        return Err(FaultCode::TypeMismatch);
    }
    let mut bench = Bench::cycle_only(&body);
    match bench.run() {
        Ok(()) => match bench.program.layout_read(field) {
            Some(value) => Ok(value),
            None => panic!("{expression}: no {field}"),
        },
        Err(error) => Err(error.fault.code),
    }
}

trait ReadField {
    fn layout_read(&self, path: &str) -> Option<Value>;
}

impl ReadField for sensai_scripts::InterpretedProgram {
    fn layout_read(&self, path: &str) -> Option<Value> {
        use sensai_scripts::{Program, layout::Reading};
        match self.layout().read(self.state(), path)? {
            Reading::Scalar(value) => Some(value),
            Reading::Symbol(_) => None,
        }
    }
}

fn same(a: Result<Value, FaultCode>, b: Result<Value, FaultCode>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => a.scalar_type() == b.scalar_type() && a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

fn values() -> Vec<Value> {
    let bools = BOOLS.map(Value::Bool);
    let integers = INTEGERS.map(Value::I64);
    let floats = FLOATS.map(Value::F64);
    bools.into_iter().chain(integers).chain(floats).collect()
}

/// One program for each pair of values: all operators in it, the results in an array of records.
#[test]
fn every_operator_on_every_pair_of_values() {
    let values = values();
    let mut compared = 0;
    for left in &values {
        for right in &values {
            let outcomes: Vec<(&str, Result<Value, FaultCode>)> =
                OPERATORS.iter().map(|operator| (*operator, expected(operator, *left, *right))).collect();
            compared += outcomes.len();
            let (good, bad): (Vec<_>, Vec<_>) =
                outcomes.into_iter().partition(|(_, outcome)| outcome.is_ok());
            let fields: String = (0..good.len())
                .map(|i| {
                    let zero = match good[i].1 {
                        Ok(Value::Bool(_)) => "false",
                        Ok(Value::I64(_)) => "0",
                        _ => "0.0",
                    };
                    format!("r{i}: {zero}, ")
                })
                .collect();
            let (a, b) = (literal(*left), literal(*right));
            let body: String = good
                .iter()
                .enumerate()
                .map(|(i, (operator, _))| format!("this.r{i} = {a} {operator} {b};\n"))
                .collect();
            let mut bench =
                Bench::new(&format!("fn init() {{ #{{ {fields} z: 0 }} }}\nfn cycle() {{\n{body}}}\n"));
            bench.run_ok();
            for (i, (operator, outcome)) in good.iter().enumerate() {
                let got = bench.program.layout_read(&format!("r{i}")).unwrap();
                assert!(same(Ok(got), *outcome), "{a} {operator} {b}: {got:?}, expected {outcome:?}");
            }
            for (operator, outcome) in bad {
                // What fails when it runs fails with whole numbers.
                let kind = (outcome != Err(FaultCode::TypeMismatch)).then_some(Value::I64(0));
                let got = evaluate(&format!("{a} {operator} {b}"), kind);
                assert!(same(got, outcome), "{a} {operator} {b}: {got:?}, expected {outcome:?}");
            }
        }
    }
    assert_eq!(compared, 26 * 26 * 17);
}

#[test]
fn assignments_with_an_operator_are_the_operator() {
    for (start, operator, right, end) in [
        ("1", "+=", "2", Value::I64(3)),
        ("10", "-=", "3", Value::I64(7)),
        ("6", "*=", "7", Value::I64(42)),
        ("7", "/=", "2", Value::I64(3)),
        ("7", "%=", "4", Value::I64(3)),
        ("2", "**=", "10", Value::I64(1024)),
        ("1", "<<=", "4", Value::I64(16)),
        ("16", ">>=", "3", Value::I64(2)),
        ("6", "&=", "3", Value::I64(2)),
        ("6", "|=", "1", Value::I64(7)),
        ("6", "^=", "3", Value::I64(5)),
    ] {
        let mut bench = Bench::cycle_only(&format!(
            "let x = {start}; x {operator} {right}; this.i = x; this.i {operator} 1; io.n = x; io.n {operator} 1;"
        ));
        bench.run_ok();
        let once = integer(operator.trim_end_matches('='), i128::from(as_i64(end)), 1).unwrap();
        assert_eq!(bench.program.layout_read("i"), Some(once), "{start} {operator} {right}");
        assert_eq!(bench.get("n"), once, "{start} {operator} {right}");
    }
    let mut bench = Bench::cycle_only("this.f += 1; this.f *= 2.5;");
    bench.run_ok();
    assert_eq!(bench.program.layout_read("f"), Some(Value::F64(2.5)), "an i64 promotes in an operator");
    let text = "fn init() { #{ i: 0 } } fn cycle() { this.i += 0.5; }";
    assert_eq!(findings(text)[0].code, "S216", "the promoted result does not fit the field");
}

fn as_i64(value: Value) -> i64 {
    if let Value::I64(value) = value { value } else { panic!("{value:?}") }
}

#[test]
fn unary_operators() {
    for (expression, outcome) in [
        ("-(5)", Ok(Value::I64(-5))),
        ("-(-9223372036854775807 - 1)", Err(FaultCode::Overflow)),
        ("-(0.0)", Ok(Value::F64(-0.0))),
        ("+(3)", Ok(Value::I64(3))),
        ("!(true)", Ok(Value::Bool(false))),
        ("!(1)", Err(FaultCode::TypeMismatch)),
        ("-(true)", Err(FaultCode::TypeMismatch)),
    ] {
        let kind = if expression.starts_with('-') { Some(Value::I64(0)) } else { None };
        let got = evaluate(expression, outcome.ok().or(kind));
        assert!(same(got, outcome), "{expression}: {got:?}, expected {outcome:?}");
    }
}

#[test]
fn texts_are_equal_or_not_and_nothing_else() {
    for (expression, outcome) in [
        ("\"a\" == \"a\"", Ok(Value::Bool(true))),
        ("\"a\" == \"b\"", Ok(Value::Bool(false))),
        ("\"a\" != \"b\"", Ok(Value::Bool(true))),
        ("\"a\" < \"b\"", Err(FaultCode::TypeMismatch)),
        ("\"a\" + \"b\" == \"ab\"", Err(FaultCode::TypeMismatch)),
        ("\"a\" == 1", Err(FaultCode::TypeMismatch)),
        ("this.s - \"a\" == \"\"", Err(FaultCode::TypeMismatch)),
        ("true == 1", Err(FaultCode::TypeMismatch)),
        ("[1] == [1]", Err(FaultCode::TypeMismatch)),
        ("true && this.i", Err(FaultCode::TypeMismatch)),
        ("false || this.s", Err(FaultCode::TypeMismatch)),
    ] {
        let got = evaluate(expression, None);
        assert!(same(got, outcome), "{expression}: {got:?}, expected {outcome:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn floats_are_ieee_754(a: f64, b: f64, c: i64) {
        let mut bench = Bench::cycle_only(
            "this.b = io.inp.x == io.x;
             io.x = 0.0;
             let t = io.inp.x * 0.5 - io.inp.n / 3.0;
             this.f = t;",
        );
        prop_assume!(a.is_finite());
        bench.set("inp.x", Value::F64(a));
        bench.set("inp.n", Value::I64(c));
        let slot = bench.slot("x");
        bench.store.write(slot, Value::F64(b));
        bench.run_ok();
        prop_assert_eq!(bench.program.layout_read("b"), Some(Value::Bool(a == b)));
        let t = a * 0.5 - c as f64 / 3.0;
        prop_assert_eq!(bench.program.layout_read("f").unwrap().to_bits(), Value::F64(t).to_bits());
    }
}
