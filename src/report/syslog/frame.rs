//! How a message looks on its way: the line of RFC 3164, which BusyBox must not cut, and the longer one of RFC 5424 with
//! structured data. Both say the same; only the last value gives way, in its middle, where a line would become too long.

use core::fmt::{self, Write};

use super::spool::Message;
use crate::limits::{DEVICE_BYTES, SYSLOG_BYTES, SYSLOG_FINDINGS, SYSLOG_LONG_BYTES};
use crate::report::date;

/// Facility `daemon`, RFC 3164 section 4.1.1. OpenWrt's logd drops `local7`, so that is no choice.
const DAEMON: u8 = 3;

/// The name of our structured data. 32473 is the enterprise number that RFC 5612 sets aside for whoever has none.
const STRUCTURE: &str = "gatewatch@32473";

/// No process has a larger id (include/linux/threads.h).
const PID_MAX_LIMIT: u32 = 4_194_304;

/// Bytes of a line with what comes before it: a priority and a count of octets.
pub const LINE_BYTES: usize = SYSLOG_LONG_BYTES + 8;

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// RFC 3164 without a host name, as a log daemon of this machine takes it.
    Local,
    /// RFC 3164, for a collector.
    Short,
    /// RFC 5424 with structured data.
    Long,
}

/// A line that is being made.
pub type Line = heapless::String<LINE_BYTES>;

/// Writes the line of a message.
///
/// # Errors
/// When it does not fit, which [`crate::limits`] promises not to happen.
pub fn line(form: Form, device: &str, message: &Message<'_>, out: &mut Line) -> fmt::Result {
    out.clear();
    write!(out, "<{}>", DAEMON.saturating_mul(8).saturating_add(message.level))?;
    match form {
        Form::Local => stamp(out, message.now)?,
        Form::Short => {
            stamp(out, message.now)?;
            host(out, device)?;
        }
        Form::Long => {
            out.write_str("1 ")?;
            if message.believed {
                stamp_of_rfc3339(out, message.now)?
            } else {
                out.write_str("-")?
            }
            write!(out, " {device} gatewatch {} {} [{STRUCTURE}", message.pid, message.class.word())?;
            structured(device, message, out)?;
            out.write_str("] ")?;
            identity(out, device, message)?;
            return short(device, message, out);
        }
    }
    tag(out, message.pid)?;
    identity(out, device, message)?;
    short(device, message, out)
}

/// `r1 `: where the device has no name the receiver takes the address. Colons would end a tag.
fn host(out: &mut impl Write, device: &str) -> fmt::Result {
    if device == "-" {
        return Ok(());
    }
    device.chars().try_for_each(|c| out.write_char(if c == ':' { '-' } else { c }))?;
    out.write_char(' ')
}

/// `gatewatch[PID]: `
fn tag(out: &mut impl Write, pid: u32) -> fmt::Result {
    write!(out, "gatewatch[{pid}]: ")
}

/// `dev=… run=… n=…/… `
fn identity(out: &mut impl Write, device: &str, message: &Message<'_>) -> fmt::Result {
    write!(out, "dev={device} run={:08x} n={}/{} ", message.run, message.number, message.of)
}

/// What a short line has room for behind `gatewatch[PID]: dev=… run=… n=…/… `. As if all numbers were as long as they can be,
/// so that the same finding is cut alike in every run.
fn room(device: &str, message: &Message<'_>) -> usize {
    let mut longest = heapless::String::<{ DEVICE_BYTES + 80 }>::new();
    let most = u16::try_from(SYSLOG_FINDINGS.saturating_add(1)).unwrap_or(u16::MAX);
    let numbers = Message { number: most, of: most, ..*message };
    let _ = tag(&mut longest, message.pid.max(PID_MAX_LIMIT));
    let _ = identity(&mut longest, device, &numbers);
    SYSLOG_BYTES.saturating_sub(longest.len())
}

/// What the message says, so that it fits a short line.
fn short(device: &str, message: &Message<'_>, out: &mut impl Write) -> fmt::Result {
    let room = room(device, message);
    let (keys, value) = gives_way(message.text);
    out.write_str(keys)?;
    if let Some(value) = value {
        let room = room.saturating_sub(keys.len().saturating_add(1));
        cut(value, room, str::len, &mut |unit| out.write_str(unit))?;
        out.write_char('"')?;
    }
    if message.lost > 0 { write!(out, " lost={}", message.lost) } else { Ok(()) }
}

/// ` dev="…" run="…" n="…/…" check="…" …`, RFC 5424 section 6.3.
fn structured(device: &str, message: &Message<'_>, out: &mut Line) -> fmt::Result {
    write!(out, " dev=\"{device}\" run=\"{:08x}\" n=\"{}/{}\"", message.run, message.number, message.of)?;
    let (_, long) = gives_way(message.text);
    let mut rest = message.text;
    while let Some((key, value, after)) = field(rest) {
        write!(out, " {key}=\"")?;
        let last = long.is_some() && after.is_empty();
        // What comes behind it: `"] `, and the short line.
        let left = SYSLOG_LONG_BYTES.saturating_sub(out.len()).saturating_sub(SYSLOG_BYTES.saturating_add(3));
        let room = if last { left } else { usize::MAX };
        cut(value, room, |unit| in_structure(unit).iter().map(|part| part.len()).sum(), &mut |unit| {
            in_structure(unit).iter().try_for_each(|part| out.write_str(part))
        })?;
        out.write_char('"')?;
        rest = after;
    }
    if message.lost > 0 { write!(out, " lost=\"{}\"", message.lost) } else { Ok(()) }
}

/// A unit of a quoted value as a parameter's value has it: there `"`, `\` and `]` are escaped by a backslash.
fn in_structure(unit: &str) -> [&str; 2] {
    match unit {
        "\\\"" => [unit, ""],
        "\\\\" => [unit, unit],
        "]" => ["\\", "]"],
        _ if unit.starts_with('\\') => ["\\", unit],
        _ => [unit, ""],
    }
}

/// Takes a text apart before its last value, where that is quoted: it gives way when a line is too long. Its quotes are left
/// out, but for the first.
fn gives_way(text: &str) -> (&str, Option<&str>) {
    let mut rest = text;
    while let Some((_, value, after)) = field(rest) {
        if after.is_empty() && text.ends_with('"') {
            let start = text.len().saturating_sub(value.len().saturating_add(1));
            return (text.get(..start).unwrap_or_default(), Some(value));
        }
        rest = after;
    }
    (text, None)
}

/// The first key of a text, its value without quotes around it, and the text behind.
fn field(text: &str) -> Option<(&str, &str, &str)> {
    let (key, rest) = text.split_once('=')?;
    let (value, after) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let mut length = 0_usize;
            for unit in units(quoted).take_while(|unit| *unit != "\"") {
                length = length.saturating_add(unit.len());
            }
            (quoted.get(..length)?, quoted.get(length.saturating_add(1)..).unwrap_or_default())
        }
        None => {
            let length = rest.find(' ').unwrap_or(rest.len());
            (rest.get(..length)?, rest.get(length..)?)
        }
    };
    Some((key, value, after.strip_prefix(' ').unwrap_or(after)))
}

/// The bytes of an escaped value, each as it is written: `a`, `\"`, `\\`, `\x0a`.
fn units(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    core::iter::from_fn(move || {
        let length = if rest.starts_with("\\x") {
            4
        } else if rest.starts_with('\\') {
            2
        } else {
            1
        };
        let (unit, after) = rest.split_at_checked(length.min(rest.len()))?;
        rest = after;
        Some(unit).filter(|unit| !unit.is_empty())
    })
}

/// Hands out the units of an escaped value; those in its middle are left out, marked by `...`, until the rest fits `room`.
fn cut(
    value: &str,
    room: usize,
    width: impl Fn(&str) -> usize,
    each: &mut dyn FnMut(&str) -> fmt::Result,
) -> fmt::Result {
    let whole = units(value).fold(0_usize, |sum, unit| sum.saturating_add(width(unit)));
    if whole <= room {
        return units(value).try_for_each(each);
    }
    let half = room.saturating_sub(3).div_euclid(2);
    let (mut before, mut marked) = (0_usize, false);
    for unit in units(value) {
        let after = before.saturating_add(width(unit));
        if after > half && !marked {
            marked = true;
            each("...")?;
        }
        if after <= half || whole.saturating_sub(before) <= half {
            each(unit)?;
        }
        before = after;
    }
    Ok(())
}

/// `Nov 22 10:00:00 `, RFC 3164 section 4.1.2: the day padded with a blank.
fn stamp(out: &mut impl Write, now: u64) -> fmt::Result {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, month, day) = date(now.div_euclid(86_400));
    let month = MONTHS.get(month).unwrap_or(&"");
    write!(out, "{month} {day:2} ")?;
    time(out, now)?;
    out.write_char(' ')
}

/// `2026-11-22T10:00:00Z`, as RFC 5424 section 6.2.3 has it.
fn stamp_of_rfc3339(out: &mut impl Write, now: u64) -> fmt::Result {
    let (year, month, day) = date(now.div_euclid(86_400));
    write!(out, "{year:04}-{:02}-{day:02}T", month.saturating_add(1))?;
    time(out, now)?;
    out.write_char('Z')
}

fn time(out: &mut impl Write, now: u64) -> fmt::Result {
    let seconds = now.rem_euclid(86_400);
    let (hour, minute) = (seconds.div_euclid(3600), seconds.div_euclid(60).rem_euclid(60));
    write!(out, "{hour:02}:{minute:02}:{:02}", seconds.rem_euclid(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (now, expected) in [
            (0, "Jan  1 00:00:00 "),
            (951_782_399, "Feb 28 23:59:59 "),
            (951_782_400, "Feb 29 00:00:00 "),
            (4_107_542_399, "Feb 28 23:59:59 "),
            (4_107_542_400, "Mar  1 00:00:00 "),
        ] {
            let mut out = String::new();
            stamp(&mut out, now).unwrap();
            assert_eq!(out, expected);
        }
    }
    #[test]
    fn a_value_is_cut_between_its_units() {
        let cut = |value: &str, room| {
            let mut out = String::new();
            cut(value, room, str::len, &mut |unit| out.write_str(unit)).unwrap();
            out
        };
        assert_eq!(cut("/tmp/x", 10), "/tmp/x");
        assert_eq!(cut("0123456789abcdef", 11), "0123...cdef");
        assert_eq!(cut(r"\x0a\x0a\x0a\x0a", 12), r"\x0a...\x0a");
        assert_eq!(cut(r#"\\\"\\\""#, 7), r#"\\...\""#);
        for room in 0..60 {
            let out = cut(&r#"a\x0a\"b"#.repeat(20), room);
            assert!(out.len() <= room.max(3), "{room}: {out}");
        }
    }

    #[test]
    fn fields_are_taken_apart_as_they_were_put_together() {
        let text = r#"check=x client="a b" obj="q\" \\ \x0a=""#;
        let mut rest = text;
        let mut fields = Vec::new();
        while let Some((key, value, after)) = field(rest) {
            fields.push((key, value));
            rest = after;
        }
        assert_eq!(fields, [("check", "x"), ("client", "a b"), ("obj", r#"q\" \\ \x0a="#)]);
        assert_eq!(gives_way(text), (r#"check=x client="a b" obj=""#, Some(r#"q\" \\ \x0a="#)));
        assert_eq!(gives_way("verdict=clean us=1"), ("verdict=clean us=1", None));
    }
}
