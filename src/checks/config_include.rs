//! A setting that makes a service run what does not belong on the machine.
//!
//! # Sees
//! Options of OpenWrt's configuration (firewall includes, `dhcpscript`, hooks of OpenVPN, ddns, keepalived,
//! interpreters of the web server and the like), and keys of dnsmasq, inetd, xinetd, OpenVPN, pppd, snmpd, sshd, Samba
//! and Zabbix, whose program or script lies in a volatile or hidden place, or is a program that neither image nor
//! packages have; and a network service that is a shell. What a setting or a variable of NVRAM (`rc_startup`,
//! `script_fire`) hands to a shell is read as startup files are: `startup-dropper`, `startup-volatile` and the others
//! say what they see there.
//!
//! # Why it matters
//! Such a setting starts a program at every boot, lease or connection, and no startup script differs. Some
//! routers have no other place that lasts.
//!
//! # Misses and false alarms
//! Silent for what the image has in the same file, for programs of image and packages, for scripts that an owner keeps
//! in `/etc`, `/root`, `/jffs`, `/opt` or on a disk, for generated includes (`/var/etc`), and for sections that are
//! off. `notice` where a program is gone that image or packages would know. Missed: keys that the table does not have
//! (`src/source/settings.rs`), names without a directory, NVRAM of which there is neither a dump nor an image in a
//! file.
//!
//! # Sources
//! OpenWrt firewall3 includes.c; dnsmasq(8); inetd(8); xinetd.conf(5); openvpn(8); pppd(8); snmpd.conf(5);
//! sshd_config(5); smb.conf(5); MITRE ATT&CK T1037.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::{Place, is_admins, is_generated, place};
use crate::facts::process::Owner;
use crate::facts::setting::{How, Setting};
use crate::facts::text::{basename, fields, is_below, is_one_of};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "config-include",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1037",
    title: "a setting makes a service run what does not belong here",
    advice: Advice::STARTUP,
    sources: &[Source::Config],
    hooks: &[Hook::Setting(run)],
};

/// Directories of programs, where an owner's own scripts do not belong. Packages write includes below `/usr/share`.
const SYSTEM: [&[u8]; 8] =
    [b"/bin", b"/sbin", b"/lib", b"/usr/bin", b"/usr/sbin", b"/usr/lib", b"/usr/libexec", b"/www"];

fn run(setting: &Setting<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let path = setting.program();
    if setting.in_image || path.is_empty() {
        return;
    }
    let Some((severity, said)) = judge(setting, path) else { return };
    let draft = out.at(setting.file, setting.line).severity(severity).quote(setting.key);
    let draft = if setting.key.is_empty() { draft } else { draft.say(" ") };
    out.found(draft.say("runs ").quote(setting.value).say(": ").say(said));
}

/// What is odd about a setting.
fn judge(setting: &Setting<'_>, path: &[u8]) -> Option<(Severity, &'static str)> {
    if setting.how == How::Service && is_shell(setting.value) {
        return Some((Severity::Suspicious, "whoever connects gets a shell"));
    }
    if setting.owner.vouches() || setting.how == How::Include && is_generated(path) {
        return None;
    }
    // What a shell is told to run is a line of its own.
    let odd = match place(path) {
        Place::Volatile if setting.how != How::Shell && !is_device(path) => "a volatile place",
        Place::Hidden if setting.how != How::Shell => "a hidden place",
        _ if !setting.exists => {
            let missed = setting.owner == Owner::Nobody && setting.how != How::Include;
            return missed.then_some((Severity::Notice, "nothing is there"));
        }
        Place::Firm if setting.owner == Owner::Nobody && !is_admins(path) => {
            let system = SYSTEM.iter().any(|dir| is_below(path, dir));
            (setting.elf || system).then_some("neither the firmware nor a package has it")?
        }
        _ => return None,
    };
    Some((Severity::Suspicious, odd))
}

/// Whether the program is a shell, and not one that is given a script.
fn is_shell(value: &[u8]) -> bool {
    let name = |word: &[u8]| is_one_of(word, b"sh ash bash dash ksh zsh hush");
    let mut words = fields(value).map(basename);
    match words.next() {
        // inetd repeats the name of the program as its first argument.
        Some(b"busybox") => words.next().is_some_and(|word| name(word) || words.next().is_some_and(name)),
        Some(word) => name(word) && words.skip(1).all(|word| word.first() == Some(&b'-') && word != b"-c"),
        None => false,
    }
}

fn is_device(path: &[u8]) -> bool {
    is_below(path, b"/dev/null") || is_below(path, b"/dev/stdin")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::setting;

    fn with<'a>(how: How, value: &'a [u8], owner: Owner) -> Setting<'a> {
        Setting {
            file: b"/etc/x.conf",
            line: 3,
            key: b"up",
            value,
            how,
            in_image: false,
            owner,
            exists: true,
            elf: false,
        }
    }

    #[test]
    fn programs_that_do_not_belong_here() {
        use How::{Include, Program, Service};
        use Owner::{Nobody, Package, Unknown};
        for (how, value, owner) in [
            (Program, &b"/tmp/x"[..], Unknown),
            (Include, b"/tmp/x.sh", Nobody),
            (Program, b"/etc/.x/up.sh a", Unknown),
            (Program, b"/var/run/x", Unknown),
            (Program, b"/usr/sbin/x", Nobody),
            (Service, b"/bin/sh sh -i", Package),
            (Service, b"/bin/busybox busybox ash", Unknown),
        ] {
            let said = setting(&CHECK, &with(how, value, owner));
            assert_eq!(said, [Severity::Suspicious], "{}", String::from_utf8_lossy(value));
        }
        let binary = Setting { elf: true, ..with(Program, b"/etc/x", Nobody) };
        assert_eq!(setting(&CHECK, &binary), [Severity::Suspicious]);
    }

    #[test]
    fn what_owners_and_firmware_run() {
        use How::{Include, Program, Service, Shell};
        use Owner::{Firmware, Nobody, Package, Unknown};
        for (how, value, owner) in [
            (Include, &b"/etc/firewall.user"[..], Nobody),
            (Include, b"/var/etc/mwan3.include", Nobody),
            (Include, b"/usr/share/miniupnpd/firewall.include", Package),
            (Include, b"/usr/share/softethervpn/firewall.include", Nobody),
            (Program, b"/etc/openvpn/up.sh", Nobody),
            (Program, b"/jffs/scripts/x", Unknown),
            (Program, b"/opt/bin/x", Nobody),
            (Program, b"/mnt/sda1/x", Nobody),
            (Program, b"/root/x.sh", Nobody),
            (Program, b"/usr/lib/ddns/update.sh", Firmware),
            (Program, b"/usr/lib/ddns/update.sh", Unknown),
            (Program, b"update-resolv-conf", Nobody),
            (Shell, b"/tmp/x", Unknown),
            (Service, b"/usr/sbin/telnetd telnetd", Firmware),
            (Service, b"/bin/sh sh /usr/lib/x.sh", Package),
        ] {
            let said = setting(&CHECK, &with(how, value, owner));
            assert_eq!(said, [], "{}", String::from_utf8_lossy(value));
        }
        let known = Setting { in_image: true, ..with(Program, b"/tmp/x", Nobody) };
        assert_eq!(setting(&CHECK, &known), []);
        let gone = |how, value| Setting { exists: false, ..with(how, value, Nobody) };
        assert_eq!(setting(&CHECK, &gone(Program, b"/usr/sbin/x")), [Severity::Notice]);
        assert_eq!(setting(&CHECK, &gone(Include, b"/etc/firewall.user")), []);
    }
}
