//! A socket between processes of this machine: a row of `/proc/net/unix`, or a message of unix_diag.

use super::about::Endian;
use super::netlink::attribute;
use super::process::Process;
use super::text::{Bytes, behind, decimal, fields, hex32};

/// Bytes of the longest name (`UNIX_PATH_MAX`, linux/un.h).
pub const UNIX_NAME_BYTES: usize = 108;

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixSocket {
    /// Its inode number, which `/proc/PID/fd/*` shows as `socket:[N]`.
    pub inode: u64,
    /// Its name, `@` first for one that is in no file system; empty for a socket without one.
    pub name: Bytes<UNIX_NAME_BYTES>,
}

/// One of which the kernel tells, and which the text does not show.
#[derive(Clone, Copy)]
pub struct HiddenSocket<'a> {
    /// The socket.
    pub socket: &'a UnixSocket,
    /// Joined by the engine: who holds it.
    pub holder: Option<&'a Process>,
}

/// `UNIX_DIAG_NAME`, linux/unix_diag.h.
const UNIX_DIAG_NAME: u16 = 0;

impl UnixSocket {
    /// Reads a row, except the heading. `None`: not understood. `Num: RefCount Protocol Flags Type St Inode Path`
    /// (proc_pid_net(5); net/unix/af_unix.c `unix_seq_show`).
    #[must_use]
    pub fn parse(row: &[u8]) -> Option<Self> {
        let mut words = fields(row);
        words.next()?.strip_suffix(b":")?;
        words.next().and_then(hex32)?;
        let inode = words.nth(4).and_then(decimal)?;
        Some(Self { inode, name: Bytes::of(behind(row, 7)) })
    }

    /// Reads a message of the answer to [`super::netlink::Question::Unix`]: `struct unix_diag_msg`, then attributes. `None`:
    /// not understood. A name is written as the table has it: every NUL as `@`, but for the one that ends a path.
    #[must_use]
    pub fn message(body: &[u8], endian: Endian) -> Option<Self> {
        let inode = endian.u32(*body.get(4..)?.first_chunk()?);
        let told = attribute(body.get(16..)?, endian, UNIX_DIAG_NAME).unwrap_or_default();
        let told = if told.first() == Some(&0) { told } else { told.strip_suffix(b"\0").unwrap_or(told) };
        let mut name = Bytes::of(told);
        name.map(&|byte| if byte == 0 { b'@' } else { byte });
        Some(Self { inode: u64::from(inode), name })
    }
}

#[cfg(test)]
mod tests {
    use super::super::netlink::testing::{nested, word};
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
            let parsed = UnixSocket::parse(row);
            let name = parsed.as_ref().map(|socket| socket.name.as_slice());
            assert_eq!(name, expected, "{}", String::from_utf8_lossy(row));
            assert!(parsed.is_none_or(|socket| socket.inode == 17342));
            for end in 0..row.len() {
                let cut = UnixSocket::parse(&row[..end]);
                assert!(
                    cut.is_none_or(|cut| expected.unwrap_or_default().starts_with(cut.name.as_slice())),
                    "{end}"
                );
            }
        }
    }

    #[test]
    fn messages_in_both_byte_orders() {
        for endian in [Endian::Little, Endian::Big] {
            for (told, expected) in [
                (&b"/run/x y\0"[..], &b"/run/x y"[..]),
                (b"/run/x", b"/run/x"),
                (b"\0abc\0d", b"@abc@d"),
                (b"\0", b"@"),
                (b"", b""),
            ] {
                let head = [&[1, 1, 10, 0][..], &word(endian, 17342), &[0; 8]].concat();
                let body = [head.clone(), nested(endian, UNIX_DIAG_NAME, told)].concat();
                let socket = UnixSocket::message(&body, endian).unwrap();
                assert_eq!((socket.inode, socket.name.as_slice()), (17342, expected));
                let unnamed = UnixSocket { name: Bytes::new(), ..socket.clone() };
                assert_eq!(UnixSocket::message(&head, endian), Some(unnamed));
                for end in 0..body.len() {
                    let cut = UnixSocket::message(&body[..end], endian);
                    assert!(cut.is_none_or(|cut| cut.inode == 17342), "{end}");
                }
            }
            let long = [&[1; 16][..], &nested(endian, UNIX_DIAG_NAME, &[b'x'; 500])].concat();
            assert!(UnixSocket::message(&long, endian).unwrap().name.is_cut());
        }
    }
}
