//! A machine in memory, for tests: what is there, what fails, and what changes between two looks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Dump, Fault, Host, Identity, Kind};
use crate::facts::about::{About, Endian};

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A regular file.
    File(Vec<u8>),
    /// A symbolic link; its text is not followed.
    Link(Vec<u8>),
    /// Something that cannot be opened.
    Fails(Fault),
}

type Change = Box<dyn FnOnce(&Memory)>;

/// A machine in memory.
pub(crate) struct Memory {
    nodes: RefCell<BTreeMap<String, Node>>,
    about: About,
    modes: RefCell<BTreeMap<String, u32>>,
    /// Process ids that answer besides those that have a directory.
    answering: RefCell<Vec<u32>>,
    mute: RefCell<Vec<u32>>,
    /// What happens while the scan waits.
    on_pause: RefCell<Option<Change>>,
}

impl Memory {
    /// A live machine with nothing in it.
    pub(crate) fn new() -> Self {
        let about = About { live: true, endian: Some(Endian::Little) };
        Self {
            nodes: RefCell::default(),
            about,
            modes: RefCell::default(),
            answering: RefCell::default(),
            mute: RefCell::default(),
            on_pause: RefCell::default(),
        }
    }

    /// The same as a tree.
    pub(crate) fn tree(mut self, endian: Option<Endian>) -> Self {
        self.about = About { live: false, endian };
        self
    }

    /// Puts something at a path, replacing what was there.
    pub(crate) fn put(&self, path: &str, node: Node) -> &Self {
        self.nodes.borrow_mut().insert(path.to_owned(), node);
        self
    }

    /// Puts a file at a path.
    pub(crate) fn file(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        self.put(path, Node::File(text.as_ref().to_vec()))
    }

    /// Puts a link at a path.
    pub(crate) fn link(&self, path: &str, target: &str) -> &Self {
        self.put(path, Node::Link(target.as_bytes().to_vec()))
    }

    /// Gives a file another mode.
    pub(crate) fn mode(&self, path: &str, mode: u32) -> &Self {
        self.modes.borrow_mut().insert(path.to_owned(), mode);
        self
    }

    /// Makes process ids answer, and only these, that have no directory.
    pub(crate) fn answering(&self, pids: &[u32]) -> &Self {
        *self.answering.borrow_mut() = pids.to_vec();
        self
    }

    /// The ids that are in /proc and do not answer.
    pub(crate) fn mute(&self, pids: &[u32]) -> &Self {
        *self.mute.borrow_mut() = pids.to_vec();
        self
    }

    /// Takes away a path and all below it.
    pub(crate) fn remove(&self, path: &str) -> &Self {
        let below = format!("{path}/");
        self.nodes.borrow_mut().retain(|other, _| other != path && !other.starts_with(&below));
        self
    }

    /// A process with a program and arguments.
    pub(crate) fn process(&self, pid: u32, comm: &str, exe: &str, argv: &[u8]) -> &Self {
        let vsize = if exe.is_empty() { 0 } else { 4096 };
        let stat = format!("{pid} ({comm}) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {pid}00 {vsize} 1\n");
        self.file(&format!("proc/{pid}/stat"), stat).file(&format!("proc/{pid}/cmdline"), argv);
        if exe.is_empty() { self } else { self.link(&format!("proc/{pid}/exe"), exe) }
    }

    /// What happens while the scan waits for its second look.
    pub(crate) fn on_pause(&self, change: impl FnOnce(&Memory) + 'static) -> &Self {
        *self.on_pause.borrow_mut() = Some(Box::new(change));
        self
    }

    fn node(&self, path: &str) -> Result<Node, Fault> {
        let nodes = self.nodes.borrow();
        match nodes.get(path) {
            Some(node) => Ok(node.clone()),
            None if nodes.keys().any(|other| other.starts_with(&format!("{path}/"))) => Err(Fault::Directory),
            None => Err(Fault::NotFound),
        }
    }

    fn identity(&self, path: &str, length: usize) -> Identity {
        let inode = path.bytes().fold(1_u64, |sum, b| sum.wrapping_mul(31).wrapping_add(u64::from(b)));
        let mode = self.modes.borrow().get(path).copied().unwrap_or(0o100_755);
        Identity { device: 1, inode, size: u64::try_from(length).unwrap(), mode, uid: 0 }
    }

    fn open(&self, path: &str) -> Result<(File, Identity), Fault> {
        match self.node(path)? {
            Node::File(text) => {
                let identity = self.identity(path, text.len());
                Ok((File(Rc::from(text), 0), identity))
            }
            Node::Link(_) => Err(Fault::NotFound),
            Node::Fails(fault) => Err(fault),
        }
    }
}

/// An open file and how far it was read.
pub(crate) struct File(Rc<[u8]>, usize);

impl embedded_io::ErrorType for File {
    type Error = Fault;
}

impl embedded_io::Read for File {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let rest = &self.0[self.1..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.1 = self.1.saturating_add(length);
        Ok(length)
    }
}

fn text(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

fn below(at: &str, name: &[u8]) -> String {
    if at.is_empty() { text(name) } else { format!("{at}/{}", text(name)) }
}

impl Host for Memory {
    type Dir = String;
    type File = File;

    fn about(&self) -> About {
        self.about
    }

    fn dir(&self, path: &[u8]) -> Result<String, Fault> {
        match self.node(&text(path)) {
            Err(Fault::Directory) => Ok(text(path)),
            _ if path.is_empty() => Ok(String::new()),
            Ok(Node::Fails(fault)) | Err(fault) => Err(fault),
            Ok(_) => Err(Fault::NotDirectory),
        }
    }

    fn file(&self, path: &[u8]) -> Result<(File, Identity), Fault> {
        self.open(&text(path))
    }

    fn dir_at(&self, at: &String, name: &[u8]) -> Result<String, Fault> {
        self.dir(below(at, name).as_bytes())
    }

    fn file_at(&self, at: &String, name: &[u8]) -> Result<File, Fault> {
        self.open(&below(at, name)).map(|(file, _)| file)
    }

    fn link_at(&self, at: &String, name: &[u8], into: &mut [u8]) -> Result<usize, Fault> {
        match self.node(&below(at, name))? {
            Node::Link(target) => {
                let length = target.len().min(into.len());
                into[..length].copy_from_slice(&target[..length]);
                Ok(length)
            }
            Node::Fails(fault) => Err(fault),
            Node::File(_) => Err(Fault::Errno(22)),
        }
    }

    fn list(&self, at: &String, each: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
        let start = if at.is_empty() { String::new() } else { format!("{at}/") };
        let names: std::collections::BTreeSet<String> = self
            .nodes
            .borrow()
            .keys()
            .filter_map(|path| path.strip_prefix(&start)?.split('/').next().map(str::to_owned))
            .collect();
        names.iter().for_each(|name| each(name.as_bytes()));
        Ok(())
    }

    fn kind_at(&self, at: &String, name: &[u8]) -> Result<Kind, Fault> {
        let path = if name == b"." { at.clone() } else { below(at, name) };
        match self.node(&path) {
            Ok(Node::File(text)) => Ok(Kind::File(self.identity(&path, text.len()))),
            Ok(Node::Link(_)) => Ok(Kind::Link),
            Err(Fault::Directory) => Ok(Kind::Dir(self.identity(&path, 0))),
            Ok(Node::Fails(Fault::Fifo | Fault::Socket | Fault::Device)) => Ok(Kind::Other),
            Ok(Node::Fails(fault)) | Err(fault) => Err(fault),
        }
    }

    fn program_of(&self, _: &String) -> Result<Identity, Fault> {
        Err(Fault::NotFound)
    }

    fn in_memory(&self, _: &[u8]) -> Result<bool, Fault> {
        Err(Fault::NotFound)
    }

    fn is_sealed(&self, _: &[u8]) -> bool {
        false
    }

    fn answers(&self, pid: u32) -> Result<bool, Fault> {
        let there = self.node(&format!("proc/{pid}")) == Err(Fault::Directory);
        Ok(there && !self.mute.borrow().contains(&pid) || self.answering.borrow().contains(&pid))
    }

    fn dump(&self, dump: Dump<'_>) -> Result<File, Fault> {
        let name = match dump {
            Dump::Netlink(question) => question.recorded().to_owned(),
            Dump::Set(_) => crate::facts::netlink::SetName::RECORDED.to_owned(),
            Dump::Xtables { ip6, table } => format!("ip{}_tables_{table}.bin", if ip6 { "6" } else { "" }),
            Dump::Pids => "pids".to_owned(),
            Dump::Nvram => "nvram".to_owned(),
        };
        self.open(&format!("dumps/{name}")).map(|(file, _)| file)
    }

    fn pause(&self, _: u32) {
        if let Some(change) = self.on_pause.borrow_mut().take() {
            change(self);
        }
    }
}
