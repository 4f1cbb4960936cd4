//! Many files at once: each thread takes the next one, a signal or an error ends all, results are in the order of the work.

use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::util::fs::FsError;
use crate::util::sha256::Digest;
use crate::util::stop::{Stop, Stopped};
use crate::util::{access, plain, units};

/// Processes every item on this many threads; each has its own scratch, which it reuses.
///
/// # Errors
/// The first error of an item, or a stop; work in progress is finished before.
pub fn on_threads<T: Sync, S: Default, R: Send, E: From<Stopped> + Send>(
    threads: usize,
    items: &[T],
    stop: &Stop,
    work: impl Fn(&T, &mut S) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(items.len())));
    let run = || -> Result<(), E> {
        let mut scratch = S::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { return Ok(()) };
            let done = stop.check().map_err(E::from).and_then(|()| work(item, &mut scratch));
            // The other threads find no more work.
            let done = done.inspect_err(|_| next.store(items.len(), Ordering::Relaxed))?;
            results.lock().unwrap_or_else(PoisonError::into_inner).push((number, done));
        }
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads.clamp(1, items.len().max(1))).map(|_| scope.spawn(run)).collect();
        handles.into_iter().try_for_each(|handle| match handle.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// The content of a file, and why it must be set aside if it changed since it was fetched.
///
/// # Errors
/// If it can't be read, which says nothing about the data.
pub fn hash(path: &Path, expected: Option<Digest>) -> Result<(Digest, Option<String>), FsError> {
    let sha256 = Digest::of_file(path).map_err(FsError::at("read", path))?;
    let damaged = expected
        .filter(|expected| *expected != sha256)
        .map(|expected| format!("damaged on this disk: its SHA-256 is {sha256}, it was {expected} when fetched"));
    Ok((sha256, damaged))
}

/// The reason to set aside a file that can't be read, if only this file is at fault: no permission, a broken link, or
/// not a plain file.
#[must_use]
pub fn why_unreadable(error: &io::Error, path: &Path) -> Option<String> {
    let is_link = || path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    if let Some(not_plain) = plain::not_plain_in(error) {
        return Some(not_plain.to_string());
    }
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            let user = access::process();
            Some(format!("can't be read: permission denied for user {user}; run `chmod a+rX {}`", path.display()))
        }
        io::ErrorKind::NotFound if is_link() => Some("it is a link to a file that does not exist; remove it".into()),
        _ if error.raw_os_error() == Some(libc::ELOOP) => {
            Some("it is a link that leads back to itself; remove it".into())
        }
        _ => None,
    }
}

/// The content of a plain file.
///
/// # Errors
/// If it can't be read, is no plain file, or is longer than that.
pub fn read_at_most(path: &Path, bytes: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    plain::open(path)?.take(bytes + 1).read_to_end(&mut content)?;
    if content.len() as u64 > bytes {
        let limit = units::bytes(bytes);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {limit}")));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Ended {
        Stopped,
        Bad(usize),
    }

    impl From<Stopped> for Ended {
        fn from(_: Stopped) -> Self {
            Self::Stopped
        }
    }

    fn squares(threads: usize, items: &[usize], bad: Option<usize>) -> Result<Vec<usize>, Ended> {
        on_threads(threads, items, &Stop::default(), |&item, seen: &mut Vec<usize>| {
            seen.push(item);
            if Some(item) == bad { Err(Ended::Bad(item)) } else { Ok(item * item) }
        })
    }

    #[test]
    fn results_come_in_the_order_of_the_work_whatever_the_threads() {
        let items: Vec<usize> = (0..100).collect();
        let expected: Vec<usize> = items.iter().map(|item| item * item).collect();
        for threads in [0, 1, 2, 7, 500] {
            assert_eq!(squares(threads, &items, None).unwrap(), expected, "{threads} threads");
        }
        assert_eq!(squares(3, &[], None), Ok(Vec::new()));
    }

    #[test]
    fn an_error_ends_the_work() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [1, 4] {
            assert_eq!(squares(threads, &items, Some(17)), Err(Ended::Bad(17)));
        }
    }

    #[test]
    fn a_file_that_changed_since_it_was_fetched_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, b"now").unwrap();
        let (now, then) = (Digest::of(b"now"), Digest::of(b"then"));
        assert_eq!(hash(&path, None).unwrap(), (now, None));
        assert_eq!(hash(&path, Some(now)).unwrap(), (now, None));
        assert!(hash(&path, Some(then)).unwrap().1.unwrap().starts_with("damaged on this disk: its SHA-256 is "));
        assert!(hash(&folder.path().join("b.png"), None).is_err());
    }
}
