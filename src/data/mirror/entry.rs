//! An object in a mirror, and the condition under which it may be written.

use object_store::path::Path as ObjectPath;
use object_store::{ObjectMeta, UpdateVersion};

/// An object in a mirror.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name below the mirror's place.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written, by the service's clock.
    pub modified: jiff::Timestamp,
    /// Distinguishes it from later objects of the same name.
    pub version: Version,
}

/// A version of an object.
#[derive(Clone, Debug)]
pub struct Version(pub(super) UpdateVersion);

/// The condition for writing an object.
#[derive(Clone, Debug)]
pub enum Expected {
    /// Whatever there is.
    Anything,
    /// Nothing.
    Nothing,
    /// This version.
    This(Version),
}

/// An entry by its name below a place; `None` if it is not below it.
pub(super) fn entry(base: &ObjectPath, meta: &ObjectMeta) -> Option<Entry> {
    let below: Vec<String> = meta.location.prefix_match(base)?.map(|part| part.as_ref().to_owned()).collect();
    Some(Entry {
        name: below.join("/"),
        bytes: meta.size,
        modified: jiff::Timestamp::from_millisecond(meta.last_modified.timestamp_millis()).unwrap_or_default(),
        version: Version(UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() }),
    })
}
