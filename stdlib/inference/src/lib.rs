//! sensai-inference
