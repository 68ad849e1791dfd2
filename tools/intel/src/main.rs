//! Compiles indicator lists into the database that gatewatch reads on the router: lines to values
//! (`list`, `domain`, `rule`), less what must never match (`never`), to rows (`compile`), to bytes (`write`), looked up
//! once more with the router's own reader (`check`), to a file (`output`).

mod args;
mod check;
mod compile;
mod domain;
mod key;
mod list;
mod never;
mod number;
mod output;
mod report;
mod rule;
mod sign;
mod sign_args;
mod write;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gatewatch::intel::layout::DAY_S;

use args::{Build, Command};
use compile::{Indicator, Listed, Says, Trace};
use key::{Password, Secret};
use list::{Entry, Span, Subject};
use never::Never;
use report::{Report, say};
use sign_args::Signing;

fn main() -> ExitCode {
    let result = match args::parse() {
        Ok(Command::Build(options)) => build(&options),
        Ok(Command::Signing(asked)) => signing(asked),
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

/// Does what is to be done with keys, and returns the lines that say so.
fn signing(asked: Signing) -> Result<String, String> {
    let password = |file: Option<PathBuf>| file.map_or(Ok(Password::Ask), |file| key::password_of(&file));
    match asked {
        Signing::Keygen { secret, public, no_password, password_file } => {
            let password = if no_password { Password::None } else { password(password_file)? };
            key::generate(&secret, &public, password)
        }
        Signing::Sign { files, secret, password_file, comment, now } => {
            let secret = Secret::read(&secret, password(password_file)?)?;
            let options = sign::Options { comment, now };
            files.iter().map(|file| sign::sign(file, &secret, &options)).collect()
        }
        Signing::Verify { files, public } => {
            let public = sign::Public::read(&public)?;
            files.iter().map(|file| sign::verify(file, &public)).collect()
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
    let (mut listed, mut left_out) = (Listed::default(), 0u32);
    for ((name, bytes), family) in lists.iter().zip(&families) {
        for (number, line) in list::lines(bytes) {
            match line.and_then(list::entry) {
                Ok(Some(entry)) => {
                    let mut place = Place { file: name, line: number, report: &mut report };
                    if !take(entry, family, options.created, &never, &mut listed, &mut place) {
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
    if listed.len() == 0 {
        return Err("the lists hold no indicator that may match: nothing is written".to_owned());
    }

    let tables = compile::compile(listed);
    let dates = write::Dates {
        version: options.version,
        engine: options.engine,
        created: options.created,
        expires: u64::from(options.expires_day).saturating_mul(DAY_S),
    };
    let encoded = write::encode(&tables, &never, dates)?;
    output::save(&options.output, &encoded.bytes, |bytes| check::check(bytes, &tables, &never))?;

    let length = encoded.bytes.len();
    let own_bits = length.saturating_sub(encoded.other_bytes).saturating_mul(8);
    let hundredths = own_bits.saturating_mul(100).checked_div(tables.ipv4.len());
    let bits = hundredths.map_or(String::new(), |bits| format!(" of {}.{:02} bits", bits / 100, bits % 100));
    Ok(format!(
        "{}: version {}, {length} bytes: {} indicators ({} IPv4{bits}, {} IPv4 ranges, {} IPv6, {} IPv6 ranges, \
         {} domains, {} hashes, {} traces), {} labels; {} duplicates, {left_out} left out\n",
        options.output.display(),
        options.version,
        tables.entries,
        tables.ipv4.len(),
        tables.ipv4_ranges.len(),
        tables.ipv6.len(),
        tables.ipv6_ranges.len(),
        tables.domains.len(),
        tables.hashes.len(),
        tables.traces.len(),
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

/// The line that is read, for warnings about it.
struct Place<'a> {
    file: &'a str,
    line: u32,
    report: &'a mut Report,
}

impl Place<'_> {
    fn warn(&mut self, what: impl FnOnce() -> String) {
        self.report.warn(self.file, self.line, what);
    }
}

/// Takes an entry in, unless it must not match; warns when it does not, and when it goes too far.
fn take<'a>(
    entry: Entry<'a>,
    family: &'a str,
    created: u64,
    never: &Never,
    listed: &mut Listed<'a>,
    place: &mut Place<'_>,
) -> bool {
    let says = Says { family: entry.family.unwrap_or(family), expires_day: entry.expires_day };
    if says.expires_day != 0 && u64::from(says.expires_day).saturating_mul(DAY_S) <= created {
        place.warn(|| format!("{} has expired before the file's date: left out", entry.subject));
        return false;
    }
    match entry.subject {
        Subject::Addresses(span, port) => {
            if !may_match(span, never, place) {
                return false;
            }
            listed.addresses.push(Indicator { span, port, says });
        }
        Subject::Domain(name) => {
            if let Some(reason) = never.domain_reason(&name) {
                place.warn(|| format!("{name} never matches, it is in {reason}: left out"));
                return false;
            }
            listed.domains.push((name, says));
        }
        Subject::Hash(digest) => listed.hashes.push((digest, says)),
        Subject::Trace(kind, value, strength) => listed.traces.push((Trace { kind, value, strength }, says)),
    }
    true
}

/// Whether addresses go into the file; warns when they do not, and when they go too far.
fn may_match(span: Span, never: &Never, place: &mut Place<'_>) -> bool {
    if never.covers(span) {
        place.warn(|| format!("{span} never matches, it is in {}: left out", never.reason(span)));
        return false;
    }
    if never.touches(span) {
        place.warn(|| format!("{span} reaches into {}, which still never matches", never.reason(span)));
    }
    let widest = if span.v6 { 16 } else { 8 };
    if span.prefix() < widest {
        place.warn(|| format!("{span} is wider than /{widest}: is that meant?"));
    }
    true
}
