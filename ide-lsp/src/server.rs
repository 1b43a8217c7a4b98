//! The main loop: read, answer, tell; one thing after the other.
//!
//! What has piled up is taken in first. So a request that was cancelled meanwhile is not worked on, one about a text that
//! has changed since is sent back, and only the last text of a burst is checked.

use crate::{
    Error, Host,
    handlers::{self, Context},
    lsp::{
        capabilities,
        from_proto::{self, Client, Event},
        to_proto::{self, Texts},
    },
    online::told::Told,
    state::State,
};
use crossbeam::{channel::Receiver, select};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use serde_json::Value;
use std::{
    collections::{BTreeSet, VecDeque},
    ops::ControlFlow,
    path::PathBuf,
};

/// Messages that are taken in before the first of them is worked on.
const AHEAD_MAX: usize = 256;

/// Serve one editor from `initialize` to `exit`.
pub fn serve(connection: &Connection, host: &dyn Host) -> Result<(), Error> {
    let Some(client) = greet(connection)? else { return Err(Error::ExitWithoutShutdown) };
    if client.watches {
        let method = "client/registerCapability".to_owned();
        let request =
            Request { id: RequestId::from("watch".to_owned()), method, params: capabilities::watch() };
        send(connection, request.into())?;
    }
    let mut session = Session {
        state: State::new(host),
        client,
        shut_down: false,
        waiting: VecDeque::new(),
        told: Told::default(),
        refreshes: [Refresh::default(); 2],
    };
    loop {
        if session.waiting.is_empty() {
            session.wait(connection)?;
        }
        session.take_ahead(&connection.receiver);
        while let Some(message) = session.waiting.pop_front() {
            if let ControlFlow::Break(ended) = session.take(message, connection) {
                return ended;
            }
            session.take_ahead(&connection.receiver);
        }
        session.tell(connection)?;
        session.tell_of_running(connection)?;
        session.state.rest();
    }
}

/// `initialize` and its answer. None: the editor left before.
fn greet(connection: &Connection) -> Result<Option<Client>, Error> {
    loop {
        match connection.receiver.recv().map_err(|_| Error::Disconnected)? {
            Message::Request(request) if request.method == "initialize" => {
                let client = from_proto::client(request.params);
                let result = capabilities::initialize_result(&client);
                send(connection, Response::new_ok(request.id, result).into())?;
                return Ok(Some(client));
            }
            Message::Request(request) => {
                let code = ErrorCode::ServerNotInitialized as i32;
                let text = "the first request is `initialize`".to_owned();
                send(connection, Response::new_err(request.id, code, text).into())?;
            }
            Message::Notification(notification) if notification.method == "exit" => return Ok(None),
            Message::Notification(_) | Message::Response(_) => {}
        }
    }
}

struct Session<'h> {
    state: State<'h>,
    client: Client,
    shut_down: bool,
    waiting: VecDeque<Message>,
    /// What the editor was told of running cells.
    told: Told,
    /// Of hints and of lenses.
    refreshes: [Refresh; 2],
}

/// How it stands with asking the editor to ask again.
#[derive(Clone, Copy, Default)]
struct Refresh {
    /// It should be asked.
    is_due: bool,
    /// It was asked, and has not answered yet.
    is_asked: bool,
}

/// What the editor can be asked to ask for again, and the ids of these requests.
const REFRESHES: [(&str, &str); 2] =
    [("workspace/inlayHint/refresh", "hints"), ("workspace/codeLens/refresh", "lenses")];

impl Session<'_> {
    /// Until the editor says something, or there is something to tell it.
    fn wait(&mut self, connection: &Connection) -> Result<(), Error> {
        let hub = &mut self.state.online;
        select! {
            recv(connection.receiver) -> message => {
                self.waiting.push_back(message.map_err(|_| Error::Disconnected)?);
            }
            recv(hub.bell()) -> _ => {}
            recv(hub.answers()) -> answer => if let Ok(answer) = answer {
                hub.answered();
                send(connection, answer.into())?;
            }
        }
        Ok(())
    }

    /// Tell what is new of cells that run; a flood of it is one look each time.
    fn tell_of_running(&mut self, connection: &Connection) -> Result<(), Error> {
        // Whoever types is not kept waiting.
        if self.shut_down || !connection.receiver.is_empty() {
            return Ok(());
        }
        let news = self.told.news(&mut self.state);
        for params in news.notifications {
            send(connection, Notification { method: "sensai/online".to_owned(), params }.into())?;
        }
        let able = [self.client.refreshes_hints, self.client.refreshes_lenses];
        let wanted = [news.hints, news.lenses].into_iter().zip(able);
        for ((refresh, (method, id)), (wanted, able)) in self.refreshes.iter_mut().zip(REFRESHES).zip(wanted)
        {
            refresh.is_due |= wanted;
            // An editor that has not answered the last time is not asked again: it has enough to do.
            if refresh.is_due && able && !refresh.is_asked {
                *refresh = Refresh { is_due: false, is_asked: true };
                let (id, method) = (RequestId::from(id.to_owned()), method.to_owned());
                send(connection, Request { id, method, params: Value::Null }.into())?;
            }
        }
        Ok(())
    }

    /// Whatever has come.
    fn take_ahead(&mut self, receiver: &Receiver<Message>) {
        while self.waiting.len() < AHEAD_MAX {
            match receiver.try_recv() {
                Ok(message) => self.waiting.push_back(message),
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, message: Message, connection: &Connection) -> ControlFlow<Result<(), Error>> {
        match message {
            Message::Request(request) => {
                let response = self.answer(request);
                if let Some(Err(error)) = response.map(|response| send(connection, response.into())) {
                    return ControlFlow::Break(Err(error));
                }
            }
            Message::Response(response) => {
                // Whether it will, does not matter; that it has heard does.
                for ((_, id), refresh) in REFRESHES.iter().zip(&mut self.refreshes) {
                    refresh.is_asked &= response.id != RequestId::from((*id).to_owned());
                }
            }
            Message::Notification(notification) if notification.method == "exit" => {
                let ended = if self.shut_down { Ok(()) } else { Err(Error::ExitWithoutShutdown) };
                return ControlFlow::Break(ended);
            }
            Message::Notification(notification) if !self.shut_down => {
                if let Some(event) = from_proto::event(notification) {
                    self.apply(event);
                }
            }
            Message::Notification(_) => {}
        }
        ControlFlow::Continue(())
    }

    /// The answer, unless it comes later.
    fn answer(&mut self, request: Request) -> Option<Response> {
        let refuse =
            |id, code: ErrorCode, text: &str| Some(Response::new_err(id, code as i32, text.to_owned()));
        match request.method.as_str() {
            _ if self.shut_down => refuse(request.id, ErrorCode::InvalidRequest, "the server is shut down"),
            "shutdown" => {
                self.shut_down = true;
                Some(Response::new_ok(request.id, ()))
            }
            "initialize" => {
                refuse(request.id, ErrorCode::InvalidRequest, "the server is initialized already")
            }
            _ if self.is_cancelled(&request.id) => {
                refuse(request.id, ErrorCode::RequestCanceled, "cancelled")
            }
            _ if self.is_outdated(&request) => {
                refuse(request.id, ErrorCode::ContentModified, "the text has changed since")
            }
            _ => {
                let mut context = Context { state: &mut self.state, client: self.client };
                handlers::answer(&mut context, request)
            }
        }
    }

    /// The editor does not want the answer any more.
    fn is_cancelled(&self, id: &RequestId) -> bool {
        let wanted = serde_json::to_value(id).unwrap_or_default();
        self.waiting.iter().any(|message| match message {
            Message::Notification(Notification { method, params }) => {
                method == "$/cancelRequest" && params.get("id") == Some(&wanted)
            }
            _ => false,
        })
    }

    /// A change of the same document waits behind the request.
    fn is_outdated(&self, request: &Request) -> bool {
        let uri = |params: &Value| params.get("textDocument").and_then(|of| of.get("uri")).cloned();
        let Some(wanted) = uri(&request.params) else { return false };
        self.waiting.iter().any(|message| match message {
            Message::Notification(Notification { method, params }) => {
                method == "textDocument/didChange" && uri(params).as_ref() == Some(&wanted)
            }
            _ => false,
        })
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Opened { path, uri, version, text } if is_ours(&path) => {
                self.state.changed(&path);
                self.state.files.set(path.clone(), uri, version, text);
                self.state.changed(&path);
            }
            Event::Changed { path, uri, version, changes } if is_ours(&path) => {
                let whole = changes.last().is_some_and(|change| change.range.is_none());
                let old = self.state.files.document(&path).and_then(|document| document.text.clone().ok());
                let text = match old {
                    Some(old) => from_proto::changed(&old, &changes, self.client.encoding),
                    // Of a document that we do not know only its whole text helps.
                    None if whole => from_proto::changed("", &changes, self.client.encoding),
                    None => return,
                };
                self.state.files.set(path.clone(), uri, version, text);
                self.state.changed(&path);
            }
            Event::Saved(path) if is_ours(&path) => self.state.changed(&path),
            Event::Closed(path) if is_ours(&path) => {
                // Before and after: closing an unsaved `cell.toml` may be the end of a cell.
                self.state.changed(&path);
                self.state.files.close(&path);
                self.state.changed(&path);
            }
            Event::OnDisk(paths) => {
                let cells: BTreeSet<PathBuf> =
                    paths.iter().filter_map(|path| self.state.cell_of(path)).collect();
                for cell in cells {
                    self.state.changed(&cell.join(crate::analysis::CELL_FILE));
                }
            }
            Event::Opened { .. } | Event::Changed { .. } | Event::Saved(_) | Event::Closed(_) => {}
        }
    }

    /// Tell what is wrong, unless there is something else to do by now.
    fn tell(&mut self, connection: &Connection) -> Result<(), Error> {
        if self.shut_down || !self.state.is_untold() {
            return Ok(());
        }
        let published = self.state.publish(&|| !connection.receiver.is_empty());
        let encoding = self.client.encoding;
        for of in &published {
            let state = &mut self.state;
            let mut texts = Texts::new(&of.cell, encoding, |path| state.text(path));
            if let Some(message) = to_proto::publish(of, encoding, &mut texts) {
                send(connection, message.into())?;
            }
        }
        Ok(())
    }
}

fn is_ours(path: &std::path::Path) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    matches!(end, Some("rhai" | "toml"))
}

fn send(connection: &Connection, message: Message) -> Result<(), Error> {
    connection.sender.send(message).map_err(|_| Error::Disconnected)
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
