//! The task as a whole: against PyTorch, in each precision, in parts, in phases, in the engine. What its files do by
//! themselves is tested beside them.

mod batch;
mod engine;
mod learning;
mod moving;
mod phases;
mod pictures;
mod scoring;
mod steps;
