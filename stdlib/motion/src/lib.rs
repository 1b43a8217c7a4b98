//! sensai-motion
