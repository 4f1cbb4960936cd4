//! Untrusted files that need a C library are read in other processes: see `native::apart`.

use fragua_radar::volume::{Lost, answer, isolate};

use crate::native::apart::{Apart, NoAnswer};

/// The most files that are read at the same time.
const MAX_READERS: usize = 64;

/// From now on a file that crashes a library, or keeps it busy for ever, does no harm to this process. To be called by `main`
/// before there is a second thread. If the system gives no processes for it, files that need a library are not read, which is
/// said at the first of them; never do the libraries run in this process instead.
pub fn read_apart() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    match Apart::start(answer, threads.min(MAX_READERS)) {
        Ok(apart) => isolate(Box::new(move |request| {
            apart.call(request).map_err(|none| match none {
                NoAnswer::Died(how) => Lost::Died(how),
                NoAnswer::Gone(reason) => Lost::Gone(reason),
                NoAnswer::Stopped(stopped) => Lost::Stopped(stopped),
            })
        })),
        Err(error) => {
            let reason = format!("the system gives no process to read it in ({error})");
            isolate(Box::new(move |_| Err(Lost::Gone(reason.clone()))));
        }
    }
}
