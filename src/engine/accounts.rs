//! Who may come in: the users of a machine, and the keys that let them.

use super::{Run, Scratch};
use crate::check::{Hook, Source};
use crate::facts::account::Account;
use crate::facts::key::Key;
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::truth::Truths;
use crate::source::{Coverage, accounts, keys};

impl Run<'_, '_> {
    fn show_account(&mut self, account: &Account<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Account(run) = hook {
                run(account, ctx, out);
            }
        });
    }

    fn show_key(&mut self, key: &Key<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Key(run) = hook {
                run(key, ctx, out);
            }
        });
    }

    #[inline(never)]
    pub(super) fn accounts<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        let Scratch { mounts, accounts, image_accounts, keys, .. } = scratch;
        self.begin(Source::Accounts)?;
        let mut coverage = Coverage::new();
        let truths = Truths::find(host, mounts, self.plan.baseline);
        let tables = (&mut *accounts, image_accounts);
        accounts::read(host, (mounts, &truths), tables, &mut coverage, &mut |account| {
            self.show_account(account)
        });
        self.note(Source::Accounts, coverage);
        if self.wants(Source::Keys) {
            self.begin(Source::Keys)?;
            let mut coverage = Coverage::new();
            let each = &mut |key: &Key<'_>| self.show_key(key);
            keys::Walk { host, truths: &truths, mounts, accounts, keys, coverage: &mut coverage, each }.run();
            self.note(Source::Keys, coverage);
        }
        self.verdicts()
    }
}
