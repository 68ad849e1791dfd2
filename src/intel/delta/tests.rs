//! A delta made by the real tool, and that no damage to it does harm.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

extern crate std;

use std::vec::Vec;

use super::{Delta, Fault, HEAD_LEN};

// `gatewatch-intel delta ../testdata/tiny.gwi ../testdata/tiny2.gwi`; the tool's tests hold them together.
const OLD: &[u8] = include_bytes!("../testdata/tiny.gwi");
const NEW: &[u8] = include_bytes!("../testdata/tiny2.gwi");
const DELTA: &[u8] = include_bytes!("../testdata/tiny.gwd");

fn apply(delta: &[u8], old: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut new = Vec::new();
    let delta = Delta::open(delta)?;
    delta.apply(old, &mut |bytes| {
        new.extend_from_slice(bytes);
        true
    })?;
    Ok(new)
}

#[test]
fn the_new_file_is_made_of_the_old_one() {
    assert!(apply(DELTA, OLD).unwrap() == NEW);
    let delta = Delta::open(DELTA).unwrap();
    assert_eq!((delta.old_version(), delta.new_version()), (7, 8));
    assert_eq!(delta.new_len(), u64::try_from(NEW.len()).unwrap());
}

#[test]
fn another_old_file_is_refused() {
    assert_eq!(apply(DELTA, NEW), Err(Fault::OtherBase { version: 7 }));
    let mut old = OLD.to_vec();
    old[100] ^= 1;
    assert_eq!(apply(DELTA, &old), Err(Fault::OtherBase { version: 7 }));
    assert_eq!(apply(DELTA, &[]), Err(Fault::OtherBase { version: 7 }));
}

#[test]
fn a_delta_cut_at_any_byte_is_refused() {
    for length in 0..DELTA.len() {
        let fault = apply(&DELTA[..length], OLD).unwrap_err();
        assert!(matches!(fault, Fault::NotDelta | Fault::Broken), "{length}: {fault:?}");
    }
    let longer = [DELTA, b"\0"].concat();
    assert_eq!(apply(&longer, OLD), Err(Fault::Broken));
}

#[test]
fn every_changed_byte_is_refused_or_does_not_matter() {
    for at in 0..DELTA.len() {
        for bit in 0..8 {
            let mut delta = DELTA.to_vec();
            delta[at] ^= 1 << bit;
            // The versions are only told, and some bytes are not read.
            if let Ok(new) = apply(&delta, OLD) {
                assert!(new == NEW, "{at}");
                assert!((12..24).contains(&at) || at >= HEAD_LEN, "{at}");
            }
        }
    }
}

#[test]
fn noise_behind_a_good_head_ends_soon() {
    let mut random: u64 = 1;
    for _ in 0..2000 {
        let mut delta = DELTA.to_vec();
        for _ in 0..8 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = HEAD_LEN + usize::try_from(random >> 40).unwrap() % (DELTA.len() - HEAD_LEN);
            delta[at] = random.to_le_bytes()[4];
        }
        let mut written = 0;
        let open = Delta::open(&delta).unwrap();
        let outcome = open.apply(OLD, &mut |bytes| {
            written += bytes.len();
            true
        });
        assert!(written <= NEW.len(), "{written}");
        assert!(outcome.is_ok() || outcome == Err(Fault::Broken));
    }
}

#[test]
fn a_sink_that_is_full_ends_it() {
    let delta = Delta::open(DELTA).unwrap();
    assert_eq!(delta.apply(OLD, &mut |_| false), Err(Fault::Write));
}
