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
            used: false,
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
        // One that could not be seen is not gone.
        Filter { wanted: here && filter.is_some(), ..filter.unwrap_or_default() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::netlink::testing::{done, message};
    use crate::facts::nft::testing::{rule, trickbot};
    use crate::facts::packet_rule::Family;
    use crate::facts::topology::testing::home;
    use crate::facts::xtables::testing::{dnat, entry, piece, table, tcp, verdict};
    use crate::host::memory::{Memory, Node};

    fn look(machine: &Memory) -> (Vec<String>, Filter, Coverage) {
        let (mut coverage, mut all) = (Coverage::new(), Vec::new());
        let filter = Look {
            host: machine,
            topology: &home(),
            chains: &mut Chains::new(),
            coverage: &mut coverage,
            each: &mut |rule| all.push(String::from_utf8_lossy(rule.named().as_slice()).into_owned()),
        }
        .run();
        (all, filter, coverage)
    }

    fn why(coverage: &Coverage) -> String {
        String::from_utf8_lossy(coverage.reason().as_slice()).into_owned()
    }

    /// The answers of a kernel with one rule of nf_tables.
    fn answers(endian: Endian) -> (Vec<u8>, Vec<u8>) {
        let rules = message(endian, 0x0a06, &rule(endian, Family::IP, &trickbot(endian, [1, 2])));
        (done(endian), [rules, done(endian)].concat())
    }

    fn nat(endian: Endian) -> Vec<u8> {
        let rule = entry(endian, [0; 4], 6, &[&tcp(endian, 449, 449), &dnat(endian, [198, 51, 100, 9], 80)]);
        let accept = entry(endian, [0; 4], 0, &[&verdict(endian, -2)]);
        let end = entry(endian, [0; 4], 0, &[&piece(endian, "ERROR", 0, b"ERROR")]);
        let policy = u32::try_from(rule.len()).unwrap();
        table(endian, "nat", &[(0, 0, policy)], &[rule, accept, end].concat())
    }

    const SAID: &str = "tcp dport 449 dnat to 198.51.100.9 port 80";

    #[test]
    fn a_recording_in_both_byte_orders() {
        for endian in [Endian::Little, Endian::Big] {
            let machine = Memory::new().tree(Some(endian));
            let (chains, rules) = answers(endian);
            machine.file("dumps/nft_chains.bin", chains).file("dumps/nft_rules.bin", rules);
            machine.file("dumps/ip_tables_nat.bin", nat(endian));
            let (all, _, coverage) = look(&machine);
            assert_eq!(all, [format!("ip t c {SAID}"), format!("ip nat PREROUTING {SAID}")]);
            assert_eq!((coverage.facts, coverage.gaps, coverage.absent), (2, 0, false));
        }
    }

    #[test]
    fn what_is_cut_anywhere_is_said() {
        let endian = Endian::Big;
        for end in 0..nat(endian).len() {
            let machine = Memory::new().tree(Some(endian));
            machine.file("dumps/ip_tables_nat.bin", &nat(endian)[..end]);
            let (_, _, coverage) = look(&machine);
            assert_eq!(why(&coverage), "ip_tables: nat: not understood", "{end}");
        }
        let (chains, rules) = answers(endian);
        for end in 0..rules.len() {
            let machine = Memory::new().tree(Some(endian));
            machine.file("dumps/nft_chains.bin", &chains).file("dumps/nft_rules.bin", &rules[..end]);
            assert_eq!(why(&look(&machine).2), "nf_tables: not understood", "{end}");
        }
    }

    #[test]
    fn nothing_is_asked_that_would_have_a_module_loaded_or_a_table_made() {
        let endian = Endian::Little;
        let (chains, rules) = answers(endian);
        let machine = Memory::new();
        machine.file("dumps/nft_chains.bin", chains).file("dumps/nft_rules.bin", rules);
        machine
            .file("dumps/ip_tables_nat.bin", nat(endian))
            .file("proc/modules", "ip_tables 1 0 - Live 0x0\n");
        let (all, _, coverage) = look(&machine);
        assert_eq!((all.len(), coverage.absent, coverage.gaps), (0, true, 0));
        machine.file("proc/net/ip_tables_names", "mangle\nfilter\n");
        let (all, _, coverage) = look(&machine);
        assert!(
            all.is_empty() && why(&coverage) == "ip_tables: mangle: not found; and 1 more",
            "{coverage:?}"
        );
        machine.file("proc/net/ip_tables_names", "nat\n");
        assert_eq!(look(&machine).0.len(), 1);
        for (path, text) in [
            ("proc/modules", "nf_tables 1 0 - Live 0x0\n"),
            ("sys/module/nf_tables/refcnt", "1\n"),
            ("lib/modules/5.15.1/modules.builtin", "kernel/net/netfilter/nf_tables.ko\n"),
            ("proc/sys/kernel/modules_disabled", "1\n"),
        ] {
            machine.file("proc/sys/kernel/osrelease", "5.15.1\n").file(path, text);
            assert_eq!(look(&machine).0.len(), 2, "{path}");
            machine.remove(path).file("proc/modules", "x 1 0 - Live 0x0\n");
            assert_eq!(look(&machine).0.len(), 1, "{path}");
        }
        machine.remove("proc/modules");
        assert_eq!(look(&machine).0.len(), 2, "a kernel without modules");
    }

    #[test]
    fn who_may_not_ask_says_so() {
        let machine = Memory::new();
        machine.put("dumps/nft_chains.bin", Node::Fails(Fault::Denied));
        machine.put("proc/net/ip_tables_names", Node::Fails(Fault::Denied));
        let (_, _, coverage) = look(&machine);
        assert_eq!(why(&coverage), "nf_tables: permission denied; and 1 more");
        assert_eq!((coverage.facts, coverage.absent), (0, false));
        machine.put("dumps/nft_chains.bin", Node::Fails(Fault::Errno(22)));
        assert_eq!(look(&machine).2.gaps, 1, "it has no nf_tables");
    }

    #[test]
    fn a_firewall_that_was_asked_for() {
        let machine = Memory::new();
        machine.file("etc/config/firewall", "config defaults\noption input REJECT\n");
        machine.file("proc/net/ip_tables_names", "");
        assert!(!look(&machine).1.wanted, "its service is not started");
        machine.link("etc/rc.d/S19firewall", "../init.d/firewall");
        assert_eq!(look(&machine).1, Filter { rules: 0, closed: false, wanted: true });
        // One that could not be seen is not gone.
        machine.put("proc/net/ip_tables_names", Node::Fails(Fault::Denied));
        assert_eq!(look(&machine).1, Filter { rules: 0, closed: false, wanted: false });
    }
}
