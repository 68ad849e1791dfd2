//! A startup file as a thing of its own: what the sources of truth say of it, and in what it differs.

use super::origin::{Standing, Truth};

/// Who writes in a place on a healthy machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// The firmware and packages.
    Firmware,
    /// The owner too: his own cron jobs, `rc.local`, units.
    Owner,
    /// The firmware and packages; each file is run once and then removed.
    Once,
    /// Programs, at each boot.
    Generated,
}

/// In what a startup file differs from what a source of truth says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Difference {
    /// In nothing that could be compared.
    #[default]
    None,
    /// In its bytes.
    Content,
    /// In its mode or its owner; `wider` if it gives more rights than before.
    Mode {
        /// Others may write to it now, or it runs as its owner.
        wider: bool,
    },
    /// In where the link leads, or in being a link at all.
    Target,
    /// Something is mounted over it.
    Covered,
    /// It is not there any more.
    Missing,
    /// It is a link to `/dev/null`, which forbids to start it.
    Masked,
    /// It is there and empty.
    Emptied,
}

/// One startup file or link.
#[derive(Clone, Copy, Debug)]
pub struct StartupFile<'a> {
    /// Its path, `/` first.
    pub path: &'a [u8],
    /// Where it leads, if it is a link; empty otherwise.
    pub target: &'a [u8],
    /// Who writes in this place.
    pub hand: Hand,
    /// What the sources of truth say of it.
    pub standing: Standing,
    /// In what it differs.
    pub difference: Difference,
    /// A package says that it is the owner's to change.
    pub configuration: bool,
    /// What the usual tools leave when they take something away was seen: the script of a link is still there, or the
    /// package of a file is gone too.
    pub by_tools: bool,
    /// It is a start link, and the image's one of the DHCP server is gone as well: the device was made an access point.
    pub access_point: bool,
    /// The user that owns it.
    pub uid: u32,
}

/// The service that a link of SysV's kind starts or stops: `log` of `S12log`.
#[must_use]
pub fn linked_service(link: &[u8]) -> Option<&[u8]> {
    match link {
        [b'S' | b'K', a, b, rest @ ..] if a.is_ascii_digit() && b.is_ascii_digit() => Some(rest),
        _ => None,
    }
}

impl StartupFile<'_> {
    /// The source of truth that speaks against it.
    #[must_use]
    pub const fn accuser(&self) -> Option<Truth> {
        match self.standing {
            Standing::Changed(truth) | Standing::Added(truth) => Some(truth),
            Standing::Unknown | Standing::Known(_) => None,
        }
    }

    /// Whether it is gone or cannot be started any more.
    #[must_use]
    pub const fn is_disabled(&self) -> bool {
        matches!(self.difference, Difference::Missing | Difference::Masked | Difference::Emptied)
    }

    /// Whether the owner of a healthy machine may well have done it. What he had when the baseline was taken he has
    /// approved; what came after that is for him to see.
    #[must_use]
    pub fn is_owners(&self) -> bool {
        self.accuser() != Some(Truth::Baseline) && (self.hand == Hand::Owner || self.configuration)
    }
}
