//! Commands that turn encoded text into something else, and where they put it.

use super::commands::{Commands, Role};
use super::escape::unescape;
use super::fetch::{Product, redirected, to};
use super::options::{arguments, has_flag, option};
use super::runs::is_code;
use super::text::{is_one_of, one_of};

/// What a command decodes, if it does.
#[must_use]
pub fn decode(commands: &Commands, command: u16) -> Option<Product<'_>> {
    let own = || arguments(commands, command);
    let operands = || own().filter(|word| word.first() != Some(&b'-'));
    let name = commands.name(command);
    let is = one_of(name);
    let decoded = match name {
        _ if is(b"base64 base32 basenc b64decode")
            && (has_flag(own(), b'd', b"--decode", b"iw")
                || has_flag(own(), b'D', b"--decode", b"iw")
                || commands.name(command) == b"b64decode") =>
        {
            Product::Output
        }
        // openssl-enc(1): `enc -d`, or the name of a cipher or of base64 in its place.
        _ if is(b"openssl") && own().any(|word| word == b"-d") => {
            let file = own().skip_while(|word| *word != b"-out").nth(1);
            file.map_or(Product::Output, to)
        }
        b"xxd" if has_flag(own(), b'r', b"-revert", b"clos") => operands().nth(1).map_or(Product::Output, to),
        // Without -o the text itself names the file.
        _ if is(b"uudecode") => to(option(own(), b'o', b"--output-file", b"")?),
        b"rev" => Product::Output,
        _ if is(b"echo printf") && hides_letters(commands, command) => Product::Output,
        _ => return None,
    };
    Some(redirected(commands, command, decoded))
}

/// Whether what is printed writes a letter, a digit or a slash as a number. What needs that in a text are other bytes:
/// quotes, colours, the end of a line.
fn hides_letters(commands: &Commands, command: u16) -> bool {
    let mut hidden = false;
    for word in arguments(commands, command) {
        unescape(word, &mut |byte, number| {
            hidden |= number && (byte.is_ascii_alphanumeric() || byte == b'/')
        });
    }
    hidden
}

/// Whether a command prints the beginning of a program, written as numbers, into a file.
#[must_use]
pub fn writes_program(commands: &Commands, command: u16) -> bool {
    is_one_of(commands.name(command), b"echo printf")
        && arguments(commands, command).any(begins_program)
        && commands.iter().any(|(other, _)| {
            let feeds = other == command || commands.feeders(other).any(|from| from == command);
            let mut files = commands.words(other, Role::Output);
            feeds && (files.any(is_file) || is_one_of(commands.name(other), b"tee dd"))
        })
}

/// The four bytes with which a program begins (elf(5)). The rules of binfmt_misc have them too, further on.
fn begins_program(text: &[u8]) -> bool {
    let mut head = heapless::Vec::<u8, 4>::new();
    let mut numbers = false;
    unescape(text, &mut |byte, number| {
        numbers |= number;
        let _ = head.push(byte);
    });
    numbers && head == [0x7f, b'E', b'L', b'F']
}

fn is_file(path: &[u8]) -> bool {
    ![&b"/proc/"[..], b"/sys/", b"/dev/null"].iter().any(|start| path.starts_with(start))
}

/// Pairs of words in the text of an interpreter's `-c` or `-e`: what decodes, and what runs text.
const CODE: [(&[u8], &[u8]); 6] = [
    (b"b64decode", b"exec("),
    (b"b64decode", b"system("),
    (b"decode_base64", b"eval"),
    (b"base64_decode", b"eval"),
    (b"fromhex", b"exec("),
    (b"pack(", b"eval"),
];

/// Whether a command gives an interpreter a text that decodes another one and runs it.
#[must_use]
pub fn is_decoding_code(commands: &Commands, command: u16) -> bool {
    is_code(commands, command, &CODE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoders_and_where_they_write() {
        for (text, expected) in [
            (&b"base64 -d"[..], Some(Product::Output)),
            (b"busybox base64 -d x > /tmp/y", Some(Product::File(b"/tmp/y"))),
            (b"base64 -di x", Some(Product::Output)),
            (b"base64 --decode x", Some(Product::Output)),
            (b"base64 -w0 x", None),
            (b"openssl enc -d -aes-256-cbc -in a -out /tmp/b -k c", Some(Product::File(b"/tmp/b"))),
            (b"openssl base64 -d -A", Some(Product::Output)),
            (b"openssl enc -base64 -in a", None),
            (b"xxd -r -p", Some(Product::Output)),
            (b"xxd -rp in /tmp/out", Some(Product::File(b"/tmp/out"))),
            (b"xxd -p /dev/urandom", None),
            (b"uudecode -o /dev/stdout x", Some(Product::Output)),
            (b"uudecode x", None),
            (br"echo -e '\x77get'", Some(Product::Output)),
            (br#"printf "\0167\147et""#, Some(Product::Output)),
            (br"printf '%b' '\x77'", Some(Product::Output)),
            (br"printf '\033[1;31m%s\033[0m\n' x", None),
            (br"echo -e 'a\nb'", None),
            (br"printf 'x=\047%s\047' y", None),
        ] {
            let mut commands = Commands::new();
            commands.parse(text);
            assert_eq!(decode(&commands, 0), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn programs_that_are_printed() {
        for (text, expected) in [
            (&br"echo -ne '\x7f\x45\x4c\x46\x01' >> /tmp/x"[..], true),
            (br"printf '\177ELF\001' | tee /tmp/x", true),
            (br"printf '\x7f\x45\x4c\x46' | cat > x", true),
            (br"[ x = $(printf '\177ELF') ]", false),
            (
                br"echo ':arm:M::\x7fELF\x01:\xff:/usr/bin/qemu-arm:' > /proc/sys/fs/binfmt_misc/register",
                false,
            ),
            (br"printf '\x7fELF' > /dev/null", false),
        ] {
            let mut commands = Commands::new();
            commands.parse(text);
            let found = commands.iter().any(|(index, _)| writes_program(&commands, index));
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(text));
        }
    }
}
