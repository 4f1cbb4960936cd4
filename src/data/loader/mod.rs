//! Samples for training: drawn in a reproducible order, loaded ahead by threads. It knows no task and sees no tensor: a
//! [`SampleSource`] gives samples of any shape, a task turns them into tensors.
//!
//! ```text
//! Order      which sample comes at a position: a function of (seed, epoch), so any position can be resumed
//! Epochs     the order of all epochs, over all samples or a share of them
//! balanced   epochs in which small groups of samples come as often as large ones
//! buckets    epochs in which samples of similar size come together
//! Queue      samples on their way from the threads, delivered in order, limited in number and bytes
//! Epoch      what training iterates over
//! frames     a source: windows of equal-sized frames, with a cache that knows the future
//! records    a source: byte strings of any length from a store of records
//! ```
//!
//! Memory: what the source keeps (`cache_bytes` of decoded frames or of records), and beside it at most `queue_bytes` (but at least one
//! sample) that wait in the queue. Frames in the queue are mostly those that the cache holds as well.

mod balanced;
mod buckets;
mod config;
mod epoch;
mod epochs;
mod error;
pub mod frames;
mod order;
mod queue;
mod records;
mod source;

pub use config::LoaderConfig;
pub use epoch::{Epoch, Loader};
pub use epochs::Epochs;
pub use error::{LoaderError, StartError};
pub use frames::{FrameSource, Frames, LoadedWindow, PreparedEvents, Sample, SampleError, WindowError};
pub use order::{Order, Position};
pub use records::{Record, Records};
pub use source::{Place, SampleSource, Upcoming};
