//! Walks the objects of an HDF5 file before the netCDF library does: nothing in it may lead to another file, or form a
//! circle. netCDF files contain no such links, but the libraries would follow them.

use std::path::Path;

use hdf5_metno as hdf5;
use hdf5_metno::dataset::Layout;
use hdf5_metno::{Group, LinkType, LocationInfo, LocationType};

use super::error::VolumeError;

/// The most objects of a file: a radar volume has a few dozen.
const MAX_OBJECTS: usize = 4096;
/// The deepest nesting of groups.
const MAX_DEPTH: usize = 32;

/// An object and its path.
struct Object {
    name: String,
    link: LinkType,
    info: Option<LocationInfo>,
}

/// Walks through all groups from the root down.
///
/// # Errors
/// If something leads out of the file or in a circle, there is far too much, or the library can't read it.
pub(super) fn check(path: &Path, file: &hdf5::File) -> Result<(), VolumeError> {
    let root = file.loc_info().map_err(super::hdf::hdf5_error(path))?;
    Walk { path, seen: vec![root], objects: 0 }.group(file, "", 0)
}

struct Walk<'a> {
    path: &'a Path,
    /// The groups that were visited.
    seen: Vec<LocationInfo>,
    objects: usize,
}

impl Walk<'_> {
    fn refuse(&self, what: &str) -> VolumeError {
        VolumeError::NotSelfContained { path: self.path.to_owned(), what: what.to_owned() }
    }

    fn group(&mut self, group: &Group, place: &str, depth: usize) -> Result<(), VolumeError> {
        if depth > MAX_DEPTH {
            return Err(self.refuse(&format!("it nests groups more than {MAX_DEPTH} deep")));
        }
        for Object { name, link, info } in self.objects(group)? {
            let inside = format!("{place}/{name}");
            let info = match (link, info) {
                (LinkType::Hard, Some(info)) => info,
                (LinkType::Hard, None) => {
                    return Err(VolumeError::damaged(self.path, format!("the HDF5 library can't find \"{inside}\"")));
                }
                (LinkType::Soft, _) => return Err(self.refuse(&format!("\"{inside}\" is a symbolic link"))),
                (LinkType::External, _) => {
                    return Err(self.refuse(&format!("\"{inside}\" leads to another file")));
                }
            };
            match info.loc_type {
                LocationType::Group => {
                    if self.seen.iter().any(|seen| seen.token == info.token) {
                        return Err(self.refuse(&format!("group \"{inside}\" is in the file twice, or within itself")));
                    }
                    self.seen.push(info);
                    let below = group.group(&name).map_err(super::hdf::hdf5_error(self.path))?;
                    self.group(&below, &inside, depth + 1)?;
                }
                LocationType::Dataset => self.dataset(group, &name, &inside)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What is in a group. Links are not followed for it.
    fn objects(&mut self, group: &Group) -> Result<Vec<Object>, VolumeError> {
        let room = MAX_OBJECTS.saturating_sub(self.objects);
        let listed = group.iter_visit_default(Vec::new(), |group, name, link, objects: &mut Vec<Object>| {
            let hard = link.link_type == LinkType::Hard;
            let info = if hard { group.loc_info_by_name(name).ok() } else { None };
            objects.push(Object { name: name.to_owned(), link: link.link_type, info });
            objects.len() <= room
        });
        let listed = listed.map_err(super::hdf::hdf5_error(self.path))?;
        self.objects += listed.len();
        if listed.len() > room {
            return Err(self.refuse(&format!("it has more than {MAX_OBJECTS} objects")));
        }
        Ok(listed)
    }

    /// The data must be in the file itself.
    fn dataset(&self, group: &Group, name: &str, inside: &str) -> Result<(), VolumeError> {
        let error = super::hdf::hdf5_error;
        let dataset = group.dataset(name).map_err(error(self.path))?;
        let written = dataset.create_plist().map_err(error(self.path))?;
        if written.get_layout().map_err(error(self.path))? == Layout::Virtual {
            return Err(self.refuse(&format!("the data of \"{inside}\" is put together from other files")));
        }
        if !written.get_external().map_err(error(self.path))?.is_empty() {
            return Err(self.refuse(&format!("the data of \"{inside}\" is in another file")));
        }
        Ok(())
    }
}
