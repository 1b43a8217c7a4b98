//! Who gave which command, when, and why: one line of JSON each, chained by hashes, beside the cycle log.
//!
//! The cycle log has the commands themselves, as the cycle took them; who gave them never enters the cycle. A line holds
//! the hash of the line before it (`previous`) and, as its last member, its own (`hash`): SHA-256 over the line up to
//! the comma before that member. So a line that is changed, taken out or put in shows.
//!
//! Lines are written and made durable by a thread of their own: a disk that hangs must not keep a stop command back.

use crate::control::peer::Peer;
use sensai_fieldbus::clock;
use sensai_log::block::hex;
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

/// Lines that may wait for the disk. What does not fit is counted, and told with the next line.
const WAITING_MAX: usize = 1024;
/// Longest line that a file of ours has; a longer one belongs to something else.
const LINE_MAX: usize = 256 * 1024;
/// `previous` of the first line.
const NONE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One command, or one connection over a network.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Wall clock when it was answered, RFC 3339.
    pub utc: String,
    /// Cycle that took it; nothing if none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycle: Option<u64>,
    /// Its number among the recorded inbox entries of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// Who.
    pub who: Peer,
    /// Method.
    pub what: String,
    /// Its parameters.
    pub params: Json,
    /// The reason given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// `applied`, `refused`, or `unanswered`; of a connection `accepted`, `refused` or `ended`.
    pub result: &'static str,
}

/// The line of an entry, without its newline.
#[derive(Serialize)]
struct Line<'a> {
    number: u64,
    #[serde(flatten)]
    entry: &'a Entry,
    /// Lines before this one that were not written.
    #[serde(skip_serializing_if = "is_zero")]
    lost: u64,
    previous: &'a str,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What is wrong with an audit file.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// It cannot be read or written.
    #[error("{}: {error}", .path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line is not what it was.
    #[error("{}:{line}: {what}", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
}

/// What a file that is whole holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Lines.
    pub lines: u64,
    /// Hash of the last one.
    pub last: String,
    /// Bytes behind the last whole line: what a power failure cut off in the middle.
    pub torn: u64,
}

/// Check every line of the audit file at `path`.
///
/// # Errors
/// The first line that is not what it was, or why the file cannot be read.
pub fn verify(path: &Path) -> Result<Chain, AuditError> {
    let file = File::open(path).map_err(|error| AuditError::System { path: path.into(), error })?;
    read_chain(path, BufReader::new(file))
}

fn read_chain(path: &Path, mut from: impl BufRead) -> Result<Chain, AuditError> {
    let mut chain = Chain { lines: 0, last: NONE.into(), torn: 0 };
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let mut limited = io::Read::take(&mut from, LINE_MAX as u64);
        let read = limited.read_until(b'\n', &mut bytes);
        let read = read.map_err(|error| AuditError::System { path: path.into(), error })?;
        if read == 0 {
            return Ok(chain);
        }
        if bytes.pop_if(|last| *last == b'\n').is_none() && read < LINE_MAX {
            chain.torn = read as u64;
            return Ok(chain);
        }
        let line = chain.lines + 1;
        let hash = check(&bytes, line, &chain.last);
        chain.last = hash.map_err(|what| AuditError::Broken { path: path.into(), line, what })?;
        chain.lines = line;
    }
}

/// The line's own hash, if it is the `number`th line behind one with the hash `previous`.
fn check(line: &[u8], number: u64, previous: &str) -> Result<String, String> {
    let json: Json = serde_json::from_slice(line).map_err(|error| format!("no JSON: {error}"))?;
    let text = |name| json.get(name).and_then(Json::as_str).ok_or_else(|| format!("no `{name}`"));
    let (hash, before) = (text("hash")?, text("previous")?);
    let tail = format!(",\"hash\":\"{hash}\"}}");
    let body = line.strip_suffix(tail.as_bytes()).ok_or("`hash` is not its last member")?;
    let actual = hex(&Sha256::digest(body));
    if actual != hash {
        return Err(format!("it was changed: its hash is {actual}, it says {hash}"));
    }
    if before != previous || json.get("number").and_then(Json::as_u64) != Some(number) {
        return Err("it does not follow the line before it: a line was taken out or put in".into());
    }
    Ok(actual)
}

/// An audit file that is being written.
pub struct Audit {
    sender: Option<SyncSender<Entry>>,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
    lost: Arc<AtomicU64>,
}

impl Audit {
    /// Go on with the file at `path`, or begin it. A torn end is cut off: it was never a whole line.
    ///
    /// # Errors
    /// If it cannot be opened, or is not whole: a broken chain is not gone on with.
    pub fn open(path: &Path) -> Result<Self, AuditError> {
        let system = |error| AuditError::System { path: path.into(), error };
        let mut options = fs::OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let mut file = opened.map_err(system)?;
        let chain = read_chain(path, BufReader::new(&file))?;
        let len = file.metadata().map_err(system)?.len();
        file.set_len(len - chain.torn).and_then(|()| file.seek(SeekFrom::End(0))).map_err(system)?;
        let (sender, entries) = sync_channel(WAITING_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let mut writer = Writer { file, chain, lost: Arc::clone(&lost) };
        let thread = std::thread::Builder::new().name("audit".into()).spawn(move || writer.run(&entries));
        let thread = thread.map_err(system)?;
        Ok(Self { sender: Some(sender), thread: Some(thread), path: path.into(), lost })
    }

    /// Write one line, later. Never waits.
    pub fn put(&self, entry: Entry) {
        if self.sender.as_ref().is_none_or(|sender| sender.try_send(entry).is_err()) {
            self.lost.fetch_add(1, Relaxed);
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lines that could not be written so far.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        // The thread writes what is left, and ends.
        drop(self.sender.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Writer {
    file: File,
    chain: Chain,
    lost: Arc<AtomicU64>,
}

impl Writer {
    fn run(&mut self, entries: &Receiver<Entry>) {
        while let Ok(entry) = entries.recv() {
            if self.write(&entry).is_err() {
                self.lost.fetch_add(1, Relaxed);
            }
        }
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let lost = self.lost.load(Relaxed);
        let number = self.chain.lines + 1;
        let line = Line { number, entry, lost, previous: &self.chain.last };
        let mut text = serde_json::to_string(&line)?;
        // The closing brace comes behind the hash.
        text.pop();
        let hash = hex(&Sha256::digest(&text));
        text.push_str(&format!(",\"hash\":\"{hash}\"}}\n"));
        let end = self.file.stream_position()?;
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // No half line may stay: the next one would not follow it.
            let _ = self.file.set_len(end).and_then(|()| self.file.seek(SeekFrom::Start(end)));
            return written;
        }
        self.chain.lines = number;
        self.chain.last = hash;
        self.lost.fetch_sub(lost, Relaxed);
        Ok(())
    }
}

/// The wall clock as RFC 3339, in UTC.
pub fn utc_now() -> String {
    rfc3339(clock::utc_ns())
}

/// Nanoseconds since 1970 as RFC 3339 with milliseconds.
pub fn rfc3339(utc_ns: i64) -> String {
    let seconds = utc_ns.div_euclid(1_000_000_000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let milliseconds = utc_ns.rem_euclid(1_000_000_000) / 1_000_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// Year, month and day in UTC.
pub const fn date(utc_ns: i64) -> (i32, u8, u8) {
    let (year, month, day) = civil(utc_ns.div_euclid(86_400_000_000_000));
    (year as i32, month as u8, day as u8)
}

/// The Gregorian date of a day counted from 1 January 1970: years from 1 March, so that leap days come last.
const fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    // From 1 March of year 0.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(DAYS_OF_400_YEARS);
    let of_era = shifted.rem_euclid(DAYS_OF_400_YEARS);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::peer::Process;
    use proptest::prelude::*;

    fn entry(why: &str) -> Entry {
        Entry {
            utc: rfc3339(0),
            cycle: Some(7),
            sequence: None,
            who: Peer::Local(Process { user: "line1".into(), uid: 1001, pid: 4 }),
            what: "stop".into(),
            params: serde_json::json!({}),
            why: why.into(),
            result: "applied",
        }
    }

    fn written(texts: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.snlog.audit");
        // Each with a file opened anew: the chain goes on over restarts.
        for text in texts {
            Audit::open(&path).unwrap().put(entry(text));
        }
        (folder, path)
    }

    #[test]
    fn a_chain_goes_on_over_restarts() {
        let (_folder, path) = written(&["a", "b \"quoted\"\nnext line", "c"]);
        let chain = verify(&path).unwrap();
        assert_eq!((chain.lines, chain.torn), (3, 0));
        let first = fs::read_to_string(&path).unwrap();
        let first: Json = serde_json::from_str(first.lines().next().unwrap()).unwrap();
        assert_eq!((first["who"]["user"].as_str(), first["cycle"].as_u64()), (Some("line1"), Some(7)));
    }

    #[test]
    fn a_torn_end_is_cut_off_and_a_changed_line_is_not_gone_on_with() {
        let (_folder, path) = written(&["a", "b"]);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        assert_eq!(verify(&path).unwrap().lines, 1);
        Audit::open(&path).unwrap().put(entry("c"));
        assert_eq!(verify(&path).unwrap().lines, 2);

        let changed = String::from_utf8(whole).unwrap().replacen("\"why\":\"a\"", "\"why\":\"x\"", 1);
        fs::write(&path, changed).unwrap();
        let error = Audit::open(&path).err().unwrap().to_string();
        assert!(error.contains("audit:1: it was changed"), "{error}");
    }

    #[test]
    fn a_line_taken_out_shows() {
        let (_folder, path) = written(&["a", "b", "c"]);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        fs::write(&path, format!("{}\n{}\n", lines[0], lines[2])).unwrap();
        let error = verify(&path).unwrap_err().to_string();
        assert!(error.contains("audit:2: it does not follow"), "{error}");
    }

    #[test]
    fn dates_are_the_calendars() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400_123_000_000), "2000-02-29T00:00:00.123Z");
        assert_eq!(rfc3339(-1_000_000), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(4_102_444_799_000_000_000), "2099-12-31T23:59:59.000Z");
    }

    proptest! {
        #[test]
        fn days_follow_each_other(days in -700_000..700_000_i64) {
            let ((year, month, day), next) = (civil(days), civil(days + 1));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let len = match month { 2 => 28 + i64::from(leap), 4 | 6 | 9 | 11 => 30, _ => 31 };
            let expected = match (day < len, month < 12) {
                (true, _) => (year, month, day + 1),
                (false, true) => (year, month + 1, 1),
                (false, false) => (year + 1, 1, 1),
            };
            prop_assert_eq!(next, expected);
        }

        #[test]
        fn any_file_is_judged(bytes: Vec<u8>) {
            let _ = read_chain(Path::new("x"), &bytes[..]);
        }
    }
}
