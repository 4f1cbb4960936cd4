//! The copying thread: when it looks, how it handles failures, and how it ends.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::copy::{Copy, Left};
use super::error::MirrorTrouble;
use super::layout::{MANIFEST, RECORD};
use super::owner::Owner;
use super::plan::Scope;
use super::session::{Shared, Wish};
use super::{local, look};
use crate::data::mirror::{Cancel, PATIENCE, Remote, jitter};
use crate::train::checkpoint::CheckpointId;
use crate::util::retry::Backoff;
use crate::util::stop::Stop;

/// How often it looks at the folder of checkpoints.
const LOOK: Duration = Duration::from_millis(500);
/// How long other files may wait.
const ROUND: Duration = Duration::from_secs(30);
/// The shortest time between two checks of who owns the run.
const CHECK: Duration = Duration::from_secs(2);
/// Between two tries.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
    longest_demanded: Duration::from_secs(300),
    max_tries: u32::MAX,
    max_total: Duration::MAX,
};

/// Follows a run with its copy.
pub(super) struct Follower {
    shared: Arc<Shared>,
    remote: Remote,
    name: String,
    folder: PathBuf,
    damaged: BTreeSet<CheckpointId>,
    stop: Stop,
    /// `None` until the mirror has answered.
    copy: Option<Copy>,
    /// The checkpoints at the last complete round.
    seen: Vec<(CheckpointId, u64)>,
    next_round: Instant,
    last_check: Option<Instant>,
    /// The heartbeat of another worker that owned the run when we first asked.
    first_sign: Option<jiff::Timestamp>,
    trouble: Trouble,
}

/// What is wrong, and for how many tries.
#[derive(Default)]
struct Trouble {
    failed: u32,
    told: Option<&'static str>,
    last: Option<String>,
    /// A failure that no retry will change.
    is_final: bool,
}

impl Follower {
    pub(super) fn new(
        shared: Arc<Shared>,
        remote: Remote,
        (name, folder): (&str, &Path),
        damaged: BTreeSet<CheckpointId>,
        stop: Stop,
    ) -> Self {
        Self {
            shared,
            remote,
            name: name.to_owned(),
            folder: folder.to_owned(),
            damaged,
            stop,
            copy: None,
            seen: Vec::new(),
            next_round: Instant::now(),
            last_check: None,
            first_sign: None,
            trouble: Trouble::default(),
        }
    }

    /// Copies until it is asked to stop.
    pub(super) fn run(mut self) {
        loop {
            match self.shared.wish() {
                Wish::Follow => {
                    if self.is_due() {
                        self.round(Scope::Following, None);
                    }
                    self.shared.wait(Wish::Follow, LOOK);
                }
                Wish::Complete => {
                    if self.complete() {
                        break;
                    }
                }
                Wish::Newest(until) => {
                    self.round(Scope::Newest, Some(until));
                    break;
                }
                Wish::Leave => break,
            }
        }
        let problem = self.trouble.last.take();
        let left = self.left();
        let complete = left.names.is_empty();
        self.shared.end(left, problem.filter(|_| !complete));
        if let Some(owner) = self.shared.owner() {
            owner.release(&self.remote.bounded(&Cancel::default(), Some(Instant::now() + Duration::from_secs(2))));
        }
    }

    /// Whether there is something new: a checkpoint, or other files after a while.
    fn is_due(&self) -> bool {
        let waits = Instant::now() < self.next_round;
        let is_new = self.trouble.failed == 0 && self.checkpoints() != self.seen;
        !self.trouble.is_final && self.folder.join(RECORD).is_file() && (!waits || is_new)
    }

    /// The checkpoints by name, with the time at which they got it.
    fn checkpoints(&self) -> Vec<(CheckpointId, u64)> {
        let entries = std::fs::read_dir(self.folder.join("checkpoints")).into_iter().flatten().flatten();
        let complete = |entry: std::fs::DirEntry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let changed = entry.path().join(MANIFEST).metadata().ok()?.modified().ok()?;
            Some((id, changed.duration_since(std::time::UNIX_EPOCH).ok()?.as_nanos() as u64))
        };
        let mut found: Vec<_> = entries.filter_map(complete).collect();
        found.sort_unstable();
        found
    }

    /// Copies everything left. Returns whether that is done or hopeless.
    fn complete(&mut self) -> bool {
        if !self.folder.join(RECORD).is_file() {
            return true;
        }
        self.round(Scope::All, None);
        match self.trouble.failed {
            0 => self.copy.as_ref().is_none_or(|copy| copy.is_done(&self.folder)),
            _ if self.trouble.is_final => true,
            _ => {
                let wait = self.next_round.saturating_duration_since(Instant::now());
                self.shared.wait(Wish::Complete, wait.min(Duration::from_secs(10)));
                false
            }
        }
    }

    /// What is missing.
    fn left(&self) -> Left {
        let all = || Left { names: vec![self.name.clone()] };
        match &self.copy {
            _ if !self.folder.join(RECORD).is_file() => Left::default(),
            Some(copy) => copy.left(&self.folder).unwrap_or_else(|_| all()),
            None => all(),
        }
    }

    /// One round; a failure is reported once.
    fn round(&mut self, scope: Scope, until: Option<Instant>) {
        let seen = self.checkpoints();
        // The file that marks a run as finished is copied after all others, so nothing may wait then.
        let scope = if scope == Scope::Following && local::is_finished(&self.folder) { Scope::All } else { scope };
        let cancel = if until.is_some() { Cancel::default() } else { self.shared.cancel.clone() };
        let remote = self.remote.bounded(&cancel, until);
        match self.try_round(&remote, scope) {
            Ok(()) => {
                self.works();
                self.seen = seen;
                self.next_round = Instant::now() + ROUND;
            }
            Err(trouble) => self.failed(trouble, &cancel),
        }
    }

    fn try_round(&mut self, remote: &Remote, scope: Scope) -> Result<(), MirrorTrouble> {
        self.contact(remote)?;
        if self.last_check.is_none_or(|last| last.elapsed() >= CHECK) {
            if let Some(owner) = self.shared.owner()
                && let Some(other) = owner.check(remote)?
            {
                return Err(owner.taken(remote, &other));
            }
            self.last_check = Some(Instant::now());
        }
        match &mut self.copy {
            Some(copy) => Ok(copy.round(remote, &self.folder, scope, self.shared.as_ref())?),
            None => Ok(()),
        }
    }

    /// Claims the mirror if it did not answer at the start.
    fn contact(&mut self, remote: &Remote) -> Result<(), MirrorTrouble> {
        if self.copy.is_some() {
            return Ok(());
        }
        let remote = &match self.shared.owner() {
            Some(_) => remote.clone(),
            None => remote.bounded(&self.shared.cancel, Some(Instant::now() + PATIENCE)),
        };
        if self.shared.owner().is_none() {
            if let (Some(seen), Some(root)) = (look::run(remote, &self.name)?, self.folder.parent()) {
                look::check(remote, &self.name, &seen, root)?;
            }
            self.shared.own(Owner::claim(remote, &self.name, &self.folder)?);
            // It could not be asked when this run was resumed; nobody else changes it from now on.
            if let Some(seen) = look::run(remote, &self.name)?
                && seen.is_ahead_of(&self.folder)?
            {
                return Err(look::moved(remote, &self.name));
            }
        }
        self.copy = Some(Copy::begin(remote, &self.name, &self.damaged)?);
        Ok(())
    }

    fn works(&mut self) {
        let newest = self.copy.as_ref().and_then(Copy::newest);
        let upto = newest.map_or_else(String::new, |id| format!(", with the checkpoints up to {id}"));
        if self.trouble.told.is_some() {
            info!("the mirror {} works again: the copy is up to date{upto}", self.remote.shown());
        }
        self.trouble = Trouble::default();
    }

    fn failed(&mut self, trouble: MirrorTrouble, cancel: &Cancel) {
        // A dead worker leaves its last heartbeat; a live one sends more.
        let is_alive = match &trouble {
            MirrorTrouble::Held { sign, .. } => *self.first_sign.get_or_insert(*sign) != *sign,
            _ => false,
        };
        if is_alive || matches!(trouble, MirrorTrouble::Taken { .. } | MirrorTrouble::Moved { .. }) {
            self.trouble.is_final = true;
            return self.shared.lose(trouble, &self.stop);
        }
        if cancel.is_cancelled() {
            // Cancelled by this thread's owner.
            return;
        }
        self.trouble.is_final = matches!(trouble, MirrorTrouble::OtherRun { .. } | MirrorTrouble::InTheWay { .. });
        self.trouble.failed += 1;
        let kind = match &trouble {
            MirrorTrouble::Store(error) => error.kind(),
            _ => "run",
        };
        if self.trouble.told != Some(kind) {
            let then = match self.trouble.is_final {
                true => "nothing is copied there; training continues",
                false => "training continues, and copying is tried again",
            };
            warn!("{trouble}; {then}");
            self.trouble.told = Some(kind);
        }
        self.trouble.last = Some(trouble.to_string());
        let wait = BACKOFF.wait(self.trouble.failed, Duration::ZERO, None, jitter());
        self.next_round = Instant::now() + wait.unwrap_or(BACKOFF.longest);
    }
}
