//! The tasks that the engine can train, one folder each, with the same file names in each. Nothing outside this folder names
//! a task: it is reached through [`Kind`]. What the tasks that classify share is in `classes`.
//!
//! ```text
//! kind     what a task can do          data     its prepared dataset, and learners of it
//! options  what commands ask for       model    a trained model for a task
//! needs    the least memory it takes      limits   numbers that make no sense
//! ```

use std::any::Any;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub mod classes;
mod data;
pub mod image_class;
pub mod keypoints;
mod kind;
mod limits;
mod model;
pub mod needs;
pub mod nowcast;
mod options;
mod reading;
#[cfg(test)]
pub mod testing;

pub use data::{Data, LearnerSetting, Phase, Prepared, Purpose, Shown};
pub use kind::{Beside, Evaluated, Kind, parts};
pub use model::{Misfit, Model, give, load};
pub use options::{InspectOptions, Layout, PredictOptions, Predicted, Wish};
pub use reading::read_apart;

/// The `task` section: exactly one task with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TaskConfig {
    /// The next frames of a radar sequence from the last ones.
    Nowcast(Box<nowcast::config::NowcastConfig>),
    /// The class of a small image, such as a handwritten character.
    ImageClass(Box<image_class::config::ImageClassConfig>),
    /// The class of a sequence of keypoints, such as a sign of a sign language.
    Keypoints(Box<keypoints::config::KeypointsConfig>),
}

impl TaskConfig {
    /// The task of this name with the defaults of its settings; none for a task that this program does not have.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        serde_json::from_value(json!({name: {}})).ok()
    }

    /// The names of all tasks.
    #[must_use]
    pub fn names() -> [&'static str; 3] {
        ["nowcast", "image_class", "keypoints"]
    }

    /// The task: the only place that distinguishes tasks.
    #[must_use]
    pub fn kind(&self) -> &dyn Kind {
        match self {
            Self::Nowcast(section) => section.as_ref(),
            Self::ImageClass(section) => section.as_ref(),
            Self::Keypoints(section) => section.as_ref(),
        }
    }

    /// The task's section, if it is of this task.
    #[must_use]
    pub fn section<K: Kind>(&self) -> Option<&K> {
        let kind: &dyn Any = self.kind();
        kind.downcast_ref()
    }

    /// The task's name, which is also its key below `task`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }
}
