//! Writes every recording of the tests into a directory, as inputs of the target `machine`.

use std::path::Path;
use std::{env, fs};

fn main() {
    let into = env::args_os().nth(1).expect("a directory");
    let recordings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/recordings");
    for entry in fs::read_dir(recordings).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            fs::write(Path::new(&into).join(entry.file_name()), gatewatch_fuzz::packed(&entry.path()))
                .unwrap();
        }
    }
}
