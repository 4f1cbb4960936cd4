//! A forecast as it is stored: on the radar's grid, in the numbers of the files, with the times that it is for.

use rayon::prelude::*;

use super::cells::Storing;
use super::input::Input;
use super::planes::Planes;
use super::regrid::Regrid;
use super::survey::Job;
use super::{Refusal, Setting};
use crate::report::radar::colours::Scale;
use crate::task::nowcast::advection::NodeMotion;
use crate::task::nowcast::config::Levels;
use crate::task::nowcast::lrose::Origin;
use crate::task::nowcast::lrose::forecast::Carried;
use crate::task::nowcast::lrose::motion::Motions;
use crate::task::nowcast::lrose::{MISSING, Stored};
use crate::task::nowcast::prepare::plan::time_text;
use crate::task::nowcast::volume::{AttributeValue, Attributes, Grid};

/// What made a forecast, as recorded in its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What people call such a model.
    pub kind: &'static str,
    /// The model: its run, or its file of weights.
    pub model: String,
    /// The digest of its weights.
    pub digest: String,
}

/// A forecast that only has to be written.
#[derive(Debug)]
pub struct Forecast {
    /// Which it is.
    pub job: Job,
    /// What it is for, in seconds since 1970.
    pub valid_seconds: Vec<f64>,
    /// Stored numbers of levels, rows and columns, for each lead time.
    pub numbers: Vec<Vec<i8>>,
    /// What they mean.
    pub stored: Stored,
    /// The colours of the values.
    pub scale: Scale,
    /// What its files repeat.
    pub carried: Carried,
    /// The radar's grid.
    pub grid: Grid,
    /// Who made it, and how.
    pub origin: Origin,
    /// What it was carried along, if it was.
    pub motion: Option<Motions>,
    /// The column maximum of the frames that it was made from, if pictures are requested.
    pub composites: Vec<Vec<f32>>,
    /// Whether its one level is the maximum of the columns.
    pub is_column_maximum: bool,
    /// Whether a missing cell is one without echo: it is then drawn so.
    pub missing_is_no_echo: bool,
}

impl Forecast {
    /// The strongest value at a lead time, if there is one.
    #[must_use]
    pub fn strongest(&self, lead: usize) -> Option<f32> {
        let strongest = self.numbers.get(lead)?.iter().copied().max()?;
        (strongest != MISSING).then(|| self.stored.unpacked(strongest))
    }
}

/// Converts the model's output back to the radar's grid. The motion is that of the input's windows, or of none.
///
/// # Errors
/// If the model returned values that are not finite.
pub fn forecast(
    input: Input,
    (planes, motions): (&Planes, &[NodeMotion]),
    source: &Source,
    setting: &Setting<'_>,
) -> Result<Forecast, Refusal> {
    if !planes.is_finite() {
        return Err(Refusal::NotFinite);
    }
    let prepare = &setting.config.prepare;
    let motion = moved(motions, prepare.size, input.minutes(planes.leads()));
    let Input { job, seen, composites, carried, grid, global, .. } = input;
    let regrid = Regrid::new(prepare.method, [&grid.y.values, &grid.x.values], prepare.size);
    let stored = setting.stored();
    let storing = seen.storing(prepare.missing, &setting.quantizer, stored);
    let numbers = numbers(planes, &regrid, &storing, setting);
    let from = job.from_seconds();
    let valid_seconds = (1..=planes.leads()).map(|lead| from + lead as f64 * job.interval_seconds).collect();
    let origin = origin(&job, &global, source, storing.text());
    let is_column_maximum = prepare.levels == Levels::Composite && job.shape[0] > 1;
    let missing_is_no_echo = storing.missing_is_no_echo();
    let scale = Scale::of(setting.quantity, prepare.min, prepare.max);
    Ok(Forecast {
        job,
        valid_seconds,
        numbers,
        stored,
        scale,
        carried,
        grid,
        origin,
        motion,
        composites,
        is_column_maximum,
        missing_is_no_echo,
    })
}

/// Motion in cells of the model's grid.
fn moved(parts: &[NodeMotion], size: [usize; 2], minutes: Vec<f32>) -> Option<Motions> {
    let first = parts.first()?;
    let scale = first.cells_per_cell as f32;
    let values = parts.iter().flat_map(|part| part.u.iter().chain(&part.v)).map(|speed| speed * scale).collect();
    let (nodes, cells_per_node) = (first.nodes, first.cells_per_node());
    Some(Motions { parts: parts.len(), nodes, cells_per_node, size, values, minutes })
}

fn numbers(planes: &Planes, regrid: &Regrid, storing: &Storing<'_>, setting: &Setting<'_>) -> Vec<Vec<i8>> {
    let (min, max) = (setting.config.prepare.min as f32, setting.config.prepare.max as f32);
    let level = |lead: usize, level: usize| {
        let plane = regrid.plane(planes.plane(lead, level));
        let first = level * plane.len();
        let cells = plane.into_iter().enumerate();
        cells.map(|(cell, share)| storing.stored(first + cell, min + share * (max - min))).collect::<Vec<i8>>()
    };
    let lead = |lead: usize| (0..planes.levels()).map(|number| level(lead, number)).collect::<Vec<_>>().concat();
    (0..planes.leads()).into_par_iter().map(lead).collect()
}

/// The global attributes. They contain no timestamp of writing: the same forecast gives the same file.
fn origin(job: &Job, global: &Attributes, source: &Source, missing: &str) -> Origin {
    let carried = |name: &str| match global.get(name) {
        Some(AttributeValue::Text(text)) => text.trim().to_owned(),
        _ => String::new(),
    };
    let version = env!("CARGO_PKG_VERSION");
    let files = job.frames.len();
    let history = format!(
        "fragua {version} predict: from {files} frames, {} to {}",
        time_text(job.frames.first().map_or(f64::NAN, |frame| frame.seconds)),
        time_text(job.from_seconds())
    );
    let before = carried("history");
    Origin {
        title: [carried("title"), "forecast".to_owned()].join(" ").trim().to_owned(),
        institution: carried("institution"),
        source: format!("fragua {version}, {} {}, weights sha256 {}", source.kind, source.model, source.digest),
        history: if before.is_empty() { history } else { format!("{before}\n{history}") },
        references: carried("references"),
        comment: missing.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn motion_is_written_in_cells_of_the_model_whatever_it_was_found_in() {
        let (nodes, cells_per_cell) = NodeMotion::grid(600, 520);
        assert!(cells_per_cell > 1);
        let all = nodes[0] * nodes[1];
        let part = NodeMotion { nodes, cells_per_cell, u: vec![0.5; all], v: vec![-1.0; all] };
        let dense = part.motion(600, 520);
        let motions = moved(&[part.clone(), part], [600, 520], vec![0.0]).unwrap();
        assert_eq!((motions.parts, motions.values.len()), (2, 4 * all));
        assert_eq!([motions.values[0], motions.values[all]], [dense.u[0], dense.v[0]]);
        assert!(motions.nodes[0] * motions.cells_per_node >= 600);
        assert_eq!(moved(&[], [600, 520], Vec::new()), None);
    }
}
