//! What the owner allows: entries of the command line and of a configuration file, each by check and subject.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use gatewatch::checks;
use gatewatch::facts::text::{behind, fields, trim};
use gatewatch::limits::ALLOWED;
use gatewatch::report::allow::Allowed;

use super::{Draft, Mistake, check, quoted, wrong};

impl Draft {
    /// Takes an entry of the list of what is allowed, whose parts stand apart in a configuration file.
    pub fn allow(
        &mut self,
        check: &[u8],
        subject: &[u8],
        expires: &[u8],
        reason: &[u8],
    ) -> Result<(), Mistake> {
        if check.is_empty() {
            return wrong("allow: name the check, the subject and the reason");
        }
        let entry = Allowed::new(id(check)?, subject, expires, reason);
        let entry = entry.or_else(|help| wrong(format_args!("allow: {help}")))?;
        match self.scan.allow.len() {
            // The command line has entries of its own.
            _ if self.is_given("allow") && self.before.is_some() => Ok(()),
            ALLOWED.. => wrong(format_args!("allow: at most {ALLOWED} entries; leave a check out with skip")),
            _ => {
                self.scan.allow.push(entry);
                Ok(())
            }
        }
    }
}

/// `CHECK SUBJECT LAST-DAY|never REASON`; a subject with blanks stands in double quotes.
pub fn allow(to: &mut Draft, entry: &OsStr) -> Result<(), Mistake> {
    let text = trim(entry.as_bytes());
    let check = fields(text).next().unwrap_or_default();
    let rest = behind(text, 1);
    let (subject, rest) = match rest.strip_prefix(b"\"") {
        Some(quoted) => {
            let end = quoted.iter().position(|byte| *byte == b'"').unwrap_or(quoted.len());
            (quoted.get(..end).unwrap_or_default(), behind(quoted.get(end..).unwrap_or_default(), 1))
        }
        None => (fields(rest).next().unwrap_or_default(), behind(rest, 1)),
    };
    let expires = fields(rest).next().unwrap_or_default();
    if expires.is_empty() {
        return wrong(format_args!("--allow {}: write CHECK SUBJECT YYYY-MM-DD|never REASON", quoted(entry)));
    }
    to.allow(check, subject, expires, behind(rest, 1))
}

/// The id of a check, as the table has it.
fn id(id: &[u8]) -> Result<&'static str, Mistake> {
    let index = check(&String::from_utf8_lossy(id))?;
    Ok(checks::ALL.get(index).map_or("", |check| check.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_what_is_allowed() {
        let mut draft = Draft::new();
        for entry in
            ["exe-volatile /opt/x never our agent", " exe-volatile\t\"/opt/a b\"  2027-01-31  since  May "]
        {
            allow(&mut draft, entry.as_ref()).unwrap();
        }
        let said: Vec<_> = draft
            .scan
            .allow
            .iter()
            .map(|entry| {
                let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (word(entry.subject.as_slice()), word(entry.reason.as_slice()), entry.until)
            })
            .collect();
        let expected = [
            ("/opt/x".to_owned(), "our agent".to_owned(), None),
            ("/opt/a b".to_owned(), "since  May".to_owned(), Some(1_801_440_000)),
        ];
        assert_eq!(said, expected);
        for entry in [
            "",
            "exe-volatile",
            "exe-volatile /opt/x",
            "exe-volatil /opt/x never x",
            "exe-volatile /opt/x never",
            "exe-volatile /opt/x soon x",
            "exe-volatile * never x",
        ] {
            assert!(allow(&mut draft, entry.as_ref()).is_err(), "{entry}");
        }
        for _ in draft.scan.allow.len()..ALLOWED {
            allow(&mut draft, "exe-volatile /opt/x never x".as_ref()).unwrap();
        }
        assert!(allow(&mut draft, "exe-volatile /opt/x never x".as_ref()).is_err());
    }
}
