//! A web page that runs what the request says.
//!
//! # Sees
//! In the directories that web servers of routers serve: shell CGIs (`eval "$QUERY_STRING"`, the same through `sed`
//! and through variables, a bare `sh`), haserl, PHP (`eval`, `system`, backquotes, `call_user_func` and the like with
//! `$_GET`, `$_POST`, headers or the body), Perl, Python, Lua and ucode, where the parameter, or a variable to which
//! an earlier line gave its value, stands where the command or the code begins. `infected` where neither image nor
//! packages have the page, or the image has another one; where nobody could vouch, that is said of code only, and a
//! command is `suspicious`. So is a PHP page that unpacks a long text and runs it, and a script that lets a request
//! set its variables with `eval`.
//!
//! # Why it matters
//! Whoever knows the page commands the machine, and nothing of it runs until then: no process, no listener, no startup
//! file.
//!
//! # Misses and false alarms
//! Silent for pages of the image; `notice` for those of packages. A command with a fixed beginning, `ping $host`, is a
//! hole and not this check's business, nor is a page that includes what the request names. Missed: names of functions
//! that are put together, values that go through functions or loops, code in files that end like pictures, binaries,
//! web roots elsewhere. Variables are followed for 64 lines, and forgotten where a function begins or they are
//! compared with a list.
//!
//! # Sources
//! RFC 3875 (CGI); PHP manual, Program Execution; haserl(1); LuCI luci.http; MITRE ATT&CK T1505.003.

use crate::check::{Advice, Area, Check, Ctx, Hook, Out, Severity, Source};
use crate::facts::place::place;
use crate::facts::process::Owner;
use crate::facts::web::{Page, Runs};

/// The row of the table.
pub const CHECK: Check = Check {
    id: "web-shell",
    area: Area::Startup,
    severity: Severity::Infected,
    attack: "T1505.003",
    title: "a web page that runs what the request says",
    advice: Advice::PLANTED,
    sources: &[Source::Web],
    hooks: &[Hook::Web(run)],
};

fn run(page: &Page<'_>, _: &Ctx<'_>, out: &mut Out<'_>) {
    let Some(severity) = weigh(page) else { return };
    let said = match page.runs {
        Runs::Code => "runs code of the request: ",
        Runs::Command => "runs commands of the request: ",
        Runs::Import => "lets the request set variables and run commands: ",
        Runs::Packed => "unpacks code and runs it: ",
    };
    let draft = out.at(page.path, page.line).severity(severity);
    let draft = if page.altered { draft.say("the image has another file here; it ") } else { draft };
    out.found(draft.say(said).quote(page.text));
}

fn weigh(page: &Page<'_>) -> Option<Severity> {
    let request = matches!(page.runs, Runs::Code | Runs::Command);
    Some(match page.owner {
        Owner::Firmware => return None,
        Owner::Package => Severity::Notice,
        Owner::Nobody if request => Severity::Infected,
        Owner::Unknown if page.runs == Runs::Code || request && place(page.path).is_odd() => {
            Severity::Infected
        }
        // Firmware of vendors has such things, and here nobody could say that this is no part of it.
        Owner::Unknown if page.runs == Runs::Import => Severity::Notice,
        _ => Severity::Suspicious,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::page;

    fn said(path: &[u8], runs: Runs, owner: Owner) -> Vec<Severity> {
        page(&CHECK, &Page { path, line: 3, runs, text: b"x", owner, altered: false })
    }

    #[test]
    fn pages_that_nobody_vouches_for() {
        use Owner::{Nobody, Unknown};
        use Severity::{Infected, Notice, Suspicious};
        for (path, runs, owner, severity) in [
            (&b"/www/x.php"[..], Runs::Code, Nobody, Infected),
            (b"/www/cgi-bin/x", Runs::Command, Nobody, Infected),
            (b"/www/cgi-bin/x", Runs::Import, Nobody, Suspicious),
            (b"/www/x.php", Runs::Packed, Nobody, Suspicious),
            (b"/www/x.php", Runs::Code, Unknown, Infected),
            (b"/www/cgi-bin/x", Runs::Command, Unknown, Suspicious),
            (b"/tmp/www/x", Runs::Command, Unknown, Infected),
            (b"/www/.x/y", Runs::Command, Unknown, Infected),
            (b"/www/cgi-bin/x", Runs::Import, Unknown, Notice),
        ] {
            assert_eq!(said(path, runs, owner), [severity], "{}", String::from_utf8_lossy(path));
        }
    }

    #[test]
    fn pages_of_image_and_packages() {
        assert_eq!(said(b"/www/cgi-bin/x", Runs::Command, Owner::Firmware), []);
        assert_eq!(said(b"/www/cgi-bin/x", Runs::Code, Owner::Package), [Severity::Notice]);
    }
}
