//! Takes a line of shell apart into simple commands.
//!
//! This is no shell: nothing is expanded or run. It knows enough of the grammar (POSIX.1-2017, Shell Command
//! Language, 2.2 quoting, 2.3 tokens, 2.9 commands) to see through quotes, groups and substitutions in which a
//! fetch can hide. Text comes from an enemy: every table is bounded and an overflow is remembered.

mod expand;
mod word;

use super::commands::{Command, Commands, Role, Word};
use super::text::{Bytes, one_of};
use crate::limits::{NESTING, WORD_BYTES};

impl Commands {
    /// Takes `text` apart, forgetting the commands that were there; remembers what it sets.
    pub fn parse(&mut self, text: &[u8]) {
        self.learns = true;
        self.take_apart(text);
    }

    /// The same for a text that should run nothing, and so sets nothing.
    pub fn parse_text(&mut self, text: &[u8]) {
        self.learns = false;
        self.take_apart(text);
    }

    fn take_apart(&mut self, text: &[u8]) {
        self.arena.clear();
        self.words.clear();
        self.commands.clear();
        self.overflow = false;
        Parser { commands: self, text, at: 0, depth: 0, given: false }.list(None, None, None);
    }
}

/// Where the parser is in its text.
struct Parser<'p> {
    commands: &'p mut Commands,
    text: &'p [u8],
    at: usize,
    depth: u32,
    /// It is a text that a shell was given, and no substitution.
    given: bool,
}

/// The command that is being read.
struct Current {
    index: Option<u16>,
    fed_from: Option<u16>,
    /// What feeds the group that it stands in.
    inherited: Option<u16>,
    inside: Option<u16>,
    word: Bytes<WORD_BYTES>,
    /// A word has begun, though it may still be empty: `""`.
    begun: bool,
    /// Part of the word is only known to a shell that runs it.
    computed: bool,
    role: Role,
    /// It is the reserved word `case` with what belongs to it.
    case: bool,
    /// Part of the word was quoted, so it is no reserved word.
    quoted: bool,
    /// The first command of the pattern of `case` that is being read.
    pattern: Option<u16>,
}

impl Parser<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at.checked_add(ahead)?).copied()
    }

    fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek(0)?;
        self.skip(1);
        Some(byte)
    }

    /// How many commands there are, as an index.
    fn count(&self) -> u16 {
        u16::try_from(self.commands.commands.len()).unwrap_or(u16::MAX)
    }

    /// Reads commands up to `close` or the end. They stand inside `inside`, and read what `fed_from` gives unless a
    /// pipe of their own feeds them.
    fn list(&mut self, close: Option<u8>, inside: Option<u16>, fed_from: Option<u16>) {
        let mut pipeline = self.count();
        let mut groups = heapless::Vec::<(u16, Option<u16>), 16>::new();
        let mut now = Current {
            index: None,
            fed_from,
            inherited: fed_from,
            inside,
            word: Bytes::new(),
            begun: false,
            computed: false,
            role: Role::Argument,
            case: false,
            quoted: false,
            pattern: None,
        };
        let whole = self.depth == 0 && inside.is_none();
        if whole && self.commands.pattern {
            now.pattern = Some(0);
        }
        while let Some(byte) = self.next() {
            let pattern = now.case || now.pattern.is_some();
            if Some(byte) == close && groups.is_empty() && !(pattern && byte == b')') {
                break;
            }
            match byte {
                b' ' | b'\t' => self.end_word(&mut now),
                // A pattern may have a parenthesis before it, and has one behind it.
                b'(' if pattern && !now.begun && now.index.is_none() => {}
                b')' if pattern => {
                    self.end_pattern(&mut now);
                    pipeline = self.count();
                }
                b'#' if !now.begun => while self.next().is_some_and(|b| b != b'\n') {},
                b'\n' | b';' => {
                    self.end_command(&mut now, None);
                    pipeline = self.count();
                    if byte == b';' && matches!(self.peek(0), Some(b';' | b'&')) {
                        self.skip(1);
                        now.pattern = Some(pipeline);
                    }
                }
                b'&' if self.peek(0) == Some(b'>') => self.end_word(&mut now),
                b'&' => {
                    if self.peek(0) == Some(b'&') {
                        self.skip(1);
                    }
                    self.end_command(&mut now, None);
                    pipeline = self.count();
                }
                b'|' if self.peek(0) == Some(b'|') => {
                    self.skip(1);
                    self.end_command(&mut now, None);
                    pipeline = self.count();
                }
                b'|' => self.end_command(&mut now, Some(pipeline)),
                b'(' | b'{' if !now.begun && (byte == b'(' || self.begins_group(&now)) => {
                    // The pipe before a group, `wget … | ( … )`, feeds every command in it.
                    let fed = now.fed_from;
                    self.end_command(&mut now, None);
                    if groups.push((pipeline, now.inherited)).is_err() {
                        self.commands.overflow = true;
                    }
                    (now.inherited, now.fed_from) = (fed, fed);
                    pipeline = self.count();
                }
                b')' | b'}' if byte == b')' || (!now.begun && self.at_program(&now)) => {
                    self.end_command(&mut now, None);
                    // What follows a group, `( … ) | sh`, is fed by all of it.
                    (pipeline, now.inherited) = groups.pop().unwrap_or((pipeline, now.inherited));
                    now.fed_from = now.inherited;
                }
                b'<' | b'>' => self.redirection(byte, &mut now),
                _ => self.part_of_word(byte, &mut now),
            }
        }
        self.end_command(&mut now, None);
        if whole {
            self.commands.pattern = now.pattern.is_some();
        }
    }

    /// What was read was a pattern of `case`: it is compared, not run. What is substituted in it is run.
    fn end_pattern(&mut self, now: &mut Current) {
        self.end_word(now);
        if let Some(first) = now.pattern.filter(|_| !now.case) {
            let commands = &mut *self.commands;
            for word in commands.words.iter_mut().rev().take_while(|word| word.command >= first) {
                let inside = commands.commands.get(usize::from(word.command)).and_then(|c| c.inside);
                if inside == now.inside {
                    word.role = Role::Pattern;
                }
            }
        }
        (now.case, now.pattern) = (false, None);
        self.end_command(now, None);
    }

    /// Whether a reserved word may stand here: no program has been read yet (POSIX.1-2017 2.4).
    fn at_program(&self, now: &Current) -> bool {
        now.index.is_none_or(|command| {
            let words = || self.commands.words(command, Role::Argument);
            let named = matches!(words().next(), Some(b"function" | b"coproc"));
            named || words().count() == usize::from(self.commands.before(command))
        })
    }

    /// Whether a brace is a word of its own that begins a group.
    fn begins_group(&self, now: &Current) -> bool {
        matches!(self.peek(0), Some(b' ' | b'\t' | b'\n')) && self.at_program(now)
    }

    /// Commands in backquotes; inside them a backslash before a backquote, a dollar or another one goes.
    fn backquoted(&mut self, now: &mut Current) {
        let Some(outer) = self.begin(now) else { return };
        let mut text = Bytes::<WORD_BYTES>::new();
        while let Some(b) = self.next().filter(|b| *b != b'`') {
            let escaped = matches!(self.peek(0), Some(b'`' | b'$' | b'\\')) && b == b'\\';
            text.push(&[if escaped { self.next().unwrap_or(b) } else { b }]);
        }
        if self.depth >= NESTING || text.is_cut() {
            self.commands.overflow = true;
            return;
        }
        let depth = self.depth.saturating_add(1);
        let (commands, text) = (&mut *self.commands, text.as_slice());
        Parser { commands, text, at: 0, depth, given: false }.list(None, Some(outer), now.fed_from);
    }

    /// Commands inside the current one.
    fn nested(&mut self, close: u8, now: &mut Current) {
        let Some(outer) = self.begin(now) else { return };
        if self.depth >= NESTING {
            self.commands.overflow = true;
            return;
        }
        self.depth = self.depth.saturating_add(1);
        let given = core::mem::take(&mut self.given);
        self.list(Some(close), Some(outer), now.fed_from);
        self.given = given;
        self.depth = self.depth.saturating_sub(1);
    }

    fn redirection(&mut self, byte: u8, now: &mut Current) {
        // The number of a descriptor, `2>`, is no argument.
        if now.word.as_slice().iter().all(u8::is_ascii_digit) {
            now.word.clear();
            now.begun = false;
        }
        self.end_word(now);
        match (byte, self.peek(0), self.peek(1)) {
            (_, Some(b'('), _) => {
                self.skip(1);
                self.nested(b')', now);
            }
            (b'<', Some(b'<'), Some(b'<')) => {
                self.skip(2);
                now.role = Role::Input;
            }
            (b'<', Some(b'<'), dash) => {
                self.skip(if dash == Some(b'-') { 2 } else { 1 });
                now.role = Role::HereDocument;
            }
            (b'<', next, _) if next != Some(b'&') => now.role = Role::Input,
            // `>& file` is both outputs to a file, as `&> file` (bash(1), REDIRECTION).
            (b'>', Some(b'&'), next) if !next.is_some_and(|b| b.is_ascii_digit() || b == b'-') => {
                self.skip(1);
                now.role = Role::Output;
            }
            (_, Some(b'&'), _) => {
                self.skip(1);
                while self.peek(0).is_some_and(|b| b.is_ascii_digit() || b == b'-') {
                    self.skip(1);
                }
            }
            (_, next, _) => {
                self.skip(usize::from(matches!(next, Some(b'>' | b'|'))));
                now.role = Role::Output;
            }
        }
    }

    /// The index of the current command, which begins now if it has not.
    fn begin(&mut self, now: &mut Current) -> Option<u16> {
        if now.index.is_none() {
            let index = self.count();
            let command =
                Command { fed_from: now.fed_from, inside: now.inside, before: 0, given: self.given };
            if self.commands.commands.push(command).is_err() {
                self.commands.overflow = true;
                return None;
            }
            now.index = Some(index);
        }
        now.index
    }

    fn end_word(&mut self, now: &mut Current) {
        if !now.begun {
            return;
        }
        if let Some(command) = self.begin(now) {
            let first = self.commands.words(command, Role::Argument).count();
            let reserved = usize::from(self.commands.before(command)) == first && !now.quoted;
            let name = now.word.as_slice();
            let is = one_of(name);
            match name {
                _ if is(b"case") && reserved && now.role == Role::Argument => now.case = true,
                _ if is(b"esac") && reserved => now.pattern = None,
                _ => {}
            }
            self.assign(command, now);
            self.keep(command, now);
        }
        now.word.clear();
        (now.begun, now.quoted, now.computed) = (false, false, false);
        now.role = Role::Argument;
    }

    fn keep(&mut self, command: u16, now: &Current) {
        let before = self.commands.arena.len();
        let kept = self.commands.arena.extend_from_slice(now.word.as_slice());
        let bounds = (u16::try_from(before), u16::try_from(self.commands.arena.len()));
        let (Ok(()), (Ok(start), Ok(end))) = (kept, bounds) else {
            self.commands.overflow = true;
            return;
        };
        if self.commands.words.push(Word { start, end, command, role: now.role }).is_err() {
            self.commands.overflow = true;
        }
    }

    fn end_command(&mut self, now: &mut Current, fed_from: Option<u16>) {
        self.end_word(now);
        if let Some(command) = now.index.take() {
            if core::mem::take(&mut now.case) {
                // The first pattern comes on the next line.
                let last = self.commands.words(command, Role::Argument).last();
                now.pattern = (last == Some(b"in")).then(|| self.count());
            } else if fed_from.is_none() {
                now.pattern = None;
            }
            let before = self.commands.before(command);
            if let Some(ended) = self.commands.commands.get_mut(usize::from(command)) {
                ended.before = before;
            }
            self.run_text(command);
        }
        now.fed_from = fed_from.or(now.inherited);
        now.role = Role::Argument;
    }

    /// The text after `sh -c` and `eval` is shell too.
    fn run_text(&mut self, command: u16) {
        let mut text = Bytes::<WORD_BYTES>::new();
        if !self.commands.text_to_run(command, &mut text) {
            return;
        }
        // A word of the full length has most likely been cut, and here that matters.
        if self.depth >= NESTING || text.as_slice().len() >= WORD_BYTES {
            self.commands.overflow = true;
        }
        if self.depth >= NESTING {
            return;
        }
        let depth = self.depth.saturating_add(1);
        let fed_from = self.commands.commands.get(usize::from(command)).and_then(|outer| outer.fed_from);
        Parser { commands: self.commands, text: text.as_slice(), at: 0, depth, given: true }.list(
            None,
            Some(command),
            fed_from,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{COMMANDS, WORDS};

    /// `name args > out` a command, with what feeds it and what it stands in.
    fn shown(text: &[u8]) -> Vec<String> {
        let mut commands = Commands::new();
        commands.parse(text);
        let text = |words: Vec<&[u8]>| {
            words.iter().map(|w| String::from_utf8_lossy(w).into_owned()).collect::<Vec<_>>().join(" ")
        };
        commands
            .iter()
            .map(|(index, command)| {
                let mut line = text(commands.words(index, Role::Argument).collect());
                for output in commands.words(index, Role::Output) {
                    line.push_str(&format!(" > {}", String::from_utf8_lossy(output)));
                }
                if let Some(from) = command.fed_from {
                    line.push_str(&format!(" <{from}"));
                }
                if let Some(outer) = command.inside {
                    line.push_str(&format!(" in{outer}"));
                }
                line
            })
            .collect()
    }

    #[test]
    fn commands_pipes_and_lists() {
        assert_eq!(shown(b"a b | c; d && e || f & g"), ["a b", "c <0", "d", "e", "f", "g"]);
        assert_eq!(shown(b"(a; b) | c | d"), ["a", "b", "c <0", "d <0"]);
        assert_eq!(shown(b"x; { a; b; } | c"), ["x", "a", "b", "c <1"]);
        assert_eq!(shown(b"a | { b; c; }; d"), ["a", "b <0", "c <0", "d"]);
        assert_eq!(shown(b"a | (b | c) | d"), ["a", "b <0", "c <1", "d <0"]);
        assert_eq!(shown(b"a | sh -c b"), ["a", "sh -c b <0", "b <0 in1"]);
        assert_eq!(
            shown(b"a { b, c } | d; if x; then { e; }; fi"),
            ["a { b, c }", "d <0", "if x", "then", "e", "fi"]
        );
        assert_eq!(shown(b"function f { a | b; }; g () { c; }"), ["function f", "a", "b <1", "g", "c"]);
        assert_eq!(shown(b"a # b | c"), ["a"]);
        assert_eq!(shown(b"a#b"), ["a#b"]);
    }

    #[test]
    fn quotes_and_escapes_hide_nothing() {
        assert_eq!(shown(br#"w"ge"t 'h t' \c ${F} "$F""#), ["wget h t c $F $F"]);
        assert_eq!(shown(br#"echo "a | b; c""#), ["echo a | b; c"]);
        assert_eq!(shown(b"echo 'open"), ["echo open"]);
        assert_eq!(shown(br"echo $'a\'b' c"), ["echo a'b c"]);
    }

    #[test]
    fn patterns_of_case_are_not_run() {
        assert_eq!(
            shown(b"case $1 in a) b;; /c|d) e; f;; esac; g"),
            ["case $1 in a", "b", "", " <2", "e", "f", "esac", "g"]
        );
        assert_eq!(
            shown(b"x=$(case $1 in /a) b;; (/c) d; esac); e"),
            ["x=", "case $1 in /a in0", "b in0", " in0", "d in0", "esac in0", "e"]
        );
        assert_eq!(shown(b"(case a in /b) c;; esac; d); e"), ["case a in /b", "c", "esac", "d", "e"]);
        assert_eq!(shown(b"(a; /b)"), ["a", "/b"]);
        // No reserved words.
        assert_eq!(shown(b"(\"case\" a in; /b); (echo case; /b)"), ["case a in", "/b", "echo case", "/b"]);
        let mut commands = Commands::new();
        for (line, program) in [
            (&b"case $1 in # x"[..], &b"case"[..]),
            (b"# y", b""),
            (b"/tmp/a|/tmp/b)", b""),
            (b"/tmp/c", b"/tmp/c"),
            (b";;", b""),
            (b"/tmp/d) ;;", b""),
            (b"esac", b"esac"),
            (b"/tmp/e)", b"/tmp/e"),
        ] {
            commands.parse(line);
            let first = commands.program(0).next().unwrap_or_default();
            assert_eq!(first, program, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn elements_of_arrays_are_not_run() {
        assert_eq!(shown(b"a=(/b \"/c d\" $(e)); f"), ["a=/b /c d ", "e in0", "f"]);
        assert_eq!(shown(b"local -a a=(\n/b\n); /c"), ["local -a a= /b ", "/c"]);
    }

    #[test]
    fn redirections_are_no_arguments() {
        assert_eq!(shown(b"a >/dev/null 2>&1 </x b"), ["a b > /dev/null"]);
        assert_eq!(shown(b"a >>f;b &>g"), ["a > f", "b > g"]);
        assert_eq!(shown(b"a 2>f 22"), ["a 22 > f"]);
        let mut commands = Commands::new();
        commands.parse(b"cat <<-'EOF' > x");
        assert_eq!(commands.words(0, Role::HereDocument).collect::<Vec<_>>(), [b"EOF"]);
    }

    #[test]
    fn substitutions_stand_inside_their_command() {
        assert_eq!(shown(b"sh -c \"$(a b)\""), ["sh -c ", "a b in0"]);
        assert_eq!(shown(b"eval `a` x"), ["eval  x", "a in0", "x in0"]);
        assert_eq!(shown(b". <(a $(b))"), [".", "a  in0", "b in1"]);
        assert_eq!(shown(b"sh -c 'a | b'"), ["sh -c a | b", "a in0", "b <1 in0"]);
        assert_eq!(shown(b"echo $((1 + 2)) x"), ["echo  x"]);
        assert_eq!(shown(b": ${x:-$(a | b)} c"), [": $x:- c", "a in0", "b <1 in0"]);
    }

    #[test]
    fn the_program_stands_behind_assignments_and_starters() {
        for (text, name) in [
            (&b"A=1 B=2 nohup /bin/busybox wget x"[..], &b"wget"[..]),
            (b"nice -n 19 /tmp/x", b"x"),
            (b"if ! timeout 30 curl x", b"curl"),
            (b"A=1", b""),
            (b"command -v wget", b""),
            (b"timeout -s KILL 5 flock /tmp/x env -u A /bin/y", b"y"),
            (b"flock -n /tmp/x /bin/y", b"y"),
            (b"flock -w 5 --close /tmp/x nice -n 5 /bin/y", b"y"),
            (b"timeout 10s /bin/y", b"y"),
            (b"if ! -s $x", b"-s"),
            (b"[ -f /tmp/x ]", b"["),
        ] {
            let mut commands = Commands::new();
            commands.parse(text);
            assert_eq!(commands.name(0), name, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn too_much_of_anything_is_remembered() {
        let mut commands = Commands::new();
        for text in [
            b"a;".repeat(COMMANDS + 1),
            b"a ".repeat(WORDS + 1),
            b"$(".repeat(8),
            [b"sh -c '", &[b'a'; WORD_BYTES + 1][..], b"'"].concat(),
            b"(".repeat(40),
        ] {
            commands.parse(&text);
            assert!(commands.is_cut(), "{}", String::from_utf8_lossy(&text[..20]));
        }
        commands.parse(&[b"awk '", &[b'a'; 4 * WORD_BYTES][..], b"' | sh"].concat());
        assert!(
            !commands.is_cut() && commands.feeders(1).eq([0]),
            "a long text that is not run loses nothing"
        );
    }

    #[test]
    fn any_bytes_end() {
        let alphabet = br#"a $(){}`'"|&;<>#\ "#;
        let mut seed = 1_u32;
        let mut commands = Commands::new();
        for length in 0..2000 {
            let text: Vec<u8> = (0..length % 60)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    alphabet[usize::from(seed.to_be_bytes()[1]) % alphabet.len()]
                })
                .collect();
            commands.parse(&text);
        }
    }
}
