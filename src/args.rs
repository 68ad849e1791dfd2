//! The command line: what was asked for, or what is wrong with it.

mod allow;
#[cfg(feature = "baseline")]
mod baseline;
mod destination;
mod intel;
mod scan;

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use gatewatch::checks;
use gatewatch::facts::text::decimal;
use gatewatch::limits::DEVICE_BYTES;
use gatewatch::report::Severity;
use gatewatch::report::escape::Escaped;
use lexopt::prelude::*;

#[cfg(feature = "baseline")]
pub use baseline::{Action, Baseline};
pub use destination::Destination;
pub use intel::{Action as IntelAction, Intel};

pub use scan::{DEFAULT_BASELINE, Draft, OPTIONS, Scan, key};

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
       gatewatch doctor [options]     tell what works and is seen here, and what to do about the rest
       gatewatch selftest [options]   send a test finding, plant two harmless symptoms and find them
       gatewatch list                 show the checks
       gatewatch explain ID           show what a check sees and misses, and what to do
       gatewatch --version | --help

options of scan, doctor and selftest. All but --root, --config and --no-config are keys of
the configuration file too:
  --config FILE       read this one (default /etc/config/gatewatch, or gatewatch.conf in DIR;
                      with --root none)
  --no-config         read none
  --root DIR          look at an unpacked image or a recording, never leaving it
  --format FORMAT     text (default); json: one object a line; nagios: a monitoring plugin's status,
                      performance data and text; prom: metrics for Prometheus; cef: ArcSight's events
  -o FILE, --output FILE
                      write the report into this file, whole or not at all
  --min-severity S    leave out findings below notice (default), suspicious or infected;
                      counts and the exit status tell of them all the same
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
  --allow 'CHECK SUBJECT YYYY-MM-DD|never REASON'
                      this finding is no matter until then; may be given up to 64 times
  --device ID         name of the device in reports (default: its host name)
  --timeout SECONDS   report what is known after that time (default 60)
  --lan-details       show addresses and names of LAN clients, not a word for each
  --no-color          no colours; the variable NO_COLOR does the same
  -q, --quiet         show findings only
  -v, --verbose       show how every check fared

options of monitor, and all those of scan:
  --interval SECONDS  look at everything that often (default 3600); in between, at new
                      processes, startup files that change and the network
  --no-events         only that
  --state DIR         lock and state are here (default /var/run/gatewatch)
It ends with SIGTERM, and begins anew with SIGHUP.

options of intel, besides --dir, --config and --no-config as above:
  --allow-unsigned    of info and verify: as above
  -o FILE             of update: the file to replace (default intel.d/indicators.gwi in DIR)
  --timeout SECONDS   of update: give up after that time (default 120)

options of baseline, besides --config and --no-config as above:
  --root DIR          a tree instead of this machine
  -o FILE             where the baseline is, or is to be written
                      (default /etc/gatewatch/baseline.gwb; with --root it must be given)
  --format FORMAT     of verify: text (default) or json
  --lan-details       of verify: as above
  --dir DIR           of verify: the keys of a signed baseline are here (default /etc/gatewatch)
The date in a baseline is that of SOURCE_DATE_EPOCH, where it is set: the same tree gives the same file.

exit status: 0 clean, 1 suspicious, 2 infected, 3 incomplete or an error;
of baseline create: 0 all is in it, 3 not all or an error; of baseline verify: 0 same, 1 differs, 3 cannot tell;
of doctor: 0 all is well, 1 something is limited, 3 something is broken; of selftest: 0 passed, 3 not;
of intel: 0 good or up to date, 1 refused, 3 cannot tell or be done (update then keeps what was there)
";

/// The commands that take the options of a scan, or none.
const COMMANDS: [&str; 6] = ["scan", "monitor", "doctor", "selftest", "list", "explain"];

/// Where a device has what is its own.
const DIR: &str = "/etc/gatewatch";

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
    /// A monitoring plugin's.
    Nagios,
    /// Metrics for Prometheus.
    Prom,
    /// ArcSight's events.
    Cef,
    /// Nothing there: of commands that say it in their own way.
    Silent,
}

impl Format {
    /// Whether it has a line for each thing that is said, and not one picture of a whole run.
    pub const fn is_of_lines(self) -> bool {
        matches!(self, Format::Text | Format::Json)
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// To look.
    Scan(Box<Scan>),
    /// To stay and look again.
    #[cfg(feature = "monitor")]
    Monitor(Box<Scan>),
    /// To make a baseline, or to compare with one.
    #[cfg(feature = "baseline")]
    Baseline(Baseline),
    /// To look at an indicator file, or to get a newer one.
    Intel(Box<Intel>),
    /// To tell what works here and what does not, and what is wrong with the configuration.
    Doctor(Box<Scan>, Option<Mistake>),
    /// To send a test finding, and to find what was planted for it.
    Selftest(Box<Scan>),
    /// To be what is planted.
    Planted,
    /// To show the checks.
    List,
    /// To show what one check is about, by its place in the table.
    Explain(usize),
    /// To show the usage.
    Help,
    /// To show the version.
    Version,
}

/// What is wrong with the command line or the configuration, in words for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    what: String,
    /// Who tells more.
    pub help: &'static str,
}

impl Mistake {
    /// One on the command line.
    pub const fn new(what: String) -> Self {
        Self { what, help: "gatewatch --help shows the usage" }
    }

    /// One at a place of a file. It names a key there, not an option.
    pub fn at(&self, place: impl Display) -> Self {
        let what = format!("{place}: {}", self.what.strip_prefix("--").unwrap_or(&self.what));
        Self { what, help: "gatewatch doctor checks the configuration" }
    }
}

impl Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

/// lexopt's own words would show hostile bytes through `Debug`, which costs 5 KiB.
impl From<lexopt::Error> for Mistake {
    fn from(error: lexopt::Error) -> Self {
        use lexopt::Error;
        let escaped = |option: &str| Escaped(option.as_bytes()).to_string();
        Self::new(match error {
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

/// Adds to what the command line asks for what a configuration file does.
pub type Configure<'c> = &'c dyn Fn(&mut Draft) -> Result<(), Mistake>;

/// Reads the arguments behind the program's name, and by `configure` the configuration file.
pub fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
    configure: Configure<'_>,
) -> Result<Command, Mistake> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut draft = Draft::new();
    let (mut command, mut options, mut explained, mut planted) = (None, None, None, false);
    while let Some(argument) = parser.next()? {
        if let Short(_) | Long(_) = argument {
            options = options.or_else(|| Some(shown(&argument)));
        }
        let option = scan::find(&argument);
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Value(word) if command.is_none() && (word == "baseline" || word == "intel") => {
                let word = word.to_string_lossy();
                return match options {
                    Some(option) => wrong(format_args!("{option}: give the options of {word} behind it")),
                    None if word == "intel" => intel::parse(&mut parser, configure),
                    #[cfg(feature = "baseline")]
                    None => baseline::parse(&mut parser, configure),
                    #[cfg(not(feature = "baseline"))]
                    None => wrong(
                        "baseline: this gatewatch was built without it; a full one can make it with --root",
                    ),
                };
            }
            Value(word) if command.is_none() && COMMANDS.iter().any(|known| word == *known) => {
                command = Some(word);
            }
            Value(word) if command.is_none() => {
                return wrong(format_args!(
                    "unknown command {}: use {}, baseline or intel",
                    quoted(&word),
                    COMMANDS.join(", ")
                ));
            }
            Value(word) if explained.is_none() && command.as_ref().is_some_and(|it| it == "explain") => {
                explained = Some(check(&word.to_string_lossy())?);
            }
            Value(word) if word == "planted" && command.as_ref().is_some_and(|it| it == "selftest") => {
                planted = true;
            }
            other => match option {
                Some(option) => draft.take(option, &mut parser)?,
                None => return Err(other.unexpected().into()),
            },
        }
    }
    let word = command.as_ref().map(|word| word.to_string_lossy()).unwrap_or_default();
    match (&*word, options, explained) {
        ("list" | "explain", Some(option), _) => {
            wrong(format_args!("{word} takes no options, but {option} was given"))
        }
        ("list", ..) => Ok(Command::List),
        ("explain", None, Some(check)) => Ok(Command::Explain(check)),
        ("explain", ..) => wrong("explain needs the id of a check: gatewatch list shows them"),
        ("doctor" | "selftest", ..) if draft.scan().root.is_some() => {
            wrong(format_args!("{word} is about this machine: leave --root out"))
        }
        ("doctor" | "selftest", ..) if !draft.scan().format.is_of_lines() => {
            wrong(format_args!("--format: {word} writes text or json, and no report"))
        }
        ("selftest", ..) if draft.is_given("output") => {
            wrong("selftest writes to standard output, so that no report is replaced: leave --output out")
        }
        ("doctor", ..) => {
            let mut configured = draft.clone();
            // What is wrong with the file is what the doctor is there for.
            match configure(&mut configured).and_then(|()| configured.finish()) {
                Ok(scan) => Ok(Command::Doctor(scan, None)),
                Err(mistake) => Ok(Command::Doctor(draft.finish()?, Some(mistake))),
            }
        }
        ("selftest", ..) if planted => Ok(Command::Planted),
        ("monitor", ..) if cfg!(not(feature = "monitor")) => {
            wrong("monitor: this gatewatch was built without it; cron may start a scan")
        }
        ("scan" | "", ..) if draft.of_monitor().is_some() => {
            let option = draft.of_monitor().unwrap_or_default();
            wrong(format_args!("--{option} is an option of monitor: gatewatch monitor --{option} ..."))
        }
        _ => {
            configure(&mut draft)?;
            let scan = draft.finish()?;
            Ok(match &*word {
                "selftest" => Command::Selftest(scan),
                #[cfg(feature = "monitor")]
                "monitor" => Command::Monitor(scan),
                _ => Command::Scan(scan),
            })
        }
    }
}

pub fn wrong<T>(what: impl Display) -> Result<T, Mistake> {
    Err(Mistake::new(what.to_string()))
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
        Some("nagios") => Ok(Format::Nagios),
        Some("prom") => Ok(Format::Prom),
        Some("cef") => Ok(Format::Cef),
        _ => wrong(format_args!("--format {}: use text, json, nagios, prom or cef", quoted(word))),
    }
}

fn severity(word: &OsStr) -> Result<Severity, Mistake> {
    match Severity::ALL.into_iter().find(|severity| word == severity.word()) {
        Some(severity) => Ok(severity),
        None => wrong(format_args!("--min-severity {}: use notice, suspicious or infected", quoted(word))),
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

/// The place of a check in the table.
fn check(id: &str) -> Result<usize, Mistake> {
    match checks::index(id) {
        Some(index) => Ok(index),
        None => wrong(format_args!("unknown check {}: gatewatch list shows them", quoted(id.as_ref()))),
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
        parse(line.split_whitespace().map(OsString::from), &|_| Ok(())).map_err(|error| error.to_string())
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
        assert_eq!(scan("--format prom -o /x/y.prom").output, Some("/x/y.prom".into()));
        assert_eq!(scan("--output -"), scan(""));
        assert_eq!(scan("--min-severity suspicious").least, Severity::Suspicious);
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
        let of_monitor = Scan { interval_s: 5, no_events: true, state: "/x".into(), ..scan("-q") };
        assert_eq!(*monitor, of_monitor);
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
            (
                "sacn",
                "unknown command \"sacn\": use scan, monitor, doctor, selftest, list, explain, baseline or intel",
            ),
            ("--only exe-delete", "unknown check \"exe-delete\": gatewatch list shows them"),
            ("--format xml", "--format \"xml\": use text, json, nagios, prom or cef"),
            ("--min-severity high", "--min-severity \"high\": use notice, suspicious or infected"),
            ("-o", "-o: give a value after it"),
            (
                "--syslog=/a --syslog=/b --syslog=/c --syslog=/d --syslog=/e",
                "--syslog: at most 4 destinations",
            ),
            ("--timeout 0", "--timeout: use seconds from 1 to 86400"),
            ("--only exe-deleted --skip exe-deleted", "--only and --skip leave no check to run"),
            ("explain", "explain needs the id of a check: gatewatch list shows them"),
            ("explain exe-delete", "unknown check \"exe-delete\": gatewatch list shows them"),
            ("explain exe-deleted -q", "explain takes no options, but -q was given"),
            ("doctor --root /x", "doctor is about this machine: leave --root out"),
            ("selftest --root /x", "selftest is about this machine: leave --root out"),
            ("doctor --format prom", "--format: doctor writes text or json, and no report"),
            ("selftest --format nagios", "--format: selftest writes text or json, and no report"),
            (
                "selftest -o /x",
                "selftest writes to standard output, so that no report is replaced: leave --output out",
            ),
            ("--dir=", "--dir: give a value after it"),
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
