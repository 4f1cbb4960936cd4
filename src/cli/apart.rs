//! Folders that a command must not write its own files into: those that belong to a run or a dataset.

use std::path::Path;

use super::CommandError;
use crate::util::mount::resolved;

/// Refuses an output inside a run folder: what is written there would be taken for a part of the run, or replace one.
pub(super) fn from_runs(output: &Path) -> Result<(), CommandError> {
    let whole = resolved(output);
    match whole.ancestors().find(|above| above.join("run.json").is_file()) {
        Some(run) => Err(refused(output, run, "the folder of a run")),
        None => Ok(()),
    }
}

/// Refuses an output inside the raw or the prepared files of a dataset: they must stay as they are.
pub(super) fn from_dataset(output: &Path, dataset: &Path) -> Result<(), CommandError> {
    let whole = resolved(output);
    let files = ["raw", "prepared"].map(|name| resolved(&dataset.join(name)));
    match files.iter().find(|folder| whole.starts_with(folder)) {
        Some(folder) => Err(refused(output, folder, "the files of the dataset")),
        None => Ok(()),
    }
}

fn refused(output: &Path, inside: &Path, what: &str) -> CommandError {
    let (output, inside) = (output.display(), inside.display());
    CommandError::Usage(format!("--output {output} is inside {inside}, {what}; choose a folder outside it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_among_the_files_of_a_run_or_a_dataset_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (run, dataset) = (folder.path().join("runs/storms"), folder.path().join("storms"));
        std::fs::create_dir_all(&run).unwrap();
        std::fs::create_dir_all(dataset.join("raw")).unwrap();
        std::fs::write(run.join("run.json"), "{}").unwrap();
        for inside in ["", "forecasts", "weights/a/b"] {
            let error = from_runs(&run.join(inside)).unwrap_err();
            assert!(error.to_string().contains("the folder of a run; choose"), "{error}");
        }
        assert!(from_runs(&folder.path().join("runs")).is_ok());
        for inside in ["raw", "raw/pictures", "prepared/x"] {
            assert!(from_dataset(&dataset.join(inside), &dataset).is_err(), "{inside}");
        }
        assert!(from_dataset(&dataset.join("inspect"), &dataset).is_ok());
    }
}
