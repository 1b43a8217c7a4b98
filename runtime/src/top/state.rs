//! What the screen shows, and how keys change it.

use crate::{
    cli::{Language, Page},
    control::{
        describe::{Description, TagInfo},
        view::View,
    },
};
use clap::ValueEnum;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::VecDeque;

/// Values that the curve of a tag remembers.
const HISTORY_MAX: usize = 240;
/// Rows that a page key goes.
const PAGE_ROWS: usize = 10;

/// Order of the tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// As in `cell.toml`.
    File,
    /// By name.
    Name,
    /// What is invalid first.
    Quality,
}

/// Something that the screen cannot do by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// End.
    Quit,
    /// Begin the tasks' statistics anew.
    ClearStatistics,
}

/// Everything that is on the screen.
pub struct State {
    /// Shown page.
    pub page: Page,
    /// Language of the alarms' texts.
    pub language: Language,
    /// The cell.
    pub cell: Description,
    /// The machine, as last seen.
    pub view: View,
    /// Why there is nothing new; `None` while connected.
    pub lost: Option<String>,
    /// Help is shown.
    pub help: bool,
    /// Selected row of the page.
    pub selected: usize,
    /// What tags are searched for.
    pub search: String,
    /// Letters go into the search.
    pub searching: bool,
    /// Order of the tags.
    pub sort: Sort,
    /// Last values of the selected tag, if they are numbers.
    pub history: VecDeque<f64>,
    /// Whose they are.
    followed: String,
    /// A line for the user.
    pub note: String,
}

impl State {
    /// Before anything was seen.
    pub fn new(page: Page, language: Language) -> Self {
        Self {
            page,
            language,
            cell: Description::default(),
            view: View::default(),
            lost: Some("connecting".into()),
            help: false,
            selected: 0,
            search: String::new(),
            searching: false,
            sort: Sort::File,
            history: VecDeque::new(),
            followed: String::new(),
            note: String::new(),
        }
    }

    /// There is a runtime.
    pub fn connected(&mut self, cell: Description) {
        self.cell = cell;
        self.lost = None;
        self.history.clear();
    }

    /// The machine after another cycle.
    pub fn seen(&mut self, view: View) {
        self.view = view;
        let name = self.selected_tag().map(|tag| tag.name.clone()).unwrap_or_default();
        if name != self.followed {
            self.followed = name;
            self.history.clear();
        }
        let value = self.view.tags.get(&self.followed).and_then(|tag| tag.value.as_f64());
        if let Some(value) = value {
            self.history.push_back(value);
            while self.history.len() > HISTORY_MAX {
                self.history.pop_front();
            }
        }
    }

    /// The connection is gone.
    pub fn lost(&mut self, reason: String) {
        self.lost = Some(if reason.is_empty() { "the connection is lost".into() } else { reason });
    }

    /// Something for the user, until the next key.
    pub fn tell(&mut self, text: String) {
        self.note = text;
    }

    /// Tags that fit the search, in their order.
    pub fn tags(&self) -> Vec<&TagInfo> {
        let wanted = self.search.to_lowercase();
        let fits = |tag: &&TagInfo| {
            tag.name.to_lowercase().contains(&wanted) || tag.description.to_lowercase().contains(&wanted)
        };
        let mut tags: Vec<&TagInfo> = self.cell.tags.iter().filter(fits).collect();
        match self.sort {
            Sort::File => {}
            Sort::Name => tags.sort_by(|a, b| a.name.cmp(&b.name)),
            Sort::Quality => tags.sort_by_key(|tag| self.view.tags.get(&tag.name).is_none_or(|of| of.valid)),
        }
        tags
    }

    /// The selected one.
    pub fn selected_tag(&self) -> Option<&TagInfo> {
        let tags = self.tags();
        tags.get(self.selected.min(tags.len().saturating_sub(1))).copied()
    }

    /// Rows of the page that can be selected.
    pub fn rows(&self) -> usize {
        match self.page {
            Page::Overview => 0,
            Page::Tasks => self.cell.tasks.len(),
            Page::Axes => self.cell.axes.len(),
            Page::Devices => self.cell.devices.len(),
            Page::Tags => self.tags().len(),
            Page::Alarms => self.cell.alarms.len(),
            Page::Models => self.cell.models.len(),
        }
    }

    /// A key was pressed.
    pub fn key(&mut self, key: KeyEvent) -> Option<Wish> {
        self.note.clear();
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Some(Wish::Quit);
        }
        if self.searching {
            self.type_search(key.code);
            return None;
        }
        if self.help {
            self.help = false;
            return None;
        }
        match key.code {
            KeyCode::Char('q') => return Some(Wish::Quit),
            KeyCode::Char('r') => return Some(Wish::ClearStatistics),
            KeyCode::Char('?' | 'h') => self.help = true,
            KeyCode::Char('L' | 'l') => {
                self.language = match self.language {
                    Language::En => Language::Ja,
                    Language::Ja => Language::En,
                }
            }
            KeyCode::Char('/') => {
                self.show(Page::Tags);
                self.searching = true;
            }
            KeyCode::Char('s') => {
                self.sort = match self.sort {
                    Sort::File => Sort::Name,
                    Sort::Name => Sort::Quality,
                    Sort::Quality => Sort::File,
                }
            }
            KeyCode::Char(digit @ '1'..='7') => {
                let index = digit as usize - '1' as usize;
                self.show(Page::value_variants().get(index).copied().unwrap_or_default());
            }
            KeyCode::Tab | KeyCode::Right => self.turn(1),
            KeyCode::BackTab | KeyCode::Left => self.turn(Page::value_variants().len() - 1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1, true),
            KeyCode::Up | KeyCode::Char('k') => self.go(1, false),
            KeyCode::PageDown => self.go(PAGE_ROWS, true),
            KeyCode::PageUp => self.go(PAGE_ROWS, false),
            KeyCode::Home => self.selected = 0,
            KeyCode::End => self.go(usize::MAX, true),
            KeyCode::Esc => self.search.clear(),
            _ => {}
        }
        None
    }

    fn type_search(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.searching = false,
            KeyCode::Esc => {
                self.searching = false;
                self.search.clear();
            }
            KeyCode::Backspace => {
                self.search.pop();
            }
            KeyCode::Down => self.go(1, true),
            KeyCode::Up => self.go(1, false),
            KeyCode::Char(letter) if self.search.len() < 60 => {
                self.search.push(letter);
                self.selected = 0;
            }
            _ => {}
        }
    }

    fn show(&mut self, page: Page) {
        if page != self.page {
            self.page = page;
            self.selected = 0;
        }
    }

    fn turn(&mut self, by: usize) {
        let pages = Page::value_variants();
        let at = pages.iter().position(|page| *page == self.page).unwrap_or(0);
        self.show(pages.get((at + by) % pages.len()).copied().unwrap_or_default());
    }

    fn go(&mut self, by: usize, down: bool) {
        let last = self.rows().saturating_sub(1);
        let from = self.selected.min(last);
        self.selected = if down { from.saturating_add(by).min(last) } else { from.saturating_sub(by) };
    }
}
