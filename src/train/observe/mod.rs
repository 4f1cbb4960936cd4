//! Those who listen to training: history and table, status, log, curves for TensorBoard, and the lines that a person reads.
//! None of them can change a number of the run.

pub mod console;

mod tensorboard;


pub use tensorboard::TensorBoard;
