//! One pass over each source; each fact is handed to the checks that are hooked to it; each check says how well it
//! could look. Data goes from left to right here and nowhere back.

mod accounts;
mod config;
mod flows;
mod holding;
mod kernel;
mod names;
mod network;
mod own;
mod rules;
mod services;
mod show;
mod sockets;
mod startup;
mod tools;
mod tunnels;
mod verdict;
mod walk;
mod web;

use core::cell::OnceCell;

use crate::baseline::Baseline;
use crate::check::{Check, Ctx, Selection, Source};
use crate::checks;
use crate::facts::chains::Chains;
use crate::facts::commands::Commands;
use crate::facts::exposure::Exposures;
use crate::facts::fanout::Fanouts;
use crate::facts::file::File;
use crate::facts::service::Services;
use crate::facts::text::Bytes;
use crate::facts::topology::Topology;
use crate::host::{Fault, Host};
use crate::intel::{Intel, Sieve, TraceKind};
use crate::limits::{ACCUSED, CHECKS, SECOND_LOOK_MS};
use crate::report::{Counts, Event, Sink, SinkFault};
use crate::source::accounts::Accounts;
use crate::source::diag::Diag;
use crate::source::hidden::{self, Suspects, Turn};
use crate::source::holders::{Holders, Programs};
use crate::source::keys::Keys;
use crate::source::modules::Modules;
use crate::source::mounts::{self, Mounts};
use crate::source::owner::{Owners, relative};
use crate::source::shown::Shown;
use crate::source::startup::Seen;
use crate::source::tools::Tools;
use crate::source::tunnels::Links;
use crate::source::{Coverage, files, net, proc, raw, unix};

/// Whether this program has the checks of an area. One that lacks them has nothing of what only they need.
pub const STARTUP: bool = cfg!(feature = "startup");
/// See [`STARTUP`].
pub const NETWORK: bool = cfg!(feature = "network");

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// The tables of a scan. Large and all zeros at first, so it belongs into `.bss`.
pub struct Scratch {
    pids: proc::Pids,
    holders: Holders,
    accused: heapless::Vec<walk::Accused, ACCUSED>,
    owners: Owners,
    mounts: Mounts,
    suspects: Suspects,
    packets: raw::Details,
    ports: net::Ports,
    modules: Modules,
    tools: Tools,
    seen: Seen,
    commands: Commands,
    accounts: Accounts,
    /// Those of the image.
    image_accounts: Accounts,
    keys: Keys,
    topology: Topology,
    fanouts: Fanouts,
    told: flows::Told,
    flows: flows::Accused,
    sieve: Sieve,
    chains: Chains,
    waiting: net::Waiting,
    shown: Shown,
    programs: Programs,
    services: Services,
    links: Links,
    exposures: Exposures,
}

impl Scratch {
    /// Empty tables.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            pids: proc::Pids::new(),
            holders: Holders::new(),
            accused: heapless::Vec::new(),
            owners: Owners::new(),
            mounts: Mounts::new(),
            suspects: Suspects::new(),
            packets: raw::Details::new(),
            ports: net::Ports::new(),
            modules: Modules::new(),
            tools: Tools::new(),
            seen: Seen::new(),
            commands: Commands::new(),
            accounts: Accounts::new(),
            image_accounts: Accounts::new(),
            keys: Keys::new(),
            topology: Topology::new(),
            fanouts: Fanouts::new(),
            told: flows::Told::new(),
            flows: flows::Accused::new(),
            sieve: Sieve::new(),
            chains: Chains::new(),
            waiting: net::Waiting::new(),
            shown: Shown::new(),
            programs: Programs::new(),
            services: Services::new(),
            links: Links::new(),
            exposures: Exposures::new(),
        }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// What a scan is asked to do.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// The checks to run.
    pub selection: Selection,
    /// What they may know.
    pub ctx: Ctx<'a>,
    /// Why indicators are missing; empty if all were loaded.
    pub intel_gap: &'a [u8],
    /// Somebody named the files of indicators.
    pub intel_named: bool,
    /// What this device is known to hold.
    pub baseline: Option<Baseline<'static>>,
    /// Why there is no baseline although there is a file; empty otherwise.
    pub baseline_gap: &'a [u8],
    /// Which process ids are asked for behind the back of `/proc`.
    pub turn: Turn,
}

/// Looks at a machine and tells everything to `sink`. What is looked at in a function of its own is never inlined here: so it has
/// its room on the stack while it runs, and not all of them have theirs at once.
///
/// # Errors
/// When nobody listens any more.
pub fn scan<H: Host>(
    host: &H,
    plan: &Plan<'_>,
    scratch: &mut Scratch,
    sink: &mut dyn Sink,
) -> Result<(), SinkFault> {
    const NONE: Option<Coverage> = None;
    let mut run = Run {
        plan,
        sink,
        found: [0; CHECKS],
        counts: Counts::default(),
        fault: None,
        seen: [NONE; Source::COUNT],
        reported: [false; CHECKS],
        diag: OnceCell::new(),
    };
    run.intel();
    for (_, source) in
        [(STARTUP, Source::Startup), (NETWORK, Source::Sockets)].iter().filter(|(built, _)| !built)
    {
        // The checks that look there among other places do with those.
        run.note(*source, Coverage { absent: true, ..Coverage::new() });
    }
    run.mounts(host, scratch)?;
    run.processes(host, scratch)?;
    if run.wants(Source::Hidden) {
        run.hidden(host, scratch)?;
    }
    if NETWORK {
        run.routes(host, scratch)?;
    }
    if NETWORK && (run.wants(Source::Resolvers) || run.wants(Source::Hosts) || run.wants(Source::Queries)) {
        run.names(host, scratch)?;
    }
    if NETWORK && (run.wants(Source::Sockets) || run.wants(Source::Exposure)) {
        run.sockets(host, scratch)?;
    }
    if NETWORK && (run.wants(Source::Flows) || run.wants(Source::Exposure)) {
        run.flows(host, scratch)?;
    }
    if NETWORK && run.wants(Source::Rules) {
        run.rules(host, scratch)?;
    }
    if run.wants(Source::RawSockets) {
        run.raw_sockets(host, scratch)?;
    }
    if run.wants(Source::Files) || run.wants(Source::Preload) {
        run.files(host, scratch)?;
    }
    let owned = if STARTUP { run.kernel(host, scratch)? } else { None };
    if STARTUP && (run.wants(Source::Startup) || run.wants(Source::Config)) {
        // What services run for their settings is read first, and is part of the startup lines.
        let lines = run.config(host, scratch, owned)?;
        run.startup(host, scratch, lines)?;
    }
    if STARTUP && (run.wants(Source::Accounts) || run.wants(Source::Keys)) {
        run.accounts(host, scratch)?;
    }
    if run.wants(Source::Own) {
        run.own(host, scratch)?;
    }
    if STARTUP && run.wants(Source::Web) {
        run.web(host, scratch)?;
    }
    if NETWORK && run.wants(Source::Exposure) {
        run.exposures(host, scratch)?;
    }
    if NETWORK && run.wants(Source::Mappings) {
        run.mappings(host, scratch)?;
    }
    if NETWORK && run.wants(Source::Tunnels) {
        run.tunnels(host, scratch)?;
    }
    if run.wants(Source::Traces) {
        run.traces(host)?;
    }
    run.tell(&Event::End)
}

struct Run<'r, 'p> {
    plan: &'r Plan<'p>,
    sink: &'r mut dyn Sink,
    found: [u32; CHECKS],
    counts: Counts,
    fault: Option<SinkFault>,
    /// How much was seen of each source that was looked at.
    seen: [Option<Coverage>; Source::COUNT],
    reported: [bool; CHECKS],
    /// Found out when somebody asks.
    diag: OnceCell<Diag>,
}

impl<'p> Run<'_, 'p> {
    fn tell(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        self.fault.map_or_else(|| self.sink.event(event), Err)
    }

    fn begin(&mut self, source: Source) -> Result<(), SinkFault> {
        self.tell(&Event::Stage(source))
    }

    /// What the kernel can be asked of sockets beside its tables.
    fn diag<H: Host>(&self, host: &H) -> Diag {
        *self.diag.get_or_init(|| Diag::of(host))
    }

    /// The checks of this run.
    fn checks(&self) -> impl Iterator<Item = (usize, &'static Check)> + use<'p> {
        let selection = self.plan.selection;
        checks::ALL.iter().copied().enumerate().filter(move |(index, _)| selection.has(*index))
    }

    fn wants(&self, source: Source) -> bool {
        self.checks().any(|(_, check)| check.needs(source))
    }

    /// Notes how well the indicators could be had, which was found out before.
    fn intel(&mut self) {
        let intel = self.plan.ctx.intel;
        let mut gaps = Coverage::new();
        if !self.plan.intel_gap.is_empty() || intel.is_empty() {
            gaps.gaps = 1;
            gaps.why = Bytes::of(self.plan.intel_gap);
        }
        let count = |has: &dyn Fn(&Intel<'_>) -> bool| {
            let entries = intel.iter().filter(|intel| has(intel)).map(Intel::entries);
            entries.fold(0_u32, u32::saturating_add)
        };
        let addresses = Coverage { facts: count(&|intel| intel.has_addresses()), ..gaps.clone() };
        // Lists of hashes are rare; that there is none is a gap only where a file was named and could not be used.
        let hashes = match count(&|intel| intel.has_hashes()) {
            0 if !self.plan.intel_named => Coverage::new(),
            facts => Coverage { facts, ..gaps.clone() },
        };
        // So are lists of domains.
        let domains = match count(&|intel| intel.has_domains()) {
            0 if !self.plan.intel_named => Coverage::new(),
            facts => Coverage { facts, ..gaps },
        };
        let measures = [(Source::Intel, addresses), (Source::Hashes, hashes), (Source::Domains, domains)];
        for (source, mut coverage) in measures {
            coverage.absent = coverage.facts == 0 && coverage.gaps == 0;
            self.note(source, coverage);
        }
    }

    /// What is mounted: a fact of its own, and needed to know what a program's place is.
    #[inline(never)]
    fn mounts<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Mounts)?;
        let mut coverage = Coverage::new();
        mounts::read(host, &mut scratch.mounts, &mut coverage, &mut |mount| self.show_mount(mount));
        self.note(Source::Mounts, coverage);
        self.verdicts()
    }

    /// What is there and is not listed, twice.
    #[inline(never)]
    fn hidden<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Hidden)?;
        let mut coverage = Coverage::new();
        let Scratch { pids, suspects, mounts, .. } = scratch;
        let hides = mounts.hides_processes();
        match host.dir(b"proc") {
            Ok(dir) => {
                // What was born since the processes were listed is not hidden.
                let _ = proc::pids(host, &dir, pids, &mut coverage);
                let day = self.plan.ctx.now.unwrap_or_default().div_euclid(DAY_S);
                let turn = (self.plan.turn, u32::try_from(day).unwrap_or_default());
                hidden::search(host, &dir, turn, pids, hides, suspects, &mut coverage);
                if !suspects.is_empty() {
                    host.pause(SECOND_LOOK_MS);
                    let listed = proc::pids(host, &dir, pids, &mut coverage);
                    for pid in suspects.iter().filter(|_| listed.is_ok()) {
                        if let Some(hidden) = hidden::again(host, &dir, *pid, pids) {
                            self.show_hidden(&hidden);
                        }
                    }
                }
            }
            Err(Fault::NotFound) if !host.about().live => coverage.absent = true,
            Err(fault) => coverage.gap(b"/proc", format_args!("{fault}")),
        }
        self.note(Source::Hidden, coverage);
        self.verdicts()
    }

    /// Whether a program's hash is of use to anybody.
    fn wants_hashes(&self) -> bool {
        self.wants(Source::Hashes) && self.plan.ctx.intel.iter().any(|intel| intel.has_hashes())
    }

    #[inline(never)]
    fn files<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        let Scratch { owners, mounts, .. } = scratch;
        if self.wants(Source::Files) {
            self.begin(Source::Files)?;
            let mut coverage = Coverage::new();
            files::Drops::new(host, mounts, &mut coverage, &mut |file| self.show_file(file)).run();
            self.note(Source::Files, coverage);
        }
        if self.wants(Source::Preload) {
            self.begin(Source::Preload)?;
            let mut coverage = Coverage::new();
            files::preload(host, owners, mounts, &mut coverage, &mut |file| self.show_file(file));
            owners.limits(&mut coverage);
            self.note(Source::Preload, coverage);
        }
        self.verdicts()
    }

    /// Looks whether what the rules of families name is there.
    #[inline(never)]
    fn traces<H: Host>(&mut self, host: &H) -> Result<(), SinkFault> {
        self.begin(Source::Traces)?;
        let mut coverage = Coverage::new();
        let ctx = self.plan.ctx;
        ctx.each_trace(TraceKind::File, &mut |trace| {
            files::listed(host, trace.value, &mut coverage, &mut |file| self.show_file(file));
        });
        // A socket whose file was removed is still there under its name.
        unix::names(host, self.diag(host), &mut coverage, &mut |name| {
            if matches!(host.file(relative(name)), Err(Fault::NotFound)) {
                self.show_file(&File::listed(name));
            }
        });
        self.note(Source::Traces, coverage);
        self.verdicts()
    }
}

#[cfg(test)]
mod tests;
