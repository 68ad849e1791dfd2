//! A running program that is packed, or made so that tools cannot take it apart.
//!
//! # Sees
//! The ELF head of a program that neither firmware nor a package vouches for: UPX's mark, code that looks compressed or
//! encrypted, or a single loaded segment without any section. Where the machine knows what belongs to it, also a
//! program without sections alone.
//!
//! # Why it matters
//! Bots are packed with UPX, often with its mark changed, to be small and to match no signature.
//!
//! # Misses and false alarms
//! A hint, never more than a `notice`: OpenWrt and many vendors cut the sections off all their programs, and some pack
//! them. Firmware's and packages' programs are therefore not looked at, and where nothing says what is installed, the
//! sections alone do not count. Density is measured over 4096 bytes of the third page: code that is packed in another
//! way, or only in part, is missed.
//!
//! # Sources
//! elf(5); UPX src/stub/src/include/linux.h `l_info`; ELFkickers' sstrip; MITRE ATT&CK T1027.002.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::process::{Owner, Process};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "exe-packed",
    area: Area::Process,
    severity: Severity::Notice,
    attack: "T1027.002",
    title: "a packed or section-less program outside of the firmware",
    advice: Advice::PROGRAM,
    sources: &[Source::Processes],
    hooks: &[Hook::Process(run)],
};

fn run(process: &Process, ctx: &Ctx<'_>, out: &mut Out<'_>) {
    let joined = &process.surroundings;
    let Some(elf) = joined.elf.filter(|_| !joined.owner.vouches() && !ctx.is_own(process)) else { return };
    let bare = elf.whole && elf.sections == 0;
    let said = if elf.upx {
        "the program is packed with UPX"
    } else if joined.dense {
        "the program's content looks compressed or encrypted"
    } else if bare && elf.loads == 1 && !elf.interpreter {
        "the program is one segment without sections, as packers make them"
    } else if !elf.whole && joined.owner == Owner::Nobody {
        "the program's headers are not at its beginning, where every linker puts them"
    } else if bare && joined.owner == Owner::Nobody {
        "the program has no sections, which every linker writes: they were cut off"
    } else {
        return;
    };
    out.found(out.process(process).say(said));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{OWN_PID, process, severities};
    use crate::facts::about::Endian;
    use crate::facts::elf::Elf;

    const LINKED: Elf = Elf {
        code: None,
        begins: true,
        bits: 32,
        endian: Endian::Big,
        kind: 2,
        machine: 8,
        sections: 30,
        loads: 2,
        interpreter: true,
        whole: true,
        upx: false,
    };

    fn with(elf: Elf, dense: bool, owner: Owner) -> Vec<Severity> {
        let mut process = process(812, b"x", b"/usr/sbin/x", b"x\0");
        (process.surroundings.elf, process.surroundings.dense) = (Some(elf), dense);
        process.surroundings.owner = owner;
        severities(&CHECK, &process)
    }

    #[test]
    fn packed_programs() {
        use Owner::{Nobody, Unknown};
        let one = Elf { sections: 0, loads: 1, interpreter: false, ..LINKED };
        for owner in [Nobody, Unknown] {
            assert_eq!(with(Elf { upx: true, ..LINKED }, false, owner), [Severity::Notice]);
            assert_eq!(with(LINKED, true, owner), [Severity::Notice]);
            assert_eq!(with(one, false, owner), [Severity::Notice]);
        }
        assert_eq!(with(Elf { sections: 0, ..LINKED }, false, Nobody), [Severity::Notice]);
    }

    #[test]
    fn programs_as_linkers_and_vendors_make_them() {
        use Owner::{Firmware, Nobody, Package, Unknown};
        for owner in [Firmware, Package, Nobody, Unknown] {
            assert_eq!(with(LINKED, false, owner), []);
        }
        for owner in [Firmware, Package] {
            assert_eq!(with(Elf { sections: 0, upx: true, ..LINKED }, true, owner), []);
        }
        assert_eq!(with(Elf { sections: 0, ..LINKED }, false, Unknown), [], "a vendor's");
        assert_eq!(with(Elf { whole: false, ..LINKED }, false, Unknown), [], "not wholly seen");
        assert_eq!(
            with(Elf { whole: false, ..LINKED }, false, Nobody),
            [Severity::Notice],
            "headers elsewhere"
        );
        let mut own = process(OWN_PID, b"gatewatch", b"/tmp/gatewatch", b"");
        own.surroundings.dense = true;
        own.surroundings.elf = Some(LINKED);
        assert_eq!(severities(&CHECK, &own), []);
        let script = process(812, b"x", b"/usr/sbin/x", b"x\0");
        assert_eq!(severities(&CHECK, &script), []);
    }
}
