//! Settings that run programs: each is a fact, and what they hand to a shell is read as startup files are.

use super::{Run, Scratch};
use crate::check::{Hook, Source};
use crate::facts::commands::Commands;
use crate::facts::origin::Standing;
use crate::facts::place::place;
use crate::facts::setting::{How, Setting, program};
use crate::facts::startup::{Kind, Line};
use crate::host::Host;
use crate::limits::STARTUP_FILE_BYTES;
use crate::report::SinkFault;
use crate::source::around::Around;
use crate::source::config::{Found, Look};
use crate::source::mounts::Mounts;
use crate::source::owner::{Owners, relative};
use crate::source::script::Script;
use crate::source::truth::Truths;
use crate::source::{Coverage, content, files, links, nvram, places, startup};

impl Run<'_, '_> {
    /// Looks at every setting, and at the lines that it runs. Returns how much was seen of those.
    /// `owned`: how much was seen of who owns their programs, if that was found out before.
    #[inline(never)]
    pub(super) fn config<H: Host>(
        &mut self,
        host: &H,
        scratch: &mut Scratch,
        owned: Option<Coverage>,
    ) -> Result<Coverage, SinkFault> {
        self.begin(Source::Config)?;
        let Scratch { owners, mounts, seen, commands, .. } = scratch;
        let truths = Truths::find(host, mounts, self.plan.baseline);
        let owned = owned.unwrap_or_else(|| {
            let (first, mut owned) = (owners.count(), Coverage::new());
            programs_of(host, truths, mounts, owners);
            if owners.count() > first {
                owners.resolve(host, mounts, first, &mut owned);
                owners.limits(&mut owned);
            }
            owned
        });
        let (mut coverage, mut lines) = (Coverage::new(), Coverage::new());
        let mut programs = files::Started::new(self.wants_hashes());
        seen.clear();
        let mut each = |found: &Found<'_>| {
            let setting = judged(host, owners, found);
            self.show_setting(&setting);
            handed(host, &setting, seen, commands, &mut lines, &mut |line| {
                self.show_line(line);
                programs.of(host, line, &mut |file| self.show_file(file));
            });
        };
        Look { host, truths, mounts, coverage: &mut coverage, each: &mut each }.run();
        let mut each = |line: &Line<'_>| {
            self.show_line(line);
            programs.of(host, line, &mut |file| self.show_file(file));
        };
        nvram::Look { host, commands, coverage: &mut lines, each: &mut each }.run();
        if !coverage.absent {
            coverage.adopt(&owned);
        }
        self.note(Source::Config, coverage);
        Ok(lines)
    }

    fn show_setting(&mut self, setting: &Setting<'_>) {
        self.show(true, &|hook, ctx, out| {
            if let Hook::Setting(run) = hook {
                run(setting, ctx, out);
            }
        });
    }
}

/// Adds the programs of all settings, so that who owns them is found out for all together.
pub(super) fn programs_of<H: Host>(host: &H, truths: Truths, mounts: &Mounts, owners: &mut Owners) {
    let mut each = |found: &Found<'_>| {
        let path = program(found.how, found.value);
        if !path.is_empty() {
            // Lists of packages have the file; a setting may name a link to it that an alternative made. What does not
            // fit is counted, and said with the rest.
            let _ = owners.add(path);
            let _ = owners.add(links::real(host, path).as_slice());
        }
    };
    Look { host, truths, mounts, coverage: &mut Coverage::new(), each: &mut each }.run();
}

/// Reads what a setting hands to a shell: its own text, and the script that it names.
fn handed<H: Host>(
    host: &H,
    setting: &Setting<'_>,
    seen: &mut startup::Seen,
    commands: &mut Commands,
    coverage: &mut Coverage,
    each: &mut dyn FnMut(&Line<'_>),
) {
    let path = setting.program();
    let text = match setting.how {
        How::Shell => true,
        // `sh -c …`: the program is nobody's news, what it is told may be.
        _ => setting.value.contains(&b' ') && setting.value.starts_with(path) && !place(path).is_odd(),
    };
    let (kind, standing) = (Kind::Shell, Standing::Unknown);
    if text {
        let around = Around::nothing();
        let mut script = Script { path: setting.file, kind, standing, size: 0, around, commands };
        script.text(setting.line, setting.value, coverage, each);
    }
    // Startup files have their turn.
    let known = setting.owner.vouches() || places::of(relative(path)).is_some();
    if !setting.exists || setting.elf || known {
        return;
    }
    let Ok((mut file, identity)) = host.file(relative(path)) else { return };
    let key = (identity.device, identity.inode, kind);
    if !seen.contains(&key) {
        let _ = seen.push(key);
        let around = Around::nothing();
        let mut script = Script { path, kind, standing, size: identity.size, around, commands };
        script.read(&mut file, &mut { STARTUP_FILE_BYTES }, coverage, each);
    }
}

/// A setting with what is known of its program.
fn judged<'f, H: Host>(host: &H, owners: &Owners, found: &Found<'f>) -> Setting<'f> {
    let path = program(found.how, found.value);
    let opened = host.file(relative(path)).ok().filter(|_| !path.is_empty());
    let exists = opened.is_some();
    let elf = opened.is_some_and(|(mut file, _)| content::header(&mut file).is_some());
    let of = |path: &[u8]| owners.find(path).map(|row| owners.known(row).owner).unwrap_or_default();
    let owner = if of(path).vouches() { of(path) } else { of(links::real(host, path).as_slice()) };
    let Found { file, line, key, value, how, in_image } = *found;
    Setting { file, line, key, value, how, in_image, owner, exists, elf }
}
