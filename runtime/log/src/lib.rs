//! sensai-log
