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
            "let a = [1, 2, 3]; let i = 3;\nthis.i = a[i];",
            FaultCode::IndexOutOfBounds,
            "index 3 is out of bounds: the array has 3 elements, 0 to 2",
        ),
        (
            "let a = [1, 2, 3]; let i = -4;\na[i] = 1;",
            FaultCode::IndexOutOfBounds,
            "index -4 is out of bounds: the array has 3 elements, 0 to 2",
        ),
        (
            "let x = 0.0 / 0.0;\nthis.i = to_int(x);",
            FaultCode::NotFinite,
            "to_int: the argument is not a number",
        ),
        (
            "let n = 1;\nwhile n > 0 { n += 1; n -= 1; }",
            FaultCode::FuelExhausted,
            "more than 20000 operations in one cycle; spread the work over cycles, or raise [limits] operations",
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
