//! `sensai top`: a running cell on a terminal, read from its control socket.
//!
//! `state` is what the screen shows and how keys change it, `draw` and `pages` put it on any backend, `link` is
//! the connection. Only this file touches the terminal.

mod draw;
mod link;
mod pages;
mod state;
#[cfg(test)]
mod tests;

use crate::{
    cli::{Language, Top},
    commands::host,
    control::client::{Client, Target},
};
use anyhow::Context;
use link::{Link, News};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Buffer,
    crossterm::event::{self, Event, KeyEventKind},
    text::Span,
};
use serde_json::json;
use state::{State, Wish};
use std::{io::IsTerminal, process::ExitCode, time::Duration};

/// How long the keyboard is listened to before the screen is drawn anew.
const TICK: Duration = Duration::from_millis(100);
/// A frame without a terminal: the smallest one that everything fits in.
const FRAME: (u16, u16) = (80, 24);

/// Show a cell until the user has seen enough.
///
/// # Errors
/// If there is no runtime, or no terminal.
pub fn run(arguments: &Top) -> anyhow::Result<ExitCode> {
    let target = host::target(&arguments.reach, arguments.socket.as_deref(), arguments.cell.as_deref())?;
    let language = arguments.lang.unwrap_or_else(Language::of_environment);
    let mut state = State::new(arguments.page, language);
    if arguments.once {
        return once(&target, &mut state);
    }
    anyhow::ensure!(
        std::io::stdout().is_terminal() && std::io::stdin().is_terminal(),
        "this is no terminal: `sensai top --once` prints one frame, `sensai ctl status` a summary"
    );
    // What is wrong from the start is said on a screen that stays.
    drop(Client::open(&target)?);
    let link = Link::open(target.clone());
    let mut terminal = ratatui::try_init().context("cannot take over the terminal")?;
    let result = watch(&mut terminal, &mut state, &link, &target);
    ratatui::restore();
    result.map(|()| ExitCode::SUCCESS)
}

fn watch(
    terminal: &mut ratatui::DefaultTerminal,
    state: &mut State,
    link: &Link,
    target: &Target,
) -> anyhow::Result<()> {
    loop {
        for news in link.news() {
            match news {
                News::Connected(description) => state.connected(*description),
                News::View(view) => state.seen(*view),
                News::Gone(reason) => state.lost(reason),
            }
        }
        terminal.draw(|frame| draw::screen(frame, state))?;
        if !event::poll(TICK)? {
            continue;
        }
        let Event::Key(key) = event::read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match state.key(key) {
            None => {}
            Some(Wish::Quit) => return Ok(()),
            Some(Wish::ClearStatistics) => {
                let asked = Client::open(target)
                    .and_then(|mut client| Ok(client.call("clear-statistics", json!({}))?));
                state.tell(asked.map_or_else(|error| error.to_string(), |_| "statistics begin anew".into()));
            }
        }
    }
}

fn once(target: &Target, state: &mut State) -> anyhow::Result<ExitCode> {
    let mut client = Client::open(target)?;
    state.connected(serde_json::from_value(client.call("describe", json!({}))?)?);
    let all = crate::control::view::Section::ALL;
    state.seen(serde_json::from_value(client.call("status", json!({ "sections": all }))?)?);
    let mut terminal = Terminal::new(TestBackend::new(FRAME.0, FRAME.1))?;
    terminal.draw(|frame| draw::screen(frame, state))?;
    let text = plain(terminal.backend().buffer());
    let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// A frame as text, without blanks at the ends of its lines.
fn plain(buffer: &Buffer) -> String {
    let mut text = String::new();
    let width = usize::from(buffer.area.width).max(1);
    for row in buffer.content.chunks(width) {
        let (mut line, mut covered) = (String::new(), 0);
        for cell in row {
            // A wide letter covers the cells behind it.
            if covered > 0 {
                covered -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            covered = Span::raw(cell.symbol()).width().saturating_sub(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
