//! A program whose SHA-256 an indicator file lists.
//!
//! # Sees
//! The program of every process, read as the kernel runs it even when its file was removed, and every program that a
//! startup file runs by its path, hashed and looked up.
//!
//! # Why it matters
//! A listed hash names the very file: there is no surer sign, and the family comes with it.
//!
//! # Misses and false alarms
//! One changed byte is another hash, and botnets build anew every week. `notice` for an indicator that has expired.
//! Without an indicator file that holds hashes there is nothing to compare with. At most 256 programs of startup files
//! are hashed, and none of more than 64 MiB; the verdict says when there were more. Of a recording, only the heads of
//! programs are there, so nothing matches.
//!
//! # Sources
//! proc_pid_exe(5); FIPS 180-4; MITRE ATT&CK T1204.002.

use crate::check::{Advice, Area, Check, Ctx, Draft, Hook, Out, Severity, Source};
use crate::facts::file::File;
use crate::facts::process::Process;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "exe-known-bad",
    area: Area::Process,
    severity: Severity::Infected,
    attack: "T1204.002",
    title: "a program whose SHA-256 an indicator file lists",
    advice: Advice::INTRUDER,
    sources: &[Source::Processes, Source::Startup, Source::Hashes],
    hooks: &[Hook::Process(process), Hook::File(file)],
};

fn process(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if let Some(sha256) = process.surroundings.sha256.filter(|_| !ctx.is_own(process)) {
        let draft = out.process(process).say("the program that runs is listed: SHA-256 ");
        compare(&sha256, draft, ctx, out);
    }
}

fn file(file: &File<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    if let Some(sha256) = file.sha256.filter(|_| !file.own) {
        let draft = out.file(file).say("this line runs ").quote(file.path).say(", which is listed: SHA-256 ");
        compare(&sha256, draft, ctx, out);
    }
}

fn compare(sha256: &[u8; 32], draft: Draft<'_>, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let Some(hit) = ctx.known_bad(sha256) else { return };
    let expired = ctx.is_past(hit.expires);
    let draft = sha256.iter().fold(draft.family(hit.family.as_bytes()), |draft, byte| draft.hex(*byte));
    out.found(if expired {
        draft.severity(Severity::Notice).say("; the indicator has expired")
    } else {
        draft
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{BAD_SHA256, OWN_PID, file as of_file, lying, process, severities};
    use crate::facts::file::Role;

    fn running(pid: u32, sha256: Option<[u8; 32]>) -> Vec<Severity> {
        let mut process = process(pid, b"x", b"/usr/bin/x", b"x\0");
        process.surroundings.sha256 = sha256;
        severities(&CHECK, &process)
    }

    #[test]
    fn a_listed_program_that_runs_or_is_started() {
        assert_eq!(running(812, Some(BAD_SHA256)), [Severity::Infected]);
        let started = File {
            sha256: Some(BAD_SHA256),
            by: b"/etc/rc.local",
            line: 3,
            ..lying(b"/usr/bin/x", Role::Startup)
        };
        assert_eq!(of_file(&CHECK, &started), [Severity::Infected]);
    }

    #[test]
    fn any_other_program() {
        assert_eq!(running(812, None), []);
        assert_eq!(running(812, Some([7; 32])), []);
        assert_eq!(running(OWN_PID, Some(BAD_SHA256)), []);
        assert_eq!(of_file(&CHECK, &lying(b"/usr/bin/x", Role::Startup)), []);
    }
}
