//! Which checks look at a part of the machine, when something happens there.

use gatewatch::check::Selection;
use gatewatch::checks;
use gatewatch::report::Source;

/// What a look at the network is at, when that has changed and from time to time.
const OF_NETWORK: [Source; 11] = [
    Source::Sockets,
    Source::Descriptors,
    Source::Owners,
    Source::Flows,
    Source::Routes,
    Source::Intel,
    Source::Rules,
    Source::Mappings,
    Source::Resolvers,
    Source::Tunnels,
    Source::Exposure,
];

/// What a look at the flows of clients is at: no kernel tells of them but one by one, and it needs nothing of the machine itself.
const OF_FLOWS: [Source; 3] = [Source::Flows, Source::Routes, Source::Intel];

/// What a look because of a new process is at: all that only the processes themselves are needed for. Who vouches for a program is
/// left to the full look, since the lists of packages take longer than all of this.
const OF_PROCESSES: [Source; 7] = [
    Source::Processes,
    Source::Descriptors,
    Source::Environment,
    Source::Memory,
    Source::Preload,
    Source::Hashes,
    Source::Intel,
];

/// What a look because of a changed startup file is at.
const OF_STARTUP: [Source; 3] = [Source::Startup, Source::Truth, Source::Image];

/// The checks of a selection that need nothing but this.
fn within(selection: &Selection, sources: &[Source]) -> Selection {
    let all = checks::ALL.iter().enumerate().filter(|(index, _)| selection.has(*index));
    let may = all.filter(|(_, check)| check.sources.iter().all(|source| sources.contains(source)));
    may.fold(Selection::NONE, |chosen, (index, _)| chosen.with(index))
}

/// The checks that look between the looks at everything.
pub struct Parts {
    /// By startup files.
    pub startup: Selection,
    /// By the processes alone.
    pub processes: Selection,
    /// By the network.
    pub network: Selection,
    /// By the flows of clients.
    pub flows: Selection,
}

impl Parts {
    /// Those of a selection.
    pub fn of(selection: &Selection) -> Self {
        Self {
            startup: within(selection, &OF_STARTUP),
            processes: within(selection, &OF_PROCESSES),
            network: within(selection, &OF_NETWORK),
            flows: within(selection, &OF_FLOWS),
        }
    }
}

/// The checks of both.
pub fn either(one: &Selection, other: &Selection) -> Selection {
    let both = (0..checks::ALL.len()).filter(|index| one.has(*index) || other.has(*index));
    both.fold(Selection::NONE, Selection::with)
}
