//! Web pages that run something: walks the directories that web servers of routers serve, and reads what is code there.

use embedded_io::Read;

use super::Coverage;
use super::entries::entries;
use super::owner::relative;
use super::truth::Truths;
use crate::facts::cgi::Cgi;
use crate::facts::commands::Commands;
use crate::facts::memory::Memory;
use crate::facts::reader::Reader;
use crate::facts::request::{Hit, Scripts};
use crate::facts::startup::Kind as Written;
use crate::facts::text::{Bytes, basename};
use crate::facts::web::{Language, Runs};
use crate::host::{Fault, Host, Identity, Kind};
use crate::limits::{DETAIL_BYTES, PATH_BYTES, READ_BYTES, WEB_BYTES, WEB_DEPTH, WEB_FILE_BYTES, WEB_NAMES};

/// OpenWrt (`www`, LuCI's own, rpcd's plugins), vendors, QNAP (`home/httpd`), D-Link (`htdocs`), Ralink (`etc_ro/web`),
/// DD-WRT (`tmp/www`), Entware, Debian.
const ROOTS: [&[u8]; 27] = [
    b"www",
    b"www2",
    b"usr/www",
    b"usr/share/www",
    b"usr/local/www",
    b"usr/htdocs",
    b"htdocs",
    b"web",
    b"webroot",
    b"home/httpd",
    b"home/www",
    b"etc_ro/web",
    b"etc/www",
    b"tmp/www",
    b"tmp/cgi-bin",
    b"jffs/www",
    b"data/www",
    b"opt/www",
    b"opt/share/www",
    b"srv/www",
    b"srv/http",
    b"var/www",
    b"usr/share/nginx/html",
    b"usr/lib/cgi-bin",
    b"usr/lib/lua/luci",
    b"usr/share/ucode/luci",
    b"usr/libexec/rpcd",
];

/// What browsers are given as it is.
const STATIC: [&[u8]; 36] = [
    b"js", b"mjs", b"css", b"png", b"jpg", b"jpeg", b"gif", b"svg", b"ico", b"webp", b"bmp", b"woff",
    b"woff2", b"ttf", b"eot", b"otf", b"map", b"json", b"xml", b"txt", b"md", b"rst", b"po", b"mo", b"pot",
    b"gz", b"zip", b"mp3", b"mp4", b"pdf", b"csv", b"scss", b"less", b"ts", b"html", b"lmo",
];

/// A page that runs something.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Its path, `/` first.
    pub path: &'a [u8],
    /// Where, and what.
    pub hit: Hit,
    /// The statement.
    pub text: &'a [u8],
    /// What the image has there: nothing that could be read, the same, another file.
    pub in_image: Option<bool>,
}

/// One look at all pages.
pub struct Pages<'a, H: Host> {
    host: &'a H,
    truths: Truths,
    coverage: &'a mut Coverage,
    commands: &'a mut Commands,
    each: &'a mut dyn FnMut(&Found<'_>),
    /// Bytes that may still be read.
    bytes: u64,
    deep: bool,
}

impl<'a, H: Host> Pages<'a, H> {
    /// A walk that has not begun.
    pub fn new(
        host: &'a H,
        truths: Truths,
        commands: &'a mut Commands,
        coverage: &'a mut Coverage,
        each: &'a mut dyn FnMut(&Found<'_>),
    ) -> Self {
        Self { host, truths, coverage, commands, each, bytes: WEB_BYTES, deep: false }
    }

    /// Looks everywhere.
    pub fn run(&mut self) {
        let mut seen = heapless::Vec::<(u64, u64), 32>::new();
        let mut left = WEB_NAMES;
        for root in ROOTS {
            let dir = match self.host.dir(root) {
                Ok(dir) => dir,
                Err(Fault::NotFound | Fault::NotDirectory) => continue,
                Err(fault) => {
                    self.coverage.gap(root, format_args!("{fault}"));
                    continue;
                }
            };
            // One may be a link to another.
            if let Ok(Kind::Dir(identity)) = self.host.kind_at(&dir, b".") {
                let key = (identity.device, identity.inode);
                if seen.contains(&key) {
                    continue;
                }
                let _ = seen.push(key);
            }
            let mut path = Bytes::<PATH_BYTES>::of(b"/");
            path.push(root);
            self.directory(&dir, &mut path, &mut left, 0);
        }
        if left == 0 {
            self.coverage
                .gap(b"/www", format_args!("more than {WEB_NAMES} names in directories of web pages"));
        }
        if self.deep {
            let what = format_args!("what lies more than {WEB_DEPTH} directories deep was not looked at");
            self.coverage.gap(b"/www", what);
        }
        self.coverage.absent = self.coverage.facts == 0 && self.coverage.gaps == 0;
    }

    fn directory(&mut self, dir: &H::Dir, path: &mut Bytes<PATH_BYTES>, left: &mut u32, depth: u32) {
        let host = self.host;
        let listed = entries(host, dir, path, left, &mut |name, path, left| {
            self.name(dir, name, path, left, depth);
        });
        if let Err(fault) = listed {
            self.coverage.gap(path.as_slice(), format_args!("{fault}"));
        }
    }

    fn name(&mut self, dir: &H::Dir, name: &[u8], path: &mut Bytes<PATH_BYTES>, left: &mut u32, depth: u32) {
        let host = self.host;
        match host.kind_at(dir, name) {
            Ok(Kind::Dir(_)) if depth >= WEB_DEPTH => self.deep = true,
            Ok(Kind::Dir(_)) => {
                if let Ok(inner) = host.dir_at(dir, name) {
                    self.directory(&inner, path, left, depth.saturating_add(1));
                }
            }
            // What a link leads to may be code under another name; a directory it leads to is no further look.
            Ok(Kind::File(_) | Kind::Link) if !is_static(name) => {
                match host.file(relative(path.as_slice())) {
                    Ok((file, identity)) => self.file(file, identity, path.as_slice()),
                    Err(Fault::Directory | Fault::Fifo | Fault::Socket | Fault::Device | Fault::Loop) => {}
                    Err(fault) if fault.is_absence() => {}
                    Err(fault) => self.coverage.gap(path.as_slice(), format_args!("{fault}")),
                }
            }
            _ => {}
        }
    }

    fn file(&mut self, mut file: H::File, identity: Identity, path: &[u8]) {
        let mut head = [0_u8; READ_BYTES];
        let Ok(length) = file.read(&mut head) else {
            return self.coverage.gap(path, format_args!("it cannot be read"));
        };
        let head = head.get(..length).unwrap_or_default();
        let Some(language) = language(head, basename(path)) else { return };
        if language.is_program() && identity.mode & 0o111 == 0 && !is_cgi(path) {
            return;
        }
        let most = self.bytes.min(WEB_FILE_BYTES);
        if most == 0 {
            return self.coverage.gap(path, format_args!("{WEB_BYTES} bytes of pages were read before"));
        }
        self.coverage.fact();
        let (mut left, mut text) = (most, Bytes::<DETAIL_BYTES>::new());
        let read = match Scripts::new(language) {
            Some(mut page) => scripts(&mut page, head, (&mut file, &mut left), &mut text),
            None => {
                shell(language == Language::ShellPage, head, (&mut file, &mut left), self.commands, &mut text)
            }
        };
        self.bytes = self.bytes.saturating_sub(most.saturating_sub(left));
        match read {
            Ok(Some(hit)) => {
                let in_image = self.same_in_image(path);
                let text = text.as_slice();
                (self.each)(&Found { path, hit, text, in_image });
            }
            Ok(None) => {}
            Err(Stop::Fault(fault)) => self.coverage.gap(path, format_args!("{fault}")),
            Err(Stop::Line(line)) => self
                .coverage
                .gap(path, format_args!("line {line} is too long or too deep to be taken apart whole")),
        }
    }

    /// Whether the image has the same file there; `None`: it has none that could be compared.
    fn same_in_image(&self, path: &[u8]) -> Option<bool> {
        let (mut other, _) = self.truths.in_image(self.host, path).ok()?;
        let (mut own, _) = self.host.file(relative(path)).ok()?;
        let (mut one, mut two) = ([0_u8; READ_BYTES], [0_u8; READ_BYTES]);
        let mut left = WEB_FILE_BYTES;
        loop {
            let (a, b) = (own.read(&mut one).ok()?, other.read(&mut two).ok()?);
            if one.get(..a) != two.get(..b) {
                return Some(false);
            }
            if a == 0 {
                return Some(true);
            }
            left = left.checked_sub(u64::try_from(a).unwrap_or(u64::MAX))?;
        }
    }
}

/// Why a page was not read whole.
enum Stop {
    Fault(Fault),
    Line(u32),
}

/// A link in hidden names counts too: what ends in nothing that is known may be code.
fn is_static(name: &[u8]) -> bool {
    let mut parts = name.rsplit(|b| *b == b'.');
    let end = parts.next().unwrap_or_default();
    parts.next().is_some() && STATIC.iter().any(|known| known.eq_ignore_ascii_case(end))
}

fn is_cgi(path: &[u8]) -> bool {
    path.windows(4).any(|part| part == b"/cgi") || path.ends_with(b".cgi")
}

fn language(head: &[u8], name: &[u8]) -> Option<Language> {
    if head.starts_with(b"#!") {
        return Language::of_head(head);
    }
    // Text has no NULs.
    if head.is_empty() || head.contains(&0) {
        return None;
    }
    let tagged = || head.windows(5).any(|part| part.eq_ignore_ascii_case(b"<?php"));
    Language::of_name(name).or_else(|| tagged().then_some(Language::Php))
}

/// Hands every byte of a page to `each` until that has what it wants.
fn bytes<F: Read<Error = Fault>>(
    head: &[u8],
    (file, left): (&mut F, &mut u64),
    each: &mut dyn FnMut(u8) -> bool,
) -> Result<(), Stop> {
    if head.iter().any(|byte| each(*byte)) {
        return Ok(());
    }
    let mut chunk = [0_u8; READ_BYTES];
    *left = left.saturating_sub(u64::try_from(head.len()).unwrap_or(u64::MAX));
    loop {
        let length = file.read(&mut chunk).map_err(Stop::Fault)?;
        let read = chunk.get(..length).unwrap_or_default();
        let Some(less) = left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)) else {
            *left = 0;
            return Err(Stop::Fault(Fault::Large));
        };
        *left = less;
        if read.is_empty() || read.iter().any(|byte| each(*byte)) {
            return Ok(());
        }
    }
}

/// The first statement of a page that runs something; what it only unpacks comes last.
fn scripts<F: Read<Error = Fault>>(
    page: &mut Scripts,
    head: &[u8],
    file: (&mut F, &mut u64),
    text: &mut Bytes<DETAIL_BYTES>,
) -> Result<Option<Hit>, Stop> {
    let mut found = None::<Hit>;
    let mut keep = |hit: Option<Hit>, said: &[u8]| {
        let Some(hit) = hit.filter(|hit| found.is_none() || hit.runs != Runs::Packed) else { return false };
        found = Some(hit);
        *text = Bytes::of(said);
        hit.runs != Runs::Packed
    };
    let read = bytes(head, file, &mut |byte| {
        let hit = page.push(byte);
        hit.is_some() && keep(hit, page.text())
    });
    let hit = page.finish();
    keep(hit, page.text());
    match (found, read, page.cut()) {
        (None, Err(stop), _) => Err(stop),
        (None, _, Some(line)) => Err(Stop::Line(line)),
        _ => Ok(found),
    }
}

/// The same of a shell script; in a page, what stands between `<%` and `%>`.
fn shell<F: Read<Error = Fault>>(
    in_page: bool,
    head: &[u8],
    file: (&mut F, &mut u64),
    commands: &mut Commands,
    text: &mut Bytes<DETAIL_BYTES>,
) -> Result<Option<Hit>, Stop> {
    let (mut reader, mut memory, mut cgi) = (Reader::new(Written::Shell), Memory::new(), Cgi::new());
    let mut found = None::<Hit>;
    let mut lines = |reader: &mut Reader| {
        while reader.is_ready() {
            let Some(line) = reader.take(b"", commands, &mut memory) else { continue };
            let hit = cgi.line(&line).map(|runs| Hit { line: line.number, runs });
            if hit.is_some_and(|hit| found.is_none() || hit.runs != Runs::Import) {
                found = hit;
                *text = Bytes::of(line.text);
            }
        }
        found.is_some_and(|hit| hit.runs != Runs::Import)
    };
    let mut code = Tags { inside: !in_page, last: 0 };
    let read = bytes(head, file, &mut |byte| {
        let byte = if in_page { code.next(byte) } else { byte };
        reader.push(byte) && lines(&mut reader)
    });
    if reader.finish() {
        lines(&mut reader);
    }
    match (found, read, reader.cut()) {
        (None, Err(stop), _) => Err(stop),
        (None, _, Some(line)) => Err(Stop::Line(line)),
        _ => Ok(found),
    }
}

/// Tells code from text in a page of haserl.
struct Tags {
    inside: bool,
    last: u8,
}

impl Tags {
    /// The byte, if it is code; a blank, or the end of a command, where not.
    fn next(&mut self, byte: u8) -> u8 {
        let last = core::mem::replace(&mut self.last, byte);
        match (last, byte) {
            (b'<', b'%') => {
                self.inside = true;
                b' '
            }
            (b'%', b'>') => {
                self.inside = false;
                b';'
            }
            (_, b'\n') => byte,
            (_, b'%') if self.inside => b' ',
            _ if self.inside => byte,
            _ => b' ',
        }
    }
}
