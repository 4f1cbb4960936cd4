//! Whether the trainings on this machine, or in this container, make progress: found through `/proc`, without a
//! configuration and without leaving a trace. Not whether they train well, and not whether a process exists: the caller
//! knows that.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::train::run_folder::status::{State, Status};

/// The name of the program, as the kernel stores it.
const NAME: &str = "fragua";

/// The last heartbeat of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    /// The file that holds it.
    pub file: PathBuf,
    /// What it says.
    pub status: Status,
    /// How long ago it was given.
    pub age: Duration,
}

/// What there is to watch.
#[derive(Clone, Debug, PartialEq)]
pub enum Watched {
    /// Nothing, and why.
    Nothing(&'static str),
    /// The training with the oldest heartbeat.
    Training(Box<Sign>),
}

/// Looks at one process, or at all that this one can see.
#[must_use]
pub fn watch(only: Option<u32>) -> Watched {
    watch_in(Path::new("/proc"), std::process::id(), only)
}

fn watch_in(proc: &Path, own: u32, only: Option<u32>) -> Watched {
    let is_meant = |id: &u32| *id != own && only.is_none_or(|only| only == *id);
    let processes: Vec<u32> =
        numbers(proc).filter(|id| is_meant(id) && is_program(&proc.join(id.to_string()))).collect();
    if processes.is_empty() {
        return Watched::Nothing("no other fragua process runs here");
    }
    let booted = booted(proc);
    let signs = processes.iter().flat_map(|id| signs(&proc.join(id.to_string()), *id, booted));
    match signs.max_by_key(|sign| sign.age) {
        Some(sign) => Watched::Training(Box::new(sign)),
        None if processes.iter().all(|id| fs::read_dir(proc.join(format!("{id}/fd"))).is_err()) => {
            Watched::Nothing("fragua runs as another user, whose files can't be seen")
        }
        None => Watched::Nothing("fragua runs, but no training is in a run folder yet"),
    }
}

/// The entries of a folder that are numbers.
fn numbers(folder: &Path) -> impl Iterator<Item = u32> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a process is this program. Everybody can read its name, only its user the path of its file.
fn is_program(process: &Path) -> bool {
    let comm = fs::read_to_string(process.join("comm")).unwrap_or_default();
    let file = fs::read_link(process.join("exe")).unwrap_or_default();
    let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    comm.trim_end() == NAME || file.trim_end_matches(" (deleted)") == NAME
}

/// The heartbeats in the run folders that a process has locked: those whose lock file it has open. A data folder is
/// locked in the same way, but has no status. A status written by another process belongs to a run that is just being
/// resumed.
fn signs(process: &Path, id: u32, booted: Option<SystemTime>) -> Vec<Sign> {
    let began = booted.and_then(|booted| began(process, booted));
    let opened = numbers(&process.join("fd")).filter_map(|fd| fs::read_link(process.join(format!("fd/{fd}"))).ok());
    let folders = opened.filter(|path| path.file_name().is_some_and(|name| name == ".lock"));
    let sign = |lock: PathBuf| {
        let file = lock.with_file_name("status.json");
        let written = fs::metadata(&file).and_then(|found| found.modified()).ok()?;
        let status = Status::read(&file).filter(|status| status.process.is_none_or(|by| by == id))?;
        // In a container a program has the same number at every start: the heartbeat of an earlier one does not count
        // for this one.
        if began.is_some_and(|began| written < began) {
            return None;
        }
        // A clock that was set back makes it fresh.
        let age = SystemTime::now().duration_since(written).unwrap_or_default();
        let age = if is_over(&status) { Duration::ZERO } else { age };
        Some(Sign { file, status, age })
    };
    folders.filter_map(sign).collect()
}

/// When the machine was started.
fn booted(proc: &Path) -> Option<SystemTime> {
    let stat = fs::read_to_string(proc.join("stat")).ok()?;
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// When a process started, to the second and rather too early: the kernel counts in ticks from a rounded start.
fn began(process: &Path, booted: SystemTime) -> Option<SystemTime> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name is in parentheses and may hold anything; the fields behind it are counted from 3.
    let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(22 - 3)?.parse().ok()?;
    let seconds = ticks / rustix::param::clock_ticks_per_second().max(1);
    Some(booted + Duration::from_secs(seconds.saturating_sub(2)))
}

/// Whether training has ended. Its process may still copy to a mirror, which has its own limit.
fn is_over(status: &Status) -> bool {
    status.state != State::Running && ["train", "evaluate", "done"].contains(&status.stage.as_str())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A process table with a process of this number and name, which has these locks open.
    fn process(proc: &Path, id: u32, name: &str, locks: &[PathBuf]) {
        let folder = proc.join(id.to_string());
        fs::create_dir_all(folder.join("fd")).unwrap();
        fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
        symlink(format!("/usr/bin/{name} (deleted)"), folder.join("exe")).unwrap();
        symlink("/dev/null", folder.join("fd/0")).unwrap();
        locks.iter().enumerate().for_each(|(fd, lock)| symlink(lock, folder.join(format!("fd/{}", fd + 3))).unwrap());
    }

    /// A run folder whose status this process wrote this long ago.
    fn run(root: &Path, name: &str, by: u32, age: Duration) -> PathBuf {
        let folder = root.join(name);
        fs::create_dir(&folder).unwrap();
        let status = Status { stage: name.into(), process: Some(by), ..Status::default() };
        status.write(&folder.join("status.json")).unwrap();
        let file = fs::File::options().write(true).open(folder.join("status.json")).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
        folder.join(".lock")
    }

    #[test]
    fn the_oldest_heartbeat_is_found_whatever_its_process() {
        let (proc, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let second = Duration::from_secs(1);
        process(proc.path(), 1, "tini", &[]);
        process(proc.path(), 7, NAME, &[run(root.path(), "quick", 7, second), root.path().join("data/.lock")]);
        process(proc.path(), 8, NAME, &[run(root.path(), "slow", 8, second * 700)]);
        process(proc.path(), 9, NAME, &[run(root.path(), "of-others", 4, second * 9000)]);
        process(proc.path(), 10, "vim", &[run(root.path(), "edited", 10, second * 9000)]);
        let Watched::Training(sign) = watch_in(proc.path(), 99, None) else { panic!("nothing was found") };
        assert_eq!((sign.status.stage.as_str(), sign.age.as_secs()), ("slow", 700));
        let Watched::Training(sign) = watch_in(proc.path(), 8, None) else { panic!("nothing was found") };
        assert_eq!(sign.status.stage, "quick", "it does not watch itself");
        let Watched::Training(sign) = watch_in(proc.path(), 99, Some(7)) else { panic!("nothing was found") };
        assert_eq!(sign.status.stage, "quick");
    }

    #[test]
    fn a_clock_that_was_set_back_is_not_unhealthy() {
        let (proc, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let lock = run(root.path(), "ahead", 7, Duration::ZERO);
        let file = fs::File::options().write(true).open(lock.with_file_name("status.json")).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(5000)).unwrap();
        process(proc.path(), 7, NAME, &[lock]);
        let Watched::Training(sign) = watch_in(proc.path(), 99, None) else { panic!("nothing was found") };
        assert_eq!(sign.age, Duration::ZERO);
    }

    #[test]
    fn what_an_earlier_start_of_the_same_number_has_left_is_no_sign() {
        let (proc, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        process(proc.path(), 7, NAME, &[run(root.path(), "killed", 7, Duration::from_secs(5000))]);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        fs::write(proc.path().join("stat"), format!("cpu 1 2 3\nbtime {}\n", now - 10_000)).unwrap();
        let began = |seconds_ago: u64| {
            let ticks = (10_000 - seconds_ago) * rustix::param::clock_ticks_per_second();
            let fields = "S 1 7 7 0 -1 4194560 9 0 0 0 1 2 0 0 20 0 9 0";
            fs::write(proc.path().join("7/stat"), format!("7 (a ) b) {fields} {ticks} 1 2\n")).unwrap();
            watch_in(proc.path(), 99, None)
        };
        assert!(matches!(began(6000), Watched::Training(_)));
        assert!(matches!(began(60), Watched::Nothing(_)));
    }

    #[test]
    fn a_training_that_has_ended_owes_no_sign_of_life() {
        let (proc, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let lock = run(root.path(), "done", 7, Duration::from_secs(5000));
        let file = lock.with_file_name("status.json");
        process(proc.path(), 7, NAME, &[lock]);
        let age = |state| {
            let modified = fs::metadata(&file).unwrap().modified().unwrap();
            Status { state, ..Status::read(&file).unwrap() }.write(&file).unwrap();
            fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
            let Watched::Training(sign) = watch_in(proc.path(), 99, None) else { panic!("nothing was found") };
            sign.age.as_secs()
        };
        assert_eq!((age(State::Finished), age(State::Running)), (0, 5000));
    }

    #[test]
    fn if_there_is_nothing_to_watch_the_reason_is_given() {
        let proc = tempfile::tempdir().unwrap();
        let why = || match watch_in(proc.path(), 99, None) {
            Watched::Nothing(why) => why,
            Watched::Training(sign) => panic!("{sign:?}"),
        };
        process(proc.path(), 99, NAME, &[]);
        assert_eq!(why(), "no other fragua process runs here");
        process(proc.path(), 7, NAME, &["/nowhere/.lock".into()]);
        assert_eq!(why(), "fragua runs, but no training is in a run folder yet");
        fs::remove_dir_all(proc.path().join("7/fd")).unwrap();
        assert_eq!(why(), "fragua runs as another user, whose files can't be seen");
    }
}
