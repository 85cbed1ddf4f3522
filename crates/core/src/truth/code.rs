//! Facts on the wire.

use super::{Answer, Attributes, Batch, Body, Holding, Kind, Need, Object, TimeStamp, Why, Xattr};
use crate::id::{Entry, Gfid, Name};
use crate::wire::codec::{Code, Malformed, decode_bytes, encode_bytes, take};

/// Implements [`Code`] for a struct, field by field in the order given.
macro_rules! code_struct {
    ($type:ident { $($field:ident),+ }) => {
        impl Code for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                $( self.$field.encode(out); )+
            }
            fn decode(input: &mut &[u8]) -> Result<Self, Malformed> {
                Ok($type { $( $field: Code::decode(input)? ),+ })
            }
        }
    };
}

impl Code for Gfid {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
    fn decode(input: &mut &[u8]) -> Result<Gfid, Malformed> {
        Gfid::from_slice(take(input, 16)?).ok_or(Malformed("gfid"))
    }
}

impl Code for Name {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self.as_bytes(), out);
    }
    fn decode(input: &mut &[u8]) -> Result<Name, Malformed> {
        Name::new(decode_bytes(input)?).ok_or(Malformed("not a base name"))
    }
}

impl Code for TimeStamp {
    fn encode(&self, out: &mut Vec<u8>) {
        self.seconds.encode(out);
        self.nanos.encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<TimeStamp, Malformed> {
        let (seconds, nanos) = (i64::decode(input)?, u32::decode(input)?);
        if nanos < 1_000_000_000 { Ok(TimeStamp { seconds, nanos }) } else { Err(Malformed("nanoseconds")) }
    }
}

impl Code for Kind {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.type_bits() >> 12).encode(out);
        match self {
            Kind::Symlink(target) => target.encode(out),
            Kind::Char(device) | Kind::Block(device) => device.encode(out),
            Kind::File | Kind::Directory | Kind::Fifo | Kind::Socket => {}
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Kind, Malformed> {
        Ok(match u32::decode(input)? << 12 {
            0o010_000 => Kind::Fifo,
            0o020_000 => Kind::Char(u32::decode(input)?),
            0o040_000 => Kind::Directory,
            0o060_000 => Kind::Block(u32::decode(input)?),
            0o100_000 => Kind::File,
            0o120_000 => Kind::Symlink(Code::decode(input)?),
            0o140_000 => Kind::Socket,
            _ => return Err(Malformed("kind of object")),
        })
    }
}

impl Code for Body {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Body::Untouched => out.push(0),
            Body::Inline(bytes) => {
                out.push(1);
                bytes.encode(out);
            }
            Body::Follows => out.push(2),
            Body::Compare => out.push(3),
            Body::Hash(hash) => {
                out.push(4);
                hash.encode(out);
            }
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Body, Malformed> {
        Ok(match u8::decode(input)? {
            0 => Body::Untouched,
            1 => Body::Inline(Code::decode(input)?),
            2 => Body::Follows,
            3 => Body::Compare,
            4 => Body::Hash(Code::decode(input)?),
            _ => return Err(Malformed("body")),
        })
    }
}

impl Code for Why {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Why::Missing => out.push(0),
            Why::Fate => out.push(1),
            Why::Failed { errno, call } => {
                out.push(2);
                i64::from(*errno).encode(out);
                encode_bytes(call.as_bytes(), out);
            }
            Why::Present => out.push(3),
            Why::Times => out.push(4),
            Why::Unplaced => out.push(5),
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Why, Malformed> {
        Ok(match u8::decode(input)? {
            0 => Why::Missing,
            1 => Why::Fate,
            2 => Why::Failed {
                errno: i32::try_from(i64::decode(input)?).map_err(|_| Malformed("errno"))?,
                call: String::from_utf8_lossy(decode_bytes(input)?).into(),
            },
            3 => Why::Present,
            4 => Why::Times,
            5 => Why::Unplaced,
            _ => return Err(Malformed("reason of a need")),
        })
    }
}

code_struct!(Entry { parent, name });
code_struct!(Xattr { key, value });
code_struct!(Attributes { kind, mode, uid, gid, size, mtime, atime });
code_struct!(Object { gfid, attributes, xattrs, body, times_only });
code_struct!(Holding { at, holder });
code_struct!(Need { gfid, at, why });
code_struct!(Batch { number, names, objects, dead, audit });
code_struct!(Answer { number, needs, calls });
