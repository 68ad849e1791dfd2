//! What a command runs: programs by their names, and texts that others give it.

use super::commands::{Commands, Role, is_starter};
use super::options::{arguments, has_flag, option};
use super::place::{is_generated, is_odd_program};
use super::remote::SHELLS;
use super::text::{basename, has, is_one_of, one_of};

/// The words of a command that name code it runs: the program and those that start it, the script of a shell or what is
/// fed to one, what `start-stop-daemon`, procd and `insmod` are told to start, and what `LD_PRELOAD` and `PATH` name.
pub fn executed<'a>(commands: &'a Commands, command: u16, each: &mut dyn FnMut(&'a [u8])) {
    let length = commands.program(command).count();
    let all = || commands.words(command, Role::Argument);
    for word in all() {
        let library = word.strip_prefix(b"LD_PRELOAD=");
        if let Some(list) = library.or_else(|| word.strip_prefix(b"PATH=")) {
            list.split(|b| matches!(b, b' ' | b':')).for_each(&mut *each);
        }
    }
    for word in all().take(all().count().saturating_sub(length)) {
        if is_starter(word) {
            each(word);
        }
    }
    let mut words = commands.program(command);
    let Some(program) = words.next() else { return };
    each(program);
    let mut operand = || words.find(|word| word.first() != Some(&b'-'));
    let name = basename(program);
    let is = one_of(name);
    match name {
        _ if is(b"start-stop-daemon") => {
            for (short, long) in [(b'x', &b"--exec"[..]), (b'a', b"--startas")] {
                if let Some(word) = option(arguments(commands, command), short, long, b"") {
                    each(word);
                }
            }
        }
        _ if is(b"procd_set_param") && operand() == Some(b"command") => operand().into_iter().for_each(each),
        // The function of Red Hat's scripts has no path; a program of that name is somebody's own.
        _ if is(b"daemon") && program != b"daemon" => {}
        _ if is(b"insmod service_start daemon") => operand().into_iter().for_each(each),
        _ if is(b"find") => found(commands, command, each),
        // The loader of programs runs one (ld.so(8)).
        name if name.starts_with(b"ld-") => operand().into_iter().for_each(each),
        _ if commands.is_shell(command) => shell_runs(commands, command, each),
        _ if is(b"awk gawk mawk") => arguments(commands, command).for_each(|text| called(text, each)),
        _ => {}
    }
}

/// What `-exec` of find(1) runs: its program, or the files that are found, here the directory that they are in.
fn found<'a>(commands: &'a Commands, command: u16, each: &mut dyn FnMut(&'a [u8])) {
    let place = arguments(commands, command).next().unwrap_or_default();
    let mut words = arguments(commands, command);
    while words.any(|word| is_one_of(word, b"-exec -execdir -ok -okdir")) {
        let program = words.next().unwrap_or_default();
        let script = { words }.next() == Some(b"{}") && SHELLS.contains(&basename(program));
        each(if script || program == b"{}" { place } else { program });
    }
}

/// The programs that a text of another language has the system run: the first word behind `system("`.
fn called<'a>(text: &'a [u8], each: &mut dyn FnMut(&'a [u8])) {
    const CALLS: [&[u8]; 3] = [b"system(", b"popen(", b"execute("];
    for call in CALLS {
        let starts = (0..text.len()).filter_map(|at| text.get(at..)?.strip_prefix(call));
        for rest in starts {
            let ends = |b: &u8| b"\"' ;&|)".contains(b);
            let quoted = rest.get(1..).filter(|_| matches!(rest.first(), Some(b'"' | b'\'')));
            each(quoted.unwrap_or_default().split(ends).next().unwrap_or_default());
        }
    }
}

/// The first word that a command runs from a place from which nothing should be started.
#[must_use]
pub fn executed_oddly(commands: &Commands, command: u16) -> Option<&[u8]> {
    let reads = is_one_of(commands.name(command), b". source");
    let mut odd = None;
    executed(commands, command, &mut |word| {
        if odd.is_none() && is_odd_program(word) && !(reads && is_generated(word)) {
            odd = Some(word);
        }
    });
    odd
}

/// What a shell runs besides itself: its script, a variable that it evaluates, or its input.
fn shell_runs<'a>(commands: &'a Commands, command: u16, each: &mut dyn FnMut(&'a [u8])) {
    let own = || arguments(commands, command);
    let text = has_flag(own(), b'c', b"--command", b"");
    if !SHELLS.contains(&commands.name(command)) {
        own().for_each(|text| called(text, each));
    }
    if text || commands.name(command) == b"eval" {
        own().filter(|word| word.first() == Some(&b'$')).for_each(&mut *each);
    } else if let Some(script) = own().find(|word| !matches!(word.first(), Some(b'-' | b'+'))) {
        each(script);
    }
    // To a script or a text that is named, what it reads is data.
    if !commands.reads_its_input(command) {
        return;
    }
    commands.words(command, Role::Input).for_each(&mut *each);
    for from in commands.feeders(command) {
        let name = commands.name(from);
        let is = one_of(name);
        match name {
            // What is in a file, or names of files, which xargs makes arguments of.
            _ if is(b"cat ls find head tail zcat gunzip") => arguments(commands, from).for_each(&mut *each),
            // `echo "$x" | sh` runs what `x` holds.
            _ if is(b"echo printf") => {
                arguments(commands, from).filter(|word| word.first() == Some(&b'$')).for_each(&mut *each);
            }
            _ => {}
        }
    }
}

/// Whether a command runs text that another one brings to its output: through a pipe into a shell, or from a
/// substitution in the place of a shell's text or of the program.
pub fn takes_text(commands: &Commands, command: u16, brings: &dyn Fn(u16) -> bool) -> bool {
    if commands.is_shell(command) {
        let copies = |from| commands.name(from) == b"cat" && commands.feeders(from).any(brings);
        let carries = |from| brings(from) || copies(from);
        let piped = commands.reads_its_input(command)
            && commands.feeders(command).any(carries)
            && !commands.feeders(command).any(|from| makes_commands(commands, from));
        let inside = |inner| carries(inner) && feeds_no_other(commands, inner);
        piped || commands.substituted(command).any(inside)
    } else {
        // `$(wget …)` in the place of the program.
        let empty = commands.program(command).next().is_some_and(<[u8]>::is_empty);
        empty && commands.inside(command).any(brings)
    }
}

/// Whether a filter puts a command of its own before what it passes on: `awk '{print "ipset add x "$1}'`, `sed 's/^/route add /'`.
/// The text behind is data then, unless that command takes text itself.
fn makes_commands(commands: &Commands, command: u16) -> bool {
    let begins = |text: &[u8]| {
        let name = text.split(|b| *b == b' ').next().unwrap_or_default();
        name.len() < text.len()
            && name.first().is_some_and(u8::is_ascii_alphabetic)
            && !text.iter().any(|b| b";&|`$".contains(b))
            && !SHELLS.contains(&name)
            && !is_one_of(name, b"eval source exec")
            && !is_starter(name)
    };
    let name = commands.name(command);
    let awk = is_one_of(name, b"awk gawk mawk");
    arguments(commands, command).any(|word| {
        let by = if awk { b'"' } else { word.get(1).copied().unwrap_or_default() };
        let mut before = &b""[..];
        (awk || name == b"sed" && word.starts_with(b"s"))
            && word.split(|b| *b == by).any(|part| {
                let prints = before.trim_ascii_end();
                let prints = prints.strip_suffix(b"(").unwrap_or(prints);
                let leads = if awk {
                    prints.ends_with(b"print") || prints.ends_with(b"printf")
                } else {
                    before == b"^"
                };
                before = part;
                leads && begins(part)
            })
    })
}

/// Whether a command gives an interpreter a text with both words of a pair.
#[must_use]
pub fn is_code(commands: &Commands, command: u16, pairs: &[(&[u8], &[u8])]) -> bool {
    let both = |word: &[u8]| pairs.iter().any(|(one, other)| has(word, one) && has(word, other));
    commands.is_shell(command) && arguments(commands, command).any(both)
}

/// Whether a command inside a substitution gives its output to the substitution, not to a filter.
fn feeds_no_other(commands: &Commands, command: u16) -> bool {
    !commands.iter().any(|(other, _)| {
        other != command && !commands.is_shell(other) && commands.feeders(other).any(|from| from == command)
    })
}
