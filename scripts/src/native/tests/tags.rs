//! Tags: values, quality, ranges, arrays.

use super::{Bench, Cell, build::Builder};
use crate::{
    Program,
    hir::{BinaryOperator, ExprKind, Items, StatementKind, Type},
};
use sensai_model::{
    FaultCode, ScalarType, Tag, TagKind, Value,
    tag::{OnFault, OnInvalid, Overflow},
};

/// A tag in memory.
pub fn tag(
    name: &str,
    slot: u32,
    len: Option<u32>,
    scalar: ScalarType,
    range: Option<(Value, Value)>,
) -> Tag {
    Tag {
        name: name.to_owned(),
        aliases: Vec::new(),
        kind: TagKind::Memory,
        scalar,
        array_len: len,
        slot,
        fields: Vec::new(),
        sync_units: Vec::new(),
        bindings: Vec::new(),
        unit: Some("N".to_owned()),
        scale: None,
        range,
        on_invalid: OnInvalid::Hold,
        on_fault: OnFault::Hold,
        overflow: Overflow::Fault,
        initial: scalar.zero(),
        description: String::new(),
    }
}

fn floats(low: f64, high: f64) -> Option<(Value, Value)> {
    Some((Value::F64(low), Value::F64(high)))
}

/// A program that stores `this.x` into a tag, which it finds in its state.
fn store(ty: Type, tag: Tag) -> Bench {
    let cell = Cell { tags: vec![tag], ..Cell::default() };
    let builder = Builder::new(&[("x", ty)]).cycle(|_, body| {
        body.on_line(5);
        let x = body.get("x");
        body.set_tag(0, None, x);
    });
    Bench::of(builder, &cell)
}

fn put(bench: &mut Bench, bits: u64) {
    let mut state = bench.program.state().to_vec();
    state[..8].copy_from_slice(&bits.to_le_bytes());
    bench.program.restore(&state).unwrap();
}

#[test]
fn what_does_not_fit_a_tag_faults_with_its_line() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let range = FaultCode::OutOfRange;
    for (limits, value, expected) in [
        (None, 1e300, Ok(())),
        (None, nan, Err(FaultCode::NotFinite)),
        (None, inf, Err(FaultCode::NotFinite)),
        (floats(-1.0, 2.0), -1.0, Ok(())),
        (floats(-1.0, 2.0), 2.0, Ok(())),
        (floats(-1.0, 2.0), 2.000_000_000_000_000_4, Err(range)),
        (floats(-1.0, 2.0), -5.0, Err(range)),
        (floats(-1.0, 2.0), nan, Err(FaultCode::NotFinite)),
        (floats(-1.0, 2.0), -inf, Err(FaultCode::NotFinite)),
        (floats(0.0, inf), 1e300, Ok(())),
        (floats(0.0, inf), inf, Err(FaultCode::NotFinite)),
    ] {
        let mut bench = store(Type::F64, tag("t", 0, None, ScalarType::F64, limits));
        put(&mut bench, value.to_bits());
        let result = bench.run();
        assert_eq!(result.clone().map_err(|error| error.fault.code), expected, "{limits:?} {value}");
        match result {
            Ok(()) => assert_eq!(bench.store.value(0), Value::F64(value)),
            Err(error) => {
                assert_eq!(error.fault.line, 5);
                let text = error.text.to_string();
                let said = match expected {
                    Err(FaultCode::OutOfRange) => {
                        format!("`io.t` = {value:?} N is outside its range -1.0 to 2.0 N")
                    }
                    _ => format!("`io.t` cannot be {value}"),
                };
                assert!(text.starts_with(&said), "{text}");
                assert_eq!(bench.store.value(0), Value::F64(0.0));
            }
        }
    }
}

#[test]
fn integers_are_held_in_their_range() {
    let range = Some((Value::I64(-3), Value::I64(7)));
    for (value, fits) in
        [(-3, true), (7, true), (8, false), (-4, false), (i64::MIN, false), (i64::MAX, false)]
    {
        let mut bench = store(Type::I64, tag("t", 0, None, ScalarType::I64, range));
        put(&mut bench, i64::cast_unsigned(value));
        assert_eq!(bench.run().is_ok(), fits, "{value}");
        let saturated = Tag { overflow: Overflow::Saturate, ..tag("t", 0, None, ScalarType::I64, range) };
        let mut bench = store(Type::I64, saturated);
        put(&mut bench, i64::cast_unsigned(value));
        bench.run().unwrap();
        assert_eq!(bench.store.value(0), Value::I64(value.clamp(-3, 7)));
    }
    let whole = Some((Value::I64(i64::MIN), Value::I64(i64::MAX)));
    let mut bench = store(Type::I64, tag("t", 0, None, ScalarType::I64, whole));
    for value in [i64::MIN, 0, i64::MAX] {
        put(&mut bench, value.cast_unsigned());
        bench.run().unwrap();
        assert_eq!(bench.store.value(0), Value::I64(value));
    }
}

#[test]
fn saturation_takes_the_nearest_value_and_still_refuses_what_is_no_number() {
    let saturating =
        || Tag { overflow: Overflow::Saturate, ..tag("t", 0, None, ScalarType::F64, floats(0.0, 10.0)) };
    for (value, stored) in [(5.0, 5.0), (11.0, 10.0), (-1e300, 0.0), (-0.0, -0.0), (10.0, 10.0)] {
        let mut bench = store(Type::F64, saturating());
        put(&mut bench, f64::to_bits(value));
        bench.run().unwrap();
        let Value::F64(got) = bench.store.value(0) else { panic!("a float") };
        assert_eq!(got.to_bits(), f64::to_bits(stored), "{value}");
    }
    let mut bench = store(Type::F64, saturating());
    put(&mut bench, f64::INFINITY.to_bits());
    assert_eq!(bench.fault(), (FaultCode::NotFinite, 5));
}

#[test]
fn elements_are_reached_by_index_and_marked_when_written() {
    let cell = Cell {
        tags: vec![tag("a", 0, Some(4), ScalarType::I64, None), tag("on", 4, None, ScalarType::Bool, None)],
        ..Cell::default()
    };
    let builder = Builder::new(&[("i", Type::I64), ("r", Type::I64)]).cycle(|_, body| {
        let (i, twenty) = (body.get("i"), body.int(20));
        body.on_line(3);
        let place = body.tag_place(0, Some(i));
        body.statement(StatementKind::AssignTag {
            tag: place,
            operator: Some(BinaryOperator::Add),
            value: twenty,
        });
        let last = body.int(-1);
        let r = body.tag(0, Some(last), Type::I64);
        body.set_this("r", r);
        let (yes, one) = (body.bool(true), body.int(1));
        body.set_tag(1, None, yes);
        let i = body.this("i");
        body.change(i, BinaryOperator::Add, one);
    });
    let mut bench = Bench::of(builder, &cell);
    for n in 0..4 {
        bench.run().unwrap();
        assert_eq!(bench.store.value(n), Value::I64(20));
        assert_eq!(bench.i64("r"), if n == 3 { 20 } else { 0 });
        assert_eq!(bench.store.value(4), Value::Bool(true));
    }
    let error = bench.run().unwrap_err();
    assert_eq!((error.fault.code, error.fault.line), (FaultCode::IndexOutOfBounds, 3));
    assert_eq!(error.text, "`io.a`: index 4 is out of bounds: the array has 4 elements, 0 to 3");
}

#[test]
fn for_runs_through_the_values_before_the_first_run() {
    let cell = Cell { tags: vec![tag("a", 0, Some(3), ScalarType::F64, None)], ..Cell::default() };
    for changes in [false, true] {
        let builder = Builder::new(&[("sum", Type::F64), ("n", Type::I64)]).cycle(|_, body| {
            let (x, n) = (body.local("x", Type::F64, false), body.local("n", Type::I64, false));
            body.for_counted(x, Some(n), Items::Tag(0), |body| {
                if changes {
                    for n in 0..3 {
                        let (index, value) = (body.int(n), body.float(100.0));
                        body.set_tag(0, Some(index), value);
                    }
                }
                let (sum, x) = (body.this("sum"), body.var(x));
                body.change(sum, BinaryOperator::Add, x);
                let n = body.var(n);
                body.set_this("n", n);
            });
        });
        let mut bench = Bench::of(builder, &cell);
        for (slot, value) in [(0, 1.0), (1, 2.0), (2, 4.0)] {
            bench.store.restore(slot, Value::F64(value), true);
        }
        bench.run().unwrap();
        assert_eq!((bench.f64("sum"), bench.i64("n")), (7.0, 2));
    }
}

#[test]
fn quality_is_that_of_the_element_or_of_all() {
    let input =
        |name: &str, slot, len| Tag { kind: TagKind::Input, ..tag(name, slot, len, ScalarType::I64, None) };
    let cell = Cell { tags: vec![input("a", 0, Some(3)), input("b", 3, None)], ..Cell::default() };
    let builder =
        Builder::new(&[("all", Type::Bool), ("one", Type::Bool), ("b", Type::Bool)]).cycle(|_, body| {
            let quality = |body: &mut super::build::Body, tag, index| {
                let tag = body.tag_place(tag, index);
                body.expr(ExprKind::Tag { tag, quality: true }, Type::Bool)
            };
            let all = quality(body, 0, None);
            body.set_this("all", all);
            let index = Some(body.int(-2));
            let one = quality(body, 0, index);
            body.set_this("one", one);
            let b = quality(body, 1, None);
            body.set_this("b", b);
        });
    let mut bench = Bench::of(builder, &cell);
    for bits in 0..16_u32 {
        for slot in 0..4 {
            bench.store.set_input(slot, Value::I64(0), bits >> slot & 1 == 1);
        }
        bench.run().unwrap();
        let got = (bench.bool("all"), bench.bool("one"), bench.bool("b"));
        assert_eq!(got, (bits & 7 == 7, bits & 2 != 0, bits & 8 != 0), "{bits:04b}");
    }
}
