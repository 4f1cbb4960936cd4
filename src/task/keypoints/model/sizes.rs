//! What a network is built for: the streams that it gets and the classes that it tells apart.

/// What a network is built for.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Its streams, in the order of its input.
    pub streams: Vec<Stream>,
    /// What people call the classes.
    pub labels: Vec<String>,
    /// The frames of a sequence that its cost is told for.
    pub frames: i64,
}

/// Points that a network reads by themselves, such as those of both hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its name, which is part of the names of its parameters.
    pub name: String,
    /// The numbers of a frame.
    pub inputs: i64,
}

impl Sizes {
    /// How many classes there are.
    #[must_use]
    pub fn classes(&self) -> i64 {
        self.labels.len() as i64
    }
}
