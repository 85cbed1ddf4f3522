use super::{Document, VARS};
use proptest::collection::vec;
use proptest::prelude::{any, proptest};

const FILE: &str = "# mine\n[vars]\nsync-jobs = 5\n; note\nlog-level: DEBUG\n\n[other]\nx=1\n y\n";

/// Rules of the old format (spec: glusterd-interface 4.1): text, and the entries of section `s`.
#[test]
fn the_old_dialect() {
    for (text, want) in [
        ("[s]\nA-b = 1\n", &[("a_b", "1")][..]),
        ("[s]\na: b = c\n", &[("a", "b = c")]),
        ("[s]\na = b ; c\n", &[("a", "b")]),
        ("[s]\na = b;c ; d\n", &[("a", "b;c ; d")]),
        ("[s]\na = \"\"\nb = \"x\"\n", &[("a", ""), ("b", "\"x\"")]),
        ("[s]\nrem a = 1\nRem\tb = 2\nremote_gsyncd = x\n", &[("remote_gsyncd", "x")]),
        ("[s]\n#a = 1\n;b = 2\n", &[]),
        ("[s]\na = 1\n  2\n\t3\n", &[("a", "1\n2\n3")]),
        ("[s]\na = 1\n# note\n\n  2\n", &[("a", "1\n2")]),
        ("[s]\na = 1\n # 2\n", &[("a", "1\n# 2")]),
        ("[s]\na = 1\n[t]\n  x\n", &[("a", "1")]),
        ("[s]\na = 1\n[t]\nb = 2\n[s]\nc = 3\n", &[("a", "1"), ("c", "3")]),
    ] {
        let document = Document::parse_old(text.as_bytes());
        assert_eq!(document.entries("s").collect::<Vec<_>>(), want, "{text}");
        assert_eq!(document.render(), text.as_bytes());
    }
    let own = Document::parse_old(b"[__section_order__]\npeersrx a-b = 1\n");
    assert_eq!(own.entries("__section_order__").collect::<Vec<_>>(), [("peersrx a-b", "1")]);
}

/// Rules of the new format (spec: glusterd-interface 4.7).
#[test]
fn the_new_dialect() {
    for (text, want) in [
        ("[vars]\nA-b = 1\n", &[("a-b", "1")][..]),
        ("[vars]\na = b ; c\n", &[("a", "b ; c")]),
        ("[vars]\na = \"\"\n", &[("a", "\"\"")]),
        ("[vars]\nrem a = 1\n", &[("rem a", "1")]),
        ("[vars]\na = 1\n # 2\n", &[("a", "1")]),
    ] {
        let document = Document::parse(text.as_bytes());
        assert_eq!(document.entries(VARS).collect::<Vec<_>>(), want, "{text}");
    }
}

#[test]
fn sections_are_renamed_or_joined() {
    let mut document = Document::parse(b"[a]\nx = 1\n[b]\ny = 2\n");
    document.rename_section("a", "c");
    assert_eq!(document.render(), b"[c]\nx = 1\n[b]\ny = 2\n");
    document.rename_section("c", "b");
    assert_eq!(document.render(), b"[b]\ny = 2\nx = 1\n");
}

fn set(document: &mut Document, key: &str, value: &str) {
    document.set(VARS, key, value, |found| found == key);
}

#[test]
fn entries_are_read_and_the_rest_is_kept() {
    let document = Document::parse(FILE.as_bytes());
    let vars: Vec<_> = document.entries(VARS).collect();
    assert_eq!(vars, [("sync-jobs", "5"), ("log-level", "DEBUG")]);
    assert_eq!(document.entries("other").collect::<Vec<_>>(), [("x", "1\ny")]);
    assert_eq!(document.render(), FILE.as_bytes());
}

#[test]
fn changes_touch_their_own_line_only() {
    let mut document = Document::parse(FILE.as_bytes());
    set(&mut document, "sync-jobs", "7");
    set(&mut document, "checkpoint", "9");
    assert!(document.remove(VARS, |key| key == "log-level"));
    assert!(!document.remove(VARS, |key| key == "log-level"));
    let text = String::from_utf8(document.render()).unwrap();
    assert_eq!(text, "# mine\n[vars]\nsync-jobs = 7\n; note\ncheckpoint = 9\n\n[other]\nx=1\n y\n");
}

#[test]
fn a_section_is_made_when_there_is_none() {
    for (before, after) in [
        ("", "[vars]\na = 1\n"),
        ("[o]\nb=2", "[o]\nb=2\n[vars]\na = 1\n"),
        ("[vars]", "[vars]\na = 1\n"),
        ("[vars]\nb=2", "[vars]\nb=2\na = 1\n"),
    ] {
        let mut document = Document::parse(before.as_bytes());
        set(&mut document, "a", "1");
        assert_eq!(String::from_utf8(document.render()).unwrap(), after);
    }
}

proptest! {
    #[test]
    fn any_bytes_come_back_unchanged(bytes in vec(any::<u8>(), 0..200)) {
        assert_eq!(Document::parse(&bytes).render(), bytes);
    }

    #[test]
    fn what_is_set_is_read(text in "[a-z\\[\\]=\n #]{0,60}", key in "[a-z]{1,8}", value in "[!-~]{0,9}") {
        let mut document = Document::parse(text.as_bytes());
        set(&mut document, &key, &value);
        let again = Document::parse(&document.render());
        assert_eq!(again.entries(VARS).filter(|(k, _)| *k == key).collect::<Vec<_>>(), [(&*key, &*value)]);
    }
}
