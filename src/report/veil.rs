//! What leaves this machine of those whom it serves: nothing but a word for each, unless the owner wants it told.
//!
//! Every finding and verdict goes through here on its way out. Names, paths, quoted lines: whatever a check says, addresses
//! and names of clients and hardware addresses in it are replaced ([`Lan::veil`]).

use core::fmt::Write;
use core::net::IpAddr;

use super::{CheckReport, Client, Event, Finding, Incident, Parent, Sink, SinkFault, Summary};
use crate::facts::endpoint::Endpoint;
use crate::facts::lan::{Lan, Word};
use crate::facts::text::Bytes;
use crate::limits::{CLIENT_BYTES, COMM_BYTES, DETAIL_BYTES, PARENTS, PATH_BYTES, WHY_BYTES};

/// Hands what is known of an address to a function, a word a call.
pub type Known<'a> = dyn Fn(IpAddr, &mut dyn FnMut(&[u8])) + 'a;

/// What is done with clients.
#[derive(Clone, Copy)]
pub enum Clients<'a> {
    /// They are veiled.
    Veiled(&'a Lan),
    /// They are told in full.
    Told(&'a Known<'a>),
}

/// A sink before which clients are veiled, or told in full.
pub struct Veil<'a, S> {
    to: S,
    clients: Clients<'a>,
}

impl<'a, S: Sink> Veil<'a, S> {
    /// Before `to`.
    pub const fn new(to: S, clients: Clients<'a>) -> Self {
        Self { to, clients }
    }
}

impl<S: Sink> Sink for Veil<'_, S> {
    fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
        match (event, self.clients) {
            (Event::Finding(finding), Clients::Veiled(lan)) => veiled(finding, lan, &mut self.to),
            (Event::Finding(finding), Clients::Told(known)) => told(finding, known, &mut self.to),
            (Event::Check(check), Clients::Veiled(lan)) => {
                let why = text::<WHY_BYTES>(check.why, lan);
                self.to.event(&Event::Check(CheckReport { why: why.as_slice(), ..*check }))
            }
            _ => self.to.event(event),
        }
    }

    fn incident(&mut self, _: &Incident<'_>) -> Result<(), SinkFault> {
        Ok(()) // The reporting process makes them.
    }

    fn summary(&mut self, summary: &Summary<'_>) -> Result<(), SinkFault> {
        self.to.summary(summary)
    }
}

/// A text as it may leave.
#[must_use]
pub fn text<const N: usize>(text: &[u8], lan: &Lan) -> Bytes<N> {
    const CUT: &[u8] = b" [cut]";
    let mut veiled = Bytes::new();
    lan.veil(text, &mut |piece| veiled.push(piece));
    if veiled.is_cut() {
        veiled.truncate(N.saturating_sub(CUT.len()));
        veiled.push(CUT);
    }
    veiled
}

fn veiled(finding: &Finding<'_>, lan: &Lan, to: &mut dyn Sink) -> Result<(), SinkFault> {
    let name = text::<COMM_BYTES>(finding.name, lan);
    let path = text::<PATH_BYTES>(finding.path, lan);
    let detail = text::<DETAIL_BYTES>(finding.detail, lan);
    let mut names = [const { Bytes::<COMM_BYTES>::new() }; PARENTS];
    for (name, parent) in names.iter_mut().zip(&finding.parents) {
        *name = text(parent.name, lan);
    }
    let mut parents = [Parent::default(); PARENTS];
    for ((parent, known), name) in parents.iter_mut().zip(&finding.parents).zip(&names) {
        *parent = Parent { pid: known.pid, name: name.as_slice() };
    }
    let hidden = |end: &Endpoint| lan.serves(end.ip);
    // Where nothing tells which addresses are the machine's own, its end is.
    let local = finding.local.filter(|end| lan.topology.addresses().is_empty() || !hidden(end));
    let remote = finding.remote.filter(|end| !hidden(end));
    // An end that cannot be told is the client that the finding is about, if it names none.
    let client = match finding.client {
        Some(Client::At(end)) => Some(end),
        Some(Client::Named(_)) => None,
        None => finding.remote.filter(hidden).or_else(|| finding.local.filter(|end| Some(*end) != local)),
    };
    let word: Option<Word> = client.map(|end| lan.word(end.ip));
    let named = word.as_ref().map(|word| Client::Named(word.as_slice())).or(finding.client);
    to.event(&Event::Finding(Finding {
        name: name.as_slice(),
        path: path.as_slice(),
        detail: detail.as_slice(),
        parents,
        local,
        remote,
        client: named,
        ..*finding
    }))
}

fn told(finding: &Finding<'_>, known: &Known<'_>, to: &mut dyn Sink) -> Result<(), SinkFault> {
    let mut name = Bytes::<CLIENT_BYTES>::new();
    if let Some(Client::At(end)) = finding.client {
        let _ = if end.port == 0 { write!(name, "{}", end.ip) } else { write!(name, "{end}") };
        known(end.ip, &mut |word| {
            name.push(b" ");
            name.push(word);
        });
        return to
            .event(&Event::Finding(Finding { client: Some(Client::Named(name.as_slice())), ..*finding }));
    }
    to.event(&Event::Finding(*finding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::topology::testing::home;
    use crate::report::{Looked, Severity};

    #[derive(Default)]
    struct Heard(Vec<String>);

    impl Sink for &mut Heard {
        fn event(&mut self, event: &Event<'_>) -> Result<(), SinkFault> {
            self.0.push(format!(
                "{event:?} {}",
                match event {
                    Event::Finding(finding) => {
                        let all =
                            [finding.name, finding.path, finding.detail, finding.parents[0].name].concat();
                        format!(
                            "{} {}",
                            String::from_utf8_lossy(&all),
                            finding.client.map_or(String::new(), |c| c.to_string())
                        )
                    }
                    Event::Check(check) => String::from_utf8_lossy(check.why).into_owned(),
                    _ => String::new(),
                }
            ));
            Ok(())
        }
        fn incident(&mut self, _: &Incident<'_>) -> Result<(), SinkFault> {
            Ok(())
        }
        fn summary(&mut self, _: &Summary<'_>) -> Result<(), SinkFault> {
            Ok(())
        }
    }

    fn finding() -> Finding<'static> {
        let at = |ip: [u8; 4]| Some(Endpoint { ip: ip.into(), port: 22 });
        let mut parents = [Parent::default(); PARENTS];
        parents[0] = Parent { pid: 1, name: b"192.168.1.24" };
        Finding {
            check: "socket-shell",
            severity: Severity::Infected,
            attack: "T1059.004",
            family: b"",
            pid: Some(1),
            name: b"192.168.1.21",
            path: b"/tmp/192.168.1.22",
            uid: None,
            owner: None,
            age_s: None,
            parents,
            line: None,
            local: at([192, 168, 1, 1]),
            remote: at([192, 168, 1, 20]),
            client: None,
            detail: b"said 192.168.1.23",
            history: None,
        }
    }

    fn heard(clients: Clients<'_>, event: &Event<'_>) -> String {
        let mut heard = Heard::default();
        Veil::new(&mut heard, clients).event(event).unwrap();
        heard.0.pop().unwrap()
    }

    #[test]
    fn no_field_shows_a_client() {
        let mut lan = Lan::new();
        lan.topology = home();
        let said = heard(Clients::Veiled(&lan), &Event::Finding(finding()));
        assert!(!said.contains("192.168.1.2"), "{said}");
        let word = lan.word([192, 168, 1, 20].into());
        assert!(said.ends_with(str::from_utf8(word.as_slice()).unwrap()), "{said}");
        assert!(said.contains("192.168.1.1, port: 22"), "the router's own: {said}");
        let why = b"/proc/x: 192.168.1.20 did not answer";
        let check = CheckReport { check: "x", looked: Looked::No, why, facts: 0, findings: 0 };
        assert!(!heard(Clients::Veiled(&lan), &Event::Check(check)).contains("192.168.1.2"));
    }

    #[test]
    fn in_full_when_that_is_wanted() {
        let known = |_: IpAddr, each: &mut dyn FnMut(&[u8])| {
            each(b"02:00:00:aa:bb:20");
            each(b"anns-phone");
        };
        let client = Some(Client::At(Endpoint { ip: [192, 168, 1, 20].into(), port: 50_000 }));
        let said = heard(Clients::Told(&known), &Event::Finding(Finding { client, ..finding() }));
        assert!(said.ends_with("192.168.1.20:50000 02:00:00:aa:bb:20 anns-phone"), "{said}");
        let said = heard(Clients::Told(&known), &Event::Finding(finding()));
        assert!(said.contains("192.168.1.21"), "{said}");
    }

    #[test]
    fn a_text_that_grows_beyond_its_room_says_so() {
        let mut lan = Lan::new();
        lan.topology = home();
        let veiled = text::<30>(b"192.168.1.2 192.168.1.3 192.168.1.4", &lan);
        assert!(veiled.as_slice().ends_with(b" [cut]") && veiled.as_slice().len() == 30);
    }
}
