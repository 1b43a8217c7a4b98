//! `sensai bench ai`: models that judge parts, in the inline engine and in ONNX Runtime, one thread each.
//!
//! ONNX Runtime is called through its C interface, with tensors that are made once: what a run costs is then the
//! library's own. Both engines get their inputs copied in and their outputs copied out, and take turns, so that what
//! else the computer does hits both.

pub mod families;
pub mod onnx_file;

use super::bootstrap::{self, Ratio, median};
use crate::{
    cli::BenchAi,
    inference::{OrtEngine, library},
    plot, rt,
};
use anyhow::Context;
use families::Family;
use hdrhistogram::Histogram;
use sensai_alloc_count::thread_counts;
use sensai_fieldbus::clock;
use sensai_inference::{Engine, Plan};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

/// Parts that both engines judge.
const SAMPLES: u64 = 10_000;

/// Parts, others than the judged ones, that the limit is set by.
const CALIBRATION: u64 = 1_000;

/// One part in this many is over the limit.
const BAD_ONE_IN: usize = 10;

/// Runs before anything counts.
const WARM_UP: u64 = 200;

/// How one engine did.
#[derive(Debug, Serialize)]
struct Figures {
    median_ns: u64,
    p99_ns: u64,
    max_ns: u64,
    /// On the heap, Rust's and C's, per run.
    allocations: f64,
}

/// How one model did.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    title: &'static str,
    operations: u64,
    inline: Figures,
    ort: Figures,
    /// Median of ours over median of theirs, paired by rounds.
    ratio: Ratio,
    aim: f64,
    /// Of all output values of all samples.
    largest_difference: f32,
    samples: u64,
    /// Samples that one engine finds good and the other bad.
    other_decisions: u64,
}

/// All of it.
#[derive(Debug, Serialize)]
struct Report {
    onnxruntime: PathBuf,
    build: &'static str,
    rounds: u32,
    c_allocations_counted: bool,
    rows: Vec<Row>,
}

/// Run and print; exit code 1 if a decision differs, an aim is missed or the inline engine allocates.
pub fn run(arguments: &BenchAi) -> anyhow::Result<ExitCode> {
    // Before the thread becomes a real-time one: the library's own threads would inherit that.
    library::environment()?;
    let mut rows = Vec::new();
    let mut curves = Vec::new();
    for family in families::all() {
        let measured = std::thread::scope(|scope| {
            // A thread for each: it becomes a real-time one behind the making of its session, and ends as one.
            let measuring = scope.spawn(|| measure(&family, arguments.rounds.max(1)));
            measuring.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the measurement panicked")))
        });
        let (row, [inline, ort]) = measured.with_context(|| family.name)?;
        eprintln!("{}: {:.2} of ONNX Runtime's median", row.title, row.ratio.ratio);
        rows.push(row);
        curves.push((format!("{} inline", family.name), inline));
        curves.push((format!("{} ort", family.name), ort));
    }
    let report = Report {
        onnxruntime: library::find()?,
        build: library::build_info(),
        rounds: arguments.rounds.max(1),
        c_allocations_counted: sensai_alloc_count::C_COUNTED,
        rows,
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.table());
    }
    if let Some(path) = &arguments.plot {
        let curves: Vec<_> = curves.iter().map(|(name, histogram)| plot::Curve { name, histogram }).collect();
        plot::distributions(path, "one run of a model", &curves)
            .with_context(|| format!("cannot draw {}", path.display()))?;
    }
    let good = report.rows.iter().all(Row::is_good);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Row {
    fn is_good(&self) -> bool {
        self.other_decisions == 0 && self.inline.allocations == 0.0 && self.ratio.ratio <= self.aim
    }
}

impl Report {
    fn table(&self) -> String {
        let mut text = String::from(
            "| model | inline: median / p99 µs | ort: median / p99 µs | ratio (95 %) | aim | allocations inline / ort | \
             largest difference | other decisions |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        let us = |ns: u64| ns as f64 / 1000.0;
        for row in &self.rows {
            let Row { inline, ort, ratio, .. } = row;
            text += &format!(
                "| {} | {:.2} / {:.2} | {:.2} / {:.2} | {:.2} ({:.2} to {:.2}) | {} | {} / {:.0} | {:.1e} | {} of {} |\n",
                row.title,
                us(inline.median_ns),
                us(inline.p99_ns),
                us(ort.median_ns),
                us(ort.p99_ns),
                ratio.ratio,
                ratio.low,
                ratio.high,
                row.aim,
                inline.allocations,
                ort.allocations,
                row.largest_difference,
                row.other_decisions,
                row.samples,
            );
        }
        text
    }
}

/// An engine as it is measured: values in, a run, values out.
trait Subject {
    fn run(&mut self, input: &[f32], output: &mut [f32]) -> anyhow::Result<()>;
}

impl Subject for Plan {
    fn run(&mut self, input: &[f32], output: &mut [f32]) -> anyhow::Result<()> {
        Ok(Engine::run(self, &[input], &mut [output])?)
    }
}

impl Subject for OrtEngine {
    fn run(&mut self, input: &[f32], output: &mut [f32]) -> anyhow::Result<()> {
        self.raw_input(0).context("its input is not of floats")?.copy_from_slice(input);
        self.run_raw()?;
        output.copy_from_slice(self.raw_output(0).context("its output is not of floats")?);
        Ok(())
    }
}

/// One engine's measurement so far.
struct Meter {
    histogram: Histogram<u64>,
    medians: Vec<f64>,
    allocations: u64,
    runs: u64,
}

impl Meter {
    fn new() -> anyhow::Result<Self> {
        let histogram = Histogram::new_with_bounds(1, 1_000_000_000, 3)?;
        Ok(Self { histogram, medians: Vec::new(), allocations: 0, runs: 0 })
    }

    /// One round over samples in `inputs`; outputs one after the other.
    fn round(
        &mut self,
        subject: &mut dyn Subject,
        inputs: &[Vec<f32>],
        outputs: &mut [Vec<f32>],
    ) -> anyhow::Result<()> {
        let mut times = Vec::with_capacity(inputs.len());
        let before = thread_counts();
        for (input, output) in inputs.iter().zip(outputs) {
            let begun = clock::monotonic_ns();
            subject.run(input, output)?;
            times.push(clock::monotonic_ns() - begun);
        }
        let counts = thread_counts() - before;
        self.allocations += counts.rust + counts.c;
        self.runs += times.len() as u64;
        for time in &times {
            self.histogram.saturating_record(*time);
        }
        self.medians.push(median(times.into_iter().map(|time| time as f64).collect()));
        Ok(())
    }

    fn figures(&self) -> Figures {
        Figures {
            median_ns: self.histogram.value_at_quantile(0.5),
            p99_ns: self.histogram.value_at_quantile(0.99),
            max_ns: self.histogram.max(),
            allocations: self.allocations as f64 / self.runs.max(1) as f64,
        }
    }
}

fn measure(family: &Family, rounds: u32) -> anyhow::Result<(Row, [Histogram<u64>; 2])> {
    let mut plan = Plan::load(&family.model).map_err(|errors| {
        anyhow::anyhow!(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let mut ort = OrtEngine::load(&family.model)?;
    let output_len = plan.outputs().first().map_or(0, |tensor| tensor.len());
    let operations = plan.operations();
    let sample = |number: u64| {
        let mut values = vec![0.0; family.input_len];
        family.sample(number, &mut values);
        values
    };
    let inputs: Vec<Vec<f32>> = (0..SAMPLES).map(sample).collect();
    let blank = || vec![vec![0.0; output_len]; inputs.len()];
    let (mut ours, mut theirs) = (blank(), blank());
    let limit = limit(family, &mut plan, output_len)?;
    for input in inputs.iter().take(WARM_UP as usize) {
        Subject::run(&mut plan, input, &mut ours[0])?;
        Subject::run(&mut ort, input, &mut theirs[0])?;
    }
    let (mut inline_meter, mut ort_meter) = (Meter::new()?, Meter::new()?);
    // Whoever else runs here would be in one engine's figures and not in the other's. Without the privilege, all the same.
    let _ = rt::fifo(40);
    let share = inputs.len().div_ceil(rounds as usize);
    let chunks = inputs.chunks(share).zip(ours.chunks_mut(share).zip(theirs.chunks_mut(share)));
    for (round, (inputs, (ours, theirs))) in chunks.enumerate() {
        if round % 2 == 0 {
            inline_meter.round(&mut plan, inputs, ours)?;
            ort_meter.round(&mut ort, inputs, theirs)?;
        } else {
            ort_meter.round(&mut ort, inputs, theirs)?;
            inline_meter.round(&mut plan, inputs, ours)?;
        }
    }
    let pairs = || inputs.iter().zip(ours.iter().zip(&theirs));
    let differences = pairs().flat_map(|(_, (a, b))| a.iter().zip(b).map(|(a, b)| (a - b).abs()));
    let bad = |input: &[f32], output: &[f32]| family.score(input, output) > limit;
    let other = pairs().filter(|(input, (a, b))| bad(input, a) != bad(input, b)).count();
    let row = Row {
        name: family.name,
        title: family.title,
        operations,
        inline: inline_meter.figures(),
        ort: ort_meter.figures(),
        ratio: bootstrap::ratio(&inline_meter.medians, &ort_meter.medians).context("no rounds")?,
        aim: family.aim,
        largest_difference: differences.fold(0.0, f32::max),
        samples: SAMPLES,
        other_decisions: other as u64,
    };
    Ok((row, [inline_meter.histogram, ort_meter.histogram]))
}

/// The score above which a part is bad: the worst tenth of parts that are not judged later.
fn limit(family: &Family, plan: &mut Plan, output_len: usize) -> anyhow::Result<f32> {
    let (mut input, mut output) = (vec![0.0; family.input_len], vec![0.0; output_len]);
    let mut scores = Vec::new();
    for number in SAMPLES..SAMPLES + CALIBRATION {
        family.sample(number, &mut input);
        Subject::run(plan, &input, &mut output)?;
        scores.push(family.score(&input, &output));
    }
    scores.sort_unstable_by(f32::total_cmp);
    let place = scores.len() - scores.len() / BAD_ONE_IN;
    scores.get(place).copied().context("no samples")
}
