//! Static trails of maltrail: an address, a name, a place on a site or a pattern a line; the family is the file's name.

use super::{Item, Taker, csv, lines, reason, value};

pub(super) fn parse(text: &str, taker: &mut dyn Taker) {
    for (number, line) in lines(text) {
        let bare = match line.split_once('#') {
            // Fragments of URLs have no blank before them.
            Some((front, _)) if front.is_empty() || front.ends_with([' ', '\t']) => front,
            _ => line,
        };
        let (trail, family) = gathered(bare.trim());
        if trail.is_empty() {
            taker.blank();
        } else if is_pattern(&trail) {
            taker.drop("a pattern");
        } else if trail.starts_with('/') || is_part_of_site(&trail) {
            taker.drop(reason::PART_OF_SITE);
        } else {
            value::read(&trail).pass(number, |subject| Item { family, ..Item::new(subject) }, taker);
        }
    }
}

/// The trail of a line, and of those that maltrail has gathered (`trails.csv`) the family: `TRAIL,"FAMILY (malware)",(static)`.
fn gathered(line: &str) -> (String, Option<String>) {
    match csv::fields(line).as_deref() {
        Ok([trail, about, whence]) if whence.starts_with('(') || whence.contains('.') => {
            let family = about.strip_suffix("(malware)").map(|family| family.trim().to_owned());
            (trail.clone(), family)
        }
        _ => (line.strip_suffix("(static)").unwrap_or(line).trim_end().to_owned(), None),
    }
}

/// Maltrail writes a path where the site itself is a victim, so only an address is taken of a URL with a path.
fn is_part_of_site(trail: &str) -> bool {
    let rest = trail.split_once("://").map_or(trail, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    value::has_path(trail) && !value::looks_like_address(host) && !rest.starts_with('[')
}

fn is_pattern(trail: &str) -> bool {
    trail.contains(['*', '\\', '(', ')', '|', '^', '$', '+'])
        && !trail.contains("://")
        && !trail.starts_with('/')
}

#[cfg(test)]
mod tests {
    use crate::feed::Kind;
    use crate::feed::testing::{hostile, read};

    const TRAIL: &str = "# Copyright (c) Maltrail developers\n\n# Reference: https://blog.example/x\n192.0.2.1:443\n192.0.2.2 # remark\n/bins.sh\nshop.example/wp-admin/x/\nhttp://192.0.2.3\nhttp://192.0.2.4/x\nhttp://shop.example/x\nevil.example\n[2001:db8::1]:53\n(a|b)\\.example\\.com\n198.51.100.0/24\nx y\n192.0.2.6/bins.sh\n192.0.2.7 (static)\n192.0.2.8,\"mirai (malware)\",(static)\nevil2.example,suspicious,(static)\na,b\n";

    #[test]
    fn trails() {
        assert_eq!(
            read(Kind::Maltrail, TRAIL),
            [
                "blank",
                "blank",
                "blank",
                "4 192.0.2.1:443",
                "5 192.0.2.2",
                "drop a page or path of a site, not all of it",
                "drop a page or path of a site, not all of it",
                "8 192.0.2.3:80",
                "9 192.0.2.4:80",
                "drop a page or path of a site, not all of it",
                "11 evil.example",
                "12 2001:db8::1:53",
                "drop a pattern",
                "14 198.51.100.0/24",
                "15 wrong \"x y\" is not a domain name: write it as it is asked for",
                "16 192.0.2.6",
                "17 192.0.2.7",
                "18 192.0.2.8 mirai",
                "19 evil2.example",
                "20 wrong \"a,b\" is not a domain name: write it as it is asked for",
            ]
        );
    }

    #[test]
    fn damage() {
        hostile(Kind::Maltrail, TRAIL);
    }
}
