//! Our own code in memory: the kernel has it in the program's file too, so that what was run need not stay.

use std::num::NonZeroUsize;
use std::os::raw::c_void;
use std::ptr::NonNull;

use gatewatch::facts::text::{fields, hex64};
use gatewatch::host::Host;
use gatewatch::source::rows;
use nix::sys::mman::{MmapAdvise, madvise};

use super::machine::Machine;

/// Where it lies.
#[derive(Debug)]
pub struct Code {
    start: NonNull<c_void>,
    length: NonZeroUsize,
}

impl Code {
    /// Finds it in `/proc/self/maps` (proc_pid_maps(5)): what holds this function, may be run and not be written.
    pub fn find(machine: &Machine) -> Option<Self> {
        #[expect(clippy::as_conversions, reason = "a function has an address in no other way")]
        let own = Self::find as *const ();
        let own = u64::try_from(own.addr()).ok()?;
        let mut found = None;
        let (mut file, _) = machine.file(b"proc/self/maps").ok()?;
        let _ = rows(&mut file, &mut |row| {
            let mut words = fields(row.unwrap_or_default());
            let (range, rights) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let mut ends = range.split(|byte| *byte == b'-').map(hex64);
            if let (Some(Some(start)), Some(Some(end)), b"r-xp") = (ends.next(), ends.next(), rights)
                && (start..end).contains(&own)
            {
                found = Some((start, end));
            }
        });
        let (start, end) = found?;
        let start = usize::try_from(start).ok()?;
        let length = usize::try_from(end).ok()?.checked_sub(start).and_then(NonZeroUsize::new)?;
        Some(Self { start: NonNull::new(std::ptr::with_exposed_provenance_mut(start))?, length })
    }

    /// Gives back the memory of what has been run until now; what is run next comes from the file, or from what the kernel
    /// still has of it.
    pub fn give_back(&self) {
        // SAFETY: nobody can have written into a private mapping without the right to, so that its pages are those of the file
        // (madvise(2), MADV_DONTNEED).
        let _ = unsafe { madvise(self.start, self.length.get(), MmapAdvise::MADV_DONTNEED) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_comes_again() {
        let code = Code::find(&Machine::live().unwrap()).unwrap();
        let resident = || {
            let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
            let start = format!("{:x}-", code.start.addr());
            let row =
                text.lines().skip_while(|row| !row.starts_with(&start)).find(|row| row.starts_with("Rss:"));
            row.unwrap().split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        // Other tests run meanwhile.
        let shrinks = || {
            let before = resident();
            code.give_back();
            resident() < before
        };
        assert!((0..100).any(|_| shrinks()));
    }
}
