//! The part of preparing that every task shares: finding the files, remembering what is known of each, setting aside
//! those that can't be used, refusing too many of them, and the report for people. The task reads each file and decides
//! what to do with it.
//!
//! ```text
//! files    every folder that directly holds files of the kind, with a stamp of each file
//! record   what became of a file, so that the next time only what changed is done
//! work     many files at once, results in order, a signal ends it
//! report   report.json for a dataset that was prepared, refused.json for one that was not
//! key      the folder of a prepared dataset, which names the options and ends in their hash
//! ```

pub mod files;
pub mod key;
pub mod record;
pub mod report;
pub mod work;
