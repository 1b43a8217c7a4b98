//! Finding the name that was probably meant.

/// The candidate nearest to `name`, if it is near enough to be a slip of the pen.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = (name.chars().count() * 2 / 5).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Upper and lower case differ less than two letters do.
fn distance(a: &str, b: &str) -> usize {
    if a.eq_ignore_ascii_case(b) { 0 } else { strsim::damerau_levenshtein(a, b) }
}

/// "did you mean `x`?", or what there is if nothing is near.
pub(crate) fn suggest(name: &str, candidates: &[&str], what: &str) -> String {
    match nearest(name, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if candidates.is_empty() => format!("there are no {what}"),
        None => {
            let mut shown: Vec<&str> = candidates.to_vec();
            shown.sort_unstable();
            let more = shown.len().saturating_sub(8);
            shown.truncate(8);
            let list = shown.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            if more == 0 { format!("{what}: {list}") } else { format!("{what}: {list} and {more} more") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let tags = ["valve.down", "valve.up", "clamp"];
        for (name, near) in
            [("valve.dwn", Some("valve.down")), ("CLAMP", Some("clamp")), ("temperature", None)]
        {
            assert_eq!(nearest(name, tags), near, "{name}");
        }
        assert_eq!(suggest("xyzzy", &["b", "a"], "tags"), "tags: `a`, `b`");
        assert_eq!(suggest("xyzzy", &[], "tags"), "there are no tags");
    }
}
