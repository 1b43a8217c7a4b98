//! The segment under test: datagram by datagram, and brought to OP by ethercrab in virtual time.

mod bench;
mod captures;
mod clocks;
mod commands;
mod frames;
mod mailboxes;
mod main_device;
mod op;
mod registers;
mod states;
mod wires;
