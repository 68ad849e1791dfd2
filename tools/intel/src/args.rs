//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use gatewatch::intel::layout::{self, DAY_S};
use lexopt::prelude::{Long, Short, Value, ValueExt};

use crate::list;
use crate::sign_args::{self, Signing};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Compiles indicator lists into the database that gatewatch reads on the router.

usage: gatewatch-intel build LIST... -o FILE [options]
       gatewatch-intel keygen -s SECRET -p PUBLIC [--no-password | --password-file FILE]
       gatewatch-intel sign FILE... -s SECRET [--comment TEXT] [--password-file FILE]
       gatewatch-intel verify FILE... -p PUBLIC

options of build:

  -o, --output FILE    the database to write; replaced only when everything is right
      --version N      version of the data, which must grow; default: the created time
      --created SEC    when the data was made, in seconds since 1970;
                       default: $SOURCE_DATE_EPOCH, else now
      --expires DATE   YYYY-MM-DD from which on the data is stale; default: never
      --min-engine X.Y.Z   older versions of gatewatch refuse the file
      --never FILE     more addresses that never match; may be given several times
      --allow-private  private addresses may be listed
      --family NAME    the family of lines that name none; default: the list's
                       file name without its extension
  -h, --help           print this
      --version        (without build) print the version of this program

A list has one indicator a line:

  ADDRESS [FAMILY] [expires=YYYY-MM-DD]   # comment

ADDRESS is IPv4, IPv4:port, IPv4/length, IPv6, [IPv6]:port or IPv6/length. Or a line is about a domain and all
below it, plain or as hosts files, dnsmasq and ad-blockers block it:

  NAME [FAMILY] [expires=YYYY-MM-DD]
  domain:NAME   0.0.0.0 NAME   ||NAME^   address=/NAME/   local=/NAME/

Or about files and traces on the device itself:

  sha256:HEX [FAMILY] [expires=YYYY-MM-DD]
  KIND:VALUE [FAMILY] strength=strong|fair|weak [expires=YYYY-MM-DD]

KIND is name, path, dir, arg, tcp, udp or file. A VALUE with blanks or # stands in double quotes, in
which \\\" \\\\ \\xNN are read.

Keys are files of minisign. sign puts a signature at the end of an indicator file or a baseline of
gatewatch, which the router looks at, and beside any file FILE.minisig, which minisign looks at; verify
looks at both. A secret key has a password, which is asked for, unless it was made with --no-password.

exit status: 0 written, 1 bad data or a failed write (nothing is written), 2 usage
";

/// What is to be done.
pub(crate) enum Command {
    Build(Build),
    Signing(Signing),
    Help,
    Version,
}

/// The options of `build`.
pub(crate) struct Build {
    pub(crate) lists: Vec<PathBuf>,
    pub(crate) output: PathBuf,
    pub(crate) version: u32,
    /// The oldest gatewatch that is to read it, as its layout counts; 0 is any.
    pub(crate) engine: u32,
    pub(crate) created: u64,
    /// Days since 1970; 0 is never.
    pub(crate) expires_day: u16,
    pub(crate) never: Vec<PathBuf>,
    pub(crate) allow_private: bool,
    pub(crate) family: Option<String>,
}

/// Reads the command line. An error is a line for the user.
pub(crate) fn parse() -> Result<Command, String> {
    let mut parser = lexopt::Parser::from_env();
    match parser.next().map_err(words)? {
        Some(Value(word)) if word == "build" => build(&mut parser),
        Some(Value(word)) if word == "keygen" || word == "sign" || word == "verify" => {
            sign_args::parse(&word.to_string_lossy(), &mut parser)
        }
        Some(Short('h') | Long("help")) => Ok(Command::Help),
        Some(Long("version")) => Ok(Command::Version),
        Some(other) => Err(words(other.unexpected())),
        None => Err("what is to be done? `gatewatch-intel build LIST... -o FILE` compiles lists".to_owned()),
    }
}

fn build(parser: &mut lexopt::Parser) -> Result<Command, String> {
    let (mut lists, mut never) = (Vec::new(), Vec::new());
    let (mut output, mut version, mut created, mut family) = (None, None, None, None);
    let (mut expires_day, mut allow_private, mut engine) = (0, false, 0);
    while let Some(argument) = parser.next().map_err(words)? {
        match argument {
            Value(path) => lists.push(PathBuf::from(path)),
            Short('o') | Long("output") => output = Some(PathBuf::from(value(parser)?)),
            Long("version") => version = Some(number("--version", value(parser)?)?),
            Long("created") => created = Some(number("--created", value(parser)?)?),
            Long("expires") => {
                expires_day = list::day(&text("--expires", value(parser)?)?)
                    .map_err(|what| format!("--expires: {what}"))?;
            }
            Long("min-engine") => engine = self::engine(&text("--min-engine", value(parser)?)?)?,
            Long("never") => never.push(PathBuf::from(value(parser)?)),
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
    if lists.is_empty() {
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
    Ok(Command::Build(Build {
        lists,
        output,
        version,
        engine,
        created,
        expires_day,
        never,
        allow_private,
        family,
    }))
}

/// A version of gatewatch.
fn engine(version: &str) -> Result<u32, String> {
    let parts: Vec<u8> = version.split('.').flat_map(str::parse).collect();
    match <[u8; 3]>::try_from(parts) {
        Ok(parts) if version.split('.').count() == 3 => Ok(layout::engine(parts)),
        _ => Err(format!("--min-engine: {version:?} is no version X.Y.Z with numbers up to 255")),
    }
}

/// The date of the build: reproducible-builds.org/specs/source-date-epoch, or now.
pub(crate) fn date() -> Result<u64, String> {
    match std::env::var_os("SOURCE_DATE_EPOCH") {
        Some(epoch) => number("SOURCE_DATE_EPOCH", epoch),
        None => match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Ok(since.as_secs()),
            Err(_) => Err("the clock stands before 1970: give --created SECONDS".to_owned()),
        },
    }
}

pub(crate) fn value(parser: &mut lexopt::Parser) -> Result<OsString, String> {
    parser.value().map_err(words)
}

pub(crate) fn text(option: &str, value: OsString) -> Result<String, String> {
    value.string().map_err(|error| format!("{option}: {error}"))
}

fn number<T: TryFrom<u64>>(option: &str, value: OsString) -> Result<T, String> {
    let text = value.to_string_lossy();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|_| digits).and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("{option}: {text:?} is not a whole number in range"))
}

pub(crate) fn words(error: lexopt::Error) -> String {
    error.to_string()
}
