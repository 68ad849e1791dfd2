//! The system calls: the only code that may be `unsafe`. Each file is a door to one thing.

pub mod child;
pub mod clock;
#[cfg(feature = "monitor")]
pub mod code;
mod errno;
pub mod fd;
#[cfg(feature = "monitor")]
mod filter;
#[cfg(feature = "monitor")]
pub mod inotify;
#[cfg(feature = "monitor")]
pub mod lock;
pub mod logsocket;
pub mod machine;
pub mod map;
#[cfg(feature = "fetch")]
pub mod net;
#[cfg(feature = "monitor")]
pub mod net_events;
mod netlink;
pub mod newfile;
#[cfg(feature = "monitor")]
pub mod notify;
#[cfg(not(feature = "monitor"))]
#[path = "notify/without.rs"]
pub mod notify;
#[cfg(test)]
mod packet_filter;
#[cfg(feature = "monitor")]
pub mod priority;
mod probe;
#[cfg(feature = "monitor")]
pub mod proc_events;
#[cfg(feature = "monitor")]
pub mod signals;
#[cfg(not(feature = "monitor"))]
#[path = "signals/without.rs"]
pub mod signals;
pub mod trouble;
mod walk;
mod xtables;
