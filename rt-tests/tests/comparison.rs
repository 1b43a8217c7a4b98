//! The table in `docs/comparison.md`: what it says of Sensai, it names tests for.

use rt_tests::named_tests;

/// Feature, Sensai, four others, tests.
const CELLS: usize = 7;

#[test]
fn what_the_comparison_says_of_sensai_has_its_tests() {
    let rows = named_tests::rows("docs/comparison.md", "| ");
    // Behind the head and the line below it.
    let rows: Vec<_> = rows.into_iter().skip(2).collect();
    assert!(rows.len() > 15, "{} rows", rows.len());
    let mut mistakes = Vec::new();
    for row in &rows {
        assert_eq!(row.len(), CELLS, "{row:?}");
        let (feature, said, tests) = (&row[0], &row[1], &row[CELLS - 1]);
        if (said == "no") != named_tests::tests_of(tests).is_empty() {
            mistakes.push(format!("{feature}: is \"{said}\", and names the tests \"{tests}\""));
        }
        mistakes.extend(
            named_tests::mistakes_of(tests).into_iter().map(|mistake| format!("{feature}: {mistake}")),
        );
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}
