//! A key that lets somebody in over SSH as the administrator.
//!
//! # Sees
//! Keys in `/etc/dropbear/authorized_keys`, in `.ssh/authorized_keys` and `authorized_keys2` of every user's home, in
//! `/etc/ssh/authorized_keys.d` and where ASUSWRT, DD-WRT, Padavan and AirOS have them. `suspicious`: one of an
//! administrator that the image's own file or a baseline does not hold; one that lies in a volatile or hidden place,
//! in a file that everybody may write to or that belongs to somebody else, in the home of a second user with number 0,
//! or with an option that brings a library along or runs a command that fetches something or lies in a volatile place;
//! one that the files of three and more users hold. `notice`: every other key of an administrator, so that a person
//! can see it.
//!
//! # Why it matters
//! A key needs no malware on the device and outlives a changed password; in NVRAM it outlives new firmware.
//!
//! # Misses and false alarms
//! On OpenWrt an owner's own keys are in a file that no image has, so they are a `notice` until there is a baseline;
//! an intruder's single key without anything odd about it is one too. Silent for what image or baseline holds, and for
//! other users' own keys. An owner who gives himself a key under several names is `suspicious` from three users on. A
//! key is known by its content, not by what is written beside it. Missed: files that `sshd_config` or a dropbear
//! started with `-D` names elsewhere, keys that a command gives, certificates' authorities, keys that are only in
//! NVRAM.
//!
//! # Sources
//! sshd(8), ssh-keygen(1), dropbear(8); Kaiten, Skidmap, AyySSHush and the dhpcd miner as reported; MITRE ATT&CK
//! T1098.004.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::key::Key;
use crate::facts::origin::{Standing, Truth};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "ssh-key",
    area: Area::Startup,
    severity: Severity::Suspicious,
    attack: "T1098.004",
    title: "a key lets somebody in as the administrator",
    advice: Advice::DOOR,
    sources: &[Source::Keys],
    hooks: &[Hook::Key(run)],
};

/// Users that hold one key before it is everywhere: an owner's own is often in his file and the administrator's.
const MANY: u32 = 3;

fn run(key: &Key<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Some((severity, said)) = judge(key) else { return };
    let draft = out.at(key.file, key.line).severity(severity).say("user ").quote(key.user);
    let draft = draft.say(", ").quote(key.text.kind).say(" ").quote(key.fingerprint);
    let draft = if key.text.comment.is_empty() {
        draft
    } else {
        draft.say(" (").quote(key.text.comment.get(..64).unwrap_or(key.text.comment)).say(")")
    };
    out.found(match (said, key.standing) {
        ("", Standing::Added(truth)) => draft.say(": ").say(truth.words()).say(" does not hold this key"),
        ("", Standing::Changed(truth)) => draft.say(": it has other options in ").say(truth.words()),
        ("", _) => draft.say(": nothing here says whose key this is"),
        (said, _) => draft.say(": ").say(said),
    });
}

/// How bad a key is, and what is odd about it; empty: that nobody vouches for it.
fn judge(key: &Key<'_>) -> Option<(Severity, &'static str)> {
    if key.standing.is_known() {
        // A baseline knows that a key was there, not that what it runs is harmless.
        let odd = key.text.odd_option().filter(|_| key.standing == Standing::Known(Truth::Baseline));
        return odd.map(|said| (Severity::Suspicious, said));
    }
    if key.users >= MANY {
        return Some((Severity::Suspicious, "the files of several users hold this key"));
    }
    if key.uid != 0 {
        return key.standing.is_odd().then_some((Severity::Notice, ""));
    }
    let odd = key.text.odd_option().or_else(|| {
        [
            (key.odd_place, "its file lies in a volatile or hidden place"),
            (key.open, "everybody may write to its file"),
            (key.foreign, "its file belongs to somebody else"),
            (!key.main, "it lets in as a second administrator"),
        ]
        .into_iter()
        .find_map(|(is, said)| is.then_some(said))
    });
    Some(match odd {
        Some(said) => (Severity::Suspicious, said),
        None if key.standing.is_odd() => (Severity::Suspicious, ""),
        None => (Severity::Notice, ""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::key as said;
    use crate::facts::key::Line;

    const NOTICE: [Severity; 1] = [Severity::Notice];
    const SUSPICIOUS: [Severity; 1] = [Severity::Suspicious];

    fn owners() -> Key<'static> {
        Key {
            file: b"/etc/dropbear/authorized_keys",
            line: 1,
            text: Line::parse(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDx0 ann").unwrap(),
            fingerprint: b"SHA256:x",
            user: b"root",
            uid: 0,
            main: true,
            users: 1,
            odd_place: false,
            open: false,
            foreign: false,
            standing: Standing::Unknown,
        }
    }

    #[test]
    fn keys_of_the_administrator() {
        assert_eq!(said(&CHECK, &owners()), NOTICE);
        assert_eq!(said(&CHECK, &Key { users: 2, ..owners() }), NOTICE, "an owner's two names");
        for truth in [Truth::Image, Truth::Baseline] {
            assert_eq!(said(&CHECK, &Key { standing: Standing::Added(truth), ..owners() }), SUSPICIOUS);
            assert_eq!(said(&CHECK, &Key { standing: Standing::Known(truth), ..owners() }), []);
        }
        let text = Line::parse(b"command=\"/tmp/x\" ssh-rsa AAAAB3NzaC1yc2E").unwrap();
        for odd in [
            Key { users: 3, ..owners() },
            Key { odd_place: true, ..owners() },
            Key { open: true, ..owners() },
            Key { foreign: true, ..owners() },
            Key { main: false, ..owners() },
            Key { text, ..owners() },
        ] {
            assert_eq!(said(&CHECK, &odd), SUSPICIOUS, "{odd:?}");
            let expected = if odd.text == text { &SUSPICIOUS[..] } else { &[] };
            let standing = Standing::Known(Truth::Baseline);
            assert_eq!(said(&CHECK, &Key { standing, ..odd }), expected, "what it runs is nobody's word");
        }
    }

    #[test]
    fn keys_of_others() {
        let anns =
            Key { user: b"ann", uid: 1000, main: false, file: b"/home/ann/.ssh/authorized_keys", ..owners() };
        for healthy in [anns, Key { users: 2, ..anns }, Key { open: true, ..anns }] {
            assert_eq!(said(&CHECK, &healthy), []);
        }
        assert_eq!(said(&CHECK, &Key { users: 3, ..anns }), SUSPICIOUS);
        assert_eq!(said(&CHECK, &Key { standing: Standing::Added(Truth::Baseline), ..anns }), NOTICE);
    }
}
