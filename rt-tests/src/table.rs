//! A cycle log as `sensai log export` writes it: one row a cycle, columns by name.

use crate::harness::{Profile, RUN_LIMIT, output_of, sensai_command};
use std::{collections::BTreeMap, path::Path};

/// A CSV file in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// In file order.
    pub columns: Vec<String>,
    /// Texts of every row, as many as there are columns.
    pub rows: Vec<Vec<String>>,
    places: BTreeMap<String, usize>,
}

impl Table {
    /// From text. Cells are never quoted: names and numbers need none.
    ///
    /// # Panics
    /// It is empty, or a row has another number of cells than the header.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        let mut lines = text.lines();
        let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let columns = cells(lines.next().expect("a CSV file has a header"));
        let rows: Vec<_> = lines.map(cells).collect();
        for (number, row) in rows.iter().enumerate() {
            assert_eq!(row.len(), columns.len(), "row {}: {row:?}", number + 2);
        }
        let places = columns.iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
        Self { columns, rows, places }
    }

    /// What `sensai log export` writes for `log`; `--timings` and the like go into `options`.
    ///
    /// # Panics
    /// The export fails.
    #[track_caller]
    pub fn export(log: &Path, options: &[&str]) -> Self {
        let mut command = sensai_command(Profile::Release);
        command.args(["log", "export"]).arg(log).args(["--csv", "-"]).args(options);
        Self::parse(&output_of(&mut command, RUN_LIMIT).expect_code(0).stdout)
    }

    /// The texts of a column, from top to bottom.
    ///
    /// # Panics
    /// There is no such column.
    #[track_caller]
    pub fn column(&self, name: &str) -> Vec<&str> {
        let Some(place) = self.places.get(name) else {
            panic!("no column `{name}`; there is {}", self.columns.join(", "))
        };
        self.rows.iter().map(|row| row[*place].as_str()).collect()
    }

    /// A column of integers.
    ///
    /// # Panics
    /// There is no such column, or something else stands in it.
    #[track_caller]
    pub fn numbers(&self, name: &str) -> Vec<i64> {
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{name}: `{text}` is no integer"));
        self.column(name).into_iter().map(number).collect()
    }
}

#[test]
fn columns_are_found_by_name() {
    let table = Table::parse("cycle,io.valve\n1,true\n2,false\n");
    assert_eq!(table.numbers("cycle"), [1, 2]);
    assert_eq!(table.column("io.valve"), ["true", "false"]);
}

#[test]
#[should_panic(expected = "row 3")]
fn a_short_row_is_noticed() {
    Table::parse("a,b\n1,2\n3\n");
}
