//! The index files of a brick, each an unbroken stretch of history, and reading one in pieces.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use gsyncd_core::htime::{Chunk, Splitter, segment_start};

use super::changelog_file::is_absent;
use super::journal::JournalError;

/// How much of an index is held at once; a year of rollovers makes 200 MB.
pub const PIECE_BYTES: usize = 64 * 1024;

/// One index file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// When it was begun, in seconds.
    pub start: u32,
    /// Where it is.
    pub path: PathBuf,
}

/// Directory of the index files.
pub fn index_directory(changelog_directory: &Path) -> PathBuf {
    changelog_directory.join("htime")
}

/// All index files, the one in use last, the others before it by time. Empty when there is no index.
pub fn list(changelog_directory: &Path) -> Result<Vec<Segment>, JournalError> {
    let directory = index_directory(changelog_directory);
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => return Err(JournalError::new("opendir", &directory, &error)),
    };
    let mut segments = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| JournalError::new("readdir", &directory, &error))?;
        let start = segment_start(entry.file_name().as_bytes()).and_then(|start| u32::try_from(start).ok());
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        segments.extend(start.filter(|_| is_file).map(|start| Segment { start, path: entry.path() }));
    }
    segments.sort_by_key(|segment| segment.start);
    // After a clock that stepped back the file in use is not the one with the highest number.
    if let Some(at) = in_use(&directory).and_then(|path| segments.iter().position(|s| s.path == path)) {
        let current = segments.remove(at);
        segments.push(current);
    }
    Ok(segments)
}

/// The file the brick appends to, as the directory's xattr says. Releases before 3.7 have none, and without the privilege to read
/// trusted xattrs the numbers decide as well.
fn in_use(directory: &Path) -> Option<PathBuf> {
    let key = b"trusted.glusterfs.current_htime";
    let name = gsyncd_sys::xattr::get(directory.as_os_str().as_bytes(), key).ok()??;
    segment_start(&name)?;
    Some(directory.join(std::ffi::OsStr::from_bytes(&name)))
}

/// An index file being read from some record on, to its end and beyond as it grows.
#[derive(Debug)]
pub struct Reader {
    file: File,
    path: PathBuf,
    splitter: Splitter,
    ready: VecDeque<Chunk>,
}

impl Reader {
    /// Opens at `offset`, where a record begins.
    pub fn open(path: &Path, changelog_directory: &Path, offset: u64) -> Result<Reader, JournalError> {
        let file = File::open(path).map_err(|error| JournalError::new("open", path, &error))?;
        let splitter = Splitter::new(changelog_directory.as_os_str().as_bytes(), offset);
        Ok(Reader { file, path: path.into(), splitter, ready: VecDeque::new() })
    }

    /// The next complete chunk; None when there is none yet.
    pub fn next(&mut self) -> Result<Option<Chunk>, JournalError> {
        let mut piece = Vec::new();
        let mut chunks = Vec::new();
        while self.ready.is_empty() {
            let offset = self.splitter.next_offset();
            read_piece(&self.file, &self.path, offset, PIECE_BYTES, &mut piece)?;
            if piece.is_empty() {
                return Ok(None);
            }
            self.splitter.feed(&piece, &mut chunks);
            self.ready.extend(chunks.drain(..));
        }
        Ok(self.ready.pop_front())
    }

    /// Where the first record begins that is not complete yet, when nothing is ready.
    pub fn tail_offset(&self) -> u64 {
        self.splitter.tail_offset()
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> Result<u64, JournalError> {
        let found = self.file.metadata().map_err(|error| JournalError::new("fstat", &self.path, &error))?;
        Ok(found.len())
    }

    /// Throws away what was read and goes on at `offset`, where a record begins.
    pub fn rewind(&mut self, changelog_directory: &Path, offset: u64) {
        self.splitter = Splitter::new(changelog_directory.as_os_str().as_bytes(), offset);
        self.ready.clear();
    }

    /// Offset of the first byte after the first NUL at or after `offset`, if one is near.
    pub fn record_after(&self, offset: u64) -> Result<Option<u64>, JournalError> {
        let mut piece = Vec::new();
        read_piece(&self.file, &self.path, offset, PIECE_BYTES, &mut piece)?;
        Ok(piece.iter().position(|&b| b == 0).map(|at| offset + at as u64 + 1))
    }
}

/// Reads up to `limit` bytes; empty at the end of the file.
fn read_piece(
    file: &File,
    path: &Path,
    offset: u64,
    limit: usize,
    piece: &mut Vec<u8>,
) -> Result<(), JournalError> {
    piece.resize(limit, 0);
    loop {
        match file.read_at(piece, offset) {
            Ok(count) => {
                piece.truncate(count);
                return Ok(());
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(JournalError::new("pread", path, &error)),
        }
    }
}
