//! The traces that families leave on a device: rules, and what each of them matches.
//!
//! The rows of the section differ in length, so they are read one after the other, and each is checked when it is
//! met. A few hundred of them cost less than an index would.

use core::net::Ipv4Addr;

use super::layout::{TRACE_HEAD_LEN, TRACES_MAX};

/// One rule: what a family leaves on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace<'a> {
    /// Where to look for it.
    pub kind: TraceKind,
    /// What to find there, at least one byte. Of a listener, the text `PORT` or `127.0.0.1:PORT`.
    pub value: &'a [u8],
    /// The malware family, in UTF-8.
    pub family: &'a [u8],
    /// How much it says.
    pub strength: Strength,
    /// From when on it is no longer meant, in seconds since 1970.
    pub expires: Option<u64>,
}

/// Where a trace is looked for. The numbers are those of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TraceKind {
    /// The name of a process: its `comm`, of which the kernel keeps 15 bytes, or the last part of `argv[0]`.
    Name,
    /// The path of a running program.
    Path,
    /// A directory, at any depth below which a program runs.
    Dir,
    /// A piece of a command line, in which one blank stands between arguments.
    Arg,
    /// A TCP port that is listened on.
    Tcp,
    /// A UDP port that is listened on.
    Udp,
    /// A file or a directory that is there.
    File,
    /// A piece of a line of a startup file, its blanks folded.
    Startup,
}

impl TraceKind {
    /// Every kind, in the order of the file.
    pub const ALL: [TraceKind; 8] = [
        TraceKind::Name,
        TraceKind::Path,
        TraceKind::Dir,
        TraceKind::Arg,
        TraceKind::Tcp,
        TraceKind::Udp,
        TraceKind::File,
        TraceKind::Startup,
    ];

    /// The number in the file. A later kind takes the next one, up to 15.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            TraceKind::Name => 1,
            TraceKind::Path => 2,
            TraceKind::Dir => 3,
            TraceKind::Arg => 4,
            TraceKind::Tcp => 5,
            TraceKind::Udp => 6,
            TraceKind::File => 7,
            TraceKind::Startup => 8,
        }
    }
}

/// How much a trace says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Healthy devices have it too: worth a notice.
    Weak,
    /// Hardly any healthy device has it: a person should look.
    Fair,
    /// No healthy device has it.
    Strong,
}

impl Strength {
    /// The number in the file.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Strength::Weak => 1,
            Strength::Fair => 2,
            Strength::Strong => 3,
        }
    }

    fn from_code(code: u8) -> Option<Strength> {
        [Strength::Weak, Strength::Fair, Strength::Strong]
            .into_iter()
            .find(|strength| strength.code() == code)
    }
}

impl Trace<'_> {
    /// Whether this is it: the name of a process, a path, a line of a startup file, or a whole command line, its
    /// arguments ended by NUL as in `/proc/PID/cmdline`. A listener has numbers to compare instead: [`Trace::listener`].
    #[must_use]
    pub fn matches(&self, found: &[u8]) -> bool {
        let same = |(own, found): (&u8, &u8)| *own == if *found == 0 { b' ' } else { *found };
        match self.kind {
            TraceKind::Name | TraceKind::Path | TraceKind::File => found == self.value,
            TraceKind::Dir => found.strip_prefix(self.value).is_some_and(|rest| rest.starts_with(b"/")),
            // `windows` takes no zero, and an empty value would be in every command line.
            TraceKind::Arg | TraceKind::Startup => {
                !self.value.is_empty()
                    && found.windows(self.value.len()).any(|piece| self.value.iter().zip(piece).all(same))
            }
            TraceKind::Tcp | TraceKind::Udp => false,
        }
    }

    /// The port of a listener, and the one address that it listens on when the rule is about no other.
    #[must_use]
    pub fn listener(&self) -> Option<(Option<Ipv4Addr>, u16)> {
        if !matches!(self.kind, TraceKind::Tcp | TraceKind::Udp) {
            return None;
        }
        let local = self.value.strip_prefix(b"127.0.0.1:");
        let digits = local.unwrap_or(self.value);
        let port = digits.iter().try_fold(0u16, |port, digit| {
            let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
            port.checked_mul(10)?.checked_add(u16::from(digit))
        });
        Some((local.map(|_| Ipv4Addr::LOCALHOST), port.filter(|&port| port != 0)?))
    }
}

/// The rows of the section, not looked at yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    body: &'a [u8],
    left: u32,
}

/// One row, its label not looked at yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) strength: Strength,
    pub(super) label: u16,
    pub(super) value: &'a [u8],
}

impl<'a> Rows<'a> {
    /// No rows.
    pub(super) const EMPTY: Rows<'static> = Rows { body: &[], left: 0 };

    /// Cuts a section body; nothing when it is too short for its count, or has more rows than may be.
    pub(super) fn new(body: &'a [u8], count: u32) -> Option<Rows<'a>> {
        let least = usize::try_from(count).ok()?.checked_mul(TRACE_HEAD_LEN)?;
        (body.len() >= least && count <= TRACES_MAX).then_some(Rows { body, left: count })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The rows of a kind that can be understood.
    pub(super) fn of(self, kind: TraceKind) -> impl Iterator<Item = Row<'a>> + use<'a> {
        // On unsorted rows the answer is of no use, but as bounded.
        self.skip_while(move |(what, ..)| what & 15 < kind.code())
            .take_while(move |(what, ..)| what & 15 == kind.code())
            .filter(|(_, _, value)| !value.is_empty())
            .filter_map(|(what, label, value)| {
                Some(Row { strength: Strength::from_code(what >> 4)?, label, value })
            })
    }
}

/// A row's first byte, the number of its label and its value. Each step takes one from what is left.
impl<'a> Iterator for Rows<'a> {
    type Item = (u8, u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (&[what, length, l0, l1], rest) = self.body.split_first_chunk::<TRACE_HEAD_LEN>()?;
        let (value, rest) = rest.split_at_checked(usize::from(length))?;
        self.body = rest;
        Some((what, u16::from_le_bytes([l0, l1]), value))
    }
}
