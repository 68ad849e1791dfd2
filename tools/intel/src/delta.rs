//! `delta` and `apply`: what is new in a database, as `gatewatch::intel::delta` describes it and a device applies it.

use std::path::Path;

use gatewatch::intel::Intel;
use gatewatch::intel::delta::{Delta, FORMAT, HEAD_LEN, IPV4, MAGIC, PART_LEN, ROWS};
use gatewatch::intel::layout::{
    self, DOMAIN_LEN, HASH_LEN, IPV4_RANGE_LEN, IPV6_LEN, IPV6_RANGE_LEN, LABEL_LEN, NEVER_IPV4_LEN,
    NEVER_IPV6_LEN, OCTETS_LEN, Section, kind,
};
use sha2::{Digest as _, Sha256};

use crate::{list, output, rows};

/// Writes what makes NEW of OLD.
pub(crate) fn delta(old: &Path, new: &Path, output: &Path) -> Result<String, String> {
    let (old_bytes, new_bytes) = (rows::open(old)?, rows::open(new)?);
    let bytes = make(&old_bytes, &new_bytes).map_err(|what| format!("{}: {what}", new.display()))?;
    output::save(output, &bytes, &MAGIC, |bytes| {
        let made = applied(bytes, &old_bytes)?;
        if made == new_bytes { Ok(()) } else { Err("the delta does not make the new file".to_owned()) }
    })?;
    let version = |bytes: &[u8]| Intel::open(bytes).map_or(0, |intel| intel.version());
    let thousandths = bytes.len().saturating_mul(1000).checked_div(new_bytes.len()).unwrap_or(0);
    Ok(format!(
        "{}: version {} to {}, {} bytes, {}.{} % of {}\n",
        output.display(),
        version(&old_bytes),
        version(&new_bytes),
        bytes.len(),
        thousandths / 10,
        thousandths % 10,
        new_bytes.len()
    ))
}

/// Writes the file that a delta makes of OLD.
pub(crate) fn apply(old: &Path, delta: &Path, output: &Path) -> Result<String, String> {
    let old_bytes = rows::open(old)?;
    let bytes = list::read(delta)?;
    let made = applied(&bytes, &old_bytes).map_err(|what| format!("{}: {what}", delta.display()))?;
    let intel =
        Intel::open(&made).map_err(|defect| format!("{}: makes a file that is {defect}", delta.display()))?;
    output::save(output, &made, &layout::MAGIC, |_| Ok(()))?;
    Ok(format!(
        "{}: version {}, {} bytes: {} indicators\n",
        output.display(),
        intel.version(),
        made.len(),
        intel.entries()
    ))
}

fn applied(delta: &[u8], old: &[u8]) -> Result<Vec<u8>, String> {
    let delta = Delta::open(delta).map_err(|fault| fault.to_string())?;
    let limit = usize::try_from(list::MAX_FILE).unwrap_or(usize::MAX);
    if usize::try_from(delta.new_len()).map_or(true, |length| length > limit) {
        return Err("makes a file longer than 256 MiB: fetch it again".to_owned());
    }
    let mut made = Vec::new();
    let mut sink = |bytes: &[u8]| {
        made.extend_from_slice(bytes);
        true
    };
    delta.apply(old, &mut sink).map_err(|fault| fault.to_string())?;
    Ok(made)
}

/// One part, before it is bytes.
struct Part {
    form: u8,
    row: usize,
    /// Where in a row the number stands that moves, and its bytes.
    field: (usize, usize),
    /// Where the old rows begin, and how many there are.
    from: usize,
    count: u32,
    runs: Vec<(u32, u32)>,
    edits: Vec<u8>,
    /// Of the new IPv4 section: count, bucket bits, label bits.
    shape: (u32, u8, u8),
}

/// Numbers that have moved: from this old one on, count on from this new one.
struct Renumbering(Vec<(u32, u32)>);

impl Renumbering {
    /// Of pairs of old and new numbers, sorted by the old one.
    fn of(pairs: impl Iterator<Item = (u32, u32)>) -> Renumbering {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for (old, new) in pairs {
            let goes_on = match runs.last() {
                Some((from, to)) => new.wrapping_sub(*to) == old.wrapping_sub(*from),
                None => old == new,
            };
            if !goes_on {
                runs.push((old, new));
            }
        }
        Renumbering(runs)
    }

    /// As the device does it.
    fn apply(&self, number: u32) -> u32 {
        let after = self.0.partition_point(|(from, _)| *from <= number);
        let run = after.checked_sub(1).and_then(|at| self.0.get(at));
        run.map_or(number, |(from, to)| number.wrapping_sub(*from).wrapping_add(*to))
    }
}

fn make(old: &[u8], new: &[u8]) -> Result<Vec<u8>, String> {
    let (old_sections, new_sections) = (rows::sections(old)?, rows::sections(new)?);
    let names = renumber_names(&old_sections, &new_sections);
    let labels = renumber_labels(&old_sections, &new_sections, &names);
    let mut parts = Vec::new();
    let mut at = 0usize;
    for (section, body) in &new_sections {
        let start = usize::try_from(section.offset).map_err(|error| error.to_string())?;
        let before = new.get(at..start).ok_or("sections that are not in the order of the table")?;
        if !before.is_empty() {
            parts.push(literal(before));
        }
        parts.extend(of_section(section, body, &old_sections, &names, &labels)?);
        at = start.saturating_add(body.len());
    }
    let rest = new.get(at..).unwrap_or_default();
    if !rest.is_empty() {
        parts.push(literal(rest));
    }
    encode(old, new, &parts)
}

/// The parts of a section, of what the old file has of it.
fn of_section(
    section: &Section,
    body: &[u8],
    old_sections: &[(Section, &[u8])],
    names: &Renumbering,
    labels: &Renumbering,
) -> Result<Vec<Part>, String> {
    let old = old_sections.iter().find(|(old, _)| old.kind == section.kind);
    let (from, old_count, old_body) = match old {
        Some((old, body)) => (usize::try_from(old.offset).unwrap_or(usize::MAX), old.count, *body),
        None => (0, 0, &[][..]),
    };
    let none = Renumbering(Vec::new());
    let table = |row: usize, field: (usize, usize), moved: &Renumbering, skip: usize| {
        let (old_rows, new_rows) =
            (old_body.get(skip..).unwrap_or_default(), body.get(skip..).unwrap_or_default());
        let edits = edit_rows(old_rows, new_rows, row, field, moved);
        let count = u32::try_from(old_rows.len().checked_div(row).unwrap_or(0)).unwrap_or(0);
        Part {
            form: ROWS,
            row,
            field,
            from: from.saturating_add(skip.min(old_body.len())),
            count,
            runs: moved.0.clone(),
            edits,
            shape: (0, 0, 0),
        }
    };
    let octets = || literal(body.get(..OCTETS_LEN).unwrap_or_default());
    Ok(match section.kind {
        kind::LABELS => vec![table(LABEL_LEN, (0, 4), names, 0)],
        kind::IPV4 => vec![ipv4(section, body, from, old_count, old_body, labels)?],
        kind::IPV4_RANGES => vec![octets(), table(IPV4_RANGE_LEN, (8, 4), labels, OCTETS_LEN)],
        kind::IPV6 => vec![table(IPV6_LEN, (16, 4), labels, 0)],
        kind::IPV6_RANGES => vec![table(IPV6_RANGE_LEN, (32, 4), labels, 0)],
        kind::NEVER_IPV4 => vec![octets(), table(NEVER_IPV4_LEN, (0, 0), &none, OCTETS_LEN)],
        kind::NEVER_IPV6 => vec![table(NEVER_IPV6_LEN, (0, 0), &none, 0)],
        kind::HASHES => vec![table(HASH_LEN, (32, 4), labels, 0)],
        kind::DOMAINS => vec![table(DOMAIN_LEN, (8, 2), labels, 0)],
        // Rows of different lengths: bytes that are alike at the front and the end stay.
        kind::NAMES => vec![pieces(&named(old_body), &named(body), from)],
        kind::TRACES => vec![pieces(&traces(old_body), &traces(body), from)],
        _ => vec![pieces(&[old_body], &[body], from)],
    })
}

/// Bytes as they are.
fn literal(bytes: &[u8]) -> Part {
    let mut edits = Vec::new();
    edit(&mut edits, 0, 0, bytes.len());
    edits.extend(bytes);
    Part { form: ROWS, row: 1, field: (0, 0), from: 0, count: 0, runs: Vec::new(), edits, shape: (0, 0, 0) }
}

/// Names with their lengths in front.
fn named(mut body: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    while let Some(length) = body.first() {
        let whole = usize::from(*length).saturating_add(1).min(body.len());
        let (name, rest) = body.split_at_checked(whole).unwrap_or((body, &[]));
        names.push(name);
        body = rest;
    }
    names
}

/// Traces with their heads.
fn traces(body: &[u8]) -> Vec<&[u8]> {
    let mut at = 0usize;
    let mut pieces = Vec::new();
    for (_, _, value) in rows::traces(body) {
        let end = at.saturating_add(layout::TRACE_HEAD_LEN).saturating_add(value.len());
        pieces.push(body.get(at..end).unwrap_or_default());
        at = end;
    }
    pieces
}

/// Pieces of bytes, sorted or nearly so, of which those that are alike stay.
fn pieces(old: &[&[u8]], new: &[&[u8]], from: usize) -> Part {
    let total: usize = old.iter().map(|piece| piece.len()).sum();
    let mut script = Script::default();
    let same = alike(old, new);
    let (mut left, mut right) = (0usize, 0usize);
    let lengths = |pieces: &[&[u8]], start: usize, end: usize| -> usize {
        pieces.get(start..end).unwrap_or_default().iter().map(|piece| piece.len()).sum()
    };
    for (at_old, at_new) in same.into_iter().chain([(old.len(), new.len())]) {
        let gone = lengths(old, left, at_old);
        let fresh = new.get(right..at_new).unwrap_or_default().concat();
        script.change(gone, fresh.len(), &fresh);
        if let Some(piece) = old.get(at_old) {
            script.keep(piece.len());
        }
        (left, right) = (at_old.saturating_add(1), at_new.saturating_add(1));
    }
    Part {
        form: ROWS,
        row: 1,
        field: (0, 0),
        from,
        count: u32::try_from(total).unwrap_or(u32::MAX),
        runs: Vec::new(),
        edits: script.finish(),
        shape: (0, 0, 0),
    }
}

/// Pairs of places at which two sorted lists hold the same.
fn alike<T: Ord>(old: &[T], new: &[T]) -> Vec<(usize, usize)> {
    let (mut left, mut right) = (0usize, 0usize);
    let mut pairs = Vec::new();
    while let (Some(one), Some(other)) = (old.get(left), new.get(right)) {
        match one.cmp(other) {
            std::cmp::Ordering::Equal => {
                pairs.push((left, right));
                left = left.saturating_add(1);
                right = right.saturating_add(1);
            }
            std::cmp::Ordering::Less => left = left.saturating_add(1),
            std::cmp::Ordering::Greater => right = right.saturating_add(1),
        }
    }
    pairs
}

/// Where each old name stands in the new file.
fn renumber_names(old: &[(Section, &[u8])], new: &[(Section, &[u8])]) -> Renumbering {
    let (old, new) = (named(rows::body(old, kind::NAMES)), named(rows::body(new, kind::NAMES)));
    let place = |pieces: &[&[u8]], at: usize| {
        let bytes: usize = pieces.get(..at).unwrap_or_default().iter().map(|piece| piece.len()).sum();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    };
    // Names begin with their length, so they are sorted by what follows it.
    let bare = |pieces: &[&'_ [u8]]| -> Vec<Vec<u8>> {
        pieces.iter().map(|piece| piece.get(1..).unwrap_or_default().to_vec()).collect()
    };
    let pairs = alike(&bare(&old), &bare(&new));
    Renumbering::of(pairs.into_iter().map(|(left, right)| (place(&old, left), place(&new, right))))
}

/// The new number of each old label that is still there.
fn renumber_labels(old: &[(Section, &[u8])], new: &[(Section, &[u8])], names: &Renumbering) -> Renumbering {
    let key = |row: &[u8; LABEL_LEN], moved: bool| {
        let [n0, n1, n2, n3, p0, p1, e0, e1] = *row;
        let name = u32::from_le_bytes([n0, n1, n2, n3]);
        let expires = u16::from_le_bytes([e0, e1]);
        let lives = if expires == 0 { u16::MAX } else { expires };
        let name = if moved { names.apply(name) } else { name };
        (u16::from_le_bytes([p0, p1]), std::cmp::Reverse(lives), name, expires)
    };
    let keys = |sections: &[(Section, &[u8])], moved: bool| -> Vec<_> {
        let rows = rows::body(sections, kind::LABELS).as_chunks::<LABEL_LEN>().0;
        rows.iter().map(|row| key(row, moved)).collect()
    };
    let pairs = alike(&keys(old, true), &keys(new, false));
    let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Renumbering::of(pairs.into_iter().map(|(left, right)| (number(left), number(right))))
}

/// The edits of rows of one length, each compared as it is after renumbering.
fn edit_rows(old: &[u8], new: &[u8], row: usize, field: (usize, usize), moved: &Renumbering) -> Vec<u8> {
    let renumbered = |row: &[u8]| {
        let mut row = row.to_vec();
        let (at, width) = field;
        let place = row.get_mut(at..at.saturating_add(width)).filter(|place| !place.is_empty());
        if let Some(place) = place {
            let mut number = [0; 4];
            number.iter_mut().zip(place.iter()).for_each(|(to, from)| *to = *from);
            let number = moved.apply(u32::from_le_bytes(number)).to_le_bytes();
            place.iter_mut().zip(number).for_each(|(to, from)| *to = from);
        }
        row
    };
    let old: Vec<Vec<u8>> = old.chunks(row).map(renumbered).collect();
    let new: Vec<Vec<u8>> = new.chunks(row).map(<[u8]>::to_vec).collect();
    // Rows lie in the order of their numbers, which is not that of their bytes.
    let order = |row: &Vec<u8>| -> Vec<u8> {
        match row.len() {
            _ if field == (0, 4) => label_key(row),
            DOMAIN_LEN | IPV4_RANGE_LEN | NEVER_IPV4_LEN => little_endian(row),
            _ => row.clone(),
        }
    };
    let keys = |rows: &[Vec<u8>]| rows.iter().map(order).collect::<Vec<_>>();
    let mut script = Script::default();
    let (mut left, mut right) = (0usize, 0usize);
    let (old_keys, new_keys) = (keys(&old), keys(&new));
    for (at_old, at_new) in alike(&old_keys, &new_keys).into_iter().chain([(old.len(), new.len())]) {
        let fresh = new.get(right..at_new).unwrap_or_default();
        script.change(at_old.saturating_sub(left), fresh.len(), &fresh.concat());
        if at_old < old.len() {
            script.keep(1);
        }
        (left, right) = (at_old.saturating_add(1), at_new.saturating_add(1));
    }
    script.finish()
}

/// A row whose bytes compare as its numbers do: a hash of 8 bytes, or numbers of 4, then what follows.
fn little_endian(row: &[u8]) -> Vec<u8> {
    let first = if row.len() == DOMAIN_LEN { 8 } else { 4 };
    let mut key: Vec<u8> = row.iter().take(first).rev().copied().collect();
    for number in row.get(first..).unwrap_or_default().chunks(4) {
        key.extend(number.iter().rev());
    }
    key
}

/// A label so that its bytes compare as labels lie: by port, then by how long it is meant, which 0 says for ever, then by name.
fn label_key(row: &[u8]) -> Vec<u8> {
    let turned =
        |from: usize, length: usize| row.iter().skip(from).take(length).rev().copied().collect::<Vec<u8>>();
    let expires = turned(6, 2);
    let day = expires.first_chunk().copied().map_or(0, u16::from_be_bytes);
    let lives = if day == 0 { 0 } else { u16::MAX.saturating_sub(day) };
    [turned(4, 2), lives.to_be_bytes().to_vec(), turned(0, 4), expires].concat()
}

fn ipv4(
    section: &Section,
    body: &[u8],
    from: usize,
    old_count: u32,
    old_body: &[u8],
    labels: &Renumbering,
) -> Result<Part, String> {
    let old: Vec<(u32, u32)> = rows::ipv4(old_body, old_count)
        .into_iter()
        .map(|(address, label)| (address, labels.apply(label)))
        .collect();
    let new = rows::ipv4(body, section.count);
    let &[bucket_bits, label_bits, ..] =
        body.first_chunk::<4>().ok_or("an IPv4 section that is cut short")?;
    let mut script = Script::default();
    let (mut left, mut right, mut came) = (0usize, 0usize, 0u32);
    for (at_old, at_new) in alike(&old, &new).into_iter().chain([(old.len(), new.len())]) {
        let fresh = new.get(right..at_new).unwrap_or_default();
        let mut bytes = Vec::new();
        for (address, label) in fresh {
            leb128(&mut bytes, address.wrapping_sub(came));
            leb128(&mut bytes, *label);
            came = *address;
        }
        script.change(at_old.saturating_sub(left), fresh.len(), &bytes);
        if at_old < old.len() {
            script.keep(1);
        }
        (left, right) = (at_old.saturating_add(1), at_new.saturating_add(1));
    }
    Ok(Part {
        form: IPV4,
        row: 0,
        field: (0, 0),
        from,
        count: u32::try_from(old.len()).unwrap_or(u32::MAX),
        runs: labels.0.clone(),
        edits: script.finish(),
        shape: (section.count, bucket_bits, label_bits),
    })
}

/// Edits in the making: what stays is gathered until something changes.
#[derive(Default)]
struct Script {
    edits: Vec<u8>,
    stay: usize,
}

impl Script {
    fn keep(&mut self, rows: usize) {
        self.stay = self.stay.saturating_add(rows);
    }

    fn change(&mut self, go: usize, come: usize, bytes: &[u8]) {
        if go != 0 || come != 0 {
            edit(&mut self.edits, self.stay, go, come);
            self.edits.extend(bytes);
            self.stay = 0;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.stay != 0 {
            edit(&mut self.edits, self.stay, 0, 0);
        }
        self.edits
    }
}

fn edit(edits: &mut Vec<u8>, stay: usize, go: usize, come: usize) {
    for number in [stay, go, come] {
        leb128(edits, u32::try_from(number).unwrap_or(u32::MAX));
    }
}

fn leb128(bytes: &mut Vec<u8>, number: u32) {
    let mut rest = number;
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            return bytes.push(low & 0x7f);
        }
        bytes.push(low | 0x80);
    }
}

fn encode(old: &[u8], new: &[u8], parts: &[Part]) -> Result<Vec<u8>, String> {
    let fit = |number: usize| u32::try_from(number).map_err(|_| "too much for a delta".to_owned());
    let small = |number: usize| u8::try_from(number).map_err(|_| "too much for a delta".to_owned());
    let version = |bytes: &[u8]| layout::version_of(bytes).unwrap_or(0).to_le_bytes();
    let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes();
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend(u16::try_from(parts.len()).map_err(|_| "too many parts for a delta")?.to_le_bytes());
    bytes.extend(version(old));
    bytes.extend(version(new));
    bytes.extend([0; 4]);
    bytes.extend(length(old));
    bytes.extend(length(new));
    bytes.extend(Sha256::digest(old));
    bytes.extend(Sha256::digest(new));
    debug_assert_eq!(bytes.len(), HEAD_LEN);
    for part in parts {
        let start = bytes.len();
        let (count, bucket_bits, label_bits) = part.shape;
        bytes.extend([part.form, small(part.row)?, small(part.field.0)?, small(part.field.1)?]);
        for number in [fit(part.from)?, part.count, fit(part.runs.len())?, fit(part.edits.len())?, count] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend([bucket_bits, label_bits, 0, 0, 0, 0, 0, 0]);
        debug_assert_eq!(bytes.len().saturating_sub(start), PART_LEN);
        for (from, to) in &part.runs {
            bytes.extend(from.to_le_bytes());
            bytes.extend(to.to_le_bytes());
        }
        bytes.extend(&part.edits);
    }
    Ok(bytes)
}
