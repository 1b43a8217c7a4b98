use super::*;
use proptest::prelude::*;
use std::{fs, io::Write, path::Path};

fn document(event: u64, cycle: u64) -> Document {
    Document {
        form: FORM,
        cell: "c".into(),
        event,
        rule: "stroke".into(),
        cycle,
        time_ns: 0,
        utc: String::new(),
        model: None,
        parameters: BTreeMap::new(),
        log: None,
        trouble: None,
        verdict: None,
    }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

fn shelf() -> (tempfile::TempDir, Shelf) {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::beside(&folder.path().join("a.snlog"));
    (folder, shelf)
}

#[test]
fn nothing_is_made_before_there_is_an_event() {
    let (folder, shelf) = shelf();
    shelf.tidy();
    assert_eq!(names(folder.path()), [""; 0]);
    shelf.put(&document(1, 5)).unwrap();
    assert_eq!(names(shelf.directory()), ["1-stroke-5.json"]);
    let read: Document =
        serde_json::from_slice(&fs::read(shelf.directory().join("1-stroke-5.json")).unwrap()).unwrap();
    assert_eq!(read, document(1, 5));
}

#[test]
fn a_log_that_cannot_be_written_is_not_there() {
    let (_folder, shelf) = shelf();
    let failed = shelf.put_log("1-stroke-5", |mut file| {
        file.write_all(b"half")?;
        anyhow::bail!("the log is damaged")
    });
    let failed: anyhow::Error = failed.map(|(_, _, done): (_, _, ())| done).unwrap_err();
    assert_eq!(failed.to_string(), "the log is damaged");
    assert_eq!(names(shelf.directory()), [""; 0]);
}

#[test]
fn what_a_killed_run_left_is_removed_and_what_is_nobody_s_business_stays() {
    let (_folder, shelf) = shelf();
    shelf.put(&document(1, 5)).unwrap();
    for name in
        ["1-stroke-5.snlog.part", "2-stroke-9.json.part", "notes.txt", "1-a-b.json", "x-stroke-5.json"]
    {
        fs::write(shelf.directory().join(name), "x").unwrap();
    }
    shelf.tidy();
    assert_eq!(names(shelf.directory()), ["1-a-b.json", "1-stroke-5.json", "notes.txt", "x-stroke-5.json"]);
}

proptest! {
    /// The newest stay, whole, and no more than asked for; the very newest in any case.
    #[test]
    fn the_newest_are_kept(sizes in proptest::collection::vec(0..2_000_usize, 1..12), count in 1..6_usize, bytes in 0..4_000_u64) {
        let (_folder, mut shelf) = shelf();
        (shelf.count_max, shelf.bytes_max) = (count, bytes);
        for (index, size) in sizes.iter().enumerate() {
            // Each run counts its events from 1; cycles go on.
            let document = document(1 + index as u64 % 3, 7 * (1 + index as u64));
            shelf.put(&document).unwrap();
            shelf.put_log(&document.stem(), |mut file| Ok(file.write_all(&vec![1; *size])?)).unwrap();
        }
        shelf.tidy();
        let left = names(shelf.directory());
        let newest = format!("{}-stroke-{}.snlog", 1 + (sizes.len() as u64 - 1) % 3, 7 * sizes.len());
        prop_assert!(left.contains(&newest), "{newest} in {left:?}");
        prop_assert!(left.len().is_multiple_of(2) && left.len() / 2 <= count);
        let cycles: Vec<u64> = left.iter().filter_map(|name| name.strip_suffix(".json")?.rsplit('-').next()?.parse().ok()).collect();
        for back in 0..cycles.len() as u64 {
            prop_assert!(cycles.contains(&(7 * (sizes.len() as u64 - back))), "without a hole: {cycles:?}");
        }
        if cycles.len() > 1 {
            let total: u64 = left.iter().map(|name| fs::metadata(shelf.directory().join(name)).unwrap().len()).sum();
            prop_assert!(total <= bytes, "{total} of {bytes} bytes");
        }
    }
}
