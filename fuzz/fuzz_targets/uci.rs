//! OpenWrt's configuration, and gatewatch's own.
#![no_main]

use gatewatch::facts::own_settings::{self, Setting};
use gatewatch::facts::uci::{Entry, Uci};
use gatewatch::report::allow::Allowed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (mut uci, mut entries) = (Uci::new(), 0);
    let mut each = |entry: &Entry<'_>| entries += usize::from(entry.line > 0);
    data.iter().for_each(|byte| uci.push(*byte, &mut each));
    uci.finish(&mut each);
    assert!(entries <= data.len());
    assert_eq!(uci.odd() > 0, uci.odd_line().is_some());
    let _ = uci.cut();
    let mut rows = 0;
    let _ = own_settings::read::<()>(data, &mut |row| {
        rows += usize::from(row.line > 0);
        if let Setting::Allow { subject, expires, reason, .. } = row.setting {
            let _ = Allowed::new("exe-volatile", subject, expires, reason);
        }
        Ok(())
    });
    assert!(rows <= data.len());
});
