//! A process whose name is made of random letters, changes, or cannot be read.
//!
//! # Sees
//! Of programs that neither firmware nor a package has: a name whose letters rarely stand beside each other in names of
//! programs, or that goes to and fro between letters and digits (`x3k9dj2l0q`). Where the program is in an odd place, was
//! removed, or nobody has it though it is known what is installed: also a name that is another one a moment later, one
//! program that runs under four names or more, an empty first argument, and one with bytes that are no text.
//!
//! # Why it matters
//! Mirai and most of its children overwrite their name and their arguments with random letters as soon as they run,
//! XorDDoS calls its file so, and some change it again and again, so that no list of names can hold them.
//!
//! # Misses and false alarms
//! A hint, never more than a `notice`. Measured while it was made: of 950 names of programs of Debian 12 and of daemons
//! of routers that its table was not made from, three looked random (`bzfgrep`, `nlbwmon`, `unzipsfx`); 86 of 100 names as
//! Mirai makes them are seen, and 70 of 100 that are ten random letters. Names below seven bytes and words of a language
//! are not. What firmware or a package has may be called what it likes.
//!
//! # Sources
//! mirai/bot/main.c and rand.c `rand_alphastr`; proc_pid_comm(5); execve(2); MITRE ATT&CK T1036.005.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::process::{Exe, Owner, Process};
use crate::facts::program::is_multicall;
use crate::facts::text::basename;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "name-random",
    area: Area::Process,
    severity: Severity::Notice,
    attack: "T1036.005",
    title: "a name of random letters, one that changes, or one that cannot be read",
    advice: Advice::PROGRAM,
    sources: &[Source::Processes],
    hooks: &[Hook::Process(run)],
};

/// Names of one program that is not made to have many: a daemon has one, and perhaps one for its workers and one for its
/// master.
const MANY_NAMES: u32 = 4;

/// Bytes of a name of which it can be said.
const LEAST: usize = 7;

/// Which letter follows which in names of software: bit n of a letter's row is the n-th letter of the alphabet. The
/// commoner half of all pairs in 100,000 names of Python packages, programs of Debian 12 and daemons of routers.
const PAIRS: [u32; 26] = [
    0x17e_bd5e, // a
    0x212_4b1d, // b
    0x01e_ddfd, // c
    0x056_fddf, // d
    0x0ee_b97f, // e
    0x10e_497d, // f
    0x016_f99d, // g
    0x01a_411d, // h
    0x2ae_f87f, // i
    0x004_0009, // j
    0x004_0179, // k
    0x33c_ed7d, // l
    0x01c_ed1f, // m
    0x03c_fd7d, // n
    0x0fe_fd6f, // o
    0x15e_fddd, // p
    0x010_0010, // q
    0x13e_fd7d, // r
    0x17d_fdfd, // s
    0x11e_d99f, // t
    0x08e_b95f, // u
    0x000_d119, // v
    0x000_c11d, // w
    0x308_8018, // x
    0x00c_b009, // y
    0x004_0114, // z
];

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let Exe::Path { .. } = process.exe else { return };
    if ctx.is_own(process) || !process.is_alive() || process.is_trusted() {
        return;
    }
    // On a machine that cannot tell its own programs, those in system places have the benefit of the doubt.
    let doubtful = process.surroundings.owner == Owner::Nobody || !process.is_firm();
    let comm = process.name();
    let argv0 = process.argv0();
    let title = basename(argv0.split(|b| *b == b' ').next().unwrap_or_default());
    let draft = out.process(process);
    let draft = if let Some(name) = [comm, process.program(), title].into_iter().find(|name| is_random(name))
    {
        draft.say("the name ").quote(name).say(" looks random")
    } else if process.renamed == Some(true) {
        draft.say("it has changed its name within a moment")
    } else if doubtful && process.kin.names >= MANY_NAMES && !is_multicall(process.program()) {
        draft.say("its program runs under ").number(process.kin.names).say(" names")
    } else if doubtful && argv0.is_empty() {
        draft.say("its first argument is empty")
    } else if doubtful && !is_text(argv0) {
        draft.say("its first argument is no text: ").quote(argv0)
    } else if doubtful && process.renamed.is_none() {
        // Whether its name changes can be told at the second look only, and this gives it one.
        draft
    } else {
        return;
    };
    out.found(draft);
}

/// Whether bytes can be read: UTF-8, which may be cut at the end, without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let encoded = str::from_utf8(bytes).map_or_else(|wrong| wrong.error_len().is_none(), |_| true);
    encoded && !bytes.iter().any(u8::is_ascii_control)
}

/// Whether a name looks like random letters and digits.
fn is_random(name: &[u8]) -> bool {
    name.len() >= LEAST && (has_odd_pairs(name) || is_mixed(name))
}

/// Whether two in five of the pairs of letters, and three of them, are of the rarer half. Random letters have every
/// second one there.
fn has_odd_pairs(name: &[u8]) -> bool {
    let (mut all, mut odd) = (0_usize, 0_usize);
    for word in name.split(|b| !b.is_ascii_alphabetic()) {
        // Anything may stand before the d of a daemon.
        let word = word.strip_suffix(b"d").unwrap_or(word);
        for pair in word.windows(2) {
            let [first, second] = pair else { continue };
            all = all.saturating_add(1);
            odd = odd.saturating_add(usize::from(!is_common(*first, *second)));
        }
    }
    odd >= 3 && odd.saturating_mul(5) >= all.saturating_mul(2)
}

fn is_common(first: u8, second: u8) -> bool {
    let number = |letter: u8| letter.to_ascii_lowercase().wrapping_sub(b'a');
    let row = PAIRS.get(usize::from(number(first))).copied().unwrap_or_default();
    row.checked_shr(u32::from(number(second))).unwrap_or_default() & 1 == 1
}

/// Whether a word of eight bytes or more changes between letters and digits at least four times, and at every third
/// place. A version, a size or a standard in a name makes two changes, rarely three (`x86_64`, `xl2tpd`, `v4l2`).
fn is_mixed(name: &[u8]) -> bool {
    name.split(|b| !b.is_ascii_alphanumeric()).filter(|word| word.len() >= 8).any(|word| {
        let changes = word
            .windows(2)
            .filter(
                |pair| matches!(pair, [first, second] if first.is_ascii_digit() != second.is_ascii_digit()),
            )
            .count();
        changes >= 4 && changes.saturating_mul(3) >= word.len().saturating_sub(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};

    fn with(exe: &[u8], comm: &[u8], argv: &[u8], owner: Owner) -> Process {
        let mut process = process(812, comm, exe, argv);
        process.surroundings.owner = owner;
        process.renamed = Some(false);
        process
    }

    /// Names as Mirai's `rand_alphastr` makes them and as XorDDoS calls its files.
    const RANDOM: [&[u8]; 12] = [
        b"eqh8571ng8b1",
        b"mts82c7p23l00f5",
        b"gk208b7ct2kkoam",
        b"krs6u87hbt1v3mq",
        b"qn4bob2jck54",
        b"x3k9dj2l0q",
        b"mewwxdvrqc",
        b"xylhdghwtt",
        b"nfpfajdrxk",
        b"dnjbkvrwpq",
        b"fwvxgreyiu",
        b"gvrsmyjfhb",
    ];

    #[test]
    fn random_names() {
        for name in RANDOM {
            assert!(is_random(name), "{}", String::from_utf8_lossy(name));
        }
        for odd in [
            with(b"/usr/bin/gvrsmyjfhb", b"x", b"ls\0", Owner::Unknown),
            with(b"/usr/bin/x", b"qn4bob2jck54", b"x\0", Owner::Nobody),
            with(b"/tmp/x", b"x", b"./qn4bob2jck54 x\0", Owner::Unknown),
            with(b"/tmp/x", b"x", b"\0\0\0\0", Owner::Unknown),
            with(b"/tmp/x (deleted)", b"x", b"", Owner::Package),
            with(b"/usr/sbin/x", b"x", b"a\x01b\0", Owner::Nobody),
            with(b"/usr/sbin/x", b"x", b"\xff\xfe\0", Owner::Nobody),
        ] {
            assert_eq!(severities(&CHECK, &odd), [Severity::Notice], "{odd:?}");
        }
    }

    #[test]
    fn one_program_under_many_names() {
        let mut bot = with(b"/usr/sbin/x", b"sshd", b"sshd\0", Owner::Nobody);
        for (names, expected) in [(1, &[][..]), (3, &[]), (4, &[Severity::Notice]), (40, &[Severity::Notice])]
        {
            bot.kin.names = names;
            assert_eq!(severities(&CHECK, &bot), expected);
        }
        bot.path = crate::facts::text::Bytes::of(b"/usr/sbin/busybox");
        assert_eq!(severities(&CHECK, &bot), [], "it is made to have many");
    }

    #[test]
    fn names_that_change() {
        let mut hopping = with(b"/usr/sbin/x", b"x", b"x\0", Owner::Unknown);
        assert_eq!(severities(&CHECK, &hopping), []);
        hopping.renamed = Some(true);
        assert_eq!(severities(&CHECK, &hopping), [Severity::Notice]);
        hopping.surroundings.owner = Owner::Package;
        assert_eq!(severities(&CHECK, &hopping), []);
        // The first look asks for a second one at programs that may be anybody's.
        let mut first = with(b"/usr/sbin/x", b"x", b"x\0", Owner::Nobody);
        first.renamed = None;
        assert_eq!(severities(&CHECK, &first), [Severity::Notice]);
        first.surroundings.owner = Owner::Unknown;
        assert_eq!(severities(&CHECK, &first), []);
    }

    #[test]
    fn names_of_programs() {
        for name in [
            &b"avahi-daemon"[..],
            b"systemd-networkd",
            b"systemd-resolve",
            b"wpa_supplicant",
            b"x86_64-linux-gnu-gcc",
            b"libvirtd",
            b"xl2tpd",
            b"ddns-scripts",
            b"mwan3rtmon",
            b"mwan3track",
            b"zt-one",
            b"zerotier-one",
            b"gpg-agent",
            b"lighttpd",
            b"dhcpcd",
            b"odhcp6c",
            b"odhcpd",
            b"mini_httpd",
            b"miniupnpd",
            b"vsftpd",
            b"nghttpx",
            b"pptpctrl",
            b"xmlcfgd",
            b"usbmuxd",
            b"wlmngr",
            b"dslmgr",
            b"xdslctl",
            b"hclntd",
            b"swresetd",
            b"acos_service",
            b"dhd_monitor",
            b"wlceventd",
            b"urlfilterd",
            b"networkmap",
            b"conn_diag",
            b"p910nd",
            b"b43fwcutter",
            b"ip6tables-restore",
            b"v4l2rtspserver",
            b"l2tpv3d",
            b"zigbee2mqtt",
            b"mkfs.ext4",
            b"dnscrypt-proxy",
            b"https-dns-proxy",
            b"containerd-shim-runc-v2",
            b"softethervpn",
            b"eigrpd",
            b"ospf6d",
            b"mdns-repeater",
            b"ksmbd.mountd",
            b"rpcbind",
            b"blkmapd",
            b"lvmetad",
            b"snmptrapd",
            b"ubnt-daemon",
            b"ubios-udapi-server",
            b"udapi-server",
            b"ctlmgr",
            b"webdavcl2",
            b"boxnotifyd",
            b"dect_manager",
            b"php8-fpm",
            b"python3.11",
            b"perl5.36.0",
            b"luajit-2.1",
            b"toybox-x86_64",
            b"sha256sum",
            b"qemu-system-x86_64",
            b"i686-w64-mingw32-gcc",
            b"hv_kvp_daemon",
            b"mptcpize",
            b"pulseaudio",
            b"dropbear",
            b"uhttpd",
            b"netifyd",
            b"batmand",
            b"tailscaled",
            b"adguardhome",
            b"ngx-session",
            b"kworker",
            b"sqm",
            b"obfs4proxy",
            b"s6-supervise",
            b"runsvdir",
            b"x11vnc",
            b"ffmpeg",
            b"mjpg_streamer",
            b"rt2800usb",
        ] {
            assert!(!is_random(name), "{}", String::from_utf8_lossy(name));
        }
    }

    #[test]
    fn names_that_are_nobodys_business() {
        for owner in [Owner::Firmware, Owner::Package] {
            assert_eq!(severities(&CHECK, &with(b"/usr/sbin/x", b"gvrsmyjfhb", b"\0", owner)), []);
        }
        assert_eq!(severities(&CHECK, &with(b"", b"gvrsmyjfhb", b"", Owner::Unknown)), []);
        assert_eq!(severities(&CHECK, &with(b"/usr/sbin/x", b"x", b"", Owner::Unknown)), [], "a vendor's");
        let plain = with(b"/mnt/caf\xc3\xa9/x", b"x", b"/mnt/caf\xc3\xa9/x\0", Owner::Nobody);
        assert_eq!(severities(&CHECK, &plain), []);
        let mut zombie = with(b"/tmp/x", b"gvrsmyjfhb", b"", Owner::Nobody);
        zombie.stat.state = b'Z';
        assert_eq!(severities(&CHECK, &zombie), []);
        let mut own = with(b"/tmp/gatewatch", b"gvrsmyjfhb", b"", Owner::Nobody);
        own.pid = OWN_PID;
        assert_eq!(severities(&CHECK, &own), []);
    }
}
