//! Keys and signatures, held against minisign itself, Debian's package of that name.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use common::Folder;
use gatewatch::intel::Intel;
use gatewatch::signature::{self, PublicKey, Refusal};

/// Runs minisign in the folder. Whether it was content, and what it said.
fn minisign(folder: &Folder, arguments: &str) -> (bool, String) {
    let output = Command::new("minisign")
        .args(arguments.split_whitespace())
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("minisign: {error}; scripts/setup installs it"));
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// A folder with a database and a key without a password.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("list.txt", "198.51.100.7:443 trickbot\n").good("build list.txt -o a.gwi");
    folder.good("keygen -s k.key -p k.pub --no-password");
    folder
}

fn signer(folder: &Folder, name: &str) -> Result<String, Refusal> {
    let key = PublicKey::read(&folder.read("k.pub")).unwrap();
    let bytes = folder.read(name);
    let intel = Intel::open(&bytes).unwrap();
    signature::signer(intel.signed(), &[key]).map(|id| id.to_string())
}

#[test]
fn minisign_is_content_with_ours() {
    let folder = folder("sign-ours");
    let before = folder.read("a.gwi");
    assert_eq!(signer(&folder, "a.gwi"), Err(Refusal::Unsigned));
    folder.good("sign a.gwi -s k.key");
    let (content, said) = minisign(&folder, "-V -m a.gwi -p k.pub");
    assert!(content && said.contains("file:a.gwi\thashed\tversion:"), "{said}");
    let id = signer(&folder, "a.gwi").unwrap();
    assert!(
        folder
            .good("verify a.gwi -p k.pub")
            .0
            .starts_with(&format!("a.gwi: good, signed by key {id}, in the file and in "))
    );
    // What is in it is the same, and another signature takes the place of the first.
    let signed = folder.read("a.gwi");
    assert_eq!(signed.len(), before.len() + 16 + signature::BLOCK_LEN);
    let hit = |bytes: &[u8]| {
        format!("{:?}", Intel::open(bytes).unwrap().lookup("198.51.100.7".parse().unwrap(), 443))
    };
    assert_eq!(hit(&signed), hit(&before));
    folder.good("sign a.gwi -s k.key --comment hello");
    assert!(folder.read("a.gwi") == signed, "the same bytes and key give the same signature");
    assert!(minisign(&folder, "-V -m a.gwi -p k.pub").1.contains("Trusted comment: hello"));
    // Any other file has only the one beside it.
    folder.write("any.txt", "hello\n").good("sign any.txt -s k.key");
    assert!(minisign(&folder, "-V -m any.txt -p k.pub").0 && folder.read("any.txt") == b"hello\n");
    folder.good("verify any.txt -p k.pub");
}

#[test]
fn we_are_content_with_those_of_minisign_old_and_new() {
    let folder = folder("sign-theirs");
    let (made, said) = minisign(&folder, "-G -W -p m.pub -s m.key");
    assert!(made, "{said}");
    folder.write("any.txt", "hello\n");
    for legacy in ["", " -l"] {
        let (signed, said) = minisign(&folder, &format!("-S{legacy} -m any.txt -s m.key -t trusted-words"));
        assert!(signed, "{said}");
        assert!(folder.good("verify any.txt -p m.pub").0.contains("(trusted-words)"));
        assert!(folder.bad("verify any.txt -p k.pub", 1).contains("any.txt.minisig: "));
        let text = String::from_utf8(folder.read("any.txt.minisig")).unwrap();
        folder.write("any.txt.minisig", text.replace("trusted-words", "trusted-wordz"));
        folder.bad("verify any.txt -p m.pub", 1);
        folder.write("any.txt.minisig", &text).write("any.txt", "hellO\n");
        folder.bad("verify any.txt -p m.pub", 1);
        folder.write("any.txt", "hello\n");
    }
    // A key that minisign made signs here, too.
    folder.good("sign a.gwi -s m.key");
    assert!(minisign(&folder, "-V -m a.gwi -p m.pub").0);
    folder.good("verify a.gwi -p m.pub");
    assert!(folder.bad("verify a.gwi -p k.pub", 1).contains("and not by key"));
}

#[test]
fn a_secret_key_is_its_owners_alone() {
    let folder = Folder::new("sign-secret");
    folder.write("word", "correct horse\n").write("wrong", "battery staple\n").write("any.txt", "hello\n");
    let (said, _) = folder.good("keygen -s k.key -p k.pub --password-file word");
    assert!(!said.contains("correct horse"));
    assert_eq!(fs::metadata(folder.0.join("k.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = String::from_utf8(folder.read("k.key")).unwrap();
    let line = secret.lines().nth(1).unwrap();
    assert!(!said.contains(line));
    // No key is written over another.
    assert!(folder.bad("keygen -s k.key -p new.pub --no-password", 1).contains("is there already"));
    assert!(folder.bad("keygen -s new.key -p k.pub --no-password", 1).contains("is there already"));
    assert_eq!(
        (String::from_utf8(folder.read("k.key")).unwrap(), folder.0.join("new.key").exists()),
        (secret.clone(), false)
    );
    let said = folder.bad("sign any.txt -s k.key --password-file wrong", 1);
    assert!(said.contains("Wrong password") && !said.contains("battery"), "{said}");
    assert!(!folder.0.join("any.txt.minisig").exists());
    folder.good("sign any.txt -s k.key --password-file word");
    assert!(minisign(&folder, "-V -m any.txt -p k.pub").0);
    // Without a terminal nobody can be asked.
    assert!(!folder.bad("sign any.txt -s k.key", 1).contains(line));
}

#[test]
fn what_is_changed_is_told() {
    let folder = folder("sign-changed");
    folder.good("sign a.gwi -s k.key");
    let (good, beside) = (folder.read("a.gwi"), folder.read("a.gwi.minisig"));
    for at in [20, good.len() / 2, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        folder.write("a.gwi", bytes).bad("verify a.gwi -p k.pub", 1);
        assert!(!minisign(&folder, "-V -m a.gwi -p k.pub").0, "{at}");
    }
    folder.write("a.gwi", &good);
    fs::remove_file(folder.0.join("a.gwi.minisig")).unwrap();
    folder.good("verify a.gwi -p k.pub");
    folder.write("a.gwi.minisig", &beside[..beside.len() / 2]).bad("verify a.gwi -p k.pub", 1);
    folder.write("b.txt", "x").bad("verify b.txt -p k.pub", 1);
    folder.good("build list.txt -o c.gwi");
    assert!(folder.bad("verify c.gwi -p k.pub", 1).contains("it is not signed"));
    // A file that is cut short is not signed.
    folder.write("d.gwi", &good[..good.len() - 1]).bad("sign d.gwi -s k.key", 1);
    assert_eq!(folder.read("d.gwi").len(), good.len() - 1);
}

#[test]
fn what_is_missing_is_asked_for() {
    let folder = folder("sign-usage");
    for (arguments, words) in [
        ("sign a.gwi", "-s FILE is missing"),
        ("sign -s k.key", "no FILE is given"),
        ("verify a.gwi", "-p FILE is missing"),
        ("keygen -s new.key", "-p FILE is missing"),
        ("keygen -s new.key -p new.pub --no-password --password-file list.txt", "give one of them"),
        ("verify a.gwi -p k.pub --no-password", "invalid option"),
        ("build list.txt -o b.gwi --min-engine 1.2", "no version X.Y.Z"),
    ] {
        let said = folder.bad(arguments, 2);
        assert!(said.contains(words), "{arguments}: {said}");
    }
    assert!(folder.bad("sign a.gwi -s k.pub", 1).contains("k.pub: "));
    assert!(folder.bad("verify a.gwi -p list.txt", 1).contains("not a public key"));
}
