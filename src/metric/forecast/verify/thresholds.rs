//! Which thresholds a cell is above, as one small number per cell, and the tables of hits and misses that follow from two
//! of these numbers. Not the scores.

use std::ops::Range;

use super::super::contingency::Contingency;

/// Steps between the weakest byte, 1, and the strongest, 255.
const STEPS: f64 = 254.0;

/// The share of a step between two bytes up to which a byte counts as on a threshold: allows for rounding only.
const ON_THRESHOLD: f64 = 1e-6;

/// Thresholds in ascending order, for bytes and for floats: they agree on every byte.
#[derive(Debug)]
pub(super) struct Thresholds {
    /// On the normalised scale. As f32, like the forecasts: a value that equals it is then no event.
    normalised: Vec<f32>,
    /// For each byte, the number of thresholds that it is above. A missing cell is above no threshold.
    classes: [u8; 256],
    /// The position of each in the order in which they were given.
    places: Vec<usize>,
}

impl Thresholds {
    /// Thresholds on a scale that begins at `min_dbz` and is `span` long.
    pub(super) fn new(thresholds: &[f64], min_dbz: f64, span: f64) -> Self {
        let mut places: Vec<usize> = (0..thresholds.len()).collect();
        places.sort_by(|&one, &other| thresholds[one].total_cmp(&thresholds[other]));
        let normalised: Vec<f64> = places.iter().map(|&place| (thresholds[place] - min_dbz) / span).collect();
        // Observations are compared as bytes, which no rounding can touch.
        let above = |byte: u8, threshold: f64| f64::from(byte) > (threshold * STEPS + ON_THRESHOLD).floor() + 1.0;
        let mut classes = [0; 256];
        for byte in 1..=255_u8 {
            let class = normalised.iter().filter(|&&threshold| above(byte, threshold)).count();
            classes[usize::from(byte)] = class as u8;
        }
        Self { normalised: normalised.into_iter().map(|value| value as f32).collect(), classes, places }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Values in ascending order of their thresholds, brought into the order in which the thresholds were given.
    pub(super) fn in_given_order<T: Clone + Default>(&self, ascending: &[T]) -> Vec<T> {
        let mut given = vec![T::default(); self.len()];
        self.places.iter().zip(ascending).for_each(|(&place, value)| given[place] = value.clone());
        given
    }

    /// The classes of observed bytes.
    pub(super) fn of_bytes(&self, bytes: &[u8], columns: usize) -> Classes {
        let cells = bytes.iter().map(|&byte| self.classes[usize::from(byte)]).collect();
        Classes::new(cells, columns)
    }

    /// The classes of normalised values; 0 where nothing is known.
    pub(super) fn of_floats(&self, values: &[f32], known: Option<&[u8]>, columns: usize) -> Classes {
        let mut cells = vec![0_u8; values.len()];
        for &threshold in &self.normalised {
            cells.iter_mut().zip(values).for_each(|(class, &value)| *class += u8::from(value > threshold));
        }
        if let Some(known) = known {
            cells.iter_mut().zip(known).for_each(|(class, &known)| *class *= known);
        }
        Classes::new(cells, columns)
    }
}

/// For each cell of a frame, the number of thresholds that it is above.
#[derive(Debug)]
pub(super) struct Classes {
    /// Row by row.
    pub(super) cells: Vec<u8>,
    /// The greatest in each row,
    in_row: Vec<u8>,
    /// and in each column.
    in_column: Vec<u8>,
}

impl Classes {
    fn new(cells: Vec<u8>, columns: usize) -> Self {
        let mut in_column = vec![0_u8; columns];
        for row in cells.chunks_exact(columns) {
            in_column.iter_mut().zip(row).for_each(|(most, &class)| *most = (*most).max(class));
        }
        let in_row = cells.chunks_exact(columns).map(|row| row.iter().copied().fold(0, u8::max)).collect();
        Self { cells, in_row, in_column }
    }

    /// The rows and columns outside of which nothing is above a threshold, by its place in ascending order. Empty if
    /// there is no event.
    pub(super) fn extent(&self, threshold: usize) -> [Range<usize>; 2] {
        [&self.in_row, &self.in_column].map(|most| {
            let event = |&class: &u8| usize::from(class) > threshold;
            let first = most.iter().position(event).unwrap_or(0);
            first..most.iter().rposition(event).map_or(0, |last| last + 1)
        })
    }

    /// The table for each threshold in ascending order, of a frame with this many known cells.
    pub(super) fn contingency(&self, observed: &Self, thresholds: usize, known_cells: u64) -> Vec<Contingency> {
        let pairs = self.pairs(observed, thresholds + 1);
        let count = |forecast_from: usize, observed_from: usize| -> u64 {
            let rows = pairs.chunks_exact(thresholds + 1).skip(forecast_from);
            rows.flat_map(|row| &row[observed_from..]).map(|&count| u64::from(count)).sum()
        };
        let table = |threshold: usize| {
            let (forecast, observed) = (count(threshold + 1, 0), count(0, threshold + 1));
            let hits = count(threshold + 1, threshold + 1);
            Contingency {
                hits,
                false_alarms: forecast - hits,
                misses: observed - hits,
                correct_negatives: known_cells + hits - forecast - observed,
            }
        };
        (0..thresholds).map(table).collect()
    }

    /// How often each pair of classes occurs: row by row for the forecast, column by column for the observation.
    fn pairs(&self, observed: &Self, classes: usize) -> Vec<u32> {
        // Four tables in turn: neighbours mostly fall on the same count, and would wait for each other.
        let mut counts = vec![[0_u32; 4]; classes * classes];
        for (forecast, observed) in self.cells.chunks(4).zip(observed.cells.chunks(4)) {
            for (lane, (&forecast, &observed)) in forecast.iter().zip(observed).enumerate() {
                counts[usize::from(forecast) * classes + usize::from(observed)][lane] += 1;
            }
        }
        counts.iter().map(|lanes| lanes.iter().sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_and_its_float_are_above_the_same_thresholds_even_if_it_equals_one() {
        for (min, max) in [(-29.0, 65.0), (0.0, 254.0), (-32.5, 95.0), (-30.1, 70.3)] {
            let on_bytes: Vec<f64> = (0..254).map(|step| min + f64::from(step) / STEPS * (max - min)).collect();
            let between = on_bytes.iter().map(|dbz| dbz + 0.3 * (max - min) / STEPS).collect();
            for dbz in [on_bytes, between, vec![min - 1.0, max + 1.0, 20.0, 35.0]] {
                let thresholds = Thresholds::new(&dbz, min, max - min);
                let bytes: Vec<u8> = (1..=255).collect();
                let floats: Vec<f32> = bytes.iter().map(|&byte| (f32::from(byte) - 1.0) / STEPS as f32).collect();
                let found = thresholds.of_floats(&floats, None, 255).cells;
                assert_eq!(thresholds.of_bytes(&bytes, 255).cells, found, "in {min} to {max}");
            }
        }
    }

    #[test]
    fn thresholds_may_be_given_in_any_order() {
        let thresholds = Thresholds::new(&[40.0, 20.0, 30.0], 0.0, 100.0);
        assert_eq!(thresholds.of_floats(&[0.1, 0.25, 0.35, 0.45], None, 2).cells, [0, 1, 2, 3]);
        assert_eq!(thresholds.in_given_order(&["20", "30", "40"]), ["40", "20", "30"]);
    }

    #[test]
    fn an_extent_holds_all_events_and_is_empty_without_any() {
        let classes = Classes::new(vec![0, 0, 0, 0, 1, 2, 0, 1, 0], 3);
        assert_eq!(classes.extent(0), [1..3, 1..3]);
        assert_eq!(classes.extent(1), [1..2, 2..3]);
        assert!(classes.extent(2).iter().all(Range::is_empty));
    }
}
