//! Every file of `testdata/changelog` against what it must give, and random bytes against what they must not do.

use super::{Change, CreateFop, Encoding, Fop, HeaderError, Record, parse, text};
use crate::id::{Entry, Gfid, Name};
use crate::testing::{field, rows, testdata, unhex};
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

fn manifest() -> Vec<Vec<String>> {
    let rows = rows("changelog/manifest.tsv");
    assert!(rows.len() > 90, "the manifest names {} files only", rows.len());
    rows
}

fn file_of(row: &[String]) -> Vec<u8> {
    let name = field(row, 0);
    let suffix = if name.starts_with("synthetic/") { ".changelog" } else { "" };
    testdata(&format!("changelog/{name}{suffix}"))
}

fn rendered(records: &[Record]) -> String {
    let mut out = Vec::new();
    records.iter().for_each(|record| text::render(record, &mut out));
    out.escape_ascii().to_string()
}

fn expected(row: &[String], suffix: &str) -> Option<String> {
    let path = crate::testing::path(&format!("changelog/{}{suffix}", field(row, 0)));
    std::fs::read(path).ok().map(|bytes| bytes.escape_ascii().to_string())
}

#[test]
fn every_file_gives_its_outcome_text_and_first_bad_offset() {
    for row in manifest() {
        let (name, bytes) = (field(&row, 0), file_of(&row));
        assert_eq!(bytes.len().to_string(), field(&row, 1), "{name}: size");
        let outcome = match parse(&bytes, false) {
            Err(HeaderError::BadHeader) => "bad-header",
            Err(HeaderError::BadEncoding(_)) => "bad-encoding",
            Err(HeaderError::BadVersion(_)) => "bad-version",
            Ok(parsed) => {
                let version = format!("v{}.{}", parsed.version.major, parsed.version.minor);
                assert_eq!(version, field(&row, 2), "{name}: version");
                let encoding = if parsed.encoding == Encoding::Binary { "1" } else { "2" };
                assert_eq!(encoding, field(&row, 3), "{name}: encoding");
                assert_eq!(parsed.records.len().to_string(), field(&row, 5), "{name}: records");
                let offset = parsed.damaged_at.map_or("-".into(), |at| at.to_string());
                assert_eq!(offset, field(&row, 6), "{name}: first bad offset");
                assert_eq!(rendered(&parsed.records), expected(&row, ".expected").unwrap(), "{name}: text");
                assert_eq!(parsed.salvaged, 0, "{name}: salvaged");
                match (parsed.damaged_at, parsed.records.is_empty()) {
                    (Some(_), _) => "damaged",
                    (None, true) => "empty",
                    (None, false) => "ok",
                }
            }
        };
        assert_eq!(outcome, field(&row, 4), "{name}: outcome");
    }
}

#[test]
fn salvage_finds_what_follows_the_damage() {
    let mut with_salvage = 0;
    for row in manifest() {
        let Ok(parsed) = parse(&file_of(&row), true) else { continue };
        let salvage = expected(&row, ".salvage");
        with_salvage += usize::from(salvage.is_some());
        assert_eq!(salvage.is_some(), parsed.salvaged > 0, "{}: salvaged", field(&row, 0));
        let wanted = salvage.or_else(|| expected(&row, ".expected")).unwrap();
        assert_eq!(rendered(&parsed.records), wanted, "{}", field(&row, 0));
    }
    assert_eq!(with_salvage, 10);
}

#[test]
fn expected_texts_read_back_as_the_same_records() {
    for row in manifest() {
        let Ok(parsed) = parse(&file_of(&row), false) else { continue };
        let text = testdata(&format!("changelog/{}.expected", field(&row, 0)));
        let again: Vec<Record> = text::lines(&text).map(Result::unwrap).collect();
        assert_eq!(again, parsed.records, "{}", field(&row, 0));
    }
}

#[test]
fn names_read_the_same_in_every_dialect() {
    let rows = rows("changelog/text/name-encoding.tsv");
    assert_eq!(rows.len(), 59);
    for row in rows {
        let mut raw = Gfid::ROOT.canonical().to_vec();
        raw.push(b'/');
        raw.extend(unhex(field(&row, 0)));
        let mut escaped = Vec::new();
        text::escape(&raw, &mut escaped);
        assert_eq!(escaped, unhex(field(&row, 1)));
        assert_eq!(text::unescape(&escaped), raw);
        assert_eq!(text::unescape(field(&row, 2).as_bytes()), raw);
    }
}

#[test]
fn hybrid_crawl_files_are_read() {
    let text = testdata("changelog/text/XSYNC-CHANGELOG.1795356661");
    let records: Vec<Record> = text::lines(&text).map(Result::unwrap).collect();
    assert!(records.iter().any(|r| matches!(r, Record::Entry { .. })));
}

#[test]
fn bad_lines_are_counted_and_skipped() {
    let good = "D 00000000-0000-0000-0000-000000000001";
    let text = format!("{good}\nD  x\nE 00000000-0000-0000-0000-000000000001 CREATE\n{good} \n{good}");
    let bad: Vec<usize> = text::lines(text.as_bytes()).filter_map(|r| r.err().map(|b| b.number)).collect();
    assert_eq!(bad, [2, 3, 4]);
    assert_eq!(text::lines(b"").count(), 0);
}

fn gfids() -> impl Strategy<Value = Gfid> {
    any::<[u8; 16]>().prop_map(Gfid)
}

fn entries() -> impl Strategy<Value = Entry> {
    let names = proptest::collection::vec(any::<u8>(), 1..=255).prop_map(|mut bytes| {
        bytes.iter_mut().filter(|b| matches!(**b, 0 | b'/')).for_each(|b| *b = b'%');
        Name::new(&bytes).unwrap_or_else(|| Name::new(b"...").unwrap())
    });
    (gfids(), names).prop_map(|(parent, name)| Entry { parent, name })
}

fn paths() -> impl Strategy<Value = Option<Box<[u8]>>> {
    proptest::option::of(proptest::collection::vec(1u8..=255, 1..300).prop_map(Into::into))
}

fn changes() -> impl Strategy<Value = Change> {
    let create = prop_oneof![Just(CreateFop::Create), Just(CreateFop::Mknod), Just(CreateFop::Mkdir)];
    let other = proptest::sample::select(Fop::ALL).prop_filter("no entry operation", |fop| {
        use Fop::{Create, Link, Mkdir, Mknod, Rename, Rmdir, Symlink, Unlink};
        !matches!(fop, Create | Mknod | Mkdir | Unlink | Rmdir | Symlink | Link | Rename)
    });
    prop_oneof![
        (create, any::<[u32; 3]>(), entries()).prop_map(|(fop, [mode, uid, gid], at)| Change::Create {
            fop,
            mode,
            uid,
            gid,
            at
        }),
        entries().prop_map(|at| Change::Symlink { at }),
        entries().prop_map(|at| Change::Link { at }),
        (entries(), entries()).prop_map(|(from, to)| Change::Rename { from, to }),
        (entries(), paths()).prop_map(|(at, path)| Change::Unlink { at, path }),
        (entries(), paths()).prop_map(|(at, path)| Change::Rmdir { at, path }),
        other.prop_map(|fop| Change::Other { fop }),
    ]
}

fn records() -> impl Strategy<Value = Record> {
    prop_oneof![
        gfids().prop_map(|gfid| Record::Data { gfid }),
        (gfids(), proptest::sample::select(Fop::ALL)).prop_map(|(gfid, fop)| Record::Meta { gfid, fop }),
        (gfids(), changes()).prop_map(|(gfid, change)| Record::Entry { gfid, change }),
    ]
}

/// The writer of the raw form, as the specification has it: only the tests need one.
fn raw(records: &[Record], encoding: Encoding) -> Vec<u8> {
    let ascii = encoding == Encoding::Ascii;
    let mut out =
        format!("GlusterFS Changelog | version: v1.2 | encoding : {}\n", 1 + u8::from(ascii)).into_bytes();
    let gfid = |out: &mut Vec<u8>, gfid: &Gfid| {
        if ascii { out.extend(gfid.canonical()) } else { out.extend(gfid.0) }
    };
    let number = |out: &mut Vec<u8>, n: u32| {
        if ascii {
            out.extend(n.to_string().bytes())
        } else {
            out.extend(n.to_ne_bytes())
        }
        out.push(0);
    };
    let entry = |out: &mut Vec<u8>, e: &Entry| {
        gfid(out, &e.parent);
        out.push(b'/');
        out.extend(e.name.as_bytes());
        out.push(0);
    };
    for record in records {
        out.push(match record {
            Record::Data { .. } => b'D',
            Record::Meta { .. } => b'M',
            Record::Entry { .. } => b'E',
        });
        gfid(&mut out, &record.gfid());
        out.push(0);
        match record {
            Record::Data { .. } => {}
            Record::Meta { fop, .. } => number(&mut out, fop.number()),
            Record::Entry { change, .. } => {
                number(&mut out, change.fop().number());
                match change {
                    Change::Create { mode, uid, gid, at, .. } => {
                        [mode, uid, gid].into_iter().for_each(|&n| number(&mut out, n));
                        entry(&mut out, at);
                    }
                    Change::Symlink { at } | Change::Link { at } => entry(&mut out, at),
                    Change::Rename { from, to } => [from, to].into_iter().for_each(|e| entry(&mut out, e)),
                    Change::Unlink { at, path } | Change::Rmdir { at, path } => {
                        entry(&mut out, at);
                        out.extend(path.as_deref().unwrap_or(b"\0"));
                        out.push(0);
                    }
                    Change::Other { .. } => {}
                }
            }
        }
    }
    out
}

proptest! {
    #[test]
    fn raw_and_text_round_trip(list in proptest::collection::vec(records(), 0..8), ascii: bool) {
        let encoding = if ascii { Encoding::Ascii } else { Encoding::Binary };
        let parsed = parse(&raw(&list, encoding), false).unwrap();
        prop_assert_eq!(parsed.damaged_at, None);
        prop_assert_eq!(&parsed.records, &list);
        let mut out = Vec::new();
        list.iter().for_each(|record| text::render(record, &mut out));
        let again: Vec<Record> = text::lines(&out).map(Result::unwrap).collect();
        prop_assert_eq!(again, list);
    }

    #[test]
    fn no_bytes_make_the_parsers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), binary: bool) {
        let mut file = format!("GlusterFS Changelog | version: v1.2 | encoding : {}\n", 2 - u8::from(binary)).into_bytes();
        file.extend(&bytes);
        parse(&file, true).unwrap();
        let _ = parse(&bytes, true);
        text::lines(&bytes).for_each(drop);
    }

    #[test]
    fn mutated_vectors_never_panic(pick: usize, at: usize, byte: u8, cut: usize) {
        let rows = manifest();
        let mut bytes = file_of(&rows[pick % rows.len()]);
        let length = bytes.len().max(1);
        if let Some(slot) = bytes.get_mut(at % length) {
            *slot = byte;
        }
        bytes.truncate(length - cut % (length / 4 + 1));
        if let Ok(parsed) = parse(&bytes, true) {
            prop_assert_eq!(parse(&bytes, false).unwrap().records.len(), parsed.records.len() - parsed.salvaged);
        }
    }
}
