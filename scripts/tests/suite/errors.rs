//! Faults of running programs, word for word: what happened, what to do.

use crate::support::{Bench, fault};
use sensai_model::FaultCode;

#[test]
fn every_fault_says_what_happened_and_what_to_do() {
    for (body, code, text) in [
        (
            "let z = 0;\nthis.i = 7 / z;",
            FaultCode::DivisionByZero,
            "7 / 0: division by zero; test the divisor before",
        ),
        (
            "let z = 0;\nthis.i = 7 % z;",
            FaultCode::DivisionByZero,
            "7 % 0: division by zero; test the divisor before",
        ),
        (
            "let n = 9223372036854775807;\nthis.i = n + 1;",
            FaultCode::Overflow,
            "9223372036854775807 + 1 overflows an i64; keep the numbers smaller or calculate in f64",
        ),
        (
            "let n = -2;\nthis.i = 3 ** n;",
            FaultCode::OutOfRange,
            "3 ** -2: an i64 has no negative powers; calculate in f64, as in 2.0 ** -2",
        ),
        (
            "let a = [1, 2, 3];\nthis.i = a[3];",
            FaultCode::IndexOutOfBounds,
            "index 3 is out of bounds: the array has 3 elements, 0 to 2",
        ),
        (
            "let a = [1, 2, 3];\na[-4] = 1;",
            FaultCode::IndexOutOfBounds,
            "index -4 is out of bounds: the array has 3 elements, 0 to 2",
        ),
        (
            "let a = [1];\nthis.i = a[true];",
            FaultCode::TypeMismatch,
            "expected i64, got bool; types are never converted",
        ),
        (
            "let s = \"a\";\nthis.b = s > 1;",
            FaultCode::TypeMismatch,
            "`>` does not take text and i64; both sides must be of the same type, or numbers",
        ),
        (
            "let s = \"a\";\nthis.b = s + s == s;",
            FaultCode::TypeMismatch,
            "`+` does not take text and text; texts are names and do not grow",
        ),
        (
            "let x = 1.0;\nthis.i = x & 1;",
            FaultCode::TypeMismatch,
            "`&` does not take f64 and i64; bits are those of i64; convert with to_int()",
        ),
        (
            "let n = 1;\nif n { }",
            FaultCode::TypeMismatch,
            "expected bool, got i64; types are never converted",
        ),
        (
            "let n = 1;\nthis.b = n && true;",
            FaultCode::TypeMismatch,
            "expected bool, got i64; types are never converted",
        ),
        (
            "let n = 1;\nthis.f = max(n, 2.0);",
            FaultCode::TypeMismatch,
            "`max` takes (i64, i64) or (f64, f64), not (i64, f64); there is no conversion, write `7.0` instead of `7`, or to_float()",
        ),
        (
            "let x = 0.0 / 0.0;\nthis.i = to_int(x);",
            FaultCode::NotFinite,
            "to_int: the argument is not a number",
        ),
        (
            "let x = 5;\nx.run(true, 1.0);",
            FaultCode::TypeMismatch,
            "there is no `run` for (i64, bool, f64); check its arguments, types are never converted",
        ),
        (
            "let r = #{ a: 1 };\nthis.i = r.b;",
            FaultCode::UnknownName,
            "the record has no field `b`; the fields of the state are those that `init` returns",
        ),
        ("let n = 1;\nthis.i = n.foo;", FaultCode::UnknownName, "i64 has no property `foo`; check the name"),
        ("let n = 1;\nn.foo = 2;", FaultCode::ReadOnly, "`foo` of i64 cannot be written"),
        (
            "let x = 1.5;\nfor i in x { }",
            FaultCode::TypeMismatch,
            "`for` runs over a range or an array; write `for i in 0..n` or `for x in this.array`",
        ),
        (
            "let x = 1.5;\nfor i in 0..x { }",
            FaultCode::TypeMismatch,
            "a range runs from i64 to i64, not from i64 to f64; convert with to_int()",
        ),
        ("let n = 5;\nfault(n);", FaultCode::TypeMismatch, "fault() takes the fault's name as a text"),
        (
            "let n = 1.0;\nthis.i = array(n, 0)[0];",
            FaultCode::TypeMismatch,
            "array(n, value) takes an i64 for n, not f64",
        ),
        (
            "let n = 1;\nwhile n > 0 { n += 1; n -= 1; }",
            FaultCode::FuelExhausted,
            "more than 20000 operations in one cycle; spread the work over cycles, or raise [limits] operations",
        ),
        (
            "let b = true;\nb += 1;",
            FaultCode::TypeMismatch,
            "`+` does not take bool and i64; both sides must be of the same type, or numbers",
        ),
    ] {
        let got = fault(body);
        assert_eq!(got, (code, 4, text.to_owned()), "{body}");
        for jargon in ["Dynamic", "rhai", "getter", "indexer", "INT", "FLOAT", "map", "alloc::"] {
            assert!(!got.2.contains(jargon), "{}", got.2);
        }
    }
}

#[test]
fn blocks_check_their_arguments() {
    let bench = |cycle: &str| {
        Bench::new(&format!(
            "fn init() {{ #{{ t: TON(), c: CTU(), h: #{{ t: TON() }} }} }}\nfn cycle() {{\n{cycle}\n}}\n"
        ))
    };
    for (cycle, code, text) in [
        (
            "let n = 1; this.t.run(true, n);",
            FaultCode::TypeMismatch,
            "TON.run: argument PT is i64, expected f64; there is no conversion, write `7.0` instead of `7`, or to_float()",
        ),
        (
            "let n = 1.0; this.c.run(true, false, n);",
            FaultCode::TypeMismatch,
            "CTU.run: argument PV is f64, expected i64; there is no conversion, use to_int()",
        ),
        (
            "let s = \"x\"; this.t.run(s, 1.0);",
            FaultCode::TypeMismatch,
            "TON.run: argument IN is text, expected a bool or a number",
        ),
    ] {
        let error = bench(cycle).run_fault();
        assert_eq!((error.fault.code, error.fault.line, error.text.to_string().as_str()), (code, 3, text));
    }
}

#[test]
fn the_way_to_a_fault_is_told() {
    let error = Bench::new(
        "fn init() { #{ n: 0 } }\nfn cycle() {\n    this.outer();\n}\nfn outer() {\n    inner(0);\n}\nfn inner(z) {\n    1 / z\n}\n",
    )
    .run_fault();
    assert_eq!((error.fault.line, error.fault.column), (9, 7));
    assert_eq!(
        error.text,
        "1 / 0: division by zero; test the divisor before (in `inner`, called in line 6) (in `outer`, called in line 3)"
    );
}
