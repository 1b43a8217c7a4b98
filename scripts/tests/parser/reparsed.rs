//! A text that is parsed again after a change has the tree and the errors of one that is parsed for the first time.

use crate::{corpus, generator, mutants, random::Random};
use sensai_scripts::syntax::{parse, reparse};

/// Changes of each text, one after the other.
const CHANGES: usize = 60;

/// Go through changes of a text.
fn follow(original: &str, random: &mut Random, what: &str) {
    let mut text = original.to_owned();
    let mut tree = parse(&text);
    for number in 0..CHANGES {
        let changed = if random.one_in(3) {
            // Undone, and something else done: most of it is right again.
            mutants::mutant(random, original)
        } else if random.one_in(8) {
            // Everything twice, another start, another end.
            let copy = text.clone();
            match random.below(3) {
                0 => format!("{text}\n{copy}"),
                1 => text.chars().skip(random.below(40)).collect(),
                _ => text.chars().take(text.chars().count().saturating_sub(random.below(40))).collect(),
            }
        } else {
            mutants::mutant(random, &text)
        };
        if changed.len() > 40_000 {
            return;
        }
        let again = reparse(&changed, &text, &tree);
        let first = parse(&changed);
        let from = format!("{what}, change {number}, from\n{text}\nto\n{changed}");
        assert_eq!(again.errors(), first.errors(), "{from}");
        assert!(again.green() == first.green(), "another tree: {from}");
        assert!(again == first, "another one can be taken from: {from}");
        (text, tree) = (changed, again);
    }
}

/// `SENSAI_SOAK=1`: for some minutes.
#[test]
fn what_is_parsed_again_is_as_if_it_was_parsed_first() {
    let seeds = if std::env::var_os("SENSAI_SOAK").is_some() { 100 } else { 1 };
    for seed in 0..seeds {
        let mut random = Random::new(seed);
        for program in corpus::programs() {
            for _ in 0..3 {
                let what = format!("seed {seed}, {}", program.path.display());
                follow(&program.text, &mut random, &what);
            }
        }
        for number in 0..100 {
            let text: String = (0..4).map(|_| generator::program(&mut random)).collect();
            follow(&text, &mut random, &format!("seed {seed}, program {number}"));
        }
    }
}
