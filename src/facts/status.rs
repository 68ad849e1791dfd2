//! Who a process is: `/proc/PID/status` in bytes, one small value out.

use super::text::{decimal32, fields, hex64, one_of, trim};

/// What `/proc/PID/status` tells beyond `stat` (proc_pid_status(5)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// `Tgid`: the process that this thread belongs to; its own id for a process. `None`: not said.
    pub tgid: Option<u32>,
    /// `TracerPid`: the process that traces this one (ptrace(2)); 0 for none, or for one outside this pid namespace.
    pub tracer: u32,
    /// `Uid`, second number: the effective user. `None`: not said.
    pub uid: Option<u32>,
    /// `CapEff`, a bit a capability (capabilities(7)). `None`: not said.
    pub capabilities: Option<u64>,
}

/// `CAP_SYS_PTRACE` (linux/capability.h): sees every process, whatever `hidepid` says.
const CAP_SYS_PTRACE: u32 = 19;

impl Status {
    /// Takes in one line. Lines of other keys, and such that are not understood, change nothing.
    pub fn line(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|b| *b == b':') else { return };
        let (key, value) = line.split_at(colon);
        let mut values = fields(value.get(1..).unwrap_or_default());
        let is = one_of(key);
        match key {
            _ if is(b"Tgid") => self.tgid = values.next().map(trim).and_then(decimal32),
            _ if is(b"TracerPid") => {
                self.tracer = values.next().map(trim).and_then(decimal32).unwrap_or_default();
            }
            b"Uid" => self.uid = values.nth(1).map(trim).and_then(decimal32),
            _ if is(b"CapEff") => self.capabilities = values.next().map(trim).and_then(hex64),
            _ => {}
        }
    }

    /// Whether it may look at every process.
    #[must_use]
    pub const fn may_trace(&self) -> bool {
        matches!(self.capabilities, Some(set) if set >> CAP_SYS_PTRACE & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_count() {
        let mut status = Status::default();
        for line in [
            &b"Name:\tTgid: 9"[..],
            b"Tgid:\t812",
            b"TracerPid:\t0",
            b"Uid:\t0\t1000\t0\t0",
            b"CapEff:\t0000000000080000",
            b"nonsense",
            b"",
        ] {
            status.line(line);
        }
        assert_eq!(
            status,
            Status { tgid: Some(812), tracer: 0, uid: Some(1000), capabilities: Some(1 << 19) }
        );
        assert!(status.may_trace());
        status.line(b"TracerPid:\t77");
        assert_eq!(status.tracer, 77);
        for cut in [&b"Uid:"[..], b"Uid:\t0", b"Tgid:\tx", b":", b"TracerPid:\t99999999999"] {
            status.line(cut);
        }
        assert_eq!(status, Status { capabilities: status.capabilities, ..Status::default() });
        status.line(b"CapEff:\t000001fffff7ffff");
        assert!(!status.may_trace());
    }
}
