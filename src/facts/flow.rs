//! A flow that the kernel tracks, and who talks to whom in it (Documentation/networking/nf_conntrack-sysctl.rst).

use super::endpoint::Endpoint;
use super::topology::Side;

/// One direction of a flow: who sends to whom. ICMP has no ports; they are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// The sender.
    pub from: Endpoint,
    /// Whom it is for.
    pub to: Endpoint,
}

/// How far a TCP connection is (include/uapi/linux/netfilter/nf_conntrack_tcp.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Another protocol, which has no connections.
    None,
    /// It was asked for, and not answered.
    Opening,
    /// It stands.
    Established,
    /// It is closing or closed.
    Closing,
}

/// One flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The IP protocol: 6 TCP, 17 UDP, 1 ICMP (protocols(5)).
    pub protocol: u8,
    /// As the first packet was sent.
    pub original: Tuple,
    /// As answers are sent: differs from the original where an address is translated.
    pub reply: Tuple,
    /// How far it is.
    pub stage: Stage,
    /// Nobody has answered yet (`[UNREPLIED]`).
    pub unreplied: bool,
    /// It lives long enough to be kept when the table is full (`[ASSURED]`).
    pub assured: bool,
    /// Packets pass it by without the firewall seeing them (`[OFFLOAD]`, `[HW_OFFLOAD]`).
    pub offloaded: bool,
    /// Its mark; 0 for none.
    pub mark: u32,
    /// Joined by the source: whose the sender's address is.
    pub from: Side,
    /// Joined by the source: whose the address is that the sender meant.
    pub to: Side,
    /// Joined by the source: whose the address is that answers.
    pub answers: Side,
}
