//! An axis: the values that it spans, its ticks and their labels.

/// How values become lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Evenly; zero is included if the values come near it.
    #[default]
    Linear,
    /// Evenly from zero.
    FromZero,
    /// Evenly from zero, named at whole numbers alone: for counts.
    Whole,
    /// Equal factors are equal heights; what is not positive has no place.
    Logarithmic,
}

/// A place on the axis that is named.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) label: String,
}

/// An axis that spans all its values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    logarithmic: bool,
    from: f64,
    to: f64,
    pub(super) ticks: Vec<Tick>,
}

/// The share of its length by which an axis is longer than its values, at each end.
const PADDING: f64 = 0.06;
/// The share of its length that stays free at each end of a horizontal axis.
const MARGIN: f64 = 0.02;
/// Values that differ by less than this share of themselves are drawn as the same.
const SAME: f64 = 1e-9;

impl Axis {
    /// An axis for the values with about this many ticks.
    pub(super) fn over(values: &[f64], scale: Scale, ticks: usize) -> Self {
        let logarithmic = scale == Scale::Logarithmic;
        let shown = || values.iter().copied().filter(|&value| has_place(value, logarithmic));
        let (low, high) = (shown().fold(f64::INFINITY, f64::min), shown().fold(f64::NEG_INFINITY, f64::max));
        match logarithmic {
            true => Self::logarithmic(low, high, ticks),
            false => Self::linear(low, high, scale, ticks),
        }
    }

    fn linear(low: f64, high: f64, scale: Scale, ticks: usize) -> Self {
        let largest = low.abs().max(high.abs());
        let (low, high) = match high - low {
            // Nothing to show, or nothing but zeros.
            _ if low > high || largest < 1e-100 => (0.0, 1.0),
            width if width <= largest * SAME => (low - 0.1 * largest, high + 0.1 * largest),
            _ => (low, high),
        };
        let zero = low >= 0.0 && (matches!(scale, Scale::FromZero | Scale::Whole) || low < 0.4 * high);
        let from = if zero { 0.0 } else { low - PADDING * (high - low) };
        let to = high + PADDING * (high - from);
        let ticks = if scale == Scale::Whole { ticks.min((to - from).ceil() as usize) } else { ticks };
        Self { logarithmic: false, from, to, ticks: even_ticks(from, to, ticks) }
    }

    fn logarithmic(low: f64, high: f64, ticks: usize) -> Self {
        let (low, high) = match high / low {
            _ if low > high => (1.0, 10.0),
            factor if factor < 1.2 => (low / 1.5, high * 1.5),
            _ => (low, high),
        };
        let padding = (high / low).powf(PADDING);
        let (from, to) = (low / padding, high * padding);
        Self { logarithmic: true, from, to, ticks: factor_ticks(from, to, ticks) }
    }

    /// An axis between two values, regardless of what is drawn.
    pub(super) fn fixed(from: f64, to: f64, ticks: usize) -> Self {
        Self { logarithmic: false, from, to, ticks: even_ticks(from, to, ticks) }
    }

    /// An axis along which places are, close to both ends; whole numbers if all places are whole.
    pub(super) fn along(places: &[f64], ticks: usize) -> Self {
        let finite = || places.iter().copied().filter(|place| place.is_finite() && place.abs() < LARGEST);
        let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        let width = high - low;
        if width <= 0.0 || low > high {
            let only = if low > high { 0.0 } else { low };
            let decimals = usize::from(only.fract() != 0.0);
            let tick = Tick { value: only, label: format!("{only:.decimals$}") };
            return Self { logarithmic: false, from: only - 1.0, to: only + 1.0, ticks: vec![tick] };
        }
        let is_whole = finite().all(|place| place.fract() == 0.0);
        let fitting = if is_whole { ticks.min((width as usize).max(1)) } else { ticks };
        let ticks = even_ticks(low, high, fitting);
        Self { logarithmic: false, from: low - MARGIN * width, to: high + MARGIN * width, ticks }
    }

    pub(super) fn ends(&self) -> [f64; 2] {
        [self.from, self.to]
    }

    /// The position of a value: 0 at the lower end, 1 at the upper one; `None` if it has no position.
    pub(super) fn share(&self, value: f64) -> Option<f64> {
        let share = match self.logarithmic {
            true => (value / self.from).ln() / (self.to / self.from).ln(),
            false => (value - self.from) / (self.to - self.from),
        };
        has_place(value, self.logarithmic).then(|| share.clamp(0.0, 1.0))
    }
}

/// What is larger is the end of a training as much as infinity is, and its ratios would be infinite.
const LARGEST: f64 = 1e100;

fn has_place(value: f64, logarithmic: bool) -> bool {
    value.abs() < LARGEST && (!logarithmic || value > 1.0 / LARGEST)
}

/// Ticks at multiples of 1, 2 or 5 times a power of ten.
fn even_ticks(from: f64, to: f64, most: usize) -> Vec<Tick> {
    let (digit, exponent) = round_step((to - from) / most.max(1) as f64);
    let step = digit * 10_f64.powi(exponent);
    let largest = from.abs().max(to.abs());
    let numbers = (from / step).ceil() as i64..=(to / step).floor() as i64;
    numbers
        .map(|number| number as f64 * step)
        .map(|value| Tick { value, label: label(value, exponent, largest) })
        .collect()
}

/// The smallest of 1, 2 or 5 times a power of ten that is not smaller.
pub(super) fn round_step(least: f64) -> (f64, i32) {
    let exponent = least.log10().floor() as i32;
    let power = 10_f64.powi(exponent);
    match [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= least * (1.0 - 1e-9)) {
        Some(digit) => (digit, exponent),
        None => (1.0, exponent + 1),
    }
}

/// Ticks at powers of ten, at 2 and 5 times them if there are few, and even ones if these are still too few.
fn factor_ticks(from: f64, to: f64, most: usize) -> Vec<Tick> {
    let exponents = from.log10().floor() as i32..=to.log10().ceil() as i32;
    let ticks = |digits: &[u8], every: usize| -> Vec<Tick> {
        let places = exponents.clone().filter(|exponent| exponent.rem_euclid(every as i32) == 0);
        let ticks = places.flat_map(|exponent| {
            digits.iter().map(move |&digit| {
                let value = f64::from(digit) * 10_f64.powi(exponent);
                Tick { value, label: label(value, exponent, value) }
            })
        });
        ticks.filter(|tick| (from..=to).contains(&tick.value)).collect()
    };
    let fine = ticks(&[1, 2, 5], 1);
    match fine.len() {
        0..3 => even_ticks(from, to, most),
        count if count <= most + 2 => fine,
        _ => ticks(&[1], (((to.log10() - from.log10()) / most.max(1) as f64).ceil() as usize).max(1)),
    }
}

/// A number with the digits that distinguish it from the next tick, whose last digit counts ten to the power of `exponent`.
fn label(value: f64, exponent: i32, largest: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if is_plain(largest) {
        return format!("{value:.*}", (-exponent).max(0) as usize);
    }
    let digits = (value.abs().log10() + 1e-9).floor() as i32 - exponent;
    format!("{value:.*e}", digits.max(0) as usize)
}

/// Whether a number is written without a power of ten.
fn is_plain(value: f64) -> bool {
    (1e-3..1e6).contains(&value.abs())
}

/// A number with three significant digits; a whole one without decimals.
#[must_use]
pub fn brief(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        _ if value.fract() == 0.0 && (2.0..1e5).contains(&value.abs()) => format!("{value:.0}"),
        _ if !is_plain(value) => format!("{value:.2e}"),
        _ => format!("{value:.*}", (2 - value.abs().log10().floor() as i32).max(0) as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], scale: Scale) -> Vec<String> {
        Axis::over(values, scale, 6).ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round_numbers_with_the_digits_they_need() {
        assert_eq!(labels(&[0.05, 0.42], Scale::Linear), ["0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(labels(&[0.912, 0.931], Scale::Linear), ["0.915", "0.920", "0.925", "0.930"]);
        assert_eq!(labels(&[-12.0, 31.0], Scale::Linear), ["-10", "0", "10", "20", "30"]);
        assert_eq!(labels(&[9000.0, 12_000.0], Scale::FromZero), ["0", "5000", "10000"]);
        assert_eq!(labels(&[1.0, 2.0], Scale::Whole), ["0", "1", "2"]);
        assert_eq!(labels(&[9000.0, 12_000.0], Scale::Whole), ["0", "5000", "10000"]);
        assert_eq!(labels(&[1e-5, 4e-5], Scale::Linear), ["0", "1e-5", "2e-5", "3e-5", "4e-5"]);
        assert_eq!(
            labels(&[1.5e-5, 2e-5], Scale::Linear),
            ["1.5e-5", "1.6e-5", "1.7e-5", "1.8e-5", "1.9e-5", "2.0e-5"]
        );
        assert_eq!(labels(&[0.3; 4], Scale::Linear), ["0.28", "0.30", "0.32"]);
    }

    #[test]
    fn logarithmic_ticks_follow_the_span() {
        assert_eq!(labels(&[1e-7, 1e-2], Scale::Logarithmic), ["1e-7", "1e-6", "1e-5", "1e-4", "0.001", "0.01"]);
        assert_eq!(labels(&[0.03, 1.2], Scale::Logarithmic), ["0.05", "0.1", "0.2", "0.5", "1"]);
        assert_eq!(labels(&[0.5, 0.9], Scale::Logarithmic), ["0.5", "0.6", "0.7", "0.8", "0.9"]);
        assert!(labels(&[1e-150, 1e150], Scale::Logarithmic).len() <= 8);
    }

    #[test]
    fn equal_steps_or_equal_factors_are_equally_high() {
        let linear = Axis::over(&[0.0, 10.0], Scale::Linear, 6);
        let share = |value: f64| linear.share(value).unwrap();
        assert!((share(4.0) - share(2.0) - (share(8.0) - share(6.0))).abs() < 1e-12);
        assert_eq!(share(0.0), 0.0);
        let logarithmic = Axis::over(&[0.01, 10.0], Scale::Logarithmic, 6);
        let share = |value: f64| logarithmic.share(value).unwrap();
        assert!((share(0.1) - share(0.01) - (share(10.0) - share(1.0))).abs() < 1e-12);
    }

    #[test]
    fn values_that_are_not_finite_are_not_drawn_and_do_no_harm() {
        for scale in [Scale::Linear, Scale::FromZero, Scale::Whole, Scale::Logarithmic] {
            for values in
                [&[][..], &[f64::NAN], &[f64::INFINITY, 0.0], &[1e-320, 3e-320], &[f64::MAX, -f64::MAX], &[-1.0]]
            {
                let axis = Axis::over(values, scale, 6);
                assert!(axis.ticks.len() < 20, "{scale:?} {values:?}: {}", axis.ticks.len());
                assert_eq!(axis.share(f64::NAN), None);
            }
        }
        assert_eq!(Axis::over(&[1.0, 2.0], Scale::Logarithmic, 6).share(0.0), None);
    }

    #[test]
    fn places_reach_nearly_to_both_ends_and_have_whole_ticks_if_they_are_whole() {
        let labels = |places: &[f64]| -> Vec<String> {
            Axis::along(places, 6).ticks.into_iter().map(|tick| tick.label).collect()
        };
        assert_eq!(labels(&[1.0, 2.0, 3.0]), ["1", "2", "3"]);
        assert_eq!(labels(&[1.0, 100.0]), ["20", "40", "60", "80", "100"]);
        assert_eq!(labels(&[5.0, 35.0]), ["5", "10", "15", "20", "25", "30", "35"]);
        assert_eq!((labels(&[7.0]), labels(&[4.3])), (vec!["7".to_owned()], vec!["4.3".to_owned()]));
        assert_eq!(Axis::along(&[3.0], 6).share(3.0), Some(0.5));
        let (axis, share) = (Axis::along(&[1.0, 3.0], 6), |axis: &Axis, value| axis.share(value).unwrap());
        assert!(share(&axis, 1.0) > 0.0 && share(&axis, 3.0) < 1.0);
        for places in [&[][..], &[f64::NAN], &[f64::INFINITY, 1.0], &[1e300, -1e300]] {
            assert!(Axis::along(places, 6).ticks.len() < 20, "{places:?}");
        }
    }

    #[test]
    fn values_are_shown_with_three_digits() {
        assert_eq!([0.0, 0.081_234, 12.345, 1234.5, 1.234e-5].map(brief), ["0", "0.0812", "12.3", "1234", "1.23e-5"]);
    }
}
