//! Events as bytes, from the looking process to the reporting one: a 32-bit length and the event in postcard's
//! form. Both ends are the same program on the same machine, so nothing here outlives a run.

use embedded_io::Write;

use super::{Event, Incident, Sink, SinkFault, Summary};
use crate::limits::FRAME_BYTES;

/// Bytes of the length before each event.
const LENGTH: usize = 4;

/// Writes events.
#[derive(Debug)]
pub struct Encoder<'b, W> {
    to: W,
    buffer: &'b mut [u8; FRAME_BYTES],
}

impl<'b, W: Write> Encoder<'b, W> {
    /// Writes to `to`, making each event in `buffer` first.
    pub const fn new(to: W, buffer: &'b mut [u8; FRAME_BYTES]) -> Self {
        Self { to, buffer }
    }
}

/// Makes the bytes of an event at the beginning of `buffer`.
///
/// # Errors
/// When they do not fit.
pub fn encode<'b>(event: &Event<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], SinkFault> {
    let (length, body) = buffer.split_at_mut_checked(LENGTH).ok_or(SinkFault::TooLarge)?;
    let used = postcard::to_slice(event, body).map_err(|_| SinkFault::TooLarge)?.len();
    let prefix = u32::try_from(used).map_err(|_| SinkFault::TooLarge)?.to_le_bytes();
    length.copy_from_slice(&prefix);
    buffer.get(..LENGTH.saturating_add(used)).ok_or(SinkFault::TooLarge)
}

impl<W: Write> Sink for Encoder<'_, W> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        let frame = encode(event, self.buffer)?;
        self.to.write_all(frame).map_err(|_| SinkFault::Write)
    }

    fn incident(&mut self, _: &Incident<'_>) -> Result<(), SinkFault> {
        Ok(()) // The reporting process makes them.
    }

    fn summary(&mut self, _: &Summary<'_>) -> Result<(), SinkFault> {
        Ok(()) // The reporting process makes it.
    }
}

/// What the bytes received so far begin with.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
pub enum Next<'a> {
    /// An event, and how many bytes it took.
    Event(Event<'a>, usize),
    /// Not yet a whole event.
    More,
    /// No event: the sender is broken.
    Garbage,
}

/// Reads the event that `received` begins with.
#[must_use]
pub fn next(received: &[u8]) -> Next<'_> {
    let Some((length, rest)) = received.split_first_chunk::<LENGTH>() else { return Next::More };
    let Ok(length) = usize::try_from(u32::from_le_bytes(*length)) else { return Next::Garbage };
    if length > FRAME_BYTES {
        return Next::Garbage;
    }
    let Some(body) = rest.get(..length) else { return Next::More };
    match postcard::from_bytes(body) {
        Ok(event) => Next::Event(event, LENGTH.saturating_add(length)),
        Err(_) => Next::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Client, Finding, Severity};
    use super::*;
    use crate::facts::process::Owner;
    use crate::limits::PARENTS;
    use crate::report::Parent;

    #[test]
    fn an_event_comes_back_whole_or_not_at_all() {
        let finding = Finding {
            check: "c2-address",
            severity: Severity::Infected,
            attack: "T1071",
            family: b"trickbot",
            pid: Some(812),
            name: b"\xff\n",
            path: &[b'a'; 4095],
            uid: Some(0),
            owner: Some(Owner::Nobody),
            age_s: Some(60),
            parents: [Parent::default(); PARENTS],
            line: None,
            local: None,
            remote: Some(crate::facts::endpoint::Endpoint { ip: [198, 51, 100, 7].into(), port: 443 }),
            client: Some(Client::Named(b"lan-0123abcd")),
            detail: b"x",
            history: None,
        };
        let event = Event::Finding(finding);
        let (mut pipe, mut buffer) = (Vec::new(), [0; FRAME_BYTES]);
        let mut out = [0_u8; 8192];
        let mut at = &mut out[..];
        Encoder::new(&mut at, &mut buffer).event(&event).unwrap();
        let left = at.len();
        pipe.extend_from_slice(&out[..8192 - left]);
        for end in 0..pipe.len() {
            assert!(matches!(next(&pipe[..end]), Next::More), "{end}");
        }
        let Next::Event(back, used) = next(&pipe) else { panic!() };
        assert_eq!((back, used), (event, pipe.len()));
        assert!(matches!(next(&[0xff; 8]), Next::Garbage));
        assert!(matches!(next(&[1, 0, 0, 0, 0x77]), Next::Garbage));
    }
}
