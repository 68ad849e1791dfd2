//! A flow that the kernel tracks, and who talks to whom in it (Documentation/networking/nf_conntrack-sysctl.rst).

mod message;
mod row;

use super::endpoint::Endpoint;
use super::topology::Side;

pub use message::flow as message;
pub use row::flow as row;

/// IP protocols (protocols(5)).
pub const TCP: u8 = 6;
/// See [`TCP`].
pub const UDP: u8 = 17;

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

impl Stage {
    /// The stage of a state by its number (`enum tcp_conntrack`). Both sides asking at once (9) is as one asking.
    const fn of(state: u8) -> Self {
        match state {
            3 => Stage::Established,
            4..=8 => Stage::Closing,
            _ => Stage::Opening,
        }
    }
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

impl Flow {
    /// A flow of which no side is known yet.
    fn new(protocol: u8, original: Tuple, reply: Tuple) -> Self {
        Self {
            protocol,
            original,
            reply,
            stage: Stage::None,
            unreplied: false,
            assured: false,
            offloaded: false,
            mark: 0,
            from: Side::Group,
            to: Side::Group,
            answers: Side::Group,
        }
    }

    /// What text and messages say differently is made one: the text of a flow that is offloaded has neither a state nor
    /// `[ASSURED]` (net/netfilter/nf_conntrack_standalone.c `ct_seq_show`, nf_conntrack_proto_tcp.c `tcp_print_conntrack`).
    const fn settled(mut self) -> Self {
        if self.offloaded {
            self.assured = true;
            self.stage = if self.protocol == TCP { Stage::Established } else { Stage::None };
        }
        self
    }

    /// Whether the address that was meant is not the one that answers: it was translated on the way (DNAT).
    #[must_use]
    pub fn is_redirected(&self) -> bool {
        self.reply.from != self.original.to
    }

    /// Whether both ends have been heard: a TCP connection stands or stood, anything else was answered.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        !self.unreplied && self.stage != Stage::Opening
    }
}
