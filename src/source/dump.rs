//! The answer to a question that was put to the kernel over netlink, message by message.

use embedded_io::Read;

use crate::facts::about::Endian;
use crate::facts::netlink::{Next, Question, next};
use crate::host::{Dump, Fault, Host};
use crate::limits::NETLINK_BYTES;

/// Hands the type and the body of every message to `each`, until that says that it does not understand one.
///
/// # Errors
/// [`Fault::NotFound`] where the kernel has no answer and nobody recorded one, or why it refuses; [`Fault::Large`] for a
/// message with more than [`NETLINK_BYTES`]; [`Fault::Garbled`] for one that `each` does not understand, and for a dump that
/// ends in the middle. What came before has been handed out.
pub fn each<H: Host>(
    host: &H,
    endian: Endian,
    question: Question,
    each: &mut dyn FnMut(u16, &[u8]) -> bool,
) -> Result<(), Fault> {
    read(host.dump(Dump::Netlink(question))?, endian, each)
}

/// The same of an answer that has been asked for.
///
/// # Errors
/// See [`each`].
pub fn read<F: Read<Error = Fault>>(
    mut dump: F,
    endian: Endian,
    each: &mut dyn FnMut(u16, &[u8]) -> bool,
) -> Result<(), Fault> {
    // A datagram of the kernel's holds whole messages, a read of a recording does not.
    let (mut buffer, mut filled) = ([0_u8; NETLINK_BYTES], 0_usize);
    loop {
        let room = buffer.get_mut(filled..).filter(|room| !room.is_empty()).ok_or(Fault::Large)?;
        let length = dump.read(room)?;
        if length == 0 {
            return Err(Fault::Garbled);
        }
        filled = filled.saturating_add(length).min(NETLINK_BYTES);
        let mut used = 0_usize;
        loop {
            let rest = buffer.get(used..filled).unwrap_or_default();
            match next(rest, endian) {
                Next::Message(kind, body, length) => {
                    if !each(kind, body) {
                        return Err(Fault::Garbled);
                    }
                    used = used.saturating_add(length);
                }
                Next::More => break,
                Next::Done => return Ok(()),
                Next::Refused(number) => return Err(refused(number)),
            }
        }
        buffer.copy_within(used..filled, 0);
        filled = filled.saturating_sub(used);
    }
}

/// An error number of the kernel's (errno(3)) as ours; those that matter have the same number on every architecture.
const fn refused(number: i32) -> Fault {
    match number {
        0 => Fault::Garbled,
        1 | 13 => Fault::Denied,
        2 => Fault::NotFound,
        other => Fault::Errno(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::netlink::testing::{done, message, word};
    use crate::host::memory::Memory;

    fn told(bytes: Vec<u8>) -> (Vec<Vec<u8>>, Result<(), Fault>) {
        let machine = Memory::new();
        machine.file("dumps/routes.bin", bytes);
        let mut found = Vec::new();
        let read = each(&machine, Endian::Little, Question::Routes, &mut |_, body| {
            found.push(body.to_vec());
            body != b"odd!"
        });
        (found, read)
    }

    #[test]
    fn messages_arrive_whole_or_not_at_all() {
        let little = Endian::Little;
        // The second one lies across the end of the buffer.
        let bodies = [vec![1; NETLINK_BYTES - 40], vec![2; 100], vec![3; 4]];
        let all: Vec<u8> = bodies.iter().flat_map(|body| message(little, 24, body)).collect();
        let whole = [all.clone(), done(little)].concat();
        assert_eq!(told(whole), (bodies.to_vec(), Ok(())));
        assert_eq!(told(all).1, Err(Fault::Garbled), "without its end");
        assert_eq!(told(message(little, 24, &[0; NETLINK_BYTES])).1, Err(Fault::Large));
        assert_eq!(told(message(little, 2, &word(little, 0_u32.wrapping_sub(13)))).1, Err(Fault::Denied));
        assert_eq!(told(message(little, 24, b"odd!")).1, Err(Fault::Garbled));
        let absent = each(&Memory::new(), little, Question::Links, &mut |_, _| true);
        assert_eq!(absent, Err(Fault::NotFound));
    }
}
