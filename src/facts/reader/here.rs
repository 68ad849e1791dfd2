//! Here-documents: the word that ends one, and the lines of its body.

use super::{Here, Open, Reader};

impl Reader {
    /// Reads the word behind `<<`. True: the byte is part of it.
    pub(super) fn here_word(&mut self, top: Option<Open>, byte: u8) -> bool {
        let less = core::mem::take(&mut self.less);
        let outside = matches!(top, None | Some(Open::Paren | Open::Backquote));
        if outside && byte == b'<' && self.word.is_none() {
            self.less = less.saturating_add(1);
            return false;
        }
        let begins = outside && less == 2 && self.word.is_none();
        let Some(word) = (if begins { Some(self.word.insert(Here::default())) } else { self.word.as_mut() })
        else {
            return false;
        };
        match (word.quote, byte) {
            (None, b'-') if begins => word.tabs = true,
            (None, b' ' | b'\t') if word.end.is_empty() => {}
            (None, b'\'' | b'"' | b'\\') => word.quote = Some(byte),
            (Some(b'\\'), _) => {
                word.end.push(&[byte]);
                word.quote = None;
            }
            (Some(quote), _) if quote == byte => word.quote = None,
            (None, b' ' | b'\t' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')') => {
                self.end_of_here_word();
                return false;
            }
            _ => word.end.push(&[byte]),
        }
        true
    }

    pub(super) fn end_of_here_word(&mut self) {
        if let Some(word) = self.word.take()
            && (word.end.is_cut() || self.here.push(word).is_err())
        {
            self.mark_cut();
        }
    }

    /// A line of a here-document. Where a substitution is open around it, `line` holds what stands before.
    pub(super) fn end_of_body_line(&mut self) {
        self.number = self.number.saturating_add(1);
        let inside = !self.open.is_empty();
        let start = if inside { self.physical } else { 0 };
        let body = self.line.as_slice().get(start..).unwrap_or_default();
        let Some(here) = self.here.first() else { return };
        let printed = here.printed || inside;
        let tabs = if here.tabs { body.iter().take_while(|b| **b == b'\t').count() } else { 0 };
        if body.get(tabs..) == Some(here.end.as_slice()) {
            self.here.remove(0);
            self.in_body = !self.here.is_empty();
            self.line.truncate(start);
            self.first = if inside { self.first } else { self.number };
            return;
        }
        // Backquotes end what is in them, the here-document too.
        if inside && self.open.last() == Some(&Open::Backquote) && body.contains(&b'`') {
            if body.last() != Some(&b'`') {
                self.mark_cut();
            }
            self.here.clear();
            self.line.truncate(start);
            self.line.push(b"`");
            self.close();
            return self.end_of_line();
        }
        if self.line.is_cut() {
            self.mark_cut();
        }
        if printed {
            self.text = Some((start, self.line.as_slice().len()));
        }
        if inside {
            // What is inside a substitution is not part of its commands.
            self.drop_from = Some(start);
        } else {
            (self.complete, self.taken, self.is_body) = (true, printed, true);
        }
    }
}
