//! Lines of comma-separated values, one record a line. Blanks may stand before a quote, as ThreatFox writes them.

/// The fields of a line.
pub(super) fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (field.trim_end().to_owned(), after)
            }
        };
        fields.push(field);
        let after = after.trim_start_matches([' ', '\t']);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err("something follows a closing quote: the line is no CSV".to_owned()),
        }
    }
}

/// A field up to its closing quote; a quote in it is doubled.
fn quoted_field(text: &str) -> Result<(String, &str), String> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let Some((front, after)) = rest.split_once('"') else {
            return Err("a quote does not end on this line: is the file cut short?".to_owned());
        };
        field.push_str(front);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok((field, after)),
        }
    }
}

/// Where the columns of a format stand, by the names in its header.
pub(super) struct Columns<'a> {
    names: Vec<String>,
    /// The order that the format has when there is no header.
    usual: &'a [&'a str],
}

impl<'a> Columns<'a> {
    pub(super) fn new(usual: &'a [&'a str]) -> Columns<'a> {
        Columns { names: usual.iter().map(|name| (*name).to_owned()).collect(), usual }
    }

    /// Takes a header, which may stand in a comment, and says whether the line is one.
    pub(super) fn header(&mut self, line: &str) -> bool {
        let bare = line.trim_start_matches(['#', ' ']);
        let begins =
            bare.trim_start_matches('"').starts_with(self.usual.first().copied().unwrap_or_default());
        let Ok(names) = fields(bare) else { return false };
        let known = names.iter().filter(|name| self.usual.contains(&name.as_str())).count();
        let is_header = begins && known.saturating_mul(2) > self.usual.len();
        if is_header {
            self.names = names;
        }
        is_header
    }

    /// The column of a row; empty where the row or the format has none.
    pub(super) fn get<'r>(&self, row: &'r [String], name: &str) -> &'r str {
        let at = self.names.iter().position(|own| own == name);
        at.and_then(|at| row.get(at)).map_or("", |field| field.trim())
    }

    /// Whether a row has as many fields as the header, one more or less.
    pub(super) fn fits(&self, row: &[String]) -> bool {
        row.len().abs_diff(self.names.len()) <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_line() {
        for (line, expected) in [
            (r#""a","b""#, Ok(vec!["a", "b"])),
            (r#""a", "b c" ,"d""#, Ok(vec!["a", "b c", "d"])),
            (r#"a, b,,"#, Ok(vec!["a", "b", "", ""])),
            (r#""a ""b"" c","x,y""#, Ok(vec![r#"a "b" c"#, "x,y"])),
            ("", Ok(vec![""])),
            (r#""a"b"#, Err(())),
            (r#""a"#, Err(())),
            (r#"""""#, Err(())),
        ] {
            let expected = expected.map(|fields| fields.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(fields(line).map_err(|_| ()), expected, "{line}");
        }
    }
}
