//! A program that the kernel itself starts, as a setting names it: taken apart the way the kernel does.

use super::place::place;
use super::process::Owner;
use super::program::{is_interpreter, is_multicall, is_shell};
use super::text::{basename, trim};

/// What a path is to the kernel's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// The program.
    Program,
    /// The program is an interpreter, and this is the script that it is given, or a path in its text.
    Script,
    /// The program is an interpreter that is given commands as a text (`-c`).
    Text,
}

/// One path that a command of the kernel's leads to.
#[derive(Clone, Copy, Debug)]
pub struct Helper<'a> {
    /// The file that holds the command. For a program whose path is fixed in the kernel, that path.
    pub setting: &'a [u8],
    /// The line in it, if it is one of settings for the next boot; 0 otherwise.
    pub line: u32,
    /// The whole command.
    pub command: &'a [u8],
    /// The path, links followed.
    pub path: &'a [u8],
    /// What that is to the command.
    pub runs: Runs,
    /// Who vouches for it.
    pub owner: Owner,
    /// There is a file.
    pub exists: bool,
    /// A firmware image says what belongs here.
    pub image: bool,
    /// The kernel holds the file open since it was named (binfmt_misc, flag `F`): it may be gone, or never have been here.
    pub held: bool,
}

/// The words of a command: the kernel parts them at blanks and knows no quotes (lib/argv_split.c).
fn words(command: &[u8]) -> impl Iterator<Item = &[u8]> {
    command.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// The command in a `core_pattern`: behind a bar (core(5)). `None`: it names a file or a socket.
#[must_use]
pub fn piped(pattern: &[u8]) -> Option<&[u8]> {
    trim(pattern).strip_prefix(b"|").map(trim)
}

/// Calls `each` with every path that a command leads to: the program, and what an interpreter is given.
pub fn parts<'a>(command: &'a [u8], each: &mut dyn FnMut(Runs, &'a [u8])) {
    let mut rest = words(command);
    let Some(program) = rest.next() else { return };
    each(Runs::Program, program);
    let mut name = basename(program);
    let is_prefix = |name: &[u8]| is_multicall(name) || name == b"env";
    if !is_interpreter(name) && !is_prefix(name) {
        return;
    }
    let (mut text, mut into_file) = (false, false);
    for word in rest {
        let to_file = core::mem::replace(&mut into_file, word.ends_with(b">"));
        if text {
            // What the text writes to is no program.
            if word.first() == Some(&b'/') && !to_file && place(word).is_odd() {
                each(Runs::Script, word);
            }
        } else if is_prefix(name) && !word.contains(&b'/') {
            // `busybox sh`, `env LANG=C sh`.
            if !word.contains(&b'=') && word.first() != Some(&b'-') {
                name = word;
            }
        } else if is_command(name, word) {
            text = true;
            each(Runs::Text, program);
        } else if word.first() != Some(&b'-') {
            if is_interpreter(name) || is_prefix(name) {
                each(Runs::Script, word);
            }
            return;
        }
    }
}

/// Whether behind this option follows a text that is run.
fn is_command(name: &[u8], option: &[u8]) -> bool {
    let Some(letters) = option.strip_prefix(b"-").filter(|letters| letters.first() != Some(&b'-')) else {
        return false;
    };
    letters.contains(&b'c') || !is_shell(name) && letters.contains(&b'e')
}

/// What a handler of binfmt_misc says of itself (kernel Documentation/admin-guide/binfmt-misc.rst).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handler<'a> {
    /// It is switched on.
    pub enabled: bool,
    /// The program.
    pub interpreter: &'a [u8],
    /// The program was opened when the handler was registered.
    pub held: bool,
}

impl<'a> Handler<'a> {
    /// Reads the text of its file.
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Self {
        let mut handler = Self::default();
        for line in text.split(|b| *b == b'\n') {
            if line == b"enabled" {
                handler.enabled = true;
            } else if let Some(path) = line.strip_prefix(b"interpreter ") {
                handler.interpreter = path;
            } else if let Some(flags) = line.strip_prefix(b"flags: ") {
                handler.held = flags.contains(&b'F');
            }
        }
        handler
    }
}

/// The command that a line of sysctl.conf(5) gives to the kernel, if it is one that names a program.
#[must_use]
pub fn setting(line: &[u8]) -> Option<&[u8]> {
    const COMMANDS: [&[u8]; 3] = [b"modprobe", b"hotplug", b"poweroff_cmd"];
    let line = trim(line);
    let line = line.strip_prefix(b"-").unwrap_or(line);
    let at = line.iter().position(|b| *b == b'=')?;
    let (key, value) = (trim(line.get(..at)?), trim(line.get(at.saturating_add(1)..)?));
    let key = key.strip_prefix(b"kernel.").or_else(|| key.strip_prefix(b"kernel/"))?;
    match key {
        b"core_pattern" => piped(value),
        key => Some(value).filter(|_| COMMANDS.contains(&key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(command: &str) -> Vec<(Runs, &str)> {
        let mut found = Vec::new();
        parts(command.as_bytes(), &mut |runs, path| found.push((runs, str::from_utf8(path).unwrap())));
        found
    }

    #[test]
    fn programs_scripts_and_texts() {
        use Runs::{Program, Script, Text};
        assert_eq!(taken(""), []);
        assert_eq!(taken("/sbin/modprobe"), [(Program, "/sbin/modprobe")]);
        assert_eq!(
            taken(" /usr/libexec/abrt-hook-ccpp %s /tmp/x"),
            [(Program, "/usr/libexec/abrt-hook-ccpp")]
        );
        assert_eq!(taken("/bin/sh /tmp/x %p"), [(Program, "/bin/sh"), (Script, "/tmp/x")]);
        assert_eq!(taken("/bin/busybox sh -x /x"), [(Program, "/bin/busybox"), (Script, "/x")]);
        assert_eq!(taken("/usr/bin/env A=b python3 /x y"), [(Program, "/usr/bin/env"), (Script, "/x")]);
        assert_eq!(taken("/bin/busybox tee /tmp/x"), [(Program, "/bin/busybox")]);
        assert_eq!(
            taken("/bin/sh -c $@ -- eval exec gzip --fast > /var/tmp/core-%e.gz"),
            [(Program, "/bin/sh"), (Text, "/bin/sh")]
        );
        assert_eq!(
            taken("/bin/sh -ec /tmp/x"),
            [(Program, "/bin/sh"), (Text, "/bin/sh"), (Script, "/tmp/x")]
        );
        assert_eq!(taken("/usr/bin/lua -e x"), [(Program, "/usr/bin/lua"), (Text, "/usr/bin/lua")]);
    }

    #[test]
    fn patterns_and_settings() {
        assert_eq!(piped(b"| /bin/x %p\n"), Some(&b"/bin/x %p"[..]));
        for file in [&b"core\n"[..], b"/tmp/core.%p", b"@/run/x.socket", b""] {
            assert_eq!(piped(file), None);
        }
        assert_eq!(setting(b"kernel.core_pattern=|/bin/x"), Some(&b"/bin/x"[..]));
        assert_eq!(setting(b" -kernel/modprobe = /tmp/x "), Some(&b"/tmp/x"[..]));
        for other in
            [&b"# kernel.modprobe=/x"[..], b"kernel.core_pattern = core", b"vm.x=/y", b"kernel.modprobe", b""]
        {
            assert_eq!(setting(other), None);
        }
    }

    #[test]
    fn handlers_whole_and_cut() {
        let text = b"enabled\ninterpreter /usr/bin/qemu-mips-static\nflags: OCF\noffset 0\nmagic 7f454c46\n";
        let handler = Handler { enabled: true, interpreter: b"/usr/bin/qemu-mips-static", held: true };
        assert_eq!(Handler::parse(text), handler);
        assert!(!Handler::parse(b"disabled\ninterpreter /x\n").enabled);
        for end in 0..text.len() {
            assert!(handler.interpreter.starts_with(Handler::parse(&text[..end]).interpreter));
        }
    }
}
