//! The fixed layout of one cycle record.
