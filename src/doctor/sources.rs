//! What this machine's kernel shows to whoever runs this. What is not there is no fault: the checks say what they miss by it.

use embedded_io::Read;
use gatewatch::facts::about::Endian;
use gatewatch::facts::netlink::{self, Next, Question, Table};
use gatewatch::host::{Dump, Fault, Host};
use gatewatch::limits::NETLINK_BYTES;

use crate::diagnosis::{Report, State};
use crate::sys::machine::Machine;

const TOPIC: &str = "source";

/// Files, of which the first that is there tells.
const FILES: [(&str, &[&str]); 9] = [
    ("processes", &["proc/self/stat"]),
    ("processes of others", &["proc/1/stat"]),
    ("sockets", &["proc/net/tcp"]),
    ("unix sockets", &["proc/net/unix"]),
    ("flows as text", &["proc/net/nf_conntrack", "proc/net/ip_conntrack"]),
    ("rules of iptables", &["proc/net/ip_tables_names"]),
    ("kernel modules", &["proc/modules"]),
    ("kernel symbols", &["proc/kallsyms"]),
    ("devices", &["sys/class/net/lo/address"]),
];

/// Questions to the kernel.
const QUESTIONS: [(&str, Question); 6] = [
    ("sockets by netlink (sock_diag)", Question::Sockets(Table::Tcp)),
    ("packet sockets by netlink (packet_diag)", Question::Packets),
    ("routes by netlink", Question::Routes),
    ("neighbours by netlink", Question::Neighbours),
    ("flows by netlink (ctnetlink)", Question::Flows),
    ("rules of nf_tables", Question::Chains),
];

/// Tells of each whether it is to be seen.
pub fn tell(report: &mut Report) {
    let machine = match Machine::live() {
        Ok(machine) => machine,
        Err(refusal) => return report.say(State::Broken, TOPIC, format_args!("{refusal}"), ""),
    };
    for (name, paths) in FILES {
        let mut told = Err(Fault::NotFound);
        for path in paths {
            if told == Err(Fault::NotFound) {
                told = machine
                    .file(path.as_bytes())
                    .and_then(|(mut file, _)| file.read(&mut [0; 64]))
                    .map(|_| ());
            }
        }
        say(report, name, told);
    }
    for (name, question) in QUESTIONS {
        say(report, name, ask(&machine, question));
    }
    let kept = if Machine::keeps_inside() { Ok(()) } else { Err(Fault::NotFound) };
    say(report, "openat2(2), to stay below --root", kept);
}

fn ask(machine: &Machine, question: Question) -> Result<(), Fault> {
    let mut answer = machine.dump(Dump::Netlink(question))?;
    let mut bytes = [0_u8; NETLINK_BYTES];
    let length = answer.read(&mut bytes)?;
    match netlink::next(bytes.get(..length).unwrap_or_default(), Endian::NATIVE) {
        Next::Message(..) | Next::Done => Ok(()),
        Next::More | Next::Refused(0) => Err(Fault::Garbled),
        Next::Refused(number) => Err(crate::sys::fd::fault(nix::errno::Errno::from_raw(number))),
    }
}

fn say(report: &mut Report, name: &str, told: Result<(), Fault>) {
    match told {
        Ok(()) => report.say(State::Good, TOPIC, format_args!("{name}: seen"), ""),
        // The kernel was built without, or its module is not loaded: EINVAL, EPROTONOSUPPORT, EOPNOTSUPP and others.
        Err(Fault::NotFound | Fault::Errno(_)) => {
            report.say(State::Good, TOPIC, format_args!("{name}: this kernel has none"), "");
        }
        Err(fault) => {
            let help = "run it as root; hidepid of proc(5) and containers hide it too";
            report.say(State::Limited, TOPIC, format_args!("{name}: {fault}"), help);
        }
    }
}
