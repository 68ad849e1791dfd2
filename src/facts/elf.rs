//! The head of an ELF file: bytes in, what a loader would see out. Bounded, whatever the numbers in it say.

use super::about::Endian;

/// What the beginning of an ELF file tells (elf(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elf {
    /// `EI_CLASS`: 32 or 64 bits.
    pub bits: u8,
    /// `EI_DATA`.
    pub endian: Endian,
    /// `e_type`: 2 program, 3 program or library, 1 object, 4 core dump.
    pub kind: u16,
    /// `e_machine`: 3 x86, 8 MIPS, 20 PowerPC, 40 ARM, 42 SuperH, 62 x86-64, 183 AArch64.
    pub machine: u16,
    /// `e_entry` is set: it begins somewhere. A library does not, unless it is a program too.
    pub begins: bool,
    /// `e_shnum`: section headers. A linker always writes some.
    pub sections: u16,
    /// `PT_LOAD` segments among the program headers that were seen.
    pub loads: u8,
    /// Whether it asks for an interpreter (`PT_INTERP`), so is linked dynamically.
    pub interpreter: bool,
    /// All program headers lie in the bytes that were given.
    pub whole: bool,
    /// Where the first segment that can be run lies in the file, and how long it is there.
    pub code: Option<(u64, u64)>,
    /// UPX's mark is in the head: the `l_info` block that it writes behind the program headers.
    pub upx: bool,
}

/// Bytes of the head that [`Elf::parse`] can make use of: the largest header, 56-byte program headers and UPX's block.
pub const HEAD_BYTES: usize = 1024;

/// Program headers that are looked at: a linker writes about ten.
const MOST_HEADERS: u16 = 32;

const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;

impl Elf {
    /// Reads the head of a file. `None`: no ELF file, or cut before its header ends.
    #[must_use]
    pub fn parse(head: &[u8]) -> Option<Self> {
        let identity: &[u8; 16] = head.first_chunk()?;
        if !identity.starts_with(b"\x7fELF") {
            return None;
        }
        let bits = match identity.get(4)? {
            1 => 32,
            2 => 64,
            _ => return None,
        };
        let endian = match identity.get(5)? {
            1 => Endian::Little,
            2 => Endian::Big,
            _ => return None,
        };
        let half = |at: usize| Some(endian.u16(*head.get(at..)?.first_chunk()?));
        let word = |at: usize| Some(endian.u32(*head.get(at..)?.first_chunk()?));
        // Offsets of e_phoff, e_phentsize, e_phnum, e_shnum in Elf32_Ehdr and Elf64_Ehdr.
        let (table, size, count, sections) = if bits == 32 {
            (word(28)?, half(42)?, half(44)?, half(48)?)
        } else {
            // An offset beyond 4 GiB is beyond the head too.
            let offset = endian.u64(*head.get(32..)?.first_chunk()?);
            (u32::try_from(offset).unwrap_or(u32::MAX), half(54)?, half(56)?, half(60)?)
        };
        let mut elf = Self {
            bits,
            endian,
            kind: half(16)?,
            machine: half(18)?,
            begins: head.get(24..if bits == 32 { 28 } else { 32 })?.iter().any(|byte| *byte != 0),
            sections,
            loads: 0,
            interpreter: false,
            whole: false,
            code: None,
            upx: false,
        };
        let mut at = usize::try_from(table).ok()?;
        let mut seen = 0_u16;
        while seen < count.min(MOST_HEADERS) {
            let Some(kind) = word(at) else { break };
            match kind {
                PT_LOAD => {
                    elf.loads = elf.loads.saturating_add(1);
                    elf.code = elf.code.or_else(|| code(head.get(at..)?, bits, endian));
                }
                PT_INTERP => elf.interpreter = true,
                _ => {}
            }
            seen = seen.saturating_add(1);
            at = at.saturating_add(usize::from(size.max(8)));
        }
        elf.whole = seen == count;
        // p_info follows the program headers: checksum, then the mark (UPX src/stub/src/include/linux.h, `l_info`).
        let behind = head.get(at..).unwrap_or_default();
        let near = behind.get(..64).unwrap_or(behind);
        elf.upx = near.windows(4).any(|four| four == b"UPX!");
        Some(elf)
    }

    /// Whether a processor runs it: a program or a library, no object and no core dump.
    #[must_use]
    pub const fn is_program(&self) -> bool {
        matches!(self.kind, 2 | 3)
    }

    /// The name of its machine.
    #[must_use]
    pub const fn machine_word(&self) -> &'static str {
        match self.machine {
            2 | 18 | 43 => "SPARC",
            3 => "x86",
            4 => "m68k",
            8 => "MIPS",
            20 => "PowerPC",
            21 => "PowerPC64",
            40 => "ARM",
            42 => "SuperH",
            62 => "x86-64",
            93 | 195 => "ARC",
            183 => "AArch64",
            243 => "RISC-V",
            258 => "LoongArch",
            _ => "another machine",
        }
    }
}

/// Offset and length in the file of a segment, if it can be run (`p_flags` holds `PF_X`).
fn code(header: &[u8], bits: u8, endian: Endian) -> Option<(u64, u64)> {
    let word = |at: usize| Some(endian.u32(*header.get(at..)?.first_chunk()?));
    let long = |at: usize| Some(endian.u64(*header.get(at..)?.first_chunk()?));
    let (flags, offset, length) = if bits == 32 {
        (word(24)?, u64::from(word(4)?), u64::from(word(16)?))
    } else {
        (word(4)?, long(8)?, long(32)?)
    };
    (flags & 1 != 0).then_some((offset, length))
}

/// Whether bytes look compressed or encrypted: all values about equally often. Needs [`SAMPLE_BYTES`] of them.
///
/// The sum of the squared counts of 4096 random bytes is 4096²/256 + 4096 = 69,632 on average, with a deviation of
/// about 360; machine code and text have several times as much.
#[must_use]
pub fn is_dense(sample: &[u8; SAMPLE_BYTES]) -> bool {
    let mut counts = [0_u32; 256];
    for byte in sample {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    counts.iter().fold(0_u32, |sum, count| sum.saturating_add(count.saturating_mul(*count))) < 76_000
}

/// Bytes that [`is_dense`] counts.
pub const SAMPLE_BYTES: usize = 4096;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
pub(crate) mod tests {
    use super::*;

    /// A head with these program headers, in either class and order.
    pub(crate) fn head(bits: u8, endian: Endian, machine: u16, kinds: &[u32], sections: u16) -> Vec<u8> {
        let h = |v: u16| if endian == Endian::Big { v.to_be_bytes() } else { v.to_le_bytes() };
        let w = |v: u32| if endian == Endian::Big { v.to_be_bytes() } else { v.to_le_bytes() };
        let (order, count) = (if endian == Endian::Big { 2 } else { 1 }, u16::try_from(kinds.len()).unwrap());
        let mut head = vec![0x7f, b'E', b'L', b'F', bits / 32, order, 1];
        head.resize(16, 0);
        head.extend(h(2));
        head.extend(h(machine));
        head.extend(w(1));
        let size: u16 = if bits == 32 {
            [w(0x400), w(52), w(0), w(0)].iter().for_each(|field| head.extend(field));
            32
        } else {
            let wide = |v: u32| if endian == Endian::Big { [w(0), w(v)] } else { [w(v), w(0)] };
            [wide(0x400), wide(64), wide(0)].iter().flatten().for_each(|field| head.extend(field));
            head.extend(w(0));
            56
        };
        [if bits == 32 { 52 } else { 64 }, size, count, 40, sections, 0]
            .iter()
            .for_each(|field| head.extend(h(*field)));
        for kind in kinds {
            head.extend(w(*kind));
            head.extend(vec![0; usize::from(size).saturating_sub(4)]);
        }
        head
    }

    #[test]
    fn heads_of_both_classes_and_orders() {
        for (bits, endian, machine, word) in [
            (32, Endian::Big, 8, "MIPS"),
            (32, Endian::Little, 40, "ARM"),
            (64, Endian::Little, 62, "x86-64"),
            (64, Endian::Big, 21, "PowerPC64"),
        ] {
            let elf = Elf::parse(&head(bits, endian, machine, &[6, 3, 1, 1, 2], 30)).unwrap();
            assert_eq!((elf.bits, elf.endian, elf.machine_word()), (bits, endian, word));
            assert_eq!((elf.loads, elf.interpreter, elf.sections, elf.whole), (2, true, 30, true));
            assert!(elf.is_program() && !elf.upx);
        }
        let own = std::fs::read("/proc/self/exe").unwrap();
        let elf = Elf::parse(&own[..HEAD_BYTES]).unwrap();
        assert!(elf.code.is_some_and(|(_, length)| length > 4096), "{elf:?}");
        assert!(elf.is_program() && elf.interpreter && elf.sections > 10 && elf.loads >= 2, "{elf:?}");
    }

    #[test]
    fn a_packers_mark_stands_behind_the_headers() {
        let mut packed = head(32, Endian::Big, 8, &[1], 0);
        packed.extend(b"\x12\x34\x56\x78UPX!\x01");
        assert!(Elf::parse(&packed).unwrap().upx);
        let mut far = head(32, Endian::Big, 8, &[1], 0);
        far.resize(900, 0);
        far.extend(b"UPX!");
        assert!(!Elf::parse(&far).unwrap().upx, "a program that speaks of UPX");
    }

    #[test]
    fn hostile_heads_end() {
        let whole = head(64, Endian::Little, 62, &[6, 3, 1, 1], 30);
        for end in 0..whole.len() {
            if let Some(elf) = Elf::parse(&whole[..end]) {
                // The kind of the last header is its first word.
                assert!(elf.machine == 62 && elf.whole == (end >= 64 + 3 * 56 + 4), "cut at {end}");
            }
        }
        for (at, byte) in (0..whole.len()).flat_map(|at| [0, 1, 0x7f, 0xff].map(|byte| (at, byte))) {
            let mut wrong = whole.clone();
            wrong[at] = byte;
            let _ = Elf::parse(&wrong);
        }
        assert_eq!(Elf::parse(b"\x7fELF"), None);
        assert_eq!(Elf::parse(&[0xff; 100]), None);
        let mut many = head(32, Endian::Little, 40, &[], 0);
        (many[42], many[44], many[45]) = (0, 0xff, 0xff);
        assert!(!Elf::parse(&many).unwrap().whole);
    }

    #[test]
    fn density_tells_code_from_noise() {
        let mut state = 1_u64;
        let mut noise = [0; SAMPLE_BYTES];
        for byte in &mut noise {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
        assert!(is_dense(&noise));
        let own = std::fs::read("/proc/self/exe").unwrap();
        let dense =
            own.chunks_exact(SAMPLE_BYTES).filter(|chunk| is_dense((*chunk).try_into().unwrap())).count();
        assert!(dense.saturating_mul(50) < own.len() / SAMPLE_BYTES, "{dense} dense pages");
        assert!(!is_dense(&[0; SAMPLE_BYTES]));
    }
}
