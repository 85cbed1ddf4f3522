//! Words for a remote shell, and back from the text where no shell has read it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// Quotes for the remote shell, only where it matters: a forced command sees the words of ordinary calls bare.
#[must_use]
pub fn quote(word: &OsStr) -> OsString {
    let bytes = word.as_bytes();
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        return word.to_os_string();
    }
    let mut quoted = vec![b'\''];
    for byte in bytes {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            _ => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    OsString::from_vec(quoted)
}

/// The words of a command line in which nothing is special but blanks and what [`quote`] makes. None for anything that
/// a shell would take for more.
#[must_use]
pub fn unquote(line: &OsStr) -> Option<Vec<OsString>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = line.as_bytes().iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' => words.extend(word.take()),
            b'\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match bytes.next()? {
                        b'\'' => break,
                        byte => word.push(*byte),
                    }
                }
            }
            b'\\' => word.get_or_insert_default().push(*bytes.next()?),
            byte if is_plain(byte) => word.get_or_insert_default().push(*byte),
            _ => return None,
        }
    }
    words.extend(word);
    Some(words.into_iter().map(OsString::from_vec).collect())
}

fn is_plain(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte)
}

#[cfg(test)]
mod tests {
    use super::{quote, unquote};
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStringExt as _;

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(words in vec(vec(any::<u8>(), 0..12), 0..5)) {
            let words: Vec<OsString> = words.into_iter().map(OsString::from_vec).collect();
            let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(OsStr::new(" "));
            assert_eq!(unquote(&line), Some(words));
        }

        #[test]
        fn no_line_panics(line in vec(any::<u8>(), 0..40)) {
            let _outcome = unquote(&OsString::from_vec(line));
        }
    }

    #[test]
    fn what_a_shell_would_act_on_is_refused() {
        for line in ["a;b", "a|b", "$(id)", "a`id`", "a&", "a>b", "a\nb", "\"a\"", "*", "~", "'a", "a\\"] {
            assert_eq!(unquote(OsStr::new(line)), None, "{line}");
        }
    }
}
