//! Synthetic storms as the configuration asks for them. How they are made is up to `fragua-radar`.

use std::path::Path;

use fragua_radar::synth::{self, Storms};
pub use fragua_radar::synth::{Packing, Summary, SynthError, pack};

use crate::data::config::Synthetic;
use crate::util::progress::Progress;
use crate::util::stop::Stop;

/// Writes the events below a folder, as [`synth::write`] does.
///
/// # Errors
/// See [`synth::write`].
pub fn write(config: &Synthetic, into: &Path, stop: &Stop, progress: &dyn Progress) -> Result<Summary, SynthError> {
    let Synthetic { events, frames, grid, levels, seed } = *config;
    synth::write(&Storms { events, frames, grid, levels, seed }, into, stop, progress)
}
