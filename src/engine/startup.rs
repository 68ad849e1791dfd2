//! Startup files: held against what should be there, and read line by line.

use core::cell::Cell;

use super::{Run, Scratch};
use crate::check::Source;
use crate::facts::origin::Truth;
use crate::host::Host;
use crate::limits::{GONE_FILES, STARTUP_BYTES};
use crate::report::SinkFault;
use crate::source::around::Around;
use crate::source::links::one_step;
use crate::source::script::Script;
use crate::source::standing::Standings;
use crate::source::startup::{Found, Walk};
use crate::source::truth::Truths;
use crate::source::{Coverage, conffiles, files, upgrade};

impl Run<'_, '_> {
    /// Walks the startup places twice: who vouches for the files is found out for all of them together.
    /// `coverage`: how much was seen of the lines elsewhere.
    #[inline(never)]
    pub(super) fn startup<H: Host>(
        &mut self,
        host: &H,
        scratch: &mut Scratch,
        mut coverage: Coverage,
    ) -> Result<(), SinkFault> {
        self.begin(Source::Startup)?;
        let Scratch { owners, mounts, seen, commands, .. } = scratch;
        let mut truth = Coverage::new();
        // Files of a startup place are held against the baseline one by one.
        owners.clear(None);
        let mut add = |found: Found<'_, H>, _: &mut Coverage| {
            let target = found.target.map(|target| one_step(found.path, target));
            // What does not fit is counted, and said with the rest.
            let _ = owners.add(target.as_ref().map_or(found.path, |target| target.as_slice()));
            let _ = owners.add(found.path);
        };
        Walk::new(host, b"", seen, &mut Coverage::new(), &mut add).run();
        owners.resolve(host, mounts, 0, &mut truth);
        conffiles::read(host, owners, &mut truth);
        upgrade::each(host, &mut truth, &mut |path| owners.upgraded(path));
        owners.limits(&mut truth);
        let truths = Truths::find(host, mounts, self.plan.baseline);
        let standings = Standings { host, truths: &truths, owners, mounts, left: Cell::new(GONE_FILES) };
        truth.absent = !standings.is_any();

        let mut left = STARTUP_BYTES;
        let mut programs = files::Started::new(self.wants_hashes());
        let mut visit = |found: Found<'_, H>, coverage: &mut Coverage| {
            let (fact, compared) = standings.of(&found);
            if let Err(fault) = compared {
                truth.gap(found.path, format_args!("{fault}"));
            }
            // A file behind a link is the business of its own place; of the link it was said before.
            if found.file.is_none() || found.target.is_none() {
                self.show_startup(&fact);
            }
            let (path, kind, standing) = (found.path, found.place.kind, fact.standing);
            let size = found.file.as_ref().map_or(0, |(_, identity)| identity.size);
            let around =
                Around::of(host, &truths, found.path, found.file.is_some().then_some(kind), coverage);
            let mut script = Script { path, kind, standing, size, around, commands };
            match (found.file, found.target) {
                (Some((mut file, _)), _) => script.read(&mut file, &mut left, coverage, &mut |line| {
                    self.show_line(line);
                    programs.of(host, line, &mut |file| self.show_file(file));
                }),
                (None, Some(target)) if target != b"/dev/null" => {
                    script.link(target, &mut |line| self.show_line(line));
                }
                (None, _) => {}
            }
        };
        let files = Walk::new(host, b"", seen, &mut coverage, &mut visit).run();
        self.counts.files = files;
        if files == 0 && coverage.gaps == 0 {
            coverage.gap(b"/etc", format_args!("no startup file of any known system"));
        }
        if programs.missed > 0 {
            let missed = programs.missed;
            let what = format_args!(
                "{missed} programs of startup files were not hashed: too many, too large or unreadable"
            );
            self.hashes_missing(b"/etc", what);
        }
        self.note(Source::Startup, coverage);
        self.without_baseline(&mut truth);
        self.note(Source::Truth, truth);

        let mut image = Coverage::new();
        image.absent = !truths.has_rom() && truths.baseline().is_none();
        if truths.has_rom() {
            let mut visit = |found: Found<'_, H>, coverage: &mut Coverage| {
                coverage.fact();
                match standings.gone(&found, Truth::Image) {
                    Ok(Some(fact)) => self.show_startup(&fact),
                    Ok(None) => {}
                    Err(fault) => coverage.gap(found.path, format_args!("{fault}")),
                }
            };
            Walk::new(host, b"rom", seen, &mut image, &mut visit).run();
        }
        standings.gone_since(&mut image, &mut |fact| {
            self.show_startup(fact);
        });
        self.without_baseline(&mut image);
        self.note(Source::Image, image);
        self.verdicts()
    }
}
