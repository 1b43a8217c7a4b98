//! Just enough of Rust's lexical structure to tell code from comments, texts and tests.

/// The text with every comment and the inside of every literal blanked out; lines keep their numbers.
pub fn code_only(text: &str) -> String {
    Scanner { rest: text, out: String::with_capacity(text.len()) }.scan()
}

/// `code` (see [`code_only`]) with every item under `#[cfg(test)]` blanked out.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        let (before, item) = rest.split_at(start);
        out.push_str(before);
        let (item, after) = item.split_at(item_len(item));
        blank(&mut out, item);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Length of the item at the start: to its semicolon, or to the end of its braces.
fn item_len(item: &str) -> usize {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (index, c) in item.char_indices() {
        match c {
            '{' => braces += 1,
            '}' if braces <= 1 => return index + 1,
            '}' => braces -= 1,
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return index + 1,
            _ => {}
        }
    }
    item.len()
}

fn blank(out: &mut String, text: &str) {
    out.extend(text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
}

struct Scanner<'a> {
    rest: &'a str,
    out: String,
}

impl Scanner<'_> {
    fn scan(mut self) -> String {
        while let Some(c) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                self.blank(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.blank(block_comment_len(self.rest));
            } else if let Some(length) = raw_text_len(self.rest).filter(|_| !self.inside_word()) {
                self.blank(length);
            } else if c == '"' {
                self.blank(quoted_len(self.rest, '"'));
            } else if let Some(length) = char_len(self.rest) {
                self.blank(length);
            } else {
                self.keep(c.len_utf8());
            }
        }
        self.out
    }

    /// Whether the last thing kept belongs to a name, so that an `r` here starts no literal.
    fn inside_word(&self) -> bool {
        self.out.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    }

    fn keep(&mut self, length: usize) {
        let (kept, rest) = self.rest.split_at(length);
        self.out.push_str(kept);
        self.rest = rest;
    }

    fn blank(&mut self, length: usize) {
        let (blanked, rest) = self.rest.split_at(length);
        blank(&mut self.out, blanked);
        self.rest = rest;
    }
}

/// Block comments nest.
fn block_comment_len(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            at += 2;
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// `r"…"`, `br#"…"#`, `cr##"…"##`.
fn raw_text_len(text: &str) -> Option<usize> {
    let after_prefix = ["r", "br", "cr"]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix).filter(|rest| rest.starts_with(['#', '"'])))?;
    let inside = after_prefix.trim_start_matches('#');
    let hashes = after_prefix.len() - inside.len();
    let inside = inside.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(text.len() - inside.len() + length)
}

fn quoted_len(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return index + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// A character literal, not a lifetime.
fn char_len(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('\'')?;
    let mut chars = inside.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        return Some(quoted_len(text, '\''));
    }
    let (end, second) = chars.next()?;
    (second == '\'').then_some(1 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let code = code_only(text);
        assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), expected);
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        check("a // b\nc", "a c");
        check("a /* b /* c */ d */ e", "a e");
        check("a(\"b // \\\" c\", d)", "a( , d)");
        check("a r#\"b \" c\"# d", "a d");
        check("a br\"b\\\" c", "a c");
        check("var\"x\"", "var");
        check("'\"' x '\\'' y 'é'", "x y");
        check("fn f<'a>(x: &'a str) -> &'static str {}", "fn f<'a>(x: &'a str) -> &'static str {}");
        check("r#type + for_r", "r#type + for_r");
        check("open \"never closed", "open");
        check("open /* never closed", "open");
    }

    #[test]
    fn tests_are_blanked_and_what_follows_stays() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() -> [u8; 2] { c(); }\n}\nfn d() {}\n#[cfg(test)]\nfn z() -> [u8; 2] { [0; 2] }\nfn e() {}";
        let left = without_tests(code);
        assert_eq!(left.split_whitespace().collect::<Vec<_>>().join(" "), "fn a() {} fn d() {} fn e() {}");
        assert_eq!(left.lines().count(), code.lines().count());
    }
}
