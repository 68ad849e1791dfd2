//! Heads of programs.
#![no_main]

use gatewatch::facts::elf::Elf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(elf) = Elf::parse(data) {
        let _ = (elf.is_program(), elf.machine_word());
    }
});
