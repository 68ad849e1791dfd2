//! A setting that makes another program run something: a line of a configuration file in, what it runs out.

use super::process::Owner;
use super::text::trim;

/// What is done with the value of such a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The program that it names is executed.
    Program,
    /// A shell reads the file that it names.
    Include,
    /// A shell runs it.
    Shell,
    /// The program that it names is connected to whoever calls from the network.
    Service,
    /// It names a further file of the same kind.
    File,
    /// It names a directory with further files of the same kind.
    Directory,
}

/// A key of a configuration file whose value runs something.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name; of a table with columns, empty.
    pub name: &'static [u8],
    /// What is done with the value.
    pub how: How,
    /// Words, columns, or parts that end in a comma where an equals sign stands behind keys, before what is run.
    pub skip: usize,
}

/// One setting with all that is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The file, `/` first.
    pub file: &'a [u8],
    /// The line in it.
    pub line: u32,
    /// Its name.
    pub key: &'a [u8],
    /// What it says.
    pub value: &'a [u8],
    /// What is done with that.
    pub how: How,
    /// The image has the same setting in the same file.
    pub in_image: bool,
    /// Who vouches for the program.
    pub owner: Owner,
    /// The program is there.
    pub exists: bool,
    /// It is no script.
    pub elf: bool,
}

impl<'a> Setting<'a> {
    /// See [`program`].
    #[must_use]
    pub fn program(&self) -> &'a [u8] {
        program(self.how, self.value)
    }
}

/// The path of what a value runs or reads, `/` first; empty if it names none.
#[must_use]
pub fn program(how: How, value: &[u8]) -> &[u8] {
    // `.php=/usr/bin/php-cgi`, `NAME /usr/bin/x`; the slashes of an address are behind a colon. A shell runs the first word.
    let mut before = b' ';
    let start = value.iter().position(|byte| {
        let begins = *byte == b'/' && matches!(before, b' ' | b'\t' | b'=' | b'"' | b'\'');
        before = *byte;
        begins
    });
    let start = start.filter(|start| how != How::Shell || *start <= 1);
    let rest = start.and_then(|start| value.get(start..)).unwrap_or_default();
    let end = rest.iter().position(|b| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b';' | b'\n'));
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}

/// Finds the key of a line among `keys`, and its value without quotes.
#[must_use]
pub fn find<'l>(line: &'l [u8], equals: bool, keys: &[Key]) -> Option<(Key, &'l [u8])> {
    let line = trim(line);
    // `;` begins a comment in most of these files, `--` an option on a command line.
    if line.is_empty() || matches!(line.first(), Some(b'#' | b';')) {
        return None;
    }
    let line = line.strip_prefix(b"--").unwrap_or(line);
    keys.iter().find_map(|key| {
        let rest = if key.name.is_empty() { line } else { after(line, key.name, equals)? };
        let mut value = trim(rest);
        for _ in 0..key.skip {
            let ends = |b: &u8| if equals { *b == b',' } else { matches!(b, b' ' | b'\t') };
            value = trim(value.get(value.iter().position(ends)?.saturating_add(1)..)?);
        }
        let value = unquoted(trim(value));
        (!value.is_empty()).then_some((*key, value))
    })
}

/// What stands behind a name and its separator.
fn after<'l>(line: &'l [u8], name: &[u8], equals: bool) -> Option<&'l [u8]> {
    let start = line.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name))?;
    let rest = line.get(start.len()..)?;
    if equals {
        return trim(rest).strip_prefix(b"=").or_else(|| trim(rest).strip_prefix(b"+="));
    }
    matches!(rest.first(), Some(b' ' | b'\t')).then_some(rest)
}

/// Without the quotes around all of it.
fn unquoted(value: &[u8]) -> &[u8] {
    [b"\"", b"'"].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [Key; 3] = [
        Key { name: b"dhcp-script", how: How::Program, skip: 0 },
        Key { name: b"extend", how: How::Program, skip: 1 },
        Key { name: b"up", how: How::Shell, skip: 0 },
    ];

    #[test]
    fn keys_and_their_values() {
        for (line, equals, expected) in [
            (&b"dhcp-script=/usr/lib/x"[..], true, Some(&b"/usr/lib/x"[..])),
            (b"  DHCP-Script = \"/usr/lib/x y\"  ", true, Some(b"/usr/lib/x y")),
            (b"dhcp-scripts=/x", true, None),
            (b"dhcp-script", true, None),
            (b"#dhcp-script=/x", true, None),
            (b"extend name /usr/bin/x -a", false, Some(b"/usr/bin/x -a")),
            (b"extend name", false, None),
            (b"upper /x", false, None),
            (b"--up '/bin/x'", false, Some(b"/bin/x")),
            (b"", false, None),
        ] {
            let found = find(line, equals, &KEYS).map(|(_, value)| value);
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(line));
        }
        let zabbix = [Key { name: b"UserParameter", how: How::Shell, skip: 1 }];
        assert_eq!(find(b"UserParameter=a[*],ls /x, y", true, &zabbix).unwrap().1, b"ls /x, y");
        let columns = [Key { name: b"", how: How::Service, skip: 5 }];
        let line = b"telnet stream tcp\tnowait root /usr/sbin/telnetd telnetd -l";
        assert_eq!(find(line, false, &columns).unwrap().1, b"/usr/sbin/telnetd telnetd -l");
    }

    #[test]
    fn programs_of_values() {
        for (how, value, expected) in [
            (How::Program, &b"/usr/bin/x -a /tmp/y"[..], &b"/usr/bin/x"[..]),
            (How::Program, b".php=/usr/bin/php-cgi", b"/usr/bin/php-cgi"),
            (How::Program, b".1.3.6.1 /usr/bin/x", b"/usr/bin/x"),
            (How::Program, b"wget http://192.0.2.1/x", b""),
            (How::Program, b"x.sh", b""),
            (How::Shell, b"\"/tmp/x\" y", b"/tmp/x"),
            (How::Shell, b"ls /tmp/x", b""),
            (How::Include, b"", b""),
        ] {
            assert_eq!(program(how, value), expected, "{}", String::from_utf8_lossy(value));
        }
    }
}
