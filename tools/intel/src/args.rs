//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use gatewatch::intel::layout::{self, DAY_S};
use lexopt::prelude::{Long, Short, Value};

use crate::date;
use crate::feed::{KINDS, Kind};
use crate::list;
use crate::lookup::Query;
use crate::sign_args::{self, Signing};
use crate::value::{date, number, text, value, words};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Compiles indicator lists into the database that gatewatch reads on the router.

usage: gatewatch-intel build [FILE|FOLDER]... -o DATABASE [options]
       gatewatch-intel info DATABASE
       gatewatch-intel lookup DATABASE QUERY...
       gatewatch-intel diff OLD NEW
       gatewatch-intel delta OLD NEW -o DELTA
       gatewatch-intel apply OLD DELTA -o NEW
       gatewatch-intel keygen -s SECRET -p PUBLIC [--no-password | --password-file FILE]
       gatewatch-intel sign FILE... -s SECRET [--comment TEXT] [--password-file FILE]
       gatewatch-intel verify FILE... -p PUBLIC

options of build:
  -o, --output FILE    the database to write; replaced only when everything is right
      --feed KIND:FILE a list of this kind; of a FILE alone the kind is guessed, and said
      --family-rules FILE   rules about families, in TOML
      --never-match FILE    more that never matches: lines, or a MISP warning list, or a folder
                       of these; --never is the same
      --expire-days N  what was seen last N days before the build has expired
      --min-confidence N    leaves out what its list is less sure of, in percent
      --details FILE   also writes what is known of each indicator, as lines of JSON
      --date DATE      YYYY-MM-DD on which the data was made;
                       default: $SOURCE_DATE_EPOCH, else now
      --created SEC    the same in seconds since 1970
      --version N      version of the data, which must grow; default: the created time
      --expires DATE   YYYY-MM-DD from which on the data is stale; default: never
      --min-engine X.Y.Z    older versions of gatewatch refuse the file
      --allow-private  private addresses may be listed
      --family NAME    the family of what names none; default: the list's
                       file name without its extension
  -h, --help           print this
      --version        (without build) print the version of this program

KIND is plain, text, ipset, ipsum, feodo, threatfox, urlhaus, drop, maltrail, misp, stix, hosts, dnsmasq,
adblock, unbound, domains or warninglist.

A plain list has one indicator a line:

  ADDRESS [FAMILY] [expires=YYYY-MM-DD]   # comment

ADDRESS is IPv4, IPv4:port, IPv4/length, IPv6, [IPv6]:port or IPv6/length, or a domain name. Or a line is
about files and traces on the device itself:

  sha256:HEX [FAMILY] [expires=YYYY-MM-DD]
  KIND:VALUE [FAMILY] strength=strong|fair|weak [expires=YYYY-MM-DD]

KIND is name, path, dir, arg, tcp, udp, file or startup. A VALUE with blanks or # stands in double quotes,
in which \\\" \\\\ \\xNN are read.

Keys are files of minisign. sign puts a signature at the end of an indicator file or a baseline of
gatewatch, which the router looks at, and beside any file FILE.minisig, which minisign looks at; verify
looks at both. A secret key has a password, which is asked for; --no-password makes one without.

lookup says `listed QUERY ...` or `not listed QUERY` for each address, ADDRESS:port, domain or SHA-256.

exit status: 0 done, 1 bad data or a failed write (nothing is written), 2 usage; of lookup: 0 some QUERY is
listed, 1 none is, 2 it could not be told
";

/// What is to be done.
pub(crate) enum Command {
    Build(Box<Build>),
    Info(PathBuf),
    Lookup(PathBuf, Vec<Query>),
    Diff(PathBuf, PathBuf),
    Delta { old: PathBuf, new: PathBuf, output: PathBuf },
    Apply { old: PathBuf, delta: PathBuf, output: PathBuf },
    Signing(Signing),
    Help,
    Version,
}

/// The options of `build`.
pub(crate) struct Build {
    /// Files and folders, with the kind where it is given.
    pub(crate) lists: Vec<(Option<Kind>, PathBuf)>,
    pub(crate) family_rules: Vec<PathBuf>,
    pub(crate) output: PathBuf,
    pub(crate) details: Option<PathBuf>,
    pub(crate) version: u32,
    /// The oldest gatewatch that is to read it, as its layout counts; 0 is any.
    pub(crate) engine: u32,
    pub(crate) created: u64,
    /// Days since 1970; 0 is never.
    pub(crate) expires_day: u16,
    pub(crate) expire_days: Option<u16>,
    /// In percent.
    pub(crate) min_confidence: u8,
    pub(crate) never: Vec<PathBuf>,
    pub(crate) allow_private: bool,
    pub(crate) family: Option<String>,
}

/// Reads the command line. An error is a line for the user.
pub(crate) fn parse() -> Result<Command, String> {
    let mut parser = lexopt::Parser::from_env();
    match parser.next().map_err(words)? {
        Some(Value(word)) if word == "build" => build(&mut parser),
        Some(Value(word)) if word == "info" => {
            let ([path], _, help) = files(&mut parser, "info DATABASE", false)?;
            Ok(if help { Command::Help } else { Command::Info(path) })
        }
        Some(Value(word)) if word == "keygen" || word == "sign" || word == "verify" => {
            let asked = sign_args::parse(&word.to_string_lossy(), &mut parser)?;
            Ok(asked.map_or(Command::Help, Command::Signing))
        }
        Some(Value(word)) if word == "lookup" => lookup(&mut parser),
        Some(Value(word)) if word == "diff" => {
            let ([old, new], _, help) = files(&mut parser, "diff OLD NEW", false)?;
            Ok(if help { Command::Help } else { Command::Diff(old, new) })
        }
        Some(Value(word)) if word == "delta" => {
            let ([old, new], output, help) = files(&mut parser, "delta OLD NEW -o DELTA", true)?;
            Ok(if help { Command::Help } else { Command::Delta { old, new, output } })
        }
        Some(Value(word)) if word == "apply" => {
            let ([old, delta], output, help) = files(&mut parser, "apply OLD DELTA -o NEW", true)?;
            Ok(if help { Command::Help } else { Command::Apply { old, delta, output } })
        }
        Some(Short('h') | Long("help")) => Ok(Command::Help),
        Some(Long("version")) => Ok(Command::Version),
        Some(other) => Err(words(other.unexpected())),
        None => Err("what is to be done? `gatewatch-intel build LIST... -o FILE` compiles lists".to_owned()),
    }
}

/// Reads so many files, and where the output goes; or that help is asked for.
fn files<const N: usize>(
    parser: &mut lexopt::Parser,
    usage: &str,
    writes: bool,
) -> Result<([PathBuf; N], PathBuf, bool), String> {
    let (mut paths, mut output) = (Vec::new(), None);
    while let Some(argument) = parser.next().map_err(words)? {
        match argument {
            Value(path) => paths.push(PathBuf::from(path)),
            Short('o') | Long("output") if writes => output = Some(PathBuf::from(value(parser)?)),
            Short('h') | Long("help") => {
                return Ok((std::array::from_fn(|_| PathBuf::new()), PathBuf::new(), true));
            }
            other => return Err(words(other.unexpected())),
        }
    }
    let usage = || format!("usage: gatewatch-intel {usage}");
    let paths = paths.try_into().map_err(|_| usage())?;
    match output {
        Some(output) => Ok((paths, output, false)),
        None if writes => Err(usage()),
        None => Ok((paths, PathBuf::new(), false)),
    }
}

fn lookup(parser: &mut lexopt::Parser) -> Result<Command, String> {
    let (mut path, mut queries) = (None, Vec::new());
    while let Some(argument) = parser.next().map_err(words)? {
        match argument {
            Value(word) if path.is_none() => path = Some(PathBuf::from(word)),
            Value(word) => queries.push(Query::read(text("QUERY", word)?)?),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(words(other.unexpected())),
        }
    }
    match path {
        Some(path) if !queries.is_empty() => Ok(Command::Lookup(path, queries)),
        _ => Err("usage: gatewatch-intel lookup DATABASE QUERY...".to_owned()),
    }
}

fn build(parser: &mut lexopt::Parser) -> Result<Command, String> {
    let (mut lists, mut family_rules, mut never) = (Vec::new(), Vec::new(), Vec::new());
    let (mut output, mut details, mut version, mut created, mut family) = (None, None, None, None, None);
    let (mut expires_day, mut allow_private, mut expire_days, mut min_confidence) = (0, false, None, 0);
    let mut engine = 0;
    while let Some(argument) = parser.next().map_err(words)? {
        match argument {
            Value(path) => lists.push((None, PathBuf::from(path))),
            Long("feed") => lists.push(feed(value(parser)?)?),
            Long("family-rules") => family_rules.push(PathBuf::from(value(parser)?)),
            Short('o') | Long("output") => output = Some(PathBuf::from(value(parser)?)),
            Long("details") => details = Some(PathBuf::from(value(parser)?)),
            Long("version") => version = Some(number("--version", value(parser)?)?),
            Long("created") => created = Some(number("--created", value(parser)?)?),
            Long("date") => {
                let day =
                    date::day(&text("--date", value(parser)?)?).map_err(|what| format!("--date: {what}"))?;
                created = Some(u64::from(day).saturating_mul(DAY_S));
            }
            Long("expires") => {
                expires_day = date::day(&text("--expires", value(parser)?)?)
                    .map_err(|what| format!("--expires: {what}"))?;
            }
            Long("expire-days") => expire_days = Some(number("--expire-days", value(parser)?)?),
            Long("min-confidence") => min_confidence = number("--min-confidence", value(parser)?)?,
            Long("min-engine") => engine = self::engine(&text("--min-engine", value(parser)?)?)?,
            Long("never" | "never-match") => never.push(PathBuf::from(value(parser)?)),
            Long("allow-private") => allow_private = true,
            Long("family") => {
                let name = text("--family", value(parser)?)?;
                family = Some(list::family(&name).map_err(|what| format!("--family: {what}"))?.to_owned());
            }
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(words(other.unexpected())),
        }
    }
    let output = output.ok_or("-o FILE is missing: where is the database to go?")?;
    if lists.is_empty() && family_rules.is_empty() {
        return Err("no LIST is given: name at least one file of indicators".to_owned());
    }
    let created = match created {
        Some(created) => created,
        None => date()?,
    };
    if expires_day != 0 && u64::from(expires_day).saturating_mul(DAY_S) <= created {
        return Err("--expires: the data would be stale when it is made: give a later date".to_owned());
    }
    // Seconds grow with every build, and two builds of the same lists and date are still equal.
    let version = match version {
        Some(version) => version,
        None => u32::try_from(created).map_err(|_| "the created time is after 2106: give --version N")?,
    };
    Ok(Command::Build(Box::new(Build {
        lists,
        family_rules,
        output,
        details,
        version,
        engine,
        created,
        expires_day,
        expire_days,
        min_confidence,
        never,
        allow_private,
        family,
    })))
}

/// Reads KIND:FILE; a file whose name has a colon in it may be given alone.
fn feed(value: OsString) -> Result<(Option<Kind>, PathBuf), String> {
    let text = value.to_string_lossy();
    let Some((word, path)) = text.split_once(':') else { return Ok((None, PathBuf::from(&value))) };
    match Kind::from_word(word) {
        Some(kind) => Ok((Some(kind), PathBuf::from(path))),
        None if PathBuf::from(&value).exists() => Ok((None, PathBuf::from(&value))),
        None => {
            let words: Vec<&str> = KINDS.iter().map(|(_, word, _)| *word).collect();
            Err(format!("--feed: {word:?} is no kind of list: it is one of {}", words.join(", ")))
        }
    }
}

/// A version of gatewatch.
fn engine(version: &str) -> Result<u32, String> {
    let parts: Vec<u8> = version.split('.').flat_map(str::parse).collect();
    match <[u8; 3]>::try_from(parts) {
        Ok(parts) if version.split('.').count() == 3 => Ok(layout::engine(parts)),
        _ => Err(format!("--min-engine: {version:?} is no version X.Y.Z with numbers up to 255")),
    }
}
