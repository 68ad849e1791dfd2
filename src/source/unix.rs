//! Sockets between processes of this machine: `/proc/net/unix`, and sock_diag as a second witness. One whose file was removed
//! has its name still.

use super::diag::{self, Diag};
use super::shown::{Shown, Suspects};
use super::{Coverage, rows_within};
use crate::facts::about::Endian;
use crate::facts::netlink::Question;
use crate::facts::unix::UnixSocket;
use crate::host::{Fault, Host};
use crate::limits::{HIDDEN_SOCKETS, SECOND_LOOK_MS, UNIX_BYTES};

const PATH: &[u8] = b"proc/net/unix";

/// Hands the name of every socket that has one to `each`.
pub fn names<H: Host>(host: &H, can: Diag, coverage: &mut Coverage, each: &mut dyn FnMut(&[u8])) {
    let mut named = |socket: &UnixSocket| {
        if !socket.name.is_empty() {
            each(socket.name.as_slice());
        }
    };
    let (mut understood, mut odd) = (false, 0_u32);
    let read = text(host, &mut |row| match row {
        Some(socket) => {
            understood = true;
            named(&socket);
        }
        None => odd = odd.saturating_add(1),
    });
    match read {
        Ok(Ok(())) if odd > 0 && !understood => {
            // A name may hold the end of a line, and then what follows is no row.
            coverage.gap(PATH, format_args!("{odd} rows not understood"));
        }
        Ok(Ok(())) => {}
        Ok(Err(fault)) => coverage.gap(PATH, format_args!("{fault}")),
        Err(fault) => {
            let endian = host.about().endian.ok_or(Fault::NotFound);
            let told = endian.and_then(|endian| ask(host, can, endian, &mut named));
            // Older recordings and images have none.
            if host.about().live || fault != Fault::NotFound {
                diag::instead(coverage, PATH, fault, told);
            }
        }
    }
}

/// Hands every socket to `each` of which the kernel tells and which the text does not show, when looked at three times: as is
/// done with those that have ports.
pub fn hidden<H: Host>(
    host: &H,
    can: Diag,
    endian: Endian,
    shown: &mut Shown,
    coverage: &mut Coverage,
    each: &mut dyn FnMut(&UnixSocket),
) {
    // Where the text cannot be had, nothing is hidden by it.
    if !matches!(text(host, &mut |row| row.iter().for_each(|socket| shown.add(socket.inode))), Ok(Ok(()))) {
        return;
    }
    let _ = ask(host, can, endian, &mut |socket| shown.compare(socket.inode, Question::Unix));
    if shown.cut {
        coverage.gap(
            PATH,
            format_args!("more than {HIDDEN_SOCKETS} sockets are not shown that the kernel tells of"),
        );
    }
    let mut suspects = core::mem::take(&mut shown.suspects);
    for last in [false, true] {
        if suspects.is_empty() {
            return;
        }
        if last {
            host.pause(SECOND_LOOK_MS);
        }
        let number = |socket: &UnixSocket| u32::try_from(socket.inode).unwrap_or_default();
        let read = text(host, &mut |row| {
            suspects.retain(|(suspect, _)| row.as_ref().is_none_or(|socket| number(socket) != *suspect));
        });
        let mut alive = Suspects::new();
        let told = ask(host, can, endian, &mut |socket| {
            let suspect = (number(socket), Question::Unix);
            if matches!(read, Ok(Ok(()))) && suspects.contains(&suspect) {
                let _ = alive.push(suspect);
                if last {
                    each(socket);
                }
            }
        });
        suspects = if told.is_ok() { alive } else { Suspects::new() };
    }
}

/// Hands every row of the text to `each`, `None` for one that is not understood. The outer fault is that of opening it.
///
/// # Errors
/// When it cannot be read.
pub fn text<H: Host>(host: &H, each: &mut dyn FnMut(Option<UnixSocket>)) -> Result<Result<(), Fault>, Fault> {
    let (mut file, _) = host.file(PATH)?;
    let mut heading = true;
    Ok(rows_within(&mut file, UNIX_BYTES, &mut |row| {
        if !core::mem::take(&mut heading) {
            each(row.and_then(UnixSocket::parse));
        }
    }))
}

/// Hands every socket of the kernel's own answer to `each`.
///
/// # Errors
/// See [`Diag::ask`].
pub fn ask<H: Host>(
    host: &H,
    can: Diag,
    endian: Endian,
    each: &mut dyn FnMut(&UnixSocket),
) -> Result<(), Fault> {
    can.ask(host, endian, Question::Unix, &mut |body| {
        let socket = UnixSocket::message(body, endian);
        let understood = socket.is_some();
        socket.iter().for_each(&mut *each);
        understood
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::netlink::testing::{done, message, nested, word};
    use crate::host::memory::{Memory, Node};

    const HEADING: &str = "Num       RefCount Protocol Flags    Type St Inode Path\n";

    fn rows_of(sockets: &[(u32, &str)]) -> String {
        let row =
            |(inode, name): &(u32, &str)| format!("ff: 00000002 00000000 00010000 0001 01 {inode} {name}\n");
        HEADING.to_owned() + &sockets.iter().map(row).collect::<String>()
    }

    fn answer(sockets: &[(u32, &str)]) -> Vec<u8> {
        let little = Endian::Little;
        let body = |(inode, name): &(u32, &str)| {
            let name =
                if name.is_empty() { vec![] } else { nested(little, 0, &[name.as_bytes(), b"\0"].concat()) };
            [&[1, 1, 10, 0][..], &word(little, *inode), &[0; 8], &name].concat()
        };
        let messages = sockets.iter().map(|socket| message(little, 20, &body(socket)));
        messages.chain([done(little)]).flatten().collect()
    }

    fn named(machine: &Memory) -> (Vec<String>, String) {
        let (mut found, mut coverage) = (Vec::new(), Coverage::new());
        names(machine, Diag::of(machine), &mut coverage, &mut |name| {
            found.push(String::from_utf8(name.to_vec()).unwrap())
        });
        (found, String::from_utf8_lossy(coverage.reason().as_slice()).into_owned())
    }

    fn not_shown(machine: &Memory) -> Vec<String> {
        let (mut found, mut coverage) = (Vec::new(), Coverage::new());
        hidden(
            machine,
            Diag::of(machine),
            Endian::Little,
            &mut Box::new(Shown::new()),
            &mut coverage,
            &mut |socket| {
                found.push(format!("{} {}", socket.inode, String::from_utf8_lossy(socket.name.as_slice())));
            },
        );
        assert_eq!(coverage.gaps, 0);
        found
    }

    #[test]
    fn the_kernel_is_asked_where_the_text_cannot_be_had() {
        let machine = Memory::new();
        let all = [(7, "/run/a b"), (8, ""), (9, "/tmp/.x")];
        machine.file("proc/net/unix", rows_of(&all));
        let names = ["/run/a b", "/tmp/.x"].map(str::to_owned).to_vec();
        assert_eq!(named(&machine), (names.clone(), String::new()));
        machine.put("proc/net/unix", Node::Fails(Fault::Denied)).file("dumps/unix_diag.bin", answer(&all));
        let why = "proc/net/unix: permission denied; sock_diag was asked instead";
        assert_eq!(named(&machine), (names.clone(), why.to_owned()));
        machine.remove("proc/net/unix");
        assert_eq!(named(&machine), (names, String::new()));
        machine.file(
            "dumps/unix_diag.bin",
            message(Endian::Little, 2, &word(Endian::Little, 0_u32.wrapping_sub(1))),
        );
        let why = "proc/net/unix: not found; and sock_diag: permission denied";
        assert_eq!(named(&machine), (vec![], why.to_owned()));
        machine.remove("dumps");
        assert_eq!(named(&machine), (vec![], "proc/net/unix: not found".to_owned()));
    }

    #[test]
    fn what_the_text_hides() {
        let machine = Memory::new();
        machine.file("proc/net/unix", rows_of(&[(7, "/run/x")]));
        assert_eq!(not_shown(&machine), [""; 0]);
        machine.file("dumps/unix_diag.bin", answer(&[(7, "/run/x"), (9, "/tmp/.x"), (0, "/gone")]));
        assert_eq!(not_shown(&machine), ["9 /tmp/.x"]);
        // One that came up between the two, and one that was there only then.
        machine.on_pause(|machine| {
            machine.file("proc/net/unix", rows_of(&[(7, "/run/x"), (9, "/tmp/.x")]));
        });
        assert_eq!(not_shown(&machine), [""; 0]);
        machine.file("proc/net/unix", rows_of(&[(7, "/run/x")])).on_pause(|machine| {
            machine.file("dumps/unix_diag.bin", answer(&[(7, "/run/x")]));
        });
        assert_eq!(not_shown(&machine), [""; 0]);
        machine.remove("proc/net/unix").file("dumps/unix_diag.bin", answer(&[(9, "/tmp/.x")]));
        assert_eq!(not_shown(&machine), [""; 0], "there is no text to hide it");
    }
}
