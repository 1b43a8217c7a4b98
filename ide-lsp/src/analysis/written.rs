//! The keys and values of a `cell.toml`, each as often as it is written, with their places.
//!
//! Any text gives something: what the parser cannot read is left out. What the values mean is the model's business; this
//! only says where they stand.

use std::{borrow::Cow, ops::Range};
use toml_parser::{
    ErrorSink, Raw, Source, Span,
    decoder::Encoding,
    parser::{EventReceiver, RecursionGuard, parse_document},
};

/// Tables and arrays in one another that are looked at.
const DEPTH_MAX: u32 = 64;

/// What is written.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// In the order of the text.
    pub keys: Vec<Key>,
    /// In the order of the text.
    pub values: Vec<Value>,
    /// Headers, `[tags]` and the like, in the order of the text: path, and from the bracket to the end of the table.
    pub tables: Vec<(Vec<String>, Range<usize>)>,
}

/// A part of a key where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// From the root to this part.
    pub path: Vec<String>,
    /// This part, with quotes if it has some.
    pub span: Range<usize>,
    /// Of the whole item: from the first part of its key to the end of its value.
    pub item: Range<usize>,
    /// It is the last part of its key.
    pub is_last: bool,
    /// It is in an inline table.
    pub is_nested: bool,
}

/// A value that is no table or array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// From the root; elements of arrays have no part of their own.
    pub path: Vec<String>,
    /// As written.
    pub span: Range<usize>,
    /// A text without escapes: what is between its quotes.
    pub text: Option<Range<usize>>,
}

impl Written {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        let source = Source::new(text);
        let tokens = source.lex().into_vec();
        let mut reader = Reader { source, written: Self::default(), ..Reader::new(source) };
        let mut guard = RecursionGuard::new(&mut reader, DEPTH_MAX);
        parse_document(&tokens, &mut guard, &mut ());
        reader.finish(text.len())
    }

    /// Every place where a part of a key is written: `path` from the root to that part.
    pub fn of_path<'a>(&'a self, path: &'a [&str]) -> impl Iterator<Item = &'a Key> {
        self.keys.iter().filter(move |key| {
            key.path.len() == path.len() && key.path.iter().zip(path).all(|(part, wanted)| part == wanted)
        })
    }

    /// The key whose part is at a byte.
    pub fn key_at(&self, at: usize) -> Option<&Key> {
        self.keys.iter().find(|key| key.span.start <= at && at <= key.span.end)
    }

    /// The value at a byte.
    pub fn value_at(&self, at: usize) -> Option<&Value> {
        self.values.iter().find(|value| value.span.start <= at && at <= value.span.end)
    }
}

/// What a value belongs to.
#[derive(Debug)]
enum Level {
    /// Parts that it adds to the path, and the number of the keys of the item that it is the value of.
    Table {
        added: usize,
        keys: Range<usize>,
    },
    Array {
        added: usize,
        keys: Range<usize>,
    },
}

#[derive(Debug)]
struct Reader<'s> {
    source: Source<'s>,
    written: Written,
    /// Path of the table whose header came last.
    header: usize,
    /// From the root to where the parser is.
    path: Vec<String>,
    levels: Vec<Level>,
    /// Parts of the key that is being read.
    parts: Vec<(String, Range<usize>)>,
    /// It is a header.
    in_header: Option<usize>,
    /// Keys of the item whose value comes.
    pending: Range<usize>,
    added: usize,
}

impl<'s> Reader<'s> {
    fn new(source: Source<'s>) -> Self {
        Self {
            source,
            written: Written::default(),
            header: 0,
            path: Vec::new(),
            levels: Vec::new(),
            parts: Vec::new(),
            in_header: None,
            pending: 0..0,
            added: 0,
        }
    }

    fn finish(mut self, len: usize) -> Written {
        self.close_table(len);
        self.written
    }

    fn close_table(&mut self, at: usize) {
        if let Some((_, range)) = self.written.tables.last_mut()
            && range.end == usize::MAX
        {
            range.end = at;
        }
    }

    /// The parts read so far become keys below the path.
    fn keys(&mut self) -> Range<usize> {
        let from = self.written.keys.len();
        let parts = std::mem::take(&mut self.parts);
        let (start, end) =
            (parts.first().map_or(0, |(_, span)| span.start), parts.last().map_or(0, |(_, span)| span.end));
        let count = parts.len();
        for (index, (part, span)) in parts.into_iter().enumerate() {
            self.path.push(part);
            let (is_last, is_nested) = (index + 1 == count, !self.levels.is_empty());
            self.written.keys.push(Key {
                path: self.path.clone(),
                span,
                item: start..end,
                is_last,
                is_nested,
            });
        }
        self.added = count;
        from..self.written.keys.len()
    }

    fn open_header(&mut self, span: Span) {
        self.close_table(span.start());
        self.levels.clear();
        self.path.clear();
        self.parts.clear();
        self.in_header = Some(span.start());
    }

    fn close_header(&mut self) {
        let Some(start) = self.in_header.take() else { return };
        self.keys();
        self.header = self.path.len();
        self.written.tables.push((self.path.clone(), start..usize::MAX));
    }

    /// The value of the item at hand is over.
    fn ended(&mut self, keys: Range<usize>, added: usize, end: usize) {
        for key in self.written.keys.get_mut(keys).unwrap_or_default() {
            key.item.end = end;
        }
        let len = self.path.len().saturating_sub(added);
        self.path.truncate(len);
    }

    /// What a value that begins now belongs to; an element of an array to nothing of its own.
    fn owner(&mut self) -> (Range<usize>, usize) {
        (std::mem::take(&mut self.pending), std::mem::take(&mut self.added))
    }
}

impl EventReceiver for Reader<'_> {
    fn std_table_open(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        self.open_header(span);
    }

    fn std_table_close(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        self.close_header();
    }

    fn array_table_open(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        self.open_header(span);
    }

    fn array_table_close(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        self.close_header();
    }

    fn inline_table_open(&mut self, _span: Span, _error: &mut dyn ErrorSink) -> bool {
        let (keys, added) = self.owner();
        self.levels.push(Level::Table { added, keys });
        true
    }

    fn inline_table_close(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        if let Some(Level::Table { added, keys } | Level::Array { added, keys }) = self.levels.pop() {
            self.ended(keys, added, span.end());
        }
    }

    fn array_open(&mut self, _span: Span, _error: &mut dyn ErrorSink) -> bool {
        let (keys, added) = self.owner();
        self.levels.push(Level::Array { added, keys });
        true
    }

    fn array_close(&mut self, span: Span, error: &mut dyn ErrorSink) {
        self.inline_table_close(span, error);
    }

    fn simple_key(&mut self, span: Span, kind: Option<Encoding>, _error: &mut dyn ErrorSink) {
        let mut name = Cow::Borrowed("");
        if let Some(raw) = self.source.get(span) {
            match kind {
                None => name = Cow::Borrowed(raw.as_str()),
                Some(_) => Raw::new_unchecked(raw.as_str(), kind, span).decode_key(&mut name, &mut ()),
            }
        }
        self.parts.push((name.into_owned(), span.start()..span.end()));
    }

    fn key_val_sep(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        if self.levels.is_empty() {
            // What a broken item before left behind is gone with its line.
            self.path.truncate(self.header);
        }
        self.pending = self.keys();
    }

    fn scalar(&mut self, span: Span, kind: Option<Encoding>, _error: &mut dyn ErrorSink) {
        let written = self.source.get(span).map_or("", |raw| raw.as_str());
        let quotes = match kind {
            Some(Encoding::BasicString | Encoding::LiteralString) => 1,
            _ => 0,
        };
        let plain = quotes > 0 && written.len() >= 2 && !written.contains('\\');
        let text = plain.then(|| span.start() + quotes..span.end() - quotes);
        let (keys, added) = self.owner();
        let value = Value { path: self.path.clone(), span: span.start()..span.end(), text };
        self.written.values.push(value);
        self.ended(keys, added, span.end());
    }

    fn newline(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        if self.levels.is_empty() {
            self.parts.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[tags]\nnest.present = { input = \"a.b\", range = [1, 2] }\n\n[tags.nest.\"up\"]\noutput = 'x'\n[[route]]\nfrom = \"d.e\"\n";

    #[test]
    fn keys_have_their_paths() {
        let written = Written::of(TEXT);
        let keys: Vec<(String, &str)> =
            written.keys.iter().map(|key| (key.path.join("/"), &TEXT[key.span.clone()])).collect();
        let expected = [
            ("tags", "tags"),
            ("tags/nest", "nest"),
            ("tags/nest/present", "present"),
            ("tags/nest/present/input", "input"),
            ("tags/nest/present/range", "range"),
            ("tags", "tags"),
            ("tags/nest", "nest"),
            ("tags/nest/up", "\"up\""),
            ("tags/nest/up/output", "output"),
            ("route", "route"),
            ("route/from", "from"),
        ];
        let expected: Vec<(String, &str)> =
            expected.iter().map(|(path, part)| ((*path).to_owned(), *part)).collect();
        assert_eq!(keys, expected);
        let present: Vec<&Key> = written.of_path(&["tags", "nest", "present"]).collect();
        assert_eq!(&TEXT[present[0].item.clone()], "nest.present = { input = \"a.b\", range = [1, 2] }");
        assert!(present[0].is_last);
        let values: Vec<(String, &str)> =
            written.values.iter().map(|value| (value.path.join("/"), &TEXT[value.span.clone()])).collect();
        let of = |path: &str, text| (path.to_owned(), text);
        assert_eq!(
            values[..3],
            [
                of("tags/nest/present/input", "\"a.b\""),
                of("tags/nest/present/range", "1"),
                of("tags/nest/present/range", "2"),
            ]
        );
        assert_eq!(written.values[0].text.clone().map(|text| &TEXT[text]), Some("a.b"));
        let tables: Vec<(String, &str)> = written
            .tables
            .iter()
            .map(|(path, range)| (path.join("/"), TEXT[range.clone()].lines().next().unwrap_or_default()))
            .collect();
        assert_eq!(
            tables,
            [of("tags", "[tags]"), of("tags/nest/up", "[tags.nest.\"up\"]"), of("route", "[[route]]")]
        );
    }

    #[test]
    fn broken_texts_give_what_there_is() {
        let text = "[tags\na = { input = \n[param\nb = 1\n[x]\nc = [[[[\n";
        let written = Written::of(text);
        assert!(written.keys.iter().all(|key| text.get(key.span.clone()).is_some()));
        let deep = format!("a = {}", "[".repeat(100_000));
        assert!(Written::of(&deep).keys.len() <= 1);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[\\[\\]{}a-c.=\"'\n# ,1]{0,60}") {
            for key in Written::of(&text).keys {
                proptest::prop_assert!(text.get(key.span).is_some());
                proptest::prop_assert!(text.get(key.item).is_some());
            }
        }
    }
}
