//! Turns a frame from the file's order of dimensions and directions into levels, rows and columns that run upwards,
//! northwards and eastwards.

use super::axes::{FieldDimension, Role};
use super::slab::Slab;

/// How frames are cut out of the variable and turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    shape: Vec<u64>,
    time: Option<usize>,
    /// The cells of a frame: levels, rows, columns.
    pub frame: [usize; 3],
    /// The distance in a stored frame between neighbours of a level, row, column.
    strides: [usize; 3],
    reversed: [bool; 3],
}

impl Plan {
    /// The plan for a field with these dimensions. `reversed` says which of levels, rows, columns are stored the other
    /// way round.
    pub fn new(dimensions: &[FieldDimension], reversed: [bool; 3]) -> Self {
        let (mut frame, mut strides) = ([1; 3], [0; 3]);
        let mut stride = 1_usize;
        for dimension in dimensions.iter().rev() {
            let place = match dimension.role {
                Role::Z => 0,
                Role::Y => 1,
                Role::X => 2,
                Role::Time | Role::Single => continue,
            };
            frame[place] = dimension.len as usize;
            strides[place] = stride;
            stride = stride.saturating_mul(dimension.len as usize);
        }
        let shape = dimensions.iter().map(|dimension| dimension.len).collect();
        let time = dimensions.iter().position(|dimension| dimension.role == Role::Time);
        Self { shape, time, frame, strides, reversed }
    }

    /// The place of a frame in the variable.
    pub fn slab(&self, frame: usize) -> Slab {
        let mut slab = Slab::whole(&self.shape);
        if let Some(time) = self.time {
            slab.start[time] = frame as u64;
            slab.count[time] = 1;
        }
        slab
    }

    /// The cells of a frame.
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
