//! `fragua compare` as a person and a script use it: table, verdict, exit code, and a baseline that is replaced.

use std::collections::BTreeMap;
use std::fs;

use fragua::metric::document::{Basis, DatasetUsed, Measured, Metrics, VERSION, Weights, Words, metrics};
use fragua::metric::forecast::contingency::Contingency;
use fragua::metric::forecast::errors::ErrorSums;
use fragua::metric::forecast::scores::specs;
use fragua::metric::forecast::sums::{LeadSums, Levels};
use fragua::task::nowcast::verification::{EventSums, SECTION, Verification};
use serde_json::json;

use crate::cli::screen;
use crate::program::Program;

/// An evaluation of events with so many hits of a hundred.
fn evaluation(hits: &[u64]) -> Metrics {
    let (thresholds, scales_px) = (vec![20.0, 35.0], vec![1, 5]);
    let levels = Levels { thresholds, scales_px, span: 94.0, unit: "dBZ".into(), frames: None };
    let mut total = LeadSums::none(&levels);
    let event = |(index, hits): (usize, &u64)| {
        let mut sums = LeadSums::none(&levels);
        let misses = 100 - hits;
        sums.events[1] = Contingency { hits: *hits, misses, false_alarms: misses / 2, correct_negatives: 1000 };
        let error = misses as f64 / 40.0;
        sums.errors = ErrorSums { cells: 1000, sum: -error, absolute: 10.0 * error, squares: error };
        total.add(&sums);
        EventSums { event: format!("event {index}"), samples: 4, sums, advection: None }
    };
    let events: Vec<_> = hits.iter().enumerate().map(event).collect();
    let measured: Vec<Measured> =
        specs(&levels).into_iter().zip(total.scores(&levels)).map(|(spec, value)| (spec, value, None)).collect();
    let basis = Basis {
        samples: 4 * hits.len(),
        groups: hits.len(),
        words: Words { sample: "window".into(), group: "event".into() },
        ..Basis::default()
    };
    let section = Verification {
        levels,
        cells: 1100,
        excluded_cells: 0,
        lead_minutes: vec![5.0],
        forecasts: BTreeMap::new(),
        events,
        ahead: None,
    };
    Metrics {
        format_version: VERSION,
        program: "fragua 0.1.0".into(),
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        task: "nowcast".into(),
        run: Some("storms".into()),
        split: "val".into(),
        weights: Weights { file: "best.safetensors".into(), sha256: "0".into(), step: Some(10) },
        dataset: DatasetUsed {
            name: "storms".into(),
            fingerprint: "0123456789abcdef".into(),
            side: "val".into(),
            basis,
        },
        primary: "csi_35".into(),
        metrics: metrics(&measured),
        sections: json!({SECTION: section}),
    }
}

/// A folder with a better evaluation and a worse one, and one that is up in some events and down in others.
fn program() -> Program {
    let program = Program::new();
    evaluation(&[52, 58, 60, 36, 52]).write(&program.path("other.json")).unwrap();
    evaluation(&[32, 83, 45, 61, 52]).write(&program.path("better.json")).unwrap();
    evaluation(&[20, 70, 30, 55, 44]).write(&program.path("worse.json")).unwrap();
    program
}

#[test]
fn the_table_shows_what_is_better_and_what_is_worse() {
    let program = program();
    let mut strange = evaluation(&[20, 70]);
    strange.split = "test".into();
    strange.metrics.get_mut("csi_35").unwrap().value = None;
    strange.write(&program.path("strange.json")).unwrap();
    let calls: [&[&str]; 6] = [
        &["compare", "better.json", "worse.json"],
        &["compare", "other.json", "better.json", "--tolerance", "0"],
        &["compare", "worse.json", "better.json", "--all"],
        &["compare", "better.json", "better.json"],
        &["compare", "strange.json", "better.json"],
        &["compare", "--help"],
    ];
    let screens: Vec<String> = calls.iter().map(|call| screen(&program, call)).collect();
    insta::assert_snapshot!("tables", screens.join("\n\n"));
}

#[test]
fn the_exit_code_agrees_with_the_table() {
    let program = program();
    let code = |arguments: &[&str]| program.run(&[&["compare"], arguments].concat()).code;
    assert_eq!(code(&["better.json", "worse.json"]), 0);
    assert_eq!(code(&["worse.json", "better.json"]), 1);
    assert_eq!(code(&["worse.json", "better.json", "--tolerance", "0.5"]), 0);
    // What may be chance is neither better nor worse, however little is tolerated.
    assert_eq!(code(&["other.json", "better.json", "--tolerance", "0"]), 0);
    let told = program.json(&["compare", "other.json", "better.json", "--tolerance", "0", "--json"]);
    assert!(told["metrics"][0]["difference"].as_f64().unwrap() < -0.01, "{told}");
    assert_eq!((&told["verdict"], &told["unknown_noise"]), (&"within_noise".into(), &json!(null)));
    let few = |name: &str, hits: &[u64]| evaluation(hits).write(&program.path(name)).unwrap();
    few("few.json", &[52, 58, 60, 36]);
    few("few_better.json", &[60, 58, 60, 50]);
    assert_eq!(code(&["few.json", "few_better.json", "--tolerance", "0"]), 1, "nothing says what is chance");
    let told = program.run(&["compare", "few.json", "few_better.json", "--tolerance", "0", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&told["metrics"][0]["noise"], &told["metrics"][0]["noise_from"]), (&json!(null), &"unknown".into()));
    assert!(told["unknown_noise"].as_str().unwrap().starts_with("4 events are too few"), "{told}");
    assert_eq!(code(&["worse.json", "better.json", "--metric", "csi_20"]), 65, "0 / 0 on both sides is no verdict");
    assert_eq!(code(&["worse.json", "better.json", "--metric", "rmse_dbz"]), 1);
    assert_eq!(code(&["worse.json", "better.json", "--metric", "beauty"]), 2);
    let told = program.run(&["compare", "worse.json", "better.json", "--metric", "cis_35"]);
    assert_eq!(told.code, 2);
    assert!(
        told.stderr.contains("worse.json has no such score; did you mean csi_35? it has csi_20, "),
        "{}",
        told.stderr
    );
    assert_eq!(code(&["worse.json", "better.json", "--tolerance", "-1"]), 2);
    let outcome = program.run(&["compare", "worse.json", "better.json", "--json"]);
    assert_eq!(outcome.code, 1);
    let told: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&told["verdict"], &told["comparable"]), (&"degraded".into(), &true.into()));
    assert_eq!(told["metrics"][0]["name"], "csi_35");
    assert_eq!(told["metrics"][0]["noise_from"], "paired_groups");
}

#[test]
fn runs_are_compared_by_their_names() {
    let program = program();
    for (run, from) in [("one", "better.json"), ("other", "worse.json")] {
        fs::create_dir_all(program.path("model_output").join(run).join("evaluation")).unwrap();
        let to = program.path("model_output").join(run).join("evaluation/metrics.json");
        fs::copy(program.path(from), to).unwrap();
        program.write(&format!("model_output/{run}/run.json"), "{}");
    }
    program.write("model_output/third/run.json", "{}");
    assert_eq!(program.run(&["compare", "other", "one"]).code, 1);
    let outcome = program.run(&["compare", "one", "other", "--update-baseline", "--yes"]);
    assert!(outcome.code == 2 && outcome.stderr.contains("keep the baseline apart"), "{outcome:?}");
    assert_eq!(program.run(&["compare", "one", "model_output/other"]).code, 0);
    let outcome = program.run(&["compare", "third", "one"]);
    assert_eq!(outcome.code, 65, "{outcome:?}");
    assert!(outcome.stderr.contains("run fragua evaluate --checkpoint model_output/third"), "{}", outcome.stderr);
    assert_eq!(program.run(&["compare", "nowhere", "one"]).code, 2);
}

#[test]
fn what_can_not_be_compared_is_refused() {
    let program = program();
    let mut other = evaluation(&[1, 2]);
    other.task = "detect".into();
    other.write(&program.path("task.json")).unwrap();
    program.write("version.json", r#"{"format_version": 9}"#);
    program.write("text.json", "no JSON");
    for (file, words) in [
        ("task.json", "of the task nowcast"),
        ("version.json", "format_version 9"),
        ("text.json", "text.json is no metrics.json"),
    ] {
        let outcome = program.run(&["compare", "better.json", file]);
        assert_eq!(outcome.code, 65, "{outcome:?}");
        assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
    }
}

#[test]
fn a_baseline_is_replaced_only_on_request() {
    let program = program();
    let read = |name: &str| fs::read(program.path(name)).unwrap();
    let worse = read("worse.json");
    let outcome = program.run(&["compare", "better.json", "worse.json", "--update-baseline"]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.stderr.contains("add --yes") && read("worse.json") == worse, "{}", outcome.stderr);
    assert_eq!(program.run(&["compare", "better.json", "worse.json", "--yes"]).code, 2);
    let outcome = program.succeed(&["compare", "better.json", "worse.json", "--update-baseline", "--yes"]);
    assert!(outcome.stderr.contains("worse.json is now a copy of better.json"), "{}", outcome.stderr);
    assert!(read("worse.json") == read("better.json"));
    fs::write(program.path("worse.json"), &worse).unwrap();
    program.succeed(&["compare", "worse.json", "better.json", "--update-baseline", "--yes"]);
    assert!(read("better.json") == worse, "who says yes knows that it is worse");
}

#[test]
fn three_or_more_are_a_page_that_marks_the_best_and_two_keep_their_verdict() {
    let program = program();
    let page = |arguments: &[&str], file: &str| {
        let output = program.command(arguments).output().unwrap();
        let text = fs::read_to_string(program.path(file)).unwrap_or_default();
        (output.status.code(), text)
    };
    let (code, html) = page(&["compare", "worse.json", "better.json", "other.json"], "comparison.html");
    assert_eq!(code, Some(0));
    for told in
        ["Comparison of 3 runs", "better is best by CSI at 35 dBZ", "<th scope=\"col\">worse</th>", "class=\"best\""]
    {
        assert!(html.contains(told), "{told}: {html}");
    }
    crate::report::looks_right(&program.path("comparison.html"));
    let (code, html) = page(&["compare", "worse.json", "better.json", "--output", "two.html"], "two.html");
    assert_eq!(code, Some(1), "the verdict is as without a page");
    assert!(html.contains("Comparison of 2 runs"));
}
