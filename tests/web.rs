//! Web shells, through the real binary: trees with a page each, and healthy pages that nearly do the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

#[path = "common/scan.rs"]
mod scan;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use scan::{Outcome, Tree, scan};

fn look(tree: &Tree) -> Outcome {
    scan(["--root", tree.path().to_str().unwrap(), "--only", "web-shell"])
}

fn said(tree: &Tree) -> Vec<String> {
    look(tree).short_with_paths()
}

/// An OpenWrt whose image and packages are known.
fn openwrt() -> Tree {
    Tree::healthy()
        .file("rom/etc/openwrt_release", "x")
        .file("usr/lib/opkg/info/luci.list", "/www/cgi-bin/luci\n/www/cgi-bin/pack\n")
}

#[test]
fn pages_that_run_what_the_request_says() {
    for (file, text, line) in [
        ("www/cgi-bin/x", "#!/bin/sh\necho Content-type: text/plain\necho\neval \"$QUERY_STRING\"\n", 4),
        ("www/cgi-bin/y.cgi", "#!/bin/sh\nc=`echo \"$QUERY_STRING\" | sed 's/c=//'`\nsh -c \"$c\"\n", 3),
        ("www/x.php", "<?php\nif (isset($_POST['c'])) { @eval($_POST['c']); }\n", 2),
        ("www/images/logo.php5", "GIF89a<?php $c = $_GET['c'];\nsystem($c);", 2),
        ("usr/www/x", "<html><?php passthru($_REQUEST['c']); ?>", 1),
        ("www/luci-static/.x.php", "<?=`$_GET[0]`?>", 1),
        ("usr/lib/lua/luci/controller/x.lua", "module('x')\nos.execute(luci.http.formvalue('c'))\n", 2),
        ("usr/lib/lua/luci/view/x.htm", "<p>\n<% luci.sys.call(luci.http.formvalue('c')) %>\n", 2),
        ("home/httpd/cgi-bin/x.pl", "#!/usr/bin/perl\nuse CGI;\nsystem(CGI::param('c'));\n", 3),
        (
            "var/www/cgi-bin/x.py",
            "#!/usr/bin/env python3\nimport os\nos.system(os.environ['QUERY_STRING'])\n",
            3,
        ),
        ("www/cgi-bin/h", "#!/usr/bin/haserl\n<p>it's</p>\n<% eval \"$GET_c\" %>\n", 3),
    ] {
        assert_eq!(
            said(&openwrt().file(file, text)),
            [format!("web-shell infected {line} /{file}")],
            "{text}"
        );
    }
}

const CGI: &str = "#!/bin/sh\n$HTTP_CMD\n";

#[test]
fn who_vouches_decides() {
    let image = openwrt().file("www/cgi-bin/x", CGI).file("rom/www/cgi-bin/x", CGI);
    assert_eq!(said(&image), Vec::<String>::new());
    let altered = openwrt().file("www/cgi-bin/luci", CGI).file("rom/www/cgi-bin/luci", "#!/bin/sh\nexit\n");
    assert_eq!(said(&altered), ["web-shell infected 2 /www/cgi-bin/luci"]);
    let package = openwrt().file("www/cgi-bin/pack", CGI);
    assert_eq!(said(&package), ["web-shell notice 2 /www/cgi-bin/pack"]);
    let unknown = Tree::healthy().file("www/cgi-bin/x", CGI);
    assert_eq!(said(&unknown), ["web-shell suspicious 2 /www/cgi-bin/x"]);
}

#[test]
fn healthy_pages_are_silent() {
    let tree = openwrt()
        .file("www/index.html", "<script>eval(location)</script>it's")
        .file("www/x.js", "eval($_GET)")
        .file("www/cgi-bin/status", "#!/bin/sh\necho\nping -c 1 \"$QUERY_STRING\"\n")
        .file("www/cgi-bin/bin", b"\x7fELF\x01\x01\x01\0eval $QUERY_STRING\n")
        .file("www/install.sh", "#!/bin/sh\neval \"$QUERY_STRING\"\n")
        .file("www/x.php", "<?php\nsystem('ping -c 1 ' . escapeshellarg($_GET['h']));\neval($this->code);\n")
        .file("usr/lib/lua/luci/x.lua", "local c = luci.http.formvalue('c')\nluci.sys.call('ping ' .. c)\n")
        .file("usr/libexec/rpcd/x", "#!/bin/sh\nread input\njson_load \"$input\"\n");
    let outcome = look(&tree);
    assert_eq!(said(&tree), Vec::<String>::new());
    assert_eq!(outcome.looked("web-shell"), ("yes", ""));
    assert_eq!(look(&Tree::healthy()).looked("web-shell").0, "na");
}

#[test]
fn links_pipes_and_floods_are_survived() {
    let deep = format!("www/{}x.php", "d/".repeat(40));
    let tree = openwrt()
        .link("www/cgi-bin/a", "../cgi-bin")
        .link("www/cgi-bin/b", "b")
        .link("www/cgi-bin/c", "/opt/x.php")
        .file("opt/x.php", "<?php system($_GET['c']);")
        .fifo("www/cgi-bin/d")
        .file(&deep, "<?php system($_GET['c']);")
        .file(b"www/\xff\n.php", b"<?php \xff'")
        .sparse("www/big.php", "<?php echo 'x';", 100 * 1024 * 1024);
    let outcome = look(&tree);
    assert_eq!(said(&tree), ["web-shell infected 1 /www/cgi-bin/c"]);
    assert_eq!(outcome.looked("web-shell").0, "partly");
}

#[test]
fn a_script_that_may_not_be_run_is_none() {
    let tree = openwrt().file("www/x.sh", CGI);
    let path = tree.path().join("www/x.sh");
    assert_eq!(said(&tree), Vec::<String>::new());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(said(&tree), ["web-shell infected 2 /www/x.sh"]);
}
