//! Tables of flows and lists of indicators, as large as a busy router has them.

#![allow(dead_code, reason = "each file that includes this uses a part of it")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The most flows that a home router tracks, and indicators of a large list.
pub(crate) const FLOWS: u32 = 65_536;
pub(crate) const INDICATORS: u32 = 100_000;

/// Numbers that look like chance and are the same in every run (xorshift32, Marsaglia 2003).
pub(crate) struct Chance(pub(crate) u32);

impl Chance {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    /// An address that is nobody's own: 1.0.0.0 to 9.255.255.255 and 11.0.0.0 to 99.255.255.255, but no resolver that
    /// everybody uses.
    fn public(&mut self) -> [u8; 4] {
        loop {
            let [a, b, c, d] = self.next().to_be_bytes();
            let a = a % 99 + 1;
            if ![1, 4, 8, 9, 10].contains(&a) {
                return [a, b, c, d];
            }
        }
    }
}

fn dotted([a, b, c, d]: [u8; 4]) -> String {
    format!("{a}.{b}.{c}.{d}")
}

/// `count` rows of `/proc/net/nf_conntrack` of a router at 192.168.1.1 and 203.0.113.10: TCP, UDP, ICMP, IPv6, offloaded
/// ones; and some that are no rows. Of the others every thousandth goes to a listed address.
pub(crate) fn table(count: u32) -> (String, u32) {
    let (mut chance, mut listed, mut text, mut odd) = (Chance(0x2026), Chance(0x6a09), String::new(), 0);
    for n in 0..count {
        let client = format!("192.168.1.{}", n % 200 + 20);
        let remote = dotted(if n % 1000 == 7 { listed.public() } else { chance.public() });
        let (sport, mark) = (1024 + n % 60_000, n % 3);
        let replied = if n % 5 == 0 { "[UNREPLIED] " } else { "" };
        let line = match n % 16 {
            0..=6 => format!(
                "ipv4     2 tcp      6 {} ESTABLISHED src={client} dst={remote} sport={sport} dport=443 packets=12 bytes=2210 \
                 src={remote} dst=203.0.113.10 sport=443 dport={sport} packets=14 bytes=9188 [ASSURED] mark={mark} zone=0 use=2",
                n % 7440
            ),
            7..=10 => format!(
                "ipv4     2 udp      17 {} src={client} dst={remote} sport={sport} dport=443 packets=1 bytes=70 \
                 {replied}src={remote} dst=203.0.113.10 sport=443 dport={sport} packets=0 bytes=0 mark={mark} zone=0 use=2",
                n % 180
            ),
            11 => format!(
                "ipv4     2 icmp     1 29 src={client} dst={remote} type=8 code=0 id={sport} packets=1 bytes=84 \
                 src={remote} dst=203.0.113.10 type=0 code=0 id={sport} packets=1 bytes=84 mark=0 zone=0 use=2"
            ),
            12 | 13 => {
                let six = format!(
                    "2600:{:04x}:{:04x}:0000:0000:0000:0000:{:04x}",
                    n & 0xfff,
                    n >> 4 & 0xffff,
                    n & 0xffff
                );
                let own = format!("2001:0db8:0001:0000:0000:0000:0000:{:04x}", n % 200 + 16);
                format!(
                    "ipv6     10 tcp      6 {} ESTABLISHED src={own} dst={six} sport={sport} dport=443 packets=12 bytes=2210 \
                     src={six} dst={own} sport=443 dport={sport} packets=14 bytes=9188 [ASSURED] mark=0 zone=0 use=2",
                    n % 7440
                )
            }
            14 => format!(
                "ipv4     2 tcp      6 src={client} dst={remote} sport={sport} dport=443 packets=12 bytes=2210 src={remote} \
                 dst=203.0.113.10 sport=443 dport={sport} packets=14 bytes=9188 [HW_OFFLOAD] mark=0 zone=0 use=3"
            ),
            _ => format!(
                "ipv4     2 udp      17 29 src=203.0.113.10 dst={remote} sport={sport} dport=123 packets=1 bytes=76 \
                 src={remote} dst=203.0.113.10 sport=123 dport={sport} packets=1 bytes=76 [ASSURED] mark=0 zone=0 use=2"
            ),
        };
        text.push_str(&line);
        text.push('\n');
        if n % 4096 == 1 {
            odd += 1;
            text.push_str("ipv4     2 tcp      6 12 ESTABLISHED src=192.168.1.20 dst=198.51.1\n");
        }
    }
    (text, odd)
}

/// Lays a recording of a router with `count` flows into a directory.
pub(crate) fn recording(dir: &Path, count: u32) -> PathBuf {
    let net = dir.join("root/proc/net");
    fs::create_dir_all(&net).unwrap();
    fs::write(dir.join("about.toml"), "byte_order = \"little\"\n").unwrap();
    let file = net.join("nf_conntrack");
    fs::write(&file, table(count).0).unwrap();
    let route = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth1\t00000000\t017100CB\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        br-lan\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        eth1\t007100CB\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
    fs::write(net.join("route"), route).unwrap();
    let trie = "Local:\n     |-- 192.168.1.1\n        /32 host LOCAL\n     |-- 203.0.113.10\n        /32 host LOCAL\n";
    fs::write(net.join("fib_trie"), trie).unwrap();
    let zero = "0".repeat(32);
    let row = |to: &str, length: &str, via: &str, flags: &str, name: &str| {
        format!("{to} {length} {zero} 00 {via} 00000400 00000001 00000000 {flags} {name:>8}\n")
    };
    let lan = row("20010db8000100000000000000000000", "40", &zero, "00000001", "br-lan");
    let world = row(&zero, "00", "fe800000000000000000000000000001", "00000003", "eth1");
    fs::write(net.join("ipv6_route"), lan + &world).unwrap();
    fs::write(net.join("if_inet6"), "20010db8000100000000000000000001 05 40 00 80   br-lan\n").unwrap();
    file
}

/// Makes an indicator file with the tool of this repository: `count` addresses, those of the table first, every fourth
/// with a port.
pub(crate) fn indicators(dir: &Path, count: u32) -> PathBuf {
    let (list, made) = (dir.join(format!("{count}.txt")), dir.join(format!("{count}.gwi")));
    let (mut chance, mut text) = (Chance(0x6a09), String::new());
    for n in 0..count {
        let port = if n % 4 == 3 { ":443" } else { "" };
        writeln!(text, "{}{port} family{}", dotted(chance.public()), n % 20).unwrap();
    }
    fs::write(&list, text).unwrap();
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/intel/Cargo.toml");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--release", "--locked", "--manifest-path", tool, "--", "build"]);
    cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("intel"));
    cargo.arg(&list).arg("-o").arg(&made).args(["--version", "1"]);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    made
}
