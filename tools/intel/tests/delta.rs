//! What is new in a database: small, exact, and for no other old one; and what `diff`, `info` and `lookup` say of it.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use common::{Folder, Random};

mod common;

#[test]
fn the_tiny_delta_of_the_reader_is_what_this_tool_makes() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/intel/testdata");
    let folder = Folder::new("tiny-delta");
    let stored = |name: &str| fs::read(testdata.join(name)).unwrap();
    folder.write("tiny.gwi", stored("tiny.gwi")).write("tiny2.txt", stored("tiny2.txt"));
    folder.good("build tiny2.txt -o tiny2.gwi --version 8 --created 1700086400 --expires 2031-01-01");
    folder.good("delta tiny.gwi tiny2.gwi -o tiny.gwd");
    for name in ["tiny2.gwi", "tiny.gwd"] {
        assert!(folder.read(name) == stored(name), "make {name} again, by the commands in tiny2.txt");
    }
}

/// A list of a day: of `size` indicators one in a hundred is another one every day, and all expire some time.
fn day(size: u32, day: u32) -> String {
    let mut list = String::new();
    for at in 0..size {
        let age = if at % 100 == day % 100 { day + 1 } else { 0 };
        let mut random = Random((u64::from(at) << 20) | u64::from(age));
        random.next();
        let port = [String::new(), ":443".to_owned(), ":8080".to_owned()][random.pick(3)].clone();
        writeln!(
            list,
            "{}{port} family-{} expires=2027-0{}-01",
            random.public(),
            random.next() % 40,
            1 + random.next() % 9
        )
        .unwrap();
        if at % 50 == 0 {
            writeln!(list, "domain:d{}.example family-{}", random.next(), random.next() % 40).unwrap();
            let digest: String = (0..8).map(|_| format!("{:08x}", random.next())).collect();
            writeln!(list, "sha256:{digest} family-{}", random.next() % 40).unwrap();
            writeln!(list, "2001:db8::{:x} family-{}", random.next() % 65536, random.next() % 40).unwrap();
            writeln!(list, "198.51.{}.0/24 family-{}", random.next() % 256, random.next() % 40).unwrap();
        }
    }
    // A family that was not there before, and so other numbers for all labels behind it.
    writeln!(list, "192.0.2.{day}:1{day:03} a-new-family-{day} expires=2027-01-0{}", 1 + day % 9).unwrap();
    list
}

#[test]
fn a_delta_makes_the_new_file_and_is_small() {
    let folder = Folder::new("delta");
    folder.write("one.txt", day(20_000, 1)).write("two.txt", day(20_000, 2));
    folder.good("build one.txt -o one.gwi --version 1");
    folder.good("build two.txt -o two.gwi --version 2");
    let (out, _) = folder.good("delta one.gwi two.gwi -o day.gwd");
    let (delta, two) = (folder.read("day.gwd"), folder.read("two.gwi"));
    assert!(out.starts_with(&format!("day.gwd: version 1 to 2, {} bytes, ", delta.len())), "{out}");
    assert!(delta.len() * 8 < two.len(), "{} of {}", delta.len(), two.len());
    folder.good("apply one.gwi day.gwd -o made.gwi");
    assert!(folder.read("made.gwi") == two);

    // The other way, to itself, and from a file that has nothing in common.
    folder.good("delta two.gwi one.gwi -o back.gwd");
    folder.good("apply two.gwi back.gwd -o made.gwi");
    assert!(folder.read("made.gwi") == folder.read("one.gwi"));
    folder.good("delta one.gwi one.gwi -o same.gwd");
    assert!(folder.read("same.gwd").len() < 3000, "{}", folder.read("same.gwd").len());
    folder.write("rules.txt", "name:x y strength=weak\n");
    folder.good("build rules.txt -o rules.gwi");
    folder.good("delta rules.gwi one.gwi -o all.gwd");
    folder.good("apply rules.gwi all.gwd -o made.gwi");
    assert!(folder.read("made.gwi") == folder.read("one.gwi"));
    folder.good("delta one.gwi rules.gwi -o none.gwd");
    folder.good("apply one.gwi none.gwd -o made.gwi");
    assert!(folder.read("made.gwi") == folder.read("rules.gwi"));

    let before = folder.names();
    let said = folder.bad("apply two.gwi day.gwd -o other.gwi", 1);
    assert_eq!(said, "gatewatch-intel: day.gwd: meant for another file, of version 1: take the full file\n");
    let said = folder.bad("apply one.gwi two.gwi -o other.gwi", 1);
    assert_eq!(said, "gatewatch-intel: two.gwi: not a delta: make one with gatewatch-intel delta\n");
    let said = folder.bad("delta one.gwi one.txt -o other.gwd", 1);
    assert_eq!(said, "gatewatch-intel: one.txt: not an indicator file: build one with gatewatch-intel\n");
    folder.write("cut.gwd", &delta[..delta.len() / 2]);
    let said = folder.bad("apply one.gwi cut.gwd -o other.gwi", 1);
    assert_eq!(said, "gatewatch-intel: cut.gwd: broken: fetch it again, or take the full file\n");
    fs::remove_file(folder.0.join("cut.gwd")).unwrap();
    assert_eq!(folder.names(), before);
}

#[test]
fn diff_says_what_is_gone_and_new() {
    let folder = Folder::new("diff");
    folder.write(
        "one.txt",
        "192.0.2.1 mirai\n192.0.2.2:80 mirai\n198.51.100.0/24 wide\n[2001:db8::1]:443 six\n",
    );
    folder.write("two.txt", "192.0.2.1 mirai\n192.0.2.2:81 mirai expires=2027-01-01\n198.51.100.0/24 wide\nname:x y strength=weak\n");
    folder.good("build one.txt -o one.gwi --version 1");
    folder.good("build two.txt -o two.gwi --version 2");
    assert_eq!(
        folder.good("diff one.gwi two.gwi").0,
        "- 192.0.2.2:80 mirai\n\
         + 192.0.2.2:81 mirai expires=2027-01-01\n\
         - [2001:db8::1]:443 six\n\
         + name:x weak y\n\
         IPv4 mirai: 1 gone, 1 new\n\
         IPv6 six: 1 gone, 0 new\n\
         trace y: 0 gone, 1 new\n\
         version 1 to 2: 2 rows gone, 2 new, of 4 and 4\n"
    );
    assert_eq!(folder.good("diff one.gwi one.gwi").0, "version 1 to 1: 0 rows gone, 0 new, of 4 and 4\n");
}

#[test]
fn lookup_answers_each_query_in_a_line() {
    let folder = Folder::new("lookup");
    let digest = "ab".repeat(32);
    folder.write(
        "list.txt",
        format!(
            "192.0.2.1 mirai\n192.0.2.2:443 trickbot expires=2027-01-01\n2001:db8::1 six\n198.51.100.0/24 net\n8.8.0.0/16 net\n\
             domain:evil.example mirai\nsha256:{digest} kinsing\n"
        ),
    );
    folder.good("build list.txt -o out.gwi");
    let queries = format!(
        "192.0.2.1 192.0.2.1:9 192.0.2.2 192.0.2.2:443 192.0.2.2:80 192.0.2.3 [2001:db8::1]:1 2001:db8::2 \
         198.51.100.9 8.8.8.8 a.evil.example notevil.example {digest} hxxp://192.0.2[.]1/x"
    );
    let (out, _) = folder.good(&format!("lookup out.gwi {queries}"));
    assert_eq!(
        out,
        format!(
            "listed 192.0.2.1 family=mirai\n\
             listed 192.0.2.1:9 family=mirai\n\
             listed 192.0.2.2 family=trickbot port=443 expires=2027-01-01\n\
             listed 192.0.2.2:443 family=trickbot port=443 expires=2027-01-01\n\
             not listed 192.0.2.2:80\n\
             not listed 192.0.2.3\n\
             listed [2001:db8::1]:1 family=six\n\
             not listed 2001:db8::2\n\
             listed 198.51.100.9 family=net\n\
             not listed 8.8.8.8 (it never matches)\n\
             listed a.evil.example family=mirai\n\
             not listed notevil.example\n\
             listed {digest} family=kinsing\n\
             listed hxxp://192.0.2[.]1/x family=mirai\n"
        )
    );
    assert_eq!(folder.ends_with("lookup out.gwi 192.0.2.3", 1), "not listed 192.0.2.3\n");
    folder.bad("lookup out.gwi", 2);
    // 1 would be an answer.
    for (arguments, words) in [
        ("lookup out.gwi 192.0.2.1 192.0.2.300", "is no address, domain or SHA-256"),
        ("lookup out.gwi 198.51.100.0/24", "is a network: ask for an address"),
        ("lookup list.txt 192.0.2.1", "not an indicator file"),
        ("lookup missing.gwi 192.0.2.1", "No such file"),
    ] {
        let said = folder.bad(arguments, 2);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn info_counts_what_is_in_a_file() {
    let folder = Folder::new("info");
    folder.write("list.txt", "192.0.2.1 mirai\n192.0.2.2:443 mirai expires=2027-01-01\n198.51.100.0/24 net\nname:x y strength=weak\n");
    folder.good("build list.txt -o out.gwi --expires 2028-01-01");
    let (out, _) = folder.good("info out.gwi");
    for line in [
        "version   1767225600\n",
        "created   2026-01-01 00:00:00 UTC (1767225600)\n",
        "expires   2028-01-01 00:00:00 UTC (1830297600)\n",
        "entries   4\n",
        "         2  mirai (2 IPv4)\n",
        "         1  net (1 IPv4 range)\n",
        "         1  y (1 trace)\n",
        "1 of 4 rows expire, from 2027-01-01 to 2027-01-01\n",
    ] {
        assert!(out.contains(line), "{line}{out}");
    }
}
