//! Where a report goes: standard output, or a file that is there whole or not at all; and where complaints go.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::fmt;
use std::io::{Stderr, Stdout, stderr, stdout};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use embedded_io::{ErrorType, Write};
use gatewatch::host::Fault;
use gatewatch::report::escape::Escaped;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, fchmod};

use crate::sys::fd::{Buffered, Writer, fault};
use crate::sys::newfile::NewFile;
use crate::sys::signals;

/// Bytes that a pipe which takes something takes at once (pipe(7)).
const PIPE_BUF: usize = 4096;

/// How often, and for how long, is waited until something can be written.
const TURNS: u32 = 20;
const TURN_MS: u16 = 100;

/// Who may read the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner: a report says what is wrong with the machine, and perhaps who lives there.
    Owner,
    /// Everybody, whatever the umask: collectors of metrics run as users of their own.
    All,
}

/// Says on standard error what went wrong. Nothing can be done if even that fails; where nobody has read it, no time is lost again.
pub fn complain(what: fmt::Arguments<'_>) {
    static UNHEARD: AtomicBool = AtomicBool::new(false);
    let turns = if UNHEARD.load(Relaxed) { 1 } else { TURNS };
    let output = Output { stderr: Some(stderr()), turns, ..Output::new(None, Readers::Owner) };
    let mut out = Buffered::new(&output);
    let said = out.write_fmt(format_args!("gatewatch: {what}\n")).is_ok() && out.flush().is_ok();
    UNHEARD.store(!said, Relaxed);
}

/// Where a report goes. It is shared by the format that writes it and by whoever says that it is whole.
#[derive(Debug)]
pub struct Output<'a> {
    stdout: Stdout,
    /// It goes there instead.
    stderr: Option<Stderr>,
    /// How often is waited until something can be written.
    turns: u32,
    path: Option<&'a OsString>,
    readers: Readers,
    /// The report that is being written.
    file: RefCell<Option<NewFile>>,
    /// Why there is none.
    fault: Cell<Option<Fault>>,
}

impl<'a> Output<'a> {
    /// To `path`, or to standard output. A file is begun at once, so that what cannot be written is known before the look.
    pub fn new(path: Option<&'a OsString>, readers: Readers) -> Self {
        let output = Self {
            stdout: stdout(),
            stderr: None,
            turns: TURNS,
            path,
            readers,
            file: RefCell::new(None),
            fault: Cell::new(None),
        };
        if path.is_some() {
            output.begin();
        }
        output
    }

    /// Whether it is standard output.
    pub fn is_stdout(&self) -> bool {
        self.path.is_none()
    }

    /// Whether nothing more can be written.
    pub fn is_lost(&self) -> bool {
        self.fault.get().is_some()
    }

    /// Begins a file, unless there is one.
    fn begin(&self) {
        let mut file = self.file.borrow_mut();
        let Some(path) = self.path.filter(|_| file.is_none() && !self.is_lost()) else { return };
        let mode = match self.readers {
            Readers::Owner => Mode::S_IRUSR | Mode::S_IWUSR,
            Readers::All => Mode::from_bits_truncate(0o644),
        };
        let begun = NewFile::create(path, mode).and_then(|new| match self.readers {
            Readers::Owner => Ok(new),
            Readers::All => fchmod(&new, mode).map(|()| new).map_err(fault),
        });
        match begun {
            Ok(new) => *file = Some(new),
            Err(fault) => self.fault.set(Some(fault)),
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.stderr.as_ref().map_or(self.stdout.as_fd(), AsFd::as_fd)
    }

    /// Waits until standard output or standard error takes something. Of a monitor: nobody may read it, and signals are not to wait
    /// for that.
    fn wait(&self) -> Result<(), Fault> {
        if signals::descriptor().is_none() {
            return Ok(());
        }
        for _ in 0..self.turns {
            let mut fds = [PollFd::new(self.fd(), PollFlags::POLLOUT)];
            match poll(&mut fds, PollTimeout::from(TURN_MS)) {
                Ok(1..) => return Ok(()),
                _ if signals::is_ending() => break,
                _ => {}
            }
        }
        Err(fault(Errno::ETIMEDOUT))
    }

    /// Gives the report up. What was there before stays.
    pub fn lose(&self, fault: Fault) {
        self.fault.set(self.fault.get().or(Some(fault)));
        *self.file.borrow_mut() = None;
    }

    /// Puts the report in its place, now that it is whole.
    pub fn keep(&self) {
        self.begin();
        let file = self.file.borrow_mut().take();
        if let Some(Err(fault)) = file.map(NewFile::keep) {
            self.lose(fault);
        }
    }
}

/// Which file it is, and what is wrong with it.
impl fmt::Display for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = Escaped(self.path.map(|path| path.as_bytes()).unwrap_or_default());
        match self.fault.get() {
            Some(fault) => {
                write!(f, "{path}: {fault}; what was there before stays. -o needs a file that can be written")
            }
            None => path.fmt(f),
        }
    }
}

impl ErrorType for &Output<'_> {
    type Error = Fault;
}

impl Write for &Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        if self.path.is_none() {
            let bytes = bytes.get(..PIPE_BUF).unwrap_or(bytes);
            self.wait()?;
            return Writer(self.fd()).write(bytes);
        }
        self.begin();
        let written = match (&*self.file.borrow(), self.fault.get()) {
            (Some(file), _) => Writer(file.as_fd()).write(bytes),
            (None, fault) => Err(fault.unwrap_or(Fault::NotFound)),
        };
        if let Err(fault) = written {
            self.lose(fault);
        }
        written
    }

    fn flush(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}
