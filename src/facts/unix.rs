//! The name of a socket between processes of this machine: a row of `/proc/net/unix`.

use super::text::{behind, fields, hex32};

/// The name that a row says, `@` first for one that is in no file system; empty for a socket without one. `None`: not
/// understood. `Num: RefCount Protocol Flags Type St Inode Path` (proc_pid_net(5); net/unix/af_unix.c `unix_seq_show`).
#[must_use]
pub fn name(row: &[u8]) -> Option<&[u8]> {
    let mut words = fields(row);
    words.next()?.strip_suffix(b":")?;
    words.next().and_then(hex32)?;
    words.nth(4).filter(|inode| inode.iter().all(u8::is_ascii_digit))?;
    Some(behind(row, 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sockets() {
        for (row, expected) in [
            (&b"ffff9d5c: 00000002 00000000 00010000 0001 01 17342 /run/x y"[..], Some(&b"/run/x y"[..])),
            (
                b"0000000000000000: 00000003 00000000 00000000 0001 03 17342 @/tmp/.X11-unix/X0",
                Some(b"@/tmp/.X11-unix/X0"),
            ),
            (b"0000000000000000: 00000003 00000000 00000000 0002 01 17342", Some(b"")),
            (b"Num       RefCount Protocol Flags    Type St Inode Path", None),
            (b"ffff9d5c: 00000002 00000000 00010000 0001 01", None),
            (b"ffff9d5c 00000002 00000000 00010000 0001 01 17342 /x", None),
            (b"ffff9d5c: 00000002 00000000 00010000 0001 01 /x", None),
            (b"", None),
        ] {
            assert_eq!(name(row), expected, "{}", String::from_utf8_lossy(row));
            for end in 0..row.len() {
                let cut = name(&row[..end]);
                assert!(cut.is_none_or(|cut| expected.unwrap_or_default().starts_with(cut)), "{end}");
            }
        }
    }
}
