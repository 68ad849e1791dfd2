//! Web pages that run something: the languages they are written in, and what runs what a request says in each. All of it
//! is data: a further function, way to ask for a parameter or language is a row.

use super::process::Owner;

/// What a page does with what a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// It is run as code of the page's own language, or as shell.
    Code,
    /// It is run as a command.
    Command,
    /// It becomes variables of a shell script, in a way that lets it run commands too.
    Import,
    /// Not of the request: the page runs what it unpacks from a text of its own.
    Packed,
}

/// A page that runs something.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Its path, `/` first.
    pub path: &'a [u8],
    /// The line.
    pub line: u32,
    /// What it runs.
    pub runs: Runs,
    /// The beginning of the statement.
    pub text: &'a [u8],
    /// Who vouches for the file.
    pub owner: Owner,
    /// The image has a file there, and this is another.
    pub altered: bool,
}

/// How a language is written, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A shell.
    Shell,
    /// Shell between `<%` and `%>`: haserl.
    ShellPage,
    /// PHP between `<?` and `?>`.
    Php,
    /// Perl.
    Perl,
    /// Python.
    Python,
    /// Lua.
    Lua,
    /// Lua between `<%` and `%>`: LuCI's views.
    LuaPage,
    /// ucode.
    Ucode,
    /// ucode between `{%` and `%}`.
    UcodePage,
}

/// The grammar of a language and what its programs call.
pub(super) struct Grammar {
    /// What begins and ends code in a page; empty: all is code.
    pub(super) tags: Option<([u8; 2], [u8; 2])>,
    /// What begins a comment that ends with the line.
    pub(super) comments: &'static [&'static [u8]],
    /// `/* … */`.
    pub(super) block: bool,
    /// The end of a line ends a statement outside of brackets, and a string.
    pub(super) lines: bool,
    /// Backquotes run their text.
    pub(super) backquotes: bool,
    /// What begins a here-document.
    pub(super) here: &'static [u8],
    /// Names of functions are the same in capitals.
    pub(super) fold: bool,
    /// Variables begin with a dollar sign.
    pub(super) dollar: bool,
    /// Functions that run their first argument.
    pub(super) sinks: &'static [(&'static [u8], Runs)],
    /// How a page asks for what the request says.
    pub(super) requests: &'static [&'static [u8]],
}

static PHP: Grammar = Grammar {
    tags: Some((*b"<?", *b"?>")),
    comments: &[b"#", b"//"],
    block: true,
    lines: false,
    backquotes: true,
    here: b"<<<",
    fold: true,
    dollar: true,
    sinks: &[
        (b"eval", Runs::Code),
        (b"assert", Runs::Code),
        (b"system", Runs::Command),
        (b"exec", Runs::Command),
        (b"shell_exec", Runs::Command),
        (b"passthru", Runs::Command),
        (b"popen", Runs::Command),
        (b"proc_open", Runs::Command),
        (b"pcntl_exec", Runs::Command),
    ],
    requests: &[
        b"$_GET",
        b"$_POST",
        b"$_REQUEST",
        b"$_COOKIE",
        b"$_SERVER[\"HTTP_",
        b"$_SERVER[\"QUERY_STRING",
        b"$_SERVER[\"PATH_INFO",
        b"$_SERVER[\"REQUEST_URI",
        b"$GLOBALS[\"_GET",
        b"$GLOBALS[\"_POST",
        b"$GLOBALS[\"_REQUEST",
        b"${\"_GET",
        b"${\"_POST",
        b"${\"_REQUEST",
        b"$HTTP_GET_VARS",
        b"$HTTP_POST_VARS",
        b"$HTTP_RAW_POST_DATA",
        b"file_get_contents(\"php://input",
        b"getallheaders(",
        b"apache_request_headers(",
        b"filter_input(INPUT_",
        b"getenv(\"HTTP_",
        b"getenv(\"QUERY_STRING",
    ],
};

static PERL: Grammar = Grammar {
    tags: None,
    comments: &[b"#"],
    block: false,
    lines: false,
    backquotes: true,
    here: b"<<",
    fold: false,
    dollar: true,
    sinks: &[
        (b"eval", Runs::Code),
        (b"system", Runs::Command),
        (b"exec", Runs::Command),
        (b"qx", Runs::Command),
    ],
    requests: &[
        b"param(",
        b"$ENV{QUERY_STRING",
        b"$ENV{\"QUERY_STRING",
        b"$ENV{HTTP_",
        b"$ENV{\"HTTP_",
        b"$FORM{",
        b"$in{",
        b"<STDIN>",
    ],
};

static PYTHON: Grammar = Grammar {
    tags: None,
    comments: &[b"#"],
    block: false,
    lines: true,
    backquotes: false,
    here: b"",
    fold: false,
    dollar: false,
    sinks: &[
        (b"eval", Runs::Code),
        (b"exec", Runs::Code),
        (b"os.system", Runs::Command),
        (b"os.popen", Runs::Command),
        (b"subprocess.call", Runs::Command),
        (b"subprocess.run", Runs::Command),
        (b"subprocess.Popen", Runs::Command),
        (b"subprocess.check_output", Runs::Command),
        (b"subprocess.getoutput", Runs::Command),
        (b"commands.getoutput", Runs::Command),
    ],
    requests: &[
        b"getvalue(\"",
        b"getfirst(\"",
        b"form[\"",
        b"os.environ[\"QUERY_STRING",
        b"os.environ[\"HTTP_",
        b"os.environ.get(\"QUERY_STRING",
        b"os.environ.get(\"HTTP_",
        b"os.getenv(\"QUERY_STRING",
        b"os.getenv(\"HTTP_",
        b"request.args",
        b"request.form",
        b"request.values",
        b"sys.stdin.read(",
    ],
};

const LUA: Grammar = Grammar {
    tags: None,
    comments: &[b"--"],
    block: false,
    lines: true,
    backquotes: false,
    here: b"",
    fold: false,
    dollar: false,
    sinks: &[
        (b"load", Runs::Code),
        (b"loadstring", Runs::Code),
        (b"os.execute", Runs::Command),
        (b"io.popen", Runs::Command),
        (b"sys.call", Runs::Command),
        (b"sys.exec", Runs::Command),
        (b"util.exec", Runs::Command),
        (b"util.execi", Runs::Command),
        (b"nixio.exec", Runs::Command),
    ],
    requests: &[
        b"formvalue(",
        b"getenv(\"QUERY_STRING",
        b"getenv(\"HTTP_",
        b"env.QUERY_STRING",
        b"env.HTTP_",
        b"ngx.var.arg_",
        b"http.content(",
        b"uhttpd.recv(",
        b"io.read(",
        b"io.stdin:read(",
    ],
};

const UCODE: Grammar = Grammar {
    comments: &[b"//"],
    block: true,
    sinks: &[
        (b"loadstring", Runs::Code),
        (b"system", Runs::Command),
        (b"popen", Runs::Command),
        (b"fs.popen", Runs::Command),
    ],
    ..LUA
};

impl Language {
    /// What is known of it. `None`: a shell has a reader of its own.
    pub(super) fn grammar(self) -> Option<&'static Grammar> {
        static LUA_ONLY: Grammar = LUA;
        static UCODE_ONLY: Grammar = UCODE;
        static LUA_PAGE: Grammar = Grammar { tags: Some((*b"<%", *b"%>")), ..LUA };
        static UCODE_PAGE: Grammar = Grammar { tags: Some((*b"{%", *b"%}")), ..UCODE };
        Some(match self {
            Language::Shell | Language::ShellPage => return None,
            Language::Php => &PHP,
            Language::Perl => &PERL,
            Language::Python => &PYTHON,
            Language::Lua => &LUA_ONLY,
            Language::LuaPage => &LUA_PAGE,
            Language::Ucode => &UCODE_ONLY,
            Language::UcodePage => &UCODE_PAGE,
        })
    }

    /// By the beginning of a file: the interpreter that it names.
    #[must_use]
    pub fn of_head(head: &[u8]) -> Option<Self> {
        let line = head.strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
        let mut words = super::text::fields(line).map(|word| super::text::basename(super::text::trim(word)));
        let name = words
            .find(|word| !super::text::is_one_of(word, b"env busybox") && word.first() != Some(&b'-'))?;
        let is = |start: &[u8]| name.starts_with(start);
        let named = super::text::one_of(name);
        Some(match name {
            _ if named(b"haserl") => Language::ShellPage,
            _ if named(b"ucode") => Language::Ucode,
            _ if named(b"utpl") => Language::UcodePage,
            _ if is(b"php") => Language::Php,
            _ if is(b"perl") => Language::Perl,
            _ if is(b"python") => Language::Python,
            _ if is(b"lua") => Language::Lua,
            _ if name.ends_with(b"sh") => Language::Shell,
            _ => return None,
        })
    }

    /// By the name of a file.
    #[must_use]
    pub fn of_name(name: &[u8]) -> Option<Self> {
        let end = name.rsplit(|b| *b == b'.').next()?;
        let is = super::text::one_of(end);
        Some(match end {
            b"lua" => Language::Lua,
            b"htm" => Language::LuaPage,
            b"uc" => Language::Ucode,
            b"ut" => Language::UcodePage,
            _ if is(b"pht phtml phar inc") => Language::Php,
            _ if end.len() <= 4 && end.get(..3).is_some_and(|php| php.eq_ignore_ascii_case(b"php")) => {
                Language::Php
            }
            _ => return None,
        })
    }

    /// Whether the file is only a page where the web server runs it: with the right to be run, or among CGIs.
    #[must_use]
    pub const fn is_program(self) -> bool {
        matches!(self, Language::Shell | Language::ShellPage | Language::Perl | Language::Python)
    }
}

/// Functions that give back what they are given in another form.
pub(super) const DECODERS: [&[u8]; 32] = [
    b"base64_decode",
    b"urldecode",
    b"rawurldecode",
    b"gzinflate",
    b"gzuncompress",
    b"gzdecode",
    b"str_rot13",
    b"hex2bin",
    b"pack",
    b"strrev",
    b"convert_uudecode",
    b"stripslashes",
    b"stripcslashes",
    b"trim",
    b"strval",
    b"escapeshellcmd",
    b"html_entity_decode",
    b"htmlspecialchars_decode",
    b"implode",
    b"join",
    b"current",
    b"end",
    b"reset",
    b"array_pop",
    b"tostring",
    b"unquote",
    b"unquote_plus",
    b"b64decode",
    b"decode_base64",
    b"uri_unescape",
    b"unescape",
    b"str",
];

/// Functions whose result is not what they are given.
pub(super) const TESTS: [&[u8]; 6] =
    [b"isset", b"empty", b"defined", b"array_key_exists", b"is_array", b"is_string"];

/// What compares a value with those that are allowed.
pub(super) const LISTS: [&[u8]; 5] = [b"in_array", b"switch", b"is_numeric", b"ctype_digit", b"ctype_alnum"];

/// Functions after which a value is one of a few, or harmless.
pub(super) const CLEANERS: [&[u8]; 12] = [
    b"intval",
    b"floatval",
    b"escapeshellarg",
    b"basename",
    b"md5",
    b"sha1",
    b"count",
    b"strlen",
    b"filter_var",
    b"tonumber",
    b"int",
    b"quote",
];

/// Functions that call a function with what else they are given.
pub(super) const CALLERS: [&[u8]; 9] = [
    b"call_user_func",
    b"call_user_func_array",
    b"array_map",
    b"array_filter",
    b"array_walk",
    b"usort",
    b"uasort",
    b"uksort",
    b"register_shutdown_function",
];

/// Words of a command that leave what follows the command.
pub(super) const BEFORE: [&[u8]; 17] = [
    b"sh",
    b"/bin/sh",
    b"ash",
    b"/bin/ash",
    b"bash",
    b"/bin/bash",
    b"/usr/bin/bash",
    b"busybox",
    b"/bin/busybox",
    b"-c",
    b"exec",
    b"nohup",
    b"sudo",
    b"eval",
    b"'",
    b"\"",
    b"%s",
];
