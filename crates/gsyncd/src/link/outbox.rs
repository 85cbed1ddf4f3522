//! Where requests go, whatever carries them.

use gsyncd_core::wire::message::Request;

/// The way to the other side; requests of several threads are never mixed.
pub trait Outbox: Send + Sync {
    /// Sends one request, whole.
    ///
    /// # Errors
    /// When the link is broken.
    fn send(&self, request: Request) -> std::io::Result<()>;
}
