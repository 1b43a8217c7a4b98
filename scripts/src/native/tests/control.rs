//! Branches, `switch`, loops, fuel.

use super::{Bench, Cell, LIMITS, build::Builder};
use crate::{
    Program,
    hir::{Arm, BinaryOperator, ExprKind, Items, Pattern, StatementKind, Switch, Type},
};
use sensai_model::{FaultCode, Value, cell::Limits};

#[test]
fn if_gives_the_value_of_the_branch_that_runs() {
    for scalar in [Type::I64, Type::F64] {
        let fields = [("a", Type::I64), ("r", scalar.clone())];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
            let (a, two) = (body.get("a"), body.int(2));
            let condition = body.binary(BinaryOperator::Less, a, two);
            let float = matches!(scalar, Type::F64);
            let value = |body: &mut super::build::Body, n: i64| {
                let this = body.this("a");
                let one = body.int(1);
                body.change(this, BinaryOperator::Add, one);
                Some(if float { body.float(n as f64) } else { body.int(n) })
            };
            let r = body.if_(condition, scalar.clone(), |b| value(b, 10), |b| value(b, 20));
            body.set_this("r", r);
        }));
        for expected in [10, 10, 20, 20] {
            bench.run().unwrap();
            let r = if matches!(scalar, Type::F64) { bench.f64("r") as i64 } else { bench.i64("r") };
            assert_eq!(r, expected);
        }
        assert_eq!(bench.i64("a"), 4);
    }
}

#[test]
fn texts_meet_from_all_branches() {
    let fields = [("n", Type::I64), ("t", Type::Symbol), ("u", Type::Symbol)];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
        let (short, long) = (program.symbol("up"), program.symbol("a text of more than eight bytes"));
        let (n, one) = (body.get("n"), body.int(1));
        let next = body.add(n, one);
        body.set_this("n", next);
        let (n, two) = (body.get("n"), body.int(2));
        let condition = body.binary(BinaryOperator::Equal, n, two);
        let t = body.if_(condition, Type::Symbol, |b| Some(b.text(short)), |b| Some(b.text(long)));
        body.set_this("t", t);
        let t = body.get("t");
        body.set_this("u", t);
    }));
    for expected in ["a text of more than eight bytes", "up", "a text of more than eight bytes"] {
        bench.run().unwrap();
        assert_eq!((bench.text("t"), bench.text("u")), (expected.to_owned(), expected.to_owned()));
    }
}

fn arm(patterns: &[Pattern], guard: Option<crate::hir::ExprId>, body: crate::hir::ExprId) -> Arm {
    Arm { patterns: patterns.to_vec(), guard, body }
}

/// The arms of a `switch` over `this.a` with the guard `this.g`, and what it gives for each value and guard.
#[test]
fn switch_asks_names_first_then_ranges_then_the_default() {
    let number = |n| Pattern::Scalar(Value::I64(n));
    let fields = [("a", Type::I64), ("g", Type::Bool), ("r", Type::I64)];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
        let value = body.get("a");
        let guard = |body: &mut super::build::Body| Some(body.get("g"));
        let out = |body: &mut super::build::Body, n| body.int(n);
        let arms = vec![
            arm(&[Pattern::Range(0, 100)], None, out(body, 1)),
            arm(&[number(5)], guard(body), out(body, 2)),
            arm(&[number(5), number(6)], None, out(body, 3)),
            arm(&[number(7)], guard(body), out(body, 4)),
            arm(&[Pattern::Range(200, 300)], guard(body), out(body, 5)),
            arm(&[Pattern::Range(250, i64::MAX), number(i64::MIN)], None, out(body, 6)),
            arm(&[Pattern::Range(9, 3)], None, out(body, 7)),
        ];
        let default = Some(body.int(-1));
        let r = body.expr(ExprKind::Switch(Switch { value, arms, default }), Type::I64);
        body.set_this("r", r);
    }));
    for (value, with, without) in [
        (0, 1, 1),
        (5, 2, 3),
        (6, 3, 3),
        // Named; where the guard does not hold, the ranges are asked.
        (7, 4, 1),
        (8, 1, 1),
        (100, 1, 1),
        (101, -1, -1),
        (200, 5, -1),
        (250, 5, 6),
        (301, 6, 6),
        (i64::MAX, 6, 6),
        (i64::MIN, 6, 6),
        (-1, -1, -1),
    ] {
        for (guard, expected) in [(true, with), (false, without)] {
            let mut state = bench.program.state().to_vec();
            let at = |path| bench.program.layout().lookup(path).unwrap().offset;
            let (a, g) = (at("a"), at("g"));
            state[a..a + 8].copy_from_slice(&i64::to_le_bytes(value));
            state[g] = guard.into();
            bench.program.restore(&state).unwrap();
            bench.run().unwrap();
            assert_eq!(bench.i64("r"), expected, "{value} {guard}");
        }
    }
}

#[test]
fn switch_tells_texts_apart() {
    let texts =
        ["", "a", "b", "ab", "1234567", "12345678", "12345679", "1234567 and more", "1234567 and less"];
    let fields = [("n", Type::I64), ("t", Type::Symbol), ("r", Type::I64)];
    let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
        let symbols: Vec<_> = texts.iter().map(|text| program.symbol(text)).collect();
        let value = body.get("t");
        let arms = symbols
            .iter()
            .zip(0..)
            .skip(1)
            .map(|(symbol, n)| {
                let out = body.int(n);
                arm(&[Pattern::Symbol(*symbol)], None, out)
            })
            .collect();
        let default = Some(body.int(-1));
        let r = body.expr(ExprKind::Switch(Switch { value, arms, default }), Type::I64);
        body.set_this("r", r);
    }));
    for (text, expected) in
        texts.iter().zip([-1, 1, 2, 3, 4, 5, 6, 7, 8]).chain([(&"x", -1), (&"1234567x", -1)])
    {
        let mut state = bench.program.state().to_vec();
        let at = bench.program.layout().lookup("t").unwrap().offset;
        crate::layout::write_symbol(text, &mut state[at..at + 64]);
        bench.program.restore(&state).unwrap();
        bench.run().unwrap();
        assert_eq!(bench.i64("r"), expected, "{text}");
    }
}

#[test]
fn texts_are_equal_by_their_bytes() {
    let texts = [
        "",
        "a",
        "1234567",
        "12345678",
        "12345679",
        "the same first word but then",
        "the same first word too",
    ];
    for known in texts {
        let fields = [
            ("t", Type::Symbol),
            ("u", Type::Symbol),
            ("k", Type::Bool),
            ("s", Type::Bool),
            ("o", Type::Bool),
        ];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|program, body| {
            let symbol = program.symbol(known);
            let (t, text) = (body.get("t"), body.text(symbol));
            let same = body.binary(BinaryOperator::Equal, t, text);
            body.set_this("k", same);
            let (t, u) = (body.get("t"), body.get("u"));
            let same = body.binary(BinaryOperator::Equal, t, u);
            body.set_this("s", same);
            let (t, u) = (body.get("t"), body.get("u"));
            let other = body.binary(BinaryOperator::NotEqual, t, u);
            body.set_this("o", other);
        }));
        for t in texts {
            for u in texts {
                let mut state = bench.program.state().to_vec();
                for (path, text) in [("t", t), ("u", u)] {
                    let at = bench.program.layout().lookup(path).unwrap().offset;
                    crate::layout::write_symbol(text, &mut state[at..at + 64]);
                }
                bench.program.restore(&state).unwrap();
                bench.run().unwrap();
                assert_eq!((bench.bool("k"), bench.bool("s"), bench.bool("o")), (t == known, t == u, t != u));
            }
        }
    }
}

#[test]
fn ranges_run_from_their_start_to_their_end() {
    let cases = [
        (0, 5),
        (3, 3),
        (5, 3),
        (-2, 1),
        (i64::MAX - 1, i64::MAX),
        (i64::MAX, i64::MAX),
        (i64::MIN, i64::MIN),
    ];
    for inclusive in [false, true] {
        for known in [false, true] {
            for (start, end) in cases {
                let fields = [
                    ("from", Type::I64),
                    ("to", Type::I64),
                    ("runs", Type::I64),
                    ("last", Type::I64),
                    ("n", Type::I64),
                ];
                let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
                    let (first, last) = match known {
                        true => (body.int(start), body.int(end)),
                        false => (body.get("from"), body.get("to")),
                    };
                    let (i, n) = (body.local("i", Type::I64, false), body.local("n", Type::I64, false));
                    let items = Items::Range { start: first, end: last, inclusive };
                    body.for_counted(i, Some(n), items, |body| {
                        let (runs, one) = (body.this("runs"), body.int(1));
                        body.change(runs, BinaryOperator::Add, one);
                        let i = body.var(i);
                        body.set_this("last", i);
                        let n = body.var(n);
                        body.set_this("n", n);
                    });
                }));
                let mut state = bench.program.state().to_vec();
                for (path, value) in [("from", start), ("to", end)] {
                    let at = bench.program.layout().lookup(path).unwrap().offset;
                    state[at..at + 8].copy_from_slice(&i64::to_le_bytes(value));
                }
                bench.program.restore(&state).unwrap();
                bench.run().unwrap();
                let all: Vec<i64> = if inclusive { (start..=end).collect() } else { (start..end).collect() };
                assert_eq!(bench.i64("runs"), all.len() as i64, "{start} {end} {inclusive} {known}");
                assert_eq!(bench.i64("last"), all.last().copied().unwrap_or(0));
                assert_eq!(bench.i64("n"), (all.len() as i64 - 1).max(0));
            }
        }
    }
}

#[test]
fn a_body_may_change_its_variable_leave_and_go_on() {
    let mut bench = Bench::new(Builder::new(&[("sum", Type::I64)]).cycle(|_, body| {
        let (start, end) = (body.int(0), body.int(100));
        let i = body.local("i", Type::I64, true);
        body.for_(i, Items::Range { start, end, inclusive: false }, |body| {
            let (v, two) = (body.var(i), body.int(2));
            let rest = body.binary(BinaryOperator::Remainder, v, two);
            let one = body.int(1);
            let odd = body.binary(BinaryOperator::Equal, rest, one);
            body.when(odd, |body| body.statement(StatementKind::Continue));
            let (v, ten) = (body.var(i), body.int(10));
            let enough = body.binary(BinaryOperator::GreaterOrEqual, v, ten);
            body.when(enough, |body| body.statement(StatementKind::Break));
            let (place, thousand) = (body.local_place(i), body.int(1000));
            body.change(place, BinaryOperator::Add, thousand);
            let (sum, v) = (body.this("sum"), body.var(i));
            body.change(sum, BinaryOperator::Add, v);
        });
    }));
    bench.run().unwrap();
    assert_eq!(bench.i64("sum"), 5000 + 2 + 4 + 6 + 8);
}

#[test]
fn while_and_do_ask_where_they_should() {
    // (body first, until, value of `this.go`) to the number of runs; the body clears `go` in its third run.
    for (body_first, until, go, runs) in [
        (false, false, true, 3),
        (false, false, false, 0),
        (true, false, true, 3),
        (true, false, false, 1),
        (false, true, false, 3),
        (true, true, true, 1),
    ] {
        let fields = [("go", Type::Bool), ("runs", Type::I64)];
        let mut bench = Bench::new(Builder::new(&fields).cycle(|_, body| {
            let go_on = body.bool(go);
            body.set_this("go", go_on);
            let condition = body.get("go");
            body.while_(Some(condition), (body_first, until), |body| {
                let (place, one) = (body.this("runs"), body.int(1));
                body.change(place, BinaryOperator::Add, one);
                let (n, three) = (body.get("runs"), body.int(3));
                let last = body.binary(BinaryOperator::Equal, n, three);
                body.when(last, |body| {
                    let end = body.bool(until);
                    body.set_this("go", end);
                });
                let again = body.bool(false);
                body.when(again, |body| body.statement(StatementKind::Continue));
            });
        }));
        bench.run().unwrap();
        assert_eq!(bench.i64("runs"), runs, "{body_first} {until} {go}");
    }
}

#[test]
fn a_loop_without_end_uses_up_its_fuel_and_says_where() {
    for kind in 0..3 {
        let mut bench = Bench::new(Builder::new(&[("n", Type::I64)]).cycle(|_, body| {
            body.on_line(5);
            let condition = match kind {
                0 => None,
                _ => Some(body.bool(true)),
            };
            body.while_(condition, (kind == 2, false), |body| {
                let (n, one) = (body.this("n"), body.int(1));
                body.change(n, BinaryOperator::Add, one);
            });
        }));
        assert_eq!(bench.fault(), (FaultCode::FuelExhausted, 5));
        assert!(bench.program.operations() > LIMITS.operations - 10);
        assert_eq!(bench.i64("n"), 0);
    }
}

#[test]
fn work_that_is_known_is_not_counted_and_work_that_is_not_is() {
    let build = |known: bool| {
        Builder::new(&[("n", Type::I64), ("m", Type::I64)]).cycle(|_, body| {
            let start = body.int(0);
            let end = if known { body.int(50) } else { body.get("m") };
            let i = body.local("i", Type::I64, false);
            body.for_(i, Items::Range { start, end, inclusive: false }, |body| {
                let (n, one) = (body.this("n"), body.int(1));
                body.change(n, BinaryOperator::Add, one);
            });
        })
    };
    let mut known = Bench::new(build(true));
    let bound = known.program.bound().expect("a loop of 50 turns");
    known.run().unwrap();
    assert_eq!((known.program.operations(), known.i64("n")), (bound, 50));
    let mut counted = Bench::new(build(false));
    assert_eq!(counted.program.bound(), None);
    counted.run().unwrap();
    let none = counted.program.operations();
    let mut state = counted.program.state().to_vec();
    let at = counted.program.layout().lookup("m").unwrap().offset;
    state[at] = 50;
    counted.program.restore(&state).unwrap();
    counted.run().unwrap();
    let fifty = counted.program.operations();
    assert!(fifty >= none + 50 && fifty <= bound + 50, "{none} {fifty} {bound}");
    // A limit below the bound is kept by counting.
    let limits = Limits { operations: bound - 1, ..LIMITS };
    let mut short = Bench::of(build(true), &Cell { limits, ..Cell::default() });
    assert_eq!(short.program.bound(), None);
    assert_eq!(short.fault().0, FaultCode::FuelExhausted);
}

#[test]
fn what_comes_after_a_return_is_not_run() {
    let mut bench = Bench::new(Builder::new(&[("n", Type::I64)]).cycle(|_, body| {
        let (n, two) = (body.get("n"), body.int(2));
        let enough = body.binary(BinaryOperator::GreaterOrEqual, n, two);
        body.when(enough, |body| body.give(None));
        let (n, one) = (body.this("n"), body.int(1));
        body.change(n, BinaryOperator::Add, one);
    }));
    for expected in [1, 2, 2, 2] {
        bench.run().unwrap();
        assert_eq!(bench.i64("n"), expected);
    }
}
