//! What the streams of a model are made of, and how: what a prepared dataset and every model of it must agree on.

use serde::{Deserialize, Serialize};

use super::config::{Missing, Normalise, PointValue, Points, PrepareConfig, StreamConfig};

/// How a clip becomes the streams of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The streams, in the order in which the model joins them.
    pub streams: Vec<Stream>,
    /// The numbers of a point.
    pub values: Vec<PointValue>,
    /// What a part that was not seen becomes.
    pub missing: Missing,
    /// What coordinates are relative to.
    pub normalise: Normalise,
    /// The most frames of a sequence.
    pub max_frames: Option<usize>,
}

/// An input of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Its name.
    pub name: String,
    /// Its points in a frame.
    pub points: usize,
    /// The parts of the body that it consists of; null for those that its name says.
    pub parts: Option<Vec<String>>,
    /// The points that are taken from all points of these parts; null for all.
    pub chosen: Option<Vec<usize>>,
}

impl Recipe {
    /// What a configuration asks for. A group of points that does not exist counts as no points; checks have refused it before.
    #[must_use]
    pub fn of(config: &PrepareConfig) -> Self {
        let stream = |(name, stream): &(String, StreamConfig)| Stream {
            name: name.clone(),
            points: stream.points.count().unwrap_or(0),
            parts: stream.parts.clone(),
            chosen: match &stream.points {
                Points::All(_) => None,
                chosen => Some(chosen.chosen().ok().flatten().unwrap_or_default()),
            },
        };
        let PrepareConfig { ref streams, ref values, missing, normalise, max_frames, .. } = *config;
        Self { streams: streams.0.iter().map(stream).collect(), values: values.clone(), missing, normalise, max_frames }
    }

    /// The numbers of a stream in a frame.
    #[must_use]
    pub fn width(&self, stream: &Stream) -> usize {
        stream.points * self.values.len()
    }

    /// The numbers of all streams in a frame.
    #[must_use]
    pub fn all_widths(&self) -> usize {
        self.streams.iter().map(|stream| self.width(stream)).sum()
    }

    /// The numbers of a sequence of so many frames, stream by stream.
    #[must_use]
    pub fn split<'a>(&self, values: &'a [f32], frames: usize) -> Vec<&'a [f32]> {
        let mut rest = values;
        let mut take = |stream: &Stream| {
            let (own, behind) = rest.split_at((frames * self.width(stream)).min(rest.len()));
            rest = behind;
            own
        };
        self.streams.iter().map(&mut take).collect()
    }
}
