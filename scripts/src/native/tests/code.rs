//! The code itself: targets, addresses, stack, what is measured without checks.

use super::{Bench, Cell, build::Builder, layout};
use crate::{
    Program,
    hir::{BinaryOperator, Hir, Items, Type},
    native::{NativeError, Options, Source, Target, code, compile},
};

/// A program with a little of everything.
fn sample() -> Hir {
    let fields = [("a", Type::array(Type::F64, 40)), ("t", Type::Symbol), ("n", Type::I64), ("m", Type::I64)];
    Builder::new(&fields)
        .cycle(|program, body| {
            let (idle, long) = (program.symbol("idle"), program.symbol("something much longer"));
            let (start, end) = (body.int(0), body.get("m"));
            let i = body.local("i", Type::I64, false);
            body.for_(i, Items::Range { start, end, inclusive: true }, |body| {
                let (place, index) = (body.this("a"), body.var(i));
                let place = body.element(place, index);
                let x = body.var(i);
                let x = body.library("to_float", &[x]);
                let x = body.library("sin", &[x]);
                let x = body.library("floor", &[x]);
                body.set(place, x);
                let (n, index) = (body.this("n"), body.var(i));
                body.change(n, BinaryOperator::Add, index);
            });
            let (t, text) = (body.get("t"), body.text(idle));
            let is_idle = body.binary(BinaryOperator::Equal, t, text);
            let next = body.if_(is_idle, Type::Symbol, |b| Some(b.text(long)), |b| Some(b.text(idle)));
            body.set_this("t", next);
            let kept = body.local("kept", Type::array(Type::F64, 40), false);
            let a = body.get("a");
            body.let_(kept, a);
        })
        .finish()
}

fn made(hir: &Hir, options: &Options<'_>) -> Result<Vec<u8>, NativeError> {
    let layout = layout(&hir.state);
    let initial = vec![0; layout.size()];
    let cell = Cell::default();
    let environment = cell.environment();
    code(
        &Source { name: "test", hir, layout: &layout, initial: &initial, environment: &environment },
        options,
    )
}

#[test]
fn code_is_made_for_every_target_and_always_the_same() {
    let hir = sample();
    let mut all = Vec::new();
    for target in [Target::Host, Target::Aarch64, Target::X8664] {
        let options = Options { target, ..Options::default() };
        let first = made(&hir, &options).unwrap();
        assert!(first.len() > 100);
        assert_eq!(made(&hir, &options).unwrap(), first);
        all.push(first);
    }
    assert_ne!(all[0], all[1]);
}

#[test]
fn addresses_lead_back_to_lines() {
    let hir = sample();
    let initial = vec![0; layout(&hir.state).size()];
    let bench = Bench::with(&hir, &initial, &Cell::default(), &Options::default());
    let map = bench.program.perf_map();
    let mut stretches = map.lines().map(|line| {
        let mut words = line.split_whitespace();
        let mut number = || usize::from_str_radix(words.next().unwrap(), 16).unwrap();
        let (start, len) = (number(), number());
        assert_eq!(words.next(), Some("test::cycle"));
        (start, len, words.next().unwrap().strip_prefix("programs/test.rhai:").unwrap())
    });
    let (start, first, _) = stretches.next().unwrap();
    let mut len = first;
    // They follow one another without a gap, and each says the line that its addresses lead back to.
    for (from, more, line) in stretches {
        assert_eq!(from, start + len);
        len += more;
        assert_eq!(bench.program.locate(from).unwrap().line.to_string(), line);
    }
    assert_eq!(len, bench.program.code_len());
    let lines: std::collections::BTreeSet<u32> = (start..start + len)
        .filter_map(|address| bench.program.locate(address))
        .map(|found| found.line)
        .collect();
    for line in 1..=3 {
        assert!(lines.contains(&line), "{line} of {lines:?}");
    }
    let found = bench.program.locate(start + len / 2).unwrap();
    assert_eq!((found.function, found.path), ("cycle", "programs/test.rhai"));
    assert_eq!(bench.program.locate(start - 1), None);
    assert_eq!(bench.program.locate(start + 4096 * 16), None);
}

#[test]
fn the_stack_that_a_run_needs_is_known_and_bounded() {
    let hir = sample();
    let initial = vec![0; layout(&hir.state).size()];
    let bench = Bench::with(&hir, &initial, &Cell::default(), &Options::default());
    assert!((32..4096).contains(&bench.program.stack()), "{}", bench.program.stack());
    let options = Options { stack_max: 16, ..Options::default() };
    assert!(matches!(made(&hir, &options), Err(NativeError::Stack { most: 16, .. })));
}

#[test]
fn a_text_that_cannot_be_kept_is_refused() {
    let hir = Builder::new(&[("t", Type::Symbol)])
        .cycle(|program, body| {
            let symbol = program.symbol(&"x".repeat(64));
            let text = body.text(symbol);
            body.set_this("t", text);
        })
        .finish();
    assert!(matches!(made(&hir, &Options::default()), Err(NativeError::Text(text)) if text.len() == 64));
}

#[test]
fn without_checks_there_is_less_code_and_the_same_result() {
    let hir = sample();
    let checked = made(&hir, &Options::default()).unwrap();
    let unchecked = Options { checks: false, ..Options::default() };
    assert!(made(&hir, &unchecked).unwrap().len() < checked.len());
    let initial = vec![0; layout(&hir.state).size()];
    let mut one = Bench::with(&hir, &initial, &Cell::default(), &Options::default());
    let mut other = Bench::with(&hir, &initial, &Cell::default(), &unchecked);
    for _ in 0..5 {
        one.run().unwrap();
        other.run().unwrap();
        assert_eq!(one.program.state(), other.program.state());
    }
}

/// Takes what may go to another thread.
fn any_thread<T: Send>(value: T) -> T {
    value
}

#[test]
fn a_program_may_go_to_another_thread_and_its_memory_comes_back() {
    let hir = sample();
    let state = layout(&hir.state);
    let initial = vec![0; state.size()];
    for _ in 0..50 {
        let cell = Cell::default();
        let environment = cell.environment();
        let source =
            Source { name: "test", hir: &hir, layout: &state, initial: &initial, environment: &environment };
        let program = compile(&source, &Options::default()).unwrap();
        assert!(any_thread(program).code_len() > 0);
    }
}
