//! What the page of a run says of many classes with few samples.

use super::sum::Found;
use super::tables::rows;
use crate::metric::classes::buckets::{Bucket, BucketScores};
use crate::metric::classes::learned::LEAST_SUPPORT;
use crate::report::page::{Block, Cell, Grid};
use crate::util::progress::Unit;

/// Learned classes that are named.
const MOST_NAMED: usize = 200;

/// A table by training samples, the learned classes, and over how many classes choices spread.
pub(in crate::task::classes) fn blocks(found: &Found, labels: &[String], unit: Unit) -> Vec<Block> {
    let mut blocks = vec![Block::Table(by_bucket(found, unit)), Block::Facts(facts(found, labels))];
    let named: Vec<&str> =
        found.learned.classes.iter().filter_map(|class| labels.get(*class)).map(String::as_str).collect();
    if !named.is_empty() {
        let more = named.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more; learned_words.json has all") } else { String::new() };
        let names = named[..named.len().min(MOST_NAMED)].join(", ");
        blocks.push(Block::Folded("The learned classes".into(), vec![Block::Text(format!("{names}{more}"))]));
    }
    blocks
}

/// How many classes are learned, as a sentence.
pub(in crate::task::classes) fn sentence(found: &Found, unit: Unit) -> String {
    let (learned, judged) = (found.learned.classes.len(), found.learned.judged);
    format!(" Of {judged} classes with at least {LEAST_SUPPORT} {}, {learned} are learned.", unit.many)
}

fn by_bucket(found: &Found, unit: Unit) -> Grid {
    let share = |share: Option<f64>| share.map_or_else(String::new, |share| format!("{share:.3}"));
    let row = |(bucket, scores): (Bucket, BucketScores)| {
        let BucketScores { classes, present, samples, accuracy, top5, f1_macro, f1_macro_present, predicted } = scores;
        let counts = [classes, present].map(|count| count.to_string());
        let scores = [accuracy, top5, f1_macro, f1_macro_present].map(share);
        let name = format!("{}: {}", bucket.name(), bucket.range());
        let cells = std::iter::once(name).chain(counts).chain([samples.to_string()]).chain(scores);
        cells.chain([predicted.to_string()]).map(Cell::from).collect()
    };
    let many = unit.many;
    Grid {
        caption: format!(
            "Classes by their training {many}. F1 is a mean over classes; one without {many} here counts as 0"
        ),
        head: [
            format!("training {many}"),
            "classes".into(),
            format!("with {many}"),
            many.into(),
            "accuracy".into(),
            "top 5".into(),
            "F1".into(),
            format!("F1 of those with {many}"),
            "chosen".into(),
        ]
        .to_vec(),
        rows: rows(found).map(row).collect(),
        is_stacked: false,
    }
}

fn facts(found: &Found, labels: &[String]) -> Vec<(String, String)> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: Option<String>| facts.extend(value.map(|value| (name.to_owned(), value)));
    let learned = &found.learned;
    let of = |share: f64| format!("{} of {}, {}", learned.classes.len(), learned.judged, percent(share));
    fact("learned classes", learned.share().map(of));
    let covered =
        |share: f64| found.spread.map(|spread| format!("{} of {}, {}", spread.distinct, labels.len(), percent(share)));
    fact("classes that were chosen", found.coverage.and_then(covered));
    fact("classes among the first five choices", found.coverage_top5.map(percent));
    let largest = found.spread.map(|spread| {
        let label = labels.get(spread.largest).map_or("?", String::as_str);
        format!("{label}, {} of all choices", percent(spread.largest_share))
    });
    fact("most frequent choice", largest);
    fact("entropy of the choices", found.spread.map(|spread| format!("{:.2} nats", spread.entropy)));
    fact("choices of the class of all rare ones", found.other_share.map(percent));
    facts
}
