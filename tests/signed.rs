//! Whose indicator files a scan takes, and what each that is refused is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

#[path = "common/scan.rs"]
mod scan;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gatewatch::baseline::Baseline;
use gatewatch::intel::Intel;
use gatewatch::signature::{self, KeyId, PublicKey, Refusal};
use scan::{GATEWATCH, Outcome, Ran, Tree, run};

/// A file of tests/intel/signed.
fn file(name: &str) -> PathBuf {
    scan::intel("signed").join(name)
}

fn key(name: &str) -> PublicKey {
    PublicKey::read(&fs::read(file(name)).unwrap()).unwrap()
}

/// A directory of gatewatch's own that trusts the tests' key.
fn trusting() -> Tree {
    Tree::new().file("keys/test.pub", fs::read(file("test.pub")).unwrap())
}

fn intel(dir: &Tree, arguments: &[&str], file: &Path) -> Ran {
    run(Command::new(GATEWATCH).arg("intel").args(arguments).arg("--dir").arg(dir.path()).arg(file))
}

/// A recording in which there is nothing but one socket to look at.
fn quiet() -> Tree {
    Tree::new()
        .file("about.toml", "byte_order = \"little\"\n")
        .file("root/etc/rc.local", "exit 0\n")
        .process_in("root/", 9, b"x", b"/usr/bin/x", b"x\0")
        .file("root/proc/net/tcp", "  sl  local_address rem_address   st\n")
        .file("root/proc/net/udp", "  sl  local_address rem_address   st\n")
}

/// A scan of it with these options.
fn look(dir: &Tree, options: &[OsString]) -> Outcome {
    let tree = quiet();
    let mut command = Command::new(GATEWATCH);
    command.args(["scan", "--only", "c2-address", "-v", "--format", "json", "--root"]).arg(tree.path());
    Outcome::of(run(command.arg("--dir").arg(dir.path()).args(options)))
}

fn with(files: &[&Path]) -> Vec<OsString> {
    files.iter().flat_map(|file| ["--intel".into(), file.as_os_str().to_owned()]).collect()
}

fn signer(bytes: &[u8], keys: &[PublicKey]) -> Result<KeyId, String> {
    let intel = Intel::open(bytes).map_err(|defect| defect.to_string())?;
    signature::signer(intel.signed(), keys).map_err(|refusal| refusal.to_string())
}

#[test]
fn every_single_bit_counts() {
    let (bytes, trusted) = (fs::read(file("v1.gwi")).unwrap(), [key("test.pub")]);
    assert_eq!(signer(&bytes, &trusted), Ok(trusted[0].id));
    let mut told = std::collections::BTreeSet::new();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            told.insert(signer(&bytes, &trusted).expect_err(&format!("bit {bit} of byte {at} was changed")));
        }
    }
    assert!(told.contains(&Refusal::Forged(trusted[0].id).to_string()), "{told:#?}");
    // Nothing that a flipped bit does makes a file that somebody who allows unsigned files would take for this one, but the
    // kind of the signature's own row.
    assert!(told.contains(&Refusal::Unsigned.to_string()), "{told:#?}");
}

#[test]
fn every_byte_counts() {
    let (bytes, trusted) = (fs::read(file("v1.gwi")).unwrap(), [key("test.pub")]);
    for length in 0..bytes.len() {
        let why = signer(&bytes[..length], &trusted).expect_err(&format!("cut at {length}"));
        let cut = if length < 8 { "not an indicator file" } else { "cut short" };
        assert!(why.starts_with(cut), "{length}: {why}");
    }
    let longer = [bytes, vec![0]].concat();
    assert!(signer(&longer, &trusted).unwrap_err().contains("bytes where it says"));
}

#[test]
fn a_signed_baseline_too() {
    let (bytes, trusted) = (fs::read(file("baseline.gwb")).unwrap(), [key("test.pub")]);
    let signer = |bytes: &[u8]| signature::signer(Baseline::open(bytes).ok()?.signed(), &trusted).ok();
    assert_eq!(signer(&bytes), Some(trusted[0].id));
    for at in 0..bytes.len() {
        assert_eq!(signer(&bytes[..at]), None, "cut at {at}");
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            assert_eq!(signer(&bytes), None, "bit {bit} of byte {at}");
        }
    }
}

/// What a file of these bytes is told, and with which status.
fn verified(dir: &Tree, bytes: &[u8], options: &[&str]) -> (i32, String) {
    let place = Tree::new().file("x.gwi", bytes);
    let ran = intel(dir, &[&["verify"], options].concat(), &place.path().join("x.gwi"));
    let shown = format!("gatewatch: {}: ", place.path().join("x.gwi").display());
    (ran.status, ran.stderr.strip_prefix(&shown).unwrap_or(&ran.stderr).trim_end().to_owned())
}

#[test]
fn each_refusal_has_its_own_words() {
    let dir = trusting().file("state", "y.gwi 9 1577923200\nx.gwi 2 1577923200\n");
    let read = |name: &str| fs::read(file(name)).unwrap();
    let (v1, v2) = (read("v1.gwi"), read("v2.gwi"));
    let flipped = {
        let mut bytes = v2.clone();
        bytes[700] ^= 4;
        bytes
    };
    let unsigned = fs::read(scan::intel("live.gwi")).unwrap();
    for (what, bytes, words) in [
        (
            "wrong key",
            read("stranger.gwi"),
            "it is signed by key 493F6C35015AD7A9, which is not trusted here: ",
        ),
        ("flipped bit", flipped.clone(), "it is not what key 2C49B58CADF922BA has signed: "),
        ("cut short", v2[..1000].to_vec(), "cut short, 1000 of 1331 bytes are here"),
        ("older", v1.clone(), "version 1 is older than version 2, which was here before"),
        ("newer engine", read("newer.gwi"), "needs gatewatch 200.0.0 or newer, and this is 0."),
        ("unsigned", unsigned.clone(), "it is not signed: "),
        ("something else", b"hello".to_vec(), "not an indicator file"),
    ] {
        let (status, said) = verified(&dir, &bytes, &[]);
        assert!(status == 1 && said.starts_with(words), "{what}: {status} {said}");
    }
    assert_eq!(verified(&dir, &v2, &[]), (0, String::new()));
    // Without what was seen, the older one is as good.
    assert_eq!(verified(&trusting(), &v1, &[]), (0, String::new()));
    // What may be allowed, and what may not.
    for (bytes, status) in
        [(&unsigned, 0), (&read("stranger.gwi"), 0), (&read("newer.gwi"), 1), (&flipped, 1)]
    {
        assert_eq!(verified(&trusting(), bytes, &["--allow-unsigned"]).0, status);
    }
    assert_eq!(verified(&dir, &v1, &["--allow-unsigned"]).0, 1);
    let missing = intel(&dir, &["verify"], Path::new("/nonexistent/x.gwi"));
    assert_eq!((missing.status, missing.stderr.contains("not found")), (3, true), "{}", missing.stderr);
}

#[test]
fn a_scan_names_each_file_that_it_does_not_take_and_uses_the_rest() {
    let dir = trusting().file("state", "v1.gwi 2 1577923200\n");
    let (good, unsigned) = (file("v2.gwi"), scan::intel("live.gwi"));
    let outcome = look(&dir, &with(&[&good]));
    assert_eq!((outcome.status, outcome.looked("c2-address")), (0, ("yes", "")), "{outcome:?}");
    assert_eq!(outcome.summary["intel"]["signed"], true);
    assert!(outcome.summary["intel"]["age_days"].as_u64().unwrap() > 2000);

    let refused = [
        (unsigned.clone(), "it is not signed"),
        (file("stranger.gwi"), "which is not trusted here"),
        (file("newer.gwi"), "needs gatewatch 200.0.0"),
        (file("v1.gwi"), "older than version 2"),
    ];
    for (path, words) in &refused {
        for (files, looked) in [(&[path.as_path()][..], "no"), (&[path, &good], "partly")] {
            let outcome = look(&dir, &with(files));
            let (state, why) = outcome.looked("c2-address");
            assert_eq!((outcome.status, state), (3, looked), "{outcome:?}");
            let named = format!("{}: ", path.display());
            assert!(why.contains(&named) && why.contains(words), "{why}");
            assert!(outcome.stderr.contains(&named) && outcome.stderr.contains(words), "{}", outcome.stderr);
        }
    }

    let options = [with(&[&unsigned, &good]), vec!["--allow-unsigned".into()]].concat();
    let outcome = look(&dir, &options);
    assert_eq!((outcome.status, outcome.looked("c2-address")), (0, ("yes", "")), "{outcome:?}");
    assert_eq!(
        (&outcome.summary["intel"]["signed"], &outcome.summary["intel"]["entries"]),
        (&false.into(), &6.into())
    );
    let tree = quiet();
    let text = run(Command::new(GATEWATCH).arg("--root").arg(tree.path()).args(&options));
    assert!(String::from_utf8(text.stdout).unwrap().contains(" days old, not signed; "), "{}", text.stderr);
}

#[test]
fn files_in_their_place_are_taken_without_being_named() {
    let copy = |dir: Tree, name: &str, from: &str| {
        dir.file(format!("intel.d/{name}"), fs::read(file(from)).unwrap())
    };
    let dir =
        copy(copy(trusting(), "a.gwi", "v1.gwi"), "b.gwi", "v2.gwi").file("intel.d/c.gwi.new", "half of one");
    let outcome = look(&dir, &[]);
    assert_eq!((outcome.status, outcome.looked("c2-address")), (0, ("yes", "")), "{outcome:?}");
    assert_eq!(
        (&outcome.summary["intel"]["version"], &outcome.summary["intel"]["entries"]),
        (&2.into(), &6.into())
    );
    // One of them that was put back to what it was before is told; one that was exchanged, too.
    let dir = dir.file("state", "a.gwi 2 1577923200\n");
    let outcome = look(&copy(dir, "c.gwi", "stranger.gwi"), &[]);
    let (state, why) = outcome.looked("c2-address");
    assert_eq!((outcome.status, state), (3, "partly"), "{outcome:?}");
    assert!(
        why.contains("a.gwi: version 1 is older") && why.contains("c.gwi: it is signed by key 493F"),
        "{why}"
    );
    // More than there is room for, and a place that is none.
    let many = (0..9).fold(trusting(), |dir, i| copy(dir, &format!("{i}.gwi"), "v1.gwi"));
    let outcome = look(&many, &[]);
    let (state, why) = outcome.looked("c2-address");
    assert!(state == "partly" && why.contains("intel.d: more than 8 indicator files"), "{outcome:?}");
    let outcome = look(&trusting().link("intel.d", "intel.d"), &[]);
    assert!(outcome.looked("c2-address").1.contains("intel.d: links lead in a circle"), "{outcome:?}");
    // A file that is named is the only one.
    assert_eq!(look(&copy(trusting(), "a.gwi", "stranger.gwi"), &with(&[&file("v2.gwi")])).status, 0);
}

#[test]
fn what_is_wrong_with_keys_and_state_is_said_and_the_rest_is_used() {
    let dir = trusting()
        .file("keys/broken.pub", "untrusted comment: x\nRWRU\n")
        .file("keys/large.pub", vec![b'x'; 5000])
        .file("keys/README", "no key")
        .fifo("keys/pipe.pub")
        .file("state", b"hello\nx y z\n\xff\xfe\n\nv1.gwi 2 3\n");
    let ran = intel(&dir, &["verify"], &file("v2.gwi"));
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    for words in [
        "broken.pub: not a public key",
        "large.pub: too large",
        "pipe.pub: a named pipe",
        "state:1: not understood",
    ] {
        assert!(ran.stderr.contains(words), "{words} in {}", ran.stderr);
    }
    assert!(intel(&dir, &["verify"], &file("v1.gwi")).stderr.contains("older than version 2"));
}

#[test]
fn a_file_is_shown() {
    let dir = trusting().file("state", "v1.gwi 2 1577923200\n");
    let ran = intel(&dir, &["info"], &file("v1.gwi"));
    let text = String::from_utf8(ran.stdout).unwrap();
    for line in [
        "version: 1\n",
        "created: 2020-01-01, ",
        "expires: never\n",
        "indicators: 3\n",
        "newest version that was here: 2\n",
        "signature: good, by key 2C49B58CADF922BA, which is trusted\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let stranger = intel(&dir, &["info"], &file("newer.gwi"));
    assert!(String::from_utf8(stranger.stdout).unwrap().contains("needs: gatewatch 200.0.0\n"));
    assert_eq!(intel(&dir, &["info"], &file("test.pub")).status, 1);
}

#[test]
fn a_baseline_is_signed_by_a_trusted_key_or_by_nobody() {
    let tree = Tree::new().file("etc/rc.local", "exit 0\n");
    let look = |dir: &Tree, baseline: &Path| {
        let mut command = Command::new(GATEWATCH);
        command.args(["baseline", "verify", "--root"]).arg(tree.path()).arg("-o").arg(baseline);
        run(command.arg("--dir").arg(dir.path()))
    };
    let (signed, bytes) = (file("baseline.gwb"), fs::read(file("baseline.gwb")).unwrap());
    let ran = look(&trusting(), &signed);
    assert_eq!((ran.status, &*ran.stderr), (0, ""));
    let ran = look(&Tree::new(), &signed);
    assert_eq!((ran.status, ran.stderr.contains("which is not trusted here")), (3, true), "{}", ran.stderr);
    let mut changed = bytes;
    let last = changed.len() - 100;
    changed[last] ^= 1;
    let place = Tree::new().file("b.gwb", changed);
    let ran = look(&trusting(), &place.path().join("b.gwb"));
    assert_eq!(
        (ran.status, ran.stderr.contains("it is not what key 2C49B58CADF922BA has signed")),
        (3, true)
    );

    let scan = |dir: &Tree| {
        let mut command = Command::new(GATEWATCH);
        command.args(["--only", "startup-changed", "-v", "--format", "json", "--root"]).arg(tree.path());
        Outcome::of(run(command.arg("--baseline").arg(&signed).arg("--dir").arg(dir.path())))
    };
    assert_eq!(scan(&trusting()).status, 0);
    let outcome = scan(&Tree::new());
    assert!(
        outcome.stderr.contains("baseline.gwb: it is signed by key 2C49B58CADF922BA"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.status, 3, "{outcome:?}");
}

#[test]
fn a_clock_that_is_not_set_expires_nothing() {
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let look = |front: &[&str]| {
        let words = front.iter().chain([&GATEWATCH, &"scan", &scan::UNSIGNED]).collect::<Vec<_>>();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["--only", "c2-client", "-v", "--format", "json", "--intel"]);
        command.arg(recordings.join("indicators.gwi"));
        Outcome::of(run(command.arg("--root").arg(recordings.join("linksys-wrt-openwrt-mips-g12-client"))))
    };
    // The kernel's clock says zero. It is asked by its number, so strace(1) sees that.
    let unset = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=clock_gettime", "-e"];
    let unset = look(&[&unset[..], &["inject=clock_gettime:retval=0"]].concat());
    let set = look(&[]);
    let expired = |outcome: &Outcome| {
        outcome
            .with("check", "c2-client")
            .iter()
            .filter(|row| row["detail"].to_string().contains("expired"))
            .count()
    };
    assert_eq!((expired(&set), expired(&unset)), (1, 0));
    assert_eq!(set.with("check", "c2-client").len(), unset.with("check", "c2-client").len());
    assert!(set.summary["intel"]["age_days"].is_u64() && unset.summary["intel"]["age_days"].is_null());
}
