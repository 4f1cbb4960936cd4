//! Configurations for the tests of the layers above, which name no task.

/// The shortest configuration that is valid.
pub const SMALLEST: &str = "data: {source: [{synthetic: {}}]}\ntask: {nowcast: {}}\n";
