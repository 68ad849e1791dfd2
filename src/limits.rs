//! Every capacity of gatewatch: its name, its value, what it costs and why it is that many.
//!
//! Nothing in the library allocates, so each table has an end. Reaching one is never silent: the verdict of
//! the checks that depend on the table becomes `partly` and names the limit. The tables lie in `.bss`: a page
//! of them costs memory only once it is used. Under `cfg(test)` some are small, so that tests fill them.

/// Bytes of a path that are kept. `readlink` on `/proc/PID/exe` gives at most `PATH_MAX - 1` = 4095
/// (linux/limits.h), so no path that the kernel can tell us is cut.
pub const PATH_BYTES: usize = 4096;

/// Bytes of a process name. The kernel keeps 15 (`TASK_COMM_LEN`, linux/sched.h); `/proc/PID/stat` shows up to
/// 63 for kernel workers (fs/proc/array.c, `proc_task_name`).
pub const COMM_BYTES: usize = 64;

/// Bytes of `/proc/PID/cmdline` that are kept: enough for argv\[0\] and the script an interpreter runs.
pub const ARGV_BYTES: usize = 1024;

/// Bytes of the name of a library, and of all of them in one loader variable.
pub const LIBRARY_BYTES: usize = 256;

/// Bytes of the name of a program without its directory, where a path is not needed.
pub const NAME_BYTES: usize = 32;

/// Ancestors of a process that a finding names.
pub const PARENTS: usize = 4;

/// Bytes read of `/proc/PID/stat`: 52 fields of at most 20 digits and the name fit.
pub const STAT_BYTES: usize = 1280;

/// Processes in one listing: `pid_max` of a 32-bit kernel (proc_sys_kernel(5), `pid_max`). 4 bytes each.
pub const PIDS: usize = if cfg!(test) { 64 } else { 32_768 };

/// Socket descriptors whose holder is remembered, 8 bytes each.
pub const HOLDERS: usize = if cfg!(test) { 64 } else { 32_768 };

/// Links on the way of a path that are followed; the kernel follows 40 (path_resolution(7)), firmware has two or three.
pub const LINKS: u32 = 16;

/// Users of a machine, and again of its image, 24 bytes each, and the bytes of all their lines in `/etc/passwd`: servers
/// have some fifty.
pub const ACCOUNTS: usize = if cfg!(test) { 16 } else { 512 };
/// See [`ACCOUNTS`].
pub const ACCOUNT_BYTES: usize = 65_535;

/// Bytes read of a list of users, passwords or groups: with as many users as fit each has 500.
pub const ACCOUNT_FILE_BYTES: u64 = 256 * 1024;

/// Files of keys that are read, 16 bytes each.
pub const KEY_FILES: usize = if cfg!(test) { 8 } else { 64 };

/// Keys of all users that are compared with one another, 36 bytes each.
pub const KEYS: usize = if cfg!(test) { 16 } else { 256 };

/// Bytes of a line of keys: OpenSSH takes no key with more (auth2-pubkeyfile.c, `SSH_MAX_PUBKEY_BYTES` is twice that; an
/// RSA key of 16,384 bits has 2.8 KiB).
pub const KEY_ROW_BYTES: usize = 8192;

/// Bytes of a file of keys: 300 of RSA with 4096 bits.
pub const KEY_FILE_BYTES: u64 = 256 * 1024;

/// Files in a directory of gatewatch's own, 72 bytes each on the stack.
pub const OWN_FILES: usize = if cfg!(test) { 4 } else { 16 };

/// Programs that run, or startup files, told apart by path, about 220 bytes each, and the bytes of all their paths. A
/// Debian server with a desktop's packages has 1,500 units and links.
pub const PROGRAMS: usize = if cfg!(test) { 32 } else { 2048 };
/// See [`PROGRAMS`].
pub const PROGRAM_BYTES: usize = 131_072;

/// Pairs of a program and a name under which it runs, 8 bytes each.
pub const NAMES: usize = if cfg!(test) { 32 } else { 2048 };

/// Paths of libraries and new programs for which the lists of packages are read once more each.
pub const LATE_PATHS: u32 = if cfg!(test) { 8 } else { 32 };

/// Mounts that are remembered, 12 bytes each, and the bytes of all their points. Containers have some hundreds.
pub const MOUNTS: usize = if cfg!(test) { 16 } else { 1024 };
/// See [`MOUNTS`].
pub const MOUNT_BYTES: usize = 65_535;

/// Bytes of the longest variable of an environment that is kept; of a longer one the beginning.
pub const VARIABLE_BYTES: usize = 512;

/// Bytes of an environment that are read: the kernel allows 128 KiB for one variable alone (execve(2)).
pub const ENVIRONMENT_BYTES: u64 = 256 * 1024;

/// Rows of `/proc/PID/maps` that are judged: `vm.max_map_count` is 65,530 (proc_sys_vm(5)).
pub const MAPS_ROWS: u32 = 65_536;

/// Raw and packet sockets of which the kernel's own words are remembered, 48 bytes each: a router has a dozen.
pub const PACKETS: usize = 64;

/// Bytes of a datagram of a netlink dump: the kernel fills at most 8 KiB for a reader with such a buffer
/// (net/netlink/af_netlink.c `netlink_dump`).
pub const NETLINK_BYTES: usize = 8192;

/// Routes that are remembered, 40 bytes each: homes have ten, offices with VPNs some hundred. A router that holds the
/// Internet's table is no home router.
pub const ROUTES: usize = if cfg!(test) { 16 } else { 512 };

/// Own addresses, 17 bytes each. A router has some ten, with IPv6 for many VLANs fifty.
pub const OWN_ADDRESSES: usize = if cfg!(test) { 8 } else { 128 };

/// Interfaces whose names are looked up by number, 24 bytes each.
pub const INTERFACES: usize = if cfg!(test) { 8 } else { 128 };

/// Sets of places for those who call many hosts, twice: for ports below 1024 or that bots scan, and for all others. The places
/// of a set, 132 bytes each. Fifty clients with ten ports each have room; 200 KiB if all are used.
pub const FANOUT_PORTS: usize = if cfg!(test) { 8 } else { 96 };
/// See [`FANOUT_PORTS`].
pub const FANOUT_WAYS: usize = 8;

/// Flows that a check accuses, like ones once, told when all have been seen. 152 bytes each.
pub const ACCUSED_FLOWS: usize = if cfg!(test) { 8 } else { 256 };

/// Other ends of sockets that have been spoken of, so that their flows are not told again. 20 bytes each.
pub const TOLD_ENDS: usize = 128;

/// Names and hardware addresses of clients that are known and so left out of reports, 16 bytes each: homes have fifty, a hotel
/// on its router a thousand.
pub const LAN_WORDS: usize = if cfg!(test) { 16 } else { 2048 };
/// Ranges of ports in one rule of the packet filter, 4 bytes each: iptables takes 15 (xt_multiport.h), and so do people.
pub const PORT_SPANS: usize = 16;

/// Bytes of a rule of the packet filter in its normal form.
pub const RULE_BYTES: usize = 512;

/// Chains of the packet filter, 16 bytes each. OpenWrt has 60, a server with containers 100, a node of Kubernetes a
/// thousand.
pub const FILTER_CHAINS: usize = if cfg!(test) { 32 } else { 1024 };

/// Rules that lead from one chain to another, 6 bytes each: some three a chain.
pub const FILTER_JUMPS: usize = if cfg!(test) { 64 } else { 4096 };

/// Elements of a set without a name that are put together to ranges, 40 bytes each on the stack; of a range both ends.
pub const SET_ELEMENTS: usize = 64;

/// Bytes of the elements of sets that the kernel is asked for in one look at its rules: those of a thousand rules with fifty
/// ports each take half of it.
pub const SETS_BYTES: u64 = if cfg!(test) { 4096 } else { 8 * 1024 * 1024 };

/// Elements of a map of the packet filter that are followed, each as a rule of its own.
pub const MAP_ELEMENTS: u32 = if cfg!(test) { 16 } else { 1024 };

/// How many maps one rule may use, one for the outcome of the other.
pub const MAP_DEPTH: u32 = 2;

/// Bytes of a rule of iptables: most have 200, one with a text for BPF 700.
pub const XT_ENTRY_BYTES: usize = 4096;

/// Bytes of a table of iptables that the kernel hands out at once: 20,000 rules.
pub const XT_TABLE_BYTES: u32 = 4 * 1024 * 1024;

/// Rules and redirections of OpenWrt's configuration that rules of the kernel are compared with, 40 bytes each.
pub const CONFIGURED_RULES: usize = if cfg!(test) { 8 } else { 128 };

/// Ports on which somebody waits, with the number of the socket, 8 bytes each: servers have a hundred.
pub const WAITING: usize = if cfg!(test) { 8 } else { 1024 };
/// Ports at which a caller of this machine was told of, 4 bytes each.
pub const FANOUT_NAMED: usize = 32;

/// Milliseconds between the two looks at a process before it is accused: an upgrade replaces a file, and a
/// helper of the kernel executes its program, in less.
pub const SECOND_LOOK_MS: u32 = 100;
/// Lists of ports that UPnP opened which are looked for, 280 bytes each on the stack: some daemons keep one for each family.
pub const LEASE_FILES: usize = if cfg!(test) { 10 } else { 16 };

/// Bytes of such a list: some 10,000 leases, while routers under attack have had a few hundred.
pub const LEASE_BYTES: u64 = 1024 * 1024;

/// Bytes of the table of unix sockets that are read: 100 a socket, and a desktop has a thousand.
pub const UNIX_BYTES: u64 = 16 * 1024 * 1024;

/// Process ids that are tried at most: beyond `pid_max` of a 32-bit kernel it takes a 64-bit one with many processes.
pub const PROBED_PIDS: u32 = 1_048_576;

/// Process ids that one search asks `/proc` for by name.
pub const NAMED_PIDS: u32 = 8192;

/// Process ids that answer and are not listed, and so get a second look, 4 bytes each.
pub const HIDDEN: usize = 64;

/// Directories below a volatile place that are entered, one in the other.
pub const DROP_DEPTH: u32 = 16;

/// Names in volatile places that are looked at.
pub const DROP_NAMES: u32 = if cfg!(test) { 64 } else { 20_000 };

/// Bytes of a package's list of files, of which the largest of Debian 12 has 2 MiB.
pub const LIST_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes that are kept of the SHA-256 that a package recorded of a file: to be compared with a whole one, and nobody
/// makes another file with the same 128 bits of it.
pub const RECORDED_BYTES: usize = 16;

/// Bytes of a file of settings of which a few lines matter: `/etc/inetd.conf`, `/etc/inittab`, `/etc/ld.so.preload`.
pub const SMALL_FILE_BYTES: u64 = 1024 * 1024;

/// Bytes of a file that tells the kernel what to start: a handler of binfmt_misc is registered with at most 1920
/// (fs/binfmt_misc.c, `MAX_REGISTER_LENGTH`), the other commands have at most 256.
pub const HELPER_BYTES: usize = 2048;

/// Kernel modules, 12 bytes each, and the bytes of all their names. A desktop has 250 with 12 bytes each.
pub const MODULES: usize = if cfg!(test) { 16 } else { 1024 };
/// See [`MODULES`].
pub const MODULE_BYTES: usize = 32_768;

/// Names that one search for the files of modules looks at: Debian has 4,500 modules and 600 directories of them.
pub const MODULE_FILES: u32 = if cfg!(test) { 64 } else { 20_000 };

/// Directories below `/lib/modules` that are entered, one in the other; Debian has six.
pub const MODULE_DEPTH: u32 = 10;

/// Tools of the system, 48 bytes each: all names that are looked for, in four directories.
pub const TOOLS: usize = 4 * 66;

/// Libraries in `/etc/ld.so.preload` that are looked at.
pub const PRELOADED: u32 = 16;

/// Bytes of a program that are hashed: larger ones run on no router.
pub const HASH_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes of a tool, or of a file of gatewatch's own, that are compared with those of the image: the largest that routers have
/// is a busybox or bash with 2 MiB.
pub const COMPARED_BYTES: u64 = 16 * 1024 * 1024;

/// Programs of startup files that are hashed, told apart by device and inode. 16 bytes each.
pub const STARTUP_PROGRAMS: usize = if cfg!(test) { 4 } else { 256 };

/// Listeners on one address of which a table of sockets is remembered, 32 bytes each.
pub const LISTENERS: usize = 256;

/// Programs that have sockets, 240 bytes each: a router has some ten, a server fifty.
pub const SERVICES: usize = if cfg!(test) { 8 } else { 128 };

/// Ports of one program that are told; of more the number. Samba has 6, a mail server 8.
pub const DOORS: usize = 12;

/// Processes that have sockets, 8 bytes each: which program they are, so that all of one count together.
pub const SOCKET_PROCESSES: usize = if cfg!(test) { 16 } else { 4096 };

/// Words of 32 bits of the set of sockets that a table shows, 32 KiB: of 20,000 sockets one in a hundred that is hidden passes
/// for one that is shown, of 2,000 one in 100,000.
pub const SHOWN_WORDS: usize = 8192;

/// Sockets that the kernel tells of and the table does not show, 8 bytes each: on a busy machine some are opened between the
/// two looks.
pub const HIDDEN_SOCKETS: usize = 256;

/// Processes that get a second look after a common pause. Later ones get theirs at once. 16 bytes each.
pub const ACCUSED: usize = if cfg!(test) { 4 } else { 256 };

/// Bytes of one read from the machine. `/proc` hands out a page at a time, whatever is asked for.
pub const READ_BYTES: usize = 4096;

/// Bytes of a row of `/proc/net/*` (150, or 170 for IPv6) or of `/proc/mounts`; longer rows are counted as
/// not understood.
pub const ROW_BYTES: usize = 1024;

/// Bytes of a startup line after runs of blanks are folded and continued lines are joined. The longest in
/// OpenWrt's packages are awk programs in quotes, up to 12 KiB.
pub const LINE_BYTES: usize = if cfg!(test) { 1024 } else { 16_384 };

/// Simple commands in one startup line, 12 bytes each.
pub const COMMANDS: usize = 128;

/// Words in one startup line, 8 bytes each.
pub const WORDS: usize = 768;

/// Bytes that are kept of one word of a startup line. A longer one is a text, an awk program say; only where it is
/// run as shell does the rest matter, and then the line counts as cut.
pub const WORD_BYTES: usize = 1024;

/// How deep substitutions (`$(…)`, `sh -c "…"`) are followed in a startup line.
pub const NESTING: u32 = 6;

/// Variables of one startup file whose plain text is followed, 12 bytes each. The largest scripts of Debian and of OpenWrt's
/// packages set some 100.
pub const VARIABLES: usize = if cfg!(test) { 16 } else { 256 };

/// Bytes of the names and values of these variables, and of one value: longer ones are texts, not paths or programs.
pub const VARIABLES_BYTES: usize = if cfg!(test) { 2048 } else { 16_384 };
/// See [`VARIABLES_BYTES`].
pub const VARIABLE_TEXT: usize = 256;

/// Names of fetched files that are remembered while one startup file is read, 2 × [`FETCHED_BYTES`] each.
pub const FETCHED: usize = 16;

/// Names of files that a startup file writes itself, the same each. A file of which it is not remembered is accused.
pub const WRITTEN: usize = 8;

/// Bytes of the name of a fetched file.
pub const FETCHED_BYTES: usize = 256;

/// Bytes read of one startup file. The largest in OpenWrt and Debian are below 100 KiB.
pub const STARTUP_FILE_BYTES: u64 = 1024 * 1024;

/// Bytes read of all of them together. The units and scripts of a Debian desktop have 4 MiB.
pub const STARTUP_BYTES: u64 = if cfg!(test) { 4 * 1024 * 1024 } else { 32 * 1024 * 1024 };

/// Startup files told apart by device and inode, so that a file with many links is read once. 24 bytes each.
pub const STARTUP_FILES: usize = if cfg!(test) { 32 } else { 4096 };

/// Bytes of the image's `/etc/inittab` that are kept to compare with: those of OpenWrt and of vendors have below 2 KiB.
pub const INITTAB_BYTES: usize = if cfg!(test) { 512 } else { 4096 };

/// Startup files that are gone of which it is looked up whether a package took them away, as each reads all lists of packages
/// that are gone too. The rest count as if somebody had removed them by hand.
pub const GONE_FILES: u32 = if cfg!(test) { 8 } else { 256 };

/// How deep directories of startup files are entered: `hotplug.d/iface/x`, `system/a.service.d/x.conf`.
pub const STARTUP_DEPTH: u32 = 2;

/// Bytes of the name of a section or of an option of OpenWrt's configuration. Of libuci's own names the longest has
/// below 40.
pub const UCI_NAME_BYTES: usize = 64;

/// Bytes of the value of an option: a path (4095) and an argument fit.
pub const UCI_VALUE_BYTES: usize = if cfg!(test) { 512 } else { 4352 };

/// Settings of one file of the image that are remembered, to be compared with what the file says now. 4 bytes each.
pub const IMAGE_SETTINGS: usize = if cfg!(test) { 8 } else { 256 };

/// Sections of one file of OpenWrt's configuration that are known to be off. 4 bytes each.
pub const SECTIONS_OFF: usize = if cfg!(test) { 8 } else { 128 };

/// Files of configuration of one kind in one directory that are read.
pub const CONFIG_FILES: u32 = if cfg!(test) { 8 } else { 256 };

/// Further files and directories of configuration that others name, 256 bytes each.
pub const FURTHER: usize = if cfg!(test) { 2 } else { 8 };

/// Files that say how names are resolved, told apart by device and inode, 16 bytes each.
pub const NAME_FILES: usize = if cfg!(test) { 16 } else { 256 };

/// Further files and logs that these name, 272 bytes each.
pub const MORE_FILES: usize = if cfg!(test) { 8 } else { 16 };

/// Bytes read of all of them together: the lists of an ad-blocker with a million names.
pub const NAMES_BYTES: u64 = if cfg!(test) { 1024 * 1024 } else { 32 * 1024 * 1024 };

/// Bytes of a line of theirs: dnsmasq itself reads 1024 at a time (option.c, `MAXDNAME`), and a baseline knows them whole.
pub const NAME_ROW_BYTES: usize = 4096;

/// Resolvers that provider and owner name, 24 bytes each: a home has four.
pub const RESOLVERS: usize = if cfg!(test) { 8 } else { 64 };

/// Resolvers of single names that a baseline holds, some 30 bytes each: split DNS can have tens of thousands.
pub const SPLIT_RESOLVERS: u32 = if cfg!(test) { 16 } else { 1024 };

/// Lines of a file of the image that are remembered, to be compared with what the file says now. 4 bytes each.
pub const IMAGE_LINES: usize = if cfg!(test) { 16 } else { 256 };

/// Names in one file that lead to strangers: of more of them the rest is counted only.
pub const TOLD_NAMES: u32 = if cfg!(test) { 8 } else { 64 };

/// Bytes read of the end of one log of names: a day of a home's.
pub const LOG_BYTES: u64 = if cfg!(test) { 64 * 1024 } else { 4 * 1024 * 1024 };

/// Pairs of a listed name and who asked for it that are told, 16 bytes each.
pub const ASKED: usize = if cfg!(test) { 4 } else { 64 };

/// Bytes of a dump or an image of NVRAM: the largest partitions of it have 512 KiB.
pub const NVRAM_BYTES: u64 = 1024 * 1024;

/// Bytes of the name of a variable in NVRAM.
pub const NVRAM_KEY_BYTES: usize = 64;

/// Bytes of a statement of a web page that are looked at together, 2 bytes each; of a longer one, each half with the next.
pub const STATEMENT_BYTES: usize = 2048;

/// Bytes of a string in a web page that are kept: the command that it begins with.
pub const STRING_BYTES: usize = 64;

/// Variables of a web page that are followed, 40 bytes each; the oldest goes first.
pub const TAINTED: usize = 16;

/// Names in directories of web pages that are looked at: a web application on a server has some ten thousand.
pub const WEB_NAMES: u32 = if cfg!(test) { 64 } else { 262_144 };

/// How deep directories of web pages are entered.
pub const WEB_DEPTH: u32 = 24;

/// Bytes read of one web page. Tables in PHP, of fonts say, have a megabyte.
pub const WEB_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes read of all web pages together: PHP of a web application has some 50 MiB.
pub const WEB_BYTES: u64 = if cfg!(test) { 16 * 1024 * 1024 } else { 256 * 1024 * 1024 };

/// Bytes of the free text of a finding.
pub const DETAIL_BYTES: usize = 1024;

/// Bytes of a client that is told in full: address and port, hardware address, and a host name (63, RFC 1035 section 2.3.4).
pub const CLIENT_BYTES: usize = 144;

/// Bytes of the reason of a verdict.
pub const WHY_BYTES: usize = 384;

/// Bytes of one event on its way from the looking process to the reporting one: path, detail, name, names of ancestors
/// and the numbers of the largest finding.
pub const FRAME_BYTES: usize = PATH_BYTES + DETAIL_BYTES + CLIENT_BYTES + (1 + PARENTS) * COMM_BYTES + 512;

/// Findings of a run that wait to be joined into incidents, 32 bytes each and their frames. A router that is infected gives
/// some twenty.
pub const HELD_FINDINGS: usize = if cfg!(test) { 48 } else { 384 };

/// Findings of one check and severity among them, so that a flood of one kind cannot push out another.
pub const HELD_SHARE: usize = if cfg!(test) { 12 } else { 48 };

/// Further findings that wait to be told behind the incidents, 4 bytes each and their frames.
pub const HELD_LOOSE: usize = if cfg!(test) { 24 } else { 512 };

/// Bytes of the frames of all that waits, some 200 each; those of what is not joined have half of it.
pub const HELD_BYTES: usize = 131_072;

/// Bytes at its end that are left to verdicts: some 60 each, with the longest reasons [`WHY_BYTES`] more.
pub const HELD_VERDICTS: usize = 32_768;

/// Bytes at its end that are left to them and to findings of the worst severity: nobody pushes these out with long paths.
pub const HELD_INFECTED: usize = HELD_VERDICTS + 16_384;

/// Subjects of these findings, 16 bytes each: a finding has at most eight.
pub const HELD_KEYS: usize = 8 * HELD_FINDINGS;

/// Incidents of a run. Those that have no room are the mildest.
pub const INCIDENTS: usize = if cfg!(test) { 4 } else { 24 };

/// Incidents of which a monitor knows that they were told, 8 bytes each: more intruders than one router has had.
pub const INCIDENTS_TOLD: usize = 64;

/// Bytes of the story of an incident: two sentences of parts each of which is cut where it is long.
pub const STORY_BYTES: usize = 1024;

/// Bytes of one JSON line. The worst case is a finding all of whose bytes are escaped as `\\xNN`, five each.
pub const JSON_BYTES: usize = 5 * (FRAME_BYTES + REASON_BYTES);

/// Bytes of a syslog message after priority and timestamp: BusyBox syslogd reads 255 a datagram, and the
/// header takes up to 35 of them.
pub const SYSLOG_BYTES: usize = 220;

/// Bytes of a syslog message in RFC 5424's form, without the count before it: what a receiver should be able to take
/// (section 6.1).
pub const SYSLOG_LONG_BYTES: usize = 2048;

/// Bytes of what a message says, of which a short line shows a part: with its quotes escaped once more it still fits a long
/// line beside what identifies it, but for a path of quotes only.
pub const SYSLOG_TEXT_BYTES: usize = 1024;

/// Places that one run reports to by syslog, a bit of a byte and 2 KiB each: the box, two collectors, one more.
pub const SYSLOG_DESTINATIONS: usize = 4;

/// Bytes of messages that wait for a collector: the longest that a run can have, or a thousand of the usual length.
pub const SPOOL_BYTES: usize = if cfg!(test) { 4096 } else { 262_144 };

/// How many they are, 40 bytes each.
pub const SPOOL_MESSAGES: usize = if cfg!(test) { 32 } else { 1024 };

/// Findings kept for syslog, which numbers its lines n/N and so must know N before the first. The rest is counted in the
/// closing line.
pub const SYSLOG_FINDINGS: usize = if cfg!(test) { 6 } else { 192 };

/// Findings of one check among them, so that a flood of one kind cannot push out another.
pub const SYSLOG_PER_CHECK: usize = if cfg!(test) { 2 } else { 24 };

/// Bytes of the output of a monitoring plugin: Nagios and Naemon read 8 KiB of it (include/nagios.h,
/// `MAX_PLUGIN_OUTPUT_LENGTH`). As many again are kept of each of six kinds of lines until the first line is known.
pub const NAGIOS_BYTES: usize = 8191;

/// Bytes of its first line: an old NRPE carries no more (include/common.h of 2.x, `MAX_PACKETBUFFER_LENGTH`).
pub const NAGIOS_HEAD_BYTES: usize = 1023;

/// Bytes of a line of its text. One of them is in the first line too, beside some 420 of counts.
pub const NAGIOS_LINE_BYTES: usize = 512;

/// Findings of one check among the lines of one severity.
pub const NAGIOS_PER_CHECK: usize = 8;

/// Bytes of a long value in CEF (the extension dictionary gives `msg`, `filePath` and `sproc` 1023 each).
pub const CEF_BYTES: usize = 1023;

/// Words of 32 bits of the sieve before the look-up of flows, 4 bytes each; a power of two.
pub const SIEVE_WORDS: usize = 16_384;

/// Flows after which it is filled: a router with fewer is through before.
pub const SIEVE_FROM: u32 = if cfg!(test) { 4 } else { 4096 };

/// Indicator files of one run.
pub const INTEL_FILES: usize = 8;

/// Bytes of an indicator file that `intel update` takes: a million addresses have three. They are fetched into memory that
/// is not there before it is filled.
pub const UPDATE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of the head of an HTTP answer: servers send some 500, and refuse heads of their own clients above 8 KiB.
pub const HTTP_HEAD_BYTES: usize = 8192;

/// How often `intel update` is sent on to another address.
pub const REDIRECTS: u32 = 3;

/// Seconds in which something must arrive while fetching.
pub const IDLE_S: u64 = 20;

/// Public keys that are trusted, 40 bytes each: two or three are built in, and an operator has as many.
pub const TRUSTED_KEYS: usize = 16;

/// Bytes of the file of a public key: two lines, of which the first is a comment of at most 1024.
pub const KEY_TEXT_BYTES: usize = 2048;

/// Bytes of the name of an indicator file, without its directory.
pub const INTEL_NAME_BYTES: usize = 64;

/// Names of indicator files whose newest version is remembered, 80 bytes each, a line of the state.
pub const SEEN: usize = 16;

/// Entries of a baseline, 4 bytes each while it is made, and the bytes of all their names and values. OpenWrt holds 1,500
/// programs, libraries and startup files, a Debian server some 10,000. The tables are touched by `baseline` only.
pub const BASELINE_ENTRIES: usize = if cfg!(test) { 256 } else { 16_384 };
/// See [`BASELINE_ENTRIES`].
pub const BASELINE_BYTES: usize = if cfg!(test) { 65_536 } else { 1_572_864 };

/// Directories of programs that are entered, one in the other: Linux's own modules lie ten deep.
pub const TREE_DEPTH: u32 = 16;

/// Names in directories of programs and startup files that are looked at for a baseline.
pub const TREE_NAMES: u32 = if cfg!(test) { 512 } else { 262_144 };

/// Bytes of the configuration file: a hundred entries of its longest kind. A longer one is no configuration.
pub const CONFIG_BYTES: usize = 65_536;

/// Entries of the list of what is allowed, 440 bytes each on the heap: who allows more wants a check left out.
pub const ALLOWED: usize = 64;

/// Bytes of what an entry is about: most paths. One that is longer is named by its beginning.
pub const SUBJECT_BYTES: usize = 256;

/// Bytes of the reason for it.
pub const REASON_BYTES: usize = 128;

/// Bytes of a device id.
pub const DEVICE_BYTES: usize = 64;

/// Checks that a selection can hold: bits of a `u64`.
pub const CHECKS: usize = 64;

/// Findings that the monitor remembers, some 700 bytes each: a router that has more of them is past remembering.
pub const MONITOR_FINDINGS: usize = if cfg!(test) { 8 } else { 256 };

/// Bytes of a path that the monitor remembers, for the word that a finding is gone. Of a longer one the beginning.
pub const MONITOR_PATH_BYTES: usize = 256;

/// New findings of each severity that the monitor tells in an hour, so that nobody hides a bot behind a crowd of look-alikes. A
/// fresh router with a dozen odd settings is told whole, a Debian server with 70 weak spots in two hours.
pub const MONITOR_STORM: u32 = if cfg!(test) { 3 } else { 60 };

/// Looks in a row that events may cause, and the part of the time that they may take in the long run: one in so many.
pub const MONITOR_BURST: u64 = 8;
/// See [`MONITOR_BURST`].
pub const MONITOR_SHARE: u64 = 50;

/// The part of the processor's time that looks at the network may take which come of what happens there: one in so many. Links go
/// up and down all day on some lines.
pub const MONITOR_NETWORK_SHARE: u64 = 500;

/// The part that each of those takes which nothing is the reason for, so that all of them together stay below one in a thousand.
pub const MONITOR_REST_SHARE: u64 = 4000;

/// Directories of startup files that the monitor watches, 24 bytes each here and about 1 KiB each in the kernel. OpenWrt has some
/// fifty, a Debian server a hundred.
pub const MONITOR_WATCHES: usize = 256;

/// How deep directories below a startup place are watched.
pub const MONITOR_DEPTH: u32 = 3;

/// New processes that the monitor looks at one by one before it decides whether to look at all, 4 bytes each.
pub const MONITOR_BORN: usize = 128;

/// Programs that the monitor has seen run and addresses that it has seen, 8 bytes each; a power of two. A router runs some fifty.
pub const MONITOR_FAMILIAR: usize = if cfg!(test) { 16 } else { 1024 };

/// Bytes of a row of the monitor's state: path, names, ends and numbers of a finding.
pub const MONITOR_ROW_BYTES: usize = MONITOR_PATH_BYTES + CLIENT_BYTES + 256;

/// Bytes of the monitor's state that are read.
pub const MONITOR_STATE_BYTES: usize = MONITOR_FINDINGS * MONITOR_ROW_BYTES + 128;
