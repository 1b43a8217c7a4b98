//! Programs that nobody wrote: whatever they compute, what is said of it holds.

use super::{Cell, hir, run_and_judge};

/// Writes programs.
struct Author {
    chance: u64,
    /// Variables in scope.
    ints: Vec<String>,
    floats: Vec<String>,
    names: usize,
    /// Functions that may be called: those below.
    functions: usize,
    in_loop: bool,
    in_cycle: bool,
}

impl Author {
    fn pick(&mut self, below: usize) -> usize {
        self.chance =
            self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) as usize % below.max(1)
    }

    fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.pick(texts.len())]
    }

    fn name(&mut self, start: &str) -> String {
        self.names += 1;
        format!("{start}{}", self.names)
    }

    fn index(&mut self, len: usize, depth: usize) -> String {
        match self.pick(4) {
            0 => self.pick(len).to_string(),
            1 if !self.ints.is_empty() => {
                let at = self.pick(self.ints.len());
                self.ints[at].clone()
            }
            2 => format!("-{}", 1 + self.pick(len)),
            _ => format!("({}) % {len}", self.int(depth)),
        }
    }

    fn int(&mut self, depth: usize) -> String {
        if depth == 0 || self.pick(4) == 0 {
            return match self.pick(9) {
                0 | 1 if !self.ints.is_empty() => {
                    let at = self.pick(self.ints.len());
                    self.ints[at].clone()
                }
                2 => "this.n".to_owned(),
                3 => "this.k".to_owned(),
                4 if self.in_cycle => {
                    self.of(&["io.byte", "io.limited", "io.count", "param.batch", "param.any"]).to_owned()
                }
                5 => self.of(&["9223372036854775807", "1000000", "64", "-1", "0", "-7"]).to_owned(),
                6 => format!("this.a[{}]", self.index(4, 0)),
                7 => format!("TABLE[{}]", self.index(5, 0)),
                _ => (self.pick(12) as i64 - 3).to_string(),
            };
        }
        let depth = depth - 1;
        match self.pick(13) {
            0..=3 => {
                let operator = self.of(&["+", "-", "*", "+", "-"]);
                format!("({} {operator} {})", self.int(depth), self.int(depth))
            }
            4 => {
                let operator = self.of(&["/", "%", "%", "&", "|", "^", "<<", ">>", "**"]);
                format!("({} {operator} {})", self.int(depth), self.int(depth))
            }
            5 => format!("({} % {})", self.int(depth), 1 + self.pick(20)),
            6 => {
                let function = self.of(&["min", "max"]);
                format!("{function}({}, {})", self.int(depth), self.int(depth))
            }
            7 => format!("clamp({}, {}, {})", self.int(depth), self.pick(5), 5 + self.pick(20)),
            8 => {
                let function = self.of(&["abs", "sign", "-", "+"]);
                format!("{function}({})", self.int(depth))
            }
            9 => format!("to_int(clamp({}, -1e6, 1e6))", self.float(depth)),
            10 => format!("if {} {{ {} }} else {{ {} }}", self.bool(depth), self.int(depth), self.int(depth)),
            11 if self.functions > 0 => {
                let function = self.pick(self.functions);
                format!("f{function}({}, {})", self.int(depth), self.int(depth))
            }
            11 | 12 => format!("this.parts[{}].v", self.index(2, depth)),
            _ => self.int(0),
        }
    }

    fn float(&mut self, depth: usize) -> String {
        if depth == 0 || self.pick(4) == 0 {
            return match self.pick(8) {
                0 | 1 if !self.floats.is_empty() => {
                    let at = self.pick(self.floats.len());
                    self.floats[at].clone()
                }
                2 => "this.x".to_owned(),
                3 => format!("this.f[{}]", self.index(3, 0)),
                4 if self.in_cycle => {
                    self.of(&["io.force", "io.free", "io.valve", "param.gain", "sys.dt"]).to_owned()
                }
                5 => self.of(&["1e300", "0.0", "-0.5", "1e-300", "3.0"]).to_owned(),
                _ => format!("{}.5", self.pick(9)),
            };
        }
        let depth = depth - 1;
        match self.pick(10) {
            0..=3 => {
                let operator = self.of(&["+", "-", "*", "/", "%"]);
                format!("({} {operator} {})", self.float(depth), self.float(depth))
            }
            4 => {
                let operator = self.of(&["+", "-", "*", "/"]);
                format!("({} {operator} {})", self.float(depth), self.int(depth))
            }
            5 => {
                let function = self.of(&[
                    "abs",
                    "sqrt",
                    "sin",
                    "cos",
                    "tan",
                    "asin",
                    "acos",
                    "atan",
                    "exp",
                    "ln",
                    "log10",
                    "floor",
                    "ceil",
                    "round",
                    "trunc",
                    "round_even",
                    "to_radians",
                    "-",
                ]);
                format!("{function}({})", self.float(depth))
            }
            6 => {
                let function = self.of(&["min", "max", "atan2", "hypot", "pow", "deadband"]);
                format!("{function}({}, {})", self.float(depth), self.float(depth))
            }
            7 => format!("clamp({}, {}.0, {}.5)", self.float(depth), self.pick(5), 5 + self.pick(20)),
            8 => format!("to_float({})", self.int(depth)),
            _ => format!("lerp({}, {}, {})", self.float(depth), self.float(depth), self.float(depth)),
        }
    }

    fn bool(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.pick(3) {
                0 if self.in_cycle => "io.start".to_owned(),
                1 => "this.b".to_owned(),
                _ => format!("{} > 2", self.int(0)),
            };
        }
        let depth = depth - 1;
        let comparison = self.of(&["<", "<=", ">", ">=", "==", "!="]);
        match self.pick(9) {
            0..=2 => format!("{} {comparison} {}", self.int(depth), self.int(depth)),
            3 => format!("{} {comparison} {}", self.float(depth), self.float(depth)),
            4 => format!("({} && {})", self.bool(depth), self.bool(depth)),
            5 => format!("({} || {})", self.bool(depth), self.bool(depth)),
            6 => format!("!({})", self.bool(depth)),
            7 => {
                let function = self.of(&["is_finite", "is_nan"]);
                format!("{function}({})", self.float(depth))
            }
            _ => {
                let (step, equal) = (self.of(&["a", "b", "c", "never"]), self.of(&["==", "!="]));
                format!("this.step {equal} \"{step}\"")
            }
        }
    }

    fn block(&mut self, depth: usize) -> String {
        let (ints, floats) = (self.ints.len(), self.floats.len());
        let count = 1 + self.pick(4);
        let text: Vec<String> = (0..count).map(|_| self.statement(depth)).collect();
        self.ints.truncate(ints);
        self.floats.truncate(floats);
        format!("{{ {} }}", text.join(" "))
    }

    fn statement(&mut self, depth: usize) -> String {
        let operator = self.of(&["=", "+=", "-=", "=", "*=", "%="]);
        match self.pick(if depth == 0 { 12 } else { 22 }) {
            0 => {
                let (name, value) = (self.name("i"), self.int(2));
                self.ints.push(name.clone());
                format!("let {name} = {value};")
            }
            1 => {
                let (name, value) = (self.name("x"), self.float(2));
                self.floats.push(name.clone());
                format!("let {name} = {value};")
            }
            2 => {
                let field = self.of(&["this.n", "this.k"]);
                format!("{field} {operator} {};", self.int(2))
            }
            3 => format!("this.x = {};", self.float(3)),
            4 => format!("this.a[{}] {operator} {};", self.index(4, 1), self.int(2)),
            5 => format!("this.f[{}] = {};", self.index(3, 1), self.float(2)),
            6 => format!("this.parts[{}].v = {};", self.index(2, 1), self.int(2)),
            7 => format!("this.b = {};", self.bool(2)),
            8 => {
                let step = self.of(&["a", "b", "c"]);
                format!("this.step = \"{step}\";")
            }
            9 if self.in_cycle => match self.pick(5) {
                0 => format!("io.limited {operator} {};", self.int(2)),
                1 => format!("io.count = clamp({}, 0, 100);", self.int(2)),
                2 => format!("io.valve = clamp({}, -10.0, 10.0);", self.float(2)),
                3 => format!("io.valves[{}] = {};", self.index(3, 1), self.float(2)),
                _ => "if is_finite(this.x) { io.free = this.x; }".to_owned(),
            },
            10 if !self.ints.is_empty() => {
                let at = self.pick(self.ints.len());
                format!("{} {operator} {};", self.ints[at].clone(), self.int(1))
            }
            11 if self.functions > 0 => {
                let function = self.pick(self.functions);
                match self.pick(2) {
                    0 => format!("this.g{function}({});", self.int(1)),
                    _ => format!("this.parts[{}].h{function}({});", self.index(2, 1), self.int(1)),
                }
            }
            12 | 13 => format!("if {} {}", self.bool(3), self.block(depth - 1)),
            14 => format!("if {} {} else {}", self.bool(2), self.block(depth - 1), self.block(depth - 1)),
            15 | 16 => {
                let (name, outer) = (self.name("i"), std::mem::replace(&mut self.in_loop, true));
                let range = match self.pick(4) {
                    0 => "0..this.a.len".to_owned(),
                    1 => format!("{}..={}", self.pick(3), self.pick(6)),
                    2 => format!("0..({}) % 6", self.int(1)),
                    _ => "this.a".to_owned(),
                };
                self.ints.push(name.clone());
                let body = self.block(depth - 1);
                self.ints.retain(|other| *other != name);
                self.in_loop = outer;
                format!("for {name} in {range} {body}")
            }
            17 => {
                let (name, outer) = (self.name("i"), std::mem::replace(&mut self.in_loop, true));
                self.ints.push(name.clone());
                let (body, end, step) = (self.block(depth - 1), 1 + self.pick(8), 1 + self.pick(3));
                self.in_loop = outer;
                match self.pick(3) {
                    0 => format!("let {name} = 0; while {name} < {end} {{ {name} += {step}; {body} }}"),
                    1 => format!("let {name} = {end}; do {{ {name} -= {step}; {body} }} while {name} > 0;"),
                    _ => format!(
                        "let {name} = 0; do {{ {name} = {name} + {step}; {body} }} until {name} >= {end};"
                    ),
                }
            }
            18 => format!(
                "switch {} {{ 0 => {} 1 | 2 if {} => {} 3..=9 => {} _ => {} }}",
                self.int(2),
                self.block(depth - 1),
                self.bool(1),
                self.block(depth - 1),
                self.block(depth - 1),
                self.block(depth - 1)
            ),
            19 => format!(
                "switch this.step {{ \"a\" => {} \"b\" if {} => {} _ => {} }}",
                self.block(depth - 1),
                self.bool(1),
                self.block(depth - 1),
                self.block(depth - 1)
            ),
            20 if self.in_loop => format!("if {} {{ {}; }}", self.bool(1), self.of(&["break", "continue"])),
            _ => format!("this.n = ({}) % 1000;", self.int(2)),
        }
    }

    fn program(&mut self) -> String {
        let mut text = "const TABLE = [3, 0, -2, 50, 7];\n".to_owned();
        text.push_str(
            "fn init() { #{ n: 0, k: 1, x: 0.5, b: false, step: \"a\", a: [1, 2, 3, 4], f: [0.0, 0.5, 1.0], \
             parts: [#{ v: 1, n: 0, k: 2, x: 0.0, b: true, step: \"a\", a: [0, 0, 0, 0], f: [0.0, 0.0, 0.0] }, \
             #{ v: 2, n: 0, k: 2, x: 0.0, b: true, step: \"b\", a: [0, 0, 0, 0], f: [0.0, 0.0, 0.0] }] } }\n",
        );
        let functions = self.pick(4);
        for function in 0..functions {
            self.functions = function;
            self.in_cycle = true;
            self.ints = vec!["p".to_owned(), "q".to_owned()];
            let plain = self.plain_body();
            text.push_str(&format!("fn f{function}(p, q) {{ {plain} }}\n"));
            self.ints = vec!["p".to_owned()];
            let method = self.block(2);
            let method = if method.contains("parts") { "{ this.n = p % 50; }".to_owned() } else { method };
            text.push_str(&format!("fn g{function}(p) {method}\n"));
            let part = self.part_body();
            text.push_str(&format!("fn h{function}(p) {{ {part} }}\n"));
        }
        self.functions = functions;
        self.ints = Vec::new();
        let count = 3 + self.pick(8);
        let body: Vec<String> = (0..count).map(|_| self.statement(3)).collect();
        text.push_str(&format!("fn cycle() {{\n    {}\n}}\n", body.join("\n    ")));
        text
    }

    /// Without `this`.
    fn plain_body(&mut self) -> String {
        let texts = [
            "if p > q { return p - q; } let s = 0; for i in 0..(q % 5) { s += i; } s + p % 9",
            "let r = p; while r > 10 { r = r / 2; } r * (q & 7)",
            "if q == 0 { 0 } else { p % q }",
            "clamp(p, -q % 3, 50) + TABLE[abs(q % 5)]",
            "switch p { 0 => 1, 1..10 if q > 2 => q % 4, 20..=30 => 100 / (q & 7 | 1), _ => -1 }",
        ];
        self.of(&texts).to_owned()
    }

    /// On a part.
    fn part_body(&mut self) -> String {
        let texts = [
            "this.v = p % 20; if this.v > 3 { this.n = 60 / this.v; }",
            "for i in 0..this.a.len { this.a[i] = p % (i + 1); this.v += this.a[i] % 5; } this.v %= 100;",
            "if this.step == \"a\" { this.step = \"b\"; this.x = sin(this.x) + 0.5; } else { this.step = \"a\"; }",
            "this.v = clamp(p, 0, 9); this.k = this.a[this.v % 4] % 7;",
        ];
        self.of(&texts).to_owned()
    }
}

fn author(seed: u64) -> Author {
    Author {
        chance: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678,
        ints: Vec::new(),
        floats: Vec::new(),
        names: 0,
        functions: 0,
        in_loop: false,
        in_cycle: true,
    }
}

#[test]
fn whatever_runs_stays_within_what_is_said_of_it() {
    let cell = Cell::new();
    let first: u64 = std::env::var("RANGES_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let count: u64 =
        std::env::var("RANGES_PROGRAMS").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    let mut ended = 0;
    for seed in first..first + count {
        let text = author(seed).program();
        let hir = hir(&text, &cell.environment());
        ended += run_and_judge(&text, &hir, &cell, 40, seed);
    }
    assert!(ended > count * 5, "most programs end most of their cycles: {ended}");
}
