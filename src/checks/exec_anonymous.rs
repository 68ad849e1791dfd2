//! Code in a process that belongs to no file.
//!
//! # Sees
//! Memory of no file that is writable and executable at once, or executable memory of a file that was removed from an odd
//! place or that lived in memory only (`memfd`), other than the program itself.
//!
//! # Why it matters
//! An implant that is injected into a daemon, or a library that is loaded and deleted, runs under a name that everybody
//! trusts and leaves no file to be found.
//!
//! # Misses and false alarms
//! Silent for programs that compile while they run (LuaJIT, node, Java, PHP, Ruby, Erlang, .NET, QEMU, browsers), in any
//! place but a volatile or hidden one, and where a library is mapped that does (PCRE, libffi) or whose threads have
//! executable stacks (LinuxThreads, old uClibc). Silent where everything is executable anyway: old MIPS and ARM, programs
//! without `PT_GNU_STACK`. `notice` where the stack is executable and there are threads, which inherit that, and
//! for a library removed from a mounted disk (Entware after an upgrade). Missed: code that is made executable and no
//! longer writable, and code in the processes that are silent.
//!
//! # Sources
//! proc_pid_maps(5); personality(2) `READ_IMPLIES_EXEC`; memfd_create(2); uClibc `libpthread/linuxthreads.old/manager.c`;
//! MITRE ATT&CK T1055.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::{Place, place};
use crate::facts::process::Process;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "exec-anonymous",
    area: Area::Process,
    severity: Severity::Suspicious,
    attack: "T1055",
    title: "memory that is run and that belongs to no file",
    advice: Advice::PROGRAM,
    sources: &[Source::Memory],
    hooks: &[Hook::Process(run)],
};

/// What programs begin with that compile while they run. PUC Lua does not.
const COMPILERS: [&[u8]; 38] = [
    b"beam.smp",
    b"box64",
    b"box86",
    b"bun",
    b"chrom",
    b"deno",
    b"dotnet",
    b"erl",
    b"firefox",
    b"gjs",
    b"java",
    b"julia",
    b"luajit",
    b"memcheck-",
    b"mono",
    b"node",
    b"openresty",
    b"php",
    b"polkitd",
    b"pwsh",
    b"pypy",
    b"qemu-",
    b"qjs-jit",
    b"rosetta",
    b"ruby",
    b"snort",
    b"suricata",
    b"texlua",
    b"valgrind",
    b"wasm",
    b"wine",
    b"FEXInterpreter",
    b"kresd",
    b"mongod",
    b"nvim",
    b"rspamd",
    b"sbcl",
    b"tarantool",
];

/// Files without a name in which libraries that compile keep their code.
const CODE_FILES: [&[u8]; 5] =
    [b"/memfd:JITCode", b"/memfd:doublemapper", b"/memfd:libffi", b"/memfd:sljit", b"/tmp/ffi"];

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let memory = &process.memory;
    if memory.all_executable || !process.is_alive() || ctx.is_own(process) || compiles(process) {
        return;
    }
    let gone = memory.removed_code.as_slice();
    let excused = memory.makes_code && CODE_FILES.iter().any(|file| gone.starts_with(file));
    if !gone.is_empty() && !excused {
        let on_mount = place(gone) == Place::Mount;
        let severity = if on_mount { Severity::Notice } else { CHECK.severity };
        let draft = out.process(process).severity(severity).say("it runs code of ").quote(gone);
        // So the kernel shows memory of no file that several processes share (mm/shmem.c, `shmem_zero_setup`).
        let shared = gone == b"/dev/zero";
        return out.found(draft.say(if shared {
            ": shared memory of no file"
        } else {
            ", which was removed"
        }));
    }
    if memory.writable_code == 0 || memory.makes_code {
        return;
    }
    let stacks = memory.executable_stack && process.stat.threads > 1;
    let severity = if stacks { Severity::Notice } else { CHECK.severity };
    let draft =
        out.process(process).severity(severity).say("mappings of no file that can be written and run: ");
    let draft = draft.number(memory.writable_code);
    out.found(if stacks { draft.say("; stacks of threads may be") } else { draft });
}

/// Whether the program compiles while it runs, as far as its name and place can be believed.
fn compiles(process: &Process) -> bool {
    matches!(process.place(), Some(Place::Firm | Place::Mount))
        && COMPILERS.iter().any(|name| process.program().starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};
    use crate::facts::maps::Memory;
    use Severity::{Notice, Suspicious};

    fn with(exe: &[u8], rows: &[&str]) -> Process {
        let mut process = process(812, b"x", exe, b"x\0");
        for row in rows {
            assert!(process.memory.row(row.as_bytes(), exe), "{row}");
        }
        process
    }

    const TEXT: &str = "00400000-00410000 r-xp 00000000 1f:03 42 /usr/sbin/x";
    const CODE: &str = "77000000-77010000 rwxp 00000000 00:00 0 ";
    const STACK: &str = "7fd00000-7fd21000 rwxp 00000000 00:00 0 [stack]";

    #[test]
    fn code_of_no_file() {
        for exe in [&b"/usr/sbin/dropbear"[..], b"/usr/bin/lua", b"/tmp/node", b"/usr/lib/.x/java"] {
            let text = String::from_utf8_lossy(exe);
            assert_eq!(severities(&CHECK, &with(exe, &[TEXT, CODE])), [Suspicious], "{text}");
        }
        assert_eq!(severities(&CHECK, &with(b"/usr/sbin/x", &[CODE, STACK])), [Suspicious]);
        let mut threads = with(b"/usr/sbin/x", &[CODE, STACK]);
        threads.stat.threads = 4;
        assert_eq!(severities(&CHECK, &threads), [Notice]);
    }

    #[test]
    fn code_of_files_that_are_gone() {
        for (row, expected) in [
            ("7000-8000 r-xp 0 00:10 9 /tmp/x.so (deleted)", Suspicious),
            ("7000-8000 r-xp 0 00:01 9 /memfd:x (deleted)", Suspicious),
            ("7000-8000 rwxs 0 00:01 9 /dev/zero (deleted)", Suspicious),
            ("7000-8000 r-xp 0 00:01 9 /memfd:libffi (deleted)", Suspicious),
            ("7000-8000 r-xp 0 08:01 9 /tmp/mnt/sda1/entware/lib/libssl.so.3 (deleted)", Notice),
        ] {
            assert_eq!(severities(&CHECK, &with(b"/usr/sbin/x", &[TEXT, row])), [expected], "{row}");
        }
        // The library is no excuse for what is not its own.
        let rows = [
            "7000-8000 r-xp 0 fe:00 9 /usr/lib/libpcre2-8.so.0",
            "9000-a000 r-xp 0 00:10 9 /tmp/x (deleted)",
        ];
        assert_eq!(severities(&CHECK, &with(b"/usr/sbin/nginx", &rows)), [Suspicious]);
    }

    #[test]
    fn code_that_is_made_for_a_reason() {
        for exe in
            [&b"/usr/bin/luajit-2.1.0"[..], b"/usr/bin/node", b"/usr/bin/qemu-mips", b"/opt/java/bin/java"]
        {
            assert_eq!(severities(&CHECK, &with(exe, &[TEXT, CODE])), [], "{}", String::from_utf8_lossy(exe));
        }
        for row in [
            "7000-8000 r-xp 0 fe:00 9 /usr/lib/libpcre.so.1.2.13",
            "7000-8000 r-xp 0 1f:02 9 /lib/libpthread-0.9.33.2.so",
            "00411000-00422000 rwxp 00000000 00:00 0 [heap]",
        ] {
            assert_eq!(severities(&CHECK, &with(b"/usr/sbin/httpd", &[TEXT, row, CODE])), [], "{row}");
        }
        let ffi = [
            "7000-8000 r-xp 0 fe:00 9 /usr/lib/libffi.so.8",
            "9000-a000 rwxs 0 00:01 9 /memfd:libffi (deleted)",
        ];
        assert_eq!(severities(&CHECK, &with(b"/usr/bin/python3.11", &ffi)), []);
        // Where whatever can be read can be run, so can the memory that a server shares with its children.
        let old = ["00411000-00422000 rwxp 0 00:00 0 [heap]", "9000-a000 rwxs 0 00:01 9 /dev/zero (deleted)"];
        assert_eq!(severities(&CHECK, &with(b"/usr/sbin/nginx", &old)), []);
        assert_eq!(severities(&CHECK, &with(b"/usr/sbin/x", &[TEXT])), []);
        assert_eq!(severities(&CHECK, &Process { pid: OWN_PID, ..with(b"/tmp/gatewatch", &[CODE]) }), []);
        let zombie = Process { memory: Memory::default(), ..with(b"", &[]) };
        assert_eq!(severities(&CHECK, &zombie), []);
    }
}
