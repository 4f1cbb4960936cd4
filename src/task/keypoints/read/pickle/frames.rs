//! The frames that a pickle holds: a list of dicts by the names of parts, each `{x: [..], y: [..]}`, or None for a part that is not seen.

use super::machine::{Heap, Value, shortened};
use crate::task::keypoints::clip::VALUES;
use crate::task::keypoints::read::Frames;
use crate::task::keypoints::read::parts::{Parts, Point};

/// What the lists of numbers are called, and which number of a point they have.
const NAMES: [(&str, usize); 6] = [("x", 0), ("y", 1), ("z", 2), ("confidence", 3), ("visibility", 3), ("c", 3)];

/// Without these there is no point.
const NEEDED: [(&str, usize); 2] = [("x", 0), ("y", 1)];

/// The most parts of a frame.
const MOST_ENTRIES: usize = 64;

const EXPECTED: &str = "expected a list of frames, each a dict of parts such as {\"pose\": {\"x\": [..], \"y\": [..]}}";

/// The frames of a pickle in a file of so many bytes.
pub(super) fn read(heap: &Heap<'_>, file_bytes: usize) -> Result<Frames, String> {
    let Value::List(frames) = heap.root else { return Err(format!("holds {}, {EXPECTED}", heap.root.name())) };
    let mut parts = Parts::new(file_bytes);
    let mut points = Vec::new();
    for (number, frame) in heap.list(frames).iter().enumerate() {
        let Value::Dict(frame) = *frame else {
            return Err(format!("has {} as frame {number}, {EXPECTED}", frame.name()));
        };
        parts.frame()?;
        for (name, part) in last_of_each(heap.dict(frame))? {
            let Value::Text(name) = name else {
                return Err(format!("has {} as the name of a part in frame {number}, {EXPECTED}", name.name()));
            };
            let at = || format!("{} in frame {number}", shortened(name));
            let has = match part {
                Value::None => continue,
                Value::Dict(part) => {
                    coordinates(heap, part, &mut points).map_err(|reason| format!("has {reason} of {}", at()))?
                }
                other => return Err(format!("has {} as {}, {EXPECTED}", other.name(), at())),
            };
            parts.put(name, &points, has)?;
        }
    }
    parts.finish()
}

/// Entries of a dict, of those with the same key only the last.
fn last_of_each<'a>(entries: &[(Value<'a>, Value<'a>)]) -> Result<Vec<(Value<'a>, Value<'a>)>, String> {
    if entries.len() > MOST_ENTRIES {
        return Err(format!("has a dict of {} entries, {EXPECTED}", entries.len()));
    }
    let is_last = |place: usize, key: Value<'_>| !entries[place + 1..].iter().any(|(other, _)| *other == key);
    let last = entries.iter().enumerate().filter(|(place, (key, _))| is_last(*place, *key));
    Ok(last.map(|(_, entry)| *entry).collect())
}

/// The points of a part, and which numbers they have.
fn coordinates(heap: &Heap<'_>, part: usize, points: &mut Vec<Point>) -> Result<[bool; VALUES], String> {
    let mut lists = [None; VALUES];
    for (key, value) in last_of_each(heap.dict(part))? {
        let Value::Text(key) = key else { continue };
        let Some((_, place)) = NAMES.iter().find(|(name, _)| *name == key) else { continue };
        lists[*place] = match value {
            Value::List(list) => Some(heap.list(list)),
            Value::None => None,
            other => return Err(format!("{} as {key}, expected a list of numbers", other.name())),
        };
    }
    points.clear();
    if lists.iter().all(Option::is_none) {
        return Ok([false; VALUES]);
    }
    for (name, place) in NEEDED {
        if lists[place].is_none() {
            return Err(format!("no {name}, expected lists of x and y"));
        }
    }
    let count = lists[0].map_or(0, <[_]>::len);
    points.resize(count, [0.0; VALUES]);
    for (place, list) in lists.iter().enumerate() {
        let Some(list) = list else { continue };
        if list.len() != count {
            return Err(format!("{count} numbers of x and {} of another value, expected as many of each", list.len()));
        }
        for (point, value) in points.iter_mut().zip(*list) {
            let Value::Number(number) = value else {
                return Err(format!("{} among its numbers, expected numbers", value.name()));
            };
            point[place] = *number as f32;
        }
    }
    Ok(lists.map(|list| list.is_some()))
}
