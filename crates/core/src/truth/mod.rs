//! What the primary says about its tree, and what the secondary still has to know.
//!
//! The unit of replication is not an operation but a *statement of fact*: "this name holds that object",
//! "this name is free", "this object looks like that". A [`Batch`] is a set of such facts, read from the
//! primary after the changes were recorded; the secondary drives its tree to them and answers with
//! [`Need`]s: objects it lacks, objects in the way whose fate it does not know, things that failed.
//! The primary then reads the present truth about exactly those and says it again. The result does not
//! depend on the order in which changes were recorded, replayed or repeated.

mod attributes;
mod code;
mod need;

pub use attributes::{Attributes, Kind, TimeStamp, Xattr};
pub use need::{Need, Why};

use crate::id::{Entry, Gfid};

/// What is said about the content of a regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: the content did not change, or the object has none.
    Untouched,
    /// The complete content.
    Inline(Box<[u8]>),
    /// The content follows as a transfer of its own once the object exists.
    Follows,
    /// The content is needed unless size and modification time are already those of the attributes. Only a
    /// crawl says this: a journal record that says "data changed" is never judged by size and time.
    Compare,
    /// The content is needed unless its BLAKE3 is this: an existing copy is taken over without being sent again.
    Hash([u8; 32]),
}

impl Body {
    /// How many bytes of content it carries itself.
    #[must_use]
    pub fn carried_bytes(&self) -> usize {
        if let Body::Inline(bytes) = self { bytes.len() } else { 0 }
    }
}

/// A statement about one object that exists on the primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Which object.
    pub gfid: Gfid,
    /// Its attributes as read from the primary.
    pub attributes: Attributes,
    /// The complete set of replicated xattrs (`user.*` and both POSIX ACLs); None: not looked at.
    pub xattrs: Option<Vec<Xattr>>,
    /// Its content.
    pub body: Body,
    /// Only the times are to be applied (a directory whose entries changed).
    pub times_only: bool,
}

/// A statement about one name: which object holds it on the primary, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The name.
    pub at: Entry,
    /// Its holder; None: the name is free.
    pub holder: Option<Gfid>,
}

/// Facts that are to be made true together.
///
/// Invariants kept by the primary: every holder in `names` is in `objects`; a gfid is never both in
/// `objects` and in `dead`; a directory's own name, where stated, is its only one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Counts up by one for each batch of a connection.
    pub number: u64,
    /// Names, in the order in which the primary met them.
    pub names: Vec<Holding>,
    /// Objects.
    pub objects: Vec<Object>,
    /// Objects that do not exist on the primary any more. Said only while the primary's tree was wholly
    /// readable, because names and content of these are destroyed.
    pub dead: Vec<Gfid>,
    /// Directories whose every entry the secondary is asked to report, so that surplus ones are found.
    pub audit: Vec<Gfid>,
}

impl Batch {
    /// True when nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.objects.is_empty() && self.dead.is_empty() && self.audit.is_empty()
    }
}

/// The secondary's answer to a batch: everything not mentioned is true now. It is durable too, at once where the
/// tree does so with every batch, else after the next [`crate::wire::message::Request::Sync`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The batch's number.
    pub number: u64,
    /// What is not true yet, and why.
    pub needs: Vec<Need>,
    /// Calls made on the tree (cost is a tested property).
    pub calls: u64,
}
