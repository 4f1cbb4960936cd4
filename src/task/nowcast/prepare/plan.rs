//! What has to be done: pure decisions from the content of the folders and the records.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::discover::{EventFiles, SourceFile};
use super::record::{EventRecord, FileRecord, Frames, GridRecord, Known, Outcome};

/// An event with its record.
#[derive(Debug)]
pub struct EventPlan {
    /// Its files now.
    pub event: EventFiles,
    /// Its record, if it was prepared before.
    pub record: Option<EventRecord>,
    /// Whether all the frames in the record are still there.
    pub is_whole: bool,
    /// The unit of its values, if it was prepared before.
    pub units: Option<String>,
}

impl EventPlan {
    /// Whether the event has exactly the files in the record, all unchanged from outside, and all its frames.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.is_whole
            && self.record.as_ref().is_some_and(|record| {
                record.files.len() == self.event.files.len()
                    && self.event.files.iter().all(|file| record.unchanged(&file.name, file.stamp).is_some())
            })
    }

    /// The record of an event that is in the dataset as it should be: nothing changed, and the grid is still the dataset's.
    #[must_use]
    pub fn standing(&self, grid: Option<&GridRecord>) -> Option<&EventRecord> {
        self.record.as_ref().filter(|record| self.is_unchanged() && Some(&record.grid) == grid)
    }

    /// The record of an event whose files only look changed from outside, such as after a copy, given their states.
    #[must_use]
    pub fn same_content(&self, states: &[FileState], grid: Option<&GridRecord>) -> Option<&EventRecord> {
        let record = self.record.as_ref().filter(|record| self.is_whole && Some(&record.grid) == grid)?;
        let is_same = |(file, state): (&SourceFile, &FileState)| {
            let before = record.find(&file.name).map(|file| &file.outcome);
            match before {
                Some(Outcome::Used(_)) => matches!(state, FileState::Adopted(_)),
                Some(Outcome::SetAside { .. }) => matches!(state, FileState::Refused { .. }),
                None => false,
            }
        };
        let files = &self.event.files;
        (record.files.len() == files.len() && files.iter().zip(states).all(is_same)).then_some(record)
    }

    /// What is remembered of a file that is unchanged from outside.
    #[must_use]
    pub fn known(&self, file: &SourceFile) -> Option<&FileRecord> {
        self.record.as_ref()?.unchanged(&file.name, file.stamp)
    }
}

/// The grid that most files have; of equally frequent ones that of the first file. All others are set aside.
#[must_use]
pub fn most_frequent<'a>(grids: impl Iterator<Item = &'a GridRecord>) -> Option<GridRecord> {
    let mut counts: HashMap<&GridRecord, (usize, usize)> = HashMap::new();
    for (index, grid) in grids.enumerate() {
        counts.entry(grid).or_insert((0, index)).0 += 1;
    }
    let best = counts.into_iter().max_by_key(|(_, (count, first))| (*count, usize::MAX - first));
    best.map(|(grid, _)| grid.clone())
}

/// The source of a candidate's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The file has to be read.
    Convert,
    /// The earlier version of the event has it, at this place.
    Adopt(usize),
}

/// A frame of the new event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The file, by its number in the event.
    pub file: usize,
    /// The frame's place in the file.
    pub in_file: usize,
    /// Seconds since 1970.
    pub time: f64,
    /// Its source.
    pub origin: Origin,
}

/// A file as it enters an event: unchanged in content and adopted, read for the first time, or refused.
#[derive(Clone, Debug)]
pub enum FileState {
    /// The content is the recorded one; the frames are in the earlier version of the event.
    Adopted(FileRecord),
    /// The header was read.
    Surveyed {
        /// The grid.
        grid: GridRecord,
        /// The times of its frames.
        times: Vec<f64>,
        /// The unit of its values; empty if the file names none.
        units: String,
    },
    /// It can't be used.
    Refused {
        /// Why.
        reason: String,
        /// The grid, if the header could be read.
        grid: Option<GridRecord>,
    },
}

impl FileState {
    /// The file's grid, if its header could be read.
    #[must_use]
    pub fn grid(&self) -> Option<&GridRecord> {
        match self {
            Self::Adopted(record) => record.grid(),
            Self::Surveyed { grid, .. } => Some(grid),
            Self::Refused { grid, .. } => grid.as_ref(),
        }
    }

    /// How many frames the file has, as far as is known.
    #[must_use]
    pub fn frames(&self) -> usize {
        match self {
            Self::Adopted(record) => record.frames().len(),
            Self::Surveyed { times, .. } => times.len(),
            Self::Refused { .. } => 0,
        }
    }

    fn candidates(&self) -> Vec<(usize, f64, Origin)> {
        match self {
            Self::Adopted(record) => {
                record.frames().iter().map(|frame| (frame.in_file, frame.time, Origin::Adopt(frame.in_event))).collect()
            }
            Self::Surveyed { times, .. } => {
                times.iter().enumerate().map(|(in_file, &time)| (in_file, time, Origin::Convert)).collect()
            }
            Self::Refused { .. } => Vec::new(),
        }
    }
}

/// What an event would become, as far as the headers of its files show.
#[derive(Debug)]
pub struct Draft {
    /// Its files.
    pub states: Vec<FileState>,
    /// Its frames in time order.
    pub candidates: Vec<Candidate>,
}

impl Draft {
    /// Sets aside files of another grid, and second frames of the same time.
    #[must_use]
    pub fn new(files: &[SourceFile], mut states: Vec<FileState>, grid: Option<&GridRecord>) -> Self {
        if let Some(grid) = grid {
            refuse_other_grids(&mut states, grid);
        }
        let candidates = order_frames(files, &mut states);
        Self { states, candidates }
    }

    /// The files that are refused already, each with the reason.
    pub fn refused<'a>(&'a self, files: &'a [SourceFile]) -> impl Iterator<Item = (&'a SourceFile, &'a str)> {
        files.iter().zip(&self.states).filter_map(|(file, state)| match state {
            FileState::Refused { reason, .. } => Some((file, reason.as_str())),
            _ => None,
        })
    }
}

/// Sets aside the files whose grid is not the dataset's.
fn refuse_other_grids(states: &mut [FileState], expected: &GridRecord) {
    for state in states {
        let Some(grid) = state.grid().filter(|grid| *grid != expected).cloned() else { continue };
        if matches!(state, FileState::Refused { .. }) {
            continue;
        }
        let reason = other_grid(&grid, expected);
        *state = FileState::Refused { reason, grid: Some(grid) };
    }
}

fn other_grid(got: &GridRecord, expected: &GridRecord) -> String {
    let text = |grid: &GridRecord| grid.shape.map(|length| length.to_string()).join("x");
    if got.shape == expected.shape {
        format!("another grid: {} as most files, but at other coordinates", text(got))
    } else {
        format!("another grid: got {}, most files have {} (levels x rows x columns)", text(got), text(expected))
    }
}

/// The frames of an event in time order. A file whose time another file (earlier by name) already has is set aside.
fn order_frames(files: &[SourceFile], states: &mut [FileState]) -> Vec<Candidate> {
    let mut taken: HashMap<u64, usize> = HashMap::new();
    let mut candidates = Vec::new();
    for (file, state) in states.iter_mut().enumerate() {
        let frames = state.candidates();
        let repeated = first_repeated(frames.iter().map(|(_, time, _)| time.to_bits()));
        let double = frames.iter().enumerate().find_map(|(index, (_, time, _))| {
            let within = repeated == Some(index);
            taken.get(&time.to_bits()).copied().or(within.then_some(file)).map(|holder| (*time, holder))
        });
        if let Some((time, holder)) = double {
            let holder = files.get(holder).map_or("", |file| file.name.as_str());
            let reason = format!("a second frame at {}: {holder} has that time", time_text(time));
            let grid = state.grid().cloned();
            *state = FileState::Refused { reason, grid };
            continue;
        }
        for (in_file, time, origin) in frames {
            taken.insert(time.to_bits(), file);
            candidates.push(Candidate { file, in_file, time, origin });
        }
    }
    candidates.sort_by(|a, b| a.time.total_cmp(&b.time));
    candidates
}

/// The place of the first key that is there a second time.
fn first_repeated<K: Eq + Hash>(keys: impl IntoIterator<Item = K>) -> Option<usize> {
    let mut seen = HashSet::new();
    keys.into_iter().position(|key| !seen.insert(key))
}

/// A time as people read it.
#[must_use]
pub fn time_text(seconds: f64) -> String {
    jiff::Timestamp::from_second(seconds.round() as i64)
        .map_or_else(|_| format!("{seconds} s"), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// What is recorded of a file, once the frames that could be used have their places.
#[must_use]
pub fn outcome(state: &FileState, frames: Vec<super::record::FrameRecord>) -> Outcome {
    match state {
        FileState::Refused { reason, grid } => {
            Outcome::SetAside { reason: reason.clone(), known: Known { grid: grid.clone() } }
        }
        FileState::Adopted(FileRecord { outcome: set_aside @ Outcome::SetAside { .. }, .. }) => set_aside.clone(),
        FileState::Adopted(FileRecord { outcome: Outcome::Used(Frames { grid, .. }), .. })
        | FileState::Surveyed { grid, .. } => Outcome::Used(Frames { grid: grid.clone(), frames }),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::hash::Hasher;

    use super::*;
    use crate::task::nowcast::prepare::discover::Stamp;
    use crate::task::nowcast::prepare::record::{FORMAT, FrameRecord};
    use crate::util::sha256::Digest;

    fn grid(rows: usize) -> GridRecord {
        GridRecord { shape: [1, rows, 4], digest: Digest::of(&rows.to_le_bytes()) }
    }

    fn stamp(bytes: u64) -> Stamp {
        Stamp { bytes, inode: 7, changed_ns: 9 }
    }

    fn file(name: &str) -> SourceFile {
        SourceFile { name: name.into(), stamp: stamp(1) }
    }

    fn surveyed(times: &[f64]) -> FileState {
        FileState::Surveyed { grid: grid(3), times: times.to_vec(), units: String::new() }
    }

    fn record(name: &str, in_event: usize, time: f64) -> FileRecord {
        let frames = vec![FrameRecord { in_file: 0, in_event, time }];
        FileRecord {
            name: name.into(),
            stamp: stamp(1),
            sha256: None,
            outcome: Outcome::Used(Frames { grid: grid(3), frames }),
        }
    }

    fn plan(now: &[&str], recorded: &[&str]) -> EventPlan {
        let files = now.iter().map(|name| file(name)).collect();
        let event = EventFiles { path: "e".into(), folder: "e".into(), files };
        let files = recorded.iter().enumerate().map(|(index, name)| record(name, index, index as f64)).collect();
        EventPlan {
            event,
            record: Some(EventRecord { format: FORMAT, grid: grid(3), files }),
            is_whole: true,
            units: None,
        }
    }

    #[test]
    fn an_event_is_unchanged_only_with_the_same_files_and_stamps() {
        assert!(plan(&["a", "b"], &["a", "b"]).is_unchanged());
        assert!(!plan(&["a", "b", "c"], &["a", "b"]).is_unchanged());
        assert!(!plan(&["a"], &["a", "b"]).is_unchanged());
        assert!(!plan(&["a", "c"], &["a", "b"]).is_unchanged());
        let mut touched = plan(&["a"], &["a"]);
        touched.event.files[0].stamp.changed_ns += 1;
        assert!(!touched.is_unchanged());
        assert!(touched.known(&touched.event.files[0]).is_none());
        let adopted = FileState::Adopted(touched.record.as_ref().unwrap().files[0].clone());
        let refused = FileState::Refused { reason: String::new(), grid: None };
        assert!(touched.same_content(std::slice::from_ref(&adopted), Some(&grid(3))).is_some());
        assert!(touched.same_content(&[adopted], Some(&grid(4))).is_none());
        assert!(touched.same_content(&[refused], Some(&grid(3))).is_none());
    }

    #[test]
    fn the_majority_decides_about_the_grid_and_the_first_file_in_a_tie() {
        let grids = [grid(1), grid(2), grid(2)];
        assert_eq!(most_frequent(grids.iter()), Some(grid(2)));
        assert_eq!(most_frequent(grids[..2].iter()), Some(grid(1)));
        assert_eq!(most_frequent([].iter()), None);
    }

    /// A key that counts how often keys are compared.
    struct Counted<'a>(u64, &'a Cell<usize>);

    impl PartialEq for Counted<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.1.set(self.1.get() + 1);
            self.0 == other.0
        }
    }

    impl Eq for Counted<'_> {}

    impl Hash for Counted<'_> {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    #[test]
    fn many_frames_in_a_file_are_compared_a_few_times_each() {
        let (frames, compared) = (20_000, Cell::new(0));
        let keys = || (0..frames).map(|time| Counted(time, &compared));
        assert_eq!(first_repeated(keys()), None);
        assert!(compared.get() < 4 * frames as usize, "{} comparisons", compared.get());
        assert_eq!(first_repeated(keys().chain([Counted(7, &compared)])), Some(frames as usize));
    }

    #[test]
    fn a_file_that_is_refused_gives_no_frame_and_holds_no_time() {
        let files = [file("a"), file("b"), file("c")];
        let other = FileState::Surveyed { grid: grid(5), times: vec![1.0], units: String::new() };
        let draft = Draft::new(&files, vec![other, surveyed(&[1.0]), surveyed(&[2.0])], Some(&grid(3)));
        assert_eq!(draft.candidates.iter().map(|frame| frame.file).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(draft.refused(&files).map(|(file, _)| file.name.as_str()).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn a_record_is_valid_only_while_its_grid_is_that_of_the_dataset() {
        let plan = plan(&["a"], &["a"]);
        assert!(plan.standing(Some(&grid(3))).is_some());
        assert!(plan.standing(Some(&grid(4))).is_none());
        assert!(plan.standing(None).is_none());
    }

    #[test]
    fn a_file_of_another_grid_is_set_aside_with_both_sizes() {
        let mut states =
            [surveyed(&[1.0]), FileState::Surveyed { grid: grid(5), times: vec![2.0], units: String::new() }];
        refuse_other_grids(&mut states, &grid(3));
        let FileState::Refused { reason, .. } = &states[1] else { panic!("{states:?}") };
        assert_eq!(reason, "another grid: got 1x5x4, most files have 1x3x4 (levels x rows x columns)");
        assert!(matches!(states[0], FileState::Surveyed { .. }));
    }

    #[test]
    fn frames_come_in_time_order_whatever_the_names() {
        let files = [file("a"), file("b"), file("c")];
        let mut states = [surveyed(&[30.0]), surveyed(&[10.0, 40.0]), FileState::Adopted(record("c", 5, 20.0))];
        let order = order_frames(&files, &mut states);
        let order: Vec<_> = order.iter().map(|frame| (frame.file, frame.in_file, frame.origin)).collect();
        assert_eq!(
            order,
            [(1, 0, Origin::Convert), (2, 0, Origin::Adopt(5)), (0, 0, Origin::Convert), (1, 1, Origin::Convert)]
        );
    }

    #[test]
    fn the_second_file_of_a_time_is_set_aside() {
        let files = [file("a"), file("b"), file("c")];
        let mut states = [surveyed(&[0.0]), surveyed(&[0.0]), surveyed(&[5.0, 5.0])];
        let order = order_frames(&files, &mut states);
        assert_eq!(order.len(), 1);
        let FileState::Refused { reason, .. } = &states[1] else { panic!("{states:?}") };
        assert_eq!(reason, "a second frame at 1970-01-01 00:00:00 UTC: a has that time");
        assert!(matches!(&states[2], FileState::Refused { reason, .. } if reason.contains("c has that time")));
    }
}
