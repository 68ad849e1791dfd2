//! One startup file, read line by line: what it runs.

use embedded_io::Read;

use super::Coverage;
use super::around::Around;
use crate::facts::commands::Commands;
use crate::facts::memory::{Joined, Memory};
use crate::facts::origin::Standing;
use crate::facts::reader::Reader;
use crate::facts::startup::{Kind, Line};
use crate::host::Fault;
use crate::limits::{READ_BYTES, STARTUP_FILE_BYTES};

/// A startup file that is being read.
pub struct Script<'a> {
    /// Its path, `/` first.
    pub path: &'a [u8],
    /// How it is written, unless its first bytes say otherwise.
    pub kind: Kind,
    /// What the sources of truth say of it.
    pub standing: Standing,
    /// Its length in bytes.
    pub size: u64,
    /// What is known of its lines besides.
    pub around: Around,
    /// The commands of a line.
    pub commands: &'a mut Commands,
}

impl Script<'_> {
    /// Hands every line of a file that runs something to `each`, as far as it lies within the bytes that are `left`, and takes
    /// away what was read.
    pub fn read<F: Read<Error = Fault>>(
        &mut self,
        file: &mut F,
        left: &mut u64,
        coverage: &mut Coverage,
        each: &mut dyn FnMut(&Line<'_>),
    ) {
        self.commands.begin_file();
        let (mut reader, mut memory) = (Reader::new(self.kind), Memory::new());
        let mut chunk = [0_u8; READ_BYTES];
        let (most, mut total) = (STARTUP_FILE_BYTES.min(*left), 0_u64);
        loop {
            if total >= most {
                let size = self.size;
                if size > total {
                    coverage.gap(self.path, format_args!("only the first {total} of {size} bytes were read"));
                }
                break;
            }
            let length = match file.read(&mut chunk) {
                Ok(length) => length,
                Err(fault) => return coverage.gap(self.path, format_args!("{fault}")),
            };
            let read = chunk.get(..length).unwrap_or_default();
            if read.is_empty() {
                break;
            }
            if total == 0 && is_program(read) {
                reader = Reader::new(Kind::Program);
                coverage.fact();
            }
            for byte in read {
                if reader.push(*byte) {
                    self.lines(&mut reader, &mut memory, coverage, each);
                }
            }
            total = total.saturating_add(u64::try_from(length).unwrap_or_default());
            *left = left.saturating_sub(u64::try_from(length).unwrap_or_default());
        }
        self.end(&mut reader, &mut memory, coverage, each);
    }

    /// Hands the lines of a text to `each` that begins further down in the file.
    pub fn text(&mut self, line: u32, text: &[u8], coverage: &mut Coverage, each: &mut dyn FnMut(&Line<'_>)) {
        self.commands.begin_file();
        let (mut reader, mut memory) = (Reader::new(self.kind).from_line(line), Memory::new());
        for byte in text {
            if reader.push(*byte) {
                self.lines(&mut reader, &mut memory, coverage, each);
            }
        }
        self.end(&mut reader, &mut memory, coverage, each);
    }

    /// At the end of a text: hands out what is left, and says what could not be taken apart.
    pub(super) fn end(
        &mut self,
        reader: &mut Reader,
        memory: &mut Memory,
        coverage: &mut Coverage,
        each: &mut dyn FnMut(&Line<'_>),
    ) {
        if reader.finish() {
            self.lines(reader, memory, coverage, each);
        }
        if let Some(line) = reader.cut() {
            coverage
                .gap(self.path, format_args!("line {line} is too long or too deep to be taken apart whole"));
        }
        if memory.is_full() {
            coverage.gap(self.path, format_args!("fetches or decodes more files than are remembered"));
        }
        if self.commands.is_unsettled() {
            coverage.gap(self.path, format_args!("sets more variables than are followed"));
        }
    }

    pub(super) fn lines(
        &mut self,
        reader: &mut Reader,
        memory: &mut Memory,
        coverage: &mut Coverage,
        each: &mut dyn FnMut(&Line<'_>),
    ) {
        while reader.is_ready() {
            if let Some(mut line) = reader.take(self.path, self.commands, memory) {
                line.standing = self.standing;
                line.in_image = self.around.in_image(line.text);
                line.nobody = core::mem::take(&mut self.around.nobody);
                coverage.fact();
                each(&line);
            }
        }
    }

    /// The line that a link is: it runs nothing, and says where it leads.
    pub fn link(&mut self, target: &[u8], each: &mut dyn FnMut(&Line<'_>)) {
        // The commands of an earlier line are not its own.
        self.commands.parse(b"");
        each(&Line {
            file: self.path,
            number: 0,
            kind: Kind::Link,
            text: target,
            commands: self.commands,
            joined: Joined::default(),
            standing: self.standing,
            in_image: None,
            nobody: false,
        });
    }
}

/// Whether a file is a program by all that the kernel looks at first (elf(5)): class, byte order, version, the size of
/// the header. A script may begin with the same four bytes.
fn is_program(head: &[u8]) -> bool {
    let header = |size: usize, at: usize| {
        head.get(at..at.saturating_add(2))
            .is_some_and(|field| field.contains(&u8::try_from(size).unwrap_or_default()))
    };
    match head {
        [0x7f, b'E', b'L', b'F', 1, 1 | 2, 1, ..] => header(52, 40),
        [0x7f, b'E', b'L', b'F', 2, 1 | 2, 1, ..] => header(64, 52),
        _ => false,
    }
}
