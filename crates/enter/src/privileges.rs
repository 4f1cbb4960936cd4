//! Changing the user, and giving up what allows that.

use rustix::io;
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs, set_thread_res_gid,
    set_thread_res_uid,
};

use crate::folders::Owner;

/// The user that the image runs as. Any other user was requested and is kept.
pub const IMAGE_USER: u32 = 10001;

/// What changing the user takes.
const NEEDED: CapabilitySet = CapabilitySet::SETUID.union(CapabilitySet::SETGID);

/// What root keeps: it also writes into folders of others.
const OF_ROOT: CapabilitySet = CapabilitySet::DAC_OVERRIDE;

/// Whether this process may become another user, which the image's file of this program allows.
pub fn can_change_user() -> bool {
    geteuid().as_raw() == IMAGE_USER && raise().is_ok_and(|had| had.contains(NEEDED))
}

/// Makes use of all that this process may do; what that is.
fn raise() -> io::Result<CapabilitySet> {
    let permitted = capabilities(None)?.permitted;
    set(permitted)?;
    Ok(permitted)
}

/// Becomes `owner`, if there is one, and gives up everything else for good.
pub fn give_up(owner: Option<Owner>) -> io::Result<()> {
    if let Some(owner) = owner {
        let (user, group) = (Uid::from_raw(owner.user), Gid::from_raw(owner.group));
        set_thread_res_gid(group, group, group)?;
        set_thread_res_uid(user, user, user)?;
    }
    set_no_new_privs(true)?;
    match owner {
        Some(Owner { user: 0, .. }) => set(capabilities(None)?.permitted.intersection(OF_ROOT)),
        Some(_) => set(CapabilitySet::empty()),
        // A requested user keeps the capabilities it came with; those of this file end with the next `exec`.
        None => Ok(()),
    }
}

fn set(kept: CapabilitySet) -> io::Result<()> {
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() })
}
