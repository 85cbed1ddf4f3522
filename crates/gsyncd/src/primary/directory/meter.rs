//! Counts the content that goes over the link.

use super::progress::Progress;
use crate::link::outbox::Outbox;
use gsyncd_core::wire::message::Request;
use std::sync::Arc;

/// An outbox that counts.
pub struct Meter {
    outbox: Arc<dyn Outbox>,
    progress: Arc<Progress>,
}

impl Meter {
    /// Counts what goes through `outbox`.
    pub fn new(outbox: Arc<dyn Outbox>, progress: Arc<Progress>) -> Meter {
        Meter { outbox, progress }
    }
}

impl Outbox for Meter {
    fn send(&self, request: Request) -> std::io::Result<()> {
        let bytes = content_bytes(&request);
        if bytes > 0 {
            self.progress.update(|progress| progress.sent_bytes += bytes);
        }
        self.outbox.send(request)
    }
}

fn content_bytes(request: &Request) -> u64 {
    match request {
        Request::Data { bytes, .. } => bytes.len() as u64,
        Request::Batch(batch) => batch.objects.iter().map(|object| object.body.carried_bytes() as u64).sum(),
        _ => 0,
    }
}
