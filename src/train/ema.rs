//! A running average of the weights (Polyak and Juditsky 1992): what is evaluated and exported if the configuration
//! asks for it. Its decay starts small, or the initial random weights would stay in it for thousands of steps.
//!
//! Buffers are not averaged: running statistics are averages already, and the average of the weights uses those of the weights.

use tch::{Device, Tensor};

use crate::native::flat::{self, NotFlat};

use super::lerp::Lerp;

/// The average, and how many times it was updated.
#[derive(Debug)]
pub struct Ema {
    decay: f64,
    updates: u64,
    average: Tensor,
}

impl Ema {
    /// An average that starts with these weights.
    #[must_use]
    pub fn new(decay: f64, values: &Tensor) -> Self {
        Self { decay, updates: 0, average: values.detach().copy() }
    }

    /// Continues from a saved average.
    ///
    /// # Errors
    /// [`NotFlat::Length`] if it belongs to another model.
    pub fn load(&mut self, updates: u64, average: &Tensor) -> Result<(), NotFlat> {
        let (got, expected) = (average.numel(), self.average.numel());
        if got != expected {
            return Err(NotFlat::Length { got, expected });
        }
        self.average.copy_(average);
        self.updates = updates;
        Ok(())
    }

    /// Updates the average with the weights after a step.
    ///
    /// # Errors
    /// [`NotFlat`] if the weights are not those that the average started with.
    pub fn update(&mut self, values: &Tensor) -> Result<(), NotFlat> {
        let weight = 1.0 - decay(self.decay, self.updates);
        if values.device() == Device::Cpu {
            // libtorch's own operation rounds differently at the boundaries between its threads.
            let lerp = Lerp::new(weight);
            flat::update([&mut self.average], values, |[average], values| {
                for (average, value) in average.iter_mut().zip(values) {
                    *average = lerp.between(*average, *value);
                }
            })?;
        } else {
            tch::no_grad(|| drop(self.average.lerp_(&values.detach(), weight)));
        }
        self.updates += 1;
        Ok(())
    }

    /// Swaps the weights with their average, or back: every view of the weights then shows the other.
    pub fn swap(&mut self, values: &mut Tensor) {
        tch::no_grad(|| {
            let weights = values.detach().copy();
            values.copy_(&self.average);
            self.average.copy_(&weights);
        });
    }

    /// The average.
    pub fn average(&self) -> &Tensor {
        &self.average
    }

    /// How many times it was updated.
    #[must_use]
    pub fn updates(&self) -> u64 {
        self.updates
    }
}

/// The decay after so many updates: it grows from 0.1 to the configured one.
fn decay(full: f64, updates: u64) -> f64 {
    let updates = updates as f64;
    full.min((1.0 + updates) / (10.0 + updates))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(name: &str) -> HashMap<String, Tensor> {
        tch::set_num_threads(1);
        let path = format!("{}/tests/fixtures/optimizer/{name}", env!("CARGO_MANIFEST_DIR"));
        Tensor::read_safetensors(path).unwrap().into_iter().collect()
    }

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        Vec::try_from(tensor).unwrap()
    }

    #[test]
    fn the_average_is_that_of_torch() {
        let (start, expected) = (read("optimizers.safetensors"), read("averaged.safetensors"));
        let mut values = start["values"].copy();
        let mut ema = Ema::new(0.9, &values);
        for step in 0..20 {
            values -= start["gradients"].get(step) * 0.01;
            ema.update(&values).unwrap();
        }
        for (got, expected) in numbers(ema.average()).into_iter().zip(numbers(&expected["average"])) {
            assert!((got - expected).abs() <= 1e-6 * expected.abs().max(1e-2), "{got}, expected {expected}");
        }
    }

    #[test]
    fn the_decay_grows_to_the_configured_one() {
        assert_eq!(decay(0.999, 0), 0.1);
        assert!((0..9000).all(|updates| decay(0.999, updates) <= decay(0.999, updates + 1)));
        assert_eq!(decay(0.999, 9000), 0.999);
    }

    #[test]
    fn swapped_weights_are_seen_by_views_and_come_back_exactly() {
        let mut values = Tensor::from_slice(&[1.0_f32, 2.0, 3.0]);
        let view = values.narrow(0, 1, 2);
        let mut ema = Ema::new(0.5, &values);
        values += 1.0;
        ema.update(&values).unwrap();
        ema.swap(&mut values);
        assert_eq!(numbers(&view), [2.9, 3.9]);
        assert_eq!(numbers(ema.average()), [2.0, 3.0, 4.0]);
        ema.swap(&mut values);
        assert_eq!(numbers(&view), [3.0, 4.0]);
    }

    #[test]
    fn a_loaded_average_continues_bit_by_bit() {
        let values = Tensor::from_slice(&[0.1_f32, 0.2, 0.3]);
        let mut ema = Ema::new(0.99, &Tensor::from_slice(&[7.0_f32, -1.0, 0.0]));
        (0..3).for_each(|_| ema.update(&values).unwrap());
        let mut resumed = Ema::new(0.99, &values);
        resumed.load(ema.updates(), &ema.average().copy()).unwrap();
        (0..3).for_each(|_| ema.update(&values).unwrap());
        (0..3).for_each(|_| resumed.update(&values).unwrap());
        assert_eq!((resumed.updates(), numbers(resumed.average())), (6, numbers(ema.average())));
        let refused = resumed.load(1, &Tensor::from_slice(&[0.0_f32; 2]));
        assert_eq!(refused, Err(NotFlat::Length { got: 2, expected: 3 }));
    }
}
