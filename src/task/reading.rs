//! Files that others made are read by other processes, if a library in C is needed for it: see `native::apart`.

use fragua_radar::volume::{Lost, answer, isolate};

use crate::native::apart::{Apart, NoAnswer};

/// The most files that are read at the same time.
const MAX_READERS: usize = 64;

/// From now on a file that crashes a library, or keeps it busy for ever, does no harm to this process. To be called by `main`
/// before there is a second thread. Without processes for it the libraries run in this one, as they do in tests.
pub fn read_apart() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if let Ok(apart) = Apart::start(answer, threads.min(MAX_READERS)) {
        isolate(Box::new(move |request| {
            apart.call(request).map_err(|none| match none {
                NoAnswer::Died(how) => Lost::Died(how),
                NoAnswer::Gone(reason) => Lost::Gone(reason),
                NoAnswer::Stopped(stopped) => Lost::Stopped(stopped),
            })
        }));
    }
}
