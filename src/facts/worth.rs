//! Names that are worth a lie: who answers for one of these at another address can hold up an update, or take a password.

/// What a name is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Updates of computers.
    Update,
    /// Protection from malware, and its updates.
    Protection,
    /// Banks and payment.
    Money,
    /// Updates of routers and of their packages.
    Firmware,
    /// Mail, accounts, and exchanges of money that no bank keeps.
    Login,
    /// Everything: dnsmasq's `#`.
    Every,
    /// Where miners of money that no bank keeps meet: bots shut out rivals.
    Pool,
}

impl Worth {
    /// It in words, as in "the name of …".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Worth::Update => "updates",
            Worth::Protection => "protection from malware",
            Worth::Money => "a bank or of payment",
            Worth::Firmware => "updates of routers",
            Worth::Login => "mail or accounts",
            Worth::Every => "everything",
            Worth::Pool => "a mining pool",
        }
    }
}

/// What is worth it: the name with all below it. Sorted, so that half a list of ads is passed in little time.
const NAMES: [(&[u8], Worth); 132] = [
    (b"2miners.com", Worth::Pool),
    (b"alipay.com", Worth::Money),
    (b"americanexpress.com", Worth::Money),
    (b"antpool.com", Worth::Pool),
    (b"appleid.apple.com", Worth::Login),
    (b"archive.ubuntu.com", Worth::Firmware),
    (b"avast.com", Worth::Protection),
    (b"avg.com", Worth::Protection),
    (b"avira.com", Worth::Protection),
    (b"bancodobrasil.com.br", Worth::Money),
    (b"bankofamerica.com", Worth::Money),
    (b"banrisul.com.br", Worth::Money),
    (b"barclays.co.uk", Worth::Money),
    (b"bb.com.br", Worth::Money),
    (b"bbva.com", Worth::Money),
    (b"bbva.es", Worth::Money),
    (b"binance.com", Worth::Login),
    (b"bitdefender.com", Worth::Protection),
    (b"bitdefender.net", Worth::Protection),
    (b"blockchain.com", Worth::Login),
    (b"bnpparibas.net", Worth::Money),
    (b"bradesco.b.br", Worth::Money),
    (b"bradesco.com.br", Worth::Money),
    (b"c3pool.com", Worth::Pool),
    (b"c3pool.org", Worth::Pool),
    (b"caixa.gov.br", Worth::Money),
    (b"caixabank.es", Worth::Money),
    (b"capitalone.com", Worth::Money),
    (b"chase.com", Worth::Money),
    (b"citi.com", Worth::Money),
    (b"citibank.com", Worth::Money),
    (b"clamav.net", Worth::Protection),
    (b"coinbase.com", Worth::Login),
    (b"commerzbank.de", Worth::Money),
    (b"credit-agricole.fr", Worth::Money),
    (b"crypto-pool.fr", Worth::Pool),
    (b"deb.debian.org", Worth::Firmware),
    (b"delivery.mp.microsoft.com", Worth::Update),
    (b"deutsche-bank.de", Worth::Money),
    (b"dlcdnets.asus.com", Worth::Firmware),
    (b"download.microsoft.com", Worth::Update),
    (b"download.mikrotik.com", Worth::Firmware),
    (b"download.tp-link.com", Worth::Firmware),
    (b"downloads.netgear.com", Worth::Firmware),
    (b"downloads.openwrt.org", Worth::Firmware),
    (b"drweb.com", Worth::Protection),
    (b"dwarfpool.com", Worth::Pool),
    (b"eset.com", Worth::Protection),
    (b"f-secure.com", Worth::Protection),
    (b"f2pool.com", Worth::Pool),
    (b"files.dlink.com.au", Worth::Firmware),
    (b"firmware-selector.openwrt.org", Worth::Firmware),
    (b"fortiguard.com", Worth::Protection),
    (b"fw-download.ubnt.com", Worth::Firmware),
    (b"fw-update.ubnt.com", Worth::Firmware),
    (b"gdmf.apple.com", Worth::Update),
    (b"gmail.com", Worth::Login),
    (b"hashvault.pro", Worth::Pool),
    (b"herominers.com", Worth::Pool),
    (b"hsbc.co.uk", Worth::Money),
    (b"hsbc.com", Worth::Money),
    (b"ing.de", Worth::Money),
    (b"ing.nl", Worth::Money),
    (b"intesasanpaolo.com", Worth::Money),
    (b"itau.com.br", Worth::Money),
    (b"kaspersky-labs.com", Worth::Protection),
    (b"kaspersky.com", Worth::Protection),
    (b"kraken.com", Worth::Login),
    (b"labanquepostale.fr", Worth::Money),
    (b"liveupdate.asus.com", Worth::Firmware),
    (b"lloydsbank.co.uk", Worth::Money),
    (b"login.live.com", Worth::Login),
    (b"login.microsoftonline.com", Worth::Login),
    (b"login.yahoo.com", Worth::Login),
    (b"mail.google.com", Worth::Login),
    (b"mail.yahoo.com", Worth::Login),
    (b"malwarebytes.com", Worth::Protection),
    (b"mastercard.com", Worth::Money),
    (b"mcafee.com", Worth::Protection),
    (b"mercadopago.com.br", Worth::Money),
    (b"mesu.apple.com", Worth::Update),
    (b"minergate.com", Worth::Pool),
    (b"minexmr.com", Worth::Pool),
    (b"monerohash.com", Worth::Pool),
    (b"moneroocean.stream", Worth::Pool),
    (b"myetherwallet.com", Worth::Login),
    (b"nanopool.org", Worth::Pool),
    (b"natwest.com", Worth::Money),
    (b"nicehash.com", Worth::Pool),
    (b"norton.com", Worth::Protection),
    (b"nubank.com.br", Worth::Money),
    (b"outlook.com", Worth::Login),
    (b"outlook.office.com", Worth::Login),
    (b"outlook.office365.com", Worth::Login),
    (b"pandasecurity.com", Worth::Protection),
    (b"paypal.com", Worth::Money),
    (b"postbank.de", Worth::Money),
    (b"raiffeisen.ch", Worth::Money),
    (b"santander.co.uk", Worth::Money),
    (b"santander.com", Worth::Money),
    (b"santander.com.br", Worth::Money),
    (b"sberbank.ru", Worth::Money),
    (b"security.debian.org", Worth::Firmware),
    (b"security.ubuntu.com", Worth::Firmware),
    (b"sicredi.com.br", Worth::Money),
    (b"societegenerale.fr", Worth::Money),
    (b"sophos.com", Worth::Protection),
    (b"sophosupd.com", Worth::Protection),
    (b"sparkasse.de", Worth::Money),
    (b"static.tp-link.com", Worth::Firmware),
    (b"supportxmr.com", Worth::Pool),
    (b"swscan.apple.com", Worth::Update),
    (b"symantec.com", Worth::Protection),
    (b"symantecliveupdate.com", Worth::Protection),
    (b"tbank.ru", Worth::Money),
    (b"tinkoff.ru", Worth::Money),
    (b"trendmicro.com", Worth::Protection),
    (b"ubs.com", Worth::Money),
    (b"unicredit.it", Worth::Money),
    (b"update.microsoft.com", Worth::Update),
    (b"update.zyxel.com", Worth::Firmware),
    (b"updates.draytek.com", Worth::Firmware),
    (b"updates1.netgear.com", Worth::Firmware),
    (b"upgrade.mikrotik.com", Worth::Firmware),
    (b"virustotal.com", Worth::Protection),
    (b"visa.com", Worth::Money),
    (b"wdcp.microsoft.com", Worth::Protection),
    (b"wellsfargo.com", Worth::Money),
    (b"windowsupdate.com", Worth::Update),
    (b"windowsupdate.microsoft.com", Worth::Update),
    (b"xmrpool.eu", Worth::Pool),
    (b"zkb.ch", Worth::Money),
];

/// Most labels of a name in the table.
const LABELS: u32 = 4;

/// What a name is worth, and its place in the table, by which one is told from another.
#[must_use]
pub fn worth(name: &[u8]) -> Option<(Worth, usize)> {
    if name == b"#" {
        return Some((Worth::Every, NAMES.len()));
    }
    let name = name.strip_suffix(b".").unwrap_or(name);
    let mut front = name.len();
    for label in 1..=LABELS {
        let dot = name.get(..front)?.iter().rposition(|byte| *byte == b'.');
        let end = name.get(dot.map_or(0, |dot| dot.saturating_add(1))..)?;
        if label > 1 {
            let found = NAMES.binary_search_by(|(known, _)| {
                known.iter().copied().cmp(end.iter().map(u8::to_ascii_lowercase))
            });
            if let Ok(at) = found {
                return NAMES.get(at).map(|(_, worth)| (*worth, at));
            }
        }
        front = dot?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_short_enough() {
        assert!(NAMES.is_sorted_by(|(one, _), (next, _)| one < next));
        for (name, _) in NAMES {
            let labels = name.split(|byte| *byte == b'.').count();
            assert!((2..=usize::try_from(LABELS).unwrap()).contains(&labels));
            assert_eq!(name.to_ascii_lowercase(), name);
        }
    }

    #[test]
    fn names_and_what_is_below_them() {
        let of = |name: &[u8]| worth(name).map(|(worth, _)| worth);
        for (name, expected) in [
            (&b"paypal.com"[..], Some(Worth::Money)),
            (b"www.PayPal.com.", Some(Worth::Money)),
            (b"a.b.c.d.bradesco.com.br", Some(Worth::Money)),
            (b"au.download.windowsupdate.com", Some(Worth::Update)),
            (b"x.delivery.mp.microsoft.com", Some(Worth::Update)),
            (b"www.update.microsoft.com", Some(Worth::Update)),
            (b"pool.minexmr.com", Some(Worth::Pool)),
            (b"microsoft.com", None),
            (b"telemetry.microsoft.com", None),
            (b"notpaypal.com", None),
            (b"paypal.com.evil.example", None),
            (b"com", None),
            (b"#", Some(Worth::Every)),
            (b".", None),
            (b"", None),
            (b"..", None),
            (b".paypal.com", Some(Worth::Money)),
            (b"\xff\0.eset.com", Some(Worth::Protection)),
        ] {
            assert_eq!(of(name), expected, "{}", String::from_utf8_lossy(name));
        }
    }
}
