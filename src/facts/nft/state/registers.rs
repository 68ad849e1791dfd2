//! The registers of nf_tables: their numbers, and what is in one.

/// What was loaded into a register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Field {
    /// Something that is not followed.
    #[default]
    Other,
    /// The value itself is known.
    Constant,
    /// The sender or whom it is for, of so many bytes.
    Address(bool, usize),
    /// The port of the sender.
    SourcePort,
    /// The port that it is for.
    Port,
    /// The protocol.
    Protocol,
    /// The number of an interface, which is another after a reboot.
    Number,
    /// The flags of TCP.
    TcpFlags,
    /// IPv4 or IPv6, by `NFPROTO_*` or by `ETH_P_*`.
    Version,
    /// The name of the interface that it came in by, or goes out by.
    Interface(bool),
    /// The state of the connection.
    State,
}

impl Field {
    /// Bytes of it; 0 if they are not known.
    pub(super) const fn width(self) -> usize {
        match self {
            Field::Other | Field::Number | Field::Constant | Field::Version => 0,
            Field::Address(_, width) => width,
            Field::SourcePort | Field::Port => 2,
            Field::Protocol | Field::TcpFlags => 1,
            Field::Interface(_) => 16,
            Field::State => 4,
        }
    }
}

/// Registers of four bytes; those with the older numbers are four of them each.
pub(super) const SLOTS: usize = 16;
pub(super) const SLOT_BYTES: usize = 4;

/// The first register of a number of the kernel's (`enum nft_registers`).
pub(in super::super) fn slot(register: Option<u32>) -> Option<usize> {
    let register = usize::try_from(register?).ok()?;
    match register {
        1..=4 => register.checked_sub(1)?.checked_mul(4),
        8..=23 => register.checked_sub(8),
        _ => None,
    }
}
