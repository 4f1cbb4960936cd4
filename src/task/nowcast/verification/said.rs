//! The model beside advection in words and in tables, for the page of a run and for the terminal.

use super::ahead::{Ahead, AheadAbove, AheadIn};
use crate::metric::forecast::scores::specs;
use crate::metric::forecast::sums::Levels;
use crate::report::page::{Cell, Grid};

/// The thresholds that the first sentence is about.
const FIRST: usize = 3;
/// More events than this are too many to read; `metrics.json` has all of them.
const MOST_EVENTS: usize = 12;

/// Whether the forecast beats advection, at the thresholds up to that of the score that decides. `too_few` says how many
/// events are too few for intervals. `None` if nothing can be compared.
pub(super) fn verdict(ahead: &Ahead, levels: &Levels, too_few: &str) -> Option<String> {
    let decides = ahead.thresholds.iter().position(|above| format!("csi_{}", above.threshold) == ahead.score);
    let last = decides.unwrap_or(FIRST - 1).max(FIRST - 1).min(ahead.thresholds.len().checked_sub(1)?);
    let shown = &ahead.thresholds[(last + 1).saturating_sub(FIRST)..=last];
    let known: Vec<&AheadAbove> = shown.iter().filter(|above| above.difference.is_some()).collect();
    let of = |word: &str| {
        let which = known.iter().filter(|above| standing(above) == word);
        let at: Vec<String> = which.map(|above| beside(above, levels)).collect();
        (!at.is_empty()).then(|| format!("{word} at {}", list(&at)))
    };
    let clauses: Vec<String> = [BETTER, WITHIN_CHANCE, AS_GOOD, WORSE].into_iter().filter_map(of).collect();
    if clauses.is_empty() {
        return None;
    }
    let without = match known.iter().any(|above| above.interval.is_some()) {
        true => " The numbers are CSI minus that of advection, with 95 % intervals.".to_owned(),
        false => format!(" The numbers are CSI minus that of advection; intervals are n/a: {too_few}."),
    };
    Some(format!("Against advection, the forecast is {}.{without}", clauses.join(", ")))
}

const BETTER: &str = "better";
const WITHIN_CHANCE: &str = "not distinguishable";
const AS_GOOD: &str = "as good";
const WORSE: &str = "worse";

fn standing(above: &AheadAbove) -> &'static str {
    match (shown(above.difference.unwrap_or_default()), above.interval) {
        (_, Some([low, high])) if low <= 0.0 && high >= 0.0 => WITHIN_CHANCE,
        (difference, _) if difference > 0.0 => BETTER,
        (difference, _) if difference < 0.0 => WORSE,
        _ => AS_GOOD,
    }
}

/// "20 dBZ (+0.012, +0.004 to +0.021)".
fn beside(above: &AheadAbove, levels: &Levels) -> String {
    let interval = interval(above).map_or_else(String::new, |interval| format!(", {interval}"));
    format!("{} ({}{interval})", at(above.threshold, levels), signed(above.difference))
}

/// Until when the model is better, by threshold: only where it is better at every lead time up to there.
pub(super) fn until(ahead: &Ahead, levels: &Levels) -> Option<String> {
    let known: Vec<&AheadAbove> = ahead.thresholds.iter().filter(|above| above.difference.is_some()).collect();
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for above in known {
        let (text, at) = (until_text(above), above.threshold.to_string());
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, all)) => all.push(at),
            None => groups.push((text, vec![at])),
        }
    }
    match groups.as_slice() {
        [] => None,
        [(text, _)] if text == NEVER => Some("It is ahead of advection at no threshold and no lead time.".into()),
        groups => {
            let at = |at: &[String]| format!("at {} {}", list(at), levels.unit).trim_end().to_owned();
            let said: Vec<String> =
                groups.iter().map(|(text, thresholds)| format!("{} {text}", at(thresholds))).collect();
            Some(format!("From the first lead time on, it stays ahead of advection {}.", said.join("; ")))
        }
    }
}

const NEVER: &str = "never";

fn until_text(above: &AheadAbove) -> String {
    match (above.until_minutes, above.leads_ahead) {
        (Some(minutes), _) => format!("until +{minutes:.0} min"),
        (None, 0) => NEVER.into(),
        (None, _) => "only after the first lead time".into(),
    }
}

/// The same as a table with a row for each threshold.
pub(super) fn by_threshold(ahead: &Ahead, levels: &Levels, too_few: &str) -> Grid {
    let row = |above: &AheadAbove| {
        let cells = [
            format!("CSI at {}", at(above.threshold, levels)),
            number(above.model),
            number(above.advection),
            signed(above.difference),
            interval(above).unwrap_or_else(|| if too_few.is_empty() { "n/a".to_owned() } else { too_few.to_owned() }),
            above.difference.map_or_else(|| "n/a".to_owned(), |_| until_text(above)),
        ];
        cells.map(Cell::from).into()
    };
    let head = ["", "model", "advection", "ahead by", "95 % interval", "ahead at every lead time"];
    Grid {
        caption: "Ahead of advection, by threshold".into(),
        head: head.map(str::to_owned).into(),
        rows: ahead.thresholds.iter().map(row).collect(),
        is_stacked: false,
    }
}

/// The events in which the model is furthest behind.
pub(super) fn by_event(ahead: &Ahead, levels: &Levels) -> Grid {
    let spec = specs(levels).into_iter().find(|spec| spec.name == ahead.score);
    let title = spec.map_or_else(|| ahead.score.clone(), |spec| spec.title());
    let left = match ahead.events.len() {
        all if all > MOST_EVENTS => format!("; {MOST_EVENTS} of {all} events, metrics.json has the others"),
        _ => String::new(),
    };
    let row = |event: &AheadIn| {
        let values = [number(event.model), number(event.advection), signed(event.difference)];
        [event.event.clone(), event.samples.to_string()].into_iter().chain(values).map(Cell::from).collect()
    };
    Grid {
        caption: format!("{title} by event, the furthest behind advection first{left}"),
        head: ["event", "windows", "model", "advection", "ahead by"].map(str::to_owned).into(),
        rows: ahead.events.iter().take(MOST_EVENTS).map(row).collect(),
        is_stacked: false,
    }
}

fn at(threshold: f64, levels: &Levels) -> String {
    format!("{threshold} {}", levels.unit).trim_end().to_owned()
}

fn interval(above: &AheadAbove) -> Option<String> {
    above.interval.map(|[low, high]| format!("{} to {}", signed(Some(low)), signed(Some(high))))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"))
}

fn signed(value: Option<f64>) -> String {
    match value.map(shown) {
        None => "n/a".to_owned(),
        Some(0.0) => "0.000".to_owned(),
        Some(value) => format!("{value:+.3}"),
    }
}

/// As it is read: what differs by less than the last digit does not differ.
fn shown(difference: f64) -> f64 {
    (1000.0 * difference).round() / 1000.0
}

fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn above(threshold: f64, difference: f64, interval: Option<[f64; 2]>, until: Option<f64>) -> AheadAbove {
        AheadAbove {
            threshold,
            model: Some(0.5 + difference),
            advection: Some(0.5),
            difference: Some(difference),
            interval,
            until_minutes: until,
            leads_ahead: usize::from(until.is_some()),
        }
    }

    fn ahead(interval: fn(f64) -> Option<[f64; 2]>) -> Ahead {
        let of = |(threshold, difference, until)| above(threshold, difference, interval(difference), until);
        let found = [(20.0, 0.03, Some(35.0)), (30.0, 0.005, Some(10.0)), (35.0, -0.04, None), (40.0, -0.05, None)];
        let undefined = AheadAbove { difference: None, ..above(45.0, 0.0, None, None) };
        let event = |number: usize| AheadIn {
            event: format!("may/{number}"),
            samples: 2,
            model: Some(0.25),
            advection: Some(0.5),
            difference: Some(-0.25),
        };
        Ahead {
            score: "csi_35".into(),
            thresholds: found.into_iter().map(of).chain([undefined]).collect(),
            events: (0..30).map(event).collect(),
        }
    }

    fn levels() -> Levels {
        let thresholds = vec![20.0, 30.0, 35.0, 40.0, 45.0];
        Levels { thresholds, scales_px: vec![1], span: 94.0, unit: "dBZ".into(), frames: None }
    }

    #[test]
    fn the_first_sentence_says_at_which_thresholds_advection_is_beaten_and_by_how_much() {
        let known = ahead(|difference| Some([difference - 0.01, difference + 0.01]));
        assert_eq!(
            verdict(&known, &levels(), "").unwrap(),
            "Against advection, the forecast is better at 20 dBZ (+0.030, +0.020 to +0.040), not distinguishable at 30 dBZ \
             (+0.005, -0.005 to +0.015), worse at 35 dBZ (-0.040, -0.050 to -0.030). The numbers are CSI minus that of \
             advection, with 95 % intervals."
        );
        assert_eq!(
            verdict(&ahead(|_| None), &levels(), "1 event is too few to estimate them").unwrap(),
            "Against advection, the forecast is better at 20 dBZ (+0.030) and 30 dBZ (+0.005), worse at 35 dBZ (-0.040). \
             The numbers are CSI minus that of advection; intervals are n/a: 1 event is too few to estimate them."
        );
        let mut equal = ahead(|_| None);
        equal.thresholds.iter_mut().for_each(|above| above.difference = Some(-0.0004));
        let text = verdict(&equal, &levels(), "").unwrap();
        assert!(text.contains("is as good at 20 dBZ (0.000), 30 dBZ (0.000) and 35 dBZ (0.000)"), "{text}");
        let silent = Ahead { thresholds: known.thresholds[4..].to_vec(), ..known };
        assert_eq!(verdict(&silent, &levels(), ""), None);
        assert_eq!(verdict(&Ahead { thresholds: Vec::new(), ..silent }, &levels(), ""), None);
    }

    #[test]
    fn the_lead_until_which_it_is_better_is_given_only_from_the_first_one_on() {
        let mut found = ahead(|_| None);
        assert_eq!(
            until(&found, &levels()).unwrap(),
            "From the first lead time on, it stays ahead of advection at 20 dBZ until +35 min; at 30 dBZ until +10 min; at 35 and 40 dBZ \
             never."
        );
        found.thresholds[3].leads_ahead = 2;
        assert!(
            until(&found, &levels()).unwrap().ends_with("; at 35 dBZ never; at 40 dBZ only after the first lead time.")
        );
        found.thresholds = found.thresholds.split_off(2);
        found.thresholds[1].leads_ahead = 0;
        assert_eq!(until(&found, &levels()).unwrap(), "It is ahead of advection at no threshold and no lead time.");
    }

    #[test]
    fn tables_have_every_threshold_and_the_worst_events() {
        let grid = by_threshold(&ahead(|_| None), &levels(), "n/a (2 events)");
        let texts = |row: &[Cell]| row.iter().map(|cell| cell.text.clone()).collect::<Vec<_>>().join("|");
        assert_eq!(texts(&grid.rows[0]), "CSI at 20 dBZ|0.530|0.500|+0.030|n/a (2 events)|until +35 min");
        assert!(texts(&grid.rows[4]).ends_with("n/a"));
        let grid = by_event(&ahead(|_| None), &levels());
        assert_eq!(grid.rows.len(), MOST_EVENTS);
        assert_eq!(texts(&grid.rows[0]), "may/0|2|0.250|0.500|-0.250");
        assert_eq!(
            grid.caption,
            "CSI at 35 dBZ by event, the furthest behind advection first; 12 of 30 events, metrics.json has the others"
        );
    }
}
