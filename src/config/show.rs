//! A configuration as YAML, complete: every key, also those that were left to their defaults.

use super::Config;

/// The whole configuration as YAML that loads to the same configuration.
///
/// # Errors
/// If a path is not valid text, which YAML can't represent.
pub fn show(config: &Config) -> Result<String, serde_yaml::SerializeError> {
    serde_yaml::to_string(config)
}

#[cfg(test)]
mod tests {
    use super::super::resolve;
    use super::*;
    use crate::task::testing;

    fn loaded(text: &str) -> Config {
        resolve("config.yaml".into(), text.into(), &[], &[]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    #[test]
    fn what_is_shown_loads_to_the_same_configuration() {
        let every_kind = "\
name: \"no\"
seed: 18446744073709551615
device: cuda:1
data:
  name: 'null'
  source:
    - gdrive: {id: '0123', size_bytes: 7}
    - url: {href: 'https://example.org/a?b=c#d', sha256: E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855}
    - path: {path: '# not a comment: \\ ñ'}
task: TASK
train:
  schedule: constant
  optimizer: {sgd: {lr: 1e-300, nesterov: true}}
  clip_norm: null
  patience: null
  phases: [{train: {epochs: 3, optimizer: {adamw: {lr: 1e-5}}}, loss: {ssim_weight: 0.1}}, {}]
output: {mirror: '~'}
";
        for text in [&every_kind.replace("TASK", testing::EVERY_KIND), super::super::BUILT_IN] {
            let config = loaded(text);
            let shown = show(&config).unwrap();
            assert_eq!(loaded(&shown), config, "{shown}");
            assert_eq!(show(&loaded(&shown)).unwrap(), shown);
        }
    }

    #[test]
    fn every_default_is_filled_in() {
        let shown = show(&loaded(testing::SMALLEST)).unwrap();
        for line in ["  epochs: 50", "  mirror: null", "device: auto", testing::NESTED_LINE] {
            assert!(shown.lines().any(|shown| shown == line), "{line:?} is not in {shown}");
        }
    }
}
