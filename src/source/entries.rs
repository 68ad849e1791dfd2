//! One directory of a walk: its names with their whole paths, and an end for walks that find too many.

use crate::facts::text::Bytes;
use crate::host::{Fault, Host};
use crate::limits::PATH_BYTES;

/// Hands every name in a directory to `each`, with its whole path, as long as some are `left`; `each` takes from these what it
/// finds further below. `path` is the directory's before and after.
///
/// # Errors
/// When the directory cannot be listed; [`Fault::TooLong`] when names were left out because their paths are. That it is gone
/// meanwhile is none.
pub fn entries<H: Host>(
    host: &H,
    dir: &H::Dir,
    path: &mut Bytes<PATH_BYTES>,
    left: &mut u32,
    each: &mut dyn FnMut(&[u8], &mut Bytes<PATH_BYTES>, &mut u32),
) -> Result<(), Fault> {
    let length = path.as_slice().len();
    let mut long = false;
    let listed = host.list(dir, &mut |name| {
        let Some(less) = left.checked_sub(1) else { return };
        *left = less;
        if length.saturating_add(name.len()) >= PATH_BYTES {
            long = true;
            return;
        }
        path.push(b"/");
        path.push(name);
        each(name, path, left);
        path.truncate(length);
    });
    match listed {
        Err(fault) if fault.is_absence() => Ok(()),
        Ok(()) if long => Err(Fault::TooLong),
        listed => listed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::Memory;

    #[test]
    fn names_with_paths_until_there_are_enough() {
        let machine = Memory::new();
        machine.file("a/one", "").file("a/two", "").file("a/two2", "");
        let look = |path: &[u8], mut left: u32| {
            let (mut path, mut found) = (Bytes::of(path), Vec::new());
            let dir = machine.dir(b"a").unwrap();
            let listed = entries(&machine, &dir, &mut path, &mut left, &mut |name, path, _| {
                assert!(path.as_slice().ends_with(name));
                found.push(String::from_utf8_lossy(path.as_slice()).into_owned());
            });
            (found, left, listed)
        };
        let all = ["/a/one", "/a/two", "/a/two2"].map(str::to_owned);
        assert_eq!(look(b"/a", 9), (all.to_vec(), 6, Ok(())));
        assert_eq!(look(b"/a", 2), (all[..2].to_vec(), 0, Ok(())));
        let deep = vec![b'x'; PATH_BYTES - 4];
        let (found, _, listed) = look(&deep, 9);
        assert_eq!((found.len(), listed), (2, Err(Fault::TooLong)), "the names with three bytes have room");
    }
}
