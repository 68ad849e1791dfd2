//! The options of a look at the machine: one table, through which the command line and the configuration file both go.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use gatewatch::check::Selection;
use gatewatch::checks;
use gatewatch::limits::{DEVICE_BYTES, INTEL_FILES};

use super::{DIR, Format, Mistake, check, format, is_device_byte, quoted, seconds, wrong};

/// The log socket of a device.
const DEV_LOG: &str = "/dev/log";

/// What a scan was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The tree, instead of this machine.
    pub root: Option<OsString>,
    /// The format on standard output.
    pub format: Format,
    /// The log socket to report to.
    pub syslog: Option<OsString>,
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
pub static OPTIONS: [Opt; 15] = [
    Opt { is_key: false, ..Opt::new("root", |to, value| set(&mut to.scan.root, Some(value.to_owned()))) },
    Opt::new("format", |to, value| set(&mut to.scan.format, format(value)?)),
    Opt {
        takes: Takes::Perhaps(DEV_LOG),
        ..Opt::new("syslog", |to, value| set(&mut to.scan.syslog, Some(socket(value)?)))
    },
    Opt { many: true, ..Opt::new("intel", intel) },
    Opt::flag("allow-unsigned", |to, _| set(&mut to.scan.allow_unsigned, true)),
    Opt::new("dir", |to, value| set(&mut to.scan.dir, value.to_owned())),
    Opt::new("baseline", |to, value| set(&mut to.scan.baseline, Some(value.to_owned()))),
    Opt { many: true, ..Opt::new("only", |to, value| add(&mut to.only, value)) },
    Opt { many: true, ..Opt::new("skip", |to, value| add(&mut to.skip, value)) },
    Opt::new("device", |to, value| set(&mut to.scan.device, Some(device(value)?))),
    Opt::new("timeout", |to, value| set(&mut to.scan.timeout_s, seconds(value)?)),
    Opt::flag("lan-details", |to, _| set(&mut to.scan.lan_details, true)),
    Opt::flag("no-color", |to, _| set(&mut to.scan.no_color, true)),
    Opt { letter: Some('q'), ..Opt::flag("quiet", |to, _| set(&mut to.scan.quiet, true)) },
    Opt { letter: Some('v'), ..Opt::flag("verbose", |to, _| set(&mut to.scan.verbose, true)) },
];

/// What has been asked for so far: what the command line says, and then what a configuration file says of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    scan: Scan,
    only: Selection,
    skip: Selection,
    /// The options that the command line has, by their place in the table.
    given: [bool; OPTIONS.len()],
}

impl Draft {
    /// A look at this machine with every check.
    pub fn new() -> Self {
        let scan = Scan {
            root: None,
            format: Format::Text,
            syslog: None,
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
        Self { scan, only: Selection::NONE, skip: Selection::NONE, given: [false; OPTIONS.len()] }
    }

    /// Takes an option of the command line, by its place in the table.
    pub fn take(&mut self, place: usize, parser: &mut lexopt::Parser) -> Result<(), Mistake> {
        let Some((option, given)) = OPTIONS.get(place).zip(self.given.get_mut(place)) else { return Ok(()) };
        *given = true;
        let value = match option.takes {
            Takes::Nothing => OsString::new(),
            Takes::Value => parser.value()?,
            Takes::Perhaps(default) => parser.optional_value().unwrap_or_else(|| default.into()),
        };
        (option.set)(self, &value)
    }

    /// What is to be done, all in all.
    pub fn finish(mut self) -> Result<Box<Scan>, Mistake> {
        self.scan.selection = self.selection();
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

/// The place of an option in the table, if it is one.
pub fn find(argument: &lexopt::Arg<'_>) -> Option<usize> {
    OPTIONS.iter().position(|option| match argument {
        lexopt::Arg::Short(letter) => option.letter == Some(*letter),
        lexopt::Arg::Long(name) => option.name == *name,
        lexopt::Arg::Value(_) => false,
    })
}

fn set<T>(place: &mut T, value: T) -> Result<(), Mistake> {
    *place = value;
    Ok(())
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

fn socket(path: &OsStr) -> Result<OsString, Mistake> {
    if path.as_bytes().starts_with(b"/") {
        return Ok(path.to_owned());
    }
    wrong(format_args!("--syslog={}: use the path of a socket, beginning with a slash", quoted(path)))
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
