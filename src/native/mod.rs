//! What libtorch has and `tch` does not expose: the only place with `unsafe`.

pub mod abort;
pub mod apart;
pub mod crash;
pub mod cuda;
pub mod flat;
pub mod gpu;
pub mod leave;
pub mod memory;
pub mod parallel;
pub mod relay;
pub mod said;
pub mod shortage;
pub mod versions;
pub mod wide;
