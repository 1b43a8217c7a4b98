//! Our parser, held against Rhai's: the same texts are programs, with the same trees, and errors are on the same lines.

mod against_rhai;
mod corpus;
mod coverage;
mod differences;
mod examples;
mod generator;
mod hostile;
mod mutants;
mod oracle;
mod random;
mod regressions;
mod reparsed;
mod rhai_tree;
