//! Commands that join a shell to the network: for whoever connects, or for whoever they connect to.

use super::commands::{Commands, Role, Words};
use super::deed::kind::Deed;
use super::ipv4::{is_public, leading};
use super::options::{arguments, option};
use super::text::{basename, fields, has, is_one_of, one_of};

/// Shells that a stranger would be given.
pub(super) const SHELLS: [&[u8]; 7] = [b"sh", b"ash", b"bash", b"dash", b"ksh", b"zsh", b"hush"];

/// Words of a text of perl, python, php, lua or awk that connects, and of one that runs a shell.
const CONNECTS: [&[u8]; 4] = [b"socket", b"fsockopen", b"/inet/tcp/", b"/dev/tcp/"];
const RUNS: [&[u8]; 4] = [b"/bin/sh", b"/bin/bash", b"/bin/ash", b"\"sh\""];

/// Letters of options of nc that take a value (nc(1) of BusyBox, of OpenBSD and the traditional one).
const NC_VALUES: &[u8] = b"pwisqgGXxIOTmM";

/// What a command joins, if it does.
pub(super) fn joined(commands: &Commands, command: u16) -> Option<Deed> {
    // bash(1), REDIRECTION. A test whether a port answers takes no shell and no descriptor.
    let to_network = [Role::Output, Role::Input].iter().any(|role| {
        let mut files = commands.words(command, *role);
        files.any(|file| file.starts_with(b"/dev/tcp/") || file.starts_with(b"/dev/udp/"))
    });
    let piped = talks(commands, command) && commands.feeders(command).any(|from| is_bare(commands, from));
    let fed = is_bare(commands, command)
        && commands.words(command, Role::Output).next().is_some_and(|file| file != b"/dev/null")
        && commands.feeders(command).any(|from| talks(commands, from));
    if piped || fed || (to_network && is_bare(commands, command)) {
        return Some(Deed::GivesShell);
    }
    if to_network && commands.words(command, Role::Argument).next() == Some(b"exec") {
        return takes_orders(commands, command).then_some(Deed::OpensConnection);
    }
    let (program, own) = started(commands, command)?;
    let is = one_of(program);
    match program {
        _ if is(b"nc ncat netcat") => netcat(own),
        _ if is(b"socat") => socat(own),
        _ if is(b"telnetd utelnetd in.telnetd") => telnetd(own),
        _ => {
            let connects = |word: &[u8]| {
                CONNECTS.iter().any(|part| has(word, part)) && RUNS.iter().any(|part| has(word, part))
            };
            let interprets = is_one_of(program, b"ruby awk gawk")
                || (commands.is_shell(command) && !SHELLS.contains(&program));
            (interprets && arguments(commands, command).any(connects)).then_some(Deed::GivesShell)
        }
    }
}

/// Whether a descriptor that is opened leads to a stranger, or a line runs what it reads. Scripts of bash ask with one
/// whether a service answers, here or by its name.
fn takes_orders(commands: &Commands, command: u16) -> bool {
    let mut files = commands.words(command, Role::Output).chain(commands.words(command, Role::Input));
    let host =
        files.find_map(|file| file.strip_prefix(b"/dev/tcp/").or_else(|| file.strip_prefix(b"/dev/udp/")));
    host.and_then(leading).is_some_and(is_public)
        || commands.iter().any(|(other, _)| commands.name(other).first() == Some(&b'$'))
}

/// The program of a command and its arguments, also where `start-stop-daemon`, procd and the like start it.
fn started(commands: &Commands, command: u16) -> Option<(&[u8], Words<'_>)> {
    let name = commands.name(command);
    let mut words = arguments(commands, command);
    let is = one_of(name);
    match name {
        _ if is(b"start-stop-daemon procd_set_param service_start daemon") => {
            let is_one = |word: &&[u8]| is_one_of(basename(word), b"telnetd utelnetd nc socat");
            words.find(is_one).map(|program| (basename(program), words))
        }
        _ => Some((name, words)),
    }
}

/// A shell that reads orders from its input.
fn is_bare(commands: &Commands, command: u16) -> bool {
    SHELLS.contains(&commands.name(command)) && commands.reads_its_input(command)
}

/// A program that carries what it reads over the network.
fn talks(commands: &Commands, command: u16) -> bool {
    let name = commands.name(command);
    let is = one_of(name);
    match name {
        _ if is(b"nc ncat netcat telnet socat") => true,
        _ if is(b"openssl") => arguments(commands, command).next() == Some(b"s_client"),
        _ => false,
    }
}

/// Whether a text runs a shell without a script: `/bin/sh`, `bash -li`, with options of socat behind it.
fn is_shell(text: &[u8]) -> bool {
    let mut words = fields(text.split(|b| *b == b',').next().unwrap_or_default());
    words.next().is_some_and(|word| SHELLS.contains(&basename(word)))
        && words.all(|word| word.first() == Some(&b'-'))
}

fn netcat(own: Words<'_>) -> Option<Deed> {
    if let Some(run) = option(own, b'e', b"--exec", NC_VALUES) {
        // BusyBox gives the program what follows: a script has a path, a host and a port have none.
        let script = own.skip_while(|word| *word != run).skip(1).any(|word| word.contains(&b'/'));
        return Some(if is_shell(run) && !script { Deed::GivesShell } else { Deed::GivesProgram });
    }
    option(own, b'c', b"--sh-exec", NC_VALUES).filter(|run| is_shell(run)).map(|_| Deed::GivesShell)
}

fn socat(own: Words<'_>) -> Option<Deed> {
    let runs = |word: &[u8]| {
        [&b"exec:"[..], b"system:"].iter().any(|start| {
            let (head, rest) = word.split_at_checked(start.len()).unwrap_or_default();
            head.eq_ignore_ascii_case(start) && is_shell(rest)
        })
    };
    let network = |word: &[u8]| [&b"tcp"[..], b"udp", b"ssl"].iter().any(|part| has(word, part));
    let mut all = own;
    (all.any(runs) && { own }.any(network)).then_some(Deed::GivesShell)
}

/// telnetd whose login program is a shell (BusyBox networking/telnetd.c): nobody is asked for a password.
fn telnetd(own: Words<'_>) -> Option<Deed> {
    let login = option(own, b'l', b"--login", b"pbfSw")?;
    let address = option(own, b'b', b"--bind", b"plfSw").and_then(leading);
    let bridge = option(own, b'i', b"--interface", b"plbfSw").is_some_and(|name| name.starts_with(b"br"));
    let inside = bridge || address.is_some_and(|ip| !is_public(ip) && !ip.is_unspecified());
    let usual = option(own, b'p', b"--port", b"lbfSw").is_none_or(|port| port == b"23");
    is_shell(login).then_some(if inside || usual { Deed::SkipsLoginPlainly } else { Deed::SkipsLogin })
}
