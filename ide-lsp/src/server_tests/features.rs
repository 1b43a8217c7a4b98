//! Calls, extraction, typing and descriptions of models, over the wire.

use super::*;
use crate::analysis::testing::{DESCRIPTION, MODEL};

const CALLS: &str = "import \"tools\" as tools;\nfn init() { #{ x: 0 } }\nfn cycle() { this.step(); io.count = this.x; }\nfn step() { /* é😀 */ this.x = tools::twice(this.x); }\n";

fn range(line: u32, from: u32, to: u32) -> Value {
    json!({ "start": { "line": line, "character": from }, "end": { "line": line, "character": to } })
}

#[test]
fn calls_are_asked_item_by_item() {
    let editor = Editor::greeted();
    editor.open(PROGRAM, CALLS);
    let items = editor.at("textDocument/prepareCallHierarchy", PROGRAM, 3, 4).result.unwrap();
    assert_eq!((&items[0]["name"], &items[0]["selectionRange"]), (&json!("step"), &range(3, 3, 7)));
    let callers = editor.ask("callHierarchy/incomingCalls", json!({ "item": items[0] })).result.unwrap();
    assert_eq!(callers[0]["from"]["name"], "cycle");
    assert_eq!(callers[0]["fromRanges"], json!([range(2, 18, 22)]));
    let callees = editor.ask("callHierarchy/outgoingCalls", json!({ "item": items[0] })).result.unwrap();
    assert_eq!(callees[0]["to"]["uri"], editor.uri("lib/tools.rhai").as_str());
    // In units of UTF-16, behind what takes two of them.
    assert_eq!(callees[0]["fromRanges"], json!([range(3, 38, 43)]));
    let back = json!({ "item": callees[0]["to"] });
    let callers = editor.ask("callHierarchy/incomingCalls", back).result.unwrap();
    assert_eq!(callers[0]["from"]["name"], "step");
    // The text has changed since the item was given.
    editor.change(PROGRAM, 2, &json!([{ "text": GOOD }]));
    for method in ["callHierarchy/incomingCalls", "callHierarchy/outgoingCalls"] {
        let answer = editor.ask(method, json!({ "item": items[0] }));
        assert_eq!(answer.result, Some(json!([])), "{method}");
        let mut elsewhere = items[0].clone();
        elsewhere["uri"] = editor.uri("programs/gone.rhai").into();
        assert!(editor.ask(method, json!({ "item": elsewhere })).error.is_some(), "{method}");
    }
    assert_eq!(editor.at("textDocument/prepareCallHierarchy", PROGRAM, 1, 0).result, Some(Value::Null));
    editor.leave();
}

#[test]
fn columns_are_bytes_where_the_editor_wants_them() {
    let editor = Editor::new();
    let wanted = json!({ "capabilities": { "general": { "positionEncodings": ["utf-8", "utf-16"] } } });
    let answer = editor.ask("initialize", wanted).result.unwrap();
    assert_eq!(answer["capabilities"]["positionEncoding"], "utf-8");
    editor.open(PROGRAM, CALLS);
    let items = editor.at("textDocument/prepareCallHierarchy", PROGRAM, 3, 41).result.unwrap();
    assert_eq!(items[0]["name"], "twice");
    let callers = editor.ask("callHierarchy/incomingCalls", json!({ "item": items[0] })).result.unwrap();
    assert_eq!(callers[0]["fromRanges"], json!([range(3, 41, 46)]));
    editor.leave();
}

#[test]
fn a_selection_becomes_a_function_or_says_why_not() {
    let shows = json!({ "textDocument": { "codeAction": { "disabledSupport": true } } });
    for (capabilities, can_say) in [(json!({}), false), (shows, true)] {
        let editor = Editor::new().greet(capabilities);
        editor.open(PROGRAM, GOOD);
        let actions = |selected: Value, only: Value| {
            let params = json!({
                "textDocument": { "uri": editor.uri(PROGRAM) },
                "range": selected,
                "context": { "diagnostics": [], "only": only },
            });
            editor.ask("textDocument/codeAction", params).result.unwrap()
        };
        let offered = actions(range(1, 22, 30), Value::Null);
        let made = offered.as_array().unwrap().last().unwrap();
        assert_eq!(made["kind"], "refactor.extract.function");
        assert_eq!(made["title"], "extract into function `extracted`");
        let edits = &made["edit"]["changes"][editor.uri(PROGRAM)];
        assert_eq!(edits[0], json!({ "range": range(1, 22, 30), "newText": "extracted()" }));
        assert_eq!(edits[1]["newText"], "\n\nfn extracted() {\n    io.force\n}");
        let refused = actions(range(1, 13, 19), json!(["refactor.extract"]));
        assert_eq!(refused.as_array().map(Vec::len), Some(usize::from(can_say)), "{refused}");
        if can_say {
            let why = refused[0]["disabled"]["reason"].as_str().unwrap();
            assert!(why.starts_with("it is a place") && refused[0]["edit"].is_null(), "{why}");
        }
        assert_eq!(actions(range(1, 22, 22), json!(["refactor.extract"])), json!([]));
        // What begins like the kind that is wanted is another one.
        for only in ["quickfix", "refactor.ext", "source"] {
            assert_eq!(actions(range(1, 22, 30), json!([only])), json!([]), "{only}");
        }
        for only in ["refactor", ""] {
            assert_eq!(actions(range(1, 22, 30), json!([only])).as_array().map(Vec::len), Some(1), "{only}");
        }
        editor.leave();
    }
}

#[test]
fn what_is_typed_becomes_straight() {
    let editor = Editor::greeted();
    let typed = |text: &str, line: u32, character: u32, what: &str| {
        editor.open(PROGRAM, text);
        let params = json!({
            "textDocument": { "uri": editor.uri(PROGRAM) },
            "position": { "line": line, "character": character },
            "ch": what,
            "options": { "tabSize": 4, "insertSpaces": true },
        });
        editor.ask("textDocument/onTypeFormatting", params).result.unwrap()
    };
    let edits = typed("fn cycle() {\n\n}\n", 1, 0, "\n");
    assert_eq!(edits, json!([{ "range": range(1, 0, 0), "newText": "    " }]));
    let edits = typed("/// é😀\n\nfn cycle() { }\n", 1, 0, "\n");
    assert_eq!(edits, json!([{ "range": range(1, 0, 0), "newText": "/// " }]));
    let edits = typed("fn cycle() {\n  a ;\n}\n", 1, 5, ";");
    assert_eq!(edits.as_array().map(Vec::len), Some(2), "{edits}");
    assert_eq!(typed("fn cycle() {", 99, 99, "}"), json!([]));
    editor.leave();
}

#[test]
fn descriptions_of_models_are_served() {
    let editor = Editor::greeted();
    let write = |path: &str, text: &str| {
        let path = editor.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("cell.toml", &format!("{CELL}\n{MODEL}"));
    write("models/m.onnx", "weights\n");
    write("models/m.toml", DESCRIPTION);
    let file = "models/m.toml";
    editor.open(file, &DESCRIPTION.replace("threshold", "treshold"));
    let (version, wrong) = editor.told(file);
    let codes: Vec<&str> = wrong.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!((version, codes), (Some(1), vec!["C101"]));
    editor.change(file, 2, &json!([{ "text": DESCRIPTION }]));
    let (_, left) = editor.told(file);
    assert_eq!(left.len(), 1, "a warning is left: {left:?}");
    let hover = editor.at("textDocument/hover", file, 1, 3).result.unwrap();
    assert!(hover["contents"]["value"].as_str().unwrap().contains("above which a part is suspicious"));
    let offered = editor.at("textDocument/completion", file, 6, 8).result.unwrap();
    assert!(offered["items"].as_array().unwrap().iter().any(|item| item["label"] == "kN"), "{offered}");
    let outline =
        editor.ask("textDocument/documentSymbol", json!({ "textDocument": { "uri": editor.uri(file) } }));
    let names: Vec<Value> =
        outline.result.unwrap().as_array().unwrap().iter().map(|node| node["name"].clone()).collect();
    assert_eq!(names, ["sha256", "threshold", "inputs", "outputs"]);
    // From where it is named.
    let lines = format!("{CELL}\n{MODEL}");
    let line = lines.lines().position(|line| line.starts_with("file =")).unwrap() as u32;
    let target = editor.at("textDocument/definition", "cell.toml", line, 12).result.unwrap();
    assert_eq!(target[0]["uri"], editor.uri(file).as_str());
    editor.leave();
}
