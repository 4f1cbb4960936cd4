//! What a failed run says about itself, and what really ran: in every place where people or programs look.

use std::fs;

use serde_json::Value;

use crate::training::Training;

const FAST: &str = "train.optimizer.adamw.lr=1.0e9";

#[test]
fn a_run_that_diverged_says_why_and_what_to_do_everywhere() {
    let training = Training::new();
    let outcome = training.run(&["--set", FAST, "--set", "train.clip_norm=null"]);
    assert_eq!(outcome.code, 76, "{outcome:#?}");
    let problem = training.json("storms", "status.json")["problem"].clone();
    assert_eq!(problem["exit"], 76);
    let remedy = problem["remedy"].as_str().unwrap();
    assert!(remedy.starts_with("lower train.optimizer.adamw.lr (now 1e9)"), "{remedy}");
    let text = problem["text"].as_str().unwrap();
    assert!(outcome.stderr.contains(text), "{text}");
    assert!(outcome.stderr.lines().last().is_some_and(|line| line.contains(remedy)), "{}", outcome.stderr);
    assert_eq!(training.json("storms", "run.json")["problem"], problem);
    let log = fs::read_to_string(training.file("storms", "log.jsonl")).unwrap();
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["remedy"], &last["exit"]), (&"failed".into(), &problem["remedy"], &76.into()));
    assert_eq!(training.program.json(&["runs", "--json"])[0]["problem"], problem);
    let table = training.program.succeed(&["runs"]).stdout;
    assert!(table.contains("storms failed with exit code 76: ") && table.contains(remedy), "{table}");
    let page = fs::read_to_string(training.file("storms", "report.html")).unwrap();
    assert!(page.contains("lower train.optimizer.adamw.lr (now 1e9)"), "the page has no remedy");
}

#[test]
fn what_really_ran_is_recorded_and_a_resumed_run_has_no_problem() {
    let training = Training::new();
    let folder = training.file("storms", "checkpoints");
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    training.succeed(&["--epochs", "1"]);
    // A checkpoint folder that is a file: the next start fails.
    let aside = training.file("storms", "aside");
    fs::rename(&folder, &aside).unwrap();
    fs::write(&folder, "").unwrap();
    let outcome = training.run(&["--epochs", "2"]);
    assert_ne!(outcome.code, 0, "{outcome:#?}");
    assert!(training.json("storms", "run.json")["problem"].is_object(), "{outcome:#?}");
    fs::remove_file(&folder).unwrap();
    fs::rename(&aside, &folder).unwrap();
    training.succeed(&["--epochs", "2"]);
    let record = training.json("storms", "run.json");
    assert_eq!((&record["problem"], &training.json("storms", "status.json")["problem"]), (&Value::Null, &Value::Null));
    let used = &record["used"];
    assert!(["fp32", "bf16"].contains(&used["precision"].as_str().unwrap()), "{used}");
    assert_eq!((&used["threads"], &used["micro_batch"]), (&1.into(), &2.into()));
    assert_eq!(used["program"], env!("CARGO_PKG_VERSION"));
    let version = training.program.succeed(&["--version"]).stdout;
    assert!(version.contains(&format!("commit {}", used["commit"].as_str().unwrap_or("unknown"))), "{version}");
    for file in ["experiment_log.json", "status.json"] {
        assert_eq!(&training.json("storms", file)["used"], used, "{file}");
    }
    assert_eq!(&training.program.json(&["runs", "--json"])[0]["used"], used);
    let page = fs::read_to_string(training.file("storms", "report.html")).unwrap();
    assert!(page.contains(used["precision"].as_str().unwrap()) && !page.contains("precision auto"));
}
