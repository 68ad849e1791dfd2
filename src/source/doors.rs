//! What would let somebody log in from outside without a password: a telnet, rlogin or dropbear server that runs or is started.

use super::{Coverage, proc, rows_within};
use crate::facts::text::Bytes;
use crate::host::{Fault, Host, Kind};
use crate::limits::{LIBRARY_BYTES, SMALL_FILE_BYTES};

/// Servers that ask for no password where there is none. OpenSSH refuses such a user unless it is told
/// (sshd_config(5), `PermitEmptyPasswords`), so it does not count.
const SERVERS: [&[u8]; 5] = [b"telnetd", b"utelnetd", b"in.telnetd", b"dropbear", b"rlogind"];

/// Directories of links and scripts that are run at boot.
const BOOT: [&[u8]; 5] = [b"etc/rc.d", b"etc/rcS.d", b"etc/rc2.d", b"etc/rc3.d", b"etc/init.d"];

/// Files whose lines start servers.
const FILES: [&[u8]; 5] = [b"etc/inetd.conf", b"etc/inittab", b"etc/init.d/rcS", b"etc/rcS", b"etc/rc.local"];

/// The first that is found: a process, or the file that starts it. Empty: none.
pub fn find<H: Host>(host: &H, coverage: &mut Coverage) -> Bytes<LIBRARY_BYTES> {
    let mut found = Bytes::new();
    let mut look = |place: &[u8], looked: Result<(), Fault>| match looked {
        Err(fault) if fault.is_absence() || fault == Fault::NotDirectory => {}
        Err(fault) => coverage.gap(place, format_args!("{fault}; a login service may be started there")),
        Ok(()) => {}
    };
    look(b"proc", running(host, &mut found));
    for dir in BOOT {
        if found.is_empty() {
            look(dir, linked(host, dir, &mut found));
        }
    }
    for file in FILES {
        if found.is_empty() {
            look(file, names_server(host, file, &mut found));
        }
    }
    found
}

fn running<H: Host>(host: &H, found: &mut Bytes<LIBRARY_BYTES>) -> Result<(), Fault> {
    let proc = host.dir(b"proc")?;
    host.list(&proc, &mut |name| {
        let Some(pid) = crate::facts::text::decimal32(name).filter(|_| found.is_empty()) else { return };
        let stat = proc::open(host, &proc, pid).and_then(|dir| proc::stat(host, &proc, &dir, pid));
        let Ok(stat) = stat else { return };
        if SERVERS.contains(&stat.comm.as_slice()) {
            found.push(stat.comm.as_slice());
        }
    })
}

/// `S50telnet`, `S19dropbear`.
fn linked<H: Host>(host: &H, at: &[u8], found: &mut Bytes<LIBRARY_BYTES>) -> Result<(), Fault> {
    let dir = host.dir(at)?;
    host.list(&dir, &mut |name| {
        let service = name.strip_prefix(b"S").unwrap_or_default();
        let digits = service.iter().take_while(|b| b.is_ascii_digit()).count();
        let service = service.get(digits..).filter(|_| digits > 0).unwrap_or_default();
        let starts = service == b"telnet" || SERVERS.contains(&service);
        let empty = matches!(host.kind_at(&dir, name), Ok(Kind::File(file)) if file.size == 0);
        if starts && !empty && found.is_empty() {
            for part in [b"/", at, b"/", name] {
                found.push(part);
            }
        }
    })
}

fn names_server<H: Host>(host: &H, path: &[u8], found: &mut Bytes<LIBRARY_BYTES>) -> Result<(), Fault> {
    let (mut file, _) = host.file(path)?;
    rows_within(&mut file, SMALL_FILE_BYTES, &mut |row| {
        let row = row.unwrap_or_default().split(|b| *b == b'#').next().unwrap_or_default();
        let mut words = row.split(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'.' | b'-' | b'_'));
        if found.is_empty() && words.any(|word| SERVERS.contains(&word)) {
            found.push(b"/");
            found.push(path);
        }
    })
}
