//! One step: the gradient of a group, whether it is finite, and the update of the weights. The host waits for the device
//! once: parts, weight and norm are read together.

use std::sync::Arc;

use tch::{Kind, Tensor};

use super::Engine;
use super::epoch::Group;
use super::error::TrainError;
use crate::train::clip::{bound, norm, shorten};
use crate::train::divergence::{Health, Verdict};
use crate::train::events::{self, Event, Stepped};
use crate::train::schedule::Moment;
use crate::train::task::Task;

/// What is known about a step before it is made.
struct Measured {
    /// The total weight of the group's samples.
    weight: f64,
    /// The sum of each loss part over the group, if it was measured.
    parts: Vec<Option<f64>>,
    /// The norm of the gradient.
    norm: f64,
    /// Whether loss and gradient are finite.
    health: Health,
}

impl<T: Task> Engine<T> {
    /// Makes a step with the samples of a group, or skips it if loss or gradient is not finite.
    pub(super) fn step(&mut self, group: &Group<T::Sample>) -> Result<(), TrainError> {
        let weight = self.weight(&group.samples);
        let sums = self.gradient(group, self.loss_scale() / weight)?;
        let measured = self.measure(weight, &sums)?;
        // A gradient that is not finite is left unchanged: no step is made with it.
        let (max_norm, max_value) = (self.config().clip_norm, self.config().clip_value);
        let mut gradients = self.task.parameters().gradients();
        shorten(&mut gradients, measured.norm, max_norm)?;
        bound(&mut gradients, measured.norm, max_value)?;
        let verdict = self.state.divergence.judge(measured.health);
        let samples = || group.samples.iter().map(|sample| self.task.name(sample)).collect::<Vec<_>>();
        let step = self.state.step + 1;
        match verdict {
            Ok(Verdict::Take) => {
                self.update()?;
                self.pass(group);
                self.state.sums.add(weight, &measured.parts);
                self.tell_step(&measured);
            }
            Ok(verdict @ (Verdict::Skip | Verdict::SkipOverflow)) => {
                let expected = verdict == Verdict::SkipOverflow;
                let skipped = Event::Skipped { step, samples: samples(), expected };
                // The running statistics may be as broken by these samples as the gradient.
                self.task.parameters().restore_buffers();
                self.pass(group);
                self.tell(&skipped);
            }
            Ok(Verdict::SkipAndLower) => {
                let samples = samples();
                self.pass(group);
                self.go_back(samples)?;
            }
            Err(source) => return Err(TrainError::Diverged { step, samples: samples(), source }),
        }
        Ok(())
    }

    /// What the loss is multiplied by in the backward pass: 1 except for fp16.
    fn loss_scale(&self) -> f64 {
        self.state.scaler.as_ref().map_or(1.0, |scaler| scaler.scale())
    }

    /// Reads the results from the device, `[parts.., weight, norm]`: the only time in a step that the host waits for it.
    fn measure(&mut self, weight: f64, sums: &Tensor) -> Result<Measured, TrainError> {
        let mut gradients = self.task.parameters().gradients();
        let scale = self.state.scaler.as_ref().map(|scaler| {
            scaler.unscale(&mut gradients);
            scaler.scale()
        });
        let weight = Tensor::f_full([1], weight, (Kind::Double, sums.device()))?;
        let found = Tensor::f_cat(&[sums.f_to_kind(Kind::Double)?, weight, norm(&gradients)?], 0)?;
        let mut sums = self.reads.numbers(&found)?;
        let (norm, weight) = (sums.pop().unwrap_or(f64::NAN), sums.pop().unwrap_or(f64::NAN));
        let finite = norm.is_finite();
        if let Some(scaler) = &mut self.state.scaler {
            scaler.update(finite);
        }
        let loss = sums.iter().all(|sum| sum.is_finite());
        Ok(Measured { weight, parts: self.in_order(sums), norm, health: Health { loss, gradients: finite, scale } })
    }

    /// The sums of a step as those of all parts.
    pub(super) fn in_order(&self, sums: Vec<f64>) -> Vec<Option<f64>> {
        let mut sums = sums.into_iter();
        let is_measured = self.task.measured_in_steps(self.state.phase).into_iter();
        is_measured.map(|is_measured| if is_measured { sums.next() } else { None }).collect()
    }

    fn update(&mut self) -> Result<(), TrainError> {
        self.state.lr = self.lr();
        let parameters = self.task.parameters();
        let mut values = parameters.values().detach();
        let tools = &mut self.tools;
        tools.optimizer.step(&mut values, &parameters.gradients(), self.state.lr, &tools.decay)?;
        if let Some(average) = &mut tools.average {
            average.update(&values)?;
            self.state.average_updates = average.updates();
        }
        Ok(())
    }

    fn lr(&self) -> f64 {
        let grouping = self.grouping();
        let step = grouping.step_of(self.state.seen) as u64;
        let now = Moment { epoch: self.state.phase_epoch, step, steps_per_epoch: grouping.steps() as u64 };
        self.tools.schedule.lr(now) * self.state.divergence.lr_factor()
    }

    /// Marks the samples of a group as done.
    fn pass(&mut self, group: &Group<T::Sample>) {
        self.meter.count(group.samples.len());
        self.state.seen = self.feeds.train.samples().min(self.state.seen + group.samples.len());
        self.state.step += 1;
        self.state.validated = false;
    }

    /// Rolls back to the weights of the last epoch, with a lower learning rate. The samples continue from where they
    /// are, so that samples which can't be learned from are not repeated.
    fn go_back(&mut self, samples: Vec<String>) -> Result<(), TrainError> {
        let good = Arc::clone(&self.last_good);
        let lr_factor = self.state.divergence.lr_factor();
        self.restore_tensors(&good)?;
        self.tell(&Event::RolledBack { step: self.state.step, to_step: good.id.step, lr_factor, samples });
        Ok(())
    }

    fn tell_step(&mut self, measured: &Measured) {
        if self.state.step == self.task.learns_at() {
            self.warn_of_unused();
        }
        let means = measured.parts.iter().map(|sum| Some((*sum)? / measured.weight));
        let stepped = Stepped {
            epoch: self.state.epoch,
            step: self.state.step,
            seen: self.state.seen,
            of: self.feeds.train.samples(),
            parts: events::measured(self.task.parts(), means),
            lr: self.state.lr,
            gradient_norm: measured.norm,
            micro_batch: self.state.micro_batch.get(),
            cost: self.cost(),
        };
        self.tell(&Event::Stepped(stepped));
    }

    fn warn_of_unused(&mut self) {
        let parameters = self.task.parameters().unused();
        let parameters: Vec<_> = parameters.into_iter().map(str::to_owned).collect();
        if !parameters.is_empty() {
            self.tell(&Event::WithoutGradient { parameters });
        }
    }
}
