//! How many events are in the square around each cell, at every threshold and scale, and the sums of products of these
//! counts that the fractions skill score is made of. All of it in whole numbers.
//!
//! A square of `s` cells reaches from `s / 2` before a cell to `s - s / 2 - 1` after it, as in `uniform_filter` of
//! scipy.ndimage; cells outside the frame count as no event (`mode="constant"`). Counts are differences of summed-area
//! tables (Crow 1984), one for each threshold; they serve squares of all sizes.

use std::ops::Range;

use super::super::contingency::Contingency;
use super::super::fractions::FractionSums;
use super::counts::Count;
use super::thresholds::Classes;

/// The squares that events are counted in.
#[derive(Debug)]
pub(super) struct Boxes {
    scales: Vec<usize>,
    columns: usize,
    rows: usize,
    /// Columns that a square can reach beyond the frame.
    margin: usize,
    /// The most events that a square can hold.
    most: u64,
}

/// What was observed in squares.
#[derive(Debug)]
pub(super) enum Observed {
    /// For a largest square with so few cells that two bytes can count them.
    Narrow(Vec<Field<u16>>),
    /// For any larger square.
    Wide(Vec<Field<u32>>),
}

/// The events at one threshold.
#[derive(Debug)]
pub(super) struct Field<T> {
    table: Table<T>,
    /// For each scale, the sum of the squared counts.
    squares: Vec<u64>,
}

impl Boxes {
    pub(super) fn new(scales: &[usize], rows: usize, columns: usize) -> Self {
        let widest = scales.iter().copied().max().unwrap_or(1);
        let most = widest.min(rows) as u64 * widest.min(columns) as u64;
        Self { scales: scales.to_vec(), columns, rows, margin: widest.min(columns), most }
    }

    /// Counts the observed events, for each threshold in ascending order.
    pub(super) fn observe(&self, classes: &Classes, thresholds: usize) -> Observed {
        if self.most <= u16::MOST {
            Observed::Narrow((0..thresholds).map(|threshold| self.field(classes, threshold)).collect())
        } else {
            Observed::Wide((0..thresholds).map(|threshold| self.field(classes, threshold)).collect())
        }
    }

    /// The sums for each threshold in ascending order, for each scale. `events` are the tables of the same frame.
    pub(super) fn measure(
        &self,
        observed: &Observed,
        forecast: &Classes,
        events: &[Contingency],
    ) -> Vec<Vec<FractionSums>> {
        match observed {
            Observed::Narrow(fields) => self.sums(fields, forecast, events),
            Observed::Wide(fields) => self.sums(fields, forecast, events),
        }
    }

    fn field<T: Count>(&self, classes: &Classes, threshold: usize) -> Field<T> {
        let table = Table::new(classes, threshold, self.columns, self.margin);
        let squares = self.scales.iter().map(|&scale| self.products(&table, None, scale)[0]).collect();
        Field { table, squares }
    }

    fn sums<T: Count>(
        &self,
        fields: &[Field<T>],
        forecast: &Classes,
        events: &[Contingency],
    ) -> Vec<Vec<FractionSums>> {
        let of_threshold = |(threshold, (field, events)): (usize, (&Field<T>, &Contingency))| {
            let table = Table::new(forecast, threshold, self.columns, self.margin);
            let of_scale = |(&scale, &observed): (&usize, &u64)| {
                if scale <= 1 {
                    return of_cells(events);
                }
                let [forecast, product] = self.products(&table, Some(&field.table), scale);
                FractionSums { forecast: forecast as f64, product: product as f64, observed: observed as f64 }
            };
            self.scales.iter().zip(&field.squares).map(of_scale).collect()
        };
        fields.iter().zip(events).enumerate().map(of_threshold).collect()
    }

    /// The sum of the squared counts of one table, and of their products with those of another.
    fn products<T: Count>(&self, one: &Table<T>, other: Option<&Table<T>>, scale: usize) -> [u64; 2] {
        let [mut squares, mut products] = [0; 2];
        let [rows, columns] = self.reach(one, scale);
        let [other_rows, other_columns] = other.map_or([0..0, 0..0], |other| self.reach(other, scale));
        let shared = columns.start.max(other_columns.start)..columns.end.min(other_columns.end);
        let [mut counts, mut other_counts] = [(); 2].map(|()| vec![T::default(); self.columns]);
        for row in rows {
            one.count(row, columns.clone(), scale, &mut counts);
            let of_row = &counts[..columns.len()];
            squares += T::dot(of_row, of_row, self.most);
            if let Some(other) = other.filter(|_| other_rows.contains(&row) && !shared.is_empty()) {
                other.count(row, shared.clone(), scale, &mut other_counts);
                let of_both = &counts[shared.start - columns.start..][..shared.len()];
                products += T::dot(of_both, &other_counts[..shared.len()], self.most);
            }
        }
        [squares, products]
    }

    /// The rows and columns of the cells whose square can hold an event.
    fn reach<T>(&self, table: &Table<T>, scale: usize) -> [Range<usize>; 2] {
        let before = scale / 2;
        let of = |events: &Range<usize>, size: usize| match events.is_empty() {
            true => 0..0,
            false => (events.start + before + 1).saturating_sub(scale)..(events.end + before).min(size),
        };
        [of(&table.rows, self.rows), of(&table.columns, self.columns)]
    }
}

/// A square of one cell holds 1 or 0: the sums are counts of cells.
fn of_cells(events: &Contingency) -> FractionSums {
    FractionSums {
        forecast: (events.hits + events.false_alarms) as f64,
        product: events.hits as f64,
        observed: (events.hits + events.misses) as f64,
    }
}

/// A summed-area table: how many events are above and to the left. It holds the rows that have events, and extends beyond
/// the frame on both sides.
#[derive(Debug)]
struct Table<T> {
    rows: Range<usize>,
    columns: Range<usize>,
    margin: usize,
    width: usize,
    sums: Vec<T>,
}

impl<T: Count> Table<T> {
    fn new(classes: &Classes, threshold: usize, frame_columns: usize, margin: usize) -> Self {
        let [rows, columns] = classes.extent(threshold);
        let width = frame_columns + 1 + 2 * margin;
        let mut sums = Vec::new();
        if !rows.is_empty() {
            sums.resize((rows.len() + 1) * width, T::default());
        }
        let lines = classes.cells.chunks_exact(frame_columns).skip(rows.start).take(rows.len());
        for (index, cells) in lines.enumerate() {
            let (above, line) = sums[index * width..(index + 2) * width].split_at_mut(width);
            let first = margin + 1 + columns.start;
            accumulate(&cells[columns.clone()], threshold, &above[first..], &mut line[first..]);
        }
        Self { rows, columns, margin, width, sums }
    }

    /// How many events are in the squares around the cells of a row.
    fn count(&self, row: usize, columns: Range<usize>, scale: usize, out: &mut [T]) {
        let [top, bottom] = self.lines(row, scale);
        let before = (scale / 2).min(self.margin);
        let after = (scale - scale / 2).min(self.margin);
        let [from, to] = [columns.start + self.margin - before, columns.start + self.margin + after];
        let length = columns.len();
        difference(
            &mut out[..length],
            [&bottom[to..][..length], &bottom[from..][..length]],
            [&top[to..][..length], &top[from..][..length]],
        );
    }

    /// The lines of the table above and below the squares of a row.
    fn lines(&self, row: usize, scale: usize) -> [&[T]; 2] {
        let index = |row: usize| row.clamp(self.rows.start, self.rows.end) - self.rows.start;
        let top = row.saturating_sub(scale / 2);
        [index(top), index(row + scale - scale / 2)].map(|line| &self.sums[line * self.width..][..self.width])
    }
}

/// Adds the events of a row to the table's line above it. Behind the last event the line stays as it is there.
fn accumulate<T: Count>(cells: &[u8], threshold: usize, above: &[T], line: &mut [T]) {
    // Fewer than 256 thresholds fit into a byte.
    let threshold = threshold as u8;
    let mut events = T::default();
    let (inside, behind) = line.split_at_mut(cells.len());
    for ((sum, &above), &class) in inside.iter_mut().zip(above).zip(cells) {
        events = events.plus(T::from(u8::from(class > threshold)));
        *sum = above.plus(events);
    }
    behind.iter_mut().zip(&above[cells.len()..]).for_each(|(sum, &above)| *sum = above.plus(events));
}

fn difference<T: Count>(out: &mut [T], [bottom_right, bottom_left]: [&[T]; 2], [top_right, top_left]: [&[T]; 2]) {
    let bottom = bottom_right.iter().zip(bottom_left);
    let top = top_right.iter().zip(top_left);
    for (out, ((&bottom_right, &bottom_left), (&top_right, &top_left))) in out.iter_mut().zip(bottom.zip(top)) {
        *out = bottom_right.minus(bottom_left).minus(top_right).plus(top_left);
    }
}
