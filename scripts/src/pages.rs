//! A page for every code: why it is wrong, a wrong example, a right one.

macro_rules! pages {
    ($($code:literal)*) => {
        &[$(($code, include_str!(concat!("../errors/", $code, ".md")))),*]
    };
}

/// Ascending.
static PAGES: &[(&str, &str)] = pages! {
    "R101" "R102" "R103" "R104" "R110" "R111" "R112" "R120" "R121" "R122"
    "S101" "S102"
    "S201" "S202" "S203" "S204" "S205" "S206" "S207" "S208" "S209" "S210" "S211" "S212" "S213" "S214" "S215" "S216"
    "S217" "S218" "S219" "S220" "S221" "S222" "S223" "S224" "S225" "S226" "S227" "S228" "S229"
    "S301" "S302" "S303" "S304"
    "S401" "S402" "S403" "S404" "S405" "S406" "S407" "S408" "S409" "S410" "S411" "S412"
    "S413" "S414" "S415" "S416" "S417" "S418"
};

/// The page about a code, as Markdown; `s216` is `S216`, too.
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map(|(_, page)| *page)
}

/// All codes that have a page, ascending: first those of the runtime, then those of programs.
pub fn codes() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(code, _)| *code)
}

/// What a code says, in one line.
pub fn title(code: &str) -> Option<&'static str> {
    let first = page(code)?.lines().next()?;
    first.split_once(": ").map(|(_, title)| title)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes that programs are found by.
    fn found() -> Vec<&'static str> {
        let codes = include_str!("finding.rs").lines();
        codes.filter_map(|line| line.trim().strip_prefix("pub const ")?.split('"').nth(1)).collect()
    }

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let mut expected = found();
        expected.sort_unstable();
        let pages: Vec<&str> = codes().filter(|code| code.starts_with('S')).collect();
        assert_eq!(pages, expected);
        let directory = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/errors")).unwrap();
        let mut files: Vec<String> =
            directory.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.retain(|file| file != "README.md");
        files.sort_unstable();
        let pages: Vec<String> = codes().map(|code| format!("{code}.md")).collect();
        assert_eq!(files, pages);
    }

    #[test]
    fn a_page_begins_with_its_code_and_title() {
        for code in codes() {
            assert!(page(code).unwrap().starts_with(&format!("# {code}: ")), "{code}");
            let title = title(code).unwrap();
            assert!(!title.ends_with('.') && !title.starts_with(char::is_uppercase), "{code}: {title}");
        }
        assert_eq!(page("s216"), page("S216"));
        assert_eq!((page("S999"), title("")), (None, None));
    }

    /// The table at the end of `docs/programs.md`.
    #[test]
    fn the_page_about_programs_lists_them() {
        let line = |code| {
            let title = title(code).unwrap();
            let (first, rest) = title.split_at(1);
            format!("| [{code}](../scripts/errors/{code}.md) | {}{rest} |", first.to_uppercase())
        };
        let (runtime, programs): (Vec<&str>, Vec<&str>) = codes().partition(|code| code.starts_with('R'));
        let expected: Vec<String> = programs.into_iter().chain(runtime).map(line).collect();
        let page = include_str!("../../docs/programs.md");
        let table: Vec<&str> = page.lines().filter(|line| line.contains("](../scripts/errors/")).collect();
        assert_eq!(table, expected, "write it as\n{}", expected.join("\n"));
    }
}
