//! What is behind the points of a chart: the diagonal, or the curves of a performance diagram with their names.

use super::plot::Plot;
use super::scene::{Anchor, Scene, Text, overlap};
use super::{Backdrop, Ink};

/// Lines of equal critical success index.
const CRITICAL_SUCCESS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/// Lines of equal bias.
const BIASES: [f64; 7] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0];
const STEPS: usize = 48;
const NAME: f64 = 11.0;

/// Draws it, and returns the rectangles of its texts.
pub(super) fn draw(scene: &mut Scene, plot: &Plot<'_>) -> Vec<[[f64; 2]; 2]> {
    match plot.chart.backdrop {
        Backdrop::Grid => Vec::new(),
        Backdrop::Diagonal => {
            let [[left, right], [low, high]] = plot.axes.each_ref().map(|axis| axis.ends());
            curve(scene, plot, |share| [share, share], [left.max(low), right.min(high)], Ink::Faint);
            Vec::new()
        }
        Backdrop::Performance => performance(scene, plot),
    }
}

/// CSI = 1 / (1 / success ratio + 1 / POD - 1), bias = POD / success ratio.
fn performance(scene: &mut Scene, plot: &Plot<'_>) -> Vec<[[f64; 2]; 2]> {
    let (mut biases, mut successes) = (Vec::new(), Vec::new());
    for csi in CRITICAL_SUCCESS {
        let detection = |success: f64| [success, 1.0 / (1.0 / csi - 1.0 / success + 1.0)];
        curve(scene, plot, detection, [csi, 1.0], Ink::Faint);
        successes.extend(plot.at([1.0, csi]).map(|[x, y]| name(format!("CSI {csi}"), [x - 4.0, y - 7.0])));
    }
    for bias in BIASES {
        let end = f64::min(1.0, 1.0 / bias);
        curve(scene, plot, |success| [success, bias * success], [0.0, end], Ink::Grid);
        // Inside the frame, at its upper or right edge, apart from the names at the right.
        let along = if bias < 1.0 { 0.78 } else { 0.965 };
        biases.extend(
            plot.at([along * end, along * bias * end])
                .map(|[x, y]| name(format!("bias {bias}"), [x - 4.0, y - if bias < 1.0 { 9.0 } else { 0.0 }])),
        );
    }
    let mut placed: Vec<[[f64; 2]; 2]> = Vec::new();
    for name in biases.into_iter().chain(successes) {
        if !placed.iter().any(|other| overlap(*other, name.covers())) {
            placed.push(name.covers());
            scene.text(name);
        }
    }
    placed
}

fn name(text: String, at: [f64; 2]) -> Text {
    Text::new(text, at, NAME, Ink::Soft).anchor(Anchor::End)
}

fn curve(scene: &mut Scene, plot: &Plot<'_>, point: impl Fn(f64) -> [f64; 2], [from, to]: [f64; 2], ink: Ink) {
    // Closer where curves are steep: at their beginning.
    let points = (0..=STEPS).map(|step| point(from + (to - from) * (step as f64 / STEPS as f64).powi(2)));
    let points: Vec<[f64; 2]> = points.filter_map(|point| plot.at(point)).collect();
    if points.len() > 1 {
        scene.line(points, ink, 1.0);
    }
}
