//! The options of a look at the machine: one table, through which the command line and the configuration file both go.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use gatewatch::check::Selection;
use gatewatch::checks;
use gatewatch::facts::text::decimal;
use gatewatch::limits::{DEVICE_BYTES, INTEL_FILES, SYSLOG_DESTINATIONS};
use gatewatch::report::Severity;
use gatewatch::report::allow::Allowed;

use super::allow::allow;
use super::destination::{self, DEV_LOG, Destination};
use super::{DIR, Format, Mistake, check, format, is_device_byte, quoted, seconds, severity, wrong};

/// Where a monitor's state is by default: gone with the next boot, so that no flash wears.
const STATE: &str = "/var/run/gatewatch";

/// Where a device has its baseline.
pub const DEFAULT_BASELINE: &str = "/etc/gatewatch/baseline.gwb";

/// What a scan was asked to do, or a monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The tree, instead of this machine.
    pub root: Option<OsString>,
    /// The format of the report.
    pub format: Format,
    /// The file that it is written into, instead of standard output.
    pub output: Option<OsString>,
    /// The mildest findings that are shown.
    pub least: Severity,
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
    /// Of monitor: seconds from one look at everything to the next.
    pub interval_s: u64,
    /// Of monitor: the directory of lock and state.
    pub state: OsString,
    /// Of monitor: it looks at nothing between these looks.
    pub no_events: bool,
    /// Colours are not wanted.
    pub no_color: bool,
    /// Findings only.
    pub quiet: bool,
    /// How every check fared.
    pub verbose: bool,
    /// The configuration file that is named.
    pub config: Option<OsString>,
    /// None is read, not even the one in its place.
    pub no_config: bool,
    /// What the owner allows.
    pub allow: Vec<Allowed>,
    /// Checks that the configuration file leaves out.
    pub skipped: u32,
    /// The configuration file that was taken.
    pub taken: Option<Taken>,
}

/// A configuration file, and where it was looked for: it may name another directory for everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The file.
    pub path: OsString,
    /// The directory that was `--dir` then.
    pub dir: OsString,
}

impl Scan {
    /// The same look, of which nobody is told but the sinks that are added.
    pub fn silent(&self) -> Self {
        Self {
            format: Format::Silent,
            output: None,
            syslog: Vec::new(),
            least: Severity::Notice,
            ..self.clone()
        }
    }
}

/// What stands behind an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing. In a file it is switched on or off.
    Nothing,
    /// A value.
    Value,
    /// A value behind `=`, or else this one.
    Perhaps(&'static str),
}

/// One option.
pub struct Opt {
    /// Its long name, which is its key in a configuration file too.
    pub name: &'static str,
    /// Its letter, if it has one.
    pub letter: Option<char>,
    /// What stands behind it.
    pub takes: Takes,
    /// It may be given more than once.
    pub many: bool,
    /// A configuration file may have it.
    pub is_key: bool,
    /// Takes its value.
    set: fn(&mut Draft, &OsStr) -> Result<(), Mistake>,
}

impl Opt {
    /// One that takes a value, once, on the command line or in a file.
    const fn new(name: &'static str, set: fn(&mut Draft, &OsStr) -> Result<(), Mistake>) -> Self {
        Self { name, letter: None, takes: Takes::Value, many: false, is_key: true, set }
    }

    /// One that is on or off.
    const fn flag(name: &'static str, set: fn(&mut Draft, &OsStr) -> Result<(), Mistake>) -> Self {
        Self { takes: Takes::Nothing, ..Self::new(name, set) }
    }
}

/// Every option of a scan. One that is added here is a key of the configuration file by itself; `docs/configuration.md`
/// says what each means, and a test holds that to this.
pub static OPTIONS: [Opt; 23] = [
    Opt { is_key: false, ..Opt::new("config", |to, value| set(&mut to.scan.config, Some(value.to_owned()))) },
    Opt { is_key: false, ..Opt::flag("no-config", |to, _| set(&mut to.scan.no_config, true)) },
    Opt { is_key: false, ..Opt::new("root", |to, value| set(&mut to.scan.root, Some(value.to_owned()))) },
    Opt::new("format", |to, value| set(&mut to.scan.format, format(value)?)),
    Opt { letter: Some('o'), ..Opt::new("output", output) },
    Opt::new("min-severity", |to, value| set(&mut to.scan.least, severity(value)?)),
    Opt { takes: Takes::Perhaps(DEV_LOG), many: true, ..Opt::new("syslog", syslog) },
    Opt { many: true, ..Opt::new("intel", intel) },
    Opt::flag("allow-unsigned", |to, _| set(&mut to.scan.allow_unsigned, true)),
    Opt::new("dir", |to, value| set(&mut to.scan.dir, value.to_owned())),
    Opt::new("baseline", |to, value| set(&mut to.scan.baseline, Some(value.to_owned()))),
    Opt { many: true, ..Opt::new("only", |to, value| add(&mut to.only, value)) },
    Opt { many: true, ..Opt::new("skip", |to, value| add(&mut to.skip, value)) },
    Opt { many: true, ..Opt::new("allow", allow) },
    Opt::new("device", |to, value| set(&mut to.scan.device, Some(device(value)?))),
    Opt::new("timeout", |to, value| set(&mut to.scan.timeout_s, seconds(value)?)),
    Opt::new("interval", |to, value| set(&mut to.scan.interval_s, interval(value)?)),
    Opt::new("state", |to, value| set(&mut to.scan.state, value.to_owned())),
    Opt::flag("no-events", |to, _| set(&mut to.scan.no_events, true)),
    Opt::flag("lan-details", |to, _| set(&mut to.scan.lan_details, true)),
    Opt::flag("no-color", |to, _| set(&mut to.scan.no_color, true)),
    Opt { letter: Some('q'), ..Opt::flag("quiet", |to, _| set(&mut to.scan.quiet, true)) },
    Opt { letter: Some('v'), ..Opt::flag("verbose", |to, _| set(&mut to.scan.verbose, true)) },
];

/// What has been asked for so far: what the command line says, and then what a configuration file says of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub(super) scan: Scan,
    only: Selection,
    skip: Selection,
    /// The options that the command line has, by their place in the table.
    given: [bool; OPTIONS.len()],
    /// The checks that were asked for before a configuration file had its say.
    pub(super) before: Option<Selection>,
}

impl Draft {
    /// A look at this machine with every check.
    pub fn new() -> Self {
        let scan = Scan {
            root: None,
            format: Format::Text,
            output: None,
            least: Severity::Notice,
            syslog: Vec::new(),
            intel: Vec::new(),
            allow_unsigned: false,
            dir: DIR.into(),
            baseline: None,
            selection: Selection::NONE,
            device: None,
            lan_details: false,
            timeout_s: 60,
            interval_s: 3600,
            state: STATE.into(),
            no_events: false,
            no_color: false,
            quiet: false,
            verbose: false,
            config: None,
            no_config: false,
            allow: Vec::new(),
            skipped: 0,
            taken: None,
        };
        Self {
            scan,
            only: Selection::NONE,
            skip: Selection::NONE,
            given: [false; OPTIONS.len()],
            before: None,
        }
    }

    /// Takes an option of the command line, by its place in the table.
    pub fn take(&mut self, place: usize, parser: &mut lexopt::Parser) -> Result<(), Mistake> {
        let Some((option, given)) = OPTIONS.get(place).zip(self.given.get_mut(place)) else { return Ok(()) };
        *given = true;
        let value = match option.takes {
            Takes::Nothing => OsString::new(),
            Takes::Value => valued(option, parser.value()?)?,
            Takes::Perhaps(default) => parser.optional_value().unwrap_or_else(|| default.into()),
        };
        (option.set)(self, &value)
    }

    /// What has been asked for.
    pub const fn scan(&self) -> &Scan {
        &self.scan
    }

    /// An option of monitor that the command line has.
    pub fn of_monitor(&self) -> Option<&'static str> {
        let given =
            OPTIONS.iter().zip(&self.given).filter(|(_, given)| **given).map(|(option, _)| option.name);
        given.into_iter().find(|name| matches!(*name, "interval" | "state" | "no-events"))
    }

    /// Whether the command line has an option, by its name.
    pub fn is_given(&self, name: &str) -> bool {
        OPTIONS.iter().zip(&self.given).any(|(option, given)| *given && option.name == name)
    }

    /// From here on this configuration file speaks.
    pub fn begin_file(&mut self, path: &OsStr) {
        self.before = Some(self.selection());
        self.scan.taken = Some(Taken { path: path.to_owned(), dir: self.scan.dir.clone() });
    }

    /// Takes a setting of a configuration file, by the place of its option in the table. What the command line says of the
    /// same stands, but nothing wrong is passed over.
    pub fn configure(&mut self, place: usize, value: &OsStr) -> Result<(), Mistake> {
        let Some((option, given)) = OPTIONS.get(place).zip(self.given.get(place)) else { return Ok(()) };
        if option.takes == Takes::Nothing && !switched(value)? {
            return Ok(());
        }
        if option.takes == Takes::Value && value.is_empty() {
            return wrong(format_args!("{}: give a value, or leave the line out", option.name));
        }
        if *given { (option.set)(&mut Self::new(), value) } else { (option.set)(self, value) }
    }

    /// What is to be done, all in all.
    pub fn finish(mut self) -> Result<Box<Scan>, Mistake> {
        self.scan.selection = self.selection();
        let count = |all: &Selection| (0..checks::ALL.len()).filter(|index| all.has(*index)).count();
        if let Some(before) = &self.before {
            let fewer = count(before).saturating_sub(count(&self.scan.selection));
            self.scan.skipped = u32::try_from(fewer).unwrap_or(u32::MAX);
        }
        if self.scan.selection == Selection::NONE {
            return wrong("--only and --skip leave no check to run");
        }
        Ok(Box::new(self.scan))
    }

    /// The checks that are asked for.
    fn selection(&self) -> Selection {
        let every = || 0..checks::ALL.len();
        let all = every().fold(Selection::NONE, Selection::with);
        let only = if self.only == Selection::NONE { all } else { self.only };
        every().filter(|index| self.skip.has(*index)).fold(only, Selection::without)
    }
}

/// A value that is one.
fn valued(option: &Opt, value: OsString) -> Result<OsString, Mistake> {
    if value.is_empty() {
        return wrong(format_args!("--{}: give a value after it", option.name));
    }
    Ok(value)
}

/// The place of an option in the table, if it is one.
pub fn find(argument: &lexopt::Arg<'_>) -> Option<usize> {
    OPTIONS.iter().position(|option| match argument {
        lexopt::Arg::Short(letter) => option.letter == Some(*letter),
        lexopt::Arg::Long(name) => option.name == *name,
        lexopt::Arg::Value(_) => false,
    })
}

/// The place of an option that a configuration file may have, by its key: its name, with `_` or `-`.
pub fn key(name: &[u8]) -> Option<usize> {
    let same = |option: &Opt| {
        let dashed = name.iter().map(|byte| if *byte == b'_' { b'-' } else { *byte });
        option.is_key && option.name.bytes().eq(dashed)
    };
    OPTIONS.iter().position(same)
}

/// OpenWrt's words for on and off (`config_get_bool`, /lib/functions.sh).
fn switched(value: &OsStr) -> Result<bool, Mistake> {
    match value.as_bytes() {
        b"1" | b"yes" | b"on" | b"true" | b"enabled" => Ok(true),
        b"0" | b"no" | b"off" | b"false" | b"disabled" => Ok(false),
        _ => wrong(format_args!("{}: use 1 or 0, yes or no, on or off", quoted(value))),
    }
}

fn set<T>(place: &mut T, value: T) -> Result<(), Mistake> {
    *place = value;
    Ok(())
}

fn interval(word: &OsStr) -> Result<u64, Mistake> {
    match decimal(word.as_bytes()) {
        Some(seconds @ 1..=604_800) => Ok(seconds),
        _ => wrong("--interval: use seconds from 1 to 604800"),
    }
}

fn intel(to: &mut Draft, file: &OsStr) -> Result<(), Mistake> {
    if to.scan.intel.len() >= INTEL_FILES {
        return wrong(format_args!("--intel: at most {INTEL_FILES} files"));
    }
    to.scan.intel.push(file.to_owned());
    Ok(())
}

/// Adds checks by their ids, separated by commas.
fn add(to: &mut Selection, ids: &OsStr) -> Result<(), Mistake> {
    let ids = ids.to_string_lossy();
    for id in ids.split(',').filter(|id| !id.is_empty()) {
        *to = to.with(check(id)?);
    }
    Ok(())
}

fn output(to: &mut Draft, file: &OsStr) -> Result<(), Mistake> {
    set(&mut to.scan.output, Some(file.to_owned()).filter(|path| path != "-"))
}

/// Adds a destination, if it is not there yet.
fn syslog(to: &mut Draft, value: &OsStr) -> Result<(), Mistake> {
    let destination = destination::read(value)?;
    if to.scan.syslog.contains(&destination) {
        return Ok(());
    }
    if to.scan.syslog.len() >= SYSLOG_DESTINATIONS {
        return wrong(format_args!("--syslog: at most {SYSLOG_DESTINATIONS} destinations"));
    }
    to.scan.syslog.push(destination);
    Ok(())
}

fn device(id: &OsStr) -> Result<String, Mistake> {
    match id.to_str().filter(|id| (1..=DEVICE_BYTES).contains(&id.len()) && id.bytes().all(is_device_byte)) {
        Some(id) => Ok(id.to_owned()),
        None => wrong(format_args!(
            "--device {}: use 1 to {DEVICE_BYTES} letters, digits, dots, dashes, colons and underscores",
            quoted(id)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> String {
        std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
    }

    #[test]
    fn help_docs_and_examples_have_every_option() {
        let docs = read("docs/configuration.md");
        let keys = |text: &str, before: &str, after: &str| -> Vec<String> {
            let mut keys: Vec<String> = text
                .lines()
                .filter_map(|line| line.trim().trim_start_matches('#').strip_prefix(before))
                .filter_map(|rest| rest.split_once(after).map(|(key, _)| key.to_owned()))
                .collect();
            keys.sort();
            keys
        };
        let table = |with_allow: bool| -> Vec<String> {
            let all = OPTIONS.iter().filter(|option| option.is_key && (with_allow || option.name != "allow"));
            let mut names: Vec<_> = all.map(|option| option.name.replace('-', "_")).collect();
            names.sort();
            names
        };
        assert_eq!(keys(&docs, "| `", "` |"), table(true));
        let mut conf = keys(&read("packaging/gatewatch.conf"), "", " = ");
        conf.retain(|key| !key.contains(' '));
        assert_eq!(conf, table(true));
        let uci = read("packaging/gatewatch.config");
        let main = uci.split("#config allow").next().unwrap();
        let mut options = [keys(main, "option ", " '"), keys(main, "list ", " '")].concat();
        options.sort();
        assert_eq!(options, table(false));
        for option in &OPTIONS {
            assert!(super::super::HELP.contains(&format!("--{}", option.name)), "{}", option.name);
        }
    }

    #[test]
    fn the_command_line_stands_before_the_file() {
        let mut parser = lexopt::Parser::from_args(["--timeout=5", "--skip=exe-deleted", "--intel=/a"]);
        let mut draft = Draft::new();
        while let Some(argument) = parser.next().unwrap() {
            let place = find(&argument).unwrap();
            draft.take(place, &mut parser).unwrap();
        }
        draft.begin_file("/x".as_ref());
        for (key_, value) in [
            ("timeout", "7"),
            ("skip", "c2-address"),
            ("intel", "/b"),
            ("device", "r1"),
            ("only", "exe-deleted,exe-volatile"),
        ] {
            draft.configure(key(key_.as_bytes()).unwrap(), value.as_ref()).unwrap();
        }
        let wrong = draft.configure(key(b"timeout").unwrap(), "0".as_ref());
        assert!(wrong.is_err(), "what is overruled must be right too");
        let scan = draft.finish().unwrap();
        assert_eq!((scan.timeout_s, scan.intel, scan.device), (5, vec!["/a".into()], Some("r1".to_owned())));
        let volatile = checks::index("exe-volatile").unwrap();
        assert_eq!(scan.selection, Selection::NONE.with(volatile));
        assert_eq!(usize::try_from(scan.skipped).unwrap(), checks::ALL.len() - 2);
    }

    #[test]
    fn keys_are_names_with_either_dash_and_some_are_none() {
        assert!(key(b"lan_details").is_some() && key(b"lan_details") == key(b"lan-details"));
        for name in [&b"root"[..], b"config", b"no_config", b"lan details", b"", b"q"] {
            assert_eq!(key(name), None);
        }
        let mut draft = Draft::new();
        let place = key(b"quiet").unwrap();
        for (word, expected) in [("1", true), ("0", false), ("enabled", true), ("off", false)] {
            let mut draft = draft.clone();
            draft.configure(place, word.as_ref()).unwrap();
            assert_eq!(draft.scan.quiet, expected, "{word}");
        }
        assert!(draft.configure(place, "maybe".as_ref()).is_err());
    }
}
