//! The variables that can be seen, as Rhai's parser keeps them.

/// Variables, those of inner blocks behind those of outer ones.
#[derive(Default)]
pub(super) struct Scope {
    /// Name, and whether it is a constant.
    variables: Vec<(String, bool)>,
    /// Where those of the innermost block begin.
    frame: usize,
}

impl Scope {
    /// Begins a block; what is returned ends it.
    pub fn enter(&mut self) -> usize {
        std::mem::replace(&mut self.frame, self.variables.len())
    }

    pub fn leave(&mut self, outer: usize) {
        self.variables.truncate(self.frame);
        self.frame = outer;
    }

    pub fn len(&self) -> usize {
        self.variables.len()
    }

    pub fn truncate(&mut self, len: usize) {
        self.variables.truncate(len);
    }

    /// A variable that is no constant.
    pub fn push(&mut self, name: &str) {
        self.variables.push((name.to_owned(), false));
    }

    /// Defines a variable; in the same block it takes the place of an older one.
    pub fn define(&mut self, name: &str, constant: bool) {
        let block = self.variables.get_mut(self.frame..).unwrap_or_default();
        match block.iter_mut().rev().find(|(other, _)| other == name) {
            Some(variable) => variable.1 = constant,
            None => self.variables.push((name.to_owned(), constant)),
        }
    }

    pub fn is_constant(&self, name: &str) -> bool {
        self.variables.iter().rev().find(|(other, _)| other == name).is_some_and(|(_, constant)| *constant)
    }
}
