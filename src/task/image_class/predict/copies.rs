//! An image shifted by a pixel: what a model says of it and its four neighbours is more certain than of itself alone.

/// Where the copies are, as rows and columns.
const SHIFTS: [[i64; 2]; 5] = [[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]];

/// The shifts of so many copies, the image itself first.
pub(super) fn shifts(copies: usize) -> &'static [[i64; 2]] {
    &SHIFTS[..copies.clamp(1, SHIFTS.len())]
}

/// Images shifted by rows and columns. What comes in is the background, 0.
pub(super) fn shifted(levels: &[u8], [rows, columns]: [usize; 2], [down, right]: [i64; 2]) -> Vec<u8> {
    if [down, right] == [0, 0] {
        return levels.to_vec();
    }
    let mut moved = vec![0; levels.len()];
    let size = rows * columns;
    let from = |place: usize, shift: i64, most: usize| {
        usize::try_from(place as i64 - shift).ok().filter(|place| *place < most)
    };
    for (image, out) in levels.chunks_exact(size).zip(moved.chunks_exact_mut(size)) {
        for (place, level) in out.iter_mut().enumerate() {
            let source = (from(place / columns, down, rows), from(place % columns, right, columns));
            if let (Some(row), Some(column)) = source {
                *level = image[row * columns + column];
            }
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_shifted_by_a_pixel_and_filled_with_the_background() {
        let image = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];
        let moved = |shift| shifted(&image, [2, 3], shift);
        assert_eq!(moved([0, 0]), image);
        assert_eq!(moved([1, 0]), [0, 0, 0, 1, 2, 3, 0, 0, 0, 11, 12, 13]);
        assert_eq!(moved([-1, 0]), [4, 5, 6, 0, 0, 0, 14, 15, 16, 0, 0, 0]);
        assert_eq!(moved([0, 1]), [0, 1, 2, 0, 4, 5, 0, 11, 12, 0, 14, 15]);
        assert_eq!(moved([0, -1]), [2, 3, 0, 5, 6, 0, 12, 13, 0, 15, 16, 0]);
    }

    #[test]
    fn all_five_copies_are_different_and_the_first_is_the_image() {
        assert_eq!((shifts(1), shifts(5).len(), shifts(0).len()), (&[[0, 0]][..], 5, 1));
        let mut all = shifts(5).to_vec();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 5);
    }
}
