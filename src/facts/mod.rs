//! Facts: one file a kind. Bytes in, small owned value out; no path is opened, nothing is judged here.

pub mod about;
pub mod commands;
pub mod fetch;
mod open;
pub mod place;
pub mod process;
pub mod reader;
mod shell;
pub mod socket;
pub mod startup;
pub mod text;
