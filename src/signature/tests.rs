#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

extern crate std;

use std::string::ToString as _;
use std::vec::Vec;

use super::*;

/// A key as minisign 0.11 made it.
const KEY: &str = "untrusted comment: minisign public key 221537535E21B54\n\
                   RWRUG+I1dVMhAn0RQtX8z/JCp2obdMwC3x4taKcenzLvpXaTTDdhPYhx\n";

fn pair(seed: u8) -> (PublicKey, ed25519_compact::KeyPair) {
    let pair = ed25519_compact::KeyPair::from_seed(ed25519_compact::Seed::new([seed; 32]));
    (PublicKey { id: KeyId([seed; 8]), key: *pair.pk }, pair)
}

/// A file of these bytes, with a signature behind them.
fn signed(bytes: &[u8], id: u8, by: &ed25519_compact::KeyPair) -> Vec<u8> {
    let mut file = bytes.to_vec();
    file.extend(*b"Ed");
    file.extend([id; 8]);
    file.extend(by.sk.sign(bytes, None).as_ref());
    file
}

fn look(file: &[u8], at: u32, keys: &[PublicKey]) -> Result<KeyId, Refusal> {
    signer(Signed::cut(file, at), keys)
}

#[test]
fn a_key_of_minisign_is_read() {
    let key = PublicKey::read(KEY.as_bytes()).unwrap();
    assert_eq!(key.id.to_string(), "0221537535E21B54");
    assert_eq!((key.key[0], key.key[31]), (0x7d, 0x71));
    let line = KEY.lines().nth(1).unwrap();
    for text in [line.to_string(), KEY.replace('\n', "\r\n"), std::format!("\n  {line}  \n")] {
        assert_eq!(PublicKey::read(text.as_bytes()), Some(key), "{text}");
    }
    for cut in 0..KEY.trim_end().len() {
        assert_eq!(PublicKey::read(&KEY.as_bytes()[..cut]), None, "{cut}");
    }
    for (from, to) in [("RWRU", "RWRu="), ("RWRU", "SWRU"), ("RWRU", "RW-U"), ("PYhx", "PYhxAAAA")] {
        assert_eq!(PublicKey::read(KEY.replace(from, to).as_bytes()), None, "{to}");
    }
    assert_eq!(PublicKey::read(&[0xff; 100]), None);
}

#[test]
fn only_the_key_that_signed_is_named() {
    let ((one, pair_1), (two, _)) = (pair(1), pair(2));
    let file = signed(b"hello", 1, &pair_1);
    assert_eq!(look(&file, 5, &[two, one]), Ok(one.id));
    assert_eq!(look(&file, 5, &[two]), Err(Refusal::Stranger(one.id)));
    assert_eq!(look(&file, 5, &[]), Err(Refusal::Stranger(one.id)));
    // Another key under the same id.
    let impostor = PublicKey { id: one.id, key: two.key };
    assert_eq!(look(&file, 5, &[impostor]), Err(Refusal::Forged(one.id)));
    assert_eq!(look(&file, 5, &[impostor, one]), Ok(one.id));
    // A key that is no point of the curve signs nothing.
    for key in [[0; 32], [0xff; 32], {
        let mut key = [0; 32];
        key[0] = 1;
        key
    }] {
        assert_eq!(look(&file, 5, &[PublicKey { id: one.id, key }]), Err(Refusal::Forged(one.id)));
    }
    assert_eq!(signer(None, &[one]), Err(Refusal::Unsigned));
    assert!(Refusal::Unsigned.may_be_allowed() && Refusal::Stranger(one.id).may_be_allowed());
    assert!(!Refusal::Forged(one.id).may_be_allowed() && !Refusal::Kind.may_be_allowed());
}

#[test]
fn every_bit_counts_and_so_does_every_byte() {
    let (one, by) = pair(1);
    let file = signed(b"hello", 1, &by);
    for at in 0..file.len() {
        assert!(look(&file[..at], 5, &[one]).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut file = file.clone();
            file[at] ^= 1 << bit;
            let refusal = look(&file, 5, &[one]).unwrap_err();
            match at {
                0..5 | 15.. => assert_eq!(refusal, Refusal::Forged(one.id), "{at} {bit}"),
                5..7 => assert_eq!(refusal, Refusal::Kind, "{at} {bit}"),
                _ => assert!(matches!(refusal, Refusal::Stranger(_)), "{at} {bit}"),
            }
        }
    }
    for at in [0, 4, 6, 79, 80, u32::MAX] {
        assert!(look(&file, at, &[one]).is_err(), "{at}");
    }
}
