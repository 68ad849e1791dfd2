//! A service of the router that the Internet reaches, or a firmware that gets no fixes.
//!
//! # Sees
//! Telnet, SSH, web pages, TR-069, UPnP, SMB, DNS and ADB of a router, one finding each, where it is seen or set that strangers
//! reach them: somebody from a public address is connected; the kernel has tracked such a flow, and the router answered; or a
//! setting lets everybody in and somebody listens: a rule or the zone `wan` of OpenWrt's firewall, ASUSWRT's, DD-WRT's,
//! Tomato's or Padavan's variable in a dump of NVRAM. Also OpenWrt 22.03 and older and LEDE, which get no fixes since
//! April 2024.
//!
//! # Why it matters
//! Nearly all described families come in by a guessed password or a known hole of a service that is open to the Internet.
//! This is a weak spot, and no sign that somebody has come in.
//!
//! # Misses and false alarms
//! Always `notice`. Owners open SSH and web pages on purpose, and providers TR-069. Silent on machines with one network, which
//! are servers, and for what a router is asked from the private network in front of it. A setting counts only where the
//! router has a public address. What is open and was not visited is known by settings alone: rules that somebody added by
//! hand are not seen here, nor are other ports than the usual ones. Vendors whose firmware stands on an old OpenWrt may have
//! fixes of their own. Of other firmware nothing is known.
//!
//! # Sources
//! OpenWrt, Security: Support status (openwrt.org/docs/guide-developer/security); OpenWrt, Firewall configuration; firmware
//! sources of ASUS, DD-WRT, Tomato and Padavan for their variables; MITRE ATT&CK T1190.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::exposure::Exposure;
use crate::facts::text::decimal;

/// The row of the table.
pub const CHECK: Check = Check {
    id: "exposed",
    area: Area::Network,
    severity: Severity::Notice,
    attack: "T1190",
    title: "a service of the router that the Internet reaches, or firmware without fixes",
    advice: Advice::WEAK,
    sources: &[Source::Exposure],
    hooks: &[Hook::Exposure(run)],
};

/// The last release of OpenWrt that gets no fixes any more.
const UNFIXED: (u64, u64) = (22, 3);

fn run(exposure: &Exposure<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let (service, evidence) = match exposure {
        Exposure::Service(service, evidence) => (service, evidence),
        Exposure::Firmware(file, name, version) => {
            if *name == b"LEDE" || *name == b"OpenWrt" && is_unfixed(version) {
                let draft = out.path(file).quote(name).say(" ").quote(version);
                out.found(draft.say(" gets no fixes any more"));
            }
            return;
        }
    };
    let draft = match (evidence.visitor.or(evidence.answered), evidence.setting) {
        (Some((remote, _)), _) => out.holder(None).remote(Some(remote)),
        (None, Some(((file, line), _))) => out.at(file, line),
        (None, None) => return,
    };
    let draft = draft.say("the Internet reaches ").say(service.words()).say(" of this router: ");
    out.found(if let Some((_, local)) = evidence.visitor {
        draft.say("somebody from there is connected to port ").number(local.port.into())
    } else if let Some((_, local)) = evidence.answered {
        draft.say("somebody from there was answered at port ").number(local.port.into())
    } else {
        draft.say("a setting lets everybody in")
    });
}

/// `19.07.10`, and not `21.02-SNAPSHOT`, which is somebody's own.
fn is_unfixed(version: &[u8]) -> bool {
    let mut parts = version.split(|b| *b == b'.').map(decimal);
    let (year, month) = (parts.next().flatten(), parts.next().flatten());
    let numbers = parts.all(|part| part.is_some());
    matches!((year, month), (Some(year), Some(month)) if numbers && (year, month) <= UNFIXED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::exposure;
    use crate::facts::endpoint::Endpoint;
    use crate::facts::exposure::{Evidence, Service};

    #[test]
    fn services_that_are_reached() {
        let ends = (
            Endpoint { ip: [198, 51, 100, 7].into(), port: 40_000 },
            Endpoint { ip: [203, 0, 113, 10].into(), port: 22 },
        );
        for evidence in [
            Evidence { visitor: Some(ends), ..Evidence::default() },
            Evidence { answered: Some(ends), ..Evidence::default() },
            Evidence { setting: Some(((b"/etc/config/firewall", 3), true)), ..Evidence::default() },
        ] {
            let found = exposure(&CHECK, &Exposure::Service(Service::Ssh, evidence));
            assert_eq!(found, [Severity::Notice], "{evidence:?}");
        }
        let listens = Evidence { open: true, wide: true, ..Evidence::default() };
        assert_eq!(exposure(&CHECK, &Exposure::Service(Service::Ssh, listens)), []);
    }

    #[test]
    fn firmware_without_fixes() {
        let weigh = |name: &str, version: &str| {
            exposure(
                &CHECK,
                &Exposure::Firmware(b"/etc/openwrt_release", name.as_bytes(), version.as_bytes()),
            )
        };
        for (name, version) in
            [("OpenWrt", "19.07.10"), ("OpenWrt", "22.03.7"), ("OpenWrt", "15.05"), ("LEDE", "17.01.7")]
        {
            assert_eq!(weigh(name, version), [Severity::Notice], "{version}");
        }
        for (name, version) in [
            ("OpenWrt", "23.05.5"),
            ("OpenWrt", "24.10.0"),
            ("OpenWrt", "SNAPSHOT"),
            ("OpenWrt", "21.02-SNAPSHOT"),
            ("OpenWrt", "19.07.0-vendor"),
            ("OpenWrt", ""),
            ("Vendor", "1.0"),
        ] {
            assert_eq!(weigh(name, version), [], "{version}");
        }
    }
}
