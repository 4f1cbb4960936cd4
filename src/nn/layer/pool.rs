//! Pooling.

use tch::Tensor;

/// The maximum of each window of `size` rows and columns, `[b, c, y, x]`. Windows do not overlap; rows and columns that
/// do not fill a window are left out.
pub fn max_pool(images_bcyx: &Tensor, size: i64) -> Tensor {
    images_bcyx.max_pool2d([size, size], [size, size], [0, 0], [1, 1], false)
}
