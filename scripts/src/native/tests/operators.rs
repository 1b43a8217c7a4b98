//! Operators, against the arithmetic that the interpreter and `init` use.

use super::{Bench, build::Builder};
use crate::{
    arithmetic,
    hir::{BinaryOperator, ExprKind, Type, UnaryOperator},
};
use proptest::prelude::*;
use sensai_model::{FaultCode, Value};

const INTEGERS: [i64; 19] = [
    0,
    1,
    -1,
    2,
    -2,
    3,
    7,
    10,
    63,
    64,
    65,
    -63,
    -64,
    1 << 31,
    3_037_000_500,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    i64::MIN + 1,
];

const FLOATS: [f64; 12] =
    [0.0, -0.0, 1.0, -1.5, 2.0, 0.1, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 5e-324];

/// Operands that a program finds in its state, so that nothing is known of them when it is compiled.
fn program(operator: BinaryOperator, left: &Type, right: &Type, known: Option<Value>) -> Bench {
    let result = match (operator.compares(), left, right) {
        (true, ..) => Type::Bool,
        (_, Type::F64, _) | (_, _, Type::F64) => Type::F64,
        _ => left.clone(),
    };
    let fields = [("a", left.clone()), ("b", right.clone()), ("r", result)];
    Bench::new(Builder::new(&fields).cycle(|_, body| {
        let a = body.get("a");
        let b = match known {
            Some(value) => body.expr(ExprKind::Literal(value), Type::of(value)),
            None => body.get("b"),
        };
        body.on_line(7);
        let r = body.binary(operator, a, b);
        body.set_this("r", r);
    }))
}

fn bytes(value: Value) -> u64 {
    value.to_bits()
}

fn put(bench: &mut Bench, path: &str, value: Value) {
    let offset = crate::Program::layout(&bench.program).lookup(path).unwrap().offset;
    let mut state = crate::Program::state(&bench.program).to_vec();
    match value {
        Value::Bool(value) => state[offset] = u8::from(value),
        value => state[offset..offset + 8].copy_from_slice(&bytes(value).to_le_bytes()),
    }
    crate::Program::restore(&mut bench.program, &state).unwrap();
}

fn result(bench: &Bench) -> Value {
    match crate::Program::layout(&bench.program).read(crate::Program::state(&bench.program), "r") {
        Some(crate::layout::Reading::Scalar(value)) => value,
        other => panic!("{other:?}"),
    }
}

/// Run once with these operands, and compare with the arithmetic of the interpreter.
fn check(bench: &mut Bench, operator: BinaryOperator, left: Value, right: Value) {
    put(bench, "a", left);
    if crate::Program::layout(&bench.program).lookup("b").is_some() {
        put(bench, "b", right);
    }
    let expected = arithmetic::binary(operator, left, right).unwrap();
    let case = format!("{left:?} {} {right:?}", operator.symbol());
    match (bench.run(), expected) {
        (Ok(()), Ok(value)) => assert_eq!(bytes(result(bench)), bytes(value), "{case}"),
        (Err(error), Err(raised)) => {
            assert_eq!((error.fault.code, error.fault.line), (raised.code, 7), "{case}");
            assert_eq!(error.text.to_string(), raised.text, "{case}");
        }
        (got, expected) => panic!("{case}: {got:?}, expected {expected:?}"),
    }
}

fn takes(operator: BinaryOperator, left: Value, right: Value) -> bool {
    arithmetic::binary(operator, left, right).is_some()
}

#[test]
fn integers_follow_the_interpreter() {
    for operator in BinaryOperator::ALL {
        let mut bench = program(operator, &Type::I64, &Type::I64, None);
        for a in INTEGERS {
            for b in INTEGERS {
                check(&mut bench, operator, Value::I64(a), Value::I64(b));
            }
        }
    }
}

#[test]
fn integers_with_a_number_that_is_known_follow_the_interpreter() {
    for operator in BinaryOperator::ALL {
        for b in INTEGERS {
            let mut bench = program(operator, &Type::I64, &Type::I64, Some(Value::I64(b)));
            for a in INTEGERS {
                check(&mut bench, operator, Value::I64(a), Value::I64(b));
            }
        }
    }
}

#[test]
fn floats_follow_the_interpreter() {
    for operator in BinaryOperator::ALL {
        if !takes(operator, Value::F64(1.0), Value::F64(1.0)) {
            continue;
        }
        let mut bench = program(operator, &Type::F64, &Type::F64, None);
        let mut left = program(operator, &Type::I64, &Type::F64, None);
        let mut right = program(operator, &Type::F64, &Type::I64, None);
        for a in FLOATS {
            for b in FLOATS {
                check(&mut bench, operator, Value::F64(a), Value::F64(b));
            }
            for b in INTEGERS {
                check(&mut left, operator, Value::I64(b), Value::F64(a));
                check(&mut right, operator, Value::F64(a), Value::I64(b));
            }
        }
    }
}

#[test]
fn bools_follow_the_interpreter() {
    for operator in BinaryOperator::ALL {
        if !takes(operator, Value::Bool(true), Value::Bool(true)) {
            continue;
        }
        let mut bench = program(operator, &Type::Bool, &Type::Bool, None);
        for (a, b) in [(false, false), (false, true), (true, false), (true, true)] {
            check(&mut bench, operator, Value::Bool(a), Value::Bool(b));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn any_numbers_follow_the_interpreter(
        numbers in prop::collection::vec((any::<i64>(), any::<i64>(), 0_u32..64), 40),
    ) {
        for operator in BinaryOperator::ALL {
            let mut bench = program(operator, &Type::I64, &Type::I64, None);
            for (a, b, shift) in &numbers {
                check(&mut bench, operator, Value::I64(a >> shift), Value::I64(b >> (63 - shift)));
            }
            if takes(operator, Value::F64(1.0), Value::F64(1.0)) {
                let mut bench = program(operator, &Type::F64, &Type::F64, None);
                for (a, b, _) in &numbers {
                    let (a, b) = (f64::from_bits(a.cast_unsigned()), f64::from_bits(b.cast_unsigned()));
                    check(&mut bench, operator, Value::F64(a), Value::F64(b));
                }
            }
        }
    }
}

#[test]
fn unary_operators_follow_the_interpreter() {
    for operator in [UnaryOperator::Negate, UnaryOperator::Plus, UnaryOperator::Not] {
        for ty in [Type::I64, Type::F64, Type::Bool] {
            let values: Vec<Value> = match ty {
                Type::I64 => INTEGERS.map(Value::I64).to_vec(),
                Type::F64 => FLOATS.map(Value::F64).to_vec(),
                _ => [true, false].map(Value::Bool).to_vec(),
            };
            if arithmetic::unary(operator, values[0]).is_none() {
                continue;
            }
            let fields = [("a", ty.clone()), ("r", ty.clone())];
            let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
                let a = body.get("a");
                body.on_line(7);
                let r = body.unary(operator, a);
                body.set_this("r", r);
            }));
            for value in values {
                put(&mut bench, "a", value);
                match (bench.run(), arithmetic::unary(operator, value).unwrap()) {
                    (Ok(()), Ok(expected)) => assert_eq!(bytes(result(&bench)), bytes(expected)),
                    (Err(error), Err(raised)) => {
                        assert_eq!((error.fault.code, error.fault.line), (FaultCode::Overflow, 7));
                        assert_eq!(error.text.to_string(), raised.text);
                    }
                    other => panic!("{operator:?} {value:?}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn the_right_side_of_logic_is_evaluated_only_if_it_decides() {
    for and in [true, false] {
        let fields = [("a", Type::Bool), ("d", Type::I64), ("r", Type::Bool)];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
            let left = body.get("a");
            let (ten, d) = (body.int(10), body.get("d"));
            body.on_line(3);
            let quotient = body.binary(BinaryOperator::Divide, ten, d);
            let five = body.int(5);
            let right = body.binary(BinaryOperator::Equal, quotient, five);
            let r = body.expr(ExprKind::Logic { and, left, right }, Type::Bool);
            body.set_this("r", r);
        }));
        for a in [false, true] {
            put(&mut bench, "a", Value::Bool(a));
            put(&mut bench, "d", Value::I64(0));
            if a == and {
                assert_eq!(bench.fault(), (FaultCode::DivisionByZero, 3));
            } else {
                bench.run().unwrap();
                assert_eq!(bench.bool("r"), a);
            }
            for d in [2, 3] {
                put(&mut bench, "d", Value::I64(d));
                bench.run().unwrap();
                assert_eq!(bench.bool("r"), if and { a && d == 2 } else { a || d == 2 });
            }
        }
    }
}
