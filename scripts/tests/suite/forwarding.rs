//! What the native tier remembers of memory, and the loops that it writes out: programs that would show it if a value were
//! remembered too long. The bench compares every one of them with the interpreter in every cycle.

use crate::support::Bench;
use sensai_model::Value;

/// Run a program over inputs that move its branches and indices; both tiers agree or the bench fails. Some programs fault in
/// some cycles, and must do so in both.
#[track_caller]
fn agrees(init: &str, cycle: &str) {
    let mut bench =
        Bench::new(&format!("fn init() {{ #{{ {init} }} }}\nfn cycle() {{\n{cycle}\n}}\n{}", helpers()));
    assert!(bench.is_compiled());
    let mut good = 0;
    let mut random = 11_u64;
    for n in 0..200 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bits = random >> 33;
        bench.set("inp.b", Value::Bool(bits & 1 == 1));
        bench.set("inp.n", Value::I64(((bits >> 1) % 4) as i64));
        bench.set("inp.x", Value::F64((bits % 1000) as f64 - 500.0));
        good += u32::from(bench.run().is_ok());
        assert_eq!(bench.cycle, n + 1);
    }
    assert!(good > 20, "{good} of 200 cycles do not fault");
}

/// Functions with effects on their `this`.
const HELPERS: &str = "
fn bump() { this.n += 1; this.r.a = this.n; }
fn part(k) { this.a += k; this.b = this.a > 10; }
fn put(i, v) { this.v[i] = v; }
fn grown() { this.n += 1; this.n > 3 }
fn step_on() { if this.t == \"first\" { this.t = \"a step with a long name\"; } else { this.t = \"first\"; } }
";

/// [`HELPERS`], and functions so large that they are compiled by themselves if they are called twice.
fn helpers() -> String {
    let much = format!("let much = io.inp.n{};", " + io.inp.n".repeat(30));
    format!(
        "{HELPERS}
         fn far() {{ {much} this.n += 1; this.r.a = this.n * 2; this.r.b = !this.r.b; this.e.run(io.inp.b);
            io.n = this.n % 100; io.sets[1] = this.r.a % 50; }}
         fn far_part() {{ {much} this.a += 1; this.b = this.a > 3; if this.a > 40 {{ fault(\"forty\"); }} }}
         fn far_made(x) {{ {much} #{{ a: x, b: x > 2 }} }}"
    )
}

#[test]
fn a_store_to_the_same_place_is_seen() {
    agrees(
        "n: 0, m: 0, f: 0.0, b: false",
        "this.n = 3; this.m = this.n + this.n; this.n += this.m; io.n = this.n;
         this.f = io.inp.x; this.f = this.f * this.f; io.x = this.f;
         this.b = io.inp.b; this.b = !this.b; io.b = this.b; io.b = !io.b; io.valve.up = io.b;",
    );
}

#[test]
fn an_element_may_be_the_same_as_another() {
    agrees(
        "v: array(4, 1), w: array(4, 2), s: 0",
        "let i = io.inp.n;
         let first = this.v[0];
         this.v[i] = this.v[i] + 10;
         this.s = this.v[0] + this.v[i] + this.v[-1] + first;
         this.v[3 - i] = this.s; this.w[i] = this.v[i] + this.w[i];
         this.s += this.v[i] + this.v[3 - i] + this.w[i];
         io.n = this.s % 1000; this.v[i] %= 1000; this.v[3 - i] %= 1000; this.w[i] %= 1000; this.s %= 1000;",
    );
    agrees(
        "p: array(4, array(4, 1.0)), s: 0.0",
        "let i = io.inp.n; let j = 3 - i;
         this.p[i][j] = this.p[j][i] + 1.0;
         this.p[j][i] = this.p[i][j] * 0.5 + this.p[i][0];
         this.s = this.p[i][j] - this.p[j][i] + this.p[0][0] + this.p[i][i];
         io.x = this.s;",
    );
}

#[test]
fn what_branches_and_arms_store_is_seen_behind_them() {
    agrees(
        "n: 0, m: 0, t: \"first\", r: #{ a: 0, b: false }, v: array(4, 0)",
        "this.n = 5; let before = this.n;
         if io.inp.b { this.n = 6; } else if io.inp.n > 1 { this.m = this.n; }
         this.m += this.n + before;
         switch io.inp.n { 0 => this.n = 1, 1 if this.n == 6 => { this.m = 1; this.r.a = 9; } 2 => this.step_on(), _ => {} }
         io.n = (this.n + this.m + this.r.a) % 1000;
         if this.t == \"first\" && { this.n += 1; this.n } > 3 { this.m += this.n; }
         this.bump(); this.r.part(this.n); this.m += this.n + this.r.a; this.m %= 100; this.r.a %= 100;
         io.b = this.t == \"first\"; this.put(io.inp.n, this.m); this.m += this.v[2]; io.valve.down = this.r.b;",
    );
}

#[test]
fn what_a_loop_stores_is_seen_in_its_next_turn_and_behind_it() {
    agrees(
        "n: 0, m: 0, v: array(20, 0), f: 0.0",
        "this.n = 0; this.m = 1;
         for i in 0..20 { this.m += this.n; this.n = i; if i == 15 && io.inp.b { break; } this.v[i] = this.n + this.m; }
         let k = 0;
         while k < this.n { k += 3; this.n -= 1; if k == 6 { continue; } this.v[k % 20] += this.n; }
         do { this.n += 1; this.m -= this.n; } while this.m > 100;
         io.n = (this.n + this.m + this.v[7]) % 1000; this.m %= 100;
         for x in this.v { this.f += x.to_float(); } this.f = min(this.f, 1000.0); io.x = this.f;
         for i in 0..20 { this.v[i] %= 50; }",
    );
}

#[test]
fn short_loops_do_what_long_ones_do() {
    agrees(
        "v: array(4, 0), p: array(3, array(4, 0.0)), n: 0, s: 0.0",
        "for i in 0..4 { this.v[i] = i * 10 + io.inp.n; this.v[-1 - i] += i; }
         for i in 0..3 { for j in 0..4 { let d = i - j; this.p[i][j] = this.p[2 - i][3 - j] + to_float(d); } }
         let sum = 0; for i in 1..=3 { let last = 6 / i; sum += this.v[i] * last; }
         for (i, turn) in 2..5 { sum += i * 100 + turn; }
         for i in 3..3 { sum += 1000; }
         for i in 0..4 { if i > io.inp.n { sum += 1; } else { this.n = i; } }
         for i in 0..4 { if i == io.inp.n { continue; } sum += this.v[i]; }
         for i in 0..4 { if this.v[i] > 25 && io.inp.b { break; } sum += 1; }
         for i in 0..2 { let i = i + sum; this.n += i; }
         this.n = (this.n + sum) % 1000; io.n = this.n;
         for i in 0..3 { for j in i..4 { this.s += this.p[i][j]; } } this.s = clamp(this.s, -9.0, 9.0); io.x = this.s;",
    );
    // An index that is outside in one of the turns, and an overflow in one of them.
    agrees(
        "v: array(4, 0), n: 0",
        "for i in 0..4 { this.n += i; this.v[i + io.inp.n] = this.n; }
         for i in 0..4 { this.n = 9223372036854775800 + i * io.inp.n * 2; }",
    );
}

#[test]
fn blocks_are_seen_to_change() {
    agrees(
        "t: TON(), ts: array(3, TON()), c: CTU(), e: R_TRIG(), h: HYSTERESIS(-1.0, 1.0), sr: SR(), low: LOWPASS(20.0, 0.7), n: 0",
        "this.t.run(io.inp.b, 0.003); let q = this.t.Q; this.t.run(io.inp.n > 0, 0.002); io.b = q != this.t.Q;
         for i in 0..3 { this.ts[i].run(io.inp.n >= i, 0.002); if this.ts[i].Q && this.ts[0].Q { this.n += 1; } }
         let k = min(io.inp.n, 2); this.ts[k].run(io.inp.b, 0.001); if this.ts[1].Q { this.n += 10; }
         this.e.run(io.inp.b); this.c.run(this.e.Q, this.c.CV > 5, 3); this.sr.run(this.c.Q, this.e.Q);
         this.h.run(io.inp.x * 0.01); io.valve.up = this.h.Q; io.valve.down = this.sr.Q1;
         io.x = this.low.run(io.inp.x) + this.low.OUT; this.n %= 1000; io.n = this.n + this.c.CV;",
    );
}

#[test]
fn tags_are_seen_to_change() {
    agrees(
        "n: 0",
        "io.sets[0] = io.inp.n; io.sets[io.inp.n % 3] += 1; this.n = io.sets[0] + io.sets[1];
         io.sets[1] = this.n; this.n += io.sets[io.inp.n % 3]; io.saturated = this.n * 10; this.n = io.saturated;
         for i in 0..3 { io.sets[i] = io.sets[2 - i] % 50; } io.n = io.sets[2];
         io.limited = io.inp.x * 0.05; io.x = io.limited; this.n %= 100;",
    );
}

/// Tags are marked as written where they are, and not on any other path; the bench compares the marks.
#[test]
fn what_is_written_on_one_path_is_marked_on_no_other() {
    agrees(
        "n: 0",
        "if io.inp.n == 1 { io.n = 1; io.b = true; fault(\"one\"); }
         if io.inp.n == 2 { io.x = 1.0; io.valve.up = true; } else { io.valve.down = io.inp.b; }
         io.b = io.inp.b && { io.limited = 2.0; io.inp.x > 0.0 };
         switch io.inp.n { 0 => io.sets[0] = 5, 3 => { io.sets[2] = 1; return; } _ => {} }
         for i in 0..2 { if io.inp.x < 0.0 { io.saturated = i; break; } io.sets[1] = i; }
         if io.inp.b { io.sets[io.inp.n % 3] = 1; }",
    );
}

#[test]
fn what_functions_by_themselves_store_is_seen_by_their_callers() {
    agrees(
        "n: 0, m: 0, r: #{ a: 0, b: false }, rs: array(4, #{ a: 0, b: false }), e: R_TRIG()",
        "this.n = 3 + io.inp.n; this.r.a = 1; this.r.b = true; io.n = 7; io.sets[1] = 2;
         let before = io.n + this.n; let q = this.e.Q;
         this.far(); this.m = this.n + this.r.a + io.n + io.sets[1] + before;
         if q != this.e.Q { this.m += 1000; }
         this.far(); if this.r.b { this.m += this.n + this.r.a; } if this.e.Q { this.m += 5000; }
         for i in 0..20 { this.m += this.n + io.sets[1]; if i % 3 == io.inp.n { this.far(); } this.m += this.r.a + io.n; }
         let first = this.rs[0].a; let i = io.inp.n;
         this.rs[i].far_part(); this.rs[i].a += 1; this.rs[0].far_part(); this.r.far_part();
         this.m += first + this.rs[0].a + this.rs[i].a + this.rs[1].a + this.r.a;
         if this.rs[i].b { this.m += 1; } this.rs[i].a %= 30; this.rs[0].a %= 30;
         this.r = far_made(io.inp.n); this.m += this.r.a; this.r = far_made(this.m % 5); this.m += this.r.a;
         io.b = this.r.b; io.n = this.m % 1000;",
    );
}

/// Of these blocks some methods are called and some pins are loads.
#[test]
fn what_the_runtime_stores_is_seen() {
    agrees(
        "one: RAMP(50.0, 70.0, 0.0), more: array(4, RAMP(20.0, 20.0, 1.0)), s: 0.0",
        "this.one.run(io.inp.x); let a = this.one.OUT; this.one.preset(2.5); this.s = a - this.one.OUT;
         if io.inp.b { this.one.preset(7.0); } this.s += this.one.OUT;
         for i in 0..20 { this.s += this.one.OUT; this.one.preset(to_float(i)); }
         let i = io.inp.n; this.s += this.more[0].OUT + this.more[i].OUT;
         this.more[i].preset(this.s * 0.01); this.s += this.more[0].OUT + this.more[i].OUT;
         this.more[0].run(io.inp.x); this.s += this.more[i].OUT; if this.one.DONE != this.more[i].DONE { this.s += 1.0; }
         this.s = clamp(this.s, -100.0, 100.0); io.x = this.s;",
    );
}

/// The bench compares state and tags after every fault, and goes on from there.
#[test]
fn a_fault_undoes_what_was_stored_before_it() {
    agrees(
        "n: 0, m: 0, v: array(4, 0), t: TON(), part: #{ a: 0, b: false }",
        "this.n += 1; this.v[0] = this.n; io.n = this.n; io.sets[0] = this.n; this.t.run(io.inp.b, 0.002);
         if io.inp.n == 1 && io.inp.b { this.n = 50; io.n = 60; fault(\"one\"); }
         let share = 100 / (io.inp.n - 2); this.m += share;
         this.v[io.inp.n + if io.inp.x > 300.0 { 3 } else { 0 }] = this.m;
         for i in 0..20 { this.part.a = i; if i == 19 && io.inp.x < -450.0 { fault(\"two\"); } }
         this.part.a = this.m % 50; this.part.far_part(); this.part.far_part();
         if this.t.Q { this.n += 100; } io.n = (this.n + this.v[0] + this.part.a) % 1000; this.n %= 1000; this.m %= 1000;",
    );
}

#[test]
fn what_guards_store_is_seen_in_every_arm() {
    agrees(
        "n: 0, m: 0, k: 0",
        "this.n = io.inp.n; this.m = 1; io.sets[0] = 1; let known = this.n + this.m + io.sets[0];
         switch io.inp.n {
            0 if this.grown() => this.k += this.n + 100 * this.m,
            0 if this.m == 2 => this.k += 1,
            2 if this.grown() => this.k += this.n + 200,
            2 if this.grown() => this.k += this.n + 300,
            0..3 if this.grown() => this.k += this.n + 1000 * io.sets[0],
            1..4 if this.n > 2 => this.k += this.n * 10,
            _ => this.k += this.n + this.m,
         }
         this.k += this.n + known; this.k %= 10000; io.n = this.k % 1000;",
    );
    agrees(
        "n: 0, m: 0, k: 0, t: \"first\"",
        "this.n = io.inp.n; io.sets[0] = 1; let known = this.n + io.sets[0];
         switch this.t {
            \"first\" if this.grown() => { this.k += this.n; this.step_on(); }
            \"first\" => { this.k += this.n + 100; this.step_on(); }
            \"a step with a long name\" if this.grown() => { this.k += this.n + 200; this.t = \"a step with a long tail\"; }
            \"a step with a long name\" if io.inp.b => { this.k += this.n + 300; this.step_on(); }
            \"a step with a long tail\" => { this.k += this.n + 400; this.t = \"first\"; }
            _ => this.k += this.n,
         }
         if this.t == \"first\" { this.k += 1; } this.k += this.n + known; this.k %= 10000; io.n = this.k % 1000;",
    );
}
