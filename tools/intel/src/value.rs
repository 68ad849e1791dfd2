//! Values of options, and what is wrong with them in words.

use std::ffi::OsString;
use std::time::{SystemTime, UNIX_EPOCH};

use lexopt::prelude::ValueExt;

/// The date of the build: reproducible-builds.org/specs/source-date-epoch, or now.
pub(crate) fn date() -> Result<u64, String> {
    match std::env::var_os("SOURCE_DATE_EPOCH") {
        Some(epoch) => number("SOURCE_DATE_EPOCH", epoch),
        None => match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Ok(since.as_secs()),
            Err(_) => Err("the clock stands before 1970: give --created SECONDS".to_owned()),
        },
    }
}

pub(crate) fn value(parser: &mut lexopt::Parser) -> Result<OsString, String> {
    parser.value().map_err(words)
}

pub(crate) fn text(option: &str, value: OsString) -> Result<String, String> {
    value.string().map_err(|error| format!("{option}: {error}"))
}

pub(crate) fn number<T: TryFrom<u64>>(option: &str, value: OsString) -> Result<T, String> {
    let text = value.to_string_lossy();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|_| digits).and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("{option}: {text:?} is not a whole number in range"))
}

pub(crate) fn words(error: lexopt::Error) -> String {
    error.to_string()
}
