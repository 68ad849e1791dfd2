//! What the tests of checks share: facts made by hand, and what a check says of them.

use crate::check::{Check, Ctx, Hook, Out, Say};
use crate::facts::account::Account;
use crate::facts::commands::Commands;
use crate::facts::exposure::Exposure;
use crate::facts::fanout::Fanout;
use crate::facts::file::{File, Role};
use crate::facts::flow::Flow;
use crate::facts::helper::Helper;
use crate::facts::key::Key;
use crate::facts::logging::Logging;
use crate::facts::mapping::Mapping;
use crate::facts::memory::Memory;
use crate::facts::module::{Module, Taints};
use crate::facts::mount::Mount;
use crate::facts::names::{Asked, Named, Resolver};
use crate::facts::origin::Standing;
use crate::facts::own::Own;
use crate::facts::packet_rule::{Filter, Hooks, Listener, Matched, Origin, PacketRule};
use crate::facts::process::{Exe, Hidden, Process, Stat};
use crate::facts::raw::{Promiscuous, RawSocket};
use crate::facts::reader::Reader;
use crate::facts::service::Service;
use crate::facts::setting::Setting;
use crate::facts::socket::Socket;
use crate::facts::span::Span;
use crate::facts::startup::{Kind, Line};
use crate::facts::startup_file::{Difference, Hand, StartupFile};
use crate::facts::text::Bytes;
use crate::facts::tool::{Cover, Tool};
use crate::facts::topology::testing::home;
use crate::facts::tunnel::Tunnel;
use crate::facts::unix::HiddenSocket;
use crate::facts::web::Page;
use crate::intel::Intel;
use crate::report::{Event, Incident, Severity, Sink, SinkFault, Summary};

/// The pid of gatewatch itself.
pub(crate) const OWN_PID: u32 = 4711;

/// 2026-11-22, in the middle between the expiry dates of the test indicators.
pub(crate) const NOW: u64 = 1_795_341_600;

/// The SHA-256 of no program, which is listed.
pub(crate) const BAD_SHA256: [u8; 32] = [0xbd; 32];

/// 198.51.100.7:443 trickbot; 198.51.100.8, expired in 2020; 198.51.100.9, listed and never to match; 198.51.100.11 mirai on
/// every port.
/// 198.51.100.7:443 trickbot; 198.51.100.8, expired in 2020; 198.51.100.9, listed and never to match; evil.example;
/// old.example, expired.
const INTEL: &[u8] = include_bytes!("testdata/checks.gwi");

#[derive(Default)]
struct Heard(Vec<(u32, Severity)>);

impl Sink for Heard {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        if let Event::Finding(finding) = event {
            self.0.push((finding.line.unwrap_or_default(), finding.severity));
        }
        Ok(())
    }
    fn incident(&mut self, _: &Incident<'_>) -> Result<(), SinkFault> {
        Ok(()) // The reporting process makes them.
    }

    fn summary(&mut self, _: &Summary<'_>) -> Result<(), SinkFault> {
        Ok(())
    }
}

fn heard(check: &'static Check, run: impl FnOnce(&Ctx<'_>, &mut Out<'_>)) -> Vec<(u32, Severity)> {
    let intel = [Intel::open(INTEL).unwrap()];
    let ctx =
        Ctx { intel: &intel, families: None, sieve: None, now: Some(NOW), own_pids: [OWN_PID, OWN_PID + 1] };
    let mut heard = Heard::default();
    let mut out = Out { check, say: Say::Tell(&mut heard), found: 0, worst: None, fault: None };
    run(&ctx, &mut out);
    heard.0
}

/// A process; an empty `exe` is none.
pub(crate) fn process(pid: u32, comm: &[u8], exe: &[u8], argv: &[u8]) -> Process {
    let stat = Stat { comm: Bytes::of(comm), state: b'S', ppid: 1, ..Stat::default() };
    let mut process =
        Process { pid, stat, argv: Bytes::of(argv), path: Bytes::of(exe), ..Process::default() };
    if !exe.is_empty() {
        process.stat.vsize = 4096;
        process.exe = Exe::settle(&mut process.path);
    }
    process
}

/// The functions of a check that take one kind of fact.
macro_rules! hooked {
    ($check:expr, $kind:ident) => {
        $check.hooks.iter().filter_map(|hook| if let Hook::$kind(run) = hook { Some(*run) } else { None })
    };
}

fn weights(heard: Vec<(u32, Severity)>) -> Vec<Severity> {
    heard.into_iter().map(|(_, severity)| severity).collect()
}

/// What a check says of a process.
pub(crate) fn severities(check: &'static Check, process: &Process) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Process).for_each(|run| run(process, ctx, out))))
}

/// What a check says of a socket.
pub(crate) fn sockets(check: &'static Check, socket: &Socket<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Socket).for_each(|run| run(socket, ctx, out))))
}

/// What a check says of a flow, a row of conntrack's table, on a home router.
pub(crate) fn flows(check: &'static Check, row: &str) -> Vec<Severity> {
    let mut flow = crate::facts::flow::row(row.as_bytes()).unwrap();
    let home = crate::facts::topology::testing::home();
    let ends = [flow.original.from, flow.original.to, flow.reply.from];
    [flow.from, flow.to, flow.answers] = ends.map(|end| home.side(end.ip));
    weights(heard(check, |ctx, out| hooked!(check, Flow).for_each(|run| run(&flow, ctx, out))))
}

/// A rule of iptables in the chain of packets that come in, on a home router (see [`home`]): which protocols, whom it is
/// for, which ports; the rest is to be added.
pub(crate) fn matched(protocols: u8, destination: &str, ports: &[(u16, u16)]) -> Matched {
    let mut says = Matched { protocols, ..Matched::default() };
    says.destination = destination.parse().ok().map(Span::one);
    ports.iter().for_each(|span| says.port(*span));
    says
}

/// That rule where it is.
pub(crate) fn packet_rule(says: &Matched) -> PacketRule<'_> {
    let (family, table, chain) = (crate::facts::packet_rule::Family::IP, b"nat", b"PREROUTING");
    let side = |span: Option<Span>| span.map(|span| home().side(span.low));
    PacketRule {
        origin: Origin::Kernel { legacy: true, family, table, chain },
        hooks: Hooks::PREROUTING,
        direct: true,
        says,
        meant: side(says.destination),
        to: side(says.to),
        configured: false,
        excepted: false,
        known: false,
        used: false,
        listener: Listener::Unseen,
    }
}

/// What a check says of a rule of the packet filter.
pub(crate) fn rule(check: &'static Check, rule: &PacketRule<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Rule).for_each(|run| run(rule, ctx, out))))
}

/// What a check says of the packet filter as a whole.
pub(crate) fn filter(check: &'static Check, filter: &Filter) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Filter).for_each(|run| run(filter, ctx, out))))
}

/// What a check says of somebody who calls many hosts.
pub(crate) fn fanout(check: &'static Check, fanout: &Fanout<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Fanout).for_each(|run| run(fanout, ctx, out))))
}

/// What a check says of what a program does on the network.
pub(crate) fn service(check: &'static Check, service: &Service<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Service).for_each(|run| run(service, ctx, out))))
}

/// What a check says of a flow.
pub(crate) fn flow(check: &'static Check, flow: &Flow) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Flow).for_each(|run| run(flow, ctx, out))))
}

/// What a check says of a port that UPnP opened.
pub(crate) fn mapping(check: &'static Check, mapping: &Mapping<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Mapping).for_each(|run| run(mapping, ctx, out))))
}

/// What a check says of a tunnel.
pub(crate) fn tunnel(check: &'static Check, tunnel: &Tunnel<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Tunnel).for_each(|run| run(tunnel, ctx, out))))
}

/// What a check says of what is open to strangers.
pub(crate) fn exposure(check: &'static Check, exposure: &Exposure<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Exposure).for_each(|run| run(exposure, ctx, out))))
}

/// What a check says of a raw socket.
pub(crate) fn raw(check: &'static Check, socket: &RawSocket<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Raw).for_each(|run| run(socket, ctx, out))))
}

/// What a check says of a socket between processes that is hidden.
pub(crate) fn hidden_socket(check: &'static Check, hidden: &HiddenSocket<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, HiddenSocket).for_each(|run| run(hidden, ctx, out))))
}

/// What a check says of an interface.
pub(crate) fn interface(check: &'static Check, interface: &Promiscuous<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Interface).for_each(|run| run(interface, ctx, out))))
}

/// What a check says of a mount.
pub(crate) fn mount(check: &'static Check, mount: &Mount<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Mount).for_each(|run| run(mount, ctx, out))))
}

/// What a check says of a hidden process.
pub(crate) fn hidden(check: &'static Check, hidden: &Hidden) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Hidden).for_each(|run| run(hidden, ctx, out))))
}

/// What a check says of a file.
pub(crate) fn file(check: &'static Check, file: &File<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, File).for_each(|run| run(file, ctx, out))))
}

/// What a check says of a helper of the kernel.
pub(crate) fn helper(check: &'static Check, helper: &Helper<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Helper).for_each(|run| run(helper, ctx, out))))
}

/// What a check says of a kernel module.
pub(crate) fn module(check: &'static Check, module: &Module<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Module).for_each(|run| run(module, ctx, out))))
}

/// What a check says of a tainted kernel.
pub(crate) fn tainted(check: &'static Check, taints: &Taints) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Taints).for_each(|run| run(taints, ctx, out))))
}

/// What a check says of a tool of the system.
pub(crate) fn tool(check: &'static Check, tool: &Tool<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Tool).for_each(|run| run(tool, ctx, out))))
}

/// What a check says of what is mounted over a tool.
pub(crate) fn cover(check: &'static Check, cover: &Cover<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Cover).for_each(|run| run(cover, ctx, out))))
}

/// What a check says of a user.
pub(crate) fn account(check: &'static Check, account: &Account<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Account).for_each(|run| run(account, ctx, out))))
}

/// What a check says of a key.
pub(crate) fn key(check: &'static Check, key: &Key<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Key).for_each(|run| run(key, ctx, out))))
}

/// What a check says of a file of gatewatch's own.
pub(crate) fn own(check: &'static Check, own: &Own<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Own).for_each(|run| run(own, ctx, out))))
}

/// What a check says of the log.
pub(crate) fn log(check: &'static Check, log: &Logging) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Log).for_each(|run| run(log, ctx, out))))
}

/// What a check says of a resolver.
pub(crate) fn resolver(check: &'static Check, resolver: &Resolver<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Resolver).for_each(|run| run(resolver, ctx, out))))
}

/// What a check says of a name that is given an address by hand.
pub(crate) fn named(check: &'static Check, named: &Named<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Named).for_each(|run| run(named, ctx, out))))
}

/// What a check says of a name that was asked for.
pub(crate) fn asked(check: &'static Check, asked: &Asked<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Asked).for_each(|run| run(asked, ctx, out))))
}

/// What a check says of a setting.
pub(crate) fn setting(check: &'static Check, setting: &Setting<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Setting).for_each(|run| run(setting, ctx, out))))
}

/// What a check says of a web page.
pub(crate) fn page(check: &'static Check, page: &Page<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Web).for_each(|run| run(page, ctx, out))))
}

/// A file at a path, of root's, for everybody to run.
pub(crate) fn lying(path: &[u8], role: Role) -> File<'_> {
    File { path, role, mode: 0o100_755, uid: 0, elf: None, sha256: None, own: false, by: b"", line: 0 }
}

/// A startup file of root's of which nothing is known.
pub(crate) fn started(path: &[u8]) -> StartupFile<'_> {
    StartupFile {
        path,
        target: b"",
        hand: Hand::Firmware,
        standing: Standing::Unknown,
        difference: Difference::None,
        configuration: false,
        by_tools: false,
        access_point: false,
        uid: 0,
    }
}

/// What a check says of a startup file as a whole.
pub(crate) fn startup_file(check: &'static Check, file: &StartupFile<'_>) -> Vec<Severity> {
    weights(heard(check, |ctx, out| hooked!(check, Startup).for_each(|run| run(file, ctx, out))))
}

/// What a check of startup lines says of a text, with the line.
pub(crate) fn startup(check: &'static Check, kind: Kind, text: &[u8]) -> Vec<(u32, Severity)> {
    lines(check, kind, text, None)
}

/// What a check says of a line of inittab that the image has, or not.
pub(crate) fn inittab(check: &'static Check, text: &[u8], in_image: Option<bool>) -> Vec<Severity> {
    weights(lines(check, Kind::Inittab, text, in_image))
}

fn lines(check: &'static Check, kind: Kind, text: &[u8], in_image: Option<bool>) -> Vec<(u32, Severity)> {
    let (mut reader, mut memory, mut commands) = (Reader::new(kind), Memory::new(), Commands::new());
    heard(check, |ctx, out| {
        for byte in text.iter().chain(b"\n") {
            reader.push(*byte);
            while reader.is_ready() {
                if let Some(line) = reader.take(b"/etc/x", &mut commands, &mut memory) {
                    let line = Line { in_image, ..line };
                    hooked!(check, Line).for_each(|run| run(&line, ctx, out));
                }
            }
        }
    })
}
