//! The arguments of a command as getopt(3) reads them.

use super::commands::{Commands, Words};

/// What stands behind the program.
pub(super) fn arguments(commands: &Commands, command: u16) -> Words<'_> {
    let mut words = commands.program(command);
    words.next();
    words
}

/// The value of a short option, alone, in a cluster (`-qO-`) or as `--long=value`, which may be abbreviated (getopt(3)).
/// `values` are the letters of other options that take one.
pub(super) fn option<'a>(mut words: Words<'a>, short: u8, long: &[u8], values: &[u8]) -> Option<&'a [u8]> {
    const SHORTEST: usize = 5;
    while let Some(word) = words.next() {
        if word.starts_with(b"--") {
            let name = word.split(|b| *b == b'=').next().unwrap_or_default();
            if name.len() >= SHORTEST && long.starts_with(name) {
                return word.get(name.len().saturating_add(1)..).or_else(|| words.next());
            }
        } else if let Some(at) = letter(word, short, values) {
            let value = word.get(at.saturating_add(1)..).unwrap_or_default();
            return if value.is_empty() { words.next() } else { Some(value) };
        }
    }
    None
}

/// Whether an option without a value is given.
pub(super) fn has_flag(mut words: Words<'_>, short: u8, long: &[u8], values: &[u8]) -> bool {
    words.any(|word| word == long || letter(word, short, values).is_some())
}

/// Where a letter stands in a cluster of short options. What follows a letter that takes a value is that value.
fn letter(word: &[u8], short: u8, values: &[u8]) -> Option<usize> {
    let end =
        word.iter().skip(1).position(|b| values.contains(b)).map_or(word.len(), |at| at.saturating_add(1));
    let letters = word.get(..end).filter(|_| is_cluster(word))?;
    letters.iter().position(|b| *b == short)
}

/// `-abc`: one dash, then letters.
fn is_cluster(word: &[u8]) -> bool {
    word.first() == Some(&b'-') && word.get(1).is_some_and(u8::is_ascii_alphabetic)
}
