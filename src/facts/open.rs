//! What can be open at a place in a script: quotes, substitutions, comments, here-documents.

use super::commands::{Commands, Role};
use super::text::Bytes;

/// What is open at a place in a script, innermost last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// `'…'`
    Single,
    /// `$'…'`, in which a backslash escapes.
    Dollar,
    /// `"…"`
    Double,
    /// `$(…)`, and parentheses in it.
    Paren,
    /// `$((…))`, and parentheses in it.
    Arithmetic,
    /// `` `…` ``
    Backquote,
    /// `${…}`, in which quotes mean different things to different shells.
    Brace,
    /// `# …` to the end of the physical line.
    Comment,
    /// The same at the very beginning of a file: it may name the interpreter, so it is kept.
    First,
}

impl Open {
    pub(super) const fn is_quote(self) -> bool {
        matches!(self, Open::Single | Open::Dollar | Open::Double)
    }

    pub(super) const fn is_comment(self) -> bool {
        matches!(self, Open::Comment | Open::First)
    }
}

/// Bytes of the word that ends a here-document.
const HERE_BYTES: usize = 64;

/// A here-document whose body is to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Here {
    /// The line that ends it.
    pub(super) end: Bytes<HERE_BYTES>,
    /// `<<-`: tabs before a line do not count.
    pub(super) tabs: bool,
    /// It goes to the screen: a text for people.
    pub(super) printed: bool,
    /// The quote that is open in the word, while the word is being read.
    pub(super) quote: Option<u8>,
}

/// Whether the here-documents behind a line go to the screen. One that goes to a file or to a shell may become a
/// program, so its lines are looked at like all others.
pub(super) fn is_printed(commands: &Commands, line: &[u8]) -> bool {
    !line.contains(&b'>')
        && commands
            .iter()
            .filter(|(index, _)| commands.words(*index, Role::HereDocument).next().is_some())
            .all(|(index, _)| {
                let feeds =
                    commands.iter().any(|(other, _)| commands.feeders(other).any(|from| from == index));
                commands.name(index) == b"cat" && !feeds
            })
}
