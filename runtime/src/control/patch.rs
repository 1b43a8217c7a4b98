//! JSON merge patches (RFC 7396): how a subscriber is told what has changed.
//!
//! A document that is sent has no nulls in it: in a patch, null takes a member away.

use serde_json::{Map, Value as Json};

/// What turns `before` into `after`; `None` if nothing has changed.
pub fn difference(before: &Json, after: &Json) -> Option<Json> {
    let (Json::Object(old), Json::Object(new)) = (before, after) else {
        return (before != after).then(|| after.clone());
    };
    let mut patch = Map::new();
    for (name, value) in new {
        match old.get(name) {
            None => {
                patch.insert(name.clone(), value.clone());
            }
            Some(known) => {
                if let Some(change) = difference(known, value) {
                    patch.insert(name.clone(), change);
                }
            }
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Json::Null);
    }
    (!patch.is_empty()).then_some(Json::Object(patch))
}

/// Apply a patch.
pub fn apply(document: &mut Json, patch: &Json) {
    let Json::Object(changes) = patch else {
        *document = patch.clone();
        return;
    };
    if !document.is_object() {
        *document = Json::Object(Map::new());
    }
    let Json::Object(members) = document else { return };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(name);
        } else {
            apply(members.entry(name.clone()).or_insert(Json::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn document() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Json::from),
            (0..3).prop_map(Json::from),
            proptest::collection::vec(0..3, 0..3).prop_map(Json::from)
        ];
        let tree = leaf.prop_recursive(3, 20, 4, |inner| {
            proptest::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect()))
        });
        proptest::collection::btree_map("[a-d]", tree, 0..4)
            .prop_map(|members| Json::Object(members.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn a_difference_leads_from_one_to_the_other(before in document(), after in document()) {
            let mut patched = before.clone();
            match difference(&before, &after) {
                None => prop_assert_eq!(&before, &after),
                Some(patch) => apply(&mut patched, &patch),
            }
            prop_assert_eq!(patched, after);
        }
    }

    #[test]
    fn only_what_changed_is_told() {
        let before = json!({"tags": {"a": {"value": 1}, "b": {"value": 2}}, "list": [1, 2]});
        let after = json!({"tags": {"a": {"value": 1}, "b": {"value": 3}}, "list": [1]});
        let patch = difference(&before, &after).unwrap();
        assert_eq!(patch, json!({"tags": {"b": {"value": 3}}, "list": [1]}));
    }
}
