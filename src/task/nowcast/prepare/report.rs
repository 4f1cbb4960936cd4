//! The outcome of every event and file, as the report of this task.

use serde::{Deserialize, Serialize};

use super::record::GridRecord;
use crate::data::prepare::report;
pub use crate::data::prepare::report::{GroupReport, SetAside};
use crate::task::nowcast::config::PrepareConfig;

/// The report on a prepared dataset.
pub type Report = report::Report<About>;

/// What made the dataset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    /// The options.
    pub options: PrepareConfig,
    /// The grid of the source files.
    pub source_grid: Option<GridRecord>,
}
