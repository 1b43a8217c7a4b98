//! Who calls a function, and what it calls: over all programs and libraries of the cell.

use super::{
    Location, Place, Snapshot, bytes,
    snapshot::range,
    symbol::{self, Symbol},
};
use sensai_scripts::{
    syntax::ast::{self, AstNode},
    uses::Entity,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// A function of a program or library.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Its name, where it is declared.
    pub at: Location,
    /// Name.
    pub name: String,
    /// All of it.
    pub whole: Location,
}

/// Calls between two functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls {
    /// The other function.
    pub item: Item,
    /// The names in the calls, all in the file of the caller.
    pub places: Vec<Location>,
}

/// The function whose name stands at a place.
pub fn prepare(snapshot: &Snapshot, place: &Place) -> Option<Item> {
    match symbol::at(snapshot, place)? {
        (Symbol::Declared(declared), _) => item(snapshot, &declared.path, |name| *name == declared.range()),
        _ => None,
    }
}

/// Who calls the function that is declared at a place, by caller.
pub fn incoming(snapshot: &Snapshot, callee: &Location) -> Vec<Calls> {
    let calls = all(snapshot).into_iter().filter(|(_, declared)| declared == callee);
    let by_caller = calls.filter_map(|(call, _)| {
        let caller = around(snapshot, &call.path, call.start)?;
        Some((caller, call))
    });
    grouped(by_caller)
}

/// What the function that is declared at a place calls, by callee.
pub fn outgoing(snapshot: &Snapshot, caller: &Location) -> Vec<Calls> {
    let Some(caller) = item(snapshot, &caller.path, |name| *name == caller.range()) else {
        return Vec::new();
    };
    let is_in = |call: &Location| call.path == caller.at.path && caller.whole.range().contains(&call.start);
    let calls = all(snapshot).into_iter().filter(|(call, _)| is_in(call));
    let by_callee = calls.filter_map(|(call, declared)| {
        let callee = item(snapshot, &declared.path, |name| *name == declared.range())?;
        Some((callee, call))
    });
    grouped(by_callee)
}

fn grouped(calls: impl Iterator<Item = (Item, Location)>) -> Vec<Calls> {
    let mut by_item: BTreeMap<Item, Vec<Location>> = BTreeMap::new();
    for (item, place) in calls {
        by_item.entry(item).or_default().push(place);
    }
    by_item.into_iter().map(|(item, places)| Calls { item, places }).collect()
}

/// Every call of a function that somebody wrote, and where that is declared, in order. A library is looked at with each
/// program that imports it.
fn all(snapshot: &Snapshot) -> BTreeSet<(Location, Location)> {
    let units = snapshot.units.iter();
    let calls = units.flat_map(|unit| {
        unit.analysed.uses.uses.iter().filter(|found| !found.is_definition).filter_map(|found| {
            let Entity::Function(file, declared) = &found.entity else { return None };
            let call = Location::new(unit.path(found.file), range(found.span));
            Some((call, Location::new(unit.path(*file), range(*declared))))
        })
    });
    calls.collect()
}

/// The function that a byte is in.
fn around(snapshot: &Snapshot, path: &str, at: usize) -> Option<Item> {
    functions(snapshot, path).into_iter().find(|item| item.whole.range().contains(&at))
}

/// The function whose name is the wanted one.
fn item(snapshot: &Snapshot, path: &str, is_it: impl Fn(&Range<usize>) -> bool) -> Option<Item> {
    functions(snapshot, path).into_iter().find(|item| is_it(&item.at.range()))
}

fn functions(snapshot: &Snapshot, path: &str) -> Vec<Item> {
    let Some(tree) = snapshot.tree(path) else { return Vec::new() };
    let of = |function: ast::Fn| {
        let name = function.name()?;
        Some(Item {
            at: Location::new(path, bytes(name.text_range())),
            name: name.text().to_owned(),
            whole: Location::new(path, bytes(function.syntax().text_range())),
        })
    };
    tree.root().functions().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::Fixture;

    const PROGRAM: &str = "import \"tools\" as tools;\nfn init() { #{ x: 0 } }\nfn cycle() { this.step(); this.x = tools::twice(sum(1, sum(2, 3))); }\nfn step() { this.x = tools::twice(this.x); }\nfn sum(a, b) { a + b }\nfn nobody() { sum(1, 2) }\n";

    fn shown(calls: &[Calls], fixture: &Fixture) -> Vec<String> {
        let of = |calls: &Calls| {
            let places = calls.places.iter().map(|at| fixture.show(at)).collect::<Vec<_>>().join(", ");
            format!("{} ({places})", fixture.show(&calls.item.at))
        };
        calls.iter().map(of).collect()
    }

    fn found(marked: &str) -> (Vec<String>, Vec<String>) {
        let (fixture, place) = Fixture::with_cursor(marked);
        let Some(item) = prepare(&fixture.snapshot, &place) else { return (Vec::new(), Vec::new()) };
        let incoming = incoming(&fixture.snapshot, &item.at);
        (shown(&incoming, &fixture), shown(&outgoing(&fixture.snapshot, &item.at), &fixture))
    }

    #[test]
    fn calls_go_both_ways() {
        let (callers, callees) = found(&PROGRAM.replace("fn step", "fn $0step"));
        assert_eq!(callers, ["programs/main.rhai:3:4 cycle (programs/main.rhai:3:19 step)"]);
        assert_eq!(callees, ["lib/tools.rhai:2:4 twice (programs/main.rhai:4:29 twice)"]);
        let (callers, callees) = found(&PROGRAM.replace("sum(2", "$0sum(2"));
        assert_eq!(
            callers,
            [
                "programs/main.rhai:3:4 cycle (programs/main.rhai:3:49 sum, programs/main.rhai:3:56 sum)",
                "programs/main.rhai:6:4 nobody (programs/main.rhai:6:15 sum)",
            ]
        );
        assert_eq!(callees, [""; 0]);
        let (callers, callees) = found(&PROGRAM.replace("fn cycle", "fn $0cycle"));
        assert_eq!((callers, callees.len()), (Vec::new(), 3));
    }

    #[test]
    fn libraries_are_called_from_every_program() {
        let (fixture, place) = Fixture::with_cursor(
            &PROGRAM.replace("this.x = tools::twice(this.x)", "this.x = tools::tw$0ice(this.x)"),
        );
        let item = prepare(&fixture.snapshot, &place).unwrap();
        assert_eq!(fixture.show(&item.whole), "lib/tools.rhai:1:1 /// @param x i64\nfn twice(x) { x * 2 }");
        let callers: Vec<String> =
            incoming(&fixture.snapshot, &item.at).into_iter().map(|calls| calls.item.name).collect();
        assert_eq!(callers, ["cycle", "step"]);
    }

    #[test]
    fn only_functions_that_somebody_wrote_have_calls() {
        for marked in ["this.$0x = tools::twice(this.x)", "max($01, 2);", "$0"] {
            let text = PROGRAM.replace("this.x = tools::twice(this.x)", marked);
            let (fixture, place) = Fixture::with_cursor(&text);
            assert_eq!(prepare(&fixture.snapshot, &place), None, "{marked}");
        }
        let nowhere = Location::new("programs/none.rhai", 3..9);
        let fixture = Fixture::new(PROGRAM);
        assert_eq!(outgoing(&fixture.snapshot, &nowhere), []);
        assert_eq!(incoming(&fixture.snapshot, &nowhere), []);
    }
}
