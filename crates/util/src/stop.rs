//! The request to stop: set by a signal, checked between pieces of work.
//!
//! The first SIGINT or SIGTERM only sets the flag; another one, a second later or more, ends the process at once, which
//! is safe because nothing has its final name before it is complete. Signals within a second count as one: a program that
//! signals a process and its group, as `timeout` does, sends two.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use thiserror::Error;

use crate::exit::Exit;

/// Signals within this time count as one.
const ONE_REQUEST: Duration = Duration::from_secs(1);
/// How often a signal is checked for.
const TICK: Duration = Duration::from_millis(100);

/// The flag of this process.
static OF_PROCESS: OnceLock<Stop> = OnceLock::new();

/// Whether a signal asked this process to stop: for the few places that no [`Stop`] is passed to.
///
/// # Errors
/// [`Stopped`], with the code to exit with.
pub fn check_signals() -> Result<(), Stopped> {
    OF_PROCESS.get().map_or(Ok(()), Stop::check)
}

/// The work was stopped by a signal and can be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("stopped by {name}; run the same command again to continue")]
pub struct Stopped {
    name: &'static str,
    exit: Exit,
}

impl Stopped {
    /// 130 or 143.
    #[must_use]
    pub fn exit(self) -> Exit {
        self.exit
    }
}

/// A flag that every long loop checks. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// A flag that SIGINT and SIGTERM set.
    ///
    /// # Errors
    /// If the system does not accept the signal handlers.
    pub fn on_signals() -> std::io::Result<Self> {
        let stop = Self::default();
        let armed = Arc::new(AtomicBool::new(false));
        for (signal, exit) in [(SIGINT, Exit::Interrupted), (SIGTERM, Exit::Terminated)] {
            // The order matters: the first signal must not yet find the flag that it sets.
            signal_hook::flag::register_conditional_shutdown(signal, exit as i32, Arc::clone(&armed))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&stop.0), exit as usize)?;
        }
        drop(OF_PROCESS.set(stop.clone()));
        let seen = Arc::clone(&stop.0);
        let arm = move || {
            while seen.load(Ordering::SeqCst) == 0 {
                std::thread::sleep(TICK);
            }
            std::thread::sleep(ONE_REQUEST);
            armed.store(true, Ordering::SeqCst);
        };
        std::thread::Builder::new().name("signals".into()).spawn(arm)?;
        Ok(stop)
    }

    /// Requests a stop as if SIGTERM had been received: for tests.
    pub fn request(&self) {
        self.0.store(Exit::Terminated as usize, Ordering::SeqCst);
    }

    /// `Err` once a signal has been received: `stop.check()?` between two pieces of work.
    ///
    /// # Errors
    /// [`Stopped`], with the code to exit with.
    #[inline]
    pub fn check(&self) -> Result<(), Stopped> {
        match self.0.load(Ordering::SeqCst) {
            0 => Ok(()),
            code if code == Exit::Interrupted as usize => Err(Stopped { name: "SIGINT", exit: Exit::Interrupted }),
            _ => Err(Stopped { name: "SIGTERM", exit: Exit::Terminated }),
        }
    }
}
