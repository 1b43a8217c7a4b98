//! What is proven of small programs.

use super::{Cell, hir, program, run_and_judge};
use crate::{
    hir::{ExprId, ExprKind, Function, FunctionId, Hir, StatementKind, walk},
    proofs::Proofs,
    ranges::{Proven, Turns, facts::Site, prove, value::Known},
};

/// A program and what is proven of it.
struct Case {
    text: String,
    hir: Hir,
    proven: Proven,
}

impl Case {
    fn new(state: &str, body: &str) -> Self {
        Self::of(program(state, body))
    }

    fn of(text: String) -> Self {
        let cell = Cell::new();
        let hir = hir(&text, &cell.environment());
        let proven = prove(&hir, &cell.environment());
        run_and_judge(&text, &hir, &cell, 200, 11);
        Self { text, hir, proven }
    }

    /// Expressions that are written so, in all functions.
    fn all(&self, written: &str) -> Vec<(FunctionId, ExprId)> {
        let mut found = Vec::new();
        for (index, function) in self.hir.functions.iter().enumerate() {
            for (number, expr) in function.exprs.iter().enumerate() {
                let span = expr.span.start as usize..expr.span.end as usize;
                if self.text.get(span) == Some(written) {
                    found.push((FunctionId(index as u32), ExprId(number as u32)));
                }
            }
        }
        found
    }

    fn find(&self, written: &str) -> (FunctionId, ExprId) {
        self.all(written).pop().unwrap_or_else(|| panic!("`{written}` is not in {}", self.text))
    }

    /// All such checks hold, of those that are made.
    fn holds(&self, written: &str, site: Site) -> bool {
        let all = self.all(written).into_iter();
        let made: Vec<bool> = all
            .filter_map(|(function, expr)| {
                let facts = self.proven.facts(function)?;
                let (holds, fails) = (facts.holds(expr, site), facts.may_fail(expr, site));
                (holds || fails).then_some(holds)
            })
            .collect();
        assert!(!made.is_empty(), "no {site:?} of `{written}` in {}", self.text);
        made.into_iter().all(|holds| holds)
    }

    fn operation(&self, written: &str) -> bool {
        self.holds(written, Site::Operation)
    }

    fn index(&self, written: &str) -> bool {
        self.holds(written, Site::Index)
    }

    fn assignment(&self, written: &str) -> bool {
        self.holds(written, Site::Assignment)
    }

    fn store(&self, written: &str) -> bool {
        self.holds(written, Site::Store)
    }

    fn ints(&self, written: &str) -> (i64, i64) {
        let (function, expr) = self.find(written);
        self.proven.integers(function, expr).unwrap_or_else(|| panic!("`{written}` has no value"))
    }

    fn truth(&self, written: &str) -> Option<bool> {
        let (function, expr) = self.find(written);
        self.proven.known(function, expr)?.single_bool()
    }

    /// Of the only loop.
    fn turns(&self) -> Option<Turns> {
        let function: &Function = self.hir.function(self.hir.cycle);
        let mut turns = None;
        walk::block(function, &function.body, &mut |node| {
            if let walk::Node::Statement(statement) = node
                && let StatementKind::For { .. } | StatementKind::While { .. } = statement.kind
            {
                turns = self.proven.loop_turns(self.hir.cycle, statement);
            }
        });
        turns
    }
}

fn turns(least: u64, most: u64) -> Option<Turns> {
    Some(Turns { least, most: Some(most) })
}

#[test]
fn a_state_that_is_restored_can_be_anything() {
    let case = Case::new("n: 0, a: [1, 2, 3]", "this.n = this.n + 1; io.count = this.a[this.n - 1];");
    assert!(!case.operation("this.n + 1"));
    assert!(!case.index("this.n - 1"));
    // But what is known of it within a cycle holds in this cycle.
    let case = Case::new("n: 0, a: [1, 2, 3]", "this.n = 2; this.n += 0; this.a[this.n] = 4;");
    assert!(case.index("this.n"));
}

#[test]
fn conditions_bound_what_they_ask_for() {
    let case = Case::new(
        "n: 0, a: [1, 2, 3]",
        "if this.n >= 0 && this.n < this.a.len { this.a[this.n] = 4; } else { this.n = 0; }",
    );
    assert!(case.index("this.n"));
    let case = Case::new("n: 0", "if this.n > 5 { return; } this.n = this.n + 1;");
    assert!(case.operation("this.n + 1"));
    let case = Case::new("n: 0", "if !(this.n == 0 || this.n == 1) { io.count = 100 / (this.n - 0); }");
    assert!(!case.operation("100 / (this.n - 0)"), "zero lies in the middle");
    let case = Case::new("n: 0", "if this.n > 0 { io.count = 100 / this.n; }");
    assert!(case.operation("100 / this.n"));
    let case = Case::new(
        "n: 0",
        "let m = abs(this.n % 8); let k = min(max(this.n, -3), 4); this.n = m * k + (k << 2);",
    );
    assert!(
        case.operation("abs(this.n % 8)") && case.operation("m * k") && case.operation("m * k + (k << 2)")
    );
    assert_eq!(case.ints("m * k"), (-21, 28));
}

#[test]
fn what_was_checked_once_holds_later() {
    let case = Case::new("n: 0, a: [1, 2, 3]", "let x = this.a[this.n]; this.a[this.n + 0] = x;");
    assert!(case.index("this.n + 0"));
    let case = Case::new("n: 0", "let x = 100 / this.n; this.n = x + 1; io.lamp = 7 % this.n == 0;");
    assert!(case.operation("x + 1"));
}

#[test]
fn floats_are_finite_where_it_was_asked() {
    let case = Case::new("x: 0.0", "if is_finite(this.x) { io.free = this.x; }");
    assert!(case.store("this.x"));
    let case = Case::new("x: 0.0", "io.valve = clamp(this.x, -10.0, 10.0);");
    assert!(!case.store("clamp(this.x, -10.0, 10.0)"), "NaN stays NaN");
    let case = Case::new("x: 0.0", "if this.x < 3.0 { io.valve = max(this.x, 0.0); }");
    assert!(case.store("max(this.x, 0.0)"));
    let case = Case::new("x: 0.0", "io.valve = sin(param.gain) * 5.0; io.valves[-1] = param.gain;");
    assert!(case.store("sin(param.gain) * 5.0") && case.store("param.gain") && case.index("-1"));
    let case =
        Case::new("x: 0.0", "if this.x > -5.0 && this.x < 5.0 { let n = to_int(this.x); io.limited = n; }");
    assert!(case.operation("to_int(this.x)"));
    assert_eq!(case.ints("to_int(this.x)"), (-4, 4));
}

#[test]
fn loops_over_numbers_stay_within_them() {
    let case = Case::new(
        "a: [0, 0, 0, 0]",
        "let sum = 0; for i in 0..this.a.len { this.a[i] = i * 10; sum += this.a[i] % 100; } io.count = sum % 101;",
    );
    assert!(case.index("i") && case.operation("i * 10"));
    assert!(case.assignment("this.a[i] % 100"), "four times 99 is no overflow");
    assert_eq!(case.turns(), turns(4, 4));
    let case =
        Case::new("a: [0, 0, 0, 0]", "let i = 0; while i < 4 { this.a[i] = i; i += 1; } io.count = i;");
    assert!(case.index("i"));
    assert!(case.assignment("1") && case.store("i"));
    assert_eq!(case.turns(), turns(0, 4));
    let case = Case::new("a: 0", "let i = 10; do { i -= 3; } while i > 0; this.a = i;");
    assert_eq!(case.turns(), turns(1, 5));
    let case = Case::new("a: 0", "let i = 10; do { i -= 3; } until i < 0; this.a = i;");
    assert_eq!(case.turns(), turns(1, 5));
    let case = Case::new("a: 0", "let i = 0; while i < param.batch { i += 1; if io.start { continue; } }");
    assert_eq!(case.turns(), turns(0, 7));
    let case = Case::new("a: 0", "let i = 0; while i < param.batch { if io.start { continue; } i += 1; }");
    assert_eq!(case.turns().and_then(|turns| turns.most), None);
    let case = Case::new("a: 0", "for i in 0..param.batch { if i == 2 { break; } this.a = i; }");
    assert_eq!(case.turns(), turns(0, 7));
    assert_eq!(case.ints("i"), (0, 6));
}

#[test]
fn nested_loops_and_elements() {
    let case = Case::new(
        "m: [[1, 2, 3], [4, 5, 6]]",
        "for row in 0..2 { for column in 0..3 { if this.m[row][column] > 0 { io.count = 60 / this.m[row][column]; } } }",
    );
    assert!(case.operation("60 / this.m[row][column]"));
    let case = Case::new(
        "m: [1, 2, 3]",
        "for i in 0..2 { if this.m[i] > 0 { this.m[i + 1] = 0; io.limited = 60 / this.m[i]; } }",
    );
    assert!(!case.operation("60 / this.m[i]"), "the other element may be the same for all that is known");
}

#[test]
fn functions_are_given_what_their_callers_know() {
    let case = Case::of(
        "fn init() { #{ a: [1, 2, 3, 4], n: 0, parts: [#{ v: 1 }, #{ v: 2 }] } }
        fn at(i) { this.a[i] }
        fn next(i) { if i >= 3 { 0 } else { i + 1 } }
        fn half() { if this.v > 100 { this.v = 100; } this.v / 2 }
        fn cycle() {
            let i = next(2);
            this.n = this.at(i) % 10;
            for p in 0..2 { io.limited = this.parts[p].half(); io.limited = this.parts[p].v % 7; }
            this.n = next(0) + this.n;
        }"
        .to_owned(),
    );
    assert!(case.index("i") && case.operation("i + 1"));
    assert_eq!(case.ints("next(0)"), (1, 1));
    assert!(case.operation("next(0) + this.n"));
    assert_eq!(case.ints("this.v / 2"), (i64::MIN / 2, 50));
}

#[test]
fn what_a_function_changes_is_not_known_any_more() {
    let case = Case::of(
        "fn init() { #{ n: 0, k: 0 } }
        fn change() { this.n = io.byte; }
        fn cycle() {
            this.n = 1;
            this.k = 2;
            this.change();
            let a = 100 / this.k;
            let b = 100 / this.n;
        }"
        .to_owned(),
    );
    assert!(case.operation("100 / this.k") && !case.operation("100 / this.n"));
}

#[test]
fn switches_tell_their_arms_what_the_value_is() {
    let case = Case::new(
        "n: 0, step: \"a\"",
        "switch this.n { 0 => {}, 1..=9 => { io.limited = 10 / this.n; }, _ => {} }
        switch this.step { \"a\" => { this.step = \"b\"; } _ => {} }
        io.lamp = this.step == \"b\";",
    );
    assert!(case.operation("10 / this.n"));
    assert_eq!(case.truth("this.step == \"b\""), None);
    let case = Case::new("step: \"a\"", "this.step = \"c\"; if this.step == \"d\" { io.lamp = true; }");
    assert_eq!(case.truth("this.step == \"d\""), Some(false));
    let case = Case::new(
        "n: 0",
        "switch this.n { 5 if io.start => { io.count = this.n; } 0..10 => { io.count = 1; } _ => { io.count = 2; } }",
    );
    assert_eq!(case.ints("this.n"), (5, 5));
    assert!(case.store("this.n"));
}

#[test]
fn constants_and_parameters_have_their_values() {
    let case = Case::of(
        "const TABLE = [10, 20, 40, 80];
        fn init() { #{ n: 0 } }
        fn cycle() { let k = param.batch % 4; this.n = TABLE[k] + TABLE[1] + 1000 / TABLE[param.batch / 2]; }"
            .to_owned(),
    );
    assert!(case.operation("1000 / TABLE[param.batch / 2]"));
    assert_eq!(case.ints("TABLE[k]"), (10, 80));
    let case = Case::new("n: 0", "io.count = param.batch * 10; this.n = param.any - 1;");
    assert!(case.store("param.batch * 10") && !case.operation("param.any - 1"));
}

#[test]
fn own_writes_to_tags_are_read_back() {
    let case = Case::new(
        "n: 0",
        "io.count = 7; this.n = io.count + 1; io.limited = this.n * 3; this.n = io.limited + 1;",
    );
    assert!(case.operation("io.count + 1") && case.operation("io.limited + 1"));
    assert_eq!(case.ints("io.limited"), (5, 5));
}

#[test]
fn many_contexts_and_deep_loops_end() {
    let calls: String = (0..14).map(|n| format!("this.n = step(this.n % 100, {n});")).collect();
    let text =
        format!("fn init() {{ #{{ n: 0 }} }}\nfn step(a, b) {{ a * b + 1 }}\nfn cycle() {{ {calls} }}");
    let case = Case::of(text);
    assert!(case.operation("a * b + 1"));
    let open: String = (0..12).map(|n| format!("for i{n} in 0..2 {{ let x{n} = i{n}; ")).collect();
    let close = "}".repeat(12);
    let case = Case::new("n: 0", &format!("{open} this.n = i0 + i11; {close}"));
    assert!(case.operation("i0 + i11"));
    assert!(matches!(case.proven.known(case.find("i0").0, case.find("i0").1), Some(Known::Int(_))));
    let deepest =
        case.hir.function(case.hir.cycle).exprs.iter().any(|expr| matches!(expr.kind, ExprKind::Binary(..)));
    assert!(deepest);
}

/// It goes on with the body, whatever the condition is.
#[test]
fn continue_in_a_do_asks_nothing() {
    let case = Case::new(
        "n: 0, k: 0",
        "this.n = 7; let k = 0; do { k += 1; if k < 3 { continue; } this.n = 9223372036854775807; } while k < 1; \
         if io.start { this.n = 0; } let next = this.n + 1; this.k = next & 1;",
    );
    assert!(!case.operation("this.n + 1"));
}
