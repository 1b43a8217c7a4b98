//! sensai-stdlib
