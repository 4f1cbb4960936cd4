//! Where a model is better than other forecasts and where it is not, part by part of what was evaluated: a sentence for the
//! headline. A score over everything hides that a model may lose where forecasts matter most.

use super::chapters::Parts;
use super::words::list;
use crate::metric::score::ScoreSpec;

/// "By lead time, it is better than persistence at +10 min to +35 min and worse at +5 min." `None` if nothing can be compared.
pub(super) fn sentence(parts: &Parts, score: &ScoreSpec) -> Option<String> {
    let mut groups: Vec<([Vec<String>; 2], Vec<&str>)> = Vec::new();
    for (name, values) in &parts.baselines {
        let Some(found) = better_and_worse(parts, values, score) else { continue };
        match groups.iter_mut().find(|(known, _)| *known == found) {
            Some((_, names)) => names.push(name),
            None => groups.push((found, vec![name])),
        }
    }
    let said: Vec<String> = groups.iter().map(|(found, names)| said(found, &list(names), parts.word)).collect();
    (!said.is_empty()).then(|| format!("By {}, it is {}.", parts.word, said.join("; ")))
}

/// The parts in which the model is better, and those in which it is worse; neighbours are one. `None` if no part, or only one,
/// can be compared.
fn better_and_worse(parts: &Parts, baseline: &[Option<f64>], score: &ScoreSpec) -> Option<[Vec<String>; 2]> {
    let gain = |(model, other): (&Option<f64>, &Option<f64>)| Some(score.better.gain((*model)?, (*other)?));
    let gains: Vec<Option<f64>> = parts.model.iter().zip(baseline).map(gain).collect();
    let is = |sign: f64| move |gain: &Option<f64>| gain.is_some_and(|gain| gain * sign > 0.0);
    let of = |sign: f64| ranges(&parts.labels, &gains.iter().map(is(sign)).collect::<Vec<_>>());
    (gains.iter().flatten().count() > 1).then(|| [of(1.0), of(-1.0)])
}

/// "+5 min", "+10 min to +35 min"; "every" alone if nothing else is left.
fn ranges(labels: &[String], is_in: &[bool]) -> Vec<String> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for place in (0..is_in.len().min(labels.len())).filter(|&place| is_in[place]) {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == place => *last = place,
            _ => found.push((place, place)),
        }
    }
    let text = |(first, last): (usize, usize)| match (first, last) {
        (0, last) if last + 1 == labels.len() => EVERY.to_owned(),
        _ if first == last => labels[first].clone(),
        _ => format!("{} to {}", labels[first], labels[last]),
    };
    found.into_iter().map(text).collect()
}

const EVERY: &str = "every";

fn said([better, worse]: &[Vec<String>; 2], names: &str, word: &str) -> String {
    let at = |parts: &[String]| match parts {
        [every] if every == EVERY => format!("at every {word}"),
        parts => format!("at {}", list(&parts.iter().map(String::as_str).collect::<Vec<_>>())),
    };
    match (&better[..], &worse[..]) {
        ([], []) => format!("as good as {names} at every {word}"),
        (better, []) => format!("better than {names} {}", at(better)),
        ([], worse) => format!("worse than {names} {}", at(worse)),
        (better, worse) => format!("better than {names} {} and worse {}", at(better), at(worse)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::better::Better;

    fn parts(baselines: &[(&str, [f64; 5])]) -> Parts {
        let some = |values: &[f64; 5]| values.iter().map(|value| value.is_finite().then_some(*value)).collect();
        Parts {
            word: "lead time",
            labels: [5, 10, 15, 20, 25].map(|minutes| format!("+{minutes} min")).into(),
            model: some(&[0.9, 0.8, 0.7, 0.6, f64::NAN]),
            baselines: baselines.iter().map(|(name, values)| ((*name).to_owned(), some(values))).collect(),
        }
    }

    fn told(baselines: &[(&str, [f64; 5])], better: Better) -> Option<String> {
        sentence(&parts(baselines), &ScoreSpec::new("csi", "CSI", better))
    }

    #[test]
    fn the_parts_in_which_the_model_is_better_and_worse_are_named_as_ranges() {
        let persistence = ("persistence", [0.95, 0.7, 0.6, 0.65, 0.1]);
        let advection = ("advection", [0.95, 0.85, 0.6, 0.5, 0.1]);
        assert_eq!(
            told(&[persistence, advection], Better::Higher).unwrap(),
            "By lead time, it is better than persistence at +10 min to +15 min and worse at +5 min and +20 min; better than \
             advection at +15 min to +20 min and worse at +5 min to +10 min."
        );
        assert_eq!(
            told(&[persistence], Better::Lower).unwrap(),
            "By lead time, it is better than persistence at +5 min and +20 min and worse at +10 min to +15 min."
        );
    }

    #[test]
    fn what_is_the_same_everywhere_is_said_once_and_what_can_not_be_compared_not_at_all() {
        let mut same = parts(&[("persistence", [0.1; 5]), ("advection", [0.2; 5])]);
        same.model[4] = Some(0.5);
        let spec = ScoreSpec::new("csi", "CSI", Better::Higher);
        assert_eq!(
            sentence(&same, &spec).unwrap(),
            "By lead time, it is better than persistence and advection at every lead time."
        );
        assert_eq!(told(&[], Better::Higher), None);
        assert_eq!(told(&[("persistence", [f64::NAN; 5])], Better::Higher), None);
    }
}
