//! What ran, on what, with which data and which configuration.

use serde_json::Value;

use super::run::Run;
use super::words::time;
use crate::data::fetch::address::shown_text;
use crate::report::page::Block;
use crate::util::units::{bytes, count};

/// A longer file than this is not a configuration.
const MOST_BYTES: usize = 256 << 10;

pub(super) fn data(run: &Run<'_>) -> Vec<Block> {
    let record = match &run.record {
        Ok(record) => record,
        Err(problem) => return vec![Block::Absent(format!("The dataset is left out: {problem}."))],
    };
    let mut facts = Facts::default();
    facts.add("Dataset", run.config(&["data", "name"]).and_then(Value::as_str).unwrap_or_default());
    facts.add("Source", &sources(run.config(&["data", "source"])));
    let (files, folders) = (record.dataset.files as u64, record.dataset.folders as u64);
    facts.add("Source files", &format!("{files} in {}", count(folders, "folder")));
    if record.dataset.fraction < 1.0 {
        facts.add("Share of the samples", &record.dataset.fraction.to_string());
    }
    if let Some(started) = run.tale.started {
        facts.add("Training samples", &started.train_samples.to_string());
        facts.add("Validation samples", &started.val_samples.to_string());
    }
    facts.add("Fingerprint", &record.dataset.fingerprint);
    vec![Block::Facts(facts.0)]
}

/// Each source by its kind, with what distinguishes it from others.
fn sources(sources: Option<&Value>) -> String {
    let source = |source: &Value| {
        let (kind, what) = source.as_object()?.iter().next()?;
        let what = secret(what).map(shown_text).or_else(|| Some(what.get("path")?.as_str()?.to_owned()));
        Some(what.map_or_else(|| kind.clone(), |what| format!("{kind}: {what}")))
    };
    let told: Vec<String> = sources.and_then(Value::as_array).into_iter().flatten().filter_map(source).collect();
    told.join("; ")
}

/// What may hold a password or a token: addresses, and links to shared files.
fn secret(source: &Value) -> Option<&str> {
    ["href", "id"].iter().find_map(|key| source.get(key)?.as_str())
}

/// The configuration without passwords and tokens: pages are shared. `None` if one can't be found in the text.
fn without_secrets(text: String, sources: Option<&Value>) -> Option<String> {
    let sources = sources.and_then(Value::as_array).into_iter().flatten();
    let secrets = sources.filter_map(|source| source.as_object()?.values().find_map(secret));
    secrets
        .filter(|secret| shown_text(secret).trim_matches('"') != *secret)
        .try_fold(text, |text, secret| text.contains(secret).then(|| text.replace(secret, &shown_text(secret))))
}

pub(super) fn environment(run: &Run<'_>) -> Vec<Block> {
    let record = match &run.record {
        Ok(record) => record,
        Err(problem) => return vec![Block::Absent(format!("The environment is left out: {problem}."))],
    };
    let mut facts = Facts::default();
    let used = run.status.as_ref().and_then(|status| status.used.as_ref()).unwrap_or(&record.used);
    facts.add("Program", &used.program_text());
    facts.add("Host", &used.host);
    facts.add("Device", &used.device);
    facts.add("Threads", &used.threads.to_string());
    facts.add("libtorch", &used.libtorch);
    facts.add("Precision", &used.precision);
    facts.add("Micro-batch", &count(used.micro_batch as u64, "sample"));
    facts.add("Seed", &run.config(&["seed"]).map(Value::to_string).unwrap_or_default());
    facts.add("Parameters", &run.tale.started.map(|started| started.parameters.to_string()).unwrap_or_default());
    facts.add("Started", &time(record.started));
    facts.add("Started from", &record.started_from.as_ref().map(|path| path.display().to_string()).unwrap_or_default());
    if let Some(status) = run.status.as_ref().filter(|status| status.peak_memory_bytes > 0) {
        facts.add("Peak memory", &bytes(status.peak_memory_bytes));
    }
    facts.add("Notes", &run.notes.join("; "));
    vec![Block::Facts(facts.0)]
}

pub(super) fn configuration(run: &Run<'_>) -> Vec<Block> {
    let path = run.folder.join("config.yaml");
    match std::fs::read(&path) {
        Ok(text) if text.len() <= MOST_BYTES => {
            let text = String::from_utf8_lossy(&text).into_owned();
            let Some(text) = without_secrets(text, run.config(&["data", "source"])) else {
                return vec![Block::Absent("The configuration is left out: its sources contain private data.".into())];
            };
            vec![
                Block::Text("Resolved and complete: training with config.yaml is the same run again.".into()),
                Block::Code(text),
            ]
        }
        Ok(_) => vec![Block::Absent("The configuration is left out: config.yaml is too long.".into())],
        Err(error) => {
            vec![Block::Absent(format!("The configuration is left out: config.yaml can't be read: {error}."))]
        }
    }
}

/// Names and values; one without a value is left out.
#[derive(Default)]
struct Facts(Vec<(String, String)>);

impl Facts {
    fn add(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_contains_no_password_and_no_token() {
        let address = "https://ann:secret@example.org/storms.tar.gz?token=abc";
        let given = json!([{"path": {"path": "/data/radar"}}, {"url": {"href": address}}]);
        let text = format!("data:\n  source:\n    - url:\n        href: {address}\n");
        let shown = [without_secrets(text, Some(&given)).unwrap(), sources(Some(&given))];
        for text in shown {
            assert!(text.contains("example.org/storms.tar.gz"), "{text}");
            assert!(!text.contains("secret") && !text.contains("abc"), "{text}");
        }
        assert_eq!(without_secrets("href: folded".into(), Some(&given)), None, "it may stand there in another form");
        assert_eq!(without_secrets("seed: 42".into(), None).as_deref(), Some("seed: 42"));
    }
}
