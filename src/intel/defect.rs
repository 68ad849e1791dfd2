//! Why a file cannot be used, and what to do about it.

use core::fmt;

use super::layout;

/// Why a file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It does not begin as an indicator file does.
    NotIntel,
    /// It is shorter than it says, or than a header is.
    Truncated {
        /// Bytes that should be there.
        declared: u64,
        /// Bytes that are there.
        actual: u64,
    },
    /// It is longer than it says.
    Trailing {
        /// Bytes that should be there.
        declared: u64,
        /// Bytes that are there.
        actual: u64,
    },
    /// It is of a format version that this program does not read.
    Version(u16),
    /// Its header contradicts itself.
    Header,
    /// It holds a section of this kind that must be understood, and is not.
    Unknown(u32),
    /// A section of this kind is broken.
    Section {
        /// The kind, as in [`layout::kind`].
        kind: u32,
        /// What is wrong with it.
        flaw: Flaw,
    },
}

/// What is wrong with a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It does not lie inside the file.
    Outside,
    /// Its length is not what its count asks for.
    Length,
    /// There is another one of the same kind.
    Twice,
    /// It is not there, though another section needs it.
    Missing,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Defect::NotIntel => f.write_str("not an indicator file: build one with gatewatch-intel"),
            Defect::Truncated { declared, actual } => {
                write!(f, "cut short, {actual} of {declared} bytes are here: copy it again")
            }
            Defect::Trailing { declared, actual } => {
                write!(f, "{actual} bytes where it says {declared}: copy it again")
            }
            Defect::Version(version) => write!(
                f,
                "format {version}, and this program reads {}: build it with the gatewatch-intel of this release",
                layout::FORMAT
            ),
            Defect::Header => f.write_str("broken header: build it again with gatewatch-intel"),
            Defect::Unknown(kind) => {
                write!(
                    f,
                    "needs a newer program, for section {kind}: update gatewatch or build it for this release"
                )
            }
            Defect::Section { kind, flaw } => {
                let what = match flaw {
                    Flaw::Outside => "lies outside the file",
                    Flaw::Length => "is not as long as its count asks for",
                    Flaw::Twice => "is there twice",
                    Flaw::Missing => "is missing",
                };
                write!(f, "section {kind} {what}: build it again with gatewatch-intel")
            }
        }
    }
}

impl core::error::Error for Defect {}
