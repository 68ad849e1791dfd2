//! What is known of the lines of a startup file besides the file: whether the image has them, and whether anybody is
//! their user.

use embedded_io::Read;

use super::truth::Truths;
use super::{Coverage, rows_within};
use crate::facts::startup::Kind;
use crate::facts::text::{Bytes, basename, fields};
use crate::host::{Fault, Host};
use crate::limits::{INITTAB_BYTES, SMALL_FILE_BYTES};

/// What is known around the lines of one file.
pub struct Around {
    /// The image's inittab.
    image: Option<Bytes<INITTAB_BYTES>>,
    /// The file is a crontab of somebody who is no user, which is said of its first line.
    pub nobody: bool,
}

impl Around {
    /// Looks around a file, by the path that people write; a link alone has no kind.
    pub fn of<H: Host>(
        host: &H,
        truths: &Truths,
        path: &[u8],
        kind: Option<Kind>,
        coverage: &mut Coverage,
    ) -> Self {
        let mut around = Self { image: None, nobody: kind == Some(Kind::Cron) && is_nobodys(host, path) };
        if kind == Some(Kind::Inittab) {
            match truths.in_image(host, path).and_then(|(file, _)| whole(file)) {
                Ok(text) if text.is_cut() => {
                    coverage.gap(path, format_args!("the image's own is too long to be compared with"));
                }
                Ok(text) => around.image = Some(text),
                Err(fault) if fault.is_absence() => {}
                Err(fault) => coverage.gap(path, format_args!("the image's own: {fault}")),
            }
        }
        around
    }

    /// Of lines that are no file's own.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { image: None, nobody: false }
    }

    /// Whether the image has a line, if it has such a file. Runs of blanks are one.
    #[must_use]
    pub fn in_image(&self, line: &[u8]) -> Option<bool> {
        let image = self.image.as_ref()?;
        Some(image.as_slice().split(|b| *b == b'\n').any(|known| fields(known.trim_ascii()).eq(fields(line))))
    }
}

fn whole<F: Read<Error = Fault>>(mut file: F) -> Result<Bytes<INITTAB_BYTES>, Fault> {
    let mut text = Bytes::new();
    rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
        // Of a row that is too long nothing is known.
        text.push(row.unwrap_or(&[0; INITTAB_BYTES]));
        text.push(b"\n");
    })?;
    Ok(text)
}

/// Whether a crontab is named as a user is, and no user has that name. crond runs none of these (crontabs.c of BusyBox,
/// `load_crontab`); whoever wrote it took the machine for another. Without a list of users nothing is known.
fn is_nobodys<H: Host>(host: &H, path: &[u8]) -> bool {
    let name = basename(path);
    let directory = path.get(..path.len().saturating_sub(name.len().saturating_add(1))).map(basename);
    let is_name = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
    if !is_name || !matches!(directory, Some(b"crontabs" | b"cron" | b"tabs")) {
        return false;
    }
    let Ok((mut file, _)) = host.file(b"etc/passwd") else { return false };
    let (mut users, mut found) = (0_u32, false);
    let read = rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
        let user = row.and_then(|row| row.split(|b| *b == b':').next());
        users = users.saturating_add(u32::from(user.is_some_and(|user| !user.is_empty())));
        // passwd(5): a row that begins with + takes users from elsewhere. One that cannot be read may be this one.
        found |= user.is_none_or(|user| user == name || user.first() == Some(&b'+'));
    });
    read.is_ok() && users > 0 && !found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::Memory;
    use crate::source::mounts::Mounts;

    fn around(machine: &Memory, path: &str, kind: Kind) -> (Around, Coverage) {
        let mut coverage = Coverage::new();
        let truths = Truths::find(machine, &Mounts::new(), None);
        (Around::of(machine, &truths, path.as_bytes(), Some(kind), &mut coverage), coverage)
    }

    #[test]
    fn lines_of_the_images_inittab() {
        let machine = Memory::new();
        let lines = "::sysinit:/etc/init.d/rcS S boot\n::shutdown:/etc/init.d/rcS  K shutdown\n";
        let in_image = |machine: &Memory, line: &[u8]| {
            let (around, coverage) = around(machine, "/etc/inittab", Kind::Inittab);
            assert_eq!(coverage.gaps, 0);
            around.in_image(line)
        };
        assert_eq!(in_image(&machine, b"x"), None);
        machine.file("rom/etc/passwd", "");
        assert_eq!(in_image(&machine, b"x"), None, "an image without it");
        machine.file("rom/etc/inittab", lines);
        assert_eq!(in_image(&machine, b"::shutdown:/etc/init.d/rcS K shutdown"), Some(true));
        assert_eq!(in_image(&machine, b"::respawn:/tmp/x"), Some(false));
        machine.file("rom/etc/inittab", lines.repeat(INITTAB_BYTES / lines.len() + 1));
        assert_eq!(around(&machine, "/etc/inittab", Kind::Inittab).1.gaps, 1);
    }

    #[test]
    fn crontabs_of_nobody() {
        let machine = Memory::new();
        let nobody = |path: &str| around(&machine, path, Kind::Cron).0.nobody;
        assert!(!nobody("/etc/crontabs/guest"), "no list of users");
        machine.file("etc/passwd", "root:x:0:0::/root:/bin/ash\nnobody:*:65534::::\n");
        assert!(nobody("/etc/crontabs/guest") && nobody("/var/spool/cron/guest"));
        for path in [
            "/etc/crontabs/root",
            "/etc/crontabs/cron.update",
            "/etc/crontabs/root~",
            "/var/spool/cron/atjobs/a0001",
            "/var/spool/cron/crontabs/crontab.X1b2",
        ] {
            assert!(!nobody(path), "{path}");
        }
        machine.file("etc/passwd", "root:x:0:0::/root:/bin/ash\n+::::::\n");
        assert!(!around(&machine, "/etc/crontabs/guest", Kind::Cron).0.nobody);
    }
}
