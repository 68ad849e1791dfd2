//! What the monitor keeps beside itself, so that one that is started again does not tell everything again: the findings, as bytes.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::Secret;
use super::seen::{Entry, Now, Seconds, Seen};
use crate::facts::endpoint::Endpoint;
use crate::facts::text::Bytes;
use crate::limits::MONITOR_ROW_BYTES;
use crate::report::Severity;

/// What a file of it begins with; the digit is the version.
const MAGIC: &[u8] = b"gatewatch state 1\n";

/// Bytes of the sum at its end.
const SUM: usize = 8;

/// The first row.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    secret: Secret,
    /// What the kernel calls its own run.
    #[serde(borrow)]
    boot: &'a [u8],
    seconds: Seconds,
    date: Option<u64>,
}

/// A row for each finding.
#[derive(Serialize, Deserialize)]
struct Row<'a> {
    key: u64,
    #[serde(borrow)]
    check: &'a [u8],
    severity: Severity,
    first: Seconds,
    last: Seconds,
    told: Option<Seconds>,
    is_gone: bool,
    pid: Option<u32>,
    line: Option<u32>,
    local: Option<Endpoint>,
    remote: Option<Endpoint>,
    family: &'a [u8],
    name: &'a [u8],
    path: &'a [u8],
    client: &'a [u8],
}

/// The machine has no more to say than this: when it is, and which run of the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// When.
    pub now: Now,
    /// What the kernel calls its own run (`/proc/sys/kernel/random/boot_id`); empty where it has none.
    pub boot: &'a [u8],
}

/// Hands out the bytes to be kept, a piece a call.
///
/// # Errors
/// Those of `out`.
pub fn write<E>(
    seen: &Seen,
    secret: Secret,
    moment: Moment<'_>,
    out: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut sum = Sha256::new();
    let mut buffer = [0_u8; MONITOR_ROW_BYTES];
    let mut put = |bytes: &[u8]| {
        sum.update(bytes);
        out(bytes)
    };
    put(MAGIC)?;
    let Moment { now: Now { seconds, date }, boot } = moment;
    // There is always room: the sum of the parts is what the limit is made of.
    if let Ok(head) = postcard::to_slice(&Head { secret, boot, seconds, date }, &mut buffer) {
        put(head)?;
    }
    for entry in seen.iter() {
        let row = Row {
            key: entry.key,
            check: entry.check.as_slice(),
            severity: entry.severity,
            first: entry.first,
            last: entry.last,
            told: entry.told,
            is_gone: entry.is_gone,
            pid: entry.pid,
            line: entry.line,
            local: entry.local,
            remote: entry.remote,
            family: entry.family.as_slice(),
            name: entry.name.as_slice(),
            path: entry.path.as_slice(),
            client: entry.client.as_slice(),
        };
        if let Ok(row) = postcard::to_slice(&row, &mut buffer) {
            put(row)?;
        }
    }
    out(&end(sum))
}

fn end(sum: Sha256) -> [u8; SUM] {
    let digest: [u8; 32] = sum.finalize().into();
    digest.first_chunk().copied().unwrap_or_default()
}

/// Takes over what was kept. Returns the secret under which findings are known; `None` where the bytes are not whole or not
/// ours, and then nothing is taken.
#[must_use]
pub fn read(kept: &[u8], moment: Moment<'_>, seen: &mut Seen) -> Option<Secret> {
    let (body, sum) = kept.split_last_chunk::<SUM>()?;
    if *sum != end(Sha256::new_with_prefix(body)) {
        return None;
    }
    let (head, mut rest): (Head<'_>, _) = postcard::take_from_bytes(body.strip_prefix(MAGIC)?).ok()?;
    // Another run of the kernel began counting anew. How long the machine was off only a clock that was set tells.
    let is_same = head.boot == moment.boot && !head.boot.is_empty() && head.seconds <= moment.now.seconds;
    let off = moment.now.date.zip(head.date).map_or(0, |(now, then)| now.saturating_sub(then));
    let shift = if is_same {
        0
    } else {
        let off = Seconds::try_from(off).unwrap_or_default();
        moment.now.seconds.saturating_sub(head.seconds).saturating_sub(off)
    };
    while let Ok((row, more)) = postcard::take_from_bytes::<Row<'_>>(rest) {
        rest = more;
        seen.adopt(Entry {
            key: row.key,
            check: Bytes::of(row.check),
            severity: row.severity,
            first: row.first.saturating_add(shift),
            last: row.last.saturating_add(shift),
            told: row.told.map(|told| told.saturating_add(shift)),
            is_gone: row.is_gone,
            look: 0,
            told_by: 0,
            pid: row.pid,
            line: row.line,
            local: row.local,
            remote: row.remote,
            family: Bytes::of(row.family),
            name: Bytes::of(row.name),
            path: Bytes::of(row.path),
            client: Bytes::of(row.client),
        });
    }
    Some(head.secret)
}

#[cfg(test)]
mod tests {
    use super::super::seen::tests::finding;
    use super::super::storm::Storm;
    use super::*;
    use crate::limits::{COMM_BYTES, MONITOR_FINDINGS, MONITOR_STATE_BYTES, PATH_BYTES};
    use crate::report::{Client, Finding, State};

    const SECRET: Secret = *b"12345678";

    fn moment(seconds: Seconds, date: Option<u64>, boot: &str) -> Moment<'_> {
        Moment { now: Now { seconds, date }, boot: boot.as_bytes() }
    }

    fn kept(seen: &Seen, moment: Moment<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let out = &mut |part: &[u8]| -> Result<(), ()> {
            bytes.extend_from_slice(part);
            Ok(())
        };
        write(seen, SECRET, moment, out).unwrap();
        bytes
    }

    /// A table with one finding that was told at second 100, and when that was.
    fn one() -> Seen {
        let (mut seen, mut storm) = (Seen::new(), Storm::new());
        seen.begin();
        let now = Now { seconds: 100, date: Some(2_000_000_100) };
        assert!(seen.see(&finding("exe-deleted", b"/tmp/x"), 5, now, &mut storm).is_some());
        seen
    }

    /// What a monitor that was started then tells of that finding.
    fn after(kept: &[u8], moment: Moment<'_>) -> Option<(State, u64)> {
        let (mut seen, mut storm) = (Seen::new(), Storm::new());
        assert_eq!(read(kept, moment, &mut seen), Some(SECRET));
        seen.begin();
        let history = seen.see(&finding("exe-deleted", b"/tmp/x"), 5, moment.now, &mut storm);
        history.map(|history| (history.state, history.age_s))
    }

    #[test]
    fn one_that_is_started_again_goes_on() {
        let bytes = kept(&one(), moment(200, Some(2_000_000_200), "a"));
        // The same run of the kernel; its clock that people read does not matter.
        for date in [None, Some(2_000_000_300), Some(5_000_000_000)] {
            assert_eq!(after(&bytes, moment(300, date, "a")), None, "{date:?}");
        }
        assert_eq!(after(&bytes, moment(100 + 86_400, None, "a")), Some((State::Again, 86_400)));
        // After a reboot that took a minute, and one whose length nobody knows.
        assert_eq!(after(&bytes, moment(10, Some(2_000_000_260), "b")), None);
        assert_eq!(after(&bytes, moment(10, None, "b")), None);
        let day_later = moment(10, Some(2_000_000_200 + 86_400), "b");
        assert_eq!(after(&bytes, day_later), Some((State::Again, 86_500)));
        // A clock that went back meanwhile.
        assert_eq!(after(&bytes, moment(10, Some(1_900_000_000), "b")), None);
        // Kept at 1970, read with a clock that is set: no age of fifty years.
        let bytes = kept(&one(), moment(200, None, "a"));
        assert_eq!(after(&bytes, moment(10, Some(2_000_000_260), "b")), None);
        let later = moment(90_000, Some(2_000_090_000), "b");
        assert_eq!(after(&bytes, later), None, "counted from when it was kept");
    }

    #[test]
    fn what_is_not_whole_is_not_taken() {
        let now = moment(300, None, "a");
        let whole = kept(&one(), moment(200, None, "a"));
        let mut seen = Seen::new();
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end], now, &mut seen), None, "{end}");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 0x10;
            assert_eq!(read(&changed, now, &mut seen), None, "{place}");
        }
        assert_eq!(seen.iter().count(), 0);
        // Whole, but nonsense within: what is understood is taken.
        let mut odd = whole[..whole.len() - SUM].to_vec();
        odd.extend([0xff; 40]);
        let sum = end(Sha256::new_with_prefix(&odd));
        odd.extend(sum);
        assert_eq!(read(&odd, now, &mut seen), Some(SECRET));
        assert_eq!(seen.iter().count(), 1);
    }

    #[test]
    fn the_largest_has_room() {
        let (mut seen, mut storm) = (Seen::new(), Storm::new());
        let (name, path) = ([b'n'; COMM_BYTES], [b'p'; PATH_BYTES]);
        let far = Some(Endpoint { ip: [0xff; 16].into(), port: u16::MAX });
        let largest = Finding {
            family: &name,
            pid: Some(u32::MAX),
            line: Some(u32::MAX),
            name: &name,
            path: &path,
            local: far,
            remote: far,
            client: Some(Client::Named(&[b'c'; 200])),
            ..finding("a-check-whose-name-has-all-bytes-of-it", b"")
        };
        let now = Now { seconds: i64::MIN, date: Some(u64::MAX) };
        seen.begin();
        for key in 0..MONITOR_FINDINGS {
            seen.see(&largest, u64::MAX - u64::try_from(key).unwrap(), now, &mut storm);
        }
        let moment = Moment { now, boot: &[b'b'; 64] };
        let bytes = kept(&seen, moment);
        assert!(bytes.len() <= MONITOR_STATE_BYTES, "{}", bytes.len());
        let mut back = Seen::new();
        assert_eq!(read(&bytes, moment, &mut back), Some(SECRET));
        assert_eq!(back.iter().count(), MONITOR_FINDINGS);
    }
}
