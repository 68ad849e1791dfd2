//! The recordings, how to run a program over one, and what of its report must stay the same.

#![allow(dead_code, reason = "each test file that includes this uses a part of it")]

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, fs};

/// A format, by the extension of its golden files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Syslog,
    Nagios,
    Prom,
    Cef,
}

const FORMATS: [Format; 6] =
    [Format::Text, Format::Json, Format::Syslog, Format::Nagios, Format::Prom, Format::Cef];

/// An infected recording and a healthy one have golden files of every format, the others of the first three: what else can
/// go wrong is in tests/formats.rs, over all of them.
const EVERY_FORMAT: [&str; 2] = ["tplink-archerc7-openwrt-mips", "tplink-wr841n-openwrt-mips-bot"];

/// The formats in which a recording has golden files.
pub(crate) fn formats(name: &str) -> &'static [Format] {
    if EVERY_FORMAT.contains(&name) { &FORMATS } else { &FORMATS[..3] }
}

impl Format {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Format::Text => "txt",
            Format::Json => "jsonl",
            Format::Syslog => "log",
            Format::Nagios => "nagios",
            Format::Prom => "prom",
            Format::Cef => "cef",
        }
    }
}

pub(crate) fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

/// The indicator file of the recordings; its list, indicators.txt, is no golden file.
fn indicators() -> PathBuf {
    place().join("indicators.gwi")
}

/// The names of all recordings, and of everything that has a golden file.
pub(crate) fn names() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut recordings, mut goldens) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(place()).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().unwrap_or_default().to_owned();
        if path.is_dir() {
            recordings.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
        } else if let Some(format) = FORMATS.iter().find(|format| extension == format.extension())
            && path.file_stem() != indicators().file_stem()
        {
            let name = path.file_stem().unwrap().to_str().unwrap();
            assert!(formats(name).contains(format), "nothing is compared with {}", path.display());
            goldens.insert(name.to_owned());
        }
    }
    (recordings, goldens)
}

/// The value of a line `key = "value"` in a recording's about.toml.
pub(crate) fn about(name: &str, key: &str) -> String {
    let file = place().join(name).join("about.toml");
    let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    value.unwrap_or_else(|| panic!("{} has no line `{key} = …`", file.display())).trim_matches('"').to_owned()
}

pub(crate) fn golden(name: &str, format: Format) -> PathBuf {
    place().join(format!("{name}.{}", format.extension()))
}

/// Compares a report with its golden file. Returns what differs first.
pub(crate) fn difference(name: &str, format: Format, report: &str) -> Option<String> {
    let path = golden(name, format);
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let lines = || expected.lines().map(Some).chain([None]).zip(report.lines().map(Some).chain([None]));
    let (number, (old, new)) = (1..).zip(lines()).find(|(_, (old, new))| old != new)?;
    Some(format!(
        "{}:{number}:\n  expected: {}\n  but it is: {}\n",
        path.display(),
        old.unwrap_or("the end"),
        new.unwrap_or("the end")
    ))
}

/// Runs `program` over a recording and returns its report, without what must vary.
pub(crate) fn report(mut program: Command, name: &str, format: Format) -> String {
    program.arg("scan").arg("--root").arg(place().join(name));
    program.arg("--intel").arg(indicators()).arg("--allow-unsigned");
    program.env_remove("NO_COLOR").stdin(Stdio::null());
    let (output, lines) = match format {
        Format::Text => told(program.arg("--no-color").output().unwrap()),
        Format::Json => told(program.args(["--format", "json", "-v"]).output().unwrap()),
        Format::Syslog => logged(program),
        Format::Nagios | Format::Prom | Format::Cef => {
            told(program.args(["--format", format.extension()]).output().unwrap())
        }
    };
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert_eq!(complaints, "", "{name}: on standard error");
    let lines = normal(format, lines);
    assert!(!lines.is_empty(), "{name}: {output:?} and no report");
    let verdict = if format == Format::Nagios { &lines[0] } else { &lines.concat() };
    let says = |word: &&str| {
        let said = match format {
            Format::Text => format!("\n{word}: "),
            Format::Json => format!("\"verdict\":\"{word}\""),
            Format::Syslog => format!(" verdict={word} "),
            Format::Nagios => format!(" - {word}: "),
            Format::Prom => format!("gatewatch_verdict{{verdict=\"{word}\"}} 1\n"),
            Format::Cef => format!(" cs1={word} cs1Label=verdict "),
        };
        format!("\n{verdict}").contains(&said)
    };
    let status = ["clean", "suspicious", "infected", "incomplete"].iter().position(says);
    assert_eq!(output.status.code(), status.map(|status| status as i32), "{name}: {verdict}");
    lines.concat()
}

fn told(output: Output) -> (Output, Vec<String>) {
    let text = String::from_utf8(output.stdout.clone()).expect("a report is UTF-8");
    assert!(text.ends_with('\n'), "a report ends with a newline: {text:?}");
    (output, text.lines().map(|line| format!("{line}\n")).collect())
}

/// Runs a program with a log socket of its own and returns the datagrams, a line each.
pub(crate) fn logged(mut program: Command) -> (Output, Vec<String>) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = env::temp_dir().join(format!("gatewatch-log-{}-{number}", std::process::id()));
    fs::create_dir(&dir).unwrap();
    let socket = UnixDatagram::bind(dir.join("log")).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut option = std::ffi::OsString::from("--syslog=");
    option.push(dir.join("log"));
    program.arg("-q").arg(option).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    // A socket holds few datagrams, so they are read while the program runs.
    let (mut lines, mut buffer, mut ended) = (Vec::new(), [0; 2048], false);
    loop {
        match socket.recv(&mut buffer) {
            Ok(length) => {
                let message = str::from_utf8(&buffer[..length]).expect("a log line is ASCII");
                assert!(message.is_ascii() && !message.contains(char::is_control), "{message:?}");
                lines.push(format!("{message}\n"));
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock && ended => break,
            Err(e) if e.kind() == ErrorKind::WouldBlock => ended = child.try_wait().unwrap().is_some(),
            Err(e) => panic!("{e}"),
        }
    }
    fs::remove_dir_all(&dir).unwrap();
    (child.wait_with_output().unwrap(), lines)
}

/// Takes out times, numbers of processes and versions, and sorts findings that stand side by side: directories
/// have no order.
fn normal(format: Format, mut lines: Vec<String>) -> Vec<String> {
    match format {
        Format::Text => {
            // A finding and its reason are two lines.
            let mut blocks: Vec<String> = Vec::new();
            for line in lines {
                match blocks.last_mut().filter(|_| line.starts_with("    ")) {
                    Some(block) => block.push_str(&line),
                    None => blocks.push(line),
                }
            }
            sort_runs(&mut blocks, |block| {
                ["notice ", "suspicious ", "infected "].iter().any(|word| block.starts_with(word))
            });
            let last = blocks.last_mut().expect("a report has a last line");
            blank(last, " version 1, ", " days old");
            blank(last, "; ", " ms\n");
            blocks
        }
        Format::Json => {
            sort_runs(&mut lines, |line| line.contains("\"type\":\"finding\""));
            let last = lines.last_mut().expect("a report has a last line");
            for key in ["\"elapsed_us\":", "\"age_days\":"] {
                blank(last, key, "");
            }
            *last = last
                .replace(concat!("\"version\":\"", env!("CARGO_PKG_VERSION"), "\""), "\"version\":\"0.0.0\"");
            lines
        }
        Format::Syslog => {
            let of = lines.len();
            for (number, line) in (1..).zip(&mut lines) {
                let (priority, rest) = line.split_once('>').expect("a log line has a priority");
                assert_eq!(rest.find("gatewatch["), Some("Nov 22 10:00:00 ".len()), "{line}");
                *line = format!("{priority}>{}", &rest["Nov 22 10:00:00 ".len()..]);
                blank(line, "gatewatch[", "]");
                let run = line.find(" run=").expect("a log line names its run") + " run=".len();
                line.replace_range(run..run + 8, "00000000");
                // The numbers are right; which finding has which depends on the order of directories.
                let place = format!(" n={number}/{of} ");
                assert!(line.contains(&place), "{line} is number {number} of {of}");
                *line = line.replacen(&place, &format!(" n=#/{of} "), 1);
                if number == of {
                    blank(line, " us=", "");
                    blank(line, " age=", "");
                }
            }
            sort_runs(&mut lines, |line| line.contains(" check="));
            lines
        }
        Format::Nagios => {
            let (head, findings) = lines.split_first_mut().expect("a report has a first line");
            blank(head, " intel_age=", "s;;;0");
            blank(head, " elapsed=", "us;;;0");
            // Each severity has its place among them.
            let severity = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
            findings.chunk_by_mut(|one, other| severity(one) == severity(other)).for_each(<[String]>::sort);
            lines
        }
        Format::Prom => {
            for line in &mut lines {
                let of_now = ["scan_duration_seconds", "last_run_timestamp_seconds", "intel_age_seconds"];
                for name in of_now.map(|name| format!("gatewatch_{name} ")) {
                    if line.starts_with(&name) {
                        *line = format!("{name}0\n");
                    }
                }
                *line =
                    line.replace(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), "version=\"0.0.0\"");
            }
            lines
        }
        Format::Cef => {
            for line in &mut lines {
                *line = line.replace(concat!("|", env!("CARGO_PKG_VERSION"), "|"), "|0.0.0|");
                blank(line, " rt=", " ");
            }
            blank(lines.last_mut().expect("a report has a last line"), "; ", " us");
            sort_runs(&mut lines, |line| line.contains("|cat=finding "));
            lines
        }
    }
}

/// Makes the number between `before` and `after` 0.
fn blank(line: &mut String, before: &str, after: &str) {
    for (at, _) in line.clone().match_indices(before) {
        let start = at + before.len();
        let digits = line[start..].bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && line[start + digits..].starts_with(after) {
            return line.replace_range(start..start + digits, "0");
        }
    }
    panic!("no number between {before:?} and {after:?} in {line}");
}

fn sort_runs(lines: &mut [String], is_finding: impl Fn(&str) -> bool) {
    for run in lines.chunk_by_mut(|one, other| is_finding(one) && is_finding(other)) {
        run.sort();
    }
}
