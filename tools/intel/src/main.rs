//! Compiles indicator lists into the database that gatewatch reads on the router: lines to values
//! (`list`), less what must never match (`never`), to rows (`compile`), to bytes (`write`), looked up
//! once more with the router's own reader (`check`), to a file (`output`).

mod args;
mod check;
mod compile;
mod list;
mod never;
mod output;
mod report;
mod write;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gatewatch::intel::layout::DAY_S;

use args::{Build, Command};
use compile::Indicator;
use never::Never;
use report::{Report, say};

fn main() -> ExitCode {
    let result = match args::parse() {
        Ok(Command::Build(options)) => build(&options),
        Ok(Command::Help) => Ok(args::HELP.to_owned()),
        Ok(Command::Version) => Ok(concat!("gatewatch-intel ", env!("CARGO_PKG_VERSION"), "\n").to_owned()),
        Err(what) => {
            say(&format!("gatewatch-intel: {what} (--help lists the options)"));
            return ExitCode::from(2);
        }
    };
    let printed = result.and_then(|text| {
        io::stdout().write_all(text.as_bytes()).map_err(|error| format!("standard output: {error}"))
    });
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            say(&format!("gatewatch-intel: {what}"));
            ExitCode::FAILURE
        }
    }
}

/// Builds a database and returns the line that sums it up.
fn build(options: &Build) -> Result<String, String> {
    let mut report = Report::default();
    let never_lists = read_all(&options.never)?;
    let lists = read_all(&options.lists)?;
    let never = Never::new(&never_lists, options.allow_private, &mut report);
    let mut families = Vec::new();
    for path in &options.lists {
        families.push(default_family(path, options)?);
    }
    let (mut indicators, mut left_out) = (Vec::new(), 0u32);
    for ((name, bytes), family) in lists.iter().zip(&families) {
        for (number, line) in list::lines(bytes) {
            match line.and_then(list::entry) {
                Ok(Some(entry)) => {
                    let one = Indicator {
                        span: entry.span,
                        port: entry.port,
                        family: entry.family.unwrap_or(family),
                        expires_day: entry.expires_day,
                    };
                    if may_match(&one, options.created, &never, name, number, &mut report) {
                        indicators.push(one);
                    } else {
                        left_out = left_out.saturating_add(1);
                    }
                }
                Ok(None) => {}
                Err(what) => report.error(name, number, &what),
            }
        }
    }
    match report.close() {
        0 => {}
        1 => return Err("1 line is wrong: nothing is written".to_owned()),
        errors => return Err(format!("{errors} lines are wrong: nothing is written")),
    }
    if indicators.is_empty() {
        return Err("the lists hold no indicator that may match: nothing is written".to_owned());
    }

    let tables = compile::compile(indicators);
    let dates = write::Dates {
        version: options.version,
        created: options.created,
        expires: u64::from(options.expires_day).saturating_mul(DAY_S),
    };
    let encoded = write::encode(&tables, never.ranges(), dates)?;
    output::save(&options.output, &encoded.bytes, |bytes| check::check(bytes, &tables, &never))?;

    let length = encoded.bytes.len();
    let own_bits = length.saturating_sub(encoded.other_bytes).saturating_mul(8);
    let hundredths = own_bits.saturating_mul(100).checked_div(tables.ipv4.len());
    let bits = hundredths.map_or(String::new(), |bits| format!(" of {}.{:02} bits", bits / 100, bits % 100));
    Ok(format!(
        "{}: version {}, {length} bytes: {} indicators ({} IPv4{bits}, {} IPv4 ranges, {} IPv6, {} IPv6 ranges), \
         {} labels; {} duplicates, {left_out} left out\n",
        options.output.display(),
        options.version,
        tables.entries,
        tables.ipv4.len(),
        tables.ipv4_ranges.len(),
        tables.ipv6.len(),
        tables.ipv6_ranges.len(),
        tables.labels.len(),
        tables.duplicates,
    ))
}

/// The lists, with the names under which lines are complained about.
fn read_all(paths: &[PathBuf]) -> Result<Vec<(String, Vec<u8>)>, String> {
    paths.iter().map(|path| Ok((path.display().to_string(), list::read(path)?))).collect()
}

/// The family of lines that name none.
fn default_family(path: &Path, options: &Build) -> Result<String, String> {
    if let Some(family) = &options.family {
        return Ok(family.clone());
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match list::family(&stem) {
        Ok(family) => Ok(family.to_owned()),
        Err(what) => Err(format!("{}: {what}: give --family NAME", path.display())),
    }
}

/// Whether an indicator goes into the file; warns when it does not, and when it goes too far.
fn may_match(
    one: &Indicator<'_>,
    created: u64,
    never: &Never,
    file: &str,
    line: u32,
    report: &mut Report,
) -> bool {
    let span = one.span;
    if one.expires_day != 0 && u64::from(one.expires_day).saturating_mul(DAY_S) <= created {
        report.warn(file, line, || format!("{span} has expired before the file's date: left out"));
        return false;
    }
    if never.covers(span) {
        report
            .warn(file, line, || format!("{span} never matches, it is in {}: left out", never.reason(span)));
        return false;
    }
    if never.touches(span) {
        report.warn(file, line, || {
            format!("{span} reaches into {}, which still never matches", never.reason(span))
        });
    }
    let widest = if span.v6 { 16 } else { 8 };
    if span.prefix() < widest {
        report.warn(file, line, || format!("{span} is wider than /{widest}: is that meant?"));
    }
    true
}
