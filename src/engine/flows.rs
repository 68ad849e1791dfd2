//! Flows that the kernel tracks: each is handed to the checks as it is read, and those that one of them accuses are told
//! when all have been seen, the same client, port and other end once.

use super::{Run, Scratch};
use crate::check::{Check, Ctx, Hook, Severity, Source};
use crate::facts::endpoint::Endpoint;
use crate::facts::fanout::{Call, Caller, Fanout, Fanouts};
use crate::facts::flow::{Flow, TCP, UDP};
use crate::facts::topology::{Side, Topology, is_local};
use crate::host::Host;
use crate::limits::{ACCUSED_FLOWS, CHECKS, SIEVE_FROM, TOLD_ENDS};
use crate::report::SinkFault;
use crate::source::{Coverage, flows};

/// Other ends of sockets that have been spoken of.
pub(super) type Told = heapless::Vec<Endpoint, TOLD_ENDS>;

/// Flows that a check accuses, and how badly.
pub(super) type Accused = heapless::Vec<(Flow, Severity), ACCUSED_FLOWS>;

impl Run<'_, '_> {
    #[inline(never)]
    pub(super) fn flows<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Flows)?;
        let mut coverage = Coverage::new();
        let Scratch { topology, fanouts, told, flows: accused, sieve, exposures, .. } = scratch;
        accused.clear();
        // Of the many checks few look at flows, and of these there are tens of thousands.
        let is_hooked = |check: &Check| check.hooks.iter().any(|hook| matches!(hook, Hook::Flow(_)));
        let hooked: heapless::Vec<(usize, &'static Check), CHECKS> =
            self.checks().filter(|(_, check)| is_hooked(check)).collect();
        let counts =
            self.checks().any(|(_, check)| check.hooks.iter().any(|hook| matches!(hook, Hook::Fanout(_))));
        let (mut full, mut seen) = (false, 0_u32);
        sieve.empty();
        let ctx = Ctx { sieve: Some(&*sieve), ..self.plan.ctx };
        flows::read(host, topology, &mut coverage, &mut |flow| {
            seen = seen.saturating_add(1);
            if seen == SIEVE_FROM {
                sieve.fill(ctx.intel);
            }
            exposures.flow(flow);
            if counts {
                call(flow, topology, fanouts);
            }
            if let Some(severity) = self.show_flow(&ctx, &hooked, flow, false)
                && !is_told(flow, told)
            {
                full |= !remember(accused, flow, severity);
            }
        });
        if full {
            coverage
                .gap(b"/proc/net/nf_conntrack", format_args!("more flows are accused than are remembered"));
        }
        for (flow, _) in accused.iter() {
            self.show_flow(&ctx, &hooked, flow, true);
        }
        if counts && fanouts.missed() >= Fanout::FEW {
            let missed = fanouts.missed();
            let what = format_args!(
                "so many ports are called that of one up to {missed} hosts may have been missed"
            );
            coverage.gap(b"/proc/net/nf_conntrack", what);
        }
        // A tracked flow stays for a while, so one look is as good as two.
        fanouts.each(&mut |fanout| {
            if counts && fanout.is_wide() {
                self.show_fanout(fanout, true);
            }
        });
        self.counts.flows = coverage.facts;
        self.note(Source::Flows, coverage);
        self.verdicts()
    }
}

/// Whether a socket with the same other end has been spoken of.
fn is_told(flow: &Flow, told: &Told) -> bool {
    match (flow.from, flow.to) {
        (Side::Own, _) => told.contains(&flow.original.to),
        (_, Side::Own) => !flow.is_redirected() && told.contains(&flow.original.from),
        _ => false,
    }
}

/// Counts whom this machine and its clients call.
fn call(flow: &Flow, topology: &Topology, fanouts: &mut Fanouts) {
    let caller = match flow.from {
        Side::Own => Caller::Machine,
        Side::Lan => Caller::Client(flow.original.from.ip),
        Side::Wan | Side::Group => return,
    };
    if matches!(flow.protocol, TCP | UDP) {
        fanouts.call(&Call {
            caller,
            protocol: flow.protocol,
            host: flow.original.to.ip,
            port: flow.original.to.port,
            side: if is_local(flow.original.to.ip) {
                topology.near(flow.original.to.ip, flow.to)
            } else {
                flow.to
            },
            answered: flow.is_answered(),
        });
    }
}

/// Remembers a flow, of like ones the worst and then one that was answered; whether it had room.
fn remember(accused: &mut Accused, flow: &Flow, severity: Severity) -> bool {
    // Of strangers there are hundreds, and who they are does not matter.
    let client = |flow: &Flow| Some(flow.original.from.ip).filter(|_| flow.from != Side::Wan);
    let key = |flow: &Flow| (flow.protocol, client(flow), flow.original.to, flow.reply.from.ip);
    let weight = |flow: &Flow, severity: Severity| (severity, flow.is_answered());
    if let Some((known, worst)) = accused.iter_mut().find(|(known, _)| key(known) == key(flow)) {
        if weight(flow, severity) > weight(known, *worst) {
            (*known, *worst) = (*flow, severity);
        }
        return true;
    }
    if accused.push((*flow, severity)).is_ok() {
        return true;
    }
    // Nobody hides behind a crowd of look-alikes.
    if let Some(mildest) =
        accused.iter_mut().min_by_key(|(_, worst)| *worst).filter(|(_, worst)| *worst < severity)
    {
        *mildest = (*flow, severity);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::flow;

    fn flow(client: u8, port: u16, answered: bool) -> Flow {
        let unreplied = if answered { "" } else { "[UNREPLIED] " };
        let row = format!(
            "ipv4 2 tcp 6 9 ESTABLISHED src=192.168.1.{client} dst=198.51.100.7 sport=5 dport={port} \
             {unreplied}src=198.51.100.7 dst=203.0.113.10 sport={port} dport=5 mark=0 use=1"
        );
        flow::row(row.as_bytes()).unwrap()
    }

    #[test]
    fn like_ones_are_one_and_the_worst_stay() {
        let mut accused = Accused::new();
        assert!(remember(&mut accused, &flow(1, 443, false), Severity::Suspicious));
        assert!(remember(&mut accused, &flow(1, 443, true), Severity::Suspicious));
        assert!(remember(&mut accused, &flow(1, 443, false), Severity::Suspicious));
        assert_eq!(accused.len(), 1);
        assert!(!accused[0].0.unreplied);
        while accused.push((flow(2, 1, true), Severity::Notice)).is_ok() {}
        assert!(!remember(&mut accused, &flow(3, 1, true), Severity::Notice));
        assert!(!remember(&mut accused, &flow(4, 1, true), Severity::Suspicious));
        assert!(accused.iter().any(|(known, _)| known.original.from == flow(4, 1, true).original.from));
        assert_eq!(accused.iter().filter(|(_, worst)| *worst == Severity::Suspicious).count(), 2);
    }

    #[test]
    fn what_a_socket_told_is_not_told_again() {
        let mut told = Told::new();
        let own = Flow { from: Side::Own, to: Side::Wan, ..flow(1, 443, true) };
        let client = Flow { from: Side::Lan, to: Side::Wan, ..own };
        told.push(own.original.to).unwrap();
        assert!(is_told(&own, &told) && !is_told(&client, &told));
        let visitor = Flow { from: Side::Wan, to: Side::Own, ..own };
        assert!(!is_told(&visitor, &told));
        told.push(own.original.from).unwrap();
        assert!(is_told(&visitor, &told));
    }
}
