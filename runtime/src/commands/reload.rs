//! `sensai reload`

use crate::{
    cli::Reload,
    control::{
        client::{Client, ClientError},
        view::View,
    },
    reload::ReloadFacts,
};
use serde_json::{Value as Json, json};
use std::{process::ExitCode, time::Duration};

/// Longest time until an answer: checking, compiling, the log's disk, and the next common edge of slow tasks.
const ANSWER: Duration = Duration::from_secs(120);
/// Between two looks at how it stands.
const LOOK: Duration = Duration::from_millis(50);

/// Reload; exit code 1 if it was refused, or, where that is waited for, undone.
pub fn run(arguments: &Reload) -> anyhow::Result<ExitCode> {
    let target =
        super::host::target(&arguments.reach, arguments.socket.as_deref(), arguments.cell.as_deref())?;
    let mut client = Client::open(&target)?;
    let mut params = json!({ "probation": arguments.probation, "why": arguments.why });
    if let Some(program) = &arguments.program {
        params["program"] = program.as_str().into();
    }
    let mut answer = match client.call_within("reload", params, ANSWER) {
        Ok(answer) => answer,
        Err(ClientError::Failure(failure)) if arguments.json => {
            super::say(&format!("{}\n", json!({ "error": failure })));
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    if !arguments.json {
        super::say(&taken(&answer));
    }
    let end = arguments.wait.then(|| wait(&mut client, &answer["number"])).transpose()?;
    let is_kept = end.as_ref().is_none_or(|end| end.state == "kept");
    match &end {
        _ if arguments.json => {
            if let Some(end) = &end {
                answer["end"] = serde_json::to_value(end)?;
            }
            super::say(&format!("{}\n", serde_json::to_string_pretty(&answer)?));
        }
        Some(end) if is_kept => super::say(&format!("kept, after {} runs\n", end.probation)),
        Some(end) => super::say(&format!("undone in cycle {}: {}\n", end.undone, end.why_undone)),
        None => {}
    }
    Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn taken(answer: &Json) -> String {
    let texts = |name: &str| {
        let of = answer[name].as_array().into_iter().flatten();
        of.filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let notes: String = texts("notes").iter().map(|note| format!("  {note}\n")).collect();
    format!(
        "reloaded {} in cycle {} (reload {})\n{notes}  a fault or an overrun within {} runs brings the old programs back\n",
        texts("programs").join(", "),
        answer["cycle"],
        answer["number"],
        answer["probation"]
    )
}

/// How it came out.
fn wait(client: &mut Client, number: &Json) -> anyhow::Result<ReloadFacts> {
    loop {
        let status = client.call("status", json!({ "sections": ["reload"] }))?;
        let view: View = serde_json::from_value(status)?;
        match view.reload {
            Some(facts) if json!(facts.number) == *number && facts.state == "probation" => {
                std::thread::sleep(LOOK);
            }
            Some(facts) if json!(facts.number) == *number => return Ok(facts),
            // Somebody has reloaded again: that says that this one was good.
            _ => return Ok(ReloadFacts { state: "kept".into(), ..ReloadFacts::default() }),
        }
    }
}
