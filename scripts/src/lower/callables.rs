//! What can be called, and what cannot.

use sensai_stdlib::registry::{self, AXIS};

/// Name, number of arguments and use of the functions that are not in the library.
pub(crate) const BUILT_IN: &[(&str, usize, &str)] = &[
    ("array", 2, "array(n, value)"),
    ("len", 1, "len(array)"),
    ("fault", 1, "fault(\"name\")"),
    ("Axis", 1, "Axis(\"name\")"),
    ("jidoka", 1, "jidoka(\"name\")"),
    ("alarm", 1, "alarm(\"name\")"),
    ("state_complete", 0, "state_complete()"),
    ("hold", 0, "hold()"),
    ("suspend", 0, "suspend()"),
    ("unsuspend", 0, "unsuspend()"),
    ("stop", 0, "stop()"),
    ("abort", 0, "abort()"),
    ("complete", 0, "complete()"),
];

/// Words of Rhai that cell programs do not have, and what to do instead.
const REFUSED: [(&str, &str); 22] = [
    ("eval", "programs cannot make programs"),
    ("print", "keep what you want to see in a tag or in the state; both are recorded"),
    ("debug", "keep what you want to see in a tag or in the state; both are recorded"),
    ("sleep", "a program never waits; use a TON and come back in the next cycle"),
    ("timestamp", "use sys.time, which is the same in every replay"),
    ("exit", "use `return`"),
    ("Fn", "call the function by its name"),
    ("call", "call the function by its name"),
    ("curry", "call the function by its name with all arguments"),
    ("is_shared", "nothing is shared"),
    ("is_def_var", "variables are known before the program runs"),
    ("is_def_fn", "functions are known before the program runs"),
    ("type_of", "types are known before the program runs"),
    ("rand", "a replay would not give the same again; feed noise in as an input"),
    ("to_string", "texts are names; show numbers in tags"),
    ("to_debug", "texts are names; show numbers in tags"),
    ("push", "arrays keep their length; use array(n, value) and an index"),
    ("pop", "arrays keep their length; use array(n, value) and an index"),
    ("insert", "arrays keep their length; use array(n, value) and an index"),
    ("remove", "arrays keep their length, records their fields"),
    ("pad", "arrays keep their length; use array(n, value)"),
    ("parse_json", "read values from tags and parameters"),
];

/// Why a word of Rhai is no word of cell programs.
pub(crate) fn refused(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(word, _)| *word == name).map(|(_, help)| *help)
}

/// How a function of the library or a constructor is called, as texts: one for each number of arguments.
pub(crate) fn signatures(name: &str) -> Vec<(usize, String)> {
    let built_in = BUILT_IN
        .iter()
        .filter(|(word, ..)| *word == name)
        .map(|(_, count, usage)| (*count, (*usage).to_owned()));
    let mut signatures: Vec<(usize, String)> = built_in.collect();
    for function in registry::functions().iter().filter(|function| function.name == name) {
        let count = function.arguments.len();
        if signatures.iter().all(|(known, _)| *known != count) {
            signatures.push((count, format!("{name}({})", function.argument_names.join(", "))));
        }
    }
    if let Some(block) = registry::find(name) {
        for count in block.constructor.counts() {
            let names: Vec<&str> = (0..count)
                .map(|index| block.constructor.argument(index).map_or("", |argument| argument.name))
                .collect();
            signatures.push((count, format!("{name}({})", names.join(", "))));
        }
    }
    signatures
}

/// True if a block or an axis has a method of this name with that many arguments.
pub(crate) fn is_method(name: &str, count: usize) -> bool {
    methods().any(|method| method.name == name && method.arguments.len() == count)
        || AXIS.method(name).is_some_and(|method| method.counts().contains(&count))
        || (name == REQUEST && count == 0)
}

/// The method of models.
pub(super) const REQUEST: &str = "request";

/// Every name that is a method of something.
pub(crate) fn method_names() -> impl Iterator<Item = &'static str> {
    methods().map(|method| method.name).chain(AXIS.methods.iter().map(|method| method.name)).chain([REQUEST])
}

/// How the methods of a name are called.
pub(crate) fn method_usages(name: &str) -> Vec<String> {
    let blocks = methods().filter(|method| method.name == name).map(|method| {
        let names: Vec<&str> = method.arguments.iter().map(|argument| argument.name).collect();
        format!("`{}({})`", method.path, names.join(", "))
    });
    let axes = AXIS.method(name).map(|method| format!("`{}.{}`", AXIS.name, method.usage()));
    let models = (name == REQUEST).then(|| format!("`ai.model.{REQUEST}()`"));
    blocks.chain(axes).chain(models).collect()
}

/// Every method of every block.
pub(crate) fn methods() -> impl Iterator<Item = &'static registry::Method> {
    registry::blocks().iter().flat_map(|block| block.methods)
}

/// Everything callable without a receiver.
pub(crate) fn callables() -> Vec<&'static str> {
    let mut names: Vec<&str> = BUILT_IN.iter().map(|(name, ..)| *name).collect();
    names.extend(registry::functions().iter().map(|function| function.name));
    names.extend(registry::blocks().iter().map(|block| block.name));
    names.dedup();
    names
}
