//! A store off this machine for copies of files: object stores and folders behind one set of blocking calls. The only
//! module that talks to object stores. It knows neither runs nor checkpoints.

mod address;
mod cancel;
mod connect;
mod entry;
mod error;
mod remote;
#[cfg(test)]
mod tests;
mod variable;

use std::time::{Duration, Instant};

use rand::Rng;

pub use self::address::{Address, Refused, Service};
pub use self::cancel::Cancel;
pub use self::entry::{Entry, Expected, Version};
pub use self::error::{MirrorError, Refusal};
pub use self::remote::Remote;
use crate::util::seed::generator;

/// How long a look at a mirror may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Checks that a mirror answers and allows listing, writing, reading and deleting; leaves nothing there.
///
/// # Errors
/// If it refuses something, or does not answer.
pub fn probe(address: &Address) -> Result<(), MirrorError> {
    let remote = Remote::open(address)?.bounded(&Cancel::default(), Some(Instant::now() + PATIENCE));
    remote.folders("")?;
    let name = format!(".fragua-probe-{}", random_id());
    remote.write(&name, b"may be deleted\n", Expected::Anything)?;
    let read = remote.read(&name)?;
    remote.remove(&name)?;
    match read {
        Some((bytes, _)) if bytes == b"may be deleted\n" => Ok(()),
        _ => Err(MirrorError::Damaged {
            mirror: remote.shown().to_owned(),
            object: name,
            problem: "it returned other bytes than were written".into(),
        }),
    }
}

/// A unique name: 32 hexadecimal digits.
#[must_use]
pub fn random_id() -> String {
    format!("{:032x}", chance().random::<u128>())
}

/// An unpredictable number from 0 to 1, to spread many workers in time.
#[must_use]
pub fn jitter() -> f64 {
    chance().random()
}

/// From the time, the process and the system: the one kind of randomness that must not follow from a run's seed.
fn chance() -> impl Rng {
    let now = jiff::Timestamp::now().as_nanosecond();
    let system = std::fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
    generator(now as u64 ^ u64::from(std::process::id()).rotate_left(32), &system, 0, 0)
}
