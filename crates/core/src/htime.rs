//! HTIME files: the index of a brick's changelogs (spec: on-disk-formats 1.4).
//!
//! Records are absolute paths, each ended by a NUL. Neither their length nor their prefix nor the count kept in an xattr
//! can be trusted: everything is derived from the bytes, split on NUL.

/// Number in the name of an index file, `HTIME.<seconds>`: when the index was begun. None for every other name,
/// `.bak` files of an upgrade script among them.
#[must_use]
pub fn segment_start(file_name: &[u8]) -> Option<u64> {
    digits(file_name.strip_prefix(b"HTIME.")?)
}

/// The day directory of releases from 8.0 on, `YYYY/MM/DD` in UTC; None for a stamp beyond the year 9999.
#[must_use]
pub fn day_directory(stamp: u64) -> Option<String> {
    let time = jiff::Timestamp::from_second(i64::try_from(stamp).ok()?).ok()?;
    Some(time.strftime("%Y/%m/%d").to_string())
}

/// Stamp of a finished, non-empty changelog from its file name, `CHANGELOG.<seconds>`.
#[must_use]
pub fn changelog_stamp(file_name: &[u8]) -> Option<u64> {
    digits(file_name.strip_prefix(b"CHANGELOG.")?)
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.iter().try_fold(0u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

/// One rollover.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexRecord {
    /// When, in seconds; the changelog may hold changes up to about one second newer.
    pub stamp: u64,
    /// Nothing had been logged, so there is no file.
    pub empty: bool,
    /// `[YYYY/MM/DD/]CHANGELOG.<stamp>`, to be looked for below the reader's own changelog directory.
    pub tail: Box<[u8]>,
    /// Where the record begins in the index file.
    pub offset: u64,
    /// Another record, cut short, stands in front of this one: its rollover is lost from the index.
    pub torn_before: bool,
}

/// What stands between two NULs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Chunk {
    /// A usable record.
    Record(IndexRecord),
    /// No record can be made of it: something is lost from the index here.
    Torn {
        /// Where it begins in the index file.
        offset: u64,
    },
}

/// More than the longest path a kernel accepts. Bounds what is kept of a record whose NUL does not come.
const MAX_RECORD_BYTES: usize = 8192;

/// Cuts an index file into chunks as its bytes arrive, in pieces of any size. An unterminated tail stays inside until its NUL
/// arrives.
#[derive(Clone, Debug)]
pub struct Splitter {
    changelog_dir: Box<[u8]>,
    /// Bytes since the last NUL, at most [`MAX_RECORD_BYTES`]: the front of a longer run is dropped.
    pending: Vec<u8>,
    /// Where the pending chunk begins in the file.
    chunk_offset: u64,
    /// Where the next byte fed stands in the file.
    next_offset: u64,
    /// Path prefix of the record before, to recognise one that begins inside another.
    prefix: Box<[u8]>,
    /// Inside a run of NULs, which is reported once.
    in_nuls: bool,
}

impl Splitter {
    /// Begins at `offset`, which must be the beginning of a record. `changelog_dir` is the absolute path the brick
    /// writes below.
    #[must_use]
    pub fn new(changelog_dir: &[u8], offset: u64) -> Splitter {
        let trimmed = changelog_dir.strip_suffix(b"/").unwrap_or(changelog_dir);
        Splitter {
            changelog_dir: trimmed.into(),
            pending: Vec::new(),
            chunk_offset: offset,
            next_offset: offset,
            prefix: trimmed.into(),
            in_nuls: false,
        }
    }

    /// Where the next bytes have to come from.
    #[must_use]
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// Where the record begins whose NUL has not arrived: the end of what has been handed out.
    #[must_use]
    pub fn tail_offset(&self) -> u64 {
        self.chunk_offset
    }

    /// Takes the next bytes of the file and appends the chunks they complete.
    pub fn feed(&mut self, bytes: &[u8], chunks: &mut Vec<Chunk>) {
        for piece in bytes.split_inclusive(|&b| b == 0) {
            self.next_offset = self.next_offset.saturating_add(piece.len() as u64);
            match piece.split_last() {
                Some((0, path)) => {
                    self.hold(path);
                    chunks.extend(self.finish());
                }
                _ => self.hold(piece),
            }
        }
    }

    fn hold(&mut self, piece: &[u8]) {
        self.pending.extend_from_slice(piece);
        let excess = self.pending.len().saturating_sub(MAX_RECORD_BYTES);
        self.pending.drain(..excess);
    }

    fn finish(&mut self) -> Option<Chunk> {
        let offset = std::mem::replace(&mut self.chunk_offset, self.next_offset);
        let path = std::mem::take(&mut self.pending);
        let repeated_nul = path.is_empty() && std::mem::replace(&mut self.in_nuls, path.is_empty());
        self.in_nuls = path.is_empty();
        if repeated_nul {
            return None;
        }
        let Some((prefix, tail, stamp, upper)) = split_path(&path) else {
            return Some(Chunk::Torn { offset });
        };
        let torn_before = prefix.len() > self.prefix.len() && prefix.ends_with(&self.prefix);
        if !torn_before {
            self.prefix = prefix.into();
        }
        let empty = !upper || self.is_lowered_directory(prefix);
        Some(Chunk::Record(IndexRecord { stamp, empty, tail: tail.into(), offset, torn_before }))
    }

    /// The writer lower-cases the *first* `CHANGELOG` of the whole path, so below a brick whose own path has that word an empty
    /// rollover keeps its upper-case basename and shows in the directory.
    fn is_lowered_directory(&self, prefix: &[u8]) -> bool {
        const WORD: &[u8] = b"CHANGELOG";
        let own = &self.changelog_dir;
        let Some(at) = own.windows(WORD.len()).position(|window| window == WORD) else { return false };
        let mut lowered = own.to_vec();
        lowered.iter_mut().skip(at).take(WORD.len()).for_each(u8::make_ascii_lowercase);
        prefix == lowered
    }
}

/// Prefix without its slash, tail, stamp, and whether the basename is in upper case.
fn split_path(path: &[u8]) -> Option<(&[u8], &[u8], u64, bool)> {
    let base_at = path.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
    let (directory, base) = path.split_at_checked(base_at)?;
    let (upper, number) = match base.strip_prefix(b"CHANGELOG.") {
        Some(number) => (true, number),
        None => (false, base.strip_prefix(b"changelog.")?),
    };
    let stamp = digits(number)?;
    let day_at =
        directory.len().checked_sub(DAY_BYTES).filter(|&at| is_day(directory.get(at..))).unwrap_or(base_at);
    let (prefix, tail) = path.split_at_checked(day_at)?;
    Some((prefix.strip_suffix(b"/").unwrap_or(prefix), tail, stamp, upper))
}

/// Length of `YYYY/MM/DD/`.
const DAY_BYTES: usize = 11;

fn is_day(text: Option<&[u8]>) -> bool {
    let shape = b"dddd/dd/dd/";
    let fits =
        |(&byte, &wanted): (&u8, &u8)| if wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted };
    text.is_some_and(|text| text.len() == DAY_BYTES && text.iter().zip(shape).all(fits))
}

#[cfg(test)]
mod tests {
    use super::{Chunk, IndexRecord, Splitter, day_directory, segment_start};
    use crate::testing::testdata;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    const DIR: &[u8] = b"/b/.glusterfs/changelogs";

    fn split(dir: &[u8], bytes: &[u8]) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        Splitter::new(dir, 0).feed(bytes, &mut chunks);
        chunks
    }

    /// `stamp`, `stamp e` for an empty one, `< stamp` behind a torn one, `torn`.
    fn show(dir: &[u8], bytes: &[u8]) -> Vec<String> {
        let show = |chunk: &Chunk| match chunk {
            Chunk::Torn { .. } => "torn".to_owned(),
            Chunk::Record(r) => {
                let (torn, empty) = (if r.torn_before { "< " } else { "" }, if r.empty { " e" } else { "" });
                format!("{torn}{}{empty}", r.stamp)
            }
        };
        split(dir, bytes).iter().map(show).collect()
    }

    #[test]
    fn only_plain_numbers_name_a_segment() {
        assert_eq!(segment_start(b"HTIME.1795356621"), Some(1_795_356_621));
        for name in ["HTIME.", "HTIME.1.bak", "HTIME.x", "htime.1", "HTIME.-1", "HTIME.99999999999999999999"]
        {
            assert_eq!(segment_start(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn days_are_in_utc() {
        assert_eq!(day_directory(1_700_000_015).as_deref(), Some("2023/11/14"));
        assert_eq!(day_directory(0).as_deref(), Some("1970/01/01"));
        assert_eq!(day_directory(u64::MAX), None);
    }

    #[test]
    fn the_index_of_a_real_brick_is_read_whole() {
        let bytes = testdata("changelog/real/HTIME.1795356621");
        let chunks = split(b"/bricks/b1/.glusterfs/changelogs", &bytes);
        // The brick's own count is right here: it was never restarted.
        assert_eq!(chunks.len(), 182);
        let record = |at: usize| match &chunks[at] {
            Chunk::Record(record) => record.clone(),
            Chunk::Torn { .. } => panic!("torn"),
        };
        assert_eq!((record(0).stamp, record(0).empty), (1_795_356_635, true));
        let third = IndexRecord {
            stamp: 1_795_356_663,
            empty: false,
            tail: (*b"2026/11/22/CHANGELOG.1795356663").into(),
            offset: 130,
            torn_before: false,
        };
        assert_eq!(record(2), third);
        assert_eq!(record(181).stamp, 1_795_359_196);
    }

    #[test]
    fn flat_dated_foreign_and_odd_records() {
        let cases: [(&[u8], &[&str]); 9] = [
            (
                b"/b/.glusterfs/changelogs/CHANGELOG.15\0/b/.glusterfs/changelogs/2023/11/14/changelog.30\0",
                &["15", "30 e"],
            ),
            (b"/snap/x/.glusterfs/changelogs/CHANGELOG.15\0", &["15"]),
            (b"/b/.glusterfs/changelogs/CHANGELOG.15\0/b/.glusterfs/changelogs/CHANGELOG.3", &["15"]),
            (b"/b/.glusterfs/chang\0/b/.glusterfs/changelogs/CHANGELOG.30\0", &["torn", "30"]),
            (b"/b/.glusterfs/changelogs/CHANGELOG.1/b/.glusterfs/changelogs/CHANGELOG.30\0", &["< 30"]),
            (b"\0\0\0\0/b/.glusterfs/changelogs/CHANGELOG.30\0\0\0", &["torn", "30", "torn"]),
            (b"/b/.glusterfs/changelogs/CHANGELOG.\0/b/CHANGELOG.99999999999999999999\0", &["torn", "torn"]),
            (b"CHANGELOG.7\0", &["7"]),
            (b"", &[]),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(show(DIR, bytes), wanted, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_brick_path_with_the_word_hides_empty_rollovers_in_its_own_spelling() {
        let dir = b"/CHANGELOG/CHANGELOGx/.glusterfs/changelogs";
        let bytes = b"/changelog/CHANGELOGx/.glusterfs/changelogs/2023/11/14/CHANGELOG.15\0\
            /CHANGELOG/CHANGELOGx/.glusterfs/changelogs/2023/11/14/CHANGELOG.30\0\
            /changelog/changelogx/.glusterfs/changelogs/2023/11/14/CHANGELOG.45\0";
        assert_eq!(show(dir, bytes), ["15 e", "30", "45"]);
    }

    #[test]
    fn a_record_without_end_is_bounded_and_its_tail_still_used() {
        let mut bytes = vec![b'x'; 1 << 20];
        bytes.extend(b"/b/.glusterfs/changelogs/CHANGELOG.30\0");
        let mut splitter = Splitter::new(DIR, 0);
        let mut chunks = Vec::new();
        bytes.chunks(4096).for_each(|piece| {
            splitter.feed(piece, &mut chunks);
            assert!(splitter.pending.len() <= super::MAX_RECORD_BYTES);
        });
        assert!(matches!(chunks.as_slice(), [Chunk::Record(r)] if r.torn_before && r.stamp == 30));
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_chunks(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 1usize..40) {
            let mut file = b"/b/CHANGELOG.1\0".repeat(3);
            file.extend(bytes.iter().map(|&b| if b < 128 { 0 } else { b }));
            file.extend(b"/b/CHANGELOG.4\0/b/chang");
            let mut chunks = Vec::new();
            let mut splitter = Splitter::new(DIR, 0);
            file.chunks(cut).for_each(|piece| splitter.feed(piece, &mut chunks));
            prop_assert_eq!(chunks, split(DIR, &file));
            prop_assert_eq!(splitter.next_offset(), file.len() as u64);
            prop_assert_eq!(splitter.tail_offset() + 8, splitter.next_offset());
        }
    }
}
