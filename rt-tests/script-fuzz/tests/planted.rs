//! Differences that are planted into one tier are found, and told as what they are.

use script_fuzz::{
    campaign::{self, Plan},
    drive::Verdict,
    print,
    tiers::{Tiers, interpreted},
};
use sensai_model::{FaultCode, Value, cell::ProgramSource};
use sensai_motion::AxisCommand;
use sensai_scripts::{
    Layout, Program, ProgramError, RunContext, ScriptEnvironment, layout::Shape, ports::Request,
};

/// What a tier does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// A byte of the state, from some cycle on.
    State,
    /// Minus zero is stored as zero.
    SignOfZero,
    /// A tag has another value.
    Tag,
    /// A tag is written that the program did not write.
    Written,
    Command,
    Request,
    FaultLine,
    FaultCode,
    /// A fault that does not happen.
    NoFault,
    /// A fault leaves a trace in the state.
    RollBack,
    Layout,
    /// Any bytes are taken for a state.
    Restore,
    Reset,
    Panic,
    Refuses,
}

struct Planted {
    inner: Box<dyn Program>,
    wrong: Wrong,
    layout: Layout,
    state: Vec<u8>,
    cycles: u64,
    outputs: Vec<(u32, Value)>,
}

impl Planted {
    fn boxed(
        wrong: Wrong,
        source: &ProgramSource,
        environment: &ScriptEnvironment<'_>,
    ) -> Result<Box<dyn Program>, String> {
        if wrong == Wrong::Refuses && source.text.contains("**") {
            return Err(String::new());
        }
        let inner = interpreted(source, environment)?;
        let mut layout = inner.layout().clone();
        if wrong == Wrong::Layout {
            layout = Layout::new(vec![("n".to_owned(), Shape::I64)]);
        }
        let outputs = environment.tags.iter().filter(|tag| tag.kind == sensai_model::TagKind::Output);
        let outputs = outputs.map(|tag| (tag.slot, tag.initial)).collect();
        let state = inner.state().to_vec();
        Ok(Box::new(Self { inner, wrong, layout, state, cycles: 0, outputs }))
    }

    fn follow(&mut self) {
        self.state = self.inner.state().to_vec();
        if self.wrong == Wrong::State && self.cycles > 5 {
            self.state[0] ^= 1;
        }
        if self.wrong == Wrong::SignOfZero {
            for leaf in self.inner.layout().leaves() {
                let bytes = &mut self.state[leaf.offset..];
                if *leaf.shape == Shape::F64 && bytes[..8] == (-0.0_f64).to_le_bytes() {
                    bytes[7] = 0;
                }
            }
        }
    }
}

impl Program for Planted {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn state(&self) -> &[u8] {
        &self.state
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), ProgramError> {
        let restored = self.inner.restore(state);
        self.follow();
        if self.wrong == Wrong::Restore { Ok(()) } else { restored }
    }

    fn reset(&mut self) {
        if self.wrong != Wrong::Reset {
            self.inner.reset();
            self.follow();
        }
    }

    fn cycle(&mut self, context: &mut RunContext<'_>) -> Result<(), ProgramError> {
        self.cycles += 1;
        let mut result = self.inner.cycle(context);
        self.follow();
        let late = self.cycles > 3;
        match (&mut result, self.wrong) {
            (Ok(()), Wrong::Tag) if late => {
                for (slot, _) in &self.outputs {
                    let value = match context.tags.value(*slot) {
                        Value::Bool(value) => Value::Bool(!value),
                        Value::I64(value) => Value::I64(value ^ 1),
                        Value::F64(value) => Value::F64(value + 1.0),
                    };
                    if context.tags.written(*slot) {
                        context.tags.write(*slot, value);
                    }
                }
            }
            (Ok(()), Wrong::Written) if late => {
                if let Some((slot, _)) = self.outputs.iter().find(|(slot, _)| !context.tags.written(*slot)) {
                    let value = context.tags.value(*slot);
                    context.tags.write(*slot, value);
                }
            }
            (Ok(()), Wrong::Command) if !context.ports.axes.is_empty() => {
                context.ports.command(0, AxisCommand::Halt).expect("there is room");
            }
            (Ok(()), Wrong::Request) if late => {
                context.ports.request(3, Request::StateComplete).expect("there is room");
            }
            (Ok(()), Wrong::Panic) if late => panic!("planted"),
            (Err(error), Wrong::FaultLine) => error.fault.line += 1,
            (Err(error), Wrong::FaultCode) => error.fault.code = FaultCode::Script,
            (Err(_), Wrong::NoFault) => result = Ok(()),
            (Err(_), Wrong::RollBack) => self.state[0] ^= 1,
            _ => {}
        }
        result
    }

    fn operations(&self) -> u64 {
        self.inner.operations()
    }
}

/// The first of some seeds that shows it: which kind of difference.
fn found(wrong: Wrong) -> Option<(u64, &'static str)> {
    let planted = |source: &ProgramSource, environment: &ScriptEnvironment<'_>| {
        Planted::boxed(wrong, source, environment)
    };
    let tiers = Tiers { oracle: &interpreted, tested: &planted };
    (0..150).find_map(|seed| match campaign::run_seed(seed, tiers, false, false).run.verdict {
        Verdict::Differs(difference) => Some((seed, difference.kind)),
        _ => None,
    })
}

#[test]
fn every_planted_difference_is_found() {
    for (wrong, kind) in [
        (Wrong::State, "state"),
        (Wrong::SignOfZero, "state"),
        (Wrong::Tag, "tag"),
        (Wrong::Written, "written"),
        (Wrong::Command, "commands"),
        (Wrong::Request, "requests"),
        (Wrong::FaultLine, "fault"),
        (Wrong::FaultCode, "fault"),
        (Wrong::NoFault, "end"),
        (Wrong::RollBack, "roll back"),
        (Wrong::Layout, "layout"),
        (Wrong::Restore, "restore"),
        (Wrong::Reset, "state"),
        (Wrong::Panic, "panic"),
        (Wrong::Refuses, "accepted"),
    ] {
        assert_eq!(found(wrong).map(|(_, kind)| kind), Some(kind), "{wrong:?}");
    }
}

#[test]
fn tiers_that_are_one_do_not_differ() {
    let tiers = Tiers { oracle: &interpreted, tested: &interpreted };
    let summary = campaign::run(
        Plan { start: 0, seeds: 150, jobs: 2, differences: Plan::DIFFERENCES, progress: false },
        tiers,
    );
    assert!(summary.differences.is_empty(), "{:?}", summary.differences);
    assert_eq!(summary.programs, 150);
    let faults: u64 = summary.faults.values().sum();
    // Enough of both: most cycles go through, and many programs fault somewhere.
    assert!(faults * 10 < summary.cycles && summary.faulted > 15, "{summary:?}");
}

/// Minus zero is found in a program of a page, and shown in one of a few lines.
#[test]
fn what_is_found_is_made_small() {
    let (seed, _) = found(Wrong::SignOfZero).expect("it is found");
    let planted = |source: &ProgramSource, environment: &ScriptEnvironment<'_>| {
        Planted::boxed(Wrong::SignOfZero, source, environment)
    };
    let tiers = Tiers { oracle: &interpreted, tested: &planted };
    let told = campaign::run_seed(seed, tiers, false, false);
    let Verdict::Differs(difference) = told.run.verdict else { panic!("it differed just now") };
    let (text, small) = campaign::minimised(seed, &difference, tiers, false);
    assert_eq!(small.kind, "state");
    let lines = |text: &str| text.lines().count();
    assert!(lines(&text) <= 12 && lines(&text) < lines(&print::plain(&told.program)), "{text}");
}

/// Programs that count what they run through are programs, too, and count the same in both tiers.
#[test]
fn counters_count_alike() {
    let tiers = Tiers { oracle: &interpreted, tested: &interpreted };
    let (mut counted, mut run) = (0, 0);
    for seed in 0..60 {
        let (world, program) = campaign::case_of(seed);
        let printed = print::counting(&program, seed as u32);
        let case = script_fuzz::drive::Case {
            world: &world,
            text: &printed.text,
            probes: printed.probes,
            cycles: 10,
            seed,
            trace: false,
        };
        let outcome = script_fuzz::drive::run(&case, tiers);
        if let Verdict::Differs(difference) = &outcome.verdict {
            // Braces around everything nest more deeply than Rhai's parser likes now and then, and a counter in the length of
            // an array leaves the length unknown.
            assert!(
                ["S102", "S226"].iter().any(|code| difference.text.contains(code)),
                "seed {seed}: {difference:?}\n{}",
                printed.text
            );
            continue;
        }
        let [one, other] = outcome.probes;
        assert_eq!(one, other, "seed {seed}");
        counted += one.iter().filter(|count| **count > 0).count();
        run += 1;
    }
    assert!(run > 50 && counted > 3000, "{counted} of {run} programs");
}
