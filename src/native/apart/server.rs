//! The process that forks workers. It does nothing else, so that a fork is cheap and safe: it has one thread, and none of the
//! memory that the program takes later.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::{End, Slot, Work, drain, poll, watched, worker};

/// The name of the server and of its workers in lists of processes.
const NAME: &CStr = c"fragua-reader";

/// The server's side of a slot.
struct Served {
    slot: Slot,
    worker: Option<Worker>,
    /// A worker ended, and the other side has not answered to that yet.
    forgetting: bool,
}

struct Worker {
    process: libc::pid_t,
    /// Closed by the system when the worker ends.
    alive: PipeReader,
}

/// Forks the server off; the ends of the slots that belong to this process.
///
/// # Errors
/// If the system gives no process.
#[expect(unsafe_code, reason = "another process and its end are C functions")]
pub(super) fn fork(here: Vec<Slot>, there: Vec<Slot>, work: Work) -> io::Result<Vec<Slot>> {
    // There is one thread, so the child is a whole copy of this process; it returns from nothing, but ends below.
    match fork_patiently()? {
        0 => {
            drop(here);
            drop(catch_unwind(AssertUnwindSafe(|| serve(there, work))));
            // SAFETY: ends this process without the exit handlers that its copy of the program brought along.
            unsafe { libc::_exit(0) }
        }
        _ => Ok(here),
    }
}

/// Forks. Other programs may have all processes or all memory for a moment, so that is tried again for a while.
#[expect(unsafe_code, reason = "another process is a C function")]
fn fork_patiently() -> io::Result<libc::pid_t> {
    let mut refused = io::Error::from(io::ErrorKind::WouldBlock);
    for pause in PAUSES {
        // SAFETY: this process has one thread: the callers see to that.
        match unsafe { libc::fork() } {
            -1 => refused = io::Error::last_os_error(),
            process => return Ok(process),
        }
        std::thread::sleep(pause);
    }
    Err(refused)
}

/// How long is waited after each attempt.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(10), Duration::from_millis(50), Duration::from_millis(200), Duration::ZERO];

/// The life of the server: as long as the other side of a slot is open.
fn serve(slots: Vec<Slot>, work: Work) {
    if withdraw().is_err() {
        return;
    }
    let mut slots: Vec<Served> =
        slots.into_iter().map(|slot| Served { slot, worker: None, forgetting: false }).collect();
    while !slots.is_empty() {
        let mut polled: Vec<libc::pollfd> = slots.iter().flat_map(Served::watched).collect();
        if poll(&mut polled, -1).is_err() {
            break;
        }
        let happened = polled.chunks(2).map(|pair| [pair[0].revents != 0, pair[1].revents != 0]);
        let happened: Vec<[bool; 2]> = happened.collect();
        let mut happened = happened.into_iter();
        slots.retain_mut(|served| {
            let kept = served.step(happened.next().unwrap_or_default(), work);
            if kept.is_err() {
                served.end_worker();
            }
            kept.is_ok()
        });
    }
    slots.iter_mut().for_each(Served::end_worker);
}

/// Leaves the terminal's process group, so that Ctrl-C reaches only the program, and closes inherited descriptors: a
/// reader of the program's output waits for its end, which this process must not delay.
#[expect(unsafe_code, reason = "groups of processes and descriptors are C functions")]
fn withdraw() -> io::Result<()> {
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    for descriptor in 0..3 {
        // SAFETY: both are open; what is replaced is not used in this process any more.
        unsafe { libc::dup2(nothing.as_raw_fd(), descriptor) };
    }
    // SAFETY: about this process alone.
    unsafe { libc::setpgid(0, 0) };
    // Whoever looks for the program by its name finds one process.
    Ok(rustix::thread::set_name(NAME)?)
}

impl Served {
    /// The descriptors to wait for: the worker, or a request if there is no worker; and the other side.
    fn watched(&self) -> [libc::pollfd; 2] {
        let first = match &self.worker {
            Some(worker) => worker.alive.as_raw_fd(),
            None if self.forgetting => -1,
            None => self.slot.data.as_raw_fd(),
        };
        [watched(first), watched(self.slot.notice.as_raw_fd())]
    }

    /// One round. An error means that the other side is gone.
    fn step(&mut self, [first, notice]: [bool; 2], work: Work) -> io::Result<()> {
        if notice {
            let mut wish = [0];
            self.slot.notice.read_exact(&mut wish)?;
            self.forget()?;
        } else if first && self.worker.is_some() {
            let end = self.end_worker_as();
            self.forgetting = true;
            self.slot.notice.write_all(&end.0.to_le_bytes())?;
        } else if first {
            self.worker = Some(self.employ(work)?);
        }
        Ok(())
    }

    /// Nothing of the last request is left, on this side.
    fn forget(&mut self) -> io::Result<()> {
        self.slot.data.set_nonblocking(true)?;
        let drained = drain(&mut self.slot.data);
        self.slot.data.set_nonblocking(false)?;
        drained?;
        self.forgetting = false;
        self.slot.notice.write_all(&[1])
    }

    /// Forks a worker for the request that waits.
    #[expect(unsafe_code, reason = "another process and its end are C functions")]
    fn employ(&mut self, work: Work) -> io::Result<Worker> {
        let (alive, held) = io::pipe()?;
        // The server has one thread; the child returns from nothing, but ends below.
        match fork_patiently()? {
            0 => {
                let ended = catch_unwind(AssertUnwindSafe(|| worker::run(&mut self.slot.data, work)));
                // SAFETY: as above.
                unsafe { libc::_exit(if ended.is_ok() { 0 } else { worker::PANICKED }) }
            }
            process => {
                drop(held);
                Ok(Worker { process, alive })
            }
        }
    }

    fn end_worker(&mut self) {
        if let Some(worker) = &self.worker {
            kill(worker.process);
            self.end_worker_as();
        }
    }

    /// How the worker ended; waits for that.
    #[expect(unsafe_code, reason = "waiting for a process is a C function")]
    fn end_worker_as(&mut self) -> End {
        let mut status = 0;
        if let Some(worker) = self.worker.take() {
            // SAFETY: the process is a child of this one that nobody else waits for.
            while unsafe { libc::waitpid(worker.process, &raw mut status, 0) } == -1
                && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
            {}
        }
        End(status)
    }
}

#[expect(unsafe_code, reason = "a signal to a process is a C function")]
fn kill(process: libc::pid_t) {
    // SAFETY: the process is a child of this one that was not waited for yet, so its number is still its own.
    unsafe { libc::kill(process, libc::SIGKILL) };
}
