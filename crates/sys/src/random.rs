//! Bytes that nobody can guess.

use crate::error::{Error, Result};
use rustix::io::retry_on_intr;
use rustix::rand::{GetRandomFlags, getrandom};

/// An id that no other will have.
///
/// # Errors
/// ENOSYS on a kernel older than 3.17.
pub fn id() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    // the kernel gives so few at once, or none
    retry_on_intr(|| getrandom(&mut bytes, GetRandomFlags::empty()))
        .map_err(|errno| Error::new("getrandom", b"", errno))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn no_two_are_the_same() {
        assert_ne!(id().unwrap(), id().unwrap());
    }
}
