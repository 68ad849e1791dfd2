//! What the content of a program tells: its head, whether it is packed, its hash, whether it lives in memory.

use embedded_io::Read;

use super::hash;
use crate::facts::elf::{Elf, HEAD_BYTES, SAMPLE_BYTES, is_dense};
use crate::host::{Fault, Host};

/// What the content of a program tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct Content {
    /// Its head.
    pub elf: Option<Elf>,
    /// It looks compressed or encrypted.
    pub dense: bool,
    /// Its SHA-256, if that was wanted.
    pub sha256: Option<[u8; 32]>,
    /// It lives in memory.
    pub in_memory: bool,
}

/// What the content of a file tells; its head only if `closely`.
pub fn read<H: Host>(host: &H, path: &[u8], closely: bool, sha256: bool) -> Content {
    let mut content = Content { in_memory: host.in_memory(path).unwrap_or_default(), ..Content::default() };
    if closely && let Ok((mut file, _)) = host.file(path) {
        let (elf, dense) = head(&mut file);
        (content.elf, content.dense) = (elf, dense);
    }
    if sha256 && let Ok((mut file, identity)) = host.file(path) {
        content.sha256 = hash::sha256(&mut file, identity.size).ok();
    }
    content
}

/// Reads the head of an ELF file and nothing more.
pub fn header<F: Read<Error = Fault>>(file: &mut F) -> Option<Elf> {
    let mut head = [0_u8; HEAD_BYTES];
    let length = fill_page(file, &mut head);
    Elf::parse(head.get(..length)?)
}

/// Reads the head of an ELF file, and a page from the middle of its code: tables of names and hashes before it look
/// random in healthy programs too.
pub fn head<F: Read<Error = Fault>>(file: &mut F) -> (Option<Elf>, bool) {
    let mut page = [0_u8; SAMPLE_BYTES];
    let length = fill_page(file, &mut page);
    let Some(elf) = page.get(..length.min(HEAD_BYTES)).and_then(Elf::parse) else { return (None, false) };
    let Some((offset, code)) = elf.code.filter(|(_, code)| *code >= DENSE_CODE_BYTES) else {
        return (Some(elf), false);
    };
    let middle = offset.saturating_add(code.div_euclid(2));
    // A router's largest program has some megabytes; how far into an odd one it is read has an end.
    let pages = middle.div_euclid(PAGE).min(MOST_PAGES);
    let read = (0..pages).all(|_| fill_page(file, &mut page) == SAMPLE_BYTES);
    (Some(elf), read && pages > 0 && is_dense(&page))
}

/// Bytes of a page that is counted.
const PAGE: u64 = 4096;
/// Code that is shorter says nothing.
const DENSE_CODE_BYTES: u64 = 16 * 1024;
/// Pages that are read of a program to get to its middle: 1 MiB.
const MOST_PAGES: u64 = 256;

fn fill_page<F: Read<Error = Fault>>(file: &mut F, page: &mut [u8]) -> usize {
    let mut length = 0_usize;
    while let Some(room) = page.get_mut(length..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(read) if read > 0 => length = length.saturating_add(read),
            _ => break,
        }
    }
    length
}
