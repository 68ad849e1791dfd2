//! The arguments of `gatewatch intel`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use lexopt::prelude::*;

use super::{Command, Configure, Draft, Mistake, quoted, scan, seconds, wrong};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To show what a file is.
    Info,
    /// To tell whether a scan would take it.
    Verify,
    /// To put a newer one in its place.
    Update,
}

/// What `gatewatch intel` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intel {
    /// What is to be done.
    pub action: Action,
    /// The file, or where it is fetched from.
    pub source: OsString,
    /// Where keys, files and the state are.
    pub dir: OsString,
    /// The file that is replaced; none is the one in its place.
    pub target: Option<OsString>,
    /// Files that no trusted key has signed are taken.
    pub allow_unsigned: bool,
    /// Seconds until fetching is given up.
    pub timeout_s: u64,
}

/// Reads what stands behind the word `intel`.
pub fn parse(parser: &mut lexopt::Parser, configure: Configure<'_>) -> Result<Command, Mistake> {
    let (mut action, mut source, mut target) = (None, None, None);
    let (mut timeout_s, mut draft) = (120, Draft::new());
    while let Some(argument) = parser.next()? {
        let (update, option) = (action == Some(Action::Update), scan::find(&argument));
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Value(word) if action.is_none() => {
                action = match word.to_str() {
                    Some("info") => Some(Action::Info),
                    Some("verify") => Some(Action::Verify),
                    Some("update") => Some(Action::Update),
                    _ => return wrong(format_args!("intel {}: use info, verify or update", quoted(&word))),
                };
            }
            Value(word) if source.is_none() => source = Some(word),
            Short('o') if update => target = Some(parser.value()?),
            Long("timeout") if update => timeout_s = seconds(&parser.value()?)?,
            other => {
                let is_ours = match other {
                    Long("dir" | "config" | "no-config") => true,
                    Long("allow-unsigned") => !update,
                    _ => false,
                };
                match option.filter(|_| is_ours) {
                    Some(option) => draft.take(option, parser)?,
                    None => return Err(other.unexpected().into()),
                }
            }
        }
    }
    let Some(action) = action else { return wrong("intel: use info, verify or update") };
    let Some(source) = source.filter(|source| !source.as_bytes().is_empty()) else {
        return wrong("intel: give the file, or to update the address that it is fetched from");
    };
    configure(&mut draft)?;
    let scan = draft.finish()?;
    // What nobody has signed comes to its place by hand.
    let allow_unsigned = scan.allow_unsigned && action != Action::Update;
    Ok(Command::Intel(Box::new(Intel { action, source, dir: scan.dir, target, allow_unsigned, timeout_s })))
}

#[cfg(test)]
mod tests {
    use super::super::DIR;
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let words = ["intel"].into_iter().chain(line.split_whitespace());
        super::super::parse(words.map(OsString::from), &|_| Ok(())).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked_for() {
        let plain = Intel {
            action: Action::Info,
            source: "/x".into(),
            dir: DIR.into(),
            target: None,
            allow_unsigned: false,
            timeout_s: 120,
        };
        assert_eq!(parsed("info /x"), Ok(Command::Intel(Box::new(plain.clone()))));
        let verify =
            Intel { action: Action::Verify, allow_unsigned: true, dir: "/d".into(), ..plain.clone() };
        assert_eq!(parsed("verify --allow-unsigned --dir /d /x"), Ok(Command::Intel(Box::new(verify))));
        let update = Intel { action: Action::Update, target: Some("/t".into()), timeout_s: 5, ..plain };
        assert_eq!(parsed("update -o /t --timeout 5 /x"), Ok(Command::Intel(Box::new(update))));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, expected) in [
            ("", "intel: use info, verify or update"),
            ("show /x", "intel \"show\": use info, verify or update"),
            ("info", "intel: give the file, or to update the address that it is fetched from"),
            ("info /x /y", "unexpected word \"/y\": give one command only"),
            ("update --allow-unsigned /x", "unknown option --allow-unsigned"),
            ("info -o /y /x", "unknown option -o"),
            ("update --timeout 0 /x", "--timeout: use seconds from 1 to 86400"),
        ] {
            assert_eq!(parsed(line), Err(expected.into()), "{line}");
        }
    }
}
