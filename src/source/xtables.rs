//! Rules of iptables, as the kernel hands them out: a table at a time.

use embedded_io::Read;

use super::nft::Told;
use super::rows;
use crate::facts::about::Endian;
use crate::facts::chains::{self, Key};
use crate::facts::packet_rule::{Action, Hooks, Matched, Origin};
use crate::facts::text::{Bytes, trim};
use crate::facts::topology::Topology;
use crate::facts::xtables::{Entry, HEAD, TABLES, Table};
use crate::host::{Dump, Fault, Host};
use crate::limits::XT_ENTRY_BYTES;

/// What is told of a table.
pub enum Seen<'a> {
    /// A chain of the kernel's own, and whether what its rules do not decide is dropped.
    Base(Key, Hooks, bool),
    /// A rule.
    Rule(&'a Told<'a>, &'a Matched),
}

/// Hands every table that is there to `each`, by the family and the name. Whether there can be any.
///
/// # Errors
/// When it could not be found out.
pub fn tables<H: Host>(host: &H, each: &mut dyn FnMut(bool, &'static str)) -> Result<bool, Fault> {
    let mut any = false;
    for (ip6, path) in [(false, &b"proc/net/ip_tables_names"[..]), (true, b"proc/net/ip6_tables_names")] {
        if !host.about().live {
            for table in TABLES {
                if host.dump(Dump::Xtables { ip6, table }).is_ok() {
                    any = true;
                    each(ip6, table);
                }
            }
            continue;
        }
        // A kernel without a table makes it when it is asked for it, so only those that it names are.
        let mut file = match host.file(path) {
            Ok((file, _)) => file,
            Err(fault) if fault.is_absence() => continue,
            Err(fault) => return Err(fault),
        };
        any = true;
        rows(&mut file, &mut |row| {
            let name = trim(row.unwrap_or_default());
            if let Some(table) = TABLES.into_iter().find(|table| table.as_bytes() == name) {
                each(ip6, table);
            }
        })?;
    }
    Ok(any)
}

/// Hands the chains and rules of a table to `each`.
///
/// # Errors
/// When the kernel does not hand it out, or it is not understood; what came before has been handed out.
pub fn table<H: Host>(
    host: &H,
    endian: Endian,
    (ip6, name): (bool, &'static str),
    topology: &Topology,
    each: &mut dyn FnMut(&Seen<'_>),
) -> Result<(), Fault> {
    let mut file = host.dump(Dump::Xtables { ip6, table: name })?;
    let mut buffer = [0_u8; XT_ENTRY_BYTES];
    let head = buffer.first_chunk_mut::<HEAD>().ok_or(Fault::Large)?;
    whole(&mut file, head)?;
    let table = Table::read(head, endian).ok_or(Fault::Garbled)?;
    let key = |at: u32| chains::key(&[b"xt", &[table.family.0], name.as_bytes(), &at.to_be_bytes()]);
    let (mut at, mut chain, mut title) = (0_u32, 0, Bytes::<32>::new());
    let mut hooks = None;
    while at < table.size {
        let entry = next(&mut file, &table, &mut buffer)?;
        let end = u32::try_from(entry.len())
            .ok()
            .and_then(|length| at.checked_add(length))
            .ok_or(Fault::Garbled)?;
        if let Some((hook, name)) = table.base(at) {
            (chain, title, hooks) = (key(at), Bytes::of(name.as_bytes()), Some(hook));
        }
        let mut says = Matched::default();
        let kind = table.entry(at, entry, topology, &mut says).ok_or(Fault::Garbled)?;
        let to = match kind {
            Entry::Chain(name) => {
                // Its rules are what others lead to.
                (chain, title, hooks) = (key(end), Bytes::of(name), None);
                at = end;
                continue;
            }
            Entry::Jump(to) => Some(key(to)),
            Entry::Rule => None,
        };
        if let Some(hooks) = hooks.filter(|_| table.is_policy(at)) {
            each(&Seen::Base(chain, hooks, says.action == Action::Drop));
        } else {
            let (family, table, chain_name) = (table.family, name.as_bytes(), title.as_slice());
            let origin = Origin::Kernel { legacy: true, family, table, chain: chain_name };
            each(&Seen::Rule(&(origin, chain, to), &says));
        }
        at = end;
    }
    Ok(())
}

/// Reads the entry that comes next.
fn next<'b, F: Read<Error = Fault>>(
    file: &mut F,
    table: &Table,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Fault> {
    let head = table.entry_head();
    let (first, rest) = buffer.split_at_mut_checked(head).ok_or(Fault::Large)?;
    whole(file, first)?;
    let length = table.length(first).ok_or(Fault::Garbled)?;
    let more = length.checked_sub(head).ok_or(Fault::Garbled)?;
    whole(file, rest.get_mut(..more).ok_or(Fault::Large)?)?;
    buffer.get(..length).ok_or(Fault::Large)
}

/// Fills all of `into`.
fn whole<F: Read<Error = Fault>>(file: &mut F, into: &mut [u8]) -> Result<(), Fault> {
    let mut filled = 0_usize;
    while let Some(room) = into.get_mut(filled..).filter(|room| !room.is_empty()) {
        let length = file.read(room)?;
        if length == 0 {
            return Err(Fault::Garbled);
        }
        filled = filled.saturating_add(length);
    }
    Ok(())
}
