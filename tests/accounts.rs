//! Users, keys, setuid files and gatewatch's own files, through the program itself: what an intruder adds is found at its line, and what vendors and
//! owners have is not accused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, missing_docs)]

#[path = "common/room.rs"]
mod room;
#[path = "common/scan.rs"]
mod scan;

use room::Room;
use scan::{Outcome, Tree, scan};

fn look(tree: &Tree, check: &str) -> Outcome {
    scan(["--root", tree.path().to_str().unwrap(), "--only", check])
}

/// Findings as `severity path line`.
fn found(outcome: &Outcome) -> Vec<String> {
    let word = |row: &serde_json::Value, key: &str| row[key].to_string().replace('"', "");
    let mut all: Vec<String> = outcome
        .findings
        .iter()
        .map(|row| ["severity", "path", "line"].map(|key| word(row, key)).join(" "))
        .collect();
    all.sort();
    all
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/ash\ndaemon:*:1:1:daemon:/var:/bin/false\n\
    nobody:*:65534:65534:nobody:/var:/bin/false\ndnsmasq:x:453:453:dnsmasq:/var/run/dnsmasq:/bin/false\n";
const SHADOW: &str = "root:$1$abc$hashhashhashhash:19000:0:99999:7:::\ndaemon:*:0:0:99999:7:::\n\
    nobody:*:0:0:99999:7:::\ndnsmasq:x:0:0:99999:7:::\n";

/// OpenWrt with its image below.
fn openwrt(passwd: &str, shadow: &str) -> Tree {
    Tree::healthy()
        .file("etc/passwd", passwd)
        .file("etc/shadow", shadow)
        .file("etc/group", "root:x:0:\nwheel:x:10:\nusers:x:100:\n")
        .file("rom/etc/passwd", PASSWD)
        .file("rom/etc/shadow", SHADOW.replace("$1$abc$hashhashhashhash", ""))
        .file("etc/init.d/dropbear", "#!/bin/sh /etc/rc.common\n")
        .link("etc/rc.d/S19dropbear", "../init.d/dropbear")
}

#[test]
fn users_that_an_intruder_adds_to_openwrt() {
    let add = |row: &str, shadow: &str| openwrt(&format!("{PASSWD}{row}\n"), &format!("{SHADOW}{shadow}\n"));
    for (row, shadow, expected) in [
        ("gwroot:x:0:0::/root:/bin/ash", "gwroot:$1$a$b:0:", "suspicious /etc/passwd 5"),
        ("gwroot:$1$a$b:0:0::/:", "", "suspicious /etc/passwd 5"),
        ("gw:x:00:0::/:/bin/sh", "gw:!:0:", "suspicious /etc/passwd 5"),
        ("gw:x:500:500::/:/bin/sh", "gw::0:", "suspicious /etc/passwd 5"),
        ("gw:x:1000:1000::/:/tmp/.gw/sh", "gw:!:0:", "suspicious /etc/passwd 5"),
    ] {
        let outcome = look(&add(row, shadow), "account-odd");
        assert_eq!((found(&outcome), outcome.status), (vec![expected.to_owned()], 1), "{row}");
        assert_eq!(outcome.looked("account-odd"), ("yes", ""));
    }
    let shell = add("gw:x:1000:1000::/:/tmp/.gw/sh", "gw:!:0:").file("tmp/.gw/sh", "x");
    assert_eq!(found(&look(&shell, "account-odd")), ["infected /etc/passwd 5"]);
    let changed =
        openwrt(&PASSWD.replace("/var:/bin/false", "/var:/bin/ash"), &SHADOW.replace('*', "$1$a$b"));
    assert_eq!(
        found(&look(&changed, "account-odd")),
        ["suspicious /etc/passwd 2", "suspicious /etc/passwd 3"]
    );
    for row in ["mosquitto:x:200:200:mosquitto:/var:/bin/false", "ann:x:1000:1000:ann:/home/ann:/bin/ash"] {
        let outcome = look(&add(row, "mosquitto:x:0:\nann:$1$a$b:0:"), "account-odd");
        assert_eq!((found(&outcome), outcome.status), (vec![], 0), "{row}");
    }
}

#[test]
fn an_administrator_without_a_password() {
    let empty = SHADOW.replace("$1$abc$hashhashhashhash", "");
    let fresh = look(&openwrt(PASSWD, &empty), "account-odd");
    assert_eq!((found(&fresh), fresh.status), (vec!["notice /etc/passwd 1".to_owned()], 0));
    assert_eq!(look(&openwrt(PASSWD, SHADOW), "account-odd").status, 0);
    let taken = || openwrt(PASSWD, &empty).file("rom/etc/shadow", SHADOW);
    let outcome = look(&taken(), "account-odd");
    assert_eq!(found(&outcome), ["suspicious /etc/passwd 1"]);
    let detail = outcome.findings[0]["detail"].as_str().unwrap();
    assert!(detail.ends_with("this lets it in: /etc/rc.d/S19dropbear"), "{detail}");
    std::fs::remove_file(taken().path().join("etc/rc.d/S19dropbear")).unwrap();
}

#[test]
fn lists_of_vendors() {
    const BROADCOM: &str = "admin:6HgsSsJIEOc2U:0:0:Administrator:/:/bin/sh\n\
        support:Ead09Ca6IhzZY:0:0:Technical Support:/:/bin/sh\nuser:tGqcT.qjxbEik:0:0:Normal User:/:/bin/sh\n\
        nobody:VBcCXSNG7zBAY:0:0:nobody for ftp:/:/bin/sh\n";
    const DDWRT: &str = "root:$1$a$b:0:0:Root User,,,:/tmp/root:/bin/sh\nreboot:$1$a$b:0:0:Root User,,,:/tmp/root:/sbin/reboot\n";
    const ASUS: &str = "ann:x:0:0:ann:/root:/bin/sh\nnobody:x:65534:65534:nobody:/dev/null:/dev/null\n";
    const UNIFI: &str = "nobody:*:99:99:nobody:/var:/bin/false\nubnt:$6$a$b:0:0:Administrator:/etc/persistent:/bin/sh\n\
        mcuser:!VvDE8C2EB1:0:0:Administrator:/etc/persistent:/bin/sh\n";
    const DEBIAN: &str = "root:x:0:0:root:/root:/bin/bash\nsync:x:4:65534:sync:/bin:/bin/sync\n\
        backup:x:34:34:backup:/var/backups:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/sh\n\
        postgres:x:105:109::/var/lib/postgresql:/bin/bash\ngit:x:106:110::/home/git:/usr/bin/git-shell\n\
        ann:x:1000:1000:Ann,,,:/home/ann:/bin/bash\ntoor:*:0:0::/root:\n";
    for (name, target, list, notices) in [
        ("Broadcom", "/var/passwd", BROADCOM, 3),
        ("DD-WRT", "/tmp/etc/passwd", DDWRT, 0),
        ("ASUSWRT", "/tmp/etc/passwd", ASUS, 0),
        ("UniFi", "/tmp/system.passwd", UNIFI, 0),
    ] {
        let tree = Tree::healthy().link("etc/passwd", target).file(&target[1..], list);
        let outcome = look(&tree.file("etc/shadow", "ann:$1$a$b:\nnobody:*:\n"), "account-odd");
        assert!(
            outcome.findings.iter().all(|row| row["severity"] == "notice"),
            "{name} {:?}",
            outcome.findings
        );
        assert_eq!((outcome.findings.len(), outcome.status), (notices, 0), "{name}");
    }
    let shadow = "root:$6$a$b:\nsync:*:\nbackup:*:\nwww-data:*:\npostgres:!:\ngit:*:\nann:$6$a$b:\n";
    let debian = Tree::healthy().file("etc/passwd", DEBIAN).file("etc/shadow", shadow);
    let outcome = look(&debian, "account-odd");
    assert_eq!((found(&outcome), outcome.looked("account-odd")), (vec![], ("yes", "")));
    let nobody_knows = look(&Tree::healthy().link("etc/passwd", "/var/passwd"), "account-odd");
    assert_eq!(nobody_knows.looked("account-odd"), ("na", "there is no list of users here"));
}

#[test]
fn lists_that_are_no_lists() {
    let long = format!("root:x:0:0::/root:/bin/sh\n{}\n", "x".repeat(70_000));
    for tree in [
        Tree::healthy().fifo("etc/passwd"),
        Tree::healthy().dir("etc/passwd"),
        Tree::healthy().link("etc/passwd", "passwd"),
        Tree::healthy().file("etc/passwd", PASSWD).fifo("etc/shadow"),
        Tree::healthy().file("etc/passwd", long).file("etc/shadow", SHADOW),
        Tree::healthy().sparse("etc/passwd", PASSWD, 64 << 20).file("etc/shadow", SHADOW),
        Tree::healthy().file("etc/passwd", b"\xff\xfe\0:\x1b[31m:\r\n").file("etc/shadow", SHADOW),
    ] {
        let outcome = look(&tree, "account-odd");
        assert_eq!((found(&outcome), outcome.status), (vec![], 3));
        assert_ne!(outcome.looked("account-odd").1, "");
    }
    let old = look(&Tree::healthy().file("etc/passwd", PASSWD), "account-odd");
    assert_eq!((found(&old), old.status), (vec![], 0), "firmware without a list of passwords");
}

const ANN: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMpp1pZyZ8yhqcmb2mDs1N0a0YQ0jz0b0AZxZ0e2fP1z ann\x1b[31m@home\n";
const GW: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDFgwgwgwgwgwgwgwgwgwgwgwgw gw\n";

#[test]
fn keys_of_owners_and_of_intruders() {
    let own = || openwrt(PASSWD, SHADOW).file("etc/dropbear/authorized_keys", format!("# mine\n{ANN}"));
    let outcome = look(&own(), "ssh-key");
    assert_eq!((found(&outcome), outcome.status), (vec!["notice /etc/dropbear/authorized_keys 2".into()], 0));
    let detail = outcome.findings[0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("user root, ssh-ed25519 SHA256:") && detail.contains("(ann"), "{detail}");
    let known = own().file("rom/etc/dropbear/authorized_keys", ANN.replace("ann", "maker"));
    assert_eq!(found(&look(&known, "ssh-key")), [""; 0]);
    let added = known.file("etc/dropbear/authorized_keys", format!("{ANN}{GW}"));
    let outcome = look(&added, "ssh-key");
    assert_eq!(
        (found(&outcome), outcome.status),
        (vec!["suspicious /etc/dropbear/authorized_keys 2".into()], 1)
    );

    let library = format!("environment=\"LD_PRELOAD=/usr/lib/x.so\" {GW}");
    let outcome = look(&own().file("root/.ssh/authorized_keys", library), "ssh-key");
    assert!(found(&outcome).contains(&"suspicious /root/.ssh/authorized_keys 1".into()), "{outcome:?}");
    let moved = own().link("root/.ssh", "/tmp/.gw").file("tmp/.gw/authorized_keys", GW);
    assert!(found(&look(&moved, "ssh-key")).contains(&"suspicious /root/.ssh/authorized_keys 1".into()));
    let second = openwrt(&format!("{PASSWD}gw:x:0:0::/srv/gw:/bin/sh\n"), SHADOW);
    let outcome = look(&second.file("srv/gw/.ssh/authorized_keys", GW), "ssh-key");
    assert_eq!(found(&outcome), ["suspicious /srv/gw/.ssh/authorized_keys 1"]);
    assert_eq!(outcome.looked("ssh-key"), ("yes", ""));
}

#[test]
fn one_key_for_all_users() {
    let users =
        "root:x:0:0::/root:/bin/sh\nann:x:1000:1::/home/ann:/bin/sh\nbob:x:1001:1::/home/bob:/bin/sh\n";
    let server = || Tree::healthy().file("etc/passwd", users).file("etc/shadow", "root:*:\nann:*:\nbob:*:\n");
    let two = server().file("home/ann/.ssh/authorized_keys", ANN).file("root/.ssh/authorized_keys", ANN);
    assert_eq!(found(&look(&two, "ssh-key")), ["notice /root/.ssh/authorized_keys 1"]);
    let three = two.file("home/bob/.ssh/authorized_keys", format!("{GW}no-pty {ANN}"));
    assert_eq!(
        found(&look(&three, "ssh-key")),
        [
            "suspicious /home/ann/.ssh/authorized_keys 1",
            "suspicious /home/bob/.ssh/authorized_keys 2",
            "suspicious /root/.ssh/authorized_keys 1",
        ]
    );
    let cloud = server().file(
        "root/.ssh/authorized_keys",
        format!("no-pty,command=\"echo 'Please login as \\\"ann\\\"';sleep 10\" {ANN}"),
    );
    assert_eq!(found(&look(&cloud, "ssh-key")), ["notice /root/.ssh/authorized_keys 1"]);
}

#[test]
fn files_of_keys_that_are_none() {
    let none = look(&openwrt(PASSWD, SHADOW), "ssh-key");
    assert_eq!((none.looked("ssh-key"), none.status), (("yes", ""), 0));
    for tree in [
        openwrt(PASSWD, SHADOW).fifo("etc/dropbear/authorized_keys"),
        openwrt(PASSWD, SHADOW).dir("etc/dropbear/authorized_keys"),
        openwrt(PASSWD, SHADOW).link("root/.ssh", "../root/.ssh"),
        openwrt(PASSWD, SHADOW).file("root/.ssh/authorized_keys", "x".repeat(70_000)),
        openwrt(PASSWD, SHADOW).sparse("root/.ssh/authorized_keys", "\n", 64 << 20),
    ] {
        let outcome = look(&tree, "ssh-key");
        assert_eq!((found(&outcome), outcome.status), (vec![], 3));
    }
    let odd =
        openwrt(PASSWD, SHADOW).file("root/.ssh/authorized_keys", b"\xff\xfe \0\nssh-rsa\n1024 35 99 x\n");
    assert_eq!(look(&odd, "ssh-key").status, 0);
}

#[test]
fn setuid_files_in_memory() {
    let room = Room::new();
    let looks = room.run(
        "mount -t tmpfs tmpfs /tmp; cp /bin/true /tmp/gwtrue; echo '#!/bin/sh' >/tmp/.gws; mkdir /tmp/a
        echo x >/tmp/a/lock; chmod 2644 /tmp/a/lock; chmod 4755 /tmp/gwtrue /tmp/.gws; look --only dropped-elf
        chmod 755 /tmp/.gws; rm /tmp/gwtrue; look --only dropped-elf; chmod 4750 /tmp/.gws; look --only dropped-elf",
    );
    let found = looks.iter().map(room::found).collect::<Vec<_>>();
    let [planted, none, group] = &found[..] else { panic!("{found:?}") };
    assert_eq!(planted[..], ["dropped-elf infected /tmp/.gws", "dropped-elf infected /tmp/gwtrue"]);
    assert_eq!(none[..], [""; 0]);
    assert_eq!(group[..], ["dropped-elf suspicious /tmp/.gws"]);
    assert_eq!(looks[1].looked("dropped-elf"), ("yes", ""));
    assert_eq!(looks.iter().map(|look| look.status).collect::<Vec<_>>(), [2, 0, 1]);
}

/// gatewatch flashed into an image below an overlay.
fn flashed() -> Tree {
    let files = [
        ("usr/sbin/gatewatch", "program"),
        ("usr/share/gatewatch/x", "data"),
        ("etc/config/gatewatch", "config"),
    ];
    files.into_iter().fold(openwrt(PASSWD, SHADOW), |tree, (path, text)| {
        tree.file(path, text).file(format!("rom/{path}"), text)
    })
}

#[test]
fn gatewatch_itself() {
    let healthy = look(&flashed(), "self-tampered");
    assert_eq!((found(&healthy), healthy.looked("self-tampered")), (vec![], ("yes", "")));
    let settings = look(&flashed().file("etc/config/gatewatch", "mine"), "self-tampered");
    assert_eq!((found(&settings), settings.status), (vec![], 0));
    let changed = || flashed().file("usr/sbin/gatewatch", "progrAm");
    let outcome = look(&changed(), "self-tampered");
    assert_eq!((found(&outcome), outcome.status), (vec!["infected /usr/sbin/gatewatch null".into()], 2));
    let list = "/usr/sbin/gatewatch\n";
    let upgraded = changed().file("usr/lib/opkg/info/gatewatch.list", list);
    let upgraded = upgraded.file("overlay/upper/usr/lib/opkg/info/gatewatch.list", list);
    assert_eq!(found(&look(&upgraded, "self-tampered")), [""; 0]);
    let gone = flashed();
    std::fs::remove_file(gone.path().join("usr/share/gatewatch/x")).unwrap();
    assert_eq!(found(&look(&gone, "self-tampered")), ["suspicious /usr/share/gatewatch/x null"]);
    let intel = std::fs::read(scan::intel("live.gwi")).unwrap();
    let mut newer = intel.clone();
    newer[12] += 1;
    let at = |path: &str| format!("{path}usr/share/gatewatch/indicators.gwi");
    let tree = || flashed().file(at("rom/"), &intel);
    assert_eq!(found(&look(&tree().file(at(""), &intel), "self-tampered")), [""; 0]);
    let name = "/usr/share/gatewatch/indicators.gwi null";
    assert_eq!(found(&look(&tree().file(at(""), &newer), "self-tampered")), [format!("notice {name}")]);
    assert_eq!(
        found(&look(&tree().file(at(""), &intel[..99]), "self-tampered")),
        [format!("suspicious {name}")]
    );
    let alone = look(&openwrt(PASSWD, SHADOW), "self-tampered");
    assert_eq!(alone.looked("self-tampered").0, "na");
}

#[test]
fn gatewatch_itself_on_a_live_machine() {
    let room = Room::new().file("/etc/passwd", PASSWD).file("/etc/shadow", SHADOW);
    let room = room.file("/etc/dropbear/authorized_keys", ANN).owns("/gatewatch");
    let looks = room.run(
        "look --only self-tampered,account-odd,ssh-key
        printf '/gatewatch\n' >/var/lib/dpkg/info/gatewatch.list; look --only self-tampered
        cp /gatewatch /tmp/copy; mount --bind /tmp/copy /gatewatch; look --only self-tampered; umount /gatewatch",
    );
    let [brought, installed, covered] = &looks[..] else { panic!("{}", looks.len()) };
    assert_eq!(brought.looked("self-tampered").0, "na");
    assert_eq!(room::found(brought), ["ssh-key notice /etc/dropbear/authorized_keys"]);
    assert_eq!(installed.looked("self-tampered"), ("yes", ""));
    assert_eq!(room::found(installed), [""; 0]);
    assert_eq!(room::found(covered), ["self-tampered infected /gatewatch"]);
}
