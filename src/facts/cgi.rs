//! Whether a shell script behind a web server runs what the request says: `eval "$QUERY_STRING"`, the same through `sed`
//! and through variables, or a bare shell that reads the request's body.

use super::commands::{Commands, Role, is_starter};
use super::startup::{Kind, Line};
use super::text::{Bytes, is_one_of};
use super::web::Runs;
use crate::limits::TAINTED;

/// What a web server (RFC 3875, 4.1), haserl or proccgi put into the environment of a CGI of what a request says.
const REQUESTS: [&[u8]; 3] = [b"QUERY_STRING", b"PATH_INFO", b"REQUEST_URI"];
const PREFIXES: [&[u8]; 5] = [b"HTTP_", b"FORM_", b"GET_", b"POST_", b"COOKIE_"];

/// Programs that give back what they are given in another form.
const FILTERS: [&[u8]; 19] = [
    b"echo",
    b"printf",
    b"sed",
    b"tr",
    b"awk",
    b"cut",
    b"head",
    b"tail",
    b"grep",
    b"base64",
    b"openssl",
    b"xxd",
    b"httpd",
    b"cat",
    b"rev",
    b"urldecode",
    b"uudecode",
    b"tac",
    b"sort",
];

/// What runs its standard input when it is given nothing else.
const SHELLS: [&[u8]; 4] = [b"sh", b"ash", b"bash", b"hush"];

/// How a list of `name=value` is split: whoever does so means to set variables.
const SPLITS: [&[u8]; 6] = [b"/&/", b"//&/", b"&", b"-F&", b"-d&", b"IFS=&"];

/// What is known of the variables of one script.
#[derive(Default)]
pub struct Cgi {
    /// Variables that hold what the request says, and whether it was split.
    variables: heapless::Vec<(Bytes<32>, bool), TAINTED>,
}

impl Cgi {
    /// Of a script of which nothing was read.
    #[must_use]
    pub const fn new() -> Self {
        Self { variables: heapless::Vec::new() }
    }

    /// Learns from the commands of one line, in their order, and says what it runs.
    pub fn line(&mut self, line: &Line<'_>) -> Option<Runs> {
        if line.kind == Kind::Text || line.number == 1 && line.text.starts_with(b"#!") {
            return None;
        }
        let commands = line.commands;
        for (index, _) in commands.iter() {
            if let Some(runs) = self.runs(commands, index) {
                return Some(runs);
            }
            self.learn(commands, index);
        }
        None
    }

    /// Whether a command is what the request says.
    fn runs(&self, commands: &Commands, index: u16) -> Option<Runs> {
        let says = |split| if split { Runs::Import } else { Runs::Command };
        let program = commands.program(index).next().unwrap_or_default();
        if let Some(split) = self.request(program).filter(|_| !is_compared(commands, index)) {
            return Some(says(split));
        }
        let own = || commands.program(index).skip(1);
        if commands.is_shell(index) {
            let evaluated = own().next().filter(|_| commands.name(index) == b"eval");
            if let Some(split) = evaluated.and_then(|word| self.request(word)) {
                return Some(says(split));
            }
            let script = own().any(|word| word.first() != Some(&b'-'));
            let read = |role| commands.words(index, role).next();
            if let Some(split) = read(Role::Input).and_then(|word| self.request(word)) {
                return Some(says(split));
            }
            let mut feeders = commands.feeders(index).filter(|from| *from != index).peekable();
            if !script && feeders.peek().is_some() {
                return self.flow(commands, &mut feeders).map(says);
            }
            if let Some(split) = self.flow(commands, &mut commands.inside(index)) {
                return Some(says(split));
            }
            let whole = commands.words(index, Role::Argument).all(|word| is_starter(word) || word == program);
            let alone = commands.inside(index).next().is_none()
                && commands
                    .iter()
                    .nth(usize::from(index))
                    .is_some_and(|(_, command)| command.inside.is_none())
                && read(Role::Input).is_none()
                && read(Role::HereDocument).is_none();
            let shell = SHELLS.contains(&program.strip_prefix(b"/bin/").unwrap_or(program));
            return (whole && alone && shell && own().next().is_none()).then_some(Runs::Command);
        }
        // `$(echo $QUERY_STRING)` in the place of the program.
        if program.is_empty() && commands.words(index, Role::Argument).next().is_none_or(<[u8]>::is_empty) {
            return self.flow(commands, &mut commands.inside(index)).map(says);
        }
        None
    }

    /// Whether these commands hand on what the request says: one prints it, the others only change its form. Some(true):
    /// it is split into variables.
    fn flow(&self, commands: &Commands, these: &mut dyn Iterator<Item = u16>) -> Option<bool> {
        let (mut any, mut split) = (false, false);
        for index in these {
            let name = commands.name(index);
            let mut words = commands.program(index).skip(1);
            if !FILTERS.contains(&name) {
                return None;
            }
            if is_one_of(name, b"echo printf") {
                let said = words.find_map(|word| self.request(word));
                any |= said.is_some();
                split |= said == Some(true);
            } else {
                split |= words.any(is_split);
            }
            if commands.words(index, Role::Input).any(|word| self.request(word).is_some()) {
                any = true;
            }
        }
        any.then_some(split)
    }

    /// Whether a word is what the request says, and all of it: `$QUERY_STRING`, `$QUERY_STRING#*=`. Some(true): split.
    fn request(&self, word: &[u8]) -> Option<bool> {
        let rest = word.strip_prefix(b"$")?;
        let length = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        let (name, behind) = rest.split_at_checked(length)?;
        // `eval "$name=1"` sets a variable; `$dir/x` is a path.
        let bounded = match behind.first() {
            None | Some(b' ' | b';' | b'|' | b'&' | b'#' | b'%' | b':' | b'-') => true,
            Some(b'/') => behind.starts_with(b"//") || behind.iter().filter(|b| **b == b'/').count() > 1,
            _ => false,
        };
        if !bounded {
            return None;
        }
        let split = behind.windows(3).any(|three| three == b"/&/");
        if let Some((_, known)) = self.variables.iter().find(|(known, _)| known.as_slice() == name) {
            return Some(*known || split);
        }
        let asks = REQUESTS.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        asks.then_some(split)
    }

    /// Remembers what a command gives to variables.
    fn learn(&mut self, commands: &Commands, index: u16) {
        let name = commands.name(index);
        if matches!(name, b"" | b"export" | b"local" | b"declare" | b"readonly") {
            for word in commands.words(index, Role::Argument) {
                let Some(equals) = word.iter().position(|b| *b == b'=') else { continue };
                let (variable, value) = word.split_at(equals);
                let value = value.get(1..).unwrap_or_default();
                let is =
                    if value.is_empty() { self.substituted(commands, index) } else { self.request(value) };
                self.set(variable, is);
            }
        } else if name == b"read"
            && is_body(commands, index)
            && let Some(variable) = commands.program(index).skip(1).last()
        {
            self.set(variable, Some(false));
        }
    }

    /// What `$(…)` gives: what the request says, or its body.
    fn substituted(&self, commands: &Commands, index: u16) -> Option<bool> {
        let body = |inner: u16| {
            let length = commands.program(inner).any(|word| word.ends_with(b"$CONTENT_LENGTH"));
            let bare = commands.name(inner) == b"cat" && commands.program(inner).nth(1).is_none();
            (length || bare) && is_body(commands, inner)
        };
        let mut inner = commands.inside(index).peekable();
        match inner.peek() {
            Some(first) if body(*first) => {
                let rest = || commands.inside(index).skip(1);
                let only = rest().all(|other| FILTERS.contains(&commands.name(other)));
                let split = rest().any(|other| commands.program(other).any(is_split));
                only.then_some(split)
            }
            _ => self.flow(commands, &mut inner),
        }
    }

    fn set(&mut self, variable: &[u8], is: Option<bool>) {
        let name = Bytes::<32>::of(variable);
        self.variables.retain(|(known, _)| *known != name);
        if let Some(split) = is.filter(|_| !name.is_cut() && !name.is_empty()) {
            if self.variables.is_full() {
                self.variables.remove(0);
            }
            let _ = self.variables.push((name, split));
        }
    }
}

/// `[[ a == b || $c == d ]]`: no command stands behind the bars.
fn is_compared(commands: &Commands, index: u16) -> bool {
    let ends = commands.words(index, Role::Argument).last() == Some(b"]]");
    ends && (0..index).any(|before| commands.words(before, Role::Argument).any(|word| word == b"[["))
}

/// Whether a command reads what the script itself is given.
fn is_body(commands: &Commands, index: u16) -> bool {
    let fed = commands.feeders(index).any(|from| from != index);
    let input = commands.words(index, Role::Input).chain(commands.words(index, Role::HereDocument)).next();
    let looped =
        commands.words(index, Role::Argument).next().is_some_and(|word| is_one_of(word, b"while until"));
    !fed && input.is_none() && !looped
}

fn is_split(word: &[u8]) -> bool {
    SPLITS.iter().any(|split| {
        word == *split || split.len() > 2 && word.windows(split.len()).any(|part| part == *split)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::memory::Memory;
    use crate::facts::reader::Reader;

    fn hits(text: &str) -> Vec<(u32, Runs)> {
        let (mut reader, mut memory, mut commands) =
            (Reader::new(Kind::Shell), Memory::new(), Commands::new());
        let (mut cgi, mut found) = (Cgi::new(), Vec::new());
        for byte in format!("#!/bin/sh\necho\n{text}\n").bytes() {
            reader.push(byte);
            while reader.is_ready() {
                if let Some(line) = reader.take(b"/www/cgi-bin/x", &mut commands, &mut memory) {
                    found.extend(cgi.line(&line).map(|runs| (line.number, runs)));
                }
            }
        }
        found
    }

    #[test]
    fn scripts_that_run_what_the_request_says() {
        for (text, line) in [
            ("eval \"$QUERY_STRING\"", 3),
            ("sh -c \"$QUERY_STRING\"", 3),
            ("$HTTP_CMD", 3),
            ("/bin/busybox sh -c \"${QUERY_STRING#*=}\" 2>&1", 3),
            ("echo \"$QUERY_STRING\" | sed 's/%20/ /g' | sh", 3),
            ("eval `echo $QUERY_STRING | sed 's/cmd=//;s/%20/ /g'`", 3),
            ("$(echo $QUERY_STRING | sed 's/+/ /g')", 3),
            (
                "c=`echo \"$QUERY_STRING\" | sed -n 's/^.*c=\\([^&]*\\).*$/\\1/p'`\nc=$(echo \"$c\" | sed 's/+/ /g')\n$c 2>&1",
                5,
            ),
            ("read c\neval \"$c\"", 4),
            ("c=$(cat)\nsh -c \"$c\"", 4),
            ("c=$(head -c $CONTENT_LENGTH)\necho \"$c\" | sh", 4),
            ("read -n $CONTENT_LENGTH c\n$c", 4),
            ("sh", 3),
            ("exec /bin/sh 2>&1", 3),
            ("c=$QUERY_STRING\n[ -n \"$c\" ] && eval $c", 4),
            ("sh <<< \"$QUERY_STRING\"", 3),
            ("if [ x ]; then eval $FORM_cmd; fi", 3),
        ] {
            assert_eq!(hits(text), [(line, Runs::Command)], "{text}");
        }
        for text in [
            "eval $(echo \"$QUERY_STRING\" | tr '&' ';')",
            "eval $(echo \"$QUERY_STRING\" | sed 's/&/;/g')",
            "eval \"${QUERY_STRING//&/;}\"",
            "eval `echo $QUERY_STRING | awk -F'&' '{for(i=1;i<=NF;i++)print $i}'`",
        ] {
            assert_eq!(hits(text), [(3, Runs::Import)], "{text}");
        }
    }

    #[test]
    fn scripts_that_use_it_as_data() {
        for text in [
            "echo \"$QUERY_STRING\"",
            "c=$(echo $QUERY_STRING | cut -d= -f2)\ncase $c in\nreboot) reboot;;\nesac",
            "c=$QUERY_STRING\nc=ls\n$c",
            "ping -c 1 \"$HTTP_HOST\"",
            "n=$(echo $QUERY_STRING | cut -d= -f1); eval \"$n=1\"",
            "for i in $(echo $QUERY_STRING | tr '&' ' '); do eval \"FORM_$i\"; done",
            "eval `proccgi $*`",
            "while read x; do eval \"$x\"; done < /etc/x.conf",
            "read x < /etc/x\neval $x",
            "cat /etc/x | while read x; do $x; done",
            "sh /usr/lib/x.sh \"$QUERY_STRING\"",
            "sh <<EOF\nls\nEOF",
            "echo ls | sh",
            "eval $(jshn -r \"$QUERY_STRING\")",
            "read input; json_load \"$input\"; json_get_var c c\necho \"$c\"",
            "/etc/init.d/x $QUERY_STRING",
            "[ \"$QUERY_STRING\" = x ] && /etc/init.d/x restart",
            "if [[ x == y || $QUERY_STRING == z ]]; then ls; fi",
            "read x\n[[ \"$x\" == a ]] && [[ \"$x\" == b || \"$x\" == c ]]",
            "case x in\n'#!'*/sh|'#!'*/ash) ;;\nesac",
            "# eval $QUERY_STRING",
            "echo 'eval $QUERY_STRING'",
        ] {
            assert_eq!(hits(text), [], "{text}");
        }
    }
}
