//! The files that are read: folders become their files, bytes become text, and what is no list is told apart early.

use std::fs;
use std::path::{Path, PathBuf};

use crate::feed::Kind;
use crate::list;

/// Folders in folders: deeper is a loop or no feed.
const MAX_DEPTH: u32 = 8;
/// Files of one folder.
const MAX_FILES: usize = 20_000;
/// Bytes of a line of a feed; patterns of maltrail and rows of CSV are the longest.
const MAX_LINE: usize = 64 * 1024;
/// Endings of files that lie beside lists and are none.
const NO_LIST: [&str; 15] = [
    "md", "markdown", "html", "py", "rs", "yml", "yaml", "toml", "sig", "asc", "minisig", "pub", "gwi",
    "gwd", "tmp",
];
/// What a MISP feed has beside its events: the MD5 of every value, for those who only ask whether one is in it.
const MISP_HASHES: &str = "hashes.csv";
/// Names of files that lie beside lists and are none.
const NO_LIST_NAMES: [&str; 5] = ["license", "copying", "readme", "notice", "changelog"];

/// A file to be read.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// Under which lines are complained about.
    pub(crate) name: String,
    /// What the user says it is.
    pub(crate) kind: Option<Kind>,
}

/// The files of what the user names, each folder's sorted, and names of files that were passed over.
pub(crate) fn expand(named: &[(Option<Kind>, PathBuf)]) -> Result<(Vec<Input>, Vec<String>), String> {
    let (mut inputs, mut passed) = (Vec::new(), Vec::new());
    for (kind, path) in named {
        let metadata = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
        if metadata.is_dir() {
            let before = inputs.len();
            walk(path, *kind, 0, &mut inputs, &mut passed)?;
            if inputs.len() == before {
                return Err(format!("{}: no list is in this folder", path.display()));
            }
        } else {
            inputs.push(Input { path: path.clone(), name: path.display().to_string(), kind: *kind });
        }
    }
    Ok((inputs, passed))
}

fn walk(
    folder: &Path,
    kind: Option<Kind>,
    depth: u32,
    inputs: &mut Vec<Input>,
    passed: &mut Vec<String>,
) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    if depth > MAX_DEPTH {
        return Err(format!("{}: more than {MAX_DEPTH} folders in each other", folder.display()));
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        paths.push((entry.path(), entry.file_type().map_err(fail)?));
    }
    paths.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    for (path, sort) in paths {
        let name = path.display().to_string();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if file_name.starts_with('.') {
            passed.push(name);
        } else if sort.is_dir() {
            walk(&path, kind, depth.saturating_add(1), inputs, passed)?;
        } else if is_no_list(&file_name) || !fs::metadata(&path).is_ok_and(|file| file.is_file()) {
            passed.push(name);
        } else {
            if inputs.len() >= MAX_FILES {
                return Err(format!("{}: more than {MAX_FILES} files", folder.display()));
            }
            inputs.push(Input { path, name, kind });
        }
    }
    Ok(())
}

fn is_no_list(file_name: &str) -> bool {
    let ending = file_name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let stem = file_name.split('.').next().unwrap_or_default();
    NO_LIST.contains(&ending) || NO_LIST_NAMES.contains(&stem) || file_name == MISP_HASHES
}

/// The bytes of a file, unless they cannot be a list of any kind.
pub(crate) fn bytes(input: &Input) -> Result<Vec<u8>, String> {
    let bytes = list::read(&input.path)?;
    let name = &input.name;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(format!("{name}: is empty: fetch it again, or leave it out"));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(format!("{name}: is UTF-16: save it as UTF-8"));
    }
    for (magic, what) in [
        (&b"\x1f\x8b"[..], "packed by gzip: unpack it with gunzip"),
        (b"PK\x03\x04", "a ZIP archive: unpack it with unzip"),
        (b"\xfd7zXZ\0", "packed by xz: unpack it with unxz"),
        (b"BZh", "packed by bzip2: unpack it with bunzip2"),
        (b"\x28\xb5\x2f\xfd", "packed by zstd: unpack it with unzstd"),
        (b"\x89GWI", "an indicator file, and no list: build from the lists that it was made of"),
        (b"%PDF", "a PDF: copy its text out"),
    ] {
        if bytes.starts_with(magic) {
            return Err(format!("{name}: is {what}"));
        }
    }
    // What a server says instead of a list names addresses, too: that of who asked.
    if input.kind != Some(Kind::Text) && is_page(&bytes) {
        return Err(format!(
            "{name}: is a web page, and no list: fetch it again, or take what it names with --feed text:{name}"
        ));
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(format!("{name}: holds a zero byte at {at}, so it is no text: is it the right file?"));
    }
    Ok(bytes)
}

/// Whether it begins as HTML or XML does.
fn is_page(bytes: &[u8]) -> bool {
    let bare = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    [b"<!doctype".as_slice(), b"<html", b"<?xml", b"<head", b"<body"]
        .iter()
        .any(|tag| bare.get(..tag.len()).is_some_and(|front| front.eq_ignore_ascii_case(tag)))
}

/// The text of a feed's bytes; single bytes that are no UTF-8 stand in remarks, many are no text.
pub(crate) fn text(name: &str, bytes: &[u8]) -> Result<String, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let broken = text.matches('\u{fffd}').count();
    let control =
        bytes.iter().filter(|byte| **byte < 0x20 && !matches!(**byte, b'\n' | b'\r' | b'\t')).count();
    if broken.saturating_add(control).saturating_mul(20) > bytes.len() {
        return Err(format!("{name}: is no text: is it the right file, and unpacked?"));
    }
    Ok(text.into_owned())
}

/// Refuses a line that is too long for a format of lines.
pub(crate) fn check_lines(name: &str, text: &str) -> Result<(), String> {
    let long = text.lines().zip(1u32..).find(|(line, _)| line.len() > MAX_LINE);
    match long {
        Some((_, number)) => Err(format!(
            "{name}:{number}: longer than 64 KiB, so it is no line of a list: is it the right file?"
        )),
        None => Ok(()),
    }
}
