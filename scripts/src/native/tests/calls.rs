//! Functions of the program: inlined, on their own, with `this`, with arrays.

use super::{
    Bench,
    build::{Body, Builder},
};
use crate::{
    Program,
    hir::{BinaryOperator, ExprKind, FunctionId, Items, Root, Type},
};
use sensai_model::FaultCode;

/// Enough nodes that a function that is called twice is compiled by itself.
fn make_large(body: &mut Body) {
    for _ in 0..30 {
        let (local, zero) = (body.local("unused", Type::I64, false), body.int(0));
        body.let_(local, zero);
    }
}

/// `fn half(x) { if x > 10.0 { return 0.0; } x / 2.0 }`, small or large.
fn half(program: &mut Builder, large: bool) -> FunctionId {
    let mut body = Body::new("half", None, 100);
    let x = body.parameter("x", Type::F64);
    if large {
        make_large(&mut body);
    }
    let (value, ten) = (body.var(x), body.float(10.0));
    let much = body.binary(BinaryOperator::Greater, value, ten);
    body.when(much, |body| {
        let zero = body.float(0.0);
        body.give(Some(zero));
    });
    let (value, two) = (body.var(x), body.float(2.0));
    let result = body.binary(BinaryOperator::Divide, value, two);
    program.function(body, Some(result))
}

#[test]
fn results_come_back_from_inside_and_from_the_end() {
    for large in [false, true] {
        let fields = [("a", Type::F64), ("b", Type::F64)];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
            let half = half(program, large);
            for (path, value) in [("a", 8.0), ("b", 11.0)] {
                let value = body.float(value);
                let called = body.call(half, Type::F64, None, &[value]);
                body.set_this(path, called);
            }
        }));
        bench.run().unwrap();
        assert_eq!((bench.f64("a"), bench.f64("b")), (4.0, 0.0));
        let apart = bench.program.functions().count();
        assert_eq!(apart, if large { 2 } else { 1 });
    }
}

fn part() -> Type {
    Type::record(vec![("n".into(), Type::I64), ("t".into(), Type::Symbol)])
}

/// `fn step(by) { this.n += by; this.n }` on a part of the state.
fn step(program: &mut Builder, large: bool) -> FunctionId {
    let mut body = Body::new("step", Some(part()), 200);
    let by = body.parameter("by", Type::I64);
    if large {
        make_large(&mut body);
    }
    body.on_line(250);
    let (place, by) = (body.this("n"), body.var(by));
    body.change(place, BinaryOperator::Add, by);
    let n = body.get("n");
    program.function(body, Some(n))
}

#[test]
fn this_of_a_method_is_that_very_place() {
    for large in [false, true] {
        let fields = [("parts", Type::array(part(), 3)), ("i", Type::I64), ("sum", Type::I64)];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
            let step = step(program, large);
            for by in [1, 10] {
                let (index, parts) = (body.get("i"), body.this("parts"));
                let place = body.element(parts, index);
                let by = body.int(by);
                let n = body.call(step, Type::I64, Some(place), &[by]);
                let sum = body.this("sum");
                body.change(sum, BinaryOperator::Add, n);
            }
            let (i, one) = (body.this("i"), body.int(1));
            body.change(i, BinaryOperator::Add, one);
        }));
        for _ in 0..3 {
            bench.run().unwrap();
        }
        assert_eq!([0, 1, 2].map(|n| bench.i64(&format!("parts[{n}].n"))), [11, 11, 11]);
        assert_eq!(bench.i64("sum"), 3 * (1 + 11));
        assert_eq!(bench.fault().0, FaultCode::IndexOutOfBounds);
    }
}

#[test]
fn a_fault_in_a_function_says_its_line_and_the_calls() {
    for large in [false, true] {
        let fields = [("part", part())];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
            let step = step(program, large);
            let mut outer = Body::new("outer", Some(part()), 300);
            if large {
                make_large(&mut outer);
            }
            outer.on_line(310);
            for _ in 0..2 {
                let (place, by) = (outer.this(""), outer.int(i64::MAX));
                let called = outer.call(step, Type::I64, Some(place), &[by]);
                outer.run(called);
            }
            let outer = program.function(outer, None);
            for _ in 0..2 {
                let part = body.this("part");
                let called = body.call(outer, Type::Unit, Some(part), &[]);
                body.run(called);
            }
        }));
        let error = bench.run().unwrap_err();
        assert_eq!((error.fault.code, error.fault.line), (FaultCode::Overflow, 250));
        let calls = "(in `step`, called in line 311) (in `outer`, called in line 1)";
        assert!(error.text.to_string().ends_with(calls), "{}", error.text.to_string());
        assert_eq!(bench.program.state(), vec![0; bench.program.layout().size()]);
    }
}

#[test]
fn an_argument_stays_what_it_was_while_its_source_changes() {
    let items = || Type::array(Type::I64, 4);
    let holder = || Type::record(vec![("items".into(), items()), ("sum".into(), Type::I64)]);
    for (large, by_place) in [(false, false), (true, false), (false, true), (true, true)] {
        let fields = [("h", holder()), ("other", items())];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
            // `fn take(list) { this.items = array(4, 9); for x in list { this.sum += x; } }`
            let mut take = Body::new("take", Some(holder()), 100);
            let list = take.parameter("list", items());
            if large {
                make_large(&mut take);
            }
            let value = take.int(9);
            let filled = take.expr(ExprKind::Fill { len: 4, value }, items());
            take.set_this("items", filled);
            let x = take.local("x", Type::I64, false);
            let list = take.var(list);
            take.for_(x, Items::Array(list), |body| {
                let (sum, x) = (body.this("sum"), body.var(x));
                body.change(sum, BinaryOperator::Add, x);
            });
            let take = program.function(take, None);
            let value = body.int(1);
            let filled = body.expr(ExprKind::Fill { len: 4, value }, items());
            body.set_this(if by_place { "h.items" } else { "other" }, filled);
            for _ in 0..2 {
                let list = body.get(if by_place { "h.items" } else { "other" });
                let h = body.this("h");
                let called = body.call(take, Type::Unit, Some(h), &[list]);
                body.run(called);
            }
        }));
        bench.run().unwrap();
        let expected = if by_place { 4 + 36 } else { 8 };
        assert_eq!((bench.i64("h.sum"), bench.i64("h.items[3]")), (expected, 9), "{large} {by_place}");
    }
}

#[test]
fn arrays_and_records_come_back_by_value() {
    let pair = || Type::record(vec![("a".into(), Type::I64), ("b".into(), Type::array(Type::F64, 3))]);
    for large in [false, true] {
        let fields = [("p", pair()), ("q", pair()), ("x", Type::F64)];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
            // `fn make(a) { if a < 0 { return #{ a: 0, b: … } } #{ a: a, b: array(3, 1.5) } }`
            let mut make = Body::new("make", None, 100);
            let a = make.parameter("a", Type::I64);
            if large {
                make_large(&mut make);
            }
            let record = |body: &mut Body, a, value| {
                let value = body.float(value);
                let b = body.expr(ExprKind::Fill { len: 3, value }, Type::array(Type::F64, 3));
                body.expr(ExprKind::Record(vec![(0, a), (1, b)]), pair())
            };
            let (value, zero) = (make.var(a), make.int(0));
            let negative = make.binary(BinaryOperator::Less, value, zero);
            make.when(negative, |body| {
                let zero = body.int(0);
                let result = record(body, zero, 0.5);
                body.give(Some(result));
            });
            let value = make.var(a);
            let result = record(&mut make, value, 1.5);
            let make = program.function(make, Some(result));
            for (path, a) in [("p", 5), ("q", -5)] {
                let a = body.int(a);
                let made = body.call(make, pair(), None, &[a]);
                body.set_this(path, made);
            }
            // `make(1).b[2]`
            let one = body.int(1);
            let made = body.call(make, pair(), None, &[one]);
            let place = body.place(Root::Value(made), &pair(), "b");
            let two = body.int(2);
            let place = body.element(place, two);
            let x = body.read(place);
            body.set_this("x", x);
        }));
        bench.run().unwrap();
        assert_eq!((bench.i64("p.a"), bench.f64("p.b[2]")), (5, 1.5));
        assert_eq!((bench.i64("q.a"), bench.f64("q.b[0]")), (0, 0.5));
        assert_eq!(bench.f64("x"), 1.5);
    }
}

#[test]
fn this_may_be_a_number() {
    for large in [false, true] {
        let fields = [("n", Type::I64), ("m", Type::I64)];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
            // `fn bump() { this += 1; this }`
            let mut bump = Body::new("bump", Some(Type::I64), 100);
            if large {
                make_large(&mut bump);
            }
            let (place, one) = (bump.this(""), bump.int(1));
            bump.change(place, BinaryOperator::Add, one);
            let this = bump.get("");
            let bump = program.function(bump, Some(this));
            // In the state, in a variable, and of a value.
            let n = body.this("n");
            let called = body.call(bump, Type::I64, Some(n), &[]);
            body.run(called);
            let (x, five) = (body.local("x", Type::I64, false), body.int(5));
            body.let_(x, five);
            let place = body.local_place(x);
            let called = body.call(bump, Type::I64, Some(place), &[]);
            body.run(called);
            let value = body.var(x);
            let place = body.place(Root::Value(value), &Type::I64, "");
            let called = body.call(bump, Type::I64, Some(place), &[]);
            let value = body.var(x);
            let both = body.binary(BinaryOperator::Multiply, called, value);
            body.set_this("m", both);
        }));
        bench.run().unwrap();
        assert_eq!((bench.i64("n"), bench.i64("m")), (1, 7 * 6), "{large}");
    }
}

#[test]
fn a_function_that_never_comes_back_ends_the_run() {
    for large in [false, true] {
        let fields = [("n", Type::I64)];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
            let mut give_up = Body::new("give_up", None, 100);
            if large {
                make_large(&mut give_up);
            }
            let name = program.symbol("press");
            give_up.on_line(150);
            let raised = give_up.expr(ExprKind::Fault(crate::hir::FaultName::Text(name)), Type::Never);
            let give_up = program.function(give_up, Some(raised));
            for _ in 0..2 {
                let (n, one) = (body.get("n"), body.int(1));
                let bad = body.binary(BinaryOperator::Equal, n, one);
                let value = body.if_(
                    bad,
                    Type::I64,
                    |body| Some(body.call(give_up, Type::Never, None, &[])),
                    |body| {
                        let (n, one) = (body.get("n"), body.int(1));
                        Some(body.add(n, one))
                    },
                );
                body.set_this("n", value);
            }
        }));
        let error = bench.run().unwrap_err();
        assert_eq!((error.fault.code, error.fault.line), (FaultCode::Raised, 150));
        assert!(error.text.to_string().starts_with("the program raised the fault `press`"));
    }
}

#[test]
fn fuel_is_passed_on_and_comes_back() {
    let fields = [("n", Type::I64), ("m", Type::I64)];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
        let mut spin = Body::new("spin", None, 100);
        let turns = spin.parameter("turns", Type::I64);
        make_large(&mut spin);
        spin.on_line(140);
        let (start, end) = (spin.int(0), spin.var(turns));
        let i = spin.local("i", Type::I64, false);
        let sum = spin.local("sum", Type::I64, true);
        let zero = spin.int(0);
        spin.let_(sum, zero);
        spin.on_line(145);
        spin.for_(i, Items::Range { start, end, inclusive: false }, |body| {
            let (sum, i) = (body.local_place(sum), body.var(i));
            body.change(sum, BinaryOperator::Add, i);
        });
        let sum = spin.var(sum);
        let spin = program.function(spin, Some(sum));
        for path in ["n", "m"] {
            let turns = body.get(path);
            let sum = body.call(spin, Type::I64, None, &[turns]);
            let (one, place) = (body.int(1), body.this(path));
            let sum = body.add(sum, one);
            body.set(place, sum);
        }
    }));
    bench.run().unwrap();
    let little = bench.program.operations();
    let mut state = bench.program.state().to_vec();
    let at = bench.program.layout().lookup("m").unwrap().offset;
    state[at..at + 8].copy_from_slice(&1000_i64.to_le_bytes());
    bench.program.restore(&state).unwrap();
    bench.run().unwrap();
    assert!(bench.program.operations() >= little + 1000);
    state[at..at + 8].copy_from_slice(&i64::MAX.to_le_bytes());
    bench.program.restore(&state).unwrap();
    assert_eq!(bench.fault(), (FaultCode::FuelExhausted, 145));
}

#[test]
fn what_a_dear_function_does_not_do_is_not_charged() {
    let fields = [("n", Type::I64), ("go", Type::Bool)];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
        // `fn dear(go) { let sum = 0; if go { for i in 0..60000 { sum += i; } } sum }`
        let mut dear = Body::new("dear", None, 100);
        let go = dear.parameter("go", Type::Bool);
        make_large(&mut dear);
        let (sum, i) = (dear.local("sum", Type::I64, true), dear.local("i", Type::I64, false));
        let zero = dear.int(0);
        dear.let_(sum, zero);
        let wanted = dear.var(go);
        dear.when(wanted, |body| {
            let (start, end) = (body.int(0), body.int(60_000));
            body.for_(i, Items::Range { start, end, inclusive: false }, |body| {
                let (sum, i) = (body.local_place(sum), body.var(i));
                body.change(sum, BinaryOperator::Add, i);
            });
        });
        let sum = dear.var(sum);
        let dear = program.function(dear, Some(sum));
        for _ in 0..2 {
            let go = body.get("go");
            let sum = body.call(dear, Type::I64, None, &[go]);
            let one = body.int(1);
            let sum = body.add(sum, one);
            body.set_this("n", sum);
        }
    }));
    assert_eq!(bench.program.bound(), None);
    bench.run().unwrap();
    assert_eq!(bench.i64("n"), 1);
    assert!(bench.program.operations() < 1000, "{}", bench.program.operations());
    let mut state = bench.program.state().to_vec();
    state[bench.program.layout().lookup("go").unwrap().offset] = 1;
    bench.program.restore(&state).unwrap();
    assert_eq!(bench.fault().0, FaultCode::FuelExhausted);
}
