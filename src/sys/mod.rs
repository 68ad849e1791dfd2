//! The system calls: the only code that may be `unsafe`. Each file is a door to one thing.

pub mod child;
pub mod clock;
mod errno;
pub mod fd;
pub mod logsocket;
pub mod machine;
pub mod map;
#[cfg(feature = "fetch")]
pub mod net;
mod netlink;
pub mod newfile;
#[cfg(test)]
mod packet_filter;
mod probe;
pub mod trouble;
mod walk;
mod xtables;
