//! Whose an address is: the machine's own, one of the networks it serves, or the world's beyond its provider.

use core::net::IpAddr;

use super::ipv4::is_public;
use super::route::{Interface, Prefix, Route};
use crate::limits::{OWN_ADDRESSES, ROUTES};

/// Whose an address is, as seen from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This machine's own, 127.0.0.1 and `::1` too.
    Own,
    /// Of a network that it serves, or a neighbour's.
    Lan,
    /// Of the world beyond the provider.
    Wan,
    /// Nobody's: a group, everybody, or unspecified.
    Group,
}

/// Routes and own addresses. Interfaces that lead to the world are those with a default route or one to a good part
/// of the world (a VPN to which all but private networks are sent), or with a route over a gateway to one public host (a VPN's own server); all others lead to networks that are served. A public network over a gateway
/// says nothing: a router behind this one has a part of the provider's prefix (RFC 8415 section 6.3).
#[derive(Debug, Default)]
pub struct Topology {
    routes: heapless::Vec<Route, ROUTES>,
    own: heapless::Vec<IpAddr, OWN_ADDRESSES>,
    /// Something did not fit.
    cut: bool,
}

impl Topology {
    /// Nothing known yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { routes: heapless::Vec::new(), own: heapless::Vec::new(), cut: false }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.routes.clear();
        self.own.clear();
        self.cut = false;
    }

    /// Takes in a route. Where there are many, as of whole countries, those that lead where a wider one does are left out: they
    /// change nothing.
    pub fn route(&mut self, route: Route) {
        let same = |wider: &Route| {
            (wider.gateway, wider.interface.as_slice()) == (route.gateway, route.interface.as_slice())
        };
        let crowded = self.routes.len() >= ROUTES / 2;
        if !(crowded
            && self.best(route.to.ip).is_some_and(|wider| wider.to.length <= route.to.length && same(wider)))
        {
            self.cut |= self.routes.push(route).is_err();
        }
    }

    /// Takes in an own address.
    pub fn own(&mut self, ip: IpAddr) {
        let ip = ip.to_canonical();
        if !self.own.contains(&ip) {
            self.cut |= self.own.push(ip).is_err();
        }
    }

    /// Whether something did not fit.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// All routes.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// All own addresses.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.own
    }

    /// Whether an interface leads to the world.
    #[must_use]
    pub fn is_wan(&self, interface: &[u8]) -> bool {
        self.routes.iter().any(|route| {
            let wide = route.to.length <= if route.to.ip.is_ipv4() { 7 } else { 3 };
            // 224.0.0.0/4 leads to the network that is served.
            let default = wide && !route.to.ip.is_multicast();
            let far = route.gateway && route.to.is_one() && !is_local(route.to.ip);
            route.interface.as_slice() == interface && (default || far)
        })
    }

    /// The interface through which an address is reached: of the routes that hold it the narrowest.
    #[must_use]
    pub fn towards(&self, ip: IpAddr) -> Option<&Interface> {
        self.best(ip.to_canonical()).map(|route| &route.interface)
    }

    fn best(&self, ip: IpAddr) -> Option<&Route> {
        // Of equals the first: the kernel lists them by metric.
        let holding = self.routes.iter().filter(|route| route.to.holds(ip));
        holding.reduce(|best, other| if other.to.length > best.to.length { other } else { best })
    }

    /// Whose an address is. Without routes a private address counts as served and any other as the world's.
    #[must_use]
    pub fn side(&self, ip: IpAddr) -> Side {
        let ip = ip.to_canonical();
        if ip.is_loopback() || self.own.contains(&ip) {
            return Side::Own;
        }
        let everybody = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
        if ip.is_unspecified() || ip.is_multicast() || everybody {
            return Side::Group;
        }
        match self.best(ip) {
            // Whoever is on the link itself is no stranger.
            _ if is_link_local(ip) => Side::Lan,
            Some(route) if self.is_wan(route.interface.as_slice()) => {
                // A machine with one interface is no router: who shares its private network is a neighbour.
                let neighbour = is_local(ip) && !route.gateway && route.to.length > 1 && !self.is_router();
                if neighbour { Side::Lan } else { Side::Wan }
            }
            Some(_) => Side::Lan,
            None if is_local(ip) => Side::Lan,
            None => Side::Wan,
        }
    }

    /// The same for those who count strangers: a neighbour is none.
    #[must_use]
    pub fn near(&self, ip: IpAddr, side: Side) -> Side {
        if side == Side::Wan && self.is_neighbour(ip) { Side::Lan } else { side }
    }

    /// Whether an address is of a private network that this machine is in, whoever serves that: of the router in front of this
    /// one, or of the home in which this machine is a server with networks of its own. There IPv6 is public, on a link that
    /// has private addresses of IPv4.
    #[must_use]
    pub fn is_neighbour(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        let near = |route: &&Route| !route.gateway && route.to.length > 1;
        let home = |route: &Route| {
            let here = |other: &&Route| other.interface == route.interface && other.to.ip.is_ipv4();
            is_local(ip)
                || ip.is_ipv6()
                    && self.routes.iter().filter(here).any(|other| near(&other) && is_local(other.to.ip))
        };
        !self.own.contains(&ip) && self.best(ip).filter(near).is_some_and(home)
    }

    /// Whether a network of an interface is private and does not lead to the world; the networks that are served.
    pub fn served(&self) -> impl Iterator<Item = &Prefix> {
        self.routes.iter().filter(|route| !self.is_wan(route.interface.as_slice())).map(|route| &route.to)
    }

    /// Whether there is an interface besides those that lead to the world.
    #[must_use]
    pub fn is_router(&self) -> bool {
        self.served().any(|net| !is_link_local(net.ip))
    }
}

/// Whether an address cannot be a stranger's: private, of the link, unique local (RFC 4193).
#[must_use]
pub fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !is_public(ip),
        IpAddr::V6(ip) => {
            ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
        }
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::facts::text::Bytes;

    /// A topology from `"NETWORK/LENGTH [via] INTERFACE"` and own addresses.
    pub(crate) fn topology(routes: &[&str], own: &[&str]) -> Topology {
        let mut topology = Topology::new();
        for text in routes {
            let mut words = text.split(' ');
            let (ip, length) = words.next().unwrap().split_once('/').unwrap();
            let to = Prefix { ip: ip.parse().unwrap(), length: length.parse().unwrap() };
            let interface = Bytes::of(text.rsplit(' ').next().unwrap().as_bytes());
            topology.route(Route { to, gateway: words.next() == Some("via"), interface });
        }
        own.iter().for_each(|ip| topology.own(ip.parse().unwrap()));
        topology
    }

    /// A home router: LAN 192.168.1.0/24 and 2001:db8:1::/64 on br-lan, the world behind 203.0.113.1 on eth1, its own addresses
    /// 192.168.1.1, 203.0.113.10, 2001:db8:1::1.
    pub(crate) fn home() -> Topology {
        topology(
            &[
                "0.0.0.0/0 via eth1",
                "192.168.1.0/24 on br-lan",
                "203.0.113.0/24 on eth1",
                "2001:db8:1::/64 on br-lan",
                "::/0 via eth1",
            ],
            &["192.168.1.1", "203.0.113.10", "2001:db8:1::1"],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{home, topology};
    use super::*;
    use crate::facts::text::Bytes;

    fn sides(topology: &Topology, expected: &[(&str, Side)]) {
        for (ip, side) in expected {
            assert_eq!(topology.side(ip.parse().unwrap()), *side, "{ip}");
        }
    }

    #[test]
    fn a_home_router() {
        sides(
            &home(),
            &[
                ("192.168.1.1", Side::Own),
                ("127.0.0.1", Side::Own),
                ("::ffff:192.168.1.1", Side::Own),
                ("192.168.1.20", Side::Lan),
                ("2001:db8:1::20", Side::Lan),
                ("fe80::1", Side::Lan),
                ("198.51.100.7", Side::Wan),
                ("2001:db8:2::1", Side::Wan),
                // The provider's own network, and what nobody has.
                ("203.0.113.1", Side::Wan),
                ("10.0.0.1", Side::Wan),
                ("239.255.255.250", Side::Group),
                ("255.255.255.255", Side::Group),
                ("0.0.0.0", Side::Group),
                ("ff02::1", Side::Group),
            ],
        );
    }

    #[test]
    fn a_router_behind_a_router_and_a_machine_with_one_interface() {
        let behind = ["0.0.0.0/0 via eth1", "192.168.0.0/24 on eth1", "192.168.1.0/24 on br-lan"];
        let topology_behind =
            topology(&[&behind[..], &["2001:db8:1::/64 on eth1"]].concat(), &["192.168.0.2"]);
        sides(&topology_behind, &[("192.168.0.1", Side::Wan), ("192.168.1.2", Side::Lan)]);
        let provider =
            topology(&["0.0.0.0/0 via eth1", "203.0.113.0/24 on eth1", "2001:db8:1::/64 on eth1"], &[]);
        assert!(!provider.is_neighbour("2001:db8:1::20".parse().unwrap()));
        for (ip, near) in [
            ("192.168.0.1", true),
            ("192.168.0.2", false),
            ("192.168.1.2", true),
            ("2001:db8:1::20", true),
            ("10.0.0.1", false),
            ("198.51.100.7", false),
            ("2001:db8:2::20", false),
        ] {
            assert_eq!(topology_behind.is_neighbour(ip.parse().unwrap()), near, "{ip}");
            let side = topology_behind.near(ip.parse().unwrap(), Side::Wan);
            assert_eq!(side == Side::Lan, near, "{ip}");
        }
        let access_point = topology(
            &["0.0.0.0/0 via br-lan", "192.168.1.0/24 on br-lan", "fe80::/64 on eth0"],
            &["192.168.1.2"],
        );
        sides(
            &access_point,
            &[("192.168.1.20", Side::Lan), ("198.51.100.7", Side::Wan), ("10.0.0.1", Side::Wan)],
        );
    }

    #[test]
    fn tunnels() {
        // OpenVPN's redirect-gateway def1, its server over the provider, and an office behind a second tunnel.
        let routes = [
            "0.0.0.0/0 via eth1",
            "0.0.0.0/1 via tun0",
            "128.0.0.0/1 via tun0",
            "198.51.100.9/32 via eth1",
            "10.8.0.0/24 on tun0",
            "192.168.1.0/24 on br-lan",
            "10.9.0.0/16 on wg0",
        ];
        let topology = topology(&routes, &[]);
        sides(&topology, &[("198.51.100.7", Side::Wan), ("192.168.1.5", Side::Lan), ("10.9.1.1", Side::Lan)]);
        assert!(topology.is_wan(b"tun0") && topology.is_wan(b"eth1") && !topology.is_wan(b"wg0"));
        assert_eq!(topology.towards("200.0.0.1".parse().unwrap()).unwrap().as_slice(), b"tun0");
    }

    #[test]
    fn a_router_behind_this_one() {
        // As odhcpd and dhcpd set it for whom they delegate a prefix to, and an office with public addresses of its own.
        let routes = [
            "0.0.0.0/0 via eth1",
            "192.168.1.0/24 on br-lan",
            "192.168.9.0/24 on br-guest",
            "203.0.113.64/29 via br-lan",
            "::/0 via eth1",
            "2001:db8:1::/64 on br-lan",
            "2001:db8:1:4::/62 via br-lan",
        ];
        let topology = topology(&routes, &["192.168.1.1", "2001:db8:1::1"]);
        assert!(!topology.is_wan(b"br-lan") && topology.is_wan(b"eth1"));
        for served in ["192.168.1.20", "203.0.113.66", "2001:db8:1::20", "2001:db8:1:5::20"] {
            sides(&topology, &[(served, Side::Lan)]);
        }
    }

    #[test]
    fn routes_of_whole_countries() {
        let mut topology = topology(&["0.0.0.0/0 via eth1", "10.8.0.0/24 on tun0"], &[]);
        let route = |ip: [u8; 4], length, gateway, name: &[u8]| Route {
            to: Prefix { ip: ip.into(), length },
            gateway,
            interface: Bytes::of(name),
        };
        for at in 1..=u8::try_from(ROUTES).unwrap() * 4 {
            topology.route(route([at, 0, 0, 0], 9, true, b"eth1"));
        }
        topology.route(route([192, 168, 1, 0], 24, false, b"br-lan"));
        assert!(!topology.is_cut());
        sides(&topology, &[("192.168.1.20", Side::Lan), ("1.0.0.1", Side::Wan), ("10.8.0.7", Side::Lan)]);
        for at in 1..=u8::try_from(ROUTES).unwrap() {
            topology.route(route([172, 16, at, 0], 24, false, b"br-lan"));
        }
        assert!(topology.is_cut(), "none of these is led by a wider one");
    }

    #[test]
    fn a_tunnel_for_all_but_private_networks() {
        let routes = [
            "0.0.0.0/0 via eth1",
            "0.0.0.0/5 on wg0",
            "8.0.0.0/7 on wg0",
            "64.0.0.0/2 on wg0",
            "192.0.0.0/9 on wg0",
            "192.168.1.0/24 on br-lan",
            "224.0.0.0/4 on br-lan",
            "2000::/3 on wg0",
            "fc00::/7 on br-lan",
        ];
        let topology = topology(&routes, &[]);
        assert!(topology.is_wan(b"wg0") && !topology.is_wan(b"br-lan"));
        for world in ["8.8.4.4", "64.1.1.1", "192.0.2.1", "2001:db8::1"] {
            sides(&topology, &[(world, Side::Wan)]);
        }
        sides(&topology, &[("192.168.1.20", Side::Lan), ("fd00::1", Side::Lan)]);
    }

    #[test]
    fn nothing_known() {
        let nothing = Topology::new();
        sides(
            &nothing,
            &[("192.168.1.5", Side::Lan), ("198.51.100.7", Side::Wan), ("2001:db8::1", Side::Wan)],
        );
        assert!(!nothing.is_router() && nothing.towards("192.0.2.1".parse().unwrap()).is_none());
    }
}
