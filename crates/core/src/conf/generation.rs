//! Which generation of glusterd calls us: its vocabulary, its directories and the format of the session's file
//! (spec: glusterd-interface 0, 2.2).

use super::ini::Document;
use crate::vocabulary;

/// What begins the line of the template file that remembers the generation. A comment: every stock gsyncd passes it by.
const NOTE: &str = "# gsyncd: the glusterd here is of the generation ";

/// A generation of glusterd, by what its gsyncd is told in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Generation {
    /// 3.7 to 3.13: sections of peers and regular expressions in the session's file.
    Seed,
    /// 4 to 9: `[vars]`, with master and slave.
    Slave,
    /// 10 and later: `[vars]`, with primary and secondary.
    #[default]
    Secondary,
}

impl Generation {
    /// All of them, oldest first.
    pub const ALL: [Generation; 3] = [Generation::Seed, Generation::Slave, Generation::Secondary];

    /// What a call of the series of a starting glusterd tells: only the directory of programs in the last block
    /// (one pattern) is named differently by each (spec: glusterd-interface 2.2).
    #[must_use]
    pub fn told_by(name: &str, patterns: usize) -> Option<Generation> {
        match name.replace('_', "-").as_str() {
            "secondary-gluster-command-dir" => Some(Generation::Secondary),
            "slave-gluster-command-dir" => Some(Generation::Slave),
            "gluster-command-dir" if patterns == 1 => Some(Generation::Seed),
            _ => None,
        }
    }

    /// Its word in files and in tests.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Generation::Seed => "seed",
            Generation::Slave => "slave",
            Generation::Secondary => "secondary",
        }
    }

    /// The generation that a template file remembers.
    #[must_use]
    pub fn remembered(template: &Document) -> Option<Generation> {
        let word = template.note(NOTE)?;
        Generation::ALL.into_iter().find(|generation| generation.word() == word)
    }

    /// What the files that a stock gsyncd left tell, where nothing is remembered: the words of the installed template
    /// (3.7 to 3.13 had none), or general settings in the template file.
    #[must_use]
    pub fn inferred(installed: &Document, template: &Document) -> Generation {
        let has = |document: &Document, words: &[&str]| {
            document.sections().any(|name| words.iter().any(|word| name.starts_with(word)))
        };
        if has(installed, &["primary-", "secondary-"]) {
            Generation::Secondary
        } else if has(installed, &["master-", "slave-"]) {
            Generation::Slave
        } else if has(template, &["peersrx "]) {
            Generation::Seed
        } else {
            Generation::Secondary
        }
    }

    /// Remembers it in a template file; tells whether that was news.
    pub fn remember(self, template: &mut Document) -> bool {
        let is_news = template.note(NOTE).as_deref() != Some(self.word());
        if is_news {
            template.set_note(NOTE, self.word());
        }
        is_news
    }

    /// A canonical option name in this generation's words, as its own gsyncd writes and prints it
    /// (spec: glusterd-interface 4.8).
    #[must_use]
    pub fn spoken(self, name: &str) -> String {
        match self {
            // The one name that the table of releases 4 and later has with `_`.
            _ if name == "state-socket-unencoded" => "state_socket_unencoded".to_owned(),
            Generation::Secondary => name.to_owned(),
            Generation::Seed | Generation::Slave => vocabulary::old(name),
        }
    }

    /// A built-in value where it stands for this generation's directory of the serving end's logs.
    #[must_use]
    pub fn located(self, value: &str) -> String {
        match self {
            Generation::Secondary => value.to_owned(),
            Generation::Seed | Generation::Slave => {
                value.replace("/geo-replication-secondaries/", "/geo-replication-slaves/")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Generation;
    use crate::conf::Document;

    /// Columns: name, number of patterns, generation told or `-`.
    #[test]
    fn the_last_block_tells_the_generation() {
        for (name, patterns, told) in [
            ("gluster-command-dir", 2, None),
            ("gluster-command-dir", 1, Some(Generation::Seed)),
            ("slave-gluster-command-dir", 1, Some(Generation::Slave)),
            ("secondary-gluster-command-dir", 1, Some(Generation::Secondary)),
            ("secondary_gluster_command_dir", 2, Some(Generation::Secondary)),
            ("gluster-params", 1, None),
        ] {
            assert_eq!(Generation::told_by(name, patterns), told, "{name}");
        }
    }

    #[test]
    fn files_of_a_stock_gsyncd_tell_it_too() {
        let old = "[__meta__]\nversion = 2.0\n[peersrx . .]\nx = 1\n";
        for (installed, template, want) in [
            ("", "", Generation::Secondary),
            ("", old, Generation::Seed),
            ("[master-bricks]\n", old, Generation::Slave),
            ("[log-level]\n[secondary-timeout]\n", old, Generation::Secondary),
            ("[log-level]\n", "", Generation::Secondary),
        ] {
            let (installed, template) = (installed.as_bytes(), template.as_bytes());
            let told = Generation::inferred(&Document::parse(installed), &Document::parse_old(template));
            assert_eq!(told, want);
        }
    }

    #[test]
    fn it_is_remembered_beside_what_the_file_holds() {
        let mut template = Document::parse(b"[peersrx . .]\nx = 1\n");
        assert_eq!(Generation::remembered(&template), None);
        for generation in Generation::ALL {
            assert!(generation.remember(&mut template));
            assert!(!generation.remember(&mut template));
            let again = Document::parse(&template.render());
            assert_eq!(Generation::remembered(&again), Some(generation));
        }
        let text = String::from_utf8(template.render()).unwrap();
        assert!(text.ends_with("\n[peersrx . .]\nx = 1\n") && text.lines().count() == 3, "{text}");
    }
}
