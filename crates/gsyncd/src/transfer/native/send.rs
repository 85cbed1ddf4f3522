//! Sends the content of one file.

use crate::link::outbox::Outbox;
use crossbeam_channel::Receiver;
use gsyncd_core::truth::Object;
use gsyncd_core::wire::message::{BlockHash, Reply, Request};
use gsyncd_sys::{Error, at};
use std::os::fd::OwnedFd;

/// Bytes read and sent at once when there is nothing to compare with.
const CHUNK_BYTES: usize = 128 * 1024;
/// Largest block length believed from a peer, in bytes.
const LARGEST_BLOCK_BYTES: u32 = 16 * 1024 * 1024;

/// The other side of one transfer.
pub struct Peer<'a> {
    /// The transfer's number.
    pub transfer: u64,
    /// Where requests go.
    pub outbox: &'a dyn Outbox,
    /// Where its replies come from.
    pub replies: &'a Receiver<Reply>,
}

/// Why a transfer failed.
#[derive(Debug)]
pub enum TransferError {
    /// Reading here failed.
    Read(Error),
    /// The link broke or the peer broke the protocol.
    Link(String),
    /// The secondary could not write or verify: errno and step.
    Refused(i32, Box<str>),
}

impl From<Error> for TransferError {
    fn from(error: Error) -> TransferError {
        TransferError::Read(error)
    }
}

impl TransferError {
    /// An errno and a text for people.
    #[must_use]
    pub fn into_reason(self) -> (i32, Box<str>) {
        match self {
            TransferError::Read(error) => (error.raw(), format!("primary: {error}").into()),
            TransferError::Link(why) => (gsyncd_sys::Errno::PIPE.raw_os_error(), why.into()),
            TransferError::Refused(errno, step) => (errno, step),
        }
    }
}

/// What the secondary has.
struct Signature {
    block_bytes: usize,
    size: u64,
    blocks: Vec<BlockHash>,
}

/// Sends what the secondary lacks of a file, then what the file looks like: `object`, read before the content,
/// so that its times never vouch for content not sent.
///
/// # Errors
/// [`TransferError`]; the transfer is over on both sides.
pub fn send_file(file: &OwnedFd, object: Object, peer: &Peer) -> Result<(), TransferError> {
    let size = at::stat_fd(file)?.size;
    peer.send(Request::Open { transfer: peer.transfer, gfid: object.gfid, size })?;
    let signature = peer.signature()?;
    let mut content = Content { peer, hasher: blake3::Hasher::new(), signature };
    match content.send(file, size) {
        Ok(size) => {
            let hash = *content.hasher.finalize().as_bytes();
            peer.send(Request::Close { transfer: peer.transfer, size, hash, object })?;
            peer.closed()
        }
        Err(error) => {
            peer.send(Request::Abandon { transfer: peer.transfer })?;
            Err(error)
        }
    }
}

impl Peer<'_> {
    fn send(&self, request: Request) -> Result<(), TransferError> {
        self.outbox.send(request).map_err(|error| TransferError::Link(error.to_string()))
    }

    fn receive(&self) -> Result<Reply, TransferError> {
        self.replies.recv().map_err(|_| TransferError::Link("the conversation ended".into()))
    }

    fn signature(&self) -> Result<Signature, TransferError> {
        match self.receive()? {
            Reply::Signature { block_bytes, size, blocks, .. } => {
                if !blocks.is_empty() && !(1..=LARGEST_BLOCK_BYTES).contains(&block_bytes) {
                    return Err(TransferError::Link(format!("block length {block_bytes}")));
                }
                let block_bytes = if blocks.is_empty() { CHUNK_BYTES } else { block_bytes as usize };
                Ok(Signature { block_bytes, size, blocks })
            }
            Reply::Closed { failed: Some((errno, step)), .. } => Err(refused(errno, &step)),
            other => Err(TransferError::Link(format!("expected a signature, got {other:?}"))),
        }
    }

    fn closed(&self) -> Result<(), TransferError> {
        match self.receive()? {
            Reply::Closed { failed: None, .. } => Ok(()),
            Reply::Closed { failed: Some((errno, step)), .. } => Err(refused(errno, &step)),
            other => Err(TransferError::Link(format!("expected the end of a transfer, got {other:?}"))),
        }
    }
}

fn refused(errno: i64, step: &[u8]) -> TransferError {
    TransferError::Refused(i32::try_from(errno).unwrap_or(0), step.escape_ascii().to_string().into())
}

struct Content<'a> {
    peer: &'a Peer<'a>,
    hasher: blake3::Hasher,
    signature: Signature,
}

impl Content<'_> {
    /// Sends data and holes; returns the size, which is where reading met the end.
    fn send(&mut self, file: &OwnedFd, size: u64) -> Result<u64, TransferError> {
        let mut offset = 0;
        while offset < size {
            let Some((start, end)) = at::next_data(file, offset, size)? else { break };
            self.hole(offset, start.min(size))?;
            let end = end.min(size);
            let reached = self.data(file, self.block_start(start), end)?;
            if reached < end {
                return Ok(reached);
            }
            offset = end;
        }
        self.hole(offset, size)?;
        Ok(size)
    }

    /// Comparing needs whole blocks, so data starts where its block does.
    fn block_start(&self, offset: u64) -> u64 {
        offset - offset % self.signature.block_bytes as u64
    }

    fn hole(&self, start: u64, end: u64) -> Result<(), TransferError> {
        // where the secondary has nothing a hole comes by itself
        let end = end.min(self.signature.size);
        if start >= end {
            return Ok(());
        }
        self.peer.send(Request::Hole { transfer: self.peer.transfer, offset: start, length: end - start })
    }

    /// Sends the blocks of a range that the secondary lacks; returns where reading ended.
    fn data(&mut self, file: &OwnedFd, start: u64, end: u64) -> Result<u64, TransferError> {
        let block_bytes = self.signature.block_bytes;
        let mut buffer = vec![0; block_bytes];
        let mut offset = start;
        while offset < end {
            let filled = at::read_at(file, &mut buffer, offset)?;
            let block = buffer.get(..filled).unwrap_or_default();
            if block.is_empty() {
                return Ok(offset);
            }
            if !self.is_there(offset, block) {
                self.hasher.update(block);
                self.peer.send(Request::Data {
                    transfer: self.peer.transfer,
                    offset,
                    bytes: block.into(),
                })?;
            }
            offset += filled as u64;
            if filled < block_bytes {
                return Ok(offset);
            }
        }
        Ok(end)
    }

    /// The secondary's block at this offset is the same, in length too.
    fn is_there(&self, offset: u64, block: &[u8]) -> bool {
        let number = usize::try_from(offset / self.signature.block_bytes as u64).ok();
        let Some(theirs) = number.and_then(|number| self.signature.blocks.get(number)) else { return false };
        let length = self.signature.size.saturating_sub(offset).min(self.signature.block_bytes as u64);
        length == block.len() as u64 && blake3::hash(block).as_bytes().get(..16) == Some(&theirs[..])
    }
}
