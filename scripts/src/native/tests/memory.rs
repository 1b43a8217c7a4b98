//! Arrays, records and texts: places, indices, copies.

use super::{Bench, build::Builder};
use crate::{
    Program,
    hir::{BinaryOperator, ExprKind, Items, Root, Type},
};
use sensai_model::{FaultCode, value::CANONICAL_NAN};

fn ints(len: u32) -> Type {
    Type::array(Type::I64, len)
}

#[test]
fn indices_count_from_both_ends_and_fault_outside() {
    for known in [false, true] {
        for index in [-5, -4, -1, 0, 3, 4, i64::MAX, i64::MIN] {
            let fields = [("a", ints(4)), ("i", Type::I64), ("r", Type::I64)];
            let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
                for (n, value) in [10, 11, 12, 13].into_iter().enumerate() {
                    let (place, at) = (body.this("a"), body.int(n as i64));
                    let place = body.element(place, at);
                    let value = body.int(value);
                    body.set(place, value);
                }
                let number = body.int(index);
                body.set_this("i", number);
                body.on_line(9);
                let at = if known { body.int(index) } else { body.get("i") };
                let place = body.this("a");
                let place = body.element(place, at);
                let r = body.read(place);
                body.set_this("r", r);
            }));
            match usize::try_from(if index < 0 { index.saturating_add(4) } else { index }) {
                Ok(place) if place < 4 => {
                    bench.run().unwrap();
                    assert_eq!(bench.i64("r"), 10 + place as i64);
                }
                _ => {
                    let error = bench.run().unwrap_err();
                    assert_eq!((error.fault.code, error.fault.line), (FaultCode::IndexOutOfBounds, 9));
                    let text = format!("index {index} is out of bounds: the array has 4 elements, 0 to 3");
                    assert_eq!(error.text, text.as_str());
                }
            }
        }
    }
}

#[test]
fn an_array_is_copied_when_it_is_assigned() {
    for len in [3, 20, 200] {
        let fields = [("a", ints(len)), ("b", ints(len)), ("c", ints(len))];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
            let value = body.int(7);
            let filled = body.expr(ExprKind::Fill { len, value }, ints(len));
            body.set_this("a", filled);
            let a = body.get("a");
            body.set_this("b", a);
            let kept = body.local("kept", ints(len), false);
            let a = body.get("a");
            body.let_(kept, a);
            let (place, last) = (body.this("a"), body.int(-1));
            let place = body.element(place, last);
            let value = body.int(8);
            body.set(place, value);
            let kept = body.var(kept);
            body.set_this("c", kept);
        }));
        bench.run().unwrap();
        let last = len - 1;
        for (path, expected) in [("a", 8), ("b", 7), ("c", 7)] {
            assert_eq!(bench.i64(&format!("{path}[{last}]")), expected, "{path}");
            assert_eq!(bench.i64(&format!("{path}[0]")), 7, "{path}");
        }
    }
}

/// A record with gaps between its fields.
fn gaps() -> Type {
    let inner =
        Type::record(vec![("a".into(), Type::Bool), ("b".into(), Type::F64), ("c".into(), Type::Bool)]);
    Type::record(vec![("p".into(), Type::Bool), ("q".into(), inner), ("s".into(), Type::Bool)])
}

#[test]
fn records_are_made_field_by_field_and_their_padding_is_zero() {
    let Type::Record(record) = gaps() else { panic!("a record") };
    let inner = record.field("q").unwrap().1.ty.clone();
    let fields = [("n", Type::F64), ("r", gaps()), ("s", gaps()), ("t", gaps())];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
        let make = |body: &mut super::build::Body, from_state: bool| {
            let (yes, number) = (body.bool(true), if from_state { body.get("n") } else { body.float(1.5) });
            let q = body.expr(ExprKind::Record(vec![(1, number), (0, yes), (2, yes)]), inner.clone());
            let no = body.bool(false);
            body.expr(ExprKind::Record(vec![(2, yes), (1, q), (0, no)]), gaps())
        };
        let r = make(body, false);
        body.set_this("r", r);
        let (local, s) = (body.local("l", gaps(), true), make(body, true));
        body.let_(local, s);
        let Type::Record(_) = gaps() else { panic!("a record") };
        let place = body.place(Root::Local(local), &gaps(), "q.b");
        let two = body.float(2.0);
        body.change(place, BinaryOperator::Add, two);
        let l = body.var(local);
        body.set_this("s", l);
        let t = make(body, true);
        body.set_this("t", t);
    }));
    // Whatever was on the stack before must not be seen.
    std::hint::black_box([0xff_u8; 4096]);
    bench.run().unwrap();
    assert_eq!((bench.f64("r.q.b"), bench.f64("s.q.b"), bench.f64("t.q.b")), (1.5, 2.0, 0.0));
    assert!(bench.bool("r.q.a") && bench.bool("s.s") && !bench.bool("t.p"));
    // The state is what restoring it gives, padding included.
    let state = bench.program.state().to_vec();
    bench.program.restore(&state).unwrap();
    assert_eq!(bench.program.state(), state);
}

#[test]
fn a_record_may_be_made_of_the_fields_that_it_overwrites() {
    let pair = || Type::record(vec![("x".into(), Type::I64), ("y".into(), Type::I64)]);
    let array = || Type::array(pair(), 2);
    let fields = [("a", array()), ("p", pair())];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
        let one = body.int(1);
        let place = body.this("p.x");
        body.change(place, BinaryOperator::Add, one);
        let (x, y) = (body.get("p.x"), body.get("p.y"));
        let swapped = body.expr(ExprKind::Record(vec![(0, y), (1, x)]), pair());
        body.set_this("p", swapped);
        let (first, second) = (body.int(0), body.int(1));
        let a = body.this("a");
        let second = body.element(a.clone(), second);
        let p = body.get("p");
        let old = body.element(a, first);
        let old = body.read(old);
        let both = body.expr(ExprKind::Array(vec![p, old]), array());
        body.set_this("a", both);
        let _ = second;
    }));
    for (x, y) in [(0, 1), (1, 1), (1, 2), (2, 2)] {
        let before = (bench.i64("a[0].x"), bench.i64("a[0].y"));
        bench.run().unwrap();
        assert_eq!((bench.i64("p.x"), bench.i64("p.y")), (x, y));
        assert_eq!((bench.i64("a[0].x"), bench.i64("a[0].y")), (x, y));
        assert_eq!((bench.i64("a[1].x"), bench.i64("a[1].y")), before);
    }
}

#[test]
fn for_runs_through_a_copy() {
    let fields = [("a", ints(5)), ("sum", Type::I64), ("first", Type::I64)];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
        let values: Vec<_> = (1..=5).map(|n| body.int(n)).collect();
        let array = body.expr(ExprKind::Array(values), ints(5));
        body.set_this("a", array);
        let x = body.local("x", Type::I64, false);
        let a = body.get("a");
        body.for_(x, Items::Array(a), |body| {
            // Every run changes what lies ahead.
            let value = body.int(100);
            let filled = body.expr(ExprKind::Fill { len: 5, value }, ints(5));
            body.set_this("a", filled);
            let (sum, x) = (body.this("sum"), body.var(x));
            body.change(sum, BinaryOperator::Add, x);
        });
        let (place, zero) = (body.this("a"), body.int(0));
        let place = body.element(place, zero);
        let first = body.read(place);
        body.set_this("first", first);
    }));
    bench.run().unwrap();
    assert_eq!((bench.i64("sum"), bench.i64("first")), (15, 100));
}

#[test]
fn texts_in_arrays_are_run_through_and_kept() {
    let texts = Type::array(Type::Symbol, 3);
    let fields = [("a", texts.clone()), ("hits", Type::I64), ("last", Type::Symbol)];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
        let names = ["idle", "a rather long name of a step", "x"];
        let symbols = names.map(|name| program.symbol(name));
        let values = symbols.iter().map(|symbol| body.text(*symbol)).collect();
        let array = body.expr(ExprKind::Array(values), texts.clone());
        body.set_this("a", array);
        for mutable in [false, true] {
            let t = body.local("t", Type::Symbol, mutable);
            let a = body.get("a");
            body.for_(t, Items::Array(a), |body| {
                let (value, known) = (body.var(t), body.text(symbols[1]));
                let hit = body.binary(BinaryOperator::Equal, value, known);
                body.when(hit, |body| {
                    let (hits, one) = (body.this("hits"), body.int(1));
                    body.change(hits, BinaryOperator::Add, one);
                });
                if mutable {
                    let (place, known) = (body.local_place(t), body.text(symbols[0]));
                    body.set(place, known);
                }
                let value = body.var(t);
                body.set_this("last", value);
            });
        }
    }));
    bench.run().unwrap();
    assert_eq!((bench.i64("hits"), bench.text("last")), (2, "idle".to_owned()));
    assert_eq!(bench.text("a[1]"), "a rather long name of a step");
}

#[test]
fn constants_are_read_by_index() {
    let fields = [("i", Type::I64), ("r", Type::F64)];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
        let bytes: Vec<u8> = [1.5_f64, 2.5, 3.5].iter().flat_map(|n| n.to_le_bytes()).collect();
        let table = Type::array(Type::F64, 3);
        let constant = program.constant(table.clone(), &bytes);
        let i = body.get("i");
        let place = body.place(Root::Constant(constant), &table, "");
        let place = body.element(place, i);
        let r = body.read(place);
        body.set_this("r", r);
        let (i, one) = (body.this("i"), body.int(1));
        body.change(i, BinaryOperator::Add, one);
    }));
    for expected in [1.5, 2.5, 3.5] {
        bench.run().unwrap();
        assert_eq!(bench.f64("r"), expected);
    }
    assert_eq!(bench.fault().0, FaultCode::IndexOutOfBounds);
}

#[test]
fn there_is_one_nan_in_a_state() {
    let fields = [("z", Type::F64), ("a", Type::F64), ("b", Type::array(Type::F64, 2))];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
        let (z, y) = (body.get("z"), body.get("z"));
        let quotient = body.binary(BinaryOperator::Divide, z, y);
        let negated = body.unary(crate::hir::UnaryOperator::Negate, quotient);
        body.set_this("a", negated);
        let (z, y) = (body.get("z"), body.get("z"));
        let value = body.binary(BinaryOperator::Divide, z, y);
        let filled = body.expr(ExprKind::Fill { len: 2, value }, Type::array(Type::F64, 2));
        body.set_this("b", filled);
    }));
    bench.run().unwrap();
    for path in ["a", "b[0]", "b[1]"] {
        assert_eq!(bench.f64(path).to_bits(), CANONICAL_NAN.to_bits(), "{path}");
    }
}

#[test]
fn a_state_that_cannot_be_is_refused_with_its_path() {
    let inner =
        Type::record(vec![("flags".into(), Type::array(Type::Bool, 3)), ("name".into(), Type::Symbol)]);
    let fields = [("part", inner), ("x", Type::F64)];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|_, _| {}));
    let good = bench.program.state().to_vec();
    let at = |path: &str| bench.program.layout().lookup(path).unwrap().offset;
    let (flag, name, x) = (at("part.flags[2]"), at("part.name"), at("x"));
    for (place, byte, path, what) in [
        (flag, 2, "part.flags[2]", "bool"),
        (name, 3, "part.name", "text"),
        (name + 63, 1, "part.name", "text"),
    ] {
        let mut state = good.clone();
        state[place] = byte;
        if byte == 3 {
            state[place + 9] = 1;
        }
        let error = bench.program.restore(&state).unwrap_err();
        assert_eq!(error.fault.code, FaultCode::StateShape);
        let text = format!("test cannot take this state: `this.{path}`: the stored bytes are no {what}");
        assert_eq!(error.text, text.as_str());
        assert_eq!(bench.program.state(), good);
    }
    assert!(bench.program.restore(&good[1..]).is_err());
    let mut odd = good.clone();
    odd[x..x + 8].copy_from_slice(&0xfff8_0000_0000_0001_u64.to_le_bytes());
    bench.program.restore(&odd).unwrap();
    assert_eq!(bench.f64("x").to_bits(), CANONICAL_NAN.to_bits());
    bench.program.reset();
    assert_eq!(bench.program.state(), good);
}
