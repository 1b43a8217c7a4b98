//! What an editor was told of running cells, so that it is told what is new and no more.

use super::{Live, hub::Standing};
use crate::{analysis::live, lsp::uri_of, state::State};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What was told of each cell.
#[derive(Debug, Default)]
pub struct Told {
    cells: BTreeMap<PathBuf, Shown>,
}

#[derive(Debug)]
struct Shown {
    /// But for the cycle.
    status: Value,
    cycle: u64,
    live: Option<Arc<Live>>,
    stale: Vec<String>,
}

/// What is new.
#[derive(Debug, Default, PartialEq)]
pub struct News {
    /// Parameters of the notifications `sensai/online`.
    pub notifications: Vec<Value>,
    /// Values that hints show have changed.
    pub hints: bool,
    /// What runs, or the texts that are shown, have changed.
    pub lenses: bool,
}

/// Cycles from one notification to the next while nothing else changes: a sign of life, no more.
const QUIET: u64 = 1000;

impl Told {
    /// What is new since the last time.
    pub fn news(&mut self, state: &mut State<'_>) -> News {
        let mut news = News::default();
        let standings: Vec<(PathBuf, Standing)> =
            state.online.standings().map(|(cell, standing)| (cell.to_owned(), standing)).collect();
        let gone: Vec<PathBuf> =
            self.cells.keys().filter(|cell| !standings.iter().any(|(of, _)| of == *cell)).cloned().collect();
        for cell in gone {
            let shown = self.cells.remove(&cell);
            news.notifications.push(json!({ "cell": uri_of(&cell), "state": "detached" }));
            news.hints |= shown.as_ref().is_some_and(|shown| shown.live.is_some());
            news.lenses |= shown.is_some_and(|shown| !shown.stale.is_empty());
        }
        for (cell, standing) in standings {
            self.look(&cell, standing, state, &mut news);
        }
        news
    }

    fn look(&mut self, cell: &Path, standing: Standing, state: &mut State<'_>, news: &mut News) {
        let live = match &standing {
            Standing::Online(live) => Some(Arc::clone(live)),
            Standing::Connecting | Standing::Lost(_) => None,
        };
        let stale = live.as_ref().map_or_else(Vec::new, |live| stale(state, cell, live));
        let status = status(cell, &standing, &stale);
        let cycle = live.as_ref().map_or(0, |live| live.cycle);
        let before = self.cells.get(cell);
        let is_new = before.is_none_or(|before| {
            before.status != status || cycle < before.cycle || cycle - before.cycle >= QUIET
        });
        let told = before.map_or(0, |before| before.cycle);
        news.hints |= match (before.and_then(|before| before.live.as_ref()), &live) {
            (Some(before), Some(live)) => !is_same(before, live),
            (before, live) => before.is_some() != live.is_some(),
        };
        news.lenses |= before.map_or(!stale.is_empty(), |before| before.stale != stale);
        if is_new {
            let mut params = status.clone();
            if cycle > 0 {
                params["cycle"] = cycle.into();
            }
            news.notifications.push(params);
        }
        let cycle = if is_new { cycle } else { told };
        self.cells.insert(cell.to_owned(), Shown { status, cycle, live, stale });
    }
}

/// Everything but the cycle.
fn is_same(before: &Live, now: &Live) -> bool {
    (&before.tags, &before.parameters, &before.programs) == (&now.tags, &now.parameters, &now.programs)
}

/// Open files of which another text runs.
fn stale(state: &mut State<'_>, cell: &Path, live: &Live) -> Vec<String> {
    let open: Vec<PathBuf> = state.files.open().map(|(path, _)| path.clone()).collect();
    let mut stale = Vec::new();
    for path in open.iter().filter(|path| path.starts_with(cell)) {
        if let Some((snapshot, of, relative)) = state.snapshot(path)
            && of == cell
            && live::stale(&snapshot, &relative, live).is_some()
        {
            stale.push(uri_of(path));
        }
    }
    stale
}

fn status(cell: &Path, standing: &Standing, stale: &[String]) -> Value {
    let cell = uri_of(cell);
    match standing {
        Standing::Connecting => json!({ "cell": cell, "state": "connecting" }),
        Standing::Lost(why) => json!({ "cell": cell, "state": "lost", "text": why }),
        Standing::Online(live) => {
            let mut status = json!({ "cell": cell, "state": "online", "mode": live.mode, "forced": live.forced, "stale": stale });
            if !live.fault.is_empty() {
                status["fault"] = live.fault.as_str().into();
            }
            if live.stalled {
                status["stalled"] = true.into();
            }
            status
        }
    }
}
