//! Another thread or a signal ends a call early.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::util::stop::Stop;

/// How soon a signal is noticed.
const TICK: Duration = Duration::from_millis(50);

/// Cancels calls from another thread.
#[derive(Clone, Debug)]
pub struct Cancel {
    asked: Arc<watch::Sender<bool>>,
    stop: Option<Stop>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self { asked: Arc::new(watch::Sender::new(false)), stop: None }
    }
}

impl Cancel {
    /// One that a signal cancels too.
    #[must_use]
    pub fn on(stop: &Stop) -> Self {
        Self { stop: Some(stop.clone()), ..Self::default() }
    }

    /// Cancels the current call and all later ones.
    pub fn cancel(&self) {
        self.asked.send_replace(true);
    }

    /// Returns once it is cancelled.
    pub(super) async fn cancelled(&self) {
        let mut asked = self.asked.subscribe();
        // The sender lives as long as this.
        let asked = async { drop(asked.wait_for(|asked| *asked).await) };
        match &self.stop {
            None => asked.await,
            Some(stop) => tokio::select! { () = asked => {}, () = stopped(stop) => {} },
        }
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.asked.borrow() || self.stop.as_ref().is_some_and(|stop| stop.check().is_err())
    }
}

async fn stopped(stop: &Stop) {
    while stop.check().is_ok() {
        tokio::time::sleep(TICK).await;
    }
}
