//! What a parameter is before it has a place: its name, its shape, and its initial values as a function of seed and name.

use rand_chacha::rand_core::RngCore;

use crate::util::seed;

/// A parameter that a model asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterSpec {
    /// The name that weight files know it by.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<i64>,
    /// What it starts from.
    pub init: Init,
    /// Whether weight decay applies to it.
    pub decay: bool,
}

/// What a parameter starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// Uniform in ±sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010). For weights `[out, in, ...]`.
    XavierUniform,
    /// 0, as for a bias.
    Zeros,
    /// 1, as for the scale of a norm.
    Ones,
}

impl ParameterSpec {
    /// The weights of a layer, `[out, in, ...]`: random, with weight decay.
    pub fn weight(name: impl Into<String>, shape: &[i64]) -> Self {
        Self { name: name.into(), shape: shape.into(), init: Init::XavierUniform, decay: true }
    }

    /// A bias: 0, without weight decay.
    pub fn bias(name: impl Into<String>, shape: &[i64]) -> Self {
        Self { name: name.into(), shape: shape.into(), init: Init::Zeros, decay: false }
    }

    /// The scale of a norm: 1, without weight decay.
    pub fn scale(name: impl Into<String>, shape: &[i64]) -> Self {
        Self { name: name.into(), shape: shape.into(), init: Init::Ones, decay: false }
    }

    /// How many numbers it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shape.iter().product::<i64>().unsigned_abs() as usize
    }

    /// Its initial values. They don't depend on the other parameters, so that a model that grows keeps those it had.
    pub(super) fn initial(&self, seed: u64) -> Vec<f32> {
        match self.init {
            Init::Zeros => vec![0.0; self.count()],
            Init::Ones => vec![1.0; self.count()],
            Init::XavierUniform => self.xavier_uniform(seed),
        }
    }

    fn xavier_uniform(&self, seed: u64) -> Vec<f32> {
        let [outputs, inputs] = [0, 1].map(|axis| self.shape.get(axis).copied().unwrap_or(1) as f64);
        let field: i64 = self.shape.iter().skip(2).product();
        let bound = (6.0 / ((outputs + inputs) * field as f64)).sqrt();
        let mut generator = seed::generator(seed, &format!("initial weights of {}", self.name), 0, 0);
        // 32 bits to the open interval (-1, 1), by arithmetic that no library can change.
        let mut uniform = || (f64::from(generator.next_u32()) + 0.5) / f64::from(1_u32 << 31) - 1.0;
        (0..self.count()).map(|_| (bound * uniform()) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xavier_values_fill_their_interval_evenly() {
        let spec = ParameterSpec::weight("conv.weight", &[32, 16, 3, 3]);
        let bound = (6.0_f64 / ((32.0 + 16.0) * 9.0)).sqrt();
        let values: Vec<f64> = spec.initial(42).into_iter().map(f64::from).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| value * value).sum::<f64>() / count;
        let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        assert_eq!(values.len(), 32 * 16 * 9);
        assert!(mean.abs() < 0.03 * bound, "mean {mean} of ±{bound}");
        assert!((variance / (bound * bound / 3.0) - 1.0).abs() < 0.05, "variance {variance} of ±{bound}");
        assert!(largest <= bound && largest > 0.99 * bound, "largest {largest} of ±{bound}");
    }

    #[test]
    fn initial_values_depend_on_seed_and_name_alone() {
        let weight = |name: &str, seed| ParameterSpec::weight(name, &[4, 3]).initial(seed);
        assert_eq!(weight("a", 1), weight("a", 1));
        assert_ne!(weight("a", 1), weight("b", 1));
        assert_ne!(weight("a", 1), weight("a", 2));
        let smaller = ParameterSpec::weight("a", &[3, 4]).initial(1);
        assert_eq!(smaller, weight("a", 1), "the same fans and name give the same numbers");
    }

    #[test]
    fn initial_values_are_those_of_every_earlier_version() {
        let values = ParameterSpec::weight("layers.0.conv.weight", &[2, 1]).initial(42);
        assert_eq!(values.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), [3_207_565_542, 1_066_835_397]);
    }
}
