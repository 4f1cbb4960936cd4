//! Waits for another process or thread, with a limit: a test fails instead of waiting for ever. The limits measure
//! nothing; they are so long that a busy machine keeps them.

use std::process::{Child, ExitStatus, Output};
use std::thread;
use std::time::{Duration, Instant};

/// The longest wait for something that takes seconds on an idle machine.
pub const LONGEST: Duration = Duration::from_secs(240);

/// How often a wait looks.
const TICK: Duration = Duration::from_millis(2);

/// Waits until something is so.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(within(LONGEST, is_so), "waited {LONGEST:?} in vain: {what}");
}

/// Waits until something is so while a child is at work, which it must still be then.
#[track_caller]
pub fn wait_while_it_works(child: &mut Child, what: &str, mut is_so: impl FnMut() -> bool) {
    let mut has_ended = false;
    let in_time = within(LONGEST, || {
        let so = is_so();
        has_ended = !so && child.try_wait().unwrap().is_some();
        so || has_ended
    });
    if has_ended || !in_time {
        drop(child.kill());
        panic!("{what}: {}", if has_ended { "the process ended before" } else { "waited in vain" });
    }
}

/// The exit of a child, which must end without a signal.
#[track_caller]
pub fn end_of(child: &mut Child) -> ExitStatus {
    let mut status = None;
    let has_ended = within(LONGEST, || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    if !has_ended {
        drop(child.kill());
        panic!("process {} did not end within {LONGEST:?}", child.id());
    }
    status.unwrap()
}

/// The output of a child, which must end without a signal. Its pipes are read meanwhile, so it can't block on them.
#[track_caller]
pub fn output_of(child: Child) -> Output {
    let pid = rustix::process::Pid::from_child(&child);
    let reader = thread::spawn(move || child.wait_with_output().unwrap());
    if !within(LONGEST, || reader.is_finished()) {
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap_or_default();
        panic!("process {pid:?} did not end within {LONGEST:?}: {:#?}", reader.join().unwrap());
    }
    reader.join().unwrap()
}

/// Whether something is so within a time. For what need not come, and is not worth more.
pub fn within(time: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() > time {
            return false;
        }
        thread::sleep(TICK);
    }
    true
}
