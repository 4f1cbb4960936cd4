//! A dataset as trainers of YOLO have it: `data.yaml` with the folders of each side, and a text file of boxes for each image.
//!
//! ```text
//! data_yaml  what the file says           lists   the images of each side
//! labels     the boxes of one image, and what is wrong with them
//! ```

pub mod data_yaml;
pub mod labels;
pub mod lists;

pub use data_yaml::{DataYaml, DataYamlError};
pub use labels::{Fault, Labels};
pub use lists::{Listed, Lists, ListsError};

/// A side of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// It trains.
    Train,
    /// It validates.
    Val,
    /// It tests.
    Test,
}

impl Side {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }
}
