//! Untrusted files that need a C library are read in other processes: see `native::apart`.

use fragua_radar::volume::{Lost, answer, isolate};

use crate::native::apart::{Apart, NoAnswer};

/// The most files that are read at the same time.
const MAX_READERS: usize = 64;

/// From now on a file that crashes a library or hangs it does no harm to this process. `main` must call it before it
/// starts a second thread. Without such processes the libraries run in this one, as they do in tests.
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
