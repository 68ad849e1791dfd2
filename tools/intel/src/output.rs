//! Putting the file where it belongs: whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Writes a file whole or not at all, whatever was there before. A file keeps its mode, and a link goes on pointing to it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let there = fs::canonicalize(path);
    let target = there.as_deref().unwrap_or(path);
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = target.with_file_name(name);
    let written = write(&beside, bytes, |_| Ok(())).and_then(|()| {
        if let Ok(metadata) = fs::metadata(target) {
            fs::set_permissions(&beside, metadata.permissions()).map_err(fail)?;
        }
        fs::rename(&beside, target).map_err(fail)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Writes bytes beside a path, lets `check` look at what can be read back, and renames it into place. A file that is there is
/// replaced only if it begins as such files do.
pub(crate) fn save(
    path: &Path,
    bytes: &[u8],
    magic: &[u8],
    check: impl FnOnce(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    let target = target(path, magic)?;
    let name = target.file_name().ok_or_else(|| format!("{}: is not a file name", path.display()))?;
    let mut beside = name.to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = target.with_file_name(beside);
    let written = write(&beside, bytes, check).and_then(|()| {
        fs::rename(&beside, &target).map_err(|error| format!("{}: {error}", target.display()))
    });
    if let Err(what) = written {
        // It is not there when it could not be made, and is of no use otherwise.
        let _ = fs::remove_file(&beside);
        return Err(what);
    }
    // The name too is to survive a power cut. Some file systems cannot sync a directory: the file is there.
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

/// The file that a path stands for, when it may be replaced.
fn target(path: &Path, magic: &[u8]) -> Result<PathBuf, String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(path.to_owned()),
        Err(error) => return Err(fail(error)),
    };
    if !metadata.is_file() {
        return Err(format!("{}: is not a regular file: give the name of a file", path.display()));
    }
    let mut start = Vec::new();
    let length = u64::try_from(magic.len()).unwrap_or(0);
    File::open(path).and_then(|file| file.take(length).read_to_end(&mut start)).map_err(fail)?;
    if !start.is_empty() && start != magic {
        return Err(format!(
            "{}: is not an indicator file, so it is not replaced: give another name or remove it",
            path.display()
        ));
    }
    // A link goes on pointing to the file.
    fs::canonicalize(path).map_err(fail)
}

fn write(path: &Path, bytes: &[u8], check: impl FnOnce(&[u8]) -> Result<(), String>) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    let back = fs::read(path).map_err(fail)?;
    check(&back).map_err(|what| format!("internal error, nothing is written: {what}"))
}
