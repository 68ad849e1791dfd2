//! The arguments of `gatewatch baseline`.

use std::ffi::OsString;

use lexopt::prelude::*;

use super::{
    Command, Configure, DEFAULT_BASELINE, Draft, Format, Mistake, format, quoted, scan, shown, wrong,
};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To write one.
    Create,
    /// To compare with one.
    Verify,
}

/// What `gatewatch baseline` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// What is to be done.
    pub action: Action,
    /// The tree, instead of this machine.
    pub root: Option<OsString>,
    /// The file.
    pub file: OsString,
    /// Nobody named the file.
    pub is_default: bool,
    /// The format on standard output.
    pub format: Format,
    /// Clients are told in full.
    pub lan_details: bool,
    /// Where the keys are that it may be signed with.
    pub dir: OsString,
}

/// Reads what stands behind the word `baseline`.
pub fn parse(parser: &mut lexopt::Parser, configure: Configure<'_>) -> Result<Command, Mistake> {
    let (mut action, mut file, mut kind, mut draft) = (None, None, None, Draft::new());
    while let Some(argument) = parser.next()? {
        let option = scan::find(&argument);
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Value(word) if action.is_none() => {
                action = match word.to_str() {
                    Some("create") => Some(Action::Create),
                    Some("verify") => Some(Action::Verify),
                    _ => return wrong(format_args!("baseline {}: use create or verify", quoted(&word))),
                };
            }
            Value(word) if file.is_none() && action == Some(Action::Verify) => file = Some(word),
            Short('o') | Long("baseline") if file.is_none() => file = Some(parser.value()?),
            Long("format") if action == Some(Action::Verify) => {
                let word = parser.value()?;
                kind = match format(&word) {
                    Ok(kind @ (Format::Text | Format::Json)) => Some(kind),
                    _ => return wrong(format_args!("--format {}: use text or json", quoted(&word))),
                };
            }
            Short('o') | Long("baseline") => {
                return wrong(format_args!("{}: one file only", shown(&argument)));
            }
            other => {
                let verify = action == Some(Action::Verify);
                let is_ours = match other {
                    Long("root" | "config" | "no-config") => true,
                    Long("lan-details" | "dir") => verify,
                    _ => false,
                };
                match option.filter(|_| is_ours) {
                    Some(option) => draft.take(option, parser)?,
                    None => return Err(other.unexpected().into()),
                }
            }
        }
    }
    let Some(action) = action else { return wrong("baseline: use create or verify") };
    // What this machine has is not what a tree has.
    if file.is_none() && draft.scan().root.is_some() {
        return wrong("baseline --root: name the file with -o");
    }
    configure(&mut draft)?;
    let scan = draft.finish()?;
    let file = file.or(scan.baseline);
    Ok(Command::Baseline(Baseline {
        action,
        root: scan.root,
        is_default: file.is_none(),
        file: file.unwrap_or_else(|| DEFAULT_BASELINE.into()),
        format: kind.unwrap_or(Format::Text),
        lan_details: scan.lan_details && action == Action::Verify,
        dir: scan.dir,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let words = ["baseline"].into_iter().chain(line.split_whitespace());
        super::super::parse(words.map(OsString::from), &|_| Ok(())).map_err(|error| error.to_string())
    }

    fn baseline(line: &str) -> Baseline {
        match parsed(line) {
            Ok(Command::Baseline(baseline)) => baseline,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn what_is_asked_for() {
        let plain = baseline("create");
        assert_eq!(
            (plain.file.to_str(), plain.is_default, &plain.root),
            (Some(DEFAULT_BASELINE), true, &None)
        );
        let named = baseline("verify --root /x /y --format json");
        assert_eq!(named, baseline("verify --format json --baseline /y --root /x"));
        assert_eq!(named, baseline("verify -o /y --root /x --format=json"));
        assert_eq!((named.action, named.format, named.is_default), (Action::Verify, Format::Json, false));
        assert!(baseline("verify --lan-details").lan_details && !named.lan_details);
        assert_eq!(baseline("create -o-").file, "-");
        assert_eq!(parsed("create --help"), Ok(Command::Help));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, expected) in [
            ("", "baseline: use create or verify"),
            ("make", "baseline \"make\": use create or verify"),
            ("create --root /x", "baseline --root: name the file with -o"),
            ("create /x", "unexpected word \"/x\": give one command only"),
            ("verify /x -o /y", "-o: one file only"),
            ("verify --format prom", "--format \"prom\": use text or json"),
            ("create --format json", "unknown option --format"),
            ("create -q", "unknown option -q"),
            ("create --lan-details", "unknown option --lan-details"),
        ] {
            assert_eq!(parsed(line), Err(expected.into()), "{line}");
        }
    }
}
