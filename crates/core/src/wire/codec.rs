//! The compact codec of control messages: variable-length integers and counted bytes.
//!
//! A decoder never allocates what a length field asks for: every count is checked against the bytes that
//! are really there.

use std::fmt;

/// What is wrong with a peer's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed message: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// A value that goes over the wire.
pub trait Code: Sized {
    /// Appends the encoded value.
    fn encode(&self, out: &mut Vec<u8>);
    /// Takes one value off the front.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes are not one.
    fn decode(input: &mut &[u8]) -> Result<Self, Malformed>;
}

/// Takes exactly `count` bytes off the front.
///
/// # Errors
/// [`Malformed`] when there are fewer.
pub fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], Malformed> {
    let (head, tail) = input.split_at_checked(count).ok_or(Malformed("truncated"))?;
    *input = tail;
    Ok(head)
}

impl Code for u8 {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
    fn decode(input: &mut &[u8]) -> Result<u8, Malformed> {
        take(input, 1)?.first().copied().ok_or(Malformed("truncated"))
    }
}

impl Code for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn decode(input: &mut &[u8]) -> Result<bool, Malformed> {
        match u8::decode(input)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("not a boolean")),
        }
    }
}

impl Code for u64 {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }
    fn decode(input: &mut &[u8]) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = u8::decode(input)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed("integer too large"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed("integer too long"))
    }
}

impl Code for u32 {
    fn encode(&self, out: &mut Vec<u8>) {
        u64::from(*self).encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<u32, Malformed> {
        u32::try_from(u64::decode(input)?).map_err(|_| Malformed("integer too large"))
    }
}

impl Code for i64 {
    fn encode(&self, out: &mut Vec<u8>) {
        ((*self << 1) ^ (*self >> 63)).cast_unsigned().encode(out);
    }
    fn decode(input: &mut &[u8]) -> Result<i64, Malformed> {
        let raw = u64::decode(input)?;
        Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }
}

impl Code for Box<[u8]> {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self, out);
    }
    fn decode(input: &mut &[u8]) -> Result<Box<[u8]>, Malformed> {
        decode_bytes(input).map(Into::into)
    }
}

impl<T: Code> Code for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Option<T>, Malformed> {
        if bool::decode(input)? { T::decode(input).map(Some) } else { Ok(None) }
    }
}

impl<T: Code> Code for Vec<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.len() as u64).encode(out);
        for item in self {
            item.encode(out);
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Vec<T>, Malformed> {
        let count = u64::decode(input)?;
        // every item takes at least one byte, so a count beyond the rest is a lie
        if count > input.len() as u64 {
            return Err(Malformed("count exceeds message"));
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(T::decode(input)?);
        }
        Ok(items)
    }
}

/// Appends a byte string with its length.
pub fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    (bytes.len() as u64).encode(out);
    out.extend_from_slice(bytes);
}

/// Takes a counted byte string off the front, without copying.
///
/// # Errors
/// [`Malformed`] when fewer bytes follow than it says.
pub fn decode_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let count = usize::try_from(u64::decode(input)?).map_err(|_| Malformed("length too large"))?;
    take(input, count)
}
