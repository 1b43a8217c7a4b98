//! A compiled twin takes nothing from the heap in the cycle; what an interpreted one takes is counted as the interpreter's.

use sensai::{source::Source, twin};
use sensai_alloc_count::{CountingAllocator, thread_counts};
use sensai_fieldbus::Shaft;
use sensai_model::{Cell, cell::Tier};
use std::collections::BTreeMap;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn only_the_interpreter_allocates() {
    assert_eq!(excused(Tier::Native), 0);
    let excused = excused(Tier::Interpreter);
    assert!(excused > 2_000, "2000 runs of an interpreter that allocates: {excused}");
}

/// Allocations that were excused in 2000 runs of a twin in a tier; there are no others.
fn excused(tier: Tier) -> u64 {
    let press = concat!(env!("CARGO_MANIFEST_DIR"), "/src/twin/tests");
    let read = |name: &str| std::fs::read(format!("{press}/{name}")).expect("it is part of the crate");
    let program = b"fn init() { #{ n: 0 } }\nfn cycle() { this.n += 1; }\n".to_vec();
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    files.insert("cell.toml".into(), read("cell.toml"));
    files.insert("twin/press.rhai".into(), read("servo_press.rhai"));
    files.insert("programs/main.rhai".into(), program);
    let source = Source::from_files(&files);
    let mut cell = Cell::clone(source.cell.as_ref().unwrap_or_else(|| panic!("{}", source.render(false))));
    cell.task.tier = tier;
    let (mut plant, failure) = twin::connect(&cell).expect("it compiles");
    let (outputs, mut inputs) = (vec![0xff; cell.image.outputs], vec![0; cell.image.inputs]);
    let mut shafts = [Shaft::default(); 2];
    let mut step = |steps: std::ops::Range<u64>| {
        for at in steps {
            shafts[0].position = at as f64 * 1e-4;
            plant.step(at * 100_000, &outputs, &mut inputs, &mut shafts);
        }
    };
    step(0..200);
    let before = thread_counts();
    step(200..20_200);
    let counts = thread_counts() - before;
    assert!(!failure.happened(), "{:?}", failure.text(&cell));
    assert!(counts.is_quiet(), "{counts:?}");
    counts.excused
}
