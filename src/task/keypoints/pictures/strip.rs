//! A sequence as a strip: some of its moments, evenly over its length, with what was not seen in each.

use super::placed::{Group, Spot, placed};
use super::skeleton::{dot, drawn_as, is_framed, lines, towards_wrist};
use crate::report::sticks::sheet::Row;
use crate::report::sticks::{Dot, Line, Part, Still, Strip, View, Weight};
use crate::task::keypoints::augment::BodyPart;
use crate::task::keypoints::config::Normalise;
use crate::task::keypoints::recipe::Recipe;
use crate::task::keypoints::shapes::shapes;
use crate::util::units::count;

/// The moments of a strip; a shorter sequence has all of its frames.
const MOMENTS: usize = 8;

/// Points of something that is no part of the body: so few leave a trail, more are a cloud.
const TRAILS: usize = 4;

/// What the parts are called in a legend.
#[must_use]
pub fn names(recipe: &Recipe) -> Vec<(Part, String)> {
    let streams = recipe.streams.iter().filter(|stream| {
        let shapes = shapes(&Recipe { streams: vec![(*stream).clone()], ..recipe.clone() });
        shapes[0].points.iter().any(|point| point.part == BodyPart::Other)
    });
    let others: Vec<&str> = streams.map(|stream| stream.name.as_str()).collect();
    let usual = [(Part::Left, "left hand"), (Part::Right, "right hand"), (Part::Body, "body"), (Part::Face, "face")];
    let usual = usual.map(|(part, name)| (part, name.to_owned()));
    usual.into_iter().chain([(Part::Other, others.join(", "))]).collect()
}

/// Where hands are that are relative to their wrists, in a sentence that follows others; empty if they are not.
#[must_use]
pub fn note(recipe: &Recipe) -> &'static str {
    let parts: Vec<BodyPart> = shapes(recipe).iter().flat_map(|shape| &shape.points).map(|point| point.part).collect();
    let has_hands = parts.iter().any(|part| matches!(part, BodyPart::LeftHand | BodyPart::RightHand));
    match (recipe.normalise == Normalise::Frame && has_hands, parts.contains(&BodyPart::Pose)) {
        (false, _) => "",
        (true, true) => " Hands are put back at their wrists.",
        (true, false) => " Hands are beside each other, as no stream says where their wrists are.",
    }
}

/// A sequence beside its caption.
#[must_use]
pub fn row(recipe: &Recipe, sequence: (usize, &[f32]), caption: Vec<String>) -> Row {
    Row { caption, strip: strip(recipe, sequence), ..Row::default() }
}

/// How many frames a sequence has, in words.
#[must_use]
pub fn length(frames: usize) -> String {
    count(frames as u64, "frame")
}

/// The moments of a sequence.
#[must_use]
pub fn strip(recipe: &Recipe, sequence: (usize, &[f32])) -> Strip {
    let groups = placed(recipe, sequence);
    let has_hands = groups.iter().any(|group| matches!(group.part, BodyPart::LeftHand | BodyPart::RightHand));
    let stills = moments(sequence.0).into_iter().map(|frame| still(&groups, frame, has_hands));
    Strip { stills: stills.collect(), view: View::around(&framed(&groups)) }
}

/// The frames that are shown.
fn moments(frames: usize) -> Vec<usize> {
    let shown = frames.min(MOMENTS);
    let steps = shown.saturating_sub(1).max(1);
    (0..shown).map(|place| (2 * place * frames.saturating_sub(1) + steps) / (2 * steps)).collect()
}

/// The points of all frames that decide what is shown; if none of those is seen, all.
fn framed(groups: &[Group]) -> Vec<[f64; 2]> {
    let points = |counts: &dyn Fn(BodyPart, usize) -> bool| {
        let mut points = Vec::new();
        for group in groups {
            for spots in &group.frames {
                let own = spots.iter().zip(&group.numbers).filter(|(_, number)| counts(group.part, **number));
                points.extend(own.filter_map(|(spot, _)| Some(spot.as_ref()?.at)));
            }
        }
        points
    };
    let usual = points(&is_framed);
    if usual.is_empty() { points(&|_, _| true) } else { usual }
}

fn still(groups: &[Group], frame: usize, has_hands: bool) -> Still {
    let mut still = Still { label: (frame + 1).to_string(), ..Still::default() };
    for group in groups {
        match group.part {
            BodyPart::Other if group.numbers.len() <= TRAILS => trail(&mut still, group, frame),
            _ => figure(&mut still, group, group.frames.get(frame).map_or(&[][..], Vec::as_slice), has_hands),
        }
    }
    still.absent = absent(groups, frame);
    still
}

/// The lines of a part, and the points that no line ends at.
fn figure(still: &mut Still, group: &Group, spots: &[Option<Spot>], has_hands: bool) {
    let part = drawn_as(group.part);
    let at = |number: usize| Some(spots.get(group.place(number)?)?.as_ref()?.at);
    let mut is_joined = vec![false; spots.len()];
    for (numbers, weight) in lines(group.part, has_hands) {
        if let [Some(from), Some(to)] = numbers.map(at) {
            still.lines.push(Line { ends: [from, to], part, weight });
            numbers.iter().filter_map(|number| group.place(*number)).for_each(|place| is_joined[place] = true);
        }
    }
    let alone = group.numbers.iter().zip(&is_joined).filter(|(_, is_joined)| !**is_joined);
    for (number, _) in alone {
        let from = towards_wrist(group.part, *number, &group.numbers);
        if let [Some(from), Some(to)] = [from.and_then(at), at(*number)] {
            still.lines.push(Line { ends: [from, to], part, weight: Weight::Usual });
        }
    }
    for ((spot, number), is_joined) in spots.iter().zip(&group.numbers).zip(is_joined) {
        if let (Some(spot), Some(weight), false) = (spot, dot(group.part, *number), is_joined) {
            still.dots.push(Dot { at: spot.at, part, weight });
        }
    }
}

/// Where the points have been until now: a pen leaves a line as long as it is down.
fn trail(still: &mut Still, group: &Group, frame: usize) {
    let part = drawn_as(group.part);
    for place in 0..group.numbers.len() {
        let spots = group.frames.iter().take(frame + 1).map(|spots| spots.get(place).copied().flatten());
        let spots: Vec<Option<Spot>> = spots.collect();
        for pair in spots.windows(2) {
            if let [Some(from), Some(to)] = pair
                && from.is_sure
                && to.is_sure
            {
                still.lines.push(Line { ends: [from.at, to.at], part, weight: Weight::Thick });
            }
        }
        let now = spots.last().copied().flatten();
        still.dots.extend(now.map(|spot| {
            let weight = if spot.is_sure { Weight::Thick } else { Weight::Usual };
            Dot { at: spot.at, part, weight }
        }));
    }
}

/// What is not seen in a frame, in as few words as there is room for.
fn absent(groups: &[Group], frame: usize) -> Vec<(Part, String)> {
    let gone: Vec<&Group> = groups.iter().filter(|group| !group.is_seen(frame)).collect();
    if gone.len() == groups.len() {
        return vec![(Part::Body, "nothing seen".to_owned())];
    }
    let is_gone = |part: BodyPart| gone.iter().any(|group| group.part == part);
    let mut found = Vec::new();
    if is_gone(BodyPart::LeftHand) && is_gone(BodyPart::RightHand) {
        found.push((Part::Body, "no hands".to_owned()));
    } else {
        found.extend(is_gone(BodyPart::LeftHand).then(|| (Part::Left, "no left hand".to_owned())));
        found.extend(is_gone(BodyPart::RightHand).then(|| (Part::Right, "no right hand".to_owned())));
    }
    found.extend(is_gone(BodyPart::Pose).then(|| (Part::Body, "no body".to_owned())));
    found.extend(is_gone(BodyPart::Face).then(|| (Part::Face, "no face".to_owned())));
    let others = gone.iter().filter(|group| group.part == BodyPart::Other);
    found.extend(others.map(|group| (Part::Other, format!("no {}", group.stream))));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::task::keypoints::config::PrepareConfig;

    fn recipe(value: serde_json::Value) -> Recipe {
        Recipe::of(&serde_json::from_value::<PrepareConfig>(value).unwrap())
    }

    #[test]
    fn moments_are_even_and_a_short_sequence_has_all_of_its_frames() {
        assert_eq!(moments(15), [0, 2, 4, 6, 8, 10, 12, 14]);
        assert_eq!((moments(3), moments(1), moments(0)), (vec![0, 1, 2], vec![0], vec![]));
        let many = moments(77);
        assert_eq!((many.len(), many[0], many[7]), (8, 0, 76));
    }

    #[test]
    fn a_missing_hand_is_said_and_the_other_one_is_drawn() {
        let recipe = recipe(json!({"streams": {"hand": {"points": 42}}, "values": ["x", "y"]}));
        let hand: Vec<f32> = (0..42).map(|value| 0.1 + value as f32 / 100.0).collect();
        let nothing = vec![0.0; 42];
        let values = [&hand[..], &nothing, &nothing, &hand, &nothing, &nothing, &hand, &hand].concat();
        let strip = strip(&recipe, (4, &values));
        let said: Vec<Vec<&str>> =
            strip.stills.iter().map(|still| still.absent.iter().map(|(_, text)| text.as_str()).collect()).collect();
        assert_eq!(said, [vec!["no right hand"], vec!["no left hand"], vec!["nothing seen"], vec![]]);
        let lines: Vec<usize> = strip.stills.iter().map(|still| still.lines.len()).collect();
        assert_eq!(lines, [21, 21, 0, 42]);
        assert!(strip.stills[0].lines.iter().all(|line| line.part == Part::Left));
    }

    #[test]
    fn a_note_says_where_hands_are_that_are_relative_to_their_wrists() {
        let of = |normalise: &str, streams: serde_json::Value| {
            note(&recipe(json!({"streams": streams, "normalise": normalise}))).to_owned()
        };
        let both = json!({"hand": {"points": 42}, "body": {"points": 33}});
        assert!(of("frame", both.clone()).contains("put back") && of("sequence", both).is_empty());
        assert!(of("frame", json!({"hand": {"points": 42}})).contains("beside each other"));
        assert!(of("frame", json!({"body": {"points": 33}})).is_empty());
    }

    #[test]
    fn chosen_points_of_a_hand_are_joined_and_those_of_a_face_are_dots() {
        let recipe = recipe(json!({
            "streams": {"hand": {"points": [0, 1, 8, 12]}, "face": {"points": "lips"}}, "values": ["x", "y"]
        }));
        let values: Vec<f32> = (1..=88).map(|value| value as f32 / 100.0).collect();
        let strip = strip(&recipe, (1, &values));
        let still = &strip.stills[0];
        let of = |part| still.dots.iter().filter(|dot| dot.part == part).count();
        assert_eq!((still.lines.len(), of(Part::Left), of(Part::Face)), (3, 2, 40));
    }

    #[test]
    fn a_pen_leaves_a_line_while_it_is_down() {
        let recipe = recipe(json!({"streams": {"pen": {"points": 1}}, "values": ["x", "y", "confidence"]}));
        let down = [1.0, 1.0, 0.0, 1.0, 1.0];
        let values: Vec<f32> = down.iter().enumerate().flat_map(|(at, down)| [0.1 + at as f32, 0.2, *down]).collect();
        let strip = strip(&recipe, (5, &values));
        let lines: Vec<usize> = strip.stills.iter().map(|still| still.lines.len()).collect();
        assert_eq!(lines, [0, 1, 1, 1, 2]);
        assert!(strip.stills.iter().all(|still| still.dots.len() == 1 && still.absent.is_empty()));
        assert_eq!(names(&recipe)[4], (Part::Other, "pen".to_owned()));
    }

    #[test]
    fn a_sequence_that_is_cut_short_is_drawn_as_far_as_it_goes() {
        let recipe = recipe(json!({"streams": {"hand": {"points": 42}}, "values": ["x", "y"]}));
        let strip = strip(&recipe, (2, &[0.5; 84]));
        assert_eq!(strip.stills.len(), 2);
    }
}
