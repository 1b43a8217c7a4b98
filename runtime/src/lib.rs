//! sensai
