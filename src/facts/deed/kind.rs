//! What a command of a startup file can do to the guard of the machine.

/// A thing that a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Connects a shell that reads orders to the network.
    GivesShell,
    /// Opens a connection that a script of bash may take orders from.
    OpensConnection,
    /// Lets the network run a program.
    GivesProgram,
    /// A login service that asks for no password, on a port of its own.
    SkipsLogin,
    /// The same on telnet's port or for the local network only, as many a vendor has it.
    SkipsLoginPlainly,
    /// Keeps everybody from ports over which routers are attacked and vendors manage.
    ClosesAttacked,
    /// Keeps everybody from ports over which owners manage.
    ClosesOwners,
    /// The same, behind other rules that may let some in.
    ClosesOwnersLast,
    /// Lets everybody in on a port.
    OpensPort,
    /// Lets a public network in on all ports.
    OpensToNetwork,
    /// Removes all rules.
    Flushes,
    /// The same, and lets in what no rule names.
    OpensAll,
    /// Sends what arrives on to a public address.
    Redirects,
    /// The same on a port of servers that command bots.
    Relays,
    /// Sends look-ups of names to a public address that is no resolver people know.
    RedirectsNames,
    /// Writes a key that opens the machine.
    WritesKey,
    /// Copies such keys from a place of the system.
    CopiesKeys,
    /// Adds a user.
    AddsUser,
    /// Writes all users anew.
    WritesUsers,
    /// Has every program load a library.
    Preloads,
    /// Has something odd started, by the clock or at boot.
    StartsOdd,
    /// Puts its own file, or one from an odd place or the network, among the startup files.
    Spreads,
    /// Adds a line to a startup file.
    Starts,
    /// Names a resolver that people do not know.
    SetsResolver,
    /// Says what a name on the public net means.
    SetsHost,
    /// Empties or removes the log or records of logins.
    WipesLog,
    /// Ends several login services, or one again and again.
    KillsRivals,
    /// Ends a login service.
    KillsLogin,
    /// Stops what restarts the machine when it hangs.
    StopsWatchdog,
    /// Removes the programs that restart the machine.
    RemovesReboot,
    /// Mounts something from an odd place over a program.
    CoversProgram,
    /// Mounts something over a process.
    HidesProcess,
}
