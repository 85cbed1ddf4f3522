//! Content over the link itself: blocks that the other side lacks, holes kept, the hash checked by the receiver.

pub mod receive;
pub mod send;
