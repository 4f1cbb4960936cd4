//! Copying during training. One thread copies, another one sends heartbeats to the mirror; training waits for neither.
//! A failing mirror is reported once, retried with growing waits, and reported again when it works again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing::{info, warn};

use super::copy::{Left, Watch};
use super::error::MirrorTrouble;
use super::follow::Follower;
use super::layout::RECORD;
use super::owner::{Owner, interval};
use crate::data::mirror::{Cancel, MirrorError, Remote};
use crate::train::checkpoint::CheckpointId;
use crate::util::fs::FsError;
use crate::util::progress::{Stage, Unit};
use crate::util::stop::Stop;
use crate::util::surroundings::Surroundings;
use crate::util::units;

/// After a signal, this much time is left for the newest checkpoint: its sender may kill the process after ten seconds.
const AFTER_A_SIGNAL: Duration = Duration::from_secs(3);
/// At the end of a run, copying is given up if nothing has moved for this long.
const PATIENCE: Duration = Duration::from_secs(300);
/// The environment variable that changes it, in seconds.
const PATIENCE_VARIABLE: &str = "FRAGUA_MIRROR_PATIENCE_SECONDS";
/// The shortest time between two checks of who owns the run.
const CHECK: Duration = Duration::from_secs(2);
/// How often the end looks at the copy.
const TICK: Duration = Duration::from_millis(25);
/// At most this many names are reported one by one.
const MOST_NAMED: usize = 6;

/// The result of copying a run.
#[derive(Clone, Debug, Serialize)]
pub struct Copied {
    /// The mirror.
    pub mirror: String,
    /// Whether all of the run is there.
    pub complete: bool,
    /// What is missing, by name.
    pub missing: Vec<String>,
    /// Why, if something failed.
    pub problem: Option<String>,
}

/// The request to the copying thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Follow the run.
    Follow,
    /// Copy what is left, then end.
    Complete,
    /// Copy the newest checkpoint within a time limit, then end.
    Newest(Instant),
    /// Stop at once.
    Leave,
}

/// The state shared by both sides.
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Cancels what the copying thread waits for.
    pub(super) cancel: Cancel,
    planned: AtomicU64,
    done: AtomicU64,
    /// When the owner of the run was last checked.
    last_check: Mutex<Option<Instant>>,
}

struct State {
    wish: Wish,
    owner: Option<Arc<Owner>>,
    taken: Option<MirrorTrouble>,
    end: Option<(Left, Option<String>)>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wish(&self) -> Wish {
        self.state().wish
    }

    fn ask(&self, wish: Wish) {
        self.state().wish = wish;
        self.changed.notify_all();
    }

    /// Waits for a time, or until the request changes.
    pub(super) fn wait(&self, wish: Wish, time: Duration) {
        let waited = self.changed.wait_timeout_while(self.state(), time, |state| state.wish == wish);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn owner(&self) -> Option<Arc<Owner>> {
        self.state().owner.clone()
    }

    pub(super) fn own(&self, owner: Owner) {
        self.state().owner = Some(Arc::new(owner));
    }

    /// Another worker has taken over the run: copying ends here, and training at its next chance.
    pub(super) fn lose(&self, trouble: MirrorTrouble, stop: &Stop) {
        let mut state = self.state();
        if state.taken.is_none() {
            warn!("{trouble}");
            state.taken = Some(trouble);
        }
        state.wish = Wish::Leave;
        drop(state);
        self.changed.notify_all();
        // No pending write may overwrite what the other worker writes.
        self.cancel.cancel();
        stop.request();
    }

    pub(super) fn end(&self, left: Left, problem: Option<String>) {
        self.state().end = Some((left, problem));
        self.changed.notify_all();
    }
}

impl Watch for Shared {
    fn may_go_on(&self, remote: &Remote) -> Result<(), MirrorError> {
        let mut last = self.last_check.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < CHECK) {
            return Ok(());
        }
        if let Some(owner) = self.owner()
            && owner.check(remote)?.is_some()
        {
            return Err(MirrorError::Changed { mirror: remote.shown().to_owned(), object: owner.object() });
        }
        *last = Some(Instant::now());
        Ok(())
    }

    fn planned(&self, bytes: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.planned.store(bytes, Ordering::Relaxed);
    }

    fn done(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// The copying of one run, from before its data is prepared to its end.
pub(in crate::worker::train) struct Session {
    shared: Arc<Shared>,
    remote: Remote,
    folder: PathBuf,
    threads: Vec<std::thread::JoinHandle<()>>,
}

/// How the run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::worker::train) enum End {
    /// By itself, well or not: there is time.
    ByItself,
    /// By a signal, so there is no time.
    BySignal,
}

impl Session {
    /// Starts copying. Without an owner, the mirror did not answer yet: the thread asks it again.
    pub(super) fn start(
        remote: Remote,
        run: (&str, &Path),
        owner: Option<Owner>,
        damaged: std::collections::BTreeSet<CheckpointId>,
        stop: &Stop,
    ) -> Result<Self, MirrorTrouble> {
        let state = State { wish: Wish::Follow, owner: owner.map(Arc::new), taken: None, end: None };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            cancel: Cancel::default(),
            planned: AtomicU64::new(0),
            done: AtomicU64::new(0),
            last_check: Mutex::default(),
        });
        let follower = Follower::new(Arc::clone(&shared), remote.clone(), run, damaged, stop.clone());
        let (beats, at, signal) = (Arc::clone(&shared), remote.clone(), stop.clone());
        let folder: PathBuf = run.1.into();
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.into()).spawn(work);
            thread.map_err(FsError::at("start a thread for", &folder))
        };
        let copying = spawn("mirror", Box::new(move || follower.run()))?;
        let beating = spawn("mirror-owner", Box::new(move || beat(&beats, &at, &signal)))?;
        Ok(Self { shared, remote, folder, threads: vec![copying, beating] })
    }

    /// Waits while the rest is copied, as long as there is progress; after a signal only briefly, for the newest
    /// checkpoint. Then reports what is missing.
    ///
    /// # Errors
    /// [`MirrorTrouble::Taken`] if another worker has taken over.
    pub(in crate::worker::train) fn finish(self, end: End, around: &Surroundings<'_>) -> Result<Copied, MirrorTrouble> {
        if let Some(trouble) = self.shared.state().taken.take() {
            return Err(trouble);
        }
        let (left, problem) = self.wait_for_the_copy(end, around);
        if let Some(trouble) = self.shared.state().taken.take() {
            return Err(trouble);
        }
        let mirror = self.remote.shown().to_owned();
        let copied =
            Copied { mirror, complete: left.names.is_empty() && problem.is_none(), missing: left.names, problem };
        if self.folder.join(RECORD).is_file() {
            copied.tell(end);
        }
        Ok(copied)
    }

    fn wait_for_the_copy(&self, end: End, around: &Surroundings<'_>) -> (Left, Option<String>) {
        let patience = patience();
        let mut deadline = None;
        match end {
            End::ByItself => self.shared.ask(Wish::Complete),
            End::BySignal => deadline = Some(self.cut(AFTER_A_SIGNAL)),
        }
        let bar = around.progress;
        let (began, mut is_shown) = (Instant::now(), false);
        let (mut moved, mut since) = (self.remote.moved(), Instant::now());
        loop {
            if let Some((left, problem)) = self.shared.state().end.take() {
                if is_shown {
                    let [done, planned] = [&self.shared.done, &self.shared.planned]
                        .map(|count| units::bytes(count.load(Ordering::Relaxed)));
                    bar.end(&format!("copied {done} of {planned} to the mirror {}", self.remote.shown()));
                }
                return (left, problem);
            }
            if deadline.is_some_and(|deadline| Instant::now() > deadline + Duration::from_secs(1)) {
                return (
                    Left { names: vec!["what changed last".into()] },
                    Some("the mirror did not answer in time".into()),
                );
            }
            if deadline.is_none() {
                if std::mem::replace(&mut moved, self.remote.moved()) != moved {
                    since = Instant::now();
                }
                if around.stop.check().is_err() {
                    deadline = Some(self.cut(AFTER_A_SIGNAL));
                } else if since.elapsed() >= patience {
                    deadline = Some(self.cut(Duration::ZERO));
                }
            }
            // What takes no time needs no line.
            let planned = self.shared.planned.load(Ordering::Relaxed);
            if !is_shown && began.elapsed() > Duration::from_secs(1) && planned > 0 {
                is_shown = true;
                bar.begin(Stage::Copy, Some(planned), Unit::BYTES);
            }
            if is_shown {
                bar.set_total(planned);
                bar.set_position(self.shared.done.load(Ordering::Relaxed));
            }
            std::thread::sleep(TICK);
        }
    }

    /// Cancels the current call and leaves this much time for the newest checkpoint.
    fn cut(&self, time: Duration) -> Instant {
        let until = Instant::now() + time;
        self.shared.ask(if time.is_zero() { Wish::Leave } else { Wish::Newest(until) });
        self.shared.cancel.cancel();
        until
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.ask(Wish::Leave);
        self.shared.cancel.cancel();
        let until = Instant::now() + AFTER_A_SIGNAL;
        while self.threads.iter().any(|thread| !thread.is_finished()) && Instant::now() < until {
            std::thread::sleep(TICK);
        }
    }
}

impl Copied {
    /// Says clearly if the copy is not complete.
    fn tell(&self, end: End) {
        let names = match self.missing.len() {
            0 => "what changed last".to_owned(),
            count if count > MOST_NAMED => {
                format!("{} and {} more", self.missing[..MOST_NAMED].join(", "), count - MOST_NAMED)
            }
            _ => self.missing.join(", "),
        };
        let why = self.problem.as_ref().map_or_else(String::new, |problem| format!(" ({problem})"));
        match (self.complete, end) {
            (true, _) => info!("the mirror {} holds a complete copy", self.mirror),
            (false, End::BySignal)
                if self.missing.iter().all(|name| name.contains('.') && !name.starts_with("checkpoints/")) =>
            {
                info!("the mirror {} holds the newest checkpoint; the next start copies {names}", self.mirror);
            }
            (false, End::BySignal) => {
                info!("there was no time to copy {names} to the mirror {}{why}; the next start copies it", self.mirror);
            }
            (false, End::ByItself) => warn!(
                "THE COPY IN THE MIRROR {} IS INCOMPLETE: {names} is only on this machine{why}; run the same command again \
                 before you give this machine up",
                self.mirror
            ),
        }
    }
}

fn patience() -> Duration {
    let set = std::env::var(PATIENCE_VARIABLE).ok().and_then(|text| text.parse().ok());
    set.map_or(PATIENCE, Duration::from_secs)
}

/// Sends heartbeats until copying ends.
fn beat(shared: &Shared, remote: &Remote, stop: &Stop) {
    let mut last = Instant::now();
    loop {
        let state = shared.changed.wait_timeout(shared.state(), Duration::from_secs(1));
        let (state, _) = state.unwrap_or_else(PoisonError::into_inner);
        if state.end.is_some() || state.wish == Wish::Leave || matches!(state.wish, Wish::Newest(_)) {
            return;
        }
        let owner = state.owner.clone();
        drop(state);
        if let Some(owner) = owner.filter(|_| last.elapsed() >= interval()) {
            last = Instant::now();
            let at = remote.bounded(&shared.cancel, Some(last + interval() / 2));
            match owner.beat(&at) {
                Ok(None) => {}
                Ok(Some(other)) => return shared.lose(owner.taken(remote, &other), stop),
                // The copying thread reports what is wrong with the mirror.
                Err(error) => tracing::debug!("no heartbeat: {error}"),
            }
        }
    }
}
