//! Facts: one file a kind. Bytes in, small owned value out; no path is opened, nothing is judged here.

pub mod about;
pub mod commands;
pub mod descriptors;
pub mod elf;
pub mod endpoint;
pub mod environ;
pub mod fetch;
pub mod file;
pub mod logging;
pub mod maps;
pub mod mount;
pub mod nvram;
mod open;
pub mod origin;
pub mod place;
pub mod process;
pub mod program;
pub mod raw;
pub mod reader;
pub mod setting;
mod shell;
pub mod socket;
pub mod startup;
pub mod status;
pub mod text;
pub mod uci;
