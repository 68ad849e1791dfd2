//! Startup files of every kind: lines, their commands, and what is known of variables and fetched files.
#![no_main]

use std::cell::RefCell;

use gatewatch::facts::cgi::Cgi;
use gatewatch::facts::commands::Commands;
use gatewatch::facts::cron::minutes;
use gatewatch::facts::decode::{decode, is_decoding_code, writes_program};
use gatewatch::facts::memory::Memory;
use gatewatch::facts::reader::Reader;
use gatewatch::facts::startup::Kind;
use libfuzzer_sys::fuzz_target;

const KINDS: [Kind; 8] = [
    Kind::Shell,
    Kind::Cron,
    Kind::SystemCron,
    Kind::Inittab,
    Kind::Unit,
    Kind::Rules,
    Kind::Other,
    Kind::Program,
];

thread_local! {
    static COMMANDS: RefCell<Box<Commands>> = RefCell::new(Box::new(Commands::new()));
}

fn take(reader: &mut Reader, commands: &mut Commands, memory: &mut Memory, cgi: &mut Cgi) {
    while reader.is_ready() {
        let Some(line) = reader.take(b"/etc/x", commands, memory) else { continue };
        let _ = (minutes(line.text), cgi.line(&line));
        for (at, _) in line.commands.iter() {
            let _ = (decode(line.commands, at), writes_program(line.commands, at));
            let _ = (is_decoding_code(line.commands, at), line.commands.name(at), line.commands.is_shell(at));
            line.commands.program(at).for_each(drop);
            line.commands.feeders(at).chain(line.commands.inside(at)).for_each(drop);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, text)) = data.split_first() else { return };
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    COMMANDS.with_borrow_mut(|commands| {
        commands.begin_file();
        let (mut reader, mut memory, mut cgi) = (Reader::new(kind), Memory::new(), Cgi::new());
        for byte in text {
            if reader.push(*byte) {
                take(&mut reader, commands, &mut memory, &mut cgi);
            }
        }
        if reader.finish() {
            take(&mut reader, commands, &mut memory, &mut cgi);
        }
        let _ = (reader.cut(), memory.is_full());
    });
});
