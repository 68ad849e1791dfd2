//! The rules of the packet filter: those that the kernel has, of nf_tables and of iptables, and those that OpenWrt's
//! configuration asks for.

use super::configured::Configured;
use super::nft::{self, Told};
use super::xtables::{self, Seen};
use super::{Coverage, redirects};
use crate::facts::about::Endian;
use crate::facts::chains::{Chains, Key};
use crate::facts::packet_rule::{Action, Filter, Hooks, Listener, Matched, PacketRule};
use crate::facts::topology::{Side, Topology};
use crate::host::{Fault, Host};

/// Room for what a look at the kernel's rules has to know. Large and all zeros at first, so it belongs into `.bss`.
#[derive(Debug, Default)]
pub struct Rooms {
    /// Whose addresses are whose.
    pub topology: Topology,
    /// Which chain leads where.
    pub chains: Chains,
}

impl Rooms {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self { topology: Topology::new(), chains: Chains::new() }
    }
}

/// A look at all rules.
pub struct Look<'a, H: Host> {
    /// The machine.
    pub host: &'a H,
    /// Whose addresses are whose.
    pub topology: &'a Topology,
    /// Room for the chains.
    pub chains: &'a mut Chains,
    /// How much was seen.
    pub coverage: &'a mut Coverage,
    /// Takes what is found.
    pub each: &'a mut dyn FnMut(&PacketRule<'_>),
}

/// What the rules of a chain have said so far.
struct Walk<'a> {
    topology: &'a Topology,
    chains: &'a mut Chains,
    configured: &'a Configured,
    filter: Filter,
    /// The chain that is being read.
    chain: Key,
    /// Rules of it let some in already.
    excepted: bool,
    facts: u32,
}

impl Walk<'_> {
    /// Takes in a rule. On the first round, which chain leads where; on the second it is handed out.
    fn rule(
        &mut self,
        (origin, chain, to): &Told<'_>,
        says: &Matched,
        each: Option<&mut dyn FnMut(&PacketRule<'_>)>,
    ) {
        if *chain != self.chain {
            (self.chain, self.excepted) = (*chain, false);
        }
        let excepted = self.excepted;
        self.excepted |= self.excepts(says);
        let Some(each) = each else {
            if let Some(to) = to {
                self.chains.jump(*chain, *to, says.is_for_everybody(), excepted);
            }
            return;
        };
        let reached = self.chains.of(*chain);
        self.filter.rules = self.filter.rules.saturating_add(u32::from(reached.hooks.has(Hooks::INPUT)));
        self.facts = self.facts.saturating_add(1);
        if matches!(says.action, Action::Jump | Action::Return | Action::Other) {
            return;
        }
        each(&PacketRule {
            origin: *origin,
            hooks: reached.hooks,
            direct: reached.direct,
            says,
            meant: says.destination.map(|span| self.topology.side(span.low)),
            to: says.to.map(|span| self.topology.side(span.low)),
            configured: self.configured.asks_for(says),
            excepted: excepted || reached.excepted,
            known: false,
            listener: Listener::Unseen,
        });
    }

    /// Whether a rule lets in those of a network that is served, or some for a port, before others are kept out.
    fn excepts(&self, says: &Matched) -> bool {
        if !matches!(says.action, Action::Accept | Action::Return | Action::Jump) {
            return false;
        }
        let by_interface = !matches!(says.interface.as_slice(), b"" | b"lo");
        let served = says.source.is_some_and(|span| self.topology.side(span.low) != Side::Wan);
        by_interface || served || (says.source.is_some() && !says.ports.is_empty())
    }
}

impl<H: Host> Look<'_, H> {
    /// Looks at all of them.
    pub fn run(&mut self) -> Filter {
        let mut configured = Configured::default();
        let (mut asked, each) = (0_u32, &mut *self.each);
        let read = configured.read(self.host, self.topology, &mut |rule| {
            asked = asked.saturating_add(1);
            each(rule);
        });
        let mut kernel = Coverage::new();
        let filter = match self.host.about().endian {
            Some(endian) => self.kernel(endian, &configured, &mut kernel),
            None => None,
        };
        let here = read.unwrap_or_default() && configured.zones && is_started(self.host);
        let coverage = &mut *self.coverage;
        coverage.facts = kernel.facts.saturating_add(asked);
        if let Err(fault) = read {
            coverage.gap(redirects::PATH, format_args!("{fault}"));
        }
        if configured.cut {
            coverage.gap(redirects::PATH, format_args!("it has more rules than are remembered"));
        }
        if kernel.gaps > 0 {
            coverage.adopt(&kernel);
        } else if filter.is_none() {
            // Without the kernel's there may be some that nobody asked for.
            match (coverage.gaps > 0 || asked > 0, self.host.about().live) {
                (true, false) => {
                    coverage
                        .gap(b"the packet filter", format_args!("nobody recorded what rules the kernel has"));
                }
                (_, live) => coverage.absent = live || asked == 0,
            }
        }
        Filter { wanted: here, ..filter.unwrap_or_default() }
    }

    /// Looks at the kernel's own alone. `None`: it has no packet filter, or could not be asked.
    pub fn of_kernel(&mut self) -> Option<Filter> {
        let mut coverage = Coverage::new();
        let endian = self.host.about().endian?;
        let filter = self.kernel(endian, &Configured::default(), &mut coverage);
        *self.coverage = coverage;
        filter
    }

    /// Looks at the kernel's own. `None`: it has no packet filter, or could not be asked.
    fn kernel(&mut self, endian: Endian, configured: &Configured, coverage: &mut Coverage) -> Option<Filter> {
        let Self { host, topology, chains, each, .. } = self;
        let host: &H = host;
        chains.clear();
        let filter = Filter::default();
        let mut walk = Walk { topology, chains, configured, filter, chain: 0, excepted: false, facts: 0 };
        let mut there = false;
        match of_nft(host, endian, &mut walk, each) {
            Ok(whole) => {
                there = true;
                if !whole {
                    coverage.gap(b"nf_tables", format_args!("not all elements of its sets could be had"));
                }
            }
            Err(Fault::NotFound) => {}
            Err(fault) => coverage.gap(b"nf_tables", format_args!("{fault}")),
        }
        let mut all = heapless::Vec::<(bool, &'static str), 8>::new();
        match xtables::tables(host, &mut |ip6, table| {
            // There are as many as fit.
            let _ = all.push((ip6, table));
        }) {
            Ok(any) => there |= any,
            Err(fault) => coverage.gap(b"/proc/net/ip_tables_names", format_args!("{fault}")),
        }
        for (ip6, table) in all {
            let mut read = Ok(());
            for round in [false, true] {
                walk.chain = 0;
                read =
                    read.and(xtables::table(host, endian, (ip6, table), topology, &mut |seen| match seen {
                        Seen::Base(key, hooks, drops) => {
                            walk.chains.base(*key, *hooks);
                            walk.filter.closed |= hooks.has(Hooks::INPUT) && *drops;
                        }
                        Seen::Rule(told, says) => {
                            walk.rule(told, says, round.then_some(&mut **each));
                        }
                    }));
                walk.chains.settle();
            }
            if let Err(fault) = read {
                let name = if ip6 { &b"ip6_tables"[..] } else { b"ip_tables" };
                coverage.gap(name, format_args!("{table}: {fault}"));
            }
        }
        if walk.chains.is_cut() {
            coverage.gap(b"the packet filter", format_args!("it has more chains than are remembered"));
        }
        coverage.facts = walk.facts;
        (there && coverage.gaps == 0).then_some(walk.filter)
    }
}

fn of_nft<H: Host>(
    host: &H,
    endian: Endian,
    walk: &mut Walk<'_>,
    each: &mut dyn FnMut(&PacketRule<'_>),
) -> Result<bool, Fault> {
    /// What a kernel says that has no such part (EINVAL, EPROTONOSUPPORT, EOPNOTSUPP; MIPS has other numbers for two).
    const NO_PART: [i32; 5] = [22, 93, 95, 120, 122];
    if !nft::is_there(host) {
        return Err(Fault::NotFound);
    }
    let told = nft::chains(host, endian, &mut |key, hook, drops| {
        if let Some(hooks) = hook {
            walk.chains.base(key, hooks);
            walk.filter.closed |= hooks.has(Hooks::INPUT) && drops;
        }
    });
    match told {
        Err(Fault::Errno(number)) if NO_PART.contains(&number) => return Err(Fault::NotFound),
        told => told?,
    }
    nft::rules(host, endian, walk.topology, &mut |told, says| walk.rule(told, says, None))?;
    walk.chains.settle();
    walk.chain = 0;
    nft::rules(host, endian, walk.topology, &mut |told, says| walk.rule(told, says, Some(each)))
}

/// Whether the system is told to start OpenWrt's firewall.
fn is_started<H: Host>(host: &H) -> bool {
    let mut started = false;
    if let Ok(dir) = host.dir(b"etc/rc.d") {
        let _ = host.list(&dir, &mut |name| {
            started |= name.first() == Some(&b'S') && name.ends_with(b"firewall");
        });
    }
    started
}
