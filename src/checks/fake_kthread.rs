//! A user process that shows itself as a kernel thread.
//!
//! # Sees
//! The first argument, or the name, is in brackets as `ps` shows kernel threads (`[kworker/0:1]`), or the name is
//! one that only the kernel gives, while the process has a program, arguments or memory of its own.
//!
//! # Why it matters
//! In a process list it looks like a dozen others and nobody opens it: 36 of 85 described families carry a name
//! that does not match what they are.
//!
//! # Misses and false alarms
//! True kernel threads have no program, no arguments and no address space, whoever their parent is (old kernels
//! give some to pid 1). A helper that the kernel starts is called `kworker/…` until it has executed its program,
//! so an accused process is read again. Titles with blanks in the brackets (`[lxc monitor] …`, `[celeryd: …]`)
//! are made by daemons. Names without a slash that daemons bear too (`watchdog`, `loop0`) are not judged.
//!
//! # Sources
//! proc_pid_stat(5) fields 2, 9, 23; kernel/kthread.c; kernel/workqueue.c `create_worker`; MITRE ATT&CK T1036.004.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::process::Process;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "fake-kthread",
    area: Area::Process,
    severity: Severity::Infected,
    attack: "T1036.004",
    title: "a user process that shows itself as a kernel thread",
    advice: Advice::INTRUDER,
    sources: &[Source::Processes],
    hooks: &[Hook::Process(run)],
};

/// How names begin that only the kernel gives: what `ps` shows on Linux 2.6.36 to 6.18. Before a slash stands
/// a kind, behind it a processor or a number; a program's own name, made of its file's, has no slash.
const KERNEL_NAMES: [&[u8]; 26] = [
    b"kworker/",
    b"ksoftirqd/",
    b"migration/",
    b"rcu_",
    b"watchdog/",
    b"cpuhp/",
    b"events/",
    b"kblockd/",
    b"jbd2/",
    b"idle_inject/",
    b"irq/",
    b"aio/",
    b"ata/",
    b"crypto/",
    b"kintegrityd/",
    b"posix_cpu_timer/",
    b"kthreadd",
    b"kswapd",
    b"kdevtmpfs",
    b"khungtaskd",
    b"khelper",
    b"kcompactd",
    b"jffs2_gcd_mtd",
    b"ubi_bgt",
    b"mtdblock",
    b"bdi-default",
];

/// Names without a slash that no program of a router bears.
const KERNEL_WORDS: [&[u8]; 9] = [
    b"kworker",
    b"ksoftirqd",
    b"kauditd",
    b"bioset",
    b"writeback",
    b"migration",
    b"pdflush",
    b"khubd",
    b"kblockd",
];

fn run(process: &Process, _: &Ctx<'_>, out: &mut Out<'_>) {
    if !process.is_alive() || !process.is_user() {
        return;
    }
    let comm = process.stat.comm.as_slice();
    let argv0 = process.argv0();
    let (said, shown) = if is_bracketed(argv0) || is_kernels(argv0) {
        ("its first argument is ", argv0)
    } else if is_bracketed(comm) || is_kernels(comm) {
        ("its name is ", comm)
    } else {
        return;
    };
    let draft = out.process(process).say(said).quote(shown).say(", but it is a user process of parent ");
    out.found(draft.number(process.stat.ppid));
}

/// A name of the kernel's, in brackets or not, whatever stands behind it.
fn is_kernels(title: &[u8]) -> bool {
    let name = title.strip_prefix(b"[").unwrap_or(title);
    KERNEL_WORDS.contains(&name) || KERNEL_NAMES.iter().any(|kernels| name.starts_with(kernels))
}

/// `[name]`, nothing behind it and no blank inside, or only one before a number: `[nfsiod 0]` is J-magic's.
fn is_bracketed(title: &[u8]) -> bool {
    let Some(name) = title.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) else { return false };
    let mut words = name.splitn(2, |b| *b == b' ');
    let first = words.next().unwrap_or_default();
    let number = words.next().is_none_or(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit));
    !first.is_empty() && number && !first.iter().any(|b| matches!(b, b'[' | b']'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{process, severities};

    #[test]
    fn masks_of_kernel_threads() {
        for (comm, argv) in [
            (&b"sleep"[..], &b"[kworker/0:1]\x001000\0"[..]),
            (b"x", b"[jffs2_gcd_mtd7]\0\0\0\0"),
            (b"kworker/0:1", b"sleep\x001000\0"),
            (b"[kthreadd]", b"x\0"),
            (b"x", b"[watchdog]   "),
            (b"x", b"[nfsiod 0]\0"),
            (b"x", b"[kworker/0:1] 1\0"),
            (b"x", b"ksoftirqd/0\0"),
            (b"bioset", b"\0\0\0"),
        ] {
            let process = process(812, comm, b"/usr/bin/sleep", argv);
            assert_eq!(
                severities(&CHECK, &process),
                [Severity::Infected],
                "{}",
                String::from_utf8_lossy(argv)
            );
        }
    }

    #[test]
    fn true_kernel_threads_and_daemons() {
        let mut kernel = process(9, b"kworker/0:1", b"", b"");
        kernel.stat.ppid = 2;
        assert_eq!(severities(&CHECK, &kernel), []);
        for (comm, argv) in [
            (&b"["[..], &b"[\0-f\0/x\0]\0"[..]),
            (b"lxc-start", b"[lxc monitor] /var/lib/lxc c1\0"),
            (b"watchdog", b"watchdog\0-t\x0030\0/dev/watchdog\0"),
            (b"x", b"[]\0"),
        ] {
            let process = process(812, comm, b"/usr/bin/x", argv);
            assert_eq!(severities(&CHECK, &process), [], "{}", String::from_utf8_lossy(argv));
        }
        let mut zombie = process(812, b"kworker/0:1", b"", b"[kworker/0:1]\0");
        zombie.stat.state = b'Z';
        assert_eq!(severities(&CHECK, &zombie), []);
    }
}
