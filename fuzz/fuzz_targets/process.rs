//! What /proc tells of a process, of mounts and of modules.
#![no_main]

use gatewatch::facts::descriptors::{Descriptors, is_writable};
use gatewatch::facts::environ::{Environment, libraries};
use gatewatch::facts::maps::Memory;
use gatewatch::facts::module::Row;
use gatewatch::facts::mount::Mount;
use gatewatch::facts::process::Stat;
use gatewatch::facts::status::Status;
use gatewatch::facts::tunnel::attached;
use gatewatch_fuzz::rows;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = Stat::parse(data);
    let (mut memory, mut environment) = (Memory::default(), Environment::default());
    let (mut status, mut descriptors) = (Status::default(), Descriptors::default());
    for row in rows(data) {
        memory.row(row, b"/bin/busybox");
        status.line(row);
        let _ = (Mount::parse(row), Mount::parse_info(row), Row::parse(row), is_writable(row), attached(row));
        descriptors.descriptor(b"3", row);
    }
    for variable in data.split(|b| *b == 0) {
        environment.variable(variable, false);
        libraries(variable).for_each(drop);
    }
});
