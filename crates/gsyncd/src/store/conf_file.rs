//! The session's config file, the template beside the sessions, and the template of this machine.

use super::replace::{self, Durability, Lock};
use crate::exit::{Failure, Outcome};
use gsyncd_core::conf::old::section::{Section, in_order};
use gsyncd_core::conf::{Document, Generation, change, old, upgrade};
use std::path::{Path, PathBuf};

/// Readable by all: glusterd and people look into it.
const MODE: u32 = 0o644;

/// By whose rules a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Sections of addresses, 3.7 to 3.13.
    Old,
    /// `[vars]`.
    New,
}

impl Format {
    /// The format of a session's file.
    #[must_use]
    pub fn of(generation: Generation) -> Format {
        match generation {
            Generation::Seed => Format::Old,
            Generation::Slave | Generation::Secondary => Format::New,
        }
    }

    fn parse(self, bytes: &[u8]) -> Document {
        match self {
            Format::Old => Document::parse_old(bytes),
            Format::New => Document::parse(bytes),
        }
    }
}

/// The file's content; an empty document when there is no file.
///
/// # Errors
/// The file cannot be read.
pub fn load(path: &Path, format: Format) -> Result<Document, Failure> {
    Ok(format.parse(&read(path)?))
}

/// The file's bytes; none when there is no file.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(replace::read(path)?.unwrap_or_default())
}

/// Changes the file under its lock; `change` tells whether it changed anything, else nothing is written.
///
/// # Errors
/// Those of `change` and of the file.
pub fn update<E>(
    path: &Path,
    format: Format,
    change: impl FnOnce(&mut Document) -> Result<bool, E>,
) -> Result<(), Failure>
where
    Failure: From<E>,
{
    update_durably(path, format, Durability::Synced, change)
}

/// As [`update`], for what is made anew at every start of glusterd.
///
/// # Errors
/// As [`update`].
pub fn update_relaxed(path: &Path, format: Format, change: impl FnOnce(&mut Document) -> bool) -> Outcome {
    update_durably(path, format, Durability::Relaxed, |document| Ok::<_, Failure>(change(document)))
}

fn update_durably<E>(
    path: &Path,
    format: Format,
    durability: Durability,
    change: impl FnOnce(&mut Document) -> Result<bool, E>,
) -> Outcome
where
    Failure: From<E>,
{
    replace::update_under(Lock::Record, path, MODE, durability, |before| {
        let mut document = format.parse(before);
        let changed = change(&mut document)?;
        Ok(changed.then(|| document.render()))
    })
}

/// Puts a file in another format in the place of the old one, which is kept beside it; `convert` gives None when
/// there is nothing to do.
///
/// # Errors
/// Those of the files.
pub fn convert(path: &Path, convert: impl FnOnce(&[u8]) -> Option<Document>) -> Outcome {
    replace::update_under(Lock::Record, path, MODE, Durability::Synced, |before| {
        let Some(document) = convert(before) else { return Ok(None) };
        let mut backup = path.as_os_str().to_owned();
        backup.push(".bkp");
        replace::update_under(Lock::Record, &PathBuf::from(backup), MODE, Durability::Synced, |_| {
            Ok::<_, Failure>(Some(before.to_vec()))
        })?;
        Ok::<_, Failure>(Some(document.render()))
    })
}

/// Keeps what the program itself has to find there later.
///
/// # Errors
/// Those of the file.
pub fn keep(path: &Path, generation: Generation, facts: &[(&str, String)]) -> Outcome {
    update(path, Format::of(generation), |document| {
        let changed = facts.iter().map(|(name, value)| match generation {
            Generation::Seed => keep_old(document, name, value),
            Generation::Slave | Generation::Secondary => change::write(document, generation, name, value),
        });
        Ok::<bool, Failure>(changed.fold(false, |any, this| any | this))
    })
}

/// In the old format it stands with what was set for the session, and only what `delete` looks up: glusterd shows all
/// of it. Without a section of the session there is none yet.
fn keep_old(document: &mut Document, name: &str, value: &str) -> bool {
    if name != "stime-xattr-prefix" {
        return false;
    }
    let mut sections = in_order(document).into_iter().map(|(_, section)| section);
    let literal = sections.rfind(|section| matches!(section, Section::Literal(_)));
    literal.is_some_and(|section| {
        old::change::set(document, &section, &old::settings::old_entry(name, value).0, value)
    })
}

/// The checkpoint that the session asks for now, in epoch seconds; 0: none.
///
/// # Errors
/// The file cannot be read.
pub fn checkpoint(path: &Path) -> Result<u64, Failure> {
    Ok(upgrade::checkpoint(&read(path)?))
}

/// Makes an empty file when there is none and its directory exists.
///
/// # Errors
/// The file cannot be made.
pub fn create_empty(path: &Path) -> Result<(), Failure> {
    replace::create_empty(path, MODE)
}

#[cfg(test)]
mod tests {
    use super::{Format, checkpoint, convert, keep, load};
    use gsyncd_core::conf::ini::VARS;
    use gsyncd_core::conf::{Document, Generation};
    use std::fs;

    #[test]
    fn what_is_kept_is_in_the_words_and_the_format_of_the_generation() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gsyncd.conf");
        let facts =
            [("primary-distribution-count", "2".to_owned()), ("stime-xattr-prefix", "t.a.b".to_owned())];
        for (generation, before, after) in [
            (
                Generation::Secondary,
                "",
                "[vars]\nprimary-distribution-count = 2\nstime-xattr-prefix = t.a.b\n",
            ),
            (Generation::Slave, "", "[vars]\nmaster-distribution-count = 2\nstime-xattr-prefix = t.a.b\n"),
            (Generation::Seed, "", ""),
            (
                Generation::Seed,
                "[__meta__]\nversion = 2.0\n[peers m s]\nx = 1\n",
                "[__meta__]\nversion = 2.0\n[peers m s]\nx = 1\nstime_xattr_prefix = t.a.b\n",
            ),
        ] {
            fs::write(&path, before).unwrap();
            keep(&path, generation, &facts).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), after);
        }
    }

    #[test]
    fn a_conversion_keeps_the_file_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gsyncd.conf");
        fs::write(&path, "[peers m s]\ncheckpoint = 7\n").unwrap();
        assert_eq!(checkpoint(&path).unwrap(), 7);
        convert(&path, |_| None).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        convert(&path, |_| Some(Document::parse(b"[vars]\ncheckpoint = 7\n"))).unwrap();
        assert_eq!(load(&path, Format::New).unwrap().entries(VARS).count(), 1);
        let backup = fs::read_to_string(directory.path().join("gsyncd.conf.bkp")).unwrap();
        assert_eq!(backup, "[peers m s]\ncheckpoint = 7\n");
        assert_eq!(checkpoint(&path).unwrap(), 7);
    }
}
