//! Content over the link itself: blocks that the other side lacks, holes kept, the hash checked by the receiver.

pub mod send;
//! Content inside the link of two of ours.

pub mod receive;
