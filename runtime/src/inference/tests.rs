//! The threads beside with engines that are slow, wrong or hang on purpose.
