//! The parts of a machine: where facts come from, and what they are held against.

use serde::{Deserialize, Serialize};

/// A part of the machine that checks get their facts from. Named before it is looked at, so that a run that ends early
/// can say where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The indicator files.
    Intel,
    /// What is mounted.
    Mounts,
    /// The firmware image and the lists of packages: who vouches for a file.
    Owners,
    /// The processes.
    Processes,
    /// Their memory.
    Memory,
    /// Their descriptors.
    Descriptors,
    /// Their environment.
    Environment,
    /// Process ids that the listing may hide.
    Hidden,
    /// The table of sockets.
    Sockets,
    /// Raw and packet sockets.
    RawSockets,
    /// Programs in volatile places.
    Files,
    /// `/etc/ld.so.preload`.
    Preload,
    /// The paths of indicators.
    Traces,
    /// The log.
    Log,
    /// The startup files.
    Startup,
    /// The hashes in indicator files.
    Hashes,
    /// The programs that the kernel starts by itself.
    Helpers,
    /// What the kernel has loaded.
    Modules,
    /// The tools of the system.
    Tools,
    /// Image, packages and baseline: what the startup files should be.
    Truth,
    /// What the image or the baseline has of them, one by one.
    Image,
    /// The users of the machine.
    Accounts,
    /// The keys that let users in.
    Keys,
    /// gatewatch's own files.
    Own,
    /// Settings of services that run programs.
    Config,
    /// Web pages that run something.
    Web,
    /// Routes and own addresses: whose an address is.
    Routes,
    /// The flows that the kernel tracks (conntrack).
    Flows,
    /// The rules of the packet filter, as the kernel has them.
    Rules,
    /// Who resolves names here, and for those who are served.
    Resolvers,
    /// Names that are given addresses by hand.
    Hosts,
    /// Ports that UPnP or PCP opened.
    Mappings,
    /// Tunnels, and who holds them.
    Tunnels,
    /// The domains in indicator files.
    Domains,
    /// Names that were asked for.
    Queries,
    /// What is open to strangers, and the firmware.
    Exposure,
}

impl Source {
    /// How many there are.
    pub const COUNT: usize = 36;

    /// Its place among them.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Source::Intel => 0,
            Source::Mounts => 1,
            Source::Owners => 2,
            Source::Processes => 3,
            Source::Memory => 4,
            Source::Descriptors => 5,
            Source::Environment => 6,
            Source::Hidden => 7,
            Source::Sockets => 8,
            Source::RawSockets => 9,
            Source::Files => 10,
            Source::Preload => 11,
            Source::Traces => 12,
            Source::Log => 13,
            Source::Startup => 14,
            Source::Hashes => 15,
            Source::Truth => 16,
            Source::Image => 17,
            Source::Helpers => 18,
            Source::Modules => 19,
            Source::Tools => 20,
            Source::Accounts => 21,
            Source::Keys => 22,
            Source::Own => 23,
            Source::Config => 24,
            Source::Web => 25,
            Source::Routes => 26,
            Source::Flows => 27,
            Source::Rules => 28,
            Source::Resolvers => 29,
            Source::Hosts => 30,
            Source::Mappings => 31,
            Source::Tunnels => 32,
            Source::Domains => 33,
            Source::Queries => 34,
            Source::Exposure => 35,
        }
    }

    /// Whether facts are held against it: it gives none itself.
    #[must_use]
    pub const fn is_measure(self) -> bool {
        matches!(
            self,
            Source::Intel
                | Source::Hashes
                | Source::Domains
                | Source::Owners
                | Source::Truth
                | Source::Image
                | Source::Routes
        )
    }

    /// The source in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Source::Intel => "indicator files",
            Source::Mounts => "mounts",
            Source::Owners => "image and packages",
            Source::Processes => "processes",
            Source::Memory => "the memory of processes",
            Source::Descriptors => "the descriptors of processes",
            Source::Environment => "the environment of processes",
            Source::Hidden => "hidden processes",
            Source::Sockets => "sockets",
            Source::RawSockets => "raw sockets",
            Source::Files => "volatile places",
            Source::Preload => "/etc/ld.so.preload",
            Source::Traces => "paths of indicators",
            Source::Log => "the log",
            Source::Startup => "startup files",
            Source::Hashes => "hashes",
            Source::Truth => "image, packages and baseline",
            Source::Image => "startup files of the image",
            Source::Helpers => "helpers of the kernel",
            Source::Modules => "kernel modules",
            Source::Tools => "system tools",
            Source::Accounts => "users",
            Source::Keys => "keys of users",
            Source::Own => "its own files",
            Source::Config => "configuration",
            Source::Web => "web pages",
            Source::Routes => "routes",
            Source::Flows => "tracked flows",
            Source::Rules => "packet filter rules",
            Source::Resolvers => "resolvers",
            Source::Hosts => "names set by hand",
            Source::Mappings => "UPnP mappings",
            Source::Tunnels => "tunnels",
            Source::Domains => "domains",
            Source::Queries => "names asked for",
            Source::Exposure => "what is open to strangers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::ALL;

    #[test]
    fn each_has_a_place_of_its_own() {
        let mut places = [None; Source::COUNT];
        for source in ALL.iter().flat_map(|check| check.sources) {
            let place = &mut places[source.index()];
            assert_eq!(*place.get_or_insert(*source), *source);
        }
    }
}
