//! Who writes which bits of the output image: every bit has one writer.

use super::{finding::Rule, sink::Sink};
use crate::BitField;
use std::ops::Range;

/// Who may write to the output image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tag,
    Axis,
    Route,
}

/// Bits of the output image and who writes them.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) kind: Kind,
    /// First bit, and one past the last.
    pub(crate) bits: Range<u64>,
    /// What is written, as in `valves.channel_1`.
    pub(crate) what: String,
    /// Name of the tag or axis; a route's text.
    pub(crate) name: String,
    /// Where that is said.
    pub(crate) span: Range<usize>,
    /// Dotted key of that place.
    pub(crate) key: String,
}

impl Writer {
    fn who(&self) -> String {
        match self.kind {
            Kind::Tag => format!("`{}`", self.name),
            Kind::Axis => format!("axis `{}`", self.name),
            Kind::Route => format!("the route {}", self.name),
        }
    }
}

/// The bits of `field`.
pub(crate) fn bits(field: &BitField) -> Range<u64> {
    let start = u64::from(field.bit_offset);
    start..start + u64::from(field.bit_len)
}

/// A finding for each that writes what another writes. Inputs may be read as often as one likes.
pub(crate) fn check(sink: &mut Sink<'_>, mut writers: Vec<Writer>) {
    writers.sort_by_key(|writer| (writer.bits.start, writer.bits.end, writer.span.start));
    let mut widest: Option<&Writer> = None;
    // An axis writes several entries: one finding for each pair is enough.
    let mut told: Vec<(&str, &str)> = Vec::new();
    for writer in &writers {
        if let Some(other) = widest.filter(|other| writer.bits.start < other.bits.end) {
            // The later one in the file is the one that was added wrongly.
            let (late, early) =
                if writer.span.start > other.span.start { (writer, other) } else { (other, writer) };
            let pair = (late.key.as_str(), early.key.as_str());
            if !told.contains(&pair) {
                told.push(pair);
                let place = sink.place(&early.span, format!("{} writes it here", early.who()));
                let message = format!("`{}` is written by {} already", late.what, early.who());
                sink.push(Rule::TwoWriters, &late.span, &late.key, message)
                    .help(help([late.kind, early.kind]))
                    .related(place);
            }
        }
        if widest.is_none_or(|other| writer.bits.end > other.bits.end) {
            widest = Some(writer);
        }
    }
}

fn help(kinds: [Kind; 2]) -> &'static str {
    if kinds.contains(&Kind::Axis) {
        "an axis writes all outputs of its drive: programs command it through its `Axis`, and may read every input"
    } else if kinds.contains(&Kind::Route) {
        "a route copies in every mode: leave the entry to it, or remove the route"
    } else {
        "let scripts decide, in one place, what is written to it"
    }
}
