//! What rsync's serving end may be told below a session's key.
//!
//! The stock program lets every flag pass, and with `-s` (`--secluded-args`) alone the key opens the whole machine:
//! rsync then reads its real words, target included, from its standard input. `--sender` reads files, with
//! `--files-from` any; others name a file to write. So what passes is listed, not what does not: new releases of
//! rsync have new flags.

/// Letters without a value: what a sender asks of a receiver, and nothing that makes it follow symbolic links
/// (`k`, `K`, `L`), merge filters from files (`F`, `f`), or read its words from elsewhere (`s`, `M`).
const LETTERS: &[u8] = b"avqnlWHAogDtUNEXprxzIcRuSOJdmyibh8460";

/// Long flags without a value.
const PLAIN: [&str; 46] = [
    "append",
    "append-verify",
    "delete",
    "delete-after",
    "delete-before",
    "delete-delay",
    "delete-during",
    "delete-excluded",
    "delete-missing-args",
    "devices",
    "existing",
    "fake-super",
    "force",
    "from0",
    "fsync",
    "fuzzy",
    "hard-links",
    "ignore-errors",
    "ignore-existing",
    "ignore-missing-args",
    "ignore-non-existing",
    "inplace",
    "links",
    "msgs2stderr",
    "munge-links",
    "new-compress",
    "no-devices",
    "no-implied-dirs",
    "no-inc-recursive",
    "no-msgs2stderr",
    "no-r",
    "no-relative",
    "no-specials",
    "no-W",
    "no-whole-file",
    "numeric-ids",
    "old-compress",
    "one-file-system",
    "partial",
    "preallocate",
    "safe-links",
    "size-only",
    "specials",
    "stats",
    "super",
    "use-qsort",
];

/// Long flags with a number, a name or a list, never with a path.
const VALUED: [&str; 25] = [
    "block-size",
    "bwlimit",
    "checksum-choice",
    "checksum-seed",
    "chmod",
    "compress-choice",
    "compress-level",
    "compress-threads",
    "contimeout",
    "debug",
    "groupmap",
    "iconv",
    "info",
    "log-format",
    "max-alloc",
    "max-delete",
    "max-size",
    "min-size",
    "modify-window",
    "skip-compress",
    "stderr",
    "stop-after",
    "timeout",
    "usermap",
    "zc",
];

/// Whether rsync with this flag reads and writes below its target only, and takes no further words.
pub(super) fn is_harmless(flag: &[u8]) -> bool {
    let Ok(flag) = std::str::from_utf8(flag) else { return false };
    match (flag.strip_prefix("--"), flag.strip_prefix('-')) {
        (Some(long), _) => is_harmless_word(long),
        (None, Some(letters)) => are_harmless_letters(letters.as_bytes()),
        _ => false,
    }
}

fn is_harmless_word(long: &str) -> bool {
    match long.split_once('=') {
        // the sender's list, read from the connection
        Some(("files-from", value)) => value == "-",
        // a value that is missing would be the next word
        Some((name, value)) => VALUED.contains(&name) && !value.is_empty() && !value.contains('/'),
        None => PLAIN.contains(&long),
    }
}

/// Letters, and at their end one that takes the rest as its value.
fn are_harmless_letters(letters: &[u8]) -> bool {
    let plain = letters.iter().take_while(|letter| LETTERS.contains(letter)).count();
    match letters.get(plain..).and_then(<[u8]>::split_first) {
        None => !letters.is_empty(),
        // what the sender can do: a server starts no other program
        Some((b'e', value)) => {
            !value.is_empty() && value.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'.')
        }
        // the size of a block, and how far times may be apart
        Some((b'B' | b'@', value)) => {
            !value.is_empty() && value.iter().all(|b| b.is_ascii_digit() || *b == b'-')
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_harmless;
    use crate::testing::rows;

    /// flag, yes or no
    #[test]
    fn what_passes() {
        for row in rows("shell-rsync-flags.tsv") {
            assert_eq!(is_harmless(row[0].as_bytes()), row[1] == "yes", "{row:?}");
        }
    }
}
