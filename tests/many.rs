//! Healthy machines with much going on: this one as it is, and a container of its distribution, with and without lists of
//! what is installed, from within and from outside. None of them is called infected.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::print_stderr, missing_docs)]

#[path = "common/room.rs"]
mod room;
#[path = "common/scan.rs"]
mod scan;

use room::{Room, found};
use scan::{Outcome, need_root, scan, wait_for};
use serde_json::Value;

/// What the tests plant bears this in its path, whoever runs them beside this one.
const PLANTED: &str = "gatewatch-";

fn infected(outcome: &Outcome) -> Vec<&Value> {
    outcome.with("severity", "infected")
}

#[test]
fn this_machine_as_it_is() {
    need_root();
    let outcome = scan([""; 0]);
    let strange: Vec<_> =
        infected(&outcome).into_iter().filter(|row| !row.to_string().contains(PLANTED)).collect();
    assert_eq!(strange, [&Value::Null; 0]);
    assert!(outcome.summary["processes"].as_u64().unwrap() > 3, "{}", outcome.summary);
}

/// What a small server does: a DHCP client and server, a log, jobs, a web server with a script that somebody is
/// waiting for, a session over telnet, a pipeline, a download, and somebody who watches the network.
const BUSY: &str = r#"
ip link add veth0 type veth peer name veth1
ip link set veth0 up
ip link set veth1 up
ip address add 192.0.2.1/24 dev veth0
printf 'interface veth0\nstart 192.0.2.20\nend 192.0.2.30\nlease_file /tmp/leases\n' >/tmp/udhcpd.conf
mkdir -p /srv/www/cgi-bin /tmp/crontabs
printf '#!/bin/sh\necho Content-type: text/plain; echo; sleep 60\n' >/srv/www/cgi-bin/wait
chmod +x /srv/www/cgi-bin/wait
busybox udhcpd -f /tmp/udhcpd.conf >/out/udhcpd 2>&1 &
busybox udhcpc -f -i veth1 -s /bin/true >/out/udhcpc 2>&1 &
busybox syslogd -n -O /tmp/messages >/out/syslogd 2>&1 &
busybox crond -f -c /tmp/crontabs >/out/crond 2>&1 &
busybox httpd -f -p 8080 -h /srv/www >/out/httpd 2>&1 &
busybox telnetd -F -p 2323 -l /bin/sh >/out/telnetd 2>&1 &
busybox ping 192.0.2.9 >/out/ping 2>&1 &
busybox nc -l -p 4000 >/out/nc 2>&1 &
(while :; do sleep 1; done) | cat >/out/pipeline &
sh -c 'while :; do sleep 0.01; done' &
perl -e 'sleep 600' &
tries=0
until [ $(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -c ' 0A ') -ge 3 ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "no servers: $(cat /out/*)"
    sleep 0.05
done
busybox wget -q -O - http://127.0.0.1:8080/cgi-bin/wait >/out/wget 2>&1 &
mkfifo /tmp/typed
busybox telnet 127.0.0.1 2323 </tmp/typed >/out/telnet 2>&1 &
exec 9>/tmp/typed
echo 'echo $$ >/tmp/session' >&9
tries=0
until [ -s /tmp/session ] && [ $(grep -c . /proc/net/packet) -gt 1 ] && [ $(grep -c . /proc/net/raw) -gt 1 ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "not all of it began: $(cat /out/*)"
    sleep 0.05
done
"#;

#[test]
fn a_busy_container() {
    for (name, room) in [("with lists", Room::new().whole()), ("without", Room::new().without_packages())] {
        let looks = room.run(&format!("{BUSY} look"));
        assert_eq!(infected(&looks[0]), [&Value::Null; 0], "{name}");
        // But of what somebody told to listen: telnetd without a password, and netcat.
        let told: Vec<_> = looks[0].findings.iter().filter(|row| row["check"] == "listener-odd").collect();
        assert_eq!(told.len(), 2, "{name}: {told:?}");
        assert_eq!(looks[0].findings.len(), told.len(), "{name}: {:?}", looks[0].findings);
        assert!(looks[0].summary["processes"].as_u64().unwrap() > 12, "{}", looks[0].summary);
    }
}

#[test]
fn a_container_seen_from_its_host() {
    let room = Room::new().without_packages();
    let guard = room.start(&format!("{BUSY} : >/out/busy; until [ -e /out/over ]; do sleep 0.05; done"));
    wait_for("the container's work", || room.at("out/busy").exists().then_some(()));
    let outcome = scan([""; 0]);
    std::fs::write(room.at("out/over"), "").unwrap();
    room.end(guard);
    let place = room.at("").display().to_string();
    let of_it: Vec<_> =
        infected(&outcome).into_iter().filter(|row| row.to_string().contains(&place)).collect();
    assert_eq!(of_it, [&Value::Null; 0]);
}

#[test]
fn a_container_that_does_nothing() {
    let looks = Room::new().whole().run("look");
    assert_eq!(found(&looks[0]), [""; 0]);
}
