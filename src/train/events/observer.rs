//! Event listeners: how they get events, and what happens if one fails. What each of them does is in `observe`.

use super::Event;
use crate::train::run_folder::RunError;

/// What a listener did with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It wrote everything that it had to write: an earlier failure is repaired.
    Wrote,
    /// It wrote nothing, or nothing that repairs an earlier failure.
    Ignored,
}

/// An event listener.
pub trait Observer {
    /// Receives an event. A failure does not stop training; it is reported at its end.
    ///
    /// # Errors
    /// If something can't be written.
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError>;

    /// Does slow work that is not needed for every event: called when all events so far were received.
    ///
    /// # Errors
    /// As [`Self::observe`].
    fn settle(&mut self) -> Result<Heard, RunError> {
        Ok(Heard::Ignored)
    }

    /// Receives an event and settles at once.
    ///
    /// # Errors
    /// As [`Self::observe`].
    fn tell(&mut self, event: &Event) -> Result<Heard, RunError> {
        let heard = self.observe(event)?;
        let settled = self.settle()?;
        Ok(if settled == Heard::Ignored { heard } else { settled })
    }

    /// Waits for work in progress. No event follows.
    ///
    /// # Errors
    /// The failure that was not repaired.
    fn finish(&mut self) -> Result<(), RunError> {
        Ok(())
    }
}

impl<O: Observer + ?Sized> Observer for Box<O> {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        (**self).observe(event)
    }

    fn settle(&mut self) -> Result<Heard, RunError> {
        (**self).settle()
    }

    fn finish(&mut self) -> Result<(), RunError> {
        (**self).finish()
    }
}

/// All event listeners.
#[derive(Default)]
pub struct Observers {
    list: Vec<Listener>,
}

struct Listener {
    observer: Box<dyn Observer>,
    /// Its last failure, until it writes a later event; events that it ignores don't count.
    failed: Option<RunError>,
}

impl Observers {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, observer: impl Observer + 'static) -> Self {
        self.list.push(Listener { observer: Box::new(observer), failed: None });
        self
    }

    /// Sends an event to all, and lets them settle.
    pub fn tell(&mut self, event: &Event) {
        self.list.iter_mut().for_each(|listener| listener.take_in(|observer| observer.tell(event)));
    }

    /// Sends an event to all; they settle later.
    pub fn hear(&mut self, event: &Event) {
        self.list.iter_mut().for_each(|listener| listener.take_in(|observer| observer.observe(event)));
    }

    /// Lets all of them do their slow work.
    pub fn settle(&mut self) {
        self.list.iter_mut().for_each(|listener| listener.take_in(|observer| observer.settle()));
    }

    /// Waits for all of them.
    ///
    /// # Errors
    /// The first failure that was not repaired.
    pub fn finish(&mut self) -> Result<(), RunError> {
        let finish = |listener: &mut Listener| listener.observer.finish().err().or(listener.failed.take());
        // All of them, even if one fails.
        let failed: Vec<_> = self.list.iter_mut().filter_map(finish).collect();
        failed.into_iter().next().map_or(Ok(()), Err)
    }
}

impl Listener {
    fn take_in(&mut self, tell: impl FnOnce(&mut dyn Observer) -> Result<Heard, RunError>) {
        match tell(self.observer.as_mut()) {
            Ok(Heard::Ignored) => {}
            Ok(Heard::Wrote) => self.failed = None,
            Err(error) => {
                if self.failed.is_none() {
                    tracing::warn!("{error}; training continues");
                }
                self.failed = Some(error);
            }
        }
    }
}
