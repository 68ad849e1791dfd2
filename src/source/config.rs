//! Settings that run programs, in the files of configuration of a router's services.

use embedded_io::Read;

use super::mounts::Mounts;
use super::owner::relative;
use super::settings::{CONFS, Choice, Conf, OFF, UCI};
use super::truth::Truths;
use super::{Coverage, rows_within};
use crate::facts::setting::{How, Key, find};
use crate::facts::text::Bytes;
use crate::facts::uci::{Entry, Uci};
use crate::host::{Fault, Host};
use crate::limits::{
    CONFIG_FILES, FURTHER, IMAGE_SETTINGS, PATH_BYTES, READ_BYTES, SECTIONS_OFF, SMALL_FILE_BYTES,
};

/// A setting as it stands in its file.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The file, `/` first.
    pub file: &'a [u8],
    /// The line.
    pub line: u32,
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// What is done with it.
    pub how: How,
    /// The image has the same setting in the same file.
    pub in_image: bool,
}

/// One look at all files.
pub struct Look<'a, H> {
    /// The machine.
    pub host: &'a H,
    /// What the image is.
    pub truths: Truths,
    /// What is mounted.
    pub mounts: &'a Mounts,
    /// How much was seen.
    pub coverage: &'a mut Coverage,
    /// Takes the settings.
    pub each: &'a mut dyn FnMut(&Found<'_>),
}

/// Hashes of the settings that the image has in a file.
type Image = heapless::Vec<u32, IMAGE_SETTINGS>;

/// Further files of a kind that others name.
#[derive(Default)]
struct Further {
    /// Where they are, and whether that is a directory of them.
    named: heapless::Vec<(Bytes<256>, bool), FURTHER>,
    /// There are more, or the name of one is too long.
    full: bool,
}

impl Further {
    fn add(&mut self, name: &[u8], is_directory: bool) {
        let name = Bytes::of(name.strip_suffix(b"/").unwrap_or(name));
        if !self.named.iter().any(|(known, _)| *known == name) {
            self.full |= name.is_cut() || self.named.push((name, is_directory)).is_err();
        }
    }
}

/// Opens the file anew.
type Open<'o, H> = dyn Fn() -> Result<<H as Host>::File, Fault> + 'o;

/// Reads the settings of a file.
type Parse<'p, H> = dyn Fn(&Open<'_, H>, &mut Setting<'_>) -> Result<(), Stop> + 'p;

/// A setting in its file: line, key, value, what is done with it.
type Setting<'f> = dyn FnMut(u32, &[u8], &[u8], How) + 'f;

impl<H: Host> Look<'_, H> {
    /// Reads every file that there is.
    pub fn run(&mut self) {
        for rows in UCI.chunk_by(|a, b| a.package == b.package) {
            let mut path = Bytes::of(b"/etc/config/");
            path.push(rows.first().map(|row| row.package).unwrap_or_default());
            self.file(&path, &|open, each| uci::<H>(open, rows, each));
        }
        for conf in &CONFS {
            let mut further = Further::default();
            let mut full = self.directory(conf.dir, conf, &mut further);
            // What is named there is followed once each: circles end.
            let mut at = 0_usize;
            while let Some((path, is_directory)) = further.named.get(at).cloned() {
                at = at.saturating_add(1);
                if is_directory {
                    let all = Conf { dir: b"", prefix: b"", suffix: b"", ..*conf };
                    full |= self.directory(path.as_slice(), &all, &mut further);
                } else {
                    self.conf(&Bytes::of(path.as_slice()), conf, &mut further);
                }
            }
            if full || further.full {
                let what = format_args!(
                    "more than {CONFIG_FILES} files, or {FURTHER} further ones, of configuration"
                );
                self.coverage.gap(conf.dir, what);
            }
        }
        self.coverage.absent = self.coverage.facts == 0 && self.coverage.gaps == 0;
    }

    /// Reads the files of a directory. Whether there were too many.
    fn directory(&mut self, place: &[u8], conf: &Conf, further: &mut Further) -> bool {
        let host = self.host;
        let place = place.strip_prefix(b"/").unwrap_or(place);
        let dir = match host.dir(place) {
            Ok(dir) => dir,
            Err(Fault::NotFound | Fault::NotDirectory) => return false,
            Err(fault) => {
                self.coverage.gap(place, format_args!("{fault}"));
                return false;
            }
        };
        let mut left = CONFIG_FILES;
        let mut full = false;
        let listed = host.list(&dir, &mut |name| {
            if !name.starts_with(conf.prefix) || !name.ends_with(conf.suffix) || name.ends_with(b"~") {
                return;
            }
            let Some(less) = left.checked_sub(1) else {
                full = true;
                return;
            };
            left = less;
            let mut path = Bytes::of(b"/");
            for part in [place, b"/", name] {
                path.push(part);
            }
            self.conf(&path, conf, further);
        });
        if let Err(fault) = listed {
            self.coverage.gap(place, format_args!("{fault}"));
        }
        full
    }

    /// Reads one file of a kind.
    fn conf(&mut self, path: &Bytes<PATH_BYTES>, conf: &Conf, further: &mut Further) {
        self.file(path, &|open, each| rows(&mut open()?, conf, each));
        // A second look for what the first one named; files that name others are few and short.
        let named = |key: &Key| matches!(key.how, How::File | How::Directory);
        if !conf.keys.iter().any(named) {
            return;
        }
        if let Ok((mut file, _)) = self.host.file(relative(path.as_slice())) {
            let _ = rows(&mut file, conf, &mut |_, _, value, how| {
                // `conf-dir=/etc/dnsmasq.d,*.conf`
                let name = value.split(|b| *b == b',').next().unwrap_or_default();
                let directory = how == How::Directory;
                let is = |conf: &Conf| {
                    let all = conf.prefix.is_empty() && conf.suffix.is_empty();
                    all && relative(name.strip_suffix(b"/").unwrap_or(name)) == conf.dir
                };
                let known = CONFS.iter().any(is);
                if name.first() == Some(&b'/') && (directory && !known || how == How::File) {
                    further.add(name, directory);
                }
            });
        }
    }

    /// Reads one file and what the image has in its place.
    fn file(&mut self, path: &Bytes<PATH_BYTES>, read: &Parse<'_, H>) {
        let (host, truths, path) = (self.host, self.truths, path.as_slice());
        let mut image = Image::new();
        // What does not fit, or cannot be read, is not known: it does not speak for anything.
        let _ = read(&|| truths.in_image(host, path).map(|(file, _)| file), &mut |_, key, value, _| {
            let _ = image.push(hash(key, value));
        });
        let whole = self.mounts.over(path).image;
        let each = &mut *self.each;
        let open = || host.file(relative(path)).map(|(file, _)| file);
        let done = read(&open, &mut |line, key, value, how| {
            if matches!(how, How::File | How::Directory) {
                return;
            }
            let in_image = whole || image.contains(&hash(key, value));
            each(&Found { file: path, line, key, value, how, in_image });
        });
        match done {
            Err(Stop::Fault(Fault::NotFound | Fault::Directory)) => return,
            Ok(()) => {}
            Err(Stop::Fault(Fault::Large)) => {
                self.coverage.gap(path, format_args!("only the first {SMALL_FILE_BYTES} bytes were read"));
            }
            Err(Stop::Fault(fault)) => self.coverage.gap(path, format_args!("{fault}")),
            Err(Stop::Line(line)) => {
                self.coverage.gap(path, format_args!("line {line} is too long, or a quote never closes"));
            }
            Err(Stop::Sections) => {
                self.coverage.gap(path, format_args!("more than {SECTIONS_OFF} sections are off"));
            }
        }
        self.coverage.fact();
    }
}

/// Why not everything in a file was seen.
enum Stop {
    Fault(Fault),
    /// A line was not understood whole.
    Line(u32),
    /// There are more sections than are remembered.
    Sections,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// FNV-1a.
fn hash(key: &[u8], value: &[u8]) -> u32 {
    let bytes = key.iter().chain(b"=").chain(value);
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// The settings of a file of OpenWrt's configuration.
fn uci<H: Host>(open: &Open<'_, H>, rows: &[Choice], each: &mut Setting<'_>) -> Result<(), Stop> {
    // What switches a section off may stand behind what it switches off, so the file is read twice.
    let mut off = heapless::Vec::<u32, SECTIONS_OFF>::new();
    let mut lost = false;
    let switches = entries(&mut open()?, &mut |entry| {
        if OFF.contains(&(entry.option, entry.value)) {
            lost |= off.push(entry.section_line).is_err();
        }
    });
    // What was read up to a limit counts; that there is more is said below.
    if let Err(fault) = switches
        && fault != Fault::Large
    {
        return Err(fault.into());
    }
    let cut = entries(&mut open()?, &mut |entry| {
        let row = rows.iter().find(|row| {
            row.option == entry.option && (row.section.is_empty() || row.section == entry.section)
        });
        if let Some(row) = row.filter(|_| !off.contains(&entry.section_line)) {
            each(entry.line, row.option, entry.value, row.how);
        }
    })?;
    match cut {
        Some(line) => Err(Stop::Line(line)),
        None if lost => Err(Stop::Sections),
        None => Ok(()),
    }
}

/// Every option of a file of OpenWrt's configuration. Returns the first line that was cut.
///
/// # Errors
/// When reading fails, and [`Fault::Large`] for more than [`SMALL_FILE_BYTES`]; options up to there have been handed out.
pub fn entries<F: Read<Error = Fault>>(
    file: &mut F,
    each: &mut dyn FnMut(&Entry<'_>),
) -> Result<Option<u32>, Fault> {
    let mut uci = Uci::new();
    let mut chunk = [0_u8; READ_BYTES];
    let mut left = SMALL_FILE_BYTES;
    loop {
        let length = file.read(&mut chunk)?;
        let Some(read) = chunk.get(..length).filter(|read| !read.is_empty()) else { break };
        left = left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)).ok_or(Fault::Large)?;
        for byte in read {
            uci.push(*byte, each);
        }
    }
    uci.finish(each);
    Ok(uci.cut())
}

/// The settings of a file that has one a line.
fn rows<F: Read<Error = Fault>>(file: &mut F, conf: &Conf, each: &mut Setting<'_>) -> Result<(), Stop> {
    let (mut line, mut cut) = (0_u32, None);
    rows_within(file, SMALL_FILE_BYTES, &mut |row| {
        line = line.saturating_add(1);
        match row {
            Some(row) => {
                if let Some((key, value)) = find(row, conf.equals, conf.keys) {
                    each(line, key.name, value, key.how);
                }
            }
            None => cut = cut.or(Some(line)),
        }
    })?;
    cut.map_or(Ok(()), |line| Err(Stop::Line(line)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::about::Endian;
    use crate::host::memory::{Memory, Node};
    use crate::source::mounts::Mounts;

    fn look(machine: &Memory) -> (Vec<String>, Coverage) {
        let (mut found, mut coverage) = (Vec::new(), Coverage::new());
        let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut each = |row: &Found<'_>| {
            let image = if row.in_image { " image" } else { "" };
            let (file, key, value) = (word(row.file), word(row.key), word(row.value));
            found.push(format!("{file}:{} {key}={value}{image}", row.line));
        };
        let mounts = Mounts::new();
        let truths = Truths::find(machine, &mounts, None);
        Look { host: machine, truths, mounts: &mounts, coverage: &mut coverage, each: &mut each }.run();
        found.sort();
        (found, coverage)
    }

    #[test]
    fn settings_of_many_services() {
        let machine = Memory::new();
        machine
            .file(
                "etc/config/firewall",
                "config include\n\toption path '/etc/firewall.user'\n\nconfig include 'x'\n\toption path /tmp/x\n\
                 config rule\n\toption path /y\n",
            )
            .file("etc/config/openvpn", "config openvpn a\n\toption up '/etc/openvpn/up.sh x'\n")
            .file("etc/dnsmasq.conf", "# x\ndhcp-script=/usr/lib/x.sh\nport=53\n")
            .file("etc/inetd.conf", "# x\ntelnet stream tcp nowait root /usr/sbin/telnetd telnetd\n")
            .file("etc/openvpn/x.conf", "dev tun\nup /tmp/x\n")
            .file("etc/openvpn/x.txt", "up /tmp/x\n");
        let (found, coverage) = look(&machine);
        assert_eq!(
            found,
            [
                "/etc/config/firewall:2 path=/etc/firewall.user",
                "/etc/config/firewall:5 path=/tmp/x",
                "/etc/config/openvpn:2 up=/etc/openvpn/up.sh x",
                "/etc/dnsmasq.conf:2 dhcp-script=/usr/lib/x.sh",
                "/etc/inetd.conf:2 =/usr/sbin/telnetd telnetd",
                "/etc/openvpn/x.conf:2 up=/tmp/x",
            ]
        );
        assert_eq!((coverage.facts, coverage.gaps), (5, 0));
    }

    #[test]
    fn what_the_image_has_and_what_is_off() {
        let machine = Memory::new();
        machine.file("rom/etc/config/firewall", "config include\noption path /a\n").file(
            "etc/config/firewall",
            "config include\noption path /a\nconfig include\noption path /b\nconfig include\n\
                 option path /c\noption type nftables\nconfig include\noption enabled 0\noption path /d\n",
        );
        assert_eq!(
            look(&machine).0,
            ["/etc/config/firewall:2 path=/a image", "/etc/config/firewall:4 path=/b"]
        );
    }

    #[test]
    fn further_files_are_read_once() {
        let machine = Memory::new().tree(Some(Endian::Big));
        machine
            .file("etc/dnsmasq.conf", "conf-dir=/jffs/x,*.conf\nconf-file=/etc/y\nconf-dir=/etc/dnsmasq.d\n")
            .file("jffs/x/a.conf", "dhcp-script=/a\nconf-dir=/jffs/x\nconf-file=/jffs/x/a.conf\n")
            .file("etc/dnsmasq.d/b", "dhcp-script=/b\n")
            .file("etc/y", "dhcp-script=/c\n");
        let (found, _) = look(&machine);
        let scripts: Vec<_> = found.iter().filter(|row| row.contains("script")).collect();
        assert_eq!(
            scripts,
            [
                "/etc/dnsmasq.d/b:1 dhcp-script=/b",
                "/etc/y:1 dhcp-script=/c",
                "/jffs/x/a.conf:1 dhcp-script=/a"
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_whole_is_said() {
        assert!(look(&Memory::new()).1.absent);
        let machine = Memory::new();
        machine.put("etc/config/firewall", Node::Fails(Fault::Fifo));
        assert_eq!(look(&machine).1.reason().as_slice(), b"/etc/config/firewall: a named pipe");
        machine.file("etc/config/firewall", "config include\noption path 'x");
        assert_eq!(look(&machine).1.gaps, 1);
        machine.file("etc/config/firewall", vec![b'x'; 2_000_000]);
        assert_eq!(look(&machine).1.gaps, 1);
        let machine = Memory::new();
        for number in 0..=CONFIG_FILES {
            machine.file(&format!("etc/dnsmasq.d/{number}"), "");
        }
        assert_eq!(look(&machine).1.gaps, 1);
        machine.file("etc/dnsmasq.d/1", [b'x'; 70_000]);
        assert_eq!(look(&machine).1.gaps, 2);
    }
}
