//! Listeners that draw, behind training: a thread passes events to them, so that a slow picture, page or disk never
//! holds up a step. Events that they can't keep up with are dropped by fixed rules:
//!
//! - Only what a picture can show is queued, and only a few of each kind of event wait. If one more comes, the oldest of its
//!   kind is dropped: the newest always arrives, and in order.
//! - All queued events are read before anything is drawn, so curves that fell behind are drawn once, with the newest epoch.
//! - The end of a run waits for the thread. What can't be written then is reported, as for every other listener.
//! - A listener that panics is reported and left out; training and the other listeners continue.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::mem::discriminant;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::native::said::brief;
use crate::train::events::{Event, Heard, Observer, Observers};
use crate::train::fault::panic_text;
use crate::train::run_folder::RunError;
use crate::util::fs::FsError;
use crate::util::stop::Stop;

/// A listener that another thread may call.
pub type Drawer = Box<dyn Observer + Send>;

/// Listeners that receive events on a separate thread.
pub struct Behind {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<Result<(), RunError>>>,
    stop: Stop,
}

/// How often the end of a run looks for the end of the drawing.
const TICK: Duration = Duration::from_millis(5);

impl Behind {
    /// Starts the thread. The folder is that of the run, for errors.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(run_folder: &Path, drawers: Vec<Drawer>) -> Result<Self, RunError> {
        Self::heeding(run_folder, drawers, Stop::default())
    }

    /// The same, drawing nothing more once the stop is urgent, nor waiting for what is being drawn: the next start draws it.
    ///
    /// # Errors
    /// See [`Self::start`].
    pub fn heeding(run_folder: &Path, drawers: Vec<Drawer>, stop: Stop) -> Result<Self, RunError> {
        let queue = Arc::new(Queue::default());
        let from = Arc::clone(&queue);
        let heeded = stop.clone();
        let thread = Builder::new().name("pictures".into()).spawn(move || draw(&from, drawers, &heeded));
        let thread = thread.map_err(FsError::at("start a thread for the pictures of", run_folder))?;
        Ok(Self { queue, thread: Some(thread), stop })
    }

    fn wait(&mut self) -> Result<(), RunError> {
        self.queue.close();
        // What is half drawn has a temporary name, and the process is about to end.
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            if self.stop.is_urgent() {
                self.thread.take();
            }
            std::thread::sleep(TICK);
        }
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => {
                report(panic_text(panic.as_ref()));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Observer for Behind {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        self.queue.push(event);
        // Whether it was written is known later.
        Ok(Heard::Ignored)
    }

    fn finish(&mut self) -> Result<(), RunError> {
        self.wait()
    }
}

/// Training may end with its own error: two sets of listeners must not write the same files after it.
impl Drop for Behind {
    fn drop(&mut self) {
        if let Err(error) = self.wait() {
            tracing::warn!("{error}");
        }
    }
}

/// The thread: passes all queued events to the drawers, then lets them draw, until the queue is closed.
fn draw(queue: &Queue, drawers: Vec<Drawer>, stop: &Stop) -> Result<(), RunError> {
    let guarded = drawers.into_iter().map(|drawer| Guarded { drawer: Some(drawer) });
    let mut observers = guarded.fold(Observers::default(), Observers::with);
    while let Some(events) = queue.take() {
        events.iter().for_each(|event| observers.hear(event));
        if !stop.is_urgent() {
            observers.settle();
        }
    }
    observers.finish()
}

/// A drawer that is left out once it has panicked.
struct Guarded {
    drawer: Option<Drawer>,
}

impl Guarded {
    fn attempt(&mut self, work: impl FnOnce(&mut Drawer) -> Result<Heard, RunError>) -> Result<Heard, RunError> {
        let Some(drawer) = &mut self.drawer else { return Ok(Heard::Ignored) };
        catch_unwind(AssertUnwindSafe(|| work(drawer))).unwrap_or_else(|panic| {
            report(panic_text(panic.as_ref()));
            self.drawer = None;
            Ok(Heard::Ignored)
        })
    }
}

impl Observer for Guarded {
    fn observe(&mut self, event: &Event) -> Result<Heard, RunError> {
        self.attempt(|drawer| drawer.observe(event))
    }

    fn settle(&mut self) -> Result<Heard, RunError> {
        self.attempt(|drawer| drawer.settle())
    }
}

fn report(text: Option<&str>) {
    let text = text.unwrap_or("without a message");
    tracing::error!(
        "drawing pictures panicked, which is a bug: {}; training continues without these pictures",
        brief(text)
    );
}

/// The most events of a kind that are queued; 0 for events that no picture shows.
fn room(event: &Event) -> usize {
    match event {
        Event::Started(_) | Event::Ended(_) => 1,
        // Each holds the arrays of its pictures.
        Event::Pictures { .. } => 2,
        Event::ValidationEnded { .. } | Event::EpochEnded { .. } => 64,
        _ => 0,
    }
}

/// The queued events, oldest first.
#[derive(Default)]
struct Waiting {
    events: VecDeque<Event>,
    is_closed: bool,
}

impl Waiting {
    fn push(&mut self, event: &Event) {
        let (room, kind) = (room(event), discriminant(event));
        let same = |waiting: &Event| discriminant(waiting) == kind;
        if room == 0 || self.is_closed {
            return;
        }
        if self.events.iter().filter(|waiting| same(waiting)).count() >= room
            && let Some(oldest) = self.events.iter().position(same)
        {
            self.events.remove(oldest);
        }
        self.events.push_back(event.clone());
    }
}

/// The queue, shared with the thread.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Queue {
    fn push(&self, event: &Event) {
        self.lock().push(event);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// All queued events, as soon as there are any; `None` once the queue is closed and empty.
    fn take(&self) -> Option<VecDeque<Event>> {
        let idle = |waiting: &mut Waiting| waiting.events.is_empty() && !waiting.is_closed;
        let mut waiting = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let events = std::mem::take(&mut waiting.events);
        (!events.is_empty()).then_some(events)
    }

    /// No code that holds the lock can panic halfway.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
