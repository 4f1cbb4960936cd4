//! Listeners: what they do with an event, and what becomes of their failures. What each of them does is in `observe`.

use super::Event;
use crate::train::run_folder::RunError;

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something was written, and nothing is left to be written: this makes good for what failed before.
    Wrote,
    /// Nothing was written, or nothing that could make good for a failure.
    Ignored,
}

/// Somebody who listens.
pub trait Observer {
    /// Hears what happened. What goes wrong here is no reason to stop training, but is told at its end.
    ///
    /// # Errors
    /// Where something can't be written.
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError>;

    /// Does what takes long and need not be done for each event: called when all that has happened by now was heard.
    ///
    /// # Errors
    /// As [`Self::observe`].
    fn settle(&mut self) -> Result<Heard, RunError> {
        Ok(Heard::Ignored)
    }

    /// Hears an event and settles at once.
    ///
    /// # Errors
    /// As [`Self::observe`].
    fn tell(&mut self, event: &Event) -> Result<Heard, RunError> {
        let heard = self.observe(event)?;
        let settled = self.settle()?;
        Ok(if settled == Heard::Ignored { heard } else { settled })
    }

    /// Waits for what is still being done. Nothing is told after this.
    ///
    /// # Errors
    /// What can't be written to the last.
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

/// All who listen.
#[derive(Default)]
pub struct Observers {
    list: Vec<Listener>,
}

struct Listener {
    observer: Box<dyn Observer>,
    /// What it failed with last, until a later event was written: one that it has nothing to do with makes good for nothing.
    failed: Option<RunError>,
}

impl Observers {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, observer: impl Observer + 'static) -> Self {
        self.list.push(Listener { observer: Box::new(observer), failed: None });
        self
    }

    /// Tells all of them, and lets them settle.
    pub fn tell(&mut self, event: &Event) {
        self.list.iter_mut().for_each(|listener| listener.take_in(|observer| observer.tell(event)));
    }

    /// Tells all of them; they settle later.
    pub fn hear(&mut self, event: &Event) {
        self.list.iter_mut().for_each(|listener| listener.take_in(|observer| observer.observe(event)));
    }

    /// Lets all of them do what takes long.
    pub fn settle(&mut self) {
        self.list.iter_mut().for_each(|listener| listener.take_in(|observer| observer.settle()));
    }

    /// Waits for all of them; what can't be written to the last.
    ///
    /// # Errors
    /// The first one.
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
