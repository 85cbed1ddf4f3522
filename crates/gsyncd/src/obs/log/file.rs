//! The file that lines go to: opened at the first one, and again when it is not there any more.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Appends to a file, or writes to stderr when there is none or it cannot be written: a log must not stop the work.
pub(super) struct Sink {
    path: Option<PathBuf>,
    open: Option<File>,
}

impl Sink {
    /// Nothing is opened yet. `-` and `/dev/stderr` are stderr (spec: glusterd-interface 3.1).
    pub(super) fn new(path: Option<PathBuf>) -> Sink {
        let stderr = [Path::new(""), Path::new("-"), Path::new("/dev/stderr")];
        Sink { path: path.filter(|path| !stderr.contains(&path.as_path())), open: None }
    }

    /// The open file, opened anew when it was renamed or removed, as logrotate does.
    fn file(&mut self) -> Option<&File> {
        let path = self.path.as_ref()?;
        if !self.open.as_ref().is_some_and(|file| is_at(file, path)) {
            self.open = open(path);
        }
        self.open.as_ref()
    }
}

impl Write for Sink {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let written = self.file().is_some_and(|mut file| file.write_all(line).is_ok());
        if !written {
            std::io::stderr().write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

fn open(path: &Path) -> Option<File> {
    if let Some(directory) = path.parent() {
        // Its absence shows at the opening.
        let _ = fs::create_dir_all(directory);
    }
    OpenOptions::new().append(true).create(true).open(path).ok()
}

#[cfg(test)]
mod tests {
    use super::Sink;
    use std::fs;
    use std::io::Write as _;

    #[test]
    fn a_rotated_log_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er/gsyncd.log");
        let mut sink = Sink::new(Some(path.clone()));
        let mut write = |text: &str| sink.write_all(text.as_bytes()).unwrap();
        write("one\n");
        fs::rename(&path, directory.path().join("old")).unwrap();
        write("two\n");
        assert_eq!(fs::read(directory.path().join("old")).unwrap(), b"one\n");
        assert_eq!(fs::read(&path).unwrap(), b"two\n");
        fs::remove_file(&path).unwrap();
        write("three\n");
        assert_eq!(fs::read(&path).unwrap(), b"three\n");
        fs::remove_dir_all(directory.path().join("deep")).unwrap();
        write("four\n");
        assert_eq!(fs::read(&path).unwrap(), b"four\n");
        // copied and truncated
        fs::write(&path, "").unwrap();
        write("five\n");
        assert_eq!(fs::read(&path).unwrap(), b"five\n");
    }

    #[test]
    fn a_log_that_cannot_be_written_stops_nothing() {
        let directory = tempfile::tempdir().unwrap();
        for path in
            [directory.path().to_path_buf(), "/proc/none/log".into(), "-".into(), "/dev/stderr".into()]
        {
            Sink::new(Some(path)).write_all(b"a line of a test\n").unwrap();
        }
    }
}
