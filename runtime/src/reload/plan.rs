//! From new texts to a complete reload, or to everything that speaks against it.

use crate::{
    libraries,
    machine::{
        Loaded,
        reload::{Reload, Replacement, edition},
    },
    programs::{self, Workshop},
};
use sensai_log::{EpochChange, epoch::EpochProgram};
use sensai_model::{
    Cell,
    cell::{ProgramSource, Task},
    config::{Finding, Severity},
};
use sensai_scripts::{
    Layout,
    migrate::{Side, plan as plan_migration},
};
use std::{collections::BTreeMap, sync::Arc};

/// Why there is no reload where the texts are those that run.
pub(super) const NOTHING: &str = "nothing to reload: the programs are those that run";

/// The programs that run, as far as the next reload has to know them.
#[derive(Clone)]
pub struct Running {
    /// The cell, with the texts that run.
    pub cell: Arc<Cell>,
    /// Their edition.
    pub edition: u32,
    /// By global index.
    programs: Vec<Known>,
}

#[derive(Clone)]
struct Known {
    name: String,
    /// 0 is the base task.
    task: usize,
    layout: Layout,
    initial: Vec<u8>,
}

/// What there is behind a reload.
pub struct Outlook {
    /// Its number.
    pub number: u32,
    /// What runs.
    pub running: Running,
    /// Names of the programs that are replaced.
    pub programs: Vec<String>,
    /// What people should know, one sentence each.
    pub notes: Vec<String>,
}

/// A reload that can be taken.
pub struct Planned {
    /// For the machine.
    pub reload: Box<Reload>,
    /// For who waits for it.
    pub outlook: Outlook,
    /// Warnings of the check.
    pub findings: Vec<Finding>,
    /// What the log has to be told: of this edition, and of the one after an undo.
    pub changes: [EpochChange; 2],
    /// Bytes that are hashed, and of a whole keyframe: of the longer edition.
    pub lens: (usize, usize),
}

/// Why there is none.
#[derive(Clone, Debug, Default)]
pub struct Unfit {
    /// In a sentence.
    pub message: String,
    /// What does not fit, one sentence each.
    pub reasons: Vec<String>,
    /// What is wrong with the texts.
    pub findings: Vec<Finding>,
    /// What to do.
    pub help: String,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        self.reasons.iter().try_for_each(|reason| write!(f, "\n  {reason}"))
    }
}

impl std::error::Error for Unfit {}

impl Running {
    /// What a run begins with, or what runs in a later edition.
    ///
    /// # Errors
    /// If a program cannot be made again to be looked at.
    pub fn of(shop: &dyn Workshop, cell: &Arc<Cell>, edition: u32) -> anyhow::Result<Self> {
        let known =
            |((_, task, _, source), program): ((usize, usize, &Task, &ProgramSource), Loaded)| Known {
                name: source.name.clone(),
                task,
                layout: program.layout().clone(),
                initial: program.state().to_vec(),
            };
        let programs = programs::all(cell).zip(shop.all(cell)?).map(known).collect();
        Ok(Self { cell: Arc::clone(cell), edition, programs })
    }

    /// The same programs, after reload `number` was undone.
    #[must_use]
    pub fn undone(self, number: u32) -> Self {
        Self { edition: edition(number) + 1, ..self }
    }

    /// Layouts of the programs, with their names.
    pub fn layouts(&self) -> impl Iterator<Item = (&str, &Layout)> {
        self.programs.iter().map(|known| (known.name.as_str(), &known.layout))
    }

    fn described(&self) -> Vec<EpochProgram> {
        let one = |known: &Known| EpochProgram {
            name: known.name.clone(),
            // Names and numbers always become JSON.
            layout: serde_json::to_value(&known.layout).unwrap_or_default(),
            layout_hash: known.layout.hash(),
            state_len: known.layout.size() as u64,
        };
        self.programs.iter().map(one).collect()
    }

    /// What the bytes of a keyframe are, given what they are in the run's first edition.
    fn parts(&self, first: &[(String, usize)], replaced: usize) -> Vec<(String, usize)> {
        let mut known = self.programs.iter();
        let mut parts: Vec<(String, usize)> = first
            .iter()
            .map(|(name, len)| match name.starts_with("program:").then(|| known.next()).flatten() {
                Some(known) => (name.clone(), known.layout.size()),
                None => (name.clone(), *len),
            })
            .collect();
        parts.push(("probation".into(), 8 * self.cell.tasks().count()));
        parts.push(("replaced".into(), replaced));
        parts
    }

    /// Files that are other ones than those the run began with.
    fn changed_files(&self, first: &Cell) -> Vec<(String, Vec<u8>)> {
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for ((_, now), (_, then)) in self.cell.programs().zip(first.programs()) {
            if now.text != then.text {
                files.insert(now.path.clone(), now.text.as_bytes().to_vec());
            }
            for library in now.libraries.iter().filter(|library| !then.libraries.contains(library)) {
                files.insert(library.path.clone(), library.text.as_bytes().to_vec());
            }
        }
        files.into_iter().collect()
    }
}

/// Bytes of the parts that are hashed, which come first, and of all of them.
fn lens(parts: &[(String, usize)]) -> (usize, usize) {
    let is_hashed = |name: &str| name == "machine" || name == "outputs" || name.starts_with("program:");
    let sum = |hashed: bool| {
        parts.iter().filter(|(name, _)| !hashed || is_hashed(name)).map(|(_, len)| len).sum::<usize>()
    };
    (sum(true), sum(false))
}

/// The cell with other texts, by path.
pub(crate) fn with_texts(cell: &Cell, texts: &BTreeMap<String, Arc<str>>) -> Cell {
    let mut cell = cell.clone();
    let programs = cell.task.programs.iter_mut();
    let mut known: BTreeMap<String, Arc<str>> = BTreeMap::new();
    for program in programs.chain(cell.slow_tasks.iter_mut().flat_map(|task| &mut task.programs)) {
        let libraries = program.libraries.iter();
        known.extend(libraries.map(|library| (library.path.clone(), Arc::clone(&library.text))));
        if let Some(text) = texts.get(&program.path) {
            program.text = Arc::clone(text);
        }
    }
    libraries::attach(&mut cell, |path| texts.get(path).or_else(|| known.get(path)).cloned());
    cell
}

/// Plan reload `number`: the programs whose files are in `texts` with other texts than those that run. `first` is what the run
/// began with: the cell, and what the bytes of its keyframes are.
///
/// # Errors
/// Everything that speaks against it, at once.
pub fn plan(
    shop: &dyn Workshop,
    running: &Running,
    first: (&Cell, &[(String, usize)]),
    (number, probation): (u32, u64),
    texts: &BTreeMap<String, Arc<str>>,
) -> Result<Planned, Unfit> {
    let cell = Arc::new(with_texts(&running.cell, texts));
    let findings = shop.check(&cell);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        let message = "the new programs do not pass the check".into();
        return Err(Unfit { message, findings, ..Unfit::default() });
    }
    let Assembled { reload, outlook, replaced, kept } = assemble(shop, running, &cell, (number, probation))?;
    let next = &outlook.running;
    let change = |of: &Running, parts: Vec<(String, usize)>| EpochChange {
        edition: of.edition,
        contents: of.changed_files(first.0),
        programs: of.described(),
        keyframe: crate::recorder::keyframe_parts(parts),
        ..EpochChange::default()
    };
    let back = running.clone().undone(number);
    let (parts, parts_back) = (next.parts(first.1, kept), back.parts(first.1, 0));
    let (longest, longest_back) = (lens(&parts), lens(&parts_back));
    let taken = EpochChange { probation, replaced, ..change(next, parts) };
    let back = change(&back, parts_back);
    Ok(Planned {
        reload,
        outlook,
        findings,
        changes: [taken, back],
        lens: (longest.0.max(longest_back.0), longest.1.max(longest_back.1)),
    })
}

/// True if a program is another one: by its text, or by those of its libraries.
fn differ(new: &ProgramSource, old: &ProgramSource) -> bool {
    new.text != old.text || new.libraries != old.libraries
}

/// A reload without what only a run needs of it.
pub(crate) struct Assembled {
    /// For the machine.
    pub reload: Box<Reload>,
    /// For who goes on behind it.
    pub outlook: Outlook,
    /// Old texts, by index.
    replaced: Vec<(u32, Vec<u8>)>,
    /// Bytes of the old states.
    kept: usize,
}

/// Put reload `number` together: from the programs that run to those of `cell`, which is checked.
///
/// # Errors
/// As [`plan`].
pub(crate) fn assemble(
    shop: &dyn Workshop,
    running: &Running,
    cell: &Arc<Cell>,
    (number, probation): (u32, u64),
) -> Result<Assembled, Unfit> {
    let mut next =
        Running { cell: Arc::clone(cell), edition: edition(number), programs: running.programs.clone() };
    let mut outlook = Outlook { number, running: running.clone(), programs: Vec::new(), notes: Vec::new() };
    let (mut replacements, mut replaced, mut kept) = (Vec::new(), Vec::new(), 0);
    let (mut broken, mut reasons) = (Vec::new(), Vec::new());
    let axes: Vec<&str> = cell.axes.iter().map(|axis| axis.name.as_str()).collect();
    let changed = cell.programs().zip(running.cell.programs()).enumerate();
    for (index, ((_, new), (_, old))) in changed.filter(|(_, ((_, new), (_, old)))| differ(new, old)) {
        let Some(known) = next.programs.get_mut(index) else { continue };
        let made = match shop.make(cell, index, Some(&known.layout)) {
            Ok(made) => made,
            Err(error) => {
                broken.push(format!("{error:#}"));
                continue;
            }
        };
        let (layout, initial) = (made.program.layout().clone(), made.program.state().to_vec());
        let old_side = Side { layout: &known.layout, initial: &known.initial };
        let migration = plan_migration(old_side, Side { layout: &layout, initial: &initial }, &axes);
        let path = &new.path;
        let refused = migration.refused.iter();
        match &made.migrate {
            None => reasons.extend(refused.map(|refusal| format!("{path}: {refusal}"))),
            Some(migrate) => {
                outlook.notes.extend(refused.map(|of| format!("{path}: {of}; its `migrate` decides")));
                let units = migrate.units();
                outlook.notes.push(format!("{path}: its `migrate` took at most {units} units, once"));
            }
        }
        let added = |at: &String| format!("{path}: `{at}` is new: it starts as `init` gives it");
        let removed = |at: &String| format!("{path}: `{at}` is gone, and its value with it");
        outlook.notes.extend(migration.added.iter().map(added));
        outlook.notes.extend(migration.removed.iter().map(removed));
        outlook.programs.push(known.name.clone());
        replaced.push((index as u32, libraries::bundle(old)));
        let (place, old_len) = ((known.task, index), known.layout.size());
        kept += old_len;
        replacements.push(Replacement::new(place, made.program, old_len, migration, made.migrate));
        (known.layout, known.initial) = (layout, initial);
    }
    let unfit = |message: &str, reasons: Vec<String>, help: &str| Unfit {
        message: message.into(),
        reasons,
        help: help.into(),
        findings: Vec::new(),
    };
    if !broken.is_empty() {
        return Err(unfit("the new programs cannot be taken", broken, ""));
    }
    if !reasons.is_empty() {
        let help = "keep name and type of what is to live on, give what changes another name, so that it starts anew, \
                    write `fn migrate(old)` that takes it over, or stop and start the cell";
        return Err(unfit("the state of what runs does not fit the new programs", reasons, help));
    }
    if replacements.is_empty() {
        return Err(unfit(NOTHING, reasons, ""));
    }
    outlook.running = next;
    let reload = Box::new(Reload::new(number, running.edition, probation, replacements));
    Ok(Assembled { reload, outlook, replaced, kept })
}
