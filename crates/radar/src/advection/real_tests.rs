//! The skill of the baseline on real sequences against that of pysteps (`tests/fixtures/advection/make.py`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fragua_util::left_out::file_named_by;
use serde::Deserialize;

use super::*;
use crate::volume::{RawVolume, Values, VolumeFile};

/// Hits, misses and false alarms by threshold and lead time.
type Counts = Vec<Vec<[u64; 3]>>;

#[derive(Deserialize)]
struct Reference {
    inputs: usize,
    leads: usize,
    minutes: f64,
    thresholds_dbz: Vec<f32>,
    windows: Vec<Window>,
    missing_kept: Counts,
    missing_is_no_echo: Counts,
}

#[derive(Deserialize)]
struct Window {
    event: String,
    start: usize,
    no_echo: f32,
}

fn frame(path: &Path) -> ([usize; 3], Vec<f32>) {
    let (file, mut raw) = (VolumeFile::open(path, "DBZ").unwrap(), RawVolume::new());
    file.read(0, &mut raw).unwrap();
    let Values::I8(stored) = &raw.values else { panic!("{} holds no bytes", path.display()) };
    let value = |&stored: &i8| file.packing().decode(f64::from(stored)).map_or(f32::NAN, |value| value as f32);
    (raw.shape, stored.iter().map(value).collect())
}

/// The files of each event in the order of time, which is that of their names.
fn events(root: &Path) -> BTreeMap<String, Vec<PathBuf>> {
    let listed = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    listed(&root.join("radar")).iter().map(|folder| (name(folder), listed(folder))).collect()
}

fn count(counts: &mut Counts, reference: &Reference, files: &[PathBuf], window: &Window) {
    let frames: Vec<_> =
        files[window.start..][..reference.inputs + reference.leads].iter().map(|path| frame(path)).collect();
    let [_, rows, columns] = frames[0].0;
    let input: Vec<&[f32]> = frames[..reference.inputs].iter().map(|(_, values)| values.as_slice()).collect();
    let every = |frames: usize| -> Vec<f64> { (0..frames).map(|frame| frame as f64 * reference.minutes).collect() };
    let (input_minutes, leads) = (every(reference.inputs), every(reference.leads + 1));
    let times = Times { input_minutes: &input_minutes, lead_minutes: &leads[1..] };
    let carried = forecast(&input, rows, columns, &times, window.no_echo);
    for (lead, (said, (_, was))) in carried.chunks(rows * columns).zip(&frames[reference.inputs..]).enumerate() {
        for (counts, threshold) in counts.iter_mut().zip(&reference.thresholds_dbz) {
            let [hits, misses, false_alarms] = &mut counts[lead];
            for (said, was) in said.iter().zip(was).map(|(said, was)| (said > threshold, was > threshold)) {
                *hits += u64::from(said && was);
                *misses += u64::from(!said && was);
                *false_alarms += u64::from(said && !was);
            }
        }
    }
}

fn csi([hits, misses, false_alarms]: [u64; 3]) -> f64 {
    hits as f64 / (hits + misses + false_alarms) as f64
}

#[test]
fn on_real_sequences_the_skill_is_that_of_pysteps_or_better() {
    let Some(archive) = file_named_by("FRAGUA_REAL_RADAR", "the archive of real sequences") else { return };
    let archive = std::fs::File::open(archive).unwrap();
    let folder = tempfile::tempdir().unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(archive)).unpack(folder.path()).unwrap();
    let expected = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/advection/scores.json");
    let reference: Reference = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    let (events, mut ours) =
        (events(folder.path()), vec![vec![[0; 3]; reference.leads]; reference.thresholds_dbz.len()]);
    for window in &reference.windows {
        count(&mut ours, &reference, &events[&window.event], window);
    }
    let mut behind = Vec::new();
    for theirs in [&reference.missing_kept, &reference.missing_is_no_echo] {
        for (index, threshold) in reference.thresholds_dbz.iter().enumerate() {
            for (lead, (&ours, &theirs)) in ours[index].iter().zip(&theirs[index]).enumerate() {
                let line =
                    format!("{threshold} dBZ lead {}: CSI {:.3}, pysteps {:.3}", lead + 1, csi(ours), csi(theirs));
                if csi(ours).max(0.0) < csi(theirs) - 0.01 {
                    behind.push(line);
                }
            }
        }
    }
    assert!(behind.is_empty(), "{behind:#?}");
}
