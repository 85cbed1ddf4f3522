//! The receiving end of transfers: one file's content each.
//!
//! A transfer has its own thread, so that several go on side by side, and a queue bounded in bytes: the
//! link's reader waits when the disk is slower than the wire. Files are written in place; the result is
//! judged by what was written (hash and size), never by the calls having returned.

mod queue;
#[cfg(test)]
mod tests;

use crate::tree::dress::{Before, dress};
use crate::tree::{Access, Handle, Tree};
use gsyncd_core::id::Gfid;
use gsyncd_core::truth::Object;
use gsyncd_core::wire::message::{BlockHash, Reply};
use gsyncd_sys::{Errno, Error, Result};
use queue::Queue;
use std::collections::HashMap;
use std::sync::Arc;

/// Length of the blocks of a signature, in bytes.
pub const BLOCK_BYTES: u32 = 128 * 1024;
/// How many transfers may be open at once; a peer that opens more is refused one by one.
pub const MOST_OPEN: usize = 16;
/// A file with less than this is sent whole; hashing it would not pay.
const SMALLEST_SIGNED_BYTES: u64 = 2 * BLOCK_BYTES as u64;
/// The most blocks in a signature, so that it fits a frame: 128 GiB of file. What is beyond is sent.
const MOST_BLOCKS: u64 = 1024 * 1024;
/// How much is zeroed at once where holes cannot be made, in bytes.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// One step of a transfer.
#[derive(Debug)]
pub enum Step {
    /// Content at an offset.
    Data {
        /// Offset in bytes.
        offset: u64,
        /// The bytes.
        bytes: Box<[u8]>,
    },
    /// Zeros.
    Hole {
        /// Offset in bytes.
        offset: u64,
        /// Length in bytes.
        length: u64,
    },
    /// The end.
    Close {
        /// Final size in bytes.
        size: u64,
        /// BLAKE3 of all data.
        hash: [u8; 32],
        /// What to apply after the content.
        object: Box<Object>,
    },
}

/// Gives a reply to the link.
pub type Answer = Arc<dyn Fn(Reply) + Send + Sync>;

/// All open transfers of a link.
pub struct Receiver {
    tree: Arc<dyn Tree>,
    answer: Answer,
    open: HashMap<u64, Arc<Queue>>,
}

impl Receiver {
    /// No transfer is open yet; replies go to `answer`, from many threads.
    pub fn new(tree: Arc<dyn Tree>, answer: Answer) -> Receiver {
        Receiver { tree, answer, open: HashMap::new() }
    }

    /// Starts a transfer. A refusal is answered as its outcome.
    pub fn open(&mut self, transfer: u64, gfid: Gfid) {
        self.open.retain(|_, queue| !queue.is_over());
        if self.open.len() >= MOST_OPEN || self.open.contains_key(&transfer) {
            let failed = Some((i64::from(Errno::MFILE.raw_os_error()), b"open one more transfer"[..].into()));
            return (self.answer)(Reply::Closed { transfer, failed });
        }
        let queue = Arc::new(Queue::default());
        let (tree, answer, feed) = (Arc::clone(&self.tree), Arc::clone(&self.answer), Arc::clone(&queue));
        let started = std::thread::Builder::new()
            .name(format!("transfer-{transfer}"))
            .spawn(move || receive(&*tree, transfer, gfid, &feed, &*answer));
        match started {
            Ok(_) => {
                self.open.insert(transfer, queue);
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(Errno::AGAIN.raw_os_error());
                let failed = Some((errno.into(), b"start a thread"[..].into()));
                (self.answer)(Reply::Closed { transfer, failed });
            }
        }
    }

    /// Hands a step to its transfer; waits while that has much to do. Steps of one that is over are dropped.
    pub fn step(&mut self, transfer: u64, step: Step) {
        let last = matches!(step, Step::Close { .. });
        if let Some(queue) = self.open.get(&transfer) {
            queue.push(step);
        }
        if last {
            // its thread still works, and answers; but the number is free again
            self.open.remove(&transfer);
        }
    }

    /// Gives a transfer up.
    pub fn abandon(&mut self, transfer: u64) {
        if let Some(queue) = self.open.remove(&transfer) {
            queue.abandon();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        for queue in self.open.values() {
            queue.abandon();
        }
    }
}

/// The life of one transfer.
fn receive(tree: &dyn Tree, transfer: u64, gfid: Gfid, queue: &Queue, answer: &dyn Fn(Reply)) {
    let outcome = tree.open(gfid, Access::Content).and_then(|file| {
        let (size, blocks) = sign(&*file)?;
        answer(Reply::Signature { transfer, block_bytes: BLOCK_BYTES, size, blocks });
        write(&*file, queue)
    });
    queue.end();
    let failed = match outcome {
        Ok(true) => None,
        Ok(false) => return,
        Err(error) => Some((error.raw().into(), error.to_string().into_bytes().into())),
    };
    answer(Reply::Closed { transfer, failed });
}

/// Size and block hashes of the present content.
fn sign(file: &dyn Handle) -> Result<(u64, Vec<BlockHash>)> {
    let size = file.seen()?.size;
    let mut blocks = Vec::new();
    if size < SMALLEST_SIGNED_BYTES {
        return Ok((size, blocks));
    }
    let mut buffer = vec![0; BLOCK_BYTES as usize];
    for block in 0..size.div_ceil(BLOCK_BYTES.into()).min(MOST_BLOCKS) {
        let count = file.read_at(&mut buffer, block * u64::from(BLOCK_BYTES))?;
        let hash = blake3::hash(buffer.get(..count).unwrap_or_default());
        blocks.extend(hash.as_bytes().first_chunk::<16>().copied());
    }
    Ok((size, blocks))
}

/// Writes what arrives; true when the file was closed well, false when the transfer was given up.
fn write(file: &dyn Handle, queue: &Queue) -> Result<bool> {
    let mut hasher = blake3::Hasher::new();
    let mut end = file.seen()?.size;
    while let Some(step) = queue.pop() {
        match step {
            Step::Data { offset, bytes } => {
                hasher.update(&bytes);
                file.write_at(&bytes, offset)?;
                end = end.max(offset.saturating_add(bytes.len() as u64));
            }
            // beyond the end of the file all is hole anyway, and truncation to the final size makes it so
            Step::Hole { offset, length } => {
                let length = length.min(end.saturating_sub(offset));
                if length > 0 {
                    punch(file, offset, length)?;
                }
            }
            Step::Close { size, hash, object } => {
                close(file, size, *hasher.finalize().as_bytes() == hash, &object)?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Makes a hole, or writes zeros where that cannot be done.
fn punch(file: &dyn Handle, mut offset: u64, mut length: u64) -> Result<()> {
    match file.punch_hole(offset, length) {
        Err(error) if matches!(error.errno, Errno::OPNOTSUPP | Errno::NOSYS) => {}
        outcome => return outcome,
    }
    while length > 0 {
        let count = length.min(ZEROS.len() as u64);
        file.write_at(ZEROS.get(..count as usize).unwrap_or(&ZEROS), offset)?;
        (offset, length) = (offset + count, length - count);
    }
    Ok(())
}

/// Brings the file to its end state and believes only what it then says of itself.
fn close(file: &dyn Handle, size: u64, hash_is_right: bool, object: &Object) -> Result<()> {
    file.truncate(size)?;
    if !hash_is_right {
        return Err(Error::new("hash of the data", b"", Errno::IO));
    }
    let before = Before::Seen(file.seen()?);
    dress(file, object, before, true)?;
    file.sync()?;
    if file.seen()?.size != size {
        return Err(Error::new("size after write", b"", Errno::IO));
    }
    Ok(())
}
