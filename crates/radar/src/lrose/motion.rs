//! The motion that a forecast was carried along, as variables of its file: enough to run the model elsewhere with what it
//! was run with here. On the grid of the model, whose dimensions have no coordinates: no tool takes them for a field.

use super::container::{Attribute, Dimension, File, Values, Variable};
use super::{number, text};

/// Motion of the parts of a volume that move by themselves, and the times that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Motions {
    /// Parts: levels, or all of them as one.
    pub parts: usize,
    /// Rows and columns of nodes.
    pub nodes: [usize; 2],
    /// Cells of the model's grid between two nodes.
    pub cells_per_node: usize,
    /// Rows and columns of that grid.
    pub size: [usize; 2],
    /// Cells per minute: of each part towards higher columns, then towards higher rows.
    pub values: Vec<f32>,
    /// When each frame was taken and each forecast is for, from the last frame.
    pub minutes: Vec<f32>,
}

impl Motions {
    /// Adds the variables to a file.
    pub fn add_to<'a>(&'a self, file: &mut File<'a>) {
        let first = file.dimensions.len();
        let [rows, columns] = self.nodes;
        let dimensions = [
            ("motion_part", self.parts),
            ("motion_direction", 2),
            ("motion_row", rows),
            ("motion_column", columns),
            ("motion_time", self.minutes.len()),
        ];
        let dimension = |(name, length): (&'static str, usize)| Dimension { name: name.into(), length };
        file.dimensions.extend(dimensions.map(dimension));
        let variable = |name: &'static str, dimensions: Vec<usize>, attributes, values: &'a [f32]| Variable {
            name: name.into(),
            dimensions,
            attributes,
            values: Values::Float(values.into()),
        };
        file.variables.extend([
            variable("motion", (first..first + 4).collect(), self.attributes(), &self.values),
            variable("minutes", vec![first + 4], minutes(), &self.minutes),
        ]);
    }

    fn attributes(&self) -> Vec<Attribute> {
        let cells = |name, count: usize| number(name, Values::Int(vec![count as i32]));
        let [rows, columns] = self.size;
        vec![
            text("long_name", "motion of the echo in cells of the model per minute: to the east, then to the north"),
            text("units", "min-1"),
            text("comment", "one node for each block of cells_per_node x cells_per_node cells; bilinear between them"),
            cells("cells_per_node", self.cells_per_node),
            cells("model_rows", rows),
            cells("model_columns", columns),
        ]
    }
}

/// "min", as xarray turns "minutes" into durations.
fn minutes() -> Vec<Attribute> {
    vec![
        text("long_name", "when each input frame was taken and each forecast is for, after the last frame"),
        text("units", "min"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::container::classic_bytes;
    use super::*;

    #[test]
    fn a_file_has_the_motion_of_each_part_and_the_times_after_what_it_had() {
        let motions = Motions {
            parts: 2,
            nodes: [3, 4],
            cells_per_node: 8,
            size: [20, 30],
            values: (0..48).map(|number| number as f32).collect(),
            minutes: vec![-5.0, 0.0, 5.0],
        };
        let time = Dimension { name: "time".into(), length: 1 };
        let mut file = File { dimensions: vec![time], attributes: Vec::new(), variables: Vec::new() };
        motions.add_to(&mut file);
        let lengths: Vec<_> = file.dimensions.iter().map(|dimension| dimension.length).collect();
        assert_eq!(lengths, [1, 2, 2, 3, 4, 3]);
        let [motion, minutes] = &file.variables[..] else { panic!("{file:?}") };
        assert_eq!((&*motion.name, &motion.dimensions[..]), ("motion", &[1, 2, 3, 4][..]));
        assert_eq!((&*minutes.name, &minutes.dimensions[..]), ("minutes", &[5][..]));
        assert!(classic_bytes(&file).is_ok());
    }
}
