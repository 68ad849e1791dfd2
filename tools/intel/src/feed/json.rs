//! JSON read record by record: each keeps its line, and a broken one costs nothing but itself.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::feed::Taker;

/// A text and its records, as they stand in it.
pub(super) struct Records<'a> {
    text: &'a str,
    /// A place and the number of its line.
    at: usize,
    line: u32,
}

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str) -> Records<'a> {
        Records { text, at: 0, line: 1 }
    }

    /// The line on which a record begins. Records are asked for in their order.
    pub(super) fn line_of(&mut self, record: &RawValue) -> u32 {
        let start = record.get().as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
        if let Some(between) = self.text.as_bytes().get(self.at..start) {
            let ends = between.iter().filter(|byte| **byte == b'\n').count();
            self.line = self.line.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
            self.at = start;
        }
        self.line
    }

    /// Reads a record, and tells of one that cannot be read.
    pub(super) fn read<T: DeserializeOwned>(
        &mut self,
        record: &RawValue,
        taker: &mut dyn Taker,
    ) -> Option<(u32, T)> {
        let line = self.line_of(record);
        match serde_json::from_str(record.get()) {
            Ok(value) => Some((line, value)),
            Err(error) => {
                taker.wrong(line, format!("a record that cannot be read: {}", plain(&error)));
                None
            }
        }
    }
}

/// Reads all of a text in a shape, and tells of the place where that fails.
pub(super) fn whole<'a, T: Deserialize<'a>>(text: &'a str, taker: &mut dyn Taker) -> Option<T> {
    match serde_json::from_str(text) {
        Ok(value) => Some(value),
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(0);
            taker.fail(line, plain(&error));
            None
        }
    }
}

/// The message of an error without its place.
fn plain(error: &serde_json::Error) -> String {
    let words = error.to_string();
    words.rsplit_once(" at line ").map_or_else(|| words.clone(), |(front, _)| front.to_owned())
}

/// An object as it stands.
pub(super) type Object<'a> = BTreeMap<String, &'a RawValue>;

/// A field that may be a text, a number, or nothing: feeds differ.
#[derive(Default)]
pub(super) struct Loose(pub(super) String);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Loose(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(flag) => flag.to_string(),
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                String::new()
            }
        }))
    }
}
