//! The messages between a primary and a secondary of ours.
//!
//! A *transfer* carries the content of one file that was too large for its batch: `Open` → `Signature` →
//! any number of `Data` and `Hole` → `Close` → `Closed`. The primary opens a transfer only for an object
//! that the secondary has acknowledged; several may be under way at once.

use super::codec::{Code, Malformed};
use crate::id::Gfid;
use crate::truth::{Answer, Batch, Object};

/// Facts about the secondary, said once after the hello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Welcome {
    /// The root had no entries when the secondary started.
    pub empty: bool,
    /// Program version, for logs.
    pub version: Box<[u8]>,
    /// Which copy this is: the id of its index, made with it. All zero where none is kept (a volume).
    pub copy: [u8; 16],
    /// How many syncs the index has seen. Fewer than the primary remembers: an older state of the copy is back.
    pub generation: u64,
}

/// Hash of one block of the secondary's present content: the first 16 bytes of its BLAKE3.
pub type BlockHash = [u8; 16];

/// From the primary to the secondary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Make these facts true.
    Batch(Batch),
    /// Start a transfer; the secondary answers with the signature of what it has.
    Open {
        /// Chosen by the primary, unique among open transfers.
        transfer: u64,
        /// The file.
        gfid: Gfid,
        /// Size in bytes on the primary when the transfer was planned.
        size: u64,
    },
    /// Content at an offset in bytes.
    Data {
        /// The transfer.
        transfer: u64,
        /// Offset in bytes.
        offset: u64,
        /// The bytes.
        bytes: Box<[u8]>,
    },
    /// A range that reads as zeros and need not take space.
    Hole {
        /// The transfer.
        transfer: u64,
        /// Offset in bytes.
        offset: u64,
        /// Length in bytes.
        length: u64,
    },
    /// The end: the file has this size and what it looks like; the hash is BLAKE3 over all `Data` bytes in order.
    Close {
        /// The transfer.
        transfer: u64,
        /// Final size in bytes.
        size: u64,
        /// BLAKE3 of the data bytes in the order sent.
        hash: [u8; 32],
        /// Attributes and xattrs to apply after the content. Its body is [`crate::truth::Body::Untouched`].
        object: Object,
    },
    /// The transfer is given up (the file vanished); what was written stays, the object is said again later.
    Abandon {
        /// The transfer.
        transfer: u64,
    },
    /// Nothing; proves that the primary lives.
    KeepAlive,
    /// Make everything durable that was answered before; a tree that does so with every answer has nothing to do.
    Sync,
}

/// From the secondary to the primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// First message.
    Welcome(Welcome),
    /// The outcome of a batch.
    Answer(Answer),
    /// Hashes of the blocks of the present content, in order; the last block may be short. Empty: send all.
    Signature {
        /// The transfer.
        transfer: u64,
        /// Block length in bytes.
        block_bytes: u32,
        /// Size of the present content in bytes.
        size: u64,
        /// One hash a block.
        blocks: Vec<BlockHash>,
    },
    /// The outcome of a transfer: written, verified and durable, or the errno and the step that failed.
    Closed {
        /// The transfer.
        transfer: u64,
        /// None: all is well.
        failed: Option<(i64, Box<[u8]>)>,
    },
    /// Answer to a keep-alive.
    KeepAlive,
    /// The secondary cannot go on, and why.
    Fatal(Box<[u8]>),
    /// Answer to a sync: all that was answered before it is durable.
    Synced {
        /// See [`Welcome::generation`].
        generation: u64,
    },
}

impl<const N: usize> Code for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn decode(input: &mut &[u8]) -> Result<[u8; N], Malformed> {
        super::codec::take(input, N)?.try_into().map_err(|_| Malformed("truncated"))
    }
}

impl<A: Code, B: Code> Code for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<(A, B), Malformed> {
        Ok((A::decode(input)?, B::decode(input)?))
    }
}

impl Code for Welcome {
    fn encode(&self, out: &mut Vec<u8>) {
        self.empty.encode(out);
        self.version.encode(out);
        self.copy.encode(out);
        self.generation.encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<Welcome, Malformed> {
        Ok(Welcome {
            empty: Code::decode(input)?,
            version: Code::decode(input)?,
            copy: Code::decode(input)?,
            generation: Code::decode(input)?,
        })
    }
}

/// Appends a tag and the fields after it.
macro_rules! put {
    ($out:expr, $tag:expr $(, $field:expr)*) => {{
        $out.push($tag);
        $( $field.encode($out); )*
    }};
}

impl Code for Request {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Request::Batch(batch) => put!(out, 1, batch),
            Request::Open { transfer, gfid, size } => put!(out, 2, transfer, gfid, size),
            Request::Data { transfer, offset, bytes } => put!(out, 3, transfer, offset, bytes),
            Request::Hole { transfer, offset, length } => put!(out, 4, transfer, offset, length),
            Request::Close { transfer, size, hash, object } => put!(out, 5, transfer, size, hash, object),
            Request::Abandon { transfer } => put!(out, 6, transfer),
            Request::KeepAlive => put!(out, 7),
            Request::Sync => put!(out, 8),
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Request, Malformed> {
        Ok(match u8::decode(input)? {
            1 => Request::Batch(Code::decode(input)?),
            2 => Request::Open {
                transfer: Code::decode(input)?,
                gfid: Code::decode(input)?,
                size: Code::decode(input)?,
            },
            3 => Request::Data {
                transfer: Code::decode(input)?,
                offset: Code::decode(input)?,
                bytes: Code::decode(input)?,
            },
            4 => Request::Hole {
                transfer: Code::decode(input)?,
                offset: Code::decode(input)?,
                length: Code::decode(input)?,
            },
            5 => Request::Close {
                transfer: Code::decode(input)?,
                size: Code::decode(input)?,
                hash: Code::decode(input)?,
                object: Code::decode(input)?,
            },
            6 => Request::Abandon { transfer: Code::decode(input)? },
            7 => Request::KeepAlive,
            8 => Request::Sync,
            _ => return Err(Malformed("unknown request")),
        })
    }
}

impl Code for Reply {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Reply::Welcome(welcome) => put!(out, 1, welcome),
            Reply::Answer(answer) => put!(out, 2, answer),
            Reply::Signature { transfer, block_bytes, size, blocks } => {
                put!(out, 3, transfer, block_bytes, size, blocks);
            }
            Reply::Closed { transfer, failed } => put!(out, 4, transfer, failed),
            Reply::KeepAlive => put!(out, 5),
            Reply::Fatal(why) => put!(out, 6, why),
            Reply::Synced { generation } => put!(out, 7, generation),
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Reply, Malformed> {
        Ok(match u8::decode(input)? {
            1 => Reply::Welcome(Code::decode(input)?),
            2 => Reply::Answer(Code::decode(input)?),
            3 => Reply::Signature {
                transfer: Code::decode(input)?,
                block_bytes: Code::decode(input)?,
                size: Code::decode(input)?,
                blocks: Code::decode(input)?,
            },
            4 => Reply::Closed { transfer: Code::decode(input)?, failed: Code::decode(input)? },
            5 => Reply::KeepAlive,
            6 => Reply::Fatal(Code::decode(input)?),
            7 => Reply::Synced { generation: Code::decode(input)? },
            _ => return Err(Malformed("unknown reply")),
        })
    }
}

/// Decodes one whole payload.
///
/// # Errors
/// [`Malformed`] when it is not one message or bytes are left over.
pub fn decode<T: Code>(payload: &[u8]) -> Result<T, Malformed> {
    let mut input = payload;
    let value = T::decode(&mut input)?;
    if input.is_empty() { Ok(value) } else { Err(Malformed("bytes after a message")) }
}

/// Encodes one message as a payload.
#[must_use]
pub fn encode<T: Code>(message: &T) -> Vec<u8> {
    let mut payload = Vec::new();
    message.encode(&mut payload);
    payload
}

#[cfg(test)]
mod tests {
    use super::{Reply, Request, decode, encode};
    use crate::id::{Entry, Gfid, Name};
    use crate::truth::{Answer, Attributes, Batch, Body, Holding, Kind, Need, Object, TimeStamp, Why, Xattr};
    use proptest::prelude::{any, proptest};

    fn sample() -> Batch {
        let at = Entry { parent: Gfid::ROOT, name: Name::new(b"\xff\n").unwrap() };
        let attributes = Attributes {
            kind: Kind::Symlink(b"../x"[..].into()),
            mode: 0o4755,
            uid: u32::MAX,
            gid: 7,
            size: 1 << 40,
            mtime: TimeStamp { seconds: -5, nanos: 999_999_999 },
            atime: TimeStamp::default(),
        };
        let xattrs = Some(vec![Xattr { key: b"user.a"[..].into(), value: b""[..].into() }]);
        let object = Object {
            gfid: Gfid([9; 16]),
            attributes,
            xattrs,
            body: Body::Inline(b"abc"[..].into()),
            times_only: true,
        };
        Batch {
            number: 300,
            names: vec![Holding { at, holder: Some(Gfid([9; 16])) }],
            objects: vec![object],
            dead: vec![Gfid([8; 16])],
            audit: vec![],
        }
    }

    #[test]
    fn messages_round_trip() {
        let request = Request::Batch(sample());
        assert_eq!(decode::<Request>(&encode(&request)), Ok(request));
        let needs =
            vec![Need { gfid: Gfid::ROOT, at: None, why: Why::Failed { errno: 28, call: "pwrite".into() } }];
        let reply = Reply::Answer(Answer { number: 1, needs, calls: 12 });
        assert_eq!(decode::<Reply>(&encode(&reply)), Ok(reply));
    }

    #[test]
    fn a_count_that_lies_is_refused_before_it_is_believed() {
        let payload = [1, 1, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert!(decode::<Request>(&payload).is_err());
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(payload: Vec<u8>) {
            let _ = decode::<Request>(&payload);
            let _ = decode::<Reply>(&payload);
        }

        #[test]
        fn damaged_messages_never_panic(at in any::<proptest::sample::Index>(), byte: u8) {
            let mut payload = encode(&Request::Batch(sample()));
            let at = at.index(payload.len());
            payload[at] = byte;
            let _ = decode::<Request>(&payload);
        }

        #[test]
        fn integers_round_trip(unsigned: u64, signed: i64) {
            assert_eq!(decode::<u64>(&encode(&unsigned)), Ok(unsigned));
            assert_eq!(decode::<i64>(&encode(&signed)), Ok(signed));
        }
    }
}
