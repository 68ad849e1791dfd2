//! Reads as much of an ELF file as tells whether a router can load and run it.

/// A file of either size and byte order.
pub(crate) struct Elf {
    bytes: Vec<u8>,
    pub(crate) bits: u64,
    pub(crate) big_endian: bool,
}

/// One program header, and the bytes of the file that it maps.
pub(crate) struct Segment<'a> {
    pub(crate) kind: u64,
    pub(crate) executable: bool,
    pub(crate) bytes: &'a [u8],
}

impl Elf {
    pub(crate) const EXEC: u64 = 2;
    pub(crate) const LOAD: u64 = 1;
    pub(crate) const DYNAMIC: u64 = 2;
    pub(crate) const INTERP: u64 = 3;
    pub(crate) const MIPS_ABIFLAGS: u64 = 0x7000_0003;

    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        assert!(bytes.starts_with(b"\x7fELF"), "not an ELF file");
        let bits = match bytes[4] {
            1 => 32,
            2 => 64,
            class => panic!("ELF class {class}"),
        };
        let big_endian = bytes[5] == 2;
        Self { bytes, bits, big_endian }
    }

    /// The number of `size` bytes at `at`, in the file's byte order.
    pub(crate) fn number(&self, bytes: &[u8], at: usize, size: usize) -> u64 {
        let fold = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        let field = &bytes[at..at + size];
        if self.big_endian { field.iter().fold(0, fold) } else { field.iter().rev().fold(0, fold) }
    }

    /// The field of the header that lies at one of two places, by the file's size.
    fn header(&self, (at32, at64): (usize, usize), (size32, size64): (usize, usize)) -> u64 {
        let (at, size) = if self.bits == 32 { (at32, size32) } else { (at64, size64) };
        self.number(&self.bytes, at, size)
    }

    pub(crate) fn kind(&self) -> u64 {
        self.header((16, 16), (2, 2))
    }

    pub(crate) fn machine(&self) -> u64 {
        self.header((18, 18), (2, 2))
    }

    pub(crate) fn flags(&self) -> u64 {
        self.header((36, 48), (4, 4))
    }

    pub(crate) fn segments(&self) -> Vec<Segment<'_>> {
        let table = usize::try_from(self.header((28, 32), (4, 8))).unwrap();
        let entry = usize::try_from(self.header((42, 54), (2, 2))).unwrap();
        let count = usize::try_from(self.header((44, 56), (2, 2))).unwrap();
        let (word, offset, size, flags) = if self.bits == 32 { (4, 4, 16, 24) } else { (8, 8, 32, 4) };
        self.bytes[table..table + entry * count]
            .chunks(entry)
            .map(|header| {
                let start = usize::try_from(self.number(header, offset, word)).unwrap();
                let length = usize::try_from(self.number(header, size, word)).unwrap();
                Segment {
                    kind: self.number(header, 0, 4),
                    executable: self.number(header, flags, 4) & 1 == 1,
                    bytes: &self.bytes[start..start + length],
                }
            })
            .collect()
    }
}
