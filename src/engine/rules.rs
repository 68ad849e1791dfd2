//! Rules of the packet filter: what they say is joined with what the baseline knows and with who takes what they divert.

use super::holding::{bare, holder};
use super::walk::nobody;
use super::{Run, SECOND_LOOK_MS, Scratch};
use crate::baseline::Kind;
use crate::check::{Hook, Source};
use crate::facts::flow::Flow;
use crate::facts::origin::Item;
use crate::facts::packet_rule::{Action, Filter, Hooks, Listener, Matched, PacketRule};
use crate::facts::process::Process;
use crate::facts::socket::Protocol;
use crate::facts::span::Span;
use crate::facts::topology::Side;
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::holders::Holders;
use crate::source::net::Waiting;
use crate::source::proc::Reader;
use crate::source::rules::Look;
use crate::source::{Coverage, rules};

/// Milliseconds that a packet filter may be empty while it is loaded anew.
const RELOAD_MS: u32 = 3000;

impl Run<'_, '_> {
    /// Looks at all rules, and again before anything is said: a firewall that is being loaded is in disorder.
    #[inline(never)]
    pub(super) fn rules<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Rules)?;
        if let Some(endian) = host.about().endian {
            scratch.waiting.read(host, endian);
        }
        let (mut coverage, any, emptied) = self.look_at_rules(host, scratch, false);
        if any || emptied {
            host.pause(if emptied { RELOAD_MS } else { SECOND_LOOK_MS });
            (coverage, ..) = self.look_at_rules(host, scratch, true);
        }
        // Where it is not known whose addresses are whose, a public one counts as a stranger's.
        let routes = self.seen.get(Source::Routes.index()).and_then(Option::as_ref);
        if let Some(routes) = routes.filter(|routes| routes.gaps > 0 && !coverage.absent) {
            coverage.adopt(routes);
        }
        self.note(Source::Rules, coverage);
        self.verdicts()
    }

    /// One look; how much was seen, and whether a check has something to say of a rule, or of all of them together.
    fn look_at_rules<H: Host>(
        &mut self,
        host: &H,
        scratch: &mut Scratch,
        aloud: bool,
    ) -> (Coverage, bool, bool) {
        let Scratch { topology, chains, waiting, holders, owners, mounts, flows, .. } = scratch;
        let (mut coverage, mut any) = (Coverage::new(), false);
        let (mut process, baseline) = (nobody(), self.plan.baseline);
        let proc = host.dir(b"proc");
        let mut reader = proc.as_ref().ok().map(|proc| bare(host, proc, owners, mounts));
        let each = &mut |rule: &PacketRule<'_>| {
            let known = || baseline?.get(Kind::Item(Item::Nat), rule.named().as_slice());
            let known = rule.says.action.diverts() && known().is_some();
            let used = rule.says.to.is_some_and(|to| flows.iter().any(|(flow, _)| passes(flow, to)));
            let mut rule = PacketRule { known, used, ..*rule };
            if let (Some(port), Some(reader)) = (port_here(&rule), reader.as_mut()) {
                rule.listener = listener(reader, (waiting, holders), port, rule.says, &mut process);
            }
            any |= self.show_rule(&rule, aloud);
        };
        let mut look = Look { host, topology, chains, coverage: &mut coverage, each };
        let filter: Filter = rules::Look::run(&mut look);
        drop(reader);
        let emptied = self.show(aloud, &|hook, ctx, out| {
            if let Hook::Filter(run) = hook {
                run(&filter, ctx, out);
            }
        });
        (coverage, any, emptied)
    }

    fn show_rule(&mut self, rule: &PacketRule<'_>, aloud: bool) -> bool {
        self.show(aloud, &|hook, ctx, out| {
            if let Hook::Rule(run) = hook {
                run(rule, ctx, out);
            }
        })
    }
}

/// Whether a flow is that of a stranger who is passed on to another one among these.
fn passes(flow: &Flow, to: Span) -> bool {
    let strangers = flow.from == Side::Wan && flow.answers == Side::Wan;
    strangers && flow.is_redirected() && (to.low..=to.high).contains(&flow.reply.from.ip)
}

/// The port of this machine that a rule is about: the one that it sends packets to, or lets everybody in to.
fn port_here(rule: &PacketRule<'_>) -> Option<u16> {
    let says = rule.says;
    match says.action {
        Action::Redirect | Action::Tproxy => {}
        Action::Dnat if rule.to == Some(Side::Own) => {}
        Action::Accept if rule.hooks.has(Hooks::INPUT) && rule.direct && says.is_for_everybody() => {
            return says.only_port();
        }
        _ => return None,
    }
    says.to_ports.map(|(low, _)| low)
}

/// Who takes what comes in at a port.
fn listener<'p, H: Host>(
    reader: &mut Reader<'_, H>,
    (waiting, holders): (&Waiting, &Holders),
    port: u16,
    says: &Matched,
    process: &'p mut Process,
) -> Listener<'p> {
    let protocol = match says.protocols {
        Matched::TCP => Some(Protocol::Tcp),
        Matched::UDP => Some(Protocol::Udp),
        _ => None,
    };
    match waiting.at(port, protocol) {
        Err(()) => Listener::Unseen,
        Ok(None) => Listener::Nobody,
        Ok(Some(inode)) if holder(reader, holders, inode, process) => Listener::Process(process),
        Ok(Some(_)) => Listener::Unknown,
    }
}
