//! What holds of the programs that people wrote, and of those with one token less.

use crate::{
    corpus::{examples, programs},
    oracle::Oracle,
    regressions::FIRST_ERRORS,
};
use sensai_scripts::syntax::parse;

#[test]
fn programs_are_accepted_and_their_trees_are_rhais() {
    let mut oracle = Oracle::new();
    for program in programs() {
        let parse = parse(&program.text);
        assert!(parse.is_ok(), "{}: {:#?}", program.path.display(), parse.errors());
        oracle.check(&program.text).unwrap();
    }
    assert!(oracle.counts.differences.is_empty());
}

#[test]
fn what_differed_once_is_the_same() {
    let mut oracle = Oracle::new();
    for text in FIRST_ERRORS {
        oracle.check(text).unwrap();
    }
    assert!(oracle.counts.differences.is_empty(), "{}", oracle.counts);
}

/// What is typed and deleted all day: the editor must not drown in errors, and the first one must be at the place.
#[test]
fn a_missing_token_makes_at_most_three_errors_and_the_first_is_where_it_was() {
    let mut oracle = Oracle::new();
    let mut errors_of_texts = [0_usize; 4];
    for program in examples() {
        let whole = &program.text;
        let tokens =
            parse(whole).syntax().descendants_with_tokens().filter_map(|element| element.into_token());
        for token in tokens.filter(|token| !token.kind().is_trivia()) {
            let (start, end) =
                (usize::from(token.text_range().start()), usize::from(token.text_range().end()));
            let text = format!("{}{}", &whole[..start], &whole[end..]);
            let errors = parse(&text).errors().to_vec();
            let place = format!("{}: without {token:?}: {errors:#?}", program.path.display());
            assert!(errors.len() <= 3, "{place}");
            errors_of_texts[errors.len()] += 1;
            if let Some(first) = errors.first() {
                // From the token before to the token behind what is missing.
                let lines = line(whole, whole[..start].trim_end().len())
                    ..=line(whole, whole.len() - whole[end..].trim_start().len());
                let found = line(&text, first.range.start().into());
                assert!(lines.contains(&found), "expected on {lines:?}, found on {found}: {place}");
            }
            oracle.check(&text).unwrap();
        }
    }
    println!("texts with 0, 1, 2, 3 errors: {errors_of_texts:?}\n{}", oracle.counts);
    assert!(errors_of_texts[1] > 1000);
}

fn line(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count() + 1
}
