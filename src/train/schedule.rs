//! The learning rate at every moment of training: a pure function of the moment, except that a plateau also remembers
//! the validation losses.

use super::config::{self, Cosine, Linear, OneCycle, Step, TrainConfig, Warmup};
use super::plateau::PlateauState;

/// A moment of training: the start of a step of an epoch, both counted from 0 in the phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The epoch.
    pub epoch: u64,
    /// The step of this epoch.
    pub step: u64,
    /// The steps of every epoch.
    pub steps_per_epoch: u64,
}

impl Moment {
    /// The steps that have passed.
    #[must_use]
    pub fn steps(self) -> f64 {
        self.epoch as f64 * self.steps_per_epoch as f64 + self.step as f64
    }

    /// The epochs that have passed, in fractions too.
    #[must_use]
    pub fn epochs(self) -> f64 {
        self.epoch as f64 + self.step as f64 / self.steps_per_epoch.max(1) as f64
    }
}

/// The learning rate over the epochs of a phase.
#[derive(Clone, Debug)]
pub struct Schedule {
    kind: config::Schedule,
    warmup: Warmup,
    lr: f64,
    epochs: f64,
    plateau: PlateauState,
}

impl Schedule {
    /// The schedule of a phase that has not started.
    #[must_use]
    pub fn new(train: &TrainConfig) -> Self {
        let lr = train.optimizer.lr();
        Self {
            kind: train.schedule.clone(),
            warmup: train.warmup.clone(),
            lr,
            epochs: train.epochs as f64,
            plateau: PlateauState::new(lr),
        }
    }

    /// The learning rate of the step that starts now. The warm-up, a cosine, a line and one cycle change it within epochs,
    /// the other schedules between them.
    #[must_use]
    pub fn lr(&self, now: Moment) -> f64 {
        let lr = match &self.kind {
            config::Schedule::Constant => self.lr,
            config::Schedule::Cosine(cosine) => self.cosine(cosine, now.epochs()),
            config::Schedule::Linear(linear) => self.linear(linear, now.epochs()),
            config::Schedule::Step(step) => self.stepped(step, now.epoch),
            config::Schedule::Plateau(_) => self.plateau.lr,
            config::Schedule::OneCycle(cycle) => self.one_cycle(cycle, now),
        };
        lr * self.warmup_factor(now.epochs())
    }

    /// Records the validation loss of an epoch that has ended. Only a plateau uses it.
    pub fn observe(&mut self, epoch: u64, validation_loss: f64) {
        let config::Schedule::Plateau(rules) = &self.kind else { return };
        if (epoch as f64) < self.warmup.epochs {
            self.plateau.observe_leniently(rules, validation_loss);
        } else {
            self.plateau.observe(rules, validation_loss);
        }
    }

    /// What a checkpoint must save: the rest is configuration.
    #[must_use]
    pub fn state(&self) -> &PlateauState {
        &self.plateau
    }

    /// Continues from a saved state: applies its reductions to the learning rate that is configured now.
    pub fn load_state(&mut self, state: PlateauState) {
        self.plateau = state.under(self.lr);
    }

    /// Linear from the start factor to 1.
    fn warmup_factor(&self, epochs: f64) -> f64 {
        if epochs >= self.warmup.epochs {
            return 1.0;
        }
        self.warmup.start_factor + (1.0 - self.warmup.start_factor) * (epochs / self.warmup.epochs)
    }

    /// Half a cosine from the end of the warm-up to the end of the last epoch (Loshchilov and Hutter 2017).
    fn cosine(&self, cosine: &Cosine, epochs: f64) -> f64 {
        between(self.lr, cosine.min_lr, self.share(epochs))
    }

    /// A straight line over the same epochs.
    fn linear(&self, linear: &Linear, epochs: f64) -> f64 {
        self.lr + (linear.min_lr - self.lr) * self.share(epochs)
    }

    /// The share of the epochs after the warm-up that has passed.
    fn share(&self, epochs: f64) -> f64 {
        let length = self.epochs - self.warmup.epochs;
        if length > 0.0 { ((epochs - self.warmup.epochs) / length).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Up and down by half cosines (Smith and Topin 2018), with torch's choice of the steps: the highest rate is that of the
    /// step `warmup_share * steps - 1`, the lowest that of the last one.
    fn one_cycle(&self, cycle: &OneCycle, now: Moment) -> f64 {
        let (start, end) = (self.lr / cycle.start_divisor, self.lr / cycle.end_divisor);
        let last = self.epochs * now.steps_per_epoch as f64 - 1.0;
        let (top, step) = (cycle.warmup_share * (last + 1.0) - 1.0, now.steps().min(last));
        match step <= top {
            true => between(start, self.lr, if top > 0.0 { step / top } else { 1.0 }),
            false => between(self.lr, end, ((step - top) / (last - top)).clamp(0.0, 1.0)),
        }
    }

    /// A reduction at the end of every N epochs, counted from the first whole epoch after the warm-up.
    fn stepped(&self, step: &Step, epoch: u64) -> f64 {
        let since_warmup = epoch.saturating_sub(self.warmup.epochs.ceil() as u64);
        self.lr * step.factor.powf((since_warmup / step.every_epochs.max(1) as u64) as f64)
    }
}

/// Half a cosine from one rate to another.
fn between(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * (1.0 + (std::f64::consts::PI * share).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::config::{AdamW, Optimizer, Plateau};
    use super::*;

    fn train(schedule: config::Schedule, warmup: Warmup, epochs: usize) -> TrainConfig {
        let optimizer = Optimizer::Adamw(AdamW { lr: 1e-3, ..AdamW::default() });
        TrainConfig { schedule, warmup, epochs, optimizer, ..TrainConfig::default() }
    }

    fn at(epoch: u64, step: u64, steps_per_epoch: u64) -> Moment {
        Moment { epoch, step, steps_per_epoch }
    }

    /// The rates that torch gave, one after another.
    fn torch(key: &str) -> Vec<f64> {
        let expected: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/optimizer/expected.json")).unwrap();
        serde_json::from_value(expected["schedules"][key].clone()).unwrap()
    }

    fn assert_near(got: impl Iterator<Item = f64>, expected: &[f64]) {
        let got: Vec<f64> = got.take(expected.len()).collect();
        assert_eq!(got.len(), expected.len());
        for (step, (got, expected)) in got.iter().zip(expected).enumerate() {
            assert!((got / expected - 1.0).abs() < 1e-9, "step {step}: {got}, expected {expected}");
        }
    }

    #[test]
    fn a_step_falls_as_that_of_torch() {
        let step = config::Schedule::Step(Step { every_epochs: 7, factor: 0.3 });
        let schedule = Schedule::new(&train(step, Warmup::default(), 40));
        assert_near((0..).map(|epoch| schedule.lr(at(epoch, 4, 5))), &torch("step"));
    }

    #[test]
    fn a_cosine_falls_as_that_of_torch_at_every_step() {
        let cosine = config::Schedule::Cosine(Cosine { min_lr: 1e-5 });
        let schedule = Schedule::new(&train(cosine, Warmup::default(), 4));
        assert_near((0..).map(|step| schedule.lr(at(step / 10, step % 10, 10))), &torch("cosine"));
    }

    #[test]
    fn a_line_falls_by_the_same_amount_in_every_epoch() {
        let linear = config::Schedule::Linear(Linear { min_lr: 1e-5 });
        let schedule = Schedule::new(&train(linear.clone(), Warmup::default(), 100));
        for (epoch, rate) in [(0, 1e-3), (50, 5.05e-4), (99, 1.99e-5), (100, 1e-5), (130, 1e-5)] {
            let got = schedule.lr(at(epoch, 0, 7));
            assert!((got / rate - 1.0).abs() < 1e-9, "epoch {epoch}: {got}");
        }
        let warm = Schedule::new(&train(linear, Warmup { epochs: 2.0, start_factor: 0.5 }, 6));
        assert!(warm.lr(at(2, 0, 8)) == 1e-3 && warm.lr(at(2, 4, 8)) < 1e-3);
    }

    #[test]
    fn a_warm_up_grows_as_that_of_torch_at_every_step() {
        let warmup = Warmup { epochs: 2.5, start_factor: 0.1 };
        let schedule = Schedule::new(&train(config::Schedule::Constant, warmup, 4));
        assert_near((0..).map(|step| schedule.lr(at(step / 10, step % 10, 10))), &torch("warmup"));
    }

    #[test]
    fn one_cycle_rises_and_falls_as_that_of_torch_at_every_step() {
        let expected: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/optimizer/expected.json")).unwrap();
        for case in expected["schedules"]["one_cycle"].as_array().unwrap() {
            let number = |key: &str| case[key].as_f64().unwrap();
            let (epochs, steps) = (number("epochs") as usize, number("steps_per_epoch") as u64);
            let cycle = OneCycle {
                warmup_share: number("pct_start"),
                start_divisor: number("div_factor"),
                end_divisor: number("div_factor") * number("final_div_factor"),
            };
            let schedule = Schedule::new(&train(config::Schedule::OneCycle(cycle), Warmup::default(), epochs));
            let rates: Vec<f64> = serde_json::from_value(case["rates"].clone()).unwrap();
            assert_eq!(rates.len() as u64, epochs as u64 * steps);
            assert_near((0..).map(|step| schedule.lr(at(step / steps, step % steps, steps))), &rates);
            assert_eq!(schedule.lr(at(epochs as u64 + 3, 0, steps)), *rates.last().unwrap(), "past the end");
        }
    }

    #[test]
    fn a_schedule_begins_after_the_warm_up() {
        let warmup = Warmup { epochs: 2.0, start_factor: 0.5 };
        let cosine = Schedule::new(&train(config::Schedule::Cosine(Cosine { min_lr: 0.0 }), warmup.clone(), 6));
        assert_eq!(cosine.lr(at(2, 0, 8)), 1e-3);
        assert!((cosine.lr(at(4, 0, 8)) - 5e-4).abs() < 1e-12);
        assert_eq!(cosine.lr(at(6, 0, 8)), 0.0);
        let step = config::Schedule::Step(Step { every_epochs: 2, factor: 0.5 });
        let step = Schedule::new(&train(step, warmup, 6));
        assert_eq!([1, 2, 3, 4, 5, 6].map(|epoch| step.lr(at(epoch, 0, 8)) * 1e3), [0.75, 1.0, 1.0, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn a_plateau_listens_from_the_end_of_the_warm_up_on() {
        let plateau = config::Schedule::Plateau(Plateau { patience: 0, ..Plateau::default() });
        let mut schedule = Schedule::new(&train(plateau, Warmup { epochs: 2.0, start_factor: 0.5 }, 6));
        let mut rates = Vec::new();
        for epoch in 0..5 {
            rates.push(schedule.lr(at(epoch, 0, 1)) * 1e3);
            schedule.observe(epoch, 1.0);
        }
        assert_eq!(rates, [0.5, 0.75, 1.0, 0.5, 0.25]);
    }

    #[test]
    fn a_saved_state_continues_where_it_stopped() {
        let plateau = train(config::Schedule::Plateau(Plateau::default()), Warmup::default(), 50);
        let mut schedule = Schedule::new(&plateau);
        (0..6).for_each(|epoch| schedule.observe(epoch, 0.1 + 0.2));
        let saved = serde_json::to_string(schedule.state()).unwrap();
        let mut resumed = Schedule::new(&plateau);
        resumed.load_state(serde_json::from_str(&saved).unwrap());
        assert_eq!(resumed.state(), schedule.state());
        (6..9).for_each(|epoch| resumed.observe(epoch, 0.1 + 0.2));
        assert_eq!(resumed.lr(at(9, 0, 1)), 2.5e-4);
    }

    fn any_schedule() -> impl Strategy<Value = config::Schedule> {
        prop_oneof![
            Just(config::Schedule::Constant),
            (0.0..1e-3).prop_map(|min_lr| config::Schedule::Cosine(Cosine { min_lr })),
            (0.0..1e-3).prop_map(|min_lr| config::Schedule::Linear(Linear { min_lr })),
            (1_usize..9, 0.01..0.99)
                .prop_map(|(every_epochs, factor)| config::Schedule::Step(Step { every_epochs, factor })),
        ]
    }

    proptest! {
        #[test]
        fn the_rate_rises_through_the_warm_up_and_never_after_it(
            kind in any_schedule(), epochs in 1_usize..30, share in 0.0..1.0_f64, steps in 1_u64..7, start in 0.01..1.0_f64,
        ) {
            let warmup = Warmup { epochs: share * epochs as f64, start_factor: start };
            let schedule = Schedule::new(&train(kind, warmup.clone(), epochs));
            let moments = (0..epochs as u64 * steps).map(|step| at(step / steps, step % steps, steps));
            let rates: Vec<_> = moments.map(|moment| (moment.epochs(), schedule.lr(moment))).collect();
            for pair in rates.windows(2) {
                let rises = pair[1].1 > pair[0].1;
                prop_assert!(!rises || pair[0].0 < warmup.epochs, "{pair:?}");
                prop_assert!(rises || pair[1].0 > warmup.epochs || pair[1].1 == pair[0].1, "{pair:?}");
            }
            prop_assert!(rates.iter().all(|(_, lr)| *lr > 0.0 && *lr <= 1e-3));
        }

        #[test]
        fn a_state_is_read_as_it_was_written(lr in 0.0..1.0_f64, best in any::<f64>(), bad_epochs in 0_usize..99) {
            let best = Some(best).filter(|best| best.is_finite());
            let state = PlateauState { best, bad_epochs, ..PlateauState::new(lr) };
            let text = serde_json::to_string(&state).unwrap();
            prop_assert_eq!(serde_json::from_str::<PlateauState>(&text).unwrap(), state);
        }
    }
}
