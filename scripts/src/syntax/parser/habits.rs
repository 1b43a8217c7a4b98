//! Words of other languages: what is written here instead.

use super::{K, Parser};

impl Parser<'_> {
    /// The next token is an operator elsewhere, or stands before a block there.
    pub(super) fn foreign_operator(&self) -> Option<&'static str> {
        if !matches!(self.current(), K::Ident | K::DoKw) {
            return None;
        }
        Some(match self.current_text() {
            "and" | "AND" | "And" | "and_then" | "AND_THEN" => "both at once is `a && b`",
            "or" | "OR" | "Or" | "or_else" | "OR_ELSE" => "one or the other is `a || b`",
            "xor" | "XOR" => "one but not the other is `a != b`",
            "mod" | "MOD" => "the rest of a division is `a % b`",
            "then" | "THEN" | "Then" => "leave it away: a choice is `if condition { … }`",
            "do" | "DO" => "leave it away: a loop is `while condition { … }`",
            _ => return None,
        })
    }

    /// The last token begins a statement elsewhere.
    pub(super) fn foreign_statement(&self) -> Option<&'static str> {
        if self.last() != Some(K::Ident) {
            return None;
        }
        let start = self.position.checked_sub(1).and_then(|last| self.significant.get(last));
        let start = start.and_then(|&index| self.tokens.get(index as usize))?.start;
        Some(match self.slice(start, self.end_of_last()) {
            "IF" | "If" => "a choice is `if condition { … }`",
            "ELSIF" | "elsif" | "elif" | "ELIF" | "elseif" | "ELSEIF" => {
                "another condition is `} else if condition { … }`"
            }
            "CASE" | "Case" => "a choice between values is `switch value { 1 => …, _ => … }`",
            "FOR" | "For" => "a loop that counts is `for i in 0..10 { … }`",
            "WHILE" | "While" => "a loop is `while condition { … }`",
            "REPEAT" | "repeat" => "a loop is `do { … } until condition;`",
            "VAR" | "VAR_INPUT" | "VAR_OUTPUT" => {
                "a variable is `let name = value;`, and what is kept stands in the record that `init` returns"
            }
            "function" | "def" | "func" | "FUNCTION" => "a function is `fn name(a, b) { … }`",
            "BOOL" | "INT" | "DINT" | "REAL" | "LREAL" | "TIME" | "bool" | "int" | "float" | "double"
            | "long" => "a variable is `let name = value;`: its type is that of the value",
            "mut" => "leave `mut` away: what `let` declares can change",
            "NOT" | "not" => "the opposite is `!a`",
            "RETURN" | "Return" => "a function is left with `return value;`",
            _ => return None,
        })
    }
}
