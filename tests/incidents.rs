//! One intruder is one incident, with its whole story, in every format: really planted, and in trees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/net.rs"]
mod net;
#[path = "common/scan.rs"]
mod scan;

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

use net::{At, Filter, Net};
use scan::{GATEWATCH, Log, Outcome, Ran, Tree, UNSIGNED, clean, intel, run, scan};
use serde_json::Value;

/// What a scan says of intruders in a pid namespace of the router, in which nothing else runs: in JSON, as text, in the log.
struct Said {
    json: Outcome,
    text: String,
    log: Vec<String>,
    pids: Vec<String>,
}

/// Runs the startup files, waits until what they start has removed its file and speaks, and scans.
const SCRIPT: &str = r#"
mount -t sysfs none /sys && mount --bind "$dir/init.d" /etc/init.d && mount --bind "$dir" /mnt &&
    mount --bind "$logs" /media && mount --bind /mnt/tmp /tmp && cd / || exit 70
for service in $services; do /etc/init.d/$service; done
for remote in $remotes; do until grep -q "$remote:01BB 01" /proc/net/tcp; do :; done; done
rm /tmp/*/.x
for pid in /proc/[0-9]*; do
    case $(readlink $pid/exe) in *" (deleted)") echo ${pid#/proc/} >>/mnt/pids;; esac
done
"$0" scan -v --format json "$@" >/mnt/json; status=$?
"$0" scan --no-color "$@" >/mnt/text; [ $? = $status ] || exit 71
"$0" scan -q --syslog=/media/log "$@" >/dev/null; [ $? = $status ] || exit 72
exit $status
"#;

/// One intruder for each of these: a startup file starts a program from `/tmp` that speaks to a listed address.
fn planted(net: &Net, remotes: &[&str]) -> Said {
    let _world = net.listen(At::World, "0.0.0.0:443");
    let tree = Tree::new().dir("init.d").dir("tmp");
    let copied =
        Command::new("cp").args(["-a", "/etc/init.d/."]).arg(tree.path().join("init.d")).status().unwrap();
    assert!(copied.success());
    let (mut services, mut hexadecimal) = (Vec::new(), Vec::new());
    for (at, remote) in remotes.iter().enumerate() {
        let program = tree.path().join(format!("tmp/gw{at}"));
        fs::create_dir(&program).unwrap();
        let copied = Command::new("cp").arg("/usr/bin/socat").arg(program.join(".x")).status().unwrap();
        assert!(copied.success(), "scripts/setup installs socat");
        let path = tree.path().join(format!("init.d/gwstory{at}"));
        let line = format!("#!/bin/sh\n/tmp/gw{at}/.x TCP:{remote}:443 PIPE >/dev/null &\n");
        fs::write(&path, line).unwrap();
        assert!(Command::new("chmod").arg("+x").arg(&path).status().unwrap().success());
        services.push(format!("gwstory{at}"));
        let ip: std::net::Ipv4Addr = remote.parse().unwrap();
        hexadecimal.push(format!("{:08X}", u32::from_ne_bytes(ip.octets())));
    }
    let log = Log::new();
    let list = intel("live.gwi");
    let ran = net.inside(At::Router, || {
        let mut command = Command::new("unshare");
        command.args(["-m", "-p", "-f", "--mount-proc", "--kill-child", "sh", "-c", SCRIPT, GATEWATCH]);
        command.args([UNSIGNED, "--intel", list.to_str().unwrap()]);
        command.env("dir", tree.path()).env("logs", log.path.parent().unwrap());
        run(command.env("services", services.join(" ")).env("remotes", hexadecimal.join(" ")))
    });
    let read =
        |name: &str| fs::read(tree.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}: {ran:?}"));
    let (stdout, text, pids) = (read("json"), read("text"), read("pids"));
    let json = Outcome::of(Ran { stdout, status: ran.status, stderr: ran.stderr });
    let log = log.lines().into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
    let pids = clean(&pids).lines().map(str::to_owned).collect();
    Said { json, text: clean(&text).to_owned(), log, pids }
}

fn word<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

#[test]
fn startup_file_program_and_connection_are_one_incident() {
    let net = Net::new(Filter::Nft);
    let said = planted(&net, &["198.51.100.7"]);
    let [incident] = &said.json.incidents[..] else { panic!("{:#?}", said.json.incidents) };
    assert_eq!((said.json.status, word(incident, "severity")), (2, "infected"));
    assert_eq!((word(incident, "family"), word(incident, "remote")), ("trickbot", "198.51.100.7:443"));
    assert_eq!(word(incident, "path"), "/tmp/gw0/.x");
    let story = word(incident, "story").to_owned();
    let [pid] = &said.pids[..] else { panic!("{:?}", said.pids) };
    assert_eq!(incident["pid"].to_string(), *pid);
    let parts = [
        format!("pid {pid} (/tmp/gw0/.x, deleted"),
        "started by /etc/init.d/gwstory0:2 (not in the packages)".to_owned(),
        "speaks to 198.51.100.7:443 (listed: trickbot)".to_owned(),
    ];
    assert!(parts.iter().all(|part| story.contains(part)), "{story}");
    let found: Vec<_> =
        incident["findings"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    for id in ["exe-deleted", "startup-volatile", "startup-added", "c2-address"] {
        assert!(found.contains(&id), "{id} in {found:?}");
    }
    assert_eq!(said.json.summary["incidents"], 1);
    // It leads the text, with what to do and its findings behind it.
    let mut lines = said.text.lines();
    assert!(lines.next().unwrap().starts_with("incident 1: infected, "), "{}", said.text);
    assert_eq!(lines.next(), Some(format!("    {story}").as_str()));
    let place = |part: &str| said.text.find(part).unwrap_or_else(|| panic!("{part} in {}", said.text));
    let order = ["what to do:", "    1. ", "/proc/PID/exe", "infected exe-deleted", "infected: "];
    assert!(order.map(place).is_sorted(), "{}", said.text);
    // Its line is the one before the last in the log, of as many as are counted.
    let (at, of) = (said.log.len() - 1, said.log.len());
    let line = &said.log[at - 1];
    let head = format!(" n={at}/{of} incident=1 sev=infected findings={} pid={pid} ", incident["count"]);
    let brief =
        "story=\"/tmp/gw0/.x started by /etc/init.d/gwstory0:2 speaks to 198.51.100.7:443 (trickbot)\"";
    assert!(line.contains(&head) && line.ends_with(brief), "{line}");
    assert!(line.len() <= 220 + "<26>Nov 22 10:00:00 ".len(), "{line}");
    assert_eq!(said.log.iter().filter(|line| line.contains(" incident=")).count(), 1);
}

#[test]
fn two_intruders_are_two_incidents() {
    let net = Net::new(Filter::Nft);
    let said = planted(&net, &["198.51.100.7", "198.51.100.8"]);
    let [one, other] = &said.json.incidents[..] else { panic!("{:#?}", said.json.incidents) };
    for (family, service) in [("trickbot", "gwstory0:2"), ("mirai", "gwstory1:2")] {
        let own = |row: &&&Value| word(row, "family") == family;
        let story = [one, other].iter().find(own).map(|row| word(row, "story")).unwrap();
        assert!(story.contains(service) && story.contains(family), "{story}");
    }
    assert_eq!(said.log.iter().filter(|line| line.contains(" incident=")).count(), 2);
}

/// As many intruders as an enemy makes, under names of his: everything is told once, nothing breaks a line.
#[test]
fn a_flood_with_hostile_names() {
    let mut tree = Tree::healthy();
    for at in 0_u32..1000 {
        let exe = [b"/tmp/\n\x1b[2J\"`\xff".as_slice(), at.to_string().as_bytes(), b" (deleted)"].concat();
        tree = tree.process(100 + at, b"a)\nincident 1: clean\x1b", &exe, b"x\0");
    }
    let root = [OsStr::new("--root"), tree.path().as_os_str()];
    let outcome = scan(root);
    let deleted = outcome.with("check", "exe-deleted").len();
    assert_eq!((deleted, outcome.status), (1000, 2));
    assert!(outcome.incidents.len() > 10, "{:?}", outcome.summary);
    let joined: u64 = outcome.incidents.iter().map(|row| row["count"].as_u64().unwrap()).sum();
    let unjoined = outcome.summary["unjoined"].as_u64().unwrap();
    assert!(joined + unjoined <= outcome.findings.len() as u64 && unjoined > 500, "{:?}", outcome.summary);
    let log = Log::new();
    let ran = run(Command::new(GATEWATCH).args(["scan", "--no-color"]).arg(log.option()).args(root));
    let text = clean(&ran.stdout);
    assert_eq!(text.lines().filter(|line| line.starts_with("infected exe-deleted ")).count(), deleted);
    assert_eq!(text.lines().filter(|line| line.starts_with("incident ")).count(), outcome.incidents.len());
    assert!(text.contains(&format!("\n{unjoined} findings were told alone")), "{text}");
    let lines = log.lines();
    assert!(lines.iter().all(|line| line.len() <= 240 && !line.contains(&b'\n')));
    let told = lines.iter().filter(|line| String::from_utf8_lossy(line).contains(" incident="));
    assert_eq!(told.count(), outcome.incidents.len());
}
