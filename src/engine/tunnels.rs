//! Tunnels, each with the program that holds it.

use super::holding::bare;
use super::walk::{namespace, nobody, read_again};
use super::{Run, SECOND_LOOK_MS, Scratch};
use crate::check::{Hook, Source};
use crate::facts::process::Process;
use crate::facts::route::Interface;
use crate::facts::text::Bytes;
use crate::facts::tunnel::{Kind, Link, Tunnel};
use crate::host::Host;
use crate::limits::INTERFACES;
use crate::report::SinkFault;
use crate::source::proc::Reader;
use crate::source::{Coverage, proc, tunnels};

/// Who holds which interface.
type Held = heapless::Vec<(Interface, u32), INTERFACES>;

impl Run<'_, '_> {
    #[inline(never)]
    pub(super) fn tunnels<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Tunnels)?;
        let mut coverage = Coverage::new();
        let Scratch { pids, owners, mounts, links, .. } = scratch;
        tunnels::links(host, links, &mut coverage);
        let by_program = |link: &&Link| matches!(link.kind, Kind::Tun | Kind::Tap);
        let (mut process, mut held) = (nobody(), Held::new());
        let proc = host.dir(b"proc");
        // What has just come up may have got neither a program nor a name yet.
        for aloud in [false, true] {
            let mut odd = false;
            let mut reader = proc.as_ref().ok().map(|proc| bare(host, proc, owners, mounts));
            held.clear();
            if let Some(reader) = reader.as_ref().filter(|_| links.iter().any(|link| by_program(&link))) {
                collect(host, reader.proc, pids, &mut held);
            }
            for link in links.iter() {
                let holder = reader.as_mut().is_some_and(|reader| holder(reader, &held, link, &mut process));
                if !holder && by_program(&link) && link.stays == Some(false) {
                    odd = true;
                    if aloud {
                        coverage.gap(
                            link.name.as_slice(),
                            format_args!("the program that holds it cannot be seen"),
                        );
                    }
                    continue;
                }
                let mut tunnel = Tunnel { link, known: false, holder: holder.then_some(&process) };
                // Most are vouched for, so configuration is read for the others only.
                let told = self.show_tunnel(&tunnel, false);
                odd |= told;
                if told && aloud {
                    tunnel.known = tunnels::is_configured(host, link.name.as_slice(), &mut coverage);
                    self.show_tunnel(&tunnel, true);
                }
            }
            if !odd {
                break;
            }
            if !aloud {
                host.pause(SECOND_LOOK_MS);
            }
        }
        self.note(Source::Tunnels, coverage);
        self.verdicts()
    }

    fn show_tunnel(&mut self, tunnel: &Tunnel<'_>, aloud: bool) -> bool {
        self.show(aloud, &|hook, ctx, out| {
            if let Hook::Tunnel(run) = hook {
                run(tunnel, ctx, out);
            }
        })
    }
}

/// Finds out which process holds which interface of this network namespace.
fn collect<H: Host>(host: &H, proc: &H::Dir, pids: &mut proc::Pids, held: &mut Held) {
    let own = namespace(host, b"net");
    // What cannot be listed now could not be before, which has been said.
    let _ = proc::pids(host, proc, pids, &mut Coverage::new());
    for pid in pids.iter() {
        let Ok(dir) = proc::open(host, proc, *pid) else { continue };
        // Another namespace has interfaces of its own, some with the same name.
        let mut namespace = Bytes::<32>::new();
        let read =
            host.dir_at(&dir, b"ns").and_then(|ns| namespace.fill(|into| host.link_at(&ns, b"net", into)));
        if read.is_err() || own.is_empty() || namespace == own {
            // More of them than interfaces are further holders of the same.
            tunnels::held(host, &dir, &mut |name| drop(held.push((name.clone(), *pid))));
        }
    }
}

/// Reads the process that holds an interface: of several one that nobody vouches for.
fn holder<H: Host>(reader: &mut Reader<'_, H>, held: &Held, link: &Link, process: &mut Process) -> bool {
    let mut found = false;
    for (_, pid) in held.iter().filter(|(name, _)| *name == link.name) {
        found = read_again(reader, *pid, process).is_ok();
        if found && !process.surroundings.owner.vouches() {
            break;
        }
    }
    found
}
