//! Gives an object the attributes and xattrs it is to have.
//!
//! The order matters: xattrs and ACLs before the owner (an owner's change may need them), the owner before
//! the mode (chown clears set-id bits), the times last.

use super::{Handle, Seen};
use gsyncd_core::truth::{Kind, Object, Xattr};
use gsyncd_sys::Result;

/// What is known about an object before it is dressed.
#[derive(Clone, Copy, Debug)]
pub enum Before {
    /// Just created, of these user and group, with the right permissions and no xattrs.
    Fresh((u32, u32)),
    /// Looks like this.
    Seen(Seen),
}

/// Applies what `object` says, but for its content; `wrote`: the content was changed just now.
/// Returns true when any call changed something.
///
/// # Errors
/// The first call that fails.
pub fn dress(handle: &dyn Handle, object: &Object, before: Before, wrote: bool) -> Result<bool> {
    let (wanted, symlink) = (&object.attributes, matches!(object.attributes.kind, Kind::Symlink(_)));
    let (seen, owner) = match before {
        Before::Fresh(owner) => (None, owner),
        Before::Seen(seen) => (Some(seen), (seen.uid, seen.gid)),
    };
    if object.times_only {
        return set_times(handle, object, seen, wrote);
    }
    let access_changed = match &object.xattrs {
        Some(xattrs) if !symlink => set_xattrs(handle, xattrs, seen.is_none())?,
        _ => Changed::Nothing,
    };
    let owner_differs = owner != (wanted.uid, wanted.gid);
    if owner_differs {
        handle.set_owner(wanted.uid, wanted.gid)?;
    }
    // writing clears set-id bits too, even root's: the brick writes without the privilege that would keep them; and
    // a new file need not have them before it has its owner
    let mode_differs = seen.is_some_and(|seen| seen.mode & 0o7777 != wanted.mode)
        || ((owner_differs || wrote || seen.is_none()) && wanted.mode & 0o6000 != 0)
        || access_changed == Changed::Access;
    if mode_differs && !symlink {
        handle.set_mode(wanted.mode)?;
    }
    let timed = set_times(handle, object, seen, wrote)?;
    Ok(owner_differs || (mode_differs && !symlink) || timed || access_changed != Changed::Nothing)
}

/// Sets the times unless they are known to be right already.
fn set_times(handle: &dyn Handle, object: &Object, seen: Option<Seen>, wrote: bool) -> Result<bool> {
    let wanted = &object.attributes;
    let right = seen.is_some_and(|seen| (seen.atime, seen.mtime) == (wanted.atime, wanted.mtime));
    if right && !wrote {
        return Ok(false);
    }
    handle.set_times(wanted.atime, wanted.mtime)?;
    Ok(true)
}

/// What [`set_xattrs`] did.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Changed {
    Nothing,
    /// But not the access ACL.
    Other,
    /// The access ACL too, and with it perhaps the mode.
    Access,
}

/// Makes the replicated xattrs exactly `wanted`.
fn set_xattrs(handle: &dyn Handle, wanted: &[Xattr], fresh: bool) -> Result<Changed> {
    let present = if fresh { Vec::new() } else { handle.xattrs()? };
    let surplus = present.iter().filter(|xattr| wanted.iter().all(|want| want.key != xattr.key));
    let mut changed = Changed::Nothing;
    let mut note = |key: &[u8]| {
        if key == Xattr::ACL_ACCESS {
            changed = Changed::Access;
        } else if changed == Changed::Nothing {
            changed = Changed::Other;
        }
    };
    for xattr in surplus {
        handle.remove_xattr(&xattr.key)?;
        note(&xattr.key);
    }
    for want in wanted.iter().filter(|want| Xattr::is_replicated(&want.key) && !present.contains(want)) {
        handle.set_xattr(want)?;
        note(&want.key);
    }
    Ok(changed)
}
