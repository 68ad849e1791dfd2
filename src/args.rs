//! The command line: what was asked for, or what is wrong with it.

mod baseline;
mod destination;
mod intel;
#[cfg(feature = "monitor")]
mod monitor;

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use gatewatch::check::Selection;
use gatewatch::checks;
use gatewatch::facts::text::decimal;
use gatewatch::limits::{DEVICE_BYTES, INTEL_FILES, SYSLOG_DESTINATIONS};
use gatewatch::report::escape::Escaped;
use lexopt::prelude::*;

pub use baseline::{Action, Baseline, DEFAULT as DEFAULT_BASELINE};
pub use destination::Destination;
pub use intel::{Action as IntelAction, Intel};
#[cfg(feature = "monitor")]
pub use monitor::Monitor;

/// What `--help` says.
pub const HELP: &str = "\
gatewatch tells whether this Linux router is infected.

usage: gatewatch [scan] [options]     look at this machine, or at a tree
       gatewatch monitor [options]    stay, look again and when something happens
       gatewatch baseline create      note what this machine or tree holds
       gatewatch baseline verify      show what differs from that
       gatewatch intel info FILE      show what an indicator file is, and who signed it
       gatewatch intel verify FILE    tell whether a scan would take it
       gatewatch intel update SOURCE  put a newer one in its place: a file, or http://...
       gatewatch list                 show the checks
       gatewatch explain ID           show what a check sees, misses and is founded on
       gatewatch --version | --help

options of scan:
  --root DIR          look at an unpacked image or a recording, never leaving it
  --format FORMAT     text (default) or json: one object a line
  --syslog[=DEST]     report by syslog too; may be given up to 4 times. DEST is the path of
                      a log socket (default /dev/log), udp://ADDRESS[:514] for RFC 3164
                      or tcp://ADDRESS[:601] for RFC 5424; IPv6 as [ADDRESS], no names
  --intel FILE        use this indicator file; may be given up to 8 times
                      (default /usr/share/gatewatch/indicators.gwi and those in
                      /etc/gatewatch/intel.d, if they are there)
  --allow-unsigned    take indicator files that no trusted key has signed
  --dir DIR           keys/*.pub, intel.d/*.gwi and the state are here (default /etc/gatewatch)
  --baseline FILE     what is in this baseline is known
                      (default /etc/gatewatch/baseline.gwb, if it is there and no --root is given)
  --only ID,...       run these checks only
  --skip ID,...       run all checks but these
  --device ID         name of the device in reports (default: its host name)
  --timeout SECONDS   report what is known after that time (default 60)
  --lan-details       show addresses and names of LAN clients, not a word for each
  --no-color          no colours; the variable NO_COLOR does the same
  -q                  show findings only
  -v                  show how every check fared

options of monitor, and all those of scan:
  --interval SECONDS  look at everything that often (default 3600); in between, at new
                      processes and startup files that change
  --no-events         only that
  --state DIR         lock and state are here (default /var/run/gatewatch)
It ends with SIGTERM, and begins anew with SIGHUP.

options of intel:
  --dir DIR           as above
  --allow-unsigned    of info and verify: as above
  -o FILE             of update: the file to replace (default intel.d/indicators.gwi in DIR)
  --timeout SECONDS   of update: give up after that time (default 120)

options of baseline:
  --root DIR          a tree instead of this machine
  -o FILE             where the baseline is, or is to be written
                      (default /etc/gatewatch/baseline.gwb; with --root it must be given)
  --format FORMAT     of verify: text (default) or json
  --lan-details       of verify: as above
  --dir DIR           of verify: the keys of a signed baseline are here (default /etc/gatewatch)
The date in a baseline is that of SOURCE_DATE_EPOCH, where it is set: the same tree gives the same file.

exit status: 0 clean, 1 suspicious, 2 infected, 3 incomplete or an error;
of baseline create: 0 all is in it, 3 not all or an error; of baseline verify: 0 same, 1 differs, 3 cannot tell;
of intel: 0 good or up to date, 1 refused, 3 cannot tell or be done (update then keeps what was there)
";

/// Where a device has what is its own.
const DIR: &str = "/etc/gatewatch";

/// The format on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// What a scan was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The tree, instead of this machine.
    pub root: Option<OsString>,
    /// The format on standard output.
    pub format: Format,
    /// Where to report to by syslog, each once.
    pub syslog: Vec<Destination>,
    /// Indicator files.
    pub intel: Vec<OsString>,
    /// Those that no trusted key has signed are taken.
    pub allow_unsigned: bool,
    /// Where keys, further indicator files and the state are.
    pub dir: OsString,
    /// The baseline.
    pub baseline: Option<OsString>,
    /// Checks to run.
    pub selection: Selection,
    /// The device's id.
    pub device: Option<String>,
    /// Clients are told in full.
    pub lan_details: bool,
    /// Seconds until a run is given up.
    pub timeout_s: u64,
    /// Colours are not wanted.
    pub no_color: bool,
    /// Findings only.
    pub quiet: bool,
    /// How every check fared.
    pub verbose: bool,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To look.
    Scan(Box<Scan>),
    /// To stay and look again.
    #[cfg(feature = "monitor")]
    Monitor(Box<Monitor>),
    /// To make a baseline, or to compare with one.
    Baseline(Baseline),
    /// To look at an indicator file, or to get a newer one.
    Intel(Box<Intel>),
    /// To show the checks.
    List,
    /// To show what one check is about, by its place in the table.
    Explain(usize),
    /// To show the usage.
    Help,
    /// To show the version.
    Version,
}

/// What is wrong with the command line, in words for whoever typed it.
pub struct Mistake(String);

impl Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// lexopt's own words would show hostile bytes through `Debug`, which costs 5 KiB.
impl From<lexopt::Error> for Mistake {
    fn from(error: lexopt::Error) -> Self {
        use lexopt::Error;
        let escaped = |option: &str| Escaped(option.as_bytes()).to_string();
        Self(match error {
            Error::MissingValue { option } => {
                let option = option.unwrap_or_default();
                format!("{}: give a value after it", escaped(&option))
            }
            Error::UnexpectedOption(option) => format!("unknown option {}", escaped(&option)),
            Error::UnexpectedArgument(word) => {
                format!("unexpected word {}: give one command only", quoted(&word))
            }
            Error::UnexpectedValue { option, value } => {
                format!("{} takes no value, but {} was given", escaped(&option), quoted(&value))
            }
            // Of the library's conversions, none of which is used here.
            Error::ParsingFailed { .. } | Error::NonUnicodeValue(_) | Error::Custom(_) => {
                "a value cannot be read".to_owned()
            }
        })
    }
}

/// Reads the arguments behind the program's name.
pub fn parse(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Command, Mistake> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut scan = Scan {
        root: None,
        format: Format::Text,
        syslog: Vec::new(),
        intel: Vec::new(),
        allow_unsigned: false,
        dir: DIR.into(),
        baseline: None,
        selection: Selection::NONE,
        device: None,
        lan_details: false,
        timeout_s: 60,
        no_color: false,
        quiet: false,
        verbose: false,
    };
    let (mut only, mut skip) = (Selection::NONE, Selection::NONE);
    let (mut command, mut options, mut explained) = (None, None, None);
    #[cfg(feature = "monitor")]
    let mut monitor = monitor::Options::default();
    while let Some(argument) = parser.next()? {
        if let Short(_) | Long(_) = argument {
            options = options.or_else(|| Some(shown(&argument)));
        }
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Value(word) if command.is_none() && (word == "baseline" || word == "intel") => {
                let word = word.to_string_lossy();
                return match options {
                    Some(option) => wrong(format_args!("{option}: give the options of {word} behind it")),
                    None if word == "intel" => intel::parse(&mut parser),
                    None => baseline::parse(&mut parser),
                };
            }
            Value(word) if command.is_none() && (word == "scan" || word == "list" || word == "explain") => {
                command = Some(word);
            }
            #[cfg(feature = "monitor")]
            Value(word) if command.is_none() && word == "monitor" => command = Some(word),
            #[cfg(not(feature = "monitor"))]
            Value(word) if command.is_none() && word == "monitor" => {
                return wrong("monitor: this gatewatch was built without it; cron may start a scan");
            }
            Value(word) if command.is_none() => {
                return wrong(format_args!(
                    "unknown command {}: use scan, monitor, baseline, intel, list or explain",
                    quoted(&word)
                ));
            }
            Value(word) if explained.is_none() && command.as_ref().is_some_and(|it| it == "explain") => {
                explained = Some(check(&word.to_string_lossy())?);
            }
            Long("root") => scan.root = Some(parser.value()?),
            Long("format") => scan.format = format(&parser.value()?)?,
            Long("syslog") => add_destination(&mut scan.syslog, parser.optional_value())?,
            Long("intel") if scan.intel.len() < INTEL_FILES => scan.intel.push(parser.value()?),
            Long("intel") => return wrong(format_args!("--intel: at most {INTEL_FILES} files")),
            Long("allow-unsigned") => scan.allow_unsigned = true,
            Long("dir") => scan.dir = parser.value()?,
            Long("baseline") => scan.baseline = Some(parser.value()?),
            Long("only") => only = add(only, &parser.value()?)?,
            Long("skip") => skip = add(skip, &parser.value()?)?,
            Long("device") => scan.device = Some(device(&parser.value()?)?),
            Long("timeout") => scan.timeout_s = seconds(&parser.value()?)?,
            #[cfg(feature = "monitor")]
            Long("interval") => monitor.interval(&parser.value()?)?,
            #[cfg(feature = "monitor")]
            Long("state") => monitor.state(parser.value()?)?,
            #[cfg(feature = "monitor")]
            Long("no-events") => monitor.no_events(),
            Long("lan-details") => scan.lan_details = true,
            Long("no-color") => scan.no_color = true,
            Short('q') => scan.quiet = true,
            Short('v') => scan.verbose = true,
            other => return Err(other.unexpected().into()),
        }
    }
    #[cfg(feature = "monitor")]
    let is_monitor = command.as_ref().is_some_and(|word| word == "monitor");
    if let Some(word) = command.filter(|word| word != "scan" && word != "monitor") {
        let word = word.to_string_lossy();
        return match (options, explained) {
            (Some(option), _) => wrong(format_args!("{word} takes no options, but {option} was given")),
            (None, Some(check)) => Ok(Command::Explain(check)),
            (None, None) if word == "list" => Ok(Command::List),
            (None, None) => wrong("explain needs the id of a check: gatewatch list shows them"),
        };
    }
    let all = (0..checks::ALL.len()).fold(Selection::NONE, Selection::with);
    scan.selection = if only == Selection::NONE { all } else { only };
    scan.selection =
        (0..checks::ALL.len()).filter(|index| skip.has(*index)).fold(scan.selection, Selection::without);
    if scan.selection == Selection::NONE {
        return wrong("--only and --skip leave no check to run");
    }
    #[cfg(feature = "monitor")]
    if is_monitor {
        return Ok(Command::Monitor(Box::new(monitor.with(scan))));
    } else if let Some(option) = monitor.given() {
        return wrong(format_args!("{option} is an option of monitor: gatewatch monitor {option} ..."));
    }
    Ok(Command::Scan(Box::new(scan)))
}

fn wrong<T>(what: impl Display) -> Result<T, Mistake> {
    Err(Mistake(what.to_string()))
}

fn seconds(word: &OsStr) -> Result<u64, Mistake> {
    match decimal(word.as_bytes()) {
        Some(seconds @ 1..=86_400) => Ok(seconds),
        _ => wrong("--timeout: use seconds from 1 to 86400"),
    }
}

fn format(word: &OsStr) -> Result<Format, Mistake> {
    match word.to_str() {
        Some("text") => Ok(Format::Text),
        Some("json") => Ok(Format::Json),
        _ => wrong(format_args!("--format {}: use text or json", quoted(word))),
    }
}

/// What was typed, fit to be shown.
fn quoted(word: &OsStr) -> String {
    format!("\"{}\"", Escaped(word.as_bytes()))
}

fn shown(option: &lexopt::Arg<'_>) -> String {
    match option {
        Short(letter) => format!("-{letter}"),
        Long(name) => format!("--{name}"),
        Value(word) => quoted(word),
    }
}

/// Adds checks by their ids, separated by commas.
fn add(so_far: Selection, ids: &OsString) -> Result<Selection, Mistake> {
    let ids = ids.to_string_lossy();
    ids.split(',').filter(|id| !id.is_empty()).try_fold(so_far, |all, id| Ok(all.with(check(id)?)))
}

/// The place of a check in the table.
fn check(id: &str) -> Result<usize, Mistake> {
    match checks::index(id) {
        Some(index) => Ok(index),
        None => wrong(format_args!("unknown check {}: gatewatch list shows them", quoted(id.as_ref()))),
    }
}

/// Adds a destination, if it is not there yet.
fn add_destination(to: &mut Vec<Destination>, value: Option<OsString>) -> Result<(), Mistake> {
    let destination = destination::read(&value.unwrap_or_else(|| destination::DEV_LOG.into()))?;
    if to.contains(&destination) {
        return Ok(());
    }
    if to.len() >= SYSLOG_DESTINATIONS {
        return wrong(format_args!("--syslog: at most {SYSLOG_DESTINATIONS} destinations"));
    }
    to.push(destination);
    Ok(())
}

fn device(id: &OsString) -> Result<String, Mistake> {
    match id.to_str().filter(|id| (1..=DEVICE_BYTES).contains(&id.len()) && id.bytes().all(is_device_byte)) {
        Some(id) => Ok(id.to_owned()),
        None => wrong(format_args!(
            "--device {}: use 1 to {DEVICE_BYTES} letters, digits, dots, dashes, colons and underscores",
            quoted(id)
        )),
    }
}

fn is_device_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-:_".contains(&byte)
}

/// A host name as a device id: what does not fit becomes an underscore.
pub fn device_of(name: OsString) -> String {
    let bytes = name.into_vec();
    let fit = |byte: u8| if is_device_byte(byte) { char::from(byte) } else { '_' };
    let id: String = bytes.into_iter().take(DEVICE_BYTES).map(fit).collect();
    if id.is_empty() { "-".to_owned() } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from)).map_err(|error| error.to_string())
    }

    fn scan(line: &str) -> Scan {
        match parsed(line) {
            Ok(Command::Scan(scan)) => *scan,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn plain_is_scan_with_every_check() {
        assert_eq!(scan(""), scan("scan"));
        assert!((0..checks::ALL.len()).all(|index| scan("").selection.has(index)));
        let path = |path: &str| Destination::Path(path.into());
        assert_eq!(scan("--syslog -q").syslog, [path("/dev/log")]);
        assert_eq!(scan("--syslog=/x --syslog --syslog=/x").syslog, [path("/x"), path("/dev/log")]);
        assert!(scan("--lan-details").lan_details && !scan("").lan_details);
        assert_eq!(
            scan("--only exe-deleted,c2-address --skip c2-address").selection,
            scan("--only exe-deleted").selection
        );
        assert_eq!(parsed("list"), Ok(Command::List));
        let Ok(Command::Monitor(monitor)) = parsed("monitor --interval 5 -q --no-events --state /x") else {
            panic!();
        };
        assert_eq!((monitor.interval_s, monitor.no_events, monitor.state), (5, true, "/x".into()));
        assert_eq!(monitor.scan, scan("-q"));
        assert_eq!(
            parsed("explain exe-volatile"),
            Ok(Command::Explain(checks::index("exe-volatile").unwrap()))
        );
        assert_eq!(parsed("scan --help"), Ok(Command::Help));
        assert_eq!(parsed("--version"), Ok(Command::Version));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        for (line, expected) in [
            ("sacn", "unknown command \"sacn\": use scan, monitor, baseline, intel, list or explain"),
            ("--only exe-delete", "unknown check \"exe-delete\": gatewatch list shows them"),
            ("--format xml", "--format \"xml\": use text or json"),
            ("--interval 5", "--interval is an option of monitor: gatewatch monitor --interval ..."),
            ("monitor --interval 0", "--interval: use seconds from 1 to 604800"),
            ("monitor --interval soon", "--interval: use seconds from 1 to 604800"),
            ("monitor --state=", "--state: give a directory"),
            (
                "--syslog=/a --syslog=/b --syslog=/c --syslog=/d --syslog=/e",
                "--syslog: at most 4 destinations",
            ),
            ("--timeout 0", "--timeout: use seconds from 1 to 86400"),
            ("--only exe-deleted --skip exe-deleted", "--only and --skip leave no check to run"),
            ("explain", "explain needs the id of a check: gatewatch list shows them"),
            ("explain exe-delete", "unknown check \"exe-delete\": gatewatch list shows them"),
            ("explain exe-deleted -q", "explain takes no options, but -q was given"),
            ("list -q", "list takes no options, but -q was given"),
        ] {
            assert_eq!(parsed(line), Err(expected.into()), "{line}");
        }
        assert!(parsed("--device a/b").is_err());
    }

    #[test]
    fn what_no_option_is_meant_by_is_said_with_its_bytes_escaped() {
        for (line, expected) in [
            ("--frmat json", "unknown option --frmat"),
            ("-x", "unknown option -x"),
            ("--root", "--root: give a value after it"),
            ("scan scan", "unexpected word \"scan\": give one command only"),
            ("list x", "unexpected word \"x\": give one command only"),
            ("explain exe-deleted c2-address", "unexpected word \"c2-address\": give one command only"),
            ("-q=3", "-q takes no value, but \"3\" was given"),
            ("--no-color=\u{1b}[2J", "--no-color takes no value, but \"\\x1b[2J\" was given"),
            ("--\u{1b}[2J", "unknown option --\\x1b[2J"),
        ] {
            assert_eq!(parsed(line), Err(expected.into()), "{line}");
        }
    }

    #[test]
    fn any_host_name_becomes_an_id() {
        assert_eq!(device_of("router-1.lan".into()), "router-1.lan");
        assert_eq!(device_of(OsString::from_vec(b"a b\n\xff\"".to_vec())), "a_b___");
        assert_eq!(device_of("".into()), "-");
        assert_eq!(device_of("x".repeat(200).into()).len(), DEVICE_BYTES);
    }
}
