//! The samples of the tests' task: points of a plane with a little noise, in an order that depends on seed and epoch.

use rand::Rng;

use crate::data::loader::{Order, Position};
use crate::train::feed::{Feed, FeedError, Stream};
use crate::util::seed::generator;

#[derive(Clone, Debug)]
pub(in crate::train::engine) struct Row {
    pub(in crate::train::engine) number: usize,
    pub(in crate::train::engine) inputs: [f32; 3],
    pub(in crate::train::engine) output: f32,
}

pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
    pub(super) order: Order,
}

/// y = 2 a - b + 0.5 c + 3, with a little noise.
pub(in crate::train::engine) fn rows(purpose: &str, count: usize) -> Vec<Row> {
    let row = |number| {
        let mut random = generator(7, purpose, 0, number as u64);
        let inputs: [f32; 3] = std::array::from_fn(|_| random.random_range(-1.0..1.0));
        let noise = random.random_range(-0.01..0.01);
        let output = 2.0 * inputs[0] - inputs[1] + 0.5 * inputs[2] + 3.0 + noise;
        Row { number, inputs, output }
    };
    (0..count).map(row).collect()
}

impl Feed for Rows {
    type Sample = Row;

    fn samples(&self) -> usize {
        self.rows.len()
    }

    fn start(&self, position: Position) -> Result<Stream<Row>, FeedError> {
        let order = self.order.epoch(position.epoch, self.rows.len() as u32);
        let rows: Vec<Row> = order[position.next..].iter().map(|&number| self.rows[number as usize].clone()).collect();
        Ok(Box::new(rows.into_iter().map(Ok)))
    }
}
