//! A configuration as YAML, complete: every key, also those that were left to their defaults.

use super::Config;

/// The whole configuration as YAML that loads to the same configuration.
///
/// # Errors
/// Where a path is not text, which YAML can't hold.
pub fn show(config: &Config) -> Result<String, serde_yaml::SerializeError> {
    serde_yaml::to_string(config)
}

#[cfg(test)]
mod tests {
    use super::super::resolve;
    use super::*;

    fn loaded(text: &str) -> Config {
        resolve("config.yaml".into(), text.into(), &[], &[]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    #[test]
    fn zz_look() {
        let config = loaded("data: {source: [{synthetic: {}}, {gdrive: {id: '123'}}]}\ntask: {nowcast: {prepare: {levels: {channels: [0, 1]}}}}\ntrain: {schedule: constant, phases: [{train: {epochs: 3, optimizer: {adamw: {lr: 0.00001}}}, loss: {ssim_weight: 0.1}}]}\n");
        assert!(show(&config).is_ok());
        for text in ["train:\n  epohcs: 3\n  epochs: -1\n  lr: 2\n  micro_batch: 2.0\n  accumulate: 0\n  optimizer: adamw\n  schedule: {cosin: {}}\n  clip_norm: .nan\n  shuffle: yes\nname: 2014\ndata:\ndevice: gpu\ntask: {nowcast: {windows: {stride: 0}, model: {hidden: 3}, prepare: {size: [1,2,3], method: men, min_dbz: 70}}}\n",
            "data:\n\tsource: 1\n", "data:\n  source: \"abc\ntask: 3\n", "a: b: c\n", "data:\n  source:\n    - synthetic: {\ntask: 3\n", "train:\n   epochs: 3\n  patience: 3\n", "- a\n", "", "data: @x\n", "\u{feff}name: 1\n", "train:\n  phases: [{train: {epochs: 0, phases: [], lr: 3}, loss: {ssim_weight: 3}}]\n",
"data: {source: [{synthetic: {}}]}\ntask: {nowcast: {}}\ntrain:\n  phases: [{train: {epochs: 0, patience: 0}, loss: {ssim_weight: 3}}]\n",
            ] {
            println!("-----------------\n{text}\n");
            println!("{}", resolve("config.yaml".into(), text.into(), &[("FRAGUA__TRAIN__EPOCSH".into(), "3".into()), ("FRAGUA__NAME".into(), "".into())], &[super::super::Override::set("train.epochs=many"), super::super::Override::set("data.source.7.url.href=many"), super::super::Override::set("train"), super::super::Override::set("train.schedule.cosine.min_lr=[2"), super::super::Override::flag("--epochs", "train.epochs", "x")]).unwrap_err());
        }
    }
}
