//! Which parts of a dataset train, validate and test: pure rules over sizes, times or contents. They know neither files
//! nor the meaning of a part; a task decides what must never be split.
//!
//! [`in_order`] keeps parts whole that are given in time order, [`stratified`] gives every class its share.

mod ordered;
mod stratified;

use serde::{Deserialize, Serialize};

pub use self::ordered::{in_order, linked};
pub use self::stratified::{Item, stratified};

/// What a part of a dataset serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The weights are fitted to it.
    Train,
    /// It decides which weights are kept.
    Val,
    /// It is looked at when everything is decided.
    Test,
}

impl Side {
    /// All sides.
    pub const ALL: [Self; 3] = [Self::Train, Self::Val, Self::Test];

    /// Its name in commands and configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        }
    }

    /// Its name in sentences: the ... side.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Val => "validation",
            Self::Test => "test",
        }
    }
}

/// How much validates and tests; the rest trains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// The share that validates.
    pub val: f64,
    /// The share that tests.
    pub test: f64,
}

impl Shares {
    /// Whether both are shares and leave something for training.
    #[must_use]
    pub fn leave_some(self) -> bool {
        // Written so that NaN is refused as well.
        self.val >= 0.0 && self.test >= 0.0 && self.val + self.test < 1.0
    }
}
