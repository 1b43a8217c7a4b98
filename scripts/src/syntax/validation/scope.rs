//! The variables that can be seen, as Rhai's parser keeps them.

use std::collections::HashMap;

/// Variables, those of inner blocks behind those of outer ones.
#[derive(Default)]
pub(super) struct Scope {
    variables: Vec<Variable>,
    /// The last variable of each name.
    by_name: HashMap<String, usize>,
    /// Where the variables of the innermost block begin.
    frame: usize,
}

struct Variable {
    name: String,
    constant: bool,
    /// The one of the same name before it.
    hidden: Option<usize>,
}

impl Scope {
    /// Begins a block; what is returned ends it.
    pub fn enter(&mut self) -> usize {
        std::mem::replace(&mut self.frame, self.variables.len())
    }

    pub fn leave(&mut self, outer: usize) {
        self.truncate(self.frame);
        self.frame = outer;
    }

    pub fn len(&self) -> usize {
        self.variables.len()
    }

    pub fn truncate(&mut self, len: usize) {
        for variable in self.variables.drain(len.min(self.variables.len())..).rev() {
            match variable.hidden {
                Some(hidden) => self.by_name.insert(variable.name, hidden),
                None => self.by_name.remove(&variable.name),
            };
        }
    }

    /// A variable that is no constant.
    pub fn push(&mut self, name: &str) {
        self.add(name, false);
    }

    /// Defines a variable; in the same block it takes the place of an older one.
    pub fn define(&mut self, name: &str, constant: bool) {
        let older = self.by_name.get(name).filter(|index| **index >= self.frame);
        match older.and_then(|index| self.variables.get_mut(*index)) {
            Some(variable) => variable.constant = constant,
            None => self.add(name, constant),
        }
    }

    fn add(&mut self, name: &str, constant: bool) {
        let hidden = self.by_name.insert(name.to_owned(), self.variables.len());
        self.variables.push(Variable { name: name.to_owned(), constant, hidden });
    }

    pub fn is_constant(&self, name: &str) -> bool {
        let variable = self.by_name.get(name).and_then(|index| self.variables.get(*index));
        variable.is_some_and(|variable| variable.constant)
    }
}
