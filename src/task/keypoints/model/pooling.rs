//! How the frames of a sequence become one vector: padding never counts.

use tch::{Kind, Tensor};

use super::config::Pooling;
use super::sequences::Frames;

/// Vectors `[b, d]` of frames `[b, t, d]`, whose padding is 0.
pub fn pool(pooling: Pooling, frames_btd: &Tensor, frames: &Frames) -> Tensor {
    let device = frames_btd.device();
    let lengths_b = Tensor::from_slice(frames.lengths()).to_device(device);
    match pooling {
        Pooling::Mean => frames_btd.sum_dim_intlist([1].as_slice(), false, Kind::Float) / lengths_b.unsqueeze(1),
        Pooling::Max => {
            let padding_bt1 = frames.mask(device).logical_not().unsqueeze(2);
            frames_btd.masked_fill(&padding_bt1, f64::NEG_INFINITY).amax([1].as_slice(), false)
        }
        Pooling::Last => {
            let width = frames_btd.size()[2];
            let last_b1d = (lengths_b - 1).view([-1, 1, 1]).expand([-1, 1, width], false);
            frames_btd.gather(1, &last_b1d, false).squeeze_dim(1)
        }
    }
}

/// The same in PyTorch: of `frames`, which of them are `real`, and `lengths`.
pub fn in_python(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::Mean => "(frames * real).sum(1) / lengths[:, None]",
        Pooling::Max => "frames.masked_fill(~real, -torch.inf).amax(1)",
        Pooling::Last => "frames[torch.arange(len(frames)), lengths - 1]",
    }
}

/// The same in TorchScript: of `frames`, which of them are `real` or `padding`, and `lengths_b`.
pub fn in_torchscript(pooling: Pooling) -> &'static str {
    match pooling {
        Pooling::Mean => "torch.div(torch.sum(torch.mul(frames, real), [1]), torch.unsqueeze(lengths_b, 1))",
        Pooling::Max => "torch.amax(torch.masked_fill(frames, padding, -3.0e+38), [1])",
        Pooling::Last => {
            "torch.select(torch.gather(frames, 1, torch.expand(torch.reshape(torch.sub(lengths_b, 1), [-1, 1, 1]), \
             [-1, 1, torch.size(frames, 2)])), 1, 0)"
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn masked_pooling_never_sees_padding() {
        let frames = Frames::new(&[1, 3], 3, Device::Cpu);
        let values = Tensor::from_slice(&[-1.0_f32, -2.0, 0.0, 0.0, 0.0, 0.0, 4.0, -9.0, 1.0, -3.0, 1.0, -6.0]);
        let pooled = |pooling| Vec::<f32>::try_from(pool(pooling, &values.view([2, 3, 2]), &frames).flatten(0, -1));
        assert_eq!(pooled(Pooling::Mean).unwrap(), [-1.0, -2.0, 2.0, -6.0]);
        assert_eq!(pooled(Pooling::Max).unwrap(), [-1.0, -2.0, 4.0, -3.0]);
        assert_eq!(pooled(Pooling::Last).unwrap(), [-1.0, -2.0, 1.0, -6.0]);
    }
}
