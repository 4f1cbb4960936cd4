//! A sequence of keypoints as files have it, before it is made into the streams of a configuration.

use std::ops::Range;

/// The numbers of a point: x, y, z and the confidence, in this order.
pub const VALUES: usize = 4;

/// A sequence with what is known about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clip {
    /// What it is called: unique in its dataset.
    pub name: String,
    /// Its class; none if it is to be predicted.
    pub class: Option<String>,
    /// Who made it; none if nobody says.
    pub signer: Option<String>,
    /// The recording that it was cut from.
    pub source: Option<Source>,
    /// Its frames, in order of time.
    pub frames: usize,
    /// How many of them a second has; none if nobody says.
    pub fps: Option<f64>,
    /// The parts of the body that the file has, such as `pose`, `left_hand`, `right_hand`, `face`; `stroke` for a pen.
    pub parts: Vec<Part>,
}

impl Clip {
    /// Some of its frames by themselves.
    ///
    /// # Panics
    /// If it does not have these frames.
    #[must_use]
    pub fn cut(&self, frames: Range<usize>) -> Self {
        let part = |part: &Part| {
            let row = part.points * VALUES;
            Part { values: part.values[frames.start * row..frames.end * row].to_vec(), ..part.about() }
        };
        let parts = self.parts.iter().map(part).collect();
        let (name, class, signer, source) =
            (self.name.clone(), self.class.clone(), self.signer.clone(), self.source.clone());
        Self { name, class, signer, source, frames: frames.len(), fps: self.fps, parts }
    }
}

/// Where a clip was cut out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The recording.
    pub video: String,
    /// Its first and last frame there; [`Self::NO_SPAN`] if nobody says.
    pub span: [u64; 2],
}

impl Source {
    /// No frames: the last one is before the first.
    pub const NO_SPAN: [u64; 2] = [1, 0];
}

/// Points that are seen or missed together.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// How many points it has.
    pub points: usize,
    /// Which of x, y, z and the confidence the file has. What it lacks is 0 for x, y and z, and 1 for the confidence of a seen point.
    pub has: [bool; VALUES],
    /// `frames` times `points` times [`VALUES`] numbers, as the file spells them: a missing part is still spelled by equal points,
    /// zeros or NaN; one that is absent from a frame is NaN.
    pub values: Vec<f32>,
}

impl Part {
    /// The same without numbers.
    fn about(&self) -> Self {
        Self { name: self.name.clone(), points: self.points, has: self.has, values: Vec::new() }
    }
}
