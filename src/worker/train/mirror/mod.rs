//! Copies of a run off this machine: a start looks for the run there, restores it from there, follows it while it
//! trains, and copies the rest at its end.
//!
//! ```text
//! look      the content of the mirror at a start
//! owner     which worker copies to a run
//! restore   downloads a run from the mirror
//! layout    the files of a run folder that are copied, and when
//! local     the content of a run folder now
//! plan      what to do: pure
//! copy      one round of copying
//! inventory the files of a finished run there, with their digests
//! follow    round after round, on a thread
//! session   that thread, as training sees it
//! ```
//!
//! Every file of a checkpoint is verified in the mirror before its manifest is uploaded, and again against the manifest
//! when it is restored; [`crate::data::mirror`] says how. Other files are hashed to find what changed. At every moment,
//! the mirror can be resumed from its newest complete checkpoint: what a checkpoint needs is uploaded before it, and
//! older ones are deleted only after it. Before each write, this worker checks that no other worker has taken over the
//! run.

mod copy;
mod error;
mod follow;
mod inventory;
mod layout;
mod local;
mod look;
mod owner;
mod plan;
mod restore;
mod session;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tracing::{info, warn};

pub use self::error::MirrorTrouble;
use self::look::Seen;
use self::owner::Owner;
use self::restore::Held;
pub use self::session::Copied;
pub(super) use self::session::{End, Session};
use crate::config::Config;
use crate::data::mirror::{Cancel, PATIENCE, Remote};
use crate::train::checkpoint::CheckpointId;
use crate::train::run_folder::RunFolder;
use crate::train::run_folder::decision::{Decision, Existing};
use crate::util::surroundings::Surroundings;
use crate::util::units;

/// After a signal, a run is released within this time, or its claim becomes stale.
const AFTER_A_SIGNAL: Duration = Duration::from_secs(2);
/// How soon a signal is noticed.
const TICK: Duration = Duration::from_millis(50);

/// The mirror at a start.
pub(super) struct Mirror<'a> {
    remote: Remote,
    root: PathBuf,
    around: &'a Surroundings<'a>,
    seen: RefCell<BTreeMap<String, Seen>>,
    /// Why it could not be asked.
    silence: Option<String>,
    is_silence_told: Cell<bool>,
    claim: RefCell<Option<(String, Owner)>>,
    damaged: RefCell<BTreeSet<CheckpointId>>,
    restored: RefCell<BTreeSet<String>>,
}

impl<'a> Mirror<'a> {
    /// Looks at the mirror, if there is one. No answer is not an error yet: the run may be on this machine.
    pub(super) fn open(config: &Config, around: &'a Surroundings<'a>) -> Result<Option<Self>, MirrorTrouble> {
        // A malformed address is reported when the configuration is read.
        let Ok(Some(address)) = config.output.mirror_address() else { return Ok(None) };
        let remote = Remote::open(&address)?;
        let asked = remote.bounded(&Cancel::on(around.stop), Some(Instant::now() + PATIENCE));
        let looked = look::family(&asked, &config.name);
        around.stop.check()?;
        let (seen, silence) = match looked {
            Ok(seen) => (seen, None),
            Err(trouble) if look::is_passing(&trouble) => (BTreeMap::new(), Some(trouble.to_string())),
            Err(trouble) => return Err(trouble),
        };
        Ok(Some(Self {
            remote,
            root: config.output.root.clone(),
            around,
            seen: RefCell::new(seen),
            silence,
            is_silence_told: Cell::new(false),
            claim: RefCell::new(None),
            damaged: RefCell::default(),
            restored: RefCell::default(),
        }))
    }

    /// The runs here and there, as a start decides about them.
    pub(super) fn join(&self, here: Vec<Existing>) -> Result<Vec<Existing>, MirrorTrouble> {
        look::join(here, &self.seen.borrow(), &self.root)
    }

    /// Does what a decision needs from the mirror. Returns whether a run was restored, so that the start must decide
    /// again.
    ///
    /// # Errors
    /// If the run there is another one, is in use or can't be restored, or if it is unknown what is there.
    pub(super) fn follow(&self, decision: &Decision) -> Result<bool, MirrorTrouble> {
        let (name, is_new) = match decision {
            Decision::New { name } => (name, true),
            Decision::Resume { name, .. } | Decision::AlreadyDone { name, .. } => (name, false),
        };
        if let Some(problem) = &self.silence {
            if is_new {
                return Err(MirrorTrouble::Unknown { name: name.clone(), problem: problem.clone() });
            }
            if !self.is_silence_told.replace(true) {
                warn!("{problem}; the run is on this machine and continues without it, and copying is tried again");
            }
            return Ok(false);
        }
        let Some(seen) = self.seen.borrow().get(name).cloned() else { return Ok(false) };
        let folder = self.root.join(name);
        look::check(&self.remote, name, &seen, &self.root)?;
        if seen.record.is_none() || folder.join(layout::RECORD).is_file() && !seen.is_ahead_of(&folder)? {
            return Ok(false);
        }
        // Locks the folder here first: another worker of this machine must not lose the mirror to a start that fails.
        let Some(held) = Held::take(&self.root, name)? else { return Ok(true) };
        if self.claim(name)? {
            return Ok(true);
        }
        let restored = restore::restore(&self.remote, name, &held, self.around)?;
        self.seen.borrow_mut().remove(name);
        if restored.damaged.is_empty() && restored.lost.is_empty() {
            self.restored.borrow_mut().insert(name.clone());
        }
        self.damaged.borrow_mut().extend(restored.damaged);
        Ok(true)
    }

    /// Claims a run, so that no other worker changes it. Returns whether it has changed since we looked.
    fn claim(&self, name: &str) -> Result<bool, MirrorTrouble> {
        if self.claim.borrow().as_ref().is_some_and(|(claimed, _)| claimed == name) {
            return Ok(false);
        }
        self.release();
        let owner = self.claim_when_it_is_free(name)?;
        *self.claim.borrow_mut() = Some((name.to_owned(), owner));
        let remote = self.remote.bounded(&Cancel::on(self.around.stop), Some(Instant::now() + PATIENCE));
        let now = look::run(&remote, name);
        self.around.stop.check()?;
        let (now, mut seen) = (now?, self.seen.borrow_mut());
        let before = match &now {
            Some(now) => seen.insert(name.to_owned(), now.clone()),
            None => seen.remove(name),
        };
        Ok(match (before, now) {
            (Some(before), Some(now)) => !before.is_as(&now),
            (before, now) => before.is_none() != now.is_none(),
        })
    }

    /// A worker that died, perhaps with its machine, leaves its last heartbeat: wait until that is too old. If another
    /// one arrives meanwhile, the worker is alive.
    fn claim_when_it_is_free(&self, name: &str) -> Result<Owner, MirrorTrouble> {
        let (began, mut first, mut is_told) = (Instant::now(), None, false);
        loop {
            let remote = self.remote.bounded(&Cancel::on(self.around.stop), Some(Instant::now() + PATIENCE));
            let claimed = Owner::claim(&remote, name, &self.root.join(name));
            self.around.stop.check()?;
            match claimed {
                Err(MirrorTrouble::Held { sign, host, stale, .. })
                    if *first.get_or_insert(sign) == sign && began.elapsed() < 2 * owner::patience() =>
                {
                    if !std::mem::replace(&mut is_told, true) {
                        info!(
                            "{host} may still be at work on {name} in the mirror: waiting up to {} for a heartbeat",
                            units::duration(stale)
                        );
                    }
                    self.wait_for(&format!("whether {host} is still at work on {name}"))?;
                }
                claimed => return claimed,
            }
        }
    }

    /// A fraction of the interval between two heartbeats.
    fn wait_for(&self, reason: &str) -> Result<(), MirrorTrouble> {
        let until = Instant::now() + owner::interval() / 6;
        self.around.progress.waits(reason);
        while Instant::now() < until {
            self.around.stop.check()?;
            std::thread::sleep(TICK);
        }
        Ok(())
    }

    fn release(&self) {
        if let Some((_, owner)) = self.claim.borrow_mut().take() {
            let time = if self.around.stop.check().is_ok() { PATIENCE } else { AFTER_A_SIGNAL };
            owner.release(&self.remote.bounded(&Cancel::default(), Some(Instant::now() + time)));
        }
    }

    /// Follows a run from here on.
    ///
    /// # Errors
    /// If another worker copies there, or nothing may be written there.
    pub(super) fn accompany(&self, folder: &Path) -> Result<Session, MirrorTrouble> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match self.silence.as_ref().map_or_else(|| self.claim(&name), |_| Ok(false)) {
            Ok(true) => return Err(look::moved(&self.remote, &name)),
            // The run is on this machine, so it continues.
            Err(trouble) if look::is_passing(&trouble) && folder.join(layout::RECORD).is_file() => {
                warn!("{trouble}; copying is tried again");
            }
            claimed => drop(claimed?),
        }
        let owner = self.claim.borrow_mut().take().map(|(_, owner)| owner);
        let damaged = self.damaged.take();
        Session::start(self.remote.clone(), (&name, folder), owner, damaged, self.around.stop)
    }

    /// Makes sure that all of a finished run is in the mirror.
    pub(super) fn complete(&self, folder: &Path) -> Option<Copied> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_level = self.seen.borrow().get(&name).is_some_and(|seen| seen.is_level_with(folder));
        let is_level = is_level && look::has_all(&self.remote, &name, folder).unwrap_or(false);
        let mirror = self.remote.shown().to_owned();
        if let Some(problem) = &self.silence {
            let problem = Some(problem.clone());
            return Some(Copied { mirror, complete: false, missing: vec!["an unknown part".into()], problem });
        }
        if is_level || self.restored.borrow().contains(&name) {
            return Some(Copied { mirror, complete: true, missing: Vec::new(), problem: None });
        }
        let held = RunFolder::open(folder).map_err(MirrorTrouble::from);
        let copied = held.and_then(|_held| self.accompany(folder)?.finish(End::ByItself, self.around));
        match copied {
            Ok(copied) => Some(copied),
            Err(trouble) => {
                warn!("{trouble}");
                Some(Copied { mirror, complete: false, missing: vec![name], problem: Some(trouble.to_string()) })
            }
        }
    }
}

impl Drop for Mirror<'_> {
    fn drop(&mut self) {
        self.release();
    }
}
