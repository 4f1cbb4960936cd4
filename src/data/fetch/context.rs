//! What a download gets from outside: the stop flag, progress, retries, time, limits.

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use url::Url;

use crate::util::progress::Progress;
use crate::util::retry::Backoff;
use crate::util::stop::Stop;

/// Everything a download takes from its surroundings.
#[derive(Clone)]
pub struct Context<'a> {
    /// Checked several times a second.
    pub stop: &'a Stop,
    /// Informed of every byte.
    pub progress: &'a dyn Progress,
    /// How often and how long to wait for a server.
    pub backoff: Backoff,
    /// Time and chance.
    pub clock: &'a dyn Clock,
    /// The addresses of services.
    pub endpoints: Endpoints,
    /// Sizes and times.
    pub limits: Limits,
}

impl<'a> Context<'a> {
    /// The defaults, in real time.
    #[must_use]
    pub fn new(stop: &'a Stop, progress: &'a dyn Progress) -> Self {
        Self {
            stop,
            progress,
            backoff: Backoff::default(),
            clock: &SystemClock,
            endpoints: Endpoints::default(),
            limits: Limits::default(),
        }
    }
}

/// Time and chance, as far as waiting depends on them. Durations are measured on the monotonic clock elsewhere; the
/// calendar is used only for a server's `Retry-After` date.
pub trait Clock: Send + Sync {
    /// The calendar time.
    fn today(&self) -> SystemTime;
    /// A number in 0..1 that differs between machines.
    fn jitter(&self) -> f64;
    /// Waits.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Real time.
pub struct SystemClock;

impl Clock for SystemClock {
    fn today(&self) -> SystemTime {
        SystemTime::now()
    }

    fn jitter(&self) -> f64 {
        // Seeded in each process by the system's generator. No result depends on it.
        let bits = RandomState::new().build_hasher().finish() >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// Base addresses of services that have their own protocol.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// Google Drive; `None` means the real one.
    pub drive: Option<Url>,
}

/// Sizes and times that rarely change outside tests.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections to one server.
    pub connections: usize,
    /// A file below twice this size is not worth a second connection; no segment is smaller.
    pub min_segment_bytes: u64,
    /// Bytes that share one digest in the state: a damaged bit costs this many.
    pub piece_bytes: u64,
    /// The state is saved after this many new bytes,
    pub save_bytes: u64,
    /// or after this time, whichever comes first.
    pub save_every: Duration,
    /// Received bytes that may wait for the disk; beyond that, connections wait.
    pub queue_bytes: usize,
    /// To connect.
    pub connect: Duration,
    /// From the request to the header of the reply.
    pub reply: Duration,
    /// A connection that brings fewer bytes than `stall_bytes` in this time is dropped.
    pub stall_window: Duration,
    /// See `stall_window`: 1 KB/s over 30 s.
    pub stall_bytes: u64,
    /// This many new bytes refill the budget of tries.
    pub refill_bytes: u64,
    /// Bytes to leave free on the disk.
    pub reserve_bytes: u64,
    /// The longest web page that is read.
    pub page_bytes: usize,
    /// The longest list of a folder.
    pub listing_bytes: usize,
    /// The largest number of files and folders in a shared folder, and its largest depth.
    pub folder_entries: usize,
    /// See `folder_entries`.
    pub folder_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        Self {
            connections: 4,
            min_segment_bytes: 16 * MIB,
            piece_bytes: 16 * MIB,
            save_bytes: 32 * MIB,
            save_every: Duration::from_secs(2),
            queue_bytes: 8 << 20,
            connect: Duration::from_secs(20),
            reply: Duration::from_secs(60),
            stall_window: Duration::from_secs(30),
            stall_bytes: 30_000,
            refill_bytes: 32_768,
            reserve_bytes: MIB,
            page_bytes: 1 << 20,
            listing_bytes: 64 << 20,
            folder_entries: 100_000,
            folder_depth: 32,
        }
    }
}
