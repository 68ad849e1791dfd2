//! What to do about what was found, in order: a few sentences that all checks share. gatewatch itself changes nothing.

/// Some of the sentences. A row of the table of checks names those for what it finds, an incident has those of all its
/// findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advice(u16);

/// The sentences, in the order in which to do what they say; each is a bit of [`Advice`].
const SENTENCES: [&str; 12] = [
    "If you or your provider made it so, it is no intruder: gatewatch baseline create notes what is there as known.",
    "Leave the power on and unplug the Internet: a reboot wipes /tmp and memory, and the evidence with them.",
    "Keep evidence first: from another machine, ssh ROUTER cat /proc/PID/exe >program (it works for a deleted one), then \
     maps, cmdline and environ from there.",
    "Keep a copy of the file that is named, and of what it starts, on another machine.",
    "It is a device of the local network: disconnect and clean that one, and change the passwords that it knew.",
    "Only then end the process, together with all that starts it: each brings the other back.",
    "Restore that one file alone from the image: cp /rom/PATH /PATH on OpenWrt, or install its package again. Remove it if \
     the image has none.",
    "Take away the rule, port or tunnel that is named, and turn UPnP off if nobody needs it.",
    "Set resolvers and hosts names back, and renew all leases: who asked for a bank or an update may have been led \
     elsewhere. Change passwords that were typed since.",
    "Change the administrator's password, remove keys that nobody knows, and turn remote management off: that is how most \
     come in.",
    "Install firmware that still gets fixes, or it comes in the same way again.",
    "Only reflashing helps: what may have changed kernel, tools or flash can hide from every tool that runs there. Write \
     the image of the maker from another machine, and set it up by hand, not from a backup.",
];

/// Sentences of one piece of advice at most.
pub(crate) const MOST: usize = SENTENCES.len();

const KNOWN: u16 = 1;
const UNPLUG: u16 = 1 << 1;
const KEEP_PROGRAM: u16 = 1 << 2;
const KEEP_FILE: u16 = 1 << 3;
const DEVICE: u16 = 1 << 4;
const END: u16 = 1 << 5;
const RESTORE: u16 = 1 << 6;
const UNDO: u16 = 1 << 7;
const NAMES: u16 = 1 << 8;
const ACCESS: u16 = 1 << 9;
const UPDATE: u16 = 1 << 10;
const REFLASH: u16 = 1 << 11;

impl Advice {
    /// A program runs that an owner may have installed.
    pub const PROGRAM: Self = Self(KNOWN | Self::INTRUDER.0);
    /// A program runs that no owner installs.
    pub const INTRUDER: Self = Self(UNPLUG | KEEP_PROGRAM | END | ACCESS | UPDATE);
    /// A program lies there.
    pub const DROPPED: Self = Self(UNPLUG | KEEP_FILE | END | ACCESS | UPDATE);
    /// A startup file or setting is not as it was, or starts something odd.
    pub const STARTUP: Self = Self(KNOWN | KEEP_FILE | RESTORE | ACCESS | UPDATE);
    /// A startup file lets a stranger's program in.
    pub const PLANTED: Self = Self(UNPLUG | KEEP_FILE | END | RESTORE | ACCESS | UPDATE);
    /// Something is missing or stopped.
    pub const STOPPED: Self = Self(KNOWN | RESTORE);
    /// Somebody may log in.
    pub const DOOR: Self = Self(KNOWN | KEEP_FILE | RESTORE | ACCESS);
    /// A rule, port or tunnel of the network.
    pub const RULE: Self = Self(KNOWN | KEEP_FILE | UNDO | ACCESS | UPDATE);
    /// Names are answered by somebody else.
    pub const NAMES: Self = Self(KNOWN | KEEP_FILE | RESTORE | NAMES | ACCESS | UPDATE);
    /// A device behind the router.
    pub const CLIENT: Self = Self(DEVICE);
    /// A weak spot.
    pub const WEAK: Self = Self(ACCESS | UPDATE);
    /// Kernel, tools or flash may not be what they were.
    pub const REFLASH: Self = Self(UNPLUG | KEEP_PROGRAM | KEEP_FILE | ACCESS | REFLASH);

    /// These and those of `other`.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// For what no owner does: the sentence that it may be his is left out.
    #[must_use]
    pub const fn certain(self) -> Self {
        Self(self.0 & !KNOWN)
    }

    /// For what a device behind the router does: only what is to be done there.
    #[must_use]
    pub const fn elsewhere(self) -> Self {
        Self(DEVICE)
    }

    /// The sentences, in order.
    pub fn sentences(self) -> impl Iterator<Item = &'static str> {
        (0_u32..).zip(SENTENCES).filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, sentence)| sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evidence before anything that destroys it, and flashing last.
    #[test]
    fn what_is_done_first_comes_first() {
        let all = Advice(u16::MAX);
        let order: Vec<_> = all.sentences().collect();
        assert_eq!(order.len(), MOST);
        let place = |word: &str| order.iter().position(|sentence| sentence.contains(word)).unwrap();
        let places = [
            "Leave the power on",
            "/proc/PID/exe",
            "end the process",
            "/rom/",
            "password, remove",
            "reflashing",
        ];
        assert!(places.map(place).is_sorted());
    }

    #[test]
    fn an_incident_has_the_advice_of_all_its_findings() {
        let both = Advice::PROGRAM.and(Advice::STARTUP);
        assert!(Advice::STARTUP.sentences().all(|one| both.sentences().any(|other| one == other)));
        assert_eq!(both.certain().sentences().count().saturating_add(1), both.sentences().count());
        assert_eq!(Advice::PROGRAM.elsewhere(), Advice::CLIENT);
    }

    #[test]
    fn texts_are_small() {
        assert!(SENTENCES.iter().map(|sentence| sentence.len()).sum::<usize>() < 2048);
    }
}
