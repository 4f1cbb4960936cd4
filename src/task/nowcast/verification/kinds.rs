//! The forecasts that are measured side by side.

/// Who made a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The network.
    Model,
    /// The last frame repeated.
    Persistence,
    /// The last frame, moved along the motion of the last frames.
    Advection,
}

impl Kind {
    /// All of them, the learned one first, then from the simplest on.
    pub const ALL: [Self; 3] = [Self::Model, Self::Persistence, Self::Advection];

    /// What it is called in files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Persistence => "persistence",
            Self::Advection => "advection",
        }
    }
}
