//! The type that a model computes in. Weights are fp32 and stay so; what a step multiplies is cast, explicitly and once, and
//! statistics, losses and gradients of weights are fp32 again. So it works the same on every device.
//!
//! Not autocast: libtorch's does nothing on a CPU, and `tch` can't choose its type.

use tch::{Kind, Tensor};

/// What a model computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32 bits.
    Fp32,
    /// 16 bits with the range of fp32.
    Bf16,
    /// 16 bits with a small range: gradients need a loss scaler.
    Fp16,
}

/// What matters of a device for the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardware {
    /// A CPU, and whether it multiplies bf16 by itself.
    Cpu {
        /// AVX-512 BF16 or AMX: without them libtorch converts back and forth and is slower than with fp32.
        multiplies_bf16: bool,
    },
    /// An NVIDIA GPU with its compute capability.
    Cuda {
        /// The number before the point.
        major: u32,
        /// The number after it.
        minor: u32,
    },
}

/// CPU flags, as Linux writes them, of instructions that multiply bf16.
const BF16_FLAGS: [&str; 2] = ["avx512_bf16", "amx_bf16"];

impl Hardware {
    /// A CPU by the text of `/proc/cpuinfo`.
    #[must_use]
    pub fn from_cpuinfo(cpuinfo: &str) -> Self {
        let flags = cpuinfo.lines().find_map(|line| line.strip_prefix("flags")).unwrap_or_default();
        Self::Cpu { multiplies_bf16: flags.split_whitespace().any(|flag| BF16_FLAGS.contains(&flag)) }
    }
}

impl Precision {
    /// The fastest one that needs no loss scaler: bf16 if the hardware multiplies it, else fp32.
    #[must_use]
    pub fn best_for(hardware: Hardware) -> Self {
        match hardware {
            Hardware::Cpu { multiplies_bf16: true } => Self::Bf16,
            // Ampere has compute capability 8.0. Older GPUs emulate bf16.
            Hardware::Cuda { major, .. } if major >= 8 => Self::Bf16,
            Hardware::Cpu { .. } | Hardware::Cuda { .. } => Self::Fp32,
        }
    }

    /// libtorch's name of it.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Fp32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
            Self::Fp16 => Kind::Half,
        }
    }

    /// A tensor in this type; unchanged if it already is. The gradient goes back in the tensor's own type.
    pub fn cast(self, tensor: &Tensor) -> Tensor {
        tensor.to_kind(self.kind())
    }

    /// Whether small gradients would become 0 without a loss scaler.
    #[must_use]
    pub fn needs_scaler(self) -> bool {
        self == Self::Fp16
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bf16_is_chosen_if_the_hardware_multiplies_it() {
        let cpu = |multiplies_bf16| Precision::best_for(Hardware::Cpu { multiplies_bf16 });
        let cuda = |major, minor| Precision::best_for(Hardware::Cuda { major, minor });
        assert_eq!([cpu(true), cuda(8, 0), cuda(9, 0), cuda(12, 0)], [Precision::Bf16; 4]);
        assert_eq!([cpu(false), cuda(7, 5), cuda(7, 0), cuda(6, 1)], [Precision::Fp32; 4]);
    }

    #[test]
    fn a_cpu_is_known_by_its_flags() {
        let cpu =
            |flags: &str| Hardware::from_cpuinfo(&format!("processor\t: 0\nmodel name\t: x\nflags\t\t: {flags}\n"));
        let expected = |multiplies_bf16| Hardware::Cpu { multiplies_bf16 };
        assert_eq!(cpu("fpu avx512f avx512_bf16 avx512_vp2intersect"), expected(true));
        assert_eq!(cpu("fpu avx512f amx_bf16"), expected(true));
        assert_eq!(cpu("fpu avx2 avx512f avx512_bf16_like"), expected(false));
        assert_eq!(Hardware::from_cpuinfo(""), expected(false));
    }

    #[test]
    fn a_cast_gives_its_gradient_back_in_fp32() {
        for precision in [Precision::Fp32, Precision::Bf16, Precision::Fp16] {
            let master = Tensor::from_slice(&[1.0_f32, 2.0]).set_requires_grad(true);
            let cast = precision.cast(&master);
            assert_eq!(cast.kind(), precision.kind());
            (&cast * &cast).sum(Kind::Float).backward();
            assert_eq!(master.grad().kind(), Kind::Float);
            assert_eq!(Vec::<f32>::try_from(master.grad()).unwrap(), [2.0, 4.0]);
        }
    }
}
