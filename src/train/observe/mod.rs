//! Those who listen to training: history and table, status and log, curves for TensorBoard and as pictures, and the lines
//! that a person reads. None of them can change a number of the run.

mod baseline;
pub mod console;
mod history;
mod log;
mod plots;
mod status;
mod tensorboard;

pub use history::HistoryFile;
pub use log::LogFile;
pub use plots::Plots;
pub use status::StatusFile;
pub use tensorboard::TensorBoard;
