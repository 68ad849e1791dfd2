//! Modules of the kernel: rows of `/proc/modules`, names of files, what taints a kernel.

use super::origin::Standing;
use super::text::fields;

/// A row: `name size references users state address (taints)` (proc_modules(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// It runs: it is neither being loaded nor unloaded. Kernels before 2.6 do not say.
    pub live: bool,
    /// What it taints the kernel with, see [`TAINTS`].
    pub taints: u32,
}

impl<'a> Row<'a> {
    /// Reads a row.
    #[must_use]
    pub fn parse(row: &'a [u8]) -> Option<Self> {
        let mut words = fields(row);
        let (name, size) = (words.next()?, words.next()?);
        if name.contains(&b'/') || !size.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let state = words.nth(2);
        let live = state.is_none_or(|state| state == b"Live");
        let flags = words.last().and_then(|last| last.strip_prefix(b"("));
        let bits = flags.unwrap_or_default().iter().filter_map(|flag| bit(*flag));
        Some(Self { name, live, taints: bits.fold(0, |all, bit| all | bit) })
    }
}

/// Flags that modules alone set, and their bits in `/proc/sys/kernel/tainted` (kernel
/// Documentation/admin-guide/tainted-kernels.rst).
pub const TAINTS: [(u8, u32, &str); 4] = [
    (b'P', 1 << 0, "a proprietary module"),
    (b'F', 1 << 1, "a module that was loaded by force"),
    (b'O', 1 << 12, "a module from outside of the kernel's tree"),
    (b'E', 1 << 13, "an unsigned module"),
];

fn bit(flag: u8) -> Option<u32> {
    TAINTS.iter().find(|(letter, ..)| *letter == flag).map(|(_, bit, _)| *bit)
}

/// The name of the module that a file holds: `nf_nat.ko`, `nf_nat.ko.xz`; `wl.o` before 2.6.
#[must_use]
pub fn stem(file: &[u8]) -> Option<&[u8]> {
    const PACKED: [&[u8]; 5] = [b".gz", b".xz", b".zst", b".lzma", b".bz2"];
    let plain = PACKED.iter().find_map(|end| file.strip_suffix(*end)).unwrap_or(file);
    plain.strip_suffix(b".ko").or_else(|| file.strip_suffix(b".o")).filter(|stem| !stem.is_empty())
}

/// Whether two names are one module's: modprobe(8) makes no difference between `-` and `_`.
#[must_use]
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let plain = |b: &u8| if *b == b'-' { b'_' } else { *b };
    one.len() == other.len() && one.iter().map(plain).eq(other.iter().map(plain))
}

/// One module that is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Module<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// `/proc/modules` has it.
    pub listed: bool,
    /// `/sys/module` shows it as one that was loaded.
    pub shown: bool,
    /// It is neither being loaded nor unloaded.
    pub live: bool,
    /// Both of them could be looked at.
    pub both: bool,
    /// Where its file lies, links followed. `None`: there is none.
    pub file: Option<&'a [u8]>,
    /// Files of modules are here, and its own was looked for.
    pub sought: bool,
    /// What the sources of truth say of it.
    pub standing: Standing,
}

/// What taints the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Taints {
    /// What it says itself.
    pub kernel: u32,
    /// What the modules that are listed set.
    pub modules: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_all_kernels() {
        let row = |text| Row::parse(text).unwrap();
        let plain = row(b"nf_conntrack 94208 3 nf_nat, Live 0x86a00000");
        assert_eq!((plain.name, plain.live, plain.taints), (&b"nf_conntrack"[..], true, 0));
        assert_eq!(row(b"wl 4200000 0 - Live 0x7f200000 (PO)").taints, 1 | 1 << 12);
        assert_eq!(row(b"x 1 0 - Loading 0x0 (OE+)").taints, 1 << 12 | 1 << 13);
        assert!(!row(b"x 1 0 - Unloading 0x0").live);
        assert!(row(b"wl                   423640   0 (unused)").live, "2.4");
        for bad in [&b""[..], b"x", b"../x 1 0 - Live 0", b"x y"] {
            assert_eq!(Row::parse(bad), None);
        }
    }

    #[test]
    fn names_of_files() {
        for file in [&b"nf-nat.ko"[..], b"nf_nat.ko.xz", b"nf-nat.ko.zst", b"nf_nat.o"] {
            assert!(is_same(stem(file).unwrap(), b"nf_nat"), "{}", String::from_utf8_lossy(file));
        }
        for file in [&b"nf_nat"[..], b".ko", b"nf_nat.ko.x", b"", b"nf_nat.o.gz"] {
            assert_eq!(stem(file), None);
        }
        assert!(!is_same(b"nf_nat", b"nf_nat6"));
    }
}
