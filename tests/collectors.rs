//! Reports to the collectors that people run, rsyslog and syslog-ng, by unix socket, UDP and TCP, and through BusyBox:
//! everything arrives whole, once and in order, also where they are away for a while.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/scan.rs"]
mod scan;

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use scan::{GATEWATCH, Guard, Log, Ran, Tree, alone_with, finish, need_root, run, start, wait_for};

/// What has come to a collector by one of its ways.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    way: String,
    host: String,
    program: String,
    severity: String,
    /// The kind of message of RFC 5424.
    kind: String,
    /// The value of `obj` in the structured data, as the collector understood it or to be understood.
    object: String,
    text: String,
}

/// Which program collects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Rsyslog,
    SyslogNg,
}

/// A collector with ports and a socket of its own.
struct Collector {
    program: Program,
    dir: tempfile::TempDir,
    port: u16,
    running: Option<Guard>,
}

/// The first directory below that has the name.
fn find(below: &Path, name: &str) -> PathBuf {
    let mut dirs = vec![below.to_owned()];
    while let Some(dir) = dirs.pop() {
        let entries =
            fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}; run scripts/setup", dir.display()));
        for entry in entries.map(Result::unwrap) {
            if entry.file_name() == name {
                return entry.path();
            }
            if entry.file_type().unwrap().is_dir() {
                dirs.push(entry.path());
            }
        }
    }
    panic!("no {name} below {}; run scripts/setup", below.display());
}

impl Collector {
    /// One that does not run yet. Its port is free for TCP and for UDP.
    fn new(program: Program) -> Self {
        let port = (0..100)
            .find_map(|_| {
                let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = tcp.local_addr().unwrap();
                UdpSocket::bind(address).is_ok().then(|| address.port())
            })
            .expect("a free port");
        Self { program, dir: tempfile::tempdir().unwrap(), port, running: None }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Starts it and waits until it takes messages.
    fn start(&mut self) {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
        let (path, port) = (|name| self.path(name), self.port);
        let (socket, out, conf) = (path("socket"), path("out"), path("conf"));
        let mut command = match self.program {
            Program::Rsyslog => {
                let dir = path("");
                let text = format!(
                    r#"
global(workDirectory="{dir}" maxMessageSize="8k")
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imtcp")
template(name="record" type="string"
  string="%inputname%\t%hostname%\t%programname%\t%syslogseverity-text%\t%msgid%\t%structured-data%\t%msg:::drop-last-lf%\n")
input(type="imuxsock" Socket="{socket}")
input(type="imudp" address="127.0.0.1" port="{port}")
input(type="imtcp" address="127.0.0.1" port="{port}")
action(type="omfile" file="{out}" template="record")
"#
                );
                fs::write(&conf, text).unwrap();
                let root = tools.join("rsyslog");
                let mut command = Command::new(root.join("usr/sbin/rsyslogd"));
                command.args(["-n", "-f", &conf, "-i", &path("pid")]);
                command.arg("-M").arg(find(&root.join("usr/lib"), "imudp.so").parent().unwrap());
                command
            }
            Program::SyslogNg => {
                let text = format!(
                    r#"@version: 3.35
options {{ keep-hostname(yes); stats-freq(0); log-msg-size(8192); }};
source imuxsock {{ unix-dgram("{socket}"); }};
source stream {{ unix-stream("{socket}.stream"); }};
source imudp {{ network(transport("udp") ip("127.0.0.1") port({port})); }};
source imtcp {{ syslog(transport("tcp") ip("127.0.0.1") port({port})); }};
destination out {{ file("{out}" template("$SOURCE\t$HOST\t$PROGRAM\t$LEVEL\t$MSGID\t${{.SDATA.gatewatch@32473.obj}}\t$MESSAGE\n")); }};
log {{ source(imuxsock); source(stream); source(imudp); source(imtcp); destination(out); }};
"#
                );
                fs::write(&conf, text).unwrap();
                let root = tools.join("syslog-ng-core");
                let libraries = root.join("usr/lib/syslog-ng");
                let modules = find(&libraries, "libafsocket.so").parent().unwrap().to_owned();
                let mut command = Command::new(root.join("usr/sbin/syslog-ng"));
                command.env("LD_LIBRARY_PATH", &libraries);
                command.args(["-F", "--no-caps", "--cfgfile", &conf, "--pidfile", &path("pid")]);
                command.args(["--persist-file", &path("persist"), "--control", &path("control")]);
                command.arg(format!("--module-path={}", modules.display()));
                command
            }
        };
        let mut running = start(&mut command);
        let bound = format!("0100007F:{port:04X} ");
        wait_for("a collector that listens", || {
            if let Some(status) = running.0.try_wait().unwrap() {
                let mut said = String::new();
                running.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("{:?} ended with {status}: {said}", self.program);
            }
            let udp = fs::read_to_string("/proc/net/udp").unwrap().contains(&bound);
            (udp && Path::new(&socket).exists() && TcpStream::connect(("127.0.0.1", port)).is_ok())
                .then_some(())
        });
        self.running = Some(running);
    }

    /// Ends it as a restart does.
    fn stop(&mut self) {
        let mut child = self.running.take().unwrap();
        kill(Pid::from_raw(child.0.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        wait_for("the end of a collector", || child.0.try_wait().unwrap());
    }

    /// The destinations that it is.
    fn ways(&self, ways: &[&str]) -> Vec<OsString> {
        let destination = |way: &&str| match *way {
            "imuxsock" => self.path("socket"),
            "stream" => self.path("socket.stream"),
            "imudp" => format!("udp://127.0.0.1:{}", self.port),
            "imtcp" => format!("tcp://127.0.0.1:{}", self.port),
            other => panic!("{other}"),
        };
        ways.iter().map(|way| format!("--syslog={}", destination(way)).into()).collect()
    }

    /// What has come by now of gatewatch's.
    fn records(&self) -> Vec<Record> {
        let all = fs::read(self.path("out")).unwrap_or_default();
        let all = String::from_utf8(all).expect("what we send is ASCII");
        // The last line may still be written.
        let lines = all.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let records = lines.map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [way, host, program, severity, kind, object, text] = fields[..] else { panic!("{line}") };
            let object = match (self.program, object.split_once("obj=\"")) {
                (Program::Rsyslog, Some((_, rest))) => unescaped(rest),
                (Program::Rsyslog, None) => String::new(),
                (Program::SyslogNg, _) => object.to_owned(),
            };
            Record {
                way: way.into(),
                host: host.into(),
                program: program.into(),
                severity: severity.into(),
                kind: kind.into(),
                object,
                text: text.trim_start().into(),
            }
        });
        records.filter(|record| record.program == "gatewatch").collect()
    }

    /// What has come, once so many closing lines have.
    fn ended(&self, runs: usize) -> Vec<Record> {
        wait_for("everything at the collector", || {
            let records = self.records();
            (records.iter().filter(|it| it.text.contains(" verdict=")).count() >= runs).then_some(records)
        })
    }
}

/// A parameter's value up to its closing quote, RFC 5424 section 6.3.3.
fn unescaped(value: &str) -> String {
    let (mut out, mut chars) = (String::new(), value.chars());
    while let Some(c) = chars.next() {
        match c {
            '"' => return out,
            '\\' => out.push(chars.next().unwrap()),
            other => out.push(other),
        }
    }
    panic!("no closing quote: {value}");
}

/// A recording with names that an enemy would choose.
fn hostile() -> Tree {
    let mut tree = Tree::new()
        .file("etc/rc.local", format!("/tmp/x &\n/tmp/{} &\n", "y\"]\\ ".repeat(16_384)))
        .file("proc/net/udp", "  sl  local_address rem_address   st\n")
        .file("proc/net/tcp", "  sl  local_address rem_address   st\n");
    let names: [&[u8]; 7] = [
        b"plain",
        b"line\nfeed\r\n<26>Nov 22 10:00:00 sshd[1]: gotcha",
        b"quotes\"]\\\" [x@1 y=\"z\"] ",
        b"\xff\xfe\xc3\x80bytes\x00",
        b"tab\tand\x1b[2Jescape%s%n",
        &[b']'; 3000],
        &[b'"'; 3000],
    ];
    for (pid, name) in (300..).zip(names) {
        let name: Vec<u8> = name.iter().copied().filter(|byte| *byte != 0).collect();
        let exe = [b"/tmp/", &name[..], b" (deleted)"].concat();
        tree = tree.process(pid, b"x", &exe, b"x\0");
    }
    // A crowd, so that it is more than one breath.
    (400..420).fold(tree, |tree, pid| tree.process(pid, b"y", b"/dev/shm/y", b"y\0"))
}

fn command(tree: &Tree, options: &[OsString]) -> Command {
    let mut command = Command::new(GATEWATCH);
    command.args(["-q", "--device", "r1.lan", "--root"]).arg(tree.path()).args(options);
    command
}

/// What a line says, from `dev=` on.
fn text(line: &[u8]) -> String {
    let line = str::from_utf8(line).unwrap();
    line.split_once("]: ").expect("a tag").1.to_owned()
}

/// Asserts that a way got these texts, each once and in this order.
#[track_caller]
fn same(records: &[Record], way: &str, texts: &[String]) {
    let got: Vec<&str> = records.iter().filter(|it| it.way == way).map(|it| &it.text[..]).collect();
    assert_eq!(got, texts, "{way}");
    for (number, text) in (1..).zip(texts) {
        assert!(text.contains(&format!(" n={number}/{} ", texts.len())), "{text}");
    }
}

/// Runs once with a log daemon of the test's beside these destinations; returns what it got.
fn logged(tree: &Tree, ways: Vec<OsString>) -> Vec<String> {
    let log = Log::new();
    let options: Vec<OsString> = ways.into_iter().chain([log.option()]).collect();
    let ran = run(&mut command(tree, &options));
    assert_eq!((ran.status, &ran.stderr[..]), (2, ""));
    log.lines().iter().map(|line| text(line)).collect()
}

#[test]
fn rsyslog_and_syslog_ng_get_everything_whole() {
    let tree = hostile();
    let mut objects = Vec::new();
    for (program, ways) in [
        (Program::Rsyslog, &["imuxsock", "imudp", "imtcp"][..]),
        (Program::SyslogNg, &["stream", "imudp", "imtcp"]),
        (Program::SyslogNg, &["imuxsock"]),
    ] {
        let mut collector = Collector::new(program);
        collector.start();
        let texts = logged(&tree, collector.ways(ways));
        assert!(texts.len() > 25, "{texts:?}");
        let records = collector.ended(ways.len());
        for way in ways {
            same(&records, way, &texts);
        }
        let by = |way| records.iter().filter(move |it| it.way == way);
        for record in by("imudp").chain(by("imtcp")) {
            assert_eq!((&record.host[..], &record.program[..]), ("r1.lan", "gatewatch"), "{record:?}");
        }
        for record in &records {
            let ends = record.text.contains(" verdict=");
            assert_eq!(record.severity == "info", ends, "{record:?}");
            assert_eq!(record.severity == "crit", record.text.contains(" sev=infected "), "{record:?}");
            if record.way == "imtcp" {
                let incident = record.text.contains(" incident=");
                assert_eq!(
                    record.kind,
                    match (ends, incident) {
                        (true, _) => "summary",
                        (false, true) => "incident",
                        (false, false) => "finding",
                    }
                );
            }
        }
        if ways.contains(&"imtcp") {
            objects.push(by("imtcp").map(|it| it.object.clone()).collect::<Vec<_>>());
        }
    }
    let [rsyslog, syslog_ng] = &objects[..] else { panic!("{objects:?}") };
    assert_eq!(rsyslog, syslog_ng, "both understand the structured data alike");
    for whole in [
        r"/tmp/line\x0afeed\x0d\x0a<26>Nov 22 10:00:00 sshd[1]: gotcha",
        r#"/tmp/quotes"]\\" [x@1 y="z"] "#,
        r"/tmp/\xff\xfe\xc3\x80bytes",
        r"/tmp/tab\x09and\x1b[2Jescape%s%n",
    ] {
        assert!(rsyslog.iter().any(|object| object == whole), "{whole}: {rsyslog:#?}");
    }
    assert!(rsyslog.iter().any(|object| object.matches(']').count() > 600), "{rsyslog:#?}");
}

#[test]
fn busybox_passes_on_every_line_whole() {
    need_root();
    let tree = hostile().dir("log");
    let mut collector = Collector::new(Program::Rsyslog);
    collector.start();
    // A /dev of its own: the machine's log daemon keeps its socket. Everything ends with the first process.
    let script = r#"mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 || exit 9
        busybox syslogd -n -L -R "127.0.0.1:$2" -O "$1/log/messages" &
        tries=200
        until [ -S /dev/log ] || [ $((tries -= 1)) = 0 ]; do busybox usleep 20000; done
        "$0" --root "$1" --device r1.lan --syslog --syslog="$3" -q; status=$?
        until grep -q verdict= "$1/log/messages" || [ $((tries -= 1)) = 0 ]; do busybox usleep 20000; done
        exit $status"#;
    let log = Log::new();
    let mut command = Command::new("unshare");
    command.args(["-m", "-p", "-f", "--kill-child", "sh", "-c", script, GATEWATCH]);
    command.arg(tree.path()).arg(collector.port.to_string()).arg(&log.path);
    let ran = run(&mut command);
    assert_eq!(ran.status, 2, "{ran:?}");
    let texts: Vec<String> = log.lines().iter().map(|line| text(line)).collect();
    same(&collector.ended(1), "imudp", &texts);
}

/// Starts a run and, a while later, `later`.
fn meanwhile(tree: &Tree, options: &[OsString], pause: Duration, later: impl FnOnce()) -> Ran {
    let running = start(&mut command(tree, options));
    thread::sleep(pause);
    later();
    finish(running)
}

#[test]
fn a_collector_that_comes_back_gets_everything() {
    let tree = hostile();
    for program in [Program::Rsyslog, Program::SyslogNg] {
        let mut collector = Collector::new(program);
        collector.start();
        let log = Log::new();
        let mut options = collector.ways(&["imudp", "imtcp"]);
        options.push(log.option());
        assert_eq!(run(&mut command(&tree, &options)).status, 2);
        let first: Vec<String> = log.lines().iter().map(|line| text(line)).collect();
        assert_eq!(collector.ended(2).len(), 2 * first.len());
        collector.stop();

        // It is away when the run begins and when it ends.
        let log = Log::new();
        options[2] = log.option();
        let ran = meanwhile(&tree, &options, Duration::from_millis(400), || collector.start());
        assert_eq!((ran.status, &ran.stderr[..]), (2, ""), "{program:?}");
        let texts: Vec<String> = log.lines().iter().map(|line| text(line)).collect();
        let run = texts[0].split(' ').nth(1).unwrap();
        let records: Vec<Record> =
            collector.ended(4).into_iter().filter(|record| record.text.contains(run)).collect();
        same(&records, "imudp", &texts);
        same(&records, "imtcp", &texts);
    }
}

#[test]
fn what_a_collector_had_not_read_when_it_was_killed_is_sent_again() {
    let tree = hostile();
    let mut collector = Collector::new(Program::Rsyslog);
    collector.start();
    let log = Log::new();
    let options = [collector.ways(&["imtcp"]), vec![log.option()]].concat();
    // Its machine takes everything, the stopped program nothing.
    let mut child = collector.running.take().unwrap();
    kill(Pid::from_raw(child.0.id().try_into().unwrap()), Signal::SIGSTOP).unwrap();
    let ran = meanwhile(&tree, &options, Duration::from_millis(400), || {
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        collector.start();
    });
    assert_eq!((ran.status, &ran.stderr[..]), (2, ""));
    let texts: Vec<String> = log.lines().iter().map(|line| text(line)).collect();
    same(&collector.ended(1), "imtcp", &texts);
}

#[test]
fn a_way_that_leads_nowhere_for_a_while() {
    alone_with(&["192.0.2.1/32"], || {
        let nft = |words: &str| {
            let done = Command::new("nft").args(words.split(' ')).status().unwrap();
            assert!(done.success(), "nft {words}");
        };
        nft("add table inet hole");
        nft("add chain inet hole in { type filter hook input priority 0 ; policy drop ; }");
        let listener = TcpListener::bind("192.0.2.1:601").unwrap();
        let reader = thread::spawn(move || {
            let mut bytes = Vec::new();
            listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        });
        let options = ["--syslog=tcp://192.0.2.1".into()];
        let ran =
            meanwhile(&hostile(), &options, Duration::from_millis(800), || nft("delete table inet hole"));
        assert_eq!((ran.status, &ran.stderr[..]), (2, ""));
        let stream = reader.join().unwrap();
        let count = stream.matches(" r1.lan gatewatch ").count();
        assert!(count > 25 && stream.contains(&format!(" n={count}/{count} verdict=infected")), "{stream}");
    });
}

#[test]
fn what_has_not_arrived_is_said() {
    let port = Collector::new(Program::Rsyslog).port;
    let options = |kind: &str| ["--timeout=1".into(), format!("--syslog={kind}://127.0.0.1:{port}").into()];
    let tree = hostile();
    let runs = ["udp", "tcp"].map(|kind| (kind, start(&mut command(&tree, &options(kind)))));
    for (kind, running) in runs {
        let begun = Instant::now();
        let ran = finish(running);
        assert_eq!(ran.status, 2, "{ran:?}");
        let expected = format!(
            "{kind}://127.0.0.1:{port}: nobody listens there; messages that have not arrived there: "
        );
        assert!(ran.stderr.contains(&expected), "{ran:?}");
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    let ran = run(command(&Tree::healthy(), &options("tcp")).arg("-v"));
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(ran.stderr.contains("messages that have not arrived there: 1;"), "{ran:?}");
}
