//! What a build reads: every file with its kind, and what never matches.

use std::path::Path;

use crate::args::Build;
use crate::feed::{self, Kind};
use crate::input::{self, Input};
use crate::list;
use crate::never::Never;
use crate::report::Report;

/// A file whose kind is known.
pub(crate) struct Feed {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) family: String,
    /// Of lines in the tool's own format the bytes: each line that is no UTF-8 is a mistake of its own.
    pub(crate) bytes: Vec<u8>,
}

/// Reads all files and finds out what each is. Warning lists come back by themselves.
pub(crate) fn open_all(
    inputs: &[Input],
    options: &Build,
    report: &mut Report,
) -> Result<(Vec<Feed>, Vec<feed::warning::Warning>), String> {
    let (mut feeds, mut warnings) = (Vec::new(), Vec::new());
    for input in inputs {
        let bytes = input::bytes(input)?;
        let name = &input.name;
        // Lines of the tool's own are checked one by one.
        let known = match input.kind {
            Some(Kind::Plain) => None,
            _ => Some(input::text(name, &bytes)),
        };
        let kind = match (input.kind, &known) {
            (Some(kind), _) => kind,
            (None, Some(Ok(text))) => {
                let is_json = text.trim_start().starts_with(['{', '[']);
                if !is_json {
                    input::check_lines(name, text)?;
                }
                let file_name = input.path.file_name().unwrap_or_default().to_string_lossy();
                let guess = feed::guess(&file_name, text).map_err(|what| format!("{name}: {what}"))?;
                report.note(&format!("{name}: read as {}, by {}", guess.kind.word(), guess.by));
                guess.kind
            }
            (None, Some(Err(what))) => return Err(what.clone()),
            (None, None) => Kind::Plain,
        };
        match (kind, known) {
            (Kind::Warning, Some(text)) => {
                warnings.push(warning(name, &text?, report)?);
            }
            (Kind::Plain, _) => {
                let family = plain_family(&input.path, options)?;
                feeds.push(Feed { name: name.clone(), kind, family, bytes });
            }
            (kind, text) => {
                let text = text.unwrap_or_else(|| input::text(name, &bytes))?;
                // The other forms of these two are lines.
                let is_json = match kind {
                    Kind::Misp | Kind::Stix => true,
                    Kind::Feodo | Kind::Threatfox => text.trim_start().starts_with(['{', '[']),
                    _ => false,
                };
                if !is_json {
                    input::check_lines(name, &text)?;
                }
                if kind == Kind::Adblock {
                    warnings.extend(exceptions(name, &text));
                }
                let stem = input.path.file_stem().unwrap_or_default().to_string_lossy();
                let own = || feed::family_word(&stem).unwrap_or_else(|| kind.word().to_owned());
                let family = options.family.clone().or_else(|| kind.family().map(str::to_owned));
                let family = family.unwrap_or_else(own);
                feeds.push(Feed { name: name.clone(), kind, family, bytes: text.into_bytes() });
            }
        }
    }
    Ok((feeds, warnings))
}

/// The never-match lists of the user and the built-in ones.
pub(crate) fn never(
    options: &Build,
    mut warnings: Vec<feed::warning::Warning>,
    report: &mut Report,
) -> Result<Never, String> {
    let named: Vec<(Option<Kind>, std::path::PathBuf)> =
        options.never.iter().map(|path| (None, path.clone())).collect();
    let (inputs, _) = input::expand(&named)?;
    let mut lists = Vec::new();
    for input in &inputs {
        let name = &input.name;
        let bytes = list::read(&input.path)?;
        if bytes.trim_ascii_start().starts_with(b"{") {
            warnings.push(warning(name, &input::text(name, &bytes)?, report)?);
        } else {
            lists.push((name.clone(), bytes));
        }
    }
    Ok(Never::new(&lists, warnings, options.allow_private, report))
}

/// What a filter list lets through in what it blocks: its author knows it to be good.
fn exceptions(name: &str, text: &str) -> Option<feed::warning::Warning> {
    let names = feed::exceptions(text);
    let entries = names.into_iter().map(|name| feed::warning::Entry::Domain(name, true)).collect::<Vec<_>>();
    (!entries.is_empty()).then(|| feed::warning::Warning {
        name: format!("exceptions of {name}"),
        entries,
        unused: 0,
    })
}

/// Reads a warning list, and says what there is of it.
fn warning(name: &str, text: &str, report: &Report) -> Result<feed::warning::Warning, String> {
    let warning =
        feed::warning::parse(text).map_err(|what| format!("{name}: is not a MISP warning list: {what}"))?;
    let unused = match warning.unused {
        0 => String::new(),
        unused => format!(", {unused} are about something else"),
    };
    report.note(&format!("{name}: {} entries never match{unused}", warning.entries.len()));
    Ok(warning)
}

/// The family of lines of the tool's own that name none.
fn plain_family(path: &Path, options: &Build) -> Result<String, String> {
    if let Some(family) = &options.family {
        return Ok(family.clone());
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match list::family(&stem) {
        Ok(family) => Ok(family.to_owned()),
        Err(what) => Err(format!("{}: {what}: give --family NAME", path.display())),
    }
}
