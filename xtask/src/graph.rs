//! What the dependency graph must keep to, checked without a tool that would have to be installed: licences, sources,
//! and that `ethercrab` stays without `std`. The rules themselves stand in `deny.toml`.

use serde_json::Value;
use std::{collections::BTreeMap, path::Path, process::Command};

/// `cargo metadata` of the workspace.
///
/// # Errors
/// Cargo's own message, such as that `Cargo.lock` needs an update.
pub fn metadata(workspace: &Path, extra: &[&str]) -> Result<Value, String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1"])
        .args(extra)
        .current_dir(workspace)
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata is not JSON: {error}"))
}

/// The part of `deny.toml` that is checked here too.
#[derive(Debug, Default)]
pub struct Rules {
    allowed: Vec<String>,
    /// Crate → further licences allowed for it alone.
    exceptions: BTreeMap<String, Vec<String>>,
    /// Crate → features that must be off.
    forbidden_features: BTreeMap<String, Vec<String>>,
}

impl Rules {
    /// From the text of `deny.toml`.
    ///
    /// # Errors
    /// It is no TOML, or lists no licence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: toml::Table = text.parse().map_err(|error| format!("deny.toml: {error}"))?;
        let licenses = document.get("licenses").and_then(toml::Value::as_table);
        let allowed = texts(licenses.and_then(|table| table.get("allow")));
        if allowed.is_empty() {
            return Err("deny.toml: [licenses] allow lists no licence".into());
        }
        let exceptions = by_crate(licenses.and_then(|table| table.get("exceptions")), "allow");
        let bans = document.get("bans").and_then(toml::Value::as_table);
        let forbidden_features = by_crate(bans.and_then(|table| table.get("features")), "deny");
        Ok(Self { allowed, exceptions, forbidden_features })
    }
}

fn texts(list: Option<&toml::Value>) -> Vec<String> {
    let items = list.and_then(toml::Value::as_array).into_iter().flatten();
    items.filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

fn by_crate(list: Option<&toml::Value>, key: &str) -> BTreeMap<String, Vec<String>> {
    let items = list.and_then(toml::Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some((item.get("crate")?.as_str()?.to_owned(), texts(item.get(key))))).collect()
}

/// One line for each crate whose licence is not allowed.
pub fn licence_findings(metadata: &Value, rules: &Rules) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages(metadata) {
        let name = text(package, "name");
        let exceptions = rules.exceptions.get(name).map(Vec::as_slice).unwrap_or_default();
        // "Or later" is met by the version that is allowed.
        let allowed = |licence: &str| {
            let licence = licence.strip_suffix('+').unwrap_or(licence);
            rules.allowed.iter().chain(exceptions).any(|known| known == licence)
        };
        match package["license"].as_str() {
            None => findings.push(format!("{name} {}: no licence expression", text(package, "version"))),
            Some(expression) if !permitted(expression, &allowed) => {
                findings.push(format!(
                    "{name} {}: licence `{expression}` is not in deny.toml's allow list",
                    text(package, "version")
                ));
            }
            Some(_) => {}
        }
    }
    findings
}

/// One line for each crate that comes neither from the workspace nor from the crates registry.
pub fn source_findings(metadata: &Value) -> Vec<String> {
    packages(metadata)
        .filter_map(|package| {
            let source = package["source"].as_str()?;
            let registry = source.starts_with("registry+") && source.ends_with("/crates.io-index");
            (!registry).then(|| format!("{}: comes from {source}", text(package, "name")))
        })
        .collect()
}

/// One line for each feature that is on in the resolved graph although it must be off. `cargo metadata` unites the
/// features of all targets and of development, so what is off here is off in every build.
pub fn feature_findings(metadata: &Value, rules: &Rules) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, forbidden) in &rules.forbidden_features {
        let ids: Vec<&str> = packages(metadata)
            .filter(|package| text(package, "name") == name)
            .map(|p| text(p, "id"))
            .collect();
        if ids.is_empty() {
            findings.push(format!("{name}: deny.toml forbids features of a crate that is not in the graph"));
        }
        let nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
        for node in nodes.filter(|node| ids.contains(&text(node, "id"))) {
            let on = node["features"].as_array().into_iter().flatten().filter_map(Value::as_str);
            for feature in on.filter(|on| forbidden.iter().any(|off| off == on)) {
                findings.push(format!("{name}: feature `{feature}` is on, deny.toml wants it off"));
            }
        }
    }
    findings
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}

/// Whether an SPDX expression can be met with allowed licences: `OR` needs one side, `AND` both. The `/` of old
/// manifests means `OR`. What cannot be read is not permitted.
fn permitted(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = either(&mut words, allowed);
    met == Some(true) && words.peek().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = both(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words, allowed)?;
    }
    Some(met)
}

fn both(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    let mut met = term(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        met &= term(words, allowed)?;
    }
    Some(met)
}

fn term(words: &mut Words<'_>, allowed: &dyn Fn(&str) -> bool) -> Option<bool> {
    match words.next()? {
        "(" => {
            let met = either(words, allowed)?;
            (words.next()? == ")").then_some(met)
        }
        ")" | "AND" | "OR" | "WITH" => None,
        licence if words.next_if_eq(&"WITH").is_some() => {
            let exception = words.next()?;
            Some(allowed(&format!("{licence} WITH {exception}")) || allowed(licence))
        }
        licence => Some(allowed(licence)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn met(expression: &str) -> bool {
        permitted(expression, &|licence| ["MIT", "Apache-2.0", "Unicode-3.0"].contains(&licence))
    }

    #[test]
    fn expressions() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "GPL-2.0 AND GPL-3.0 OR MIT",
        ] {
            assert!(met(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "MIT AND (GPL-3.0 OR AGPL-3.0)",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT Apache-2.0",
            "WITH MIT",
        ] {
            assert!(!met(bad), "{bad}");
        }
    }

    const RULES: &str = r#"
        [licenses]
        allow = ["MIT"]
        exceptions = [{ crate = "odd", allow = ["Zlib"] }]
        [[bans.features]]
        crate = "ethercrab"
        deny = ["std"]
    "#;

    fn graph(features: &[&str]) -> Value {
        json!({
            "packages": [
                { "name": "ethercrab", "version": "1.0.0", "id": "e", "license": "MIT",
                  "source": "registry+https://index.example/crates.io-index" },
                { "name": "odd", "version": "1.0.0", "id": "o", "license": "Zlib+", "source": null },
                { "name": "copyleft", "version": "2.0.0", "id": "c", "license": "GPL-3.0-only",
                  "source": "git+https://example.test/c" },
                { "name": "silent", "version": "3.0.0", "id": "s", "license": null, "source": null },
            ],
            "resolve": { "nodes": [{ "id": "e", "features": features }] },
        })
    }

    #[test]
    fn findings_name_the_crate_and_what_is_wrong() {
        let rules = Rules::parse(RULES).expect("the rules are well formed");
        let metadata = graph(&["std", "log"]);
        assert_eq!(
            licence_findings(&metadata, &rules),
            [
                "copyleft 2.0.0: licence `GPL-3.0-only` is not in deny.toml's allow list",
                "silent 3.0.0: no licence expression"
            ]
        );
        assert_eq!(source_findings(&metadata), ["copyleft: comes from git+https://example.test/c"]);
        assert_eq!(
            feature_findings(&metadata, &rules),
            ["ethercrab: feature `std` is on, deny.toml wants it off"]
        );
        assert_eq!(feature_findings(&graph(&["log"]), &rules), [""; 0]);
    }

    #[test]
    fn a_rule_without_its_crate_is_a_finding() {
        let rules = Rules::parse(&RULES.replace("\"ethercrab\"", "\"renamed\"")).expect("well formed");
        assert_eq!(feature_findings(&graph(&[]), &rules).len(), 1);
        assert!(Rules::parse("[licenses]\nallow = []").is_err());
        assert!(Rules::parse("[licenses").is_err());
    }
}
