//! The sources of truth of a machine beside its package lists: the image below the overlay, and the baseline.

use super::links::real;
use super::mounts::Mounts;
use super::owner::relative;
use super::recorded::{self, Now};
use crate::baseline::{Baseline, Kind};
use crate::facts::origin::{Item, Standing, Truth};
use crate::facts::startup_file::Difference;
use crate::facts::text::{Bytes, is_below};
use crate::host::{Fault, Host, Identity, Kind as Node};
use crate::limits::PATH_BYTES;

/// What can be asked for what this machine should hold.
#[derive(Clone, Copy, Debug)]
pub struct Truths {
    /// The image can be read below `/rom`, apart from what was changed since.
    rom: bool,
    /// The file system that `/rom` is, where it is one of its own.
    device: Option<u64>,
    /// The root itself is an image that nothing can change.
    image: bool,
    /// What this device is known to hold.
    baseline: Option<Baseline<'static>>,
}

impl Truths {
    /// Finds out what there is. Anybody who may write to the root may make a directory `/rom`; where mounts are known, it
    /// is an image or nothing.
    pub fn find<H: Host>(host: &H, mounts: &Mounts, baseline: Option<Baseline<'static>>) -> Self {
        let known = host.about().live && !mounts.is_empty();
        let rom = host.dir(b"rom/etc").is_ok() && (!known || mounts.over(b"/rom/etc").image);
        let device = host.dir(b"rom").and_then(|dir| host.kind_at(&dir, b"."));
        let device = match device {
            Ok(Node::Dir(identity)) if known => Some(identity.device),
            _ => None,
        };
        Self { rom, device, image: mounts.over(b"/").image, baseline }
    }

    /// Whether the image lies below `/rom`, to be compared with.
    #[must_use]
    pub const fn has_rom(&self) -> bool {
        self.rom
    }

    /// Whether the root itself is an image.
    #[must_use]
    pub const fn is_image(&self) -> bool {
        self.image
    }

    /// The baseline, if it knows files.
    #[must_use]
    pub fn baseline(&self) -> Option<&Baseline<'static>> {
        self.baseline.as_ref().filter(|baseline| baseline.covers(Kind::File))
    }

    /// What the baseline says of a startup file, program or library, and in what it differs.
    ///
    /// # Errors
    /// When the file could not be read.
    pub fn file<H: Host>(
        &self,
        host: &H,
        path: &[u8],
        now: Now<'_>,
    ) -> Result<(Standing, Difference), Fault> {
        match self.baseline() {
            Some(baseline) => recorded::file(host, baseline, path, now),
            None => Ok((Standing::Unknown, Difference::None)),
        }
    }

    /// Opens what the image has at a path (`/etc/passwd`), to be compared with what is there now. A link in the image that
    /// leads out of it, to what is there now or was made at boot, shows nothing of the image.
    ///
    /// # Errors
    /// [`Fault::NotFound`] also where there is no image to compare with.
    pub fn in_image<H: Host>(&self, host: &H, path: &[u8]) -> Result<(H::File, Identity), Fault> {
        if !self.rom {
            return Err(Fault::NotFound);
        }
        let mut whole = Bytes::<PATH_BYTES>::of(b"/rom/");
        whole.push(relative(path));
        let (file, identity) = host.file(relative(whole.as_slice()))?;
        // Where the image is no file system of its own, names must tell.
        let inside = match self.device {
            Some(device) => identity.device == device,
            None => is_below(real(host, whole.as_slice()).as_slice(), b"/rom"),
        };
        if inside { Ok((file, identity)) } else { Err(Fault::NotFound) }
    }

    /// What the sources of truth say of a thing, whatever its value. `in_image`: whether the image has it, if whoever asks
    /// could look.
    #[must_use]
    pub fn item(&self, kind: Item, name: &[u8], in_image: Option<bool>) -> Standing {
        self.item_as(kind, name, None, in_image)
    }

    /// The same of a thing that the baseline knows otherwise if it has another value there (see
    /// [`items`](super::items)).
    #[must_use]
    pub fn item_as(&self, kind: Item, name: &[u8], value: Option<&[u8]>, in_image: Option<bool>) -> Standing {
        if in_image == Some(true) {
            return Standing::Known(Truth::Image);
        }
        let kind = Kind::Item(kind);
        match self.baseline.map(|baseline| (baseline.get(kind, name), baseline.is_whole(kind))) {
            Some((Some(then), _)) if value.is_none_or(|now| now == then) => Standing::Known(Truth::Baseline),
            Some((Some(_), _)) => Standing::Changed(Truth::Baseline),
            Some((None, true)) => Standing::Added(Truth::Baseline),
            _ if in_image == Some(false) && self.rom => Standing::Added(Truth::Image),
            _ => Standing::Unknown,
        }
    }
}
