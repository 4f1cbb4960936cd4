//! Outputs that a network makes lead by lead, `[b, leads, parts * c, y, x]`: they are cut to the frame and ordered by parts first,
//! `[b, parts * leads, c, y, x]`.

use tch::Tensor;

use super::Sizes;

/// Of the output of every lead, the frame.
pub(super) fn ordered(output_bkcyx: &Tensor, sizes: &Sizes, [rows, columns]: [i64; 2]) -> Tensor {
    let cut_bkcyx = output_bkcyx.narrow(3, 0, rows).narrow(4, 0, columns);
    cut_bkcyx.unflatten(2, [sizes.parts, sizes.channels]).transpose(1, 2).flatten(1, 2)
}

/// The same in TorchScript: the lines that return an expression.
pub(super) fn script(output: &str, sizes: &Sizes) -> Vec<String> {
    let Sizes { parts, channels, .. } = sizes;
    vec![
        format!("output = torch.slice({output}, 3, 0, torch.size(frames, 3))"),
        "output = torch.slice(output, 4, 0, torch.size(frames, 4))".to_owned(),
        format!("output = torch.transpose(torch.unflatten(output, 2, [{parts}, {channels}]), 1, 2)"),
        "return torch.flatten(output, 1, 2)".to_owned(),
    ]
}

/// The same in PyTorch.
pub(super) fn python(output: &str, sizes: &Sizes) -> String {
    let Sizes { parts, channels, .. } = sizes;
    format!(
        "        output = {output}[..., :rows, :columns].unflatten(2, ({parts}, {channels}))
        return output.transpose(1, 2).flatten(1, 2)
"
    )
}
