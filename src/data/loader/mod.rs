//! Windows of frames for training: drawn in a reproducible order, decoded ahead by threads, kept in memory as bytes. It
//! knows no radar and sees no tensor: a [`FrameSource`] gives frames, a task turns delivered bytes into tensors.
//!
//! ```text
//! Order      which sample comes at a position: a function of (seed, epoch), so any position can be resumed
//! Lookahead  which frames will be wanted next, as the order is known
//! FrameCache decoded frames, each held and decoded once, the one wanted last goes first
//! Queue      windows on their way from the threads, delivered in order
//! Epoch      what training iterates over
//! ```
//!
//! Memory: `cache_bytes` for the cache, and beside it at most `queue_bytes` (but at least one window) of frames that wait
//! in the queue, most of which the cache holds as well.

mod cache;
mod config;
mod epoch;
mod error;
mod flight;
mod lookahead;
mod order;
mod prepared;
mod queue;
mod sample;
mod source;
#[cfg(test)]
mod testing;
mod waits;
mod window;

pub use cache::CacheStats;
pub use config::LoaderConfig;
pub use epoch::{Epoch, Loader};
pub use error::{LoaderError, StartError};
pub use order::{Order, Position};
pub use prepared::PreparedEvents;
pub use sample::{Sample, SampleError};
pub use source::{FrameError, FrameSource};
pub use waits::Waits;
pub use window::LoadedWindow;
