//! The colours of values, and their legend. Reflectivity has those of weather services: steps of 5 dBZ, blues for
//! drizzle, greens for rain, yellow from 35, red from 50, magenta from 60; weak echo is lavender. Rain rates and
//! amounts of rain have steps that grow, each family with its own colours; those of amounts end at the greatest one.
//! Anything else has a perceptual scale over its own range.
//!
//! The lowest value is white in all of them: "no echo" is not the same as "not observed".

use crate::report::canvas::{BLACK, Canvas, GREY, Rgb, WHITE};
use crate::util::quantity::{Family, Quantity};
use crate::util::step::Step;

/// From -30 dBZ, one for each 5 dBZ.
pub const COLOURS: [Rgb; 20] = [
    [0xEC, 0xE9, 0xF3], // -30
    [0xDF, 0xDB, 0xEB],
    [0xD1, 0xCC, 0xE2], // -20
    [0xC2, 0xBD, 0xD8],
    [0xB0, 0xAE, 0xCE], // -10
    [0x9F, 0xA4, 0xC8],
    [0x8F, 0xB3, 0xD6], // 0
    [0x5A, 0xD2, 0xEA],
    [0x2A, 0x9F, 0xF2], // 10
    [0x12, 0x5C, 0xE0],
    [0x00, 0xCC, 0x22], // 20
    [0x00, 0x9C, 0x18],
    [0x00, 0x6E, 0x12], // 30
    [0xFF, 0xF0, 0x00],
    [0xE9, 0xB9, 0x00], // 40
    [0xFF, 0x8A, 0x00],
    [0xF2, 0x12, 0x00], // 50
    [0xB8, 0x00, 0x00],
    [0xF2, 0x00, 0xF2], // 60
    [0x96, 0x4E, 0xC6],
];

/// Rain rates in mm/h at which each colour begins: blues, then green, yellow, orange, red and magenta.
const RATES: [(f32, Rgb); 10] = [
    (0.1, [0xD6, 0xE6, 0xF5]),
    (0.2, [0xA8, 0xCE, 0xEE]),
    (0.5, [0x6A, 0xAE, 0xE6]),
    (1.0, [0x2A, 0x7F, 0xD4]),
    (2.0, [0x12, 0x4F, 0xA6]),
    (5.0, [0x2F, 0xA8, 0x4F]),
    (10.0, [0xF7, 0xE0, 0x26]),
    (20.0, [0xF5, 0x93, 0x1E]),
    (50.0, [0xD7, 0x1F, 0x1F]),
    (100.0, [0xA0, 0x1E, 0xA8]),
];

/// Amounts of rain: from pale green through blue to purple.
const AMOUNTS: [Rgb; 10] = [
    [0xE4, 0xF1, 0xC6],
    [0xC0, 0xE3, 0xBC],
    [0x90, 0xD1, 0xBB],
    [0x5A, 0xBB, 0xC2],
    [0x30, 0x9A, 0xC0],
    [0x22, 0x74, 0xB1],
    [0x24, 0x4C, 0x9B],
    [0x30, 0x2C, 0x7E],
    [0x5E, 0x1B, 0x7C],
    [0x92, 0x0C, 0x62],
];

/// The perceptual scale "viridis" of matplotlib, from low to high.
const VIRIDIS: [Rgb; 11] = [
    [0x44, 0x01, 0x54],
    [0x48, 0x24, 0x75],
    [0x41, 0x44, 0x87],
    [0x35, 0x5F, 0x8D],
    [0x2A, 0x78, 0x8E],
    [0x21, 0x91, 0x8C],
    [0x22, 0xA8, 0x84],
    [0x44, 0xBF, 0x70],
    [0x7A, 0xD1, 0x51],
    [0xBD, 0xDF, 0x26],
    [0xFD, 0xE7, 0x25],
];

pub(super) const NOTHING: Rgb = WHITE;
pub(super) const MISSING: Rgb = [0xED; 3];
pub(super) const MISSING_LINE: Rgb = [0xC8; 3];

/// How values become colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// The unit of the values.
    unit: String,
    /// The unit of a difference of two.
    unit_of_difference: String,
    /// Below this there is no echo.
    floor: f32,
    /// What that is called.
    nothing: &'static str,
    /// Where each colour begins, from weak to strong; weaker and stronger values have the first and the last colour.
    steps: Vec<(f32, Rgb)>,
    /// The numbers beside the colour bar, each with its place counted in colours from below.
    ticks: Vec<(f32, String)>,
    /// Where the colours of errors change; below the first a forecast is good.
    errors: [f32; 5],
    /// From nothing to full: weaker values fade on a page, as weak echo makes a forecast look larger than it is.
    fade: Option<[f32; 2]>,
}

/// Between these reflectivity fades.
const FADE: [f32; 2] = [-10.0, 5.0];

impl Scale {
    /// How a frame lies, as a note beside it: a pure number is on no map.
    #[must_use]
    pub fn orientation(&self) -> Option<&'static str> {
        (!self.unit.is_empty()).then_some("north is up")
    }

    /// The scale of a quantity whose values are kept between two: the lower one is the floor.
    #[must_use]
    pub fn of(quantity: &Quantity, min: f64, max: f64) -> Self {
        let half_a_byte = (max - min) / 254.0 / 2.0;
        let (steps, nothing, errors) = match quantity.family() {
            Family::Reflectivity => (reflectivity(), "no echo", [2.5, 5.0, 10.0, 20.0, 30.0]),
            Family::RainRate => (RATES.to_vec(), "no rain", of_steps(&RATES)),
            Family::RainAmount => {
                let steps = amounts(max);
                let errors = of_steps(&steps);
                (steps.to_vec(), "no rain", errors)
            }
            Family::Other => (over(min, max), "minimum", shares(max - min)),
        };
        let floor = match quantity.family() {
            Family::Reflectivity => (min + 0.5) as f32,
            Family::RainRate | Family::RainAmount => steps[0].0.max((min + half_a_byte) as f32),
            Family::Other => (min + half_a_byte) as f32,
        };
        let ticks = match quantity.family() {
            Family::Reflectivity => {
                (0..=20).step_by(2).map(|step| (step as f32, (step * 5 - 30).to_string())).collect()
            }
            Family::RainRate | Family::RainAmount => numbered(&steps),
            Family::Other => along(&steps, min, max),
        };
        Self {
            unit: quantity.unit().to_owned(),
            unit_of_difference: quantity.unit_of_difference().to_owned(),
            floor,
            nothing,
            steps,
            ticks,
            errors,
            fade: (quantity.family() == Family::Reflectivity).then_some(FADE),
        }
    }

    /// The place of a value's colour among all; `None` if there is nothing.
    pub(super) fn step(&self, value: f32) -> Option<usize> {
        (value >= self.floor).then(|| self.steps.iter().filter(|(from, _)| *from <= value).count().saturating_sub(1))
    }

    /// The same for pictures of forecasts: what fades on a page is paler here, down to white.
    pub(super) fn calm(&self) -> Self {
        let paler = |(from, [red, green, blue, opacity]): (f32, [u8; 4])| {
            let share = f32::from(opacity) / 255.0;
            (from, [red, green, blue].map(|part| (255.0 - share * (255.0 - f32::from(part))).round() as u8))
        };
        Self { steps: self.faded().map(paler).collect(), ..self.clone() }
    }

    /// All steps: where each begins, its colour, and how opaque it is on a page.
    pub(super) fn faded(&self) -> impl Iterator<Item = (f32, [u8; 4])> {
        let width = self.steps.get(1).map_or(1.0, |(second, _)| second - self.steps[0].0);
        self.steps.iter().map(move |&(from, [red, green, blue])| {
            let share = self.fade.map_or(1.0, |[gone, full]| (from - gone + width) / (full - gone + width));
            (from, [red, green, blue, (255.0 * share.clamp(0.0, 1.0)).round() as u8])
        })
    }

    /// The unit of the values.
    #[must_use]
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// The colour of a value at a pixel of a picture; `NaN` is missing and hatched, which is why the place matters.
    #[must_use]
    pub fn colour(&self, value: f32, x: usize, y: usize) -> Rgb {
        if value.is_nan() {
            return missing(x, y);
        }
        if value < self.floor {
            return NOTHING;
        }
        let begun = self.steps.iter().filter(|(from, _)| *from <= value).count();
        self.steps[begun.saturating_sub(1)].1
    }

    /// All colours, from weak to strong.
    pub(super) fn colours(&self) -> impl ExactSizeIterator<Item = Rgb> + DoubleEndedIterator {
        self.steps.iter().map(|(_, colour)| *colour)
    }

    /// "dB" for reflectivity.
    pub(super) fn unit_of_difference(&self) -> &str {
        &self.unit_of_difference
    }

    /// Where the colours of errors change.
    pub(super) fn errors(&self) -> [f32; 5] {
        self.errors
    }
}

/// The colour of a missing value at a pixel.
pub(super) fn missing(x: usize, y: usize) -> Rgb {
    if (x + y).is_multiple_of(8) { MISSING_LINE } else { MISSING }
}

fn reflectivity() -> Vec<(f32, Rgb)> {
    COLOURS.iter().enumerate().map(|(step, &colour)| (step as f32 * 5.0 - 30.0, colour)).collect()
}

/// Steps of 1, 2 and 5 up to the greatest amount: five minutes of rain and a day of it need other ones.
fn amounts(max: f64) -> [(f32, Rgb); 10] {
    let series = |place: i32| [1.0, 2.0, 5.0][place.rem_euclid(3) as usize] * 10_f64.powi(place.div_euclid(3));
    let last = (-30..30).rev().find(|&place| series(place) <= max).unwrap_or(0);
    std::array::from_fn(|step| (series(last - 9 + step as i32) as f32, AMOUNTS[step]))
}

/// Errors that matter on a scale of these steps.
fn of_steps(steps: &[(f32, Rgb); 10]) -> [f32; 5] {
    [1, 2, 3, 5, 7].map(|step: usize| steps[step].0)
}

/// Twenty colours, evenly spaced.
fn over(min: f64, max: f64) -> Vec<(f32, Rgb)> {
    let colour = |step: usize| {
        let place = step as f64 / 19.0 * (VIRIDIS.len() - 1) as f64;
        let (below, share) = (place as usize, place.fract());
        let [low, high] = [below, (below + 1).min(VIRIDIS.len() - 1)].map(|index| VIRIDIS[index]);
        [0, 1, 2].map(|part| (f64::from(low[part]) * (1.0 - share) + f64::from(high[part]) * share).round() as u8)
    };
    (0..20).map(|step| ((min + step as f64 / 20.0 * (max - min)) as f32, colour(step))).collect()
}

/// Errors as shares of the range, rounded.
fn shares(span: f64) -> [f32; 5] {
    [0.02, 0.05, 0.1, 0.2, 0.3].map(|share| Step::at_least(share * span).times(1) as f32)
}

/// Every step has its number.
fn numbered(steps: &[(f32, Rgb)]) -> Vec<(f32, String)> {
    steps.iter().enumerate().map(|(place, (from, _))| (place as f32, from.to_string())).collect()
}

/// Round numbers along evenly spaced steps.
fn along(steps: &[(f32, Rgb)], min: f64, max: f64) -> Vec<(f32, String)> {
    let round = Step::at_least((max - min) / 8.0).between(min - 1e-9 * (max - min), max + 1e-9 * (max - min));
    let place = |value: f64| ((value - min) / (max - min) * steps.len() as f64) as f32;
    round.into_iter().map(|value| (place(value), value.to_string())).collect()
}

/// How wide [`legend`] is in pixels.
pub(super) const LEGEND_WIDTH: usize = 84;
/// How tall it must at least be for its labels.
pub(super) const LEGEND_MIN_HEIGHT: usize = 230;

/// How wide the bar itself is.
pub(super) const BAR_WIDTH: usize = 20;

/// The top and the height of the colour bar in a legend that begins at `y`: other bars are beside it.
pub(super) fn bar(y: usize, height: usize) -> (usize, usize) {
    let step = (height.saturating_sub(26 + 58) / COLOURS.len()).clamp(7, 26);
    (y + 26, step * COLOURS.len())
}

/// What a colour at a pixel means.
pub(super) type Named<'a> = (&'a str, &'a dyn Fn(usize, usize) -> Rgb);

/// A colour bar: colours of equal height, ticks counted in colours from below, and samples of further colours under it.
pub(super) struct Bar<'a> {
    /// The text above the bar.
    pub(super) title: &'a str,
    /// From weak to strong.
    pub(super) colours: &'a [Rgb],
    /// Each with its place, counted in colours from below.
    pub(super) ticks: &'a [(f32, String)],
    /// Names under the bar, each with its colour at a pixel.
    pub(super) samples: &'a [Named<'a>],
}

impl Bar<'_> {
    /// Draws the bar with its top left corner here, as tall as [`bar`] says.
    pub(super) fn draw(&self, canvas: &mut Canvas, [x, y]: [usize; 2], height: usize) {
        let (bar_top, bar_height) = bar(y, height);
        let count = self.colours.len();
        let edge = |step: usize| bar_top + step * bar_height / count;
        canvas.text(self.title, [x, y + 9], 14, BLACK);
        for (index, &colour) in self.colours.iter().rev().enumerate() {
            canvas.fill([x, edge(index)], [BAR_WIDTH, edge(index + 1) - edge(index)], colour);
        }
        canvas.frame([x, bar_top], [BAR_WIDTH, bar_height], GREY);
        for (place, label) in self.ticks {
            let tick_y = bar_top + bar_height - (place * bar_height as f32 / count as f32).round() as usize;
            canvas.fill([x + BAR_WIDTH + 1, tick_y.saturating_sub(1)], [4, 1], GREY);
            canvas.text(label, [x + BAR_WIDTH + 9, tick_y], 13, BLACK);
        }
        for (index, (label, colour)) in self.samples.iter().enumerate() {
            let top = bar_top + bar_height + 16 + 22 * index;
            for (row, column) in (top..top + 14).flat_map(|row| (x..x + BAR_WIDTH).map(move |column| (row, column))) {
                canvas.set(column, row, colour(column, row));
            }
            canvas.frame([x, top], [BAR_WIDTH, 14], GREY);
            canvas.text(label, [x + BAR_WIDTH + 8, top + 7], 13, BLACK);
        }
    }
}

/// The colour bar with its labels, and the two colours that are not values.
pub(super) fn legend(canvas: &mut Canvas, scale: &Scale, place: [usize; 2], height: usize) {
    let colours: Vec<Rgb> = scale.colours().collect();
    let nothing = |x, y| scale.colour(f32::NEG_INFINITY, x, y);
    let missing = |x, y| scale.colour(f32::NAN, x, y);
    let samples: [Named<'_>; 2] = [(scale.nothing, &nothing), ("missing", &missing)];
    Bar { title: &scale.unit, colours: &colours, ticks: &scale.ticks, samples: &samples }.draw(canvas, place, height);
}

#[cfg(test)]
pub(super) fn dbz() -> Scale {
    Scale::of(&Quantity::default(), -29.0, 65.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_reflectivity_begin_at_multiples_of_five() {
        let scale = dbz();
        assert_eq!(scale.colour(35.0, 0, 0), [0xFF, 0xF0, 0x00]);
        assert_eq!(scale.colour(34.9, 0, 0), [0x00, 0x6E, 0x12]);
        assert_eq!(scale.colour(99.0, 0, 0), COLOURS[19]);
    }

    #[test]
    fn only_what_is_on_a_map_has_a_north() {
        let orientation = |unit: &str| Scale::of(&Quantity::of(unit), 0.0, 1.0).orientation();
        assert_eq!(["dBZ", "", "mm/h", "K"].map(orientation), [Some("north is up"); 4]);
        assert_eq!(orientation("1"), None, "moving digits");
    }

    #[test]
    fn missing_no_echo_and_weak_echo_differ() {
        let scale = dbz();
        let (missing, line) = (scale.colour(f32::NAN, 1, 0), scale.colour(f32::NAN, 4, 4));
        let (nothing, weak) = (scale.colour(-29.0, 1, 0), scale.colour(-28.0, 1, 0));
        assert_ne!(missing, line);
        assert_ne!(nothing, weak);
        assert!(!COLOURS.contains(&missing) && !COLOURS.contains(&nothing));
        assert_ne!(missing, nothing);
    }

    #[test]
    fn the_floor_is_white_whatever_it_is_and_what_is_above_it_is_not() {
        for unit in ["dBZ", "mm/h", "mm", "K"] {
            for (min, max) in [(-32.0, 95.0), (-29.0, 65.0), (0.0, 60.0), (5.0, 100.0)] {
                let scale = Scale::of(&Quantity::of(unit), min, max);
                let byte = (max - min) / 254.0;
                assert_eq!(scale.colour(min as f32, 1, 0), WHITE, "{unit} from {min}");
                assert_eq!(scale.colour(f32::NEG_INFINITY, 1, 0), WHITE, "{unit} from {min}");
                // Less than 0.1 mm is no rain, whatever the floor.
                let above = (min + 0.6_f64.max(byte)).max(if unit.starts_with("mm") { 0.1 } else { min });
                assert_ne!(scale.colour(above as f32, 1, 0), WHITE, "{unit} from {min}");
            }
        }
    }

    #[test]
    fn weak_echo_is_pale_in_forecasts_and_the_rest_is_as_elsewhere() {
        let (all, calm) = (dbz(), dbz().calm());
        assert_eq!([calm.colour(-25.0, 0, 0), calm.colour(5.0, 0, 0)], [WHITE, all.colour(5.0, 0, 0)]);
        let [pale, full] = [&calm, &all].map(|scale| scale.colour(-3.0, 0, 0).map(u32::from).iter().sum::<u32>());
        assert!(pale > full && pale < 3 * 255, "{pale} {full}");
    }

    #[test]
    fn each_family_has_its_steps_and_colours() {
        let scale = |unit: &str| Scale::of(&Quantity::of(unit), 0.0, 100.0);
        let [rate, amount, other] = ["kg m-2 h-1", "kg m-2", "K"].map(scale);
        assert_eq!([rate.unit(), amount.unit(), other.unit()], ["mm/h", "mm", "K"]);
        assert_eq!(rate.colour(4.9, 0, 0), RATES[4].1);
        assert_eq!(rate.colour(5.0, 0, 0), RATES[5].1);
        assert_eq!(amount.colour(500.0, 0, 0), AMOUNTS[9]);
        let short = Scale::of(&Quantity::of("mm"), 0.0, 4.0);
        assert_eq!((short.steps[0].0, short.steps[9].0, short.errors), (0.002, 2.0, [0.005, 0.01, 0.02, 0.1, 0.5]));
        assert_eq!((other.colour(0.5, 0, 0), other.colour(99.0, 0, 0)), (VIRIDIS[0], VIRIDIS[10]));
        assert_eq!(
            other.ticks.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(),
            ["0", "20", "40", "60", "80", "100"]
        );
        assert_eq!(rate.ticks[0], (0.0, "0.1".into()));
    }
}
