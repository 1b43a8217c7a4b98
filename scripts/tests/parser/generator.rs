//! Programs from the grammar of Rhai, as it is documented, not as our parser has it.
//!
//! Most are accepted; a few rules make what Rhai refuses, as its parser has to be met there too.

use crate::random::Random;

/// A program of some statements and functions.
pub fn program(random: &mut Random) -> String {
    let mut generator =
        Generator { random, out: String::new(), budget: 60, breakable: false, function: false };
    for _ in 0..=generator.random.below(4) {
        generator.item();
    }
    generator.out
}

struct Generator<'r> {
    random: &'r mut Random,
    out: String,
    /// Expressions and statements that may still be nested.
    budget: usize,
    breakable: bool,
    function: bool,
}

const NAMES: [&str; 10] = ["a", "b", "x", "io", "value_1", "_tmp", "TON", "step", "exit", "contains"];

const LITERALS: &[&str] = &[
    "0",
    "1",
    "42",
    "1_000",
    "0xff",
    "0b1010",
    "0o17",
    "0xFFFF_FFFF_FFFF_FFFF",
    "9223372036854775807",
    "9223372036854775808",
    "1.5",
    "0.",
    "1e3",
    "2.5e-3",
    "1_0.2_5",
    "1e400",
    "true",
    "false",
    "()",
    "\"\"",
    "\"text\"",
    "\"a\\n\\t\\\\\\\"b\"",
    "\"\\x41\\u20ac\\U0001F600\"",
    "\"say \"\"yes\"\"\"",
    "\"one \\\n   two\"",
    "\"ä€\"",
    "'a'",
    "'\\n'",
    "'\\''",
    "'\\x41'",
    "`text`",
    "`a``b`",
    "`\n two\nlines`",
    "`\\${x} $y`",
    "#\"raw \\n\"#",
    "##\"a \"# b\"##",
    "#\"\"#",
    "\"// no comment\"",
    "\"/* nor this\"",
    "7.",
    "1.0e+2",
    "'\"'",
    "\"'\"",
    "0xaB_cD",
    "`$`",
];

const BINARY: [&str; 24] = [
    "+", "-", "*", "/", "%", "**", "<<", ">>", "&", "|", "^", "&&", "||", "==", "!=", "<", "<=", ">", ">=",
    "in", "!in", "??", "..", "..=",
];

const ASSIGNMENTS: [&str; 12] = ["=", "+=", "-=", "*=", "/=", "%=", "**=", "<<=", ">>=", "&=", "|=", "^="];

impl Generator<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// What stands between two tokens: something, so that they do not become one.
    fn blank(&mut self) {
        let blank = match self.random.below(24) {
            0 => "\n",
            1 => "\n\n    ",
            2 => "\t",
            3 => " /* a /* nested */ comment */ ",
            4 => " // a comment\n",
            5 => " /// a documentation\n",
            6 => " /** another */ ",
            7 => "\r\n",
            8 => " //// no documentation\n",
            _ => " ",
        };
        self.put(blank);
    }

    /// Text with a blank before and behind it.
    fn word(&mut self, word: &str) {
        self.blank();
        self.put(word);
        self.blank();
    }

    fn name(&mut self) {
        let name = self.random.of(&NAMES);
        self.put(name);
    }

    /// Is there something left to nest? The less there is, the more often not.
    fn spend(&mut self) -> bool {
        let left = self.budget > 0;
        self.budget = self.budget.saturating_sub(1);
        left
    }

    fn item(&mut self) {
        self.budget = 60;
        match self.random.below(8) {
            0..=3 => self.function(),
            4 => {
                self.put("export");
                self.blank();
                match self.random.below(3) {
                    0 => self.variable("let"),
                    1 => self.variable("const"),
                    _ => {
                        self.name();
                        if self.random.one_in(2) {
                            self.word("as");
                            self.name();
                        }
                    }
                }
                self.put(";");
            }
            _ => self.statement(),
        }
        self.blank();
    }

    fn function(&mut self) {
        if self.random.one_in(4) {
            self.put("private");
            self.blank();
        }
        self.put("fn");
        self.blank();
        match self.random.below(8) {
            0 => self.put("int."),
            1 => self.put("\"My Type\"."),
            _ => {}
        }
        // Rarely twice the same one.
        let number = self.random.below(1000);
        let name = format!("f{number}");
        self.put(&name);
        self.parameters("(", ")");
        self.blank();
        self.function = true;
        self.block();
        self.function = false;
    }

    fn parameters(&mut self, open: &str, close: &str) {
        self.put(open);
        let count = self.random.below(4);
        for (index, name) in ["p", "q", "r"].into_iter().take(count).enumerate() {
            if index > 0 {
                self.put(",");
                self.blank();
            }
            self.put(name);
        }
        if count > 0 && self.random.one_in(6) {
            self.put(",");
        }
        self.put(close);
    }

    fn block(&mut self) {
        self.put("{");
        self.blank();
        if self.spend() {
            for _ in 0..self.random.below(4) {
                self.statement();
                self.blank();
            }
            if self.random.one_in(2) {
                self.expr_statement();
                self.blank();
            }
        }
        self.put("}");
    }

    fn loop_body(&mut self) {
        let outer = std::mem::replace(&mut self.breakable, true);
        self.block();
        self.breakable = outer;
    }

    /// A statement with its `;`, if it needs one.
    fn statement(&mut self) {
        if self.statement_parts() || self.random.one_in(8) {
            self.put(";");
        }
    }

    /// A statement; does it need a `;`?
    fn statement_parts(&mut self) -> bool {
        if !self.spend() {
            self.name();
            return true;
        }
        match self.random.below(22) {
            0..=2 => self.variable("let"),
            3 => self.variable("const"),
            4..=6 => {
                self.place();
                let op = self.random.of(&ASSIGNMENTS);
                self.word(op);
                self.expr();
            }
            7..=9 => {
                self.compound();
                return false;
            }
            10 => {
                self.block();
                return false;
            }
            11 => {
                self.put("try");
                self.blank();
                self.block();
                self.word("catch");
                if self.random.one_in(2) {
                    self.put("(");
                    self.name();
                    self.put(")");
                }
                self.block();
                return false;
            }
            12 => {
                self.put("do");
                self.blank();
                self.loop_body();
                let word = self.random.of(&["while", "until"]);
                self.word(word);
                self.condition();
            }
            13 => self.leave("return"),
            14 => self.leave("throw"),
            15 if self.breakable || self.random.one_in(20) => {
                if self.random.one_in(3) {
                    self.put("continue")
                } else {
                    self.leave("break")
                }
            }
            16 => {
                self.put("import");
                self.blank();
                self.expr();
                if self.random.one_in(2) {
                    self.word("as");
                    self.name();
                }
            }
            17 => {}
            _ => self.expr_statement(),
        }
        true
    }

    /// An expression that is not taken for a block.
    fn expr_statement(&mut self) {
        let start = self.out.len();
        self.expr();
        let keyword = ["if", "switch", "while", "loop", "for", "do", "{"];
        if keyword.into_iter().any(|keyword| self.out[start..].starts_with(keyword)) {
            self.out.insert(start, '(');
            self.put(")");
        }
    }

    /// What may stand in brackets.
    fn index(&mut self) {
        match self.random.below(12) {
            0 => self.expr(),
            1..=4 => self.put("0"),
            5 => self.put("-1"),
            _ => self.name(),
        }
    }

    fn variable(&mut self, word: &str) {
        self.put(word);
        self.blank();
        self.name();
        if !self.random.one_in(8) {
            self.word("=");
            self.expr();
        }
    }

    fn leave(&mut self, word: &str) {
        self.put(word);
        if self.random.one_in(2) {
            self.blank();
            self.expr();
        }
    }

    fn place(&mut self) {
        if self.function && self.random.one_in(3) {
            self.put("this")
        } else {
            self.name()
        }
        for _ in 0..self.random.below(4) {
            if self.random.one_in(3) {
                self.put("[");
                self.expr();
                self.put("]");
            } else {
                self.put(".");
                self.name();
            }
        }
        // Which is no place.
        if self.random.one_in(60) {
            self.put(".run()");
        }
    }

    fn compound(&mut self) {
        match self.random.below(7) {
            0 | 1 => {
                self.put("if");
                self.blank();
                self.condition();
                self.blank();
                self.block();
                while self.spend() && self.random.one_in(3) {
                    self.word("else");
                    self.put("if");
                    self.blank();
                    self.condition();
                    self.blank();
                    self.block();
                }
                if self.random.one_in(2) {
                    self.word("else");
                    self.block();
                }
            }
            2 | 3 => self.switch(),
            4 => {
                self.put("while");
                self.blank();
                self.condition();
                self.blank();
                self.loop_body();
            }
            5 => {
                self.put("loop");
                self.blank();
                self.loop_body();
            }
            _ => {
                self.put("for");
                self.blank();
                if self.random.one_in(2) {
                    self.put("(value, index)");
                } else {
                    self.name();
                }
                self.word("in");
                self.condition();
                self.blank();
                self.loop_body();
            }
        }
    }

    fn switch(&mut self) {
        self.put("switch");
        self.blank();
        self.expr();
        self.word("{");
        let count = self.random.below(4);
        let mut ranges = false;
        for index in 0..count {
            let last = index + 1 == count || self.random.one_in(40);
            if last && self.random.one_in(2) {
                self.put("_");
            } else {
                self.case_values(&mut ranges);
                if self.random.one_in(3) {
                    self.word("if");
                    self.condition();
                }
            }
            self.word("=>");
            let needs_comma = self.statement_parts();
            if needs_comma && index + 1 < count || self.random.one_in(2) {
                self.blank();
                self.put(",");
            }
            self.blank();
        }
        self.put("}");
    }

    fn case_values(&mut self, ranges: &mut bool) {
        for index in 0..=self.random.below(3) {
            if index > 0 {
                self.word("|");
            }
            match self.random.below(12) {
                0 | 1 => {
                    let range =
                        self.random.of(&["0..5", "1..=3", "..9", "5..7", "-3..=-1", "2..2", "()..4", "..=4"]);
                    self.put(range);
                    *ranges = true;
                }
                2 => {
                    let value =
                        self.random.of(&["[1, 2]", "#{ a: 1 }", "Fn(\"go_on\")", "[]", "(\"a\")", "-(1.5)"]);
                    self.put(value);
                }
                3 if self.random.one_in(20) => self.expr(),
                _ if *ranges && !self.random.one_in(20) => {
                    let value = self.random.of(&["\"a\"", "'b'", "true", "()", "`c`"]);
                    self.put(value);
                }
                _ => self.literal(),
            }
        }
    }

    fn literal(&mut self) {
        let literal = self.random.of(LITERALS);
        self.put(literal);
    }

    /// An expression where a `{` would be taken for a block, and some literals are refused.
    fn condition(&mut self) {
        let start = self.out.len();
        self.expr();
        let written = &self.out[start..];
        let refused = written.starts_with('{')
            || written.starts_with(|c: char| c.is_ascii_digit() || "\"'`#[(-+".contains(c))
            || written.ends_with("..");
        if refused && !self.random.one_in(30) {
            self.out.truncate(start);
            self.name();
        }
    }

    fn expr(&mut self) {
        if !self.spend() {
            if self.random.one_in(2) {
                self.name()
            } else {
                self.literal()
            }
            return;
        }
        match self.random.below(30) {
            0..=6 => self.binary(),
            7 | 8 => {
                let sign = self.random.of(&["-", "+", "!", "- ", "-(", "!(", "-1"]);
                self.put(sign);
                if sign != "-1" {
                    // Two signs in a row would be reserved.
                    self.blank();
                    self.operand();
                }
                if sign.ends_with('(') {
                    self.put(")");
                }
            }
            9 => {
                // Ranges with open ends, in brackets where they may have one.
                let bounds = self.random.of(&[
                    "[..]",
                    "[a..]",
                    "[..b]",
                    "(..=2)",
                    "(a..)",
                    "f(1.., ..2)",
                    "#{ r: 1..=3 }",
                ]);
                self.put(bounds);
            }
            _ => self.operand(),
        }
    }

    fn binary(&mut self) {
        self.operand();
        for _ in 0..=self.random.below(3) {
            let op = self.random.of(&BINARY);
            self.word(op);
            if op == "??" && self.random.one_in(3) {
                self.leave("return");
                return;
            }
            if self.random.one_in(8) {
                self.put("-");
                self.blank();
            }
            self.operand();
        }
    }

    fn operand(&mut self) {
        if !self.spend() {
            self.name();
            return;
        }
        match self.random.below(26) {
            0..=4 => self.literal(),
            5..=8 => self.name(),
            9 => {
                self.put("(");
                self.expr();
                self.put(")");
            }
            10 | 11 => {
                let callee =
                    self.random.of(&["f", "print", "type_of", "max", "m::f", "m::n::g", "(f)", "is_def_var"]);
                self.put(callee);
                if self.random.one_in(6) && !callee.contains("::") {
                    self.put("!");
                }
                self.arguments();
            }
            12 => self.put("m::VALUE"),
            13 => {
                self.put("[");
                self.items();
                self.put("]");
            }
            14 | 15 => self.map(),
            16 => self.closure(),
            17 => self.block(),
            18 | 19 => self.compound(),
            20 => self.interpolated(),
            21 if self.function => self.put("this"),
            22 => {
                let number = self.random.of(&["1", "-1", "0x1f", "2.5"]);
                self.put(number);
                self.put(".abs()");
            }
            _ => self.name(),
        }
        self.postfix();
    }

    fn postfix(&mut self) {
        // Its elements have names.
        if self.out.ends_with('}') && self.random.one_in(2) {
            self.put(".fields");
        }
        for _ in 0..self.random.below(4) {
            match self.random.below(8) {
                0 | 1 => {
                    self.put(".");
                    self.name();
                }
                2 => {
                    self.put("?.");
                    self.name();
                }
                3 | 4 => {
                    self.put("[");
                    self.index();
                    self.put("]");
                }
                5 if self.random.one_in(200) => {
                    self.put("?[");
                    self.index();
                    self.put("]");
                }
                _ => {
                    let dot = self.random.of(&[".", "?."]);
                    self.put(dot);
                    let method =
                        self.random.of(&["run", "len", "call", "type_of", "curry", "is_shared", "contains"]);
                    self.put(method);
                    self.arguments();
                }
            }
        }
    }

    fn arguments(&mut self) {
        self.put("(");
        if self.spend() {
            self.items();
        }
        self.put(")");
    }

    fn items(&mut self) {
        let count = self.random.below(4);
        for index in 0..count {
            if index > 0 {
                self.put(",");
                self.blank();
            }
            self.expr();
        }
        if count > 0 && self.random.one_in(6) {
            self.put(",");
        }
    }

    fn map(&mut self) {
        self.put("#{");
        self.blank();
        for (index, name) in
            ["a", "\"b c\"", "`d`", "#\"e\"#"].into_iter().take(self.random.below(5)).enumerate()
        {
            if index > 0 {
                self.put(",");
                self.blank();
            }
            self.put(name);
            self.put(":");
            self.blank();
            self.expr();
        }
        self.put("}");
    }

    fn closure(&mut self) {
        if self.random.one_in(3) {
            self.put("||");
        } else {
            self.parameters("|", "|");
        }
        self.blank();
        let outer = (self.breakable, self.function);
        (self.breakable, self.function) = (false, true);
        if self.random.one_in(4) {
            self.statement_parts();
        } else {
            self.expr();
        }
        (self.breakable, self.function) = outer;
    }

    fn interpolated(&mut self) {
        self.put("`");
        for _ in 0..=self.random.below(3) {
            let text = self.random.of(&["", "a", "\n", "``", "\\${", " } ", "€ "]);
            self.put(text);
            self.put("$");
            self.block();
        }
        let text = self.random.of(&["", "end", "$", "\n"]);
        self.put(text);
        self.put("`");
    }
}
