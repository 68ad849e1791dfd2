//! Memory that can be run: `/proc/PID/maps`, a row at a time, one small value out.

use super::place::place;
use super::text::{Bytes, basename, behind, fields, hex64, is_one_of, one_of};
use crate::limits::LIBRARY_BYTES;

/// What the mappings of a process tell (proc_pid_maps(5)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Mappings that belong to no file and are writable and executable at once.
    pub writable_code: u32,
    /// The heap or the program's own data is executable too: this program, or this processor, makes everything so
    /// (`READ_IMPLIES_EXEC`, personality(2); programs without `PT_GNU_STACK` on old MIPS and ARM), and so it says nothing.
    pub all_executable: bool,
    /// The first executable mapping of a file that was removed from an odd place or that lives in memory only.
    pub removed_code: Bytes<LIBRARY_BYTES>,
    /// A library that makes code while it runs is mapped.
    pub makes_code: bool,
    /// The stack is executable, and so the stacks of threads are too (nptl/allocatestack.c, `GL(dl_stack_flags)`).
    pub executable_stack: bool,
    /// The end of the stack, once it was seen: the MIPS kernel keeps a page of its own above it.
    stack_end: u64,
}

/// What libraries begin with that make code while they run, and so have such memory for a reason. LinuxThreads
/// (`libpthread-0.9.33.2.so` of uClibc) maps each thread's stack executable, libpthread/linuxthreads.old/manager.c.
const CODE_MAKERS: [&[u8]; 16] = [
    b"libluajit",
    b"libpcre",
    b"libffi",
    b"libjvm",
    b"libnode",
    b"libv8",
    b"libmozjs",
    b"libLLVM",
    b"libcoreclr",
    b"libclrjit",
    b"libmono",
    b"libgccjit",
    b"libphp",
    b"libjavascriptcore",
    b"libwasmtime",
    b"libpthread-0.",
];

/// What the kernel appends to the path of a file that has been removed (fs/d_path.c, `path_with_deleted`).
const REMOVED: &[u8] = b" (deleted)";

/// One page of most routers; the kernel's own page above the stack is one page.
const PAGE_BYTES: u64 = 4096;

impl Memory {
    /// Takes in one row, `start-end perms offset device inode path`; whether it was understood. `program` is the path of
    /// the process's own program, which other checks look at.
    pub fn row(&mut self, row: &[u8], program: &[u8]) -> bool {
        self.take(row, program).is_some()
    }

    fn take(&mut self, row: &[u8], program: &[u8]) -> Option<()> {
        let mut words = fields(row);
        let range = words.next()?;
        let permissions = words.next()?;
        let (device, inode) = (words.nth(1)?, words.next()?);
        // The path is what is left, blanks in it included.
        let path = behind(row, 5);
        let dash = range.iter().position(|b| *b == b'-')?;
        let (start, end) = (hex64(range.get(..dash)?)?, hex64(range.get(dash.checked_add(1)?..)?)?);
        let [_, write, execute, _] = *permissions.first_chunk::<4>()?;
        let (write, execute) = (write == b'w', execute == b'x');
        let anonymous = inode == b"0" && is_one_of(device, b"00:00 0:0");
        if path == b"[stack]" {
            self.stack_end = end;
        }
        if execute && write {
            let is = one_of(path);
            match path {
                _ if is(b"[stack]") => self.executable_stack = true,
                _ if is(b"[heap]") => self.all_executable = true,
                _ if path.starts_with(b"[v") => {}
                _ if anonymous && path.first() != Some(&b'/') => {
                    // arch/mips/kernel/vdso.c maps one page for emulated delay slots above the stack.
                    let kernels = self.stack_end != 0
                        && start >= self.stack_end
                        && end
                            .checked_sub(start)
                            .is_some_and(|length| length <= PAGE_BYTES.saturating_mul(4));
                    if !kernels {
                        self.writable_code = self.writable_code.saturating_add(1);
                    }
                }
                // The program's own data; that of another file may be somebody's doing.
                _ => self.all_executable |= path.strip_suffix(REMOVED).unwrap_or(path) == program,
            }
        }
        if execute && self.removed_code.is_empty() {
            let removed = path.strip_suffix(REMOVED).filter(|path| *path != program);
            if let Some(path) = removed.filter(|path| path.starts_with(b"/memfd:") || place(path).is_odd()) {
                self.removed_code = Bytes::of(path);
            }
        }
        let name = basename(path);
        let firm = execute && !path.ends_with(b" (deleted)") && !place(path).is_odd();
        self.makes_code |= firm && CODE_MAKERS.iter().any(|maker| name.starts_with(maker));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str]) -> Memory {
        let mut memory = Memory::default();
        for row in rows {
            assert!(memory.row(row.as_bytes(), b"/usr/sbin/x"), "{row}");
        }
        memory
    }

    const TEXT: &str = "00400000-00410000 r-xp 00000000 1f:03 42 /usr/sbin/x";

    #[test]
    fn code_that_somebody_wrote_into_memory() {
        let memory = of(&[TEXT, "77000000-77010000 rwxp 00000000 00:00 0 "]);
        assert_eq!((memory.writable_code, memory.all_executable), (1, false));
        assert_eq!(of(&[TEXT, "77000000-77010000 rwxp 00000000 00:00 0 [anon:x]"]).writable_code, 1);
        assert_eq!(of(&["77000000-77010000 rwxs 00000000 00:05 7 /dev/zero (deleted)"]).writable_code, 0);
    }

    #[test]
    fn memory_that_is_so_by_itself() {
        let mips = of(&[
            TEXT,
            "7fd00000-7fd21000 rwxp 00000000 00:00 0 [stack]",
            "7fff7000-7fff8000 rwxp 00000000 00:00 0 ",
            "7fffe000-80000000 r-xp 00000000 00:00 0 [vdso]",
        ]);
        assert_eq!((mips.writable_code, mips.all_executable), (0, false));
        let old = of(&["00411000-00422000 rwxp 00000000 00:00 0 [heap]", "77000000-77010000 rwxp 0 00:00 0"]);
        assert!(old.all_executable);
        assert!(of(&["00410000-00411000 rwxp 00010000 1f:03 42 /usr/sbin/x"]).all_executable);
        assert!(of(&["00410000-00411000 rwxp 00010000 1f:03 42 /usr/sbin/x (deleted)"]).all_executable);
        // What an implant maps so is no excuse for it.
        for row in ["7000-8000 rwxp 0 00:10 9 /tmp/y", "7000-8000 rwxs 0 00:01 9 /memfd:y (deleted)"] {
            assert!(!of(&[row]).all_executable, "{row}");
        }
        assert!(of(&["7000-8000 r-xp 0 fe:00 9 /usr/lib/x/libpcre2-8.so.0.11.2"]).makes_code);
    }

    #[test]
    fn code_of_files_that_are_gone() {
        let path = |row: &str| of(&[row]).removed_code.as_slice().to_vec();
        assert_eq!(path("7000-8000 r-xp 0 00:10 9 /tmp/a b.so (deleted)"), b"/tmp/a b.so");
        assert_eq!(path("7000-8000 r-xp 0 00:01 9 /memfd:x (deleted)"), b"/memfd:x");
        for quiet in [
            "7000-8000 r-xp 0 fe:00 9 /usr/lib/libssl.so.3 (deleted)",
            "7000-8000 rw-p 0 00:10 9 /tmp/x (deleted)",
            "7000-8000 r-xp 0 00:10 9 /usr/sbin/x (deleted)",
            "7000-8000 r-xp 0 00:10 9 /tmp/x.so",
        ] {
            assert_eq!(path(quiet), b"", "{quiet}");
        }
    }

    #[test]
    fn rows_cut_anywhere_are_refused_or_harmless() {
        let row = "77000000-77010000 rwxp 00000000 00:00 0 [stack]";
        for end in 0..row.len() {
            let _ = Memory::default().row(&row.as_bytes()[..end], b"");
        }
        for bad in [&b""[..], b"x", b"7000 rwxp 0 0:0 0", b"7000-8000 rw 0 0:0 0", b"zz-8000 rwxp 0 0:0 0"] {
            assert!(!Memory::default().row(bad, b""));
        }
    }
}
