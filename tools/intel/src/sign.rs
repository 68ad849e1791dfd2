//! Signing: the signature at the end of indicator files and baselines, which the router looks at, and the file beside them,
//! which minisign looks at. One key makes both, and each covers all of what is there when it is made: the first the file
//! before its own place, the second the file as it is published.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use gatewatch::baseline::{self, Baseline};
use gatewatch::intel::{self, Intel};
use gatewatch::signature::{self, BLOCK_LEN, PublicKey, SECTION, Signed};
use minisign::SignatureBox;

use crate::key::{self, Password, Secret};
use crate::output;
use crate::sign_args::Signing;

/// What is said when something is signed: the time, for whom the name does not tell it.
struct Options {
    /// Instead of what the comment says by itself.
    comment: Option<String>,
    /// Seconds since 1970.
    now: u64,
}

/// Does what is to be done with keys, and returns the lines that say so.
pub(crate) fn run(asked: Signing) -> Result<String, String> {
    let password = |file: Option<PathBuf>| file.map_or(Ok(Password::Ask), |file| key::password_of(&file));
    match asked {
        Signing::Keygen { secret, public, no_password, password_file } => {
            let password = if no_password { Password::None } else { password(password_file)? };
            key::generate(&secret, &public, password)
        }
        Signing::Sign { files, secret, password_file, comment, now } => {
            let secret = Secret::read(&secret, password(password_file)?)?;
            let options = Options { comment, now };
            files.iter().map(|file| sign(file, &secret, &options)).collect()
        }
        Signing::Verify { files, public } => {
            let public = Public::read(&public)?;
            files.iter().map(|file| verify(file, &public)).collect()
        }
    }
}

/// Signs a file, and returns the line that says so.
fn sign(path: &Path, secret: &Secret, options: &Options) -> Result<String, String> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| format!("{shown}: {error}"))?;
    let (bytes, version) = match Kind::of(&bytes) {
        Some(kind) => {
            let signed = embed(kind, bytes, secret).map_err(|what| format!("{shown}: {what}"))?;
            check(kind, &signed, &secret.public())
                .map_err(|what| format!("{shown}: internal error: {what}"))?;
            output::replace(path, &signed)?;
            let version = Intel::open(&signed).ok().map(|intel| format!("\tversion:{}", intel.version()));
            (signed, version.unwrap_or_default())
        }
        // A delta, say: what comes of it has a signature of its own.
        None => (bytes, String::new()),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let comment = match &options.comment {
        Some(comment) => comment.clone(),
        None => format!("timestamp:{}\tfile:{name}\thashed{version}", options.now),
    };
    let beside = beside(path);
    output::replace(&beside, secret.minisig(&bytes, &comment)?.as_bytes())?;
    let id = secret.public().id;
    let own = if Kind::of(&bytes).is_some() { "in the file and " } else { "" };
    Ok(format!("{shown}: signed by key {id}, {own}in {}\n", beside.display()))
}

/// Holds a file against a key, and returns the line that says that it is good.
fn verify(path: &Path, public: &Public) -> Result<String, String> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| format!("{shown}: {error}"))?;
    let mut looked = Vec::new();
    if let Some(kind) = Kind::of(&bytes) {
        let signed = kind.signed(&bytes).map_err(|what| format!("{shown}: {what}"))?;
        match signed {
            Some(_) => {
                check(kind, &bytes, &public.device).map_err(|what| format!("{shown}: {what}"))?;
                looked.push("in the file".to_owned());
            }
            None if !beside(path).exists() => {
                return Err(format!("{shown}: it is not signed: use gatewatch-intel sign"));
            }
            None => {}
        }
    }
    let beside = beside(path);
    if beside.exists() || looked.is_empty() {
        let shown = beside.display();
        let text = fs::read_to_string(&beside).map_err(|error| format!("{shown}: {error}"))?;
        let signature = SignatureBox::from_string(&text).map_err(|error| format!("{shown}: {error}"))?;
        let comment = signature.trusted_comment().unwrap_or_default();
        minisign::verify(&public.minisign, &signature, Cursor::new(&bytes), true, false, true)
            .map_err(|error| format!("{shown}: {error}"))?;
        looked.push(format!("in {shown} ({})", comment.escape_debug()));
    }
    Ok(format!("{shown}: good, signed by key {}, {}\n", public.device.id, looked.join(" and ")))
}

/// A public key, as each side has it.
struct Public {
    device: PublicKey,
    minisign: minisign::PublicKey,
}

impl Public {
    /// Reads the file of a key.
    fn read(path: &Path) -> Result<Self, String> {
        let fail = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        let text = fs::read_to_string(path).map_err(|error| fail(&error))?;
        let device = PublicKey::read(text.as_bytes()).ok_or_else(|| fail(&"not a public key of minisign"))?;
        let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let minisign = minisign::PublicKey::from_base64(line.trim()).map_err(|error| fail(&error))?;
        Ok(Self { device, minisign })
    }
}

/// Where minisign looks for the signature of a file.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".minisig");
    PathBuf::from(name)
}

/// A kind of file that has room for a signature.
#[derive(Clone, Copy)]
enum Kind {
    Intel,
    Baseline,
}

impl Kind {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            _ if bytes.starts_with(&intel::layout::MAGIC) => Some(Kind::Intel),
            _ if bytes.starts_with(&baseline::layout::MAGIC) => Some(Kind::Baseline),
            _ => None,
        }
    }

    /// Who says that it is theirs; an error when it is no good file.
    fn signed(self, bytes: &[u8]) -> Result<Option<Signed<'_>>, String> {
        match self {
            Kind::Intel => Intel::open(bytes).map(|it| it.signed()).map_err(|defect| defect.to_string()),
            Kind::Baseline => {
                Baseline::open(bytes).map(|it| it.signed()).map_err(|defect| defect.to_string())
            }
        }
    }
}

/// Whether a key signed a file, by the router's own eyes.
fn check(kind: Kind, bytes: &[u8], key: &PublicKey) -> Result<(), String> {
    let signer = signature::signer(kind.signed(bytes)?, &[*key]);
    signer.map(|_| ()).map_err(|refusal| match refusal {
        signature::Refusal::Stranger(id) => format!("it is signed by key {id}, and not by key {}", key.id),
        other => other.to_string(),
    })
}

/// Puts a signature at the end of a file, in place of an older one.
fn embed(kind: Kind, bytes: Vec<u8>, secret: &Secret) -> Result<Vec<u8>, String> {
    let mut bytes = match (kind.signed(&bytes)?, kind) {
        (Some(_), _) => {
            bytes.split_last_chunk::<BLOCK_LEN>().map(|(covered, _)| covered.to_vec()).unwrap_or_default()
        }
        (None, Kind::Intel) => intel_place(&bytes)?,
        (None, Kind::Baseline) => baseline_place(bytes)?,
    };
    bytes.extend(secret.block(&bytes));
    Ok(bytes)
}

/// An indicator file with a row for the signature that will follow.
fn intel_place(bytes: &[u8]) -> Result<Vec<u8>, String> {
    use gatewatch::intel::layout::{HEADER_LEN, Header, SECTION_LEN, Section};
    let no = || "too large to be signed".to_owned();
    let mut header = Header::read(bytes).map_err(|defect| defect.to_string())?;
    let head = usize::from(header.header_len);
    let table = usize::from(header.sections).saturating_mul(SECTION_LEN);
    let (table, bodies) = bytes.get(head..).and_then(|rest| rest.split_at_checked(table)).ok_or_else(no)?;
    let shift = u32::try_from(SECTION_LEN).map_err(|_| no())?;
    let mut rows: Vec<Section> = table.as_chunks().0.iter().map(Section::from_bytes).collect();
    for row in &mut rows {
        row.offset = row.offset.checked_add(shift).ok_or_else(no)?;
    }
    let offset = bytes.len().checked_add(SECTION_LEN).ok_or_else(no)?;
    rows.push(Section {
        kind: SECTION,
        offset: u32::try_from(offset).map_err(|_| no())?,
        length: u32::try_from(BLOCK_LEN).map_err(|_| no())?,
        count: 1,
    });
    header.sections = header.sections.checked_add(1).ok_or_else(no)?;
    header.file_len = u64::try_from(offset.saturating_add(BLOCK_LEN)).map_err(|_| no())?;
    let mut out = header.to_bytes().to_vec();
    out.extend(bytes.get(HEADER_LEN..head).unwrap_or_default());
    out.extend(rows.iter().flat_map(Section::to_bytes));
    out.extend(bodies);
    Ok(out)
}

/// A baseline whose row for the signature is filled in.
fn baseline_place(mut bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    use gatewatch::baseline::layout::{HEADER_LEN, Header, SECTION_LEN, Section};
    let no = || "it has no place for a signature: make a new baseline".to_owned();
    let mut header = Header::read(&bytes).map_err(|defect| defect.to_string())?;
    let length = u32::try_from(BLOCK_LEN).map_err(|_| no())?;
    header.file_len = header.file_len.saturating_add(u64::from(length));
    let end = u32::try_from(bytes.len()).map_err(|_| no())?;
    let rows =
        bytes.get_mut(usize::from(header.header_len)..).unwrap_or_default().as_chunks_mut::<SECTION_LEN>().0;
    let rows = rows.get_mut(..usize::from(header.sections)).ok_or_else(no)?;
    let row = rows.iter_mut().find(|row| Section::from_bytes(row).kind == SECTION).ok_or_else(no)?;
    *row = Section { length, offset: end, ..Section::from_bytes(row) }.to_bytes();
    bytes.get_mut(..HEADER_LEN).ok_or_else(no)?.copy_from_slice(&header.to_bytes());
    Ok(bytes)
}
