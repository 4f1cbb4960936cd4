//! Those who listen to training: history and table, status and log, curves for TensorBoard, and the lines that a person
//! reads. None of them can change a number of the run.

pub mod console;
mod history;
mod log;
mod status;
mod tensorboard;

pub use history::HistoryFile;
pub use log::LogFile;
pub use status::StatusFile;
pub use tensorboard::TensorBoard;
