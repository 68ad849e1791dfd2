//! gatewatch tells whether a Linux router is infected. This library is all of it but the system calls.
//!
//! It is `no_std`, allocates nothing, forbids `unsafe` and does no I/O of its own. Data goes one way:
//!
//! ```text
//!   host        source         facts            check(s)            engine        report
//!   a machine → walks, no    → bytes to small → fn(&fact, &ctx,   → drives all  → events to text,
//!   (trait)     meaning        values           &mut out)           of it         JSON lines, syslog
//! ```
//!
//! | module | may use | never |
//! |---|---|---|
//! | [`facts`] | [`limits`] | a path, a [`host::Host`], a check |
//! | [`source`] | [`host`], [`facts`], [`baseline`], [`limits`] | a check, a sink |
//! | [`checks`] | [`check`], [`facts`], [`intel`] | [`host`], [`source`], a sink, any I/O |
//! | [`intel`] | [`limits`], [`signature`] | everything else |
//! | [`baseline`] | [`facts`], [`limits`], [`signature`] | everything else |
//! | [`signature`] | nothing | everything else |
//! | [`report`] | itself, [`facts`] for printing, [`limits`] | [`host`], [`source`], [`checks`] |
//! | [`engine`] | all of the above | the binary's `sys` |
//! | [`monitor`] | [`report`], [`facts`], [`limits`] | [`host`], [`source`], [`checks`], a clock |
//!
//! `tests/layers.rs` holds the `use crate::` lines to this table.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod baseline;
pub mod check;
pub mod checks;
pub mod engine;
pub mod facts;
pub mod host;
pub mod intel;
pub mod limits;
pub mod monitor;
pub mod report;
pub mod signature;
pub mod source;
