//! `sensai ctl`

pub(crate) mod show;
mod words;

use crate::{
    cli::{Cli, Ctl, CtlCommand, GoodOrBad, Language, OneUnit, WholeOrUnit},
    control::{
        audit,
        client::{Client, ClientError},
        describe::Description,
        method::{JOG_MS_MAX, SHELVE_S_MAX},
        patch,
        protocol::unknown,
        tail::TAIL_S_MAX,
        view::View,
    },
};
use anyhow::Context;
use serde_json::{Value as Json, json};
use std::{io::Write, path::Path, process::ExitCode, time::Duration};

/// How often a watched tag is looked at, Hz.
const WATCH_HZ: f64 = 10.0;

/// How long the log may be cut.
const CUT: Duration = Duration::from_secs(300);

/// Do what the arguments say; exit code 1 if the runtime does not.
pub fn run(arguments: &Ctl) -> anyhow::Result<ExitCode> {
    if let Some(CtlCommand::Audit { file }) = &arguments.command {
        return check_audit(file, arguments.json);
    }
    let Some(command) = &arguments.command else { return Err(no_command(arguments)) };
    anyhow::ensure!(
        arguments.socket.is_none() || arguments.cell.is_none(),
        "either a cell's directory or --socket, not both"
    );
    let target =
        super::host::target(&arguments.reach, arguments.socket.as_deref(), arguments.cell.as_deref())?;
    let mut client = Client::open(&target)?;
    let done = match command {
        CtlCommand::Tags { prefix, watch: true } => watch(&mut client, prefix, arguments.json),
        command => act(&mut client, arguments, command),
    };
    match done {
        Ok(text) => {
            super::say(&text);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let failure = error.downcast_ref::<ClientError>();
            if let (true, Some(ClientError::Failure(failure))) = (arguments.json, failure) {
                super::say(&format!("{}\n", json!({ "error": failure })));
                return Ok(ExitCode::FAILURE);
            }
            Err(error)
        }
    }
}

/// A word that is no command was taken for the cell's directory.
fn no_command(arguments: &Ctl) -> anyhow::Error {
    let line = <Cli as clap::CommandFactory>::command();
    let commands = line.find_subcommand("ctl").into_iter().flat_map(clap::Command::get_subcommands);
    let names: Vec<&str> = commands.map(clap::Command::get_name).collect();
    let word = arguments.cell.as_deref().filter(|word| !word.is_dir()).map(|word| word.to_string_lossy());
    match word {
        Some(word) => ClientError::Failure(unknown("command", &word, names.iter().copied())).into(),
        None => anyhow::anyhow!("what is it to do? One of: {}", names.join(", ")),
    }
}

fn check_audit(file: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let chain = audit::verify(file)?;
    if as_json {
        super::say(&format!("{}\n", json!({ "lines": chain.lines, "last": chain.last, "torn": chain.torn })));
    } else {
        let torn = match chain.torn {
            0 => String::new(),
            bytes => format!("; {bytes} bytes behind them are a line that was cut off"),
        };
        let (at, lines) = (file.display(), chain.lines);
        super::say(&format!("{at}: {lines} lines, none changed, none missing in between{torn}\n"));
    }
    Ok(ExitCode::SUCCESS)
}

/// One request, and its answer as text.
fn act(client: &mut Client, arguments: &Ctl, command: &CtlCommand) -> anyhow::Result<String> {
    let (method, params) = request(client, command, &arguments.why)?;
    // A PackML command is called what people call it.
    let name = params["command"].as_str().unwrap_or(method).to_owned();
    let answer = match command {
        CtlCommand::LogTail { .. } => client.call_within(method, params, CUT)?,
        _ => client.call(method, params)?,
    };
    if arguments.json {
        return Ok(format!("{}\n", serde_json::to_string_pretty(&answer)?));
    }
    Ok(match command {
        CtlCommand::Status => show::status(&describe(client)?, &serde_json::from_value(answer)?),
        CtlCommand::Tags { .. } => show::tags(&describe(client)?, &serde_json::from_value(answer)?),
        CtlCommand::Get { .. } => show::one(&answer),
        CtlCommand::Param { name: None, .. } => show::parameters(&answer),
        CtlCommand::Param { value: None, .. } => show::one(&answer),
        CtlCommand::Alarms { all, lang } => {
            let language = lang.unwrap_or_else(Language::of_environment);
            show::alarms(&describe(client)?, &serde_json::from_value(answer)?, *all, language)
        }
        CtlCommand::LogTail { .. } => {
            let path = answer["path"].as_str().unwrap_or_default();
            format!("cycles {} to {} are in {path}\n", answer["first"], answer["last"])
        }
        CtlCommand::ClearStatistics => "the tasks' statistics begin anew\n".into(),
        CtlCommand::Param { name: Some(name), value: Some(value) } => {
            show::applied(&format!("{name} = {value}"), &answer)
        }
        CtlCommand::Force { name, value } => show::applied(&format!("{name} is forced to {value}"), &answer),
        _ => show::applied(&name, &answer),
    })
}

/// The method and its parameters.
fn request(client: &mut Client, command: &CtlCommand, why: &str) -> anyhow::Result<(&'static str, Json)> {
    Ok(match command {
        CtlCommand::Status => ("status", json!({})),
        CtlCommand::Start { of, chain } => whole_or_unit(client, "start", of, *chain, why)?,
        CtlCommand::Stop { of } => whole_or_unit(client, "stop", of, false, why)?,
        CtlCommand::Reset { of, cold, origin } if *cold || *origin => {
            anyhow::ensure!(
                of.unit.is_none(),
                "--cold and --origin are for the runtime itself, not for a unit; leave out the unit"
            );
            ("reset", json!({ "restart": if *cold { "cold" } else { "origin" }, "why": why }))
        }
        CtlCommand::Reset { of, .. } => whole_or_unit(client, "reset", of, false, why)?,
        CtlCommand::Hold(of) => unit("hold", of, why),
        CtlCommand::Unhold(of) => unit("unhold", of, why),
        CtlCommand::Suspend(of) => unit("suspend", of, why),
        CtlCommand::Unsuspend(of) => unit("unsuspend", of, why),
        CtlCommand::Abort(of) => unit("abort", of, why),
        CtlCommand::Clear(of) => unit("clear", of, why),
        CtlCommand::Complete(of) => unit("complete", of, why),
        CtlCommand::Mode { mode, of } => {
            let modes = sensai_model::packml::Mode::ALL.iter().map(|mode| mode.name());
            if !modes.clone().any(|known| known == mode) {
                return Err(ClientError::Failure(unknown("mode", mode, modes)).into());
            }
            ("mode", with(json!({ "mode": mode, "why": why }), "unit", of.unit.as_deref()))
        }
        CtlCommand::Param { name: None, .. } => ("params", json!({})),
        CtlCommand::Param { name: Some(name), value: None } => {
            ("get", json!({ "name": format!("param.{name}") }))
        }
        CtlCommand::Param { name: Some(name), value: Some(value) } => {
            let value = words::value(value);
            ("set-param", json!({ "name": name, "value": value, "why": why }))
        }
        CtlCommand::Force { name, value } => {
            ("force", json!({ "name": name, "value": words::value(value), "why": why }))
        }
        CtlCommand::Unforce { name: Some(name), .. } => ("unforce", json!({ "name": name, "why": why })),
        CtlCommand::Unforce { name: None, .. } => ("unforce-all", json!({ "why": why })),
        CtlCommand::Jog { axis, velocity, time } => {
            let ms = words::milliseconds(time, JOG_MS_MAX)?;
            ("jog", json!({ "axis": axis, "velocity": velocity, "for_ms": ms, "why": why }))
        }
        CtlCommand::Override { factor, axis } => {
            ("override", with(json!({ "factor": factor, "why": why }), "axis", axis.as_deref()))
        }
        CtlCommand::Alarms { .. } => ("status", json!({ "sections": ["alarms"] })),
        CtlCommand::Ack { alarm } => ("ack", with(json!({ "why": why }), "alarm", alarm.as_deref())),
        CtlCommand::Shelve { alarm, time } => {
            let seconds = words::milliseconds(time, SHELVE_S_MAX * 1000)?.div_ceil(1000);
            ("shelve", json!({ "alarm": alarm, "for_s": seconds, "why": why }))
        }
        CtlCommand::Verdict { verdict, event } => {
            anyhow::ensure!(
                !why.trim().is_empty(),
                "a verdict needs a reason, the next model learns from it: add --why TEXT"
            );
            let good = *verdict == GoodOrBad::Good;
            ("verdict", json!({ "good": good, "event": event.unwrap_or(0), "why": why }))
        }
        CtlCommand::Tags { prefix, .. } => ("tags", json!({ "prefix": prefix })),
        CtlCommand::Get { name } => ("get", json!({ "name": name })),
        CtlCommand::LogTail { time } => {
            let ms = words::milliseconds(time, (TAIL_S_MAX * 1000.0) as u64)?;
            ("log-tail", json!({ "seconds": ms as f64 / 1000.0 }))
        }
        CtlCommand::ClearStatistics => ("clear-statistics", json!({})),
        CtlCommand::Audit { .. } => ("hello", json!({})),
    })
}

fn describe(client: &mut Client) -> anyhow::Result<Description> {
    let description = client.call("describe", json!({}))?;
    serde_json::from_value(description)
        .context("the runtime describes its cell in a way this sensai does not know")
}

/// For the units where there are any, else for the runtime.
fn whole_or_unit(
    client: &mut Client,
    name: &'static str,
    of: &WholeOrUnit,
    chain: bool,
    why: &str,
) -> anyhow::Result<(&'static str, Json)> {
    let runtime = of.runtime || (of.unit.is_none() && describe(client)?.units.is_empty());
    if runtime {
        anyhow::ensure!(!chain, "--chain is for PackML units, and this cell has none");
        return Ok((name, json!({ "why": why })));
    }
    let params = json!({ "command": name, "chain": chain, "why": why });
    Ok(("unit", with(params, "unit", of.unit.as_deref())))
}

fn unit(command: &str, of: &OneUnit, why: &str) -> (&'static str, Json) {
    ("unit", with(json!({ "command": command, "why": why }), "unit", of.unit.as_deref()))
}

fn with(mut params: Json, name: &str, value: Option<&str>) -> Json {
    if let Some(value) = value {
        params[name] = value.into();
    }
    params
}

/// Show tags, and then what changes, until the runtime or the user ends it.
fn watch(client: &mut Client, prefix: &str, as_json: bool) -> anyhow::Result<String> {
    let description = describe(client)?;
    if !description.tags.iter().any(|tag| tag.name.starts_with(prefix)) {
        let names = description.tags.iter().map(|tag| tag.name.as_str());
        return Err(ClientError::Failure(unknown("tag", prefix, names)).into());
    }
    client.call("subscribe", json!({ "sections": ["tags"], "prefix": prefix, "hz": WATCH_HZ }))?;
    let mut known = json!({});
    loop {
        let change = match client.patch(Duration::from_secs(5)) {
            Ok(Some(change)) => change,
            Ok(None) => continue,
            Err(ClientError::Gone(reason)) => return Ok(format!("{reason}\n")),
            Err(error) => return Err(error.into()),
        };
        patch::apply(&mut known, &change);
        if as_json {
            listened_to(&format!("{change}\n"))?;
            continue;
        }
        let names = change["tags"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
        let view: View = serde_json::from_value(known.clone())?;
        listened_to(&show::changes(&description, &view, &names.collect::<Vec<_>>()))?;
    }
}

/// Print, as long as somebody listens.
fn listened_to(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}
