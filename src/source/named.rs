//! What configuration hands to a shell: texts in a setting, and scripts that one names. Read as startup files are.

use super::content::header;
use super::owner::relative;
use super::startup::{Walk, shown};
use crate::facts::fetch::Memory;
use crate::facts::reader::Reader;
use crate::facts::startup::Kind;
use crate::facts::text::Bytes;
use crate::host::{Fault, Host};
use crate::limits::PATH_BYTES;

impl<H: Host> Walk<'_, H> {
    /// Reads a text that stands in `file`, `/` first, from `line` on.
    pub fn text(&mut self, file: &[u8], line: u32, kind: Kind, text: &[u8]) {
        let path = Bytes::<PATH_BYTES>::of(relative(file));
        let name = shown(&path);
        let (mut reader, mut memory) = (Reader::new(kind).from_line(line), Memory::new());
        for byte in text {
            if reader.push(*byte) {
                self.lines(&mut reader, &name, &mut memory);
            }
        }
        if reader.finish() {
            self.lines(&mut reader, &name, &mut memory);
        }
        if let Some(line) = reader.cut() {
            self.gap(&path, format_args!("line {line} is too long or too deep to be taken apart whole"));
        }
        if memory.is_full() {
            self.gap(&path, format_args!("fetches more files than are remembered"));
        }
    }

    /// Reads a script by its path, `/` first. A program is none.
    pub fn script(&mut self, path: &[u8]) {
        let path = Bytes::<PATH_BYTES>::of(relative(path));
        let host = self.host;
        let opened = host.file(path.as_slice()).and_then(|(mut file, _)| {
            let elf = header(&mut file).is_some();
            Ok((elf, host.file(path.as_slice())?))
        });
        match opened {
            Ok((false, (file, identity))) => {
                self.file(file, identity, &path, Kind::Shell);
            }
            Ok((true, _)) | Err(Fault::Directory) => {}
            Err(fault) if fault.is_absence() => {}
            Err(fault) => self.gap(&path, format_args!("{fault}")),
        }
    }
}
