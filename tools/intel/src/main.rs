//! Compiles indicator lists into the database that gatewatch reads on the router: files (`input`, `open`) of many formats (`feed`)
//! or in lines of its own (`list`, `domain`, `rule`), and rules in TOML (`families`), less what must never match (`never`), each
//! said once (`merge`), to rows (`compile`), to bytes (`write`), looked up once more with the router's own reader (`check`), to
//! a file (`output`). And what is in such files (`info`, `lookup`), what is new in them (`diff`), and that alone (`delta`).

mod args;
mod build;
mod check;
mod compile;
mod date;
mod delta;
mod diff;
mod domain;
mod families;
mod feed;
mod info;
mod input;
mod key;
mod list;
mod lookup;
mod merge;
mod never;
mod number;
mod open;
mod output;
mod punycode;
mod report;
mod rows;
mod rule;
mod sign;
mod sign_args;
mod tally;
mod value;
mod write;

use std::io::{self, Write};
use std::process::ExitCode;

use args::Command;
use report::say;

fn main() -> ExitCode {
    let command = match args::parse() {
        Ok(command) => command,
        Err(what) => {
            say(&format!("gatewatch-intel: {what} (--help lists the options)"));
            return ExitCode::from(2);
        }
    };
    let (mut status, mut failed) = (ExitCode::SUCCESS, ExitCode::FAILURE);
    let result = match command {
        Command::Build(options) => build::build(&options),
        Command::Info(path) => info::info(&path),
        Command::Lookup(path, queries) => {
            // 1 is an answer, as with grep.
            failed = ExitCode::from(2);
            lookup::lookup(&path, &queries).map(|(text, any)| {
                status = if any { ExitCode::SUCCESS } else { ExitCode::FAILURE };
                text
            })
        }
        Command::Diff(old, new) => diff::diff(&old, &new),
        Command::Delta { old, new, output } => delta::delta(&old, &new, &output),
        Command::Apply { old, delta, output } => delta::apply(&old, &delta, &output),
        Command::Signing(asked) => sign::run(asked),
        Command::Help => Ok(args::HELP.to_owned()),
        Command::Version => Ok(concat!("gatewatch-intel ", env!("CARGO_PKG_VERSION"), "\n").to_owned()),
    };
    let printed = result.and_then(|text| {
        io::stdout().write_all(text.as_bytes()).map_err(|error| format!("standard output: {error}"))
    });
    match printed {
        Ok(()) => status,
        Err(what) => {
            say(&format!("gatewatch-intel: {what}"));
            failed
        }
    }
}
