//! Whether a statement of a web page runs what the request says: the parameter, or a variable that an earlier statement
//! gave its value, stands where the command or the code begins. `system("ping ".$_GET["host"])` is a hole, no shell.

use super::expression::{Lead, Look, Variable, is_ident};
use super::statement::{Mark, Splitter};
use super::text::{Bytes, trim};
use super::web::{CALLERS, Grammar, LISTS, Language, Runs};
use crate::limits::{STRING_BYTES, TAINTED};

/// Takes a page apart and says what it runs.
pub struct Scripts {
    splitter: Splitter,
    grammar: &'static Grammar,
    variables: heapless::Vec<Variable, TAINTED>,
    lost: Option<u32>,
}

/// A statement that runs something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The line.
    pub line: u32,
    /// What it runs.
    pub runs: Runs,
}

impl Scripts {
    /// For the first byte of a page. `None`: a shell has a reader of its own.
    #[must_use]
    pub fn new(language: Language) -> Option<Self> {
        let grammar = language.grammar()?;
        Some(Self { splitter: Splitter::new(grammar), grammar, variables: heapless::Vec::new(), lost: None })
    }

    /// The first line of a statement that runs something and was too long to say what.
    #[must_use]
    pub const fn cut(&self) -> Option<u32> {
        self.lost
    }

    /// The statement of the last hit.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        trim(&self.splitter.statement.bytes)
    }

    /// Takes one byte.
    pub fn push(&mut self, byte: u8) -> Option<Hit> {
        if self.splitter.push(byte) { self.judge() } else { None }
    }

    /// At the end of the page.
    pub fn finish(&mut self) -> Option<Hit> {
        self.judge()
    }

    fn judge(&mut self) -> Option<Hit> {
        let Self { splitter, grammar, variables, lost } = self;
        let (statement, grammar) = (&splitter.statement, *grammar);
        let mut look = Look { statement, grammar, variables, lost, origin: 0 };
        let mut at = 0_usize;
        while at < statement.bytes.len() {
            if statement.marks.get(at) == Some(&Mark::Code) {
                look.origin = at;
                if let Some(runs) = look.at(at) {
                    return Some(Hit { line: statement.line(at), runs });
                }
                // A name is looked at once, from its beginning.
                at = look.end_of_name(at).max(at.saturating_add(1));
            } else {
                at = at.saturating_add(1);
            }
        }
        None
    }
}

impl Look<'_> {
    /// What runs at a place in code.
    fn at(&mut self, at: usize) -> Option<Runs> {
        let before = at.checked_sub(1).map_or(b' ', |before| self.byte(before));
        match self.byte(at) {
            b'`' if self.grammar.backquotes => {
                let inside = self.mark(at.saturating_add(1)) == Mark::Open;
                return (inside && self.in_string(at.saturating_add(1))).then_some(Runs::Command);
            }
            b'=' => self.assignment(at),
            b'$' if self.grammar.dollar => return self.call_of_variable(at),
            byte if is_ident(byte) && !is_ident(before) => return self.call(at, before),
            _ => {}
        }
        None
    }

    /// Whether a name stands here, in capitals or not.
    fn is(&self, at: usize, name: &[u8]) -> bool {
        let Some(text) = self.rest(at).get(..name.len()) else { return false };
        let same = if self.grammar.fold { text.eq_ignore_ascii_case(name) } else { text == name };
        same && !is_ident(self.byte(at.saturating_add(name.len())))
    }

    fn call(&mut self, at: usize, before: u8) -> Option<Runs> {
        if matches!(before, b'$' | b'>' | b':') {
            return None;
        }
        if self.is(at, b"function") || self.is(at, b"sub") || self.is(at, b"def") {
            // Its variables are others.
            self.variables.clear();
            return None;
        }
        let sink = self
            .grammar
            .sinks
            .iter()
            .find(|(name, _)| self.is(at, name) && (before != b'.' || name.contains(&b'.')));
        if let Some((name, runs)) = sink {
            let behind = self.skip(at.saturating_add(name.len()), b" ");
            let argument = matches!(self.byte(behind), b'(' | b'$' | b'"' | b'/' | b'{');
            return match self.lead(behind, *runs == Runs::Code) {
                Lead::Request if argument => Some(*runs),
                Lead::Text(true) if argument && *runs == Runs::Code => Some(Runs::Packed),
                _ => None,
            };
        }
        if LISTS.iter().any(|name| self.is(at, name)) {
            self.forget(self.skip(self.end_of_name(at), b" "));
        }
        if self.grammar.fold {
            return self.php(at);
        }
        None
    }

    /// What is compared with a list is one of it afterwards.
    fn forget(&mut self, open: usize) {
        let Some(close) = self.closing(open).filter(|_| self.byte(open) == b'(') else { return };
        let mut at = open;
        while at < close {
            let end = self.end_of_variable(at);
            let name = self.rest(at).get(..end.saturating_sub(at)).unwrap_or_default();
            self.variables.retain(|variable| variable.name.as_slice() != name);
            at = end.max(at.saturating_add(1));
        }
    }

    /// What only PHP has: functions that call others, patterns that are run, input that is included.
    fn php(&mut self, at: usize) -> Option<Runs> {
        let behind = self.skip(self.end_of_name(at), b" (");
        let second = |look: &mut Self| {
            let comma = look.comma(behind)?;
            Some((look.lead(behind, false), look.lead(comma.saturating_add(1), false)))
        };
        if CALLERS.iter().any(|name| self.is(at, name)) {
            let (first, second) = second(self)?;
            let pair = (first.or_sink(self, behind), second);
            let other = self
                .comma(behind)
                .map_or(Lead::Other, |comma| second.or_sink(self, self.skip(comma.saturating_add(1), b" ")));
            let runs = matches!(pair, (Lead::Sink | Lead::Request, Lead::Request))
                || first == Lead::Request && other == Lead::Sink;
            return runs.then_some(Runs::Code);
        }
        if self.is(at, b"create_function") && second(self)?.1 == Lead::Request {
            return Some(Runs::Code);
        }
        // PCRE's /e of PHP before 7 runs what takes the place.
        if self.is(at, b"preg_replace") && second(self)?.1 == Lead::Request && self.byte(behind) == b'"' {
            let pattern = self.string(behind);
            let begin = pattern.first().copied().unwrap_or_default();
            let end = pattern.iter().rposition(|b| !b.is_ascii_alphabetic() || *b == begin);
            let flags = end.and_then(|end| pattern.get(end..)).unwrap_or_default();
            return (pattern.len() < STRING_BYTES && flags.contains(&b'e')).then_some(Runs::Code);
        }
        let includes = [&b"include"[..], b"include_once", b"require", b"require_once"];
        if includes.iter().any(|name| self.is(at, name)) && self.byte(behind) == b'"' {
            let named = self.string(behind);
            return named.starts_with(b"php://input").then_some(Runs::Code);
        }
        None
    }

    /// `$_GET["f"]($_GET["x"])`, and `$f($_GET["x"])` where `$f` is the request's or a function that runs things.
    fn call_of_variable(&mut self, at: usize) -> Option<Runs> {
        let end = self.end_of_path(at);
        let lead = self.value(at, end);
        if !matches!(lead, Lead::Request | Lead::Sink) {
            return None;
        }
        let mut behind = self.skip(end, b" ");
        while matches!(self.byte(behind), b'[' | b'{') && self.mark(behind) == Mark::Code {
            behind = self.skip(self.closing(behind)?.saturating_add(1), b" ");
        }
        let runs = self.byte(behind) == b'(' && self.lead(behind, false) == Lead::Request;
        runs.then_some(Runs::Code)
    }

    /// Remembers what a variable is.
    fn assignment(&mut self, at: usize) {
        let before = at.checked_sub(1).map_or(b' ', |before| self.byte(before));
        if b"=!<>.+-*/%&|^~?:".contains(&before)
            || matches!(self.byte(at.saturating_add(1)), b'=' | b'>' | b'~')
        {
            return;
        }
        let text = trim(self.statement.bytes.get(..at).unwrap_or_default());
        let length = text.iter().rev().take_while(|b| is_ident(**b)).count();
        let mut start = text.len().saturating_sub(length);
        if self.grammar.dollar {
            start = start.saturating_sub(1);
        }
        // `trim` takes blanks in front too, of which there are none in a statement but one.
        let name = text.get(start..).unwrap_or_default();
        if length == 0 || self.grammar.dollar && name.first() != Some(&b'$') {
            return;
        }
        let name = Bytes::<32>::of(name);
        let is = self.assigned(at.saturating_add(1));
        self.variables.retain(|variable| variable.name != name);
        if is != Lead::Other && !name.is_cut() {
            if self.variables.is_full() {
                self.variables.remove(0);
            }
            let line = self.statement.line(at);
            let _ = self.variables.push(Variable { name, is, line });
        }
    }

    fn assigned(&mut self, at: usize) -> Lead {
        let lead = self.lead(at, false);
        if lead != Lead::Other || !self.grammar.fold {
            return lead;
        }
        // `'as'.'sert'`
        let mut name = Bytes::<24>::new();
        let mut at = self.skip(at, b" (");
        while self.byte(at) == b'"' {
            name.push(self.string(at));
            let Some(end) = self.closing_quote(at) else { return Lead::Other };
            at = self.skip(end.saturating_add(1), b" .");
        }
        if self.is_sink(name.as_slice()) { Lead::Sink } else { Lead::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(language: Language, text: &[u8]) -> Vec<(u32, Runs)> {
        let mut page = Scripts::new(language).unwrap();
        let mut found: Vec<Hit> = text.iter().filter_map(|byte| page.push(*byte)).collect();
        found.extend(page.finish());
        found.dedup();
        found.into_iter().map(|hit| (hit.line, hit.runs)).collect()
    }

    fn php(code: &str) -> Vec<(u32, Runs)> {
        hits(Language::Php, format!("<html>it's\n<?php\n{code}\n?>").as_bytes())
    }

    #[test]
    fn php_that_runs_what_the_request_says() {
        for (code, runs) in [
            ("eval($_POST['x']);", Runs::Code),
            ("@EvAl( /* x */ $_REQUEST [ \"c\" ] );", Runs::Code),
            ("system($_GET['c']);", Runs::Command),
            ("if(isset($_POST['c'])){echo shell_exec($_POST['c'].' 2>&1');}", Runs::Command),
            ("passthru(\"$_GET[c]\");", Runs::Command),
            ("passthru(\"{$_GET['c']} 2>&1\");", Runs::Command),
            ("exec(\"/bin/sh -c '$_GET[c]'\");", Runs::Command),
            ("$p = popen('cd /tmp;'.$_COOKIE['c'], 'r');", Runs::Command),
            ("system('cd /tmp && sh -c '.$_GET['c']);", Runs::Command),
            ("proc_open($_SERVER['HTTP_X_CMD'], $d, $p);", Runs::Command),
            ("echo `$_GET[c]`;", Runs::Command),
            ("assert(base64_decode($_POST['x']));", Runs::Code),
            ("eval(my_own($_POST['x'], $k));", Runs::Code),
            ("eval(file_get_contents('php://input'));", Runs::Code),
            ("$_GET['f']($_GET['x']);", Runs::Code),
            ("call_user_func('system', $_GET['x']);", Runs::Code),
            ("array_map('assert', array($_POST['x']));", Runs::Code),
            ("array_filter(array($_POST['x']), 'assert');", Runs::Code),
            ("$f = create_function('', $_POST['x']);", Runs::Code),
            ("preg_replace('/.*/e', $_POST['x'], '');", Runs::Code),
            ("include('php://input');", Runs::Code),
            ("pcntl_exec('/bin/sh', array('-c', $_GET['c']));", Runs::Command),
            ("eval(${'_POST'}['x']);", Runs::Code),
            ("exec(getenv('HTTP_X'));", Runs::Command),
        ] {
            assert_eq!(php(code), [(3, runs)], "{code}");
        }
        for (code, line) in [
            ("$c = $_GET['c'];\nsystem($c);", 4),
            ("$c = isset($_GET['c']) ? $_GET['c'] : 'id';\n\necho `$c`;", 5),
            ("$c = $_GET['c'];\n$d = base64_decode($c);\nsystem(\"$d 2>&1\");", 5),
            ("$f = 'sys'.'tem';\n$f($_GET['x']);", 4),
            ("$f = $_GET['f'];\n$f($_POST['x']);", 4),
            ("// it's\n# system\nsystem(\n$_GET['c']\n);", 5),
            ("echo <<<EOT\nit's\nEOT;\nsystem($_GET['c']);", 6),
        ] {
            assert_eq!(php(code).first().map(|hit| hit.0), Some(line), "{code}");
        }
        let packed = format!("eval(gzinflate(base64_decode('{}')));", "A".repeat(300));
        assert_eq!(php(&packed), [(3, Runs::Packed)]);
        let packed = format!("$x = '{}';\neval(base64_decode($x));", "A".repeat(300));
        assert_eq!(php(&packed), [(4, Runs::Packed)]);
    }

    #[test]
    fn php_of_applications() {
        for code in [
            "system('ping -c 1 ' . escapeshellarg($_GET['host']));",
            "system('ping -c 1 ' . $_GET['host']);",
            "system('cd /usr/share/x && python3 m.py -p ' . $_GET['port'] . ' | sed 1d');",
            "exec(\"ls $_GET[d]\");",
            "$result = eval($this->code);",
            "$db->exec($_POST['x']);",
            "PDO::exec($_GET['x']);",
            "curl_exec($_GET['x']);",
            "$cmd = $_GET['cmd']; function exec($cmd) {}",
            "$cmd = $_GET['cmd']; if (!in_array($cmd, $all)) die(); system($cmd);",
            "$cmd = in_array($_GET['c'], $all) ? $_GET['c'] : ''; system($cmd);",
            "$cmd = $_GET['cmd']; switch ($cmd) { case 'a': exec('ls'); }",
            "$cmd = $_GET['cmd'];\nfunction run($cmd) { exec($cmd); }",
            "$cmd = $_GET['cmd'];\n$cmd = 'ls';\nsystem($cmd);",
            "$c = 'ls '.$_GET['c'];\nsystem($c);",
            "$n = intval($_GET['n']);\nsystem($n);",
            "if (isset($_POST['reboot'])) { exec('/sbin/reboot'); }",
            "exec('ls', $_GET);",
            "echo 'eval($_POST[\"x\"])'; // eval($_POST['x'])",
            "/* system($_GET['c']); */",
            "$pattern = '/eval\\s*\\(\\s*\\$_POST/i';",
            "assert($x instanceof Foo); assert(isset($_GET['x']));",
            "echo <<<EOT\nsystem($_GET['c']);\nEOT;\n",
            "array_map('trim', $_POST); call_user_func($this->cb, $_GET['x']);",
            "$action = $_GET['action']; $action();",
            "$callback($_GET['x']);",
            "preg_replace('/e/', $_POST['x'], '');",
            "preg_replace_callback('/x/', 'y', $_POST['x']);",
            "include $_GET['page'] . '.php'; return include('data://text/plain,' . urlencode($php));",
            "$eval = $_GET['eval']; $x = \"$eval\";",
            "eval('return ' . $x . ';');",
            "eval('?>' . $template);",
            "$t = base64_decode('AAAA'); echo system('id');",
            "exec(\"\\$_GET[c]\");",
        ] {
            assert_eq!(php(code), [], "{code}");
        }
        assert_eq!(hits(Language::Php, b"<p>it's system($_GET['c']);</p>"), []);
    }

    #[test]
    fn other_languages() {
        for (language, text, line) in [
            (Language::Perl, "use CGI;\nmy $q = CGI->new;\nsystem($q->param('c'));", 3),
            (Language::Perl, "my $c = param('c');\nprint `$c`;", 2),
            (Language::Perl, "eval $ENV{'QUERY_STRING'};", 1),
            (Language::Perl, "s/'//g;\nprint <<EOT;\nit's\nEOT\nexec($ENV{HTTP_X});", 5),
            (Language::Python, "import os, cgi\nform = cgi.FieldStorage()\nos.system(form['c'].value)", 3),
            (Language::Python, "c = form.getvalue('c')\nprint(os.popen(c).read())", 2),
            (Language::Python, "subprocess.check_output(['/bin/sh', '-c', form.getvalue('c')])", 1),
            (Language::Lua, "-- it's\nprint(io.popen(os.getenv(\"QUERY_STRING\")):read(\"*a\"))", 2),
            (Language::Lua, "luci.sys.exec(luci.http.urldecode(luci.http.formvalue('c')))", 1),
            (Language::Lua, "loadstring(http.formvalue('x'))()", 1),
            (Language::LuaPage, "<p>it's</p>\n<% os.execute(luci.http.formvalue('c')) %>", 2),
            (Language::Ucode, "let c = http.formvalue('c');\nsystem(c);", 2),
            (Language::UcodePage, "it's\n{% system(http.formvalue('c')) %}", 2),
        ] {
            let found = hits(language, text.as_bytes());
            assert_eq!(found.first().map(|hit| hit.0), Some(line), "{text}");
        }
        for (language, text) in [
            (Language::Perl, "system('ping', $q->param('host'));\nmy $h = param('h');\nsystem(\"ping $h\");"),
            (Language::Perl, "# system(param('c'))\nprint \"eval(param('c'))\";"),
            (Language::Python, "os.system('ping ' + form.getvalue('h'))\nre.compile(form.getvalue('x'))"),
            (Language::Lua, "luci.sys.exec(\"ping -c 1 %s\" % luci.http.formvalue(\"host\"))"),
            (
                Language::Lua,
                "uci.load(luci.http.formvalue('x'))\nlocal c = luci.http.formvalue('cmd')\nif c == 'a' then luci.sys.call('/sbin/reboot') end",
            ),
            (Language::Lua, "local x = tonumber(formvalue('x'))\nos.execute(x)"),
        ] {
            assert_eq!(hits(language, text.as_bytes()), [], "{text}");
        }
    }

    #[test]
    fn long_statements() {
        let padded = format!("$x = array({});\nsystem($_GET['c']);", "'a',1,".repeat(2000));
        assert_eq!(php(&padded), [(4, Runs::Command)]);
        let halves =
            format!("$x = array({}system($_GET['c']), {});", "'a',\n".repeat(700), "'b',".repeat(900));
        assert_eq!(php(&halves).first().map(|hit| hit.1), Some(Runs::Command));
        let mut page = Scripts::new(Language::Php).unwrap();
        let text = format!("<?php system({}$_GET['c']);", "''.".repeat(1500));
        let hit = text.bytes().find_map(|byte| page.push(byte));
        assert!(hit.is_some() || page.cut().is_some());
    }

    #[test]
    fn any_bytes_end() {
        let alphabet = b"<?php system($_GET['c'])\"`;={}/*#\\\n.?>EOT";
        let mut seed = 1_u32;
        for length in 0..1500 {
            let text: Vec<u8> = (0..length % 120)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    alphabet[usize::from(seed.to_be_bytes()[1]) % alphabet.len()]
                })
                .collect();
            for language in
                [Language::Php, Language::Perl, Language::Python, Language::Lua, Language::UcodePage]
            {
                hits(language, &text);
                hits(language, &[b"<?php ", &text[..]].concat());
            }
        }
    }
}
