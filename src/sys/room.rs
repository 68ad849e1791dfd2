//! Large buffers that lie in .bss, where a page of them costs memory only once it is used, each taken once.

use std::cell::{Cell, UnsafeCell};

/// Holds what is taken once. std's `Mutex` would bring its waiting along.
#[derive(Debug)]
pub struct Room<T> {
    taken: Cell<bool>,
    held: UnsafeCell<T>,
}

// SAFETY: this program starts no thread.
unsafe impl<T> Sync for Room<T> {}

impl<T> Room<T> {
    /// Nobody has it yet.
    pub const fn new(held: T) -> Self {
        Self { taken: Cell::new(false), held: UnsafeCell::new(held) }
    }

    /// The buffer, the first time.
    #[allow(clippy::mut_from_ref, reason = "given out once")]
    pub fn take(&'static self) -> Option<&'static mut T> {
        // SAFETY: this is the only way to it, and is gone only once.
        (!self.taken.replace(true)).then(|| unsafe { &mut *self.held.get() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_taken_once() {
        static ROOM: Room<u8> = Room::new(7);
        assert_eq!(ROOM.take(), Some(&mut 7));
        assert_eq!(ROOM.take(), None);
    }
}
