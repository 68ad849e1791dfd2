//! What is known of where a thing comes from: the source of truth that knows it, and whether it still is as that says.

/// What knows what a machine should hold. In the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// The read-only firmware image: `/rom` below an overlay, or a squashfs root itself.
    Image,
    /// The lists and hashes of installed packages.
    Package,
    /// A baseline that was taken of the image or of this device.
    Baseline,
}

impl Truth {
    /// The source in words, as the subject of a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Truth::Image => "the firmware image",
            Truth::Package => "the package lists",
            Truth::Baseline => "the baseline",
        }
    }
}

/// What the sources of truth say of one thing: a startup file, a key, an account, a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// No source of truth here could know of such a thing.
    #[default]
    Unknown,
    /// This one knows it, as it is now as far as it can tell.
    Known(Truth),
    /// This one knows it otherwise.
    Changed(Truth),
    /// This one would know it and does not; nor does any other.
    Added(Truth),
}

impl Standing {
    /// Whether a source of truth knows the thing as it is.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self, Standing::Known(_))
    }

    /// Whether a source of truth speaks against it.
    #[must_use]
    pub const fn is_odd(self) -> bool {
        matches!(self, Standing::Changed(_) | Standing::Added(_))
    }
}

/// Kinds of things that a source of truth can know by name, besides files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A user of `/etc/passwd`: the name is the user's name, the value all that gives rights.
    Account,
    /// A key that opens the machine: the name is the file and the key itself.
    Key,
    /// A port on which something listens: the name is `tcp 22`, the value the program.
    Listener,
    /// A resolver of names: the name is its address.
    Resolver,
    /// A rule that sends traffic elsewhere: the name is the rule in its normal form.
    Nat,
    /// A kernel module: the name is its name.
    Module,
}
