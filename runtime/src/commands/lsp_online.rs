//! Running cells for `sensai lsp`: over their control sockets, here or in a network, as `sensai ctl` and `sensai top` do it.

use super::{ctl::show, host};
use crate::{
    cli::Reach,
    control::{
        client::{self, Client},
        patch,
        view::View,
    },
};
use sensai_lsp::{
    Link, Online,
    online::{Command, Live, LiveProgram, LiveTag, Place},
};
use serde_json::{Value as Json, json};
use std::{io, path::Path, time::Duration};

/// What an editor shows of a cell.
const SECTIONS: [&str; 5] = ["runtime", "parameters", "tags", "programs", "forced"];

/// Longest time until a reload is answered: checking, compiling, the next common edge of slow tasks.
const RELOADED: Duration = Duration::from_secs(120);

/// Bytes of a cell's state, as JSON, that are kept.
const STATE_MAX: usize = 64 << 20;

/// How many patches come between two looks at how much is kept; each has a bound of its own.
const MEASURED: u32 = 16;

/// The control sockets of this computer, and of machines that its user has noted.
#[derive(Debug)]
pub struct Sockets;

impl Online for Sockets {
    fn connect(&self, cell: &Path, place: Option<&Place>) -> Result<Box<dyn Link>, String> {
        let words = |error: anyhow::Error| format!("{error:#}");
        let (reach, socket) = match place {
            Some(Place::Host(host)) => (Reach { host: Some(host.clone()), ..Reach::default() }, None),
            Some(Place::Socket(path)) => (Reach::default(), Some(path.as_path())),
            None => (Reach::default(), None),
        };
        let target = host::target(&reach, socket, socket.is_none().then_some(cell)).map_err(words)?;
        let client = Client::open(&target).map_err(words)?;
        let name = client::cell_name(cell).map_err(words)?;
        if client.cell() != name {
            return Err(format!("the runtime at {target} runs the cell `{}`, not `{name}`", client.cell()));
        }
        Ok(Box::new(Connected { client, known: json!({}), patches: 0 }))
    }
}

struct Connected {
    client: Client,
    known: Json,
    patches: u32,
}

impl Link for Connected {
    fn follow(&mut self, hz: f64) -> Result<(), String> {
        let params = json!({ "sections": SECTIONS, "hz": hz });
        self.client.call("subscribe", params).map(drop).map_err(|error| error.to_string())
    }

    fn next(&mut self, within: Duration) -> Result<Option<Live>, String> {
        let change = self.client.patch(within).map_err(|error| error.to_string())?;
        let Some(change) = change else { return Ok(None) };
        patch::apply(&mut self.known, &change);
        self.patches += 1;
        if self.patches.is_multiple_of(MEASURED) && measure(&self.known) > STATE_MAX {
            return Err(format!("the runtime tells more than the {STATE_MAX} bytes that are kept of it"));
        }
        let view = serde_json::from_value(self.known.clone());
        let view =
            view.map_err(|error| format!("the runtime tells what this sensai does not know: {error}"))?;
        Ok(Some(live(view)))
    }

    fn command(&mut self, command: &Command) -> Result<String, String> {
        let (method, params, what) = match command {
            Command::SetParameter { name, value, why } => {
                let what = format!("{name} = {}", show::value(value));
                ("set-param", json!({ "name": name, "value": value, "why": why }), what)
            }
            Command::Force { name, value, why } => {
                let what = format!("{name} is forced to {}", show::value(value));
                ("force", json!({ "name": name, "value": value, "why": why }), what)
            }
            Command::Unforce { name: Some(name), why } => {
                ("unforce", json!({ "name": name, "why": why }), format!("{name} is let go"))
            }
            Command::Unforce { name: None, why } => {
                ("unforce-all", json!({ "why": why }), "everything is let go".to_owned())
            }
            Command::Reload { program, why } => return self.reload(program.as_deref(), why),
        };
        let answer = self.client.call(method, params).map_err(|error| error.to_string())?;
        Ok(show::applied(&what, &answer).trim_end().to_owned())
    }
}

impl Connected {
    fn reload(&mut self, program: Option<&str>, why: &str) -> Result<String, String> {
        let mut params = json!({ "why": why });
        if let Some(program) = program {
            params["program"] = program.into();
        }
        let answer =
            self.client.call_within("reload", params, RELOADED).map_err(|error| error.to_string())?;
        Ok(super::reload::taken(&answer).trim_end().to_owned())
    }
}

/// Bytes of a document.
fn measure(document: &Json) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // A document can always be written, and so can bytes be counted.
    let _ = serde_json::to_writer(&mut count, document);
    count.0
}

fn live(view: View) -> Live {
    let runtime = view.runtime.unwrap_or_default();
    let fault = runtime.fault.map_or_else(String::new, |fault| {
        let place = if fault.place.is_empty() { String::new() } else { format!(" ({})", fault.place) };
        format!("{}: {}{place}", fault.id, fault.text)
    });
    let tags = view
        .tags
        .into_iter()
        .map(|(name, tag)| (name, LiveTag { value: tag.value, valid: tag.valid, forced: tag.forced }));
    let programs = view.programs.into_values().map(|program| {
        let state =
            LiveProgram { sha256: program.sha256, libraries: program.libraries, state: program.state };
        (program.path, state)
    });
    Live {
        cycle: view.cycle,
        mode: runtime.state,
        fault,
        stalled: runtime.stalled,
        tags: tags.collect(),
        parameters: view.parameters,
        programs: programs.collect(),
        forced: view.forced.into_keys().collect(),
    }
}
