//! What the tests of checks share: facts made by hand, and what a check says of them.

use crate::check::{Check, Ctx, Hook, Out, Say};
use crate::facts::commands::Commands;
use crate::facts::fetch::Memory;
use crate::facts::process::{Process, Stat};
use crate::facts::reader::Reader;
use crate::facts::socket::Socket;
use crate::facts::startup::Kind;
use crate::facts::text::Bytes;
use crate::intel::Intel;
use crate::report::{Event, Severity, Sink, SinkFault, Summary};

/// The pid of gatewatch itself.
pub(crate) const OWN_PID: u32 = 4711;

/// 2026-11-22, in the middle between the expiry dates of the test indicators.
pub(crate) const NOW: u64 = 1_795_341_600;

/// 198.51.100.7:443 trickbot; 198.51.100.8, expired in 2020; 198.51.100.9, listed and never to match.
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
    fn summary(&mut self, _: &Summary<'_>) -> Result<(), SinkFault> {
        Ok(())
    }
}

fn heard(check: &'static Check, run: impl FnOnce(&Ctx<'_>, &mut Out<'_>)) -> Vec<(u32, Severity)> {
    let intel = [Intel::open(INTEL).unwrap()];
    let ctx = Ctx { intel: &intel, now: Some(NOW), own_pids: [OWN_PID, OWN_PID + 1] };
    let mut heard = Heard::default();
    let mut out = Out { check, say: Say::Tell(&mut heard), found: 0, fault: None };
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
        process.settle_exe();
    }
    process
}

/// What a check of processes says.
pub(crate) fn severities(check: &'static Check, process: &Process) -> Vec<Severity> {
    let Hook::Process(run) = check.hook else { panic!("{} is not about processes", check.id) };
    heard(check, |ctx, out| run(process, ctx, out)).into_iter().map(|(_, severity)| severity).collect()
}

/// What a check of sockets says.
pub(crate) fn sockets(check: &'static Check, socket: &Socket) -> Vec<Severity> {
    let Hook::Socket(run) = check.hook else { panic!("{} is not about sockets", check.id) };
    heard(check, |ctx, out| run(socket, ctx, out)).into_iter().map(|(_, severity)| severity).collect()
}

/// What a check of startup lines says of a text, with the line.
pub(crate) fn startup(check: &'static Check, kind: Kind, text: &[u8]) -> Vec<(u32, Severity)> {
    let Hook::Line(run) = check.hook else { panic!("{} is not about startup lines", check.id) };
    let (mut reader, mut memory, mut commands) = (Reader::new(kind), Memory::new(), Commands::new());
    heard(check, |ctx, out| {
        for byte in text.iter().chain(b"\n") {
            reader.push(*byte);
            while reader.is_ready() {
                if let Some(line) = reader.take(b"/etc/x", &mut commands, &mut memory) {
                    run(&line, ctx, out);
                }
            }
        }
    })
}
