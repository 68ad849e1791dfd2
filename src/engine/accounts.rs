//! Who may come in: the users of a machine.

use super::{Run, Scratch};
use crate::check::{Hook, Source};
use crate::facts::account::Account;
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::{Coverage, accounts};

impl Run<'_, '_> {
    fn show_account(&mut self, account: &Account<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Account(run) = hook {
                run(account, ctx, out);
            }
        });
    }

    pub(super) fn accounts<H: Host>(&mut self, host: &H, scratch: &mut Scratch) -> Result<(), SinkFault> {
        self.begin(Source::Accounts)?;
        let mut coverage = Coverage::new();
        let Scratch { mounts, accounts, image_accounts, .. } = scratch;
        let tables = (&mut *accounts, image_accounts);
        accounts::read(host, mounts, tables, &mut coverage, &mut |account| self.show_account(account));
        self.note(Source::Accounts, coverage);
        self.verdicts()
    }
}
