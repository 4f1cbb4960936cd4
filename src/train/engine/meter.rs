//! The cost of training: time, waiting, memory, and the estimated end. None of it affects the results.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::native::gpu::{Gpu, Usage, usage};
use crate::train::events::{Cost, GpuUse};
use crate::util::memory;

/// Measures a session of training.
pub(super) struct Meter {
    started: Instant,
    epoch_started: Instant,
    waited: Duration,
    /// Samples of this epoch in this session.
    samples: usize,
    /// How long the last validation took.
    validation: Duration,
    /// When it ended, or the session began.
    validated: Instant,
    gauge: Gauge,
}

/// The GPU's memory, queried once in a while.
struct Gauge {
    gpu: Option<Gpu>,
    seen: Cell<Option<(Instant, GpuUse)>>,
}

/// The minimum time between two queries of the driver.
const LOOK: Duration = Duration::from_secs(1);

impl Gauge {
    fn read(&self) -> Option<GpuUse> {
        let gpu = self.gpu.as_ref()?;
        if let Some((when, seen)) = self.seen.get()
            && when.elapsed() < LOOK
        {
            return Some(seen);
        }
        let Usage { used_bytes, busy_percent, .. } = usage(gpu)?;
        let seen = GpuUse { memory_bytes: used_bytes, busy_percent };
        self.seen.set(Some((Instant::now(), seen)));
        Some(seen)
    }
}

/// What is still to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remaining {
    /// Training samples.
    pub(super) samples: u64,
    /// Validations.
    pub(super) validations: f64,
    /// The time from one validation by the clock to the next.
    pub(super) looks: Option<Duration>,
    /// The time since the start of the program after which training ends.
    pub(super) until: Option<Duration>,
}

impl Remaining {
    /// The same with fewer samples, if training ends after these: the shortened epoch is validated as well.
    pub(super) fn at_most(self, samples: u64) -> Self {
        if samples >= self.samples {
            return self;
        }
        let share = samples as f64 / self.samples as f64;
        Self { samples, validations: (share * self.validations).ceil(), ..self }
    }
}

impl Meter {
    /// `began` is the start for the time limit and for the reported seconds.
    pub(super) fn start(gpu: Option<Gpu>, began: Instant) -> Self {
        let now = Instant::now();
        let (waited, validation) = (Duration::ZERO, Duration::ZERO);
        let gauge = Gauge { gpu, seen: Cell::new(None) };
        Self { started: began, epoch_started: now, waited, samples: 0, validation, validated: now, gauge }
    }

    pub(super) fn begin_epoch(&mut self) {
        self.epoch_started = Instant::now();
        self.waited = Duration::ZERO;
        self.samples = 0;
    }

    pub(super) fn waiting<R>(&mut self, wait: impl FnOnce() -> R) -> R {
        let began = Instant::now();
        let result = wait();
        self.waited += began.elapsed();
        result
    }

    pub(super) fn count(&mut self, samples: usize) {
        self.samples += samples;
    }

    pub(super) fn validated(&mut self, began: Instant) {
        self.validation = began.elapsed();
        self.validated = Instant::now();
        // The speed reported at the end of an epoch is that of training.
        self.epoch_started += self.validation;
    }

    /// The time since the last validation of this session, or its beginning.
    pub(super) fn since_validation(&self) -> Duration {
        self.validated.elapsed()
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn cost(&self, remaining: &Remaining) -> Cost {
        let seconds = self.epoch_started.elapsed().as_secs_f64().max(1e-9);
        let rate = self.samples as f64 / seconds;
        let validations = remaining.validations * self.validation.as_secs_f64();
        Cost {
            seconds: self.elapsed().as_secs_f64(),
            samples_per_second: rate,
            data_wait: self.waited.as_secs_f64() / seconds,
            memory_bytes: memory_bytes(),
            gpu: self.gauge.read(),
            seconds_left: (rate > 0.0).then(|| {
                let training = remaining.samples as f64 / rate;
                let looks = remaining.looks.map_or(0.0, |every| (training / every.as_secs_f64()).floor());
                let work = training + validations + looks * self.validation.as_secs_f64();
                let time = remaining.until.map(|until| until.saturating_sub(self.elapsed()).as_secs_f64());
                time.map_or(work, |time| work.min(time))
            }),
        }
    }
}

/// The memory that this process uses, 0 if the system does not report it.
pub(super) fn memory_bytes() -> u64 {
    memory::resident_bytes().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_estimated_from_samples_and_validations() {
        let mut meter = Meter::start(None, Instant::now());
        let remaining = Remaining { samples: 100, validations: 2.0, looks: None, until: None };
        assert_eq!(meter.cost(&remaining).seconds_left, None);
        meter.count(10);
        meter.validation = Duration::from_secs(30);
        let left = meter.cost(&remaining).seconds_left.unwrap();
        assert!((60.0..61.0).contains(&left), "{left}");
        // Of 100 seconds of training, three times 30 are followed by another validation.
        meter.epoch_started = Instant::now() - Duration::from_secs(10);
        let looks = Remaining { looks: Some(Duration::from_secs(30)), ..remaining };
        let left = meter.cost(&looks).seconds_left.unwrap();
        assert!((250.0..=251.0).contains(&left.round()), "{left}");
    }

    #[test]
    fn what_ends_training_earlier_shortens_the_time_left() {
        let all = Remaining { samples: 100, validations: 4.0, looks: None, until: None };
        assert_eq!((all.at_most(30).samples, all.at_most(30).validations), (30, 2.0));
        assert_eq!((all.at_most(100).samples, all.at_most(100).validations), (100, 4.0));
        let mut meter = Meter::start(None, Instant::now());
        meter.count(1);
        meter.validation = Duration::from_secs(1000);
        let until = Some(Duration::from_secs(50));
        let left = meter.cost(&Remaining { until, ..all }).seconds_left.unwrap();
        assert!(left <= 50.0, "the time is up before the work is done: {left}");
        let left = meter.cost(&Remaining { until: Some(Duration::ZERO), ..all }).seconds_left;
        assert_eq!(left, Some(0.0));
    }
}
