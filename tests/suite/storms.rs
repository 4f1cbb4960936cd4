//! Three small synthetic events with a configuration that uses them in place, made once and copied.

use crate::kept::copy_of;
use crate::program::Program;

const CONFIG: &str = "\
data:
  name: d
  source:
    - path: {path: storms}
task:
  nowcast:
    prepare: {size: [24, 24]}
    windows: {input_frames: 4, target_frames: 2, stride: 1}
    split: {val_share: 0.3}
";

/// Events of 12 frames without gaps, 48 x 48 cells and 2 levels.
pub fn in_place() -> Program {
    let program = Program::new();
    copy_of("storms", program.folder(), || {
        let program = Program::new();
        let size = ["--events", "3", "--frames", "12", "--grid", "48", "--levels", "2"];
        program.succeed(&[&["synth", "--output", "storms"][..], &size].concat());
        program.write("config.yaml", CONFIG);
        program
    });
    program
}
