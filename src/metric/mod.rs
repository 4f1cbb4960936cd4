//! The quality of a model, in numbers. Plain arrays only: no tensor, no task, and no file except `metrics.json`.
//!
//! ```text
//! score      what a score is, defined by what measures it     better      which way it gets better
//! pooled     sums over groups, from which scores follow       bootstrap   how sure a score is, by drawing groups
//! document   metrics.json                                     comparison  two of them, and what may be chance
//! ordered    values by name that keep their order             forecast    forecasts of fields: sums and their scores
//! classes    choices among classes: counts and their scores
//! ```

pub mod better;
pub mod bootstrap;
pub mod choice;
pub mod classes;
pub mod comparison;
pub mod document;
pub mod forecast;
pub mod ordered;
pub mod pooled;
pub mod score;
