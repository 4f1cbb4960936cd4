//! Measures what windows make expect: how often there are events, and how well the advection places them. Where the windows
//! come from is not known here.

use rayon::prelude::*;

use super::expected::{Expected, OfSquares, OfThreshold, Wanted};
use crate::metric::forecast::contingency::Contingency;
use crate::metric::forecast::sums::{LeadSums, Sums};
use crate::task::nowcast::config::NowcastConfig;
use crate::task::nowcast::verification::Window;
use crate::util::quantity::Quantity;

/// An index outside of these says that nothing, or everything, is to be expected, which a few windows can't know.
const CSI: [f64; 2] = [0.02, 0.95];

/// Measures this many windows, several at once. `window` gives one of them; its forecast is not looked at.
///
/// # Errors
/// If a window is not to be had.
pub(super) fn measure<E: Send>(
    (config, quantity): (&NowcastConfig, &Quantity),
    wanted: &Wanted,
    windows: usize,
    window: impl Fn(usize) -> Result<Window, E> + Sync,
) -> Result<Expected, E> {
    let judge = wanted.judge(config, quantity);
    let measured: Vec<Sums> =
        (0..windows).into_par_iter().map(|number| Ok(judge.advected(&window(number)?))).collect::<Result<_, E>>()?;
    let mut sums = Sums::none(judge.levels(), config.windows.target_frames);
    measured.iter().for_each(|found| sums.add(found));
    let all = sums.all_leads(judge.levels());
    let frame_cells = config.prepare.size.iter().product::<usize>().max(1) as f64;
    let of = |(index, &threshold): (usize, &f64)| of_threshold(threshold, (&sums, &all), (index, wanted), frame_cells);
    Ok(Expected { windows, thresholds: wanted.thresholds.iter().enumerate().map(of).collect() })
}

fn of_threshold(
    threshold: f64,
    (sums, all): (&Sums, &LeadSums),
    (index, wanted): (usize, &Wanted),
    frame_cells: f64,
) -> OfThreshold {
    let [least, most] = CSI;
    let csi = |lead: &LeadSums| lead.events[index].critical_success().unwrap_or(least).clamp(least, most);
    let Contingency { hits, false_alarms, misses, correct_negatives } = all.events[index];
    let known = (hits + false_alarms + misses + correct_negatives).max(1) as f64;
    // At least what a single cell in a frame is: a threshold that was never exceeded has a share of 0.
    let least_share = 1.0 / frame_cells;
    let squares = |(place, &scale_px): (usize, &usize)| {
        let area = (scale_px * scale_px) as f64;
        let squared_share = all.fractions[index][place].observed / (area * area) / known;
        OfSquares { scale_px, squared_share: squared_share.max(least_share / area) }
    };
    OfThreshold {
        threshold,
        event_share: ((hits + misses) as f64 / known).max(least_share),
        csi: sums.leads.iter().map(csi).collect(),
        squares: wanted.scales_px.iter().enumerate().map(squares).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::task::nowcast::config::Missing;
    use crate::task::nowcast::verification::Place;

    const SIDE: usize = 12;

    fn config() -> NowcastConfig {
        let mut config = NowcastConfig::default();
        (config.prepare.min, config.prepare.max) = (0.0, 254.0);
        config.prepare.size = [SIDE, SIDE];
        config.prepare.missing = Missing::Mask;
        (config.windows.input_frames, config.windows.target_frames) = (2, 2);
        config
    }

    /// A window that stands still; in the last frame the second cell of its bar is gone.
    fn window(background: u8) -> Window {
        let bar = |cells: usize| {
            let mut frame = vec![background; SIDE * SIDE];
            frame[5 * SIDE + 5..][..cells].fill(101);
            frame
        };
        Window {
            place: Place::default(),
            minutes: vec![-5.0, 0.0, 5.0, 10.0],
            seen: bar(2).repeat(2),
            observed: [bar(2), bar(1)].concat(),
            forecast: Vec::new(),
        }
    }

    fn measured(wanted: &Wanted, backgrounds: &[u8]) -> Expected {
        let read = |number: usize| Ok::<_, Infallible>(window(backgrounds[number]));
        let Ok(found) = measure((&config(), &Quantity::default()), wanted, backgrounds.len(), read);
        found
    }

    #[test]
    fn shares_and_indices_are_those_counted_by_hand() {
        let wanted = Wanted { thresholds: vec![50.0, 200.0], scales_px: vec![1, 3] };
        let found = measured(&wanted, &[1]);
        let cells = (SIDE * SIDE) as f64;
        let OfThreshold { event_share, csi, squares, .. } = &found.thresholds[0];
        assert!((event_share - 1.5 / cells).abs() < 1e-12, "2 cells, then 1");
        assert_eq!(csi.len(), 2);
        assert_eq!(csi[0], 0.95, "what stands still is forecast perfectly, which is not to be expected");
        assert!((csi[1] - 0.5).abs() < 1e-12, "one hit, one false alarm");
        // Counts in squares of 3 around a bar of two: 3 rows of 1 2 2 1; around a single cell: 9 of 1.
        assert!((squares[0].squared_share - 1.5 / cells).abs() < 1e-12);
        assert!((squares[1].squared_share - (30.0 + 9.0) / 2.0 / 81.0 / cells).abs() < 1e-12);
        let never = &found.thresholds[1];
        assert_eq!((never.event_share, &never.csi[..]), (1.0 / cells, &[0.02, 0.02][..]));
        assert!((never.squares[1].squared_share - 1.0 / 9.0 / cells).abs() < 1e-15);
        assert!(found.fits(&wanted, 2));
    }

    #[test]
    fn unknown_cells_are_left_out_and_the_order_of_windows_does_not_matter() {
        let wanted = Wanted { thresholds: vec![50.0], scales_px: Vec::new() };
        assert_eq!(measured(&wanted, &[0]).thresholds[0].event_share, 1.0, "only the bar is known");
        assert_eq!(measured(&wanted, &[0, 1, 120, 1]), measured(&wanted, &[1, 120, 1, 0]));
        assert!(measured(&wanted, &[]).fits(&wanted, 2), "nothing is known, and nothing is divided by 0");
    }
}
