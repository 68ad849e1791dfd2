//! Dumps and images of NVRAM.
#![no_main]

use gatewatch::facts::nvram::{Event, Nvram};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let wanted = |key: &[u8]| key.starts_with(b"rc_");
    for image in [false, true] {
        let (mut nvram, mut open, mut bytes) = (Nvram::new(image, &wanted), false, 0);
        let mut each = |event: Event<'_>| match event {
            Event::Begin(..) => assert!(!std::mem::replace(&mut open, true)),
            Event::Byte(_) => bytes += 1,
            Event::End => assert!(std::mem::take(&mut open)),
        };
        data.iter().for_each(|byte| nvram.push(*byte, &mut each));
        nvram.finish(&mut each);
        assert!(!open && bytes <= data.len());
    }
});
