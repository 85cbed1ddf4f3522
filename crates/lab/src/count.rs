//! A stand-in for `ssh` that counts: it runs the command it is given and passes its standard streams on.
//!
//! The lab's program is it, called as `gsyncd-lab count FILE COMMAND [ARGUMENT...]`. FILE gets a line when it starts and
//! then after every piece: `TO FROM`, the bytes that went to the command and came from it. Each run has a file of its
//! own: `FILE.PID`.
use crate::command::run;
use crate::{Done, Failure};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// The word that makes the lab's program count.
pub const WORD: &str = "count";

/// Bytes over a link, in both directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// To the other side.
    pub to: u64,
    /// From the other side.
    pub from: u64,
}

impl Bytes {
    /// What came since.
    #[must_use]
    pub fn since(self, before: Bytes) -> Bytes {
        Bytes { to: self.to.saturating_sub(before.to), from: self.from.saturating_sub(before.from) }
    }

    /// Both directions.
    pub fn sum(self) -> u64 {
        self.to + self.from
    }
}

/// A program to be called in the place of `ssh`, and where it counts.
pub struct Counter {
    directory: PathBuf,
    /// The program.
    pub program: PathBuf,
}

impl Counter {
    /// Makes the program in a directory of its own. `lab` is the lab's program.
    ///
    /// # Errors
    /// The file system's.
    pub fn new(directory: &Path, lab: &str) -> Done<Counter> {
        fs::create_dir_all(directory)?;
        let program = directory.join("counting-ssh");
        let count = directory.join("bytes");
        let text = format!("#!/bin/sh\nexec '{lab}' {WORD} '{}' ssh \"$@\"\n", count.display());
        fs::write(&program, text)?;
        run("chmod", &["755", &program.to_string_lossy()])?;
        Ok(Counter { directory: directory.to_path_buf(), program })
    }

    /// All bytes of all runs until now.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn bytes(&self) -> Done<Bytes> {
        let mut sum = Bytes::default();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let text = fs::read_to_string(&path).unwrap_or_default();
            let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            if let ([to, from], true) = (numbers.as_slice(), path.extension().is_some()) {
                sum = Bytes { to: sum.to + to, from: sum.from + from };
            }
        }
        Ok(sum)
    }
}

/// `FILE COMMAND [ARGUMENT...]`: runs the command; its exit code is ours.
pub fn main(words: &[OsString]) -> ExitCode {
    let [file, program, args @ ..] = words else {
        eprintln!("lab: count FILE COMMAND [ARGUMENT...]");
        return ExitCode::from(125);
    };
    let mut path = file.clone();
    path.push(format!(".{}", std::process::id()));
    pass(Path::new(&path), Command::new(program).args(args)).unwrap_or_else(|failure| {
        eprintln!("lab: {failure}");
        ExitCode::from(125)
    })
}

struct Count {
    file: File,
    to: AtomicU64,
    from: AtomicU64,
}

impl Count {
    fn add(&self, which: &AtomicU64, count: usize) {
        which.fetch_add(count as u64, Ordering::Relaxed);
        let (to, from) = (self.to.load(Ordering::Relaxed), self.from.load(Ordering::Relaxed));
        // Numbers only grow, and a line of a fixed width is never longer than the next one.
        let _ = self.file.write_all_at(format!("{to:>20} {from:>20}\n").as_bytes(), 0);
    }
}

fn pass(file: &Path, command: &mut Command) -> Done<ExitCode> {
    let count = Count { file: File::create(file)?, to: AtomicU64::new(0), from: AtomicU64::new(0) };
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Failure::new("no pipes"));
    };
    let count = std::sync::Arc::new(count);
    let forth = std::sync::Arc::clone(&count);
    // Not joined: it waits for the caller, who may have nothing more to say when the command has ended.
    std::thread::spawn(move || copy(io::stdin(), to, |bytes| forth.add(&forth.to, bytes)));
    copy(from, io::stdout(), |bytes| count.add(&count.from, bytes));
    let code = child.wait()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(125)))
}

/// Until one of them ends.
fn copy(mut from: impl Read, mut to: impl Write, count: impl Fn(usize)) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut buffer) {
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() || to.write_all(piece).and_then(|()| to.flush()).is_err() {
            return;
        }
        count(read);
    }
}
