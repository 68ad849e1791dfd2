//! What the kernel itself starts and has loaded, and the tools of the system, held against what should be there.

use super::{Run, SECOND_LOOK_MS, Scratch, config};
use crate::check::{Hook, Source};
use crate::facts::helper::Helper;
use crate::facts::module::Module;
use crate::facts::origin::Item;
use crate::facts::process::Owner;
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::helpers::Found;
use crate::source::modules::Modules;
use crate::source::mounts::Mounts;
use crate::source::owner::Owners;
use crate::source::truth::Truths;
use crate::source::{Coverage, helpers};

impl Run<'_, '_> {
    /// Finds out who vouches for all of it together, and for the programs of settings, so that the lists of packages are read
    /// once. Returns how much was seen of them; `None` if nobody wants any of it.
    #[inline(never)]
    pub(super) fn kernel<H: Host>(
        &mut self,
        host: &H,
        scratch: &mut Scratch,
    ) -> Result<Option<Coverage>, SinkFault> {
        let (helped, loaded) = (self.wants(Source::Helpers), self.wants(Source::Modules));
        let tooled = self.wants(Source::Tools);
        if !helped && !loaded && !tooled {
            return Ok(None);
        }
        let Scratch { owners, mounts, modules, tools, .. } = scratch;
        let truths = Truths::find(host, mounts, self.plan.baseline);
        owners.clear(self.plan.baseline);
        if helped {
            helpers::each(host, mounts, &mut Coverage::new(), &mut |found| {
                // What does not fit is counted, and said with the rest.
                let _ = owners.add(found.path);
            });
        }
        let mut coverage = Coverage::new();
        if loaded {
            self.begin(Source::Modules)?;
            modules.clear();
            modules.read(host, &mut coverage);
            modules.files(host, owners, &mut coverage);
        }
        let mut seen = Coverage::new();
        if tooled {
            self.begin(Source::Tools)?;
            tools.read(host, mounts, &truths, owners, &mut seen);
        }
        if self.wants(Source::Config) || self.wants(Source::Startup) {
            config::programs_of(host, truths, mounts, owners);
        }
        let mut owned = Coverage::new();
        owners.resolve(host, mounts, 0, &mut owned);
        owners.limits(&mut owned);
        if loaded {
            coverage.adopt(&owned);
            self.modules(host, modules, owners, mounts, &truths);
            self.note(Source::Modules, coverage);
        }
        if helped {
            self.helpers(host, owners, mounts, &truths, &owned)?;
        }
        if tooled {
            seen.adopt(&owned);
            self.tools(host, tools, owners, mounts, &truths);
            self.note(Source::Tools, seen);
        }
        self.verdicts()?;
        Ok(Some(owned))
    }

    /// Modules come and go: those that look odd get a second look.
    fn modules<H: Host>(
        &mut self,
        host: &H,
        modules: &mut Modules,
        owners: &mut Owners,
        mounts: &Mounts,
        truths: &Truths,
    ) {
        if self.show_modules(host, modules, owners, truths, false) {
            host.pause(SECOND_LOOK_MS);
            modules.read(host, &mut Coverage::new());
            owners.doubt(host, mounts);
            self.show_modules(host, modules, owners, truths, true);
        }
    }

    fn show_modules<H: Host>(
        &mut self,
        host: &H,
        modules: &Modules,
        owners: &Owners,
        truths: &Truths,
        aloud: bool,
    ) -> bool {
        let mut any = false;
        for loaded in modules.iter() {
            let owner = loaded.file.map(|row| owners.known(row).owner).unwrap_or_default();
            let vouched = Some(owner.vouches()).filter(|_| owner != Owner::Unknown);
            let module = Module {
                name: loaded.name,
                listed: loaded.listed,
                shown: loaded.shown,
                live: loaded.live,
                both: modules.both(),
                file: loaded.file.map(|row| owners.path(row)),
                sought: loaded.sought,
                standing: truths.item(Item::Module, loaded.name, vouched),
            };
            any |= self.show(aloud, &|hook, ctx, out| {
                if let Hook::Module(run) = hook {
                    run(&module, ctx, out);
                }
            });
        }
        let Some(taints) = modules.taints(host) else { return any };
        let tainted = self.show(aloud, &|hook, ctx, out| {
            if let Hook::Taints(run) = hook {
                run(&taints, ctx, out);
            }
        });
        any || tainted
    }

    fn helpers<H: Host>(
        &mut self,
        host: &H,
        owners: &mut Owners,
        mounts: &Mounts,
        truths: &Truths,
        owned: &Coverage,
    ) -> Result<(), SinkFault> {
        self.begin(Source::Helpers)?;
        let image = truths.has_rom() || truths.is_image();
        let mut coverage = Coverage::new();
        let mut look = |owners: &Owners, coverage: &mut Coverage, aloud| {
            let mut any = false;
            helpers::each(host, mounts, coverage, &mut |found| {
                let Found { setting, line, command, path, runs, held } = *found;
                let known = owners.find(path).map(|row| owners.known(row)).unwrap_or_default();
                let (owner, exists) = (known.owner, known.identity.is_some());
                let helper = Helper { setting, line, command, path, runs, owner, exists, image, held };
                any |= self.show_helper(&helper, aloud);
            });
            any
        };
        // While a package is upgraded, its files are on no list for a moment.
        if look(owners, &mut coverage, false) {
            host.pause(SECOND_LOOK_MS);
            owners.doubt(host, mounts);
            look(owners, &mut Coverage::new(), true);
        }
        coverage.adopt(owned);
        self.note(Source::Helpers, coverage);
        Ok(())
    }

    fn show_helper(&mut self, helper: &Helper<'_>, aloud: bool) -> bool {
        self.show(aloud, &|hook, ctx, out| {
            if let Hook::Helper(run) = hook {
                run(helper, ctx, out);
            }
        })
    }
}
