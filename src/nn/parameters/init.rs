//! What a parameter starts from: a function of the seed, its name and its shape. Only additions, multiplications, divisions and
//! square roots are used, which IEEE 754 defines to the last bit: no library, machine or device changes an initial value.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

use crate::util::seed;

/// What a parameter starts from. Weights have the shape `[out, in, ...]`; the fan in is the number of inputs of one output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Uniform in ±sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010).
    XavierUniform,
    /// Uniform in ±sqrt(6 / fan in), for layers that a ReLU follows (He et al. 2015).
    KaimingUniform,
    /// Normal with variance 2 / fan in, for layers that a ReLU follows (He et al. 2015).
    KaimingNormal,
    /// Uniform in ±1 / sqrt(fan in): what PyTorch gives the weights of convolutions and linear layers.
    FanInUniform,
    /// Uniform in ±bound.
    Uniform {
        /// The bound.
        bound: f64,
    },
    /// Uniform in ±bound, and then more in the second of four equal parts: the biases of a recurrent layer, whose second gate
    /// forgets.
    Gates {
        /// The bound.
        bound: f64,
        /// What is added to the second part.
        forget: f64,
    },
    /// Normal.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// A random rotation times the gain: as a matrix `[out, in * ...]`, its rows are orthogonal, or its columns if it has
    /// more rows than columns (Saxe et al. 2014).
    Orthogonal {
        /// The length of a row or column.
        gain: f64,
    },
    /// The same number everywhere.
    Constant(f64),
    /// 0, as for a bias.
    Zeros,
    /// 1, as for the scale of a norm.
    Ones,
}

impl Init {
    /// The initial values of a parameter.
    pub(super) fn values(self, seed: u64, name: &str, shape: &[i64]) -> Vec<f32> {
        let count = shape.iter().product::<i64>().unsigned_abs() as usize;
        let mut draw = Draw(seed::generator(seed, &format!("initial weights of {name}"), 0, 0));
        let [fan_out, fan_in] = fans(shape);
        match self {
            Self::XavierUniform => draw.uniform(count, (6.0 / (fan_in + fan_out)).sqrt()),
            Self::KaimingUniform => draw.uniform(count, (6.0 / fan_in).sqrt()),
            Self::KaimingNormal => draw.normals(count, 0.0, (2.0 / fan_in).sqrt()),
            Self::FanInUniform => draw.uniform(count, 1.0 / fan_in.sqrt()),
            Self::Uniform { bound } => draw.uniform(count, bound),
            Self::Gates { bound, forget } => {
                let mut values = draw.uniform(count, bound);
                values.iter_mut().skip(count / 4).take(count / 4).for_each(|value| *value += forget as f32);
                values
            }
            Self::Normal { mean, std } => draw.normals(count, mean, std),
            Self::Orthogonal { gain } => draw.orthogonal(count, shape, gain),
            Self::Constant(value) => vec![value as f32; count],
            Self::Zeros => vec![0.0; count],
            Self::Ones => vec![1.0; count],
        }
    }
}

/// Outputs and inputs that each weight is shared among.
fn fans(shape: &[i64]) -> [f64; 2] {
    let [outputs, inputs] = [0, 1].map(|axis| shape.get(axis).copied().unwrap_or(1) as f64);
    let field = shape.iter().skip(2).product::<i64>() as f64;
    [outputs * field, inputs * field]
}

/// Random numbers from a generator's bits.
struct Draw(ChaCha8Rng);

impl Draw {
    /// 32 bits as a number in the open interval (-1, 1).
    fn unit(&mut self) -> f64 {
        (f64::from(self.0.next_u32()) + 0.5) / f64::from(1_u32 << 31) - 1.0
    }

    fn uniform(&mut self, count: usize, bound: f64) -> Vec<f32> {
        (0..count).map(|_| (bound * self.unit()) as f32).collect()
    }

    fn normals(&mut self, count: usize, mean: f64, std: f64) -> Vec<f32> {
        (0..count).map(|_| (mean + std * self.normal()) as f32).collect()
    }

    /// Normal with mean 0 and variance 1, by the polar method (Marsaglia and Bray 1964), which needs no sine.
    fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.unit(), self.unit());
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * logarithm(square) / square).sqrt();
            }
        }
    }

    fn orthogonal(&mut self, count: usize, shape: &[i64], gain: f64) -> Vec<f32> {
        let rows = shape.first().copied().unwrap_or(1).unsigned_abs() as usize;
        let columns = count / rows.max(1);
        let (vectors, length) = (rows.min(columns), rows.max(columns));
        let mut basis: Vec<Vec<f64>> = Vec::with_capacity(vectors);
        while basis.len() < vectors {
            let random = (0..length).map(|_| self.normal()).collect();
            basis.extend(orthonormal(random, &basis));
        }
        let at = |index: usize| {
            let (row, column) = (index / columns, index % columns);
            let (vector, place) = if rows <= columns { (row, column) } else { (column, row) };
            (gain * basis[vector][place]) as f32
        };
        (0..count).map(at).collect()
    }
}

/// The part of a vector that is orthogonal to a basis, with length 1; `None` if there is none. Gram and Schmidt, twice: once
/// is not enough for vectors that are nearly parallel.
fn orthonormal(mut vector: Vec<f64>, basis: &[Vec<f64>]) -> Option<Vec<f64>> {
    let product = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(x, y)| x * y).sum::<f64>();
    for known in basis.iter().chain(basis) {
        let share = product(&vector, known);
        vector.iter_mut().zip(known).for_each(|(value, known)| *value -= share * known);
    }
    let length = product(&vector, &vector).sqrt();
    (length > 1e-6).then(|| vector.into_iter().map(|value| value / length).collect())
}

/// The natural logarithm of a positive number, to about the last bit: 2 artanh((m - 1) / (m + 1)) + e ln 2 for m 2^e with m
/// near 1.
fn logarithm(value: f64) -> f64 {
    let bits = value.to_bits();
    let mut exponent = (bits >> 52) as f64 - 1023.0;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1.0;
    }
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = (0..12).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    2.0 * ratio * series + exponent * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Init; 11] = [
        Init::XavierUniform,
        Init::KaimingUniform,
        Init::KaimingNormal,
        Init::FanInUniform,
        Init::Uniform { bound: 0.3 },
        Init::Gates { bound: 0.3, forget: 1.0 },
        Init::Normal { mean: 0.5, std: 2.0 },
        Init::Orthogonal { gain: 1.5 },
        Init::Constant(0.25),
        Init::Zeros,
        Init::Ones,
    ];

    fn values(init: Init, shape: &[i64]) -> Vec<f64> {
        init.values(42, "conv.weight", shape).into_iter().map(f64::from).collect()
    }

    /// The first four moments: of a uniform distribution in ±b they are 0, b²/3, 0 and b⁴/5, of a normal one 0, 1, 0 and 3.
    fn moments(values: &[f64]) -> [f64; 4] {
        [1, 2, 3, 4].map(|power| values.iter().map(|value| value.powi(power)).sum::<f64>() / values.len() as f64)
    }

    #[test]
    fn uniform_values_fill_their_interval_evenly() {
        let fan_in: f64 = 16.0 * 9.0;
        for (init, bound) in [
            (Init::XavierUniform, (6.0_f64 / ((32.0 + 16.0) * 9.0)).sqrt()),
            (Init::KaimingUniform, (6.0 / fan_in).sqrt()),
            (Init::FanInUniform, 1.0 / fan_in.sqrt()),
            (Init::Uniform { bound: 0.3 }, 0.3),
        ] {
            let values: Vec<f64> = values(init, &[32, 16, 3, 3]).into_iter().map(|value| value / bound).collect();
            let [mean, variance, skew, fourth] = moments(&values);
            let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
            assert_eq!(values.len(), 32 * 16 * 9);
            assert!(mean.abs() < 0.03 && skew.abs() < 0.03, "{init:?}: {mean} {skew}");
            assert!(
                (3.0 * variance - 1.0).abs() < 0.05 && (5.0 * fourth - 1.0).abs() < 0.1,
                "{init:?}: {variance} {fourth}"
            );
            assert!(largest <= 1.0 + 1e-7 && largest > 0.99, "{init:?}: {largest}");
        }
    }

    #[test]
    fn only_the_second_of_four_gates_is_raised() {
        let [plain, raised] = [0.0, 1.0].map(|forget| values(Init::Gates { bound: 0.5, forget }, &[12]));
        assert_eq!(plain, values(Init::Uniform { bound: 0.5 }, &[12]));
        for (place, (raised, plain)) in raised.iter().zip(&plain).enumerate() {
            let expected = if (3..6).contains(&place) { 1.0 } else { 0.0 };
            assert!((raised - plain - expected).abs() < 1e-6, "{place}: {raised} from {plain}");
        }
    }

    #[test]
    fn normal_values_have_the_moments_of_a_normal_distribution() {
        let shape = [64, 32, 3, 3];
        for (init, mean, std) in [
            (Init::KaimingNormal, 0.0, (2.0_f64 / (32.0 * 9.0)).sqrt()),
            (Init::Normal { mean: 0.5, std: 2.0 }, 0.5, 2.0),
        ] {
            let values: Vec<f64> = values(init, &shape).into_iter().map(|value| (value - mean) / std).collect();
            let [first, second, third, fourth] = moments(&values);
            assert!(first.abs() < 0.03 && (second - 1.0).abs() < 0.05, "{init:?}: {first} {second}");
            assert!(third.abs() < 0.1 && (fourth - 3.0).abs() < 0.25, "{init:?}: {third} {fourth}");
            let far = values.iter().filter(|value| value.abs() > 2.0).count() as f64 / values.len() as f64;
            assert!((far - 0.0455).abs() < 0.006, "{init:?}: {far}");
        }
    }

    #[test]
    fn rows_or_columns_of_an_orthogonal_matrix_are_orthogonal_and_as_long_as_the_gain() {
        for (shape, gain) in
            [(&[40_i64, 24][..], 1.0), (&[24, 40], 1.5), (&[8, 4, 3, 3], 2.0), (&[32, 32], 1.0), (&[1, 1], 1.0)]
        {
            let values = values(Init::Orthogonal { gain }, shape);
            let rows = shape[0] as usize;
            let columns = values.len() / rows;
            let at = |vector: usize, place: usize| match rows <= columns {
                true => values[vector * columns + place],
                false => values[place * columns + vector],
            };
            let (vectors, length) = (rows.min(columns), rows.max(columns));
            for one in 0..vectors {
                for other in 0..vectors {
                    let product: f64 = (0..length).map(|place| at(one, place) * at(other, place)).sum();
                    let expected = if one == other { gain * gain } else { 0.0 };
                    assert!((product - expected).abs() < 1e-6 * gain * gain, "{shape:?} {one} {other}: {product}");
                }
            }
        }
    }

    #[test]
    fn an_orthogonal_matrix_has_no_preferred_direction() {
        let diagonal = |seed| f64::from(Init::Orthogonal { gain: 1.0 }.values(seed, "w", &[3, 3])[0]);
        let values: Vec<f64> = (0..2000).map(diagonal).collect();
        // An entry of a random rotation in three dimensions is uniform in ±1.
        let [mean, variance, ..] = moments(&values);
        assert!(mean.abs() < 0.05 && (variance - 1.0 / 3.0).abs() < 0.03, "{mean} {variance}");
    }

    #[test]
    fn initial_values_depend_on_seed_name_and_shape_alone() {
        for init in ALL {
            let values = |seed, name, shape: &[i64]| init.values(seed, name, shape);
            let is_random = !matches!(init, Init::Constant(_) | Init::Zeros | Init::Ones);
            assert_eq!(values(1, "a", &[4, 3]), values(1, "a", &[4, 3]));
            assert_eq!(values(1, "a", &[4, 3]) != values(1, "b", &[4, 3]), is_random, "{init:?}");
            assert_eq!(values(1, "a", &[4, 3]) != values(2, "a", &[4, 3]), is_random, "{init:?}");
        }
        let turned = |shape| Init::XavierUniform.values(1, "a", shape);
        assert_eq!(turned(&[3, 4]), turned(&[4, 3]), "the same fans and name give the same numbers");
    }

    #[test]
    fn initial_values_are_those_of_every_earlier_version() {
        let bits = |init: Init| init.values(42, "layers.0.conv.weight", &[2, 1]).into_iter().map(f32::to_bits);
        assert_eq!(bits(Init::XavierUniform).collect::<Vec<_>>(), [3_207_565_542, 1_066_835_397]);
        assert_eq!(bits(Init::Normal { mean: 0.0, std: 1.0 }).collect::<Vec<_>>(), [3_192_396_424, 3_206_077_182]);
        assert_eq!(bits(Init::Orthogonal { gain: 1.0 }).collect::<Vec<_>>(), [3_198_107_871, 3_212_004_651]);
    }

    #[test]
    fn the_logarithm_is_that_of_the_library_to_rounding() {
        for value in [1e-300, 1e-18, 0.1, 0.5, 0.707, 0.999_999_999, 1.0, 1.5, 2.0, 12345.678] {
            let error = (logarithm(value) - f64::ln(value)).abs();
            assert!(error <= 4e-16 * f64::ln(value).abs().max(1e-1), "{value}: {error:e}");
        }
    }
}
