//! What a router keeps in NVRAM and hands to a shell: in a dump, an image, or a file a variable. Read as startup files are.

use embedded_io::Read;

use super::Coverage;
use super::around::Around;
use super::owner::relative;
use super::script::Script;
use super::settings::NVRAM;
use crate::facts::commands::Commands;
use crate::facts::memory::Memory;
use crate::facts::nvram::{Event, Nvram};
use crate::facts::origin::Standing;
use crate::facts::reader::Reader;
use crate::facts::startup::{Kind, Line};
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
const DIRECTORY: &[u8] = b"/jffs/nvram";

/// How the dump is called in findings: it has no path.
const DUMP: &[u8] = b"nvram";

/// One look at all that there is of NVRAM.
pub struct Look<'a, H> {
    /// The machine.
    pub host: &'a H,
    /// The commands of a line.
    pub commands: &'a mut Commands,
    /// How much was seen.
    pub coverage: &'a mut Coverage,
    /// Takes the lines.
    pub each: &'a mut dyn FnMut(&Line<'_>),
}

impl<H: Host> Look<'_, H> {
    /// Reads it.
    pub fn run(&mut self) {
        let host = self.host;
        self.variables(host.dump(Dump::Nvram), DUMP);
        for path in FILES {
            self.variables(host.file(relative(path)).map(|(file, _)| file), path);
        }
        if host.dir(relative(DIRECTORY)).is_err() {
            return;
        }
        for (key, kind) in NVRAM {
            let mut path = Bytes::<PATH_BYTES>::of(DIRECTORY);
            path.push(b"/");
            path.push(key);
            let path = path.as_slice();
            match host.file(relative(path)) {
                Ok((mut file, identity)) => {
                    script(path, kind, identity.size, self.commands).read(
                        &mut file,
                        &mut { NVRAM_BYTES },
                        self.coverage,
                        self.each,
                    );
                }
                Err(fault) if fault.is_absence() => {}
                Err(fault) => self.coverage.gap(path, format_args!("{fault}")),
            }
        }
    }

    /// Reads the variables of a dump or an image.
    fn variables(&mut self, opened: Result<H::File, Fault>, name: &[u8]) {
        match opened.and_then(|file| self.variables_of(file, name)) {
            Ok(()) | Err(Fault::Directory) => {}
            Err(fault) if fault.is_absence() => {}
            Err(fault) => self.coverage.gap(name, format_args!("{fault}")),
        }
    }

    fn variables_of(&mut self, mut file: H::File, name: &[u8]) -> Result<(), Fault> {
        let kind_of = |key: &[u8]| NVRAM.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind);
        let wanted = |key: &[u8]| kind_of(key).is_some();
        let Self { commands, coverage, each, .. } = self;
        let mut script = script(name, Kind::Shell, 0, commands);
        let (mut reader, mut memory) = (Reader::new(Kind::Shell), Memory::new());
        let mut nvram = None::<Nvram<'_>>;
        let mut chunk = [0_u8; READ_BYTES];
        let mut left = NVRAM_BYTES;
        loop {
            let length = file.read(&mut chunk)?;
            let read = chunk.get(..length).unwrap_or_default();
            left = left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)).ok_or(Fault::Large)?;
            let nvram = nvram.get_or_insert_with(|| Nvram::new(read.contains(&0), &wanted));
            let mut event = |event: Event<'_>| match event {
                Event::Begin(key, line) => {
                    script.commands.begin_file();
                    reader = Reader::new(kind_of(key).unwrap_or(Kind::Shell)).from_line(line);
                    memory = Memory::new();
                }
                // Forms of web pages end lines with both.
                Event::Byte(b'\r') => {}
                Event::Byte(byte) => {
                    if reader.push(byte) {
                        script.lines(&mut reader, &mut memory, coverage, each);
                    }
                }
                Event::End => script.end(&mut reader, &mut memory, coverage, each),
            };
            if read.is_empty() {
                nvram.finish(&mut event);
                return Ok(());
            }
            for byte in read {
                nvram.push(*byte, &mut event);
            }
        }
    }
}

/// A text of which nobody says what it should be.
fn script<'a>(path: &'a [u8], kind: Kind, size: u64, commands: &'a mut Commands) -> Script<'a> {
    Script { path, kind, standing: Standing::Unknown, size, around: Around::nothing(), commands }
}
