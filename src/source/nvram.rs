//! What a router keeps in NVRAM and hands to a shell: in a dump, an image, or a file a variable. Read as startup files are.

use embedded_io::Read;

use super::owner::relative;
use super::settings::NVRAM;
use super::startup::{Walk, shown};
use crate::facts::fetch::Memory;
use crate::facts::nvram::{Event, Nvram};
use crate::facts::reader::Reader;
use crate::facts::startup::Kind;
use crate::facts::text::Bytes;
use crate::host::{Dump, Fault, Host};
use crate::limits::{NVRAM_BYTES, PATH_BYTES, READ_BYTES};

/// Where dumps and images of it are found: those that owners write, Broadcom's DSL routers (`nvram.nvm`), Netgear.
const FILES: [&[u8]; 8] = [
    b"/nvram.txt",
    b"/tmp/nvram.txt",
    b"/jffs/nvram.txt",
    b"/etc/nvram.txt",
    b"/tmp/nvram.bin",
    b"/mnt/nvram/nvram.nvm",
    b"/data/nvram",
    b"/var/nvram",
];

/// ASUSWRT's directory with a file a variable, where NVRAM is too small.
const DIRECTORY: &[u8] = b"jffs/nvram";

/// How the dump is called in findings: it has no path.
const DUMP: &[u8] = b"nvram";

impl<H: Host> Walk<'_, H> {
    /// Reads all that there is of NVRAM.
    pub fn nvram(&mut self) {
        let host = self.host;
        let dump = host.dump(Dump::Nvram);
        self.variables(dump, DUMP);
        for path in FILES {
            self.variables(host.file(relative(path)).map(|(file, _)| file), path);
        }
        if host.dir(DIRECTORY).is_ok() {
            for (key, kind) in NVRAM {
                let mut path = Bytes::<PATH_BYTES>::of(DIRECTORY);
                path.push(b"/");
                path.push(key);
                match host.file(path.as_slice()) {
                    Ok((file, identity)) => self.file(file, identity, &path, kind),
                    Err(fault) if fault.is_absence() => {}
                    Err(fault) => self.gap(&path, format_args!("{fault}")),
                }
            }
        }
    }

    /// Reads the variables of a dump or an image.
    fn variables(&mut self, opened: Result<H::File, Fault>, name: &[u8]) {
        let path = Bytes::<PATH_BYTES>::of(relative(name));
        let read = opened.and_then(|file| self.variables_of(file, name));
        match read {
            Ok(()) | Err(Fault::Directory) => {}
            Err(fault) if fault.is_absence() => {}
            Err(fault) => self.gap(&path, format_args!("{fault}")),
        }
    }

    fn variables_of(&mut self, mut file: H::File, name: &[u8]) -> Result<(), Fault> {
        let kind_of = |key: &[u8]| NVRAM.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind);
        let wanted = |key: &[u8]| kind_of(key).is_some();
        let path = Bytes::<PATH_BYTES>::of(relative(name));
        let file_name = if name.starts_with(b"/") { shown(&path) } else { path.clone() };
        let (mut reader, mut memory) = (Reader::new(Kind::Shell), Memory::new());
        let mut nvram = None::<Nvram<'_>>;
        let mut chunk = [0_u8; READ_BYTES];
        let mut left = NVRAM_BYTES;
        loop {
            let length = file.read(&mut chunk)?;
            let read = chunk.get(..length).unwrap_or_default();
            left = left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)).ok_or(Fault::TooLong)?;
            let nvram = nvram.get_or_insert_with(|| Nvram::new(read.contains(&0), &wanted));
            let mut each = |event: Event<'_>| match event {
                Event::Begin(key, line) => {
                    reader = Reader::new(kind_of(key).unwrap_or(Kind::Shell)).from_line(line);
                    memory = Memory::new();
                }
                // Forms of web pages end lines with both.
                Event::Byte(b'\r') => {}
                Event::Byte(byte) => {
                    if reader.push(byte) {
                        self.lines(&mut reader, &file_name, &mut memory);
                    }
                }
                Event::End => {
                    if reader.finish() {
                        self.lines(&mut reader, &file_name, &mut memory);
                    }
                    if let Some(line) = reader.cut() {
                        let what =
                            format_args!("line {line} is too long or too deep to be taken apart whole");
                        self.gap(&path, what);
                    }
                }
            };
            if read.is_empty() {
                nvram.finish(&mut each);
                return Ok(());
            }
            for byte in read {
                nvram.push(*byte, &mut each);
            }
        }
    }
}
