//! `history.json`: one object per epoch, each epoch exactly once, and `results.csv`, the same as a table.
//!
//! An epoch's row is written before the checkpoint that ends the epoch. So whatever checkpoint training goes on from, the
//! rows up to it are here, and those past it are dropped and made again. Rows hold what training computed, never times:
//! a run that was stopped and resumed leaves the same bytes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::RunError;
use super::record::pretty;
use crate::train::checkpoint::disk::{Disk, RealDisk, forget, partials, read, rename, write_atomic};

/// The key under which each row tells its epoch, counted from 1 as everywhere that people look.
pub const EPOCH: &str = "epoch";

/// One epoch.
pub type Row = Map<String, Value>;

/// The history of a run.
pub struct History {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    rows: Vec<Row>,
}

impl History {
    /// Reads the history of a run that goes on after so many complete epochs, and drops what lies past them. What could
    /// not be read is set aside and told; training is worth more than its history.
    ///
    /// # Errors
    /// Where the folder can't be read or written.
    pub fn resume(disk: Arc<dyn Disk>, path: &Path, epochs_done: u64) -> Result<(Self, Vec<String>), RunError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let ours = [path, &path.with_file_name(RESULTS)].map(crate::util::fs::partial_name);
        let left = partials(disk.as_ref(), folder)?.into_iter().filter(|partial| ours.contains(partial));
        left.for_each(|partial| forget(disk.as_ref(), &partial));
        let (mut rows, mut warnings) = (Vec::new(), Vec::new());
        match stored(disk.as_ref(), path)? {
            Ok(stored) => rows = stored,
            Err(problem) => {
                let aside = path.with_file_name("history.json.damaged");
                rename(disk.as_ref(), path, &aside)?;
                warnings.push(format!(
                    "{} is damaged ({problem}) and was set aside as {}",
                    path.display(),
                    aside.display()
                ));
            }
        }
        rows.retain(|row| epoch_of(row).is_some_and(|epoch| epoch < epochs_done));
        rows.sort_by_key(epoch_of);
        rows.dedup_by_key(|row| epoch_of(row));
        if (rows.len() as u64) < epochs_done {
            warnings.push(format!("{} has {} of {epochs_done} epochs", path.display(), rows.len()));
        }
        let history = Self { disk, path: path.into(), rows };
        history.write()?;
        Ok((history, warnings))
    }

    /// The epochs so far, in order.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Adds an epoch and writes both files durably; call it before the checkpoint of the epoch is handed over. A row of
    /// the same epoch is replaced.
    ///
    /// # Errors
    /// Where the folder can't be written.
    pub fn push(&mut self, epoch: u64, row: Row) -> Result<(), RunError> {
        self.add(epoch, row);
        self.write()
    }

    /// Adds an epoch in memory only.
    pub fn add(&mut self, epoch: u64, mut row: Row) {
        row.shift_insert(0, EPOCH.into(), (epoch + 1).into());
        self.rows.retain(|old| epoch_of(old) != Some(epoch));
        self.rows.push(row);
    }

    /// Writes all rows durably, also those that could not be written before.
    ///
    /// # Errors
    /// Where the folder can't be written.
    pub fn write(&self) -> Result<(), RunError> {
        write_atomic(self.disk.as_ref(), &self.path, &pretty(&self.path, &self.rows)?)?;
        let results = self.path.with_file_name(RESULTS);
        Ok(write_atomic(self.disk.as_ref(), &results, table(&self.rows).as_bytes())?)
    }
}

const RESULTS: &str = "results.csv";

/// Reads the rows that a run has written, to look at them; none where there is no file.
///
/// # Errors
/// Where the file can't be read, or is damaged.
pub fn rows(path: &Path) -> Result<Vec<Row>, RunError> {
    let unreadable = |problem| RunError::Unreadable { path: path.into(), problem };
    stored(&RealDisk, path)?.map_err(unreadable)
}

/// The epoch of a row, counted from 0.
#[must_use]
pub fn epoch_of(row: &Row) -> Option<u64> {
    row.get(EPOCH).and_then(Value::as_u64)?.checked_sub(1)
}

/// The rows on the disk, none where there is no file, or what is wrong with it.
fn stored(disk: &dyn Disk, path: &Path) -> Result<Result<Vec<Row>, String>, RunError> {
    match read(disk, path) {
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(Ok(Vec::new())),
        text => Ok(serde_json::from_slice(&text?).map_err(|error| error.to_string())),
    }
}

/// The rows as CSV: a column for each key in the order of its first appearance, nested keys dotted.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let flat: Vec<Vec<(String, String)>> = rows.iter().map(|row| cells("", row)).collect();
    let mut columns: Vec<&str> = Vec::new();
    for (key, _) in flat.iter().flatten() {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    let line = |row: &Vec<(String, String)>| {
        let cell = |column: &&str| row.iter().find(|(key, _)| key == column).map_or("", |(_, value)| value).to_owned();
        columns.iter().map(cell).collect::<Vec<_>>().join(",") + "\n"
    };
    let header = columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(",") + "\n";
    header + &flat.iter().map(line).collect::<String>()
}

fn cells(above: &str, row: &Row) -> Vec<(String, String)> {
    let cell = |(key, value): (&String, &Value)| {
        let key = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            Value::Object(below) => cells(&key, below),
            Value::Null => vec![(key, String::new())],
            Value::String(text) => vec![(key, quoted(text))],
            other => vec![(key, quoted(&other.to_string()))],
        }
    };
    row.iter().flat_map(cell).collect()
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::checkpoint::disk::memory::{Cut, Fault, MemoryDisk};
    use crate::train::checkpoint::testing::{newest, open, shared, snapshot};
    use serde_json::json;

    const PATH: &str = "run/history.json";
    const EPOCHS: u64 = 4;

    fn row(epoch: u64) -> Row {
        let value =
            json!({"loss": 1.0 / (epoch as f64 + 3.0), "val": {"loss": 0.1 + epoch as f64 / 7.0}, "note": "a, \"b\""});
        value.as_object().unwrap().clone()
    }

    /// Trains to the end from wherever the disk says.
    fn train(disk: &MemoryDisk) -> Option<()> {
        let store = open(disk).ok()?;
        let done = store.newest(|_| Ok(())).ok()?.loaded.map_or(0, |loaded| loaded.manifest.id.epoch);
        let (mut history, _) = History::resume(shared(disk), Path::new(PATH), done).ok()?;
        for epoch in done..EPOCHS {
            history.push(epoch, row(epoch)).ok()?;
            store.save(&snapshot(epoch + 1)).ok()?;
        }
        Some(())
    }

    fn files(disk: &MemoryDisk) -> [Vec<u8>; 2] {
        [PATH, "run/results.csv"].map(|path| read(disk, Path::new(path)).unwrap())
    }

    #[test]
    fn every_epoch_is_there_exactly_once_wherever_the_run_died_or_lost_power() {
        let undisturbed = MemoryDisk::default();
        train(&undisturbed).unwrap();
        let operations = undisturbed.operations().len();
        let expected = files(&undisturbed);
        for operation in 0..operations {
            for cut in [Cut::Kill, Cut::OnlySynced, Cut::NamesFirst, Cut::Chance(1), Cut::Chance(2), Cut::Chance(3)] {
                let disk = MemoryDisk::default();
                disk.inject(operation, Fault::Death);
                assert!(train(&disk).is_none());
                let next = disk.after(cut);
                train(&next).unwrap();
                assert_eq!(files(&next), expected, "{operation}, {cut:?}");
                assert_eq!(newest(&open(&next).unwrap()), Some(snapshot(EPOCHS)));
            }
        }
    }

    #[test]
    fn falling_back_to_an_older_checkpoint_drops_the_rows_past_it() {
        let disk = MemoryDisk::default();
        train(&disk).unwrap();
        let (history, warnings) = History::resume(shared(&disk), Path::new(PATH), 2).unwrap();
        assert_eq!(history.rows().iter().filter_map(epoch_of).collect::<Vec<_>>(), [0, 1]);
        assert!(warnings.is_empty());
    }

    #[test]
    fn a_damaged_history_is_set_aside_and_told() {
        let disk = MemoryDisk::default();
        train(&disk).unwrap();
        disk.damage(Path::new(PATH), |content| content.truncate(50));
        let (_, warnings) = History::resume(shared(&disk), Path::new(PATH), EPOCHS).unwrap();
        assert!(warnings[0].contains("is damaged") && warnings[1].ends_with("has 0 of 4 epochs"), "{warnings:?}");
        assert!(read(&disk, Path::new("run/history.json.damaged")).is_ok());
    }

    #[test]
    fn the_table_has_a_column_for_every_key() {
        let rows = [row(0), json!({"epoch": 1, "lr": 0.5, "loss": null}).as_object().unwrap().clone()];
        let text = table(&rows);
        assert_eq!(text.lines().next(), Some("loss,val.loss,note,epoch,lr"));
        assert_eq!(text.lines().nth(1), Some("0.3333333333333333,0.1,\"a, \"\"b\"\"\",,"));
        assert_eq!(text.lines().nth(2), Some(",,,1,0.5"));
    }
}
