//! One npz file with all samples: `[N + 1]` `offsets`, where each begins in the arrays of the streams; `[N]` `labels` with `names` of classes,
//! or `[N]` `glosses`; optional `ids`, `signers`, `sides`, `videos` and `spans`; and an array `[sum of frames, numbers of a row]`, or
//! `[sum of frames, points, values]`, for each stream. `streams` says what a row is, such as "pen 1 xyz"; without it names and the configuration do.

use std::collections::BTreeSet;
use std::path::Path;

use super::hints::Hints;
use super::named::{self, Columns};
use super::{Entry, Found, Frames, Layout, ReadError, Reader, SetAside, below};
use crate::data::numpy::{Array, Arrays, Numbers, encode};
use crate::data::split::Side;
use crate::nn::export::Archive;
use crate::task::keypoints::clip::{Clip, Source, VALUES};
use crate::util::fs::{FsError, write_atomic};

/// The array that every such file has.
const OFFSETS: &str = "offsets";

/// Those that say something about samples; any other one is a stream.
const ABOUT: [&str; 10] =
    [OFFSETS, "labels", "names", "glosses", "ids", "signers", "sides", "videos", "spans", "streams"];

/// The letters of the values of a point.
const LETTERS: [char; VALUES] = ['x', 'y', 'z', 'c'];

/// Whether an npz file has this layout rather than being one sample.
pub(super) fn fits(path: &Path) -> bool {
    Arrays::open(path).is_ok_and(|arrays| arrays.names().any(|name| name == OFFSETS))
}

/// Why an npz file can't be opened, if it can't.
pub(super) fn damage(path: &Path) -> Option<String> {
    Arrays::open(path).err()
}

/// Reads a file below the root.
pub(super) fn open(root: &Path, file: &str, hints: &Hints) -> Result<Found, ReadError> {
    let path = root.join(file);
    let packed = Packed::read(&path, hints).map_err(|reason| ReadError::refused(&path, reason))?;
    let (mut entries, mut set_aside, mut kept) = (Vec::new(), packed.left_out, Vec::new());
    for (number, entry) in packed.entries.into_iter().enumerate() {
        match entry {
            Ok(entry) => {
                kept.push(number);
                entries.push(Entry { file: file.to_owned(), ..entry });
            }
            Err(aside) => set_aside.push(aside),
        }
    }
    set_aside.iter_mut().for_each(|aside| aside.place = file.to_owned());
    let reader = Box::new(Rows { kept, offsets: packed.offsets, streams: packed.streams });
    let (layout, files) = (Layout::Packed, vec![file.to_owned()]);
    Ok(Found { layout, entries, classes: packed.classes, set_aside, files, reader })
}

struct Packed {
    offsets: Vec<usize>,
    streams: Vec<Stream>,
    classes: Vec<String>,
    entries: Vec<Result<Entry, SetAside>>,
    left_out: Vec<SetAside>,
}

struct Stream {
    columns: Vec<Columns>,
    rows: Vec<f32>,
}

impl Stream {
    fn width(&self) -> usize {
        self.columns.iter().map(Columns::width).sum()
    }
}

impl Packed {
    fn read(path: &Path, hints: &Hints) -> Result<Self, String> {
        let mut arrays = Arrays::open(path)?;
        let offsets = offsets(&mut arrays)?;
        let (count, frames) = (offsets.len() - 1, offsets[offsets.len() - 1]);
        let (classes, class_of) = classes(&mut arrays, count)?;
        let ids = texts(&mut arrays, "ids", count)?;
        let signers = texts(&mut arrays, "signers", count)?;
        let sides = sides(&mut arrays, count)?;
        let sources = sources(&mut arrays, count)?;
        let (streams, left_out) = streams(&mut arrays, frames, hints)?;
        let entry = |number: usize| {
            let name = ids.as_ref().map_or_else(|| format!("{number:06}"), |ids| ids[number].clone());
            if offsets[number] == offsets[number + 1] {
                return Err(SetAside::of(
                    &name,
                    "",
                    format!("has the sample {name:?} without frames, expected at least one"),
                ));
            }
            let class = class_of[number]
                .clone()
                .map_err(|reason| SetAside::of(&name, "", format!("has the sample {name:?} {reason}")))?;
            let signer =
                signers.as_ref().map(|signers| signers[number].clone()).filter(|name| !name.is_empty() && name != "-1");
            let side = sides.as_ref().and_then(|sides| sides[number]);
            let source = sources.as_ref().and_then(|sources| sources[number].clone());
            Ok(Entry { name, class, signer, source, side, file: String::new() })
        };
        let entries = (0..count).map(entry).collect();
        Ok(Self { offsets, streams, classes, entries, left_out })
    }
}

fn offsets(arrays: &mut Arrays) -> Result<Vec<usize>, String> {
    let array = arrays.array(OFFSETS)?.ok_or("has no array \"offsets\", expected where each sample begins")?;
    let numbers = whole(&array, OFFSETS)?;
    let offsets: Option<Vec<usize>> = numbers.into_iter().map(|number| usize::try_from(number).ok()).collect();
    let offsets = offsets.filter(|offsets| offsets.first() == Some(&0) && offsets.is_sorted());
    offsets.ok_or_else(|| {
        "has \"offsets\" that do not rise from 0, expected the first frame of each sample and their sum".to_owned()
    })
}

type ClassOf = Vec<Result<Option<String>, String>>;

/// The classes in order, if the file says it, and the class of each sample.
fn classes(arrays: &mut Arrays, count: usize) -> Result<(Vec<String>, ClassOf), String> {
    if let Some(glosses) = texts(arrays, "glosses", count)? {
        let class = |gloss: String| match gloss.is_empty() {
            true => Err("with an empty gloss".to_owned()),
            false => Ok(Some(gloss)),
        };
        return Ok((Vec::new(), glosses.into_iter().map(class).collect()));
    }
    let Some(labels) = arrays.array("labels")? else { return Ok((Vec::new(), vec![Ok(None); count])) };
    let labels = of_length(whole(&labels, "labels")?, "labels", count)?;
    let names = match arrays.array("names")?.map(|array| array.numbers) {
        Some(Numbers::Text(names)) => names,
        Some(_) => return Err("has \"names\" that are no texts, expected the names of the classes".to_owned()),
        None => {
            return Ok((Vec::new(), labels.iter().map(|label| Ok((*label >= 0).then(|| label.to_string()))).collect()));
        }
    };
    let mut known = BTreeSet::new();
    if let Some(name) = names.iter().find(|name| !known.insert(name.as_str())) {
        return Err(format!(
            "has \"names\" with {name:?} twice, expected a class once; give both labels the same number"
        ));
    }
    let class = |label: &i64| match usize::try_from(*label).ok().map(|label| names.get(label)) {
        None if *label == -1 => Ok(None),
        Some(Some(name)) => Ok(Some(name.clone())),
        _ => Err(format!("with the label {label}, expected 0 to {}", names.len().saturating_sub(1))),
    };
    let class_of = labels.iter().map(class).collect();
    Ok((names, class_of))
}

fn sources(arrays: &mut Arrays, count: usize) -> Result<Option<Vec<Option<Source>>>, String> {
    let Some(videos) = texts(arrays, "videos", count)? else { return Ok(None) };
    let spans = match arrays.array("spans")? {
        Some(spans) if spans.shape == [count, 2] => whole(&spans, "spans")?,
        Some(spans) => return Err(format!("has \"spans\" of the shape {:?}, expected [{count}, 2]", spans.shape)),
        None => Source::NO_SPAN.map(|frame| frame as i64).repeat(count),
    };
    let source = |(video, [start, end]): (String, &[i64; 2])| {
        let span = u64::try_from(*start).ok().zip(u64::try_from(*end).ok()).map_or(Source::NO_SPAN, <[u64; 2]>::from);
        (!video.is_empty()).then_some(Source { video, span })
    };
    Ok(Some(videos.into_iter().zip(spans.as_chunks().0).map(source).collect()))
}

/// The side of each sample, if the file says it; an empty text says nothing.
fn sides(arrays: &mut Arrays, count: usize) -> Result<Option<Vec<Option<Side>>>, String> {
    let Some(sides) = texts(arrays, "sides", count)? else { return Ok(None) };
    let side = |(number, word): (usize, String)| match Side::ALL.into_iter().find(|side| side.name() == word) {
        None if !word.is_empty() => {
            Err(format!("has {word:?} in \"sides\" for sample {number}, expected train, val, test or an empty text"))
        }
        side => Ok(side),
    };
    sides.into_iter().enumerate().map(side).collect::<Result<_, _>>().map(Some)
}

/// The streams, and the arrays that are none.
fn streams(arrays: &mut Arrays, frames: usize, hints: &Hints) -> Result<(Vec<Stream>, Vec<SetAside>), String> {
    let described = described(arrays)?;
    let names: Vec<String> = arrays.names().filter(|name| !ABOUT.contains(name)).map(str::to_owned).collect();
    let (mut streams, mut left_out) = (Vec::new(), Vec::new());
    for name in names {
        let Some(array) = arrays.array(&name)? else { continue };
        // Points and their values may be dimensions of their own: their numbers are in the same order.
        let (rows, width) = match array.shape[..] {
            [rows, width] => (rows, width),
            [rows, points, values] => (rows, points * values),
            _ => {
                let expected = "expected [frames, numbers of a frame] or [frames, points, values]";
                let reason = format!("has the array {name:?} of the shape {:?}, {expected}", array.shape);
                if named::is_wanted(&name, hints) {
                    return Err(reason);
                }
                left_out.push(SetAside::new("", reason));
                continue;
            }
        };
        if rows != frames {
            return Err(format!("has {rows} rows in {name:?}, expected {frames} by its \"offsets\""));
        }
        let columns = match described.iter().find(|columns| columns.name == name && columns.width() == width) {
            Some(columns) => Ok(vec![columns.clone()]),
            None => named::of_array(&name, width, hints),
        };
        match columns {
            Ok(columns) => streams.push(Stream { columns, rows: reals(array.numbers, &name)? }),
            Err(reason) if named::is_wanted(&name, hints) => return Err(reason),
            Err(reason) => left_out.push(SetAside::new("", reason)),
        }
    }
    match (streams.is_empty(), left_out.first()) {
        (false, _) => Ok((streams, left_out)),
        (true, Some(first)) => Err(first.reason.clone()),
        (true, None) => Err("has no stream, expected an array of rows for each".to_owned()),
    }
}

/// What a file of ours says about its streams.
fn described(arrays: &mut Arrays) -> Result<Vec<Columns>, String> {
    let Some(Array { numbers: Numbers::Text(lines), .. }) = arrays.array("streams")? else { return Ok(Vec::new()) };
    let columns = |line: &String| {
        let words: Vec<&str> = line.rsplitn(3, ' ').collect();
        let [letters, points, name] = words[..] else { return None };
        let has = LETTERS.map(|letter| letters.contains(letter));
        let points = points.parse().ok().filter(|points| *points > 0)?;
        has.contains(&true).then(|| Columns { name: name.to_owned(), points, has })
    };
    let all: Option<Vec<Columns>> = lines.iter().map(columns).collect();
    all.ok_or_else(|| "has \"streams\" that can't be read, expected lines such as \"pose 33 xyzc\"".to_owned())
}

/// Texts of which each sample has one; numbers are made into texts.
fn texts(arrays: &mut Arrays, name: &str, count: usize) -> Result<Option<Vec<String>>, String> {
    let Some(array) = arrays.array(name)? else { return Ok(None) };
    let texts = match array.numbers {
        Numbers::Text(texts) => texts,
        _ => whole(&array, name)?.iter().map(ToString::to_string).collect(),
    };
    of_length(texts, name, count).map(Some)
}

fn of_length<T>(values: Vec<T>, name: &str, count: usize) -> Result<Vec<T>, String> {
    match values.len() == count {
        true => Ok(values),
        false => Err(format!("has {} values in {name:?}, expected {count} by its \"offsets\"", values.len())),
    }
}

fn whole(array: &Array, name: &str) -> Result<Vec<i64>, String> {
    match &array.numbers {
        Numbers::Whole(numbers) => Ok(numbers.clone()),
        Numbers::Bytes(bytes) => Ok(bytes.iter().map(|byte| i64::from(*byte)).collect()),
        Numbers::Real(_) | Numbers::Text(_) => Err(format!("has no whole numbers in {name:?}, expected int64")),
    }
}

/// Numbers of any kind as those of a stream.
pub(super) fn reals(numbers: Numbers, name: &str) -> Result<Vec<f32>, String> {
    match numbers {
        Numbers::Real(numbers) => Ok(numbers),
        Numbers::Whole(numbers) => Ok(numbers.into_iter().map(|number| number as f32).collect()),
        Numbers::Bytes(numbers) => Ok(numbers.into_iter().map(f32::from).collect()),
        Numbers::Text(_) => Err(format!("has texts in {name:?}, expected numbers")),
    }
}

/// The samples of a file in memory.
struct Rows {
    /// The number of each sample in the file.
    kept: Vec<usize>,
    offsets: Vec<usize>,
    streams: Vec<Stream>,
}

impl Reader for Rows {
    fn read(&self, index: usize, _: &Entry) -> Result<Frames, String> {
        let number = self.kept[index];
        let (from, to) = (self.offsets[number], self.offsets[number + 1]);
        let mut frames = Frames { count: to - from, ..Frames::default() };
        for stream in &self.streams {
            let rows = &stream.rows[from * stream.width()..to * stream.width()];
            frames.parts.extend(named::parts(rows, &stream.columns).parts);
        }
        super::parts::sort(&mut frames.parts);
        Ok(frames)
    }
}

/// Writes clips, which all have the same parts, so that they are read again as they are.
///
/// # Errors
/// If the parts of two clips differ, or the file can't be written or would have more than 4 GB.
pub fn write(path: &Path, clips: &[Clip]) -> Result<(), ReadError> {
    let arrays = arrays_of(clips).map_err(|reason| ReadError::refused(path, reason))?;
    let mut bytes = Vec::new();
    let mut archive = Archive::new(&mut bytes, "");
    let written =
        arrays.iter().try_for_each(|(name, array)| archive.add(&below("", &format!("{name}.npy")), &encode(array)));
    written
        .and_then(|()| archive.finish())
        .map_err(FsError::at("write", path))
        .and_then(|()| write_atomic(path, &bytes))
        .map_err(|error| ReadError::Files(error.into()))
}

fn arrays_of(clips: &[Clip]) -> Result<Vec<(String, Array)>, String> {
    let first = clips.first().ok_or("would have no sample")?;
    let line = |numbers: Numbers, length: usize| Array { shape: vec![length], numbers };
    let texts = |text: &dyn Fn(&Clip) -> Option<String>| {
        line(Numbers::Text(clips.iter().map(|clip| text(clip).unwrap_or_default()).collect()), clips.len())
    };
    let mut names: Vec<&String> = clips.iter().filter_map(|clip| clip.class.as_ref()).collect();
    names.sort_unstable();
    names.dedup();
    let label = |clip: &Clip| {
        clip.class.as_ref().and_then(|class| names.binary_search(&class).ok()).map_or(-1, |label| label as i64)
    };
    let ends = clips.iter().scan(0, |end, clip| {
        *end += clip.frames as i64;
        Some(*end)
    });
    let offsets: Vec<i64> = std::iter::once(0).chain(ends).collect();
    let frames = offsets.last().map_or(0, |end| *end as usize);
    let described = |part: &crate::task::keypoints::clip::Part| {
        let letters: String = LETTERS.iter().zip(part.has).filter(|(_, has)| *has).map(|(letter, _)| letter).collect();
        format!("{} {} {letters}", part.name, part.points)
    };
    let span = |clip: &Clip| clip.source.as_ref().map_or([0; 2], |source| source.span.map(|frame| frame as i64));
    let mut arrays = vec![
        ("offsets", line(Numbers::Whole(offsets), clips.len() + 1)),
        ("labels", line(Numbers::Whole(clips.iter().map(label).collect()), clips.len())),
        ("names", line(Numbers::Text(names.iter().map(|name| (*name).clone()).collect()), names.len())),
        ("ids", texts(&|clip| Some(clip.name.clone()))),
        ("signers", texts(&|clip| clip.signer.clone())),
        ("videos", texts(&|clip| clip.source.as_ref().map(|source| source.video.clone()))),
        (
            "spans",
            Array { shape: vec![clips.len(), 2], numbers: Numbers::Whole(clips.iter().flat_map(span).collect()) },
        ),
        ("streams", line(Numbers::Text(first.parts.iter().map(described).collect()), first.parts.len())),
    ];
    let mut streams = Vec::new();
    for (place, part) in first.parts.iter().enumerate() {
        if ABOUT.contains(&part.name.as_str()) {
            return Err(format!(
                "would have a stream of the name {:?}, which means something else; rename it",
                part.name
            ));
        }
        let width = part.points * part.has.iter().filter(|has| **has).count();
        let mut rows = Vec::with_capacity(frames * width);
        for clip in clips {
            let other = clip
                .parts
                .get(place)
                .filter(|other| described(other) == described(part) && clip.parts.len() == first.parts.len());
            let other = other.ok_or_else(|| {
                format!("would have samples of different parts: {:?} and {:?}", first.name, clip.name)
            })?;
            let kept = other.values.as_chunks::<VALUES>().0.iter();
            rows.extend(
                kept.flat_map(|point| point.iter().zip(part.has).filter(|(_, has)| *has).map(|(number, _)| *number)),
            );
        }
        streams.push((part.name.clone(), Array { shape: vec![frames, width], numbers: Numbers::Real(rows) }));
    }
    Ok(arrays.drain(..).map(|(name, array)| (name.to_owned(), array)).chain(streams).collect())
}
