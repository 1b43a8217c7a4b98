//! The segment under test: datagram by datagram, and brought to OP by ethercrab in virtual time.

mod main_device;
mod op;
