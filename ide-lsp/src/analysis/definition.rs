//! Where something is declared, and everywhere it is used.

use super::{
    Location, Place, Snapshot, places,
    symbol::{self, Occurrence, Symbol},
};

/// Where what stands at a place is declared. Of a declaration: the declaration itself.
pub fn definition(snapshot: &Snapshot, place: &Place) -> Vec<Location> {
    let Some((symbol, _)) = symbol::at(snapshot, place) else { return Vec::new() };
    if let Symbol::File(path) = &symbol {
        let known = snapshot.texts.contains_key(path);
        return known.then(|| Location::new(path.clone(), 0..0)).into_iter().collect();
    }
    let all = symbol::occurrences(snapshot, &symbol).into_iter();
    all.filter(|occurrence| occurrence.is_definition).map(|occurrence| occurrence.at).collect()
}

/// All places of what stands at a place.
pub fn references(snapshot: &Snapshot, place: &Place) -> Vec<Occurrence> {
    match symbol::at(snapshot, place) {
        Some((Symbol::Known(_), _)) | None => Vec::new(),
        Some((symbol, _)) => symbol::occurrences(snapshot, &symbol),
    }
}

/// A place that is marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    /// The name.
    pub at: Location,
    /// It is declared or assigned to there.
    pub is_write: bool,
}

/// The places in the same file, for marking them.
pub fn highlights(snapshot: &Snapshot, place: &Place) -> Vec<Highlight> {
    let Some((symbol, _)) = symbol::at(snapshot, place) else { return Vec::new() };
    let tree = snapshot.tree(&place.path).map(|tree| tree.syntax());
    let is_assigned = |at: &Location| {
        let token = tree.as_ref().zip(u32::try_from(at.start).ok());
        let token = token.and_then(|(tree, start)| tree.token_at_offset(start.into()).right_biased());
        token.and_then(|token| token.parent()).is_some_and(|node| places::done_with(&node).assigned.is_some())
    };
    let all = symbol::occurrences(snapshot, &symbol).into_iter();
    all.filter(|occurrence| occurrence.at.path == place.path)
        .map(|Occurrence { at, is_definition }| {
            let is_write = is_definition || is_assigned(&at);
            Highlight { at, is_write }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::Fixture;

    fn found(fixture: &str) -> (Vec<String>, Vec<String>) {
        let (fixture, place) = Fixture::with_cursor(fixture);
        let show = |at: &Location| fixture.show(at);
        let definitions = definition(&fixture.snapshot, &place).iter().map(show).collect();
        let uses = references(&fixture.snapshot, &place);
        (definitions, uses.iter().map(|occurrence| fixture.show(&occurrence.at)).collect())
    }

    #[test]
    fn a_variable_is_the_innermost() {
        let (declared, uses) = found(
            "fn init() { #{ x: 0 } }\nfn cycle() { let a = 1; { let a = 2; this.x = $0a; } this.x = a; }\n",
        );
        assert_eq!(declared, ["programs/main.rhai:2:31 a"]);
        assert_eq!(uses, ["programs/main.rhai:2:31 a", "programs/main.rhai:2:47 a"]);
    }

    #[test]
    fn a_field_is_declared_in_init() {
        let (declared, uses) = found(
            "fn init() { #{ n: 0, part: #{ n: 1.0 } } }\nfn cycle() { this.n += 1; this.count(); this.part.n = 2.0; }\nfn count() { this.$0n += 1; }\n",
        );
        assert_eq!(declared, ["programs/main.rhai:1:16 n"]);
        assert_eq!(
            uses,
            ["programs/main.rhai:1:16 n", "programs/main.rhai:2:19 n", "programs/main.rhai:3:19 n"]
        );
    }

    #[test]
    fn a_tag_is_declared_in_the_cell() {
        let (declared, uses) = found(
            "fn init() { #{ x: false } }\nfn cycle() { io.lamp.green = io.$0start; this.x = io.start; }\n",
        );
        assert_eq!(declared, ["cell.toml:9:1 start"]);
        assert_eq!(
            uses,
            [
                "cell.toml:9:1 start",
                "cell.toml:21:10 start",
                "programs/main.rhai:2:33 start",
                "programs/main.rhai:2:52 start"
            ]
        );
        let (declared, uses) = found(
            "fn init() { #{ x: false } }\nfn cycle() { io.$0lamp.green = io.start; io.lamp.red = false; }\n",
        );
        assert_eq!(declared, ["cell.toml:10:1 lamp", "cell.toml:11:1 lamp"]);
        assert_eq!(uses.len(), 4);
    }

    #[test]
    fn a_function_of_a_library_and_a_constant() {
        let (declared, uses) = found(
            "import \"tools\" as tools;\nconst A = 2;\nfn init() { #{ x: 0 } }\nfn cycle() { this.x = tools::$0twice(A); }\n",
        );
        assert_eq!(declared, ["lib/tools.rhai:2:4 twice"]);
        assert_eq!(uses, ["lib/tools.rhai:2:4 twice", "programs/main.rhai:4:30 twice"]);
        let (declared, _) = found(
            "import \"tools\" as tools;\nconst A = 2;\nfn init() { #{ x: 0 } }\nfn cycle() { this.x = tools::twice($0A); }\n",
        );
        assert_eq!(declared, ["programs/main.rhai:2:7 A"]);
    }

    #[test]
    fn what_is_assigned_to_is_marked_as_written() {
        let (fixture, place) = Fixture::with_cursor(
            "fn init() { #{ x: 0.0 } }\nfn cycle() { let $0a = 1.0; a += 2.0; this.x = a; io.lamp.green = io.start; }\n",
        );
        let shown = |place: &Place| -> Vec<(String, bool)> {
            let found = highlights(&fixture.snapshot, place).into_iter();
            found.map(|found| (fixture.show(&found.at), found.is_write)).collect()
        };
        let of = |place: &str, is_write| (format!("programs/main.rhai:2:{place}"), is_write);
        assert_eq!(shown(&place), [of("18 a", true), of("27 a", true), of("46 a", false)]);
        let green = fixture.snapshot.text(&place.path).unwrap().find("green").unwrap();
        assert_eq!(shown(&Place { at: green, ..place }), [of("57 green", true)]);
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        assert_eq!(found("fn init() { #{ x: 0 } }\nfn cycle() { $0 this.x = 1; }\n"), (vec![], vec![]));
        assert_eq!(found("fn init() { #{ x: 0 } }\nfn cycle() { this.x = $0nothing; }\n"), (vec![], vec![]));
    }

    #[test]
    fn values_of_the_cell_lead_to_what_they_name() {
        let of = |lines: &str| -> Vec<String> {
            let (fixture, place) = Fixture::with_model(&format!("//- more\n{lines}"));
            definition(&fixture.snapshot, &place).iter().map(|at| fixture.show(at)).collect()
        };
        assert_eq!(
            of("[models.b]\nfile = \"models/m.onnx\"\ninputs = [\"fo$0rce\"]"),
            ["cell.toml:13:1 force"]
        );
        assert_eq!(of("[models.b]\nfile = \"models/m.o$0nnx\""), ["models/m.toml:1:1 "]);
        assert_eq!(of("[alarms.b]\nwhen = \"lamp.gr$0een\""), ["cell.toml:10:6 green"]);
        assert_eq!(of("[alarms.b]\nwhen = \"ai.$0m.score > 1\""), ["cell.toml:28:9 m"]);
        assert_eq!(of("[axes.b]\ndrive = \"in$0puts\""), ["cell.toml:5:1 inputs"]);
        assert_eq!(of("[units.b]\nprograms = [\"ma$0in\"]"), ["programs/main.rhai:1:1 "]);
        assert_eq!(of("[jidoka.b]\nmodel = \"$0m\""), ["cell.toml:28:9 m"]);
        assert_eq!(of("[axes.b]\nmode = \"cs$0p\""), [""; 0]);
    }
}
