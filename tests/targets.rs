//! Holds each router binary to what its routers can load and run: static, old enough code, small, no stray path.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]

#[path = "common/elf.rs"]
mod elf;
#[path = "common/golden.rs"]
mod golden;
#[path = "common/routers.rs"]
mod routers;

use std::{env, fs};

use elf::Elf;
use routers::routers;

const MIPS: u64 = 8;
const ARM: u64 = 40;

#[test]
fn header_is_the_one_of_its_target() {
    for router in routers() {
        let (name, elf) = (&router.name, Elf::new(fs::read(&router.binary).unwrap()));
        assert_eq!(elf.bits, router.bits, "{name}: bits");
        assert_eq!(elf.big_endian, router.big_endian, "{name}: big endian");
        assert_eq!(elf.machine(), router.machine, "{name}: e_machine");
    }
}

/// The router's own libc and loader, if it has any, are of unknown make and age: nothing of them may be needed.
#[test]
fn nothing_is_loaded_beside_it() {
    for router in routers() {
        let (name, elf) = (&router.name, Elf::new(fs::read(&router.binary).unwrap()));
        assert_eq!(elf.kind(), Elf::EXEC, "{name}: e_type is not ET_EXEC, that is, not at a fixed address");
        for segment in elf.segments() {
            assert_ne!(segment.kind, Elf::INTERP, "{name}: has a PT_INTERP, so needs a loader");
            assert_ne!(segment.kind, Elf::DYNAMIC, "{name}: has a PT_DYNAMIC, so may need libraries");
        }
    }
}

/// The linker's own words (e_flags, ABI flags), and then each instruction, because objects have been mislabelled.
#[test]
fn mips_code_is_release_1_and_soft_float() {
    for router in routers().iter().filter(|router| router.machine == MIPS) {
        let (name, elf) = (&router.name, Elf::new(fs::read(&router.binary).unwrap()));
        assert_eq!(elf.flags() & 0xf000_0000, 0x5000_0000, "{name}: e_flags do not say MIPS32 release 1");
        assert_eq!(elf.flags() & 0x0000_f000, 0x0000_1000, "{name}: e_flags do not say o32");
        let segments = elf.segments();
        let abi = segments
            .iter()
            .find(|segment| segment.kind == Elf::MIPS_ABIFLAGS)
            .expect("no .MIPS.abiflags")
            .bytes;
        assert_eq!((abi[2], abi[3]), (32, 1), "{name}: ABI flags' ISA level and release");
        assert_eq!(abi[7], 3, "{name}: ABI flags' float ABI is not soft float");
        let code = segments.iter().filter(|segment| segment.kind == Elf::LOAD && segment.executable);
        for (index, bytes) in code.flat_map(|segment| segment.bytes.chunks_exact(4)).enumerate() {
            let word = elf.number(bytes, 0, 4);
            if let Some(why) = beyond_mips32r1_soft_float(word) {
                panic!("{name}: instruction {word:#010x}, the {index}th word of the code, {why}");
            }
        }
    }
}

/// Why a MIPS32 release 1 core without an FPU cannot run this instruction.
fn beyond_mips32r1_soft_float(word: u64) -> Option<&'static str> {
    let (opcode, rs, rt, function) = (word >> 26, (word >> 21) & 31, (word >> 16) & 31, word & 63);
    match opcode {
        0x11 | 0x13 | 0x31 | 0x35 | 0x39 | 0x3d => Some("needs an FPU"),
        0x00 if function == 1 => Some("needs an FPU (movf, movt)"),
        0x00 if function == 2 && rs == 1 => Some("is of release 2 (rotr)"),
        0x00 if function == 6 && (word >> 6) & 31 == 1 => Some("is of release 2 (rotrv)"),
        0x01 if rt == 31 => Some("is of release 2 (synci)"),
        // rdhwr $29, the thread pointer: of release 2 as well, but every Linux runs it for a core that cannot.
        0x1f if word & 0xffe0_ffff == 0x7c00_e83b => None,
        0x1f => Some("is of release 2 (ext, ins, seb, seh, wsbh, rdhwr)"),
        _ => None,
    }
}

#[test]
fn newer_mips_code_is_told_from_old() {
    let newer = [
        (0x46241002, "mul.d $f0, $f2, $f4"),
        (0xd7a40010, "ldc1 $f4, 16($sp)"),
        (0x00021a02 | 1 << 21, "rotr $v1, $v0, 8"),
        (0x7c421dc0, "ext $v0, $v0, 23, 4"),
        (0x7c021420, "seb $v0, $v0"),
    ];
    for (word, text) in newer {
        assert!(beyond_mips32r1_soft_float(word).is_some(), "{text} was let pass");
    }
    let old = [
        (0x00021a02, "srl $v1, $v0, 8"),
        (0x70431002, "mul $v0, $v0, $v1"),
        (0x70401020, "clz $v0, $v0"),
        (0xc0820000, "ll $v0, 0($a0)"),
        (0x7c03e83b, "rdhwr $v1, $29"),
        (0x00000000, "nop"),
    ];
    for (word, text) in old {
        assert_eq!(beyond_mips32r1_soft_float(word), None, "{text} was refused");
    }
}

/// ARM code cannot be told from the constants between it, so here the header speaks and the runner, which has no FPU.
#[test]
fn arm_code_passes_floats_in_plain_registers() {
    for router in routers().iter().filter(|router| router.machine == ARM) {
        let flags = Elf::new(fs::read(&router.binary).unwrap()).flags();
        assert_eq!(flags & 0xff00_0000, 0x0500_0000, "{}: e_flags do not say EABI version 5", router.name);
        assert_eq!(flags & 0x0000_0600, 0x0000_0200, "{}: e_flags do not say soft float", router.name);
    }
}

/// Under the oldest core that it must run on: an instruction that core lacks would end it with SIGILL.
#[test]
fn runs_and_says_its_version() {
    for router in routers() {
        let mut command = router.command();
        command.arg("--version");
        let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}: run scripts/setup"));
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{command:?}: {output:?}");
        assert_eq!(stdout, concat!("gatewatch ", env!("CARGO_PKG_VERSION"), "\n"), "{command:?}");
    }
}

#[test]
fn size_is_within_its_limit() {
    for router in routers() {
        let (size, limit) = (fs::metadata(&router.binary).unwrap().len(), router.limit);
        assert!(size <= limit, "{}: {size} bytes, and targets/limits.toml allows {limit}", router.name);
    }
}

/// Such a path would make the binary differ from machine to machine, and tell who built it.
#[test]
fn no_path_of_the_building_machine_is_inside() {
    let home = env::var("HOME").unwrap();
    let paths = [
        concat!(env!("CARGO_MANIFEST_DIR"), "/src/").to_owned(),
        concat!(env!("CARGO_MANIFEST_DIR"), "/target/").to_owned(),
        format!("{home}/.cargo"),
        format!("{home}/.rustup"),
        "/registry/src/".to_owned(),
        "/rustlib/".to_owned(),
    ];
    for router in routers() {
        let bytes = fs::read(&router.binary).unwrap();
        for path in &paths {
            let found = bytes.windows(path.len()).any(|window| window == path.as_bytes());
            assert!(!found, "{}: holds {path}: is it remapped in scripts/build-targets?", router.name);
        }
    }
}

/// The same signed file, the same answers: what is good is good on each, what is not is refused for the same reason.
#[test]
fn signatures_mean_the_same_on_every_router() {
    let place =
        |name: &str| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/intel/signed").join(name);
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("keys")).unwrap();
    fs::copy(place("test.pub"), dir.path().join("keys/test.pub")).unwrap();
    let flipped = dir.path().join("flipped.gwi");
    let mut bytes = fs::read(place("v2.gwi")).unwrap();
    bytes[900] ^= 1;
    fs::write(&flipped, bytes).unwrap();
    for router in routers() {
        let look = |action: &str, file: &std::path::Path| {
            let output =
                router.command().args(["intel", action, "--dir"]).arg(dir.path()).arg(file).output().unwrap();
            let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
            (output.status.code(), said)
        };
        for (file, status, words) in [
            (
                place("v1.gwi"),
                0,
                "good, version 1 of 2020-01-01, 3 indicators, signed by key 2C49B58CADF922BA",
            ),
            (flipped.clone(), 1, "it is not what key 2C49B58CADF922BA has signed"),
            (place("stranger.gwi"), 1, "it is signed by key 493F6C35015AD7A9, which is not trusted here"),
            (place("newer.gwi"), 1, "needs gatewatch 200.0.0 or newer"),
        ] {
            let (code, said) = look("verify", &file);
            assert!(code == Some(status) && said.contains(words), "{}: {code:?} {said}", router.name);
        }
        let own = dir.path().join(&router.name);
        fs::create_dir_all(own.join("keys")).unwrap();
        fs::copy(place("test.pub"), own.join("keys/test.pub")).unwrap();
        for file in ["v1.gwi", "v1-to-v2.gwd"] {
            let mut command = router.command();
            let output =
                command.args(["intel", "update", "--dir"]).arg(&own).arg(place(file)).output().unwrap();
            assert!(output.status.success(), "{}: {file}: {output:?}", router.name);
        }
        let here = fs::read(own.join("intel.d/indicators.gwi")).unwrap();
        assert!(here == fs::read(place("v2.gwi")).unwrap(), "{}: the delta made something else", router.name);
        assert_eq!(
            fs::read_to_string(own.join("state")).unwrap(),
            "indicators.gwi 2 1577923200\n",
            "{}",
            router.name
        );
    }
}

/// A report depends on the byte order of the machine that was recorded, never on that of the machine that looks.
#[test]
fn reports_are_the_same_on_every_router() {
    let mut differences = String::new();
    for router in routers() {
        for name in golden::names().0 {
            for &format in golden::formats(&name) {
                let report = golden::report(router.command(), &name, format);
                if let Some(difference) = golden::difference(&name, format, &report) {
                    differences.push_str(&format!("the binary for {}: {difference}", router.name));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
}
