//! What is said of names, weighed: whose the addresses are, what provider, image and baseline say of them, and how much a file
//! says of the same kind. So facts are made, and the sinkholes of ad-blockers only counted.

use core::net::IpAddr;

use super::file::File;
use super::known::Known;
use super::{Format, Listener, Said, To, What};
use crate::facts::endpoint::Endpoint;
use crate::facts::names::{Hand, Named, Resolver, Use, is_made_up, is_well_known, server};
use crate::facts::origin::Item;
use crate::facts::text::trim;
use crate::facts::topology::{Side, Topology, is_local};
use crate::facts::worth::{Worth, worth};
use crate::host::Host;
use crate::limits::{IMAGE_LINES, RESOLVERS, SMALL_FILE_BYTES, TOLD_NAMES};
use crate::source::links::real;
use crate::source::mounts::Mounts;
use crate::source::owner::relative;
use crate::source::truth::Truths;

/// What comes out.
#[derive(Clone, Copy)]
pub enum Fact<'f> {
    /// Somebody who is asked.
    Resolver(&'f Resolver<'f>),
    /// A name that leads somewhere.
    Named(&'f Named<'f>),
}

/// Names that lead nowhere of which it is looked up what they are worth: beyond them it is a list, or a file has shown what
/// it is.
const WEIGHED: u32 = 4096;
/// So many of a kind are a list, and not somebody's few words.
const LIST: u32 = 64;
/// So few names that lead nowhere somebody wrote by hand.
const BY_HAND: u32 = 32;

/// What one file says.
#[derive(Default)]
struct Tally {
    /// Resolvers of single names.
    split: u32,
    /// Names that lead to strangers, and whether one of them is worth something.
    strangers: u32,
    valued: bool,
    /// Names that lead nowhere; of those that were weighed the ones that are worth something.
    sunk: u32,
    weighed: u32,
    sunk_valued: u32,
    /// Makers of protection among them, a bit each, and mining pools.
    protections: u128,
    pools: u128,
    /// Something else is to be told.
    again: bool,
    /// Names that were told.
    told: u32,
    sunk_told: bool,
}

/// Listens and makes facts.
pub struct Weigh<'a, H: Host> {
    host: &'a H,
    topology: &'a Topology,
    mounts: &'a Mounts,
    truths: Truths,
    /// Domains are listed, so every name that leads to a stranger matters.
    domains: bool,
    /// Takes the facts; whether somebody has something to say to one.
    each: &'a mut dyn FnMut(Fact<'_>) -> bool,
    known: Known,
    /// What was told, and whether it was a program's file: settings come twice, as they are and as dnsmasq is told.
    said: heapless::Vec<(IpAddr, Use, bool), RESOLVERS>,
    format: Format,
    tally: Tally,
    /// Hashes of what the image's file of that name says.
    image: heapless::Vec<u32, IMAGE_LINES>,
    /// What was found of both kinds: files, and statements in them.
    pub resolver_files: u32,
    /// See above.
    pub resolvers: u32,
    /// See above.
    pub name_files: u32,
    /// See above.
    pub names: u32,
    /// Names of strangers were left out, or resolvers did not fit.
    pub cut: bool,
}

impl<'a, H: Host> Weigh<'a, H> {
    /// Before the first file.
    pub fn new(
        host: &'a H,
        topology: &'a Topology,
        mounts: &'a Mounts,
        truths: Truths,
        domains: bool,
        each: &'a mut dyn FnMut(Fact<'_>) -> bool,
    ) -> Self {
        Self {
            host,
            topology,
            mounts,
            truths,
            domains,
            each,
            known: Known::default(),
            said: heapless::Vec::new(),
            format: Format::Resolv,
            tally: Tally::default(),
            image: heapless::Vec::new(),
            resolver_files: 0,
            resolvers: 0,
            name_files: 0,
            names: 0,
            cut: false,
        }
    }

    /// Whether an address is the world's, and nobody here made it up.
    fn is_stranger(&self, ip: IpAddr) -> bool {
        !is_local(ip) && !is_made_up(ip) && self.topology.side(ip) == Side::Wan
    }

    fn resolver(&mut self, said: &Said<'_>, at: Endpoint, name: &[u8], purpose: Use, text: &[u8]) {
        let (stranger, well_known) = (self.is_stranger(at.ip), is_well_known(at.ip));
        let made = matches!(said.hand, Hand::Provider | Hand::Made);
        if name.is_empty() && self.said.contains(&(at.ip, purpose, made)) {
            return;
        }
        let worth = worth(name).map(|(worth, _)| worth).filter(|_| purpose == Use::Asked);
        let resolver = Resolver {
            file: said.file,
            line: said.line,
            at,
            name,
            purpose,
            hand: said.hand,
            stranger: stranger && !well_known,
            well_known,
            given: self.known.given(at.ip, said.hand, self.format, self.topology),
            standing: self.truths.item(Item::Resolver, text, None),
            worth,
            many: self.tally.split > LIST,
        };
        if (self.each)(Fact::Resolver(&resolver)) && name.is_empty() {
            // What does not fit is told twice.
            let _ = self.said.push((at.ip, purpose, made));
        }
    }

    fn named(&mut self, said: &Said<'_>, name: &[u8], to: To<'_>) {
        let weighed = worth(name).map(|(worth, _)| worth);
        let address = match to {
            To::At(ip) => Some(ip).filter(|ip| self.is_stranger(*ip)),
            To::Nowhere | To::Alias(_) => None,
        };
        let sunk = to == To::Nowhere;
        let told = match to {
            To::At(_) => address.is_some() && (weighed.is_some() || self.domains),
            To::Nowhere => weighed.is_some() && self.sinks_matter() && !self.tally.sunk_told,
            // Somewhere else in the same house, or where a search engine leaves out what children should not see.
            To::Alias(target) => weighed.is_some() && worth(target) != worth(name),
        };
        if !told {
            return;
        }
        if self.tally.told >= TOLD_NAMES {
            self.cut = true;
            return;
        }
        let share = self.is_share();
        let count = |mask: u128| if share { mask.count_ones() } else { 0 };
        let (protections, pools) = (count(self.tally.protections), count(self.tally.pools));
        let served = self.topology.is_router() || self.format != Format::Hosts;
        let many = !sunk && self.tally.strangers > LIST;
        let Said { file, line, .. } = *said;
        let fact =
            Named { file, line, name, to: address, worth: weighed, sunk, served, many, protections, pools };
        if (self.each)(Fact::Named(&fact)) {
            self.tally.told = self.tally.told.saturating_add(1);
            self.tally.sunk_told |= sunk;
        }
    }

    /// Whether a good part of the names that lead nowhere are worth something: a list of ads has few of them.
    fn is_share(&self) -> bool {
        self.tally.sunk_valued.saturating_mul(4) >= self.tally.weighed
    }

    fn sinks_matter(&self) -> bool {
        self.tally.sunk_valued > 0 && (self.is_share() || self.tally.sunk <= BY_HAND)
    }

    /// Reads what the image has in the same place.
    fn read_image(&mut self, path: &[u8], format: Format) {
        self.image.clear();
        let Ok((mut file, _)) = self.truths.in_image(self.host, path) else { return };
        let (mut left, mut odd) = (SMALL_FILE_BYTES, None);
        let image = &mut self.image;
        let reader = File { path, format, hand: Hand::Owner };
        // What does not fit, or cannot be read, is not known: it does not speak for anything.
        let _ = reader.read(&mut file, &mut left, &mut odd, &mut |said| {
            let _ = image.push(hash(said));
        });
    }
}

impl<H: Host> Listener for Weigh<'_, H> {
    fn file(&mut self, path: &[u8], format: Format) -> bool {
        self.format = format;
        self.tally = Tally::default();
        let resolvers = format != Format::Hosts;
        let names = matches!(format, Format::Hosts | Format::Dnsmasq | Format::Dhcp);
        self.resolver_files = self.resolver_files.saturating_add(u32::from(resolvers));
        self.name_files = self.name_files.saturating_add(u32::from(names));
        // What a provider gave lies in memory: on a disk it may be from long ago.
        self.known.old = self.host.in_memory(relative(path)) == Ok(false);
        // Nobody writes into an image.
        if format != Format::Nvram && self.mounts.over(real(self.host, path).as_slice()).image {
            return false;
        }
        self.read_image(path, format);
        true
    }

    fn said(&mut self, said: &Said<'_>) {
        match said.what {
            What::Server { domains, target, .. } => {
                let Some(at) = server(target) else { return };
                self.resolvers = self.resolvers.saturating_add(1);
                if domains.is_empty() {
                    self.cut |= !self.known.know(at.ip, said.hand, self.format);
                    self.tally.again = true;
                } else {
                    self.tally.split = self.tally.split.saturating_add(1);
                    self.tally.again |= self.domains || self.is_stranger(at.ip) && !is_well_known(at.ip);
                }
            }
            What::Option(..) => {
                self.resolvers = self.resolvers.saturating_add(1);
                self.tally.again = true;
            }
            What::Name(name, to) => {
                self.names = self.names.saturating_add(1);
                let tally = &mut self.tally;
                match to {
                    To::Nowhere => {
                        tally.sunk = tally.sunk.saturating_add(1);
                        if tally.sunk > WEIGHED {
                            return;
                        }
                        tally.weighed = tally.sunk;
                        let Some((weighed, at)) = worth(name) else { return };
                        tally.sunk_valued = tally.sunk_valued.saturating_add(1);
                        let bit = 1_u128.wrapping_shl(u32::try_from(at).unwrap_or_default());
                        match weighed {
                            Worth::Protection => tally.protections |= bit,
                            Worth::Pool => tally.pools |= bit,
                            _ => {}
                        }
                    }
                    To::At(ip) => {
                        if self.is_stranger(ip) {
                            self.tally.strangers = self.tally.strangers.saturating_add(1);
                            self.tally.valued |= worth(name).is_some();
                        }
                    }
                    To::Alias(_) => tally.again |= worth(name).is_some(),
                }
            }
            What::More(..) => {}
        }
    }

    fn end(&mut self) -> bool {
        let strangers = self.tally.valued || self.domains && self.tally.strangers > 0;
        self.tally.again || strangers || self.sinks_matter()
    }

    fn again(&mut self, said: &Said<'_>) {
        if self.image.contains(&hash(said)) {
            return;
        }
        match said.what {
            What::Server { domains, target, text } => {
                let Some(at) = server(target) else { return };
                if domains.is_empty() {
                    return self.resolver(said, at, b"", Use::Asked, text);
                }
                let strange = self.is_stranger(at.ip) && !is_well_known(at.ip);
                for name in domains.split(|byte| *byte == b'/') {
                    if self.domains || strange && worth(name).is_some() {
                        self.resolver(said, at, name, Use::Asked, text);
                    }
                }
            }
            What::Option(Use::Proxy, value) => {
                if let Some(host) = host_of(value) {
                    let nowhere = Endpoint { ip: IpAddr::from([0; 4]), port: 0 };
                    let (at, name) = server(host).map_or((nowhere, host), |at| (at, &b""[..]));
                    self.resolver(said, at, name, Use::Proxy, value);
                }
            }
            What::Option(purpose, value) => {
                if let Some(at) = server(value) {
                    self.resolver(said, at, b"", purpose, value);
                }
            }
            What::Name(name, to) => self.named(said, name, to),
            What::More(..) => {}
        }
    }

    fn missed(&mut self, _: &[u8], _: Format) {}
}

/// The host of a URL.
fn host_of(value: &[u8]) -> Option<&[u8]> {
    let at = value.windows(3).position(|window| window == b"://")?;
    let rest = value.get(at.saturating_add(3)..)?;
    if rest.starts_with(b"[") {
        return rest.split(|byte| *byte == b']').next().and_then(|host| host.get(1..));
    }
    let end = |byte: &u8| matches!(byte, b'/' | b':' | b'"' | b'?' | b',');
    rest.split(end).next().map(trim).filter(|host| !host.is_empty())
}

/// FNV-1a of what a line says.
fn hash(said: &Said<'_>) -> u32 {
    let octets;
    let (mark, one, other): (u8, &[u8], &[u8]) = match said.what {
        What::Server { text, .. } => (0, text, b""),
        What::Option(_, value) => (1, value, b""),
        What::Name(name, To::Nowhere) => (2, name, b""),
        What::Name(name, To::At(ip)) => {
            octets = match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            (3, name, &octets)
        }
        What::Name(name, To::Alias(target)) => (4, name, target),
        What::More(_, path) => (5, path, b""),
    };
    let bytes = [mark].into_iter().chain(one.iter().copied()).chain([0]).chain(other.iter().copied());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
