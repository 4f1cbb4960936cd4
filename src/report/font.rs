//! The font of all pictures, carried inside the program: containers have none.

use plotters::style::{FontStyle, register_font};

/// The name under which pictures ask for the font.
pub const FAMILY: &str = "sans-serif";

/// Makes the font known to the plotting library; calling it again does no harm.
pub fn register() {
    static BYTES: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
    let registered = register_font(FAMILY, FontStyle::Normal, BYTES);
    debug_assert!(registered.is_ok(), "the font inside the program is damaged");
}
