//! Frames whose rows and columns a network's steps do not divide: they are filled up at the end with the border's values, and the
//! output is cut.

use tch::Tensor;

/// Images `[n, c, y, x]` whose rows and columns a number divides.
pub(super) fn filled(images_ncyx: &Tensor, divisor: i64) -> Tensor {
    let size = images_ncyx.size();
    let [down, across] = [size[2], size[3]].map(|cells| (divisor - cells % divisor) % divisor);
    if down == 0 && across == 0 {
        images_ncyx.shallow_clone()
    } else {
        images_ncyx.replication_pad2d([0, across, 0, down])
    }
}

/// The same in TorchScript, of an expression for the images, whose rows and columns are those of `frames`.
pub(super) fn script(images: &str, divisor: i64) -> String {
    let fill = |axis: usize| {
        let left = format!("torch.remainder(torch.size(frames, {axis}), {divisor})");
        format!("torch.remainder(torch.sub({divisor}, {left}), {divisor})")
    };
    format!("torch.replication_pad2d({images}, [0, {}, 0, {}])", fill(4), fill(3))
}
