//! Hashes and traces, from the line to what the router's reader finds; and the built-in rules.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use common::Folder;
use gatewatch::intel::{FAMILIES, Hit, Intel, Match, Strength, TraceKind};

mod common;

const YEAR_2027: u64 = 1_798_761_600;
const DIGEST: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// The traces of a file as `KIND value family strength expires`.
fn traces(bytes: &[u8]) -> Vec<String> {
    let intel = Intel::open(bytes).unwrap();
    let all = TraceKind::ALL.into_iter().flat_map(|kind| intel.traces(kind));
    all.map(|trace| {
        let (value, family) = (trace.value.escape_ascii(), trace.family.escape_ascii());
        format!("{:?} {value} {family} {:?} {:?}", trace.kind, trace.strength, trace.expires)
    })
    .collect()
}

#[test]
fn the_built_in_rules_are_what_this_tool_makes_of_their_list() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/intel");
    let folder = Folder::new("families");
    folder.write("families.toml", fs::read(place.join("families.toml")).unwrap());
    let (out, err) =
        folder.good("build --family-rules families.toml -o families.gwi --version 2 --created 1767225600");
    assert_eq!(err, "");
    assert!(out.ends_with(" 0 duplicates, 0 left out\n"), "{out}");
    assert!(
        folder.read("families.gwi") == FAMILIES,
        "make src/intel/families.gwi again, by its list's command"
    );
    let intel = Intel::open(FAMILIES).unwrap();
    let all = || TraceKind::ALL.into_iter().flat_map(|kind| intel.traces(kind));
    let families: HashSet<&[u8]> = all().map(|trace| trace.family).collect();
    assert!(families.len() >= 40, "{}", families.len());
    // With a hash every program would be read through, and addresses age.
    assert!(!intel.has_hashes() && !intel.has_addresses() && !intel.has_domains());
    for trace in all() {
        let heard =
            matches!(trace.kind, TraceKind::Tcp | TraceKind::Udp | TraceKind::Arg | TraceKind::Startup);
        assert!(!heard || trace.strength != Strength::Strong, "{}", trace.value.escape_ascii());
    }
}

#[test]
fn rules_in_toml_are_checked_line_by_line() {
    let folder = Folder::new("toml");
    let good =
        "[[rule]]\nfamily = \"mirai\"\nsource = \"https://a.example/x\"\nsince = 2016\nstrength = \"fair\"\n";
    let digest = DIGEST;
    folder.write(
        "rules.toml",
        format!("{good}note = \"x\"\nexpires = \"2027-01-01\"\nname = [\"dvrHelper\"]\nstartup = [\"dvrHelper -d\"]\nsha256 = [\"{digest}\"]\n"),
    );
    folder.write("list.txt", "192.0.2.1 mirai\n");
    folder.good("build list.txt --family-rules rules.toml -o out.gwi");
    assert_eq!(
        traces(&folder.read("out.gwi")),
        [
            format!("Name dvrHelper mirai Fair Some({YEAR_2027})"),
            format!("Startup dvrHelper -d mirai Fair Some({YEAR_2027})")
        ]
    );
    for (text, message) in [
        (
            format!("{good}name = [\"a/b\"]\n"),
            "6: name:a/b has a slash in it: write the last part only, or path: for all of it",
        ),
        (
            format!("{good}tcp = [\"http\"]\n"),
            "6: tcp:http is not a port: write a number from 1 to 65535, or 127.0.0.1:NUMBER for a listener on that address only",
        ),
        (
            format!("{good}sha256 = [\"ab\"]\n"),
            "6: sha256:ab is not a SHA-256: write its 64 hexadecimal digits",
        ),
        (
            format!("{good}startup = [\"sh\"]\n"),
            "6: startup:sh is shorter than 4 bytes: healthy command lines hold it too",
        ),
        (
            good.replace("fair", "sure") + "name = [\"a\"]\n",
            "5: \"sure\" is not a strength: write strong, fair or weak",
        ),
        (
            good.replace("https", "see") + "name = [\"a\"]\n",
            "3: \"see://a.example/x\" is no URL: every rule names the report that it is taken from",
        ),
        (
            good.replace("2016", "16") + "name = [\"a\"]\n",
            "4: 16 is no year in which a family was seen first",
        ),
        (
            good.replace("mirai", "a b") + "name = [\"a\"]\n",
            "2: the family \"a b\" must be one word without = # and control characters",
        ),
        (good.to_owned(), "1: a rule without name, path, dir, arg, tcp, udp, file, startup or sha256"),
        (format!("{good}title = \"x\"\n"), "6: no family rules: unknown field `title`, expected one of"),
        ("family = 1\n".to_owned(), "1: no family rules: unknown field `family`, expected `rule`"),
        ("192.0.2.1 mirai\n".to_owned(), "1: no family rules: "),
    ] {
        folder.write("rules.toml", &text);
        let said = folder.bad("build --family-rules rules.toml -o other.gwi", 1);
        assert!(said.starts_with(&format!("rules.toml:{message}")), "{text}{said}");
    }
    assert_eq!(folder.names(), ["list.txt", "out.gwi", "rules.toml"]);
}

#[test]
fn every_form_of_rule_is_read() {
    let folder = Folder::new("rule-forms");
    folder.write(
        "list.txt",
        "\u{feff}name:.nttpd moon strength=strong # trailing\r\n\
         \tname:\"[nfsiod 0]\" magic strength=fair#trailing\n\
         name:bare strength=weak\n\
         path:/tmp/a strength=fair\n\
         dir:/dev/.anime mirai strength=strong expires=2027-01-01\n\
         arg:\"-c \\\"x # y\\\" \\\\ \\x1b\\xFF\" a expires=2027-01-01 strength=weak\n\
         arg:\"größe\" a strength=weak\n\
         tcp:48101 mirai strength=fair\n\
         tcp:127.0.0.1:48101 mirai strength=fair\n\
         udp:53 dns strength=weak\n\
         file:/etc/rc.d/S95Baby.sh mozi strength=strong\n",
    );
    let (out, err) = folder.good("build list.txt -o out.gwi");
    assert!(!err.contains("warning"), "{err}");
    assert!(out.contains(": 11 indicators (") && out.contains(", 0 hashes, 11 traces), "), "{out}");
    let bytes = folder.read("out.gwi");
    assert_eq!(Intel::open(&bytes).unwrap().entries(), 11);
    assert_eq!(
        traces(&bytes),
        [
            "Name .nttpd moon Strong None".to_owned(),
            "Name [nfsiod 0] magic Fair None".to_owned(),
            "Name bare list Weak None".to_owned(),
            "Path /tmp/a list Fair None".to_owned(),
            format!("Dir /dev/.anime mirai Strong Some({YEAR_2027})"),
            format!(r#"Arg -c \"x # y\" \\ \x1b\xff a Weak Some({YEAR_2027})"#),
            r"Arg gr\xc3\xb6\xc3\x9fe a Weak None".to_owned(),
            "Tcp 127.0.0.1:48101 mirai Fair None".to_owned(),
            "Tcp 48101 mirai Fair None".to_owned(),
            "Udp 53 dns Weak None".to_owned(),
            "File /etc/rc.d/S95Baby.sh mozi Strong None".to_owned(),
        ]
    );
}

#[test]
fn a_hash_is_found_whatever_the_case_of_its_digits() {
    let folder = Folder::new("hashes");
    let upper = DIGEST.to_uppercase().replacen("00", "FF", 1);
    folder.write(
        "list.txt",
        format!("sha256:{DIGEST} kinsing expires=2027-01-01\nsha256:{upper}\nsha256:{DIGEST} other#x\n"),
    );
    let (out, _) = folder.good("build list.txt -o out.gwi");
    assert!(
        out.contains(": 3 indicators (") && out.contains(", 3 hashes, 0 traces), 3 labels; 0 dup"),
        "{out}"
    );
    let bytes = folder.read("out.gwi");
    let intel = Intel::open(&bytes).unwrap();
    let mut digest = [0; 32];
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&DIGEST[at..at + 2], 16).unwrap();
    }
    let hit = |family| Some(Hit { family, port: None, expires: None });
    assert_eq!(intel.lookup_hash(&digest, None), hit("other"));
    digest[0] = 0xff;
    assert_eq!(intel.lookup_hash(&digest, Some(0)), hit("list"));
    digest[31] ^= 1;
    assert_eq!(intel.lookup_hash(&digest, None), None);
    assert!(intel.has_hashes() && !intel.has_addresses() && !intel.has_traces());
}

#[test]
fn many_hashes_are_all_found() {
    let folder = Folder::new("many-hashes");
    let digest_of = |at: u32| {
        let mut random = u64::from(at) | 1 << 40;
        std::array::from_fn::<u8, 32, _>(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random.to_be_bytes()[0]
        })
    };
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines: Vec<String> =
        (0..2000).map(|at| format!("sha256:{} family-{}", hex(digest_of(at)), at % 9)).collect();
    folder.write("list.txt", lines.join("\n"));
    folder.good("build list.txt -o out.gwi");
    let bytes = folder.read("out.gwi");
    let intel = Intel::open(&bytes).unwrap();
    for at in 0..2000 {
        let family = format!("family-{}", at % 9);
        assert_eq!(intel.lookup_hash(&digest_of(at), None).map(|hit| hit.family), Some(&*family));
        assert_eq!(intel.lookup_hash(&digest_of(at + 2000), None), None);
    }
}

#[test]
fn a_wrong_rule_is_named_with_what_to_do() {
    let folder = Folder::new("wrong-rules");
    for (line, message) in [
        ("sha256:abc x", "sha256:abc is not a SHA-256: write its 64 hexadecimal digits"),
        (
            &format!("sha256:{DIGEST}00"),
            &format!("sha256:{DIGEST}00 is not a SHA-256: write its 64 hexadecimal digits"),
        ),
        (
            &format!("sha256:{}+1", &DIGEST[2..]),
            &format!("sha256:{}+1 is not a SHA-256: write its 64 hexadecimal digits", &DIGEST[2..]),
        ),
        (
            &format!("sha256:{DIGEST} x strength=strong"),
            r#"unknown attribute "strength": expires=YYYY-MM-DD is the only one"#,
        ),
        (
            "192.0.2.1 x strength=strong",
            r#"unknown attribute "strength": expires=YYYY-MM-DD is the only one"#,
        ),
        (
            "name:a x",
            "strength= is missing: strong if no healthy device has it, fair if hardly any, weak if some",
        ),
        ("name:a x strength=high", r#""high" is not a strength: write strong, fair or weak"#),
        ("name:a x strength=weak strength=fair", "strength= is there twice: keep one"),
        ("name:a expires=2027-01-01 expires=2027-01-01 strength=fair", "expires= is there twice: keep one"),
        (
            "name:a x level=1",
            r#"unknown attribute "level": expires=YYYY-MM-DD and strength= are the only ones"#,
        ),
        (
            "name:a b x strength=weak",
            r#"unexpected word "x": after the value come one word for the family, then attributes"#,
        ),
        ("name: x strength=weak", "nothing follows name:: write the value right after it"),
        (r#"name:"" x strength=weak"#, "nothing is in the quotes after name:: write the value there"),
        (r#"name:"a x strength=weak"#, r#"the quote after name: does not end: close it with ""#),
        (r#"name:"a"b strength=weak"#, r#""b strength=weak" follows a closing quote: put a blank between"#),
        (
            r#"name:a"b strength=weak"#,
            r#"name:a"b has a quote or backslash in it: put all of the value in quotes"#,
        ),
        (
            r"name:a\x20b strength=weak",
            r"name:a\x20b has a quote or backslash in it: put all of the value in quotes",
        ),
        (r#"name:"a\n" strength=weak"#, r#"a backslash in quotes is none of \" \\ \xNN: write it as \\"#),
        (r#"name:"a\x2" strength=weak"#, r#"a backslash in quotes is none of \" \\ \xNN: write it as \\"#),
        (r#"name:"a\x+2" strength=weak"#, r#"a backslash in quotes is none of \" \\ \xNN: write it as \\"#),
        (r#"name:"a\x€" strength=weak"#, r#"a backslash in quotes is none of \" \\ \xNN: write it as \\"#),
        (r#"name:"a\"#, r#"a backslash in quotes is none of \" \\ \xNN: write it as \\"#),
        (
            r#"name:"a\x00" strength=weak"#,
            r"name:a\x00 holds a zero byte, which no name, path or argument can",
        ),
        (
            "name:/tmp/a strength=weak",
            "name:/tmp/a has a slash in it: write the last part only, or path: for all of it",
        ),
        ("path:tmp/a strength=weak", "path:tmp/a is not an absolute path: begin with /"),
        (
            "path:/tmp//a strength=weak",
            "path:/tmp//a is not a plain path: leave out // /./ /../ and a / at the end",
        ),
        (
            "dir:/tmp/a/ strength=weak",
            "dir:/tmp/a/ is not a plain path: leave out // /./ /../ and a / at the end",
        ),
        ("dir:/ strength=weak", "dir:/ is not a plain path: leave out // /./ /../ and a / at the end"),
        (
            "file:/tmp/../a strength=weak",
            "file:/tmp/../a is not a plain path: leave out // /./ /../ and a / at the end",
        ),
        (
            "dir:/tmp strength=weak",
            "dir:/tmp is too wide, healthy programs run below it: name a directory in it",
        ),
        ("dir:tmp/ strength=weak", "dir:tmp/ is not an absolute path: begin with /"),
        ("arg:abc strength=weak", "arg:abc is shorter than 4 bytes: healthy command lines hold it too"),
        (
            "tcp:0 strength=weak",
            "tcp:0 is not a port: write a number from 1 to 65535, or 127.0.0.1:NUMBER for a listener on that \
             address only",
        ),
        (
            "udp:192.0.2.1:53 strength=weak",
            "udp:192.0.2.1:53 is not a port: write a number from 1 to 65535, or 127.0.0.1:NUMBER for a listener \
             on that address only",
        ),
        (
            "tcp:080 strength=weak",
            "tcp:080 is not a port: write a number from 1 to 65535, or 127.0.0.1:NUMBER for a listener on that \
             address only",
        ),
    ] {
        folder.write("list.txt", format!("192.0.2.9\n{line}\n"));
        let message =
            format!("list.txt:2: {message}\ngatewatch-intel: 1 line is wrong: nothing is written\n");
        assert_eq!(folder.bad("build list.txt -o out.gwi", 1), message, "{line}");
    }
    let long = "x".repeat(256);
    folder.write("list.txt", format!("name:{long} strength=weak\n"));
    let message =
        format!("list.txt:1: name:{long} is longer than 255 bytes: write a piece of it that says enough\n");
    assert!(folder.bad("build list.txt -o out.gwi", 1).starts_with(&message));
    assert_eq!(folder.names(), ["list.txt"]);
    folder.write("list.txt", format!("name:{} strength=weak\n", "x".repeat(255)));
    folder.good("build list.txt -o out.gwi");
    assert_eq!(traces(&folder.read("out.gwi")).len(), 1);
}

#[test]
fn duplicates_are_counted_and_the_one_that_is_meant_for_longest_stays() {
    let folder = Folder::new("rule-duplicates");
    let lines = [
        "name:a x strength=fair expires=2027-01-01".to_owned(),
        "name:\"a\" x strength=fair".to_owned(),
        "name:a x strength=strong".to_owned(),
        "name:a y strength=fair".to_owned(),
        format!("sha256:{DIGEST} x expires=2027-01-01"),
        format!("sha256:{DIGEST} x expires=2028-01-01"),
    ];
    folder.write("list.txt", lines.join("\n"));
    let (out, _) = folder.good("build list.txt -o one.gwi");
    assert!(out.contains(": 4 indicators (") && out.ends_with("2 duplicates, 0 left out\n"), "{out}");
    let bytes = folder.read("one.gwi");
    assert_eq!(traces(&bytes), ["Name a x Fair None", "Name a y Fair None", "Name a x Strong None"]);
    let reversed: Vec<&str> = lines.iter().rev().map(String::as_str).collect();
    folder.write("list.txt", reversed.join("\r\n"));
    folder.good("build list.txt -o two.gwi");
    assert!(folder.read("two.gwi") == bytes, "the order of the lines makes a difference");
}

#[test]
fn what_has_expired_is_left_out_and_named_as_it_is_written() {
    let folder = Folder::new("rule-expired");
    folder.write(
        "list.txt",
        format!("sha256:{DIGEST} x expires=2026-01-01\narg:\"a b c\" x strength=weak expires=2026-01-01\nname:a strength=weak\n"),
    );
    let (out, err) = folder.good("build list.txt -o out.gwi");
    assert!(
        err.starts_with(&format!(
            "list.txt:1: warning: sha256:{DIGEST} has expired before the file's date: left out\n\
             list.txt:2: warning: arg:a b c has expired before the file's date: left out\n"
        )),
        "{err}"
    );
    assert!(out.contains(": 1 indicators (") && out.ends_with("2 left out\n"), "{out}");
}

#[test]
fn addresses_stay_as_they_are_beside_rules_and_rules_need_no_never_match_ranges() {
    let folder = Folder::new("mixed");
    folder.write("list.txt", "192.0.2.1 x\n").write("rules.txt", "name:a x strength=weak\n");
    folder.good("build list.txt rules.txt -o both.gwi");
    folder.good("build list.txt -o list.gwi");
    folder.good("build rules.txt -o rules.gwi");
    let (both, list, rules) = (folder.read("both.gwi"), folder.read("list.gwi"), folder.read("rules.gwi"));
    for (bytes, at_home, listed) in [(&both, true, true), (&list, true, true), (&rules, false, false)] {
        let intel = Intel::open(bytes).unwrap();
        let lookup = |address: &str| intel.lookup(address.parse().unwrap(), 80);
        assert_eq!(lookup("127.0.0.1") == Match::Never, at_home);
        assert_eq!(matches!(lookup("192.0.2.1"), Match::Listed(_)), listed);
        assert_eq!(intel.has_addresses(), listed);
    }
    // A row of the table, and the trace: no labels of its own, since they say the same.
    assert_eq!(both.len(), list.len() + 16 + 5);
    assert!(rules.len() < 200, "{}", rules.len());
}
