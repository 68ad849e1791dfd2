//! What is mounted where: `/proc/self/mountinfo`, or `/proc/mounts` where a kernel or a recording lacks that.

use super::{Coverage, records};
use crate::facts::mount::Mount;
use crate::facts::place::is_volatile_root;
use crate::facts::text::is_below;
use crate::host::{Fault, Host};
use crate::limits::{MOUNT_BYTES, MOUNTS};

/// What matters of a mount for what lies below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// It is a disk, and none of the volatile places itself.
    pub disk: bool,
    /// It is an image that was flashed.
    pub image: bool,
    /// It lives in memory, and is not the root.
    pub memory: bool,
    /// What belongs there is mounted when somebody looks.
    pub automatic: bool,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    start: u16,
    end: u16,
    below: Below,
}

/// The mounts of a machine.
#[derive(Debug)]
pub struct Mounts {
    points: heapless::Vec<u8, MOUNT_BYTES>,
    rows: heapless::Vec<Row, MOUNTS>,
    /// What is mounted on `/proc` last hides processes of others.
    hides_processes: bool,
    /// There are more than fit.
    full: bool,
}

impl Mounts {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { points: heapless::Vec::new(), rows: heapless::Vec::new(), hides_processes: false, full: false }
    }

    /// Whether `/proc` shows to nobody but root what belongs to others.
    #[must_use]
    pub const fn hides_processes(&self) -> bool {
        self.hides_processes
    }

    /// Whether there are more than fit, so that nothing is sure of what lies where.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// Whether something is mounted on this very path.
    #[must_use]
    pub fn is_on(&self, path: &[u8]) -> bool {
        self.iter().any(|(point, _)| point == path)
    }

    /// Whether nothing is known to be mounted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn add(&mut self, mount: &Mount<'_>) -> bool {
        if mount.point == b"/proc" {
            self.hides_processes = mount.hides_processes();
        }
        let below = Below {
            disk: mount.is_disk() && !is_volatile_root(mount.point),
            image: mount.is_image(),
            memory: mount.is_memory() && mount.point != b"/",
            automatic: mount.kind == b"autofs",
        };
        let bound = |length: usize| u16::try_from(length).ok();
        let Some(start) = bound(self.points.len()) else { return false };
        let whole = unescaped(mount.point).all(|byte| self.points.push(byte).is_ok());
        let Some(end) = bound(self.points.len()).filter(|_| whole) else { return false };
        self.rows.push(Row { start, end, below }).is_ok()
    }

    /// Every point with what it is.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Below)> {
        self.rows.iter().map(|row| {
            let point = self.points.get(usize::from(row.start)..usize::from(row.end));
            (point.unwrap_or_default(), row.below)
        })
    }

    /// The mount that a path lies on. Later mounts cover earlier ones on the same point.
    #[must_use]
    pub fn over(&self, path: &[u8]) -> Below {
        let mut nearest = (0, Below::default());
        for (point, below) in self.iter() {
            let covers = point == b"/" || is_below(path, point);
            if covers && point.len() >= nearest.0 {
                nearest = (point.len(), below);
            }
        }
        nearest.1
    }
}

impl Default for Mounts {
    fn default() -> Self {
        Self::new()
    }
}

/// A field without its escapes: `\040` is a blank, and so on (proc_pid_mountinfo(5)).
fn unescaped(field: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = field;
    core::iter::from_fn(move || {
        let (byte, after) = match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                let digits = [a, b, c].map(|digit| digit & 7);
                (digits.iter().fold(0_u8, |byte, digit| byte << 3 | digit), after)
            }
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        rest = after;
        Some(byte)
    })
}

/// Bytes of the longest row that is read whole: a point alone may have 4095, and blanks in it four times as many.
const LONGEST: usize = 8192;

/// Reads all mounts into the table and hands each to `each`.
pub fn read<H: Host>(
    host: &H,
    mounts: &mut Mounts,
    coverage: &mut Coverage,
    each: &mut dyn FnMut(&Mount<'_>),
) {
    type Parse = for<'a> fn(&'a [u8]) -> Option<Mount<'a>>;
    const TABLES: [(&[u8], Parse); 2] =
        [(b"proc/self/mountinfo", |row| Mount::parse_info(row)), (b"proc/mounts", |row| Mount::parse(row))];
    mounts.points.clear();
    mounts.rows.clear();
    (mounts.full, mounts.hides_processes) = (false, false);
    for (path, parse) in TABLES {
        let mut file = match host.file(path) {
            Ok((file, _)) => file,
            Err(fault) if fault.is_absence() => continue,
            Err(fault) => return coverage.gap(path, format_args!("{fault}")),
        };
        let (mut odd, mut full) = (0_u32, false);
        // Of a row that is too long, an overlay of many layers, only the options at its end are missing.
        let read = records::<LONGEST, _>(&mut file, b'\n', None, &mut |row, _| match parse(row) {
            Some(mount) => {
                coverage.fact();
                full |= !mounts.add(&mount);
                each(&mount);
            }
            None => odd = odd.saturating_add(1),
        });
        if let Err(fault) = read {
            coverage.gap(path, format_args!("{fault}"));
        }
        if odd > 0 {
            coverage.gap(path, format_args!("{odd} rows not understood"));
        }
        mounts.full = full;
        if full {
            coverage.gap(path, format_args!("there are more mounts than fit; the rest was not remembered"));
        }
        return;
    }
    if host.about().live {
        coverage.gap(b"/proc/self/mountinfo", format_args!("{}", Fault::NotFound));
    } else {
        coverage.absent = true;
    }
}
