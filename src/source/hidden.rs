//! Processes that are there and are not listed: what the kernel answers for, held against the listing of `/proc`.
//!
//! Whoever hides a process filters what directories list; the kernel still delivers signals to it and schedules it. So
//! each id is asked for by other means, and one that answers and is neither listed nor the thread of a listed process is
//! looked at again after a pause.

use super::proc::{self, Pids};
use super::{Coverage, fill, rows};
use crate::facts::process::Hidden;
use crate::facts::status::Status;
use crate::facts::text::{Bytes, decimal32, fields, trim};
use crate::host::{Dump, Fault, Host};
use crate::limits::{HIDDEN, NAMED_PIDS, PROBED_PIDS};

/// Ids that answered and were not listed.
pub type Suspects = heapless::Vec<u32, HIDDEN>;

/// Which ids are asked for: a part of them in each of several turns, for who must not take long at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// This turn, from 0.
    pub number: u32,
    /// Turns after which all ids have been asked for.
    pub of: u32,
}

impl Turn {
    /// All ids at once.
    pub const ALL: Turn = Turn { number: 0, of: 1 };

    /// The ids of this turn among those from 1 to `last`.
    fn range(self, last: u32) -> core::ops::RangeInclusive<u32> {
        let of = self.of.max(1);
        let each = last.div_ceil(of);
        let start = each.saturating_mul(self.number.checked_rem(of).unwrap_or_default());
        start.saturating_add(1)..=start.saturating_add(each).min(last)
    }
}

/// Asks for every id of a turn that was not listed, and keeps those that answer. To be asked for by name costs more than
/// all else, for the kernel makes and drops an entry for each that is not there: so where many ids may be in use, another
/// part of them is asked for so each day.
pub fn search<H: Host>(
    host: &H,
    proc: &H::Dir,
    (turn, day): (Turn, u32),
    listed: &Pids,
    hides: bool,
    suspects: &mut Suspects,
    coverage: &mut Coverage,
) {
    suspects.clear();
    if !host.about().live {
        return recorded(host, listed, suspects, coverage);
    }
    if hides && !may_trace(host) {
        let what = "it is mounted with hidepid, and only root with CAP_SYS_PTRACE sees everything then";
        return coverage.gap(b"/proc", format_args!("{what}"));
    }
    let (last, likely) = last_pid(host, listed, coverage);
    let named = Turn { number: day, of: likely.div_ceil(NAMED_PIDS) }.range(likely);
    let mut known = listed.iter().copied().peekable();
    let mut full = false;
    for pid in turn.range(last) {
        while known.next_if(|listed| *listed < pid).is_some() {}
        if known.peek() == Some(&pid) {
            coverage.fact();
            continue;
        }
        let answers = host.answers(pid);
        if answers.is_ok() {
            coverage.fact();
        }
        match answers {
            Ok(true) => {}
            // Asked by name, /proc may show what its listing does not. Asking costs less than opening.
            Ok(false) if named.contains(&pid) && host.kind_at(proc, proc::number(pid).as_slice()).is_ok() => {
            }
            Ok(false) => continue,
            Err(fault) => {
                let help = "only root may ask for every process";
                return coverage.gap(b"/proc", format_args!("{fault}: {help}"));
            }
        }
        if !is_known(host, proc, pid, listed) {
            full |= suspects.push(pid).is_err();
        }
    }
    if full {
        coverage.gap(b"/proc", format_args!("more than {HIDDEN} processes are not listed"));
    }
}

/// Whether we see every process ourselves.
fn may_trace<H: Host>(host: &H) -> bool {
    let mut status = Status::default();
    let Ok((mut file, _)) = host.file(b"proc/self/status") else { return false };
    let read = rows(&mut file, &mut |row| row.into_iter().for_each(|row| status.line(row)));
    read.is_ok() && status.may_trace()
}

/// Whether an id that answers is a thread of a listed process.
fn is_known<H: Host>(host: &H, proc: &H::Dir, pid: u32, listed: &Pids) -> bool {
    // `None`: /proc has nothing of it, or does not say whose thread it is.
    group(host, proc, pid).is_some_and(|group| group != pid && listed.binary_search(&group).is_ok())
}

/// The process that an id belongs to.
fn group<H: Host>(host: &H, proc: &H::Dir, pid: u32) -> Option<u32> {
    let dir = proc::open(host, proc, pid).ok()?;
    let mut status = Status::default();
    let mut file = host.file_at(&dir, b"status").ok()?;
    rows(&mut file, &mut |row| row.into_iter().for_each(|row| status.line(row))).ok()?;
    status.tgid
}

/// Looks at a suspect again: `listed` is a new listing. `None`: it has ended, or it has been listed since.
pub fn again<H: Host>(host: &H, proc: &H::Dir, pid: u32, listed: &Pids) -> Option<Hidden> {
    let in_proc = proc::open(host, proc, pid).is_ok();
    let answers = if host.about().live { host.answers(pid).unwrap_or_default() } else { true };
    if listed.binary_search(&pid).is_ok() || !(answers || in_proc) || is_known(host, proc, pid, listed) {
        return None;
    }
    let mut hidden = Hidden { pid, in_proc, ..Hidden::default() };
    if let Ok(dir) = proc::open(host, proc, pid) {
        if let Ok(stat) = proc::stat(host, proc, &dir, pid) {
            hidden.comm = stat.comm;
        }
        let _ = proc::exe(host, &dir, &mut hidden.path);
    }
    Some(hidden)
}

/// Ids of a 32-bit kernel (include/linux/threads.h, `PID_MAX_DEFAULT`).
const LEAST_PIDS: u32 = 32_768;

/// The highest id that can be in use. Ids are handed out in order and begin again behind `pid_max`
/// (proc_sys_kernel(5)), so as long as fewer processes were started than that, none is above the last one. With it, the
/// same as these files alone have it: whoever hides something may have written them.
fn last_pid<H: Host>(host: &H, listed: &Pids, coverage: &mut Coverage) -> (u32, u32) {
    let number = |path: &[u8], column: usize| {
        let mut text = Bytes::<128>::new();
        fill(&mut host.file(path).ok()?.0, &mut text).ok()?;
        decimal32(trim(fields(trim(text.as_slice())).nth(column)?))
    };
    let most = number(b"proc/sys/kernel/pid_max", 0).unwrap_or(LEAST_PIDS);
    let highest = listed.last().copied().unwrap_or_default();
    let newest = number(b"proc/loadavg", 4);
    let started = started(host);
    let never_again = matches!((newest, started), (Some(newest), Some(started))
        if started <= most && newest >= highest);
    let last = if never_again { newest.unwrap_or(most) } else { most };
    // Threads that started while this was read; and never fewer than a 32-bit kernel has, whatever these files say.
    let likely = last.saturating_add(64).min(most).max(highest).min(PROBED_PIDS);
    let last = last.saturating_add(64).min(most).max(LEAST_PIDS).max(highest);
    if last > PROBED_PIDS {
        coverage.gap(b"/proc", format_args!("process ids above {PROBED_PIDS} were not tried"));
    }
    (last.min(PROBED_PIDS), likely)
}

/// Processes and threads that were started since boot: `processes` in `/proc/stat` (proc_stat(5)).
fn started<H: Host>(host: &H) -> Option<u32> {
    let mut started = None;
    let (mut file, _) = host.file(b"proc/stat").ok()?;
    rows(&mut file, &mut |row| {
        if let Some(count) = row.and_then(|row| row.strip_prefix(b"processes ")) {
            started = decimal32(trim(count));
        }
    })
    .ok()?;
    started
}

/// What a recording's own search found: `PID TGID` a line, `-` where the process was not known.
fn recorded<H: Host>(host: &H, listed: &Pids, suspects: &mut Suspects, coverage: &mut Coverage) {
    let mut file = match host.dump(Dump::Pids) {
        Ok(file) => file,
        Err(Fault::NotFound) => {
            coverage.absent = true;
            return;
        }
        Err(fault) => return coverage.gap(b"dumps/pids", format_args!("{fault}")),
    };
    let (mut odd, mut full) = (0_u32, false);
    let read = rows(&mut file, &mut |row| {
        let row = row.unwrap_or(b"?");
        if row.is_empty() || row.first() == Some(&b'#') {
            return;
        }
        coverage.fact();
        let mut words = fields(row);
        let Some(pid) = words.next().and_then(decimal32) else {
            odd = odd.saturating_add(1);
            return;
        };
        let group = words.next().and_then(decimal32);
        let thread = group.is_some_and(|group| group != pid && listed.binary_search(&group).is_ok());
        if !thread && listed.binary_search(&pid).is_err() {
            full |= suspects.push(pid).is_err();
        }
    });
    // That nothing answered is an answer.
    coverage.fact();
    if read.is_err() || odd > 0 {
        coverage.gap(b"dumps/pids", format_args!("{odd} rows not understood"));
    }
    if full {
        coverage.gap(b"dumps/pids", format_args!("more than {HIDDEN} processes are not listed"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_share_the_ids_and_leave_none_out() {
        for (of, last) in [(1, 32_768), (8, 32_768), (3, 10), (16, 5)] {
            let mut all: Vec<u32> = (0..of).flat_map(|number| Turn { number, of }.range(last)).collect();
            all.sort_unstable();
            assert_eq!(all, (1..=last).collect::<Vec<_>>(), "{of} turns of {last}");
        }
        assert_eq!(Turn { number: 9, of: 8 }.range(32_768), Turn { number: 1, of: 8 }.range(32_768));
    }

    use crate::host::memory::Memory;

    fn machine() -> Memory {
        let machine = Memory::new();
        machine.process(1, "init", "/sbin/init", b"init\0").process(812, "x", "/bin/x", b"x\0");
        machine.file("proc/sys/kernel/pid_max", "32768\n").file("proc/loadavg", "0.1 0.1 0.1 1/9 900\n");
        machine.file("proc/stat", "cpu 1\nprocesses 950\n");
        machine
    }

    /// What is suspected at the first look, and what is left at the second.
    fn look(machine: &Memory, hide: &[u32], later: impl FnOnce(&Memory)) -> (Vec<u32>, Vec<u32>, Coverage) {
        let (mut suspects, mut coverage) = (Suspects::new(), Coverage::new());
        let mut listed = Pids::new();
        let dir = machine.dir(b"proc").unwrap();
        proc::pids(machine, &dir, &mut listed, &mut Coverage::new()).unwrap();
        listed.retain(|pid| !hide.contains(pid));
        search(machine, &dir, (Turn::ALL, 0), &listed, false, &mut suspects, &mut coverage);
        later(machine);
        let found =
            suspects.iter().filter_map(|pid| again(machine, &dir, *pid, &listed)).map(|found| found.pid);
        let found = found.collect();
        (suspects.to_vec(), found, coverage)
    }

    #[test]
    fn what_answers_and_is_not_listed() {
        let bare = machine();
        assert_eq!(look(&bare, &[], |_| {}).0, [0; 0]);
        bare.answering(&[700]);
        assert_eq!(look(&bare, &[], |_| {}).1, [700], "/proc has nothing of it");
        let filtered = machine();
        filtered.file("proc/812/status", "Tgid:\t812\n").mute(&[812]);
        assert_eq!(look(&filtered, &[812], |_| {}).1, [812], "asked by name, /proc has it");
    }

    #[test]
    fn threads_and_those_that_end_are_not_hidden() {
        let busy = machine();
        busy.file("proc/813/status", "Tgid:\t812\n");
        assert_eq!(look(&busy, &[813], |_| {}).0, [0; 0], "a thread of a listed process");
        assert_eq!(look(&busy, &[812, 813], |_| {}).1, [812, 813], "a thread of a hidden one");
        let ending = machine();
        ending.answering(&[700]);
        let (first, second, _) = look(&ending, &[], |machine| {
            machine.answering(&[]);
        });
        assert_eq!((first, second), (vec![700], vec![]));
    }

    #[test]
    fn no_id_beyond_the_last_one_is_tried_and_the_cost_has_an_end() {
        let asked = |machine: &Memory| look(machine, &[], |_| {}).2.facts;
        assert_eq!(asked(&machine()), 32_768, "whatever is said to be the last one");
        let young = machine();
        young.file("proc/sys/kernel/pid_max", "4194304\n").file("proc/loadavg", "0 0 0 1/9 50000\n");
        young.file("proc/stat", "processes 51000\n");
        assert_eq!(asked(&young), 50_064, "ids are handed out in order");
        let covered = machine();
        covered.file("proc/sys/kernel/pid_max", "1\n").file("proc/loadavg", "0 0 0 1/9 1\n");
        assert_eq!(asked(&covered), 32_768);
        let large = machine();
        large.file("proc/stat", "processes 9999999\n").file("proc/sys/kernel/pid_max", "4194304\n");
        let coverage = look(&large, &[], |_| {}).2;
        assert_eq!((coverage.facts, coverage.gaps), (PROBED_PIDS, 1));
    }

    #[test]
    fn names_are_asked_for_all_at_once_or_in_as_many_days_as_it_takes() {
        // Listed nowhere, and in /proc by its name only.
        let machine = machine();
        machine.file("proc/812/status", "Tgid:\t812\n").mute(&[812]);
        let found = |day: u32| {
            let (mut suspects, mut coverage) = (Suspects::new(), Coverage::new());
            let (dir, listed) = (machine.dir(b"proc").unwrap(), Pids::from_slice(&[1]).unwrap());
            search(&machine, &dir, (Turn::ALL, day), &listed, false, &mut suspects, &mut coverage);
            suspects.contains(&812)
        };
        assert!((0..8).all(found), "few ids are in use");
        machine.file("proc/stat", "processes 99999\n");
        let days: Vec<u32> = (0..8).filter(|day| found(*day)).collect();
        assert_eq!(days, [0, 4], "32,768 may be in use");
    }

    #[test]
    fn who_is_shown_a_part_accuses_nobody() {
        let machine = machine();
        machine.answering(&[700]);
        let asked = |machine: &Memory| {
            let (mut suspects, mut coverage) = (Suspects::new(), Coverage::new());
            let dir = machine.dir(b"proc").unwrap();
            search(machine, &dir, (Turn::ALL, 0), &Pids::new(), true, &mut suspects, &mut coverage);
            (suspects.len(), coverage.facts, coverage.gaps)
        };
        assert_eq!(asked(&machine), (0, 0, 1));
        machine.file("proc/self/status", "CapEff:\t000001ffffffffff\n");
        assert!(asked(&machine).0 > 0);
    }

    #[test]
    fn a_recording_tells_what_its_own_search_found() {
        let recorded = machine().tree(None);
        let (found, _, coverage) = look(&recorded, &[], |_| {});
        assert!(found.is_empty() && coverage.absent);
        recorded.file("dumps/pids", "# kill -0, 1 to 32768\n813 812\n700 -\n701 701\nnonsense\n");
        let (_, found, coverage) = look(&recorded, &[], |_| {});
        assert_eq!(found, [700, 701]);
        assert_eq!(coverage.reason().as_slice(), b"dumps/pids: 1 rows not understood");
    }
}
