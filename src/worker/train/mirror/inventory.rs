//! The inventory of a finished run in the mirror: every file beside its checkpoints with its SHA-256. Written when all
//! of them are copied, just before the state that says so. A restore compares the files with it: damaged or missing
//! ones are made again from the checkpoints.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::train::checkpoint::FileRecord;
use crate::util::sha256::Digest;

/// Its name in the mirror. It is not part of a run folder.
pub(super) const NAME: &str = "inventory.json";

/// The files of a finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inventory {
    /// The state that it belongs to: with any other state it is ignored.
    pub(super) status: Digest,
    /// The files by name.
    pub(super) files: BTreeMap<String, FileRecord>,
}

impl Inventory {
    pub(super) fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The inventory of this state; `None` if it is damaged or belongs to another one.
    pub(super) fn of_state(text: &[u8], status: Digest) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|found: &Self| found.status == status)
    }

    /// The files that are not there as they should be.
    pub(super) fn lost(&self, folder: &Path) -> Vec<String> {
        let is_whole = |(name, record): &(&String, &FileRecord)| {
            Digest::of_file(&folder.join(name)).is_ok_and(|digest| digest == record.sha256)
        };
        self.files.iter().filter(|file| !is_whole(file)).map(|(name, _)| name.clone()).collect()
    }
}
