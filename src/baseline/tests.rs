use super::*;
use crate::signature;

/// Bytes of a file with these entries.
fn file(entries: &[(Kind, &[u8], &[u8])]) -> Vec<u8> {
    let mut table = Box::new(Table::new());
    for (kind, name, value) in entries {
        table.add(*kind, name, [value, b""]);
    }
    table.sort();
    written(&table)
}

fn written(table: &Table) -> Vec<u8> {
    let mut bytes = Vec::new();
    table
        .write::<()>(1_700_000_000, b"router-1", &mut |part| {
            bytes.extend_from_slice(part);
            Ok(())
        })
        .unwrap();
    bytes
}

const ACCOUNT: Kind = Kind::Item(Item::Account);
const MODULE: Kind = Kind::Item(Item::Module);

fn names() -> Vec<String> {
    let mut names: Vec<String> =
        (0..120).map(|number| format!("/usr/lib/lua/luci/{}/x{number}", number % 7)).collect();
    names.extend(["/", "/a", "/ab", "/abc", "/b", "/bin/sh", "/sbin/init", "/usr"].map(str::to_owned));
    names.push(format!("/{}", "long/".repeat(200)));
    names.push(format!("/{}x", "long/".repeat(200)));
    names.push(format!("/{}", "long/".repeat(201)));
    names
}

fn many() -> Vec<u8> {
    let names = names();
    let mut entries: Vec<(Kind, &[u8], &[u8])> = names
        .iter()
        .map(|name| (Kind::File, name.as_bytes(), &name.as_bytes()[..name.len().min(30)]))
        .collect();
    entries.extend([
        (ACCOUNT, &b"root"[..], &b"0:0"[..]),
        (ACCOUNT, b"nobody", b""),
        (MODULE, b"nf_nat", b""),
    ]);
    file(&entries)
}

#[test]
fn everything_that_was_put_in_is_found_and_nothing_else() {
    let bytes = many();
    let baseline = Baseline::open(&bytes).unwrap();
    let all = names();
    for name in &all {
        let value = &name.as_bytes()[..name.len().min(30)];
        assert_eq!(baseline.get(Kind::File, name.as_bytes()), Some(value), "{name}");
        for other in [format!("{name}\0"), format!("{name}~"), name[..name.len() - 1].to_owned()] {
            if !all.contains(&other) {
                assert_eq!(baseline.get(Kind::File, other.as_bytes()), None, "{other}");
            }
        }
    }
    assert_eq!(baseline.get(Kind::File, b""), None);
    assert_eq!(baseline.get(Kind::File, b"\xff"), None);
    assert_eq!(baseline.get(ACCOUNT, b"root"), Some(&b"0:0"[..]));
    assert_eq!(baseline.get(MODULE, b"root"), None);
    assert_eq!((baseline.entries(), baseline.created(), baseline.missed()), (134, 1_700_000_000, 0));
    assert!(baseline.covers(MODULE) && !baseline.covers(Kind::Item(Item::Key)));
    let mut sorted = all;
    sorted.sort();
    let mut walked = Vec::new();
    baseline.each(Kind::File, &mut |name, _| walked.push(String::from_utf8(name.to_vec()).unwrap()));
    assert_eq!(walked, sorted);
}

#[test]
fn the_order_in_which_things_came_does_not_show() {
    let entries: [(Kind, &[u8], &[u8]); 4] =
        [(MODULE, b"b", b""), (Kind::File, b"/x", b"1"), (MODULE, b"a", b""), (Kind::File, b"/a", b"2")];
    let mut turned = entries;
    turned.reverse();
    assert_eq!(file(&entries), file(&turned));
}

#[test]
fn of_two_entries_of_a_name_the_startup_file_stays() {
    let startup = FileValue::file(true, 0o755, 0, &[7; 16]);
    let program = FileValue::file(false, 0o755, 0, &[7; 16]);
    for order in [[startup, program], [program, startup]] {
        let mut table = Box::new(Table::new());
        for value in order {
            table.add(Kind::File, b"/lib/preinit/x.sh", [&value.head(), value.rest]);
        }
        table.sort();
        let bytes = written(&table);
        let baseline = Baseline::open(&bytes).unwrap();
        assert_eq!(baseline.entries(), 1);
        let value = baseline.get(Kind::File, b"/lib/preinit/x.sh").and_then(FileValue::read);
        assert_eq!(value, Some(startup));
    }
}

#[test]
fn what_does_not_fit_is_counted_and_said() {
    let mut table = Box::new(Table::new());
    for number in 0..BASELINE_ENTRIES + 3 {
        table.add(MODULE, format!("{number}").as_bytes(), [b"", b""]);
    }
    table.add(MODULE, &[b'x'; PATH_BYTES + 1], [b"", b""]);
    table.add(ACCOUNT, b"root", [b"", b""]);
    table.sort();
    assert_eq!((table.missed(MODULE), table.missed(ACCOUNT), table.missed_all()), (Some(4), Some(1), 5));
    let bytes = written(&table);
    let baseline = Baseline::open(&bytes).unwrap();
    assert_eq!(baseline.missed(), 5);
    assert!(!baseline.is_whole(MODULE) && !baseline.is_whole(ACCOUNT) && baseline.covers(ACCOUNT));
}

#[test]
fn a_kind_that_was_looked_for_in_vain_is_known_to_be_empty() {
    let mut table = Box::new(Table::new());
    table.begin(MODULE);
    let bytes = written(&table);
    let baseline = Baseline::open(&bytes).unwrap();
    assert!(baseline.is_whole(MODULE) && !baseline.covers(ACCOUNT));
    assert_eq!(baseline.get(MODULE, b"x"), None);
}

/// Looks at everything in a file that can be opened; it is enough that this ends.
fn touch(bytes: &[u8]) {
    let Ok(baseline) = Baseline::open(bytes) else { return };
    let table = Box::new(Table::new());
    for kind in Kind::ALL {
        for name in [&b""[..], b"/a", b"/usr/lib/lua/luci/3/x3", b"root", b"\xff\xff"] {
            let _ = baseline.get(kind, name);
        }
        baseline.each(kind, &mut |_, value| {
            let _ = FileValue::read(value);
        });
        compare(&baseline, &table, kind, &mut |_| {});
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = many();
    for end in 0..bytes.len() {
        assert!(Baseline::open(&bytes[..end]).is_err(), "{end}");
    }
    assert_eq!(Baseline::open(&[&bytes[..], b"x"].concat()).unwrap_err(), Defect::Length);
    assert_eq!(Baseline::open(b"").unwrap_err(), Defect::NotBaseline);
    // One whose header agrees with the cut is refused or read as far as it goes.
    for end in layout::HEADER_LEN..bytes.len() {
        let mut cut = bytes[..end].to_vec();
        cut[24..32].copy_from_slice(&u64::try_from(end).unwrap().to_le_bytes());
        touch(&cut);
    }
}

#[test]
fn no_byte_of_a_file_is_trusted() {
    let good = many();
    for at in 0..good.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            touch(&bytes);
        }
    }
}

#[test]
fn hostile_sections_are_refused() {
    let good = many();
    let row = layout::HEADER_LEN;
    let with = |at: usize, word: u32| {
        let mut bytes = good.clone();
        bytes[row + at..row + at + 4].copy_from_slice(&word.to_le_bytes());
        Baseline::open(&bytes).map(|_| ())
    };
    for (at, word) in [(4, u32::MAX), (4, 1 << 30), (8, u32::MAX), (12, u32::MAX), (12, 5000)] {
        assert_eq!(with(at, word), Err(Defect::Section(1)), "{at} {word:x}");
    }
    assert_eq!(with(0, 2), Err(Defect::Section(2)), "twice");
    assert_eq!(with(0, 9), Ok(()), "a later kind");
    assert_eq!(with(0, MUST_UNDERSTAND | 9), Err(Defect::Unknown(9)));
    assert_eq!(with(0, 0), Ok(()));
    let mut other = good.clone();
    other[8] = 2;
    assert_eq!(Baseline::open(&other).unwrap_err(), Defect::Version(2));
    let mut many = good;
    many[12] = 65;
    assert_eq!(Baseline::open(&many).unwrap_err(), Defect::Header);
}

#[test]
fn a_file_that_is_not_sorted_is_not_read_to_its_end() {
    let mut bytes = file(&[(MODULE, b"a", b""), (MODULE, b"b", b""), (MODULE, b"c", b"")]);
    let last = bytes.len() - 1;
    assert_eq!(bytes[last], b'c');
    bytes[last] = b'a';
    let baseline = Baseline::open(&bytes).unwrap();
    let mut told = 0;
    assert!(!compare(&baseline, &Table::new(), MODULE, &mut |_| told += 1));
    assert_eq!(told, 2);
}

#[test]
fn what_differs_is_told_in_order() {
    let bytes =
        file(&[(MODULE, b"b", b"1"), (MODULE, b"c", b"1"), (MODULE, b"d", b"1"), (ACCOUNT, b"x", b"")]);
    let baseline = Baseline::open(&bytes).unwrap();
    let mut table = Box::new(Table::new());
    for (name, value) in [(b"e", b"1"), (b"d", b"2"), (b"b", b"1"), (b"a", b"1")] {
        table.add(MODULE, name, [value, b""]);
    }
    table.sort();
    let mut told = Vec::new();
    let whole = compare(&baseline, &table, MODULE, &mut |difference| {
        let name = char::from(difference.name[0]);
        told.push(match difference.change {
            Change::Added(_) => format!("+{name}"),
            Change::Removed(_) => format!("-{name}"),
            Change::Kept { then, now } => format!("{}{name}", if then == now { "=" } else { "~" }),
        });
    });
    assert!(whole);
    assert_eq!(told, ["+a", "=b", "-c", "~d", "+e"]);
}

#[test]
fn a_signature_has_its_place() {
    let bytes = many();
    let sections = usize::from(bytes[12]);
    let at = layout::HEADER_LEN + (sections - 1) * SECTION_LEN;
    let last = Section::from_bytes(bytes[at..].first_chunk().unwrap());
    let end = u32::try_from(bytes.len()).unwrap();
    assert_eq!(last, Section { kind: signature::SECTION, offset: end, length: 0, count: 0, missed: 0 });
}

#[test]
fn a_value_tells_what_it_is() {
    let file = FileValue::file(false, 0o104_755, 1000, &[3; 16]);
    let bytes = [&file.head()[..], file.rest].concat();
    assert_eq!(FileValue::read(&bytes), Some(file));
    assert_eq!(file.rights(), 0o4755);
    assert!(!FileValue::file(false, 0o104_755, 0, &[3; 16]).is_same(&file));
    assert!(
        FileValue::file(true, 0o104_755, 1000, b"").is_same(&file),
        "what could not be read accuses nobody"
    );
    assert!(!FileValue::file(false, 0o104_755, 1000, &[4; 16]).is_same(&file));
    let link = FileValue::link(true, b"../init.d/x");
    assert!(!link.is_same(&file) && !link.is_like(&file) && link.is_link());
    for cut in 0..layout::FILE_LEN {
        assert_eq!(FileValue::read(&bytes[..cut]), None);
    }
}

#[test]
fn any_order_becomes_order() {
    let mut random = 1_u32;
    for count in 0..BASELINE_ENTRIES {
        let mut table = Box::new(Table::new());
        let mut names: Vec<String> = Vec::new();
        for _ in 0..count % 70 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            names.push((random >> 20).to_string());
            table.add(MODULE, names[names.len() - 1].as_bytes(), [b"", b""]);
        }
        table.sort();
        names.sort();
        names.dedup();
        assert_eq!(
            table.of(MODULE).map(|entry| String::from_utf8(entry.name.to_vec()).unwrap()).collect::<Vec<_>>(),
            names
        );
    }
}
