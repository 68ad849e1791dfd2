//! The heap: memory is handed out upwards and comes back when the newest is let go. The few strings of a run need no
//! more, and a C library's heap, with its locks and lists, is several KiB.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::ptr::null_mut;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

/// Asked of the kernel at a time; a page of it costs memory only once it is used.
const CHUNK: usize = 64 * 1024;

/// Memory from the kernel.
#[derive(Debug)]
pub struct Heap {
    next: Cell<*mut u8>,
    left: Cell<usize>,
}

// SAFETY: this program starts no thread.
unsafe impl Sync for Heap {}

impl Heap {
    /// Has nothing yet.
    pub const fn new() -> Self {
        Self { next: Cell::new(null_mut()), left: Cell::new(0) }
    }

    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let padding = self.next.get().align_offset(layout.align());
        let left = self.left.get().checked_sub(padding)?.checked_sub(layout.size())?;
        let start = self.next.get().wrapping_add(padding);
        self.next.set(start.wrapping_add(layout.size()));
        self.left.set(left);
        Some(start)
    }

    /// Goes on in new memory, with room for `layout`.
    fn grow(&self, layout: Layout) -> Option<()> {
        let length = NonZeroUsize::new(layout.size().checked_add(layout.align())?.max(CHUNK))?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh private mapping at an address of the kernel's choice overlaps nothing.
        let start = unsafe { mmap_anonymous(None, length, access, MapFlags::MAP_PRIVATE) }.ok()?;
        self.next.set(start.as_ptr().cast());
        self.left.set(length.get());
        Some(())
    }

    fn is_newest(&self, start: *mut u8, size: usize) -> bool {
        start.wrapping_add(size) == self.next.get()
    }
}

// SAFETY: what is handed out lies in a mapping that is never undone, aligned, behind everything that was handed out
// before and not given back.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.take(layout).or_else(|| self.grow(layout).and_then(|()| self.take(layout))).unwrap_or(null_mut())
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        if self.is_newest(start, layout.size()) {
            self.next.set(start);
            self.left.set(self.left.get().saturating_add(layout.size()));
        }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let room = self.left.get().saturating_add(layout.size());
        if self.is_newest(start, layout.size()) && size <= room {
            self.next.set(start.wrapping_add(size));
            self.left.set(room.saturating_sub(size));
            return start;
        }
        // SAFETY: a size that the caller has made sure fits with this alignment.
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !moved.is_null() {
            // SAFETY: both are valid for the smaller of the sizes, and what was just handed out overlaps nothing.
            unsafe { start.copy_to_nonoverlapping(moved, layout.size().min(size)) };
        }
        moved
    }
}

#[cfg(test)]
#[allow(clippy::undocumented_unsafe_blocks, reason = "each size and alignment is the one that was asked for")]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_out_is_aligned_and_apart() {
        let heap = Heap::new();
        let mut held: Vec<(usize, Layout)> = Vec::new();
        for step in 1..2000_usize {
            let layout = Layout::from_size_align(step * 37 % 3000 + 1, 1 << (step % 8)).unwrap();
            let start = unsafe { heap.alloc(layout) };
            unsafe { start.write_bytes(0xa5, layout.size()) };
            assert_eq!(start.addr() % layout.align(), 0);
            for (other, its) in &held {
                assert!(start.addr() >= other + its.size() || start.addr() + layout.size() <= *other);
            }
            if step % 3 == 0 {
                unsafe { heap.dealloc(start, layout) };
            } else {
                held.push((start.addr(), layout));
            }
        }
    }

    #[test]
    fn the_newest_grows_in_place_and_comes_back() {
        let heap = Heap::new();
        let layout = Layout::from_size_align(16, 8).unwrap();
        let (first, last) = unsafe { (heap.alloc(layout), heap.alloc(layout)) };
        assert_eq!(unsafe { heap.realloc(last, layout, 64) }, last);
        unsafe { first.write_bytes(7, 16) };
        let moved = unsafe { heap.realloc(first, layout, 3 * CHUNK) };
        assert_ne!(moved, first);
        assert_eq!(unsafe { std::slice::from_raw_parts(moved, 16) }, [7; 16]);
        // The next small one begins a new chunk.
        unsafe { heap.alloc(layout) };
        let left = heap.left.get();
        let start = unsafe { heap.alloc(layout) };
        unsafe { heap.dealloc(start, layout) };
        assert_eq!(heap.left.get(), left);
        let huge = Layout::from_size_align(usize::MAX / 2 - 64, 8).unwrap();
        assert!(unsafe { heap.alloc(huge) }.is_null());
    }
}
