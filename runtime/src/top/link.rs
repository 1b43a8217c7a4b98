//! The connection to the runtime: a thread that reads, and comes back when the runtime does.

use crate::control::{
    client::{Client, Target},
    describe::Description,
    patch,
    view::View,
};
use serde_json::json;
use std::{
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

/// Views a second.
const HZ: f64 = 10.0;
/// Between two attempts to connect.
const AGAIN: Duration = Duration::from_secs(1);
/// Nothing at all for so long, and the connection counts as lost: the runtime speaks once a second at least.
const SILENCE: Duration = Duration::from_secs(4);

/// What came.
pub enum News {
    /// Connected, to a runtime of this cell.
    Connected(Box<Description>),
    /// The machine now.
    View(Box<View>),
    /// The connection is lost, and why.
    Gone(String),
}

/// The receiving end.
pub struct Link {
    news: Receiver<News>,
}

impl Link {
    /// Connect to the runtime at `target`, and go on trying for as long as this lives.
    pub fn open(target: Target) -> Self {
        let (sender, news) = channel();
        std::thread::spawn(move || {
            loop {
                let gone = follow(&target, &sender).err().map_or(String::new(), |error| format!("{error:#}"));
                if sender.send(News::Gone(gone)).is_err() {
                    return;
                }
                std::thread::sleep(AGAIN);
            }
        });
        Self { news }
    }

    /// What has come since the last time.
    pub fn news(&self) -> impl Iterator<Item = News> {
        self.news.try_iter()
    }
}

fn follow(target: &Target, sender: &Sender<News>) -> anyhow::Result<()> {
    let mut client = Client::open(target)?;
    let description: Description = serde_json::from_value(client.call("describe", json!({}))?)?;
    if sender.send(News::Connected(Box::new(description))).is_err() {
        return Ok(());
    }
    client.call("subscribe", json!({ "hz": HZ }))?;
    let mut known = json!({});
    loop {
        let Some(change) = client.patch(SILENCE)? else { anyhow::bail!("the runtime is silent") };
        patch::apply(&mut known, &change);
        if sender.send(News::View(Box::new(serde_json::from_value(known.clone())?))).is_err() {
            return Ok(());
        }
    }
}
