//! The log for people: a sentence for each event that matters.

use serde::Deserialize;
use serde_json::Value;

use crate::train::events::Reason;
use crate::train::events::words::without_gradient;
use crate::util::units::count;

/// At most this many samples or parameters are named; the rest is counted.
const NAMED: usize = 4;

/// The sentence; `None` if nothing unusual happened.
pub(super) fn told(event: &Value, starts: usize) -> Option<String> {
    let number = |key: &str| event[key].as_u64().unwrap_or_default();
    Some(match event["event"].as_str()? {
        "started" if starts <= 1 && number("step") == 0 => {
            format!("Training began: {}.", count(number("epochs"), "epoch"))
        }
        "started" if number("step") == 0 => "Training started again from the beginning.".to_owned(),
        "started" => format!(
            "Resumed after step {}, with {} of {} complete.",
            number("step"),
            number("epoch"),
            count(number("epochs"), "epoch")
        ),
        "phase_started" if number("phases") > 1 => {
            format!("Phase {} of {}.", number("phase") + 1, number("phases"))
        }
        "skipped" if event["expected"] == false => format!(
            "Warning: step {} was skipped because its loss or gradient was not finite; samples: {}.",
            number("step"),
            listed(&event["samples"])
        ),
        "rolled_back" => format!(
            "Warning: step {} failed again. Went back to the weights of step {}, learning rate x {}; samples: {}.",
            number("step"),
            number("to_step"),
            event["lr_factor"],
            listed(&event["samples"])
        ),
        "micro_batch_changed" if number("to") < number("from") => format!(
            "Memory ran out: {} at once instead of {}. The steps stay the same{}.",
            count(number("to"), "sample"),
            number("from"),
            if event["statistics"] == true { ", but statistics over a batch change" } else { "" }
        ),
        "micro_batch_changed" => format!("{} at once again.", count(number("to"), "sample")),
        "without_gradient" => {
            format!("Warning: {}.", without_gradient(&listed(&event["parameters"])))
        }
        "failed" => {
            let text = |key: &str| event[key].as_str().unwrap_or_default();
            format!("Failed: {}. Remedy: {}.", text("text"), text("remedy"))
        }
        "ended" => {
            let reason = Reason::deserialize(&event["reason"]).ok();
            format!("Training {}.", reason.map_or("ended", Reason::words))
        }
        _ => return None,
    })
}

fn listed(names: &Value) -> String {
    let names: Vec<&str> = names.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let named = names.iter().take(NAMED).copied().collect::<Vec<_>>().join("; ");
    match names.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_unusual_events_are_reported() {
        let text = |event: Value, starts| told(&event, starts).unwrap_or_default();
        let started = json!({"event": "started", "epochs": 8, "epoch": 2, "step": 106});
        assert_eq!(text(started, 2), "Resumed after step 106, with 2 of 8 epochs complete.");
        assert_eq!(
            text(json!({"event": "started", "epochs": 1, "epoch": 0, "step": 0}), 1),
            "Training began: 1 epoch."
        );
        assert_eq!(text(json!({"event": "skipped", "step": 7, "samples": [], "expected": true}), 1), "");
        let samples = ["a", "b", "c", "d", "e"];
        let skipped = text(json!({"event": "skipped", "step": 7, "samples": samples, "expected": false}), 1);
        assert!(skipped.ends_with("samples: a; b; c; d and 1 more."), "{skipped}");
        assert_eq!(text(json!({"event": "phase_started", "phase": 0, "phases": 1}), 1), "");
        assert!(text(json!({"event": "ended", "reason": "patience"}), 1).contains("early"));
        assert_eq!(text(json!({"event": "saving", "epoch": 1, "step": 7}), 1), "");
        let failed =
            json!({"event": "failed", "kind": "disk", "text": "it is full", "remedy": "free some", "exit": 74});
        assert_eq!(text(failed, 1), "Failed: it is full. Remedy: free some.");
        assert_eq!(text(json!([1]), 1), "");
    }
}
