//! What a command of a startup file does to the guard of the machine: who gets in, who is kept out, what is believed.

pub(super) mod kind;

pub use kind::Deed;

use super::commands::Commands;
use super::embedded::is_odd_text;
use super::ipv4::{is_known_resolver, is_public, leading};
use super::options::{arguments, option};
use super::place::{Place, is_generated, is_odd_program, place};
use super::remote;
use super::rule::{Rule, Verb, rule};
use super::text::{basename, fields, has, is_one_of, one_of, trim};
use super::writes::{Content, Target, Write, inserted, printed, target, write};

/// What a command does; `text` is its line.
#[must_use]
pub fn deed(commands: &Commands, command: u16, text: &[u8]) -> Option<Deed> {
    let filtered = || filtered(&rule(commands, command)?, text);
    let written = || written(commands, &write(commands, command)?, text);
    let words = || arguments(commands, command);
    remote::joined(commands, command).or_else(filtered).or_else(written).or_else(|| {
        let name = commands.name(command);
        let is = one_of(name);
        match name {
            _ if is(b"uci nvram") && words().any(|word| has(word, b"=ssh-")) => Some(Deed::WritesKey),
            _ if is(b"uci nvram set") && words().any(sets_start) => Some(Deed::StartsOdd),
            // The last two are orders of `uci batch`.
            _ if is(b"uci nvram set add_list") => words().any(sets_resolver).then_some(Deed::SetsResolver),
            _ if is(b"useradd adduser usermod") => {
                (option(words(), b'u', b"--uid", b"") == Some(b"0")).then_some(Deed::AddsUser)
            }
            _ if is(b"chpasswd passwd") => commands.feeders(command).next().map(|_| Deed::WritesUsers),
            _ if is(b"sysctl") => words().any(sets_helper).then_some(Deed::StartsOdd),
            _ if is(b"killall pkill") => killed(words(), text),
            _ if is(b"kill") => commands.inside(command).find_map(|inner| {
                let asks = is_one_of(commands.name(inner), b"pidof pgrep");
                killed(arguments(commands, inner), text).filter(|_| asks)
            }),
            _ if is(b"rmmod") => words().any(|word| word.ends_with(b"dog")).then_some(Deed::StopsWatchdog),
            b"rm" => words().find_map(removed),
            b"mv" => {
                let from = words().find(|word| word.first() != Some(&b'-')).unwrap_or_default();
                removed(from).filter(|deed| *deed == Deed::RemovesReboot)
            }
            _ if is(b"chmod") => {
                let forbids = matches!(words().next(), Some(b"0" | b"000" | b"-x" | b"a-x"));
                words().find_map(removed).filter(|deed| forbids && *deed == Deed::RemovesReboot)
            }
            _ if is(b"mount") => mounted(words()),
            _ => None,
        }
    })
}

/// Ports that bots come in through and close behind them: telnet, adb, TR-069 (7547, 35000, 50023, 58000).
pub const ATTACKED: [u16; 8] = [23, 2323, 5358, 5555, 7547, 35000, 50023, 58000];
/// A service of ASUS's over UDP. TheMoon closes it, and so did owners who were told to, against the hole of CVE-2014-9583.
const ATTACKED_UDP: [u16; 1] = [9999];
/// Ports of the owner's own management.
pub const OWNERS: [u16; 5] = [22, 80, 443, 8080, 8443];
/// Ports that owners open for everybody: VPNs, telephones, torrents, media.
const SERVICES: [u16; 12] = [1194, 1195, 1196, 1197, 1701, 1723, 4500, 5060, 6881, 32400, 51413, 51820];
/// Ports of TrickBot's servers that no other service uses.
pub const RELAYED: [u16; 2] = [447, 449];

fn filtered(rule: &Rule<'_>, text: &[u8]) -> Option<Deed> {
    let any = |ports: &[u16]| rule.each_port().any(|port| ports.contains(&port));
    let source = leading(rule.source).filter(|ip| is_public(*ip));
    let adds = matches!(rule.verb, Verb::Insert | Verb::Append);
    let input = rule.table == b"filter" && is_one_of(rule.chain, b"INPUT input_rule");
    let name = rule.target;
    let is = one_of(name);
    match name {
        b"" if rule.verb == Verb::Flush => {
            let deed = if has(text, b"-P INPUT ACCEPT") { Deed::OpensAll } else { Deed::Flushes };
            (rule.table == b"filter" && matches!(rule.chain, b"" | b"INPUT")).then_some(deed)
        }
        _ if is(b"DROP REJECT") && adds && input && !rule.narrow => {
            if rule.tcp && any(&ATTACKED) {
                Some(Deed::ClosesAttacked)
            } else if !rule.tcp && any(&ATTACKED_UDP) {
                Some(Deed::ClosesOwnersLast)
            } else if rule.tcp && any(&OWNERS) {
                Some(if rule.verb == Verb::Insert { Deed::ClosesOwners } else { Deed::ClosesOwnersLast })
            } else {
                None
            }
        }
        _ if is(b"ACCEPT") && adds && input && rule.ports.is_empty() => source.map(|_| Deed::OpensToNetwork),
        _ if is(b"ACCEPT") && adds && input && !rule.narrow => {
            let odd = |port: u16| port >= 1024 && !SERVICES.contains(&port);
            rule.each_port().any(odd).then_some(Deed::OpensPort)
        }
        _ if is(b"DNAT") && adds => {
            let to = leading(rule.to).filter(|ip| is_public(*ip))?;
            match (any(&[53]), is_known_resolver(to)) {
                (true, true) => None,
                (true, false) => Some(Deed::RedirectsNames),
                _ => Some(if any(&RELAYED) { Deed::Relays } else { Deed::Redirects }),
            }
        }
        _ => None,
    }
}

fn written(commands: &Commands, write: &Write<'_>, text: &[u8]) -> Option<Deed> {
    let appends = has(text, b">>") || has(text, b"tee -a");
    let odd = |path: &[u8]| path == b"$0" || is_odd_program(path);
    let words = match write.content {
        Content::Printed(by) => printed(commands, by),
        _ => Default::default(),
    };
    let words = words.as_slice();
    match (write.target, write.content) {
        (Target::Keys, Content::Nothing) => None,
        (Target::Keys, Content::HereDocument | Content::Fetched) => Some(Deed::WritesKey),
        (Target::Keys, Content::Copy(from)) if odd(from) => Some(Deed::WritesKey),
        (Target::Keys, _) if has(words, b"ssh-") || has(words, b"ecdsa-") => Some(Deed::WritesKey),
        (Target::Keys, _) => Some(Deed::CopiesKeys),
        // A line that was made elsewhere: that of a user who is there, changed.
        (Target::Accounts, Content::Printed(_)) if words.starts_with(b"$") && !words.contains(&b':') => {
            Some(Deed::WritesUsers)
        }
        (Target::Accounts, Content::Printed(_) | Content::HereDocument | Content::Fetched)
            if commands.iter().all(|(index, _)| commands.name(index) != b"sed") && !is_service(words) =>
        {
            Some(if appends { Deed::AddsUser } else { Deed::WritesUsers })
        }
        (Target::Accounts, Content::Printed(by)) if commands.name(by) == b"sed" => {
            // `s` changes a user that is there: his password, his shell.
            let is_user = |line: &[u8]| line.contains(&b':') && !is_service(line);
            let user = |word: &[u8]| word.first() != Some(&b's') && inserted(word).is_some_and(is_user);
            arguments(commands, by).any(user).then_some(Deed::AddsUser)
        }
        (Target::Preload, Content::Nothing) => None,
        (Target::Preload, _) => Some(Deed::Preloads),
        (Target::Core, Content::Printed(_)) => {
            (words.starts_with(b"|") && is_odd_text(words)).then_some(Deed::StartsOdd)
        }
        (Target::Jobs | Target::Startup | Target::StartupFolder, Content::Fetched) => Some(Deed::Spreads),
        (Target::Jobs | Target::Startup | Target::StartupFolder, Content::Printed(by))
            if commands.name(by) == b"sed" =>
        {
            let odd = |word: &[u8]| inserted(word).is_some_and(is_odd_text);
            arguments(commands, by).any(odd).then_some(Deed::StartsOdd)
        }
        (Target::Jobs | Target::Startup | Target::StartupFolder, Content::Printed(_))
            if is_odd_text(words) =>
        {
            Some(Deed::StartsOdd)
        }
        (Target::Startup, Content::Printed(_) | Content::HereDocument) => Some(Deed::Starts),
        (Target::Startup | Target::StartupFolder, Content::Copy(from))
            if from == b"$0" || (odd(from) && write.target == Target::StartupFolder) =>
        {
            Some(Deed::Spreads)
        }
        (Target::Resolver, Content::Printed(_)) => {
            fields(words).any(is_strange_resolver).then_some(Deed::SetsResolver)
        }
        (Target::Hosts, Content::Printed(_)) => is_strange_host(words).then_some(Deed::SetsHost),
        (Target::Logins, Content::Nothing) => Some(Deed::WipesLog),
        // Closing after a V stops a watchdog (Documentation/watchdog/watchdog-api.rst).
        (Target::Watchdog, Content::Printed(_)) => trim(words).ends_with(b"V").then_some(Deed::StopsWatchdog),
        _ => None,
    }
}

/// Whether a line of passwd(5), shadow(5) or group(5) is one of a service that nobody can log in as.
fn is_service(line: &[u8]) -> bool {
    let mut fields = line.split(|b| *b == b':');
    let (password, number) = (fields.nth(1).unwrap_or_default(), fields.next().unwrap_or_default());
    let last = trim(fields.next_back().unwrap_or_default());
    let locked = matches!(password.first(), Some(b'*' | b'!' | b'x'));
    let no_shell = [&b"/false"[..], b"/nologin", b"/dev/null"].iter().any(|end| last.ends_with(end));
    // A number that is counted up to is none of root's: `x:x:${uid}:…`; what it came to `account-odd` sees.
    let counted = number.starts_with(b"$");
    let digits = number.iter().all(u8::is_ascii_digit) && !number.iter().all(|b| *b == b'0');
    let passwd = no_shell && (digits || counted);
    // Shadow lines end in an empty field; `x` there is no password that could be given.
    locked && (passwd || last.is_empty() && line.iter().filter(|b| **b == b':').count() == 8)
}

fn is_strange_resolver(word: &[u8]) -> bool {
    leading(trim(word)).is_some_and(|ip| is_public(ip) && !is_known_resolver(ip))
}

/// `kernel.modprobe=/tmp/x`: what the kernel starts (sysctl(8), kernel Documentation/admin-guide/sysctl/kernel.rst).
fn sets_helper(word: &[u8]) -> bool {
    const HELPERS: [&[u8]; 3] = [b"kernel.modprobe=", b"kernel.hotplug=", b"kernel.core_pattern=|"];
    HELPERS.iter().any(|key| word.strip_prefix(*key).is_some_and(is_odd_program))
}

/// `firewall.x.path=/tmp/x`, `dhcp.@dnsmasq[0].dhcpscript=…`, `rc_startup=…`, `script_fire=…`: what a service starts.
fn sets_start(word: &[u8]) -> bool {
    let Some(equals) = word.iter().position(|b| *b == b'=') else { return false };
    let (key, value) = word.split_at(equals);
    let value = value.get(1..).unwrap_or_default();
    let starts = [&b"rc_"[..], b"script_", b"jffs2_"].iter().any(|start| key.starts_with(start));
    let includes = key.starts_with(b"firewall.") && key.ends_with(b".path") || key.ends_with(b"script");
    (starts || includes) && is_odd_text(value) && !is_generated(value)
}

/// `network.wan.dns=192.0.2.1`, `dhcp.@dnsmasq[0].server=…`, `dhcp.lan.dhcp_option=6,…`, `wan_dns=…`
fn sets_resolver(word: &[u8]) -> bool {
    let Some(equals) = word.iter().position(|b| *b == b'=') else { return false };
    let (key, value) = word.split_at(equals);
    let names = has(key, b"dns") && !has(key, b"ddns") || has(key, b"dhcp_option");
    names && value.split(|b| b"=, '".contains(b)).any(is_strange_resolver)
}

/// A line of hosts(5) that sends a name of the public net somewhere: to a stranger, or to nobody.
fn is_strange_host(text: &[u8]) -> bool {
    let mut words = fields(text).filter(|word| word.first() != Some(&b'-'));
    let Some(ip) = words.next().and_then(leading) else { return false };
    let public = |name: &[u8]| {
        let local = [&b".lan"[..], b".local", b".home", b".localdomain", b".arpa", b".internal"];
        name.contains(&b'.') && !name.contains(&b'$') && !local.iter().any(|end| name.ends_with(end))
    };
    let elsewhere = is_public(ip) || ip.is_loopback() || ip.is_unspecified();
    elsewhere && words.any(|name| public(trim(name)))
}

/// Services over which people log in.
const LOGIN: [&[u8]; 5] = [b"telnetd", b"utelnetd", b"in.telnetd", b"dropbear", b"sshd"];

/// What is killed by name.
fn killed<'a>(words: impl Iterator<Item = &'a [u8]> + Clone, text: &[u8]) -> Option<Deed> {
    // Signals that only tell something.
    let tells = [&b"-HUP"[..], b"-1", b"-USR1", b"-USR2", b"-0", b"-CONT", b"-SIGHUP", b"-s"];
    if words.clone().any(|word| tells.contains(&word)) {
        return None;
    }
    if words.clone().any(|word| is_one_of(word, b"watchdog watchdogd wd_keepalive")) {
        return Some(Deed::StopsWatchdog);
    }
    let login = |word: &[u8]| LOGIN.contains(&basename(word));
    words.clone().find(|word| login(word))?;
    let part = |b: &u8| !b.is_ascii_alphanumeric() && !b"._-".contains(b);
    let all = || text.split(part);
    let several = LOGIN.iter().filter(|name| all().any(|word| word == **name)).count() > 1;
    Some(if several || all().any(|word| word == b"while") { Deed::KillsRivals } else { Deed::KillsLogin })
}

/// What is removed.
fn removed(path: &[u8]) -> Option<Deed> {
    let tools = [&b"reboot"[..], b"shutdown", b"poweroff", b"halt"];
    if is_one_of(path, b"/var/log /var/log/ /var/log/*") || target(path) == Some(Target::Logins) {
        Some(Deed::WipesLog)
    } else if tools.contains(&basename(path)) && has(path, b"bin/") && place(path) == Place::Firm {
        Some(Deed::RemovesReboot)
    } else {
        None
    }
}

/// What is mounted over a process, or over a program from an odd place.
fn mounted<'a>(words: impl Iterator<Item = &'a [u8]> + Clone) -> Option<Deed> {
    let over = words.clone().last()?;
    let bound = words.clone().any(|word| has(word, b"bind"));
    if is_process(over) {
        return Some(Deed::HidesProcess);
    }
    (bound && has(over, b"bin/") && place(over) == Place::Firm && { words }.any(is_odd_program))
        .then_some(Deed::CoversProgram)
}

/// `/proc/812` or `/proc/$pid`.
fn is_process(path: &[u8]) -> bool {
    let Some(name) = path.strip_prefix(b"/proc/") else { return false };
    let name = name.strip_suffix(b"/").unwrap_or(name);
    !name.contains(&b'/') && name.first().is_some_and(|b| b.is_ascii_digit() || *b == b'$')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::decode::{decode, is_decoding_code, writes_program};
    use crate::facts::fetch::{fetch, is_fetching_code};

    /// What single lines do is shown beside the check that weighs it, `startup-backdoor`.
    #[test]
    fn any_words_end() {
        let words: Vec<&[u8]> = b"iptables -I INPUT -p tcp --dport 23,x: -j DROP nft add { } dnat to 192.0.2.1:80 nc -e /bin/sh \
            socat EXEC: telnetd -l -p uci set dns= = kill $( pidof ) sed -i /i\\ >> > /etc/passwd :0: echo \\x7f\\ printf '\\0 \
            base64 -d | openssl -out xxd -r A= $A ${A:- } `which ` mount /proc/ rm chmod 0 cru crontab - <<E case in ) ;;"
            .split(|b| *b == b' ')
            .collect();
        let mut seed = 1_u32;
        let mut commands = Commands::new();
        for length in 0..4000 {
            let mut text = Vec::new();
            for _ in 0..length % 12 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let word = words[usize::from(seed.to_be_bytes()[1]) % words.len()];
                let cut = usize::from(seed.is_multiple_of(7) && !word.is_empty());
                text.extend_from_slice(&word[..word.len() - cut]);
                text.push(b' ');
            }
            commands.parse(&text);
            for (index, _) in commands.iter() {
                let _ = (deed(&commands, index, &text), decode(&commands, index), fetch(&commands, index));
                let _ = (is_decoding_code(&commands, index), is_fetching_code(&commands, index));
                let _ = writes_program(&commands, index);
            }
        }
    }
}
