//! Rules of nf_tables, as the kernel tells them over netlink.

use core::cell::Cell;

use super::{dump, fill, rows};
use crate::facts::about::Endian;
use crate::facts::chains::{self, Key};
use crate::facts::netlink::{Question, SetName};
use crate::facts::nft::{Chain, Element, Place, Reader, elements};
use crate::facts::packet_rule::{Hooks, Matched, Origin};
use crate::facts::text::{Bytes, fields, has, trim};
use crate::facts::topology::Topology;
use crate::host::{Dump, Fault, Host};
use crate::limits::{MAP_ELEMENTS, SETS_BYTES};

/// Where a rule is, its chain, and the chain that it leads to.
pub type Told<'a> = (Origin<'a>, Key, Option<Key>);

/// Whether the kernel can be asked without making it load a module: a question to a part that is not there has it look for
/// one (net/netfilter/nfnetlink.c `nfnetlink_rcv_msg`).
pub fn is_there<H: Host>(host: &H) -> bool {
    if !host.about().live {
        return true;
    }
    let Ok((mut modules, _)) = host.file(b"proc/modules") else {
        // A kernel without modules loads none.
        return true;
    };
    let mut loaded = false;
    let _ = rows(&mut modules, &mut |row| {
        loaded |= row.and_then(|row| fields(row).next()) == Some(b"nf_tables");
    });
    loaded || host.dir(b"sys/module/nf_tables").is_ok() || is_built_in(host) || loads_none(host)
}

/// Whether it is part of the kernel itself.
fn is_built_in<H: Host>(host: &H) -> bool {
    let (mut path, mut release) = (Bytes::<128>::of(b"lib/modules/"), Bytes::<64>::new());
    let read =
        host.file(b"proc/sys/kernel/osrelease").and_then(|(mut file, _)| fill(&mut file, &mut release));
    path.push(trim(release.as_slice()));
    path.push(b"/modules.builtin");
    let Ok((mut file, _)) = host.file(path.as_slice()).and_then(|file| read.map(|()| file)) else {
        return false;
    };
    let mut found = false;
    let _ = rows(&mut file, &mut |row| found |= row.is_some_and(|row| has(row, b"/nf_tables.ko")));
    found
}

/// Whether nobody can have it load another (proc_sys_kernel(5)).
fn loads_none<H: Host>(host: &H) -> bool {
    let mut text = Bytes::<64>::new();
    let read =
        host.file(b"proc/sys/kernel/modules_disabled").and_then(|(mut file, _)| fill(&mut file, &mut text));
    read.is_ok() && trim(text.as_slice()) == b"1"
}

/// Hands every chain to `each`: its number, where packets enter it, and whether the rest is dropped.
///
/// # Errors
/// [`Fault::NotFound`] where the kernel has no nf_tables, or why it refuses.
pub fn chains<H: Host>(
    host: &H,
    endian: Endian,
    each: &mut dyn FnMut(Key, Option<Hooks>, bool),
) -> Result<(), Fault> {
    dump::each(host, endian, Question::Chains, &mut |_, body| {
        let Some(chain) = Chain::read(body, endian) else { return false };
        let key = chains::key(&[&[chain.family.0], chain.table, chain.name]);
        each(key, chain.hook, chain.drops);
        true
    })
}

/// Hands what every rule says to `each`. Whether all elements of their sets could be had.
///
/// # Errors
/// As for [`chains`].
pub fn rules<H: Host>(
    host: &H,
    endian: Endian,
    topology: &Topology,
    each: &mut dyn FnMut(&Told<'_>, &Matched),
) -> Result<bool, Fault> {
    let mut whole = true;
    // A recording has all sets in one file, which has an end.
    let left = Cell::new(if host.about().live { SETS_BYTES } else { u64::MAX });
    dump::each(host, endian, Question::Rules, &mut |_, body| {
        let Some(place) = Place::read(body, endian) else { return false };
        let Place { family, table, chain, .. } = place;
        let here = chains::key(&[&[family.0], table, chain]);
        let origin = Origin::Kernel { legacy: false, family, table, chain };
        // Depends on nothing but the kernel, so one that failed once is not asked for again.
        let failed = Cell::new(false);
        let sets = |set: &[u8], each: &mut dyn FnMut(&Element<'_>)| {
            let name = SetName { family: family.0, table, set };
            // Hundreds of rules may ask for one set of a hundred thousand: nobody hides the other rules behind that.
            let asked = if left.get() > 0 { host.dump(Dump::Set(name)) } else { Err(Fault::Large) };
            // Of more elements nobody wants to know: of maps so many are not followed, of sets so many not put together.
            let mut room = MAP_ELEMENTS.saturating_mul(4);
            let told = asked.and_then(|answer| {
                dump::read(answer, endian, &mut |_, body| {
                    left.set(left.get().saturating_sub(u64::try_from(body.len()).unwrap_or(u64::MAX)));
                    elements(body, endian, family, (table, set), &mut |element| {
                        room = room.saturating_sub(1);
                        each(element);
                    });
                    left.get() > 0 && room > 0
                })
            });
            let told = told.or(if room == 0 { Ok(()) } else { told });
            failed.set(failed.get() || told.is_err());
            told.is_ok()
        };
        let each = &mut |says: &Matched, jump: &[u8]| {
            let to = (!jump.is_empty()).then(|| chains::key(&[&[family.0], table, jump]));
            each(&(origin, here, to), says);
        };
        let mut reader = Reader { endian, topology, sets: &sets, each, cut: false, told: false };
        reader.rule(&place);
        whole &= !reader.cut && !failed.get();
        true
    })?;
    Ok(whole)
}
