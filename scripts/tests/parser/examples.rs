//! What holds of the programs of the examples.

use crate::corpus::examples;
use sensai_scripts::syntax::parse;

#[test]
fn examples_are_accepted_and_their_trees_cover_them() {
    for program in examples() {
        let parse = parse(&program.text);
        assert!(parse.is_ok(), "{}: {:#?}", program.path.display(), parse.errors());
        assert_eq!(parse.syntax().text(), program.text.as_str(), "{}", program.path.display());
    }
}
