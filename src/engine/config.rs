//! Settings that run programs: each is a fact, and what they hand to a shell is read as startup files are.

use super::{Run, Scratch};
use crate::check::{Hook, Source};
use crate::facts::commands::Commands;
use crate::facts::place::place;
use crate::facts::setting::{How, Setting, program};
use crate::facts::startup::{Kind, Line};
use crate::host::Host;
use crate::report::SinkFault;
use crate::source::config::{Found, Look};
use crate::source::files::Started;
use crate::source::owner::{Owners, relative};
use crate::source::truth::Truths;
use crate::source::{Coverage, content, startup};

/// What is handed to a shell.
enum Handed<'a> {
    /// What a setting runs.
    Setting(&'a Setting<'a>),
    /// What is kept in NVRAM.
    Nvram,
}

impl Run<'_, '_> {
    /// Looks at every setting, and at the lines that it runs: `lines` is how much of those was seen.
    pub(super) fn config<H: Host>(
        &mut self,
        host: &H,
        scratch: &mut Scratch,
        lines: &mut Coverage,
        programs: &mut Started,
    ) -> Result<(), SinkFault> {
        self.begin(Source::Config)?;
        let Scratch { owners, mounts, seen, commands, .. } = scratch;
        let truths = Truths::find(host, mounts);
        // Who owns what is found out for all of them together.
        let first = owners.count();
        let mut each = |found: &Found<'_>| {
            let path = program(found.how, found.value);
            if !path.is_empty() {
                let _ = owners.add(path);
            }
        };
        Look { host, truths, mounts, coverage: &mut Coverage::new(), each: &mut each }.run();
        if owners.count() > first {
            owners.resolve(host, mounts, first, &mut Coverage::new());
        }
        let mut coverage = Coverage::new();
        let mut shell = (seen, commands);
        let mut each = |found: &Found<'_>| {
            let setting = judged(host, owners, found);
            self.show_setting(&setting);
            self.hand(host, &mut shell, lines, programs, &Handed::Setting(&setting));
        };
        Look { host, truths, mounts, coverage: &mut coverage, each: &mut each }.run();
        self.hand(host, &mut shell, lines, programs, &Handed::Nvram);
        self.note(Source::Config, coverage);
        Ok(())
    }

    fn show_setting(&mut self, setting: &Setting<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Setting(run) = hook {
                run(setting, ctx, out);
            }
        });
    }

    /// Shows the lines of what is handed to a shell.
    fn hand<H: Host>(
        &mut self,
        host: &H,
        (seen, commands): &mut (&mut startup::Seen, &mut Commands),
        coverage: &mut Coverage,
        programs: &mut Started,
        what: &Handed<'_>,
    ) {
        let each = &mut |line: &Line<'_>| {
            self.show_line(line);
            programs.of(host, line, &mut |file| self.show_file(file));
        };
        let mut walk = startup::Walk { host, seen, commands, coverage, files: 0, each };
        let setting = match what {
            Handed::Nvram => return walk.nvram(),
            Handed::Setting(setting) => setting,
        };
        let path = setting.program();
        let text = match setting.how {
            How::Shell => true,
            // `sh -c …`: the program is nobody's news, what it is told may be.
            _ => setting.value.contains(&b' ') && setting.value.starts_with(path) && !place(path).is_odd(),
        };
        if text {
            walk.text(setting.file, setting.line, Kind::Shell, setting.value);
        }
        if setting.exists && !setting.elf && !setting.owner.vouches() {
            walk.script(path);
        }
    }
}

/// A setting with what is known of its program.
fn judged<'f, H: Host>(host: &H, owners: &Owners, found: &Found<'f>) -> Setting<'f> {
    let path = program(found.how, found.value);
    let opened = host.file(relative(path)).ok().filter(|_| !path.is_empty());
    let exists = opened.is_some();
    let elf = opened.is_some_and(|(mut file, _)| content::header(&mut file).is_some());
    let owner = owners.find(path).map(|row| owners.known(row).owner).unwrap_or_default();
    let Found { file, line, key, value, how, in_image } = *found;
    Setting { file, line, key, value, how, in_image, owner, exists, elf }
}
