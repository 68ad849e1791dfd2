//! One file that says how names are resolved: its lines in, what each says out. The lists of ad-blockers pass here, hundreds
//! of thousands of lines, so nothing is kept of a line.

use embedded_io::Read;

use super::file::{Each, File, leads};
use super::{Format, Said, To, What, uci};
use crate::facts::dnsmasq::{Row, row};
use crate::facts::names::{Hand, Use, server};
use crate::facts::nvram::{Event, Nvram};
use crate::facts::text::{Bytes, fields, is_one_of, trim};
use crate::host::Fault;
use crate::limits::{NAME_ROW_BYTES, READ_BYTES};
use crate::source::records;

impl File<'_> {
    /// Reads it, at most `left` bytes, which become fewer. `odd` becomes the first line that was not understood whole.
    pub(super) fn read<F: Read<Error = Fault>>(
        &self,
        file: &mut F,
        left: &mut u64,
        odd: &mut Option<u32>,
        each: Each<'_>,
    ) -> Result<(), Fault> {
        match self.format {
            Format::Network | Format::Dhcp => return uci::read(self, file, left, odd, each),
            Format::Nvram => return self.nvram(file, left, odd, each),
            _ => {}
        }
        let mut line = 0_u32;
        let mut counted = Counted { file, left };
        records::<NAME_ROW_BYTES, _>(&mut counted, b'\n', None, &mut |text, cut| {
            line = line.saturating_add(1);
            if cut {
                *odd = odd.or(Some(line));
            }
            self.line(line, text, each);
        })
    }

    fn line(&self, line: u32, text: &[u8], each: Each<'_>) {
        match self.format {
            Format::Dnsmasq => self.dnsmasq(line, text, each),
            Format::Hosts => self.hosts(line, text, each),
            Format::Resolv => {
                let mut words = fields(trim(text));
                if words.next() == Some(b"nameserver")
                    && let Some(target) = words.next()
                {
                    self.say(line, What::Server { domains: b"", target, text: target }, each);
                }
            }
            Format::Words(keys, purpose) => self.words(line, text, keys, purpose, each),
            Format::Network | Format::Dhcp | Format::Nvram => {}
        }
    }

    pub(super) fn say(&self, line: u32, what: What<'_>, each: Each<'_>) {
        each(&Said { file: self.path, line, hand: self.hand, what });
    }

    /// hosts(5): an address, and names.
    fn hosts(&self, line: u32, text: &[u8], each: Each<'_>) {
        let text = text.split(|byte| *byte == b'#').next().unwrap_or_default();
        let mut words = fields(trim(text));
        let Some(to) = words.next().and_then(leads) else { return };
        for name in words {
            self.say(line, What::Name(name, to), each);
        }
    }

    /// A line of dnsmasq's configuration.
    pub(super) fn dnsmasq(&self, line: u32, text: &[u8], each: Each<'_>) {
        let Some(row) = row(text) else { return };
        self.row(line, text, row, each);
    }

    /// What a line of dnsmasq's configuration says.
    pub(super) fn row(&self, line: u32, text: &[u8], row: Row<'_>, each: Each<'_>) {
        let mut say = |what| self.say(line, what, each);
        let parts = |text| <[u8]>::split(text, |byte| *byte == b'/').filter(|name| !name.is_empty());
        let list = |text| <[u8]>::split(text, |byte| *byte == b',').map(trim);
        match row {
            Row::Server { domains, target } => {
                let equals = text.iter().position(|byte| *byte == b'=').map_or(0, |at| at.saturating_add(1));
                let (key, value) = text.split_at_checked(equals).unwrap_or_default();
                // Local names are nobody else's; `#` leaves them to the others.
                if target.is_empty() {
                    parts(domains).for_each(|name| say(What::Name(name, To::Nowhere)));
                }
                if !target.is_empty() || trim(key).starts_with(b"server") {
                    say(What::Server { domains, target, text: trim(value) });
                }
            }
            Row::Address { domains, target } => {
                let to = if matches!(target, b"" | b"#") { Some(To::Nowhere) } else { leads(target) };
                if let Some(to) = to {
                    parts(domains).for_each(|name| say(What::Name(name, to)));
                }
            }
            Row::Record(values) => {
                for to in list(values).filter_map(leads) {
                    for name in list(values).take_while(|name| leads(name).is_none()) {
                        say(What::Name(name, to));
                    }
                }
            }
            Row::Alias(values) => {
                let number = |name: &&[u8]| !name.iter().all(u8::is_ascii_digit);
                let Some(target) = list(values).rfind(number) else { return };
                for name in list(values).filter(number).filter(|name| *name != target) {
                    say(What::Name(name, To::Alias(target)));
                }
            }
            Row::Option(Use::Proxy, value) => say(What::Option(Use::Proxy, value)),
            Row::Option(purpose, values) => {
                list(values).for_each(|value| say(What::Option(purpose, value)));
            }
            Row::More(kind, at) => say(What::More(kind, at)),
        }
    }

    /// `server 192.0.2.1`, `- address_data: 192.0.2.1`, `DNS=192.0.2.1 192.0.2.2`, `option dns 192.0.2.1;`.
    fn words(&self, line: u32, text: &[u8], keys: &[&[u8]], purpose: Use, each: Each<'_>) {
        // What stands behind # is the port or the name of a resolver in some, a remark in others: neither matters.
        let text = text.split(|byte| *byte == b'#').next().unwrap_or_default();
        let parts = text.split(|byte| matches!(byte, b' ' | b'\t' | b'=' | b',' | b';' | b'"' | b'\r'));
        let mut words = parts.filter(|word| !word.is_empty());
        let lead = |word: &&[u8]| !is_one_of(word, b"- option opt static");
        let Some(key) = words.by_ref().find(lead) else { return };
        if !keys.contains(&key) {
            return;
        }
        for target in words.filter(|word| server(word).is_some()) {
            let what = match purpose {
                Use::Asked => What::Server { domains: b"", target, text: target },
                _ => What::Option(purpose, target),
            };
            self.say(line, what, each);
        }
    }

    /// Variables in a dump or an image. What one means others say, which stand anywhere, so that the short ones are kept.
    fn nvram<F: Read<Error = Fault>>(
        &self,
        file: &mut F,
        left: &mut u64,
        odd: &mut Option<u32>,
        each: Each<'_>,
    ) -> Result<(), Fault> {
        let wanted = |key: &[u8]| is_one_of(key, LINES) || KINDS.iter().any(|(keys, _)| is_one_of(key, keys));
        let mut kept = heapless::Vec::<Variable, VARIABLES>::new();
        let (mut lines, mut row) = (None::<u32>, Bytes::<NAME_ROW_BYTES>::new());
        let mut event = |event: Event<'_>| match event {
            Event::Begin(key, line) if is_one_of(key, LINES) => lines = Some(line),
            Event::Begin(key, line) => {
                let kind = KINDS.iter().find(|(keys, _)| is_one_of(key, keys)).map(|(_, kind)| *kind);
                let variable = kind.map(|kind| Variable { kind, line, value: Bytes::new(), ended: false });
                if variable.is_some_and(|variable| kept.push(variable).is_err()) {
                    *odd = odd.or(Some(line));
                }
            }
            Event::Byte(byte) => match (&mut lines, kept.last_mut()) {
                (Some(line), _) if byte == b'\n' => {
                    self.dnsmasq(*line, row.as_slice(), each);
                    row.clear();
                    *line = line.saturating_add(1);
                }
                (Some(_), _) => row.push(&[byte]),
                (None, Some(variable)) => {
                    variable.ended |= byte == b'\n';
                    if !variable.ended {
                        variable.value.push(&[byte]);
                    }
                }
                (None, None) => {}
            },
            Event::End => {
                if let Some(line) = lines.take() {
                    self.dnsmasq(line, row.as_slice(), each);
                    row.clear();
                }
            }
        };
        let mut counted = Counted { file, left };
        let mut nvram = None::<Nvram<'_>>;
        let mut chunk = [0_u8; READ_BYTES];
        loop {
            let length = counted.read(&mut chunk)?;
            let read = chunk.get(..length).unwrap_or_default();
            let nvram = nvram.get_or_insert_with(|| Nvram::new(read.contains(&0), &wanted));
            for byte in read {
                nvram.push(*byte, &mut event);
            }
            if read.is_empty() {
                nvram.finish(&mut event);
                break;
            }
        }
        let has = |kind, value: &[u8]| {
            kept.iter()
                .any(|other| other.kind == kind && (value.is_empty() || other.value.as_slice() == value))
        };
        for variable in &kept {
            let fixed = if has(Variables::Protocol, b"static") { Hand::Fixed } else { Hand::Owner };
            let hand = match variable.kind {
                Variables::Given => Hand::Provider,
                // Where nothing else says what the provider gave, this is what is in use.
                Variables::Current => {
                    if has(Variables::Given, b"") {
                        fixed
                    } else {
                        Hand::Made
                    }
                }
                // They stay when the owner goes back to what the provider gives.
                Variables::Set => {
                    if has(Variables::Automatic, b"1") {
                        continue;
                    } else {
                        fixed
                    }
                }
                Variables::Offered => Hand::Owner,
                Variables::Automatic | Variables::Protocol => continue,
            };
            for text in fields(variable.value.as_slice()) {
                let what = match variable.kind {
                    Variables::Offered => What::Option(Use::Offered, text),
                    _ => What::Server { domains: b"", target: text, text },
                };
                each(&Said { file: self.path, line: variable.line, hand, what });
            }
        }
        Ok(())
    }
}

/// A reader that counts what it reads against what may be read.
struct Counted<'a, F> {
    file: &'a mut F,
    left: &'a mut u64,
}

impl<F: Read<Error = Fault>> embedded_io::ErrorType for Counted<'_, F> {
    type Error = Fault;
}

impl<F: Read<Error = Fault>> Read for Counted<'_, F> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let length = self.file.read(into)?;
        *self.left = self.left.checked_sub(u64::try_from(length).unwrap_or(u64::MAX)).ok_or(Fault::Large)?;
        Ok(length)
    }
}

/// What a variable in NVRAM is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variables {
    /// What the provider gave.
    Given,
    /// Set by hand in DD-WRT and Tomato, what is in use in ASUSWRT.
    Current,
    /// Set by hand.
    Set,
    /// Told to those who are served.
    Offered,
    /// Whether the provider's are used: 1.
    Automatic,
    /// How the provider is reached.
    Protocol,
}

struct Variable {
    kind: Variables,
    line: u32,
    value: Bytes<128>,
    ended: bool,
}

/// Variables that are kept.
const VARIABLES: usize = 24;

/// DD-WRT, Tomato, ASUSWRT, Padavan, Netgear.
const KINDS: [(&[u8], Variables); 6] = [
    (b"wan_get_dns wan0_get_dns", Variables::Given),
    (b"wan_dns wan0_dns", Variables::Current),
    (b"wan_dns1_x wan_dns2_x wan0_dns1_x wan0_dns2_x wan_ether_dns1 wan_ether_dns2", Variables::Set),
    (b"dhcp_dns1_x dhcp_dns2_x dhcp_dns3_x", Variables::Offered),
    (b"wan_dnsenable_x wan0_dnsenable_x", Variables::Automatic),
    (b"wan_proto wan0_proto", Variables::Protocol),
];
/// Lines of dnsmasq's configuration.
const LINES: &[u8] = b"dnsmasq_options dnsmasq_custom";
