//! The arguments of `keygen`, `sign` and `verify`.

use std::path::PathBuf;

use lexopt::prelude::{Long, Short, Value};

use crate::value::{date, text, value, words};

/// Keys, and what they do.
pub(crate) enum Signing {
    Keygen {
        secret: PathBuf,
        public: PathBuf,
        no_password: bool,
        password_file: Option<PathBuf>,
    },
    Sign {
        files: Vec<PathBuf>,
        secret: PathBuf,
        password_file: Option<PathBuf>,
        comment: Option<String>,
        now: u64,
    },
    Verify {
        files: Vec<PathBuf>,
        public: PathBuf,
    },
}

/// Reads what stands behind one of these words; `None`: help is asked for.
pub(crate) fn parse(word: &str, parser: &mut lexopt::Parser) -> Result<Option<Signing>, String> {
    let (mut files, mut secret, mut public, mut password_file) = (Vec::new(), None, None, None);
    let (mut comment, mut no_password) = (None, false);
    while let Some(argument) = parser.next().map_err(words)? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Value(path) if word != "keygen" => files.push(PathBuf::from(path)),
            Short('s') | Long("secret") if word != "verify" => secret = Some(PathBuf::from(value(parser)?)),
            Short('p') | Long("public") if word != "sign" => public = Some(PathBuf::from(value(parser)?)),
            Long("password-file") if word != "verify" => password_file = Some(PathBuf::from(value(parser)?)),
            Long("no-password") if word == "keygen" => no_password = true,
            Long("comment") if word == "sign" => comment = Some(text("--comment", value(parser)?)?),
            other => return Err(words(other.unexpected())),
        }
    }
    let secret = || secret.ok_or_else(|| format!("{word}: -s FILE is missing: the secret key"));
    let public = || public.ok_or_else(|| format!("{word}: -p FILE is missing: the public key"));
    if word != "keygen" && files.is_empty() {
        return Err(format!("{word}: no FILE is given"));
    }
    if no_password && password_file.is_some() {
        return Err("--no-password and --password-file: give one of them".to_owned());
    }
    if comment.as_ref().is_some_and(|comment| comment.contains(['\n', '\r'])) {
        return Err("--comment: one line only".to_owned());
    }
    Ok(Some(match word {
        "keygen" => Signing::Keygen { secret: secret()?, public: public()?, no_password, password_file },
        "sign" => Signing::Sign { files, secret: secret()?, password_file, comment, now: date()? },
        _ => Signing::Verify { files, public: public()? },
    }))
}
