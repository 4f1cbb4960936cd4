//! Datasets that are generated on this machine: the settings of each kind. The generators are with the code that trains
//! on the kind.
//!
//! A kind is named, `synthetic: {moving_digits: {events: 8}}`. Without a name it is storms: `synthetic: {events: 8}`.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::util::problem::Problem;
use crate::util::units::count;

/// The most sequences of signs: more would not fit into one file.
const MOST_TAKES: usize = 50_000;

/// A synthetic dataset, by its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Synthetic {
    /// Storms as a weather radar sees them.
    Storms(Storms),
    /// Handwritten characters, a folder for each.
    Characters(Characters),
    /// Digits that move over a dark square: Moving MNIST.
    MovingDigits(MovingDigits),
    /// Moving skeletons of people who sign.
    Signs(Signs),
}

/// Moving skeletons of people who sign, with two hands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Signs {
    /// Different signs.
    pub classes: usize,
    /// People, each with a size, a place, a speed and an accent.
    pub signers: usize,
    /// How often each signer makes each sign.
    pub takes: usize,
    /// The share of takes in which a hand is not seen for a while.
    pub occlusion: f64,
    /// The same seed gives the same bytes.
    pub seed: u64,
}

impl Default for Signs {
    fn default() -> Self {
        Self { classes: 30, signers: 10, takes: 6, occlusion: 0.4, seed: 42 }
    }
}

/// Digits that move over a dark square: Moving MNIST.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MovingDigits {
    /// Sequences: one folder each.
    pub events: usize,
    /// Frames of a sequence.
    pub frames: usize,
    /// Rows and columns of a frame; a digit has 28.
    pub grid: usize,
    /// Digits in a frame.
    pub digits: usize,
    /// A file of digits of 28 x 28 cells in the format of MNIST (idx3-ubyte, plain or .gz); without one they are drawn.
    pub idx: Option<PathBuf>,
    /// The path or the address of `mnist_test_seq.npy`, whose sequences are the test side; without it the shares of the split decide.
    pub test: Option<String>,
    /// The same seed gives the same bytes.
    pub seed: u64,
}

impl Default for MovingDigits {
    fn default() -> Self {
        Self { events: 1000, frames: 20, grid: 64, digits: 2, idx: None, test: None, seed: 42 }
    }
}

/// Handwritten characters, a folder for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Characters {
    /// The characters, each once.
    pub alphabet: String,
    /// Images of each character.
    pub per_class: usize,
    /// Rows and columns of an image.
    pub size: usize,
    /// The same seed gives the same bytes.
    pub seed: u64,
}

impl Default for Characters {
    fn default() -> Self {
        Self { alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".into(), per_class: 60, size: 28, seed: 42 }
    }
}

/// Storms as a weather radar sees them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Storms {
    /// Events: one folder each.
    pub events: usize,
    /// Frames of an event.
    pub frames: usize,
    /// Rows and columns of a frame, at 1 km.
    pub grid: usize,
    /// Vertical levels, 1 km apart.
    pub levels: usize,
    /// The same seed gives the same bytes.
    pub seed: u64,
}

impl Default for Storms {
    fn default() -> Self {
        Self { events: 8, frames: 40, grid: 64, levels: 2, seed: 42 }
    }
}

/// As it is written in a configuration.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    /// Storms, without their name.
    Short(Storms),
    /// Any kind, with its name.
    Named(Named),
}

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Named {
    /// Storms as a weather radar sees them.
    Storms(Storms),
    /// Handwritten characters, a folder for each.
    Characters(Characters),
    /// Digits that move over a dark square: Moving MNIST.
    MovingDigits(MovingDigits),
    /// Moving skeletons of people who sign.
    Signs(Signs),
}

impl From<Written> for Synthetic {
    fn from(written: Written) -> Self {
        match written {
            Written::Short(storms) | Written::Named(Named::Storms(storms)) => Self::Storms(storms),
            Written::Named(Named::Characters(characters)) => Self::Characters(characters),
            Written::Named(Named::MovingDigits(digits)) => Self::MovingDigits(digits),
            Written::Named(Named::Signs(signs)) => Self::Signs(signs),
        }
    }
}

impl From<Synthetic> for Written {
    fn from(synthetic: Synthetic) -> Self {
        match synthetic {
            Synthetic::Storms(storms) => Self::Short(storms),
            Synthetic::Characters(characters) => Self::Named(Named::Characters(characters)),
            Synthetic::MovingDigits(digits) => Self::Named(Named::MovingDigits(digits)),
            Synthetic::Signs(signs) => Self::Named(Named::Signs(signs)),
        }
    }
}

impl JsonSchema for Synthetic {
    fn schema_name() -> Cow<'static, str> {
        "Synthetic".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}

impl Synthetic {
    /// The key of its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Storms(_) => "storms",
            Self::Characters(_) => "characters",
            Self::MovingDigits(_) => "moving_digits",
            Self::Signs(_) => "signs",
        }
    }

    /// The settings, if the kind is characters.
    #[must_use]
    pub fn characters(&self) -> Option<&Characters> {
        match self {
            Self::Characters(characters) => Some(characters),
            Self::Storms(_) | Self::MovingDigits(_) | Self::Signs(_) => None,
        }
    }

    /// The settings, if the kind is signs.
    #[must_use]
    pub fn signs(&self) -> Option<&Signs> {
        match self {
            Self::Signs(signs) => Some(signs),
            Self::Storms(_) | Self::MovingDigits(_) | Self::Characters(_) => None,
        }
    }

    /// Identifies it among all synthetic datasets.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Storms(Storms { events, frames, grid, levels, seed }) => format!(
                "Synthetic {{ events: {events}, frames: {frames}, grid: {grid}, levels: {levels}, seed: {seed} }}"
            ),
            Self::Characters(characters) => format!("{characters:?}"),
            Self::MovingDigits(digits) => format!("{digits:?}"),
            Self::Signs(signs) => format!("{signs:?}"),
        }
    }

    /// Everything in the settings that makes no sense.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Storms(storms) => storms.problems(),
            Self::Characters(characters) => characters.problems(),
            Self::MovingDigits(digits) => digits.problems(),
            Self::Signs(signs) => signs.problems(),
        }
    }
}

impl Characters {
    fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut letters: Vec<char> = self.alphabet.chars().collect();
        let all = letters.len();
        letters.sort_unstable();
        letters.dedup();
        if letters.len() < 2 || letters.len() < all {
            let message = format!("expected two or more characters, each once, got {:?}", self.alphabet);
            found.push(Problem::new("alphabet", message, "write `alphabet: ABC123`"));
        }
        found.extend(outside(&[("per_class", self.per_class, 1, 100_000), ("size", self.size, 8, 256)]));
        found
    }
}

impl MovingDigits {
    fn problems(&self) -> Vec<Problem> {
        let limits = [
            ("events", self.events, 1, 100_000),
            ("frames", self.frames, 2, 1000),
            // A digit has 28 rows and columns, and has to have room to move.
            ("grid", self.grid, 32, 512),
            ("digits", self.digits, 1, 20),
        ];
        let mut found = outside(&limits);
        if self.idx.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
            let remedy = "write the path of train-images-idx3-ubyte, or null: then digits are drawn";
            found.push(Problem::new("idx", "the path is empty", remedy));
        }
        if self.test.as_ref().is_some_and(|test| test.trim().is_empty()) {
            let remedy = "write the path or the address of mnist_test_seq.npy, or null";
            found.push(Problem::new("test", "the path is empty", remedy));
        }
        found
    }
}

impl Signs {
    fn problems(&self) -> Vec<Problem> {
        let limits =
            [("classes", self.classes, 2, 1000), ("signers", self.signers, 1, 1000), ("takes", self.takes, 1, 1000)];
        let mut found = outside(&limits);
        if !(0.0..=1.0).contains(&self.occlusion) {
            let message = format!("must lie between 0 and 1, got {}", self.occlusion);
            found.push(Problem::new("occlusion", message, "write 0.2, or 0 for hands that are always seen"));
        }
        let all = self.classes.saturating_mul(self.signers).saturating_mul(self.takes);
        if found.is_empty() && all > MOST_TAKES {
            let message = format!("{all} sequences are more than the {MOST_TAKES} that one file may hold");
            found.push(Problem::new("takes", message, "lower `takes`, `signers` or `classes`"));
        }
        found
    }
}

/// The numbers that are below their least or above their most.
fn outside(limits: &[(&'static str, usize, usize, usize)]) -> Vec<Problem> {
    let outside = limits.iter().filter(|(_, value, least, most)| !(least..=most).contains(&value));
    outside
        .map(|&(key, value, least, most)| {
            let message = format!("must lie between {least} and {most}, got {value}");
            Problem::new(key, message, nearest(value, least, most))
        })
        .collect()
}

/// What to write instead of a number that is too small or too large.
fn nearest(value: usize, least: usize, most: usize) -> String {
    if value < least { format!("write {least} or more") } else { format!("write {most} or less") }
}

impl Storms {
    fn problems(&self) -> Vec<Problem> {
        outside(&[
            ("events", self.events, 1, 10_000),
            ("frames", self.frames, 1, 4000),
            ("grid", self.grid, 16, 2000),
            ("levels", self.levels, 1, 30),
        ])
    }
}

impl fmt::Display for Synthetic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storms(Storms { events, frames, grid, levels, seed }) => {
                let (events, frames) = (count(*events as u64, "event"), count(*frames as u64, "frame"));
                write!(out, "synthetic ({events} of {frames}, {grid}x{grid}x{levels}, seed {seed})")
            }
            Self::Characters(Characters { alphabet, per_class, size, seed }) => {
                let classes = alphabet.chars().count();
                let images = count(*per_class as u64, "image");
                write!(out, "synthetic ({images} of each of {classes} characters, {size}x{size}, seed {seed})")
            }
            Self::MovingDigits(MovingDigits { events, frames, grid, digits, idx, test, seed }) => {
                let (events, frames) = (count(*events as u64, "event"), count(*frames as u64, "frame"));
                let moving = count(*digits as u64, "moving digit");
                let from = idx.as_ref().map(|path| format!(" of {}", path.display())).unwrap_or_default();
                let test = test.as_ref().map(|test| format!(", test {test}")).unwrap_or_default();
                write!(out, "synthetic ({events} of {frames}, {grid}x{grid}, {moving}{from}, seed {seed}{test})")
            }
            Self::Signs(Signs { classes, signers, takes, seed, .. }) => {
                let (people, each) = (count(*signers as u64, "signer"), count(*takes as u64, "take"));
                write!(out, "synthetic ({classes} signs, {people}, {each} of each, seed {seed})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn a_number_out_of_range_gets_the_nearest_that_is_allowed() {
        let remedies = |grid| Synthetic::Storms(Storms { grid, ..Storms::default() }).problems();
        assert_eq!(remedies(10_000_000)[0].remedy, "write 2000 or less");
        assert_eq!(remedies(1)[0].remedy, "write 16 or more");
        let one = Synthetic::Storms(Storms { events: 1, frames: 2, ..Storms::default() });
        assert_eq!(one.to_string(), "synthetic (1 event of 2 frames, 64x64x2, seed 42)");
    }

    #[test]
    fn a_digit_has_to_fit_into_the_frame_and_a_file_of_digits_has_a_name() {
        let wrong = MovingDigits {
            grid: 28,
            frames: 1,
            idx: Some("".into()),
            test: Some("".into()),
            ..MovingDigits::default()
        };
        let found = Synthetic::MovingDigits(wrong).problems();
        let found: Vec<_> = found.iter().map(|problem| (problem.path.as_str(), problem.remedy.as_str())).collect();
        assert_eq!(found[..2], [("frames", "write 2 or more"), ("grid", "write 32 or more")]);
        assert_eq!([found[2].0, found[3].0], ["idx", "test"]);
    }

    #[test]
    fn signs_out_of_range_are_reported_with_their_keys() {
        let paths = |signs: Signs| {
            Synthetic::Signs(signs).problems().into_iter().map(|problem| problem.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(Signs { classes: 1, occlusion: f64::NAN, ..Signs::default() }), ["classes", "occlusion"]);
        assert_eq!(paths(Signs { classes: 1000, signers: 51, takes: 1, ..Signs::default() }), ["takes"]);
        assert!(paths(Signs::default()).is_empty());
    }

    #[test]
    fn storms_need_no_name_and_are_shown_without_it() {
        let storms = Synthetic::Storms(Storms { events: 3, ..Storms::default() });
        for written in [json!({"events": 3}), json!({"storms": {"events": 3}})] {
            assert_eq!(from_value::<Synthetic>(written).unwrap(), storms);
        }
        let shown = json!({"events": 3, "frames": 40, "grid": 64, "levels": 2, "seed": 42});
        assert_eq!(to_value(&storms).unwrap(), shown);
        let digits = from_value::<Synthetic>(json!({"moving_digits": {"events": 3}})).unwrap();
        assert_eq!(digits.to_string(), "synthetic (3 events of 20 frames, 64x64, 2 moving digits, seed 42)");
        assert_eq!(from_value::<Synthetic>(to_value(&digits).unwrap()).unwrap(), digits);
        let signs = from_value::<Synthetic>(json!({"signs": {"signers": 1}})).unwrap();
        assert_eq!(signs.to_string(), "synthetic (30 signs, 1 signer, 6 takes of each, seed 42)");
        assert_eq!(from_value::<Synthetic>(to_value(&signs).unwrap()).unwrap(), signs);
        assert!(from_value::<Synthetic>(json!({"rain": {}})).is_err());
    }
}
