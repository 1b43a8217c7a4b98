//! Whole frames of 80 × 24, from a fixed machine: `frames/*.txt`. To write them anew after a change that is wanted, run the
//! test once with `SENSAI_UPDATE_FRAMES=1`, and read the difference.

use super::{
    draw, plain,
    state::{Sort, State, Wish},
};
use crate::{
    cli::{Language, Page},
    control::{describe::Description, view::View},
};
use clap::ValueEnum;
use proptest::prelude::*;
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};
use std::path::PathBuf;

fn cell() -> Description {
    serde_json::from_str(include_str!("frames/cell.json")).unwrap()
}

fn view() -> View {
    serde_json::from_str(include_str!("frames/view.json")).unwrap()
}

fn state(page: Page) -> State {
    let mut state = State::new(page, Language::En);
    state.connected(cell());
    state.seen(view());
    state
}

fn frame(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::screen(frame, state)).unwrap();
    plain(terminal.backend().buffer())
}

#[track_caller]
fn check(name: &str, state: &State) {
    let path =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/top/frames")).join(format!("{name}.txt"));
    let actual = frame(state, 80, 24);
    if std::env::var_os("SENSAI_UPDATE_FRAMES").is_some() {
        std::fs::write(&path, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(actual == expected, "{name} is now\n{actual}\nand was\n{expected}");
}

fn press(state: &mut State, keys: &str) -> Option<Wish> {
    let code = |letter: char| match letter {
        '\n' => KeyCode::Enter,
        '\u{1b}' => KeyCode::Esc,
        '\u{8}' => KeyCode::Backspace,
        '\t' => KeyCode::Tab,
        '↓' => KeyCode::Down,
        '↑' => KeyCode::Up,
        other => KeyCode::Char(other),
    };
    keys.chars().fold(None, |_, letter| state.key(KeyEvent::new(code(letter), KeyModifiers::NONE)))
}

#[test]
fn every_page() {
    for page in Page::value_variants() {
        let name = page.to_possible_value().unwrap().get_name().to_owned();
        check(&name, &state(*page));
    }
}

#[test]
fn a_fault_and_a_lost_connection() {
    let mut faulted = state(Page::Overview);
    let mut view = view();
    let runtime = view.runtime.as_mut().unwrap();
    runtime.state = "fault".into();
    runtime.stalled = true;
    runtime.fault = Some(crate::control::view::FaultView {
        id: "F302".into(),
        text: "division by zero".into(),
        place: "programs/press.rhai:17:9".into(),
    });
    faulted.seen(view);
    faulted.lost("the runtime is gone: the run has ended".into());
    check("fault", &faulted);
}

#[test]
fn help_search_and_the_other_language() {
    let mut searched = state(Page::Overview);
    press(&mut searched, "/ram");
    for force in [1500.0, 1510.0, 1490.0, 1523.7, 1400.0] {
        let mut view = view();
        view.tags.get_mut("force.ram").unwrap().value = force.into();
        searched.seen(view);
    }
    check("search", &searched);
    press(&mut searched, "\n?");
    check("help", &searched);
    let mut japanese = state(Page::Alarms);
    press(&mut japanese, "L↓");
    check("japanese", &japanese);
}

#[test]
fn what_is_forced_is_seen_on_every_page_and_at_the_tag() {
    let mut forced = view();
    forced.forced.insert("force.ram".into(), crate::control::view::ForcedView::default());
    forced.tags.get_mut("force.ram").unwrap().forced = true;
    for page in Page::value_variants() {
        let mut state = state(*page);
        state.seen(forced.clone());
        let text = frame(&state, 100, 24);
        assert!(text.lines().next().unwrap().contains("  FORCED 1"), "{text}");
        let row = text.lines().find(|line| line.starts_with("force.ram ")).unwrap_or_default();
        assert_eq!(row.contains("FORCED"), *page == Page::Tags, "{text}");
    }
}

#[test]
fn keys_do_what_the_help_says() {
    let mut state = state(Page::Overview);
    assert_eq!(press(&mut state, "q"), Some(Wish::Quit));
    assert_eq!(press(&mut state, "r"), Some(Wish::ClearStatistics));
    press(&mut state, "\t");
    assert_eq!(state.page, Page::Tasks);
    press(&mut state, "5↓↓");
    assert_eq!(state.selected_tag().unwrap().name, "ram.position");
    press(&mut state, "ss");
    assert_eq!((state.sort, state.tags()[0].name.as_str()), (Sort::Quality, "ram.position"));
    // While a search is typed, letters are letters.
    assert_eq!(press(&mut state, "/q"), None);
    assert_eq!((state.search.as_str(), state.tags().len()), ("q", 0));
    press(&mut state, "\u{8}button\n");
    assert_eq!(state.tags().iter().map(|tag| &tag.name[..]).collect::<Vec<_>>(), ["start"]);
    press(&mut state, "\u{1b}");
    assert_eq!(state.tags().len(), 5);
}

#[test]
fn before_anything_is_known_there_is_a_frame() {
    let text = frame(&State::new(Page::Overview, Language::En), 80, 24);
    assert!(text.contains("connecting; trying again every second"), "{text}");
}

proptest! {
    /// Whatever is pressed and however small the terminal is, there is a frame.
    #[test]
    fn no_key_and_no_size_is_too_much(
        keys in "[qrslLjk/?1-7a-f\n\t\u{8}\u{1b}↓↑]{0,40}", width in 1..120_u16, height in 1..40_u16, known: bool,
    ) {
        let mut state = State::new(Page::Overview, Language::Ja);
        if known {
            state.connected(cell());
        }
        for key in keys.chars() {
            press(&mut state, &key.to_string());
            state.seen(if known { view() } else { View::default() });
        }
        frame(&state, width, height);
    }
}
