//! The main loop: read, check, tell; one thing after the other.

use crate::{
    Diagnostic, Error, Overlay,
    lsp::{from_proto, to_proto},
    workspace::Workspace,
};
use lsp_server::{Connection, ErrorCode, Message, Request, Response};
use std::{ops::ControlFlow, path::Path};

/// Serve one editor from `initialize` to `exit`.
pub fn serve(
    connection: &Connection,
    check: impl Fn(&Path, &Overlay) -> Vec<Diagnostic>,
) -> Result<(), Error> {
    let (id, _) = connection.initialize_start()?;
    connection.initialize_finish(id, to_proto::initialize_result())?;
    let mut session = Session { workspace: Workspace::default(), shut_down: false };
    loop {
        let mut next = Some(connection.receiver.recv().map_err(|_| Error::Disconnected)?);
        // Whatever has piled up while we were checking is taken in first: only the last text of a burst is checked.
        while let Some(message) = next {
            if let ControlFlow::Break(ended) = session.take(message, connection) {
                return ended;
            }
            next = connection.receiver.try_recv().ok();
        }
        for message in session.workspace.refresh(&check) {
            send(connection, message.into())?;
        }
    }
}

struct Session {
    workspace: Workspace,
    shut_down: bool,
}

impl Session {
    fn take(&mut self, message: Message, connection: &Connection) -> ControlFlow<Result<(), Error>> {
        match message {
            Message::Request(request) => {
                if let Err(error) = send(connection, self.answer(request).into()) {
                    return ControlFlow::Break(Err(error));
                }
            }
            Message::Notification(notification) if notification.method == "exit" => {
                let ended = if self.shut_down { Ok(()) } else { Err(Error::ExitWithoutShutdown) };
                return ControlFlow::Break(ended);
            }
            Message::Notification(notification) if !self.shut_down => {
                if let Some(event) = from_proto::event(notification) {
                    self.workspace.apply(event);
                }
            }
            // We ask the editor nothing, so there is no response to wait for.
            Message::Notification(_) | Message::Response(_) => {}
        }
        ControlFlow::Continue(())
    }

    fn answer(&mut self, request: Request) -> Response {
        match request.method.as_str() {
            _ if self.shut_down => {
                let code = ErrorCode::InvalidRequest as i32;
                Response::new_err(request.id, code, "the server is shut down".into())
            }
            "shutdown" => {
                self.shut_down = true;
                Response::new_ok(request.id, ())
            }
            method => {
                let code = ErrorCode::MethodNotFound as i32;
                Response::new_err(request.id, code, format!("{method} is not supported"))
            }
        }
    }
}

fn send(connection: &Connection, message: Message) -> Result<(), Error> {
    connection.sender.send(message).map_err(|_| Error::Disconnected)
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
