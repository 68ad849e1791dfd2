//! What the text shows of sockets, held against what the kernel says otherwise (sock_diag): what is missing in the text is
//! hidden.

use super::{fill, rows};
use crate::facts::netlink::Table;
use crate::facts::socket::{Protocol, Socket};
use crate::facts::text::{Bytes, trim};
use crate::host::{Fault, Host};
use crate::limits::{HIDDEN_SOCKETS, SHOWN_WORDS};

/// Sockets that the kernel told of and the text did not show, by inode and table.
pub type Suspects = heapless::Vec<(u32, Table), HIDDEN_SOCKETS>;

/// The sockets that the text shows, as a set that may take a stranger for one of them and never one of them for a stranger
/// (Bloom filter).
#[derive(Debug)]
pub struct Shown {
    bits: [u32; SHOWN_WORDS],
    /// Not to be guessed by those who would be taken for another.
    seed: u32,
    /// Those that are not among them.
    pub suspects: Suspects,
    /// There were more.
    pub cut: bool,
}

impl Shown {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { bits: [0; SHOWN_WORDS], seed: 0, suspects: heapless::Vec::new(), cut: false }
    }

    /// Forgets them all.
    pub fn clear(&mut self, seed: u32) {
        self.bits = [0; SHOWN_WORDS];
        self.seed = seed;
        self.suspects.clear();
        self.cut = false;
    }

    /// Where the three bits of a socket are: word and bit.
    fn places(&self, inode: u64) -> [(usize, u32); 3] {
        // Inodes count up: a product spreads them (Knuth, 6.4), a second one is the stride.
        let low = u32::try_from(inode & 0xffff_ffff).unwrap_or_default() ^ self.seed;
        let (first, stride) = (low.wrapping_mul(0x9e37_79b1), low.wrapping_mul(0x85eb_ca6b) | 1);
        [0_u32, 1, 2].map(|turn| {
            let hash = first.wrapping_add(stride.wrapping_mul(turn));
            let word = usize::try_from(hash >> 5 >> 8).unwrap_or_default().checked_rem(SHOWN_WORDS);
            (word.unwrap_or_default(), 1_u32.rotate_left(hash >> 5))
        })
    }

    /// The text shows a socket.
    pub fn add(&mut self, inode: u64) {
        for (word, bit) in self.places(inode) {
            if let Some(word) = self.bits.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// The kernel tells of a socket; one that no process has any more has no number to be told by.
    pub fn compare(&mut self, socket: &Socket<'_>, table: Table) {
        let has = |(word, bit): &(usize, u32)| self.bits.get(*word).is_some_and(|word| word & bit != 0);
        if socket.inode != 0 && !self.places(socket.inode).iter().all(has) {
            let inode = u32::try_from(socket.inode).unwrap_or_default();
            self.cut |= self.suspects.push((inode, table)).is_err();
        }
    }
}

impl Default for Shown {
    fn default() -> Self {
        Self::new()
    }
}

/// Which questions of sock_diag a kernel can answer as it is: one that has the answer as a module would load that first
/// (net/core/sock_diag.c `sock_load_diag_module`), and nothing is to be changed here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Diag {
    tcp: bool,
    udp: bool,
}

impl Diag {
    /// Looks what is loaded or built in.
    pub fn of<H: Host>(host: &H) -> Self {
        let all = Diag { tcp: true, udp: true };
        if !host.about().live {
            return all;
        }
        let mut found = Diag::default();
        match host.file(b"proc/modules") {
            // A kernel that loads no modules at all.
            Err(Fault::NotFound) => return all,
            Err(_) => return found,
            Ok((mut file, _)) => {
                let _ = rows(&mut file, &mut |row| {
                    let row = row.unwrap_or_default();
                    found.tcp |= row.starts_with(b"tcp_diag ");
                    found.udp |= row.starts_with(b"udp_diag ");
                });
            }
        }
        if !(found.tcp && found.udp) {
            found.built_in(host);
        }
        found
    }

    /// Looks in the list of what would be modules and is not (Documentation/kbuild/kbuild.rst, `modules.builtin`).
    fn built_in<H: Host>(&mut self, host: &H) {
        let mut release = Bytes::<64>::new();
        let Ok((mut file, _)) = host.file(b"proc/sys/kernel/osrelease") else { return };
        if fill(&mut file, &mut release).is_err() {
            return;
        }
        let mut path = Bytes::<128>::of(b"lib/modules/");
        path.push(trim(release.as_slice()));
        path.push(b"/modules.builtin");
        let Ok((mut file, _)) = host.file(path.as_slice()) else { return };
        let _ = rows(&mut file, &mut |row| {
            let row = row.unwrap_or_default();
            self.tcp |= row.ends_with(b"/tcp_diag.ko");
            self.udp |= row.ends_with(b"/udp_diag.ko");
        });
    }

    /// Whether asking for the sockets of a protocol loads nothing.
    #[must_use]
    pub const fn may_ask(self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::Tcp => self.tcp,
            Protocol::Udp => self.udp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::about::Endian;

    fn socket(inode: u64) -> Socket<'static> {
        let row = format!("0: 0100007F:0016 00000000:0000 0A 0:0 0:0 0 0 0 {inode}");
        Socket::parse(row.as_bytes(), Protocol::Tcp, Endian::Little).unwrap()
    }

    #[test]
    fn what_is_shown_is_never_a_suspect_and_what_is_not_hardly_ever_passes() {
        let mut shown = Box::new(Shown::new());
        for seed in [0, 0x1234_5678] {
            shown.clear(seed);
            (0..20_000).for_each(|n| shown.add(1_000_000 + 3 * n));
            (0..20_000).for_each(|n| shown.compare(&socket(1_000_000 + 3 * n), Table::Tcp));
            assert_eq!((shown.suspects.len(), shown.cut), (0, false));
            shown.compare(&socket(0), Table::Tcp);
            let strangers = (0..1000).filter(|n| {
                shown.suspects.clear();
                shown.compare(&socket(1_000_001 + 3 * n), Table::Tcp);
                !shown.suspects.is_empty()
            });
            let told = strangers.count();
            assert!(told > 950, "{told} of 1000 were told");
        }
    }
}
