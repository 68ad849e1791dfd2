//! An expression in a statement of a web page: what it begins with, the request, a variable that holds what it says, or
//! something else.

use super::statement::{Mark, Statement};
use super::text::Bytes;
use super::web::{BEFORE, CLEANERS, DECODERS, Grammar, TESTS};
use crate::limits::{STATEMENT_BYTES, STRING_BYTES, TAINTED};

/// What an expression begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// What the request says.
    Request,
    /// A long text, which is unpacked first if that is said.
    Text(bool),
    /// The name of a function that runs its argument.
    Sink,
    Other,
}

/// A variable whose value is known in part.
pub(super) struct Variable {
    pub(super) name: Bytes<32>,
    pub(super) is: Lead,
    pub(super) line: u32,
}

/// Lines within which a variable is followed.
const REACH: u32 = 64;

/// A statement that is looked at, and what is known from earlier ones.
pub(super) struct Look<'s> {
    pub(super) statement: &'s Statement,
    pub(super) grammar: &'static Grammar,
    pub(super) variables: &'s mut heapless::Vec<Variable, TAINTED>,
    pub(super) lost: &'s mut Option<u32>,
    /// The place that is looked at.
    pub(super) origin: usize,
}

pub(super) fn is_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl<'s> Look<'s> {
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.statement.bytes.get(at).copied().unwrap_or_default()
    }

    pub(super) fn rest(&self, at: usize) -> &'s [u8] {
        self.statement.bytes.get(at..).unwrap_or_default()
    }

    pub(super) fn mark(&self, at: usize) -> Mark {
        self.statement.marks.get(at).copied().unwrap_or(Mark::Code)
    }

    pub(super) fn skip(&self, mut at: usize, these: &[u8]) -> usize {
        while these.contains(&self.byte(at)) && self.byte(at) != 0 && self.mark(at) == Mark::Code {
            at = at.saturating_add(1);
        }
        at
    }

    pub(super) fn end_of_name(&self, at: usize) -> usize {
        let more = self.rest(at).iter().take_while(|b| is_ident(**b)).count();
        at.saturating_add(more)
    }

    /// The name of a variable, a function or a path of them: `$x`, `luci.http.formvalue`, `$q->param`.
    pub(super) fn end_of_path(&self, at: usize) -> usize {
        let mut end = at;
        loop {
            let byte = self.byte(end);
            let two = self.rest(end);
            end = if is_ident(byte)
                || byte == b'$'
                || byte == b'.' && is_ident(self.byte(end.saturating_add(1))) && !self.grammar.dollar
            {
                end.saturating_add(1)
            } else if two.starts_with(b"->") || two.starts_with(b"::") {
                end.saturating_add(2)
            } else {
                return end;
            };
        }
    }

    /// Whether a function of this name runs its argument, and may be called by its name.
    pub(super) fn is_sink(&self, name: &[u8]) -> bool {
        self.grammar.sinks.iter().any(|(sink, _)| name.eq_ignore_ascii_case(sink) && *sink != b"eval")
    }

    /// What a request or a variable at a place is.
    pub(super) fn value(&self, at: usize, end: usize) -> Lead {
        for start in at..end {
            let before = start.checked_sub(1).map_or(b' ', |before| self.byte(before));
            if start > at && is_ident(before) && self.byte(start) != b'$' {
                continue;
            }
            let rest = self.rest(start);
            let asks = self.grammar.requests.iter().any(|request| {
                let last = request.last().copied().unwrap_or_default();
                let open =
                    !is_ident(last) || last == b'_' || request.contains(&b'"') || request.contains(&b'{');
                rest.starts_with(request)
                    && (open || !is_ident(self.byte(start.saturating_add(request.len()))))
            });
            if asks {
                return Lead::Request;
            }
        }
        let line = self.statement.line(at);
        let named = self.rest(at).get(..self.end_of_variable(at).saturating_sub(at)).unwrap_or_default();
        let known = self.variables.iter().find(|variable| variable.name.as_slice() == named);
        known
            .filter(|variable| line.saturating_sub(variable.line) <= REACH)
            .map_or(Lead::Other, |variable| variable.is)
    }

    pub(super) fn end_of_variable(&self, at: usize) -> usize {
        self.end_of_name(if self.byte(at) == b'$' { at.saturating_add(1) } else { at })
    }

    /// What an expression begins with, behind casts, brackets and functions that only decode, or, if `any`, all but
    /// those that clean.
    pub(super) fn lead(&mut self, mut at: usize, any: bool) -> Lead {
        let mut unpacked = false;
        for _ in 0..48 {
            at = self.skip(at, b" (@&[");
            let byte = self.byte(at);
            if byte == b'"' && self.mark(at) == Mark::Code {
                let text = self.string(at);
                if self.mark(at.saturating_add(1)) == Mark::Open
                    && !text.is_empty()
                    && self.in_string(at.saturating_add(1))
                {
                    return Lead::Request;
                }
                if text.len() >= STRING_BYTES {
                    return Lead::Text(unpacked);
                }
                let Some(end) = self.closing_quote(at) else { return self.end_of_text(at) };
                let stays = leaves_command(text);
                at = self.skip(end.saturating_add(1), b" ");
                let joined = matches!(self.byte(at), b'.' | b'+' | b',' | b'%');
                if !stays || !joined {
                    return Lead::Other;
                }
                at = self.skip(at, b".+,% ");
                continue;
            }
            let end = self.end_of_path(at);
            // `${"_GET"}`, `<STDIN>`
            let odd = self.grammar.requests.iter().any(|request| {
                !request.first().is_some_and(|b| is_ident(*b)) && self.rest(at).starts_with(request)
            });
            if odd && byte != b'$' {
                return Lead::Request;
            }
            if end == at {
                return if byte == 0 { self.end_of_text(at) } else { Lead::Other };
            }
            match self.value(at, end) {
                Lead::Other => {}
                Lead::Text(before) => return Lead::Text(before || unpacked),
                lead => return lead,
            }
            let path = self.rest(at).get(..end.saturating_sub(at)).unwrap_or_default();
            let name = path.rsplit(|b| matches!(b, b'.' | b'>' | b':')).next().unwrap_or_default();
            let has = |list: &[&[u8]]| list.iter().any(|known| known.eq_ignore_ascii_case(name));
            let behind = self.skip(end, b" ");
            match self.byte(behind) {
                // The prefix of a string: f"…".
                b'"' if name.len() <= 2 => at = behind,
                b'(' if has(&TESTS) => {
                    let Some(close) = self.closing(behind) else { return self.end_of_text(at) };
                    at = self.skip(close.saturating_add(1), b" )");
                    if !matches!(self.byte(at), b'?' | b'&') {
                        return Lead::Other;
                    }
                    at = self.skip(at, b"?& ");
                }
                b'(' if !has(&CLEANERS) && (any || has(&DECODERS)) => {
                    unpacked = true;
                    at = behind;
                }
                b'(' if name.eq_ignore_ascii_case(b"array") => at = behind,
                // A cast: `(string)$x`.
                b')' if has(&[b"string"]) => at = behind.saturating_add(1),
                0 => return self.end_of_text(at),
                _ => return Lead::Other,
            }
        }
        // Nobody writes so many parts that are nothing.
        *self.lost = self.lost.or(Some(self.statement.line(at)));
        Lead::Other
    }

    /// The statement ends before it is said what is run. One that is longer than fits may say it behind its end.
    fn end_of_text(&mut self, at: usize) -> Lead {
        // What begins in the second half is looked at again with what follows.
        if self.statement.full && self.origin < STATEMENT_BYTES.div_euclid(2) {
            *self.lost = self.lost.or(Some(self.statement.line(at)));
        }
        Lead::Other
    }

    /// Whether a string begins with the request: `"$_GET[c]"`, `"{$c} 2>&1"`, or has it behind a shell: `"sh -c '$c'"`.
    pub(super) fn in_string(&self, start: usize) -> bool {
        let length = self.statement.marks.iter().skip(start).take_while(|mark| **mark != Mark::Code).count();
        let end = start.saturating_add(length);
        let text = self.rest(start).get(..length).unwrap_or_default();
        let begins = |b: &u8| *b == b'$' || !self.grammar.dollar && *b == b'{';
        let Some(before) = text.iter().position(begins) else { return false };
        let words = text.get(..before).unwrap_or_default();
        if !leaves_command(words.strip_suffix(b"{").unwrap_or(words)) {
            return false;
        }
        let at = start.saturating_add(before);
        let from = if self.byte(at) == b'{' { at.saturating_add(1) } else { at };
        let to = self.end_of_path(from).min(end);
        self.value_in_string(from, to) || self.value(from, to) == Lead::Request
    }

    /// In a string the key of a hash has no quotes: `"$_SERVER[HTTP_X]"`.
    fn value_in_string(&self, from: usize, to: usize) -> bool {
        let path = self.rest(from).get(..to.saturating_sub(from)).unwrap_or_default();
        let rest = self.rest(to);
        (path == b"$_SERVER" || path == b"$ENV")
            && [&b"HTTP_"[..], b"QUERY_STRING"]
                .iter()
                .any(|key| rest.get(1..).is_some_and(|inner| trim_quote(inner).starts_with(key)))
    }

    /// The content of a string whose quote stands here.
    pub(super) fn string(&self, at: usize) -> &'s [u8] {
        let start = at.saturating_add(1);
        let length = self.statement.marks.iter().skip(start).take_while(|mark| **mark != Mark::Code).count();
        self.rest(start).get(..length).unwrap_or_default()
    }

    pub(super) fn closing_quote(&self, at: usize) -> Option<usize> {
        let end = at.saturating_add(1).saturating_add(self.string(at).len());
        (end < self.statement.bytes.len()).then_some(end)
    }

    /// The bracket that closes the one here.
    pub(super) fn closing(&self, at: usize) -> Option<usize> {
        let mut depth = 0_u32;
        for (index, byte) in self.statement.bytes.iter().enumerate().skip(at) {
            match byte {
                _ if self.mark(index) != Mark::Code => {}
                b'(' | b'[' | b'{' => depth = depth.saturating_add(1),
                b')' | b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(index);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The comma behind the argument that begins here.
    pub(super) fn comma(&self, at: usize) -> Option<usize> {
        let mut depth = 0_u32;
        for (index, byte) in self.statement.bytes.iter().enumerate().skip(at) {
            match byte {
                _ if self.mark(index) != Mark::Code => {}
                b'(' | b'[' | b'{' => depth = depth.saturating_add(1),
                b')' | b']' | b'}' => depth = depth.checked_sub(1)?,
                b',' if depth == 0 => return Some(index),
                _ => {}
            }
        }
        None
    }
}

impl Lead {
    /// The same, or that the string here names a function that runs its argument.
    pub(super) fn or_sink(self, look: &Look<'_>, at: usize) -> Self {
        if look.byte(at) == b'"' && look.is_sink(look.string(at)) { Lead::Sink } else { self }
    }
}

fn trim_quote(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"'").or_else(|| text.strip_prefix(b"\"")).unwrap_or(text)
}

/// Whether what stands behind these words of a command is run all the same: nothing, a shell, another directory first.
fn leaves_command(text: &[u8]) -> bool {
    let there = text.starts_with(b"cd ").then(|| text.rsplit(|b| matches!(b, b';' | b'&')).next());
    // `cd /x && ` is left behind; `cd /x` itself is a command.
    let last = there.flatten().filter(|last| last.len() < text.len()).unwrap_or(text);
    last.split(|b| *b == b' ').all(|word| word.is_empty() || BEFORE.contains(&word))
}
