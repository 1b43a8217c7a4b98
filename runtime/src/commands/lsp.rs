//! `sensai lsp`: what `sensai check` knows, in the editor.

use super::lsp_online::Sockets;
use crate::{cost, libraries, programs, source, twin};
use sensai_lsp::{Host, Loaded, Online, Read, Side, Subject};
use sensai_model::{
    Cell,
    cell::ProgramSource,
    config::{self, Finding},
};
use sensai_scripts::Analysed;
use std::{
    process::ExitCode,
    sync::{Arc, OnceLock},
};

/// Serve until the editor says goodbye.
pub fn run() -> anyhow::Result<ExitCode> {
    sensai_lsp::run_stdio(&Editor::default())?;
    Ok(ExitCode::SUCCESS)
}

/// The rules of this binary.
#[derive(Debug, Default)]
struct Editor {
    ns_per_unit: OnceLock<Option<f64>>,
}

impl Host for Editor {
    fn load(&self, read: &Read<'_>) -> Loaded {
        let report = config::load(read);
        let mut findings = report.findings;
        let Some(cell) = report.cell else { return Loaded { cell: None, findings, programs: Vec::new() } };
        findings.extend(source::cell_findings(&cell, &report.sources));
        let cell = Arc::new(cell);
        Loaded { programs: subjects(&cell), cell: Some(cell), findings }
    }

    fn attach(&self, program: &mut ProgramSource, read: &Read<'_>) {
        libraries::attach_one(program, |path| {
            let bytes = read(path).ok().filter(|bytes| bytes.len() <= libraries::BYTES_MAX)?;
            Some(String::from_utf8(bytes).ok()?.into())
        });
    }

    fn across(&self, cell: &Cell, all: &[(&Subject, &Analysed)]) -> Vec<Finding> {
        let number = |subject: &Subject| cell.tasks().position(|task| task.name == subject.task);
        let (twins, own): (Vec<_>, Vec<_>) = all.iter().partition(|(subject, _)| subject.is_twin());
        let own: Vec<(usize, &Analysed)> =
            own.iter().map(|(subject, analysed)| (number(subject).unwrap_or(0), *analysed)).collect();
        // Places are those of the texts as they are now.
        let text = |analysed: &Analysed| {
            analysed.trees.first().map_or(String::new(), |tree| tree.syntax().to_string())
        };
        let sources: Vec<ProgramSource> = twins
            .iter()
            .map(|(subject, analysed)| ProgramSource {
                text: text(analysed).into(),
                ..subject.source.clone()
            })
            .collect();
        let twins: Vec<(&ProgramSource, &Analysed)> =
            sources.iter().zip(&twins).map(|(source, (_, analysed))| (source, *analysed)).collect();
        let mut findings = programs::between(cell, &own);
        findings.extend(twin::between(cell, &twins));
        findings
    }

    fn ns_per_unit(&self) -> Option<f64> {
        *self.ns_per_unit.get_or_init(cost::calibrate)
    }

    fn online(&self) -> Option<Arc<dyn Online>> {
        Some(Arc::new(Sockets))
    }
}

/// The programs of a cell: those of tasks by their global index, then those of the twin.
fn subjects(cell: &Cell) -> Vec<Arc<Subject>> {
    let own = programs::all(cell).map(|(index, _, task, source)| Subject {
        source: source.clone(),
        task: task.name.clone(),
        interval_ns: task.interval_ns,
        tier: task.tier,
        index: index as u16,
        side: Side::Controller { limits: task.limits },
    });
    let simulation = &cell.simulation;
    let side = (!simulation.twin.is_empty()).then(|| Arc::new(twin::side(cell)));
    let twin = side.iter().flat_map(|side| {
        simulation.twin.iter().enumerate().map(|(index, source)| Subject {
            source: source.clone(),
            task: "twin".to_owned(),
            interval_ns: simulation.twin_interval_ns,
            tier: cell.task.tier,
            index: index as u16,
            side: Side::Twin(Arc::clone(side)),
        })
    });
    own.chain(twin).map(Arc::new).collect()
}

#[cfg(test)]
#[path = "lsp_tests.rs"]
mod tests;
