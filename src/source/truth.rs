//! The sources of truth of a machine beside its package lists: the image below the overlay, and the baseline.

use super::mounts::Mounts;
use super::owner::relative;
use crate::facts::origin::{Item, Standing, Truth};
use crate::facts::text::Bytes;
use crate::host::{Fault, Host, Identity};
use crate::limits::PATH_BYTES;

/// What can be asked for what this machine should hold.
#[derive(Clone, Copy, Debug)]
pub struct Truths {
    /// The image can be read below `/rom`, apart from what was changed since.
    rom: bool,
    /// The root itself is an image that nothing can change.
    image: bool,
}

impl Truths {
    /// Finds out what there is. Anybody who may write to the root may make a directory `/rom`; where mounts are known, it
    /// is an image or nothing.
    pub fn find<H: Host>(host: &H, mounts: &Mounts) -> Self {
        let known = host.about().live && !mounts.is_empty();
        let rom = host.dir(b"rom/etc").is_ok() && (!known || mounts.over(b"/rom/etc").image);
        Self { rom, image: mounts.over(b"/").image }
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

    /// Opens what the image has at a path (`/etc/passwd`), to be compared with what is there now.
    ///
    /// # Errors
    /// [`Fault::NotFound`] also where there is no image to compare with.
    pub fn in_image<H: Host>(&self, host: &H, path: &[u8]) -> Result<(H::File, Identity), Fault> {
        if !self.rom {
            return Err(Fault::NotFound);
        }
        let mut whole = Bytes::<PATH_BYTES>::of(b"rom/");
        whole.push(relative(path));
        host.file(whole.as_slice())
    }

    /// What the sources of truth say of a thing. `in_image`: whether the image has it, if whoever asks could look.
    #[must_use]
    pub fn item(&self, _kind: Item, _name: &[u8], in_image: Option<bool>) -> Standing {
        match in_image {
            Some(true) => Standing::Known(Truth::Image),
            Some(false) if self.rom => Standing::Added(Truth::Image),
            _ => Standing::Unknown,
        }
    }
}
