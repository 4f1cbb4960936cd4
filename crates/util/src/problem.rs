//! A mistake in the configuration, found by the component that owns the key.
//!
//! The component knows the key and the remedy; the place where the key was written (file, line, column,
//! environment, flag) is added by `config`.

/// One mistake: which key, what is wrong with its value, what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key as a dotted path, relative to the component that reports it, list items by index: `source.0.url.href`.
    pub path: String,
    /// What was found and what was expected, as a lowercase fragment.
    pub message: String,
    /// What to write, as a lowercase fragment.
    pub remedy: String,
    /// Whether its line may hold a secret and is not shown.
    pub secret: bool,
}

impl Problem {
    /// A problem at a key of the component itself.
    pub fn new(path: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), remedy: remedy.into(), secret: false }
    }

    /// The same problem, with its line not shown.
    #[must_use]
    pub fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// The same problem, seen from the component above.
    #[must_use]
    pub fn below(mut self, parent: &str) -> Self {
        self.path = if self.path.is_empty() { parent.to_owned() } else { format!("{parent}.{}", self.path) };
        self
    }
}
