//! Recorders of a run: a keeper that keeps every snapshot, and a listener that keeps every event.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::train::checkpoint::{CheckpointError, Snapshot};
use crate::train::engine::saving::Keeper;
use crate::train::events::{self, Event, Observer};
use crate::train::run_folder::RunError;
use crate::util::stop::Stop;

/// Keeps every snapshot in memory.
#[derive(Clone, Default)]
pub(in crate::train::engine) struct Kept(pub(in crate::train::engine) Rc<RefCell<Vec<Snapshot>>>);

impl Keeper for Kept {
    fn is_busy(&self) -> bool {
        false
    }

    fn save(&mut self, snapshot: Arc<Snapshot>) -> Result<(), CheckpointError> {
        self.0.borrow_mut().push(Arc::unwrap_or_clone(snapshot));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), CheckpointError> {
        Ok(())
    }
}

impl Kept {
    pub(in crate::train::engine) fn last(&self) -> Snapshot {
        self.0.borrow().last().unwrap().clone()
    }
}

/// Records everything, and asks to stop when a given event occurs.
#[derive(Clone)]
pub(in crate::train::engine) struct Heard {
    pub(in crate::train::engine) events: Rc<RefCell<Vec<Event>>>,
    pub(super) stop: Stop,
    pub(super) stops_at: fn(&Event, u64) -> bool,
    pub(super) number: u64,
}

impl Observer for Heard {
    fn observe(&mut self, event: &Event) -> Result<events::Heard, RunError> {
        self.events.borrow_mut().push(event.clone());
        if (self.stops_at)(event, self.number) {
            self.stop.request();
        }
        Ok(events::Heard::Ignored)
    }
}
