//! The variables of a startup file that are set to a plain text, so that `B=/tmp; $B/.x` is seen for what it runs.

use crate::limits::{VARIABLE_TEXT, VARIABLES, VARIABLES_BYTES};

/// A variable: where its name and its value are. No value: it is known to be set to something else.
#[derive(Clone, Copy, Debug)]
struct Variable {
    name: (u16, u16),
    value: Option<(u16, u16)>,
}

/// Names and values of one file, the last one of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    bytes: heapless::Vec<u8, VARIABLES_BYTES>,
    all: heapless::Vec<Variable, VARIABLES>,
    full: bool,
}

impl Variables {
    pub(super) const fn new() -> Self {
        Self { bytes: heapless::Vec::new(), all: heapless::Vec::new(), full: false }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.all.clear();
        self.full = false;
    }

    /// Whether one was left out.
    pub(super) const fn is_full(&self) -> bool {
        self.full
    }

    fn text(&self, (from, to): (u16, u16)) -> &[u8] {
        self.bytes.get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }

    /// The text that a variable was last set to.
    pub(super) fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let variable = self.all.iter().find(|variable| self.text(variable.name) == name)?;
        variable.value.map(|value| self.text(value))
    }

    /// Sets a variable to a text, or to something that is not known.
    pub(super) fn set(&mut self, name: &[u8], value: Option<&[u8]>) {
        // Long values are texts, and nobody sets the separator to anything but trouble for us.
        let value = value.filter(|value| value.len() <= VARIABLE_TEXT);
        if name == b"IFS" {
            return;
        }
        let known = self.all.iter().position(|variable| self.text(variable.name) == name);
        if value.is_none() && known.is_none() || value.is_some() && value == self.get(name) {
            return;
        }
        let kept = value.map(|value| self.keep(value));
        if kept == Some(None) {
            self.full = true;
            // An old value would be a wrong one.
            return self.forget(known);
        }
        let value = kept.flatten();
        if let Some(variable) = known.and_then(|at| self.all.get_mut(at)) {
            variable.value = value;
        } else {
            let added = self.keep(name).is_some_and(|name| self.all.push(Variable { name, value }).is_ok());
            self.full |= !added;
        }
    }

    fn forget(&mut self, at: Option<usize>) {
        if let Some(variable) = at.and_then(|at| self.all.get_mut(at)) {
            variable.value = None;
        }
    }

    fn keep(&mut self, text: &[u8]) -> Option<(u16, u16)> {
        let from = u16::try_from(self.bytes.len()).ok()?;
        self.bytes.extend_from_slice(text).ok()?;
        Some((from, u16::try_from(self.bytes.len()).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts() {
        let mut variables = Variables::new();
        variables.set(b"B", None);
        assert_eq!(variables.get(b"B"), None);
        variables.set(b"B", Some(b"/usr"));
        variables.set(b"IFS", Some(b","));
        variables.set(b"B", Some(b"/tmp"));
        assert_eq!((variables.get(b"B"), variables.get(b"IFS")), (Some(&b"/tmp"[..]), None));
        variables.set(b"B", None);
        assert_eq!((variables.get(b"B"), variables.is_full()), (None, false));
        variables.set(b"B", Some(&[b'x'; VARIABLE_TEXT + 1]));
        assert_eq!(variables.get(b"B"), None, "a long text is not followed");
    }

    #[test]
    fn too_many_are_remembered_as_such() {
        let mut variables = Variables::new();
        for number in 0..=VARIABLES {
            variables.set(format!("V{number}").as_bytes(), Some(b""));
        }
        assert!(variables.is_full());
        variables.clear();
        for number in 0..=VARIABLES_BYTES / VARIABLE_TEXT {
            variables.set(b"V", Some(&[u8::try_from(number % 256).unwrap(); VARIABLE_TEXT]));
        }
        assert!(variables.is_full() && variables.get(b"V").is_none());
    }
}
