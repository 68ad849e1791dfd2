//! What packages say of their configuration: which files are the owner's to change, and what they held at first.

use super::owner::{LISTS, Owners};
use super::{Coverage, rows_within};
use crate::facts::text::{fields, hex64};
use crate::host::{Fault, Host};
use crate::limits::{LIST_BYTES, RECORDED_BYTES};

/// opkg's own record: `Conffiles:` of each package, then ` PATH SHA256` lines.
const STATUS: &[u8] = b"usr/lib/opkg/status";

/// Notes for every path of the table whether it is configuration, and the hash of what was installed.
///
/// apk of OpenWrt writes `PKG.conffiles` and `PKG.conffiles_static` (path, SHA-256), opkg and dpkg `PKG.conffiles`.
pub fn read<H: Host>(host: &H, owners: &mut Owners, coverage: &mut Coverage) {
    for place in LISTS {
        let Ok(dir) = host.dir(place) else { continue };
        let listed = host.list(&dir, &mut |name| {
            if !name.ends_with(b".conffiles") && !name.ends_with(b".conffiles_static") {
                return;
            }
            let read = host.file_at(&dir, name).and_then(|mut file| {
                rows_within(&mut file, LIST_BYTES, &mut |row| {
                    row.into_iter().for_each(|row| note(owners, row));
                })
            });
            if let Err(fault) = read.or_else(gone) {
                coverage.gap(name, format_args!("{fault}"));
            }
        });
        if let Err(fault) = listed {
            coverage.gap(place, format_args!("{fault}"));
        }
    }
    match host.file(STATUS) {
        Ok((mut file, _)) => {
            let read = rows_within(&mut file, LIST_BYTES, &mut |row| {
                // All else in it begins at the first column.
                row.filter(|row| row.starts_with(b" /")).into_iter().for_each(|row| note(owners, row));
            });
            if let Err(fault) = read {
                coverage.gap(STATUS, format_args!("{fault}"));
            }
        }
        Err(fault) if fault.is_absence() => {}
        Err(fault) => coverage.gap(STATUS, format_args!("{fault}")),
    }
}

fn gone(fault: Fault) -> Result<(), Fault> {
    if fault.is_absence() { Ok(()) } else { Err(fault) }
}

/// One line: a path, and the hash of what was installed there if that is known.
fn note(owners: &mut Owners, line: &[u8]) {
    let mut words = fields(line);
    let Some(path) = words.next() else { return };
    let Some(row) = owners.find(path) else { return };
    let recorded = words.next().filter(|word| word.len() == 64).and_then(|digits| {
        let half = |from: usize| hex64(digits.get(from..from.saturating_add(16))?).map(u64::to_be_bytes);
        let mut bytes = [0_u8; RECORDED_BYTES];
        bytes.iter_mut().zip(half(0)?.into_iter().chain(half(16)?)).for_each(|(to, from)| *to = from);
        Some(bytes)
    });
    owners.configuration(row, recorded);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::Memory;

    #[test]
    fn names_and_hashes() {
        let machine = Memory::new();
        let hash = "ab".repeat(32);
        machine
            .file("lib/apk/packages/a.conffiles", "/etc/config/a\n/etc/a.conf\n")
            .file("lib/apk/packages/a.conffiles_static", format!("/etc/a.conf {hash}\n"))
            .file(
                "usr/lib/opkg/status",
                format!("Package: b\nConffiles:\n /etc/b.conf {hash}\n /etc/c.conf nonsense\n\n"),
            )
            .file("usr/lib/opkg/info/d.list", "/etc/d\n");
        let mut owners = Owners::new();
        for path in ["/etc/config/a", "/etc/a.conf", "/etc/b.conf", "/etc/c.conf", "/etc/d"] {
            owners.add(path.as_bytes()).unwrap();
        }
        let mut coverage = Coverage::new();
        read(&machine, &mut owners, &mut coverage);
        let known = |path: &str| {
            let known = owners.known(owners.find(path.as_bytes()).unwrap());
            (known.configuration, known.recorded)
        };
        let bytes = Some([0xab; RECORDED_BYTES]);
        assert_eq!(known("/etc/config/a"), (true, None));
        assert_eq!(known("/etc/a.conf"), (true, bytes));
        assert_eq!(known("/etc/b.conf"), (true, bytes));
        assert_eq!(known("/etc/c.conf"), (true, None));
        assert_eq!((known("/etc/d"), coverage.gaps), ((false, None), 0));
    }
}
