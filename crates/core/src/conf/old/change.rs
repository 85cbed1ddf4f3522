//! Setting and deleting entries of the old format (spec: glusterd-interface 4.2, 4.4).

use super::section::{ORDER, Section, next_number};
use crate::conf::ini::Document;

/// Sets an entry of a section, which is made and numbered where it is missing; tells whether anything changed.
pub fn set(document: &mut Document, section: &Section, name: &str, value: &str) -> bool {
    let before = document.clone();
    mark(document);
    let heading = section.name();
    if !document.sections().any(|name| name == heading) {
        let number = next_number(document);
        put(document, ORDER, &heading.to_lowercase(), &number.to_string());
    }
    put(document, &heading, &name.replace('-', "_"), value);
    *document != before
}

/// Deletes an entry; false where there was none, and then nothing is to be written.
pub fn delete(document: &mut Document, section: &Section, name: &str) -> bool {
    let name = name.replace('-', "_");
    let is_changed = document.remove(&section.name(), |key| key.replace('-', "_") == name);
    if is_changed {
        mark(document);
    }
    is_changed
}

/// Every written file says which format it has.
fn mark(document: &mut Document) {
    put(document, "__meta__", "version", "2.0");
}

fn put(document: &mut Document, section: &str, key: &str, value: &str) {
    document.open_section(section);
    document.set(section, key, value, |found| found.replace('-', "_") == key.replace('-', "_"));
}

#[cfg(test)]
mod tests {
    use super::{delete, set};
    use crate::conf::Document;
    use crate::conf::old::Section;

    /// The series of the specification's example (4.1), then what is set for one session.
    #[test]
    fn a_file_comes_to_be() {
        let mut document = Document::default();
        let both = Section::everywhere();
        let ssh = Section::Regex(vec![".".into(), "^ssh:".into()]);
        let serving = Section::Regex(vec![".".into()]);
        let one = Section::Literal(vec![
            "gluster://127.0.0.1:mvol".into(),
            "ssh://root@vm:gluster://127.0.0.1:svol".into(),
        ]);
        assert!(set(&mut document, &both, "remote-gsyncd", "/usr/libexec/glusterfs/gsyncd"));
        assert!(set(&mut document, &ssh, "remote-gsyncd", "/nonexistent/gsyncd"));
        assert!(set(&mut document, &serving, "gluster_command_dir", "/usr/sbin/"));
        assert!(set(&mut document, &one, "checkpoint", "1448000000"));
        assert!(!set(&mut document, &one, "checkpoint", "1448000000"));
        let want = include_str!("../../../testdata/config-old-made.conf");
        assert_eq!(String::from_utf8(document.render()).unwrap(), want);
        assert!(!delete(&mut document, &one, "sync_jobs"));
        assert!(delete(&mut document, &one, "checkpoint"));
        assert!(!delete(&mut document, &one, "checkpoint"));
    }

    /// A value of several lines is read back, and cannot bring a section of its own.
    #[test]
    fn lines_of_a_value_stay_in_it() {
        let mut document = Document::default();
        set(&mut document, &Section::everywhere(), "rsync-options", "-a\n[peers x]\n-z");
        let again = Document::parse_old(&document.render());
        let entries: Vec<_> = again.entries("peersrx . .").collect();
        assert_eq!(entries, [("rsync_options", "-a\n[peers x]\n-z")]);
        assert!(!again.sections().any(|name| name == "peers x"));
    }
}
