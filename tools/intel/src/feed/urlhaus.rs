//! URLhaus of abuse.ch: CSV of addresses that hand out malware, its header in a comment.

use super::csv::{self, Columns};
use super::{Item, Seen, Taker, lines, value};

const COLUMNS: [&str; 9] =
    ["id", "dateadded", "url", "url_status", "last_online", "threat", "tags", "urlhaus_link", "reporter"];

/// Tags that say what a file is, and not whose.
const NO_FAMILY: [&str; 26] = [
    "elf",
    "exe",
    "dll",
    "doc",
    "docx",
    "xls",
    "zip",
    "rar",
    "iso",
    "js",
    "vbs",
    "ps1",
    "sh",
    "apk",
    "hta",
    "32-bit",
    "64-bit",
    "arm",
    "mips",
    "mipsel",
    "x86",
    "x86-64",
    "ascii",
    "opendir",
    "encrypted",
    "ddos",
];

pub(super) fn parse(text: &str, taker: &mut dyn Taker) {
    let mut columns = Columns::new(&COLUMNS);
    for (number, line) in lines(text) {
        if columns.header(line) || line.trim().is_empty() || line.starts_with('#') {
            taker.blank();
            continue;
        }
        match csv::fields(line) {
            Ok(row) if columns.fits(&row) && columns.get(&row, "url").contains("://") => {
                let seen = Seen {
                    first: value::day(columns.get(&row, "dateadded")),
                    last: value::day(columns.get(&row, "last_online")),
                    confidence: 0,
                };
                let family = family(columns.get(&row, "tags"));
                let url = columns.get(&row, "url");
                value::read(url).pass(number, |subject| Item { family, seen, ..Item::new(subject) }, taker);
            }
            Ok(row) if columns.fits(&row) => taker.wrong(number, "the third field is no URL".to_owned()),
            Ok(row) => taker.wrong(number, format!("{} fields, not {}", row.len(), COLUMNS.len())),
            Err(what) => taker.wrong(number, what),
        }
    }
}

/// The first tag that may be a family.
fn family(tags: &str) -> Option<String> {
    let named = |tag: &&str| {
        tag.len() > 2
            && tag.starts_with(|c: char| c.is_ascii_alphabetic())
            && !NO_FAMILY.contains(&tag.to_ascii_lowercase().as_str())
            && !tag.contains('.')
    };
    tags.split(',').map(str::trim).find(named).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use crate::feed::Kind;
    use crate::feed::testing::{hostile, read};

    const CSV: &str = "# banner\n# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n\
        \"1\",\"2025-01-02 03:04:05\",\"http://192.0.2.1:8080/bins/x.mips\",\"online\",\"2025-01-03 00:00:00\",\"malware_download\",\"32-bit,elf,mips,Mirai\",\"https://urlhaus.example/1/\",\"x\"\n\
        \"2\",\"2025-01-02 03:04:05\",\"https://evil.example/x.sh\",\"offline\",\"\",\"malware_download\",\"\",\"https://urlhaus.example/2/\",\"x\"\n\
        \"3\",\"2025\",\"none\",\"\",\"\",\"\",\"\",\"\",\"\"\n1,2\n";

    #[test]
    fn urls_give_their_hosts() {
        assert_eq!(
            read(Kind::Urlhaus, CSV),
            [
                "blank",
                "blank",
                "3 192.0.2.1:8080 Mirai 20090-20091 0%",
                "4 evil.example 20090-0 0%",
                "5 wrong the third field is no URL",
                "6 wrong 2 fields, not 9",
            ]
        );
    }

    #[test]
    fn damage() {
        hostile(Kind::Urlhaus, CSV);
    }
}
