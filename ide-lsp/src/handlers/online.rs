//! Requests about running cells.

use super::{Answer, Context, Refused, parse};
use crate::{
    analysis::CELL_FILE,
    lsp::{capabilities, path_of, uri_of},
    online::{Command, Place},
};
use lsp_server::{ErrorCode, RequestId};
use lsp_types::ExecuteCommandParams;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Attach {
    /// URI or path of the cell's directory, or of a file in it.
    cell: String,
    /// Path of the control socket, if it is not where the cell's name says.
    socket: Option<PathBuf>,
    /// Instead: a machine that it runs on, as it is noted, or `HOST:PORT`.
    host: Option<String>,
}

#[derive(Deserialize)]
struct Detach {
    /// None: all.
    cell: Option<String>,
}

/// What a command is given.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    cell: Option<String>,
    name: Option<String>,
    value: Option<Value>,
    program: Option<String>,
    #[serde(default)]
    why: String,
}

/// Follow a cell from now on.
pub fn attach(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let Attach { cell, socket, host } = parse(params)?;
    let cell = directory(context, &cell)?;
    let place = match (socket, host) {
        (Some(_), Some(_)) => return Err(Refused::new("either `socket` or `host`, not both")),
        (socket, host) => socket.map(Place::Socket).or(host.map(Place::Host)),
    };
    context.state.online.attach(&cell, place).map_err(Refused::new)?;
    Ok(json!({ "cell": uri_of(&cell) }))
}

/// No longer.
pub fn detach(context: &mut Context<'_, '_>, params: Value) -> Answer {
    let Detach { cell } = if params.is_null() { Detach { cell: None } } else { parse(params)? };
    let cell = cell.map(|cell| directory(context, &cell)).transpose()?;
    let gone = context.state.online.detach(cell.as_deref());
    Ok(json!({ "cells": gone.iter().map(|cell| uri_of(cell)).collect::<Vec<_>>() }))
}

/// The directory of a cell that a URI or path names, or a file in it.
fn directory(context: &Context<'_, '_>, named: &str) -> Result<PathBuf, Refused> {
    let path = path_of(named).unwrap_or_else(|| PathBuf::from(named));
    let none = || Refused::new(format!("there is no {CELL_FILE} in `{named}` or above it"));
    if !path.is_absolute() {
        return Err(none());
    }
    // As if it were asked of a file in it.
    let found = context.state.cell_of(&path.join(CELL_FILE)).or_else(|| context.state.cell_of(&path));
    found.ok_or_else(none)
}

/// Give a command to a running cell. Its answer comes later.
pub fn execute(context: &mut Context<'_, '_>, id: &RequestId, params: Value) -> Result<(), Refused> {
    let ExecuteCommandParams { command, mut arguments, .. } = parse(params)?;
    let arguments: Arguments = match arguments.is_empty() {
        true => Arguments::default(),
        false => parse(arguments.swap_remove(0))?,
    };
    let Arguments { cell, name, value, program, why } = arguments;
    let missing = |what: &str| {
        let text = format!("parameters: `{command}` needs {what}");
        Refused { code: ErrorCode::InvalidParams, text }
    };
    let meant = match command.as_str() {
        capabilities::SET_PARAMETER | capabilities::FORCE => {
            let name = name.ok_or_else(|| missing("`name`"))?;
            let value = value.ok_or_else(|| missing("`value`"))?;
            match command == capabilities::FORCE {
                true => Command::Force { name, value, why },
                false => Command::SetParameter { name, value, why },
            }
        }
        capabilities::UNFORCE => Command::Unforce { name: Some(name.ok_or_else(|| missing("`name`"))?), why },
        capabilities::UNFORCE_ALL => Command::Unforce { name: None, why },
        capabilities::RELOAD => Command::Reload { program, why },
        _ => {
            let text = format!("there is no command `{command}`");
            return Err(Refused { code: ErrorCode::InvalidParams, text });
        }
    };
    let cell = match cell {
        Some(cell) => directory(context, &cell)?,
        None => {
            let only = context.state.online.only().map(Path::to_path_buf);
            only.ok_or_else(|| Refused::new("say which `cell`: not exactly one is attached"))?
        }
    };
    if let Command::Reload { .. } = meant {
        is_saved(context, &cell)?;
    }
    context.state.online.command(&cell, id.clone(), meant).map_err(Refused::new)
}

/// A reload reads the files, not what the editor shows of them.
fn is_saved(context: &Context<'_, '_>, cell: &Path) -> Result<(), Refused> {
    let is_other = |(path, document): &(&PathBuf, &crate::files::Document)| {
        let saved = std::fs::read(path).unwrap_or_default();
        path.extension().is_some_and(|end| end == "rhai")
            && path.starts_with(cell)
            && document.text.as_ref().is_ok_and(|text| text.as_bytes() != saved)
    };
    match context.state.files.open().find(is_other) {
        Some((path, _)) => {
            Err(Refused::new(format!("save {} first: a reload reads the file", path.display())))
        }
        None => Ok(()),
    }
}
