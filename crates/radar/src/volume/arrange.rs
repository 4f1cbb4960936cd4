//! Turns a frame from the file's order of dimensions and directions into levels, rows and columns that run upwards,
//! northwards and eastwards.

use std::ops::Range;

use super::axes::{FieldDimension, Role};
use super::slab::Slab;

/// How frames, or some of their levels, are cut out of the variable and turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    shape: Vec<u64>,
    time: Option<usize>,
    /// For each dimension of the variable, which of levels, rows, columns it is.
    places: Vec<Option<usize>>,
    /// The cells that are cut out: levels, rows, columns.
    pub frame: [usize; 3],
    /// The first of these levels as they are stored.
    first_level: usize,
    /// The distance in what is cut out between neighbours of a level, row, column.
    strides: [usize; 3],
    reversed: [bool; 3],
}

impl Plan {
    /// The plan for a field with these dimensions. `reversed` says which of levels, rows, columns are stored the other
    /// way round.
    pub fn new(dimensions: &[FieldDimension], reversed: [bool; 3]) -> Self {
        let place = |dimension: &FieldDimension| match dimension.role {
            Role::Z => Some(0),
            Role::Y => Some(1),
            Role::X => Some(2),
            Role::Time | Role::Single => None,
        };
        let mut frame = [1; 3];
        for dimension in dimensions {
            if let Some(place) = place(dimension) {
                frame[place] = dimension.len as usize;
            }
        }
        let shape = dimensions.iter().map(|dimension| dimension.len).collect();
        let time = dimensions.iter().position(|dimension| dimension.role == Role::Time);
        let places: Vec<_> = dimensions.iter().map(place).collect();
        let strides = strides(&places, frame);
        Self { shape, time, places, frame, first_level: 0, strides, reversed }
    }

    /// The same for some of the levels, counted as frames come out.
    pub fn of_levels(&self, levels: &Range<usize>) -> Self {
        let [all, rows, columns] = self.frame;
        let first_level = if self.reversed[0] { all - levels.end } else { levels.start };
        let frame = [levels.len(), rows, columns];
        Self { frame, first_level, strides: strides(&self.places, frame), ..self.clone() }
    }

    /// The place of a frame in the variable.
    pub fn slab(&self, frame: usize) -> Slab {
        let mut slab = Slab::whole(&self.shape);
        if let Some(time) = self.time {
            slab.start[time] = frame as u64;
            slab.count[time] = 1;
        }
        if let Some(level) = self.places.iter().position(|place| *place == Some(0)) {
            slab.start[level] = self.first_level as u64;
            slab.count[level] = self.frame[0] as u64;
        }
        slab
    }

    /// The cells that are cut out.
    pub fn len(&self) -> usize {
        self.frame.iter().product()
    }

    /// Whether a frame is stored in the order that it is returned in.
    pub fn is_identity(&self) -> bool {
        let [_, rows, columns] = self.frame;
        let dense = [rows * columns, columns, 1];
        (0..3).all(|place| self.frame[place] == 1 || (self.strides[place] == dense[place] && !self.reversed[place]))
    }

    /// Turns a stored frame.
    pub fn turn<T: Copy>(&self, stored: &[T], into: &mut [T]) {
        let [_, num_rows, num_columns] = self.frame;
        for (number, row) in into.chunks_exact_mut(num_columns).enumerate() {
            let start = self.along(0, number / num_rows) + self.along(1, number % num_rows);
            if self.strides[2] == 1 {
                let cells = &stored[start..start + num_columns];
                row.copy_from_slice(cells);
                if self.reversed[2] {
                    row.reverse();
                }
            } else {
                row.iter_mut().enumerate().for_each(|(column, cell)| *cell = stored[start + self.along(2, column)]);
            }
        }
    }

    /// The distance in a stored frame from its first cell to the `index`th of a direction.
    fn along(&self, place: usize, index: usize) -> usize {
        let index = if self.reversed[place] { self.frame[place] - 1 - index } else { index };
        index * self.strides[place]
    }
}

/// The distances between neighbours, if so many levels, rows and columns are stored in the order of these dimensions.
fn strides(places: &[Option<usize>], frame: [usize; 3]) -> [usize; 3] {
    let (mut strides, mut stride) = ([0; 3], 1_usize);
    for place in places.iter().rev().flatten() {
        strides[*place] = stride;
        stride = stride.saturating_mul(frame[*place]);
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dimensions(roles: &[(Role, u64)]) -> Vec<FieldDimension> {
        let dimension =
            |&(role, len): &(Role, u64)| FieldDimension { role, len, name: String::new(), coordinate: None };
        roles.iter().map(dimension).collect()
    }

    #[test]
    fn the_usual_order_needs_no_turning() {
        let usual = dimensions(&[(Role::Time, 4), (Role::Z, 2), (Role::Y, 3), (Role::X, 5)]);
        let plan = Plan::new(&usual, [false; 3]);
        assert!(plan.is_identity());
        assert_eq!(plan.slab(3), Slab { start: vec![3, 0, 0, 0], count: vec![1, 2, 3, 5] });
        assert!(!Plan::new(&usual, [false, true, false]).is_identity());
    }

    #[test]
    fn rows_levels_and_columns_are_turned() {
        let plan = Plan::new(&dimensions(&[(Role::Z, 2), (Role::Y, 2), (Role::X, 3)]), [true, true, true]);
        let mut turned = [0; 12];
        plan.turn(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], &mut turned);
        assert_eq!(turned, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    }

    #[test]
    fn some_levels_are_those_of_the_whole_in_any_order_of_dimensions() {
        use Role::{X, Y, Z};
        for order in [[Z, Y, X], [X, Z, Y], [Y, X, Z]] {
            for reversed in [[false; 3], [true, false, true]] {
                let lens = order.map(|role| (role, if role == Z { 5 } else { 2 }));
                let plan = Plan::new(&dimensions(&lens), reversed);
                let stored: Vec<u64> = (0..20).collect();
                let mut whole = vec![0; 20];
                plan.turn(&stored, &mut whole);
                for levels in [0..2, 2..4, 4..5] {
                    let some = plan.of_levels(&levels);
                    let mut cut = Vec::new();
                    let Slab { start, count } = some.slab(0);
                    for index in 0..20 {
                        let at = [
                            index / (count_of(&lens, 1) * count_of(&lens, 2)),
                            index / count_of(&lens, 2) % count_of(&lens, 1),
                            index % count_of(&lens, 2),
                        ];
                        let is_in = (0..3).all(|d| (start[d]..start[d] + count[d]).contains(&at[d]));
                        cut.extend(is_in.then_some(stored[index as usize]));
                    }
                    let mut turned = vec![0; some.len()];
                    some.turn(&cut, &mut turned);
                    assert_eq!(turned, whole[levels.start * 4..levels.end * 4], "{order:?} {reversed:?} {levels:?}");
                }
            }
        }
    }

    fn count_of(lens: &[(Role, u64)], dimension: usize) -> u64 {
        lens[dimension].1
    }

    #[test]
    fn any_order_of_dimensions_is_turned() {
        // Stored as (column, level, row): the number of a cell says where it belongs.
        let plan = Plan::new(&dimensions(&[(Role::X, 3), (Role::Z, 2), (Role::Y, 2)]), [true, false, false]);
        let stored: Vec<i32> =
            (0..3).flat_map(|x| (0..2).flat_map(move |z| (0..2).map(move |y| 100 * (1 - z) + 10 * y + x))).collect();
        let mut turned = vec![0; 12];
        plan.turn(&stored, &mut turned);
        assert_eq!(turned, [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112]);
    }
}
