//! Frames: u32 payload length, u32 CRC of the payload, both big-endian, then the payload.

use super::codec::Malformed;

/// The longest payload, in bytes. Bounds what a peer can make us hold.
pub const LIMIT_BYTES: usize = 32 * 1024 * 1024;
/// Length of the header in bytes.
pub const HEADER_BYTES: usize = 8;

/// The header of a payload.
///
/// # Errors
/// [`Malformed`] when the payload is longer than [`LIMIT_BYTES`].
pub fn header(payload: &[u8]) -> Result<[u8; HEADER_BYTES], Malformed> {
    if payload.len() > LIMIT_BYTES {
        return Err(Malformed("frame too long"));
    }
    let [a, b, c, d] = (payload.len() as u32).to_be_bytes();
    let [e, f, g, h] = crc32fast::hash(payload).to_be_bytes();
    Ok([a, b, c, d, e, f, g, h])
}

/// Payload length and CRC of a header.
///
/// # Errors
/// [`Malformed`] when the length is over [`LIMIT_BYTES`].
pub fn parse_header(header: [u8; HEADER_BYTES]) -> Result<(usize, u32), Malformed> {
    let [a, b, c, d, e, f, g, h] = header;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > LIMIT_BYTES {
        return Err(Malformed("frame too long"));
    }
    Ok((length, u32::from_be_bytes([e, f, g, h])))
}

/// Checks a payload against the CRC of its header.
///
/// # Errors
/// [`Malformed`] when they differ.
pub fn check(payload: &[u8], crc: u32) -> Result<(), Malformed> {
    if crc32fast::hash(payload) == crc { Ok(()) } else { Err(Malformed("checksum of a frame differs")) }
}
