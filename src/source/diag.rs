//! sock_diag (sock_diag(7)), the kernel's second word on sockets: asked only where the question changes nothing.

use super::{Coverage, dump, fill, rows};
use crate::facts::about::Endian;
use crate::facts::netlink::{Question, Table};
use crate::facts::text::{Bytes, trim};
use crate::host::{Fault, Host};

/// The modules that answer, by what is asked.
const MODULES: [&[u8]; 5] = [b"tcp_diag", b"udp_diag", b"raw_diag", b"af_packet_diag", b"unix_diag"];

/// Which questions a kernel can answer as it is: one that has the answer as a module would load that first
/// (net/core/sock_diag.c `sock_load_diag_module`), and nothing is to be changed here.
#[derive(Clone, Copy, Debug)]
pub struct Diag([bool; MODULES.len()]);

impl Diag {
    /// Looks what is loaded or built in.
    pub fn of<H: Host>(host: &H) -> Self {
        let all = Self([true; MODULES.len()]);
        let mut found = Self([false; MODULES.len()]);
        if !host.about().live {
            return all;
        }
        match host.file(b"proc/modules") {
            // A kernel that loads no modules at all.
            Err(Fault::NotFound) => return all,
            Err(_) => return found,
            Ok((mut file, _)) => {
                let _ = rows(&mut file, &mut |row| {
                    let name = row.and_then(|row| row.split(|byte| *byte == b' ').next());
                    found.has(name.unwrap_or_default());
                });
            }
        }
        if found.0.contains(&false) {
            found.built_in(host);
        }
        found
    }

    /// A module is there.
    fn has(&mut self, name: &[u8]) {
        for (found, module) in self.0.iter_mut().zip(MODULES) {
            *found |= name == module;
        }
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
            let name = row.and_then(|row| row.rsplit(|byte| *byte == b'/').next()?.strip_suffix(b".ko"));
            self.has(name.unwrap_or_default());
        });
    }

    /// Hands every message of the answer to `each`.
    ///
    /// # Errors
    /// See [`dump::each`]; [`Fault::NotFound`] too where the kernel would have to load something first.
    pub fn ask<H: Host>(
        self,
        host: &H,
        endian: Endian,
        question: Question,
        each: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Fault> {
        let [tcp, udp, raw, packet, unix] = self.0;
        let may = match question {
            Question::Sockets(Table::Tcp | Table::Tcp6) => tcp,
            Question::Sockets(Table::Udp | Table::Udp6) => udp,
            Question::Raw | Question::Raw6 => raw,
            Question::Packets => packet,
            Question::Unix => unix,
            _ => true,
        };
        if !may {
            return Err(Fault::NotFound);
        }
        dump::each(host, endian, question, &mut |_, body| each(body))
    }
}

/// Says how well the kernel stood in for a text that could not be had.
pub fn instead(coverage: &mut Coverage, path: &[u8], fault: Fault, told: Result<(), Fault>) {
    match told {
        Ok(()) if fault == Fault::NotFound => {}
        Ok(()) => coverage.gap(path, format_args!("{fault}; sock_diag was asked instead")),
        Err(Fault::NotFound) => coverage.gap(path, format_args!("{fault}")),
        Err(other) => coverage.gap(path, format_args!("{fault}; and sock_diag: {other}")),
    }
}
