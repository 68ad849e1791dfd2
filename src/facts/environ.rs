//! What the environment of a process says of its loader and its history: `/proc/PID/environ` in bytes.

use super::text::{Bytes, one_of};
use crate::limits::LIBRARY_BYTES;

/// The variable that brings a library into a program (ld.so(8)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loader {
    /// `LD_PRELOAD`.
    Preload,
    /// `LD_AUDIT`.
    Audit,
}

impl Loader {
    /// The variable's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Loader::Preload => "LD_PRELOAD",
            Loader::Audit => "LD_AUDIT",
        }
    }
}

/// What the environment with which a process was started says, as far as a check wants to know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The loader variable that is set and not empty.
    pub loader: Option<Loader>,
    /// Its value: names of libraries, with blanks or colons between them.
    pub libraries: Bytes<LIBRARY_BYTES>,
    /// There were more than fit.
    pub cut: bool,
    /// `HISTFILE`, `HISTSIZE` or `HISTFILESIZE` is set so that a shell remembers nothing.
    pub no_history: bool,
}

impl Environment {
    /// Takes in one variable, `NAME=value`, of which the end may be missing (`cut`). Of several loader variables all are
    /// kept: which of two with the same name holds, each loader decides for itself.
    pub fn variable(&mut self, variable: &[u8], cut: bool) {
        let Some(equals) = variable.iter().position(|b| *b == b'=') else { return };
        let (name, value) = variable.split_at(equals);
        let value = value.get(1..).unwrap_or_default();
        let is = one_of(name);
        let loader = match name {
            _ if is(b"LD_PRELOAD") => Loader::Preload,
            _ if is(b"LD_AUDIT") => Loader::Audit,
            _ if is(b"HISTFILE") => {
                self.no_history |= value == b"/dev/null";
                return;
            }
            _ if is(b"HISTSIZE HISTFILESIZE") => {
                self.no_history |= value == b"0";
                return;
            }
            _ => return,
        };
        for library in libraries(value) {
            self.loader = self.loader.or(Some(loader));
            if !self.libraries.is_empty() {
                self.libraries.push(b":");
            }
            self.libraries.push(library);
        }
        if cut || self.libraries.is_cut() {
            self.loader = self.loader.or(Some(loader));
            self.cut = true;
        }
    }
}

/// The names of libraries in the value of a loader variable or in `/etc/ld.so.preload`: blanks, colons and newlines
/// stand between them (ld.so(8)).
pub fn libraries(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|b| matches!(b, b' ' | b':' | b'\t' | b'\n' | 0)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[&[u8]]) -> Environment {
        let mut environment = Environment::default();
        variables.iter().for_each(|variable| environment.variable(variable, false));
        environment
    }

    #[test]
    fn loader_variables_and_what_looks_like_them() {
        let set = of(&[b"PATH=/bin", b"LD_PRELOAD=/tmp/x.so  /lib/y.so", b"LD_AUDIT=/z.so"]);
        assert_eq!(set.loader, Some(Loader::Preload));
        let names: Vec<&[u8]> = libraries(set.libraries.as_slice()).collect();
        assert_eq!(names, [&b"/tmp/x.so"[..], b"/lib/y.so", b"/z.so"]);
        let padded = of(&[&[&b"LD_PRELOAD="[..], &[b':'; 400], b"/tmp/x.so"].concat()]);
        assert_eq!((padded.libraries.as_slice(), padded.cut), (&b"/tmp/x.so"[..], false));
        let mut cut = Environment::default();
        cut.variable(b"LD_PRELOAD=::::", true);
        assert_eq!((cut.loader, cut.cut), (Some(Loader::Preload), true));
        assert!(of(&[&[&b"LD_PRELOAD=/"[..], &[b'x'; 400]].concat()]).cut);
        assert_eq!(of(&[b"LD_AUDIT=x.so"]).loader, Some(Loader::Audit));
        for none in [&b"LD_PRELOAD="[..], b"LD_PRELOAD= :", b"LD_PRELOAD", b"XLD_PRELOAD=x", b"", b"=x"] {
            assert_eq!(of(&[none]), Environment::default());
        }
    }

    #[test]
    fn a_shell_without_memory() {
        for off in [&b"HISTFILE=/dev/null"[..], b"HISTSIZE=0", b"HISTFILESIZE=0"] {
            assert!(of(&[off]).no_history);
        }
        for on in [&b"HISTFILE=/root/.ash_history"[..], b"HISTSIZE=1000", b"HISTFILE="] {
            assert!(!of(&[on]).no_history);
        }
    }
}
