//! Configurations for the tests of the layers above, which name no task.

/// The shortest configuration that is valid.
pub const SMALLEST: &str = "data: {source: [{synthetic: {}}]}\ntask: {nowcast: {}}\n";

/// The shortest section of a task.
pub const SHORTEST: &str = "{nowcast: {}}";

/// A section with a variant that has keys, text that looks like a number, and a negative number.
pub const EVERY_KIND: &str = "{nowcast: {prepare: {levels: {channels: [0, 1]}, variable: '1e3', min_dbz: -0.1}}}";

/// A key of a section inside that of a task, and the path of that section.
pub const NESTED_KEY: (&str, &str) = ("stride", "task.nowcast.windows");

/// The same key with its default, in a configuration that is shown whole.
pub const NESTED_LINE: &str = "      stride: 5";
