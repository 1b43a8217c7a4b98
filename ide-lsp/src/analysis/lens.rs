//! What functions cost, above them.

use super::{Location, Snapshot, Unit, snapshot::range};
use sensai_scripts::{
    cost::{FunctionCost, OpenEnd},
    hir::{FileId, Span},
};

/// A line above a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Lens {
    /// The name of the function.
    pub at: Location,
    /// What stands there.
    pub title: String,
}

/// The lines of a file.
pub fn lenses(snapshot: &Snapshot, path: &str) -> Vec<Lens> {
    let Some((unit, file)) = snapshot.unit(path) else { return Vec::new() };
    let Some(hir) = &unit.analysed.hir else { return Vec::new() };
    let mut lenses: Vec<Lens> = Vec::new();
    for function in hir.functions.iter().filter(|function| function.file == file) {
        let at = Location::new(path, range(function.span));
        if lenses.iter().any(|lens| lens.at == at) {
            continue;
        }
        if let Some(title) = of_function(snapshot, unit, file, function.span) {
            lenses.push(Lens { at, title });
        }
    }
    lenses.sort_by_key(|lens| lens.at.start);
    lenses
}

/// What a call of a function costs at most: the dearest of its instances. None: it does not run in a cycle.
pub fn of_function(snapshot: &Snapshot, unit: &Unit, file: FileId, declared: Span) -> Option<String> {
    let report = unit.cost()?;
    let (path, name) = (unit.path(file), unit.slice(file, declared));
    let line = 1 + unit.text(file).get(..declared.start as usize)?.matches('\n').count() as u32;
    let of = |cost: &&FunctionCost| cost.path == path && cost.line == line;
    let costs: Vec<&FunctionCost> = report.functions.iter().filter(of).collect();
    if let Some(OpenEnd { line, why, .. }) = costs.iter().find_map(|cost| cost.open.as_ref()) {
        return Some(format!("no bound: line {line}: {why}"));
    }
    let units = costs.iter().filter_map(|cost| cost.units).max()?;
    let mut text = format!("at most {units} work units");
    if let Some(ns) = snapshot.ns_per_unit.map(|ns| ns * units as f64) {
        text.push_str(&format!(", {}", time(ns)));
        if name == "cycle" && file == FileId(0) {
            let interval = unit.subject.interval_ns as f64;
            let (share, task) = (100.0 * ns / interval, &unit.subject.task);
            text.push_str(&format!(", {share:.2} % of the {} of task `{task}`", time(interval)));
        }
    }
    Some(text)
}

fn time(ns: f64) -> String {
    if ns < 1000.0 {
        format!("{ns:.0} ns")
    } else if ns < 1_000_000.0 {
        format!("{:.1} µs", ns / 1000.0)
    } else {
        format!("{:.0} ms", ns / 1_000_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::testing::Fixture;

    #[test]
    fn the_cycle_shows_its_share_of_the_interval() {
        let fixture = Fixture::new(
            "fn init() { #{ n: 0 } }\nfn cycle() {\n    this.n = one();\n    for i in 0..3 { this.n = i; }\n}\nfn one() { 1 }\n",
        );
        let found = lenses(&fixture.snapshot, "programs/main.rhai");
        let names: Vec<String> = found.iter().map(|lens| fixture.show(&lens.at)).collect();
        assert_eq!(names, ["programs/main.rhai:2:4 cycle", "programs/main.rhai:6:4 one"]);
        assert!(
            found[0].title.starts_with("at most ")
                && found[0].title.ends_with("% of the 1 ms of task `main`")
        );
        let endless = Fixture::new(
            "fn init() { #{ n: 0 } }\nfn cycle() {\n    while this.n < 3 { this.n = this.n; }\n}\n",
        );
        let found = lenses(&endless.snapshot, "programs/main.rhai");
        assert!(found[0].title.starts_with("no bound: line 3: "), "{found:?}");
    }
}
