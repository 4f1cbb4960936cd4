//! The results of an evaluation as pictures: scores by lead time, agreement by the size of squares, the performance
//! diagram, reliability, and maps of errors.

use std::collections::BTreeSet;

use super::charts;
use super::section::Verification;
use crate::metric::forecast::error_map::ErrorMap;
use crate::metric::forecast::frames::Convention;
use crate::metric::forecast::scores::{error_names, specs};
use crate::report::PictureError;
use crate::report::chart::{Chart, Sheet, png};
use crate::report::radar::colours::Scale;
use crate::report::radar::error_maps::{ErrorMaps, Row, error_maps};
use crate::train::task::Plots;

/// The most lead times that maps are drawn for.
const MOST_MAPS: usize = 3;
/// The width and the height of a chart among others, and of one by itself.
const SMALL: [usize; 2] = [360, 260];
const LARGE: [usize; 2] = [560, 560];

/// The file with the maps of errors: the page shows it, because it can't be drawn from the scores.
pub(super) const ERROR_MAPS: &str = "error_maps.png";

/// The pictures with their file names. `about` says what was evaluated, `size` are the rows and columns of a frame, and
/// `scale` has the colours of its values.
///
/// # Errors
/// If a picture can't be encoded.
pub fn pictures(
    found: &Verification,
    map: Option<&ErrorMap>,
    about: &str,
    (size, scale): ([usize; 2], &Scale),
) -> Result<Plots, PictureError> {
    let reliability = vec![charts::reliability(found), charts::intensities(found)];
    let sheets = [
        ("scores_by_lead.png", "Scores by lead time", by_lead(found)),
        ("fss_by_scale.png", "Fractions skill score by scale, all lead times", charts::by_scale(found)),
        ("performance.png", "Performance diagram, all lead times", vec![charts::performance(found)]),
        ("reliability.png", "Intensities: forecast and observed", reliability),
    ];
    let silent = charts::silent(found).map_or_else(String::new, |silent| format!(". {silent}"));
    let mut pictures = Vec::new();
    for (file, title, mut charts) in sheets {
        charts.retain(Chart::has_values);
        if !charts.is_empty() {
            let (columns, size) = if charts.len() == 1 { (1, LARGE) } else { (3, SMALL) };
            let note = format!("{about}{silent}");
            pictures.push((file.to_owned(), png(&Sheet { title: title.into(), note, columns, size, charts })?));
        }
    }
    if let Some(maps) = map.map(|map| maps(map, &found.lead_minutes, about, (size, scale))) {
        pictures.push((ERROR_MAPS.to_owned(), error_maps(&maps)?));
    }
    Ok(pictures)
}

/// The critical success index at the thresholds that were observed, errors, and the scores of whole frames if there are any.
fn by_lead(found: &Verification) -> Vec<Chart> {
    let silent = charts::unobserved(found);
    let thresholds = found.levels.thresholds.iter().filter(|threshold| !silent.contains(threshold));
    let [_, rmse, me] = error_names(&found.levels.unit);
    let names = thresholds.map(|threshold| format!("csi_{threshold}")).chain([rmse, me, "ssim"].map(str::to_owned));
    let names = names.chain(found.levels.frames.into_iter().flat_map(Convention::specs).map(|spec| spec.name));
    let specs = specs(&found.levels);
    let chart = |name: String| Some(charts::by_lead(found, specs.iter().find(|spec| spec.name == name)?));
    names.filter_map(chart).collect()
}

/// The first, a middle and the last lead time.
fn maps(map: &ErrorMap, minutes: &[f64], about: &str, ([height, width], scale): ([usize; 2], &Scale)) -> ErrorMaps {
    let leads: BTreeSet<usize> =
        (0..MOST_MAPS).map(|number| number * minutes.len().saturating_sub(1) / (MOST_MAPS - 1)).collect();
    let row = |name: &str, is_size, of: &dyn Fn(usize) -> Vec<f32>| Row {
        name: name.to_owned(),
        maps: leads.iter().map(|&lead| of(lead)).collect(),
        is_size,
    };
    let rows = vec![
        row("mean error: forecast minus observation", false, &|lead| map.mean(lead)),
        row("root mean square error: the typical size of an error", true, &|lead| map.root_mean_square(lead)),
    ];
    ErrorMaps {
        title: "Where the forecast errs".into(),
        note: about.to_owned(),
        scale: scale.clone(),
        height,
        width,
        rows,
        columns: leads.iter().map(|&lead| format!("+{:.0} min", minutes[lead])).collect(),
    }
}
