//! Synthetic storms as the configuration asks for them. How they are made is up to `fragua-radar`.

use std::path::Path;

use fragua_radar::synth;
pub use fragua_radar::synth::SynthError;

use crate::data::synthetic::Storms;
use crate::util::surroundings::Surroundings;

/// Writes the events below a folder, as [`synth::write`] does.
///
/// # Errors
/// See [`synth::write`].
pub fn write(storms: &Storms, into: &Path, around: &Surroundings<'_>) -> Result<(), SynthError> {
    let Storms { events, frames, grid, levels, seed } = *storms;
    let storms = synth::Storms { events, frames, grid, levels, seed };
    synth::write(&storms, into, around.stop, around.progress).map(drop)
}
