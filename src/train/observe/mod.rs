//! Listeners: history and table, status and log, curves for TensorBoard and as pictures, a page of all of it, and the lines
//! that a person reads. None of them can change a number of the run.

mod behind;
pub mod console;
mod curves;
pub mod epochs;
mod headline;
mod history;
mod log;
pub mod page;
mod pictures;
mod plots;
mod selection;
mod status;
mod tensorboard;

pub use behind::{Behind, Drawer};
pub use history::HistoryFile;
pub use log::LogFile;
pub use page::PageFile;
pub use pictures::PictureFiles;
pub use plots::Plots;
pub use status::StatusFile;
pub use tensorboard::TensorBoard;
