//! The indicator database: which addresses, files and traces belong to which malware.
//!
//! One file, `indicators.gwi`, made on a host by `gatewatch-intel` and read in place here: [`Intel`] is a
//! view over the mapped bytes, holds nothing of its own and costs no memory but the pages a lookup touches.
//! [`layout`] says where everything lies, `lookup` searches it, `traces` reads the rules. [`FAMILIES`] is a
//! second one, in the program itself: the traces that public reports name.
//!
//! The bytes are not trusted. [`Intel::open`] checks what can be checked in a time that does not grow with
//! the data: the header, that each section lies inside the file and is as long as its count asks for.
//! Everything else is checked when a lookup meets it. So any bytes give a [`Defect`] or bounded lookups,
//! and bytes that contradict themselves find [`Match::Nothing`]. That a file is the one that was built
//! is for its signature to say, not for this module.
//!
//! What wins for an address, in this order:
//!
//! 1. a never-match range (resolvers, private and local addresses): a list that names one is wrong;
//! 2. the address itself before a range it is in, a narrow range before the wider one around it;
//! 3. an indicator of exactly this port before one without a port; one of another port never matches;
//! 4. of several families, the one whose indicator is meant for longer.
//!
//! An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`, RFC 4291 § 2.5.5.2) is looked up as the IPv4 address,
//! since that is what an IPv6 socket shows for an IPv4 peer.

use core::net::IpAddr;

mod defect;
pub mod delta;
mod domains;
pub mod layout;
mod lookup;
mod sieve;
mod singles;
mod traces;

pub use defect::{Defect, Flaw};
pub use layout::version_of;
pub use sieve::Sieve;
pub use traces::{Strength, Trace, TraceKind};

use domains::Domains;
use layout::{
    HASH_LEN, Header, IPV4_RANGE_LEN, IPV6_LEN, IPV6_RANGE_LEN, MUST_UNDERSTAND, NEVER_IPV4_LEN,
    NEVER_IPV6_LEN, SECTION_LEN, Section, kind,
};
use lookup::{Ipv4Ranges, Label, Labels, Table, ipv6_single, ipv6_span, of_digest, rows};
use singles::Singles;
use traces::Rows;

use crate::signature::{self, Signed};

/// The built-in rules: an indicator file made of `families.toml`, which names the source of each. The tests of
/// `tools/intel` hold one to the other.
pub const FAMILIES: &[u8] = include_bytes!("families.gwi");

/// This program's own version, as files ask for one.
const ENGINE: u32 = layout::engine([
    part(env!("CARGO_PKG_VERSION_MAJOR")),
    part(env!("CARGO_PKG_VERSION_MINOR")),
    part(env!("CARGO_PKG_VERSION_PATCH")),
]);

/// A part of a version, of at most three digits; asked for when this is compiled, and refused then.
#[allow(clippy::arithmetic_side_effects, clippy::panic, reason = "in a constant either stops the compiler")]
const fn part(text: &str) -> u8 {
    match u8::from_str_radix(text, 10) {
        Ok(part) => part,
        Err(_) => panic!("a part of the version is no number up to 255"),
    }
}

/// Labels of one address or file that are looked at: one for each port, and for families beside. Bounds a look-up in bytes
/// that make no sense.
const LABELS: usize = 70_000;

/// The same of a range: blocks around it that are meant for longer.
const RANGE_LABELS: usize = 256;

/// A view over the bytes of an indicator file.
#[derive(Clone, Copy, Debug)]
pub struct Intel<'a> {
    header: Header,
    labels: Labels<'a>,
    ipv4: Singles<'a>,
    ipv4_ranges: Option<Ipv4Ranges<'a>>,
    ipv6: Option<Table<'a>>,
    ipv6_ranges: Option<Table<'a>>,
    never_ipv4: Option<Ipv4Ranges<'a>>,
    never_ipv6: Option<Table<'a>>,
    hashes: &'a [[u8; HASH_LEN]],
    traces: Rows<'a>,
    domains: Domains<'a>,
    has_addresses: bool,
    signed: Option<Signed<'a>>,
}

/// What the database says of an address or a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match<'a> {
    /// It is not listed.
    Nothing,
    /// It must not be accused, listed or not.
    Never,
    /// It is listed.
    Listed(Hit<'a>),
}

/// The indicator that an address or a file matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit<'a> {
    /// The malware family, as the list that named the indicator calls it.
    pub family: &'a str,
    /// The indicator's own port; none when it is meant for every port, and for a file.
    pub port: Option<u16>,
    /// From when on the indicator is no longer meant, in seconds since 1970.
    pub expires: Option<u64>,
}

impl<'a> Intel<'a> {
    /// Opens a file's bytes. The time this takes does not depend on the number of indicators.
    pub fn open(bytes: &'a [u8]) -> Result<Intel<'a>, Defect> {
        let header = Header::read(bytes)?;
        let mut bodies = [None; kind::END];
        let mut signed = None;
        let table = bytes.get(usize::from(header.header_len)..).unwrap_or_default();
        let (table_rows, _) = table.as_chunks::<SECTION_LEN>();
        let table_rows = table_rows.get(..usize::from(header.sections)).ok_or(Defect::Header)?;
        for row in table_rows {
            let section = Section::from_bytes(row);
            let kind = section.kind & !MUST_UNDERSTAND;
            if kind == signature::SECTION {
                let flaw = if signed.is_some() { Flaw::Twice } else { Flaw::Length };
                let cut = Signed::cut(bytes, section.offset).filter(|_| signed.is_none());
                signed = Some(cut.ok_or(Defect::Section { kind, flaw })?);
                continue;
            }
            let body = body_of(bytes, &section).ok_or(Defect::Section { kind, flaw: Flaw::Outside })?;
            let slot = usize::try_from(kind).ok().filter(|&slot| slot != 0);
            match slot.and_then(|slot| bodies.get_mut(slot)) {
                Some(slot @ None) => *slot = Some((body, section.count)),
                Some(Some(_)) => return Err(Defect::Section { kind, flaw: Flaw::Twice }),
                None if section.kind & MUST_UNDERSTAND != 0 => return Err(Defect::Unknown(kind)),
                None => {}
            }
        }
        let [
            _,
            names,
            labels,
            ipv4,
            ipv4_ranges,
            ipv6,
            ipv6_ranges,
            never_ipv4,
            never_ipv6,
            hashes,
            traces,
            domains,
            never_domains,
        ] = bodies;
        let table = |kind, body, length| {
            let span = if kind == kind::IPV6 { ipv6_single } else { ipv6_span };
            cut(kind, body, |body, count| Table::new(body, count, length, span))
        };
        let ranges = |kind, body, length| cut(kind, body, |body, count| Ipv4Ranges::new(body, count, length));
        let has_addresses =
            ipv4.is_some() || ipv4_ranges.is_some() || ipv6.is_some() || ipv6_ranges.is_some();
        let listed = has_addresses || hashes.is_some() || traces.is_some() || domains.is_some();
        if header.entries > 0 && !listed {
            return Err(Defect::Header);
        }
        for (kind, needed) in [(kind::NAMES, names), (kind::LABELS, labels)] {
            if listed && needed.is_none() {
                return Err(Defect::Section { kind, flaw: Flaw::Missing });
            }
        }
        Ok(Intel {
            header,
            labels: Labels {
                rows: cut(kind::LABELS, labels, rows)?.unwrap_or_default(),
                names: names.map_or(&[], |(body, _)| body),
            },
            ipv4: cut(kind::IPV4, ipv4, Singles::new)?.unwrap_or(Singles::EMPTY),
            ipv4_ranges: ranges(kind::IPV4_RANGES, ipv4_ranges, IPV4_RANGE_LEN)?,
            ipv6: table(kind::IPV6, ipv6, IPV6_LEN)?,
            ipv6_ranges: table(kind::IPV6_RANGES, ipv6_ranges, IPV6_RANGE_LEN)?,
            never_ipv4: ranges(kind::NEVER_IPV4, never_ipv4, NEVER_IPV4_LEN)?,
            never_ipv6: table(kind::NEVER_IPV6, never_ipv6, NEVER_IPV6_LEN)?,
            hashes: cut(kind::HASHES, hashes, rows)?.unwrap_or_default(),
            traces: cut(kind::TRACES, traces, Rows::new)?.unwrap_or(Rows::EMPTY),
            domains: Domains {
                rows: cut(kind::DOMAINS, domains, rows)?.unwrap_or_default(),
                never: cut(kind::NEVER_DOMAINS, never_domains, domains::never)?.unwrap_or_default(),
            },
            has_addresses,
            signed,
        })
    }

    /// Version of the data, which grows with every build.
    pub fn version(&self) -> u32 {
        self.header.version
    }

    /// When the data was made, in seconds since 1970.
    pub fn created(&self) -> u64 {
        self.header.created
    }

    /// From when on the data is stale, in seconds since 1970.
    pub fn expires(&self) -> Option<u64> {
        Some(self.header.expires).filter(|&expires| expires != 0)
    }

    /// Whether this program is too old for the file, and the version that it needs.
    pub fn needs(&self) -> Option<[u8; 3]> {
        let [_, version @ ..] = self.header.engine.to_be_bytes();
        (self.header.engine > ENGINE).then_some(version)
    }

    /// Who says that it is theirs.
    pub fn signed(&self) -> Option<Signed<'a>> {
        self.signed
    }

    /// How many indicators there are. Never-match ranges are not counted.
    pub fn entries(&self) -> u32 {
        self.header.entries
    }

    /// Whether any address is listed: without one, a look at the peers says nothing.
    pub fn has_addresses(&self) -> bool {
        self.has_addresses
    }

    /// Whether any file is listed: without one, nothing need be hashed.
    pub fn has_hashes(&self) -> bool {
        !self.hashes.is_empty()
    }

    /// Whether any domain is listed: without one, nobody need know what was asked for.
    pub fn has_domains(&self) -> bool {
        !self.domains.rows.is_empty()
    }

    /// What the database says of a domain name: of the listed names that it is, or is below, the longest that has not
    /// expired at `now` (seconds since 1970); without `now`, none has. Case and a dot at the end do not matter.
    pub fn lookup_domain(&self, name: &[u8], now: Option<u64>) -> Match<'a> {
        self.domains.search(name, &mut |labels| self.best(labels, 0, now))
    }

    /// Whether any trace is listed.
    pub fn has_traces(&self) -> bool {
        !self.traces.is_empty()
    }

    /// What the database says of a file with this SHA-256. An indicator that has expired at `now` (seconds since
    /// 1970) is as if it were not there; without `now`, none has expired.
    pub fn lookup_hash(&self, digest: &[u8; 32], now: Option<u64>) -> Option<Hit<'a>> {
        let mut rows = of_digest(self.hashes, digest);
        self.best(&mut || rows.next(), 0, now)
    }

    /// The traces of one kind, sorted by value, those that have expired too.
    pub fn traces(&self, kind: TraceKind) -> impl Iterator<Item = Trace<'a>> + use<'a> {
        let labels = self.labels;
        self.traces.of(kind).filter_map(move |row| {
            let label = labels.get(u32::from(row.label))?;
            Some(Trace {
                kind,
                value: row.value,
                family: labels.family(&label)?.as_bytes(),
                strength: row.strength,
                expires: label.expires(),
            })
        })
    }

    /// What the database says of a peer, whether its indicator has expired or not: a router whose clock
    /// stands at 1970 cannot tell.
    pub fn lookup(&self, address: IpAddr, port: u16) -> Match<'a> {
        self.search(address, port, None)
    }

    /// As [`lookup`](Intel::lookup), but an indicator that has expired at `now` (seconds since 1970) is as
    /// if it were not there: it does not hide a wider one that is still meant.
    pub fn lookup_at(&self, address: IpAddr, port: u16, now: u64) -> Match<'a> {
        self.search(address, port, Some(now))
    }

    fn search(&self, address: IpAddr, port: u16, now: Option<u64>) -> Match<'a> {
        let address = address.to_canonical();
        if self.never(address) {
            return Match::Never;
        }
        self.hit(address, port, now, None).map_or(Match::Nothing, Match::Listed)
    }

    /// Whether an address, in its own family, must not be accused, listed or not.
    #[must_use]
    pub fn never(&self, address: IpAddr) -> bool {
        let rows = match address {
            IpAddr::V4(address) => self.never_ipv4.and_then(|it| it.covering(address.to_bits())),
            IpAddr::V6(address) => self.never_ipv6.map(|it| it.covering(address.to_bits())),
        };
        rows.is_some_and(|mut rows| rows.next().is_some())
    }

    /// As [`lookup_at`](Intel::lookup_at), of an address in its own family, without a look whether it must not be accused.
    /// Most addresses are not listed at all, so a reader that asks for tens of thousands asks this first.
    #[must_use]
    pub fn listed(&self, address: IpAddr, port: u16, now: u64, sieve: Option<&Sieve>) -> Option<Hit<'a>> {
        self.hit(address, port, Some(now), sieve)
    }

    fn hit(&self, address: IpAddr, port: u16, now: Option<u64>, sieve: Option<&Sieve>) -> Option<Hit<'a>> {
        let (single, ranges) = match address {
            IpAddr::V4(address) => {
                let key = address.to_bits();
                let may = sieve.is_none_or(|sieve| sieve.lets_through(key));
                let single = if may { self.ipv4_single(key, port, now) } else { None };
                (single, self.ipv4_ranges.and_then(|it| it.covering(key)))
            }
            IpAddr::V6(address) => {
                let covering = |table: &Option<Table<'a>>| table.map(|it| it.covering(address.to_bits()));
                let single =
                    covering(&self.ipv6).and_then(|mut rows| self.best(&mut || rows.next(), port, now));
                (single, covering(&self.ipv6_ranges))
            }
        };
        single.or_else(|| {
            let mut rows = ranges?.take(RANGE_LABELS);
            self.best(&mut || rows.next(), port, now)
        })
    }

    /// The best label of a single address. There are addresses with thousands of ports: they are skipped.
    fn ipv4_single(&self, address: u32, port: u16, now: Option<u64>) -> Option<Hit<'a>> {
        let mut all = self.ipv4.labels_of(address)?;
        if all.are_few() {
            return self.best(&mut || all.next(), port, now);
        }
        let this_port = all.from(self.labels.first_of(port));
        this_port
            .and_then(|mut numbers| self.best(&mut || numbers.next(), port, now))
            .or_else(|| self.best(&mut || all.next(), 0, now))
    }

    /// The first of some labels, which are sorted by port, that is for this port, or else for every port.
    fn best(&self, numbers: &mut dyn FnMut() -> Option<u32>, port: u16, now: Option<u64>) -> Option<Hit<'a>> {
        let meant = |label: &Label| label.expires().is_none_or(|expires| now.is_none_or(|now| now < expires));
        let mut labels = core::iter::from_fn(numbers)
            .take(LABELS)
            .filter_map(|number| self.labels.get(number))
            .take_while(|label| label.port <= port)
            .filter(|label| (label.port == 0 || label.port == port) && meant(label));
        let first = labels.next()?;
        let best = labels.find(|label| label.port == port && first.port != port).unwrap_or(first);
        Some(Hit {
            family: self.labels.family(&best)?,
            port: (best.port != 0).then_some(best.port),
            expires: best.expires(),
        })
    }
}

/// The body of a section, when all of it lies inside the file.
fn body_of<'a>(bytes: &'a [u8], section: &Section) -> Option<&'a [u8]> {
    let tail = bytes.get(usize::try_from(section.offset).ok()?..)?;
    tail.get(..usize::try_from(section.length).ok()?)
}

/// Cuts the body of a section, when there is one, into what it holds.
fn cut<'a, T>(
    kind: u32,
    body: Option<(&'a [u8], u32)>,
    new: impl FnOnce(&'a [u8], u32) -> Option<T>,
) -> Result<Option<T>, Defect> {
    body.map(|(body, count)| new(body, count).ok_or(Defect::Section { kind, flaw: Flaw::Length })).transpose()
}

#[cfg(test)]
mod tests;
