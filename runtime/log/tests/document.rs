//! The document that independent readers are written from says what the code does.

use sensai_log::{LogReader, block, payload, ring};
use sensai_model::record::{
    FIELDS, FIXED_LEN, INBOX_ENTRY_LEN, INBOX_MAX, INBOX_OFFSET, InboxKind, RECORD_LEN_MAX, RecordFlags,
};

const DOCUMENT: &str = include_str!("../../../docs/cycle-log-format.md");

/// Every text stands in the document as it is, line breaks aside.
fn assert_has(texts: &[String]) {
    let document = DOCUMENT.split_whitespace().collect::<Vec<_>>().join(" ");
    let missing: Vec<&String> = texts.iter().filter(|text| !document.contains(text.as_str())).collect();
    assert!(missing.is_empty(), "docs/cycle-log-format.md lacks or contradicts:\n{missing:#?}");
}

#[test]
fn fields_flags_and_inbox_kinds() {
    assert_has(
        &FIELDS
            .iter()
            .map(|f| format!("| {} | {} | `{}` | {} |", f.offset, f.kind, f.name, f.text))
            .collect::<Vec<_>>(),
    );
    assert_has(
        &RecordFlags::ALL
            .iter()
            .map(|(bit, name, text)| format!("| {bit} | `{name}` | {text} |"))
            .collect::<Vec<_>>(),
    );
    assert_has(
        &InboxKind::ALL
            .iter()
            .map(|(kind, name, text)| format!("| {} | `{name}` | {text} |", kind.id()))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn sizes() {
    assert_has(&[
        format!("multiples of {} bytes", block::PAGE),
        format!("{} bytes of header", block::HEADER_LEN),
        format!("at most {} bytes, header and padding included", block::BLOCK_LEN_MAX),
        format!("The fixed part has {FIXED_LEN} bytes"),
        format!("from byte {INBOX_OFFSET}, {INBOX_MAX} places of {INBOX_ENTRY_LEN} bytes"),
        format!("at most {RECORD_LEN_MAX} bytes"),
        format!("slice header of {} bytes", payload::SLICE_HEADER_LEN),
        format!("event header of {} bytes", payload::EVENT_HEADER_LEN),
        format!("A gap has {} bytes", payload::GAP_LEN),
        format!("content header of {} bytes", payload::CONTENT_HEADER_LEN),
        format!("ring's header takes {} bytes", ring::HEADER_LEN),
        format!("slot header of {} bytes", ring::SLOT_HEADER_LEN),
    ]);
    // The one thing a reader needs to begin with.
    assert!(LogReader::open(Vec::new()).is_err());
}
